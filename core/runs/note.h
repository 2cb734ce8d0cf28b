/* What its owner writes about a run: a text file in its folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_NOTE_H
#define NA_NOTE_H

#include "core/runs/run.h"

#define NA_NOTE_FILE "note.txt"

/* The note of FOLDER/name as one line, or empty. */
void na_note_read(const char *folder, const char *name, char note[NA_RUN_NOTE]);

/* Writes it anew; an empty one is taken away. A text that is too long is refused. */
int na_note_write(const char *folder, const char *name, const char *note, na_error *err);

#endif
