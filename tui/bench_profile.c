/* Where a step's time goes: by kind of layer and pass.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "tui/bench.h"

#include <stdio.h>
#include <string.h>

/* Adds a pass over the network at widths: operations and bytes of activations that must be moved at
 * the least when layers run one by one. Forward: inputs read, output written. Backward: inputs,
 * output and its gradient read, the inputs' gradients written; the images' is not wanted. */
static void count_pass(const na_net *net, const int *widths, int images, bool trains,
                       const int *row_of, na_profile_row *rows)
{
  for (int i = 1; i < net->layer_count; i++) {
    const na_layer *layer = &net->layers[i];
    na_cost own, read = {0};
    double in = 0, images_in = 0;
    na_layer_cost(net, i, widths, &own);
    for (int s = 0; s < 2 && layer->input[s] >= 0; s++) {
      na_layer_cost(net, layer->input[s], widths, &read);
      in += (double)read.activation;
      if (layer->input[s] == 0) images_in += (double)read.activation;
    }
    double out = (double)own.activation, macs = (double)own.macs;
    na_profile_row *row = &rows[row_of[i]];
    row->flops[0] += images * 2 * macs;
    row->bytes[0] += images * (in + out);
    if (!trains) continue;
    row->flops[1] += images * (images_in > 0 ? 2 : 4) * macs;
    row->bytes[1] += images * (2 * in - images_in + 2 * out);
  }
}

/* "conv 1x1", "depthwise 5x5", "add". */
static void name_row(const na_layer *layer, na_profile_row *row)
{
  bool has_kernel = layer->kind == NA_CONV || layer->kind == NA_DEPTHWISE ||
                    layer->kind == NA_MAXPOOL || layer->kind == NA_AVGPOOL;
  if (has_kernel)
    snprintf(row->name, sizeof row->name, "%s %dx%d", na_kind_name(layer->kind), layer->kernel,
             layer->kernel);
  else
    snprintf(row->name, sizeof row->name, "%s", na_kind_name(layer->kind));
}

/* Gives every layer its row; returns how many there are. */
static int make_rows(const na_net *net, na_profile_row *rows, int *row_of)
{
  int count = 0;
  for (int i = 1; i < net->layer_count; i++) {
    na_profile_row row = {.name = ""};
    name_row(&net->layers[i], &row);
    int r = 0;
    while (r < count && strcmp(rows[r].name, row.name) != 0) r++;
    if (r == count) rows[count++] = row;
    row_of[i] = r;
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
static int run_steps(na_bench *bench, int kind, int rounds, double *seconds, const int *row_of,
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
    count_pass(bench->net, bench->base, bench->batch, trains, row_of, profile->rows);
    if (widths != NULL) count_pass(bench->net, widths, bench->batch, trains, row_of, profile->rows);
  }
  na_workspace_time(bench->workspace, NULL);
  profile->steps = rounds * draws;
  return code;
}

/* From sums over all steps to one step. */
static void settle(const na_net *net, const double *seconds, const int *row_of, na_profile *profile)
{
  double steps = profile->steps, layers = 0;
  for (int i = 1; i < net->layer_count; i++)
    for (int pass = 0; pass < 2; pass++)
      profile->rows[row_of[i]].seconds[pass] += seconds[pass * net->layer_count + i];
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

int na_bench_profile(na_bench *bench, int kind, int rounds, na_profile *profile, na_error *err)
{
  const na_net *net = bench->net;
  size_t layers = (size_t)net->layer_count;
  double *seconds = na_alloc_array(layers, 2 * sizeof *seconds);
  int *row_of = na_alloc_array(layers, sizeof *row_of), code = NA_OK;
  na_bench_parts warm;
  *profile = (na_profile){.kind = kind};
  profile->rows = na_alloc_array(layers, sizeof *profile->rows);
  if (seconds == NULL || row_of == NULL || profile->rows == NULL)
    code = na_fail_memory(err, layers * sizeof *profile->rows, "a profile");
  if (code == NA_OK) code = na_bench_once(bench, kind, 0, &warm, err);
  if (code == NA_OK) {
    profile->count = make_rows(net, profile->rows, row_of);
    code = run_steps(bench, kind, rounds, seconds, row_of, profile, err);
  }
  if (code == NA_OK) settle(net, seconds, row_of, profile);
  na_free(seconds);
  na_free(row_of);
  return code;
}

void na_profile_free(na_profile *profile)
{
  na_free(profile->rows);
  profile->rows = NULL;
}
