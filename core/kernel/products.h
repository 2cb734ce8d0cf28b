/* How dense layers multiply matrices: formats of packed operands, and products of them. A processor has
 * several ways, of one interface: float32, and bf16, whose operands are rounded while they are packed.
 *
 * bf16: the upper 16 bits of a float32 (8 bits of significand), rounded to nearest even as PyTorch does
 * (Tensor.bfloat16); denormal values may become zeros. Products of two are exact in float32, and summed there.
 *
 * Oracle: the products in double, of operands that are rounded in the same way. Tolerance as in kernels.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PRODUCTS_H
#define NA_PRODUCTS_H

#include "core/kernel/direct.h"
#include "core/kernel/precision.h"
#include "core/kernel/views.h"

/* What a tile is packed for: the right factor of matmul, the left one of outer, or both. */
enum { NA_RIGHT = 1, NA_LEFT = 2 };

typedef struct na_products {
  const char *name;     /* "float32", "bf16", "bf16 by AVX512_BF16", "bf16 by AMX" */
  bool rounded;         /* packed values take half a float */
  bool native;          /* by instructions that the processor has for this precision */
  int panel_pixels;     /* tiles of so many pixels, or multiples, leave nothing empty */
  int group_rows;       /* rows per group of a packed matrix */
  int depth_unit;       /* columns of a packed matrix, among which parts begin, come in multiples of it */
  int vector;           /* packed columns come in multiples of it */

  /* Packs a tile: `count` pixels from pixel `first` on, rows = channels, for so many uses (NA_RIGHT,
   * NA_LEFT).
   *   float32: panels of panel_pixels pixels, each [rows][panel_pixels * 16], for both uses
   *   bf16:    [pixel][pair of rows][lane][2], an odd number of pairs for each pixel, then 15 lines of zeros,
   *            for NA_RIGHT; then [pair of pixels][row][2 * 16] for NA_LEFT */
  void (*pack_view)(const na_view *view, int channels, long first, int count, int uses, float *tile);
  void (*pack_pullback)(const na_pullback *pullback, int channels, const na_mask *mask, long first,
                        int count, int uses, float *tile);

  /* Completes a bf16 tile whose part for NA_LEFT has been written by others, from na_tile_left on: for NA_RIGHT,
   * too, where that is among its uses. NULL: there are no parts, one place serves both uses. */
  void (*complete_tile)(int rows, int count, int uses, float *tile);

  /* The same values turned, as the right factor of outer, groups of channels after each other:
   *   float32: panel_pixels * 16 channels (the last group rounded up to a multiple of `vector`, with zeros),
   *            each [count * 16][channels of the group]
   *   bf16:    16 channels, each [pair of pixels][pair of lanes][channel][2] */
  void (*pack_columns)(const na_view *view, int channels, long first, int count, float *columns);

  /* Packs groups first_group .. first_group + groups - 1 of the matrix with elements
   *   A(r, o * inner + q) = source[r * row_stride + o * outer_stride + q],  q < inner, o < outer
   *   float32: [group][outer * inner][group_rows], zero-padded beyond `rows`
   *   bf16:    [group][32 columns][row][column], zero-padded */
  void (*pack_matrix)(const float *source, int rows, int outer, int inner, size_t row_stride,
                      size_t outer_stride, int first_group, int groups, float *packed);

  /* C[r][pixel] (+)= sum over k < depth of A(r, k) * tile(k, pixel): rows r < rows of a packed
   * matrix of `columns` columns, a packed tile of `count` pixels, C with row stride `stride`, stored rounded
   * or not (by bf16 products alone). `packed` may point into the matrix: see na_matrix_at. What is ahead
   * (NULL: nothing) is fetched on the way. */
  void (*matmul)(const float *packed, int rows, int columns, int depth, const float *tile,
                 int count, float *c, size_t stride, bool rounded, bool accumulate, const na_ahead *ahead);

  /* The same for a C that is too large to stay in the caches: written past them, and the moments of
   * its rows are added to moments[rows] about their shifts on the way. No lane may be masked. */
  void (*matmul_streamed)(const float *packed, int rows, int columns, int depth, const float *tile,
                          int count, float *c, size_t stride, bool rounded, na_moments *moments);

  /* The same for gradients, finished on the way (see finish): how[rows] points at pixel 0, c at the tile's
   * first pixel, number `first`; sums[rows][2] += sum and sum_x. The activation, one for all rows, is
   * identity, relu or relu6. */
  void (*matmul_finished)(const float *packed, int rows, int columns, int depth, const float *tile,
                          int count, float *c, size_t stride, bool rounded, const na_finish *how,
                          long first, double *sums);

  /* W[m][n] (+)= sum over pixels and lanes of left(m, pixel) * right(n, pixel). left: a packed tile;
   * columns: the right side, packed by pack_columns. ahead as with matmul. */
  void (*outer)(const float *left, int left_rows, const float *columns, int right_rows, int count,
                float *w, size_t stride, bool accumulate, const na_ahead *ahead);

  /* Convolutions of more than one tap, or with a stride; NULL: na_kernels does them. */
  const na_direct *direct;
} na_products;

/* x as bf16 products see it. */
float na_bf16(float x);

/* Floats that packed operands take at the most, whatever their uses. */
size_t na_tile_floats(const na_products *products, int rows, int pixels);
size_t na_column_floats(const na_products *products, int rows, int pixels);
size_t na_matrix_floats(const na_products *products, int rows, int columns);

/* Pairs of rows of a pixel in the part for NA_RIGHT of a bf16 tile: an odd number, so that pixels spread over all
 * sets of the first-level cache; and the floats of that part, with the lines behind it that blocks beyond the last
 * row read. */
enum { NA_SPARE_LINES = 15 };
static inline size_t na_pair_lines(int rows) { return (size_t)((rows + 1) / 2) | 1; }
static inline size_t na_right_part(int rows, int pixels)
{
  return ((size_t)pixels * na_pair_lines(rows) + NA_SPARE_LINES) * NA_LANES;
}

/* Where in a tile its part for NA_LEFT begins, in floats. */
static inline size_t na_tile_left(const na_products *products, int rows, int pixels)
{
  return products->rounded ? na_right_part(rows, pixels) : 0;
}

/* What a tile takes beyond rows (rounded up to even ones) x pixels (to whole panels) x 16 floats. */
size_t na_tile_extra(const na_products *products, int pixels);

/* Where row `row` (a multiple of group_rows) and column `column` (of depth_unit) begin in a packed matrix of
 * so many columns. */
const float *na_matrix_at(const na_products *products, const float *packed, int columns, int row, int column);

#endif
