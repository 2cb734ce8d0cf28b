/* The trainer's structure, for the files that implement it.
 *
 * The worker thread owns the net, the workspace, the sources and everything under "position" while
 * it runs; others look only at what is atomic or guarded by `mutex`.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TRAINER_PRIVATE_H
#define NA_TRAINER_PRIVATE_H

#include "core/train/recorder.h"
#include "core/train/ring.h"
#include "core/train/steer.h"
#include "core/train/trainer.h"

#include <pthread.h>
#include <stdatomic.h>

/* In the order of the setting's words. */
typedef enum na_schedule {
  NA_SCHEDULE_COSINE,
  NA_SCHEDULE_CONSTANT,
  NA_SCHEDULE_EXPONENTIAL
} na_schedule;
typedef enum na_drop_schedule { NA_DROP_LINEAR, NA_DROP_CONSTANT } na_drop_schedule;

/* Share of DropBlock's rate at optimizer step `step` of `steps`: grows from 0 to 1 (Ghiasi, Lin, Le
 * 2018, section 3), or is 1. */
double na_drop_share(const na_train *train, long step, long steps);

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
  double saved;      /* when last.h5 was written */
} na_clock;

enum { NA_STEER_QUEUE = 64, NA_NETWORKS_MAX = 64 };

/* Commands on their way. The mutex guards the queue; for other threads also the settings, the
 * draws and the agreements. */
typedef struct na_steer_state {
  pthread_mutex_t mutex;
  na_steering queue[NA_STEER_QUEUE];
  int count;
  int epochs_begun; /* of the boundary last reached */
  bool ended;       /* the worker takes no more */
  long left;        /* steps to do before pausing again */
  bool stop_epoch;
} na_steer_state;

typedef struct na_agreements na_agreements; /* agreement.c */

struct na_trainer {
  na_train train;
  na_augmentation lists; /* in force */
  bool elastic;          /* the net can be drawn from at all */
  bool records;          /* by the epochs of `record`; else only on command */
  na_record record;
  na_net *net;
  na_source *data, *val, *calibration;
  na_buffer origin;      /* where the weights came from, for people: lines, or empty */
  char origin_hash[41];  /* of train.init_from's file, where the weights come from it */
  char *description, *data_settings;

  na_team *team;
  na_workspace *workspace;
  na_teacher *teacher;     /* NULL: none */
  bool teaches_augmented;
  na_ring *ring;
  na_recorder *recorder;
  int *base_widths, *widest; /* [dim_count] */
  int **choices, **widths;   /* [NA_NETWORKS_MAX][dim_count]: this step's sub-networks */
  na_random draws;

  /* seen by others, under steer.mutex */
  na_steer_state steer;
  na_draws drawn;
  na_draw (*draws_by_dim)[NA_LIST_MAX]; /* [dim_count] */
  na_agreements *agreements;            /* NULL: switched off */
  char *kept;                           /* na_trainer_keep */

  na_steer_entry *replay; /* [replay_count], to be applied from replay_next on */
  long replay_count, replay_next;

  /* position */
  int epoch;               /* epochs done */
  long batch, step, steps; /* batches done in the running epoch; optimizer steps done, in all */
  na_phase phase;
  bool begun;                /* the running epoch: sorted, its phase announced */
  bool resumed, saved;       /* saved: last.h5 holds this very position */
  double earlier;            /* seconds trained before this process */
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
  atomic_bool waits, steered;        /* waits: in a pause; steered: a setting was changed */
  bool hold_step, hold_epoch;        /* set before the start */
  long stop_after;                   /* 0: never */
  pthread_mutex_t mutex;             /* guards held */
  pthread_cond_t continued;
  bool held;
};

/* The worker thread. */
void *na_trainer_work(void *trainer);

/* -------------------------------------------------------------------------- position.c */

/* Everything that a checkpoint holds besides the net. What it points to belongs to `state`
 * (na_position_release), to the trainer or to its source. */
int na_position_take(na_trainer *trainer, na_checkpoint *state, na_error *err);
void na_position_release(na_checkpoint *state);

/* Puts the trainer, and its net, where the checkpoint at path was. Before the start. */
int na_position_load(na_trainer *trainer, const char *path, na_rows *rows, na_error *err);

/* Counts of draws as numbers: na_draws_count of them. */
size_t na_draws_count(const na_trainer *trainer);
void na_draws_write(na_trainer *trainer, double *numbers);
void na_draws_read(na_trainer *trainer, const double *numbers);

/* ---------------------------------------------------------------------------- origin.c */

/* Weights to begin with: initialised, then train.init_from's where they fit (na_net_transfer; the
 * classifier only for the same classes); those of a run that goes on come from its checkpoint. Then
 * freezes what the settings say. */
int na_origin_make(na_trainer *trainer, const na_trainer_setup *setup, na_error *err);

/* Whether a run that goes on has the files that it began with, by their hashes in run.h5. */
int na_origin_check(const na_trainer *trainer, const na_trainer_setup *setup, na_error *err);

/* Those hashes, valid as long as the trainer. Returns how many. */
enum { NA_ORIGIN_NOTES = 2 };
int na_origin_notes(const na_trainer *trainer, na_note notes[NA_ORIGIN_NOTES]);

/* Whether the settings make sense together. */
int na_train_check(const na_train *train, na_error *err);

/* ---------------------------------------------------------------------------- record.c */

/* Whether such a recording can be made. */
int na_record_check(const na_trainer *trainer, const na_record *record, na_error *err);

/* Is one due after the epoch that just ended? */
bool na_record_due(const na_trainer *trainer);

/* Writes FOLDER/activations-STEP.h5, between two steps. */
int na_record_now(na_trainer *trainer, const na_record *record, na_error *err);

/* ------------------------------------------------------- what the worker does for steer.c */

/* An event with everything about the present position. */
na_event na_worker_event(const na_trainer *trainer, na_event_kind kind);

/* A line for people and the log. */
void na_worker_tell(na_trainer *trainer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts what was measured on disk. */
void na_worker_flush(na_trainer *trainer);

/* Records and publishes a STEER event. */
void na_worker_steered(na_trainer *trainer, const na_event *event);

/* Writes a checkpoint between two steps; nothing of the training changes. */
int na_worker_save_within(na_trainer *trainer, const char *name, na_error *err);

/* Evaluates between two steps and publishes an EVALUATION event; nothing of the training changes. */
int na_worker_evaluate(na_trainer *trainer, bool base, bool widest, na_error *err);

/* ------------------------------------------------------- what steer.c does for the worker */

/* Between two steps: applies the commands that wait, and waits while paused. */
void na_steer_boundary(na_trainer *trainer);

/* After the last epoch: applies commands; whether they made the run longer. */
bool na_steer_extends(na_trainer *trainer);

/* After a step: counts those that were asked for. */
void na_steer_stepped(na_trainer *trainer);

/* At the end, before the last checkpoint: no more commands are taken. */
void na_steer_ended(na_trainer *trainer);

/* ---------------------------------------------------------------- draws.c, agreement.c */

int na_draws_init(na_trainer *trainer, na_error *err);
void na_draws_restart(na_trainer *trainer); /* under steer.mutex */
void na_draws_add(na_trainer *trainer, const int *choices, const int *widths, double loss);

/* Between the base's gradient and the others', and after the last: while switched on. */
int na_agreement_switch(na_trainer *trainer, bool on, na_error *err);
void na_agreement_between(na_trainer *trainer);
void na_agreement_after(na_trainer *trainer);
void na_agreements_free(na_trainer *trainer);

#endif
