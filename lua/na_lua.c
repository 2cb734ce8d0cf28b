/* The Lua state: making it, finding the library, errors, print.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------ errors */

/* Pushes "FILE:LINE: " of the innermost Lua function that is not the library's, or "". */
static void push_where(lua_State *L)
{
  const char *library = na_lua_of(L)->library;
  size_t length = strlen(library);
  lua_Debug at;
  for (int level = 0; lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline <= 0) continue;
    if (at.source[0] == '@' && strncmp(at.source + 1, library, length) == 0) continue;
    lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

int na_lua_raise(lua_State *L, const na_error *err)
{
  push_where(L);
  lua_pushstring(L, err->message);
  if (err->hint[0] != '\0') lua_pushfstring(L, "\n%s", err->hint);
  lua_concat(L, err->hint[0] != '\0' ? 3 : 2);
  return lua_error(L);
}

int na_lua_fail(lua_State *L, const char *format, ...)
{
  na_error err = {0};
  char text[sizeof err.message + sizeof err.hint];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t line = strcspn(text, "\n");
  na_fail(&err, NA_EINVAL, "%.*s", (int)line, text);
  if (text[line] == '\n') na_hint(&err, "%s", text + line + 1);
  return na_lua_raise(L, &err);
}

/* core.fail(message [, hint]) */
static int fail(lua_State *L)
{
  na_error err = {0};
  na_fail(&err, NA_EINVAL, "%s", luaL_checkstring(L, 1));
  if (!lua_isnoneornil(L, 2)) na_hint(&err, "%s", luaL_checkstring(L, 2));
  return na_lua_raise(L, &err);
}

/* What os.exit raises, so that the coroutine unwinds and everything is freed. */
static const char *const exit_class = "netaug.exit";

static int exit_status(lua_State *L, int index)
{
  const int *status = luaL_testudata(L, index, exit_class);
  return status != NULL ? *status : -1;
}

/* Turns the error value at index 1 into a string, or into the status that os.exit was given. */
static int name_error(lua_State *L)
{
  int status = exit_status(L, 1);
  if (status >= 0)
    lua_pushinteger(L, status);
  else
    luaL_tolstring(L, 1, NULL);
  return 1;
}

/* The error value on top as an na_error. Strings, among them the one for lack of memory, need no
 * memory here; anything else is looked at in a protected call. */
int na_lua_caught(na_lua *lua, lua_State *thread, na_error *err)
{
  lua_State *L = lua->L;
  int code = NA_OK;
  if (thread != L) lua_xmove(thread, L, 1);
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pushcfunction(L, name_error);
    lua_insert(L, -2);
    lua_pcall(L, 1, 1, 0);
  }
  if (lua_type(L, -1) == LUA_TNUMBER) {
    int status = (int)lua_tointeger(L, -1);
    if (status != 0)
      code = na_fail(err, NA_ESTOPPED, "the script ended itself with status %d", status);
  } else {
    const char *text =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without words";
    size_t line = strcspn(text, "\n");
    bool memory = strcmp(text, "not enough memory") == 0;
    code = na_fail(err, memory ? NA_ENOMEM : NA_EINVAL, "%.*s", (int)line, text);
    if (text[line] == '\n') na_hint(err, "%s", text + line + 1);
  }
  lua_pop(L, 1);
  return code;
}

int na_lua_protect(na_lua *lua, int (*f)(lua_State *L), void *context, na_error *err)
{
  lua_State *L = lua->L;
  int top = lua_gettop(L), code = NA_OK;
  /* Neither of these pushes allocates: nothing can be raised before the call is protected. */
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, context);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) code = na_lua_caught(lua, L, err);
  lua_settop(L, top);
  return code;
}

/* ------------------------------------------------------------------------------ text */

static const char *const buffer_class = "netaug.buffer";

static int free_buffer(lua_State *L)
{
  na_buffer *buffer = lua_touserdata(L, 1);
  na_free(buffer->data);
  *buffer = (na_buffer){0};
  return 0;
}

