/* Plain Lua data as text and back, for what hooks keep in checkpoints. Reading executes nothing.
 *
 *   true  false       booleans
 *   i-12  f0x1.8p+1   integers, floats (hexadecimal, so that no bit is lost)
 *   "text"            strings; control characters, '"' and '%' are %XX
 *   {k v k v}         tables
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, SIZE_MAX_KEPT = 4 << 20 };

/* -------------------------------------------------------------------------------- writing */

static void write_string(const char *text, size_t length, na_buffer *out)
{
  na_buffer_add(out, "\"");
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    bool plain = c >= 0x20 && c != 0x7f && c != '"' && c != '%';
    na_buffer_add(out, plain ? "%c" : "%%%02X", c);
  }
  na_buffer_add(out, "\"");
}

static void write_value(lua_State *L, int index, int depth, na_buffer *out);

static int compare_texts(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pushes a table that has each key of the table at index under the key's text, and gives how many.
 */
static size_t push_keys(lua_State *L, int index, int depth)
{
  size_t count = 0;
  lua_newtable(L);
  int keys = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    lua_pop(L, 1);
    na_buffer *text = na_lua_buffer(L);
    write_value(L, keys + 1, depth + 1, text);
    if (text->failed) luaL_error(L, "not enough memory");
    lua_pushstring(L, text->data);
    lua_pushvalue(L, keys + 1);
    lua_rawset(L, keys);
    lua_settop(L, keys + 1);
    count++;
  }
  return count;
}

/* Keys in the order of their texts, so that equal tables give equal texts. */
static void write_table(lua_State *L, int index, int depth, na_buffer *out)
{
  luaL_checkstack(L, 12, NULL);
  size_t count = push_keys(L, index, depth), at = 0;
  int keys = lua_gettop(L);
  const char **texts = lua_newuserdatauv(L, (count + 1) * sizeof *texts, 0);
  lua_pushnil(L);
  while (lua_next(L, keys) != 0) {
    lua_pop(L, 1);
    texts[at++] = lua_tostring(L, -1); /* the table keeps it */
  }
  qsort(texts, count, sizeof *texts, compare_texts);
  na_buffer_add(out, "{");
  for (size_t i = 0; i < count; i++) {
    na_buffer_add(out, "%s ", texts[i]);
    lua_getfield(L, keys, texts[i]);
    lua_rawget(L, index);
    write_value(L, lua_gettop(L), depth + 1, out);
    na_buffer_add(out, " ");
    lua_pop(L, 1);
  }
  na_buffer_add(out, "}");
  lua_settop(L, keys - 1);
}

static void write_value(lua_State *L, int index, int depth, na_buffer *out)
{
  size_t length;
  if (depth > DEPTH_MAX)
    na_lua_fail(L, "exp.state is nested more than %d deep, or holds itself", DEPTH_MAX);
  if (out->length > SIZE_MAX_KEPT)
    na_lua_fail(L, "exp.state is larger than %d MiB", SIZE_MAX_KEPT >> 20);
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN:
    na_buffer_add(out, lua_toboolean(L, index) ? "true" : "false");
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index))
      na_buffer_add(out, "i%lld", (long long)lua_tointeger(L, index));
    else
      na_buffer_add(out, "f%a", lua_tonumber(L, index));
    break;
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, index, &length);
    write_string(text, length, out);
    break;
  }
  case LUA_TTABLE:
    write_table(L, index, depth, out);
    break;
  default:
    na_lua_fail(L,
                "exp.state holds a %s\nonly numbers, strings, booleans and tables of them can be "
                "kept in checkpoints",
                luaL_typename(L, index));
  }
}

void na_lua_write_plain(lua_State *L, int index, na_buffer *out)
{
  write_value(L, lua_absindex(L, index), 0, out);
}

/* -------------------------------------------------------------------------------- reading */

static void damaged(lua_State *L)
{
  na_lua_fail(L, "the state that the checkpoint keeps for exp.state is damaged");
}

static int digit(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *read_string(lua_State *L, const char *at)
{
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (at++; *at != '"'; at++) {
    if (*at == '\0') damaged(L);
    if (*at != '%') {
      luaL_addchar(&text, *at);
      continue;
    }
    int high = digit(at[1]), low = high >= 0 ? digit(at[2]) : -1;
    if (low < 0) damaged(L);
    luaL_addchar(&text, (char)(high * 16 + low));
    at += 2;
  }
  luaL_pushresult(&text);
  return at + 1;
}

static const char *read_number(lua_State *L, const char *at)
{
  char *end;
  if (*at == 'i')
    lua_pushinteger(L, strtoll(at + 1, &end, 10));
  else
    lua_pushnumber(L, strtod(at + 1, &end));
  if (end == at + 1) damaged(L);
  return end;
}

static const char *read_value(lua_State *L, const char *at, int depth);

static const char *read_table(lua_State *L, const char *at, int depth)
{
  lua_newtable(L);
  for (at++; *at != '}'; at += *at == ' ') {
    at = read_value(L, at, depth + 1);
    if (*at != ' ') damaged(L);
    at = read_value(L, at + 1, depth + 1);
    if (lua_type(L, -2) == LUA_TNUMBER && lua_tonumber(L, -2) != lua_tonumber(L, -2)) damaged(L);
    lua_rawset(L, -3);
  }
  return at + 1;
}

static const char *read_value(lua_State *L, const char *at, int depth)
{
  if (depth > DEPTH_MAX) damaged(L);
  luaL_checkstack(L, 4, NULL);
  switch (*at) {
  case 't':
  case 'f':
    if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0) {
      lua_pushboolean(L, *at == 't');
      return at + (*at == 't' ? 4 : 5);
    }
    if (*at == 't') damaged(L);
    return read_number(L, at);
  case 'i':
    return read_number(L, at);
  case '"':
    return read_string(L, at);
  case '{':
    return read_table(L, at, depth);
  default:
    damaged(L);
  }
  return at;
}

void na_lua_read_plain(lua_State *L, const char *text)
{
  if (*read_value(L, text, 0) != '\0') damaged(L);
}
