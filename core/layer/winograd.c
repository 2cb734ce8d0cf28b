/* Dense 3x3 convolution of stride 1 by minimal filtering (core/kernel/winograd.c): the plane is cut into tiles
 * of 4 x 4 pixels, these are transformed, and 36 matrix products over channels take the place of the
 * convolution, with a quarter of its multiplications.
 *
 * Rows of tiles are numbered through the blocks of a batch, and split into chunks, these into strips. A
 * strip's transformed tiles are 36 matrices, [channel][tile], as the kernels for pointwise convolutions take
 * them.
 *
 * Oracle: na_naive_conv (PyTorch conv2d). Results are within 1e-5 of the largest magnitude, not within
 * the 2e-6 of plain sums: numbers grow up to a hundredfold on the way, and shrink again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/winograd.h"

#include "core/layer/dense.h"
#include "core/layer/split.h"

#include <string.h>

enum { SIDE = NA_WINOGRAD_SIDE, PRODUCTS = NA_WINOGRAD_PRODUCTS, TAPS = 9 };

/* Fewer channels are not worth their transforms; more weights than that, and their 36 products would take more
 * memory than the activations; in wider planes a row of tiles would leave the caches. */
enum { FEWEST_CHANNELS = 8, MOST_WEIGHTS = 1 << 15, MOST_ACROSS = 16 };
/* Floats of a strip's transformed channels; its tiles at the most; tiles that are worth a chunk. */
enum { STRIP_FLOATS = 256 * 1024, STRIP_TILES = 8, CHUNK_TILES = 4 };
/* What a thread takes at once. */
enum { GROUPS_PER_UNIT = 1, ROWS_PER_UNIT = 8 };

static na_tiles tiles_of(int height, int width) { return (na_tiles){ceiling(width, SIDE), ceiling(height, SIDE)}; }

static bool fits(const na_shape *shape)
{
  na_tiles tiles = tiles_of(shape->out_height, shape->out_width);
  long pixels = (long)tiles.across * tiles.down * SIDE * SIDE;
  return shape->kernel == 3 && shape->stride == 1 && shape->pad == 1 && tiles.across <= MOST_ACROSS &&
         5 * pixels <= 8L * shape->out_height * shape->out_width;
}

bool na_winograd_pays(const na_shape *shape, int in, int out)
{
  return fits(shape) && least(in, out) >= FEWEST_CHANNELS && (long)in * out <= MOST_WEIGHTS;
}

/* ------------------------------------------------------------------------------ sizes */

/* Floats between matrices of so many: an odd number of pixels, so that the 36 lines of a tile do not fall
 * onto the same ones of the first-level cache. */
static size_t apart(size_t floats) { return (floats / NA_LANES | 1) * NA_LANES; }

static size_t tile_floats(const na_kernels *kernels, int channels, int tiles)
{
  return apart((size_t)channels * (size_t)round_up(tiles, na_float32(kernels)->panel_pixels) * NA_LANES);
}

static size_t row_floats(int channels, int tiles) { return apart((size_t)channels * (size_t)tiles * NA_LANES); }

/* A piece of a plane, in rows of tiles, with its margins. */
static int plane_width(const na_tiles *tiles) { return tiles->across * SIDE + 2; }
static size_t plane_floats(const na_tiles *tiles, int rows)
{
  return (size_t)(rows * SIDE + 2) * (size_t)plane_width(tiles) * NA_LANES;
}

/* Rows of tiles of a strip at the most. */
static int strip_rows(const na_tiles *tiles, int channels)
{
  return most(least(STRIP_FLOATS / (PRODUCTS * NA_LANES * channels), STRIP_TILES) / tiles->across, 1);
}

static int padded(int channels) { return round_up(channels, NA_LANES); }

/* The weights of any active channels that it pays for, one side of them rounded up to a unit. */
static size_t most_weights(int rounded, int other, int unit)
{
  long all = (long)round_up(rounded, unit) * other;
  return (size_t)least(all, MOST_WEIGHTS + (long)(unit - 1) * other);
}

