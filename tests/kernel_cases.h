/* What the kernels are tested on: activations and gradients with all that their layout allows, the
 * instruction sets of this processor, and how far a result may be from the naive oracle.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KERNEL_CASES_H
#define KERNEL_CASES_H

#include "check.h"
#include "lanes.h"

#include "core/kernel/kernels.h"
#include "core/kernel/naive.h"

#include <limits.h>

/* Of the largest magnitude, as core/kernel/kernels.h promises. */
static const double FORWARD = 2e-6, BACKWARD = 2e-5, MINIMAL = 1e-5;

/* What masked lanes hold: finite, and large enough to show wherever they leak. */
static const float GARBAGE = 50.0f;

enum { SETS_MOST = 8 };
static const na_kernels *sets[SETS_MOST];
static int set_count;

static const int some_channels[] = {1, 3, 17, 33}, some_kernels[] = {1, 3, 5, 7, 9, 11};
static const struct { int h, w; } some_planes[] = {{1, 1}, {2, 3}, {7, 5}, {9, 9}};

/* ------------------------------------------------------------------- things to compute on */

/* An activation with all that a view can have, and the same as plain doubles. */
typedef struct input {
  na_view view;
  float *data, *scale, *shift, *gate;
  int channels, images, blocks, area;
  double *seen; /* [images][channels][area] as consumers see it */
} input;

static inline input input_new(int channels, int images, int h, int w, int variant, na_random *random)
{
  input in = {.channels = channels, .images = images, .blocks = lanes_blocks(images), .area = h * w};
  size_t stride = ((size_t)(in.blocks * in.area) | 1) * NA_LANES, c = (size_t)channels;
  size_t gate_stride = (size_t)(in.blocks + 2) * NA_LANES;
  in.data = lanes_floats(stride * c);
  in.scale = lanes_floats(c);
  in.shift = lanes_floats(c);
  in.gate = lanes_floats(gate_stride * c);
  lanes_fill(in.data, stride * c, random, -2, 2);
  lanes_fill(in.scale, c, random, 0.5, 3);
  lanes_fill(in.shift, c, random, -2, 4);
  lanes_fill(in.gate, gate_stride * c, random, 0, 1);
  bool scaled = variant % 4 != 0, gated = variant % 3 == 1;
  in.view = (na_view){in.data, stride, h, w, scaled ? in.scale : NULL, scaled ? in.shift : NULL,
                      (na_activation)(variant % NA_ACT_COUNT), gated ? in.gate : NULL, gate_stride, false};
  for (int k = 0; k < channels; k++)
    for (int n = images; n < in.blocks * NA_LANES; n++)
      for (int p = 0; p < in.area; p++) in.data[lanes_at(stride, k, n, p, in.area)] = GARBAGE;
  return in;
}

/* What consumers see of channel c, absolute pixel `pixel`, lane `lane`. */
static inline double seen_at(const input *in, int c, long pixel, int lane)
{
  const na_view *v = &in->view;
  double x = (double)v->data[(size_t)c * v->stride + (size_t)pixel * NA_LANES + (size_t)lane];
  if (v->scale != NULL) x = x * (double)v->scale[c] + (double)v->shift[c];
  x = na_naive_act(v->act, x);
  long block = pixel / in->area;
  if (v->gate == NULL) return x;
  return x * (double)v->gate[(size_t)c * v->gate_stride + (size_t)block * NA_LANES + (size_t)lane];
}

static inline void input_see(input *in)
{
  in->seen = lanes_doubles((size_t)in->images * (size_t)in->channels * (size_t)in->area);
  for (int n = 0; n < in->images; n++)
    for (int c = 0; c < in->channels; c++)
      for (int p = 0; p < in->area; p++)
        in->seen[lanes_index(n, c, in->channels, p, in->area)] =
            seen_at(in, c, (long)(n / NA_LANES) * in->area + p, n % NA_LANES);
}

static inline void input_free(input *in)
{
  na_free(in->data);
  na_free(in->scale);
  na_free(in->shift);
  na_free(in->gate);
  na_free(in->seen);
}

static inline void coarsen(float *x, size_t count, float unit)
{
  for (size_t i = 0; i < count; i++) x[i] = roundf(x[i] / unit) * unit;
}

/* Of multiples of small powers of two: what is rounded is exact. */
static inline input coarse_input(int channels, int images, int h, int w, int variant, na_random *random)
{
  input in = input_new(channels, images, h, w, variant, random);
  size_t c = (size_t)channels;
  coarsen(in.data, in.view.stride * c, 0x1p-10f);
  coarsen(in.scale, c, 0.5f);
  coarsen(in.shift, c, 0x1p-4f);
  coarsen(in.gate, in.view.gate_stride * c, 0.5f);
  return in;
}

/* A gradient with BatchNorm's backward applied while loading, and the same as doubles. */
typedef struct gradient {
  na_pullback pull;
  na_mask mask;
  _Alignas(64) float lanes[NA_LANES];
  float *grad, *data, *a, *b, *c;
  int channels, images, blocks, area;
  double *pulled; /* [images][channels][area] */
} gradient;

