/* Packing tiles: values and gradients are normalised while they are loaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

/* A tile reads a short run of every channel, too short for the processor to see what comes: the run
 * of a channel further down is asked for meanwhile. Prefetching beyond the last one is harmless. */
enum { PREFETCH_ROWS = 2 };

/* Where pixel number `pixel` of row `row` lives in a packed tile of `rows` rows. */
INLINE float *tile_at(float *tile, size_t rows, size_t row, int pixel)
{
  return tile + ((size_t)(pixel / PANEL) * rows + row) * PANEL_FLOATS +
         (size_t)(pixel % PANEL) * LANES;
}

INLINE void multiply_run(float *dst, const float *lanes, int count)
{
  for (int p = 0; p < count; p++)
    for (int l = 0; l < LANES; l += VL)
      store(dst + p * LANES + l, load(dst + p * LANES + l) * load(lanes + l));
}

void NA_SYMBOL(pack_view)(const na_view *view, int channels, long first, int count, float *tile)
{
  long block_pixels = (long)view->height * view->width;
  size_t ahead = PREFETCH_ROWS * view->stride;
  for (int c = 0; c < channels; c++) {
    const float *src = view->data + (size_t)c * view->stride + (size_t)first * LANES;
    float scale = view->scale != NULL ? view->scale[c] : 1.0f;
    float shift = view->shift != NULL ? view->shift[c] : 0.0f;
    float *dst = tile + (size_t)c * PANEL_FLOATS;
#define PACK(ACT)                                                                                  \
  for (int p = 0; p < count; p += PANEL, dst += (size_t)channels * PANEL_FLOATS) {                 \
    int n = (count - p < PANEL ? count - p : PANEL) * LANES;                                       \
    for (int i = 0; i < n; i += VL) {                                                              \
      __builtin_prefetch(src + ahead + (size_t)p * LANES + i);                                     \
      store(dst + i, activate(load(src + (size_t)p * LANES + i) * scale + shift, ACT));            \
    }                                                                                              \
  }
    FOR_ACTIVATION(view->act, PACK)
#undef PACK
    if (view->gate == NULL) continue;
    for (int p = 0; p < count; p++)
      multiply_run(tile_at(tile, (size_t)channels, (size_t)c, p),
                   view->gate + (size_t)c * view->gate_stride +
                       (size_t)((first + p) / block_pixels) * LANES,
                   1);
  }
}

void NA_SYMBOL(pack_patches)(const na_view *view, int channels, int kernel, int stride, int pad,
                             int out_height, int out_width, long first, int count, float *tile)
{
  size_t rows = (size_t)channels * (size_t)(kernel * kernel);
  long out_pixels = (long)out_height * out_width;
  for (int p = 0; p < count; p++) {
    long block = (first + p) / out_pixels, at = (first + p) % out_pixels;
    int top = (int)(at / out_width) * stride - pad, left = (int)(at % out_width) * stride - pad;
    const float *plane = view->data + (size_t)block * (size_t)(view->height * view->width) * LANES;
    for (int c = 0; c < channels; c++) {
      float scale = view->scale != NULL ? view->scale[c] : 1.0f;
      float shift = view->shift != NULL ? view->shift[c] : 0.0f;
      const float *gate =
          view->gate != NULL ? view->gate + (size_t)c * view->gate_stride + (size_t)block * LANES : NULL;
      for (int q = 0; q < kernel * kernel; q++) {
        int y = top + q / kernel, x = left + q % kernel;
        float *dst = tile_at(tile, rows, (size_t)c * (size_t)(kernel * kernel) + (size_t)q, p);
        if (y < 0 || y >= view->height || x < 0 || x >= view->width) {
          for (int l = 0; l < LANES; l += VL) store(dst + l, (vf){0});
          continue;
        }
        read_run(dst, plane + (size_t)c * view->stride + (size_t)(y * view->width + x) * LANES, 1,
                 scale, shift, view->act);
        if (gate != NULL) multiply_run(dst, gate, 1);
      }
    }
  }
}

/* dst = the gradient of channel c at `count` pixels from `pixel` on, masked. */
INLINE void pull(const na_pullback *from, int c, const na_mask *mask, long pixel, int count,
                 float *dst)
{
  size_t at = (size_t)c * from->stride + (size_t)pixel * LANES;
  const float *g = from->grad + at;
  if (from->a == NULL) {
    for (int i = 0; i < count * LANES; i += VL) store(dst + i, load(g + i));
  } else {
    const float *x = from->data + at;
    float ka = from->a[c], kb = from->b[c], kc = from->c[c];
    size_t ahead = PREFETCH_ROWS * from->stride;
    for (int i = 0; i < count * LANES; i += VL) {
      __builtin_prefetch(g + ahead + i);
      __builtin_prefetch(x + ahead + i);
      store(dst + i, load(g + i) * ka + (load(x + i) * kb + kc));
    }
  }
  if (pixel + count > mask->first) {
    int clean = mask->first > pixel ? (int)(mask->first - pixel) : 0;
    multiply_run(dst + clean * LANES, mask->lanes, count - clean);
  }
}

void NA_SYMBOL(read_pullback)(const na_pullback *pullback, int channel, const na_mask *mask,
                              long first, int count, float *dst)
{
  pull(pullback, channel, mask, first, count, dst);
}

void NA_SYMBOL(pack_pullback)(const na_pullback *pullback, int channels, const na_mask *mask,
                              long first, int count, float *tile)
{
  for (int c = 0; c < channels; c++)
    for (int p = 0; p < count; p += PANEL)
      pull(pullback, c, mask, first + p, count - p < PANEL ? count - p : PANEL,
           tile_at(tile, (size_t)channels, (size_t)c, p));
}

void NA_SYMBOL(pack_pullback_patches)(const na_pullback *pullback, int channels,
                                      const na_mask *mask, int kernel, int stride, int pad,
                                      int in_height, int in_width, long first, int count,
                                      float *tile)
{
  size_t rows = (size_t)channels * (size_t)(kernel * kernel);
  long in_pixels = (long)in_height * in_width, out_pixels = (long)pullback->height * pullback->width;
  for (int p = 0; p < count; p++) {
    long block = (first + p) / in_pixels, at = (first + p) % in_pixels;
    int iy = (int)(at / in_width) + pad, ix = (int)(at % in_width) + pad;
    for (int q = 0; q < kernel * kernel; q++) {
      int y = iy - q / kernel, x = ix - q % kernel;
      bool inside = y >= 0 && x >= 0 && y % stride == 0 && x % stride == 0 &&
                    y / stride < pullback->height && x / stride < pullback->width;
      long pixel = block * out_pixels + (long)(y / stride) * pullback->width + x / stride;
      for (int c = 0; c < channels; c++) {
        float *dst = tile_at(tile, rows, (size_t)c * (size_t)(kernel * kernel) + (size_t)q, p);
        if (inside) pull(pullback, c, mask, pixel, 1, dst);
        else
          for (int l = 0; l < LANES; l += VL) store(dst + l, (vf){0});
      }
    }
  }
}
