/* Drives a Lua script through its training runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DRIVE_H
#define NA_DRIVE_H

#include "lua/na_lua.h"
#include "tui/progress.h"

/* Follows the runs that a script waits for, showing progress, until the script ends. status is what
 * na_lua_start or na_lua_line returned. An interrupt (see tui/signals.h), or a reader of standard
 * output that went away, stops the run at its next step with a checkpoint and ends the script:
 * NA_ESTOPPED. Returns NA_LUA_DONE or an error. */
int na_drive(na_lua *lua, na_progress *progress, int status, na_error *err);

/* With the END event of a run that was stopped: the script must not go on to its next one, it is ended
 * where it waits. Returns NA_ESTOPPED, and err says where the run stopped. */
int na_drive_end_script(na_lua *lua, const na_event *end, na_error *err);

#endif
