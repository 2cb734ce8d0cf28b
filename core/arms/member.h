/* One run as a comparison sees it, read from its folder: settings, what came out, and whether it
 * counts. Files are hostile: what cannot be is refused or left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MEMBER_H
#define NA_MEMBER_H

#include "core/arms/measure.h"
#include "core/base/error.h"
#include "core/runs/run.h"

#include <stdbool.h>
#include <stdint.h>

/* X(symbol, word): only finished runs count. */
#define NA_MEMBER_STATES(X)                                                                        \
  X(FINISHED, "finished")                                                                          \
  X(RUNNING, "running")                                                                            \
  X(UNFINISHED, "unfinished")                                                                      \
  X(FAILED, "failed")                                                                              \
  X(STEERED, "steered")                                                                            \
  X(REPEATED, "repeated")                                                                          \
  X(UNREADABLE, "unreadable")

typedef enum na_member_state {
#define NA_MEMBER_ENUM(symbol, word) NA_MEMBER_##symbol,
  NA_MEMBER_STATES(NA_MEMBER_ENUM)
#undef NA_MEMBER_ENUM
} na_member_state;

const char *na_member_word(na_member_state state);

typedef struct na_member {
  na_run run; /* what its folder tells at a glance: settings, cost */
  char *folder;
  char name[256]; /* the last part of folder, fit to be shown */
  na_member_state state;
  char why[400];  /* where it does not count */
  uint64_t key;   /* the same for runs that are pairs: both seeds */
  long seed;      /* train.seed; -1: not written */
  int epochs;     /* rows of the curve */
  double *epoch;  /* [epochs]: epochs done */
  double *curve;  /* [epochs]: the measure, shares in percent; NaN: not measured */
  double value;   /* the measure's outcome; NaN: none */
  double seconds; /* trained */
  char isa[32];   /* instruction set of the kernels, or empty */
} na_member;

/* Reads the run in folder. Texts have no control characters afterwards. A file that is damaged
 * makes the run UNREADABLE, which is no error. */
int na_member_read(na_member *member, const char *folder, const na_measure *measure, na_error *err);
void na_member_free(na_member *member);

/* The value of a setting, "" where the run has none. */
const char *na_member_setting(const na_member *member, const char *name);

#endif
