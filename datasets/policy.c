/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/policy.h"

#include <math.h>

/* One of AutoAugment's sub-policies: two operations, each with its probability and its magnitude, 0
 * to 9 of the operation's range. */
typedef struct step {
  na_op op;
  double probability;
  int magnitude;
} step;

typedef step pair[2];

enum { PAIRS = 25, LEVEL_MAX = 9 };

/* Cubuk et al. 2019, tables 9 (ImageNet) and 7 (CIFAR-10) of the appendix, as in torchvision's
 * AutoAugmentPolicy. */
/* clang-format off */
static const pair imagenet[PAIRS] = {
    {{NA_OP_POSTERIZE, 0.4, 8}, {NA_OP_ROTATE, 0.6, 9}},
    {{NA_OP_SOLARIZE, 0.6, 5}, {NA_OP_AUTOCONTRAST, 0.6, 0}},
    {{NA_OP_EQUALIZE, 0.8, 0}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_POSTERIZE, 0.6, 7}, {NA_OP_POSTERIZE, 0.6, 6}},
    {{NA_OP_EQUALIZE, 0.4, 0}, {NA_OP_SOLARIZE, 0.2, 4}},
    {{NA_OP_EQUALIZE, 0.4, 0}, {NA_OP_ROTATE, 0.8, 8}},
    {{NA_OP_SOLARIZE, 0.6, 3}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_POSTERIZE, 0.8, 5}, {NA_OP_EQUALIZE, 1, 0}},
    {{NA_OP_ROTATE, 0.2, 3}, {NA_OP_SOLARIZE, 0.6, 8}},
    {{NA_OP_EQUALIZE, 0.6, 0}, {NA_OP_POSTERIZE, 0.4, 6}},
    {{NA_OP_ROTATE, 0.8, 8}, {NA_OP_COLOR, 0.4, 0}},
    {{NA_OP_ROTATE, 0.4, 9}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_EQUALIZE, 0, 0}, {NA_OP_EQUALIZE, 0.8, 0}},
    {{NA_OP_INVERT, 0.6, 0}, {NA_OP_EQUALIZE, 1, 0}},
    {{NA_OP_COLOR, 0.6, 4}, {NA_OP_CONTRAST, 1, 8}},
    {{NA_OP_ROTATE, 0.8, 8}, {NA_OP_COLOR, 1, 2}},
    {{NA_OP_COLOR, 0.8, 8}, {NA_OP_SOLARIZE, 0.8, 7}},
    {{NA_OP_SHARPNESS, 0.4, 7}, {NA_OP_INVERT, 0.6, 0}},
    {{NA_OP_SHEAR_X, 0.6, 5}, {NA_OP_EQUALIZE, 1, 0}},
    {{NA_OP_COLOR, 0.4, 0}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_EQUALIZE, 0.4, 0}, {NA_OP_SOLARIZE, 0.2, 4}},
    {{NA_OP_SOLARIZE, 0.6, 5}, {NA_OP_AUTOCONTRAST, 0.6, 0}},
    {{NA_OP_INVERT, 0.6, 0}, {NA_OP_EQUALIZE, 1, 0}},
    {{NA_OP_COLOR, 0.6, 4}, {NA_OP_CONTRAST, 1, 8}},
    {{NA_OP_EQUALIZE, 0.8, 0}, {NA_OP_EQUALIZE, 0.6, 0}},
};

