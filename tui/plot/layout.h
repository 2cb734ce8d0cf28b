/* The whole of a figure on a surface.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LAYOUT_H
#define NA_LAYOUT_H

#include "tui/plot/pages.h"
#include "tui/plot/pen.h"

/* Its width and height in points, defaults filled in. */
na_box na_layout_size(const na_figure *figure);

void na_layout_draw(cairo_t *cairo, const na_figure *figure);

/* Points of A4 paper. */
enum { NA_PAGE_WIDTH = 595, NA_PAGE_HEIGHT = 842 };
void na_pages_draw(cairo_t *cairo, const na_pages *pages);

#endif
