/* The matrix kernels: C = A * tile, and W += left * right^T.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/ahead.h"

#include <string.h>

enum { NV = PANEL * PIXEL_VECTORS };
/* Pixels that outer sums at once, whole panels: a group of columns stays in the first-level cache. */
enum { OUTER_PIXELS = 12 };
_Static_assert((int)OUTER_PIXELS % (int)PANEL == 0, "whole panels");
/* Sums kept in registers; the shapes of a block that any instruction set has use for. */
enum { SUMS = GROUP * NV, MOST_ROWS = 16, MOST_VECTORS = 4 };

/* Rows of a block of so many vectors: the fewer those are, the more rows fill the registers. */
#define BLOCK_ROWS(V) (SUMS / (V) < MOST_ROWS ? SUMS / (V) : MOST_ROWS)

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

/* sum[r * vectors + v] += sum over k < depth of a[r * a_row + k * a_step] * b[k][v]; b has PANEL_FLOATS or fewer
 * columns, `b_step` floats apart. Every loop but that over the depth has constant bounds and no test
 * inside, or the sums would live in memory. */
INLINE void multiply_step(int rows, int vectors, vf *sum, const float *a, int a_row, const float *b)
{
  vf x[NV];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) x[v] = load(b + v * VL);
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[r * vectors + v] += a[r * a_row] * x[v];
}

INLINE void multiply(int rows, int vectors, vf *sum, const float *a, int a_row, int a_step,
                     const float *b, size_t b_step, int depth)
{
  for (int k = 0; k < depth; k++, a += a_step, b += b_step)
    multiply_step(rows, vectors, sum, a, a_row, b);
}

/* The same, while lines are fetched. */
INLINE void multiply_ahead(int rows, int vectors, vf *sum, const float *a, int a_row, int a_step,
                           const float *b, size_t b_step, int depth, fetch *f)
{
  const float *ahead;
  int lines = fetch_next(f, depth, &ahead);
  for (int k = 0; k < lines; k++, a += a_step, b += b_step) {
    __builtin_prefetch(ahead + k * LANES, 0, 2);
    multiply_step(rows, vectors, sum, a, a_row, b);
  }
  multiply(rows, vectors, sum, a, a_row, a_step, b, b_step, depth - lines);
}

INLINE void clear_sums(int rows, int vectors, vf *sum)
{
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[r * vectors + v] = (vf){0};
}

INLINE void store_sums(int rows, int vectors, vf *sum, float *c, size_t stride,
                       bool accumulate)
{
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      float *to = c + (size_t)r * stride + v * VL;
      if (accumulate) store(to, load(to) + sum[r * vectors + v]);
      else store(to, sum[r * vectors + v]);
    }
}

/* Steps of the depth, meanwhile the lines of C that the next group will write are claimed (PREFETCHW where the
 * instruction set has it), as far as the depth goes: how many steps were done. */
INLINE int multiply_claiming(int rows, int vectors, vf *sum, const float *a, const float *b, int depth,
                             const float *next, size_t stride)
{
  int k = 0;
  for (int r = 0; r < GROUP && k + vectors <= depth; r++, next += stride)
    for (int v = 0; v < vectors; v++, k++) {
      __builtin_prefetch(next + v * VL, 1, 3);
      multiply_step(rows, vectors, sum, a + k * GROUP, 1, b + k * PANEL_FLOATS);
    }
  return k;
}

/* C = A * B or C += A * B for one group of a packed matrix and one panel of a tile. */
INLINE void multiply_panel(int rows, int vectors, const float *a, const float *b, int depth, float *c,
                           size_t stride, bool accumulate, fetch *f)
{
  vf sum[SUMS];
  clear_sums(rows, vectors, sum);
  if (!accumulate) {
    int k = multiply_claiming(rows, vectors, sum, a, b, depth, c + GROUP * stride, stride);
    a += k * GROUP;
    b += k * PANEL_FLOATS;
    depth -= k;
  }
  multiply_ahead(rows, vectors, sum, a, 1, GROUP, b, PANEL_FLOATS, depth, f);
  store_sums(rows, vectors, sum, c, stride, accumulate);
}

/* The same, written past the caches; stats[r] += sums and squares of row r's results about its shift. */
INLINE void multiply_streamed(int rows, int vectors, const float *a, const float *b, int depth, float *c,
                              size_t stride, const na_moments *moments, vf stats[][2])
{
  vf sum[SUMS];
  clear_sums(rows, vectors, sum);
  multiply(rows, vectors, sum, a, 1, GROUP, b, PANEL_FLOATS, depth);
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    vf shift = splat(moments[r].shift), first = stats[r][0], second = stats[r][1];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      vf d = sum[r * vectors + v] - shift;
      first += d;
      second += d * d;
      stream(c + (size_t)r * stride + v * VL, sum[r * vectors + v]);
    }
    stats[r][0] = first;
    stats[r][1] = second;
  }
}

