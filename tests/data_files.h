/* Makes small collections of images on disk, good and bad, for the tests of datasets/.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DATA_FILES_H
#define DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

enum { FILES_PATH_MAX = 256 };

/* A new folder for one test, and its removal with all it holds. */
void files_new(char root[FILES_PATH_MAX]);
void files_remove(const char *root);

/* "root/name" in one of a few static buffers, overwritten by later calls. */
const char *files_path(const char *root, const char *name);

/* All of these make the folders in `name` that are missing, and abort when they cannot write. */
void files_folder(const char *root, const char *name);
void files_write(const char *root, const char *name, const void *bytes, size_t count);
void files_text(const char *root, const char *name, const char *text);
void files_gzip(const char *root, const char *name, const void *bytes, size_t count);

/* A file's contents (free) and size. */
uint8_t *files_read(const char *root, const char *name, size_t *count);
/* Cuts a file to its first `count` bytes. */
void files_cut(const char *root, const char *name, size_t count);

/* pixels[height][width][channels]. */
typedef struct files_jpeg {
  int width, height, channels; /* 1 grey, 3 RGB, 4 CMYK as to be stored */
  const uint8_t *pixels;
  int quality;                 /* 0: 100 */
  int orientation;             /* EXIF; 0: no EXIF block */
  int big_endian;              /* of the EXIF block */
  int progressive, ycck, no_adobe;
  int halved;                  /* colours at half the size: 1 across, 2 also down; RGB only */
} files_jpeg;
void files_write_jpeg(const char *root, const char *name, const files_jpeg *jpeg);

typedef struct files_png {
  int width, height, channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
  const uint8_t *pixels;       /* depth 16: big-endian pairs */
  int depth;                   /* 0: 8 */
  int palette;                 /* colours in it: pixels are indices of 8 bits; 0: none */
  const uint8_t *colours;      /* [palette][3] */
  int orientation, interlaced;
} files_png;
void files_write_png(const char *root, const char *name, const files_png *png);

/* An IDX pair: images of height x width, image i's pixel p being pixel(i, p), label i % classes. */
void files_write_idx(const char *root, const char *part, int count, int height, int width,
                     int classes, uint8_t (*pixel)(int image, int place), int gzip);

#endif
