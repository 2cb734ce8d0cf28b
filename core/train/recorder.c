/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/recorder.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "core/train/environment.h"
#include "core/train/finite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = NA_RUN_PATH };

struct na_recorder {
  char *folder;
  FILE *log;
  na_metrics *metrics;
  bool fresh;           /* a new run of which nothing is written yet */
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
  char path[PATH_SIZE];
  na_h5 *file;
  *events = NULL;
  *count = 0;
  if (snprintf(path, sizeof path, "%s/run.h5", folder) >= PATH_SIZE)
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

int na_recorder_steered(na_recorder *recorder, const na_event *e, na_error *err)
{
  if (recorder == NULL) return NA_OK;
  na_steer_entry entry = {
      .step = e->step, .epoch = e->epoch, .time = e->time, .changes = e->changes};
  memcpy(entry.text, e->text, sizeof entry.text);
  return na_metrics_steered(recorder->metrics, &entry, err);
}

int na_recorder_flush(na_recorder *recorder, na_error *err)
{
  return recorder != NULL ? na_metrics_flush(recorder->metrics, err) : NA_OK;
}

na_rows na_recorder_rows(const na_recorder *recorder)
{
  return recorder != NULL ? na_metrics_rows(recorder->metrics) : (na_rows){0};
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
void na_recorder_path(const na_recorder *recorder, const char *name, char *path)
{
  snprintf(path, PATH_SIZE, "%s/%s", recorder->folder, name);
}

/* The lock's holder, as the last such line of the log names it: whoever gets the lock writes one. */
static void read_holder(const char *log, char holder[256])
{
  char line[1024], host[65];
  long process;
  FILE *file = fopen(log, "re");
  snprintf(holder, 256, "another process");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "%*s %*s process %ld on %64s trains here", &process, host) == 2)
      snprintf(holder, 256, "process %ld on %s", process, host);
  if (file != NULL) fclose(file);
}

static int refuse_locked(const char *folder, na_error *err)
{
  char path[PATH_SIZE], holder[256] = "another process";
  if (snprintf(path, sizeof path, "%s/log.txt", folder) < PATH_SIZE) read_holder(path, holder);
  na_fail(err, NA_EINVAL, "%s trains in %.300s", holder, folder);
  return na_hint(err, "wait for its end or stop it; netaug watch shows it");
}

static void log_holder(na_recorder *recorder)
{
  struct utsname name = {.nodename = ""};
  char line[256];
  uname(&name);
  snprintf(line, sizeof line, "process %ld on %s trains here", (long)getpid(),
           name.nodename[0] != '\0' ? name.nodename : "?");
  na_recorder_log(recorder, line);
}

/* A file system that knows no locks has none to respect. Whoever asks whether a run is live holds the lock
 * for a moment. */
static int lock(int fd)
{
  const struct timespec moment = {0, 20000000};
  for (int attempt = 0; attempt < 10; attempt++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 0;
    nanosleep(&moment, NULL);
  }
  return -1;
}

static int open_log(na_recorder *recorder, na_error *err)
{
  char path[PATH_SIZE];
  na_recorder_path(recorder, "log.txt", path);
  recorder->log = fopen(path, "ae"); /* a run that goes on keeps its log */
  if (recorder->log == NULL) {
    na_fail(err, NA_EIO, "cannot write %.300s: %s", path, strerror(errno));
    return na_hint(err, "check that the folder is yours to write, and has room");
  }
  if (lock(fileno(recorder->log)) != 0) return refuse_locked(recorder->folder, err);
  log_holder(recorder);
  return NA_OK;
}

/* What is there already must not be lost. */
static int check_new(const na_recorder *recorder, na_error *err)
{
  static const char *const files[] = {"run.h5", "last.h5", "best.h5"};
  char path[PATH_SIZE];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    na_recorder_path(recorder, files[i], path);
    if (access(path, F_OK) != 0) continue;
    na_fail(err, NA_EINVAL, "the folder %.300s holds a run already", recorder->folder);
    return na_hint(err, "choose another name, or go on with it: netaug resume");
  }
  return NA_OK;
}

int na_recorder_new(na_recorder **out, const char *folder, bool again, na_error *err)
{
  *out = NULL;
  int code = make_folders(folder, err);
  if (code != NA_OK) return code;
  na_recorder *recorder = na_alloc(sizeof *recorder);
  if (recorder == NULL) return na_fail_memory(err, sizeof *recorder, "the run's recorder");
  recorder->folder = na_strdup(folder);
  if (recorder->folder == NULL) code = na_fail_memory(err, strlen(folder), "the run's folder");
  if (code == NA_OK && na_run_is_live(folder)) code = refuse_locked(folder, err);
  if (code == NA_OK && !again) code = check_new(recorder, err);
  if (code == NA_OK) code = open_log(recorder, err);
  if (code != NA_OK) {
    na_recorder_free(recorder, NULL);
    return code;
  }
  recorder->fresh = !again;
  *out = recorder;
  return NA_OK;
}

