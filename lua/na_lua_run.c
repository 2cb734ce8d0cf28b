/* A training run that a script waits for: its folder, its trainer, hooks and history.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"
#include "core/train/steer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, NAMES_MAX = 100000 };

/* The userdata's user values: what the trainer borrows, and the list of epochs. */
enum { EXPERIMENT = 1, NET, DATA, HISTORY, VALUES = HISTORY };

struct na_lua_run {
  na_trainer *trainer;
  const na_net *net; /* the userdata's */
  na_source *train, *val, *calibration;
  bool held_step, held_epoch; /* the worker waits after such an event */
  bool keeps;                 /* exp.state was set when it was last looked at */
  bool stopped;               /* a script asked for the end */
  na_error hook;              /* what a hook raised */
  char name[128], folder[PATH_SIZE];
};

static const char *const class = NA_LUA_RUN_CLASS, *const present_key = "netaug.run.present";

static void release(na_lua_run *run)
{
  na_trainer_free(run->trainer);
  na_source_free(run->train);
  na_source_free(run->val);
  na_source_free(run->calibration);
  run->trainer = NULL;
  run->train = run->val = run->calibration = NULL;
}

static int collect(lua_State *L)
{
  na_lua_run *run = luaL_checkudata(L, 1, class);
  if (na_lua_of(L)->run == run) na_lua_of(L)->run = NULL;
  release(run);
  return 0;
}

/* Pushes the present run's userdata. */
static void push_present(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, present_key);
}

/* The global `run` is the present run, unless the script uses that name for something else. */
static void set_global(lua_State *L, int run)
{
  lua_pushglobaltable(L);
  lua_pushliteral(L, "run");
  lua_rawget(L, -2);
  if (lua_isnil(L, -1) || luaL_testudata(L, -1, class) != NULL) {
    lua_pushliteral(L, "run");
    lua_pushvalue(L, run);
    lua_rawset(L, -4);
  }
  lua_pop(L, 2);
}

/* ------------------------------------------------------------------------------- folder */

/* The folder RUNS/NAME, or NAME-2, ... when that is taken. mkdir decides, so two processes never
 * get the same. */
static int make_folder(na_lua_run *run, const char *runs, const char *name, na_error *err)
{
  if (mkdir(runs, 0777) != 0 && errno != EEXIST)
    return na_fail(err, NA_EIO, "cannot make the folder %s: %s", runs, strerror(errno));
  for (int number = 1; number < NAMES_MAX; number++) {
    if (number == 1)
      snprintf(run->name, sizeof run->name, "%s", name);
    else
      snprintf(run->name, sizeof run->name, "%s-%d", name, number);
    int length = snprintf(run->folder, sizeof run->folder, "%s/%s", runs, run->name);
    if (length >= (int)sizeof run->folder)
      return na_fail(err, NA_EINVAL, "the path of the runs folder is too long");
    if (mkdir(run->folder, 0777) == 0) return NA_OK;
    if (errno != EEXIST)
      return na_fail(err, NA_EIO, "cannot make the folder %s: %s", run->folder, strerror(errno));
  }
  return na_fail(err, NA_EIO, "the folder %s is full of runs named %s", runs, name);
}

static void script_path(const na_lua_run *run, char path[PATH_SIZE + 32])
{
  snprintf(path, PATH_SIZE + 32, "%s/experiment.lua", run->folder);
}

static int write_script(const na_lua_run *run, const char *text, size_t size, na_error *err)
{
  char path[PATH_SIZE + 32];
  script_path(run, path);
  FILE *file = fopen(path, "wbx");
  bool good = file != NULL && fwrite(text, 1, size, file) == size;
  if (file != NULL && fclose(file) != 0) good = false;
  return good ? NA_OK : na_fail(err, NA_EIO, "cannot write %s: %s", path, strerror(errno));
}

/* Takes back the folder of a run that could not start. Whatever else is in it stays. */
static void remove_folder(const na_lua_run *run)
{
  char path[PATH_SIZE + 32];
  script_path(run, path);
  unlink(path);
  rmdir(run->folder);
}

/* ------------------------------------------------------------------------------ starting */

static int open_sources(na_lua_run *run, na_dataset *dataset, const na_train *train, na_error *err)
{
  na_dataset_info info;
  na_dataset_describe(dataset, &info);
  int code = na_dataset_source(dataset, NA_SPLIT_TRAIN, 0, &run->train, err);
  if (code == NA_OK && info.val > 0)
    code = na_dataset_source(dataset, NA_SPLIT_VAL, 0, &run->val, err);
  if (code == NA_OK && train->calibrate > 0)
    code = na_dataset_source(dataset, NA_SPLIT_CALIBRATE, train->calibrate, &run->calibration, err);
  return code;
}

