/* Curves and marks of a run, read from its tables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RUN_CURVES_H
#define NA_RUN_CURVES_H

#include "tui/export.h"
#include "tui/plot/figure.h"
#include "tui/run_table.h"

/* One column over the axis. */
typedef struct na_run_curve {
  const char *column; /* borrowed from the table */
  size_t count;
  double *x, *y; /* [count] */
} na_run_curve;

typedef struct na_run_marks {
  na_event_mark *marks; /* by x; their texts are texts[] */
  char (*texts)[64];
  size_t count, capacity, text_capacity;
} na_run_marks;

/* A run's tables while curves are read: training by steps or by epochs, validation by epochs. */
typedef struct na_run_curves {
  na_export_axis axis;
  na_run_table epochs, steps, steering;
  bool by_steps;
} na_run_curves;

int na_run_curves_open(na_run_curves *run, const char *path, na_export_axis axis, na_error *err);
void na_run_curves_close(na_run_curves *run);

/* Columns of numbers, `by_steps` having been chosen: those of the training's table, then what only
 * the epochs have. Returns how many there are; names[0 .. room-1] are borrowed. */
int na_run_curves_columns(const na_run_curves *run, const char **names, int room);

/* Reads the curve of one of these; na_run_curve_free. */
int na_run_curve_read(const na_run_curves *run, const char *column, na_run_curve *curve,
                      na_error *err);
void na_run_curve_free(na_run_curve *curve);

/* Where phases changed and settings were changed. */
int na_run_marks_read(const na_run_curves *run, na_run_marks *marks, na_error *err);
void na_run_marks_free(na_run_marks *marks);

#endif
