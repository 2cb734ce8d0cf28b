/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/bench_data.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "datasets/dataset.h"

#include <stdio.h>

enum { RATE_SIZE = 144, RATE_BATCH = 32 };

/* A collection and a source over its training images. */
typedef struct stream {
  na_dataset *dataset;
  na_source *source;
} stream;

static void feed_free(stream *feed)
{
  na_source_free(feed->source);
  na_dataset_free(feed->dataset);
}

static int feed_open(stream *feed, const na_data *data, na_error *err)
{
  *feed = (stream){NULL, NULL};
  int code = na_dataset_open(&feed->dataset, data, err);
  if (code == NA_OK) code = na_dataset_source(feed->dataset, NA_SPLIT_TRAIN, 0, &feed->source, err);
  return code;
}

static int settings_for(na_data *data, const char *path, int size, int batch, na_error *err)
{
  na_settings_init(&na_data_settings, data);
  data->size = size;
  data->batch = batch;
  return na_settings_parse(&na_data_settings, data, "path", path, err);
}

/* ---------------------------------------------------------------------------- the loader alone */

static int run_epoch(na_source *source, uint64_t epoch, double *rate, na_error *err)
{
  const na_batch *batch;
  long images = 0;
  double begin = na_now();
  int code = source->start(source, epoch, 0, err);
  while (code == NA_OK && (code = source->next(source, &batch, err)) == 1) {
    images += batch->count;
    code = NA_OK;
  }
  *rate = (double)images / (na_now() - begin);
  return code;
}

int na_bench_rate(const char *path, double *images_per_second, na_error *err)
{
  na_data data;
  stream feed = {NULL, NULL};
  int code = settings_for(&data, path, RATE_SIZE, RATE_BATCH, err);
  data.loaders = 1;
  data.cache = 0;
  if (code == NA_OK) code = feed_open(&feed, &data, err);
  if (code == NA_OK) code = run_epoch(feed.source, 0, images_per_second, err);
  feed_free(&feed);
  return code;
}

/* ------------------------------------------------------------------------------ with training */

typedef struct spent {
  double waiting, whole;
  int steps;
} spent;

static int train_epoch(na_bench *bench, int kind, na_source *source, uint64_t epoch, spent *total,
                       na_error *err)
{
  const na_batch generated = bench->images.batch, *batch;
  double begin = na_now(), asked = begin;
  int code = source->start(source, epoch, 0, err);
  *total = (spent){0, 0, 0};
  while (code == NA_OK && (code = source->next(source, &batch, err)) == 1) {
    na_bench_parts parts;
    total->waiting += na_now() - asked;
    bench->images.batch = *batch;
    code = na_bench_once(bench, kind, total->steps++ % bench->draws, &parts, err);
    asked = na_now();
  }
  total->whole = na_now() - begin;
  bench->images.batch = generated;
  return code;
}

/* As many steps on a batch that is ready. */
static int train_ready(na_bench *bench, int kind, int steps, double *seconds, na_error *err)
{
  int code = NA_OK;
  double begin = na_now();
  for (int i = 0; i < steps && code == NA_OK; i++) {
    na_bench_parts parts;
    code = na_bench_once(bench, kind, i % bench->draws, &parts, err);
  }
  *seconds = na_now() - begin;
  return code;
}

static int fits(const na_net *net, const na_source *source, const char *path, na_error *err)
{
  if (source->channels == net->channels && source->classes <= net->classes) return NA_OK;
  return na_fail(err, NA_ESHAPE, "%s has %d channels and %d classes, network %s %d and %d", path,
                 source->channels, source->classes, net->name, net->channels, net->classes);
}

/* Epochs 1 .. rounds, each beside as many steps on a batch that is ready. */
static int time_rounds(na_bench *bench, int kind, na_source *source, int rounds,
                       na_bench_waiting *waiting, na_error *err)
{
  double *shares = na_alloc_array((size_t)rounds, sizeof *shares);
  double *slower = na_alloc_array((size_t)rounds, sizeof *slower);
  int code = NA_OK;
  if (shares == NULL || slower == NULL)
    code = na_fail_memory(err, (size_t)rounds * sizeof *shares, "the times");
  for (int r = 0; r < rounds && code == NA_OK; r++) {
    spent time;
    double ready = 0;
    code = train_epoch(bench, kind, source, (uint64_t)r + 1, &time, err);
    if (code == NA_OK) code = train_ready(bench, kind, time.steps, &ready, err);
    if (code != NA_OK) break;
    shares[r] = time.waiting / time.whole;
    slower[r] = time.whole / ready - 1;
  }
  if (code == NA_OK)
    *waiting = (na_bench_waiting){na_median(shares, rounds), na_median(slower, rounds)};
  na_free(shares);
  na_free(slower);
  return code;
}

int na_bench_wait(na_bench *bench, int kind, const char *path, int limit, int rounds,
                  na_bench_waiting *waiting, na_error *err)
{
  na_data data;
  stream feed = {NULL, NULL};
  spent first;
  int code = settings_for(&data, path, bench->net->height, bench->batch, err);
  data.limit = limit;
  if (code == NA_OK) code = feed_open(&feed, &data, err);
  if (code == NA_OK) code = fits(bench->net, feed.source, path, err);
  if (code == NA_OK) code = train_epoch(bench, kind, feed.source, 0, &first, err);
  if (code == NA_OK) code = time_rounds(bench, kind, feed.source, rounds, waiting, err);
  feed_free(&feed);
  return code;
}
