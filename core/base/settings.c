/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const na_setting *setting, void *target)
{
  return (char *)target + setting->offset;
}

/* Index of word among "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
  size_t length = strlen(word);
  for (int index = 0; choices != NULL; index++) {
    const char *bar = strchr(choices, '|');
    size_t size = bar != NULL ? (size_t)(bar - choices) : strlen(choices);
    if (size == length && memcmp(choices, word, size) == 0) return index;
    choices = bar != NULL ? bar + 1 : NULL;
  }
  return -1;
}

static void write_choice(const char *choices, int index, na_buffer *out)
{
  for (; index > 0 && choices != NULL; index--) {
    choices = strchr(choices, '|');
    if (choices != NULL) choices++;
  }
  if (choices != NULL) na_buffer_add(out, "%.*s", (int)strcspn(choices, "|"), choices);
}

static const char *name_at(const void *list, int i)
{
  return ((const na_settings *)list)->items[i].name;
}

const na_setting *na_settings_find(const na_settings *settings, const char *name)
{
  for (int i = 0; i < settings->count; i++)
    if (strcmp(settings->items[i].name, name) == 0) return &settings->items[i];
  return NULL;
}

static int refuse_name(const na_settings *settings, const char *name, na_error *err)
{
  int code = na_fail(err, NA_EINVAL, "%s has no setting \"%.64s\"", settings->subject, name);
  int near = na_text_nearest(name, settings->count, name_at, settings);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", settings->items[near].name);
  na_buffer names = {0};
  for (int i = 0; i < settings->count; i++)
    na_buffer_add(&names, "%s%s", i == 0 ? "" : ", ", settings->items[i].name);
  na_hint(err, "it has: %s", names.data != NULL ? names.data : "");
  free(names.data);
  return code;
}

static void describe_range(const na_setting *setting, na_buffer *out)
{
  switch (setting->type) {
  case NA_BOOL: na_buffer_add(out, "true or false"); break;
  case NA_TEXT: na_buffer_add(out, "a string"); break;
  case NA_CHOICE: na_buffer_add(out, "one of %s", setting->choices); break;
  case NA_LIST:
    na_buffer_add(out, "a list of at most %d numbers from %g to %g", NA_LIST_MAX, setting->min,
                  setting->max);
    break;
  default:
    na_buffer_add(out, setting->type == NA_INT ? "a whole number" : "a number");
    if (setting->max < HUGE_VAL && setting->max < INT_MAX)
      na_buffer_add(out, " from %g to %g", setting->min, setting->max);
    else na_buffer_add(out, " of at least %g", setting->min);
  }
}

static void describe_value(const na_value *value, na_buffer *out)
{
  switch (value->kind) {
  case NA_VALUE_NUMBER: na_buffer_add(out, "%.10g", value->number); break;
  case NA_VALUE_BOOL: na_buffer_add(out, value->boolean ? "true" : "false"); break;
  case NA_VALUE_TEXT: na_buffer_add(out, "\"%.64s\"", value->text); break;
  case NA_VALUE_LIST:
    na_buffer_add(out, "{");
    for (int i = 0; i < value->list->count; i++)
      na_buffer_add(out, "%s%g", i == 0 ? "" : ", ", value->list->values[i]);
    na_buffer_add(out, "}");
    break;
  default: na_buffer_add(out, "a %s", value->text != NULL ? value->text : "value"); break;
  }
}

static int refuse_value(const na_settings *settings, const na_setting *setting,
                        const na_value *value, na_error *err)
{
  na_buffer wanted = {0}, got = {0};
  describe_range(setting, &wanted);
  describe_value(value, &got);
  int code = na_fail(err, NA_EINVAL, "%s%s%s takes %s, but got %s", settings->subject,
                     settings->subject[0] != '\0' ? "." : "", setting->name,
                     wanted.data != NULL ? wanted.data : "?", got.data != NULL ? got.data : "?");
  na_hint(err, "%s (default %s)", setting->help, setting->initial[0] ? setting->initial : "none");
  free(wanted.data);
  free(got.data);
  return code;
}

static bool in_range(const na_setting *setting, double number)
{
  return number >= setting->min && number <= setting->max; /* false for NaN */
}

