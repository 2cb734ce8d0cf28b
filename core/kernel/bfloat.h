/* Rounding to bf16, and where rounded operands are (formats: products.h). Included by kernel files only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BFLOAT_H
#define NA_BFLOAT_H

#include "core/kernel/simd.h"

#include <stdint.h>
#include <string.h>

/* Products are computed in blocks: BLOCK rows of the left factor and BLOCK columns of the right one, each of
 * DEPTH values, two of them side by side. */
enum { BLOCK = 16, DEPTH = 32, PAIRS = DEPTH / 2, BLOCK_VECTORS = BLOCK / VL };
_Static_assert((int)BLOCK == (int)LANES, "the columns of a block are a pixel's lanes");
_Static_assert((int)PAIRS - 1 == (int)NA_SPARE_LINES, "a block may begin with the last line of a pixel");

static inline int lesser(int a, int b) { return a < b ? a : b; }
static inline int ceiling(int a, int b) { return (a + b - 1) / b; }

typedef float vf_anywhere __attribute__((vector_size(4 * VL), aligned(4), may_alias));

/* VL pairs: first[e] in the lower, second[e] in the upper half. */
INLINE vf round_pairs(vf first, vf second)
{
#if defined(__AVX512BF16__)
  static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
  return (vf)_mm512_permutexvar_epi16(_mm512_loadu_si512(order), both);
#else
  return (vf)(round_bits(first) >> 16 | (round_bits(second) & 0xffff0000u));
#endif
}

#if defined(__AVX512F__)
/* 32 values, one after the other. */
INLINE vf round_halves(vf first, vf second)
{
#if defined(__AVX512BF16__)
  return (vf)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
#else
  __m256i low = _mm512_cvtepi32_epi16((__m512i)(round_bits(first) >> 16));
  __m256i high = _mm512_cvtepi32_epi16((__m512i)(round_bits(second) >> 16));
  return (vf)_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
#endif
}
#endif

INLINE void store_pairs(uint16_t *to, vf first, vf second) { store((float *)to, round_pairs(first, second)); }

/* Where the left factor begins in a tile: behind the right one. */
INLINE uint16_t *left_factor(uint16_t *tile, int rows, int count) { return tile + 2 * na_right_part(rows, count); }

/* Values between the groups of a packed matrix. */
INLINE size_t group_values(int columns) { return (size_t)((columns + DEPTH - 1) / DEPTH * DEPTH) * BLOCK; }

/* The products of this instruction set; bfloat_table.c gathers them. */
void NA_SYMBOL(bfloat_pack_view)(const na_view *, int, long, int, int, float *);
void NA_SYMBOL(bfloat_pack_columns)(const na_view *, int, long, int, float *);
void NA_SYMBOL(bfloat_pack_pullback)(const na_pullback *, int, const na_mask *, long, int, int, float *);
void NA_SYMBOL(bfloat_complete_tile)(int, int, int, float *);
void NA_SYMBOL(bfloat_pack_matrix)(const float *, int, int, int, size_t, size_t, int, int, float *);
void NA_SYMBOL(bfloat_matmul)(const float *, int, int, int, const float *, int, float *, size_t, bool, bool,
                              const na_ahead *);
void NA_SYMBOL(bfloat_matmul_streamed)(const float *, int, int, int, const float *, int, float *, size_t,
                                       bool, na_moments *);
void NA_SYMBOL(bfloat_matmul_finished)(const float *, int, int, int, const float *, int, float *, size_t,
                                       bool, const na_finish *, long, double *);
void NA_SYMBOL(bfloat_outer)(const float *, int, const float *, int, int, float *, size_t, bool,
                             const na_ahead *);
void NA_SYMBOL(bfloat_fill_values)(const na_view *, int, const na_frame *, float *);
void NA_SYMBOL(bfloat_fill_gradient)(const na_pullback *, int, const na_mask *, const na_frame *, long, int, int,
                                     float *, float *);
void NA_SYMBOL(bfloat_fill_turned)(const na_view *, const na_overlap *, long, int, int, float *);
void NA_SYMBOL(bfloat_pack_taps)(const float *, int, int, size_t, size_t, const na_taps *, int, int, float *);
void NA_SYMBOL(bfloat_convolve)(const na_sight *, const float *, int, const na_target *, na_moments *);
void NA_SYMBOL(bfloat_convolve_finished)(const na_sight *, const float *, int, const na_target *, const na_finish *,
                                         size_t, double *);
void NA_SYMBOL(bfloat_correlate)(const na_overlap *, float *, bool);
void NA_SYMBOL(bfloat_unpack)(const float *, int, size_t, int, int, int, int, float *, size_t);

#endif
