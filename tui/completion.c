/* A completion script for bash, made from the tables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/manual.h"
#include "lua/na_lua.h"

#include <stdio.h>

static void list_commands(void)
{
  for (int i = 0; i < na_command_count; i++) printf("%s%s", i > 0 ? " " : "", na_commands[i]->name);
}

static void list_settings(void)
{
  for (int i = 0; i < na_manual_section_count; i++) {
    const na_manual_section *section = &na_manual_sections[i];
    for (int k = 0; k < section->settings->count; k++)
      printf(" %s.%s=", section->prefix, section->settings->items[k].name);
  }
}

static int list_models(na_error *err)
{
  na_lua *lua;
  int code = na_lua_new(&lua, &(na_lua_setup){.print = NULL}, err);
  if (code != NA_OK) return code;
  const char *const *names, *const *help;
  int count = na_lua_zoo(lua, &names, &help);
  for (int i = 0; i < count; i++) printf(" %s", names[i]);
  na_lua_free(lua);
  return NA_OK;
}

static void list_options(const na_command *command)
{
  printf("    %s) options=\"--help", command->name);
  for (int i = 0; i < command->option_count; i++) printf(" %s", command->options[i].setting.name);
  printf("\" ;;\n");
}

static void list_words(const char *before, const char *name, const char *words)
{
  printf("    %s:%s) words=\"", before, name);
  for (const char *c = words; *c != '\0'; c++) putchar(*c == '|' ? ' ' : *c);
  printf("\" ;;\n");
}

/* A command's actions, and the values of its options that take one of a few words. */
static void list_choices(const na_command *command)
{
  if (command->actions != NULL) list_words(command->name, command->name, command->actions);
  for (int i = 0; i < command->option_count; i++) {
    const na_setting *setting = &command->options[i].setting;
    if (setting->choices != NULL) list_words(command->name, setting->name, setting->choices);
  }
}

static const char *const before_options =
    "  local word=$2 previous=$3 command=${COMP_WORDS[1]} options= words= files=\n"
    "  COMPREPLY=()\n"
    "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
    "    return\n"
    "  fi\n"
    "  case $command in\n";

static const char *const before_choices =
    "  esac\n"
    "  case $command:$previous in\n"
    "    *:--set) words=$settings; compopt -o nospace 2>/dev/null ;;\n"
    "    *:--model) words=$models ;;\n";

static const char *const ending = "    *:--*) files=yes ;;\n"
                                  "    run:*) files=yes ;;\n"
                                  "    profile:*) words=$models; files=yes ;;\n"
                                  "    help:*) words=\"$commands $topics\" ;;\n"
                                  "    *) files=yes ;;\n"
                                  "  esac\n"
                                  "  case $word in -*) words=$options; files= ;; esac\n"
                                  "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"\n"
                                  "    [ -z \"$files\" ] || compgen -f -- \"$word\")\n"
                                  "}\n"
                                  "complete -o filenames -F _netaug netaug\n";

static int print_lists(na_error *err)
{
  printf("  local commands=\"");
  list_commands();
  printf("\"\n  local topics=\"");
  for (int i = 0; i < na_manual_topic_count; i++) printf(" %s", na_manual_topics[i].name);
  printf("\"\n  local settings=\"");
  list_settings();
  printf("\"\n  local models=\"");
  int code = list_models(err);
  printf("\"\n");
  return code;
}

int na_manual_bash(na_error *err)
{
  printf("# bash completion for netaug, written by netaug help --complete\n_netaug()\n{\n");
  int code = print_lists(err);
  fputs(before_options, stdout);
  for (int i = 0; i < na_command_count; i++) list_options(na_commands[i]);
  fputs(before_choices, stdout);
  for (int i = 0; i < na_command_count; i++) list_choices(na_commands[i]);
  fputs(ending, stdout);
  return code;
}
