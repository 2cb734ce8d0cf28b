/* Decoding JPEG and PNG: every kind of pixel, every orientation, and damage.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/random.h"
#include "datasets/image.h"
#include "tests/check.h"
#include "tests/data_files.h"

#include <stdint.h>

static char root[FILES_PATH_MAX];
static na_decoder *decoder;
static na_error err;

static void begin(void)
{
  na_error_clear(&err);
  files_new(root);
  CHECK_OK(na_decoder_new(&decoder, &err), err);
}

static void end(void)
{
  na_decoder_free(decoder);
  files_remove(root);
}

static int decode(const char *name, int shrink, na_image *image)
{
  na_image info;
  int code = na_decoder_open(decoder, files_path(root, name), &info, &err);
  return code != 0 ? code : na_decoder_read(decoder, shrink, NULL, image, &err);
}

/* A smooth picture, which JPEG keeps well: channel c of (x, y). */
static int smooth(int x, int y, int c)
{
  return 40 + (c == 0 ? 3 * x : c == 1 ? 4 * y : x + 2 * y);
}

static uint8_t *picture(int width, int height, int channels)
{
  uint8_t *pixels = malloc((size_t)(width * height * channels)), *at = pixels;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++) *at++ = (uint8_t)smooth(x, y, c);
  return pixels;
}

static void check_smooth(const na_image *image, int tolerance, const char *what)
{
  int worst = 0;
  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++)
      for (int c = 0; c < image->channels; c++) {
        int got = image->pixels[(y * image->width + x) * image->channels + c];
        int off = abs(got - smooth(x, y, c));
        if (off > worst) worst = off;
      }
  CHECK(worst <= tolerance, "%s: off by %d of 255", what, worst);
}

static void jpeg_grey_and_rgb(void)
{
  begin();
  for (int channels = 1; channels <= 3; channels += 2)
    for (int progressive = 0; progressive < 2; progressive++) {
      uint8_t *pixels = picture(37, 21, channels);
      files_write_jpeg(root, "a.jpg", &(files_jpeg){.width = 37, .height = 21, .channels = channels,
                                                    .pixels = pixels, .progressive = progressive});
      na_image image;
      CHECK_OK(decode("a.jpg", 1, &image), err);
      CHECK(image.width == 37 && image.height == 21 && image.channels == channels,
            "shape %dx%dx%d", image.width, image.height, image.channels);
      check_smooth(&image, 3, channels == 1 ? "grey" : "RGB");
      free(pixels);
    }
  end();
}

/* The pixels an inverted (Adobe) or straight CMYK value stands for. */
static void jpeg_cmyk(void)
{
  begin();
  static const uint8_t ink[4] = {200, 150, 100, 220};
  uint8_t pixels[16 * 16 * 4];
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = ink[i % 4];
  for (int kind = 0; kind < 3; kind++) {
    files_write_jpeg(root, "c.jpg", &(files_jpeg){.width = 16, .height = 16, .channels = 4,
                                                  .pixels = pixels, .ycck = kind == 1,
                                                  .no_adobe = kind == 2});
    na_image image;
    CHECK_OK(decode("c.jpg", 1, &image), err);
    CHECK(image.channels == 3 && image.width == 16 && image.height == 16, "shape of CMYK");
    for (int c = 0; c < 3; c++)
      for (int p = 0; p < 256; p += 51) {
        double wanted =
            kind == 2 ? (255 - ink[c]) * (255 - ink[3]) / 255.0 : ink[c] * ink[3] / 255.0;
        CHECK(fabs(image.pixels[3 * p + c] - wanted) <= 3, "kind %d channel %d: %d, wanted %.0f",
              kind, c, image.pixels[3 * p + c], wanted);
      }
  }
  end();
}

/* -------------------------------------------------------------------------------- parts of JPEGs */

enum { PART_WIDTH = 161, PART_HEIGHT = 118 };

/* Noise: every pixel matters. */
static uint8_t *noise(int channels)
{
  size_t count = (size_t)(PART_WIDTH * PART_HEIGHT * channels);
  uint8_t *pixels = malloc(count);
  for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)na_random_bits(3, i);
  return pixels;
}

