/* Files as plain text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_INSPECT_PRINT_H
#define NA_INSPECT_PRINT_H

#include "tui/inspect/tensors.h"

/* How much is told. */
typedef struct na_print {
  bool utf8;
  int width;         /* of pictures and bars */
  int depth;         /* of the tree; 0: all */
  const char *slice; /* or "" */
  const char *field; /* of a compound, or "" */
  int axis;          /* of the channels; -1: what is usual, -2: none */
  int bins;
  double limit;      /* values read for statistics; 0: all */
  na_tensor_sort sort;
  bool reverse;
} na_print;

/* The tree below a node. */
int na_print_tree(const na_print *print, na_tree *tree, int node, na_error *err);

/* All about one object; of a group also the tree below it. */
int na_print_object(const na_print *print, na_tree *tree, int node, na_error *err);

/* All tensors with their statistics. */
int na_print_tensors(const na_print *print, na_reader *reader, na_error *err);

#endif
