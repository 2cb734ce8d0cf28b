/* The run that goes on, as scripts see it: commands to it, and what can be looked at meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"
#include "core/train/steer.h"

#include <stdlib.h>
#include <string.h>

static na_trainer *trainer_of(lua_State *L)
{
  return na_lua_run_trainer(L, 1);
}

/* Gives the run at 1 a command. */
static int give(lua_State *L, na_steer kind, const char *argument)
{
  na_error err = {0};
  na_steering steering = {.kind = kind};
  size_t length = strlen(argument);
  if (length >= sizeof steering.argument)
    return na_lua_fail(L, "the command is longer than %d bytes", (int)sizeof steering.argument - 1);
  memcpy(steering.argument, argument, length + 1);
  if (na_trainer_steer(trainer_of(L), &steering, &err) != NA_OK) na_lua_raise(L, &err);
  return 0;
}

static int run_pause(lua_State *L)
{
  return give(L, NA_STEER_PAUSE, "");
}

static int run_resume(lua_State *L)
{
  return give(L, NA_STEER_RESUME, "");
}

static int run_step(lua_State *L)
{
  return give(L, NA_STEER_STEP, luaL_optstring(L, 2, ""));
}

static int run_stop(lua_State *L)
{
  static const char *const words[] = {"now", "epoch"};
  const char *when = luaL_optstring(L, 2, "now");
  na_lua_check_key(L, "run:stop", "moment", when, words, NA_LUA_COUNT(words));
  return give(L, strcmp(when, "now") == 0 ? NA_STEER_STOP : NA_STEER_STOP_EPOCH, "");
}

static int run_checkpoint(lua_State *L)
{
  return give(L, NA_STEER_CHECKPOINT, luaL_optstring(L, 2, ""));
}

static int run_evaluate(lua_State *L)
{
  return give(L, NA_STEER_EVALUATE, luaL_optstring(L, 2, ""));
}

/* ------------------------------------------------------------------------------- settings */

static void add_number(double value, na_buffer *text)
{
  char number[32];
  na_text_number(number, value);
  na_buffer_add(text, "%s", number);
}

/* Appends the value at index as settings are written: lists as "1, 2". */
static void add_value(lua_State *L, int index, const char *name, na_buffer *text)
{
  na_list list;
  switch (lua_type(L, index)) {
  case LUA_TTABLE:
    na_lua_list(L, index, name, &list);
    for (int i = 0; i < list.count; i++) {
      if (i > 0) na_buffer_add(text, ", ");
      add_number(list.values[i], text);
    }
    break;
  case LUA_TNUMBER:
    add_number(lua_tonumber(L, index), text);
    break;
  case LUA_TBOOLEAN:
    na_buffer_add(text, lua_toboolean(L, index) ? "true" : "false");
    break;
  case LUA_TSTRING:
    na_buffer_add(text, "%s", lua_tostring(L, index));
    break;
  default:
    na_lua_fail(L, "%s cannot be a %s", name, luaL_typename(L, index));
  }
}

/* Appends "PREFIXname = value; " for every field of the table at index, in order of their names, so
 * that the same table is always the same command. */
static void add_assignments(lua_State *L, int index, const char *prefix, na_buffer *text);

static void add_assignment(lua_State *L, const char *prefix, const char *name, na_buffer *text)
{
  bool part = prefix[0] == '\0' && (strcmp(name, "train") == 0 || strcmp(name, "augment") == 0);
  if (part && lua_istable(L, -1)) {
    lua_pushfstring(L, "%s.", name);
    add_assignments(L, lua_gettop(L) - 1, lua_tostring(L, -1), text);
    lua_pop(L, 1);
    return;
  }
  const char *full = lua_pushfstring(L, "%s%s", prefix, name);
  na_buffer_add(text, "%s%s = ", text->length > 0 ? "; " : "", full);
  add_value(L, lua_gettop(L) - 1, full, text);
  lua_pop(L, 1);
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_assignments(lua_State *L, int index, const char *prefix, na_buffer *text)
{
  enum { MOST = 64 };
  const char *names[MOST];
  int count = 0;
  luaL_checkstack(L, 8, NULL);
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      na_lua_fail(L, "run:set takes named settings, but got a list element");
    if (count == MOST) na_lua_fail(L, "run:set takes at most %d settings", MOST);
    names[count++] = lua_tostring(L, -1); /* the table keeps it */
  }
  qsort(names, (size_t)count, sizeof *names, compare_names);
  for (int i = 0; i < count; i++) {
    lua_getfield(L, index, names[i]);
    add_assignment(L, prefix, names[i], text);
    lua_pop(L, 1);
  }
}

