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

/* What becomes of a row of outputs: written past the caches; counted, in the tally; rounded. */
typedef struct target {
  bool past, counted, rounded;
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

/* Pixels x .. x + across of dst = sum over (ky < tall, kx < kernel) of w[ky][kx] * rows[ky][x * step + kx - pad], for
 * the lanes from l on. Those before `fresh` have been counted. */
INLINE void correlate_group(int kernel, int tall, int step, int across, target to, float *dst,
                            const float *const *rows, const float *w, int x, int fresh, int l, tally *t)
{
  int pad = kernel / 2;
  vf sum[ACROSS];
  UNROLL for (int j = 0; j < across; j++) sum[j] = splat(0);
  for (int ky = 0; ky < tall; ky++) {
    const float *row = rows[ky] + (x * step - pad) * LANES + l;
    /* A place of its own: or the compiler keeps a register for each distance from the plane, and runs out of them. */
    __asm__("" : "+r"(row));
    UNROLL for (int i = 0; i < (across - 1) * step + kernel; i++) {
      vf value = load_once(row + i * LANES);
      UNROLL for (int kx = i % step; kx < kernel && kx <= i; kx += step)
        if ((i - kx) / step < across) sum[(i - kx) / step] += w[ky * kernel + kx] * value;
    }
  }
  UNROLL for (int j = 0; j < across; j++) {
    size_t at = (size_t)((x + j) * LANES + l);
    if (to.past) stream_value(dst, at, sum[j], to.rounded);
    else store_value(dst, at, sum[j], to.rounded);
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
/* What becomes of results is asked where they are stored: loops of their own are not faster. */
#define ROW(K, TALL)                                                                               \
  if (call->stride == 1) correlate_row(K, TALL, 1, to, dst, from->rows, w, n, next, t);            \
  else correlate_row(K, TALL, 2, to, dst, from->rows, w, n, next, t);                              \
  break
  switch (call->kernel) {
  case 3: ROW(3, 3);
  case 5: ROW(5, from->count);
  case 7: ROW(7, from->count);
  default: ROW(call->kernel, from->count);
  }
#undef ROW
}

/* One channel, on its way through its planes. */
typedef struct passing {
  const na_depthwise *call;
  const na_view *in;
  int channel;
  ring values;         /* of the input */
  int block, loaded;   /* rows of this block that the ring has been given */
  float *line;         /* a row of outputs */
  na_moments *moments; /* NULL: not wanted */
  tally tally;
} passing;

/* For `count` rows of the output from row `first` on. */
static passing passing_init(const na_depthwise *call, const na_view *in, int channel, int first, int count,
                            na_moments *moments, float *memory)
{
  int above = first * call->stride - call->pad;
  bool inside = above >= 0 && above + (count - 1) * call->stride + call->kernel <= call->in_height;
  passing p = {.call = call, .in = in, .channel = channel, .moments = moments,
               .values = ring_init(memory, call->kernel, call->in_width, call->in_height, inside)};
  p.line = memory + ring_floats(&p.values);
  if (moments != NULL) p.tally.shift = moments->shift;
  return p;
}

/* Loads the rows of the input that output row y needs and that are not in the ring yet. */
static void load_values(passing *p, int y)
{
  const na_depthwise *call = p->call;
  int last = y * call->stride - call->pad + call->kernel - 1;
  for (; p->loaded <= last && p->loaded < call->in_height; p->loaded++)
    NA_SYMBOL(read_view)(p->in, p->channel, ((long)p->block * call->in_height + p->loaded) * (long)call->in_width,
                         call->in_width, ring_row(&p->values, p->loaded));
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

/* A row that is counted by itself: with lanes that do not count, or the first one, whose first value is the
 * moments' shift. */
static void look_again(passing *p, long first, bool start)
{
  if (start) *p->moments = (na_moments){.shift = p->line[0]};
  na_mask mask = {p->call->mask.first - first, p->call->mask.lanes};
  NA_SYMBOL(moments)(p->line, false, 0, p->call->out_width, &mask, p->moments);
  p->tally.shift = p->moments->shift;
}

/* Row y of the block's outputs; start: the moments begin with it. */
static void pass_row(passing *p, int y, bool start, float *out)
{
  const na_depthwise *call = p->call;
  int width = call->out_width;
  long first = ((long)p->block * call->out_height + y) * (long)width;
  bool apart = p->moments != NULL && (start || first + width > call->mask.first);
  float *to = out + na_stored(call->rounded, first);
  reach from;
  load_values(p, y);
  reach_rows(call, &p->values, y, &from);
  long coming = ((long)p->block * call->in_height + p->loaded) * (long)call->in_width;
  target how = {call->stream && !apart, p->moments != NULL && !apart, call->rounded && !apart};
  forward_row(call, how, apart ? p->line : to, &from,
              p->in->data + (size_t)p->channel * p->in->stride + na_stored(p->in->rounded, coming), &p->tally);
  if (apart) {
    look_again(p, first, start);
    for (int i = 0; i < width * LANES; i += VL)
      store_value(to, (size_t)i, load(p->line + i), call->rounded);
  } else if (p->moments != NULL) {
    p->tally.sums.pixels += width;
    widen(&p->tally.sums, WAITING, &p->moments->sum, &p->moments->square);
  }
}

static void pass_stripe(passing *p, const na_stripe *stripe, bool start, float *out)
{
  int above = stripe->first * p->call->stride - p->call->pad;
  p->block = stripe->block;
  p->loaded = above > 0 ? above : 0;
  for (int y = stripe->first; y < stripe->first + stripe->count; y++)
    pass_row(p, y, start && y == stripe->first, out);
}

static void passing_end(passing *p)
{
  if (p->moments != NULL) widen(&p->tally.sums, 0, &p->moments->sum, &p->moments->square);
  if (p->call->stream) stream_end();
}

void NA_SYMBOL(depthwise_forward)(const na_depthwise *call, const na_view *in, int channel,
                                  float *out, na_moments *moments, float *memory)
{
  passing p = passing_init(call, in, channel, 0, call->out_height, moments, memory);
  for (int block = 0; block < call->blocks; block++)
    pass_stripe(&p, &(na_stripe){block, 0, call->out_height}, block == 0, out);
  passing_end(&p);
}

void NA_SYMBOL(depthwise_forward_stripe)(const na_depthwise *call, const na_view *in, int channel,
                                         const na_stripe *stripe, float *out, na_moments *moments, bool start,
                                         float *memory)
{
  passing p = passing_init(call, in, channel, stripe->first, stripe->count, moments, memory);
  pass_stripe(&p, stripe, start, out);
  passing_end(&p);
}
