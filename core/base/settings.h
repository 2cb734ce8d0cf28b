/* Settings as data: one const table per subject feeds defaults, validation, Lua, the command line,
 * help and the man page.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SETTINGS_H
#define NA_SETTINGS_H

#include "core/base/error.h"
#include "core/base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { NA_LIST_MAX = 16, NA_TEXT_MAX = 512 };

typedef struct na_list {
  int count;
  double values[NA_LIST_MAX];
} na_list;

typedef enum na_setting_type {
  NA_INT,    /* int field */
  NA_FLOAT,  /* double field */
  NA_BOOL,   /* bool field */
  NA_TEXT,   /* char[NA_TEXT_MAX] field */
  NA_CHOICE, /* int field: index into the words of `choices` */
  NA_LIST    /* na_list field */
} na_setting_type;

typedef struct na_setting {
  const char *name;
  na_setting_type type;
  size_t offset;         /* of the field in the settings structure */
  const char *initial;   /* default, as text: "0.1", "true", "1, 1.8, 2.6", "random" */
  double min, max;       /* range of a number, and of each element of a list; ignored otherwise */
  const char *choices;   /* NA_CHOICE: words separated by '|'; else NULL */
  const char *help;      /* one line, no final full stop */
} na_setting;

typedef struct na_settings {
  const char *subject; /* "train": how messages name the table; "": the names stand alone */
  int count;
  const na_setting *items;
} na_settings;

/* A value before it is checked, as Lua or the command line gave it. */
typedef struct na_value {
  enum { NA_VALUE_NUMBER, NA_VALUE_BOOL, NA_VALUE_TEXT, NA_VALUE_LIST, NA_VALUE_OTHER } kind;
  double number;
  bool boolean;
  const char *text;    /* NA_VALUE_TEXT; for NA_VALUE_OTHER what it was ("function") */
  const na_list *list;
} na_value;

/* Fills target (the settings structure) with every default. */
void na_settings_init(const na_settings *settings, void *target);

/* Checks value and stores it. An unknown name, a wrong type or a value out of range is refused
 * with a message that names the setting, what it takes, and the nearest valid name. */
int na_settings_set(const na_settings *settings, void *target, const char *name,
                    const na_value *value, na_error *err);

/* The same from text: "0.1", "true", "1, 2, 3" or a word. */
int na_settings_parse(const na_settings *settings, void *target, const char *name,
                      const char *text, na_error *err);

/* Appends the setting's present value as text that na_settings_parse reads back. */
void na_settings_write(const na_setting *setting, const void *target, na_buffer *out);

/* Appends one line per setting: name, type or range, default, help. */
void na_settings_help(const na_settings *settings, na_buffer *out);

const na_setting *na_settings_find(const na_settings *settings, const char *name);

#endif
