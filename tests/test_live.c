/* The live screen without a terminal: made-up trainings at fixed sizes against saved screens, every key,
 * and the curves' model.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tests/saved_screen.h"
#include "tui/screen/live.h"

#include <math.h>

enum { EPOCHS = 5, BATCHES = 100 };

static na_result result(double loss, double top1)
{
  return (na_result){loss, top1, top1, 100};
}

/* A training whose curves fall as 1/step: no library function that rounds its own way. */
static void train(na_live *live, int epochs)
{
  for (long step = 1; step <= (long)epochs * BATCHES; step++) {
    double wobble = (double)(step * 37 % 11 - 5) / 100, t = 1 + (double)step / 25;
    na_event e = {.kind = NA_EVENT_STEP, .step = step, .steps = EPOCHS * BATCHES, .epochs = EPOCHS,
                  .epoch = (int)((step - 1) / BATCHES), .batches = BATCHES, .merged = 1,
                  .lr = 0.05, .images_per_second = 1934, .eta = 724,
                  .phase = step <= 350 ? NA_PHASE_RANDOM : NA_PHASE_MIN_W};
    e.base = result(0.5 + 2 / t + wobble, 0.9 - 0.8 / t + wobble / 2);
    e.augmented = result(0.45 + 2.1 / t + wobble, 0.92 - 0.85 / t + wobble / 2);
    na_live_event(live, &e);
    if (step == 150) {
      na_event steer = {.kind = NA_EVENT_STEER, .step = step, .changes = true,
                        .text = "set train.lr = 0.02"};
      na_live_event(live, &steer);
    }
    if (step % BATCHES != 0) continue;
    e.kind = NA_EVENT_EPOCH;
    e.epoch++;
    e.time = 60.0 * e.epoch;
    e.base_val = result(0.48 + 2 / t, 0.9 - 0.7 / t);
    na_live_event(live, &e);
  }
}

static void start(na_live *live, int rows, int cols, bool utf8, int epochs)
{
  na_error err = {0};
  CHECK_OK(na_live_init(live, utf8, &err), err);
  CHECK_OK(na_grid_resize(&live->grid, rows, cols, &err), err);
  na_live_begin(live, "tiny-r3", NULL, NULL);
  na_log_add(&live->log, "tiny: 13.1k parameters\n", 23);
  train(live, epochs);
}

/* What is drawn must be what tests/screens/NAME holds. */
static void same_screen(na_live *live, const char *name)
{
  na_live_draw(live);
  saved_screen(&live->grid, name);
}

static void screens(void)
{
  na_live live;
  start(&live, 24, 80, true, 4);
  same_screen(&live, "curves-80x24.txt");
  na_live_key(&live, 'a');
  na_live_key(&live, 'y');
  same_screen(&live, "loss-80x24.txt");
  na_live_key(&live, NA_KEY_LEFT);
  na_live_key(&live, NA_KEY_LEFT);
  na_live_key(&live, '+');
  same_screen(&live, "cursor-80x24.txt");
  na_live_key(&live, 'x');
  na_live_key(&live, 'x');
  na_live_draw(&live); /* what it said */
  na_live_key(&live, '-');
  same_screen(&live, "epochs-80x24.txt");
  na_live_key(&live, 'x');
  na_live_key(&live, 'x');
  na_live_key(&live, '0');
  same_screen(&live, "steps-80x24.txt");
  na_live_key(&live, '6');
  same_screen(&live, "log-80x24.txt");
  na_live_key(&live, '?');
  same_screen(&live, "help-80x24.txt");
  na_live_key(&live, '2');
  same_screen(&live, "augment-80x24.txt");
  na_live_free(&live);
  start(&live, 24, 80, false, 2);
  same_screen(&live, "ascii-80x24.txt");
  na_live_free(&live);
  start(&live, 60, 200, true, 5);
  same_screen(&live, "curves-200x60.txt");
  na_live_free(&live);
  start(&live, 5, 20, true, 3);
  same_screen(&live, "curves-20x5.txt");
  na_live_key(&live, '6');
  same_screen(&live, "log-20x5.txt");
  na_live_insist(&live);
  same_screen(&live, "asks-20x5.txt");
  na_live_free(&live);
}

