/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/layout.h"

#include <math.h>

enum { WIDTH = 480, HEIGHT = 260, MARGIN = 10, TITLE = 20, LINE = 14, KEY = 18, GAP = 6 };

static int columns_of(const na_figure *figure)
{
  return figure->columns > 0 ? figure->columns : 1;
}

static int rows_of(const na_figure *figure)
{
  int columns = columns_of(figure);
  return ((int)figure->plot_count + columns - 1) / columns;
}

na_box na_layout_size(const na_figure *figure)
{
  int rows = rows_of(figure) > 0 ? rows_of(figure) : 1;
  return (na_box){.width = figure->width > 0 ? figure->width : WIDTH,
                  .height = figure->height > 0 ? figure->height : HEIGHT * rows};
}

/* Takes `height` off the top of box; returns the baseline of a text in it. */
static double take_line(na_box *box, double height)
{
  box->y += height;
  box->height -= height;
  return box->y - 4;
}

/* ------------------------------------------------------------------------- the legend */

/* The names of a plot's traces, in rows above it: nothing lies on the curves. */
static void draw_legend(cairo_t *cairo, const na_plot *plot, na_box *box)
{
  double x = INFINITY, y = 0;
  for (size_t i = 0; i < plot->trace_count; i++) {
    const na_trace *trace = &plot->traces[i];
    if (trace->name == NULL) continue;
    double width = KEY + GAP + na_pen_width(cairo, trace->name);
    if (x + width > box->x + box->width) {
      x = box->x;
      y = take_line(box, LINE);
    }
    na_draw_key(cairo, trace, x, y - 3, KEY);
    na_pen_color(cairo, na_ink, 1);
    na_pen_text(cairo, (na_spot){x + KEY + GAP, y, 0, false}, trace->name);
    x += width + 2 * GAP;
  }
}

/* ------------------------------------------------------------------------- axes */

/* All that the axes have to show. Faint traces count: they are drawn as well. */
static void find_limits(const na_plot *plot, na_limits *x, na_limits *y)
{
  *x = *y = NA_NO_LIMITS;
  for (size_t t = 0; t < plot->trace_count; t++)
    for (size_t i = 0; i < plot->traces[t].count; i++) {
      const na_trace *trace = &plot->traces[t];
      na_limits_take(x, &plot->x, trace->x[i]);
      na_limits_take(y, &plot->y, trace->y[i]);
      if (trace->low == NULL) continue;
      na_limits_take(y, &plot->y, trace->low[i]);
      na_limits_take(y, &plot->y, trace->high[i]);
    }
}

static bool has_points(const na_plot *plot)
{
  for (size_t t = 0; t < plot->trace_count; t++)
    if (plot->traces[t].style == NA_TRACE_POINTS) return true;
  return false;
}

static double widest_tick(cairo_t *cairo, const na_scale *scale)
{
  double widest = 0;
  for (int i = 0; i < scale->count; i++)
    widest = fmax(widest, na_pen_width(cairo, scale->ticks[i].text));
  return widest;
}

/* Ticks above one another need 25 points, ticks side by side their own width and some. */
static void make_scales(cairo_t *cairo, const na_plot *plot, na_box box, na_scale *x, na_scale *y)
{
  na_limits across, up;
  find_limits(plot, &across, &up);
  na_scale_make(y, &plot->y, up, 0.05, (int)(box.height / 25));
  double room = has_points(plot) ? 0.05 : 0;
  int wanted = 12;
  na_scale_make(x, &plot->x, across, room, wanted);
  while (wanted > 2 && x->count * (widest_tick(cairo, x) + 2 * GAP) > box.width)
    na_scale_make(x, &plot->x, across, room, --wanted);
}

/* Lines of the grid behind the values, none between the cells of a heatmap. */
static void draw_grid(cairo_t *cairo, const na_frame *frame)
{
  na_box b = frame->box;
  na_pen_color(cairo, na_pale, 1);
  cairo_set_line_width(cairo, 0.6);
  for (int i = 0; i < frame->y->count; i++) {
    double y = na_frame_y(frame, frame->y->ticks[i].at);
    na_pen_line(cairo, b.x, y, b.x + b.width, y);
  }
  for (int i = 0; i < frame->x->count; i++) {
    double x = na_frame_x(frame, frame->x->ticks[i].at);
    na_pen_line(cairo, x, b.y, x, b.y + b.height);
  }
}

