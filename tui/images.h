/* Batches of generated images, for measuring and comparing networks without a data set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_IMAGES_H
#define NA_IMAGES_H

#include "core/base/source.h"
#include "core/net/net.h"

/* Owns what its batch points to; values are a block, as a loader's batches are. */
typedef struct na_images {
  na_batch batch;
  float *values;
  size_t bytes;
  int32_t *labels;
} na_images;

/* `count` images of net's shape, every value uniform in [-1, 1) from `stream` in the order image,
 * channel, row, column; label of image n: n modulo classes. */
int na_images_new(na_images *images, const na_net *net, int count, uint64_t stream, na_error *err);
void na_images_free(na_images *images);

#endif
