/* The products of dense layers, of every arithmetic that this processor has, from packing to results, against
 * sums in double of operands that are rounded as they say. Values are multiples of small powers of two,
 * so that what is rounded is exact: only sums differ.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_cases.h"

enum { MOST_ROWS = 70 };

static const na_products *products; /* under test */

static double rounded(double x) { return products->rounded ? (double)na_bf16((float)x) : x; }

static void check_result(const worst *w, double tolerance, const char *what, int rows, int depth, int count)
{
  CHECK(!w->nan && w->difference <= tolerance * fmax(w->magnitude, 1e-30),
        "%s: %s of %d x %d, %d pixels: off by %.3g of %.3g", products->name, what, rows, depth, count, w->difference,
        w->magnitude);
}

/* ------------------------------------------------------------------------------- operands */

/* Those of views whose activation is not exact round a few values to the neighbour. */
static double view_tolerance(const input *in, double tolerance)
{
  bool exact = in->view.act != NA_ACT_HSWISH && in->view.act != NA_ACT_HSIGMOID;
  return exact || !products->rounded ? tolerance : 2e-3;
}

static gradient *coarse_gradient(int channels, int images, bool norm, na_random *random)
{
  gradient *g = (gradient *)(void *)lanes_floats(sizeof *g / sizeof(float) + 1);
  gradient_init(g, channels, images, 5, 3, norm, random);
  size_t c = (size_t)channels, size = g->pull.stride * c;
  coarsen(g->grad, size, 0x1p-10f);
  coarsen(g->data, size, 0x1p-10f);
  coarsen(g->a, c, 0.25f);
  coarsen(g->b, c, 0.25f);
  coarsen(g->c, c, 0x1p-4f);
  return g;
}

/* What pulled_at tells, of the coarse values. */
static double coarse_at(const gradient *g, int c, long pixel, int lane)
{
  if ((int)(pixel / g->area) * NA_LANES + lane >= g->images) return 0;
  size_t at = (size_t)c * g->pull.stride + (size_t)pixel * NA_LANES + (size_t)lane;
  double x = (double)g->grad[at];
  return g->pull.a == NULL ? x : (double)g->a[c] * x + (double)g->b[c] * (double)g->data[at] + (double)g->c[c];
}

/* A matrix as layers have them, straight, turned or of several taps, and packed in pieces, as threads do. */
typedef struct matrix {
  int rows, columns, inner;
  size_t row_stride, outer_stride;
  float *source, *packed;
} matrix;

static matrix matrix_new(int rows, int columns, int kind, na_random *random)
{
  matrix m = {.rows = rows, .columns = columns, .inner = kind == 2 && columns % 3 == 0 ? 3 : 1};
  m.row_stride = kind == 1 ? 1 : (size_t)columns + 3;
  m.outer_stride = kind == 1 ? (size_t)rows + 2 : kind == 0 ? 1 : (size_t)m.inner;
  size_t size = kind == 1 ? m.outer_stride * (size_t)columns : m.row_stride * (size_t)rows;
  m.source = lanes_floats(size);
  lanes_fill(m.source, size, random, -1, 1);
  size_t packed = na_matrix_floats(products, rows, columns);
  m.packed = bordered(packed);
  int groups = (rows + products->group_rows - 1) / products->group_rows;
  for (int group = 0; group < groups; group += 2)
    products->pack_matrix(m.source, rows, columns / m.inner, m.inner, m.row_stride, m.outer_stride, group,
                          group + 1 < groups ? 2 : 1, m.packed);
  for (size_t i = packed; i < packed + BORDER; i++)
    CHECK(m.packed[i] == UNTOUCHED, "%s: pack_matrix writes beyond its end", products->name);
  return m;
}

static double matrix_at(const matrix *m, int r, int k)
{
  return rounded((double)m->source[(size_t)r * m->row_stride + (size_t)(k / m->inner) * m->outer_stride +
                                   (size_t)(k % m->inner)]);
}

static void matrix_free(matrix *m)
{
  na_free(m->source);
  na_free(m->packed);
}

/* A tile with a border, full of NaN: what nobody packs must not be seen. */
static float *empty(size_t floats)
{
  float *memory = bordered(floats);
  for (size_t i = 0; i < floats; i++) memory[i] = NAN;
  return memory;
}

