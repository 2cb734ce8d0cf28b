/* One run as it lies on disk: what its folder tells at a glance. Files are hostile until proven sane:
 * texts come without control characters, numbers that cannot be are "not known".
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RUN_H
#define NA_RUN_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, word) */
#define NA_RUN_STATES(X)                                                                           \
  X(UNREAD, "")                 /* nothing is known yet */                                         \
  X(RUNNING, "running")         /* a process trains in it */                                       \
  X(FINISHED, "finished")       /* its last checkpoint has all epochs */                           \
  X(INTERRUPTED, "interrupted") /* stopped or killed: netaug resume goes on */                     \
  X(FAILED, "failed")           /* ended with an error */                                          \
  X(DAMAGED, "damaged")         /* its run.h5 is missing or cannot be read */

typedef enum na_run_state {
#define NA_RUN_STATE_ENUM(symbol, word) NA_RUN_##symbol,
  NA_RUN_STATES(NA_RUN_STATE_ENUM)
#undef NA_RUN_STATE_ENUM
} na_run_state;

const char *na_run_state_word(na_run_state state);

/* Validation; NaN: not measured. top1 is a share of 1. */
typedef struct na_run_score {
  double top1, loss;
} na_run_score;

/* A setting as the run's file has it. */
typedef struct na_run_setting {
  const char *name, *value;
} na_run_setting;

enum { NA_RUN_NOTE = 1024, NA_RUN_WHY = 256 };

/* Numbers that are not known are NaN. */
typedef struct na_run {
  char *name; /* the folder's, as it is on disk: not fit to be printed raw */
  na_run_state state;
  char why[NA_RUN_WHY];     /* INTERRUPTED, FAILED: how its log ends; DAMAGED: the error; else empty */
  char *text;               /* "name = value" lines, cut into settings */
  na_run_setting *settings; /* [setting_count], in the file's order */
  int setting_count;
  const char *model, *data; /* of the settings; data: the last part of its path */
  double epoch, epochs;     /* done, and in all */
  double step, steps;
  na_run_score base_best, base_last; /* best: the highest top1, the lowest loss of any epoch */
  na_run_score wide_best, wide_last; /* of the widest network */
  double parameters, macs;  /* of the base network */
  char started[32];         /* UTC, "2026-01-31T12:00:00Z", or empty */
  double seconds;           /* trained */
  int changes;              /* settings that were changed while it trained: more than 0: steered */
  double bytes;             /* on disk */
  char note[NA_RUN_NOTE];   /* what its owner wrote about it */

  /* For the catalogue. */
  struct na_run_stamp {
    long long values[10];
  } stamp; /* of the files that this was read from */
  bool stale;
} na_run;

/* Is FOLDER/name the folder of a run? It holds run.h5, log.txt or experiment.lua. */
bool na_run_is_one(const char *folder, const char *name);

/* A run of which nothing is known. */
void na_run_init(na_run *run);

/* Reads FOLDER/name into run, which nothing is known of or holds an older reading. A damaged run is no error; the
 * older reading of a run that is being written stays where the file is unfinished at this moment. */
int na_run_read(na_run *run, const char *folder, const char *name, na_error *err);
void na_run_free(na_run *run);

/* Epochs that last.h5 in a run's folder has behind it: a run that was killed may have told of one more.
 * 0: there is no such file, or it cannot be read. */
int na_run_saved_epochs(const char *folder);

/* Cuts run->text into settings. */
int na_run_split(na_run *run, na_error *err);

/* When the files that na_run_read looks at were changed last, and how large they are. */
struct na_run_stamp na_run_stamp_of(const char *folder, const char *name);

/* The value of a setting, NULL where the run has none. */
const char *na_run_setting_of(const na_run *run, const char *name);

#endif
