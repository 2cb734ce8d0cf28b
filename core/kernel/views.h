/* How kernels see activations and their gradients.
 *
 * Layout. An activation is stored [channel][block][row][column][lane], 16 lanes: image n of a batch
 * is lane n % 16 of block n / 16. A *pixel* is one (block, row, column) with its 16 lanes: 16
 * contiguous floats. Pixels are numbered through the blocks, so a channel is one contiguous run of
 * blocks * height * width pixels, a pointwise convolution is one matrix product over all of them,
 * and a sub-network's channels are a prefix of the rows. Channel strides are multiples of 16 floats
 * and everything is aligned to 64 bytes.
 *
 * Rounded tensors hold bf16 (products.h): a pixel takes 8 floats' room. Strides count floats all the same.
 *
 * Lazy values. What is stored is the raw output of a layer's linear map; a na_view tells how its
 * consumers see it, a na_pullback how its producer sees its gradient.
 *
 * Masked lanes. The last block may be partial. Forward values in its masked lanes are finite but
 * meaningless; na_mask zeroes them wherever lanes are mixed: in statistics and in pulled-back
 * gradients, from which every other gradient inherits the zeros.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_VIEWS_H
#define NA_VIEWS_H

#include "core/base/source.h"
#include "core/kernel/activation.h"

#include <stdbool.h>
#include <stddef.h>

/* How consumers see a stored activation:
 *   value(c, pixel, lane) = act(scale[c] * data + shift[c]) * gate[c][block][lane]. */
typedef struct na_view {
  const float *data;
  size_t stride;       /* floats between channels */
  int height, width;
  const float *scale, *shift; /* [channels]; both NULL: data itself */
  na_activation act;
  const float *gate;   /* [channels][gate_stride], NULL: 1 */
  size_t gate_stride;
  bool rounded;        /* data */
} na_view;

/* How a producer sees the gradient of its raw output, BatchNorm's backward applied while loading
 * (PyTorch native_batch_norm_backward):
 *   gradient(c, pixel) = mask * (a[c] * grad + b[c] * data + c[c]);  a NULL: mask * grad. */
typedef struct na_pullback {
  const float *grad, *data;
  size_t stride;
  int height, width;
  const float *a, *b, *c;
  bool rounded; /* grad and data */
} na_pullback;

/* Pixels from `first` on (those of the last block) are multiplied lane by lane. */
typedef struct na_mask {
  long first;            /* LONG_MAX: nothing is masked */
  const float *lanes;    /* [16] of 0 and 1, aligned to 64 bytes */
} na_mask;

/* Sums of one channel over some pixels: sum (x - shift), sum (x - shift)^2, with any value of the
 * channel as the shift, so that no digits cancel in the variance. */
typedef struct na_moments {
  double sum, square;
  float shift; /* set by the caller */
} na_moments;

/* How a gradient is finished in place, once all consumers have added to it:
 *   g *= act'(scale * data + shift);  sum += g;  sum_x += g * (data - mean). */
typedef struct na_finish {
  const float *data;
  float scale, shift, mean;
  na_activation act;
  bool rounded, grad_rounded; /* data; g */
} na_finish;

/* What will be read next: run r (r < runs) begins at from[r % 2] + r / 2 * stride, and is as long as
 * the tile at hand. Only a hint: it may point anywhere. */
typedef struct na_ahead {
  const float *from[2];
  size_t stride;
  long runs;
  bool rounded;
} na_ahead;

/* Floats that so many pixels take. */
static inline size_t na_stored(bool rounded, long pixels) { return (size_t)pixels * NA_LANES >> rounded; }

#endif
