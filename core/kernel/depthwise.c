/* Depthwise convolution of one channel, forward and backward, row by row. The rows that a kernel
 * covers stay in the first-level cache; the next ones are fetched meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

#include <string.h>

/* Outputs computed side by side, so that their sums do not wait for each other. */
enum { ACROSS = VL == 16 ? 8 : 4, NARROW = 4, KERNEL_LIMIT = 64 };

/* Row y of a plane lives in slot y % count, each with `count` zero pixels on both sides. There are as
 * many slots as the kernel has rows: that is how long a row is needed. Rows outside the plane are the
 * row of zeros. */
typedef struct ring {
  float *slots, *zeros;
  size_t row; /* floats per slot */
  int count, height;
} ring;

static ring ring_init(float *memory, int kernel, int width, int height)
{
  ring r = {.row = (size_t)(width + 2 * kernel) * LANES,
            .count = kernel,
            .height = height,
            .zeros = memory};
  r.slots = memory + r.row;
  memset(memory, 0, (size_t)(kernel + 1) * r.row * sizeof *memory);
  return r;
}

static size_t ring_floats(const ring *r) { return (size_t)(r->count + 1) * r->row; }

/* Pixel 0 of row y. */
INLINE float *ring_row(const ring *r, int y)
{
  float *slot = y < 0 || y >= r->height ? r->zeros : r->slots + (size_t)(y % r->count) * r->row;
  return slot + (size_t)r->count * LANES;
}

/* dst[x .. x + across) = sum over (ky, kx) of w[ky][kx] * rows[ky][x * step + kx - pad], for the lanes
 * from l on. */
INLINE void correlate_group(int kernel, int step, int across, float *dst, const float *const *rows,
                            const float *w, int x, int l)
{
  int pad = kernel / 2;
  vf sum[ACROSS];
  UNROLL for (int j = 0; j < across; j++) sum[j] = splat(0);
  for (int ky = 0; ky < kernel; ky++)
    for (int kx = 0; kx < kernel; kx++)
      UNROLL for (int j = 0; j < across; j++)
        sum[j] += w[ky * kernel + kx] * load(rows[ky] + ((x + j) * step + kx - pad) * LANES + l);
  UNROLL for (int j = 0; j < across; j++) store(dst + (x + j) * LANES + l, sum[j]);
}

/* A row of n outputs. What the next row will read, `next`, is fetched meanwhile. The last group may
 * begin before the end of the last but one. */
INLINE void correlate_row(int kernel, int step, float *dst, const float *const *rows,
                          const float *w, int n, const float *next)
{
  for (int l = 0; l < LANES; l += VL) {
    int x = 0;
    for (; x + ACROSS <= n; x += ACROSS) {
      for (int i = x * step * step; l == 0 && i < (x + ACROSS) * step * step; i++)
        __builtin_prefetch(next + i * LANES);
      correlate_group(kernel, step, ACROSS, dst, rows, w, x, l);
    }
    for (; x < n && n >= NARROW; x += NARROW)
      correlate_group(kernel, step, NARROW, dst, rows, w, x + NARROW < n ? x : n - NARROW, l);
    for (; x < n; x++) correlate_group(kernel, step, 1, dst, rows, w, x, l);
  }
}

/* What the rows to come will read. A line of each is asked for with every pixel, between the
 * arithmetic: a burst of requests would wait for itself. */
typedef struct upcoming {
  const float *in, *grad, *data;
  int outputs; /* pixels of grad and data */
} upcoming;

INLINE void fetch(const upcoming *next, int x)
{
  __builtin_prefetch(next->in + x * LANES);
  if (x >= next->outputs) return;
  __builtin_prefetch(next->grad + x * LANES);
  __builtin_prefetch(next->data + x * LANES);
}

/* A row of the input, for both gradients. */
typedef struct pulled_row {
  float *dst;                      /* its gradient */
  const float *values;             /* itself, as its consumers see it */
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
        vf g = load(rows[ky] + (m + (odd + pad - kx) / step) * LANES + l);
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
      if (!onto) fetch(&next, x);
      pull_pixel(kernel, step, ky1, onto, odd, m, dst + x * LANES, values + x * LANES, rows, w,
                 sum);
    }
  UNROLL for (int ky = 0; ky < ky1; ky += step)
    UNROLL for (int q = ky * kernel; q < (ky + 1) * kernel; q++) sums[ky0 * kernel + q] = sum[q];
}

