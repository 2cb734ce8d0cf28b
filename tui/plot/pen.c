/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/pen.h"
#include "tui/screen/grid.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------- colours */

#define RGB(hex)                                                                                   \
  {                                                                                                \
    ((hex) >> 16 & 255) / 255.0, ((hex) >> 8 & 255) / 255.0, ((hex)&255) / 255.0                   \
  }
const na_rgb na_ink = RGB(0x222222), na_grey = RGB(0x707070), na_pale = RGB(0xE4E4E4);

static const na_rgb palette[NA_PALETTE_SIZE] = {RGB(0x0072B2), RGB(0xD55E00), RGB(0x009E73),
                                                RGB(0xCC79A7), RGB(0xE69F00), RGB(0x56B4E9)};

/* Nine stops of matplotlib's viridis (Smith and van der Walt, CC0). */
static const na_rgb viridis[] = {RGB(0x440154), RGB(0x472D7B), RGB(0x3B528B),
                                 RGB(0x2C728E), RGB(0x21918C), RGB(0x28AE80),
                                 RGB(0x5EC962), RGB(0xADDC30), RGB(0xFDE725)};

static const na_rgb around[] = {RGB(0x0072B2), RGB(0x80B8D8), RGB(0xF7F7F7), RGB(0xF0B080),
                                RGB(0xD55E00)};

na_rgb na_palette(int color)
{
  return palette[(unsigned)color % NA_PALETTE_SIZE];
}

static na_rgb mix(const na_rgb *stops, int count, double share)
{
  double at = (share >= 0 ? share <= 1 ? share : 1 : 0) * (count - 1);
  int i = (int)at < count - 1 ? (int)at : count - 2;
  na_rgb a = stops[i], b = stops[i + 1];
  double t = at - i;
  return (na_rgb){a.red + t * (b.red - a.red), a.green + t * (b.green - a.green),
                  a.blue + t * (b.blue - a.blue)};
}

na_rgb na_ramp(double share)
{
  return mix(viridis, sizeof viridis / sizeof viridis[0], share);
}

na_rgb na_ramp_around(double share)
{
  return mix(around, sizeof around / sizeof around[0], (share + 1) / 2);
}

void na_pen_color(cairo_t *cairo, na_rgb color, double alpha)
{
  cairo_set_source_rgba(cairo, color.red, color.green, color.blue, alpha);
}

/* ------------------------------------------------------------------------- texts */

/* Cairo refuses what is no UTF-8, control characters have no shape, and XML none of the last two. */
static bool is_drawable(uint32_t rune)
{
  bool control = rune < ' ' || (rune >= 0x7F && rune < 0xA0);
  return !control && rune != 0xFFFD && rune != 0xFFFE && rune != 0xFFFF;
}

void na_pen_clean(char out[NA_CLEAN_SIZE], const char *text)
{
  static const char stand_in[] = "\xEF\xBF\xBD";
  size_t used = 0;
  for (const char *next = text; used < NA_CLEAN_SIZE - 5; text = next) {
    uint32_t rune = na_utf8_next(&next);
    if (rune == 0) break;
    size_t bytes = (size_t)(next - text);
    bool good = is_drawable(rune);
    memcpy(out + used, good ? text : stand_in, good ? bytes : 3);
    used += good ? bytes : 3;
  }
  out[used] = '\0';
}

void na_pen_size(cairo_t *cairo, double size, bool bold)
{
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
}

static double width_of(cairo_t *cairo, const char *cleaned)
{
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, cleaned, &extents);
  return extents.x_advance;
}

double na_pen_width(cairo_t *cairo, const char *text)
{
  char cleaned[NA_CLEAN_SIZE];
  na_pen_clean(cleaned, text);
  return width_of(cairo, cleaned);
}

void na_pen_text(cairo_t *cairo, na_spot spot, const char *text)
{
  char cleaned[NA_CLEAN_SIZE];
  na_pen_clean(cleaned, text);
  cairo_save(cairo);
  cairo_translate(cairo, spot.x, spot.y);
  if (spot.turned) cairo_rotate(cairo, -acos(0));
  cairo_move_to(cairo, -spot.across * width_of(cairo, cleaned), 0);
  cairo_show_text(cairo, cleaned);
  cairo_restore(cairo);
}

/* ------------------------------------------------------------------------- places */

void na_pen_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
  cairo_move_to(cairo, x0, y0);
  cairo_line_to(cairo, x1, y1);
  cairo_stroke(cairo);
}

double na_frame_x(const na_frame *frame, double value)
{
  return frame->box.x + na_scale_place(frame->x, value) * frame->box.width;
}

double na_frame_y(const na_frame *frame, double value)
{
  return frame->box.y + (1 - na_scale_place(frame->y, value)) * frame->box.height;
}
