/* Depthwise convolution of one channel, forward and backward, row by row through rings of rows that
 * stay in the first-level cache: every value is loaded and normalised once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

#include <string.h>

/* Outputs computed side by side, so that neighbours share loads; taps kept in registers at most. */
enum { ACROSS = 4, KERNEL_MAX = 7 };

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

/* dst[x] (x < n) = sum over (ky, kx) of w[ky][kx] * rows[ky][x * step + kx - pad]. */
INLINE void correlate_row(int kernel, int step, float *dst, const float *const *rows,
                          const float *w, int n, bool accumulate)
{
  int pad = kernel / 2;
  for (int l = 0; l < LANES; l += VL) {
    int x = 0;
    for (; x + ACROSS <= n; x += ACROSS) {
      vf sum[ACROSS];
      for (int j = 0; j < ACROSS; j++)
        sum[j] = load_if(accumulate, dst + (x + j) * LANES + l);
      for (int ky = 0; ky < kernel; ky++)
        for (int kx = 0; kx < kernel; kx++)
          for (int j = 0; j < ACROSS; j++)
            sum[j] += w[ky * kernel + kx] * load(rows[ky] + ((x + j) * step + kx - pad) * LANES + l);
      for (int j = 0; j < ACROSS; j++) store(dst + (x + j) * LANES + l, sum[j]);
    }
    for (; x < n; x++) {
      vf sum = load_if(accumulate, dst + x * LANES + l);
      for (int ky = 0; ky < kernel; ky++)
        for (int kx = 0; kx < kernel; kx++)
          sum += w[ky * kernel + kx] * load(rows[ky] + (x * step + kx - pad) * LANES + l);
      store(dst + x * LANES + l, sum);
    }
  }
}

/* The gradient of a stride-2 convolution's input, columns of parity `odd`: for x = 2 m + odd,
 *   dst[x] = sum over ky = ky0, ky0 + 2 ... and kx of the right parity of
 *            w[ky][kx] * rows[ky][m + (odd + pad - kx) / 2]. */
INLINE void spread_columns(int kernel, int ky0, int odd, float *dst, const float *const *rows,
                           const float *w, int width, bool accumulate)
{
  int pad = kernel / 2, kx0 = (odd + pad) & 1;
  for (int l = 0; l < LANES; l += VL)
    for (int x = odd; x < width; x += 2) {
      float *to = dst + x * LANES + l;
      vf sum = load_if(accumulate, to);
      for (int ky = ky0; ky < kernel; ky += 2)
        for (int kx = kx0; kx < kernel; kx += 2)
          sum += w[ky * kernel + kx] * load(rows[ky] + (x / 2 + (odd + pad - kx) / 2) * LANES + l);
      store(to, sum);
    }
}

INLINE void spread_row(int kernel, int ky0, float *dst, const float *const *rows, const float *w,
                       int width, bool accumulate)
{
  spread_columns(kernel, ky0, 0, dst, rows, w, width, accumulate);
  spread_columns(kernel, ky0, 1, dst, rows, w, width, accumulate);
}

/* sums[kx] += sum over x of g[x] * row[x * step + kx - pad], one kernel row. */
INLINE void weigh_row(int kernel, int step, vf *sums, const float *g, const float *row, int n)
{
  int pad = kernel / 2;
  vf sum[KERNEL_MAX];
  for (int kx = 0; kx < kernel; kx++) sum[kx] = sums[kx];
  for (int x = 0; x < n; x++)
    for (int l = 0; l < LANES; l += VL) {
      vf d = load(g + x * LANES + l);
      for (int kx = 0; kx < kernel; kx++)
        sum[kx] += d * load(row + (x * step + kx - pad) * LANES + l);
    }
  for (int kx = 0; kx < kernel; kx++) sums[kx] = sum[kx];
}

