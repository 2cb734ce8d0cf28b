/* Words and numbers as people read them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TEXT_H
#define NA_TEXT_H

#include <stddef.h>

/* Edit distance (Levenshtein), at most 64; longer words count as 64 apart. */
int na_text_distance(const char *a, const char *b);

/* Index of the word nearest to `word`, or -1 when none is near enough to suggest. `at` gives word
 * number i (0 .. count-1) of the list. */
int na_text_nearest(const char *word, int count, const char *(*at)(const void *list, int i),
                    const void *list);

/* A text that grows. Zero-initialise; na_free(text.data) frees it. On out of memory `failed` is
 * set, and further appends do nothing. */
typedef struct na_buffer {
  char *data; /* always ends in NUL once anything was appended */
  size_t length, capacity;
  int failed;
} na_buffer;
void na_buffer_add(na_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Any bytes, also NUL; another NUL follows them. */
void na_buffer_bytes(na_buffer *buffer, const void *bytes, size_t count);

/* 23512345 -> "23.5M", 750123 -> "0.750M" style of the paper's tables is the caller's business:
 * these pick k, M, G (powers of 1000) or KiB, MiB, GiB. out has room for 16. */
void na_text_count(char out[16], double value);
void na_text_bytes(char out[16], double bytes);

/* The shortest decimal that reads back as the same double: 0.05, not 0.050000000000000003. out has
 * room for 32. */
void na_text_number(char out[32], double value);

/* What a word has behind it when there are `count`: "" of 1, else "s". */
const char *na_text_plural(long long count);

/* Makes text from files fit to be shown, in place: control characters, and bytes that are no UTF-8, become
 * '?'. */
void na_text_tame(char *text);

/* Compares as strcmp does, but numbers in the texts by their value: run-2 before run-10. */
int na_text_compare(const char *a, const char *b);

/* Seconds as "48s", "12:04", "3:12:08" or "2d 03h". */
void na_text_duration(char out[16], double seconds);

#endif
