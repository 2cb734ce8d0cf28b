/* Scripts whose run was interrupted: what a run stores of its script, and how the script comes back
 * to where it was. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"
#include "core/base/memory.h"
#include "core/base/sha1.h"
#include "core/runs/run.h"
#include "core/train/columns.h"
#include "core/train/recorder.h"
#include "core/train/steer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------- storing */

/* Puts the text of the buffer at `index` in its place, which becomes the top. */
static void settle(lua_State *L, int index, const na_buffer *text)
{
  lua_settop(L, index);
  na_lua_push_buffer(L, text);
  lua_replace(L, index);
}

/* Pushes the script's arguments, a line each. */
static void push_arguments(lua_State *L)
{
  na_buffer *text = na_lua_buffer(L);
  int index = lua_gettop(L);
  if (lua_getglobal(L, "arg") == LUA_TTABLE)
    for (int i = 1; lua_rawgeti(L, index + 1, i) == LUA_TSTRING; i++) {
      na_buffer_add(text, "%s\n", lua_tostring(L, -1));
      lua_pop(L, 1);
    }
  settle(L, index, text);
}

/* Pushes the command line's overrides, "name=value" lines. */
static void push_overrides(lua_State *L)
{
  na_buffer *text = na_lua_buffer(L);
  int index = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "netaug.overrides");
  int count = (int)lua_rawlen(L, index + 1);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, index + 1, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    na_buffer_add(text, "%s=%s\n", lua_tostring(L, -2), lua_tostring(L, -1));
    lua_pop(L, 3);
  }
  settle(L, index, text);
}

/* Pushes the script's path, "" for lines of the prompt. */
static void push_script(lua_State *L)
{
  int index = lua_gettop(L) + 1;
  bool known = lua_getglobal(L, "arg") == LUA_TTABLE && lua_rawgeti(L, -1, 0) == LUA_TSTRING;
  lua_pushstring(L, known ? lua_tostring(L, -1) : "");
  lua_replace(L, index);
  lua_settop(L, index);
}

void na_lua_push_notes(lua_State *L, const char *text, size_t size, const char *identity,
                       na_note *notes)
{
  static const char *const names[NA_LUA_NOTES] = {"script_sha1", "script",  "arguments", "overrides",
                                                  "earlier",     "call",    "identity"};
  na_lua *lua = na_lua_of(L);
  char hash[41];
  luaL_checkstack(L, NA_LUA_NOTES + 8, NULL);
  int first = lua_gettop(L) + 1;
  na_sha1_blob(text, size, hash);
  lua_pushstring(L, hash);
  push_script(L);
  push_arguments(L);
  push_overrides(L);
  lua_pushstring(L, lua->earlier.data != NULL ? lua->earlier.data : "");
  lua_pushfstring(L, "%d", (int)lua->calls + 1);
  lua_pushstring(L, identity);
  for (int i = 0; i < NA_LUA_NOTES; i++) notes[i] = (na_note){names[i], lua_tostring(L, first + i)};
}

void na_lua_started(na_lua *lua, const na_lua_plan *plan, const char *name)
{
  if (plan->again != NULL && plan->again == lua->resumption) lua->resumption->done = true;
  if (plan->placed) return;
  na_buffer_add(&lua->earlier, "%s\n", name);
  lua->calls++;
}

/* ------------------------------------------------------------------------------- coming back */

static int read_notes(na_lua_resumption *r, na_error *err)
{
  char path[sizeof r->folder + 16], *call = NULL;
  snprintf(path, sizeof path, "%s/run.h5", r->folder);
  int code = na_metrics_note(path, "call", &call, err);
  if (code == NA_OK) code = na_metrics_note(path, "earlier", &r->earlier, err);
  if (code == NA_OK) code = na_metrics_note(path, "script", &r->script, err);
  if (code == NA_OK) code = na_metrics_note(path, "settings", &r->settings, err);
  r->call = call != NULL ? strtol(call, NULL, 10) : 0;
  na_free(call);
  if (code != NA_OK || (r->call >= 1 && r->call < INT_MAX)) return code;
  na_fail(err, NA_EUNSUPPORTED, "%.300s does not say what it is a run of", path);
  return na_hint(err, "it was written by an older program, or not by a script");
}

