/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _XOPEN_SOURCE 700
#include "tests/data_files.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

static void need(int good, const char *what)
{
  if (good) return;
  perror(what);
  abort();
}

/* valgrind cannot follow what libjpeg-turbo's vector code does with the padding behind a row, and
 * calls pixels undefined that are not; there the plain code runs. */
static void help_valgrind(void)
{
  const char *preload = getenv("LD_PRELOAD");
  if (preload != NULL && strstr(preload, "vgpreload") != NULL) setenv("JSIMD_FORCENONE", "1", 1);
}

void files_new(char root[FILES_PATH_MAX])
{
  help_valgrind();
  const char *place = getenv("TMPDIR");
  snprintf(root, FILES_PATH_MAX, "%s/netaug-test-XXXXXX", place != NULL ? place : "/tmp");
  need(mkdtemp(root) != NULL, root);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
  (void)status, (void)kind, (void)walk;
  return remove(path);
}

void files_remove(const char *root) { nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

const char *files_path(const char *root, const char *name)
{
  static char buffers[8][2 * FILES_PATH_MAX];
  static int turn;
  char *path = buffers[turn++ % 8];
  snprintf(path, sizeof buffers[0], "%s/%s", root, name);
  return path;
}

/* Makes the folders above the last part of path. */
static void make_parents(const char *path)
{
  char copy[2 * FILES_PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(copy, 0777);
    *slash = '/';
  }
}

void files_folder(const char *root, const char *name)
{
  const char *path = files_path(root, name);
  make_parents(path);
  need(mkdir(path, 0777) == 0, path);
}

static FILE *create(const char *root, const char *name)
{
  const char *path = files_path(root, name);
  make_parents(path);
  FILE *file = fopen(path, "wb");
  need(file != NULL, path);
  return file;
}

void files_write(const char *root, const char *name, const void *bytes, size_t count)
{
  FILE *file = create(root, name);
  need(fwrite(bytes, 1, count, file) == count && fclose(file) == 0, name);
}

void files_text(const char *root, const char *name, const char *text)
{
  files_write(root, name, text, strlen(text));
}

void files_gzip(const char *root, const char *name, const void *bytes, size_t count)
{
  fclose(create(root, name));
  gzFile file = gzopen(files_path(root, name), "wb");
  need(file != NULL && gzwrite(file, bytes, (unsigned)count) == (int)count, name);
  need(gzclose(file) == Z_OK, name);
}

uint8_t *files_read(const char *root, const char *name, size_t *count)
{
  struct stat status;
  FILE *file = fopen(files_path(root, name), "rb");
  need(file != NULL && fstat(fileno(file), &status) == 0, name);
  *count = (size_t)status.st_size;
  uint8_t *bytes = malloc(*count + 1);
  need(bytes != NULL && fread(bytes, 1, *count, file) == *count, name);
  fclose(file);
  return bytes;
}

void files_cut(const char *root, const char *name, size_t count)
{
  need(truncate(files_path(root, name), (off_t)count) == 0, name);
}

/* -------------------------------------------------------------------------------------- JPEG */

/* A TIFF block whose only entry is the orientation, after "Exif\0\0". */
static size_t make_exif(uint8_t out[32], int orientation, int big)
{
  static const uint8_t little_block[32] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42,   0, 8,
                                           0,   0,   0,   1,   0, 0x12, 1,  3,  0, 1, 0,
                                           0,   0,   0,   0,   0, 0,   0,   0,  0, 0};
  static const uint8_t big_block[32] = {'E', 'x', 'i', 'f', 0, 0, 'M',  'M', 0, 42, 0,
                                        0,   0,   8,   0,   1, 1, 0x12, 0,   3, 0,  0,
                                        0,   1,   0,   0,   0, 0, 0,    0,   0, 0};
  memcpy(out, big ? big_block : little_block, 32);
  out[big ? 25 : 24] = (uint8_t)orientation;
  return 32;
}

