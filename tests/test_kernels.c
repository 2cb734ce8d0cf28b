/* The kernels of every instruction set of this processor against the naive oracle, over awkward
 * shapes: one channel and many, planes of one pixel, partial blocks, strides, gates, activations.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "lanes.h"

#include "core/kernel/gemm.h"
#include "core/kernel/kernels.h"
#include "core/kernel/naive.h"

#include <limits.h>

/* Of the largest magnitude, as core/kernel/kernels.h promises. */
static const double FORWARD = 2e-6, BACKWARD = 2e-5;

/* What masked lanes hold: finite, and large enough to show wherever they leak. */
static const float GARBAGE = 50.0f;

static const char *const names[] = {"plain", "avx2", "avx512"};
static const na_kernels *sets[3];
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

static input input_new(int channels, int images, int h, int w, int variant, na_random *random)
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
                      (na_activation)(variant % NA_ACT_COUNT), gated ? in.gate : NULL, gate_stride};
  for (int k = 0; k < channels; k++)
    for (int n = images; n < in.blocks * NA_LANES; n++)
      for (int p = 0; p < in.area; p++) in.data[lanes_at(stride, k, n, p, in.area)] = GARBAGE;
  return in;
}

/* What consumers see of channel c, absolute pixel `pixel`, lane `lane`. */
static double seen_at(const input *in, int c, long pixel, int lane)
{
  const na_view *v = &in->view;
  double x = (double)v->data[(size_t)c * v->stride + (size_t)pixel * NA_LANES + (size_t)lane];
  if (v->scale != NULL) x = x * (double)v->scale[c] + (double)v->shift[c];
  x = na_naive_act(v->act, x);
  long block = pixel / in->area;
  if (v->gate == NULL) return x;
  return x * (double)v->gate[(size_t)c * v->gate_stride + (size_t)block * NA_LANES + (size_t)lane];
}

static void input_see(input *in)
{
  in->seen = lanes_doubles((size_t)in->images * (size_t)in->channels * (size_t)in->area);
  for (int n = 0; n < in->images; n++)
    for (int c = 0; c < in->channels; c++)
      for (int p = 0; p < in->area; p++)
        in->seen[lanes_index(n, c, in->channels, p, in->area)] =
            seen_at(in, c, (long)(n / NA_LANES) * in->area + p, n % NA_LANES);
}

