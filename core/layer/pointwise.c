/* Pointwise (1x1, stride 1) convolution: a matrix product over tiles of pixels, which are normalised while
 * they are packed.
 *
 *   forward   Y[M x P] = W[M x K] X[K x P]                 K input, M output channels, P pixels
 *   weights   dW[M x K] += dY[M x P] X[K x P]^T
 *   input     dX[K x P] = W^T dY
 *
 * The wide side of a product (the middle of an inverted block has hundreds of channels) passes
 * through the second-level cache in strips of channels: each is read from memory once, packed, used
 * for all its products, and finished before the next one comes. So a tile may be long in pixels, which
 * memory likes, whatever the number of channels. Tensors too large for the caches are written past
 * them, complete with their statistics.
 *
 * Oracle: na_naive_conv (PyTorch conv2d).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/dense.h"
#include "core/layer/split.h"

/* Floats of a packed strip going forward, and of the narrow and the wide side going backward; and
 * the pixels of a tile at most. */
enum { FORWARD_STRIP = 96 * 1024, NARROW = 80 * 1024, WIDE_STRIP = 48 * 1024 };
enum { FORWARD_PIXELS = 48, BACKWARD_PIXELS = 96 };
/* Fewer pixels are not worth a chunk. Rows whose gradients are finished at once, of tensors that the second-level
 * cache does not hold. */
enum { CHUNK_PIXELS = 24, FINISHED_ROWS = 64, FINISHED_BYTES = 2 << 20 };

/* How one pass is split; a function of the shapes alone. Chunks of whole panels of pixels are work
 * for threads, each of them is cut into even tiles of at most `pixels`. */
typedef struct split {
  int panel, pixels, chunks;
  int strip; /* channels per strip of the wide side */
  long panels, total;
} split;

/* Pixels per tile such that `rows` of them fit the budget; whole panels, at least one. */
static int tile_pixels(int panel, long rows, long budget, int limit)
{
  return most(least(budget / (rows * NA_LANES), limit) / panel * panel, panel);
}

/* Channels per strip: as many as the budget holds, in whole units, evenly spread. */
static int strip_channels(long budget, int pixels, int channels, int unit)
{
  int fit = most(budget / ((long)pixels * NA_LANES) / unit * unit, unit);
  return round_up(ceiling(channels, ceiling(channels, fit)), unit);
}

static void split_pixels(split *s, int panel, int pixels, long total, int limit)
{
  s->panel = panel;
  s->pixels = pixels;
  s->total = total;
  s->panels = ceiling(total, panel);
  s->chunks = most(least(total / CHUNK_PIXELS, limit), 1);
}

static long chunk_first(const split *s, int chunk)
{
  long first = s->panels * chunk / s->chunks * s->panel;
  return first < s->total ? first : s->total;
}

static int chunk_tiles(const split *s, int chunk)
{
  long pixels = chunk_first(s, chunk + 1) - chunk_first(s, chunk);
  return ceiling(pixels, s->pixels);
}

/* First pixel of tile `tile` of a chunk with `tiles` of them. */
static long tile_first(const split *s, int chunk, int tile, int tiles)
{
  long first = chunk_first(s, chunk), end = chunk_first(s, chunk + 1);
  long panels = ceiling(end - first, s->panel);
  return first + least(panels * tile / tiles * s->panel, end - first);
}

/* Rows that a packed side takes: turned, they are whole vectors. */
static int packed_rows(const na_products *products, int rows) { return round_up(rows, products->vector); }

/* The largest sizes that any active number of channels leads to. */
void na_pointwise_needs(const na_products *products, int in, int out, na_needs *needs)
{
  int panel = products->panel_pixels * NA_LANES; /* channels of a group of columns, too */
  long narrow = packed_rows(products, least(in, out));
  long forward = most(FORWARD_STRIP, panel);
  long backward = most(NARROW, narrow * panel) + most(WIDE_STRIP, (long)panel * panel);
  needs->scratch = larger((size_t)forward + na_tile_extra(products, FORWARD_PIXELS),
                          (size_t)backward + 2 * na_tile_extra(products, BACKWARD_PIXELS));
  needs->packed = larger(na_matrix_floats(products, out, in), na_matrix_floats(products, in, out));
  needs->partial = na_partial_floats((size_t)out * (size_t)in);
  needs->channels = (size_t)most(in, out);
}

/* ------------------------------------------------------------------------- forward */

typedef struct pointwise_loop {
  const na_pass *pass;
  const na_op *op;
  split split;
  na_view in;
  na_pullback out;
  na_mask mask; /* of the output's pixels */
  int in_channels;
  bool by_out;
} pointwise_loop;

