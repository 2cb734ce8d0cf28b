/* Are all values finite?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FINITE_H
#define NA_FINITE_H

#include "core/net/net.h"

/* The first parameter or buffer, of `count` in `block` of `size` floats (a multiple of 16), with a
 * value that is infinite or not a number; -1: none. One quick pass when all is well. */
int na_finite_check(const float *block, size_t size, const na_param *params, int count);

#endif
