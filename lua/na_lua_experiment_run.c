/* Running an experiment: its network, what a run follows from, exp:run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "lua/na_lua_experiment.h"
#include "core/base/sha1.h"

/* Pushes the candidates as { width =, expand = }. */
static void push_lists(lua_State *L)
{
  na_error err = {0};
  lua_getiuservalue(L, 1, AUGMENT);
  na_augmentation lists = *(const na_augmentation *)na_lua_settings_get(L, -1);
  lua_pop(L, 1);
  if (na_augment_resolve(&lists, &err) != NA_OK) na_lua_raise(L, &err);
  lua_createtable(L, 0, 2);
  na_lua_push_list(L, &lists.width);
  lua_setfield(L, -2, "width");
  na_lua_push_list(L, &lists.expand);
  lua_setfield(L, -2, "expand");
}

/* Pushes the layers that a training adds to its network: { dropout =, dropblock =, size =, stages = }. */
static void push_drops(lua_State *L, const na_train *train)
{
  lua_createtable(L, 0, 4);
  if (train->dropout >= 0) {
    lua_pushnumber(L, train->dropout);
    lua_setfield(L, -2, "dropout");
  }
  lua_pushnumber(L, train->dropblock);
  lua_setfield(L, -2, "dropblock");
  lua_pushinteger(L, train->dropblock_size);
  lua_setfield(L, -2, "size");
  lua_pushinteger(L, train->dropblock_stages);
  lua_setfield(L, -2, "stages");
}

/* Pushes the net of the experiment at 1, made to measure for the data at index `data`. */
static void push_net(lua_State *L, int data, const na_train *train)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "netaug.build");
  lua_getfield(L, -1, "for_data");
  lua_replace(L, -3);
  lua_pop(L, 1);
  lua_getiuservalue(L, 1, MODEL);
  push_lists(L);
  lua_pushvalue(L, data);
  push_drops(L, train);
  lua_call(L, 4, 1);
}

const char *na_lua_push_description(lua_State *L, const experiment *e, int data,
                                    const na_train *train)
{
  na_buffer *text = na_lua_buffer(L);
  na_buffer_add(text, "name = %s\n", e->name);
  lua_getiuservalue(L, 1, MODEL);
  lua_getfield(L, -1, "name");
  na_buffer_add(text, "model = %s\n", lua_tostring(L, -1));
  na_lua_settings_text(&na_data_settings, na_lua_data_get(L, data), text);
  lua_getiuservalue(L, 1, AUGMENT);
  na_lua_settings_text(&na_augment_settings, na_lua_settings_get(L, -1), text);
  na_lua_settings_text(&na_train_settings, train, text);
  lua_getiuservalue(L, 1, KD);
  na_lua_settings_text(&na_kd_settings, na_lua_settings_get(L, -1), text);
  na_lua_push_buffer(L, text);
  return lua_tostring(L, -1);
}

/* Appends what is in the file that the setting `name` of the experiment at 1 names, wherever it lies. */
static void add_file(lua_State *L, int value, const na_settings *settings, const char *name,
                     na_buffer *text)
{
  char hash[41];
  na_error err = {0};
  lua_getiuservalue(L, 1, value);
  const char *target = na_lua_settings_get(L, -1);
  lua_pop(L, 1); /* the experiment keeps it */
  const na_setting *setting = na_settings_find(settings, name);
  if (setting == NULL || target[setting->offset] == '\0') return;
  bool read = na_sha1_file(target + setting->offset, hash, &err) == NA_OK;
  na_buffer_add(text, "%s\n", read ? hash : ""); /* what cannot be read, the run itself will refuse */
}

static int add_code(lua_State *L, const void *code, size_t size, void *text)
{
  (void)L;
  na_buffer_bytes(text, code, size);
  return 0;
}

/* Appends what the hook on top does, as far as that is known: the script or line that set it, unless
 * the hook before is of the same, whose text is at `last`. A function of the prompt may be older than
 * the line that set it: its code, too. Pops the hook. */
static void add_hook(lua_State *L, const char *name, int last, na_buffer *text)
{
  lua_Debug about;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &about);
  if (about.what[0] != 'C' && about.source[0] != '@') lua_dump(L, add_code, text, true);
  lua_pop(L, 1);
  na_lua_push_hook_text(L, 1, name);
  if (lua_rawlen(L, -1) == 0) { /* set by a coroutine of the script's own */
    lua_pop(L, 1);
    na_lua_push_text(L);
  }
  if (!lua_rawequal(L, -1, last)) na_buffer_add(text, "%s", lua_tostring(L, -1));
  lua_replace(L, last);
}

