/* Shared by the na_lua_*.c files only: the one place where lua.h is included.
 *
 * Conventions. Functions that take a lua_State may raise a Lua error (a longjmp), so whatever they
 * hold at that moment lives on the C stack or belongs to a userdata with a finaliser. Functions
 * that return a negative code raise nothing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LUA_PRIVATE_H
#define NA_LUA_PRIVATE_H

#include "core/base/settings.h"
#include "core/base/text.h"
#include "core/stats/verdict.h"
#include "core/train/augment.h"
#include "datasets/dataset.h"
#include "lua/na_lua.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <signal.h>

typedef struct na_lua_run na_lua_run; /* na_lua_run.c: a run that goes on */

/* A script or a line of the prompt: a coroutine, anchored in the registry. */
typedef struct na_lua_task {
  lua_State *thread; /* NULL: none */
  int anchor;
  bool line; /* its values are printed */
} na_lua_task;

struct na_lua {
  lua_State *L;
  na_lua_setup setup;
  char *runs, *library;               /* folders */
  na_lua_task waiting;                /* waits for `run` */
  lua_State *volatile active;         /* coroutine being resumed now, for the interrupt */
  volatile sig_atomic_t interrupted;  /* asked for, and not yet raised */
  void (*serve)(void *context);       /* called while Lua computes, or NULL */
  void *served;
  na_lua_run *run;                    /* borrowed from its userdata */
  const char **zoo_names, **zoo_help; /* made once, by na_lua_zoo */
  int zoo_count;

  struct na_lua_resumption *resumption; /* NULL: none */
  char *replay;                         /* folder, or NULL */
  long stop_after;                      /* 0: never */
  bool only_plan;
  long calls;                           /* runs begun */
  na_buffer earlier;                    /* their names, a line each */
};

/* Every coroutine inherits the main thread's extra space, where the owner is noted. */
static inline na_lua *na_lua_of(lua_State *L)
{
  return *(na_lua **)lua_getextraspace(L);
}

/* Lets a coroutine, and those it will make, look for interrupts now and then. */
void na_lua_watch(lua_State *L);

/* ------------------------------------------------------------------------------ long work */

/* work(context, err), which must not touch Lua: where a screen is served, in a thread of its own while
 * this one serves. Returns its code. */
int na_lua_wait(lua_State *L, int (*work)(void *context, na_error *err), void *context,
                na_error *err);

/* Serves the screen, if there is one, from within C that a script or line called. To be called every
 * few hundredths of a second. */
void na_lua_serve_now(na_lua *lua);

/* ------------------------------------------------------------------------------ errors */

/* Raises err as "FILE:LINE: message", with the hint on a second line, where FILE:LINE is the
 * innermost caller that is not part of the library. */
int na_lua_raise(lua_State *L, const na_error *err);

