/* Planning and binding a workspace.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/workspace_private.h"

#include "core/base/memory.h"
#include "core/kernel/gemm.h"
#include "core/layer/split.h"
#include "core/net/build.h"
#include "core/net/plan.h"

#include <string.h>

/* The window of values that channel-wise layers read at once (see RUN in core/layer). */
enum { RUN_FLOATS = 64 * NA_LANES };

/* Buffers of a layer, in the plan: its output, the gradient of that, and a squeeze layer's three
 * matrices. */
enum { DATA, GRAD, POOLED, SQUEEZED, LOGITS, BUFFERS };

static bool on_one_pixel(const na_workspace *w, int layer)
{
  const na_layer *l = &w->net->layers[layer], *in = &w->net->layers[l->input[0]];
  return in->height == 1 && in->width == 1 && l->kernel == 1;
}

_Static_assert((int)NA_KERNEL_MAX <= (int)NA_WINDOW_KERNEL_MAX, "taps of a window");

static bool is_pointwise(const na_layer *l) { return l->kernel == 1 && l->stride == 1; }

const na_layer_ops *na_workspace_ops(const na_workspace *w, int layer)
{
  switch (w->net->layers[layer].kind) {
  case NA_CONV:
    if (on_one_pixel(w, layer)) return &na_linear_ops;
    return is_pointwise(&w->net->layers[layer]) ? &na_pointwise_ops : &na_window_ops;
  case NA_LINEAR: return &na_linear_ops;
  case NA_DEPTHWISE: return &na_depthwise_ops;
  case NA_SQUEEZE: return &na_squeeze_ops;
  case NA_ADD: return &na_add_ops;
  case NA_MAXPOOL: return &na_maxpool_ops;
  case NA_AVGPOOL: return &na_avgpool_ops;
  case NA_GLOBALPOOL: return &na_globalpool_ops;
  case NA_DROPOUT: return &na_dropout_ops;
  case NA_DROPBLOCK: return &na_dropblock_ops;
  default: return NULL;
  }
}

/* ------------------------------------------------------------------------- planning */

static int max_blocks(const na_workspace *w) { return (w->batch + NA_LANES - 1) / NA_LANES; }

/* Pixels of a layer's output, of a whole batch. */
static long pixels_of(const na_workspace *w, int layer)
{
  const na_layer *l = &w->net->layers[layer];
  return (long)max_blocks(w) * l->height * l->width;
}

/* Floats between channels: an odd number of lines, so that channels do not fall onto the same ones of the
 * first-level cache. */
static size_t channel_stride(const na_workspace *w, int layer, bool rounded)
{
  size_t pixels = (size_t)pixels_of(w, layer), lines = rounded ? (pixels + 1) / 2 : pixels;
  return (lines | 1) * NA_LANES;
}

static int max_channels(const na_workspace *w, int layer)
{
  return w->net->dims[w->net->layers[layer].out].max;
}

/* The first and last layer that reads layer's output, or `layer` itself when none does. */
static void consumers(const na_net *net, int layer, int *first, int *last)
{
  *first = *last = layer;
  for (int j = layer + 1; j < net->layer_count; j++) {
    const na_layer *l = &net->layers[j];
    if (l->input[0] != layer && l->input[1] != layer && l->gate != layer) continue;
    if (*first == layer) *first = j;
    *last = j;
  }
}

/* Is `layer` a depthwise convolution that alone reads the expansion before it? */
static bool after_expansion(const na_workspace *w, int layer)
{
  const na_net *net = w->net;
  const na_layer *l = &net->layers[layer], *before = l - 1;
  if (l->kind != NA_DEPTHWISE || l->input[0] != layer - 1 || layer < 2) return false;
  int first, last;
  consumers(net, layer - 1, &first, &last);
  return na_workspace_ops(w, layer - 1) == &na_pointwise_ops && before->norm && before->gate < 0 &&
         first == layer && last == layer;
}

/* Is the layer's output between a pointwise and a depthwise convolution, and read by nothing else? Those are the
 * large ones; a gradient in them is written once. */
