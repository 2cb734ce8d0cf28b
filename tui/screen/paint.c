/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/paint.h"

#include <curses.h>
#include <stdlib.h>
#include <wchar.h>

enum { PALETTE = 257, PAIRS = 30000 };

int na_paint_colours(void)
{
  return has_colors() && COLORS >= 256;
}

/* The pair for two style colours, 0 when there is none. */
static short pair_of(short fore, short back)
{
  static short pairs[PALETTE][PALETTE];
  static short used;
  if ((fore == 0 && back == 0) || !na_paint_colours()) return 0;
  if (fore < 0 || back < 0 || fore >= PALETTE || back >= PALETTE) return 0;
  if (pairs[fore][back] != 0) return pairs[fore][back];
  if (used + 1 >= PAIRS || used + 1 >= COLOR_PAIRS) return 0;
  if (init_pair((short)(used + 1), (short)(fore - 1), (short)(back - 1)) == ERR) return 0;
  return pairs[fore][back] = ++used;
}

static attr_t attributes(unsigned char flags)
{
  attr_t set = 0;
  if ((flags & NA_STYLE_BOLD) != 0) set |= A_BOLD;
  if ((flags & NA_STYLE_DIM) != 0) set |= A_DIM;
  if ((flags & NA_STYLE_REVERSE) != 0) set |= A_REVERSE;
  if ((flags & NA_STYLE_UNDERLINE) != 0) set |= A_UNDERLINE;
  return set;
}

static void paint_cell(int row, int column, const na_cell *cell)
{
  wchar_t text[2] = {cell->character, 0};
  char bytes[16];
  cchar_t shown;
  if (cell->character == 0) return;
  if (wctomb(bytes, cell->character) < 0) text[0] = L'?';
  setcchar(&shown, text, attributes(cell->style.flags), pair_of(cell->style.fore, cell->style.back),
           NULL);
  mvadd_wch(row, column, &shown);
}

void na_paint(const na_grid *grid)
{
  erase();
  for (int row = 0; row < grid->rows && row < LINES; row++)
    for (int column = 0; column < grid->columns && column < COLS; column++)
      paint_cell(row, column, &grid->cells[row * grid->columns + column]);
  refresh();
}
