/* How large a difference is beside its own scatter, and how many pairs it takes to see it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EFFECT_H
#define NA_EFFECT_H

#include "core/stats/test.h"

typedef struct na_effect {
  double d;             /* Cohen's d_z: mean / sd of the differences */
  double g;             /* d without its bias in small samples (Hedges) */
  na_interval interval; /* of the true effect */
} na_effect;

/* Hedges' correction J(df) = Gamma(df/2) / (sqrt(df/2) Gamma((df-1)/2)), df > 1 (Hedges 1981;
 * Cumming 2012): E[J d] is the true effect. NaN for df <= 1, where d has no mean. */
double na_hedges(double df);

/* Of paired differences: d_z = mean / sd (Cohen 1988), g = J(n - 1) d_z. The interval is exact for
 * normal differences: the delta / sqrt(n) for which the observed t is the (1 +- level)/2 quantile
 * of the noncentral t (Steiger, Fouladi 1997; R's MBESS ci.sm). NaN where the differences do not
 * differ. */
na_effect na_effect_paired(const double *differences, int n, double level);

/* Of values that are no pairs: d = (mean a - mean b) / sqrt((var a + var b) / 2), g = J(df) d with
 * df = (m-1)(n-1)(var a + var b)^2 / ((n-1) var a^2 + (m-1) var b^2) (Delacre et al. 2021). The
 * interval is NaN. */
na_effect na_effect_unpaired(const double *a, int m, const double *b, int n);

/* Power of the two-sided paired t test of n pairs with true effect d: the probability that p <
 * alpha. R's power.t.test(n, d, 1, alpha, type = "paired", strict = TRUE). NaN for n < 2. */
double na_power_paired(double d, int n, double alpha);

/* The smallest number of pairs of which that power is at least `power`; 0: more than NA_PAIRS_MOST.
 */
enum { NA_PAIRS_MOST = 10000 };
int na_pairs_needed(double d, double alpha, double power);

#endif
