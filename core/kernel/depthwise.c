/* Depthwise convolution of one channel, forward, row by row. The rows that a kernel covers stay in the
 * first-level cache; the next ones are fetched meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/rows.h"

/* Outputs computed side by side, so that their sums do not wait for each other. */
enum { ACROSS = VL == 16 ? 8 : 4, NARROW = 4 };

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

static void forward_row(const na_depthwise *call, float *dst, const float *const *rows,
                        const float *next)
{
#define ROW(K)                                                                                     \
  if (call->stride == 1) correlate_row(K, 1, dst, rows, call->weight, call->out_width, next);      \
  else correlate_row(K, 2, dst, rows, call->weight, call->out_width, next)
  FOR_KERNEL(call->kernel, ROW)
#undef ROW
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

void NA_SYMBOL(depthwise_forward)(const na_depthwise *call, const na_view *in, int channel,
                                  float *out, na_moments *moments, float *memory)
{
  const float *rows[KERNEL_LIMIT];
  ring values = ring_init(memory, call->kernel, call->in_width, call->in_height);
  const float *plane = in->data + (size_t)channel * in->stride;
  float *band = memory + ring_floats(&values);
  int width = call->out_width, step = band_rows(width);
  for (int block = 0; block < call->blocks; block++)
    for (int y0 = 0, loaded = 0; y0 < call->out_height; y0 += step) {
      int y1 = y0 + step < call->out_height ? y0 + step : call->out_height;
      long first = ((long)block * call->out_height + y0) * (long)width, count = (long)(y1 - y0) * width;
      float *to = out + (size_t)first * LANES, *row = call->stream ? band : to;
      for (int y = y0; y < y1; y++) {
        load_values(call, in, channel, block, y, &values, &loaded);
        value_rows(call, &values, y, rows);
        long coming = ((long)block * call->in_height + loaded) * (long)call->in_width;
        forward_row(call, row + (size_t)((y - y0) * width) * LANES, rows, plane + coming * LANES);
      }
      if (moments != NULL) {
        if (first == 0) *moments = (na_moments){.shift = row[0]};
        na_mask mask = {call->mask.first - first, call->mask.lanes};
        NA_SYMBOL(moments)(row, 0, count, &mask, moments);
      }
      if (call->stream) stream_run(to, row, count);
    }
  if (call->stream) stream_end();
}
