/* Experiments: a model, data, augmentation and training settings under one name.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_experiment.h"

#include <string.h>

static const char *const class = "netaug.experiment";
static const char *const fields[] = {"name", "model", "data", "augment", "train", "kd"};
#define HOOK_NAME(name) #name,
static const char *const hooks[] = {NA_LUA_HOOKS(HOOK_NAME)};
#undef HOOK_NAME

experiment *na_lua_experiment_get(lua_State *L, int index)
{
  return luaL_checkudata(L, index, class);
}

int na_lua_push_hook(lua_State *L, int index, const char *name)
{
  lua_getiuservalue(L, index, HOOKS);
  int type = lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return type;
}

void na_lua_push_hook_text(lua_State *L, int index, const char *name)
{
  lua_getiuservalue(L, index, HOOKS);
  lua_pushfstring(L, "text of %s", name);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

int na_lua_push_state(lua_State *L, int index)
{
  return lua_getiuservalue(L, index, STATE);
}

void na_lua_set_state(lua_State *L, int index)
{
  lua_setiuservalue(L, index, STATE);
}

/* ------------------------------------------------------------------------------- making */

/* A run's folder is called after it. */
static void set_name(lua_State *L, experiment *e, const char *name)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t length = strlen(name);
  if (length == 0 || length >= NAME_SIZE || name[0] == '.' || strspn(name, allowed) != length)
    na_lua_fail(
        L,
        "an experiment cannot be called \"%.100s\"\nits name becomes a folder: use up to %d "
        "letters, digits, '-', '_' and '.', not beginning with '.'",
        name, NAME_SIZE - 1);
  memcpy(e->name, name, length + 1);
}

static void read_name(lua_State *L, experiment *e)
{
  const char *given = na_lua_override_get(L, "name");
  int type = lua_getfield(L, 1, "name");
  if (type != LUA_TNIL && type != LUA_TSTRING)
    na_lua_fail(L, "experiment.name takes a string, but got a %s", lua_typename(L, type));
  if (given == NULL) given = type == LUA_TSTRING ? lua_tostring(L, -1) : "run";
  set_name(L, e, given);
  lua_pop(L, 1);
}

static bool is_model(lua_State *L, int index)
{
  index = lua_absindex(L, index);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "netaug.model");
  lua_getfield(L, -1, "is");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  bool is = lua_toboolean(L, -1);
  lua_pop(L, 3);
  return is;
}

/* Takes the value on top as the model of the experiment at `self`, and pops it. */
static void take_model(lua_State *L, int self)
{
  int type = lua_type(L, -1);
  if (type == LUA_TFUNCTION)
    na_lua_fail(L, "experiment.model got a function\ncall it: netaug.models.NAME { ... }");
  if (!is_model(L, -1))
    na_lua_fail(L,
                "experiment.model takes a model, but got %s%s\nas in model = netaug.models.tiny {}",
                type == LUA_TNIL ? "" : "a ", type == LUA_TNIL ? "nothing" : lua_typename(L, type));
  lua_setiuservalue(L, self, MODEL);
}

/* The same for the data. */
static void take_data(lua_State *L, int self)
{
  int type = lua_type(L, -1);
  if (luaL_testudata(L, -1, "netaug.data") == NULL)
    na_lua_fail(L,
                "experiment.data takes a dataset, but got %s%s\n"
                "as in data = netaug.dataset(\"fashion-mnist\", { batch = 128 })",
                type == LUA_TNIL ? "" : "a ", type == LUA_TNIL ? "nothing" : lua_typename(L, type));
  lua_setiuservalue(L, self, DATA);
}

