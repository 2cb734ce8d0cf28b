/* An expansion (pointwise convolution, BatchNorm, activation) and the depthwise convolution behind it, as one:
 * the middle of an inverted block is its largest tensor, and memory takes longer to write and read it than the
 * processor to compute it again. Neither it nor its gradient is stored.
 *
 * With x the expansion's input (K channels), y = W x its output (M channels, M > K), sums over all pixels:
 *
 *   forward    mean(y) = W mean(x),  var(y) = W cov(x) W^T, which needs x x^T alone (K x K); then y is
 *              made in strips of channels that stay in the second-level cache, where the depthwise
 *              convolution reads them (expansion_forward.c)
 *   backward   y is made again; with g its gradient, normalised and finished by the activation's slope,
 *              BatchNorm's pullback is dy = a g + b y + c, with a known from the forward pass, b and c only
 *              when all of g has been seen. Both gradients are linear in it:
 *
 *     dW = dy x^T = a (g x^T) + b (y x^T) + c (1 x^T),   y x^T = W (x x^T)
 *     dx = W^T dy = W^T (a g) + (W^T b W) x + W^T c
 *
 * So g is used where it arises, in tiles that stay in the second-level cache: for g x^T and W^T (a g). What
 * b and c contribute needs small matrices: x x^T and 1 x^T, known from the forward pass, and W^T b W, whose
 * product with x is added in a second pass over the narrow side.
 *
 * Oracle: na_naive_conv, na_naive_norm, na_naive_depthwise and their backward passes; the layers' own passes.
 * Tolerance as for gradients, forward as for values.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/expansion.h"

/* Floats of a stripe's share of the second-level cache: the input, packed both ways, the tile of g and the
 * strip of y. Pixels of a stripe, whole rows of it; channels of a tile at least, and in multiples of a group. */
enum { STRIPE_FLOATS = 256 * 1024, STRIPE_PIXELS = 144, LEAST_TILE = 32 };
/* Pixels of a tile in the second pass. */
enum { NARROW_PIXELS = 48 };
/* Smaller middles stay in the caches; with more input channels than NA_EXPANSION_INNER, computing takes longer than
 * memory; and the small matrices take their time, too: pixels for each input channel that make up for it. */
enum { WORTH_BYTES = 4 << 20, WORTH_PIXELS = 16 };

/* Rows of W that a thread takes at once. */
enum { ROWS_PER_UNIT = 8 };

typedef struct expansion {
  na_expansion e;
  na_pullback out;
  int rows, stripes, chunks; /* rows of a stripe, stripes of a block, chunks of stripes */
  int tile;                  /* channels of a tile of g */
  size_t part;               /* floats of a chunk's partial sums */
  float *matrix;             /* W, packed */
  float *scaled;             /* [M][K]: a W; then [K][K]: W^T b W */
  float *shift;              /* [K]: W^T c */
} expansion;

/* ------------------------------------------------------------------------- the middle, recomputed */

na_expansion na_expansion_of(const na_pass *pass, const na_op *expand, const na_op *depthwise, float *rounded)
{
  na_expansion e = {.pass = pass, .expand = expand, .depthwise = depthwise,
                    .in = na_tensor_view(expand->in),
                    .inner = expand->in->channels, .channels = expand->out->channels,
                    .taps = depthwise->kernel * depthwise->kernel,
                    .weight = expand->weight, .row = expand->row};
  if (!pass->products->rounded) return e;
  for (int m = 0; m < e.channels; m++)
    for (int k = 0; k < e.inner; k++) rounded[m * e.inner + k] = na_bf16(na_expansion_row(&e, m)[k]);
  e.weight = rounded;
  e.row = (size_t)e.inner;
  return e;
}

na_view na_expansion_block(const na_expansion *e, const na_view *x, int block)
{
  const na_pass *pass = e->pass;
  na_view view = *x;
  view.data += (size_t)block * (size_t)(view.height * view.width) * NA_LANES;
  if (pass->masked && block == pass->blocks - 1) view.gate = pass->lanes;
  return view;
}

na_view na_expansion_strip(const na_expansion *e, const na_stripe *rows, int m, int count, const float *matrix,
                           const float *tile, float *strip)
{
  const na_products *products = e->pass->products;
  int width = e->in.width, pixels = rows->count * width;
  size_t first = ((size_t)rows->block * (size_t)e->in.height + (size_t)rows->first) * (size_t)width * NA_LANES;
  na_view view = na_tensor_view(e->expand->out);
  view.stride = na_strip_stride(pixels);
  products->matmul(na_matrix_at(products, matrix, e->inner, m, 0), count, e->inner, e->inner, tile, pixels, strip,
                   view.stride, false, false, NULL);
  view.rounded = false;
  view.data = strip - first - (size_t)m * view.stride;
  return view;
}

