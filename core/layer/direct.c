/* Dense convolution of more than one tap or with a stride, of rounded operands, without patches or transforms:
 * bands of output rows see frames of the input, and the input's rows in their place see frames of the gradient.
 *
 *   forward   Y[m][pixel] = sum over c, taps of W[m][c][tap] X[c][pixel * stride + tap]
 *   weights   dW[m][c][tap] += sum over pixels of dY[m][pixel] X[c][pixel * stride + tap]
 *   input     dX[c][pixel] (+)= sum over m, taps of W[m][c][tap] dY[m][(pixel - tap) / stride]
 *
 * The input's pixels are of stride^2 classes by row and column modulo the stride: each is a convolution of its own
 * of the gradient, with some of the taps.
 *
 * Oracle: na_naive_conv (PyTorch conv2d), of rounded operands.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/direct.h"

#include "core/layer/bands.h"
#include "core/layer/split.h"

/* Floats of a band's frames, going forward and backward: the second-level cache holds them, and some more. */
enum { FORWARD_BAND = 160 * 1024, BACKWARD_BAND = 320 * 1024 };
/* Where blocks would be mostly empty, float32 is as quick: they sum 32 (tap, channel) of a row of taps, half of
 * which should be there. So first layers gain with 7 x 7 taps of 3 channels, but hardly with 3 x 3. */
enum { FEWEST_CHANNELS = 8, FEWEST_SUMMED = 16 };
/* Rows of weights, and of weight gradients, per group and thread's turn. */
enum { GROUP = 16 };
/* Rows whose gradients are finished at once. */
enum { FINISHED_ROWS = 4 * GROUP };

bool na_direct_pays(const na_products *products, int in, int out, int kernel)
{
  return products->direct != NULL && out >= FEWEST_CHANNELS && in * kernel >= FEWEST_SUMMED;
}

/* ------------------------------------------------------------------------------ frames */

static na_frame input_frame(const na_shape *s, int rows)
{
  return (na_frame){.top = -s->pad, .left = -s->pad, .rows = (rows - 1) * s->stride + s->kernel,
                    .columns = (s->out_width - 1) * s->stride + s->kernel};
}

/* What the input's rows in the place of `rows` output rows see of the gradient. */
static na_frame gradient_frame(const na_shape *s, int rows)
{
  int before = (s->kernel - 1 - s->pad) / s->stride, after = (s->stride - 1 + s->pad) / s->stride;
  return (na_frame){.top = -before, .left = -before, .rows = before + rows + after,
                    .columns = before + most(s->out_width, ceiling(s->in_width, s->stride)) + after};
}

static na_overlap overlap_of(const na_shape *s, int rows, int in, int out)
{
  return (na_overlap){.left_rows = out, .right_rows = in, .kernel = s->kernel, .step = s->stride, .rows = rows,
                      .width = s->out_width};
}

static size_t forward_floats(const na_shape *s, int rows, int in)
{
  na_frame frame = input_frame(s, rows);
  return na_frame_floats(in, frame.rows, frame.columns);
}

/* Where the three parts of a band are, one after the other. */
typedef struct layout {
  size_t left, right, end; /* the gradient's frame comes first */
} layout;

static layout backward_layout(const na_shape *s, int rows, int in, int out)
{
  na_frame frame = gradient_frame(s, rows);
  na_overlap overlap = overlap_of(s, rows, in, out);
  layout l = {.left = na_frame_floats(out, frame.rows, frame.columns)};
  l.right = l.left + na_overlap_left_floats(&overlap);
  l.end = l.right + na_overlap_right_floats(&overlap);
  return l;
}

/* A layer's shape and active channels. */
typedef struct extent {
  const na_shape *shape;
  int in, out;
} extent;

static bool forward_fits(const void *context, int rows)
{
  const extent *e = context;
  return forward_floats(e->shape, rows, e->in) <= FORWARD_BAND;
}

static bool backward_fits(const void *context, int rows)
{
  const extent *e = context;
  return backward_layout(e->shape, rows, e->in, e->out).end <= BACKWARD_BAND;
}

