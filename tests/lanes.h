/* Between plain NCHW doubles and the engine's lanes layout, for tests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LANES_H
#define LANES_H

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/base/source.h"

#include <stdio.h>
#include <stdlib.h>

/* Memory of a test; a test that runs out of it cannot say anything. */
static inline void *lanes_memory(size_t count, size_t size)
{
  void *memory = na_alloc_array(count, size);
  if (memory != NULL) return memory;
  printf("the test itself is out of memory\n");
  exit(EXIT_FAILURE);
}

static inline double *lanes_doubles(size_t count)
{
  return lanes_memory(count, sizeof(double));
}

static inline float *lanes_floats(size_t count)
{
  return lanes_memory(count, sizeof(float));
}

/* Uniform in [lo, hi). */
static inline void lanes_fill(float *to, size_t count, na_random *random, double lo,
                                               double hi)
{
  for (size_t i = 0; i < count; i++) to[i] = (float)na_random_range(random, lo, hi);
}

/* Where image n of channel c has pixel number `pixel` of a plane of `area` pixels. */
static inline size_t lanes_at(size_t stride, int c, int n, int pixel, int area)
{
  return (size_t)c * stride + ((size_t)(n / NA_LANES) * (size_t)area + (size_t)pixel) * NA_LANES +
         (size_t)(n % NA_LANES);
}

static inline size_t lanes_index(int n, int c, int channels, int pixel, int area)
{
  return ((size_t)n * (size_t)channels + (size_t)c) * (size_t)area + (size_t)pixel;
}

static inline int lanes_blocks(int images)
{
  return (images + NA_LANES - 1) / NA_LANES;
}

#endif
