/* Heatmaps: cells with their values, and the scale of their colours.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/pen.h"

#include <math.h>
#include <stdio.h>

/* The scale's ends: around 0, or from the lowest to the highest. */
static na_limits limits_of(const na_heatmap *map)
{
  static const na_axis any = {.log = false};
  na_limits l = NA_NO_LIMITS;
  for (long i = 0; i < (long)map->rows * map->columns; i++)
    na_limits_take(&l, &any, map->values[i]);
  if (!(l.low <= l.high)) return (na_limits){0, 1};
  if (map->differences) {
    double most = fmax(fabs(l.low), fabs(l.high));
    if (!(most > 0)) most = 1;
    return (na_limits){-most, most};
  }
  if (!(l.high > l.low)) l.high = l.low + fmax(fabs(l.low), 1) * 1e-3;
  return l;
}

static na_rgb color_of(const na_heatmap *map, na_limits l, double value)
{
  double share = (value - l.low) / (l.high - l.low);
  return map->differences ? na_ramp_around(2 * share - 1) : na_ramp(share);
}

/* Black or white, whichever is seen better (luminance of Rec. 709). */
static na_rgb ink_on(na_rgb c)
{
  double light = 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue;
  return light > 0.5 ? na_ink : (na_rgb){1, 1, 1};
}

static void write_value(char text[32], const na_heatmap *map, double value)
{
  int digits = map->digits < 0 ? 0 : map->digits < 9 ? map->digits : 9;
  if (fabs(value) >= 1e9)
    snprintf(text, 32, "%.3g", value);
  else if (map->differences)
    snprintf(text, 32, "%+.*f", digits, value);
  else
    snprintf(text, 32, "%.*f", digits, value);
}

static void draw_cell(cairo_t *cairo, const na_heatmap *map, na_limits l, na_box box, double value)
{
  char text[32];
  if (!isfinite(value)) return;
  na_rgb color = color_of(map, l, value);
  na_pen_color(cairo, color, 1);
  cairo_rectangle(cairo, box.x, box.y, box.width, box.height);
  cairo_fill(cairo);
  write_value(text, map, value);
  if (na_pen_width(cairo, text) > box.width - 4 || box.height < NA_TEXT_SIZE + 2) return;
  na_pen_color(cairo, ink_on(color), 1);
  na_pen_text(
      cairo,
      (na_spot){box.x + box.width / 2, box.y + box.height / 2 + NA_TEXT_SIZE / 3.0, 0.5, false},
      text);
}

void na_draw_cells(cairo_t *cairo, const na_frame *frame, const na_heatmap *map)
{
  na_limits l = limits_of(map);
  double width = frame->box.width / map->columns, height = frame->box.height / map->rows;
  for (int r = 0; r < map->rows; r++)
    for (int c = 0; c < map->columns; c++) {
      na_box box = {frame->box.x + c * width + 0.5,
                    frame->box.y + frame->box.height - (r + 1) * height + 0.5, width - 1,
                    height - 1};
      draw_cell(cairo, map, l, box, map->values[(long)r * map->columns + c]);
    }
}

void na_draw_ramp(cairo_t *cairo, const na_frame *frame, const na_heatmap *map)
{
  enum { BANDS = 64, WIDTH = 10, GAP = 12 };
  na_limits l = limits_of(map);
  na_axis axis = {.low = l.low, .high = l.high};
  na_scale scale;
  na_scale_make(&scale, &axis, l, 0, (int)(frame->box.height / 40));
  na_frame ramp = {{frame->box.x + frame->box.width + GAP, frame->box.y, WIDTH, frame->box.height},
                   &scale,
                   &scale};
  double step = ramp.box.height / BANDS;
  for (int i = 0; i < BANDS; i++) {
    na_pen_color(cairo, color_of(map, l, l.low + (i + 0.5) / BANDS * (l.high - l.low)), 1);
    /* Each reaches over the one before, so that no seam shows. */
    cairo_rectangle(cairo, ramp.box.x, ramp.box.y + (BANDS - 1 - i) * step, WIDTH,
                    step * (i == 0 ? 1 : 1.5));
    cairo_fill(cairo);
  }
  na_pen_color(cairo, na_ink, 1);
  for (int i = 0; i < scale.count; i++)
    na_pen_text(
        cairo,
        (na_spot){ramp.box.x + WIDTH + 4, na_frame_y(&ramp, scale.ticks[i].at) + 3, 0, false},
        scale.ticks[i].text);
  if (map->label != NULL)
    na_pen_text(cairo,
                (na_spot){frame->box.x + frame->box.width + NA_RAMP_ROOM - 4,
                          frame->box.y + frame->box.height / 2, 0.5, true},
                map->label);
}
