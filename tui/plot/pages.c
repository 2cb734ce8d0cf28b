/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/pages.h"
#include "tui/plot/layout.h"

#include <string.h>

enum { MARGIN = 40, LINE = 10, LETTERS = 122 };
static const double letter_size = 7;

/* Where the next thing goes. */
typedef struct place {
  cairo_t *cairo;
  double y;
} place;

static void need(place *p, double height)
{
  if (p->y + height <= NA_PAGE_HEIGHT - MARGIN || p->y <= MARGIN) return;
  cairo_show_page(p->cairo);
  p->y = MARGIN;
}

/* Bytes of the first part of a line that fits: up to a blank, if there is one. */
static size_t fitting(const char *line, size_t length)
{
  size_t bytes = 0, blank = 0;
  int letters = 0;
  for (; bytes < length; bytes++) {
    bool begins = ((unsigned char)line[bytes] & 0xC0) != 0x80;
    if (begins && letters == LETTERS) return blank > 0 ? blank : bytes;
    letters += begins;
    if (line[bytes] == ' ') blank = bytes + 1;
  }
  return length;
}

static void draw_line(place *p, const char *line, size_t length)
{
  char part[NA_CLEAN_SIZE];
  do {
    size_t bytes = fitting(line, length), kept = bytes < sizeof part ? bytes : sizeof part - 1;
    memcpy(part, line, kept);
    part[kept] = '\0';
    need(p, LINE);
    p->y += LINE;
    na_pen_text(p->cairo, (na_spot){MARGIN, p->y, 0, false}, part);
    line += bytes;
    length -= bytes;
  } while (length > 0);
}

static void draw_text(place *p, const char *text)
{
  cairo_select_font_face(p->cairo, "DejaVu Sans Mono", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(p->cairo, letter_size);
  na_pen_color(p->cairo, na_ink, 1);
  while (*text != '\0') {
    size_t length = strcspn(text, "\n");
    draw_line(p, text, length);
    text += length + (text[length] == '\n');
  }
}

/* A figure paints its own ground: not beyond itself. */
static void draw_figure(place *p, const na_figure *figure)
{
  na_box size = na_layout_size(figure);
  need(p, size.height + LINE);
  cairo_save(p->cairo);
  cairo_translate(p->cairo, (NA_PAGE_WIDTH - size.width) / 2, p->y + LINE);
  cairo_rectangle(p->cairo, 0, 0, size.width, size.height);
  cairo_clip(p->cairo);
  na_layout_draw(p->cairo, figure);
  cairo_restore(p->cairo);
  p->y += size.height + LINE;
}

void na_pages_draw(cairo_t *cairo, const na_pages *pages)
{
  place p = {cairo, MARGIN};
  draw_text(&p, pages->text);
  for (int i = 0; i < pages->figure_count; i++) draw_figure(&p, pages->figures[i]);
  draw_text(&p, pages->after);
  cairo_show_page(cairo);
}
