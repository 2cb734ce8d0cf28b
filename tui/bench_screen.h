/* How long the screen takes from a key to the picture.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BENCH_SCREEN_H
#define NA_BENCH_SCREEN_H

#include "core/base/error.h"

#include <stdbool.h>

/* Made-up runs of `points` steps each: one that is watched, with all its curves, and others, of which one
 * curve each is drawn over it. Presses every key of the chart `rounds` times on a screen of 200 x 60 and prints, for
 * each, the median and the worst milliseconds until the first picture, and the median until all of it is
 * smoothed; as JSON where wanted. */
int na_bench_screen(long points, int runs, int rounds, bool json, na_error *err);

#endif
