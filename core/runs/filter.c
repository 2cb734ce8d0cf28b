/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/runs/filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the order in which they are looked for. */
static const struct {
  const char *sign;
  na_compare compare;
} signs[] = {{"!=", NA_UNEQUAL}, {"<=", NA_AT_MOST}, {">=", NA_AT_LEAST}, {"=", NA_EQUAL},
             {"<", NA_LESS},     {">", NA_MORE},     {"~", NA_IN}};

static const struct {
  const char *ending;
  double factor;
} endings[] = {{"", 1},     {"%", 1},    {"k", 1e3},   {"M", 1e6}, {"G", 1e9},
               {"s", 1},    {"m", 60},   {"h", 3600},  {"d", 86400}};

static double number_of(const char *word)
{
  char *end;
  double number = strtod(word, &end);
  if (end == word) return NAN;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
    if (strcmp(end, endings[i].ending) == 0) return number * endings[i].factor;
  return NAN;
}

/* The next word without its quotes; false: there is none. A quote may stand inside it: note~"a b". */
static int next_word(const char **text, char word[NA_FILTER_WORD], bool *found, na_error *err)
{
  const char *c = *text + strspn(*text, " \t");
  size_t length = 0;
  bool quoted = false;
  for (*found = *c != '\0'; *c != '\0' && (quoted || (*c != ' ' && *c != '\t')); c++) {
    if (*c == '"') quoted = !quoted;
    else if (length + 1 < NA_FILTER_WORD) word[length++] = *c;
    else return na_fail(err, NA_EINVAL, "a word of the filter has more than %d bytes", NA_FILTER_WORD - 1);
  }
  word[length] = '\0';
  *text = c;
  return quoted ? na_fail(err, NA_EINVAL, "the filter lacks a closing quote") : NA_OK;
}

/* Where the first sign stands, and which it is; NULL: a word alone. */
static const char *find_sign(const char *word, size_t *which)
{
  for (const char *c = word; *c != '\0'; c++)
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
      if (strncmp(c, signs[i].sign, strlen(signs[i].sign)) == 0) {
        *which = i;
        return c;
      }
  return NULL;
}

static int read_term(na_filter_term *term, const char *word, na_run *const *runs, size_t count,
                     na_error *err)
{
  size_t which;
  *term = (na_filter_term){.not = word[0] == '!' && word[1] != '='};
  word += term->not;
  const char *sign = find_sign(word, &which);
  term->anywhere = sign == NULL;
  if (sign == NULL) {
    snprintf(term->word, sizeof term->word, "%s", word);
    return NA_OK;
  }
  term->compare = signs[which].compare;
  snprintf(term->word, sizeof term->word, "%s", sign + strlen(signs[which].sign));
  term->number = number_of(term->word);
  if (sign == word || (term->word[0] == '\0' && term->compare != NA_EQUAL && term->compare != NA_UNEQUAL)) {
    na_fail(err, NA_EINVAL, "\"%s\" compares nothing", word);
    return na_hint(err, "for example: top1>80");
  }
  return na_run_key_find(word, (size_t)(sign - word), runs, count, &term->key, err);
}

int na_filter_read(na_filter *filter, const char *text, na_run *const *runs, size_t count, na_error *err)
{
  char word[NA_FILTER_WORD];
  bool found;
  *filter = (na_filter){.count = 0};
  for (;;) {
    int code = next_word(&text, word, &found, err);
    if (code != NA_OK || !found) return code;
    if (filter->count == NA_FILTER_TERMS)
      return na_fail(err, NA_EINVAL, "a filter has up to %d words", NA_FILTER_TERMS);
    code = read_term(&filter->terms[filter->count], word, runs, count, err);
    if (code != NA_OK) return code;
    filter->count++;
  }
}

/* ------------------------------------------------------------------------------ choosing */

static bool is_anywhere(const na_run *run, const char *word)
{
  static const na_column_id columns[] = {NA_COLUMN_name, NA_COLUMN_state, NA_COLUMN_model,
                                         NA_COLUMN_data, NA_COLUMN_note};
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    na_run_value value = na_run_value_of(run, &(na_run_key){.column = (int)columns[i]});
    if (value.text != NULL && strcasestr(value.text, word) != NULL) return true;
  }
  return false;
}

static bool holds(na_compare compare, int order)
{
  switch (compare) {
  case NA_EQUAL: return order == 0;
  case NA_UNEQUAL: return order != 0;
  case NA_LESS: return order < 0;
  case NA_AT_MOST: return order <= 0;
  case NA_MORE: return order > 0;
  case NA_AT_LEAST: return order >= 0;
  default: return false;
  }
}

static int compare_numbers(double a, double b)
{
  if (fabs(a - b) <= 1e-9 * fabs(b)) return 0; /* 0.8341 is 83.41% */
  return a < b ? -1 : 1;
}

static bool term_holds(const na_filter_term *term, const na_run *run)
{
  char words[NA_RUN_WORDS];
  if (term->anywhere) return is_anywhere(run, term->word);
  na_run_value value = na_run_value_of(run, &term->key);
  na_run_words(run, &term->key, words);
  bool share = term->key.column >= 0 && na_columns[term->key.column].kind == NA_COLUMN_SHARE;
  if (term->compare == NA_IN) return strcasestr(words, term->word) != NULL;
  if (!isnan(value.number) && !isnan(term->number))
    return holds(term->compare, compare_numbers(share ? 100 * value.number : value.number, term->number));
  if (words[0] == '\0' && term->word[0] != '\0') return term->compare == NA_UNEQUAL; /* not known */
  return holds(term->compare, strcasecmp(words, term->word));
}

bool na_filter_takes(const na_filter *filter, const na_run *run)
{
  for (int i = 0; i < filter->count; i++)
    if (term_holds(&filter->terms[i], run) == filter->terms[i].not) return false;
  return true;
}
