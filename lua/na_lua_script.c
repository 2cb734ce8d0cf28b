/* Scripts and lines of the prompt: coroutines that run until they end or wait for a training run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SCRIPT_MAX = 1 << 24 }; /* bytes of a script: more is no script */

/* --------------------------------------------------------------------------- interrupting, serving */

enum { WATCH_INSTRUCTIONS = 1000 };

static void watch_hook(lua_State *L, lua_Debug *at)
{
  (void)at;
  const na_lua *lua = na_lua_of(L);
  if (lua->serve != NULL) lua->serve(lua->served);
  if (lua->interrupted) luaL_error(L, "interrupted");
}

/* Coroutines inherit the hook of the one that makes them: a loop in one of a script's own ends, too. */
void na_lua_watch(lua_State *L)
{
  lua_sethook(L, watch_hook, LUA_MASKCOUNT, WATCH_INSTRUCTIONS);
}

static void stop_hook(lua_State *L, lua_Debug *at)
{
  (void)at;
  na_lua_watch(L);
  na_lua_of(L)->interrupted = 0;
  luaL_error(L, "interrupted");
}

void na_lua_interrupt(na_lua *lua)
{
  enum { MASK = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };
  lua_State *active = lua->active, *waiting = lua->waiting.thread;
  if (active != NULL) {
    lua->interrupted = 1;
    lua_sethook(active, stop_hook, MASK, 1);
  } else if (waiting != NULL)
    lua_sethook(waiting, stop_hook, MASK, 1);
}

void na_lua_serve(na_lua *lua, void (*serve)(void *context), void *context)
{
  lua->serve = serve;
  lua->served = context;
}

/* --------------------------------------------------------------------------------- tasks */

/* Unwinds the coroutine, closing what it had open, and lets it go. */
static void drop(na_lua *lua, na_lua_task *task)
{
  lua_resetthread(task->thread);
  luaL_unref(lua->L, LUA_REGISTRYINDEX, task->anchor);
  *task = (na_lua_task){0};
}

/* Prints the `count` values on top of the task's stack, as the prompt shows them. */
static int show_values(lua_State *L)
{
  lua_State *thread = lua_touserdata(L, 1);
  int count = lua_gettop(thread);
  luaL_checkstack(L, count + 4, NULL);
  lua_xmove(thread, L, count);
  for (int i = 2; i <= count + 1; i++) {
    lua_getglobal(L, "netaug");
    if (lua_istable(L, -1) && lua_getfield(L, -1, "show") == LUA_TFUNCTION) {
      lua_pushvalue(L, i);
      lua_call(L, 1, 1);
      lua_replace(L, i);
    }
    lua_settop(L, count + 1);
  }
  lua_getglobal(L, "print");
  lua_insert(L, 2);
  lua_call(L, count, 0);
  return 0;
}

static int print_traceback(lua_State *L)
{
  luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
  lua_pushliteral(L, "\n");
  lua_concat(L, 2);
  na_lua_print(na_lua_of(L), lua_tostring(L, -1));
  return 0;
}

/* Resumes a task with `count` values on its stack, until it ends or waits. */
static int resume(na_lua *lua, na_lua_task *task, int count, na_error *err)
{
  int results, code = NA_OK;
  lua->active = task->thread;
  int status = lua_resume(task->thread, lua->L, count, &results);
  lua->active = NULL;
  if (status == LUA_YIELD && lua->run != NULL && lua->waiting.thread == NULL) {
    lua->waiting = *task;
    return NA_LUA_WAITING;
  }
  if (status == LUA_YIELD)
    code = na_fail(err, NA_EINVAL, "the script yields, but not to anything");
  else if (status != LUA_OK) {
    if (lua->setup.traceback) na_lua_protect(lua, print_traceback, task->thread, NULL);
    code = na_lua_caught(lua, task->thread, err);
  } else if (task->line && results > 0)
    code = na_lua_protect(lua, show_values, task->thread, err);
  drop(lua, task);
  return code;
}

