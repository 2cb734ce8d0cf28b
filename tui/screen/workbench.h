/* The screen while a script runs: the trainer's events, keys and caught output meet here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_WORKBENCH_H
#define NA_WORKBENCH_H

#include "tui/session.h"

/* Runs a script of `session` on the screen. What was logged is printed when the terminal has been
 * handed back, so that results stay to be read. Returns as na_drive does. */
int na_workbench_run(na_session *session, const char *script, int argc, char **argv, na_error *err);

/* The screen without a script: lines of the prompt, and the runs that they start, until q. */
int na_workbench_talk(na_session *session, na_error *err);

#endif
