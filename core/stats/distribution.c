/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/stats/distribution.h"

#include <math.h>

/* lgamma without its global sign: the arguments here are positive. */
static double log_gamma(double x)
{
  int sign;
  return lgamma_r(x, &sign);
}

/* Lentz: no partial denominator may become 0. */
static double away_from_zero(double x)
{
  return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction 1/(1 + d_1/(1 + d_2/(1 + ...))) of DLMF 8.17.22, for x below
 * (a+1)/(a+b+2), where it converges fast. */
static double beta_fraction(double a, double b, double x)
{
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), result = d;
  for (int m = 1; m <= 10000; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    result *= c * d;
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    result *= c * d;
    if (fabs(c * d - 1) < 1e-15) break;
  }
  return result;
}

double na_beta_regularised(double a, double b, double x)
{
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NAN;
  if (x <= 0 || x >= 1) return x;
  double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double na_student_two_sided(double t, double df)
{
  if (!(df > 0) || isnan(t)) return NAN;
  if (isinf(t)) return 0;
  return na_beta_regularised(df / 2, 0.5, df / (df + t * t));
}

double na_student_critical(double p, double df)
{
  double low = 0, high = 1;
  if (!(p > 0 && p < 1 && df > 0)) return NAN;
  while (na_student_two_sided(high, df) > p && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
    double middle = (low + high) / 2;
    if (na_student_two_sided(middle, df) > p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

static double normal_cdf(double x)
{
  return erfc(-x / M_SQRT2) / 2;
}

/* The noncentral t's integrand, and its logarithmic constant. */
typedef struct integrand {
  double t, df, delta, constant;
} integrand;

static double value_at(const integrand *f, double s)
{
  double power = f->df > 1 ? (f->df - 1) * log(s) : 0;
  return s > 0 || f->df <= 1
             ? normal_cdf(f->t * s - f->delta) * exp(f->constant + power - f->df * s * s / 2)
             : 0;
}

static double simpson(const integrand *f, double from, double to)
{
  enum { PANELS = 1000 };
  double h = (to - from) / PANELS, sum = 0;
  if (!(to > from)) return 0;
  for (int i = 0; i <= PANELS; i++)
    sum += (i == 0 || i == PANELS ? 1 : i % 2 == 1 ? 4 : 2) * value_at(f, from + i * h);
  return sum * h / 3;
}

static double clamp(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

double na_noncentral_t(double t, double df, double delta)
{
  if (!(df >= 1) || isnan(t) || isnan(delta)) return NAN;
  if (t < 0) return 1 - na_noncentral_t(-t, df, -delta);
  /* f has its mode near 1 and a spread of 1/sqrt(2 df): beyond 12 of these it is nothing. Phi rises
   * from 0 to 1 around delta/t, perhaps steeply: that part is summed by itself. */
  double spread = 1 / sqrt(2 * df), low = fmax(0, 1 - 12 * spread), high = 1 + 12 * spread;
  double steep = t > 0 ? 9 / t : high, middle = t > 0 ? delta / t : 0;
  double rise = clamp(middle - steep, low, high), risen = clamp(middle + steep, low, high);
  const integrand f = {t, df, delta, M_LN2 + df / 2 * log(df / 2) - log_gamma(df / 2)};
  return clamp(simpson(&f, rise, risen) + simpson(&f, risen, high), 0, 1);
}
