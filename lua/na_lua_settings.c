/* Lua values into settings: every name, type and range is checked by the C tables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <stdint.h>
#include <string.h>

/* ------------------------------------------------------------------------------ values */

/* The list at index in *list. False when it is no list of numbers; *words then says what it is. */
static bool read_list(lua_State *L, int index, na_list *list, const char **words)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  *words = "list that is too long";
  if (count > NA_LIST_MAX) return false;
  list->count = (int)count;
  *words = "table with named fields";
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    lua_pop(L, 1);
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= count)
      continue;
    lua_pop(L, 1);
    return false;
  }
  *words = "list of something else";
  for (int i = 0; i < list->count; i++) {
    bool number = lua_rawgeti(L, index, i + 1) == LUA_TNUMBER;
    list->values[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (!number) return false;
  }
  return true;
}

/* The Lua value at index as a value to be checked. list is room for one. */
static na_value read_value(lua_State *L, int index, na_list *list)
{
  na_value value = {.kind = NA_VALUE_OTHER, .text = luaL_typename(L, index)};
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    value.kind = NA_VALUE_NUMBER;
    value.number = lua_tonumber(L, index);
    break;
  case LUA_TBOOLEAN:
    value.kind = NA_VALUE_BOOL;
    value.boolean = lua_toboolean(L, index);
    break;
  case LUA_TSTRING:
    value.kind = NA_VALUE_TEXT;
    value.text = lua_tostring(L, index);
    break;
  case LUA_TTABLE:
    if (!read_list(L, index, list, &value.text)) break;
    value.kind = NA_VALUE_LIST;
    value.list = list;
    break;
  default:
    break;
  }
  return value;
}

void na_lua_list(lua_State *L, int index, const char *what, na_list *list)
{
  const char *words = luaL_typename(L, index);
  if (lua_type(L, index) == LUA_TTABLE && read_list(L, lua_absindex(L, index), list, &words))
    return;
  na_lua_fail(L, "%s takes a list of numbers, but got a %s", what, words);
}

