/* The rows of run.h5: what of an event is written, and rows read back as events. Where both are is
 * in core/store/FORMAT.md. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COLUMNS_H
#define NA_COLUMNS_H

#include "core/train/trainer.h"

/* The epochs, or steps, of a run as events, from row `first` on and no more than `most` (0: all of
 * them); also of one that another process trains. *events is allocated (na_free), NULL where there
 * are none. */
int na_run_epochs(const char *folder, long first, long most, na_event **events, long *count,
                  na_error *err);
int na_run_steps(const char *folder, long first, long most, na_event **events, long *count,
                 na_error *err);

/* The columns of table "step", "epoch" or "steering", in the order of their making; NULL: no such
 * table. */
const char *const *na_run_columns(const char *table, int *count);

/* The row of a step or an epoch, in the order of its table's columns. */
enum { NA_COLUMNS_MOST = 40 };
void na_columns_step(const na_event *step, double values[NA_COLUMNS_MOST]);
void na_columns_epoch(const na_event *epoch, double values[NA_COLUMNS_MOST]);

#endif
