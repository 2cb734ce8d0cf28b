/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/measure.h"

#include <string.h>

#define MEASURE(symbol, word, column, share, lower, best, words)                                   \
  {word, column, share, lower, best, words},
const na_measure na_measures[NA_MEASURE_COUNT] = {NA_MEASURES(MEASURE)};

int na_measure_find(const char *word)
{
  for (int i = 0; i < NA_MEASURE_COUNT; i++)
    if (strcmp(na_measures[i].word, word) == 0) return i;
  return -1;
}