static pointwise_loop loop_init(const na_pass *pass, const na_op *op)
{
  return (pointwise_loop){.pass = pass,
                          .op = op,
                          .in = na_gated_input(op),
                          .out = na_tensor_pullback(op->out),
                          .mask = na_pass_mask(pass, op->out),
                          .in_channels = op->in->channels};
}

static void pack_gradient(const pointwise_loop *loop, int c, int channels, long first, int count,
                          float *tile)
{
  na_pullback pullback = na_pullback_from(&loop->out, c);
  loop->pass->products->pack_pullback(&pullback, channels, &loop->mask, first, count,
                                      loop->op->wanted[0] ? NA_LEFT | NA_RIGHT : NA_LEFT, tile);
}

/* Adds the product with one packed strip (input channels c .. c + channels) to all rows; after the
 * last strip their statistics are taken, while they are in the cache. */
static void forward_strip(const pointwise_loop *loop, int chunk, int c, int channels, long first,
                          int count, const float *tile, const na_ahead *ahead)
{
  const na_tensor *out = loop->op->out;
  const na_products *products = loop->pass->products;
  int step = products->group_rows * NA_ROW_GROUPS;
  bool last = c + channels == loop->op->in->channels && na_norm_by_batch(loop->pass, out);
  na_chunk part = {chunk, first == chunk_first(&loop->split, chunk), first, count};
  for (int row = 0; row < out->channels; row += step) {
    int rows = least(step, out->channels - row);
    products->matmul(na_matrix_at(products, loop->pass->packed, loop->in_channels, row, c), rows,
                     loop->in_channels, channels, tile, count,
                     out->data + (size_t)row * out->stride + na_stored(out->rounded, first), out->stride,
                     out->rounded, c > 0,
                     row == 0 ? ahead : NULL);
    if (last) na_add_moments(loop->pass, out, &part, row, rows);
  }
}

/* Can a tile's output go past the caches, its moments taken on the way? Not the first tile of a chunk,
 * whose first values are their shifts. */
static bool can_stream(const pointwise_loop *loop, int chunk, long first, int count)
{
  const na_tensor *out = loop->op->out;
  return loop->split.strip >= loop->op->in->channels && na_tensor_streams(loop->pass, out) &&
         first > chunk_first(&loop->split, chunk) && first + count <= loop->mask.first;
}

static void forward_streamed(const pointwise_loop *loop, int chunk, long first, int count,
                             const float *tile)
{
  const na_tensor *out = loop->op->out;
  loop->pass->products->matmul_streamed(loop->pass->packed, out->channels, loop->in_channels,
                                       loop->in_channels, tile, count,
                                       out->data + na_stored(out->rounded, first), out->stride, out->rounded,
                                       loop->pass->moments + (size_t)chunk * (size_t)out->channels);
}

static void forward_chunk(void *context, int chunk, int worker)
{
  const pointwise_loop *loop = context;
  const split *s = &loop->split;
  float *tile = loop->pass->scratch[worker];
  int channels = loop->op->in->channels, tiles = chunk_tiles(s, chunk);
  for (int t = 0; t < tiles; t++) {
    long first = tile_first(s, chunk, t, tiles);
    int count = (int)(tile_first(s, chunk, t + 1, tiles) - first);
    for (int c = 0; c < channels; c += s->strip) {
      int strip = least(s->strip, channels - c);
      na_view view = na_view_from(&loop->in, c);
      loop->pass->products->pack_view(&view, strip, first, count, NA_RIGHT, tile);
      if (can_stream(loop, chunk, first, count)) forward_streamed(loop, chunk, first, count, tile);
      else {
        na_ahead ahead = na_channels_ahead(loop->op->in, c + strip, s->strip, first, count);
        forward_strip(loop, chunk, c, strip, first, count, tile, &ahead);
      }
    }
  }
}

static long chunk_start(const void *s, int chunk) { return chunk_first(s, chunk); }

static void pointwise_forward(const na_pass *pass, const na_op *op)
{
  pointwise_loop loop = loop_init(pass, op);
  split *s = &loop.split;
  na_pack_weights(&(na_packing){pass, pass->products, op->weight, op->out->channels, op->in->channels, 1, op->row, 1,
                                pass->packed});
  int panel = pass->products->panel_pixels;
  split_pixels(s, panel, tile_pixels(panel, 1, FORWARD_STRIP, FORWARD_PIXELS),
               na_tensor_pixels(pass, op->out), NA_CHUNKS);
  s->strip = strip_channels(FORWARD_STRIP, s->pixels, op->in->channels, pass->products->depth_unit);
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_chunk, &loop, s->chunks);
  na_settle_moments(pass, op->out, s->chunks, chunk_start, s);
}

