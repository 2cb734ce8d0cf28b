/* What is told of a run, and chosen and ordered by: one table for the list, its JSON, Lua and the screen.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COLUMN_H
#define NA_COLUMN_H

#include "core/runs/run.h"

typedef enum na_column_kind {
  NA_COLUMN_TEXT,
  NA_COLUMN_WHOLE,  /* a whole number */
  NA_COLUMN_PART,   /* one of as many as the next column has: shown as 3/8 */
  NA_COLUMN_COUNT,  /* one that is shown as 13.1k */
  NA_COLUMN_SHARE,  /* of 1; shown and asked for in percent */
  NA_COLUMN_LOSS,
  NA_COLUMN_SECONDS,
  NA_COLUMN_BYTES,
  NA_COLUMN_SWITCH  /* 1: yes, 0: no */
} na_column_kind;

/* X(name, rank, kind, largest first when ordered by, text, number, help), with r the run. Where there is little
 * room, columns of the lowest rank are shown; 0: only when asked for. */
#define NA_COLUMNS(X)                                                                              \
  X(name, 1, TEXT, false, r->name, NAN, "the run's folder")                                        \
  X(state, 2, TEXT, false, na_run_state_word(r->state), NAN,                                       \
    "running, finished, interrupted, failed or damaged")                                           \
  X(model, 0, TEXT, false, r->model, NAN, "the network")                                           \
  X(data, 13, TEXT, false, r->data, NAN, "the data set")                                           \
  X(epoch, 4, PART, true, NULL, r->epoch, "epochs done")                                           \
  X(epochs, 0, WHOLE, true, NULL, r->epochs, "epochs in all")                                      \
  X(step, 0, PART, true, NULL, r->step, "optimizer steps done")                                    \
  X(steps, 0, WHOLE, true, NULL, r->steps, "optimizer steps in all")                               \
  X(top1, 3, SHARE, true, NULL, r->base_best.top1, "best validation accuracy")                     \
  X(loss, 7, LOSS, false, NULL, r->base_best.loss, "lowest validation loss")                       \
  X(last_top1, 0, SHARE, true, NULL, r->base_last.top1, "validation accuracy of the last epoch")   \
  X(last_loss, 0, LOSS, false, NULL, r->base_last.loss, "validation loss of the last epoch")       \
  X(wide_top1, 6, SHARE, true, NULL, r->wide_best.top1, "best accuracy of the widest network")     \
  X(wide_loss, 0, LOSS, false, NULL, r->wide_best.loss, "lowest loss of the widest network")       \
  X(wide_last_top1, 0, SHARE, true, NULL, r->wide_last.top1,                                       \
    "accuracy of the widest network in the last epoch")                                            \
  X(wide_last_loss, 0, LOSS, false, NULL, r->wide_last.loss,                                       \
    "loss of the widest network in the last epoch")                                                \
  X(params, 9, COUNT, true, NULL, r->parameters, "parameters of the base network")                 \
  X(macs, 10, COUNT, true, NULL, r->macs, "multiply-adds of the base network per image")           \
  X(started, 11, TEXT, true, r->started, NAN, "when it began, UTC")                                \
  X(time, 8, SECONDS, true, NULL, r->seconds, "how long it trained")                               \
  X(steered, 12, SWITCH, true, NULL, r->changes > 0, "were settings changed meanwhile?")           \
  X(size, 14, BYTES, true, NULL, r->bytes, "what its files take on the disk")                      \
  X(note, 5, TEXT, false, r->note, NAN, "what was written about it")                               \
  X(why, 15, TEXT, false, r->why, NAN, "why it is not finished")

typedef enum na_column_id {
#define NA_COLUMN_ENUM(name, rank, kind, down, text, number, help) NA_COLUMN_##name,
  NA_COLUMNS(NA_COLUMN_ENUM)
#undef NA_COLUMN_ENUM
  NA_COLUMN_COUNT_OF
} na_column_id;

typedef struct na_column {
  const char *name;
  int rank;
  na_column_kind kind;
  bool down;
  const char *help;
} na_column;

extern const na_column na_columns[NA_COLUMN_COUNT_OF];

/* A column, or a setting such as "train.lr". */
typedef struct na_run_key {
  int column;       /* an na_column_id; -1: a setting */
  char setting[64];
} na_run_key;

/* A text, which is borrowed, or NULL; a number, or NaN. Neither: not known. */
typedef struct na_run_value {
  const char *text;
  double number;
} na_run_value;

/* The column called name (length bytes of it), or a setting that one of runs[count] has. Refuses others
 * with the nearest. */
int na_run_key_find(const char *name, size_t length, na_run *const *runs, size_t count,
                    na_run_key *key, na_error *err);

na_run_value na_run_value_of(const na_run *run, const na_run_key *key);

/* As people read it, tamed; "" where it is not known. */
enum { NA_RUN_WORDS = 256 };
void na_run_words(const na_run *run, const na_run_key *key, char words[NA_RUN_WORDS]);

/* Does the key's column hold numbers? Columns of them are aligned to the right. */
bool na_run_key_is_number(const na_run_key *key);

/* Orders runs by key, the usual way round or the other; what is not known comes last, and equal runs by
 * their names. */
int na_runs_sort(na_run **runs, size_t count, const na_run_key *key, bool reverse, na_error *err);

#endif
