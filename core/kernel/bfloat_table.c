/* The bf16 products of one instruction set, as a table.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/bfloat.h"

#if defined(__AMX_BF16__)
#define ARITHMETIC "bf16 by AMX"
#define NATIVE true
#elif defined(__AVX512BF16__)
#define ARITHMETIC "bf16 by AVX512_BF16"
#define NATIVE true
#else
#define ARITHMETIC "bf16"
#define NATIVE false
#endif

static const na_direct direct = {
    .fill_values = NA_SYMBOL(bfloat_fill_values),
    .fill_gradient = NA_SYMBOL(bfloat_fill_gradient),
    .fill_turned = NA_SYMBOL(bfloat_fill_turned),
    .pack_taps = NA_SYMBOL(bfloat_pack_taps),
    .convolve = NA_SYMBOL(bfloat_convolve),
    .convolve_finished = NA_SYMBOL(bfloat_convolve_finished),
    .correlate = NA_SYMBOL(bfloat_correlate),
    .unpack = NA_SYMBOL(bfloat_unpack),
};

const na_products NA_SYMBOL(na_bfloat) = {
    .name = ARITHMETIC,
    .rounded = true,
    .native = NATIVE,
    .panel_pixels = 2,
    .group_rows = BLOCK,
    .depth_unit = DEPTH,
    .vector = BLOCK,
    .pack_view = NA_SYMBOL(bfloat_pack_view),
    .complete_tile = NA_SYMBOL(bfloat_complete_tile),
    .pack_columns = NA_SYMBOL(bfloat_pack_columns),
    .pack_pullback = NA_SYMBOL(bfloat_pack_pullback),
    .pack_matrix = NA_SYMBOL(bfloat_pack_matrix),
    .matmul = NA_SYMBOL(bfloat_matmul),
    .matmul_streamed = NA_SYMBOL(bfloat_matmul_streamed),
    .matmul_finished = NA_SYMBOL(bfloat_matmul_finished),
    .outer = NA_SYMBOL(bfloat_outer),
    .direct = &direct,
};