static uint8_t *copy_pixels(const na_image *image)
{
  size_t count = (size_t)image->channels * (size_t)image->height * (size_t)image->width;
  uint8_t *copy = malloc(count);
  memcpy(copy, image->pixels, count);
  return copy;
}

static na_window draw_window(na_random *random, const na_image *whole)
{
  na_window w = {.prove = na_random_below(random, 2) == 0};
  w.left = (int)na_random_below(random, (uint32_t)whole->width);
  w.top = (int)na_random_below(random, (uint32_t)whole->height);
  w.right = w.left + 1 + (int)na_random_below(random, (uint32_t)(whole->width - w.left));
  w.bottom = w.top + 1 + (int)na_random_below(random, (uint32_t)(whole->height - w.top));
  return w;
}

static void check_window(int shrink, const na_window *w, const na_image *whole, const uint8_t *wanted,
                         const char *what)
{
  na_image info, part;
  CHECK_OK(na_decoder_open(decoder, files_path(root, "p.jpg"), &info, &err), err);
  CHECK_OK(na_decoder_read(decoder, shrink, w, &part, &err), err);
  CHECK(part.width == whole->width && part.height == whole->height, "%s: the shape stays", what);
  size_t channels = (size_t)whole->channels, wrong = 0;
  for (int y = w->top; y < w->bottom; y++) {
    size_t at = channels * ((size_t)y * (size_t)whole->width + (size_t)w->left);
    for (size_t i = 0; i < channels * (size_t)(w->right - w->left); i++)
      wrong += part.pixels[at + i] != wanted[at + i];
  }
  CHECK(wrong == 0, "%s, 1/%d, %d-%d x %d-%d: %zu values differ", what, shrink, w->left, w->right, w->top,
        w->bottom, wrong);
}

/* A window has the bits of the whole, whatever the kind of file; also of one that has to be turned. */
static void jpeg_windows_are_parts_of_the_whole(void)
{
  static const struct {
    const char *name;
    files_jpeg file;
  } kinds[] = {{"RGB", {.channels = 3}},
               {"grey", {.channels = 1}},
               {"CMYK", {.channels = 4}},
               {"4:2:2", {.channels = 3, .halved = 1}},
               {"4:2:0", {.channels = 3, .halved = 2}},
               {"4:2:0 progressive", {.channels = 3, .halved = 2, .progressive = 1}},
               {"progressive", {.channels = 3, .progressive = 1}},
               {"turned", {.channels = 3, .orientation = 6}}};
  na_random random = na_random_at(1, 1, 1);
  begin();
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    files_jpeg file = kinds[k].file;
    uint8_t *pixels = noise(file.channels);
    file.width = PART_WIDTH;
    file.height = PART_HEIGHT;
    file.pixels = pixels;
    file.quality = 90;
    files_write_jpeg(root, "p.jpg", &file);
    for (int shrink = 1; shrink <= 8; shrink *= 2) {
      na_image whole;
      CHECK_OK(decode("p.jpg", shrink, &whole), err);
      uint8_t *wanted = copy_pixels(&whole);
      for (int i = 0; i < 60; i++) {
        na_window w = draw_window(&random, &whole);
        check_window(shrink, &w, &whole, wanted, kinds[k].name);
      }
      free(wanted);
    }
    free(pixels);
  }
  end();
}

/* Damage behind the window is found where that is asked for, and only there. */
static void damage_behind_a_window(void)
{
  size_t bytes;
  uint8_t *pixels = noise(3);
  begin();
  files_write_jpeg(root, "p.jpg", &(files_jpeg){.width = PART_WIDTH, .height = PART_HEIGHT, .channels = 3,
                                                .pixels = pixels});
  free(files_read(root, "p.jpg", &bytes));
  files_cut(root, "p.jpg", bytes * 3 / 4);
  na_window window = {10, 8, 90, 60, true};
  na_image info, image;
  CHECK_OK(na_decoder_open(decoder, files_path(root, "p.jpg"), &info, &err), err);
  CHECK_FAILS(na_decoder_read(decoder, 1, &window, &image, &err), NA_EFORMAT, "p.jpg: cannot decode", err);
  window.prove = false;
  CHECK_OK(na_decoder_open(decoder, files_path(root, "p.jpg"), &info, &err), err);
  CHECK_OK(na_decoder_read(decoder, 1, &window, &image, &err), err);
  window.bottom = 110;
  CHECK_OK(na_decoder_open(decoder, files_path(root, "p.jpg"), &info, &err), err);
  CHECK_FAILS(na_decoder_read(decoder, 1, &window, &image, &err), NA_EFORMAT, "p.jpg: cannot decode", err);
  free(pixels);
  end();
}

