/* Along one channel: statistics, finished gradients, plain reading, sums and products of lanes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

/* Vectors summed in float before the sums are widened to double. */
enum { RUN = 128 };

INLINE void add_moments(const float *data, bool rounded, long first, long count, const na_mask *mask,
                        na_moments *moments)
{
  const float *x = data + na_stored(rounded, first);
  float shift = moments->shift;
  long clean = mask->first <= first            ? 0
               : mask->first < first + count ? mask->first - first
                                             : count;
  for (long p = 0; p < clean; p += RUN) {
    long end = p + RUN < clean ? p + RUN : clean;
    vf sum = {0}, square = {0};
    for (long i = p * LANES; i < end * LANES; i += VL) {
      vf d = load_value(x, (size_t)i, rounded) - shift;
      sum += d;
      square += d * d;
    }
    moments->sum += lane_sum(sum);
    moments->square += lane_sum(square);
  }
  for (long p = clean; p < count; p++) {
    vf sum = {0}, square = {0};
    for (int l = 0; l < LANES; l += VL) {
      vf d = (load_value(x, (size_t)(p * LANES + l), rounded) - shift) * load(mask->lanes + l);
      sum += d;
      square += d * d;
    }
    moments->sum += lane_sum(sum);
    moments->square += lane_sum(square);
  }
}

void NA_SYMBOL(moments)(const float *data, bool rounded, long first, long count, const na_mask *mask,
                        na_moments *moments)
{
  if (rounded) add_moments(data, true, first, count, mask, moments);
  else add_moments(data, false, first, count, mask, moments);
}

INLINE void finish_run(float *g, const na_finish *how, bool rounded, bool grad_rounded, long first, long count,
                       double *sum, double *sum_x)
{
  float scale = how->scale, shift = how->shift, mean = how->mean;
  for (long p = first; p < first + count; p += RUN) {
    long end = p + RUN < first + count ? p + RUN : first + count;
    vf s = {0}, sx = {0};
#define FINISH(ACT)                                                                                \
  for (long i = p * LANES; i < end * LANES; i += VL) {                                             \
    vf x = load_value(how->data, (size_t)i, rounded);                                              \
    vf d = activate_gradient(load_value(g, (size_t)i, grad_rounded), x * scale + shift, ACT);      \
    store_value(g, (size_t)i, d, grad_rounded);                                                    \
    s += d;                                                                                        \
    sx += d * (x - mean);                                                                          \
  }
    FOR_ACTIVATION(how->act, FINISH)
#undef FINISH
    *sum += lane_sum(s);
    *sum_x += lane_sum(sx);
  }
}

void NA_SYMBOL(finish)(float *g, const na_finish *how, long first, long count, double *sum,
                       double *sum_x)
{
  if (!how->rounded) finish_run(g, how, false, false, first, count, sum, sum_x);
  else if (how->grad_rounded) finish_run(g, how, true, true, first, count, sum, sum_x);
  else finish_run(g, how, true, false, first, count, sum, sum_x);
}

void NA_SYMBOL(read_view)(const na_view *view, int channel, long first, long count, float *dst)
{
  read_run(dst, view->data + (size_t)channel * view->stride + na_stored(view->rounded, first), view->rounded, count,
           view->scale != NULL ? view->scale[channel] : 1.0f,
           view->shift != NULL ? view->shift[channel] : 0.0f, view->act);
  if (view->gate == NULL) return;
  const float *gate = view->gate + (size_t)channel * view->gate_stride;
  long block_pixels = (long)view->height * view->width;
  for (long p = 0; p < count; p++) {
    const float *lanes = gate + (size_t)((first + p) / block_pixels) * LANES;
    for (int l = 0; l < LANES; l += VL)
      store(dst + p * LANES + l, load(dst + p * LANES + l) * load(lanes + l));
  }
}

/* Adds `count` pixels, few enough for float sums; factor NULL: 1. */
INLINE void sum_run(const float *x, const float *factor, long count, float scale, float shift,
                    na_activation act, double *sums)
{
  for (int l = 0; l < LANES; l += VL) {
    vf sum = {0};
    for (long p = 0; p < count; p++) {
      vf value = activate(load(x + p * LANES + l) * scale + shift, act);
      if (factor != NULL) value *= load(factor + p * LANES + l);
      sum += value;
    }
    for (int i = 0; i < VL; i++) sums[l + i] += (double)sum[i];
  }
}

void NA_SYMBOL(sum_lanes)(const na_view *view, int channel, long first, long count,
                          const float *factor, double *sums)
{
  const float *x = view->data + (size_t)channel * view->stride;
  float scale = view->scale != NULL ? view->scale[channel] : 1.0f;
  float shift = view->shift != NULL ? view->shift[channel] : 0.0f;
  for (long p = first; p < first + count; p += RUN) {
    long some = p + RUN < first + count ? RUN : first + count - p;
    const float *values = x + (size_t)p * LANES;
#define SUM(ACT)                                                                                   \
  if (factor == NULL) sum_run(values, NULL, some, scale, shift, ACT, sums);                        \
  else sum_run(values, factor + (size_t)p * LANES, some, scale, shift, ACT, sums)
    FOR_ACTIVATION(view->act, SUM)
#undef SUM
  }
}

void NA_SYMBOL(scale_lanes)(float *x, const float *scale, const float *shift, long count)
{
  for (int l = 0; l < LANES; l += VL) {
    vf s = load(scale + l), t = load(shift + l);
    for (long p = 0; p < count; p++) store(x + p * LANES + l, load(x + p * LANES + l) * s + t);
  }
}
