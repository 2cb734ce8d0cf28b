/* Packing weights for bf16 products: matrices, and the taps of convolutions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat.h"

/* A(r, k) of the matrix that pack_matrix is given. */
typedef struct source {
  const float *at;
  int rows, inner, depth;
  size_t row_stride, outer_stride;
} source;

INLINE float element(const source *s, int r, int k)
{
  if (s->inner == s->depth) return s->at[(size_t)r * s->row_stride + (size_t)k];
  return s->at[(size_t)r * s->row_stride + (size_t)(k / s->inner) * s->outer_stride + (size_t)(k % s->inner)];
}

/* Whole block whose rows are contiguous. */
INLINE void pack_rows(const float *from, size_t stride, uint16_t *to)
{
  for (int r = 0; r < BLOCK; r++, from += stride, to += DEPTH)
    for (int k = 0; k < DEPTH; k += VL) store_rounded(to + k, *(const vf_anywhere *)(from + k));
}

/* Whole block whose columns are contiguous. */
INLINE void pack_turned(const float *from, size_t stride, uint16_t *to)
{
  for (int r = 0; r < BLOCK; r += VL)
    for (int j = 0; j < PAIRS; j += VL) {
      const float *pair = from + (size_t)(2 * j) * stride + r;
      vf x[VL];
      UNROLL for (int e = 0; e < VL; e++, pair += 2 * stride)
        x[e] = round_pairs(*(const vf_anywhere *)pair, *(const vf_anywhere *)(pair + stride));
      transpose(x);
      UNROLL for (int e = 0; e < VL; e++) store((float *)(to + (r + e) * DEPTH + 2 * j), x[e]);
    }
}

/* A block that is not whole, through a copy. */
static void pack_edge(const source *s, int r, int k, bool turned, uint16_t *to)
{
  float copy[BLOCK * DEPTH] = {0};
  int rows = s->rows - r < BLOCK ? s->rows - r : BLOCK, depth = s->depth - k < DEPTH ? s->depth - k : DEPTH;
  for (int j = 0; j < depth && turned; j++)
    memcpy(copy + j * BLOCK, s->at + (size_t)(k + j) * s->outer_stride + (size_t)r, (size_t)rows * sizeof *copy);
  for (int i = 0; i < rows && !turned; i++)
    for (int j = 0; j < depth; j++) copy[i * DEPTH + j] = element(s, r + i, k + j);
  if (turned) pack_turned(copy, BLOCK, to);
  else pack_rows(copy, DEPTH, to);
}

void NA_SYMBOL(bfloat_pack_matrix)(const float *from, int rows, int outer, int inner, size_t row_stride,
                                   size_t outer_stride, int first_group, int groups, float *packed)
{
  source s = {from, rows, inner, outer * inner, row_stride, outer_stride};
  bool turned = inner == 1 && row_stride == 1, straight = outer == 1 || (inner == 1 && outer_stride == 1);
  if (straight) s.inner = s.depth;
  uint16_t *to = (uint16_t *)packed + (size_t)first_group * group_values(s.depth);
  for (int r = first_group * BLOCK; r < (first_group + groups) * BLOCK; r += BLOCK)
    for (int k = 0; k < s.depth; k += DEPTH, to += BLOCK * DEPTH) {
      bool whole = r + BLOCK <= rows && k + DEPTH <= s.depth;
      if (whole && straight) pack_rows(from + (size_t)r * row_stride + (size_t)k, row_stride, to);
      else if (whole && turned) pack_turned(from + (size_t)k * outer_stride + (size_t)r, outer_stride, to);
      else pack_edge(&s, r, k, turned, to);
    }
}

/* ------------------------------------------------------------------------------ taps */

/* As pack_taps is given them. */
typedef struct weights {
  const float *at;
  int rows, channels;
  size_t row_stride, channel_stride;
} weights;

/* Rows r .. r + BLOCK, and DEPTH of the (tap, channel) of row i of the taps from k on. */
static void pack_tap_block(const weights *w, const na_taps *taps, int i, int r, int k, uint16_t *to)
{
  float copy[BLOCK * DEPTH] = {0};
  int even = (w->channels + 1) / 2 * 2, rows = w->rows - r < BLOCK ? w->rows - r : BLOCK;
  for (int j = 0; j < DEPTH && k + j < even * taps->across; j++) {
    int c = (k + j) % even, tap = taps->first + i * taps->row + (k + j) / even * taps->column;
    if (c == w->channels) continue;
    const float *from = w->at + (size_t)r * w->row_stride + (size_t)c * w->channel_stride + (size_t)tap;
    for (int e = 0; e < rows; e++) copy[e * DEPTH + j] = from[(size_t)e * w->row_stride];
  }
  pack_rows(copy, DEPTH, to);
}

void NA_SYMBOL(bfloat_pack_taps)(const float *from, int rows, int channels, size_t row_stride,
                                 size_t channel_stride, const na_taps *taps, int first_group, int groups,
                                 float *packed)
{
  weights w = {from, rows, channels, row_stride, channel_stride};
  int depth = (channels + 1) / 2 * 2 * taps->across, steps = (depth + DEPTH - 1) / DEPTH;
  uint16_t *to = (uint16_t *)packed + (size_t)(first_group * taps->down * steps) * BLOCK * DEPTH;
  for (int group = first_group; group < first_group + groups; group++)
    for (int i = 0; i < taps->down; i++)
      for (int s = 0; s < steps; s++, to += BLOCK * DEPTH)
        pack_tap_block(&w, taps, i, group * BLOCK, s * DEPTH, to);
}
