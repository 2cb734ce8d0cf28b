/* Convolutions without patches: the two matrix kernels, with their right operand found by offsets
 * in planes that have margins. A tap of a pixel is an offset, so that nothing is copied.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

enum { NV = PANEL * PIXEL_VECTORS };

/* Where pixel number `pixel` of a grid begins. */
INLINE size_t place(const na_grid *grid, int pixel)
{
  return (size_t)(pixel / grid->columns) * grid->row +
         (size_t)(pixel % grid->columns) * grid->column;
}

/* GROUP rows of C by `pixels` pixels, accumulated in registers over all channels and taps.
 * a: [channels][area][GROUP]. Loops inside of that over the taps have constant bounds and no test,
 * or the sums would live in memory. */
INLINE void multiply(const na_window *in, const float *a, const size_t from[PANEL], int pixels,
                     float *c, const size_t to[PANEL], size_t stride, bool accumulate)
{
  vf sum[GROUP][NV];
  const float *b[PANEL];
#pragma GCC unroll 8
  for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
    for (int v = 0; v < pixels * PIXEL_VECTORS; v++) sum[r][v] = (vf){0};
#pragma GCC unroll 4
  for (int p = 0; p < pixels; p++) b[p] = in->from.values + from[p];
  const na_tap *last = in->taps + in->count;
  size_t at = 0, plane = in->from.plane, area = (size_t)in->area * GROUP;
  for (int channel = in->channels; channel > 0; channel--, at += plane, a += area)
    for (const na_tap *tap = in->taps; tap < last; tap++) {
      const float *weight = a + tap->weight * GROUP;
      size_t offset = at + (size_t)tap->value;
      vf x[NV];
#pragma GCC unroll 4
      for (int v = 0; v < pixels * PIXEL_VECTORS; v++)
        x[v] = load(b[v / PIXEL_VECTORS] + offset + v % PIXEL_VECTORS * VL);
#pragma GCC unroll 8
      for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
        for (int v = 0; v < pixels * PIXEL_VECTORS; v++) sum[r][v] += weight[r] * x[v];
    }
#pragma GCC unroll 8
  for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
    for (int v = 0; v < pixels * PIXEL_VECTORS; v++) {
      float *dst = c + (size_t)r * stride + to[v / PIXEL_VECTORS] + v % PIXEL_VECTORS * VL;
      if (accumulate)
        store(dst, load(dst) + sum[r][v]);
      else
        store(dst, sum[r][v]);
    }
}

#define MULTIPLY(name, pixels, accumulate)                                                         \
  static __attribute__((noinline)) void name(const na_window *in, const float *a,                  \
                                             const size_t from[PANEL], float *c,                   \
                                             const size_t to[PANEL], size_t stride)                \
  {                                                                                                \
    multiply(in, a, from, pixels, c, to, stride, accumulate);                                      \
  }
typedef void multiplier(const na_window *, const float *, const size_t[PANEL], float *,
                        const size_t[PANEL], size_t);
MULTIPLY(set_panel, PANEL, false)
MULTIPLY(add_panel, PANEL, true)
#if defined(__AVX512F__)
MULTIPLY(set_one, 1, false)
MULTIPLY(add_one, 1, true)
MULTIPLY(set_two, 2, false)
MULTIPLY(add_two, 2, true)
static multiplier *const multipliers[2][PANEL + 1] = {{NULL, set_one, set_two, set_panel},
                                                      {NULL, add_one, add_two, add_panel}};
#else
static multiplier *const multipliers[2][PANEL + 1] = {{NULL, set_panel}, {NULL, add_panel}};
#endif

/* Fewer rows than a group: through a buffer, of which only the wanted rows are copied. */
static void multiply_partial(const na_window *in, const float *a, const size_t from[PANEL],
                             int rows, int pixels, float *c, const size_t to[PANEL], size_t stride,
                             bool accumulate)
{
  float buffer[GROUP * PANEL_FLOATS] __attribute__((aligned(64)));
  size_t buffered[PANEL];
  for (int p = 0; p < PANEL; p++) buffered[p] = (size_t)p * LANES;
  multipliers[0][pixels](in, a, from, buffer, buffered, PANEL_FLOATS);
  for (int r = 0; r < rows; r++)
    for (int p = 0; p < pixels; p++)
      for (int l = 0; l < LANES; l += VL) {
        float *dst = c + (size_t)r * stride + to[p] + l;
        store(dst, load(buffer + r * PANEL_FLOATS + p * LANES + l) + load_if(accumulate, dst));
      }
}

