/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/member.h"
#include "core/base/memory.h"
#include "core/net/net.h"
#include "core/store/h5.h"
#include "core/store/metrics.h"
#include "core/train/recorder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS_MOST = 1000000, LOG_TAIL = 600 };

#define STATE_WORD(symbol, word) word,
static const char *const words[] = {NA_MEMBER_STATES(STATE_WORD)};

const char *na_member_word(na_member_state state)
{
  return words[state];
}

/* Texts from files end up on terminals. */
static void tame(char *text)
{
  for (char *c = text; *c != '\0'; c++)
    if (((unsigned char)*c < ' ' && *c != '\n') || *c == 127) *c = '?';
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
  tame(m->why);
  m->state = state;
}

/* ------------------------------------------------------------------------------- settings */

/* "name = value" lines, cut in place. */
static int split_settings(na_member *m, na_error *err)
{
  int lines = 1;
  for (const char *c = m->text; *c != '\0'; c++) lines += *c == '\n';
  m->settings = na_alloc_array((size_t)lines, sizeof *m->settings);
  if (m->settings == NULL) return na_fail_memory(err, (size_t)lines * 16, "a run's settings");
  char *rest;
  for (char *line = strtok_r(m->text, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    char *equals = strstr(line, " =");
    if (equals == NULL || equals == line) continue;
    *equals = '\0';
    const char *value = equals + 2;
    m->settings[m->setting_count++] = (na_written){line, value + (*value == ' ')};
  }
  return NA_OK;
}

const char *na_member_setting(const na_member *m, const char *name)
{
  for (int i = 0; i < m->setting_count; i++)
    if (strcmp(m->settings[i].name, name) == 0) return m->settings[i].value;
  return "";
}

/* A whole number from 0 on, or `otherwise`. */
static long number(const na_member *m, const char *name, long otherwise)
{
  const char *text = na_member_setting(m, name);
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  return end != text && *end == '\0' && errno == 0 && value >= 0 && value <= INT32_MAX ? value
                                                                                       : otherwise;
}

static int read_settings(na_member *m, const char *file, na_error *err)
{
  int code = na_metrics_note(file, "settings", &m->text, err);
  if (code != NA_OK) return code;
  if (m->text == NULL) m->text = na_strdup("");
  if (m->text == NULL) return na_fail_memory(err, 1, "a run's settings");
  tame(m->text);
  code = split_settings(m, err);
  m->seed = number(m, "train.seed", -1);
  m->key = ((uint64_t)(m->seed + 1) << 32) + (uint64_t)(number(m, "data.seed", -1) + 1);
  m->planned = (int)fmin(
      (double)number(m, "train.epochs", 0) + (double)number(m, "train.warmup", 0), EPOCHS_MOST);
  return code;
}

/* -------------------------------------------------------------------------------- metrics */

/* The last of a column that is a number. */
static double last_of(const double *values, int count)
{
  while (count > 0 && isnan(values[count - 1])) count--;
  return count > 0 ? values[count - 1] : NAN;
}

static double best_of(const double *values, int count, bool lower)
{
  double best = NAN;
  for (int i = 0; i < count; i++) best = lower ? fmin(best, values[i]) : fmax(best, values[i]);
  return best;
}

/* A column of the epochs, cut to *count rows, or *count to its rows. */
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
  double *seconds = NULL;
  m->epochs = EPOCHS_MOST;
  int code = read_column(file, "epoch", &m->epoch, &m->epochs, err);
  if (code == NA_OK) code = read_column(file, measure->column, &m->curve, &m->epochs, err);
  if (code == NA_OK) code = read_column(file, "time", &seconds, &m->epochs, err);
  if (code != NA_OK) m->epochs = 0;
  for (int i = 0; i < m->epochs; i++)
    if (measure->share) m->curve[i] *= 100;
  m->seconds = last_of(seconds, m->epochs);
  m->value = measure->best   ? best_of(m->curve, m->epochs, measure->lower)
             : m->epochs > 0 ? m->curve[m->epochs - 1]
                             : NAN;
  na_free(seconds);
  return code;
}

/* -------------------------------------------------------------------------- does it count? */

/* The last line of the run's log, without its time of day. */
static void read_log(const na_member *m, char out[LOG_TAIL])
{
  char path[NA_RUN_PATH];
  out[0] = '\0';
  if (snprintf(path, sizeof path, "%s/log.txt", m->folder) >= (int)sizeof path) return;
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return;
  if (fseek(file, -(LOG_TAIL - 1), SEEK_END) != 0) rewind(file);
  size_t length = fread(out, 1, LOG_TAIL - 1, file);
  fclose(file);
  while (length > 0 && out[length - 1] == '\n') length--;
  out[length] = '\0';
  const char *line = strrchr(out, '\n');
  line = line != NULL ? line + 1 : out;
  const size_t clock = sizeof "2026-01-02 03:04:05 " - 1;
  if (strlen(line) > clock && line[clock - 1] == ' ' && line[4] == '-') line += clock;
  memmove(out, line, strlen(line) + 1);
}

