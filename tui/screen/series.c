/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/series.h"
#include "core/base/memory.h"

#include <math.h>

/* ------------------------------------------------------------------------- the pyramid */

static void free_pyramid(na_pyramid *p)
{
  for (int l = 0; l < NA_PYRAMID_LEVELS; l++) {
    na_free(p->low[l]);
    na_free(p->high[l]);
  }
  *p = (na_pyramid){.count = {0}};
}

static void empty_pyramid(na_pyramid *p)
{
  for (int l = 0; l < NA_PYRAMID_LEVELS; l++) p->count[l] = 0;
}

/* Room for one more cell on level l. */
static int reserve(na_pyramid *p, int l)
{
  size_t capacity = p->capacity[l];
  void *low = p->low[l], *high = p->high[l];
  if (p->count[l] < capacity) return NA_OK;
  int code = na_grow(&low, p->count[l], &capacity, sizeof(float));
  p->low[l] = low;
  if (code == NA_OK) {
    size_t other = p->capacity[l];
    code = na_grow(&high, p->count[l], &other, sizeof(float));
    p->high[l] = high;
    if (other < capacity) capacity = other;
  }
  if (code == NA_OK) p->capacity[l] = capacity;
  return code;
}

/* Takes value number `index` in. */
static int extend(na_pyramid *p, size_t index, float value)
{
  size_t cell = index;
  for (int l = 0; l < NA_PYRAMID_LEVELS; l++) {
    cell /= NA_PYRAMID_FAN;
    if (cell == p->count[l]) {
      int code = reserve(p, l);
      if (code != NA_OK) return code;
      p->low[l][cell] = INFINITY;
      p->high[l][cell] = -INFINITY;
      p->count[l]++;
    }
    if (value < p->low[l][cell]) p->low[l][cell] = value;
    if (value > p->high[l][cell]) p->high[l][cell] = value;
  }
  return NA_OK;
}

static void scan(const float *low, const float *high, size_t first, size_t end, na_extent *found)
{
  for (size_t i = first; i < end; i++) {
    if (low[i] < found->low) found->low = low[i];
    if (high[i] > found->high) found->high = high[i];
  }
}

/* Ends of the stretch are scanned on a level, what lies between is asked one level up. */
static na_extent query(const na_pyramid *p, const float *values, size_t first, size_t end)
{
  enum { FAN = NA_PYRAMID_FAN };
  na_extent found = {INFINITY, -INFINITY};
  const float *low = values, *high = values;
  for (int l = 0; first < end; l++) {
    if (end - first < 2 * FAN || l == NA_PYRAMID_LEVELS) {
      scan(low, high, first, end, &found);
      break;
    }
    size_t up = (first + FAN - 1) / FAN, down = end / FAN;
    scan(low, high, first, up * FAN, &found);
    scan(low, high, down * FAN, end, &found);
    first = up;
    end = down;
    low = p->low[l];
    high = p->high[l];
  }
  return found;
}

/* ------------------------------------------------------------------------- the series */

void na_series_free(na_series *series)
{
  na_free(series->x);
  na_free(series->raw);
  na_free(series->smooth);
  free_pyramid(&series->raw_pyramid);
  free_pyramid(&series->smooth_pyramid);
  *series = (na_series){.decay = series->decay};
}

void na_series_clear(na_series *series)
{
  series->count = 0;
  series->sum = series->weight = 0;
  empty_pyramid(&series->raw_pyramid);
  empty_pyramid(&series->smooth_pyramid);
}

/* All three arrays have room for `capacity`, the least of what they got. */
static int make_room(na_series *s)
{
  if (s->count < s->capacity) return NA_OK;
  size_t x_room = s->capacity, raw_room = s->capacity, smooth_room = s->capacity;
  void *x = s->x, *raw = s->raw, *smooth = s->smooth;
  int code = na_grow(&x, s->count, &x_room, sizeof *s->x);
  s->x = x;
  if (code == NA_OK) code = na_grow(&raw, s->count, &raw_room, sizeof *s->raw);
  s->raw = raw;
  if (code == NA_OK) code = na_grow(&smooth, s->count, &smooth_room, sizeof *s->smooth);
  s->smooth = smooth;
  if (code != NA_OK) return code;
  s->capacity = x_room < raw_room ? x_room : raw_room;
  if (smooth_room < s->capacity) s->capacity = smooth_room;
  return NA_OK;
}

static float smoothed(na_series *s, double y)
{
  if (!isfinite(y)) return NAN;
  s->sum = s->decay * s->sum + (1 - s->decay) * y;
  s->weight = s->decay * s->weight + (1 - s->decay);
  return (float)(s->sum / s->weight);
}

int na_series_add(na_series *s, double x, double y, na_error *err)
{
  int code = make_room(s);
  if (code == NA_OK) {
    if (s->count > 0 && !(x > s->x[s->count - 1])) x = s->x[s->count - 1];
    s->x[s->count] = x;
    s->raw[s->count] = isfinite(y) ? (float)y : NAN;
    s->smooth[s->count] = smoothed(s, y);
    code = extend(&s->raw_pyramid, s->count, s->raw[s->count]);
  }
  if (code == NA_OK) code = extend(&s->smooth_pyramid, s->count, s->smooth[s->count]);
  if (code != NA_OK) return na_fail_memory(err, s->capacity * 2 * sizeof(double), "a curve");
  s->count++;
  return NA_OK;
}

void na_series_smooth(na_series *s, double decay)
{
  if (decay == s->decay) return;
  s->decay = decay;
  s->sum = s->weight = 0;
  for (size_t i = 0; i < s->count; i++) s->smooth[i] = smoothed(s, s->raw[i]);
  /* The cells are there already: filling them anew cannot fail. */
  empty_pyramid(&s->smooth_pyramid);
  for (size_t i = 0; i < s->count; i++) extend(&s->smooth_pyramid, i, s->smooth[i]);
}

size_t na_series_find(const na_series *s, double x)
{
  size_t low = 0, high = s->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->x[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

na_extent na_series_extent(const na_series *s, bool smooth, size_t first, size_t end)
{
  if (end > s->count) end = s->count;
  return smooth ? query(&s->smooth_pyramid, s->smooth, first, end)
                : query(&s->raw_pyramid, s->raw, first, end);
}

static double last_before(const na_series *s, bool smooth, size_t end)
{
  const float *values = smooth ? s->smooth : s->raw;
  while (end > 0 && isnan(values[end - 1])) end--;
  return end > 0 ? values[end - 1] : NAN;
}

double na_series_last(const na_series *s, bool smooth)
{
  return last_before(s, smooth, s->count);
}

double na_series_at(const na_series *s, bool smooth, double x)
{
  size_t end = na_series_find(s, x);
  while (end < s->count && s->x[end] <= x) end++;
  return last_before(s, smooth, end);
}
