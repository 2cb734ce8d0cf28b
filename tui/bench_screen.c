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

typedef struct bench {
  na_live live;
  int others;             /* runs beside the one that is watched */
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
  na_overlay *overlay = &b->live.overlay;
  int code = NA_OK;
  overlay->curve = NA_CURVE_BASE;
  for (int r = 0; r < b->others && code == NA_OK; r++) {
    char name[16];
    snprintf(name, sizeof name, "run-%d", r);
    code = na_overlay_add(overlay, name, err);
    for (long step = 1; step <= points && code == NA_OK; step++)
      code = na_series_add(&overlay->runs[r]->curves.loss[NA_CURVE_BASE], (double)step,
                           loss_at(step, points, 3 + (uint64_t)r), err);
    if (code == NA_OK) overlay->runs[r]->done = true;
  }
  return code;
}

static void press(bench *b, const na_key *key, double *first, double *whole)
{
  double began = na_now();
  na_live_key(&b->live, key->key);
  *first = 0;
  do {
    na_live_draw(&b->live);
    *whole = na_now() - began;
    if (!(*first > 0)) *first = *whole;
  } while (b->live.overlay.left > 0);
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

static void press_all(bench *b, int rounds, bool json, na_table *table)
{
  const na_keys *keys = na_view_curves.keys;
  double untimed[2];
  for (int k = 0; k < keys->count; k++) {
    const na_key *key = &keys->list[k], *back = opposite(keys, key);
    b->live.chart.accuracy = false; /* the others have losses only */
    b->live.overlay.curve = NA_CURVE_BASE;
    press(b, back, &untimed[0], &untimed[1]);
    for (int i = 0; i < rounds; i++) {
      press(b, key, &b->times[i], &b->wholes[i]);
      if (back != key) press(b, back, &untimed[0], &untimed[1]);
    }
    report(b, table, key, rounds, json, k == 0);
  }
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
  if (json) printf("{\"points\": %ld, \"runs\": %d, \"keys\": [", points, b->others + 1);
  else printf("%d runs of %ld points, %d x %d, key to picture, %d times each\n\n", b->others + 1,
              points, COLS, ROWS, rounds);
  if (code == NA_OK) press_all(b, rounds, json, &table);
  if (json) printf("]}\n");
  else if (code == NA_OK) code = na_table_print(&table, err);
  if (code == NA_OK && !json)
    printf("\nWhole: until every curve has the new smoothing; the first picture has it for some of them.\n");
  na_table_free(&table);
  return code;
}

int na_bench_screen(long points, int runs, int rounds, bool json, na_error *err)
{
  bench b = {.others = runs - 1};
  int code = na_live_init(&b.live, true, err);
  if (code != NA_OK) return code;
  b.times = na_alloc_array(2 * (size_t)rounds, sizeof *b.times);
  b.wholes = b.times + rounds;
  code = b.times != NULL ? measure(&b, points, rounds, json, err)
                         : na_fail_memory(err, 2 * (size_t)rounds * sizeof *b.times, "the times");
  na_free(b.times);
  na_live_free(&b.live);
  return code;
}
