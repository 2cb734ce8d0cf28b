/* Other lists of candidates, tried before they are set: what the sub-networks would cost, and how long a
 * step would take.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_WHATIF_H
#define NA_WHATIF_H

#include "core/net/forecast.h"
#include "core/train/augment.h"
#include "core/train/trainer.h"

/* One set of lists and what it costs. */
typedef struct na_whatif_side {
  na_augmentation lists; /* r is 0: the lists say it */
  na_sampling sampling;
  na_forecast cost;
} na_whatif_side;

/* Zero-initialise. */
typedef struct na_whatif {
  bool known;             /* now is filled */
  bool edited;            /* then is, by whoever edits */
  na_whatif_side now, then;
  int networks;           /* sub-networks per step, now and then */
  int base_only;          /* now it trains the base alone: then it would draw */
  char r[NA_TEXT_MAX];    /* what was typed for r and s last; empty: lists */
  na_error problem;       /* of what is being typed; code NA_OK: none */
} na_whatif;

/* Brings `now` up to date: the settings in force, and the phase. */
int na_whatif_update(na_whatif *whatif, const na_net *net, const na_train *train,
                     const na_augmentation *lists, na_phase phase, na_error *err);

/* Sets "width" or "expand" (a list), or "r" ("3 2" is r and s, "3" leaves s at 2), of what is tried.
 * Refused, with what was tried before left as it is. */
int na_whatif_edit(na_whatif *whatif, const na_net *net, const char *name, const char *text,
                   na_error *err);

/* Forgets what was tried. */
void na_whatif_forget(na_whatif *whatif);

/* How much longer a step would take, by multiply-adds of the base and of the sub-networks that are drawn
 * on average: (base + networks * mean) then, divided by the same now. */
double na_whatif_ratio(const na_whatif *whatif);

/* "augment.width = 1, 2; augment.expand = 1": what sets it, for na_trainer_steer. */
void na_whatif_write(const na_whatif *whatif, na_buffer *out);

#endif