typedef struct row_loop {
  const na_expansion *e;
  na_expansion_task *task;
  void *context;
} row_loop;

static void run_rows(void *context, int unit, int worker)
{
  const row_loop *loop = context;
  double *room = (double *)loop->e->pass->scratch[worker];
  int end = least((unit + 1) * ROWS_PER_UNIT, loop->e->channels);
  for (int m = unit * ROWS_PER_UNIT; m < end; m++) loop->task(loop->e, loop->context, m, room);
}

void na_expansion_rows(const na_expansion *e, na_expansion_task *task, void *context)
{
  row_loop loop = {e, task, context};
  na_team_run(e->pass->team, run_rows, &loop, ceiling(e->channels, ROWS_PER_UNIT));
}

/* ------------------------------------------------------------------------- the split */

/* Rows of a stripe: a multiple of the stride, so that none of the output is read for two stripes in vain. */
static int stripe_rows(const na_shape *shape)
{
  return least(round_up(most(STRIPE_PIXELS / shape->in_width, 1), shape->stride), shape->in_height);
}

/* Channels of a tile that the cache has room for. */
static int tile_channels(const na_products *products, int inner, int pixels)
{
  int room = STRIPE_FLOATS / (pixels * NA_LANES) - round_up(inner, products->vector) - inner;
  int unit = most(products->group_rows, products->depth_unit);
  return most(room / 2, LEAST_TILE) / unit * unit; /* shared with the strip */
}

/* Partial sums of a chunk: g x^T, and the gradient of the depthwise weights. */
static size_t part_floats(int inner, int channels, int taps) { return (size_t)channels * (size_t)(inner + taps); }

/* Where things are in a worker's memory, in floats: see desk. */
typedef struct layout {
  size_t x, strip, tile, places, rows, lanes, end;
} layout;

static layout lay_out(const na_products *products, const na_shape *shape, int inner, int channels, int tile)
{
  int pixels = stripe_rows(shape) * shape->in_width, taps = shape->kernel * shape->kernel;
  layout l = {.x = na_column_floats(products, inner, pixels)};
  l.strip = l.x + na_tile_floats(products, inner, pixels);
  l.tile = l.strip + (size_t)tile * na_strip_stride(pixels);
  l.places = l.tile + na_tile_floats(products, tile, pixels);
  l.rows = l.places + na_aligned((size_t)pixels);
  l.lanes = l.rows + na_depthwise_scratch(shape->kernel, shape->in_width, shape->out_width);
  l.end = l.lanes + (size_t)channels * (size_t)taps * NA_LANES;
  return l;
}

/* Where the matrices are in the pass's memory for packed weights, in floats: packed (a W)^T or W^T b W is first. */
typedef struct matrices {
  size_t matrix, scaled, shift, copy, end;
} matrices;

static matrices lay_matrices(const na_products *products, int inner, int channels)
{
  int longer = most(channels, inner);
  matrices l = {.matrix = na_matrix_floats(products, inner, longer)};
  l.scaled = l.matrix + na_matrix_floats(products, channels, inner);
  l.shift = l.scaled + na_aligned((size_t)longer * (size_t)inner);
  l.copy = l.shift + na_aligned((size_t)inner);
  l.end = l.copy + na_expansion_copy(products, inner, channels);
  return l;
}

static void backward_needs(const na_products *products, int in, int middle, const na_shape *shape, na_needs *needs)
{
  int pixels = stripe_rows(shape) * shape->in_width;
  *needs = (na_needs){.scratch = na_tile_floats(products, in, NARROW_PIXELS)};
  /* The fewer channels go in, the more a tile has. */
  for (int inner = 1; inner <= in; inner++) {
    layout l = lay_out(products, shape, inner, middle, tile_channels(products, inner, pixels));
    if (l.end > needs->scratch) needs->scratch = l.end;
  }
  needs->packed = lay_matrices(products, in, middle).end;
  needs->partial = na_partial_floats(part_floats(in, middle, shape->kernel * shape->kernel));
}

void na_expansion_needs(const na_products *products, int in, int middle, const na_shape *shape, bool train,
                        na_needs *needs)
{
  na_needs backward = {0};
  na_expansion_forward_needs(products, in, middle, shape, needs);
  if (train) backward_needs(products, in, middle, shape, &backward);
  na_add_needs(needs, &backward);
}

