/* Series of points that grow, with everything a plot asks of them at once: the smallest and largest
 * value of any stretch, raw and smoothed. What is asked for is computed then, and kept: a changed
 * smoothing costs nothing where nobody looks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SERIES_H
#define NA_SERIES_H

#include "core/base/error.h"
#include "tui/screen/pyramid.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct na_series_cache na_series_cache;

typedef struct na_series {
  size_t count, capacity;
  double *x;     /* never falling */
  float *raw;    /* NaN: a gap */
  double decay;  /* of the smoothing: 0 is none; set by na_series_smooth */
  na_series_cache *cache; /* what was computed so far, of a const series, too */
} na_series;

void na_series_free(na_series *series);
void na_series_clear(na_series *series);

/* Adds a point; y may be NaN, which leaves a gap. An x that falls is taken as the last x. */
int na_series_add(na_series *series, double x, double y, na_error *err);

/* Sets the smoothing: with y_i the values that are numbers,
 *   m_i = d m_{i-1} + (1 - d) y_i,   smooth_i = m_i / (1 - d^i),
 * the exponential average without the bias of its start (Adam's correction). */
void na_series_smooth(na_series *series, double decay);

/* Smooths and computes one after another until `seconds` have gone by; those whose turn does not come keep
 * the smoothing that they have, to be drawn with it meanwhile. Returns how many these are: call it again
 * before the next picture. */
size_t na_series_smooth_some(na_series *const *list, size_t count, double decay, double seconds);

/* The first index whose x is at least `x`; count if none is. */
size_t na_series_find(const na_series *series, double x);

/* The same, quickly where it is near `guess`. */
size_t na_series_find_near(const na_series *series, double x, size_t guess);

/* Of the points first .. end-1. */
na_extent na_series_extent(const na_series *series, bool smooth, size_t first, size_t end);

/* Value i < count. */
double na_series_value(const na_series *series, bool smooth, size_t i);

/* The newest value that is a number, NaN when there is none. */
double na_series_last(const na_series *series, bool smooth);

/* The value at the last point whose x is at most `x` and that is a number; NaN: none. */
double na_series_at(const na_series *series, bool smooth, double x);

#endif
