/* Memory planning: nothing alive at the same time overlaps, and the arena is no larger than it need be.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "core/base/random.h"
#include "core/net/plan.h"

#include <stdbool.h>

enum { MOST = 200 };

static bool together(const na_lifetime *a, const na_lifetime *b)
{
  return a->first <= b->last && b->first <= a->last;
}

static bool overlap(const na_lifetime *a, const na_lifetime *b)
{
  return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

/* The largest sum of sizes alive at one time: no plan can need less. */
static size_t peak_of(const na_lifetime *buffers, int count, int times)
{
  size_t peak = 0;
  for (int t = 0; t < times; t++) {
    size_t sum = 0;
    for (int i = 0; i < count; i++)
      if (buffers[i].first <= t && t <= buffers[i].last) sum += buffers[i].size;
    if (sum > peak) peak = sum;
  }
  return peak;
}

/* Checks a plan of what was wanted; returns the arena's size relative to the peak. */
static double check_plan(na_lifetime *buffers, int count, int times)
{
  na_lifetime wanted[MOST];
  int order[MOST];
  size_t sum = 0;
  memcpy(wanted, buffers, (size_t)count * sizeof *buffers);
  size_t total = na_plan(buffers, count, order);
  for (int i = 0; i < count; i++) {
    const na_lifetime *b = &buffers[i];
    CHECK(b->offset % 16 == 0, "offset %zu is not aligned", b->offset);
    CHECK(b->size >= wanted[i].size && b->size < wanted[i].size + 16, "size %zu became %zu",
          wanted[i].size, b->size);
    CHECK(b->first == wanted[i].first && b->last == wanted[i].last, "a lifetime changed");
    CHECK(b->size == 0 || b->offset + b->size <= total, "buffer %d ends beyond the arena", i);
    sum += b->size;
    for (int j = 0; j < i; j++)
      CHECK(b->size == 0 || buffers[j].size == 0 || !together(b, &buffers[j]) || !overlap(b, &buffers[j]),
            "buffers %d and %d overlap", i, j);
  }
  size_t peak = peak_of(buffers, count, times);
  CHECK(total <= sum, "the arena takes %zu, one place for each only %zu", total, sum);
  CHECK(total >= peak, "the arena takes %zu, but %zu are alive at once", total, peak);
  return peak == 0 ? 1 : (double)total / (double)peak;
}

static void random_lifetimes(void)
{
  na_lifetime buffers[MOST];
  na_random random = na_random_at(1, 2, 3);
  double worst = 0;
  for (int trial = 0; trial < 300; trial++) {
    int count = 1 + (int)na_random_below(&random, MOST), times = 1 + (int)na_random_below(&random, 60);
    uint32_t size = 1 + na_random_below(&random, 5000);
    for (int i = 0; i < count; i++) {
      int first = (int)na_random_below(&random, (uint32_t)times);
      int last = first + (int)na_random_below(&random, (uint32_t)(times - first));
      buffers[i] = (na_lifetime){na_random_below(&random, size), first, last, 999999};
    }
    worst = fmax(worst, check_plan(buffers, count, times));
  }
  CHECK(worst < 2, "the worst plan takes %g times what is alive at once", worst);
}

/* Layer after layer, each read by the next alone: two places suffice. */
static void a_chain_needs_two_places(void)
{
  na_lifetime buffers[50];
  int order[50];
  for (int i = 0; i < 50; i++) buffers[i] = (na_lifetime){160, i, i + 1, 0};
  size_t total = na_plan(buffers, 50, order);
  CHECK(total == 320, "the chain takes %zu", total);
  check_plan(buffers, 50, 51);
}

static void nothing_needs_nothing(void)
{
  na_lifetime empty[3] = {{0, 0, 9, 5}, {0, 0, 9, 5}, {0, 3, 4, 5}};
  int order[3];
  CHECK(na_plan(empty, 3, order) == 0, "empty buffers take room");
  CHECK(na_plan(empty, 0, order) == 0, "no buffers take room");
}

int main(void)
{
  RUN(random_lifetimes);
  RUN(a_chain_needs_two_places);
  RUN(nothing_needs_nothing);
  return CHECK_EXIT();
}
