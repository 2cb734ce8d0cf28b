/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/images.h"
#include "core/base/memory.h"
#include "core/base/random.h"

/* Image n of the stream goes to lane n % 16 of block n / 16. */
static void fill(na_images *images, const na_net *net, int blocks, int count, uint64_t stream)
{
  size_t area = (size_t)net->height * (size_t)net->width;
  uint64_t index = 0;
  for (int n = 0; n < count; n++)
    for (size_t c = 0; c < (size_t)net->channels; c++) {
      float *plane = images->values +
                     (c * (size_t)blocks + (size_t)(n / NA_LANES)) * area * NA_LANES + n % NA_LANES;
      for (size_t p = 0; p < area; p++) plane[p * NA_LANES] = na_random_symmetric(stream, index++);
    }
}

int na_images_new(na_images *images, const na_net *net, int count, uint64_t stream, na_error *err)
{
  int blocks = (count + NA_LANES - 1) / NA_LANES;
  size_t values =
      (size_t)net->channels * (size_t)blocks * (size_t)net->height * (size_t)net->width * NA_LANES;
  *images = (na_images){.values = NULL};
  images->bytes = values * sizeof *images->values;
  if (values <= SIZE_MAX / sizeof *images->values) images->values = na_block_new(images->bytes);
  images->labels = na_alloc_array((size_t)count, sizeof *images->labels);
  if (images->values == NULL || images->labels == NULL) {
    na_images_free(images);
    return na_fail_memory(err, values * sizeof(float), "a batch of generated images");
  }
  fill(images, net, blocks, count, stream);
  for (int n = 0; n < count; n++) images->labels[n] = n % net->classes;
  images->batch = (na_batch){.count = count, .blocks = blocks, .images = images->values,
                              .labels = images->labels};
  return NA_OK;
}

void na_images_free(na_images *images)
{
  na_block_free(images->values, images->bytes);
  na_free(images->labels);
  *images = (na_images){.values = NULL};
}