static void jpeg_shrinks(void)
{
  begin();
  uint8_t *pixels = picture(50, 41, 3);
  files_write_jpeg(root, "s.jpg", &(files_jpeg){.width = 50, .height = 41, .channels = 3,
                                                .pixels = pixels});
  for (int shrink = 2; shrink <= 8; shrink *= 2) {
    na_image image;
    CHECK_OK(decode("s.jpg", shrink, &image), err);
    CHECK(image.width == (50 + shrink - 1) / shrink && image.height == (41 + shrink - 1) / shrink,
          "1/%d of 50x41 is %dx%d", shrink, image.width, image.height);
    int worst = 0; /* a pixel is the mean of its square: the picture at the square's centre */
    for (int y = 0; y < 41 / shrink; y++)
      for (int x = 0; x < 50 / shrink; x++)
        for (int c = 0; c < 3; c++) {
          double half = (shrink - 1) / 2.0;
          int wanted = smooth(x * shrink, y * shrink, c);
          wanted += (int)(half * (c == 0 ? 3 : c == 1 ? 4 : 3));
          int off = abs(image.pixels[(y * image.width + x) * 3 + c] - wanted);
          if (off > worst) worst = off;
        }
    CHECK(worst <= 5, "1/%d: off by %d", shrink, worst);
  }
  free(pixels);
  end();
}

/* Where a person sees the stored pixel (row r, column c): EXIF says on which side the first row
 * and the first column are seen. */
static void seen_at(int orientation, int r, int c, int rows, int columns, int *x, int *y)
{
  static const char row_side[9] = " TTBBLRRL", column_side[9] = " LRRLTTBB";
  int far_r = rows - 1 - r, far_c = columns - 1 - c;
  switch (row_side[orientation]) {
  case 'T': *y = r; break;
  case 'B': *y = far_r; break;
  case 'L': *x = r; break;
  default: *x = far_r; break;
  }
  switch (column_side[orientation]) {
  case 'L': *x = c; break;
  case 'R': *x = far_c; break;
  case 'T': *y = c; break;
  default: *y = far_c; break;
  }
}

static void check_turned(const na_image *image, int orientation, int tolerance, const char *what)
{
  int worst = 0;
  for (int r = 0; r < 16; r++)
    for (int c = 0; c < 24; c++) {
      int x = 0, y = 0;
      seen_at(orientation, r, c, 16, 24, &x, &y);
      for (int k = 0; k < 3; k++) {
        int off = abs(image->pixels[(y * image->width + x) * 3 + k] - smooth(c, r, k));
        if (off > worst) worst = off;
      }
    }
  CHECK(worst <= tolerance, "%s orientation %d: off by %d", what, orientation, worst);
}

static void orientation_is_honoured(void)
{
  begin();
  uint8_t *pixels = picture(24, 16, 3);
  for (int orientation = 1; orientation <= 8; orientation++) {
    na_image info, image;
    files_write_jpeg(root, "o.jpg", &(files_jpeg){.width = 24, .height = 16, .channels = 3,
                                                  .pixels = pixels, .orientation = orientation,
                                                  .big_endian = orientation % 2});
    CHECK_OK(na_decoder_open(decoder, files_path(root, "o.jpg"), &info, &err), err);
    CHECK((info.width == 16) == (orientation >= 5), "orientation %d: width %d before decoding",
          orientation, info.width);
    CHECK_OK(decode("o.jpg", 1, &image), err);
    check_turned(&image, orientation, 3, "JPEG");
    files_write_png(root, "o.png", &(files_png){.width = 24, .height = 16, .channels = 3,
                                                .pixels = pixels, .orientation = orientation});
    CHECK_OK(decode("o.png", 1, &image), err);
    check_turned(&image, orientation, 0, "PNG");
  }
  free(pixels);
  end();
}

