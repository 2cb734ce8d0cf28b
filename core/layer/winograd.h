/* Dense 3x3 convolution of stride 1 by minimal filtering, where that is quicker: see winograd.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_WINOGRAD_H
#define NA_WINOGRAD_H

#include "core/layer/layer.h"

/* Is it quicker for so many active channels? A function of the shapes alone. */
bool na_winograd_pays(const na_shape *shape, int in, int out);

void na_winograd_forward(const na_pass *pass, const na_op *op);
void na_winograd_backward(const na_pass *pass, const na_op *op);

/* Adds to *needs what it takes with up to so many channels. */
void na_winograd_needs(const na_kernels *kernels, int in, int out, const na_shape *shape, na_needs *needs);

#endif
