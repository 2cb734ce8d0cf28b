/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AXIS_COLS = 7, LEAST_AXES_COLS = 24, LEAST_AXES_ROWS = 5, LEAST_STRIP_ROWS = 9, MARK_LEAST_COLS = 5 };

static const na_style styles[] = {[NA_CURVE_WIDE] = NA_STYLE_WIDE,
                                  [NA_CURVE_BASE] = NA_STYLE_BASE,
                                  [NA_CURVE_WIDE_VAL] = NA_STYLE_WIDE_VAL,
                                  [NA_CURVE_BASE_VAL] = NA_STYLE_BASE_VAL};

static const na_series *series_of(const na_chart *chart, const na_curves *curves, int c)
{
  return chart->accuracy ? &curves->top1[c] : &curves->loss[c];
}

static bool is_training(int c)
{
  return c == NA_CURVE_WIDE || c == NA_CURVE_BASE;
}

/* ------------------------------------------------------------------------- what is shown */

static double end_of(const na_series *s)
{
  return s->count > 0 ? s->x[s->count - 1] : 1;
}

/* The last step that has a point. */
static double newest(const na_chart *chart, const na_curves *curves)
{
  double last = end_of(&curves->loss[NA_CURVE_BASE]);
  for (size_t i = 0; i < chart->line_count; i++)
    if (end_of(chart->lines[i].series) > last) last = end_of(chart->lines[i].series);
  return last;
}

void na_chart_range(const na_chart *chart, const na_curves *curves, double *left, double *right)
{
  *left = chart->right > chart->left ? chart->left : 0;
  *right = chart->right > chart->left ? chart->right : newest(chart, curves);
  if (!(*right > *left)) *right = *left + 1;
}

void na_chart_zoom(na_chart *chart, const na_curves *curves, double factor)
{
  double left, right, last = newest(chart, curves);
  na_chart_range(chart, curves, &left, &right);
  double width = (right - left) * factor;
  if (width < 10) width = 10;
  if (width >= last) {
    chart->left = chart->right = 0;
    return;
  }
  chart->right = right > last ? last : right;
  chart->left = chart->right - width;
  if (chart->left < 0) {
    chart->left = 0;
    chart->right = width;
  }
}

void na_chart_zoom_at(na_chart *chart, const na_curves *curves, double factor, double at)
{
  double left, right, last = newest(chart, curves);
  na_chart_range(chart, curves, &left, &right);
  double share = (at - left) / (right - left), width = (right - left) * factor;
  if (!(width >= 10)) width = 10;
  if (width >= last) {
    chart->left = chart->right = 0;
    return;
  }
  left = at - share * width;
  if (left > last - width) left = last - width;
  if (left < 0) left = 0;
  chart->left = left;
  chart->right = left + width;
}

void na_chart_pan(na_chart *chart, const na_curves *curves, double share)
{
  if (!(chart->right > chart->left)) return; /* everything is shown */
  double width = chart->right - chart->left, last = newest(chart, curves);
  double left = chart->left + share * width;
  if (left > last - width) left = last - width;
  if (left < 0) left = 0;
  chart->left = left;
  chart->right = left + width;
}

/* Widens `all` to what a series has between the window's sides. */
static void widen(na_extent *all, const na_window *w, const na_series *s, bool smooth)
{
  size_t first = na_series_find(s, w->left), end = na_series_find(s, w->right + 1);
  na_extent e = na_series_extent(s, smooth, first, end);
  if (e.low < all->low) all->low = e.low;
  if (e.high > all->high) all->high = e.high;
}

