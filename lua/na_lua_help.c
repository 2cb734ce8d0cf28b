/* The one table of what scripts can call: name, arguments, one line of help. C and Lua functions
 * register in it, and help(), completion and the man page read it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <string.h>

/* Registry: list of entries { name =, args =, help =, call = }, and a map from function and name to
 * entry. */
static const char *const entries_key = "netaug.help", *const index_key = "netaug.help.index";

/* Makes the entry (name, args, help, function at `call` or nil) and files it. */
static void file_entry(lua_State *L, const char *name, const char *args, const char *help, int call)
{
  call = lua_absindex(L, call);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, entries_key);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, index_key);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, args);
  lua_setfield(L, -2, "args");
  lua_pushstring(L, help);
  lua_setfield(L, -2, "help");
  lua_pushvalue(L, call);
  lua_setfield(L, -2, "call");
  lua_pushvalue(L, -1);
  lua_rawseti(L, -4, (lua_Integer)lua_rawlen(L, -4) + 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, name);
  if (!lua_isnil(L, call)) {
    lua_pushvalue(L, call);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_pop(L, 3);
}

static const char *last_part(const char *name)
{
  size_t end = strlen(name);
  while (end > 0 && name[end - 1] != '.' && name[end - 1] != ':') end--;
  return name + end;
}

void na_lua_functions(lua_State *L, const na_lua_function *functions, int count)
{
  int target = lua_absindex(L, -1);
  for (int i = 0; i < count; i++) {
    if (functions[i].call != NULL)
      lua_pushcfunction(L, functions[i].call);
    else
      lua_pushnil(L);
    file_entry(L, functions[i].name, functions[i].args, functions[i].help, -1);
    if (functions[i].call != NULL)
      lua_setfield(L, target, last_part(functions[i].name));
    else
      lua_pop(L, 1);
  }
}

/* core.register(name, args, help, function): returns the function. */
static int register_entry(lua_State *L)
{
  const char *name = luaL_checkstring(L, 1), *args = luaL_checkstring(L, 2);
  const char *help = luaL_checkstring(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  file_entry(L, name, args, help, 4);
  lua_pushvalue(L, 4);
  return 1;
}

void na_lua_define(lua_State *L, const na_lua_class *class)
{
  luaL_newmetatable(L, class->name);
  luaL_setfuncs(L, class->meta, 0);
  lua_newtable(L);
  na_lua_functions(L, class->functions, class->count);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  if (class->index != NULL) {
    lua_pop(L, 1);
    lua_pushcfunction(L, class->index);
  }
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "protected"); /* scripts cannot take a finaliser away */
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int na_lua_method(lua_State *L, const char *class, const char *key)
{
  luaL_getmetatable(L, class);
  lua_getfield(L, -1, "methods");
  int type = lua_getfield(L, -1, key);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return type;
}

/* ------------------------------------------------------------------------------ showing */

static const char *entry_field(lua_State *L, int entry, const char *name)
{
  lua_getfield(L, entry, name);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1); /* the entry keeps the string */
  return text != NULL ? text : "";
}

enum { HELP_COLUMN = 34 };

static void entry_line(lua_State *L, int entry, luaL_Buffer *out)
{
  const char *name = entry_field(L, entry, "name"), *args = entry_field(L, entry, "args");
  const char *space = args[0] == '\0' || args[0] == '(' ? "" : " ";
  int width = (int)(strlen(name) + strlen(space) + strlen(args));
  luaL_addstring(out, name);
  luaL_addstring(out, space);
  luaL_addstring(out, args);
  if (width > HELP_COLUMN - 2) {
    luaL_addchar(out, '\n');
    width = 0;
  }
  for (; width < HELP_COLUMN; width++) luaL_addchar(out, ' ');
  luaL_addstring(out, entry_field(L, entry, "help"));
  luaL_addchar(out, '\n');
}

/* Is it `prefix` itself, or a member of it ("net": "net.name", "net:cost", not "netaug.load")? */
static bool belongs(const char *name, const char *prefix)
{
  size_t length = strlen(prefix);
  if (length == 0 || strncmp(name, prefix, length) != 0) return false;
  if (prefix[length - 1] == '.' || prefix[length - 1] == ':') return true;
  return name[length] == '\0' || name[length] == '.' || name[length] == ':';
}

/* Pushes the lines of all entries that belong to `prefix` (NULL: of all). */
static void push_lines(lua_State *L, const char *prefix)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, entries_key);
  int list = lua_gettop(L), count = (int)lua_rawlen(L, list);
  lua_pushliteral(L, "");
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, list, i);
    const char *name = entry_field(L, lua_gettop(L), "name");
    if (prefix != NULL && !belongs(name, prefix)) {
      lua_pop(L, 1);
      continue;
    }
    luaL_Buffer line;
    int entry = lua_gettop(L);
    luaL_buffinit(L, &line);
    entry_line(L, entry, &line);
    luaL_pushresult(&line);
    lua_remove(L, entry);
    lua_concat(L, 2);
  }
  lua_remove(L, list);
}

static const char *entry_name_at(const void *list, int i)
{
  return ((const char *const *)list)[i];
}

