/* Aligned memory, and one prefaulted block for a training run's tensors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MEMORY_H
#define NA_MEMORY_H

#include <stddef.h>

/* bytes of zeroed memory aligned to 64 bytes, or NULL. Freed with na_free. */
void *na_alloc(size_t bytes) __attribute__((malloc));

/* count * size bytes, zeroed; NULL also when the product overflows. */
void *na_alloc_array(size_t count, size_t size) __attribute__((malloc));

/* Grows *items (count used, *capacity allocated, size bytes each) so that one more fits.
 * Returns 0 or NA_ENOMEM, leaving everything as it was. */
int na_grow(void **items, size_t count, size_t *capacity, size_t size);

/* A copy of text, or NULL. text may be NULL, which gives NULL. */
char *na_strdup(const char *text);

void na_free(void *block);

/* A large zeroed block from the system, backed by huge pages where the system grants them and
 * touched now, so that no page fault happens inside a training step. NULL when out of memory. */
void *na_block_new(size_t bytes);

/* The same, but the system gives memory only where it is used, and then: for what may never be. */
void *na_block_reserve(size_t bytes);
void na_block_free(void *block, size_t bytes);

/* Between the two a child that is forked gets none of the blocks: neither a copy, nor for its parent the
 * cost of one and the loss of huge pages. */
void na_blocks_hide(void);
void na_blocks_show(void);

/* How many na_alloc/na_alloc_array/na_grow/na_strdup/na_block_new calls happened in this process:
 * tests show with it that a step allocates nothing. */
unsigned long na_alloc_count(void);

/* Test aid: the count-th allocation from now fails once (0 = never). */
void na_alloc_fail_at(unsigned long count);

#endif
