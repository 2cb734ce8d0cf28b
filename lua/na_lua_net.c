/* Networks as scripts see them: parameters, dimensions, widths, cost, files.
 *
 * Widths are a table from the name of a dimension to its channels; where a function takes widths it
 * also takes "base" and "widest", and dimensions that a table leaves out are at base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/store/checkpoint.h"

#include <math.h>
#include <string.h>

static const char *const class = "netaug.net";

na_net *na_lua_net_get(lua_State *L, int index)
{
  na_net **net = luaL_checkudata(L, index, class);
  if (*net == NULL) na_lua_fail(L, "this network was freed");
  return *net;
}

na_net **na_lua_push_net(lua_State *L)
{
  na_net **net = lua_newuserdatauv(L, sizeof *net, 0);
  *net = NULL;
  luaL_setmetatable(L, class);
  return net;
}

static int collect(lua_State *L)
{
  na_net **net = luaL_checkudata(L, 1, class);
  na_net_free(*net);
  *net = NULL;
  return 0;
}

/* Once built: has parameters. */
static na_net *check(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  if (net->weights == NULL) na_lua_fail(L, "network %s is not finished", net->name);
  return net;
}

/* ------------------------------------------------------------------------------ widths */

/* An array of dim_count ints that the collector frees. */
static int *push_ints(lua_State *L, const na_net *net)
{
  int *values = lua_newuserdatauv(L, (size_t)net->dim_count * sizeof *values, 0);
  memset(values, 0, (size_t)net->dim_count * sizeof *values);
  return values;
}

static int find_dim(lua_State *L, const na_net *net, const char *name)
{
  for (int d = 0; d < net->dim_count; d++)
    if (strcmp(net->dims[d].name, name) == 0) return d;
  const char **names = lua_newuserdatauv(L, (size_t)net->dim_count * sizeof *names, 0);
  for (int d = 0; d < net->dim_count; d++) names[d] = net->dims[d].name;
  na_lua_check_key(L, "the network", "dimension", name, names, net->dim_count);
  return -1;
}

/* Writes the numbers of the table at index (dimension name -> number) into values. */
static void read_dims(lua_State *L, int index, const na_net *net, int *values, int offset)
{
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isinteger(L, -1))
      na_lua_fail(L, "expected a table from names of dimensions to whole numbers");
    lua_Integer value = lua_tointeger(L, -1) - offset;
    if (value < 0 || value > 1 << 30)
      na_lua_fail(L, "%lld is out of range", (long long)value + offset);
    values[find_dim(L, net, lua_tostring(L, -2))] = (int)value;
    lua_pop(L, 1);
  }
}

static void push_widths(lua_State *L, const na_net *net, const int *widths)
{
  lua_createtable(L, 0, net->dim_count);
  for (int d = 0; d < net->dim_count; d++) {
    lua_pushinteger(L, widths[d]);
    lua_setfield(L, -2, net->dims[d].name);
  }
}

/* The widths that argument `index` stands for, valid until the function returns. */
static const int *read_widths(lua_State *L, int index, const na_net *net)
{
  static const char *const words[] = {"base", "widest", NULL};
  na_error err = {0};
  if (lua_gettop(L) < index) lua_settop(L, index);
  int *widths = push_ints(L, net);
  if (lua_istable(L, index)) {
    int top = lua_gettop(L);
    na_net_base(net, widths);
    read_dims(L, index, net, widths, 0);
    lua_settop(L, top);
    if (na_net_check_widths(net, widths, &err) != NA_OK) na_lua_raise(L, &err);
  } else if (luaL_checkoption(L, index, "base", words) == 0)
    na_net_base(net, widths);
  else
    na_net_widest(net, widths);
  return widths;
}

/* net:widths([what]): what is "base", "widest" or a table from dimension to candidate number. */
static int widths(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  na_error err = {0};
  if (!lua_istable(L, 2)) {
    push_widths(L, net, read_widths(L, 2, net));
    return 1;
  }
  int *choices = push_ints(L, net), *values = push_ints(L, net);
  read_dims(L, 2, net, choices, 1);
  if (na_net_check_choices(net, choices, &err) != NA_OK) return na_lua_raise(L, &err);
  na_net_widths(net, choices, values);
  push_widths(L, net, values);
  return 1;
}

/* net:sample([mode [, seed]]) */
static int sample(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  const char *mode = luaL_optstring(L, 2, "random");
  static const char *const words[] = {
#define WORD(symbol, name, help) name,
      NA_SAMPLINGS(WORD)
#undef WORD
  };
  na_lua_check_key(L, "net:sample", "mode", mode, words, NA_SAMPLE_COUNT);
  na_random random = na_random_at((uint64_t)luaL_optinteger(L, 3, 1), 0, 0);
  int *choices = push_ints(L, net), *values = push_ints(L, net);
  na_net_sample(net, (na_sampling)na_sampling_find(mode), &random, choices);
  na_net_widths(net, choices, values);
  push_widths(L, net, values);
  return 1;
}

