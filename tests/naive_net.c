/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "naive_net.h"
#include "lanes.h"

#include "core/kernel/naive.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------- making and freeing */

static const na_layer *layer_of(const naive_net *run, int layer) { return &run->net->layers[layer]; }

static size_t values_of(const naive_net *run, int layer)
{
  const naive_value *v = &run->values[layer];
  return (size_t)run->count * (size_t)v->channels * (size_t)v->area;
}

static void make_value(naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  v->channels = run->widths[l->out];
  v->area = l->height * l->width;
  size_t count = values_of(run, layer);
  double **same_size[] = {&v->raw, &v->lazy, &v->out, &v->grad};
  for (int k = 0; k < 4; k++) *same_size[k] = lanes_doubles(count);
  v->mean = lanes_doubles((size_t)v->channels);
  v->var = lanes_doubles((size_t)v->channels);
  if (l->gate >= 0) v->gated = lanes_doubles(values_of(run, l->input[0]));
  if (l->kind == NA_DROPOUT || l->kind == NA_DROPBLOCK) v->mask = lanes_doubles(count);
  if (l->kind != NA_SQUEEZE) return;
  v->pooled = lanes_doubles(count);
  v->logits = lanes_doubles(count);
  v->middle = lanes_doubles((size_t)(run->count * run->widths[l->squeeze]));
}

static void draw_batch(naive_net *run, uint64_t seed)
{
  na_random random = na_random_at(seed, 1, 2);
  for (size_t i = 0; i < values_of(run, 0); i++)
    run->images[i] = (double)(float)na_random_range(&random, -1, 1);
  for (int n = 0; n < run->count; n++)
    run->labels[n] = (int32_t)na_random_below(&random, (uint32_t)run->net->classes);
}

naive_net *naive_net_new(const na_net *net, const int *widths, int count, uint64_t seed)
{
  naive_net *run = lanes_memory(1, sizeof *run);
  *run = (naive_net){.net = net, .count = count, .smoothing = 0.1, .batch_statistics = true};
  run->widths = lanes_memory((size_t)net->dim_count, sizeof *run->widths);
  memcpy(run->widths, widths, (size_t)net->dim_count * sizeof *widths);
  run->weights = lanes_doubles(net->values);
  run->grads = lanes_doubles(net->values);
  run->running = lanes_doubles(net->stats);
  run->values = lanes_memory((size_t)net->layer_count, sizeof *run->values);
  for (int i = 0; i < net->layer_count; i++) make_value(run, i);
  run->images = lanes_doubles(values_of(run, 0));
  run->labels = lanes_memory((size_t)count, sizeof *run->labels);
  draw_batch(run, seed);
  naive_net_reload(run);
  return run;
}

void naive_net_free(naive_net *run)
{
  if (run == NULL) return;
  for (int i = 0; i < run->net->layer_count; i++) {
    naive_value *v = &run->values[i];
    double *all[] = {v->raw, v->lazy, v->out, v->grad, v->mean, v->var,
                     v->gated, v->pooled, v->middle, v->logits, v->mask};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) na_free(all[k]);
  }
  na_free(run->values);
  na_free(run->widths);
  na_free(run->weights);
  na_free(run->grads);
  na_free(run->running);
  na_free(run->images);
  na_free(run->labels);
  na_free(run->targets);
  na_free(run);
}

void naive_net_reload(naive_net *run)
{
  for (size_t i = 0; i < run->net->values; i++) run->weights[i] = (double)run->net->weights[i];
  for (size_t i = 0; i < run->net->stats; i++) run->running[i] = (double)run->net->running[i];
}

float *naive_net_lanes(const naive_net *run)
{
  const naive_value *v = &run->values[0];
  size_t stride = (size_t)(lanes_blocks(run->count) * v->area) * NA_LANES;
  float *lanes = lanes_floats(stride * (size_t)v->channels);
  for (int n = 0; n < run->count; n++)
    for (int c = 0; c < v->channels; c++)
      for (int p = 0; p < v->area; p++)
        lanes[lanes_at(stride, c, n, p, v->area)] =
            (float)run->images[lanes_index(n, c, v->channels, p, v->area)];
  return lanes;
}

/* ---------------------------------------------------------------------- slices of tensors */

/* Walks the active slice of a parameter: dense index `d` stands for block index at(p, d). */
typedef struct slice {
  const na_param *param;
  size_t rows, columns, taps, row; /* active; row: values between rows of the tensor */
} slice;

