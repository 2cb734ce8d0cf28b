/* PNG by libpng. Errors leave it by longjmp, as in datasets/jpeg.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

/* Deflate shrinks at most 1032 times, and a pixel may be one bit. */
static const double density = 1032 * 8;

enum { CHUNK_BYTES_MAX = 16 << 20, SIDE_MAX = 1000000, WHITE = 255 };

struct na_png {
  png_structp png;
  png_infop info;
  const uint8_t *data;
  size_t left;
  na_bytes raw; /* pixels with their alpha */
  char message[128];
};

static void fail(png_structp png, png_const_charp message)
{
  na_png *self = png_get_error_ptr(png);
  snprintf(self->message, sizeof self->message, "%s", message);
  png_longjmp(png, 1);
}

static void say_nothing(png_structp png, png_const_charp message)
{
  (void)png;
  (void)message;
}

static void take_bytes(png_structp png, png_bytep out, size_t bytes)
{
  na_png *self = png_get_io_ptr(png);
  if (bytes > self->left) png_error(png, "the file is truncated");
  memcpy(out, self->data, bytes);
  self->data += bytes;
  self->left -= bytes;
}

int na_png_new(na_png **out, na_error *err)
{
  *out = na_alloc(sizeof **out);
  return *out != NULL ? NA_OK : na_fail_memory(err, sizeof **out, "a PNG decoder");
}

/* libpng cannot start over: every image has a struct of its own. */
static void end_image(na_png *self)
{
  if (self->png != NULL) png_destroy_read_struct(&self->png, &self->info, NULL);
  self->png = NULL;
  self->info = NULL;
}

void na_png_free(na_png *self)
{
  if (self == NULL) return;
  end_image(self);
  na_free(self->raw.data);
  na_free(self);
}

static int fail_image(na_png *self, na_error *err)
{
  end_image(self);
  return na_fail(err, NA_EFORMAT, "cannot decode the PNG: %s", self->message);
}

static int begin_image(na_png *self, na_error *err)
{
  end_image(self);
  self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, fail, say_nothing);
  if (self->png != NULL) self->info = png_create_info_struct(self->png);
  if (self->info != NULL) return NA_OK;
  end_image(self);
  return na_fail_memory(err, 1 << 20, "a PNG decoder");
}

static int orientation(na_png *self)
{
#ifdef PNG_eXIf_SUPPORTED
  png_uint_32 bytes;
  png_bytep exif;
  if (png_get_eXIf_1(self->png, self->info, &bytes, &exif) != 0)
    return na_exif_orientation(exif, bytes);
#endif
  return 1;
}

/* Everything to 8-bit grey or RGB, with alpha where there is any. */
static void ask_for_bytes(png_structp png, png_infop info)
{
  int type = png_get_color_type(png, info);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
  png_set_scale_16(png);
}

int na_png_open(na_png *self, const uint8_t *data, size_t bytes, na_header *header, na_error *err)
{
  int code = begin_image(self, err);
  if (code != NA_OK) return code;
  self->data = data;
  self->left = bytes;
  if (setjmp(png_jmpbuf(self->png)) != 0) return fail_image(self, err);
  png_set_user_limits(self->png, SIDE_MAX, SIDE_MAX);
  png_set_chunk_malloc_max(self->png, CHUNK_BYTES_MAX);
  png_set_read_fn(self->png, self, take_bytes);
  png_read_info(self->png, self->info);
  png_uint_32 width = png_get_image_width(self->png, self->info);
  png_uint_32 height = png_get_image_height(self->png, self->info);
  code = na_header_check(width, height, density, bytes, err);
  if (code != NA_OK) {
    end_image(self);
    return code;
  }
  int type = png_get_color_type(self->png, self->info);
  *header = (na_header){(type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1, (int)height, (int)width,
                        orientation(self)};
  return NA_OK;
}

/* Grey or RGB with alpha, onto white. */
static void composite(const uint8_t *from, uint8_t *to, size_t pixels, int channels)
{
  for (; pixels > 0; pixels--, from += channels + 1, to += channels) {
    unsigned alpha = from[channels];
    for (int c = 0; c < channels; c++)
      to[c] = (uint8_t)((from[c] * alpha + WHITE * (255 - alpha) + 127) / 255);
  }
}

/* Interlaced files come in seven passes over the rows, so rows are stored as they come, alpha and
 * all, and composited at the end. */
static void read_rows(na_png *self, uint8_t *to, int height, size_t stride, int passes)
{
  for (int pass = 0; pass < passes; pass++)
    for (int y = 0; y < height; y++) png_read_row(self->png, to + (size_t)y * stride, NULL);
  png_read_end(self->png, NULL);
}

int na_png_read(na_png *self, na_bytes *out, na_header *header, na_error *err)
{
  if (setjmp(png_jmpbuf(self->png)) != 0) return fail_image(self, err);
  ask_for_bytes(self->png, self->info);
  int passes = png_set_interlace_handling(self->png);
  png_read_update_info(self->png, self->info);
  size_t stride = png_get_rowbytes(self->png, self->info), height = (size_t)header->height;
  int alpha = png_get_channels(self->png, self->info) != header->channels;
  size_t pixels = height * (size_t)header->width;
  int code = na_bytes_reserve(out, pixels * (size_t)header->channels, err);
  if (code == NA_OK && alpha) code = na_bytes_reserve(&self->raw, stride * height, err);
  if (code != NA_OK) {
    end_image(self);
    return code;
  }
  read_rows(self, alpha ? self->raw.data : out->data, header->height, stride, passes);
  if (alpha) composite(self->raw.data, out->data, pixels, header->channels);
  end_image(self);
  return NA_OK;
}

int na_png_write(FILE *file, const na_image *image, na_error *err)
{
  png_image out = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)image->width,
                   .height = (png_uint_32)image->height,
                   .format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
  if (png_image_write_to_stdio(&out, file, 0, image->pixels, 0, NULL) != 0) return NA_OK;
  return ferror(file) ? NA_OK : na_fail(err, NA_ENOMEM, "cannot write a PNG: %s", out.message);
}