/* README shows the screen as it is drawn. */
static void readme(void)
{
  char path[1024];
  na_live live;
  na_buffer got = {0}, indented = {0};
  start(&live, 24, 80, true, 4);
  na_live_draw(&live);
  na_grid_text(&live.grid, &got);
  for (char *line = strtok(got.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
    na_buffer_add(&indented, "    %s\n", line);
  source_path(path, "README.md");
  CHECK(strstr(read_text(path), indented.data) != NULL, "README.md lacks this screen:\n%s", indented.data);
  na_free(got.data);
  na_free(indented.data);
  na_live_free(&live);
}

/* Every key of a table, on every size of screen. */
static void try_keys(na_live *live, const na_view *view, const na_keys *table)
{
  static const int sizes[][2] = {{24, 80}, {1, 1}, {2, 8}, {5, 20}, {9, 40}, {60, 200}};
  na_error err = {0};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int k = 0; table != NULL && k < table->count; k++) {
      CHECK_OK(na_grid_resize(&live->grid, sizes[s][0], sizes[s][1], &err), err);
      na_live_show(live, view);
      CHECK(na_live_key(live, table->list[k].key), "%s is not known", table->list[k].name);
      na_live_draw(live);
      if (live->asking && live->question.line) na_live_typed(live, NULL, true);
    }
}

/* No key does nothing, none crashes at any size, and without a training they say so. */
static void keys(void)
{
  na_live live;
  start(&live, 24, 80, true, 2);
  for (int v = 0; v < NA_VIEW_COUNT; v++) {
    try_keys(&live, na_views[v], na_views[v]->keys);
    for (int i = 0; na_live_keys(i) != NULL; i++) try_keys(&live, na_views[v], na_live_keys(i));
    CHECK(na_live_key(&live, na_views[v]->key), "view %s", na_views[v]->name);
  }
  CHECK(!na_live_key(&live, 'Z'), "a key without a meaning");
  na_live_show(&live, &na_view_curves);
  na_live_key(&live, ' ');
  CHECK(strcmp(live.notice, "no training is running") == 0, "notice: %s", live.notice);
  na_live_free(&live);
}

/* Debiased smoothing by plain loops. */
static void smooth_plainly(const na_series *s, double decay, double *out)
{
  double sum = 0, weight = 0;
  for (size_t i = 0; i < s->count; i++) {
    out[i] = NAN;
    if (isnan(s->raw[i])) continue;
    sum = decay * sum + (1 - decay) * (double)s->raw[i];
    weight = decay * weight + (1 - decay);
    out[i] = sum / weight;
  }
}

static void check_extents(const na_series *s, bool smooth, const double *values)
{
  for (size_t first = 0; first < s->count; first += 331)
    for (size_t end = first + 1; end <= s->count; end += 457) {
      double low = INFINITY, high = -INFINITY;
      for (size_t i = first; i < end; i++) {
        if (values[i] < low) low = values[i];
        if (values[i] > high) high = values[i];
      }
      na_extent e = na_series_extent(s, smooth, first, end);
      CHECK(low > high ? e.low > e.high : fabs(e.low - low) < 2e-3 && fabs(e.high - high) < 2e-3,
            "%zu to %zu: %g %g, wanted %g %g", first, end, e.low, e.high, low, high);
    }
}

/* The smallest and largest value of any stretch, raw and smoothed, against plain loops: with gaps, and
 * asked for while it grows and after the smoothing changed. */
static void series(void)
{
  enum { COUNT = 9000, GAPS = 3000 }; /* gaps in the first ones: the rest is computed in groups */
  static double raw[COUNT], smooth[COUNT];
  static const double decays[] = {0.9, 0, 0.997, 0.6};
  na_error err = {0};
  na_series s = {.decay = 0.9};
  for (int i = 0; i < COUNT; i++) {
    raw[i] = i % 97 == 5 && i < GAPS ? NAN : (double)(i * 7919 % 1009);
    CHECK_OK(na_series_add(&s, i, raw[i], &err), err);
    if (i % 1000 == 0) CHECK(na_series_extent(&s, true, 0, (size_t)i + 1).high <= 1009, "while it grows");
  }
  check_extents(&s, false, raw);
  for (size_t i = 0; i < COUNT + 100; i += 397)
    for (size_t guess = 0; guess < COUNT + 100; guess += 401) {
      size_t found = na_series_find_near(&s, (double)i - 0.5, guess);
      CHECK(found == (i < COUNT ? i : COUNT), "%zu near %zu: %zu", i, guess, found);
    }
  for (size_t d = 0; d < sizeof decays / sizeof decays[0]; d++) {
    na_series_smooth(&s, decays[d]);
    smooth_plainly(&s, decays[d], smooth);
    check_extents(&s, true, smooth);
    for (size_t i = 0; i < COUNT; i += 7)
      if (!isnan(smooth[i])) CHECK_NEAR(na_series_value(&s, true, i), smooth[i], 1e-6, 1000.0, "smoothed");
  }
  na_series_free(&s);
}

/* Text is looked for upwards and downwards, and around the ends. */
static void log_search(void)
{
  na_live live;
  start(&live, 24, 80, true, 4);
  char line[64];
  for (int i = 0; i < 100; i++)
    na_log_add(&live.log, line, (size_t)snprintf(line, sizeof line, i % 40 == 7 ? "a Needle %d\n" : "hay %d\n", i));
  na_live_key(&live, '6');
  na_live_draw(&live);
  na_live_key(&live, '/');
  CHECK(live.asking && live.question.line, "a line is asked for");
  na_live_typed(&live, "needle", false);
  na_live_typed(&live, "needle", true);
  na_live_draw(&live);
  same_screen(&live, "search-80x24.txt");
  static const struct {
    int key, line;
  } wanted[] = {{'n', 47}, {'n', 7}, {'n', 87}, {'N', 7}, {'N', 47}};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    na_live_key(&live, wanted[i].key);
    snprintf(line, sizeof line, "a Needle %d", wanted[i].line);
    const char *found = na_log_line(&live.log, live.log.found - 1);
    CHECK(strcmp(found, line) == 0, "found \"%s\", not \"%s\"", found, line);
    na_live_draw(&live);
    na_buffer screen = {0};
    na_grid_text(&live.grid, &screen);
    CHECK(strstr(screen.data, line) != NULL, "\"%s\" is out of sight", line);
    na_free(screen.data);
  }
  na_live_key(&live, '\\');
  na_live_typed(&live, "needLe", true);
  CHECK(strstr(live.notice, "is not in the log") != NULL, "a capital matters: %s", live.notice);
  na_live_free(&live);
}

