/* JPEG and PNG files to 8-bit grey or RGB pixels.
 *
 * What is done with unusual files: 16-bit PNG is scaled to 8 bits; palettes are looked up;
 * transparency is composited on white; CMYK and YCCK JPEGs become RGB by R = 255 (1-C)(1-K), with
 * Adobe's inverted values where the file says so; embedded colour profiles are ignored. EXIF's
 * orientation is honoured: sizes and pixels are as a person would see them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_IMAGE_H
#define NA_IMAGE_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A view: pixels[height][width][channels], channels 1 or 3. */
typedef struct na_image {
  int channels, height, width;
  const uint8_t *pixels;
} na_image;

/* The part of a decoded image that is wanted. */
typedef struct na_window {
  int left, top, right, bottom; /* in pixels of the decoded image; right and bottom lie outside */
  bool prove; /* also look for damage behind it */
} na_window;

/* One thread's decoder: keeps its buffers from image to image. */
typedef struct na_decoder na_decoder;

int na_decoder_new(na_decoder **decoder, na_error *err);
void na_decoder_free(na_decoder *decoder);

/* Reads the file into memory and its header (path is borrowed until the image is read): *info gets
 * the whole image's shape, pixels NULL. Errors name the file. A file that claims more than 100
 * million pixels, or more than its bytes can encode, is refused before room for them is taken. */
int na_decoder_open(na_decoder *decoder, const char *path, na_image *info, na_error *err);

/* Decodes the file opened last, once. shrink 1, 2, 4 or 8: a JPEG may be decoded at 1/shrink of
 * its size, sides rounded up, which is much faster; pixel (x, y) then stands for the square at
 * (shrink x, shrink y). A PNG comes at its full size whatever shrink. The pixels are valid until
 * the next call. A JPEG that ends early or whose data are corrupt is an error.
 * window: only these pixels are needed, the others of *image may hold anything; NULL: all. Of a JPEG
 * that need not be turned the rest is skipped. What is decoded has the same bits. */
int na_decoder_read(na_decoder *decoder, int shrink, const na_window *window, na_image *image,
                    na_error *err);

/* Orientation (1 to 8) of an EXIF block, which starts with a TIFF header; 1 when it says nothing
 * credible. */
int na_exif_orientation(const uint8_t *tiff, size_t bytes);

/* Writes the image as a PNG file of 8 bits. Errors of the file itself are left to its owner. */
int na_png_write(FILE *file, const na_image *image, na_error *err);

#endif
