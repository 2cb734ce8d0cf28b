/* Running a workspace: forward, backward, statistics, reading results.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/workspace_private.h"
#include "core/base/clock.h"

#include <math.h>
#include <string.h>

static int set_batch(na_workspace *w, const na_batch *batch, na_error *err)
{
  if (batch->count < 1 || batch->count > w->batch)
    return na_fail(err, NA_EINVAL, "a batch of %d images does not fit a workspace for 1 to %d",
                   batch->count, w->batch);
  na_pass *pass = &w->pass;
  pass->count = batch->count;
  pass->blocks = (batch->count + NA_LANES - 1) / NA_LANES;
  int in_last = batch->count - (pass->blocks - 1) * NA_LANES;
  pass->masked = in_last < NA_LANES;
  for (int l = 0; l < NA_LANES; l++) pass->lanes[l] = l < in_last ? 1.0f : 0.0f;
  /* Layers read the images where they are; nothing writes to the input's tensor. */
  na_tensor *input = &w->tensors[0];
  input->data = (float *)(uintptr_t)batch->images;
  input->stride = (size_t)pass->blocks * (size_t)(input->height * input->width) * NA_LANES;
  return NA_OK;
}

static void set_mode(na_workspace *w, na_mode mode, uint64_t step)
{
  na_pass *pass = &w->pass;
  pass->batch_statistics = mode != NA_MODE_EVAL;
  pass->update_running = mode == NA_MODE_TRAIN;
  pass->estimate = mode == NA_MODE_ESTIMATE;
  pass->dropout = mode == NA_MODE_TRAIN;
  pass->products = mode == NA_MODE_TRAIN ? w->products : na_float32(pass->kernels);
  pass->eps = w->net->bn_eps;
  pass->momentum = w->net->bn_momentum;
  pass->seed = step;
}

void na_workspace_drop_share(na_workspace *w, double share) { w->pass.drop_share = share; }

void na_workspace_teach(na_workspace *w, const na_teaching *teaching) { w->teaching = teaching; }

void na_workspace_precision(na_workspace *w, na_precision precision)
{
  w->products = na_products_best(w->pass.kernels, precision);
}

void na_workspace_keep(na_workspace *w, bool keep) { w->keep = keep; }

void na_workspace_watch(na_workspace *w, void (*see)(void *context, int layer), void *context)
{
  w->see = see;
  w->see_context = context;
}

void na_workspace_time(na_workspace *w, double *seconds) { w->seconds = seconds; }

/* The clock, where somebody wants to know. */
static double begin_at(const na_workspace *w) { return w->seconds != NULL ? na_now() : 0; }

static void add_time(const na_workspace *w, int slot, double begin)
{
  if (w->seconds != NULL) w->seconds[slot] += na_now() - begin;
}

static void run_layer(const na_workspace *w, na_layer_run *run, int layer, int slot)
{
  double begin = begin_at(w);
  run(&w->pass, &w->ops[layer]);
  add_time(w, slot, begin);
}

/* Layer by layer, or a depthwise layer and the expansion before it at once, where that pays. */
static void run_forward(na_workspace *w)
{
  const na_net *net = w->net;
  for (int i = 1; i < net->layer_count; i++) {
    bool merged = !w->keep && i + 1 < net->layer_count && na_workspace_at_once(w, i + 1, w->widths);
    w->merged[i] = false;
    if (!merged) {
      run_layer(w, na_workspace_ops(w, i)->forward, i, i);
      continue;
    }
    double begin = begin_at(w);
    na_expansion_forward(&w->pass, &w->ops[i], &w->ops[i + 1]);
    w->merged[++i] = true;
    add_time(w, 2 * net->layer_count + i, begin);
  }
}