/* ------------------------------------------------------------------------------ weights */

static na_taps forward_taps(const na_shape *s) { return (na_taps){s->kernel, s->kernel, 0, s->kernel, 1}; }

/* Taps along one axis by which pixels `place` modulo the stride see the gradient: how many, the last one, which
 * comes first, and how far from the pixel's place divided by the stride. */
typedef struct axis {
  int count, last, offset;
} axis;

static axis axis_of(const na_shape *s, int place)
{
  int first = (place + s->pad) % s->stride;
  axis a = {.count = first < s->kernel ? ceiling(s->kernel - first, s->stride) : 0};
  a.last = first + (a.count - 1) * s->stride;
  if (a.count > 0) a.offset = (place + s->pad - a.last) / s->stride;
  return a;
}

static na_taps class_taps(const na_shape *s, int class)
{
  axis y = axis_of(s, class / s->stride), x = axis_of(s, class % s->stride);
  return (na_taps){y.count, x.count, y.last * s->kernel + x.last, -s->stride * s->kernel, -s->stride};
}

static size_t class_floats(const na_shape *s, int class, int in, int out)
{
  na_taps taps = class_taps(s, class);
  return na_taps_floats(&taps, in, out);
}

void na_direct_needs(int in, int out, const na_shape *shape, na_needs *needs)
{
  int rows = na_bands_fewest(shape);
  na_taps taps = forward_taps(shape);
  size_t turned = 0;
  for (int class = 0; class < shape->stride * shape->stride; class++) turned += class_floats(shape, class, in, out);
  size_t forward = larger(FORWARD_BAND, forward_floats(shape, rows, in));
  size_t backward = larger(BACKWARD_BAND, backward_layout(shape, rows, in, out).end);
  needs->scratch = larger(needs->scratch, larger(forward, backward));
  needs->packed = larger(needs->packed, larger(turned, na_taps_floats(&taps, out, in)));
  needs->partial = larger(needs->partial, na_partial_floats(na_overlap_sums(out, in, shape->kernel)));
}

typedef struct packing {
  const na_pass *pass;
  const float *weights;
  int rows, channels;
  size_t row_stride, channel_stride;
  na_taps taps;
  float *to;
} packing;

static void pack_group(void *context, int unit, int worker)
{
  (void)worker;
  const packing *p = context;
  p->pass->products->direct->pack_taps(p->weights, p->rows, p->channels, p->row_stride, p->channel_stride, &p->taps,
                                       unit, 1, p->to);
}

static void pack_taps(packing p) { na_team_run(p.pass->team, pack_group, &p, ceiling(p.rows, GROUP)); }

/* Row i of the turned weights is input channel i; its channels are the output's. */
static void pack_turned(const na_pass *pass, const na_op *op, const na_shape *s)
{
  int in = op->in->channels, out = op->out->channels;
  packing p = {pass, op->weight, in, out, (size_t)(s->kernel * s->kernel), op->row, {0}, pass->packed};
  for (int class = 0; class < s->stride * s->stride; class++) {
    p.taps = class_taps(s, class);
    pack_taps(p);
    p.to += class_floats(s, class, in, out);
  }
}

/* ------------------------------------------------------------------------------ loops */

typedef struct direct_loop {
  const na_pass *pass;
  const na_op *op;
  const na_direct *kernels;
  na_bands bands;
  na_view in;
  na_pullback out;
  na_mask mask; /* of the output's pixels */
} direct_loop;

static direct_loop loop_init(const na_pass *pass, const na_op *op, na_bands_fit *fit, int chunks)
{
  direct_loop loop = {.pass = pass, .op = op, .kernels = pass->products->direct, .in = na_gated_input(op),
                      .out = na_tensor_pullback(op->out), .mask = na_pass_mask(pass, op->out)};
  na_shape shape = na_op_shape(op);
  extent e = {&shape, op->in->channels, op->out->channels};
  loop.bands = na_bands_split(&shape, pass->blocks, chunks, fit, &e);
  return loop;
}

