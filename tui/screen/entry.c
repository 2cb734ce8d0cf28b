/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/entry.h"
#include "core/base/memory.h"
#include "tui/screen/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

/* Readline's callbacks have no context of their own; there is one line of entry. */
static struct {
  bool open, entered, plain;
  char *line;
  na_log *log;
  char bytes[16]; /* of a key, for Readline to take */
  int count, taken;
  HISTORY_STATE other; /* the history that is not in use: the prompt's, or that of plain lines */
} entry;

static int next_byte(FILE *stream)
{
  (void)stream;
  return entry.taken < entry.count ? (unsigned char)entry.bytes[entry.taken++] : EOF;
}

/* Readline looks for more input now and then: it must look here, not at the terminal. */
static int more_bytes(void)
{
  return entry.taken < entry.count;
}

static void take_line(char *line)
{
  entry.line = line;
  entry.entered = true;
  rl_callback_handler_remove();
}

static void show_nothing(void) {}
static void prepare_nothing(int meta) { (void)meta; }

/* Completions, a few to a line. */
static void list_matches(char **matches, int count, int longest)
{
  (void)longest;
  na_buffer out = {0};
  for (int i = 1; i <= count; i++) na_buffer_add(&out, "%s%s", matches[i], i < count ? "  " : "\n");
  if (out.data != NULL) na_log_add(entry.log, out.data, out.length);
  na_free(out.data);
}

static void exchange_histories(void)
{
  HISTORY_STATE *used = history_get_history_state();
  if (used == NULL) return;
  history_set_history_state(&entry.other);
  entry.other = *used;
  free(used);
}

void na_entry_open(const char *prompt, const char *text, na_log *log)
{
  if (entry.open) return;
  entry.open = true;
  entry.plain = text != NULL;
  entry.log = log;
  rl_getc_function = next_byte;
  rl_input_available_hook = more_bytes;
  rl_redisplay_function = show_nothing;
  rl_prep_term_function = prepare_nothing;
  rl_deprep_term_function = show_nothing;
  rl_completion_display_matches_hook = list_matches;
  rl_catch_sigwinch = 0;
  rl_change_environment = 0;
  rl_completion_query_items = 0;
  rl_variable_bind("show-all-if-ambiguous", "on");
  rl_inhibit_completion = entry.plain;
  if (entry.plain) exchange_histories();
  rl_callback_handler_install(prompt, take_line);
  if (entry.plain) rl_insert_text(text);
}

void na_entry_close(void)
{
  if (!entry.open) return;
  if (!entry.entered) rl_callback_handler_remove();
  rl_callback_sigcleanup();
  if (entry.plain) exchange_histories();
  entry.open = entry.entered = entry.plain = false;
}

bool na_entry_is_open(void)
{
  return entry.open;
}

/* A key as the bytes that a terminal would send. */
static void spell(int key)
{
  static const struct {
    int key;
    const char *bytes;
  } table[] = {{NA_KEY_UP, "\033[A"},   {NA_KEY_DOWN, "\033[B"},   {NA_KEY_RIGHT, "\033[C"},
               {NA_KEY_LEFT, "\033[D"}, {NA_KEY_HOME, "\033[H"},   {NA_KEY_END, "\033[F"},
               {NA_KEY_ENTER, "\r"},    {NA_KEY_DELETE, "\033[3~"}, {NA_KEY_TAB, "\t"}};
  entry.count = entry.taken = 0;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].key == key) {
      snprintf(entry.bytes, sizeof entry.bytes, "%s", table[i].bytes);
      entry.count = (int)strlen(entry.bytes);
      return;
    }
  if (key >= NA_KEY_UP) return;
  na_buffer text = {0};
  na_utf8_add(&text, (uint32_t)key);
  snprintf(entry.bytes, sizeof entry.bytes, "%s", text.data != NULL ? text.data : "");
  entry.count = (int)strlen(entry.bytes);
  na_free(text.data);
}

char *na_entry_key(int key)
{
  if (!entry.open) return NULL;
  if (key == NA_KEY_ESCAPE) {
    na_entry_close();
    return NULL;
  }
  spell(key);
  while (entry.taken < entry.count && !entry.entered) rl_callback_read_char();
  if (!entry.entered) return NULL;
  char *line = entry.line;
  entry.line = NULL;
  if (entry.plain && line != NULL && line[0] != '\0') add_history(line);
  na_entry_close();
  return line;
}

const char *na_entry_prompt(void)
{
  return rl_display_prompt != NULL ? rl_display_prompt : "";
}

const char *na_entry_text(void)
{
  return rl_line_buffer != NULL ? rl_line_buffer : "";
}

int na_entry_point(void)
{
  return rl_point;
}
