/* Shows a grid on the terminal through curses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PAINT_H
#define NA_PAINT_H

#include "tui/screen/grid.h"

/* Draws the grid on curses' standard screen and refreshes it; curses has been started, colours too
 * where they are wanted. Where the terminal has fewer than 256 colours the styles' colours are left
 * out, and where the locale is not UTF-8, characters it lacks become '?'. Colour pairs are made on demand
 * and kept; once there is room for no more, cells go without colour. */
void na_paint(const na_grid *grid);

/* Can colours of the palette be shown? */
int na_paint_colours(void);

#endif
