/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/recorder.h"
#include "core/base/memory.h"
#include "core/train/columns.h"
#include "core/train/environment.h"
#include "core/train/finite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* ----------------------------------------------------------------------------------- rows */

int na_recorder_step(na_recorder *recorder, const na_event *e, na_error *err)
{
  double values[NA_COLUMNS_MOST];
  if (recorder == NULL) return NA_OK;
  na_columns_step(e, values);
  return na_metrics_step(recorder->metrics, values, err);
}

int na_recorder_epoch(na_recorder *recorder, const na_event *e, na_error *err)
{
  double values[NA_COLUMNS_MOST];
  if (recorder == NULL) return NA_OK;
  na_columns_epoch(e, values);
  return na_metrics_epoch(recorder->metrics, values, err);
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
                            .note_count = total};
  setup.step_columns = na_run_columns("step", &setup.step_count);
  setup.epoch_columns = na_run_columns("epoch", &setup.epoch_count);
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

int na_run_check_idle(const char *folder, na_error *err)
{
  return na_run_is_live(folder) ? refuse_locked(folder, err) : NA_OK;
}

const char *na_recorder_last(const na_recorder *recorder)
{
  return recorder != NULL && recorder->last[0] != '\0' ? recorder->last : NULL;
}
