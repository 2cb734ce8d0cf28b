/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/metrics.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/store/h5.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
  CHUNK_ROWS = 512,
  BUFFER_ROWS = 1024,
  NAME_MAX_BYTES = 256,
  FORMAT_VERSION = 1,
  STEERING_CHUNK = 16
};
static const double most_lost = 1.0; /* seconds */

/* Columns of one kind, "step" or "epoch", and their rows not yet in the file: column c's are
 * rows[c * BUFFER_ROWS ...]. */
typedef struct table {
  const char *group;
  int columns, pending;
  long written; /* rows in the file */
  const char *const *names;
  double *rows;
} table;

struct na_metrics {
  na_h5 *file;
  table step, epoch, steering;
  double flushed, called; /* when last, in seconds of the monotonic clock */
};

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

const char *const na_steering_columns[NA_STEERING_COLUMNS] = {"step", "epoch", "time", "changes",
                                                              "text"};
enum { STEERING_COLUMNS = NA_STEERING_COLUMNS - 1 }; /* of numbers */
static const char steering_text[] = "steering/text";

static int make_steering(na_metrics *metrics, na_error *err)
{
  int code = make_table(metrics, &metrics->steering, "steering", STEERING_COLUMNS,
                        na_steering_columns, err);
  if (code != NA_OK) return code;
  return na_h5_extendable_texts(metrics->file, steering_text, sizeof((na_steer_entry *)0)->text,
                                STEERING_CHUNK, err);
}

static int describe(na_h5 *file, const na_metrics_setup *setup, na_error *err)
{
  int code = na_h5_set_text(file, "/", "format", "netaug metrics", err);
  if (code == NA_OK)
    code = na_h5_set_numbers(file, "/", "version", (double[]){FORMAT_VERSION}, 1, err);
  if (code == NA_OK && setup->settings != NULL)
    code = na_h5_set_text(file, "/", "settings", setup->settings, err);
  for (int i = 0; i < setup->note_count && code == NA_OK; i++)
    code = na_h5_set_text(file, "/", setup->notes[i].name, setup->notes[i].text, err);
  return code;
}

static void discard(na_metrics *metrics)
{
  na_free(metrics->step.rows);
  na_free(metrics->epoch.rows);
  na_free(metrics->steering.rows);
  na_free(metrics);
}

/* The file with its empty tables; notes of `old`, if any, win over those of the setup. */
static int make_file(na_metrics *metrics, const char *path, const na_metrics_setup *setup,
                     na_h5 *old, na_error *err)
{
  na_metrics_setup kept = *setup;
  if (old != NULL) kept.settings = NULL, kept.note_count = 0;
  int code = na_h5_create(&metrics->file, path, err);
  if (code == NA_OK) code = describe(metrics->file, &kept, err);
  if (code == NA_OK)
    code = make_table(metrics, &metrics->step, "step", setup->step_count, setup->step_columns, err);
  if (code == NA_OK)
    code =
        make_table(metrics, &metrics->epoch, "epoch", setup->epoch_count, setup->epoch_columns, err);
  if (code == NA_OK) code = make_steering(metrics, err);
  return code;
}

/* Lets others read, or takes everything back. */
static int open_up(na_metrics **out, na_metrics *metrics, int code, na_error *err)
{
  if (code == NA_OK) code = na_h5_start_swmr(metrics->file, err);
  metrics->flushed = metrics->called = na_now();
  if (code == NA_OK) {
    *out = metrics;
    return NA_OK;
  }
  na_h5_close(metrics->file, NULL);
  discard(metrics);
  return code;
}

/* ------------------------------------------------------------------------------ beginning */

/* Rows first .. first+count-1 of a column of the old file; NaN where it has none. */
static bool old_rows(na_h5 *old, const char *path, long first, long count, double *rows)
{
  int rank;
  long long dims[NA_H5_RANK_MAX] = {0};
  for (long i = 0; i < count; i++) rows[i] = NAN;
  if (old == NULL || na_h5_shape(old, path, &rank, dims, NULL) != NA_OK || rank != 1) return false;
  long have = dims[0] - first < count ? (long)dims[0] - first : count;
  if (have > 0 && na_h5_read_rows(old, path, NA_H5_DOUBLE, first, have, rows, NULL) != NA_OK)
    return false;
  return have == count;
}

static int copy_column(na_metrics *metrics, na_h5 *old, const char *path, long rows, bool *complete,
                       na_error *err)
{
  double part[BUFFER_ROWS];
  int code = NA_OK;
  for (long first = 0; first < rows && code == NA_OK; first += BUFFER_ROWS) {
    long count = rows - first < BUFFER_ROWS ? rows - first : BUFFER_ROWS;
    if (!old_rows(old, path, first, count, part)) *complete = false;
    code = na_h5_append_rows(metrics->file, path, NA_H5_DOUBLE, count, part, err);
  }
  return code;
}

