/* A run's folder: log.txt, run.h5 (metrics), last.h5, best.h5 and other checkpoints.
 *
 * Whoever trains in a folder holds a lock on its log.txt, which ends with the process however it
 * ends. A recorder may be NULL, for a run that is not recorded: everything then does nothing and
 * succeeds. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RECORDER_H
#define NA_RECORDER_H

#include "core/store/checkpoint.h"
#include "core/store/metrics.h"
#include "core/train/trainer.h"

typedef struct na_recorder na_recorder;

/* Makes the folder (and those above it) where missing, and locks it. Refused: a folder in which
 * another process trains, and for a new run (not `again`) one that holds a run already. */
int na_recorder_new(na_recorder **recorder, const char *folder, bool again, na_error *err);

/* Makes run.h5, or goes on with it where rows is not NULL. description and notes are stored with a
 * new one, and what is known of this machine. */
int na_recorder_begin(na_recorder *recorder, const char *description, const na_note *notes,
                      int note_count, const na_rows *rows, na_error *err);

/* Closes the files. An error means that the last metrics are not safely on disk. */
int na_recorder_free(na_recorder *recorder, na_error *err);

/* Adds a line, with the time of day, to the log. */
void na_recorder_log(na_recorder *recorder, const char *line);

int na_recorder_step(na_recorder *recorder, const na_event *step, na_error *err);
int na_recorder_epoch(na_recorder *recorder, const na_event *epoch, na_error *err);
int na_recorder_steered(na_recorder *recorder, const na_event *steer, na_error *err);
int na_recorder_flush(na_recorder *recorder, na_error *err);
na_rows na_recorder_rows(const na_recorder *recorder);

/* Writes a complete checkpoint to FOLDER/name, and before it all metrics up to it. Refuses to replace
 * a good one by a network with a weight that is not finite (NA_ENAN). */
int na_recorder_save(na_recorder *recorder, const char *name, const na_net *net,
                     const na_checkpoint *state, na_error *err);

/* Of the checkpoints epoch-NNNN.h5 in the folder keeps the newest `most`; 0: all. */
void na_recorder_keep(na_recorder *recorder, int most);

/* Path of FOLDER/name, in path[NA_RUN_PATH]. */
enum { NA_RUN_PATH = 4096 };
void na_recorder_path(const na_recorder *recorder, const char *name, char *path);

/* Path of the last checkpoint written, or NULL. */
const char *na_recorder_last(const na_recorder *recorder);

/* Does a process train in this folder at the moment? */
bool na_run_is_live(const char *folder);

/* Fails when a process trains in the folder, and says which. */
int na_run_check_idle(const char *folder, na_error *err);

#endif