/* ------------------------------------------------------------------------- backward */

/* One tile of the output's pixels. */
typedef struct tile {
  int chunk, count;
  long first;
  float *narrow, *wide; /* packed */
  float *partial;       /* the chunk's weight gradients, [out channels][in channels] */
  bool fresh;           /* the first tile of its chunk */
} tile;

/* dX (+)= W^T dY for input channels row .. row + rows, from output channels c .. c + channels. */
static void add_input(const pointwise_loop *loop, const tile *t, int row, int rows, int c, int channels,
                      const float *gradient)
{
  const na_op *op = loop->op;
  const na_products *products = loop->pass->products;
  int columns = op->out->channels;
  products->matmul(na_matrix_at(products, loop->pass->packed, columns, row, c), rows, columns, channels, gradient,
                   t->count, op->in->grad + (size_t)row * op->in->stride + na_stored(op->in->rounded, t->first),
                   op->in->stride, op->in->rounded, op->accumulate[0] || c > 0, NULL);
}

/* The strip after the one at channel c: its values, or its gradients and their values. */
static na_ahead strip_after(const pointwise_loop *loop, const tile *t, int c)
{
  const na_op *op = loop->op;
  const na_tensor *from = loop->by_out ? op->out : op->in;
  int strip = loop->split.strip;
  na_ahead values = na_channels_ahead(from, c + strip, strip, t->first, t->count);
  if (!loop->by_out) return values;
  return (na_ahead){{from->grad + (values.from[0] - from->data), values.from[0]},
                    from->stride, from->norm ? 2 * values.runs : 0, from->rounded};
}

/* Packs channels c .. c + channels of the input as the weight gradient's right factor. */
static void pack_factor(const pointwise_loop *loop, int c, int channels, const tile *t, float *packed)
{
  na_view view = na_view_from(&loop->in, c);
  loop->pass->products->pack_columns(&view, channels, t->first, t->count, packed);
}

/* dW += dY X^T for output channels row .. row + rows and input channels column .. column + columns. */
static void add_weights(const pointwise_loop *loop, const tile *t, int row, int rows,
                        const float *gradient, int column, int columns, const float *factor,
                        const na_ahead *ahead)
{
  size_t stride = (size_t)loop->in_channels;
  loop->pass->products->outer(gradient, rows, factor, columns, t->count,
                             t->partial + (size_t)row * stride + (size_t)column, stride, !t->fresh,
                             ahead);
}

/* The output has more channels than the input: it passes in strips, the input is packed once. */
static void backward_by_out(const pointwise_loop *loop, const tile *t)
{
  const na_op *op = loop->op;
  int channels = op->out->channels;
  bool input = op->wanted[0];
  pack_factor(loop, 0, op->in->channels, t, t->narrow);
  for (int c = 0; c < channels; c += loop->split.strip) {
    int strip = least(loop->split.strip, channels - c);
    na_ahead ahead = strip_after(loop, t, c);
    pack_gradient(loop, c, strip, t->first, t->count, t->wide);
    add_weights(loop, t, c, strip, t->wide, 0, loop->in_channels, t->narrow, &ahead);
    if (input) add_input(loop, t, 0, op->in->channels, c, strip, t->wide);
  }
  na_chunk part = {t->chunk, t->fresh, t->first, t->count};
  if (input) na_finish_input(loop->pass, op, &part, 0, op->in->channels);
}

/* Can the input's gradient go past the caches, finished on the way? Nobody else may have added to it, or
 * will. */
static bool can_finish(const pointwise_loop *loop)
{
  const na_op *op = loop->op;
  const na_tensor *in = op->in;
  return op->last[0] && !op->accumulate[0] && !na_tensor_plain(in) &&
         na_activation_clamps(in->act) && na_tensor_bytes(loop->pass, in) > FINISHED_BYTES;
}

