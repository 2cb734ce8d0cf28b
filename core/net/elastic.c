/* Elastic dimensions: candidates, sampling, widths.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/build.h"

#include <math.h>
#include <string.h>

/* floor(x + 0.5), saturated just above the largest legal dimension. */
static int round_half_up(double x)
{
  double rounded = floor(x + 0.5);
  return rounded <= NA_CHANNELS_MAX ? (int)rounded : NA_CHANNELS_MAX + 1;
}

int na_dim_candidates(const na_dim *dim)
{
  return dim->kind == NA_DIM_WIDTH || dim->kind == NA_DIM_EXPAND ? dim->list.count : 1;
}

/* Value of an expand dimension for factor e where its source has w channels. The ratio is formed
 * first: the order of the operations decides which way exact halves fall. */
static int expand_value(const na_dim *dim, const na_dim *source, double e, int w)
{
  double ratio = (double)dim->base / source->base;
  return round_half_up(ratio * e * w);
}

/* Largest value of a squeeze dimension: keeps the base's reduction, rounding halves to even. */
static int squeeze_max(const na_dim *dim, const na_dim *source)
{
  double middle = rint(source->max / ((double)source->base / dim->base));
  return round_half_up(fmax(middle, NA_SQUEEZE_MIN));
}

static int squeeze_value(const na_dim *dim, const na_dim *source, int w)
{
  double reduction = (double)source->max / dim->max;
  return round_half_up(fmax(w / reduction, NA_SQUEEZE_MIN));
}

/* Largest value the dimension can be drawn with, from its source's max. */
static int largest(const na_net *net, const na_dim *dim)
{
  switch (dim->kind) {
  case NA_DIM_WIDTH:
    return round_half_up(dim->base * dim->list.values[dim->list.count - 1]);
  case NA_DIM_EXPAND: {
    const na_dim *source = &net->dims[dim->source];
    return expand_value(dim, source, dim->list.values[dim->list.count - 1], source->max);
  }
  case NA_DIM_SQUEEZE:
    return squeeze_max(dim, &net->dims[dim->source]);
  default:
    return dim->base;
  }
}

/* Value of dimension d for its candidate `choice`; widths of the dimensions before it are known. */
static int value_of(const na_net *net, int d, int choice, const int *widths)
{
  const na_dim *dim = &net->dims[d];
  switch (dim->kind) {
  case NA_DIM_WIDTH:
    return round_half_up(dim->base * dim->list.values[choice]);
  case NA_DIM_EXPAND:
    return expand_value(dim, &net->dims[dim->source], dim->list.values[choice],
                        widths[dim->source]);
  case NA_DIM_SQUEEZE:
    return squeeze_value(dim, &net->dims[dim->source], widths[dim->source]);
  default:
    return dim->base;
  }
}

/* ------------------------------------------------------------------------------ building */

static int check_list(const char *name, const na_list *list, na_error *err)
{
  if (list->count < 1 || list->count > NA_LIST_MAX)
    return na_fail(err, NA_EINVAL, "dimension %s: a list has 1 to %d candidates, not %d", name,
                   NA_LIST_MAX, list->count);
  if (list->values[0] != 1.0)
    return na_fail(err, NA_EINVAL,
                   "dimension %s: the first candidate is %g but must be 1, the base", name,
                   list->values[0]);
  for (int i = 1; i < list->count; i++)
    if (!(list->values[i] > list->values[i - 1] && list->values[i] <= NA_MULTIPLIER_MAX))
      return na_fail(err, NA_EINVAL,
                     "dimension %s: candidate %g after %g: candidates must rise, up to %g", name,
                     list->values[i], list->values[i - 1], NA_MULTIPLIER_MAX);
  return NA_OK;
}

