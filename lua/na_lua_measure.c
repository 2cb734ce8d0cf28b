/* What a plan needs to know of an experiment before it runs: its phases, the time of a step.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <string.h>

/* core.phases(train): epochs in each phase, warm-up included: { plain =, random =, min_w =, ... }.
 */
static int phases(lua_State *L)
{
  const na_train *train = na_lua_settings_get(L, 1);
  long counts[NA_PHASE_OFF + 1] = {0};
  for (int epoch = 0; epoch < train->warmup + train->epochs; epoch++)
    counts[na_phase_at(train, epoch)]++;
  lua_createtable(L, 0, NA_PHASE_OFF + 1);
  for (na_phase phase = NA_PHASE_PLAIN; phase <= NA_PHASE_OFF; phase++) {
    lua_pushinteger(L, counts[phase]);
    lua_setfield(L, -2, na_phase_name(phase));
  }
  return 1;
}

/* A training that leaves nothing behind. */
typedef struct trial {
  na_source *source;
  na_trainer *trainer;
} trial;

static int collect(lua_State *L)
{
  trial *t = lua_touserdata(L, 1);
  na_trainer_free(t->trainer);
  na_source_free(t->source);
  *t = (trial){0};
  return 0;
}

static trial *push_trial(lua_State *L)
{
  static const luaL_Reg meta[] = {{"__gc", collect}, {NULL, NULL}};
  trial *t = lua_newuserdatauv(L, sizeof *t, 0);
  *t = (trial){0};
  if (luaL_newmetatable(L, "netaug.trial")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, -2);
  return t;
}

/* Seconds per step, the first left out: it touches all memory for the first time. An interrupt ends
 * it early, and the caller at its next instruction. */
static double time_steps(na_lua *lua, na_trainer *trainer)
{
  enum { PATIENCE = 20 }; /* milliseconds */
  double first = 0, last = 0;
  long first_step = 0, steps = 0;
  na_event event = {.kind = NA_EVENT_START};
  while (event.kind != NA_EVENT_END) {
    na_lua_serve_now(lua);
    if (lua->interrupted) na_trainer_stop(trainer);
    if (!na_trainer_poll(trainer, &event, PATIENCE) || event.kind != NA_EVENT_STEP) continue;
    last = event.time;
    steps = event.step;
    if (first_step != 0) continue;
    first = last;
    first_step = steps;
  }
  return steps > first_step ? (last - first) / (double)(steps - first_step) : last;
}

/* core.step_seconds(exp.train, exp.data, net, steps): trains `steps` steps, and no longer than an
 * epoch, from random weights; net is spoilt. Gives seconds per step and steps per epoch. */
static int step_seconds(lua_State *L)
{
  na_error err = {0};
  na_train train = *(const na_train *)na_lua_settings_get(L, 1);
  na_dataset *dataset = na_lua_dataset_get(L, 2);
  na_net *net = na_lua_net_get(L, 3);
  long steps = (long)luaL_checkinteger(L, 4);
  trial *t = push_trial(L);
  train.epochs = train.epochs + train.warmup > 0 ? train.epochs : 1;
  int code = na_dataset_source(dataset, NA_SPLIT_TRAIN, 0, &t->source, &err);
  if (code == NA_OK) {
    na_trainer_setup setup = {.net = net, .train = &train, .data = t->source, .initialize = true};
    code = na_trainer_new(&t->trainer, &setup, &err);
  }
  if (code != NA_OK) return na_lua_raise(L, &err);
  long batches = t->source->batches;
  na_trainer_stop_after(t->trainer, steps < batches ? steps : batches);
  if (na_trainer_start(t->trainer, &err) != NA_OK) return na_lua_raise(L, &err);
  lua_pushnumber(L, time_steps(na_lua_of(L), t->trainer));
  lua_pushinteger(L, batches);
  code = na_trainer_join(t->trainer, &err);
  if (code != NA_OK && code != NA_ESTOPPED) return na_lua_raise(L, &err);
  return 2;
}

void na_lua_only_plan(na_lua *lua)
{
  lua->only_plan = true;
}

/* core.only_plan(): are plans to be printed and nothing to be run? */
static int only_plan(lua_State *L)
{
  lua_pushboolean(L, na_lua_of(L)->only_plan);
  return 1;
}

void na_lua_open_measure(lua_State *L)
{
  static const luaL_Reg library[] = {{"phases", phases},
                                     {"step_seconds", step_seconds},
                                     {"only_plan", only_plan},
                                     {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}
