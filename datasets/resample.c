/* Separable resizing with a triangle filter. The vertical pass comes first: it runs along
 * contiguous bytes, and leaves only `height` rows to the horizontal one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/transform.h"
#include "datasets/vector.h"

#include <math.h>
#include <string.h>

/* One direction: output i is the sum over k < taps of weights[i * taps + k] * input[starts[i] + k].
 * All outputs have the same number of taps; those not needed weigh 0 and still lie inside. */
typedef struct axis {
  int taps;
  const int *starts;
  const float *weights;
} axis;

int na_scratch_reserve(void **block, size_t *capacity, size_t bytes, na_error *err)
{
  if (bytes <= *capacity) return NA_OK;
  void *larger = na_alloc(bytes + bytes / 2);
  if (larger == NULL) return na_fail_memory(err, bytes, "resizing an image");
  na_free(*block);
  *block = larger;
  *capacity = bytes + bytes / 2;
  return NA_OK;
}

void na_scratch_free(na_scratch *scratch)
{
  na_free(scratch->weights);
  na_free(scratch->row);
  na_free(scratch->starts);
  na_free(scratch->resized);
  na_free(scratch->colours);
  na_free(scratch->spare);
  *scratch = (na_scratch){0};
}

static double triangle(double x) { return fabs(x) < 1 ? 1 - fabs(x) : 0; }

static double filter_width(double length, int outputs)
{
  double reduction = length / outputs;
  return reduction > 1 ? reduction : 1; /* enlarging interpolates between neighbours */
}

/* How many inputs one output can touch: the centres in an open interval of twice the width. */
static int tap_count(double length, int outputs, int inputs)
{
  double taps = ceil(2 * filter_width(length, outputs));
  return taps < inputs ? (int)taps : inputs;
}

/* Weights of one output whose centre lies at `centre`, over inputs low .. high-1. */
static int fill_taps(double centre, double width, int low, int high, int taps, float *weights)
{
  int start = (int)floor(centre - width + 0.5);
  if (start > high - taps) start = high - taps;
  if (start < low) start = low;
  double sum = 0;
  for (int k = 0; k < taps; k++) sum += triangle((start + k + 0.5 - centre) / width);
  for (int k = 0; k < taps; k++)
    weights[k] = (float)(triangle((start + k + 0.5 - centre) / width) / sum);
  return start;
}

/* Maps `outputs` onto the interval at, length of the inputs; taps stay in low .. high-1. */
static void fill_axis(double at, double length, int outputs, int low, int high, int taps,
                      int *starts, float *weights)
{
  double step = length / outputs, width = filter_width(length, outputs);
  for (int i = 0; i < outputs; i++)
    starts[i] =
        fill_taps(at + (i + 0.5) * step, width, low, high, taps, weights + (size_t)i * taps);
}

void na_resample_limits(double at, double length, int inputs, int *low, int *high)
{
  *low = (int)floor(at);
  *high = (int)ceil(at + length);
  if (*low > inputs - 1) *low = inputs - 1;
  if (*low < 0) *low = 0;
  if (*high > inputs) *high = inputs;
  if (*high <= *low) *high = *low + 1;
}

static int reserve(na_scratch *scratch, size_t weights, size_t outputs, size_t floats,
                   na_error *err)
{
  void *blocks[3] = {scratch->weights, scratch->starts, scratch->row};
  int code =
      na_scratch_reserve(&blocks[0], &scratch->weights_capacity, weights * sizeof(float), err);
  if (code == NA_OK)
    code = na_scratch_reserve(&blocks[1], &scratch->starts_capacity, outputs * sizeof(int), err);
  if (code == NA_OK)
    code = na_scratch_reserve(&blocks[2], &scratch->row_capacity, floats * sizeof(float), err);
  scratch->weights = blocks[0];
  scratch->starts = blocks[1];
  scratch->row = blocks[2];
  return code;
}

/* A row has one float more than it needs: RGB is read in fours. */
static size_t row_floats(int channels, int width) { return (size_t)channels * (size_t)width + 1; }

int na_resample_prepare(int channels, int in_height, int in_width, int height, int width,
                        na_scratch *scratch, na_error *err)
{
  size_t x = (size_t)tap_count(in_width, width, in_width) * (size_t)width;
  size_t y = (size_t)tap_count(in_height, height, in_height) * (size_t)height;
  return reserve(scratch, x + y, (size_t)(width + height), row_floats(channels, in_width), err);
}

/* The inputs a box lets the filter see: its own, or all. */
static void limits(double at, double length, bool closed, int inputs, int *low, int *high)
{
  *low = 0;
  *high = inputs;
  if (closed) na_resample_limits(at, length, inputs, low, high);
}

