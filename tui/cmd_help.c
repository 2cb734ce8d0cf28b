/* netaug help: commands, topics, and what is generated from them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/text.h"
#include "tui/command.h"
#include "tui/manual.h"

#include <stdlib.h>

typedef struct options {
  bool man, complete;
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"--man", NA_BOOL, offsetof(options, man), "false", 0, 0, NULL,
      "print the man page, in roff"},
     NULL, false},
    {{"--complete", NA_BOOL, offsetof(options, complete), "false", 0, 0, NULL,
      "print a completion script for bash"},
     NULL, false},
};
/* clang-format on */

static int explain(const char *name, na_error *err)
{
  int code = na_manual_topic_print(name, err);
  if (code != NA_EINVAL || err->code != NA_OK) return code;
  const na_command *command = na_command_find(name, err);
  if (command == NULL) return NA_EINVAL;
  na_manual_command(command);
  return EXIT_SUCCESS;
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  if (given->man) return na_manual_roff(err);
  if (given->complete) return na_manual_bash(err);
  if (call->count == 1) return explain(call->operands[0], err);
  na_manual_overview();
  return EXIT_SUCCESS;
}

const na_command na_command_help = {
    .name = "help",
    .operands = "[COMMAND|TOPIC]",
    .summary = "Explain a command or a topic",
    .description = "Explains one command or one of the topics settings, models and lua. Without\n"
                   "either, lists the commands.",
    .example = "netaug help run",
    .least = 0,
    .most = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
