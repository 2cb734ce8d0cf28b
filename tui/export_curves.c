/* Curves of runs as figures: a plot for each quantity, runs told apart by colour, networks by
 * colour or dashes. SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/export.h"
#include "tui/run_curves.h"
#include "tui/screen/series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 128 };

/* ------------------------------------------------------------------------- names */

/* Whose value a column is, by how its name begins; the last one's is everybody's. */
static const struct {
  const char *prefix, *name;
  int color; /* among the curves of one run */
  bool validation;
  bool noisy; /* measured on a batch: worth smoothing */
} owners[] = {{"base_val_", "base val", 0, true, false},
              {"augmented_val_", "augmented val", 1, true, false},
              {"base_", "base", 0, false, true},
              {"augmented_", "augmented", 1, false, true},
              {"", "", 2, false, false}};
enum { OWNERS = sizeof owners / sizeof owners[0] };

static int owner_of(const char *column)
{
  int i = 0;
  while (strncmp(column, owners[i].prefix, strlen(owners[i].prefix)) != 0) i++;
  return i;
}

static const char *quantity_of(const char *column)
{
  return column + strlen(owners[owner_of(column)].prefix);
}

static const struct {
  const char *name, *label;
  double factor;
} quantities[] = {{"top1", "top-1 accuracy, %", 100},
                  {"top5", "top-5 accuracy, %", 100},
                  {"lr", "learning rate", 1},
                  {"images_per_second", "images per second", 1},
                  {"data_wait", "waiting for data, s", 1}};
enum { QUANTITIES = sizeof quantities / sizeof quantities[0] };

static const char *label_of(const char *quantity, double *factor)
{
  *factor = 1;
  for (int i = 0; i < QUANTITIES; i++) {
    if (strcmp(quantities[i].name, quantity) != 0) continue;
    *factor = quantities[i].factor;
    return quantities[i].label;
  }
  return quantity;
}

/* ------------------------------------------------------------------------- the drawing */

/* A curve with what its trace points to. */
typedef struct line {
  na_run_curve curve;
  char name[300];
  int run;
  bool raw;
} line;

typedef struct drawing {
  const na_export *given;
  na_run_curves runs[NA_EXPORT_RUNS];
  int open;
  char titles[NA_EXPORT_RUNS][256];
  const char *columns[COLUMNS]; /* chosen */
  int column_count;
  line *lines;
  size_t line_count, line_capacity;
  na_trace *traces; /* a plot's lie together */
  na_plot plots[COLUMNS];
  na_run_marks marks;
} drawing;

static int open_runs(drawing *d, na_error *err)
{
  const na_export *given = d->given;
  int code = NA_OK;
  bool epochs = false;
  for (; d->open < given->count && code == NA_OK; d->open += code == NA_OK) {
    code = na_run_curves_open(&d->runs[d->open], given->runs[d->open], (na_export_axis)given->axis,
                              err);
    epochs |= code == NA_OK && d->runs[d->open].epochs.rows > 1;
    na_run_title(given->runs[d->open], d->titles[d->open]);
  }
  for (int i = 0; i < d->open; i++)
    d->runs[i].by_steps =
        given->table == NA_TABLE_STEP || (given->table == NA_TABLE_AUTO && !epochs);
  return code;
}

static bool is_chosen(const drawing *d, const char *column)
{
  for (int i = 0; i < d->column_count; i++)
    if (strcmp(d->columns[i], column) == 0) return true;
  return false;
}

/* Columns that are wanted, of all runs together. */
static int choose(drawing *d, na_error *err)
{
  const char *names[COLUMNS], *all[COLUMNS];
  const char *usual = d->given->count > 1 ? "base_val_top1,base_val_loss" : "*_top1,*_loss";
  const char *patterns = d->given->columns[0] != '\0' ? d->given->columns : usual;
  int total = 0, code = NA_OK;
  for (int r = 0; r < d->open; r++) {
    int count = na_run_curves_columns(&d->runs[r], names, COLUMNS);
    for (int i = 0; i < count; i++) {
      if (total < COLUMNS) all[total++] = names[i];
      if (d->column_count < COLUMNS && na_export_wants(patterns, names[i]) &&
          !is_chosen(d, names[i]))
        d->columns[d->column_count++] = names[i];
    }
  }
  if (d->given->columns[0] != '\0') code = na_export_check(patterns, all, total, err);
  return code;
}