static bool is_inner(const na_workspace *w, int layer)
{
  const na_net *net = w->net;
  const na_layer *l = &net->layers[layer];
  int first, last;
  consumers(net, layer, &first, &last);
  if (layer == 0 || first == layer || first != last || !l->norm) return false;
  const na_layer *reader = &net->layers[first];
  bool pointwise = na_workspace_ops(w, layer) == &na_pointwise_ops, depthwise = l->kind == NA_DEPTHWISE;
  bool read = na_workspace_ops(w, first) == &na_pointwise_ops && reader->gate < 0;
  return (pointwise && reader->kind == NA_DEPTHWISE) || (depthwise && read);
}

/* Is `layer` an expansion whose output, of the widest network, is not stored? */
static bool is_between(const na_workspace *w, int layer)
{
  return layer + 1 < w->net->layer_count && after_expansion(w, layer + 1) &&
         na_expansion_pays(pixels_of(w, layer), max_channels(w, w->net->layers[layer].input[0]),
                           max_channels(w, layer));
}

/* Time runs forward through the layers, 0 .. L-1, then backward through them, L .. 2L-1. */
static int backward_time(const na_net *net, int layer) { return 2 * net->layer_count - 1 - layer; }

static void plan_layer(const na_workspace *w, int layer, na_lifetime *buffers)
{
  const na_net *net = w->net;
  const na_layer *l = &net->layers[layer];
  int first, last, end = w->train ? backward_time(net, layer) : 0;
  consumers(net, layer, &first, &last);
  if (layer == 0) return; /* the images are the caller's */
  size_t size = channel_stride(w, layer, false) * (size_t)max_channels(w, layer);
  bool is_last = layer == net->layer_count - 1;
  /* Logits stay to be read after the backward pass too. */
  int data_end = is_last ? 2 * net->layer_count : w->train ? end : last;
  buffers[DATA] = (na_lifetime){.size = size, .first = layer, .last = data_end};
  if (w->train) {
    /* Written by its last consumer's backward pass first; the last layer's by the loss; a gate's by
     * its own layer. */
    if (last + 1 < net->layer_count && after_expansion(w, last + 1)) last++; /* see na_expansion_backward */
    int from = is_last ? net->layer_count : l->kind == NA_SQUEEZE ? end : backward_time(net, last);
    buffers[GRAD] = (na_lifetime){.size = size, .first = from, .last = end};
  }
  if (l->kind != NA_SQUEEZE) return;
  size_t columns = (size_t)max_blocks(w) * NA_LANES;
  size_t channels = (size_t)max_channels(w, layer), middle = (size_t)net->dims[l->squeeze].max;
  int until = w->train ? end : layer;
  buffers[POOLED] = (na_lifetime){.size = channels * columns, .first = layer, .last = until};
  buffers[SQUEEZED] = (na_lifetime){.size = middle * columns, .first = layer, .last = until};
  buffers[LOGITS] = (na_lifetime){.size = channels * columns, .first = layer, .last = until};
}

static float *placed(float *block, const na_lifetime *buffer)
{
  return buffer->size == 0 ? NULL : block + buffer->offset;
}

static void place_layer(na_workspace *w, int layer, const na_lifetime *buffers, const na_lifetime *spare)
{
  na_tensor *t = &w->tensors[layer];
  na_op *op = &w->ops[layer];
  bool between = is_between(w, layer);
  const na_lifetime *own = between ? spare : buffers;
  t->data = placed(between ? w->spare : w->arena, &own[DATA]);
  t->grad = placed(between ? w->spare : w->arena, &own[GRAD]);
  op->pooled = placed(w->arena, &buffers[POOLED]);
  op->squeezed = placed(w->arena, &buffers[SQUEEZED]);
  op->logits = placed(w->arena, &buffers[LOGITS]);
  w->kept[layer] = own[DATA].last >= w->net->layer_count;
}

static int new_block(float **block, void *(*make)(size_t), size_t floats, size_t *bytes, na_error *err)
{
  *bytes = floats * sizeof(float);
  if (floats == 0) return NA_OK;
  *block = make(*bytes);
  return *block != NULL ? NA_OK : na_fail_memory(err, *bytes, "the activations");
}

