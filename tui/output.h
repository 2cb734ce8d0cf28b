/* Files that a command writes for its user: whole or not at all, or standard output.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_OUTPUT_H
#define NA_OUTPUT_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct na_output {
  FILE *file; /* to write to; errors of it show at the end */
  const char *path;
  char *temporary; /* what is being written; NULL for standard output */
} na_output;

/* path is borrowed; "-" is standard output. A file is written under another name until its end, so
 * that what was there stays until then. */
int na_output_begin(na_output *output, const char *path, na_error *err);

/* code is what became of the writing: with NA_OK the file takes its place, else it is gone. Returns
 * code, or what went wrong now. Only after a begin that succeeded. */
int na_output_end(na_output *output, int code, na_error *err);

#endif