void na_lua_push_list(lua_State *L, const na_list *list)
{
  lua_createtable(L, list->count, 0);
  for (int i = 0; i < list->count; i++) {
    lua_pushnumber(L, list->values[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_value(lua_State *L, const na_setting *setting, const void *target)
{
  const void *from = (const char *)target + setting->offset;
  switch (setting->type) {
  case NA_INT:
    lua_pushinteger(L, *(const int *)from);
    break;
  case NA_FLOAT:
    lua_pushnumber(L, *(const double *)from);
    break;
  case NA_BOOL:
    lua_pushboolean(L, *(const bool *)from);
    break;
  case NA_LIST:
    na_lua_push_list(L, from);
    break;
  default: {
    na_buffer *text = na_lua_buffer(L);
    na_settings_write(setting, target, text);
    na_lua_push_buffer(L, text);
    lua_remove(L, -2);
  }
  }
}

/* ---------------------------------------------------------------------- the settings userdata */

typedef struct box {
  const na_settings *settings;
  uint64_t given; /* bit i: item i was set by the script */
  max_align_t target[];
} box;

static const char *const class = "netaug.settings";

static box *check_box(lua_State *L, int index)
{
  return luaL_checkudata(L, index, class);
}

void *na_lua_settings_new(lua_State *L, const na_settings *settings, size_t size)
{
  box *b = lua_newuserdatauv(L, sizeof *b + size, 0);
  b->settings = settings;
  b->given = 0;
  memset(b->target, 0, size);
  luaL_setmetatable(L, class);
  na_settings_init(settings, b->target);
  return b->target;
}

void *na_lua_settings_get(lua_State *L, int index)
{
  return check_box(L, index)->target;
}

static void mark_given(box *b, const char *name)
{
  ptrdiff_t item = na_settings_find(b->settings, name) - b->settings->items;
  if (item < 64) b->given |= (uint64_t)1 << item;
}

bool na_lua_settings_given(lua_State *L, int index, const char *name)
{
  const box *b = check_box(L, index);
  const na_setting *setting = na_settings_find(b->settings, name);
  return setting != NULL && (b->given >> (setting - b->settings->items) & 1) != 0;
}

/* Sets the field `name` from the value at `index`. */
static void set(lua_State *L, box *b, const char *name, int index)
{
  na_list list;
  na_error err = {0};
  na_value value = read_value(L, lua_absindex(L, index), &list);
  if (na_settings_set(b->settings, b->target, name, &value, &err) != NA_OK) na_lua_raise(L, &err);
  mark_given(b, name);
}

void na_lua_settings_fill(lua_State *L, int to, int from)
{
  box *b = check_box(L, to);
  if (lua_isnoneornil(L, from)) return;
  if (!lua_istable(L, from)) {
    na_lua_fail(L, "%s takes a table of settings, but got a %s", b->settings->subject,
                luaL_typename(L, from));
  }
  from = lua_absindex(L, from);
  lua_pushnil(L);
  while (lua_next(L, from) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING)
      na_lua_fail(L, "%s takes named settings, but got a list element", b->settings->subject);
    set(L, b, lua_tostring(L, -2), -1);
    lua_pop(L, 1);
  }
}

static int get_field(lua_State *L)
{
  box *b = check_box(L, 1);
  const char *name = luaL_checkstring(L, 2);
  const na_setting *setting = na_settings_find(b->settings, name);
  if (setting != NULL) {
    push_value(L, setting, b->target);
    return 1;
  }
  /* The table's own words for an unknown name. */
  set(L, b, name, 2);
  return 0;
}

static int set_field(lua_State *L)
{
  set(L, check_box(L, 1), luaL_checkstring(L, 2), 3);
  return 0;
}

void na_lua_settings_text(const na_settings *settings, const void *target, na_buffer *out)
{
  for (int i = 0; i < settings->count; i++) {
    na_buffer_add(out, "%s.%s = ", settings->subject, settings->items[i].name);
    na_settings_write(&settings->items[i], target, out);
    na_buffer_add(out, "\n");
  }
}

static int to_string(lua_State *L)
{
  const box *b = check_box(L, 1);
  na_buffer *text = na_lua_buffer(L);
  na_lua_settings_text(b->settings, b->target, text);
  na_lua_push_buffer(L, text);
  return 1;
}

static int next_field(lua_State *L)
{
  const box *b = check_box(L, 1);
  const na_setting *last =
      lua_isnil(L, 2) ? NULL : na_settings_find(b->settings, luaL_checkstring(L, 2));
  int item = last == NULL ? 0 : (int)(last - b->settings->items) + 1;
  if (item >= b->settings->count) return 0;
  lua_pushstring(L, b->settings->items[item].name);
  push_value(L, &b->settings->items[item], b->target);
  return 2;
}

static int pairs(lua_State *L)
{
  check_box(L, 1);
  lua_pushcfunction(L, next_field);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* ------------------------------------------------------------------------------ overrides */

/* Pushes the list of overrides and gives its length. */
static int push_overrides(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "netaug.overrides");
  return (int)lua_rawlen(L, -1);
}

const char *na_lua_override_get(lua_State *L, const char *name)
{
  const char *found = NULL;
  int count = push_overrides(L);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    if (strcmp(lua_tostring(L, -2), name) == 0)
      found = lua_tostring(L, -1); /* the last one counts */
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  return found;
}

void na_lua_settings_override(lua_State *L, int index)
{
  box *b = check_box(L, index);
  for (int i = 0; i < b->settings->count; i++) {
    char name[128];
    const char *item = b->settings->items[i].name;
    snprintf(name, sizeof name, "%s.%s", b->settings->subject, item);
    const char *text = na_lua_override_get(L, name);
    na_error err = {0};
    if (text == NULL) continue;
    if (na_settings_parse(b->settings, b->target, item, text, &err) != NA_OK) na_lua_raise(L, &err);
    mark_given(b, item);
  }
}

static const struct {
  const na_settings *settings;
  size_t size;
} subjects[] = {{&na_train_settings, sizeof(na_train)},
                {&na_data_settings, sizeof(na_data)},
                {&na_augment_settings, sizeof(na_augmentation)},
                {&na_kd_settings, sizeof(na_kd)}};

static const char *const override_names[] = {"name", "train.SETTING", "data.SETTING",
                                             "augment.SETTING", "kd.SETTING"};

/* Checks "subject.setting" = text against a scratch structure. */
static int check_override(lua_State *L)
{
  const char *name = lua_tostring(L, 1), *text = lua_tostring(L, 2);
  const char *dot = strchr(name, '.');
  if (strcmp(name, "name") == 0) return 0;
  for (int i = 0; dot != NULL && i < NA_LUA_COUNT(subjects); i++) {
    size_t length = strlen(subjects[i].settings->subject);
    if ((size_t)(dot - name) != length || memcmp(name, subjects[i].settings->subject, length) != 0)
      continue;
    na_error err = {0};
    void *scratch = na_lua_settings_new(L, subjects[i].settings, subjects[i].size);
    if (na_settings_parse(subjects[i].settings, scratch, dot + 1, text, &err) != NA_OK)
      return na_lua_raise(L, &err);
    return 0;
  }
  na_lua_check_key(L, "an experiment", "setting", name, override_names,
                   NA_LUA_COUNT(override_names));
  return na_lua_fail(L, "an experiment has no setting \"%s\"", name);
}

static int add_override(lua_State *L)
{
  const char *const *pair = lua_touserdata(L, 1);
  lua_settop(L, 0);
  lua_pushstring(L, pair[0]);
  lua_pushstring(L, pair[1]);
  check_override(L);
  int count = push_overrides(L);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 2);
  lua_rawseti(L, -2, count + 1);
  return 0;
}

int na_lua_override(na_lua *lua, const char *name, const char *text, na_error *err)
{
  const char *pair[2] = {name, text};
  return na_lua_protect(lua, add_override, pair, err);
}

/* ------------------------------------------------------------------------------ key checks */

static const char *word_at(const void *list, int i)
{
  return ((const char *const *)list)[i];
}

void na_lua_check_key(lua_State *L, const char *subject, const char *what, const char *key,
                      const char *const *names, int count)
{
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], key) == 0) return;
  na_error err = {0};
  na_fail(&err, NA_EINVAL, "%s has no %s \"%.64s\"", subject, what, key);
  int near = na_text_nearest(key, count, word_at, names);
  if (near >= 0) na_hint(&err, "did you mean \"%s\"?", names[near]);
  na_buffer list = {0};
  for (int i = 0; i < count; i++) na_buffer_add(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
  na_hint(&err, "it has: %s", list.data != NULL ? list.data : "");
  na_free(list.data);
  na_lua_raise(L, &err);
}

