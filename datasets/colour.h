/* Changes of brightness, contrast and saturation of planes of bytes, with Pillow's bits
 * (ImageEnhance): value -> degenerate + factor (value - degenerate), cut off, not rounded; the
 * degenerate image is black, the mean grey, or the pixel's own grey.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COLOUR_H
#define NA_COLOUR_H

#include <stddef.h>
#include <stdint.h>

/* Grey of a pixel, 0.299 R + 0.587 G + 0.114 B in fixed point: Pillow's convert("L"). */
static inline uint8_t na_luma(uint8_t red, uint8_t green, uint8_t blue)
{
  return (uint8_t)((19595u * red + 38470u * green + 7471u * blue + 32768u) >> 16);
}

/* from + factor (to - from), in 0 .. 255. */
static inline uint8_t na_blend(float from, float to, float factor)
{
  float value = from + factor * (to - from);
  return (uint8_t)(int32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* planes[channels][plane], channels 1 or 3. Grey has no saturation to change. */
void na_brightness(uint8_t *planes, int channels, size_t plane, double factor);
void na_contrast(uint8_t *planes, int channels, size_t plane, double factor);
void na_saturation(uint8_t *planes, int channels, size_t plane, double factor);

#endif