/* Stores value; false when it does not fit the setting. */
static bool store(const na_setting *setting, void *to, const na_value *value)
{
  switch (setting->type) {
  case NA_INT:
    if (value->kind != NA_VALUE_NUMBER || !in_range(setting, value->number)) return false;
    if (value->number != floor(value->number) || fabs(value->number) > INT_MAX) return false;
    *(int *)to = (int)value->number;
    return true;
  case NA_FLOAT:
    if (value->kind != NA_VALUE_NUMBER || !in_range(setting, value->number)) return false;
    *(double *)to = value->number;
    return true;
  case NA_BOOL:
    if (value->kind != NA_VALUE_BOOL) return false;
    *(bool *)to = value->boolean;
    return true;
  case NA_TEXT:
    if (value->kind != NA_VALUE_TEXT || strlen(value->text) >= NA_TEXT_MAX) return false;
    memcpy(to, value->text, strlen(value->text) + 1);
    return true;
  case NA_CHOICE: {
    int index = value->kind == NA_VALUE_TEXT ? choice_index(setting->choices, value->text) : -1;
    if (index >= 0) *(int *)to = index;
    return index >= 0;
  }
  case NA_LIST:
    if (value->kind == NA_VALUE_NUMBER && in_range(setting, value->number)) {
      *(na_list *)to = (na_list){1, {value->number}};
      return true;
    }
    if (value->kind != NA_VALUE_LIST) return false;
    for (int i = 0; i < value->list->count; i++)
      if (!in_range(setting, value->list->values[i])) return false;
    *(na_list *)to = *value->list;
    return true;
  }
  return false;
}

int na_settings_set(const na_settings *settings, void *target, const char *name,
                    const na_value *value, na_error *err)
{
  const na_setting *setting = na_settings_find(settings, name);
  if (setting == NULL) return refuse_name(settings, name, err);
  if (!store(setting, field(setting, target), value))
    return refuse_value(settings, setting, value, err);
  return NA_OK;
}

/* "1, 1.8, 2.6" or "{1 2}" -> list. False when a word is no number or there are too many. */
static bool parse_list(const char *text, na_list *list)
{
  list->count = 0;
  for (;;) {
    text += strspn(text, " \t,{}");
    if (*text == '\0') return true;
    char *end;
    double number = strtod(text, &end);
    if (end == text || list->count == NA_LIST_MAX) return false;
    list->values[list->count++] = number;
    text = end;
  }
}

static bool parse_number(const char *text, double *number)
{
  char *end;
  *number = strtod(text, &end);
  while (isspace((unsigned char)*end)) end++;
  return end != text && *end == '\0';
}

int na_settings_parse(const na_settings *settings, void *target, const char *name,
                      const char *text, na_error *err)
{
  const na_setting *setting = na_settings_find(settings, name);
  if (setting == NULL) return refuse_name(settings, name, err);
  na_value value = {.kind = NA_VALUE_TEXT, .text = text};
  na_list list = {0};
  switch (setting->type) {
  case NA_INT:
  case NA_FLOAT:
    if (parse_number(text, &value.number)) value.kind = NA_VALUE_NUMBER;
    break;
  case NA_BOOL:
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
      value.kind = NA_VALUE_BOOL;
      value.boolean = text[0] == 't';
    }
    break;
  case NA_LIST:
    if (parse_list(text, &list)) {
      value.kind = NA_VALUE_LIST;
      value.list = &list;
    }
    break;
  default: break;
  }
  return na_settings_set(settings, target, name, &value, err);
}

void na_settings_init(const na_settings *settings, void *target)
{
  for (int i = 0; i < settings->count; i++) {
    na_error err = {0};
    if (na_settings_parse(settings, target, settings->items[i].name, settings->items[i].initial,
                          &err) != NA_OK) {
      /* A default that its own table refuses is a mistake in the program text. */
      fprintf(stderr, "netaug: %s\n", err.message);
      abort();
    }
  }
}

static void write_number(double value, na_buffer *out)
{
  char digits[32];
  na_text_number(digits, value);
  na_buffer_add(out, "%s", digits);
}

void na_settings_write(const na_setting *setting, const void *target, na_buffer *out)
{
  const void *from = (const char *)target + setting->offset;
  switch (setting->type) {
  case NA_INT: na_buffer_add(out, "%d", *(const int *)from); break;
  case NA_FLOAT: write_number(*(const double *)from, out); break;
  case NA_BOOL: na_buffer_add(out, *(const bool *)from ? "true" : "false"); break;
  case NA_TEXT: na_buffer_add(out, "%s", (const char *)from); break;
  case NA_CHOICE: write_choice(setting->choices, *(const int *)from, out); break;
  case NA_LIST: {
    const na_list *list = from;
    for (int k = 0; k < list->count; k++) {
      if (k > 0) na_buffer_add(out, ", ");
      write_number(list->values[k], out);
    }
    if (list->count == 0) na_buffer_add(out, "%s", "");
    break;
  }
  }
}

void na_settings_help(const na_settings *settings, na_buffer *out)
{
  for (int i = 0; i < settings->count; i++) {
    const na_setting *setting = &settings->items[i];
    na_buffer range = {0};
    describe_range(setting, &range);
    na_buffer_add(out, "  %-18s %s (%s; default %s)\n", setting->name, setting->help,
                  range.data != NULL ? range.data : "?",
                  setting->initial[0] != '\0' ? setting->initial : "none");
    free(range.data);
  }
}