int na_forward(na_workspace *w, const int *widths, na_mode mode, const na_batch *batch,
               uint64_t step, na_error *err)
{
  w->state = NA_IDLE;
  int code = na_net_check_widths(w->net, widths, err);
  if (code == NA_OK) code = set_batch(w, batch, err);
  if (code != NA_OK) return code;
  set_mode(w, mode, step);
  na_workspace_bind(w, widths);
  run_forward(w);
  if (mode == NA_MODE_ESTIMATE) w->estimated += batch->count;
  w->state = NA_FORWARDED;
  return NA_OK;
}

/* Where the backward pass ends: at the first layer that is trained; who watches it sees all of it. */
static int aim(na_workspace *w)
{
  int first = w->see != NULL ? 1 : na_net_first_trained(w->net);
  for (int i = 1; i < w->net->layer_count; i++)
    for (int s = 0; s < 2; s++) w->ops[i].wanted[s] = w->net->layers[i].input[s] >= first;
  return first;
}

/* Both layers at once, as in the forward pass. */
static void run_merged(const na_workspace *w, int layer)
{
  double begin = begin_at(w);
  na_expansion_backward(&w->pass, &w->ops[layer - 1], &w->ops[layer]);
  add_time(w, 3 * w->net->layer_count + layer, begin);
}

static bool any_merged(const na_workspace *w)
{
  for (int i = 1; i < w->net->layer_count; i++)
    if (w->merged[i]) return true;
  return false;
}

int na_backward(na_workspace *w, na_error *err)
{
  if (w->state != NA_SCORED || !w->train || !w->pass.batch_statistics)
    return na_fail(err, NA_EINVAL,
                   "backward needs a training workspace, a forward pass with batch statistics and a "
                   "weighted loss before it");
  if (w->see != NULL && any_merged(w))
    return na_fail(err, NA_EINVAL, "gradients can be watched after a forward pass whose outputs are kept");
  for (int i = w->net->layer_count - 1, last = aim(w); i >= last; i--) {
    /* A gate's gradient is made by its own layer, all others by the consumers. */
    bool later = w->net->layers[i].kind == NA_SQUEEZE;
    if (w->merged[i]) {
      run_merged(w, i--);
      continue;
    }
    w->seen = i;
    if (w->see != NULL && !later) w->see(w->see_context, i);
    run_layer(w, na_workspace_ops(w, i)->backward, i, w->net->layer_count + i);
    if (w->see != NULL && later) w->see(w->see_context, i);
  }
  w->seen = 0;
  w->state = NA_BACKWARDED;
  return NA_OK;
}

/* ------------------------------------------------------------- BatchNorm re-estimation */

void na_recalibrate_begin(na_workspace *w)
{
  w->estimated = 0;
  for (int i = 0; i < w->net->layer_count; i++) {
    size_t bytes = (size_t)w->net->dims[w->net->layers[i].out].max * sizeof(double);
    memset(w->tensors[i].estimate_mean, 0, bytes);
    memset(w->tensors[i].estimate_var, 0, bytes);
  }
}

void na_recalibrate_end(na_workspace *w, const int *widths)
{
  if (w->estimated == 0) return;
  for (int i = 0; i < w->net->layer_count; i++) {
    na_tensor *t = &w->tensors[i];
    if (t->still && w->pass.base) continue;
    for (int c = 0; t->norm && c < widths[w->net->layers[i].out]; c++) {
      t->running_mean[c] = (float)(t->estimate_mean[c] / (double)w->estimated);
      t->running_var[c] = (float)(t->estimate_var[c] / (double)w->estimated);
    }
  }
}

/* ------------------------------------------------------------------------- reading */

/* x within 0 .. high; a NaN stays one. */
static float clamp(float x, float high) { return x < 0 ? 0 : x > high ? high : x; }

/* What consumers see of one value. */
static float value_of(const na_tensor *t, int c, size_t at)
{
  float x = na_tensor_value(t, t->data + (size_t)c * t->stride, (long)at);
  if (t->lazy) x = x * t->scale[c] + t->shift[c];
  switch (t->act) {
  case NA_ACT_RELU: return x < 0 ? 0 : x;
  case NA_ACT_RELU6: return clamp(x, 6);
  case NA_ACT_HSWISH: return x * clamp(x + 3, 6) / 6;
  case NA_ACT_HSIGMOID: return clamp(x + 3, 6) / 6;
  default: return x;
  }
}

