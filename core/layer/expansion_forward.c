/* An expansion and the depthwise convolution behind it, forward in one pass: see expansion.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/expansion.h"

#include <string.h>

/* Floats of x and of a strip of the middle, which share the second-level cache; rows of a stripe have at most so
 * many pixels. */
enum { INPUT_FLOATS = 160 * 1024, STRIP_FLOATS = 96 * 1024, STRIPE_PIXELS = 1024 };
/* Pixels of a tile of which x x^T is taken. */
enum { SQUARE_PIXELS = 48 };
/* The bits of two values of 1 in bf16. */
#define TWO_ONES 0x1.007fp0f
/* Fewer stripes than this are shared by channels, too, so that all of a team has work. */
enum { LEAST_TASKS = 8 };

/* How the pass is split; a function of the shapes alone. */
typedef struct split {
  int rows, stripes; /* of the output: rows of a stripe, stripes of a block */
  int pixels;        /* of the input's rows that a stripe sees, at most */
  int strip;         /* channels of the middle at once */
  int chunks, parts; /* of all stripes; of the channels */
} split;

typedef struct widening {
  na_expansion e;
  split s;
  na_view centred;     /* x less `centre`: no digits cancel in the variance */
  float *scale, *shift, *centre; /* [K] */
  double *sums;        /* [pieces]: of x x^T and x; then of all */
  int tiles, pieces;   /* tiles of a block; chunks of all tiles */
} widening;

/* ------------------------------------------------------------------------- the split */

/* Rows of the input that so many rows of the output see. */
static int rows_seen(const na_shape *shape, int rows)
{
  return least((rows - 1) * shape->stride + shape->kernel, shape->in_height);
}

static split split_init(const na_products *products, const na_shape *shape, int inner, int channels, int blocks)
{
  split s = {.rows = shape->out_height};
  int limit = least(INPUT_FLOATS / (inner * NA_LANES), STRIPE_PIXELS);
  while (s.rows > 1 && rows_seen(shape, s.rows) * shape->in_width > limit) s.rows--;
  s.stripes = ceiling(shape->out_height, s.rows);
  s.rows = ceiling(shape->out_height, s.stripes);
  s.stripes = ceiling(shape->out_height, s.rows);
  s.pixels = rows_seen(shape, s.rows) * shape->in_width;
  int group = products->group_rows;
  s.strip = most(STRIP_FLOATS / (s.pixels * NA_LANES) / group * group, group);
  s.chunks = least((long)blocks * s.stripes, NA_CHUNKS);
  s.parts = least(ceiling(LEAST_TASKS, s.chunks), ceiling(channels, s.strip));
  return s;
}

/* A worker's memory, in floats. */
typedef struct layout {
  size_t strip, rows, end;    /* of a stripe; x is first */
  size_t tile, ones, squares, done; /* of squares; columns are first */
} layout;

static layout lay_out(const na_products *products, const na_shape *shape, int inner, const split *s)
{
  layout l;
  l.strip = na_tile_floats(products, inner, s->pixels);
  l.rows = l.strip + (size_t)s->strip * na_strip_stride(s->pixels);
  l.end = l.rows + na_depthwise_scratch(shape->kernel, shape->in_width, shape->out_width);
  l.tile = na_column_floats(products, inner, SQUARE_PIXELS);
  l.ones = l.tile + na_tile_floats(products, inner, SQUARE_PIXELS);
  l.squares = l.ones + na_tile_floats(products, 1, SQUARE_PIXELS);
  l.done = l.squares + na_aligned((size_t)inner * (size_t)(inner + 1));
  return l;
}

/* x x^T and x, summed. */
static size_t sums_of(int inner) { return (size_t)inner * (size_t)(inner + 1); }

void na_expansion_forward_needs(const na_products *products, int in, int middle, const na_shape *shape,
                                na_needs *needs)
{
  *needs = (na_needs){.channels = (size_t)most(in, middle)};
  /* The fewer channels go in, the more pixels a stripe has. */
  for (int inner = 1; inner <= in; inner++) {
    split s = split_init(products, shape, inner, middle, 1);
    layout l = lay_out(products, shape, inner, &s);
    size_t floats = l.end > l.done ? l.end : l.done;
    if (floats > needs->scratch) needs->scratch = floats;
  }
  needs->packed = na_matrix_floats(products, middle, in) + 3 * na_aligned((size_t)in) +
                  na_expansion_copy(products, in, middle);
  needs->partial = NA_CHUNKS * sums_of(in) * sizeof(double) / sizeof(float);
}

static widening widening_init(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  int inner = expand->in->channels;
  float *scale = pass->packed + na_matrix_floats(pass->products, expand->out->channels, inner);
  widening w = {.e = na_expansion_of(pass, expand, depthwise, scale + 3 * na_aligned((size_t)inner)), .scale = scale};
  na_shape shape = na_op_shape(depthwise);
  w.s = split_init(pass->products, &shape, inner, w.e.channels, pass->blocks);
  w.shift = w.scale + na_aligned((size_t)inner);
  w.centre = w.shift + na_aligned((size_t)inner);
  w.sums = (double *)pass->partial;
  w.tiles = ceiling(expand->in->height * expand->in->width, SQUARE_PIXELS);
  w.pieces = least((long)pass->blocks * w.tiles, NA_CHUNKS);
  return w;
}

