/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/manual.h"
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "datasets/dataset.h"
#include "lua/na_lua.h"

#include <stdio.h>
#include <string.h>

const na_manual_section na_manual_sections[] = {
    {"train", "the recipe", &na_train_settings},
    {"augment", "the candidates of elastic dimensions", &na_augment_settings},
    {"kd", "distillation: learning from a larger, trained network as well", &na_kd_settings},
    {"data", "reading and augmenting images", &na_data_settings},
};
const int na_manual_section_count = sizeof na_manual_sections / sizeof na_manual_sections[0];

void na_manual_version(void)
{
  printf("netaug %s\n"
         "Free software under the GNU General Public License, version 3 or later.\n"
         "There is no warranty, to the extent permitted by law.\n",
         PACKAGE_VERSION);
}

void na_manual_overview(void)
{
  printf("Usage: netaug COMMAND [ARGUMENT...] [OPTION...]\n"
         "Trains tiny neural networks inside wider, weight-sharing ones (Network Augmentation).\n"
         "Without a command, a terminal becomes the workbench: a live screen with a Lua prompt.\n\n"
         "Commands:\n");
  for (int i = 0; i < na_command_count; i++)
    printf("  %-8s %s\n", na_commands[i]->name, na_commands[i]->summary);
  printf("\nnetaug help COMMAND tells more. So does netaug help with a topic:\n");
  for (int i = 0; i < na_manual_topic_count; i++)
    printf("  %-8s %s\n", na_manual_topics[i].name, na_manual_topics[i].summary);
}

static void print_option(const na_option *option)
{
  char words[64];
  const na_setting *setting = &option->setting;
  snprintf(words, sizeof words, "%s%s%s", setting->name, option->argument != NULL ? " " : "",
           option->argument != NULL ? option->argument : "");
  printf("  %-24s %s", words, setting->help);
  if (setting->choices != NULL) printf(" (%s)", setting->choices);
  if (option->argument != NULL && !option->repeated && setting->initial[0] != '\0')
    printf(" [%s]", setting->initial);
  printf("\n");
}

void na_manual_command(const na_command *command)
{
  printf("Usage: netaug %s%s%s%s\n%s.\n\n%s\n", command->name,
         command->operands[0] != '\0' ? " " : "", command->operands,
         command->option_count > 0 ? " [OPTION...]" : "", command->summary, command->description);
  if (command->option_count > 0) printf("\nOptions [default]:\n");
  for (int i = 0; i < command->option_count; i++) print_option(&command->options[i]);
  printf("\nExample:\n  %s\n", command->example);
}

static int print_buffer(na_buffer *buffer, na_error *err)
{
  int code = buffer->failed ? na_fail(err, NA_ENOMEM, "out of memory while writing help") : NA_OK;
  if (code == NA_OK && buffer->data != NULL) fputs(buffer->data, stdout);
  na_free(buffer->data);
  return code;
}

static int print_settings(na_error *err)
{
  na_buffer out = {0};
  for (int i = 0; i < na_manual_section_count; i++) {
    const na_manual_section *section = &na_manual_sections[i];
    na_buffer_add(&out, "%s%s.NAME: %s\n", i > 0 ? "\n" : "", section->prefix, section->title);
    na_settings_help(section->settings, &out);
  }
  return print_buffer(&out, err);
}

static int print_lua(na_error *err)
{
  na_lua *lua;
  int code = na_lua_new(&lua, &(na_lua_setup){.print = NULL}, err);
  if (code != NA_OK) return code;
  na_buffer out = {0};
  na_lua_help(lua, &out);
  na_lua_free(lua);
  return print_buffer(&out, err);
}

static int print_models(na_error *err)
{
  na_lua *lua;
  int code = na_lua_new(&lua, &(na_lua_setup){.print = NULL}, err);
  if (code != NA_OK) return code;
  const char *const *names, *const *help;
  int count = na_lua_zoo(lua, &names, &help);
  for (int i = 0; i < count; i++) printf("  %-24s %s\n", names[i], help[i]);
  na_lua_free(lua);
  return NA_OK;
}

const na_manual_topic na_manual_topics[] = {
    {"settings", "what experiments can set, with ranges and defaults", print_settings},
    {"models", "the networks that come with the program", print_models},
    {"lua", "the functions of the Lua library", print_lua},
};
const int na_manual_topic_count = sizeof na_manual_topics / sizeof na_manual_topics[0];

int na_manual_topic_print(const char *name, na_error *err)
{
  for (int i = 0; i < na_manual_topic_count; i++)
    if (strcmp(na_manual_topics[i].name, name) == 0) return na_manual_topics[i].print(err);
  return NA_EINVAL;
}
