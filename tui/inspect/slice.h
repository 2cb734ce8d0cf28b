/* Parts of N-dimensional arrays as people write them: "0,:,3", "-1", "10:20,::2,...".
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SLICE_H
#define NA_SLICE_H

#include "core/store/object.h"

/* For each dimension, separated by commas: an index, or FIRST:END:STEP with each of them optional;
 * negative ones count from the end, "..." stands for as many ":" as are missing, and so does the end of
 * the text. fixed[i] is true where an index was given. */
typedef struct na_slice {
  na_h5_part part;
  bool fixed[NA_H5_RANK_MOST];
} na_slice;

int na_slice_parse(na_slice *slice, const char *text, const na_h5_about *about, na_error *err);

/* The start of a dataset that shows something: the last two dimensions, the others at 0. */
void na_slice_first(na_slice *slice, const na_h5_about *about);

/* As it would be written. out has room for 512. */
void na_slice_text(const na_slice *slice, const na_h5_about *about, char out[512]);

#endif
