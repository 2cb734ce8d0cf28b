/* Depthwise convolution: every channel is its own, so channels are the unit of work and no sum is
 * ever split.
 * Oracle: na_naive_depthwise (PyTorch conv2d with groups = channels).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"

na_shape na_op_shape(const na_op *op)
{
  return (na_shape){op->kernel, op->stride, op->pad, op->in->height, op->in->width, op->out->height,
                    op->out->width};
}

na_depthwise na_depthwise_call(const na_pass *pass, const na_op *op, int c)
{
  return (na_depthwise){.kernel = op->kernel,
                        .stride = op->stride,
                        .pad = op->pad,
                        .blocks = pass->blocks,
                        .in_height = op->in->height,
                        .in_width = op->in->width,
                        .out_height = op->out->height,
                        .out_width = op->out->width,
                        .weight = op->weight + (size_t)c * op->row,
                        .mask = na_pass_mask(pass, op->out),
                        .rounded = op->out->rounded};
}

static void forward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_tensor *out = op->out;
  na_depthwise call = na_depthwise_call(pass, op, c);
  na_view view = na_tensor_view(op->in);
  call.stream = na_tensor_streams(pass, out);
  bool statistics = na_norm_by_batch(pass, out);
  na_moments moments = {0};
  pass->kernels->depthwise_forward(&call, &view, c, out->data + (size_t)c * out->stride,
                                   statistics ? &moments : NULL, pass->scratch[worker]);
  if (!statistics) return;
  double count = na_pass_values(pass, out, 0, na_tensor_pixels(pass, out));
  na_norm_settle(pass, out, c, 1, &moments, 0, &count);
}

static void depthwise_forward(const na_pass *pass, const na_op *op)
{
  na_norm_prepare(pass, op->out);
  na_each_channel(pass, op, op->out->channels, forward_channel);
}

static void backward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_tensor *in = op->in;
  na_depthwise call = na_depthwise_call(pass, op, c);
  na_view view = na_tensor_view(in);
  na_pullback pullback = na_tensor_pullback(op->out);
  na_finish how = na_tensor_finish(in, c);
  call.stream = na_tensor_streams(pass, in);
  double sum = 0, sum_x = 0;
  bool finish = op->wanted[0] && op->last[0] && !na_tensor_plain(in);
  pass->kernels->depthwise_backward(&call, &view, &pullback, c,
                                    op->weight_grad + (size_t)c * op->row,
                                    op->wanted[0] ? in->grad + (size_t)c * in->stride : NULL,
                                    op->accumulate[0], finish ? &how : NULL, &sum, &sum_x,
                                    pass->scratch[worker]);
  if (!finish || !(in->norm || in->bias)) return;
  in->sum[c] = sum;
  in->sum_x[c] = sum_x;
}

static void depthwise_backward(const na_pass *pass, const na_op *op)
{
  na_norm_pull(pass, op->out);
  na_each_channel(pass, op, op->out->channels, backward_channel);
}

const na_layer_ops na_depthwise_ops = {depthwise_forward, depthwise_backward};
