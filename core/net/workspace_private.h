/* The workspace's structure, for the files that implement it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_WORKSPACE_PRIVATE_H
#define NA_WORKSPACE_PRIVATE_H

#include "core/layer/layer.h"
#include "core/net/workspace.h"

struct na_workspace {
  na_net *net;
  int batch;            /* largest */
  bool train;
  na_pass pass;
  na_tensor *tensors;   /* [layer_count]: each layer's output */
  na_op *ops;           /* [layer_count] */
  bool *kept;           /* [layer_count]: data stays until the end of the forward pass */
  bool *inner;          /* [layer_count]: bf16 products may store the layer rounded */
  bool *paired;         /* [layer_count]: a depthwise layer that alone reads the expansion before it */
  bool *merged;         /* [layer_count]: the last forward pass made this layer and the one before it at once */
  double *squares;      /* of all expansions: see na_op */
  int *widths;          /* [dim_count] of the last forward pass */
  int *base;            /* [dim_count]: those of the base network */
  float *arena;
  size_t arena_bytes;
  float *spare;         /* where the outputs and gradients between merged layers go, when they are kept */
  size_t spare_bytes;
  float *vectors;       /* per-channel floats of all tensors */
  double *sums;         /* per-channel doubles of all tensors */
  na_scores *scores;    /* [blocks] of the last loss */
  float *scratch_block; /* workers' scratch, packed weights, partial gradients */
  size_t scratch_bytes;
  bool keep;            /* of na_workspace_keep */
  const na_products *products; /* of training passes: of na_workspace_precision */
  const na_teaching *teaching; /* of na_workspace_teach, borrowed; or NULL */
  void (*see)(void *context, int layer); /* of na_workspace_watch, or NULL */
  void *see_context;
  int seen;             /* the layer whose gradient is complete; 0: none */
  double *seconds;      /* [4 * layer_count] of na_workspace_time, borrowed; or NULL */
  long estimated;       /* images seen since na_recalibrate_begin */
  enum { NA_IDLE, NA_FORWARDED, NA_SCORED, NA_BACKWARDED } state;
};

/* Ops and tensors of all layers for the widths and the products at hand. */
void na_workspace_bind(na_workspace *workspace, const int *widths);

const na_layer_ops *na_workspace_ops(const na_workspace *workspace, int layer);

#endif
