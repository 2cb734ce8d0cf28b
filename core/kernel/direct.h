/* Direct convolution of rounded operands: frames of images with margins of zeros, where every tap of every pixel
 * is an offset, in three formats; and products of them. Where a processor multiplies blocks of 16 x 16 results, a
 * block's operands are whole lines of 64 bytes, one after the other in all three.
 *
 * Oracle: na_naive_conv, of operands that are rounded in the same way. Tolerance as in kernels.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DIRECT_H
#define NA_DIRECT_H

#include "core/kernel/views.h"

/* What a convolution sees of one block's images: row `top` and column `left` (not positive) come first; what lies
 * outside of the images is zero. */
typedef struct na_frame {
  long block;
  int top, left, rows, columns;
} na_frame;

/* Rows and columns of taps; tap (i, j) is weight first + i * row + j * column of a channel's. */
typedef struct na_taps {
  int down, across, first, row, column;
} na_taps;

/* How pixels see a frame of `channels` channels and `columns` columns: tap (0, 0) of pixel (y, x) is at row
 * y * step + row and column x * step + column. They are `rows` x `width`. */
typedef struct na_sight {
  const float *frame;
  int channels, columns, down, across; /* down, across: of the taps */
  int row, column, step;
  int rows, width;
} na_sight;

/* Where their results go: pixel (y, x) of channel c to c * channel + y * row + x * column. */
typedef struct na_target {
  float *at;
  size_t channel, row, column;
  bool accumulate;
  bool past;  /* with moments: past the caches */
  bool start; /* with moments: these begin here, with the first values as shifts */
} na_target;

/* A sum of weight gradients: rows x width pixels of the gradient of left_rows channels, and what the kernel's taps
 * see of right_rows channels; step: pixels of the one between pixels of the other. */
typedef struct na_overlap {
  const float *left, *right;
  int left_rows, right_rows, kernel, step;
  int rows, width;
} na_overlap;

typedef struct na_direct {
  /* Fills the frame: [row][column][pair of channels][lane][2], then 15 lines of zeros. */
  void (*fill_values)(const na_view *view, int channels, const na_frame *frame, float *to);

  /* The same of a gradient; frame NULL: only what follows. Its rows first .. first + rows, without margins, go to
   * `left`: [row][pair of pixels][channel][2 * 16]. */
  void (*fill_gradient)(const na_pullback *pullback, int channels, const na_mask *mask, const na_frame *frame,
                        long block, int first, int rows, float *to, float *left);

  /* Fills what `overlap` sees from row `top` and column `left` (not positive) on, turned: [group of 16
   * channels][row][phase][pixel][pair of lanes][channel][2], where pixel p of phase f < step is column p * step +
   * f; a pixel more after the last row. */
  void (*fill_turned)(const na_view *view, const na_overlap *overlap, long block, int top, int left, float *to);

  /* Packs groups of 16 rows of weights, weights[r * row_stride + c * channel_stride + tap]: [group][row of
   * taps][32 of a row's (tap, channel), channels rounded up to even ones][row][32], zero-padded. */
  void (*pack_taps)(const float *weights, int rows, int channels, size_t row_stride, size_t channel_stride,
                    const na_taps *taps, int first_group, int groups, float *packed);

  /* Y(r, pixel) (+)= sum over channels c and taps t of W(r, c, t) * X(c, pixel, t), for `rows` rows of packed
   * weights. With moments[rows] (or NULL) those are added to: then nothing is accumulated, columns are next to each
   * other, and no lane is masked. */
  void (*convolve)(const na_sight *sight, const float *packed, int rows, const na_target *to, na_moments *moments);

  /* The same for gradients, accumulated or not, which are finished on the way: how[rows] points at pixel 0, `to`
   * `place` floats behind it; sums[rows][2] += sum and sum_x. The activation is one for all rows. */
  void (*convolve_finished)(const na_sight *sight, const float *packed, int rows, const na_target *to,
                            const na_finish *how, size_t place, double *sums);

  /* sums (+)= dY X^T of all taps: [group of 16 left rows][group of 16 right rows][tap][16][16]; what lies beyond
   * the rows is any number. */
  void (*correlate)(const na_overlap *overlap, float *sums, bool accumulate);

  /* gradient[r * stride + c * area + tap] += the sum of `parts` such sums, `part` floats apart, for rows first ..
   * first + count, first a multiple of 16. */
  void (*unpack)(const float *sums, int parts, size_t part, int right_rows, int area, int first, int count,
                 float *gradient, size_t stride);
} na_direct;

/* Floats of a frame, of the left and the right side of an overlap, of its sums, and of packed taps. */
size_t na_frame_floats(int channels, int rows, int columns);
size_t na_overlap_left_floats(const na_overlap *overlap);
size_t na_overlap_right_floats(const na_overlap *overlap);
size_t na_overlap_sums(int left_rows, int right_rows, int kernel);
size_t na_taps_floats(const na_taps *taps, int rows, int channels);

/* Of the right side: pixels of a phase, rows, and floats of a group of 16 channels. */
static inline int na_overlap_phase(const na_overlap *o) { return (o->width + 1) / 2 * 2 + (o->kernel - 1) / o->step; }
static inline int na_overlap_rows(const na_overlap *o) { return (o->rows - 1) * o->step + o->kernel; }
static inline size_t na_overlap_group(const na_overlap *o)
{
  return ((size_t)(na_overlap_rows(o) * na_overlap_phase(o) * o->step) + 1) * (NA_LANES * NA_LANES / 2);
}

#endif
