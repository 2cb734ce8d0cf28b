/* Initial weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/build.h"

#include <math.h>
#include <string.h>

/* Standard deviation of a classifier's weights. PyTorch's trunc_normal_ would cut it at 2, which is
 * a hundred deviations away: never. */
static const double LINEAR_DEVIATION = 0.02;

/* The sequence of a tensor depends on its place alone, so no tensor's values depend on another's.
 */
static na_random sequence(uint64_t seed, int param)
{
  return na_random_at(seed, (uint64_t)param, 0);
}

static void uniform(na_net *net, int param, double bound, uint64_t seed)
{
  na_random random = sequence(seed, param);
  float *to = net->weights + net->params[param].offset;
  for (size_t i = 0; i < net->params[param].count; i++)
    to[i] = (float)na_random_range(&random, -bound, bound);
}

static void normal(na_net *net, int param, double deviation, uint64_t seed)
{
  na_random random = sequence(seed, param);
  float *to = net->weights + net->params[param].offset;
  for (size_t i = 0; i < net->params[param].count; i++)
    to[i] = (float)(deviation * na_random_normal(&random));
}

static void constant(float *block, const na_param *param, float value)
{
  for (size_t i = 0; i < param->count; i++) block[param->offset + i] = value;
}

/* A convolution and its bias (-1: none). Fans are PyTorch's: fan_in = I * k * k of the widest
 * tensor, fan_out = O * k * k, also for depthwise weights, whose I is 1. */
static void convolution(na_net *net, int weight, int bias, na_init init, uint64_t seed)
{
  const int *shape = net->params[weight].shape;
  double taps = (double)shape[2] * shape[3], bound = 1.0 / sqrt(shape[1] * taps);
  if (init == NA_INIT_NORMAL)
    normal(net, weight, sqrt(2.0 / (shape[0] * taps)), seed);
  else
    uniform(net, weight, bound, seed);
  if (bias >= 0 && init != NA_INIT_NORMAL) uniform(net, bias, bound, seed);
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
      normal(net, layer->weight, LINEAR_DEVIATION, seed);
    else if (layer->weight >= 0)
      convolution(net, layer->weight, layer->bias, init, seed);
    if (layer->weight2 >= 0) convolution(net, layer->weight2, layer->bias2, init, seed);
    if (layer->norm) statistics(net, layer);
  }
}
