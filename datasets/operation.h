/* The operations of AutoAugment (Cubuk et al. 2019) and RandAugment (Cubuk et al. 2020), on images
 * of bytes. They have the bits of torchvision's RandAugment and AutoAugment on Pillow's images:
 * nearest neighbours, black outside of the image. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_OPERATION_H
#define NA_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

/* With what the magnitude of na_operate means. The first fourteen are RandAugment's. */
typedef enum na_op {
  NA_OP_IDENTITY,
  NA_OP_SHEAR_X,     /* columns per row */
  NA_OP_SHEAR_Y,     /* rows per column */
  NA_OP_TRANSLATE_X, /* pixels to the right, cut off to a whole number */
  NA_OP_TRANSLATE_Y, /* pixels down, likewise */
  NA_OP_ROTATE,      /* degrees, anticlockwise */
  NA_OP_BRIGHTNESS,  /* factor - 1: -1 is black, 0 changes nothing */
  NA_OP_COLOR,       /* factor - 1 of the saturation */
  NA_OP_CONTRAST,    /* factor - 1 */
  NA_OP_SHARPNESS,   /* factor - 1: -1 is smooth */
  NA_OP_POSTERIZE,   /* bits that stay of each value */
  NA_OP_SOLARIZE,    /* values from here on are inverted */
  NA_OP_AUTOCONTRAST,
  NA_OP_EQUALIZE,
  NA_OP_INVERT,
  NA_OP_COUNT
} na_op;

enum { NA_RANDAUGMENT_OPS = NA_OP_EQUALIZE + 1 };

typedef struct na_operation {
  na_op op;
  double magnitude;
} na_operation;

/* The operation at `level`, 0 to 1 of the papers' ranges, as torchvision maps them (shear up to
 * 0.3, translation to 150/331 of the side, rotation to 30 degrees, factors to 1.9 and 0.1,
 * posterize to 4 bits, solarize to all); negative: in the other direction, where there is one. */
na_operation na_operation_at(na_op op, double level, bool negative, int height, int width);

/* Carries it out on planes[channels][height][width], channels 1 or 3; spare is of the same size. */
void na_operate(const na_operation *operation, int channels, int height, int width, uint8_t *planes,
                uint8_t *spare);

#endif
