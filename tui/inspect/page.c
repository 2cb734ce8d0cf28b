/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/page.h"
#include "core/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_COLS = 12, LABEL_COLS_MOST = 26, FIRST_ROWS = 64 };

void na_page_begin(na_page *page, int cols, int width, bool utf8, bool heat)
{
  na_error err = {0};
  page->grid.utf8 = utf8;
  page->grid.heat = heat;
  page->width = width > 8 ? width : 8;
  page->rows = 0;
  page->label = LABEL_COLS;
  page->failed = false;
  if (page->grid.cells != NULL && page->grid.cols == cols) na_grid_clear(&page->grid);
  else page->failed = na_grid_resize(&page->grid, FIRST_ROWS, cols, &err) != NA_OK;
}

void na_page_free(na_page *page)
{
  na_grid_free(&page->grid);
  page->rows = 0;
}

/* Twice as many rows, with what is on them. */
static bool grow(na_page *page)
{
  na_error err = {0};
  na_grid larger = {.utf8 = page->grid.utf8, .heat = page->grid.heat};
  int rows = page->grid.rows * 2;
  if (rows > NA_PAGE_ROWS_MOST || na_grid_resize(&larger, rows, page->grid.cols, &err) != NA_OK)
    return false;
  na_grid_copy(&larger, (na_area){0, 0, page->rows, page->grid.cols}, &page->grid, 0);
  na_grid_free(&page->grid);
  page->grid = larger;
  return true;
}

int na_page_room(na_page *page, int rows)
{
  while (!page->failed && page->rows + rows > page->grid.rows) page->failed = !grow(page);
  if (page->failed) return -1;
  int first = page->rows;
  page->rows += rows;
  return first;
}

static void add_line(na_page *page, na_style style, int col, const char *label, const char *format,
                     va_list args)
{
  char text[4096];
  vsnprintf(text, sizeof text, format, args);
  int row = na_page_room(page, 1);
  if (row < 0) return;
  if (label != NULL) na_grid_put(&page->grid, row, 0, col, NA_STYLE_FAINT, label);
  na_grid_put(&page->grid, row, col, page->grid.cols - col, style, text);
}

void na_page_line(na_page *page, na_style style, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  add_line(page, style, 0, NULL, format, args);
  va_end(args);
}

void na_page_labels(na_page *page, int cols)
{
  page->label = cols + 2 < LABEL_COLS        ? LABEL_COLS
                : cols + 2 > LABEL_COLS_MOST ? LABEL_COLS_MOST
                                             : cols + 2;
}

void na_page_field(na_page *page, const char *label, const char *format, ...)
{
  va_list args;
  int cols = na_utf8_columns(label) + 2;
  va_start(args, format);
  add_line(page, NA_STYLE_PLAIN, cols > page->label ? cols : page->label, label, format, args);
  va_end(args);
}

void na_page_title(na_page *page, const char *format, ...)
{
  va_list args;
  if (page->rows > 0) na_page_room(page, 1);
  va_start(args, format);
  add_line(page, NA_STYLE_TITLE, 0, NULL, format, args);
  va_end(args);
}

/* Bytes of the text that fit into a line: up to a space where there is one. */
static size_t fitting(const char *text, int cols)
{
  const char *at = text, *space = NULL;
  for (int used = 0; *at != '\0';) {
    const char *next = at;
    used += na_rune_columns(na_utf8_next(&next));
    if (used > cols) return (size_t)((space != NULL ? space : at) - text);
    if (*at == ' ') space = at + 1;
    at = next;
  }
  return (size_t)(at - text);
}

void na_page_alert(na_page *page, const char *text)
{
  while (*text != '\0' && !page->failed) {
    size_t length = fitting(text, page->grid.cols);
    if (length == 0) return;
    na_page_line(page, NA_STYLE_ALERT, "%.*s", (int)length, text);
    text += length;
  }
}

int na_page_print(const na_page *page, na_error *err)
{
  na_buffer text = {0};
  na_grid used = page->grid;
  used.rows = page->rows;
  na_grid_text(&used, &text);
  if (page->failed || text.failed) {
    na_free(text.data);
    return na_fail_memory(err, text.length, "what was to be printed");
  }
  if (text.data != NULL) fputs(text.data, stdout);
  na_free(text.data);
  return NA_OK;
}
