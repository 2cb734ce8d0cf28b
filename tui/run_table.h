/* The tables of runs, read column by column: whatever columns a run.h5 has, also those of a newer
 * version.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RUN_TABLE_H
#define NA_RUN_TABLE_H

#include "core/base/error.h"
#include "core/store/h5.h"

#include <stdbool.h>

/* A column of numbers, or of texts. */
typedef struct na_run_column {
  char *name;
  bool text;
} na_run_column;

typedef struct na_run_table {
  na_h5 *file;
  const char *name; /* "step", "epoch", "steering" */
  na_run_column *columns;
  size_t count, capacity;
  long rows; /* that every column has: a writer adds to one after the other */
} na_run_table;

/* run: a run's folder, or its run.h5; the run may be in training. Columns that this program writes
 * come first, in its order, then all others by name. A table that the file lacks has no columns. */
int na_run_table_open(na_run_table *table, const char *run, const char *name, na_error *err);
void na_run_table_close(na_run_table *table);

/* The column called name, -1: none. */
int na_run_table_find(const na_run_table *table, const char *name);

/* Rows first .. first+count-1 of a column of numbers, into values[count]. */
int na_run_table_numbers(const na_run_table *table, int column, long first, long count,
                         double *values, na_error *err);

/* One row of a column of texts: *text is allocated (na_free). */
int na_run_table_text(const na_run_table *table, int column, long row, char **text, na_error *err);

/* What a run is called: the last part of its folder's name. out[256]. */
void na_run_title(const char *run, char out[256]);

#endif