/* The part of a trainer's setup that says whether something goes on or is repeated. */
static int set_history(na_lua *lua, const na_lua_plan *plan, na_trainer_setup *setup,
                       na_steer_entry **log, na_error *err)
{
  const char *replay = plan->replay != NULL ? plan->replay : lua->replay;
  if (plan->again != NULL) setup->resume = plan->again->checkpoint;
  if (replay == NULL) return NA_OK;
  int code = na_replay_read(replay, log, &setup->replay_count, err);
  setup->replay = *log;
  return code;
}

static int start_trainer(na_lua *lua, na_lua_run *run, na_net *net, const na_lua_plan *plan,
                         const na_note *notes, na_error *err)
{
  na_steer_entry *log = NULL;
  na_trainer_setup setup = {.net = net,
                            .train = plan->train,
                            .kd = plan->kd,
                            .data = run->train,
                            .val = run->val,
                            .calibration = run->calibration,
                            .initialize = true,
                            .folder = run->folder,
                            .description = plan->description,
                            .record = plan->record,
                            .notes = notes,
                            .note_count = NA_LUA_NOTES};
  int code = set_history(lua, plan, &setup, &log, err);
  run->net = net;
  if (code == NA_OK) code = na_trainer_new(&run->trainer, &setup, err);
  na_free(log);
  if (code != NA_OK) return code;
  na_trainer_hold(run->trainer, run->held_step, run->held_epoch);
  if (lua->stop_after > 0) na_trainer_stop_after(run->trainer, lua->stop_after);
  return plan->again != NULL ? na_lua_resume_set(plan->again, run->trainer, err) : NA_OK;
}

/* Pushes the userdata of a run that has not begun. */
static na_lua_run *push_run(lua_State *L, const na_lua_plan *plan)
{
  na_lua_run *run = lua_newuserdatauv(L, sizeof *run, VALUES);
  memset(run, 0, sizeof *run);
  luaL_setmetatable(L, class);
  lua_pushvalue(L, plan->experiment);
  lua_setiuservalue(L, -2, EXPERIMENT);
  lua_pushvalue(L, plan->net);
  lua_setiuservalue(L, -2, NET);
  lua_pushvalue(L, plan->data);
  lua_setiuservalue(L, -2, DATA);
  lua_newtable(L);
  lua_setiuservalue(L, -2, HISTORY);
  run->held_step = na_lua_push_hook(L, plan->experiment, "on_step") == LUA_TFUNCTION;
  run->held_epoch = na_lua_push_hook(L, plan->experiment, "on_epoch") == LUA_TFUNCTION;
  lua_pop(L, 2);
  return run;
}

/* The folder of a run that goes on, or a new one with the script in it. */
static int find_folder(na_lua *lua, na_lua_run *run, const na_lua_plan *plan, const char *text,
                       size_t size, na_error *err)
{
  if (plan->again != NULL) {
    const char *folder = plan->again->folder, *slash = strrchr(folder, '/');
    snprintf(run->folder, sizeof run->folder, "%s", folder);
    snprintf(run->name, sizeof run->name, "%.127s", slash != NULL ? slash + 1 : folder);
    return NA_OK;
  }
  int code = make_folder(run, lua->runs, plan->name, err);
  return code == NA_OK ? write_script(run, text, size, err) : code;
}

/* Everything but starting. Raises nothing, so that a new folder can be taken back. */
static int prepare(na_lua *lua, na_lua_run *run, na_dataset *dataset, na_net *net,
                   const na_lua_plan *plan, const na_note *notes, const char *text, size_t size,
                   na_error *err)
{
  int code = open_sources(run, dataset, plan->train, err);
  if (code == NA_OK) code = find_folder(lua, run, plan, text, size, err);
  if (code == NA_OK) code = start_trainer(lua, run, net, plan, notes, err);
  if (code != NA_OK && run->folder[0] != '\0' && plan->again == NULL) remove_folder(run);
  return code;
}

