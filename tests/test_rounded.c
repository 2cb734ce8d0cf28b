/* Tensors that are stored as bf16: every kernel that reads or writes them gives, to the bit, what it gives
 * with the same values in floats, rounded where it is stored. The floats' oracle: test_kernels, test_products.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_cases.h"

#include <stdint.h>
#include <string.h>

enum { CHANNELS = 5, IMAGES = 21, BLOCKS = 2 };

/* The same values twice: floats that bf16 holds, and bf16; both with a border. */
typedef struct twin {
  size_t values, stride[2]; /* of a channel; floats between channels, of floats and of bf16 */
  float *stored[2];
} twin;

static size_t pixels_of(int h, int w) { return (size_t)(BLOCKS * h * w); }

static uint16_t *halves(float *stored) { return (uint16_t *)(void *)stored; }

static float half_value(const float *stored, size_t i)
{
  uint32_t bits = (uint32_t)((const uint16_t *)(const void *)stored)[i] << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint16_t half_bits(float x)
{
  uint32_t bits;
  x = na_bf16(x);
  memcpy(&bits, &x, sizeof bits);
  return (uint16_t)(bits >> 16);
}

static twin twin_new(int channels, int h, int w, float low, float high, na_random *random)
{
  twin t = {.values = pixels_of(h, w) * NA_LANES};
  t.stride[0] = (pixels_of(h, w) | 1) * NA_LANES;
  t.stride[1] = ((pixels_of(h, w) + 1) / 2 | 1) * NA_LANES;
  for (int r = 0; r < 2; r++) t.stored[r] = bordered(t.stride[r] * (size_t)channels);
  for (int c = 0; c < channels; c++) {
    float *floats = t.stored[0] + (size_t)c * t.stride[0];
    lanes_fill(floats, t.values, random, low, high);
    for (size_t i = 0; i < t.values; i++) {
      floats[i] = na_bf16(floats[i]);
      halves(t.stored[1] + (size_t)c * t.stride[1])[i] = half_bits(floats[i]);
    }
  }
  return t;
}

static void twin_free(twin *t)
{
  na_free(t->stored[0]);
  na_free(t->stored[1]);
}

/* Do the bf16 of `count` values equal the rounded floats, and is nothing written behind the channels? */
static bool twin_agrees(const twin *t, int channels, size_t count)
{
  bool good = true;
  for (int c = 0; c < channels; c++)
    for (size_t i = 0; i < count; i++) {
      float x = t->stored[0][(size_t)c * t->stride[0] + i];
      good &= half_value(t->stored[1] + (size_t)c * t->stride[1], i) == na_bf16(x);
    }
  for (int r = 0; r < 2; r++)
    for (size_t i = 0; i < BORDER; i++)
      good &= t->stored[r][t->stride[r] * (size_t)channels + i] == UNTOUCHED;
  return good;
}

static float scales[CHANNELS], shifts[CHANNELS], more[CHANNELS];

static na_view view_of(const twin *t, bool rounded, int h, int w, na_activation act)
{
  return (na_view){.data = t->stored[rounded], .stride = t->stride[rounded], .height = h, .width = w,
                   .scale = scales, .shift = shifts, .act = act, .rounded = rounded};
}

static na_pullback pullback_of(const twin *grad, const twin *data, bool rounded, int h, int w)
{
  return (na_pullback){.grad = grad->stored[rounded], .data = data->stored[rounded], .stride = grad->stride[rounded],
                       .height = h, .width = w, .a = scales, .b = more, .c = shifts, .rounded = rounded};
}

static na_finish finish_of(const twin *data, bool rounded, int c, na_activation act)
{
  return (na_finish){data->stored[rounded] + (size_t)c * data->stride[rounded], scales[c], shifts[c], 0.25f, act,
                     rounded, rounded};
}

static _Alignas(64) float lanes[NA_LANES];

static na_mask mask_of(int h, int w) { return (na_mask){(BLOCKS - 1) * h * w, lanes}; }

static void prepare(na_random *random)
{
  lanes_fill(scales, CHANNELS, random, 0.5, 2);
  lanes_fill(shifts, CHANNELS, random, -1, 1);
  lanes_fill(more, CHANNELS, random, -1, 1);
  for (int l = 0; l < NA_LANES; l++) lanes[l] = l < IMAGES - (BLOCKS - 1) * NA_LANES;
}

/* ------------------------------------------------------------------------------- reading */

static void check_reading(const na_kernels *k, na_activation act, na_random *random)
{
  enum { H = 3, W = 7, FIRST = 5, COUNT = 30 };
  twin x = twin_new(CHANNELS, H, W, -3, 3, random), g = twin_new(CHANNELS, H, W, -1, 1, random);
  na_mask mask = mask_of(H, W);
  float *run[2] = {lanes_floats(COUNT * NA_LANES), lanes_floats(COUNT * NA_LANES)};
  na_moments moments[2] = {{.shift = 0.5f}, {.shift = 0.5f}};
  double sums[2][2] = {{0}};
  for (int r = 0; r < 2; r++) {
    na_view view = view_of(&x, r, H, W, act);
    k->read_view(&view, 2, FIRST, COUNT, run[r]);
  }
  CHECK(memcmp(run[0], run[1], COUNT * NA_LANES * sizeof(float)) == 0, "%s: read_view", k->name);
  for (int r = 0; r < 2; r++) {
    na_pullback pullback = pullback_of(&g, &x, r, H, W);
    k->read_pullback(&pullback, 3, &mask, FIRST, COUNT, run[r]);
    k->moments(x.stored[r] + x.stride[r], r, FIRST, COUNT, &mask, &moments[r]);
  }
  CHECK(memcmp(run[0], run[1], COUNT * NA_LANES * sizeof(float)) == 0, "%s: read_pullback", k->name);
  CHECK(memcmp(&moments[0], &moments[1], sizeof moments[0]) == 0, "%s: moments", k->name);
  /* Data rounded, the gradient not; then both. */
  for (int both = 0; both < 2; both++) {
    for (int r = 0; r < 2; r++) {
      na_finish how = finish_of(&x, r, 1, act);
      float *to = both ? g.stored[r] + g.stride[r] : run[r];
      how.grad_rounded = both && r;
      if (!both) how.data += na_stored(r, FIRST);
      k->finish(to, &how, both ? FIRST : 0, COUNT, &sums[r][0], &sums[r][1]);
    }
    CHECK(both || memcmp(run[0], run[1], COUNT * NA_LANES * sizeof(float)) == 0, "%s: finish", k->name);
    CHECK(sums[0][0] == sums[1][0] && sums[0][1] == sums[1][1], "%s: sums of finish", k->name);
  }
  CHECK(twin_agrees(&g, CHANNELS, g.values), "%s: finish of a rounded gradient", k->name);
  twin_free(&x);
  twin_free(&g);
  na_free(run[0]);
  na_free(run[1]);
}

/* ------------------------------------------------------------------------------- depthwise layers */

typedef struct layer {
  int kernel, stride, h, w, out_h, out_w;
  na_activation act;
  bool stream;
} layer;

static na_depthwise call_of(const layer *l, const float *weights, bool rounded)
{
  return (na_depthwise){.kernel = l->kernel, .stride = l->stride, .pad = l->kernel / 2, .blocks = BLOCKS,
                        .in_height = l->h, .in_width = l->w, .out_height = l->out_h, .out_width = l->out_w,
                        .weight = weights, .mask = mask_of(l->out_h, l->out_w), .stream = l->stream,
                        .rounded = rounded};
}

static void check_depthwise(const na_kernels *k, const layer *l, na_random *random)
{
  enum { TAPS = 49 };
  twin x = twin_new(CHANNELS, l->h, l->w, -3, 3, random), dx = twin_new(CHANNELS, l->h, l->w, 0, 0, random);
  twin y = twin_new(CHANNELS, l->out_h, l->out_w, 0, 0, random);
  twin z = twin_new(CHANNELS, l->out_h, l->out_w, -1, 1, random);
  twin dy = twin_new(CHANNELS, l->out_h, l->out_w, -1, 1, random);
  float weights[TAPS], taps[2][TAPS] = {{0}};
  float *rows = lanes_floats(na_depthwise_scratch(l->kernel, l->w, l->out_w));
  lanes_fill(weights, TAPS, random, -1, 1);
  for (int c = 0; c < CHANNELS; c++) {
    na_moments moments[2] = {{0}};
    double sums[2][2] = {{0}};
    for (int r = 0; r < 2; r++) {
      na_depthwise call = call_of(l, weights, r);
      na_view in = view_of(&x, r, l->h, l->w, l->act);
      na_pullback out = pullback_of(&dy, &z, r, l->out_h, l->out_w);
      na_finish how = finish_of(&x, r, c, l->act);
      k->depthwise_forward(&call, &in, c, y.stored[r] + (size_t)c * y.stride[r], &moments[r], rows);
      k->depthwise_backward(&call, &in, &out, c, taps[r], dx.stored[r] + (size_t)c * dx.stride[r], false, &how,
                            &sums[r][0], &sums[r][1], rows);
    }
    /* The first value, the moments' shift, is no other for having been rounded afterwards. */
    CHECK(memcmp(&moments[0], &moments[1], sizeof moments[0]) == 0, "%s: moments of a depthwise layer", k->name);
    CHECK(memcmp(sums[0], sums[1], sizeof sums[0]) == 0, "%s: sums of a depthwise layer", k->name);
  }
  CHECK(memcmp(taps[0], taps[1], sizeof taps[0]) == 0, "%s: %dx%d weights' gradient", k->name, l->kernel, l->kernel);
  CHECK(twin_agrees(&y, CHANNELS, y.values), "%s: %d taps forward, stride %d", k->name, l->kernel, l->stride);
  CHECK(twin_agrees(&dx, CHANNELS, dx.values), "%s: %d taps backward, stride %d", k->name, l->kernel, l->stride);
  twin *all[] = {&x, &dx, &y, &z, &dy};
  for (int i = 0; i < 5; i++) twin_free(all[i]);
  na_free(rows);
}

static void reading_and_depthwise_layers(void)
{
  static const int kernels[] = {3, 5, 7, 2}, planes[][2] = {{1, 1}, {3, 7}, {9, 9}, {5, 40}};
  na_random random = na_random_at(3, 1, 4);
  prepare(&random);
  for (int s = 0; s < set_count; s++) {
    for (int act = 0; act < NA_ACT_COUNT; act++) check_reading(sets[s], (na_activation)act, &random);
    for (int v = 0; v < 64; v++) {
      const int *plane = planes[v / 8 % 4];
      layer l = {.kernel = kernels[v % 4], .stride = 1 + v / 4 % 2, .h = plane[0], .w = plane[1],
                 .act = (na_activation)(v % NA_ACT_COUNT), .stream = v / 32 == 1};
      l.out_h = (l.h + 2 * (l.kernel / 2) - l.kernel) / l.stride + 1;
      l.out_w = (l.w + 2 * (l.kernel / 2) - l.kernel) / l.stride + 1;
      check_depthwise(sets[s], &l, &random);
    }
  }
}

/* ------------------------------------------------------------------------------- products */

/* Packed operands are the same bits. */
static void check_packing(const na_products *p, int first, int count, na_activation act, na_random *random)
{
  enum { H = 3, W = 7 };
  twin x = twin_new(CHANNELS, H, W, -3, 3, random), g = twin_new(CHANNELS, H, W, -1, 1, random);
  na_mask mask = mask_of(H, W);
  size_t tile = na_tile_floats(p, CHANNELS, count), columns = na_column_floats(p, CHANNELS, count);
  float *packed[2] = {lanes_floats(tile + columns), lanes_floats(tile + columns)};
  static const char *const what[] = {"pack_view", "pack_columns", "pack_pullback"};
  for (int kind = 0; kind < 3; kind++) {
    for (int r = 0; r < 2; r++) {
      na_view view = view_of(&x, r, H, W, act);
      na_pullback pullback = pullback_of(&g, &x, r, H, W);
      memset(packed[r], 0, (tile + columns) * sizeof(float));
      if (kind == 0) p->pack_view(&view, CHANNELS, first, count, NA_LEFT | NA_RIGHT, packed[r]);
      else if (kind == 1) p->pack_columns(&view, CHANNELS, first, count, packed[r]);
      else p->pack_pullback(&pullback, CHANNELS, &mask, first, count, NA_LEFT | NA_RIGHT, packed[r]);
    }
    CHECK(memcmp(packed[0], packed[1], (tile + columns) * sizeof(float)) == 0, "%s: %s", p->name, what[kind]);
  }
  twin_free(&x);
  twin_free(&g);
  na_free(packed[0]);
  na_free(packed[1]);
}

static void check_results(const na_products *p, int rows, int count, na_random *random)
{
  enum { DEPTH = 35, MOST = 40 };
  int h = 1, w = (count + BLOCKS - 1) / BLOCKS;
  twin c = twin_new(rows, h, w, 0, 0, random), d = twin_new(rows, h, w, 0, 0, random);
  twin x = twin_new(rows, h, w, -3, 3, random);
  twin in = twin_new(DEPTH, h, w, -1, 1, random);
  float matrix[MOST * DEPTH], *packed = lanes_floats(na_matrix_floats(p, rows, DEPTH));
  float *tile = lanes_floats(na_tile_floats(p, DEPTH, count));
  na_view view = {.data = in.stored[0], .stride = in.stride[0], .height = h, .width = w};
  na_moments moments[2][MOST] = {{{0}}};
  double sums[2][2 * MOST] = {{0}};
  lanes_fill(matrix, (size_t)(rows * DEPTH), random, -1, 1);
  p->pack_matrix(matrix, rows, DEPTH, 1, DEPTH, 1, 0, (rows + p->group_rows - 1) / p->group_rows, packed);
  p->pack_view(&view, DEPTH, 0, count, NA_RIGHT, tile);
  for (int r = 0; r < 2; r++) {
    na_finish how[MOST];
    for (int i = 0; i < rows; i++) {
      how[i] = finish_of(&x, r, 0, NA_ACT_RELU6);
      how[i].data += (size_t)i * x.stride[r];
    }
    p->matmul_streamed(packed, rows, DEPTH, DEPTH, tile, count, c.stored[r], c.stride[r], r, moments[r]);
    p->matmul_finished(packed, rows, DEPTH, DEPTH, tile, count, d.stored[r], d.stride[r], r, how, 0, sums[r]);
  }
  size_t values = (size_t)(count * NA_LANES);
  CHECK(twin_agrees(&c, rows, values) && twin_agrees(&d, rows, values), "%s: %d rows past the caches", p->name, rows);
  CHECK(memcmp(moments[0], moments[1], sizeof moments[0]) == 0, "%s: moments", p->name);
  CHECK(memcmp(sums[0], sums[1], sizeof sums[0]) == 0, "%s: sums", p->name);
  for (int r = 0; r < 2; r++)
    p->matmul(packed, rows, DEPTH, DEPTH, tile, count, d.stored[r], d.stride[r], r, false, NULL);
  CHECK(twin_agrees(&d, rows, values), "%s: %d rows", p->name, rows);
  /* On top of what is there, which is rounded in both. */
  for (int i = 0; i < rows; i++)
    for (size_t v = 0; v < values; v++)
      d.stored[0][(size_t)i * d.stride[0] + v] = half_value(d.stored[1] + (size_t)i * d.stride[1], v);
  for (int r = 0; r < 2; r++)
    p->matmul(packed, rows, DEPTH, DEPTH, tile, count, d.stored[r], d.stride[r], r, true, NULL);
  bool near = true;
  for (int i = 0; i < rows; i++)
    for (size_t v = 0; v < values; v++) {
      float wanted = d.stored[0][(size_t)i * d.stride[0] + v];
      near &= fabsf(half_value(d.stored[1] + (size_t)i * d.stride[1], v) - wanted) <= 0x1p-7f * fabsf(wanted) + 1e-4f;
    }
  CHECK(near, "%s: added to %d rows", p->name, rows);
  twin *all[] = {&c, &d, &x, &in};
  for (int i = 0; i < 4; i++) twin_free(all[i]);
  na_free(packed);
  na_free(tile);
}

static void products(void)
{
  na_random random = na_random_at(2, 7, 1);
  const na_products *p;
  prepare(&random);
  int rounded = 0;
  for (int i = 0; (p = na_products_running(i)) != NULL; i++) {
    if (!p->rounded) continue;
    rounded++;
    for (int act = 0; act < NA_ACT_COUNT; act++) {
      check_packing(p, 0, 42, (na_activation)act, &random);
      check_packing(p, 17, 9, (na_activation)act, &random);
    }
    static const int rows[] = {1, 16, 24, 40}, counts[] = {1, 2, 7, 12};
    for (int v = 0; v < 16; v++) check_results(p, rows[v % 4], counts[v / 4], &random);
  }
  CHECK(rounded > 0, "some products round");
}

int main(void)
{
  RUN(instruction_sets);
  RUN(reading_and_depthwise_layers);
  RUN(products);
  return CHECK_EXIT();
}
