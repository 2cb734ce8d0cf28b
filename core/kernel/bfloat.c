/* Products of bf16 operands, summed in float32: in blocks of 16 x 16 results, as AMX computes them, which
 * other instruction sets do in their vectors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat_multiply.h"

#include "core/kernel/ahead.h"

/* Blocks of results side by side: rows and columns. */
enum { ACROSS = 2, STRIP = ACROSS * BLOCK };

/* Blocks of a pair of row groups and a pair of pixels, or of one of either. */
static void multiply_blocks(int down, int across, const factor *a, const factor *b, int steps, const results *c)
{
  if (down > 1 && across > 1) multiply(2, 2, a, b, (span){1, steps}, c);
  else if (down > 1) multiply(2, 1, a, b, (span){1, steps}, c);
  else if (across > 1) multiply(1, 2, a, b, (span){1, steps}, c);
  else multiply(1, 1, a, b, (span){1, steps}, c);
}

/* ------------------------------------------------------------------------------ A * tile */

/* C = A * tile, as matmul is given it. */
typedef struct product {
  const uint16_t *packed, *tile;
  int columns, depth;
  float *c;
  size_t stride;
  bool rounded, accumulate;
} product;

/* Results on their way: at most STRIP rows of two pixels. */
typedef struct desk {
  float values[STRIP * STRIP] __attribute__((aligned(64)));
} desk;

INLINE const float *desk_at(const desk *d, int row, int pixel) { return d->values + row * STRIP + pixel * LANES; }

static void multiply_at(const product *p, int row, int rows, int pixel, int pixels, const results *c)
{
  size_t lines = na_pair_lines(p->depth);
  factor a = {p->packed + (size_t)(row / BLOCK) * group_values(p->columns), group_values(p->columns), DEPTH,
              BLOCK * DEPTH, 0};
  factor b = {p->tile + (size_t)pixel * lines * DEPTH, lines * DEPTH, DEPTH, PAIRS * DEPTH, 0};
  multiply_blocks(ceiling(rows, BLOCK), pixels, &a, &b, ceiling(p->depth, DEPTH), c);
}

static void multiply_aside(const product *p, int row, int rows, int pixel, int pixels, desk *d)
{
  results c = {d->values, BLOCK * STRIP, BLOCK, STRIP, false};
  multiply_at(p, row, rows, pixel, pixels, &c);
}

/* Where a pixel of a row goes. */
static float *target(const product *p, int row, int pixel)
{
  return p->c + (size_t)row * p->stride + na_stored(p->rounded, pixel);
}

/* One or two pixels of a row on their way; `pixels` and `rounded` are constants, or the vectors would live in
 * memory. */
enum { ROW_VECTORS = ACROSS * PIXEL_VECTORS };

/* Calls M(pixels, rounded) with constants for the two variables. */
#define FOR_ROW(pixels, rounded, M)                                                                \
  if ((rounded) && (pixels) == ACROSS) {                                                           \
    M(ACROSS, true);                                                                               \
  } else if (rounded) {                                                                            \
    M(1, true);                                                                                    \
  } else if ((pixels) == ACROSS) {                                                                 \
    M(ACROSS, false);                                                                              \
  } else {                                                                                         \
    M(1, false);                                                                                   \
  }

/* Writes them: two rounded ones are one line. */
INLINE void put_pixels(float *to, const vf x[ROW_VECTORS], int pixels, bool rounded, bool past)
{
#if defined(__AVX512F__)
  if (rounded && pixels == ACROSS) {
    if (past) stream(to, round_halves(x[0], x[1]));
    else store(to, round_halves(x[0], x[1]));
    return;
  }
#endif
  UNROLL for (int v = 0; v < pixels * PIXEL_VECTORS; v++)
    if (past) stream_value(to, (size_t)(v * VL), x[v], rounded);
    else store_value(to, (size_t)(v * VL), x[v], rounded);
}

INLINE void put_row(float *to, const float *from, int pixels, bool accumulate, bool rounded)
{
  vf x[ROW_VECTORS];
  UNROLL for (int v = 0; v < pixels * PIXEL_VECTORS; v++) {
    x[v] = load(from + v * VL);
    if (accumulate) x[v] += load_value(to, (size_t)(v * VL), rounded);
  }
  put_pixels(to, x, pixels, rounded, false);
}

