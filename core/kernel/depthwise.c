/* Depthwise convolution of one channel, forward, row by row. The rows that a kernel covers stay in the
 * first-level cache; the next ones are fetched meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/ring.h"

/* Outputs computed side by side, so that their sums do not wait for each other. */
enum { ACROSS = VL == 16 ? 8 : 4, NARROW = 4 };

/* Sums over outputs about the channel's shift, in float: see moments. */
typedef struct tally {
  float shift;
  pair_sum sums; /* of the differences, and of their squares */
} tally;

/* What becomes of a row of outputs: written past the caches; counted, in the tally. */
typedef struct target {
  bool past, counted;
} target;

/* Counts values[skip .. across), which become their sums: in a tree, or each addition would wait for the one
 * before. */
INLINE void count_group(int across, vf *values, int skip, tally *t)
{
  vf square[ACROSS];
  UNROLL for (int j = 0; j < across; j++) {
    values[j] -= t->shift;
    if (j < skip) values[j] = splat(0);
    square[j] = values[j] * values[j];
  }
  UNROLL for (int half = across / 2; half > 0; half /= 2)
    UNROLL for (int j = 0; j < half; j++) {
      values[j] += values[j + half];
      square[j] += square[j + half];
    }
  t->sums.first += values[0];
  t->sums.second += square[0];
}

/* dst[x .. x + across) = sum over (ky < tall, kx < kernel) of w[ky][kx] * rows[ky][x * step + kx - pad], for
 * the lanes from l on. Those before `fresh` have been counted. */
INLINE void correlate_group(int kernel, int tall, int step, int across, target to, float *dst,
                            const float *const *rows, const float *w, int x, int fresh, int l, tally *t)
{
  int pad = kernel / 2;
  vf sum[ACROSS];
  UNROLL for (int j = 0; j < across; j++) sum[j] = splat(0);
  for (int ky = 0; ky < tall; ky++) {
    const float *row = rows[ky] + (x * step - pad) * LANES + l;
    __asm__("" : "+r"(row));
    UNROLL for (int i = 0; i < (across - 1) * step + kernel; i++) {
      vf value = load(row + i * LANES);
      UNROLL for (int kx = i % step; kx < kernel && kx <= i; kx += step)
        if ((i - kx) / step < across) sum[(i - kx) / step] += w[ky * kernel + kx] * value;
    }
  }
  UNROLL for (int j = 0; j < across; j++) {
    if (to.past) stream(dst + (x + j) * LANES + l, sum[j]);
    else store(dst + (x + j) * LANES + l, sum[j]);
  }
  if (to.counted) count_group(across, sum, fresh - x, t);
}

/* A row of n outputs. What the next row will read, `next`, is fetched meanwhile. The last group may
 * begin before the end of the last but one. */
INLINE void correlate_row(int kernel, int tall, int step, target to, float *dst, const float *const *rows,
                          const float *w, int n, const float *next, tally *all)
{
  tally t = *all;
  for (int l = 0; l < LANES; l += VL) {
    int x = 0;
    for (; x + ACROSS <= n; x += ACROSS) {
      for (int i = x * step * step; l == 0 && i < (x + ACROSS) * step * step; i++)
        __builtin_prefetch(next + i * LANES);
      correlate_group(kernel, tall, step, ACROSS, to, dst, rows, w, x, x, l, &t);
    }
    for (; x < n && n >= NARROW; x += NARROW)
      correlate_group(kernel, tall, step, NARROW, to, dst, rows, w, x + NARROW < n ? x : n - NARROW, x, l,
                      &t);
    for (; x < n; x++) correlate_group(kernel, tall, step, 1, to, dst, rows, w, x, x, l, &t);
  }
  all->sums = t.sums;
}

/* The rows of a kernel that are summed, `count` from row `first` on; the others see only zeros. */
typedef struct reach {
  int first, count;
  const float *rows[KERNEL_LIMIT]; /* of the plane, or zeros */
} reach;

