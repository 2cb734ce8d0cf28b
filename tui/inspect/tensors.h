/* All tensors of a file with their statistics, sorted by any of them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TENSORS_H
#define NA_TENSORS_H

#include "core/store/scan.h"
#include "tui/inspect/page.h"
#include "tui/inspect/tree.h"

/* X(symbol, name, help): what tensors are sorted by; of numbers the largest come first. */
#define NA_TENSOR_SORTS(X)                                                                         \
  X(FILE, "file", "as they lie in the file")                                                       \
  X(NAME, "name", "by path")                                                                       \
  X(VALUES, "values", "how many")                                                                  \
  X(MIN, "min", "smallest value")                                                                  \
  X(MAX, "max", "largest value")                                                                   \
  X(MEAN, "mean", "mean")                                                                          \
  X(STD, "std", "standard deviation")                                                              \
  X(ZEROS, "zeros", "share of zeros")                                                              \
  X(BAD, "bad", "values that are no finite numbers")                                               \
  X(L1, "l1", "sum of absolute values")                                                            \
  X(L2, "l2", "Euclidean norm")                                                                    \
  X(RMS, "rms", "root of the mean square")

typedef enum na_tensor_sort {
#define NA_TENSOR_SORT_ENUM(symbol, name, help) NA_TENSOR_SORT_##symbol,
  NA_TENSOR_SORTS(NA_TENSOR_SORT_ENUM)
#undef NA_TENSOR_SORT_ENUM
  NA_TENSOR_SORT_COUNT
} na_tensor_sort;

const char *na_tensor_sort_name(na_tensor_sort sort);

typedef struct na_tensor {
  char *path, *trouble; /* trouble: why it could not be read, or NULL */
  char shape[64], type[32];
  na_moments moments;
  bool done, sampled;
} na_tensor;

/* Zero-initialise, then begin. */
typedef struct na_tensors {
  na_tensor *items;
  size_t count, capacity;
  int *order;      /* as sorted: indices of items */
  size_t next;     /* items done */
  double limit;    /* values read of each; 0: all */
  na_reader *reader;
  na_scan scan;
  bool scanning;
} na_tensors;

/* Finds all datasets of numbers; nothing of them is read yet. The reader is borrowed.
 * On failure there are none. */
int na_tensors_begin(na_tensors *tensors, na_reader *reader, double limit, na_error *err);
void na_tensors_end(na_tensors *tensors);

/* Reads one more block; *more tells whether there is more to read. What cannot be read is noted at the
 * tensor. */
void na_tensors_step(na_tensors *tensors, bool *more);

void na_tensors_sort(na_tensors *tensors, na_tensor_sort sort, bool reverse);

/* The table as lines, a heading first; line i+1 is tensor order[i]. Where the page is too narrow for all
 * columns, the one it is sorted by comes first. */
void na_tensors_page(const na_tensors *tensors, na_page *page, na_tensor_sort sort);

#endif
