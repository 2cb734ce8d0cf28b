/* Figures as files: the only surfaces.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/figure.h"
#include "core/base/memory.h"
#include "tui/output.h"
#include "tui/plot/layout.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <string.h>
#include <strings.h>

enum { PIXELS_PER_POINT = 2, SMALLEST = 40, LARGEST = 4000 };

/* ------------------------------------------------------------------------- surfaces */

static cairo_status_t collect(void *context, const unsigned char *bytes, unsigned count)
{
  na_buffer *out = context;
  na_buffer_bytes(out, bytes, count);
  return out->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static int refuse(cairo_status_t status, na_error *err)
{
  return na_fail(err, status == CAIRO_STATUS_NO_MEMORY ? NA_ENOMEM : NA_EIO,
                 "cannot draw the figure: %s", cairo_status_to_string(status));
}

static cairo_surface_t *surface_new(na_figure_format format, na_box size, na_buffer *out)
{
  cairo_surface_t *surface;
  switch (format) {
  case NA_FIGURE_PNG:
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(size.width * PIXELS_PER_POINT),
                                      (int)(size.height * PIXELS_PER_POINT));
  case NA_FIGURE_PDF:
    surface = cairo_pdf_surface_create_for_stream(collect, out, size.width, size.height);
    /* The time of drawing would be the only difference between two files. */
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
    return surface;
  default:
    return cairo_svg_surface_create_for_stream(collect, out, size.width, size.height);
  }
}

/* Outlines as they are, not fitted to pixels: the same layout in every format. */
static void set_up(cairo_t *cairo, na_figure_format format)
{
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cairo, options);
  cairo_font_options_destroy(options);
  if (format == NA_FIGURE_PNG) cairo_scale(cairo, PIXELS_PER_POINT, PIXELS_PER_POINT);
}

/* Takes surface and cairo back; a PNG is written only now. */
static int finish(cairo_surface_t *surface, cairo_t *cairo, na_figure_format format, na_buffer *out,
                  na_error *err)
{
  cairo_status_t status = cairo_status(cairo);
  cairo_destroy(cairo);
  if (status == CAIRO_STATUS_SUCCESS && format == NA_FIGURE_PNG)
    status = cairo_surface_write_to_png_stream(surface, collect, out);
  cairo_surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  return status == CAIRO_STATUS_SUCCESS ? NA_OK : refuse(status, err);
}

static int draw(const na_figure *figure, na_figure_format format, na_buffer *out, na_error *err)
{
  na_box size = na_layout_size(figure);
  if (!(size.width >= SMALLEST && size.width <= LARGEST && size.height >= SMALLEST &&
        size.height <= LARGEST))
    return na_fail(err, NA_EINVAL, "a figure of %g x %g points cannot be drawn (%d to %d)",
                   size.width, size.height, SMALLEST, LARGEST);
  cairo_surface_t *surface = surface_new(format, size, out);
  cairo_t *cairo = cairo_create(surface);
  set_up(cairo, format);
  na_layout_draw(cairo, figure);
  return finish(surface, cairo, format, out, err);
}

int na_pages_pdf(const na_pages *pages, na_buffer *out, na_error *err)
{
  const na_box page = {.width = NA_PAGE_WIDTH, .height = NA_PAGE_HEIGHT};
  cairo_surface_t *surface = surface_new(NA_FIGURE_PDF, page, out);
  cairo_t *cairo = cairo_create(surface);
  set_up(cairo, NA_FIGURE_PDF);
  na_pages_draw(cairo, pages);
  return finish(surface, cairo, NA_FIGURE_PDF, out, err);
}

/* ------------------------------------------------------------------------- SVG */

static void add_escaped(na_buffer *out, const char *text)
{
  static const char special[] = "&<>\"";
  static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
  for (; *text != '\0'; text++) {
    const char *found = strchr(special, *text);
    if (found != NULL)
      na_buffer_add(out, "%s", escapes[found - special]);
    else
      na_buffer_add(out, "%c", *text);
  }
}

