/* Figures: ticks, the same bytes from the same data, curves and cells where they belong, hostile
 * data. SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/image.h"
#include "tests/check.h"
#include "tests/store_scratch.h"
#include "tui/output.h"
#include "tui/plot/scale.h"

enum { PLAIN = 5, MANY = 300000 };

/* ------------------------------------------------------------------------- axes */

static na_scale scale_of(na_axis axis, double low, double high, int wanted)
{
  na_scale scale;
  na_limits limits = NA_NO_LIMITS;
  na_limits_take(&limits, &axis, low);
  na_limits_take(&limits, &axis, high);
  na_scale_make(&scale, &axis, limits, 0, wanted);
  return scale;
}

static void check_ticks(const char *what, na_scale scale, const char *wanted)
{
  na_buffer got = {0};
  for (int i = 0; i < scale.count; i++)
    na_buffer_add(&got, "%s%s", i > 0 ? " " : "", scale.ticks[i].text);
  CHECK(got.data != NULL && strcmp(got.data, wanted) == 0, "%s: got \"%s\", wanted \"%s\"", what,
        got.data != NULL ? got.data : "", wanted);
  na_free(got.data);
}

static void ticks_are_round_numbers(void)
{
  const na_axis even = {.label = NULL}, whole = {.whole = true}, log = {.log = true};
  check_ticks("unit", scale_of(even, 0, 1, PLAIN), "0.0 0.2 0.4 0.6 0.8 1.0");
  check_ticks("percent", scale_of(even, 81.3, 89.2, PLAIN), "82 84 86 88");
  check_ticks("below zero", scale_of(even, -1.5, 1.5, PLAIN), "-1 0 1");
  check_ticks("thousands", scale_of(even, 0, 41000, PLAIN), "0 10k 20k 30k 40k");
  check_ticks("millions", scale_of(even, 1.2e6, 2.9e6, PLAIN), "1.5M 2.0M 2.5M");
  check_ticks("epochs", scale_of(whole, 1, 3, 10), "1 2 3");
  check_ticks("decades", scale_of(log, 1e-4, 1, PLAIN), "0.0001 0.001 0.01 0.1 1");
  check_ticks("decade", scale_of(log, 0.01, 0.1, PLAIN), "0.01 0.02 0.05 0.1");
  check_ticks("narrow", scale_of(log, 1, 2, PLAIN), "1.0 1.2 1.4 1.6 1.8 2.0");
  static const char *const names[] = {"r=1", "r=2", "r=3"};
  check_ticks("names", scale_of((na_axis){.names = names, .name_count = 3}, 0, 9, PLAIN),
              "r=1 r=2 r=3");
}

static void axes_of_anything(void)
{
  static const double odd[] = {0,     1,      -1,     NAN,   INFINITY, -INFINITY,
                               1e300, -1e300, 5e-324, 1e308, 1e16,     1e16 + 2};
  enum { ODD = sizeof odd / sizeof odd[0] };
  for (int i = 0; i < ODD * ODD * 4; i++) {
    na_axis axis = {.log = i & 1, .whole = i & 2};
    double a = odd[i / 4 % ODD], b = odd[i / 4 / ODD];
    na_scale scale = scale_of(axis, a, b, 7);
    CHECK(isfinite(scale.low) && isfinite(scale.high) && scale.high > scale.low,
          "%g and %g: from %g to %g", a, b, scale.low, scale.high);
    CHECK(!axis.log || scale.low > 0, "%g and %g: a logarithmic axis from %g", a, b, scale.low);
    for (int t = 0; t < scale.count; t++) {
      double place = na_scale_place(&scale, scale.ticks[t].at);
      CHECK(place >= -1e-6 && place <= 1 + 1e-6, "%g and %g: tick %g lies at %g", a, b,
            scale.ticks[t].at, place);
    }
  }
}

static void one_value_has_room(void)
{
  na_scale scale = scale_of((na_axis){.log = false}, 5, 5, PLAIN);
  CHECK(scale.low < 5 && scale.high > 5, "from %g to %g", scale.low, scale.high);
  scale = scale_of((na_axis){.low = 2, .high = 4}, 0, 100, PLAIN);
  CHECK(scale.low == 2 && scale.high == 4, "what was asked for: from %g to %g", scale.low,
        scale.high);
}

/* ------------------------------------------------------------------------- figures */

