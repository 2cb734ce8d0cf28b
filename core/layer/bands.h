/* Bands: some rows of a convolution's output in one block, and whatever they see of the input. A pass is split into
 * chunks of bands, by the shapes alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BANDS_H
#define NA_BANDS_H

#include "core/layer/dense.h"

/* How a pass is split. */
typedef struct na_bands {
  na_shape shape;
  int blocks, rows, count; /* rows of a band; bands of a block */
  int chunks;              /* of bands */
} na_bands;

/* Output rows y .. y + rows of one block, and their pixels. */
typedef struct na_band {
  long block;
  int y, rows;
  na_chunk pixels;
} na_band;

/* Have the caches room for what bands of so many rows need? */
typedef bool na_bands_fit(const void *context, int rows);

/* Bands of as many rows as fit, evenly spread: enough of them for threads to share, but no smaller than is worth it.
 * At most `limit` chunks. */
na_bands na_bands_split(const na_shape *shape, int blocks, int limit, na_bands_fit *fit, const void *context);

/* Rows of bands that are not made smaller, whether they fit or not. */
int na_bands_fewest(const na_shape *shape);

/* The bands of a chunk: from this number on, up to the next chunk's. */
long na_bands_first(const na_bands *bands, int chunk);
na_band na_bands_at(const na_bands *bands, int chunk, long index);

/* As na_settle_moments asks. */
long na_bands_start(const void *bands, int chunk);

#endif
