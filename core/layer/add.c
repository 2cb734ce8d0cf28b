/* Residual addition: out = a + b, stored as it is; its activation, if any, is lazy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"
#include "core/layer/split.h"

#include <string.h>

/* Pixels at once, of a channel: see RUN_FLOATS in core/net/workspace.c. */
enum { RUN = 64 };

static void forward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_view a = na_tensor_view(op->in), b = na_tensor_view(op->in2);
  float *other = pass->scratch[worker], *out = op->out->data + (size_t)c * op->out->stride;
  long pixels = na_tensor_pixels(pass, op->out);
  for (long first = 0; first < pixels; first += RUN) {
    long count = least(pixels - first, RUN);
    float *to = out + (size_t)first * NA_LANES;
    pass->kernels->read_view(&a, c, first, count, to);
    pass->kernels->read_view(&b, c, first, count, other);
    for (long i = 0; i < count * NA_LANES; i++) to[i] += other[i];
  }
}

static void add_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, forward_channel);
}

/* Hands a run of the gradient to one input, and finishes it there, while it is in the first-level cache. */
static void deposit(const na_pass *pass, const na_op *op, int which, int c, long first, long count, double sums[2])
{
  na_tensor *in = which == 0 ? op->in : op->in2;
  size_t at = (size_t)first * NA_LANES, values = (size_t)count * NA_LANES;
  const float *from = op->out->grad + (size_t)c * op->out->stride + at;
  float *grad = in->grad + (size_t)c * in->stride, *to = grad + at;
  if (op->accumulate[which])
    for (size_t i = 0; i < values; i++) to[i] += from[i];
  else memcpy(to, from, values * sizeof *to);
  if (!op->last[which] || na_tensor_plain(in)) return;
  na_finish how = na_tensor_finish(in, c);
  pass->kernels->finish(grad, &how, first, count, &sums[0], &sums[1]);
}

static void backward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  na_tensor *inputs[2] = {op->in, op->in2};
  double sums[2][2] = {{0}};
  long pixels = na_tensor_pixels(pass, op->out);
  for (long first = 0; first < pixels; first += RUN)
    for (int which = 0; which < 2; which++)
      if (op->wanted[which]) deposit(pass, op, which, c, first, least(pixels - first, RUN), sums[which]);
  for (int which = 0; which < 2; which++) {
    na_tensor *in = inputs[which];
    if (!op->wanted[which] || !op->last[which] || !(in->norm || in->bias)) continue;
    in->sum[c] = sums[which][0];
    in->sum_x[c] = sums[which][1];
  }
}

static void add_backward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, backward_channel);
}

const na_layer_ops na_add_ops = {add_forward, add_backward};
