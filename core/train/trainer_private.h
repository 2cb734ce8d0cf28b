/* The trainer's structure, for the files that implement it.
 *
 * The worker thread owns the net, the workspace, the sources and everything under "position" while
 * it runs; others look only at what is atomic or guarded by `mutex`.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TRAINER_PRIVATE_H
#define NA_TRAINER_PRIVATE_H

#include "core/train/recorder.h"
#include "core/train/ring.h"
#include "core/train/trainer.h"

#include <pthread.h>
#include <stdatomic.h>

/* In the order of the setting's words. */
typedef enum na_schedule { NA_SCHEDULE_COSINE, NA_SCHEDULE_CONSTANT } na_schedule;

/* min_w_epochs, with -1 worked out. */
int na_min_w_epochs(const na_train *train);

/* Where the time goes. Rates are smoothed over the last steps. */
typedef struct na_clock {
  double started;    /* monotonic seconds when training began */
  double step;       /* seconds per step, waiting for data included; 0: none measured yet */
  double wait;       /* of these, waiting for data */
  double images;     /* per step */
  double evaluation; /* seconds the last evaluation and its checkpoint took; 0: none yet */
  double reported;   /* when the last TASK event was sent */
} na_clock;

struct na_trainer {
  na_train train;
  na_net *net;
  na_source *data, *val, *calibration;
  bool initialize;
  char *description, *data_settings;

  na_team *team;
  na_workspace *workspace;
  na_ring *ring;
  na_recorder *recorder;
  int *base_widths, *widest, *choices; /* [dim_count] */
  int **widths;                        /* [networks][dim_count] of this step */
  na_random draws;

  /* position */
  int epoch;               /* epochs done */
  long batch, step, steps; /* batches done in the running epoch; optimizer steps done, in all */
  na_phase phase;
  na_scores base, augmented; /* sums of the running epoch */
  na_clock clock;
  const char *task; /* what the running pass does */

  /* results */
  na_result base_val, augmented_val, best;
  double seconds;
  int code;
  na_error error;

  /* control */
  pthread_t thread;
  bool started, joined;
  atomic_int stop, paused, released; /* released: hold no more */
  bool hold_step, hold_epoch;        /* set before the start */
  pthread_mutex_t mutex;             /* guards held */
  pthread_cond_t continued;
  bool held;
};

/* The worker thread. */
void *na_trainer_work(void *trainer);

#endif
