/* Files that the library's Lua keeps: written whole or not at all, and held by one process.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything reaches the disk before the name does. */
static int write_synced(const char *path, const char *text, size_t size)
{
  FILE *file = fopen(path, "wbe");
  if (file == NULL) return -1;
  bool good = fwrite(text, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
  int error = errno;
  if (fclose(file) != 0 && good) return -1;
  errno = error;
  return good ? 0 : -1;
}

/* core.write_file(path, text): a kill leaves the old file or the new one. */
static int write_file(lua_State *L)
{
  size_t size;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &size);
  const char *beside = lua_pushfstring(L, "%s.tmp", path);
  if (write_synced(beside, text, size) == 0 && rename(beside, path) == 0) return 0;
  return na_lua_fail(L, "cannot write %s: %s", path, strerror(errno));
}

/* core.make_folder(path): the folder, which may exist; those above it must. */
static int make_folder(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return 0;
  return na_lua_fail(L, "cannot make the folder %s: %s", path, strerror(errno));
}

/* core.link(target, path): a symbolic link, in the place of one that is there. A file system that
 * knows none goes without. */
static int make_link(lua_State *L)
{
  const char *target = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
  const char *beside = lua_pushfstring(L, "%s.tmp", path);
  unlink(beside);
  if (symlink(target, beside) == 0 && rename(beside, path) != 0) unlink(beside);
  return 0;
}

/* core.clear_links(folder): removes the symbolic links in it. */
static int clear_links(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  DIR *folder = opendir(path);
  const struct dirent *entry;
  struct stat status;
  if (folder == NULL) return 0;
  while ((entry = readdir(folder)) != NULL)
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode))
      unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  return 0;
}

/* core.runs(): the folder of runs. */
static int runs(lua_State *L)
{
  lua_pushstring(L, na_lua_of(L)->runs);
  return 1;
}

/* ---------------------------------------------------------------------------------- holding */

static int let_go(lua_State *L)
{
  int *fd = lua_touserdata(L, 1);
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return 0;
}

/* core.hold(path): a lock on the file, which is made, until the returned value is closed
 * (to-be-closed or collected) or the process ends; nil when another process has it. */
static int hold(lua_State *L)
{
  static const luaL_Reg meta[] = {{"__gc", let_go}, {"__close", let_go}, {NULL, NULL}};
  const char *path = luaL_checkstring(L, 1);
  int *fd = lua_newuserdatauv(L, sizeof *fd, 0);
  *fd = -1;
  if (luaL_newmetatable(L, "netaug.hold")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, -2);
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*fd < 0) return na_lua_fail(L, "cannot open %s: %s", path, strerror(errno));
  /* A file system that knows no locks has none to respect. */
  if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) lua_pushnil(L);
  return 1;
}

void na_lua_open_file(lua_State *L)
{
  static const luaL_Reg library[] = {{"write_file", write_file},
                                     {"make_folder", make_folder},
                                     {"link", make_link},
                                     {"clear_links", clear_links},
                                     {"runs", runs},
                                     {"hold", hold},
                                     {NULL, NULL}};
  luaL_setfuncs(L, library, 0);
}
