/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/forecast.h"
#include "core/base/memory.h"
#include "core/net/build.h"

static const uint64_t SEED = 1;

static bool fits(const na_net *net, int *widths)
{
  na_net_widest(net, widths);
  for (int d = 0; d < net->dim_count; d++)
    if (widths[d] > net->dims[d].max) return false;
  return true;
}

/* The net with dims[dim_count] of its own that have the new lists: as it would be set, or, where there
 * are not that many channels, as it would be built. */
static int relist(const na_net *net, na_dim *dims, const na_list *width, const na_list *expand,
                  int *widths, na_net *copy, na_error *err)
{
  *copy = *net;
  copy->dims = dims;
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    dims[d] = (na_dim){.name = dim->name, .kind = dim->kind, .base = dim->base, .max = dim->max,
                       .source = dim->source, .list = {1, {1.0}}};
  }
  int code = na_net_relist(copy, width, expand, err);
  if (code != NA_OK || fits(copy, widths)) return code;
  copy->weights = NULL;
  return na_net_relist(copy, width, expand, err);
}

static void add(na_cost *sum, const na_cost *cost)
{
  sum->parameters += cost->parameters;
  sum->norm_parameters += cost->norm_parameters;
  sum->macs += cost->macs;
  sum->activation += cost->activation;
}

static void divide(na_cost *sum, long long by)
{
  sum->parameters /= by;
  sum->norm_parameters /= by;
  sum->macs /= by;
  sum->activation /= by;
}

static void measure(const na_net *net, const int *widths, na_cost *cost, long long *peak)
{
  na_net_cost(net, widths, cost);
  *peak = na_net_peak_activation(net, widths);
}

static void average(const na_net *net, na_sampling sampling, int *choices, int *widths,
                    na_forecast *out)
{
  out->mean = (na_cost){0};
  out->mean_peak = 0;
  for (uint64_t i = 0; i < NA_FORECAST_DRAWS; i++) {
    na_random random = na_random_at(SEED, i, 0);
    na_cost cost;
    long long peak;
    na_net_sample(net, sampling, &random, choices);
    na_net_widths(net, choices, widths);
    measure(net, widths, &cost, &peak);
    add(&out->mean, &cost);
    out->mean_peak += peak;
  }
  divide(&out->mean, NA_FORECAST_DRAWS);
  out->mean_peak /= NA_FORECAST_DRAWS;
}

int na_net_forecast(const na_net *net, const na_list *width, const na_list *expand,
                    na_sampling sampling, na_forecast *out, na_error *err)
{
  na_net copy;
  size_t count = (size_t)net->dim_count;
  na_dim *dims = na_alloc_array(count, sizeof *dims);
  int *choices = na_alloc_array(2 * count, sizeof *choices);
  int code = dims != NULL && choices != NULL
                 ? relist(net, dims, width, expand, choices, &copy, err)
                 : na_fail_memory(err, count * (sizeof *dims + 2 * sizeof *choices), "a forecast");
  if (code == NA_OK) {
    int *widths = choices + count;
    out->fits = copy.weights != NULL;
    na_net_base(&copy, widths);
    measure(&copy, widths, &out->base, &out->base_peak);
    na_net_widest(&copy, widths);
    measure(&copy, widths, &out->widest, &out->widest_peak);
    average(&copy, sampling, choices, widths, out);
  }
  na_free(dims);
  na_free(choices);
  return code;
}
