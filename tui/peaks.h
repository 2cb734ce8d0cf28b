/* What this machine can do at the most: the yardstick of a profile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PEAKS_H
#define NA_PEAKS_H

#include "core/base/team.h"

/* Of all the team's threads together, each the best of several attempts. */
typedef struct na_peaks {
  const char *isa;           /* of the kernels in use: "avx512" */
  double flops;              /* operations per second, two per fused multiply-add */
  double read, write, triad; /* bytes per second of arrays far larger than the caches; triad
                                (a = b + s c) counts its three arrays once each */
} na_peaks;

/* Takes about a second, and 192 MiB for that time. */
int na_peaks_measure(na_peaks *peaks, na_team *team, na_error *err);

#endif
