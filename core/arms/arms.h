/* Runs grouped into arms: runs whose settings differ in nothing but the seed are one arm. And every
 * two arms, or every arm and the control, compared.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ARMS_H
#define NA_ARMS_H

#include "core/arms/member.h"
#include "core/stats/verdict.h"

typedef struct na_arms_question {
  const na_measure *measure;
  na_judge judge;
  double alpha, power;
  bool early;          /* no run need count yet: arms may be empty */
  const char *control; /* an arm's name, or number from 1; NULL: every two arms are compared */
  int by_count;        /* settings by which arms are told apart; 0: all that differ */
  const char *const *by;
} na_arms_question;

typedef struct na_arm {
  char *name;
  const char **values;        /* [setting_count]: its values of the settings that differ */
  int first;                  /* a run of it, counted or not */
  int count;                  /* runs that count */
  int *members;               /* [count]: indices of runs, by seed */
  double *outcomes;           /* [count]: their values */
  uint64_t *keys;             /* [count] */
  double mean, sd, seconds;   /* seconds: mean; NaN of none */
  na_interval interval;       /* of the mean, by Student's t; NaN of fewer than two runs */
  long long parameters, macs; /* of the base network; 0: not known */
} na_arm;

/* One comparison: a with b. */
typedef struct na_comparison {
  int a, b;
  na_verdict verdict;
} na_comparison;

typedef struct na_arms {
  na_member *runs;
  int run_count;
  const char *
      *settings; /* [setting_count]: names of those by which the arms differ; borrowed from runs */
  int setting_count;
  na_arm *arms;
  int arm_count, control; /* control: -1 none */
  na_comparison *comparisons;
  int comparison_count;
  na_measure measure;
  na_question question;
  char **notes; /* [note_count]: what one should know, a line each */
  int note_count;
  size_t note_capacity;
} na_arms;

/* Reads the runs in folders[count]; a folder without run.h5 stands for all the runs in it, up to
 * three levels deep. Refused: no run that counts, a control or setting that no run has.
 * Zero-initialise arms; na_arms_free frees what it holds, also after a failure. */
int na_arms_read(na_arms *arms, const char *const *folders, int count,
                 const na_arms_question *question, na_error *err);
void na_arms_free(na_arms *arms);

/* The arm that run r belongs to, whether or not it counts; -1: it could not be read. */
int na_arms_find(const na_arms *arms, int r);

/* Settings that leave an arm the same: they change no outcome, or are seeds. */
bool na_arms_neutral(const char *setting);

/* The verdict of comparison number i, one line without its newline. */
void na_arms_words(const na_arms *arms, int i, na_buffer *out);

#endif