/* Pushes field `name` of the model's recipe, or nil; gives its type. */
static int push_recipe(lua_State *L, int index, const char *name)
{
  lua_getiuservalue(L, index, MODEL);
  lua_getfield(L, -1, "recipe");
  int type = lua_getfield(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return type;
}

/* The command line's r makes the script's lists void, and its lists the script's r. */
static void override_augment(lua_State *L, na_augmentation *augment)
{
  if (na_lua_override_get(L, "augment.r") != NULL)
    augment->width.count = augment->expand.count = 0;
  else if (na_lua_override_get(L, "augment.width") != NULL ||
           na_lua_override_get(L, "augment.expand") != NULL)
    augment->r = 0.0;
  na_lua_settings_override(L, -1);
}

/* nil: the model's own lists; false or {}: none. */
static void read_augment(lua_State *L)
{
  int type = lua_getfield(L, 1, "augment");
  na_augmentation *augment = na_lua_settings_new(L, &na_augment_settings, sizeof *augment);
  na_error err = {0};
  if (type == LUA_TNIL) {
    if (push_recipe(L, 2, "width") == LUA_TTABLE)
      na_lua_list(L, -1, "recipe.width", &augment->width);
    if (push_recipe(L, 2, "expand") == LUA_TTABLE)
      na_lua_list(L, -1, "recipe.expand", &augment->expand);
    lua_pop(L, 2);
  } else if (type != LUA_TBOOLEAN || lua_toboolean(L, -2))
    na_lua_settings_fill(L, -1, -2);
  override_augment(L, augment);
  na_augmentation resolved = *augment;
  if (na_augment_resolve(&resolved, &err) != NA_OK) na_lua_raise(L, &err);
  lua_setiuservalue(L, 2, AUGMENT);
  lua_pop(L, 1);
}

/* What the script leaves open comes from the model's recipe, else from the table. */
static void read_train(lua_State *L)
{
  static const char *const recipe[] = {"lr", "weight_decay"};
  lua_getfield(L, 1, "train");
  na_train *train = na_lua_settings_new(L, &na_train_settings, sizeof *train);
  na_lua_settings_fill(L, -1, -2);
  for (int i = 0; i < NA_LUA_COUNT(recipe); i++) {
    if (na_lua_settings_given(L, -1, recipe[i])) continue;
    if (push_recipe(L, 2, recipe[i]) == LUA_TNUMBER)
      lua_setfield(L, -2, recipe[i]);
    else
      lua_pop(L, 1);
  }
  na_lua_settings_override(L, -1);
  lua_setiuservalue(L, 2, TRAIN);
  lua_pop(L, 1);
}

/* nil and false: learning from the labels alone. */
static void read_kd(lua_State *L)
{
  int type = lua_getfield(L, 1, "kd");
  na_lua_settings_new(L, &na_kd_settings, sizeof(na_kd));
  if (type != LUA_TBOOLEAN || lua_toboolean(L, -2)) na_lua_settings_fill(L, -1, -2);
  na_lua_settings_override(L, -1);
  lua_setiuservalue(L, 2, KD);
  lua_pop(L, 1);
}

/* netaug.experiment { name =, model =, data =, augment =, train =, kd = } */
static int new_experiment(lua_State *L)
{
  if (!lua_istable(L, 1))
    return na_lua_fail(L, "netaug.experiment takes a table, but got a %s", luaL_typename(L, 1));
  lua_settop(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING)
      return na_lua_fail(L, "an experiment takes named fields, but got a list element");
    na_lua_check_key(L, "an experiment", "field", lua_tostring(L, -2), fields,
                     NA_LUA_COUNT(fields));
    lua_pop(L, 1);
  }
  experiment *e = lua_newuserdatauv(L, sizeof *e, VALUES);
  luaL_setmetatable(L, class);
  read_name(L, e);
  lua_getfield(L, 1, "model");
  take_model(L, 2);
  lua_getfield(L, 1, "data");
  take_data(L, 2);
  read_augment(L);
  read_train(L);
  read_kd(L);
  lua_newtable(L);
  lua_setiuservalue(L, 2, HOOKS);
  return 1;
}

/* Pushes a settings userdata with the values of the one that is user value `value` of the experiment
 * at index. */
static void push_settings_copy(lua_State *L, int index, int value, const na_settings *settings,
                               size_t size)
{
  void *copy = na_lua_settings_new(L, settings, size);
  lua_getiuservalue(L, index, value);
  memcpy(copy, na_lua_settings_get(L, -1), size);
  lua_pop(L, 1);
}

/* Pushes a copy of exp.state, which hooks may change in place. */
static void push_state_copy(lua_State *L, int index)
{
  if (lua_getiuservalue(L, index, STATE) == LUA_TNIL) return;
  na_buffer *text = na_lua_buffer(L);
  na_lua_write_plain(L, -2, text);
  if (text->failed) luaL_error(L, "not enough memory");
  na_lua_read_plain(L, text->data);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Pushes a copy of the hooks, and of where they come from. */
static void push_hooks_copy(lua_State *L, int index)
{
  lua_newtable(L);
  lua_getiuservalue(L, index, HOOKS);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
}

/* exp:copy([name]) */
static int copy(lua_State *L)
{
  enum { SELF = 1, NAME, COPY };
  const experiment *from = na_lua_experiment_get(L, SELF);
  const char *name = luaL_optstring(L, NAME, from->name);
  static const int shared[] = {MODEL, DATA, RECORD};
  lua_settop(L, NAME);
  experiment *e = lua_newuserdatauv(L, sizeof *e, VALUES);
  luaL_setmetatable(L, class);
  set_name(L, e, name);
  for (int i = 0; i < NA_LUA_COUNT(shared); i++) {
    lua_getiuservalue(L, SELF, shared[i]);
    lua_setiuservalue(L, COPY, shared[i]);
  }
  push_hooks_copy(L, SELF);
  lua_setiuservalue(L, COPY, HOOKS);
  push_settings_copy(L, SELF, AUGMENT, &na_augment_settings, sizeof(na_augmentation));
  lua_setiuservalue(L, COPY, AUGMENT);
  push_settings_copy(L, SELF, TRAIN, &na_train_settings, sizeof(na_train));
  lua_setiuservalue(L, COPY, TRAIN);
  push_settings_copy(L, SELF, KD, &na_kd_settings, sizeof(na_kd));
  lua_setiuservalue(L, COPY, KD);
  push_state_copy(L, SELF);
  lua_setiuservalue(L, COPY, STATE);
  return 1;
}

/* ------------------------------------------------------------------------------- fields */

static int get(lua_State *L)
{
  experiment *e = na_lua_experiment_get(L, 1);
  const char *key = luaL_checkstring(L, 2);
  static const struct {
    const char *name;
    int value;
  } values[] = {
      {"model", MODEL}, {"data", DATA}, {"augment", AUGMENT},
                {"train", TRAIN}, {"kd", KD},     {"net", NET},   {"state", STATE}};
  for (int i = 0; i < NA_LUA_COUNT(values); i++)
    if (strcmp(values[i].name, key) == 0) return lua_getiuservalue(L, 1, values[i].value), 1;
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, e->name);
  else if (na_lua_method(L, class, key) == LUA_TNIL)
    na_lua_push_hook(L, 1, key);
  return 1;
}