void na_winograd_needs(const na_kernels *kernels, int in, int out, const na_shape *shape, na_needs *needs)
{
  if (!fits(shape) || least(in, out) < FEWEST_CHANNELS) return;
  na_tiles tiles = tiles_of(shape->out_height, shape->out_width);
  size_t channels = (size_t)least(in + out, MOST_WEIGHTS / FEWEST_CHANNELS + FEWEST_CHANNELS);
  size_t each = PRODUCTS * NA_LANES, count = (size_t)most(STRIP_TILES, tiles.across);
  /* A strip of one row of tiles may be more than the budget. Rounding to panels and odd strides comes on top. */
  size_t strip = larger(STRIP_FLOATS, each * channels * (size_t)tiles.across) +
                 each * (channels * (size_t)na_float32(kernels)->panel_pixels + 2);
  size_t plane = plane_floats(&tiles, least(strip_rows(&tiles, 1), tiles.down));
  needs->scratch = larger(needs->scratch, strip + plane + count * NA_LANES * (size_t)padded(in));
  int group = na_float32(kernels)->group_rows;
  size_t by_out = most_weights(out, in, group), by_in = most_weights(in, out, group);
  needs->packed = larger(needs->packed, PRODUCTS * larger(by_out, by_in));
  needs->partial = larger(needs->partial, na_partial_floats(PRODUCTS * most_weights(in, out, NA_LANES)));
}

/* ------------------------------------------------------------------------------ strips */

typedef struct winograd_loop {
  const na_pass *pass;
  const na_op *op;
  int height, width;
  na_tiles tiles; /* of a plane */
  long rows;      /* of tiles, of all blocks */
  int chunks, strip;
  na_view in;
  na_pullback out;
  na_mask mask; /* of the output's pixels */
  size_t matrix; /* floats between the packed weights of two products */
} winograd_loop;

static winograd_loop loop_init(const na_pass *pass, const na_op *op)
{
  winograd_loop loop = {.pass = pass, .op = op, .height = op->out->height, .width = op->out->width,
                        .in = na_gated_input(op), .out = na_tensor_pullback(op->out),
                        .mask = na_pass_mask(pass, op->out)};
  loop.tiles = tiles_of(loop.height, loop.width);
  loop.rows = (long)pass->blocks * loop.tiles.down;
  loop.strip = strip_rows(&loop.tiles, op->in->channels + op->out->channels);
  return loop;
}

static void split_chunks(winograd_loop *loop, int limit)
{
  loop->chunks = most(least(least(loop->rows * loop->tiles.across / CHUNK_TILES, loop->rows), limit), 1);
}

static long chunk_first(const winograd_loop *loop, int chunk) { return loop->rows * chunk / loop->chunks; }

/* The first pixel of a row of tiles. */
static long row_pixel(const winograd_loop *loop, long row)
{
  return (row / loop->tiles.down * loop->height + row % loop->tiles.down * SIDE) * loop->width;
}

/* Rows of tiles, and where what belongs to them is. */
typedef struct strip {
  long first;
  int rows, tiles;
  na_chunk pixels;
  float *plane, *spread, *products;
} strip;

static int chunk_strips(const winograd_loop *loop, int chunk)
{
  return ceiling(chunk_first(loop, chunk + 1) - chunk_first(loop, chunk), loop->strip);
}

/* Strip `index` of a chunk with `strips` of them; spread: of so many channels. */
static strip strip_at(const winograd_loop *loop, int chunk, int index, int strips, int channels, float *scratch)
{
  long first = chunk_first(loop, chunk), rows = chunk_first(loop, chunk + 1) - first;
  strip s = {.first = first + rows * index / strips, .plane = scratch};
  s.rows = (int)(first + rows * (index + 1) / strips - s.first);
  s.tiles = s.rows * loop->tiles.across;
  long pixel = row_pixel(loop, s.first);
  s.pixels = (na_chunk){chunk, index == 0, pixel, row_pixel(loop, s.first + s.rows) - pixel};
  s.spread = s.plane + plane_floats(&loop->tiles, least(s.rows, loop->tiles.down));
  s.products = s.spread + PRODUCTS * tile_floats(loop->pass->kernels, channels, s.tiles);
  return s;
}