static void check_end(const float *memory, size_t floats, const char *what)
{
  for (size_t i = floats; i < floats + BORDER; i++)
    CHECK(memory[i] == UNTOUCHED, "%s: %s writes beyond its end", products->name, what);
}

/* ------------------------------------------------------------------------------- A * tile */

/* The factor of a product, whose rows may begin in the middle of a matrix. */
typedef struct factors {
  matrix matrix;
  input in;
  int first, count, column, row; /* pixels; where the part of the matrix begins */
  float *tile;
} factors;

static factors factors_new(int rows, int depth, int first, int count, int variant, na_random *random)
{
  factors f = {.first = first, .count = count};
  if (depth > products->depth_unit) f.column = products->depth_unit;
  if (rows > products->group_rows) f.row = products->group_rows;
  f.matrix = matrix_new(rows + f.row, depth + f.column, variant % 3, random);
  f.in = coarse_input(depth, 21, 5, 3, variant, random);
  size_t floats = na_tile_floats(products, depth, count);
  f.tile = empty(floats);
  products->pack_view(&f.in.view, depth, first, count, NA_RIGHT, f.tile);
  check_end(f.tile, floats, "pack_view");
  return f;
}

static const float *factors_matrix(const factors *f)
{
  return na_matrix_at(products, f->matrix.packed, f->matrix.columns, f->row, f->column);
}

static double product_at(const factors *f, int r, int pixel, int lane)
{
  double sum = 0;
  for (int k = 0; k < f->in.channels; k++)
    sum += matrix_at(&f->matrix, r + f->row, k + f->column) *
           rounded(seen_at(&f->in, k, f->first + pixel, lane));
  return sum;
}

static void factors_free(factors *f)
{
  matrix_free(&f->matrix);
  input_free(&f->in);
  na_free(f->tile);
}

static void check_matmul(int rows, int depth, int count, int variant, na_random *random)
{
  factors f = factors_new(rows, depth, variant % 2 == 0 ? 0 : 11, count, variant, random);
  size_t stride = (size_t)(count + 3) * NA_LANES;
  float *c = lanes_floats((size_t)rows * stride);
  na_ahead ahead = {{f.tile, f.tile + NA_LANES}, 2 * NA_LANES, depth, false};
  for (size_t i = 0; i < (size_t)rows * stride; i++) c[i] = UNTOUCHED;
  for (int pass = 0; pass < 2; pass++) { /* the second adds, and fetches */
    worst w = {0};
    products->matmul(factors_matrix(&f), rows, f.matrix.columns, depth, f.tile, count, c, stride, false, pass == 1,
                     pass == 1 ? &ahead : NULL);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < count * NA_LANES; i++)
        compare(&w, (double)c[(size_t)r * stride + (size_t)i],
                product_at(&f, r, i / NA_LANES, i % NA_LANES) * (pass + 1));
      for (size_t i = (size_t)count * NA_LANES; i < stride; i++)
        CHECK(c[(size_t)r * stride + i] == UNTOUCHED, "%s: matmul writes beyond row %d", products->name, r);
    }
    check_result(&w, view_tolerance(&f.in, FORWARD), "matmul", rows, depth, count);
  }
  na_free(c);
  factors_free(&f);
}

