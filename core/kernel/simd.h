/* What the kernel files share: one vector type as wide as the instruction set they are compiled for,
 * and names that carry that set. Included by kernel files only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SIMD_H
#define NA_SIMD_H

#include "core/kernel/kernels.h"

#include <math.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define NA_PASTE_(a, b) a##_##b
#define NA_PASTE(a, b) NA_PASTE_(a, b)
#define NA_SYMBOL(name) NA_PASTE(name, NA_ISA)

#define INLINE static inline __attribute__((always_inline))

/* For loops that index a table of vectors: it is registers only when they are unrolled, whatever the
 * compiler's options are. */
#define UNROLL _Pragma("GCC unroll 16")

/* VL: floats per vector. PANEL pixels by GROUP rows of C are kept in registers by the matrix kernel,
 * LEFT x RIGHT = VL accumulators by the kernel that correlates windows. */
#if defined(__AVX512F__)
enum { VL = 16, PANEL = 3, GROUP = 8, LEFT = 4, RIGHT = 4 };
#elif defined(__AVX2__)
enum { VL = 8, PANEL = 1, GROUP = 6, LEFT = 2, RIGHT = 4 };
#elif defined(__aarch64__)
enum { VL = 4, PANEL = 1, GROUP = 5, LEFT = 2, RIGHT = 2 };
#else
enum { VL = 4, PANEL = 1, GROUP = 2, LEFT = 2, RIGHT = 2 };
#endif
enum { LANES = NA_LANES, PIXEL_VECTORS = LANES / VL, PANEL_FLOATS = PANEL * LANES };

typedef float vf __attribute__((vector_size(4 * VL), may_alias));
typedef int vi __attribute__((vector_size(4 * VL), may_alias));

INLINE vf load(const float *p) { return *(const vf *)p; }
INLINE void store(float *p, vf v) { *(vf *)p = v; }

/* For what is used several times: GCC would load it anew for each, and the loads would be what takes time. */
INLINE vf load_once(const float *p)
{
  vf v = load(p);
#if defined(__x86_64__)
  __asm__("" : "+v"(v));
#endif
  return v;
}

/* Writes past the caches where the processor can: no line is read only to be overwritten. */
INLINE void stream(float *p, vf v)
{
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, (__m256)v);
#else
  store(p, v);
#endif
}

/* After the last of them, before anybody else may read. */
INLINE void stream_end(void)
{
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

INLINE vf load_if(bool wanted, const float *p) { if (wanted) return load(p); return (vf){0}; }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vf keep_if(vi mask, vf v) { return (vf)(mask & (vi)v); }
INLINE vf choose(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

/* Where one of the two is not a number, both give b. */
INLINE vf vmax(vf a, vf b)
{
#if defined(__AVX512F__)
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return choose(a > b, a, b);
#endif
}

INLINE vf vmin(vf a, vf b)
{
#if defined(__AVX512F__)
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return choose(a < b, a, b);
#endif
}

typedef uint32_t vu __attribute__((vector_size(4 * VL), may_alias));
typedef uint16_t vh __attribute__((vector_size(2 * VL), may_alias));

/* The upper 16 bits are x, rounded to nearest even; a NaN stays one. */
INLINE vu round_bits(vf x)
{
  vu bits = (vu)x, up = bits + 0x7fffu + (bits >> 16 & 1u);
#if defined(__AVX512F__)
  __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
  return (vu)_mm512_mask_or_epi32((__m512i)up, nan, (__m512i)bits, _mm512_set1_epi32(0x400000));
#else
  vu nan = (vu)(x != x);
  return (nan & (bits | 0x400000u)) | (~nan & up);
#endif
}

/* VL values, one after the other. */
INLINE void store_rounded(uint16_t *to, vf x)
{
#if defined(__AVX512BF16__)
  _mm256_store_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)x));
#elif defined(__AVX512F__)
  _mm256_store_si256((__m256i *)to, _mm512_cvtepi32_epi16((__m512i)(round_bits(x) >> 16)));