/* exp.state of the run's experiment into the checkpoints to come. */
static void keep_state(lua_State *L, int userdata)
{
  na_lua_run *run = lua_touserdata(L, userdata);
  na_error err = {0};
  lua_getiuservalue(L, userdata, EXPERIMENT);
  bool set = na_lua_push_state(L, -1) != LUA_TNIL;
  if (set || run->keeps) {
    na_buffer *text = na_lua_buffer(L);
    if (set) na_lua_write_plain(L, -2, text);
    if (text->failed) luaL_error(L, "not enough memory");
    if (na_trainer_keep(run->trainer, text->data, &err) != NA_OK) na_lua_raise(L, &err);
    lua_pop(L, 1);
  }
  run->keeps = set;
  lua_pop(L, 2);
}

/* What the run had when it was interrupted: the epochs so far and exp.state. */
static void restore(lua_State *L, int userdata, const na_lua_run *run)
{
  const char *kept = na_trainer_kept(run->trainer);
  int epoch;
  na_trainer_position(run->trainer, &epoch, NULL);
  lua_getiuservalue(L, userdata, HISTORY);
  if (epoch > 0) na_lua_add_history(L, run->folder, epoch);
  lua_pop(L, 1);
  if (kept == NULL) return;
  lua_getiuservalue(L, userdata, EXPERIMENT);
  na_lua_read_plain(L, kept);
  na_lua_set_state(L, -2);
  lua_pop(L, 1);
}

void na_lua_run_start(lua_State *L, const na_lua_plan *plan)
{
  na_lua *lua = na_lua_of(L);
  na_error err = {0};
  na_note notes[NA_LUA_NOTES];
  size_t size;
  int top = lua_gettop(L);
  na_dataset *dataset = na_lua_dataset_get(L, plan->data);
  na_net *net = na_lua_net_get(L, plan->net);
  if (plan->again != NULL) na_lua_resume_check(L, plan->again, plan->description);
  na_lua_run *run = push_run(L, plan);
  int userdata = lua_gettop(L);
  na_lua_push_text(L);
  const char *text = lua_tolstring(L, -1, &size);
  na_lua_push_notes(L, text, size, plan->identity, notes);
  int code = prepare(lua, run, dataset, net, plan, notes, text, size, &err);
  if (code == NA_OK) {
    if (plan->again != NULL) restore(L, userdata, run);
    keep_state(L, userdata);
    code = na_trainer_start(run->trainer, &err);
  }
  if (code != NA_OK) {
    release(run);
    na_lua_raise(L, &err);
  }
  lua_pushvalue(L, userdata);
  lua_setfield(L, LUA_REGISTRYINDEX, present_key);
  set_global(L, userdata);
  lua->run = run;
  na_lua_started(lua, plan, run->name);
  lua_settop(L, top);
}

/* -------------------------------------------------------------------------------- events */