void na_logits(const na_workspace *w, float *out)
{
  const na_tensor *t = &w->tensors[w->net->layer_count - 1];
  for (int n = 0; n < w->pass.count; n++)
    for (int c = 0; c < t->channels; c++)
      out[(size_t)n * (size_t)t->channels + (size_t)c] = value_of(t, c, (size_t)n);
}

/* Where image n's values lie in a channel of the tensor: at this place and every NA_LANES further on. */
static size_t place_of(const na_tensor *t, int image)
{
  return (size_t)(image / NA_LANES) * (size_t)t->height * (size_t)t->width * NA_LANES +
         (size_t)(image % NA_LANES);
}

int na_gradient_read(const na_workspace *w, int layer, int image, float *out, na_error *err)
{
  if (layer <= 0 || layer != w->seen || image < 0 || image >= w->pass.count)
    return na_fail(err, NA_EINVAL, "there is no gradient of layer %d or no image %d in the batch",
                   layer, image);
  const na_tensor *t = &w->tensors[layer];
  size_t area = (size_t)t->height * (size_t)t->width, base = place_of(t, image);
  for (int c = 0; c < t->channels; c++)
    for (size_t p = 0; p < area; p++)
      out[(size_t)c * area + p] = na_tensor_value(t, t->grad + (size_t)c * t->stride, (long)(base + p * NA_LANES));
  return NA_OK;
}

/* Did the last forward pass store nothing of the layer? */
static bool is_skipped(const na_workspace *w, int layer)
{
  return layer + 1 < w->net->layer_count && w->merged[layer + 1];
}

int na_activation_read(const na_workspace *w, int layer, int image, float *out, na_error *err)
{
  if (layer < 0 || layer >= w->net->layer_count || image < 0 || image >= w->pass.count)
    return na_fail(err, NA_EINVAL, "there is no layer %d or no image %d in the last batch", layer,
                   image);
  bool there = w->state == NA_FORWARDED || w->state == NA_SCORED;
  if (!there || is_skipped(w, layer) || (layer > 0 && !w->kept[layer])) {
    na_fail(err, NA_EINVAL, "the output of layer %s is not in memory any more",
            w->net->layers[layer].name);
    return na_hint(err, "read it from a training workspace that keeps outputs, after forward and before backward");
  }
  const na_tensor *t = &w->tensors[layer];
  size_t area = (size_t)t->height * (size_t)t->width, base = place_of(t, image);
  for (int c = 0; c < t->channels; c++)
    for (size_t p = 0; p < area; p++)
      out[(size_t)c * area + p] = value_of(t, c, base + p * NA_LANES);
  return NA_OK;
}

/* Of a layer that is not stored: are its statistics? */
static bool vectors_finite(const na_tensor *t)
{
  for (int c = 0; c < t->channels; c++)
    if (!isfinite(t->scale[c]) || !isfinite(t->shift[c])) return false;
  return true;
}

static bool all_finite(const na_workspace *w, const na_tensor *t)
{
  size_t area = (size_t)t->height * (size_t)t->width;
  for (int c = 0; c < t->channels; c++)
    for (int n = 0; n < w->pass.count; n++)
      for (size_t p = 0; p < area; p++) {
        size_t at = ((size_t)(n / NA_LANES) * area + p) * NA_LANES + (size_t)(n % NA_LANES);
        if (!isfinite(value_of(t, c, at))) return false;
      }
  return true;
}

int na_workspace_culprit(const na_workspace *w)
{
  for (int i = 0; i < w->net->layer_count; i++) {
    const na_tensor *t = &w->tensors[i];
    if (is_skipped(w, i) ? !vectors_finite(t) : (i == 0 || w->kept[i]) && !all_finite(w, t)) return i;
  }
  return -1;
}
