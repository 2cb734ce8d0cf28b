/* The screen's line of entry: Readline edits it, the screen shows it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ENTRY_H
#define NA_ENTRY_H

#include "tui/screen/log.h"

/* Opens it (at most one is open) for a line of the prompt; or, with the text that it begins with, for a
 * plain line without completion and with a history of its own. Lists of completions go to the log,
 * which is borrowed. */
void na_entry_open(const char *prompt, const char *text, na_log *log);
void na_entry_close(void);
bool na_entry_is_open(void);

/* Hands a key in: a character or one of key.h's. A line that was entered: allocated by malloc, and
 * the entry is closed; else NULL. */
char *na_entry_key(int key);

/* What stands before the text, the text, and the byte that the cursor is on. */
const char *na_entry_prompt(void);
const char *na_entry_text(void);
int na_entry_point(void);

#endif
