/* The commands of the program. One table feeds dispatch, option checking, help, completion and the
 * man page.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COMMAND_H
#define NA_COMMAND_H

#include "core/base/error.h"
#include "core/base/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum { NA_WORDS_MAX = 64 };

/* The values of an option that may be given again. Borrowed from argv. */
typedef struct na_words {
  int count;
  const char *items[NA_WORDS_MAX];
} na_words;

/* One option. Its setting is named as it is typed ("--threads") and says where in the command's own
 * structure the value goes, which values are good, the default and the help line. */
typedef struct na_option {
  na_setting setting;   /* NA_BOOL: a switch */
  const char *argument; /* how help calls its value; NULL for a switch */
  bool repeated;        /* may be given again: the field is an na_words of texts */
} na_option;

typedef struct na_command na_command;

/* One invocation. */
typedef struct na_call {
  const na_command *command;
  void *options;   /* the command's own structure */
  int count;       /* operands */
  char **operands; /* [count + 1], ends in NULL; borrowed from argv */
} na_call;

struct na_command {
  const char *name;
  const char *operands;    /* as help shows them: "SCRIPT [ARGUMENT...]" */
  const char *summary;     /* one line, no final full stop */
  const char *description; /* paragraphs separated by blank lines */
  const char *example;     /* one command line */
  const char *actions;     /* words the first operand must be one of, "info|pack"; or NULL */
  int least, most;         /* operands taken; most -1: any number */
  const na_option *options;
  int option_count;
  size_t size; /* of the options' structure */
  int failure; /* exit status of an error; 0: the usual one */

  /* Does it. Returns the exit status, or a negative code with err filled. */
  int (*run)(const na_call *call, na_error *err);
};

/* X(name): every command, in the order of help. */
#define NA_COMMANDS(X) X(run) X(resume) X(verify_resume) X(watch) X(runs) X(profile) X(eval) X(export) X(inspect) X(diff) X(compare) X(report) X(data) X(repl) X(bench) X(help)

#define NA_COMMAND_DECLARE(name) extern const na_command na_command_##name;
NA_COMMANDS(NA_COMMAND_DECLARE)
#undef NA_COMMAND_DECLARE

extern const na_command *const na_commands[];
extern const int na_command_count;

/* The command called name, or NULL with a message that suggests the nearest. */
const na_command *na_command_find(const char *name, na_error *err);

/* The option typed as name ("--threads"), or NULL. */
const na_option *na_option_find(const na_command *command, const char *name);

/* Separates options from operands and fills call. Options may stand anywhere; "--" ends them. On
 * success na_call_free releases call->options and call->operands. */
int na_command_parse(const na_command *command, int argc, char **argv, na_call *call,
                     na_error *err);
void na_call_free(na_call *call);

/* Splits "NAME=VALUE": copies NAME to name[64] and returns VALUE, or NULL with an error. */
const char *na_assignment(const char *text, char name[64], na_error *err);

#endif
