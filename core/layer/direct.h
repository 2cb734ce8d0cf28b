/* Dense convolution of rounded operands: see direct.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DIRECT_LAYER_H
#define NA_DIRECT_LAYER_H

#include "core/layer/layer.h"

/* Do these products convolve directly, and is it quicker for so many active channels? */
bool na_direct_pays(const na_products *products, int in, int out, int kernel);

void na_direct_forward(const na_pass *pass, const na_op *op);
void na_direct_backward(const na_pass *pass, const na_op *op);

/* Adds to *needs what it takes with up to so many channels. */
void na_direct_needs(int in, int out, const na_shape *shape, na_needs *needs);

#endif
