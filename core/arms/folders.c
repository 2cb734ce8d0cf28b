/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/folders.h"
#include "core/base/memory.h"
#include "core/train/recorder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 3 };

static bool is_folder(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_run(const char *path)
{
  char file[NA_RUN_PATH];
  return snprintf(file, sizeof file, "%s/run.h5", path) < (int)sizeof file &&
         access(file, F_OK) == 0;
}

/* Is it in the list already, perhaps by another path? */
static bool known(const na_folders *folders, const char *path)
{
  struct stat status, other;
  if (stat(path, &status) != 0) return false;
  for (size_t i = 0; i < folders->count; i++)
    if (stat(folders->paths[i], &other) == 0 && other.st_dev == status.st_dev &&
        other.st_ino == status.st_ino)
      return true;
  return false;
}

static int push(na_folders *folders, const char *path, na_error *err)
{
  folders->found++;
  if (known(folders, path)) return NA_OK;
  void *paths = folders->paths;
  char *copy = na_strdup(path);
  if (copy == NULL ||
      na_grow(&paths, folders->count, &folders->capacity, sizeof *folders->paths) != NA_OK) {
    na_free(copy);
    return na_fail_memory(err, strlen(path), "a path");
  }
  folders->paths = paths;
  folders->paths[folders->count++] = copy;
  return NA_OK;
}

static int visible(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

static int walk(na_folders *folders, const char *path, int depth, na_error *err);

static int walk_into(na_folders *folders, const char *path, int depth, na_error *err)
{
  char inner[NA_RUN_PATH];
  struct dirent **entries;
  int code = NA_OK, count = scandir(path, &entries, visible, versionsort);
  if (count < 0) {
    na_fail(err, NA_EIO, "cannot read %.300s: %s", path, strerror(errno));
    return na_hint(err,
                   "give the folders of runs, such as runs/NAME, or one that holds them: runs");
  }
  for (int i = 0; i < count; i++) {
    int length = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
    if (code == NA_OK && length < (int)sizeof inner && is_folder(inner))
      code = walk(folders, inner, depth - 1, err);
    free(entries[i]);
  }
  free(entries);
  return code;
}

static int walk(na_folders *folders, const char *path, int depth, na_error *err)
{
  if (is_run(path)) return push(folders, path, err);
  return depth > 0 ? walk_into(folders, path, depth, err) : NA_OK;
}

int na_folders_add(na_folders *folders, const char *path, na_error *err)
{
  size_t before = folders->found;
  int code = walk(folders, path, DEPTH, err);
  if (code != NA_OK || folders->found > before) return code;
  na_fail(err, NA_EINVAL, "%.300s holds no run: there is no run.h5 in it or below", path);
  return na_hint(err, "give the folders of runs, such as runs/NAME, or one that holds them: runs");
}

void na_folders_free(na_folders *folders)
{
  for (size_t i = 0; i < folders->count; i++) na_free(folders->paths[i]);
  na_free(folders->paths);
  *folders = (na_folders){.paths = NULL};
}
