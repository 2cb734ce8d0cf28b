/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/stats/test.h"

#include <math.h>
#include <stdlib.h>

double na_smallest_p(int n)
{
  return n > 0 ? ldexp(2, -n) : 1;
}

/* Sums that differ by rounding alone are equal: this much less than the observed one counts as far.
 */
static double far_enough(const double *differences, int n, double sum)
{
  double sizes = 0;
  for (int i = 0; i < n; i++) sizes += fabs(differences[i]);
  return fabs(sum) - 1e-9 * sizes;
}

/* The first difference may keep its sign: patterns come in mirrored twos. In Gray's order, one sign
 * changes at a time; the sum is made afresh now and then, against rounding. */
static double count_all(const double *d, int n, double bound)
{
  double count = 0, sum = 0;
  uint32_t patterns = 1u << (n - 1);
  for (uint32_t i = 0; i < patterns; i++) {
    uint32_t gray = i ^ (i >> 1);
    if (i % 1024 == 0) {
      sum = d[0];
      for (int k = 1; k < n; k++) sum += gray >> (k - 1) & 1 ? -d[k] : d[k];
    } else {
      int k = __builtin_ctz(i) + 1;
      sum += gray >> (k - 1) & 1 ? -2 * d[k] : 2 * d[k];
    }
    count += fabs(sum) >= bound;
  }
  return count / patterns;
}

static double draw_some(const double *d, int n, double bound)
{
  na_random random = na_random_at(1, 0, 0);
  int count = 0;
  for (int draw = 0; draw < NA_SIGN_FLIP_DRAWS; draw++) {
    double sum = 0;
    uint64_t bits = 0;
    for (int i = 0; i < n; i++) {
      if (i % 64 == 0) bits = na_random_next(&random);
      sum += bits >> i % 64 & 1 ? -d[i] : d[i];
    }
    count += fabs(sum) >= bound;
  }
  return (1.0 + count) / (1.0 + NA_SIGN_FLIP_DRAWS);
}

na_exact_test na_sign_flip(const double *differences, int n)
{
  na_exact_test test = {.exact = n <= NA_SIGN_FLIP_EXACT, .used = n, .p = NAN};
  for (int i = 0; i < n; i++) test.statistic += differences[i];
  if (n == 0 || isnan(test.statistic)) return test;
  double bound = far_enough(differences, n, test.statistic);
  test.p = test.exact ? count_all(differences, n, bound) : draw_some(differences, n, bound);
  return test;
}

/* ------------------------------------------------------------------------------- Wilcoxon */

typedef struct ranked {
  double size;
  bool positive;
  int twice; /* its rank, doubled: ties have halves */
} ranked;

static int by_size(const void *a, const void *b)
{
  double x = ((const ranked *)a)->size, y = ((const ranked *)b)->size;
  return (x > y) - (x < y);
}

/* Ranks of items[n], sorted by size; returns how many share theirs. Sizes that differ by rounding
 * alone are equal. */
static int give_ranks(ranked *items, int n)
{
  int tied = 0;
  for (int first = 0, end; first < n; first = end) {
    for (end = first + 1;
         end < n && items[end].size - items[end - 1].size <= 1e-9 * items[end].size;)
      end++;
    for (int i = first; i < end; i++) items[i].twice = first + 1 + end;
    if (end - first > 1) tied += end - first;
  }
  return tied;
}

/* The share of sign patterns whose doubled rank sum is at least as far from the middle, `total` /
 * 2, as `sum` is. ways[k]: the share that gives the sum k. */
static double count_ranks(const ranked *items, int n, int total, int sum, double *ways)
{
  int reach = 0;
  double share = 0;
  ways[0] = 1;
  for (int i = 0; i < n; i++) {
    reach += items[i].twice;
    for (int k = reach; k >= 0; k--)
      ways[k] = ways[k] / 2 + (k >= items[i].twice ? ways[k - items[i].twice] / 2 : 0);
  }
  for (int k = 0; k <= total; k++)
    if (abs(2 * k - total) >= abs(2 * sum - total)) share += ways[k];
  return fmin(share, 1);
}

static double normal_ranks(const ranked *items, int n, double total, double sum)
{
  double variance = 0;
  for (int i = 0; i < n; i++) variance += (double)items[i].twice * items[i].twice / 4;
  return erfc(fabs(sum - total / 2) / sqrt(2 * variance));
}

static int rank_and_count(ranked *items, na_exact_test *test, na_error *err)
{
  int n = test->used;
  double total = 0, sum = 0;
  qsort(items, (size_t)n, sizeof *items, by_size);
  test->tied = give_ranks(items, n);
  for (int i = 0; i < n; i++) {
    total += items[i].twice;
    sum += items[i].positive ? items[i].twice : 0;
  }
  test->statistic = sum / 2;
  test->exact = n <= NA_WILCOXON_EXACT;
  if (!test->exact) {
    test->p = normal_ranks(items, n, total, sum);
    return NA_OK;
  }
  double *ways = na_alloc_array((size_t)total + 1, sizeof *ways);
  if (ways == NULL) return na_fail_memory(err, (unsigned long long)total * 8, "a rank test");
  test->p = count_ranks(items, n, (int)total, (int)sum, ways);
  na_free(ways);
  return NA_OK;
}

int na_wilcoxon(const double *differences, int n, na_exact_test *test, na_error *err)
{
  *test = (na_exact_test){.p = NAN, .exact = true};
  ranked *items = na_alloc_array((size_t)n + 1, sizeof *items);
  if (items == NULL) return na_fail_memory(err, (size_t)n * sizeof *items, "a rank test");
  for (int i = 0; i < n; i++) {
    double d = differences[i];
    if (d > 0 || d < 0) items[test->used++] = (ranked){.size = fabs(d), .positive = d > 0};
  }
  test->zeros = n - test->used;
  int code = test->used > 0 ? rank_and_count(items, test, err) : NA_OK;
  na_free(items);
  return code;
}

/* ------------------------------------------------------------------------------- families */

/* Does p[j] come before p[i] in rising order? */
static bool precedes(const double *p, int j, int i)
{
  return p[j] < p[i] || (!(p[j] > p[i]) && !isnan(p[j]) && j < i);
}

void na_holm(const double *p, int n, double *adjusted, int *shares)
{
  int tests = 0;
  for (int i = 0; i < n; i++) tests += !isnan(p[i]);
  for (int i = 0; i < n; i++) {
    shares[i] = tests;
    for (int j = 0; j < n; j++) shares[i] -= precedes(p, j, i);
  }
  for (int i = 0; i < n; i++) {
    adjusted[i] = isnan(p[i]) ? NAN : fmin(1, shares[i] * p[i]);
    for (int j = 0; j < n; j++)
      if (!isnan(p[i]) && precedes(p, j, i))
        adjusted[i] = fmax(adjusted[i], fmin(1, shares[j] * p[j]));
  }
}
