/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "tui/screen/sizes.h"

#include <math.h>
#include <stdio.h>

enum { SIDE_COLS = 40, SIDE_FROM_COLS = 110, LOG_FROM_ROWS = 14, LOG_MOST_ROWS = 8 };

static const double SMOOTHINGS[] = {0, 0.6, 0.9, 0.97, 0.99, 0.997};
enum { SMOOTHING_COUNT = sizeof SMOOTHINGS / sizeof SMOOTHINGS[0] };

/* ------------------------------------------------------------------------- keys */

static void change_smoothing(na_live *live, int by)
{
  int at = 0;
  while (at + 1 < SMOOTHING_COUNT && SMOOTHINGS[at] < live->smoothing) at++;
  at += by;
  if (at < 0 || at >= SMOOTHING_COUNT) return;
  live->smoothing = SMOOTHINGS[at];
  na_curves_smooth(&live->curves, live->smoothing);
  if (live->opened != NULL) na_curves_smooth(&live->opened->curves, live->smoothing);
  na_overlay_smooth(&live->overlay, live->smoothing);
  na_live_say(live, "smoothing %.3g", live->smoothing);
}

static void move_cursor(na_live *live, int by)
{
  double left, right;
  na_chart_range(&live->chart, na_live_curves(live), &left, &right);
  double step = (right - left) / 50, at = live->chart.cursor;
  at = isnan(at) ? right : at + by * (step > 1 ? step : 1);
  live->chart.cursor = at < left ? left : at > right ? right : at;
}

static void quantity(na_live *live) { live->chart.accuracy = !live->chart.accuracy; }

static void logarithm(na_live *live)
{
  live->chart.log = !live->chart.log;
  live->chart.accuracy = false;
}

static void axis(na_live *live)
{
  static const char *const names[] = {"epochs, or steps where less than one is shown", "steps", "epochs"};
  live->chart.axis = (live->chart.axis + 1) % NA_AXIS_COUNT;
  na_live_say(live, "x axis: %s", names[live->chart.axis]);
}

static void smoother(na_live *live) { change_smoothing(live, 1); }
static void rougher(na_live *live) { change_smoothing(live, -1); }
static void zoom_in(na_live *live) { na_chart_zoom(&live->chart, na_live_curves(live), 0.5); }
static void zoom_out(na_live *live) { na_chart_zoom(&live->chart, na_live_curves(live), 2); }
static void zoom_all(na_live *live) { live->chart.left = live->chart.right = 0; }
static void earlier(na_live *live) { na_chart_pan(&live->chart, na_live_curves(live), -0.25); }
static void later(na_live *live) { na_chart_pan(&live->chart, na_live_curves(live), 0.25); }
static void cursor_left(na_live *live) { move_cursor(live, -1); }
static void cursor_right(na_live *live) { move_cursor(live, 1); }

/* Step by step back to what trains. */
static void back(na_live *live)
{
  if (!isnan(live->chart.cursor)) live->chart.cursor = NAN;
  else if (live->opened != NULL) na_live_open(live, NULL, NULL);
}

static void next_curve(na_live *live)
{
  if (live->overlay.count == 0) {
    na_live_say(live, "no runs are marked: 3 lists them");
    return;
  }
  live->overlay.curve = (na_curve)((live->overlay.curve + 1) % NA_CURVE_COUNT);
  na_live_say(live, "marked runs: %s", na_curve_name(live->overlay.curve));
}

static const na_key list[] = {
    {'a', 0, "a", "accuracy/loss", "accuracy or loss", quantity},
    {'y', 0, "y", NULL, "loss on a logarithmic y axis", logarithm},
    {'x', 0, "x", NULL, "x axis in steps, in epochs, or as it fits", axis},
    {'v', 0, "v", NULL, "which curve of the marked runs", next_curve},
    {'m', 0, "m", NULL, "smoother", smoother},
    {'M', 0, "M", NULL, "less smooth", rougher},
    {'+', '=', "+", NULL, "zoom in", zoom_in},
    {'-', 0, "-", NULL, "zoom out", zoom_out},
    {'0', 0, "0", NULL, "all of the run", zoom_all},
    {'<', 0, "<", NULL, "earlier", earlier},
    {'>', 0, ">", NULL, "later", later},
    {NA_KEY_LEFT, 'h', "left h", NULL, "cursor that reads values: to the left", cursor_left},
    {NA_KEY_RIGHT, 'l', "right l", NULL, "cursor: to the right", cursor_right},
    {NA_KEY_ESCAPE, 0, "Esc", NULL, "cursor off; from another run back to the one that trains", back},
};
static const na_keys keys = NA_KEYS("Curves", list);