/* dX = W^T dY for input channels c .. c + channels, finished. */
static void set_input_finished(const pointwise_loop *loop, const tile *t, int c, int channels,
                               const float *gradient)
{
  na_tensor *in = loop->op->in;
  const na_products *products = loop->pass->products;
  int depth = loop->op->out->channels, step = FINISHED_ROWS / products->group_rows * products->group_rows;
  double *sums = na_input_sums(loop->pass, loop->op, t->chunk);
  for (int row = c; row < c + channels; row += step) {
    na_finish how[FINISHED_ROWS];
    int rows = least(step, c + channels - row);
    for (int i = 0; i < rows; i++) how[i] = na_tensor_finish(in, row + i);
    products->matmul_finished(na_matrix_at(products, loop->pass->packed, depth, row, 0), rows, depth, depth,
                              gradient, t->count,
                             in->grad + (size_t)row * in->stride + na_stored(in->rounded, t->first),
                             in->stride, in->rounded, how, t->first, sums + 2 * row);
  }
}

/* The input passes in strips of channels. */
static void backward_by_in(const pointwise_loop *loop, const tile *t)
{
  const na_op *op = loop->op;
  int channels = op->in->channels, rows = op->out->channels;
  bool finished = can_finish(loop);
  na_chunk part = {t->chunk, t->fresh, t->first, t->count};
  pack_gradient(loop, 0, rows, t->first, t->count, t->narrow);
  for (int c = 0; c < channels; c += loop->split.strip) {
    int strip = least(loop->split.strip, channels - c);
    na_ahead ahead = strip_after(loop, t, c);
    pack_factor(loop, c, strip, t, t->wide);
    add_weights(loop, t, 0, rows, t->narrow, c, strip, t->wide, &ahead);
    if (!op->wanted[0]) continue;
    if (finished) {
      set_input_finished(loop, t, c, strip, t->narrow);
      continue;
    }
    add_input(loop, t, c, strip, 0, rows, t->narrow);
    na_finish_input(loop->pass, op, &part, c, strip);
  }
}

/* Both gradients of one chunk of the pixels. */
static void backward_chunk(void *context, int chunk, int worker)
{
  const pointwise_loop *loop = context;
  const split *s = &loop->split;
  int rows = loop->op->out->channels, narrow = least(rows, loop->in_channels);
  tile t = {.chunk = chunk,
            .narrow = loop->pass->scratch[worker],
            .partial = loop->pass->partial + (size_t)chunk * (size_t)rows * (size_t)loop->in_channels};
  t.wide = t.narrow + (size_t)packed_rows(loop->pass->products, narrow) * (size_t)s->pixels * NA_LANES +
           na_tile_extra(loop->pass->products, s->pixels);
  na_clear_sums(loop->pass, loop->op, chunk);
  int tiles = chunk_tiles(s, chunk);
  for (int i = 0; i < tiles; i++) {
    t.first = tile_first(s, chunk, i, tiles);
    t.count = (int)(tile_first(s, chunk, i + 1, tiles) - t.first);
    t.fresh = i == 0;
    if (loop->by_out) backward_by_out(loop, &t);
    else backward_by_in(loop, &t);
  }
}

/* Both sides of a tile fit the second-level cache: the narrow one whole, of the wide one a strip. */
static void split_backward(pointwise_loop *loop)
{
  const na_op *op = loop->op;
  int panel = loop->pass->products->panel_pixels, rows = op->out->channels;
  loop->by_out = rows > loop->in_channels;
  int group = most(loop->pass->products->group_rows, loop->pass->products->depth_unit);
  int unit = loop->by_out ? group : panel * NA_LANES;
  int pixels = least(tile_pixels(panel, packed_rows(loop->pass->products, least(rows, loop->in_channels)), NARROW,
                                     BACKWARD_PIXELS),
                     tile_pixels(panel, unit, WIDE_STRIP, BACKWARD_PIXELS));
  split_pixels(&loop->split, panel, pixels, na_tensor_pixels(loop->pass, op->out),
               na_chunk_limit((long)rows * loop->in_channels));
  loop->split.strip = strip_channels(WIDE_STRIP, pixels,
                                     loop->by_out ? rows : op->in->channels, unit);
}

static void pointwise_backward(const na_pass *pass, const na_op *op)
{
  pointwise_loop loop = loop_init(pass, op);
  int rows = op->out->channels;
  na_norm_pull(pass, op->out);
  /* Row i of the turned weights is input channel i. */
  na_packing turned = {pass, pass->products, op->weight, op->in->channels, rows, 1, 1, op->row, pass->packed};
  if (op->wanted[0]) na_pack_weights(&turned);
  split_backward(&loop);
  na_team_run(pass->team, backward_chunk, &loop, loop.split.chunks);
  na_reduce_weights(pass, op, loop.in_channels, loop.split.chunks);
  if (op->wanted[0]) na_collect_sums(pass, op, loop.split.chunks);
}

const na_layer_ops na_pointwise_ops = {pointwise_forward, pointwise_backward};
