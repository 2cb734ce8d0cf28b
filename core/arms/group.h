/* Runs sorted into arms; for arms.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_GROUP_H
#define NA_GROUP_H

#include "core/arms/arms.h"

/* Fills settings, arms (names, values, members) of arms from its runs. by: as in na_arms_question.
 */
int na_group_runs(na_arms *arms, const char *const *by, int by_count, na_error *err);

/* Adds to the notes. */
int na_arms_note(na_arms *arms, na_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
