/* Interrupts: the first asks, the second insists.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SIGNALS_H
#define NA_SIGNALS_H

#include <stdbool.h>

enum { NA_EXIT_FAILURE = 1, NA_EXIT_USAGE = 2, NA_EXIT_INTERRUPTED = 130, NA_EXIT_PIPE = 141 };

/* A write into a closed pipe becomes an error that can be handled. */
void na_signals_ignore_pipe(void);

/* From now on SIGINT, SIGTERM and SIGHUP are counted instead of killing: the first is for
 * na_signals_interrupted, the second ends the program at once with status 130. */
void na_signals_catch(void);

/* Calls ask(context) from the signal handler at the first interrupt: it may do only what is
 * async-signal-safe. NULL: nothing. */
void na_signals_on_interrupt(void (*ask)(void *context), void *context);

/* What the second interrupt does before it leaves: hands the terminal back. Async-signal-safe. */
void na_signals_on_leave(void (*restore)(void));

/* Lets the second SIGINT be for someone who asks what to do (see na_signals_insisted): the third leaves
 * then. */
void na_signals_offer(bool wanted);

/* True from the second interrupt until na_signals_forget. */
bool na_signals_insisted(void);

/* True from the first interrupt until na_signals_forget. */
bool na_signals_interrupted(void);
void na_signals_forget(void);

#endif
