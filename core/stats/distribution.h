/* Distribution functions that tests of means need. Pure functions of numbers: nothing is allocated
 * and nothing fails; arguments outside the domain give NaN.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DISTRIBUTION_H
#define NA_DISTRIBUTION_H

/* The regularised incomplete beta function, 0 <= x <= 1, a, b > 0:
 *   I_x(a, b) = 1/B(a, b) * integral from 0 to x of u^(a-1) (1-u)^(b-1) du,
 * by its continued fraction (DLMF 8.17.22) evaluated as Lentz does; R's pbeta, scipy's betainc.
 * Relative error below 1e-12. */
double na_beta_regularised(double a, double b, double x);

/* Student's t with df > 0 degrees of freedom: P(|T| >= |t|) = I_{df/(df+t^2)}(df/2, 1/2)
 * (DLMF 8.17; R's 2 * pt(-abs(t), df)). */
double na_student_two_sided(double t, double df);

/* The t for which P(|T| >= t) = p, 0 < p < 1; R's qt(1 - p/2, df). */
double na_student_critical(double p, double df);

/* The noncentral t: P((Z + delta) / sqrt(X/df) <= t), Z normal, X chi-squared with df >= 1:
 *   integral over s of Phi(t s - delta) f(s),  f the density of s = sqrt(X/df)
 * (Johnson, Kotz, Balakrishnan 1995, ch. 31), by Simpson's rule; R's pt(t, df, delta). Absolute
 * error below 1e-9, for any delta. */
double na_noncentral_t(double t, double df, double delta);

#endif
