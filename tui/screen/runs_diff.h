/* The settings in which the marked runs differ, as a table.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RUNS_DIFF_H
#define NA_RUNS_DIFF_H

#include "core/runs/catalogue.h"
#include "tui/screen/live.h"

/* A line per setting, a column per run under its label, and below them what the labels stand for. *top is the
 * first line that is shown; it is kept within what there is. */
void na_runs_diff_draw(na_live *live, const na_catalogue *catalogue, na_area area, long *top);

#endif
