/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/bands.h"
#include "core/layer/split.h"

/* Pixels of a band that are worth it; and of one that is made smaller only so that there are BANDS of them. */
enum { BAND_PIXELS = 48, SMALL_BAND = 24, BANDS = 8 };

int na_bands_fewest(const na_shape *shape)
{
  return most(least(BAND_PIXELS / shape->out_width, shape->out_height), 1);
}

na_bands na_bands_split(const na_shape *shape, int blocks, int limit, na_bands_fit *fit, const void *context)
{
  int height = shape->out_height, rows = height, fewest = na_bands_fewest(shape);
  while (rows > fewest && !fit(context, rows)) rows--;
  int small = least(most(SMALL_BAND / shape->out_width, 1), rows);
  rows = most(least(rows, ceiling((long)blocks * height, BANDS)), small);
  na_bands bands = {.shape = *shape, .blocks = blocks, .count = ceiling(height, rows)};
  bands.rows = ceiling(height, bands.count);
  bands.chunks = least((long)blocks * bands.count, limit);
  return bands;
}

long na_bands_first(const na_bands *bands, int chunk)
{
  return (long)bands->blocks * bands->count * chunk / bands->chunks;
}

na_band na_bands_at(const na_bands *bands, int chunk, long index)
{
  int height = bands->shape.out_height, width = bands->shape.out_width;
  na_band b = {.block = index / bands->count, .y = (int)(index % bands->count) * bands->rows};
  b.rows = least(bands->rows, height - b.y);
  b.pixels = (na_chunk){chunk, index == na_bands_first(bands, chunk), (b.block * height + b.y) * width,
                        (long)b.rows * width};
  return b;
}

long na_bands_start(const void *bands, int chunk)
{
  return na_bands_at(bands, chunk, na_bands_first(bands, chunk)).pixels.first;
}
