/* Dense convolution: a matrix product over tiles of pixels. A pointwise convolution's tile is the
 * input itself, any other's its patches (im2col). Tiles are normalised while they are packed.
 *
 *   forward   Y[M x P] = W[M x K] X[K x P]                 K = in channels * kernel^2, P pixels
 *   weights   dW[M x K] += dY[M x P] X[K x P]^T
 *   input     pointwise: dX[K x P] = W^T dY; else the product of turned weights and dY's patches
 *
 * Oracle: na_naive_conv (PyTorch conv2d).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/layer.h"

#include <string.h>

/* Floats of a tile that should stay in the second-level cache: of one operand forward, of both
 * backward, where longer tiles also amortise the sums across lanes. */
enum { FORWARD_TILE = 64 * 1024, BACKWARD_TILE = 192 * 1024, TILE_MAX = 48 };
/* Partial weight gradients take at most this, or FEWEST_CHUNKS times the weights. */
enum { PARTIAL_FLOATS = 1 << 20, FEWEST_CHUNKS = 8 };

/* How one pass over pixels is split; a function of the shapes alone. */
typedef struct split {
  int tile;        /* pixels per tile */
  int chunks;
  long tiles, pixels;
} split;

static int tile_pixels(const na_kernels *kernels, long rows, long budget)
{
  long pixels = budget / (rows * NA_LANES) / kernels->panel_pixels * kernels->panel_pixels;
  if (pixels > TILE_MAX) pixels = TILE_MAX;
  return pixels < kernels->panel_pixels ? kernels->panel_pixels : (int)pixels;
}

static int chunk_limit(long weights)
{
  long limit = PARTIAL_FLOATS / weights;
  return limit > NA_CHUNKS ? NA_CHUNKS : limit < FEWEST_CHUNKS ? FEWEST_CHUNKS : (int)limit;
}

static split split_pixels(int tile, long pixels, int most)
{
  split s = {.tile = tile, .pixels = pixels, .tiles = (pixels + tile - 1) / tile};
  s.chunks = s.tiles < most ? (int)s.tiles : most;
  return s;
}

static long chunk_first(const split *s, int chunk)
{
  long first = s->tiles * chunk / s->chunks * s->tile;
  return first < s->pixels ? first : s->pixels;
}

static int packed_groups(const na_kernels *kernels, int rows)
{
  return (rows + kernels->group_rows - 1) / kernels->group_rows;
}

void na_conv_needs(const na_kernels *kernels, int in, int out, int kernel, na_needs *needs)
{
  long depth = (long)in * kernel * kernel, turned = (long)out * kernel * kernel;
  long panel = (long)kernels->panel_pixels * NA_LANES;
  long forward = depth * panel, backward = (depth + out) * panel, input = turned * panel;
  if (forward < FORWARD_TILE) forward = FORWARD_TILE;
  if (backward < BACKWARD_TILE) backward = BACKWARD_TILE;
  if (input < FORWARD_TILE) input = FORWARD_TILE;
  needs->scratch = (size_t)(forward > backward ? forward : backward);
  if (needs->scratch < (size_t)input) needs->scratch = (size_t)input;
  size_t by_out = (size_t)packed_groups(kernels, out) * (size_t)kernels->group_rows * (size_t)depth;
  size_t by_in = (size_t)packed_groups(kernels, in) * (size_t)kernels->group_rows * (size_t)turned;
  needs->packed = by_out > by_in ? by_out : by_in;
  /* Fewer channels may be split into more chunks: the larger of the two bounds. */
  size_t weights = (size_t)out * (size_t)depth;
  needs->partial = weights * FEWEST_CHUNKS;
  size_t cap = weights * NA_CHUNKS < PARTIAL_FLOATS ? weights * NA_CHUNKS : PARTIAL_FLOATS;
  if (needs->partial < cap) needs->partial = cap;
  needs->channels = (size_t)(in > out ? in : out);
}

/* ---------------------------------------------------------------- packing the weights */

typedef struct packing {
  const na_pass *pass;
  const float *source;
  int rows, outer, inner;
  size_t row_stride, outer_stride;
} packing;

enum { GROUPS_PER_UNIT = 8 };

static void pack_groups(void *context, int unit, int worker)
{
  (void)worker;
  const packing *p = context;
  int groups = packed_groups(p->pass->kernels, p->rows), first = unit * GROUPS_PER_UNIT;
  p->pass->kernels->pack_matrix(p->source, p->rows, p->outer, p->inner, p->row_stride,
                                p->outer_stride, first,
                                groups - first < GROUPS_PER_UNIT ? groups - first : GROUPS_PER_UNIT,
                                p->pass->packed);
}

static void pack_weights(packing *p)
{
  int groups = packed_groups(p->pass->kernels, p->rows);
  na_team_run(p->pass->team, pack_groups, p, (groups + GROUPS_PER_UNIT - 1) / GROUPS_PER_UNIT);
}

/* ------------------------------------------------------------------------- forward */

typedef struct conv_loop {
  const na_pass *pass;
  const na_op *op;
  split split;
  na_view in;
  na_pullback out;
  na_mask mask;    /* of the output's pixels */
  int depth;
  bool pointwise;
  double counts[NA_CHUNKS];
} conv_loop;

