/* Curves, bands, points and marks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/pen.h"

#include <math.h>

/* ------------------------------------------------------------------------- curves */

/* Columns half a point wide: a PNG's pixels. */
static double column_of(double x)
{
  return floor(2 * x);
}

/* The points of one column: where the curve comes in, how far it reaches, where it goes on. No more
 * is seen of them than that (Jugel et al., "M4", VLDB 2014). */
typedef struct column {
  double at;
  int count;
  double x[4], y[4]; /* first, lowest, highest, last */
} column;

static void put(cairo_t *cairo, double x, double y, bool *down)
{
  if (!*down) cairo_move_to(cairo, x, y);
  cairo_line_to(cairo, x, y); /* a point alone is a dot */
  *down = true;
}

static void flush(cairo_t *cairo, column *c, bool *down)
{
  for (int i = 0; i < 4 && c->count > 0; i++)
    if (i == 0 || c->x[i] != c->x[i - 1] || c->y[i] != c->y[i - 1])
      put(cairo, c->x[i], c->y[i], down);
  c->count = 0;
}

static void set(column *c, int i, double x, double y)
{
  c->x[i] = x;
  c->y[i] = y;
}

static void take(column *c, double x, double y)
{
  for (int i = 0; c->count == 0 && i < 4; i++) set(c, i, x, y);
  if (y > c->y[1]) set(c, 1, x, y);
  if (y < c->y[2]) set(c, 2, x, y);
  set(c, 3, x, y);
  c->at = column_of(x);
  c->count++;
}

/* The line of one array of values, as a path. */
static void trace_path(cairo_t *cairo, const na_frame *frame, const na_trace *trace)
{
  column c = {.count = 0};
  bool down = false;
  for (size_t i = 0; i < trace->count; i++) {
    double x = na_frame_x(frame, trace->x[i]), y = na_frame_y(frame, trace->y[i]);
    bool gap = !isfinite(x) || !isfinite(y);
    if (gap || (c.count > 0 && column_of(x) != c.at)) flush(cairo, &c, &down);
    if (gap)
      down = false;
    else
      take(&c, x, y);
  }
  flush(cairo, &c, &down);
}

static void set_dash(cairo_t *cairo, na_trace_style style)
{
  static const double dashed[] = {5, 3}, dotted[] = {1, 2.5};
  if (style == NA_TRACE_DASHED)
    cairo_set_dash(cairo, dashed, 2, 0);
  else if (style == NA_TRACE_DOTTED)
    cairo_set_dash(cairo, dotted, 2, 0);
  else
    cairo_set_dash(cairo, NULL, 0, 0);
}

static void set_pen(cairo_t *cairo, const na_trace *trace)
{
  na_pen_color(cairo, na_palette(trace->color), trace->faint ? 0.3 : 1);
  cairo_set_line_width(cairo, trace->faint ? 0.6 : 1.4);
  cairo_set_line_cap(cairo,
                     trace->style == NA_TRACE_LINE ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  set_dash(cairo, trace->style);
}

/* ------------------------------------------------------------------------- intervals */

static bool has_interval(const na_frame *frame, const na_trace *trace, size_t i)
{
  return isfinite(na_frame_x(frame, trace->x[i])) && isfinite(na_frame_y(frame, trace->low[i])) &&
         isfinite(na_frame_y(frame, trace->high[i]));
}

/* One edge of a band from point `from` to just before `to`, in either direction: of each column the
 * point furthest out. side: 1 above, -1 below. */
static void edge(cairo_t *cairo, const na_frame *frame, const na_trace *trace, long from, long to,
                 int side)
{
  const double *values = side > 0 ? trace->high : trace->low;
  long step = from < to ? 1 : -1;
  double out = 0, at = NAN, last = 0;
  for (long i = from; i != to; i += step) {
    double x = na_frame_x(frame, trace->x[i]), y = na_frame_y(frame, values[i]);
    if (column_of(x) != at) {
      if (!isnan(at)) cairo_line_to(cairo, last, out);
      out = y;
      at = column_of(x);
    } else if (side * (out - y) > 0)
      out = y;
    last = x;
  }
  cairo_line_to(cairo, last, out);
}

/* Logarithmic axes cannot show an end at or below 0: the band has a gap there. */
static void draw_band(cairo_t *cairo, const na_frame *frame, const na_trace *trace)
{
  na_pen_color(cairo, na_palette(trace->color), 0.2);
  for (size_t i = 0; i < trace->count; i++) {
    size_t end = i;
    while (end < trace->count && has_interval(frame, trace, end)) end++;
    if (end == i) continue;
    cairo_new_sub_path(cairo);
    edge(cairo, frame, trace, (long)i, (long)end, 1);
    edge(cairo, frame, trace, (long)end - 1, (long)i - 1, -1);
    cairo_close_path(cairo);
    i = end;
  }
  cairo_fill(cairo);
}

static void draw_bar(cairo_t *cairo, const na_frame *frame, const na_trace *trace, size_t i)
{
  enum { HALF = 3 };
  double x = na_frame_x(frame, trace->x[i]);
  double low = na_frame_y(frame, trace->low[i]), high = na_frame_y(frame, trace->high[i]);
  na_pen_line(cairo, x, low, x, high);
  na_pen_line(cairo, x - HALF, low, x + HALF, low);
  na_pen_line(cairo, x - HALF, high, x + HALF, high);
}

static void draw_dot(cairo_t *cairo, double x, double y, bool faint)
{
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, x, y, faint ? 1.5 : 2.5, 0, 4 * acos(0));
  cairo_fill(cairo);
}

