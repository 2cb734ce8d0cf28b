/* Everything the program says about itself, made from the tables of commands and settings.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MANUAL_H
#define NA_MANUAL_H

#include "core/base/error.h"
#include "tui/command.h"

/* One set of settings as scripts and --set name them: "train." before each name. */
typedef struct na_manual_section {
  const char *prefix; /* "train" */
  const char *title;
  const na_settings *settings;
} na_manual_section;
extern const na_manual_section na_manual_sections[];
extern const int na_manual_section_count;

/* What help can tell besides the commands. */
typedef struct na_manual_topic {
  const char *name, *summary;
  int (*print)(na_error *err);
} na_manual_topic;
extern const na_manual_topic na_manual_topics[];
extern const int na_manual_topic_count;

/* All print to standard output. */

/* NA_EINVAL, without a message, when there is no such topic. */
int na_manual_topic_print(const char *name, na_error *err);
void na_manual_version(void);
void na_manual_overview(void);
void na_manual_command(const na_command *command);

/* The man page in roff (tui/manpage.c) and a completion script for bash (tui/completion.c). */
int na_manual_roff(na_error *err);
int na_manual_bash(na_error *err);

#endif
