/* Packing operands of bf16 products: values and gradients are normalised and rounded while they are loaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat.h"

/* Rows further down that are fetched meanwhile: see pack.c. */
enum { PREFETCH_ROWS = 2 };

/* How a row is read: as an activation's values, or as a gradient that is pulled back. */
enum { PULLED = -1 };

/* A channel from the tile's first pixel on. */
typedef struct row {
  const float *data, *grad; /* grad: PULLED */
  float scale, shift, factor; /* act(scale * data + shift); or factor * grad + (scale * data + shift) */
  const float *lanes;       /* of the run at hand: multiplied; NULL: 1 */
} row;

INLINE vf read_row(const row *r, size_t at, int how, bool rounded)
{
  vf x = load_value(r->data, at, rounded) * r->scale + r->shift;
  if (how == PULLED) return load_value(r->grad, at, rounded) * r->factor + x;
  return activate(x, (na_activation)how);
}

/* Two rows of a tile, or one. */
typedef struct row_pair {
  row rows[2];
  bool alone, rounded; /* one row; how they are stored */
  size_t ahead; /* floats to the rows that are fetched */
  uint16_t *right, *left; /* of pixel 0 */
  size_t right_step, left_step; /* between pixels, between pairs of pixels */
} row_pair;

/* Pixels first .. end of the tile, all of one block. */
INLINE void pack_run(const row_pair *p, int first, int end, int how, int uses, bool rounded, bool alone,
                     bool masked)
{
  /* Copies stay in registers: what is stored may be anything. */
  const row a = p->rows[0], b = p->rows[1];
  const size_t ahead = p->ahead, right_step = p->right_step, left_step = p->left_step;
  uint16_t *right = p->right + (size_t)first * right_step;
  for (int pixel = first; pixel < end; pixel++, right += right_step) {
    uint16_t *left = p->left + (size_t)(pixel / 2) * left_step + pixel % 2 * LANES;
    for (int l = 0; l < LANES; l += VL) {
      size_t at = (size_t)(pixel * LANES + l);
      size_t coming = ahead + (at >> rounded);
      vf x[2] = {read_row(&a, at, how, rounded), splat(0)};
      __builtin_prefetch(a.data + coming);
      if (how == PULLED) __builtin_prefetch(a.grad + coming);
      if (masked) x[0] *= load(a.lanes + l);
      if (!alone) {
        x[1] = read_row(&b, at, how, rounded);
        __builtin_prefetch(b.data + coming);
        if (how == PULLED) __builtin_prefetch(b.grad + coming);
        if (masked) x[1] *= load(b.lanes + l);
      }
      if (uses & NA_RIGHT) store_pairs(right + 2 * l, x[0], x[1]);
      if (uses & NA_LEFT) {
        store_rounded(left + l, x[0]);
        if (!alone) store_rounded(left + DEPTH + l, x[1]);
      }
    }
  }
}

/* One function for each way to read, use, and mask. */
#define PACK_STORED(HOW, USES, ROUNDED)                                                            \
  if (p->alone && p->rows[0].lanes != NULL) pack_run(p, first, end, HOW, USES, ROUNDED, true, true); \
  else if (p->alone) pack_run(p, first, end, HOW, USES, ROUNDED, true, false);                     \
  else if (p->rows[0].lanes != NULL) pack_run(p, first, end, HOW, USES, ROUNDED, false, true);     \
  else pack_run(p, first, end, HOW, USES, ROUNDED, false, false)
#define PACK(HOW, USES)                                                                            \
  if (p->rounded) {                                                                                \
    PACK_STORED(HOW, USES, true);                                                                  \
  } else {                                                                                         \
    PACK_STORED(HOW, USES, false);                                                                 \
  }

static void pack_values(const row_pair *p, int first, int end, na_activation act, int uses)
{
#define PACK_VALUES(ACT)                                                                           \
  if (uses == NA_RIGHT) PACK((int)(ACT), NA_RIGHT)                                                 \
  else if (uses == NA_LEFT) PACK((int)(ACT), NA_LEFT)                                              \
  else PACK((int)(ACT), NA_RIGHT | NA_LEFT)
  FOR_ACTIVATION(act, PACK_VALUES)
#undef PACK_VALUES
}

