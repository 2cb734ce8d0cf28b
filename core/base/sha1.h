/* SHA-1 (FIPS 180-4), to name a text as git does. Not for secrets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SHA1_H
#define NA_SHA1_H

#include "core/base/error.h"

#include <stddef.h>

/* The 40 hexadecimal digits that `git hash-object` gives for these bytes: the SHA-1 of "blob SIZE",
 * a NUL, and the bytes. */
void na_sha1_blob(const void *data, size_t size, char out[41]);

/* The same of a file's bytes. */
int na_sha1_file(const char *path, char out[41], na_error *err);

#endif
