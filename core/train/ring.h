/* A bounded queue of events from the worker to whoever watches the training.
 *
 * STEP and TASK events are news that later news supersedes: when the queue is half full they are
 * merged into the newest one, so a slow reader never slows the training. Other events are kept, and
 * in the worst case (nobody has read hundreds of epochs) waited for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RING_H
#define NA_RING_H

#include "core/train/trainer.h"

typedef struct na_ring na_ring;

int na_ring_new(na_ring **ring, int capacity, na_error *err);
void na_ring_free(na_ring *ring);

void na_ring_push(na_ring *ring, const na_event *event);

/* The oldest event, waiting up to timeout_ms for one: 1, or 0 for none. None come after END. */
int na_ring_poll(na_ring *ring, na_event *event, int timeout_ms);

/* Nobody will read for now: pushing never waits, the oldest events are lost instead. */
void na_ring_abandon(na_ring *ring);

/* Adds STEP event `later` to STEP event `event`: counts add up, means are weighted by images, the
 * position is the later one's. */
void na_event_merge(na_event *event, const na_event *later);

#endif