static void exif_that_lies_is_ignored(void)
{
  static const uint8_t good[22] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6};
  uint8_t block[22];
  CHECK(na_exif_orientation(good, sizeof good) == 6, "the good block says 6");
  for (size_t bytes = 0; bytes < sizeof good; bytes++)
    CHECK(na_exif_orientation(good, bytes) == 1, "%zu bytes of it say nothing", bytes);
  for (int at = 0; at < 20; at++)
    for (int value = 0; value < 256; value += 15) {
      memcpy(block, good, sizeof block);
      block[at] = (uint8_t)value;
      int got = na_exif_orientation(block, sizeof block);
      CHECK(got >= 1 && got <= 8, "byte %d = %d gives %d", at, value, got);
    }
}

static void png_grey_rgb_palette(void)
{
  begin();
  na_image image;
  for (int channels = 1; channels <= 3; channels += 2)
    for (int interlaced = 0; interlaced < 2; interlaced++) {
      uint8_t *pixels = picture(19, 13, channels);
      files_write_png(root, "p.png", &(files_png){.width = 19, .height = 13, .channels = channels,
                                                  .pixels = pixels, .interlaced = interlaced});
      CHECK_OK(decode("p.png", 8, &image), err);
      CHECK(image.width == 19 && image.height == 13 && image.channels == channels,
            "shape %dx%dx%d", image.width, image.height, image.channels);
      check_smooth(&image, 0, "PNG");
      free(pixels);
    }
  static const uint8_t colours[9] = {10, 20, 30, 40, 50, 60, 70, 80, 90};
  static const uint8_t indices[4] = {2, 0, 1, 2};
  files_write_png(root, "i.png", &(files_png){.width = 2, .height = 2, .channels = 1,
                                              .pixels = indices, .palette = 3, .colours = colours});
  CHECK_OK(decode("i.png", 1, &image), err);
  CHECK(image.channels == 3, "a palette gives RGB");
  for (int p = 0; p < 4; p++)
    CHECK(memcmp(image.pixels + 3 * p, colours + 3 * indices[p], 3) == 0, "colour of pixel %d", p);
  end();
}

static void png_depths_and_alpha(void)
{
  begin();
  na_image image;
  static const uint8_t deep[8] = {0x12, 0xf0, 0xff, 0xff, 0, 0, 0x80, 0x7f}; /* 16 bits */
  files_write_png(root, "16.png", &(files_png){.width = 2, .height = 2, .channels = 1, .depth = 16,
                                               .pixels = deep});
  CHECK_OK(decode("16.png", 1, &image), err);
  static const double wanted[4] = {0x12f0 / 257.0, 255, 0, 0x807f / 257.0};
  for (int p = 0; p < 4; p++)
    CHECK(fabs(image.pixels[p] - wanted[p]) <= 0.5, "16-bit pixel %d is %d", p, image.pixels[p]);
  static const uint8_t bits[2] = {0xa0, 0x40}; /* 1 bit: 1 0 1, 0 1 0 */
  files_write_png(root, "1.png", &(files_png){.width = 3, .height = 2, .channels = 1, .depth = 1,
                                              .pixels = bits});
  CHECK_OK(decode("1.png", 1, &image), err);
  for (int p = 0; p < 6; p++)
    CHECK(image.pixels[p] == (p % 2 == 0 ? 255 : 0), "1-bit pixel %d is %d", p, image.pixels[p]);
  static const uint8_t glass[12] = {100, 150, 200, 0, 100, 150, 200, 255, 100, 150, 200, 128};
  files_write_png(root, "a.png", &(files_png){.width = 3, .height = 1, .channels = 4,
                                              .pixels = glass});
  CHECK_OK(decode("a.png", 1, &image), err);
  CHECK(image.channels == 3, "alpha is gone");
  for (int p = 0; p < 3; p++)
    for (int c = 0; c < 3; c++) {
      double alpha = glass[4 * p + 3] / 255.0, seen = alpha * glass[c] + (1 - alpha) * 255;
      CHECK(fabs(image.pixels[3 * p + c] - seen) <= 0.51, "on white: %d, wanted %.1f",
            image.pixels[3 * p + c], seen);
    }
  static const uint8_t grey[4] = {80, 255, 80, 0};
  files_write_png(root, "ga.png", &(files_png){.width = 2, .height = 1, .channels = 2,
                                               .pixels = grey});
  CHECK_OK(decode("ga.png", 1, &image), err);
  CHECK(image.channels == 1 && image.pixels[0] == 80 && image.pixels[1] == 255, "grey on white");
  end();
}