/* ------------------------------------------------------------------------- drawing */

/* "accuracy, % of plain-2; base val of 3 marked runs" */
static void write_title(const na_live *live, char title[NA_TEXT_MAX])
{
  const char *quantity = live->chart.accuracy ? "accuracy, %" : live->chart.log ? "loss, logarithmic" : "loss";
  int used = snprintf(title, NA_TEXT_MAX, "%s%s%.200s", quantity, live->opened != NULL ? " of " : "",
                      live->opened != NULL ? live->opened->name : "");
  if (live->opened != NULL && live->opened->why[0] != '\0')
    used += snprintf(title + used, NA_TEXT_MAX - (size_t)used, ": %s", live->opened->why);
  if (live->overlay.count > 0)
    snprintf(title + used, NA_TEXT_MAX - (size_t)used, "; %s of %zu marked run%s",
             na_curve_name(live->overlay.curve), live->overlay.count, na_text_plural(live->overlay.count));
}

typedef struct layout {
  na_area chart, log; /* inside their frames, where they were drawn last; log.rows 0: not */
} layout;

static void draw(na_live *live, na_area area)
{
  na_error err = {0};
  layout *at = na_view_state(live, &na_view_curves);
  na_area log = area, side = area;
  live->page = LOG_MOST_ROWS;
  bool with_log = area.rows + 2 >= LOG_FROM_ROWS;
  if (with_log) {
    log.rows = area.rows / 4 < LOG_MOST_ROWS ? area.rows / 4 : LOG_MOST_ROWS;
    area.rows -= log.rows;
    log.row = area.row + area.rows;
  }
  if (live->grid.cols >= SIDE_FROM_COLS && live->trainer != NULL && area.rows >= NA_DRAW_SIZES + 3) {
    na_draws draws;
    side.rows = area.rows;
    side.cols = SIDE_COLS;
    side.col = area.col + area.cols - SIDE_COLS;
    area.cols -= SIDE_COLS;
    na_trainer_draws(live->trainer, &draws, NULL);
    na_sizes_draw(&live->grid, na_grid_frame(&live->grid, side, "augmentation"), &draws);
  }
  char title[NA_TEXT_MAX];
  write_title(live, title);
  na_overlay_show(&live->overlay, &live->chart);
  na_area inside = at->chart = na_live_frame(live, area, title);
  at->log = (na_area){.rows = 0};
  if (na_chart_draw(&live->chart, na_live_curves(live), &live->grid, inside, &err) != NA_OK)
    na_grid_put(&live->grid, inside.row, inside.col, inside.cols, NA_STYLE_ALERT, err.message);
  if (with_log) {
    at->log = na_grid_frame(&live->grid, log, "log");
    live->page = at->log.rows;
    na_log_draw(&live->log, &live->grid, at->log);
  }
}

/* The log below. */
static void scroll(na_live *live, long lines)
{
  na_log_scroll(&live->log, -lines, live->page);
}

static bool within(na_area area, na_mouse mouse)
{
  return mouse.row >= area.row && mouse.row < area.row + area.rows && mouse.col >= area.col &&
         mouse.col < area.col + area.cols;
}

/* A click puts the cursor there, the wheel zooms around it; over the log it scrolls. */
static void take_mouse(na_live *live, na_mouse mouse)
{
  const layout *at = na_view_state(live, &na_view_curves);
  bool up = mouse.what == NA_MOUSE_WHEEL_UP, click = mouse.what == NA_MOUSE_CLICK;
  double step = na_chart_step_at(&live->chart, na_live_curves(live), at->chart, mouse.col);
  if (within(at->log, mouse) && !click) scroll(live, up ? -3 : 3);
  if (!within(at->chart, mouse) || isnan(step)) return;
  if (click) live->chart.cursor = step;
  else na_chart_zoom_at(&live->chart, na_live_curves(live), up ? 0.8 : 1.25, step);
}

const na_view na_view_curves = {
    .name = "curves",
    .key = '1',
    .key_name = "1",
    .help = "curves: base and augmented, training and validation",
    .keys = &keys,
    .state_size = sizeof(layout),
    .draw = draw,
    .scroll = scroll,
    .mouse = take_mouse,
};
