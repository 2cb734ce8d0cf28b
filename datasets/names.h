/* Many short names in one block, and paths.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_NAMES_H
#define NA_NAMES_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise; na_names_free. */
typedef struct na_names {
  char *pool;      /* the names, each ending in NUL */
  size_t used, pool_capacity;
  size_t *offsets; /* [count], into the pool */
  size_t count, capacity;
} na_names;

int na_names_add(na_names *names, const char *name, na_error *err);
const char *na_names_at(const na_names *names, size_t i);
void na_names_free(na_names *names);

/* Index of name, or -1. */
long na_names_find(const na_names *names, const char *name);

/* Adds the entries of a folder for which keep(path of the entry, its name) is true, sorted by byte
 * value so that the order is the same in every locale. Names that start with a dot are passed
 * over. */
int na_names_list(na_names *names, const char *folder,
                  bool (*keep)(const char *path, const char *name), na_error *err);

/* Adds the lines of a text file that are not empty, without their ends. At most `most`. */
int na_names_lines(na_names *names, const char *path, size_t most, na_error *err);

/* "folder/name", or NULL when out of memory. Freed with na_free. */
char *na_path_join(const char *folder, const char *name);

/* The last part of a path, without slashes at its end. NULL when out of memory. */
char *na_path_last(const char *path);

bool na_path_is_folder(const char *path);
bool na_path_is_file(const char *path);

/* Is there a file, or a folder, folder/name? */
bool na_path_has(const char *folder, const char *name);
bool na_path_has_folder(const char *folder, const char *name);

#endif
