/* An expansion (pointwise convolution, BatchNorm, activation) and the depthwise convolution behind it,
 * backward in one pass: the middle of an inverted block is its largest tensor, and its gradient would be
 * written once and read once more only to be summed.
 *
 * With x the expansion's input (K channels), y = W x its output (M), g the gradient of y normalised,
 * finished by the activation's slope, BatchNorm's pullback is dy = a g + b y + c, with a known from the
 * forward pass, b and c only when all of g has been seen. Both gradients are linear in it:
 *
 *   dW = dy x^T = a (g x^T) + b (y x^T) + c (1 x^T),   y x^T = W (x x^T)
 *   dx = W^T dy = W^T (a g) + (W^T b W) x + W^T c
 *
 * So g is used where it arises, in tiles that stay in the second-level cache: for g x^T and W^T (a g). What
 * b and c contribute needs small matrices: x x^T and 1 x^T, summed on the way, and W^T b W, whose
 * product with x is added in a second pass over the narrow side.
 *
 * Oracle: na_naive_conv_backward, na_naive_norm_backward, na_naive_depthwise_backward; the layers' own
 * backward passes. Tolerance as for gradients.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/dense.h"
#include "core/layer/split.h"

/* Floats of a stripe's share of the second-level cache: the input's columns and gradient, and the tile of
 * g. Pixels of a stripe, whole rows of it; channels of a tile at least, and in multiples of a group. */
enum { STRIPE_FLOATS = 176 * 1024, STRIPE_PIXELS = 288, LEAST_TILE = 16 };
/* Pixels of a tile in the second pass. */
enum { NARROW_PIXELS = 48 };
/* Smaller middles stay in the caches, and the small matrices take their time, too: pixels for each input
 * channel that make up for it. */
enum { WORTH_BYTES = 4 << 20, WORTH_PIXELS = 64 };

/* Rows of W that a thread takes at once. */
enum { ROWS_PER_UNIT = 8 };

typedef struct expansion {
  const na_pass *pass;
  const na_op *expand, *depthwise;
  na_view in, middle;
  na_pullback out;
  int inner, channels, taps; /* K, M, k^2 */
  int rows, stripes, chunks; /* rows of a stripe, stripes of a block, chunks of stripes */
  int tile;                  /* channels of a tile of g */
  size_t part;               /* floats of a chunk's partial sums */
  float *scaled;             /* [M][K]: a W; then [K][K]: W^T b W */
  float *shift;              /* [K]: W^T c */
  double *gram, *total;      /* [K][K]: x x^T, then W^T b W; [K]: 1 x^T */
} expansion;

/* ------------------------------------------------------------------------- the split */

/* Rows of a stripe: a multiple of the stride, so that none of the output is read for two stripes in vain. */
static int stripe_rows(const na_shape *shape)
{
  return least(round_up(most(STRIPE_PIXELS / shape->in_width, 1), shape->stride), shape->in_height);
}

static int columns_width(const na_kernels *kernels, int inner) { return round_up(inner, kernels->vector); }

/* Channels of a tile that the cache has room for. */
static int tile_channels(const na_kernels *kernels, int inner, int pixels)
{
  int room = STRIPE_FLOATS / (pixels * NA_LANES) - columns_width(kernels, inner) - inner;
  return most(room, LEAST_TILE) / kernels->group_rows * kernels->group_rows;
}

static size_t tile_floats(const na_kernels *kernels, int rows, int pixels)
{
  return (size_t)rows * (size_t)round_up(pixels, kernels->panel_pixels) * NA_LANES;
}

/* Partial sums of a chunk: g x^T, x x^T, 1 x^T, and the gradient of the depthwise weights. */
static size_t part_floats(int inner, int channels, int taps)
{
  return (size_t)inner * (size_t)(channels + inner + 1) + (size_t)channels * (size_t)taps;
}

static size_t aligned(size_t floats) { return (floats + NA_LANES - 1) / NA_LANES * NA_LANES; }

/* The packed matrix, W^T or W^T b W. */
static size_t packed_floats(const na_kernels *kernels, int inner, int channels)
{
  return aligned((size_t)round_up(inner, kernels->group_rows) * (size_t)channels);
}