/* The same for gradients, finished before they are written. how[r].data points at the block's pixels less
 * `at` floats. */
INLINE void multiply_finished(int rows, int vectors, const float *a, const float *b, int depth, float *c,
                              size_t stride, const na_finish *how, size_t at, clamp limits,
                              vf stats[][2])
{
  vf sum[SUMS];
  clear_sums(rows, vectors, sum);
  multiply(rows, vectors, sum, a, 1, GROUP, b, PANEL_FLOATS, depth);
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    vf first = stats[r][0], second = stats[r][1];
    float scale = how[r].scale, shift = how[r].shift, mean = how[r].mean;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      vf x = load(how[r].data + at + v * VL), seen = x * scale + shift;
      vf d = keep_if((seen > limits.low) & (seen < limits.high), sum[r * vectors + v]);
      first += d;
      second += d * (x - mean);
      stream(c + (size_t)r * stride + v * VL, d);
    }
    stats[r][0] = first;
    stats[r][1] = second;
  }
}

/* to = the products of some rows of a packed tile of `tile_rows` rows with columns, summed over
 * `count` pixels. */
INLINE void multiply_columns(int rows, int vectors, const float *a, int tile_rows, const float *b,
                             size_t b_step, int count, float *to, fetch *f)
{
  vf sum[SUMS];
  clear_sums(rows, vectors, sum);
  for (; count > 0; count -= PANEL) {
    multiply_ahead(rows, vectors, sum, a, PANEL_FLOATS, 1, b, b_step,
                   (count < PANEL ? count : PANEL) * LANES, f);
    a += (size_t)tile_rows * PANEL_FLOATS;
    b += PANEL_FLOATS * b_step;
  }
  store_sums(rows, vectors, sum, to, PANEL_FLOATS, false);
}

/* One function for each shape of a block: shapes beyond those that this instruction set has use for are
 * equal to the largest one. */
#define LESSER(A, B) ((A) < (B) ? (A) : (B))
#define MULTIPLY(R, V)                                                                             \
  static __attribute__((noinline)) void set_##R##x##V(const float *a, const float *b, int depth,   \
                                                      float *c, size_t stride, fetch *f)           \
  {                                                                                                \
    multiply_panel(LESSER(R, GROUP), LESSER(V, NV), a, b, depth, c, stride, false, f);             \
  }                                                                                                \
  static __attribute__((noinline)) void add_##R##x##V(const float *a, const float *b, int depth,   \
                                                      float *c, size_t stride, fetch *f)           \
  {                                                                                                \
    multiply_panel(LESSER(R, GROUP), LESSER(V, NV), a, b, depth, c, stride, true, f);              \
  }                                                                                                \
  static __attribute__((noinline)) void streamed_##R##x##V(                                        \
      const float *a, const float *b, int depth, float *c, size_t stride,                          \
      const na_moments *moments, vf stats[][2])                                                    \
  {                                                                                                \
    multiply_streamed(LESSER(R, GROUP), LESSER(V, NV), a, b, depth, c, stride, moments, stats);    \
  }                                                                                                \
  static __attribute__((noinline)) void finished_##R##x##V(                                        \
      const float *a, const float *b, int depth, float *c, size_t stride, const na_finish *how,    \
      size_t at, clamp limits, vf stats[][2])                                                      \
  {                                                                                                \
    multiply_finished(LESSER(R, GROUP), LESSER(V, NV), a, b, depth, c, stride, how, at, limits,    \
                      stats);                                                                      \
  }
#define MULTIPLY_COLUMNS(R, V)                                                                     \
  static __attribute__((noinline)) void columns_##R##x##V(                                         \
      const float *a, int tile_rows, const float *b, size_t b_step, int count, float *to,          \
      fetch *f)                                                                                    \
  {                                                                                                \
    multiply_columns(LESSER(R, BLOCK_ROWS(LESSER(V, NV))), LESSER(V, NV), a, tile_rows, b, b_step, \
                     count, to, f);                                                                \
  }
#define UP_TO_8(M, V) M(1, V) M(2, V) M(3, V) M(4, V) M(5, V) M(6, V) M(7, V) M(8, V)
#define UP_TO_16(M, V)                                                                             \
  UP_TO_8(M, V) M(9, V) M(10, V) M(11, V) M(12, V) M(13, V) M(14, V) M(15, V) M(16, V)
