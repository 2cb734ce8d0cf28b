/* The numerical kernels: plain C over lanes, compiled once per instruction set.
 *
 * Layout: core/kernel/views.h. Products of matrices: core/kernel/products.h.
 *
 * Oracles: core/kernel/naive.h computes the same in NCHW with double accumulators. Tolerance: 2e-6 of
 * the largest magnitude for forward, 2e-5 for gradients (float32 sums in another order).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_KERNELS_H
#define NA_KERNELS_H

#include "core/kernel/products.h"

/* Where the pixels of a plane are: pixel p begins p / columns * row + p % columns * column floats
 * after the first one. */
typedef struct na_grid {
  int columns;
  size_t row, column;
} na_grid;

/* Channels, `plane` floats apart, each with pixels in a grid. */
typedef struct na_planes {
  const float *values; /* the first channel's first pixel */
  size_t plane;
  na_grid grid;
} na_planes;

/* A tap of a convolution: which of the kernel's weights, and how many floats after a pixel's place the
 * value is that it multiplies. */
typedef struct na_tap {
  int weight, value;
} na_tap;

/* What a convolution sees of planes with margins: value(c, t, pixel) = c * plane + taps[t].value floats
 * after the pixel's place. Strides and missing taps need no copies. */
typedef struct na_window {
  na_planes from;
  int channels, area; /* area: weights of a channel, taps or not */
  int count;
  const na_tap *taps; /* [count] */
} na_window;

/* Tiles of 4 x 4 pixels, each transformed into 36 values: see core/kernel/winograd.c. */
enum { NA_WINOGRAD_SIDE = 4, NA_WINOGRAD_PRODUCTS = 36 };
typedef struct na_tiles {
  int across, down;
} na_tiles;

/* 3 x 3 filters: tap t of filter (r, c) is weights[r * row_stride + c * column_stride + t]; turned: 8 - t. */
typedef struct na_filters {
  const float *weights;
  int rows, columns;
  size_t row_stride, column_stride;
  bool turned;
} na_filters;

/* One channel of a depthwise convolution over all blocks. */
typedef struct na_depthwise {
  int kernel, stride, pad, blocks;
  int in_height, in_width, out_height, out_width;
  const float *weight;     /* [kernel * kernel] */
  na_mask mask;
  bool stream;             /* results are too large to be kept in the caches: write past them */
  bool rounded;            /* how the output is stored */
} na_depthwise;

/* Rows of the planes of one block. */
typedef struct na_stripe {
  int block, first, count;
} na_stripe;

/* Rows that a depthwise convolution takes backward at once have as many pixels, or are one row: reading,
 * finishing and writing are done for all of them, while they are in the first-level cache. */
enum { NA_BAND_PIXELS = 36 };

