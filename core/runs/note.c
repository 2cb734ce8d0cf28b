/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/note.h"
#include "core/base/text.h"
#include "core/train/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int path_of(char path[NA_RUN_PATH], const char *folder, const char *name, const char *ending,
                   na_error *err)
{
  if (snprintf(path, NA_RUN_PATH, "%s/%s/" NA_NOTE_FILE "%s", folder, name, ending) < NA_RUN_PATH)
    return NA_OK;
  return na_fail(err, NA_EINVAL, "the path %.100s... is too long", folder);
}

void na_note_read(const char *folder, const char *name, char note[NA_RUN_NOTE])
{
  char path[NA_RUN_PATH];
  note[0] = '\0';
  if (path_of(path, folder, name, "", NULL) != NA_OK) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not stop us */
  if (fd < 0) return;
  ssize_t length = read(fd, note, NA_RUN_NOTE - 1);
  close(fd);
  while (length > 0 && (note[length - 1] == '\n' || note[length - 1] == ' ')) length--;
  note[length > 0 ? length : 0] = '\0';
  for (char *c = note; *c != '\0'; c++)
    if (*c == '\n' || *c == '\t' || *c == '\r') *c = ' ';
  na_text_tame(note);
}

static int write_file(const char *path, const char *temporary, const char *note, na_error *err)
{
  FILE *file = fopen(temporary, "we");
  bool good = file != NULL && fprintf(file, "%s\n", note) > 0;
  if (file != NULL && fclose(file) != 0) good = false;
  if (good && rename(temporary, path) == 0) return NA_OK;
  na_fail(err, NA_EIO, "cannot write %.300s: %s", path, strerror(errno));
  unlink(temporary);
  return na_hint(err, "check that the folder is yours to write, and has room");
}

int na_note_write(const char *folder, const char *name, const char *note, na_error *err)
{
  char path[NA_RUN_PATH], temporary[NA_RUN_PATH];
  int code = path_of(path, folder, name, "", err);
  if (code == NA_OK) code = path_of(temporary, folder, name, ".tmp", err);
  if (code != NA_OK) return code;
  if (strlen(note) >= NA_RUN_NOTE - 1)
    return na_fail(err, NA_EINVAL, "a note has up to %d bytes", NA_RUN_NOTE - 2);
  if (note[strspn(note, " \t\n")] != '\0') return write_file(path, temporary, note, err);
  if (unlink(path) == 0 || errno == ENOENT) return NA_OK;
  return na_fail(err, NA_EIO, "cannot remove %.300s: %s", path, strerror(errno));
}