static int begin(na_recorder *recorder, const na_metrics_setup *setup, const na_rows *rows,
                 na_error *err)
{
  char path[PATH_SIZE];
  bool complete = true;
  na_recorder_path(recorder, "run.h5", path);
  if (rows == NULL) return na_metrics_create(&recorder->metrics, path, setup, err);
  int code = na_metrics_resume(&recorder->metrics, path, setup, rows, &complete, err);
  if (code == NA_OK && !complete)
    na_recorder_log(recorder, "some metrics before this position were missing or damaged");
  return code;
}

int na_recorder_begin(na_recorder *recorder, const char *description, const na_note *notes,
                      int note_count, const na_rows *rows, na_error *err)
{
  na_environment environment;
  na_environment_read(&environment);
  int total = note_count + NA_ENVIRONMENT_NOTES;
  na_note *all = na_alloc_array((size_t)total, sizeof *all);
  if (all == NULL) return na_fail_memory(err, (size_t)total * sizeof *all, "the run's notes");
  na_environment_notes(&environment, all);
  for (int i = 0; i < note_count; i++) all[NA_ENVIRONMENT_NOTES + i] = notes[i];
  na_metrics_setup setup = {.settings = description,
                            .notes = all,
                            .note_count = total,
                            .step_count = STEP_COUNT,
                            .step_columns = step_columns,
                            .epoch_count = EPOCH_COUNT,
                            .epoch_columns = epoch_columns};
  int code = begin(recorder, &setup, rows, err);
  if (code == NA_OK) recorder->fresh = false;
  na_free(all);
  return code;
}

/* A new folder is left as it was found when nothing could begin in it. */
static void take_back(na_recorder *recorder)
{
  char path[PATH_SIZE];
  struct stat status;
  na_recorder_path(recorder, "run.h5", path);
  unlink(path);
  if (fstat(fileno(recorder->log), &status) != 0 || status.st_size != 0) return;
  na_recorder_path(recorder, "log.txt", path);
  unlink(path);
}

int na_recorder_free(na_recorder *recorder, na_error *err)
{
  if (recorder == NULL) return NA_OK;
  int code = recorder->metrics != NULL ? na_metrics_close(recorder->metrics, err) : NA_OK;
  if (recorder->fresh) take_back(recorder);
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
  na_recorder_path(recorder, name, path);
  code = na_metrics_flush(recorder->metrics, err);
  if (code == NA_OK) code = na_checkpoint_rewrite(path, net, state, err);
  if (code == NA_OK) memcpy(recorder->last, path, sizeof path);
  return code;
}

/* "epoch-0012.h5" -> 12; -1: no such name. */
static long epoch_of(const char *name)
{
  char *end;
  if (strncmp(name, "epoch-", 6) != 0 || name[6] < '0' || name[6] > '9') return -1;
  long epoch = strtol(name + 6, &end, 10);
  return strcmp(end, ".h5") == 0 ? epoch : -1;
}

/* The oldest of the numbered checkpoints in *name; returns how many there are. */
static int oldest(const na_recorder *recorder, char name[256])
{
  DIR *folder = opendir(recorder->folder);
  const struct dirent *entry;
  long least = -1;
  int count = 0;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    long epoch = epoch_of(entry->d_name);
    if (epoch < 0) continue;
    count++;
    if (least >= 0 && epoch >= least) continue;
    least = epoch;
    snprintf(name, 256, "%s", entry->d_name);
  }
  if (folder != NULL) closedir(folder);
  return count;
}

void na_recorder_keep(na_recorder *recorder, int most)
{
  char name[256], path[PATH_SIZE];
  while (recorder != NULL && most > 0 && oldest(recorder, name) > most) {
    na_recorder_path(recorder, name, path);
    if (unlink(path) != 0) return;
  }
}

bool na_run_is_live(const char *folder)
{
  char path[PATH_SIZE];
  if (snprintf(path, sizeof path, "%s/log.txt", folder) >= PATH_SIZE) return false;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not stop us */
  if (fd < 0) return false;
  bool live = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return live;
}

const char *na_recorder_last(const na_recorder *recorder)
{
  return recorder != NULL && recorder->last[0] != '\0' ? recorder->last : NULL;
}