/* What a strip has of one block: rows y .. y + rows of tiles, from tile `tile` of the strip on. */
typedef struct piece {
  long block;
  int y, rows, tile;
} piece;

static piece piece_at(const winograd_loop *loop, const strip *s, long row)
{
  int down = loop->tiles.down, y = (int)(row % down);
  return (piece){row / down, y, least(down - y, s->first + s->rows - row),
                 (int)(row - s->first) * loop->tiles.across};
}

static void clear(float *to, int pixels) { memset(to, 0, (size_t)pixels * NA_LANES * sizeof *to); }

/* One side of the convolution: `count` pixels of channel c from pixel `first` on, as they enter the products,
 * and the runs that they are read from. */
typedef struct operand {
  void (*load)(const winograd_loop *, int c, long first, int count, float *to);
  const float *from[2];
  size_t stride;
} operand;

static void load_values(const winograd_loop *loop, int c, long first, int count, float *to)
{
  loop->pass->kernels->read_view(&loop->in, c, first, count, to);
}

static void load_gradient(const winograd_loop *loop, int c, long first, int count, float *to)
{
  loop->pass->kernels->read_pullback(&loop->out, c, &loop->mask, first, count, to);
}

static operand values_of(const winograd_loop *loop)
{
  return (operand){load_values, {loop->in.data, loop->in.data}, loop->in.stride};
}

static operand gradient_of(const winograd_loop *loop)
{
  const na_pullback *out = &loop->out;
  return (operand){load_gradient, {out->grad, out->a != NULL ? out->data : out->grad}, out->stride};
}

/* Piece p of the next channel, to be fetched. */
typedef struct next_piece {
  const float *from[2];
} next_piece;

static next_piece piece_after(const winograd_loop *loop, const operand *of, int c, long row)
{
  size_t at = (size_t)(c + 1) * of->stride + (size_t)row_pixel(loop, row) * NA_LANES;
  return (next_piece){{of->from[0] + at, of->from[1] + at}};
}

/* Fills the plane with a piece of channel c and a margin of one pixel, and whole tiles beyond the edges, which
 * are zero. */
static void fill_plane(const winograd_loop *loop, const operand *of, int c, const piece *p, float *to)
{
  int width = plane_width(&loop->tiles);
  for (int r = 0; r < p->rows * SIDE + 2; r++, to += width * NA_LANES) {
    int y = p->y * SIDE + r - 1;
    if (y < 0 || y >= loop->height) {
      clear(to, width);
      continue;
    }
    clear(to, 1);
    of->load(loop, c, (p->block * loop->height + y) * loop->width, loop->width, to + NA_LANES);
    clear(to + (1 + loop->width) * NA_LANES, width - 1 - loop->width);
  }
}

/* Spreads channels 0 .. channels of a strip. */
static void spread_strip(const winograd_loop *loop, const strip *s, const operand *of, int channels)
{
  const na_kernels *kernels = loop->pass->kernels;
  size_t matrix = tile_floats(kernels, channels, s->tiles), row = (size_t)plane_width(&loop->tiles) * NA_LANES;
  piece p;
  for (int c = 0; c < channels; c++)
    for (long r = s->first; r < s->first + s->rows; r += p.rows) {
      p = piece_at(loop, s, r);
      na_tiles tiles = {loop->tiles.across, p.rows};
      next_piece next = piece_after(loop, of, c, r);
      fill_plane(loop, of, c, &p, s->plane);
      kernels->winograd_spread(s->plane, row, &tiles, channels, c, p.tile, s->spread, matrix, next.from);
    }
}

/* The 36 products of `rows` filters with the spread channels. */
static void multiply_strip(const winograd_loop *loop, const strip *s, int rows, int channels)
{
  const na_kernels *kernels = loop->pass->kernels;
  size_t from = tile_floats(kernels, channels, s->tiles), matrix = row_floats(rows, s->tiles);
  size_t row = (size_t)s->tiles * NA_LANES;
  for (int q = 0; q < PRODUCTS; q++)
    na_float32(kernels)->matmul(loop->pass->packed + (size_t)q * loop->matrix, rows, channels, channels,
                    s->spread + (size_t)q * from, s->tiles, s->products + (size_t)q * matrix, row, false,
                    false, NULL);
}