/* An id's own part: Cairo numbers its surfaces through the whole process. */
static const char *add_id(na_buffer *out, const char *name, const char *id)
{
  static const char surface[] = "surface";
  na_buffer_add(out, "%s-", name);
  if (strncmp(id, surface, sizeof surface - 1) != 0) return id;
  na_buffer_add(out, "%s", surface);
  id += sizeof surface - 1;
  return id + strspn(id, "0123456789");
}

/* Copies an <svg> element with every id, and whatever refers to one, named after the figure: ids
 * hold for a whole page, and Cairo gives the same ones in every figure. */
static void rename_ids(const char *svg, const char *name, na_buffer *out)
{
  static const char *const before[] = {" id=\"", "href=\"#", "url(#"};
  while (*svg != '\0') {
    const char *next = NULL;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
      const char *found = strstr(svg, before[i]);
      if (found != NULL && (next == NULL || found + strlen(before[i]) < next))
        next = found + strlen(before[i]);
    }
    if (next == NULL) break;
    na_buffer_bytes(out, svg, (size_t)(next - svg));
    svg = add_id(out, name, next);
  }
  na_buffer_add(out, "%s", svg);
}

static int finish_svg(const na_figure *figure, const char *name, const char *drawn, na_buffer *out,
                      na_error *err)
{
  const char *start = drawn != NULL ? strstr(drawn, "<svg ") : NULL;
  const char *inside = start != NULL ? strchr(start, '>') : NULL;
  if (inside == NULL) return na_fail(err, NA_EIO, "cannot draw the figure: Cairo gave no SVG");
  na_buffer_add(out, "<svg role=\"img\"");
  na_buffer_bytes(out, start + 4, (size_t)(inside + 1 - start - 4));
  if (figure->title != NULL) {
    na_buffer_add(out, "\n<title>");
    char title[NA_CLEAN_SIZE];
    na_pen_clean(title, figure->title);
    add_escaped(out, title);
    na_buffer_add(out, "</title>");
  }
  rename_ids(inside + 1, name, out);
  return out->failed ? na_fail_memory(err, out->length, "a figure") : NA_OK;
}

int na_figure_svg(const na_figure *figure, const char *name, na_buffer *out, na_error *err)
{
  na_buffer drawn = {0};
  int code = draw(figure, NA_FIGURE_SVG, &drawn, err);
  if (code == NA_OK) code = finish_svg(figure, name, drawn.data, out, err);
  na_free(drawn.data);
  return code;
}

/* ------------------------------------------------------------------------- files */

#define NAME(symbol, name) name,

int na_figure_format_of(const char *path, na_error *err)
{
  static const char *const names[] = {NA_FIGURE_FORMATS(NAME)};
  const char *dot = strrchr(path, '.');
  for (int i = 0; dot != NULL && i < NA_FIGURE_FORMAT_COUNT; i++)
    if (strcasecmp(dot + 1, names[i]) == 0) return i;
  na_fail(err, NA_EINVAL, "%.300s does not end in the name of a figure's format", path);
  return na_hint(err, "end it in .svg, .png or .pdf");
}

int na_figure_render(const na_figure *figure, na_figure_format format, na_buffer *out,
                     na_error *err)
{
  if (format != NA_FIGURE_SVG) return draw(figure, format, out, err);
  na_buffer_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  return na_figure_svg(figure, "figure", out, err);
}

int na_figure_write(const na_figure *figure, na_figure_format format, const char *path,
                    na_error *err)
{
  na_buffer bytes = {0};
  na_output output;
  int code = na_figure_render(figure, format, &bytes, err);
  if (code == NA_OK) code = na_output_begin(&output, path, err);
  if (code == NA_OK) {
    fwrite(bytes.data, 1, bytes.length, output.file);
    code = na_output_end(&output, NA_OK, err);
  }
  na_free(bytes.data);
  return code;
}
