/* What was read of runs, kept in FOLDER/.catalogue for the next program that lists them. It may be deleted, and
 * it is not trusted: what cannot be is read from the run again.
 *
 * The first line is "netaug catalogue 1"; then a line per run, its fields separated by 0x1F: name, stamp, state,
 * numbers, why, started, note, and each setting as "name = value".
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CACHE_H
#define NA_CACHE_H

#include "core/runs/run.h"

#define NA_CACHE_FILE ".catalogue"

/* Calls take for each run in the file; take owns what it is given. A file that is missing or damaged has fewer
 * runs or none. Returns take's first error. */
int na_cache_read(const char *folder, int (*take)(void *context, na_run *run, na_error *err),
                  void *context, na_error *err);

/* Writes those of runs[count] that have ended. A folder that cannot be written just stays slow. */
void na_cache_write(const char *folder, na_run *const *runs, size_t count);

#endif
