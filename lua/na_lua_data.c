/* Labelled images as scripts see them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"

#include <string.h>

/* User values. OWNER: the data whose collection this one shares, or nil. */
enum { SETTINGS = 1, OWNER, VALUES = OWNER };

typedef struct data {
  na_dataset *dataset; /* NULL until something needs it, and where it is another's */
} data;

static const char *const class = "netaug.data";

static data *check(lua_State *L, int index)
{
  return luaL_checkudata(L, index, class);
}

const na_data *na_lua_data_get(lua_State *L, int index)
{
  check(L, index);
  lua_getiuservalue(L, index, SETTINGS);
  const na_data *settings = na_lua_settings_get(L, -1);
  lua_pop(L, 1);
  return settings;
}

typedef struct opening {
  na_dataset **dataset;
  const na_data *settings;
} opening;

static int open_dataset(void *context, na_error *err)
{
  const opening *o = context;
  return na_dataset_open(o->dataset, o->settings, err);
}

na_dataset *na_lua_dataset_get(lua_State *L, int index)
{
  data *d = check(L, index);
  const na_data *settings = na_lua_data_get(L, index);
  na_error err = {0};
  if (lua_getiuservalue(L, index, OWNER) != LUA_TNIL) d = check(L, -1);
  lua_pop(L, 1); /* the userdata keeps it */
  if (d->dataset == NULL) {
    opening o = {&d->dataset, settings};
    if (na_lua_wait(L, open_dataset, &o, &err) != NA_OK) na_lua_raise(L, &err);
  }
  na_dataset_reseed(d->dataset, settings->seed);
  return d->dataset;
}

static int collect(lua_State *L)
{
  data *d = check(L, 1);
  na_dataset_free(d->dataset);
  d->dataset = NULL;
  return 0;
}

static void push_data(lua_State *L)
{
  data *d = lua_newuserdatauv(L, sizeof *d, VALUES);
  d->dataset = NULL;
  luaL_setmetatable(L, class);
}

/* netaug.dataset(name_or_path [, settings]) */
static int dataset(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  push_data(L);
  na_data *settings = na_lua_settings_new(L, &na_data_settings, sizeof *settings);
  na_value value = {.kind = NA_VALUE_TEXT, .text = path};
  na_error err = {0};
  if (na_settings_set(&na_data_settings, settings, "path", &value, &err) != NA_OK)
    return na_lua_raise(L, &err);
  na_lua_settings_fill(L, -1, 2);
  na_lua_settings_override(L, -1);
  lua_setiuservalue(L, 3, SETTINGS);
  return 1;
}

/* Do they differ in nothing but the seed? */
static bool same_images(const na_data *a, const na_data *b)
{
  na_data other = *b;
  na_buffer x = {0}, y = {0};
  other.seed = a->seed;
  na_lua_settings_text(&na_data_settings, a, &x);
  na_lua_settings_text(&na_data_settings, &other, &y);
  bool same = !x.failed && !y.failed && strcmp(x.data, y.data) == 0;
  na_free(x.data);
  na_free(y.data);
  return same;
}

/* data:with { seed = 2 } */
static int with(lua_State *L)
{
  enum { SELF = 1, CHANGES, COPY };
  const na_data *from = na_lua_data_get(L, SELF);
  luaL_checktype(L, CHANGES, LUA_TTABLE);
  lua_settop(L, CHANGES);
  push_data(L);
  na_data *settings = na_lua_settings_new(L, &na_data_settings, sizeof *settings);
  *settings = *from;
  na_lua_settings_fill(L, -1, CHANGES);
  lua_setiuservalue(L, COPY, SETTINGS);
  if (!same_images(from, settings)) return 1;
  if (lua_getiuservalue(L, SELF, OWNER) == LUA_TNIL) lua_pushvalue(L, SELF);
  lua_setiuservalue(L, COPY, OWNER);
  lua_settop(L, COPY);
  return 1;
}

