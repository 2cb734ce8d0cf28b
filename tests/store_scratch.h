/* A scratch folder for the tests of the store, and ways to damage a file in it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef STORE_SCRATCH_H
#define STORE_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];

static void scratch_remove(void)
{
  char path[512];
  DIR *folder = opendir(scratch);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", scratch, entry->d_name);
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) remove(path);
  }
  if (folder != NULL) closedir(folder);
  rmdir(scratch);
}

static int scratch_make(void)
{
  const char *place = getenv("TMPDIR");
  snprintf(scratch, sizeof scratch, "%.40s/netaug-store-XXXXXX", place != NULL ? place : "/tmp");
  return mkdtemp(scratch) != NULL;
}

/* The scratch file of that name; up to four are valid at once. */
static const char *scratch_path(const char *name)
{
  static char paths[4][256];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
  return path;
}

/* How many files the scratch folder holds. */
static inline int scratch_count(void)
{
  int count = 0;
  DIR *folder = opendir(scratch);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
    count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
  if (folder != NULL) closedir(folder);
  return count;
}

typedef struct scratch_bytes {
  unsigned char *data;
  size_t size;
} scratch_bytes;

/* Reads a whole file; data NULL when that fails. */
static inline scratch_bytes scratch_read(const char *path)
{
  scratch_bytes bytes = {NULL, 0};
  struct stat status;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return bytes;
  if (fstat(fileno(file), &status) == 0 && (bytes.data = malloc((size_t)status.st_size + 1)) != NULL)
    bytes.size = fread(bytes.data, 1, (size_t)status.st_size, file);
  fclose(file);
  return bytes;
}

static inline int scratch_write(const char *path, const void *data, size_t size)
{
  FILE *file = fopen(path, "wb");
  if (file == NULL) return 0;
  size_t done = fwrite(data, 1, size, file);
  return fclose(file) == 0 && done == size;
}

#endif
