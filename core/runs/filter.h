/* Choosing runs by an expression: words that must all hold.
 *
 *   fashion        name, state, model, data or note has it in it, in capitals or not
 *   top1>80        a column, or a setting, compared: =  !=  <  <=  >  >=
 *   note~seed      it has the word in it
 *   !steered=yes   not
 *
 * Numbers may end in %, k, M, G, or s, m, h, d; accuracies are in percent. A word in double quotes may
 * hold blanks: note~"two words".
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FILTER_H
#define NA_FILTER_H

#include "core/runs/column.h"

enum { NA_FILTER_TERMS = 16, NA_FILTER_WORD = 128 };

typedef enum na_compare { NA_IN, NA_EQUAL, NA_UNEQUAL, NA_LESS, NA_AT_MOST, NA_MORE, NA_AT_LEAST } na_compare;

typedef struct na_filter_term {
  bool not, anywhere; /* anywhere: a word alone */
  na_run_key key;
  na_compare compare;
  char word[NA_FILTER_WORD];
  double number; /* NaN: the word is none */
} na_filter_term;

/* Zero: every run. */
typedef struct na_filter {
  int count;
  na_filter_term terms[NA_FILTER_TERMS];
} na_filter;

/* Reads text. runs[count] are there to know the settings' names. */
int na_filter_read(na_filter *filter, const char *text, na_run *const *runs, size_t count,
                   na_error *err);

bool na_filter_takes(const na_filter *filter, const na_run *run);

#endif
