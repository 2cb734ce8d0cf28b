/* BatchNorm and bias as lazy scale and shift.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"
#include "core/layer/split.h"

#include <limits.h>
#include <math.h>
#include <string.h>

long na_tensor_pixels(const na_pass *pass, const na_tensor *tensor)
{
  return (long)pass->blocks * tensor->height * tensor->width;
}

enum { STREAM_BYTES = 16 << 20 };

long na_tensor_bytes(const na_pass *pass, const na_tensor *tensor)
{
  return tensor->channels * (long)na_stored(tensor->rounded, na_tensor_pixels(pass, tensor)) * (long)sizeof(float);
}

bool na_tensor_streams(const na_pass *pass, const na_tensor *tensor)
{
  return na_tensor_bytes(pass, tensor) > STREAM_BYTES;
}

na_view na_tensor_view(const na_tensor *tensor)
{
  return (na_view){.data = tensor->data,
                   .rounded = tensor->rounded,
                   .stride = tensor->stride,
                   .height = tensor->height,
                   .width = tensor->width,
                   .scale = tensor->lazy ? tensor->scale : NULL,
                   .shift = tensor->lazy ? tensor->shift : NULL,
                   .act = tensor->act};
}

na_pullback na_tensor_pullback(const na_tensor *tensor)
{
  return (na_pullback){.grad = tensor->grad,
                       .data = tensor->data,
                       .rounded = tensor->rounded,
                       .stride = tensor->stride,
                       .height = tensor->height,
                       .width = tensor->width,
                       .a = tensor->norm ? tensor->a : NULL,
                       .b = tensor->b,
                       .c = tensor->c};
}

na_view na_view_from(const na_view *view, int c)
{
  na_view v = *view;
  v.data += (size_t)c * v.stride;
  if (v.scale != NULL) v.scale += c;
  if (v.shift != NULL) v.shift += c;
  if (v.gate != NULL) v.gate += (size_t)c * v.gate_stride;
  return v;
}

na_pullback na_pullback_from(const na_pullback *pullback, int c)
{
  na_pullback p = *pullback;
  p.grad += (size_t)c * p.stride;
  if (p.data != NULL) p.data += (size_t)c * p.stride;
  if (p.a == NULL) return p;
  p.a += c;
  p.b += c;
  p.c += c;
  return p;
}

void na_add_needs(na_needs *total, const na_needs *more)
{
  total->scratch = larger(total->scratch, more->scratch);
  total->packed = larger(total->packed, more->packed);
  total->partial = larger(total->partial, more->partial);
  total->channels = larger(total->channels, more->channels);
}

na_mask na_pass_mask(const na_pass *pass, const na_tensor *tensor)
{
  if (!pass->masked) return (na_mask){LONG_MAX, pass->lanes};
  return (na_mask){(long)(pass->blocks - 1) * tensor->height * tensor->width, pass->lanes};
}

na_finish na_tensor_finish(const na_tensor *tensor, int c)
{
  return (na_finish){.data = tensor->data + (size_t)c * tensor->stride,
                     .rounded = tensor->rounded,
                     .grad_rounded = tensor->rounded,
                     .scale = tensor->lazy ? tensor->scale[c] : 1.0f,
                     .shift = tensor->lazy ? tensor->shift[c] : 0.0f,
                     .mean = tensor->norm ? tensor->mean[c] : 0.0f,
                     .act = tensor->act};
}

float na_tensor_value(const na_tensor *tensor, const float *channel, long i)
{
  if (!tensor->rounded) return channel[i];
  uint16_t half;
  uint32_t bits;
  float value;
  memcpy(&half, (const char *)channel + i * (long)sizeof half, sizeof half);
  bits = (uint32_t)half << 16;
  memcpy(&value, &bits, sizeof value);
  return value;
}

bool na_tensor_plain(const na_tensor *tensor)
{
  return !tensor->norm && !tensor->bias && tensor->act == NA_ACT_IDENTITY;
}

void na_finish_channel(const na_pass *pass, na_tensor *tensor, int c)
{
  if (na_tensor_plain(tensor)) return;
  na_finish how = na_tensor_finish(tensor, c);
  double sum = 0, sum_x = 0;
  pass->kernels->finish(tensor->grad + (size_t)c * tensor->stride, &how, 0,
                        na_tensor_pixels(pass, tensor), &sum, &sum_x);
  if (!tensor->norm && !tensor->bias) return;
  tensor->sum[c] = sum;
  tensor->sum_x[c] = sum_x;
}

/* Small channels are taken several at once: their vectors' neighbours in a line of the caches are one
 * thread's, then, and the threads do not wait for each other's lines. */
enum { PIXELS_PER_UNIT = 4096, CHANNELS_PER_UNIT = 16 };

typedef struct channel_loop {
  const na_pass *pass;
  const na_op *op;
  na_channel_task *task;
  int channels, unit;
} channel_loop;

static void run_channels(void *context, int unit, int worker)
{
  const channel_loop *loop = context;
  int end = least((unit + 1) * loop->unit, loop->channels);
  for (int c = unit * loop->unit; c < end; c++) loop->task(loop->pass, loop->op, c, worker);
}

