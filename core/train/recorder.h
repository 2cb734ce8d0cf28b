/* A run's folder: log.txt, run.h5 (metrics), last.h5 and best.h5 (checkpoints).
 *
 * A recorder may be NULL, for a run that is not recorded: everything then does nothing and
 * succeeds. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RECORDER_H
#define NA_RECORDER_H

#include "core/store/checkpoint.h"
#include "core/train/trainer.h"

typedef struct na_recorder na_recorder;

/* Makes the folder (and those above it) where missing, and the files in it. description is stored
 * with the metrics and may be NULL. */
int na_recorder_new(na_recorder **recorder, const char *folder, const char *description,
                    na_error *err);

/* Closes the files. An error means that the last metrics are not safely on disk. */
int na_recorder_free(na_recorder *recorder, na_error *err);

/* Adds a line, with the time of day, to the log. */
void na_recorder_log(na_recorder *recorder, const char *line);

int na_recorder_step(na_recorder *recorder, const na_event *step, na_error *err);
int na_recorder_epoch(na_recorder *recorder, const na_event *epoch, na_error *err);

/* Writes a complete checkpoint to FOLDER/name. Refuses to replace a good one by a network with a
 * weight that is not finite (NA_ENAN). */
int na_recorder_save(na_recorder *recorder, const char *name, const na_net *net,
                     const na_checkpoint *state, na_error *err);

/* Path of the last checkpoint written, or NULL. */
const char *na_recorder_last(const na_recorder *recorder);

#endif
