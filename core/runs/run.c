/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/run.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/net/net.h"
#include "core/runs/note.h"
#include "core/store/checkpoint.h"
#include "core/store/h5.h"
#include "core/train/recorder.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_ROWS = 4096, ROWS_MOST = 10000000, LOG_TAIL = 1024 };
static const double COUNT_MOST = 1e15;

#define STATE_WORD(symbol, word) word,
static const char *const words[] = {NA_RUN_STATES(STATE_WORD)};

const char *na_run_state_word(na_run_state state)
{
  return words[state];
}

static bool path_of(char path[NA_RUN_PATH], const char *folder, const char *name, const char *file)
{
  return snprintf(path, NA_RUN_PATH, "%s/%s%s%s", folder, name, file[0] != '\0' ? "/" : "", file) <
         NA_RUN_PATH;
}

bool na_run_is_one(const char *folder, const char *name)
{
  static const char *const files[] = {"run.h5", "log.txt", "experiment.lua"};
  char path[NA_RUN_PATH];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    if (path_of(path, folder, name, files[i]) && access(path, F_OK) == 0) return true;
  return false;
}

struct na_run_stamp na_run_stamp_of(const char *folder, const char *name)
{
  static const char *const files[] = {"", "run.h5", "log.txt", NA_NOTE_FILE};
  struct na_run_stamp stamp = {{0}};
  char path[NA_RUN_PATH];
  struct stat status;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    if (!path_of(path, folder, name, files[i]) || stat(path, &status) != 0) continue;
    stamp.values[2 * i] = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
    stamp.values[2 * i + 1] = status.st_size;
    if (i == 1) stamp.values[8] = (long long)status.st_ino; /* a run that goes on has a new file */
  }
  return stamp;
}

/* ------------------------------------------------------------------------------- settings */

const char *na_run_setting_of(const na_run *run, const char *name)
{
  for (int i = 0; i < run->setting_count; i++)
    if (strcmp(run->settings[i].name, name) == 0) return run->settings[i].value;
  return NULL;
}