static conv_loop conv_loop_init(const na_pass *pass, const na_op *op)
{
  conv_loop loop = {.pass = pass,
                    .op = op,
                    .in = na_tensor_view(op->in),
                    .out = na_tensor_pullback(op->out),
                    .mask = na_pass_mask(pass, op->out),
                    .depth = op->in->channels * op->kernel * op->kernel,
                    .pointwise = op->kernel == 1 && op->stride == 1};
  if (op->gate != NULL) {
    loop.in.gate = op->gate->data;
    loop.in.gate_stride = op->gate->stride;
  }
  return loop;
}

static void pack_input(const conv_loop *loop, long first, int count, float *tile)
{
  const na_op *op = loop->op;
  if (loop->pointwise)
    loop->pass->kernels->pack_view(&loop->in, op->in->channels, first, count, tile);
  else
    loop->pass->kernels->pack_patches(&loop->in, op->in->channels, op->kernel, op->stride, op->pad,
                                      op->out->height, op->out->width, first, count, tile);
}

static void add_moments(const conv_loop *loop, int chunk, long first, int count, bool start)
{
  const na_tensor *out = loop->op->out;
  na_moments *moments = loop->pass->moments + (size_t)chunk * (size_t)out->channels;
  for (int c = 0; c < out->channels; c++) {
    const float *row = out->data + (size_t)c * out->stride;
    if (start) moments[c] = (na_moments){.shift = row[(size_t)first * NA_LANES]};
    loop->pass->kernels->moments(row, first, count, &loop->mask, &moments[c]);
  }
}

static void forward_chunk(void *context, int chunk, int worker)
{
  const conv_loop *loop = context;
  const na_tensor *out = loop->op->out;
  float *tile = loop->pass->scratch[worker];
  bool statistics = out->norm && loop->pass->batch_statistics;
  long begin = chunk_first(&loop->split, chunk), end = chunk_first(&loop->split, chunk + 1);
  for (long first = begin; first < end; first += loop->split.tile) {
    int count = (int)(end - first < loop->split.tile ? end - first : loop->split.tile);
    pack_input(loop, first, count, tile);
    loop->pass->kernels->matmul(loop->pass->packed, out->channels, loop->depth, tile, count,
                                out->data + (size_t)first * NA_LANES, out->stride, false);
    if (statistics) add_moments(loop, chunk, first, count, first == begin);
  }
}

static void settle_channels(void *context, int unit, int worker)
{
  (void)worker;
  conv_loop *loop = context;
  na_tensor *out = loop->op->out;
  int last = (unit + 1) * 64 < out->channels ? (unit + 1) * 64 : out->channels;
  for (int c = unit * 64; c < last; c++)
    na_norm_settle(loop->pass, out, c, loop->split.chunks, loop->pass->moments + c,
                   (size_t)out->channels, loop->counts);
}

static void conv_forward(const na_pass *pass, const na_op *op)
{
  conv_loop loop = conv_loop_init(pass, op);
  int area = op->kernel * op->kernel;
  packing weights = {pass, op->weight, op->out->channels, op->in->channels, area, op->row,
                     (size_t)area};
  pack_weights(&weights);
  loop.split = split_pixels(tile_pixels(pass->kernels, loop.depth, FORWARD_TILE),
                            na_tensor_pixels(pass, op->out), NA_CHUNKS);
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_chunk, &loop, loop.split.chunks);
  if (!op->out->norm || !pass->batch_statistics) return;
  for (int k = 0; k < loop.split.chunks; k++) {
    long first = chunk_first(&loop.split, k);
    loop.counts[k] = na_pass_values(pass, op->out, first, chunk_first(&loop.split, k + 1) - first);
  }
  na_team_run(pass->team, settle_channels, &loop, (op->out->channels + 63) / 64);
}

/* ------------------------------------------------------------------------- backward */

/* The input's gradient at these pixels is complete: finish it, if nobody else adds to it. */
static void finish_input(const conv_loop *loop, int chunk, long first, int count)
{
  const na_op *op = loop->op;
  if (!op->last[0] || na_tensor_plain(op->in)) return;
  double *sums = loop->pass->sums + (size_t)chunk * 2 * (size_t)op->in->channels;
  for (int c = 0; c < op->in->channels; c++) {
    na_finish how = na_tensor_finish(op->in, c);
    loop->pass->kernels->finish(op->in->grad + (size_t)c * op->in->stride, &how, first, count,
                                &sums[2 * c], &sums[2 * c + 1]);
  }
}

static void clear_sums(const conv_loop *loop, int chunk)
{
  size_t count = 2 * (size_t)loop->op->in->channels;
  memset(loop->pass->sums + (size_t)chunk * count, 0, count * sizeof(double));
}