static expansion expansion_init(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  const na_products *products = pass->products;
  na_shape shape = na_op_shape(depthwise);
  matrices l = lay_matrices(products, expand->in->channels, expand->out->channels);
  expansion x = {.e = na_expansion_of(pass, expand, depthwise, pass->packed + l.copy),
                 .out = na_tensor_pullback(depthwise->out),
                 .rows = stripe_rows(&shape)};
  int inner = x.e.inner, channels = x.e.channels;
  x.stripes = ceiling(shape.in_height, x.rows);
  x.tile = tile_channels(products, inner, x.rows * shape.in_width);
  x.part = part_floats(inner, channels, x.e.taps);
  x.chunks = least((long)pass->blocks * x.stripes, na_chunk_limit((long)x.part));
  x.matrix = pass->packed + l.matrix;
  x.scaled = pass->packed + l.scaled;
  x.shift = pass->packed + l.shift;
  return x;
}

/* A worker's memory. */
typedef struct desk {
  float *columns, *x;   /* of x, packed both ways */
  float *strip, *tile;  /* of y; of g, packed */
  int *places;          /* of a channel's pixels in the tile, in floats */
  float *rows;          /* the depthwise kernel's */
  float *lanes;         /* of the depthwise weights' gradient: [M][k^2][vector], zeroed */
} desk;

static desk desk_init(const expansion *x, float *memory)
{
  na_shape shape = na_op_shape(x->e.depthwise);
  layout l = lay_out(x->e.pass->products, &shape, x->e.inner, x->e.channels, x->tile);
  desk d = {memory, memory + l.x, memory + l.strip, memory + l.tile,
            (int *)(memory + l.places), memory + l.rows, memory + l.lanes};
  for (size_t i = l.lanes; i < l.end; i++) memory[i] = 0;
  return d;
}

/* ------------------------------------------------------------------------- first pass */

/* The parts of a chunk's partial sums. */
static float *part_of(const expansion *x, int chunk) { return x->e.pass->partial + (size_t)chunk * x->part; }
static size_t taps_at(const expansion *x) { return (size_t)x->e.channels * (size_t)x->e.inner; }

/* Row m of a W. */
static void scale_row(const na_expansion *e, void *context, int m, double *room)
{
  (void)room;
  const expansion *x = context;
  const na_tensor *middle = e->expand->out;
  const float *weight = na_expansion_row(e, m);
  float a = middle->gamma[m] * middle->invstd[m], *scaled = x->scaled + (size_t)m * (size_t)e->inner;
  for (int k = 0; k < e->inner; k++) scaled[k] = a * weight[k];
}

/* W; and (a W)^T, whose row k is column k of a W. */
static void pack_matrices(expansion *x)
{
  const na_expansion *e = &x->e;
  na_pack_weights(&(na_packing){e->pass, e->pass->products, e->expand->weight, e->channels, e->inner, 1,
                                e->expand->row, 1, x->matrix});
  if (!e->expand->wanted[0]) return;
  na_expansion_rows(e, scale_row, x);
  na_pack_weights(&(na_packing){e->pass, e->pass->products, x->scaled, e->inner, e->channels, 1, 1,
                                (size_t)e->inner, e->pass->packed});
}

/* x of a stripe, for all that follows. */
static void pack_input(const expansion *x, const na_stripe *stripe, const desk *d)
{
  const na_expansion *e = &x->e;
  int count = stripe->count * e->in.width;
  long first = (long)stripe->first * e->in.width;
  na_view view = na_expansion_block(e, &e->in, stripe->block);
  e->pass->products->pack_columns(&view, e->inner, first, count, d->columns);
  e->pass->products->pack_view(&view, e->inner, first, count, NA_RIGHT, d->x);
}