/* ------------------------------------------------------------------------- statistics of the middle */

/* Any value of a channel is its centre, or none: an activation stands between the shift and what is seen, and
 * rounded products see x itself. */
static void centre(widening *w)
{
  const na_view *x = &w->e.in;
  w->centred = *x;
  bool moved = x->act == NA_ACT_IDENTITY && !w->e.pass->products->rounded;
  for (int k = 0; k < w->e.inner; k++) {
    w->scale[k] = x->scale != NULL ? x->scale[k] : 1;
    w->shift[k] = x->shift != NULL ? x->shift[k] : 0;
    float seen = w->scale[k] * x->data[(size_t)k * x->stride] + w->shift[k];
    w->centre[k] = moved ? seen : 0;
    w->shift[k] -= w->centre[k];
  }
  w->centred.scale = w->scale;
  w->centred.shift = w->shift;
}

/* Adds x x^T and x of one tile, x less its centre. */
static void add_tile(const widening *w, int block, int tile, const layout *l, float *memory, double *sums)
{
  const na_products *products = w->e.pass->products;
  int inner = w->e.inner, area = w->e.in.height * w->e.in.width;
  int first = area * tile / w->tiles, count = area * (tile + 1) / w->tiles - first;
  float *columns = memory, *rows = memory + l->tile, *squares = memory + l->squares;
  size_t stride = (size_t)inner, values = sums_of(inner);
  na_view x = na_expansion_block(&w->e, &w->centred, block);
  products->pack_columns(&x, inner, first, count, columns);
  products->pack_view(&x, inner, first, count, NA_LEFT, rows);
  products->outer(rows, inner, columns, inner, count, squares, stride, false, NULL);
  products->outer(memory + l->ones, 1, columns, inner, count, squares + stride * stride, stride, false, NULL);
  for (size_t i = 0; i < values; i++) sums[i] += (double)squares[i];
}

static void add_squares(void *context, int chunk, int worker)
{
  const widening *w = context;
  na_shape shape = na_op_shape(w->e.depthwise);
  layout l = lay_out(w->e.pass->products, &shape, w->e.inner, &w->s);
  float *memory = w->e.pass->scratch[worker];
  double *sums = w->sums + (size_t)chunk * sums_of(w->e.inner);
  memset(sums, 0, sums_of(w->e.inner) * sizeof *sums);
  for (size_t i = l.ones; i < l.squares; i++) memory[i] = w->e.pass->products->rounded ? TWO_ONES : 1;
  long total = (long)w->e.pass->blocks * w->tiles;
  for (long t = total * chunk / w->pieces; t < total * (chunk + 1) / w->pieces; t++)
    add_tile(w, (int)(t / w->tiles), (int)(t % w->tiles), &l, memory, sums);
}

/* v^T C v; four sums, or each addition would wait for the one before. */
static double quadratic_form(const double *matrix, const float *v, int n)
{
  double form = 0;
  for (int k = 0; k < n; k++, matrix += n) {
    double sum[4] = {0};
    int j = 0;
    for (; j + 4 <= n; j += 4)
      for (int i = 0; i < 4; i++) sum[i] += matrix[j + i] * (double)v[j + i];
    for (; j < n; j++) sum[0] += matrix[j] * (double)v[j];
    form += (double)v[k] * (sum[0] + sum[1] + (sum[2] + sum[3]));
  }
  return form;
}

/* The mean and variance of channel m: W mean(x) and W cov(x) W^T. */
static void settle_row(const na_expansion *e, void *context, int m, double *room)
{
  (void)room;
  const widening *w = context;
  const float *weight = na_expansion_row(e, m);
  const double *mean_x = w->sums + (size_t)e->inner * (size_t)e->inner;
  double n = na_pass_values(e->pass, e->expand->in, 0, na_tensor_pixels(e->pass, e->expand->in));
  double mean = 0, variance = quadratic_form(w->sums, weight, e->inner);
  for (int k = 0; k < e->inner; k++) mean += (double)weight[k] * (mean_x[k] + (double)w->centre[k]);
  na_moments moments = {.shift = (float)mean};
  double offset = mean - (double)moments.shift;
  moments.sum = n * offset;
  moments.square = n * (variance + offset * offset);
  na_norm_settle(e->pass, e->expand->out, m, 1, &moments, 0, &n);
}

/* x x^T and x from the sums of x less its centre, for the backward pass. */
static void keep_squares(const widening *w, double n)
{
  const na_expansion *e = &w->e;
  size_t inner = (size_t)e->inner;
  const double *total = w->sums + inner * inner;
  double *squares = e->expand->squares;
  for (size_t k = 0; k < inner; k++) {
    double ck = (double)w->centre[k];
    for (size_t j = 0; j < inner; j++) {
      double cj = (double)w->centre[j];
      squares[k * inner + j] = w->sums[k * inner + j] + ck * total[j] + total[k] * cj + n * ck * cj;
    }
    squares[inner * inner + k] = total[k] + n * ck;
  }
}

