/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/condition.h"

void na_condition_init(pthread_cond_t *condition)
{
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

struct timespec na_deadline(int timeout_ms)
{
  struct timespec when;
  clock_gettime(CLOCK_MONOTONIC, &when);
  when.tv_sec += timeout_ms / 1000;
  when.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (when.tv_nsec >= 1000000000L) {
    when.tv_sec++;
    when.tv_nsec -= 1000000000L;
  }
  return when;
}
