/* Arms on the screen: curves with bands, a heatmap over two settings, the table and the verdicts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ARMS_SCREEN_H
#define NA_ARMS_SCREEN_H

#include "core/arms/arms.h"
#include "core/arms/lattice.h"
#include "tui/screen/grid.h"

/* Every arm as its mean over the epochs, with dots within one standard deviation and its runs, also
 * those that go on, faint behind; the arm's number stands at the end of its curve. */
int na_arms_draw_curves(const na_arms *arms, na_grid *grid, na_area area, na_error *err);

/* The lattice's means with shades from the least to the largest; the best has a star, cells still
 * awaited have dots. */
void na_arms_draw_lattice(const na_arms *arms, const na_lattice *lattice, na_grid *grid,
                          na_area area);

/* The comparison as na_report_text has it, broken to the area's columns, from line `first` on.
 * Returns how many lines there are; negative: an error. */
int na_arms_draw_text(const na_arms *arms, int first, na_grid *grid, na_area area, na_error *err);

#endif