/* Appends where the hooks of the experiment at 1 come from. */
static void add_hooks(lua_State *L, na_buffer *text)
{
#define HOOK_NAME(name) #name,
  static const char *const hooks[] = {NA_LUA_HOOKS(HOOK_NAME)};
#undef HOOK_NAME
  lua_pushnil(L);
  int last = lua_gettop(L);
  for (int i = 0; i < NA_LUA_COUNT(hooks); i++)
    if (na_lua_push_hook(L, 1, hooks[i]) == LUA_TNIL)
      lua_pop(L, 1);
    else
      add_hook(L, hooks[i], last, text);
  lua_pop(L, 1);
}

/* Pushes what a run's bits follow from, as a hash: settings, structure, files of weights, and the
 * script or line that set its hooks. Runs of one identity and program give the same results. */
static const char *push_identity(lua_State *L, const char *description, int net)
{
  char hash[41];
  net = lua_absindex(L, net);
  na_buffer *text = na_lua_buffer(L);
  na_buffer_add(text, "%s\n", PACKAGE_VERSION);
  na_lua_add_lasting(description, text);
  na_net_write(na_lua_net_get(L, net), text);
  add_file(L, KD, &na_kd_settings, "teacher", text);
  add_file(L, TRAIN, &na_train_settings, "init_from", text);
  add_hooks(L, text);
  if (text->failed) luaL_error(L, "not enough memory");
  na_sha1_blob(text->data, text->length, hash);
  return lua_pushstring(L, hash);
}

/* Continues exp:run() once the run has ended: its result, or its error. */
static int finish(lua_State *L, int status, lua_KContext context)
{
  (void)status;
  (void)context;
  bool placed = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return 1;
  }
  if (placed) return lua_error(L);
  return na_lua_fail(L, "%s", lua_tostring(L, -1));
}

static void check_place(lua_State *L)
{
  na_lua *lua = na_lua_of(L);
  if (lua->only_plan)
    na_lua_fail(L, "the script begins with a run of its own, not with a sweep\n"
                   "a plan is known of sweeps only: leave --plan out");
  if (lua->run != NULL)
    na_lua_fail(L, "run %s is going on\nwait for its end, or stop it", na_lua_run_name(lua));
  if (lua->active != L || !lua_isyieldable(L))
    na_lua_fail(L, "exp:run() cannot wait here\ncall it from the script itself, not from a hook, a "
                   "coroutine or a metamethod");
}

/* What exp:run's options at 2 say: which folder's steering is repeated, and whether the script says
 * itself which run this is: one that goes on, or (false) a new one. */
typedef struct run_options {
  const char *replay, *resume; /* or NULL */
  bool placed;
} run_options;

static run_options read_options(lua_State *L)
{
  static const char *const names[] = {"replay", "resume"};
  run_options options = {0};
  if (lua_isnoneornil(L, 2)) return options;
  if (!lua_istable(L, 2))
    na_lua_fail(L, "exp:run takes a table of options, but got a %s", luaL_typename(L, 2));
  lua_pushnil(L);
  while (lua_next(L, 2) != 0) {
    na_lua_check_key(L, "exp:run", "option", luaL_checkstring(L, -2), names, NA_LUA_COUNT(names));
    lua_pop(L, 1);
  }
  lua_getfield(L, 2, "replay");
  options.replay = luaL_optstring(L, -1, NULL);
  options.placed = lua_getfield(L, 2, "resume") != LUA_TNIL;
  if (lua_toboolean(L, -1)) options.resume = luaL_checkstring(L, -1);
  lua_pop(L, 2); /* the table keeps them */
  return options;
}

