/* The compare view without a screen around it: which runs, by what, and how it is drawn.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COMPARE_VIEW_H
#define NA_COMPARE_VIEW_H

#include "tui/screen/grid.h"

typedef struct na_compare na_compare;

/* NULL: out of memory. Free accepts NULL. */
na_compare *na_compare_new(void);
void na_compare_free(na_compare *compare);

/* Draws the runs in folder (NULL: there are none), read anew where that is due. Returns the rows of
 * text that are shown at once. */
int na_compare_draw(na_compare *compare, const char *folder, na_grid *grid, na_area area);

/* Reads them anew at the next drawing. */
void na_compare_look(na_compare *compare);

/* Each changes what is shown and says so in words[160]. */
void na_compare_measure(na_compare *compare, char *words);
void na_compare_control(na_compare *compare, char *words);
void na_compare_turn(na_compare *compare, char *words);
void na_compare_pair(na_compare *compare, char *words);

/* Moves the text by lines, `page` of which are shown. */
void na_compare_scroll(na_compare *compare, long lines, int page);

#endif
