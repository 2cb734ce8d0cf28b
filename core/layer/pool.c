/* Pooling over windows and over whole planes.
 *   maxpool     PyTorch max_pool2d(padding = kernel/2): the first largest value in row order
 *   avgpool     PyTorch avg_pool2d(padding = kernel/2, count_include_pad = True)
 *   globalpool  PyTorch adaptive_avg_pool2d(1)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"

#include <math.h>
#include <string.h>

/* The window of output pixel (y, x), clipped to the input: rows [top, bottom), columns [left, right). */
typedef struct window {
  int top, bottom, left, right;
} window;

static window window_at(const na_op *op, int y, int x)
{
  window w = {.top = y * op->stride - op->pad, .left = x * op->stride - op->pad};
  w.bottom = w.top + op->kernel < op->in->height ? w.top + op->kernel : op->in->height;
  w.right = w.left + op->kernel < op->in->width ? w.left + op->kernel : op->in->width;
  if (w.top < 0) w.top = 0;
  if (w.left < 0) w.left = 0;
  return w;
}

/* Reads one plane of the input into scratch as consumers see it. */
static const float *read_plane(const na_pass *pass, const na_op *op, int c, int block, int worker)
{
  na_view view = na_tensor_view(op->in);
  long area = (long)op->in->height * op->in->width;
  pass->kernels->read_view(&view, c, block * area, area, pass->scratch[worker]);
  return pass->scratch[worker];
}

static float *plane_of(const na_tensor *tensor, float *values, int c, int block)
{
  return values + (size_t)c * tensor->stride +
         (size_t)block * (size_t)(tensor->height * tensor->width) * NA_LANES;
}

typedef void pool_window(const na_op *op, window w, const float *plane, float *out);

static void largest(const na_op *op, window w, const float *plane, float *out)
{
  for (int l = 0; l < NA_LANES; l++) out[l] = -INFINITY;
  for (int y = w.top; y < w.bottom; y++)
    for (int x = w.left; x < w.right; x++) {
      const float *in = plane + (size_t)(y * op->in->width + x) * NA_LANES;
      for (int l = 0; l < NA_LANES; l++) out[l] = in[l] > out[l] || isnan(in[l]) ? in[l] : out[l];
    }
}

static void average(const na_op *op, window w, const float *plane, float *out)
{
  float weight = 1.0f / (float)(op->kernel * op->kernel);
  for (int l = 0; l < NA_LANES; l++) out[l] = 0;
  for (int y = w.top; y < w.bottom; y++)
    for (int x = w.left; x < w.right; x++) {
      const float *in = plane + (size_t)(y * op->in->width + x) * NA_LANES;
      for (int l = 0; l < NA_LANES; l++) out[l] += in[l] * weight;
    }
}

static void pool_planes(const na_pass *pass, const na_op *op, int c, int worker, pool_window *pool)
{
  for (int block = 0; block < pass->blocks; block++) {
    const float *plane = read_plane(pass, op, c, block, worker);
    float *out = plane_of(op->out, op->out->data, c, block);
    for (int y = 0; y < op->out->height; y++)
      for (int x = 0; x < op->out->width; x++, out += NA_LANES)
        pool(op, window_at(op, y, x), plane, out);
  }
}

static void max_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  pool_planes(pass, op, c, worker, largest);
}

static void avg_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  pool_planes(pass, op, c, worker, average);
}

static void maxpool_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, max_channel);
}

static void avgpool_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, avg_channel);
}

/* Adds one output pixel's gradient g[16] to the input plane's. */
typedef void unpool_window(const na_op *op, window w, const float *plane, const float *g, float *to);