static int add_line(drawing *d, na_run_curve *curve, int run, bool raw, na_error *err)
{
  void *lines = d->lines;
  int code = na_grow(&lines, d->line_count, &d->line_capacity, sizeof *d->lines);
  d->lines = lines;
  if (code != NA_OK) {
    na_run_curve_free(curve);
    return na_fail_memory(err, d->line_count * sizeof *d->lines, "a figure");
  }
  line *l = &d->lines[d->line_count++];
  *l = (line){.curve = *curve, .run = run, .raw = raw};
  return NA_OK;
}

/* The smoothed curve; the one given becomes the raw one behind it. */
static int add_smooth(drawing *d, const na_run_curve *curve, int run, na_error *err)
{
  na_series series = {.decay = d->given->smooth};
  na_run_curve smooth = {.column = curve->column, .count = curve->count};
  int code = NA_OK;
  for (size_t i = 0; i < curve->count && code == NA_OK; i++)
    code = na_series_add(&series, curve->x[i], curve->y[i], err);
  smooth.x = na_alloc_array(curve->count + 1, sizeof *smooth.x);
  smooth.y = na_alloc_array(curve->count + 1, sizeof *smooth.y);
  if (code == NA_OK && (smooth.x == NULL || smooth.y == NULL))
    code = na_fail_memory(err, curve->count * sizeof *smooth.x, "a curve");
  for (size_t i = 0; i < curve->count && code == NA_OK; i++) {
    smooth.x[i] = curve->x[i];
    smooth.y[i] = na_series_value(&series, true, i);
  }
  na_series_free(&series);
  if (code == NA_OK) return add_line(d, &smooth, run, false, err);
  na_run_curve_free(&smooth);
  return code;
}

static bool has_values(const na_run_curve *curve)
{
  for (size_t i = 0; i < curve->count; i++)
    if (isfinite(curve->x[i]) && isfinite(curve->y[i])) return true;
  return false;
}

/* What was never measured is left out. */
static int add_curve(drawing *d, const char *column, int run, na_error *err)
{
  na_run_curve curve;
  double factor;
  int code = na_run_curve_read(&d->runs[run], column, &curve, err);
  if (code != NA_OK) return code;
  label_of(quantity_of(column), &factor);
  for (size_t i = 0; i < curve.count; i++) curve.y[i] *= factor;
  if (!has_values(&curve)) {
    na_run_curve_free(&curve);
    return NA_OK;
  }
  bool smooth = d->given->smooth > 0 && owners[owner_of(column)].noisy;
  if (smooth) code = add_smooth(d, &curve, run, err);
  if (code != NA_OK) {
    na_run_curve_free(&curve);
    return code;
  }
  return add_line(d, &curve, run, smooth, err);
}

/* Lines of one quantity after those of another. */
static int read_lines(drawing *d, na_error *err)
{
  int code = NA_OK;
  for (int c = 0; c < d->column_count; c++) {
    const char *quantity = quantity_of(d->columns[c]);
    bool done = false;
    for (int i = 0; i < c; i++) done |= strcmp(quantity_of(d->columns[i]), quantity) == 0;
    for (int i = c; i < d->column_count && !done; i++)
      for (int r = 0; r < d->open && code == NA_OK; r++)
        if (strcmp(quantity_of(d->columns[i]), quantity) == 0)
          code = add_curve(d, d->columns[i], r, err);
  }
  if (code != NA_OK || d->line_count > 0) return code;
  na_fail(err, NA_EINVAL, "there is nothing to draw yet");
  return na_hint(err, "wait for the first epoch, or choose other columns");
}

/* ------------------------------------------------------------------------- the figure */

/* Do all lines belong to the same network, so that a run's name says it all? */
static bool one_owner(const drawing *d)
{
  for (size_t i = 1; i < d->line_count; i++)
    if (owner_of(d->lines[i].curve.column) != owner_of(d->lines[0].curve.column)) return false;
  return true;
}

static void name_line(const drawing *d, line *l)
{
  const char *owner = owners[owner_of(l->curve.column)].name, *run = d->titles[l->run];
  const char *what = owner[0] != '\0' ? owner : quantity_of(l->curve.column);
  if (d->open == 1)
    snprintf(l->name, sizeof l->name, "%s", what);
  else if (one_owner(d))
    snprintf(l->name, sizeof l->name, "%s", run);
  else
    snprintf(l->name, sizeof l->name, "%s %s", run, what);
}

/* One run: colours for the networks, dashes for validation. Several: a colour for each run; its
 * curves differ by dashes. */
