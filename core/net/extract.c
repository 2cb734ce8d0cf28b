/* A sub-network as a network of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/build.h"

#include <string.h>

static int copy_dims(const na_net *net, const int *widths, na_net *to, na_error *err)
{
  for (int d = 1; d < net->dim_count; d++) { /* na_net_new made dimension 0 */
    int index = na_net_fixed(to, net->dims[d].name, widths[d], err);
    if (index < 0) return index;
  }
  return NA_OK;
}

static na_layer_spec spec_of(const na_layer *layer)
{
  na_layer_spec spec = na_layer_spec_init(layer->kind, layer->name);
  memcpy(spec.input, layer->input, sizeof spec.input);
  spec.gate = layer->gate;
  spec.out = layer->out;
  spec.squeeze = layer->squeeze;
  spec.kernel = layer->kernel;
  spec.stride = layer->stride;
  spec.norm = layer->norm;
  spec.bias = layer->biased;
  spec.act = layer->act;
  spec.rate = layer->rate;
  return spec;
}

/* DropBlock belongs to a training, not to its network: whatever reads it reads its input instead. */
static int copy_layers(const na_net *net, na_net *to, na_error *err)
{
  int *copies = na_alloc_array((size_t)net->layer_count, sizeof *copies), code = NA_OK;
  if (copies == NULL)
    return na_fail_memory(err, (size_t)net->layer_count * sizeof *copies, "the layers");
  for (int i = 1; i < net->layer_count && code >= 0; i++) { /* nor the input */
    na_layer_spec spec = spec_of(&net->layers[i]);
    for (int k = 0; k < 2; k++)
      if (spec.input[k] >= 0) spec.input[k] = copies[spec.input[k]];
    if (spec.gate >= 0) spec.gate = copies[spec.gate];
    code = spec.kind == NA_DROPBLOCK ? spec.input[0] : na_net_add(to, &spec, err);
    copies[i] = code;
  }
  na_free(copies);
  return code < 0 ? code : NA_OK;
}

/* Copies the first channels of each axis. */
static void copy_slice(const float *from, const na_param *source, float *to, const na_param *target)
{
  size_t rows = (size_t)target->shape[0], columns = 1, taps = 1, source_columns = 1;
  if (target->rank >= 2) {
    columns = (size_t)target->shape[1];
    source_columns = (size_t)source->shape[1];
  }
  if (target->rank == 4) taps = (size_t)target->shape[2] * (size_t)target->shape[3];
  for (size_t row = 0; row < rows; row++)
    memcpy(to + target->offset + row * columns * taps,
           from + source->offset + row * source_columns * taps, columns * taps * sizeof *to);
}

static int build(const na_net *net, const int *widths, na_net **out, na_error *err)
{
  int code = na_net_new(out, net->name, net->channels, net->height, net->width, net->classes, err);
  if (code != NA_OK) return code;
  (*out)->bn_eps = net->bn_eps;
  (*out)->bn_momentum = net->bn_momentum;
  code = copy_dims(net, widths, *out, err);
  if (code == NA_OK) code = copy_layers(net, *out, err);
  if (code == NA_OK) code = na_net_finish(*out, err);
  return code;
}

int na_net_extract(const na_net *net, const int *widths, na_net **out, na_error *err)
{
  *out = NULL;
  int code = na_net_check_widths(net, widths, err);
  if (code != NA_OK) return code;
  na_net *tiny = NULL;
  code = build(net, widths, &tiny, err);
  if (code != NA_OK) {
    na_net_free(tiny);
    return code;
  }
  /* Same layers in the same order: parameter i of one is parameter i of the other. */
  for (int i = 0; i < net->param_count; i++)
    copy_slice(net->weights, &net->params[i], tiny->weights, &tiny->params[i]);
  for (int i = 0; i < net->buffer_count; i++)
    copy_slice(net->running, &net->buffers[i], tiny->running, &tiny->buffers[i]);
  *out = tiny;
  return NA_OK;
}
