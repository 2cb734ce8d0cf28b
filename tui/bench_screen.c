/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/bench_screen.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/base/random.h"
#include "tui/screen/live.h"
#include "tui/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 60, COLS = 200 };
static const double SMOOTH_SECONDS = 0.015; /* of a picture's time */

typedef struct bench {
  na_live live;
  na_series *others;  /* [other_count] */
  na_series **list;   /* [other_count]: their addresses */
  int other_count;
  size_t left;        /* that have another smoothing yet */
  double *times, *wholes; /* [rounds]: until the first picture, and until all is smoothed */
} bench;

/* Falls as 1/t, with noise. */
static double loss_at(long step, long points, uint64_t run)
{
  double t = 1 + 30 * (double)step / (double)points;
  return 0.5 + 2 / t + 0.1 * (double)na_random_symmetric(run, (uint64_t)step);
}

static void watch(na_live *live, long points)
{
  for (long step = 1; step <= points; step++) {
    double loss = loss_at(step, points, 1), wide = loss_at(step, points, 2);
    na_event e = {.kind = NA_EVENT_STEP, .step = step, .steps = points, .epochs = 100, .merged = 1,
                  .batches = points / 100 + 1, .phase = NA_PHASE_RANDOM, .lr = 0.1,
                  .base = {loss, 1 / (1 + loss), 1, 100}, .augmented = {wide, 1 / (1 + wide), 1, 100}};
    na_live_event(live, &e);
  }
}

static int add_others(bench *b, long points, na_error *err)
{
  int code = NA_OK;
  for (int r = 0; r < b->other_count; r++) {
    b->others[r].decay = b->live.smoothing;
    for (long step = 1; step <= points && code == NA_OK; step++)
      code = na_series_add(&b->others[r], (double)step, loss_at(step, points, 3 + (uint64_t)r), err);
  }
  return code;
}

/* Over the chart of the watched run, at its x and at the y of a loss. */
static int draw_others(bench *b, na_error *err)
{
  na_live *live = &b->live;
  na_canvas canvas;
  na_window window = {.bottom = 0.4, .top = 2.6, .log = live->chart.log};
  na_chart_range(&live->chart, &live->curves, &window.left, &window.right);
  int code = na_canvas_new(&canvas, &live->grid, (na_area){3, 8, ROWS - 16, COLS - 10}, err);
  if (code != NA_OK) return code;
  b->left = na_series_smooth_some(b->list, (size_t)b->other_count, live->smoothing, SMOOTH_SECONDS);
  for (int r = 0; r < b->other_count; r++) {
    na_canvas_series(&canvas, &window, &b->others[r], true, (na_pen){NA_STYLE_OTHER_1, 1, 0});
  }
  na_canvas_show(&canvas, &live->grid);
  na_canvas_free(&canvas);
  return NA_OK;
}

static int press(bench *b, const na_key *key, double *first, double *whole, na_error *err)
{
  double began = na_now();
  na_live_key(&b->live, key->key);
  *first = 0;
  int code;
  do {
    na_live_draw(&b->live);
    code = draw_others(b, err);
    *whole = na_now() - began;
    if (!(*first > 0)) *first = *whole;
  } while (code == NA_OK && b->left > 0);
  return code;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(bench *b, na_table *table, const na_key *key, int rounds, bool json, bool first)
{
  qsort(b->times, (size_t)rounds, sizeof *b->times, by_size);
  qsort(b->wholes, (size_t)rounds, sizeof *b->wholes, by_size);
  double median = 1e3 * b->times[rounds / 2], worst = 1e3 * b->times[rounds - 1];
  double whole = 1e3 * b->wholes[rounds / 2];
  if (json) {
    printf("%s\n  {\"key\": \"%s\", \"median_ms\": %.3f, \"worst_ms\": %.3f, \"whole_ms\": %.3f}",
           first ? "" : ",", key->name, median, worst, whole);
    return;
  }
  na_table_add(table, "%s", key->name);
  na_table_add(table, "%s", key->help);
  na_table_add(table, "%.2f", median);
  na_table_add(table, "%.2f", worst);
  na_table_add(table, "%.2f", whole);
}

/* The key that undoes it, so that every press changes something; else itself. */
static const na_key *opposite(const na_keys *keys, const na_key *key)
{
  static const char pairs[][2] = {{'m', 'M'}, {'+', '-'}, {'<', '>'}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    for (int k = 0; k < keys->count; k++)
      if ((pairs[i][0] == key->key && pairs[i][1] == keys->list[k].key) ||
          (pairs[i][1] == key->key && pairs[i][0] == keys->list[k].key))
        return &keys->list[k];
  return key;
}

static int press_all(bench *b, int rounds, bool json, na_table *table, na_error *err)
{
  const na_keys *keys = na_view_curves.keys;
  double untimed[2];
  int code = NA_OK;
  for (int k = 0; k < keys->count && code == NA_OK; k++) {
    const na_key *key = &keys->list[k], *back = opposite(keys, key);
    code = press(b, back, &untimed[0], &untimed[1], err);
    for (int i = 0; i < rounds && code == NA_OK; i++) {
      code = press(b, key, &b->times[i], &b->wholes[i], err);
      if (code == NA_OK && back != key) code = press(b, back, &untimed[0], &untimed[1], err);
    }
    if (code == NA_OK) report(b, table, key, rounds, json, k == 0);
  }
  return code;
}

static int measure(bench *b, long points, int rounds, bool json, na_error *err)
{
  na_table table = {.layout = "llrrr"};
  int code = na_grid_resize(&b->live.grid, ROWS, COLS, err);
  if (code != NA_OK) return code;
  na_live_begin(&b->live, "bench", NULL, NULL);
  watch(&b->live, points);
  code = add_others(b, points, err);
  static const char *const heads[] = {"key", "", "median ms", "worst ms", "whole ms"};
  for (int i = 0; i < 5; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  if (json) printf("{\"points\": %ld, \"runs\": %d, \"keys\": [", points, b->other_count + 1);
  else printf("%d runs of %ld points, %d x %d, key to picture, %d times each\n\n", b->other_count + 1,
              points, COLS, ROWS, rounds);
  if (code == NA_OK) code = press_all(b, rounds, json, &table, err);
  if (json) printf("]}\n");
  else if (code == NA_OK) code = na_table_print(&table, err);
  if (code == NA_OK && !json)
    printf("\nWhole: until every curve has the new smoothing; the first picture has it for some of them.\n");
  na_table_free(&table);
  return code;
}

int na_bench_screen(long points, int runs, int rounds, bool json, na_error *err)
{
  bench b = {.other_count = runs - 1};
  int code = na_live_init(&b.live, true, err);
  if (code != NA_OK) return code;
  b.others = na_alloc_array((size_t)runs, sizeof *b.others);
  b.list = na_alloc_array((size_t)runs, sizeof *b.list);
  b.times = na_alloc_array(2 * (size_t)rounds, sizeof *b.times);
  b.wholes = b.times + rounds;
  for (int r = 0; b.others != NULL && b.list != NULL && r < b.other_count; r++) b.list[r] = &b.others[r];
  code = b.others != NULL && b.list != NULL && b.times != NULL
             ? measure(&b, points, rounds, json, err)
             : na_fail_memory(err, (size_t)runs * sizeof *b.others, "the runs");
  for (int r = 0; b.others != NULL && r < b.other_count; r++) na_series_free(&b.others[r]);
  na_free(b.others);
  na_free(b.list);
  na_free(b.times);
  na_live_free(&b.live);
  return code;
}
