/* Depthwise convolution of one channel, backward: both gradients in one pass over the input's rows. The rows
 * of the output's gradient that a row leads to stay in the first-level cache; the next ones are fetched
 * meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/ring.h"

/* What the rows to come will read. A line of each is asked for with every pixel, between the
 * arithmetic: a burst of requests would wait for itself. */
typedef struct upcoming {
  const float *in, *grad, *data;
  size_t in_step, out_step; /* floats of a pixel */
  int outputs;              /* pixels of grad and data */
} upcoming;

INLINE void fetch(const upcoming *next, size_t x)
{
  __builtin_prefetch(next->in + x * next->in_step);
  if ((int)x >= next->outputs) return;
  __builtin_prefetch(next->grad + x * next->out_step);
  __builtin_prefetch(next->data + x * next->out_step);
}

/* A row of the input, for both gradients. */
typedef struct pulled_row {
  float *dst;                      /* its gradient */
  const int *places;               /* of its pixels in dst, in floats; NULL: one after the other */
  const float *values;             /* itself, as its consumers see it; or as it is stored */
  int width;
  const float *rows[KERNEL_LIMIT]; /* of the output's gradient: where kernel row ky leads to */
  upcoming next;
} pulled_row;

/* Both gradients at one pixel, column m * step + odd. Over kernel rows ky = 0, step ... < ky1 and
 * the columns kx that reach the pixel, with g = rows[ky][m + (odd + pad - kx) / step]:
 *   dst (+)= w[ky][kx] * g,  sums[ky][kx] += value * g. */
INLINE void pull_pixel(int kernel, int step, int ky1, bool onto, int odd, int m, float *dst,
                       const float *value, const float *const *rows, const vf *w, vf *sums)
{
  int pad = kernel / 2, kx0 = (odd + pad) % step;
  for (int l = 0; l < LANES; l += VL) {
    vf v = load(value + l), d = load_if(onto, dst + l);
    UNROLL for (int ky = 0; ky < ky1; ky += step)
      UNROLL for (int kx = kx0; kx < kernel; kx += step) {
        vf g = load_once(rows[ky] + (m + (odd + pad - kx) / step) * LANES + l);
        d += w[ky * kernel + kx] * g;
        sums[ky * kernel + kx] += v * g;
      }
    store(dst + l, d);
  }
}

/* Kernel rows ky = ky0, ky0 + step ... < ky0 + ky1 along the row: their weights and sums stay in
 * registers. onto: they are added to what is there, and what comes next has been fetched before. */
INLINE void pull_row(int kernel, int step, int ky0, int ky1, bool onto, const pulled_row *r,
                     const float *weight, vf *sums)
{
  const upcoming next = r->next;
  const float *rows[KERNEL_LIMIT], *values = r->values;
  float *dst = r->dst;
  int width = r->width;
  vf w[KERNEL_LIMIT], sum[KERNEL_LIMIT];
  UNROLL for (int ky = 0; ky < ky1; ky += step) {
    rows[ky] = r->rows[ky0 + ky];
    UNROLL for (int q = ky * kernel; q < (ky + 1) * kernel; q++) {
      w[q] = splat(weight[ky0 * kernel + q]);
      sum[q] = sums[ky0 * kernel + q];
    }
  }
  for (int m = 0; m * step < width; m++)
    UNROLL for (int odd = 0; odd < step; odd++) {
      int x = m * step + odd;
      if (x == width) break;
      if (!onto) fetch(&next, (size_t)x);
      pull_pixel(kernel, step, ky1, onto, odd, m, dst + x * LANES, values + x * LANES, rows, w,
                 sum);
    }
  UNROLL for (int ky = 0; ky < ky1; ky += step)
    UNROLL for (int q = ky * kernel; q < (ky + 1) * kernel; q++) sums[ky0 * kernel + q] = sum[q];
}

/* Gradients that are finished in the registers, where the activation clamps: no second pass reads them. */
typedef struct finishing {
  float scale, shift, mean;
  clamp limits;
  pair_sum sums; /* of the gradient, and of it times the value less the mean */
} finishing;

enum { KEPT, STREAMED, PLACED, PLACED_ROUNDED }; /* where a pixel goes */

INLINE void put_pixel(int target, bool rounded, const pulled_row *r, int x, int l, vf value)
{
  if (target == KEPT) store_value(r->dst, (size_t)(x * LANES + l), value, rounded);
  else if (target == STREAMED) stream_value(r->dst, (size_t)(x * LANES + l), value, rounded);
  else store_value(r->dst + r->places[x], (size_t)l, value, target == PLACED_ROUNDED);
}

