/* What the two codecs share with datasets/image.c. Both work on a file in memory and leave their
 * library's state inside a struct that lives as long as the thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CODEC_H
#define NA_CODEC_H

#include "datasets/image.h"

/* A byte buffer that only grows. */
typedef struct na_bytes {
  uint8_t *data;
  size_t capacity;
} na_bytes;
int na_bytes_reserve(na_bytes *bytes, size_t wanted, na_error *err);

/* Header facts, before any turning. */
typedef struct na_header {
  int channels, height, width; /* channels as decoded: 1 or 3 */
  int orientation;             /* EXIF's, 1 to 8 */
} na_header;

/* Refuses sizes that are zero, hostile or impossible for a file of `bytes`, of which one can stand
 * for `density` pixels at the most. */
int na_header_check(double width, double height, double density, size_t bytes, na_error *err);

typedef struct na_jpeg na_jpeg;
int na_jpeg_new(na_jpeg **jpeg, na_error *err);
void na_jpeg_free(na_jpeg *jpeg);
int na_jpeg_open(na_jpeg *jpeg, const uint8_t *data, size_t bytes, na_header *header,
                 na_error *err);
/* Fills pixels (room taken in `out`) at 1/shrink, or only the window, if it is not NULL; header gets
 * the new size. */
int na_jpeg_read(na_jpeg *jpeg, int shrink, const na_window *window, na_bytes *out,
                 na_header *header, na_error *err);

typedef struct na_png na_png;
int na_png_new(na_png **png, na_error *err);
void na_png_free(na_png *png);
int na_png_open(na_png *png, const uint8_t *data, size_t bytes, na_header *header, na_error *err);
int na_png_read(na_png *png, na_bytes *out, na_header *header, na_error *err);

#endif
