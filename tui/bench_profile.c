/* Where a step's time goes: by kind of layer, or layer, and pass.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "tui/bench.h"

#include <stdio.h>
#include <string.h>

/* Rows of the layers, and of depthwise layers whose backward pass is one with the expansion's. */
typedef struct row_map {
  int *layer, *pair;
} row_map;

/* Bytes of an image's output as it was stored. */
static double stored_bytes(const na_bench *bench, int layer, const int *widths)
{
  na_cost cost = {0};
  na_layer_cost(bench->net, layer, widths, &cost);
  return (double)cost.activation / (na_workspace_rounded(bench->workspace, layer) ? 2 : 1);
}

/* Adds a pass over the network at widths: operations and bytes of activations that must be moved at
 * the least when layers run one by one. Forward: inputs read, output written. Backward: inputs,
 * output and its gradient read, the inputs' gradients written; the images' is not wanted. What is between two
 * layers that are done at once is not moved; that it is computed again is not counted. */
static void count_pass(const na_bench *bench, const int *widths, bool trains, const row_map *map,
                       na_profile_row *rows)
{
  const na_net *net = bench->net;
  int images = bench->batch;
  for (int i = 1; i < net->layer_count; i++) {
    const na_layer *layer = &net->layers[i];
    na_cost own;
    double in = 0, images_in = 0;
    na_layer_cost(net, i, widths, &own);
    for (int s = 0; s < 2 && layer->input[s] >= 0; s++) {
      double read = stored_bytes(bench, layer->input[s], widths);
      in += read;
      if (layer->input[s] == 0) images_in += read;
    }
    double out = stored_bytes(bench, i, widths), macs = (double)own.macs;
    na_profile_row *row = &rows[map->layer[i]];
    bool first = i + 1 < net->layer_count && na_workspace_at_once(bench->workspace, i + 1, widths);
    bool second = na_workspace_at_once(bench->workspace, i, widths);
    if (first) row = &rows[map->pair[i + 1]];
    if (second) row = &rows[map->pair[i]];
    if (first) out = 0;
    if (second) in = 0;
    row->flops[0] += images * 2 * macs;
    row->bytes[0] += images * (in + out);
    if (!trains) continue;
    row->flops[1] += images * (images_in > 0 ? 2 : 4) * macs;
    row->bytes[1] += images * (2 * in - images_in + 2 * out);
  }
}

/* "conv 1x1", "depthwise 5x5", "add"; or the layer's name and the pixels of its output, which may repeat. */
static void name_row(const na_layer *layer, na_profile_by by, na_profile_row *row)
{
  if (by == NA_PROFILE_BY_LAYER) {
    snprintf(row->name, sizeof row->name, "%.48s @%d", layer->name, layer->height);
    return;
  }
  bool has_kernel = layer->kind == NA_CONV || layer->kind == NA_DEPTHWISE ||
                    layer->kind == NA_MAXPOOL || layer->kind == NA_AVGPOOL;
  if (has_kernel)
    snprintf(row->name, sizeof row->name, "%s %dx%d", na_kind_name(layer->kind), layer->kernel,
             layer->kernel);
  else
    snprintf(row->name, sizeof row->name, "%s", na_kind_name(layer->kind));
}

/* The row of this name, a new one where there is none. */
static int find_row(const na_profile_row *row, na_profile_row *rows, int *count)
{
  int r = 0;
  while (r < *count && strcmp(rows[r].name, row->name) != 0) r++;
  if (r == *count) rows[(*count)++] = *row;
  return r;
}

/* The row of a depthwise layer and the expansion before it, whose backward passes may be one: "1x1 + dw 5x5". */
static void name_pair(const na_layer *layer, na_profile_by by, na_profile_row *row)
{
  if (by == NA_PROFILE_BY_LAYER) snprintf(row->name, sizeof row->name, "1x1 + %.48s", layer->name);
  else snprintf(row->name, sizeof row->name, "1x1 + dw %dx%d", layer->kernel, layer->kernel);
}

