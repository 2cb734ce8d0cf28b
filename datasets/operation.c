/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/operation.h"
#include "datasets/colour.h"
#include "datasets/vector.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ------------------------------------------------------------------------------------ geometry */

/* Output (x, y) shows the input at (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), centres of
 * pixels lying at halves. In 16.16 fixed point, step by step, as Pillow does it: so the same pixels
 * are hit. */
static void move(const double m[6], int channels, int height, int width, uint8_t *planes,
                 uint8_t *spare)
{
  const double one = 65536;
  size_t plane = (size_t)height * (size_t)width;
  int ax = (int)floor(m[0] * one + 0.5), bx = (int)floor(m[1] * one + 0.5);
  int ay = (int)floor(m[3] * one + 0.5), by = (int)floor(m[4] * one + 0.5);
  int row_x = (int)floor((m[2] + 0.5 * m[0] + 0.5 * m[1]) * one + 0.5);
  int row_y = (int)floor((m[5] + 0.5 * m[3] + 0.5 * m[4]) * one + 0.5);
  memcpy(spare, planes, plane * (size_t)channels);
  for (int y = 0; y < height; y++, row_x += bx, row_y += by) {
    int at_x = row_x, at_y = row_y;
    uint8_t *out = planes + (size_t)y * (size_t)width;
    for (int x = 0; x < width; x++, at_x += ax, at_y += ay, out++) {
      int from_x = at_x >> 16, from_y = at_y >> 16;
      bool inside = from_x >= 0 && from_x < width && from_y >= 0 && from_y < height;
      size_t from = inside ? (size_t)from_y * (size_t)width + (size_t)from_x : 0;
      for (size_t c = 0; c < (size_t)channels; c++)
        out[c * plane] = inside ? spare[c * plane + from] : 0;
    }
  }
}

/* The matrix of a geometric operation, from output to input; false: it is none. */
static bool find_matrix(const na_operation *operation, int height, int width, double m[6])
{
  double by = operation->magnitude, angle = -by * PI / 180, x = width / 2.0, y = height / 2.0;
  double c = cos(angle), s = sin(angle);
  m[0] = m[4] = 1;
  m[1] = m[2] = m[3] = m[5] = 0;
  switch (operation->op) {
  case NA_OP_SHEAR_X:
    m[1] = by;
    return true;
  case NA_OP_SHEAR_Y:
    m[3] = by;
    return true;
  case NA_OP_TRANSLATE_X:
    m[2] = -trunc(by);
    return true;
  case NA_OP_TRANSLATE_Y:
    m[5] = -trunc(by);
    return true;
  case NA_OP_ROTATE:
    memcpy(m, (double[6]){c, s, x - c * x - s * y, -s, c, y + s * x - c * y}, 6 * sizeof *m);
    return true;
  default:
    return false;
  }
}

/* ------------------------------------------------------------------------------------ sharpness */

/* Pillow's ImageFilter.SMOOTH: a pixel and its eight neighbours, weighted 5 and 1, of 13, rounded.
 * The border stays. */
NA_VECTOR
static void sharpen_row(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                        float factor, uint8_t *out)
{
  for (int x = 1; x < width - 1; x++) {
    int sum = above[x - 1] + above[x] + above[x + 1] + row[x - 1] + 5 * row[x] + row[x + 1] +
              below[x - 1] + below[x] + below[x + 1];
    out[x] = na_blend((float)((2 * sum + 13) / 26), (float)row[x], factor);
  }
}

static void sharpen(int channels, int height, int width, float factor, uint8_t *planes,
                    uint8_t *spare)
{
  size_t plane = (size_t)height * (size_t)width, row = (size_t)width;
  memcpy(spare, planes, plane * (size_t)channels);
  for (size_t c = 0; c < (size_t)channels; c++)
    for (int y = 1; y < height - 1; y++) {
      size_t at = c * plane + (size_t)y * row;
      sharpen_row(spare + at - row, spare + at, spare + at + row, width, factor, planes + at);
    }
}

/* -------------------------------------------------------------------------------- tables of values
 */

static void look_up(const uint8_t table[256], size_t count, uint8_t *values)
{
  for (size_t i = 0; i < count; i++) values[i] = table[values[i]];
}

