/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/drive.h"
#include "tui/signals.h"

#include <stdio.h>

enum { POLL_MS = 100 };

static void interrupt_lua(void *lua)
{
  na_lua_interrupt(lua);
}
static void stop_trainer(void *trainer)
{
  na_trainer_stop(trainer);
}

int na_drive_end_script(na_lua *lua, const na_event *end, na_error *err)
{
  char folder[NA_TEXT_MAX], run[64];
  const char *where = na_lua_run_folder(lua), *name = na_lua_run_name(lua);
  snprintf(folder, sizeof folder, "%s", where != NULL ? where : "");
  snprintf(run, sizeof run, "%s", name != NULL ? name : "the run");
  na_lua_interrupt(lua);
  na_lua_event(lua, end, NULL);
  na_fail(err, NA_ESTOPPED, "%s was stopped in epoch %d, after step %ld", run, end->epoch + 1,
          end->step);
  if (folder[0] != '\0') na_hint(err, "its checkpoint is %.200s/last.h5", folder);
  return NA_ESTOPPED;
}

/* Hands on one event. A run's end may free its trainer, so no signal may reach it any more. */
static int hand_on(na_lua *lua, na_progress *progress, const na_event *event, na_error *err)
{
  bool ended = event->kind == NA_EVENT_END;
  if (ended) na_signals_on_interrupt(interrupt_lua, lua);
  na_progress_event(progress, event);
  if (ended && (na_signals_interrupted() || progress->broken)) return na_drive_end_script(lua, event, err);
  return na_lua_event(lua, event, err);
}

static int follow_run(na_lua *lua, na_progress *progress, na_error *err)
{
  na_trainer *trainer = na_lua_trainer(lua);
  na_event event;
  int status = NA_LUA_WAITING;
  na_progress_begin(progress, na_lua_run_name(lua));
  na_signals_on_interrupt(stop_trainer, trainer);
  do {
    /* An interrupt may have come before the handler knew this trainer. */
    if (na_signals_interrupted() || progress->broken) na_trainer_stop(trainer);
    if (na_trainer_poll(trainer, &event, POLL_MS) == 0) continue;
    status = hand_on(lua, progress, &event, err);
    if (event.kind == NA_EVENT_END) break;
  } while (status == NA_LUA_WAITING);
  na_signals_on_interrupt(interrupt_lua, lua);
  na_progress_clear(progress);
  return status;
}

int na_drive(na_lua *lua, na_progress *progress, int status, na_error *err)
{
  while (status == NA_LUA_WAITING) status = follow_run(lua, progress, err);
  na_progress_clear(progress);
  return status;
}
