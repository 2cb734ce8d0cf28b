/* Tables of text in aligned columns.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TABLE_H
#define NA_TABLE_H

#include "core/base/error.h"
#include "core/base/text.h"

#include <stdbool.h>

enum { NA_TABLE_COLUMNS = 65, NA_TABLE_GROUPS = 4 };

/* Zero-initialised except for layout; na_table_free releases the cells. A cell that does not fit in
 * memory makes the whole table fail when it is printed. */
typedef struct na_table {
  const char *layout; /* 'l' or 'r' per column; '|' between two groups of columns: "ll|rrr|rrr" */
  const char *titles[NA_TABLE_GROUPS]; /* above each group, or NULL */
  char **cells; /* row by row; a NULL in a row's first column: a rule across the table */
  size_t count, capacity;
  bool failed;
} na_table;

/* Adds the next cell. Control characters, which names from files may hold, become '?'. */
void na_table_add(na_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a rule. Only between rows. */
void na_table_rule(na_table *table);

/* Appends the table, every line ending in a newline without trailing blanks. */
int na_table_write(const na_table *table, na_buffer *out, na_error *err);

/* Writes it to standard output. */
int na_table_print(const na_table *table, na_error *err);

void na_table_free(na_table *table);

#endif