static void bad_files_are_named(void)
{
  begin();
  na_image image;
  files_text(root, "empty.jpg", "");
  CHECK_FAILS(decode("empty.jpg", 1, &image), NA_EFORMAT, "empty.jpg: the file is empty", err);
  files_text(root, "text.jpg", "This is not an image.\n");
  CHECK_FAILS(decode("text.jpg", 1, &image), NA_EFORMAT, "text.jpg: it is neither", err);
  CHECK_FAILS(decode("none.jpg", 1, &image), NA_EIO, "none.jpg: No such file", err);
  files_folder(root, "folder.jpg");
  CHECK_FAILS(decode("folder.jpg", 1, &image), NA_EFORMAT, "folder.jpg: it is not a file", err);
  files_write(root, "head.jpg", "\xff\xd8\xff\xe0", 4);
  CHECK_FAILS(decode("head.jpg", 1, &image), NA_EFORMAT, "head.jpg", err);
  files_write(root, "head.png", "\x89PNG\r\n\x1a\n", 8);
  CHECK_FAILS(decode("head.png", 1, &image), NA_EFORMAT, "head.png: cannot decode the PNG", err);
  CHECK_FAILS(na_decoder_read(decoder, 1, NULL, &image, &err), NA_EINVAL, "no image is open", err);
  end();
}

/* Cut anywhere, an image must be refused, never half shown, and the decoder must go on working. */
static void truncation_is_found(void)
{
  begin();
  uint8_t *pixels = picture(40, 40, 3);
  for (int kind = 0; kind < 3; kind++) {
    const char *name = kind == 2 ? "t.png" : "t.jpg";
    if (kind == 2)
      files_write_png(root, name, &(files_png){.width = 40, .height = 40, .channels = 3,
                                               .pixels = pixels});
    else
      files_write_jpeg(root, name, &(files_jpeg){.width = 40, .height = 40, .channels = 3,
                                                 .pixels = pixels, .progressive = kind});
    size_t count;
    uint8_t *bytes = files_read(root, name, &count);
    na_image image;
    for (size_t cut = 1; cut + 4 < count; cut += 1 + count / 60) {
      files_write(root, "cut", bytes, cut);
      na_error_clear(&err);
      int code = decode("cut", 1, &image);
      CHECK(code == NA_EFORMAT, "%s cut to %zu of %zu: %d %s", name, cut, count, code, err.message);
    }
    na_error_clear(&err);
    CHECK_OK(decode(name, 1, &image), err);
    check_smooth(&image, 3, "after the damaged ones");
    free(bytes);
  }
  free(pixels);
  end();
}

/* Any byte may be wrong: no crash, and sizes always within the promised bounds. */
static void garbled_files_do_no_harm(void)
{
  begin();
  uint8_t *pixels = picture(24, 16, 3);
  files_write_jpeg(root, "g.jpg", &(files_jpeg){.width = 24, .height = 16, .channels = 3,
                                                .pixels = pixels, .quality = 60, .orientation = 6});
  files_write_png(root, "g.png", &(files_png){.width = 24, .height = 16, .channels = 3,
                                              .pixels = pixels});
  for (int kind = 0; kind < 2; kind++) {
    size_t count;
    uint8_t *bytes = files_read(root, kind ? "g.png" : "g.jpg", &count);
    for (size_t at = 0; at < count; at += 1 + count / 400)
      for (int turn = 0; turn < 3; turn++) {
        static const uint8_t flips[3] = {0xff, 0x01, 0x80};
        na_image image;
        bytes[at] ^= flips[turn];
        files_write(root, "garbled", bytes, count);
        bytes[at] ^= flips[turn];
        na_error_clear(&err);
        if (decode("garbled", 1, &image) != 0) {
          CHECK(err.message[0] != '\0', "an error without words at byte %zu", at);
          continue;
        }
        unsigned sum = 0;
        size_t size = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
        for (size_t i = 0; i < size; i++) sum += image.pixels[i];
        CHECK(size <= 300000000 && sum <= 255 * size, "shape %dx%dx%d", image.width, image.height,
              image.channels);
      }
    free(bytes);
  }
  free(pixels);
  end();
}

