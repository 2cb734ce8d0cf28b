/* Which operations (datasets/operation.h) an image gets: RandAugment's random ones, or a pair of a
 * policy that AutoAugment found.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_POLICY_H
#define NA_POLICY_H

#include "core/base/random.h"
#include "datasets/operation.h"

/* X(symbol, word) */
#define NA_POLICIES(X)                                                                             \
  X(NONE, "none")                                                                                  \
  X(RANDAUGMENT, "randaugment")                                                                    \
  X(IMAGENET, "autoaugment-imagenet")                                                              \
  X(CIFAR10, "autoaugment-cifar10")

typedef enum na_policy_kind {
#define NA_POLICY_ENUM(symbol, word) NA_POLICY_##symbol,
  NA_POLICIES(NA_POLICY_ENUM)
#undef NA_POLICY_ENUM
} na_policy_kind;

enum { NA_POLICY_OPS_MAX = 8, NA_POLICY_MAGNITUDE_MAX = 30 };

typedef struct na_policy {
  na_policy_kind kind;
  int ops;               /* RandAugment's N, up to NA_POLICY_OPS_MAX */
  double magnitude, std; /* its M, 0 .. 30, and the deviation of each operation's own magnitude */
} na_policy;

/* Draws for an image of height x width, in this order, operations[NA_POLICY_OPS_MAX]; returns how
 * many. */
int na_policy_draw(const na_policy *policy, int height, int width, na_random *random,
                   na_operation *operations);

#endif
