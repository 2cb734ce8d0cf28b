/* The command table and option parsing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tui/command.h"

typedef struct options {
  int number;
  double real;
  bool flag;
  char text[NA_TEXT_MAX];
  int choice;
  na_list list;
  na_words words;
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"--number", NA_INT, offsetof(options, number), "7", 0, 100, NULL, "a number"}, "N", false},
    {{"--real", NA_FLOAT, offsetof(options, real), "0.5", 0, 1, NULL, "a share"}, "X", false},
    {{"--flag", NA_BOOL, offsetof(options, flag), "false", 0, 0, NULL, "a switch"}, NULL, false},
    {{"--text", NA_TEXT, offsetof(options, text), "some", 0, 0, NULL, "a text"}, "TEXT", false},
    {{"--choice", NA_CHOICE, offsetof(options, choice), "red", 0, 0, "red|green", "a colour"},
     "COLOUR", false},
    {{"--list", NA_LIST, offsetof(options, list), "", 1, 9, NULL, "numbers"}, "LIST", false},
    {{"--set", NA_TEXT, offsetof(options, words), "", 0, 0, NULL, "repeats"}, "A=B", true},
};
/* clang-format on */

static int run(const na_call *call, na_error *err)
{
  (void)call;
  (void)err;
  return 0;
}

static const na_command sample = {.name = "sample",
                                  .operands = "A [B]",
                                  .summary = "",
                                  .example = "netaug sample a",
                                  .description = "",
                                  .least = 1,
                                  .most = 2,
                                  .options = option_table,
                                  .option_count = 7,
                                  .size = sizeof(options),
                                  .run = run};
static const na_command acting = {.name = "act",
                                  .operands = "go|stop",
                                  .summary = "",
                                  .example = "netaug act go",
                                  .description = "",
                                  .actions = "go|stop",
                                  .least = 1,
                                  .most = 1,
                                  .size = 1,
                                  .run = run};

/* Parses words, which end in NULL. */
static int parse(const na_command *command, const char **words, na_call *call, na_error *err)
{
  int count = 0;
  while (words[count] != NULL) count++;
  na_error_clear(err);
  return na_command_parse(command, count, (char **)words, call, err);
}
#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})

static void defaults_and_operands(void)
{
  na_error err = {0};
  na_call call;
  CHECK_OK(parse(&sample, WORDS("one", "two"), &call, &err), err);
  const options *o = call.options;
  CHECK(o->number == 7 && o->real == 0.5 && !o->flag && o->choice == 0, "defaults");
  CHECK(strcmp(o->text, "some") == 0 && o->list.count == 0 && o->words.count == 0, "defaults");
  CHECK(call.count == 2 && strcmp(call.operands[1], "two") == 0, "operands");
  CHECK(call.operands[2] == NULL, "operands end in NULL");
  na_call_free(&call);
}

static void options_anywhere(void)
{
  na_error err = {0};
  na_call call;
  CHECK_OK(parse(&sample,
                 WORDS("--number", "9", "one", "--flag", "--real=0.25", "--choice", "green",
                       "--list=1,2.5", "--set", "a=1", "--set=b=2", "--text", "-"),
                 &call, &err),
           err);
  const options *o = call.options;
  CHECK(o->number == 9 && o->real == 0.25 && o->flag && o->choice == 1, "values");
  CHECK(o->list.count == 2 && o->list.values[1] == 2.5, "list");
  CHECK(o->words.count == 2 && strcmp(o->words.items[1], "b=2") == 0, "repeated");
  CHECK(strcmp(o->text, "-") == 0 && call.count == 1, "a dash is a value");
  na_call_free(&call);
}

static void two_dashes_end_options(void)
{
  na_error err = {0};
  na_call call;
  CHECK_OK(parse(&sample, WORDS("one", "--", "--number"), &call, &err), err);
  CHECK(call.count == 2 && strcmp(call.operands[1], "--number") == 0, "operand after --");
  na_call_free(&call);
}