/* A click reads values, presses what the last line names; the wheel zooms where it is, and scrolls. */
static void mouse(void)
{
  na_live live;
  start(&live, 24, 80, true, 4);
  na_live_draw(&live);
  na_live_mouse(&live, (na_mouse){NA_MOUSE_CLICK, 8, 44}); /* the middle of the chart */
  CHECK(fabs(live.chart.cursor - 200) < 6, "cursor at step %g", live.chart.cursor);
  double left, right;
  na_live_mouse(&live, (na_mouse){NA_MOUSE_WHEEL_UP, 8, 44});
  na_chart_range(&live.chart, &live.curves, &left, &right);
  CHECK(fabs(left - 40) < 3 && fabs(right - 360) < 3, "zoomed to %g .. %g", left, right);
  for (int i = 0; i < 3; i++) na_live_mouse(&live, (na_mouse){NA_MOUSE_WHEEL_DOWN, 8, 20});
  na_chart_range(&live.chart, &live.curves, &left, &right);
  CHECK(left <= 0 && right >= 400, "and out again to %g .. %g", left, right);
  na_live_mouse(&live, (na_mouse){NA_MOUSE_WHEEL_UP, 20, 10});
  CHECK(live.log.back > 0, "the wheel scrolls the log");
  na_error err = {0};
  CHECK_OK(na_grid_resize(&live.grid, 24, 200, &err), err); /* room to name every view */
  na_live_draw(&live);
  for (int i = 0; i < live.spot_count; i++)
    if (live.spots[i].key == '6') na_live_mouse(&live, (na_mouse){NA_MOUSE_CLICK, 23, live.spots[i].col + 3});
  CHECK(live.view == &na_view_log, "a click on its name shows the log");
  na_live_mouse(&live, (na_mouse){NA_MOUSE_CLICK, 23, 199});
  CHECK(live.view == &na_view_log, "a click on nothing does nothing");
  na_live_free(&live);
}

static void log_lines(void)
{
  na_log log = {.lines = NULL};
  na_log_add(&log, "one\ntw", 6);
  na_log_add(&log, "o\r", 2);
  na_log_add(&log, "\nbad\rgood\n\033[31mred\033[0m\a\n", 25);
  CHECK(na_log_kept(&log) == 4, "%zu lines", na_log_kept(&log));
  static const char *const wanted[] = {"one", "two", "good", "red"};
  for (size_t i = 0; i < 4; i++)
    CHECK(strcmp(na_log_line(&log, i), wanted[i]) == 0, "line %zu: %s", i, na_log_line(&log, i));
  for (int i = 0; i < 2 * NA_LOG_LINES; i++) na_log_add(&log, "x\n", 2);
  CHECK(na_log_kept(&log) == NA_LOG_LINES && na_log_line(&log, NA_LOG_LINES) == NULL, "bounded");
  na_log_scroll(&log, 1000000, 5);
  CHECK(log.back == NA_LOG_LINES - 5, "scrolled to the beginning");
  na_log_free(&log);
}

int main(void)
{
  RUN(screens);
  RUN(readme);
  RUN(keys);
  RUN(series);
  RUN(log_lines);
  RUN(log_search);
  RUN(mouse);
  return CHECK_EXIT();
}
