/* A file read from front to back, plain or gzip, whose whole size is known beforehand: anything
 * shorter or longer is an error that says both sizes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_STREAM_H
#define NA_STREAM_H

#include "core/base/error.h"

#include <stddef.h>

typedef struct na_stream na_stream;

int na_stream_open(na_stream **stream, const char *path, na_error *err);
void na_stream_close(na_stream *stream);
const char *na_stream_path(const na_stream *stream);

/* The plain file's size, or, of a gzip file, the most it can possibly hold. */
unsigned long long na_stream_most(const na_stream *stream);
int na_stream_is_gzip(const na_stream *stream);

/* Says what the whole (unpacked) file must hold, as its header claims; refuses a claim that the
 * file on disk cannot meet, before anyone allocates room for it. */
int na_stream_expect(na_stream *stream, unsigned long long bytes, na_error *err);

/* Exactly `bytes` more. */
int na_stream_read(na_stream *stream, void *out, size_t bytes, na_error *err);

/* The file must end here, and a gzip file's checksum must be right. */
int na_stream_end(na_stream *stream, na_error *err);

#endif