/* pull_pixel and finish in one, for a 3x3 kernel; value: as it is stored. */
INLINE void finish_pixel(int step, int ky1, int target, bool rounded, int odd, int m, const pulled_row *r,
                         const float *const *rows, const vf *w, vf *sums, finishing *f)
{
  int x = m * step + odd, kx0 = (odd + 1) % step;
  for (int l = 0; l < LANES; l += VL) {
    vf stored = load_value(r->values, (size_t)(x * LANES + l), rounded), seen = stored * f->scale + f->shift;
    vf low = splat(f->limits.low), high = splat(f->limits.high), d = {0};
    vf value = vmin(high, vmax(low, seen));
    UNROLL for (int ky = 0; ky < ky1; ky += step)
      UNROLL for (int kx = kx0; kx < 3; kx += step) {
        vf g = load_once(rows[ky] + (m + (odd + 1 - kx) / step) * LANES + l);
        d += w[ky * 3 + kx] * g;
        sums[ky * 3 + kx] += value * g;
      }
    d = keep_if((seen > low) & (seen < high), d);
    f->sums.first += d;
    f->sums.second += d * (stored - f->mean);
    put_pixel(target, rounded, r, x, l, d);
  }
}

/* Kernel rows ky0, ky0 + step ... < ky0 + ky1 of a 3x3 kernel along the row. */
INLINE void finish_row(int step, int ky0, int ky1, int target, bool rounded, const pulled_row *row,
                       const float *weight, vf *sums, finishing *state)
{
  const pulled_row r = *row;
  finishing f = *state;
  const float *rows[3];
  vf w[9], sum[9];
  UNROLL for (int ky = 0; ky < ky1; ky += step) {
    rows[ky] = r.rows[ky0 + ky];
    UNROLL for (int q = ky * 3; q < (ky + 1) * 3; q++) {
      w[q] = splat(weight[ky0 * 3 + q]);
      sum[q] = sums[ky0 * 3 + q];
    }
  }
  for (int m = 0; m * step < r.width; m++)
    UNROLL for (int odd = 0; odd < step; odd++) {
      int x = m * step + odd;
      if (x == r.width) break;
      fetch(&r.next, (size_t)x);
      finish_pixel(step, ky1, target, rounded, odd, m, &r, rows, w, sum, &f);
    }
  UNROLL for (int ky = 0; ky < ky1; ky += step)
    UNROLL for (int q = ky * 3; q < (ky + 1) * 3; q++) sums[ky0 * 3 + q] = sum[q];
  state->sums = f.sums;
}

/* All rows of a 3x3 kernel at once: they fit into the registers. ky0: the first that leads from this
 * row to one of the output. */
static void pull_three(const na_depthwise *call, const pulled_row *r, int ky0, bool onto, vf *sums)
{
#define ROW(STEP, KY0, KY1)                                                                        \
  if (onto) pull_row(3, STEP, KY0, KY1, true, r, call->weight, sums);                              \
  else pull_row(3, STEP, KY0, KY1, false, r, call->weight, sums)
  if (call->stride == 1) ROW(1, 0, 3);
  else if (ky0 == 0) ROW(2, 0, 3);
  else ROW(2, 1, 1);
#undef ROW
}

static void finish_three(const na_depthwise *call, const pulled_row *r, int ky0, int target, bool rounded,
                         vf *sums, finishing *f)
{
#define TARGET(STEP, KY0, KY1, WHERE)                                                              \
  if (rounded) finish_row(STEP, KY0, KY1, WHERE, true, r, call->weight, sums, f);                  \
  else finish_row(STEP, KY0, KY1, WHERE, false, r, call->weight, sums, f);                         \
  break
#define ROW(STEP, KY0, KY1)                                                                        \
  switch (target) {                                                                                \
  case KEPT: TARGET(STEP, KY0, KY1, KEPT);                                                         \
  case STREAMED: TARGET(STEP, KY0, KY1, STREAMED);                                                 \
  case PLACED: finish_row(STEP, KY0, KY1, PLACED, false, r, call->weight, sums, f); break;         \
  default: finish_row(STEP, KY0, KY1, PLACED_ROUNDED, false, r, call->weight, sums, f); break;     \
  }
  if (call->stride == 1) ROW(1, 0, 3)
  else if (ky0 == 0) ROW(2, 0, 3)
  else ROW(2, 1, 1)
#undef ROW
#undef TARGET
}

/* Has the processor registers for two rows of a 5x5 or 7x7 kernel? */
enum { PAIRS = VL == 16 };