/* The same from a format. */
int na_lua_fail(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Calls f(L, context) protected from L; a Lua error becomes err. */
int na_lua_protect(na_lua *lua, int (*f)(lua_State *L), void *context, na_error *err);

/* Pushes the text of the script or line that L runs. */
void na_lua_push_text(lua_State *L);

/* The error value on top of L as err (its first line the message, the rest the hint); pops it.
 * Returns the code. */
int na_lua_caught(na_lua *lua, lua_State *L, na_error *err);

/* Pushes an empty buffer that the collector frees: for text built while errors may be raised. */
na_buffer *na_lua_buffer(lua_State *L);
/* Pushes the buffer's text, without a last newline; raises when it ran out of memory. */
void na_lua_push_buffer(lua_State *L, const na_buffer *buffer);

/* Writes text (a whole line or lines, ending in a newline) to wherever print goes. */
void na_lua_print(na_lua *lua, const char *text);

/* ------------------------------------------------------------------------- functions and help */

/* A function or field that scripts see. The name is "netaug.load", "net:cost" (a method) or
 * "data.classes" (a field, call NULL). */
typedef struct na_lua_function {
  const char *name, *args, *help;
  lua_CFunction call;
} na_lua_function;

/* Registers functions[0..count-1] and sets each in the table on top of L under the part of its name
 * behind the last '.' or ':'. */
void na_lua_functions(lua_State *L, const na_lua_function *functions, int count);
#define NA_LUA_COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* Makes the class `name` (a metatable, as luaL_newmetatable) with these methods and metamethods
 * (ending in {NULL, NULL}). index finds fields that are no methods; NULL: there are none. */
typedef struct na_lua_class {
  const char *name;
  const na_lua_function *functions;
  int count;
  const luaL_Reg *meta;
  lua_CFunction index;
} na_lua_class;
void na_lua_define(lua_State *L, const na_lua_class *class);

/* Pushes method `key` of the class, or nil, and gives its type. For __index functions. */
int na_lua_method(lua_State *L, const char *class, const char *key);

/* ------------------------------------------------------------------------------ settings */

/* Pushes a userdata that holds a settings structure of `size` bytes with its defaults, and gives
 * the structure. From Lua its fields read and write through the table, checked. */
void *na_lua_settings_new(lua_State *L, const na_settings *settings, size_t size);

/* Sets every field of the table at index `from` (nil: none) in the settings userdata at `to`;
 * raises on the first that is refused. */
void na_lua_settings_fill(lua_State *L, int to, int from);

/* Applies the command line's overrides of its subject to the settings userdata at index. */
void na_lua_settings_override(lua_State *L, int index);

/* True when the script or an override set the field. */
bool na_lua_settings_given(lua_State *L, int index, const char *name);

/* Prints the settings of "train", "data", "augment" or "kd"; false: there is no such table. */
bool na_lua_settings_show(lua_State *L, const char *subject);

/* The structure of a settings userdata. */
void *na_lua_settings_get(lua_State *L, int index);

/* Appends "subject.name = value" lines. */
void na_lua_settings_text(const na_settings *settings, const void *target, na_buffer *out);

/* The override of `name` ("name", "train.lr") as text, or NULL; valid until overrides change. */
const char *na_lua_override_get(lua_State *L, const char *name);

/* Checks that `key` is one of names: else raises "SUBJECT has no WHAT "key"", naming the nearest.
 */
void na_lua_check_key(lua_State *L, const char *subject, const char *what, const char *key,
                      const char *const *names, int count);

/* The value at index as a list. Raises, naming `what`. */
void na_lua_list(lua_State *L, int index, const char *what, na_list *list);
void na_lua_push_list(lua_State *L, const na_list *list);

/* ------------------------------------------------------------------------------ objects */

enum { NA_LUA_RANK_MAX = 4 };

/* Pushes a tensor that holds a copy of data (C order); NULL: zeros. rank 0: one number. */
float *na_lua_push_tensor(lua_State *L, int rank, const int *shape, const float *data);

/* The net of a userdata. */
na_net *na_lua_net_get(lua_State *L, int index);
/* Pushes a userdata that owns the net put into the returned place. */
na_net **na_lua_push_net(lua_State *L);

/* The dataset of a data userdata, opened now if it was not (raises when it cannot be), with its seed
 * in force. */
na_dataset *na_lua_dataset_get(lua_State *L, int index);
const na_data *na_lua_data_get(lua_State *L, int index);

/* Pushes an event as a table for hooks. */
void na_lua_push_event(lua_State *L, const na_event *event);
/* Sets field `name` of the table on top to a result. */
void na_lua_set_result(lua_State *L, const char *name, const na_result *result);

/* Appends the plain value at index (numbers, strings, booleans, tables of them) as text; raises on any
 * other. And back: pushes the value. */
void na_lua_write_plain(lua_State *L, int index, na_buffer *out);
void na_lua_read_plain(lua_State *L, const char *text);

/* Pushes exp.state of the experiment at index and gives its type; sets it to the value on top, which is
 * popped. */
int na_lua_push_state(lua_State *L, int experiment);
void na_lua_set_state(lua_State *L, int experiment);

/* ------------------------------------------------------------------------------ runs */

/* What exp:run() starts. The objects are at these indices of L's stack. */
typedef struct na_lua_plan {
  const char *name;
  int experiment, net, data;
  const na_train *train;
  const na_kd *kd;
  const char *description;
  const na_record *record; /* or NULL */
  const char *replay; /* folder of a run whose steering is repeated, or NULL */
  const char *identity;
  struct na_lua_resumption *again; /* what goes on, or NULL: a new run */
  bool placed; /* the script said which run it is; its place in the script does not matter */
} na_lua_plan;

/* Makes the folder, opens the sources and starts the trainer of a new run, which becomes lua->run.
 * Raises on failure. */
void na_lua_run_start(lua_State *L, const na_lua_plan *plan);

/* Takes an event in: history, hooks. True when it was the last. */
bool na_lua_run_event(na_lua *lua, const na_event *event);

/* Ends the run and pushes three values: its result table; the message of what went wrong, or nil;
 * true when that message has its place in it already. */
void na_lua_run_finish(lua_State *L);

/* Stops the trainer, if one runs, before the state closes. */
void na_lua_run_abandon(na_lua *lua);

/* The class of a run's userdata, and what na_lua_steer.c gives to it. */
#define NA_LUA_RUN_CLASS "netaug.run"
extern const na_lua_function na_lua_run_functions[];
extern const int na_lua_run_function_count;
int na_lua_run_index(lua_State *L);

/* The trainer of the run at index; raises when it has ended. */
na_trainer *na_lua_run_trainer(lua_State *L, int index);
const na_net *na_lua_run_net(lua_State *L, int index);
const char *na_lua_run_label(lua_State *L, int index);

/* Asks the present run to stop if it belongs to the experiment at index. */
void na_lua_run_stop(lua_State *L, int experiment);

/* Pushes hook `name` of the experiment at index, or nil; gives its type. */
int na_lua_push_hook(lua_State *L, int experiment, const char *name);

/* Pushes the text of the script or line that set it: nil or "" where that is not known. */
void na_lua_push_hook_text(lua_State *L, int experiment, const char *name);

/* ------------------------------------------------------------------------- going on */

/* What na_lua_resume found out. */
typedef struct na_lua_resumption {
  char folder[4096], checkpoint[4096], *script, *settings;
  char *earlier; /* names of the runs before it, a line each */
  long call;     /* which exp:run() of the script it is, from 1 */
  bool done;     /* it goes on, or has ended again */
  const char *const *set;
  int set_count;
} na_lua_resumption;

/* What the next run of the script goes on with by its place in the script, or NULL. */
na_lua_resumption *na_lua_resumes(const na_lua *lua);

/* What the run in folder goes on with, on top of the stack where it is not lua's own. Raises when the
 * folder holds no run. */
na_lua_resumption *na_lua_push_again(lua_State *L, const char *folder);

/* A run that was over before the one that goes on began: pushes its result and returns true. */
bool na_lua_recall(lua_State *L);

/* Raises unless the experiment is what it was: description against the stored settings. */
void na_lua_resume_check(lua_State *L, const na_lua_resumption *again, const char *description);

/* Gives the trainer the changes that na_lua_resume was given. */
int na_lua_resume_set(const na_lua_resumption *again, na_trainer *trainer, na_error *err);

/* Appends the first `most` epochs of the run in folder (most < 0: all) to the list on top. */
void na_lua_add_history(lua_State *L, const char *folder, long most);

/* Pushes the texts that a run stores of its script, and fills notes[NA_LUA_NOTES] with them. */
enum { NA_LUA_NOTES = 7 };
void na_lua_push_notes(lua_State *L, const char *text, size_t size, const char *identity,
                       na_note *notes);

/* Counts a run that has begun, for those after it. */
void na_lua_started(na_lua *lua, const na_lua_plan *plan, const char *name);

/* Appends the lines of a description that change a run's bits: not its name, nor how many threads. */
void na_lua_add_lasting(const char *description, na_buffer *out);

void na_lua_resume_free(na_lua *lua);

/* --------------------------------------------------------------------------- verdicts */

/* Pushes what came out of comparing a with b: { a =, b =, outcome =, difference =, ..., text = }. */
void na_lua_push_verdict(lua_State *L, const na_verdict *v, const char *a, const char *b,
                         const na_question *question);

/* The test called `word`; raises when there is none. */
na_judge na_lua_judge(lua_State *L, const char *word);

/* ------------------------------------------------------------------ opening the parts */

/* Each adds its functions to the table on top of the stack: the public ones (netaug.NAME) or, for
 * the builder, the library's own (netaug.core). */
void na_lua_open_tensor(lua_State *L);
void na_lua_open_net(lua_State *L);
void na_lua_open_builder(lua_State *L);
void na_lua_open_data(lua_State *L);
void na_lua_open_settings(lua_State *L);
void na_lua_open_experiment(lua_State *L);
void na_lua_open_run(lua_State *L);
void na_lua_open_resume(lua_State *L);
void na_lua_open_measure(lua_State *L);
void na_lua_open_file(lua_State *L);
void na_lua_open_verdict(lua_State *L);
void na_lua_open_runs(lua_State *L);
void na_lua_open_arms(lua_State *L);
void na_lua_open_help(lua_State *L);
void na_lua_open_registry(lua_State *L);

#endif
