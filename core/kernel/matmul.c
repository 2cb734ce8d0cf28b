/* The two matrix kernels: C = A * tile, and W += left * right^T.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

/* A block of the packed matrix that stays in the second-level cache while tiles stream by. */
enum { BLOCK_FLOATS = 48 * 1024, NV = PANEL * PIXEL_VECTORS };

/* One group of the matrix, all its rows within the source: [depth][GROUP] at `to`. */
static void pack_group(const float *from, int outer, int inner, size_t row_stride,
                       size_t outer_stride, float *to)
{
  for (int o = 0; o < outer; o++, from += outer_stride)
    for (int q = 0; q < inner; q++, to += GROUP)
#pragma GCC unroll 8
      for (int r = 0; r < GROUP; r++) to[r] = from[(size_t)r * row_stride + (size_t)q];
}

/* The last group: rows beyond the source are zero. */
static void pack_rest(const float *from, int rows, int outer, int inner, size_t row_stride,
                      size_t outer_stride, float *to)
{
  for (int o = 0; o < outer; o++, from += outer_stride)
    for (int q = 0; q < inner; q++, to += GROUP)
      for (int r = 0; r < GROUP; r++)
        to[r] = r < rows ? from[(size_t)r * row_stride + (size_t)q] : 0.0f;
}

void NA_SYMBOL(pack_matrix)(const float *source, int rows, int outer, int inner, size_t row_stride,
                            size_t outer_stride, int first_group, int groups, float *packed)
{
  size_t depth = (size_t)outer * (size_t)inner;
  for (int group = first_group; group < first_group + groups; group++) {
    const float *from = source + (size_t)group * GROUP * row_stride;
    float *to = packed + (size_t)group * depth * GROUP;
    int left = rows - group * GROUP;
    if (left < GROUP) pack_rest(from, left, outer, inner, row_stride, outer_stride, to);
    else if (row_stride == 1) pack_group(from, outer, inner, 1, outer_stride, to);
    else if (inner == 1 && outer_stride == 1) pack_group(from, 1, outer, row_stride, 0, to);
    else pack_group(from, outer, inner, row_stride, outer_stride, to);
  }
}

/* GROUP rows by `vectors` vectors of C, accumulated in registers over the whole depth.
 * a: [depth][GROUP]; b: [depth][PANEL_FLOATS]; c: rows of stride `stride`. Every loop but that over
 * the depth has constant bounds and no test inside, or the sums would live in memory. */
INLINE void multiply(const float *a, const float *b, int depth, int vectors, float *c,
                     size_t stride, bool accumulate)
{
  vf sum[GROUP][NV];
#pragma GCC unroll 8
  for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[r][v] = (vf){0};
  for (int k = 0; k < depth; k++, a += GROUP, b += PANEL_FLOATS) {
    vf x[NV];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) x[v] = load(b + v * VL);
#pragma GCC unroll 8
    for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[r][v] += a[r] * x[v];
  }
#pragma GCC unroll 8
  for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      float *to = c + (size_t)r * stride + v * VL;
      if (accumulate) store(to, load(to) + sum[r][v]);
      else store(to, sum[r][v]);
    }
}

#define MULTIPLY(name, vectors, accumulate)                                                        \
  static __attribute__((noinline)) void name(const float *a, const float *b, int depth, float *c,  \
                                             size_t stride)                                        \
  {                                                                                                \
    multiply(a, b, depth, vectors, c, stride, accumulate);                                         \
  }
typedef void multiplier(const float *, const float *, int, float *, size_t);
MULTIPLY(set_panel, NV, false)
MULTIPLY(add_panel, NV, true)
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
static void multiply_partial(multiplier *set, const float *a, const float *b, int depth, int rows,
                             int vectors, float *c, size_t stride, bool accumulate)
{
  float buffer[GROUP * PANEL_FLOATS] __attribute__((aligned(64)));
  set(a, b, depth, buffer, PANEL_FLOATS);
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) {
      float *to = c + (size_t)r * stride + v * VL;
      store(to, load(buffer + r * PANEL_FLOATS + v * VL) + load_if(accumulate, to));
    }
}

void NA_SYMBOL(matmul)(const float *packed, int rows, int columns, int depth, const float *tile,
                       int count, float *c, size_t stride, bool accumulate)
{
  int block = BLOCK_FLOATS / (depth * GROUP);
  if (block < 1) block = 1;
  block *= GROUP;
  for (int first = 0; first < rows; first += block) {
    int last = first + block < rows ? first + block : rows;
    const float *b = tile;
    for (int pixel = 0; pixel < count; pixel += PANEL, b += (size_t)depth * PANEL_FLOATS) {
      int pixels = count - pixel < PANEL ? count - pixel : PANEL;
      for (int r = first; r < last; r += GROUP) {
        const float *a = packed + (size_t)r * (size_t)columns;
        float *to = c + (size_t)r * stride + (size_t)pixel * LANES;
        if (rows - r >= GROUP) multipliers[accumulate][pixels](a, b, depth, to, stride);
        else
          multiply_partial(multipliers[0][pixels], a, b, depth, rows - r, pixels * PIXEL_VECTORS,
                           to, stride, accumulate);
      }
    }
  }
}

