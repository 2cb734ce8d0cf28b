/* What the two dense convolutions share: pixels are split into chunks, every chunk has partial statistics,
 * sums and weight gradients of its own, and these are added in the chunks' order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DENSE_H
#define NA_DENSE_H

#include "core/layer/layer.h"

/* The input as the layer sees it: gated, where it has a gate. */
na_view na_gated_input(const na_op *op);

/* Rows of a product that are written before their statistics are taken, in groups. */
enum { NA_ROW_GROUPS = 8 };

/* Chunks that a weight gradient of so many values may be split into, and the floats of its parts at
 * the most, whatever part of the channels is active. */
int na_chunk_limit(long weights);
size_t na_partial_floats(size_t weights);

/* Packs the matrix with elements A(r, o * inner + q) = source[r * row_stride + o * outer_stride + q],
 * rows x outer * inner, into `to`. */
typedef struct na_packing {
  const na_pass *pass;
  const na_products *products;
  const float *source;
  int rows, outer, inner;
  size_t row_stride, outer_stride;
  float *to;
} na_packing;
void na_pack_weights(const na_packing *packing);

/* What is read behind the channels before `next` at pixels first .. first + count: at most `limit` channels
 * of the tensor from `next` on, or, after the last one, its first ones at the pixels behind. */
na_ahead na_channels_ahead(const na_tensor *tensor, int next, int limit, long first, int count);

/* The pixels first .. first + count of a chunk; `start`: they are its first. */
typedef struct na_chunk {
  int index;
  bool start;
  long first, count;
} na_chunk;

/* Adds them, in output channels row .. row + rows, to the chunk's moments. */
void na_add_moments(const na_pass *pass, const na_tensor *out, const na_chunk *chunk, int row, int rows);

/* The first of the output's pixels that belongs to a chunk of the layer's loop; of the chunk behind the last one,
 * how many there are. */
typedef long na_chunk_start(const void *loop, int chunk);

/* Where the batch normalises the output: settles the norm of all its channels from the chunks' moments. */
void na_settle_moments(const na_pass *pass, na_tensor *out, int chunks, na_chunk_start *start, const void *loop);

/* The gradient of the input's channels c .. c + channels is complete at the chunk's pixels (of the
 * input): finish it, if nobody else adds to it. Sums are the chunk's. */
void na_finish_input(const na_pass *pass, const na_op *op, const na_chunk *chunk, int c, int channels);
double *na_input_sums(const na_pass *pass, const na_op *op, int chunk);
void na_clear_sums(const na_pass *pass, const na_op *op, int chunk);
void na_collect_sums(const na_pass *pass, const na_op *op, int chunks);

/* Adds the chunks' partial weight gradients, [chunk][out channels][depth], to the gradient. */
void na_reduce_weights(const na_pass *pass, const na_op *op, int depth, int chunks);

#endif