/* Row ky of a larger kernel; two: and the next that leads anywhere, which only 5x5 and 7x7 are asked for. */
static void pull_some(const na_depthwise *call, const pulled_row *r, int ky, bool two, bool onto, vf *sums)
{
#define ROW(K, STEP, ROWS)                                                                         \
  if (onto) pull_row(K, STEP, ky, ROWS, true, r, call->weight, sums);                              \
  else pull_row(K, STEP, ky, ROWS, false, r, call->weight, sums)
#define ROWS(K)                                                                                    \
  if (call->stride == 1 && two) ROW(K, 1, 1 + PAIRS);                                              \
  else if (call->stride == 1) ROW(K, 1, 1);                                                        \
  else if (two) ROW(K, 2, 1 + 2 * PAIRS);                                                          \
  else ROW(K, 2, 1)
  if (call->kernel == 5) ROWS(5);
  else if (call->kernel == 7) ROWS(7);
  else if (call->stride == 1) ROW(call->kernel, 1, 1);
  else ROW(call->kernel, 2, 1);
#undef ROWS
#undef ROW
}

/* The rows of the kernel by which a row of the input sees the plane, from `first` on; the others lead to
 * zeros. */
typedef struct reach {
  int first, end;
} reach;

/* Where the rows of the kernel lead to from row y of the input. All those of a 3x3 kernel count, as they are
 * taken at once. */
static reach gradient_rows(const na_depthwise *call, pulled_row *r, const ring *gradients, int y)
{
  int step = call->stride, ky0 = (y + call->pad) % step;
  reach reached = {ky0, ky0};
  for (int ky = ky0; ky < call->kernel; ky += step) {
    int above = y + call->pad - ky, row = above < 0 ? -1 : above / step;
    r->rows[ky] = ring_row(gradients, row);
    if (row >= call->out_height) reached.first = ky + step;
    if (row >= 0) reached.end = ky + 1;
  }
  return call->kernel == 3 ? (reach){ky0, 3} : reached;
}

/* Both gradients along a row of the input; weights' in sums[kernel * kernel]. */
static void backward_row(const na_depthwise *call, const pulled_row *r, reach from, bool accumulate, vf *sums)
{
  if (call->kernel == 3) {
    pull_three(call, r, from.first, accumulate, sums);
    return;
  }
  bool pairs = PAIRS && (call->kernel == 5 || call->kernel == 7);
  if (from.first >= from.end && !accumulate)
    memset(r->dst, 0, (size_t)r->width * LANES * sizeof *r->dst);
  for (int ky = from.first, rows; ky < from.end; ky += rows * call->stride) {
    rows = pairs && ky + call->stride < from.end ? 2 : 1;
    pull_some(call, r, ky, rows == 2, accumulate || ky > from.first, sums);
  }
}

/* Writes pixels, past the caches or not. */
static void put_run(float *to, bool rounded, bool past, const float *from, long pixels)
{
  for (long i = 0; i < pixels * LANES; i += VL)
    if (past) stream_value(to, (size_t)i, load(from + i), rounded);
    else store_value(to, (size_t)i, load(from + i), rounded);
}

/* Rows of `width` pixels that are taken at once: see NA_BAND_PIXELS. */
static int band_rows(int width) { return width < NA_BAND_PIXELS ? NA_BAND_PIXELS / width : 1; }

/* Both gradients of one channel, on their way through its planes. */
typedef struct pulling {
  const na_depthwise *call;
  const na_view *in;
  const na_pullback *out;
  int channel;
  ring gradients;       /* of the output's gradient */
  int block, loaded;    /* rows of this block that the ring has been given */
  float *values, *line; /* of a band: the input, its gradient */
  vf *sums;             /* [kernel^2]: the weights' gradient */
} pulling;

/* For `count` rows of the input from row `first` on. */
static pulling pulling_init(const na_depthwise *call, const na_view *in, const na_pullback *out,
                            int channel, int first, int count, float *memory)
{
  int above = first + call->pad - call->kernel + 1, last = (first + count - 1 + call->pad) / call->stride;
  bool inside = above >= 0 && last < call->out_height;
  size_t band = (size_t)(band_rows(call->in_width) * call->in_width) * LANES;
  pulling p = {.call = call, .in = in, .out = out, .channel = channel,
               .gradients = ring_init(memory, call->kernel, call->out_width, call->out_height, inside)};
  p.values = memory + ring_floats(&p.gradients);
  p.line = p.values + band;
  p.sums = (vf *)(p.line + band);
  return p;
}

/* From row y of a block on. */
static void pulling_start(pulling *p, int block, int y)
{
  int above = y + p->call->pad - p->call->kernel + 1, step = p->call->stride;
  p->block = block;
  p->loaded = above < 0 ? 0 : (above + step - 1) / step;
}

