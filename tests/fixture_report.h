/* What check_fixture measures, its pass marks, and the table it prints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FIXTURE_REPORT_H
#define FIXTURE_REPORT_H

/* X(symbol, name, pass mark, mark in words). A mark is relative to a scale that the check passes in:
 * 0 means equal, 1 that the scale is what is allowed. G is the root of the summed squares of all gradient l2, D that of all delta_l2. */
#define FIXTURE_KINDS(X)                                                                           \
  X(SECTIONS, "sections and values present", 0, "all")                                             \
  X(NAMES, "parameter names and shapes", 0, "equal")                                               \
  X(COSTS, "MACs and parameters of the base", 0, "equal")                                          \
  X(WIDTHS, "widths among our candidates", 0, "equal")                                             \
  X(LOGITS, "logits", 2e-5, "2e-5 of the largest")                                                 \
  X(LOSSES, "losses", 2e-6, "2e-6")                                                                \
  X(GRAD_L2, "gradient l2", 1, "2e-3 l2 + 1e-5 G")                                                 \
  X(GRAD_HEAD, "gradient heads", 1, "1e-2 l2 / sqrt(n) + 1e-6 G")                                  \
  X(STATS_L2, "running statistics l2", 1e-5, "1e-5")                                               \
  X(STATS_HEAD, "running statistics heads", 1e-5, "1e-5 of l2")                                    \
  X(KINKS, "kinks logits", 1e-4, "1e-4 of the largest")                                            \
  X(KINKS_LOSS, "kinks losses", 2e-6, "2e-6")                                                      \
  X(PARAM_L2, "parameter l2 after a step", 5e-5, "5e-5")                                           \
  X(DELTA_L2, "change l2 in a step", 2e-2, "2e-2 of max(l2, 1e-3 D)")                              \
  X(DELTA_HEAD, "change heads in a step", 0.2, "0.2 max(l2, 1e-3 D) / sqrt(n)")                    \
  X(SORTED_L2, "parameter l2 after the sort", 5e-5, "5e-5")                                        \
  X(SORTED_HEAD, "parameter heads after the sort", 0, "equal in float32")                          \
  X(RECAL_L2, "re-estimated statistics l2", 1e-5, "1e-5")                                          \
  X(RECAL_HEAD, "re-estimated statistics heads", 1e-5, "1e-5 of l2")                               \
  X(EVAL, "evaluation logits", 2e-5, "2e-5 of the largest")                                        \
  X(EXPORT, "logits of the exported network", 2e-5, "2e-5 of the largest")

typedef enum fixture_kind {
#define FIXTURE_ENUM(symbol, name, mark, words) FIXTURE_##symbol,
  FIXTURE_KINDS(FIXTURE_ENUM)
#undef FIXTURE_ENUM
  FIXTURE_KIND_COUNT
} fixture_kind;

typedef struct fixture_tally {
  long checked, failed;
  double worst; /* largest deviation, as a share of what is allowed */
  double shown; /* the same deviation relative to its scale, in the mark's terms */
  char where[200];
} fixture_tally;

typedef struct fixture_report {
  fixture_tally tallies[FIXTURE_KIND_COUNT];
  long failed;
} fixture_report;

/* Counts one comparison: passes if |got - wanted| <= mark * scale, which NaN never does. The place is
 * "where" or "where/item". */
void fixture_judge(fixture_report *report, fixture_kind kind, double got, double wanted, double scale,
                   const char *where, const char *item);

/* Counts something that is right or wrong, with words for what was wrong. */
void fixture_require(fixture_report *report, fixture_kind kind, int good, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints one row per kind. A kind that was never checked is a failure, and is counted as one. */
void fixture_print(fixture_report *report);

#endif
