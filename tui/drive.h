/* Drives a Lua script through its training runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DRIVE_H
#define NA_DRIVE_H

#include "lua/na_lua.h"
#include "tui/progress.h"

/* Who shows the runs meanwhile. */
typedef struct na_display {
  void *context;
  void (*begin)(void *context, na_lua *lua);             /* a run begins */
  void (*event)(void *context, const na_event *event);   /* END: its trainer is about to be freed */
  void (*serve)(void *context);       /* called between events, at least every poll_ms; may be NULL */
  bool (*leaving)(void *context);     /* the run is to stop, and the script to end with it */
  int poll_ms;
} na_display;

/* Progress as lines or as a block on a terminal; it leaves when the reader of standard output went
 * away. */
na_display na_drive_progress(na_progress *progress);

/* Follows the runs that a script waits for until the script ends. status is what na_lua_start or
 * na_lua_line returned. An interrupt (see tui/signals.h), or a display that leaves, stops the run at
 * its next step with a checkpoint and ends the script: NA_ESTOPPED. Returns NA_LUA_DONE or an error. */
int na_drive(na_lua *lua, const na_display *display, int status, na_error *err);

/* Lets the first interrupt stop the run that goes on, or where there is none what Lua does. */
void na_drive_arm(na_lua *lua);

/* Lets it end what Lua does in any case. */
void na_drive_arm_lua(na_lua *lua);

#endif
