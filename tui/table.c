/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/table.h"
#include "core/base/memory.h"
#include "tui/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int column_count(const na_table *table)
{
  int count = 0;
  for (const char *c = table->layout; *c != '\0'; c++) count += *c != '|';
  return count;
}

/* Takes ownership of text, which is NULL for the cells of a rule. */
static void push(na_table *table, char *text)
{
  void *cells = table->cells;
  if (na_grow(&cells, table->count, &table->capacity, sizeof *table->cells) != NA_OK) {
    table->failed = true;
    na_free(text);
    return;
  }
  table->cells = cells;
  table->cells[table->count++] = text;
}

void na_table_add(na_table *table, const char *format, ...)
{
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  for (char *c = text; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
  char *copy = na_strdup(text);
  if (copy == NULL)
    table->failed = true;
  else
    push(table, copy);
}

void na_table_rule(na_table *table)
{
  for (int i = column_count(table); i > 0; i--) push(table, NULL);
}

static void measure(const na_table *table, int columns, int widths[NA_TABLE_COLUMNS])
{
  memset(widths, 0, NA_TABLE_COLUMNS * sizeof *widths);
  for (size_t i = 0; i < table->count; i++) {
    int width = table->cells[i] != NULL ? na_terminal_columns(table->cells[i]) : 0;
    int *column = &widths[i % (size_t)columns];
    if (width > *column) *column = width;
  }
}

static void repeat(na_buffer *out, const char *text, int count)
{
  while (count-- > 0) na_buffer_add(out, "%s", text);
}

/* Ends a line: blanks at its end go. */
static void end_line(na_buffer *out)
{
  while (!out->failed && out->length > 0 && out->data[out->length - 1] == ' ')
    out->data[--out->length] = '\0';
  na_buffer_add(out, "\n");
}

static void write_cell(na_buffer *out, const char *text, int width, char side)
{
  int blanks = width - na_terminal_columns(text);
  if (side == 'r') repeat(out, " ", blanks);
  na_buffer_add(out, "%s", text);
  if (side != 'r') repeat(out, " ", blanks);
}

/* One row, or a rule where the row's first cell is NULL. */
static void write_row(const na_table *table, char **row, const int *widths, na_buffer *out)
{
  bool rule = row[0] == NULL;
  int column = 0;
  for (const char *c = table->layout; *c != '\0'; c++) {
    if (*c == '|') {
      na_buffer_add(out, rule ? "-+-" : " | ");
      continue;
    }
    if (column > 0 && c[-1] != '|') na_buffer_add(out, rule ? "--" : "  ");
    if (rule)
      repeat(out, "-", widths[column]);
    else
      write_cell(out, row[column], widths[column], *c);
    column++;
  }
  end_line(out);
}

/* Titles, each centred over its group. */
static void write_titles(const na_table *table, const int *widths, na_buffer *out)
{
  int column = 0, group = 0, width = 0;
  for (const char *c = table->layout;; c++) {
    if (*c != '|' && *c != '\0') {
      width += widths[column++] + (width > 0 ? 2 : 0);
      continue;
    }
    const char *title = group < NA_TABLE_GROUPS && table->titles[group] ? table->titles[group] : "";
    int blanks = width - na_terminal_columns(title);
    repeat(out, " ", blanks / 2);
    write_cell(out, title, width - blanks / 2, 'l');
    if (*c == '\0') break;
    na_buffer_add(out, " | ");
    width = 0;
    group++;
  }
  end_line(out);
}

int na_table_write(const na_table *table, na_buffer *out, na_error *err)
{
  int columns = column_count(table), widths[NA_TABLE_COLUMNS];
  if (table->failed) return na_fail(err, NA_ENOMEM, "out of memory while laying out a table");
  measure(table, columns, widths);
  bool titled = false;
  for (int g = 0; g < NA_TABLE_GROUPS; g++) titled |= table->titles[g] != NULL;
  if (titled) write_titles(table, widths, out);
  for (size_t i = 0; i + (size_t)columns <= table->count; i += (size_t)columns)
    write_row(table, table->cells + i, widths, out);
  if (out->failed) return na_fail(err, NA_ENOMEM, "out of memory while laying out a table");
  return NA_OK;
}

int na_table_print(const na_table *table, na_error *err)
{
  na_buffer out = {0};
  int code = na_table_write(table, &out, err);
  if (code == NA_OK && out.data != NULL) fputs(out.data, stdout);
  na_free(out.data);
  return code;
}

void na_table_free(na_table *table)
{
  for (size_t i = 0; i < table->count; i++) na_free(table->cells[i]);
  na_free(table->cells);
  table->cells = NULL;
  table->count = table->capacity = 0;
}
