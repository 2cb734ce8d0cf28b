/* Fully connected layers: a convolution of 1x1 inputs is one small matrix product, left to BLAS. The
 * channels of a 1x1 tensor are the rows of a matrix with one column per image.
 *
 *   forward   Y[M x N] = W[M x K] X[K x N]        N = 16 * blocks
 *   weights   dW[M x K] += dY[M x N] X[K x N]^T
 *   input     dX[K x N] = W^T dY
 *
 * Rows are split into fixed tiles among the team, so no sum depends on the number of threads.
 * Oracle: na_naive_linear (PyTorch linear).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/gemm.h"
#include "core/layer/layer.h"
#include "core/layer/split.h"

enum { ROWS = 64 };

void na_linear_needs(int in, int out, int blocks, na_needs *needs)
{
  /* The input's values and the output's gradients, side by side. */
  *needs = (na_needs){.packed = ((size_t)in + (size_t)out) * (size_t)blocks * NA_LANES,
                      .channels = (size_t)most(in, out)};
}

typedef struct linear_loop {
  const na_pass *pass;
  const na_op *op;
  int columns;
  float *values, *gradients; /* [in][columns], [out][columns] */
} linear_loop;

static linear_loop linear_loop_init(const na_pass *pass, const na_op *op)
{
  int columns = pass->blocks * NA_LANES;
  return (linear_loop){pass, op, columns, pass->packed,
                       pass->packed + (size_t)op->in->channels * (size_t)columns};
}

static int tiles(int rows) { return ceiling(rows, ROWS); }

static int tile_rows(int rows, int unit) { return least(rows - unit * ROWS, ROWS); }

static void read_values(const linear_loop *loop)
{
  const na_op *op = loop->op;
  na_view view = na_tensor_view(op->in);
  if (op->gate != NULL) {
    view.gate = op->gate->data;
    view.gate_stride = op->gate->stride;
  }
  for (int c = 0; c < op->in->channels; c++)
    loop->pass->kernels->read_view(&view, c, 0, loop->pass->blocks,
                                   loop->values + (size_t)c * (size_t)loop->columns);
}

/* Mean and variance of one row of outputs, as one chunk. */
static void settle_row(const linear_loop *loop, int c)
{
  na_tensor *out = loop->op->out;
  const float *row = out->data + (size_t)c * out->stride;
  na_mask mask = na_pass_mask(loop->pass, out);
  na_moments moments = {.shift = row[0]};
  double count = na_pass_values(loop->pass, out, 0, loop->pass->blocks);
  loop->pass->kernels->moments(row, false, 0, loop->pass->blocks, &mask, &moments);
  na_norm_settle(loop->pass, out, c, 1, &moments, 0, &count);
}

static void forward_rows(void *context, int unit, int worker)
{
  (void)worker;
  const linear_loop *loop = context;
  const na_op *op = loop->op;
  int first = unit * ROWS, rows = tile_rows(op->out->channels, unit);
  na_gemm(false, false, rows, loop->columns, op->in->channels,
          op->weight + (size_t)first * op->row, (int)op->row, loop->values, loop->columns, false,
          op->out->data + (size_t)first * op->out->stride, (int)op->out->stride);
  if (!na_norm_by_batch(loop->pass, op->out)) return;
  for (int c = first; c < first + rows; c++) settle_row(loop, c);
}

static void linear_forward(const na_pass *pass, const na_op *op)
{
  linear_loop loop = linear_loop_init(pass, op);
  read_values(&loop);
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_rows, &loop, tiles(op->out->channels));
}

static void weight_rows(void *context, int unit, int worker)
{
  (void)worker;
  const linear_loop *loop = context;
  const na_op *op = loop->op;
  int first = unit * ROWS;
  na_gemm(false, true, tile_rows(op->out->channels, unit), op->in->channels, loop->columns,
          loop->gradients + (size_t)first * (size_t)loop->columns, loop->columns, loop->values,
          loop->columns, true, op->weight_grad + (size_t)first * op->row, (int)op->row);
}

static void input_rows(void *context, int unit, int worker)
{
  (void)worker;
  const linear_loop *loop = context;
  const na_op *op = loop->op;
  int first = unit * ROWS, rows = tile_rows(op->in->channels, unit);
  na_gemm(true, false, rows, loop->columns, op->out->channels, op->weight + first, (int)op->row,
          loop->gradients, loop->columns, op->accumulate[0],
          op->in->grad + (size_t)first * op->in->stride, (int)op->in->stride);
  if (!op->last[0]) return;
  for (int c = first; c < first + rows; c++) na_finish_channel(loop->pass, op->in, c);
}

static void linear_backward(const na_pass *pass, const na_op *op)
{
  linear_loop loop = linear_loop_init(pass, op);
  na_mask mask = na_pass_mask(pass, op->out);
  na_norm_pull(pass, op->out);
  read_values(&loop);
  na_pullback pullback = na_tensor_pullback(op->out);
  for (int c = 0; c < op->out->channels; c++)
    pass->kernels->read_pullback(&pullback, c, &mask, 0, pass->blocks,
                                 loop.gradients + (size_t)c * (size_t)loop.columns);
  na_team_run(pass->team, weight_rows, &loop, tiles(op->out->channels));
  if (op->wanted[0]) na_team_run(pass->team, input_rows, &loop, tiles(op->in->channels));
}

const na_layer_ops na_linear_ops = {linear_forward, linear_backward};
