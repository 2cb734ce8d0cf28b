/* Arms over two settings: a table of their means, as a heatmap shows it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LATTICE_H
#define NA_LATTICE_H

#include "core/arms/arms.h"

typedef struct na_lattice {
  const char *row_setting, *column_setting; /* borrowed from the arms, as are the values */
  int rows, columns;
  const char **row_values,
      **column_values; /* in rising order: numbers, lists by their last number */
  double *means;       /* [rows][columns]: mean of the arms there; NaN: nothing yet */
  int *counts;         /* [rows][columns]: runs that count */
  int *awaited;        /* [rows][columns]: runs that go on or did not end */
} na_lattice;

/* Over the settings called `row` and `column`; where both are NULL, over the first two that make
 * one: at least 2 x 2, at least half of its cells there and more of them than either side has.
 * Where none do, *lattice is empty (rows 0). Refused: a setting that does not tell the arms apart.
 */
int na_lattice_make(const na_arms *arms, const char *row, const char *column, na_lattice *lattice,
                    na_error *err);
void na_lattice_free(na_lattice *lattice);

#endif
