/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/runs/trash.h"
#include "core/train/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS_MAX = 10000, OPEN_FOLDERS = 16 };

static int path_of(char path[NA_RUN_PATH], const char *folder, const char *trash, const char *name,
                   na_error *err)
{
  if (snprintf(path, NA_RUN_PATH, "%s%s/%s", folder, trash, name) < NA_RUN_PATH) return NA_OK;
  return na_fail(err, NA_EINVAL, "the path %.100s... is too long", folder);
}

/* A name of a folder in the folder of runs, and nothing else. */
static int check_name(const char *name, na_error *err)
{
  if (name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL) return NA_OK;
  na_fail(err, NA_EINVAL, "\"%.100s\" is not the name of a run", name);
  return na_hint(err, "netaug runs lists the names");
}

/* The new place must be free: rename would put a folder in the place of an empty one. */
static int move(const char *from, const char *to, na_error *err)
{
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return NA_OK;
  if (errno == EINVAL && access(to, F_OK) != 0 && rename(from, to) == 0) return NA_OK;
  return na_fail(err, NA_EIO, "cannot move %.200s to %.200s: %s", from, to, strerror(errno));
}

/* Holds the lock by which a training is known while the folder moves: none can begin in it meanwhile. */
static int lock(const char *path, int *fd, na_error *err)
{
  char log[NA_RUN_PATH];
  *fd = -1;
  if (snprintf(log, sizeof log, "%s/log.txt", path) >= (int)sizeof log) return NA_OK;
  *fd = open(log, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return NA_OK;
  na_fail(err, NA_EINVAL, "a process trains in %.300s", path);
  return na_hint(err, "stop it first");
}

static int check_folder(const char *path, na_error *err)
{
  struct stat status;
  if (lstat(path, &status) != 0)
    return na_fail(err, NA_EINVAL, "there is no %.300s", path);
  if (S_ISDIR(status.st_mode)) return NA_OK;
  return na_fail(err, NA_EINVAL, "%.300s is %s", path, S_ISLNK(status.st_mode) ? "a link, which stays where it is" : "no folder");
}

static int move_to_trash(const char *folder, const char *from, const char *name, na_error *err)
{
  char to[NA_RUN_PATH], numbered[512];
  int code = path_of(to, folder, "", NA_TRASH_FOLDER, err);
  if (code != NA_OK) return code;
  if (mkdir(to, 0777) != 0 && errno != EEXIST)
    return na_fail(err, NA_EIO, "cannot make the folder %.300s: %s", to, strerror(errno));
  for (int number = 1; number < NUMBERS_MAX; number++) {
    snprintf(numbered, sizeof numbered, number == 1 ? "%.255s" : "%.255s-%d", name, number);
    code = path_of(to, folder, "/" NA_TRASH_FOLDER, numbered, err);
    if (code != NA_OK) return code;
    if (access(to, F_OK) != 0) return move(from, to, err);
  }
  return na_fail(err, NA_EIO, "the trash is full of runs named %.100s", name);
}

int na_trash_put(const char *folder, const char *name, na_error *err)
{
  char from[NA_RUN_PATH];
  int fd = -1, code = check_name(name, err);
  if (code == NA_OK) code = path_of(from, folder, "", name, err);
  if (code == NA_OK) code = check_folder(from, err);
  if (code == NA_OK) code = lock(from, &fd, err);
  if (code == NA_OK) code = move_to_trash(folder, from, name, err);
  if (fd >= 0) close(fd);
  return code;
}

int na_trash_restore(const char *folder, const char *name, na_error *err)
{
  char from[NA_RUN_PATH], to[NA_RUN_PATH];
  int code = check_name(name, err);
  if (code == NA_OK) code = path_of(from, folder, "/" NA_TRASH_FOLDER, name, err);
  if (code == NA_OK) code = path_of(to, folder, "", name, err);
  if (code == NA_OK) code = check_folder(from, err);
  if (code != NA_OK) return code;
  if (access(to, F_OK) != 0) return move(from, to, err);
  na_fail(err, NA_EINVAL, "there is a run %.100s already", name);
  return na_hint(err, "rename its folder, or the one in the trash");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
  (void)status, (void)kind;
  return place->level > 0 && remove(path) != 0 ? errno : 0;
}

int na_trash_empty(const char *folder, na_error *err)
{
  char path[NA_RUN_PATH];
  int code = path_of(path, folder, "", NA_TRASH_FOLDER, err);
  if (code != NA_OK) return code;
  struct stat status;
  if (lstat(path, &status) != 0 && errno == ENOENT) return NA_OK;
  code = check_folder(path, err);
  if (code != NA_OK) return code;
  int failed = nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  if (failed == 0) return NA_OK;
  return na_fail(err, NA_EIO, "cannot delete all of %.300s: %s", path, strerror(failed > 0 ? failed : errno));
}
