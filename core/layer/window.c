/* Dense convolution of more than one tap or with a stride, without patches: a band of rows is
 * normalised once into planes with margins of zeros, where every tap of every pixel is an offset.
 *
 *   forward   Y[m][pixel] = sum over c, taps of W[m][c][tap] X[c][pixel * stride + tap]
 *   weights   dW[m][c][tap] += sum over pixels of dY[m][pixel] X[c][pixel * stride + tap]
 *   input     dX[c][pixel] (+)= sum over m, taps of W[m][c][tap] dY[m][(pixel - tap) / stride]
 *
 * The input's pixels are of stride^2 classes by row and column modulo the stride; all of a class
 * are reached by the same taps, at the same offsets: the same product, of turned weights, on fewer
 * taps. A band of the output's rows owns the input's rows of the same place times the stride.
 *
 * Oracle: na_naive_conv (PyTorch conv2d).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/bands.h"
#include "core/layer/direct.h"
#include "core/layer/split.h"
#include "core/layer/winograd.h"

#include <string.h>

/* Floats of a band's channels going forward, and of each side's going backward: they share the
 * second-level cache. Pixels of the output that are correlated at once, while a few channels of both sides
 * are in the first-level cache. */
enum { FORWARD_BAND = 96 * 1024, BACKWARD_BAND = 64 * 1024, CORRELATED = 64 };
enum { MAX_TAPS = NA_WINDOW_KERNEL_MAX * NA_WINDOW_KERNEL_MAX };

/* Planes with margins: row `top` and column `left` of the image come first, negative ones are zero.
 */
typedef struct plane {
  int top, left, rows, columns;
  size_t floats;
} plane;

/* How the channels of a band are split; a function of the shapes alone. */
typedef struct split {
  int in_strip, out_strip; /* channels of either side at once */
  plane in, out;           /* of a whole band; rows of the image are relative to the band's first */
} split;

/* An odd number of pixels: the planes' rows spread over all of the caches' sets. */
static size_t plane_floats(int rows, int columns)
{
  return ((size_t)(rows * columns) | 1) * NA_LANES;
}

/* What `rows` output rows see of the input. */
static plane input_plane(const na_shape *s, int rows)
{
  plane p = {.top = -s->pad,
             .left = -s->pad,
             .rows = (rows - 1) * s->stride + s->kernel,
             .columns = (s->out_width - 1) * s->stride + s->kernel};
  p.floats = plane_floats(p.rows, p.columns);
  return p;
}

/* What the input's rows that `rows` output rows own see of the output's gradient; only those rows
 * themselves when nobody wants the input's gradient. */
static plane output_plane(const na_shape *s, int rows, bool wanted)
{
  int before = wanted ? (s->kernel - 1 - s->pad) / s->stride : 0;
  int after = wanted ? (s->stride - 1 + s->pad) / s->stride : 0;
  plane p = {.top = -before,
             .left = -before,
             .rows = before + rows + after,
             .columns = before + s->out_width + after};
  p.floats = plane_floats(p.rows, p.columns);
  return p;
}

/* A layer's shape and active channels; what either side of a band may take; output_plane's `wanted`. */
typedef struct extent {
  const na_shape *shape;
  int in, out;
  long budget;
  bool wanted;
} extent;

static bool band_fits(const void *context, int rows)
{
  const extent *e = context;
  return (long)input_plane(e->shape, rows).floats * e->in <= e->budget &&
         (long)output_plane(e->shape, rows, e->wanted).floats * e->out <= e->budget;
}

/* Channels per strip, in whole units, evenly spread. */
static int strip_channels(long budget, size_t floats, int channels, int unit)
{
  int fit = most(budget / (long)floats / unit * unit, unit);
  return round_up(ceiling(channels, ceiling(channels, fit)), unit);
}

/* Floats that a side's strip takes at the most, whatever the number of active channels. */
static size_t band_needs(long budget, const plane *smallest, int channels, int group)
{
  return (size_t)most(budget, (long)smallest->floats * least(channels, group));
}