#else
  *(vh *)to = __builtin_convertvector(round_bits(x) >> 16, vh);
#endif
}

INLINE void stream_rounded(uint16_t *to, vf x)
{
#if defined(__AVX512F__)
  __m256i bits;
  store_rounded((uint16_t *)&bits, x);
  _mm256_stream_si256((__m256i *)to, bits);
#else
  store_rounded(to, x);
#endif
}

/* GCC takes five instructions for what is one. */
INLINE vu extend(vh x)
{
#if defined(__AVX512F__)
  return (vu)_mm512_cvtepu16_epi32((__m256i)x);
#else
  return __builtin_convertvector(x, vu);
#endif
}

/* Value i and those behind it, of floats or of rounded ones; `rounded` is a constant wherever time counts. */
INLINE vf load_value(const float *from, size_t i, bool rounded)
{
  if (!rounded) return load(from + i);
  return (vf)(extend(*(const vh *)((const uint16_t *)from + i)) << 16);
}

INLINE void store_value(float *to, size_t i, vf x, bool rounded)
{
  if (rounded) store_rounded((uint16_t *)to + i, x);
  else store(to + i, x);
}

INLINE void stream_value(float *to, size_t i, vf x, bool rounded)
{
  if (rounded) stream_rounded((uint16_t *)to + i, x);
  else stream(to + i, x);
}

/* Sum of the lanes, in double and always in the same order: halves are added until one is left. */
INLINE double lane_sum(vf v)
{
  double sum[VL];
  for (int i = 0; i < VL; i++) sum[i] = (double)v[i];
  UNROLL for (int half = VL / 2; half > 0; half /= 2)
    UNROLL for (int i = 0; i < half; i++) sum[i] += sum[i + half];
  return sum[0];
}

/* Two sums over so many pixels, in float; WAITING pixels, and a row more, before they lose digits. */
typedef struct pair_sum {
  vf first, second;
  long pixels;
} pair_sum;

enum { WAITING = 64 };

/* Adds them to sums in double when more than `most` pixels wait. */
static inline void widen(pair_sum *s, long most, double *first, double *second)
{
  if (s->pixels <= most) return;
  *first += lane_sum(s->first);
  *second += lane_sum(s->second);
  s->first = s->second = (vf){0};
  s->pixels = 0;
}

/* x[i][e] <-> x[e][i]: blocks beside the diagonal are exchanged, from the largest to single values. */
INLINE void transpose(vf x[VL])
{
#define LEVEL(H)                                                                                   \
  if (VL > (H)) {                                                                                  \
    vi upper, lower;                                                                               \
    for (int e = 0; e < VL; e++) {                                                                 \
      upper[e] = (e & (H)) ? VL + e - (H) : e;                                                     \
      lower[e] = (e & (H)) ? VL + e : e + (H);                                                     \
    }                                                                                              \
    _Pragma("GCC unroll 16")                                                                       \
    for (int i = 0; i < VL; i++)                                                                   \
      if (!(i & (H))) {                                                                            \
        vf a = x[i], b = x[i + (H)];                                                               \
        x[i] = __builtin_shuffle(a, b, upper);                                                     \
        x[i + (H)] = __builtin_shuffle(a, b, lower);                                               \
      }                                                                                            \
  }
  LEVEL(8)
  LEVEL(4)
  LEVEL(2)
  LEVEL(1)
#undef LEVEL
}