/* Where things are in a worker's memory, in floats: see desk. */
typedef struct layout {
  size_t columns, tile, places, ones, rows, lanes, end;
} layout;

static layout lay_out(const na_kernels *kernels, const na_shape *shape, int inner, int channels, int tile)
{
  int pixels = stripe_rows(shape) * shape->in_width, taps = shape->kernel * shape->kernel;
  layout l = {.columns = 0};
  l.tile = (size_t)columns_width(kernels, inner) * (size_t)pixels * NA_LANES;
  l.places = l.tile + tile_floats(kernels, most(tile, inner), pixels);
  l.ones = l.places + aligned((size_t)pixels);
  l.rows = l.ones + tile_floats(kernels, 1, pixels);
  l.lanes = l.rows + na_depthwise_scratch(shape->kernel, shape->in_width, shape->out_width);
  l.end = l.lanes + (size_t)channels * (size_t)taps * (size_t)kernels->vector;
  return l;
}

void na_expansion_needs(const na_kernels *kernels, int in, int middle, const na_shape *shape,
                        na_needs *needs)
{
  int pixels = stripe_rows(shape) * shape->in_width;
  /* The fewer channels go in, the more a tile has. */
  int tile = most(STRIPE_FLOATS / (pixels * NA_LANES), LEAST_TILE);
  size_t narrow = tile_floats(kernels, in, NARROW_PIXELS);
  needs->scratch = lay_out(kernels, shape, in, middle, tile).end;
  if (needs->scratch < narrow) needs->scratch = narrow;
  size_t square = (size_t)in * (size_t)in, scaled = (size_t)most(middle, in) * (size_t)in;
  needs->packed = packed_floats(kernels, in, most(middle, in)) + aligned(scaled) + aligned((size_t)in) +
                  2 * aligned(square + (size_t)in);
  needs->partial = na_partial_floats(part_floats(in, middle, shape->kernel * shape->kernel));
  needs->channels = (size_t)most(in, middle);
}

static na_shape shape_of(const na_op *op)
{
  return (na_shape){op->kernel, op->stride, op->pad, op->in->height, op->in->width, op->out->height,
                    op->out->width};
}

static expansion expansion_init(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  const na_kernels *kernels = pass->kernels;
  na_shape shape = shape_of(depthwise);
  expansion e = {.pass = pass, .expand = expand, .depthwise = depthwise,
                 .in = na_tensor_view(expand->in), .middle = na_tensor_view(depthwise->in),
                 .out = na_tensor_pullback(depthwise->out),
                 .inner = expand->in->channels, .channels = expand->out->channels,
                 .taps = shape.kernel * shape.kernel, .rows = stripe_rows(&shape)};
  e.stripes = ceiling(shape.in_height, e.rows);
  e.tile = tile_channels(kernels, e.inner, e.rows * shape.in_width);
  e.part = part_floats(e.inner, e.channels, e.taps);
  e.chunks = least((long)pass->blocks * e.stripes, na_chunk_limit((long)e.part));
  size_t scaled = (size_t)most(e.channels, e.inner) * (size_t)e.inner;
  e.scaled = pass->packed + packed_floats(kernels, e.inner, most(e.channels, e.inner));
  e.shift = e.scaled + aligned(scaled);
  e.gram = (double *)(e.shift + aligned((size_t)e.inner));
  e.total = e.gram + (size_t)e.inner * (size_t)e.inner;
  return e;
}

/* A worker's memory. */
typedef struct desk {
  float *columns, *tile; /* of x; of x or g */
  int *places;           /* of a channel's pixels in the tile, in floats */
  float *ones;           /* a tile of one row */
  float *rows;           /* the depthwise kernel's */
  float *lanes;          /* of the depthwise weights' gradient: [M][k^2][vector], zeroed */
} desk;

