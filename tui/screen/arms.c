/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/arms.h"
#include "core/arms/band.h"
#include "core/base/memory.h"
#include "tui/report/report.h"
#include "tui/screen/canvas.h"
#include "tui/screen/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AXIS_COLS = 7, LEAST_COLS = 20, LEAST_ROWS = 3, TABLE_HEAD = 4 };

static na_style style_of(int arm)
{
  static const na_style styles[] = {NA_STYLE_BASE,    NA_STYLE_WIDE,    NA_STYLE_OTHER_1,
                                    NA_STYLE_OTHER_2, NA_STYLE_OTHER_3, NA_STYLE_OTHER_4};
  return styles[arm % (int)(sizeof styles / sizeof styles[0])];
}

/* --------------------------------------------------------------------------------- curves */

static void widen(na_window *w, double x, double y)
{
  if (!isfinite(y)) return;
  w->left = fmin(w->left, x);
  w->right = fmax(w->right, x);
  w->bottom = fmin(w->bottom, y);
  w->top = fmax(w->top, y);
}

/* All that any run has measured. */
static na_window find_window(const na_arms *arms)
{
  na_window w = {INFINITY, -INFINITY, INFINITY, -INFINITY, false};
  for (int r = 0; r < arms->run_count; r++)
    for (int i = 0; i < arms->runs[r].epochs; i++)
      widen(&w, arms->runs[r].epoch[i], arms->runs[r].curve[i]);
  if (!(w.left <= w.right)) return (na_window){0, 1, 0, 1, false};
  double room = w.top > w.bottom ? 0.05 * (w.top - w.bottom) : fmax(0.1 * fabs(w.top), 1e-6);
  w.bottom -= room;
  w.top += room;
  if (!(w.right > w.left)) w.right = w.left + 1;
  return w;
}

static int dot_x(const na_canvas *canvas, const na_window *w, double x)
{
  return (int)lrint((x - w->left) / (w->right - w->left) * (canvas->width - 1));
}

static int dot_y(const na_canvas *canvas, const na_window *w, double y)
{
  return (int)lrint(na_canvas_y(canvas, w, y));
}

static void draw_curve(na_canvas *canvas, const na_window *w, const na_band *band, na_pen pen)
{
  for (int i = 0; i < band->count; i++) {
    int from = i > 0 ? i - 1 : i;
    na_canvas_line(canvas, dot_x(canvas, w, band->x[from]), dot_y(canvas, w, band->mean[from]),
                   dot_x(canvas, w, band->x[i]), dot_y(canvas, w, band->mean[i]), pen);
  }
}

static double between(const double *values, int i, double share)
{
  return values[i] + share * (values[i + 1] - values[i]);
}

/* Every fourth dot, so that what lies behind can be seen. */
static void draw_band(na_canvas *canvas, const na_window *w, const na_band *band, na_pen pen)
{
  for (int i = 0; i + 1 < band->count; i++) {
    int left = dot_x(canvas, w, band->x[i]), right = dot_x(canvas, w, band->x[i + 1]);
    for (int x = left; x <= right; x += 2) {
      double share = right > left ? (double)(x - left) / (right - left) : 0;
      int top = dot_y(canvas, w, between(band->high, i, share));
      int bottom = dot_y(canvas, w, between(band->low, i, share));
      for (int y = top; y <= bottom; y++)
        if ((y + x / 2) % 2 == 0) na_canvas_dot(canvas, x, y, pen);
    }
  }
}

/* Over the bands, under the means. */
static int draw_runs(const na_arms *arms, na_canvas *canvas, const na_window *w, na_error *err)
{
  int code = NA_OK;
  for (int r = 0; r < arms->run_count && code == NA_OK; r++) {
    na_band band;
    na_member_state state = arms->runs[r].state;
    if (state != NA_MEMBER_FINISHED && state != NA_MEMBER_RUNNING) continue;
    code = na_band_run(&arms->runs[r], &band, err);
    if (code == NA_OK) draw_curve(canvas, w, &band, (na_pen){NA_STYLE_FAINT, 2, 0});
    na_band_free(&band);
  }
  return code;
}

/* The arm's number at the end of its curve. */
static void draw_number(int arm, const na_band *band, const na_canvas *canvas, const na_window *w,
                        na_grid *grid, na_area plot)
{
  if (band->count == 0) return;
  int per_row = canvas->height / plot.rows, per_col = canvas->width / plot.cols;
  int row = plot.row + dot_y(canvas, w, band->mean[band->count - 1]) / per_row;
  int col = plot.col + dot_x(canvas, w, band->x[band->count - 1]) / per_col;
  char text[16];
  int length = snprintf(text, sizeof text, "%d", arm + 1);
  int end = plot.col + plot.cols - length;
  na_grid_put(grid, row, col < end ? col : end, length, NA_STYLE_STRONG, text);
}

