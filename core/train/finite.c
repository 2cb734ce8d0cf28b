/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/finite.h"

#include <stdint.h>
#include <string.h>

enum { RUN = 16 };
static const uint32_t EXPONENT = 0x7f800000u; /* all ones: infinite, or not a number */

/* Whole runs of values and no early exit, so that compilers use vectors. */
static bool all_finite(const float *values, size_t n)
{
  uint32_t found[RUN] = {0}, any = 0;
  for (size_t i = 0; i < n; i += RUN) {
    uint32_t bits[RUN];
    memcpy(bits, values + i, sizeof bits);
    for (int j = 0; j < RUN; j++) found[j] |= (bits[j] & EXPONENT) == EXPONENT;
  }
  for (int j = 0; j < RUN; j++) any |= found[j];
  return any == 0;
}

int na_finite_check(const float *block, size_t size, const na_param *params, int count)
{
  if (size == 0 || all_finite(block, size)) return -1;
  for (int i = 0; i < count; i++) {
    /* Tensors are padded with zeros to whole runs. */
    size_t padded = (params[i].count + RUN - 1) / RUN * RUN;
    if (!all_finite(block + params[i].offset, padded)) return i;
  }
  return -1;
}
