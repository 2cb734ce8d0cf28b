/* netaug resume: a run that was interrupted goes on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/metrics.h"
#include "core/train/recorder.h"
#include "tui/session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_WORDS = 256 };

typedef struct options {
  int threads;
  bool quiet;
  na_words set;
} options;

static const na_option option_table[] = {
    {{"--set", NA_TEXT, offsetof(options, set), "", 0, 0, NULL,
      "change NAME, such as train.epochs, from where the run goes on; may be repeated"},
     "NAME=VALUE",
     true},
    NA_OPTION_THREADS(options, threads),
    NA_OPTION_QUIET(options, quiet),
};

/* What goes on, and what its run.h5 says of the command that began it. */
typedef struct resumption {
  char folder[PATH_MAX], checkpoint[PATH_MAX]; /* checkpoint empty: the last */
  char *overrides, *arguments, *directory;
  char *words[SCRIPT_WORDS]; /* the arguments, cut from `arguments` */
  int word_count;
} resumption;

static void release(resumption *r)
{
  na_free(r->overrides);
  na_free(r->arguments);
  na_free(r->directory);
}

/* RUN is a run's folder, or a checkpoint in one. */
static int find_run(resumption *r, const char *given, na_error *err)
{
  char path[PATH_MAX + 16];
  if (realpath(given, r->folder) == NULL) {
    na_fail(err, NA_EIO, "cannot find %.300s: %s", given, strerror(errno));
    return na_hint(err, "give the folder of a run, such as runs/NAME");
  }
  size_t length = strlen(r->folder);
  if (length > 3 && strcmp(r->folder + length - 3, ".h5") == 0) {
    char *slash = strrchr(r->folder, '/');
    if (strcmp(slash, "/run.h5") != 0) memcpy(r->checkpoint, r->folder, length + 1);
    *slash = '\0';
  }
  snprintf(path, sizeof path, "%s/run.h5", r->folder);
  if (access(path, R_OK) == 0) return NA_OK;
  na_fail(err, NA_EIO, "%.300s holds no run: cannot read run.h5: %s", given, strerror(errno));
  return na_hint(err, "give the folder of a run, such as runs/NAME");
}

static int read_notes(resumption *r, na_error *err)
{
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/run.h5", r->folder);
  int code = na_metrics_note(path, "overrides", &r->overrides, err);
  if (code == NA_OK) code = na_metrics_note(path, "arguments", &r->arguments, err);
  if (code == NA_OK) code = na_metrics_note(path, "directory", &r->directory, err);
  for (char *word = r->arguments; code == NA_OK && word != NULL && *word != '\0';) {
    char *end = word + strcspn(word, "\n");
    bool last = *end == '\0';
    if (r->word_count == SCRIPT_WORDS)
      return na_fail(err, NA_EFORMAT, "%.300s: more than %d arguments", path, SCRIPT_WORDS);
    *end = '\0';
    r->words[r->word_count++] = word;
    word = last ? end : end + 1;
  }
  return code;
}

/* The session's options as they were, from lines "name=value". */
static int fill_options(const resumption *r, const options *given, const char *runs,
                        na_session_options *session, na_error *err)
{
  *session = (na_session_options){.threads = given->threads, .quiet = given->quiet};
  snprintf(session->runs, sizeof session->runs, "%s", runs);
  for (char *line = r->overrides; line != NULL && *line != '\0';) {
    char *end = line + strcspn(line, "\n");
    bool last = *end == '\0';
    if (session->set.count == NA_WORDS_MAX)
      return na_fail(err, NA_EFORMAT, "the run has more than %d overrides", NA_WORDS_MAX);
    *end = '\0';
    session->set.items[session->set.count++] = line;
    line = last ? end : end + 1;
  }
  return NA_OK;
}

/* Relative paths in the script mean what they meant. */
static void enter_directory(const resumption *r, na_progress *progress)
{
  char here[PATH_MAX], text[PATH_MAX + 32];
  if (r->directory == NULL || r->directory[0] == '\0') return;
  if (getcwd(here, sizeof here) != NULL && strcmp(here, r->directory) == 0) return;
  if (chdir(r->directory) != 0) return;
  snprintf(text, sizeof text, "in %.4000s\n", r->directory);
  if (!progress->quiet) na_progress_print(progress, text);
}

static int start(na_session *session, resumption *r, const options *given, na_error *err)
{
  char script[PATH_MAX + 32];
  int code = na_lua_resume(session->lua, r->folder, r->checkpoint[0] != '\0' ? r->checkpoint : NULL,
                           given->set.count, given->set.items, err);
  if (code != NA_OK) return code;
  enter_directory(r, &session->progress);
  snprintf(script, sizeof script, "%s/experiment.lua", r->folder);
  int status = na_lua_start(session->lua, script, r->word_count, r->words, err);
  status = na_session_drive(session, status, err);
  if (status == NA_LUA_DONE && !na_lua_resumed(session->lua)) {
    na_fail(err, NA_EINVAL, "the script ended without coming to this run");
    return na_hint(err, "%.200s must be the script that began it", script);
  }
  return status;
}

static int resume(resumption *r, const options *given, na_error *err)
{
  char runs[NA_TEXT_MAX];
  na_session_options fill;
  na_session session;
  const char *slash = strrchr(r->folder, '/');
  if (slash - r->folder >= (ptrdiff_t)sizeof runs)
    return na_fail(err, NA_EINVAL, "the path of the runs folder is too long");
  snprintf(runs, sizeof runs, "%.*s", slash > r->folder ? (int)(slash - r->folder) : 1, r->folder);
  int code = fill_options(r, given, runs, &fill, err);
  if (code == NA_OK) code = na_session_start(&session, &fill, err);
  if (code != NA_OK) return code;
  int status = start(&session, r, given, err);
  status = na_session_status(&session, status);
  na_session_end(&session);
  return status;
}

static int run(const na_call *call, na_error *err)
{
  resumption r = {.word_count = 0};
  int status = find_run(&r, call->operands[0], err);
  /* Before the run is read: a process that trains in it may be writing. */
  if (status == NA_OK) status = na_run_check_idle(r.folder, err);
  if (status == NA_OK) status = read_notes(&r, err);
  if (status == NA_OK) status = resume(&r, call->options, err);
  release(&r);
  return status;
}

const na_command na_command_resume = {
    .name = "resume",
    .operands = "RUN",
    .summary = "Go on with a run that was interrupted",
    .description =
        "Goes on with the run in the folder RUN from its last.h5, or, where RUN is a checkpoint in a\n"
        "run's folder, from there. What follows is, bit for bit, what an uninterrupted run would have\n"
        "done: weights, metrics, every random draw, and what hooks keep in exp.state. Metrics after\n"
        "the checkpoint are cut off and made again.\n"
        "\n"
        "The run's own experiment.lua is run from its beginning. Runs of the script that were over\n"
        "give their results at once, the interrupted one goes on, and those after it begin.\n"
        "\n"
        "With --set a finished run can be made longer, and one that goes on be changed; such a run\n"
        "is called steered.",
    .example = "netaug resume runs/tiny-r3 --set train.epochs=40",
    .least = 1,
    .most = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
