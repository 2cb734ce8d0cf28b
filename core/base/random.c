/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/random.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

uint64_t na_random_bits(uint64_t stream, uint64_t index)
{
  return mix((stream << 32) + index + 0x9E3779B97F4A7C15u);
}

float na_random_symmetric(uint64_t stream, uint64_t index)
{
  return (float)((double)(na_random_bits(stream, index) >> 40) / 8388608.0 - 1.0);
}

na_random na_random_at(uint64_t seed, uint64_t a, uint64_t b)
{
  uint64_t key = mix(seed + 0x9E3779B97F4A7C15u);
  key = mix(key ^ (a + 0xD1B54A32D192ED03u));
  key = mix(key ^ (b + 0x8CB92BA72F3D8DD7u));
  return (na_random){key, 0};
}

uint64_t na_random_next(na_random *random)
{
  return mix(random->key + 0x9E3779B97F4A7C15u * ++random->index);
}

double na_random_unit(na_random *random)
{
  return (double)(na_random_next(random) >> 11) * 0x1p-53;
}

double na_random_range(na_random *random, double lo, double hi)
{
  return lo + (hi - lo) * na_random_unit(random);
}

uint32_t na_random_below(na_random *random, uint32_t n)
{
  /* Lemire's multiply-shift with rejection of the few biased values. */
  uint32_t threshold = -n % n;
  for (;;) {
    uint64_t product = (na_random_next(random) >> 32) * n;
    if ((uint32_t)product >= threshold) return (uint32_t)(product >> 32);
  }
}

double na_random_normal(na_random *random)
{
  double u = 1.0 - na_random_unit(random), v = na_random_unit(random);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Logarithm of a draw from Gamma(shape, 1): Marsaglia and Tsang, "A simple method for generating
 * gamma variables", 2000; a shape below 1 is reached from shape + 1 (their section 6), where the draw
 * itself could be too small for a double. */
static double log_gamma_draw(na_random *random, double shape)
{
  if (shape < 1)
    return log_gamma_draw(random, shape + 1) + log(1 - na_random_unit(random)) / shape;
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = na_random_normal(random), v = 1 + c * x, u = 1 - na_random_unit(random);
    v = v * v * v;
    if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v)) return log(d * v);
  }
}

double na_random_beta(na_random *random, double a, double b)
{
  double x = log_gamma_draw(random, a), y = log_gamma_draw(random, b);
  return 1 / (1 + exp(y - x));
}

void na_random_shuffle(na_random *random, uint32_t *order, uint32_t n)
{
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = na_random_below(random, i), kept = order[i - 1];
    order[i - 1] = order[j];
    order[j] = kept;
  }
}
