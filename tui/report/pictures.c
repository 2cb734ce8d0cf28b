/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/report/pictures.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

enum { FAINT_ARMS_MOST = 8 }; /* of more, the runs would hide the means */

static void show(na_picture *picture)
{
  picture->figure.plots = &picture->plot;
  picture->figure.plot_count = 1;
}

/* --------------------------------------------------------------------------------- curves */

static void add_trace(na_picture *p, const na_band *band, const char *name, int color)
{
  p->traces[p->plot.trace_count++] =
      (na_trace){.name = name,
                 .color = color,
                 .style = band->count == 1 ? NA_TRACE_POINTS : NA_TRACE_LINE,
                 .faint = name == NULL,
                 .count = (size_t)band->count,
                 .x = band->x,
                 .y = band->mean,
                 .low = band->low,
                 .high = band->high};
}

static int add_runs(const na_arms *arms, int a, na_picture *p, na_error *err)
{
  const na_arm *arm = &arms->arms[a];
  int code = NA_OK;
  for (int i = 0; i < arm->count && code == NA_OK; i++) {
    na_band *band = &p->bands[p->band_count++];
    code = na_band_run(&arms->runs[arm->members[i]], band, err);
    if (code == NA_OK) add_trace(p, band, NULL, a);
  }
  return code;
}

static int add_arm(const na_arms *arms, int a, na_picture *p, na_error *err)
{
  na_band *band = &p->bands[p->band_count++];
  int code = na_band_arm(arms, a, band, err);
  if (code == NA_OK && band->count > 0) add_trace(p, band, arms->arms[a].name, a);
  return code;
}

int na_picture_curves(const na_arms *arms, na_picture *p, na_error *err)
{
  size_t most = (size_t)(arms->arm_count + arms->run_count) + 1;
  int code = NA_OK;
  *p = (na_picture){.traces = na_alloc_array(most, sizeof *p->traces),
                    .bands = na_alloc_array(most, sizeof *p->bands)};
  if (p->traces == NULL || p->bands == NULL) return na_fail_memory(err, most * 200, "a figure");
  for (int a = 0; a < arms->arm_count && arms->arm_count <= FAINT_ARMS_MOST && code == NA_OK; a++)
    if (arms->arms[a].count > 1) code = add_runs(arms, a, p, err);
  for (int a = 0; a < arms->arm_count && code == NA_OK; a++) code = add_arm(arms, a, p, err);
  snprintf(p->title, sizeof p->title, "%s%s", arms->measure.words,
           arms->measure.share ? ", %" : "");
  p->plot.traces = p->traces;
  p->plot.x = (na_axis){.label = "epoch", .whole = true};
  p->plot.y = (na_axis){.label = p->title};
  if (p->plot.trace_count > 0) show(p);
  return code;
}

/* -------------------------------------------------------------------------------- heatmap */

/* "1, 2, 3" -> "1,2,3" */
static char *short_name(const char *value)
{
  na_buffer out = {0};
  for (const char *c = value; *c != '\0'; c++)
    if (*c != ' ') na_buffer_add(&out, "%c", *c);
  if (value[0] == '\0') na_buffer_add(&out, "none");
  return out.data;
}

static int name_axis(na_picture *p, int which, const char *const *values, int count, na_error *err)
{
  p->names[which] = na_alloc_array((size_t)count + 1, sizeof *p->names[which]);
  if (p->names[which] == NULL) return na_fail_memory(err, (size_t)count * 8, "a figure");
  for (int i = 0; i < count; i++) {
    p->names[which][i] = short_name(values[i]);
    if (p->names[which][i] == NULL) return na_fail_memory(err, 1, "a name");
  }
  return NA_OK;
}

static int name_axes(na_picture *p, na_error *err)
{
  const na_lattice *l = &p->lattice;
  int code = name_axis(p, 0, l->column_values, l->columns, err);
  if (code == NA_OK) code = name_axis(p, 1, l->row_values, l->rows, err);
  p->plot.x = (na_axis){.label = l->column_setting,
                        .names = (const char *const *)p->names[0],
                        .name_count = l->columns};
  p->plot.y = (na_axis){
      .label = l->row_setting, .names = (const char *const *)p->names[1], .name_count = l->rows};
  return code;
}

int na_picture_heatmap(const na_arms *arms, const char *row, const char *column, na_picture *p,
                       na_error *err)
{
  *p = (na_picture){.band_count = 0};
  int code = na_lattice_make(arms, row, column, &p->lattice, err);
  if (code != NA_OK || p->lattice.rows == 0) return code;
  snprintf(p->title, sizeof p->title, "%s%s", arms->measure.words,
           arms->measure.share ? ", %" : "");
  p->heatmap = (na_heatmap){.rows = p->lattice.rows,
                            .columns = p->lattice.columns,
                            .values = p->lattice.means,
                            .digits = arms->question.digits,
                            .label = p->title};
  p->plot.heatmap = &p->heatmap;
  show(p);
  return name_axes(p, err);
}

void na_picture_free(na_picture *p)
{
  for (int i = 0; i < p->band_count; i++) na_band_free(&p->bands[i]);
  for (int which = 0; which < 2; which++) {
    int count = which == 0 ? p->lattice.columns : p->lattice.rows;
    for (int i = 0; p->names[which] != NULL && i < count; i++) na_free(p->names[which][i]);
    na_free(p->names[which]);
  }
  na_lattice_free(&p->lattice);
  na_free(p->traces);
  na_free(p->bands);
  *p = (na_picture){.band_count = 0};
}