/* Two plans: of what every pass uses, touched now; and of what merged layers leave out. */
static int plan_arena(na_workspace *w, na_error *err)
{
  int layers = w->net->layer_count, count = layers * BUFFERS;
  na_lifetime *buffers = na_alloc_array(2 * (size_t)count, sizeof *buffers);
  int *order = na_alloc_array((size_t)count, sizeof *order), code = NA_OK;
  if (buffers == NULL || order == NULL) {
    code = na_fail_memory(err, 2 * (size_t)count * sizeof *buffers, "the memory plan");
    goto out;
  }
  na_lifetime *spare = buffers + count;
  for (int i = 0; i < layers; i++) plan_layer(w, i, (is_between(w, i) ? spare : buffers) + i * BUFFERS);
  code = new_block(&w->arena, na_block_new, na_plan(buffers, count, order), &w->arena_bytes, err);
  if (code == NA_OK)
    code = new_block(&w->spare, na_block_reserve, na_plan(spare, count, order), &w->spare_bytes, err);
  for (int i = 0; i < layers && code == NA_OK; i++) place_layer(w, i, buffers + i * BUFFERS, spare + i * BUFFERS);
out:
  na_free(buffers);
  na_free(order);
  return code;
}

/* ------------------------------------------------------------------------- scratch */

/* With these products; a workspace may change them. */
static void layer_needs(const na_workspace *w, const na_products *products, int layer, na_needs *needs)
{
  const na_layer *l = &w->net->layers[layer], *in = &w->net->layers[l->input[0]];
  int in_channels = max_channels(w, l->input[0]), out_channels = max_channels(w, layer);
  na_shape shape = {l->kernel, l->stride, l->pad, in->height, in->width, l->height, l->width};
  switch (l->kind) {
  case NA_CONV:
  case NA_LINEAR:
    if (na_workspace_ops(w, layer) == &na_linear_ops)
      na_linear_needs(in_channels, out_channels, max_blocks(w), needs);
    else if (is_pointwise(l))
      na_pointwise_needs(products, in_channels, out_channels, needs);
    else na_window_needs(w->pass.kernels, products, in_channels, out_channels, &shape, needs);
    break;
  case NA_DEPTHWISE:
    if (after_expansion(w, layer) && na_expansion_pays(pixels_of(w, layer - 1), 1, in_channels)) {
      int inner = least(max_channels(w, in->input[0]), NA_EXPANSION_INNER);
      na_expansion_needs(products, inner, in_channels, &shape, w->train, needs);
    }
    needs->scratch = larger(needs->scratch, na_depthwise_scratch(l->kernel, in->width, l->width));
    break;
  case NA_SQUEEZE:
    needs->packed = (size_t)w->net->dims[l->squeeze].max * (size_t)max_blocks(w) * NA_LANES;
    break;
  case NA_MAXPOOL:
  case NA_AVGPOOL:
  case NA_DROPBLOCK: needs->scratch = (size_t)in->height * (size_t)in->width * NA_LANES; break;
  default: break;
  }
}

static size_t aligned(size_t floats) { return (floats + 15) / 16 * 16; }

static int make_scratch(na_workspace *w, na_error *err)
{
  na_needs total = {.scratch = RUN_FLOATS, .channels = 1};
  for (int i = 1; i < w->net->layer_count; i++) {
    for (int p = 0; p < NA_PRECISIONS; p++) {
      na_needs needs = {0};
      layer_needs(w, na_products_best(w->pass.kernels, p), i, &needs);
      if (!w->train && w->net->layers[i].kind != NA_DEPTHWISE) needs.partial = 0;
      na_add_needs(&total, &needs);
    }
  }
  size_t workers = (size_t)na_team_size(w->pass.team);
  size_t scratch = aligned(total.scratch), packed = aligned(total.packed);
  size_t moments = NA_CHUNKS * total.channels * sizeof *w->pass.moments / sizeof(float);
  size_t sums = NA_CHUNKS * 2 * total.channels * sizeof *w->pass.sums / sizeof(float);
  size_t partial = aligned(total.partial);
  w->scratch_bytes =
      (workers * scratch + packed + partial + aligned(moments) + aligned(sums)) * sizeof(float);
  w->scratch_block = na_block_new(w->scratch_bytes);
  w->pass.scratch = na_alloc_array(workers, sizeof *w->pass.scratch);
  if (w->scratch_block == NULL || w->pass.scratch == NULL)
    return na_fail_memory(err, w->scratch_bytes, "the scratch memory");
  float *at = w->scratch_block;
  for (size_t i = 0; i < workers; i++, at += scratch) w->pass.scratch[i] = at;
  w->pass.packed = at;
  w->pass.partial = (at += packed);
  w->pass.moments = (void *)(at += partial);
  w->pass.sums = (void *)(at + aligned(moments));
  return NA_OK;
}

