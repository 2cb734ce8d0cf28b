/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/model.h"
#include "core/base/memory.h"
#include "lua/na_lua.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int na_model_build(const char *name, const na_model_options *options, na_net **net, na_error *err)
{
  na_lua *lua;
  *net = NULL;
  int code = na_lua_new(&lua, &(na_lua_setup){.print = NULL}, err);
  if (code != NA_OK) return code;
  const na_lua_model model = {
      .name = name,
      .width_mult = options->width_mult,
      .resolution = options->resolution,
      .classes = options->classes,
      .channels = options->channels,
      .stem_stride = options->stem_stride,
      .width = options->width.count > 0 ? &options->width : NULL,
      .expand = options->expand.count > 0 ? &options->expand : NULL,
  };
  code = na_lua_build(lua, &model, net, err);
  na_lua_free(lua);
  return code;
}

/* A name with a dot or a slash was meant as a file, whether or not it is there. */
static bool looks_like_checkpoint(const char *name)
{
  size_t length = strlen(name);
  if (length > 4 && strcmp(name + length - 4, ".lua") == 0) return false;
  return access(name, F_OK) == 0 || strpbrk(name, "./") != NULL;
}

static bool shaped(const na_model_options *o)
{
  return o->resolution != 0 || o->classes != 0 || o->channels != 0 || o->stem_stride != 0 ||
         o->width_mult != 0 || o->width.count != 0 || o->expand.count != 0;
}

int na_model_open(const char *name, const na_model_options *options, na_net **net, na_error *err)
{
  if (!looks_like_checkpoint(name)) return na_model_build(name, options, net, err);
  *net = NULL;
  if (shaped(options)) {
    na_fail(err, NA_EINVAL, "%s is a file: its network's shape is given", name);
    return na_hint(err, "leave out the options that shape a model of the zoo");
  }
  na_checkpoint state = {0};
  int code = na_checkpoint_load(name, net, &state, err);
  na_checkpoint_free(&state);
  return code;
}

void na_model_shape(const na_layer *layer, const int *widths, char out[32])
{
  snprintf(out, 32, "%dx%dx%d", widths[layer->out], layer->height, layer->width);
}

int na_model_widths(const na_net *net, bool widest, int **widths, na_error *err)
{
  *widths = na_alloc_array((size_t)net->dim_count, sizeof **widths);
  if (*widths == NULL)
    return na_fail_memory(err, (size_t)net->dim_count * sizeof **widths, "a list of widths");
  if (widest)
    na_net_widest(net, *widths);
  else
    na_net_base(net, *widths);
  return NA_OK;
}