/* g of channels m .. m + count, into the tile. */
static void pull_channels(const expansion *x, const na_stripe *stripe, int m, int count, const desk *d,
                          double *sums)
{
  const na_expansion *e = &x->e;
  const na_products *products = e->pass->products;
  int *places = d->places, panel = products->panel_pixels, pixels = stripe->count * e->in.width;
  size_t apart = na_stored(products->rounded, panel); /* floats between channels, where g goes */
  float *g = d->tile + na_tile_left(products, count, pixels);
  for (int p = 0; p < pixels; p++)
    places[p] = (int)na_stored(products->rounded, (long)p / panel * count * panel + p % panel);
  int lanes = e->taps * e->pass->kernels->vector;
  na_view middle = na_expansion_strip(e, stripe, m, count, x->matrix, d->x, d->strip);
  for (int i = m; i < m + count; i++) {
    na_depthwise call = na_depthwise_call(e->pass, e->depthwise, i);
    na_finish how = na_tensor_finish(e->depthwise->in, i);
    how.data = middle.data + (size_t)i * middle.stride;
    how.rounded = false;
    how.grad_rounded = products->rounded;
    e->pass->kernels->depthwise_backward_placed(
        &call, &middle, &x->out, i, stripe, d->lanes + (size_t)(i * lanes), &how, &sums[2 * i],
        &sums[2 * i + 1], g + (size_t)(i - m) * apart, places, d->rows);
  }
  if (products->complete_tile == NULL) return;
  products->complete_tile(count, pixels, e->expand->wanted[0] ? NA_LEFT | NA_RIGHT : NA_LEFT, d->tile);
}

/* g x^T and W^T (a g) of a stripe. */
static void add_products(const expansion *x, const na_stripe *stripe, const desk *d, float *part, bool fresh,
                         double *sums)
{
  const na_expansion *e = &x->e;
  const na_products *products = e->pass->products;
  const na_tensor *in = e->expand->in;
  int count = stripe->count * e->in.width;
  size_t first = ((size_t)stripe->block * (size_t)e->in.height + (size_t)stripe->first) * (size_t)e->in.width;
  for (int m = 0; m < e->channels; m += x->tile) {
    int some = least(x->tile, e->channels - m);
    pull_channels(x, stripe, m, some, d, sums);
    products->outer(d->tile, some, d->columns, e->inner, count, part + (size_t)m * (size_t)e->inner,
                   (size_t)e->inner, !fresh, NULL);
    if (e->expand->wanted[0])
      products->matmul(na_matrix_at(products, e->pass->packed, e->channels, 0, m), e->inner, e->channels, some,
                      d->tile, count, in->grad + first * NA_LANES, in->stride, false,
                      e->expand->accumulate[0] || m > 0, NULL);
  }
}

static void sum_lanes(const expansion *x, const float *lanes, float *part)
{
  int vector = x->e.pass->kernels->vector;
  for (int q = 0; q < x->e.channels * x->e.taps; q++) {
    double sum = 0;
    for (int l = 0; l < vector; l++) sum += (double)lanes[q * vector + l];
    part[taps_at(x) + (size_t)q] = (float)sum;
  }
}

static void pull_chunk(void *context, int chunk, int worker)
{
  const expansion *x = context;
  const na_expansion *e = &x->e;
  desk d = desk_init(x, e->pass->scratch[worker]);
  double *sums = na_input_sums(e->pass, e->depthwise, chunk);
  float *part = part_of(x, chunk);
  na_clear_sums(e->pass, e->depthwise, chunk);
  long total = (long)e->pass->blocks * x->stripes;
  long begin = total * chunk / x->chunks, end = total * (chunk + 1) / x->chunks;
  for (long s = begin; s < end; s++) {
    int first = (int)(s % x->stripes) * x->rows;
    na_stripe stripe = {(int)(s / x->stripes), first, least(x->rows, e->in.height - first)};
    pack_input(x, &stripe, &d);
    add_products(x, &stripe, &d, part, s == begin, sums);
  }
  sum_lanes(x, d.lanes, part);
}

/* ------------------------------------------------------------------------- the small matrices */

/* products[K]: row m of W x x^T. */
static void multiply_squares(const na_expansion *e, int m, double *products)
{
  const float *weight = na_expansion_row(e, m);
  const double *squares = e->expand->squares;
  for (int k = 0; k < e->inner; k++) products[k] = 0;
  for (int j = 0; j < e->inner; j++, squares += e->inner)
    for (int k = 0; k < e->inner; k++) products[k] += (double)weight[j] * squares[k];
}

/* The gradients of row m of both layers' weights. */
static void settle_row(const na_expansion *e, void *context, int m, double *products)
{
  const expansion *x = context;
  const na_tensor *middle = e->expand->out;
  const double *total = e->expand->squares + (size_t)e->inner * (size_t)e->inner;
  float *grad = e->expand->weight_grad + (size_t)m * e->expand->row;
  float *taps = e->depthwise->weight_grad + (size_t)m * e->depthwise->row;
  double a = middle->a[m], b = middle->b[m], c = middle->c[m];
  multiply_squares(e, m, products);
  for (int k = 0; k < e->inner; k++) {
    double sum = 0;
    for (int chunk = 0; chunk < x->chunks; chunk++)
      sum += (double)part_of(x, chunk)[(size_t)m * (size_t)e->inner + (size_t)k];
    grad[k] += (float)(a * sum + b * products[k] + c * total[k]);
  }
  for (int q = 0; q < e->taps; q++)
    for (int chunk = 0; chunk < x->chunks; chunk++)
      taps[q] += part_of(x, chunk)[taps_at(x) + (size_t)(m * e->taps + q)];
}