#define EACH(ROWS, M) ROWS(M, 1) ROWS(M, 2) ROWS(M, 3) ROWS(M, 4)
EACH(UP_TO_8, MULTIPLY)
EACH(UP_TO_16, MULTIPLY_COLUMNS)
typedef void multiplier(const float *, const float *, int, float *, size_t, fetch *);
typedef void streamed_multiplier(const float *, const float *, int, float *, size_t,
                                 const na_moments *, vf[][2]);
typedef void finished_multiplier(const float *, const float *, int, float *, size_t, const na_finish *,
                                 size_t, clamp, vf[][2]);
typedef void columns_multiplier(const float *, int, const float *, size_t, int, float *, fetch *);
#define SET(R, V) set_##R##x##V,
#define ADD(R, V) add_##R##x##V,
#define STREAMED(R, V) streamed_##R##x##V,
#define FINISHED(R, V) finished_##R##x##V,
#define COLUMNS(R, V) columns_##R##x##V,
#define TABLE(ROWS, M) {{ROWS(M, 1)}, {ROWS(M, 2)}, {ROWS(M, 3)}, {ROWS(M, 4)}}
static multiplier *const multipliers[2][MOST_VECTORS][8] = {TABLE(UP_TO_8, SET), TABLE(UP_TO_8, ADD)};
static streamed_multiplier *const streamed_multipliers[MOST_VECTORS][8] = TABLE(UP_TO_8, STREAMED);
static finished_multiplier *const finished_multipliers[MOST_VECTORS][8] = TABLE(UP_TO_8, FINISHED);
static columns_multiplier *const columns_multipliers[MOST_VECTORS][MOST_ROWS] =
    TABLE(UP_TO_16, COLUMNS);
_Static_assert((int)GROUP <= 8 && (int)NV <= (int)MOST_VECTORS, "the tables hold every shape");

/* C = A * tile, as matmul is given it, and one block of it. */
typedef struct product {
  const float *packed, *tile;
  int rows, columns, depth, count;
  float *c;
  size_t stride;
} product;

typedef struct block {
  int row, rows, vectors, pixel;
  const float *a, *b;
  float *c;
} block;

typedef void block_task(const product *p, const block *x, void *context);

/* Runs `task` on the blocks of the group of rows that begins with `first`, panel by panel. A group goes through the
 * whole tile, which comes from the second-level cache, before the next one: memory takes and gives long runs of a
 * row of C faster than the short ones of a panel. */
INLINE void each_block(const product *p, int first, block_task *task, void *context)
{
  const float *b = p->tile;
  int rows = p->rows - first < GROUP ? p->rows - first : GROUP;
  for (int pixel = 0; pixel < p->count; pixel += PANEL, b += (size_t)p->depth * PANEL_FLOATS) {
    int vectors = (p->count - pixel < PANEL ? p->count - pixel : PANEL) * PIXEL_VECTORS;
    block x = {first, rows, vectors, pixel, p->packed + (size_t)first * (size_t)p->columns, b,
               p->c + (size_t)first * p->stride + (size_t)pixel * LANES};
    task(p, &x, context);
  }
}

typedef struct kept {
  bool accumulate;
  fetch *ahead;
} kept;

INLINE void keep_block(const product *p, const block *x, void *context)
{
  kept *k = context;
  multipliers[k->accumulate][x->vectors - 1][x->rows - 1](x->a, x->b, p->depth, x->c, p->stride, k->ahead);
}

void NA_SYMBOL(matmul)(const float *packed, int rows, int columns, int depth, const float *tile,
                       int count, float *c, size_t stride, bool rounded, bool accumulate,
                       const na_ahead *ahead)
{
  (void)rounded; /* never */
  product p = {packed, tile, rows, columns, depth, count, c, stride};
  long panels = (count + PANEL - 1) / PANEL, groups = (rows + GROUP - 1) / GROUP;
  fetch f = fetch_init(ahead, count, panels * groups);
  kept k = {accumulate, &f};
  for (int first = 0; first < rows; first += GROUP) each_block(&p, first, keep_block, &k);
}

/* Results that go past the caches. The sums of a group are widened to double when it is done. */
typedef struct streamed {
  na_moments *moments;
  vf stats[GROUP][2];
} streamed;

INLINE void stream_block(const product *p, const block *x, void *context)
{
  streamed *s = context;
  streamed_multipliers[x->vectors - 1][x->rows - 1](x->a, x->b, p->depth, x->c, p->stride,
                                                    s->moments + x->row, s->stats);
}

