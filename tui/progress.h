/* Training progress as text: a block of lines that redraws itself on a terminal, plain lines that
 * stay in a pipe or a file.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PROGRESS_H
#define NA_PROGRESS_H

#include "core/base/text.h"
#include "core/train/trainer.h"
#include "tui/terminal.h"

/* The newest of everything worth showing. Zero-initialise, then na_progress_init. */
typedef struct na_progress {
  na_terminal *terminal;
  bool quiet;                /* shows nothing of its own; na_progress_print still prints */
  bool broken;               /* the reader of standard output has gone away */
  char run[64];              /* what the header calls the run */
  na_event step;             /* the newest STEP event */
  na_result base, augmented; /* smoothed over the last steps; images 0: not measured yet */
  na_result base_val;        /* of the last evaluation */
  double best;               /* best base validation accuracy, NaN before the first */
  const char *what;          /* work outside steps, NULL while stepping */
  long done, total;
  int drawn;       /* lines of the live block that are on the screen */
  double drawn_at; /* monotonic seconds */
  double told_at;  /* when the last plain step line was printed */
} na_progress;

/* Progress on standard output. The terminal is borrowed. */
void na_progress_init(na_progress *progress, na_terminal *terminal, bool quiet);

/* A new run begins: forgets the last one's figures. */
void na_progress_begin(na_progress *progress, const char *run);

/* Takes in an event and shows what it changes. */
void na_progress_event(na_progress *progress, const na_event *event);

/* Prints text, which ends in a newline, above the live block. */
void na_progress_print(na_progress *progress, const char *text);

/* Progress of a task that is no training: `done` of `total`, e.g. packing a data set. */
void na_progress_task(na_progress *progress, const char *what, long done, long total);

/* Takes the live block off the screen. */
void na_progress_clear(na_progress *progress);

/* Appends what would be shown, for whoever shows events, and the tests: the live block (lines ending in
 * a newline, none wider than the terminal), or the plain line of an event of that kind. */
void na_progress_block(const na_progress *progress, na_buffer *out);
void na_progress_step_line(const na_event *event, na_buffer *out);
void na_progress_epoch_line(const na_event *event, na_buffer *out);
void na_progress_evaluation_line(const na_event *event, na_buffer *out);
void na_progress_steer_line(const na_event *event, na_buffer *out);

#endif
