/* Matrices as pictures of half blocks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PICTURE_H
#define NA_PICTURE_H

#include "tui/screen/grid.h"

/* values[rows][cols], dark at low and bright at high; with `sign`, blue below zero and yellow above,
 * to the larger of |low| and |high|. */
typedef struct na_picture {
  const double *values;
  int rows, cols;
  double low, high;
  bool sign;
} na_picture;

/* How large it is drawn where it may take `most`: a value is a half of a cell, or `zoom` times that;
 * one that is larger is drawn smaller, by means. */
na_area na_picture_size(const na_picture *picture, na_area most, int zoom);

/* Draws it at area's upper left corner, at the size that na_picture_size gives. */
void na_picture_draw(const na_picture *picture, na_grid *grid, na_area area, int zoom);

/* The range of finite values; 0 and 0 when there are none. */
void na_picture_range(const double *values, size_t count, double *low, double *high);

#endif