/* ------------------------------------------------------------------------------ forward */

static void forward_band(const direct_loop *loop, const na_band *b, float *scratch)
{
  const na_shape *s = &loop->bands.shape;
  const na_tensor *out = loop->op->out;
  int in = loop->op->in->channels, width = s->out_width;
  na_frame frame = input_frame(s, b->rows);
  frame.block = b->block;
  frame.top += b->y * s->stride;
  loop->kernels->fill_values(&loop->in, in, &frame, scratch);
  na_sight sight = {scratch, in, frame.columns, s->kernel, s->kernel, 0, 0, s->stride, b->rows, width};
  bool counted = na_norm_by_batch(loop->pass, out);
  bool whole = b->pixels.first + b->pixels.count <= loop->mask.first;
  na_target to = {.at = out->data + (size_t)b->pixels.first * NA_LANES, .channel = out->stride,
                  .row = (size_t)width * NA_LANES, .column = NA_LANES, .past = na_tensor_streams(loop->pass, out),
                  .start = b->pixels.start};
  na_moments *moments = loop->pass->moments + (size_t)b->pixels.index * (size_t)out->channels;
  loop->kernels->convolve(&sight, loop->pass->packed, out->channels, &to, counted && whole ? moments : NULL);
  if (counted && !whole) na_add_moments(loop->pass, out, &b->pixels, 0, out->channels);
}

static void forward_chunk(void *context, int chunk, int worker)
{
  const direct_loop *loop = context;
  for (long i = na_bands_first(&loop->bands, chunk); i < na_bands_first(&loop->bands, chunk + 1); i++) {
    na_band b = na_bands_at(&loop->bands, chunk, i);
    forward_band(loop, &b, loop->pass->scratch[worker]);
  }
}

void na_direct_forward(const na_pass *pass, const na_op *op)
{
  direct_loop loop = loop_init(pass, op, forward_fits, NA_CHUNKS);
  size_t area = (size_t)(op->kernel * op->kernel);
  pack_taps((packing){pass, op->weight, op->out->channels, op->in->channels, op->row, area,
                      forward_taps(&loop.bands.shape), pass->packed});
  na_norm_prepare(pass, op->out);
  na_team_run(pass->team, forward_chunk, &loop, loop.bands.chunks);
  na_settle_moments(pass, op->out, loop.bands.chunks, na_bands_start, &loop.bands);
}

/* ------------------------------------------------------------------------------ backward */

/* The input's gradient is complete with this: it is finished on the way. */
static void set_finished(const direct_loop *loop, const na_band *b, const na_sight *sight, const na_taps *taps,
                         const float *packed, const na_target *to)
{
  const na_op *op = loop->op;
  double *sums = na_input_sums(loop->pass, op, b->pixels.index);
  size_t place = (size_t)(to->at - op->in->grad);
  for (int row = 0; row < op->in->channels; row += FINISHED_ROWS) {
    na_finish how[FINISHED_ROWS];
    int rows = least(FINISHED_ROWS, op->in->channels - row);
    na_target part = *to;
    part.at += (size_t)row * to->channel;
    for (int i = 0; i < rows; i++) how[i] = na_tensor_finish(op->in, row + i);
    loop->kernels->convolve_finished(sight, packed + na_taps_floats(taps, row, op->out->channels), rows, &part, how,
                                     place, sums + 2 * row);
  }
}