static const pair cifar10[PAIRS] = {
    {{NA_OP_INVERT, 0.1, 0}, {NA_OP_CONTRAST, 0.2, 6}},
    {{NA_OP_ROTATE, 0.7, 2}, {NA_OP_TRANSLATE_X, 0.3, 9}},
    {{NA_OP_SHARPNESS, 0.8, 1}, {NA_OP_SHARPNESS, 0.9, 3}},
    {{NA_OP_SHEAR_Y, 0.5, 8}, {NA_OP_TRANSLATE_Y, 0.7, 9}},
    {{NA_OP_AUTOCONTRAST, 0.5, 0}, {NA_OP_EQUALIZE, 0.9, 0}},
    {{NA_OP_SHEAR_Y, 0.2, 7}, {NA_OP_POSTERIZE, 0.3, 7}},
    {{NA_OP_COLOR, 0.4, 3}, {NA_OP_BRIGHTNESS, 0.6, 7}},
    {{NA_OP_SHARPNESS, 0.3, 9}, {NA_OP_BRIGHTNESS, 0.7, 9}},
    {{NA_OP_EQUALIZE, 0.6, 0}, {NA_OP_EQUALIZE, 0.5, 0}},
    {{NA_OP_CONTRAST, 0.6, 7}, {NA_OP_SHARPNESS, 0.6, 5}},
    {{NA_OP_COLOR, 0.7, 7}, {NA_OP_TRANSLATE_X, 0.5, 8}},
    {{NA_OP_EQUALIZE, 0.3, 0}, {NA_OP_AUTOCONTRAST, 0.4, 0}},
    {{NA_OP_TRANSLATE_Y, 0.4, 3}, {NA_OP_SHARPNESS, 0.2, 6}},
    {{NA_OP_BRIGHTNESS, 0.9, 6}, {NA_OP_COLOR, 0.2, 8}},
    {{NA_OP_SOLARIZE, 0.5, 2}, {NA_OP_INVERT, 0, 0}},
    {{NA_OP_EQUALIZE, 0.2, 0}, {NA_OP_AUTOCONTRAST, 0.6, 0}},
    {{NA_OP_EQUALIZE, 0.2, 0}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_COLOR, 0.9, 9}, {NA_OP_EQUALIZE, 0.6, 0}},
    {{NA_OP_AUTOCONTRAST, 0.8, 0}, {NA_OP_SOLARIZE, 0.2, 8}},
    {{NA_OP_BRIGHTNESS, 0.1, 3}, {NA_OP_COLOR, 0.7, 0}},
    {{NA_OP_SOLARIZE, 0.4, 5}, {NA_OP_AUTOCONTRAST, 0.9, 0}},
    {{NA_OP_TRANSLATE_Y, 0.9, 9}, {NA_OP_TRANSLATE_Y, 0.7, 9}},
    {{NA_OP_AUTOCONTRAST, 0.9, 0}, {NA_OP_SOLARIZE, 0.8, 3}},
    {{NA_OP_EQUALIZE, 0.8, 0}, {NA_OP_INVERT, 0.1, 0}},
    {{NA_OP_TRANSLATE_Y, 0.7, 9}, {NA_OP_AUTOCONTRAST, 0.9, 0}},
};
/* clang-format on */

static int draw_pair(const pair *pairs, int height, int width, na_random *random,
                     na_operation *operations)
{
  const step *steps = pairs[na_random_below(random, PAIRS)];
  int count = 0;
  for (int i = 0; i < 2; i++) {
    double chance = na_random_unit(random);
    bool negative = na_random_unit(random) < 0.5;
    if (chance >= steps[i].probability) continue;
    double level = (double)steps[i].magnitude / LEVEL_MAX;
    operations[count++] = na_operation_at(steps[i].op, level, negative, height, width);
  }
  return count;
}

static int draw_random(const na_policy *policy, int height, int width, na_random *random,
                       na_operation *operations)
{
  for (int i = 0; i < policy->ops; i++) {
    na_op op = (na_op)na_random_below(random, NA_RANDAUGMENT_OPS);
    double magnitude = policy->magnitude;
    if (policy->std > 0) magnitude += policy->std * na_random_normal(random);
    magnitude = fmin(fmax(magnitude, 0), NA_POLICY_MAGNITUDE_MAX);
    bool negative = na_random_unit(random) < 0.5;
    operations[i] =
        na_operation_at(op, magnitude / NA_POLICY_MAGNITUDE_MAX, negative, height, width);
  }
  return policy->ops;
}

int na_policy_draw(const na_policy *policy, int height, int width, na_random *random,
                   na_operation *operations)
{
  switch (policy->kind) {
  case NA_POLICY_RANDAUGMENT:
    return draw_random(policy, height, width, random, operations);
  case NA_POLICY_IMAGENET:
    return draw_pair(imagenet, height, width, random, operations);
  case NA_POLICY_CIFAR10:
    return draw_pair(cifar10, height, width, random, operations);
  default:
    return 0;
  }
}
