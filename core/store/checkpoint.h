/* Checkpoints: a network with its weights, statistics and the state to go on from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CHECKPOINT_H
#define NA_CHECKPOINT_H

#include "core/net/net.h"

/* What a checkpoint holds besides the net. Zero-initialise. Texts are borrowed when saving, owned (see
 * na_checkpoint_free) when loaded. */
typedef struct na_checkpoint {
  int epoch;               /* epochs done */
  long step, batch;        /* optimizer steps done; batches done in the running epoch */
  uint64_t random_key, random_index; /* the trainer's generator of draws */
  double val_loss, val_top1, val_top5; /* base validation; NaN when not measured */
  double best_top1;
  char *settings;          /* the experiment's settings as text, or NULL */
  char *data;              /* dataset settings as text ("name = value" lines), or NULL */
  char **class_names;      /* [class_count] or NULL */
  int class_count;
} na_checkpoint;

/* Writes path (to a temporary name, synced, renamed): layout
 *   attributes: format "netaug checkpoint", version, net (na_net_write's text), and the fields above;
 *   params/NAME, buffers/NAME (shape as PyTorch's), momentum/NAME when with_momentum. */
int na_checkpoint_save(const char *path, const na_net *net, const na_checkpoint *state,
                       bool with_momentum, na_error *err);

/* Reads path into a new net. Refuses a file that is truncated, foreign, of a newer version, or
 * whose tensors do not fit its net. */
int na_checkpoint_load(const char *path, na_net **net, na_checkpoint *state, na_error *err);

/* Reads only the weights and statistics of path into an existing net of the same structure; names
 * and shapes must match. */
int na_checkpoint_load_into(const char *path, na_net *net, na_checkpoint *state, na_error *err);

void na_checkpoint_free(na_checkpoint *state);

#endif