/* From them, the strip's pixels of channel c of `to`, `channels` channels; `ahead` are read next. */
static void gather_strip(const winograd_loop *loop, const strip *s, int c, int channels, float *to, bool accumulate,
                         const operand *of)
{
  size_t matrix = row_floats(channels, s->tiles);
  piece p;
  for (long r = s->first; r < s->first + s->rows; r += p.rows) {
    p = piece_at(loop, s, r);
    na_tiles tiles = {loop->tiles.across, p.rows};
    next_piece next = piece_after(loop, of, c, r);
    loop->pass->kernels->winograd_gather(s->products + (size_t)(c * s->tiles + p.tile) * NA_LANES, matrix, &tiles,
                                         to + (size_t)row_pixel(loop, r) * NA_LANES,
                                         least(p.rows * SIDE, loop->height - p.y * SIDE), loop->width,
                                         accumulate, next.from);
  }
}

/* ------------------------------------------------------------------------------ weights */

typedef struct packing {
  const winograd_loop *loop;
  na_filters filters;
} packing;

static void pack_groups(void *context, int unit, int worker)
{
  (void)worker;
  const packing *p = context;
  const na_pass *pass = p->loop->pass;
  int groups = ceiling(p->filters.rows, na_float32(pass->kernels)->group_rows), first = unit * GROUPS_PER_UNIT;
  pass->kernels->winograd_pack(&p->filters, first, least(groups - first, GROUPS_PER_UNIT), p->loop->matrix,
                               pass->packed);
}

static void pack_weights(winograd_loop *loop, const na_filters *filters)
{
  int group = na_float32(loop->pass->kernels)->group_rows;
  loop->matrix = (size_t)round_up(filters->rows, group) * (size_t)filters->columns;
  packing p = {loop, *filters};
  na_team_run(loop->pass->team, pack_groups, &p, ceiling(ceiling(filters->rows, group), GROUPS_PER_UNIT));
}

/* Floats of one product's sums, [out channels][in channels, padded], and of a chunk's. */
static size_t sums_matrix(const winograd_loop *loop)
{
  return (size_t)loop->op->out->channels * (size_t)padded(loop->op->in->channels);
}

static size_t sums_floats(const winograd_loop *loop) { return PRODUCTS * sums_matrix(loop); }

static void unpack_rows(void *context, int unit, int worker)
{
  (void)worker;
  const winograd_loop *loop = context;
  const na_op *op = loop->op;
  int last = least((unit + 1) * ROWS_PER_UNIT, op->out->channels);
  for (int m = unit * ROWS_PER_UNIT; m < last; m++)
    loop->pass->kernels->winograd_unpack(
        loop->pass->partial + (size_t)m * (size_t)padded(op->in->channels), sums_matrix(loop), loop->chunks,
        sums_floats(loop), op->in->channels, op->weight_grad + (size_t)m * op->row);
}

/* ------------------------------------------------------------------------------ forward */

static void forward_chunk(void *context, int chunk, int worker)
{
  const winograd_loop *loop = context;
  const na_tensor *out = loop->op->out;
  operand values = values_of(loop), written = {.from = {out->data, out->data}, .stride = out->stride};
  bool counted = na_norm_by_batch(loop->pass, out);
  int channels = loop->op->in->channels, strips = chunk_strips(loop, chunk);
  for (int i = 0; i < strips; i++) {
    strip s = strip_at(loop, chunk, i, strips, channels, loop->pass->scratch[worker]);
    spread_strip(loop, &s, &values, channels);
    multiply_strip(loop, &s, out->channels, channels);
    for (int c = 0; c < out->channels; c++) {
      gather_strip(loop, &s, c, out->channels, out->data + (size_t)c * out->stride, false, &written);
      if (counted) na_add_moments(loop->pass, out, &s.pixels, c, 1);
    }
  }
}

static long chunk_start(const void *loop, int chunk) { return row_pixel(loop, chunk_first(loop, chunk)); }

