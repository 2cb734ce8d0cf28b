/* NetAug training: the step, the schedule, the phases, the events.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TRAINER_H
#define NA_TRAINER_H

#include "core/base/source.h"
#include "core/net/workspace.h"
#include "core/store/metrics.h"
#include "core/train/distill.h"
#include "core/train/record.h"

/* Every number of the recipe. The field's table is na_train_settings; its defaults are the
 * paper's. */
typedef struct na_train {
  int epochs;             /* main epochs, after warm-up */
  int warmup;             /* warm-up epochs */
  double lr;              /* base learning rate, per worker */
  int workers;            /* lr is multiplied by it */
  int schedule;           /* cosine | constant | exponential */
  double lr_end;          /* exponential: where lr goes to */
  double momentum;
  bool nesterov;
  double weight_decay;
  double label_smoothing;
  double alpha;           /* weight of the augmented losses */
  int networks;           /* sub-networks per step; 0: plain training of the base */
  int min_w_epochs;       /* last epochs with widths held at base; -1: 75 of 155, in proportion */
  int min_e_epochs;
  int off_epochs;         /* last epochs without augmentation */
  int phase;              /* auto: by the epochs above; else 1 + the na_phase held throughout */
  bool sort;              /* channel sort at the start of each epoch of the random phase */
  bool sort_momentum;
  double dropout;         /* before the classifier; negative: as the model says */
  double dropblock;       /* share of values that DropBlock drops in the last stage, 1 - keep_prob; 0: none */
  int dropblock_size;     /* side of its squares */
  int dropblock_stages;   /* how many of the last stages have it, each a quarter of the next one's share */
  int dropblock_schedule; /* linear | constant */
  int init;               /* na_init */
  char init_from[NA_TEXT_MAX]; /* checkpoint to begin with, where its tensors fit; empty: none */
  char freeze[NA_TEXT_MAX];    /* patterns of na_net_freeze; empty: everything is trained */
  bool freeze_norm;            /* norms of frozen layers keep their statistics */
  double bn_momentum;
  int calibrate;          /* images for BatchNorm re-estimation */
  int eval_every;         /* epochs between evaluations; the last epoch is always evaluated */
  bool eval_augmented;    /* also evaluate the widest network */
  int save_every;         /* epochs between checkpoints epoch-NNNN.h5; 0: none */
  int keep;               /* how many of those; 0: all */
  double save_minutes;    /* between two writings of last.h5 within an epoch; 0: none */
  int precision;          /* na_precision of training steps */
  int seed;
  int threads;            /* 0: one per processor */
} na_train;
extern const na_settings na_train_settings;

typedef enum na_phase { NA_PHASE_PLAIN, NA_PHASE_RANDOM, NA_PHASE_MIN_W, NA_PHASE_MIN_E, NA_PHASE_OFF } na_phase;
const char *na_phase_name(na_phase phase);

/* Mean loss, and accuracies as fractions of 1. images 0: not measured. */
typedef struct na_result {
  double loss, top1, top5;
  long images;
} na_result;

typedef enum na_event_kind {
  NA_EVENT_START,  /* training begins (after initialisation or resume) */
  NA_EVENT_STEP,   /* one or more optimizer steps */
  NA_EVENT_TASK,   /* progress of work outside steps: `what`, done of total */
  NA_EVENT_EPOCH,  /* an epoch ended, with its evaluation */
  NA_EVENT_EVALUATION, /* an evaluation that was asked for: base_val, augmented_val */
  NA_EVENT_STEER,  /* a command was applied (core/train/steer.h): `text` */
  NA_EVENT_LOG,    /* a line for people: `text` */
  NA_EVENT_END     /* training ended; `code` and `text` if with an error */
} na_event_kind;

typedef struct na_event {
  na_event_kind kind;
  double time;          /* seconds since training began */
  int epoch, epochs;    /* epochs done so far (EPOCH), or the running one from 0; total with warm-up */
  long step, steps;     /* optimizer steps done; in the whole run */
  long batch, batches;  /* within the epoch */
  int merged;           /* STEP: how many steps this event stands for */
  na_phase phase;
  double lr;
  na_result base, augmented;         /* STEP: of these steps; EPOCH: of the epoch's training */
  na_result base_val, augmented_val; /* EPOCH, EVALUATION */
  bool changes;         /* STEER: it changed a setting */
  bool best;            /* EPOCH: best base validation accuracy so far */
  double images_per_second; /* training, smoothed */
  double data_wait;     /* share of the time spent waiting for data, smoothed */
  double eta;           /* seconds to the end of the run */
  const char *what;     /* TASK: "calibrating", "evaluating base", ... (static) */
  long done, total;     /* TASK */
  int code;             /* END */
  char text[512];
} na_event;

typedef struct na_trainer na_trainer;

