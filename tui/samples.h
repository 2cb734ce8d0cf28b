/* Images of a collection as the network sees them, for people to look at.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SAMPLES_H
#define NA_SAMPLES_H

#include "core/base/text.h"
#include "datasets/dataset.h"
#include "tui/terminal.h"

/* The first images of an epoch. Zero-initialise; na_samples_free releases them. */
typedef struct na_samples {
  int count, height, width;
  uint8_t *pixels; /* [count][height][width][3] */
  char **captions; /* [count]: "cat", or "cat 70% dog 30%" where two are mixed */
} na_samples;

/* Loads `count` images (or as many as there are) of epoch `epoch` of a split, augmented and mixed as
 * in training, and turns the normalised values back into colours. */
int na_samples_load(na_samples *samples, na_dataset *dataset, na_split split, int epoch, int count,
                    na_error *err);
void na_samples_free(na_samples *samples);

/* Writes them side by side as a PNG file, small ones enlarged, and prints the captions as they lie. */
int na_samples_write(const na_samples *samples, const char *path, na_error *err);

/* Prints them to a terminal, two pixels to a character. NA_EINVAL where it cannot show them. */
int na_samples_print(const na_samples *samples, const na_terminal *terminal, na_error *err);

#endif