void NA_SYMBOL(matmul_streamed)(const float *packed, int rows, int columns, int depth,
                                const float *tile, int count, float *c, size_t stride,
                                bool rounded, na_moments *moments)
{
  (void)rounded;
  product p = {packed, tile, rows, columns, depth, count, c, stride};
  for (int first = 0; first < rows; first += GROUP) {
    int last = first + GROUP < rows ? first + GROUP : rows;
    streamed s = {.moments = moments};
    each_block(&p, first, stream_block, &s);
    for (int r = first; r < last; r++) {
      moments[r].sum += lane_sum(s.stats[r - first][0]);
      moments[r].square += lane_sum(s.stats[r - first][1]);
    }
  }
  stream_end();
}

typedef struct finished {
  const na_finish *how;
  clamp limits;
  long at;
  vf stats[GROUP][2];
} finished;

INLINE void finish_block(const product *p, const block *x, void *context)
{
  finished *f = context;
  finished_multipliers[x->vectors - 1][x->rows - 1](x->a, x->b, p->depth, x->c, p->stride,
                                                    f->how + x->row, (size_t)(f->at + x->pixel) * LANES,
                                                    f->limits, f->stats);
}

void NA_SYMBOL(matmul_finished)(const float *packed, int rows, int columns, int depth,
                                const float *tile, int count, float *c, size_t stride,
                                bool rounded, const na_finish *how, long at, double *sums)
{
  (void)rounded;
  product p = {packed, tile, rows, columns, depth, count, c, stride};
  for (int first = 0; first < rows; first += GROUP) {
    int last = first + GROUP < rows ? first + GROUP : rows;
    finished f = {.how = how, .limits = clamp_of(how->act), .at = at};
    each_block(&p, first, finish_block, &f);
    for (int r = first; r < last; r++) {
      sums[2 * r] += lane_sum(f.stats[r - first][0]);
      sums[2 * r + 1] += lane_sum(f.stats[r - first][1]);
    }
  }
  stream_end();
}

/* Columns of a group that are stored: whole vectors. */
INLINE int group_width(int columns)
{
  return columns < PANEL_FLOATS ? (columns + VL - 1) / VL * VL : PANEL_FLOATS;
}

/* w[r][i] (+)= products of a block. */
INLINE void put_products(const float *products, int rows, int some, float *w, size_t stride, bool accumulate)
{
  for (int r = 0; r < rows; r++, w += stride, products += PANEL_FLOATS)
    if (accumulate)
      for (int i = 0; i < some; i++) w[i] += products[i];
    else memcpy(w, products, (size_t)some * sizeof *w);
}

/* Of one group of columns, over `count` pixels. */
INLINE void outer_group(const float *left, int left_rows, const float *columns, int some, int count, float *w,
                        size_t stride, bool accumulate, fetch *f)
{
  float products[MOST_ROWS * PANEL_FLOATS] __attribute__((aligned(64)));
  int width = group_width(some), most = BLOCK_ROWS(width / VL);
  for (int m = 0; m < left_rows; m += most) {
    int rows = left_rows - m < most ? left_rows - m : most;
    columns_multipliers[width / VL - 1][rows - 1](left + (size_t)m * PANEL_FLOATS, left_rows, columns,
                                                  (size_t)width, count, products, f);
    put_products(products, rows, some, w + (size_t)m * stride, stride, accumulate);
  }
}

void NA_SYMBOL(outer)(const float *left, int left_rows, const float *columns, int right_rows,
                      int count, float *w, size_t stride, bool accumulate, const na_ahead *ahead)
{
  long products = 0;
  for (int n = 0; n < right_rows; n += PANEL_FLOATS) {
    int most = BLOCK_ROWS(group_width(right_rows - n) / VL);
    products += (long)((left_rows + most - 1) / most) * ((count + PANEL - 1) / PANEL);
  }
  fetch f = fetch_init(ahead, count, products);
  for (int n = 0; n < right_rows; n += PANEL_FLOATS) {
    int some = right_rows - n < PANEL_FLOATS ? right_rows - n : PANEL_FLOATS;
    size_t width = (size_t)group_width(some);
    for (int p = 0; p < count; p += OUTER_PIXELS)
      outer_group(left + (size_t)(p / PANEL * left_rows) * PANEL_FLOATS, left_rows,
                  columns + (size_t)p * LANES * width, some, count - p < OUTER_PIXELS ? count - p : OUTER_PIXELS,
                  w + n, stride, accumulate || p > 0, &f);
    columns += (size_t)count * LANES * width;
  }
}