/* What to run: source text and what it is called. */
typedef struct source {
  const char *text, *name;
  size_t size;
  bool line, quiet; /* a line of the prompt; its values are not shown */
  int argc;
  char **argv;
  const char *path;
  na_lua_task task;
} source;

/* A line is first tried as an expression whose values are printed. */
static int load(lua_State *L, const source *s)
{
  if (s->line) {
    const char *expression = lua_pushfstring(L, "return %s", s->text);
    int status = luaL_loadbufferx(L, expression, strlen(expression), s->name, "t");
    lua_remove(L, -2);
    if (status == LUA_OK) return status;
    lua_pop(L, 1);
  }
  return luaL_loadbufferx(L, s->text, s->size, s->name, "t");
}

/* Lua's `arg`: the script at 0, its arguments from 1. */
static void set_arg(lua_State *L, const source *s)
{
  lua_createtable(L, s->argc, 1);
  lua_pushstring(L, s->path);
  lua_rawseti(L, -2, 0);
  for (int i = 0; i < s->argc; i++) {
    lua_pushstring(L, s->argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setglobal(L, "arg");
}

static const char *const texts_key = "netaug.texts";

/* Notes the text of the coroutine on top of the stack, for the runs it will start. */
static void keep_text(lua_State *L, const source *s)
{
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, texts_key)) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_pushvalue(L, -2);
  lua_pushlstring(L, s->text, s->size);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

void na_lua_push_text(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, texts_key);
  lua_pushthread(L);
  if (lua_rawget(L, -2) != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  }
  lua_remove(L, -2);
}

/* Makes the coroutine, with the compiled text on its stack. */
static int make_task(lua_State *L)
{
  source *s = lua_touserdata(L, 1);
  if (s->path != NULL) set_arg(L, s);
  lua_State *thread = lua_newthread(L);
  na_lua_of(L)->interrupted = 0; /* it came too late for the one before */
  na_lua_watch(thread);
  if (load(L, s) != LUA_OK) return lua_error(L);
  lua_xmove(L, thread, 1);
  keep_text(L, s);
  s->task.line = s->line && !s->quiet;
  s->task.anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  s->task.thread = thread;
  return 0;
}

static int start(na_lua *lua, source *s, na_error *err)
{
  int code = na_lua_protect(lua, make_task, s, err);
  return code == NA_OK ? resume(lua, &s->task, 0, err) : code;
}

/* ------------------------------------------------------------------------------ scripts */

/* The whole file, NUL-terminated, in *text (na_free). */
static int read_text(const char *path, char **text, size_t *size, na_error *err)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    na_fail(err, NA_EIO, "cannot open %s: %s", path, strerror(errno));
    return na_hint(err, "give the path of a Lua script");
  }
  void *data = NULL;
  size_t used = 0, capacity = 0;
  int code = NA_OK, c;
  while (code == NA_OK && (c = getc(file)) != EOF) {
    code = used < SCRIPT_MAX ? na_grow(&data, used, &capacity, 1) : NA_EFORMAT;
    if (code == NA_OK) ((char *)data)[used++] = (char)c;
  }
  if (code == NA_OK && ferror(file)) code = NA_EIO;
  if (code == NA_OK) code = na_grow(&data, used, &capacity, 1);
  if (code == NA_ENOMEM)
    na_fail_memory(err, used, "the script");
  else if (code != NA_OK)
    na_fail(err, code, code == NA_EIO ? "cannot read %s" : "%s is too large for a script", path);
  fclose(file);
  if (code == NA_OK) {
    ((char *)data)[used] = '\0';
    *text = data;
    *size = used;
  } else
    na_free(data);
  return code;
}

/* Makes a first line that starts with '#' (of Unix scripts) a comment. */
static void hide_shebang(char *text)
{
  if (text[0] != '#') return;
  size_t line = strcspn(text, "\n");
  if (line >= 2)
    text[0] = text[1] = '-';
  else
    text[0] = ' ';
}