static int draw_arms(const na_arms *arms, na_canvas *canvas, const na_window *w, na_grid *grid,
                     na_area plot, bool numbers, na_error *err)
{
  int code = NA_OK;
  for (int a = 0; a < arms->arm_count && code == NA_OK; a++) {
    na_band band;
    code = na_band_arm(arms, a, &band, err);
    if (code == NA_OK && !numbers) {
      draw_band(canvas, w, &band, (na_pen){style_of(a), 1, 0});
      draw_curve(canvas, w, &band, (na_pen){style_of(a), 10 + a % 200, 0});
    }
    if (code == NA_OK && numbers) draw_number(a, &band, canvas, w, grid, plot);
    na_band_free(&band);
  }
  return code;
}

static void draw_x_axis(na_grid *grid, na_area plot, const na_window *w)
{
  int row = plot.row + plot.rows, room = plot.cols / 10;
  double step = fmax(na_chart_step((w->right - w->left) / (room > 0 ? room : 1)), 1);
  na_grid_put(grid, row, plot.col - AXIS_COLS, AXIS_COLS - 1, NA_STYLE_FAINT, "epoch");
  for (double v = ceil(w->left / step) * step; v <= w->right; v += step) {
    char text[16];
    int length = snprintf(text, sizeof text, "%.0f", v);
    int col = plot.col + (int)((v - w->left) / (w->right - w->left) * (plot.cols - 1));
    if (col + length > plot.col + plot.cols) col = plot.col + plot.cols - length;
    na_grid_put(grid, row, col, length, NA_STYLE_FAINT, text);
  }
}

int na_arms_draw_curves(const na_arms *arms, na_grid *grid, na_area area, na_error *err)
{
  na_canvas canvas;
  na_window w = find_window(arms);
  na_area plot = {area.row, area.col + AXIS_COLS, area.rows - 1, area.cols - AXIS_COLS};
  if (area.cols < LEAST_COLS || area.rows < LEAST_ROWS) return NA_OK;
  int code = na_canvas_new(&canvas, grid, plot, err);
  if (code != NA_OK) return code;
  na_chart_y_axis(grid, plot, &canvas, &w);
  draw_x_axis(grid, plot, &w);
  code = draw_runs(arms, &canvas, &w, err);
  if (code == NA_OK) code = draw_arms(arms, &canvas, &w, grid, plot, false, err);
  na_canvas_show(&canvas, grid);
  if (code == NA_OK) code = draw_arms(arms, &canvas, &w, grid, plot, true, err);
  na_canvas_free(&canvas);
  return code;
}

/* -------------------------------------------------------------------------------- heatmap */

/* The last part of a setting's name. */
static const char *short_setting(const char *name)
{
  const char *dot = strrchr(name, '.');
  return dot != NULL ? dot + 1 : name;
}

/* "1, 2, 3" as "1,2,3"; nothing as "none". */
static void short_value(const char *value, char out[24])
{
  int used = 0;
  for (; *value != '\0' && used < 22; value++)
    if (*value != ' ') out[used++] = *value;
  out[used] = '\0';
  if (used == 0) snprintf(out, 24, "none");
}

typedef struct shades {
  double low, high, best;
  int most; /* runs of any cell */
} shades;

static shades find_shades(const na_arms *arms, const na_lattice *l)
{
  shades s = {INFINITY, -INFINITY, NAN, 0};
  for (int c = 0; c < l->rows * l->columns; c++) {
    if (l->counts[c] > s.most) s.most = l->counts[c];
    if (isnan(l->means[c])) continue;
    s.low = fmin(s.low, l->means[c]);
    s.high = fmax(s.high, l->means[c]);
  }
  s.best = arms->measure.lower ? s.low : s.high;
  return s;
}

