/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/workbench.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "tui/editor.h"
#include "tui/prompt.h"
#include "tui/screen/entry.h"
#include "tui/screen/live.h"
#include "tui/screen/tty.h"
#include "tui/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <readline/history.h>

enum { POLL_MS = 25 };
static const double REDRAW_SECONDS = 0.1, SERVICE_SECONDS = 0.03;

typedef struct workbench {
  na_session *session;
  na_live live;
  double drawn, served;
  na_buffer statement; /* lines of one that goes on */
  int status;          /* of the last statement: NA_LUA_WAITING once it started a run */
} workbench;

static void interrupt_lua(void *lua)
{
  na_lua_interrupt(lua);
}

static void stop_trainer(void *trainer)
{
  na_trainer_stop(trainer);
}

static void print(void *context, const char *text)
{
  workbench *bench = context;
  na_log_add(&bench->live.log, text, strlen(text));
}

static void take_caught(workbench *bench)
{
  char text[4096];
  for (size_t length; (length = na_tty_caught(text, sizeof text)) > 0;)
    na_log_add(&bench->live.log, text, length);
}

/* -------------------------------------------------------------------------- the prompt */

static void say(workbench *bench, const char *before, const char *text)
{
  na_buffer line = {0};
  na_buffer_add(&line, "%s%s\n", before, text);
  if (line.data != NULL) na_log_add(&bench->live.log, line.data, line.length);
  na_free(line.data);
}

/* Runs a whole statement. An interrupt meanwhile is about it, not about the training. */
static void run_statement(workbench *bench)
{
  na_error err = {0};
  na_lua *lua = bench->session->lua;
  na_trainer *trainer = na_lua_trainer(lua);
  na_signals_on_interrupt(interrupt_lua, lua);
  int status = na_prompt_run(lua, bench->statement.data, &err);
  na_signals_on_interrupt(trainer != NULL ? stop_trainer : interrupt_lua,
                          trainer != NULL ? (void *)trainer : (void *)lua);
  na_signals_forget();
  if (status < 0) {
    say(bench, "", err.message);
    if (err.hint[0] != '\0') say(bench, "  ", err.hint);
  }
  if (trainer == NULL) bench->status = status < 0 ? NA_LUA_DONE : status;
  na_free(bench->statement.data);
  bench->statement = (na_buffer){.data = NULL};
}

static void take_line(workbench *bench, char *line)
{
  bool more = bench->statement.length > 0;
  say(bench, more ? ">> " : "> ", line);
  if (line[0] != '\0') add_history(line);
  if (more || line[strspn(line, " \t")] != '\0')
    na_buffer_add(&bench->statement, "%s%s", more ? "\n" : "", line);
  free(line);
  bool goes_on = bench->statement.length > 0 &&
                 na_prompt_incomplete(bench->session->lua, bench->statement.data);
  if (bench->statement.length > 0 && !goes_on) run_statement(bench);
  /* While nothing trains the keys have little to do: the prompt stays. */
  if (goes_on || na_lua_trainer(bench->session->lua) == NULL)
    na_entry_open(goes_on ? ">> " : "> ", &bench->live.log);
}

static void take_key(workbench *bench, int key)
{
  if (na_entry_is_open()) {
    char *line = na_entry_key(key);
    if (line != NULL) take_line(bench, line);
    else if (!na_entry_is_open()) { /* left */
      na_free(bench->statement.data);
      bench->statement = (na_buffer){.data = NULL};
    }
    return;
  }
  na_live_key(&bench->live, key);
  if (!bench->live.prompting) return;
  bench->live.prompting = false;
  na_entry_open("> ", &bench->live.log);
}

/* -------------------------------------------------------------------------- the loop */

static void draw(workbench *bench)
{
  int rows, cols;
  na_error err = {0};
  if (na_tty_size(&rows, &cols) && na_grid_resize(&bench->live.grid, rows, cols, &err) != NA_OK) return;
  bool open = na_entry_is_open();
  bench->live.prompt = open ? na_entry_prompt() : NULL;
  bench->live.entry = open ? na_entry_text() : NULL;
  bench->live.point = open ? na_entry_point() : 0;
  na_live_draw(&bench->live);
  na_tty_paint(&bench->live.grid);
  bench->drawn = na_now();
}

/* Keys, output and the picture. Fast trainings bring many events: the rest waits its turn. */
static void serve(workbench *bench, bool at_once)
{
  double time = na_now();
  bool keyed = false;
  if (!at_once && time - bench->served < SERVICE_SECONDS) return;
  bench->served = time;
  for (int key; (key = na_tty_key()) != 0; keyed = true) take_key(bench, key);
  take_caught(bench);
  if (na_terminal_resized()) keyed = true;
  if (keyed || at_once || time - bench->drawn >= REDRAW_SECONDS) draw(bench);
}

