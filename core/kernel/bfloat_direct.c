/* Direct convolution of bf16 operands: see direct.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat_multiply.h"

/* Blocks of results side by side. One row of them: as many sums as keep the tiles busy, of the fewest operands. */
enum { MOST_ACROSS = 4, DESK_ROW = MOST_ACROSS * BLOCK };

/* Pixels whose sums wait, before they lose digits; pairs of pixels that are correlated at once, while they are in
 * the first-level cache. */
enum { MOST_WAITING = 128, CORRELATED = 16 };

static void multiply_across(int across, const factor *a, const factor *b, span sum, const results *c)
{
  switch (across) {
  case 1: multiply(1, 1, a, b, sum, c); break;
  case 2: multiply(1, 2, a, b, sum, c); break;
  case 3: multiply(1, 3, a, b, sum, c); break;
  default: multiply(1, 4, a, b, sum, c); break;
  }
}

/* ------------------------------------------------------------------------------ convolution */

/* Results on their way: a row of blocks. */
typedef struct desk {
  float values[BLOCK * DESK_ROW] __attribute__((aligned(64)));
} desk;

/* Two sums of each of a group's rows, of which the last `pixels` wait. */
typedef struct group_sums {
  vf waiting[BLOCK][2];
  double total[BLOCK][2];
  int pixels;
} group_sums;

static void widen_sums(group_sums *s, int rows)
{
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < 2; i++) {
      s->total[r][i] += lane_sum(s->waiting[r][i]);
      s->waiting[r][i] = splat(0);
    }
  s->pixels = 0;
}

/* A group of rows, and what becomes of them: all of `to`, `moments` or `how` are those of its first row. */
typedef struct group {
  const uint16_t *weights;
  int rows;
  na_target to;
  na_moments *moments;
  const na_finish *how; /* data: at the first pixel's place */
  size_t place;
  group_sums sums;
} group;

/* Pixels x .. x + pixels of row y. */
typedef struct piece {
  int y, x, pixels;
} piece;

static size_t piece_place(const group *g, const piece *p)
{
  return (size_t)p->y * g->to.row + (size_t)p->x * g->to.column;
}

static void put_piece(const group *g, const piece *p, const desk *d)
{
  const na_target *to = &g->to;
  for (int r = 0; r < g->rows; r++)
    for (int i = 0; i < p->pixels; i++)
      for (int l = 0; l < LANES; l += VL) {
        float *dst = to->at + piece_place(g, p) + (size_t)r * to->channel + (size_t)i * to->column + l;
        store(dst, load(d->values + r * DESK_ROW + i * LANES + l) + load_if(to->accumulate, dst));
      }
}

/* Written, and counted about their shifts. */
INLINE void count_piece(group *g, const piece *p, const desk *d, bool past)
{
  na_moments *moments = g->moments;
  if (g->to.start && p->y == 0 && p->x == 0)
    for (int r = 0; r < g->rows; r++) moments[r] = (na_moments){.shift = d->values[r * DESK_ROW]};
  float *to = g->to.at + piece_place(g, p);
  for (int r = 0; r < g->rows; r++, to += g->to.channel) {
    vf sum = g->sums.waiting[r][0], square = g->sums.waiting[r][1];
    float shift = moments[r].shift;
    for (int i = 0; i < p->pixels * LANES; i += VL) {
      vf x = load(d->values + r * DESK_ROW + i), offset = x - shift;
      sum += offset;
      square += offset * offset;
      if (past) stream(to + i, x);
      else store(to + i, x);
    }
    g->sums.waiting[r][0] = sum;
    g->sums.waiting[r][1] = square;
  }
}

/* Finished and written. */
INLINE void finish_piece(group *g, const piece *p, const desk *d, na_activation act)
{
  const na_target *to = &g->to;
  for (int r = 0; r < g->rows; r++) {
    const na_finish how = g->how[r];
    const float *data = how.data + g->place + piece_place(g, p);
    float *row = to->at + (size_t)r * to->channel + piece_place(g, p);
    vf sum = g->sums.waiting[r][0], sum_x = g->sums.waiting[r][1];
    for (int i = 0; i < p->pixels; i++, row += to->column, data += to->column)
      for (int l = 0; l < LANES; l += VL) {
        vf x = load(data + l), y = load(d->values + r * DESK_ROW + i * LANES + l);
        if (to->accumulate) y += load(row + l);
        vf gradient = activate_gradient(y, x * how.scale + how.shift, act);
        store(row + l, gradient);
        sum += gradient;
        sum_x += gradient * (x - how.mean);
      }
    g->sums.waiting[r][0] = sum;
    g->sums.waiting[r][1] = sum_x;
  }
}

