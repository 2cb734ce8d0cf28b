/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

static atomic_ulong allocations;
static atomic_ulong fail_at;

/* Counts one allocation; true when it is the one chosen to fail. */
static int must_fail(void)
{
  unsigned long count = atomic_fetch_add(&allocations, 1) + 1;
  unsigned long chosen = atomic_load(&fail_at);
  return chosen != 0 && count == chosen;
}

unsigned long na_alloc_count(void) { return atomic_load(&allocations); }

void na_alloc_fail_at(unsigned long count)
{
  atomic_store(&fail_at, count == 0 ? 0 : atomic_load(&allocations) + count);
}

void *na_alloc(size_t bytes)
{
  if (must_fail() || bytes > SIZE_MAX - ALIGNMENT) return NULL;
  size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void *block = aligned_alloc(ALIGNMENT, rounded == 0 ? ALIGNMENT : rounded);
  if (block != NULL) memset(block, 0, rounded == 0 ? ALIGNMENT : rounded);
  return block;
}

void *na_alloc_array(size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return na_alloc(bytes);
}

int na_grow(void **items, size_t count, size_t *capacity, size_t size)
{
  if (count < *capacity) return NA_OK;
  size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
  void *larger = na_alloc_array(wanted, size);
  if (larger == NULL) return NA_ENOMEM;
  if (count != 0) memcpy(larger, *items, count * size);
  na_free(*items);
  *items = larger;
  *capacity = wanted;
  return NA_OK;
}

char *na_strdup(const char *text)
{
  if (text == NULL) return NULL;
  size_t bytes = strlen(text) + 1;
  char *copy = na_alloc(bytes);
  if (copy != NULL) memcpy(copy, text, bytes);
  return copy;
}

void na_free(void *block) { free(block); }

/* The blocks there are. Those beyond the table are not hidden from children. */
enum { BLOCKS_MOST = 256 };
static struct {
  void *at;
  size_t size;
} blocks[BLOCKS_MOST];
static pthread_mutex_t blocks_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Puts `new` of that size where `old` is; NULL is an empty place. */
static void note_block(void *old, void *new, size_t size)
{
  pthread_mutex_lock(&blocks_mutex);
  for (int i = 0; i < BLOCKS_MOST; i++) {
    if (blocks[i].at != old) continue;
    blocks[i].at = new;
    blocks[i].size = size;
    break;
  }
  pthread_mutex_unlock(&blocks_mutex);
}

void na_blocks_hide(void)
{
  pthread_mutex_lock(&blocks_mutex);
  for (int i = 0; i < BLOCKS_MOST; i++)
    if (blocks[i].at != NULL) madvise(blocks[i].at, blocks[i].size, MADV_DONTFORK);
}

void na_blocks_show(void)
{
  for (int i = 0; i < BLOCKS_MOST; i++)
    if (blocks[i].at != NULL) madvise(blocks[i].at, blocks[i].size, MADV_DOFORK);
  pthread_mutex_unlock(&blocks_mutex);
}

static size_t block_size(size_t bytes) { return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

void *na_block_reserve(size_t bytes)
{
  if (must_fail() || bytes == 0 || bytes > SIZE_MAX - 2 * (size_t)HUGE_PAGE) return NULL;
  size_t size = block_size(bytes), padded = size + HUGE_PAGE;
  char *map = mmap(NULL, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return NULL;
  /* Huge pages need a 2 MiB boundary: give back what lies before and after it. */
  size_t before = (HUGE_PAGE - (uintptr_t)map % HUGE_PAGE) % HUGE_PAGE;
  if (before != 0) munmap(map, before);
  char *block = map + before;
  if (before != HUGE_PAGE) munmap(block + size, HUGE_PAGE - before);
  madvise(block, size, MADV_HUGEPAGE);
  note_block(NULL, block, size);
  return block;
}

void *na_block_new(size_t bytes)
{
  char *block = na_block_reserve(bytes);
  for (size_t at = 0; block != NULL && at < bytes; at += 4096) ((volatile char *)block)[at] = 0;
  return block;
}

void na_block_free(void *block, size_t bytes)
{
  if (block == NULL) return;
  note_block(block, NULL, 0);
  munmap(block, block_size(bytes));
}
