/* Arms and verdicts as people and programs read them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_REPORT_H
#define NA_REPORT_H

#include "core/arms/arms.h"
#include "core/base/text.h"
#include "tui/command.h"

/* The options of the commands that compare runs. */
typedef struct na_report_options {
  na_words by;
  char control[NA_TEXT_MAX];
  int measure, judge;
  double alpha, power;
} na_report_options;

#define NA_REPORT_MEASURE(symbol, word, column, share, lower, best, words) "|" word
#define NA_REPORT_JUDGE(symbol, word, words) "|" word

/* clang-format off */
/* Entries of an option table, for a structure that has the options as its member `field`. */
#define NA_REPORT_OPTIONS(type, field)                                                             \
  {{"--metric", NA_CHOICE, offsetof(type, field.measure), "top1", 0, 0,                             \
    &NA_MEASURES(NA_REPORT_MEASURE)[1], "what is compared"},                                         \
   "METRIC", false},                                                                               \
  {{"--by", NA_TEXT, offsetof(type, field.by), "", 0, 0, NULL,                                     \
    "tell arms apart by this setting only, such as train.lr; may be given again"},                 \
   "SETTING", true},                                                                               \
  {{"--control", NA_TEXT, offsetof(type, field.control), "", 0, 0, NULL,                           \
    "compare every arm with this one, by its name or number; none: every two arms"},               \
   "ARM", false},                                                                                  \
  {{"--test", NA_CHOICE, offsetof(type, field.judge), "t", 0, 0, &NA_JUDGES(NA_REPORT_JUDGE)[1],   \
    "the test of pairs that decides"},                                                             \
   "TEST", false},                                                                                 \
  {{"--alpha", NA_FLOAT, offsetof(type, field.alpha), "0.05", 1e-6, 0.5, NULL,                     \
    "how often a difference may be seen where there is none; intervals cover 1 - alpha"},          \
   "X", false},                                                                                    \
  {{"--power", NA_FLOAT, offsetof(type, field.power), "0.8", 0.1, 0.999, NULL,                     \
    "how often a true difference should be seen, for the number of seeds needed"},                 \
   "X", false}
/* clang-format on */

/* Reads the runs in folders as the options say. Zero-initialise arms; na_arms_free in any case. */
int na_report_read(na_arms *arms, const char *const *folders, int count,
                   const na_report_options *options, na_error *err);

/* Each appends to out. Text: the table of arms, what was left out and why, notes, a verdict a line.
 * CSV (RFC 4180, "\n" ends lines): a row per run. JSON: all of it. */
int na_report_text(const na_arms *arms, na_buffer *out, na_error *err);
int na_report_csv(const na_arms *arms, na_buffer *out, na_error *err);
int na_report_json(const na_arms *arms, na_buffer *out, na_error *err);

/* A self-contained page, with curves and, where two settings vary, a heatmap over them: over those
 * called row and column, or NULL. */
int na_report_html(const na_arms *arms, const char *row, const char *column, na_buffer *out,
                   na_error *err);

/* Settings and environment of the runs, as text: every value that any of them gives. */
int na_report_made_with(const na_arms *arms, na_buffer *out, na_error *err);

/* The text, the figures, settings and environment on pages, as PDF. */
int na_report_pdf(const na_arms *arms, const char *row, const char *column, na_buffer *out,
                  na_error *err);

/* One cell of the table of arms: column 0 .. NA_REPORT_COLUMNS-1 of arm a. */
enum { NA_REPORT_COLUMNS = 8, NA_REPORT_CELL = 512 };
const char *na_report_head(const na_arms *arms, int column);
void na_report_cell(const na_arms *arms, int a, int column, char out[NA_REPORT_CELL]);

#endif
