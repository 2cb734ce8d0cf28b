/* netaug run: a script with its training runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/session.h"
#include "tui/signals.h"

#include <stdlib.h>

typedef struct options {
  na_session_options session;
  char replay[NA_TEXT_MAX];
} options;

static const na_option option_table[] = {
    NA_SESSION_OPTIONS(options, session),
    {{"--replay", NA_TEXT, offsetof(options, replay), "", 0, 0, NULL,
      "repeat the steering of the run in DIR, each change after the same step"},
     "DIR",
     false},
};

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  na_session session;
  int code = na_session_start(&session, &given->session, err);
  if (code == NA_OK && given->replay[0] != '\0')
    code = na_lua_replay(session.lua, given->replay, err);
  if (code != NA_OK) {
    na_session_end(&session);
    return code;
  }
  int status =
      na_lua_start(session.lua, call->operands[0], call->count - 1, call->operands + 1, err);
  status = na_drive(session.lua, &session.progress, status, err);
  status = na_session_status(&session, status);
  na_session_end(&session);
  return status;
}

const na_command na_command_run = {
    .name = "run",
    .operands = "SCRIPT [ARGUMENT...]",
    .summary = "Run an experiment script",
    .description =
        "Runs a Lua script. Its experiments train one after the other, with progress on a terminal\n"
        "and a line per epoch in a pipe. Arguments are the script's own, in its table arg; write --\n"
        "before the first that begins with a dash.\n"
        "\n"
        "Ctrl-C once stops at the end of the running step, with a checkpoint; twice leaves at once.",
    .example = "netaug run experiment.lua --set train.epochs=3",
    .least = 1,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
