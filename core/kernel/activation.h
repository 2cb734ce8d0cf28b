/* The activations, as one table.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ACTIVATION_H
#define NA_ACTIVATION_H

/* X(symbol, name, formula) */
#define NA_ACTIVATIONS(X)                                                                          \
  X(IDENTITY, "identity", "x")                                                                     \
  X(RELU, "relu", "max(x, 0)")                                                                     \
  X(RELU6, "relu6", "min(max(x, 0), 6)")                                                           \
  X(HSWISH, "h-swish", "x * min(max(x + 3, 0), 6) / 6")                                            \
  X(HSIGMOID, "h-sigmoid", "min(max(x + 3, 0), 6) / 6")

typedef enum na_activation {
#define NA_ACT_ENUM(symbol, name, help) NA_ACT_##symbol,
  NA_ACTIVATIONS(NA_ACT_ENUM)
#undef NA_ACT_ENUM
  NA_ACT_COUNT
} na_activation;

/* Is it min(max(x, low), high)? Kernels finish gradients of these in the registers. */
static inline int na_activation_clamps(na_activation act)
{
  return act == NA_ACT_IDENTITY || act == NA_ACT_RELU || act == NA_ACT_RELU6;
}

#endif
