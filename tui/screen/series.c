/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/series.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

#include <math.h>
#include <string.h>

enum { BLOCK = NA_PYRAMID_FAN, GROUP = 16 }; /* values of a block, blocks that are smoothed at once */

/* The smoothing's state: the value is sum / weight. */
typedef struct state {
  double sum, weight;
} state;

struct na_series_cache {
  na_pyramid raw, smooth; /* of whole blocks; the values behind them are computed when asked for */
  state *states;          /* before each block, [smooth.blocks + 1] */
};

/* ------------------------------------------------------------------------- memory */

static void free_cache(na_series_cache *cache)
{
  if (cache == NULL) return;
  na_pyramid_free(&cache->raw);
  na_pyramid_free(&cache->smooth);
  na_free(cache->states);
  na_free(cache);
}

void na_series_free(na_series *s)
{
  na_free(s->x);
  na_free(s->raw);
  free_cache(s->cache);
  *s = (na_series){.decay = s->decay};
}

void na_series_clear(na_series *s)
{
  s->count = 0;
  if (s->cache != NULL) s->cache->raw.blocks = s->cache->smooth.blocks = 0;
}

/* A cache for `capacity` points: what is computed later cannot fail. */
static na_series_cache *new_cache(size_t capacity)
{
  size_t blocks = capacity / BLOCK + 1;
  na_series_cache *cache = na_alloc(sizeof *cache);
  if (cache == NULL) return NULL;
  cache->states = na_alloc_array(blocks + 1, sizeof *cache->states);
  if (cache->states != NULL && na_pyramid_reserve(&cache->raw, blocks) == NA_OK &&
      na_pyramid_reserve(&cache->smooth, blocks) == NA_OK)
    return cache;
  free_cache(cache);
  return NULL;
}

/* Room for one more point. A larger cache begins anew, which doubling makes cheap on average. */
static int make_room(na_series *s)
{
  if (s->count < s->capacity) return NA_OK;
  size_t x_room = s->capacity, raw_room = s->capacity;
  void *x = s->x, *raw = s->raw;
  int code = na_grow(&x, s->count, &x_room, sizeof *s->x);
  s->x = x;
  if (code == NA_OK) code = na_grow(&raw, s->count, &raw_room, sizeof *s->raw);
  s->raw = raw;
  if (code != NA_OK) return code;
  size_t capacity = x_room < raw_room ? x_room : raw_room;
  na_series_cache *cache = new_cache(capacity);
  if (cache == NULL) return NA_ENOMEM;
  free_cache(s->cache);
  s->cache = cache;
  s->capacity = capacity;
  return NA_OK;
}

int na_series_add(na_series *s, double x, double y, na_error *err)
{
  if (make_room(s) != NA_OK)
    return na_fail_memory(err, s->capacity * 2 * (sizeof *s->x + sizeof *s->raw), "a curve");
  if (s->count > 0 && !(x > s->x[s->count - 1])) x = s->x[s->count - 1];
  s->x[s->count] = x;
  s->raw[s->count] = isfinite(y) ? (float)y : NAN;
  s->count++;
  return NA_OK;
}

/* ------------------------------------------------------------------------- smoothing */

void na_series_smooth(na_series *s, double decay)
{
  if (decay == s->decay) return;
  s->decay = decay;
  if (s->cache != NULL) s->cache->smooth.blocks = 0;
}

/* The next value, smoothed; a gap stays one. */
static float follow(state *at, double decay, float y)
{
  if (isnan(y)) return NAN;
  at->sum = decay * at->sum + (1 - decay) * (double)y;
  at->weight = decay * at->weight + (1 - decay);
  return (float)(at->sum / at->weight);
}

