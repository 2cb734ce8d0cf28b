/* A screen as a grid of cells, drawn in memory: views draw on it, curses shows it, tests compare it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_GRID_H
#define NA_GRID_H

#include "core/base/error.h"
#include "core/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* X(symbol, colour of 8, or -1 for the terminal's own, attributes). Blue, yellow and white are told
 * apart with every common kind of colour blindness; nothing is told by colour alone. */
#define NA_STYLES(X)                                                                               \
  X(PLAIN, -1, 0)                                                                                  \
  X(FAINT, -1, NA_DIM)                                                                             \
  X(STRONG, -1, NA_BOLD)                                                                           \
  X(FRAME, -1, NA_DIM)                                                                             \
  X(TITLE, -1, NA_BOLD)                                                                            \
  X(BASE, 6, 0)                                                                                    \
  X(BASE_RAW, 6, NA_DIM)                                                                           \
  X(BASE_VAL, 6, NA_BOLD)                                                                          \
  X(WIDE, 3, 0)                                                                                    \
  X(WIDE_RAW, 3, NA_DIM)                                                                           \
  X(WIDE_VAL, 3, NA_BOLD)                                                                          \
  X(MARK, 5, 0)                                                                                    \
  X(ALERT, 3, NA_REVERSE)                                                                          \
  X(KEY, -1, NA_BOLD)                                                                              \
  X(SELECTED, -1, NA_REVERSE)                                                                      \
  X(BAR, 6, 0)                                                                                     \
  X(OTHER_1, 5, 0)                                                                                 \
  X(OTHER_2, 2, 0)                                                                                 \
  X(OTHER_3, 4, NA_BOLD)                                                                           \
  X(OTHER_4, 7, 0)                                                                                 \
  X(LABEL, -1, NA_BOLD)                                                                                 \
  X(HEAT, -1, 0)                                                                                   \
  X(HEAT_SIGNED, -1, 0)

enum { NA_DIM = 1, NA_BOLD = 2, NA_REVERSE = 4 };

typedef enum na_style {
#define NA_STYLE_ENUM(symbol, colour, attributes) NA_STYLE_##symbol,
  NA_STYLES(NA_STYLE_ENUM)
#undef NA_STYLE_ENUM
  NA_STYLE_COUNT
} na_style;

typedef struct na_cell {
  uint32_t rune; /* Unicode; 0: the right half of the wide character before it */
  uint8_t style;
  uint8_t upper, lower; /* of a heat cell: the levels of its halves */
} na_cell;

typedef struct na_grid {
  int rows, cols;
  bool utf8;                  /* false: only ASCII is ever in a cell */
  bool heat;                  /* the terminal has the colours of heat cells */
  int cursor_row, cursor_col; /* -1: hidden */
  na_cell *cells;
} na_grid;

/* A part of a grid. */
typedef struct na_area {
  int row, col, rows, cols;
} na_area;

/* Makes it rows x cols (at least 1 x 1), blank. */
int na_grid_resize(na_grid *grid, int rows, int cols, na_error *err);
void na_grid_clear(na_grid *grid);
void na_grid_free(na_grid *grid);

/* One cell; outside the grid nothing happens. In an ASCII grid lines and bars have their stand-ins,
 * and what has none is '?'. */
void na_grid_set(na_grid *grid, int row, int col, na_style style, uint32_t rune);

/* UTF-8 text from row, col, cut after `cols` columns (with "…" or "~" where it was). Control
 * characters become '?'. Returns the columns used. */
int na_grid_put(na_grid *grid, int row, int col, int cols, na_style style, const char *text);
/* The same, but what does not fit is cut at its beginning: names differ at their ends. */
int na_grid_put_end(na_grid *grid, int row, int col, int cols, na_style style, const char *text);
int na_grid_print(na_grid *grid, int row, int col, int cols, na_style style, const char *format,
                  ...) __attribute__((format(printf, 6, 7)));

/* A frame around area with a title in its upper edge; gives the area inside. */
na_area na_grid_frame(na_grid *grid, na_area area, const char *title);

/* Is one of these cells in NA_STYLE_LABEL? */
bool na_grid_is_label(const na_grid *grid, int row, int col, int cols);

/* Blanks it. */
void na_grid_wipe(na_grid *grid, na_area area);

/* "[####------]" in cols columns, in eighths where the grid has them. */
void na_grid_bar(na_grid *grid, int row, int col, int cols, na_style style, double share);

/* Two levels of 0 .. NA_HEAT_LEVELS-1, one above the other, in one cell: from black to white (HEAT), or
 * from blue by black to yellow (HEAT_SIGNED, zero in the middle). Where the grid has no such colours,
 * a character from light to dark stands for their mean. */
enum { NA_HEAT_LEVELS = 23 };
void na_grid_heat(na_grid *grid, int row, int col, na_style style, int upper, int lower);

/* Copies a part of another grid's rows, from row `top` on, into area. */
void na_grid_copy(na_grid *grid, na_area area, const na_grid *from, int top);

/* The screen as text, rows ending in a newline without trailing blanks. */
void na_grid_text(const na_grid *grid, na_buffer *out);

/* The next character of UTF-8 text, which moves on; U+FFFD for what is none. 0 at the end. */
uint32_t na_utf8_next(const char **text);

/* Columns that a character takes: 0, 1 or 2. */
int na_rune_columns(uint32_t rune);

/* Columns of a UTF-8 text. */
int na_utf8_columns(const char *text);

/* Appends a character. */
void na_utf8_add(na_buffer *out, uint32_t rune);

#endif
