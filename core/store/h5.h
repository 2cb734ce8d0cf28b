/* A narrow wrapper of HDF5: the only place that knows hdf5.h. One lock around the library (Debian's
 * is not thread-safe), its error stack silenced into na_error. Files are hostile until proven sane:
 * ranks, types and sizes are checked before anything is read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_H5_H
#define NA_H5_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct na_h5 na_h5;

typedef enum na_h5_type { NA_H5_FLOAT, NA_H5_DOUBLE, NA_H5_INT32, NA_H5_INT64, NA_H5_UINT8 } na_h5_type;

enum { NA_H5_RANK_MAX = 8 };

/* Version of the HDF5 library in use: "1.10.8". */
const char *na_h5_version(void);

int na_h5_open(na_h5 **file, const char *path, na_error *err);   /* read only */
int na_h5_create(na_h5 **file, const char *path, na_error *err); /* truncates */
/* Flushes and closes; for a file being written, an error here means it is not safe on disk. */
int na_h5_close(na_h5 *file, na_error *err);

/* Does an object (group or dataset) exist at path? "a/b/c" from the root. */
int na_h5_has(na_h5 *file, const char *path);
int na_h5_has_attribute(na_h5 *file, const char *path, const char *name);

/* Names of a group's members, in the file's name order: calls visit for each; stops when it returns non-zero and
 * returns that. */
int na_h5_each(na_h5 *file, const char *group, int (*visit)(void *context, const char *name),
               void *context, na_error *err);

/* Datasets. dims gets the rank's sizes. Reading converts between number types; `count` is the number
 * of elements the caller has room for, and must equal the dataset's. */
int na_h5_shape(na_h5 *file, const char *path, int *rank, long long dims[NA_H5_RANK_MAX],
                na_error *err);
int na_h5_read(na_h5 *file, const char *path, na_h5_type type, void *out, size_t count,
               na_error *err);
/* Rows first .. first+rows-1 of the first dimension. */
int na_h5_read_rows(na_h5 *file, const char *path, na_h5_type type, long long first,
                    long long rows, void *out, na_error *err);
int na_h5_write(na_h5 *file, const char *path, na_h5_type type, int rank, const long long *dims,
                const void *data, na_error *err); /* creates missing groups */
/* A compressed dataset of this shape, rank at least 1, in chunks of about 64 KiB of whole rows; and rows
 * first .. first+rows-1 of it, or of any dataset, from data. */
int na_h5_packed(na_h5 *file, const char *path, na_h5_type type, int rank, const long long *dims,
                 na_error *err);
int na_h5_write_rows(na_h5 *file, const char *path, na_h5_type type, long long first,
                     long long rows, const void *data, na_error *err);
/* An extendable dataset of shape [0][dims...], then rows appended to it. rank counts dims, which are
 * a row's (rank 0: a row is one number). chunk: rows per chunk. */
int na_h5_extendable(na_h5 *file, const char *path, na_h5_type type, int rank,
                     const long long *dims, long long chunk, na_error *err);
int na_h5_append_rows(na_h5 *file, const char *path, na_h5_type type, long long rows,
                      const void *data, na_error *err);

/* Rows of text: an extendable one-dimensional dataset of UTF-8 strings of up to `width` bytes, padded
 * with NUL; longer ones are cut. *text is allocated (na_free). */
int na_h5_extendable_texts(na_h5 *file, const char *path, size_t width, long long chunk,
                           na_error *err);
int na_h5_append_text(na_h5 *file, const char *path, const char *text, na_error *err);
int na_h5_count_texts(na_h5 *file, const char *path, long long *rows, na_error *err);
int na_h5_read_text(na_h5 *file, const char *path, long long row, char **text, na_error *err);

/* Copies what `to` does not have: attributes of the file and of groups, datasets with theirs, groups, up to
 * four deep, where they hold numbers or strings. What cannot be read is passed over, and so is what `ours`
 * (may be NULL) says this program writes itself, when there is something to write. */
int na_h5_copy_rest(na_h5 *from, na_h5 *to, bool (*ours)(const char *path, bool attribute),
                    na_error *err);

/* Attributes of the object at path ("/" for the file): numbers (scalar or one-dimensional) and
 * strings. For number arrays *count is room on entry, elements read on return. */
int na_h5_get_numbers(na_h5 *file, const char *path, const char *name, double *out, size_t *count,
                      na_error *err);
int na_h5_get_number(na_h5 *file, const char *path, const char *name, double *out, na_error *err);
/* *text is allocated (na_free). Refuses more than 16 MiB. */
int na_h5_get_text(na_h5 *file, const char *path, const char *name, char **text, na_error *err);
/* A one-dimensional array of strings; *texts is one allocation holding pointers and characters (na_free). */
int na_h5_get_texts(na_h5 *file, const char *path, const char *name, char ***texts, size_t *count,
                    na_error *err);
int na_h5_set_numbers(na_h5 *file, const char *path, const char *name, const double *values,
                      size_t count, na_error *err); /* count 1: a scalar */
int na_h5_set_text(na_h5 *file, const char *path, const char *name, const char *text,
                   na_error *err);
int na_h5_set_texts(na_h5 *file, const char *path, const char *name, const char *const *texts,
                    size_t count, na_error *err);

/* Groups are made on demand by the writers; this makes an empty one. */
int na_h5_group(na_h5 *file, const char *path, na_error *err);
int na_h5_flush(na_h5 *file, na_error *err);

/* Gives a file that is being written another name, in the same folder; what was there is replaced. */
int na_h5_rename(na_h5 *file, const char *path, na_error *err);

/* Starts single-writer-multiple-reader mode: afterwards only appends to existing extendable datasets. */
int na_h5_start_swmr(na_h5 *file, na_error *err);

#endif