/* Raises that nothing is called `name`. The names borrow the registry's strings. */
static int refuse(lua_State *L, const char *name)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, entries_key);
  int count = (int)lua_rawlen(L, -1);
  const char **names = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *names, 0);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, -2, i + 1);
    names[i] = entry_field(L, lua_gettop(L), "name");
    lua_pop(L, 1);
  }
  int near = na_text_nearest(name, count, entry_name_at, names);
  if (near < 0) return na_lua_fail(L, "there is no help for \"%s\"\ntry help()", name);
  return na_lua_fail(L, "there is no help for \"%s\"\ndid you mean \"%s\"?", name, names[near]);
}

static int show_text(lua_State *L)
{
  na_lua_print(na_lua_of(L), lua_tostring(L, -1));
  return 0;
}

static int show_all(lua_State *L)
{
  push_lines(L, NULL);
  show_text(L);
  na_lua_print(na_lua_of(L), "help(\"train\"), help(\"data\") and help(\"augment\") list settings, "
                             "help(netaug.models) the networks\n");
  return 0;
}

/* Pushes the entry of the function or name at index 1, or nil. */
static int find_entry(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, index_key);
  lua_pushvalue(L, 1);
  return lua_rawget(L, -2);
}

static int show_entry(lua_State *L)
{
  luaL_Buffer line;
  int entry = lua_gettop(L);
  luaL_buffinit(L, &line);
  entry_line(L, entry, &line);
  luaL_pushresult(&line);
  return show_text(L);
}

/* Is the value at index 1 the library's table of that name (NULL: the library itself)? */
static bool is_library(lua_State *L, const char *field)
{
  lua_getglobal(L, "netaug");
  if (field != NULL && lua_istable(L, -1)) {
    lua_pushstring(L, field);
    lua_rawget(L, -2);
  }
  return lua_rawequal(L, 1, -1);
}

/* What the names belonging to the value at index 1 begin with, or NULL. */
static const char *prefix_of(lua_State *L)
{
  if (lua_type(L, 1) == LUA_TSTRING) return lua_tostring(L, 1);
  if (lua_istable(L, 1) && is_library(L, "models")) return "netaug.models.";
  if (lua_istable(L, 1) && is_library(L, NULL)) return "netaug.";
  if (luaL_getmetafield(L, 1, "__name") != LUA_TSTRING) return NULL;
  const char *dot = strchr(lua_tostring(L, -1), '.'); /* "netaug.net": its methods are "net:..." */
  return dot != NULL ? dot + 1 : NULL;
}

static int help(lua_State *L)
{
  if (lua_isnoneornil(L, 1)) return show_all(L);
  if (find_entry(L) == LUA_TTABLE) return show_entry(L);
  if (lua_type(L, 1) == LUA_TSTRING && na_lua_settings_show(L, lua_tostring(L, 1))) return 0;
  const char *prefix = prefix_of(L);
  if (prefix == NULL)
    return na_lua_fail(L, "there is no help for a %s\ntry help()", luaL_typename(L, 1));
  push_lines(L, prefix);
  if (lua_rawlen(L, -1) == 0) return refuse(L, prefix);
  return show_text(L);
}

/* ------------------------------------------------------------------------------ opening */

static const na_lua_function functions[] = {
    {"help", "([name or value])", "this list; with an argument, what is known about it", help},
};

void na_lua_open_help(lua_State *L)
{
  lua_pushglobaltable(L);
  na_lua_functions(L, functions, NA_LUA_COUNT(functions));
  lua_pop(L, 1);
}

/* core.help_names(): every registered name. */
static int help_names(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, entries_key);
  int count = (int)lua_rawlen(L, -1);
  lua_createtable(L, count, 0);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, i);
    lua_getfield(L, -1, "name");
    lua_rawseti(L, -3, i);
    lua_pop(L, 1);
  }
  return 1;
}

/* core.class_of(value): the name of its class, or nil. */
static int class_of(lua_State *L)
{
  if (luaL_getmetafield(L, 1, "__name") == LUA_TNIL) lua_pushnil(L);
  return 1;
}

/* core.methods(class): its table of methods, or nil. */
static int methods(lua_State *L)
{
  if (luaL_getmetatable(L, luaL_checkstring(L, 1)) == LUA_TTABLE) lua_getfield(L, -1, "methods");
  return 1;
}

/* core.define(class, methods): makes methods of a class that the library's Lua has known. */
static int define(lua_State *L)
{
  luaL_newmetatable(L, luaL_checkstring(L, 1));
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "methods");
  return 0;
}

void na_lua_open_registry(lua_State *L)
{
  static const luaL_Reg library[] = {{"register", register_entry},
                                     {"help_names", help_names},
                                     {"class_of", class_of},
                                     {"methods", methods},
                                     {"define", define},
                                     {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}

static int push_all(lua_State *L)
{
  na_buffer *out = lua_touserdata(L, 1);
  push_lines(L, NULL);
  na_buffer_add(out, "%s", lua_tostring(L, -1));
  return 0;
}

void na_lua_help(na_lua *lua, na_buffer *out)
{
  na_error err = {0};
  if (na_lua_protect(lua, push_all, out, &err) != NA_OK) out->failed = 1;
}