void na_window_needs(const na_kernels *kernels, const na_products *products, int in, int out, const na_shape *shape,
                     na_needs *needs)
{
  int group = na_float32(kernels)->group_rows, rows = na_bands_fewest(shape);
  plane x = input_plane(shape, rows), y = output_plane(shape, rows, true);
  size_t area = (size_t)(shape->kernel * shape->kernel), weights = area * (size_t)in * (size_t)out;
  size_t forward = band_needs(FORWARD_BAND, &x, in, 1);
  size_t backward =
      band_needs(BACKWARD_BAND, &x, in, group) + band_needs(BACKWARD_BAND, &y, out, group);
  needs->scratch = forward > backward ? forward : backward;
  size_t by_out = (size_t)round_up(out, group) * (size_t)in * area;
  size_t by_in = (size_t)round_up(in, group) * (size_t)out * area;
  needs->packed = by_out > by_in ? by_out : by_in;
  needs->partial = na_partial_floats(weights);
  needs->channels = (size_t)most(in, out);
  na_winograd_needs(kernels, in, out, shape, needs);
  if (na_direct_pays(products, in, out, shape->kernel)) na_direct_needs(in, out, shape, needs);
}

/* ------------------------------------------------------------------------------ bands */

typedef struct window_loop {
  const na_pass *pass;
  const na_op *op;
  na_bands bands;
  split split;
  na_view in;
  na_pullback out;
  na_mask mask; /* of the output's pixels */
  int area, depth;
} window_loop;

static window_loop window_loop_init(const na_pass *pass, const na_op *op, long budget, bool wanted, int chunks)
{
  int area = op->kernel * op->kernel;
  na_shape shape = na_op_shape(op);
  window_loop loop = {.pass = pass,
                      .op = op,
                      .in = na_gated_input(op),
                      .out = na_tensor_pullback(op->out),
                      .mask = na_pass_mask(pass, op->out),
                      .area = area,
                      .depth = op->in->channels * area};
  extent e = {&shape, op->in->channels, op->out->channels, budget, wanted};
  loop.bands = na_bands_split(&shape, pass->blocks, chunks, band_fits, &e);
  loop.split.in = input_plane(&shape, loop.bands.rows);
  loop.split.out = output_plane(&shape, loop.bands.rows, wanted);
  return loop;
}

static void clear(float *to, int pixels)
{
  if (pixels > 0) memset(to, 0, (size_t)pixels * NA_LANES * sizeof *to);
}

/* `count` pixels of channel c from column x of row y on, as a loader of planes reads them. */
static void load_values(const window_loop *loop, int c, long block, int y, int x, int count,
                        float *to)
{
  long first = (block * loop->bands.shape.in_height + y) * loop->bands.shape.in_width + x;
  loop->pass->kernels->read_view(&loop->in, c, first, count, to);
}

static void load_gradient(const window_loop *loop, int c, long block, int y, int x, int count,
                          float *to)
{
  long first = (block * loop->bands.shape.out_height + y) * loop->bands.shape.out_width + x;
  loop->pass->kernels->read_pullback(&loop->out, c, &loop->mask, first, count, to);
}

typedef void loader(const window_loop *, int c, long block, int y, int x, int count, float *to);

/* Fills a plane whose first row is row `top` of an image of height x width pixels. */
static void fill_plane(const window_loop *loop, loader *load, const plane *p, int c, long block,
                       int top, int rows, int height, int width, float *to)
{
  int left = -p->left, end = p->columns - left < width ? p->columns - left : width;
  for (int r = 0; r < rows; r++, to += p->columns * NA_LANES) {
    int y = top + r;
    if (y < 0 || y >= height) {
      clear(to, p->columns);
      continue;
    }
    clear(to, left);
    load(loop, c, block, y, 0, end, to + left * NA_LANES);
    clear(to + (left + end) * NA_LANES, p->columns - left - end);
  }
}