typedef struct na_trainer_setup {
  na_net *net;             /* borrowed */
  const na_train *train;   /* copied */
  na_source *data;         /* training batches; borrowed, like the others */
  na_source *val;          /* may be NULL */
  na_source *calibration;  /* a fixed subset of the training set, may be NULL: then no re-estimation */
  bool initialize;         /* fill the weights by the settings; else keep them */
  const char *folder;      /* where log, metrics and checkpoints go; NULL: nowhere */
  const char *description; /* settings of the whole experiment as text, stored with the run; or NULL */
  const char *data_settings; /* dataset settings as text, stored in checkpoints; or NULL */
  const na_note *notes;      /* [note_count], stored with the run: script, arguments, ... */
  int note_count;

  const na_kd *kd;           /* borrowed until na_trainer_new returns; NULL or without a teacher: labels
                                alone. The teacher's hash is stored with the run, and a run goes on
                                only with the same teacher */
  const na_record *record;   /* copied; NULL: activations are recorded only on command */

  /* Going on with the run in `folder`: the path of the checkpoint to go on from, or "" for its
   * beginning; NULL: a new run. What follows has the bits of a run that was never interrupted. The
   * checkpoint's settings are in force, but for `threads`. */
  const char *resume;

  /* Commands to repeat (see na_replay_read), each where it was applied; those of the same kinds that
   * na_trainer_steer is given are then ignored. Copied. */
  const na_steer_entry *replay;
  long replay_count;
} na_trainer_setup;

/* Checks everything and allocates; does not start. */
int na_trainer_new(na_trainer **trainer, const na_trainer_setup *setup, na_error *err);

/* Stops the worker if it runs (losing at most the current step's work), then frees. */
void na_trainer_free(na_trainer *trainer);

/* Starts the worker thread. */
int na_trainer_start(na_trainer *trainer, na_error *err);

/* Takes the oldest event, waiting up to timeout_ms (0: not at all). Returns 1, or 0 when none came.
 * STEP events are merged when the ring is full; others never are lost. After END no more come. */
int na_trainer_poll(na_trainer *trainer, na_event *event, int timeout_ms);

/* With hooks the worker waits after every STEP (step) or EPOCH (epoch) event until
 * na_trainer_continue: so the main thread may look at the net meanwhile. Set before starting. */
void na_trainer_hold(na_trainer *trainer, bool step, bool epoch);
void na_trainer_continue(na_trainer *trainer);

/* Asks the worker to stop at the next step boundary, having saved a checkpoint. Async-signal-safe. */
void na_trainer_stop(na_trainer *trainer);
/* Pauses or resumes at a step boundary. */
void na_trainer_pause(na_trainer *trainer, bool paused);

/* Lets the run stop by itself after optimizer step `step`, with a checkpoint. Set before starting. */
void na_trainer_stop_after(na_trainer *trainer, long step);

/* What scripts keep across an interruption: a text that goes into the checkpoints written from now
 * on, copied; NULL: none. Set it while the worker is held, or before starting, to know where in the
 * training it belongs. na_trainer_kept is the one last set or, after a resumption, read; valid until
 * the next call. */
int na_trainer_keep(na_trainer *trainer, const char *text, na_error *err);
const char *na_trainer_kept(const na_trainer *trainer);

/* Where the training stands: epochs done, optimizer steps done. Before it starts or after its end. */
void na_trainer_position(const na_trainer *trainer, int *epoch, long *step);

/* Waits for the worker's end and gives what training came to: 0 or its error. */
int na_trainer_join(na_trainer *trainer, na_error *err);

/* Valid after the end: final results (base validation, widest validation if measured), and the best. */
void na_trainer_results(const na_trainer *trainer, na_result *base, na_result *augmented,
                        na_result *best, double *seconds);

/* The commands in the steering log of the run in `folder` that a repetition must repeat: changes of
 * settings, and a stop that the run ended with. *entries is allocated (na_free). */
int na_replay_read(const char *folder, na_steer_entry **entries, long *count, na_error *err);

/* ------------------------------------------------------------------ the parts, for tests and bench */

/* Forward and backward of the base, adding to the gradients and the scores. */
int na_accumulate_base(na_workspace *workspace, const na_batch *batch, const int *widths,
                       double smoothing, uint64_t step, na_scores *scores, na_error *err);

/* The same for the step's sub-network `number`, weighted alpha. */
int na_accumulate_network(na_workspace *workspace, const na_batch *batch, const int *widths,
                          int number, double alpha, double smoothing, uint64_t step,
                          na_scores *scores, na_error *err);

/* One NetAug step on a batch: forward and backward of the base, then of `networks` sub-networks at
 * widths[i] (each weighted alpha), gradients summed; no optimizer step. base and augmented get the
 * scores added. `networks` 0: the base alone. */
int na_accumulate(na_workspace *workspace, const na_batch *batch, const int *base_widths,
                  int networks, const int *const *widths, double alpha, double smoothing,
                  uint64_t step, na_scores *base, na_scores *augmented, na_error *err);

/* SGD over all parameters (PyTorch torch.optim.SGD):
 *   g += weight_decay * w (decaying parameters only);  m = momentum * m + g;
 *   w -= lr * (nesterov ? g + momentum * m : m);  then gradients are zeroed.
 * Frozen parameters keep w and m. */
void na_sgd(na_net *net, na_team *team, double lr, double momentum, bool nesterov,
            double weight_decay);

/* Learning rate at optimizer step `step` of steps_per_epoch * (warmup + epochs). */
double na_learning_rate(const na_train *train, long step, long steps_per_epoch);

/* Phase of epoch `epoch` (0-based, warm-up included), unless one is held. */
na_phase na_phase_at(const na_train *train, int epoch);

/* Re-estimates BatchNorm statistics at `widths` over one epoch of `calibration`. */
int na_recalibrate(na_workspace *workspace, const int *widths, na_source *calibration,
                   na_error *err);

/* Evaluates at `widths` with running statistics: plain cross-entropy, top-1, top-5. */
int na_evaluate(na_workspace *workspace, const int *widths, na_source *source, na_result *result,
                na_error *err);

#endif
