/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/column.h"
#include "core/base/memory.h"
#include "core/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(name, rank, kind, down, text, number, help) {#name, rank, NA_COLUMN_##kind, down, help},
const na_column na_columns[NA_COLUMN_COUNT_OF] = {NA_COLUMNS(COLUMN)};

static const char *column_name(const void *list, int i)
{
  (void)list;
  return na_columns[i].name;
}

static int no_column(const char *name, na_error *err)
{
  na_fail(err, NA_EINVAL, "runs have no column \"%s\"", name);
  int near = na_text_nearest(name, NA_COLUMN_COUNT_OF, column_name, NULL);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", na_columns[near].name);
  return na_hint(err, "netaug help runs lists them; settings are columns too, such as train.lr");
}

int na_run_key_find(const char *name, size_t length, na_run *const *runs, size_t count,
                    na_run_key *key, na_error *err)
{
  *key = (na_run_key){.column = -1};
  snprintf(key->setting, sizeof key->setting, "%.*s", length < 64 ? (int)length : 63, name);
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++)
    if (strcmp(na_columns[c].name, key->setting) == 0) {
      key->column = c;
      return NA_OK;
    }
  for (size_t i = 0; i < count; i++)
    if (na_run_setting_of(runs[i], key->setting) != NULL) return NA_OK;
  if (strchr(key->setting, '.') == NULL) return no_column(key->setting, err);
  na_fail(err, NA_EINVAL, "no run has a setting \"%s\"", key->setting);
  return na_hint(err, "netaug help settings lists them");
}

static na_run_value value_of_setting(const na_run *run, const char *name)
{
  char *end;
  na_run_value value = {na_run_setting_of(run, name), NAN};
  if (value.text == NULL || value.text[0] == '\0') return value;
  double number = strtod(value.text, &end);
  if (*end == '\0' && isfinite(number)) value.number = number;
  return value;
}

na_run_value na_run_value_of(const na_run *r, const na_run_key *key)
{
  na_run_value value = {NULL, NAN};
  if (key->column < 0) return value_of_setting(r, key->setting);
  switch ((na_column_id)key->column) {
#define VALUE(name, rank, kind, down, text_, number_, help)                                            \
  case NA_COLUMN_##name: value = (na_run_value){text_, number_}; break;
    NA_COLUMNS(VALUE)
#undef VALUE
  default: break;
  }
  if (value.text != NULL && value.text[0] == '\0') value.text = NULL;
  return value;
}

bool na_run_key_is_number(const na_run_key *key)
{
  return key->column >= 0 && na_columns[key->column].kind != NA_COLUMN_TEXT &&
         na_columns[key->column].kind != NA_COLUMN_SWITCH;
}

static void write_number(na_column_kind kind, double number, char words[NA_RUN_WORDS])
{
  char text[16];
  switch (kind) {
  case NA_COLUMN_SHARE: snprintf(words, NA_RUN_WORDS, "%.2f%%", 100 * number); return;
  case NA_COLUMN_LOSS: snprintf(words, NA_RUN_WORDS, "%.4f", number); return;
  case NA_COLUMN_SWITCH: snprintf(words, NA_RUN_WORDS, "%s", number > 0 ? "yes" : "no"); return;
  case NA_COLUMN_COUNT: na_text_count(text, number); break;
  case NA_COLUMN_SECONDS: na_text_duration(text, number); break;
  case NA_COLUMN_BYTES: na_text_bytes(text, number); break;
  default: snprintf(words, NA_RUN_WORDS, "%.0f", number); return;
  }
  memcpy(words, text, sizeof text);
}

/* Appends "/8". */
static void write_whole(const na_run *run, int column, char words[NA_RUN_WORDS])
{
  na_run_value all = na_run_value_of(run, &(na_run_key){.column = column});
  size_t length = strlen(words);
  if (length > 0 && all.number > 0) snprintf(words + length, NA_RUN_WORDS - length, "/%.0f", all.number);
}

void na_run_words(const na_run *run, const na_run_key *key, char words[NA_RUN_WORDS])
{
  na_run_value value = na_run_value_of(run, key);
  words[0] = '\0';
  if (value.text != NULL) snprintf(words, NA_RUN_WORDS, "%s", value.text);
  else if (!isnan(value.number)) write_number(na_columns[key->column].kind, value.number, words);
  if (value.text == NULL && key->column >= 0 && na_columns[key->column].kind == NA_COLUMN_PART)
    write_whole(run, key->column + 1, words);
  na_text_tame(words);
}

/* -------------------------------------------------------------------------------- the order */

typedef struct item {
  na_run *run;
  na_run_value value;
  int sign;
} item;

static bool is_known(const na_run_value *value)
{
  return value->text != NULL || !isnan(value->number);
}

static int compare_values(const na_run_value *a, const na_run_value *b)
{
  if (!isnan(a->number) && !isnan(b->number)) return (a->number > b->number) - (a->number < b->number);
  if (a->text != NULL && b->text != NULL) return na_text_compare(a->text, b->text);
  return (a->text != NULL) - (b->text != NULL); /* a setting that is a number here, a word there */
}

static int compare_items(const void *left, const void *right)
{
  const item *a = left, *b = right;
  bool known = is_known(&a->value);
  if (known != is_known(&b->value)) return known ? -1 : 1;
  int order = known ? a->sign * compare_values(&a->value, &b->value) : 0;
  if (order == 0) order = na_text_compare(a->run->name, b->run->name);
  return order != 0 ? order : strcmp(a->run->name, b->run->name);
}

int na_runs_sort(na_run **runs, size_t count, const na_run_key *key, bool reverse, na_error *err)
{
  item *items = na_alloc_array(count + 1, sizeof *items);
  if (items == NULL) return na_fail_memory(err, count * sizeof *items, "the order of the runs");
  bool down = (key->column >= 0 && na_columns[key->column].down) != reverse;
  for (size_t i = 0; i < count; i++)
    items[i] = (item){runs[i], na_run_value_of(runs[i], key), down ? -1 : 1};
  qsort(items, count, sizeof *items, compare_items);
  for (size_t i = 0; i < count; i++) runs[i] = items[i].run;
  na_free(items);
  return NA_OK;
}