/* result[e] = sum of the lanes of x[e]: a tree of two-source shuffles, log2(VL) levels. */
INLINE vf sum_each(vf x[VL])
{
#define LEVEL(H)                                                                                   \
  if (VL > (H)) {                                                                                  \
    vi straight, crossed;                                                                          \
    for (int e = 0; e < VL; e++) {                                                                 \
      straight[e] = (e & (H)) ? VL + e : e;                                                        \
      crossed[e] = (e & (H)) ? VL + (e ^ (H)) : e ^ (H);                                           \
    }                                                                                              \
    for (int i = 0; i < (H); i++)                                                                  \
      x[i] = __builtin_shuffle(x[i], x[i + (H)], straight) +                                       \
             __builtin_shuffle(x[i], x[i + (H)], crossed);                                         \
  }
  LEVEL(8)
  LEVEL(4)
  LEVEL(2)
  LEVEL(1)
#undef LEVEL
  return x[0];
}

/* One LEFT x RIGHT block of products, summed over all pixels of the tile. Meanwhile a run of as many
 * pixels is fetched from each of two places. */
INLINE vf correlate(const float *const left[LEFT], const float *const right[RIGHT],
                    size_t left_step, size_t right_step, int count, const float *const fetched[2])
{
  vf sum[VL];
  for (int e = 0; e < VL; e++) sum[e] = (vf){0};
  size_t at_left = 0, at_right = 0;
  const float *f = fetched[0], *g = fetched[1];
  for (int pixel = 0; pixel < count; pixel += PANEL, at_left += left_step, at_right += right_step) {
    int vectors = (count - pixel < PANEL ? count - pixel : PANEL) * PIXEL_VECTORS;
    for (int v = 0; v < vectors; v++, f += VL, g += VL) {
      vf x[LEFT];
      __builtin_prefetch(f, 0, 2);
      __builtin_prefetch(g, 0, 2);
      for (int i = 0; i < LEFT; i++) x[i] = load(left[i] + at_left + v * VL);
      for (int j = 0; j < RIGHT; j++) {
        vf y = load(right[j] + at_right + v * VL);
        for (int i = 0; i < LEFT; i++) sum[i * RIGHT + j] += x[i] * y;
      }
    }
  }
  return sum_each(sum);
}

/* The runs of `ahead` that block number `block` of `blocks` fetches: they are spread evenly. */
INLINE void choose_fetched(const na_ahead *ahead, long block, long blocks, const float *idle,
                           const float *fetched[2])
{
  long first = block * ahead->runs / blocks, last = (block + 1) * ahead->runs / blocks;
  for (int i = 0; i < 2; i++) {
    long run = first + i;
    const float *from = ahead->from[run & 1];
    fetched[i] = run < last ? from + (size_t)(run / 2) * ahead->stride : idle;
  }
}

void NA_SYMBOL(outer)(const float *left, int left_rows, const float *right, int right_rows,
                      int count, float *w, size_t stride, bool accumulate, const na_ahead *ahead)
{
  /* Rows of `right` that stay in the first-level cache while `left` streams by. */
  int strip = 24 * 1024 / (count * LANES * 4) / RIGHT * RIGHT;
  if (strip < RIGHT) strip = RIGHT;
  size_t left_step = (size_t)left_rows * PANEL_FLOATS, right_step = (size_t)right_rows * PANEL_FLOATS;
  long blocks = (long)((left_rows + LEFT - 1) / LEFT) * ((right_rows + RIGHT - 1) / RIGHT), block = 0;
  for (int first = 0; first < right_rows; first += strip) {
    int last = first + strip < right_rows ? first + strip : right_rows;
    for (int m = 0; m < left_rows; m += LEFT) {
      const float *l[LEFT];
      /* Beyond the edge the last row stands in; its products are not stored. */
      for (int i = 0; i < LEFT; i++)
        l[i] = left + (size_t)(m + i < left_rows ? m + i : left_rows - 1) * PANEL_FLOATS;
      for (int n = first; n < last; n += RIGHT, block++) {
        const float *r[RIGHT], *fetched[2] = {l[0], l[0]};
        for (int j = 0; j < RIGHT; j++)
          r[j] = right + (size_t)(n + j < right_rows ? n + j : right_rows - 1) * PANEL_FLOATS;
        if (ahead != NULL) choose_fetched(ahead, block, blocks, l[0], fetched);
        vf sums = correlate(l, r, left_step, right_step, count, fetched);
        for (int i = 0; i < LEFT && m + i < left_rows; i++)
          for (int j = 0; j < RIGHT && n + j < right_rows; j++) {
            float *to = &w[(size_t)(m + i) * stride + (size_t)(n + j)];
            *to = sums[i * RIGHT + j] + (accumulate ? *to : 0.0f);
          }
      }
    }
  }
}
