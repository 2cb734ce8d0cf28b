/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/session.h"
#include "tui/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void print(void *context, const char *text)
{
  na_session *session = context;
  if (session->print != NULL) session->print(session->context, text);
  else na_progress_print(&session->progress, text);
}

void na_session_capture(na_session *session, void (*print_to)(void *context, const char *text),
                        void *context)
{
  session->print = print_to;
  session->context = context;
}

static int set_all(na_session *session, const na_session_options *options, na_error *err)
{
  char name[64], number[16];
  for (int i = 0; i < options->set.count; i++) {
    const char *value = na_assignment(options->set.items[i], name, err);
    if (value == NULL) return NA_EINVAL;
    int code = na_lua_override(session->lua, name, value, err);
    if (code != NA_OK) return code;
  }
  if (options->threads < 0) return NA_OK;
  snprintf(number, sizeof number, "%d", options->threads);
  return na_lua_override(session->lua, "train.threads", number, err);
}

int na_session_start(na_session *session, const na_session_options *options, na_error *err)
{
  *session = (na_session){.runs = options->runs};
  na_terminal_init(&session->terminal, STDOUT_FILENO);
  na_progress_init(&session->progress, &session->terminal, options->quiet);
  const na_lua_setup setup = {.print = print, .context = session, .runs = options->runs};
  int code = na_lua_new(&session->lua, &setup, err);
  if (code == NA_OK) code = set_all(session, options, err);
  if (code != NA_OK) {
    na_session_end(session);
    return code;
  }
  na_terminal_watch();
  na_signals_catch();
  na_drive_arm_lua(session->lua);
  return NA_OK;
}

void na_session_end(na_session *session)
{
  na_signals_on_interrupt(NULL, NULL);
  na_progress_clear(&session->progress);
  na_lua_free(session->lua);
  session->lua = NULL;
}

int na_session_drive(na_session *session, int status, na_error *err)
{
  const na_display display = na_drive_progress(&session->progress);
  return na_drive(session->lua, &display, status, err);
}

int na_session_status(const na_session *session, int status)
{
  if (status == NA_LUA_DONE) return EXIT_SUCCESS;
  if (session->progress.broken) return NA_EXIT_PIPE;
  return status;
}