na_buffer *na_lua_buffer(lua_State *L)
{
  na_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (na_buffer){0};
  if (luaL_newmetatable(L, buffer_class)) {
    lua_pushcfunction(L, free_buffer);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buffer;
}

void na_lua_push_buffer(lua_State *L, const na_buffer *buffer)
{
  if (buffer->failed) luaL_error(L, "not enough memory");
  size_t length = buffer->length;
  if (length > 0 && buffer->data[length - 1] == '\n') length--;
  lua_pushlstring(L, buffer->data != NULL ? buffer->data : "", length);
}

void na_lua_print(na_lua *lua, const char *text)
{
  if (lua->setup.print != NULL)
    lua->setup.print(lua->setup.context, text);
  else
    fputs(text, stdout);
}

static int print(lua_State *L)
{
  int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_addchar(&line, '\n');
  luaL_pushresult(&line);
  na_lua_print(na_lua_of(L), lua_tostring(L, -1));
  return 0;
}

/* os.exit([code]): unwinds the script instead of ending the process. */
static int os_exit(lua_State *L)
{
  int status = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
  int *value = lua_newuserdatauv(L, sizeof *value, 0);
  *value = status & 255;
  luaL_setmetatable(L, exit_class);
  return lua_error(L);
}

static int exit_text(lua_State *L)
{
  lua_pushfstring(L, "the script ended itself with status %d", exit_status(L, 1));
  return 1;
}

/* core.describe(value): "a table", "\"text\"", "3" for messages. */
static int describe(lua_State *L)
{
  switch (lua_type(L, 1)) {
  case LUA_TSTRING:
    lua_pushfstring(L, "\"%s\"", lua_tostring(L, 1));
    break;
  case LUA_TNUMBER:
  case LUA_TBOOLEAN:
    luaL_tolstring(L, 1, NULL);
    break;
  case LUA_TNIL:
  case LUA_TNONE:
    lua_pushliteral(L, "nothing");
    break;
  default:
    lua_pushfstring(L, "a %s", luaL_typename(L, 1));
  }
  return 1;
}

/* ------------------------------------------------------------------------------ opening */

static const na_lua_function globals[] = {
    {"print", "(...)", "writes its arguments as text to the terminal or the log", print},
};

static const na_lua_function os_functions[] = {
    {"os.exit", "([code])", "ends the script, having freed everything", os_exit},
};

static const luaL_Reg library[] = {{"fail", fail}, {"describe", describe}, {NULL, NULL}};

static void open_globals(lua_State *L)
{
  static const luaL_Reg exit_meta[] = {{"__tostring", exit_text}, {NULL, NULL}};
  luaL_openlibs(L);
  na_lua_define(L, &(na_lua_class){.name = exit_class, .meta = exit_meta});
  na_lua_open_help(L);
  lua_pushglobaltable(L);
  na_lua_functions(L, globals, NA_LUA_COUNT(globals));
  lua_getfield(L, -1, "os");
  na_lua_functions(L, os_functions, NA_LUA_COUNT(os_functions));
  lua_pop(L, 2);
}

/* The loader of "netaug.core": the library's own functions, with the public ones in its field
 * `public`. */
static int open_core(lua_State *L)
{
  luaL_newlib(L, library);
  lua_newtable(L);
  lua_setfield(L, -2, "public");
  na_lua_open_registry(L);
  na_lua_open_settings(L);
  na_lua_open_tensor(L);
  na_lua_open_net(L);
  na_lua_open_builder(L);
  na_lua_open_data(L);
  na_lua_open_run(L);
  na_lua_open_resume(L);
  na_lua_open_measure(L);
  na_lua_open_file(L);
  na_lua_open_verdict(L);
  na_lua_open_runs(L);
  na_lua_open_arms(L);
  na_lua_open_experiment(L);
  return 1;
}

/* Lets require() find the library's files, before any other place. */
static void set_path(lua_State *L)
{
  const char *folder = na_lua_of(L)->library;
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 1);
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open_core);
  lua_setfield(L, -2, "netaug.core");
  lua_pop(L, 2);
}

enum { LIBRARY_PATH_MAX = 4096 };

static int open_state(lua_State *L)
{
  open_globals(L);
  set_path(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "netaug");
  lua_call(L, 1, 1);
  lua_setglobal(L, "netaug");
  return 0;
}

/* The library's folder is, in this order: what NETAUG_LUA says; ../lua beside a program that runs
 * where it was built; ../share/netaug/lua, which also finds a moved installation; where it was
 * installed. */
static int find_library(char folder[LIBRARY_PATH_MAX], na_error *err)
{
  static const char *const beside[] = {"../lua", "../share/netaug/lua"};
  char program[LIBRARY_PATH_MAX / 2] = "", probe[LIBRARY_PATH_MAX + 32];
  const char *given = getenv("NETAUG_LUA");
  bool set = given != NULL && given[0] != '\0';
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  char *slash = length > 0 ? strrchr(program, '/') : NULL;
  if (slash != NULL) *slash = '\0';
  for (int place = set || slash == NULL ? 2 : 0; place < 3; place++) {
    if (place < 2)
      snprintf(folder, LIBRARY_PATH_MAX, "%s/%s", program, beside[place]);
    else
      snprintf(folder, LIBRARY_PATH_MAX, "%s", set ? given : NA_LUA_FOLDER);
    snprintf(probe, sizeof probe, "%s/netaug/init.lua", folder);
    if (access(probe, R_OK) == 0) return NA_OK;
  }
  na_fail(err, NA_EIO, "the Lua library is not in %.200s", folder);
  return na_hint(err, "install netaug, or set NETAUG_LUA to the folder that holds netaug/init.lua");
}

int na_lua_new(na_lua **out, const na_lua_setup *setup, na_error *err)
{
  char folder[LIBRARY_PATH_MAX];
  *out = NULL;
  int code = find_library(folder, err);
  if (code != NA_OK) return code;
  na_lua *lua = na_alloc(sizeof *lua);
  if (lua == NULL) return na_fail_memory(err, sizeof *lua, "the Lua state");
  if (setup != NULL) lua->setup = *setup;
  lua->runs = na_strdup(lua->setup.runs != NULL ? lua->setup.runs : "runs");
  lua->library = na_strdup(folder);
  lua->L = luaL_newstate();
  if (lua->L == NULL || lua->runs == NULL || lua->library == NULL)
    code = na_fail_memory(err, 1 << 16, "the Lua state");
  else {
    *(na_lua **)lua_getextraspace(lua->L) = lua;
    na_lua_watch(lua->L);
    code = na_lua_protect(lua, open_state, NULL, err);
  }
  if (code != NA_OK)
    na_lua_free(lua);
  else
    *out = lua;
  return code;
}

void na_lua_free(na_lua *lua)
{
  if (lua == NULL) return;
  if (lua->run != NULL) na_lua_run_abandon(lua);
  if (lua->L != NULL) lua_close(lua->L);
  na_free((void *)lua->zoo_names);
  na_free((void *)lua->zoo_help);
  na_lua_resume_free(lua);
  na_free(lua->earlier.data);
  na_free(lua->replay);
  na_free(lua->runs);
  na_free(lua->library);
  na_free(lua);
}
