/* The runs in the folder of runs, as a list for scripts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/runs/catalogue.h"
#include "core/runs/filter.h"

#include <math.h>

static const char *const class = "netaug.runs";

static int collect(lua_State *L)
{
  na_catalogue_free(luaL_checkudata(L, 1, class));
  return 0;
}

/* Pushes a userdata that owns the catalogue of all runs. */
static na_catalogue *push_catalogue(lua_State *L, const char *folder)
{
  na_error err = {0};
  bool done;
  na_catalogue *catalogue = lua_newuserdatauv(L, sizeof *catalogue, 0);
  *catalogue = (na_catalogue){.folder = folder};
  luaL_setmetatable(L, class);
  int code = na_catalogue_look(catalogue, &err);
  if (code == NA_OK) code = na_catalogue_read(catalogue, 0, &done, &err);
  if (code != NA_OK) na_lua_raise(L, &err);
  return catalogue;
}

/* Pushes the value; nothing known is nil. */
static void push_value(lua_State *L, const na_run *run, int column)
{
  na_run_value value = na_run_value_of(run, &(na_run_key){.column = column});
  na_column_kind kind = na_columns[column].kind;
  if (kind == NA_COLUMN_SWITCH) lua_pushboolean(L, value.number > 0);
  else if (value.text != NULL) lua_pushstring(L, value.text);
  else if (isnan(value.number)) lua_pushnil(L);
  else if (kind == NA_COLUMN_SHARE || kind == NA_COLUMN_LOSS || kind == NA_COLUMN_SECONDS)
    lua_pushnumber(L, value.number);
  else lua_pushinteger(L, (lua_Integer)value.number); /* at most 1e15 */
}

static void push_run(lua_State *L, const na_run *run)
{
  lua_createtable(L, 0, NA_COLUMN_COUNT_OF + 1);
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++) {
    push_value(L, run, c);
    lua_setfield(L, -2, na_columns[c].name);
  }
  lua_createtable(L, 0, run->setting_count);
  for (int s = 0; s < run->setting_count; s++) {
    lua_pushstring(L, run->settings[s].value);
    lua_setfield(L, -2, run->settings[s].name);
  }
  lua_setfield(L, -2, "settings");
}

/* netaug.runs([filter]) */
static int runs(lua_State *L)
{
  const char *text = luaL_optstring(L, 1, "");
  na_error err = {0};
  na_filter filter;
  lua_settop(L, 1);
  na_catalogue *catalogue = push_catalogue(L, na_lua_of(L)->runs);
  if (na_filter_read(&filter, text, catalogue->runs, catalogue->count, &err) != NA_OK)
    na_lua_raise(L, &err);
  lua_newtable(L);
  for (size_t i = 0; i < catalogue->count; i++) {
    if (!na_filter_takes(&filter, catalogue->runs[i])) continue;
    push_run(L, catalogue->runs[i]);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

static const na_lua_function public[] = {
    {"netaug.runs", "([filter])",
     "the runs there are, by name: a list of tables; filter as in netaug help runs", runs},
};

void na_lua_open_runs(lua_State *L)
{
  luaL_newmetatable(L, class);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
