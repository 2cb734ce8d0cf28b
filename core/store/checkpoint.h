/* Checkpoints: a network with its weights, statistics and the state to go on from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CHECKPOINT_H
#define NA_CHECKPOINT_H

#include "core/net/net.h"

/* What a checkpoint holds besides the net. Zero-initialise. Texts and arrays are borrowed when
 * saving, owned (see na_checkpoint_free) when loaded. Files of older programs lack some of it, which
 * is then zero or NULL. */
typedef struct na_checkpoint {
  int epoch;               /* epochs done */
  long step, batch;        /* optimizer steps done; batches done in the running epoch */
  uint64_t random_key, random_index; /* the trainer's generator of draws */
  double val_loss, val_top1, val_top5; /* base validation; NaN when not measured */
  double best_top1;
  char *settings;          /* the experiment's settings as text, or NULL */
  char *data;              /* dataset settings as text ("name = value" lines), or NULL */
  char *mean, *std;        /* that images are normalised with, see na_source, or NULL */
  char **class_names;      /* [class_count] or NULL */
  int class_count;

  /* To go on to the bit. */
  int complete;            /* 1: all of the following is there */
  int begun;               /* the running epoch was begun: sorted, its phase announced */
  double base_loss, augmented_loss;                    /* sums over the running epoch's images */
  long base_top1, base_top5, base_images;
  long augmented_top1, augmented_top5, augmented_images;
  double best_loss, best_top5;
  long best_images;        /* 0: no best yet */
  long step_rows, epoch_rows, steering_rows; /* of run.h5 */
  double seconds;          /* trained so far */
  int steered;             /* a setting was changed */
  char *present;           /* settings in force, "train.lr = 0.1" lines */
  char *pending;           /* commands not yet applied, a line each; or NULL */
  char *state;             /* what hooks keep, as text; or NULL */
  double *draws;           /* [draw_count]: counts of draws, see core/train/draws.c */
  size_t draw_count;
  const float *running;    /* saving: the training's own running statistics, [net->stats]; NULL: they
                              are those of the net. Loading leaves NULL */
} na_checkpoint;

/* Writes path (to a temporary name, synced, renamed); core/store/FORMAT.md describes the layout:
 *   attributes: format "netaug checkpoint", version, net (na_net_write's text), and the fields above;
 *   params/NAME, buffers/NAME (shape as PyTorch's), momentum/NAME when with_momentum,
 *   running/NAME where `running` is given. */
int na_checkpoint_save(const char *path, const na_net *net, const na_checkpoint *state,
                       bool with_momentum, na_error *err);

/* The same, with momentum; where path is there already, the new file keeps what others put into it:
 * attributes, groups and datasets that this program does not know. */
int na_checkpoint_rewrite(const char *path, const na_net *net, const na_checkpoint *state,
                          na_error *err);

/* Reads path into a new net. Refuses a file that is truncated, foreign, of a newer version, or
 * whose tensors do not fit its net. */
int na_checkpoint_load(const char *path, na_net **net, na_checkpoint *state, na_error *err);

/* Reads only the state of path, to know where it stands. */
int na_checkpoint_state(const char *path, na_checkpoint *state, na_error *err);

/* Reads only the weights and statistics of path into an existing net of the same structure; names
 * and shapes must match. */
int na_checkpoint_load_into(const char *path, na_net *net, na_checkpoint *state, na_error *err);

/* Reads everything to go on from into an existing net of the same layers: weights, momentum and the
 * training's own running statistics. Refuses a file that is not complete, or of another network. */
int na_checkpoint_resume(const char *path, na_net *net, na_checkpoint *state, na_error *err);

/* Are they the same to the bit, but for the time that they took? NA_EINVAL: no; err has the first
 * difference. `running` is not compared. */
int na_checkpoint_compare(const na_checkpoint *a, const na_checkpoint *b, na_error *err);

void na_checkpoint_free(na_checkpoint *state);

#endif
