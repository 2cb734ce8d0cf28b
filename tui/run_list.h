/* Which columns of runs are shown in a given width, and how wide each is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RUN_LIST_H
#define NA_RUN_LIST_H

#include "core/runs/column.h"

enum { NA_RUN_LIST_COLUMNS = 32 };

typedef struct na_run_list_column {
  na_run_key key;
  const char *title; /* borrowed: from the table of columns, or from key of the list's owner */
  int cols;
  bool right; /* numbers are aligned to the right */
} na_run_list_column;

typedef struct na_run_list {
  int count;
  na_run_list_column columns[NA_RUN_LIST_COLUMNS];
} na_run_list;

/* The usual columns of which runs[count] have a value, the least important left out, so that they fit into
 * `cols` columns with two blanks between them; 0: all of them, as wide as they are. `by` is shown in any case;
 * NULL: none. */
void na_run_list_fit(na_run_list *list, na_run *const *runs, size_t count, const na_run_key *by,
                     int cols);

/* The columns called in names, separated by commas. */
int na_run_list_choose(na_run_list *list, const char *names, na_run *const *runs, size_t count,
                       na_error *err);

#endif
