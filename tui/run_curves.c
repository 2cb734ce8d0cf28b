/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/run_curves.h"
#include "core/base/memory.h"
#include "core/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int na_run_curves_open(na_run_curves *run, const char *path, na_export_axis axis, na_error *err)
{
  *run = (na_run_curves){.axis = axis};
  int code = na_run_table_open(&run->epochs, path, "epoch", err);
  if (code == NA_OK) code = na_run_table_open(&run->steps, path, "step", err);
  if (code == NA_OK) code = na_run_table_open(&run->steering, path, "steering", err);
  if (code != NA_OK) na_run_curves_close(run);
  return code;
}

void na_run_curves_close(na_run_curves *run)
{
  na_run_table_close(&run->epochs);
  na_run_table_close(&run->steps);
  na_run_table_close(&run->steering);
}

static const na_run_table *training(const na_run_curves *run)
{
  return run->by_steps ? &run->steps : &run->epochs;
}

/* The table that a column is read from. */
static const na_run_table *table_of(const na_run_curves *run, const char *column)
{
  return na_run_table_find(training(run), column) >= 0 ? training(run) : &run->epochs;
}

int na_run_curves_columns(const na_run_curves *run, const char **names, int room)
{
  const na_run_table *tables[] = {training(run), &run->epochs};
  int count = 0;
  for (int t = 0; t < 2; t++)
    for (size_t i = 0; i < tables[t]->count && count < room; i++) {
      const na_run_column *column = &tables[t]->columns[i];
      bool twice = t == 1 && na_run_table_find(tables[0], column->name) >= 0;
      if (!column->text && !twice) names[count++] = column->name;
    }
  return count;
}

/* ------------------------------------------------------------------------- values */

/* A whole column, allocated; all not a number where the table lacks it. */
static int read_column(const na_run_table *table, const char *name, double **values, na_error *err)
{
  int column = na_run_table_find(table, name);
  *values = na_alloc_array((size_t)table->rows + 1, sizeof **values);
  if (*values == NULL)
    return na_fail_memory(err, (size_t)table->rows * sizeof **values, "a column");
  if (column >= 0 && !table->columns[column].text)
    return na_run_table_numbers(table, column, 0, table->rows, *values, err);
  for (long i = 0; i < table->rows; i++) (*values)[i] = NAN;
  return NA_OK;
}

/* Steps per epoch, of the run's last row that tells. */
static double epoch_length(const na_run_curves *run)
{
  const na_run_table *table = run->steps.rows > 0 ? &run->steps : &run->epochs;
  int steps = na_run_table_find(table, "steps"), epochs = na_run_table_find(table, "epochs");
  double all = NAN, count = NAN;
  if (steps < 0 || epochs < 0 || table->rows == 0) return NAN;
  na_run_table_numbers(table, steps, table->rows - 1, 1, &all, NULL);
  na_run_table_numbers(table, epochs, table->rows - 1, 1, &count, NULL);
  return all > 0 && count > 0 ? all / count : NAN;
}

/* The axis' values of a table's rows, allocated: steps, epochs (with their fractions), minutes. */
static int read_axis(const na_run_curves *run, const na_run_table *table, double **x, na_error *err)
{
  double length = epoch_length(run);
  bool fractions = run->axis == NA_AXIS_EPOCH && table != &run->epochs && length > 0;
  const char *column = run->axis == NA_AXIS_STEP || fractions ? "step"
                       : run->axis == NA_AXIS_EPOCH           ? "epoch"
                                                              : "time";
  double unit = fractions ? length : run->axis == NA_AXIS_TIME ? 60 : 1;
  int code = read_column(table, column, x, err);
  for (long i = 0; code == NA_OK && i < table->rows; i++) (*x)[i] /= unit;
  return code;
}

int na_run_curve_read(const na_run_curves *run, const char *column, na_run_curve *curve,
                      na_error *err)
{
  const na_run_table *table = table_of(run, column);
  *curve = (na_run_curve){.column = column, .count = (size_t)table->rows};
  int code = read_axis(run, table, &curve->x, err);
  if (code == NA_OK) code = read_column(table, column, &curve->y, err);
  if (code != NA_OK) na_run_curve_free(curve);
  return code;
}

void na_run_curve_free(na_run_curve *curve)
{
  na_free(curve->x);
  na_free(curve->y);
  *curve = (na_run_curve){.column = NULL};
}

/* ------------------------------------------------------------------------- marks */

/* The texts move as they grow: marks get theirs at the end. */
static int add_mark(na_run_marks *marks, double x, const char *text, na_error *err)
{
  void *items = marks->marks, *texts = marks->texts;
  int code = na_grow(&items, marks->count, &marks->capacity, sizeof *marks->marks);
  marks->marks = items;
  if (code == NA_OK)
    code = na_grow(&texts, marks->count, &marks->text_capacity, sizeof *marks->texts);
  marks->texts = texts;
  if (code != NA_OK) return na_fail_memory(err, marks->count * sizeof *marks->texts, "marks");
  snprintf(marks->texts[marks->count], sizeof *marks->texts, "%s", text);
  marks->marks[marks->count++] = (na_event_mark){.x = x};
  return NA_OK;
}

/* A row has the phase that led to it: a new one began at the row before. */
static int add_phases(const na_run_curves *run, na_run_marks *marks, na_error *err)
{
  const na_run_table *table = training(run);
  double *x = NULL, *phase = NULL;
  int code = read_axis(run, table, &x, err);
  if (code == NA_OK) code = read_column(table, "phase", &phase, err);
  for (long i = 1; i < table->rows && code == NA_OK; i++)
    if (phase[i] != phase[i - 1] && phase[i] >= NA_PHASE_PLAIN && phase[i] <= NA_PHASE_OFF)
      code = add_mark(marks, x[i - 1], na_phase_name((na_phase)phase[i]), err);
  na_free(x);
  na_free(phase);
  return code;
}

static int add_changes(const na_run_curves *run, na_run_marks *marks, na_error *err)
{
  const na_run_table *table = &run->steering;
  int text = na_run_table_find(table, "text");
  double *x = NULL, *changes = NULL;
  int code = read_axis(run, table, &x, err);
  if (code == NA_OK) code = read_column(table, "changes", &changes, err);
  for (long i = 0; i < table->rows && code == NA_OK; i++) {
    char *words = NULL;
    if (changes[i] != 1 || text < 0 || !table->columns[text].text) continue;
    code = na_run_table_text(table, text, i, &words, err);
    if (code == NA_OK) code = add_mark(marks, x[i], words, err);
    na_free(words);
  }
  na_free(x);
  na_free(changes);
  return code;
}

static int by_place(const void *a, const void *b)
{
  const na_event_mark *first = a, *second = b;
  return (first->x > second->x) - (first->x < second->x);
}

int na_run_marks_read(const na_run_curves *run, na_run_marks *marks, na_error *err)
{
  *marks = (na_run_marks){.count = 0};
  int code = add_phases(run, marks, err);
  if (code == NA_OK) code = add_changes(run, marks, err);
  for (size_t i = 0; i < marks->count; i++) marks->marks[i].text = marks->texts[i];
  if (marks->count > 1) qsort(marks->marks, marks->count, sizeof *marks->marks, by_place);
  if (code != NA_OK) na_run_marks_free(marks);
  return code;
}

void na_run_marks_free(na_run_marks *marks)
{
  na_free(marks->marks);
  na_free(marks->texts);
  *marks = (na_run_marks){.count = 0};
}
