/* The parts of a checkpoint's file that are fields of na_checkpoint.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CHECKPOINT_FIELDS_H
#define NA_CHECKPOINT_FIELDS_H

#include "core/store/checkpoint.h"
#include "core/store/h5.h"

/* Attributes, class names and the counts of draws. A load that fails frees what it has read. */
int na_checkpoint_save_fields(na_h5 *file, const na_checkpoint *state, na_error *err);
int na_checkpoint_load_fields(na_h5 *file, na_checkpoint *state, na_error *err);

/* Is an attribute of the file called so by a field? */
bool na_checkpoint_is_field(const char *name);

#endif