/* Seven vectors of floats and five of doubles per channel. */
static int make_vectors(na_workspace *w, na_error *err)
{
  size_t channels = 0;
  for (int i = 0; i < w->net->layer_count; i++) channels += aligned((size_t)max_channels(w, i));
  w->vectors = na_alloc_array(channels * 7, sizeof *w->vectors);
  w->sums = na_alloc_array(channels * 5, sizeof *w->sums);
  if (w->vectors == NULL || w->sums == NULL)
    return na_fail_memory(err, channels * 68, "the channel vectors");
  float *f = w->vectors;
  double *d = w->sums;
  for (int i = 0; i < w->net->layer_count; i++) {
    size_t n = aligned((size_t)max_channels(w, i));
    na_tensor *t = &w->tensors[i];
    float **floats[] = {&t->scale, &t->shift, &t->mean, &t->invstd, &t->a, &t->b, &t->c};
    double **doubles[] = {&t->sum, &t->sum_x, &t->estimate_mean, &t->estimate_var,
                          &t->kept};
    for (int k = 0; k < 7; k++, f += n) *floats[k] = f;
    for (int k = 0; k < 5; k++, d += n) *doubles[k] = d;
  }
  return NA_OK;
}

bool na_workspace_at_once(const na_workspace *w, int layer, const int *widths)
{
  /* Where the backward pass ends at the depthwise layer, it is that layer's own. */
  if (!w->paired[layer] || na_net_first_trained(w->net) == layer) return false;
  const na_layer *expand = &w->net->layers[layer - 1], *in = &w->net->layers[expand->input[0]];
  return na_expansion_pays(pixels_of(w, layer - 1), widths[in->out], widths[expand->out]);
}

static size_t squares_of(const na_workspace *w, int layer)
{
  if (layer < 2 || !w->train || !after_expansion(w, layer)) return 0;
  return na_expansion_squares(pixels_of(w, layer - 1), max_channels(w, w->net->layers[layer - 1].input[0]));
}

static int make_squares(na_workspace *w, na_error *err)
{
  size_t count = 0;
  for (int i = 1; i < w->net->layer_count; i++) count += squares_of(w, i);
  if (count == 0) return NA_OK;
  w->squares = na_alloc_array(count, sizeof *w->squares);
  if (w->squares == NULL) return na_fail_memory(err, count * sizeof *w->squares, "the small matrices");
  double *at = w->squares;
  for (int i = 1; i < w->net->layer_count; i++) {
    size_t own = squares_of(w, i);
    if (own > 0) w->ops[i - 1].squares = at;
    at += own;
  }
  return NA_OK;
}

/* ------------------------------------------------------------------------- binding */

static float *param_at(const na_net *net, float *block, int index)
{
  return index < 0 || block == NULL ? NULL : block + net->params[index].offset;
}

static float *buffer_at(const na_net *net, int index)
{
  return index < 0 ? NULL : net->running + net->buffers[index].offset;
}

/* Does any consumer of `tensor` add its gradient before (layer, slot) does in the backward pass, or
 * after? Backward runs from the last layer to the first, and through an ADD's inputs in order. */