static int run_set(lua_State *L)
{
  luaL_checkudata(L, 1, NA_LUA_RUN_CLASS);
  if (!lua_istable(L, 2))
    return na_lua_fail(
        L, "run:set takes a table of settings, but got a %s\nas in run:set { lr = 0.02 }",
        luaL_typename(L, 2));
  lua_settop(L, 2);
  na_buffer *text = na_lua_buffer(L);
  add_assignments(L, 2, "", text);
  na_lua_push_buffer(L, text);
  return give(L, NA_STEER_SET, lua_tostring(L, -1));
}

static void push_settings(lua_State *L, const char *key)
{
  na_trainer *trainer = trainer_of(L);
  if (strcmp(key, "train") == 0) {
    na_train *train = na_lua_settings_new(L, &na_train_settings, sizeof *train);
    na_trainer_settings(trainer, train, NULL);
  } else {
    na_augmentation *augment = na_lua_settings_new(L, &na_augment_settings, sizeof *augment);
    na_trainer_settings(trainer, NULL, augment);
  }
}

/* run:record([{ ... }]): as exp:record, now. */
static int run_record(lua_State *L)
{
  luaL_checkudata(L, 1, NA_LUA_RUN_CLASS);
  if (lua_isnoneornil(L, 2)) return give(L, NA_STEER_RECORD, "");
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  na_buffer *text = na_lua_buffer(L);
  add_assignments(L, 2, "", text);
  na_lua_push_buffer(L, text);
  return give(L, NA_STEER_RECORD, lua_tostring(L, -1));
}

/* ------------------------------------------------------------------------------- looking */

static void set_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void push_agreements(lua_State *L)
{
  na_trainer *trainer = trainer_of(L);
  const na_net *net = na_lua_run_net(L, 1);
  size_t room = (size_t)net->layer_count;
  na_agreement *layers = lua_newuserdatauv(L, room * sizeof *layers, 0);
  long step;
  int count = na_trainer_agreement(trainer, layers, net->layer_count, &step);
  lua_createtable(L, count, 1);
  for (int i = 0; i < count; i++) {
    lua_createtable(L, 0, 5);
    lua_pushstring(L, net->layers[layers[i].layer].name);
    lua_setfield(L, -2, "layer");
    set_number(L, "cosine", layers[i].cosine);
    set_number(L, "ratio", layers[i].ratio);
    set_number(L, "mean_cosine", layers[i].mean_cosine);
    set_number(L, "mean_ratio", layers[i].mean_ratio);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushinteger(L, step);
  lua_setfield(L, -2, "step");
}

static int run_agreement(lua_State *L)
{
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    return give(L, NA_STEER_AGREEMENT, lua_toboolean(L, 2) ? "on" : "off");
  }
  push_agreements(L);
  return 1;
}

static void push_draw(lua_State *L, const na_draw *draw)
{
  lua_createtable(L, 0, 3);
  set_number(L, "count", draw->count);
  set_number(L, "expected", draw->expected);
  set_number(L, "loss", draw->count > 0 ? draw->loss / draw->count : 0.0 / 0.0);
}

