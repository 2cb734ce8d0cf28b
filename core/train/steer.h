/* Steering a running training: commands, and what can be looked at meanwhile.
 *
 * A command is checked at once, waits in a bounded queue, and is applied at the next boundary between
 * two steps. Every command applied is told of as an NA_EVENT_STEER and kept in the run's steering
 * log, so the run's settings and its log reproduce the same bits. All functions here may be called
 * from any one thread beside the worker's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_STEER_H
#define NA_STEER_H

#include "core/train/augment.h"
#include "core/train/trainer.h"

/* X(symbol, word, argument, help): every command, by the word that begins its text. */
#define NA_STEERS(X)                                                                               \
  X(PAUSE, "pause", "", "wait before the next step")                                               \
  X(RESUME, "resume", "", "go on after a pause")                                                   \
  X(STEP, "step", "[N]", "do N steps (1), then pause")                                             \
  X(STOP, "stop", "", "stop before the next step, with a checkpoint")                              \
  X(STOP_EPOCH, "stop_epoch", "", "stop at the end of the epoch, after its evaluation")            \
  X(CHECKPOINT, "checkpoint", "[NAME]", "write NAME.h5 (step-NNNNNNNN.h5) into the run's folder")  \
  X(EVALUATE, "evaluate", "[base|widest]", "evaluate now; without a word both")                    \
  X(SET, "set", "NAME = VALUE[; NAME = VALUE]...", "change settings, all of them or none")         \
  X(AGREEMENT, "agreement", "on|off", "compare the gradients of base and sub-networks")            \
  X(RECORD, "record", "[NAME = VALUE[; ...]]", "record activations now; NAME as in exp:record")

typedef enum na_steer {
#define NA_STEER_ENUM(symbol, word, argument, help) NA_STEER_##symbol,
  NA_STEERS(NA_STEER_ENUM)
#undef NA_STEER_ENUM
  NA_STEER_COUNT
} na_steer;

const char *na_steer_word(na_steer kind);
const char *na_steer_argument(na_steer kind);
const char *na_steer_help(na_steer kind);

typedef struct na_steering {
  na_steer kind;
  char argument[NA_TEXT_MAX]; /* what follows the word, or empty */
} na_steering;

/* "set train.lr = 0.02" and back. Reading checks the word and the argument's form; values are
 * checked by na_trainer_steer. */
int na_steering_read(const char *text, na_steering *steering, na_error *err);
void na_steering_write(const na_steering *steering, na_buffer *out);

/* Checks a command and queues it. Refused with the reason: a value that the settings table does not
 * allow, a setting that a run cannot change, lists wider than the network was built for, a full
 * queue (64 commands), a run that has ended. Names of settings may stand without "train." or
 * "augment.". What only turns out when it is applied (epochs fewer than are done by then) is told of
 * as an NA_EVENT_LOG and changes nothing. */
int na_trainer_steer(na_trainer *trainer, const na_steering *steering, na_error *err);

/* The same from text. */
int na_trainer_command(na_trainer *trainer, const char *text, na_error *err);

/* Whether a run can change train.NAME or augment.NAME; NULL: yes, else why not. */
const char *na_steer_fixed(const char *name);

/* The settings in force, lists resolved (r 0). Either may be NULL. */
void na_trainer_settings(na_trainer *trainer, na_train *train, na_augmentation *augment);

/* True while the training waits in a pause. */
bool na_trainer_paused(const na_trainer *trainer);

/* True once a setting was changed: the run is then called steered. */
bool na_trainer_steered(const na_trainer *trainer);

/* ------------------------------------------------------------------------------------ draws */

/* How often something was drawn, how often it should have been on average, and the sum of the losses
 * (batch means) of the sub-networks that had it. */
typedef struct na_draw {
  double count, expected, loss;
} na_draw;

enum { NA_DRAW_SIZES = 10 };

/* Since step `since`, when the lists last changed. */
typedef struct na_draws {
  long since, networks;         /* networks: sub-networks drawn */
  na_draw sizes[NA_DRAW_SIZES]; /* by multiply-adds: tenths of the way from base to widest; nothing
                                   is expected of them */
} na_draws;

/* A snapshot. dims[net->dim_count] gets each dimension's candidates, in the order of its list; may be
 * NULL. */
void na_trainer_draws(na_trainer *trainer, na_draws *draws, na_draw (*dims)[NA_LIST_MAX]);

/* -------------------------------------------------------------------------------- agreement */

/* How far the augmented losses pull a layer's base weights the way the base's loss does. With g the
 * gradient of the base's loss and a that of the augmented ones (weighted alpha, summed), both over
 * the layer's parameters in the base's slice: cosine <g, a> / (|g| |a|), ratio |a| / |g|. NaN where a
 * norm is 0. */
typedef struct na_agreement {
  int layer;
  double cosine, ratio;           /* of the last step */
  double mean_cosine, mean_ratio; /* smoothed over the last twenty steps or so */
} na_agreement;

/* Copies what is known of the layers that have parameters, at most `room` of them, in the net's
 * order, and the step it is of. Returns how many there are; 0 while it is switched off or no step
 * with sub-networks was done since. Costs a copy of the gradients' memory while it is on. */
int na_trainer_agreement(na_trainer *trainer, na_agreement *out, int room, long *step);

#endif
