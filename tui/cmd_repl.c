/* netaug repl: the Lua prompt, with Readline on a terminal and plain lines from a pipe.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "core/base/memory.h"
#include "core/base/text.h"
#include "tui/prompt.h"
#include "tui/session.h"
#include "tui/signals.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

enum { HISTORY_LINES = 1000, POLL_MS = 200 };

/* ------------------------------------------------------------------------ history */

/* Makes every folder above path's last part. Failure shows when the history is written. */
static void make_folders(char *path)
{
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
  }
}

/* $XDG_STATE_HOME/netaug/history, else ~/.local/state/netaug/history; empty when neither is known.
 */
static void history_path(char *path, size_t size)
{
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int length = 0;
  if (state != NULL && state[0] == '/')
    length = snprintf(path, size, "%s/netaug/history", state);
  else if (home != NULL && home[0] == '/')
    length = snprintf(path, size, "%s/.local/state/netaug/history", home);
  if (length <= 0 || (size_t)length >= size) path[0] = '\0';
}

static void save_history(char *path)
{
  if (path[0] == '\0') return;
  make_folders(path);
  stifle_history(HISTORY_LINES);
  if (write_history(path) != 0)
    fprintf(stderr, "netaug: the history could not be saved in %s: %s\n", path, strerror(errno));
}

/* --------------------------------------------------------------------- completion */

/* Readline's callbacks have no context of their own. */
static na_lua *completing;
static char **matches;

static char *next_match(const char *word, int state)
{
  static int at;
  (void)word;
  if (state == 0) at = 0;
  return matches[at] != NULL ? strdup(matches[at++]) : NULL;
}

static char **complete(const char *word, int start, int end)
{
  /* Readline has nothing to add: neither matches nor a blank or quote behind them. */
  rl_attempted_completion_over = rl_completion_suppress_append = rl_completion_suppress_quote = 1;
  char *line = na_strdup(rl_line_buffer);
  if (line == NULL) return NULL;
  line[end] = '\0';
  matches = na_prompt_complete(completing, line, start);
  na_free(line);
  if (matches == NULL) return NULL;
  char **found = rl_completion_matches(word, next_match);
  for (int i = 0; matches[i] != NULL; i++) na_free(matches[i]);
  na_free(matches);
  return found;
}

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
  status = na_drive(r->session.lua, &r->session.progress, status, &err);
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
  char path[NA_TEXT_MAX];
  history_path(path, sizeof path);
  completing = r->session.lua;
  rl_readline_name = "netaug";
  rl_catch_signals = 0;
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = " \t\n()[]{}=+-*/%^#~<>,;\"'";
  using_history();
  if (path[0] != '\0') read_history(path);
  printf("netaug %s: ? lists the functions, ?NAME explains one, Ctrl-D leaves\n", PACKAGE_VERSION);
  loop(r);
  printf("\n");
  save_history(path);
  clear_history();
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
