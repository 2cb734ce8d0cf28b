/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/curves.h"
#include "core/base/memory.h"

#include <stdio.h>

#define CURVE_NAME(symbol, name) name,
static const char *const names[] = {NA_CURVES(CURVE_NAME)};

const char *na_curve_name(na_curve curve)
{
  return names[curve];
}

void na_curves_clear(na_curves *curves)
{
  for (int c = 0; c < NA_CURVE_COUNT; c++) {
    na_series_clear(&curves->loss[c]);
    na_series_clear(&curves->top1[c]);
  }
  curves->mark_count = 0;
  curves->begun = false;
  curves->steps = curves->batches = 0;
}

void na_curves_free(na_curves *curves)
{
  for (int c = 0; c < NA_CURVE_COUNT; c++) {
    na_series_free(&curves->loss[c]);
    na_series_free(&curves->top1[c]);
  }
  na_free(curves->marks);
  *curves = (na_curves){.marks = NULL};
}

void na_curves_smooth(na_curves *curves, double decay)
{
  for (int c = NA_CURVE_WIDE; c <= NA_CURVE_BASE; c++) {
    na_series_smooth(&curves->loss[c], decay);
    na_series_smooth(&curves->top1[c], decay);
  }
}

static int add(na_curves *curves, na_curve curve, long step, const na_result *result, na_error *err)
{
  if (result->images == 0) return NA_OK;
  int code = na_series_add(&curves->loss[curve], (double)step, result->loss, err);
  if (code == NA_OK)
    code = na_series_add(&curves->top1[curve], (double)step, 100 * result->top1, err);
  return code;
}

static int mark(na_curves *curves, long step, char kind, const char *text, na_error *err)
{
  void *marks = curves->marks;
  int code = na_grow(&marks, curves->mark_count, &curves->mark_capacity, sizeof *curves->marks);
  curves->marks = marks;
  if (code != NA_OK) return na_fail_memory(err, sizeof *curves->marks, "a mark");
  na_mark *new = &curves->marks[curves->mark_count++];
  *new = (na_mark){.step = step, .kind = kind};
  snprintf(new->text, sizeof new->text, "%s", text);
  return NA_OK;
}

static int take_step(na_curves *curves, const na_event *event, na_error *err)
{
  int code = NA_OK;
  if (curves->begun && event->phase != curves->phase)
    code = mark(curves, event->step, 'p', na_phase_name(event->phase), err);
  curves->begun = true;
  curves->phase = event->phase;
  if (code == NA_OK) code = add(curves, NA_CURVE_BASE, event->step, &event->base, err);
  if (code == NA_OK) code = add(curves, NA_CURVE_WIDE, event->step, &event->augmented, err);
  return code;
}

int na_curves_event(na_curves *curves, const na_event *event, na_error *err)
{
  int code = NA_OK;
  if (event->steps > 0) curves->steps = event->steps;
  if (event->batches > 0) curves->batches = event->batches;
  switch (event->kind) {
  case NA_EVENT_STEP: return take_step(curves, event, err);
  case NA_EVENT_EPOCH:
  case NA_EVENT_EVALUATION:
    code = add(curves, NA_CURVE_BASE_VAL, event->step, &event->base_val, err);
    if (code == NA_OK)
      code = add(curves, NA_CURVE_WIDE_VAL, event->step, &event->augmented_val, err);
    return code;
  case NA_EVENT_STEER: return event->changes ? mark(curves, event->step, 's', event->text, err) : NA_OK;
  default: return NA_OK;
  }
}
