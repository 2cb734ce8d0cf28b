/* Channel sort: important middle channels first, where the base has them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct rank {
  double importance;
  int channel;
} rank;

typedef struct sorter {
  na_net *net;
  bool with_momentum;
  rank *order;    /* [largest dimension]: new channel i was order[i].channel */
  float *scratch; /* [largest tensor] */
} sorter;

/* Largest first; equals stay in their order. */
static int compare(const void *a, const void *b)
{
  const rank *x = a, *y = b;
  if (x->importance != y->importance) return x->importance < y->importance ? 1 : -1;
  return (x->channel > y->channel) - (x->channel < y->channel);
}

/* Adds to every input channel of weight (O, I, k, k) the L1 norm of what reads it. */
static void add_importance(const na_net *net, int weight, rank *order)
{
  const na_param *param = &net->params[weight];
  const float *from = net->weights + param->offset;
  size_t inputs = (size_t)param->shape[1], taps = (size_t)param->shape[2] * (size_t)param->shape[3];
  for (size_t o = 0; o < (size_t)param->shape[0]; o++)
    for (size_t i = 0; i < inputs; i++)
      for (size_t t = 0; t < taps; t++)
        order[i].importance += fabs((double)from[(o * inputs + i) * taps + t]);
}

/* The projections of a middle are the convolutions that read it; a squeeze-excite gate only weighs
 * it. The projection of a squeeze middle is the gate's expand layer. */
static void rank_channels(const sorter *s, int dim)
{
  const na_net *net = s->net;
  bool squeeze = net->dims[dim].kind == NA_DIM_SQUEEZE;
  for (int c = 0; c < net->dims[dim].max; c++) s->order[c] = (rank){0.0, c};
  for (int i = 0; i < net->layer_count; i++) {
    const na_layer *layer = &net->layers[i];
    if (squeeze && layer->squeeze == dim) add_importance(net, layer->weight2, s->order);
    if (!squeeze && layer->kind == NA_CONV && layer->in == dim)
      add_importance(net, layer->weight, s->order);
  }
  qsort(s->order, (size_t)net->dims[dim].max, sizeof *s->order, compare);
}

/* Reorders values [outer][channels][inner] along channels. */
static void permute(const sorter *s, float *values, size_t outer, size_t channels, size_t inner)
{
  memcpy(s->scratch, values, outer * channels * inner * sizeof *values);
  for (size_t o = 0; o < outer; o++)
    for (size_t c = 0; c < channels; c++)
      memcpy(values + (o * channels + c) * inner,
             s->scratch + (o * channels + (size_t)s->order[c].channel) * inner,
             inner * sizeof *values);
}

/* Reorders each axis of the tensor that is dimension dim. */
static void permute_tensor(const sorter *s, float *block, const na_param *param, int dim)
{
  float *values = block + param->offset;
  size_t rows = (size_t)param->shape[0], row = param->count / rows;
  if (param->out == dim) permute(s, values, 1, rows, row);
  if (param->in == dim)
    permute(s, values, rows, (size_t)param->shape[1], row / (size_t)param->shape[1]);
}

static void sort_dim(const sorter *s, int dim)
{
  na_net *net = s->net;
  rank_channels(s, dim);
  for (int i = 0; i < net->param_count; i++) {
    permute_tensor(s, net->weights, &net->params[i], dim);
    if (s->with_momentum) permute_tensor(s, net->momentum, &net->params[i], dim);
  }
  for (int i = 0; i < net->buffer_count; i++)
    permute_tensor(s, net->running, &net->buffers[i], dim);
}

/* What is frozen stays where it is, too. */
static bool frozen(const na_net *net, int dim)
{
  for (int i = 0; i < net->param_count; i++) {
    const na_param *p = &net->params[i];
    if (p->frozen && (p->out == dim || p->in == dim)) return true;
  }
  return false;
}

static bool sortable(const na_net *net, int dim, na_dim_kind kind)
{
  const na_dim *d = &net->dims[dim];
  bool wanted = d->kind == kind && d->max > d->base && (kind == NA_DIM_SQUEEZE || d->sorted);
  return wanted && !frozen(net, dim);
}

static size_t largest_tensor(const na_net *net)
{
  size_t largest = 1;
  for (int i = 0; i < net->param_count; i++)
    if (net->params[i].count > largest) largest = net->params[i].count;
  return largest;
}

static size_t largest_dim(const na_net *net)
{
  int largest = 1;
  for (int d = 0; d < net->dim_count; d++)
    if (net->dims[d].max > largest) largest = net->dims[d].max;
  return (size_t)largest;
}

int na_net_sort_channels(na_net *net, bool with_momentum, na_error *err)
{
  size_t dim_size = largest_dim(net), tensor_size = largest_tensor(net);
  sorter s = {.net = net, .with_momentum = with_momentum};
  s.order = na_alloc_array(dim_size, sizeof *s.order);
  s.scratch = na_alloc_array(tensor_size, sizeof *s.scratch);
  int code = NA_OK;
  if (s.order == NULL || s.scratch == NULL) {
    code = na_fail_memory(err, dim_size * sizeof *s.order + tensor_size * sizeof *s.scratch,
                          "the channel sort");
    goto out;
  }
  /* Middles first: a squeeze middle is ranked by sums over them, whose order decides the rounding.
   */
  for (int d = 0; d < net->dim_count; d++)
    if (sortable(net, d, NA_DIM_EXPAND)) sort_dim(&s, d);
  for (int d = 0; d < net->dim_count; d++)
    if (sortable(net, d, NA_DIM_SQUEEZE)) sort_dim(&s, d);
out:
  na_free(s.order);
  na_free(s.scratch);
  return code;
}
