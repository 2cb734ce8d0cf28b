/* Events and results as tables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <math.h>

static void set_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, long value)
{
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* Sets field `name` of the table on top. */
void na_lua_set_result(lua_State *L, const char *name, const na_result *result)
{
  bool measured = result->images > 0;
  lua_createtable(L, 0, 4);
  set_number(L, "loss", measured ? result->loss : NAN);
  set_number(L, "top1", measured ? result->top1 : NAN);
  set_number(L, "top5", measured ? result->top5 : NAN);
  set_integer(L, "images", result->images);
  lua_setfield(L, -2, name);
}

void na_lua_push_event(lua_State *L, const na_event *event)
{
  lua_createtable(L, 0, 20);
  set_integer(L, "epoch", event->epoch);
  set_integer(L, "epochs", event->epochs);
  set_integer(L, "step", event->step);
  set_integer(L, "steps", event->steps);
  set_integer(L, "batch", event->batch);
  set_integer(L, "batches", event->batches);
  set_integer(L, "merged", event->merged);
  set_number(L, "time", event->time);
  set_number(L, "eta", event->eta);
  set_number(L, "lr", event->lr);
  set_number(L, "images_per_second", event->images_per_second);
  set_number(L, "data_wait", event->data_wait);
  na_lua_set_result(L, "base", &event->base);
  na_lua_set_result(L, "augmented", &event->augmented);
  if (event->kind == NA_EVENT_EPOCH) {
    na_lua_set_result(L, "base_val", &event->base_val);
    na_lua_set_result(L, "augmented_val", &event->augmented_val);
    lua_pushboolean(L, event->best);
    lua_setfield(L, -2, "best");
  }
  lua_pushstring(L, na_phase_name(event->phase));
  lua_setfield(L, -2, "phase");
}