void NA_SYMBOL(convolve)(const na_window *in, const float *packed, int rows, int columns, int count,
                         float *c, const na_grid *grid, size_t stride, bool accumulate)
{
  for (int pixel = 0; pixel < count; pixel += PANEL) {
    int pixels = count - pixel < PANEL ? count - pixel : PANEL;
    size_t from[PANEL], to[PANEL];
    for (int p = 0; p < pixels; p++) {
      from[p] = place(&in->from.grid, pixel + p);
      to[p] = place(grid, pixel + p);
    }
    for (int r = 0; r < rows; r += GROUP) {
      const float *a = packed + (size_t)r * (size_t)columns;
      float *dst = c + (size_t)r * stride;
      if (rows - r >= GROUP)
        multipliers[accumulate][pixels](in, a, from, dst, to, stride);
      else
        multiply_partial(in, a, from, rows - r, pixels, dst, to, stride, accumulate);
    }
  }
}

/* One LEFT x RIGHT block of products, summed over all pixels. */
INLINE vf correlate_block(const float *const left[LEFT], const na_grid *left_grid,
                          const float *const right[RIGHT], const na_grid *right_grid, int count)
{
  vf sum[VL];
  UNROLL for (int e = 0; e < VL; e++) sum[e] = (vf){0};
  size_t left_row = 0, right_row = 0;
  for (int pixel = 0; pixel < count; pixel += left_grid->columns) {
    int columns = count - pixel < left_grid->columns ? count - pixel : left_grid->columns;
    size_t l = left_row, r = right_row;
    for (int p = 0; p < columns; p++, l += left_grid->column, r += right_grid->column)
#pragma GCC unroll 4
      for (int v = 0; v < LANES; v += VL) {
        vf x[LEFT];
#pragma GCC unroll 4
        for (int i = 0; i < LEFT; i++) x[i] = load(left[i] + l + v);
#pragma GCC unroll 4
        for (int j = 0; j < RIGHT; j++) {
          vf y = load(right[j] + r + v);
#pragma GCC unroll 4
          for (int i = 0; i < LEFT; i++) sum[i * RIGHT + j] += x[i] * y;
        }
      }
    left_row += left_grid->row;
    right_row += right_grid->row;
  }
  return sum_each(sum);
}

/* Where row `row` of the window's matrix begins: tap row % count of channel row / count. */
INLINE const float *window_row(const na_window *in, int row)
{
  return in->from.values + (size_t)(row / in->count) * in->from.plane +
         (size_t)in->taps[row % in->count].value;
}

void NA_SYMBOL(correlate)(const na_planes *left, int left_rows, const na_window *in, int count,
                          float *w, size_t stride, bool accumulate)
{
  /* Rows of taps that stay in the first-level cache while `left` streams by: those of a channel see
   * nearly the same values. */
  int right_rows = in->channels * in->count, strip = in->count * RIGHT;
  for (int first = 0; first < right_rows; first += strip) {
    int last = first + strip < right_rows ? first + strip : right_rows;
    for (int m = 0; m < left_rows; m += LEFT) {
      const float *l[LEFT];
      /* Beyond the edge the last row stands in; its products are not stored. */
      for (int i = 0; i < LEFT; i++)
        l[i] = left->values + (size_t)(m + i < left_rows ? m + i : left_rows - 1) * left->plane;
      for (int n = first; n < last; n += RIGHT) {
        const float *r[RIGHT];
        for (int j = 0; j < RIGHT; j++) r[j] = window_row(in, n + j < last ? n + j : last - 1);
        vf sums = correlate_block(l, &left->grid, r, &in->from.grid, count);
        for (int i = 0; i < LEFT && m + i < left_rows; i++)
          for (int j = 0; j < RIGHT && n + j < last; j++) {
            float *to = &w[(size_t)(m + i) * stride + (size_t)(n + j)];
            *to = sums[i * RIGHT + j] + (accumulate ? *to : 0.0f);
          }
      }
    }
  }
}
