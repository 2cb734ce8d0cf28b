/* Memory planning: places buffers with known lifetimes into one arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PLAN_H
#define NA_PLAN_H

#include <stddef.h>

typedef struct na_lifetime {
  size_t size;     /* floats; 0: needs no place */
  int first, last; /* alive from time first to time last, both included */
  size_t offset;   /* the answer, a multiple of 16 */
} na_lifetime;

/* Places all buffers, largest first, each at the lowest offset where nothing alive at the same time
 * overlaps it. Returns the arena's size in floats. order: room for `count` indices. */
size_t na_plan(na_lifetime *buffers, int count, int *order);

#endif