/* The values between left and right, of what is drawn in full strength. */
static na_window find_window(const na_chart *chart, const na_curves *curves)
{
  na_window w = {.log = chart->log && !chart->accuracy};
  na_extent all = {INFINITY, -INFINITY};
  na_chart_range(chart, curves, &w.left, &w.right);
  for (int c = 0; c < NA_CURVE_COUNT; c++) widen(&all, &w, series_of(chart, curves, c), is_training(c));
  for (size_t i = 0; i < chart->line_count; i++)
    widen(&all, &w, chart->lines[i].series, chart->lines[i].smooth);
  if (!(all.low <= all.high)) all = (na_extent){0, chart->accuracy ? 100 : 1};
  if (w.log && !(all.low > 0)) w.log = false;
  double room = w.log ? 0 : 0.05 * (all.high - all.low);
  if (!(all.high - all.low > 1e-9 * fabs(all.high))) room = fabs(all.high) > 0 ? 0.1 * fabs(all.high) : 1;
  w.bottom = w.log ? all.low / 1.05 : all.low - room;
  w.top = w.log ? all.high * 1.05 : all.high + room;
  if (!w.log && w.bottom < 0 && all.low >= 0) w.bottom = 0;
  return w;
}

/* ------------------------------------------------------------------------- axes */

double na_chart_step(double least)
{
  double power = pow(10, floor(log10(least)));
  for (int i = 0; i < 3; i++) {
    static const double steps[] = {1, 2, 5};
    if (steps[i] * power >= least * (1 - 1e-9)) return steps[i] * power;
  }
  return 10 * power;
}

static void label(char text[16], double value, double step)
{
  int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
  snprintf(text, 16, "%.*f", digits > 5 ? 5 : digits, value);
}

static void tick(na_grid *grid, na_area plot, const na_canvas *canvas, const na_window *w,
                 double value, double step)
{
  char text[16];
  double y = na_canvas_y(canvas, w, value);
  int per_row = canvas->height / (plot.rows > 0 ? plot.rows : 1);
  int row = plot.row + (int)floor(y / (per_row > 0 ? per_row : 1));
  if (row < plot.row || row >= plot.row + plot.rows) return;
  label(text, value, step);
  int used = (int)strlen(text);
  if (used > AXIS_COLS - 1) return;
  na_grid_put(grid, row, plot.col - 1 - used, used, NA_STYLE_FAINT, text);
  na_grid_set(grid, row, plot.col - 1, NA_STYLE_FRAME, 0x2524);
}

void na_chart_y_axis(na_grid *grid, na_area plot, const na_canvas *canvas, const na_window *w)
{
  for (int r = 0; r < plot.rows; r++)
    na_grid_set(grid, plot.row + r, plot.col - 1, NA_STYLE_FRAME, 0x2502);
  if (w->log && w->top > 4 * w->bottom) { /* a narrower range is labelled evenly */
    for (double power = pow(10, floor(log10(w->bottom))); power <= w->top; power *= 10)
      for (int i = 0; i < 3; i++) {
        static const double steps[] = {1, 2, 5};
        tick(grid, plot, canvas, w, steps[i] * power, power < 1 ? power : 1);
      }
    return;
  }
  int wanted = plot.rows / 3 > 1 ? plot.rows / 3 : 1;
  double step = na_chart_step((w->top - w->bottom) / wanted);
  for (double v = ceil(w->bottom / step) * step; v <= w->top; v += step)
    tick(grid, plot, canvas, w, fabs(v) < step / 2 ? 0 : v, step);
}

static int column_of(const na_window *w, na_area plot, double step)
{
  return plot.col + (int)floor((step - w->left) / (w->right - w->left) * plot.cols);
}

/* Steps to an epoch; 0: not known, or not the same for all. */
static long batches_of(const na_chart *chart, const na_curves *curves)
{
  return curves->batches > 0 ? curves->batches : chart->line_batches;
}

/* Steps to the unit of the x axis. */
static double unit_of(const na_chart *chart, const na_curves *curves, double left, double right)
{
  long batches = batches_of(chart, curves);
  double epoch = batches > 0 ? (double)batches : 1;
  if (chart->axis == NA_AXIS_STEPS) return 1;
  return chart->axis == NA_AXIS_EPOCHS || right - left >= epoch ? epoch : 1;
}

