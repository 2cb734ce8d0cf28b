/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/drive.h"
#include "tui/signals.h"

#include <stdio.h>

enum { PROGRESS_POLL_MS = 100 };

static void interrupt_lua(void *lua)
{
  na_lua_interrupt(lua);
}
static void stop_trainer(void *trainer)
{
  na_trainer_stop(trainer);
}

void na_drive_arm_lua(na_lua *lua)
{
  na_signals_on_interrupt(interrupt_lua, lua);
}

void na_drive_arm(na_lua *lua)
{
  na_trainer *trainer = na_lua_trainer(lua);
  if (trainer != NULL) na_signals_on_interrupt(stop_trainer, trainer);
  else na_drive_arm_lua(lua);
}

/* ------------------------------------------------------------------------- progress */

static void begin_progress(void *context, na_lua *lua)
{
  na_progress_begin(context, na_lua_run_name(lua));
}

static void show_progress(void *context, const na_event *event)
{
  na_progress_event(context, event);
}

static bool is_broken(void *context)
{
  const na_progress *progress = context;
  return progress->broken;
}

na_display na_drive_progress(na_progress *progress)
{
  return (na_display){.context = progress,
                      .begin = begin_progress,
                      .event = show_progress,
                      .leaving = is_broken,
                      .poll_ms = PROGRESS_POLL_MS};
}

/* ------------------------------------------------------------------------- runs */

/* The script must not go on to its next run: it is ended where it waits. */
static int end_script(na_lua *lua, const na_event *end, na_error *err)
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

static bool must_leave(const na_display *display)
{
  return na_signals_interrupted() || display->leaving(display->context);
}

/* Hands on one event. A run's end frees its trainer, so no signal may reach it any more. */
static int hand_on(na_lua *lua, const na_display *display, const na_event *event, na_error *err)
{
  bool ended = event->kind == NA_EVENT_END;
  if (ended) na_drive_arm_lua(lua);
  display->event(display->context, event);
  if (ended && must_leave(display)) return end_script(lua, event, err);
  return na_lua_event(lua, event, err);
}

static int follow_run(na_lua *lua, const na_display *display, na_error *err)
{
  na_trainer *trainer = na_lua_trainer(lua);
  int status = NA_LUA_WAITING;
  bool ended = false;
  display->begin(display->context, lua);
  na_drive_arm(lua);
  while (!ended && status == NA_LUA_WAITING) {
    na_event event;
    /* An interrupt may have come before the handler knew this trainer. */
    if (must_leave(display)) na_trainer_stop(trainer);
    if (na_trainer_poll(trainer, &event, display->poll_ms) != 0) {
      ended = event.kind == NA_EVENT_END;
      status = hand_on(lua, display, &event, err);
    }
    if (display->serve != NULL) display->serve(display->context);
  }
  na_drive_arm_lua(lua);
  return status;
}

int na_drive(na_lua *lua, const na_display *display, int status, na_error *err)
{
  while (status == NA_LUA_WAITING) status = follow_run(lua, display, err);
  return status;
}
