/* Tables of runs to CSV and JSON lines.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/export.h"
#include "tui/output.h"
#include "tui/records.h"
#include "tui/run_table.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 1024 };

/* The chosen columns of all runs together; the first is the run's name. */
typedef struct header {
  const char **names;
  bool *texts;
  int count, room;
} header;

static int column_in(const header *h, const char *name)
{
  for (int i = 1; i < h->count; i++)
    if (strcmp(h->names[i], name) == 0) return i;
  return -1;
}

static int make_header(header *h, const na_run_table *tables, int count, na_error *err)
{
  h->room = 1;
  for (int t = 0; t < count; t++) h->room += (int)tables[t].count;
  h->names = na_alloc_array((size_t)h->room, sizeof *h->names);
  h->texts = na_alloc_array((size_t)h->room, sizeof *h->texts);
  if (h->names == NULL || h->texts == NULL)
    return na_fail_memory(err, (size_t)h->room * sizeof *h->names, "the columns");
  h->names[h->count++] = "run";
  for (int t = 0; t < count; t++)
    for (size_t i = 0; i < tables[t].count; i++) {
      const na_run_column *column = &tables[t].columns[i];
      if (column_in(h, column->name) >= 0) continue;
      h->names[h->count] = column->name;
      h->texts[h->count++] = column->text;
    }
  return NA_OK;
}

/* Leaves only what the patterns ask for. */
static int choose(header *h, const char *patterns, na_error *err)
{
  int kept = 1;
  if (patterns[0] == '\0') return NA_OK;
  int code = na_export_check(patterns, h->names + 1, h->count - 1, err);
  for (int i = 1; i < h->count; i++) {
    if (!na_export_wants(patterns, h->names[i])) continue;
    h->names[kept] = h->names[i];
    h->texts[kept++] = h->texts[i];
  }
  h->count = kept;
  return code;
}

static int write_text(na_records *out, const na_run_table *table, int column, long row,
                      na_error *err)
{
  char *text = NULL;
  bool there = column >= 0 && table->columns[column].text;
  int code = there ? na_run_table_text(table, column, row, &text, err) : NA_OK;
  na_records_text(out, text != NULL ? text : "");
  na_free(text);
  return code;
}

/* `count` rows from `first` on, whose numbers are values[column][BLOCK]. */
static int write_rows(na_records *out, const header *h, const char *run, const na_run_table *table,
                      const double *values, long first, long count, na_error *err)
{
  int code = NA_OK;
  for (long row = 0; row < count && code == NA_OK; row++) {
    na_records_text(out, run);
    for (int c = 1; c < h->count && code == NA_OK; c++) {
      if (!h->texts[c])
        na_records_number(out, values[(long)c * BLOCK + row]);
      else
        code = write_text(out, table, na_run_table_find(table, h->names[c]), first + row, err);
    }
  }
  return code;
}

static int read_block(const header *h, const na_run_table *table, double *values, long first,
                      long count, na_error *err)
{
  int code = NA_OK;
  for (int c = 1; c < h->count && code == NA_OK; c++) {
    int column = na_run_table_find(table, h->names[c]);
    bool there = column >= 0 && table->columns[column].text == h->texts[c];
    for (long i = 0; i < count && !there; i++) values[(long)c * BLOCK + i] = NAN;
    if (there && !h->texts[c])
      code = na_run_table_numbers(table, column, first, count, values + (long)c * BLOCK, err);
  }
  return code;
}

static int write_table(na_records *out, const header *h, const char *run, const na_run_table *table,
                       na_error *err)
{
  char title[256];
  na_run_title(run, title);
  double *values = na_alloc_array((size_t)h->count * BLOCK, sizeof *values);
  if (values == NULL) return na_fail_memory(err, (size_t)h->count * BLOCK * 8, "rows");
  int code = NA_OK;
  for (long first = 0; first < table->rows && code == NA_OK; first += BLOCK) {
    long count = table->rows - first < BLOCK ? table->rows - first : BLOCK;
    code = read_block(h, table, values, first, count, err);
    if (code == NA_OK) code = write_rows(out, h, title, table, values, first, count, err);
  }
  na_free(values);
  return code;
}

static int write_all(const na_export *given, const header *h, const na_run_table *tables,
                     na_error *err)
{
  na_output output;
  na_records records;
  int code = na_output_begin(&output, given->out, err);
  if (code != NA_OK) return code;
  na_records_begin(&records, output.file, given->format == NA_EXPORT_JSONL, h->count, h->names);
  for (int t = 0; t < given->count && code == NA_OK; t++)
    code = write_table(&records, h, given->runs[t], &tables[t], err);
  return na_output_end(&output, code, err);
}

int na_export_tables(const na_export *given, na_error *err)
{
  static const char *const names[] = {"epoch", "step", "epoch", "steering"};
  na_run_table tables[NA_EXPORT_RUNS];
  header h = {.names = NULL};
  int open = 0, code = NA_OK;
  for (; open < given->count && code == NA_OK; open += code == NA_OK)
    code = na_run_table_open(&tables[open], given->runs[open], names[given->table], err);
  if (code == NA_OK) code = make_header(&h, tables, open, err);
  if (code == NA_OK) code = choose(&h, given->columns, err);
  if (code == NA_OK) code = write_all(given, &h, tables, err);
  if (code == NA_OK && strcmp(given->out, "-") != 0) {
    long rows = 0;
    for (int t = 0; t < open; t++) rows += tables[t].rows;
    printf("%s: rows %ld, columns %d\n", given->out, rows, h.count);
  }
  while (open > 0) na_run_table_close(&tables[--open]);
  na_free(h.names);
  na_free(h.texts);
  return code;
}