static slice slice_of(const naive_net *run, int index)
{
  const na_param *p = &run->net->params[index];
  slice s = {.param = p, .taps = 1, .columns = 1, .row = p->count / (size_t)p->shape[0]};
  s.rows = (size_t)(p->out >= 0 ? run->widths[p->out] : p->shape[0]);
  if (p->rank >= 2) s.columns = (size_t)(p->in >= 0 ? run->widths[p->in] : p->shape[1]);
  for (int k = 2; k < p->rank; k++) s.taps *= (size_t)p->shape[k];
  return s;
}

static size_t slice_at(const slice *s, size_t dense)
{
  size_t width = s->columns * s->taps;
  return s->param->offset + dense / width * s->row + dense % width;
}

static size_t slice_count(const slice *s) { return s->rows * s->columns * s->taps; }

/* The active slice of a parameter, dense; na_free. */
static double *take(const naive_net *run, int index)
{
  slice s = slice_of(run, index);
  double *dense = lanes_doubles(slice_count(&s));
  for (size_t i = 0; i < slice_count(&s); i++) dense[i] = run->weights[slice_at(&s, i)];
  return dense;
}

/* Room for a dense gradient of a parameter, zeroed; give() adds it to the block and frees it. */
static double *room(const naive_net *run, int index)
{
  slice s = slice_of(run, index);
  return lanes_doubles(slice_count(&s));
}

static void give(naive_net *run, int index, double *dense)
{
  slice s = slice_of(run, index);
  for (size_t i = 0; i < slice_count(&s); i++) run->grads[slice_at(&s, i)] += dense[i];
  na_free(dense);
}

/* ------------------------------------------------------------------------------- forward */

static na_naive_window window_of(const naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer), *in = layer_of(run, l->input[0]);
  return na_naive_window_of(run->count, run->values[l->input[0]].channels,
                            run->values[layer].channels, in->height, in->width, l->kernel, l->stride);
}

/* What a layer reads: its first input, gated where it has a gate. */
static const double *input_of(naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer], *in = &run->values[l->input[0]];
  if (l->gate < 0) return in->out;
  na_naive_gate(run->count, in->channels, in->area, in->out, run->values[l->gate].out, v->gated);
  return v->gated;
}

static na_naive_squeezing squeezing_of(const naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  return (na_naive_squeezing){.n = run->count, .c = v->channels, .m = run->widths[l->squeeze],
                              .area = run->values[l->input[0]].area, .w1 = take(run, l->weight),
                              .b1 = take(run, l->bias), .w2 = take(run, l->weight2),
                              .b2 = take(run, l->bias2), .pooled = v->pooled, .middle = v->middle,
                              .logits = v->logits};
}

static void squeezing_free(na_naive_squeezing *se)
{
  na_free((void *)(uintptr_t)se->w1);
  na_free((void *)(uintptr_t)se->b1);
  na_free((void *)(uintptr_t)se->w2);
  na_free((void *)(uintptr_t)se->b2);
}

static void squeeze(naive_net *run, int layer, const double *x)
{
  na_naive_squeezing se = squeezing_of(run, layer);
  na_naive_squeeze(&se, x, run->values[layer].raw);
  squeezing_free(&se);
}

/* The engine's documented draw: number (block, pixel, lane) of the sequence (step, layer, channel). */
static void dropout(naive_net *run, int layer, const double *x)
{
  naive_value *v = &run->values[layer];
  double rate = layer_of(run, layer)->rate;
  for (int n = 0; n < run->count; n++)
    for (int c = 0; c < v->channels; c++)
      for (int p = 0; p < v->area; p++) {
        size_t at = lanes_index(n, c, v->channels, p, v->area);
        na_random draw = na_random_at(run->step, (uint64_t)layer, (uint64_t)c);
        draw.index = lanes_at(0, 0, n, p, v->area);
        double u = (double)(na_random_next(&draw) >> 32) / 4294967296.0;
        v->mask[at] = !run->dropout ? 1 : u < floor(rate * 4294967296.0) / 4294967296.0 ? 0 : 1 / (1 - rate);
        v->raw[at] = x[at] * v->mask[at];
      }
}

/* The squares of image n in channel c: 0 where one lies, drawn as the engine documents it: number
 * (block, place, lane) of the sequence (step, layer, channel). */