/* Two panels with everything a figure can have. */
typedef struct sample {
  double x[8], y[8], low[8], high[8], raw[8], cells[6];
  na_trace traces[4];
  na_event_mark marks[2];
  na_heatmap map;
  na_plot plots[2];
  na_figure figure;
} sample;

static void fill(sample *s)
{
  static const char *const ratios[] = {"1", "1.8", "2.6"}, *const widths[] = {"s=1", "s=2"};
  *s = (sample){.cells = {0.5, 1.25, -0.75, 0, NAN, 1.5}};
  for (int i = 0; i < 8; i++) {
    s->x[i] = i + 1;
    s->y[i] = 90 - 30.0 / (i + 1);
    s->low[i] = s->y[i] - 2;
    s->high[i] = s->y[i] + 2;
    s->raw[i] = i == 4 ? NAN : s->y[i] + (i % 2 ? 1 : -1);
  }
  s->traces[0] = (na_trace){"augmented", 0, NA_TRACE_LINE, false, 8, s->x, s->y, s->low, s->high};
  s->traces[1] = (na_trace){NULL, 0, NA_TRACE_LINE, true, 8, s->x, s->raw, NULL, NULL};
  s->traces[2] = (na_trace){"base val", 1, NA_TRACE_DASHED, false, 8, s->x, s->low, NULL, NULL};
  s->traces[3] = (na_trace){"seeds", 2, NA_TRACE_POINTS, false, 8, s->x, s->high, s->y, s->high};
  s->marks[0] = (na_event_mark){3, "set train.lr = 0.02"};
  s->marks[1] = (na_event_mark){6, "min_w"};
  s->map = (na_heatmap){2, 3, s->cells, 2, true, "difference, points"};
  s->plots[0] = (na_plot){.title = "Curves",
                          .x = {.label = "epoch", .whole = true},
                          .y = {.label = "accuracy, %"},
                          .traces = s->traces,
                          .trace_count = 4,
                          .marks = s->marks,
                          .mark_count = 2};
  s->plots[1] = (na_plot){.title = "Ratios",
                          .x = {.label = "expand", .names = ratios, .name_count = 3},
                          .y = {.names = widths, .name_count = 2},
                          .heatmap = &s->map};
  s->figure = (na_figure){.title = "tiny-r3 <&\"> \xff",
                          .columns = 2,
                          .width = 720,
                          .plots = s->plots,
                          .plot_count = 2};
}

static void same_data_same_bytes(void)
{
  static const char *const starts[] = {"<?xml", "\x89PNG", "%PDF"};
  na_error err = {0};
  sample s;
  fill(&s);
  for (int format = 0; format < NA_FIGURE_FORMAT_COUNT; format++) {
    na_buffer a = {0}, b = {0};
    CHECK_OK(na_figure_render(&s.figure, (na_figure_format)format, &a, &err), err);
    CHECK_OK(na_figure_render(&s.figure, (na_figure_format)format, &b, &err), err);
    CHECK(a.length > 1000 && strncmp(a.data, starts[format], strlen(starts[format])) == 0,
          "format %d begins with %.4s", format, a.data != NULL ? a.data : "");
    CHECK(a.length == b.length && memcmp(a.data, b.data, a.length) == 0, "format %d differs",
          format);
    na_free(a.data);
    na_free(b.data);
  }
}

/* On one page no id is there twice, and every reference has its id. */
static void ids_are_the_figures_own(void)
{
  na_error err = {0};
  sample s;
  fill(&s);
  na_buffer page = {0};
  CHECK_OK(na_figure_svg(&s.figure, "one", &page, &err), err);
  CHECK(strncmp(page.data, "<svg role=\"img\" ", 16) == 0, "an element: %.20s", page.data);
  CHECK(strstr(page.data, "<title>tiny-r3 &lt;&amp;&quot;&gt; ") != NULL, "the title");
  CHECK(strstr(page.data, "\xff") == NULL, "bytes that are no UTF-8 are gone");
  size_t half = page.length;
  CHECK_OK(na_figure_svg(&s.figure, "two", &page, &err), err);
  int ids = 0, references = 0;
  for (const char *at = page.data; (at = strstr(at, " id=\"")) != NULL; at++, ids++) {
    const char *prefix = at < page.data + half ? "one-" : "two-";
    CHECK(strncmp(at + 5, prefix, 4) == 0, "the id %.20s", at + 5);
  }
  for (const char *at = page.data; (at = strstr(at, "href=\"#")) != NULL; at++, references++) {
    char id[64];
    snprintf(id, sizeof id, " id=\"%.*s\"", (int)strcspn(at + 7, "\""), at + 7);
    CHECK(strstr(page.data, id) != NULL, "nothing has the%s", id);
  }
  CHECK(ids > 20 && references > 50, "%d ids, %d references", ids, references);
  na_free(page.data);
}