/* Normalises what the band sees of input channels c .. c + channels. */
static void fill_input(const window_loop *loop, const na_band *b, int c, int channels, float *to)
{
  const na_shape *s = &loop->bands.shape;
  const plane *p = &loop->split.in;
  for (int i = 0; i < channels; i++, to += p->floats)
    fill_plane(loop, load_values, p, c + i, b->block, b->y * s->stride + p->top,
               (b->rows - 1) * s->stride + s->kernel, s->in_height, s->in_width, to);
}

/* Pulls back what the band sees of the gradient of output channels c .. c + channels. */
static void fill_gradient(const window_loop *loop, const na_band *b, int c, int channels, float *to)
{
  const na_shape *s = &loop->bands.shape;
  const plane *p = &loop->split.out;
  for (int i = 0; i < channels; i++, to += p->floats)
    fill_plane(loop, load_gradient, p, c + i, b->block, b->y + p->top,
               p->rows - loop->bands.rows + b->rows, s->out_height, s->out_width, to);
}

/* All taps, as the output's pixels see the band's input. */
static na_window see_input(const window_loop *loop, const float *values, int channels, na_tap *taps)
{
  const na_shape *s = &loop->bands.shape;
  const plane *p = &loop->split.in;
  for (int q = 0; q < loop->area; q++)
    taps[q] = (na_tap){q, (q / s->kernel * p->columns + q % s->kernel) * NA_LANES};
  na_grid grid = {s->out_width, (size_t)(s->stride * p->columns) * NA_LANES,
                  (size_t)s->stride * NA_LANES};
  return (na_window){{values, p->floats, grid}, channels, loop->area, loop->area, taps};
}

/* ------------------------------------------------------------------------------ forward */

/* Adds the product with a strip of input channels, c .. c + channels, to all rows; after the last
 * strip their statistics are taken, while they are in the cache. */
static void forward_strip(const window_loop *loop, const na_band *b, int c, int channels,
                          const float *values)
{
  const na_tensor *out = loop->op->out;
  const na_kernels *kernels = loop->pass->kernels;
  na_tap taps[MAX_TAPS];
  na_window window = see_input(loop, values, channels, taps);
  int width = loop->bands.shape.out_width, step = na_float32(kernels)->group_rows * NA_ROW_GROUPS;
  na_grid to = {width, (size_t)width * NA_LANES, NA_LANES};
  bool last = c + channels == loop->op->in->channels && na_norm_by_batch(loop->pass, out);
  for (int row = 0; row < out->channels; row += step) {
    int rows = least(step, out->channels - row);
    kernels->convolve(&window,
                      loop->pass->packed + (size_t)row * (size_t)loop->depth +
                          (size_t)(c * loop->area * na_float32(kernels)->group_rows),
                      rows, loop->depth, b->rows * width,
                      out->data + (size_t)row * out->stride +
                          (size_t)b->pixels.first * NA_LANES,
                      &to, out->stride, c > 0);
    if (last) na_add_moments(loop->pass, out, &b->pixels, row, rows);
  }
}

static void forward_chunk(void *context, int chunk, int worker)
{
  const window_loop *loop = context;
  float *values = loop->pass->scratch[worker];
  int channels = loop->op->in->channels;
  for (long i = na_bands_first(&loop->bands, chunk); i < na_bands_first(&loop->bands, chunk + 1); i++) {
    na_band b = na_bands_at(&loop->bands, chunk, i);
    for (int c = 0; c < channels; c += loop->split.in_strip) {
      int strip = least(loop->split.in_strip, channels - c);
      fill_input(loop, &b, c, strip, values);
      forward_strip(loop, &b, c, strip, values);
    }
  }
}

static bool winograd_pays(const na_op *op)
{
  na_shape shape = na_op_shape(op);
  return na_winograd_pays(&shape, op->in->channels, op->out->channels);
}

