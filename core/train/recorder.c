/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/recorder.h"
#include "core/base/memory.h"
#include "core/store/metrics.h"
#include "core/train/finite.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PATH_SIZE = 4096 };

struct na_recorder {
  char *folder;
  FILE *log;
  na_metrics *metrics;
  char last[PATH_SIZE]; /* path of the last checkpoint; empty: none yet */
};

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
  X(data_wait, e->data_wait)
#define EPOCH_COLUMNS(X)                                                                           \
  STEP_COLUMNS(X)                                                                                  \
  RESULT_COLUMNS(X, base_val)                                                                      \
  RESULT_COLUMNS(X, augmented_val)                                                                 \
  X(best, e->best)

#define COLUMN_NAME(name, value) #name,
#define COLUMN_VALUE(name, value) value,
static const char *const step_columns[] = {STEP_COLUMNS(COLUMN_NAME)};
static const char *const epoch_columns[] = {EPOCH_COLUMNS(COLUMN_NAME)};
enum {
  STEP_COUNT = sizeof step_columns / sizeof step_columns[0],
  EPOCH_COUNT = sizeof epoch_columns / sizeof epoch_columns[0]
};

int na_recorder_step(na_recorder *recorder, const na_event *e, na_error *err)
{
  if (recorder == NULL) return NA_OK;
  const double values[] = {STEP_COLUMNS(COLUMN_VALUE)};
  return na_metrics_step(recorder->metrics, values, err);
}

int na_recorder_epoch(na_recorder *recorder, const na_event *e, na_error *err)
{
  if (recorder == NULL) return NA_OK;
  const double values[] = {EPOCH_COLUMNS(COLUMN_VALUE)};
  return na_metrics_epoch(recorder->metrics, values, err);
}

/* ---------------------------------------------------------------------------------- files */

static int make_folder(const char *path, na_error *err)
{
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return NA_OK;
  return na_fail(err, NA_EIO, "cannot make the folder %.200s: %s", path, strerror(errno));
}

static int make_folders(const char *folder, na_error *err)
{
  char path[PATH_SIZE];
  size_t length = strlen(folder);
  if (length == 0 || length > PATH_SIZE - 64)
    return na_fail(err, NA_EINVAL, "the run's folder has an impossible name (%zu bytes)", length);
  memcpy(path, folder, length + 1);
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int code = make_folder(path, err);
    if (code != NA_OK) return code;
    *slash = '/';
  }
  return make_folder(path, err);
}

/* The folder's name was checked to leave room for the names in it. */
static void path_in(const na_recorder *recorder, const char *name, char path[PATH_SIZE])
{
  snprintf(path, PATH_SIZE, "%s/%s", recorder->folder, name);
}

static int open_log(na_recorder *recorder, na_error *err)
{
  char path[PATH_SIZE];
  path_in(recorder, "log.txt", path);
  recorder->log = fopen(path, "ae"); /* a run that goes on keeps its log */
  if (recorder->log != NULL) return NA_OK;
  return na_fail(err, NA_EIO, "cannot write %.300s: %s", path, strerror(errno));
}

int na_recorder_new(na_recorder **out, const char *folder, const char *description, na_error *err)
{
  char path[PATH_SIZE];
  *out = NULL;
  int code = make_folders(folder, err);
  if (code != NA_OK) return code;
  na_recorder *recorder = na_alloc(sizeof *recorder);
  if (recorder == NULL) return na_fail_memory(err, sizeof *recorder, "the run's recorder");
  recorder->folder = na_strdup(folder);
  if (recorder->folder == NULL) code = na_fail_memory(err, strlen(folder), "the run's folder");
  if (code == NA_OK) code = open_log(recorder, err);
  if (code == NA_OK) {
    path_in(recorder, "run.h5", path);
    code = na_metrics_create(&recorder->metrics, path, description, STEP_COUNT, step_columns,
                             EPOCH_COUNT, epoch_columns, err);
  }
  if (code != NA_OK) {
    na_recorder_free(recorder, NULL);
    return code;
  }
  *out = recorder;
  return NA_OK;
}

int na_recorder_free(na_recorder *recorder, na_error *err)
{
  if (recorder == NULL) return NA_OK;
  int code = recorder->metrics != NULL ? na_metrics_close(recorder->metrics, err) : NA_OK;
  if (recorder->log != NULL && fclose(recorder->log) != 0 && code == NA_OK)
    code = na_fail(err, NA_EIO, "cannot write the log in %.300s: %s", recorder->folder,
                   strerror(errno));
  na_free(recorder->folder);
  na_free(recorder);
  return code;
}

/* A full disk must not end a training for want of a log line: its error shows when the log is
 * closed. */
void na_recorder_log(na_recorder *recorder, const char *line)
{
  if (recorder == NULL) return;
  time_t now = time(NULL);
  struct tm local;
  char clock[32] = "";
  if (localtime_r(&now, &local) != NULL) strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S", &local);
  fprintf(recorder->log, "%s %s\n", clock, line);
  fflush(recorder->log);
}

static int check_finite(const na_net *net, na_error *err)
{
  int bad = na_finite_check(net->weights, net->values, net->params, net->param_count);
  if (bad < 0) return NA_OK;
  return na_fail(err, NA_ENAN, "%s has a value that is not a finite number", net->params[bad].name);
}

int na_recorder_save(na_recorder *recorder, const char *name, const na_net *net,
                     const na_checkpoint *state, na_error *err)
{
  char path[PATH_SIZE];
  if (recorder == NULL) return NA_OK;
  int code = check_finite(net, err);
  if (code != NA_OK) return code;
  path_in(recorder, name, path);
  code = na_checkpoint_save(path, net, state, true, err);
  if (code == NA_OK) memcpy(recorder->last, path, sizeof path);
  return code;
}

const char *na_recorder_last(const na_recorder *recorder)
{
  return recorder != NULL && recorder->last[0] != '\0' ? recorder->last : NULL;
}
