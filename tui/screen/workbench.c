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
#include <unistd.h>

#include <readline/history.h>

enum { POLL_MS = 25, AHEAD_MOST = 1024 };
static const double REDRAW_SECONDS = 0.35, SERVICE_SECONDS = 0.03, BUSY_SECONDS = 0.4;

typedef struct workbench {
  na_session *session;
  na_live live;
  double drawn, served, free_at; /* free_at: when Lua did not compute last */
  bool offered;        /* more than one interrupt was answered by a question */
  bool computing;      /* the screen is served from within Lua */
  int ahead[AHEAD_MOST], ahead_count; /* keys that wait for Lua */
  bool editing;        /* the prompt was opened */
  bool answering;      /* the entry is a view's question */
  na_buffer statement; /* lines of one that goes on */
  int status;          /* of the last statement: NA_LUA_WAITING once it started a run */
} workbench;

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

static void say_error(workbench *bench, const na_error *err)
{
  say(bench, "", err->message);
  if (err->hint[0] != '\0') say(bench, "  ", err->hint);
}

/* Runs a whole statement. An interrupt meanwhile is about it, not about the training. */
static void run_statement(workbench *bench)
{
  na_error err = {0};
  na_lua *lua = bench->session->lua;
  na_buffer statement = bench->statement; /* the screen is served meanwhile */
  bool idle = na_lua_trainer(lua) == NULL;
  bench->statement = (na_buffer){.data = NULL};
  na_drive_arm_lua(lua);
  int status = na_prompt_run(lua, statement.data, &err);
  if (!idle) na_drive_arm(lua);
  na_signals_forget();
  if (status < 0) say_error(bench, &err);
  if (idle) bench->status = status < 0 ? NA_LUA_DONE : status;
  na_free(statement.data);
}

/* Readline is set up, and the history read, only by those who use the prompt. */
static void open_entry(workbench *bench, const char *prompt)
{
  if (!bench->editing) na_editor_begin(bench->session->lua);
  bench->editing = true;
  na_entry_open(prompt, NULL, &bench->live.log);
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
  /* While nothing trains the keys have little to do: the prompt stays, also while Lua computes. */
  if (goes_on || na_lua_trainer(bench->session->lua) == NULL)
    open_entry(bench, goes_on ? ">> " : "> ");
  if (bench->statement.length == 0 || goes_on) return;
  run_statement(bench);
  if (na_lua_trainer(bench->session->lua) != NULL && na_entry_text()[0] == '\0') na_entry_close();
}

static bool asks_line(const na_live *live)
{
  return live->asking && live->question.line;
}

/* A question may end otherwise than by its answer: then its entry must not be taken for the prompt. */
static void follow_question(workbench *bench)
{
  const na_live *live = &bench->live;
  if (bench->answering && !asks_line(live)) {
    na_entry_close();
    bench->answering = false;
  } else if (!bench->answering && asks_line(live) && !na_entry_is_open()) {
    na_entry_open(live->question.text, live->question.initial, &bench->live.log);
    bench->answering = true;
  }
}

/* A key of a line that a view asked for. */
static void take_answer(workbench *bench, int key)
{
  char *line = na_entry_key(key);
  if (line == NULL && na_entry_is_open()) na_live_typed(&bench->live, na_entry_text(), false);
  else na_live_typed(&bench->live, line, true);
  free(line);
}

/* While Lua computes, lines and completions wait, and with them the keys behind. */
static bool must_wait(workbench *bench, int key)
{
  if (!bench->computing) return false;
  if (bench->ahead_count == 0 && key != NA_KEY_ENTER && key != NA_KEY_TAB) return false;
  if (bench->ahead_count < AHEAD_MOST) bench->ahead[bench->ahead_count++] = key;
  na_live_say(&bench->live, "waits for Lua");
  return true;
}

static void take_key(workbench *bench, int key)
{
  na_live *live = &bench->live;
  if (key == NA_KEY_MOUSE) {
    if (!na_entry_is_open()) na_live_mouse(live, na_tty_mouse());
    return;
  }
  follow_question(bench);
  if (bench->answering) {
    take_answer(bench, key);
    follow_question(bench);
    return;
  }
  if (na_entry_is_open() && !live->asking) {
    if (must_wait(bench, key)) return;
    char *line = na_entry_key(key);
    if (line != NULL) take_line(bench, line);
    else if (!na_entry_is_open()) { /* left */
      na_free(bench->statement.data);
      bench->statement = (na_buffer){.data = NULL};
    }
    return;
  }
  na_live_key(live, key);
  follow_question(bench);
  if (!live->prompting) return;
  live->prompting = false;
  open_entry(bench, "> ");
}

/* -------------------------------------------------------------------------- the loop */

static void draw(workbench *bench)
{
  int rows, cols;
  na_error err = {0};
  if (na_tty_size(&rows, &cols) && na_grid_resize(&bench->live.grid, rows, cols, &err) != NA_OK) return;
  follow_question(bench);
  bool open = na_entry_is_open();
  bench->live.prompt = open ? na_entry_prompt() : NULL;
  bench->live.entry = open ? na_entry_text() : NULL;
  bench->live.point = open ? na_entry_point() : 0;
  na_live_draw(&bench->live);
  na_tty_paint(&bench->live.grid);
  bench->drawn = na_now();
}