static void push_dims(lua_State *L, const na_net *net, const na_augmentation *lists,
                      na_draw (*dims)[NA_LIST_MAX])
{
  lua_newtable(L);
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    const na_list *list = dim->kind == NA_DIM_WIDTH    ? &lists->width
                          : dim->kind == NA_DIM_EXPAND ? &lists->expand
                                                       : NULL;
    if (list == NULL || list->count < 2) continue;
    lua_createtable(L, list->count, 1);
    lua_pushstring(L, dim->name);
    lua_setfield(L, -2, "name");
    for (int c = 0; c < list->count; c++) {
      push_draw(L, &dims[d][c]);
      set_number(L, "factor", list->values[c]);
      lua_rawseti(L, -2, c + 1);
    }
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

static int run_draws(lua_State *L)
{
  na_draws draws;
  na_augmentation lists;
  na_trainer *trainer = trainer_of(L);
  const na_net *net = na_lua_run_net(L, 1);
  na_draw(*dims)[NA_LIST_MAX] = lua_newuserdatauv(L, (size_t)net->dim_count * sizeof *dims, 0);
  na_trainer_draws(trainer, &draws, dims);
  na_trainer_settings(trainer, NULL, &lists);
  push_dims(L, net, &lists, dims);
  lua_createtable(L, NA_DRAW_SIZES, 0);
  for (int i = 0; i < NA_DRAW_SIZES; i++) {
    push_draw(L, &draws.sizes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "sizes");
  set_number(L, "since", (double)draws.since);
  set_number(L, "networks", (double)draws.networks);
  return 1;
}

/* ------------------------------------------------------------------------------- the class */

int na_lua_run_index(lua_State *L)
{
  luaL_checkudata(L, 1, NA_LUA_RUN_CLASS);
  const char *key = luaL_checkstring(L, 2);
  if (na_lua_method(L, NA_LUA_RUN_CLASS, key) != LUA_TNIL) return 1;
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, na_lua_run_label(L, 1));
  else if (strcmp(key, "paused") == 0)
    lua_pushboolean(L, na_trainer_paused(trainer_of(L)));
  else if (strcmp(key, "steered") == 0)
    lua_pushboolean(L, na_trainer_steered(trainer_of(L)));
  else if (strcmp(key, "train") == 0 || strcmp(key, "augment") == 0)
    push_settings(L, key);
  return 1;
}

const na_lua_function na_lua_run_functions[] = {
    {"run.name", "", "what the run that goes on is called; `run` is at hand while one does", NULL},
    {"run.train", "", "a copy of the training settings in force", NULL},
    {"run.augment", "", "a copy of the candidates in force", NULL},
    {"run.paused", "", "true while it waits in a pause", NULL},
    {"run.steered", "", "true once a setting was changed", NULL},
    {"run:set", "{ lr =, alpha =, augment = { ... } }",
     "changes settings of the run before its next step, all of them or none", run_set},
    {"run:pause", "()", "lets it wait before its next step", run_pause},
    {"run:resume", "()", "lets it go on", run_resume},
    {"run:step", "([count])", "does one step, or count steps, then pauses", run_step},
    {"run:stop", "([\"now\" or \"epoch\"])",
     "ends it before its next step, or at the end of the epoch, with a checkpoint", run_stop},
    {"run:checkpoint", "([name])", "writes name.h5 into its folder before its next step",
     run_checkpoint},
    {"run:evaluate", "([\"base\" or \"widest\"])",
     "evaluates before its next step; the training is not changed by it", run_evaluate},
    {"run:agreement", "([on])",
     "switches the comparison of the base's and the augmented gradients; without an argument gives "
     "the list { layer, cosine, ratio, mean_cosine, mean_ratio }",
     run_agreement},
    {"run:record", "([{ layers = \"NAME, NAME\", images =, gradients = }])",
     "records activations before its next step", run_record},
    {"run:draws", "()",
     "how often each candidate was drawn, how often that was expected, and the mean loss with it",
     run_draws},
};
const int na_lua_run_function_count = NA_LUA_COUNT(na_lua_run_functions);
