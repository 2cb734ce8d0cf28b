/* Shared by the h5_*.c files only: the one place where hdf5.h is included.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_H5_PRIVATE_H
#define NA_H5_PRIVATE_H

#include "core/store/h5.h"

#include <hdf5.h>

enum { NA_H5_PATH_MAX = 1024, NA_H5_KEPT = 32 };

struct na_h5 {
  hid_t id;
  char *path;
  int writing;
  int failure; /* errno of the first write that failed, after which nothing is written */
  /* Datasets that rows are read from or appended to stay open, since that happens row by row and
   * reopening one would also throw its cached chunk away. The oldest makes room. */
  struct {
    hid_t id;
    char *path;
  } kept[NA_H5_KEPT];
  int next_kept;
  /* What object.h reads: the group that was reached last, and the dataset. */
  hid_t group, values;
  char *group_path, *values_path;
};

/* Every call into the library happens between these two. The first one also silences it and forbids it
 * to load filter plug-ins, so that nothing a file names is ever executed. */
void na_h5_lock(void);
void na_h5_unlock(void);

/* Ends a call that wrote: unlocks, and turns a failed write into an error. */
int na_h5_wrote(na_h5 *file, int code, na_error *err);

/* The flag in byte 11 of a file that was written in SWMR mode and not closed, or still is being written; see
 * h5_driver.c. HDF5 defines it ("consistent") and neither sets nor asks for it. */
enum { NA_H5_CONSISTENT = 2 };

/* Makes access (a file access property list) use the driver of h5_driver.c, which notes failures in
 * *failure. Returns 0 when that cannot be. */
int na_h5_use_driver(hid_t access, int *failure);

/* na_fail with the file's name in front, and behind it why writing failed or, if an HDF5 call just
 * failed, the library's reason.
 * Call it before the next HDF5 call, which would forget the reason. */
int na_h5_fail(const na_h5 *file, na_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

typedef enum na_h5_found {
  NA_H5_ABSENT,
  NA_H5_PRESENT,
  NA_H5_LINKED /* reached only through a soft, external or user-defined link: not followed */
} na_h5_found;

/* Looks path up, following hard links only. */
na_h5_found na_h5_walk(const na_h5 *file, const char *path);

/* Makes a group and the groups it lies in, unless it is there already. */
int na_h5_make_group(na_h5 *file, const char *path, na_error *err);

/* Makes the groups that path is to lie in. */
int na_h5_make_parents(na_h5 *file, const char *path, na_error *err);

/* Closes the datasets kept open. */
void na_h5_drop_kept(na_h5 *file);

/* Closes the group and the dataset that object.h keeps open. */
void na_h5_drop_objects(na_h5 *file);

/* True for plain integers of 1 to 8 bytes and IEEE floats of 4 or 8, in either byte order: all
 * that is ever converted. */
int na_h5_is_number(hid_t type);

#endif
