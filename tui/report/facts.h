/* What the runs of a comparison were made with: their settings, and the machines and programs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FACTS_H
#define NA_FACTS_H

#include "core/arms/arms.h"

typedef struct na_fact {
  const char *name; /* borrowed from the arms, or constant */
  char *values;     /* the different ones, a line each; hostile, as runs have them */
} na_fact;

typedef struct na_facts {
  na_fact *items;
  int count;
} na_facts;

/* The settings of the first run that could be read, in its order, with the values that all runs
 * give them; and what every run noted of its environment. What nobody says is left out.
 * na_facts_free frees what they hold, also after a failure. */
int na_facts_settings(const na_arms *arms, na_facts *facts, na_error *err);
int na_facts_environment(const na_arms *arms, na_facts *facts, na_error *err);
void na_facts_free(na_facts *facts);

#endif
