/* The zoo and completion, for callers in C.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Pushes function `name` of the library's file `module`. */
static void push_library(lua_State *L, const char *module, const char *name)
{
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* ---------------------------------------------------------------------------- building */

typedef struct request {
  const na_lua_model *model;
  na_net *net;
} request;

static void set_option(lua_State *L, const char *name, int value)
{
  if (value == 0) return;
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static bool is_script(const char *name)
{
  size_t length = strlen(name);
  return length > 4 && strcmp(name + length - 4, ".lua") == 0;
}

/* Pushes what a script returns, which should be a model. */
static void push_script(lua_State *L, const na_lua_model *model)
{
  if (model->width_mult != 0.0 || model->resolution != 0 || model->classes != 0 ||
      model->channels != 0 || model->stem_stride != 0)
    na_lua_fail(L, "%s describes its own shape\nleave out the options that shape a model of the zoo",
                model->name);
  if (luaL_loadfilex(L, model->name, "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  if (!lua_istable(L, -1))
    na_lua_fail(L, "%s returns a %s, not a model\nend it with return netaug.model { ... }",
                model->name, luaL_typename(L, -1));
}

/* Pushes the model, as netaug.models.NAME { options } makes it, or a script returns it. */
static void push_model(lua_State *L, const na_lua_model *model)
{
  if (is_script(model->name)) {
    push_script(L, model);
    return;
  }
  push_library(L, "netaug.zoo", "models");
  lua_getfield(L, -1, model->name); /* names the nearest when there is none */
  lua_newtable(L);
  if (model->width_mult != 0.0) {
    lua_pushnumber(L, model->width_mult);
    lua_setfield(L, -2, "width_mult");
  }
  set_option(L, "resolution", model->resolution);
  set_option(L, "classes", model->classes);
  set_option(L, "channels", model->channels);
  set_option(L, "stem_stride", model->stem_stride);
  lua_call(L, 1, 1);
  lua_remove(L, -2);
}

/* Pushes { width =, expand = }: what was asked for, else the model's at index. */
static void push_lists(lua_State *L, const na_lua_model *model, int index)
{
  const struct {
    const char *name;
    const na_list *list;
  } lists[] = {{"width", model->width}, {"expand", model->expand}};
  lua_createtable(L, 0, 2);
  lua_getfield(L, index, "recipe");
  for (int i = 0; i < NA_LUA_COUNT(lists); i++) {
    if (lists[i].list != NULL && lists[i].list->count > 0)
      na_lua_push_list(L, lists[i].list);
    else
      lua_getfield(L, -1, lists[i].name);
    lua_setfield(L, -3, lists[i].name);
  }
  lua_pop(L, 1);
}

static int build(lua_State *L)
{
  request *r = lua_touserdata(L, 1);
  push_library(L, "netaug.build", "build");
  push_model(L, r->model);
  push_lists(L, r->model, lua_gettop(L));
  lua_call(L, 2, 1);
  /* The caller becomes the owner. */
  na_net **net = luaL_checkudata(L, -1, "netaug.net");
  r->net = *net;
  *net = NULL;
  return 0;
}

int na_lua_build(na_lua *lua, const na_lua_model *model, na_net **net, na_error *err)
{
  request r = {.model = model};
  int code = na_lua_protect(lua, build, &r, err);
  *net = r.net;
  return code;
}

/* ------------------------------------------------------------------------------ the list */

/* Fills the arrays; the strings belong to the library's list, which lives as long as the state. */
static int list_zoo(lua_State *L)
{
  na_lua *lua = na_lua_of(L);
  push_library(L, "netaug.zoo", "list");
  int count = (int)lua_rawlen(L, -1);
  lua->zoo_names = na_alloc_array((size_t)count + 1, sizeof *lua->zoo_names);
  lua->zoo_help = na_alloc_array((size_t)count + 1, sizeof *lua->zoo_help);
  if (lua->zoo_names == NULL || lua->zoo_help == NULL) return luaL_error(L, "not enough memory");
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, -1, i + 1);
    lua_getfield(L, -1, "name");
    lua->zoo_names[i] = lua_tostring(L, -1);
    lua_getfield(L, -2, "help");
    lua->zoo_help[i] = lua_tostring(L, -1);
    lua_pop(L, 3);
  }
  lua->zoo_count = count;
  return 0;
}

int na_lua_zoo(na_lua *lua, const char *const **names, const char *const **help)
{
  if (lua->zoo_count == 0 && na_lua_protect(lua, list_zoo, NULL, NULL) != NA_OK) {
    na_free((void *)lua->zoo_names);
    na_free((void *)lua->zoo_help);
    lua->zoo_names = lua->zoo_help = NULL;
    return 0;
  }
  *names = lua->zoo_names;
  *help = lua->zoo_help;
  return lua->zoo_count;
}

/* ---------------------------------------------------------------------------- completion */

typedef struct completion {
  const char *line, *word;
  char **matches;
} completion;

static void free_matches(char **matches)
{
  for (int i = 0; matches != NULL && matches[i] != NULL; i++) free(matches[i]);
  free(matches);
}

/* The list on top of the stack as an array of the C library's memory, which Readline frees. */
static char **copy_list(lua_State *L)
{
  size_t count = lua_rawlen(L, -1);
  char **matches = count == 0 ? NULL : calloc(count + 1, sizeof *matches);
  for (size_t i = 0; matches != NULL && i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    const char *text = lua_tostring(L, -1);
    matches[i] = strdup(text != NULL ? text : "");
    lua_pop(L, 1);
    if (matches[i] != NULL) continue;
    free_matches(matches);
    return NULL;
  }
  return matches;
}

static int complete(lua_State *L)
{
  completion *c = lua_touserdata(L, 1);
  push_library(L, "netaug.complete", "complete");
  lua_pushstring(L, c->line);
  lua_pushstring(L, c->word);
  lua_call(L, 2, 1);
  c->matches = copy_list(L);
  return 0;
}

char **na_lua_complete(na_lua *lua, const char *line, const char *word)
{
  completion c = {.line = line, .word = word};
  na_lua_protect(lua, complete, &c, NULL); /* nothing to offer is no error at a prompt */
  return c.matches;
}
