/* Dropout: each value is zeroed with probability `rate` and else divided by 1 - rate (PyTorch
 * dropout). What is dropped is a function of (seed, layer, channel, pixel, lane), so nothing is stored.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/random.h"
#include "core/layer/layer.h"

/* values[i] *= 0 or 1 / (1 - rate), for channel c from its first value on. */
static void drop(const na_pass *pass, const na_op *op, int c, float *values, size_t count)
{
  na_random draws = na_random_at(pass->seed, op->index, (uint64_t)c);
  float keep = (float)(1.0 / (1.0 - op->rate));
  uint64_t limit = (uint64_t)(op->rate * 4294967296.0);
  for (size_t i = 0; i < count; i++)
    values[i] *= na_random_next(&draws) >> 32 < limit ? 0.0f : keep;
}

static size_t channel_values(const na_pass *pass, const na_tensor *tensor)
{
  return (size_t)na_tensor_pixels(pass, tensor) * NA_LANES;
}

static void forward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  na_view view = na_tensor_view(op->in);
  float *out = op->out->data + (size_t)c * op->out->stride;
  pass->kernels->read_view(&view, c, 0, na_tensor_pixels(pass, op->in), out);
  if (pass->dropout) drop(pass, op, c, out, channel_values(pass, op->out));
}

static void dropout_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, forward_channel);
}

static void backward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  float *from = op->out->grad + (size_t)c * op->out->stride;
  float *to = op->in->grad + (size_t)c * op->in->stride;
  size_t values = channel_values(pass, op->in);
  if (pass->dropout) drop(pass, op, c, from, values);
  for (size_t i = 0; i < values; i++) to[i] = op->accumulate[0] ? to[i] + from[i] : from[i];
  if (op->last[0]) na_finish_channel(pass, op->in, c);
}

static void dropout_backward(const na_pass *pass, const na_op *op)
{
  if (op->wanted[0]) na_each_channel(pass, op, op->out->channels, backward_channel);
}

const na_layer_ops na_dropout_ops = {dropout_forward, dropout_backward};
