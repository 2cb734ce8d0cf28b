/* Pages of text and figures: A4, as PDF.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PAGES_H
#define NA_PAGES_H

#include "tui/plot/figure.h"

typedef struct na_pages {
  const char *text; /* lines, in letters of one width; longer than a page's are broken at blanks */
  const na_figure *const *figures;
  int figure_count;
  const char *after; /* further lines, behind the figures */
} na_pages;

/* The file, appended to out. The same pages give the same bytes. */
int na_pages_pdf(const na_pages *pages, na_buffer *out, na_error *err);

#endif