/* Calls M(kernel) with a constant where the size is a common one. */
#define FOR_KERNEL(kernel, M)                                                                      \
  switch (kernel) {                                                                                \
  case 3: M(3); break;                                                                             \
  case 5: M(5); break;                                                                             \
  case 7: M(7); break;                                                                             \
  default: M(kernel); break;                                                                       \
  }

static void forward_row(const na_depthwise *call, float *dst, const float *const *rows,
                        const float *next)
{
#define ROW(K)                                                                                     \
  if (call->stride == 1) correlate_row(K, 1, dst, rows, call->weight, call->out_width, next);      \
  else correlate_row(K, 2, dst, rows, call->weight, call->out_width, next)
  FOR_KERNEL(call->kernel, ROW)
#undef ROW
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

/* One row ky of a larger kernel. */
static void pull_one(const na_depthwise *call, const pulled_row *r, int ky, bool onto, vf *sums)
{
#define ROW(K)                                                                                     \
  if (call->stride == 1) {                                                                         \
    if (onto) pull_row(K, 1, ky, 1, true, r, call->weight, sums);                                  \
    else pull_row(K, 1, ky, 1, false, r, call->weight, sums);                                      \
  } else {                                                                                         \
    if (onto) pull_row(K, 2, ky, 1, true, r, call->weight, sums);                                  \
    else pull_row(K, 2, ky, 1, false, r, call->weight, sums);                                      \
  }
  switch (call->kernel) {
  case 5: ROW(5) break;
  case 7: ROW(7) break;
  default: ROW(call->kernel) break;
  }
#undef ROW
}

/* Both gradients along row y of the input; weights' in sums[kernel * kernel]. */
static void backward_row(const na_depthwise *call, pulled_row *r, const ring *gradients, int y,
                         bool accumulate, vf *sums)
{
  int step = call->stride, ky0 = (y + call->pad) % step;
  for (int ky = ky0; ky < call->kernel; ky += step) {
    int above = y + call->pad - ky;
    r->rows[ky] = ring_row(gradients, above < 0 ? -1 : above / step);
  }
  if (call->kernel == 3) {
    pull_three(call, r, ky0, accumulate, sums);
    return;
  }
  if (ky0 >= call->kernel && !accumulate)
    memset(r->dst, 0, (size_t)r->width * LANES * sizeof *r->dst);
  for (int ky = ky0; ky < call->kernel; ky += step)
    pull_one(call, r, ky, accumulate || ky > ky0, sums);
}

/* Loads the rows of the input that output row y needs and that are not in the ring yet. */
static void load_values(const na_depthwise *call, const na_view *in, int channel, int block, int y,
                        ring *values, int *loaded)
{
  int last = y * call->stride - call->pad + call->kernel - 1;
  for (; *loaded <= last && *loaded < call->in_height; ++*loaded)
    NA_SYMBOL(read_view)(in, channel,
                         ((long)block * call->in_height + *loaded) * (long)call->in_width,
                         call->in_width, ring_row(values, *loaded));
}

static void value_rows(const na_depthwise *call, const ring *values, int y, const float **rows)
{
  for (int k = 0; k < call->kernel; k++)
    rows[k] = ring_row(values, y * call->stride - call->pad + k);
}

/* Writes a row past the caches. */
static void stream_row(float *to, const float *row, int width)
{
  for (int i = 0; i < width * LANES; i += VL) stream(to + i, load(row + i));
}

void NA_SYMBOL(depthwise_forward)(const na_depthwise *call, const na_view *in, int channel,
                                  float *out, na_moments *moments, float *memory)
{
  const float *rows[64];
  ring values = ring_init(memory, call->kernel, call->in_width, call->in_height);
  const float *plane = in->data + (size_t)channel * in->stride;
  float *line = memory + ring_floats(&values);
  for (int block = 0; block < call->blocks; block++)
    for (int y = 0, loaded = 0; y < call->out_height; y++) {
      long first = ((long)block * call->out_height + y) * (long)call->out_width;
      float *to = out + (size_t)first * LANES, *row = call->stream ? line : to;
      load_values(call, in, channel, block, y, &values, &loaded);
      value_rows(call, &values, y, rows);
      long coming = ((long)block * call->in_height + loaded) * (long)call->in_width;
      forward_row(call, row, rows, plane + coming * LANES);
      if (moments != NULL) {
        if (first == 0) *moments = (na_moments){.shift = row[0]};
        na_mask mask = {call->mask.first - first, call->mask.lanes};
        NA_SYMBOL(moments)(row, 0, call->out_width, &mask, moments);
      }
      if (call->stream) stream_row(to, row, call->out_width);
    }
  if (call->stream) stream_end();
}

/* Loads the rows of the output's gradient that input row y needs and that are not in the ring yet. */
static void load_gradients(const na_depthwise *call, const na_pullback *out, int channel, int block,
                           int y, ring *gradients, int *loaded)
{
  int last = (y + call->pad) / call->stride;
  for (; *loaded <= last && *loaded < call->out_height; ++*loaded)
    NA_SYMBOL(read_pullback)(out, channel, &call->mask,
                             ((long)block * call->out_height + *loaded) * (long)call->out_width,
                             call->out_width, ring_row(gradients, *loaded));
}

/* What follows row y of the input, when `loaded` rows of the output's gradient have been read. */
static upcoming what_follows(const na_depthwise *call, const na_view *in, const na_pullback *out,
                             int channel, int block, int y, int loaded)
{
  long row = (long)block * call->in_height + y + 1;
  long pulled = (long)block * call->out_height + loaded;
  size_t at = (size_t)channel * out->stride + (size_t)(pulled * call->out_width) * LANES;
  const float *values = in->data + (size_t)channel * in->stride;
  return (upcoming){.in = values + (size_t)(row * call->in_width) * LANES,
                    .grad = out->grad + at,
                    .data = (out->a != NULL ? out->data : out->grad) + at,
                    .outputs = (y + 1 + call->pad) / call->stride < loaded ? 0 : call->out_width};
}

void NA_SYMBOL(depthwise_backward)(const na_depthwise *call, const na_view *in,
                                   const na_pullback *out, int channel, float *weight_grad,
                                   float *in_grad, bool accumulate, const na_finish *how,
                                   double *sum, double *sum_x, float *memory)
{
  int taps = call->kernel * call->kernel, width = call->in_width;
  ring gradients = ring_init(memory, call->kernel, call->out_width, call->out_height);
  float *values = memory + ring_floats(&gradients), *line = values + (size_t)width * LANES;
  vf *sums = (vf *)(line + (size_t)width * LANES);
  pulled_row row = {.values = values, .width = width};
  bool onto = accumulate && in_grad != NULL, past = in_grad == NULL || (call->stream && !onto);
  for (int block = 0; block < call->blocks; block++) {
    memset(sums, 0, (size_t)taps * sizeof *sums);
    for (int y = 0, loaded = 0; y < call->in_height; y++) {
      long first = ((long)block * call->in_height + y) * (long)width;
      float *to = in_grad == NULL ? line : in_grad + (size_t)first * LANES;
      load_gradients(call, out, channel, block, y, &gradients, &loaded);
      NA_SYMBOL(read_view)(in, channel, first, width, values);
      row.dst = past ? line : to;
      row.next = what_follows(call, in, out, channel, block, y, loaded);
      backward_row(call, &row, &gradients, y, onto, sums);
      if (in_grad == NULL) continue;
      if (how != NULL) {
        na_finish here = *how;
        here.data += (size_t)first * LANES;
        NA_SYMBOL(finish)(row.dst, &here, 0, width, sum, sum_x);
      }
      if (past) stream_row(to, line, width);
    }
    for (int q = 0; q < taps; q++) weight_grad[q] += (float)lane_sum(sums[q]);
  }
  if (call->stream) stream_end();
}