static const char *const dim_kinds[] = {"fixed", "width", "expand", "squeeze"};

/* net:dims(): a list of { name, kind, base, max, list, source }. */
static int dims(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  lua_createtable(L, net->dim_count, 0);
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    lua_createtable(L, 0, 6);
    lua_pushstring(L, dim->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, dim_kinds[dim->kind]);
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, dim->base);
    lua_setfield(L, -2, "base");
    lua_pushinteger(L, dim->max);
    lua_setfield(L, -2, "max");
    if (dim->kind == NA_DIM_WIDTH || dim->kind == NA_DIM_EXPAND)
      na_lua_push_list(L, &dim->list);
    else
      lua_pushnil(L);
    lua_setfield(L, -2, "list");
    if (dim->source >= 0)
      lua_pushstring(L, net->dims[dim->source].name);
    else
      lua_pushnil(L);
    lua_setfield(L, -2, "source");
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

/* -------------------------------------------------------------------------------- cost */

static void push_count(lua_State *L, const char *name, long long value)
{
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void push_cost(lua_State *L, const na_cost *cost)
{
  lua_createtable(L, 0, 6);
  push_count(L, "parameters", cost->parameters);
  push_count(L, "norm_parameters", cost->norm_parameters);
  push_count(L, "macs", cost->macs);
  push_count(L, "activation", cost->activation);
}

/* net:cost([widths]) */
static int cost(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  const int *w = read_widths(L, 2, net);
  na_cost total;
  na_net_cost(net, w, &total);
  push_cost(L, &total);
  push_count(L, "peak", na_net_peak_activation(net, w));
  return 1;
}

/* net:layers([widths]): a list of { name, kind, channels, height, width, kernel, stride, rate, act,
 * cost }. */
static int layers(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  const int *w = read_widths(L, 2, net);
  lua_createtable(L, net->layer_count, 0);
  for (int i = 0; i < net->layer_count; i++) {
    const na_layer *layer = &net->layers[i];
    na_cost one;
    na_layer_cost(net, i, w, &one);
    push_cost(L, &one);
    lua_pushstring(L, layer->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, na_kind_name(layer->kind));
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, na_activation_name(layer->act));
    lua_setfield(L, -2, "act");
    push_count(L, "channels", w[layer->out]);
    push_count(L, "height", layer->height);
    push_count(L, "width", layer->width);
    push_count(L, "kernel", layer->kernel);
    push_count(L, "stride", layer->stride);
    lua_pushnumber(L, layer->rate);
    lua_setfield(L, -2, "rate");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---------------------------------------------------------------------------- parameters */

/* net:params(): names of the parameters, then of the running statistics. */
static int params(lua_State *L)
{
  na_net *net = check(L);
  lua_createtable(L, net->param_count + net->buffer_count, 0);
  for (int i = 0; i < net->param_count; i++) {
    lua_pushstring(L, net->params[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  for (int i = 0; i < net->buffer_count; i++) {
    lua_pushstring(L, net->buffers[i].name);
    lua_rawseti(L, -2, net->param_count + i + 1);
  }
  return 1;
}

static const char *param_name_at(const void *list, int i)
{
  const na_net *net = list;
  return i < net->param_count ? net->params[i].name : net->buffers[i - net->param_count].name;
}

static int refuse_param(lua_State *L, const na_net *net, const char *name)
{
  int near = na_text_nearest(name, net->param_count + net->buffer_count, param_name_at, net);
  if (near < 0)
    return na_lua_fail(L, "network %s has no parameter \"%s\"\nnet:params() lists them", net->name,
                       name);
  return na_lua_fail(L, "network %s has no parameter \"%s\"\ndid you mean \"%s\"?", net->name, name,
                     param_name_at(net, near));
}

/* The tensor `name` and the block it lies in. Raises when there is none. */
static const na_param *find_param(lua_State *L, const na_net *net, const char *name, float **block)
{
  const na_param *param = na_net_param(net, name);
  *block = net->weights;
  if (param != NULL) return param;
  param = na_net_buffer(net, name);
  *block = net->running;
  if (param == NULL) refuse_param(L, net, name);
  return param;
}

/* net:param(name): a copy of the tensor as it is now. While a run goes on outside a hook, the
 * trainer may be changing it meanwhile. */
static int param(lua_State *L)
{
  na_net *net = check(L);
  float *block;
  const na_param *found = find_param(L, net, luaL_checkstring(L, 2), &block);
  na_lua_push_tensor(L, found->rank, found->shape, block + found->offset);
  return 1;
}

/* net:initialize([seed [, how]]) */
static int initialize(lua_State *L)
{
  static const char *const words[] = {
#define WORD(symbol, name, help) name,
      NA_INITS(WORD)
#undef WORD
  };
  na_net *net = check(L);
  lua_Integer seed = luaL_optinteger(L, 2, 1);
  const char *how = luaL_optstring(L, 3, "auto");
  na_lua_check_key(L, "net:initialize", "way", how, words, NA_LUA_COUNT(words));
  int init = 0;
  while (strcmp(words[init], how) != 0) init++;
  na_net_initialize(net, (na_init)init, (uint64_t)seed);
  lua_settop(L, 1);
  return 1;
}

/* ------------------------------------------------------------------------------- surgery */

/* net:extract([widths]) */
static int extract(lua_State *L)
{
  na_net *net = check(L);
  const int *w = read_widths(L, 2, net);
  na_error err = {0};
  na_net **out = na_lua_push_net(L);
  if (na_net_extract(net, w, out, &err) != NA_OK) return na_lua_raise(L, &err);
  return 1;
}

/* net:sort() */
static int sort(lua_State *L)
{
  na_error err = {0};
  if (na_net_sort_channels(check(L), true, &err) != NA_OK) return na_lua_raise(L, &err);
  lua_settop(L, 1);
  return 1;
}

/* net:save(path) */
static int save(lua_State *L)
{
  na_error err = {0};
  na_checkpoint state = {.val_loss = NAN, .val_top1 = NAN, .val_top5 = NAN, .best_top1 = NAN};
  if (na_checkpoint_save(luaL_checkstring(L, 2), check(L), &state, false, &err) != NA_OK)
    return na_lua_raise(L, &err);
  return 0;
}

/* netaug.load(path) */
static int load(lua_State *L)
{
  na_error err = {0};
  na_checkpoint state = {0};
  const char *path = luaL_checkstring(L, 1);
  na_net **net = na_lua_push_net(L);
  if (na_checkpoint_load(path, net, &state, &err) != NA_OK) return na_lua_raise(L, &err);
  na_checkpoint_free(&state);
  return 1;
}

/* ------------------------------------------------------------------------------ opening */

static int get(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, net->name);
  else if (strcmp(key, "channels") == 0)
    lua_pushinteger(L, net->channels);
  else if (strcmp(key, "height") == 0)
    lua_pushinteger(L, net->height);
  else if (strcmp(key, "width") == 0)
    lua_pushinteger(L, net->width);
  else if (strcmp(key, "classes") == 0)
    lua_pushinteger(L, net->classes);
  else
    na_lua_method(L, class, key);
  return 1;
}

static int to_string(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  int *w = push_ints(L, net);
  na_cost base, widest;
  char words[4][16];
  na_net_base(net, w);
  na_net_cost(net, w, &base);
  na_net_widest(net, w);
  na_net_cost(net, w, &widest);
  na_text_count(words[0], (double)base.parameters);
  na_text_count(words[1], (double)base.macs);
  na_text_count(words[2], (double)widest.parameters);
  na_text_count(words[3], (double)widest.macs);
  lua_pushfstring(L, "net %s: %dx%dx%d -> %d classes, base %s parameters %s MACs, widest %s, %s",
                  net->name, net->channels, net->height, net->width, net->classes, words[0],
                  words[1], words[2], words[3]);
  return 1;
}

static const na_lua_function functions[] = {
    {"net.name", "", "what it is called", NULL},
    {"net.channels", "", "colour planes of its images", NULL},
    {"net.height", "", "rows of its images", NULL},
    {"net.width", "", "columns of its images", NULL},
    {"net.classes", "", "how many classes it tells apart", NULL},
    {"net:params", "()", "names of its parameters and running statistics", params},
    {"net:param", "(name)", "a copy of a parameter as it is now, as a tensor", param},
    {"net:cost", "([widths])",
     "parameters, norm_parameters, macs, activation and peak bytes, for one image", cost},
    {"net:layers", "([widths])", "a list of its layers, with what each costs", layers},
    {"net:dims", "()", "a list of its dimensions: name, kind, base, max, candidates", dims},
    {"net:widths", "([what])",
     "channels by dimension: \"base\", \"widest\" or { dimension = candidate number }", widths},
    {"net:sample", "([mode [, seed]])",
     "widths of a drawn sub-network: random, min_w, min_e, base, widest", sample},
    {"net:initialize", "([seed [, how]])", "fills the weights: auto, kaiming_uniform or normal",
     initialize},
    {"net:extract", "([widths])", "the sub-network as a network of its own", extract},
    {"net:sort", "()", "channel sort: the most important middle channels first", sort},
    {"net:save", "(path)", "writes structure, weights and statistics to an HDF5 file", save},
};

static const na_lua_function public[] = {
    {"netaug.load", "(path)", "the network in a checkpoint or in a file that net:save wrote", load},
};

static const luaL_Reg meta[] = {{"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};

void na_lua_open_net(lua_State *L)
{
  na_lua_define(L, &(na_lua_class){class, functions, NA_LUA_COUNT(functions), meta, get});
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