/* All of a 3x3 kernel's taps in one pass. */
INLINE void weigh_three(int step, vf *sums, const float *g, const float *const *rows, int n)
{
  vf sum[9];
  for (int q = 0; q < 9; q++) sum[q] = sums[q];
  for (int x = 0; x < n; x++)
    for (int l = 0; l < LANES; l += VL) {
      vf d = load(g + x * LANES + l);
      for (int q = 0; q < 9; q++)
        sum[q] += d * load(rows[q / 3] + (x * step + q % 3 - 1) * LANES + l);
    }
  for (int q = 0; q < 9; q++) sums[q] = sum[q];
}

/* Calls M(kernel) with a constant where the size is a common one. */
#define FOR_KERNEL(kernel, M)                                                                      \
  switch (kernel) {                                                                                \
  case 3: M(3); break;                                                                             \
  case 5: M(5); break;                                                                             \
  case 7: M(7); break;                                                                             \
  default: M(kernel); break;                                                                       \
  }

static void forward_row(const na_depthwise *call, float *dst, const float *const *rows)
{
#define ROW(K)                                                                                     \
  if (call->stride == 1) correlate_row(K, 1, dst, rows, call->weight, call->out_width, false);     \
  else correlate_row(K, 2, dst, rows, call->weight, call->out_width, false)
  FOR_KERNEL(call->kernel, ROW)
#undef ROW
}

/* One row of the input's gradient. turned: the weights, for stride 1 turned by 180 degrees. */
static void backward_row(const na_depthwise *call, float *dst, const ring *gradients, int y,
                         const float *turned, bool accumulate)
{
  const float *rows[64];
  if (call->stride == 1) {
    for (int k = 0; k < call->kernel; k++) rows[k] = ring_row(gradients, y - call->pad + k);
#define ROW(K) correlate_row(K, 1, dst, rows, turned, call->in_width, accumulate)
    FOR_KERNEL(call->kernel, ROW)
#undef ROW
    return;
  }
  int ky0 = (y + call->pad) & 1;
  for (int ky = ky0; ky < call->kernel; ky += 2)
    rows[ky] = y + call->pad < ky ? gradients->zeros + (size_t)gradients->count * LANES
                                  : ring_row(gradients, (y + call->pad - ky) / 2);
#define ROW(K)                                                                                     \
  if (ky0 == 0) spread_row(K, 0, dst, rows, turned, call->in_width, accumulate);             \
  else spread_row(K, 1, dst, rows, turned, call->in_width, accumulate)
  FOR_KERNEL(call->kernel, ROW)
#undef ROW
}

/* Adds one output row's products to the weight gradient: in registers for the common sizes. */
static void weigh(const na_depthwise *call, vf *sums, float *weight_grad, const float *g,
                  const float *const *rows)
{
  int n = call->out_width;
  if (call->kernel > KERNEL_MAX) {
    for (int q = 0; q < call->kernel * call->kernel; q++) {
      vf sum = {0};
      for (int x = 0; x < n; x++)
        for (int l = 0; l < LANES; l += VL)
          sum += load(g + x * LANES + l) *
                 load(rows[q / call->kernel] +
                      (x * call->stride + q % call->kernel - call->pad) * LANES + l);
      weight_grad[q] += (float)lane_sum(sum);
    }
    return;
  }
  if (call->kernel == 3) {
    if (call->stride == 1) weigh_three(1, sums, g, rows, n);
    else weigh_three(2, sums, g, rows, n);
    return;
  }
  for (int ky = 0; ky < call->kernel; ky++) {
    vf *to = sums + ky * call->kernel;
#define WEIGH(K)                                                                                   \
  if (call->stride == 1) weigh_row(K, 1, to, g, rows[ky], n);                                      \
  else weigh_row(K, 2, to, g, rows[ky], n)
    FOR_KERNEL(call->kernel, WEIGH)
#undef WEIGH
  }
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
  float *line = memory + ring_floats(&values);
  for (int block = 0; block < call->blocks; block++)
    for (int y = 0, loaded = 0; y < call->out_height; y++) {
      long first = ((long)block * call->out_height + y) * (long)call->out_width;
      float *to = out + (size_t)first * LANES, *row = call->stream ? line : to;
      load_values(call, in, channel, block, y, &values, &loaded);
      value_rows(call, &values, y, rows);
      forward_row(call, row, rows);
      if (moments != NULL) {
        if (first == 0) *moments = (na_moments){.shift = row[0]};
        na_mask mask = {call->mask.first - first, call->mask.lanes};
        NA_SYMBOL(moments)(row, 0, call->out_width, &mask, moments);
      }
      if (call->stream) stream_row(to, row, call->out_width);
    }
  if (call->stream) stream_end();
}

