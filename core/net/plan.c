/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/plan.h"

#include <stdbool.h>

/* Indices by size, largest first; equal sizes by index. Insertion sort: a net has some hundred. */
static void sort_by_size(const na_lifetime *buffers, int count, int *order)
{
  for (int i = 0; i < count; i++) {
    int at = i;
    for (; at > 0 && buffers[order[at - 1]].size < buffers[i].size; at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* A placed buffer that is in the way of [offset, offset + size), or -1. */
static int obstacle(const na_lifetime *buffers, const int *order, int placed,
                    const na_lifetime *wanted, size_t offset)
{
  for (int k = 0; k < placed; k++) {
    const na_lifetime *other = &buffers[order[k]];
    bool together = other->first <= wanted->last && wanted->first <= other->last;
    bool overlap = other->offset < offset + wanted->size && offset < other->offset + other->size;
    if (together && overlap) return order[k];
  }
  return -1;
}

/* The lowest free offset: 0 or the end of some buffer. */
static size_t lowest_offset(const na_lifetime *buffers, const int *order, int placed,
                            const na_lifetime *wanted)
{
  if (obstacle(buffers, order, placed, wanted, 0) < 0) return 0;
  size_t best = (size_t)-1;
  for (int k = 0; k < placed; k++) {
    const na_lifetime *other = &buffers[order[k]];
    size_t end = other->offset + other->size;
    if (end < best && obstacle(buffers, order, placed, wanted, end) < 0) best = end;
  }
  return best;
}

size_t na_plan(na_lifetime *buffers, int count, int *order)
{
  size_t total = 0;
  sort_by_size(buffers, count, order);
  for (int k = 0; k < count; k++) {
    na_lifetime *buffer = &buffers[order[k]];
    buffer->size = (buffer->size + 15) / 16 * 16;
    buffer->offset = buffer->size == 0 ? 0 : lowest_offset(buffers, order, k, buffer);
    if (buffer->offset + buffer->size > total) total = buffer->offset + buffer->size;
  }
  return total;
}