static void rank_consumer(const na_net *net, int tensor, int layer, int slot, bool *before,
                          bool *after)
{
  *before = *after = false;
  for (int j = tensor + 1; j < net->layer_count; j++)
    for (int s = 0; s < 2; s++) {
      if (net->layers[j].input[s] != tensor || (j == layer && s == slot)) continue;
      if (j > layer || (j == layer && s < slot)) *before = true;
      else *after = true;
    }
}

static void bind_inputs(na_workspace *w, int layer)
{
  const na_layer *l = &w->net->layers[layer];
  na_op *op = &w->ops[layer];
  op->in = &w->tensors[l->input[0]];
  op->in2 = l->input[1] >= 0 ? &w->tensors[l->input[1]] : NULL;
  op->gate = l->gate >= 0 ? &w->tensors[l->gate] : NULL;
  for (int s = 0; s < 2 && l->input[s] >= 0; s++) {
    bool before, after;
    rank_consumer(w->net, l->input[s], layer, s, &before, &after);
    op->accumulate[s] = before;
    op->last[s] = !after;
  }
}

static void bind_params(na_workspace *w, int layer)
{
  na_net *net = w->net;
  const na_layer *l = &net->layers[layer];
  na_op *op = &w->ops[layer];
  na_tensor *t = &w->tensors[layer];
  op->weight = param_at(net, net->weights, l->weight);
  op->weight_grad = param_at(net, net->grads, l->weight);
  op->weight2 = param_at(net, net->weights, l->weight2);
  op->weight2_grad = param_at(net, net->grads, l->weight2);
  op->bias = param_at(net, net->weights, l->bias);
  op->bias_grad = param_at(net, net->grads, l->bias);
  op->bias2 = param_at(net, net->weights, l->bias2);
  op->bias2_grad = param_at(net, net->grads, l->bias2);
  if (l->weight >= 0) op->row = net->params[l->weight].count / (size_t)net->params[l->weight].shape[0];
  if (l->weight2 >= 0) op->row2 = net->params[l->weight2].count / (size_t)net->params[l->weight2].shape[0];
  t->gamma = param_at(net, net->weights, l->gamma);
  t->gamma_grad = param_at(net, net->grads, l->gamma);
  t->beta = param_at(net, net->weights, l->beta);
  t->beta_grad = param_at(net, net->grads, l->beta);
  t->bias_values = op->bias;
  t->bias_grad = op->bias_grad;
  t->running_mean = buffer_at(net, l->mean);
  t->running_var = buffer_at(net, l->var);
}

/* What does not depend on the widths. */
static void bind_layer(na_workspace *w, int layer)
{
  const na_layer *l = &w->net->layers[layer];
  na_tensor *t = &w->tensors[layer];
  na_op *op = &w->ops[layer];
  t->height = l->height;
  t->width = l->width;
  t->act = l->act;
  t->norm = l->norm;
  t->bias = l->biased && l->kind != NA_SQUEEZE;
  t->lazy = t->norm || t->bias;
  op->out = t;
  op->kernel = l->kernel;
  op->stride = l->stride;
  op->pad = l->pad;
  op->rate = l->rate;
  op->index = (uint64_t)layer;
  if (layer == 0) return;
  w->paired[layer] = after_expansion(w, layer);
  w->inner[layer] = is_inner(w, layer);
  bind_inputs(w, layer);
  bind_params(w, layer);
}

void na_workspace_bind(na_workspace *w, const int *widths)
{
  const na_net *net = w->net;
  memcpy(w->widths, widths, (size_t)net->dim_count * sizeof *widths);
  w->pass.base = memcmp(widths, w->base, (size_t)net->dim_count * sizeof *widths) == 0;
  for (int i = 0; i < net->layer_count; i++) {
    na_tensor *t = &w->tensors[i];
    t->channels = widths[net->layers[i].out];
    t->still = net->layers[i].still;
    if (i > 0) { /* the images are the caller's */
      t->rounded = w->inner[i] && w->pass.products->rounded;
      t->stride = channel_stride(w, i, t->rounded);
    }
    if (net->layers[i].squeeze >= 0) w->ops[i].middle = widths[net->layers[i].squeeze];
  }
}