typedef struct na_kernels {
  const char *name;     /* "avx512bf16", "avx512", "avx2", "plain" */
  int vector;           /* floats per vector */
  const na_products *products[NA_PRECISIONS]; /* by this instruction set alone: see na_products_best */

  /* C[r][pixel] (+)= sum over channels c and taps t of A(r, c * area + taps[t].weight) * value(c, t,
   * pixel), for rows r < rows and `count` pixels. A is packed as float32, with `columns` columns, and `packed`
   * may point into it, as in matmul. C has rows of stride `stride`, its pixels are in the grid `to`. */
  void (*convolve)(const na_window *in, const float *packed, int rows, int columns, int count,
                   float *c, const na_grid *to, size_t stride, bool accumulate);

  /* W[m][c * count + t] (+)= sum over pixels and lanes of left(m, pixel) * value(c, t, pixel), for
   * channels m < left_rows of `left`, and as many pixels of both grids, whose columns are the same. */
  void (*correlate)(const na_planes *left, int left_rows, const na_window *right, int count, float *w,
                    size_t stride, bool accumulate);

  /* Minimal filtering, in 36 matrices, `matrix` floats apart. ahead: two runs of pixels that will be read or
   * written next, only as a hint. Oracle: na_naive_conv, with the three steps of a convolution together;
   * tolerance 1e-5. */

  /* Groups first_group .. first_group + groups - 1 of G w G^T, each matrix packed as by pack_matrix. */
  void (*winograd_pack)(const na_filters *filters, int first_group, int groups, size_t matrix, float *packed);

  /* B^T d B of tiles with their margins: plane has 4 * tiles + 2 rows, `row` floats apart, and columns.
   * They become pixels first, first + 1 ... of row `channel` in packed tiles of `rows` rows. */
  void (*winograd_spread)(const float *plane, size_t row, const na_tiles *tiles, int rows, int channel,
                          int first, float *to, size_t matrix, const float *const ahead[2]);

  /* A x A^T of tiles without margins: to[tile * 16 + lane]. */
  void (*winograd_factor)(const float *plane, size_t row, const na_tiles *tiles, float *to, size_t matrix,
                          const float *const ahead[2]);

  /* A^T m A, m as winograd_factor leaves it: to[height][width][lane], where the last tiles may not be
   * whole. */
  void (*winograd_gather)(const float *from, size_t matrix, const na_tiles *tiles, float *to, int height,
                          int width, bool accumulate, const float *const ahead[2]);

  /* gradient[c][9] += G^T s G turned, c < count: s is the sum of `parts` parts, `part` floats apart, of
   * products[c], which are read up to a multiple of `vector`. */
  void (*winograd_unpack)(const float *products, size_t matrix, int parts, size_t part, int count,
                          float *gradient);

  /* Adds one channel's run of `count` pixels from pixel `first` to *moments (data points at pixel
   * 0; of rounded values or not). */
  void (*moments)(const float *data, bool rounded, long first, long count, const na_mask *mask,
                  na_moments *moments);

  /* Finishes g[first .. first + count) of one channel; data and g point at pixel 0. */
  void (*finish)(float *g, const na_finish *how, long first, long count, double *sum,
                 double *sum_x);

  /* dst = view of channel c, pixels first .. first + count: dst[count * 16]. */
  void (*read_view)(const na_view *view, int channel, long first, long count, float *dst);

  /* sums[16] += sums over pixels first .. first + count of a view without gate, not rounded, lane by lane;
   * with a factor, which points at pixel 0 of the channel, of its products with that. */
  void (*sum_lanes)(const na_view *view, int channel, long first, long count, const float *factor,
                    double *sums);

  /* x[count * 16] = x * scale + shift, lane by lane: scale[16], shift[16]. */
  void (*scale_lanes)(float *x, const float *scale, const float *shift, long count);

  /* What read_view reads, of a pullback. */
  void (*read_pullback)(const na_pullback *pullback, int channel, const na_mask *mask, long first,
                        int count, float *dst);

  /* Raw output of channel `channel`, of blocks * out_height * out_width pixels; its moments, before
   * rounding, about its first value when `moments` is not NULL. rows: scratch of na_depthwise_scratch floats. */
  void (*depthwise_forward)(const na_depthwise *call, const na_view *in, int channel, float *out,
                            na_moments *moments, float *rows);

  /* The same for some rows of the output. Of the input only the rows that they see need be there. The moments
   * are added to, or begin with the stripe's first value. */
  void (*depthwise_forward_stripe)(const na_depthwise *call, const na_view *in, int channel,
                                   const na_stripe *stripe, float *out, na_moments *moments, bool start,
                                   float *rows);

  /* Both gradients of channel `channel`: weight_grad[kernel^2] += ...; in_grad (+)= ... (the
   * channel's whole run, stored as the input is; NULL: not wanted; nothing is added to a rounded one),
   * finished with `finish` when that is not NULL. `finish`
   * and in_grad point at pixel 0 of the channel. */
  void (*depthwise_backward)(const na_depthwise *call, const na_view *in, const na_pullback *out,
                             int channel, float *weight_grad, float *in_grad, bool accumulate,
                             const na_finish *finish, double *sum, double *sum_x, float *rows);

  /* The same for some rows of the input, whose gradients are finished; pixel p of them, counted from the
   * first row's first, goes to `to` + places[p], rounded where finish->grad_rounded.
   * weight_lanes[kernel^2][vector] += the weights' gradient, not yet summed over a vector's lanes. */
  void (*depthwise_backward_placed)(const na_depthwise *call, const na_view *in, const na_pullback *out,
                                    int channel, const na_stripe *stripe, float *weight_lanes,
                                    const na_finish *finish, double *sum, double *sum_x, float *to,
                                    const int *places, float *rows);

  /* What the processor can do at the most, for `netaug bench`. peak_fma returns the operations done
   * (two per multiply-add), and a number to *sink that depends on them all. The others run through
   * memory once: sum, x = value, a = b + scale * c; counts are multiples of 64 floats. */
  double (*peak_fma)(long rounds, float *sink);
  float (*peak_read)(const float *x, size_t count);
  void (*peak_write)(float *x, size_t count, float value);
  void (*peak_triad)(float *a, const float *b, const float *c, size_t count, float scale);
} na_kernels;

/* The products that work without rounding. */
static inline const na_products *na_float32(const na_kernels *kernels) { return kernels->products[NA_FLOAT32]; }

/* Floats of row scratch that depthwise kernels need. */
size_t na_depthwise_scratch(int kernel, int in_width, int out_width);

/* The fastest kernels this processor runs; and all that it runs: number i, NULL beyond the last, the fastest.
 * Results are reproducible per instruction set. */
const na_kernels *na_kernels_best(void);
const na_kernels *na_kernels_running(int i);

/* The fastest products of that precision which this processor runs beside the kernels; and, for tests, all
 * that it runs: number i, NULL beyond the last one. */
const na_products *na_products_best(const na_kernels *kernels, na_precision precision);
const na_products *na_products_running(int i);

#endif
