/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/naive.h"

#include <math.h>

na_naive_window na_naive_window_of(int n, int i, int o, int h, int w, int k, int s)
{
  int pad = k / 2;
  return (na_naive_window){n, i, o, h, w, (h + 2 * pad - k) / s + 1, (w + 2 * pad - k) / s + 1, k, s};
}

/* Flat index of [a][b][c][d] in a tensor [..][nb][nc][nd]. */
static size_t at(int a, int b, int nb, int c, int nc, int d, int nd)
{
  return (((size_t)a * (size_t)nb + (size_t)b) * (size_t)nc + (size_t)c) * (size_t)nd + (size_t)d;
}

/* The pixel of input channel c under tap (ky, kx) of output pixel (p, q) of image n. False: outside. */
static bool under(const na_naive_window *win, int n, int c, int p, int q, int ky, int kx, size_t *x)
{
  int y = p * win->s + ky - win->k / 2, col = q * win->s + kx - win->k / 2;
  if (y < 0 || y >= win->h || col < 0 || col >= win->w) return false;
  *x = at(n, c, win->i, y, win->h, col, win->w);
  return true;
}

#define EACH(v, count) for (int v = 0; v < (count); v++)
#define EACH_OUTPUT(win)                                                                           \
  EACH(n, (win)->n) EACH(o, (win)->o) EACH(p, (win)->p) EACH(q, (win)->q)
#define EACH_TAP(win) EACH(ky, (win)->k) EACH(kx, (win)->k)

/* -------------------------------------------------------------------------- convolutions */

/* Depthwise is dense with one input channel per output. */
static void convolve(const na_naive_window *win, bool depthwise, const double *x,
                     const double *weight, double *y)
{
  int inputs = depthwise ? 1 : win->i;
  EACH_OUTPUT(win) {
    double sum = 0;
    size_t from;
    EACH(i, inputs) EACH_TAP(win)
      if (under(win, n, depthwise ? o : i, p, q, ky, kx, &from))
        sum += x[from] * weight[at(o, i, inputs, ky, win->k, kx, win->k)];
    y[at(n, o, win->o, p, win->p, q, win->q)] = sum;
  }
}

static void convolve_backward(const na_naive_window *win, bool depthwise, const double *x,
                              const double *weight, const double *dy, double *dx, double *dweight)
{
  int inputs = depthwise ? 1 : win->i;
  EACH_OUTPUT(win) {
    double g = dy[at(n, o, win->o, p, win->p, q, win->q)];
    size_t from;
    EACH(i, inputs) EACH_TAP(win) {
      if (!under(win, n, depthwise ? o : i, p, q, ky, kx, &from)) continue;
      size_t tap = at(o, i, inputs, ky, win->k, kx, win->k);
      if (dx != NULL) dx[from] += g * weight[tap];
      if (dweight != NULL) dweight[tap] += g * x[from];
    }
  }
}

void na_naive_conv(const na_naive_window *win, const double *x, const double *weight, double *y)
{
  convolve(win, false, x, weight, y);
}

void na_naive_conv_backward(const na_naive_window *win, const double *x, const double *weight,
                            const double *dy, double *dx, double *dweight)
{
  convolve_backward(win, false, x, weight, dy, dx, dweight);
}

void na_naive_depthwise(const na_naive_window *win, const double *x, const double *weight, double *y)
{
  convolve(win, true, x, weight, y);
}

void na_naive_depthwise_backward(const na_naive_window *win, const double *x, const double *weight,
                                 const double *dy, double *dx, double *dweight)
{
  convolve_backward(win, true, x, weight, dy, dx, dweight);
}

void na_naive_linear(int n, int i, int o, const double *x, const double *weight, double *y)
{
  na_naive_gemm(false, true, n, o, i, x, i, weight, i, false, y, o);
}

void na_naive_linear_backward(int n, int i, int o, const double *x, const double *weight,
                              const double *dy, double *dx, double *dweight)
{
  if (dx != NULL) na_naive_gemm(false, false, n, i, o, dy, o, weight, i, true, dx, i);
  if (dweight != NULL) na_naive_gemm(true, false, o, i, n, dy, o, x, i, true, dweight, i);
}

void na_naive_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const double *a, int lda,
                   const double *b, int ldb, bool accumulate, double *c, int ldc)
{
  EACH(row, m) EACH(col, n) {
    double sum = accumulate ? c[(size_t)row * (size_t)ldc + (size_t)col] : 0;
    EACH(l, k)
      sum += (transpose_a ? a[(size_t)l * (size_t)lda + (size_t)row]
                          : a[(size_t)row * (size_t)lda + (size_t)l]) *
             (transpose_b ? b[(size_t)col * (size_t)ldb + (size_t)l]
                          : b[(size_t)l * (size_t)ldb + (size_t)col]);
    c[(size_t)row * (size_t)ldc + (size_t)col] = sum;
  }
}

/* ------------------------------------------------------------- bias, norm and activation */

#define EACH_VALUE(n_, c_, area_)                                                                  \
  EACH(n, n_) EACH(ch, c_)                                                                         \
  for (size_t v = at(0, n, 1, ch, c_, 0, area_), end = v + (size_t)(area_); v < end; v++)

