/* A Lua state with its progress display: what run and repl have in common.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SESSION_H
#define NA_SESSION_H

#include "tui/command.h"
#include "tui/drive.h"

typedef struct na_session {
  na_terminal terminal;
  na_progress progress;
  na_lua *lua;
  const char *runs; /* their folder, borrowed from the options */
  void (*print)(void *context, const char *text); /* NULL: the progress prints */
  void *context;
} na_session;

/* Options common to every session. */
typedef struct na_session_options {
  char runs[NA_TEXT_MAX];
  int threads; /* -1: as the script says */
  bool quiet;
  na_words set;
} na_session_options;

/* clang-format off */
/* Entries of an option table, for a structure that has the value as its member `field`. */
#define NA_OPTION_SET(type, field)                                                                 \
  {{"--set", NA_TEXT, offsetof(type, field), "", 0, 0, NULL,                                       \
    "set NAME, such as train.epochs, in every experiment; may be repeated"},                       \
   "NAME=VALUE", true}
#define NA_OPTION_THREADS(type, field)                                                             \
  {{"--threads", NA_INT, offsetof(type, field), "-1", -1, 1024, NULL,                              \
    "compute threads; 0 is one per processor, -1 what the script says"},                           \
   "N", false}
#define NA_OPTION_QUIET(type, field)                                                               \
  {{"--quiet", NA_BOOL, offsetof(type, field), "false", 0, 0, NULL,                                \
    "show no progress, only what the script prints"},                                              \
   NULL, false}

/* All of them, for a structure that has the options as its member `field`. */
#define NA_SESSION_OPTIONS(type, field)                                                            \
  NA_OPTION_SET(type, field.set),                                                                  \
  {{"--runs", NA_TEXT, offsetof(type, field.runs), "runs", 0, 0, NULL, "folder for the runs"},     \
   "DIR", false},                                                                                  \
  NA_OPTION_THREADS(type, field.threads),                                                          \
  NA_OPTION_QUIET(type, field.quiet)
/* clang-format on */

/* Starts it in place: session must stay where it is. Interrupts are caught from now on. */
int na_session_start(na_session *session, const na_session_options *options, na_error *err);
/* Sends what scripts print elsewhere; NULL: back to the terminal. */
void na_session_capture(na_session *session, void (*print)(void *context, const char *text),
                        void *context);

/* na_drive with the session's progress. */
int na_session_drive(na_session *session, int status, na_error *err);

void na_session_end(na_session *session);

/* The exit status of a session whose script ended with `status`: interrupted ones end with what
 * shells expect. */
int na_session_status(const na_session *session, int status);

#endif