static int hand_on(workbench *bench, const na_event *event, na_error *err)
{
  na_lua *lua = bench->session->lua;
  bool ended = event->kind == NA_EVENT_END;
  na_live_event(&bench->live, event);
  if (!ended) return na_lua_event(lua, event, err);
  bool leaving = bench->live.leaving || na_signals_interrupted();
  na_signals_on_interrupt(interrupt_lua, lua);
  na_live_end(&bench->live); /* the trainer is freed when the script goes on */
  return leaving ? na_drive_end_script(lua, event, err) : na_lua_event(lua, event, err);
}

static int follow_run(workbench *bench, na_error *err)
{
  na_lua *lua = bench->session->lua;
  na_trainer *trainer = na_lua_trainer(lua);
  int status = NA_LUA_WAITING;
  na_event event = {.kind = NA_EVENT_START};
  na_live_begin(&bench->live, na_lua_run_name(lua), trainer, na_lua_present_net(lua));
  na_signals_on_interrupt(stop_trainer, trainer);
  while (event.kind != NA_EVENT_END && status == NA_LUA_WAITING) {
    if (na_signals_interrupted()) na_trainer_stop(trainer); /* before the handler knew this one */
    if (na_trainer_poll(trainer, &event, POLL_MS) != 0) status = hand_on(bench, &event, err);
    else event.kind = NA_EVENT_START; /* none came */
    serve(bench, false);
  }
  na_signals_on_interrupt(interrupt_lua, lua);
  return status;
}

/* What the screen hid is left on the terminal. */
static void print_log(const na_log *log)
{
  for (size_t i = 0; i < na_log_kept(log); i++) puts(na_log_line(log, i));
  if (log->partial.length > 0) puts(log->partial.data);
  fflush(stdout);
}

static int open_screen(workbench *bench, na_session *session, na_error *err)
{
  *bench = (workbench){.session = session};
  int code = na_live_init(&bench->live, na_tty_utf8(), err);
  if (code == NA_OK) code = na_tty_open(err);
  if (code != NA_OK) {
    na_live_free(&bench->live);
    return code;
  }
  na_session_capture(session, print, bench);
  na_editor_begin(session->lua);
  draw(bench);
  return NA_OK;
}

static void close_screen(workbench *bench)
{
  na_entry_close();
  take_caught(bench);
  na_session_capture(bench->session, NULL, NULL);
  na_tty_close();
  na_editor_end();
  print_log(&bench->live.log);
  na_free(bench->statement.data);
  na_live_free(&bench->live);
}

int na_workbench_run(na_session *session, const char *script, int argc, char **argv, na_error *err)
{
  workbench bench;
  int code = open_screen(&bench, session, err);
  if (code != NA_OK) return code;
  int status = na_lua_start(session->lua, script, argc, argv, err);
  while (status == NA_LUA_WAITING) status = follow_run(&bench, err);
  close_screen(&bench);
  return status;
}

/* What a run that the prompt started ended with is told in the log; the screen goes on. */
static void follow_prompt(workbench *bench)
{
  na_error err = {0};
  int status = bench->status;
  while (status == NA_LUA_WAITING) status = follow_run(bench, &err);
  bench->status = NA_LUA_DONE;
  bench->live.leaving = false;
  na_signals_forget();
  if (status >= 0) return;
  say(bench, "", err.message);
  if (err.hint[0] != '\0') say(bench, "  ", err.hint);
}

int na_workbench_talk(na_session *session, na_error *err)
{
  workbench bench;
  const struct timespec nap = {0, POLL_MS * 1000000L};
  int code = open_screen(&bench, session, err);
  if (code != NA_OK) return code;
  bench.live.view = NA_VIEW_LOG;
  na_entry_open("> ", &bench.live.log);
  while (!bench.live.leaving) {
    serve(&bench, false);
    if (bench.status == NA_LUA_WAITING) {
      bench.live.view = NA_VIEW_CURVES;
      follow_prompt(&bench);
    }
    if (na_signals_interrupted()) { /* abandons the line; outside of one it leaves */
      bench.live.leaving = !na_entry_is_open();
      na_entry_close();
      na_signals_forget();
    }
    nanosleep(&nap, NULL);
  }
  close_screen(&bench);
  return NA_LUA_DONE;
}