static void pack_gradients(const row_pair *p, int first, int end, int uses)
{
  if (uses == NA_RIGHT) PACK(PULLED, NA_RIGHT)
  else if (uses == NA_LEFT) PACK(PULLED, NA_LEFT)
  else PACK(PULLED, NA_RIGHT | NA_LEFT)
}
#undef PACK
#undef PACK_STORED

static void clear(uint16_t *to, size_t values) { memset(to, 0, values * sizeof *to); }

/* What no row fills: the odd line of each pixel and those behind the last, the last pixel's half. */
static void pad_tile(uint16_t *tile, int rows, int count, int uses)
{
  size_t lines = pair_lines(rows), filled = (size_t)((rows + 1) / 2);
  uint16_t *left = left_factor(tile, rows, count);
  if (uses & NA_RIGHT) {
    for (size_t pixel = 0; filled < lines && pixel < (size_t)count; pixel++)
      clear(tile + (pixel * lines + filled) * DEPTH, DEPTH);
    clear(tile + (size_t)count * lines * DEPTH, (PAIRS - 1) * DEPTH);
  }
  if ((uses & NA_LEFT) && count % 2 != 0)
    for (int r = 0; r < rows; r++) clear(left + (size_t)(count / 2 * rows + r) * DEPTH + LANES, LANES);
}

static row_pair pair_init(uint16_t *tile, int r, int rows, int count, size_t stride, bool rounded)
{
  return (row_pair){.alone = r + 1 == rows,
                    .rounded = rounded,
                    .ahead = PREFETCH_ROWS * stride,
                    .right = tile + (size_t)(r / 2) * DEPTH,
                    .left = left_factor(tile, rows, count) + (size_t)r * DEPTH,
                    .right_step = pair_lines(rows) * DEPTH,
                    .left_step = (size_t)rows * DEPTH};
}

static row value_row(const na_view *view, int c, long first)
{
  return (row){.data = view->data + (size_t)c * view->stride + na_stored(view->rounded, first),
               .scale = view->scale != NULL ? view->scale[c] : 1.0f,
               .shift = view->shift != NULL ? view->shift[c] : 0.0f};
}

static const float *gate_of(const na_view *view, int c, long block)
{
  return view->gate + (size_t)c * view->gate_stride + (size_t)block * LANES;
}

/* The pixels of each block have lanes of their own. */
static void pack_gated(const na_view *view, row_pair *p, int c, long first, int count, int uses)
{
  long area = (long)view->height * view->width;
  for (int from = 0, to; from < count; from = to) {
    long block = (first + from) / area, left = (block + 1) * area - first;
    to = left < count ? (int)left : count;
    p->rows[0].lanes = gate_of(view, c, block);
    if (!p->alone) p->rows[1].lanes = gate_of(view, c + 1, block);
    pack_values(p, from, to, view->act, uses);
  }
}

void NA_SYMBOL(bfloat_pack_view)(const na_view *view, int channels, long first, int count, int uses, float *to)
{
  uint16_t *tile = (uint16_t *)to;
  pad_tile(tile, channels, count, uses);
  for (int c = 0; c < channels; c += 2) {
    row_pair p = pair_init(tile, c, channels, count, view->stride, view->rounded);
    for (int i = 0; i < 2 - p.alone; i++) p.rows[i] = value_row(view, c + i, first);
    if (view->gate != NULL) pack_gated(view, &p, c, first, count, uses);
    else pack_values(&p, 0, count, view->act, uses);
  }
}

static row gradient_row(const na_pullback *pullback, int c, long first)
{
  size_t at = (size_t)c * pullback->stride + na_stored(pullback->rounded, first);
  row r = {.grad = pullback->grad + at, .factor = 1};
  r.data = r.grad;
  if (pullback->a == NULL) return r;
  r.data = pullback->data + at;
  r.factor = pullback->a[c];
  r.scale = pullback->b[c];
  r.shift = pullback->c[c];
  return r;
}

