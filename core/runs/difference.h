/* What runs were made with, as far as it differs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DIFFERENCE_H
#define NA_DIFFERENCE_H

#include "core/runs/run.h"

/* Names of the settings whose values are not the same in all of runs[count], in the order of the first run
 * that has each; a run's own name is none. *names is allocated (na_free), with borrowed texts. */
int na_runs_difference(na_run *const *runs, size_t count, const char ***names, size_t *name_count,
                       na_error *err);

#endif
