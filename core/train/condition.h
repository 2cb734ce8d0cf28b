/* Condition variables that wait by a clock which nobody sets back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CONDITION_H
#define NA_CONDITION_H

#include <pthread.h>
#include <time.h>

void na_condition_init(pthread_cond_t *condition);

/* timeout_ms from now, for pthread_cond_timedwait on such a condition. */
struct timespec na_deadline(int timeout_ms);

#endif
