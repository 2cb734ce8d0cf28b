/* Tensors as scripts see them: a copy of numbers with a shape, for looking at.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <math.h>
#include <string.h>

typedef struct tensor {
  int rank, shape[NA_LUA_RANK_MAX];
  lua_Integer count;
  float data[];
} tensor;

static const char *const class = "netaug.tensor";

static tensor *check(lua_State *L)
{
  return luaL_checkudata(L, 1, class);
}

float *na_lua_push_tensor(lua_State *L, int rank, const int *shape, const float *data)
{
  size_t count = 1;
  for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
  tensor *t = lua_newuserdatauv(L, sizeof *t + count * sizeof *data, 0);
  t->rank = rank;
  t->count = (lua_Integer)count;
  if (rank > 0) memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
  if (data != NULL)
    memcpy(t->data, data, count * sizeof *data);
  else
    memset(t->data, 0, count * sizeof *data);
  luaL_setmetatable(L, class);
  return t->data;
}

/* ----------------------------------------------------------------------------- statistics */

typedef struct statistics {
  double mean, std, min, max, l1, l2, sum;
} statistics;

/* std is the population's, as numpy's. Two passes, in double. */
static statistics measure(const tensor *t)
{
  statistics s = {.min = INFINITY, .max = -INFINITY};
  double squares = 0.0, spread = 0.0;
  for (lua_Integer i = 0; i < t->count; i++) {
    double x = t->data[i];
    s.sum += x;
    s.l1 += fabs(x);
    squares += x * x;
    s.min = fmin(s.min, x);
    s.max = fmax(s.max, x);
  }
  s.mean = s.sum / (double)t->count;
  for (lua_Integer i = 0; i < t->count; i++)
    spread += (t->data[i] - s.mean) * (t->data[i] - s.mean);
  s.std = sqrt(spread / (double)t->count);
  s.l2 = sqrt(squares);
  return s;
}

#define STATISTIC(name)                                                                            \
  static int name(lua_State *L)                                                                    \
  {                                                                                                \
    lua_pushnumber(L, measure(check(L)).name);                                                     \
    return 1;                                                                                      \
  }
STATISTIC(mean)
STATISTIC(std)
STATISTIC(min)
STATISTIC(max)
STATISTIC(sum)
STATISTIC(l1)
STATISTIC(l2)
#undef STATISTIC

/* ------------------------------------------------------------------------------- slices */

/* A position 1..size, or counted from the end when negative. */
static int position(lua_State *L, int index, int size, const char *what)
{
  lua_Integer at = luaL_checkinteger(L, index);
  lua_Integer from_start = at < 0 ? size + at + 1 : at;
  if (from_start < 1 || from_start > size)
    na_lua_fail(L, "%s %lld is outside 1 to %d", what, (long long)at, size);
  return (int)from_start;
}

/* t:slice(axis, first, last) */
static int slice(lua_State *L)
{
  const tensor *t = check(L);
  if (t->rank == 0) return na_lua_fail(L, "a single number has no axis to slice");
  int axis = position(L, 2, t->rank, "axis") - 1;
  int first = position(L, 3, t->shape[axis], "first");
  int last = lua_isnoneornil(L, 4) ? first : position(L, 4, t->shape[axis], "last");
  if (last < first) return na_lua_fail(L, "last %d is before first %d", last, first);
  int shape[NA_LUA_RANK_MAX];
  memcpy(shape, t->shape, sizeof shape);
  shape[axis] = last - first + 1;
  size_t outer = 1, inner = 1;
  for (int i = 0; i < axis; i++) outer *= (size_t)t->shape[i];
  for (int i = axis + 1; i < t->rank; i++) inner *= (size_t)t->shape[i];
  float *to = na_lua_push_tensor(L, t->rank, shape, NULL);
  size_t run = (size_t)shape[axis] * inner, step = (size_t)t->shape[axis] * inner;
  for (size_t o = 0; o < outer; o++)
    memcpy(to + o * run, t->data + o * step + (size_t)(first - 1) * inner, run * sizeof *to);
  return 1;
}

/* Pushes element `at` (from 0) of the first axis: a number, or a tensor of one axis less. */
static void push_row(lua_State *L, const tensor *t, int at)
{
  size_t inner = (size_t)t->count / (size_t)t->shape[0];
  if (t->rank == 1)
    lua_pushnumber(L, t->data[at]);
  else
    na_lua_push_tensor(L, t->rank - 1, t->shape + 1, t->data + (size_t)at * inner);
}

static int row(lua_State *L)
{
  const tensor *t = check(L);
  if (t->rank == 0) return na_lua_fail(L, "a single number has no rows");
  push_row(L, t, position(L, 2, t->shape[0], "row") - 1);
  return 1;
}

static void push_nested(lua_State *L, const tensor *t, int axis, const float **from)
{
  /* The second test tells the compiler what na_lua_push_tensor keeps: that shape is long enough. */
  if (axis >= t->rank || axis >= NA_LUA_RANK_MAX) {
    lua_pushnumber(L, *(*from)++);
    return;
  }
  luaL_checkstack(L, 4, NULL);
  lua_createtable(L, t->shape[axis], 0);
  for (int i = 0; i < t->shape[axis]; i++) {
    push_nested(L, t, axis + 1, from);
    lua_rawseti(L, -2, i + 1);
  }
}

static int totable(lua_State *L)
{
  const tensor *t = check(L);
  const float *from = t->data;
  push_nested(L, t, 0, &from);
  return 1;
}

