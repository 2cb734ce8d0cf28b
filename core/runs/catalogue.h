/* All runs of a folder. A reading is kept, for other programs too (see cache.h), until one of the run's files
 * changes; runs that go on are read anew at each look, beside their writer (SWMR).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CATALOGUE_H
#define NA_CATALOGUE_H

#include "core/runs/run.h"

/* Zero-initialise except for folder. */
typedef struct na_catalogue {
  const char *folder; /* borrowed */
  na_run **runs;      /* [count], by name; a run stays where it is in memory until it is gone */
  size_t count, capacity;
  size_t next;        /* runs before it were read since the last look */
  bool looked;        /* what earlier programs had read is known */
  size_t fresh;       /* runs that were read and are not kept on disk */
} na_catalogue;

/* Looks which runs there are and which have changed. A folder that does not exist has no runs. New runs have
 * no more than a name until they are read. */
int na_catalogue_look(na_catalogue *catalogue, na_error *err);

/* Reads the runs that have changed, for about `seconds` (0: to the end). *done tells whether all were read. */
int na_catalogue_read(na_catalogue *catalogue, double seconds, bool *done, na_error *err);

/* The run called name, or NULL. */
na_run *na_catalogue_find(const na_catalogue *catalogue, const char *name);

void na_catalogue_free(na_catalogue *catalogue);

#endif