static void no_memory_no_figure(void)
{
  sample s;
  fill(&s);
  int failed = 0;
  for (unsigned long at = 1; at < 40; at++) {
    na_error err = {0};
    na_buffer out = {0};
    na_alloc_fail_at(at);
    int code = na_figure_svg(&s.figure, "x", &out, &err);
    na_alloc_fail_at(0);
    CHECK(code == NA_OK || code == NA_ENOMEM, "allocation %lu: %d %s", at, code, err.message);
    failed += code != NA_OK;
    na_free(out.data);
  }
  CHECK(failed > 0, "no allocation was missed");
}

/* ------------------------------------------------------------------------- pixels */

/* The figure as pixels, two to the point; to be freed with the decoder. */
static na_image pixels_of(const na_figure *figure, na_decoder **decoder)
{
  na_error err = {0};
  na_image image = {.pixels = NULL}, info;
  const char *path = scratch_path("figure.png");
  CHECK_OK(na_decoder_new(decoder, &err), err);
  CHECK_OK(na_figure_write(figure, NA_FIGURE_PNG, path, &err), err);
  CHECK_OK(na_decoder_open(*decoder, path, &info, &err), err);
  CHECK_OK(na_decoder_read(*decoder, 1, NULL, &image, &err), err);
  return image;
}

typedef struct found {
  int left, right, top, bottom;
  long count;
} found;

/* Where a colour is, to within a few shades. */
static found find_color(const na_image *image, int red, int green, int blue)
{
  found f = {image->width, -1, image->height, -1, 0};
  for (int y = 0; image->pixels != NULL && y < image->height; y++)
    for (int x = 0; x < image->width; x++) {
      const uint8_t *p = image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
      if (abs(p[0] - red) + abs(p[1] - green) + abs(p[2] - blue) > 6) continue;
      if (x < f.left) f.left = x;
      if (x > f.right) f.right = x;
      if (y < f.top) f.top = y;
      if (y > f.bottom) f.bottom = y;
      f.count++;
    }
  return f;
}

/* A flat line at 1 with one peak of 2, of 300,000 points: the line is at the bottom and as wide as
 * the frame, the peak reaches the top. */
static void no_peak_is_lost(void)
{
  double *x = na_alloc_array(2 * (size_t)MANY, sizeof *x), *y = x + MANY;
  for (int i = 0; i < MANY; i++) {
    x[i] = i;
    y[i] = i == 123457 ? 2 : 1;
  }
  na_trace trace = {.count = MANY, .x = x, .y = y};
  na_plot plot = {.x = {.low = 0, .high = MANY - 1},
                  .y = {.low = 0, .high = 2},
                  .traces = &trace,
                  .trace_count = 1};
  na_figure figure = {.width = 300, .height = 200, .plots = &plot, .plot_count = 1};
  na_decoder *decoder;
  na_image image = pixels_of(&figure, &decoder);
  found line = find_color(&image, 0, 114, 178);
  CHECK(image.width == 600 && image.height == 400, "%d x %d", image.width, image.height);
  CHECK(line.left < 80 && line.right > 550, "from %d to %d", line.left, line.right);
  CHECK(line.top < 45 && line.bottom > 170 && line.bottom < 230, "from %d to %d", line.top,
        line.bottom);
  na_decoder_free(decoder);
  na_free(x);
}

static void gaps_stay_gaps(void)
{
  const double x[] = {0, 1, 2, 3, 4}, y[] = {1, 1, NAN, 1, 1};
  na_trace trace = {.color = 1, .count = 5, .x = x, .y = y};
  na_plot plot = {.traces = &trace, .trace_count = 1};
  na_figure figure = {.width = 300, .height = 200, .plots = &plot, .plot_count = 1};
  na_decoder *decoder;
  na_image image = pixels_of(&figure, &decoder);
  found line = find_color(&image, 213, 94, 0);
  int middle = (line.left + line.right) / 2;
  CHECK(line.count > 100, "%ld pixels", line.count);
  for (int row = line.top; row <= line.bottom && image.pixels != NULL; row++)
    CHECK(image.pixels[((size_t)row * 600 + (size_t)middle) * 3 + 2] > 200, "something at the gap");
  na_decoder_free(decoder);
}

