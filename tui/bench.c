/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/bench.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_NAME(symbol, name, help) name,
#define BENCH_HELP(symbol, name, help) help,
static const char *const names[] = {NA_BENCH_KINDS(BENCH_NAME)};
static const char *const helps[] = {NA_BENCH_KINDS(BENCH_HELP)};

const char *na_bench_name(int kind)
{
  return names[kind];
}
const char *na_bench_help(int kind)
{
  return helps[kind];
}

/* Small enough that weights stay ordinary numbers over any number of steps on one batch. */
static const double LR = 1e-3, MOMENTUM = 0.9, DECAY = 4e-5, SMOOTHING = 0.1;

static int draw(na_bench *bench, int seed, na_error *err)
{
  const na_net *net = bench->net;
  size_t dims = (size_t)net->dim_count;
  bench->base = na_alloc_array(dims, sizeof(int));
  bench->widest = na_alloc_array(dims, sizeof(int));
  bench->drawn = na_alloc_array((size_t)bench->draws, dims * sizeof(int));
  int *choices = na_alloc_array(dims, sizeof(int));
  int code = NA_OK;
  if (!bench->base || !bench->widest || !bench->drawn || !choices)
    code = na_fail_memory(err, (size_t)bench->draws * dims * sizeof(int), "the drawn widths");
  else {
    na_random random = na_random_at((uint64_t)seed, 0, 0);
    na_net_base(net, bench->base);
    na_net_widest(net, bench->widest);
    for (int i = 0; i < bench->draws; i++) {
      na_net_sample(net, NA_SAMPLE_RANDOM, &random, choices);
      na_net_widths(net, choices, bench->drawn + (size_t)i * dims);
    }
  }
  na_free(choices);
  return code;
}

int na_bench_new(na_bench *bench, na_net *net, int batch, int threads, int draws, int seed,
                 na_error *err)
{
  *bench = (na_bench){.net = net, .batch = batch, .draws = draws};
  int code = draw(bench, seed, err);
  if (code == NA_OK) code = na_team_new(&bench->team, threads, err);
  if (code == NA_OK) na_net_initialize(net, NA_INIT_AUTO, (uint64_t)seed);
  return code;
}

int na_bench_prepare(na_bench *bench, na_error *err)
{
  int code = na_images_new(&bench->images, bench->net, bench->batch, 0, err);
  if (code != NA_OK) return code;
  code = na_workspace_new(&bench->workspace, bench->net, bench->team, bench->batch, true, err);
  if (code == NA_OK) na_workspace_precision(bench->workspace, bench->precision);
  return code;
}

void na_bench_free(na_bench *bench)
{
  na_workspace_free(bench->workspace);
  na_images_free(&bench->images);
  na_team_free(bench->team);
  na_free(bench->base);
  na_free(bench->widest);
  na_free(bench->drawn);
}

/* ------------------------------------------------------------------------- timing */

/* One optimizer step: the base, and the sub-network at widths unless that is NULL. */
static int step(na_bench *bench, const int *widths, na_bench_parts *parts, na_error *err)
{
  na_scores base = {0}, augmented = {0};
  double begin = na_now();
  int code = na_accumulate(bench->workspace, &bench->images.batch, bench->base, widths != NULL,
                           &widths, 1.0, SMOOTHING, 0, &base, &augmented, err);
  double between = na_now();
  if (code == NA_OK) na_sgd(bench->net, bench->team, LR, MOMENTUM, true, DECAY);
  double end = na_now();
  *parts = (na_bench_parts){end - begin, end - between};
  return code;
}

static int evaluate(na_bench *bench, na_bench_parts *parts, na_error *err)
{
  na_scores scores = {0};
  double begin = na_now();
  int code = na_forward(bench->workspace, bench->base, NA_MODE_EVAL, &bench->images.batch, 0, err);
  if (code == NA_OK) code = na_loss(bench->workspace, &bench->images.batch, 0, 0, &scores, err);
  *parts = (na_bench_parts){na_now() - begin, 0};
  return code;
}

int na_bench_once(na_bench *bench, int kind, int draw, na_bench_parts *parts, na_error *err)
{
  switch (kind) {
  case NA_BENCH_EVAL:
    return evaluate(bench, parts, err);
  case NA_BENCH_WIDEST:
    return step(bench, bench->widest, parts, err);
  case NA_BENCH_NETAUG:
    return step(bench, bench->drawn + (size_t)draw * (size_t)bench->net->dim_count, parts, err);
  default:
    return step(bench, NULL, parts, err);
  }
}

int na_bench_seconds(na_bench *bench, int kind, double *seconds, na_error *err)
{
  int draws = kind == NA_BENCH_NETAUG ? bench->draws : 1, code = NA_OK;
  *seconds = 0;
  for (int i = 0; i < draws && code == NA_OK; i++) {
    na_bench_parts parts;
    code = na_bench_once(bench, kind, i, &parts, err);
    *seconds += parts.whole / draws;
  }
  return code;
}

