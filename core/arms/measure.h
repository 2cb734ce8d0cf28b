/* What runs are compared by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MEASURE_H
#define NA_MEASURE_H

#include <stdbool.h>

/* X(symbol, word, column of run.h5's epochs, share: shown in percent, lower is better, best epoch
 * instead of the last, words) */
#define NA_MEASURES(X)                                                                             \
  X(TOP1, "top1", "base_val_top1", true, false, false, "validation accuracy")                      \
  X(TOP5, "top5", "base_val_top5", true, false, false, "validation top-5 accuracy")                \
  X(LOSS, "loss", "base_val_loss", false, true, false, "validation loss")                          \
  X(BEST, "best", "base_val_top1", true, false, true, "validation accuracy of the best epoch")     \
  X(TRAIN_TOP1, "train-top1", "base_top1", true, false, false, "training accuracy")                \
  X(TRAIN_LOSS, "train-loss", "base_loss", false, true, false, "training loss")                    \
  X(WIDE_TOP1, "wide-top1", "augmented_val_top1", true, false, false,                              \
    "validation accuracy of the widest network")                                                   \
  X(WIDE_LOSS, "wide-loss", "augmented_val_loss", false, true, false,                              \
    "validation loss of the widest network")                                                       \
  X(TIME, "time", "time", false, true, false, "seconds of training")

#define NA_MEASURE_COUNT_ONE(symbol, word, column, share, lower, best, words) +1
enum { NA_MEASURE_COUNT = 0 NA_MEASURES(NA_MEASURE_COUNT_ONE) };
#undef NA_MEASURE_COUNT_ONE

typedef struct na_measure {
  const char *word, *column;
  bool share, lower, best;
  const char *words;
} na_measure;

extern const na_measure na_measures[NA_MEASURE_COUNT];

/* Its number, or -1. */
int na_measure_find(const char *word);

#endif
