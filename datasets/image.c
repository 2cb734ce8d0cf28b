/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/image.h"
#include "core/base/memory.h"
#include "datasets/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Large enough for any camera, small enough for a loader thread's share of memory. */
static const double pixels_max = 100e6;
static const size_t file_bytes_max = (size_t)256 << 20;

typedef enum kind { KIND_NONE, KIND_JPEG, KIND_PNG } kind;

struct na_decoder {
  kind kind;         /* of the file opened last and not read yet */
  na_header header;
  na_bytes file, pixels, turned;
  size_t file_bytes;
  const char *path;  /* of the file opened last: the caller keeps it until the image is read */
  na_jpeg *jpeg;
  na_png *png;
};

int na_bytes_reserve(na_bytes *bytes, size_t wanted, na_error *err)
{
  if (wanted <= bytes->capacity) return NA_OK;
  size_t capacity = wanted + wanted / 2; /* the next image may be a little larger */
  uint8_t *data = na_alloc(capacity);
  if (data == NULL) return na_fail_memory(err, capacity, "decoding an image");
  na_free(bytes->data);
  *bytes = (na_bytes){data, capacity};
  return NA_OK;
}

int na_header_check(double width, double height, double density, size_t bytes, na_error *err)
{
  if (width < 1 || height < 1) return na_fail(err, NA_EFORMAT, "the image has no pixels");
  if (width * height > pixels_max)
    return na_fail(err, NA_EFORMAT, "it claims %.0f x %.0f pixels; at most %.0f million are taken",
                   width, height, pixels_max / 1e6);
  if (width * height > density * (double)bytes)
    return na_fail(err, NA_EFORMAT,
                   "it claims %.0f x %.0f pixels, impossible in a file of %zu bytes", width, height,
                   bytes);
  return NA_OK;
}

int na_decoder_new(na_decoder **out, na_error *err)
{
  *out = NULL;
  na_decoder *decoder = na_alloc(sizeof *decoder);
  if (decoder == NULL) return na_fail_memory(err, sizeof *decoder, "a decoder");
  int code = na_jpeg_new(&decoder->jpeg, err);
  if (code == NA_OK) code = na_png_new(&decoder->png, err);
  if (code != NA_OK) na_decoder_free(decoder);
  else *out = decoder;
  return code;
}

void na_decoder_free(na_decoder *decoder)
{
  if (decoder == NULL) return;
  na_jpeg_free(decoder->jpeg);
  na_png_free(decoder->png);
  na_free(decoder->file.data);
  na_free(decoder->pixels.data);
  na_free(decoder->turned.data);
  na_free(decoder);
}

/* ------------------------------------------------------------------------------- the file */

static int read_all(int fd, uint8_t *out, size_t bytes, na_error *err)
{
  while (bytes != 0) {
    ssize_t got = read(fd, out, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return na_fail(err, NA_EIO, "cannot read it: %s", strerror(errno));
    if (got == 0) return na_fail(err, NA_EIO, "it became shorter while it was read");
    out += got;
    bytes -= (size_t)got;
  }
  return NA_OK;
}

static int read_file(na_decoder *decoder, const char *path, na_error *err)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang a loader */
  if (fd < 0) return na_fail(err, NA_EIO, "%s", strerror(errno));
  struct stat status;
  int code = NA_OK;
  if (fstat(fd, &status) != 0) code = na_fail(err, NA_EIO, "%s", strerror(errno));
  else if (!S_ISREG(status.st_mode)) code = na_fail(err, NA_EFORMAT, "it is not a file");
  else if (status.st_size == 0) code = na_fail(err, NA_EFORMAT, "the file is empty");
  else if ((unsigned long long)status.st_size > file_bytes_max)
    code = na_fail(err, NA_EFORMAT, "the file is larger than 256 MiB");
  if (code == NA_OK) {
    decoder->file_bytes = (size_t)status.st_size;
    code = na_bytes_reserve(&decoder->file, decoder->file_bytes, err);
  }
  if (code == NA_OK) code = read_all(fd, decoder->file.data, decoder->file_bytes, err);
  close(fd);
  return code;
}

/* The kind by the first bytes, whatever the name says. */
static kind recognise(const uint8_t *data, size_t bytes)
{
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes >= 8 && memcmp(data, png, 8) == 0) return KIND_PNG;
  if (bytes >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff) return KIND_JPEG;
  return KIND_NONE;
}

static int read_header(na_decoder *decoder, na_error *err)
{
  const uint8_t *data = decoder->file.data;
  size_t bytes = decoder->file_bytes;
  decoder->kind = recognise(data, bytes);
  if (decoder->kind == KIND_JPEG)
    return na_jpeg_open(decoder->jpeg, data, bytes, &decoder->header, err);
  if (decoder->kind == KIND_PNG)
    return na_png_open(decoder->png, data, bytes, &decoder->header, err);
  return na_fail(err, NA_EFORMAT, "it is neither a JPEG nor a PNG file");
}

