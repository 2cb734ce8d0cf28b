/* Where training gets its batches from: the narrow interface between datasets/ and core/train.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SOURCE_H
#define NA_SOURCE_H

#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Images side by side in an activation's innermost dimension. */
enum { NA_LANES = 16 };

/* One batch. Image n of the batch is lane n % 16 of block n / 16; lanes at and beyond `count` are
 * zero in `images` and count in no statistic, loss or gradient. */
typedef struct na_batch {
  int count;             /* images, >= 1 */
  int blocks;            /* ceil(count / 16) */
  const float *images;   /* [channel][blocks][row][column][16], normalised */
  const int32_t *labels; /* [count], 0 .. classes-1 */
  /* Images mixed of two (mixup, CutMix): image n is of class others[n] by the share shares[n], at most
   * a half, and of class labels[n], the dominant one, by the rest. NULL: nothing is mixed. */
  const int32_t *others; /* [count] */
  const float *shares;   /* [count], 0 .. 0.5; 0 where an image is one */
} na_batch;

typedef struct na_source na_source;
struct na_source {
  int channels, height, width; /* of every image */
  int classes;
  int batch;                    /* images in every batch but the last */
  long images;                  /* in one epoch */
  long batches;                 /* in one epoch */
  const char *const *class_names; /* [classes], owned by the source */
  const char *mean, *std; /* that values are normalised with, "0.1, 0.2, 0.3"; as class_names; NULL:
                             not known */

  /* Starts epoch `epoch` at batch number `first` (0 for its beginning). Everything that follows
   * depends only on (seed, epoch, sample), so a run resumed here sees the same batches. */
  int (*start)(na_source *source, uint64_t epoch, long first, na_error *err);

  /* The next batch: returns 1 and *batch (valid until the next call), 0 at the end of the epoch,
   * or an error. */
  int (*next)(na_source *source, const na_batch **batch, na_error *err);

  void (*free)(na_source *source); /* called by na_source_free */
};

static inline void na_source_free(na_source *source)
{
  if (source != NULL) source->free(source);
}

#endif