/* The checkpoint to go on from: the given one, the last, or "" for the beginning. */
static int find_checkpoint(na_lua_resumption *r, const char *given, na_error *err)
{
  if (given != NULL) {
    snprintf(r->checkpoint, sizeof r->checkpoint, "%s", given);
    return NA_OK;
  }
  if (snprintf(r->checkpoint, sizeof r->checkpoint, "%s/last.h5", r->folder) >=
      (int)sizeof r->checkpoint)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", r->folder);
  if (access(r->checkpoint, F_OK) == 0) return NA_OK;
  if (errno != ENOENT)
    return na_fail(err, NA_EIO, "cannot read %.300s: %s", r->checkpoint, strerror(errno));
  r->checkpoint[0] = '\0';
  return NA_OK;
}

/* All that the run in folder, and the checkpoint (NULL: the last), have to say. */
static int read_run(na_lua_resumption *r, const char *folder, const char *checkpoint, na_error *err)
{
  snprintf(r->folder, sizeof r->folder, "%s", folder);
  int code = read_notes(r, err);
  return code == NA_OK ? find_checkpoint(r, checkpoint, err) : code;
}

static void release(na_lua_resumption *r)
{
  na_free(r->script);
  na_free(r->settings);
  na_free(r->earlier);
  r->script = r->settings = r->earlier = NULL;
}

int na_lua_resume(na_lua *lua, const char *folder, const char *checkpoint, int set_count,
                  const char *const *set, na_error *err)
{
  na_lua_resume_free(lua);
  na_lua_resumption *r = na_alloc(sizeof *r);
  if (r == NULL) return na_fail_memory(err, sizeof *r, "the run to go on with");
  r->set = set;
  r->set_count = set_count;
  lua->resumption = r;
  int code = read_run(r, folder, checkpoint, err);
  if (code != NA_OK) na_lua_resume_free(lua);
  return code;
}

void na_lua_resume_free(na_lua *lua)
{
  na_lua_resumption *r = lua->resumption;
  if (r == NULL) return;
  release(r);
  na_free(r);
  lua->resumption = NULL;
}

bool na_lua_resumed(const na_lua *lua)
{
  return lua->resumption != NULL && lua->resumption->done;
}

na_lua_resumption *na_lua_resumes(const na_lua *lua)
{
  na_lua_resumption *r = lua->resumption;
  return r != NULL && !r->done && lua->calls + 1 == r->call ? r : NULL;
}

/* What netaug resume was asked to go on with, where that is the run in folder. */
static na_lua_resumption *asked_for(const na_lua *lua, const char *folder)
{
  char path[PATH_MAX];
  na_lua_resumption *r = lua->resumption;
  if (r == NULL || r->done || realpath(folder, path) == NULL) return NULL;
  return strcmp(path, r->folder) == 0 ? r : NULL;
}

static int collect(lua_State *L)
{
  release(lua_touserdata(L, 1));
  return 0;
}

na_lua_resumption *na_lua_push_again(lua_State *L, const char *folder)
{
  static const luaL_Reg meta[] = {{"__gc", collect}, {NULL, NULL}};
  na_error err = {0};
  na_lua_resumption *r = asked_for(na_lua_of(L), folder);
  if (r != NULL) return r;
  if (strlen(folder) >= sizeof r->folder) na_lua_fail(L, "the path %.100s... is too long", folder);
  r = lua_newuserdatauv(L, sizeof *r, 0);
  memset(r, 0, sizeof *r);
  if (luaL_newmetatable(L, "netaug.resumption")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, -2);
  if (read_run(r, folder, NULL, &err) != NA_OK) na_lua_raise(L, &err);
  return r;
}

int na_lua_replay(na_lua *lua, const char *folder, na_error *err)
{
  na_free(lua->replay);
  lua->replay = na_strdup(folder);
  return lua->replay != NULL ? NA_OK : na_fail_memory(err, strlen(folder), "a path");
}

void na_lua_stop_after(na_lua *lua, long step)
{
  lua->stop_after = step;
}

int na_lua_resume_set(const na_lua_resumption *r, na_trainer *trainer, na_error *err)
{
  na_buffer command = {0};
  if (r->set_count == 0) return NA_OK;
  for (int i = 0; i < r->set_count; i++)
    na_buffer_add(&command, "%s%s", i == 0 ? "set " : "; ", r->set[i]);
  int code = command.failed ? na_fail_memory(err, command.length, "a command")
                            : na_trainer_command(trainer, command.data, err);
  na_free(command.data);
  return code;
}

