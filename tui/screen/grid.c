/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/grid.h"
#include "core/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

int na_grid_resize(na_grid *grid, int rows, int cols, na_error *err)
{
  if (rows < 1) rows = 1;
  if (cols < 1) cols = 1;
  na_cell *cells = na_alloc_array((size_t)rows * (size_t)cols, sizeof *cells);
  if (cells == NULL) return na_fail_memory(err, (size_t)rows * (size_t)cols, "the screen");
  na_free(grid->cells);
  grid->cells = cells;
  grid->rows = rows;
  grid->cols = cols;
  na_grid_clear(grid);
  return NA_OK;
}

void na_grid_clear(na_grid *grid)
{
  grid->cursor_row = grid->cursor_col = -1;
  na_grid_wipe(grid, (na_area){0, 0, grid->rows, grid->cols});
}

void na_grid_free(na_grid *grid)
{
  na_free(grid->cells);
  grid->cells = NULL;
}

/* ------------------------------------------------------------------------- characters */

static int sequence_length(unsigned char first)
{
  return first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

uint32_t na_utf8_next(const char **text)
{
  const unsigned char *s = (const unsigned char *)*text;
  if (*s == 0) return 0;
  int length = sequence_length(*s);
  uint32_t rune = length == 1 ? *s : length > 1 ? *s & (0x7Fu >> length) : 0xFFFD;
  for (int i = 1; i < length; i++) {
    if ((s[i] & 0xC0) != 0x80) {
      *text += i;
      return 0xFFFD;
    }
    rune = rune << 6 | (s[i] & 0x3Fu);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* a shorter form would do */
  bool surrogate = rune >= 0xD800 && rune <= 0xDFFF;
  *text += length > 0 ? length : 1;
  return rune < least[length] || surrogate || rune > 0x10FFFF ? 0xFFFD : rune;
}

int na_rune_columns(uint32_t rune)
{
  if (rune < 0x300) return 1;
  int columns = wcwidth((wchar_t)rune);
  return columns < 0 ? 1 : columns;
}

int na_utf8_columns(const char *text)
{
  int columns = 0;
  for (uint32_t rune; (rune = na_utf8_next(&text)) != 0;) columns += na_rune_columns(rune);
  return columns;
}

void na_utf8_add(na_buffer *out, uint32_t rune)
{
  char bytes[5] = "";
  if (rune < 0x80)
    bytes[0] = (char)rune;
  else if (rune < 0x800) {
    bytes[0] = (char)(0xC0 | rune >> 6);
    bytes[1] = (char)(0x80 | (rune & 63));
  } else if (rune < 0x10000) {
    bytes[0] = (char)(0xE0 | rune >> 12);
    bytes[1] = (char)(0x80 | (rune >> 6 & 63));
    bytes[2] = (char)(0x80 | (rune & 63));
  } else {
    bytes[0] = (char)(0xF0 | rune >> 18);
    bytes[1] = (char)(0x80 | (rune >> 12 & 63));
    bytes[2] = (char)(0x80 | (rune >> 6 & 63));
    bytes[3] = (char)(0x80 | (rune & 63));
  }
  na_buffer_add(out, "%s", bytes);
}

/* What an ASCII grid shows instead. */
static uint32_t stand_in(uint32_t rune)
{
  static const struct {
    uint32_t from;
    char to;
  } table[] = {
      {0x2500, '-'}, {0x2502, '|'}, {0x250C, '+'}, {0x2510, '+'}, {0x2514, '+'}, {0x2518, '+'},
      {0x251C, '+'}, {0x2524, '+'}, {0x252C, '+'}, {0x2534, '+'}, {0x2588, '#'}, {0x2591, '-'},
      {0x00B7, '.'}, {0x2026, '~'}, {0x25CF, '*'}, {0x2502, '|'}, {0x254E, ':'}, {0x25B8, '>'},
      {0x2212, '-'}, {0x00D7, 'x'}, {0x25B2, '^'}, {0x25BC, 'v'}, {0x2503, '|'}, {0x256D, '+'},
      {0x256E, '+'}, {0x2570, '+'}, {0x256F, '+'}, {0x2504, '-'}, {0x2192, '>'}, {0x25CB, 'o'},
      {0x25BE, 'v'},
  };
  if (rune < 0x80) return rune;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].from == rune) return (unsigned char)table[i].to;
  return '?';
}

/* ------------------------------------------------------------------------- drawing */

void na_grid_set(na_grid *grid, int row, int col, na_style style, uint32_t rune)
{
  if (row < 0 || row >= grid->rows || col < 0 || col >= grid->cols) return;
  if (rune < ' ' || (rune >= 0x7F && rune < 0xA0)) rune = rune == 0 ? 0 : '?';
  if (!grid->utf8) rune = stand_in(rune);
  grid->cells[row * grid->cols + col] = (na_cell){.rune = rune, .style = (uint8_t)style};
}