void NA_SYMBOL(bfloat_pack_pullback)(const na_pullback *pullback, int channels, const na_mask *mask, long first,
                                     int count, int uses, float *to)
{
  uint16_t *tile = (uint16_t *)to;
  long rest = mask->first - first; /* pixels that are not masked */
  int clean = rest <= 0 ? 0 : rest < count ? (int)rest : count;
  pad_tile(tile, channels, count, uses);
  for (int c = 0; c < channels; c += 2) {
    row_pair p = pair_init(tile, c, channels, count, pullback->stride, pullback->rounded);
    for (int i = 0; i < 2 - p.alone; i++) p.rows[i] = gradient_row(pullback, c + i, first);
    pack_gradients(&p, 0, clean, uses);
    p.rows[0].lanes = p.rows[1].lanes = mask->lanes;
    if (clean < count) pack_gradients(&p, clean, count, uses);
  }
}

/* ------------------------------------------------------------------------------ columns */

/* Two pixels of a channel as they are packed; the second may be none. */
INLINE void round_pixels(uint16_t *to, const row *r, bool rounded, int pixel, bool second, na_activation act,
                         const float *gate, const float *gate2)
{
  for (int l = 0; l < LANES; l += VL) {
    vf x = read_row(r, (size_t)(pixel * LANES + l), (int)act, rounded), y = splat(0);
    if (gate != NULL) x *= load(gate + l);
    if (second) y = read_row(r, (size_t)((pixel + 1) * LANES + l), (int)act, rounded);
    if (second && gate2 != NULL) y *= load(gate2 + l);
    store_rounded(to + l, x);
    store_rounded(to + LANES + l, y);
  }
}

/* to[j][i] = from[i][j]: BLOCK x BLOCK pairs. */
INLINE void turn_block(const uint16_t *from, uint16_t *to)
{
  for (int i = 0; i < BLOCK; i += VL)
    for (int j = 0; j < BLOCK; j += VL) {
      vf x[VL];
      UNROLL for (int e = 0; e < VL; e++) x[e] = load((const float *)(from + (i + e) * DEPTH + 2 * j));
      transpose(x);
      UNROLL for (int e = 0; e < VL; e++) store((float *)(to + (j + e) * DEPTH + 2 * i), x[e]);
    }
}

#if defined(__AVX512F__)
/* The same for whole pairs of pixels without a gate, all in registers. */
INLINE void turn_pixels(const row *rows, bool rounded, size_t at, na_activation act, uint16_t *to)
{
  vf x[VL];
  UNROLL for (int e = 0; e < VL; e++)
    x[e] = round_halves(read_row(&rows[e], at, (int)act, rounded), read_row(&rows[e], at + LANES, (int)act, rounded));
  transpose(x);
  UNROLL for (int e = 0; e < VL; e++) store((float *)(to + e * DEPTH), x[e]);
}
#endif

/* Channels c .. c + BLOCK; those beyond `channels` are zero. */
INLINE void pack_block(const na_view *view, bool rounded, int c, int channels, long first, int count,
                       na_activation act, uint16_t *to)
{
  uint16_t block[BLOCK * DEPTH] __attribute__((aligned(64)));
  row rows[BLOCK];
  long area = (long)view->height * view->width;
  int some = channels - c < BLOCK ? channels - c : BLOCK;
  for (int e = 0; e < some; e++) rows[e] = value_row(view, c + e, first);
  clear(block, BLOCK * DEPTH);
  for (int pixel = 0; pixel < count; pixel += 2, to += BLOCK * DEPTH) {
    bool second = pixel + 1 < count;
#if defined(__AVX512F__)
    if (second && some == BLOCK && view->gate == NULL) {
      turn_pixels(rows, rounded, (size_t)pixel * LANES, act, to);
      continue;
    }
#endif
    for (int e = 0; e < some; e++) {
      const float *gate = NULL, *gate2 = NULL;
      if (view->gate != NULL) {
        gate = gate_of(view, c + e, (first + pixel) / area);
        gate2 = gate_of(view, c + e, (first + pixel + second) / area);
      }
      round_pixels(block + e * DEPTH, &rows[e], rounded, pixel, second, act, gate, gate2);
    }
    turn_block(block, to);
  }
}