static void draw_x_axis(cairo_t *cairo, const na_frame *frame, const char *label)
{
  double bottom = frame->box.y + frame->box.height;
  na_pen_color(cairo, na_ink, 1);
  for (int i = 0; i < frame->x->count; i++)
    na_pen_text(cairo,
                (na_spot){na_frame_x(frame, frame->x->ticks[i].at), bottom + LINE - 2, 0.5, false},
                frame->x->ticks[i].text);
  if (label == NULL) return;
  na_pen_text(cairo,
              (na_spot){frame->box.x + frame->box.width / 2, bottom + 2 * LINE - 1, 0.5, false},
              label);
}

static void draw_y_axis(cairo_t *cairo, const na_frame *frame, const char *label, double left)
{
  na_pen_color(cairo, na_ink, 1);
  for (int i = 0; i < frame->y->count; i++)
    na_pen_text(
        cairo,
        (na_spot){frame->box.x - GAP, na_frame_y(frame, frame->y->ticks[i].at) + 3, 1, false},
        frame->y->ticks[i].text);
  if (label == NULL) return;
  na_pen_text(cairo,
              (na_spot){left + NA_TEXT_SIZE, frame->box.y + frame->box.height / 2, 0.5, true},
              label);
}

static void draw_frame(cairo_t *cairo, na_box b)
{
  na_pen_color(cairo, na_grey, 1);
  cairo_set_line_width(cairo, 0.8);
  na_pen_line(cairo, b.x, b.y, b.x, b.y + b.height);
  na_pen_line(cairo, b.x, b.y + b.height, b.x + b.width, b.y + b.height);
}

/* ------------------------------------------------------------------------- plots */

static void draw_inside(cairo_t *cairo, const na_frame *frame, const na_plot *plot)
{
  na_box b = frame->box;
  cairo_save(cairo);
  cairo_rectangle(cairo, b.x - 1, b.y - 1, b.width + 2, b.height + 2);
  cairo_clip(cairo);
  if (plot->heatmap != NULL)
    na_draw_cells(cairo, frame, plot->heatmap);
  else {
    draw_grid(cairo, frame);
    na_draw_marks(cairo, frame, plot);
    na_draw_traces(cairo, frame, plot);
  }
  cairo_restore(cairo);
}

/* The title and the legend above, labels left and below, what is left is the frame. */
static void draw_plot(cairo_t *cairo, const na_plot *plot, na_box box)
{
  na_scale x, y;
  double left = box.x;
  na_pen_size(cairo, NA_TEXT_SIZE, true);
  if (plot->title != NULL) {
    na_pen_color(cairo, na_ink, 1);
    na_pen_text(cairo, (na_spot){box.x, take_line(&box, LINE), 0, false}, plot->title);
  }
  na_pen_size(cairo, NA_TEXT_SIZE, false);
  if (plot->heatmap == NULL) draw_legend(cairo, plot, &box);
  take_line(&box, GAP);
  box.height -= LINE * (plot->x.label != NULL ? 2 : 1) + 2;
  if (box.height < LINE) return; /* no room */
  make_scales(cairo, plot, box, &x, &y);
  double margin = widest_tick(cairo, &y) + 2 * GAP + (plot->y.label != NULL ? LINE : 0);
  box.x += margin;
  box.width -= margin + (plot->heatmap != NULL ? NA_RAMP_ROOM : GAP);
  if (box.width < LINE) return;
  na_frame frame = {box, &x, &y};
  draw_inside(cairo, &frame, plot);
  if (plot->heatmap != NULL)
    na_draw_ramp(cairo, &frame, plot->heatmap);
  else
    draw_frame(cairo, box);
  draw_x_axis(cairo, &frame, plot->x.label);
  draw_y_axis(cairo, &frame, plot->y.label, left);
}

void na_layout_draw(cairo_t *cairo, const na_figure *figure)
{
  na_box all = na_layout_size(figure),
         box = {MARGIN, MARGIN, all.width - 2 * MARGIN, all.height - 2 * MARGIN};
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  if (figure->title != NULL) {
    na_pen_size(cairo, 11, true);
    na_pen_color(cairo, na_ink, 1);
    na_pen_text(cairo, (na_spot){box.x, take_line(&box, TITLE) - 4, 0, false}, figure->title);
  }
  int columns = columns_of(figure), rows = rows_of(figure);
  for (int i = 0; i < (int)figure->plot_count; i++) {
    double width = (box.width + 2 * GAP) / columns, height = (box.height + 2 * GAP) / rows;
    draw_plot(cairo, &figure->plots[i],
              (na_box){box.x + i % columns * width, box.y + i / columns * height, width - 2 * GAP,
                       height - 2 * GAP});
  }
}
