/* What the two passes of an expansion and the depthwise convolution behind it share: see expansion.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EXPANSION_H
#define NA_EXPANSION_H

#include "core/layer/dense.h"
#include "core/layer/split.h"

/* One expansion with its depthwise convolution, as both passes see them. */
typedef struct na_expansion {
  const na_pass *pass;
  const na_op *expand, *depthwise;
  na_view in;
  int inner, channels, taps; /* K, M, k^2 */
} na_expansion;

static inline na_expansion na_expansion_of(const na_pass *pass, const na_op *expand, const na_op *depthwise)
{
  return (na_expansion){.pass = pass, .expand = expand, .depthwise = depthwise,
                        .in = na_tensor_view(expand->in),
                        .inner = expand->in->channels, .channels = expand->out->channels,
                        .taps = depthwise->kernel * depthwise->kernel};
}

/* Whole lines of the caches. */
static inline size_t na_aligned(size_t floats) { return (floats + NA_LANES - 1) / NA_LANES * NA_LANES; }

/* A packed tile; turned, for a product with columns; the packed matrix of `columns` columns. */
static inline size_t na_tile_floats(const na_kernels *kernels, int rows, int pixels)
{
  return (size_t)rows * (size_t)round_up(pixels, kernels->panel_pixels) * NA_LANES;
}

static inline size_t na_column_floats(const na_kernels *kernels, int rows, int pixels)
{
  return (size_t)round_up(rows, kernels->vector) * (size_t)pixels * NA_LANES;
}

static inline size_t na_matrix_floats(const na_kernels *kernels, int rows, int columns)
{
  return na_aligned((size_t)round_up(rows, kernels->group_rows) * (size_t)columns);
}

/* Floats between channels of a strip of the middle: an odd number of pixels (see channel_stride in
 * core/net/workspace.c). */
static inline size_t na_strip_stride(int pixels) { return (size_t)(pixels | 1) * NA_LANES; }

static inline const float *na_expansion_row(const na_expansion *e, int m)
{
  return e->expand->weight + (size_t)m * e->expand->row;
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
void na_expansion_forward_needs(const na_kernels *kernels, int in, int middle, const na_shape *shape,
                                na_needs *needs);

#endif
