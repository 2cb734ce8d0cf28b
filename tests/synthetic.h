/* A data source made of noise and one pattern per class: something a tiny network learns in
 * seconds. Image `i` of any epoch is a function of (seed, i); the order of an epoch, of (seed,
 * epoch). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/base/source.h"

#include <string.h>

typedef struct synthetic {
  na_source source; /* first: the source is the synthetic */
  uint64_t seed;
  float noise;
  bool keep_rest; /* gives the incomplete last batch too */
  long at;        /* batches given */
  long fail_at;   /* batch at which next fails; -1: never */
  uint32_t *order;
  float *images;
  int32_t *labels;
  na_batch batch;
} synthetic;

static float synthetic_value(const synthetic *s, uint32_t image, int label, uint64_t pixel)
{
  float pattern = na_random_symmetric(1000 + (uint64_t)label, pixel);
  return pattern + s->noise * na_random_symmetric(s->seed * 100000 + image + 5000, pixel);
}

static int synthetic_start(na_source *source, uint64_t epoch, long first, na_error *err)
{
  (void)err;
  synthetic *s = (synthetic *)source;
  na_random random = na_random_at(s->seed, epoch, 9);
  for (uint32_t i = 0; i < (uint32_t)source->images; i++) s->order[i] = i;
  na_random_shuffle(&random, s->order, (uint32_t)source->images);
  s->at = first;
  return NA_OK;
}

static int synthetic_next(na_source *source, const na_batch **batch, na_error *err)
{
  synthetic *s = (synthetic *)source;
  if (s->at == s->fail_at) return na_fail(err, NA_EIO, "the synthetic source fails on purpose");
  if (s->at >= source->batches) return 0;
  long first = s->at++ * source->batch, left = source->images - first;
  int count = left < source->batch ? (int)left : source->batch,
      area = source->height * source->width;
  s->batch = (na_batch){.count = count,
                        .blocks = (count + NA_LANES - 1) / NA_LANES,
                        .images = s->images,
                        .labels = s->labels};
  size_t block = (size_t)area * NA_LANES, channel = block * (size_t)s->batch.blocks;
  memset(s->images, 0, channel * (size_t)source->channels * sizeof *s->images);
  for (int n = 0; n < count; n++) {
    uint32_t image = s->order[first + n];
    int label = (int)(image % (uint32_t)source->classes);
    s->labels[n] = label;
    for (int c = 0; c < source->channels; c++)
      for (int p = 0; p < area; p++)
        s->images[(size_t)c * channel + (size_t)(n / NA_LANES) * block +
                  (size_t)(p * NA_LANES + n % NA_LANES)] =
            synthetic_value(s, image, label, (uint64_t)(c * area + p));
  }
  *batch = &s->batch;
  return 1;
}

static void synthetic_free(na_source *source)
{
  synthetic *s = (synthetic *)source;
  na_free(s->order);
  na_free(s->images);
  na_free(s->labels);
  na_free(s);
}

/* images of channels x size x size in `classes` classes, in batches of `batch`. */
static inline na_source *synthetic_new(uint64_t seed, long images, int channels,
                                                        int size, int classes, int batch,
                                                        bool keep_rest)
{
  static const char *const names[] = {"zero", "one", "two",   "three", "four",
                                      "five", "six", "seven", "eight", "nine"};
  synthetic *s = na_alloc(sizeof *s);
  size_t blocks = (size_t)(batch + NA_LANES - 1) / NA_LANES;
  *s = (synthetic){.seed = seed, .noise = 1.0f, .keep_rest = keep_rest, .fail_at = -1};
  s->source = (na_source){.channels = channels,
                          .height = size,
                          .width = size,
                          .classes = classes,
                          .batch = batch,
                          .images = images,
                          .class_names = classes <= 10 ? names : NULL,
                          .mean = "0.5, 0.5, 0.5",
                          .std = "0.25, 0.25, 0.25",
                          .start = synthetic_start,
                          .next = synthetic_next,
                          .free = synthetic_free};
  s->source.batches = keep_rest ? (images + batch - 1) / batch : images / batch;
  s->order = na_alloc_array((size_t)images, sizeof *s->order);
  s->labels = na_alloc_array((size_t)batch, sizeof *s->labels);
  s->images = na_alloc_array((size_t)channels * blocks * NA_LANES * (size_t)(size * size),
                             sizeof *s->images);
  return &s->source;
}

#endif
