/* Which images of a part are used: a held-out validation set, one to tune on, and a limited training
 * set.
 *
 * Both are drawn evenly from every class. Within its class each image gets a random rank k = 0, 1
 * ...; of a class of n images, that of rank k comes at place (k + 1/2) / n of an order in which
 * any beginning holds the classes in their proportion.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"

#include <stdlib.h>
#include <string.h>

/* A constant, not the run's seed: runs that differ in their seed use the same images. */
static const uint64_t subset_seed = 20220425;

typedef struct ranked {
  double place;
  uint32_t index;
} ranked;

static int compare_places(const void *a, const void *b)
{
  const ranked *x = a, *y = b;
  if (x->place != y->place) return x->place < y->place ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_indices(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/* Ranks the subset's images within their classes. `lead`: the first of each class go before all
 * else, so that no class is left out as long as there is room for one of each. */
static int rank_images(const na_subset *subset, int classes, bool lead, ranked *ranks,
                       na_error *err)
{
  uint32_t count = (uint32_t)subset->count;
  uint32_t *order = na_alloc_array(count, sizeof *order);
  long *size = na_alloc_array((size_t)classes, sizeof *size);
  long *taken = na_alloc_array((size_t)classes, sizeof *taken);
  int code = NA_OK;
  if (order == NULL || size == NULL || taken == NULL)
    code = na_fail_memory(err, count * sizeof *order, "choosing images");
  for (uint32_t i = 0; code == NA_OK && i < count; i++) {
    order[i] = i;
    size[subset->part->labels[subset->index[i]]]++;
  }
  if (code == NA_OK) {
    na_random random = na_random_at(subset_seed, count, (uint64_t)classes);
    na_random_shuffle(&random, order, count);
  }
  for (uint32_t i = 0; code == NA_OK && i < count; i++) {
    uint32_t index = subset->index[order[i]];
    int32_t label = subset->part->labels[index];
    long rank = taken[label]++;
    double place = ((double)rank + 0.5) / (double)size[label];
    ranks[i] = (ranked){lead && rank == 0 ? 0 : place, index};
  }
  na_free(order);
  na_free(size);
  na_free(taken);
  if (code == NA_OK) qsort(ranks, count, sizeof *ranks, compare_places);
  return code;
}

/* Moves the first `chosen` of ranks to `first`, the others to `rest` (or nowhere when NULL). */
static void take(const ranked *ranks, long count, long chosen, uint32_t *first, uint32_t *rest)
{
  for (long i = 0; i < chosen; i++) first[i] = ranks[i].index;
  qsort(first, (size_t)chosen, sizeof *first, compare_indices);
  if (rest == NULL) return;
  for (long i = chosen; i < count; i++) rest[i - chosen] = ranks[i].index;
  qsort(rest, (size_t)(count - chosen), sizeof *rest, compare_indices);
}

static int whole(na_subset *subset, na_part *part, na_error *err)
{
  subset->part = part;
  subset->count = part->count;
  subset->index = na_alloc_array((size_t)part->count, sizeof *subset->index);
  if (subset->index == NULL)
    return na_fail_memory(err, (size_t)part->count * sizeof *subset->index, "a list of images");
  for (long i = 0; i < part->count; i++) subset->index[i] = (uint32_t)i;
  return NA_OK;
}

static int hold_out(na_dataset *dataset, na_subset *train, na_subset *val, ranked *ranks,
                    na_error *err)
{
  long chosen = (long)((double)train->count * dataset->data.holdout + 0.5);
  if (chosen == 0) chosen = 1;
  if (chosen >= train->count)
    return na_fail(err, NA_EINVAL, "%s: %ld training images are too few to hold out a share of %g",
                   dataset->path, train->count, dataset->data.holdout);
  int code = rank_images(train, (int)dataset->class_names.count, false, ranks, err);
  if (code != NA_OK) return code;
  na_free(val->index);
  val->index = na_alloc_array((size_t)chosen, sizeof *val->index);
  if (val->index == NULL) return na_fail_memory(err, (size_t)chosen * 4, "a list of images");
  val->part = train->part;
  val->count = chosen;
  take(ranks, train->count, chosen, val->index, train->index);
  train->count -= chosen;
  return NA_OK;
}

static int cut(na_dataset *dataset, na_subset *train, ranked *ranks, na_error *err)
{
  int code = rank_images(train, (int)dataset->class_names.count, true, ranks, err);
  if (code != NA_OK) return code;
  take(ranks, train->count, dataset->data.limit, train->index, NULL);
  train->count = dataset->data.limit;
  return NA_OK;
}

int na_dataset_split(na_dataset *dataset, na_error *err)
{
  na_subset *train = &dataset->subset[NA_SPLIT_TRAIN], *val = &dataset->subset[NA_SPLIT_VAL];
  int code = whole(train, &dataset->train, err);
  if (code == NA_OK) code = whole(val, &dataset->val, err);
  if (code != NA_OK) return code;
  bool holds = val->count == 0 && dataset->data.holdout > 0;
  bool again = dataset->data.validation == NA_VALIDATION_HOLDOUT;
  bool cuts = dataset->data.limit != 0;
  if (!holds && !again && !cuts) return NA_OK;
  ranked *ranks = na_alloc_array((size_t)train->count, sizeof *ranks);
  if (ranks == NULL)
    return na_fail_memory(err, (size_t)train->count * sizeof *ranks, "choosing images");
  if (holds) code = hold_out(dataset, train, val, ranks, err);
  if (code == NA_OK && again) code = hold_out(dataset, train, val, ranks, err);
  if (code == NA_OK && cuts && dataset->data.limit < train->count)
    code = cut(dataset, train, ranks, err);
  na_free(ranks);
  return code;
}
