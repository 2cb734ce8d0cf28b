/* Shared by h5_object.c, h5_type.c and h5_value.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_OBJECT_PRIVATE_H
#define NA_OBJECT_PRIVATE_H

#include "core/store/h5_private.h"
#include "core/store/object.h"

/* Opens the object at path, following hard links only; the caller closes *id with H5Oclose. */
int na_h5_open_object(na_h5 *file, const char *path, hid_t *id, na_error *err);

/* The group that path lies in, borrowed until the next call, and the part of path that names the
 * object in it: "" for the root. */
int na_h5_parent(na_h5 *file, const char *path, hid_t *group, const char **name, na_error *err);

/* Appends what a type is called. */
void na_h5_type_text(hid_t type, na_buffer *out);

/* True for what converts to a double: integers and floats of up to 16 bytes whose parts lie within
 * them, and enumerations of such integers. */
bool na_h5_is_numeric(hid_t type);

/* Appends one value of a native type (see H5Tget_native_type) as text; NULs within are left out. */
void na_h5_value_text(hid_t file, hid_t type, const void *value, na_buffer *out);

#endif
