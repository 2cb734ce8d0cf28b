/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command.h"
#include "core/base/memory.h"
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_ENTRY(name) &na_command_##name,
const na_command *const na_commands[] = {NA_COMMANDS(COMMAND_ENTRY)};
#undef COMMAND_ENTRY
const int na_command_count = sizeof na_commands / sizeof na_commands[0];

static const char *command_at(const void *list, int i)
{
  return ((const na_command *const *)list)[i]->name;
}

const na_command *na_command_find(const char *name, na_error *err)
{
  for (int i = 0; i < na_command_count; i++)
    if (strcmp(na_commands[i]->name, name) == 0) return na_commands[i];
  na_fail(err, NA_EINVAL, "there is no command \"%.64s\"", name);
  int near = na_text_nearest(name, na_command_count, command_at, na_commands);
  if (near >= 0)
    na_hint(err, "did you mean \"netaug %s\"?", na_commands[near]->name);
  else
    na_hint(err, "netaug help lists the commands");
  return NULL;
}

static const char *option_at(const void *list, int i)
{
  return ((const na_command *)list)->options[i].setting.name;
}

const na_option *na_option_find(const na_command *command, const char *name)
{
  for (int i = 0; i < command->option_count; i++)
    if (strcmp(command->options[i].setting.name, name) == 0) return &command->options[i];
  return NULL;
}

static int refuse_option(const na_command *command, const char *name, na_error *err)
{
  na_fail(err, NA_EINVAL, "netaug %s has no option %.64s", command->name, name);
  int near = na_text_nearest(name, command->option_count, option_at, command);
  if (near >= 0) return na_hint(err, "did you mean %s?", option_at(command, near));
  return na_hint(err, "netaug help %s lists its options", command->name);
}

/* Stores an option's value; value is NULL for a switch. */
static int store(const na_option *option, void *options, const char *value, na_error *err)
{
  if (option->repeated) {
    na_words *words = (na_words *)((char *)options + option->setting.offset);
    if (words->count == NA_WORDS_MAX)
      return na_fail(err, NA_EINVAL, "%s was given more than %d times", option->setting.name,
                     NA_WORDS_MAX);
    words->items[words->count++] = value;
    return NA_OK;
  }
  const na_settings one = {"", 1, &option->setting};
  return na_settings_parse(&one, options, option->setting.name, value != NULL ? value : "true",
                           err);
}

/* Takes argv[*at], an option, and its value, which may be the next word. */
static int take_option(na_call *call, int argc, char **argv, int *at, na_error *err)
{
  char name[64];
  const char *word = argv[*at], *value = strchr(word, '=');
  size_t length = value != NULL ? (size_t)(value - word) : strlen(word);
  snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1,
           word);
  const na_option *option = na_option_find(call->command, name);
  if (option == NULL) return refuse_option(call->command, name, err);
  if (value != NULL) value++;
  if (option->argument == NULL) {
    if (value == NULL) return store(option, call->options, NULL, err);
    na_fail(err, NA_EINVAL, "%s takes no value, but got \"%.64s\"", name, value);
    return na_hint(err, "%s", option->setting.help);
  }
  if (value == NULL && *at + 1 < argc) value = argv[++*at];
  if (value != NULL) return store(option, call->options, value, err);
  na_fail(err, NA_EINVAL, "%s needs a value: %s", name, option->argument);
  return na_hint(err, "%s", option->setting.help);
}

/* The first operand of a command with actions is one of them. */
static int check_action(const na_call *call, na_error *err)
{
  int action;
  const na_command *command = call->command;
  if (command->actions == NULL || call->count == 0) return NA_OK;
  const na_setting setting = {.name = command->name,
                              .type = NA_CHOICE,
                              .initial = "",
                              .choices = command->actions,
                              .help = command->summary};
  const na_settings one = {"netaug", 1, &setting};
  if (na_settings_parse(&one, &action, command->name, call->operands[0], NULL) == NA_OK)
    return NA_OK;
  na_fail(err, NA_EINVAL, "netaug %s does one of %s, but got \"%.64s\"", command->name,
          command->actions, call->operands[0]);
  return na_hint(err, "for example: %s", command->example);
}

static int check_operands(const na_call *call, na_error *err)
{
  const na_command *command = call->command;
  if (call->count < command->least)
    na_fail(err, NA_EINVAL, "netaug %s needs %s", command->name, command->operands);
  else if (command->most >= 0 && call->count > command->most)
    na_fail(err, NA_EINVAL, "netaug %s has no use for \"%.64s\"", command->name,
            call->operands[command->most]);
  else
    return check_action(call, err);
  return na_hint(err, "for example: %s", command->example);
}

static int set_defaults(na_call *call, na_error *err)
{
  for (int i = 0; i < call->command->option_count; i++) {
    const na_option *option = &call->command->options[i];
    if (option->repeated) continue;
    int code = store(option, call->options, option->setting.initial, err);
    if (code != NA_OK) return code;
  }
  return NA_OK;
}

static int parse_words(na_call *call, int argc, char **argv, na_error *err)
{
  bool options_ended = false;
  int code = set_defaults(call, err);
  for (int i = 0; i < argc && code == NA_OK; i++) {
    bool option = !options_ended && argv[i][0] == '-' && argv[i][1] != '\0';
    if (option && strcmp(argv[i], "--") == 0)
      options_ended = true;
    else if (option)
      code = take_option(call, argc, argv, &i, err);
    else
      call->operands[call->count++] = argv[i];
  }
  return code == NA_OK ? check_operands(call, err) : code;
}

int na_command_parse(const na_command *command, int argc, char **argv, na_call *call, na_error *err)
{
  *call = (na_call){.command = command};
  call->options = na_alloc(command->size);
  call->operands = na_alloc_array((size_t)argc + 1, sizeof *call->operands);
  int code = call->options == NULL || call->operands == NULL
                 ? na_fail_memory(err, command->size, "the command line")
                 : parse_words(call, argc, argv, err);
  if (code != NA_OK) na_call_free(call);
  return code;
}

void na_call_free(na_call *call)
{
  na_free(call->options);
  na_free(call->operands);
  *call = (na_call){.command = NULL};
}

const char *na_assignment(const char *text, char name[64], na_error *err)
{
  const char *equals = strchr(text, '=');
  size_t length = equals != NULL ? (size_t)(equals - text) : 0;
  if (length == 0 || length >= 64) {
    na_fail(err, NA_EINVAL, "\"%.64s\" is not of the form NAME=VALUE", text);
    na_hint(err, "for example --set train.epochs=3; netaug help settings lists the names");
    return NULL;
  }
  memcpy(name, text, length);
  name[length] = '\0';
  return equals + 1;
}
