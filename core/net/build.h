/* What the files of core/net share: limits, names, and the making of dimensions.
 *
 * The limits bound what a hostile description can ask for; they are far above any network this
 * program is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BUILD_H
#define NA_BUILD_H

#include "core/net/net.h"

enum {
  NA_NAME_SIZE = 128, /* bytes of a name, with its NUL */
  NA_LAYERS_MAX = 4096,
  NA_DIMS_MAX = 4096,
  NA_CHANNELS_MAX = 65536, /* of any dimension */
  NA_SIDE_MAX = 8192,      /* height and width of an image */
  NA_KERNEL_MAX = 63,
  NA_STRIDE_MAX = 8,
  NA_SQUEEZE_MIN = 16 /* the least middle of a squeeze-excite gate, by its formula */
};

/* Floats in a block of parameters (1 GiB). */
#define NA_VALUES_MAX ((size_t)1 << 28)

/* Candidates are multipliers from 1 to this. */
#define NA_MULTIPLIER_MAX 64.0

/* Names are 1 to 127 letters, digits, '.', '_' and '-', so they can stand in files and messages as
 * they are. `what` is "layer", "dimension" or "network". */
int na_name_check(const char *what, const char *name, na_error *err);

/* Refuses a change of the structure once parameters exist. */
int na_net_check_open(const na_net *net, na_error *err);

/* Candidates of a dimension: 1 where nothing can be chosen. */
int na_dim_candidates(const na_dim *dim);

/* Raises a dimension's max to `max`, as a net had it whose lists were shortened after its
 * parameters were made. Refuses less than its present max. */
int na_dim_raise(na_net *net, int dim, int max, na_error *err);

/* Gives every dimension of a copy of the net, whose dims are its own, its new list, and its new max where
 * no parameters exist yet. Whether the list fits in where they do is the caller's business. */
int na_net_relist(na_net *copy, const na_list *width, const na_list *expand, na_error *err);

#endif