static void draw_squares(naive_net *run, int layer, int n, int c, double *plane)
{
  const na_layer *l = layer_of(run, layer);
  int h = l->height, w = l->width, b = l->kernel < h ? l->kernel : h;
  if (b > w) b = w;
  int rows = h - b + 1, columns = w - b + 1;
  double gamma = l->rate / (b * b) * (h * w) / (rows * columns);
  for (int p = 0; p < h * w; p++) plane[p] = 1;
  for (int place = 0; run->dropout && place < rows * columns; place++) {
    na_random draw = na_random_at(run->step, (uint64_t)layer, (uint64_t)c);
    draw.index = lanes_at(0, 0, n, place, rows * columns);
    double u = (double)(na_random_next(&draw) >> 32) / 4294967296.0;
    if (u >= floor(fmin(gamma, 1) * 4294967296.0) / 4294967296.0) continue;
    for (int y = 0; y < b; y++)
      for (int x = 0; x < b; x++) plane[(place / columns + y) * w + place % columns + x] = 0;
  }
}

static void dropblock(naive_net *run, int layer, const double *x)
{
  naive_value *v = &run->values[layer];
  size_t count = values_of(run, layer), kept = 0;
  for (int n = 0; n < run->count; n++)
    for (int c = 0; c < v->channels; c++)
      draw_squares(run, layer, n, c, v->mask + lanes_index(n, c, v->channels, 0, v->area));
  for (size_t k = 0; k < count; k++) kept += v->mask[k] != 0;
  for (size_t k = 0; k < count; k++) {
    v->mask[k] *= kept > 0 ? (double)count / (double)kept : 0;
    v->raw[k] = x[k] * v->mask[k];
  }
}

static void apply_map(naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  const double *x = input_of(run, layer);
  na_naive_window win = window_of(run, layer);
  double *weight = l->weight >= 0 && l->kind != NA_SQUEEZE ? take(run, l->weight) : NULL;
  switch (l->kind) {
  case NA_CONV: na_naive_conv(&win, x, weight, v->raw); break;
  case NA_DEPTHWISE: na_naive_depthwise(&win, x, weight, v->raw); break;
  case NA_LINEAR: na_naive_linear(run->count, win.i, win.o, x, weight, v->raw); break;
  case NA_SQUEEZE: squeeze(run, layer, x); break;
  case NA_ADD: na_naive_add(values_of(run, layer), x, run->values[l->input[1]].out, v->raw); break;
  case NA_MAXPOOL: na_naive_maxpool(&win, x, v->raw); break;
  case NA_AVGPOOL: na_naive_avgpool(&win, x, v->raw); break;
  case NA_GLOBALPOOL: na_naive_globalpool(run->count, win.i, win.h * win.w, x, v->raw); break;
  case NA_DROPOUT: dropout(run, layer, x); break;
  case NA_DROPBLOCK: dropblock(run, layer, x); break;
  default: break;
  }
  na_free(weight);
}

static void move_statistics(naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  const naive_value *v = &run->values[layer];
  double n = (double)run->count * v->area, m = run->net->bn_momentum;
  double *mean = run->running + run->net->buffers[l->mean].offset;
  double *var = run->running + run->net->buffers[l->var].offset;
  for (int c = 0; c < v->channels; c++) {
    mean[c] = (1 - m) * mean[c] + m * v->mean[c];
    var[c] = (1 - m) * var[c] + m * v->var[c] * (n > 1 ? n / (n - 1) : 1);
  }
}

static void normalise(naive_net *run, int layer, bool move_running)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  double *gamma = take(run, l->gamma), *beta = take(run, l->beta);
  if (run->batch_statistics)
    na_naive_moments(run->count, v->channels, v->area, v->raw, v->mean, v->var);
  for (int c = 0; !run->batch_statistics && c < v->channels; c++) {
    v->mean[c] = run->running[run->net->buffers[l->mean].offset + (size_t)c];
    v->var[c] = run->running[run->net->buffers[l->var].offset + (size_t)c];
  }
  na_naive_norm(run->count, v->channels, v->area, v->raw, v->mean, v->var, run->net->bn_eps, gamma,
                beta, v->lazy);
  if (move_running) move_statistics(run, layer);
  na_free(gamma);
  na_free(beta);
}

static bool has_lazy_bias(const na_layer *l) { return l->biased && l->kind != NA_SQUEEZE; }

