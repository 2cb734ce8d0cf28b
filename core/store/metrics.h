/* A run's metrics file, run.h5; core/store/FORMAT.md describes it. Settings and notes as attributes,
 * one-dimensional extendable datasets per step ("step/base_loss", ...) and per epoch
 * ("epoch/base_val_top1", ...), and the steering log.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_METRICS_H
#define NA_METRICS_H

#include "core/base/error.h"

#include <stdbool.h>

typedef struct na_metrics na_metrics;

/* A text attribute of the file. */
typedef struct na_note {
  const char *name, *text;
} na_note;

/* Where a run stands: rows of each table. */
typedef struct na_rows {
  long step, epoch, steering;
} na_rows;

/* What a metrics file is made of. Everything is borrowed. */
typedef struct na_metrics_setup {
  const char *settings; /* attribute "settings"; or NULL */
  const na_note *notes;
  int note_count;
  int step_count, epoch_count;
  const char *const *step_columns, *const *epoch_columns;
} na_metrics_setup;

/* Makes path, beside its place at first: it is there only when others can read it, however early this
 * process is killed. */
int na_metrics_create(na_metrics **metrics, const char *path, const na_metrics_setup *setup,
                      na_error *err);

/* Goes on with the file at path, cut to its first `rows`. It is written anew beside the old one and
 * then takes its place, so that a kill in between loses nothing. Notes of the old file stay, and so
 * does everything in it that this program does not know. Columns that it lacks are not-a-number so
 * far. A file that is missing or cannot be read counts as empty; *complete tells whether all the rows
 * were there. */
int na_metrics_resume(na_metrics **metrics, const char *path, const na_metrics_setup *setup,
                      const na_rows *rows, bool *complete, na_error *err);

/* Adds one row: values in the order of the columns. Rows are buffered and flushed to disk at least
 * once a second (checked at each call) and at every epoch row. */
int na_metrics_step(na_metrics *metrics, const double *values, na_error *err);
int na_metrics_epoch(na_metrics *metrics, const double *values, na_error *err);

/* A command that was applied after optimizer step `step`, with `epoch` epochs done. */
typedef struct na_steer_entry {
  long step;
  int epoch;
  double time;
  bool changes; /* it changed a setting */
  char text[512];
} na_steer_entry;

/* The steering log's columns; all are numbers but the last, the text. */
enum { NA_STEERING_COLUMNS = 5 };
extern const char *const na_steering_columns[NA_STEERING_COLUMNS];

/* Adds to the steering log, on disk at once. */
int na_metrics_steered(na_metrics *metrics, const na_steer_entry *entry, na_error *err);

/* Writes what is buffered: before a pause or a long task. */
int na_metrics_flush(na_metrics *metrics, na_error *err);

/* Rows so far. */
na_rows na_metrics_rows(const na_metrics *metrics);

/* Flushes, closes and frees. */
int na_metrics_close(na_metrics *metrics, na_error *err);

/* Reads one column ("epoch/base_val_top1") of any run.h5: *values allocated (na_free), *count long. */
int na_metrics_read(const char *path, const char *column, double **values, long *count,
                    na_error *err);

/* Reads an attribute that is a text: *text allocated (na_free), NULL where there is none. */
int na_metrics_note(const char *path, const char *name, char **text, na_error *err);

/* Reads the steering log: *entries allocated (na_free). */
int na_metrics_steering(const char *path, na_steer_entry **entries, long *count, na_error *err);

#endif
