/* Residual addition: out = a + b, stored as it is; its activation, if any, is lazy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"

#include <string.h>

/* Pixels read at once into scratch. */
enum { RUN = 64 };

static void forward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_view a = na_tensor_view(op->in), b = na_tensor_view(op->in2);
  float *other = pass->scratch[worker], *out = op->out->data + (size_t)c * op->out->stride;
  long pixels = na_tensor_pixels(pass, op->out);
  for (long first = 0; first < pixels; first += RUN) {
    long count = pixels - first < RUN ? pixels - first : RUN;
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

/* Hands the gradient to one input. */
static void deposit(const na_pass *pass, const na_op *op, int which, int c)
{
  na_tensor *in = which == 0 ? op->in : op->in2;
  if (!op->wanted[which]) return;
  const float *from = op->out->grad + (size_t)c * op->out->stride;
  float *to = in->grad + (size_t)c * in->stride;
  size_t values = (size_t)na_tensor_pixels(pass, in) * NA_LANES;
  if (op->accumulate[which])
    for (size_t i = 0; i < values; i++) to[i] += from[i];
  else memcpy(to, from, values * sizeof *to);
  if (op->last[which]) na_finish_channel(pass, in, c);
}

static void backward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  deposit(pass, op, 0, c);
  deposit(pass, op, 1, c);
}

static void add_backward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, backward_channel);
}

const na_layer_ops na_add_ops = {add_forward, add_backward};
