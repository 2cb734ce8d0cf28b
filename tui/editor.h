/* Readline as both prompts use it: history and completion.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EDITOR_H
#define NA_EDITOR_H

#include "lua/na_lua.h"

/* Sets Readline up and reads the history. lua is borrowed, for completion, until na_editor_end. */
void na_editor_begin(na_lua *lua);

/* Saves the history; where that fails it says so on standard error. */
void na_editor_end(void);

#endif
