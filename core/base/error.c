/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/error.h"

#include <stdio.h>
#include <string.h>

void na_error_clear(na_error *err)
{
  if (err == NULL) return;
  err->code = NA_OK;
  err->message[0] = err->hint[0] = '\0';
}

int na_fail(na_error *err, int code, const char *format, ...)
{
  if (err == NULL || err->code != NA_OK) return code;
  va_list args;
  va_start(args, format);
  err->code = code;
  err->hint[0] = '\0';
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  return code;
}

int na_hint(na_error *err, const char *format, ...)
{
  if (err == NULL) return NA_EINVAL;
  if (err->hint[0] != '\0') return err->code;
  va_list args;
  va_start(args, format);
  vsnprintf(err->hint, sizeof err->hint, format, args);
  va_end(args);
  return err->code;
}

int na_error_prefix(na_error *err, const char *format, ...)
{
  if (err == NULL) return NA_EINVAL;
  char words[sizeof err->message], whole[2 * sizeof err->message + 4];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  snprintf(whole, sizeof whole, "%s: %s", words, err->message);
  whole[sizeof err->message - 1] = '\0';
  memcpy(err->message, whole, sizeof err->message);
  return err->code;
}

int na_fail_memory(na_error *err, unsigned long long bytes, const char *what)
{
  na_fail(err, NA_ENOMEM, "out of memory: %s needs %.1f MiB", what, (double)bytes / 1048576.0);
  return na_hint(err, "use a smaller batch, resolution or width list, or close other programs");
}

const char *na_code_words(int code)
{
  switch (code) {
#define NA_CODE_WORDS(symbol, value, words)                                                        \
  case value: return words;
    NA_CODES(NA_CODE_WORDS)
#undef NA_CODE_WORDS
  default: return "unknown error";
  }
}
