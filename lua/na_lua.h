/* The embedded Lua: models, experiments and the prompt, for tui/ and the tests.
 *
 * A script is a coroutine. exp:run() starts a trainer and yields; whoever drives the script polls
 * the trainer and hands its events in, so a sweep is a plain loop in Lua while the screen stays
 * alive.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LUA_H
#define NA_LUA_H

#include "core/base/error.h"
#include "core/net/net.h"
#include "core/train/augment.h"
#include "core/train/trainer.h"

typedef struct na_lua na_lua;

typedef struct na_lua_setup {
  /* Where print() and messages go; NULL: standard output. text ends in a newline. */
  void (*print)(void *context, const char *text);
  void *context;
  const char *runs; /* folder for runs; NULL: "runs" */
  bool traceback;   /* print where a script was when it failed */
} na_lua_setup;

/* A state with the library loaded. The library's Lua files are found in $NETAUG_LUA (a folder that
 * holds netaug/), else where they were installed. */
int na_lua_new(na_lua **lua, const na_lua_setup *setup, na_error *err);
void na_lua_free(na_lua *lua);

/* Overrides a setting of every experiment that is made from now on: "train.epochs", "3". Checked
 * now. */
int na_lua_override(na_lua *lua, const char *name, const char *text, na_error *err);

typedef enum na_lua_status {
  NA_LUA_DONE = 0,
  NA_LUA_WAITING = 1
} na_lua_status; /* or a negative na_code */

/* Starts a script file with its arguments (Lua's `arg`), or a line of the prompt (an expression's
 * values are printed, unless it ends in ';'). Returns NA_LUA_DONE, NA_LUA_WAITING when it waits for a run, or an error: a
 * Lua error is NA_EINVAL with file and line in the message. A line may run while a script waits; it
 * cannot start a second run then, and NA_LUA_DONE is about the line. os.exit ends a script, not the
 * process: a status other than 0 is NA_ESTOPPED. */
int na_lua_start(na_lua *lua, const char *path, int argc, char **argv, na_error *err);
int na_lua_line(na_lua *lua, const char *line, na_error *err);

/* True when `line` is an unfinished statement, for the prompt's continuation. */
int na_lua_incomplete(na_lua *lua, const char *line);

/* The trainer a waiting script waits for, else NULL. */
na_trainer *na_lua_trainer(na_lua *lua);

/* What the running experiment is called, and its folder, while waiting. */
const char *na_lua_run_name(const na_lua *lua);
const char *na_lua_run_folder(const na_lua *lua);
/* The folder that runs go to. */
const char *na_lua_runs(const na_lua *lua);
/* The network that it trains; only what never changes (names, sizes) may be read meanwhile. */
const na_net *na_lua_present_net(const na_lua *lua);

/* Lets the script that is started next go on with the run in `folder` (its absolute path) from a
 * checkpoint (a path; NULL: its last.h5, or the beginning where there is none). The script's exp:run()
 * that once began it goes on; those before it give the results that their runs had; those after it
 * begin new ones. set: "NAME = VALUE" changes to the run, borrowed. */
int na_lua_resume(na_lua *lua, const char *folder, const char *checkpoint, int set_count,
                  const char *const *set, na_error *err);

/* Has the script come to the run that was to go on? */
bool na_lua_resumed(const na_lua *lua);

/* Lets every run repeat the steering of the run in `folder`. */
int na_lua_replay(na_lua *lua, const char *folder, na_error *err);

/* Lets sweep:run() print its plan and end the script; exp:run() is refused. */
void na_lua_only_plan(na_lua *lua);

/* Lets every run stop by itself after optimizer step `step`; 0: none. */
void na_lua_stop_after(na_lua *lua, long step);

/* Hands in an event of that trainer: calls hooks, keeps the history; END resumes the script.
 * Returns as na_lua_start does. */
int na_lua_event(na_lua *lua, const na_event *event, na_error *err);

/* Drives a waiting script to its end. observe may be NULL; it sees every event before the hooks. */
int na_lua_drive(na_lua *lua, void (*observe)(void *context, const na_event *event), void *context,
                 na_error *err);

/* Makes the running chunk (also where it is in a coroutine of its own), or else the waiting one once it
 * is resumed, fail with the message "interrupted". Async-signal-safe: for a SIGINT handler. A run is
 * stopped by na_trainer_stop. */
void na_lua_interrupt(na_lua *lua);

/* Lets serve(context) be called now and then while Lua computes, from the thread that runs it: so a screen
 * stays alive. It must not call Lua, but for na_lua_interrupt. NULL: nothing is called. */
void na_lua_serve(na_lua *lua, void (*serve)(void *context), void *context);

/* Builds a network of the zoo, or the one that a script (name ends in ".lua") returns as a model; a
 * script takes no options but lists. Options: width_mult (0: the model's own), resolution (0: own),
 * classes (0: own, 1000), stem_stride (0: own), lists (NULL or count 0: the model's own recipe). */
typedef struct na_lua_model {
  const char *name; /* mobilenetv2_tiny, ... */
  double width_mult;
  int resolution, classes, channels, stem_stride;
  const na_list *width, *expand;
} na_lua_model;
int na_lua_build(na_lua *lua, const na_lua_model *model, na_net **net, na_error *err);

/* The zoo, for help and completion: name and one line each. Returns how many; names borrowed. */
int na_lua_zoo(na_lua *lua, const char *const **names, const char *const **help);

/* Completions of the word that ends `line` (Lua globals, fields, settings); matches[i] allocated,
 * as is the NULL-terminated array. NULL: none. */
char **na_lua_complete(na_lua *lua, const char *line, const char *word);

/* One line per Lua function (name, arguments, help), as text, for help and the man page. */
void na_lua_help(na_lua *lua, na_buffer *out);

#endif
