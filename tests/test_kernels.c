/* The kernels of every instruction set of this processor against the naive oracle, over awkward
 * shapes: one channel and many, planes of one pixel, partial blocks, gates, activations.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_cases.h"

#include "core/kernel/gemm.h"

/* ------------------------------------------------------------------------------- packing */

static void check_pack_view(const na_kernels *k, const input *in, long first, int count)
{
  size_t size = tile_floats(k, in->channels, count);
  float *tile = bordered(size);
  worst w = {0};
  na_float32(k)->pack_view(&in->view, in->channels, first, count, NA_RIGHT, tile);
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
  return na_column_floats(na_float32(k), channels, count);
}

static size_t column_at(const na_kernels *k, int channels, int c, int count, int i)
{
  int group = na_float32(k)->panel_pixels * NA_LANES, first = c / group * group, left = channels - first;
  int vector = na_float32(k)->vector, width = left < group ? (left + vector - 1) / vector * vector : group;
  return (size_t)(first * count * NA_LANES + i * width + c - first);
}

static void check_pack_columns(const na_kernels *k, const input *in, long first, int count)
{
  size_t size = columns_floats(k, in->channels, count);
  float *columns = bordered(size);
  worst w = {0};
  na_float32(k)->pack_columns(&in->view, in->channels, first, count, columns);
  for (int c = 0; c < in->channels; c++)
    for (int i = 0; i < count * NA_LANES; i++)
      compare(&w, (double)columns[column_at(k, in->channels, c, count, i)],
              seen_at(in, c, first + i / NA_LANES, i % NA_LANES));
  for (int c = in->channels; c % na_float32(k)->vector != 0; c++)
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
  na_float32(k)->pack_pullback(&g->pull, g->channels, &g->mask, first, count, NA_RIGHT, tile);
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
              .groups = (rows + na_float32(k)->group_rows - 1) / na_float32(k)->group_rows};
  m.outer_stride = turned ? (size_t)(inner * (rows + 1)) : (size_t)inner + 2;
  m.row_stride = turned ? (size_t)inner : m.outer_stride * (size_t)outer + 3;
  size_t size = m.row_stride * (size_t)rows + m.outer_stride * (size_t)outer;
  m.source = lanes_floats(size);
  lanes_fill(m.source, size, random, -1, 1);
  size_t packed = (size_t)(m.groups * na_float32(k)->group_rows * m.depth);
  m.packed = bordered(packed);
  for (int group = 0; group < m.groups; group += 2) /* in pieces, as threads do */
    na_float32(k)->pack_matrix(m.source, rows, outer, inner, m.row_stride, m.outer_stride, group,
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
  for (int r = 0; r < m->groups * na_float32(k)->group_rows; r++)
    for (int q = 0; q < m->depth; q++) {
      float got = m->packed[(size_t)(r / na_float32(k)->group_rows * m->depth * na_float32(k)->group_rows +
                                     q * na_float32(k)->group_rows + r % na_float32(k)->group_rows)];
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
  na_ahead ahead = {{tile, tile + NA_LANES}, 2 * NA_LANES, depth, false};
  for (int pass = 0; pass < 2; pass++) { /* the second adds, and fetches */
    worst w = {0};
    if (pass == 0)
      for (size_t i = 0; i < (size_t)rows * stride; i++) c[i] = UNTOUCHED;
    na_float32(k)->matmul(m.packed, rows, depth, depth, tile, count, c, stride, false, pass == 1,
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
    how[r] = (na_finish){x + (size_t)r * stride - 2 * NA_LANES, 0.75f, 0.25f, 0.125f * (float)(r % 8), act,
                         false, false};
    sums[2 * r] = 3;
    sums[2 * r + 1] = 4;
  }
  na_float32(k)->matmul_streamed(m.packed, rows, depth, depth, tile, count, c, stride, false, moments);
  na_float32(k)->matmul_finished(m.packed, rows, depth, depth, tile, count, d, stride, false, how, 2, sums);
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
  na_ahead ahead = {{a, b}, (size_t)count * NA_LANES, right, false};
  na_float32(k)->outer(a, left, b, right, count, w, stride, left % 3 != 0, left % 2 == 0 ? &ahead : NULL);
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
        sets[s]->moments(g.data, false, 0, cut, &g.mask, &m);
        sets[s]->moments(g.data, false, cut, pixels - cut, &g.mask, &m);
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
    na_finish how = {data, 1.7f, 0.4f, 0.3f, (na_activation)act, false, false};
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
  return CHECK_EXIT();
}
