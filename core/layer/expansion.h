/* What the two passes of an expansion and the depthwise convolution behind it share: see expansion.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EXPANSION_H
#define NA_EXPANSION_H

#include "core/layer/dense.h"
#include "core/layer/split.h"

/* Whole lines of the caches. */
static inline size_t na_aligned(size_t floats) { return (floats + NA_LANES - 1) / NA_LANES * NA_LANES; }

/* One expansion with its depthwise convolution, as both passes see them. */
typedef struct na_expansion {
  const na_pass *pass;
  const na_op *expand, *depthwise;
  na_view in;
  int inner, channels, taps; /* K, M, k^2 */
  const float *weight;       /* W as the products see it, rows `row` floats apart */
  size_t row;
} na_expansion;

/* rounded: room for a copy of W, where products round it. */
na_expansion na_expansion_of(const na_pass *pass, const na_op *expand, const na_op *depthwise, float *rounded);

/* Floats of that copy. */
static inline size_t na_expansion_copy(const na_products *products, int inner, int channels)
{
  return products->rounded ? na_aligned((size_t)channels * (size_t)inner) : 0;
}

/* Floats between channels of a strip of the middle: an odd number of pixels (see channel_stride in
 * core/net/workspace.c). */
static inline size_t na_strip_stride(int pixels) { return (size_t)(pixels | 1) * NA_LANES; }

static inline const float *na_expansion_row(const na_expansion *e, int m)
{
  return e->weight + (size_t)m * e->row;
}

/* x of one block: pixels are counted within it, and lanes of no image are zeros. */
na_view na_expansion_block(const na_expansion *e, const na_view *x, int block);

/* Rows first .. first + rows of the middle's channels m .. m + count, recomputed into `strip`, which has room for
 * count channels: W x. tile: x, packed; matrix: W, packed. The view is of all channels and blocks, but only
 * these values are there. */
na_view na_expansion_strip(const na_expansion *e, const na_stripe *rows, int m, int count, const float *matrix,
                           const float *tile, float *strip);

/* Runs `task` on every row of W, split among the team; room: K doubles of the worker's own. */
typedef void na_expansion_task(const na_expansion *e, void *context, int m, double *room);
void na_expansion_rows(const na_expansion *e, na_expansion_task *task, void *context);

/* Scratch of the forward pass. */
void na_expansion_forward_needs(const na_products *products, int in, int middle, const na_shape *shape,
                                na_needs *needs);

#endif
