/* The one primitive of products of bf16 operands, summed in float32: blocks of 16 x 16 results, as AMX computes
 * them, which other instruction sets do in their vectors. Included by kernel files only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BFLOAT_MULTIPLY_H
#define NA_BFLOAT_MULTIPLY_H

#include "core/kernel/bfloat.h"

/* The blocks of an operand: number i begins i * next values further, its rows are `row` apart, the next DEPTH of
 * the sum `step`, and after a round of them the next one begins `round` further than the last. */
typedef struct factor {
  const uint16_t *at;
  size_t next, row, step, round;
} factor;

/* How many blocks are summed. */
typedef struct span {
  int rounds, steps;
} span;

/* Where results go: block (i, j) begins at i * down + j * next, its rows are `row` floats apart. */
typedef struct results {
  float *at;
  size_t down, next, row;
  bool add;
} results;

/* multiply: `down` x `across` blocks of results, whose operands are loaded once: at most 2 x 2 or 1 x 4. Before,
 * begin_products tells how many rows of a block are wanted: BLOCK, or fewer of a single row of blocks; others may
 * be written, too. */

#if defined(__AMX_BF16__)

/* Tiles of rows of 64 bytes: 0 to 3 sums; 4 and, of two rows of blocks, 5 the left factor; the others the right
 * one. Fewer rows of sums take less time. */
INLINE void begin_products(int rows)
{
  struct {
    uint8_t palette, start, none[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } tiles = {.palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}};
  for (int i = 0; i < 8; i++) tiles.rows[i] = (uint8_t)(i < 5 ? rows : BLOCK);
  /* GCC's intrinsic tells the compiler of the first 8 bytes alone: the others need not have been written. And the tiles
   * are loaded from memory that was written before. */
  __asm__ volatile("ldtilecfg %0" : : "m"(tiles) : "memory");
}

INLINE void end_products(void) { _tile_release(); }

#define BEGIN(TILE, I, J)                                                                          \
  do {                                                                                             \
    if (c->add) _tile_loadd(TILE, c->at + (I) * c->down + (J) * c->next, c->row * sizeof(float));  \
    else _tile_zero(TILE);                                                                         \
  } while (0)
#define END(TILE, I, J) _tile_stored(TILE, c->at + (I) * c->down + (J) * c->next, c->row * sizeof(float))

INLINE void multiply(int down, int across, const factor *a, const factor *b, span sum, const results *c)
{
  size_t left_row = a->row * sizeof *a->at, right_row = b->row * sizeof *b->at;
  BEGIN(0, 0, 0);
  if (across > 1) BEGIN(1, 0, 1);
  if (across > 2) BEGIN(2, 0, 2);
  if (across > 3) BEGIN(3, 0, 3);
  if (down > 1) BEGIN(2, 1, 0);
  if (down > 1 && across > 1) BEGIN(3, 1, 1);
  for (int r = 0; r < sum.rounds; r++) {
    const uint16_t *left = a->at + (size_t)r * a->round, *right = b->at + (size_t)r * b->round;
    for (int s = 0; s < sum.steps; s++, left += a->step, right += b->step) {
      _tile_loadd(6, right, right_row);
      _tile_loadd(4, left, left_row);
      _tile_dpbf16ps(0, 4, 6);
      if (across > 1) {
        _tile_loadd(7, right + b->next, right_row);
        _tile_dpbf16ps(1, 4, 7);
      }
      if (across > 2) {
        _tile_loadd(5, right + 2 * b->next, right_row);
        _tile_dpbf16ps(2, 4, 5);
      }
      if (across > 3) {
        _tile_loadd(6, right + 3 * b->next, right_row);
        _tile_dpbf16ps(3, 4, 6);
      }
      if (down > 1) {
        _tile_loadd(5, left + a->next, left_row);
        _tile_dpbf16ps(2, 5, 6);
        if (across > 1) _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
  END(0, 0, 0);
  if (across > 1) END(1, 0, 1);
  if (across > 2) END(2, 0, 2);
  if (across > 3) END(3, 0, 3);
  if (down > 1) END(2, 1, 0);
  if (down > 1 && across > 1) END(3, 1, 1);
}
#undef BEGIN
#undef END

#else

INLINE void begin_products(int rows) { (void)rows; }
INLINE void end_products(void) {}

/* Rows whose sums are in registers at once. */
enum { SUM_ROWS = VL == 16 ? 16 : VL == 8 ? 4 : 2 };

/* sum += a.first * x.first + a.second * x.second, of pairs. */
INLINE vf add_pairs(vf sum, uint32_t a, vu x)
{
#if defined(__AVX512BF16__)
  return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)x);
#else
  union { uint32_t bits; float value; } first = {.bits = a << 16}, second = {.bits = a & 0xffff0000u};
  sum += first.value * (vf)(x << 16);
  return sum + second.value * (vf)(x & 0xffff0000u);
#endif
}

/* SUM_ROWS rows of a block. */
INLINE void multiply_rows(const uint16_t *from, const factor *left, const uint16_t *along, const factor *right,
                          span sum, float *to, size_t row, bool add)
{
  vf x[SUM_ROWS][BLOCK_VECTORS];
  UNROLL for (int r = 0; r < SUM_ROWS; r++)
    UNROLL for (int v = 0; v < BLOCK_VECTORS; v++) x[r][v] = load_if(add, to + (size_t)r * row + v * VL);
  for (int i = 0; i < sum.rounds; i++) {
    const uint16_t *a = from + (size_t)i * left->round, *b = along + (size_t)i * right->round;
    for (int s = 0; s < sum.steps; s++, a += left->step, b += right->step)
      for (int j = 0; j < PAIRS; j++)
        UNROLL for (int v = 0; v < BLOCK_VECTORS; v++) {
          vu y = *(const vu *)(b + (size_t)j * right->row + 2 * v * VL);
          UNROLL for (int r = 0; r < SUM_ROWS; r++) {
            uint32_t pair;
            memcpy(&pair, a + (size_t)r * left->row + 2 * j, sizeof pair);
            x[r][v] = add_pairs(x[r][v], pair, y);
          }
        }
  }
  UNROLL for (int r = 0; r < SUM_ROWS; r++)
    UNROLL for (int v = 0; v < BLOCK_VECTORS; v++) store(to + (size_t)r * row + v * VL, x[r][v]);
}

INLINE void multiply(int down, int across, const factor *a, const factor *b, span sum, const results *c)
{
  for (int i = 0; i < down; i++)
    for (int j = 0; j < across; j++)
      for (int r = 0; r < BLOCK; r += SUM_ROWS)
        multiply_rows(a->at + (size_t)i * a->next + (size_t)r * a->row, a, b->at + (size_t)j * b->next, b, sum,
                      c->at + (size_t)i * c->down + (size_t)j * c->next + (size_t)r * c->row, c->row, c->add);
}

#endif
#endif
