/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/editor.h"
#include "core/base/memory.h"
#include "tui/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 1000 };
static int lines_read; /* of the history when the session began */

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

/* Sessions that end at once take turns: the file itself is another one after it was shortened. */
static int lock_folder(const char *path)
{
  char folder[NA_TEXT_MAX];
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) flock(fd, LOCK_EX);
  return fd;
}

/* Adds this session's lines to those that others have added meanwhile. Returns 0 or an errno. */
static int save_lines(const char *path, int count)
{
  int lock = lock_folder(path), file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int failure = file < 0 ? errno : 0;
  if (file >= 0) close(file);
  if (failure == 0) failure = append_history(count, path);
  if (failure == 0) failure = history_truncate_file(path, HISTORY_LINES);
  if (lock >= 0) close(lock);
  return failure;
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

/* Names of files and runs have dashes and blanks that end a word of Lua. */
static char *break_characters(void)
{
  static char lua[] = " \t\n()[]{}=+-*/%^#~<>,;\"'", text[] = "\"'";
  char *line = na_strdup(rl_line_buffer);
  if (line == NULL) return lua;
  line[rl_point] = '\0';
  bool quoted = na_prompt_within_quotes(line);
  na_free(line);
  return quoted ? text : lua;
}

/* ------------------------------------------------------------------------ the whole */

void na_editor_begin(na_lua *lua)
{
  char path[NA_TEXT_MAX];
  completing = lua;
  rl_readline_name = "netaug";
  rl_catch_signals = 0;
  rl_attempted_completion_function = complete;
  rl_completion_word_break_hook = break_characters;
  using_history();
  history_path(path, sizeof path);
  if (path[0] != '\0') read_history(path);
  lines_read = history_length;
}

void na_editor_end(void)
{
  char path[NA_TEXT_MAX];
  int count = history_length - lines_read;
  history_path(path, sizeof path);
  if (path[0] != '\0' && count > 0) {
    make_folders(path);
    int failure = save_lines(path, count);
    if (failure != 0)
      fprintf(stderr, "netaug: the history could not be saved in %s: %s\n", path, strerror(failure));
  }
  clear_history();
}