/* What was summed becomes covariance and mean. */
static void settle_sums(widening *w)
{
  const na_expansion *e = &w->e;
  size_t inner = (size_t)e->inner, values = sums_of(e->inner);
  double n = na_pass_values(e->pass, e->expand->in, 0, na_tensor_pixels(e->pass, e->expand->in));
  double *mean = w->sums + inner * inner;
  for (int chunk = 1; chunk < w->pieces; chunk++)
    for (size_t i = 0; i < values; i++) w->sums[i] += w->sums[(size_t)chunk * values + i];
  if (e->expand->squares != NULL) keep_squares(w, n);
  for (size_t i = 0; i < values; i++) w->sums[i] /= n;
  for (size_t k = 0; k < inner; k++)
    for (size_t j = 0; j < inner; j++) w->sums[k * inner + j] -= mean[k] * mean[j];
}

static void settle_middle(widening *w)
{
  const na_expansion *e = &w->e;
  if (!na_norm_by_batch(e->pass, e->expand->out)) {
    na_norm_prepare(e->pass, e->expand->out);
    if (e->expand->squares != NULL) memset(e->expand->squares, 0, sums_of(e->inner) * sizeof(double));
    return;
  }
  centre(w);
  na_team_run(e->pass->team, add_squares, w, w->pieces);
  settle_sums(w);
  na_expansion_rows(e, settle_row, w);
}

/* ------------------------------------------------------------------------- the layers */

/* Of stripe s, channels begin .. end; start: their moments begin with it. */
static void pass_stripe(const widening *w, long s, int begin, int end, bool start, na_moments *moments,
                        const layout *l, float *memory)
{
  const na_expansion *e = &w->e;
  const na_kernels *kernels = e->pass->kernels;
  const na_products *products = e->pass->products;
  const na_op *op = e->depthwise;
  na_tensor *out = op->out;
  int first = (int)(s % w->s.stripes) * w->s.rows;
  na_stripe stripe = {(int)(s / w->s.stripes), first, least(w->s.rows, out->height - first)};
  int above = most(first * op->stride - op->pad, 0);
  int below = least((first + stripe.count - 1) * op->stride - op->pad + op->kernel, op->in->height);
  na_stripe seen = {stripe.block, above, below - above};
  na_view x = na_expansion_block(e, &e->in, stripe.block);
  products->pack_view(&x, e->inner, (long)above * x.width, seen.count * x.width, NA_RIGHT, memory);
  for (int m = begin; m < end; m += w->s.strip) {
    int count = least(w->s.strip, end - m);
    na_view middle = na_expansion_strip(e, &seen, m, count, e->pass->packed, memory, memory + l->strip);
    for (int c = m; c < m + count; c++) {
      na_depthwise call = na_depthwise_call(e->pass, op, c);
      call.stream = na_tensor_streams(e->pass, out);
      kernels->depthwise_forward_stripe(&call, &middle, c, &stripe, out->data + (size_t)c * out->stride,
                                        moments != NULL ? &moments[c] : NULL, start, memory + l->rows);
    }
  }
}

static void pass_task(void *context, int task, int worker)
{
  const widening *w = context;
  const na_expansion *e = &w->e;
  const split *s = &w->s;
  na_shape shape = na_op_shape(e->depthwise);
  layout l = lay_out(e->pass->products, &shape, e->inner, s);
  int chunk = task / s->parts, part = task % s->parts, group = e->pass->products->group_rows;
  int groups = ceiling(e->channels, group);
  int begin = groups * part / s->parts * group, end = least(groups * (part + 1) / s->parts * group, e->channels);
  long total = (long)e->pass->blocks * s->stripes, from = total * chunk / s->chunks;
  na_moments *moments = na_norm_by_batch(e->pass, e->depthwise->out)
                            ? e->pass->moments + (size_t)chunk * (size_t)e->channels
                            : NULL;
  for (long i = from; i < total * (chunk + 1) / s->chunks; i++)
    pass_stripe(w, i, begin, end, i == from, moments, &l, e->pass->scratch[worker]);
}

static long chunk_start(const void *loop, int chunk)
{
  const widening *w = loop;
  const na_tensor *out = w->e.depthwise->out;
  long stripe = (long)w->e.pass->blocks * w->s.stripes * chunk / w->s.chunks;
  return (stripe / w->s.stripes * out->height + stripe % w->s.stripes * w->s.rows) * out->width;
}

void na_expansion_forward(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  widening w = widening_init(pass, expand, depthwise);
  settle_middle(&w);
  na_pack_weights(&(na_packing){pass, pass->products, expand->weight, w.e.channels, w.e.inner, 1, expand->row, 1,
                                pass->packed});
  na_norm_prepare(pass, depthwise->out);
  na_team_run(pass->team, pass_task, &w, w.s.chunks * w.s.parts);
  na_settle_moments(pass, depthwise->out, w.s.chunks, chunk_start, &w);
}
