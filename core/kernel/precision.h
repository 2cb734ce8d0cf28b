/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PRECISION_H
#define NA_PRECISION_H

/* X(symbol, name): what the operands of dense products are rounded to (core/kernel/products.h). */
#define NA_PRECISION_LIST(X)                                                                       \
  X(FLOAT32, "float32")                                                                            \
  X(BF16, "bf16")

typedef enum na_precision {
#define NA_PRECISION_ENUM(symbol, name) NA_##symbol,
  NA_PRECISION_LIST(NA_PRECISION_ENUM)
#undef NA_PRECISION_ENUM
      NA_PRECISIONS
} na_precision;

/* The names as a choice of settings. */
#define NA_PRECISION_WORD(symbol, name) "|" name
#define NA_PRECISION_WORDS (&NA_PRECISION_LIST(NA_PRECISION_WORD)[1])

const char *na_precision_name(na_precision precision);

#endif
