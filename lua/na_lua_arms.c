/* Runs of any origin compared from their folders, for scripts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/arms/arms.h"

#include <string.h>

static const char *const class = "netaug.arms";

static int collect(lua_State *L)
{
  na_arms_free(lua_touserdata(L, 1));
  return 0;
}

/* Pushes arms that the collector frees. */
static na_arms *push_arms(lua_State *L)
{
  na_arms *arms = lua_newuserdatauv(L, sizeof *arms, 0);
  *arms = (na_arms){.control = -1};
  if (luaL_newmetatable(L, class)) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return arms;
}

/* The texts of the list at index: pointers into its strings, on top of the stack. */
static const char **push_texts(lua_State *L, int index, int *count)
{
  *count = (int)lua_rawlen(L, index);
  const char **texts = lua_newuserdatauv(L, ((size_t)*count + 1) * sizeof *texts, 0);
  for (int i = 0; i < *count; i++) {
    lua_rawgeti(L, index, i + 1);
    texts[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1); /* the list keeps it */
  }
  return texts;
}

static const na_measure *find_measure(lua_State *L, const char *word)
{
  const char *words[NA_MEASURE_COUNT];
  for (int i = 0; i < NA_MEASURE_COUNT; i++) words[i] = na_measures[i].word;
  na_lua_check_key(L, "netaug.verdict", "metric", word, words, NA_MEASURE_COUNT);
  return &na_measures[na_measure_find(word)];
}

/* -------------------------------------------------------------------------------- results */

static void set_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void push_arm(lua_State *L, const na_arms *arms, const na_arm *arm)
{
  lua_createtable(L, 0, 11);
  lua_pushstring(L, arm->name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, arm->count);
  lua_setfield(L, -2, "n");
  set_number(L, "mean", arm->mean);
  set_number(L, "sd", arm->sd);
  set_number(L, "low", arm->interval.low);
  set_number(L, "high", arm->interval.high);
  set_number(L, "seconds", arm->seconds);
  lua_pushinteger(L, arm->parameters);
  lua_setfield(L, -2, "params");
  lua_pushinteger(L, arm->macs);
  lua_setfield(L, -2, "macs");
  lua_createtable(L, arm->count, 0);
  lua_createtable(L, arm->count, 0);
  for (int i = 0; i < arm->count; i++) {
    lua_pushnumber(L, arm->outcomes[i]);
    lua_rawseti(L, -3, i + 1);
    lua_pushinteger(L, arms->runs[arm->members[i]].seed);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -3, "seeds");
  lua_setfield(L, -2, "values");
}

/* Lines for what takes no part. */
static void push_left_out(lua_State *L, const na_arms *arms)
{
  int count = 0;
  lua_newtable(L);
  for (int r = 0; r < arms->run_count; r++) {
    const na_member *run = &arms->runs[r];
    if (run->state == NA_MEMBER_FINISHED) continue;
    lua_pushfstring(L, "%s is %s (%s)", run->name, na_member_word(run->state), run->why);
    lua_rawseti(L, -2, ++count);
  }
}

/* The list of verdicts, with the rest as its fields. */
static void push_results(lua_State *L, const na_arms *arms)
{
  lua_createtable(L, arms->comparison_count, 3);
  for (int i = 0; i < arms->comparison_count; i++) {
    const na_comparison *c = &arms->comparisons[i];
    na_lua_push_verdict(L, &c->verdict, arms->arms[c->a].name, arms->arms[c->b].name,
                        &arms->question);
    lua_rawseti(L, -2, i + 1);
  }
  lua_createtable(L, arms->arm_count, 0);
  for (int a = 0; a < arms->arm_count; a++) {
    push_arm(L, arms, &arms->arms[a]);
    lua_rawseti(L, -2, a + 1);
  }
  lua_setfield(L, -2, "arms");
  push_left_out(L, arms);
  lua_setfield(L, -2, "left_out");
  lua_createtable(L, arms->note_count, 0);
  for (int i = 0; i < arms->note_count; i++) {
    lua_pushstring(L, arms->notes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "notes");
}

/* core.compare(folders, by, metric, test, alpha, power [, control]): the runs in the list of
 * folders, told apart by the settings in the list `by` (empty: by all that differ). */
static int compare(lua_State *L)
{
  enum { FOLDERS = 1, BY, METRIC, TEST, ALPHA, POWER, CONTROL };
  luaL_checktype(L, FOLDERS, LUA_TTABLE);
  luaL_checktype(L, BY, LUA_TTABLE);
  lua_settop(L, CONTROL);
  na_arms_question question = {.measure = find_measure(L, luaL_checkstring(L, METRIC)),
                               .judge = na_lua_judge(L, luaL_checkstring(L, TEST)),
                               .alpha = luaL_checknumber(L, ALPHA),
                               .power = luaL_checknumber(L, POWER),
                               .control = luaL_optstring(L, CONTROL, NULL)};
  if (!(question.alpha > 0 && question.alpha < 1 && question.power > 0 && question.power < 1))
    return na_lua_fail(L, "netaug.verdict takes alpha and power between 0 and 1");
  int count;
  question.by = push_texts(L, BY, &question.by_count);
  const char **folders = push_texts(L, FOLDERS, &count);
  na_arms *arms = push_arms(L);
  na_error err = {0};
  if (na_arms_read(arms, folders, count, &question, &err) != NA_OK) return na_lua_raise(L, &err);
  push_results(L, arms);
  na_arms_free(arms);
  return 1;
}

void na_lua_open_arms(lua_State *L)
{
  static const luaL_Reg library[] = {{"compare", compare}, {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}
