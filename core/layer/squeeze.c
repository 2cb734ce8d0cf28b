/* Squeeze-excite: a gate per image and channel.
 *   pooled = mean over pixels of x;  squeezed = relu(W1 pooled + b1)
 *   gate = h-sigmoid(W2 squeezed + b2)
 * The gate is this layer's output; the projection that follows multiplies by it while loading. So its
 * backward finds in in->grad the gradient of the product x * gate, and turns it into that of x.
 * Oracle: na_naive_squeeze (PyTorch adaptive_avg_pool2d, conv2d, relu, conv2d, hardsigmoid, mul).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/gemm.h"
#include "core/layer/layer.h"

#include <string.h>

/* Pixels read at once into scratch. */
enum { RUN = 64 };

static int columns(const na_pass *pass) { return pass->blocks * NA_LANES; }

static void pool_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_view view = na_tensor_view(op->in);
  float *run = pass->scratch[worker], *pooled = op->pooled + (size_t)c * (size_t)columns(pass);
  long area = (long)op->in->height * op->in->width;
  for (int block = 0; block < pass->blocks; block++) {
    double sums[NA_LANES] = {0};
    for (long first = 0; first < area; first += RUN) {
      int count = (int)(area - first < RUN ? area - first : RUN);
      float part[NA_LANES] = {0};
      pass->kernels->read_view(&view, c, block * area + first, count, run);
      for (int p = 0; p < count; p++)
        for (int l = 0; l < NA_LANES; l++) part[l] += run[p * NA_LANES + l];
      for (int l = 0; l < NA_LANES; l++) sums[l] += (double)part[l];
    }
    for (int l = 0; l < NA_LANES; l++)
      pooled[block * NA_LANES + l] = (float)(sums[l] / (double)area);
  }
}

static void add_bias(float *rows, const float *bias, int count, int n)
{
  for (int c = 0; c < count; c++)
    for (int i = 0; i < n; i++) rows[(size_t)c * (size_t)n + (size_t)i] += bias[c];
}

static float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static void squeeze_forward(const na_pass *pass, const na_op *op)
{
  int n = columns(pass), channels = op->in->channels, middle = op->middle;
  na_each_channel(pass, op, channels, pool_channel);
  na_gemm(false, false, middle, n, channels, op->weight, (int)op->row, op->pooled, n, false,
          op->squeezed, n);
  add_bias(op->squeezed, op->bias, middle, n);
  for (size_t i = 0; i < (size_t)middle * (size_t)n; i++)
    if (op->squeezed[i] < 0) op->squeezed[i] = 0;
  na_gemm(false, false, channels, n, middle, op->weight2, (int)op->row2, op->squeezed, n, false,
          op->logits, n);
  add_bias(op->logits, op->bias2, channels, n);
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < n; i++)
      op->out->data[(size_t)c * op->out->stride + (size_t)i] =
          clamp01(op->logits[(size_t)c * (size_t)n + (size_t)i] / 6.0f + 0.5f);
}

/* out->grad[c] = gradient of the gate's logits: sum over pixels of grad * x, times h-sigmoid'. */
static void gate_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_view view = na_tensor_view(op->in);
  int n = columns(pass);
  float *run = pass->scratch[worker], *to = op->out->grad + (size_t)c * op->out->stride;
  const float *grad = op->in->grad + (size_t)c * op->in->stride;
  const float *logits = op->logits + (size_t)c * (size_t)n;
  long area = (long)op->in->height * op->in->width;
  for (int block = 0; block < pass->blocks; block++) {
    double sums[NA_LANES] = {0};
    for (long first = 0; first < area; first += RUN) {
      int count = (int)(area - first < RUN ? area - first : RUN);
      float part[NA_LANES] = {0};
      const float *g = grad + (size_t)(block * area + first) * NA_LANES;
      pass->kernels->read_view(&view, c, block * area + first, count, run);
      for (int p = 0; p < count; p++)
        for (int l = 0; l < NA_LANES; l++)
          part[l] += run[p * NA_LANES + l] * g[p * NA_LANES + l];
      for (int l = 0; l < NA_LANES; l++) sums[l] += (double)part[l];
    }
    for (int l = 0; l < NA_LANES; l++) {
      float x = logits[block * NA_LANES + l];
      to[block * NA_LANES + l] = x > -3 && x < 3 ? (float)(sums[l] / 6.0) : 0.0f;
    }
  }
}

/* in->grad: of x * gate -> of x, where pooled's gradient is spread over the pixels; then finished. */
static void spread_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  const float *gate = op->out->data + (size_t)c * op->out->stride;
  const float *pooled = op->pooled + (size_t)c * (size_t)columns(pass); /* its gradient by now */
  float *grad = op->in->grad + (size_t)c * op->in->stride;
  long area = (long)op->in->height * op->in->width;
  for (int block = 0; block < pass->blocks; block++) {
    float scale[NA_LANES], shift[NA_LANES];
    for (int l = 0; l < NA_LANES; l++) {
      scale[l] = gate[block * NA_LANES + l];
      shift[l] = pooled[block * NA_LANES + l] / (float)area;
    }
    for (long p = 0; p < area; p++, grad += NA_LANES)
      for (int l = 0; l < NA_LANES; l++) grad[l] = grad[l] * scale[l] + shift[l];
  }
  na_finish_channel(pass, op->in, c);
}

static void add_row_sums(const float *rows, int count, int n, size_t stride, float *to)
{
  for (int c = 0; c < count; c++) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)rows[(size_t)c * stride + (size_t)i];
    to[c] += (float)sum;
  }
}

static void squeeze_backward(const na_pass *pass, const na_op *op)
{
  int n = columns(pass), channels = op->in->channels, middle = op->middle;
  int stride = (int)op->out->stride;
  float *middle_grad = pass->packed;
  na_each_channel(pass, op, channels, gate_channel);
  add_row_sums(op->out->grad, channels, n, op->out->stride, op->bias2_grad);
  na_gemm(false, true, channels, middle, n, op->out->grad, stride, op->squeezed, n, true,
          op->weight2_grad, (int)op->row2);
  na_gemm(true, false, middle, n, channels, op->weight2, (int)op->row2, op->out->grad, stride,
          false, middle_grad, n);
  for (size_t i = 0; i < (size_t)middle * (size_t)n; i++)
    if (!(op->squeezed[i] > 0)) middle_grad[i] = 0;
  add_row_sums(middle_grad, middle, n, (size_t)n, op->bias_grad);
  na_gemm(false, true, middle, channels, n, middle_grad, n, op->pooled, n, true, op->weight_grad,
          (int)op->row);
  na_gemm(true, false, channels, n, middle, op->weight, (int)op->row, middle_grad, n, false,
          op->pooled, n);
  na_each_channel(pass, op, channels, spread_channel);
}

const na_layer_ops na_squeeze_ops = {squeeze_forward, squeeze_backward};