/* Initialises *g in place: its mask points into it. */
static inline void gradient_init(gradient *g, int channels, int images, int h, int w, bool norm,
                                 na_random *random)
{
  *g = (gradient){.channels = channels, .images = images, .blocks = lanes_blocks(images),
                  .area = h * w};
  size_t stride = ((size_t)(g->blocks * g->area) | 1) * NA_LANES, c = (size_t)channels;
  float **vectors[] = {&g->a, &g->b, &g->c};
  for (int k = 0; k < 3; k++) {
    *vectors[k] = lanes_floats(c);
    lanes_fill(*vectors[k], c, random, -1, 1);
  }
  g->grad = lanes_floats(stride * c);
  g->data = lanes_floats(stride * c);
  lanes_fill(g->grad, stride * c, random, -1, 1);
  lanes_fill(g->data, stride * c, random, -2, 2);
  int in_last = images - (g->blocks - 1) * NA_LANES;
  for (int l = 0; l < NA_LANES; l++) g->lanes[l] = l < in_last;
  long first = in_last == NA_LANES ? LONG_MAX : (long)(g->blocks - 1) * g->area;
  g->mask = (na_mask){first, g->lanes};
  g->pull = (na_pullback){g->grad, g->data, stride, h, w, norm ? g->a : NULL, g->b, g->c, false};
  g->pulled = lanes_doubles((size_t)images * c * (size_t)g->area);
  for (int n = 0; n < images; n++)
    for (int k = 0; k < channels; k++)
      for (int p = 0; p < g->area; p++) {
        size_t at = lanes_at(stride, k, n, p, g->area);
        double x = (double)g->grad[at];
        if (norm) x = (double)g->a[k] * x + (double)g->b[k] * (double)g->data[at] + (double)g->c[k];
        g->pulled[lanes_index(n, k, channels, p, g->area)] = x;
      }
}

static inline double pulled_at(const gradient *g, int c, long pixel, int lane)
{
  int n = (int)(pixel / g->area) * NA_LANES + lane;
  return n < g->images ? g->pulled[lanes_index(n, c, g->channels, (int)(pixel % g->area), g->area)] : 0;
}

static inline void gradient_free(gradient *g)
{
  na_free(g->grad);
  na_free(g->data);
  na_free(g->a);
  na_free(g->b);
  na_free(g->c);
  na_free(g->pulled);
}

/* A buffer with a border that nobody may touch. */
enum { BORDER = 64 };
static const float UNTOUCHED = 12345.0f;

static inline float *bordered(size_t count)
{
  float *memory = lanes_floats(count + BORDER);
  for (size_t i = 0; i < count + BORDER; i++) memory[i] = UNTOUCHED;
  return memory;
}

static inline void check_border(const na_kernels *k, const float *memory, size_t count, const char *what)
{
  for (size_t i = count; i < count + BORDER; i++)
    CHECK(memory[i] == UNTOUCHED, "%s: %s writes %zu floats beyond its end", k->name, what, i - count);
}

static inline size_t tile_floats(const na_kernels *k, int rows, int count)
{
  int panels = (count + na_float32(k)->panel_pixels - 1) / na_float32(k)->panel_pixels;
  return (size_t)rows * (size_t)(panels * na_float32(k)->panel_pixels) * NA_LANES;
}

static inline float tile_at(const na_kernels *k, const float *tile, int rows, int row, int pixel, int lane)
{
  size_t panel = (size_t)(na_float32(k)->panel_pixels * NA_LANES);
  return tile[((size_t)(pixel / na_float32(k)->panel_pixels) * (size_t)rows + (size_t)row) * panel +
              (size_t)(pixel % na_float32(k)->panel_pixels * NA_LANES + lane)];
}

/* A largest difference, relative to the largest magnitude. */
typedef struct worst {
  double difference, magnitude;
  bool nan;
} worst;

static inline void compare(worst *w, double got, double wanted)
{
  w->difference = fmax(w->difference, fabs(got - wanted));
  w->magnitude = fmax(w->magnitude, fabs(wanted));
  w->nan |= isnan(got) || isnan(wanted);
}

static inline void check_worst(const na_kernels *k, const worst *w, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline void check_worst(const na_kernels *k, const worst *w, double tolerance, const char *format, ...)
{
  char what[128];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  double floor_ = 1e-30;
  CHECK(!w->nan && w->difference <= tolerance * fmax(w->magnitude, floor_),
        "%s: %s: off by %.3g of %.3g", k->name, what, w->difference, w->magnitude);
}

/* ------------------------------------------------------------------------------- the sets */

/* The first test of a program: fills sets. */
static inline void instruction_sets(void)
{
  while (set_count < SETS_MOST && (sets[set_count] = na_kernels_running(set_count)) != NULL)
    printf("  kernels: %s\n", sets[set_count++]->name);
  CHECK(set_count > 0 && strcmp(sets[0]->name, "plain") == 0, "the plain kernels are always there");
  CHECK(na_kernels_best() == sets[set_count - 1], "the best kernels are the last that run");
}

#endif