void NA_SYMBOL(bfloat_pack_columns)(const na_view *view, int channels, long first, int count, float *to)
{
  uint16_t *columns = (uint16_t *)to;
  for (int c = 0; c < channels; c += BLOCK, columns += (size_t)((count + 1) / 2) * BLOCK * DEPTH) {
#define PACK(ACT)                                                                                  \
  if (view->rounded) pack_block(view, true, c, channels, first, count, ACT, columns);              \
  else pack_block(view, false, c, channels, first, count, ACT, columns)
    FOR_ACTIVATION(view->act, PACK)
#undef PACK
  }
}

/* ------------------------------------------------------------------------------ matrices */

/* A(r, k) of the matrix that pack_matrix is given. */
typedef struct source {
  const float *at;
  int rows, inner, depth;
  size_t row_stride, outer_stride;
} source;

INLINE float element(const source *s, int r, int k)
{
  if (s->inner == s->depth) return s->at[(size_t)r * s->row_stride + (size_t)k];
  return s->at[(size_t)r * s->row_stride + (size_t)(k / s->inner) * s->outer_stride + (size_t)(k % s->inner)];
}

/* Whole block whose rows are contiguous. */
INLINE void pack_rows(const float *from, size_t stride, uint16_t *to)
{
  for (int r = 0; r < BLOCK; r++, from += stride, to += DEPTH)
    for (int k = 0; k < DEPTH; k += VL) store_rounded(to + k, *(const vf_anywhere *)(from + k));
}

/* Whole block whose columns are contiguous. */
INLINE void pack_turned(const float *from, size_t stride, uint16_t *to)
{
  for (int r = 0; r < BLOCK; r += VL)
    for (int j = 0; j < PAIRS; j += VL) {
      const float *pair = from + (size_t)(2 * j) * stride + r;
      vf x[VL];
      UNROLL for (int e = 0; e < VL; e++, pair += 2 * stride)
        x[e] = round_pairs(*(const vf_anywhere *)pair, *(const vf_anywhere *)(pair + stride));
      transpose(x);
      UNROLL for (int e = 0; e < VL; e++) store((float *)(to + (r + e) * DEPTH + 2 * j), x[e]);
    }
}

/* A block that is not whole, through a copy. */
static void pack_edge(const source *s, int r, int k, bool turned, uint16_t *to)
{
  float copy[BLOCK * DEPTH] = {0};
  int rows = s->rows - r < BLOCK ? s->rows - r : BLOCK, depth = s->depth - k < DEPTH ? s->depth - k : DEPTH;
  for (int j = 0; j < depth && turned; j++)
    memcpy(copy + j * BLOCK, s->at + (size_t)(k + j) * s->outer_stride + (size_t)r, (size_t)rows * sizeof *copy);
  for (int i = 0; i < rows && !turned; i++)
    for (int j = 0; j < depth; j++) copy[i * DEPTH + j] = element(s, r + i, k + j);
  if (turned) pack_turned(copy, BLOCK, to);
  else pack_rows(copy, DEPTH, to);
}

void NA_SYMBOL(bfloat_pack_matrix)(const float *from, int rows, int outer, int inner, size_t row_stride,
                                   size_t outer_stride, int first_group, int groups, float *packed)
{
  source s = {from, rows, inner, outer * inner, row_stride, outer_stride};
  bool turned = inner == 1 && row_stride == 1, straight = outer == 1 || (inner == 1 && outer_stride == 1);
  if (straight) s.inner = s.depth;
  uint16_t *to = (uint16_t *)packed + (size_t)first_group * group_values(s.depth);
  for (int r = first_group * BLOCK; r < (first_group + groups) * BLOCK; r += BLOCK)
    for (int k = 0; k < s.depth; k += DEPTH, to += BLOCK * DEPTH) {
      bool whole = r + BLOCK <= rows && k + DEPTH <= s.depth;
      if (whole && straight) pack_rows(from + (size_t)r * row_stride + (size_t)k, row_stride, to);
      else if (whole && turned) pack_turned(from + (size_t)k * outer_stride + (size_t)r, outer_stride, to);
      else pack_edge(&s, r, k, turned, to);
    }
}