static desk desk_init(const expansion *e, float *memory)
{
  const na_kernels *kernels = e->pass->kernels;
  na_shape shape = shape_of(e->depthwise);
  layout l = lay_out(kernels, &shape, e->inner, e->channels, e->tile);
  desk d = {memory + l.columns, memory + l.tile, (int *)(memory + l.places), memory + l.ones,
            memory + l.rows, memory + l.lanes};
  for (size_t i = l.ones; i < l.rows; i++) memory[i] = 1;
  for (size_t i = l.lanes; i < l.end; i++) memory[i] = 0;
  return d;
}

/* ------------------------------------------------------------------------- first pass */

/* The parts of a chunk's partial sums. */
static float *part_of(const expansion *e, int chunk) { return e->pass->partial + (size_t)chunk * e->part; }
static size_t gram_at(const expansion *e) { return (size_t)e->channels * (size_t)e->inner; }
static size_t total_at(const expansion *e) { return gram_at(e) + (size_t)e->inner * (size_t)e->inner; }
static size_t taps_at(const expansion *e) { return total_at(e) + (size_t)e->inner; }

/* Runs `task` on every row of W. */
typedef void row_task(const expansion *e, int m);

typedef struct row_loop {
  const expansion *e;
  row_task *task;
} row_loop;

static void run_rows(void *context, int unit, int worker)
{
  (void)worker;
  const row_loop *loop = context;
  int end = least((unit + 1) * ROWS_PER_UNIT, loop->e->channels);
  for (int m = unit * ROWS_PER_UNIT; m < end; m++) loop->task(loop->e, m);
}

static void each_row(const expansion *e, row_task *task)
{
  row_loop loop = {e, task};
  na_team_run(e->pass->team, run_rows, &loop, ceiling(e->channels, ROWS_PER_UNIT));
}

static const float *weight_row(const expansion *e, int m)
{
  return e->expand->weight + (size_t)m * e->expand->row;
}

/* Row m of a W. */
static void scale_row(const expansion *e, int m)
{
  const na_tensor *middle = e->expand->out;
  const float *weight = weight_row(e, m);
  float a = middle->gamma[m] * middle->invstd[m], *scaled = e->scaled + (size_t)m * (size_t)e->inner;
  for (int k = 0; k < e->inner; k++) scaled[k] = a * weight[k];
}

/* Row k of the matrix is column k of a W. */
static void pack_scaled(expansion *e)
{
  each_row(e, scale_row);
  na_pack_weights(&(na_packing){e->pass, e->scaled, e->inner, e->channels, 1, 1, (size_t)e->inner});
}

/* The input's block, without what is in lanes of no image. */
static na_view block_view(const expansion *e, int block)
{
  const na_pass *pass = e->pass;
  na_view view = e->in;
  view.data += (size_t)block * (size_t)(view.height * view.width) * NA_LANES;
  if (pass->masked && block == pass->blocks - 1) view.gate = pass->lanes;
  return view;
}

/* x x^T and 1 x^T of a stripe; columns: x for all that follows. */
static void add_squares(const expansion *e, const na_stripe *stripe, const desk *d, float *part, bool fresh)
{
  const na_kernels *kernels = e->pass->kernels;
  int count = stripe->count * e->in.width;
  long first = (long)stripe->first * e->in.width;
  na_view view = block_view(e, stripe->block);
  kernels->pack_columns(&view, e->inner, first, count, d->columns);
  kernels->pack_view(&view, e->inner, first, count, d->tile);
  size_t stride = (size_t)e->inner;
  kernels->outer(d->tile, e->inner, d->columns, e->inner, count, part + gram_at(e), stride, !fresh, NULL);
  kernels->outer(d->ones, 1, d->columns, e->inner, count, part + total_at(e), stride, !fresh, NULL);
}

/* g of channels m .. m + count, into the tile. */
static void pull_channels(const expansion *e, const na_stripe *stripe, int m, int count, const desk *d,
                          double *sums)
{
  int *places = d->places, panel = e->pass->kernels->panel_pixels;
  for (int p = 0; p < stripe->count * e->in.width; p++)
    places[p] = (p / panel * count * panel + p % panel) * NA_LANES;
  int lanes = e->taps * e->pass->kernels->vector;
  for (int i = m; i < m + count; i++) {
    na_depthwise call = na_depthwise_call(e->pass, e->depthwise, i);
    na_finish how = na_tensor_finish(e->depthwise->in, i);
    e->pass->kernels->depthwise_backward_placed(
        &call, &e->middle, &e->out, i, stripe, d->lanes + (size_t)(i * lanes), &how, &sums[2 * i],
        &sums[2 * i + 1], d->tile + (size_t)((i - m) * panel) * NA_LANES, places, d->rows);
  }
}

