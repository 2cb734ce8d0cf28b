/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/metrics.h"
#include "core/base/memory.h"
#include "core/store/h5.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CHUNK_ROWS = 512, BUFFER_ROWS = 1024, NAME_MAX_BYTES = 256, FORMAT_VERSION = 1 };
static const double most_lost = 1.0; /* seconds */

/* Columns of one kind, "step" or "epoch", and their rows not yet in the file: column c's are
 * rows[c * BUFFER_ROWS ...]. */
typedef struct table {
  const char *group;
  int columns, pending;
  const char *const *names;
  double *rows;
} table;

struct na_metrics {
  na_h5 *file;
  table step, epoch;
  double flushed, called; /* when last, in seconds of the monotonic clock */
};

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int column_path(char path[NAME_MAX_BYTES], const table *t, int column, na_error *err)
{
  int length = snprintf(path, NAME_MAX_BYTES, "%s/%s", t->group, t->names[column]);
  if (length < NAME_MAX_BYTES) return NA_OK;
  return na_fail(err, NA_EINVAL, "the name %.40s... is too long", t->names[column]);
}

static int make_table(na_metrics *metrics, table *t, const char *group, int count,
                      const char *const *names, na_error *err)
{
  char path[NAME_MAX_BYTES];
  *t = (table){.group = group, .columns = count, .names = names};
  t->rows = na_alloc_array((size_t)count * BUFFER_ROWS, sizeof *t->rows);
  if (t->rows == NULL) return na_fail_memory(err, 0, "the metrics' rows");
  int code = na_h5_group(metrics->file, group, err);
  for (int c = 0; c < count && code == NA_OK; c++) {
    code = column_path(path, t, c, err);
    if (code == NA_OK)
      code = na_h5_extendable(metrics->file, path, NA_H5_DOUBLE, 0, NULL, CHUNK_ROWS, err);
  }
  return code;
}

static int describe(na_h5 *file, const char *settings, na_error *err)
{
  int code = na_h5_set_text(file, "/", "format", "netaug metrics", err);
  if (code == NA_OK)
    code = na_h5_set_numbers(file, "/", "version", (double[]){FORMAT_VERSION}, 1, err);
  if (code == NA_OK && settings != NULL) code = na_h5_set_text(file, "/", "settings", settings, err);
  return code;
}

static void discard(na_metrics *metrics)
{
  na_free(metrics->step.rows);
  na_free(metrics->epoch.rows);
  na_free(metrics);
}

int na_metrics_create(na_metrics **out, const char *path, const char *settings, int step_count,
                      const char *const *step_columns, int epoch_count,
                      const char *const *epoch_columns, na_error *err)
{
  *out = NULL;
  na_metrics *metrics = na_alloc(sizeof *metrics);
  if (metrics == NULL) return na_fail_memory(err, sizeof *metrics, "the metrics");
  int code = na_h5_create(&metrics->file, path, err);
  if (code == NA_OK) code = describe(metrics->file, settings, err);
  if (code == NA_OK)
    code = make_table(metrics, &metrics->step, "step", step_count, step_columns, err);
  if (code == NA_OK)
    code = make_table(metrics, &metrics->epoch, "epoch", epoch_count, epoch_columns, err);
  if (code == NA_OK) code = na_h5_start_swmr(metrics->file, err);
  metrics->flushed = metrics->called = seconds();
  if (code == NA_OK) {
    *out = metrics;
    return NA_OK;
  }
  na_h5_close(metrics->file, NULL);
  discard(metrics);
  return code;
}

static int write_rows(na_metrics *metrics, table *t, na_error *err)
{
  char path[NAME_MAX_BYTES];
  int code = NA_OK;
  for (int c = 0; c < t->columns && t->pending > 0 && code == NA_OK; c++) {
    code = column_path(path, t, c, err);
    if (code == NA_OK)
      code = na_h5_append_rows(metrics->file, path, NA_H5_DOUBLE, t->pending,
                               t->rows + (size_t)c * BUFFER_ROWS, err);
  }
  t->pending = 0; /* also after a failure: the buffer must not overflow */
  return code;
}

static int flush(na_metrics *metrics, na_error *err)
{
  int code = write_rows(metrics, &metrics->step, err);
  if (code == NA_OK) code = write_rows(metrics, &metrics->epoch, err);
  if (code == NA_OK) code = na_h5_flush(metrics->file, err);
  metrics->flushed = seconds();
  return code;
}

static void add_row(table *t, const double *values)
{
  for (int c = 0; c < t->columns; c++) t->rows[(size_t)c * BUFFER_ROWS + (size_t)t->pending] = values[c];
  t->pending++;
}

int na_metrics_step(na_metrics *metrics, const double *values, na_error *err)
{
  double now = seconds(), interval = now - metrics->called;
  metrics->called = now;
  add_row(&metrics->step, values);
  /* The next call is expected after as long again: would that be too late? */
  if (metrics->step.pending < BUFFER_ROWS && now + interval < metrics->flushed + most_lost)
    return NA_OK;
  return flush(metrics, err);
}

int na_metrics_epoch(na_metrics *metrics, const double *values, na_error *err)
{
  add_row(&metrics->epoch, values);
  return flush(metrics, err);
}

int na_metrics_close(na_metrics *metrics, na_error *err)
{
  if (metrics == NULL) return NA_OK;
  int code = flush(metrics, err);
  int closed = na_h5_close(metrics->file, err);
  discard(metrics);
  return code != NA_OK ? code : closed;
}

static int read_column(na_h5 *file, const char *column, double **values, long *count,
                       na_error *err)
{
  int rank;
  long long dims[NA_H5_RANK_MAX];
  int code = na_h5_shape(file, column, &rank, dims, err);
  if (code != NA_OK) return code;
  if (rank != 1) return na_fail(err, NA_ESHAPE, "%s is not a column of numbers", column);
  double *read = na_alloc_array((size_t)dims[0] + 1, sizeof *read);
  if (read == NULL) return na_fail_memory(err, (unsigned long long)dims[0] * 8, column);
  /* Rows, not the whole: a writer may have added some meanwhile. */
  code = na_h5_read_rows(file, column, NA_H5_DOUBLE, 0, dims[0], read, err);
  if (code != NA_OK) {
    na_free(read);
    return code;
  }
  *values = read;
  *count = (long)dims[0];
  return NA_OK;
}

int na_metrics_read(const char *path, const char *column, double **values, long *count,
                    na_error *err)
{
  na_h5 *file;
  *values = NULL;
  *count = 0;
  int code = na_h5_open(&file, path, err);
  if (code != NA_OK) return code;
  code = read_column(file, column, values, count, err);
  na_h5_close(file, NULL);
  return code;
}