static void mistakes_are_refused(void)
{
  na_error err = {0};
  na_call call;
  CHECK(parse(&sample, WORDS("one", "--nunber", "3"), &call, &err) == NA_EINVAL, "unknown");
  CHECK(strstr(err.message, "--nunber") && strstr(err.hint, "--number"), "%s; %s", err.message,
        err.hint);
  CHECK(parse(&sample, WORDS("one", "--number", "many"), &call, &err) == NA_EINVAL, "no number");
  CHECK(strncmp(err.message, "--number takes a whole number from 0 to 100", 43) == 0, "%s",
        err.message);
  CHECK(parse(&sample, WORDS("one", "--number=101"), &call, &err) == NA_EINVAL, "range");
  CHECK(parse(&sample, WORDS("one", "--number"), &call, &err) == NA_EINVAL, "no value");
  CHECK(strstr(err.message, "--number needs a value"), "%s", err.message);
  CHECK(parse(&sample, WORDS("one", "--flag=yes"), &call, &err) == NA_EINVAL, "switch with value");
  CHECK(parse(&sample, WORDS("one", "--choice", "blue"), &call, &err) == NA_EINVAL, "choice");
  CHECK(parse(&sample, WORDS("--flag"), &call, &err) == NA_EINVAL, "no operand");
  CHECK(strstr(err.message, "needs A [B]"), "%s", err.message);
  CHECK(parse(&sample, WORDS("1", "2", "3"), &call, &err) == NA_EINVAL, "too many operands");
  CHECK(strstr(err.message, "\"3\""), "%s", err.message);
  CHECK(parse(&acting, WORDS("gone"), &call, &err) == NA_EINVAL, "action");
  CHECK(strstr(err.message, "go|stop"), "%s", err.message);
  CHECK(call.options == NULL && call.operands == NULL, "nothing is left to free");
}

static void too_many_repetitions(void)
{
  const char *words[2 * NA_WORDS_MAX + 4];
  int count = 0;
  na_error err = {0};
  na_call call;
  words[count++] = "one";
  for (int i = 0; i <= NA_WORDS_MAX; i++) words[count++] = "--set=a=b";
  words[count] = NULL;
  CHECK(parse(&sample, words, &call, &err) == NA_EINVAL, "one too many");
  words[count - 1] = NULL;
  CHECK_OK(parse(&sample, words, &call, &err), err);
  na_call_free(&call);
}

static void out_of_memory(void)
{
  na_error err = {0};
  na_call call;
  for (unsigned long at = 1; at <= 2; at++) {
    na_alloc_fail_at(at);
    CHECK(parse(&sample, WORDS("one"), &call, &err) == NA_ENOMEM, "allocation %lu", at);
  }
  na_alloc_fail_at(0);
}

static void assignments(void)
{
  na_error err = {0};
  char name[64];
  const char *value = na_assignment("train.epochs=3=4", name, &err);
  CHECK(value && strcmp(value, "3=4") == 0 && strcmp(name, "train.epochs") == 0, "split");
  CHECK(na_assignment("train.epochs", name, &err) == NULL, "no =");
  CHECK(na_assignment("=3", name, NULL) == NULL, "no name");
  char longer[100];
  memset(longer, 'a', sizeof longer);
  memcpy(longer + 80, "=1", 3);
  CHECK(na_assignment(longer, name, NULL) == NULL, "a name that is too long");
}

/* Every command of the program: complete for help, its options well-formed, its defaults good. */
static void whole_table(void)
{
  for (int i = 0; i < na_command_count; i++) {
    const na_command *c = na_commands[i];
    na_error err = {0};
    CHECK(na_command_find(c->name, &err) == c, "%s is not found", c->name);
    CHECK(c->summary[0] && c->description[0] && c->run && c->size > 0, "%s is incomplete", c->name);
    CHECK(c->summary[strlen(c->summary) - 1] != '.', "%s: full stop in the summary", c->name);
    CHECK(strncmp(c->example, "netaug ", 7) == 0, "%s: example", c->name);
    CHECK(c->most < 0 || c->least <= c->most, "%s: operands", c->name);
    for (int k = 0; k < c->option_count; k++) {
      const na_option *o = &c->options[k];
      const char *name = o->setting.name;
      bool letter = name[0] == '-' && name[1] != '-' && strlen(name) == 2;
      CHECK(letter || strncmp(name, "--", 2) == 0, "%s %s", c->name, name);
      CHECK((o->argument == NULL) == (o->setting.type == NA_BOOL), "%s %s: argument", c->name,
            o->setting.name);
      CHECK(o->setting.help[0] != '\0', "%s %s: help", c->name, o->setting.name);
      CHECK(na_option_find(c, o->setting.name) == o, "%s %s is listed twice", c->name,
            o->setting.name);
    }
    const char *few[] = {"info", "b", "c", NULL};
    na_call call;
    CHECK_OK(na_command_parse(c, c->least, (char **)few, &call, &err), err);
    na_call_free(&call);
  }
}

static void unknown_command(void)
{
  na_error err = {0};
  CHECK(na_command_find("profil", &err) == NULL, "found");
  CHECK(strstr(err.hint, "netaug profile"), "%s", err.hint);
  na_error_clear(&err);
  CHECK(na_command_find("zzzzzzzz", &err) == NULL && strstr(err.hint, "netaug help"), "%s",
        err.hint);
}

int main(void)
{
  RUN(defaults_and_operands);
  RUN(options_anywhere);
  RUN(two_dashes_end_options);
  RUN(mistakes_are_refused);
  RUN(too_many_repetitions);
  RUN(out_of_memory);
  RUN(assignments);
  RUN(whole_table);
  RUN(unknown_command);
  return CHECK_EXIT();
}