static void input_free(input *in)
{
  na_free(in->data);
  na_free(in->scale);
  na_free(in->shift);
  na_free(in->gate);
  na_free(in->seen);
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
static void gradient_init(gradient *g, int channels, int images, int h, int w, bool norm,
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
  g->pull = (na_pullback){g->grad, g->data, stride, h, w, norm ? g->a : NULL, g->b, g->c};
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

static double pulled_at(const gradient *g, int c, long pixel, int lane)
{
  int n = (int)(pixel / g->area) * NA_LANES + lane;
  return n < g->images ? g->pulled[lanes_index(n, c, g->channels, (int)(pixel % g->area), g->area)] : 0;
}

static void gradient_free(gradient *g)
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

static float *bordered(size_t count)
{
  float *memory = lanes_floats(count + BORDER);
  for (size_t i = 0; i < count + BORDER; i++) memory[i] = UNTOUCHED;
  return memory;
}

static void check_border(const na_kernels *k, const float *memory, size_t count, const char *what)
{
  for (size_t i = count; i < count + BORDER; i++)
    CHECK(memory[i] == UNTOUCHED, "%s: %s writes %zu floats beyond its end", k->name, what, i - count);
}

static size_t tile_floats(const na_kernels *k, int rows, int count)
{
  int panels = (count + k->panel_pixels - 1) / k->panel_pixels;
  return (size_t)rows * (size_t)(panels * k->panel_pixels) * NA_LANES;
}

static float tile_at(const na_kernels *k, const float *tile, int rows, int row, int pixel, int lane)
{
  size_t panel = (size_t)(k->panel_pixels * NA_LANES);
  return tile[((size_t)(pixel / k->panel_pixels) * (size_t)rows + (size_t)row) * panel +
              (size_t)(pixel % k->panel_pixels * NA_LANES + lane)];
}

/* A largest difference, relative to the largest magnitude. */
typedef struct worst {
  double difference, magnitude;
  bool nan;
} worst;

static void compare(worst *w, double got, double wanted)
{
  w->difference = fmax(w->difference, fabs(got - wanted));
  w->magnitude = fmax(w->magnitude, fabs(wanted));
  w->nan |= isnan(got) || isnan(wanted);
}

static void check_worst(const na_kernels *k, const worst *w, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void check_worst(const na_kernels *k, const worst *w, double tolerance, const char *format, ...)
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

/* ------------------------------------------------------------------------------- packing */

static void check_pack_view(const na_kernels *k, const input *in, long first, int count)
{
  size_t size = tile_floats(k, in->channels, count);
  float *tile = bordered(size);
  worst w = {0};
  k->pack_view(&in->view, in->channels, first, count, tile);
  for (int c = 0; c < in->channels; c++)
    for (int p = 0; p < count; p++)
      for (int l = 0; l < NA_LANES; l++)
        compare(&w, (double)tile_at(k, tile, in->channels, c, p, l), seen_at(in, c, first + p, l));
  check_worst(k, &w, FORWARD, "pack_view of %d channels, pixels %ld + %d", in->channels, first, count);
  check_border(k, tile, size, "pack_view");
  na_free(tile);
}

/* Floats of packed columns, and where channel c of `channels` stands in them. */
static size_t columns_floats(const na_kernels *k, int channels, int count)
{
  return (size_t)((channels + k->vector - 1) / k->vector * k->vector * count * NA_LANES);
}

static size_t column_at(const na_kernels *k, int channels, int c, int count, int i)
{
  int group = k->panel_pixels * NA_LANES, first = c / group * group, left = channels - first;
  int width = left < group ? (left + k->vector - 1) / k->vector * k->vector : group;
  return (size_t)(first * count * NA_LANES + i * width + c - first);
}

static void check_pack_columns(const na_kernels *k, const input *in, long first, int count)
{
  size_t size = columns_floats(k, in->channels, count);
  float *columns = bordered(size);
  worst w = {0};
  k->pack_columns(&in->view, in->channels, first, count, columns);
  for (int c = 0; c < in->channels; c++)
    for (int i = 0; i < count * NA_LANES; i++)
      compare(&w, (double)columns[column_at(k, in->channels, c, count, i)],
              seen_at(in, c, first + i / NA_LANES, i % NA_LANES));
  for (int c = in->channels; c % k->vector != 0; c++)
    for (int i = 0; i < count * NA_LANES; i++)
      CHECK(columns[column_at(k, in->channels, c, count, i)] == 0, "%s: pack_columns leaves column %d", k->name, c);
  check_worst(k, &w, FORWARD, "pack_columns of %d channels, pixels %ld + %d", in->channels, first, count);
  check_border(k, columns, size, "pack_columns");
  na_free(columns);
}

static void check_read_view(const na_kernels *k, const input *in, long first, int count)
{
  float *run = bordered((size_t)count * NA_LANES);
  worst w = {0};
  int c = in->channels - 1;
  k->read_view(&in->view, c, first, count, run);
  for (int i = 0; i < count * NA_LANES; i++)
    compare(&w, (double)run[i], seen_at(in, c, first + i / NA_LANES, i % NA_LANES));
  check_worst(k, &w, FORWARD, "read_view of channel %d, pixels %ld + %d", c, first, count);
  check_border(k, run, (size_t)count * NA_LANES, "read_view");
  na_free(run);
}

/* Sums of a view without gate, and of its products with a factor: its own data. Then the data, scaled and
 * shifted by the sums. */
static void check_lanes(const na_kernels *k, const input *in, long first, int count)
{
  input plain = *in;
  plain.view.gate = NULL;
  int c = in->channels - 1;
  const float *data = in->view.data + (size_t)c * in->view.stride;
  size_t size = (size_t)count * NA_LANES;
  float *run = bordered(size), *scale = lanes_floats(NA_LANES), *shift = lanes_floats(NA_LANES);
  double sums[2][NA_LANES], wanted[2][NA_LANES];
  worst w = {0};
  for (int l = 0; l < NA_LANES; l++)
    sums[0][l] = sums[1][l] = wanted[0][l] = wanted[1][l] = 0.5; /* added to what is there */
  k->sum_lanes(&plain.view, c, first, count, NULL, sums[0]);
  k->sum_lanes(&plain.view, c, first, count, data, sums[1]);
  memcpy(run, data + (size_t)first * NA_LANES, size * sizeof *run);
  for (int l = 0; l < NA_LANES; l++) {
    scale[l] = (float)sums[0][l];
    shift[l] = (float)sums[1][l];
    double terms[2] = {1, 1};
    for (long p = first; p < first + count; p++) {
      double x = seen_at(&plain, c, p, l), product = x * (double)data[p * NA_LANES + l];
      wanted[0][l] += x;
      wanted[1][l] += product;
      terms[0] += fabs(x);
      terms[1] += fabs(product);
    }
    CHECK_NEAR(sums[0][l], wanted[0][l], FORWARD, terms[0], "sum_lanes");
    CHECK_NEAR(sums[1][l], wanted[1][l], FORWARD, terms[1], "sum_lanes of products");
  }
  k->scale_lanes(run, scale, shift, count);
  for (size_t i = 0; i < size; i++)
    compare(&w, (double)run[i],
            (double)data[(size_t)first * NA_LANES + i] * (double)scale[i % NA_LANES] +
                (double)shift[i % NA_LANES]);
  check_worst(k, &w, FORWARD, "scale_lanes, pixels %ld + %d", first, count);
  check_border(k, run, size, "scale_lanes");
  na_free(run);
  na_free(scale);
  na_free(shift);
}

static void check_pullback(const na_kernels *k, const gradient *g, long first, int count)
{
  size_t size = tile_floats(k, g->channels, count);
  float *tile = bordered(size), *run = bordered((size_t)count * NA_LANES);
  worst packed = {0}, read = {0};
  k->pack_pullback(&g->pull, g->channels, &g->mask, first, count, tile);
  k->read_pullback(&g->pull, g->channels - 1, &g->mask, first, count, run);
  for (int p = 0; p < count; p++)
    for (int l = 0; l < NA_LANES; l++) {
      for (int c = 0; c < g->channels; c++)
        compare(&packed, (double)tile_at(k, tile, g->channels, c, p, l), pulled_at(g, c, first + p, l));
      compare(&read, (double)run[p * NA_LANES + l], pulled_at(g, g->channels - 1, first + p, l));
    }
  check_worst(k, &packed, FORWARD, "pack_pullback, pixels %ld + %d", first, count);
  check_worst(k, &read, FORWARD, "read_pullback, pixels %ld + %d", first, count);
  check_border(k, tile, size, "pack_pullback");
  check_border(k, run, (size_t)count * NA_LANES, "read_pullback");
  na_free(tile);
  na_free(run);
}

/* Windows of pixels: the whole, one, and pieces that no panel divides. */
static void each_window(long pixels, void (*task)(const na_kernels *, const void *, long, int),
                        const void *object)
{
  for (int s = 0; s < set_count; s++) {
    task(sets[s], object, 0, (int)pixels);
    task(sets[s], object, pixels - 1, 1);
    for (int count = 2; count <= 7; count++)
      if (pixels > count) task(sets[s], object, (pixels - count) / 2, count);
  }
}

static void view_window(const na_kernels *k, const void *object, long first, int count)
{
  check_pack_view(k, object, first, count);
  check_pack_columns(k, object, first, count);
  check_read_view(k, object, first, count);
  check_lanes(k, object, first, count);
}

static void pullback_window(const na_kernels *k, const void *object, long first, int count)
{
  check_pullback(k, object, first, count);
}

static void views_and_pullbacks(void)
{
  static const int some_images[] = {16, 7, 33, 48, 1};
  na_random random = na_random_at(1, 2, 3);
  for (int variant = 0, c = 0; c < 4; c++)
    for (int plane = 0; plane < 4; plane++)
      for (int n = 0; n < 5; n++, variant++) {
        int h = some_planes[plane].h, w = some_planes[plane].w;
        input in = input_new(some_channels[c], some_images[n], h, w, variant, &random);
        each_window((long)in.blocks * in.area, view_window, &in);
        input_free(&in);
        gradient g;
        gradient_init(&g, some_channels[c], some_images[n], h, w, variant % 2 == 0, &random);
        each_window((long)g.blocks * g.area, pullback_window, &g);
        gradient_free(&g);
      }
}

/* -------------------------------------------------------------------------- activations */

/* Exactly at the kinks, where a derivative is a choice, and for what is not a number, which must
 * stay one: training watches for it. */
static void activations_at_their_kinks(void)
{
  const float special[] = {-4, -3, -1, 0, 3, 6, 7, 1, -2.5f, 5.5f, 2, 4, -6, 0.5f, -0.5f, NAN};
  _Static_assert(sizeof special == NA_LANES * sizeof(float), "one pixel");
  float *data = lanes_floats(NA_LANES), *g = lanes_floats(NA_LANES), *got = lanes_floats(NA_LANES);
  memcpy(data, special, sizeof special);
  for (int s = 0; s < set_count; s++)
    for (int act = 0; act < NA_ACT_COUNT; act++) {
      na_view view = {.data = data, .stride = NA_LANES, .height = 1, .width = 1,
                      .act = (na_activation)act};
      na_finish how = {.data = data, .scale = 1, .act = (na_activation)act};
      double sum = 0, sum_x = 0;
      for (int l = 0; l < NA_LANES; l++) g[l] = 1;
      sets[s]->read_view(&view, 0, 0, 1, got);
      sets[s]->finish(g, &how, 0, 1, &sum, &sum_x);
      for (int l = 0; l < NA_LANES - 1; l++) {
        double x = (double)special[l];
        CHECK(fabs((double)got[l] - na_naive_act(how.act, x)) <= 1e-6, "%s: activation %d of %g is %g",
              sets[s]->name, act, x, (double)got[l]);
        CHECK(fabs((double)g[l] - na_naive_act_slope(how.act, x)) <= 1e-6,
              "%s: slope of activation %d at %g is %g", sets[s]->name, act, x, (double)g[l]);
      }
      CHECK(isnan(got[NA_LANES - 1]), "%s: activation %d makes %g of NaN", sets[s]->name, act,
            (double)got[NA_LANES - 1]);
    }
  na_free(data);
  na_free(g);
  na_free(got);
}

/* ---------------------------------------------------------------------------- yardsticks */

/* What `netaug bench` measures the machine with does what it says. */
static void peaks_do_their_work(void)
{
  enum { COUNT = 192 };
  float *a = lanes_floats(COUNT), *b = lanes_floats(COUNT), *c = lanes_floats(COUNT), sink = -1;
  for (int s = 0; s < set_count; s++) {
    const char *name = sets[s]->name;
    for (int i = 0; i < COUNT; i++) b[i] = (float)i, c[i] = (float)(i % 7);
    CHECK(sets[s]->peak_read(b, COUNT) == COUNT * (COUNT - 1) / 2, "%s: the sum is wrong", name);
    sets[s]->peak_triad(a, b, c, COUNT, 2);
    for (int i = 0; i < COUNT; i++)
      CHECK(a[i] == (float)(i + 2 * (i % 7)), "%s: triad %d is %g", name, i, (double)a[i]);
    sets[s]->peak_write(a, COUNT, 3);
    for (int i = 0; i < COUNT; i++) CHECK(a[i] == 3, "%s: %d was not written", name, i);
    double few = sets[s]->peak_fma(10, &sink), many = sets[s]->peak_fma(1000, &sink);
    CHECK(few > 0 && many == 100 * few, "%s: %g and %g operations", name, few, many);
    CHECK(sink > 0 && isfinite(sink), "%s: the chains end at %g", name, (double)sink);
  }
  na_free(a);
  na_free(b);
  na_free(c);
}

/* ------------------------------------------------------------------------------ matrices */

enum { MOST_CHANNELS = 130 };

/* A[rows][outer][inner] with gaps between rows and between outer parts, and all packed. */
typedef struct matrix {
  int rows, outer, inner, depth, groups;
  size_t row_stride, outer_stride;
  float *source, *packed;
} matrix;

static matrix matrix_new(const na_kernels *k, int rows, int outer, int inner, bool turned,
                         na_random *random)
{
  matrix m = {.rows = rows, .outer = outer, .inner = inner, .depth = outer * inner,
              .groups = (rows + k->group_rows - 1) / k->group_rows};
  m.outer_stride = turned ? (size_t)(inner * (rows + 1)) : (size_t)inner + 2;
  m.row_stride = turned ? (size_t)inner : m.outer_stride * (size_t)outer + 3;
  size_t size = m.row_stride * (size_t)rows + m.outer_stride * (size_t)outer;
  m.source = lanes_floats(size);
  lanes_fill(m.source, size, random, -1, 1);
  size_t packed = (size_t)(m.groups * k->group_rows * m.depth);
  m.packed = bordered(packed);
  for (int group = 0; group < m.groups; group += 2) /* in pieces, as threads do */
    k->pack_matrix(m.source, rows, outer, inner, m.row_stride, m.outer_stride, group,
                   group + 1 < m.groups ? 2 : 1, m.packed);
  check_border(k, m.packed, packed, "pack_matrix");
  return m;
}

static double matrix_at(const matrix *m, int r, int column)
{
  return (double)m->source[(size_t)r * m->row_stride + (size_t)(column / m->inner) * m->outer_stride +
                           (size_t)(column % m->inner)];
}

static void matrix_free(matrix *m)
{
  na_free(m->source);
  na_free(m->packed);
}

static void check_packed(const na_kernels *k, const matrix *m)
{
  bool same = true;
  for (int r = 0; r < m->groups * k->group_rows; r++)
    for (int q = 0; q < m->depth; q++) {
      float got = m->packed[(size_t)(r / k->group_rows * m->depth * k->group_rows +
                                     q * k->group_rows + r % k->group_rows)];
      same &= (double)got == (r < m->rows ? matrix_at(m, r, q) : 0.0);
    }
  CHECK(same, "%s: pack_matrix of %d x %d x %d", k->name, m->rows, m->outer, m->inner);
}

static void check_matmul(const na_kernels *k, int rows, int depth, int count, na_random *random)
{
  int inner = depth % 3 == 0 ? 3 : 1;
  matrix m = matrix_new(k, rows, depth / inner, inner, rows % 2 == 0, random);
  check_packed(k, &m);
  size_t floats = tile_floats(k, depth, count), stride = (size_t)(count + 3) * NA_LANES;
  float *tile = lanes_floats(floats), *c = lanes_floats((size_t)rows * stride);
  lanes_fill(tile, floats, random, -1, 1);
  na_ahead ahead = {{tile, tile + NA_LANES}, 2 * NA_LANES, depth};
  for (int pass = 0; pass < 2; pass++) { /* the second adds, and fetches */
    worst w = {0};
    if (pass == 0)
      for (size_t i = 0; i < (size_t)rows * stride; i++) c[i] = UNTOUCHED;
    k->matmul(m.packed, rows, depth, depth, tile, count, c, stride, pass == 1,
              pass == 1 ? &ahead : NULL);
    for (int r = 0; r < rows; r++) {
      for (int p = 0; p < count; p++)
        for (int l = 0; l < NA_LANES; l++) {
          double wanted = 0;
          for (int q = 0; q < depth; q++)
            wanted += matrix_at(&m, r, q) * (double)tile_at(k, tile, depth, q, p, l);
          compare(&w, (double)c[(size_t)r * stride + (size_t)(p * NA_LANES + l)], wanted * (pass + 1));
        }
      for (size_t i = (size_t)count * NA_LANES; i < stride; i++)
        CHECK(c[(size_t)r * stride + i] == UNTOUCHED, "%s: matmul writes beyond row %d", k->name, r);
    }
    check_worst(k, &w, FORWARD, "matmul %d x %d, %d pixels, pass %d", rows, depth, count, pass);
  }
  na_free(tile);
  na_free(c);
  matrix_free(&m);
}

/* The products past the caches: the same values, with their moments, or finished with their sums. */
static void check_streamed(const na_kernels *k, na_activation act, int rows, int depth, int count,
                           na_random *random)
{
  matrix m = matrix_new(k, rows, depth, 1, rows % 2 == 0, random);
  size_t floats = tile_floats(k, depth, count), stride = (size_t)(count + 3) * NA_LANES;
  size_t size = (size_t)rows * stride, run = (size_t)count * NA_LANES;
  float *tile = lanes_floats(floats), *c = lanes_floats(size), *d = lanes_floats(size), *x = lanes_floats(size);
  lanes_fill(tile, floats, random, -1, 1);
  lanes_fill(x, size, random, -4, 8);
  for (size_t i = 0; i < size; i++) c[i] = d[i] = UNTOUCHED;
  na_moments moments[MOST_CHANNELS];
  na_finish how[MOST_CHANNELS];
  double sums[2 * MOST_CHANNELS];
  for (int r = 0; r < rows; r++) {
    moments[r] = (na_moments){1, 2, 0.5f};
    /* Pixel 0 lies two before the tile. */
    how[r] = (na_finish){x + (size_t)r * stride - 2 * NA_LANES, 0.75f, 0.25f, 0.125f * (float)(r % 8), act};
    sums[2 * r] = 3;
    sums[2 * r + 1] = 4;
  }
  k->matmul_streamed(m.packed, rows, depth, depth, tile, count, c, stride, moments);
  k->matmul_finished(m.packed, rows, depth, depth, tile, count, d, stride, how, 2, sums);
  worst w = {0}, g = {0}, totals = {0};
  for (int r = 0; r < rows; r++) {
    double first = 1, second = 2, sum = 3, sum_x = 4;
    for (size_t i = 0; i < stride; i++) {
      size_t at = (size_t)r * stride + i;
      if (i >= run) {
        CHECK(c[at] == UNTOUCHED && d[at] == UNTOUCHED, "%s: written beyond row %d", k->name, r);
        continue;
      }
      double wanted = 0, seen = (double)(x[at] * 0.75f + 0.25f);
      for (int q = 0; q < depth; q++)
        wanted += matrix_at(&m, r, q) * (double)tile_at(k, tile, depth, q, (int)i / NA_LANES, (int)i % NA_LANES);
      compare(&w, (double)c[at], wanted);
      first += wanted - 0.5;
      second += (wanted - 0.5) * (wanted - 0.5);
      bool passes = act == NA_ACT_IDENTITY || (seen > 0 && (act == NA_ACT_RELU || seen < 6));
      compare(&g, (double)d[at], passes ? wanted : 0);
      sum += passes ? wanted : 0;
      sum_x += passes ? wanted * (double)(x[at] - how[r].mean) : 0;
    }
    compare(&totals, moments[r].sum, first);
    compare(&totals, moments[r].square, second);
    compare(&totals, sums[2 * r], sum);
    compare(&totals, sums[2 * r + 1], sum_x);
  }
  check_worst(k, &w, FORWARD, "matmul_streamed %d x %d, %d pixels", rows, depth, count);
  check_worst(k, &g, FORWARD, "matmul_finished %d x %d, %d pixels", rows, depth, count);
  check_worst(k, &totals, BACKWARD, "their sums %d x %d, %d pixels", rows, depth, count);
  na_free(tile);
  na_free(c);
  na_free(d);
  na_free(x);
  matrix_free(&m);
}

static void check_outer(const na_kernels *k, int left, int right, int count, na_random *random)
{
  size_t lf = tile_floats(k, left, count), stride = (size_t)right + 5;
  size_t rf = columns_floats(k, right, count);
  float *a = lanes_floats(lf), *b = lanes_floats(rf), *w = lanes_floats((size_t)left * stride);
  lanes_fill(a, lf, random, -1, 1);
  lanes_fill(b, rf, random, -1, 1);
  for (size_t i = 0; i < (size_t)left * stride; i++) w[i] = 1;
  worst off = {0};
  na_ahead ahead = {{a, b}, (size_t)count * NA_LANES, right};
  k->outer(a, left, b, right, count, w, stride, left % 3 != 0, left % 2 == 0 ? &ahead : NULL);
  for (int m = 0; m < left; m++) {
    for (int n = 0; n < right; n++) {
      double sum = left % 3 != 0;
      for (int i = 0; i < count * NA_LANES; i++)
        sum += (double)tile_at(k, a, left, m, i / NA_LANES, i % NA_LANES) *
               (double)b[column_at(k, right, n, count, i)];
      compare(&off, (double)w[(size_t)m * stride + (size_t)n], sum);
    }
    for (size_t i = (size_t)right; i < stride; i++)
      CHECK(w[(size_t)m * stride + i] == 1, "%s: outer writes beyond row %d", k->name, m);
  }
  check_worst(k, &off, BACKWARD, "outer %d x %d, %d pixels", left, right, count);
  na_free(a);
  na_free(b);
  na_free(w);
}

static void matrix_products(void)
{
  static const int some_counts[] = {1, 2, 3, 4, 7, 48}, some_rows[] = {1, 2, 3, 5, 8, 17, 33, 64};
  static const int some_depths[] = {1, 3, 17, 99};
  na_random random = na_random_at(4, 5, 6);
  for (int s = 0; s < set_count; s++)
    for (int r = 0; r < 8; r++)
      for (int d = 0; d < 4; d++)
        for (int c = 0; c < 6; c++) {
          check_matmul(sets[s], some_rows[r], some_depths[d], some_counts[c], &random);
          check_streamed(sets[s], (na_activation)(d % 3), some_rows[r], some_depths[d], some_counts[c],
                         &random);
          check_outer(sets[s], some_rows[r], some_depths[d], some_counts[c], &random);
        }
  /* More rows and columns than one block of the cache holds. */
  for (int s = 0; s < set_count; s++) {
    check_matmul(sets[s], 130, 999, 5, &random);
    check_streamed(sets[s], NA_ACT_RELU6, 130, 20, 5, &random);
    check_outer(sets[s], 9, 300, 48, &random);
  }
}

static void gemm(void)
{
  static const int some_m[] = {1, 5, 33}, some_k[] = {1, 17, 70};
  const char *name = na_gemm_init();
  CHECK(strcmp(name, "OpenBLAS") == 0 || strcmp(name, "plain loops") == 0, "na_gemm uses %s", name);
  na_random random = na_random_at(7, 8, 9);
  for (int variant = 0; variant < 8; variant++)
    for (int i = 0; i < 9; i++) {
      bool ta = variant & 1, tb = variant & 2, add = variant & 4;
      int m = some_m[i / 3], k = some_k[i % 3], n = 48;
      int lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
      size_t sizes[3] = {(size_t)(lda * (ta ? k : m)), (size_t)(ldb * (tb ? n : k)), (size_t)(ldc * m)};
      float *fast[3];
      double *slow[3];
      for (int t = 0; t < 3; t++) {
        fast[t] = lanes_floats(sizes[t]);
        slow[t] = lanes_doubles(sizes[t]);
        lanes_fill(fast[t], sizes[t], &random, -1, 1);
        for (size_t v = 0; v < sizes[t]; v++) slow[t][v] = (double)fast[t][v];
      }
      worst w = {0};
      na_gemm(ta, tb, m, n, k, fast[0], lda, fast[1], ldb, add, fast[2], ldc);
      na_naive_gemm(ta, tb, m, n, k, slow[0], lda, slow[1], ldb, add, slow[2], ldc);
      for (size_t v = 0; v < sizes[2]; v++) compare(&w, (double)fast[2][v], slow[2][v]);
      CHECK(!w.nan && w.difference <= FORWARD * w.magnitude, "gemm variant %d, %d x %d: off by %g",
            variant, m, k, w.difference);
      for (int t = 0; t < 3; t++) {
        na_free(fast[t]);
        na_free(slow[t]);
      }
    }
}

/* --------------------------------------------------------------------- sums along channels */

static void moments_of_channels(void)
{
  static const int some_images[] = {1, 7, 16, 33, 48};
  na_random random = na_random_at(10, 11, 12);
  for (int plane = 0; plane < 4; plane++)
    for (int n = 0; n < 5; n++) {
      gradient g; /* only its mask and memory are used */
      gradient_init(&g, 1, some_images[n], some_planes[plane].h, some_planes[plane].w, false, &random);
      long pixels = (long)g.blocks * g.area, cut = pixels / 3;
      for (long i = 0; i < pixels * NA_LANES; i++) g.data[i] += 100; /* a mean far from 0 */
      double sum = 0, square = 0, shift = (double)g.data[0], values = (double)g.images * g.area;
      for (int image = 0; image < g.images; image++)
        for (int p = 0; p < g.area; p++) {
          double d = (double)g.data[lanes_at(g.pull.stride, 0, image, p, g.area)] - shift;
          sum += d;
          square += d * d;
        }
      for (int s = 0; s < set_count; s++) {
        na_moments m = {.shift = g.data[0]};
        sets[s]->moments(g.data, 0, cut, &g.mask, &m);
        sets[s]->moments(g.data, cut, pixels - cut, &g.mask, &m);
        CHECK_NEAR(m.sum, sum, FORWARD, fmax(square, values * 1e-3), "sum");
        CHECK_NEAR(m.square, square, FORWARD, fmax(square, values * 1e-3), "square");
      }
      gradient_free(&g);
    }
}

/* Keeps the values away from the kinks, where float and double may fall on different sides. */
static void leave_kinks(float *data, long count, const na_finish *how)
{
  for (long i = 0; i < count; i++)
    while (na_naive_act_margin(how->act, (double)how->scale * (double)data[i] + (double)how->shift) < 1e-3)
      data[i] += 0.01f;
}

static void finished_gradients(void)
{
  na_random random = na_random_at(13, 14, 15);
  enum { PIXELS = 201 };
  float *data = lanes_floats(PIXELS * NA_LANES), *g = lanes_floats(PIXELS * NA_LANES);
  float *work = lanes_floats(PIXELS * NA_LANES);
  for (int act = 0; act < NA_ACT_COUNT; act++) {
    na_finish how = {data, 1.7f, 0.4f, 0.3f, (na_activation)act};
    lanes_fill(data, PIXELS * NA_LANES, &random, -4, 4);
    lanes_fill(g, PIXELS * NA_LANES, &random, -1, 1);
    leave_kinks(data, PIXELS * NA_LANES, &how);
    for (int s = 0; s < set_count; s++) {
      static const struct { long first, count; } runs[] = {{0, PIXELS}, {0, 1}, {5, 130}, {200, 1}};
      for (int r = 0; r < 4; r++) {
        worst w = {0};
        double sum = 0, sum_x = 0, got = 0.5, got_x = 0.25; /* added to what is there */
        memcpy(work, g, PIXELS * NA_LANES * sizeof *g);
        sets[s]->finish(work, &how, runs[r].first, runs[r].count, &got, &got_x);
        for (long i = 0; i < PIXELS * NA_LANES; i++) {
          bool inside = i / NA_LANES >= runs[r].first && i / NA_LANES < runs[r].first + runs[r].count;
          double x = (double)data[i], z = (double)how.scale * x + (double)how.shift;
          double d = (double)g[i] * (inside ? na_naive_act_slope(how.act, z) : 1);
          compare(&w, (double)work[i], d);
          if (inside) sum += d;
          if (inside) sum_x += d * (x - (double)how.mean);
        }
        check_worst(sets[s], &w, BACKWARD, "finish, activation %d", act);
        double scale = 1 + sqrt((double)runs[r].count * NA_LANES);
        CHECK_NEAR(got - 0.5, sum, BACKWARD, scale, "sum of finished gradients");
        CHECK_NEAR(got_x - 0.25, sum_x, BACKWARD, 4 * scale, "sum_x of finished gradients");
      }
    }
  }
  na_free(data);
  na_free(g);
  na_free(work);
}

/* -------------------------------------------------------------------- dense convolutions */

/* One convolution: the input, the weights, the output's gradient, and what the oracle says. */
typedef struct conv_case {
  input in;
  gradient out;
  na_naive_window win;
  float *weight;               /* [o][i][k][k] */
  double *y, *dx, *dw;
} conv_case;

/* Initialises *c in place, as gradient_init does. inputs_per_output: 1 for a depthwise one. */
static void conv_case_init(conv_case *c, const na_naive_window *win, bool depthwise, int variant,
                           na_random *random)
{
  *c = (conv_case){.win = *win, .in = input_new(win->i, win->n, win->h, win->w, variant, random)};
  input_see(&c->in);
  gradient_init(&c->out, win->o, win->n, win->p, win->q, variant % 2 == 0, random);
  size_t taps = (size_t)(win->k * win->k), weights = (size_t)win->o * taps;
  if (!depthwise) weights *= (size_t)win->i;
  c->weight = lanes_floats(weights);
  lanes_fill(c->weight, weights, random, -1, 1);
  double *weight = lanes_doubles(weights);
  for (size_t i = 0; i < weights; i++) weight[i] = (double)c->weight[i];
  c->y = lanes_doubles((size_t)(win->n * win->o * win->p * win->q));
  c->dx = lanes_doubles((size_t)(win->n * win->i * win->h * win->w));
  c->dw = lanes_doubles(weights);
  if (depthwise) {
    na_naive_depthwise(win, c->in.seen, weight, c->y);
    na_naive_depthwise_backward(win, c->in.seen, weight, c->out.pulled, c->dx, c->dw);
  } else {
    na_naive_conv(win, c->in.seen, weight, c->y);
    na_naive_conv_backward(win, c->in.seen, weight, c->out.pulled, c->dx, c->dw);
  }
  na_free(weight);
}

static void conv_case_free(conv_case *c)
{
  input_free(&c->in);
  gradient_free(&c->out);
  na_free(c->weight);
  na_free(c->y);
  na_free(c->dx);
  na_free(c->dw);
}

static void check_shape(const na_kernels *k, const conv_case *c, const worst *w, double tolerance,
                        const char *what)
{
  check_worst(k, w, tolerance, "%s: %d -> %d channels, %d images of %dx%d, kernel %d, stride %d", what,
              c->win.i, c->win.o, c->win.n, c->win.h, c->win.w, c->win.k, c->win.s);
}

/* Sets *w to how far rows[channel][pixel][lane] is from wanted[image][channel][pixel]. */
static worst compare_images(const float *rows, size_t stride, const double *wanted, int images,
                            int channels, int area)
{
  worst w = {0};
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int p = 0; p < area; p++)
        compare(&w, (double)rows[lanes_at(stride, c, n, p, area)],
                wanted[lanes_index(n, c, channels, p, area)]);
  return w;
}

/* How large a sum of so many products of these random values usually is: where all of them happen to
 * cancel, rounding is still of that size. */
static double order_of(const na_naive_window *win, int inputs)
{
  int rows = win->k < win->h ? win->k : win->h, columns = win->k < win->w ? win->k : win->w;
  return 4 * sqrt((double)inputs * rows * columns);
}

/* Planes with margins of zeros: image row 0 is row `margin`, likewise columns. */
typedef struct margined {
  int margin, rows, columns;
  size_t plane, size;
  float *values; /* [blocks][channels][plane] */
} margined;

typedef struct margined_from {
  const na_view *view; /* or: */
  const gradient *pulled;
  int channels, blocks, h, w;
} margined_from;

static margined margined_new(const na_kernels *k, const margined_from *from, int margin)
{
  margined m = {.margin = margin, .rows = from->h + 2 * margin, .columns = from->w + 2 * margin};
  m.plane = (size_t)(m.rows * m.columns + 1) * NA_LANES;
  m.size = m.plane * (size_t)(from->blocks * from->channels);
  m.values = lanes_floats(m.size);
  for (int b = 0; b < from->blocks; b++)
    for (int c = 0; c < from->channels; c++)
      for (int y = 0; y < from->h; y++) {
        float *to = m.values + (size_t)(b * from->channels + c) * m.plane +
                    (size_t)((y + margin) * m.columns + margin) * NA_LANES;
        long first = ((long)b * from->h + y) * from->w;
        if (from->view != NULL)
          k->read_view(from->view, c, first, from->w, to);
        else
          k->read_pullback(&from->pulled->pull, c, &from->pulled->mask, first, from->w, to);
      }
  return m;
}

/* Block b's planes from row y and column x of the image on, in steps of `step` pixels. */
static na_planes margined_at(const margined *m, int b, int channels, int y, int x, int step,
                             int columns)
{
  size_t pixel = (size_t)((y + m->margin) * m->columns + x + m->margin);
  return (na_planes){m->values + (size_t)(b * channels) * m->plane + pixel * NA_LANES,
                     m->plane,
                     {columns, (size_t)(step * m->columns) * NA_LANES, (size_t)step * NA_LANES}};
}

enum { TAPS = 11 * 11 };

/* Every tap of the kernel, for pixels of `m` by their upper left corner. */
static na_window every_tap(const na_planes *from, const margined *m, int channels, int k,
                           na_tap *taps)
{
  for (int q = 0; q < k * k; q++) taps[q] = (na_tap){q, (q / k * m->columns + q % k) * NA_LANES};
  return (na_window){*from, channels, k * k, k * k, taps};
}

/* The layer's arithmetic from the kernels: forward product and weights' gradient. */
static void check_conv_forward(const na_kernels *k, const conv_case *c)
{
  const na_naive_window *win = &c->win;
  int rows = win->i * win->k * win->k, pad = win->k / 2, area = win->p * win->q;
  int groups = (win->o + k->group_rows - 1) / k->group_rows;
  size_t stride = (size_t)(c->in.blocks * area | 1) * NA_LANES, size = (size_t)win->o * stride;
  float *packed = lanes_floats((size_t)(groups * k->group_rows * rows)), *y = bordered(size);
  float *dw = lanes_floats((size_t)(win->o * rows));
  margined x = margined_new(
      k, &(margined_from){&c->in.view, NULL, win->i, c->in.blocks, win->h, win->w}, pad);
  margined g =
      margined_new(k, &(margined_from){NULL, &c->out, win->o, c->in.blocks, win->p, win->q}, 1);
  k->pack_matrix(c->weight, win->o, win->i, win->k * win->k, (size_t)rows,
                 (size_t)(win->k * win->k), 0, groups, packed);
  na_grid to = {win->q, (size_t)win->q * NA_LANES, NA_LANES};
  for (int b = 0; b < c->in.blocks; b++) {
    na_tap taps[TAPS];
    na_planes from = margined_at(&x, b, win->i, -pad, -pad, win->s, win->q);
    na_planes left = margined_at(&g, b, win->o, 0, 0, 1, win->q);
    na_window window = every_tap(&from, &x, win->i, win->k, taps);
    k->convolve(&window, packed, win->o, rows, area, y + (size_t)(b * area) * NA_LANES, &to, stride,
                false);
    k->correlate(&left, win->o, &window, area, dw, (size_t)rows, b > 0);
  }
  check_border(k, y, size, "convolve");
  worst forward = compare_images(y, stride, c->y, win->n, win->o, area), weights = {0};
  forward.magnitude = fmax(forward.magnitude, order_of(win, win->i));
  check_shape(k, c, &forward, FORWARD, "convolution");
  for (int i = 0; i < win->o * rows; i++) compare(&weights, (double)dw[i], c->dw[i]);
  check_shape(k, c, &weights, BACKWARD, "its weights' gradient");
  na_free(packed);
  na_free(x.values);
  na_free(g.values);
  na_free(y);
  na_free(dw);
}

/* Adds to the input's pixels (y, x), (y + s, x), ... of block b what their taps see of the
 * gradient. */
static void add_class(const na_kernels *k, const conv_case *c, const margined *g,
                      const float *packed, int b, int y, int x, float *dx, size_t stride)
{
  const na_naive_window *win = &c->win;
  int rows = (win->h - y + win->s - 1) / win->s, columns = (win->w - x + win->s - 1) / win->s;
  if (y >= win->h || x >= win->w) return;
  na_tap taps[TAPS];
  na_planes from = margined_at(g, b, win->o, 0, 0, 1, columns);
  na_window window = {from, win->o, win->k * win->k, 0, taps};
  for (int q = 0; q < win->k * win->k; q++) {
    int dy = y + win->k / 2 - q / win->k, dx_ = x + win->k / 2 - q % win->k;
    if (dy % win->s != 0 || dx_ % win->s != 0) continue;
    taps[window.count++] = (na_tap){q, (dy / win->s * g->columns + dx_ / win->s) * NA_LANES};
  }
  na_grid to = {columns, (size_t)(win->s * win->w) * NA_LANES, (size_t)win->s * NA_LANES};
  k->convolve(&window, packed, win->i, window.area * win->o, rows * columns,
              dx + (size_t)((b * win->h + y) * win->w + x) * NA_LANES, &to, stride, true);
}

/* The input's gradient from turned weights, class by class of its pixels. */
static void check_conv_backward(const na_kernels *k, const conv_case *c)
{
  const na_naive_window *win = &c->win;
  int rows = win->o * win->k * win->k, groups = (win->i + k->group_rows - 1) / k->group_rows;
  size_t stride = (size_t)(c->in.blocks * win->h * win->w | 1) * NA_LANES,
         size = (size_t)win->i * stride;
  float *packed = lanes_floats((size_t)(groups * k->group_rows * rows)), *dx = bordered(size);
  margined g = margined_new(
      k, &(margined_from){NULL, &c->out, win->o, c->in.blocks, win->p, win->q}, win->k);
  k->pack_matrix(c->weight, win->i, win->o, win->k * win->k, (size_t)(win->k * win->k),
                 (size_t)(win->i * win->k * win->k), 0, groups, packed);
  for (size_t i = 0; i < size; i++) dx[i] = 0;
  for (int b = 0; b < c->in.blocks; b++)
    for (int class = 0; class < win->s * win->s; class ++)
      add_class(k, c, &g, packed, b, class / win->s, class % win->s, dx, stride);
  check_border(k, dx, size, "convolve");
  worst w = compare_images(dx, stride, c->dx, win->n, win->i, win->h * win->w);
  check_shape(k, c, &w, BACKWARD, "its input's gradient");
  na_free(packed);
  na_free(g.values);
  na_free(dx);
}

/* As many images as the naive oracle computes in reasonable time: 1 to 3 blocks, mostly partial. */
static int images_for(int variant, double work_per_image)
{
  static const int some_images[] = {7, 16, 19, 33, 48, 1};
  int images = some_images[variant % 6];
  while (images > 16 && work_per_image * images > 4e6) images -= 15;
  return images;
}

static void dense_convolutions(void)
{
  na_random random = na_random_at(16, 17, 18);
  for (int variant = 0; variant < 4 * 4 * 6 * 3; variant++) {
    int i = some_channels[variant % 4], plane = variant / 4 % 4, k = some_kernels[variant / 16 % 6];
    int s = 1 + variant / 96, o = variant % 5 + 1 + (variant % 7 == 0) * 12;
    na_naive_window win = na_naive_window_of(1, i, o, some_planes[plane].h, some_planes[plane].w, k, s);
    win.n = images_for(variant + variant / 4, (double)i * o * win.p * win.q * k * k);
    conv_case c;
    conv_case_init(&c, &win, false, variant + variant / 20, &random);
    for (int set = 0; set < set_count; set++) {
      check_conv_forward(sets[set], &c);
      check_conv_backward(sets[set], &c);
    }
    conv_case_free(&c);
  }
}

/* ---------------------------------------------------------------- depthwise convolutions */

static na_depthwise call_of(const conv_case *c, int channel)
{
  const na_naive_window *win = &c->win;
  return (na_depthwise){.kernel = win->k, .stride = win->s, .pad = win->k / 2, .blocks = c->in.blocks,
                        .in_height = win->h, .in_width = win->w, .out_height = win->p,
                        .out_width = win->q, .weight = c->weight + channel * win->k * win->k,
                        .mask = c->out.mask};
}

static float *depthwise_rows(const conv_case *c, size_t *count)
{
  *count = na_depthwise_scratch(c->win.k, c->win.w, c->win.q);
  return bordered(*count);
}

static void check_moments(const na_kernels *k, const conv_case *c, int channel, const na_moments *m)
{
  int area = c->win.p * c->win.q;
  double sum = 0, square = 0, scale = 1;
  for (int n = 0; n < c->win.n; n++)
    for (int p = 0; p < area; p++) {
      double y = c->y[lanes_index(n, channel, c->win.o, p, area)], d = y - (double)m->shift;
      sum += d;
      square += d * d;
      scale += y * y;
    }
  CHECK(fabs(m->sum - sum) <= 4 * FORWARD * scale && fabs(m->square - square) <= 4 * FORWARD * scale,
        "%s: moments of a depthwise convolution: %g %g, wanted %g %g", k->name, m->sum, m->square, sum,
        square);
}

static void check_depthwise_forward(const na_kernels *k, const conv_case *c)
{
  size_t scratch, stride = c->out.pull.stride, floats = (size_t)c->win.o * stride;
  float *rows = depthwise_rows(c, &scratch), *y = bordered(floats);
  for (int channel = 0; channel < c->win.o; channel++) {
    na_depthwise call = call_of(c, channel);
    na_moments moments;
    k->depthwise_forward(&call, &c->in.view, channel, y + (size_t)channel * stride,
                         channel % 2 == 0 ? &moments : NULL, rows);
    if (channel % 2 == 0) check_moments(k, c, channel, &moments);
  }
  worst w = compare_images(y, stride, c->y, c->win.n, c->win.o, c->win.p * c->win.q);
  w.magnitude = fmax(w.magnitude, order_of(&c->win, 1));
  check_shape(k, c, &w, FORWARD, "depthwise convolution");
  check_border(k, rows, scratch, "depthwise_forward");
  check_border(k, y, floats, "depthwise_forward");
  na_free(rows);
  na_free(y);
}

/* Alone, on top of another gradient, and finished with an activation's slope. */
enum { ALONE, ACCUMULATED, FINISHED, UNWANTED };

static void check_depthwise_backward(const na_kernels *k, conv_case *c, int how)
{
  const na_naive_window *win = &c->win;
  size_t scratch, stride = c->in.view.stride, floats = (size_t)win->i * stride;
  int area = win->h * win->w, taps = win->k * win->k;
  float *rows = depthwise_rows(c, &scratch), *dx = bordered(floats);
  float *dw = lanes_floats((size_t)(win->o * taps));
  double *wanted = lanes_doubles((size_t)(win->n * win->i * area));
  worst weights = {0};
  for (int channel = 0; channel < win->o; channel++) {
    na_depthwise call = call_of(c, channel);
    float *to = dx + (size_t)channel * stride;
    na_finish finish = {c->in.data + (size_t)channel * stride, 1.5f, 0.25f, 0.5f, NA_ACT_HSIGMOID};
    double sum = 0, sum_x = 0, wanted_sum = 0, wanted_sum_x = 0, scale = 1;
    for (size_t i = 0; how == ACCUMULATED && i < stride; i++) to[i] = 1;
    k->depthwise_backward(&call, &c->in.view, &c->out.pull, channel, dw + channel * taps,
                          how == UNWANTED ? NULL : to, how == ACCUMULATED,
                          how == FINISHED ? &finish : NULL, &sum, &sum_x, rows);
    for (int n = 0; n < win->n; n++)
      for (int p = 0; p < area; p++) {
        size_t at = lanes_index(n, channel, win->i, p, area);
        double x = (double)finish.data[lanes_at(0, 0, n, p, area)];
        double slope = na_naive_act_slope(finish.act, (double)finish.scale * x + (double)finish.shift);
        wanted[at] = c->dx[at] * (how == FINISHED ? slope : 1) + (how == ACCUMULATED);
        wanted_sum += wanted[at];
        wanted_sum_x += wanted[at] * (x - (double)finish.mean);
        scale += fabs(wanted[at]);
      }
    if (how == FINISHED) {
      CHECK_NEAR(sum, wanted_sum, BACKWARD, scale, "sum of a depthwise input's gradient");
      CHECK_NEAR(sum_x, wanted_sum_x, BACKWARD, 3 * scale, "sum_x of a depthwise input's gradient");
    }
    for (int q = 0; q < taps; q++)
      compare(&weights, (double)dw[channel * taps + q], c->dw[channel * taps + q]);
  }
  check_shape(k, c, &weights, BACKWARD, "depthwise weights' gradient");
  if (how != UNWANTED) {
    worst w = compare_images(dx, stride, wanted, win->n, win->i, area);
    check_shape(k, c, &w, BACKWARD, how == FINISHED ? "finished depthwise input's gradient"
                                                    : "depthwise input's gradient");
  }
  check_border(k, rows, scratch, "depthwise_backward");
  check_border(k, dx, floats, "depthwise_backward");
  na_free(rows);
  na_free(dx);
  na_free(dw);
  na_free(wanted);
}

static void depthwise_convolutions(void)
{
  na_random random = na_random_at(19, 20, 21);
  for (int variant = 0; variant < 4 * 4 * 6 * 2; variant++) {
    int i = some_channels[variant % 4], plane = variant / 4 % 4, k = some_kernels[variant / 16 % 6];
    int s = 1 + variant / 96;
    na_naive_window win = na_naive_window_of(1, i, i, some_planes[plane].h, some_planes[plane].w, k, s);
    win.n = images_for(variant + variant / 4, (double)i * win.p * win.q * k * k);
    conv_case c;
    conv_case_init(&c, &win, true, variant + variant / 20, &random);
    for (int set = 0; set < set_count; set++) {
      check_depthwise_forward(sets[set], &c);
      for (int how = ALONE; how <= UNWANTED; how++) check_depthwise_backward(sets[set], &c, how);
    }
    conv_case_free(&c);
  }
}

/* ------------------------------------------------------------------------------- the sets */

static void instruction_sets(void)
{
  for (int i = 0; i < 3; i++) {
    const na_kernels *k = na_kernels_named(names[i]);
    if (k == NULL) printf("  this build or processor has no %s kernels\n", names[i]);
    else sets[set_count++] = k;
  }
  CHECK(set_count > 0 && strcmp(sets[0]->name, "plain") == 0, "the plain kernels are always there");
  CHECK(na_kernels_best() == sets[set_count - 1], "the best kernels are the last that run");
  CHECK(na_kernels_named("abacus") == NULL, "kernels that do not exist");
}

int main(void)
{
  RUN(instruction_sets);
  RUN(views_and_pullbacks);
  RUN(activations_at_their_kinks);
  RUN(peaks_do_their_work);
  RUN(matrix_products);
  RUN(gemm);
  RUN(moments_of_channels);
  RUN(finished_gradients);
  RUN(dense_convolutions);
  RUN(depthwise_convolutions);
  return CHECK_EXIT();
}
