/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plot/scale.h"

#include <math.h>
#include <stdio.h>

/* Beyond these, differences and quotients of two values are no numbers any more. */
static const double largest_shown = 1e300, least_shown = 1e-300;

static bool can_show(bool log, double value)
{
  return fabs(value) <= largest_shown && (!log || value >= least_shown);
}

void na_limits_take(na_limits *limits, const na_axis *axis, double value)
{
  if (!can_show(axis->log, value)) return;
  if (value < limits->low) limits->low = value;
  if (value > limits->high) limits->high = value;
}

double na_scale_place(const na_scale *scale, double value)
{
  if (scale->log && !(value > 0)) return NAN;
  if (scale->log) return log(value / scale->low) / log(scale->high / scale->low);
  return (value - scale->low) / (scale->high - scale->low);
}

/* ------------------------------------------------------------------------- what is shown */

/* A logarithmic axis has its room in proportions. What holds 0 .. does not reach below it for room.
 */
static void add_room(na_scale *scale, double room)
{
  double low = scale->low, high = scale->high;
  if (!(high - low > 1e-9 * fabs(high) && high - low > least_shown)) {
    double half = fabs(high) > least_shown ? 0.1 * fabs(high) : 1;
    scale->low = scale->log ? low / 2 : low - half;
    scale->high = scale->log ? high * 2 : high + half;
  } else if (scale->log) {
    double factor = pow(high / low, room);
    scale->low = low / factor;
    scale->high = high * factor;
  } else {
    scale->low = low - room * (high - low);
    scale->high = high + room * (high - low);
  }
  if (!scale->log && low >= 0 && scale->low < 0) scale->low = 0;
}

static void find_range(na_scale *scale, const na_axis *axis, na_limits limits, double room)
{
  scale->log = axis->log;
  scale->low = limits.low;
  scale->high = limits.high;
  if (axis->names != NULL) {
    scale->log = false;
    scale->low = -0.5;
    scale->high = axis->name_count - 0.5;
  } else if (axis->high > axis->low && can_show(axis->log, axis->low) &&
             can_show(axis->log, axis->high)) {
    scale->low = axis->low;
    scale->high = axis->high;
  } else if (limits.low <= limits.high)
    add_room(scale, room);
  else {
    scale->low = axis->log ? 0.1 : 0;
    scale->high = 1;
  }
}

/* ------------------------------------------------------------------------- ticks */

static na_tick *add_tick(na_scale *scale, double at)
{
  double slack = 1e-9 * (scale->high - scale->low);
  if (scale->count == NA_TICKS_MAX || at < scale->low - slack || at > scale->high + slack)
    return NULL;
  na_tick *tick = &scale->ticks[scale->count++];
  tick->at = at;
  return tick;
}

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double nice_step(double least)
{
  static const double steps[] = {1, 2, 5};
  double power = pow(10, floor(log10(least)));
  for (int i = 0; i < 3; i++)
    if (steps[i] * power >= least * (1 - 1e-9)) return steps[i] * power;
  return 10 * power;
}

/* "20k", "0.25", "3e-07": all ticks of an axis have the same digits and unit. */
static void write_number(char text[32], double value, double step, double largest)
{
  static const char *const units[] = {"", "k", "M", "G", "T"};
  int thousands = largest >= 1e4 ? (int)floor(log10(largest * (1 + 1e-12)) / 3) : 0;
  if (thousands > 4 || step < 1e-5) {
    snprintf(text, 32, "%.3g", value);
    return;
  }
  double unit = pow(1000, thousands);
  int digits = step / unit >= 1 ? 0 : (int)ceil(-log10(step / unit) - 1e-9);
  snprintf(text, 32, "%.*f%s", digits, value / unit, value == 0 ? "" : units[thousands]);
}

/* Numbered, not added up: a step may vanish beside a large value. */
static void even_ticks(na_scale *scale, bool whole, int wanted)
{
  double width = scale->high - scale->low, largest = fmax(fabs(scale->low), fabs(scale->high));
  double step = nice_step(width / wanted);
  if (whole && step < 1) step = 1;
  double first = ceil(scale->low / step - 1e-9);
  for (int i = 0; i <= width / step + 1 && i < NA_TICKS_MAX; i++) {
    double at = (first + i) * step;
    if (fabs(at) < step / 2) at = 0;
    na_tick *tick = add_tick(scale, at);
    if (tick != NULL) write_number(tick->text, at, step, largest);
  }
}

/* Powers of ten, with 2 and 5 between few of them. */
static void log_ticks(na_scale *scale, int wanted)
{
  static const double steps[] = {1, 2, 5};
  double first = floor(log10(scale->low)), last = ceil(log10(scale->high));
  int between = 3 * (last - first) <= wanted + 3 ? 3 : 1;
  double stride = fmax(1, ceil((last - first) / wanted));
  for (double power = first; power <= last && scale->count < NA_TICKS_MAX; power += stride)
    for (int i = 0; i < between; i++) {
      na_tick *tick = add_tick(scale, steps[i] * pow(10, power));
      if (tick != NULL) snprintf(tick->text, sizeof tick->text, "%.4g", tick->at);
    }
}

static void name_ticks(na_scale *scale, const na_axis *axis, int wanted)
{
  int stride = axis->name_count > NA_TICKS_MAX ? (axis->name_count + wanted - 1) / wanted : 1;
  for (int i = 0; i < axis->name_count; i += stride) {
    na_tick *tick = add_tick(scale, i);
    if (tick != NULL) snprintf(tick->text, sizeof tick->text, "%s", axis->names[i]);
  }
}

void na_scale_make(na_scale *scale, const na_axis *axis, na_limits limits, double room, int wanted)
{
  enum {
    NARROW = 4
  }; /* a smaller factor than this is labelled evenly, on a logarithmic axis too */
  *scale = (na_scale){.log = axis->log};
  if (wanted < 2) wanted = 2;
  find_range(scale, axis, limits, room);
  if (axis->names != NULL)
    name_ticks(scale, axis, wanted);
  else if (scale->log && scale->high > NARROW * scale->low)
    log_ticks(scale, wanted);
  else
    even_ticks(scale, axis->whole, wanted);
}
