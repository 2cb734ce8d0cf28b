/* Fetching what is ahead, spread over the products at hand. Included by kernel files only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_AHEAD_H
#define NA_AHEAD_H

#include "core/kernel/simd.h"

/* What is fetched while products are computed: a line with each step of the depth, or the requests would
 * wait for each other, and the arithmetic for them. */
typedef struct fetch {
  const na_ahead *ahead;
  const float *at; /* the next line, of `left` in run number `run` */
  long run;
  int left, count, share;
} fetch;

/* Spreads `ahead` (NULL: nothing) over so many products. */
static inline fetch fetch_init(const na_ahead *ahead, int count, long products)
{
  if (ahead == NULL || ahead->runs == 0) return (fetch){.run = 0};
  if (ahead->rounded) count = (count + 1) / 2;
  long each = products / ahead->runs; /* products that a run is spread over */
  return (fetch){.ahead = ahead, .at = ahead->from[0], .left = count, .count = count,
                 .share = (int)(each > 1 ? (count + each - 1) / each : count)};
}

/* The lines that are fetched with the next product, one after the other, `most` of them at the most: how many
 * there are. */
INLINE int fetch_next(fetch *f, int most, const float **from)
{
  int some = f->share < f->left ? f->share : f->left;
  if (some > most) some = most;
  *from = f->at;
  f->at += (size_t)some * LANES;
  f->left -= some;
  if (some > 0 && f->left == 0 && ++f->run < f->ahead->runs) {
    f->at = f->ahead->from[f->run & 1] + (size_t)(f->run / 2) * f->ahead->stride;
    f->left = f->count;
  }
  return some;
}

/* Fetches a product's whole share at once. */
INLINE void fetch_share(fetch *f)
{
  const float *next;
  for (int lines = fetch_next(f, f->share, &next); lines > 0; lines--, next += LANES) __builtin_prefetch(next, 0, 2);
}

#endif