static uint32_t shade(const na_grid *grid, const shades *s, double value)
{
  static const uint32_t blocks[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
  double share = s->high > s->low ? (value - s->low) / (s->high - s->low) : 1;
  int level = (int)lrint(4 * share);
  return grid->utf8 ? blocks[level] : (uint32_t)(unsigned char)" .:#@"[level];
}

/* "▒▒ 88.41", faint where runs are still missing; dots for those awaited, a dash where there are
 * none. */
static void draw_cell(const na_arms *arms, const na_lattice *l, int c, const shades *s,
                      na_grid *grid, int row, int col)
{
  bool best = !(l->means[c] < s->best) && !(l->means[c] > s->best);
  if (isnan(l->means[c])) {
    na_grid_put(grid, row, col + 3, 6, NA_STYLE_FAINT, l->awaited[c] > 0 ? "..." : "-");
    return;
  }
  for (int i = 0; i < 2; i++)
    na_grid_set(grid, row, col + i, NA_STYLE_BAR, shade(grid, s, l->means[c]));
  na_grid_print(grid, row, col + 3, 8, l->counts[c] < s->most ? NA_STYLE_FAINT : NA_STYLE_PLAIN,
                "%.*f%s", arms->question.digits, l->means[c], best ? "*" : "");
}

static int label_columns(const na_lattice *l)
{
  int widest = (int)strlen(short_setting(l->row_setting));
  for (int i = 0; i < l->rows; i++) {
    char text[24];
    short_value(l->row_values[i], text);
    if ((int)strlen(text) > widest) widest = (int)strlen(text);
  }
  return widest + 2;
}

void na_arms_draw_lattice(const na_arms *arms, const na_lattice *l, na_grid *grid, na_area area)
{
  enum { CELL = 12 };
  char text[24];
  int left = area.col + label_columns(l), end = area.row + area.rows;
  shades s = find_shades(arms, l);
  na_grid_print(grid, area.row, left, area.cols - label_columns(l), NA_STYLE_STRONG, "%s",
                short_setting(l->column_setting));
  na_grid_put(grid, area.row + 1, area.col, label_columns(l) - 1, NA_STYLE_STRONG,
              short_setting(l->row_setting));
  for (int j = 0; j < l->columns && left + (j + 1) * CELL <= area.col + area.cols; j++) {
    short_value(l->column_values[j], text);
    na_grid_put(grid, area.row + 1, left + j * CELL, CELL - 1, NA_STYLE_TITLE, text);
  }
  for (int i = 0; i < l->rows && area.row + 2 + i < end; i++) {
    int row = area.row + 2 + l->rows - 1 - i; /* the least at the bottom, as on paper */
    if (row >= end) continue;
    short_value(l->row_values[i], text);
    na_grid_put(grid, row, area.col, label_columns(l) - 1, NA_STYLE_TITLE, text);
    for (int j = 0; j < l->columns && left + (j + 1) * CELL <= area.col + area.cols; j++)
      draw_cell(arms, l, i * l->columns + j, &s, grid, row, left + j * CELL);
  }
}

/* ----------------------------------------------------------------------------------- text */

/* Columns of the first part of a line that fits: up to a blank, if there is one. */
static size_t fitting(const char *line, int cols)
{
  const char *at = line, *blank = NULL;
  for (int used = 0; *at != '\0';) {
    const char *next = at;
    used += na_rune_columns(na_utf8_next(&next));
    if (used > cols) return (size_t)((blank != NULL ? blank : at > line ? at : next) - line);
    if (*at == ' ') blank = next;
    at = next;
  }
  return (size_t)(at - line);
}

static void put_part(na_grid *grid, na_area area, int row, na_style style, const char *line,
                     size_t length)
{
  char part[512];
  if (row < 0 || row >= area.rows) return;
  snprintf(part, sizeof part, "%.*s", length < sizeof part ? (int)length : (int)sizeof part - 1,
           line);
  na_grid_put(grid, area.row + row, area.col, area.cols, style, part);
}

/* Returns the lines that `line` takes. Rows of the table are cut, sentences broken. */
static int draw_line(const na_arms *arms, int number, const char *line, int row, na_grid *grid,
                     na_area area)
{
  int arm = number - TABLE_HEAD, lines = 0;
  bool table = arm >= 0 && arm < arms->arm_count;
  if (number <= TABLE_HEAD - 1 || table) {
    put_part(grid, area, row, table ? style_of(arm) : NA_STYLE_PLAIN, line, strlen(line));
    return 1;
  }
  do {
    size_t length = fitting(line, area.cols);
    put_part(grid, area, row + lines++, NA_STYLE_PLAIN, line, length);
    line += length;
  } while (*line != '\0');
  return lines;
}

int na_arms_draw_text(const na_arms *arms, int first, na_grid *grid, na_area area, na_error *err)
{
  na_buffer text = {0};
  int lines = 0, code = na_report_text(arms, &text, err);
  char *line = text.data;
  for (int number = 0; code == NA_OK && line != NULL && *line != '\0'; number++) {
    char *end = strchr(line, '\n');
    if (end != NULL) *end = '\0';
    lines += draw_line(arms, number, line, lines - first, grid, area);
    line = end != NULL ? end + 1 : NULL;
  }
  na_free(text.data);
  return code == NA_OK ? lines : code;
}