/* The products past the caches: with their moments, or finished with their sums. */
static void check_streamed(int rows, int depth, int count, na_activation act, na_random *random)
{
  factors f = factors_new(rows, depth, 3, count, 0, random);
  size_t stride = (size_t)(count + 3) * NA_LANES, size = (size_t)rows * stride;
  float *c = lanes_floats(size), *d = lanes_floats(size), *x = lanes_floats(size);
  na_moments moments[MOST_ROWS];
  na_finish how[MOST_ROWS];
  double sums[2 * MOST_ROWS];
  lanes_fill(x, size, random, -4, 8);
  for (size_t i = 0; i < size; i++) c[i] = d[i] = UNTOUCHED;
  for (int r = 0; r < rows; r++) {
    moments[r] = (na_moments){1, 2, 0.5f};
    /* Pixel 0 lies two before the tile. */
    how[r] = (na_finish){x + (size_t)r * stride - 2 * NA_LANES, 0.75f, 0.25f, 0.125f * (float)(r % 8), act, false, false};
    sums[2 * r] = 3;
    sums[2 * r + 1] = 4;
  }
  products->matmul_streamed(factors_matrix(&f), rows, f.matrix.columns, depth, f.tile, count, c, stride, false, moments);
  products->matmul_finished(factors_matrix(&f), rows, f.matrix.columns, depth, f.tile, count, d, stride, false, how, 2, sums);
  worst w = {0}, g = {0}, totals = {0};
  for (int r = 0; r < rows; r++) {
    double first = 1, second = 2, sum = 3, sum_x = 4;
    for (int i = 0; i < count * NA_LANES; i++) {
      size_t at = (size_t)r * stride + (size_t)i;
      double wanted = product_at(&f, r, i / NA_LANES, i % NA_LANES), seen = (double)(x[at] * 0.75f + 0.25f);
      bool passes = act == NA_ACT_IDENTITY || (seen > 0 && (act == NA_ACT_RELU || seen < 6));
      compare(&w, (double)c[at], wanted);
      compare(&g, (double)d[at], passes ? wanted : 0);
      first += wanted - 0.5;
      second += (wanted - 0.5) * (wanted - 0.5);
      sum += passes ? wanted : 0;
      sum_x += passes ? wanted * (double)(x[at] - how[r].mean) : 0;
    }
    for (size_t i = (size_t)count * NA_LANES; i < stride; i++) {
      size_t at = (size_t)r * stride + i;
      CHECK(c[at] == UNTOUCHED && d[at] == UNTOUCHED, "%s: written beyond row %d", products->name, r);
    }
    compare(&totals, moments[r].sum, first);
    compare(&totals, moments[r].square, second);
    compare(&totals, sums[2 * r], sum);
    compare(&totals, sums[2 * r + 1], sum_x);
  }
  check_result(&w, FORWARD, "matmul_streamed", rows, depth, count);
  check_result(&g, FORWARD, "matmul_finished", rows, depth, count);
  check_result(&totals, BACKWARD, "their sums", rows, depth, count);
  na_free(c);
  na_free(d);
  na_free(x);
  factors_free(&f);
}

/* A tile whose left part's values are written one by one, and nothing between them. */
static void place_gradient(const gradient *g, int depth, int first, int count, float *tile)
{
  float *packed = empty(na_tile_floats(products, depth, count));
  size_t left = na_tile_left(products, depth, count), half = NA_LANES / 2;
  products->pack_pullback(&g->pull, depth, &g->mask, first, count, NA_LEFT, packed);
  for (int pixel = 0; pixel < count; pixel++)
    for (int k = 0; k < depth; k++) {
      size_t at = left + (size_t)(pixel / 2 * depth + k) * NA_LANES + (size_t)(pixel % 2) * half;
      memcpy(tile + at, packed + at, half * sizeof *tile);
    }
  products->complete_tile(depth, count, NA_LEFT | NA_RIGHT, tile);
  na_free(packed);
}