static void to_largest(const na_op *op, window w, const float *plane, const float *g, float *to)
{
  int best[NA_LANES];
  int first = w.top * op->in->width + w.left;
  for (int l = 0; l < NA_LANES; l++) best[l] = first;
  for (int y = w.top; y < w.bottom; y++)
    for (int x = w.left; x < w.right; x++) {
      int at = y * op->in->width + x;
      for (int l = 0; l < NA_LANES; l++)
        if (plane[(size_t)at * NA_LANES + (size_t)l] > plane[(size_t)best[l] * NA_LANES + (size_t)l])
          best[l] = at;
    }
  for (int l = 0; l < NA_LANES; l++) to[(size_t)best[l] * NA_LANES + (size_t)l] += g[l];
}

static void to_all(const na_op *op, window w, const float *plane, const float *g, float *to)
{
  (void)plane;
  float weight = 1.0f / (float)(op->kernel * op->kernel);
  for (int y = w.top; y < w.bottom; y++)
    for (int x = w.left; x < w.right; x++) {
      float *in = to + (size_t)(y * op->in->width + x) * NA_LANES;
      for (int l = 0; l < NA_LANES; l++) in[l] += g[l] * weight;
    }
}

static void unpool_planes(const na_pass *pass, const na_op *op, int c, int worker,
                          unpool_window *unpool)
{
  size_t area = (size_t)(op->in->height * op->in->width) * NA_LANES;
  for (int block = 0; block < pass->blocks; block++) {
    const float *plane = read_plane(pass, op, c, block, worker);
    const float *g = plane_of(op->out, op->out->grad, c, block);
    float *to = plane_of(op->in, op->in->grad, c, block);
    if (!op->accumulate[0]) memset(to, 0, area * sizeof *to);
    for (int y = 0; y < op->out->height; y++)
      for (int x = 0; x < op->out->width; x++, g += NA_LANES)
        unpool(op, window_at(op, y, x), plane, g, to);
  }
  if (op->last[0]) na_finish_channel(pass, op->in, c);
}

static void unmax_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  unpool_planes(pass, op, c, worker, to_largest);
}

static void unavg_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  unpool_planes(pass, op, c, worker, to_all);
}

static void maxpool_backward(const na_pass *pass, const na_op *op)
{
  if (op->wanted[0]) na_each_channel(pass, op, op->out->channels, unmax_channel);
}

static void avgpool_backward(const na_pass *pass, const na_op *op)
{
  if (op->wanted[0]) na_each_channel(pass, op, op->out->channels, unavg_channel);
}

void na_mean_plane(const na_pass *pass, const na_tensor *tensor, int c, int block, float *out)
{
  na_view view = na_tensor_view(tensor);
  long area = (long)tensor->height * tensor->width;
  double sums[NA_LANES] = {0};
  pass->kernels->sum_lanes(&view, c, block * area, area, NULL, sums);
  for (int l = 0; l < NA_LANES; l++) out[l] = (float)(sums[l] / (double)area);
}

static void mean_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  for (int block = 0; block < pass->blocks; block++)
    na_mean_plane(pass, op->in, c, block, plane_of(op->out, op->out->data, c, block));
}

static void globalpool_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, mean_channel);
}

static void unmean_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  long area = (long)op->in->height * op->in->width;
  for (int block = 0; block < pass->blocks; block++) {
    const float *g = plane_of(op->out, op->out->grad, c, block);
    float *to = plane_of(op->in, op->in->grad, c, block), share[NA_LANES];
    for (int l = 0; l < NA_LANES; l++) share[l] = g[l] / (float)area;
    for (long p = 0; p < area; p++, to += NA_LANES)
      for (int l = 0; l < NA_LANES; l++) to[l] = op->accumulate[0] ? to[l] + share[l] : share[l];
  }
  if (op->last[0]) na_finish_channel(pass, op->in, c);
}

static void globalpool_backward(const na_pass *pass, const na_op *op)
{
  if (op->wanted[0]) na_each_channel(pass, op, op->out->channels, unmean_channel);
}

const na_layer_ops na_maxpool_ops = {maxpool_forward, maxpool_backward};
const na_layer_ops na_avgpool_ops = {avgpool_forward, avgpool_backward};
const na_layer_ops na_globalpool_ops = {globalpool_forward, globalpool_backward};