static int copy_table(na_metrics *metrics, table *t, na_h5 *old, long rows, bool *complete,
                      na_error *err)
{
  char path[NAME_MAX_BYTES];
  int code = NA_OK;
  for (int c = 0; c < t->columns && code == NA_OK; c++) {
    code = column_path(path, t, c, err);
    if (code == NA_OK) code = copy_column(metrics, old, path, rows, complete, err);
  }
  t->written = rows;
  return code;
}

static int copy_texts(na_metrics *metrics, na_h5 *old, long rows, bool *complete, na_error *err)
{
  int code = NA_OK;
  for (long i = 0; i < rows && code == NA_OK; i++) {
    char *text = NULL;
    if (old == NULL || na_h5_read_text(old, steering_text, i, &text, NULL) != NA_OK)
      *complete = false;
    code = na_h5_append_text(metrics->file, steering_text, text != NULL ? text : "", err);
    na_free(text);
  }
  return code;
}

static int copy_all(na_metrics *metrics, na_h5 *old, const na_rows *rows, bool *complete,
                    na_error *err)
{
  int code = copy_table(metrics, &metrics->step, old, rows->step, complete, err);
  if (code == NA_OK)
    code = copy_table(metrics, &metrics->epoch, old, rows->epoch, complete, err);
  if (code == NA_OK)
    code = copy_table(metrics, &metrics->steering, old, rows->steering, complete, err);
  if (code == NA_OK) code = copy_texts(metrics, old, rows->steering, complete, err);
  if (code == NA_OK && old != NULL) code = na_h5_copy_rest(old, metrics->file, NULL, err);
  return code;
}

/* rows NULL: a new file. */
static int make_at(na_metrics **out, const char *path, const char *temporary,
                   const na_metrics_setup *setup, const na_rows *rows, bool *complete, na_error *err)
{
  na_h5 *old = NULL;
  na_metrics *metrics = na_alloc(sizeof *metrics);
  if (metrics == NULL) return na_fail_memory(err, sizeof *metrics, "the metrics");
  if (rows != NULL) *complete = na_h5_open(&old, path, NULL) == NA_OK;
  int code = make_file(metrics, temporary, setup, old, err);
  if (code == NA_OK && rows != NULL) code = copy_all(metrics, old, rows, complete, err);
  na_h5_close(old, NULL);
  if (code == NA_OK) code = na_h5_flush(metrics->file, err);
  code = open_up(out, metrics, code, err);
  if (code == NA_OK && (code = na_h5_rename(metrics->file, path, err)) != NA_OK) {
    na_metrics_close(*out, NULL);
    *out = NULL;
  }
  if (code != NA_OK) unlink(temporary);
  return code;
}

static int make(na_metrics **out, const char *path, const na_metrics_setup *setup,
                const na_rows *rows, bool *complete, na_error *err)
{
  na_buffer temporary = {0};
  *out = NULL;
  na_buffer_add(&temporary, "%s.tmp", path);
  int code = temporary.failed
                 ? na_fail_memory(err, strlen(path), "a path")
                 : make_at(out, path, temporary.data, setup, rows, complete, err);
  na_free(temporary.data);
  return code;
}

int na_metrics_create(na_metrics **out, const char *path, const na_metrics_setup *setup,
                      na_error *err)
{
  return make(out, path, setup, NULL, NULL, err);
}

int na_metrics_resume(na_metrics **out, const char *path, const na_metrics_setup *setup,
                      const na_rows *rows, bool *complete, na_error *err)
{
  return make(out, path, setup, rows, complete, err);
}

/* ------------------------------------------------------------------------------ writing */

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
  t->written += t->pending;
  t->pending = 0; /* also after a failure: the buffer must not overflow */
  return code;
}

int na_metrics_flush(na_metrics *metrics, na_error *err)
{
  int code = write_rows(metrics, &metrics->step, err);
  if (code == NA_OK) code = write_rows(metrics, &metrics->epoch, err);
  if (code == NA_OK) code = write_rows(metrics, &metrics->steering, err);
  if (code == NA_OK) code = na_h5_flush(metrics->file, err);
  metrics->flushed = na_now();
  return code;
}

static void add_row(table *t, const double *values)
{
  for (int c = 0; c < t->columns; c++) t->rows[(size_t)c * BUFFER_ROWS + (size_t)t->pending] = values[c];
  t->pending++;
}