/* Besides name, model, data and state only the hooks: a misspelt one would never be called. */
static int set(lua_State *L)
{
  experiment *e = na_lua_experiment_get(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") == 0) {
    set_name(L, e, luaL_checkstring(L, 3));
    return 0;
  }
  if (strcmp(key, "model") == 0 || strcmp(key, "data") == 0) {
    lua_settop(L, 3);
    (key[0] == 'm' ? take_model : take_data)(L, 1);
    return 0;
  }
  if (strcmp(key, "state") == 0) {
    lua_settop(L, 3);
    na_lua_set_state(L, 1);
    return 0;
  }
  na_lua_check_key(L, "an experiment", "hook", key, hooks, NA_LUA_COUNT(hooks));
  if (!lua_isnil(L, 3) && !lua_isfunction(L, 3))
    return na_lua_fail(L, "hook %s takes a function, but got a %s", key, luaL_typename(L, 3));
  lua_getiuservalue(L, 1, HOOKS);
  lua_pushvalue(L, 3);
  lua_setfield(L, -2, key);
  lua_pushfstring(L, "text of %s", key);
  na_lua_push_text(L);
  lua_rawset(L, -3);
  return 0;
}

static int to_string(lua_State *L)
{
  experiment *e = na_lua_experiment_get(L, 1);
  lua_getiuservalue(L, 1, DATA);
  int data = lua_gettop(L);
  lua_getiuservalue(L, 1, TRAIN);
  const na_train *train = na_lua_settings_get(L, -1);
  na_lua_push_description(L, e, data, train);
  return 1;
}

static const na_lua_function functions[] = {
    {"experiment.name", "", "what its run folders are called", NULL},
    {"experiment.model", "", "the model's description; another can be assigned", NULL},
    {"experiment.data", "", "the dataset; another can be assigned", NULL},
    {"experiment.augment", "", "augmentation settings; assignments to its fields are checked",
     NULL},
    {"experiment.train", "", "training settings; assignments to its fields are checked", NULL},
    {"experiment.kd", "", "the teacher it learns from; assignments to its fields are checked", NULL},
    {"experiment.net", "", "the network of its last run, nil before", NULL},
    {"experiment.on_step", "(self, event)", "a hook you assign: called after every step", NULL},
    {"experiment.on_epoch", "(self, event)", "a hook you assign: called after every epoch", NULL},
    {"experiment.state", "",
     "what you like to keep in checkpoints: numbers, strings, booleans, tables of them; set by your "
     "hooks, restored when the run goes on after an interruption",
     NULL},
    {"experiment:run", "([{ replay = folder, resume = folder }])",
     "trains and waits; returns { base, augmented, best, seconds, run, stopped, steered, history }; "
     "top1 and top5 are shares of 1; resume goes on with an interrupted run of the same experiment, "
     "false begins a new one wherever the script is",
     na_lua_experiment_run},
    {"experiment:copy", "([name])",
     "a copy whose settings, hooks and state can be changed", copy},
    {"experiment:record", "{ layers =, images =, epochs =, augmented =, gradients = }",
     "records what layers give on the first images of the validation set, after every epoch or the "
     "given ones, into activations-STEP.h5 of the run's folder; false: no more",
     na_lua_experiment_record},
    {"experiment:stop", "()", "ends its run after the present step",
     na_lua_experiment_stop},
};

static const na_lua_function public[] = {
    {"netaug.experiment", "{ name =, model =, data =, augment =, train = }",
     "an experiment with checked settings; augment = false trains without NetAug", new_experiment},
};

static const luaL_Reg library[] = {{"network", na_lua_experiment_network},
                                   {"identity", na_lua_experiment_identity},
                                   {NULL, NULL}};

static const luaL_Reg meta[] = {{"__newindex", set}, {"__tostring", to_string}, {NULL, NULL}};

void na_lua_open_experiment(lua_State *L)
{
  na_lua_define(L, &(na_lua_class){class, functions, NA_LUA_COUNT(functions), meta, get});
  luaL_setfuncs(L, library, 0);
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
