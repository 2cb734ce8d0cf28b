/* Passes over a data source without training: re-estimation and evaluation.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/evaluate.h"

#include <limits.h>
#include <math.h>

/* Tells how far a pass is; NA_ESTOPPED when the watcher wants it to end. */
static int report(const na_watch *watch, long done, long total, na_error *err)
{
  if (watch == NULL || watch->progress(watch->context, done, total) == 0) return NA_OK;
  return na_fail(err, NA_ESTOPPED, "stopped");
}

int na_recalibrate_on(na_workspace *workspace, const int *widths, na_source *calibration,
                      long images, const na_watch *watch, na_error *err)
{
  long total = images < calibration->images ? images : calibration->images, done = 0;
  const na_batch *batch;
  int code = calibration->start(calibration, 0, 0, err);
  if (code != NA_OK) return code;
  na_recalibrate_begin(workspace);
  while (done < total && (code = calibration->next(calibration, &batch, err)) == 1) {
    code = na_forward(workspace, widths, NA_MODE_ESTIMATE, batch, 0, err);
    done += batch->count;
    if (code == NA_OK) code = report(watch, done, total, err);
    if (code != NA_OK) return code;
  }
  if (code < 0) return code;
  na_recalibrate_end(workspace, widths);
  return NA_OK;
}

int na_recalibrate(na_workspace *workspace, const int *widths, na_source *calibration,
                   na_error *err)
{
  return na_recalibrate_on(workspace, widths, calibration, LONG_MAX, NULL, err);
}

na_result na_result_of(const na_scores *scores)
{
  double images = (double)scores->images;
  if (scores->images == 0) return (na_result){0};
  return (na_result){.loss = scores->loss / images,
                     .top1 = (double)scores->top1 / images,
                     .top5 = (double)scores->top5 / images,
                     .images = scores->images};
}

int na_evaluate_watched(na_workspace *workspace, const int *widths, na_source *source,
                        const na_watch *watch, na_result *result, na_error *err)
{
  na_scores scores = {0};
  const na_batch *batch;
  *result = (na_result){0};
  int code = source->start(source, 0, 0, err);
  if (code != NA_OK) return code;
  while ((code = source->next(source, &batch, err)) == 1) {
    code = na_forward(workspace, widths, NA_MODE_EVAL, batch, 0, err);
    if (code == NA_OK) code = na_loss(workspace, batch, 0, 0, &scores, err);
    if (code == NA_OK && !isfinite(scores.loss))
      code = na_fail(err, NA_ENAN, "the loss of the evaluation is not a finite number");
    if (code == NA_OK) code = report(watch, scores.images, source->images, err);
    if (code != NA_OK) return code;
  }
  if (code < 0) return code;
  *result = na_result_of(&scores);
  return NA_OK;
}

int na_evaluate(na_workspace *workspace, const int *widths, na_source *source, na_result *result,
                na_error *err)
{
  return na_evaluate_watched(workspace, widths, source, NULL, result, err);
}
