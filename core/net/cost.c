/* What a network costs: parameters, multiply-adds, activation memory.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/build.h"

static long long axis(int dim, int size, const int *widths)
{
  return dim < 0 ? size : widths[dim];
}

/* Values of parameter `index` that the sub-network uses; 0 for index -1. */
static long long used(const na_net *net, int index, const int *widths)
{
  if (index < 0) return 0;
  const na_param *param = &net->params[index];
  long long values = axis(param->out, param->shape[0], widths);
  if (param->rank >= 2) values *= axis(param->in, param->shape[1], widths);
  if (param->rank == 4) values *= (long long)param->shape[2] * param->shape[3];
  return values;
}

/* Every weight is used once per output position. */
void na_layer_cost(const na_net *net, int index, const int *widths, na_cost *cost)
{
  const na_layer *layer = &net->layers[index];
  long long positions = (long long)layer->height * layer->width;
  long long weights = used(net, layer->weight, widths) + used(net, layer->weight2, widths);
  cost->norm_parameters = used(net, layer->gamma, widths) + used(net, layer->beta, widths);
  cost->parameters = weights + used(net, layer->bias, widths) + used(net, layer->bias2, widths) +
                     cost->norm_parameters;
  cost->macs = weights * positions;
  cost->activation = (long long)sizeof(float) * widths[layer->out] * positions;
}

void na_net_cost(const na_net *net, const int *widths, na_cost *total)
{
  *total = (na_cost){0};
  for (int i = 0; i < net->layer_count; i++) {
    na_cost cost;
    na_layer_cost(net, i, widths, &cost);
    total->parameters += cost.parameters;
    total->norm_parameters += cost.norm_parameters;
    total->macs += cost.macs;
    total->activation += cost.activation;
  }
}

/* Index of the last layer that reads the output of layer `index`. */
static int last_use(const na_net *net, int index)
{
  int last = index;
  for (int i = index + 1; i < net->layer_count; i++) {
    const na_layer *user = &net->layers[i];
    if (user->input[0] == index || user->input[1] == index || user->gate == index) last = i;
  }
  return last;
}

static long long bytes_of(const na_net *net, int index, const int *widths)
{
  na_cost cost;
  na_layer_cost(net, index, widths, &cost);
  return cost.activation;
}

/* Bytes that are not needed any more once layer `now` has run: its inputs that nobody reads later, and
 * its own output if nobody ever does. */
static long long released(const na_net *net, int now, const int *widths)
{
  const na_layer *layer = &net->layers[now];
  const int candidates[4] = {now, layer->input[0], layer->input[1], layer->gate};
  long long bytes = 0;
  for (int i = 0; i < 4; i++) {
    bool again = false;
    for (int k = 0; k < i; k++) again |= candidates[k] == candidates[i];
    if (candidates[i] >= 0 && !again && last_use(net, candidates[i]) == now)
      bytes += bytes_of(net, candidates[i], widths);
  }
  return bytes;
}

long long na_net_peak_activation(const na_net *net, const int *widths)
{
  long long peak = 0, alive = 0;
  for (int now = 0; now < net->layer_count; now++) {
    alive += bytes_of(net, now, widths);
    if (alive > peak) peak = alive;
    alive -= released(net, now, widths);
  }
  return peak;
}
