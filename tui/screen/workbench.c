/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/workbench.h"
#include "tui/screen/live.h"
#include "tui/screen/tty.h"
#include "tui/signals.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 25 };
static const double REDRAW_SECONDS = 0.1, SERVICE_SECONDS = 0.03;

typedef struct workbench {
  na_session *session;
  na_live live;
  double drawn, served;
  bool changed;
} workbench;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

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
  bench->changed = true;
}

static void take_caught(workbench *bench)
{
  char text[4096];
  for (size_t length; (length = na_tty_caught(text, sizeof text)) > 0;) {
    na_log_add(&bench->live.log, text, length);
    bench->changed = true;
  }
}

static void draw(workbench *bench)
{
  int rows, cols;
  na_error err = {0};
  if (na_tty_size(&rows, &cols) && na_grid_resize(&bench->live.grid, rows, cols, &err) != NA_OK) return;
  na_live_draw(&bench->live);
  na_tty_paint(&bench->live.grid);
  bench->drawn = now();
  bench->changed = false;
}

/* Keys, output and the picture. Fast trainings bring many events: the rest waits its turn. */
static void serve(workbench *bench, bool at_once)
{
  double time = now();
  bool keyed = false;
  if (!at_once && time - bench->served < SERVICE_SECONDS) return;
  bench->served = time;
  for (int key; (key = na_tty_key()) != 0;) keyed |= na_live_key(&bench->live, key);
  take_caught(bench);
  if (na_terminal_resized()) keyed = true;
  if (keyed || at_once || time - bench->drawn >= REDRAW_SECONDS) draw(bench);
}

static int hand_on(workbench *bench, const na_event *event, na_error *err)
{
  na_lua *lua = bench->session->lua;
  bool ended = event->kind == NA_EVENT_END;
  na_live_event(&bench->live, event);
  bench->changed = true;
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
    else event.kind = NA_EVENT_START;
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

int na_workbench_run(na_session *session, const char *script, int argc, char **argv, na_error *err)
{
  workbench bench = {.session = session};
  int code = na_live_init(&bench.live, na_tty_utf8(), err);
  if (code == NA_OK) code = na_tty_open(err);
  if (code != NA_OK) {
    na_live_free(&bench.live);
    return code;
  }
  na_session_capture(session, print, &bench);
  draw(&bench);
  int status = na_lua_start(session->lua, script, argc, argv, err);
  while (status == NA_LUA_WAITING) status = follow_run(&bench, err);
  take_caught(&bench);
  na_session_capture(session, NULL, NULL);
  na_tty_close();
  print_log(&bench.live.log);
  na_live_free(&bench.live);
  return status;
}
