/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/columns.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "core/store/metrics.h"
#include "core/train/recorder.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------------- columns */

/* A mean, or NaN where nothing was measured. */
static double of(const na_result *result, double value)
{
  return result->images > 0 ? value : NAN;
}

/* X(name, value of event e) */
#define RESULT_COLUMNS(X, field)                                                                   \
  X(field##_loss, of(&e->field, e->field.loss))                                                    \
  X(field##_top1, of(&e->field, e->field.top1))                                                    \
  X(field##_top5, of(&e->field, e->field.top5))
#define STEP_COLUMNS(X)                                                                            \
  X(step, (double)e->step)                                                                         \
  X(epoch, e->epoch)                                                                               \
  X(time, e->time)                                                                                 \
  X(lr, e->lr)                                                                                     \
  X(phase, e->phase)                                                                               \
  RESULT_COLUMNS(X, base)                                                                          \
  RESULT_COLUMNS(X, augmented)                                                                     \
  X(images_per_second, e->images_per_second)                                                       \
  X(data_wait, e->data_wait)                                                                       \
  X(epochs, e->epochs)                                                                             \
  X(steps, (double)e->steps)                                                                       \
  X(eta, e->eta)                                                                                   \
  X(base_images, (double)e->base.images)                                                           \
  X(augmented_images, (double)e->augmented.images)
#define EPOCH_COLUMNS(X)                                                                           \
  STEP_COLUMNS(X)                                                                                  \
  RESULT_COLUMNS(X, base_val)                                                                      \
  RESULT_COLUMNS(X, augmented_val)                                                                 \
  X(best, e->best)                                                                                 \
  X(base_val_images, (double)e->base_val.images)                                                   \
  X(augmented_val_images, (double)e->augmented_val.images)

#define COLUMN_NAME(name, value) #name,
#define COLUMN_VALUE(name, value) value,
static const char *const step_columns[] = {STEP_COLUMNS(COLUMN_NAME)};
static const char *const epoch_columns[] = {EPOCH_COLUMNS(COLUMN_NAME)};
enum {
  STEP_COUNT = sizeof step_columns / sizeof step_columns[0],
  EPOCH_COUNT = sizeof epoch_columns / sizeof epoch_columns[0]
};
_Static_assert((int)STEP_COUNT <= (int)NA_COLUMNS_MOST &&
                   (int)EPOCH_COUNT <= (int)NA_COLUMNS_MOST,
               "room for a row");

const char *const *na_run_columns(const char *table, int *count)
{
  static const struct {
    const char *name, *const *columns;
    int count;
  } tables[] = {{"step", step_columns, STEP_COUNT},
                {"epoch", epoch_columns, EPOCH_COUNT},
                {"steering", na_steering_columns, NA_STEERING_COLUMNS}};
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    if (strcmp(tables[i].name, table) != 0) continue;
    *count = tables[i].count;
    return tables[i].columns;
  }
  *count = 0;
  return NULL;
}

void na_columns_step(const na_event *e, double values[NA_COLUMNS_MOST])
{
  const double row[] = {STEP_COLUMNS(COLUMN_VALUE)};
  memcpy(values, row, sizeof row);
}

void na_columns_epoch(const na_event *e, double values[NA_COLUMNS_MOST])
{
  const double row[] = {EPOCH_COLUMNS(COLUMN_VALUE)};
  memcpy(values, row, sizeof row);
}

/* -------------------------------------------------------------------------------- reading */

/* Where a column's values go when rows are read back. */
typedef enum place_kind { PLACE_DOUBLE, PLACE_INT, PLACE_LONG, PLACE_BOOL } place_kind;
static const struct {
  const char *column;
  place_kind kind;
  size_t offset;
  bool of_epochs; /* only the epochs have it */
} places[] = {
#define PLACE(name, kind, field)                                                                   \
  {                                                                                                \
#name, kind, offsetof(na_event, field), false                                                  \
  }
#define LATER(name, kind, field)                                                                   \
  {                                                                                                \
#name, kind, offsetof(na_event, field), true                                                   \
  }
#define PLACES(name, P)                                                                            \
  P(name##_loss, PLACE_DOUBLE, name.loss), P(name##_top1, PLACE_DOUBLE, name.top1),                \
      P(name##_top5, PLACE_DOUBLE, name.top5), P(name##_images, PLACE_LONG, name.images)
    PLACE(step, PLACE_LONG, step),
    PLACE(epoch, PLACE_INT, epoch),
    PLACE(time, PLACE_DOUBLE, time),
    PLACE(lr, PLACE_DOUBLE, lr),
    PLACE(phase, PLACE_INT, phase),
    PLACES(base, PLACE),
    PLACES(augmented, PLACE),
    PLACE(images_per_second, PLACE_DOUBLE, images_per_second),
    PLACE(data_wait, PLACE_DOUBLE, data_wait),
    PLACE(epochs, PLACE_INT, epochs),
    PLACE(steps, PLACE_LONG, steps),
    PLACE(eta, PLACE_DOUBLE, eta),
    PLACES(base_val, LATER),
    PLACES(augmented_val, LATER),
    LATER(best, PLACE_BOOL, best),
#undef PLACES
#undef PLACE
#undef LATER
};
enum { PLACE_COUNT = sizeof places / sizeof places[0] };

/* Files are not trusted: numbers that cannot be are 0. */
static void put(na_event *event, size_t place, double value)
{
  void *at = (char *)event + places[place].offset;
  double count = value >= 0 && value <= 0x1p53 ? value : 0;
  switch (places[place].kind) {
  case PLACE_DOUBLE:
    *(double *)at = value;
    break;
  case PLACE_INT:
    *(int *)at = count <= 1e9 ? (int)count : 0;
    break;
  case PLACE_LONG:
    *(long *)at = (long)count;
    break;
  case PLACE_BOOL:
    *(bool *)at = value == 1;
    break;
  }
}

/* Rows that every column of a table has: a writer adds to one after the other. */
static int common_rows(na_h5 *file, const char *table, bool epochs, long *rows, na_error *err)
{
  char path[64];
  long long dims[NA_H5_RANK_MAX] = {0};
  int rank, code = NA_OK;
  *rows = LONG_MAX;
  for (size_t i = 0; i < PLACE_COUNT && code == NA_OK; i++) {
    snprintf(path, sizeof path, "%s/%s", table, places[i].column);
    if ((places[i].of_epochs && !epochs) || !na_h5_has(file, path)) continue;
    code = na_h5_shape(file, path, &rank, dims, err);
    if (code == NA_OK && rank != 1)
      code = na_fail(err, NA_ESHAPE, "%s is not a column of numbers", path);
    if (code == NA_OK && dims[0] < *rows) *rows = (long)dims[0];
  }
  if (code == NA_OK && *rows == LONG_MAX)
    code = na_fail(err, NA_EFORMAT, "holds no table %s of a run", table);
  return code;
}

static int read_rows(na_h5 *file, const char *table, bool epochs, long first, long count,
                     na_event *events, na_error *err)
{
  char path[64];
  int code = NA_OK;
  double *values = na_alloc_array((size_t)count + 1, sizeof *values);
  if (values == NULL) return na_fail_memory(err, (size_t)count * sizeof *values, "a column");
  for (size_t i = 0; i < PLACE_COUNT && code == NA_OK; i++) {
    snprintf(path, sizeof path, "%s/%s", table, places[i].column);
    if ((places[i].of_epochs && !epochs) || !na_h5_has(file, path)) continue;
    code = na_h5_read_rows(file, path, NA_H5_DOUBLE, first, count, values, err);
    for (long row = 0; code == NA_OK && row < count; row++) put(&events[row], i, values[row]);
  }
  na_free(values);
  return code;
}

static int read_events(na_h5 *file, bool epochs, long first, long most, na_event **events,
                       long *count, na_error *err)
{
  const char *table = epochs ? "epoch" : "step";
  long rows;
  int code = common_rows(file, table, epochs, &rows, err);
  if (code != NA_OK || rows <= first) return code;
  if (most > 0 && rows - first > most) rows = first + most;
  *events = na_alloc_array((size_t)(rows - first), sizeof **events);
  if (*events == NULL)
    return na_fail_memory(err, (size_t)(rows - first) * sizeof **events, "the events");
  *count = rows - first;
  code = read_rows(file, table, epochs, first, *count, *events, err);
  for (long i = 0; i < *count; i++) {
    na_event *e = &(*events)[i];
    e->kind = epochs ? NA_EVENT_EPOCH : NA_EVENT_STEP;
    e->merged = 1;
    if (e->phase > NA_PHASE_OFF) e->phase = NA_PHASE_PLAIN;
  }
  return code;
}

static int run_events(const char *folder, bool epochs, long first, long most, na_event **events,
                      long *count, na_error *err)
{
  char path[NA_RUN_PATH];
  na_h5 *file;
  *events = NULL;
  *count = 0;
  if (snprintf(path, sizeof path, "%s/run.h5", folder) >= (int)sizeof path)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", folder);
  int code = na_h5_open(&file, path, err);
  if (code != NA_OK) return code;
  code = read_events(file, epochs, first, most, events, count, err);
  na_h5_close(file, NULL);
  if (code == NA_OK) return NA_OK;
  na_free(*events);
  *events = NULL;
  *count = 0;
  return code;
}

int na_run_epochs(const char *folder, long first, long most, na_event **events, long *count,
                  na_error *err)
{
  return run_events(folder, true, first, most, events, count, err);
}

int na_run_steps(const char *folder, long first, long most, na_event **events, long *count,
                  na_error *err)
{
  return run_events(folder, false, first, most, events, count, err);
}
