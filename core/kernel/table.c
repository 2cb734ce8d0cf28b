/* The kernels of one instruction set, as a table.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/simd.h"

#define NA_TEXT_(x) #x
#define NA_TEXT(x) NA_TEXT_(x)

const na_products NA_SYMBOL(na_products) = {
    .name = "float32",
    .native = true,
    .panel_pixels = PANEL,
    .group_rows = GROUP,
    .depth_unit = 1,
    .vector = VL,
    .pack_view = NA_SYMBOL(pack_view),
    .pack_columns = NA_SYMBOL(pack_columns),
    .pack_pullback = NA_SYMBOL(pack_pullback),
    .pack_matrix = NA_SYMBOL(pack_matrix),
    .matmul = NA_SYMBOL(matmul),
    .matmul_streamed = NA_SYMBOL(matmul_streamed),
    .matmul_finished = NA_SYMBOL(matmul_finished),
    .outer = NA_SYMBOL(outer),
};

const na_kernels NA_SYMBOL(na_kernels) = {
    .name = NA_TEXT(NA_ISA),
    .vector = VL,
    .products = {&NA_SYMBOL(na_products), &NA_SYMBOL(na_bfloat)},
    .convolve = NA_SYMBOL(convolve),
    .correlate = NA_SYMBOL(correlate),
    .winograd_pack = NA_SYMBOL(winograd_pack),
    .winograd_spread = NA_SYMBOL(winograd_spread),
    .winograd_factor = NA_SYMBOL(winograd_factor),
    .winograd_gather = NA_SYMBOL(winograd_gather),
    .winograd_unpack = NA_SYMBOL(winograd_unpack),
    .moments = NA_SYMBOL(moments),
    .finish = NA_SYMBOL(finish),
    .read_view = NA_SYMBOL(read_view),
    .sum_lanes = NA_SYMBOL(sum_lanes),
    .scale_lanes = NA_SYMBOL(scale_lanes),
    .read_pullback = NA_SYMBOL(read_pullback),
    .depthwise_forward = NA_SYMBOL(depthwise_forward),
    .depthwise_forward_stripe = NA_SYMBOL(depthwise_forward_stripe),
    .depthwise_backward = NA_SYMBOL(depthwise_backward),
    .depthwise_backward_placed = NA_SYMBOL(depthwise_backward_placed),
    .peak_fma = NA_SYMBOL(peak_fma),
    .peak_read = NA_SYMBOL(peak_read),
    .peak_write = NA_SYMBOL(peak_write),
    .peak_triad = NA_SYMBOL(peak_triad),
};