/* Protected: files an epoch in the history and calls the hook with (experiment, event). */
static int take_event(lua_State *L)
{
  const na_event *event = lua_touserdata(L, 1);
  const char *hook = event->kind == NA_EVENT_STEP ? "on_step" : "on_epoch";
  push_present(L);
  lua_getiuservalue(L, 2, EXPERIMENT);
  bool called = na_lua_push_hook(L, 3, hook) == LUA_TFUNCTION;
  if (!called && event->kind == NA_EVENT_STEP) return 0;
  lua_pushvalue(L, 3);
  na_lua_push_event(L, event);
  if (event->kind == NA_EVENT_EPOCH) {
    lua_getiuservalue(L, 2, HISTORY);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
  if (!called) return 0;
  lua_call(L, 2, 0);
  keep_state(L, 2);
  return 0;
}

bool na_lua_run_event(na_lua *lua, const na_event *event)
{
  na_lua_run *run = lua->run;
  if (event->kind == NA_EVENT_END) return true;
  if (event->kind != NA_EVENT_STEP && event->kind != NA_EVENT_EPOCH) return false;
  lua->active = lua->L;
  int code = run->hook.code != NA_OK
                 ? NA_OK /* one failed already: the run is only being wound up */
                 : na_lua_protect(lua, take_event, (void *)event, &run->hook);
  lua->active = NULL;
  lua->interrupted = 0;
  na_lua_watch(lua->L);
  if (code != NA_OK) na_trainer_stop(run->trainer);
  if (event->kind == NA_EVENT_STEP ? run->held_step : run->held_epoch)
    na_trainer_continue(run->trainer);
  return false;
}

void na_lua_run_stop(lua_State *L, int experiment)
{
  na_lua_run *run = na_lua_of(L)->run;
  if (run == NULL) return;
  experiment = lua_absindex(L, experiment);
  push_present(L);
  lua_getiuservalue(L, -1, EXPERIMENT);
  if (lua_rawequal(L, -1, experiment)) na_trainer_stop(run->trainer);
  lua_pop(L, 2);
}

/* -------------------------------------------------------------------------------- ending */

static void push_message(lua_State *L, const na_error *err)
{
  if (err->hint[0] != '\0')
    lua_pushfstring(L, "%s\n%s", err->message, err->hint);
  else
    lua_pushstring(L, err->message);
}

static void push_result_table(lua_State *L, const na_lua_run *run, int code)
{
  na_result base, augmented, best;
  double seconds;
  na_trainer_results(run->trainer, &base, &augmented, &best, &seconds);
  lua_createtable(L, 0, 8);
  na_lua_set_result(L, "base", &base);
  na_lua_set_result(L, "augmented", &augmented);
  na_lua_set_result(L, "best", &best);
  lua_pushnumber(L, seconds);
  lua_setfield(L, -2, "seconds");
  lua_pushstring(L, run->folder);
  lua_setfield(L, -2, "run");
  lua_pushstring(L, run->name);
  lua_setfield(L, -2, "name");
  lua_pushboolean(L, code == NA_ESTOPPED);
  lua_setfield(L, -2, "stopped");
  lua_pushboolean(L, na_trainer_steered(run->trainer));
  lua_setfield(L, -2, "steered");
  push_present(L);
  lua_getiuservalue(L, -1, HISTORY);
  lua_setfield(L, -3, "history");
  lua_pop(L, 1);
}

void na_lua_run_finish(lua_State *L)
{
  na_lua *lua = na_lua_of(L);
  na_lua_run *run = lua->run;
  na_error err = {0};
  int code = na_trainer_join(run->trainer, &err);
  push_result_table(L, run, code);
  bool hook = run->hook.code != NA_OK;
  if (hook)
    push_message(L, &run->hook);
  else if (code != NA_OK && code != NA_ESTOPPED)
    push_message(L, &err);
  else
    lua_pushnil(L);
  lua_pushboolean(L, hook);
  release(run);
  lua->run = NULL;
  lua_pushnil(L);
  set_global(L, lua_gettop(L));
  lua_setfield(L, LUA_REGISTRYINDEX, present_key);
}

void na_lua_run_abandon(na_lua *lua)
{
  release(lua->run);
  lua->run = NULL;
}

na_trainer *na_lua_trainer(na_lua *lua)
{
  return lua->run != NULL ? lua->run->trainer : NULL;
}

const char *na_lua_run_name(const na_lua *lua)
{
  return lua->run != NULL ? lua->run->name : NULL;
}

const na_net *na_lua_present_net(const na_lua *lua)
{
  return lua->run != NULL ? lua->run->net : NULL;
}

const char *na_lua_runs(const na_lua *lua)
{
  return lua->runs;
}

const char *na_lua_run_folder(const na_lua *lua)
{
  return lua->run != NULL ? lua->run->folder : NULL;
}

/* ------------------------------------------------------------------------------ objects */

na_trainer *na_lua_run_trainer(lua_State *L, int index)
{
  na_lua_run *run = luaL_checkudata(L, index, class);
  if (run->trainer == NULL) na_lua_fail(L, "the run %s has ended", run->name);
  return run->trainer;
}

const na_net *na_lua_run_net(lua_State *L, int index)
{
  luaL_checkudata(L, index, class);
  lua_getiuservalue(L, index, NET);
  const na_net *net = na_lua_net_get(L, -1);
  lua_pop(L, 1);
  return net;
}

const char *na_lua_run_label(lua_State *L, int index)
{
  const na_lua_run *run = luaL_checkudata(L, index, class);
  return run->name;
}

static int to_string(lua_State *L)
{
  const na_lua_run *run = luaL_checkudata(L, 1, class);
  lua_pushfstring(L, "run %s%s", run->name, run->trainer == NULL ? ", ended" : "");
  return 1;
}

/* netaug.running() */
static int running(lua_State *L)
{
  push_present(L);
  return 1;
}

static const na_lua_function public[] = {
    {"netaug.running", "()", "the run that goes on, or nil", running},
};

void na_lua_open_run(lua_State *L)
{
  static const luaL_Reg meta[] = {{"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};
  na_lua_define(L, &(na_lua_class){class, na_lua_run_functions, na_lua_run_function_count, meta,
                                   na_lua_run_index});
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