int na_lua_start(na_lua *lua, const char *path, int argc, char **argv, na_error *err)
{
  if (lua->waiting.thread != NULL)
    return na_fail(err, NA_EINVAL, "a script is running already, in %s", na_lua_run_name(lua));
  char *text = NULL, name[512];
  const na_lua_resumption *again = lua->resumption;
  const char *known = again != NULL && again->script != NULL && again->script[0] != '\0'
                          ? again->script /* what it was called before its run kept a copy */
                          : path;
  source s = {.path = known, .argc = argc, .argv = argv, .name = name};
  int code = read_text(path, &text, &s.size, err);
  if (code != NA_OK) return code;
  snprintf(name, sizeof name, "@%s", known);
  hide_shebang(text);
  s.text = text;
  if (text[0] == LUA_SIGNATURE[0]) {
    na_fail(err, NA_EINVAL, "%s is compiled Lua", path);
    code = na_hint(err, "give the script's source: compiled code cannot be checked");
  } else
    code = start(lua, &s, err);
  na_free(text);
  return code;
}

/* Does it end in ';'? */
static bool is_muted(const char *line)
{
  size_t length = strlen(line);
  while (length > 0 && strchr(" \t\n", line[length - 1]) != NULL) length--;
  return length > 0 && line[length - 1] == ';';
}

int na_lua_line(na_lua *lua, const char *line, na_error *err)
{
  source s = {.text = line,
              .size = strlen(line),
              .name = "=prompt",
              .line = true,
              .quiet = is_muted(line)};
  return start(lua, &s, err);
}

/* Loads context's text on L; leaves true when it only lacks its end. */
static int try_line(lua_State *L)
{
  struct {
    const char *line;
    int incomplete;
  } *query = lua_touserdata(L, 1);
  source s = {.text = query->line, .size = strlen(query->line), .name = "=prompt", .line = true};
  if (load(L, &s) != LUA_ERRSYNTAX) return 0;
  static const char mark[] = "near <eof>";
  size_t length;
  const char *message = lua_tolstring(L, -1, &length);
  query->incomplete =
      length >= sizeof mark - 1 && strcmp(message + length - (sizeof mark - 1), mark) == 0;
  return 0;
}

int na_lua_incomplete(na_lua *lua, const char *line)
{
  struct {
    const char *line;
    int incomplete;
  } query = {line, 0};
  na_lua_protect(lua, try_line, &query, NULL);
  return query.incomplete;
}

/* ------------------------------------------------------------------------------- driving */

static int push_results(lua_State *L)
{
  lua_State *thread = lua_touserdata(L, 1);
  na_lua_run_finish(L);
  luaL_checkstack(thread, 4, NULL);
  lua_xmove(L, thread, 3);
  return 0;
}

int na_lua_event(na_lua *lua, const na_event *event, na_error *err)
{
  if (lua->run == NULL || lua->waiting.thread == NULL) return NA_LUA_DONE;
  if (!na_lua_run_event(lua, event)) return NA_LUA_WAITING;
  na_lua_task task = lua->waiting;
  lua->waiting = (na_lua_task){0};
  int code = na_lua_protect(lua, push_results, task.thread, err);
  if (code == NA_OK) return resume(lua, &task, 3, err);
  drop(lua, &task);
  return code;
}

int na_lua_drive(na_lua *lua, void (*observe)(void *context, const na_event *event), void *context,
                 na_error *err)
{
  enum { PATIENCE = 100 }; /* milliseconds */
  int code = NA_LUA_WAITING;
  while (code == NA_LUA_WAITING && na_lua_trainer(lua) != NULL) {
    na_event event;
    if (!na_trainer_poll(na_lua_trainer(lua), &event, PATIENCE)) continue;
    if (observe != NULL) observe(context, &event);
    code = na_lua_event(lua, &event, err);
  }
  return code == NA_LUA_WAITING ? NA_LUA_DONE : code;
}