/* Rows that are not whole blocks, or are rounded. */
static void put_aside(const product *p, int row, int rows, int pixel, int pixels)
{
  desk d;
  multiply_aside(p, row, rows, pixel, pixels, &d);
#define PUT(PIXELS, ROUNDED)                                                                       \
  for (int r = 0; r < rows; r++)                                                                   \
    put_row(target(p, row + r, pixel), desk_at(&d, r, 0), PIXELS, p->accumulate, ROUNDED)
  FOR_ROW(pixels, p->rounded, PUT)
#undef PUT
}

static product product_of(const float *packed, int columns, int depth, const float *tile, float *c, size_t stride,
                          bool rounded)
{
  return (product){(const uint16_t *)packed, (const uint16_t *)tile, columns, depth, c, stride, rounded, false};
}

void NA_SYMBOL(bfloat_matmul)(const float *packed, int rows, int columns, int depth, const float *tile, int count,
                              float *c, size_t stride, bool rounded, bool accumulate, const na_ahead *ahead)
{
  product p = product_of(packed, columns, depth, tile, c, stride, rounded);
  p.accumulate = accumulate;
  fetch f = fetch_init(ahead, count, (long)ceiling(rows, STRIP) * ceiling(count, ACROSS));
  begin_products(BLOCK);
  for (int row = 0; row < rows; row += STRIP) {
    int some = lesser(rows - row, STRIP);
    for (int pixel = 0; pixel < count; pixel += ACROSS) {
      int pixels = lesser(count - pixel, ACROSS);
      fetch_share(&f);
      if (rounded || some % BLOCK != 0) {
        put_aside(&p, row, some, pixel, pixels);
        continue;
      }
      results to = {c + (size_t)row * stride + (size_t)pixel * LANES, BLOCK * stride, BLOCK, stride, accumulate};
      multiply_at(&p, row, some, pixel, pixels, &to);
    }
  }
  end_products();
}

/* Results that go past the caches, with two sums for each row. */
typedef struct strip {
  desk *desk;
  int row, rows, pixel, pixels; /* of C */
  vf sums[STRIP][2];
} strip;

/* Writes what is on the desk and adds to the sums; adds the sums of a row, which is done, to those of the product. */
typedef void strip_put(const product *p, strip *s, void *context);
typedef void strip_settle(void *context, int row, double first, double second);

INLINE void multiply_past(const product *p, int rows, int count, strip_put *put, strip_settle *settle, void *context)
{
  desk d;
  begin_products(BLOCK);
  for (int row = 0; row < rows; row += STRIP) {
    strip s = {.desk = &d, .row = row, .rows = lesser(rows - row, STRIP)};
    for (; s.pixel < count; s.pixel += ACROSS) {
      s.pixels = lesser(count - s.pixel, ACROSS);
      multiply_aside(p, row, s.rows, s.pixel, s.pixels, &d);
      put(p, &s, context);
    }
    for (int r = 0; r < s.rows; r++) settle(context, row + r, lane_sum(s.sums[r][0]), lane_sum(s.sums[r][1]));
  }
  end_products();
  stream_end();
}

/* Row r of the desk, counted about its shift. */
INLINE void stream_row(const desk *d, int r, int pixels, float *to, bool rounded, float shift, vf sums[2])
{
  vf x[ROW_VECTORS];
  UNROLL for (int v = 0; v < pixels * PIXEL_VECTORS; v++) {
    x[v] = load(desk_at(d, r, 0) + v * VL);
    vf offset = x[v] - shift;
    sums[0] += offset;
    sums[1] += offset * offset;
  }
  put_pixels(to, x, pixels, rounded, true);
}

INLINE void stream_strip(const product *p, strip *s, void *context)
{
  const na_moments *moments = context;
#define STREAM(PIXELS, ROUNDED)                                                                    \
  for (int r = 0; r < s->rows; r++)                                                                \
    stream_row(s->desk, r, PIXELS, target(p, s->row + r, s->pixel), ROUNDED,                      \
               moments[s->row + r].shift, s->sums[r])
  FOR_ROW(s->pixels, p->rounded, STREAM)
#undef STREAM
}

INLINE void settle_moments(void *context, int row, double first, double second)
{
  na_moments *moments = context;
  moments[row].sum += first;
  moments[row].square += second;
}

void NA_SYMBOL(bfloat_matmul_streamed)(const float *packed, int rows, int columns, int depth, const float *tile,
                                       int count, float *c, size_t stride, bool rounded, na_moments *moments)
{
  product p = product_of(packed, columns, depth, tile, c, stride, rounded);
  multiply_past(&p, rows, count, stream_strip, settle_moments, moments);
}