/* The log of a run that did not end as planned says what stopped it, or how far it came. */
static void judge_end(na_member *m)
{
  char last[LOG_TAIL];
  int done = m->epochs > 0 ? (int)fmin(fmax(m->epoch[m->epochs - 1], 0), EPOCHS_MOST) : 0;
  if (na_run_is_live(m->folder)) {
    leave_out(m, NA_MEMBER_RUNNING, "epoch %d of %d", done, m->planned);
    return;
  }
  if (done >= m->planned && m->epochs > 0) return;
  read_log(m, last);
  leave_out(m, NA_MEMBER_UNFINISHED, "%d of %d epochs%s%.150s", done, m->planned,
            last[0] != '\0' ? "; its log ends: " : "", last);
}

static int judge_steering(na_member *m, const char *file, na_error *err)
{
  na_steer_entry *entries;
  long count;
  int code = na_metrics_steering(file, &entries, &count, err);
  for (long i = 0; code == NA_OK && i < count; i++)
    if (entries[i].changes)
      leave_out(m, NA_MEMBER_STEERED, "%.150s after step %ld", entries[i].text, entries[i].step);
  na_free(entries);
  return code;
}

static int read_isa(na_member *m, const char *file, na_error *err)
{
  char *text;
  int code = na_metrics_note(file, "isa", &text, err);
  if (code == NA_OK && text != NULL) snprintf(m->isa, sizeof m->isa, "%s", text);
  tame(m->isa);
  na_free(text);
  return code;
}

static int read_all(na_member *m, const char *file, const na_measure *measure, na_error *err)
{
  int code = read_settings(m, file, err);
  if (code == NA_OK) code = read_curve(m, file, measure, err);
  if (code == NA_OK) code = judge_steering(m, file, err);
  if (code == NA_OK) code = read_isa(m, file, err);
  if (code != NA_OK) return code;
  judge_end(m);
  if (!isfinite(m->value))
    leave_out(m, NA_MEMBER_FAILED, "its %s is not a number at the end", measure->words);
  return NA_OK;
}

int na_member_read(na_member *m, const char *folder, const na_measure *measure, na_error *err)
{
  char file[NA_RUN_PATH];
  na_error damage = {0};
  *m = (na_member){.folder = na_strdup(folder), .seed = -1, .value = NAN, .seconds = NAN};
  if (m->folder == NULL) return na_fail_memory(err, strlen(folder), "a path");
  for (size_t end = strlen(m->folder); end > 1 && m->folder[end - 1] == '/';)
    m->folder[--end] = '\0';
  const char *slash = strrchr(m->folder, '/');
  snprintf(m->name, sizeof m->name, "%s",
           slash != NULL && slash[1] != '\0' ? slash + 1 : m->folder);
  tame(m->name);
  if (snprintf(file, sizeof file, "%s/run.h5", m->folder) >= (int)sizeof file)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", folder);
  int code = read_all(m, file, measure, &damage);
  if (code == NA_OK) return NA_OK;
  if (code == NA_ENOMEM) {
    if (err != NULL) *err = damage;
    return code;
  }
  m->state = NA_MEMBER_FINISHED;
  leave_out(m, NA_MEMBER_UNREADABLE, "%.190s", damage.message);
  return NA_OK;
}

void na_member_free(na_member *m)
{
  na_free(m->folder);
  na_free(m->settings);
  na_free(m->text);
  na_free(m->epoch);
  na_free(m->curve);
  *m = (na_member){.folder = NULL};
}

/* ---------------------------------------------------------------------------------- cost */

static bool cost_of(const char *file, long long *parameters, long long *macs)
{
  na_h5 *h5;
  char *text = NULL;
  na_net *net = NULL;
  if (na_h5_open(&h5, file, NULL) != NA_OK) return false;
  int code = na_h5_get_text(h5, "/", "net", &text, NULL);
  na_h5_close(h5, NULL);
  if (code == NA_OK) code = na_net_read(text, &net, NULL);
  int *widths = code == NA_OK ? na_alloc_array((size_t)net->dim_count, sizeof *widths) : NULL;
  if (widths != NULL) {
    na_cost cost;
    na_net_base(net, widths);
    na_net_cost(net, widths, &cost);
    *parameters = cost.parameters;
    *macs = cost.macs;
  }
  bool known = widths != NULL;
  na_free(widths);
  na_free(text);
  na_net_free(net);
  return known;
}

void na_member_cost(const na_member *m, long long *parameters, long long *macs)
{
  static const char *const files[] = {"last.h5", "best.h5"};
  char path[NA_RUN_PATH];
  *parameters = *macs = 0;
  for (int i = 0; i < 2; i++)
    if (snprintf(path, sizeof path, "%s/%s", m->folder, files[i]) < (int)sizeof path &&
        cost_of(path, parameters, macs))
      return;
}
