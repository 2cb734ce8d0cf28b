/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/runs_diff.h"
#include "core/base/memory.h"
#include "core/runs/difference.h"

#include <stdio.h>

enum { WIDEST = 20, GAP = 2 };

typedef struct diff {
  na_run **runs;   /* [count], the marked ones that are there */
  const na_laid **laid;
  size_t count;
  const char **names; /* [name_count] */
  size_t name_count;
} diff;

static const char *value_of(const na_run *run, const char *name)
{
  const char *value = na_run_setting_of(run, name);
  return value == NULL ? "-" : value[0] == '\0' ? "\"\"" : value;
}

static int collect(diff *d, const na_overlay *marked, const na_catalogue *catalogue, na_error *err)
{
  *d = (diff){.runs = na_alloc_array(marked->count + 1, sizeof *d->runs),
              .laid = na_alloc_array(marked->count + 1, sizeof *d->laid)};
  if (d->runs == NULL || d->laid == NULL) return na_fail_memory(err, marked->count, "the difference");
  for (size_t i = 0; i < marked->count; i++) {
    na_run *run = na_catalogue_find(catalogue, marked->runs[i]->name);
    if (run == NULL) continue;
    d->laid[d->count] = marked->runs[i];
    d->runs[d->count++] = run;
  }
  return d->count > 0 ? na_runs_difference(d->runs, d->count, &d->names, &d->name_count, err) : NA_OK;
}

static void discard(diff *d)
{
  na_free(d->runs);
  na_free((void *)d->laid);
  na_free((void *)d->names);
}

static int widest_name(const diff *d)
{
  int most = 7;
  for (size_t n = 0; n < d->name_count; n++)
    if (na_utf8_columns(d->names[n]) > most) most = na_utf8_columns(d->names[n]);
  return most;
}

static int widest_value(const diff *d, size_t run)
{
  int most = na_utf8_columns(d->laid[run]->label);
  for (size_t n = 0; n < d->name_count; n++) {
    int cols = na_utf8_columns(value_of(d->runs[run], d->names[n]));
    if (cols > most) most = cols;
  }
  return most < WIDEST ? most : WIDEST;
}

/* The column of one run: its label, and its values from line `top` on. */
static void draw_column(na_grid *grid, const diff *d, size_t run, na_area area, int col, int cols, long top)
{
  na_grid_put(grid, area.row, col, cols, NA_STYLE_LABEL, d->laid[run]->label);
  for (int i = 1; i < area.rows && (size_t)(top + i - 1) < d->name_count; i++)
    na_grid_put(grid, area.row + i, col, cols, NA_STYLE_PLAIN, value_of(d->runs[run], d->names[top + i - 1]));
}

/* What the labels stand for, and who was steered, as far as there is room. */
static void draw_legend(na_grid *grid, const diff *d, na_area area)
{
  for (size_t i = 0; i < d->count && (int)i < area.rows; i++) {
    int row = area.row + (int)i;
    na_grid_put(grid, row, area.col, 3, NA_STYLE_LABEL, d->laid[i]->label);
    na_grid_print(grid, row, area.col + 3, area.cols - 3, NA_STYLE_PLAIN, "%s%s", d->runs[i]->name,
                  d->runs[i]->changes > 0 ? "  (steered)" : "");
  }
}

static void draw_table(na_grid *grid, const diff *d, na_area area, long *top)
{
  int legend = (int)d->count < area.rows / 2 ? (int)d->count + 1 : 0;
  int rows = area.rows - legend, end = area.col + area.cols;
  long most = (long)d->name_count - (rows - 1);
  if (*top > most) *top = most > 0 ? most : 0;
  na_area table = {area.row, area.col, rows, area.cols};
  na_grid_put(grid, area.row, area.col, area.cols, NA_STYLE_TITLE, "setting");
  int first = widest_name(d) + GAP;
  for (int i = 1; i < rows && (size_t)(*top + i - 1) < d->name_count; i++)
    na_grid_put(grid, area.row + i, area.col, first - GAP, NA_STYLE_STRONG, d->names[*top + i - 1]);
  int col = area.col + first;
  for (size_t r = 0; r < d->count && col < end; r++) {
    int cols = widest_value(d, r);
    draw_column(grid, d, r, table, col, cols < end - col ? cols : end - col, *top);
    col += cols + GAP;
  }
  if (legend > 0)
    draw_legend(grid, d, (na_area){area.row + area.rows - legend + 1, area.col, legend - 1, area.cols});
}

void na_runs_diff_draw(na_live *live, const na_catalogue *catalogue, na_area area, long *top)
{
  diff d;
  na_error err = {0};
  live->page = area.rows > 2 ? area.rows - 2 : 1;
  int code = collect(&d, &live->overlay, catalogue, &err);
  if (code != NA_OK) na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_ALERT, err.message);
  else if (d.name_count == 0)
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT, "their settings are the same");
  else draw_table(&live->grid, &d, area, top);
  discard(&d);
}