typedef struct finishing {
  const na_finish *how; /* [rows] */
  long first;           /* pixel of the tile */
  clamp limits;
  double *sums;
} finishing;

/* Row r of the desk: a gradient that is finished. data: the values at its pixels. */
INLINE void finish_row(const desk *d, int r, int pixels, float *to, bool rounded, const na_finish *how,
                       const float *data, clamp limits, vf sums[2])
{
  vf g[ROW_VECTORS];
  UNROLL for (int v = 0; v < pixels * PIXEL_VECTORS; v++) {
    vf x = load_value(data, (size_t)(v * VL), rounded), seen = x * how->scale + how->shift;
    g[v] = keep_if((seen > limits.low) & (seen < limits.high), load(desk_at(d, r, 0) + v * VL));
    sums[0] += g[v];
    sums[1] += g[v] * (x - how->mean);
  }
  put_pixels(to, g, pixels, rounded, true);
}

INLINE void finish_strip(const product *p, strip *s, void *context)
{
  const finishing *f = context;
  const na_finish *how = f->how + s->row;
#define FINISH(PIXELS, ROUNDED)                                                                    \
  for (int r = 0; r < s->rows; r++)                                                                \
    finish_row(s->desk, r, PIXELS, target(p, s->row + r, s->pixel), ROUNDED, &how[r],             \
               how[r].data + na_stored(ROUNDED, f->first + s->pixel), f->limits, s->sums[r])
  FOR_ROW(s->pixels, p->rounded, FINISH)
#undef FINISH
}

INLINE void settle_sums(void *context, int row, double first, double second)
{
  const finishing *f = context;
  f->sums[2 * row] += first;
  f->sums[2 * row + 1] += second;
}

void NA_SYMBOL(bfloat_matmul_finished)(const float *packed, int rows, int columns, int depth, const float *tile,
                                       int count, float *c, size_t stride, bool rounded, const na_finish *how,
                                       long first, double *sums)
{
  product p = product_of(packed, columns, depth, tile, c, stride, rounded);
  finishing f = {how, first, clamp_of(how->act), sums};
  multiply_past(&p, rows, count, finish_strip, settle_sums, &f);
}

/* ------------------------------------------------------------------------------ left * right^T */

/* w[r][i] (+)= results on the desk. */
static void put_outer(const desk *d, int rows, int some, float *w, size_t stride, bool accumulate)
{
  for (int r = 0; r < rows; r++, w += stride) {
    const float *from = desk_at(d, r, 0);
    int i = 0;
    for (; i + VL <= some; i += VL) {
      vf_anywhere *to = (vf_anywhere *)(w + i);
      vf x = load(from + i);
      if (accumulate) x += *to;
      *to = x;
    }
    for (; i < some; i++) w[i] = accumulate ? w[i] + from[i] : from[i];
  }
}

void NA_SYMBOL(bfloat_outer)(const float *left, int left_rows, const float *columns, int right_rows, int count,
                             float *w, size_t stride, bool accumulate, const na_ahead *ahead)
{
  int steps = ceiling(count, 2);
  size_t group = (size_t)steps * BLOCK * DEPTH;
  const uint16_t *rows = left_factor((uint16_t *)left, left_rows, count), *right = (const uint16_t *)columns;
  fetch f = fetch_init(ahead, count, (long)ceiling(left_rows, STRIP) * ceiling(right_rows, STRIP));
  results c = {.down = BLOCK * STRIP, .next = BLOCK, .row = STRIP};
  desk d;
  c.at = d.values;
  begin_products(BLOCK);
  for (int n = 0; n < right_rows; n += STRIP)
    for (int m = 0; m < left_rows; m += STRIP) {
      int some = lesser(left_rows - m, STRIP), wide = lesser(right_rows - n, STRIP);
      factor a = {rows + (size_t)m * DEPTH, BLOCK * DEPTH, DEPTH, (size_t)left_rows * DEPTH, 0};
      factor b = {right + (size_t)(n / BLOCK) * group, group, DEPTH, BLOCK * DEPTH, 0};
      fetch_share(&f);
      multiply_blocks(ceiling(some, BLOCK), ceiling(wide, BLOCK), &a, &b, steps, &c);
      put_outer(&d, some, wide, w + (size_t)m * stride + n, stride, accumulate);
    }
  end_products();
}