/* --------------------------------------------------------------------------- the same experiment
 */

/* Settings that change no bit; files may have moved, their hashes are compared. */
static bool is_free(const char *line)
{
  static const char *const names[] = {"train.threads = ", "data.loaders = ", "data.path = ",
                                      "kd.teacher = ", "train.init_from = "};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strncmp(line, names[i], strlen(names[i])) == 0) return true;
  return false;
}

/* The line of text that begins as `line` does up to its "= ", or NULL. */
static const char *find_line(const char *text, const char *line, size_t length)
{
  while (text != NULL && *text != '\0') {
    if (strncmp(text, line, length) == 0) return text;
    text += strcspn(text, "\n");
    text += *text == '\n';
  }
  return NULL;
}

void na_lua_add_lasting(const char *description, na_buffer *out)
{
  static const char *const passing[] = {"name = ", "train.threads = ", "data.loaders = ",
                                        "data.cache = "};
  for (const char *line = description; *line != '\0'; line += *line == '\n') {
    size_t length = strcspn(line, "\n");
    bool lasting = true;
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
      if (strncmp(line, passing[i], strlen(passing[i])) == 0) lasting = false;
    if (lasting) na_buffer_add(out, "%.*s\n", (int)length, line);
    line += length;
  }
}

void na_lua_resume_check(lua_State *L, const na_lua_resumption *again, const char *description)
{
  const char *then = again->settings;
  for (const char *line = description; *line != '\0'; line += *line == '\n') {
    size_t length = strcspn(line, "\n"), name = strcspn(line, "=");
    const char *old = name < length && !is_free(line) ? find_line(then, line, name + 1) : NULL;
    if (old != NULL && (strcspn(old, "\n") != length || strncmp(old, line, length) != 0))
      na_lua_fail(L,
                  "the script says %.*s, but the run began with %.*s\n"
                  "take the change back, or change the run: netaug resume RUN --set NAME=VALUE",
                  (int)(length < 100 ? length : 100), line,
                  (int)(strcspn(old, "\n") < 100 ? strcspn(old, "\n") : 100), old);
    line += length;
  }
}

/* ------------------------------------------------------------------------------ runs before it */

static int free_events(lua_State *L)
{
  na_event **events = lua_touserdata(L, 1);
  na_free(*events);
  *events = NULL;
  return 0;
}

/* Pushes a userdata that owns the epochs of a run, and gives them. */
static na_event *push_epochs(lua_State *L, const char *folder, long *count)
{
  static const luaL_Reg meta[] = {{"__gc", free_events}, {NULL, NULL}};
  na_error err = {0};
  na_event **events = lua_newuserdatauv(L, sizeof *events, 0);
  *events = NULL;
  if (luaL_newmetatable(L, "netaug.epochs")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, -2);
  if (na_run_epochs(folder, 0, 0, events, count, &err) != NA_OK) na_lua_raise(L, &err);
  return *events;
}

void na_lua_add_history(lua_State *L, const char *folder, long most)
{
  long count;
  const na_event *events = push_epochs(L, folder, &count);
  for (long i = 0; i < count && (most < 0 || i < most); i++) {
    na_event event = events[i];
    event.epochs = most < 0 ? (int)count : event.epochs;
    na_lua_push_event(L, &event);
    lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
  }
  lua_pop(L, 1);
}

/* The name of run number `number` (from 1) in the list of those before. */
static bool name_of(const char *list, long number, char name[256])
{
  for (; list != NULL && number > 1; number--) {
    list = strchr(list, '\n');
    if (list != NULL) list++;
  }
  if (list == NULL || *list == '\0') return false;
  snprintf(name, 256, "%.*s", (int)strcspn(list, "\n"), list);
  return name[0] != '\0' && strchr(name, '/') == NULL;
}

/* Did a command change a setting? */
static bool was_steered(lua_State *L, const char *folder)
{
  char path[PATH_MAX];
  na_steer_entry *entries = NULL;
  na_error err = {0};
  long count = 0;
  bool steered = false;
  snprintf(path, sizeof path, "%s/run.h5", folder);
  if (na_metrics_steering(path, &entries, &count, &err) != NA_OK) na_lua_raise(L, &err);
  for (long i = 0; i < count; i++) steered = steered || entries[i].changes;
  na_free(entries);
  return steered;
}