int na_metrics_step(na_metrics *metrics, const double *values, na_error *err)
{
  double now = na_now(), interval = now - metrics->called;
  metrics->called = now;
  add_row(&metrics->step, values);
  /* The next call is expected after as long again: would that be too late? */
  if (metrics->step.pending < BUFFER_ROWS && now + interval < metrics->flushed + most_lost)
    return NA_OK;
  return na_metrics_flush(metrics, err);
}

int na_metrics_epoch(na_metrics *metrics, const double *values, na_error *err)
{
  add_row(&metrics->epoch, values);
  return na_metrics_flush(metrics, err);
}

int na_metrics_steered(na_metrics *metrics, const na_steer_entry *entry, na_error *err)
{
  const double values[STEERING_COLUMNS] = {(double)entry->step, entry->epoch, entry->time,
                                           entry->changes};
  int code = na_h5_append_text(metrics->file, steering_text, entry->text, err);
  if (code != NA_OK) return code;
  add_row(&metrics->steering, values);
  return na_metrics_flush(metrics, err);
}

na_rows na_metrics_rows(const na_metrics *metrics)
{
  return (na_rows){.step = metrics->step.written + metrics->step.pending,
                   .epoch = metrics->epoch.written + metrics->epoch.pending,
                   .steering = metrics->steering.written + metrics->steering.pending};
}

int na_metrics_close(na_metrics *metrics, na_error *err)
{
  if (metrics == NULL) return NA_OK;
  int code = na_metrics_flush(metrics, err);
  int closed = na_h5_close(metrics->file, err);
  discard(metrics);
  return code != NA_OK ? code : closed;
}

/* ------------------------------------------------------------------------------ reading */

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

int na_metrics_note(const char *path, const char *name, char **text, na_error *err)
{
  na_h5 *file;
  *text = NULL;
  int code = na_h5_open(&file, path, err);
  if (code != NA_OK) return code;
  if (na_h5_has_attribute(file, "/", name)) code = na_h5_get_text(file, "/", name, text, err);
  na_h5_close(file, NULL);
  return code;
}

static int read_entry(na_h5 *file, long row, na_steer_entry *entry, na_error *err)
{
  double values[STEERING_COLUMNS];
  char path[NAME_MAX_BYTES], *text = NULL;
  int code = NA_OK;
  for (int c = 0; c < STEERING_COLUMNS && code == NA_OK; c++) {
    snprintf(path, sizeof path, "steering/%s", na_steering_columns[c]);
    code = na_h5_read_rows(file, path, NA_H5_DOUBLE, row, 1, &values[c], err);
  }
  if (code == NA_OK) code = na_h5_read_text(file, steering_text, row, &text, err);
  if (code != NA_OK) return code;
  if (!(values[0] >= 0 && values[0] <= 0x1p53 && values[1] >= 0 && values[1] <= 1e9))
    code = na_fail(err, NA_EFORMAT, "row %ld of the steering log is damaged", row);
  else
    *entry = (na_steer_entry){.step = (long)values[0],
                              .epoch = (int)values[1],
                              .time = values[2],
                              .changes = values[3] != 0};
  snprintf(entry->text, sizeof entry->text, "%s", text);
  na_free(text);
  return code;
}

static int read_entries(na_h5 *file, na_steer_entry **entries, long *count, na_error *err)
{
  int rank = 0;
  long long dims[NA_H5_RANK_MAX] = {0}, texts = 0;
  if (!na_h5_has(file, steering_text)) return NA_OK; /* of the first versions */
  int code = na_h5_count_texts(file, steering_text, &texts, err);
  if (code == NA_OK) code = na_h5_shape(file, "steering/step", &rank, dims, err);
  if (code != NA_OK) return code;
  long rows = rank == 1 && dims[0] < texts ? (long)dims[0] : (long)texts;
  *entries = na_alloc_array((size_t)rows + 1, sizeof **entries);
  if (*entries == NULL) return na_fail_memory(err, (size_t)rows * sizeof **entries, "a log");
  for (long i = 0; i < rows && code == NA_OK; i++)
    code = read_entry(file, i, &(*entries)[i], err);
  *count = rows;
  return code;
}

int na_metrics_steering(const char *path, na_steer_entry **entries, long *count, na_error *err)
{
  na_h5 *file;
  *entries = NULL;
  *count = 0;
  int code = na_h5_open(&file, path, err);
  if (code != NA_OK) return code;
  code = read_entries(file, entries, count, err);
  na_h5_close(file, NULL);
  if (code == NA_OK) return NA_OK;
  na_free(*entries);
  *entries = NULL;
  *count = 0;
  return code;
}
