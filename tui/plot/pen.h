/* What the parts of a figure draw with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PEN_H
#define NA_PEN_H

#include "tui/plot/figure.h"
#include "tui/plot/scale.h"

#include <cairo.h>

typedef struct na_box {
  double x, y, width, height; /* y grows downward */
} na_box;

typedef struct na_rgb {
  double red, green, blue; /* 0 .. 1 */
} na_rgb;

extern const na_rgb na_ink, na_grey, na_pale; /* text; lines of axes; lines of the grid */

na_rgb na_palette(int color);

/* The scale of colours for 0 .. 1 (viridis), and for -1 .. 1 (blue, white, orange). */
na_rgb na_ramp(double share);
na_rgb na_ramp_around(double share);

void na_pen_color(cairo_t *cairo, na_rgb color, double alpha);

enum { NA_TEXT_SIZE = 9, NA_CLEAN_SIZE = 512 };

/* The text as it is drawn: longer ones are cut, and what is no character is U+FFFD. */
void na_pen_clean(char out[NA_CLEAN_SIZE], const char *text);

/* Where a text lies: `across` is 0 for beginning at x, 0.5 for around it, 1 for ending there. y is
 * its baseline. turned: from the bottom up, x and y as seen then. */
typedef struct na_spot {
  double x, y, across;
  bool turned;
} na_spot;
void na_pen_text(cairo_t *cairo, na_spot spot, const char *text);
double na_pen_width(cairo_t *cairo, const char *text);
void na_pen_size(cairo_t *cairo, double size, bool bold);

void na_pen_line(cairo_t *cairo, double x0, double y0, double x1, double y1);

/* A plot's frame: where values lie. */
typedef struct na_frame {
  na_box box;
  const na_scale *x, *y;
} na_frame;
double na_frame_x(const na_frame *frame, double value);
double na_frame_y(const na_frame *frame, double value);

/* The parts. */
void na_draw_traces(cairo_t *cairo, const na_frame *frame, const na_plot *plot);
void na_draw_marks(cairo_t *cairo, const na_frame *frame, const na_plot *plot);
/* The key of a trace: a piece of it, from x on, `width` long. */
void na_draw_key(cairo_t *cairo, const na_trace *trace, double x, double y, double width);
void na_draw_cells(cairo_t *cairo, const na_frame *frame, const na_heatmap *map);
/* The scale of colours, right of the frame; needs NA_RAMP_ROOM. */
enum { NA_RAMP_ROOM = 70 };
void na_draw_ramp(cairo_t *cairo, const na_frame *frame, const na_heatmap *map);

#endif