/* A gradient as the right factor, and as the left one of a product with columns; and a view as the left one. */
static void check_gradients(int rows, int depth, int count, int variant, na_random *random)
{
  int first = variant % 2 == 0 ? 17 : 14; /* across blocks: the second is masked in part */
  gradient *g = coarse_gradient(depth, 21, variant % 3 != 0, random);
  matrix m = matrix_new(rows, depth, 1, random);
  input in = coarse_input(rows, 21, 5, 3, variant, random);
  size_t floats = na_tile_floats(products, depth, count), across = (size_t)rows + 5, run = (size_t)count * NA_LANES;
  size_t columns_size = na_column_floats(products, rows, count), left_size = na_tile_floats(products, rows, count);
  float *tile = empty(floats), *columns = empty(columns_size), *left = empty(left_size);
  float *c = lanes_floats((size_t)rows * run), *w = lanes_floats((size_t)depth * across);
  float *squares = lanes_floats((size_t)rows * across);
  for (size_t i = 0; i < (size_t)depth * across; i++) w[i] = 1;
  if (variant % 3 == 2 && products->complete_tile != NULL) place_gradient(g, depth, first, count, tile);
  else products->pack_pullback(&g->pull, depth, &g->mask, first, count, NA_LEFT | NA_RIGHT, tile);
  check_end(tile, floats, "pack_pullback");
  products->pack_columns(&in.view, rows, first, count, columns);
  check_end(columns, columns_size, "pack_columns");
  products->pack_view(&in.view, rows, first, count, NA_LEFT, left);
  check_end(left, left_size, "pack_view");
  bool add = variant % 2 == 1;
  products->matmul(m.packed, rows, depth, depth, tile, count, c, run, false, false, NULL);
  na_ahead ahead = {{tile, tile}, (size_t)count * NA_LANES, rows, false};
  products->outer(tile, depth, columns, rows, count, w, across, add, add ? &ahead : NULL);
  products->outer(left, rows, columns, rows, count, squares, across, false, NULL);
  worst product = {0}, outer = {0}, square = {0};
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < count * NA_LANES; i++) {
      double sum = 0;
      for (int k = 0; k < depth; k++)
        sum += matrix_at(&m, r, k) * rounded(coarse_at(g, k, first + i / NA_LANES, i % NA_LANES));
      compare(&product, (double)c[(size_t)r * run + (size_t)i], sum);
    }
  for (int n = 0; n < rows; n++) {
    for (int k = 0; k < depth; k++) {
      double sum = add;
      for (int i = 0; i < count * NA_LANES; i++)
        sum += rounded(coarse_at(g, k, first + i / NA_LANES, i % NA_LANES)) *
               rounded(seen_at(&in, n, first + i / NA_LANES, i % NA_LANES));
      compare(&outer, (double)w[(size_t)k * across + (size_t)n], sum);
    }
    for (int k = 0; k < rows; k++) {
      double sum = 0;
      for (int i = 0; i < count * NA_LANES; i++)
        sum += rounded(seen_at(&in, k, first + i / NA_LANES, i % NA_LANES)) *
               rounded(seen_at(&in, n, first + i / NA_LANES, i % NA_LANES));
      compare(&square, (double)squares[(size_t)k * across + (size_t)n], sum);
    }
  }
  for (int k = 0; k < depth; k++)
    for (size_t n = (size_t)rows; n < across; n++)
      CHECK(w[(size_t)k * across + n] == 1, "%s: outer writes beyond row %d", products->name, k);
  check_result(&product, BACKWARD, "matmul of a gradient", rows, depth, count);
  check_result(&outer, view_tolerance(&in, BACKWARD), "outer", depth, rows, count);
  check_result(&square, view_tolerance(&in, BACKWARD), "outer of values", rows, rows, count);
  float *all[] = {tile, columns, left, c, w, squares};
  for (int i = 0; i < 6; i++) na_free(all[i]);
  matrix_free(&m);
  input_free(&in);
  gradient_free(g);
  na_free(g);
}

static void every_arithmetic(void)
{
  static const int some_counts[] = {1, 2, 3, 12}, some_rows[] = {1, 3, 16, 17, 33, 64}, some_depths[] = {1, 2, 18, 33, 65};
  na_random random = na_random_at(7, 8, 9);
  int variant = 0, arithmetics = 0;
  for (; (products = na_products_running(arithmetics)) != NULL; arithmetics++) {
    CHECK(products->native == (strcmp(products->name, "bf16") != 0), "%s: by instructions of its own?", products->name);
    for (int r = 0; r < 6; r++)
      for (int d = 0; d < 5; d++)
        for (int c = 0; c < 4; c++, variant++) {
          check_matmul(some_rows[r], some_depths[d], some_counts[c], variant, &random);
          check_streamed(some_rows[r], some_depths[d], some_counts[c], (na_activation)(variant % 3), &random);
          check_gradients(some_rows[r], some_depths[d], some_counts[c], variant, &random);
        }
  }
  CHECK(arithmetics >= NA_PRECISIONS, "every precision has its products");
  for (int i = 0; i < arithmetics; i++) printf("  %s\n", na_products_running(i)->name);
}

/* Halfway cases go to even, NaN stays NaN, infinity stays. */
static void rounding(void)
{
  CHECK(na_bf16(1.0f + 0x1p-8f) == 1.0f && na_bf16(1.0f + 3 * 0x1p-8f) == 1.0f + 0x1p-6f, "halves go to even");
  CHECK(na_bf16(1.0f + 0x1p-8f + 0x1p-20f) == 1.0f + 0x1p-7f, "above a half goes up");
  CHECK(na_bf16(-3.14159265f) == -3.140625f, "of either sign");
  CHECK(isnan(na_bf16(NAN)) && isinf(na_bf16(INFINITY)) && isinf(na_bf16(3.4e38f)), "what is not finite");
}

int main(void)
{
  RUN(rounding);
  RUN(every_arithmetic);
  return CHECK_EXIT();
}
