/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/canvas.h"
#include "core/base/memory.h"

#include <math.h>
#include <stdlib.h>

int na_canvas_new(na_canvas *canvas, const na_grid *grid, na_area area, na_error *err)
{
  size_t cells = (size_t)(area.rows > 0 ? area.rows : 0) * (size_t)(area.cols > 0 ? area.cols : 0);
  *canvas = (na_canvas){.area = area, .utf8 = grid->utf8};
  canvas->width = area.cols * (grid->utf8 ? 2 : 1);
  canvas->height = area.rows * (grid->utf8 ? 4 : 3);
  canvas->bits = na_alloc_array(3, cells + 1);
  if (canvas->bits == NULL) return na_fail_memory(err, 3 * cells, "the plot");
  canvas->styles = canvas->bits + cells;
  canvas->ranks = canvas->styles + cells;
  return NA_OK;
}

void na_canvas_free(na_canvas *canvas)
{
  na_free(canvas->bits);
  *canvas = (na_canvas){.bits = NULL};
}

/* Braille's dots are numbered down the left column, then down the right one; the lowest row was
 * added later. */
static uint8_t bit_of(bool utf8, int x, int y)
{
  static const uint8_t braille[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
  return utf8 ? braille[y % 4][x % 2] : (uint8_t)(1 << y % 3);
}

void na_canvas_dot(na_canvas *canvas, int x, int y, na_pen pen)
{
  if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height) return;
  if (pen.dash > 0 && x % (pen.dash + (pen.dash + 1) / 2) >= pen.dash) return;
  int cell = y / (canvas->utf8 ? 4 : 3) * canvas->area.cols + x / (canvas->utf8 ? 2 : 1);
  if (canvas->bits[cell] != 0 && canvas->ranks[cell] > pen.rank) return;
  if (canvas->ranks[cell] < pen.rank) canvas->bits[cell] = 0;
  canvas->bits[cell] |= bit_of(canvas->utf8, x, y);
  canvas->styles[cell] = (uint8_t)pen.style;
  canvas->ranks[cell] = (uint8_t)pen.rank;
}

void na_canvas_line(na_canvas *canvas, int x0, int y0, int x1, int y1, na_pen pen)
{
  int dx = abs(x1 - x0), dy = -abs(y1 - y0), sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
  int error = dx + dy;
  for (;;) {
    na_canvas_dot(canvas, x0, y0, pen);
    if (x0 == x1 && y0 == y1) break;
    int twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x0 += sx;
    }
    if (twice <= dx) {
      error += dx;
      y0 += sy;
    }
  }
}

/* ------------------------------------------------------------------------- the plane */

double na_canvas_y(const na_canvas *canvas, const na_window *window, double value)
{
  double bottom = window->bottom, top = window->top;
  if (window->log) {
    value = log(value);
    bottom = log(bottom);
    top = log(top);
  }
  return (top - value) / (top - bottom) * (canvas->height - 1);
}

/* Far outside is as good as infinitely far, and does not overflow. */
static int dot_row(const na_canvas *canvas, const na_window *window, double value)
{
  double y = na_canvas_y(canvas, window, value);
  double most = 2.0 * canvas->height;
  return (int)lrint(y < -most ? -most : y > most ? most : y);
}

static bool shown(const na_window *window, double value)
{
  return isfinite(value) && (!window->log || value > 0);
}

static double column_x(const na_canvas *canvas, const na_window *window, int column)
{
  return window->left + (window->right - window->left) * column / canvas->width;
}

static int dot_column(const na_canvas *canvas, const na_window *window, double x)
{
  double column = (x - window->left) / (window->right - window->left) * canvas->width;
  double most = 4.0 * canvas->width;
  return (int)floor(column < -most ? -most : column > most ? most : column);
}

/* Few points: each is joined with the one before. */
static void draw_points(na_canvas *canvas, const na_window *window, const na_series *series,
                        bool smooth, size_t first, size_t end, na_pen pen)
{
  int x0 = 0, y0 = 0;
  bool joined = false;
  for (size_t i = first; i < end; i++) {
    double value = na_series_value(series, smooth, i);
    if (!shown(window, value)) continue; /* a gap is bridged: validation is rare */
    int x = dot_column(canvas, window, series->x[i]), y = dot_row(canvas, window, value);
    if (joined)
      na_canvas_line(canvas, x0, y0, x, y, pen);
    else
      na_canvas_dot(canvas, x, y, pen);
    joined = true;
    x0 = x;
    y0 = y;
  }
}

/* Many points: a column of dots spans what its points span, and reaches to its neighbour's. */
static void draw_columns(na_canvas *canvas, const na_window *window, const na_series *series,
                         bool smooth, na_pen pen)
{
  size_t first = na_series_find(series, column_x(canvas, window, 0)), wide = 0;
  int low = 0, high = 0, last = -2;
  for (int column = 0; column < canvas->width; column++) {
    size_t end = na_series_find_near(series, column_x(canvas, window, column + 1), first + wide);
    na_extent extent = na_series_extent(series, smooth, first, end);
    wide = end - first;
    first = end;
    if (window->log && extent.low <= 0) extent.low = window->bottom;
    if (!(extent.low <= extent.high) || !shown(window, extent.high)) continue;
    int top = dot_row(canvas, window, extent.high), bottom = dot_row(canvas, window, extent.low);
    int from = top, to = bottom;
    if (last == column - 1 && low < from) from = low + 1; /* the neighbour ends above */
    if (last == column - 1 && high > to) to = high - 1;
    na_canvas_line(canvas, column, from, column, to, pen);
    low = bottom;
    high = top;
    last = column;
  }
}

void na_canvas_series(na_canvas *canvas, const na_window *window, const na_series *series,
                      bool smooth, na_pen pen)
{
  size_t first = na_series_find(series, window->left), end = na_series_find(series, window->right);
  if (first > 0) first--; /* the lines that come in and go out */
  if (end < series->count) end++;
  if (end - first > 2 * (size_t)canvas->width)
    draw_columns(canvas, window, series, smooth, pen);
  else
    draw_points(canvas, window, series, smooth, first, end, pen);
}

void na_canvas_show(const na_canvas *canvas, na_grid *grid)
{
  static const char ascii[] = " '-!.:i|";
  for (int r = 0; r < canvas->area.rows; r++)
    for (int c = 0; c < canvas->area.cols; c++) {
      int cell = r * canvas->area.cols + c;
      uint8_t bits = canvas->bits[cell];
      if (bits == 0) continue;
      uint32_t rune = canvas->utf8 ? 0x2800u + bits : (unsigned char)ascii[bits & 7];
      na_grid_set(grid, canvas->area.row + r, canvas->area.col + c,
                  (na_style)canvas->styles[cell], rune);
    }
}