double naive_net_forward(naive_net *run, bool move_running)
{
  int last = run->net->layer_count - 1;
  memcpy(run->values[0].out, run->images, values_of(run, 0) * sizeof(double));
  for (int i = 1; i <= last; i++) {
    const na_layer *l = layer_of(run, i);
    naive_value *v = &run->values[i];
    apply_map(run, i);
    memcpy(v->lazy, v->raw, values_of(run, i) * sizeof(double));
    if (l->norm) normalise(run, i, move_running);
    if (has_lazy_bias(l)) {
      double *bias = take(run, l->bias);
      na_naive_bias(run->count, v->channels, v->area, bias, v->lazy);
      na_free(bias);
    }
    for (size_t k = 0; k < values_of(run, i); k++) v->out[k] = na_naive_act(l->act, v->lazy[k]);
  }
  return na_naive_loss(run->count, run->net->classes, run->values[last].out, run->labels, run->targets,
                       run->smoothing, NULL);
}

/* ------------------------------------------------------------------------------ backward */

static void squeeze_back(naive_net *run, int layer, const double *dgate, double *dx)
{
  const na_layer *l = layer_of(run, layer);
  na_naive_squeezing se = squeezing_of(run, layer);
  double *spare = lanes_doubles((size_t)(se.n * (se.c + 2 * se.m)));
  double *dw1 = room(run, l->weight), *db1 = room(run, l->bias);
  double *dw2 = room(run, l->weight2), *db2 = room(run, l->bias2);
  na_naive_squeeze_backward(&se, dgate, dx, dw1, db1, dw2, db2, spare);
  give(run, l->weight, dw1);
  give(run, l->bias, db1);
  give(run, l->weight2, dw2);
  give(run, l->bias2, db2);
  na_free(spare);
  squeezing_free(&se);
}

/* A layer with weights and, for a conv, a gate: dx of its gated input, then of both. */
static void weighted_back(naive_net *run, int layer, const double *dy)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer], *in = &run->values[l->input[0]];
  const double *x = l->gate >= 0 ? v->gated : in->out;
  double *weight = take(run, l->weight), *dweight = room(run, l->weight);
  double *dx = lanes_doubles(values_of(run, l->input[0]));
  na_naive_window win = window_of(run, layer);
  if (l->kind == NA_CONV) na_naive_conv_backward(&win, x, weight, dy, dx, dweight);
  else if (l->kind == NA_DEPTHWISE) na_naive_depthwise_backward(&win, x, weight, dy, dx, dweight);
  else na_naive_linear_backward(run->count, win.i, win.o, x, weight, dy, dx, dweight);
  if (l->gate >= 0)
    na_naive_gate_backward(run->count, in->channels, in->area, in->out, run->values[l->gate].out, dx,
                           in->grad, run->values[l->gate].grad);
  else na_naive_add_backward(values_of(run, l->input[0]), dx, in->grad, NULL);
  give(run, l->weight, dweight);
  na_free(weight);
  na_free(dx);
}

static void map_back(naive_net *run, int layer, const double *dy)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer], *in = &run->values[l->input[0]];
  na_naive_window win = window_of(run, layer);
  size_t count = values_of(run, layer);
  switch (l->kind) {
  case NA_SQUEEZE: squeeze_back(run, layer, dy, in->grad); break;
  case NA_ADD: na_naive_add_backward(count, dy, in->grad, run->values[l->input[1]].grad); break;
  case NA_MAXPOOL: na_naive_maxpool_backward(&win, in->out, dy, in->grad); break;
  case NA_AVGPOOL: na_naive_avgpool_backward(&win, dy, in->grad); break;
  case NA_GLOBALPOOL:
    na_naive_globalpool_backward(run->count, win.i, win.h * win.w, dy, in->grad);
    break;
  case NA_DROPOUT:
  case NA_DROPBLOCK:
    for (size_t k = 0; k < count; k++) in->grad[k] += dy[k] * v->mask[k];
    break;
  default: weighted_back(run, layer, dy); break;
  }
}

/* Of constants: dy scaled. */
static void fixed_norm_back(const naive_net *run, const naive_value *v, const double *gamma,
                            const double *dy, double *dx, double *dgamma, double *dbeta)
{
  for (int n = 0; n < run->count; n++)
    for (int c = 0; c < v->channels; c++)
      for (int p = 0; p < v->area; p++) {
        size_t at = lanes_index(n, c, v->channels, p, v->area);
        double deviation = sqrt(v->var[c] + run->net->bn_eps);
        dx[at] = dy[at] * gamma[c] / deviation;
        dgamma[c] += dy[at] * (v->raw[at] - v->mean[c]) / deviation;
        dbeta[c] += dy[at];
      }
}

