/* netaug run: a script with its training runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/tty.h"
#include "tui/screen/workbench.h"
#include "tui/session.h"
#include "tui/signals.h"

#include <stdlib.h>

typedef struct options {
  na_session_options session;
  char replay[NA_TEXT_MAX];
  bool plain, plan;
} options;

static const na_option option_table[] = {
    NA_SESSION_OPTIONS(options, session),
    {{"--replay", NA_TEXT, offsetof(options, replay), "", 0, 0, NULL,
      "repeat the steering of the run in DIR, each change after the same step"},
     "DIR",
     false},
    {{"--plain", NA_BOOL, offsetof(options, plain), "false", 0, 0, NULL,
      "lines of progress instead of the screen"},
     NULL,
     false},
    {{"--plan", NA_BOOL, offsetof(options, plan), "false", 0, 0, NULL,
      "print what the script's sweep would run, and run nothing"},
     NULL,
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
  int status;
  if (given->plan) na_lua_only_plan(session.lua);
  if (!given->plan && !given->plain && !given->session.quiet && na_tty_usable())
    status = na_workbench_run(&session, call->operands[0], call->count - 1, call->operands + 1, err);
  else {
    status = na_lua_start(session.lua, call->operands[0], call->count - 1, call->operands + 1, err);
    status = na_session_drive(&session, status, err);
  }
  status = na_session_status(&session, status);
  na_session_end(&session);
  return status;
}

const na_command na_command_run = {
    .name = "run",
    .operands = "SCRIPT [ARGUMENT...]",
    .summary = "Run an experiment script",
    .description =
        "Runs a Lua script. Its experiments train one after the other: a terminal shows them live, with\n"
        "the curves of base and augmented network and keys that steer (? lists them); in a pipe there is\n"
        "a line per epoch, and so there is with --plain. What was printed stays when the screen goes.\n"
        "Arguments are the script's own, in its table arg; write --\n"
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
