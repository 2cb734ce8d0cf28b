/* Are two runs the same to the bit?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SAME_H
#define NA_SAME_H

#include "core/base/error.h"

/* What was compared. */
typedef struct na_same {
  int tensors, columns;
  long values;
} na_same;

/* Compares the last.h5 (weights, momentum, statistics, position, every generator, what hooks keep) and
 * the run.h5 (all but the clock's columns) in two folders. NA_EINVAL: they differ, and err names the
 * first difference: what, where, both values. */
int na_same_runs(const char *first, const char *second, na_same *same, na_error *err);

#endif