static void forward_row(const na_depthwise *call, target to, float *dst, const reach *from,
                        const float *next, tally *t)
{
  const float *w = call->weight + from->first * call->kernel;
  int n = call->out_width;
#define TARGET(K, TALL, STEP)                                                                      \
  if (to.past && to.counted)                                                                       \
    correlate_row(K, TALL, STEP, (target){true, true}, dst, from->rows, w, n, next, t);            \
  else if (to.past)                                                                                \
    correlate_row(K, TALL, STEP, (target){true, false}, dst, from->rows, w, n, next, t);           \
  else if (to.counted)                                                                             \
    correlate_row(K, TALL, STEP, (target){false, true}, dst, from->rows, w, n, next, t);           \
  else                                                                                             \
    correlate_row(K, TALL, STEP, (target){false, false}, dst, from->rows, w, n, next, t)
#define ROW(K, TALL)                                                                               \
  if (call->stride == 1) TARGET(K, TALL, 1);                                                       \
  else TARGET(K, TALL, 2)
  switch (call->kernel) {
  case 3: ROW(3, 3); break;
  case 5: ROW(5, from->count); break;
  case 7: ROW(7, from->count); break;
  default: ROW(call->kernel, from->count); break;
  }
#undef ROW
#undef TARGET
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

/* What output row y sees. All rows of a 3x3 kernel are summed, as they are unrolled. */
static void reach_rows(const na_depthwise *call, const ring *values, int y, reach *to)
{
  int above = y * call->stride - call->pad, left = call->in_height - above, end = call->kernel;
  to->first = 0;
  if (call->kernel != 3) {
    if (above < 0) to->first = -above;
    if (left < end) end = left;
  }
  to->count = end - to->first;
  for (int k = 0; k < to->count; k++) to->rows[k] = ring_row(values, above + to->first + k);
}

/* The first row, whose first value is the channel's shift, or one with lanes that do not count: it is
 * looked at again. */
static void look_again(const na_depthwise *call, const float *row, long first, na_moments *moments)
{
  if (first == 0) *moments = (na_moments){.shift = row[0]};
  na_mask mask = {call->mask.first - first, call->mask.lanes};
  NA_SYMBOL(moments)(row, 0, call->out_width, &mask, moments);
}

void NA_SYMBOL(depthwise_forward)(const na_depthwise *call, const na_view *in, int channel,
                                  float *out, na_moments *moments, float *memory)
{
  reach from;
  ring values = ring_init(memory, call->kernel, call->in_width, call->in_height);
  const float *plane = in->data + (size_t)channel * in->stride;
  float *line = memory + ring_floats(&values);
  int width = call->out_width;
  tally t = {.shift = 0};
  for (int block = 0; block < call->blocks; block++)
    for (int y = 0, loaded = 0; y < call->out_height; y++) {
      long first = ((long)block * call->out_height + y) * (long)width;
      bool apart = moments != NULL && (first == 0 || first + width > call->mask.first);
      float *to = out + (size_t)first * LANES;
      load_values(call, in, channel, block, y, &values, &loaded);
      reach_rows(call, &values, y, &from);
      long coming = ((long)block * call->in_height + loaded) * (long)call->in_width;
      target how = {call->stream && !apart, moments != NULL && !apart};
      forward_row(call, how, apart ? line : to, &from, plane + coming * LANES, &t);
      if (apart) {
        look_again(call, line, first, moments);
        t.shift = moments->shift;
        memcpy(to, line, (size_t)(width * LANES) * sizeof *to);
      } else if (moments != NULL) {
        t.sums.pixels += width;
        widen(&t.sums, WAITING, &moments->sum, &moments->square);
      }
    }
  if (moments != NULL) widen(&t.sums, 0, &moments->sum, &moments->square);
  if (call->stream) stream_end();
}
