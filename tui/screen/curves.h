/* The curves of one run, fed with its events: losses and accuracies of base and augmented network, in
 * training and validation, and marks where something happened.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CURVES_H
#define NA_CURVES_H

#include "core/train/trainer.h"
#include "tui/screen/series.h"

/* X(symbol, name): the curves of one chart, in the order in which they are drawn. */
#define NA_CURVES(X)                                                                               \
  X(WIDE, "augmented")                                                                             \
  X(BASE, "base")                                                                                  \
  X(WIDE_VAL, "widest val")                                                                        \
  X(BASE_VAL, "base val")

typedef enum na_curve {
#define NA_CURVE_ENUM(symbol, name) NA_CURVE_##symbol,
  NA_CURVES(NA_CURVE_ENUM)
#undef NA_CURVE_ENUM
  NA_CURVE_COUNT
} na_curve;

const char *na_curve_name(na_curve curve);

/* What happened after optimizer step `step`: p another phase, s a changed setting. */
typedef struct na_mark {
  long step;
  char kind;
  char text[64];
} na_mark;

typedef struct na_curves {
  na_series loss[NA_CURVE_COUNT], top1[NA_CURVE_COUNT]; /* over steps; top1 in percent */
  na_mark *marks;
  size_t mark_count, mark_capacity;
  na_phase phase;
  bool begun;
  long steps;  /* of the whole run */
  long batches; /* per epoch */
} na_curves;

/* Forgets everything but the smoothing. */
void na_curves_clear(na_curves *curves);
void na_curves_free(na_curves *curves);

/* Exponential smoothing of the training curves; validation is shown as it is. */
void na_curves_smooth(na_curves *curves, double decay);

int na_curves_event(na_curves *curves, const na_event *event, na_error *err);

#endif
