/* netaug verify-resume: does the user's own script go on to the bit?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/drive.h"
#include "tui/same.h"
#include "tui/session.h"
#include "tui/signals.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POLL_MS = 100 };

typedef struct options {
  int steps, threads;
  na_words set;
} options;

static const na_option option_table[] = {
    {{"--steps", NA_INT, offsetof(options, steps), "30", 3, 1000000000, NULL,
      "optimizer steps to train; interrupted after a third and two thirds of them"},
     "N",
     false},
    NA_OPTION_SET(options, set),
    NA_OPTION_THREADS(options, threads),
};

/* One part of the proof: the script's first run, from `resume` (a folder) or the beginning, for
 * `steps` steps. */
typedef struct part {
  const char *script, *runs, *resume;
  int argc;
  char **argv;
  long steps;
  char folder[PATH_MAX]; /* the answer */
} part;

/* Who watches a part: it leaves the script where its first run has ended. */
typedef struct witness {
  part *part;
  bool ended;
  na_event end;
} witness;

static void begin_part(void *context, na_lua *lua)
{
  witness *w = context;
  snprintf(w->part->folder, sizeof w->part->folder, "%s", na_lua_run_folder(lua));
}

static void see(void *context, const na_event *event)
{
  witness *w = context;
  if (event->kind != NA_EVENT_END) return;
  w->ended = true;
  w->end = *event;
}

static bool has_ended(void *context)
{
  return ((const witness *)context)->ended;
}

static int follow(na_lua *lua, part *p, na_error *err)
{
  witness w = {.part = p};
  const na_display display = {
      .context = &w, .begin = begin_part, .event = see, .leaving = has_ended, .poll_ms = POLL_MS};
  int status = na_drive(lua, &display, NA_LUA_WAITING, err);
  if (!w.ended) return status;
  na_error_clear(err); /* that it was stopped there */
  if (na_signals_interrupted()) return na_fail(err, NA_ESTOPPED, "interrupted");
  if (w.end.code == NA_OK || w.end.code == NA_ESTOPPED) return NA_OK;
  return na_fail(err, w.end.code, "%s", w.end.text);
}

static int train(part *p, const options *given, na_error *err)
{
  na_session session;
  na_session_options fill = {.threads = given->threads, .quiet = true, .set = given->set};
  snprintf(fill.runs, sizeof fill.runs, "%s", p->runs);
  int code = na_session_start(&session, &fill, err);
  if (code != NA_OK) return code;
  na_lua_stop_after(session.lua, p->steps);
  if (p->resume != NULL) code = na_lua_resume(session.lua, p->resume, NULL, 0, NULL, err);
  if (code == NA_OK) code = na_lua_start(session.lua, p->script, p->argc, p->argv, err);
  if (code == NA_LUA_DONE)
    code = na_fail(err, NA_EINVAL, "%s starts no run", p->script);
  else if (code == NA_LUA_WAITING)
    code = follow(session.lua, p, err);
  na_session_end(&session);
  return code;
}

static int interrupted(part *p, const options *given, na_error *err)
{
  char first[PATH_MAX], script[PATH_MAX + 32];
  long third = given->steps / 3;
  p->steps = third;
  int code = train(p, given, err);
  snprintf(first, sizeof first, "%s", p->folder);
  snprintf(script, sizeof script, "%s/experiment.lua", first);
  p->resume = first;
  p->script = script;
  p->steps = 2 * third;
  if (code == NA_OK) code = train(p, given, err);
  p->steps = given->steps;
  return code == NA_OK ? train(p, given, err) : code;
}

static int prove(const na_call *call, const char *place, na_error *err)
{
  const options *given = call->options;
  char runs[2][PATH_MAX + 8];
  na_same same;
  snprintf(runs[0], sizeof runs[0], "%s/whole", place);
  snprintf(runs[1], sizeof runs[1], "%s/parts", place);
  part whole = {.script = call->operands[0], .runs = runs[0], .steps = given->steps};
  whole.argc = call->count - 1;
  whole.argv = call->operands + 1;
  part parts = whole;
  parts.runs = runs[1];
  printf("training %d steps without interruption\n", given->steps);
  int code = train(&whole, given, err);
  if (code != NA_OK) return code;
  printf("training %d steps, interrupted after %d and %d\n", given->steps, given->steps / 3,
         given->steps / 3 * 2);
  code = interrupted(&parts, given, err);
  if (code == NA_OK) code = na_same_runs(whole.folder, parts.folder, &same, err);
  if (code == NA_OK)
    printf("the same: %d tensors and %d columns of metrics, %ld values, every bit\n", same.tensors,
           same.columns, same.values);
  else if (code == NA_EINVAL) {
    na_error_prefix(err, "not the same when interrupted");
    na_hint(err, "what hooks carry from step to step must be in exp.state, and depend on neither "
                 "the clock nor math.random");
  }
  return code;
}

/* The folder and the two levels of folders in it. */
static void remove_folder(const char *path, int depth)
{
  char inside[PATH_MAX];
  DIR *folder = opendir(path);
  const struct dirent *entry;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name) >= PATH_MAX) continue;
    if (depth > 0) remove_folder(inside, depth - 1);
    unlink(inside);
  }
  if (folder != NULL) closedir(folder);
  rmdir(path);
}

static int run(const na_call *call, na_error *err)
{
  char place[PATH_MAX];
  const char *temporary = getenv("TMPDIR");
  snprintf(place, sizeof place, "%.200s/netaug-verify-XXXXXX",
           temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
  if (mkdtemp(place) == NULL)
    return na_fail(err, NA_EIO, "cannot make a folder in %.200s: %s", place, strerror(errno));
  int code = prove(call, place, err);
  remove_folder(place, 2);
  return code;
}

const na_command na_command_verify_resume = {
    .name = "verify-resume",
    .operands = "SCRIPT [ARGUMENT...]",
    .summary = "Prove that a script's run goes on to the bit after interruptions",
    .description =
        "Trains the first run of a script for a few steps, twice: without interruption, and\n"
        "interrupted and resumed two times. Compares all weights, momenta, statistics, generators,\n"
        "metrics and exp.state, and tells the first difference. Nothing is left behind.\n"
        "\n"
        "More steps than one epoch has prove its end, too.",
    .example = "netaug verify-resume experiment.lua --steps 100",
    .least = 1,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
