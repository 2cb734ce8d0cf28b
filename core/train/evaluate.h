/* Passes over a data source that can be watched and stopped.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EVALUATE_H
#define NA_EVALUATE_H

#include "core/train/trainer.h"

/* progress is called after every batch with images done and in all; non-zero ends the pass with
 * NA_ESTOPPED. */
typedef struct na_watch {
  int (*progress)(void *context, long done, long total);
  void *context;
} na_watch;

/* na_recalibrate on the first `images` images (whole batches); watch may be NULL. A pass that ends
 * early leaves the statistics as they were. */
int na_recalibrate_on(na_workspace *workspace, const int *widths, na_source *calibration,
                      long images, const na_watch *watch, na_error *err);

int na_evaluate_watched(na_workspace *workspace, const int *widths, na_source *source,
                        const na_watch *watch, na_result *result, na_error *err);

/* Sums to means. */
na_result na_result_of(const na_scores *scores);

#endif