static int make_axes(const na_image *image, const double box[4], bool closed, int height, int width,
                     na_scratch *scratch, axis *vertical, axis *horizontal, na_error *err)
{
  int left, right, top, bottom;
  limits(box[0], box[2], closed, image->width, &left, &right);
  limits(box[1], box[3], closed, image->height, &top, &bottom);
  int taps_x = tap_count(box[2], width, right - left);
  int taps_y = tap_count(box[3], height, bottom - top);
  size_t weights_x = (size_t)taps_x * (size_t)width, weights_y = (size_t)taps_y * (size_t)height;
  int code = reserve(scratch, weights_x + weights_y, (size_t)(width + height),
                     row_floats(image->channels, image->width), err);
  if (code != NA_OK) return code;
  *horizontal = (axis){taps_x, scratch->starts, scratch->weights};
  *vertical = (axis){taps_y, scratch->starts + width, scratch->weights + weights_x};
  fill_axis(box[0], box[2], width, left, right, taps_x, scratch->starts, scratch->weights);
  fill_axis(box[1], box[3], height, top, bottom, taps_y, scratch->starts + width,
            scratch->weights + weights_x);
  return NA_OK;
}

/* sum[i] (+)= weighted sum of two or one of the rows. */
NA_VECTOR
static void add_two(const uint8_t *restrict a, const uint8_t *restrict b, float wa, float wb,
                    bool first, size_t count, float *restrict sum)
{
  if (first)
    for (size_t i = 0; i < count; i++) sum[i] = wa * (float)a[i] + wb * (float)b[i];
  else
    for (size_t i = 0; i < count; i++) sum[i] = sum[i] + wa * (float)a[i] + wb * (float)b[i];
}

NA_VECTOR
static void add_one(const uint8_t *restrict a, float wa, bool first, size_t count,
                    float *restrict sum)
{
  if (first)
    for (size_t i = 0; i < count; i++) sum[i] = wa * (float)a[i];
  else
    for (size_t i = 0; i < count; i++) sum[i] += wa * (float)a[i];
}

/* sum[i] = weighted sum of `taps` rows, `stride` apart; from top to bottom. */
static void add_rows(const uint8_t *rows, size_t stride, int taps, const float *weights,
                     size_t count, float *sum)
{
  int k = 0;
  for (; k + 1 < taps; k += 2) {
    const uint8_t *row = rows + (size_t)k * stride;
    add_two(row, row + stride, weights[k], weights[k + 1], k == 0, count, sum);
  }
  if (k < taps && (k == 0 || weights[k] != 0))
    add_one(rows + (size_t)k * stride, weights[k], k == 0, count, sum);
}

/* One output row. The weights are not negative and sum to 1, so results need no clamping. */
static void shrink_grey(const float *row, int first, const axis *across, int width, bool flip,
                        uint8_t *out)
{
  for (int x = 0; x < width; x++) {
    const float *weights = across->weights + (size_t)x * (size_t)across->taps;
    const float *from = row + (across->starts[x] - first);
    float sum = 0;
    for (int k = 0; k < across->taps; k++) sum += weights[k] * from[k];
    out[flip ? width - 1 - x : x] = (uint8_t)(sum + 0.5f);
  }
}

/* Four floats at once, wherever they lie. */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t quad_int __attribute__((vector_size(16)));

/* The same for RGB: red, green and blue of a pixel, and the next one's red for nothing. */
static void shrink_rgb(const float *row, int first, const axis *across, int width, bool flip,
                       size_t plane, uint8_t *out)
{
  for (int x = 0; x < width; x++) {
    const float *weights = across->weights + (size_t)x * (size_t)across->taps;
    const float *from = row + 3 * (size_t)(across->starts[x] - first);
    quad sum = {0.5f, 0.5f, 0.5f, 0};
    for (int k = 0; k < across->taps; k++) sum += weights[k] * *(const quad *)(from + 3 * k);
    quad_int rounded = __builtin_convertvector(sum, quad_int);
    uint8_t *to = out + (flip ? width - 1 - x : x);
    for (size_t c = 0; c < 3; c++) to[c * plane] = (uint8_t)rounded[c];
  }
}

int na_resample(const na_image *image, const double box[4], bool closed, bool flip, int height,
                int width, na_scratch *scratch, uint8_t *out, na_error *err)
{
  axis vertical, horizontal;
  int code = make_axes(image, box, closed, height, width, scratch, &vertical, &horizontal, err);
  if (code != NA_OK) return code;
  int first = horizontal.starts[0], last = horizontal.starts[width - 1] + horizontal.taps;
  size_t channels = (size_t)image->channels, stride = channels * (size_t)image->width;
  size_t count = (size_t)(last - first) * channels;
  for (int y = 0; y < height; y++) {
    const uint8_t *rows = image->pixels + (size_t)vertical.starts[y] * stride +
                          (size_t)first * channels;
    add_rows(rows, stride, vertical.taps, vertical.weights + (size_t)y * (size_t)vertical.taps,
             count, scratch->row);
    uint8_t *to = out + (size_t)y * (size_t)width;
    if (channels == 1) shrink_grey(scratch->row, first, &horizontal, width, flip, to);
    else
      shrink_rgb(scratch->row, first, &horizontal, width, flip, (size_t)height * (size_t)width, to);
  }
  return NA_OK;
}
