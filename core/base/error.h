/* The one error object. Fallible functions return 0 or a negative code and
 * fill it; the first error wins, so cleanup code cannot hide the cause.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ERROR_H
#define NA_ERROR_H

#include <stdarg.h>

/* X(symbol, value, words) */
#define NA_CODES(X)                                                                                \
  X(OK, 0, "success")                                                                              \
  X(ENOMEM, -1, "out of memory")                                                                   \
  X(EINVAL, -2, "invalid argument")                                                                \
  X(EIO, -3, "input/output error")                                                                 \
  X(EFORMAT, -4, "malformed file")                                                                 \
  X(ESHAPE, -5, "shapes do not fit")                                                               \
  X(ENAN, -6, "not a finite number")                                                               \
  X(ESTOPPED, -7, "stopped")                                                                       \
  X(EUNSUPPORTED, -8, "not supported")

typedef enum na_code {
#define NA_CODE_ENUM(symbol, value, words) NA_##symbol = value,
  NA_CODES(NA_CODE_ENUM)
#undef NA_CODE_ENUM
} na_code;

typedef struct na_error {
  int code;          /* 0 or an na_code */
  char message[512]; /* what went wrong, one line, no final full stop */
  char hint[256];    /* what to do next, or empty */
} na_error;

/* Clears err. err may be NULL, here and below. */
void na_error_clear(na_error *err);

/* Records code and message unless err already holds an error. Returns code. */
int na_fail(na_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Records what the user can do about the error just recorded. Returns its code. */
int na_hint(na_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "words: " before the message, e.g. the file or layer it happened in. Returns the code. */
int na_error_prefix(na_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* na_fail(ENOMEM) with the size that was wanted. */
int na_fail_memory(na_error *err, unsigned long long bytes, const char *what);

/* "invalid argument" for NA_EINVAL. Never NULL. */
const char *na_code_words(int code);

#endif
