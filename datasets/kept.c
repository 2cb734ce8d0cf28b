/* Decoded images that stay in memory: after the first epoch a small collection of files costs no
 * more decoding. They lie in slabs, so that keeping an image allocates nothing most of the time.
 *
 * Whether an image is found here must not change a single bit of what becomes of it: na_keeps says
 * by its size alone which images are kept, and those are always decoded whole.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"

#include <string.h>

enum { PIXELS_MAX = 256 * 256, SLAB_BYTES = 4 << 20, ALIGNMENT = 16 };

struct na_slab {
  na_slab *next;
  size_t used, bytes; /* of `data` */
  _Alignas(ALIGNMENT) uint8_t data[];
};

bool na_keeps(const na_image *info)
{
  return (long)info->height * info->width <= PIXELS_MAX;
}

bool na_kept_find(const na_part *part, uint32_t index, na_image *image)
{
  if (part->kept == NULL) return false;
  const na_kept *kept = atomic_load_explicit(&part->kept[index], memory_order_acquire);
  if (kept == NULL) return false;
  *image = (na_image){kept->channels, kept->height, kept->width, kept->pixels};
  return true;
}

/* Under the lock: `bytes` of a slab, or NULL when data.cache or the machine's memory are used up.
 */
static void *take_room(na_dataset *dataset, size_t bytes)
{
  na_slab *slab = dataset->slabs;
  if (slab == NULL || slab->bytes - slab->used < bytes) {
    size_t left = dataset->keep_bytes, size = left < SLAB_BYTES ? left : SLAB_BYTES;
    if (size < bytes) return NULL;
    slab = na_alloc(sizeof *slab + size);
    if (slab == NULL) return NULL;
    *slab = (na_slab){dataset->slabs, 0, size};
    dataset->slabs = slab;
    dataset->keep_bytes -= size;
  }
  void *room = slab->data + slab->used;
  slab->used += bytes;
  return room;
}

void na_kept_add(na_dataset *dataset, const na_part *part, uint32_t index, const na_image *image)
{
  if (part->kept == NULL || !na_keeps(image)) return;
  size_t pixels = (size_t)image->channels * (size_t)image->height * (size_t)image->width;
  size_t bytes = (sizeof(na_kept) + pixels + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  pthread_mutex_lock(&dataset->mutex);
  /* Loaders of two sources may have decoded it at the same time. */
  bool there = atomic_load_explicit(&part->kept[index], memory_order_relaxed) != NULL;
  na_kept *kept = there ? NULL : take_room(dataset, bytes);
  pthread_mutex_unlock(&dataset->mutex);
  if (kept == NULL) return;
  *kept = (na_kept){image->channels, image->height, image->width};
  memcpy(kept->pixels, image->pixels, pixels);
  atomic_store_explicit(&part->kept[index], kept, memory_order_release);
}

int na_kept_prepare(na_part *part, na_error *err)
{
  if (part->count == 0 || part->pixels != NULL) return NA_OK;
  part->kept = na_alloc_array((size_t)part->count, sizeof *part->kept);
  if (part->kept != NULL) return NA_OK;
  return na_fail_memory(err, (size_t)part->count * sizeof *part->kept, "remembering images");
}

void na_kept_free(na_dataset *dataset)
{
  while (dataset->slabs != NULL) {
    na_slab *next = dataset->slabs->next;
    na_free(dataset->slabs);
    dataset->slabs = next;
  }
}