bool na_workspace_rounded(const na_workspace *w, int layer) { return w->tensors[layer].rounded; }

/* A gated input must be read by its squeeze layer and by the gated convolution alone: its gradient
 * is that of the product until the squeeze layer has turned it into its own. */
static int check_gates(const na_net *net, na_error *err)
{
  for (int i = 0; i < net->layer_count; i++) {
    const na_layer *l = &net->layers[i];
    if (l->gate < 0) continue;
    for (int j = 0; j < net->layer_count; j++) {
      const na_layer *other = &net->layers[j];
      if (j == i || j == l->gate) continue;
      if (other->input[0] == l->input[0] || other->input[1] == l->input[0])
        return na_fail(err, NA_EUNSUPPORTED,
                       "layer %s reads what layer %s gates: only the squeeze layer may read it too",
                       other->name, l->name);
    }
  }
  return NA_OK;
}

int na_workspace_new(na_workspace **out, na_net *net, na_team *team, int batch, bool train,
                     na_error *err)
{
  *out = NULL;
  if (batch < 1 || batch > 65536)
    return na_fail(err, NA_EINVAL, "batch is %d: it must be 1 to 65536", batch);
  if (net->weights == NULL)
    return na_fail(err, NA_EINVAL, "network %s has not been finished", net->name);
  int code = check_gates(net, err);
  if (code != NA_OK) return code;
  na_gemm_init();
  na_workspace *w = na_alloc(sizeof *w);
  if (w == NULL) return na_fail_memory(err, sizeof *w, "the workspace");
  *w = (na_workspace){.net = net, .batch = batch, .train = train};
  w->pass = (na_pass){.team = team, .kernels = na_kernels_best(), .drop_share = 1};
  w->products = na_float32(w->pass.kernels);
  size_t layers = (size_t)net->layer_count;
  w->tensors = na_alloc_array(layers, sizeof *w->tensors);
  w->ops = na_alloc_array(layers, sizeof *w->ops);
  w->kept = na_alloc_array(layers, sizeof *w->kept);
  w->inner = na_alloc_array(layers, sizeof *w->inner);
  w->paired = na_alloc_array(layers, sizeof *w->paired);
  w->merged = na_alloc_array(layers, sizeof *w->merged);
  w->widths = na_alloc_array((size_t)net->dim_count, sizeof *w->widths);
  w->base = na_alloc_array((size_t)net->dim_count, sizeof *w->base);
  w->scores = na_alloc_array((size_t)max_blocks(w), sizeof *w->scores);
  if (w->tensors == NULL || w->ops == NULL || w->kept == NULL || w->inner == NULL || w->paired == NULL ||
      w->merged == NULL || w->widths == NULL || w->base == NULL || w->scores == NULL)
    code = na_fail_memory(err, layers * sizeof *w->ops, "the workspace");
  if (code == NA_OK) code = make_vectors(w, err);
  if (code == NA_OK) code = plan_arena(w, err);
  if (code == NA_OK) code = make_scratch(w, err);
  if (code == NA_OK) code = make_squares(w, err);
  if (code != NA_OK) {
    na_workspace_free(w);
    return code;
  }
  na_net_base(net, w->base);
  for (int i = 0; i < net->layer_count; i++) bind_layer(w, i);
  *out = w;
  return NA_OK;
}

void na_workspace_free(na_workspace *w)
{
  if (w == NULL) return;
  na_block_free(w->arena, w->arena_bytes);
  na_block_free(w->spare, w->spare_bytes);
  na_block_free(w->scratch_block, w->scratch_bytes);
  na_free(w->pass.scratch);
  na_free(w->vectors);
  na_free(w->sums);
  na_free(w->tensors);
  na_free(w->ops);
  na_free(w->kept);
  na_free(w->inner);
  na_free(w->paired);
  na_free(w->merged);
  na_free(w->squares);
  na_free(w->widths);
  na_free(w->base);
  na_free(w->scores);
  na_free(w);
}

size_t na_workspace_bytes(const na_workspace *w) { return w->arena_bytes + w->scratch_bytes; }
