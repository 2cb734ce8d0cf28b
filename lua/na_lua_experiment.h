/* Inside of experiments, for the files that implement them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LUA_EXPERIMENT_H
#define NA_LUA_EXPERIMENT_H

#include "lua/na_lua_private.h"

enum { NAME_SIZE = 100 };

/* User values of an experiment. */
enum { MODEL = 1, DATA, AUGMENT, TRAIN, KD, HOOKS, NET, STATE, RECORD, VALUES = RECORD };

typedef struct experiment {
  char name[NAME_SIZE];
} experiment;

/* X(name): the hooks that a script can assign. */
#define NA_LUA_HOOKS(X) X(on_step) X(on_epoch)

experiment *na_lua_experiment_get(lua_State *L, int index);

/* Pushes the settings of everything of the experiment at 1 as "part.name = value" lines. data: index of
 * its data. */
const char *na_lua_push_description(lua_State *L, const experiment *e, int data,
                                    const na_train *train);

/* exp:run, exp:record, exp:stop; core.network, core.identity. */
int na_lua_experiment_run(lua_State *L);
int na_lua_experiment_record(lua_State *L);
int na_lua_experiment_stop(lua_State *L);
int na_lua_experiment_network(lua_State *L);
int na_lua_experiment_identity(lua_State *L);

#endif
