/* netaug watch: a run that another process trains, as it goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/columns.h"
#include "core/train/recorder.h"
#include "tui/progress.h"
#include "tui/signals.h"
#include "tui/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 250 };

typedef struct options {
  bool once;
} options;

static const na_option option_table[] = {
    {{"--once", NA_BOOL, offsetof(options, once), "false", 0, 0, NULL,
      "show what there is and leave"},
     NULL,
     false},
};

/* How far the run was shown. */
typedef struct watch {
  const char *folder;
  char file[NA_RUN_PATH];
  na_progress *progress;
  na_rows shown;
} watch;

/* A run that went on from a checkpoint has fewer rows than before. */
static void show_events(watch *w, na_event *events, long count, long *shown)
{
  for (long i = 0; i < count; i++) {
    events[i].batches = events[i].epochs > 0 ? events[i].steps / events[i].epochs : 0;
    na_progress_event(w->progress, &events[i]);
  }
  *shown += count;
  na_free(events);
}

/* Steps come in one piece, as they would from a trainer whose reader is slow. */
static int show_steps(watch *w, na_error *err)
{
  na_event *events;
  long count;
  int code = na_run_steps(w->folder, w->shown.step, 0, &events, &count, err);
  if (code == NA_OK) show_events(w, events, count, &w->shown.step);
  return code;
}

static int show_epochs(watch *w, na_error *err)
{
  na_event *events;
  long count;
  int code = na_run_epochs(w->folder, w->shown.epoch, 0, &events, &count, err);
  if (code == NA_OK) show_events(w, events, count, &w->shown.epoch);
  return code;
}

static int show_steering(watch *w, na_error *err)
{
  na_steer_entry *entries;
  long count;
  int code = na_metrics_steering(w->file, &entries, &count, err);
  for (; code == NA_OK && w->shown.steering < count; w->shown.steering++) {
    const na_steer_entry *entry = &entries[w->shown.steering];
    na_event event = {.kind = NA_EVENT_STEER, .step = entry->step, .epoch = entry->epoch};
    memcpy(event.text, entry->text, sizeof event.text);
    na_progress_event(w->progress, &event);
  }
  na_free(entries);
  return code;
}

/* What is new; *rows tells how many rows were added. */
static int show(watch *w, long *rows, na_error *err)
{
  na_rows before = w->shown;
  int code = show_epochs(w, err);
  if (code == NA_OK) code = show_steering(w, err);
  if (code == NA_OK) code = show_steps(w, err);
  *rows = w->shown.step - before.step + w->shown.epoch - before.epoch;
  return code;
}

static void say_state(watch *w, bool live)
{
  char line[128];
  snprintf(line, sizeof line, "%s after step %ld\n", live ? "training" : "not training any more",
           w->shown.step);
  na_progress_clear(w->progress);
  na_progress_print(w->progress, line);
}

/* Until the run's process ends, or the user does. Between two of its flushes a file can look
 * unfinished: that is tried again while the run lives. */
static int follow(watch *w, bool once, na_error *err)
{
  const struct timespec nap = {0, POLL_MS * 1000000L};
  for (;;) {
    long rows = 0;
    bool live = na_run_is_live(w->folder);
    na_error now = {0};
    int code = show(w, &rows, &now);
    if (code != NA_OK && !live) {
      *err = now;
      return code;
    }
    if (na_signals_interrupted() || w->progress->broken) return NA_EXIT_INTERRUPTED;
    if (once || (!live && rows == 0)) {
      say_state(w, live);
      return EXIT_SUCCESS;
    }
    if (rows == 0) nanosleep(&nap, NULL);
  }
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  na_terminal terminal;
  na_progress progress;
  watch w = {.folder = call->operands[0], .progress = &progress};
  if (snprintf(w.file, sizeof w.file, "%s/run.h5", w.folder) >= (int)sizeof w.file)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", w.folder);
  FILE *file = fopen(w.file, "rb");
  if (file == NULL) {
    na_fail(err, NA_EIO, "%.300s holds no run: cannot read run.h5: %s", w.folder, strerror(errno));
    return na_hint(err, "give the folder of a run, such as runs/NAME");
  }
  fclose(file);
  const char *slash = strrchr(w.folder, '/');
  na_terminal_init(&terminal, 1);
  na_progress_init(&progress, &terminal, false);
  na_progress_begin(&progress, slash != NULL && slash[1] != '\0' ? slash + 1 : w.folder);
  na_terminal_watch();
  na_signals_catch();
  int status = follow(&w, given->once, err);
  na_progress_clear(&progress);
  return status;
}

const na_command na_command_watch = {
    .name = "watch",
    .operands = "RUN",
    .summary = "Show a run that another process trains",
    .description =
        "Shows the run in the folder RUN as it goes: progress on a terminal, a line per epoch and\n"
        "change in a pipe. Reads only; the training does not notice. Ends with the training, or at\n"
        "Ctrl-C. A run that is over is shown from beginning to end.",
    .example = "netaug watch runs/tiny-r3",
    .least = 1,
    .most = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
