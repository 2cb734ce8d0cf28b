/* Arithmetic of splitting work: into tiles, strips, stripes, chunks. Results fit an int.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SPLIT_H
#define NA_SPLIT_H

#include <stddef.h>

static inline int least(long a, long b) { return (int)(a < b ? a : b); }
static inline int most(long a, long b) { return (int)(a > b ? a : b); }
static inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static inline int ceiling(long a, long b) { return (int)((a + b - 1) / b); }
static inline int round_up(long a, long unit) { return (int)(ceiling(a, unit) * unit); }

#endif