static na_trace trace_of(const drawing *d, const line *l)
{
  static const na_trace_style styles[OWNERS] = {NA_TRACE_LINE, NA_TRACE_DASHED, NA_TRACE_DOTTED,
                                                NA_TRACE_DASHED, NA_TRACE_LINE};
  int owner = owner_of(l->curve.column);
  na_trace trace = {.name = l->raw ? NULL : l->name,
                    .faint = l->raw,
                    .count = l->curve.count,
                    .x = l->curve.x,
                    .y = l->curve.y};
  if (d->open == 1) {
    trace.color = owners[owner].color;
    trace.style = owners[owner].validation ? NA_TRACE_DASHED : NA_TRACE_LINE;
  } else {
    bool more = l->run >= NA_PALETTE_SIZE; /* colours begin again */
    trace.color = l->run;
    trace.style = !one_owner(d) ? styles[owner] : more ? NA_TRACE_DASHED : NA_TRACE_LINE;
  }
  return trace;
}

static na_plot plot_of(const drawing *d, const char *column)
{
  static const char *const axes[] = {"step", "epoch", "minutes"};
  double factor;
  return (na_plot){.x = {.label = axes[d->given->axis], .whole = d->given->axis != NA_AXIS_TIME},
                   .y = {.label = label_of(quantity_of(column), &factor)},
                   .marks = d->marks.marks,
                   .mark_count = d->marks.count};
}

static int make_plots(drawing *d, size_t *plots, na_error *err)
{
  d->traces = na_alloc_array(d->line_count, sizeof *d->traces);
  if (d->traces == NULL) return na_fail_memory(err, d->line_count * sizeof *d->traces, "a figure");
  *plots = 0;
  for (size_t i = 0; i < d->line_count; i++) {
    line *l = &d->lines[i];
    const char *before = i > 0 ? d->lines[i - 1].curve.column : "";
    name_line(d, l);
    d->traces[i] = trace_of(d, l);
    if (i == 0 || strcmp(quantity_of(before), quantity_of(l->curve.column)) != 0) {
      d->plots[*plots] = plot_of(d, l->curve.column);
      d->plots[(*plots)++].traces = &d->traces[i];
    }
    d->plots[*plots - 1].trace_count++;
  }
  return NA_OK;
}

/* "tiny", "tiny and 2 more" */
static void make_title(const drawing *d, char *title, size_t size)
{
  if (d->given->title[0] != '\0')
    snprintf(title, size, "%s", d->given->title);
  else if (d->open == 1)
    snprintf(title, size, "%s", d->titles[0]);
  else
    snprintf(title, size, "%s and %d more", d->titles[0], d->open - 1);
}

_Static_assert(NA_EXPORT_PNG - NA_EXPORT_SVG == NA_FIGURE_PNG - NA_FIGURE_SVG &&
                   NA_EXPORT_PDF - NA_EXPORT_SVG == NA_FIGURE_PDF - NA_FIGURE_SVG,
               "figures have one order of formats");

static int write_figure(drawing *d, na_error *err)
{
  char title[NA_TEXT_MAX];
  na_figure figure = {
      .title = title, .width = d->given->width, .height = d->given->height, .plots = d->plots};
  make_title(d, title, sizeof title);
  int code = make_plots(d, &figure.plot_count, err);
  if (code == NA_OK)
    code = na_figure_write(&figure, (na_figure_format)(d->given->format - NA_EXPORT_SVG),
                           d->given->out, err);
  size_t curves = 0;
  for (size_t i = 0; i < d->line_count; i++) curves += !d->lines[i].raw;
  if (code == NA_OK && strcmp(d->given->out, "-") != 0)
    printf("%s: curves %zu, plots %zu\n", d->given->out, curves, figure.plot_count);
  return code;
}

static void drawing_free(drawing *d)
{
  for (size_t i = 0; i < d->line_count; i++) na_run_curve_free(&d->lines[i].curve);
  while (d->open > 0) na_run_curves_close(&d->runs[--d->open]);
  na_run_marks_free(&d->marks);
  na_free(d->lines);
  na_free(d->traces);
  na_free(d);
}

int na_export_curves(const na_export *given, na_error *err)
{
  if (given->table == NA_TABLE_STEERING)
    return na_fail(err, NA_EINVAL, "the steering log has no curves; write it to .csv or .jsonl");
  drawing *d = na_alloc(sizeof *d);
  if (d == NULL) return na_fail_memory(err, sizeof *d, "a figure");
  d->given = given;
  int code = open_runs(d, err);
  if (code == NA_OK) code = choose(d, err);
  if (code == NA_OK) code = read_lines(d, err);
  if (code == NA_OK && d->open == 1) code = na_run_marks_read(&d->runs[0], &d->marks, err);
  if (code == NA_OK) code = write_figure(d, err);
  drawing_free(d);
  return code;
}
