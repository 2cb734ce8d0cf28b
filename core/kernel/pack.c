/* Packing tiles: values and gradients are normalised while they are loaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

/* A tile reads a short run of every channel, too short for the processor to see what comes: the run
 * of a channel further down is asked for meanwhile. Prefetching beyond the last one is harmless. */
enum { PREFETCH_ROWS = 2 };

INLINE void multiply_run(float *dst, const float *lanes, int count)
{
  for (int p = 0; p < count; p++)
    for (int l = 0; l < LANES; l += VL)
      store(dst + p * LANES + l, load(dst + p * LANES + l) * load(lanes + l));
}

void NA_SYMBOL(pack_view)(const na_view *view, int channels, long first, int count, int uses,
                          float *tile)
{
  (void)uses; /* one format serves both */
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

/* VL channels from channel c on (those beyond `channels` are zero) become VL columns of `width`. */
INLINE void pack_vector_columns(const na_view *view, int c, int channels, long first, int count,
                                size_t width, float *to, na_activation act, bool gated)
{
  const float *src[VL], *gate[VL];
  float scale[VL], shift[VL];
  long block_pixels = (long)view->height * view->width;
  for (int e = 0; e < VL; e++) {
    int channel = c + e < channels ? c + e : channels - 1;
    src[e] = view->data + (size_t)channel * view->stride + (size_t)first * LANES;
    scale[e] = view->scale != NULL ? view->scale[channel] : 1.0f;
    shift[e] = view->shift != NULL ? view->shift[channel] : 0.0f;
    if (gated) gate[e] = view->gate + (size_t)channel * view->gate_stride;
  }
  for (int p = 0; p < count; p++)
    for (int l = 0; l < LANES; l += VL, to += VL * width) {
      size_t at = (size_t)p * LANES + (size_t)l;
      vf x[VL];
#pragma GCC unroll 16
      for (int e = 0; e < VL; e++) x[e] = activate(load(src[e] + at) * scale[e] + shift[e], act);
      if (gated) {
        size_t block = (size_t)((first + p) / block_pixels) * LANES + (size_t)l;
#pragma GCC unroll 16
        for (int e = 0; e < VL; e++) x[e] *= load(gate[e] + block);
      }
#pragma GCC unroll 16
      for (int e = 0; e < VL; e++)
        if (c + e >= channels) x[e] = (vf){0};
      transpose(x);
#pragma GCC unroll 16
      for (int e = 0; e < VL; e++) store(to + (size_t)e * width, x[e]);
    }
}

void NA_SYMBOL(pack_columns)(const na_view *view, int channels, long first, int count, float *columns)
{
  for (int n = 0; n < channels; n += PANEL_FLOATS) {
    int width = channels - n < PANEL_FLOATS ? (channels - n + VL - 1) / VL * VL : PANEL_FLOATS;
    for (int c = 0; c < width; c += VL) {
#define PACK(ACT)                                                                                  \
  if (view->gate != NULL)                                                                          \
    pack_vector_columns(view, n + c, channels, first, count, (size_t)width, columns + c, ACT, true); \
  else                                                                                             \
    pack_vector_columns(view, n + c, channels, first, count, (size_t)width, columns + c, ACT, false)
      FOR_ACTIVATION(view->act, PACK)
#undef PACK
    }
    columns += (size_t)count * LANES * (size_t)width;
  }
}

INLINE void read_gradients(const float *g, const float *x, bool rounded, float a, float b, float c, int count,
                           float *dst)
{
  for (int i = 0; i < count * LANES; i += VL)
    store(dst + i, load_value(g, (size_t)i, rounded) * a + (load_value(x, (size_t)i, rounded) * b + c));
}

void NA_SYMBOL(read_pullback)(const na_pullback *pullback, int channel, const na_mask *mask,
                              long first, int count, float *dst)
{
  size_t at = (size_t)channel * pullback->stride + na_stored(pullback->rounded, first);
  const float *g = pullback->grad + at, *x = pullback->a != NULL ? pullback->data + at : g;
  float a = pullback->a != NULL ? pullback->a[channel] : 1, b = pullback->a != NULL ? pullback->b[channel] : 0;
  float c = pullback->a != NULL ? pullback->c[channel] : 0;
  if (pullback->rounded) read_gradients(g, x, true, a, b, c, count, dst);
  else read_gradients(g, x, false, a, b, c, count, dst);
  if (first + count > mask->first) {
    int clean = mask->first > first ? (int)(mask->first - first) : 0;
    multiply_run(dst + clean * LANES, mask->lanes, count - clean);
  }
}

void NA_SYMBOL(pack_pullback)(const na_pullback *pullback, int channels, const na_mask *mask,
                              long first, int count, int uses, float *tile)
{
  (void)uses;
  size_t step = (size_t)channels * PANEL_FLOATS, ahead = PREFETCH_ROWS * pullback->stride;
  for (int c = 0; c < channels; c++) {
    size_t at = (size_t)c * pullback->stride + (size_t)first * LANES;
    const float *g = pullback->grad + at, *x = pullback->a != NULL ? pullback->data + at : g;
    float a = pullback->a != NULL ? pullback->a[c] : 1, b = pullback->a != NULL ? pullback->b[c] : 0;
    float shift = pullback->a != NULL ? pullback->c[c] : 0, *dst = tile + (size_t)c * PANEL_FLOATS;
    for (int p = 0; p < count; p += PANEL, dst += step) {
      int n = (count - p < PANEL ? count - p : PANEL) * LANES;
      for (int i = 0; i < n; i += VL) {
        __builtin_prefetch(g + ahead + i);
        __builtin_prefetch(x + ahead + i);
        store(dst + i, load(g + i) * a + (load(x + i) * b + shift));
      }
      g += n;
      x += n;
    }
    for (long p = first > mask->first ? first : mask->first; p < first + count; p++)
      multiply_run(tile_at(tile, (size_t)channels, (size_t)c, (int)(p - first)), mask->lanes, 1);
  }
}
