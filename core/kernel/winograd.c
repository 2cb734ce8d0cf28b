/* Minimal filtering F(4x4, 3x3) (Lavin and Gray, 2016, section 4): 4 x 4 outputs of a 3 x 3 filter by 36
 * multiplications instead of 144. With B, G and A of interpolation at 0, 1, -1, 2, -2 and infinity,
 *
 *   forward   Y = A^T [(G W G^T) * (B^T X B)] A          X: 6 x 6 values, a tile with its margins
 *   weights   dW = G^T [(A X A^T) * (B^T dY B)] G        X: 4 x 4; dW is turned by half a circle
 *
 * summed over channels, or over tiles, between the brackets: 36 matrix products. The input's gradient is
 * the forward formula of dY and turned filters, so that dY is transformed once for both gradients.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

enum { SIDE = NA_WINOGRAD_SIDE, WIDE = SIDE + 2, TAPS = 3 };

/* t = B^T d */
INLINE void spread(const vf d[WIDE], vf t[WIDE])
{
  vf even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
  vf half = d[4] - d[2], twice = 2.0f * (d[3] - d[1]);
  t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  t[1] = even + odd;
  t[2] = even - odd;
  t[3] = half + twice;
  t[4] = half - twice;
  t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* y = A^T m */
INLINE void gather(const vf m[WIDE], vf y[SIDE])
{
  vf sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  y[0] = m[0] + sum + far_sum;
  y[1] = difference + 2.0f * far_difference;
  y[2] = sum + 4.0f * far_sum;
  y[3] = difference + 8.0f * far_difference + m[5];
}

/* z = A x */
INLINE void factor(const vf x[SIDE], vf z[WIDE])
{
  vf even = x[0] + x[2], odd = x[1] + x[3], far_even = x[0] + 4.0f * x[2], far_odd = 2.0f * x[1] + 8.0f * x[3];
  z[0] = x[0];
  z[1] = even + odd;
  z[2] = even - odd;
  z[3] = far_even + far_odd;
  z[4] = far_even - far_odd;
  z[5] = x[3];
}

/* While a tile is transformed, one of the runs that will be read or written next is fetched. */
INLINE void fetch(const float *const ahead[2], int tile)
{
  for (int k = 0; k < 2; k++)
    for (int p = 0; p < SIDE * SIDE; p++) __builtin_prefetch(ahead[k] + (tile * SIDE * SIDE + p) * LANES);
}

/* Where lanes l .. l + VL of product q of one tile go. */
INLINE float *product_at(float *to, size_t matrix, int q, int l) { return to + (size_t)q * matrix + l; }

void NA_SYMBOL(winograd_spread)(const float *plane, size_t row, const na_tiles *tiles, int rows, int channel,
                                int first, float *to, size_t matrix, const float *const ahead[2])
{
  for (int y = 0; y < tiles->down; y++)
    for (int x = 0; x < tiles->across; x++) {
      fetch(ahead, y * tiles->across + x);
      const float *from = plane + (size_t)(y * SIDE) * row + (size_t)(x * SIDE * LANES);
      float *tile = tile_at(to, (size_t)rows, (size_t)channel, first + y * tiles->across + x);
      for (int l = 0; l < LANES; l += VL) {
        vf half[WIDE][WIDE];
        UNROLL for (int j = 0; j < WIDE; j++) {
          vf d[WIDE], t[WIDE];
          UNROLL for (int i = 0; i < WIDE; i++) d[i] = load(from + (size_t)i * row + j * LANES + l);
          spread(d, t);
          UNROLL for (int i = 0; i < WIDE; i++) half[i][j] = t[i];
        }
        UNROLL for (int i = 0; i < WIDE; i++) {
          vf t[WIDE];
          spread(half[i], t);
          UNROLL for (int j = 0; j < WIDE; j++) store(product_at(tile, matrix, i * WIDE + j, l), t[j]);
        }
      }
    }
}

void NA_SYMBOL(winograd_factor)(const float *plane, size_t row, const na_tiles *tiles, float *to, size_t matrix,
                                const float *const ahead[2])
{
  for (int y = 0; y < tiles->down; y++)
    for (int x = 0; x < tiles->across; x++, to += LANES) {
      fetch(ahead, y * tiles->across + x);
      const float *from = plane + (size_t)(y * SIDE) * row + (size_t)(x * SIDE * LANES);
      for (int l = 0; l < LANES; l += VL) {
        vf half[WIDE][SIDE];
        UNROLL for (int j = 0; j < SIDE; j++) {
          vf d[SIDE], t[WIDE];
          UNROLL for (int i = 0; i < SIDE; i++) d[i] = load(from + (size_t)i * row + j * LANES + l);
          factor(d, t);
          UNROLL for (int i = 0; i < WIDE; i++) half[i][j] = t[i];
        }
        UNROLL for (int i = 0; i < WIDE; i++) {
          vf t[WIDE];
          factor(half[i], t);
          UNROLL for (int j = 0; j < WIDE; j++) store(product_at(to, matrix, i * WIDE + j, l), t[j]);
        }
      }
    }
}

/* Lanes from l on of one tile's outputs, `height` by `width` of them. */
INLINE void gather_tile(const float *from, size_t matrix, float *to, size_t row, int height, int width,
                        bool accumulate, int l)
{
  vf half[SIDE][WIDE];
  UNROLL for (int j = 0; j < WIDE; j++) {
    vf m[WIDE], t[SIDE];
    UNROLL for (int i = 0; i < WIDE; i++) m[i] = load(from + (size_t)(i * WIDE + j) * matrix + l);
    gather(m, t);
    UNROLL for (int i = 0; i < SIDE; i++) half[i][j] = t[i];
  }
  UNROLL for (int i = 0; i < SIDE; i++) {
    vf y[SIDE];
    gather(half[i], y);
    UNROLL for (int j = 0; j < SIDE; j++) {
      if (i >= height || j >= width) continue;
      float *dst = to + (size_t)i * row + j * LANES + l;
      store(dst, y[j] + load_if(accumulate, dst));
    }
  }
}

void NA_SYMBOL(winograd_gather)(const float *from, size_t matrix, const na_tiles *tiles, float *to, int height,
                                int width, bool accumulate, const float *const ahead[2])
{
  size_t row = (size_t)width * LANES;
  for (int y = 0; y < height; y += SIDE)
    for (int x = 0; x < width; x += SIDE) {
      int at = y / SIDE * tiles->across + x / SIDE;
      const float *tile = from + (size_t)(at * LANES);
      fetch(ahead, at);
      float *dst = to + (size_t)y * row + (size_t)(x * LANES);
      for (int l = 0; l < LANES; l += VL) {
        if (height - y >= SIDE && width - x >= SIDE)
          gather_tile(tile, matrix, dst, row, SIDE, SIDE, accumulate, l);
        else gather_tile(tile, matrix, dst, row, height - y, width - x, accumulate, l);
      }
    }
}

/* u = G w, for a group of filters side by side. */
INLINE void filter(const float w[TAPS][GROUP], float u[WIDE][GROUP])
{
  for (int r = 0; r < GROUP; r++) {
    float sum = w[0][r] + w[2][r], far = w[0][r] + 4.0f * w[2][r];
    u[0][r] = w[0][r] / 4;
    u[1][r] = (sum + w[1][r]) / -6;
    u[2][r] = (sum - w[1][r]) / -6;
    u[3][r] = (far + 2.0f * w[1][r]) / 24;
    u[4][r] = (far - 2.0f * w[1][r]) / 24;
    u[5][r] = w[2][r];
  }
}

void NA_SYMBOL(winograd_pack)(const na_filters *filters, int first_group, int groups, size_t matrix, float *packed)
{
  for (int g = first_group; g < first_group + groups; g++)
    for (int c = 0; c < filters->columns; c++) {
      float half[TAPS][WIDE][GROUP], turned[WIDE][TAPS][GROUP];
      for (int j = 0; j < TAPS; j++) {
        float w[TAPS][GROUP] = {{0}};
        for (int i = 0; i < TAPS; i++)
          for (int r = 0; r < GROUP && g * GROUP + r < filters->rows; r++) {
            int tap = i * TAPS + j;
            w[i][r] = filters->weights[(size_t)(g * GROUP + r) * filters->row_stride +
                                       (size_t)c * filters->column_stride +
                                       (size_t)(filters->turned ? TAPS * TAPS - 1 - tap : tap)];
          }
        filter(w, half[j]);
        for (int i = 0; i < WIDE; i++)
          for (int r = 0; r < GROUP; r++) turned[i][j][r] = half[j][i][r];
      }
      float *to = packed + ((size_t)g * (size_t)filters->columns + (size_t)c) * GROUP;
      for (int i = 0; i < WIDE; i++) {
        float u[WIDE][GROUP];
        filter(turned[i], u);
        for (int j = 0; j < WIDE; j++)
          for (int r = 0; r < GROUP; r++) to[(size_t)(i * WIDE + j) * matrix + (size_t)r] = u[j][r];
      }
    }
}

/* w = G^T u */
INLINE void unfilter(const vf u[WIDE], vf w[TAPS])
{
  vf sum = u[1] + u[2], far = u[3] + u[4];
  w[0] = u[0] * (1.0f / 4) - sum * (1.0f / 6) + far * (1.0f / 24);
  w[1] = (u[2] - u[1]) * (1.0f / 6) + (u[3] - u[4]) * (1.0f / 12);
  w[2] = far * (1.0f / 6) - sum * (1.0f / 6) + u[5];
}

void NA_SYMBOL(winograd_unpack)(const float *products, size_t matrix, int parts, size_t part, int count,
                                float *gradient)
{
  for (int c = 0; c < count; c += VL) {
    vf half[TAPS][WIDE];
    UNROLL for (int j = 0; j < WIDE; j++) {
      vf u[WIDE] = {{0}}, t[TAPS];
      for (int k = 0; k < parts; k++)
        UNROLL for (int i = 0; i < WIDE; i++)
          u[i] += load(products + (size_t)k * part + (size_t)(i * WIDE + j) * matrix + c);
      unfilter(u, t);
      UNROLL for (int i = 0; i < TAPS; i++) half[i][j] = t[i];
    }
    vf w[TAPS * TAPS];
    UNROLL for (int i = 0; i < TAPS; i++) unfilter(half[i], w + i * TAPS);
    for (int e = 0; e < VL && c + e < count; e++)
      for (int tap = 0; tap < TAPS * TAPS; tap++)
        gradient[(c + e) * TAPS * TAPS + tap] += w[TAPS * TAPS - 1 - tap][e];
  }
}
