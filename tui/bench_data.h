/* Timing what feeds training: decoding and augmenting images, and how long steps wait for it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BENCH_DATA_H
#define NA_BENCH_DATA_H

#include "tui/bench.h"

/* Images per second that one loader thread makes of a folder of images per class: decode, random
 * resized crop to 144x144, flip, jitter. One epoch; nothing is remembered from another. */
int na_bench_rate(const char *path, double *images_per_second, na_error *err);

/* Training steps that get their batches from a loader. */
typedef struct na_bench_waiting {
  double share;  /* of their time that is spent waiting for batches */
  double slower; /* how much longer they take than on a batch that is ready, as a share of that:
                    with loaders at work the processors have less time for steps */
} na_bench_waiting;

/* Steps of `kind` (BASE, NETAUG) over the collection at `path`, whose images become those of
 * bench's network, after a first epoch that fills caches and is not counted. At most `limit`
 * images. Medians over `rounds` of an epoch and as many steps on a batch that is ready, in turn. */
int na_bench_wait(na_bench *bench, int kind, const char *path, int limit, int rounds,
                  na_bench_waiting *waiting, na_error *err);

#endif
