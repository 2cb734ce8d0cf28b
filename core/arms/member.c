/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/member.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/store/metrics.h"
#include "core/train/recorder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS_MOST = 1000000 };

#define STATE_WORD(symbol, word) word,
static const char *const words[] = {NA_MEMBER_STATES(STATE_WORD)};

const char *na_member_word(na_member_state state)
{
  return words[state];
}

/* The first reason stays. */
static void leave_out(na_member *m, na_member_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void leave_out(na_member *m, na_member_state state, const char *format, ...)
{
  if (m->state != NA_MEMBER_FINISHED) return;
  va_list args;
  va_start(args, format);
  vsnprintf(m->why, sizeof m->why, format, args);
  va_end(args);
  na_text_tame(m->why);
  m->state = state;
}

/* ------------------------------------------------------------------------------- settings */

const char *na_member_setting(const na_member *m, const char *name)
{
  const char *value = na_run_setting_of(&m->run, name);
  return value != NULL ? value : "";
}

/* A whole number from 0 on, or -1. */
static long seed_of(const na_member *m, const char *name)
{
  const char *text = na_member_setting(m, name);
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  return end != text && *end == '\0' && errno == 0 && value >= 0 && value <= INT32_MAX ? value : -1;
}

static void read_seeds(na_member *m)
{
  m->seed = seed_of(m, "train.seed");
  m->key = ((uint64_t)(m->seed + 1) << 32) + (uint64_t)(seed_of(m, "data.seed") + 1);
}

/* -------------------------------------------------------------------------------- metrics */

static double best_of(const double *values, int count, bool lower)
{
  double best = NAN;
  for (int i = 0; i < count; i++) best = lower ? fmin(best, values[i]) : fmax(best, values[i]);
  return best;
}

/* A column of the epochs; *count falls to its rows. */
static int read_column(const char *file, const char *column, double **values, int *count,
                       na_error *err)
{
  char path[64];
  long rows;
  snprintf(path, sizeof path, "epoch/%s", column);
  int code = na_metrics_read(file, path, values, &rows, err);
  if (code == NA_OK && rows < *count) *count = (int)rows;
  return code;
}

static int read_curve(na_member *m, const char *file, const na_measure *measure, na_error *err)
{
  m->epochs = EPOCHS_MOST;
  int code = read_column(file, "epoch", &m->epoch, &m->epochs, err);
  if (code == NA_OK) code = read_column(file, measure->column, &m->curve, &m->epochs, err);
  if (code != NA_OK) m->epochs = 0;
  for (int i = 0; i < m->epochs; i++)
    if (measure->share) m->curve[i] *= 100;
  m->value = measure->best   ? best_of(m->curve, m->epochs, measure->lower)
             : m->epochs > 0 ? m->curve[m->epochs - 1]
                             : NAN;
  return code;
}

static int read_isa(na_member *m, const char *file, na_error *err)
{
  char *text;
  int code = na_metrics_note(file, "isa", &text, err);
  if (code == NA_OK && text != NULL) snprintf(m->isa, sizeof m->isa, "%s", text);
  na_text_tame(m->isa);
  na_free(text);
  return code;
}

/* -------------------------------------------------------------------------- does it count? */

/* Not its rows, but its state tells whether it is done: the last epoch is told before it is saved. */
static void judge_end(na_member *m)
{
  const na_run *run = &m->run;
  if (run->state == NA_RUN_RUNNING)
    leave_out(m, NA_MEMBER_RUNNING, "epoch %.0f of %.0f", run->epoch, run->epochs);
  else if (run->state != NA_RUN_FINISHED || m->epochs == 0 || run->epoch < run->epochs)
    leave_out(m, run->state == NA_RUN_FAILED ? NA_MEMBER_FAILED : NA_MEMBER_UNFINISHED,
              "%.0f of %.0f epochs%s%s", run->epoch, run->epochs,
              run->why[0] != '\0' ? "; its log ends: " : "", run->why);
}

static int judge_steering(na_member *m, const char *file, na_error *err)
{
  na_steer_entry *entries = NULL;
  long count = 0;
  int code = m->run.changes > 0 ? na_metrics_steering(file, &entries, &count, err) : NA_OK;
  for (long i = 0; code == NA_OK && i < count; i++)
    if (entries[i].changes)
      leave_out(m, NA_MEMBER_STEERED, "%.150s after step %ld", entries[i].text, entries[i].step);
  na_free(entries);
  return code;
}

static int read_all(na_member *m, const char *file, const na_measure *measure, na_error *err)
{
  read_seeds(m);
  int code = read_curve(m, file, measure, err);
  if (code == NA_OK) code = judge_steering(m, file, err);
  if (code == NA_OK) code = read_isa(m, file, err);
  if (code != NA_OK) return code;
  judge_end(m);
  if (!isfinite(m->value))
    leave_out(m, NA_MEMBER_FAILED, "its %s is not a number at the end", measure->words);
  return NA_OK;
}

/* The parts of m->folder: all but the last, and the last. */
static int read_run(na_member *m, na_error *err)
{
  char above[NA_RUN_PATH] = ".";
  for (size_t end = strlen(m->folder); end > 1 && m->folder[end - 1] == '/';)
    m->folder[--end] = '\0';
  const char *slash = strrchr(m->folder, '/');
  const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : m->folder;
  int length = name > m->folder ? (int)(name - m->folder) : 1; /* with its slash: "/" stays */
  if (length >= (int)sizeof above)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", m->folder);
  if (name > m->folder) memcpy(above, m->folder, (size_t)length);
  above[length] = '\0';
  snprintf(m->name, sizeof m->name, "%.255s", name);
  na_text_tame(m->name);
  return na_run_read(&m->run, above, name, err);
}

/* Damage is no error, but lack of memory is. */
static int read_or_leave_out(na_member *m, const na_measure *measure, na_error *err)
{
  char file[NA_RUN_PATH];
  na_error damage = {0};
  if (snprintf(file, sizeof file, "%s/run.h5", m->folder) >= (int)sizeof file)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", m->folder);
  bool readable = m->run.state != NA_RUN_DAMAGED && m->run.text != NULL;
  int code = readable ? read_all(m, file, measure, &damage) : NA_EFORMAT;
  if (code == NA_OK) return NA_OK;
  if (code == NA_ENOMEM) return na_fail(err, code, "%s", damage.message);
  m->state = NA_MEMBER_FINISHED; /* what was found out before does not matter any more */
  leave_out(m, NA_MEMBER_UNREADABLE, "%s",
            damage.message[0] != '\0' ? damage.message
            : m->run.why[0] != '\0'   ? m->run.why
                                      : "it is being written at this moment");
  return NA_OK;
}

int na_member_read(na_member *m, const char *folder, const na_measure *measure, na_error *err)
{
  *m = (na_member){.folder = na_strdup(folder), .seed = -1, .value = NAN, .seconds = NAN};
  na_run_init(&m->run);
  if (m->folder == NULL) return na_fail_memory(err, strlen(folder), "a path");
  int code = read_run(m, err);
  if (code != NA_OK) return code;
  m->seconds = m->run.seconds;
  return read_or_leave_out(m, measure, err);
}

void na_member_free(na_member *m)
{
  na_run_free(&m->run);
  na_free(m->folder);
  na_free(m->epoch);
  na_free(m->curve);
  *m = (na_member){.folder = NULL};
}