/* The band is its colour at a fifth on white, and reaches from low to high. */
static void bands_reach_from_low_to_high(void)
{
  const double x[] = {0, 1}, y[] = {5, 5}, low[] = {2.5, 2.5}, high[] = {7.5, 7.5};
  na_trace trace = {.count = 2, .x = x, .y = y, .low = low, .high = high};
  na_plot plot = {.y = {.low = 0, .high = 10}, .traces = &trace, .trace_count = 1};
  na_figure figure = {.width = 300, .height = 200, .plots = &plot, .plot_count = 1};
  na_decoder *decoder;
  na_image image = pixels_of(&figure, &decoder);
  found band = find_color(&image, 204, 227, 240), line = find_color(&image, 0, 114, 178);
  CHECK(band.count > 10000, "%ld pixels", band.count);
  CHECK(abs((line.top + line.bottom) - (band.top + band.bottom)) <= 2, "around its line");
  CHECK(abs((band.bottom - band.top) - 164) < 12, "half the frame: %d", band.bottom - band.top);
  na_decoder_free(decoder);
}

static void cells_have_the_ends_colours(void)
{
  const double values[] = {-1, 0, 1, NAN};
  na_heatmap map = {2, 2, values, 1, true, NULL};
  na_plot plot = {.heatmap = &map};
  na_figure figure = {.width = 300, .height = 200, .plots = &plot, .plot_count = 1};
  na_decoder *decoder;
  na_image image = pixels_of(&figure, &decoder);
  found low = find_color(&image, 0, 114, 178), high = find_color(&image, 213, 94, 0);
  CHECK(low.count > 1000 && high.count > 1000, "%ld and %ld pixels", low.count, high.count);
  CHECK(low.top > high.top, "row 0 is at the bottom");
  na_decoder_free(decoder);
}

/* ------------------------------------------------------------------------- files */

static void files_are_whole_or_not_there(void)
{
  na_error err = {0};
  sample s;
  fill(&s);
  int before = scratch_count();
  CHECK_FAILS(na_figure_write(&s.figure, NA_FIGURE_SVG, scratch_path("none/a.svg"), &err), NA_EIO,
              "cannot write", err);
  CHECK_FAILS(na_figure_write(&s.figure, NA_FIGURE_SVG, "/dev/full", &err), NA_EIO, "No space left",
              err);
  s.figure.width = 1e9;
  CHECK_FAILS(na_figure_write(&s.figure, NA_FIGURE_PNG, scratch_path("b.png"), &err), NA_EINVAL,
              "cannot be drawn", err);
  CHECK(scratch_count() == before, "something was left behind");
}

static void nothing_to_show(void)
{
  na_error err = {0};
  na_plot plots[2] = {{.title = "", .y = {.label = "", .log = true}}, {.x = {.names = NULL}}};
  na_figure figures[] = {
      {.title = NULL},
      {.plots = plots, .plot_count = 2},
      {.width = 40, .height = 40, .plots = plots, .plot_count = 2, .columns = 9}};
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
    na_buffer out = {0};
    CHECK_OK(na_figure_render(&figures[i], NA_FIGURE_SVG, &out, &err), err);
    na_free(out.data);
  }
}

int main(int argc, char **argv)
{
  if (argc > 1) { /* to look at: test_plot FILE.svg|png|pdf */
    na_error err = {0};
    sample s;
    fill(&s);
    return -na_figure_write(&s.figure, na_figure_format_of(argv[1], &err), argv[1], &err);
  }
  if (!scratch_make()) return 1;
  RUN(ticks_are_round_numbers);
  RUN(axes_of_anything);
  RUN(one_value_has_room);
  RUN(same_data_same_bytes);
  RUN(ids_are_the_figures_own);
  RUN(no_memory_no_figure);
  RUN(no_peak_is_lost);
  RUN(gaps_stay_gaps);
  RUN(bands_reach_from_low_to_high);
  RUN(cells_have_the_ends_colours);
  RUN(files_are_whole_or_not_there);
  RUN(nothing_to_show);
  scratch_remove();
  return CHECK_EXIT();
}
