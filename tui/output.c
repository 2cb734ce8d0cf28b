/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/output.h"
#include "core/base/memory.h"
#include "core/base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *path, na_error *err)
{
  na_fail(err, NA_EIO, "cannot write %.300s: %s", strcmp(path, "-") == 0 ? "standard output" : path,
          strerror(errno));
  return na_hint(err, "check that its folder exists, is yours to write, and has room");
}

/* A device or a pipe (/dev/stdout) is written to as it is. */
static bool is_special(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

int na_output_begin(na_output *output, const char *path, na_error *err)
{
  *output = (na_output){.path = path};
  if (strcmp(path, "-") == 0) {
    output->file = stdout;
    return NA_OK;
  }
  if (!is_special(path)) {
    na_buffer name = {0};
    na_buffer_add(&name, "%s.tmp", path);
    if (name.failed) return na_fail_memory(err, strlen(path), "a path");
    output->temporary = name.data;
  }
  output->file = fopen(output->temporary != NULL ? output->temporary : path, "we");
  if (output->file != NULL) return NA_OK;
  refuse(path, err);
  na_free(output->temporary);
  return NA_EIO;
}

/* All of it is in the file; else errno tells. Of an earlier failure stdio keeps only a mark: one
 * more byte shows the reason. */
static bool is_whole(FILE *file)
{
  if (fflush(file) != 0) return false;
  if (ferror(file) == 0) return true;
  if (write(fileno(file), "\n", 1) == 1) errno = EIO;
  return false;
}

int na_output_end(na_output *output, int code, na_error *err)
{
  if (code == NA_OK && !is_whole(output->file)) code = refuse(output->path, err);
  if (output->file == stdout) return code;
  if (fclose(output->file) != 0 && code == NA_OK) code = refuse(output->path, err);
  if (output->temporary != NULL && code == NA_OK && rename(output->temporary, output->path) != 0)
    code = refuse(output->path, err);
  if (output->temporary != NULL && code != NA_OK) unlink(output->temporary);
  na_free(output->temporary);
  return code;
}
