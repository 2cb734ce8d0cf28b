/* Timing what feeds training: decoding and augmenting images, and how long steps wait for it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BENCH_DATA_H
#define NA_BENCH_DATA_H

#include "tui/bench.h"

/* Images per second that one loader thread makes of a folder of images per class: decode, random
 * resized crop to 144x144, flip, jitter. One epoch; nothing is remembered from another. */
int na_bench_rate(const char *path, double *images_per_second, na_error *err);

/* The share of the time of training steps that is spent waiting for batches: steps of `kind`
 * (BASE, NETAUG) over the collection at `path`, whose images become those of bench's network. The
 * first epoch, which fills caches, is not counted. At most `limit` images are used. */
int na_bench_wait(na_bench *bench, int kind, const char *path, int limit, double *share,
                  na_error *err);

#endif
