/* Tests of means: are two ways to train apart, or is it noise?
 *
 * Differences are one number per pair (the same seed in both arms). A result that cannot be
 * computed (too few values, or none that differ) is NaN.
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef NA_TEST_H
#define NA_TEST_H

#include "core/base/error.h"

#include <stdbool.h>

typedef struct na_interval {
  double low, high;
} na_interval;

/* Arithmetic mean, NaN of none; and the standard deviation with n - 1 in the denominator, NaN of
 * fewer than two. */
double na_mean(const double *values, int n);
double na_sd(const double *values, int n);

/* Student's t test. */
typedef struct na_t_test {
  double mean, sd;      /* of the values; of Welch's test the difference, and its standard error */
  double t, df, p;      /* p two-sided; NaN where the values do not differ from each other */
  na_interval interval; /* of the mean */
} na_t_test;

/* Is the mean of values[n] 0? t = mean / (sd / sqrt(n)), n - 1 degrees of freedom; the interval
 * mean +- t_level sd / sqrt(n). Of differences this is the paired t test (Student 1908; R's t.test
 * with paired = TRUE). level: 0.95. */
na_t_test na_t_one_sample(const double *values, int n, double level);

/* Do a[m] and b[n], which are no pairs, have one mean? t = (mean a - mean b) / sqrt(va + vb) with
 * va = var(a)/m, vb = var(b)/n, df = (va + vb)^2 / (va^2/(m-1) + vb^2/(n-1)) (Welch 1947; R's
 * t.test). */
na_t_test na_t_welch(const double *a, int m, const double *b, int n, double level);

/* A test by what else could have been. */
typedef struct na_exact_test {
  double p;         /* two-sided */
  double statistic; /* sign-flip: the sum; Wilcoxon: the rank sum of the positive differences */
  bool exact;       /* every possibility was counted; else see the function */
  int used;         /* differences that took part */
  int zeros, tied;  /* Wilcoxon: left out because they are 0; of equal size as another */
} na_exact_test;

enum { NA_SIGN_FLIP_EXACT = 20, NA_SIGN_FLIP_DRAWS = 100000, NA_WILCOXON_EXACT = 200 };

/* If the arms were alike, each difference could as well have had the other sign: p is the share of
 * the 2^n sign patterns whose sum is at least as far from 0 (Fisher 1935, The Design of
 * Experiments, section 21). Up to NA_SIGN_FLIP_EXACT pairs all patterns are counted; beyond,
 * NA_SIGN_FLIP_DRAWS are drawn by a generator of fixed seed, p = (1 + as far) / (1 + draws)
 * (Phipson, Smyth 2010), and exact is false. */
na_exact_test na_sign_flip(const double *differences, int n);

/* Wilcoxon's signed-rank test (1945). Differences of 0 are left out, equal sizes share the mean of
 * their ranks; the distribution of the rank sum over all signs, given those ranks, is counted
 * exactly. Beyond NA_WILCOXON_EXACT differences: normal, with variance sum of ranks^2 / 4, and
 * exact is false. */
int na_wilcoxon(const double *differences, int n, na_exact_test *test, na_error *err);

/* The smallest p that a two-sided test of n pairs by their signs can give: 2 / 2^n, 1 of none. */
double na_smallest_p(int n);

/* Holm (1979): p[n] -> adjusted[n] so that calling those below alpha different is wrong anywhere in
 * the family with probability at most alpha. With the p in rising order: max over j <= i of (n - j
 * + 1) p_j, at most 1. NaN stay NaN and do not count; R's p.adjust. shares[n] gets what alpha is
 * divided by for each, n - i + 1. */
void na_holm(const double *p, int n, double *adjusted, int *shares);

#endif