/* g x^T and W^T (a g) of a stripe. */
static void add_products(const expansion *e, const na_stripe *stripe, const desk *d, float *part, bool fresh,
                         double *sums)
{
  const na_kernels *kernels = e->pass->kernels;
  const na_tensor *in = e->expand->in;
  int count = stripe->count * e->in.width;
  size_t first = ((size_t)stripe->block * (size_t)e->in.height + (size_t)stripe->first) * (size_t)e->in.width;
  for (int m = 0; m < e->channels; m += e->tile) {
    int some = least(e->tile, e->channels - m);
    pull_channels(e, stripe, m, some, d, sums);
    na_ahead ahead = na_channels_ahead(e->depthwise->in, m + some, e->tile, (long)first, count);
    kernels->outer(d->tile, some, d->columns, e->inner, count, part + (size_t)m * (size_t)e->inner,
                   (size_t)e->inner, !fresh, &ahead);
    if (e->expand->wanted[0])
      kernels->matmul(e->pass->packed + (size_t)(m * kernels->group_rows), e->inner, e->channels, some,
                      d->tile, count, in->grad + first * NA_LANES, in->stride,
                      e->expand->accumulate[0] || m > 0, NULL);
  }
}

static void sum_lanes(const expansion *e, const float *lanes, float *part)
{
  int vector = e->pass->kernels->vector;
  for (int q = 0; q < e->channels * e->taps; q++) {
    double sum = 0;
    for (int l = 0; l < vector; l++) sum += (double)lanes[q * vector + l];
    part[taps_at(e) + (size_t)q] = (float)sum;
  }
}

static void backward_chunk(void *context, int chunk, int worker)
{
  const expansion *e = context;
  desk d = desk_init(e, e->pass->scratch[worker]);
  double *sums = na_input_sums(e->pass, e->depthwise, chunk);
  float *part = part_of(e, chunk);
  na_clear_sums(e->pass, e->depthwise, chunk);
  long total = (long)e->pass->blocks * e->stripes;
  long begin = total * chunk / e->chunks, end = total * (chunk + 1) / e->chunks;
  for (long s = begin; s < end; s++) {
    int first = (int)(s % e->stripes) * e->rows;
    na_stripe stripe = {(int)(s / e->stripes), first, least(e->rows, e->in.height - first)};
    add_squares(e, &stripe, &d, part, s == begin);
    add_products(e, &stripe, &d, part, s == begin, sums);
  }
  sum_lanes(e, d.lanes, part);
}

/* ------------------------------------------------------------------------- the small matrices */

static void add_up_squares(expansion *e)
{
  size_t from = gram_at(e), count = (size_t)e->inner * (size_t)(e->inner + 1);
  for (size_t i = 0; i < count; i++) e->gram[i] = 0;
  for (int chunk = 0; chunk < e->chunks; chunk++)
    for (size_t i = 0; i < count; i++) e->gram[i] += (double)part_of(e, chunk)[from + i];
}

/* Element k of a row of W, times x x^T. */
static double product_at(const expansion *e, const float *weight, int k)
{
  double sum = 0;
  for (int j = 0; j < e->inner; j++)
    sum += (double)weight[j] * e->gram[(size_t)j * (size_t)e->inner + (size_t)k];
  return sum;
}

/* The gradients of row m of both layers' weights. */
static void settle_row(const expansion *e, int m)
{
  const na_tensor *middle = e->expand->out;
  const float *weight = weight_row(e, m);
  float *grad = e->expand->weight_grad + (size_t)m * e->expand->row;
  float *taps = e->depthwise->weight_grad + (size_t)m * e->depthwise->row;
  double a = middle->a[m], b = middle->b[m], c = middle->c[m];
  for (int k = 0; k < e->inner; k++) {
    double sum = 0;
    for (int chunk = 0; chunk < e->chunks; chunk++)
      sum += (double)part_of(e, chunk)[(size_t)m * (size_t)e->inner + (size_t)k];
    grad[k] += (float)(a * sum + b * product_at(e, weight, k) + c * e->total[k]);
  }
  for (int q = 0; q < e->taps; q++)
    for (int chunk = 0; chunk < e->chunks; chunk++)
      taps[q] += part_of(e, chunk)[taps_at(e) + (size_t)(m * e->taps + q)];
}

