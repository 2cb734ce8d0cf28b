/* Series of points that grow, with everything a plot asks of them at once: the smallest and largest
 * value of any stretch, raw and smoothed, from a pyramid that is kept up with every point.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SERIES_H
#define NA_SERIES_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { NA_PYRAMID_FAN = 16, NA_PYRAMID_LEVELS = 7 };

/* Level l holds the smallest and largest of each 16^(l+1) values. */
typedef struct na_pyramid {
  float *low[NA_PYRAMID_LEVELS], *high[NA_PYRAMID_LEVELS];
  size_t count[NA_PYRAMID_LEVELS], capacity[NA_PYRAMID_LEVELS];
} na_pyramid;

typedef struct na_series {
  size_t count, capacity;
  double *x;          /* never falling */
  float *raw, *smooth;
  na_pyramid raw_pyramid, smooth_pyramid;
  double decay;       /* of the smoothing: 0 is none */
  double sum, weight; /* its state: the value is sum / weight */
} na_series;

typedef struct na_extent {
  double low, high; /* low > high: nothing there */
} na_extent;

void na_series_free(na_series *series);
void na_series_clear(na_series *series);

/* Adds a point; y may be NaN, which leaves a gap. An x that falls is taken as the last x. */
int na_series_add(na_series *series, double x, double y, na_error *err);

/* Sets the smoothing and computes it anew over all points: with y_i the values that are numbers,
 *   m_i = d m_{i-1} + (1 - d) y_i,   smooth_i = m_i / (1 - d^i),
 * the exponential average without the bias of its start (Adam's correction). */
void na_series_smooth(na_series *series, double decay);

/* The first index whose x is at least `x`; count if none is. */
size_t na_series_find(const na_series *series, double x);

/* Of the points first .. end-1. */
na_extent na_series_extent(const na_series *series, bool smooth, size_t first, size_t end);

/* The newest value that is a number, NaN when there is none. */
double na_series_last(const na_series *series, bool smooth);

/* The value at the last point whose x is at most `x` and that is a number; NaN: none. */
double na_series_at(const na_series *series, bool smooth, double x);

#endif
