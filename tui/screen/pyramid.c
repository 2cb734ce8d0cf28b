/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/pyramid.h"
#include "core/base/error.h"
#include "core/base/memory.h"

#include <math.h>

enum { FAN = NA_PYRAMID_FAN, LEVELS = NA_PYRAMID_LEVELS };

static size_t cells_of(size_t blocks, int level)
{
  for (int l = 0; l < level; l++) blocks = (blocks + FAN - 1) / FAN;
  return blocks;
}

void na_pyramid_free(na_pyramid *p)
{
  na_free(p->cells);
  *p = (na_pyramid){.cells = NULL};
}

int na_pyramid_reserve(na_pyramid *p, size_t blocks)
{
  size_t total = 0, at = 0;
  for (int l = 0; l < LEVELS; l++) total += cells_of(blocks, l);
  float *cells = na_alloc_array(2 * total, sizeof *cells);
  if (cells == NULL) return NA_ENOMEM;
  na_pyramid_free(p);
  *p = (na_pyramid){.room = blocks, .cells = cells};
  for (int l = 0; l < LEVELS; l++) {
    p->low[l] = cells + at;
    p->high[l] = cells + total + at;
    at += cells_of(blocks, l);
  }
  return NA_OK;
}

static void widen(const float *low, const float *high, size_t first, size_t end, float *l, float *h)
{
  for (size_t i = first; i < end; i++) {
    if (low[i] < *l) *l = low[i];
    if (high[i] > *h) *h = high[i];
  }
}

void na_pyramid_raise(na_pyramid *p, size_t blocks)
{
  size_t first = p->blocks, count = blocks;
  for (int l = 1; l < LEVELS; l++) {
    size_t below = count;
    first /= FAN; /* that one may have been filled in part */
    count = cells_of(count, 1);
    for (size_t c = first; c < count; c++) {
      size_t end = (c + 1) * FAN < below ? (c + 1) * FAN : below;
      float low = INFINITY, high = -INFINITY;
      widen(p->low[l - 1], p->high[l - 1], c * FAN, end, &low, &high);
      p->low[l][c] = low;
      p->high[l][c] = high;
    }
  }
  p->blocks = blocks;
}

/* Ends of the stretch are scanned on a level, what lies between is asked one level up. */
void na_pyramid_query(const na_pyramid *p, size_t first, size_t end, na_extent *found)
{
  float low = INFINITY, high = -INFINITY;
  for (int l = 0; first < end; l++) {
    if (end - first < 2 * FAN || l == LEVELS - 1) {
      widen(p->low[l], p->high[l], first, end, &low, &high);
      break;
    }
    size_t up = (first + FAN - 1) / FAN, down = end / FAN;
    widen(p->low[l], p->high[l], first, up * FAN, &low, &high);
    widen(p->low[l], p->high[l], down * FAN, end, &low, &high);
    first = up;
    end = down;
  }
  if (low < found->low) found->low = low;
  if (high > found->high) found->high = high;
}
