/* Arms and verdicts as text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/report/report.h"
#include "tui/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int na_report_read(na_arms *arms, const char *const *folders, int count,
                   const na_report_options *options, na_error *err)
{
  const na_arms_question question = {.measure = &na_measures[options->measure],
                                     .judge = (na_judge)options->judge,
                                     .alpha = options->alpha,
                                     .power = options->power,
                                     .control =
                                         options->control[0] != '\0' ? options->control : NULL,
                                     .by = options->by.items,
                                     .by_count = options->by.count};
  return na_arms_read(arms, folders, count, &question, err);
}

/* ------------------------------------------------------------------------------ the table */

const char *na_report_head(const na_arms *arms, int column)
{
  static const char *const heads[NA_REPORT_COLUMNS] = {"",           "runs", NULL,   "interval",
                                                       "parameters", "MACs", "time", "arm"};
  return heads[column] != NULL ? heads[column] : arms->measure.word;
}

static void number_cell(const na_arms *arms, double value, char *out)
{
  snprintf(out, NA_REPORT_CELL, isnan(value) ? "-" : "%.*f%s", arms->question.digits, value,
           arms->measure.share ? "%" : "");
}

static void count_cell(long long count, char *out)
{
  char text[16];
  na_text_count(text, (double)count);
  snprintf(out, NA_REPORT_CELL, "%s", count > 0 ? text : "-");
}

static void interval_cell(const na_arms *arms, const na_arm *arm, char *out)
{
  int digits = arms->question.digits;
  if (arm->sd > 0)
    snprintf(out, NA_REPORT_CELL, "%.*f to %.*f", digits, arm->interval.low, digits,
             arm->interval.high);
  else
    snprintf(out, NA_REPORT_CELL, "-");
}

static void time_cell(double seconds, char *out)
{
  char text[16];
  na_text_duration(text, seconds);
  snprintf(out, NA_REPORT_CELL, "%s", isnan(seconds) ? "-" : text);
}

void na_report_cell(const na_arms *arms, int a, int column, char out[NA_REPORT_CELL])
{
  const na_arm *arm = &arms->arms[a];
  switch (column) {
  case 0:
    snprintf(out, NA_REPORT_CELL, "%d%s", a + 1, a == arms->control ? "*" : "");
    break;
  case 1:
    snprintf(out, NA_REPORT_CELL, "%d", arm->count);
    break;
  case 2:
    number_cell(arms, arm->mean, out);
    break;
  case 3:
    interval_cell(arms, arm, out);
    break;
  case 4:
    count_cell(arm->parameters, out);
    break;
  case 5:
    count_cell(arm->macs, out);
    break;
  case 6:
    time_cell(arm->seconds, out);
    break;
  default:
    snprintf(out, NA_REPORT_CELL, "%s", arm->name); /* may be long: others stay in sight */
  }
}

static int write_table(const na_arms *arms, na_buffer *out, na_error *err)
{
  char cell[NA_REPORT_CELL];
  na_table table = {.layout = "rrrrrrrl"};
  for (int c = 0; c < NA_REPORT_COLUMNS; c++) na_table_add(&table, "%s", na_report_head(arms, c));
  na_table_rule(&table);
  for (int a = 0; a < arms->arm_count; a++)
    for (int c = 0; c < NA_REPORT_COLUMNS; c++) {
      na_report_cell(arms, a, c, cell);
      na_table_add(&table, "%s", cell);
    }
  int code = na_table_write(&table, out, err);
  na_table_free(&table);
  return code;
}

/* --------------------------------------------------------------------------------- whole */

static void write_rest(const na_arms *arms, na_buffer *out)
{
  if (arms->control >= 0) na_buffer_add(out, "* the control\n");
  for (int r = 0; r < arms->run_count; r++)
    if (arms->runs[r].state != NA_MEMBER_FINISHED)
      na_buffer_add(out, "left out: %s is %s (%s)\n", arms->runs[r].name,
                    na_member_word(arms->runs[r].state), arms->runs[r].why);
  for (int i = 0; i < arms->note_count; i++) na_buffer_add(out, "note: %s\n", arms->notes[i]);
  if (arms->comparison_count > 0) na_buffer_add(out, "\n");
  for (int i = 0; i < arms->comparison_count; i++) {
    na_arms_words(arms, i, out);
    na_buffer_add(out, "\n");
  }
}

int na_report_text(const na_arms *arms, na_buffer *out, na_error *err)
{
  na_buffer_add(out, "%s; mean with its %g%% interval, over the runs that count\n\n",
                arms->measure.words, 100 * (1 - arms->question.alpha));
  int code = write_table(arms, out, err);
  if (code != NA_OK) return code;
  write_rest(arms, out);
  return out->failed ? na_fail(err, NA_ENOMEM, "out of memory while writing the comparison")
                     : NA_OK;
}