static void set_flag(lua_State *L, const char *name, bool value)
{
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* Pushes a result as exp:run() gave it. */
static void push_recalled(lua_State *L, const char *folder, const char *name)
{
  long count;
  const na_event *events = push_epochs(L, folder, &count);
  na_result none = {0};
  const na_event *last = count > 0 ? &events[count - 1] : NULL, *best = NULL;
  for (long i = 0; i < count; i++)
    if (events[i].best) best = &events[i];
  lua_createtable(L, 0, 10);
  na_lua_set_result(L, "base", last != NULL ? &last->base_val : &none);
  na_lua_set_result(L, "augmented", last != NULL ? &last->augmented_val : &none);
  na_lua_set_result(L, "best", best != NULL ? &best->base_val : &none);
  lua_pushnumber(L, last != NULL ? last->time : 0);
  lua_setfield(L, -2, "seconds");
  lua_pushstring(L, folder);
  lua_setfield(L, -2, "run");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  set_flag(L, "stopped", false);
  set_flag(L, "steered", was_steered(L, folder));
  set_flag(L, "complete", last != NULL && na_run_saved_epochs(folder) >= last->epochs);
  lua_newtable(L);
  na_lua_add_history(L, folder, -1);
  lua_setfield(L, -2, "history");
  lua_remove(L, -2);
}

static int free_text(lua_State *L)
{
  char **text = lua_touserdata(L, 1);
  na_free(*text);
  *text = NULL;
  return 0;
}

/* Pushes what the run stores as its identity, or nil. */
static void push_stored_identity(lua_State *L, const char *folder)
{
  static const luaL_Reg meta[] = {{"__gc", free_text}, {NULL, NULL}};
  char path[PATH_MAX];
  na_error err = {0};
  snprintf(path, sizeof path, "%s/run.h5", folder);
  char **text = lua_newuserdatauv(L, sizeof *text, 0);
  *text = NULL;
  if (luaL_newmetatable(L, "netaug.text")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, -2);
  if (na_metrics_note(path, "identity", text, &err) != NA_OK) na_lua_raise(L, &err);
  lua_pushstring(L, *text);
  lua_remove(L, -2);
}

/* core.recall(folder): the result of the run in it, with `complete` (all its epochs were trained) and
 * `identity`. A run that netaug resume was asked to go on with is then come to, unless it is to be
 * changed: that is not complete. */
static int recall(lua_State *L)
{
  const char *folder = luaL_checkstring(L, 1), *slash = strrchr(folder, '/');
  na_lua_resumption *asked = asked_for(na_lua_of(L), folder);
  if (strlen(folder) > PATH_MAX - 16) return na_lua_fail(L, "the path is too long");
  push_recalled(L, folder, slash != NULL ? slash + 1 : folder);
  push_stored_identity(L, folder);
  lua_setfield(L, -2, "identity");
  if (asked == NULL) return 1;
  if (asked->set_count > 0)
    set_flag(L, "complete", false);
  else if (lua_getfield(L, -1, "complete") != LUA_TNIL) {
    asked->done = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  return 1;
}

/* core.is_live(folder): does a process train in it? */
static int is_live(lua_State *L)
{
  lua_pushboolean(L, na_run_is_live(luaL_checkstring(L, 1)));
  return 1;
}

bool na_lua_recall(lua_State *L)
{
  na_lua *lua = na_lua_of(L);
  const na_lua_resumption *r = lua->resumption;
  char name[256];
  if (r == NULL || r->done || lua->calls + 1 >= r->call) return false;
  if (!name_of(r->earlier, lua->calls + 1, name))
    na_lua_fail(L, "the run does not say which run was number %d of its script",
                (int)lua->calls + 1);
  push_recalled(L, lua_pushfstring(L, "%s/%s", lua->runs, name), name);
  na_buffer_add(&lua->earlier, "%s\n", name);
  lua->calls++;
  return true;
}

void na_lua_open_resume(lua_State *L)
{
  static const luaL_Reg library[] = {{"recall", recall}, {"is_live", is_live}, {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}