static void draw_points(cairo_t *cairo, const na_frame *frame, const na_trace *trace)
{
  for (size_t i = 0; i < trace->count; i++) {
    double x = na_frame_x(frame, trace->x[i]), y = na_frame_y(frame, trace->y[i]);
    if (trace->low != NULL && has_interval(frame, trace, i)) draw_bar(cairo, frame, trace, i);
    if (isfinite(x) && isfinite(y)) draw_dot(cairo, x, y, trace->faint);
  }
}

/* ------------------------------------------------------------------------- the parts */

static void draw_trace(cairo_t *cairo, const na_frame *frame, const na_trace *trace)
{
  set_pen(cairo, trace);
  if (trace->style == NA_TRACE_POINTS) {
    draw_points(cairo, frame, trace);
    return;
  }
  trace_path(cairo, frame, trace);
  cairo_stroke(cairo);
}

/* Bands lie behind everything, faint traces behind the others. */
void na_draw_traces(cairo_t *cairo, const na_frame *frame, const na_plot *plot)
{
  const na_trace *end = plot->traces + plot->trace_count;
  for (const na_trace *t = plot->traces; t != end; t++)
    if (t->low != NULL && t->style != NA_TRACE_POINTS) draw_band(cairo, frame, t);
  for (int faint = 1; faint >= 0; faint--)
    for (const na_trace *t = plot->traces; t != end; t++)
      if (t->faint == faint) draw_trace(cairo, frame, t);
  set_dash(cairo, NA_TRACE_LINE);
}

void na_draw_key(cairo_t *cairo, const na_trace *trace, double x, double y, double width)
{
  set_pen(cairo, trace);
  if (trace->style == NA_TRACE_POINTS)
    draw_dot(cairo, x + width / 2, y, trace->faint);
  else
    na_pen_line(cairo, x, y, x + width, y);
  set_dash(cairo, NA_TRACE_LINE);
  if (trace->low == NULL || trace->style == NA_TRACE_POINTS) return;
  na_pen_color(cairo, na_palette(trace->color), 0.2);
  cairo_rectangle(cairo, x, y - 3.5, width, 7);
  cairo_fill(cairo);
}

void na_draw_marks(cairo_t *cairo, const na_frame *frame, const na_plot *plot)
{
  static const double dash[] = {2, 2};
  enum { LEAST_APART = 8 };
  double bottom = frame->box.y + frame->box.height, written = -INFINITY;
  cairo_set_line_width(cairo, 0.6);
  na_pen_size(cairo, 7, false);
  for (size_t i = 0; i < plot->mark_count; i++) {
    const na_event_mark *mark = &plot->marks[i];
    double x = na_frame_x(frame, mark->x);
    if (!(x >= frame->box.x && x <= frame->box.x + frame->box.width)) continue;
    na_pen_color(cairo, na_grey, 0.8);
    cairo_set_dash(cairo, dash, 2, 0);
    na_pen_line(cairo, x, frame->box.y, x, bottom);
    cairo_set_dash(cairo, NULL, 0, 0);
    if (mark->text == NULL || x - written < LEAST_APART) continue; /* words would lie on words */
    na_pen_color(cairo, na_ink, 0.8);
    na_pen_text(cairo, (na_spot){x - 2, bottom - 3, 0, true}, mark->text);
    written = x;
  }
  na_pen_size(cairo, NA_TEXT_SIZE, false);
}
