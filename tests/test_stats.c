/* The statistics against published examples, and numbers of R 4.2 and scipy 1.10.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/stats/distribution.h"
#include "core/stats/effect.h"
#include "core/stats/test.h"
#include "tests/check.h"

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

/* Darwin's maize, crossed minus self-fertilised plants, in eighths of an inch: the example of
 * Fisher (1935), The Design of Experiments, sections 17 and 21. */
static const double darwin[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};

/* Hours of sleep gained with two drugs: Student's (1908) own example, R's data set `sleep`. */
static const double drug_1[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
static const double drug_2[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

static void sleep_differences(double d[10])
{
  for (int i = 0; i < 10; i++) d[i] = drug_2[i] - drug_1[i];
}

/* scipy.special.betainc(a, b, x) */
static void beta(void)
{
  static const double cases[][4] = {
      {0.5, 0.5, 0.3, 0.3690101195655454},    {2, 3, 0.4, 0.5248},
      {10, 0.5, 0.9, 0.15164090963470997},    {50, 60, 0.45, 0.4642352914306064},
      {4.5, 0.5, 0.35, 0.002723911871624078}, {1, 1, 0.25, 0.25},
      {200, 300, 0.42, 0.8196010664172744}};
  for (int i = 0; i < COUNT(cases); i++)
    CHECK_NEAR(na_beta_regularised(cases[i][0], cases[i][1], cases[i][2]), cases[i][3], 1e-12,
               cases[i][3], "I_x(a, b)");
  CHECK_NEAR(na_beta_regularised(2, 3, 0), 0, 0, 1, "x = 0");
  CHECK_NEAR(na_beta_regularised(2, 3, 1), 1, 0, 1, "x = 1");
  CHECK(isnan(na_beta_regularised(0, 1, 0.5)) && isnan(na_beta_regularised(1, 1, NAN)), "outside");
}

/* 2 * scipy.stats.t.sf(abs(t), df), R's qt(1 - p/2, df) */
static void student(void)
{
  static const double tails[][3] = {
      {2, 4, 0.1161165235168155},      {0.5, 1, 0.7048327646991336},
      {-3, 9, 0.014956363910414203},   {25, 3, 0.0001403313899575486},
      {1.5, 250, 0.13487619070734286}, {40, 2, 0.0006244146721847406}};
  static const double critical[][3] = {
      {0.05, 1, 12.70620473617469},     {0.05, 2, 4.302652729749462}, {0.05, 4, 2.776445105197793},
      {0.05, 30, 2.042272456301238},    {0.01, 9, 3.249835541592125}, {0.2, 5, 1.47588404882448},
      {0.05, 17.776, 2.102821310380222}};
  for (int i = 0; i < COUNT(tails); i++)
    CHECK_NEAR(na_student_two_sided(tails[i][0], tails[i][1]), tails[i][2], 1e-11, tails[i][2],
               "p");
  for (int i = 0; i < COUNT(critical); i++)
    CHECK_NEAR(na_student_critical(critical[i][0], critical[i][1]), critical[i][2], 1e-11,
               critical[i][2], "critical t");
  CHECK_NEAR(na_student_two_sided(INFINITY, 3), 0, 0, 1, "infinite t");
  CHECK(isnan(na_student_two_sided(1, 0)) && isnan(na_student_critical(0, 3)), "outside");
}

/* scipy.stats.nct.cdf(t, df, delta) */
static void noncentral(void)
{
  static const double cases[][4] = {
      {2, 4, 1, 0.7645674538243243},     {3, 9, 4, 0.1869162579607492},
      {-1, 5, 0.5, 0.08244409105672335}, {0, 3, 0.7, 0.24196365222307303},
      {12, 2, 10, 0.5006599414621169},   {60, 4, 50, 0.595631923792181},
      {500, 9, 480, 0.5047727307913452}, {2.1, 30, 2, 0.5316170803317823},
      {1, 1, 0.5, 0.5927477364400293}};
  for (int i = 0; i < COUNT(cases); i++)
    CHECK_NEAR(na_noncentral_t(cases[i][0], cases[i][1], cases[i][2]), cases[i][3], 2e-8, 1,
               "P(T <= t)");
  CHECK_NEAR(na_noncentral_t(2, 7, 0), 1 - na_student_two_sided(2, 7) / 2, 1e-9, 1, "central");
}

/* R: t.test(extra[group == 2], extra[group == 1], paired = TRUE) and t.test(darwin). */
static void paired_t(void)
{
  double d[10];
  sleep_differences(d);
  na_t_test test = na_t_one_sample(d, 10, 0.95);
  CHECK_NEAR(test.mean, 1.58, 1e-14, 1, "mean");
  CHECK_NEAR(test.sd, 1.2299954832798732, 1e-13, 1, "sd");
  CHECK_NEAR(test.t, 4.062127683382, 1e-12, 1, "t");
  CHECK_NEAR(test.df, 9, 0, 1, "df");
  CHECK_NEAR(test.p, 0.00283289019738, 1e-12, 1, "p");
  CHECK_NEAR(test.interval.low, 0.700114236723018, 1e-12, 1, "low");
  CHECK_NEAR(test.interval.high, 2.459885763276982, 1e-12, 1, "high");
  test = na_t_one_sample(darwin, COUNT(darwin), 0.95);
  CHECK_NEAR(test.t, 2.1479874613311201, 1e-12, 1, "Darwin's t (Fisher has 2.148)");
  CHECK_NEAR(test.p, 0.0497029440218009, 1e-12, 1, "Darwin's p");
  CHECK_NEAR(test.interval.high, 41.8354733482736876, 1e-10, 1, "Darwin's interval");
}

static void degenerate(void)
{
  static const double equal[] = {0.3, 0.1 + 0.2, 0.3}, zero[] = {0, 0, 0, 0};
  na_t_test test = na_t_one_sample(equal, 3, 0.95);
  CHECK(isnan(test.t) && isnan(test.p), "differences that are equal but for rounding: t %g",
        test.t);
  CHECK_NEAR(test.sd, 0, 0, 1, "their sd");
  CHECK(isnan(na_t_one_sample(equal, 1, 0.95).p) && isnan(na_sd(equal, 1)), "one value");
  CHECK(isnan(na_mean(equal, 0)) && isnan(na_sign_flip(equal, 0).p), "no value");
  CHECK(isnan(na_effect_paired(equal, 3, 0.95).d), "no effect size without scatter");
  CHECK_NEAR(na_sign_flip(zero, 4).p, 1, 0, 1, "zeros flipped");
  CHECK_NEAR(na_sign_flip(equal, 3).p, 0.25, 0, 1, "rounding makes no sum smaller");
  static const double broken[] = {1, NAN, 2};
  CHECK(isnan(na_t_one_sample(broken, 3, 0.95).p) && isnan(na_sign_flip(broken, 3).p),
        "not a number");
}

/* R: t.test(extra[group == 2], extra[group == 1]); numpy: mean difference / sqrt(mean variance). */
static void welch(void)
{
  na_t_test test = na_t_welch(drug_2, 10, drug_1, 10, 0.95);
  CHECK_NEAR(test.t, 1.8608134674868531, 1e-12, 1, "t");
  CHECK_NEAR(test.df, 17.7764735161784984, 1e-11, 1, "df");
  CHECK_NEAR(test.p, 0.0793941401873582, 1e-12, 1, "p");
  CHECK_NEAR(test.interval.low, -0.2054832307117102, 1e-11, 1, "low");
  CHECK_NEAR(test.interval.high, 3.3654832307117104, 1e-11, 1, "high");
  CHECK_NEAR(na_effect_unpaired(drug_2, 10, drug_1, 10).d, 0.8321810813495395, 1e-12, 1, "d");
  CHECK(isnan(na_t_welch(drug_1, 1, drug_2, 5, 0.95).p), "an arm of one");
}

/* Fisher counts 863 of 32768 totals of at least 314: 1726 in both directions. */
static void sign_flip(void)
{
  double d[10];
  na_exact_test test = na_sign_flip(darwin, COUNT(darwin));
  CHECK_NEAR(test.statistic, 314, 0, 1, "sum");
  CHECK_NEAR(test.p, 1726.0 / 32768, 0, 1, "Fisher's p");
  CHECK(test.exact, "exact");
  sleep_differences(d);
  CHECK_NEAR(na_sign_flip(d, 10).p, 0.00390625, 0, 1, "scipy.stats.permutation_test");
  CHECK_NEAR(na_sign_flip((double[]){1, 2, 3, 4, 5}, 5).p, 0.0625, 0, 1, "all of one sign");
  CHECK_NEAR(na_smallest_p(5), 0.0625, 0, 1, "which is the smallest that 5 can give");
  CHECK_NEAR(na_smallest_p(3), 0.25, 0, 1, "3 pairs");
  CHECK_NEAR(na_smallest_p(0), 1, 0, 1, "none");
}

static const double many[] = {3,  -1, 4, 1, -5, 9, 2,  6, -5, 3, 5, 8, 9,
                              -7, 9,  3, 2, 3,  8, -4, 6, 2,  6, 4, -3};

/* 25 pairs: exactly 0.00998753, by counting in Python. Drawn: within five standard errors, the same
 * every time, and said. */
static void monte_carlo(void)
{
  na_exact_test test = na_sign_flip(many, COUNT(many));
  double error = sqrt(0.00998753 * 0.99 / NA_SIGN_FLIP_DRAWS);
  CHECK(!test.exact, "more than %d pairs are drawn", NA_SIGN_FLIP_EXACT);
  CHECK_NEAR(test.p, 0.00998753309249878, 5, error, "p");
  CHECK_NEAR(na_sign_flip(many, COUNT(many)).p, test.p, 0, 1, "again");
  CHECK(na_sign_flip(many, NA_SIGN_FLIP_EXACT).exact, "twenty pairs are counted");
}

/* R: wilcox.test(darwin) 0.041259765625 (scipy the same); with ties and zeros: every sign pattern
 * counted in Python; 250 values: scipy.stats.wilcoxon(mode = "approx", correction = False). */
static void wilcoxon(void)
{
  na_error err = {0};
  na_exact_test test;
  double d[250];
  CHECK_OK(na_wilcoxon(darwin, COUNT(darwin), &test, &err), err);
  CHECK_NEAR(test.p, 0.041259765625, 1e-15, 1, "Darwin's p");
  CHECK_NEAR(test.statistic, 96, 0, 1, "Darwin's V");
  CHECK(test.exact && test.zeros == 0 && test.tied == 0, "no ties");
  sleep_differences(d);
  CHECK_OK(na_wilcoxon(d, 10, &test, &err), err);
  CHECK_NEAR(test.p, 0.00390625, 1e-15, 1, "p without the zero");
  CHECK(test.zeros == 1 && test.used == 9 && test.tied == 2, "%d zeros, %d used, %d tied",
        test.zeros, test.used, test.tied);
  CHECK_OK(na_wilcoxon(many, COUNT(many), &test, &err), err);
  CHECK_NEAR(test.p, 0.01261681318283081, 1e-14, 1, "many ties");
  CHECK_NEAR(test.statistic, 253.5, 0, 1, "halves of ranks");
  for (int i = 0; i < 250; i++) d[i] = i * 7919 % 1009 - 400;
  CHECK_OK(na_wilcoxon(d, 250, &test, &err), err);
  CHECK_NEAR(test.p, 7.332809474930279e-07, 1e-10, 7e-7, "normal");
  CHECK(!test.exact, "and it says so");
  CHECK_OK(na_wilcoxon((double[]){0, 0}, 2, &test, &err), err);
  CHECK(isnan(test.p) && test.zeros == 2, "zeros alone");
}

static void no_memory(void)
{
  na_error err = {0};
  na_exact_test test;
  for (unsigned long i = 1; i <= 2; i++) {
    na_alloc_fail_at(i);
    CHECK_FAILS(na_wilcoxon(darwin, COUNT(darwin), &test, &err), NA_ENOMEM, "rank test", err);
  }
  na_alloc_fail_at(0);
}

/* scipy: the roots of nct.cdf(t, df, delta) = 0.975 and 0.025; gamma functions for J. */
static void effect(void)
{
  double d[10];
  CHECK_NEAR(na_hedges(2), 0.5641895835477564, 1e-13, 1, "J(2)");
  CHECK_NEAR(na_hedges(14), 0.9452877293068112, 1e-12, 1, "J(14)");
  CHECK(isnan(na_hedges(1)), "J(1)");
  na_effect e = na_effect_paired(darwin, COUNT(darwin), 0.95);
  CHECK_NEAR(e.d, 0.5546079777065185, 1e-12, 1, "d");
  CHECK_NEAR(e.g, 0.5242641159016374, 1e-12, 1, "g");
  CHECK_NEAR(e.interval.low, 0.0007042487017939189, 1e-6, 1, "low");
  CHECK_NEAR(e.interval.high, 1.0916029278021393, 1e-6, 1, "high");
  sleep_differences(d);
  e = na_effect_paired(d, 10, 0.95);
  CHECK_NEAR(e.d, 1.2845575625910546, 1e-12, 1, "d");
  CHECK_NEAR(e.interval.low, 0.41462775638045557, 1e-6, 1, "low");
  CHECK_NEAR(e.interval.high, 2.1180165139816296, 1e-6, 1, "high");
}

/* R: power.t.test(delta = d, sd = 1, power = 0.8, type = "paired", strict = TRUE). */
static void power(void)
{
  static const double needed[][2] = {{0.2, 198.150820953487}, {0.5, 33.3671291039066},
                                     {0.8, 14.3027764093931}, {1.2, 7.58771150126279},
                                     {1.8, 4.66258559052908}, {-3, 3.14402806051234}};
  for (int i = 0; i < COUNT(needed); i++) {
    int pairs = na_pairs_needed(needed[i][0], 0.05, 0.8);
    CHECK(pairs == (int)ceil(needed[i][1]), "d %g: %d pairs", needed[i][0], pairs);
  }
  CHECK_NEAR(na_power_paired(1.2, 5, 0.05), 0.530221251140581, 1e-7, 1, "power of 5 pairs");
  CHECK_NEAR(na_power_paired(0.5, 3, 0.05), 0.0841070558965017, 1e-7, 1, "power of 3 pairs");
  CHECK(na_pairs_needed(0, 0.05, 0.8) == 0 && na_pairs_needed(NAN, 0.05, 0.8) == 0, "no effect");
  CHECK(na_pairs_needed(1e-4, 0.05, 0.8) == 0, "too many to name");
  CHECK(isnan(na_power_paired(1, 1, 0.05)), "one pair");
}

/* R: p.adjust(p, "holm") */
static void holm(void)
{
  static const double p[] = {0.01, 0.04, NAN, 0.03, 0.005},
                      wanted[] = {0.03, 0.06, NAN, 0.06, 0.02};
  static const int divisors[] = {3, 1, 4, 2, 4};
  double adjusted[5];
  int shares[5];
  na_holm(p, 5, adjusted, shares);
  for (int i = 0; i < 5; i++)
    if (i == 2)
      CHECK(isnan(adjusted[i]), "what was not tested stays so: %g", adjusted[i]);
    else {
      CHECK_NEAR(adjusted[i], wanted[i], 1e-15, 1, "adjusted");
      CHECK(shares[i] == divisors[i], "p %g: alpha / %d", p[i], shares[i]);
    }
  static const double large[] = {0.6, 0.2, 0.9};
  na_holm(large, 3, adjusted, shares);
  CHECK_NEAR(adjusted[0], 1, 0, 1, "at most 1");
  CHECK_NEAR(adjusted[1], 0.6, 1e-15, 1, "three times the least");
}

int main(void)
{
  RUN(beta);
  RUN(student);
  RUN(noncentral);
  RUN(paired_t);
  RUN(degenerate);
  RUN(welch);
  RUN(sign_flip);
  RUN(monte_carlo);
  RUN(wilcoxon);
  RUN(no_memory);
  RUN(effect);
  RUN(power);
  RUN(holm);
  return CHECK_EXIT();
}
