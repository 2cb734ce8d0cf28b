/* From a stored image to the square of pixels that a network sees.
 *
 * The geometry of a sample is drawn before the image is decoded, from its size alone, so that the
 * decoder knows what it may leave out. Kinds, in training and in evaluation:
 *   none     the largest centred box of the wanted aspect, resized; the same
 *   crop     as none, then `pad` black pixels around, a random window, a flip; as none
 *   resized  a box of random area and aspect, resized, a flip, colour jitter; shorter side resized
 *            to ceil(size / 0.875), centre crop
 * In training come after these: a policy's operations, random erasing, Cutout.
 * So an image that is stored at another size than wanted is resized, never padded, to it.
 * Resizing is bilinear with antialiasing (a triangle filter as wide as the reduction, as Pillow
 * and torchvision do).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TRANSFORM_H
#define NA_TRANSFORM_H

#include "datasets/image.h"
#include "datasets/policy.h"

#include <stdbool.h>

/* X(symbol, word, help) */
#define NA_AUGMENTS(X)                                                                             \
  X(NONE, "none", "centred box, resized")                                                          \
  X(CROP, "crop", "padding, random crop and flip, for small images")                               \
  X(RESIZED, "resized", "random resized crop, flip and colour jitter, for photographs")

typedef enum na_augment {
  NA_AUGMENT_AUTO, /* never in a transform: na_dataset_open decides */
#define NA_AUGMENT_ENUM(symbol, word, help) NA_AUGMENT_##symbol,
  NA_AUGMENTS(NA_AUGMENT_ENUM)
#undef NA_AUGMENT_ENUM
} na_augment;

enum { NA_BRIGHTNESS, NA_SATURATION, NA_CONTRAST, NA_JITTERS };

typedef struct na_transform {
  na_augment kind;
  int channels, height, width; /* wanted; channels 1 or 3 */
  int pad;
  bool flip;
  double scale_min, scale_max, ratio;
  double jitter[NA_JITTERS]; /* strengths s: factors are drawn from 1-s .. 1+s */
  na_policy policy;
  double erase;                           /* how often a box is erased */
  double erase_min, erase_max, erase_ratio; /* its area's range; aspect 1/ratio .. ratio */
  int cutout;                             /* side of a square that always is; 0: none */
  uint8_t blank[3];                       /* what is put there, per channel */
} na_transform;

/* Whole pixels, inside of the image. */
typedef struct na_box {
  int x, y, width, height;
} na_box;

/* One sample's draw. */
typedef struct na_plan {
  double x, y, width, height; /* box in pixels of the whole stored image */
  bool closed;                /* the filter must not look outside the box (it was cropped first) */
  int shift_x, shift_y;       /* of the window against the resized image, -pad .. pad */
  bool flip;
  int order[NA_JITTERS];      /* in which order the jitters are applied */
  double factor[NA_JITTERS];
  int operation_count, blank_count;
  na_operation operations[NA_POLICY_OPS_MAX];
  na_box blanks[2];           /* erased at last */
} na_plan;

/* Draws for a stored image of width x height; random NULL: evaluation. The same kinds always take
 * as many random numbers in the same order. */
void na_transform_draw(const na_transform *transform, int width, int height, na_random *random,
                       na_plan *plan);

/* The largest shrink (1, 2, 4, 8) at which the box still has at least the wanted pixels. */
int na_transform_shrink(const na_transform *transform, const na_plan *plan);

/* What of the image, decoded at 1/shrink, the plan needs. false: maybe all of it. */
bool na_transform_window(const na_plan *plan, int shrink, int width, int height,
                         na_window *window);

/* One thread's scratch memory, kept from image to image. Zero-initialise. */
typedef struct na_scratch {
  float *weights, *row;
  int *starts;
  uint8_t *resized, *colours, *spare;
  size_t weights_capacity, row_capacity, starts_capacity, resized_capacity, colours_capacity;
  size_t spare_capacity;
} na_scratch;
void na_scratch_free(na_scratch *scratch);

/* Takes all memory that images of this stored shape can need, so that none is taken later. */
int na_transform_prepare(const na_transform *transform, int channels, int height, int width,
                         na_scratch *scratch, na_error *err);

/* Carries out the plan on the image, which was decoded at 1/shrink, to
 * out[channels][height][width] of the transform. Grey becomes RGB by repetition, RGB grey by
 * luma (0.299 R + 0.587 G + 0.114 B). */
int na_transform_apply(const na_transform *transform, const na_plan *plan, int shrink,
                       const na_image *image, na_scratch *scratch, uint8_t *out, na_error *err);

/* Resizes a box (in this image's pixels, x y width height) to out[image->channels][height][width]
 * planes; flip mirrors. closed: see na_plan. (datasets/resample.c) */
int na_resample(const na_image *image, const double box[4], bool closed, bool flip, int height,
                int width, na_scratch *scratch, uint8_t *out, na_error *err);

/* The inputs, of all `inputs`, that the filter may see of a closed box from at to at + length: *low
 * .. *high - 1, at least one. */
void na_resample_limits(double at, double length, int inputs, int *low, int *high);

/* The part of na_transform_prepare that na_resample needs, for boxes in height x width images. */
int na_resample_prepare(int channels, int in_height, int in_width, int height, int width,
                        na_scratch *scratch, na_error *err);

/* Makes sure *block has room for `bytes`, forgetting its contents when it grows. */
int na_scratch_reserve(void **block, size_t *capacity, size_t bytes, na_error *err);

#endif