int na_grid_put(na_grid *grid, int row, int col, int cols, na_style style, const char *text)
{
  int used = 0;
  if (cols <= 0) return 0;
  bool cut = na_utf8_columns(text) > cols;
  for (uint32_t rune; (rune = na_utf8_next(&text)) != 0;) {
    int columns = na_rune_columns(rune);
    if (columns == 0) continue; /* combining marks have no cell of their own */
    if (used + columns > cols - cut) break;
    na_grid_set(grid, row, col + used, style, rune);
    if (columns == 2) na_grid_set(grid, row, col + used + 1, style, grid->utf8 ? 0 : '?');
    used += columns;
  }
  if (cut) na_grid_set(grid, row, col + used++, style, 0x2026);
  return used;
}

int na_grid_put_end(na_grid *grid, int row, int col, int cols, na_style style, const char *text)
{
  int columns = na_utf8_columns(text);
  if (columns <= cols) return na_grid_put(grid, row, col, cols, style, text);
  if (cols < 1) return 0;
  while (columns > cols - 1) columns -= na_rune_columns(na_utf8_next(&text));
  na_grid_set(grid, row, col, style, 0x2026);
  return 1 + na_grid_put(grid, row, col + 1, cols - 1, style, text);
}

int na_grid_print(na_grid *grid, int row, int col, int cols, na_style style, const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return na_grid_put(grid, row, col, cols, style, text);
}

bool na_grid_is_label(const na_grid *grid, int row, int col, int cols)
{
  for (int c = col; c < col + cols; c++)
    if (row >= 0 && row < grid->rows && c >= 0 && c < grid->cols &&
        grid->cells[row * grid->cols + c].style == NA_STYLE_LABEL)
      return true;
  return false;
}

void na_grid_wipe(na_grid *grid, na_area area)
{
  for (int r = 0; r < area.rows; r++)
    for (int c = 0; c < area.cols; c++)
      na_grid_set(grid, area.row + r, area.col + c, NA_STYLE_PLAIN, ' ');
}

na_area na_grid_frame(na_grid *grid, na_area area, const char *title)
{
  int bottom = area.row + area.rows - 1, right = area.col + area.cols - 1;
  for (int c = area.col + 1; c < right; c++) {
    na_grid_set(grid, area.row, c, NA_STYLE_FRAME, 0x2500);
    na_grid_set(grid, bottom, c, NA_STYLE_FRAME, 0x2500);
  }
  for (int r = area.row + 1; r < bottom; r++) {
    na_grid_set(grid, r, area.col, NA_STYLE_FRAME, 0x2502);
    na_grid_set(grid, r, right, NA_STYLE_FRAME, 0x2502);
  }
  na_grid_set(grid, area.row, area.col, NA_STYLE_FRAME, 0x256D);
  na_grid_set(grid, area.row, right, NA_STYLE_FRAME, 0x256E);
  na_grid_set(grid, bottom, area.col, NA_STYLE_FRAME, 0x2570);
  na_grid_set(grid, bottom, right, NA_STYLE_FRAME, 0x256F);
  if (title != NULL && title[0] != '\0' && area.cols > 6)
    na_grid_print(grid, area.row, area.col + 2, area.cols - 4, NA_STYLE_TITLE, " %s ", title);
  return (na_area){area.row + 1, area.col + 1, area.rows - 2, area.cols - 2};
}

void na_grid_bar(na_grid *grid, int row, int col, int cols, na_style style, double share)
{
  if (cols < 1) return;
  if (!(share >= 0)) share = 0;
  if (share > 1) share = 1;
  int parts = (int)(share * cols * 8 + 1e-9), full = parts / 8;
  for (int i = 0; i < cols; i++) {
    uint32_t rune = i < full ? 0x2588 : 0x2591;
    if (grid->utf8 && i == full && parts % 8 > 0) rune = 0x2590 - (uint32_t)(parts % 8);
    na_grid_set(grid, row, col + i, rune == 0x2591 ? NA_STYLE_FAINT : style, rune);
  }
}

void na_grid_heat(na_grid *grid, int row, int col, na_style style, int upper, int lower)
{
  static const char ramp[] = " .:-=+*#%@";
  int sum = upper + lower, most = 2 * (NA_HEAT_LEVELS - 1), steps = (int)sizeof ramp - 2;
  if (row < 0 || row >= grid->rows || col < 0 || col >= grid->cols) return;
  if (!grid->heat || !grid->utf8)
    na_grid_set(grid, row, col, NA_STYLE_PLAIN, (unsigned char)ramp[(sum * steps + most / 2) / most]);
  else
    grid->cells[row * grid->cols + col] = (na_cell){0x2580, (uint8_t)style, (uint8_t)upper, (uint8_t)lower};
}

void na_grid_copy(na_grid *grid, na_area area, const na_grid *from, int top)
{
  for (int r = 0; r < area.rows && top + r < from->rows; r++)
    for (int c = 0; c < area.cols && c < from->cols; c++)
      if (area.row + r < grid->rows && area.col + c < grid->cols)
        grid->cells[(area.row + r) * grid->cols + area.col + c] = from->cells[(top + r) * from->cols + c];
}

void na_grid_text(const na_grid *grid, na_buffer *out)
{
  for (int r = 0; r < grid->rows; r++) {
    const na_cell *row = &grid->cells[r * grid->cols];
    int last = grid->cols;
    while (last > 0 && row[last - 1].rune == ' ') last--;
    for (int c = 0; c < last; c++)
      if (row[c].rune != 0) na_utf8_add(out, row[c].rune);
    na_buffer_add(out, "\n");
  }
}