/* Steps or epochs along the bottom. */
static void draw_x_axis(const na_chart *chart, na_grid *grid, na_area plot, const na_curves *curves,
                        const na_window *w)
{
  int row = plot.row + plot.rows;
  double unit = unit_of(chart, curves, w->left, w->right);
  const char *name = unit > 1 ? "epoch" : "step";
  double step = na_chart_step((w->right - w->left) / unit / (plot.cols / 10 > 0 ? plot.cols / 10 : 1));
  if (step < 1 && chart->axis != NA_AXIS_EPOCHS) step = 1;
  na_grid_put(grid, row, plot.col - AXIS_COLS, AXIS_COLS - 1, NA_STYLE_FAINT, name);
  int free_from = plot.col;
  for (double v = ceil(w->left / unit / step) * step; v * unit <= w->right; v += step) {
    char text[16];
    label(text, v, step);
    int col = column_of(w, plot, v * unit), length = (int)strlen(text);
    if (col + length > plot.col + plot.cols) col = plot.col + plot.cols - length;
    if (col < free_from) continue;
    na_grid_put(grid, row, col, length, NA_STYLE_FAINT, text);
    free_from = col + length + 1;
  }
}

/* ------------------------------------------------------------------------- curves */

/* Column of a mark, -1 where it is not shown. */
static int mark_column(na_area plot, const na_mark *mark, const na_window *w)
{
  if ((double)mark->step < w->left || (double)mark->step > w->right) return -1;
  int col = column_of(w, plot, (double)mark->step);
  return col < plot.col + plot.cols ? col : plot.col + plot.cols - 1;
}

static void draw_marks(na_grid *grid, na_area plot, const na_curves *curves, const na_window *w)
{
  for (size_t i = 0; i < curves->mark_count; i++) {
    int col = mark_column(plot, &curves->marks[i], w);
    for (int r = 0; r < plot.rows && col >= 0; r++)
      na_grid_set(grid, plot.row + r, col, NA_STYLE_MARK, 0x254E);
  }
}

/* What each mark says, up to the next one, over the curves. */
static void label_marks(na_grid *grid, na_area plot, const na_curves *curves, const na_window *w)
{
  for (size_t i = 0; i < curves->mark_count; i++) {
    int col = mark_column(plot, &curves->marks[i], w), room = plot.col + plot.cols - col - 1;
    if (col < 0) continue;
    if (i + 1 < curves->mark_count) {
      int next = column_of(w, plot, (double)curves->marks[i + 1].step) - col - 1;
      if (next < room) room = next;
    }
    if (room >= MARK_LEAST_COLS)
      na_grid_put(grid, plot.row + plot.rows - 1, col + 1, room, NA_STYLE_MARK, curves->marks[i].text);
  }
}

static void draw_cursor(const na_chart *chart, na_grid *grid, na_area plot, const na_window *w)
{
  if (!(chart->cursor >= w->left && chart->cursor <= w->right)) return;
  int col = column_of(w, plot, chart->cursor);
  if (col >= plot.col + plot.cols) col = plot.col + plot.cols - 1;
  for (int r = 0; r < plot.rows; r++)
    na_grid_set(grid, plot.row + r, col, NA_STYLE_STRONG, 0x2502);
}

na_pen na_chart_pen(int number)
{
  static const na_style colours[] = {NA_STYLE_OTHER_1, NA_STYLE_OTHER_2, NA_STYLE_OTHER_3,
                                     NA_STYLE_OTHER_4};
  static const int dashes[] = {0, 6, 2};
  enum { COLOURS = sizeof colours / sizeof colours[0], DASHES = sizeof dashes / sizeof dashes[0] };
  return (na_pen){colours[number % COLOURS], 5 + number % 5, dashes[number % DASHES]};
}

static void draw_lines(const na_chart *chart, na_canvas *canvas, const na_window *w)
{
  for (size_t i = 0; i < chart->line_count; i++)
    na_canvas_series(canvas, w, chart->lines[i].series, chart->lines[i].smooth,
                     na_chart_pen(chart->lines[i].number));
}

