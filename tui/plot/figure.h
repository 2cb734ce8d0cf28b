/* Figures for papers, web pages and reports: curves with bands, and heatmaps. A figure is plain
 * data, borrowed while it is drawn; the same data give the same bytes.
 *
 *   double x[] = {1, 2, 3}, y[] = {70.1, 81.3, 84.9};
 *   na_trace base = {.name = "base", .count = 3, .x = x, .y = y};
 *   na_plot plot = {.x = {.label = "epoch"}, .y = {.label = "accuracy, %"},
 *                   .traces = &base, .trace_count = 1};
 *   na_figure figure = {.title = "tiny-r3", .plots = &plot, .plot_count = 1};
 *   na_figure_write(&figure, NA_FIGURE_SVG, "curves.svg", err);
 *
 * Lengths are in points (1/72 inch); a PNG has two pixels to the point. Texts are UTF-8; what is
 * not shows as U+FFFD. Letters are drawn as outlines of DejaVu Sans.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FIGURE_H
#define NA_FIGURE_H

#include "core/base/error.h"
#include "core/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Colours 0 .. NA_PALETTE_SIZE-1 differ for everyone, colour-blind or not, and in print; higher
 * numbers begin again. Okabe and Ito, "Color Universal Design" (2008), without yellow and black. */
enum { NA_PALETTE_SIZE = 6 };

typedef enum na_trace_style {
  NA_TRACE_LINE,
  NA_TRACE_DASHED,
  NA_TRACE_DOTTED,
  NA_TRACE_POINTS
} na_trace_style;

/* A curve, or points, with or without an interval around each value. */
typedef struct na_trace {
  const char *name; /* in the legend; NULL: not there */
  int color;        /* of the palette */
  na_trace_style style;
  bool faint; /* thin and pale, behind the others: raw values, single seeds */
  size_t count;
  const double *x, *y;      /* [count], x never falling; what is not finite leaves a gap */
  const double *low, *high; /* [count]: a band around a line, bars through points; NULL: none */
} na_trace;

/* Something that happened at x: a vertical line with words. */
typedef struct na_event_mark {
  double x;
  const char *text; /* may be NULL */
} na_event_mark;

typedef struct na_axis {
  const char *label;        /* NULL: none */
  double low, high;         /* what is shown; high <= low: all values */
  bool log;                 /* only values above 0 are shown then */
  bool whole;               /* no ticks between whole numbers: epochs, steps, seeds */
  const char *const *names; /* at 0, 1, ... in place of numbers, from left or bottom; or NULL */
  int name_count;
} na_axis;

/* Cells with their values: row 0 at the bottom, column 0 at the left, named by the plot's axes. */
typedef struct na_heatmap {
  int rows, columns;
  const double *values; /* [rows][columns]; NaN: an empty cell */
  int digits;           /* behind the decimal point */
  bool differences;     /* two colours around 0, and signs; else one scale from low to high */
  const char *label;    /* beside the scale of colours; NULL: none */
} na_heatmap;

typedef struct na_plot {
  const char *title; /* NULL: none */
  na_axis x, y;
  const na_trace *traces;
  size_t trace_count;
  const na_event_mark *marks;
  size_t mark_count;
  const na_heatmap *heatmap; /* in place of traces and marks; or NULL */
} na_plot;

/* Plots, row by row. */
typedef struct na_figure {
  const char *title;    /* NULL: none */
  double width, height; /* 0: 480, and 260 for each row of plots */
  int columns;          /* plots side by side; 0: one */
  const na_plot *plots;
  size_t plot_count;
} na_figure;

/* X(symbol, name): name is the file's suffix, too. */
#define NA_FIGURE_FORMATS(X) X(SVG, "svg") X(PNG, "png") X(PDF, "pdf")

typedef enum na_figure_format {
#define NA_FIGURE_ENUM(symbol, name) NA_FIGURE_##symbol,
  NA_FIGURE_FORMATS(NA_FIGURE_ENUM)
#undef NA_FIGURE_ENUM
      NA_FIGURE_FORMAT_COUNT
} na_figure_format;

/* The format that a path's suffix names; a negative code where it names none. */
int na_figure_format_of(const char *path, na_error *err);

/* The file of a figure, appended to out. */
int na_figure_render(const na_figure *figure, na_figure_format format, na_buffer *out,
                     na_error *err);

/* An <svg> element to stand in an HTML page, appended to out. name sets its ids apart from those of
 * other figures on the page: letters, digits and hyphens, a letter first. */
int na_figure_svg(const na_figure *figure, const char *name, na_buffer *out, na_error *err);

/* Writes it to path, whole or not at all; "-" is standard output. */
int na_figure_write(const na_figure *figure, na_figure_format format, const char *path,
                    na_error *err);

#endif
