/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/band.h"
#include "core/base/memory.h"
#include "core/stats/test.h"

#include <math.h>

static int make(na_band *band, int room, bool wide, na_error *err)
{
  size_t count = (size_t)room + 1;
  *band = (na_band){.x = na_alloc_array(count, sizeof *band->x),
                    .mean = na_alloc_array(count, sizeof *band->mean)};
  if (wide) band->low = na_alloc_array(count, sizeof *band->low);
  if (wide) band->high = na_alloc_array(count, sizeof *band->high);
  bool whole =
      band->x != NULL && band->mean != NULL && (!wide || (band->low != NULL && band->high != NULL));
  if (whole) return NA_OK;
  na_band_free(band);
  return na_fail_memory(err, count * 32, "a curve");
}

static int longest(const na_arms *arms, const na_arm *arm)
{
  int most = 0;
  for (int i = 0; i < arm->count; i++)
    if (arms->runs[arm->members[i]].epochs > most) most = arms->runs[arm->members[i]].epochs;
  return most;
}

/* Row `row` of the runs that have it; `values` has room for all. */
static void add_row(const na_arms *arms, const na_arm *arm, int row, double *values, na_band *band)
{
  int count = 0;
  for (int i = 0; i < arm->count; i++) {
    const na_member *run = &arms->runs[arm->members[i]];
    if (row >= run->epochs || !isfinite(run->curve[row])) continue;
    band->x[band->count] = run->epoch[row];
    values[count++] = run->curve[row];
  }
  if (count == 0) return;
  double mean = na_mean(values, count), sd = count > 1 ? na_sd(values, count) : 0;
  band->mean[band->count] = mean;
  band->low[band->count] = mean - sd;
  band->high[band->count++] = mean + sd;
}

int na_band_arm(const na_arms *arms, int a, na_band *band, na_error *err)
{
  const na_arm *arm = &arms->arms[a];
  int rows = longest(arms, arm);
  *band = (na_band){.count = 0};
  double *values = na_alloc_array((size_t)arm->count + 1, sizeof *values);
  if (values == NULL) return na_fail_memory(err, (size_t)arm->count * 8, "a curve");
  int code = make(band, rows, true, err);
  for (int row = 0; code == NA_OK && row < rows; row++) add_row(arms, arm, row, values, band);
  na_free(values);
  return code;
}

int na_band_run(const na_member *run, na_band *band, na_error *err)
{
  int code = make(band, run->epochs, false, err);
  for (int row = 0; code == NA_OK && row < run->epochs; row++)
    if (isfinite(run->curve[row])) {
      band->x[band->count] = run->epoch[row];
      band->mean[band->count++] = run->curve[row];
    }
  return code;
}

void na_band_free(na_band *band)
{
  na_free(band->x);
  na_free(band->mean);
  na_free(band->low);
  na_free(band->high);
  *band = (na_band){.count = 0};
}
