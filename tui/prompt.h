/* What a line of the prompt means: Lua, help, or a command of the shell.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PROMPT_H
#define NA_PROMPT_H

#include "lua/na_lua.h"

/* Runs a complete statement: "?NAME" is help on it, "!COMMAND" is run by the shell, all else is Lua, where
 * the values of an expression are printed unless it ends in ';'. Returns as na_lua_line does. */
int na_prompt_run(na_lua *lua, const char *text, na_error *err);

/* Does the statement go on in the next line? */
bool na_prompt_incomplete(na_lua *lua, const char *text);

/* Is a literal open where the line ends? Then the word to complete is all of it. */
bool na_prompt_within_quotes(const char *line);

/* Completions of the word that begins at `start` of `line` (which ends behind it): names; within quotes
 * files, or runs' folders where no file begins so; behind a literal that names an HDF5 file, paths in there. Allocated, as is the NULL-terminated array; NULL: none. */
char **na_prompt_complete(na_lua *lua, const char *line, int start);

#endif
