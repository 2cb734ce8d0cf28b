/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/names.h"
#include "core/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int na_names_add(na_names *names, const char *name, na_error *err)
{
  size_t bytes = strlen(name) + 1;
  void *offsets = names->offsets, *pool = names->pool;
  if (na_grow(&offsets, names->count, &names->capacity, sizeof *names->offsets) != NA_OK)
    return na_fail_memory(err, 2 * names->capacity * sizeof *names->offsets, "a list of names");
  names->offsets = offsets;
  while (names->pool_capacity < names->used + bytes) {
    if (na_grow(&pool, names->pool_capacity, &names->pool_capacity, 1) != NA_OK)
      return na_fail_memory(err, 2 * names->pool_capacity, "a list of names");
    names->pool = pool;
  }
  memcpy(names->pool + names->used, name, bytes);
  names->offsets[names->count++] = names->used;
  names->used += bytes;
  return NA_OK;
}

const char *na_names_at(const na_names *names, size_t i) { return names->pool + names->offsets[i]; }

void na_names_free(na_names *names)
{
  na_free(names->pool);
  na_free(names->offsets);
  *names = (na_names){0};
}

long na_names_find(const na_names *names, const char *name)
{
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(na_names_at(names, i), name) == 0) return (long)i;
  return -1;
}

static int compare(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the names from number `first` on. */
static int sort(na_names *names, size_t first, na_error *err)
{
  size_t count = names->count - first;
  const char **pointers = na_alloc_array(count, sizeof *pointers);
  if (pointers == NULL) return na_fail_memory(err, count * sizeof *pointers, "sorting names");
  for (size_t i = 0; i < count; i++) pointers[i] = na_names_at(names, first + i);
  qsort(pointers, count, sizeof *pointers, compare);
  for (size_t i = 0; i < count; i++)
    names->offsets[first + i] = (size_t)(pointers[i] - names->pool);
  na_free(pointers);
  return NA_OK;
}

static int add_entries(na_names *names, const char *folder, DIR *dir,
                       bool (*keep)(const char *path, const char *name), na_error *err)
{
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(dir);
    if (entry == NULL && errno != 0)
      return na_fail(err, NA_EIO, "%s: cannot list it: %s", folder, strerror(errno));
    if (entry == NULL) return NA_OK;
    if (entry->d_name[0] == '.') continue;
    char *path = na_path_join(folder, entry->d_name);
    if (path == NULL) return na_fail_memory(err, strlen(folder) + 256, "a path");
    int code = keep(path, entry->d_name) ? na_names_add(names, entry->d_name, err) : NA_OK;
    na_free(path);
    if (code != NA_OK) return code;
  }
}

int na_names_list(na_names *names, const char *folder,
                  bool (*keep)(const char *path, const char *name), na_error *err)
{
  size_t first = names->count;
  DIR *dir = opendir(folder);
  if (dir == NULL) return na_fail(err, NA_EIO, "%s: %s", folder, strerror(errno));
  int code = add_entries(names, folder, dir, keep, err);
  closedir(dir);
  return code != NA_OK ? code : sort(names, first, err);
}

int na_names_lines(na_names *names, const char *path, size_t most, na_error *err)
{
  FILE *file = fopen(path, "r");
  if (file == NULL) return na_fail(err, NA_EIO, "%s: %s", path, strerror(errno));
  char line[256];
  int code = NA_OK;
  while (code == NA_OK && fgets(line, sizeof line, file) != NULL) {
    size_t length = strlen(line);
    if (length == sizeof line - 1 && line[length - 1] != '\n')
      code = na_fail(err, NA_EFORMAT, "%s: line %zu is too long for a name", path,
                     names->count + 1);
    line[strcspn(line, "\r\n")] = '\0';
    if (code != NA_OK || line[0] == '\0') continue;
    if (names->count == most)
      code = na_fail(err, NA_EFORMAT, "%s: it has more than %zu names", path, most);
    else code = na_names_add(names, line, err);
  }
  if (code == NA_OK && ferror(file)) code = na_fail(err, NA_EIO, "%s: cannot read it", path);
  fclose(file);
  return code;
}

char *na_path_join(const char *folder, const char *name)
{
  size_t length = strlen(folder), bytes = length + strlen(name) + 2;
  char *path = na_alloc(bytes);
  if (path == NULL) return NULL;
  const char *slash = length != 0 && folder[length - 1] == '/' ? "" : "/";
  snprintf(path, bytes, "%s%s%s", folder, slash, name);
  return path;
}

char *na_path_last(const char *path)
{
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  if (start == end) start = 0; /* "/" alone */
  char *last = na_alloc(end - start + 1);
  if (last != NULL) memcpy(last, path + start, end - start);
  return last;
}

bool na_path_is_folder(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool na_path_is_file(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* No allocation: running out of memory must not look like a missing file. */
static bool join(const char *folder, const char *name, char path[4096])
{
  return snprintf(path, 4096, "%s/%s", folder, name) < 4096;
}

bool na_path_has(const char *folder, const char *name)
{
  char path[4096];
  return join(folder, name, path) && na_path_is_file(path);
}

bool na_path_has_folder(const char *folder, const char *name)
{
  char path[4096];
  return join(folder, name, path) && na_path_is_folder(path);
}
