/* Squeeze-excite: a gate per image and channel.
 *   pooled = mean over pixels of x;  squeezed = relu(W1 pooled + b1)
 *   gate = h-sigmoid(W2 squeezed + b2)
 * The gate is this layer's output; the projection that follows multiplies by it while loading. So its
 * backward finds in in->grad the gradient of the product x * gate, and turns it into that of x.
 *
 * The rows of its small matrices are split into fixed tiles among the team, so no sum depends on the
 * number of threads.
 * Oracle: na_naive_squeeze (PyTorch adaptive_avg_pool2d, conv2d, relu, conv2d, hardsigmoid, mul).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/gemm.h"
#include "core/layer/layer.h"
#include "core/layer/split.h"

/* Rows of a tile. */
enum { ROWS = 128 };

static int columns(const na_pass *pass) { return pass->blocks * NA_LANES; }

static long area_of(const na_op *op) { return (long)op->in->height * op->in->width; }

static void pool_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  float *pooled = op->pooled + (size_t)c * (size_t)columns(pass);
  for (int block = 0; block < pass->blocks; block++)
    na_mean_plane(pass, op->in, c, block, pooled + block * NA_LANES);
}

static void add_bias(float *rows, const float *bias, int count, int n)
{
  for (int c = 0; c < count; c++)
    for (int i = 0; i < n; i++) rows[(size_t)c * (size_t)n + (size_t)i] += bias[c];
}

static float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

/* The matrices of one layer: rows of channels, or of squeezed channels, by images. */
typedef struct squeeze_loop {
  const na_pass *pass;
  const na_op *op;
  int columns;
  float *middle_grad; /* [middle][columns] */
} squeeze_loop;

/* Runs `task` on tiles of so many rows. */
static void each_tile(squeeze_loop *loop, int rows, na_task *task)
{
  na_team_run(loop->pass->team, task, loop, ceiling(rows, ROWS));
}

static int tile_rows(int rows, int first) { return least(rows - first, ROWS); }

static void squeeze_rows(void *context, int unit, int worker)
{
  (void)worker;
  const squeeze_loop *loop = context;
  const na_op *op = loop->op;
  int n = loop->columns, first = unit * ROWS, rows = tile_rows(op->middle, first);
  float *to = op->squeezed + (size_t)first * (size_t)n;
  na_gemm(false, false, rows, n, op->in->channels, op->weight + (size_t)first * op->row,
          (int)op->row, op->pooled, n, false, to, n);
  add_bias(to, op->bias + first, rows, n);
  for (size_t i = 0; i < (size_t)rows * (size_t)n; i++)
    if (to[i] < 0) to[i] = 0;
}

static void gate_rows(void *context, int unit, int worker)
{
  (void)worker;
  const squeeze_loop *loop = context;
  const na_op *op = loop->op;
  int n = loop->columns, first = unit * ROWS, rows = tile_rows(op->in->channels, first);
  float *to = op->logits + (size_t)first * (size_t)n;
  na_gemm(false, false, rows, n, op->middle, op->weight2 + (size_t)first * op->row2,
          (int)op->row2, op->squeezed, n, false, to, n);
  add_bias(to, op->bias2 + first, rows, n);
  for (int c = 0; c < rows; c++)
    for (int i = 0; i < n; i++)
      op->out->data[(size_t)(first + c) * op->out->stride + (size_t)i] =
          clamp01(to[(size_t)c * (size_t)n + (size_t)i] / 6.0f + 0.5f);
}

static void squeeze_forward(const na_pass *pass, const na_op *op)
{
  squeeze_loop loop = {.pass = pass, .op = op, .columns = columns(pass)};
  na_each_channel(pass, op, op->in->channels, pool_channel);
  each_tile(&loop, op->middle, squeeze_rows);
  each_tile(&loop, op->in->channels, gate_rows);
}

/* out->grad[c] = gradient of the gate's logits: sum over pixels of grad * x, times h-sigmoid'. */
static void gate_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  na_view view = na_tensor_view(op->in);
  float *to = op->out->grad + (size_t)c * op->out->stride;
  const float *grad = op->in->grad + (size_t)c * op->in->stride;
  const float *logits = op->logits + (size_t)c * (size_t)columns(pass);
  long area = area_of(op);
  for (int block = 0; block < pass->blocks; block++) {
    double sums[NA_LANES] = {0};
    pass->kernels->sum_lanes(&view, c, block * area, area, grad, sums);
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
  long area = area_of(op);
  for (int block = 0; block < pass->blocks; block++) {
    float shift[NA_LANES] __attribute__((aligned(64)));
    for (int l = 0; l < NA_LANES; l++) shift[l] = pooled[block * NA_LANES + l] / (float)area;
    pass->kernels->scale_lanes(grad + (size_t)(block * area) * NA_LANES, gate + block * NA_LANES,
                               shift, area);
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

/* Gradients of rows of the second matrix. */
static void pull_gate_rows(void *context, int unit, int worker)
{
  (void)worker;
  const squeeze_loop *loop = context;
  const na_op *op = loop->op;
  int n = loop->columns, first = unit * ROWS, rows = tile_rows(op->in->channels, first);
  const float *grad = op->out->grad + (size_t)first * op->out->stride;
  add_row_sums(grad, rows, n, op->out->stride, op->bias2_grad + first);
  na_gemm(false, true, rows, op->middle, n, grad, (int)op->out->stride, op->squeezed, n, true,
          op->weight2_grad + (size_t)first * op->row2, (int)op->row2);
}

/* Gradients of squeezed channels, and of their rows of the first matrix. */
static void pull_squeezed_rows(void *context, int unit, int worker)
{
  (void)worker;
  const squeeze_loop *loop = context;
  const na_op *op = loop->op;
  int n = loop->columns, channels = op->in->channels, first = unit * ROWS;
  int rows = tile_rows(op->middle, first);
  size_t at = (size_t)first * (size_t)n;
  float *grad = loop->middle_grad + at;
  na_gemm(true, false, rows, n, channels, op->weight2 + first, (int)op->row2, op->out->grad,
          (int)op->out->stride, false, grad, n);
  for (size_t i = 0; i < (size_t)rows * (size_t)n; i++)
    if (!(op->squeezed[at + i] > 0)) grad[i] = 0;
  add_row_sums(grad, rows, n, (size_t)n, op->bias_grad + first);
  na_gemm(false, true, rows, channels, n, grad, n, op->pooled, n, true,
          op->weight_grad + (size_t)first * op->row, (int)op->row);
}

/* pooled becomes its own gradient. */
static void pull_pooled_rows(void *context, int unit, int worker)
{
  (void)worker;
  const squeeze_loop *loop = context;
  const na_op *op = loop->op;
  int n = loop->columns, first = unit * ROWS, rows = tile_rows(op->in->channels, first);
  na_gemm(true, false, rows, n, op->middle, op->weight + first, (int)op->row, loop->middle_grad, n,
          false, op->pooled + (size_t)first * (size_t)n, n);
}

static void squeeze_backward(const na_pass *pass, const na_op *op)
{
  int channels = op->in->channels;
  squeeze_loop loop = {
      .pass = pass, .op = op, .columns = columns(pass), .middle_grad = pass->packed};
  na_each_channel(pass, op, channels, gate_channel);
  each_tile(&loop, channels, pull_gate_rows);
  each_tile(&loop, op->middle, pull_squeezed_rows);
  each_tile(&loop, channels, pull_pooled_rows);
  na_each_channel(pass, op, channels, spread_channel);
}

const na_layer_ops na_squeeze_ops = {squeeze_forward, squeeze_backward};
