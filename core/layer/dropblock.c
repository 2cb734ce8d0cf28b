/* DropBlock (Ghiasi, Lin, Le 2018, algorithm 1): squares of b x b values are zeroed, drawn for every
 * image and channel, and the rest is scaled by values / kept values, counted over the whole batch as
 * in the authors' code. A square begins at each of the (H - b + 1) * (W - b + 1) places where it fits
 * with probability
 *   gamma = rate / b^2 * H * W / ((H - b + 1) * (W - b + 1)),   rate = 1 - keep_prob,
 * b at most the map's smaller side. What is dropped is a function of (seed, layer, channel, place,
 * lane), so nothing is stored but how many values were kept.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/random.h"
#include "core/layer/layer.h"

#include <math.h>

typedef struct squares {
  int height, width; /* of the map */
  int side, rows, columns; /* of a square; places where one can begin */
  uint64_t limit;    /* a draw of 32 bits below it begins one */
} squares;

static squares squares_of(const na_pass *pass, const na_op *op)
{
  squares s = {.height = op->in->height, .width = op->in->width, .side = op->kernel};
  if (s.side > s.height) s.side = s.height;
  if (s.side > s.width) s.side = s.width;
  s.rows = s.height - s.side + 1;
  s.columns = s.width - s.side + 1;
  double places = (double)s.rows * s.columns, values = (double)s.height * s.width;
  double gamma = op->rate * pass->drop_share / ((double)s.side * s.side) * values / places;
  s.limit = (uint64_t)(fmin(gamma, 1.0) * 4294967296.0);
  return s;
}

static void zero_square(const squares *s, float *mask, int y, int x, int lane)
{
  for (int row = y; row < y + s->side; row++)
    for (int column = x; column < x + s->side; column++)
      mask[(row * s->width + column) * NA_LANES + lane] = 0;
}

/* The next plane of 16 images: 1 where a value is kept, else 0. */
static void draw_mask(const squares *s, na_random *draws, float *mask)
{
  for (int i = 0; i < s->height * s->width * NA_LANES; i++) mask[i] = 1;
  for (int y = 0; y < s->rows; y++)
    for (int x = 0; x < s->columns; x++)
      for (int lane = 0; lane < NA_LANES; lane++)
        if (na_random_next(draws) >> 32 < s->limit) zero_square(s, mask, y, x, lane);
}

/* Kept values of the images that count. */
static double count_kept(const na_pass *pass, const squares *s, const float *mask, int block)
{
  long kept = 0;
  bool partial = pass->masked && block == pass->blocks - 1;
  for (int p = 0; p < s->height * s->width; p++)
    for (int l = 0; l < NA_LANES; l++)
      kept += mask[p * NA_LANES + l] != 0 && (!partial || pass->lanes[l] != 0);
  return (double)kept;
}

static float *plane_of(const na_tensor *tensor, float *values, int c, int block)
{
  return values + (size_t)c * tensor->stride +
         (size_t)block * (size_t)(tensor->height * tensor->width) * NA_LANES;
}

/* Zeroes what is dropped; the scale comes when all channels are counted. */
static void drop_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  squares s = squares_of(pass, op);
  na_random draws = na_random_at(pass->seed, op->index, (uint64_t)c);
  float *mask = pass->scratch[worker];
  op->out->kept[c] = 0;
  for (int block = 0; block < pass->blocks; block++) {
    float *out = plane_of(op->out, op->out->data, c, block);
    draw_mask(&s, &draws, mask);
    op->out->kept[c] += count_kept(pass, &s, mask, block);
    for (int i = 0; i < s.height * s.width * NA_LANES; i++) out[i] *= mask[i];
  }
}

/* values / kept values; 0 where nothing was kept. */
static float scale_of(const na_pass *pass, const na_op *op)
{
  const na_tensor *out = op->out;
  double values = na_pass_values(pass, out, 0, na_tensor_pixels(pass, out)) * out->channels;
  double kept = 0;
  for (int c = 0; c < out->channels; c++) kept += out->kept[c];
  return kept > 0 ? (float)(values / kept) : 0;
}

static void read_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  na_view view = na_tensor_view(op->in);
  float *out = op->out->data + (size_t)c * op->out->stride;
  pass->kernels->read_view(&view, c, 0, na_tensor_pixels(pass, op->in), out);
  if (pass->dropout) drop_channel(pass, op, c, worker);
}

static void scale_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  (void)worker;
  float *out = op->out->data + (size_t)c * op->out->stride, scale = scale_of(pass, op);
  size_t values = (size_t)na_tensor_pixels(pass, op->out) * NA_LANES;
  for (size_t i = 0; i < values; i++) out[i] *= scale;
}

static void dropblock_forward(const na_pass *pass, const na_op *op)
{
  na_each_channel(pass, op, op->out->channels, read_channel);
  if (pass->dropout) na_each_channel(pass, op, op->out->channels, scale_channel);
}

/* g *= mask * scale, with the masks of the forward pass. */
static void pull_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  squares s = squares_of(pass, op);
  na_random draws = na_random_at(pass->seed, op->index, (uint64_t)c);
  float *mask = pass->scratch[worker], scale = scale_of(pass, op);
  for (int block = 0; block < pass->blocks; block++) {
    float *g = plane_of(op->out, op->out->grad, c, block);
    draw_mask(&s, &draws, mask);
    for (int i = 0; i < s.height * s.width * NA_LANES; i++) g[i] *= mask[i] * scale;
  }
}

static void backward_channel(const na_pass *pass, const na_op *op, int c, int worker)
{
  const float *from = op->out->grad + (size_t)c * op->out->stride;
  float *to = op->in->grad + (size_t)c * op->in->stride;
  size_t values = (size_t)na_tensor_pixels(pass, op->in) * NA_LANES;
  if (pass->dropout) pull_channel(pass, op, c, worker);
  for (size_t i = 0; i < values; i++) to[i] = op->accumulate[0] ? to[i] + from[i] : from[i];
  if (op->last[0]) na_finish_channel(pass, op->in, c);
}

static void dropblock_backward(const na_pass *pass, const na_op *op)
{
  if (op->wanted[0]) na_each_channel(pass, op, op->out->channels, backward_channel);
}

const na_layer_ops na_dropblock_ops = {dropblock_forward, dropblock_backward};