/* Row k of W^T b W, and of W^T c. */
static void square_row(void *context, int k, int worker)
{
  (void)worker;
  const expansion *e = context;
  const na_tensor *middle = e->expand->out;
  double *row = e->gram + (size_t)k * (size_t)e->inner, shift = 0;
  for (int j = 0; j < e->inner; j++) row[j] = 0;
  for (int m = 0; m < e->channels; m++) {
    const float *weight = weight_row(e, m);
    double b = (double)middle->b[m] * (double)weight[k];
    for (int j = 0; j < e->inner; j++) row[j] += b * (double)weight[j];
    shift += (double)middle->c[m] * (double)weight[k];
  }
  for (int j = 0; j < e->inner; j++) e->scaled[(size_t)k * (size_t)e->inner + (size_t)j] = (float)row[j];
  e->shift[k] = (float)shift;
}

/* ------------------------------------------------------------------------- second pass */

/* dx += W^T b W x + W^T c, finished. */
static void correct_chunk(void *context, int chunk, int worker)
{
  const expansion *e = context;
  const na_pass *pass = e->pass;
  const na_tensor *in = e->expand->in;
  na_mask mask = na_pass_mask(pass, in);
  long total = na_tensor_pixels(pass, in), panel = NARROW_PIXELS, panels = ceiling(total, panel);
  long begin = panels * chunk / NA_CHUNKS, end = panels * (chunk + 1) / NA_CHUNKS;
  na_clear_sums(pass, e->expand, chunk);
  for (long p = begin; p < end; p++) {
    long first = p * panel;
    int count = least(panel, total - first);
    pass->kernels->pack_view(&e->in, e->inner, first, count, pass->scratch[worker]);
    pass->kernels->matmul(pass->packed, e->inner, e->inner, e->inner, pass->scratch[worker], count,
                          in->grad + (size_t)first * NA_LANES, in->stride, true, NULL);
    for (int k = 0; k < e->inner; k++) {
      float one = 1, none = 0, *grad = in->grad + (size_t)k * in->stride;
      na_pullback shifted = {.grad = grad, .data = grad, .height = in->height, .width = in->width,
                             .a = &one, .b = &none, .c = &e->shift[k]};
      pass->kernels->read_pullback(&shifted, 0, &mask, first, count, grad + (size_t)first * NA_LANES);
    }
    na_chunk part = {chunk, p == begin, first, count};
    na_finish_input(pass, e->expand, &part, 0, e->inner);
  }
}

static void correct_input(expansion *e)
{
  na_team_run(e->pass->team, square_row, e, e->inner);
  na_pack_weights(&(na_packing){e->pass, e->scaled, e->inner, e->inner, 1, (size_t)e->inner, 1});
  na_team_run(e->pass->team, correct_chunk, e, NA_CHUNKS);
  na_collect_sums(e->pass, e->expand, NA_CHUNKS);
}

/* ------------------------------------------------------------------------- */

bool na_expansion_pays(long pixels, int in, int middle)
{
  return middle >= in && pixels >= (long)WORTH_PIXELS * in && middle * pixels * NA_LANES * 4 > WORTH_BYTES;
}

void na_expansion_backward(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  expansion e = expansion_init(pass, expand, depthwise);
  na_norm_pull(pass, depthwise->out);
  if (expand->wanted[0]) pack_scaled(&e);
  na_team_run(pass->team, backward_chunk, &e, e.chunks);
  na_collect_sums(pass, depthwise, e.chunks);
  na_norm_pull(pass, expand->out);
  add_up_squares(&e);
  each_row(&e, settle_row);
  if (expand->wanted[0]) correct_input(&e);
}