/* Adds what the input's pixels of a class in the band's place see of the gradient's frame. */
static void add_class(const direct_loop *loop, const na_band *b, const na_frame *frame, const float *values, int class,
                      const float *packed)
{
  const na_op *op = loop->op;
  const na_shape *s = &loop->bands.shape;
  int y = class / s->stride, x = class % s->stride, top = b->y * s->stride + y;
  int rows = least(ceiling(s->in_height - top, s->stride), b->rows), columns = ceiling(s->in_width - x, s->stride);
  na_taps taps = class_taps(s, class);
  if (rows <= 0 || columns <= 0) return;
  na_sight sight = {values, op->out->channels, frame->columns, taps.down, taps.across,
                    b->y + axis_of(s, y).offset - frame->top, axis_of(s, x).offset - frame->left, 1, rows, columns};
  size_t pixel = (size_t)((b->block * s->in_height + top) * s->in_width + x);
  na_target to = {.at = op->in->grad + pixel * NA_LANES, .channel = op->in->stride,
                  .row = (size_t)(s->stride * s->in_width) * NA_LANES, .column = (size_t)s->stride * NA_LANES,
                  .accumulate = op->accumulate[0]};
  if (op->last[0] && !na_tensor_plain(op->in)) set_finished(loop, b, &sight, &taps, packed, &to);
  else loop->kernels->convolve(&sight, packed, op->in->channels, &to, NULL);
}

static void add_input(const direct_loop *loop, const na_band *b, const na_frame *frame, const float *values)
{
  const na_op *op = loop->op;
  const float *packed = loop->pass->packed;
  for (int class = 0; class < loop->bands.shape.stride * loop->bands.shape.stride; class++) {
    add_class(loop, b, frame, values, class, packed);
    packed += class_floats(&loop->bands.shape, class, op->in->channels, op->out->channels);
  }
}

static void backward_band(const direct_loop *loop, const na_band *b, float *scratch)
{
  const na_op *op = loop->op;
  const na_shape *s = &loop->bands.shape;
  int in = op->in->channels, out = op->out->channels;
  layout l = backward_layout(s, b->rows, in, out);
  na_frame frame = gradient_frame(s, b->rows);
  frame.block = b->block;
  frame.top += b->y;
  na_overlap overlap = overlap_of(s, b->rows, in, out);
  overlap.left = scratch + l.left;
  overlap.right = scratch + l.right;
  loop->kernels->fill_gradient(&loop->out, out, &loop->mask, op->wanted[0] ? &frame : NULL, b->block, b->y, b->rows,
                               scratch, scratch + l.left);
  loop->kernels->fill_turned(&loop->in, &overlap, b->block, b->y * s->stride - s->pad, -s->pad, scratch + l.right);
  loop->kernels->correlate(&overlap,
                           loop->pass->partial + (size_t)b->pixels.index * na_overlap_sums(out, in, s->kernel),
                           !b->pixels.start);
  if (op->wanted[0]) add_input(loop, b, &frame, scratch);
}

static void backward_chunk(void *context, int chunk, int worker)
{
  const direct_loop *loop = context;
  na_clear_sums(loop->pass, loop->op, chunk);
  for (long i = na_bands_first(&loop->bands, chunk); i < na_bands_first(&loop->bands, chunk + 1); i++) {
    na_band b = na_bands_at(&loop->bands, chunk, i);
    backward_band(loop, &b, loop->pass->scratch[worker]);
  }
}

static void unpack_group(void *context, int unit, int worker)
{
  (void)worker;
  const direct_loop *loop = context;
  const na_op *op = loop->op;
  int in = op->in->channels, out = op->out->channels;
  loop->kernels->unpack(loop->pass->partial, loop->bands.chunks, na_overlap_sums(out, in, op->kernel), in,
                        op->kernel * op->kernel, unit * GROUP, least(GROUP, out - unit * GROUP), op->weight_grad,
                        op->row);
}

void na_direct_backward(const na_pass *pass, const na_op *op)
{
  int chunks = na_chunk_limit((long)na_overlap_sums(op->out->channels, op->in->channels, op->kernel));
  direct_loop loop = loop_init(pass, op, backward_fits, chunks);
  na_norm_pull(pass, op->out);
  if (op->wanted[0]) pack_turned(pass, op, &loop.bands.shape);
  na_team_run(pass->team, backward_chunk, &loop, loop.bands.chunks);
  na_team_run(pass->team, unpack_group, &loop, ceiling(op->out->channels, GROUP));
  if (op->wanted[0]) na_collect_sums(pass, op, loop.bands.chunks);
}