static void put_desk(group *g, const piece *p, const desk *d)
{
  if (g->moments != NULL && g->to.past) count_piece(g, p, d, true);
  else if (g->moments != NULL) count_piece(g, p, d, false);
  else if (g->how != NULL) {
#define FINISH(ACT) finish_piece(g, p, d, ACT)
    FOR_ACTIVATION(g->how->act, FINISH)
#undef FINISH
  } else put_piece(g, p, d);
  g->sums.pixels += p->pixels;
  if (g->sums.pixels > MOST_WAITING - MOST_ACROSS) widen_sums(&g->sums, g->rows);
}

/* What put_desk reads and writes is fetched while the piece is computed. */
static void fetch_piece(const group *g, const piece *p)
{
  for (int r = 0; r < g->rows; r++)
    for (int i = 0; i < p->pixels; i++) {
      size_t at = piece_place(g, p) + (size_t)i * g->to.column;
      if (g->how != NULL) __builtin_prefetch(g->how[r].data + g->place + at);
      if (!g->to.past) __builtin_prefetch(g->to.at + (size_t)r * g->to.channel + at, 1);
    }
}

static void convolve_group(const na_sight *in, group *g)
{
  size_t line = (size_t)((in->channels + 1) / 2) * DEPTH, row = (size_t)in->columns * line;
  span sum = {in->down, ceiling((in->channels + 1) / 2 * in->across, PAIRS)};
  int parts = ceiling(in->width, MOST_ACROSS);
  begin_products(g->rows);
  bool aside = g->rows < BLOCK || g->moments != NULL || g->how != NULL;
  factor a = {g->weights, 0, DEPTH, BLOCK * DEPTH, (size_t)sum.steps * BLOCK * DEPTH};
  factor b = {NULL, (size_t)in->step * line, DEPTH, PAIRS * DEPTH, row};
  desk d;
  for (int y = 0; y < in->rows; y++)
    for (int part = 0; part < parts; part++) {
      piece p = {y, in->width * part / parts, 0};
      p.pixels = in->width * (part + 1) / parts - p.x;
      results direct = {g->to.at + piece_place(g, &p), 0, g->to.column, g->to.channel, g->to.accumulate};
      results through = {d.values, 0, BLOCK, DESK_ROW, false};
      b.at = (const uint16_t *)in->frame + (size_t)(y * in->step + in->row) * row +
             (size_t)(p.x * in->step + in->column) * line;
      fetch_piece(g, &p);
      multiply_across(p.pixels, &a, &b, sum, aside ? &through : &direct);
      if (aside) put_desk(g, &p, &d);
    }
  end_products();
  widen_sums(&g->sums, g->rows);
}

static group group_at(const na_sight *in, const float *packed, int rows, int r, const na_target *to)
{
  size_t steps = (size_t)(in->down * ceiling((in->channels + 1) / 2 * in->across, PAIRS));
  group g = {.weights = (const uint16_t *)packed + (size_t)(r / BLOCK) * steps * BLOCK * DEPTH,
             .rows = lesser(rows - r, BLOCK), .to = *to};
  g.to.at += (size_t)r * to->channel;
  return g;
}

void NA_SYMBOL(bfloat_convolve)(const na_sight *in, const float *packed, int rows, const na_target *to,
                                na_moments *moments)
{
  for (int r = 0; r < rows; r += BLOCK) {
    group g = group_at(in, packed, rows, r, to);
    g.moments = moments != NULL ? moments + r : NULL;
    convolve_group(in, &g);
    for (int i = 0; i < g.rows && moments != NULL; i++) {
      moments[r + i].sum += g.sums.total[i][0];
      moments[r + i].square += g.sums.total[i][1];
    }
  }
  stream_end();
}

