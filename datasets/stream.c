/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/stream.h"
#include "core/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
  BUFFER_BYTES = 256 << 10,
  DEFLATE_RATIO = 1032,   /* the most that deflate can shrink anything */
  STEP_BYTES = 1 << 30    /* gzread takes an unsigned and returns an int */
};

struct na_stream {
  gzFile file;
  char *path;
  unsigned long long disk, expected, done;
  int gzip;
};

static int open_file(na_stream *stream, na_error *err)
{
  int fd = open(stream->path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    int code = na_fail(err, NA_EIO, "%s: %s", stream->path, strerror(errno));
    if (fd >= 0) close(fd);
    return code;
  }
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    close(fd);
    return na_fail(err, NA_EFORMAT, "%s: it %s", stream->path,
                   S_ISREG(status.st_mode) ? "is empty" : "is not a file");
  }
  stream->disk = (unsigned long long)status.st_size;
  stream->file = gzdopen(fd, "rb");
  if (stream->file == NULL) {
    close(fd);
    return na_fail_memory(err, BUFFER_BYTES, "reading a file");
  }
  gzbuffer(stream->file, BUFFER_BYTES);
  stream->gzip = !gzdirect(stream->file);
  return NA_OK;
}

int na_stream_open(na_stream **out, const char *path, na_error *err)
{
  *out = NULL;
  na_stream *stream = na_alloc(sizeof *stream);
  if (stream != NULL) stream->path = na_strdup(path);
  if (stream == NULL || stream->path == NULL) {
    na_free(stream);
    return na_fail_memory(err, sizeof *stream, "reading a file");
  }
  int code = open_file(stream, err);
  if (code != NA_OK) na_stream_close(stream);
  else *out = stream;
  return code;
}

void na_stream_close(na_stream *stream)
{
  if (stream == NULL) return;
  if (stream->file != NULL) gzclose(stream->file);
  na_free(stream->path);
  na_free(stream);
}

const char *na_stream_path(const na_stream *stream) { return stream->path; }

int na_stream_is_gzip(const na_stream *stream) { return stream->gzip; }

unsigned long long na_stream_most(const na_stream *stream)
{
  return stream->gzip ? stream->disk * DEFLATE_RATIO : stream->disk;
}

static int fail_short(const na_stream *stream, unsigned long long got, na_error *err)
{
  na_fail(err, NA_EFORMAT, "%s: truncated: expected %llu bytes, got %llu", stream->path,
          stream->expected, got);
  return na_hint(err, "download or copy the file again");
}

static int fail_long(const na_stream *stream, na_error *err)
{
  na_fail(err, NA_EFORMAT, "%s: too long: expected %llu bytes, and more follow", stream->path,
          stream->expected);
  return na_hint(err, "the header's counts do not fit the file; download or copy it again");
}

int na_stream_expect(na_stream *stream, unsigned long long bytes, na_error *err)
{
  stream->expected = bytes;
  if (bytes > na_stream_most(stream)) return fail_short(stream, na_stream_most(stream), err);
  if (!stream->gzip && bytes < stream->disk) return fail_long(stream, err);
  return NA_OK;
}

/* What gzread could not do: the end came too early, or the data are damaged. */
static int fail_read(na_stream *stream, na_error *err)
{
  int code = Z_OK;
  const char *words = gzerror(stream->file, &code);
  if (code == Z_OK || code == Z_BUF_ERROR) return fail_short(stream, stream->done, err);
  if (code == Z_ERRNO) return na_fail(err, NA_EIO, "%s: %s", stream->path, strerror(errno));
  na_fail(err, NA_EFORMAT, "%s: damaged gzip data after %llu bytes: %s", stream->path,
          stream->done, words);
  return na_hint(err, "download or copy the file again");
}

int na_stream_read(na_stream *stream, void *out, size_t bytes, na_error *err)
{
  if (stream->expected < stream->done + bytes) stream->expected = stream->done + bytes;
  while (bytes != 0) {
    unsigned step = bytes < STEP_BYTES ? (unsigned)bytes : (unsigned)STEP_BYTES;
    int got = gzread(stream->file, out, step);
    if (got > 0) stream->done += (unsigned)got;
    if (got != (int)step) return fail_read(stream, err);
    out = (char *)out + step;
    bytes -= step;
  }
  return NA_OK;
}

int na_stream_end(na_stream *stream, na_error *err)
{
  char byte;
  int got = gzread(stream->file, &byte, 1); /* also makes zlib check the sum at the end */
  if (got == 0) {
    int code = Z_OK;
    gzerror(stream->file, &code);
    if (code == Z_OK) return NA_OK;
  }
  return got > 0 ? fail_long(stream, err) : fail_read(stream, err);
}
