/* Picks the kernels for this processor.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"
#include "core/kernel/kernels.h"

extern const na_kernels na_kernels_plain;
#ifdef NA_X86
extern const na_kernels na_kernels_avx2, na_kernels_avx512, na_kernels_avx512bf16;
#endif

/* Best last. */
static const na_kernels *const all[] = {
    &na_kernels_plain,
#ifdef NA_X86
    &na_kernels_avx2,
    &na_kernels_avx512,
    &na_kernels_avx512bf16,
#endif
};
enum { COUNT = sizeof all / sizeof all[0] };

static bool runs_here(const na_kernels *kernels)
{
#ifdef NA_X86
  if (kernels == &na_kernels_avx512bf16)
    return runs_here(&na_kernels_avx512) && __builtin_cpu_supports("avx512bf16");
  if (kernels == &na_kernels_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
  if (kernels == &na_kernels_avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return kernels == &na_kernels_plain;
}

const na_kernels *na_kernels_best(void)
{
  int best = COUNT - 1;
  while (best > 0 && !runs_here(all[best])) best--;
  return all[best];
}

const na_kernels *na_kernels_running(int i)
{
  for (int k = 0; k < COUNT; k++)
    if (runs_here(all[k]) && i-- == 0) return all[k];
  return NULL;
}

size_t na_depthwise_scratch(int kernel, int in_width, int out_width)
{
  /* A ring of rows with a row of zeros, two bands, a vector for each tap: see depthwise.c. */
  size_t pad = 2 * (size_t)kernel, slots = (size_t)kernel + 1;
  size_t line = (size_t)(in_width > out_width ? in_width : out_width);
  size_t band = line > NA_BAND_PIXELS ? line : NA_BAND_PIXELS;
  return (slots * (line + pad) + 2 * band + (size_t)kernel * (size_t)kernel) * NA_LANES;
}
