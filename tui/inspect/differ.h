/* What differs between two HDF5 files: settings, other attributes, tensors by relative change.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DIFFER_H
#define NA_DIFFER_H

#include "core/store/reader.h"

/* X(symbol, title): what is found, in the order of printing. */
#define NA_CHANGES(X)                                                                              \
  X(SETTING, "settings")                                                                           \
  X(ATTRIBUTE, "attributes")                                                                       \
  X(ONLY_FIRST, "only in the first")                                                               \
  X(ONLY_SECOND, "only in the second")                                                             \
  X(SHAPE, "of another kind, shape or type")                                                       \
  X(METRIC, "final metrics")                                                                       \
  X(VALUES, "other values")                                                                        \
  X(TENSOR, "tensors")                                                                             \
  X(NOTE, "of this machine and moment, which do not count")

typedef enum na_change_kind {
#define NA_CHANGE_ENUM(symbol, title) NA_CHANGE_##symbol,
  NA_CHANGES(NA_CHANGE_ENUM)
#undef NA_CHANGE_ENUM
  NA_CHANGE_COUNT
} na_change_kind;

typedef struct na_change {
  na_change_kind kind;
  char *name, *before, *after; /* before, after: texts, or NULL where there are none */
  double change;  /* of tensors |b - a| / |a|, Euclidean norms; infinite where a is zero or a value is no number */
  double largest; /* the largest |b - a| */
  bool same;      /* listed for completeness */
  size_t place;   /* in the order found */
} na_change;

/* Zero-initialise. */
typedef struct na_differ {
  na_change *items;
  size_t count, capacity;
  bool same_too; /* equal tensors and metrics are listed as well; set before */
  long same;     /* tensors that are equal */
  bool (*stop)(void); /* asked between blocks, true ends with NA_ESTOPPED; or NULL */
} na_differ;

/* Compares all of two files. The readers are borrowed. */
int na_differ_files(na_differ *differ, na_reader *first, na_reader *second, na_error *err);

/* Compares two run.h5: settings, and what the last epochs measured. */
int na_differ_runs(na_differ *differ, na_reader *first, na_reader *second, na_error *err);

/* Does anything that counts differ? */
bool na_differ_found(const na_differ *differ);

/* X(symbol, name): orders of tensors and metrics within their part. */
#define NA_DIFFER_SORTS(X) X(CHANGE, "change") X(LARGEST, "largest") X(NAME, "name") X(FILE, "file")
typedef enum na_differ_sort {
#define NA_DIFFER_SORT_ENUM(symbol, name) NA_DIFFER_SORT_##symbol,
  NA_DIFFER_SORTS(NA_DIFFER_SORT_ENUM)
#undef NA_DIFFER_SORT_ENUM
} na_differ_sort;

/* By kind, then as said; the largest first. */
void na_differ_sort_by(na_differ *differ, na_differ_sort sort);

void na_differ_free(na_differ *differ);

#endif
