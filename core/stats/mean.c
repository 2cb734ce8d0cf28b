/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/stats/distribution.h"
#include "core/stats/test.h"

#include <math.h>

double na_mean(const double *values, int n)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += values[i];
  return n > 0 ? sum / n : NAN;
}

static double largest(const double *values, int n)
{
  double most = 0;
  for (int i = 0; i < n; i++) most = fmax(most, fabs(values[i]));
  return most;
}

/* Equal but for rounding counts as equal: accuracies are counts, and their differences repeat. */
double na_sd(const double *values, int n)
{
  double mean = na_mean(values, n), squares = 0;
  if (n < 2) return NAN;
  for (int i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
  double sd = sqrt(squares / (n - 1));
  return sd > 1e-12 * largest(values, n) ? sd : isnan(sd) ? sd : 0;
}

/* From mean and its standard error: p and interval, or NaN where there is no error to compare with.
 */
static void finish(na_t_test *test, double error, double level)
{
  test->t = error > 0 ? test->mean / error : NAN;
  test->p = na_student_two_sided(test->t, test->df);
  double reach = na_student_critical(1 - level, test->df) * error;
  test->interval = (na_interval){test->mean - reach, test->mean + reach};
}

na_t_test na_t_one_sample(const double *values, int n, double level)
{
  na_t_test test = {.mean = na_mean(values, n), .sd = na_sd(values, n), .df = n - 1};
  finish(&test, test.sd / sqrt(n), level);
  return test;
}

na_t_test na_t_welch(const double *a, int m, const double *b, int n, double level)
{
  double sa = na_sd(a, m), sb = na_sd(b, n), va = sa * sa / m, vb = sb * sb / n;
  double both = va + vb;
  na_t_test test = {.mean = na_mean(a, m) - na_mean(b, n), .sd = sqrt(both)};
  test.df = both * both / (va * va / (m - 1) + vb * vb / (n - 1));
  finish(&test, test.sd, level);
  return test;
}
