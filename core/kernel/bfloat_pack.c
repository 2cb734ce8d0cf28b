/* Packing operands of bf16 products: values and gradients are normalised and rounded while they are loaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat.h"

/* Rows further down that are fetched meanwhile: see pack.c. */
enum { PREFETCH_ROWS = 2 };
/* Pixels ahead in the same rows, of many rows at once. */
enum { AHEAD = 16 };

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
INLINE void pack_run(const row_pair *p, int first, int end, int how, int uses, bool rounded, bool alone)
{
  /* Copies stay in registers: what is stored may be anything. */
  const row a = p->rows[0], b = p->rows[1];
  const bool masked = a.lanes != NULL;
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

/* Loops of their own for each way to read and use; values are hardly ever wanted for both uses. */
#define PACK_STORED(HOW, USES, ROUNDED)                                                            \
  if (p->alone) pack_run(p, first, end, HOW, USES, ROUNDED, true);                                 \
  else pack_run(p, first, end, HOW, USES, ROUNDED, false)
#define PACK(HOW, USES)                                                                            \
  if (p->rounded) {                                                                                \
    PACK_STORED(HOW, USES, true);                                                                  \
  } else {                                                                                         \
    PACK_STORED(HOW, USES, false);                                                                 \
  }

static void pack_values(const row_pair *p, int first, int end, na_activation act, int uses)
{
#define PACK_VALUES(ACT)                                                                           \
  if (uses & NA_RIGHT) {                                                                           \
    PACK((int)(ACT), NA_RIGHT)                                                                     \
  }                                                                                                \
  if (uses & NA_LEFT) {                                                                            \
    PACK((int)(ACT), NA_LEFT)                                                                      \
  }
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
  size_t lines = na_pair_lines(rows), filled = (size_t)((rows + 1) / 2);
  uint16_t *left = left_factor(tile, rows, count);
  if (uses & NA_RIGHT) {
    for (size_t pixel = 0; filled < lines && pixel < (size_t)count; pixel++)
      clear(tile + (pixel * lines + filled) * DEPTH, DEPTH);
    clear(tile + (size_t)count * lines * DEPTH, NA_SPARE_LINES * DEPTH);
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
                    .right_step = na_pair_lines(rows) * DEPTH,
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

/* Two pixels of a pair of rows: the right factor's, of the left one's. */
INLINE void pair_pixels(const uint16_t *a, const uint16_t *b, uint16_t *first, uint16_t *second)
{
#if defined(__AVX512F__)
  static const uint16_t order[2][32] = {{0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                         8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47},
                                        {16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55,
                                         24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63}};
  __m512i x = _mm512_load_si512(a), y = _mm512_load_si512(b);
  _mm512_store_si512(first, _mm512_permutex2var_epi16(x, _mm512_loadu_si512(order[0]), y));
  if (second != NULL) _mm512_store_si512(second, _mm512_permutex2var_epi16(x, _mm512_loadu_si512(order[1]), y));
#else
  for (int l = 0; l < LANES; l++) {
    first[2 * l] = a[l];
    first[2 * l + 1] = b[l];
  }
  for (int l = 0; second != NULL && l < LANES; l++) {
    second[2 * l] = a[LANES + l];
    second[2 * l + 1] = b[LANES + l];
  }
#endif
}

void NA_SYMBOL(bfloat_complete_tile)(int rows, int count, int uses, float *to)
{
  static const uint16_t zeros[DEPTH] __attribute__((aligned(64))) = {0};
  uint16_t *tile = (uint16_t *)to, *left = left_factor(tile, rows, count);
  size_t step = na_pair_lines(rows) * DEPTH;
  pad_tile(tile, rows, count, uses | NA_LEFT);
  if (!(uses & NA_RIGHT)) return;
  for (int pixel = 0; pixel < count; pixel += 2) {
    uint16_t *first = tile + (size_t)pixel * step, *second = pixel + 1 < count ? first + step : NULL;
    for (int r = 0; r < rows; r += 2, left += 2 * DEPTH, first += DEPTH) {
      pair_pixels(left, r + 1 < rows ? left + DEPTH : zeros, first, second);
      if (second != NULL) second += DEPTH;
    }
    if (rows % 2 != 0) left -= DEPTH;
  }
}

/* ------------------------------------------------------------------------------ columns */

/* Two pixels of a channel as they are packed, `apart` floats; the second may be none. */
INLINE void round_pixels(uint16_t *to, const row *r, bool rounded, size_t at, size_t apart, bool second,
                         na_activation act, const float *gate, const float *gate2)
{
  for (int l = 0; l < LANES; l += VL) {
    vf x = read_row(r, at + (size_t)l, (int)act, rounded), y = splat(0);
    if (gate != NULL) x *= load(gate + l);
    if (second) y = read_row(r, at + apart + (size_t)l, (int)act, rounded);
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
INLINE void turn_pixels(const row *rows, bool rounded, size_t at, size_t apart, na_activation act, uint16_t *to)
{
  vf x[VL];
  UNROLL for (int e = 0; e < VL; e++) {
    __builtin_prefetch(rows[e].data + ((at + AHEAD * LANES) >> rounded));
    __builtin_prefetch(rows[e].data + ((at + apart + AHEAD * LANES) >> rounded));
    x[e] = round_halves(read_row(&rows[e], at, (int)act, rounded), read_row(&rows[e], at + apart, (int)act, rounded));
  }
  transpose(x);
  UNROLL for (int e = 0; e < VL; e++) store((float *)(to + e * DEPTH), x[e]);
}
#endif

/* BLOCK channels from c on; beyond the last one it stands in: those columns' results nobody reads. */
typedef struct row_block {
  const na_view *view;
  int c, channels;
  row rows[BLOCK];
} row_block;

static row_block block_init(const na_view *view, int c, int channels)
{
  row_block b = {.view = view, .c = c, .channels = channels};
  for (int e = 0; e < BLOCK; e++) b.rows[e] = value_row(view, c + e < channels ? c + e : channels - 1, 0);
  return b;
}

/* `count` pixels from pixel `first` on, each `step` after the last, and one of zeros after an odd number. */
INLINE void pack_block(const row_block *b, bool rounded, long first, int count, int step, na_activation act,
                       uint16_t *to)
{
  uint16_t block[BLOCK * DEPTH] __attribute__((aligned(64)));
  const na_view *view = b->view;
  long area = (long)view->height * view->width;
  size_t apart = (size_t)step * LANES;
  for (int pixel = 0; pixel < count; pixel += 2, to += BLOCK * DEPTH) {
    long place = first + (long)pixel * step;
    bool second = pixel + 1 < count;
#if defined(__AVX512F__)
    if (second && view->gate == NULL) {
      turn_pixels(b->rows, rounded, (size_t)place * LANES, apart, act, to);
      continue;
    }
#endif
    for (int e = 0; e < BLOCK; e++) {
      const float *gate = NULL, *gate2 = NULL;
      if (view->gate != NULL) {
        int c = b->c + e < b->channels ? b->c + e : b->channels - 1;
        gate = gate_of(view, c, place / area);
        gate2 = gate_of(view, c, (place + second * step) / area);
      }
      round_pixels(block + e * DEPTH, &b->rows[e], rounded, (size_t)place * LANES, apart, second, act,
                   gate, gate2);
    }
    turn_block(block, to);
  }
}

static void pack_pixels(const row_block *b, long first, int count, int step, uint16_t *to)
{
#define PACK(ACT)                                                                                  \
  if (b->view->rounded) pack_block(b, true, first, count, step, ACT, to);                          \
  else pack_block(b, false, first, count, step, ACT, to)
  FOR_ACTIVATION(b->view->act, PACK)
#undef PACK
}

void NA_SYMBOL(bfloat_pack_columns)(const na_view *view, int channels, long first, int count, float *to)
{
  uint16_t *columns = (uint16_t *)to;
  for (int c = 0; c < channels; c += BLOCK, columns += (size_t)((count + 1) / 2) * BLOCK * DEPTH) {
    row_block b = block_init(view, c, channels);
    pack_pixels(&b, first, count, 1, columns);
  }
}

/* ------------------------------------------------------------------------------ frames */

/* Rows of an image of height x width pixels in a frame, `line` values for each pixel. */
typedef struct canvas {
  const na_frame *frame;
  int height, width;
  size_t line;
} canvas;

static bool outside(const canvas *c, int r)
{
  int y = c->frame->top + r;
  return y < 0 || y >= c->height;
}

static uint16_t *canvas_at(const canvas *c, uint16_t *to, int r, int column)
{
  return to + (size_t)(r * c->frame->columns + column - c->frame->left) * c->line;
}

/* Columns of the image in the frame. */
static int canvas_columns(const canvas *c) { return lesser(c->width, c->frame->columns + c->frame->left); }

/* All that is no image, and the lines behind the last row. */
static void clear_margins(const canvas *c, uint16_t *to)
{
  int left = -c->frame->left, columns = canvas_columns(c), right = c->frame->columns - left - columns;
  for (int r = 0; r < c->frame->rows; r++) {
    uint16_t *at = canvas_at(c, to, r, -left);
    if (outside(c, r)) clear(at, (size_t)c->frame->columns * c->line);
    else {
      clear(at, (size_t)left * c->line);
      clear(at + (size_t)(left + columns) * c->line, (size_t)right * c->line);
    }
  }
  clear(canvas_at(c, to, c->frame->rows, -left), (PAIRS - 1) * DEPTH);
}

void NA_SYMBOL(bfloat_fill_values)(const na_view *view, int channels, const na_frame *frame, float *to)
{
  uint16_t *values = (uint16_t *)to;
  canvas on = {frame, view->height, view->width, (size_t)((channels + 1) / 2) * DEPTH};
  int columns = canvas_columns(&on);
  clear_margins(&on, values);
  for (int c = 0; c < channels; c += 2) {
    row_pair p = {.alone = c + 1 == channels, .rounded = view->rounded, .ahead = PREFETCH_ROWS * view->stride,
                  .right_step = on.line};
    for (int r = 0; r < frame->rows; r++) {
      if (outside(&on, r)) continue;
      long first = (frame->block * view->height + frame->top + r) * view->width;
      for (int i = 0; i < 2 - p.alone; i++) p.rows[i] = value_row(view, c + i, first);
      p.right = canvas_at(&on, values, r, 0) + (size_t)(c / 2) * DEPTH;
      if (view->gate != NULL) pack_gated(view, &p, c, first, columns, NA_RIGHT);
      else pack_values(&p, 0, columns, view->act, NA_RIGHT);
    }
  }
}

/* The halves that no pixel of rows of an odd width fills. */
static void pad_left(int channels, int rows, int width, uint16_t *left)
{
  size_t apart = (size_t)((width + 1) / 2 * channels) * DEPTH;
  for (int r = 0; r < rows && width % 2 != 0; r++)
    for (int c = 0; c < channels; c++)
      clear(left + (size_t)r * apart + (size_t)(width / 2 * channels + c) * DEPTH + LANES, LANES);
}

void NA_SYMBOL(bfloat_fill_gradient)(const na_pullback *pullback, int channels, const na_mask *mask,
                                     const na_frame *frame, long block, int own, int rows, float *to, float *aside)
{
  uint16_t *values = (uint16_t *)to, *left = (uint16_t *)aside;
  int width = pullback->width, height = pullback->height;
  const na_frame only = {block, own, 0, rows, width};
  canvas on = {frame != NULL ? frame : &only, height, width, (size_t)((channels + 1) / 2) * DEPTH};
  size_t apart = (size_t)((width + 1) / 2 * channels) * DEPTH;
  if (frame != NULL) clear_margins(&on, values);
  pad_left(channels, rows, width, left);
  for (int c = 0; c < channels; c += 2) {
    row_pair p = {.alone = c + 1 == channels, .rounded = pullback->rounded,
                  .ahead = PREFETCH_ROWS * pullback->stride, .right_step = on.line,
                  .left_step = (size_t)channels * DEPTH};
    for (int r = 0; r < on.frame->rows; r++) {
      if (outside(&on, r)) continue;
      int y = on.frame->top + r, uses = frame != NULL ? NA_RIGHT : 0;
      long first = (block * height + y) * width;
      if (y >= own && y < own + rows) {
        uses |= NA_LEFT;
        p.left = left + (size_t)(y - own) * apart + (size_t)c * DEPTH;
      }
      if (frame != NULL) p.right = canvas_at(&on, values, r, 0) + (size_t)(c / 2) * DEPTH;
      for (int i = 0; i < 2 - p.alone; i++) p.rows[i] = gradient_row(pullback, c + i, first);
      if (first >= mask->first) p.rows[0].lanes = p.rows[1].lanes = mask->lanes;
      pack_gradients(&p, 0, width, uses);
    }
  }
}

/* A row of an image, turned, in a row of phases. */
static void turn_row(const row_block *b, const na_overlap *o, long first, int left, uint16_t *to)
{
  int columns = na_overlap_phase(o), width = b->view->width;
  enum { PIXEL = BLOCK * DEPTH / 2 };
  for (int phase = 0; phase < o->step; phase++, to += (size_t)columns * PIXEL) {
    int x = left + phase, low = x < 0 ? ceiling(-x, o->step) : 0;
    int high = x < width ? lesser(columns, ceiling(width - x, o->step)) : 0;
    if (low > columns) low = columns;
    if (high < low) high = low;
    clear(to, (size_t)low * PIXEL);
    pack_pixels(b, first + x + low * o->step, high - low, o->step, to + (size_t)low * PIXEL);
    clear(to + (size_t)high * PIXEL, (size_t)(columns - high) * PIXEL);
  }
}

void NA_SYMBOL(bfloat_fill_turned)(const na_view *view, const na_overlap *o, long block, int top, int left,
                                   float *to)
{
  uint16_t *turned = (uint16_t *)to;
  size_t apart = (size_t)(na_overlap_phase(o) * o->step) * BLOCK * DEPTH / 2;
  for (int c = 0; c < o->right_rows; c += BLOCK, turned += 2 * na_overlap_group(o)) {
    row_block b = block_init(view, c, o->right_rows);
    for (int r = 0; r < na_overlap_rows(o); r++) {
      int y = top + r;
      uint16_t *at = turned + (size_t)r * apart;
      if (y < 0 || y >= view->height) clear(at, apart);
      else turn_row(&b, o, (block * view->height + y) * view->width, left, at);
    }
  }
}
