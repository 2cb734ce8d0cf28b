/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/lattice.h"
#include "core/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The last number of a list, the number of a number; -infinity of none, infinity of a word. */
static double size_of(const char *value)
{
  const char *comma = strrchr(value, ',');
  char *end;
  if (value[0] == '\0') return -INFINITY;
  double size = strtod(comma != NULL ? comma + 1 : value, &end);
  return *end == '\0' && !isnan(size) ? size : INFINITY;
}

static int by_size(const void *a, const void *b)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  double p = size_of(x), q = size_of(y);
  if (p < q || p > q) return p < q ? -1 : 1;
  if (strlen(x) != strlen(y)) return strlen(x) < strlen(y) ? -1 : 1;
  return strcmp(x, y);
}

static int find(const char *const *values, int count, const char *value)
{
  for (int i = 0; i < count; i++)
    if (strcmp(values[i], value) == 0) return i;
  return -1;
}

/* The different values of setting number s, sorted; values has room for all arms. */
static int list_values(const na_arms *arms, int s, const char **values)
{
  int count = 0;
  for (int a = 0; a < arms->arm_count; a++)
    if (find(values, count, arms->arms[a].values[s]) < 0) values[count++] = arms->arms[a].values[s];
  qsort(values, (size_t)count, sizeof *values, by_size);
  return count;
}

static int cell_of(const na_lattice *l, const na_arm *arm, int row, int column)
{
  return find(l->row_values, l->rows, arm->values[row]) * l->columns +
         find(l->column_values, l->columns, arm->values[column]);
}

/* Runs of arm that may still count. */
static void count_awaited(const na_arms *arms, na_lattice *l, int row, int column)
{
  for (int r = 0; r < arms->run_count; r++) {
    const na_member *run = &arms->runs[r];
    if (run->state != NA_MEMBER_RUNNING && run->state != NA_MEMBER_UNFINISHED) continue;
    int i = find(l->row_values, l->rows, na_member_setting(run, arms->settings[row]));
    int j = find(l->column_values, l->columns, na_member_setting(run, arms->settings[column]));
    if (i >= 0 && j >= 0) l->awaited[i * l->columns + j]++;
  }
}

static void fill(const na_arms *arms, na_lattice *l, int row, int column)
{
  for (int c = 0; c < l->rows * l->columns; c++) l->means[c] = NAN;
  for (int a = 0; a < arms->arm_count; a++) {
    const na_arm *arm = &arms->arms[a];
    if (arm->count == 0) continue;
    int c = cell_of(l, arm, row, column);
    double sum = l->counts[c] > 0 ? l->means[c] * l->counts[c] : 0;
    l->counts[c] += arm->count;
    l->means[c] = (sum + arm->mean * arm->count) / l->counts[c];
  }
  count_awaited(arms, l, row, column);
}

static int build(const na_arms *arms, int row, int column, na_lattice *l, na_error *err)
{
  size_t most = (size_t)arms->arm_count + 1;
  *l = (na_lattice){.row_setting = arms->settings[row], .column_setting = arms->settings[column]};
  l->row_values = na_alloc_array(most, sizeof *l->row_values);
  l->column_values = na_alloc_array(most, sizeof *l->column_values);
  if (l->row_values == NULL || l->column_values == NULL)
    return na_fail_memory(err, most * 16, "a heatmap");
  l->rows = list_values(arms, row, l->row_values);
  l->columns = list_values(arms, column, l->column_values);
  size_t cells = (size_t)l->rows * (size_t)l->columns;
  l->means = na_alloc_array(cells, sizeof *l->means);
  l->counts = na_alloc_array(cells, sizeof *l->counts);
  l->awaited = na_alloc_array(cells, sizeof *l->awaited);
  if (l->means == NULL || l->counts == NULL || l->awaited == NULL)
    return na_fail_memory(err, cells * 16, "a heatmap");
  fill(arms, l, row, column);
  return NA_OK;
}

static bool worth_it(const na_arms *arms, const na_lattice *l, int row, int column)
{
  int there = 0, cells = l->rows * l->columns;
  for (int c = 0; c < cells; c++) {
    bool any = false;
    for (int a = 0; a < arms->arm_count && !any; a++)
      any = cell_of(l, &arms->arms[a], row, column) == c;
    there += any;
  }
  return l->rows > 1 && l->columns > 1 && 2 * there >= cells && there > l->rows &&
         there > l->columns;
}

static int search(const na_arms *arms, na_lattice *l, na_error *err)
{
  for (int row = 1; row < arms->setting_count; row++)
    for (int column = 0; column < row; column++) {
      int code = build(arms, row, column, l, err);
      if (code != NA_OK || worth_it(arms, l, row, column)) return code;
      na_lattice_free(l);
    }
  return NA_OK;
}

static int setting_of(const na_arms *arms, const char *name, na_error *err)
{
  int s = find(arms->settings, arms->setting_count, name);
  if (s >= 0) return s;
  na_fail(err, NA_EINVAL, "the arms do not differ in \"%.64s\"", name);
  if (arms->setting_count == 0) return na_hint(err, "they differ in no setting");
  return na_hint(err, "they differ in %s", arms->settings[0]);
}

int na_lattice_make(const na_arms *arms, const char *row, const char *column, na_lattice *lattice,
                    na_error *err)
{
  *lattice = (na_lattice){.rows = 0};
  int code = NA_OK;
  if (row == NULL || column == NULL) {
    code = search(arms, lattice, err);
  } else {
    int i = setting_of(arms, row, err), j = i < 0 ? i : setting_of(arms, column, err);
    code = j < 0 ? j : build(arms, i, j, lattice, err);
  }
  if (code != NA_OK) na_lattice_free(lattice);
  return code;
}

void na_lattice_free(na_lattice *lattice)
{
  na_free((void *)lattice->row_values);
  na_free((void *)lattice->column_values);
  na_free(lattice->means);
  na_free(lattice->counts);
  na_free(lattice->awaited);
  *lattice = (na_lattice){.rows = 0};
}