/* Each line's label at its end, or where it leaves the window; one over another moves to the left. */
static void label_lines(const na_chart *chart, na_grid *grid, na_area plot, const na_canvas *canvas,
                        const na_window *w)
{
  int per_row = canvas->height / (plot.rows > 0 ? plot.rows : 1);
  for (size_t i = 0; i < chart->line_count; i++) {
    const na_chart_line *line = &chart->lines[i];
    double end = fmin(end_of(line->series), w->right);
    double value = na_series_at(line->series, line->smooth, end);
    int length = na_utf8_columns(line->label), col = column_of(w, plot, end);
    int row = plot.row + (int)floor(na_canvas_y(canvas, w, value) / (per_row > 0 ? per_row : 1));
    if (line->series->count == 0 || isnan(value) || row < plot.row || row >= plot.row + plot.rows) continue;
    if (col + length > plot.col + plot.cols) col = plot.col + plot.cols - length;
    while (col > plot.col && na_grid_is_label(grid, row, col, length)) col--;
    if (col >= plot.col) na_grid_put(grid, row, col, length, NA_STYLE_LABEL, line->label);
  }
}

static void draw_curves(const na_chart *chart, const na_curves *curves, na_canvas *canvas,
                        const na_window *w)
{
  static const na_style raw[] = {[NA_CURVE_WIDE] = NA_STYLE_WIDE_RAW,
                                 [NA_CURVE_BASE] = NA_STYLE_BASE_RAW};
  for (int c = NA_CURVE_WIDE; c <= NA_CURVE_BASE; c++) {
    const na_series *s = series_of(chart, curves, c);
    if (s->decay > 0) na_canvas_series(canvas, w, s, false, (na_pen){raw[c], 1 + c, 0});
  }
  for (int c = 0; c < NA_CURVE_COUNT; c++)
    na_canvas_series(canvas, w, series_of(chart, curves, c), is_training(c),
                     (na_pen){styles[c], 10 + c, is_training(c) ? 0 : 2});
}

/* Where the cursor is. Returns the columns used. */
static int draw_position(const na_chart *chart, const na_curves *curves, na_grid *grid, na_area area)
{
  long batches = batches_of(chart, curves);
  double epoch = batches > 0 ? chart->cursor / (double)batches : 0;
  bool epochs = chart->axis == NA_AXIS_EPOCHS && batches > 0;
  return na_grid_print(grid, area.row, area.col, area.cols, NA_STYLE_STRONG,
                       epochs ? "epoch %.2f:  " : "step %.0f:  ", epochs ? epoch : chart->cursor);
}

/* "A tiny-r3 86.1%", as many as fit. */
static void draw_line_names(const na_chart *chart, na_grid *grid, na_area area)
{
  int col = area.col, end = area.col + area.cols;
  for (size_t i = 0; i < chart->line_count; i++) {
    const na_chart_line *line = &chart->lines[i];
    double value = isnan(chart->cursor) ? na_series_last(line->series, line->smooth)
                                        : na_series_at(line->series, line->smooth, chart->cursor);
    char text[96];
    if (isnan(value)) continue;
    snprintf(text, sizeof text, chart->accuracy ? " %.64s %.1f%%" : " %.64s %.3f", line->name, value);
    int label = na_utf8_columns(line->label), length = na_utf8_columns(text);
    if (col + label + length > end) return;
    col += na_grid_put(grid, area.row, col, label, NA_STYLE_LABEL, line->label);
    col += na_grid_put(grid, area.row, col, length, na_chart_pen(line->number).style, text) + 2;
  }
}

/* "augmented 88.4  base 86.9  base val 86.1": the newest values, or those at the cursor. */
static void draw_legend(const na_chart *chart, const na_curves *curves, na_grid *grid, na_area area)
{
  int col = area.col, end = area.col + area.cols;
  if (!isnan(chart->cursor)) col += draw_position(chart, curves, grid, area);
  for (int c = 0; c < NA_CURVE_COUNT; c++) {
    const na_series *s = series_of(chart, curves, c);
    double value = isnan(chart->cursor) ? na_series_last(s, is_training(c))
                                        : na_series_at(s, is_training(c), chart->cursor);
    if (isnan(value)) continue;
    char text[48];
    snprintf(text, sizeof text, chart->accuracy ? "%s %.1f%%" : "%s %.3f", na_curve_name((na_curve)c),
             value);
    int length = (int)strlen(text);
    if (col + length + 3 > end) break;
    na_grid_set(grid, area.row, col, styles[c], is_training(c) ? 0x2500 : 0x2504);
    na_grid_set(grid, area.row, col + 1, styles[c], is_training(c) ? 0x2500 : 0x2504);
    col += 3 + na_grid_put(grid, area.row, col + 3, length, styles[c], text) + 2;
  }
  draw_line_names(chart, grid, (na_area){area.row, col, 1, end - col});
}

