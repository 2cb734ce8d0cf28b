/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/peaks.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/kernel/kernels.h"

enum { ATTEMPTS = 7, ROUNDS = 1000000, FLOATS = 16 << 20, RUN = 64 };

typedef struct probe {
  const na_kernels *kernels;
  int units;
  float *arrays; /* three of FLOATS */
  float sink[64];
  double flops; /* of one unit */
} probe;

/* Unit `unit`'s share of an array. */
static size_t share(const probe *p, int unit, size_t *first)
{
  size_t runs = FLOATS / RUN, units = (size_t)p->units, u = (size_t)unit;
  *first = runs * u / units * RUN;
  return runs * (u + 1) / units * RUN - *first;
}

static void spin(void *context, int unit, int worker)
{
  probe *p = context;
  (void)worker;
  double flops = p->kernels->peak_fma(ROUNDS, &p->sink[unit % 64]);
  if (unit == 0) p->flops = flops;
}

static void read_share(void *context, int unit, int worker)
{
  probe *p = context;
  size_t first, count = share(p, unit, &first);
  (void)worker;
  p->sink[unit % 64] = p->kernels->peak_read(p->arrays + first, count);
}

static void write_share(void *context, int unit, int worker)
{
  probe *p = context;
  size_t first, count = share(p, unit, &first);
  (void)worker;
  p->kernels->peak_write(p->arrays + first, count, 1.0f);
}

static void triad_share(void *context, int unit, int worker)
{
  probe *p = context;
  size_t first, count = share(p, unit, &first);
  (void)worker;
  p->kernels->peak_triad(p->arrays + first, p->arrays + FLOATS + first,
                         p->arrays + 2 * (size_t)FLOATS + first, count, 0.5f);
}

/* Seconds of the fastest attempt: whatever else the machine does only makes a peak lower. */
static double fastest(probe *p, na_team *team, na_task *task)
{
  double best = 0;
  for (int i = 0; i < ATTEMPTS; i++) {
    double begin = na_now();
    na_team_run(team, task, p, p->units);
    double seconds = na_now() - begin;
    if (i == 0 || seconds < best) best = seconds;
  }
  return best;
}

int na_peaks_measure(na_peaks *peaks, na_team *team, na_error *err)
{
  size_t bytes = FLOATS * sizeof(float);
  probe p = {.kernels = na_kernels_best(), .units = na_team_size(team)};
  p.arrays = na_block_new(3 * bytes);
  if (p.arrays == NULL) return na_fail_memory(err, 3 * bytes, "measuring the memory's speed");
  *peaks = (na_peaks){.isa = p.kernels->name};
  double seconds = fastest(&p, team, spin);
  peaks->flops = p.units * p.flops / seconds;
  peaks->read = (double)bytes / fastest(&p, team, read_share);
  peaks->write = (double)bytes / fastest(&p, team, write_share);
  peaks->triad = 3 * (double)bytes / fastest(&p, team, triad_share);
  na_block_free(p.arrays, 3 * bytes);
  return NA_OK;
}
