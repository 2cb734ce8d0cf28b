/* JPEG by libjpeg-turbo. The library reports errors by calling back and expects never to be
 * returned to, so every entry sets a jump target first; all state is in na_jpeg, none in local
 * variables that a jump would spoil.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* A progressive file may repeat scans without end, each costing time for the whole image; real
 * ones have about ten. */
enum { SCANS_MAX = 100, EXIF_HEAD = 6 };

/* One byte codes at most 8 blocks of 64 pixels with Huffman codes; arithmetic coding can do a
 * little better. */
static const double density = 4096;

struct na_jpeg {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf out;
  int damage; /* code of the first warning that means lost image data, or 0 */
  char message[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr info)
{
  na_jpeg *jpeg = info->client_data;
  info->err->format_message(info, jpeg->message);
  longjmp(jpeg->out, 1);
}

/* Warnings about stray bytes are common and harmless; these mean that pixels were made up. */
static void take_message(j_common_ptr info, int level)
{
  na_jpeg *jpeg = info->client_data;
  int code = info->err->msg_code;
  if (level >= 0 || jpeg->damage != 0) return;
  if (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER && code != JWRN_HUFF_BAD_CODE &&
      code != JWRN_ARITH_BAD_CODE && code != JWRN_MUST_RESYNC)
    return;
  jpeg->damage = code;
  info->err->format_message(info, jpeg->message);
}

static void say_nothing(j_common_ptr info) { (void)info; }

static void limit_scans(j_common_ptr info)
{
  na_jpeg *jpeg = info->client_data;
  if (!info->is_decompressor || jpeg->info.input_scan_number <= SCANS_MAX) return;
  snprintf(jpeg->message, sizeof jpeg->message, "it has more than %d scans", SCANS_MAX);
  longjmp(jpeg->out, 1);
}

int na_jpeg_new(na_jpeg **out, na_error *err)
{
  na_jpeg *jpeg = *out = na_alloc(sizeof *jpeg);
  if (jpeg == NULL) return na_fail_memory(err, sizeof *jpeg, "a JPEG decoder");
  jpeg->info.err = jpeg_std_error(&jpeg->errors);
  jpeg->errors.error_exit = fail;
  jpeg->errors.emit_message = take_message;
  jpeg->errors.output_message = say_nothing;
  jpeg->progress.progress_monitor = limit_scans;
  jpeg->info.client_data = jpeg;
  if (setjmp(jpeg->out) != 0) return na_fail(err, NA_ENOMEM, "libjpeg: %s", jpeg->message);
  jpeg_create_decompress(&jpeg->info);
  jpeg->info.progress = &jpeg->progress;
  jpeg_save_markers(&jpeg->info, JPEG_APP0 + 1, 0xffff);
  return NA_OK;
}

void na_jpeg_free(na_jpeg *jpeg)
{
  if (jpeg == NULL) return;
  jpeg_destroy_decompress(&jpeg->info); /* harmless when creation failed half-way */
  na_free(jpeg);
}

static int fail_image(na_jpeg *jpeg, na_error *err)
{
  int code = jpeg->info.err->msg_code == JERR_OUT_OF_MEMORY ? NA_ENOMEM : NA_EFORMAT;
  jpeg_abort_decompress(&jpeg->info);
  return na_fail(err, code, "cannot decode the JPEG: %s", jpeg->message);
}

static int orientation(const struct jpeg_decompress_struct *info)
{
  for (jpeg_saved_marker_ptr marker = info->marker_list; marker != NULL; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > EXIF_HEAD &&
        memcmp(marker->data, "Exif\0", EXIF_HEAD) == 0)
      return na_exif_orientation(marker->data + EXIF_HEAD, marker->data_length - EXIF_HEAD);
  return 1;
}

int na_jpeg_open(na_jpeg *jpeg, const uint8_t *data, size_t bytes, na_header *header, na_error *err)
{
  struct jpeg_decompress_struct *info = &jpeg->info;
  jpeg_abort_decompress(info); /* an image opened, but not read, before this one */
  jpeg->damage = 0;
  if (setjmp(jpeg->out) != 0) return fail_image(jpeg, err);
  jpeg_mem_src(info, data, (unsigned long)bytes);
  jpeg_read_header(info, TRUE);
  int code = na_header_check(info->image_width, info->image_height, density, bytes, err);
  if (code != NA_OK) {
    jpeg_abort_decompress(info);
    return code;
  }
  header->channels = info->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  header->height = (int)info->image_height;
  header->width = (int)info->image_width;
  header->orientation = orientation(info);
  return NA_OK;
}

/* The colour space to ask the library for: it knows no way from CMYK to RGB, nor from a space it
 * does not recognise. */
static J_COLOR_SPACE output_space(const struct jpeg_decompress_struct *info)
{
  switch (info->jpeg_color_space) {
  case JCS_GRAYSCALE: return JCS_GRAYSCALE;
  case JCS_CMYK:
  case JCS_YCCK: return JCS_CMYK;
  default: return JCS_RGB;
  }
}

/* Four channels to three, in place: writing never overtakes reading. */
static void cmyk_to_rgb(uint8_t *row, int width, int inverted)
{
  const uint8_t *from = row;
  unsigned flip = inverted ? 0 : 255;
  for (int x = 0; x < width; x++, from += 4, row += 3) {
    unsigned black = from[3] ^ flip;
    for (int c = 0; c < 3; c++) row[c] = (uint8_t)(((from[c] ^ flip) * black + 127) / 255);
  }
}

/* Rows from the present one to `end`, each to its place: `at` is pixel (left, 0)'s. */
static void read_rows(na_jpeg *jpeg, uint8_t *at, size_t stride, unsigned end)
{
  struct jpeg_decompress_struct *info = &jpeg->info;
  while (info->output_scanline < end) {
    JSAMPROW row = at + info->output_scanline * stride;
    jpeg_read_scanlines(info, &row, 1);
    if (info->out_color_space == JCS_CMYK)
      cmyk_to_rgb(row, (int)info->output_width, info->saw_Adobe_marker);
  }
}

/* Pixels at the border of what the library decodes are interpolated with fewer neighbours: they must
 * lie outside of the window. */
enum { BORDER = 2 };

/* Decodes the window and a border. The data behind it are decoded, but not turned into pixels, to find
 * damage: skipping to the end would not look at them, so the last row is read. */
static void read_window(na_jpeg *jpeg, const na_window *window, uint8_t *pixels, size_t pixel_bytes)
{
  struct jpeg_decompress_struct *info = &jpeg->info;
  unsigned height = info->output_height, width = info->output_width;
  size_t stride = width * pixel_bytes;
  JDIMENSION left = window->left > BORDER ? (unsigned)window->left - BORDER : 0;
  JDIMENSION top = window->top > BORDER ? (unsigned)window->top - BORDER : 0;
  JDIMENSION right = (unsigned)window->right + BORDER, bottom = (unsigned)window->bottom + BORDER;
  JDIMENSION across = (right < width ? right : width) - left;
  if (across < width) jpeg_crop_scanline(info, &left, &across);
  if (top > 0) jpeg_skip_scanlines(info, top);
  read_rows(jpeg, pixels + left * pixel_bytes, stride, bottom < height ? bottom : height);
  if (!window->prove || info->output_scanline == height) return;
  if (info->output_scanline + 1 < height)
    jpeg_skip_scanlines(info, height - 1 - info->output_scanline);
  read_rows(jpeg, pixels + left * pixel_bytes, stride, height);
}

int na_jpeg_read(na_jpeg *jpeg, int shrink, const na_window *window, na_bytes *out,
                 na_header *header, na_error *err)
{
  struct jpeg_decompress_struct *info = &jpeg->info;
  size_t pixel_bytes = header->channels == 1 ? 1 : 3;
  if (setjmp(jpeg->out) != 0) return fail_image(jpeg, err);
  info->scale_num = 1;
  info->scale_denom = (unsigned)shrink;
  info->out_color_space = output_space(info);
  jpeg_start_decompress(info);
  header->height = (int)info->output_height;
  header->width = (int)info->output_width;
  /* One row more than the image: a CMYK row is four bytes a pixel until it is converted. */
  size_t pixels = (size_t)info->output_width * ((size_t)info->output_height + 1);
  int code = na_bytes_reserve(out, pixels * pixel_bytes, err);
  if (code != NA_OK) {
    jpeg_abort_decompress(info);
    return code;
  }
  if (window != NULL) read_window(jpeg, window, out->data, pixel_bytes);
  else read_rows(jpeg, out->data, info->output_width * pixel_bytes, info->output_height);
  if (info->output_scanline == info->output_height) jpeg_finish_decompress(info);
  else jpeg_abort_decompress(info);
  return jpeg->damage == 0 ? NA_OK : fail_image(jpeg, err);
}