static int check_max(const char *name, int max, na_error *err)
{
  if (max <= NA_CHANNELS_MAX) return NA_OK;
  na_fail(err, NA_EINVAL, "dimension %s: its widest value exceeds %d channels", name,
          NA_CHANNELS_MAX);
  return na_hint(err, "use a smaller width, multiplier or expand factor");
}

static int check_new_dim(const na_net *net, const char *name, int base, na_error *err)
{
  int code = na_net_check_open(net, err);
  if (code == NA_OK) code = na_name_check("dimension", name, err);
  if (code != NA_OK) return code;
  if (net->dim_count >= NA_DIMS_MAX)
    return na_fail(err, NA_EINVAL, "dimension %s: a network has at most %d dimensions", name,
                   NA_DIMS_MAX);
  if (base < 1 || base > NA_CHANNELS_MAX)
    return na_fail(err, NA_EINVAL, "dimension %s: width %d is impossible: 1 to %d channels", name,
                   base, NA_CHANNELS_MAX);
  for (int d = 0; d < net->dim_count; d++)
    if (strcmp(net->dims[d].name, name) == 0)
      return na_fail(err, NA_EINVAL, "dimension %s exists already", name);
  return NA_OK;
}

static int check_source(const na_net *net, const na_dim *dim, na_error *err)
{
  if (dim->source < 0 || dim->source >= net->dim_count)
    return na_fail(err, NA_EINVAL, "dimension %s: there is no source dimension %d", dim->name,
                   dim->source);
  const na_dim *source = &net->dims[dim->source];
  if (source->kind == NA_DIM_SQUEEZE ||
      (source->kind == NA_DIM_EXPAND && dim->kind == NA_DIM_EXPAND))
    return na_fail(err, NA_EINVAL, "dimension %s cannot depend on %s, which itself follows another",
                   dim->name, source->name);
  return NA_OK;
}

/* Appends dim (its name is copied). */
static int push(na_net *net, const na_dim *dim, na_error *err)
{
  void *items = net->dims;
  char *name = na_strdup(dim->name);
  if (name == NULL ||
      na_grow(&items, (size_t)net->dim_count, &net->dim_capacity, sizeof *dim) != NA_OK) {
    na_free(name);
    return na_fail_memory(err, sizeof *dim, "a dimension");
  }
  net->dims = items;
  net->dims[net->dim_count] = *dim;
  net->dims[net->dim_count].name = name;
  return net->dim_count++;
}

static int add_dim(na_net *net, na_dim *dim, const na_list *list, na_error *err)
{
  static const na_list one = {1, {1.0}};
  dim->list = list == NULL || list->count == 0 ? one : *list;
  int code = check_new_dim(net, dim->name, dim->base, err);
  if (code == NA_OK) code = check_list(dim->name, &dim->list, err);
  if (code == NA_OK && (dim->kind == NA_DIM_EXPAND || dim->kind == NA_DIM_SQUEEZE))
    code = check_source(net, dim, err);
  if (code != NA_OK) return code;
  dim->max = largest(net, dim);
  code = check_max(dim->name, dim->max, err);
  return code != NA_OK ? code : push(net, dim, err);
}

int na_net_fixed(na_net *net, const char *name, int value, na_error *err)
{
  na_dim dim = {.name = (char *)name, .kind = NA_DIM_FIXED, .base = value, .source = -1};
  return add_dim(net, &dim, NULL, err);
}

int na_net_width(na_net *net, const char *name, int base, const na_list *multipliers, na_error *err)
{
  na_dim dim = {.name = (char *)name, .kind = NA_DIM_WIDTH, .base = base, .source = -1};
  return add_dim(net, &dim, multipliers, err);
}

int na_net_expand(na_net *net, const char *name, int base, int source, const na_list *factors,
                  na_error *err)
{
  na_dim dim = {
      .name = (char *)name, .kind = NA_DIM_EXPAND, .base = base, .source = source, .sorted = true};
  return add_dim(net, &dim, factors, err);
}