/* Gives every layer its row, and depthwise layers that of a pair; returns how many there are. */
static int make_rows(const na_net *net, na_profile_by by, na_profile_row *rows, const row_map *map)
{
  int count = 0;
  for (int i = 1; i < net->layer_count; i++) {
    na_profile_row row = {.name = ""};
    name_row(&net->layers[i], by, &row);
    map->layer[i] = find_row(&row, rows, &count);
    if (net->layers[i].kind != NA_DEPTHWISE) continue;
    name_pair(&net->layers[i], by, &row);
    map->pair[i] = find_row(&row, rows, &count);
  }
  return count;
}

static const int *widths_of(const na_bench *bench, int kind, int draw)
{
  if (kind == NA_BENCH_WIDEST) return bench->widest;
  if (kind != NA_BENCH_NETAUG) return NULL;
  return bench->drawn + (size_t)draw * (size_t)bench->net->dim_count;
}

/* Runs the steps with the clock on; adds to `seconds` by layer and pass, and the whole time. */
static int run_steps(na_bench *bench, int kind, int rounds, double *seconds, const row_map *map,
                     na_profile *profile, na_error *err)
{
  int draws = kind == NA_BENCH_NETAUG ? bench->draws : 1, code = NA_OK;
  bool trains = kind != NA_BENCH_EVAL;
  na_workspace_time(bench->workspace, seconds);
  for (int i = 0; i < rounds * draws && code == NA_OK; i++) {
    const int *widths = widths_of(bench, kind, i % draws);
    na_bench_parts parts = {0};
    code = na_bench_once(bench, kind, i % draws, &parts, err);
    profile->seconds += parts.whole;
    profile->optimizer += parts.optimizer;
    count_pass(bench, bench->base, trains, map, profile->rows);
    if (widths != NULL) count_pass(bench, widths, trains, map, profile->rows);
  }
  na_workspace_time(bench->workspace, NULL);
  profile->steps = rounds * draws;
  return code;
}

/* From sums over all steps to one step. */
static void settle(const na_net *net, const double *seconds, const row_map *map, na_profile *profile)
{
  double steps = profile->steps, layers = 0;
  for (int i = 1; i < net->layer_count; i++) {
    for (int pass = 0; pass < 2; pass++)
      profile->rows[map->layer[i]].seconds[pass] += seconds[pass * net->layer_count + i];
    for (int pass = 0; pass < 2 && net->layers[i].kind == NA_DEPTHWISE; pass++)
      profile->rows[map->pair[i]].seconds[pass] += seconds[(2 + pass) * net->layer_count + i];
  }
  for (int r = 0; r < profile->count; r++)
    for (int pass = 0; pass < 2; pass++) {
      na_profile_row *row = &profile->rows[r];
      layers += row->seconds[pass];
      row->seconds[pass] /= steps;
      row->flops[pass] /= steps;
      row->bytes[pass] /= steps;
    }
  profile->other = (profile->seconds - layers - profile->optimizer) / steps;
  profile->optimizer /= steps;
  profile->seconds /= steps;
}

int na_bench_profile(na_bench *bench, int kind, na_profile_by by, int rounds, na_profile *profile,
                     na_error *err)
{
  const na_net *net = bench->net;
  size_t layers = (size_t)net->layer_count;
  double *seconds = na_alloc_array(layers, 4 * sizeof *seconds);
  int *rows = na_alloc_array(layers, 2 * sizeof *rows), code = NA_OK;
  row_map map = {rows, rows == NULL ? NULL : rows + layers};
  na_bench_parts warm;
  *profile = (na_profile){.kind = kind};
  profile->rows = na_alloc_array(layers, 2 * sizeof *profile->rows);
  if (seconds == NULL || rows == NULL || profile->rows == NULL)
    code = na_fail_memory(err, layers * sizeof *profile->rows, "a profile");
  if (code == NA_OK) code = na_bench_once(bench, kind, 0, &warm, err);
  if (code == NA_OK) {
    profile->count = make_rows(net, by, profile->rows, &map);
    code = run_steps(bench, kind, rounds, seconds, &map, profile, err);
  }
  if (code == NA_OK) settle(net, seconds, &map, profile);
  na_free(seconds);
  na_free(rows);
  return code;
}

void na_profile_free(na_profile *profile)
{
  na_free(profile->rows);
  profile->rows = NULL;
}
