/* Distillation: a trained network, the teacher, gives the training images soft targets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DISTILL_H
#define NA_DISTILL_H

#include "core/net/workspace.h"

/* The table is na_kd_settings. */
typedef struct na_kd {
  char teacher[NA_TEXT_MAX]; /* path of its checkpoint; empty: no distillation */
  double temperature;
  double weight;             /* of the soft targets in the loss; the labels have the rest */
  bool augmented;            /* sub-networks learn from the teacher, too; else from labels alone */
} na_kd;
extern const na_settings na_kd_settings;

typedef struct na_teacher na_teacher;

/* Loads the checkpoint (its base network, with its running statistics) and plans the memory to run it
 * on batches of `data`, which it must fit: image size, number of classes, and, where both are known, their
 * names and what images are normalised with. Borrows the team. */
int na_teacher_new(na_teacher **teacher, const na_kd *kd, const na_source *data, na_team *team,
                   na_error *err);
void na_teacher_free(na_teacher *teacher);

/* Runs the teacher, in evaluation mode, on a batch of the training as it is: cropped, mixed. What it
 * says goes into the loss (na_workspace_teach) and is valid until the next call. */
int na_teacher_ask(na_teacher *teacher, const na_batch *batch, const na_teaching **teaching,
                   na_error *err);

/* SHA-1 of the checkpoint's file (na_sha1_file): a run stores it to know its teacher again. */
const char *na_teacher_hash(const na_teacher *teacher);

/* "teacher resnet_small: 270k parameters, 41.1M MACs, 91.20% (runs/large/best.h5)" */
void na_teacher_describe(const na_teacher *teacher, char text[512]);

/* Bytes of its parameters and its workspace. */
size_t na_teacher_bytes(const na_teacher *teacher);

#endif