int na_net_squeeze(na_net *net, const char *name, int base, int source, na_error *err)
{
  if (base >= 0 && base < NA_SQUEEZE_MIN)
    return na_fail(err, NA_EINVAL, "dimension %.64s: a squeeze of %d is impossible: at least %d",
                   name != NULL ? name : "?", base, NA_SQUEEZE_MIN);
  na_dim dim = {.name = (char *)name, .kind = NA_DIM_SQUEEZE, .base = base, .source = source};
  return add_dim(net, &dim, NULL, err);
}

int na_dim_raise(na_net *net, int d, int max, na_error *err)
{
  na_dim *dim = &net->dims[d];
  if (max < dim->max || max > NA_CHANNELS_MAX)
    return na_fail(err, NA_EINVAL,
                   "dimension %s: max %d does not fit its candidates, which reach %d", dim->name,
                   max, dim->max);
  dim->max = max;
  return NA_OK;
}

/* ------------------------------------------------------------------- choices and widths */

static bool drawn(const na_dim *dim, na_sampling sampling)
{
  if (sampling == NA_SAMPLE_BASE) return false;
  if (sampling == NA_SAMPLE_MIN_W && dim->kind == NA_DIM_WIDTH) return false;
  if (sampling == NA_SAMPLE_MIN_E && dim->kind == NA_DIM_EXPAND) return false;
  return na_dim_candidates(dim) > 1;
}

/* Also where nothing can be chosen or the dimension is held, so that networks whose lists differ
 * draw alike where they do not. */
static bool takes_number(const na_dim *dim, na_sampling sampling)
{
  bool random = sampling != NA_SAMPLE_BASE && sampling != NA_SAMPLE_WIDEST;
  return random && (dim->kind == NA_DIM_WIDTH || dim->kind == NA_DIM_EXPAND);
}

void na_net_sample(const na_net *net, na_sampling sampling, na_random *random, int *choices)
{
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    int candidates = na_dim_candidates(dim), draw = 0;
    if (takes_number(dim, sampling)) draw = (int)na_random_below(random, (uint32_t)candidates);
    if (sampling == NA_SAMPLE_WIDEST)
      choices[d] = candidates - 1;
    else
      choices[d] = drawn(dim, sampling) ? draw : 0;
  }
}

void na_net_widths(const na_net *net, const int *choices, int *widths)
{
  for (int d = 0; d < net->dim_count; d++) widths[d] = value_of(net, d, choices[d], widths);
}

void na_net_base(const na_net *net, int *widths)
{
  for (int d = 0; d < net->dim_count; d++) widths[d] = value_of(net, d, 0, widths);
}

void na_net_widest(const na_net *net, int *widths)
{
  for (int d = 0; d < net->dim_count; d++)
    widths[d] = value_of(net, d, na_dim_candidates(&net->dims[d]) - 1, widths);
}

int na_net_check_choices(const na_net *net, const int *choices, na_error *err)
{
  for (int d = 0; d < net->dim_count; d++) {
    int candidates = na_dim_candidates(&net->dims[d]);
    if (choices[d] < 0 || choices[d] >= candidates)
      return na_fail(err, NA_EINVAL, "dimension %s has no candidate %d: it has %d, counted from 0",
                     net->dims[d].name, choices[d], candidates);
  }
  return NA_OK;
}

int na_net_check_widths(const na_net *net, const int *widths, na_error *err)
{
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    if (dim->kind == NA_DIM_FIXED && widths[d] != dim->base)
      return na_fail(err, NA_EINVAL, "dimension %s is fixed at %d, not %d", dim->name, dim->base,
                     widths[d]);
    if (widths[d] < 1 || widths[d] > dim->max)
      return na_fail(err, NA_EINVAL,
                     "dimension %s: width %d is impossible: it has 1 to %d channels", dim->name,
                     widths[d], dim->max);
  }
  return NA_OK;
}