static void set_colours(struct jpeg_compress_struct *info, const files_jpeg *jpeg)
{
  info->input_components = jpeg->channels;
  info->in_color_space =
      jpeg->channels == 1 ? JCS_GRAYSCALE : jpeg->channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(info);
  if (jpeg->ycck) jpeg_set_colorspace(info, JCS_YCCK);
  if (jpeg->no_adobe) info->write_Adobe_marker = FALSE;
  for (int c = 0; c < info->num_components; c++) /* no subsampling: colours stay in place */
    info->comp_info[c].h_samp_factor = info->comp_info[c].v_samp_factor = 1;
  info->comp_info[0].h_samp_factor = jpeg->halved > 0 ? 2 : 1;
  info->comp_info[0].v_samp_factor = jpeg->halved > 1 ? 2 : 1;
  jpeg_set_quality(info, jpeg->quality != 0 ? jpeg->quality : 100, TRUE);
  if (jpeg->progressive) jpeg_simple_progression(info);
}

void files_write_jpeg(const char *root, const char *name, const files_jpeg *jpeg)
{
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  FILE *file = create(root, name);
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, file);
  info.image_width = (JDIMENSION)jpeg->width;
  info.image_height = (JDIMENSION)jpeg->height;
  set_colours(&info, jpeg);
  jpeg_start_compress(&info, TRUE);
  if (jpeg->orientation != 0) {
    uint8_t exif[32];
    size_t bytes = make_exif(exif, jpeg->orientation, jpeg->big_endian);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif, (unsigned)bytes);
  }
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = (JSAMPROW)jpeg->pixels +
                   (size_t)info.next_scanline * (size_t)jpeg->width * (size_t)jpeg->channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  need(fclose(file) == 0, name);
}

/* --------------------------------------------------------------------------------------- PNG */

static int colour_type(const files_png *png)
{
  static const int types[5] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                               PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  return png->palette != 0 ? PNG_COLOR_TYPE_PALETTE : types[png->channels];
}

static void write_header(png_structp out, png_infop info, const files_png *png)
{
  png_set_IHDR(out, info, (png_uint_32)png->width, (png_uint_32)png->height,
               png->depth != 0 ? png->depth : 8, colour_type(png),
               png->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_color colours[256];
  for (int i = 0; i < png->palette; i++)
    colours[i] = (png_color){png->colours[3 * i], png->colours[3 * i + 1], png->colours[3 * i + 2]};
  if (png->palette != 0) png_set_PLTE(out, info, colours, png->palette);
  if (png->orientation != 0) {
    uint8_t exif[32];
    size_t bytes = make_exif(exif, png->orientation, 1);
    png_set_eXIf_1(out, info, (png_uint_32)(bytes - 6), exif + 6);
  }
  png_write_info(out, info);
}

void files_write_png(const char *root, const char *name, const files_png *png)
{
  FILE *file = create(root, name);
  png_structp out = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(out);
  need(out != NULL && info != NULL && setjmp(png_jmpbuf(out)) == 0, name);
  png_init_io(out, file);
  write_header(out, info, png);
  int depth = png->depth != 0 ? png->depth : 8;
  size_t stride = ((size_t)png->width * (size_t)png->channels * (size_t)depth + 7) / 8;
  int passes = png->interlaced ? png_set_interlace_handling(out) : 1;
  for (int pass = 0; pass < passes; pass++)
    for (int y = 0; y < png->height; y++) png_write_row(out, png->pixels + (size_t)y * stride);
  png_write_end(out, info);
  png_destroy_write_struct(&out, &info);
  need(fclose(file) == 0, name);
}

/* --------------------------------------------------------------------------------------- IDX */

static uint8_t *put32(uint8_t *at, uint32_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = (uint8_t)(value >> shift);
  return at;
}

void files_write_idx(const char *root, const char *part, int count, int height, int width,
                     int classes, uint8_t (*pixel)(int image, int place), int gzip)
{
  char name[64];
  size_t pixels = (size_t)height * (size_t)width, bytes = 16 + (size_t)count * pixels;
  uint8_t *file = malloc(bytes), *at = file;
  need(file != NULL, "memory");
  at = put32(put32(put32(put32(at, 0x803), (uint32_t)count), (uint32_t)height), (uint32_t)width);
  for (int i = 0; i < count; i++)
    for (int p = 0; p < (int)pixels; p++) *at++ = pixel(i, p);
  snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", part, gzip ? ".gz" : "");
  (gzip ? files_gzip : files_write)(root, name, file, bytes);
  at = put32(put32(file, 0x801), (uint32_t)count);
  for (int i = 0; i < count; i++) *at++ = (uint8_t)(i % classes);
  snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", part, gzip ? ".gz" : "");
  (gzip ? files_gzip : files_write)(root, name, file, 8 + (size_t)count);
  free(file);
}
