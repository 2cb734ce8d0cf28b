/* The oracle: every layer's mathematics in a few plain lines, NCHW, in double. Slow, kept for ever;
 * the fast kernels and layers are tested against it, and it against finite differences.
 *
 * Letters: n images, i input and o output channels, h x w input and p x q output pixels, k kernel,
 * s stride. Tensors are dense: x[n][i][h][w], y[n][o][p][q], weight[o][i][k][k] (depthwise
 * [o][k][k], linear [o][i]). A backward function takes the gradient dy of its output and *adds* to
 * every gradient that is not NULL. Nothing here allocates or fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_NAIVE_H
#define NA_NAIVE_H

#include "core/kernel/activation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A window moved over planes: padding k/2, p = (h + 2 (k/2) - k) / s + 1, q likewise. */
typedef struct na_naive_window {
  int n, i, o, h, w, p, q, k, s;
} na_naive_window;
na_naive_window na_naive_window_of(int n, int i, int o, int h, int w, int k, int s);

/* PyTorch conv2d without bias. */
void na_naive_conv(const na_naive_window *win, const double *x, const double *weight, double *y);
void na_naive_conv_backward(const na_naive_window *win, const double *x, const double *weight,
                            const double *dy, double *dx, double *dweight);

/* PyTorch conv2d with groups = channels; win->i = win->o. */
void na_naive_depthwise(const na_naive_window *win, const double *x, const double *weight, double *y);
void na_naive_depthwise_backward(const na_naive_window *win, const double *x, const double *weight,
                                 const double *dy, double *dx, double *dweight);

/* PyTorch linear without bias: y[n][o] = sum_i weight[o][i] x[n][i]. */
void na_naive_linear(int n, int i, int o, const double *x, const double *weight, double *y);
void na_naive_linear_backward(int n, int i, int o, const double *x, const double *weight,
                              const double *dy, double *dx, double *dweight);

/* x[n][c][area] += bias[c]; its gradient: dbias[c] += sum of dy. */
void na_naive_bias(int n, int c, int area, const double *bias, double *x);
void na_naive_bias_backward(int n, int c, int area, const double *dy, double *dbias);

/* Mean and biased variance of every channel of x[n][c][area]. */
void na_naive_moments(int n, int c, int area, const double *x, double *mean, double *var);

/* BatchNorm with given statistics: y = gamma (x - mean) / sqrt(var + eps) + beta. */
void na_naive_norm(int n, int c, int area, const double *x, const double *mean, const double *var,
                   double eps, const double *gamma, const double *beta, double *y);

/* Its backward where mean and var are those of x itself (PyTorch batch_norm, training). */
void na_naive_norm_backward(int n, int c, int area, const double *x, const double *mean,
                            const double *var, double eps, const double *gamma, const double *dy,
                            double *dx, double *dgamma, double *dbeta);

/* An activation and its derivative, with PyTorch's choice at the kinks (see core/kernel/simd.h). */
double na_naive_act(na_activation act, double x);
double na_naive_act_slope(na_activation act, double x);

/* Distance from x to the nearest kink of the activation; HUGE_VAL when it has none. */
double na_naive_act_margin(na_activation act, double x);

/* Squeeze-excite's gate[n][c] of x[n][c][area], with m middle channels:
 *   pooled = mean over area;  middle = relu(w1 pooled + b1);  gate = h-sigmoid(w2 middle + b2),
 * w1[m][c], w2[c][m]. Room for the intermediate values, which backward reads: pooled[n][c],
 * middle[n][m] and logits[n][c] before their activations. */
typedef struct na_naive_squeezing {
  int n, c, m, area;
  const double *w1, *b1, *w2, *b2;
  double *pooled, *middle, *logits;
} na_naive_squeezing;
void na_naive_squeeze(const na_naive_squeezing *se, const double *x, double *gate);

/* dw1[m][c] ... db2[c] as above. `spare` has room for n (c + 2 m) values. */
void na_naive_squeeze_backward(const na_naive_squeezing *se, const double *dgate, double *dx,
                               double *dw1, double *db1, double *dw2, double *db2, double *spare);

/* y = x gate, the gate broadcast over the area; backward of both. */
void na_naive_gate(int n, int c, int area, const double *x, const double *gate, double *y);
void na_naive_gate_backward(int n, int c, int area, const double *x, const double *gate,
                            const double *dy, double *dx, double *dgate);

void na_naive_add(size_t count, const double *a, const double *b, double *y);
void na_naive_add_backward(size_t count, const double *dy, double *da, double *db);

/* PyTorch max_pool2d: the first largest value in row order takes the gradient. win->i = win->o. */
void na_naive_maxpool(const na_naive_window *win, const double *x, double *y);
void na_naive_maxpool_backward(const na_naive_window *win, const double *x, const double *dy,
                               double *dx);

/* PyTorch avg_pool2d, count_include_pad: the divisor is always k^2. */
void na_naive_avgpool(const na_naive_window *win, const double *x, double *y);
void na_naive_avgpool_backward(const na_naive_window *win, const double *dy, double *dx);

/* Mean over the area, [n][c][area] -> [n][c]. */
void na_naive_globalpool(int n, int c, int area, const double *x, double *y);
void na_naive_globalpool_backward(int n, int c, int area, const double *dy, double *dx);

/* Mean over images of the cross-entropy of softmax(logits[n][o]) with the target
 * (1 - smoothing) hard + smoothing / o, hard = targets[n][o], or one-hot of labels[n] where targets is
 * NULL (PyTorch cross_entropy). Sets the gradient dlogits unless it is NULL. */
double na_naive_loss(int n, int o, const double *logits, const int32_t *labels,
                     const double *targets, double smoothing, double *dlogits);

/* As na_gemm. */
void na_naive_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const double *a, int lda,
                   const double *b, int ldb, bool accumulate, double *c, int ldc);

#endif
