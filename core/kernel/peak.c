/* Loops that do one thing only, to measure what the processor can do at the most.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

/* Enough independent chains to hide an FMA's latency in two units. */
enum { CHAINS = 12 };

double NA_SYMBOL(peak_fma)(long rounds, float *sink)
{
  vf sums[CHAINS], x = splat(0.9999f), y = splat(1e-4f);
  for (int i = 0; i < CHAINS; i++) sums[i] = splat((float)i);
  for (long r = 0; r < rounds; r++)
    for (int i = 0; i < CHAINS; i++) sums[i] = sums[i] * x + y;
  for (int i = 1; i < CHAINS; i++) sums[0] += sums[i];
  *sink = (float)lane_sum(sums[0]);
  return 2.0 * VL * CHAINS * (double)rounds;
}

float NA_SYMBOL(peak_read)(const float *x, size_t count)
{
  enum { STREAMS = 4 };
  vf sums[STREAMS] = {{0}};
  for (size_t i = 0; i < count; i += STREAMS * VL)
    for (size_t s = 0; s < STREAMS; s++) sums[s] += load(x + i + s * VL);
  return (float)lane_sum(sums[0] + sums[1] + sums[2] + sums[3]);
}

void NA_SYMBOL(peak_write)(float *x, size_t count, float value)
{
  for (size_t i = 0; i < count; i += VL) store(x + i, splat(value));
}

void NA_SYMBOL(peak_triad)(float *a, const float *b, const float *c, size_t count, float scale)
{
  for (size_t i = 0; i < count; i += VL) store(a + i, load(b + i) + load(c + i) * scale);
}
