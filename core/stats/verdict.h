/* Two arms compared, and what came out said in one line.
 *
 * Values with the same key (the seed) in both arms are pairs. Two pairs or more are compared by
 * their differences; without any pair, Welch's test compares the arms as they are, and says so.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_VERDICT_H
#define NA_VERDICT_H

#include "core/base/text.h"
#include "core/stats/effect.h"
#include "core/stats/test.h"

#include <stdint.h>

/* X(symbol, word, in a sentence): which test of pairs decides; the others are told beside it. */
#define NA_JUDGES(X)                                                                               \
  X(T, "t", "paired t")                                                                            \
  X(SIGN_FLIP, "sign-flip", "sign-flip")                                                           \
  X(WILCOXON, "wilcoxon", "Wilcoxon")

typedef enum na_judge {
#define NA_JUDGE_ENUM(symbol, word, words) NA_JUDGE_##symbol,
  NA_JUDGES(NA_JUDGE_ENUM)
#undef NA_JUDGE_ENUM
      NA_JUDGE_COUNT
} na_judge;

const char *na_judge_word(na_judge judge);

/* X(symbol, word): what a verdict says of a, the first arm. */
#define NA_OUTCOMES(X)                                                                             \
  X(BETTER, "better")                                                                              \
  X(WORSE, "worse")                                                                                \
  X(OPEN, "cannot be told apart")                                                                  \
  X(EQUAL, "equal")                                                                                \
  X(UNKNOWN, "nothing to compare")

typedef enum na_outcome {
#define NA_OUTCOME_ENUM(symbol, word) NA_OUTCOME_##symbol,
  NA_OUTCOMES(NA_OUTCOME_ENUM)
#undef NA_OUTCOME_ENUM
      NA_OUTCOME_COUNT
} na_outcome;

const char *na_outcome_word(na_outcome outcome);

/* One value per run. Keys are different from each other within an arm. */
typedef struct na_sample {
  const char *name;
  int count;
  const double *values;
  const uint64_t *keys;
} na_sample;

/* What is asked of all pairs of a family. */
typedef struct na_question {
  double alpha; /* 0.05: how often a difference may be seen where there is none */
  double power; /* 0.8: how often a true one should be seen, for the number of pairs needed */
  na_judge judge;
  bool lower_is_better; /* a loss */
  int digits;           /* behind the decimal point */
  const char *unit;     /* "points", or "" */
} na_question;

typedef struct na_verdict {
  na_outcome outcome;
  bool paired;
  int pairs;                    /* if paired */
  int left[2];                  /* values of a and of b that took no part */
  int used[2];                  /* that did */
  na_t_test t;                  /* of a - b: paired, or Welch's */
  na_exact_test flip, wilcoxon; /* p NaN where not paired */
  na_effect effect;
  na_judge judge; /* which decided: the sign-flip test where differences do not differ */
  double p;       /* of that test */
  double holm;    /* p, adjusted for the family */
  int family;     /* tests in it */
  int share;      /* Holm's alpha / share is what p had to be below */
  int needed;     /* further pairs for that power; 0: not to be said */
} na_verdict;

/* Compares a with b; the outcome is set by na_verdict_family. */
int na_verdict_make(na_verdict *verdict, const na_sample *a, const na_sample *b,
                    const na_question *question, na_error *err);

/* Corrects the p of a family of verdicts after Holm, and decides. */
int na_verdict_family(na_verdict *verdicts, int count, const na_question *question, na_error *err);

/* One line, without its newline:
 *   NetAug is better than baseline by 0.64 points (95% interval 0.21 to 1.07, paired t p = 0.012,
 *   sign-flip p = 0.0625, d = 1.8, 5 seeds)
 * Intervals are not widened by Holm's correction. */
void na_verdict_words(const na_verdict *verdict, const char *a, const char *b,
                      const na_question *question, na_buffer *out);

/* "p = 0.012", or "p < 0.0001"; with a word before it. */
void na_p_words(const char *test, double p, na_buffer *out);

#endif
