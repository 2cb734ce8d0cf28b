/* A clock that nobody sets back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_CLOCK_H
#define NA_CLOCK_H

/* Seconds since some moment in the past (CLOCK_MONOTONIC). */
double na_now(void);

#endif