static void window_forward(const na_pass *pass, const na_op *op)
{
  if (na_direct_pays(pass->products, op->in->channels, op->out->channels, op->kernel)) {
    na_direct_forward(pass, op);
    return;
  }
  if (winograd_pays(op)) {
    na_winograd_forward(pass, op);
    return;
  }
  window_loop loop = window_loop_init(pass, op, FORWARD_BAND, false, NA_CHUNKS);
  loop.split.in_strip = strip_channels(FORWARD_BAND, loop.split.in.floats, op->in->channels, 1);
  na_pack_weights(&(na_packing){pass, na_float32(pass->kernels), op->weight, op->out->channels, op->in->channels,
                                loop.area, op->row, (size_t)loop.area, pass->packed});
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_chunk, &loop, loop.bands.chunks);
  na_settle_moments(pass, op->out, loop.bands.chunks, na_bands_start, &loop.bands);
}

/* ------------------------------------------------------------------------------ backward */

/* The gradient of the input's channels c .. c + channels is complete in the rows that the band
 * owns: finish it, if nobody else adds to it. */
static void finish_input(const window_loop *loop, const na_band *b, int c, int channels)
{
  const na_shape *s = &loop->bands.shape;
  int y = b->y * s->stride, end = least((b->y + b->rows) * s->stride, s->in_height);
  if (y >= end) return;
  na_chunk part = {b->pixels.index, b->pixels.start, (b->block * s->in_height + y) * s->in_width,
                   (long)(end - y) * s->in_width};
  na_finish_input(loop->pass, loop->op, &part, c, channels);
}

/* A strip of either side: channels c .. c + count, and their band. */
typedef struct strip {
  int c, count;
  float *values;
} strip;

/* The taps by which input pixels of class (y, x) see the gradient, as offsets from the output's
 * pixel of the same place divided by the stride. */
static int class_taps(const window_loop *loop, int y, int x, na_tap *taps)
{
  const na_shape *s = &loop->bands.shape;
  const plane *p = &loop->split.out;
  int count = 0;
  for (int q = 0; q < loop->area; q++) {
    int dy = y + s->pad - q / s->kernel, dx = x + s->pad - q % s->kernel;
    if (dy % s->stride != 0 || dx % s->stride != 0) continue;
    int row = dy / s->stride - p->top, column = dx / s->stride - p->left;
    taps[count++] = (na_tap){q, (row * p->columns + column) * NA_LANES};
  }
  return count;
}

/* Adds W^T dY to the input's pixels of class (y, x) that the band owns. */
static void add_class(const window_loop *loop, const na_band *b, const strip *in, const strip *out,
                      int y, int x)
{
  const na_op *op = loop->op;
  const na_shape *s = &loop->bands.shape;
  const na_kernels *kernels = loop->pass->kernels;
  const plane *p = &loop->split.out;
  int top = b->y * s->stride + y, total = op->out->channels * loop->area;
  int rows = least(ceiling(s->in_height - top, s->stride), b->rows);
  int columns = ceiling(s->in_width - x, s->stride);
  if (rows <= 0 || columns <= 0) return;
  na_tap taps[MAX_TAPS];
  na_grid from = {columns, (size_t)p->columns * NA_LANES, NA_LANES};
  na_grid to = {columns, (size_t)(s->stride * s->in_width) * NA_LANES,
                (size_t)s->stride * NA_LANES};
  na_window window = {
      {out->values, p->floats, from}, out->count, loop->area, class_taps(loop, y, x, taps), taps};
  size_t pixel = (size_t)((b->block * s->in_height + top) * s->in_width + x);
  kernels->convolve(&window,
                    loop->pass->packed + (size_t)in->c * (size_t)total +
                        (size_t)(out->c * loop->area * na_float32(kernels)->group_rows),
                    in->count, total, rows * columns,
                    op->in->grad + (size_t)in->c * op->in->stride + pixel * NA_LANES, &to,
                    op->in->stride, op->accumulate[0] || out->c > 0);
}