/* Changes the size in a PNG's header, with its checksum (ISO 15948, annex D). */
static void claim_png_size(const char *name, uint32_t width, uint32_t height)
{
  size_t count;
  uint8_t *bytes = files_read(root, name, &count);
  uint32_t crc = 0xffffffff;
  for (int i = 0; i < 4; i++) {
    bytes[16 + i] = (uint8_t)(width >> (24 - 8 * i));
    bytes[20 + i] = (uint8_t)(height >> (24 - 8 * i));
  }
  for (int i = 12; i < 29; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(~crc >> (24 - 8 * i));
  files_write(root, name, bytes, count);
  free(bytes);
}

static void hostile_sizes_are_refused(void)
{
  begin();
  uint8_t *pixels = picture(16, 16, 3);
  na_image image;
  size_t count;
  files_write_jpeg(root, "h.jpg", &(files_jpeg){.width = 16, .height = 16, .channels = 3,
                                                .pixels = pixels});
  uint8_t *bytes = files_read(root, "h.jpg", &count);
  size_t frame = 0;
  for (size_t i = 0; i + 1 < count && frame == 0; i++)
    if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) frame = i; /* height and width follow at 5 */
  for (int i = 5; i < 9; i++) bytes[frame + (size_t)i] = 0xff;
  files_write(root, "h.jpg", bytes, count);
  /* libjpeg's own limit comes first. */
  CHECK_FAILS(decode("h.jpg", 1, &image), NA_EFORMAT, "h.jpg", err);
  for (int i = 5; i < 9; i++) bytes[frame + (size_t)i] = (i % 2) ? 0xf0 : 0;
  files_write(root, "h.jpg", bytes, count);
  CHECK_FAILS(decode("h.jpg", 1, &image), NA_EFORMAT, "at most 100 million", err);
  for (int i = 5; i < 9; i++) bytes[frame + (size_t)i] = (i % 2) ? 0x20 : 0;
  files_write(root, "h.jpg", bytes, count);
  CHECK_FAILS(decode("h.jpg", 1, &image), NA_EFORMAT, "impossible in a file of", err);
  free(bytes);
  files_write_png(root, "h.png", &(files_png){.width = 16, .height = 16, .channels = 3,
                                              .pixels = pixels});
  claim_png_size("h.png", 60000, 60000);
  CHECK_FAILS(decode("h.png", 1, &image), NA_EFORMAT, "at most 100 million", err);
  claim_png_size("h.png", 9000, 9000);
  CHECK_FAILS(decode("h.png", 1, &image), NA_EFORMAT, "impossible in a file of", err);
  claim_png_size("h.png", 16, 16);
  CHECK_OK(decode("h.png", 1, &image), err);
  free(pixels);
  end();
}

int main(void)
{
  RUN(jpeg_grey_and_rgb);
  RUN(jpeg_cmyk);
  RUN(jpeg_shrinks);
  RUN(jpeg_windows_are_parts_of_the_whole);
  RUN(damage_behind_a_window);
  RUN(orientation_is_honoured);
  RUN(exif_that_lies_is_ignored);
  RUN(png_grey_rgb_palette);
  RUN(png_depths_and_alpha);
  RUN(bad_files_are_named);
  RUN(truncation_is_found);
  RUN(garbled_files_do_no_harm);
  RUN(hostile_sizes_are_refused);
  return CHECK_EXIT();
}