void na_naive_bias(int images, int c, int area, const double *bias, double *x)
{
  EACH_VALUE(images, c, area) x[v] += bias[ch];
}

void na_naive_bias_backward(int images, int c, int area, const double *dy, double *dbias)
{
  EACH_VALUE(images, c, area) dbias[ch] += dy[v];
}

void na_naive_moments(int images, int c, int area, const double *x, double *mean, double *var)
{
  double count = (double)images * area;
  EACH(ch, c) mean[ch] = var[ch] = 0;
  EACH_VALUE(images, c, area) mean[ch] += x[v] / count;
  EACH_VALUE(images, c, area) var[ch] += (x[v] - mean[ch]) * (x[v] - mean[ch]) / count;
}

void na_naive_norm(int images, int c, int area, const double *x, const double *mean,
                   const double *var, double eps, const double *gamma, const double *beta, double *y)
{
  EACH_VALUE(images, c, area)
    y[v] = gamma[ch] * (x[v] - mean[ch]) / sqrt(var[ch] + eps) + beta[ch];
}

void na_naive_norm_backward(int images, int c, int area, const double *x, const double *mean,
                            const double *var, double eps, const double *gamma, const double *dy,
                            double *dx, double *dgamma, double *dbeta)
{
  double count = (double)images * area;
  EACH(only, c) {
    double invstd = 1 / sqrt(var[only] + eps), sum = 0, sum_hat = 0;
    EACH(n, images) EACH(a, area) {
      size_t v = at(0, n, 1, only, c, a, area);
      sum += dy[v];
      sum_hat += dy[v] * (x[v] - mean[only]) * invstd;
    }
    EACH(n, images) EACH(a, area) {
      size_t v = at(0, n, 1, only, c, a, area);
      double hat = (x[v] - mean[only]) * invstd;
      if (dx != NULL) dx[v] += gamma[only] * invstd * (dy[v] - sum / count - hat * sum_hat / count);
    }
    if (dgamma != NULL) dgamma[only] += sum_hat;
    if (dbeta != NULL) dbeta[only] += sum;
  }
}

static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

double na_naive_act(na_activation act, double x)
{
  switch (act) {
  case NA_ACT_RELU: return x < 0 ? 0 : x;
  case NA_ACT_RELU6: return clamp(x, 0, 6);
  case NA_ACT_HSWISH: return x * clamp(x + 3, 0, 6) / 6;
  case NA_ACT_HSIGMOID: return clamp(x + 3, 0, 6) / 6;
  default: return x;
  }
}

double na_naive_act_slope(na_activation act, double x)
{
  switch (act) {
  case NA_ACT_RELU: return x > 0;
  case NA_ACT_RELU6: return x > 0 && x < 6;
  case NA_ACT_HSWISH: return x < -3 ? 0 : x <= 3 ? x / 3 + 0.5 : 1;
  case NA_ACT_HSIGMOID: return x > -3 && x < 3 ? 1.0 / 6 : 0;
  default: return 1;
  }
}

double na_naive_act_margin(na_activation act, double x)
{
  switch (act) {
  case NA_ACT_RELU: return fabs(x);
  case NA_ACT_RELU6: return fmin(fabs(x), fabs(x - 6));
  case NA_ACT_HSWISH:
  case NA_ACT_HSIGMOID: return fmin(fabs(x - 3), fabs(x + 3));
  default: return HUGE_VAL;
  }
}

/* ------------------------------------------------------------------------ squeeze-excite */

void na_naive_squeeze(const na_naive_squeezing *se, const double *x, double *gate)
{
  na_naive_globalpool(se->n, se->c, se->area, x, se->pooled);
  na_naive_linear(se->n, se->c, se->m, se->pooled, se->w1, se->middle);
  na_naive_bias(se->n, se->m, 1, se->b1, se->middle);
  EACH(n, se->n) EACH(c, se->c) {
    double sum = se->b2[c];
    EACH(m, se->m)
      sum += se->w2[at(0, c, 1, 0, 1, m, se->m)] *
             na_naive_act(NA_ACT_RELU, se->middle[at(0, n, 1, 0, 1, m, se->m)]);
    size_t v = at(0, n, 1, 0, 1, c, se->c);
    se->logits[v] = sum;
    gate[v] = na_naive_act(NA_ACT_HSIGMOID, sum);
  }
}

