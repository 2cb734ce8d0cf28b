/* What is drawn: the candidates of a supernet, as experiments and steering set them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_AUGMENT_H
#define NA_AUGMENT_H

#include "core/base/settings.h"

/* Multipliers of every width and factors of every expand dimension. The table is
 * na_augment_settings. */
typedef struct na_augmentation {
  na_list width, expand; /* empty: { 1 } */
  double r;              /* 0: not given */
  int s;
} na_augmentation;
extern const na_settings na_augment_settings;

/* Replaces r and s by the lists they stand for, and checks the lists' beginnings. */
int na_augment_resolve(na_augmentation *augment, na_error *err);

#endif
