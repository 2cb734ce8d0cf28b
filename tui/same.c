/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/same.h"
#include "core/base/memory.h"
#include "core/store/checkpoint.h"
#include "core/store/h5.h"
#include "core/store/metrics.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A checkpoint with everything to go on from. */
typedef struct side {
  na_net *net;
  na_checkpoint state;
  float *estimated; /* the base's statistics; the net has the training's own */
} side;

static int load(const char *folder, side *s, na_error *err)
{
  char path[PATH_MAX];
  na_checkpoint first = {0};
  snprintf(path, sizeof path, "%.4000s/last.h5", folder);
  int code = na_checkpoint_load(path, &s->net, &first, err);
  na_checkpoint_free(&first);
  if (code != NA_OK) return code;
  s->estimated = na_alloc_array(s->net->stats, sizeof *s->estimated);
  if (s->estimated == NULL) return na_fail_memory(err, s->net->stats * sizeof(float), "statistics");
  memcpy(s->estimated, s->net->running, s->net->stats * sizeof(float));
  return na_checkpoint_resume(path, s->net, &s->state, err);
}

static void unload(side *s)
{
  na_checkpoint_free(&s->state);
  na_net_free(s->net);
  na_free(s->estimated);
}

/* ---------------------------------------------------------------------------------- tensors */

static int compare_tensors(const char *group, const na_param *params, int count, const float *a,
                           const float *b, na_same *same, na_error *err)
{
  for (int p = 0; p < count; p++) {
    const na_param *param = &params[p];
    same->tensors++;
    same->values += (long)param->count;
    for (size_t i = param->offset; i < param->offset + param->count; i++)
      if (memcmp(&a[i], &b[i], sizeof *a) != 0)
        return na_fail(err, NA_EINVAL, "%s/%s differs first in value %zu: %.9g and %.9g", group,
                       param->name, i - param->offset, (double)a[i], (double)b[i]);
  }
  return NA_OK;
}

static int compare_nets(const side *one, const side *two, na_same *same, na_error *err)
{
  const na_net *a = one->net, *b = two->net;
  if (a->values != b->values || a->stats != b->stats || a->param_count != b->param_count)
    return na_fail(err, NA_EINVAL, "the networks are not the same");
  const struct {
    const char *name;
    const na_param *params;
    int count;
    const float *first, *second;
  } groups[] = {
      {"params", a->params, a->param_count, a->weights, b->weights},
      {"momentum", a->params, a->param_count, a->momentum, b->momentum},
      {"buffers", a->buffers, a->buffer_count, one->estimated, two->estimated},
      {"running", a->buffers, a->buffer_count, a->running, b->running},
  };
  int code = NA_OK;
  for (size_t i = 0; i < sizeof groups / sizeof groups[0] && code == NA_OK; i++)
    code = compare_tensors(groups[i].name, groups[i].params, groups[i].count, groups[i].first,
                           groups[i].second, same, err);
  return code;
}

/* ----------------------------------------------------------------------------------- metrics */

typedef struct tables {
  const char *group, *first, *second; /* paths of the two run.h5 */
  na_same *same;
  na_error *err;
} tables;

static bool same_double(double a, double b)
{
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static bool is_clock(const char *column)
{
  static const char *const names[] = {"time", "images_per_second", "data_wait", "eta", "text"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], column) == 0) return true;
  return false;
}

static int compare_values(const tables *t, const char *column, const double *a, long a_rows,
                          const double *b, long b_rows)
{
  for (long i = 0; i < a_rows && i < b_rows; i++)
    if (!same_double(a[i], b[i]))
      return na_fail(t->err, NA_EINVAL, "%s differs first in row %ld: %.17g and %.17g", column,
                     i + 1, a[i], b[i]);
  t->same->columns++;
  t->same->values += a_rows;
  if (a_rows == b_rows) return NA_OK;
  return na_fail(t->err, NA_EINVAL, "%s has %ld and %ld rows", column, a_rows, b_rows);
}

static int compare_column(void *context, const char *name)
{
  const tables *t = context;
  char column[256];
  double *a = NULL, *b = NULL;
  long a_rows, b_rows;
  if (is_clock(name)) return NA_OK;
  snprintf(column, sizeof column, "%s/%s", t->group, name);
  int code = na_metrics_read(t->first, column, &a, &a_rows, t->err);
  if (code == NA_OK) code = na_metrics_read(t->second, column, &b, &b_rows, t->err);
  if (code == NA_OK) code = compare_values(t, column, a, a_rows, b, b_rows);
  na_free(a);
  na_free(b);
  return code;
}

static int compare_metrics(const char *first, const char *second, na_same *same, na_error *err)
{
  static const char *const groups[] = {"step", "epoch", "steering"};
  char paths[2][PATH_MAX];
  na_h5 *file;
  snprintf(paths[0], sizeof paths[0], "%.4000s/run.h5", first);
  snprintf(paths[1], sizeof paths[1], "%.4000s/run.h5", second);
  int code = na_h5_open(&file, paths[0], err);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0] && code == NA_OK; i++) {
    tables t = {groups[i], paths[0], paths[1], same, err};
    code = na_h5_each(file, groups[i], compare_column, &t, err);
  }
  na_h5_close(file, NULL);
  return code;
}

int na_same_runs(const char *first, const char *second, na_same *same, na_error *err)
{
  side a = {0}, b = {0};
  *same = (na_same){0};
  int code = load(first, &a, err);
  if (code == NA_OK) code = load(second, &b, err);
  /* Losses tell earliest that something went another way. */
  if (code == NA_OK) code = compare_metrics(first, second, same, err);
  if (code == NA_OK) code = compare_nets(&a, &b, same, err);
  if (code == NA_OK) code = na_checkpoint_compare(&a.state, &b.state, err);
  unload(&a);
  unload(&b);
  return code;
}
