/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/samples.h"
#include "core/base/memory.h"
#include "datasets/image.h"
#include "tui/output.h"
#include "tui/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- loading */

/* Normalised value back to a byte. */
static uint8_t colour(const na_dataset_info *info, int channel, float value)
{
  double v = 255 * ((double)value * info->std[channel] + info->mean[channel]);
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : lrint(v));
}

static void copy_image(const na_dataset_info *info, const na_batch *batch, int n, uint8_t *out)
{
  size_t plane = (size_t)info->height * (size_t)info->width;
  for (size_t p = 0; p < plane; p++)
    for (int c = 0; c < 3; c++) {
      int channel = c < info->channels ? c : 0;
      size_t block = (size_t)channel * (size_t)batch->blocks + (size_t)(n / NA_LANES);
      float value = batch->images[(block * plane + p) * NA_LANES + (size_t)(n % NA_LANES)];
      out[3 * p + (size_t)c] = colour(info, channel, value);
    }
}

static int caption(const na_dataset_info *info, const na_batch *batch, int n, char **out,
                   na_error *err)
{
  const char *name = info->class_names[batch->labels[n]];
  na_buffer text = {0};
  float share = batch->shares != NULL ? batch->shares[n] : 0;
  if (share > 0 && batch->others[n] != batch->labels[n])
    na_buffer_add(&text, "%s %.0f%% %s %.0f%%", name, 100 * (1 - (double)share),
                  info->class_names[batch->others[n]], 100 * (double)share);
  else
    na_buffer_add(&text, "%s", name);
  if (text.failed) return na_fail_memory(err, strlen(name), "a caption");
  *out = text.data;
  return NA_OK;
}

static int take(na_samples *samples, const na_dataset_info *info, na_source *source, int wanted,
                na_error *err)
{
  const na_batch *batch;
  size_t bytes = 3 * (size_t)info->height * (size_t)info->width;
  int code = 1;
  while (samples->count < wanted && (code = source->next(source, &batch, err)) == 1)
    for (int n = 0; n < batch->count && samples->count < wanted; n++) {
      copy_image(info, batch, n, samples->pixels + (size_t)samples->count * bytes);
      code = caption(info, batch, n, &samples->captions[samples->count], err);
      if (code != NA_OK) return code;
      samples->count++;
    }
  return code < 0 ? code : NA_OK;
}

int na_samples_load(na_samples *samples, na_dataset *dataset, na_split split, int epoch, int count,
                    na_error *err)
{
  na_dataset_info info;
  na_source *source = NULL;
  na_dataset_describe(dataset, &info);
  size_t bytes = 3 * (size_t)info.height * (size_t)info.width;
  *samples = (na_samples){.height = info.height, .width = info.width};
  samples->pixels = na_alloc_array((size_t)count, bytes);
  samples->captions = na_alloc_array((size_t)count, sizeof *samples->captions);
  int code = NA_OK;
  if (samples->pixels == NULL || samples->captions == NULL)
    code = na_fail_memory(err, (size_t)count * bytes, "images to show");
  if (code == NA_OK) code = na_dataset_source(dataset, split, 0, &source, err);
  if (code == NA_OK) code = source->start(source, (uint64_t)epoch, 0, err);
  if (code == NA_OK) code = take(samples, &info, source, count, err);
  na_source_free(source);
  return code;
}

void na_samples_free(na_samples *samples)
{
  for (int n = 0; n < samples->count; n++) na_free(samples->captions[n]);
  na_free(samples->captions);
  na_free(samples->pixels);
  *samples = (na_samples){0};
}

/* --------------------------------------------------------------------------------------- a sheet */

enum { SHEET_COLUMNS = 8, SHEET_SIDE = 96, SHEET_GAP = 4, SHEET_WHITE = 255 };

static const uint8_t *pixel_of(const na_samples *samples, int n, int y, int x)
{
  size_t row = (size_t)n * (size_t)samples->height + (size_t)y;
  return samples->pixels + 3 * (row * (size_t)samples->width + (size_t)x);
}

static void place(const na_samples *samples, int n, int scale, const na_image *sheet, int top,
                  int left, uint8_t *pixels)
{
  for (int y = 0; y < samples->height * scale; y++)
    for (int x = 0; x < samples->width * scale; x++) {
      size_t at = (size_t)(top + y) * (size_t)sheet->width + (size_t)(left + x);
      memcpy(pixels + 3 * at, pixel_of(samples, n, y / scale, x / scale), 3);
    }
}

