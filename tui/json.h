/* Texts as JSON has them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_JSON_H
#define NA_JSON_H

#include "core/base/text.h"

#include <stdio.h>

/* Writes text as a JSON string with its quotes (RFC 8259): quotes, backslashes and control
 * characters escaped; bytes that are no UTF-8 become U+FFFD. Errors show in the file, or the
 * buffer. */
void na_json_write(FILE *file, const char *text);
void na_json_add(na_buffer *out, const char *text);

#endif
