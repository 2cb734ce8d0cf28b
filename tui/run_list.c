/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/run_list.h"
#include "tui/screen/grid.h"

#include <stdio.h>
#include <string.h>

enum { GAP = 2, WIDEST = 40 };

static const char *title_of(const na_run_key *key)
{
  return key->column >= 0 ? na_columns[key->column].name : key->setting;
}

/* 0: no run has it; a switch must be on somewhere. */
static int measure(const na_run_key *key, na_run *const *runs, size_t count)
{
  char words[NA_RUN_WORDS];
  int most = 0;
  for (size_t i = 0; i < count; i++) {
    na_run_words(runs[i], key, words);
    bool off = key->column >= 0 && na_columns[key->column].kind == NA_COLUMN_SWITCH &&
               !(na_run_value_of(runs[i], key).number > 0);
    int cols = off ? 0 : na_utf8_columns(words);
    if (cols > most) most = cols;
  }
  int title = na_utf8_columns(title_of(key));
  return most == 0 ? 0 : most > title ? most : title;
}

static void add(na_run_list *list, const na_run_key *key, int cols)
{
  if (list->count == NA_RUN_LIST_COLUMNS) return;
  na_run_list_column *column = &list->columns[list->count++];
  *column = (na_run_list_column){.key = *key, .cols = cols, .right = na_run_key_is_number(key)};
  column->title = title_of(&column->key);
}

/* In the order of rank those that fit; what does not is passed over. */
static void choose(const int *widths, const na_run_key *by, int cols, bool *shown)
{
  int room = cols;
  if (by != NULL && by->column >= 0) {
    shown[by->column] = true;
    room -= widths[by->column] + GAP;
  } else if (by != NULL)
    room -= (int)strlen(by->setting) + GAP;
  for (int rank = 1; rank <= NA_COLUMN_COUNT_OF; rank++)
    for (int c = 0; c < NA_COLUMN_COUNT_OF; c++) {
      if (na_columns[c].rank != rank || shown[c] || widths[c] == 0) continue;
      int width = cols > 0 && widths[c] > WIDEST ? WIDEST : widths[c];
      if (cols > 0 && width + GAP > room && rank > 1) continue;
      shown[c] = true;
      room -= width + GAP;
    }
}

void na_run_list_fit(na_run_list *list, na_run *const *runs, size_t count, const na_run_key *by, int cols)
{
  int widths[NA_COLUMN_COUNT_OF] = {0};
  bool shown[NA_COLUMN_COUNT_OF] = {false};
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++) {
    bool wanted = na_columns[c].rank > 0 || (by != NULL && by->column == c);
    if (wanted) widths[c] = measure(&(na_run_key){.column = c}, runs, count);
  }
  if (by != NULL && by->column >= 0 && widths[by->column] == 0)
    widths[by->column] = na_utf8_columns(title_of(by));
  choose(widths, by, cols + (cols > 0 ? GAP : 0), shown);
  list->count = 0;
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++)
    if (shown[c])
      add(list, &(na_run_key){.column = c}, cols > 0 && widths[c] > WIDEST ? WIDEST : widths[c]);
  if (by != NULL && by->column < 0) {
    int width = measure(by, runs, count), title = na_utf8_columns(by->setting);
    add(list, by, width > title ? width : title);
  }
}

int na_run_list_choose(na_run_list *list, const char *names, na_run *const *runs, size_t count,
                       na_error *err)
{
  list->count = 0;
  while (*names != '\0') {
    size_t length = strcspn(names, ",");
    const char *next = names + length + (names[length] == ',');
    while (*names == ' ') names++, length--;
    while (length > 0 && names[length - 1] == ' ') length--;
    na_run_key key;
    int code = na_run_key_find(names, length, runs, count, &key, err);
    if (code != NA_OK) return code;
    if (list->count == NA_RUN_LIST_COLUMNS)
      return na_fail(err, NA_EINVAL, "up to %d columns can be shown", NA_RUN_LIST_COLUMNS);
    int cols = measure(&key, runs, count), title = na_utf8_columns(title_of(&key));
    add(list, &key, cols > title ? cols : title);
    names = next;
  }
  return NA_OK;
}
