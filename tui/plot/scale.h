/* An axis: which values it shows, where its ticks go and what they say. Knows nothing of drawing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SCALE_H
#define NA_SCALE_H

#include "tui/plot/figure.h"

enum { NA_TICKS_MAX = 32 };

typedef struct na_tick {
  double at;
  char text[32];
} na_tick;

typedef struct na_scale {
  double low, high;
  bool log;
  int count;
  na_tick ticks[NA_TICKS_MAX];
} na_scale;

/* The values an axis has to show; low > high: none so far. */
typedef struct na_limits {
  double low, high;
} na_limits;
#define NA_NO_LIMITS ((na_limits){INFINITY, -INFINITY})

/* Takes value in, unless the axis cannot show it. */
void na_limits_take(na_limits *limits, const na_axis *axis, double value);

/* The axis for these values, with a share `room` of them free at both ends and about `wanted` ticks
 * at 1, 2 or 5 times a power of ten. */
void na_scale_make(na_scale *scale, const na_axis *axis, na_limits limits, double room, int wanted);

/* 0 at low, 1 at high; not finite for what the axis cannot show. */
double na_scale_place(const na_scale *scale, double value);

#endif