static int print_captions(const na_samples *samples, int columns, na_error *err)
{
  na_table table = {.layout = &"llllllll"[SHEET_COLUMNS - columns]};
  int cells = (samples->count + columns - 1) / columns * columns;
  for (int n = 0; n < cells; n++)
    na_table_add(&table, "%s", n < samples->count ? samples->captions[n] : "");
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static int write_sheet(const na_samples *samples, int columns, FILE *file, na_error *err)
{
  int side = samples->width > samples->height ? samples->width : samples->height;
  int scale = side < SHEET_SIDE ? SHEET_SIDE / side : 1, rows = (samples->count - 1) / columns + 1;
  int across = samples->width * scale + SHEET_GAP, down = samples->height * scale + SHEET_GAP;
  na_image sheet = {3, rows * down - SHEET_GAP, columns * across - SHEET_GAP, NULL};
  size_t bytes = 3 * (size_t)sheet.height * (size_t)sheet.width;
  uint8_t *pixels = na_alloc(bytes);
  if (pixels == NULL) return na_fail_memory(err, bytes, "a sheet of images");
  memset(pixels, SHEET_WHITE, bytes);
  for (int n = 0; n < samples->count; n++)
    place(samples, n, scale, &sheet, n / columns * down, n % columns * across, pixels);
  sheet.pixels = pixels;
  int code = na_png_write(file, &sheet, err);
  na_free(pixels);
  return code;
}

int na_samples_write(const na_samples *samples, const char *path, na_error *err)
{
  na_output output;
  int columns = samples->count < SHEET_COLUMNS ? samples->count : SHEET_COLUMNS;
  int code = na_output_begin(&output, path, err);
  if (code != NA_OK) return code;
  code = na_output_end(&output, write_sheet(samples, columns, output.file, err), err);
  return code == NA_OK && output.file != stdout ? print_captions(samples, columns, err) : code;
}

/* ------------------------------------------------------------------------------------ a terminal */

/* Columns of a picture at the most, and of the gap between two. */
enum { PICTURE_MAX = 24, PICTURE_GAP = 1 };

typedef struct picture {
  int columns, lines; /* in characters; a character is two pixels high */
} picture;

/* Mean colour of what pixel (x, y) of a picture stands for; black below the image. */
static void mean_colour(const na_samples *samples, int n, const picture *size, int y, int x,
                        int mean[3])
{
  int columns = size->columns, rows = 2 * size->lines, sum[3] = {0}, count = 0;
  int top = y * samples->height / rows, bottom = ((y + 1) * samples->height + rows - 1) / rows;
  int left = x * samples->width / columns;
  int right = ((x + 1) * samples->width + columns - 1) / columns;
  for (int j = top; j < bottom; j++)
    for (int i = left; i < right; i++, count++)
      for (int c = 0; c < 3; c++) sum[c] += pixel_of(samples, n, j, i)[c];
  for (int c = 0; c < 3; c++) mean[c] = (sum[c] + count / 2) / count;
}

/* Appends the escape sequence for a colour of the foreground (38) or background (48): direct, or the
 * nearest of the 6 x 6 x 6 cube of 256 colours. */
static void add_colour(const na_terminal *terminal, int which, const int c[3], na_buffer *out)
{
  if (terminal->colours > 256)
    na_buffer_add(out, "\033[%d;2;%d;%d;%dm", which, c[0], c[1], c[2]);
  else {
    int level[3];
    for (int i = 0; i < 3; i++) level[i] = (c[i] * 5 + 127) / 255;
    na_buffer_add(out, "\033[%d;5;%dm", which, 16 + 36 * level[0] + 6 * level[1] + level[2]);
  }
}

static void add_line(const na_samples *samples, int n, const picture *size, int line,
                     const na_terminal *terminal, na_buffer *out)
{
  for (int x = 0; x < size->columns; x++) {
    int upper[3], lower[3];
    mean_colour(samples, n, size, 2 * line, x, upper);
    mean_colour(samples, n, size, 2 * line + 1, x, lower);
    add_colour(terminal, 38, upper, out);
    add_colour(terminal, 48, lower, out);
    na_buffer_add(out, "\u2580");
  }
  na_buffer_add(out, "\033[0m");
}

/* As much of the caption as fits, padded to the picture's width; control characters become '?'. */
static void add_caption(const char *text, int columns, na_buffer *out)
{
  int used = 0;
  for (; *text != '\0'; text++) {
    bool first = ((unsigned char)*text & 0xC0) != 0x80;
    if (first && used == columns) break;
    used += first;
    na_buffer_add(out, "%c", (unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
  }
  na_buffer_add(out, "%*s", columns - used, "");
}

static void add_row(const na_samples *samples, int first, int last, const picture *size,
                    const na_terminal *terminal, na_buffer *out)
{
  for (int line = 0; line < size->lines; line++) {
    for (int n = first; n < last; n++) {
      na_buffer_add(out, "%*s", n > first ? PICTURE_GAP : 0, "");
      add_line(samples, n, size, line, terminal, out);
    }
    na_buffer_add(out, "\n");
  }
  for (int n = first; n < last; n++) {
    na_buffer_add(out, "%*s", n > first ? PICTURE_GAP : 0, "");
    add_caption(samples->captions[n], size->columns, out);
  }
  na_buffer_add(out, "\n");
}

int na_samples_print(const na_samples *samples, const na_terminal *terminal, na_error *err)
{
  if (!terminal->utf8 || terminal->colours < 256) {
    na_fail(err, NA_EINVAL, "pictures need a terminal with 256 colours and UTF-8");
    return na_hint(err, "name a PNG file to write them to: netaug data show NAME sheet.png");
  }
  int room = terminal->width + PICTURE_GAP, across = room / (PICTURE_MAX + PICTURE_GAP);
  if (across < 1) across = 1;
  picture size = {room / across - PICTURE_GAP, 0};
  if (size.columns > samples->width) size.columns = samples->width;
  across = room / (size.columns + PICTURE_GAP);
  size.lines = (size.columns * samples->height / samples->width + 1) / 2;
  if (size.lines < 1) size.lines = 1;
  na_buffer out = {0};
  for (int n = 0; n < samples->count; n += across) {
    int last = n + across < samples->count ? n + across : samples->count;
    add_row(samples, n, last, &size, terminal, &out);
  }
  int code = out.failed ? na_fail_memory(err, out.length, "pictures") : NA_OK;
  if (code == NA_OK) fwrite(out.data, 1, out.length, stdout);
  na_free(out.data);
  return code;
}
