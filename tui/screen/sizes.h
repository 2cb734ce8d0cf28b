/* The sub-networks drawn so far by size, as a list of bars.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SIZES_H
#define NA_SIZES_H

#include "core/train/steer.h"
#include "tui/screen/grid.h"

/* A title and NA_DRAW_SIZES lines, as far as they fit. */
void na_sizes_draw(na_grid *grid, na_area area, const na_draws *draws);

#endif