/* Rows of the output's gradient that are needed for the input's rows up to row y. */
static int rows_needed(const na_depthwise *call, int y)
{
  int rows = (y + call->pad) / call->stride + 1;
  return rows < call->out_height ? rows : call->out_height;
}

/* Loads the rows of the output's gradient that input row y needs and that are not in the ring yet. */
static void load_gradients(pulling *p, int y)
{
  const na_depthwise *call = p->call;
  for (int needed = rows_needed(call, y); p->loaded < needed; p->loaded++)
    NA_SYMBOL(read_pullback)(p->out, p->channel, &call->mask,
                             ((long)p->block * call->out_height + p->loaded) * (long)call->out_width,
                             call->out_width, ring_row(&p->gradients, p->loaded));
}

/* `rows` rows of the output from its row `pulled` on, and the input from its row `row` on; of all blocks. */
static upcoming upcoming_at(const pulling *p, int channel, long row, long pulled, int rows)
{
  const na_pullback *out = p->out;
  size_t at = (size_t)channel * out->stride + na_stored(out->rounded, pulled * p->call->out_width);
  return (upcoming){.in = p->in->data + (size_t)channel * p->in->stride +
                          na_stored(p->in->rounded, row * p->call->in_width),
                    .in_step = na_stored(p->in->rounded, 1),
                    .out_step = na_stored(out->rounded, 1),
                    .grad = out->grad + at,
                    .data = (out->a != NULL ? out->data : out->grad) + at,
                    .outputs = rows * p->call->out_width};
}

/* What is left of it after so many pixels. */
static upcoming upcoming_after(const upcoming *next, int pixels)
{
  upcoming after = *next;
  after.in += (size_t)pixels * next->in_step;
  after.grad += (size_t)pixels * next->out_step;
  after.data += (size_t)pixels * next->out_step;
  after.outputs -= pixels;
  return after;
}

/* What follows the band of rows y0 .. y0 + rows in the same channel. */
static upcoming band_after(const pulling *p, int y0, int rows)
{
  const na_depthwise *call = p->call;
  long row = (long)p->block * call->in_height + y0 + rows;
  int done = rows_needed(call, y0 + rows - 1);
  return upcoming_at(p, p->channel, row, (long)p->block * call->out_height + done,
                     rows_needed(call, y0 + 2 * rows - 1) - done);
}

/* Small planes share the sums of their weights' gradients: so many pixels, and a plane more. */
enum { SUMMED = 4096 };

/* Can gradients be finished where they arise? */
static bool can_finish(const na_depthwise *call, const na_view *in, const na_finish *how)
{
  return how != NULL && call->kernel == 3 && na_activation_clamps(how->act) && in->gate == NULL;
}

static finishing finishing_init(const na_finish *how)
{
  return (finishing){.scale = how->scale, .shift = how->shift, .mean = how->mean,
                     .limits = clamp_of(how->act)};
}

/* Rows y0 .. y0 + rows of the block, a band or less; `to`: their gradients, finished where `how` tells. */
static void pull_band(pulling *p, int y0, int rows, upcoming next, float *to, bool onto,
                      const na_finish *how, double *sum, double *sum_x)
{
  int width = p->call->in_width;
  long first = ((long)p->block * p->call->in_height + y0) * (long)width;
  NA_SYMBOL(read_view)(p->in, p->channel, first, (long)rows * width, p->values);
  pulled_row row;
  row.width = width;
  for (int y = y0; y < y0 + rows; y++) {
    size_t at = (size_t)((y - y0) * width) * LANES;
    load_gradients(p, y);
    row.dst = to + at;
    row.values = p->values + at;
    row.next = next;
    backward_row(p->call, &row, gradient_rows(p->call, &row, &p->gradients, y), onto, p->sums);
    next = upcoming_after(&next, width);
  }
  if (how == NULL) return;
  na_finish here = *how;
  here.data += na_stored(how->rounded, first);
  here.grad_rounded = false; /* not yet */
  NA_SYMBOL(finish)(to, &here, 0, (long)rows * width, sum, sum_x);
}

/* Row y of the block, finished on the way: row.dst, places and next are set. */
static void pull_finished(pulling *p, int y, pulled_row *row, int target, finishing *f)
{
  int width = p->call->in_width;
  row->width = width;
  row->values = p->in->data + (size_t)p->channel * p->in->stride +
                na_stored(p->in->rounded, ((long)p->block * p->call->in_height + y) * (long)width);
  load_gradients(p, y);
  finish_three(p->call, row, gradient_rows(p->call, row, &p->gradients, y).first, target, p->in->rounded, p->sums, f);
  f->sums.pixels += width;
}

