/* Runs that were thrown away: FOLDER/.trash/NAME, from where they come back until it is emptied.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TRASH_H
#define NA_TRASH_H

#include "core/base/error.h"

#include <stddef.h>

#define NA_TRASH_FOLDER ".trash"

/* Moves FOLDER/name to the trash, as name-2, ... where there is one of that name. Refused while a process
 * trains in it. */
int na_trash_put(const char *folder, const char *name, na_error *err);

/* Moves it back. Refused where a run has taken its name. */
int na_trash_restore(const char *folder, const char *name, na_error *err);

/* Deletes for good what is in the trash. Links are removed, not followed. */
int na_trash_empty(const char *folder, na_error *err);

#endif