/* Adds dY X^T to the chunk's partial weight gradients, few rows of pixels at a time. */
static void add_weights(const window_loop *loop, const na_band *b, const strip *in, const strip *out)
{
  const na_shape *s = &loop->bands.shape;
  const plane *p = &loop->split.out;
  size_t depth = (size_t)loop->depth;
  na_tap taps[MAX_TAPS];
  na_window window = see_input(loop, in->values, in->count, taps);
  na_planes left = {out->values + (size_t)(-p->top * p->columns - p->left) * NA_LANES,
                    p->floats,
                    {s->out_width, (size_t)p->columns * NA_LANES, NA_LANES}};
  float *to = loop->pass->partial +
              ((size_t)b->pixels.index * (size_t)loop->op->out->channels + (size_t)out->c) * depth +
              (size_t)(in->c * loop->area);
  int parts = ceiling((long)b->rows * s->out_width, CORRELATED);
  int step = ceiling(b->rows, least(parts, b->rows));
  for (int y = 0; y < b->rows; y += step) {
    int rows = least(step, b->rows - y);
    loop->pass->kernels->correlate(&left, out->count, &window, rows * s->out_width, to, depth,
                                   !b->pixels.start || y > 0);
    left.values += (size_t)step * left.grid.row;
    window.from.values += (size_t)step * window.from.grid.row;
  }
}

/* Every strip of the input meets every strip of the output. */
static void backward_band(const window_loop *loop, const na_band *b, float *scratch)
{
  const na_op *op = loop->op;
  const split *s = &loop->split;
  int stride = loop->bands.shape.stride;
  strip in = {.values = scratch};
  strip out = {.values = scratch + (size_t)least(s->in_strip, op->in->channels) * s->in.floats};
  for (in.c = 0; in.c < op->in->channels; in.c += s->in_strip) {
    in.count = least(s->in_strip, op->in->channels - in.c);
    fill_input(loop, b, in.c, in.count, in.values);
    for (out.c = 0; out.c < op->out->channels; out.c += s->out_strip) {
      out.count = least(s->out_strip, op->out->channels - out.c);
      if (in.c == 0 || s->out_strip < op->out->channels)
        fill_gradient(loop, b, out.c, out.count, out.values);
      add_weights(loop, b, &in, &out);
      if (!op->wanted[0]) continue;
      for (int class = 0; class < stride * stride; class ++)
        add_class(loop, b, &in, &out, class / stride, class % stride);
    }
    if (op->wanted[0]) finish_input(loop, b, in.c, in.count);
  }
}

static void backward_chunk(void *context, int chunk, int worker)
{
  const window_loop *loop = context;
  na_clear_sums(loop->pass, loop->op, chunk);
  for (long i = na_bands_first(&loop->bands, chunk); i < na_bands_first(&loop->bands, chunk + 1); i++) {
    na_band b = na_bands_at(&loop->bands, chunk, i);
    backward_band(loop, &b, loop->pass->scratch[worker]);
  }
}

static void window_backward(const na_pass *pass, const na_op *op)
{
  if (na_direct_pays(pass->products, op->in->channels, op->out->channels, op->kernel)) {
    na_direct_backward(pass, op);
    return;
  }
  if (winograd_pays(op)) {
    na_winograd_backward(pass, op);
    return;
  }
  int rows = op->out->channels, group = na_float32(pass->kernels)->group_rows;
  int chunks = na_chunk_limit((long)rows * op->in->channels * op->kernel * op->kernel);
  window_loop loop = window_loop_init(pass, op, BACKWARD_BAND, op->wanted[0], chunks);
  /* Strips of whole groups: they are rows of the turned weights. */
  loop.split.in_strip = strip_channels(BACKWARD_BAND, loop.split.in.floats, op->in->channels, group);
  loop.split.out_strip = strip_channels(BACKWARD_BAND, loop.split.out.floats, rows, group);
  na_norm_pull(pass, op->out);
  /* Row i of the turned weights is input channel i; its columns are (output channel, ky, kx). */
  na_packing turned = {pass, na_float32(pass->kernels), op->weight, op->in->channels, rows, loop.area,
                       (size_t)loop.area, op->row, pass->packed};
  if (op->wanted[0]) na_pack_weights(&turned);
  na_team_run(pass->team, backward_chunk, &loop, loop.bands.chunks);
  na_reduce_weights(pass, op, loop.depth, loop.bands.chunks);
  if (op->wanted[0]) na_collect_sums(pass, op, loop.bands.chunks);
}

const na_layer_ops na_window_ops = {window_forward, window_backward};