static void norm_back(naive_net *run, int layer, double *dy)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  double *gamma = take(run, l->gamma), *dgamma = room(run, l->gamma), *dbeta = room(run, l->beta);
  double *dx = lanes_doubles(values_of(run, layer));
  if (run->batch_statistics)
    na_naive_norm_backward(run->count, v->channels, v->area, v->raw, v->mean, v->var, run->net->bn_eps,
                           gamma, dy, dx, dgamma, dbeta);
  else fixed_norm_back(run, v, gamma, dy, dx, dgamma, dbeta);
  memcpy(dy, dx, values_of(run, layer) * sizeof(double));
  give(run, l->gamma, dgamma);
  give(run, l->beta, dbeta);
  na_free(gamma);
  na_free(dx);
}

static void layer_back(naive_net *run, int layer)
{
  const na_layer *l = layer_of(run, layer);
  naive_value *v = &run->values[layer];
  double *dy = lanes_doubles(values_of(run, layer));
  for (size_t k = 0; k < values_of(run, layer); k++)
    dy[k] = v->grad[k] * na_naive_act_slope(l->act, v->lazy[k]);
  if (has_lazy_bias(l)) {
    double *dbias = room(run, l->bias);
    na_naive_bias_backward(run->count, v->channels, v->area, dy, dbias);
    give(run, l->bias, dbias);
  }
  if (l->norm) norm_back(run, layer, dy);
  map_back(run, layer, dy);
  na_free(dy);
}

void naive_net_backward(naive_net *run, double weight)
{
  int last = run->net->layer_count - 1;
  naive_value *logits = &run->values[last];
  for (int i = 0; i <= last; i++) memset(run->values[i].grad, 0, values_of(run, i) * sizeof(double));
  na_naive_loss(run->count, run->net->classes, logits->out, run->labels, run->targets, run->smoothing,
                logits->grad);
  for (size_t k = 0; k < values_of(run, last); k++) logits->grad[k] *= weight;
  for (int i = last; i > 0; i--) layer_back(run, i);
}

/* ------------------------------------------------------------------------------- margins */

/* The least gap between the largest value of a window and any other in it that is not equal to it
 * (equal values, as relu's zeros, stay equal whatever the rounding). */
static double maxpool_margin(const naive_net *run, int layer)
{
  na_naive_window win = window_of(run, layer);
  const double *x = run->values[layer_of(run, layer)->input[0]].out, *y = run->values[layer].out;
  double margin = HUGE_VAL;
  for (int plane = 0; plane < win.n * win.o; plane++)
    for (int p = 0; p < win.p * win.q; p++)
      for (int tap = 0; tap < win.k * win.k; tap++) {
        int r = p / win.q * win.s + tap / win.k - win.k / 2, c = p % win.q * win.s + tap % win.k - win.k / 2;
        if (r < 0 || r >= win.h || c < 0 || c >= win.w) continue;
        double gap = y[plane * win.p * win.q + p] - x[plane * win.h * win.w + r * win.w + c];
        if (gap > 0 && gap < margin) margin = gap;
      }
  return margin;
}

static double squeeze_margin(const naive_net *run, int layer)
{
  const naive_value *v = &run->values[layer];
  double margin = HUGE_VAL;
  for (int k = 0; k < run->count * run->widths[layer_of(run, layer)->squeeze]; k++)
    margin = fmin(margin, na_naive_act_margin(NA_ACT_RELU, v->middle[k]));
  for (size_t k = 0; k < values_of(run, layer); k++)
    margin = fmin(margin, na_naive_act_margin(NA_ACT_HSIGMOID, v->logits[k]));
  return margin;
}

double naive_net_margin(const naive_net *run)
{
  double margin = HUGE_VAL;
  for (int i = 1; i < run->net->layer_count; i++) {
    const na_layer *l = layer_of(run, i);
    for (size_t k = 0; k < values_of(run, i); k++)
      margin = fmin(margin, na_naive_act_margin(l->act, run->values[i].lazy[k]));
    if (l->kind == NA_MAXPOOL) margin = fmin(margin, maxpool_margin(run, i));
    if (l->kind == NA_SQUEEZE) margin = fmin(margin, squeeze_margin(run, i));
  }
  return margin;
}
