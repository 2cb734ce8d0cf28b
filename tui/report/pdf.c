/* A comparison on pages: text, figures, and what the runs were made with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/plot/pages.h"
#include "tui/report/facts.h"
#include "tui/report/pictures.h"
#include "tui/report/report.h"
#include "tui/table.h"

#include <string.h>

/* Values beside their names, a line each. */
static int write_facts(const na_facts *facts, const char *title, na_buffer *out, na_error *err)
{
  na_table table = {.layout = "ll"};
  for (int i = 0; i < facts->count; i++) {
    const char *name = facts->items[i].name;
    for (const char *line = facts->items[i].values; *line != '\0'; name = "") {
      size_t length = strcspn(line, "\n");
      na_table_add(&table, "%s", name);
      na_table_add(&table, "%.*s", (int)length, line);
      line += length + (line[length] == '\n');
    }
  }
  na_buffer_add(out, "\n%s\n\n", title);
  int code = na_table_write(&table, out, err);
  na_table_free(&table);
  return code;
}

int na_report_made_with(const na_arms *arms, na_buffer *out, na_error *err)
{
  na_facts settings, environment = {.count = 0};
  int code = na_facts_settings(arms, &settings, err);
  if (code == NA_OK) code = na_facts_environment(arms, &environment, err);
  if (code == NA_OK) code = write_facts(&settings, "Settings", out, err);
  if (code == NA_OK) code = write_facts(&environment, "Environment", out, err);
  na_facts_free(&settings);
  na_facts_free(&environment);
  if (code == NA_OK && out->failed) code = na_fail_memory(err, out->length, "the report");
  return code;
}

int na_report_pdf(const na_arms *arms, const char *row, const char *column, na_buffer *out,
                  na_error *err)
{
  na_picture curves, heatmap = {.band_count = 0};
  na_buffer text = {0}, made_with = {0};
  const na_figure *figures[2];
  na_pages pages = {.figures = figures};
  int code = na_picture_curves(arms, &curves, err);
  if (code == NA_OK) code = na_picture_heatmap(arms, row, column, &heatmap, err);
  if (code == NA_OK) code = na_report_text(arms, &text, err);
  if (code == NA_OK) code = na_report_made_with(arms, &made_with, err);
  pages.text = text.data;
  pages.after = made_with.data;
  if (curves.figure.plot_count > 0) figures[pages.figure_count++] = &curves.figure;
  if (heatmap.figure.plot_count > 0) figures[pages.figure_count++] = &heatmap.figure;
  if (code == NA_OK) code = na_pages_pdf(&pages, out, err);
  na_picture_free(&curves);
  na_picture_free(&heatmap);
  na_free(text.data);
  na_free(made_with.data);
  return code;
}
