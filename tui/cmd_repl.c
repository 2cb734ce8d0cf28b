/* netaug repl: the Lua prompt, with Readline on a terminal and plain lines from a pipe.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "core/base/memory.h"
#include "core/base/text.h"
#include "tui/editor.h"
#include "tui/prompt.h"
#include "tui/session.h"
#include "tui/signals.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

typedef struct options {
  na_session_options session;
  na_words code;
} options;

static const na_option option_table[] = {
    {{"-e", NA_TEXT, offsetof(options, code), "", 0, 0, NULL,
      "run this instead of reading lines; may be repeated"},
     "CODE",
     true},
    NA_SESSION_OPTIONS(options, session),
};

enum { POLL_MS = 200 };

/* -------------------------------------------------------------------------- lines */

typedef enum reading { READ_LINE, READ_END, READ_INTERRUPTED } reading;

static char *ready_line;
static bool line_is_ready;

static void take_line(char *line)
{
  ready_line = line;
  line_is_ready = true;
  rl_callback_handler_remove(); /* hands the terminal back before the line runs */
}

/* Reads a line by Readline's callbacks, so that an interrupt only abandons the line. */
static reading read_terminal(const char *prompt, char **line)
{
  reading result = READ_LINE;
  line_is_ready = false;
  rl_callback_handler_install(prompt, take_line);
  while (!line_is_ready) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int count = poll(&input, 1, POLL_MS);
    if (na_signals_interrupted()) {
      rl_callback_sigcleanup();
      printf("^C\n"); /* before Readline puts the cursor back to the line's start */
      fflush(stdout);
      rl_callback_handler_remove();
      return READ_INTERRUPTED;
    }
    if (count > 0) rl_callback_read_char();
  }
  if (ready_line == NULL) result = READ_END;
  *line = ready_line;
  return result;
}

static reading read_pipe(char **line)
{
  size_t capacity = 0;
  *line = NULL;
  ssize_t length = getline(line, &capacity, stdin);
  if (length < 0) {
    free(*line);
    *line = NULL;
    return na_signals_interrupted() ? READ_INTERRUPTED : READ_END;
  }
  if (length > 0 && (*line)[length - 1] == '\n') (*line)[length - 1] = '\0';
  return READ_LINE;
}

/* ---------------------------------------------------------------------- statements */

typedef struct repl {
  na_session session;
  bool terminal;
  na_buffer statement; /* the lines of the statement so far */
  int failures;
} repl;

static void forget_statement(repl *r)
{
  na_free(r->statement.data);
  r->statement = (na_buffer){.data = NULL};
}

static void run_text(repl *r, const char *text)
{
  na_error err = {0};
  int status = na_prompt_run(r->session.lua, text, &err);
  status = na_session_drive(&r->session, status, &err);
  fflush(stdout);
  if (status < 0) {
    r->failures++;
    fprintf(stderr, "%s\n", err.message);
    if (err.hint[0] != '\0') fprintf(stderr, "  %s\n", err.hint);
  }
  na_signals_forget();
}

static void run_statement(repl *r)
{
  if (r->terminal) add_history(r->statement.data);
  run_text(r, r->statement.data);
  forget_statement(r);
}

static void take(repl *r, const char *line)
{
  bool more = r->statement.length > 0;
  if (!more && line[strspn(line, " \t")] == '\0') return;
  na_buffer_add(&r->statement, "%s%s", more ? "\n" : "", line);
  if (r->statement.failed) {
    fprintf(stderr, "out of memory\n");
    r->failures++;
    forget_statement(r);
  } else if (!na_prompt_incomplete(r->session.lua, r->statement.data))
    run_statement(r);
}

static void loop(repl *r)
{
  for (;;) {
    char *line = NULL;
    const char *prompt = r->statement.length > 0 ? ">> " : "> ";
    reading result = r->terminal ? read_terminal(prompt, &line) : read_pipe(&line);
    if (result == READ_END || r->session.progress.broken) {
      free(line);
      break;
    }
    if (result == READ_INTERRUPTED) {
      forget_statement(r);
      na_signals_forget();
      if (!r->terminal) break;
      continue;
    }
    take(r, line);
    free(line);
  }
  if (r->statement.length > 0) run_statement(r); /* unfinished: Lua says what is missing */
}

static void talk(repl *r)
{
  na_editor_begin(r->session.lua);
  printf("netaug %s: ? lists the functions, ?NAME explains one, Ctrl-D leaves\n", PACKAGE_VERSION);
  loop(r);
  printf("\n");
  na_editor_end();
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  bool given_code = given->code.count > 0;
  repl r = {.terminal = !given_code && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
  int code = na_session_start(&r.session, &given->session, err);
  if (code != NA_OK) return code;
  for (int i = 0; i < given->code.count; i++) run_text(&r, given->code.items[i]);
  if (r.terminal) talk(&r);
  else if (!given_code) loop(&r);
  na_session_end(&r.session);
  na_free(r.statement.data);
  return r.terminal || r.failures == 0 ? EXIT_SUCCESS : NA_EXIT_FAILURE;
}

const na_command na_command_repl = {
    .name = "repl",
    .operands = "",
    .summary = "Talk Lua at a prompt",
    .description =
        "Reads Lua statements and runs them; an expression's values are printed, unless it ends in a\n"
        "semicolon. ?NAME is help on a function or a class, ? alone lists all. !COMMAND is run by the\n"
        "shell. Tab completes names and settings, and files within quotes; an unfinished statement\n"
        "goes on in the next line; Ctrl-R searches the history; Ctrl-C ends what is running, Ctrl-D\n"
        "leaves. From a pipe, or with -e, the exit status is 1 if any statement failed.",
    .example = "netaug repl -e 'netaug.models.tiny { classes = 10 }'",
    .least = 0,
    .most = 0,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