/* result[e] = sum of the lanes of x[e]: a tree of two-source shuffles, log2(VL) levels. */
INLINE vf sum_each(vf x[VL])
{
#define LEVEL(H)                                                                                   \
  if (VL > (H)) {                                                                                  \
    vi straight, crossed;                                                                          \
    UNROLL for (int e = 0; e < VL; e++) {                                                          \
      straight[e] = (e & (H)) ? VL + e : e;                                                        \
      crossed[e] = (e & (H)) ? VL + (e ^ (H)) : e ^ (H);                                           \
    }                                                                                              \
    UNROLL for (int i = 0; i < (H); i++)                                                           \
      x[i] = __builtin_shuffle(x[i], x[i + (H)], straight) +                                       \
             __builtin_shuffle(x[i], x[i + (H)], crossed);                                         \
  }
  LEVEL(8)
  LEVEL(4)
  LEVEL(2)
  LEVEL(1)
#undef LEVEL
  return x[0];
}

/* The activation; `act` is a constant wherever this is inlined. x stands second in vmax and vmin, so
 * that a NaN stays one and reaches the loss, where training stops on it. */
INLINE vf activate(vf x, na_activation act)
{
  switch (act) {
  case NA_ACT_RELU: return vmax(splat(0), x);
  case NA_ACT_RELU6: return vmin(splat(6), vmax(splat(0), x));
  case NA_ACT_HSWISH: return x * vmin(splat(6), vmax(splat(0), x + 3.0f)) * (1.0f / 6.0f);
  case NA_ACT_HSIGMOID: return vmin(splat(6), vmax(splat(0), x + 3.0f)) * (1.0f / 6.0f);
  default: return x;
  }
}

/* g * act'(x), with PyTorch's choice at the kinks: relu 0 at 0; relu6 0 at 0 and 6; h-swish
 * x/3 + 1/2 on [-3, 3]; h-sigmoid 1/6 on (-3, 3). */
INLINE vf activate_gradient(vf g, vf x, na_activation act)
{
  switch (act) {
  case NA_ACT_RELU: return keep_if(x > 0.0f, g);
  case NA_ACT_RELU6: return keep_if((x > 0.0f) & (x < 6.0f), g);
  case NA_ACT_HSWISH: {
    vf slope = keep_if(x >= -3.0f, x * (1.0f / 3.0f) + 0.5f);
    return g * choose(x > 3.0f, splat(1), slope);
  }
  case NA_ACT_HSIGMOID: return keep_if((x > -3.0f) & (x < 3.0f), g * (1.0f / 6.0f));
  default: return g;
  }
}

/* Of an activation that clamps, min(max(x, low), high): the gradient passes between the two. */
typedef struct clamp {
  float low, high;
} clamp;

static inline clamp clamp_of(na_activation act)
{
  return (clamp){act == NA_ACT_IDENTITY ? -INFINITY : 0, act == NA_ACT_RELU6 ? 6 : INFINITY};
}

/* Calls macro body M(act) with a constant for the variable `act`, so that kernels are specialised. */
#define FOR_ACTIVATION(act, M)                                                                     \
  switch (act) {                                                                                   \
  case NA_ACT_RELU: M(NA_ACT_RELU); break;                                                         \
  case NA_ACT_RELU6: M(NA_ACT_RELU6); break;                                                       \
  case NA_ACT_HSWISH: M(NA_ACT_HSWISH); break;                                                     \
  case NA_ACT_HSIGMOID: M(NA_ACT_HSIGMOID); break;                                                 \
  default: M(NA_ACT_IDENTITY); break;                                                              \
  }

/* Reads `count` pixels of a channel from src as its consumers see them (without gate). */
INLINE void read_run(float *dst, const float *src, bool rounded, long count, float scale, float shift,
                     na_activation act)
{
#define READ(ACT)                                                                                  \
  if (rounded)                                                                                     \
    for (long i = 0; i < count * LANES; i += VL)                                                   \
      store(dst + i, activate(load_value(src, (size_t)i, true) * scale + shift, ACT));             \
  else                                                                                             \
    for (long i = 0; i < count * LANES; i += VL)                                                   \
      store(dst + i, activate(load(src + i) * scale + shift, ACT))
  FOR_ACTIVATION(act, READ)
#undef READ
}