/* d:counts([split]) */
static int counts(lua_State *L)
{
  static const char *const splits[] = {"train", "val", NULL};
  na_dataset *set = na_lua_dataset_get(L, 1);
  int split = luaL_checkoption(L, 2, "train", splits);
  na_dataset_info info;
  na_dataset_describe(set, &info);
  long *values = lua_newuserdatauv(L, (size_t)info.classes * sizeof *values, 0);
  na_dataset_count(set, split == 0 ? NA_SPLIT_TRAIN : NA_SPLIT_VAL, values);
  lua_createtable(L, info.classes, 0);
  for (int i = 0; i < info.classes; i++) {
    lua_pushinteger(L, values[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ------------------------------------------------------------------------------- fields */

static void push_class_names(lua_State *L, const na_dataset_info *info)
{
  lua_createtable(L, info->classes, 0);
  for (int i = 0; i < info->classes; i++) {
    lua_pushstring(L, info->class_names[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Pushes a field that needs the collection open; false: there is none of that name. */
static bool push_field(lua_State *L, const na_dataset_info *info, const char *key)
{
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, info->name);
  else if (strcmp(key, "format") == 0)
    lua_pushstring(L, info->format);
  else if (strcmp(key, "channels") == 0)
    lua_pushinteger(L, info->channels);
  else if (strcmp(key, "height") == 0)
    lua_pushinteger(L, info->height);
  else if (strcmp(key, "width") == 0)
    lua_pushinteger(L, info->width);
  else if (strcmp(key, "classes") == 0)
    lua_pushinteger(L, info->classes);
  else if (strcmp(key, "train") == 0)
    lua_pushinteger(L, info->train);
  else if (strcmp(key, "val") == 0)
    lua_pushinteger(L, info->val);
  else if (strcmp(key, "skipped") == 0)
    lua_pushinteger(L, info->skipped);
  else if (strcmp(key, "class_names") == 0)
    push_class_names(L, info);
  else
    return false;
  return true;
}

static int get(lua_State *L)
{
  check(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (na_lua_method(L, class, key) != LUA_TNIL) return 1;
  if (strcmp(key, "settings") == 0) {
    /* A copy: a collection that is open takes no new settings. */
    na_data *copy = na_lua_settings_new(L, &na_data_settings, sizeof *copy);
    *copy = *na_lua_data_get(L, 1);
    return 1;
  }
  na_dataset_info info;
  na_dataset_describe(na_lua_dataset_get(L, 1), &info);
  if (push_field(L, &info, key)) return 1;
  return na_lua_fail(L, "data has no field \"%s\"\nhelp(\"data:\") and help(\"data.\") list them",
                     key);
}

static int to_string(lua_State *L)
{
  const data *d = check(L, 1);
  if (lua_getiuservalue(L, 1, OWNER) != LUA_TNIL) d = check(L, -1);
  if (d->dataset == NULL) {
    lua_pushfstring(L, "data %s (not opened yet)", na_lua_data_get(L, 1)->path);
    return 1;
  }
  na_dataset_info info;
  na_dataset_describe(d->dataset, &info);
  lua_pushfstring(L, "data %s (%s): %d classes of %dx%dx%d, %d train, %d val", info.name,
                  info.format, info.classes, info.channels, info.height, info.width,
                  (int)info.train, (int)info.val);
  return 1;
}

static const na_lua_function functions[] = {
    {"data.name", "", "what the collection is called", NULL},
    {"data.format", "", "how it is stored: idx, folder, ...", NULL},
    {"data.channels", "", "colour planes of a batch's images", NULL},
    {"data.height", "", "rows of a batch's images", NULL},
    {"data.width", "", "columns of a batch's images", NULL},
    {"data.classes", "", "how many classes it has", NULL},
    {"data.class_names", "", "a list of the classes' names", NULL},
    {"data.train", "", "images to train on", NULL},
    {"data.val", "", "images to validate on", NULL},
    {"data.skipped", "", "damaged images left out so far", NULL},
    {"data.settings", "", "a copy of its settings, see help(\"data\")", NULL},
    {"data:with", "{ seed = 2 }",
     "the same images with other settings; what is loaded is shared where only the seed differs",
     with},
    {"data:counts", "([\"val\"])", "images of each class in train (or val), a list", counts},
};

static const na_lua_function public[] = {
    {"netaug.dataset", "(name or path [, settings])",
     "labelled images; settings as help(\"data\") lists them", dataset},
};

static const luaL_Reg meta[] = {{"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};

void na_lua_open_data(lua_State *L)
{
  na_lua_define(L, &(na_lua_class){class, functions, NA_LUA_COUNT(functions), meta, get});
  lua_getfield(L, -1, "public");
  na_lua_functions(L, public, NA_LUA_COUNT(public));
  lua_pop(L, 1);
}
