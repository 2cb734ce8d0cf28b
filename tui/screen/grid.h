/* A screen as data: rows of cells that widgets draw on, tests compare, and paint.h shows. Nothing
 * here knows a terminal.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_GRID_H
#define NA_GRID_H

#include "core/base/text.h"

#include <wchar.h>

enum { NA_STYLE_BOLD = 1, NA_STYLE_DIM = 2, NA_STYLE_REVERSE = 4, NA_STYLE_UNDERLINE = 8 };

/* How a cell looks. Colours are those of the xterm palette (0 .. 255) plus one; 0 is the terminal's
 * own, so that a zeroed style is plain text. */
typedef struct na_style {
  short fore, back;
  unsigned char flags;
} na_style;

/* The style's colour for a palette entry. */
#define NA_COLOUR(palette) ((short)((palette) + 1))

typedef struct na_cell {
  wchar_t character; /* 0: covered by the double-width character to its left */
  na_style style;
} na_cell;

/* Zero-initialise; na_grid_free releases the cells. */
typedef struct na_grid {
  int rows, columns;
  na_cell *cells; /* [rows * columns] */
} na_grid;

/* A rectangle of a grid: what one widget may draw on. Positions are relative to it, and whatever
 * lies outside of it is cut off. */
typedef struct na_area {
  na_grid *grid;
  int row, column, rows, columns;
} na_area;

/* Gives the grid a size, 0 to 10000 each way, and blanks it. Returns 0 or NA_ENOMEM (unchanged). */
int na_grid_resize(na_grid *grid, int rows, int columns);
void na_grid_clear(na_grid *grid);
void na_grid_free(na_grid *grid);

na_area na_grid_all(na_grid *grid);

/* The part of area that begins at (row, column); cut where area ends. */
na_area na_area_part(na_area area, int row, int column, int rows, int columns);

/* Puts UTF-8 text from (row, column) on. Control characters and bytes that are no UTF-8 become '?',
 * combining characters are left out. Returns the columns the whole text takes, cut or not. */
int na_area_put(na_area area, int row, int column, na_style style, const char *text);
int na_area_print(na_area area, int row, int column, na_style style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* One cell. */
void na_area_cell(na_area area, int row, int column, na_style style, wchar_t character);

/* Gives every cell of a row the style, its characters kept: a selected line. */
void na_area_mark(na_area area, int row, na_style style);

/* Appends the characters as UTF-8, a line per row, without blanks at its end: saved screens. */
void na_grid_write(const na_grid *grid, na_buffer *out);

#endif
