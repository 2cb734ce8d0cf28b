/* A run's metrics file, run.h5: settings as attributes, one-dimensional extendable datasets per step
 * ("step/loss", ...) and per epoch ("epoch/base_val_top1", ...).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_METRICS_H
#define NA_METRICS_H

#include "core/base/error.h"

typedef struct na_metrics na_metrics;

/* Creates path. step_columns and epoch_columns are the names of the columns, borrowed. settings:
 * text stored as the attribute "settings", may be NULL. */
int na_metrics_create(na_metrics **metrics, const char *path, const char *settings,
                      int step_count, const char *const *step_columns, int epoch_count,
                      const char *const *epoch_columns, na_error *err);

/* Adds one row: values in the order of the columns. Rows are buffered and flushed to disk at least
 * once a second (checked at each call) and at every epoch row. */
int na_metrics_step(na_metrics *metrics, const double *values, na_error *err);
int na_metrics_epoch(na_metrics *metrics, const double *values, na_error *err);

/* Flushes, closes and frees. */
int na_metrics_close(na_metrics *metrics, na_error *err);

/* Reads one column ("epoch/base_val_top1") of any run.h5: *values allocated (na_free), *count long. */
int na_metrics_read(const char *path, const char *column, double **values, long *count,
                    na_error *err);

#endif
