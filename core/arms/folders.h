/* Finding the folders of runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FOLDERS_H
#define NA_FOLDERS_H

#include "core/base/error.h"

#include <stddef.h>

typedef struct na_folders {
  char **paths;
  size_t count, capacity;
  size_t found; /* with those that were in the list already */
} na_folders;

/* Adds path, if it holds a run.h5, or else the runs in it, up to three levels deep, in the order of
 * their names (run-2 before run-10); each run once, by whatever path. Refuses a path that leads to
 * no run. */
int na_folders_add(na_folders *folders, const char *path, na_error *err);
void na_folders_free(na_folders *folders);

#endif
