/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/ring.h"
#include "core/base/memory.h"
#include "core/train/condition.h"

#include <errno.h>

struct na_ring {
  na_event *events; /* [capacity] */
  int capacity, first, count;
  bool abandoned, ended; /* ended: END was taken */
  pthread_mutex_t mutex;
  pthread_cond_t filled, emptied;
};

int na_ring_new(na_ring **out, int capacity, na_error *err)
{
  size_t bytes = (size_t)capacity * sizeof(na_event);
  *out = NULL;
  na_ring *ring = na_alloc(sizeof *ring);
  na_event *events = na_alloc(bytes);
  if (ring == NULL || events == NULL) {
    na_free(ring);
    na_free(events);
    return na_fail_memory(err, bytes, "the event queue");
  }
  ring->events = events;
  ring->capacity = capacity;
  pthread_mutex_init(&ring->mutex, NULL);
  na_condition_init(&ring->filled);
  na_condition_init(&ring->emptied);
  *out = ring;
  return NA_OK;
}

void na_ring_free(na_ring *ring)
{
  if (ring == NULL) return;
  pthread_cond_destroy(&ring->filled);
  pthread_cond_destroy(&ring->emptied);
  pthread_mutex_destroy(&ring->mutex);
  na_free(ring->events);
  na_free(ring);
}

static double mean(double a, long na, double b, long nb)
{
  return na + nb == 0 ? 0 : (a * (double)na + b * (double)nb) / (double)(na + nb);
}

static na_result merged(const na_result *a, const na_result *b)
{
  return (na_result){.loss = mean(a->loss, a->images, b->loss, b->images),
                     .top1 = mean(a->top1, a->images, b->top1, b->images),
                     .top5 = mean(a->top5, a->images, b->top5, b->images),
                     .images = a->images + b->images};
}

void na_event_merge(na_event *event, const na_event *later)
{
  na_result base = merged(&event->base, &later->base);
  na_result augmented = merged(&event->augmented, &later->augmented);
  int steps = event->merged + later->merged;
  *event = *later;
  event->base = base;
  event->augmented = augmented;
  event->merged = steps;
}

static na_event *at(na_ring *ring, int i)
{
  return &ring->events[(ring->first + i) % ring->capacity];
}

/* Merges event into the newest one if it only continues it. */
static bool absorb(na_ring *ring, const na_event *event)
{
  if (ring->count < ring->capacity / 2 || ring->count == 0) return false;
  na_event *newest = at(ring, ring->count - 1);
  if (newest->kind != event->kind) return false;
  if (event->kind == NA_EVENT_TASK && newest->what == event->what)
    *newest = *event;
  else if (event->kind == NA_EVENT_STEP)
    na_event_merge(newest, event);
  else
    return false;
  return true;
}

static void drop_oldest(na_ring *ring)
{
  ring->first = (ring->first + 1) % ring->capacity;
  ring->count--;
}

void na_ring_push(na_ring *ring, const na_event *event)
{
  pthread_mutex_lock(&ring->mutex);
  if (!absorb(ring, event)) {
    while (ring->count == ring->capacity && !ring->abandoned)
      pthread_cond_wait(&ring->emptied, &ring->mutex);
    if (ring->count == ring->capacity) drop_oldest(ring);
    *at(ring, ring->count++) = *event;
  }
  pthread_cond_signal(&ring->filled);
  pthread_mutex_unlock(&ring->mutex);
}

int na_ring_poll(na_ring *ring, na_event *event, int timeout_ms)
{
  struct timespec until = na_deadline(timeout_ms);
  pthread_mutex_lock(&ring->mutex);
  while (ring->count == 0 && !ring->ended && timeout_ms > 0)
    if (pthread_cond_timedwait(&ring->filled, &ring->mutex, &until) == ETIMEDOUT) break;
  int got = ring->count > 0;
  if (got) {
    *event = *at(ring, 0);
    drop_oldest(ring);
    ring->ended = event->kind == NA_EVENT_END;
    pthread_cond_signal(&ring->emptied);
  }
  pthread_mutex_unlock(&ring->mutex);
  return got;
}

void na_ring_abandon(na_ring *ring)
{
  pthread_mutex_lock(&ring->mutex);
  ring->abandoned = true;
  pthread_cond_broadcast(&ring->emptied);
  pthread_mutex_unlock(&ring->mutex);
}