void na_naive_squeeze_backward(const na_naive_squeezing *se, const double *dgate, double *dx,
                               double *dw1, double *db1, double *dw2, double *db2, double *spare)
{
  int nm = se->n * se->m;
  double *dlogits = spare, *squeezed = spare + se->n * se->c, *dmiddle = squeezed + nm;
  EACH(v, se->n * se->c) dlogits[v] = dgate[v] * na_naive_act_slope(NA_ACT_HSIGMOID, se->logits[v]);
  EACH(v, nm) squeezed[v] = na_naive_act(NA_ACT_RELU, se->middle[v]);
  EACH(v, nm) dmiddle[v] = 0;
  na_naive_bias_backward(se->n, se->c, 1, dlogits, db2);
  na_naive_linear_backward(se->n, se->m, se->c, squeezed, se->w2, dlogits, dmiddle, dw2);
  EACH(v, nm) dmiddle[v] *= na_naive_act_slope(NA_ACT_RELU, se->middle[v]);
  na_naive_bias_backward(se->n, se->m, 1, dmiddle, db1);
  double *dpooled = dlogits; /* its values have been used */
  EACH(v, se->n * se->c) dpooled[v] = 0;
  na_naive_linear_backward(se->n, se->c, se->m, se->pooled, se->w1, dmiddle, dpooled, dw1);
  na_naive_globalpool_backward(se->n, se->c, se->area, dpooled, dx);
}

void na_naive_gate(int images, int c, int area, const double *x, const double *gate, double *y)
{
  EACH_VALUE(images, c, area) y[v] = x[v] * gate[at(0, n, 1, 0, 1, ch, c)];
}

void na_naive_gate_backward(int images, int c, int area, const double *x, const double *gate,
                            const double *dy, double *dx, double *dgate)
{
  EACH_VALUE(images, c, area) {
    if (dx != NULL) dx[v] += dy[v] * gate[at(0, n, 1, 0, 1, ch, c)];
    if (dgate != NULL) dgate[at(0, n, 1, 0, 1, ch, c)] += dy[v] * x[v];
  }
}

/* -------------------------------------------------------------------- addition and pools */

void na_naive_add(size_t count, const double *a, const double *b, double *y)
{
  for (size_t v = 0; v < count; v++) y[v] = a[v] + b[v];
}

void na_naive_add_backward(size_t count, const double *dy, double *da, double *db)
{
  for (size_t v = 0; v < count; v++) {
    if (da != NULL) da[v] += dy[v];
    if (db != NULL) db[v] += dy[v];
  }
}

/* Where the largest value of output pixel (p, q)'s window is. */
static size_t largest(const na_naive_window *win, const double *x, int n, int o, int p, int q)
{
  size_t best = 0, from;
  bool found = false;
  EACH_TAP(win) {
    if (!under(win, n, o, p, q, ky, kx, &from)) continue;
    if (!found || x[from] > x[best]) best = from;
    found = true;
  }
  return best;
}

void na_naive_maxpool(const na_naive_window *win, const double *x, double *y)
{
  EACH_OUTPUT(win) y[at(n, o, win->o, p, win->p, q, win->q)] = x[largest(win, x, n, o, p, q)];
}

void na_naive_maxpool_backward(const na_naive_window *win, const double *x, const double *dy,
                               double *dx)
{
  EACH_OUTPUT(win)
    dx[largest(win, x, n, o, p, q)] += dy[at(n, o, win->o, p, win->p, q, win->q)];
}

void na_naive_avgpool(const na_naive_window *win, const double *x, double *y)
{
  size_t from;
  EACH_OUTPUT(win) {
    double sum = 0;
    EACH_TAP(win) if (under(win, n, o, p, q, ky, kx, &from)) sum += x[from];
    y[at(n, o, win->o, p, win->p, q, win->q)] = sum / (win->k * win->k);
  }
}

void na_naive_avgpool_backward(const na_naive_window *win, const double *dy, double *dx)
{
  size_t from;
  EACH_OUTPUT(win) EACH_TAP(win)
    if (under(win, n, o, p, q, ky, kx, &from))
      dx[from] += dy[at(n, o, win->o, p, win->p, q, win->q)] / (win->k * win->k);
}

void na_naive_globalpool(int images, int c, int area, const double *x, double *y)
{
  EACH(v, images * c) y[v] = 0;
  EACH_VALUE(images, c, area) y[at(0, n, 1, 0, 1, ch, c)] += x[v] / area;
}

void na_naive_globalpool_backward(int images, int c, int area, const double *dy, double *dx)
{
  EACH_VALUE(images, c, area) dx[v] += dy[at(0, n, 1, 0, 1, ch, c)] / area;
}

/* ---------------------------------------------------------------------------------- loss */

double na_naive_loss(int images, int o, const double *logits, const int32_t *labels,
                     const double *targets, double smoothing, double *dlogits)
{
  double loss = 0;
  EACH(n, images) {
    const double *z = logits + (size_t)n * (size_t)o;
    double most = z[0], sum = 0, mass = 0;
    EACH(c, o) most = fmax(most, z[c]);
    EACH(c, o) sum += exp(z[c] - most);
    EACH(c, o) {
      size_t v = (size_t)n * (size_t)o + (size_t)c;
      double hard = targets != NULL ? targets[v] : labels[n] == c;
      double target = (1 - smoothing) * hard + smoothing / o;
      mass += target;
      loss -= target * (z[c] - most - log(sum)) / images;
      if (dlogits != NULL) dlogits[v] = -target / images;
    }
    if (dlogits == NULL) continue;
    EACH(c, o) dlogits[(size_t)n * (size_t)o + (size_t)c] += mass * exp(z[c] - most) / sum / images;
  }
  return loss;
}