static int run_round(na_bench *bench, double seconds[NA_BENCH_COUNT], na_error *err)
{
  int code = NA_OK;
  for (int k = 0; k < NA_BENCH_COUNT && code == NA_OK; k++)
    code = na_bench_seconds(bench, k, &seconds[k], err);
  return code;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double na_median(double *values, int count)
{
  qsort(values, (size_t)count, sizeof *values, by_size);
  return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

/* Multiply-adds of one image forward, and operations of a training pass: those of the images'
 * gradient, which nobody wants, are not done and do not count. */
static void add_work(const na_net *net, const int *widths, double share, bool trains, double *macs,
                     double *flops)
{
  for (int i = 1; i < net->layer_count; i++) {
    na_cost cost;
    na_layer_cost(net, i, widths, &cost);
    double one = share * (double)cost.macs;
    *macs += one;
    *flops += one * (!trains ? 2 : net->layers[i].input[0] == 0 ? 4 : 6);
  }
}

void na_bench_work(const na_bench *bench, int kind, double *macs, double *flops)
{
  const na_net *net = bench->net;
  *macs = *flops = 0;
  add_work(net, bench->base, 1, kind != NA_BENCH_EVAL, macs, flops);
  if (kind == NA_BENCH_WIDEST) add_work(net, bench->widest, 1, true, macs, flops);
  for (int i = 0; kind == NA_BENCH_NETAUG && i < bench->draws; i++)
    add_work(net, bench->drawn + (size_t)i * (size_t)net->dim_count, 1.0 / bench->draws, true, macs,
             flops);
}

int na_bench_run(na_bench *bench, int rounds, na_bench_times *times, na_error *err)
{
  na_bench_parts warm;
  double *seconds = na_alloc_array((size_t)rounds, NA_BENCH_COUNT * sizeof *seconds);
  double *column = na_alloc_array((size_t)rounds, sizeof *column);
  int code = seconds != NULL && column != NULL
                 ? step(bench, bench->widest, &warm, err)
                 : na_fail_memory(err, (size_t)rounds * sizeof *column, "the times");
  for (int r = 0; r < rounds && code == NA_OK; r++)
    code = run_round(bench, seconds + (size_t)r * NA_BENCH_COUNT, err);
  for (int k = 0; k < NA_BENCH_COUNT && code == NA_OK; k++) {
    for (int r = 0; r < rounds; r++) column[r] = seconds[(size_t)r * NA_BENCH_COUNT + (size_t)k];
    times->seconds[k] = na_median(column, rounds);
  }
  times->rounds = rounds;
  for (int k = 0; k < NA_BENCH_COUNT; k++)
    na_bench_work(bench, k, &times->macs[k], &times->flops[k]);
  na_free(seconds);
  na_free(column);
  return code;
}

/* ------------------------------------------------------------------- as JSON */

static void print_widths(FILE *out, const int *widths, int count)
{
  for (int i = 0; i < count; i++) fprintf(out, "%s%d", i == 0 ? "[" : ", ", widths[i]);
  fprintf(out, "]");
}

static void print_layer(FILE *out, const na_layer *layer)
{
  fprintf(out,
          "{\"kind\": \"%s\", \"name\": \"%s\", \"input\": [%d, %d], \"gate\": %d, \"in\": %d, "
          "\"out\": %d, \"squeeze\": %d, \"kernel\": %d, \"stride\": %d, \"pad\": %d, "
          "\"norm\": %s, \"bias\": %s, \"act\": \"%s\", \"rate\": %.17g}",
          na_kind_name(layer->kind), layer->name, layer->input[0], layer->input[1], layer->gate,
          layer->in, layer->out, layer->squeeze, layer->kernel, layer->stride, layer->pad,
          layer->norm ? "true" : "false", layer->biased ? "true" : "false",
          na_activation_name(layer->act), layer->rate);
}

void na_bench_describe(const na_bench *bench, FILE *out)
{
  const na_net *net = bench->net;
  fprintf(out,
          "{\"model\": \"%s\", \"channels\": %d, \"resolution\": %d, \"classes\": %d, "
          "\"batch\": %d,\n \"max\": [",
          net->name, net->channels, net->height, net->classes, bench->batch);
  for (int i = 0; i < net->dim_count; i++)
    fprintf(out, "%s%d", i == 0 ? "" : ", ", net->dims[i].max);
  fprintf(out, "],\n \"layers\": [\n  ");
  for (int i = 0; i < net->layer_count; i++) {
    if (i > 0) fprintf(out, ",\n  ");
    print_layer(out, &net->layers[i]);
  }
  fprintf(out, "],\n \"base\": ");
  print_widths(out, bench->base, net->dim_count);
  fprintf(out, ",\n \"widest\": ");
  print_widths(out, bench->widest, net->dim_count);
  fprintf(out, ",\n \"draws\": [\n  ");
  for (int i = 0; i < bench->draws; i++) {
    if (i > 0) fprintf(out, ",\n  ");
    print_widths(out, bench->drawn + (size_t)i * (size_t)net->dim_count, net->dim_count);
  }
  fprintf(out, "]}\n");
}