/* core.check_keys(subject, what, table, names): refuses any key of table that is not in names. */
static int check_keys(lua_State *L)
{
  const char *subject = luaL_checkstring(L, 1), *what = luaL_checkstring(L, 2);
  luaL_checktype(L, 4, LUA_TTABLE);
  int count = (int)lua_rawlen(L, 4);
  const char **names = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *names, 0);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 4, i + 1);
    names[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1); /* the list keeps the string */
  }
  if (!lua_istable(L, 3))
    return na_lua_fail(L, "%s takes a table, but got a %s", subject, luaL_typename(L, 3));
  lua_pushnil(L);
  while (lua_next(L, 3) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING)
      return na_lua_fail(L, "%s takes named %ss, but got a list element", subject, what);
    na_lua_check_key(L, subject, what, lua_tostring(L, -2), names, count);
    lua_pop(L, 1);
  }
  return 0;
}

/* core.augment_lists(table): { width =, expand = } after r and s became lists. */
static int augment_lists(lua_State *L)
{
  na_error err = {0};
  na_augmentation *augment = na_lua_settings_new(L, &na_augment_settings, sizeof *augment);
  na_lua_settings_fill(L, -1, 1);
  if (na_augment_resolve(augment, &err) != NA_OK) return na_lua_raise(L, &err);
  lua_createtable(L, 0, 2);
  na_lua_push_list(L, &augment->width);
  lua_setfield(L, -2, "width");
  na_lua_push_list(L, &augment->expand);
  lua_setfield(L, -2, "expand");
  return 1;
}

bool na_lua_settings_show(lua_State *L, const char *subject)
{
  for (int i = 0; i < NA_LUA_COUNT(subjects); i++) {
    if (strcmp(subjects[i].settings->subject, subject) != 0) continue;
    na_buffer text = {0};
    na_settings_help(subjects[i].settings, &text);
    na_lua_print(na_lua_of(L), text.data != NULL ? text.data : "\n");
    na_free(text.data);
    return true;
  }
  return false;
}

static int show_settings(lua_State *L)
{
  static const char *const names[] = {"train", "data", "augment", "kd"};
  const char *subject = luaL_checkstring(L, 1);
  na_lua_check_key(L, "netaug.settings", "subject", subject, names, NA_LUA_COUNT(names));
  na_lua_settings_show(L, subject);
  return 0;
}

/* core.setting_names(subject): the names in its table. */
static int setting_names(lua_State *L)
{
  const char *subject = luaL_checkstring(L, 1);
  lua_newtable(L);
  for (int i = 0; i < NA_LUA_COUNT(subjects); i++) {
    const na_settings *settings = subjects[i].settings;
    for (int k = 0; k < settings->count && strcmp(settings->subject, subject) == 0; k++) {
      lua_pushstring(L, settings->items[k].name);
      lua_rawseti(L, -2, k + 1);
    }
  }
  return 1;
}

/* core.override(name): what the command line gave for it, or nil. */
static int override(lua_State *L)
{
  lua_pushstring(L, na_lua_override_get(L, luaL_checkstring(L, 1)));
  return 1;
}

/* ------------------------------------------------------------------------------ opening */

static const na_lua_function public[] = {
    {"netaug.settings", "(\"train\")",
     "prints the settings of \"train\", \"data\", \"augment\" or \"kd\": range, default, meaning",
     show_settings},
};

static const luaL_Reg library[] = {{"check_keys", check_keys},
                                   {"augment_lists", augment_lists},
                                   {"setting_names", setting_names},
                                   {"override", override},
                                   {NULL, NULL}};

static const luaL_Reg meta[] = {
    {"__newindex", set_field}, {"__pairs", pairs}, {"__tostring", to_string}, {NULL, NULL}};

void na_lua_open_settings(lua_State *L)
{
  na_lua_define(L, &(na_lua_class){.name = class, .meta = meta, .index = get_field});
  luaL_setfuncs(L, library, 0);
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
