/* Mixing pairs of training images and their labels.
 *
 *   mixup   (Zhang et al. 2018)  x = (1 - s) x_i + s x_j, the label likewise; 1 - s from Beta(a, a)
 *   CutMix  (Yun et al. 2019)    a box of x_j is pasted into x_i: of area 1 - l, l from Beta(a, a),
 *                                its centre anywhere; s is the share of the image that it covers
 *
 * As batches are shuffled, an image's partner is sought among the 16 of its own block: image i is
 * mixed with image (i + shift) % count of the block, shift from 1 .. count - 1, so that partners
 * lie side by side in memory. Only an image that is alone in its block (the last one of a batch of
 * 16 n + 1) finds none. All draws belong to (seed, epoch, batch), and to the image where they are
 * made for each.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MIX_H
#define NA_MIX_H

#include "core/base/source.h"
#include "datasets/dataset.h"

#include <stdbool.h>

/* What the draws are made for, as the setting's words. */
enum { NA_MIX_PER_BATCH, NA_MIX_PER_IMAGE };
#define NA_MIX_PER_WORDS "batch|image"

/* One block's draw. Inside its box image `lane` gets the weight `weight` of its partner; a box of
 * no pixels: it stays as it is. */
typedef struct na_mix {
  int count, shift;
  float weight[NA_LANES];
  int left[NA_LANES], width[NA_LANES], top[NA_LANES], height[NA_LANES];
  float share[NA_LANES]; /* of the label */
} na_mix;

bool na_mix_wanted(const na_data *data);

/* Draws for block `block` of batch `batch`, in which `count` images of height x width lie. */
void na_mix_draw(const na_data *data, uint64_t seed, uint64_t epoch, long batch, int block,
                 int count, int height, int width, na_mix *mix);

/* Mixes one row of one channel in place: row[width][16]. */
void na_mix_row(const na_mix *mix, int y, int width, float *row);

/* Mixes the labels: labels[count], the images' own, become the dominant ones; others[count] and
 * shares[count] get the rest (see na_batch). */
void na_mix_labels(const na_mix *mix, int32_t *labels, int32_t *others, float *shares);

#endif
