/* Curves of arms over epochs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BAND_H
#define NA_BAND_H

#include "core/arms/arms.h"

/* Points of one curve, epochs where something was measured. low and high: one standard deviation
 * around the mean; equal to it where only one run was measured. For a single run they are NULL. */
typedef struct na_band {
  int count;
  double *x, *mean, *low, *high;
} na_band;

/* The mean over the runs of arm a that count, epoch by epoch. */
int na_band_arm(const na_arms *arms, int a, na_band *band, na_error *err);

/* One run's own curve. */
int na_band_run(const na_member *run, na_band *band, na_error *err);

void na_band_free(na_band *band);

#endif
