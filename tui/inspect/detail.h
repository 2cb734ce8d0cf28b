/* What can be told about one object of a file, each as lines and pictures added to a page.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DETAIL_H
#define NA_DETAIL_H

#include "core/store/scan.h"
#include "tui/inspect/page.h"
#include "tui/inspect/slice.h"
#include "tui/inspect/tree.h"

/* A dataset of numbers, and what of it is looked at. */
typedef struct na_subject {
  na_reader *reader;
  const char *path;
  const na_h5_about *about;
  const char *field; /* of a compound, or "" */
} na_subject;

/* Path, type, shape, how it is stored, and its attributes. */
void na_detail_about(na_page *page, na_tree *tree, int node);

/* The values of a part, in rows and columns; more than `most` of them are refused with words. */
void na_detail_values(na_page *page, const na_subject *subject, const na_slice *slice, long long most);

/* Statistics, the histogram, and the norms of the channels where the scan has them (the `most` first of
 * them). Tells how far an unfinished scan is. */
void na_detail_statistics(na_page *page, const na_scan *scan, long long most);

/* The values as pictures: matrices, kernels and images, as many as fit into `rows`; a curve, where the
 * part has one dimension. */
void na_detail_pictures(na_page *page, const na_subject *subject, const na_slice *slice, int rows);

/* The axis whose indices are the channels: 1 of activations [n][channels][height][width], else 0, as of
 * weights (O, I, kh, kw); -1 where there is none. */
int na_detail_axis(const char *path, const na_h5_about *about);

#endif
