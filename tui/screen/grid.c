/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/grid.h"
#include "core/base/error.h"
#include "core/base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { GRID_MOST = 10000 };

int na_grid_resize(na_grid *grid, int rows, int columns)
{
  if (rows < 0 || columns < 0 || rows > GRID_MOST || columns > GRID_MOST) return NA_EINVAL;
  if (rows != grid->rows || columns != grid->columns) {
    na_cell *cells = na_alloc_array((size_t)rows * (size_t)columns + 1, sizeof *cells);
    if (cells == NULL) return NA_ENOMEM;
    na_free(grid->cells);
    *grid = (na_grid){rows, columns, cells};
  }
  na_grid_clear(grid);
  return NA_OK;
}

void na_grid_clear(na_grid *grid)
{
  for (int i = 0; i < grid->rows * grid->columns; i++)
    grid->cells[i] = (na_cell){L' ', {0, 0, 0}};
}

void na_grid_free(na_grid *grid)
{
  na_free(grid->cells);
  *grid = (na_grid){0, 0, NULL};
}

na_area na_grid_all(na_grid *grid)
{
  return (na_area){grid, 0, 0, grid->rows, grid->columns};
}

/* At most what is left of `whole` from `at` on. */
static int clip(int wanted, int whole, int at)
{
  int room = at < whole ? whole - at : 0;
  return wanted < 0 ? 0 : wanted < room ? wanted : room;
}

na_area na_area_part(na_area area, int row, int column, int rows, int columns)
{
  if (row < 0) rows += row, row = 0;
  if (column < 0) columns += column, column = 0;
  return (na_area){area.grid, area.row + row, area.column + column, clip(rows, area.rows, row),
                   clip(columns, area.columns, column)};
}

static na_cell *cell_at(na_area area, int row, int column)
{
  if (row < 0 || row >= area.rows || column < 0 || column >= area.columns) return NULL;
  return &area.grid->cells[(area.row + row) * area.grid->columns + area.column + column];
}

void na_area_cell(na_area area, int row, int column, na_style style, wchar_t character)
{
  na_cell *cell = cell_at(area, row, column);
  if (cell != NULL) *cell = (na_cell){character, style};
}

void na_area_mark(na_area area, int row, na_style style)
{
  for (int i = 0; i < area.columns; i++) {
    na_cell *cell = cell_at(area, row, i);
    if (cell != NULL) cell->style = style;
  }
}

/* The character at text, strictly UTF-8 whatever the locale; *length gets its bytes. */
static wchar_t decode(const char *text, int *length)
{
  static const unsigned least[4] = {0, 0x80, 0x800, 0x10000};
  const unsigned char *byte = (const unsigned char *)text;
  int more = byte[0] < 0x80 ? 0 : byte[0] < 0xc2 ? -1 : byte[0] < 0xe0 ? 1 : byte[0] < 0xf0 ? 2
             : byte[0] < 0xf5 ? 3 : -1;
  *length = 1;
  if (more < 0) return L'?';
  unsigned code = more == 0 ? byte[0] : byte[0] & (0x3fu >> more);
  for (int i = 1; i <= more; i++) {
    if ((byte[i] & 0xc0) != 0x80) return L'?';
    code = code << 6 | (byte[i] & 0x3f);
  }
  if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return L'?';
  *length = more + 1;
  return code < ' ' || (code >= 0x7f && code < 0xa0) ? L'?' : (wchar_t)code;
}

int na_area_put(na_area area, int row, int column, na_style style, const char *text)
{
  int start = column, length;
  for (; *text != '\0'; text += length) {
    wchar_t character = decode(text, &length);
    int width = character < 0x300 ? 1 : wcwidth(character);
    if (width == 0) continue;
    if (width < 0) character = L'?', width = 1;
    /* Half of a wide character cannot be shown. */
    if (width == 2 && column + 1 >= area.columns) character = L' ';
    na_area_cell(area, row, column, style, character);
    if (width == 2 && character != L' ') na_area_cell(area, row, column + 1, style, 0);
    column += width;
  }
  return column - start;
}

int na_area_print(na_area area, int row, int column, na_style style, const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return na_area_put(area, row, column, style, text);
}

static void encode(na_buffer *out, wchar_t character)
{
  uint32_t c = (uint32_t)character;
  if (c < 0x80)
    na_buffer_add(out, "%c", (int)c);
  else if (c < 0x800)
    na_buffer_add(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
  else if (c < 0x10000)
    na_buffer_add(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                  (int)(0x80 | (c & 0x3f)));
  else
    na_buffer_add(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
                  (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

void na_grid_write(const na_grid *grid, na_buffer *out)
{
  for (int row = 0; row < grid->rows; row++) {
    const na_cell *cells = grid->cells + (size_t)row * (size_t)grid->columns;
    int end = grid->columns;
    while (end > 0 && cells[end - 1].character == L' ') end--;
    for (int i = 0; i < end; i++)
      if (cells[i].character != 0) encode(out, cells[i].character);
    na_buffer_add(out, "\n");
  }
}
