/* What was drawn so far, and how it did.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/steer.h"
#include "core/train/trainer_private.h"

#include <string.h>

int na_draws_init(na_trainer *t, na_error *err)
{
  size_t dims = (size_t)t->net->dim_count;
  t->draws_by_dim = na_alloc_array(dims, sizeof *t->draws_by_dim);
  if (t->draws_by_dim != NULL) return NA_OK;
  return na_fail_memory(err, dims * sizeof *t->draws_by_dim, "the counts of draws");
}

/* Under the mutex. */
void na_draws_restart(na_trainer *t)
{
  memset(t->draws_by_dim, 0, (size_t)t->net->dim_count * sizeof *t->draws_by_dim);
  t->drawn = (na_draws){.since = t->step};
}

static int candidates_of(const na_dim *dim)
{
  return dim->kind == NA_DIM_WIDTH || dim->kind == NA_DIM_EXPAND ? dim->list.count : 1;
}

/* A dimension that the phase holds at base is expected there. */
static bool held(na_dim_kind kind, na_phase phase)
{
  return (phase == NA_PHASE_MIN_W && kind == NA_DIM_WIDTH) ||
         (phase == NA_PHASE_MIN_E && kind == NA_DIM_EXPAND);
}

static void add(na_draw *draw, double loss)
{
  draw->count++;
  draw->loss += loss;
}

/* Which tenth of the way from the base's multiply-adds to the widest's. */
static int size_of(const na_trainer *t, const int *widths)
{
  na_cost base, widest, cost;
  na_net_cost(t->net, t->base_widths, &base);
  na_net_cost(t->net, t->widest, &widest);
  na_net_cost(t->net, widths, &cost);
  if (widest.macs <= base.macs) return 0;
  double way = (double)(cost.macs - base.macs) / (double)(widest.macs - base.macs);
  int size = (int)(way * NA_DRAW_SIZES);
  return size < 0 ? 0 : size >= NA_DRAW_SIZES ? NA_DRAW_SIZES - 1 : size;
}

void na_draws_add(na_trainer *t, const int *choices, const int *widths, double loss)
{
  int size = size_of(t, widths);
  pthread_mutex_lock(&t->steer.mutex);
  for (int d = 0; d < t->net->dim_count; d++) {
    const na_dim *dim = &t->net->dims[d];
    int candidates = candidates_of(dim);
    na_draw *draws = t->draws_by_dim[d];
    if (candidates < 2) continue;
    add(&draws[choices[d]], loss);
    for (int c = 0; c < candidates; c++)
      draws[c].expected += held(dim->kind, t->phase) ? c == 0 : 1.0 / candidates;
  }
  add(&t->drawn.sizes[size], loss);
  t->drawn.networks++;
  pthread_mutex_unlock(&t->steer.mutex);
}

/* ------------------------------------------------------------------------- as numbers */

/* since, networks, the sizes, then every dimension's candidates: count, expected, loss of each. */
size_t na_draws_count(const na_trainer *t)
{
  return 2 + 3 * (NA_DRAW_SIZES + (size_t)t->net->dim_count * NA_LIST_MAX);
}

static double *write_draws(double *to, const na_draw *draws, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    *to++ = draws[i].count;
    *to++ = draws[i].expected;
    *to++ = draws[i].loss;
  }
  return to;
}

static const double *read_draws(const double *from, na_draw *draws, size_t count)
{
  for (size_t i = 0; i < count; i++, from += 3) draws[i] = (na_draw){from[0], from[1], from[2]};
  return from;
}

void na_draws_write(na_trainer *t, double *to)
{
  *to++ = (double)t->drawn.since;
  *to++ = (double)t->drawn.networks;
  to = write_draws(to, t->drawn.sizes, NA_DRAW_SIZES);
  write_draws(to, t->draws_by_dim[0], (size_t)t->net->dim_count * NA_LIST_MAX);
}

/* Counts are for people: what a damaged file says of them does no harm. */
static long whole(double number)
{
  return number >= 0 && number <= 0x1p53 ? (long)number : 0;
}

void na_draws_read(na_trainer *t, const double *from)
{
  t->drawn.since = whole(*from++);
  t->drawn.networks = whole(*from++);
  from = read_draws(from, t->drawn.sizes, NA_DRAW_SIZES);
  read_draws(from, t->draws_by_dim[0], (size_t)t->net->dim_count * NA_LIST_MAX);
}

/* ------------------------------------------------------------------------- for others */

void na_trainer_draws(na_trainer *t, na_draws *draws, na_draw (*dims)[NA_LIST_MAX])
{
  pthread_mutex_lock(&t->steer.mutex);
  *draws = t->drawn;
  if (dims != NULL) memcpy(dims, t->draws_by_dim, (size_t)t->net->dim_count * sizeof *dims);
  pthread_mutex_unlock(&t->steer.mutex);
}