static bool swaps_sides(int orientation) { return orientation >= 5; }

static void describe(const na_header *header, na_image *image)
{
  bool swap = swaps_sides(header->orientation);
  image->channels = header->channels;
  image->height = swap ? header->width : header->height;
  image->width = swap ? header->height : header->width;
  image->pixels = NULL;
}

int na_decoder_open(na_decoder *decoder, const char *path, na_image *info, na_error *err)
{
  na_error own = {0};
  decoder->kind = KIND_NONE;
  decoder->path = path;
  int code = read_file(decoder, path, &own);
  if (code == NA_OK) code = read_header(decoder, &own);
  if (code != NA_OK) {
    decoder->kind = KIND_NONE;
    return na_fail(err, code, "%s: %s", path, own.message);
  }
  describe(&decoder->header, info);
  return NA_OK;
}

/* ------------------------------------------------------------------------------ orientation */

static unsigned read16(const uint8_t *p, bool little)
{
  return little ? (unsigned)p[0] | (unsigned)p[1] << 8 : (unsigned)p[0] << 8 | p[1];
}

static uint32_t read32(const uint8_t *p, bool little)
{
  uint32_t a = read16(p, little), b = read16(p + 2, little);
  return little ? a | b << 16 : a << 16 | b;
}

int na_exif_orientation(const uint8_t *tiff, size_t bytes)
{
  enum { ORIENTATION = 0x112, SHORT = 3, ENTRY_BYTES = 12 };
  if (bytes < 8) return 1;
  bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  if (read16(tiff + 2, little) != 42) return 1;
  size_t at = read32(tiff + 4, little);
  if (at > bytes - 2) return 1;
  unsigned entries = read16(tiff + at, little);
  for (at += 2; entries > 0 && at + ENTRY_BYTES <= bytes; entries--, at += ENTRY_BYTES) {
    if (read16(tiff + at, little) != ORIENTATION) continue;
    unsigned value = read16(tiff + at + 8, little);
    bool good = read16(tiff + at + 2, little) == SHORT && value >= 1 && value <= 8;
    return good ? (int)value : 1;
  }
  return 1;
}

/* Where the pixel seen at (0, 0) lies in the file, and the steps there for one to the right and
 * one down: EXIF 2.3, tag Orientation. */
typedef struct walk {
  ptrdiff_t start, right, down;
} walk;

static walk walk_of(int orientation, ptrdiff_t height, ptrdiff_t width)
{
  ptrdiff_t last_x = width - 1, last_y = (height - 1) * width;
  switch (orientation) {
  case 2: return (walk){last_x, -1, width};           /* mirrored */
  case 3: return (walk){last_x + last_y, -1, -width}; /* upside down */
  case 4: return (walk){last_y, 1, -width};           /* mirrored upside down */
  case 5: return (walk){0, width, 1};                 /* transposed */
  case 6: return (walk){last_y, -width, 1};           /* to be turned clockwise */
  case 7: return (walk){last_x + last_y, -width, -1}; /* transposed the other way */
  case 8: return (walk){last_x, width, -1};           /* to be turned anticlockwise */
  default: return (walk){0, 1, width};
  }
}

static int turn(na_decoder *decoder, na_image *image, na_error *err)
{
  const na_header *header = &decoder->header;
  size_t channels = (size_t)image->channels;
  int code = na_bytes_reserve(&decoder->turned,
                              channels * (size_t)image->height * (size_t)image->width, err);
  if (code != NA_OK) return code;
  walk step = walk_of(header->orientation, header->height, header->width);
  uint8_t *to = decoder->turned.data;
  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++, to += channels) {
      ptrdiff_t from = step.start + y * step.down + x * step.right;
      memcpy(to, decoder->pixels.data + from * (ptrdiff_t)channels, channels);
    }
  image->pixels = decoder->turned.data;
  return NA_OK;
}

int na_decoder_read(na_decoder *decoder, int shrink, const na_window *window, na_image *image,
                    na_error *err)
{
  na_error own = {0};
  int code;
  if (decoder->header.orientation != 1) window = NULL;
  if (decoder->kind == KIND_JPEG)
    code = na_jpeg_read(decoder->jpeg, shrink, window, &decoder->pixels, &decoder->header, &own);
  else if (decoder->kind == KIND_PNG)
    code = na_png_read(decoder->png, &decoder->pixels, &decoder->header, &own);
  else return na_fail(err, NA_EINVAL, "no image is open to be decoded");
  decoder->kind = KIND_NONE;
  if (code == NA_OK) {
    describe(&decoder->header, image);
    image->pixels = decoder->pixels.data;
    if (decoder->header.orientation != 1) code = turn(decoder, image, &own);
  }
  return code == NA_OK ? NA_OK : na_fail(err, code, "%s: %s", decoder->path, own.message);
}