/* Where pixel number `pixel` of row `row` lives in a packed tile of `rows` rows. */
INLINE float *tile_at(float *tile, size_t rows, size_t row, int pixel)
{
  return tile + ((size_t)(pixel / PANEL) * rows + row) * PANEL_FLOATS +
         (size_t)(pixel % PANEL) * LANES;
}

/* The kernels of this instruction set; table.c gathers them. */
void NA_SYMBOL(pack_view)(const na_view *, int, long, int, int, float *);
void NA_SYMBOL(pack_columns)(const na_view *, int, long, int, float *);
void NA_SYMBOL(pack_pullback)(const na_pullback *, int, const na_mask *, long, int, int, float *);
void NA_SYMBOL(pack_matrix)(const float *, int, int, int, size_t, size_t, int, int, float *);
void NA_SYMBOL(matmul)(const float *, int, int, int, const float *, int, float *, size_t, bool, bool,
                       const na_ahead *);
void NA_SYMBOL(matmul_streamed)(const float *, int, int, int, const float *, int, float *, size_t,
                                bool, na_moments *);
void NA_SYMBOL(matmul_finished)(const float *, int, int, int, const float *, int, float *, size_t,
                                bool, const na_finish *, long, double *);
void NA_SYMBOL(outer)(const float *, int, const float *, int, int, float *, size_t, bool,
                      const na_ahead *);
void NA_SYMBOL(convolve)(const na_window *, const float *, int, int, int, float *, const na_grid *,
                         size_t, bool);
void NA_SYMBOL(correlate)(const na_planes *, int, const na_window *, int, float *, size_t, bool);
void NA_SYMBOL(winograd_pack)(const na_filters *, int, int, size_t, float *);
void NA_SYMBOL(winograd_spread)(const float *, size_t, const na_tiles *, int, int, int, float *, size_t,
                                const float *const[2]);
void NA_SYMBOL(winograd_factor)(const float *, size_t, const na_tiles *, float *, size_t, const float *const[2]);
void NA_SYMBOL(winograd_gather)(const float *, size_t, const na_tiles *, float *, int, int, bool,
                                const float *const[2]);
void NA_SYMBOL(winograd_unpack)(const float *, size_t, int, size_t, int, float *);
void NA_SYMBOL(moments)(const float *, bool, long, long, const na_mask *, na_moments *);
void NA_SYMBOL(finish)(float *, const na_finish *, long, long, double *, double *);
void NA_SYMBOL(read_view)(const na_view *, int, long, long, float *);
void NA_SYMBOL(sum_lanes)(const na_view *, int, long, long, const float *, double *);
void NA_SYMBOL(scale_lanes)(float *, const float *, const float *, long);
void NA_SYMBOL(depthwise_forward)(const na_depthwise *, const na_view *, int, float *, na_moments *,
                                  float *);
void NA_SYMBOL(depthwise_forward_stripe)(const na_depthwise *, const na_view *, int, const na_stripe *,
                                         float *, na_moments *, bool, float *);
void NA_SYMBOL(depthwise_backward)(const na_depthwise *, const na_view *, const na_pullback *, int,
                                   float *, float *, bool, const na_finish *, double *, double *,
                                   float *);
void NA_SYMBOL(depthwise_backward_placed)(const na_depthwise *, const na_view *, const na_pullback *,
                                          int, const na_stripe *, float *, const na_finish *, double *,
                                          double *, float *, const int *, float *);
void NA_SYMBOL(read_pullback)(const na_pullback *, int, const na_mask *, long, int, float *);
double NA_SYMBOL(peak_fma)(long, float *);
float NA_SYMBOL(peak_read)(const float *, size_t);
void NA_SYMBOL(peak_write)(float *, size_t, float);
void NA_SYMBOL(peak_triad)(float *, const float *, const float *, size_t, float);
extern const na_products NA_SYMBOL(na_products), NA_SYMBOL(na_bfloat);
extern const na_kernels NA_SYMBOL(na_kernels);

#endif
