/* netaug bench --compare: the table of what the engine must reach, measured beside PyTorch.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COMPARE_H
#define NA_COMPARE_H

#include "core/base/error.h"
#include "core/kernel/precision.h"

#include <stdbool.h>

typedef struct na_compare {
  const char *only;   /* rows wanted, as words separated by commas; "": all */
  const char *photos; /* a folder of JPEG images per class; "": rows that need one are left out */
  const char *cifar;  /* CIFAR-10, in any form that data.path takes; "": the same */
  int rounds, draws, seed;
  na_precision precision, torch; /* of our training steps, and of PyTorch's (bf16: autocast) */
  bool json;
} na_compare;

/* Measures and prints the table. Progress goes to standard error when that is a terminal. */
int na_compare_run(const na_compare *compare, na_error *err);

#endif
