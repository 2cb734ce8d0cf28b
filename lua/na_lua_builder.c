/* What lua/netaug/build.lua builds networks with: thin wrappers of the building functions of
 * core/net. Layers and dimensions are the engine's indices.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <string.h>

/* core.net_new(name, channels, height, width, classes) */
static int net_new(lua_State *L)
{
  na_error err = {0};
  const char *name = luaL_checkstring(L, 1);
  int sizes[4];
  for (int i = 0; i < 4; i++) {
    lua_Integer size = luaL_checkinteger(L, 2 + i);
    sizes[i] = size < 0 || size > 1 << 30 ? -1 : (int)size;
  }
  na_net **net = na_lua_push_net(L);
  if (na_net_new(net, name, sizes[0], sizes[1], sizes[2], sizes[3], &err) != NA_OK)
    return na_lua_raise(L, &err);
  return 1;
}

/* core.net_input(net): the dimension of the images' channels. */
static int net_input(lua_State *L)
{
  lua_pushinteger(L, na_lua_net_get(L, 1)->layers[0].out);
  return 1;
}

static int small_integer(lua_State *L, int index)
{
  lua_Integer value = luaL_checkinteger(L, index);
  return value < -1 ? -1 : value > 1 << 30 ? 1 << 30 : (int)value;
}

/* core.net_dim(net, kind, name, base [, list [, source]]) */
static int net_dim(lua_State *L)
{
  static const char *const kinds[] = {"fixed", "width", "expand", "squeeze", NULL};
  na_net *net = na_lua_net_get(L, 1);
  int kind = luaL_checkoption(L, 2, NULL, kinds), base = small_integer(L, 4), dim = -1;
  const char *name = luaL_checkstring(L, 3);
  int source = lua_isnoneornil(L, 6) ? -1 : small_integer(L, 6);
  na_list list = {0};
  na_error err = {0};
  if (!lua_isnoneornil(L, 5)) na_lua_list(L, 5, name, &list);
  switch (kind) {
  case NA_DIM_FIXED:
    dim = na_net_fixed(net, name, base, &err);
    break;
  case NA_DIM_WIDTH:
    dim = na_net_width(net, name, base, &list, &err);
    break;
  case NA_DIM_EXPAND:
    dim = na_net_expand(net, name, base, source, &list, &err);
    break;
  default:
    dim = na_net_squeeze(net, name, base, source, &err);
    break;
  }
  if (dim < 0) return na_lua_raise(L, &err);
  lua_pushinteger(L, dim);
  return 1;
}

/* Field `name` of the table at index 4 as an integer, or otherwise. */
static int int_field(lua_State *L, const char *name, int otherwise)
{
  int value = otherwise;
  if (lua_getfield(L, 4, name) != LUA_TNIL) value = small_integer(L, -1);
  lua_pop(L, 1);
  return value;
}

static bool bool_field(lua_State *L, const char *name)
{
  lua_getfield(L, 4, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static void read_inputs(lua_State *L, na_layer_spec *spec)
{
  if (lua_getfield(L, 4, "input") == LUA_TTABLE) {
    for (int i = 0; i < 2; i++) {
      lua_rawgeti(L, -1, i + 1);
      spec->input[i] = small_integer(L, -1);
      lua_pop(L, 1);
    }
  } else
    spec->input[0] = small_integer(L, -1);
  lua_pop(L, 1);
}

static void read_activation(lua_State *L, na_layer_spec *spec)
{
  if (lua_getfield(L, 4, "act") == LUA_TSTRING) {
    int act = na_activation_find(lua_tostring(L, -1));
    if (act < 0) na_lua_fail(L, "there is no activation \"%s\"", lua_tostring(L, -1));
    spec->act = (na_activation)act;
  }
  lua_pop(L, 1);
}

/* core.net_layer(net, kind, name, { input =, out =, kernel =, stride =, norm =, bias =, act =, gate
 * =, squeeze =, rate = }) */
static int net_layer(lua_State *L)
{
  na_net *net = na_lua_net_get(L, 1);
  const char *kind = luaL_checkstring(L, 2), *name = luaL_checkstring(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  int found = na_kind_find(kind);
  if (found < 0) return na_lua_fail(L, "there is no kind of layer \"%s\"", kind);
  na_layer_spec spec = na_layer_spec_init((na_layer_kind)found, name);
  read_inputs(L, &spec);
  read_activation(L, &spec);
  spec.out = int_field(L, "out", -1);
  spec.gate = int_field(L, "gate", -1);
  spec.squeeze = int_field(L, "squeeze", -1);
  spec.kernel = int_field(L, "kernel", 1);
  spec.stride = int_field(L, "stride", 1);
  spec.norm = bool_field(L, "norm");
  spec.bias = bool_field(L, "bias");
  lua_getfield(L, 4, "rate");
  spec.rate = luaL_optnumber(L, -1, 0.0);
  na_error err = {0};
  int layer = na_net_add(net, &spec, &err);
  if (layer < 0) return na_lua_raise(L, &err);
  lua_pushinteger(L, layer);
  return 1;
}

/* core.net_finish(net) */
static int net_finish(lua_State *L)
{
  na_error err = {0};
  if (na_net_finish(na_lua_net_get(L, 1), &err) != NA_OK) return na_lua_raise(L, &err);
  return 0;
}

static int is_activation(lua_State *L)
{
  lua_pushboolean(L, lua_type(L, 1) == LUA_TSTRING && na_activation_find(lua_tostring(L, 1)) >= 0);
  return 1;
}

static const luaL_Reg library[] = {{"net_new", net_new},
                                   {"net_input", net_input},
                                   {"net_dim", net_dim},
                                   {"net_layer", net_layer},
                                   {"net_finish", net_finish},
                                   {"is_activation", is_activation},
                                   {NULL, NULL}};

void na_lua_open_builder(lua_State *L)
{
  luaL_setfuncs(L, library, 0);
  lua_createtable(L, NA_ACT_COUNT, 0);
  for (int act = 0; act < NA_ACT_COUNT; act++) {
    lua_pushstring(L, na_activation_name((na_activation)act));
    lua_rawseti(L, -2, act + 1);
  }
  lua_setfield(L, -2, "activations");
}