void NA_SYMBOL(bfloat_convolve_finished)(const na_sight *in, const float *packed, int rows, const na_target *to,
                                         const na_finish *how, size_t place, double *sums)
{
  for (int r = 0; r < rows; r += BLOCK) {
    group g = group_at(in, packed, rows, r, to);
    g.how = how + r;
    g.place = place;
    convolve_group(in, &g);
    for (int i = 0; i < g.rows; i++) {
      sums[2 * (r + i)] += g.sums.total[i][0];
      sums[2 * (r + i) + 1] += g.sums.total[i][1];
    }
  }
}

/* ------------------------------------------------------------------------------ weights */

/* Row `ky` of the taps, of one pair of groups: rows first .. first + count of the pixels. */
static void correlate_row(const na_overlap *o, const uint16_t *left, const uint16_t *right, int ky, int first,
                          int count, float *sums, bool accumulate)
{
  enum { PIXEL = BLOCK * DEPTH / 2 };
  int pairs = (o->width + 1) / 2, columns = na_overlap_phase(o);
  size_t step = (size_t)o->left_rows * DEPTH, row = (size_t)(columns * o->step) * PIXEL;
  for (int phase = 0; phase < o->step && phase < o->kernel; phase++) {
    int taps = ceiling(o->kernel - phase, o->step), parts = ceiling(taps, MOST_ACROSS);
    for (int part = 0; part < parts; part++) {
      int tap = taps * part / parts, some = taps * (part + 1) / parts - tap;
      const uint16_t *seen = right + (size_t)(first * o->step + ky) * row + (size_t)(phase * columns + tap) * PIXEL;
      factor a = {left + (size_t)(first * pairs) * step, 0, DEPTH, step, (size_t)pairs * step};
      factor b = {seen, PIXEL, DEPTH, 2 * PIXEL, (size_t)o->step * row};
      results c = {sums + (ky * o->kernel + phase + tap * o->step) * BLOCK * BLOCK, 0,
                   (size_t)o->step * BLOCK * BLOCK, BLOCK, accumulate};
      multiply_across(some, &a, &b, (span){count, pairs}, &c);
    }
  }
}

void NA_SYMBOL(bfloat_correlate)(const na_overlap *o, float *sums, bool accumulate)
{
  int lefts = ceiling(o->left_rows, BLOCK), rights = ceiling(o->right_rows, BLOCK);
  int pairs = (o->width + 1) / 2, rows = ceiling(o->rows, ceiling(o->rows * pairs, CORRELATED));
  size_t block = (size_t)(o->kernel * o->kernel) * BLOCK * BLOCK;
  for (int m = 0; m < lefts; m++) {
    begin_products(lesser(o->left_rows - m * BLOCK, BLOCK));
    for (int y = 0; y < o->rows; y += rows)
      for (int n = 0; n < rights; n++)
        for (int ky = 0; ky < o->kernel; ky++)
          correlate_row(o, (const uint16_t *)o->left + (size_t)m * BLOCK * DEPTH,
                        (const uint16_t *)o->right + (size_t)n * 2 * na_overlap_group(o), ky, y,
                        lesser(rows, o->rows - y), sums + (size_t)(m * rights + n) * block, accumulate || y > 0);
    end_products();
  }
}

void NA_SYMBOL(bfloat_unpack)(const float *sums, int parts, size_t part, int right_rows, int area, int first,
                              int count, float *gradient, size_t stride)
{
  int rights = ceiling(right_rows, BLOCK);
  for (int m = first; m < first + count; m += BLOCK)
    for (int n = 0; n < right_rows; n += BLOCK) {
      const float *block = sums + (size_t)((m / BLOCK * rights + n / BLOCK) * area) * BLOCK * BLOCK;
      int rows = lesser(first + count - m, BLOCK), columns = lesser(right_rows - n, BLOCK);
      for (int r = 0; r < rows; r++)
        for (int tap = 0; tap < area; tap++) {
          const float *from = block + (size_t)(tap * BLOCK + r) * BLOCK;
          float total[BLOCK] __attribute__((aligned(64)));
          for (int i = 0; i < BLOCK; i += VL) {
            vf x = load(from + i);
            for (int p = 1; p < parts; p++) x += load(from + (size_t)p * part + i);
            store(total + i, x);
          }
          float *to = gradient + (size_t)(m + r) * stride + (size_t)(n * area + tap);
          for (int c = 0; c < columns; c++) to[c * area] += total[c];
        }
    }
}