/* Asks for the next row of the output's gradient and of its values: they come from memory. */
static void fetch_pullback(const na_pullback *out, int channel, long first, int count)
{
  size_t at = (size_t)channel * out->stride + (size_t)first * LANES;
  for (size_t i = 0; i < (size_t)count * LANES; i += LANES) {
    __builtin_prefetch(out->grad + at + i, 0, 2);
    if (out->a != NULL) __builtin_prefetch(out->data + at + i, 0, 2);
  }
}

/* What depthwise_backward works on. */
typedef struct backward {
  const na_depthwise *call;
  const na_finish *finish;
  const float *turned; /* weights of the input's gradient */
  float *in_grad, *line;
  bool accumulate;
  double *sum, *sum_x;
} backward;

/* Row y of block `block` of the input's gradient, finished. */
static void backward_line(const backward *b, const ring *gradients, int block, int y)
{
  const na_depthwise *call = b->call;
  long first = ((long)block * call->in_height + y) * (long)call->in_width;
  float *to = b->in_grad + (size_t)first * LANES;
  bool past = call->stream && !b->accumulate;
  float *row = past ? b->line : to;
  backward_row(call, row, gradients, y, b->turned, b->accumulate);
  if (b->finish != NULL) {
    na_finish how = *b->finish;
    how.data += (size_t)first * LANES;
    NA_SYMBOL(finish)(row, &how, 0, call->in_width, b->sum, b->sum_x);
  }
  if (past) stream_row(to, row, call->in_width);
}

void NA_SYMBOL(depthwise_backward)(const na_depthwise *call, const na_view *in,
                                   const na_pullback *out, int channel, float *weight_grad,
                                   float *in_grad, bool accumulate, const na_finish *how,
                                   double *sum, double *sum_x, float *memory)
{
  int taps = call->kernel * call->kernel;
  const float *rows[64];
  float flipped[KERNEL_MAX * KERNEL_MAX], large[63 * 63];
  float *turned = call->kernel > KERNEL_MAX ? large : flipped;
  ring values = ring_init(memory, call->kernel, call->in_width, call->in_height);
  memory += ring_floats(&values);
  ring gradients = ring_init(memory, call->kernel, call->out_width, call->out_height);
  backward b = {call, how, call->stride == 1 ? turned : call->weight, in_grad,
                memory + ring_floats(&gradients), accumulate, sum, sum_x};
  for (int q = 0; q < taps; q++) turned[q] = call->weight[taps - 1 - q];
  for (int block = 0; block < call->blocks; block++) {
    vf sums[KERNEL_MAX * KERNEL_MAX] = {{0}};
    int loaded = 0, done = 0;
    for (int y = 0; y < call->out_height; y++) {
      long first = ((long)block * call->out_height + y) * (long)call->out_width;
      NA_SYMBOL(read_pullback)(out, channel, &call->mask, first, call->out_width,
                               ring_row(&gradients, y));
      fetch_pullback(out, channel, first + call->out_width, call->out_width);
      load_values(call, in, channel, block, y, &values, &loaded);
      value_rows(call, &values, y, rows);
      weigh(call, sums, weight_grad, ring_row(&gradients, y), rows);
      if (in_grad == NULL) continue;
      /* Input rows up to here get nothing from later output rows. */
      int ready = y + 1 < call->out_height ? (y + 1) * call->stride - call->pad : call->in_height;
      for (; done < ready && done < call->in_height; done++)
        backward_line(&b, &gradients, block, done);
    }
    if (call->kernel <= KERNEL_MAX)
      for (int q = 0; q < taps; q++) weight_grad[q] += (float)lane_sum(sums[q]);
  }
  if (call->stream) stream_end();
}