/* A block of the planes, band by band. */
static void pull_block(pulling *p, float *in_grad, bool onto, const na_finish *how, double *sum,
                       double *sum_x)
{
  const na_depthwise *call = p->call;
  int width = call->in_width, step = band_rows(width);
  bool rounded = p->in->rounded, apart = in_grad == NULL || rounded || (call->stream && !onto);
  for (int y = 0; y < call->in_height; y += step) {
    int rows = y + step < call->in_height ? step : call->in_height - y;
    size_t first = na_stored(rounded, ((long)p->block * call->in_height + y) * (long)width);
    pull_band(p, y, rows, band_after(p, y, rows), apart ? p->line : in_grad + first, onto, how, sum, sum_x);
    if (apart && in_grad != NULL) put_run(in_grad + first, rounded, call->stream, p->line, (long)rows * width);
  }
}

/* The same, row by row, where gradients are finished on the way. */
static void finish_block(pulling *p, float *in_grad, const na_finish *how, double *sum, double *sum_x)
{
  const na_depthwise *call = p->call;
  int width = call->in_width;
  finishing f = finishing_init(how);
  for (int y = 0; y < call->in_height; y++) {
    pulled_row row;
    row.dst = in_grad + na_stored(p->in->rounded, ((long)p->block * call->in_height + y) * (long)width);
    row.next = band_after(p, y, 1);
    pull_finished(p, y, &row, call->stream ? STREAMED : KEPT, &f);
    widen(&f.sums, WAITING, sum, sum_x);
  }
  widen(&f.sums, 0, sum, sum_x);
}

void NA_SYMBOL(depthwise_backward)(const na_depthwise *call, const na_view *in,
                                   const na_pullback *out, int channel, float *weight_grad,
                                   float *in_grad, bool accumulate, const na_finish *how,
                                   double *sum, double *sum_x, float *memory)
{
  int taps = call->kernel * call->kernel, pixels = call->in_height * call->in_width, summed = 0;
  pulling p = pulling_init(call, in, out, channel, 0, call->in_height, memory);
  bool onto = accumulate && in_grad != NULL;
  if (in_grad == NULL) how = NULL;
  for (int block = 0; block < call->blocks; block++) {
    if (summed == 0) memset(p.sums, 0, (size_t)taps * sizeof *p.sums);
    pulling_start(&p, block, 0);
    if (!onto && can_finish(call, in, how)) finish_block(&p, in_grad, how, sum, sum_x);
    else pull_block(&p, in_grad, onto, how, sum, sum_x);
    summed += pixels;
    if (summed < SUMMED && block + 1 < call->blocks) continue;
    for (int q = 0; q < taps; q++) weight_grad[q] += (float)lane_sum(p.sums[q]);
    summed = 0;
  }
  if (call->stream) stream_end();
}

/* A run of pixels goes to its places. */
static void place_run(float *to, const int *places, bool rounded, const float *from, int count)
{
  for (int p = 0; p < count; p++)
    for (int l = 0; l < LANES; l += VL) store_value(to + places[p], (size_t)l, load(from + p * LANES + l), rounded);
}

void NA_SYMBOL(depthwise_backward_placed)(const na_depthwise *call, const na_view *in,
                                          const na_pullback *out, int channel, const na_stripe *stripe,
                                          float *weight_lanes, const na_finish *how, double *sum,
                                          double *sum_x, float *to, const int *places, float *memory)
{
  int width = call->in_width, end = stripe->first + stripe->count;
  pulling p = pulling_init(call, in, out, channel, stripe->first, stripe->count, memory);
  p.sums = (vf *)weight_lanes;
  pulling_start(&p, stripe->block, stripe->first);
  finishing f = finishing_init(how);
  bool finish = can_finish(call, in, how);
  for (int y = stripe->first; y < end; y++, places += width) {
    long pulled = (long)stripe->block * call->out_height + p.loaded;
    upcoming next = upcoming_at(&p, channel + 1, (long)stripe->block * call->in_height + y, pulled,
                                rows_needed(call, y) - p.loaded);
    if (finish) {
      pulled_row row;
      row.dst = to;
      row.places = places;
      row.next = next;
      pull_finished(&p, y, &row, how->grad_rounded ? PLACED_ROUNDED : PLACED, &f);
      widen(&f.sums, WAITING, sum, sum_x);
    } else {
      pull_band(&p, y, 1, next, p.line, false, how, sum, sum_x);
      place_run(to, places, how->grad_rounded, p.line, width);
    }
  }
  widen(&f.sums, 0, sum, sum_x);
}
