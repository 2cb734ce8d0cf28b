/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/stats/effect.h"
#include "core/stats/distribution.h"

#include <math.h>

double na_hedges(double df)
{
  int sign;
  if (!(df > 1)) return NAN;
  return exp(lgamma_r(df / 2, &sign) - lgamma_r((df - 1) / 2, &sign)) / sqrt(df / 2);
}

/* The delta at which P(T <= t; delta) = share. It falls as delta rises; around delta = t, T has a
 * spread of about sqrt(1 + t^2 / (2 df)). */
static double find_delta(double t, double df, double share)
{
  double spread = sqrt(1 + t * t / (2 * df)), low = t - spread, high = t + spread;
  for (int i = 0; i < 60 && na_noncentral_t(t, df, low) < share; i++) low -= (high - low);
  for (int i = 0; i < 60 && na_noncentral_t(t, df, high) > share; i++) high += (high - low);
  for (int i = 0; i < 60 && high - low > 1e-10 * (1 + fabs(t)); i++) {
    double middle = (low + high) / 2;
    if (na_noncentral_t(t, df, middle) > share)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

na_effect na_effect_paired(const double *differences, int n, double level)
{
  na_t_test test = na_t_one_sample(differences, n, level);
  na_effect effect = {NAN, NAN, {NAN, NAN}};
  if (isnan(test.t)) return effect;
  effect.d = test.mean / test.sd;
  effect.g = na_hedges(n - 1) * effect.d;
  effect.interval.low = find_delta(test.t, test.df, (1 + level) / 2) / sqrt(n);
  effect.interval.high = find_delta(test.t, test.df, (1 - level) / 2) / sqrt(n);
  return effect;
}

na_effect na_effect_unpaired(const double *a, int m, const double *b, int n)
{
  double sa = na_sd(a, m), sb = na_sd(b, n), va = sa * sa, vb = sb * sb, both = va + vb;
  na_effect effect = {NAN, NAN, {NAN, NAN}};
  if (!(both > 0)) return effect;
  double df = (m - 1.0) * (n - 1.0) * both * both / ((n - 1) * va * va + (m - 1) * vb * vb);
  effect.d = (na_mean(a, m) - na_mean(b, n)) / sqrt(both / 2);
  effect.g = na_hedges(df) * effect.d;
  return effect;
}

double na_power_paired(double d, int n, double alpha)
{
  if (n < 2) return NAN;
  double critical = na_student_critical(alpha, n - 1), delta = d * sqrt(n);
  return 1 - na_noncentral_t(critical, n - 1, delta) + na_noncentral_t(-critical, n - 1, delta);
}

int na_pairs_needed(double d, double alpha, double power)
{
  int low = 1, high = 2;
  if (!(fabs(d) > 0)) return 0;
  while (high <= NA_PAIRS_MOST && na_power_paired(d, high, alpha) < power) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (na_power_paired(d, middle, alpha) < power)
      low = middle;
    else
      high = middle;
  }
  return high <= NA_PAIRS_MOST ? high : 0;
}
