/* The figures of a report: arms over epochs, and two settings as a heatmap.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PICTURES_H
#define NA_PICTURES_H

#include "core/arms/band.h"
#include "core/arms/lattice.h"
#include "tui/plot/figure.h"

/* A figure with what it borrows. */
typedef struct na_picture {
  na_figure figure; /* plot_count 0: there is nothing to show */
  na_plot plot;
  na_trace *traces;
  na_band *bands; /* [band_count] */
  int band_count;
  na_lattice lattice;
  na_heatmap heatmap;
  char **names[2]; /* of the columns and rows, or NULL */
  char title[128];
} na_picture;

/* Every arm as its mean with a band of one standard deviation, its runs faint behind it. Must not
 * move in memory afterwards. */
int na_picture_curves(const na_arms *arms, na_picture *picture, na_error *err);

/* The arms' means over two settings, as na_lattice_make chooses them (NULL: by itself). */
int na_picture_heatmap(const na_arms *arms, const char *row, const char *column,
                       na_picture *picture, na_error *err);

void na_picture_free(na_picture *picture);

#endif