/* Row k of W^T b W, and of W^T c; the sums over m are in the part of the partial sums that is not in use any
 * more. */
static void square_row(void *context, int k, int worker)
{
  (void)worker;
  const expansion *x = context;
  const na_expansion *e = &x->e;
  const na_tensor *middle = e->expand->out;
  double *row = (double *)e->pass->partial + (size_t)k * (size_t)e->inner, shift = 0;
  for (int j = 0; j < e->inner; j++) row[j] = 0;
  for (int m = 0; m < e->channels; m++) {
    const float *weight = na_expansion_row(e, m);
    double b = (double)middle->b[m] * (double)weight[k];
    for (int j = 0; j < e->inner; j++) row[j] += b * (double)weight[j];
    shift += (double)middle->c[m] * (double)weight[k];
  }
  for (int j = 0; j < e->inner; j++) x->scaled[(size_t)k * (size_t)e->inner + (size_t)j] = (float)row[j];
  x->shift[k] = (float)shift;
}

/* ------------------------------------------------------------------------- second pass */

/* dx += W^T b W x + W^T c, finished. */
static void correct_chunk(void *context, int chunk, int worker)
{
  const expansion *x = context;
  const na_expansion *e = &x->e;
  const na_pass *pass = e->pass;
  const na_tensor *in = e->expand->in;
  na_mask mask = na_pass_mask(pass, in);
  long total = na_tensor_pixels(pass, in), panel = NARROW_PIXELS, panels = ceiling(total, panel);
  long begin = panels * chunk / NA_CHUNKS, end = panels * (chunk + 1) / NA_CHUNKS;
  na_clear_sums(pass, e->expand, chunk);
  for (long p = begin; p < end; p++) {
    long first = p * panel;
    int count = least(panel, total - first);
    pass->products->pack_view(&e->in, e->inner, first, count, NA_RIGHT, pass->scratch[worker]);
    pass->products->matmul(pass->packed, e->inner, e->inner, e->inner, pass->scratch[worker], count,
                          in->grad + (size_t)first * NA_LANES, in->stride, false, true, NULL);
    for (int k = 0; k < e->inner; k++) {
      float one = 1, none = 0, *grad = in->grad + (size_t)k * in->stride;
      na_pullback shifted = {.grad = grad, .data = grad, .height = in->height, .width = in->width,
                             .a = &one, .b = &none, .c = &x->shift[k]};
      pass->kernels->read_pullback(&shifted, 0, &mask, first, count, grad + (size_t)first * NA_LANES);
    }
    na_chunk part = {chunk, p == begin, first, count};
    na_finish_input(pass, e->expand, &part, 0, e->inner);
  }
}

static void correct_input(expansion *x)
{
  const na_expansion *e = &x->e;
  na_team_run(e->pass->team, square_row, x, e->inner);
  na_pack_weights(&(na_packing){e->pass, e->pass->products, x->scaled, e->inner, e->inner, 1, (size_t)e->inner, 1,
                                e->pass->packed});
  na_team_run(e->pass->team, correct_chunk, x, NA_CHUNKS);
  na_collect_sums(e->pass, e->expand, NA_CHUNKS);
}

/* ------------------------------------------------------------------------- */

bool na_expansion_pays(long pixels, int in, int middle)
{
  return middle >= in && in <= NA_EXPANSION_INNER && pixels >= (long)WORTH_PIXELS * in &&
         middle * pixels * NA_LANES * 4 > WORTH_BYTES;
}

size_t na_expansion_squares(long pixels, int in)
{
  size_t inner = (size_t)least(least(in, NA_EXPANSION_INNER), pixels / WORTH_PIXELS);
  return inner * (inner + 1);
}

void na_expansion_backward(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  expansion x = expansion_init(pass, expand, depthwise);
  na_norm_pull(pass, depthwise->out);
  pack_matrices(&x);
  na_team_run(pass->team, pull_chunk, &x, x.chunks);
  na_collect_sums(pass, depthwise, x.chunks);
  na_norm_pull(pass, expand->out);
  na_expansion_rows(&x.e, settle_row, &x);
  if (expand->wanted[0]) correct_input(&x);
}