int na_run_split(na_run *run, na_error *err)
{
  size_t lines = 1;
  char *rest;
  for (const char *c = run->text; *c != '\0'; c++) lines += *c == '\n';
  run->settings = na_alloc_array(lines, sizeof *run->settings);
  if (run->settings == NULL) return na_fail_memory(err, lines * sizeof *run->settings, "settings");
  for (char *line = strtok_r(run->text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char *equals = strstr(line, " =");
    if (equals == NULL || equals == line) continue;
    *equals = '\0';
    const char *value = equals + 2;
    na_text_tame(line);
    na_text_tame(equals + 2);
    run->settings[run->setting_count++] = (na_run_setting){line, value + (*value == ' ')};
  }
  run->model = na_run_setting_of(run, "model");
  run->data = na_run_setting_of(run, "data.path");
  const char *slash = run->data != NULL ? strrchr(run->data, '/') : NULL;
  if (slash != NULL && slash[1] != '\0') run->data = slash + 1;
  return NA_OK;
}

static int read_settings(na_run *run, na_h5 *file, na_error *err)
{
  int code = na_h5_has_attribute(file, "/", "settings")
                 ? na_h5_get_text(file, "/", "settings", &run->text, err)
                 : NA_OK;
  if (code == NA_OK && run->text == NULL) run->text = na_strdup("");
  if (code == NA_OK && run->text == NULL) code = na_fail_memory(err, 1, "settings");
  return code == NA_OK ? na_run_split(run, err) : code;
}

/* -------------------------------------------------------------------------------- metrics */

/* Rows of a column; 0 where there is none. */
static int count_rows(na_h5 *file, const char *column, long *rows, na_error *err)
{
  int rank;
  long long dims[NA_H5_RANK_MAX];
  *rows = 0;
  if (!na_h5_has(file, column)) return NA_OK;
  int code = na_h5_shape(file, column, &rank, dims, err);
  if (code != NA_OK) return code;
  if (rank != 1) return na_fail(err, NA_EFORMAT, "%s is not a column of numbers", column);
  if (dims[0] > ROWS_MOST) return na_fail(err, NA_EFORMAT, "%s has %lld rows", column, dims[0]);
  *rows = (long)dims[0];
  return NA_OK;
}

/* The last value of a column, if it is a number from 0 to most; else *value stays. */
static int read_last(na_h5 *file, const char *column, double most, double *value, na_error *err)
{
  long rows;
  double last = NAN;
  int code = count_rows(file, column, &rows, err);
  if (code == NA_OK && rows > 0)
    code = na_h5_read_rows(file, column, NA_H5_DOUBLE, rows - 1, 1, &last, err);
  if (last >= 0 && last <= most) *value = last;
  return code;
}

/* The best and the last measured value of a column; values out of 0 .. most are none. */
static int read_best(na_h5 *file, const char *column, double most, bool lowest, double *best,
                     double *last, na_error *err)
{
  double part[PART_ROWS];
  long rows;
  int code = count_rows(file, column, &rows, err);
  for (long first = 0; first < rows && code == NA_OK; first += PART_ROWS) {
    long count = rows - first < PART_ROWS ? rows - first : PART_ROWS;
    code = na_h5_read_rows(file, column, NA_H5_DOUBLE, first, count, part, err);
    for (long i = 0; i < count && code == NA_OK; i++) {
      if (!(part[i] >= 0 && part[i] <= most)) continue;
      *best = lowest ? fmin(*best, part[i]) : fmax(*best, part[i]);
      *last = part[i];
    }
  }
  return code;
}

static int read_scores(na_run *run, na_h5 *file, na_error *err)
{
  const struct {
    const char *column;
    double most;
    bool lowest;
    double *best, *last;
  } table[] = {
      {"epoch/base_val_top1", 1, false, &run->base_best.top1, &run->base_last.top1},
      {"epoch/base_val_loss", HUGE_VAL, true, &run->base_best.loss, &run->base_last.loss},
      {"epoch/augmented_val_top1", 1, false, &run->wide_best.top1, &run->wide_last.top1},
      {"epoch/augmented_val_loss", HUGE_VAL, true, &run->wide_best.loss, &run->wide_last.loss},
  };
  int code = NA_OK;
  for (size_t i = 0; i < sizeof table / sizeof table[0] && code == NA_OK; i++)
    code = read_best(file, table[i].column, table[i].most, table[i].lowest, table[i].best,
                     table[i].last, err);
  return code;
}

/* A whole number of the settings; 0 where there is none. */
static double planned(const na_run *run, const char *name)
{
  const char *text = na_run_setting_of(run, name);
  double value = text != NULL ? strtod(text, NULL) : 0;
  return value > 0 && value <= COUNT_MOST ? value : 0;
}

/* Steps are newer than epochs, but an epoch ends some time after its last step. */
static int read_position(na_run *run, na_h5 *file, na_error *err)
{
  double of_epochs = 0, of_steps = 0;
  const struct {
    const char *column;
    double *value;
  } table[] = {{"epoch/epoch", &run->epoch}, {"epoch/epochs", &run->epochs},
               {"epoch/step", &run->step},   {"epoch/steps", &run->steps},
               {"epoch/time", &of_epochs},   {"step/epochs", &run->epochs},
               {"step/step", &run->step},    {"step/steps", &run->steps},
               {"step/time", &of_steps}};
  int code = NA_OK;
  run->epoch = run->step = 0;
  run->epochs = planned(run, "train.epochs") + planned(run, "train.warmup");
  for (size_t i = 0; i < sizeof table / sizeof table[0] && code == NA_OK; i++)
    code = read_last(file, table[i].column, COUNT_MOST, table[i].value, err);
  run->seconds = fmax(of_epochs, of_steps);
  return code;
}

static int read_steering(na_run *run, na_h5 *file, na_error *err)
{
  static const char column[] = "steering/changes";
  double part[PART_ROWS];
  long rows;
  int code = count_rows(file, column, &rows, err);
  for (long first = 0; first < rows && code == NA_OK; first += PART_ROWS) {
    long count = rows - first < PART_ROWS ? rows - first : PART_ROWS;
    code = na_h5_read_rows(file, column, NA_H5_DOUBLE, first, count, part, err);
    for (long i = 0; i < count && code == NA_OK; i++) run->changes += part[i] == 1;
  }
  return code;
}

/* ---------------------------------------------------------------------------------- notes */

/* A text attribute, tamed; empty where it cannot be had. */
static void read_text(na_h5 *file, const char *name, char *out, size_t size)
{
  char *text = NULL;
  out[0] = '\0';
  if (na_h5_has_attribute(file, "/", name) && na_h5_get_text(file, "/", name, &text, NULL) == NA_OK)
    snprintf(out, size, "%s", text);
  na_text_tame(out);
  na_free(text);
}

static double read_number(na_h5 *file, const char *name)
{
  char text[32], *end;
  read_text(file, name, text, sizeof text);
  double value = strtod(text, &end);
  return end != text && *end == '\0' && value >= 0 && value <= COUNT_MOST ? value : NAN;
}

/* What the network in a checkpoint costs: runs of the first versions do not say it themselves. */
static bool read_cost(const char *path, double *parameters, double *macs)
{
  na_h5 *file;
  char *text = NULL;
  na_net *net = NULL;
  if (na_h5_open(&file, path, NULL) != NA_OK) return false;
  int code = na_h5_get_text(file, "/", "net", &text, NULL);
  na_h5_close(file, NULL);
  if (code == NA_OK) code = na_net_read(text, &net, NULL);
  int *widths = code == NA_OK ? na_alloc_array((size_t)net->dim_count + 1, sizeof *widths) : NULL;
  if (widths != NULL) {
    na_cost cost;
    na_net_base(net, widths);
    na_net_cost(net, widths, &cost);
    *parameters = (double)cost.parameters;
    *macs = (double)cost.macs;
  }
  bool known = widths != NULL;
  na_free(widths);
  na_net_free(net);
  na_free(text);
  return known;
}

static void read_notes(na_run *run, na_h5 *file, const char *folder, const char *name)
{
  static const char *const files[] = {"last.h5", "best.h5"};
  char path[NA_RUN_PATH];
  read_text(file, "started", run->started, sizeof run->started);
  run->parameters = read_number(file, "parameters");
  run->macs = read_number(file, "macs");
  for (size_t i = 0; isnan(run->macs) && i < sizeof files / sizeof files[0]; i++)
    if (path_of(path, folder, name, files[i]) && read_cost(path, &run->parameters, &run->macs)) break;
}

/* The last line of the log, without its time of day. */
static void read_log_end(const char *path, char out[LOG_TAIL])
{
  static const size_t clock = sizeof "2026-01-31 12:00:00 " - 1;
  out[0] = '\0';
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not stop us */
  if (fd < 0) return;
  off_t size = lseek(fd, 0, SEEK_END), from = size > LOG_TAIL - 1 ? size - (LOG_TAIL - 1) : 0;
  ssize_t length = size > 0 ? pread(fd, out, LOG_TAIL - 1, from) : 0;
  close(fd);
  while (length > 0 && out[length - 1] == '\n') length--;
  out[length > 0 ? length : 0] = '\0';
  const char *line = strrchr(out, '\n');
  line = line != NULL ? line + 1 : out;
  if (strlen(line) > clock && line[4] == '-' && line[clock - 1] == ' ') line += clock;
  memmove(out, line, strlen(line) + 1);
  na_text_tame(out);
}

/* -------------------------------------------------------------------------------- a folder */

/* What its regular files take on the disk. */
static double measure(const char *folder, const char *name)
{
  char path[NA_RUN_PATH];
  double bytes = 0;
  struct stat status;
  DIR *dir = path_of(path, folder, name, "") ? opendir(path) : NULL;
  for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
    if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      bytes += 512.0 * (double)status.st_blocks;
  if (dir != NULL) closedir(dir);
  return bytes;
}

int na_run_saved_epochs(const char *folder)
{
  char path[NA_RUN_PATH];
  na_checkpoint state = {0};
  if (!path_of(path, folder, "last.h5", "") || na_checkpoint_state(path, &state, NULL) != NA_OK)
    return 0;
  int epoch = state.epoch;
  na_checkpoint_free(&state);
  return epoch;
}

/* A log ends with "done", with why it stopped, with an error, or somewhere where it was killed: after
 * its last checkpoint nothing was left to do. */
static void judge_end(na_run *run, const char *folder, const char *log)
{
  char end[LOG_TAIL];
  static const char failed[] = "failed: ";
  read_log_end(log, end);
  bool with_error = strncmp(end, failed, sizeof failed - 1) == 0;
  bool at_end = run->epochs > 0 && run->epoch >= run->epochs;
  if (strcmp(end, "done") == 0 ||
      (at_end && !with_error && na_run_saved_epochs(folder) >= run->epochs)) {
    run->state = NA_RUN_FINISHED;
    return;
  }
  run->state = with_error ? NA_RUN_FAILED : NA_RUN_INTERRUPTED;
  const char *why = with_error ? end + sizeof failed - 1 : end;
  snprintf(run->why, sizeof run->why, "%.200s%s", why,
           with_error || strncmp(end, "stopped", 7) == 0 ? "" : " (then it was killed)");
}

static int check_format(na_h5 *file, na_error *err)
{
  char format[32];
  double version = 0;
  read_text(file, "format", format, sizeof format);
  if (strcmp(format, "netaug metrics") != 0)
    return na_fail(err, NA_EFORMAT, "run.h5 is not a run's metrics file");
  if (na_h5_get_number(file, "/", "version", &version, NULL) == NA_OK && version > 1)
    return na_fail(err, NA_EUNSUPPORTED, "run.h5 is of a newer version of netaug");
  return NA_OK;
}

static int read_file(na_run *run, const char *folder, const char *name, na_error *err)
{
  char path[NA_RUN_PATH];
  na_h5 *file;
  if (!path_of(path, folder, name, "run.h5")) return na_fail(err, NA_EINVAL, "its path is too long");
  if (access(path, F_OK) != 0) return na_fail(err, NA_EFORMAT, "it has no run.h5");
  int code = na_h5_open(&file, path, err);
  if (code != NA_OK) return code;
  code = check_format(file, err);
  if (code == NA_OK) code = read_settings(run, file, err);
  if (code == NA_OK) code = read_scores(run, file, err);
  if (code == NA_OK) code = read_position(run, file, err);
  if (code == NA_OK) code = read_steering(run, file, err);
  if (code == NA_OK) read_notes(run, file, folder, name);
  na_h5_close(file, NULL);
  return code;
}

void na_run_init(na_run *run)
{
  static const na_run_score none = {NAN, NAN};
  *run = (na_run){.epoch = NAN, .epochs = NAN, .step = NAN, .steps = NAN, .base_best = none,
                  .base_last = none, .wide_best = none, .wide_last = none, .parameters = NAN,
                  .macs = NAN, .seconds = NAN, .bytes = NAN};
}

/* The new reading takes the older one's place. */
static void replace(na_run *run, na_run *new)
{
  new->stamp = run->stamp;
  new->stale = run->stale;
  na_run_free(run);
  *run = *new;
}

int na_run_read(na_run *run, const char *folder, const char *name, na_error *err)
{
  char path[NA_RUN_PATH], log[NA_RUN_PATH];
  na_error trouble = {0};
  na_run new;
  na_run_init(&new);
  if (!path_of(path, folder, name, "") || !path_of(log, folder, name, "log.txt"))
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", folder);
  new.name = na_strdup(name);
  if (new.name == NULL) return na_fail_memory(err, strlen(name), "a run's name");
  bool live = na_run_is_live(path);
  int code = read_file(&new, folder, name, &trouble);
  if (code == NA_ENOMEM) {
    na_run_free(&new);
    return na_fail(err, code, "%s", trouble.message);
  }
  new.bytes = measure(folder, name);
  na_note_read(folder, name, new.note);
  if (live && code != NA_OK && run->text != NULL) { /* between two flushes */
    run->state = NA_RUN_RUNNING;
    na_run_free(&new);
    return NA_OK;
  }
  if (live) new.state = NA_RUN_RUNNING;
  else if (code == NA_OK) judge_end(&new, path, log);
  else {
    size_t length = strlen(path); /* the run's name is known */
    bool named = strncmp(trouble.message, path, length) == 0 && trouble.message[length] == '/';
    new.state = NA_RUN_DAMAGED;
    snprintf(new.why, sizeof new.why, "%.200s", trouble.message + (named ? length + 1 : 0));
    na_text_tame(new.why);
  }
  replace(run, &new);
  return NA_OK;
}

void na_run_free(na_run *run)
{
  na_free(run->name);
  na_free(run->text);
  na_free(run->settings);
  *run = (na_run){.name = NULL};
}
