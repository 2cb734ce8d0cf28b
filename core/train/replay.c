/* Which commands of a run must be repeated to get its bits again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/steer.h"
#include "core/train/trainer_private.h"

#include <stdio.h>
#include <string.h>

/* Rows of a column, 0 where there is none. */
static int last_of(const char *path, const char *column, double *last, na_error *err)
{
  double *values;
  long count;
  *last = 0;
  int code = na_metrics_read(path, column, &values, &count, err);
  if (code != NA_OK) return code;
  if (count > 0) *last = values[count - 1];
  na_free(values);
  return NA_OK;
}

/* A stop that was followed by a resumption changed nothing. */
static bool ended_it(const na_steer_entry *entry, double last_step, double last_epoch)
{
  if (strcmp(entry->text, na_steer_word(NA_STEER_STOP)) == 0)
    return (double)entry->step >= last_step;
  return strcmp(entry->text, na_steer_word(NA_STEER_STOP_EPOCH)) == 0 &&
         (double)entry->epoch + 1 >= last_epoch;
}

int na_replay_read(const char *folder, na_steer_entry **entries, long *count, na_error *err)
{
  char path[NA_RUN_PATH];
  double last_step = 0, last_epoch = 0;
  long kept = 0;
  snprintf(path, sizeof path, "%.4000s/run.h5", folder);
  int code = na_metrics_steering(path, entries, count, err);
  if (code == NA_OK) code = last_of(path, "step/step", &last_step, err);
  /* Steps of the running epoch say epochs done, from 0. */
  if (code == NA_OK) code = last_of(path, "step/epoch", &last_epoch, err);
  for (long i = 0; code == NA_OK && i < *count; i++)
    if ((*entries)[i].changes || ended_it(&(*entries)[i], last_step, last_epoch + 1))
      (*entries)[kept++] = (*entries)[i];
  *count = kept;
  if (code == NA_OK) return NA_OK;
  na_free(*entries);
  *entries = NULL;
  *count = 0;
  return code;
}
