/* The man page, made from the tables: what the program does not know is not in it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/manual.h"
#include "core/base/memory.h"
#include "lua/na_lua.h"

#include <stdio.h>
#include <string.h>

/* Prints text so that roff takes no character of it as a request. */
static void escape(const char *text)
{
  bool line_start = true;
  for (; *text != '\0'; text++) {
    if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    if (*text == '\\')
      fputs("\\e", stdout);
    else if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '|')
      fputs("|\\:", stdout); /* a list of choices may be longer than a line */
    else
      putchar(*text);
    line_start = *text == '\n';
  }
}

/* Paragraphs, which are separated by blank lines. */
static void paragraphs(const char *text)
{
  for (;;) {
    const char *end = strstr(text, "\n\n");
    if (end == NULL) break;
    char part[2048];
    snprintf(part, sizeof part, "%.*s", (int)(end - text), text);
    escape(part);
    printf("\n.PP\n");
    text = end + 2;
  }
  escape(text);
  printf("\n");
}

static void option(const na_option *entry)
{
  const na_setting *setting = &entry->setting;
  printf(".TP\n.B ");
  escape(setting->name);
  if (entry->argument != NULL) {
    printf(" \\fI");
    escape(entry->argument);
    printf("\\fR");
  }
  printf("\n");
  escape(setting->help);
  if (setting->choices != NULL) {
    printf(": ");
    escape(setting->choices);
  }
  if (entry->argument != NULL && !entry->repeated && setting->initial[0] != '\0') {
    printf(" (default ");
    escape(setting->initial);
    printf(")");
  }
  printf(".\n");
}

static void command(const na_command *entry)
{
  printf(".SS netaug %s ", entry->name);
  escape(entry->operands);
  printf("\n");
  escape(entry->summary);
  printf(".\n.PP\n");
  paragraphs(entry->description);
  for (int i = 0; i < entry->option_count; i++) option(&entry->options[i]);
  printf(".PP\nExample:\n.PP\n.EX\n    ");
  escape(entry->example);
  printf("\n.EE\n");
}

static int settings(na_error *err)
{
  printf(".SH SETTINGS\nExperiments are tables of settings; "
         ".B \\-\\-set\noverrides one for a whole script.\n");
  for (int i = 0; i < na_manual_section_count; i++) {
    const na_manual_section *section = &na_manual_sections[i];
    for (int k = 0; k < section->settings->count; k++) {
      const na_setting *setting = &section->settings->items[k];
      const na_settings one = {section->prefix, 1, setting};
      na_buffer line = {0};
      na_settings_help(&one, &line);
      if (line.failed) return na_fail(err, NA_ENOMEM, "out of memory while writing the manual");
      printf(".TP\n.B %s.%s\n", section->prefix, setting->name);
      escape(line.data + strspn(line.data, " ") + strlen(setting->name));
      na_free(line.data);
    }
  }
  return NA_OK;
}

static int lua_functions(na_error *err)
{
  na_lua *lua;
  int code = na_lua_new(&lua, &(na_lua_setup){.print = NULL}, err);
  if (code != NA_OK) return code;
  na_buffer out = {0};
  na_lua_help(lua, &out);
  na_lua_free(lua);
  if (out.failed)
    code = na_fail(err, NA_ENOMEM, "out of memory while writing the manual");
  else {
    printf(".SH LUA FUNCTIONS\n.nf\n");
    if (out.data != NULL) escape(out.data);
    printf(".fi\n");
  }
  na_free(out.data);
  return code;
}

static const char *const head =
    ".SH NAME\nnetaug \\- train tiny neural networks with Network Augmentation\n"
    ".SH SYNOPSIS\n.B netaug\n.I COMMAND\n[\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n"
    ".SH DESCRIPTION\n"
    "A tiny network under\\-fits: it gains nothing from dropout and its like. Network Augmentation\n"
    "goes the other way. While it is trained, the network is a part of a wider one that shares its\n"
    "weights, and at every step it also learns from its work inside a wider sub\\-network drawn at\n"
    "random. Afterwards only the tiny network is kept, at its own size and cost.\n"
    ".PP\n"
    "Experiments are short Lua scripts. A run leaves a folder with its metrics, its log and its\n"
    "checkpoints in HDF5.\n";

static const char *const tail =
    ".SH FILES\n"
    ".TP\n.I runs/NAME/run.h5\nSettings, and the metrics of every step and epoch.\n"
    ".TP\n.I runs/NAME/last.h5\nThe newest checkpoint.\n"
    ".TP\n.I runs/NAME/best.h5\nThe checkpoint with the best validation accuracy.\n"
    ".TP\n.I runs/NAME/log.txt\nWhat happened, a line each.\n"
    ".TP\n.I runs/NAME/note.txt\nA note about the run.\n"
    ".TP\n.I runs/.trash\nRuns that were thrown away.\n"
    ".TP\n.I ~/.local/state/netaug/history\nLines typed at the prompt; $XDG_STATE_HOME moves it.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B NETAUG_LUA\nA folder to take the Lua library from instead of the installed one.\n"
    ".TP\n.B COLUMNS\nThe width of the progress display.\n"
    ".TP\n.B NO_COLOR\nWhen set, nothing is coloured.\n"
    ".SH EXIT STATUS\n"
    "0 on success, 1 on an error, 2 when the command line makes no sense, 130 when interrupted, 141\n"
    "when whoever reads standard output stopped reading.\n"
    ".PP\n"
    "The first interrupt of a run stops it at the end of its step, with a checkpoint; the second\n"
    "ends the program at once.\n"
    ".SH SEE ALSO\n"
    "Han Cai, Chuang Gan, Ji Lin, Song Han: Network Augmentation for Tiny Deep Learning, ICLR 2022.\n";

int na_manual_roff(na_error *err)
{
  printf(".\\\" Written by netaug help \\-\\-man.\n.TH NETAUG 1 \"\" \"netaug %s\"\n",
         PACKAGE_VERSION);
  fputs(head, stdout);
  printf(".SH COMMANDS\n");
  for (int i = 0; i < na_command_count; i++) command(na_commands[i]);
  int code = settings(err);
  if (code == NA_OK) code = lua_functions(err);
  fputs(tail, stdout);
  return code;
}
