/* A persistent team of threads that runs one loop at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TEAM_H
#define NA_TEAM_H

#include "core/base/error.h"

typedef struct na_team na_team;

/* Does unit number `unit` (0 .. units-1) of a loop, on worker 0 .. size-1. Each worker begins with the same
 * part of every loop's units, so that what it wrote in one loop is in its caches in the next; but which
 * worker gets which unit is not fixed: a task that must be reproducible writes only to places of its unit. */
typedef void na_task(void *context, int unit, int worker);

/* A team of `threads` (the caller is worker 0; threads - 1 are started). threads 0 means one per
 * processor this process may use. */
int na_team_new(na_team **team, int threads, na_error *err);
void na_team_free(na_team *team);

int na_team_size(const na_team *team);

/* Runs task for every unit and returns when all are done. Not reentrant; allocates nothing. */
void na_team_run(na_team *team, na_task *task, void *context, int units);

/* Processors this process may use, at least 1. */
int na_processors(void);

#endif
