/* The smallest and largest value of any stretch of values, from blocks of blocks of blocks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PYRAMID_H
#define NA_PYRAMID_H

#include <stddef.h>

enum { NA_PYRAMID_FAN = 16, NA_PYRAMID_LEVELS = 7 };

typedef struct na_extent {
  double low, high; /* low > high: nothing there */
} na_extent;

/* Level 0 has a cell for each block of 16 values, level l+1 one for 16 cells of level l. */
typedef struct na_pyramid {
  size_t blocks, room; /* of level 0 */
  float *cells;        /* owned: what low and high point into */
  float *low[NA_PYRAMID_LEVELS], *high[NA_PYRAMID_LEVELS];
} na_pyramid;

/* Room for `blocks` cells on level 0, and none are there any more. Returns 0 or NA_ENOMEM; then it is as
 * it was. */
int na_pyramid_reserve(na_pyramid *pyramid, size_t blocks);
void na_pyramid_free(na_pyramid *pyramid);

/* Takes in the cells of level 0 up to `blocks`, which were written into low[0] and high[0]. */
void na_pyramid_raise(na_pyramid *pyramid, size_t blocks);

/* Widens `found` by the blocks first .. end-1. */
void na_pyramid_query(const na_pyramid *pyramid, size_t first, size_t end, na_extent *found);

#endif