bool na_net_elastic(const na_net *net)
{
  for (int d = 0; d < net->dim_count; d++)
    if (na_dim_candidates(&net->dims[d]) > 1) return true;
  return false;
}

/* ------------------------------------------------------------------------------- lists */

int na_list_spaced(double r, int s, na_list *list, na_error *err)
{
  if (!(r >= 1.0 && r <= NA_MULTIPLIER_MAX))
    return na_fail(err, NA_EINVAL, "augmentation factor r is %g: it must be 1 to %g", r,
                   NA_MULTIPLIER_MAX);
  if (s < 0 || s >= NA_LIST_MAX)
    return na_fail(err, NA_EINVAL, "diversity factor s is %d: it must be 0 to %d", s,
                   NA_LIST_MAX - 1);
  int steps = r == 1.0 ? 0 : s == 0 ? 1 : s;
  list->count = steps + 1;
  list->values[0] = 1.0;
  for (int i = 1; i <= steps; i++) list->values[i] = 1.0 + (r - 1.0) * i / steps;
  return NA_OK;
}

int na_net_relist(na_net *copy, const na_list *width, const na_list *expand, na_error *err)
{
  for (int d = 0; d < copy->dim_count; d++) {
    na_dim *dim = &copy->dims[d];
    const na_list *list = dim->kind == NA_DIM_WIDTH    ? width
                          : dim->kind == NA_DIM_EXPAND ? expand
                                                       : NULL;
    if (list != NULL) dim->list = *list;
    int code = check_list(dim->name, &dim->list, err);
    if (code == NA_OK && copy->weights == NULL) {
      dim->max = largest(copy, dim);
      code = check_max(dim->name, dim->max, err);
    }
    if (code != NA_OK) return code;
  }
  return NA_OK;
}

static int check_fits(const na_net *net, const int *widest, na_error *err)
{
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    if (widest[d] <= dim->max) continue;
    na_fail(err, NA_EINVAL,
            "dimension %s: the new list needs %d channels, but weights exist for %d", dim->name,
            widest[d], dim->max);
    return na_hint(err,
                   "lists can only shrink once the network is built; build it with wider lists");
  }
  return NA_OK;
}

/* The dimensions with their new lists in dims[dim_count], where they fit. */
static int try_lists(const na_net *net, const na_list *width, const na_list *expand, na_dim *dims,
                     na_error *err)
{
  na_net copy = *net;
  copy.dims = dims;
  memcpy(dims, net->dims, (size_t)net->dim_count * sizeof *dims);
  int code = na_net_relist(&copy, width, expand, err);
  if (code != NA_OK || net->weights == NULL) return code;
  int *widest = na_alloc_array((size_t)net->dim_count, sizeof *widest);
  if (widest == NULL)
    return na_fail_memory(err, (size_t)net->dim_count * sizeof *widest, "the new lists");
  na_net_widest(&copy, widest);
  code = check_fits(net, widest, err);
  na_free(widest);
  return code;
}

static int fail_lists(const na_net *net, na_error *err)
{
  return na_fail_memory(err, (size_t)net->dim_count * sizeof(na_dim), "the new lists");
}

int na_net_check_lists(const na_net *net, const na_list *width, const na_list *expand,
                       na_error *err)
{
  na_dim *dims = na_alloc_array((size_t)net->dim_count, sizeof *dims);
  int code = dims != NULL ? try_lists(net, width, expand, dims, err) : fail_lists(net, err);
  na_free(dims);
  return code;
}

int na_net_set_lists(na_net *net, const na_list *width, const na_list *expand, na_error *err)
{
  na_dim *dims = na_alloc_array((size_t)net->dim_count, sizeof *dims);
  int code = dims != NULL ? try_lists(net, width, expand, dims, err) : fail_lists(net, err);
  if (code == NA_OK) memcpy(net->dims, dims, (size_t)net->dim_count * sizeof *dims);
  na_free(dims);
  return code;
}
