/* Picks the products for this processor; sizes of their operands.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"
#include "core/kernel/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef NA_X86
#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const na_products na_bfloat_amx;

enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };  /* Linux, asm/prctl.h */
enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };        /* leaf 7: EDX */

static bool has_tiles;

/* The kernel lends a process the tiles' registers when it asks; where it knows nothing of them, or refuses,
 * they are not used. */
static void look(void)
{
  unsigned a, b, c, d;
  has_tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) != 0 && (d & AMX_TILE) != 0 &&
              syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}
#endif

/* AMX is no instruction set of its own, as the tiles do nothing but multiply; NULL: not beside these kernels. */
static const na_products *tiles_beside(const na_kernels *kernels)
{
#ifdef NA_X86
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, look);
  if (has_tiles && kernels->products[NA_BF16]->native) return &na_bfloat_amx;
#else
  (void)kernels;
#endif
  return NULL;
}

const na_products *na_products_best(const na_kernels *kernels, na_precision precision)
{
  const na_products *better = precision == NA_BF16 ? tiles_beside(kernels) : NULL;
  return better != NULL ? better : kernels->products[precision];
}

const na_products *na_products_running(int i)
{
  const na_kernels *kernels;
  for (int set = 0; (kernels = na_kernels_running(set)) != NULL; set++)
    for (int p = 0; p < NA_PRECISIONS; p++)
      if (i-- == 0) return kernels->products[p];
  return i == 0 ? tiles_beside(na_kernels_best()) : NULL;
}

const char *na_precision_name(na_precision precision)
{
#define NAME(symbol, name) name,
  static const char *const names[] = {NA_PRECISION_LIST(NAME)};
#undef NAME
  return names[precision];
}

float na_bf16(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = isnan(x) ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1u);
  bits &= 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ------------------------------------------------------------------------------ sizes */

static size_t round_to(size_t a, int unit) { return (a + (size_t)unit - 1) / (size_t)unit * (size_t)unit; }

/* Of rounded operands both uses together take as much as one of floats, padded to even rows; the right factor has
 * a line more for each pixel, and some behind the last; as many are read behind the left one. */
enum { EVEN = 2 };

size_t na_tile_extra(const na_products *products, int pixels)
{
  return products->rounded ? ((size_t)pixels + 2 * (NA_SPARE_LINES + 1)) * NA_LANES : 0;
}

size_t na_tile_floats(const na_products *products, int rows, int pixels)
{
  size_t lines = round_to((size_t)rows, products->rounded ? EVEN : 1);
  return lines * round_to((size_t)pixels, products->panel_pixels) * NA_LANES + na_tile_extra(products, pixels);
}

size_t na_column_floats(const na_products *products, int rows, int pixels)
{
  size_t floats = round_to((size_t)rows, products->vector) * NA_LANES;
  return products->rounded ? floats / 2 * round_to((size_t)pixels, products->panel_pixels) : floats * (size_t)pixels;
}

size_t na_matrix_floats(const na_products *products, int rows, int columns)
{
  size_t values = round_to((size_t)rows, products->group_rows) * round_to((size_t)columns, products->depth_unit);
  return round_to(products->rounded ? values / 2 : values, NA_LANES);
}

const float *na_matrix_at(const na_products *products, const float *packed, int columns, int row, int column)
{
  size_t at = (size_t)row * round_to((size_t)columns, products->depth_unit) +
              (size_t)column * (size_t)products->group_rows;
  return packed + (products->rounded ? at / 2 : at);
}

/* ------------------------------------------------------------------------------ direct convolution */

/* Values of a line of 64 bytes; lines of a block; rows and columns of results. */
enum { LINE = 2 * NA_LANES, BLOCK_LINES = 16, SIDE = 16 };

size_t na_frame_floats(int channels, int rows, int columns)
{
  return ((size_t)(rows * columns) * (round_to((size_t)channels, EVEN) / 2) + BLOCK_LINES - 1) * NA_LANES;
}

size_t na_overlap_left_floats(const na_overlap *o)
{
  return ((size_t)(o->rows * ((o->width + 1) / 2)) * (size_t)o->left_rows + BLOCK_LINES - 1) * NA_LANES;
}

size_t na_overlap_right_floats(const na_overlap *o)
{
  return round_to((size_t)o->right_rows, SIDE) / SIDE * na_overlap_group(o);
}

size_t na_overlap_sums(int left_rows, int right_rows, int kernel)
{
  return round_to((size_t)left_rows, SIDE) * round_to((size_t)right_rows, SIDE) * (size_t)(kernel * kernel);
}

size_t na_taps_floats(const na_taps *taps, int rows, int channels)
{
  size_t depth = round_to(round_to((size_t)channels, EVEN) * (size_t)taps->across, LINE);
  return round_to((size_t)rows, SIDE) * (size_t)taps->down * depth / 2;
}