static void collect_sums(const conv_loop *loop)
{
  na_tensor *in = loop->op->in;
  if (!loop->op->last[0] || !(in->norm || in->bias)) return;
  for (int c = 0; c < in->channels; c++) in->sum[c] = in->sum_x[c] = 0;
  for (int k = 0; k < loop->split.chunks; k++) {
    const double *sums = loop->pass->sums + (size_t)k * 2 * (size_t)in->channels;
    for (int c = 0; c < in->channels; c++) {
      in->sum[c] += sums[2 * c];
      in->sum_x[c] += sums[2 * c + 1];
    }
  }
}

/* Weight gradients of one chunk of the output's pixels; the input's too when pointwise. */
static void backward_chunk(void *context, int chunk, int worker)
{
  const conv_loop *loop = context;
  const na_op *op = loop->op;
  const na_kernels *kernels = loop->pass->kernels;
  int rows = op->out->channels, depth = loop->depth;
  bool input = loop->pointwise && op->wanted[0];
  long begin = chunk_first(&loop->split, chunk), end = chunk_first(&loop->split, chunk + 1);
  size_t weights = (size_t)rows * (size_t)depth;
  float *partial = loop->pass->partial + (size_t)chunk * weights;
  int panels = (loop->split.tile + kernels->panel_pixels - 1) / kernels->panel_pixels;
  float *gradient = loop->pass->scratch[worker];
  float *values = gradient + (size_t)rows * (size_t)(panels * kernels->panel_pixels) * NA_LANES;
  memset(partial, 0, weights * sizeof *partial);
  if (input) clear_sums(loop, chunk);
  for (long first = begin; first < end; first += loop->split.tile) {
    int count = (int)(end - first < loop->split.tile ? end - first : loop->split.tile);
    kernels->pack_pullback(&loop->out, rows, &loop->mask, first, count, gradient);
    pack_input(loop, first, count, values);
    kernels->outer(gradient, rows, values, depth, count, partial, (size_t)depth);
    if (!input) continue;
    kernels->matmul(loop->pass->packed, depth, rows, gradient, count,
                    op->in->grad + (size_t)first * NA_LANES, op->in->stride, op->accumulate[0]);
    finish_input(loop, chunk, first, count);
  }
}

/* Adds the chunks' partial weight gradients, in their order. */
static void reduce_rows(void *context, int unit, int worker)
{
  (void)worker;
  const conv_loop *loop = context;
  const na_op *op = loop->op;
  size_t depth = (size_t)loop->depth, weights = (size_t)op->out->channels * depth;
  int last = (unit + 1) * 8 < op->out->channels ? (unit + 1) * 8 : op->out->channels;
  for (int m = unit * 8; m < last; m++)
    for (int k = 0; k < loop->split.chunks; k++) {
      const float *from = loop->pass->partial + (size_t)k * weights + (size_t)m * depth;
      float *to = op->weight_grad + (size_t)m * op->row;
      for (size_t i = 0; i < depth; i++) to[i] += from[i];
    }
}

/* The input's gradient of a convolution that is not pointwise, over the input's pixels. */
static void input_chunk(void *context, int chunk, int worker)
{
  const conv_loop *loop = context;
  const na_op *op = loop->op;
  float *tile = loop->pass->scratch[worker];
  int depth = op->out->channels * op->kernel * op->kernel;
  long begin = chunk_first(&loop->split, chunk), end = chunk_first(&loop->split, chunk + 1);
  clear_sums(loop, chunk);
  for (long first = begin; first < end; first += loop->split.tile) {
    int count = (int)(end - first < loop->split.tile ? end - first : loop->split.tile);
    loop->pass->kernels->pack_pullback_patches(&loop->out, op->out->channels, &loop->mask,
                                               op->kernel, op->stride, op->pad, op->in->height,
                                               op->in->width, first, count, tile);
    loop->pass->kernels->matmul(loop->pass->packed, op->in->channels, depth, tile, count,
                                op->in->grad + (size_t)first * NA_LANES, op->in->stride,
                                op->accumulate[0]);
    finish_input(loop, chunk, first, count);
  }
}

static void conv_backward(const na_pass *pass, const na_op *op)
{
  conv_loop loop = conv_loop_init(pass, op);
  int area = op->kernel * op->kernel, rows = op->out->channels;
  na_norm_pull(pass, op->out);
  /* Row i of the turned weights is input channel i; its columns are (output channel, ky, kx). */
  packing turned = {pass, op->weight, op->in->channels, rows, area, (size_t)area, op->row};
  if (op->wanted[0]) pack_weights(&turned);
  loop.split = split_pixels(tile_pixels(pass->kernels, rows + loop.depth, BACKWARD_TILE),
                            na_tensor_pixels(pass, op->out), chunk_limit((long)rows * loop.depth));
  na_team_run(pass->team, backward_chunk, &loop, loop.split.chunks);
  na_team_run(pass->team, reduce_rows, &loop, (rows + 7) / 8);
  if (!op->wanted[0]) return;
  if (!loop.pointwise) {
    loop.split = split_pixels(tile_pixels(pass->kernels, (long)rows * area, FORWARD_TILE),
                              na_tensor_pixels(pass, op->in), NA_CHUNKS);
    na_team_run(pass->team, input_chunk, &loop, loop.split.chunks);
  }
  collect_sums(&loop);
}

const na_layer_ops na_conv_ops = {conv_forward, conv_backward};
