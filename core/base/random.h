/* Counter-based random numbers: number i of stream t is a pure function of (t, i), so any sample
 * can be drawn anywhere, in any order, by any thread, and a generator's whole state is two
 * integers. The mixing function is splitmix64's (Steele, Lea, Flood 2014), as the fixtures use it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RANDOM_H
#define NA_RANDOM_H

#include <stdint.h>

/* 64 bits: mix((stream << 32) + index + 0x9E3779B97F4A7C15). */
uint64_t na_random_bits(uint64_t stream, uint64_t index);

/* Number `index` of `stream`, in [-1, 1), exact in float32. */
float na_random_symmetric(uint64_t stream, uint64_t index);

typedef struct na_random {
  uint64_t key;   /* which sequence */
  uint64_t index; /* how many numbers were taken */
} na_random;

/* The sequence belonging to (seed, a, b), e.g. (seed, epoch, sample). */
na_random na_random_at(uint64_t seed, uint64_t a, uint64_t b);

uint64_t na_random_next(na_random *random);
double na_random_unit(na_random *random);                      /* [0, 1), 53 bits */
double na_random_range(na_random *random, double lo, double hi); /* [lo, hi) */
uint32_t na_random_below(na_random *random, uint32_t n);       /* 0 .. n-1, unbiased; n > 0 */
double na_random_normal(na_random *random);                    /* mean 0, variance 1 */

/* Beta(a, b), in [0, 1]; a, b > 0. */
double na_random_beta(na_random *random, double a, double b);

/* Shuffles order[0..n-1] (Fisher-Yates). */
void na_random_shuffle(na_random *random, uint32_t *order, uint32_t n);

#endif