static void smooth_block(const na_series *s, size_t block)
{
  na_series_cache *cache = s->cache;
  state at = cache->states[block];
  float low = INFINITY, high = -INFINITY;
  for (size_t i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
    float value = follow(&at, s->decay, s->raw[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  cache->smooth.low[0][block] = low;
  cache->smooth.high[0][block] = high;
  if (at.weight > 1 - 1e-9) at.weight = 1; /* from here on nothing is left of the start */
  cache->states[block + 1] = at;
}

/* What blocks of values without gaps need, powers of the decay d: d^1 .. d^16. */
typedef struct powers {
  float d, rest;     /* rest: 1 - d */
  float of[BLOCK];
  double whole;      /* d^16 */
} powers;

static powers make_powers(double decay)
{
  powers p = {.d = (float)decay, .rest = (float)(1 - decay), .whole = 1};
  for (int j = 0; j < BLOCK; j++) {
    p.whole *= decay;
    p.of[j] = (float)p.whole;
  }
  return p;
}

typedef float four __attribute__((vector_size(16)));
typedef int places __attribute__((vector_size(16)));

/* to[j][b] = from[b][j], in squares of four by four. */
static void transpose(const float *from, float to[BLOCK][GROUP])
{
  for (int b = 0; b < GROUP; b += 4)
    for (int j = 0; j < BLOCK; j += 4) {
      four r[4];
      for (int i = 0; i < 4; i++) memcpy(&r[i], from + (b + i) * BLOCK + j, sizeof r[i]);
      four low02 = __builtin_shuffle(r[0], r[2], (places){0, 4, 1, 5});
      four high02 = __builtin_shuffle(r[0], r[2], (places){2, 6, 3, 7});
      four low13 = __builtin_shuffle(r[1], r[3], (places){0, 4, 1, 5});
      four high13 = __builtin_shuffle(r[1], r[3], (places){2, 6, 3, 7});
      r[0] = __builtin_shuffle(low02, low13, (places){0, 4, 1, 5});
      r[1] = __builtin_shuffle(low02, low13, (places){2, 6, 3, 7});
      r[2] = __builtin_shuffle(high02, high13, (places){0, 4, 1, 5});
      r[3] = __builtin_shuffle(high02, high13, (places){2, 6, 3, 7});
      for (int i = 0; i < 4; i++) memcpy(&to[j + i][b], &r[i], sizeof r[i]);
    }
}

/* GROUP blocks side by side: each is smoothed from zero, then what came before is added, which is d^j
 * of the state before the block for its value j. False, and nothing done, where a value is none. */
static bool smooth_group(const na_series *s, size_t block, const powers *p)
{
  const float *raw = s->raw + block * BLOCK;
  na_series_cache *cache = s->cache;
  float alone[BLOCK][GROUP], last[GROUP] = {0}, before[GROUP];
  transpose(raw, alone);
  for (int j = 0; j < BLOCK; j++)
    for (int b = 0; b < GROUP; b++) alone[j][b] = last[b] = p->d * last[b] + p->rest * alone[j][b];
  state *at = cache->states + block;
  for (int b = 0; b < GROUP; b++) {
    if (isnan(last[b])) return false;
    before[b] = (float)at[b].sum;
    at[b + 1] = (state){p->whole * at[b].sum + (double)last[b], 1};
  }
  float *low = cache->smooth.low[0] + block, *high = cache->smooth.high[0] + block;
  float lows[GROUP], highs[GROUP];
  for (int b = 0; b < GROUP; b++) lows[b] = highs[b] = alone[0][b] + p->of[0] * before[b];
  for (int j = 1; j < BLOCK; j++)
    for (int b = 0; b < GROUP; b++) {
      float value = alone[j][b] + p->of[j] * before[b];
      lows[b] = value < lows[b] ? value : lows[b];
      highs[b] = value > highs[b] ? value : highs[b];
    }
  for (int b = 0; b < GROUP; b++) {
    low[b] = lows[b];
    high[b] = highs[b];
  }
  return true;
}

static void settle_smooth(const na_series *s, size_t blocks)
{
  na_series_cache *cache = s->cache;
  size_t block = cache->smooth.blocks;
  powers p = make_powers(s->decay);
  if (block == 0) cache->states[0] = (state){0, 0};
  while (block < blocks) {
    bool many = block + GROUP <= blocks && cache->states[block].weight >= 1;
    if (many && smooth_group(s, block, &p))
      block += GROUP;
    else
      smooth_block(s, block++);
  }
  na_pyramid_raise(&cache->smooth, blocks);
}

static void settle_raw(const na_series *s, size_t blocks)
{
  na_pyramid *p = &s->cache->raw;
  for (size_t block = p->blocks; block < blocks; block++) {
    const float *raw = s->raw + block * BLOCK;
    float low = INFINITY, high = -INFINITY;
    for (int j = 0; j < BLOCK; j++) {
      if (raw[j] < low) low = raw[j];
      if (raw[j] > high) high = raw[j];
    }
    p->low[0][block] = low;
    p->high[0][block] = high;
  }
  na_pyramid_raise(p, blocks);
}

/* Computes what is missing up to the last whole block. */
static const na_pyramid *settle(const na_series *s, bool smooth)
{
  na_pyramid *p = smooth ? &s->cache->smooth : &s->cache->raw;
  size_t blocks = s->count / BLOCK;
  if (p->blocks < blocks) {
    if (smooth) settle_smooth(s, blocks);
    else settle_raw(s, blocks);
  }
  return p;
}

static bool is_smoothed(const na_series *s, double decay)
{
  return !(s->decay < decay) && !(s->decay > decay);
}

size_t na_series_smooth_some(na_series *const *list, size_t count, double decay, double seconds)
{
  double began = na_now();
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_smoothed(list[i], decay)) continue;
    if (left > 0 || na_now() - began > seconds) {
      left++;
      continue;
    }
    na_series_smooth(list[i], decay);
    if (list[i]->count > 0) settle(list[i], true);
  }
  return left;
}

/* ------------------------------------------------------------------------- asking */

/* Between low and high. */
static size_t find_between(const na_series *s, double x, size_t low, size_t high)
{
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->x[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t na_series_find(const na_series *s, double x)
{
  return find_between(s, x, 0, s->count);
}

size_t na_series_find_near(const na_series *s, double x, size_t guess)
{
  size_t low = 0, high = s->count;
  if (guess >= high) return find_between(s, x, low, high);
  bool up = s->x[guess] < x;
  if (up) low = guess + 1;
  else high = guess;
  for (size_t step = 1; low < high && step < high - low; step *= 2) {
    size_t probe = up ? low + step : high - step;
    bool below = s->x[probe] < x;
    if (below) low = probe + 1;
    else high = probe;
    if (below != up) break;
  }
  return find_between(s, x, low, high);
}

/* Values first .. end-1 of one block, at out[0]. The cache is settled. */
static void values(const na_series *s, bool smooth, size_t first, size_t end, float *out)
{
  if (!smooth || s->decay == 0) {
    for (size_t i = first; i < end; i++) *out++ = s->raw[i];
    return;
  }
  state at = s->cache->states[first / BLOCK];
  for (size_t i = first - first % BLOCK; i < end; i++) {
    float value = follow(&at, s->decay, s->raw[i]);
    if (i >= first) *out++ = value;
  }
}

/* Points first .. end-1 of one block. */
static void widen(const na_series *s, bool smooth, size_t first, size_t end, na_extent *found)
{
  float some[BLOCK];
  if (first >= end) return;
  values(s, smooth, first, end, some);
  for (size_t i = 0; i < end - first; i++) {
    if ((double)some[i] < found->low) found->low = (double)some[i];
    if ((double)some[i] > found->high) found->high = (double)some[i];
  }
}

na_extent na_series_extent(const na_series *s, bool smooth, size_t first, size_t end)
{
  na_extent found = {INFINITY, -INFINITY};
  if (end > s->count) end = s->count;
  if (first >= end) return found;
  smooth = smooth && s->decay > 0;
  const na_pyramid *p = settle(s, smooth);
  size_t up = (first + BLOCK - 1) / BLOCK, down = end / BLOCK;
  if (up > down) { /* within one block */
    widen(s, smooth, first, end, &found);
    return found;
  }
  widen(s, smooth, first, up * BLOCK, &found);
  na_pyramid_query(p, up, down, &found);
  widen(s, smooth, down * BLOCK, end, &found);
  return found;
}

double na_series_value(const na_series *s, bool smooth, size_t i)
{
  float value;
  if (smooth) settle(s, true);
  values(s, smooth, i, i + 1, &value);
  return (double)value;
}

static double last_before(const na_series *s, bool smooth, size_t end)
{
  while (end > 0 && isnan(s->raw[end - 1])) end--;
  return end > 0 ? na_series_value(s, smooth, end - 1) : NAN;
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
