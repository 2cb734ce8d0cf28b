/* Initial weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/build.h"

#include <math.h>
#include <string.h>

/* Standard deviation of a classifier's weights. PyTorch's trunc_normal_ would cut it at 2, which is
 * a hundred deviations away: never. */
static const double LINEAR_DEVIATION = 0.02;

/* FNV-1a of a tensor's name, so that its values depend on no other tensor. */
static uint64_t hash_name(const char *name)
{
  uint64_t hash = 0xCBF29CE484222325u;
  for (; *name != '\0'; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
  return hash;
}

/* The tensor as rows of (o, i) and taps (row, column), each row with a sequence of its own: what a
 * weight draws does not depend on the tensor's width. */
typedef struct rows {
  size_t outs, ins, taps;
} rows;

static rows rows_of(const na_param *param)
{
  rows r = {(size_t)param->shape[0], 1, 1};
  if (param->rank >= 2) r.ins = (size_t)param->shape[1];
  for (int axis = 2; axis < param->rank; axis++) r.taps *= (size_t)param->shape[axis];
  return r;
}

/* Fills a tensor: by draw(sequence, scale). */
static void fill(na_net *net, int index, double (*draw)(na_random *random, double scale),
                 double scale, uint64_t seed)
{
  const na_param *param = &net->params[index];
  const rows r = rows_of(param);
  const uint64_t key = na_random_at(seed, hash_name(param->name), 0).key;
  float *to = net->weights + param->offset;
  for (size_t o = 0; o < r.outs; o++)
    for (size_t i = 0; i < r.ins; i++) {
      na_random random = na_random_at(key, o, i);
      for (size_t tap = 0; tap < r.taps; tap++) *to++ = (float)draw(&random, scale);
    }
}

static double uniform(na_random *random, double bound)
{
  return na_random_range(random, -bound, bound);
}

static double normal(na_random *random, double deviation)
{
  return deviation * na_random_normal(random);
}

static void constant(float *block, const na_param *param, float value)
{
  for (size_t i = 0; i < param->count; i++) block[param->offset + i] = value;
}

/* Channels of a convolution's first (out) or second axis: the tensor's, or the base's. */
static double channels(const na_net *net, int weight, int axis, bool of_base)
{
  const na_param *param = &net->params[weight];
  int dim = axis == 0 ? param->out : param->in;
  return of_base && dim >= 0 ? net->dims[dim].base : param->shape[axis];
}

/* A convolution and its bias (-1: none). Fans are PyTorch's: fan_in = I * k * k, fan_out = O * k * k,
 * also for depthwise weights, whose I is 1. */
static void convolution(na_net *net, int weight, int bias, na_init init, uint64_t seed)
{
  const int *shape = net->params[weight].shape;
  bool of_base = init == NA_INIT_BASE_UNIFORM || init == NA_INIT_BASE_NORMAL;
  bool is_normal = init == NA_INIT_NORMAL || init == NA_INIT_BASE_NORMAL;
  double taps = (double)shape[2] * shape[3];
  double bound = 1.0 / sqrt(channels(net, weight, 1, of_base) * taps);
  if (is_normal)
    fill(net, weight, normal, sqrt(2.0 / (channels(net, weight, 0, of_base) * taps)), seed);
  else
    fill(net, weight, uniform, bound, seed);
  if (bias >= 0 && !is_normal) fill(net, bias, uniform, bound, seed);
}

static void statistics(na_net *net, const na_layer *layer)
{
  constant(net->weights, &net->params[layer->gamma], 1.0f);
  constant(net->running, &net->buffers[layer->mean], 0.0f);
  constant(net->running, &net->buffers[layer->var], 1.0f);
}

void na_net_initialize(na_net *net, na_init init, uint64_t seed)
{
  if (init == NA_INIT_AUTO) init = na_net_elastic(net) ? NA_INIT_KAIMING_UNIFORM : NA_INIT_NORMAL;
  memset(net->weights, 0, net->values * sizeof(float));
  memset(net->grads, 0, net->values * sizeof(float));
  memset(net->momentum, 0, net->values * sizeof(float));
  for (int i = 0; i < net->layer_count; i++) {
    const na_layer *layer = &net->layers[i];
    if (layer->kind == NA_LINEAR)
      fill(net, layer->weight, normal, LINEAR_DEVIATION, seed);
    else if (layer->weight >= 0)
      convolution(net, layer->weight, layer->bias, init, seed);
    if (layer->weight2 >= 0) convolution(net, layer->weight2, layer->bias2, init, seed);
    if (layer->norm) statistics(net, layer);
  }
}
