/* Reads HDF5 files that anybody may have written, in a process of its own. HDF5 1.10 crashes on some
 * damaged files, or never comes back; then only that process ends, the call fails with words, and the next
 * one starts another. A process costs about a millisecond, once per file.
 *
 * The functions are those of object.h; one thread uses a reader at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_READER_H
#define NA_READER_H

#include "core/store/object.h"

#include <sys/types.h>

typedef struct na_reader na_reader;

enum { NA_READER_VALUES = NA_H5_FLAT_MOST / 8 }; /* numbers that one call can bring */

int na_reader_open(na_reader **reader, const char *path, na_error *err);
void na_reader_close(na_reader *reader); /* accepts NULL */
const char *na_reader_path(const na_reader *reader);

int na_reader_list(na_reader *reader, const char *path, na_h5_list **list, na_error *err);
int na_reader_describe(na_reader *reader, const char *path, na_h5_about *about, na_error *err);
int na_reader_numbers(na_reader *reader, const char *path, const na_h5_part *part, double *out,
                      size_t room, na_error *err);
int na_reader_texts(na_reader *reader, const char *path, const na_h5_part *part, size_t each,
                    na_buffer *out, na_error *err);
int na_reader_attributes(na_reader *reader, const char *path, size_t each, na_buffer *out,
                         na_error *err);

/* The file may have grown: reads it anew from the next call on. */
void na_reader_refresh(na_reader *reader);

/* The process, 0 when none is running. */
pid_t na_reader_process(const na_reader *reader);

#endif