/* netaug.tensor(list): nested lists of numbers, all of one length on each level. */
static void read_nested(lua_State *L, int index, const int *shape, int rank, float **to)
{
  if (rank == 0) {
    if (lua_type(L, index) != LUA_TNUMBER)
      na_lua_fail(L, "a tensor is made of numbers, but got a %s", luaL_typename(L, index));
    *(*to)++ = (float)lua_tonumber(L, index);
    return;
  }
  if (!lua_istable(L, index) || (lua_Integer)lua_rawlen(L, index) != shape[0])
    na_lua_fail(L, "a tensor's rows must all have the same length");
  for (int i = 0; i < shape[0]; i++) {
    lua_rawgeti(L, index, i + 1);
    read_nested(L, lua_gettop(L), shape + 1, rank - 1, to);
    lua_pop(L, 1);
  }
}

static int new_tensor(lua_State *L)
{
  int rank = 0, shape[NA_LUA_RANK_MAX];
  size_t count = 1;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  for (lua_pushvalue(L, 1); lua_istable(L, -1); lua_rawgeti(L, -1, 1)) {
    lua_Unsigned length = lua_rawlen(L, -1);
    if (rank == NA_LUA_RANK_MAX) return na_lua_fail(L, "a tensor has at most %d axes", rank);
    if (length == 0 || length > 1 << 24) return na_lua_fail(L, "a tensor's axis cannot be empty");
    shape[rank++] = (int)length;
    count *= length;
    if (count > 1 << 28) return na_lua_fail(L, "the tensor is too large");
  }
  float *to = na_lua_push_tensor(L, rank, shape, NULL);
  int made = lua_gettop(L);
  read_nested(L, 1, shape, rank, &to);
  lua_pushvalue(L, made);
  return 1;
}

/* ------------------------------------------------------------------------------ printing */

enum { EDGE = 3 }; /* values shown at each end of a row; other axes show one less */

/* Axes worth showing: the 1x1 kernel of a pointwise convolution is not. */
static int shown_rank(const tensor *t)
{
  int rank = t->rank;
  while (rank > 1 && t->shape[rank - 1] == 1) rank--;
  return rank;
}

static void write_axis(const tensor *t, int rank, int axis, const float *from, na_buffer *out)
{
  if (axis == rank) {
    na_buffer_add(out, "%10.4g", *from);
    return;
  }
  size_t inner = 1;
  for (int i = axis + 1; i < rank; i++) inner *= (size_t)t->shape[i];
  bool row = axis == rank - 1;
  int size = t->shape[axis], edge = row ? EDGE : EDGE - 1;
  na_buffer_add(out, "[");
  for (int i = 0; i < size; i++) {
    if (i > 0) {
      if (row)
        na_buffer_add(out, ",");
      else
        na_buffer_add(out, ",\n%*s", axis + 1, "");
    }
    if (size > 2 * edge + 1 && i == edge) {
      na_buffer_add(out, row ? "  ..." : "...");
      i = size - edge - 1;
    } else
      write_axis(t, rank, axis + 1, from + (size_t)i * inner, out);
  }
  na_buffer_add(out, "]");
}

static int to_string(lua_State *L)
{
  const tensor *t = check(L);
  statistics s = measure(t);
  na_buffer *out = na_lua_buffer(L);
  na_buffer_add(out, "tensor ");
  for (int i = 0; i < t->rank; i++) na_buffer_add(out, "%s%d", i > 0 ? "x" : "", t->shape[i]);
  na_buffer_add(out, ": mean %.4g, std %.4g, min %.4g, max %.4g, l2 %.4g\n", s.mean, s.std, s.min,
                s.max, s.l2);
  write_axis(t, shown_rank(t), 0, t->data, out);
  na_lua_push_buffer(L, out);
  return 1;
}

/* ------------------------------------------------------------------------------ opening */

/* t.shape, t.count, t[i] */
static int get(lua_State *L)
{
  const tensor *t = check(L);
  if (lua_isinteger(L, 2)) return row(L);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "shape") == 0) {
    lua_createtable(L, t->rank, 0);
    for (int i = 0; i < t->rank; i++) {
      lua_pushinteger(L, t->shape[i]);
      lua_rawseti(L, -2, i + 1);
    }
  } else if (strcmp(key, "count") == 0)
    lua_pushinteger(L, t->count);
  else
    na_lua_method(L, class, key);
  return 1;
}

static int length(lua_State *L)
{
  const tensor *t = check(L);
  lua_pushinteger(L, t->rank == 0 ? 1 : t->shape[0]);
  return 1;
}

static const na_lua_function functions[] = {
    {"tensor.shape", "", "sizes of its axes; #t is the first, t[i] its rows", NULL},
    {"tensor.count", "", "how many values it has", NULL},
    {"tensor:mean", "()", "mean of all values", mean},
    {"tensor:std", "()", "standard deviation of all values (the population's)", std},
    {"tensor:min", "()", "least value", min},
    {"tensor:max", "()", "greatest value", max},
    {"tensor:sum", "()", "sum of all values", sum},
    {"tensor:l1", "()", "sum of the values' magnitudes", l1},
    {"tensor:l2", "()", "root of the sum of squares", l2},
    {"tensor:slice", "(axis, first [, last])", "a copy of part of an axis; negative: from the end",
     slice},
    {"tensor:row", "(i)", "a copy of row i of the first axis, as t[i]", row},
    {"tensor:totable", "()", "its values as nested lists", totable},
};

static const luaL_Reg meta[] = {{"__len", length}, {"__tostring", to_string}, {NULL, NULL}};

static const na_lua_function public[] = {
    {"netaug.tensor", "(lists)", "a tensor from nested lists of numbers", new_tensor},
};

void na_lua_open_tensor(lua_State *L)
{
  na_lua_define(L, &(na_lua_class){class, functions, NA_LUA_COUNT(functions), meta, get});
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