void na_each_channel(const na_pass *pass, const na_op *op, int channels, na_channel_task *task)
{
  long unit = PIXELS_PER_UNIT / na_tensor_pixels(pass, op->in);
  channel_loop loop = {pass, op, task, channels, most(least(unit, CHANNELS_PER_UNIT), 1)};
  na_team_run(pass->team, run_channels, &loop, ceiling(channels, loop.unit));
}

bool na_norm_by_batch(const na_pass *pass, const na_tensor *tensor)
{
  return tensor->norm && pass->batch_statistics && !(tensor->still && pass->base);
}

void na_norm_prepare(const na_pass *pass, na_tensor *tensor)
{
  if (tensor->bias) {
    for (int c = 0; c < tensor->channels; c++) tensor->scale[c] = 1.0f;
    memcpy(tensor->shift, tensor->bias_values, (size_t)tensor->channels * sizeof(float));
    return;
  }
  if (!tensor->norm || na_norm_by_batch(pass, tensor)) return;
  for (int c = 0; c < tensor->channels; c++) {
    double invstd = 1.0 / sqrt((double)tensor->running_var[c] + pass->eps);
    double scale = (double)tensor->gamma[c] * invstd;
    tensor->mean[c] = tensor->running_mean[c];
    tensor->invstd[c] = (float)invstd;
    tensor->scale[c] = (float)scale;
    tensor->shift[c] = (float)((double)tensor->beta[c] - (double)tensor->running_mean[c] * scale);
  }
}

double na_pass_values(const na_pass *pass, const na_tensor *tensor, long first, long count)
{
  na_mask mask = na_pass_mask(pass, tensor);
  long masked = first + count > mask.first ? first + count - mask.first : 0;
  if (masked > count) masked = count;
  int lanes = 0;
  for (int l = 0; l < NA_LANES; l++) lanes += pass->lanes[l] != 0;
  return (double)(count - masked) * NA_LANES + (double)masked * lanes;
}

/* Mean and biased variance of the union of the chunks (Chan, Golub, LeVeque 1979). */
static void combine(int chunks, const na_moments *moments, size_t step,
                    const double *counts, double *n, double *mean, double *variance)
{
  double total = 0, average = 0, spread = 0;
  for (int k = 0; k < chunks; k++) {
    const na_moments *m = &moments[(size_t)k * step];
    if (counts[k] == 0) continue;
    double offset = m->sum / counts[k], chunk_mean = (double)m->shift + offset;
    double chunk_spread = m->square - m->sum * offset, delta = chunk_mean - average;
    total += counts[k];
    average += delta * counts[k] / total;
    spread += chunk_spread + delta * delta * (total - counts[k]) * counts[k] / total;
  }
  *n = total;
  *mean = average;
  *variance = spread > 0 ? spread / total : spread < 0 ? 0 : spread / total; /* a NaN stays one */
}

void na_norm_settle(const na_pass *pass, na_tensor *tensor, int c, int chunks,
                    const na_moments *moments, size_t step, const double *counts)
{
  double n, mean, variance;
  combine(chunks, moments, step, counts, &n, &mean, &variance);
  double invstd = 1.0 / sqrt(variance + pass->eps);
  double scale = (double)tensor->gamma[c] * invstd;
  tensor->mean[c] = (float)mean;
  tensor->invstd[c] = (float)invstd;
  tensor->scale[c] = (float)scale;
  tensor->shift[c] = (float)((double)tensor->beta[c] - mean * scale);
  if (pass->update_running && !tensor->still) {
    double unbiased = n > 1 ? variance * n / (n - 1) : variance, m = pass->momentum;
    tensor->running_mean[c] = (float)((1 - m) * (double)tensor->running_mean[c] + m * mean);
    tensor->running_var[c] = (float)((1 - m) * (double)tensor->running_var[c] + m * unbiased);
  }
  if (pass->estimate) {
    tensor->estimate_mean[c] += mean * pass->count;
    tensor->estimate_var[c] += variance * pass->count;
  }
}

void na_norm_pull(const na_pass *pass, na_tensor *tensor)
{
  if (tensor->bias)
    for (int c = 0; c < tensor->channels; c++) tensor->bias_grad[c] += (float)tensor->sum[c];
  if (!tensor->norm) return;
  double n = na_pass_values(pass, tensor, 0, na_tensor_pixels(pass, tensor));
  bool fixed = !na_norm_by_batch(pass, tensor);
  for (int c = 0; c < tensor->channels; c++) {
    double invstd = tensor->invstd[c], scale = (double)tensor->gamma[c] * invstd;
    double gamma_grad = tensor->sum_x[c] * invstd, beta_grad = tensor->sum[c];
    tensor->gamma_grad[c] += (float)gamma_grad;
    tensor->beta_grad[c] += (float)beta_grad;
    /* dx = scale * (g - beta_grad / n - (x - mean) * invstd * gamma_grad / n) */
    double b = -scale * invstd * gamma_grad / n;
    if (fixed) b = beta_grad = 0; /* constants do not depend on x */
    tensor->a[c] = (float)scale;
    tensor->b[c] = (float)b;
    tensor->c[c] = (float)(-scale * beta_grad / n - b * (double)tensor->mean[c]);
  }
}