/* The keys that waited for Lua. A line may make it compute again: then the rest waits on. */
static void take_ahead(workbench *bench)
{
  int count = bench->ahead_count, keys[AHEAD_MOST];
  memcpy(keys, bench->ahead, sizeof keys);
  bench->ahead_count = 0;
  for (int i = 0; i < count; i++) take_key(bench, keys[i]);
}

/* Interrupts beyond the first, which Lua or the training has got. */
static void take_insistence(workbench *bench)
{
  if (!na_signals_insisted()) bench->offered = false;
  else if (!bench->offered) {
    bench->offered = true;
    na_live_insist(&bench->live);
  }
  if (!bench->live.killing) return;
  na_tty_restore();
  _exit(NA_EXIT_INTERRUPTED);
}

/* Keys, output and the picture. Fast trainings bring many events: the rest waits its turn. Keys that
 * waited for Lua do not wait again: a hook after every step may leave it free only so briefly. */
static void serve(void *context)
{
  workbench *bench = context;
  double time = na_now();
  bool keyed = false;
  if (!bench->computing) bench->free_at = time;
  bool released = !bench->computing && bench->ahead_count > 0;
  if (!released && time - bench->served < SERVICE_SECONDS) return;
  bench->served = time;
  bench->live.busy = time - bench->free_at > BUSY_SECONDS;
  if (released) take_ahead(bench);
  for (int key; (key = na_tty_key()) != 0; keyed = true) take_key(bench, key);
  na_tty_take_mouse(bench->live.mouse);
  take_insistence(bench);
  take_caught(bench);
  if (na_terminal_resized()) keyed = true;
  if (na_live_idle(&bench->live)) keyed = true;
  if (keyed || bench->live.overlay.left > 0 || time - bench->drawn >= REDRAW_SECONDS)
    draw(bench);
}

/* The same from within Lua, which nothing here may enter. */
static void serve_computing(void *context)
{
  workbench *bench = context;
  bool leaving = bench->live.leaving;
  if (bench->computing) return;
  bench->computing = true;
  serve(bench);
  bench->computing = false;
  if (bench->live.leaving && !leaving) na_lua_interrupt(bench->session->lua);
}

static void begin_run(void *context, na_lua *lua)
{
  workbench *bench = context;
  na_live_begin(&bench->live, na_lua_run_name(lua), na_lua_trainer(lua), na_lua_present_net(lua));
}

static void show_event(void *context, const na_event *event)
{
  workbench *bench = context;
  na_live_event(&bench->live, event);
  if (event->kind == NA_EVENT_END) na_live_end(&bench->live);
}

static bool is_leaving(void *context)
{
  const workbench *bench = context;
  return bench->live.leaving;
}

static int drive(workbench *bench, int status, na_error *err)
{
  const na_display display = {bench, begin_run, show_event, serve, is_leaving, POLL_MS};
  return na_drive(bench->session->lua, &display, status, err);
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
  int code = na_live_init(&bench->live, session->terminal.utf8, err);
  bench->live.runs = session->runs;
  if (code == NA_OK) code = na_tty_open(err);
  if (code != NA_OK) {
    na_live_free(&bench->live);
    return code;
  }
  na_session_capture(session, print, bench);
  na_lua_serve(session->lua, serve_computing, bench);
  na_signals_offer(true);
  bench->free_at = na_now();
  draw(bench);
  return NA_OK;
}

static void close_screen(workbench *bench)
{
  na_signals_offer(false);
  na_lua_serve(bench->session->lua, NULL, NULL);
  na_entry_close();
  take_caught(bench);
  na_session_capture(bench->session, NULL, NULL);
  na_tty_close();
  if (bench->editing) na_editor_end();
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
  status = drive(&bench, status, err);
  close_screen(&bench);
  return status;
}

/* What a run that the prompt started ended with is told in the log; the screen goes on. */
static void follow_prompt(workbench *bench)
{
  na_error err = {0};
  int status = drive(bench, bench->status, &err);
  bench->status = NA_LUA_DONE;
  bench->live.leaving = false;
  na_signals_forget();
  if (status < 0) say_error(bench, &err);
}

int na_workbench_talk(na_session *session, na_error *err)
{
  workbench bench;
  const struct timespec nap = {0, POLL_MS * 1000000L};
  int code = open_screen(&bench, session, err);
  if (code != NA_OK) return code;
  na_live_show(&bench.live, &na_view_log);
  open_entry(&bench, "> ");
  while (!bench.live.leaving) {
    serve(&bench);
    if (bench.status == NA_LUA_WAITING) {
      na_live_show(&bench.live, &na_view_curves);
      follow_prompt(&bench);
    }
    if (na_signals_interrupted()) { /* abandons the line; outside of one it leaves */
      bench.live.leaving = !na_entry_is_open();
      bench.live.asking = false;
      na_entry_close();
      na_signals_forget();
    }
    nanosleep(&nap, NULL);
  }
  close_screen(&bench);
  return NA_LUA_DONE;
}