void na_winograd_forward(const na_pass *pass, const na_op *op)
{
  winograd_loop loop = loop_init(pass, op);
  pack_weights(&loop, &(na_filters){op->weight, op->out->channels, op->in->channels, op->row, TAPS, false});
  split_chunks(&loop, NA_CHUNKS);
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_chunk, &loop, loop.chunks);
  na_settle_moments(pass, op->out, loop.chunks, chunk_start, &loop);
}

/* ------------------------------------------------------------------------------ backward */

/* The input's own tiles, as factors of the spread gradient: rows of the products' place. */
static void factor_strip(const winograd_loop *loop, const strip *s)
{
  int channels = loop->op->in->channels, width = plane_width(&loop->tiles);
  size_t matrix = row_floats(channels, s->tiles);
  operand values = values_of(loop);
  piece p;
  for (int c = 0; c < channels; c++)
    for (long r = s->first; r < s->first + s->rows; r += p.rows) {
      p = piece_at(loop, s, r);
      na_tiles tiles = {loop->tiles.across, p.rows};
      next_piece next = piece_after(loop, &values, c, r);
      fill_plane(loop, &values, c, &p, s->plane);
      loop->pass->kernels->winograd_factor(s->plane + (width + 1) * NA_LANES, (size_t)width * NA_LANES, &tiles,
                                           s->products + (size_t)(c * s->tiles + p.tile) * NA_LANES, matrix,
                                           next.from);
    }
}

/* Adds the strip's part to the chunk's 36 sums. */
static void add_weights(const winograd_loop *loop, const strip *s)
{
  const na_kernels *kernels = loop->pass->kernels;
  int in = loop->op->in->channels, out = loop->op->out->channels;
  size_t left = tile_floats(kernels, out, s->tiles), right = row_floats(in, s->tiles);
  float *columns = s->products + PRODUCTS * right;
  float *sums = loop->pass->partial + (size_t)s->pixels.index * sums_floats(loop);
  factor_strip(loop, s);
  for (int q = 0; q < PRODUCTS; q++) {
    na_view factor = {.data = s->products + (size_t)q * right, .stride = (size_t)s->tiles * NA_LANES,
                      .height = 1, .width = s->tiles};
    na_float32(kernels)->pack_columns(&factor, in, 0, s->tiles, columns);
    na_float32(kernels)->outer(s->spread + (size_t)q * left, out, columns, in, s->tiles,
                               sums + (size_t)q * sums_matrix(loop), (size_t)padded(in), !s->pixels.start, NULL);
  }
}

static void backward_chunk(void *context, int chunk, int worker)
{
  const winograd_loop *loop = context;
  const na_op *op = loop->op;
  const na_tensor *in = op->in;
  operand gradient = gradient_of(loop), finished = {.from = {in->grad, in->data}, .stride = in->stride};
  int channels = op->out->channels, strips = chunk_strips(loop, chunk);
  na_clear_sums(loop->pass, op, chunk);
  for (int i = 0; i < strips; i++) {
    strip s = strip_at(loop, chunk, i, strips, channels, loop->pass->scratch[worker]);
    spread_strip(loop, &s, &gradient, channels);
    add_weights(loop, &s);
    if (!op->wanted[0]) continue;
    multiply_strip(loop, &s, in->channels, channels);
    for (int c = 0; c < in->channels; c++) {
      gather_strip(loop, &s, c, in->channels, in->grad + (size_t)c * in->stride, op->accumulate[0], &finished);
      na_finish_input(loop->pass, op, &s.pixels, c, 1);
    }
  }
}

void na_winograd_backward(const na_pass *pass, const na_op *op)
{
  winograd_loop loop = loop_init(pass, op);
  na_norm_pull(pass, op->out);
  /* Filter i of the input's gradient is input channel i; its columns are output channels. */
  if (op->wanted[0])
    pack_weights(&loop, &(na_filters){op->weight, op->in->channels, op->out->channels, TAPS, op->row, true});
  split_chunks(&loop, na_chunk_limit((long)sums_floats(&loop)));
  na_team_run(pass->team, backward_chunk, &loop, loop.chunks);
  na_team_run(pass->team, unpack_rows, &loop, ceiling(op->out->channels, ROWS_PER_UNIT));
  if (op->wanted[0]) na_collect_sums(pass, op, loop.chunks);
}
