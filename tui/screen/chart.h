/* One chart of a run's curves: base against augmented, with axes, marks and a strip of differences.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CHART_H
#define NA_CHART_H

#include "tui/screen/canvas.h"
#include "tui/screen/curves.h"

/* What the x axis counts: epochs where at least one is shown, else steps; or one of them always. */
typedef enum na_axis { NA_AXIS_AUTO, NA_AXIS_STEPS, NA_AXIS_EPOCHS, NA_AXIS_COUNT } na_axis;

/* A curve of another run, laid over. */
typedef struct na_chart_line {
  const na_series *series;
  bool smooth;             /* smoothed, as training curves are */
  const char *label, *name; /* label: a letter or two that stands at its end */
  int number;              /* gives colour and dashes */
} na_chart_line;

typedef struct na_chart {
  na_axis axis;
  bool accuracy;      /* else loss */
  bool log;           /* y logarithmic; loss only */
  double left, right; /* steps that are shown; right <= left: all of them */
  double cursor;      /* step whose values are told; NaN: none */
  const na_chart_line *lines; /* [line_count], borrowed */
  size_t line_count;
  long line_batches; /* per epoch, of all of them alike; 0: they differ */
} na_chart;

/* How line `number` is drawn: neighbours differ in colour and in dashes, twelve of them in both. */
na_pen na_chart_pen(int number);

/* Draws it into area (anything from 1 x 8 up). Raw values stay faint behind the smoothed ones. */
int na_chart_draw(const na_chart *chart, const na_curves *curves, na_grid *grid, na_area area,
                  na_error *err);

/* The steps that are shown. */
void na_chart_range(const na_chart *chart, const na_curves *curves, double *left, double *right);

/* Shows a `factor` of the steps that are shown now, around the newest; from 1 on all of them. */
void na_chart_zoom(na_chart *chart, const na_curves *curves, double factor);

/* The same around step `at`, which stays where it is. */
void na_chart_zoom_at(na_chart *chart, const na_curves *curves, double factor, double at);

/* The step at a column of the grid, where the chart was drawn into area; NaN: none. */
double na_chart_step_at(const na_chart *chart, const na_curves *curves, na_area area, int col);

/* Moves by a share of what is shown, within the run. */
void na_chart_pan(na_chart *chart, const na_curves *curves, double share);

/* Left of a plot, in the seven columns before it. */
void na_chart_y_axis(na_grid *grid, na_area plot, const na_canvas *canvas, const na_window *window);

/* 1, 2 or 5 times a power of ten, at least `least`. */
double na_chart_step(double least);

#endif
