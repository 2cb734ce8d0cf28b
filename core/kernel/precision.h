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

const char *na_precision_name(na_precision precision);

#endif