/* exp:run([{ replay = folder, resume = folder }]) */
int na_lua_experiment_run(lua_State *L)
{
  enum { SELF = 1, OPTIONS, DATASET, SETTINGS, NETWORK };
  experiment *e = na_lua_experiment_get(L, SELF);
  check_place(L);
  lua_settop(L, OPTIONS);
  run_options options = read_options(L);
  if (!options.placed && na_lua_recall(L)) return 1;
  lua_pushnil(L);
  lua_setiuservalue(L, SELF, NET);
  lua_gc(L, LUA_GCCOLLECT); /* the collector cannot see how large a dropped network is */
  lua_getiuservalue(L, SELF, DATA);
  lua_getiuservalue(L, SELF, TRAIN);
  const na_train *train = na_lua_settings_get(L, SETTINGS);
  push_net(L, DATASET, train);
  lua_pushvalue(L, NETWORK);
  lua_setiuservalue(L, SELF, NET);
  const char *description = na_lua_push_description(L, e, DATASET, train);
  bool records = lua_getiuservalue(L, SELF, RECORD) != LUA_TNIL;
  const na_record *recorded = records ? na_lua_settings_get(L, -1) : NULL;
  lua_getiuservalue(L, SELF, KD);
  const na_kd *kd = na_lua_settings_get(L, -1);
  lua_pop(L, 2); /* the experiment keeps them */
  na_lua_plan plan = {.name = e->name,
                      .experiment = SELF,
                      .net = NETWORK,
                      .data = DATASET,
                      .train = train,
                      .kd = kd,
                      .description = description,
                      .identity = push_identity(L, description, NETWORK),
                      .replay = options.replay,
                      .record = recorded,
                      .placed = options.placed};
  if (options.resume != NULL)
    plan.again = na_lua_push_again(L, options.resume);
  else if (!options.placed)
    plan.again = na_lua_resumes(na_lua_of(L));
  na_lua_run_start(L, &plan);
  lua_settop(L, SELF);
  return lua_yieldk(L, 0, 0, finish);
}

/* core.network(exp): what it would train, made to measure for its data. */
int na_lua_experiment_network(lua_State *L)
{
  na_lua_experiment_get(L, 1);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, DATA);
  lua_getiuservalue(L, 1, TRAIN);
  push_net(L, 2, na_lua_settings_get(L, 3));
  return 1;
}

/* core.identity(exp, net): of the run that it would begin. */
int na_lua_experiment_identity(lua_State *L)
{
  enum { SELF = 1, NETWORK, DATASET, SETTINGS };
  experiment *e = na_lua_experiment_get(L, SELF);
  lua_settop(L, NETWORK);
  lua_getiuservalue(L, SELF, DATA);
  lua_getiuservalue(L, SELF, TRAIN);
  push_identity(L, na_lua_push_description(L, e, DATASET, na_lua_settings_get(L, SETTINGS)), NETWORK);
  return 1;
}

/* The list of names at index as the setting `layers` has it. */
static void join_layers(lua_State *L, int settings, int index)
{
  na_buffer *text = na_lua_buffer(L);
  int count = (int)lua_rawlen(L, index);
  for (int i = 1; i <= count; i++) {
    if (lua_rawgeti(L, index, i) != LUA_TSTRING)
      na_lua_fail(L, "record.layers takes names of layers, but got a %s", luaL_typename(L, -1));
    na_buffer_add(text, "%s%s", i > 1 ? "," : "", lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  na_lua_push_buffer(L, text);
  lua_setfield(L, settings, "layers");
  lua_pop(L, 1);
}

/* exp:record{ layers =, images =, every =, epochs =, augmented =, gradients = }; false: nothing */
int na_lua_experiment_record(lua_State *L)
{
  na_lua_experiment_get(L, 1);
  lua_settop(L, 2);
  if (lua_isboolean(L, 2) && !lua_toboolean(L, 2)) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, RECORD);
    return 0;
  }
  na_record *settings = na_lua_settings_new(L, &na_record_settings, sizeof *settings);
  if (lua_istable(L, 2)) {
    /* A list of names is handier than one text; the caller's table stays as it is. */
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, 4);
    }
    if (lua_getfield(L, 4, "layers") == LUA_TTABLE) {
      join_layers(L, 4, 5);
    }
    lua_settop(L, 4);
    /* Particular epochs mean only those, unless `every` is given, too. */
    bool only = lua_getfield(L, 4, "epochs") != LUA_TNIL && lua_getfield(L, 4, "every") == LUA_TNIL;
    lua_settop(L, 4);
    na_lua_settings_fill(L, 3, 4);
    if (only) settings->every = 0;
    lua_settop(L, 3);
  } else if (!lua_isnil(L, 2))
    return na_lua_fail(L, "exp:record takes a table, but got a %s", luaL_typename(L, 2));
  lua_setiuservalue(L, 1, RECORD);
  return 0;
}

/* exp:stop() */
int na_lua_experiment_stop(lua_State *L)
{
  na_lua_experiment_get(L, 1);
  na_lua_run_stop(L, 1);
  return 0;
}
