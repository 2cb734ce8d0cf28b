/* The rows of a plane that a depthwise kernel covers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RING_H
#define NA_RING_H

#include "core/kernel/simd.h"

#include <string.h>

enum { KERNEL_LIMIT = 64 };

/* Row y of a plane lives in slot y % count, with `count` zero pixels on both sides. There are as
 * many slots as the kernel has rows: that is how long a row is needed. Rows outside the plane are the
 * row of zeros. */
typedef struct ring {
  float *slots, *zeros;
  size_t row; /* floats per slot */
  int count, height;
} ring;

/* inside: rows outside of the plane are not asked for. */
static inline ring ring_init(float *memory, int kernel, int width, int height, bool inside)
{
  size_t edge = (size_t)kernel * LANES, line = (size_t)width * LANES;
  ring r = {.row = line + 2 * edge, .count = kernel, .height = height, .zeros = memory};
  r.slots = memory + r.row;
  if (!inside) memset(memory, 0, r.row * sizeof *memory);
  for (int i = 0; i < kernel; i++) {
    memset(r.slots + (size_t)i * r.row, 0, edge * sizeof *r.slots);
    memset(r.slots + (size_t)i * r.row + edge + line, 0, edge * sizeof *r.slots);
  }
  return r;
}

static inline size_t ring_floats(const ring *r) { return (size_t)(r->count + 1) * r->row; }

/* Pixel 0 of row y. */
INLINE float *ring_row(const ring *r, int y)
{
  float *slot = y < 0 || y >= r->height ? r->zeros : r->slots + (size_t)(y % r->count) * r->row;
  return slot + (size_t)r->count * LANES;
}

#endif
