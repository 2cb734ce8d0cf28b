/* Shared by inspect.c and inspect_draw.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_INSPECT_PRIVATE_H
#define NA_INSPECT_PRIVATE_H

#include "tui/inspect/inspect.h"

/* What is selected, when it is a dataset, else NULL. */
const na_h5_about *na_inspect_dataset(na_inspect *s);

/* Makes s->slice that of the selected dataset: at first its last two dimensions. */
void na_inspect_slice(na_inspect *s, const na_h5_about *about);

/* Makes s->scan that of the selected dataset, which lies at path: begun when its statistics are first
 * looked at. */
void na_inspect_scan(na_inspect *s, const na_h5_about *about, const char *path);

/* Chooses the field of a table after s->field, round the end; the first where none was chosen. */
void na_inspect_field(na_inspect *s, const na_h5_about *about);

#endif
