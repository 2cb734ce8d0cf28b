/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/sizes.h"

void na_sizes_draw(na_grid *grid, na_area area, const na_draws *draws)
{
  int row = area.row;
  double most = 1;
  for (int i = 0; i < NA_DRAW_SIZES; i++)
    if (draws->sizes[i].count > most) most = draws->sizes[i].count;
  na_grid_print(grid, row++, area.col, area.cols, NA_STYLE_TITLE, "%ld sub-networks, by size (MACs)",
                draws->networks);
  for (int i = 0; i < NA_DRAW_SIZES && row < area.row + area.rows; i++) {
    const na_draw *d = &draws->sizes[i];
    na_grid_print(grid, row, area.col, 10, NA_STYLE_PLAIN, "%3d-%d%%", 10 * i, 10 * i + 10);
    na_grid_bar(grid, row, area.col + 9, 10, NA_STYLE_WIDE, d->count / most);
    if (d->count > 0)
      na_grid_print(grid, row, area.col + 20, area.cols - 20, NA_STYLE_PLAIN, "%5.0f  loss %.3f",
                    d->count, d->loss / d->count);
    row++;
  }
}
