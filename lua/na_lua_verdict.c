/* Verdicts on arms whose values a script has at hand.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <string.h>

enum { ARMS_MAX = 1000 };

/* ------------------------------------------------------------------------------ the question */

static double number_field(lua_State *L, int index, const char *name, double otherwise)
{
  lua_getfield(L, index, name);
  double value = luaL_optnumber(L, -1, otherwise);
  lua_pop(L, 1);
  return value;
}

/* A text that the table keeps. */
static const char *text_field(lua_State *L, int index, const char *name, const char *otherwise)
{
  lua_getfield(L, index, name);
  const char *text = luaL_optstring(L, -1, otherwise);
  lua_pop(L, 1);
  return text;
}

na_judge na_lua_judge(lua_State *L, const char *word)
{
  const char *words[NA_JUDGE_COUNT];
  for (int i = 0; i < NA_JUDGE_COUNT; i++) words[i] = na_judge_word((na_judge)i);
  na_lua_check_key(L, "a verdict", "test", word, words, NA_JUDGE_COUNT);
  int judge = 0;
  while (strcmp(words[judge], word) != 0) judge++;
  return (na_judge)judge;
}

static na_question read_question(lua_State *L, int index)
{
  na_question question = {.alpha = number_field(L, index, "alpha", 0.05),
                          .power = number_field(L, index, "power", 0.8),
                          .judge = na_lua_judge(L, text_field(L, index, "test", na_judge_word(NA_JUDGE_T))),
                          .digits = (int)number_field(L, index, "digits", 2),
                          .unit = text_field(L, index, "unit", "points")};
  lua_getfield(L, index, "lower");
  question.lower_is_better = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (!(question.alpha > 0 && question.alpha < 1 && question.power > 0 && question.power < 1))
    na_lua_fail(L, "a verdict takes alpha and power between 0 and 1");
  return question;
}

/* ------------------------------------------------------------------------------- the samples */

/* Pushes memory for the list `name` of the table at index, and gives how long that is. */
static void *push_room(lua_State *L, int index, const char *name, size_t size, int *count)
{
  lua_getfield(L, index, name);
  luaL_checktype(L, -1, LUA_TTABLE);
  *count = (int)lua_rawlen(L, -1);
  void *room = lua_newuserdatauv(L, ((size_t)*count + 1) * size, 0);
  lua_insert(L, -2);
  return room;
}

/* The arm on top, { name =, values =, seeds = }; leaves two userdata on the stack that hold it. */
static na_sample read_sample(lua_State *L)
{
  int arm = lua_gettop(L), count, keys;
  double *values = push_room(L, arm, "values", sizeof *values, &count);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, -1, i + 1);
    values[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  uint64_t *seeds = push_room(L, arm, "seeds", sizeof *seeds, &keys);
  for (int i = 0; i < keys; i++) {
    lua_rawgeti(L, -1, i + 1);
    seeds[i] = (uint64_t)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return (na_sample){text_field(L, arm, "name", "an arm"), count < keys ? count : keys, values,
                     seeds};
}

/* -------------------------------------------------------------------------------- the verdicts */

static void set_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

void na_lua_push_verdict(lua_State *L, const na_verdict *v, const char *a, const char *b,
                         const na_question *question)
{
  na_buffer *words = na_lua_buffer(L);
  na_verdict_words(v, a, b, question, words);
  lua_createtable(L, 0, 13);
  set_text(L, "a", a);
  set_text(L, "b", b);
  set_text(L, "outcome", na_outcome_word(v->outcome));
  set_number(L, "difference", v->t.mean);
  set_number(L, "low", v->t.interval.low);
  set_number(L, "high", v->t.interval.high);
  set_number(L, "p", v->p);
  set_number(L, "holm", v->holm);
  set_number(L, "d", v->effect.d);
  lua_pushinteger(L, v->paired ? v->pairs : 0);
  lua_setfield(L, -2, "pairs");
  lua_pushinteger(L, v->needed);
  lua_setfield(L, -2, "needed");
  na_lua_push_buffer(L, words);
  lua_setfield(L, -2, "text");
  lua_remove(L, -2);
}

/* Which arms are compared: who[] gets first and second; returns how many comparisons. */
static int choose(int count, int control, int (*who)[2])
{
  int family = 0;
  for (int b = 0; b < count; b++)
    for (int a = control > 0 ? 0 : b + 1; a < count; a++) {
      if (control > 0 && (b != control - 1 || a == b)) continue;
      who[family][0] = a;
      who[family++][1] = b;
    }
  return family;
}

/* core.verdicts(arms, question [, control]): every two arms compared, or (control: a number from 1)
 * every other one with that; a family for Holm's correction. A list of { a =, b =, outcome =, text
 * =,
 * ... }, where a is compared with b. */
static int verdicts(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  na_error err = {0};
  int count = (int)lua_rawlen(L, 1), control = (int)luaL_optinteger(L, 3, 0), code = NA_OK;
  if (count > ARMS_MAX) return na_lua_fail(L, "more than %d arms cannot be compared", ARMS_MAX);
  const na_question question = read_question(L, 2);
  luaL_checkstack(L, 3 * count + 16, NULL);
  size_t most = (size_t)count * (size_t)count + 1;
  na_sample *samples = lua_newuserdatauv(L, most * sizeof *samples, 0);
  na_verdict *made = lua_newuserdatauv(L, most * sizeof *made, 0);
  int(*who)[2] = lua_newuserdatauv(L, most * sizeof *who, 0);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    samples[i] = read_sample(L);
  }
  int family = choose(count, control, who);
  for (int i = 0; i < family && code == NA_OK; i++)
    code = na_verdict_make(&made[i], &samples[who[i][0]], &samples[who[i][1]], &question, &err);
  if (code == NA_OK) code = na_verdict_family(made, family, &question, &err);
  if (code != NA_OK) return na_lua_raise(L, &err);
  lua_createtable(L, family, 0);
  for (int i = 0; i < family; i++) {
    na_lua_push_verdict(L, &made[i], samples[who[i][0]].name, samples[who[i][1]].name, &question);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.t_test(differences): is their mean 0? { mean =, t =, p = }, p two-sided. */
static int t_test(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 1);
  double *values = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *values, 0);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    values[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  const na_t_test test = na_t_one_sample(values, count, 0.95);
  lua_createtable(L, 0, 3);
  set_number(L, "mean", test.mean);
  set_number(L, "t", test.t);
  set_number(L, "p", test.p);
  return 1;
}

void na_lua_open_verdict(lua_State *L)
{
  static const luaL_Reg library[] = {{"verdicts", verdicts}, {"t_test", t_test}, {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}