/* Values that depend on nothing but their own: posterize, solarize, invert. */
static void fill_table(const na_operation *operation, uint8_t table[256])
{
  double magnitude = operation->magnitude;
  for (int v = 0; v < 256; v++) switch (operation->op) {
    case NA_OP_POSTERIZE:
      table[v] = (uint8_t)((unsigned)v & 0xff00u >> (int)magnitude);
      break;
    case NA_OP_SOLARIZE:
      table[v] = (uint8_t)(v < magnitude ? v : 255 - v);
      break;
    default:
      table[v] = (uint8_t)(255 - v);
      break;
    }
}

static void count_values(const uint8_t *values, size_t count, long histogram[256])
{
  memset(histogram, 0, 256 * sizeof *histogram);
  for (size_t i = 0; i < count; i++) histogram[values[i]]++;
}

static int darkest(const long histogram[256])
{
  int v = 0;
  while (v < 255 && histogram[v] == 0) v++;
  return v;
}

static int brightest(const long histogram[256])
{
  int v = 255;
  while (v > 0 && histogram[v] == 0) v--;
  return v;
}

/* Pillow's ImageOps.autocontrast: the darkest value becomes 0, the brightest 255. */
static bool fill_stretched(const long histogram[256], uint8_t table[256])
{
  int low = darkest(histogram), high = brightest(histogram);
  if (high <= low) return false;
  double scale = 255.0 / (high - low), offset = -low * scale;
  for (int v = 0; v < 256; v++) {
    double value = v * scale + offset;
    table[v] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
  }
  return true;
}

/* Pillow's ImageOps.equalize. */
static bool fill_equalized(const long histogram[256], size_t count, uint8_t table[256])
{
  long step = ((long)count - histogram[brightest(histogram)]) / 255, sum = step / 2;
  if (step == 0) return false;
  for (int v = 0; v < 256; v++) {
    table[v] = (uint8_t)(sum / step > 255 ? 255 : sum / step);
    sum += histogram[v];
  }
  return true;
}

/* Each channel by a table of its own. */
static void spread(na_op op, int channels, size_t plane, uint8_t *planes)
{
  for (int c = 0; c < channels; c++, planes += plane) {
    long histogram[256];
    uint8_t table[256];
    count_values(planes, plane, histogram);
    bool changes = op == NA_OP_EQUALIZE ? fill_equalized(histogram, plane, table)
                                        : fill_stretched(histogram, table);
    if (changes) look_up(table, plane, planes);
  }
}

/* --------------------------------------------------------------------------------------- public */

na_operation na_operation_at(na_op op, double level, bool negative, int height, int width)
{
  const double shift = 150.0 / 331;
  double by = 0;
  switch (op) {
  case NA_OP_SHEAR_X:
  case NA_OP_SHEAR_Y:
    by = 0.3 * level;
    break;
  case NA_OP_TRANSLATE_X:
    by = shift * width * level;
    break;
  case NA_OP_TRANSLATE_Y:
    by = shift * height * level;
    break;
  case NA_OP_ROTATE:
    by = 30 * level;
    break;
  case NA_OP_BRIGHTNESS:
  case NA_OP_COLOR:
  case NA_OP_CONTRAST:
  case NA_OP_SHARPNESS:
    by = 0.9 * level;
    break;
  case NA_OP_POSTERIZE:
    return (na_operation){op, 8 - rint(4 * level)};
  case NA_OP_SOLARIZE:
    return (na_operation){op, 255 - 255 * level};
  default:
    break;
  }
  return (na_operation){op, negative ? -by : by};
}

void na_operate(const na_operation *operation, int channels, int height, int width, uint8_t *planes,
                uint8_t *spare)
{
  size_t plane = (size_t)height * (size_t)width;
  double factor = 1 + operation->magnitude, matrix[6];
  uint8_t table[256];
  if (find_matrix(operation, height, width, matrix)) {
    move(matrix, channels, height, width, planes, spare);
    return;
  }
  switch (operation->op) {
  case NA_OP_BRIGHTNESS:
    na_brightness(planes, channels, plane, factor);
    break;
  case NA_OP_COLOR:
    na_saturation(planes, channels, plane, factor);
    break;
  case NA_OP_CONTRAST:
    na_contrast(planes, channels, plane, factor);
    break;
  case NA_OP_SHARPNESS:
    sharpen(channels, height, width, (float)factor, planes, spare);
    break;
  case NA_OP_AUTOCONTRAST:
  case NA_OP_EQUALIZE:
    spread(operation->op, channels, plane, planes);
    break;
  case NA_OP_POSTERIZE:
  case NA_OP_SOLARIZE:
  case NA_OP_INVERT:
    fill_table(operation, table);
    look_up(table, plane * (size_t)channels, planes);
    break;
  default:
    break;
  }
}
