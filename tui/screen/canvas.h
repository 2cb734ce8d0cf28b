/* Dots finer than cells: 2x4 to a cell in Braille, 1x3 in ASCII.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CANVAS_H
#define NA_CANVAS_H

#include "tui/screen/grid.h"
#include "tui/screen/series.h"

typedef struct na_canvas {
  na_area area;     /* of the grid it will be put on */
  bool utf8;
  int width, height; /* in dots */
  uint8_t *bits, *styles, *ranks;
} na_canvas;

/* How a curve is drawn. A cell belongs to the curve of the highest rank in it; dots of lower ranks
 * are taken out of it, so that a curve stays clear where noise crosses it. */
typedef struct na_pen {
  na_style style;
  int rank;
  int dash; /* 0: a whole line, else as many dots on, half as many off */
} na_pen;

/* What part of the plane the canvas shows. A logarithmic y shows only values above 0. */
typedef struct na_window {
  double left, right, bottom, top;
  bool log;
} na_window;

int na_canvas_new(na_canvas *canvas, const na_grid *grid, na_area area, na_error *err);
void na_canvas_free(na_canvas *canvas);

void na_canvas_dot(na_canvas *canvas, int x, int y, na_pen pen);
/* From the top down: every row between. */
void na_canvas_line(na_canvas *canvas, int x0, int y0, int x1, int y1, na_pen pen);

/* The points of a series, joined by lines. Where several points share a column of dots, the column
 * reaches from the smallest to the largest of them: no peak is lost. */
void na_canvas_series(na_canvas *canvas, const na_window *window, const na_series *series,
                      bool smooth, na_pen pen);

/* The dot row of a value, which may lie outside the canvas. */
double na_canvas_y(const na_canvas *canvas, const na_window *window, double value);

/* Sets the cells that have dots. */
void na_canvas_show(const na_canvas *canvas, na_grid *grid);

#endif
