/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/run_table.h"
#include "core/base/memory.h"
#include "core/train/columns.h"
#include "core/train/recorder.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { COLUMN_PATH = 300 };

/* ------------------------------------------------------------------------- columns */

static bool column_path(char path[COLUMN_PATH], const na_run_table *table, const char *column)
{
  return snprintf(path, COLUMN_PATH, "%s/%s", table->name, column) < COLUMN_PATH;
}

/* What kind a column is, and its rows; false: it is none. */
static bool look_at(const na_run_table *table, const char *name, bool *text, long long *rows)
{
  char path[COLUMN_PATH];
  long long dims[NA_H5_RANK_MAX] = {0};
  int rank = 0;
  if (!column_path(path, table, name)) return false;
  *text = na_h5_count_texts(table->file, path, rows, NULL) == NA_OK;
  if (*text) return true;
  if (na_h5_shape(table->file, path, &rank, dims, NULL) != NA_OK || rank != 1) return false;
  *rows = dims[0];
  return true;
}

int na_run_table_find(const na_run_table *table, const char *name)
{
  for (size_t i = 0; i < table->count; i++)
    if (strcmp(table->columns[i].name, name) == 0) return (int)i;
  return -1;
}

/* Adds the column if it is one and new. */
static int add_column(void *context, const char *name)
{
  na_run_table *table = context;
  void *columns = table->columns;
  na_run_column column = {.name = NULL};
  long long rows;
  if (na_run_table_find(table, name) >= 0 || !look_at(table, name, &column.text, &rows))
    return NA_OK;
  column.name = na_strdup(name);
  int code = column.name != NULL ? na_grow(&columns, table->count, &table->capacity, sizeof column)
                                 : NA_ENOMEM;
  table->columns = columns;
  if (code != NA_OK) {
    na_free(column.name);
    return code;
  }
  table->columns[table->count++] = column;
  if (rows < table->rows) table->rows = (long)rows;
  return NA_OK;
}

static int find_columns(na_run_table *table, na_error *err)
{
  int known;
  const char *const *names = na_run_columns(table->name, &known);
  int code = NA_OK;
  table->rows = LONG_MAX;
  for (int i = 0; i < known && code == NA_OK; i++) code = add_column(table, names[i]);
  if (code == NA_OK && na_h5_has(table->file, table->name))
    code = na_h5_each(table->file, table->name, add_column, table, err);
  if (table->count == 0) table->rows = 0;
  return code == NA_ENOMEM ? na_fail_memory(err, table->count * sizeof *table->columns, "a table")
                           : code;
}

/* ------------------------------------------------------------------------- tables */

static int run_path(const char *run, char path[NA_RUN_PATH], na_error *err)
{
  struct stat status;
  bool folder = stat(run, &status) == 0 && S_ISDIR(status.st_mode);
  if (snprintf(path, NA_RUN_PATH, "%s%s", run, folder ? "/run.h5" : "") < NA_RUN_PATH) return NA_OK;
  return na_fail(err, NA_EINVAL, "the path %.100s... is too long", run);
}

static int check_format(na_h5 *file, const char *path, na_error *err)
{
  char *format = NULL;
  na_h5_get_text(file, "/", "format", &format, NULL);
  bool good = format != NULL && strcmp(format, "netaug metrics") == 0;
  na_free(format);
  if (good) return NA_OK;
  na_fail(err, NA_EFORMAT, "%.300s holds no metrics of a run", path);
  return na_hint(err, "give the folder of a run, such as runs/NAME");
}

int na_run_table_open(na_run_table *table, const char *run, const char *name, na_error *err)
{
  char path[NA_RUN_PATH];
  *table = (na_run_table){.name = name};
  int code = run_path(run, path, err);
  if (code == NA_OK && (code = na_h5_open(&table->file, path, err)) != NA_OK)
    na_hint(err, "give the folder of a run, such as runs/NAME");
  if (code == NA_OK) code = check_format(table->file, path, err);
  if (code == NA_OK) code = find_columns(table, err);
  if (code != NA_OK) na_run_table_close(table);
  return code;
}

void na_run_table_close(na_run_table *table)
{
  na_h5_close(table->file, NULL);
  for (size_t i = 0; i < table->count; i++) na_free(table->columns[i].name);
  na_free(table->columns);
  *table = (na_run_table){.name = table->name};
}

int na_run_table_numbers(const na_run_table *table, int column, long first, long count,
                         double *values, na_error *err)
{
  char path[COLUMN_PATH];
  column_path(path, table, table->columns[column].name);
  return na_h5_read_rows(table->file, path, NA_H5_DOUBLE, first, count, values, err);
}

int na_run_table_text(const na_run_table *table, int column, long row, char **text, na_error *err)
{
  char path[COLUMN_PATH];
  column_path(path, table, table->columns[column].name);
  return na_h5_read_text(table->file, path, row, text, err);
}

void na_run_title(const char *run, char out[256])
{
  static const char file[] = "/run.h5";
  size_t length = strlen(run), suffix = sizeof file - 1;
  if (length > suffix && strcmp(run + length - suffix, file) == 0) length -= suffix;
  while (length > 1 && run[length - 1] == '/') length--;
  size_t start = length;
  while (start > 0 && run[start - 1] != '/') start--;
  snprintf(out, 256, "%.*s", (int)(length - start < 255 ? length - start : 255), run + start);
}