/* Augmented minus base (training), column by column; the better one gives the style. */
static void draw_strip(const na_chart *chart, const na_curves *curves, na_grid *grid, na_area plot,
                       const na_window *w, int row)
{
  const na_series *base = series_of(chart, curves, NA_CURVE_BASE);
  const na_series *wide = series_of(chart, curves, NA_CURVE_WIDE);
  double most = 0, last = NAN;
  for (int pass = 0; pass < 2; pass++)
    for (int c = 0; c < plot.cols; c++) {
      double x = w->left + (w->right - w->left) * (c + 1) / plot.cols;
      if (wide->count == 0 || x < wide->x[0] || x > wide->x[wide->count - 1] + (w->right - w->left) / plot.cols)
        continue;
      double d = na_series_at(wide, true, x) - na_series_at(base, true, x);
      if (isnan(d)) continue;
      if (pass == 0) {
        if (fabs(d) > most) most = fabs(d);
        last = d;
        continue;
      }
      int eighths = most > 0 ? (int)lrint(8 * fabs(d) / most) : 0;
      bool better = chart->accuracy ? d > 0 : d < 0;
      if (eighths > 0)
        na_grid_set(grid, row, plot.col + c, better ? NA_STYLE_WIDE : NA_STYLE_BASE,
                    grid->utf8 ? 0x2580u + (uint32_t)eighths : eighths > 5 ? '#' : eighths > 2 ? '=' : '-');
    }
  if (isnan(last)) return;
  na_grid_print(grid, row, plot.col - AXIS_COLS, AXIS_COLS - 1, NA_STYLE_FAINT,
                chart->accuracy ? "%+.1f" : "%+.3f", last);
}

/* The part of area that the curves are drawn into. */
static na_area plot_of(na_area area, bool *axes, bool *strip)
{
  na_area plot = area;
  *axes = area.cols >= LEAST_AXES_COLS && area.rows >= LEAST_AXES_ROWS;
  *strip = *axes && area.rows >= LEAST_STRIP_ROWS;
  if (area.rows >= 2) { /* below the legend */
    plot.row++;
    plot.rows--;
  }
  if (*axes) {
    plot.col += AXIS_COLS;
    plot.cols -= AXIS_COLS;
    plot.rows -= 1 + *strip;
  }
  return plot;
}

double na_chart_step_at(const na_chart *chart, const na_curves *curves, na_area area, int col)
{
  bool axes, strip;
  double left, right;
  na_area plot = plot_of(area, &axes, &strip);
  if (col < plot.col || col >= plot.col + plot.cols) return NAN;
  na_chart_range(chart, curves, &left, &right);
  return left + (right - left) * (col - plot.col + 0.5) / plot.cols;
}

int na_chart_draw(const na_chart *chart, const na_curves *curves, na_grid *grid, na_area area,
                  na_error *err)
{
  bool axes, strip;
  if (area.rows < 1 || area.cols < 8) return NA_OK;
  na_area plot = plot_of(area, &axes, &strip);
  if (area.rows >= 2) draw_legend(chart, curves, grid, area);
  na_canvas canvas;
  na_window window = find_window(chart, curves);
  int code = na_canvas_new(&canvas, grid, plot, err);
  if (code != NA_OK) return code;
  if (axes) {
    na_chart_y_axis(grid, plot, &canvas, &window);
    draw_x_axis(chart, grid, plot, curves, &window);
  }
  draw_marks(grid, plot, curves, &window);
  draw_cursor(chart, grid, plot, &window);
  draw_lines(chart, &canvas, &window);
  draw_curves(chart, curves, &canvas, &window);
  na_canvas_show(&canvas, grid);
  label_marks(grid, plot, curves, &window);
  label_lines(chart, grid, plot, &canvas, &window);
  if (strip) draw_strip(chart, curves, grid, plot, &window, plot.row + plot.rows + 1);
  na_canvas_free(&canvas);
  return NA_OK;
}
