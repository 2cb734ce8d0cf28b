/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/colour.h"
#include "datasets/vector.h"

NA_VECTOR
static void blend_all(uint8_t *values, size_t count, float from, float factor)
{
  for (size_t i = 0; i < count; i++) values[i] = na_blend(from, (float)values[i], factor);
}

void na_brightness(uint8_t *planes, int channels, size_t plane, double factor)
{
  blend_all(planes, plane * (size_t)channels, 0, (float)factor);
}

/* Mean grey of the image, as a whole number. */
static int mean_luma(const uint8_t *planes, int channels, size_t plane)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < plane; i++)
    sum += channels == 1 ? planes[i] : na_luma(planes[i], planes[plane + i], planes[2 * plane + i]);
  return (int)((double)sum / (double)plane + 0.5);
}

void na_contrast(uint8_t *planes, int channels, size_t plane, double factor)
{
  float grey = (float)mean_luma(planes, channels, plane);
  blend_all(planes, plane * (size_t)channels, grey, (float)factor);
}

NA_VECTOR
static void saturate(uint8_t *red, uint8_t *green, uint8_t *blue, size_t count, float factor)
{
  for (size_t i = 0; i < count; i++) {
    float grey = na_luma(red[i], green[i], blue[i]);
    red[i] = na_blend(grey, (float)red[i], factor);
    green[i] = na_blend(grey, (float)green[i], factor);
    blue[i] = na_blend(grey, (float)blue[i], factor);
  }
}

void na_saturation(uint8_t *planes, int channels, size_t plane, double factor)
{
  if (channels == 3) saturate(planes, planes + plane, planes + 2 * plane, plane, (float)factor);
}
