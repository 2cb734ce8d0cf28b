/* netaug report: a comparison of runs as a file to keep.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/output.h"
#include "tui/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct options {
  na_report_options report;
  char out[NA_TEXT_MAX], grid[NA_TEXT_MAX];
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"-o", NA_TEXT, offsetof(options, out), "", 0, 0, NULL,
      "the file; its suffix says what it is: .html, .txt, .csv, .json or .pdf; - is text on standard output"},
     "FILE", false},
    NA_REPORT_OPTIONS(options, report),
    {{"--grid", NA_TEXT, offsetof(options, grid), "", 0, 0, NULL,
      "the heatmap's rows and columns, such as augment.expand,augment.width; none: it finds them"},
     "ROWS,COLUMNS", false},
};
/* clang-format on */

/* The heatmap's settings; NULL: to be found. */
typedef struct na_axes {
  const char *row, *column;
} na_axes;

static int write_text(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err)
{
  (void)axes;
  return na_report_text(arms, out, err);
}

static int write_csv(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err)
{
  (void)axes;
  return na_report_csv(arms, out, err);
}

static int write_json(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err)
{
  (void)axes;
  return na_report_json(arms, out, err);
}

static int write_html(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err)
{
  return na_report_html(arms, axes->row, axes->column, out, err);
}

static int write_pdf(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err)
{
  return na_report_pdf(arms, axes->row, axes->column, out, err);
}

static const struct {
  const char *suffix;
  int (*write)(const na_arms *arms, const na_axes *axes, na_buffer *out, na_error *err);
} formats[] = {{".html", write_html},
               {".txt", write_text},
               {".csv", write_csv},
               {".json", write_json},
               {".pdf", write_pdf}};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

/* The number of the format that path names, or an error. */
static int format_of(const char *path, na_error *err)
{
  const char *dot = strrchr(path, '.');
  if (strcmp(path, "-") == 0) return 1;
  if (path[0] == '\0') {
    na_fail(err, NA_EINVAL, "netaug report needs a file to write to");
    return na_hint(err, "for example -o report.html; -o - prints text");
  }
  for (int i = 0; dot != NULL && i < FORMAT_COUNT; i++)
    if (strcasecmp(dot, formats[i].suffix) == 0) return i;
  na_fail(err, NA_EINVAL, "%.300s does not say what to write", path);
  return na_hint(err, "end it in .html, .txt, .csv, .json or .pdf");
}

/* Cuts "ROWS,COLUMNS" in place. */
static int read_axes(char *grid, na_axes *axes, na_error *err)
{
  *axes = (na_axes){NULL, NULL};
  if (grid[0] == '\0') return NA_OK;
  char *comma = strchr(grid, ',');
  if (comma == NULL || comma == grid || comma[1] == '\0') {
    na_fail(err, NA_EINVAL, "--grid takes two settings, but got \"%.100s\"", grid);
    return na_hint(err, "for example --grid augment.expand,augment.width");
  }
  *comma = '\0';
  *axes = (na_axes){grid, comma + 1 + strspn(comma + 1, " ")};
  return NA_OK;
}

static int save(const char *path, const na_buffer *bytes, na_error *err)
{
  na_output output;
  int code = na_output_begin(&output, path, err);
  if (code != NA_OK) return code;
  fwrite(bytes->data, 1, bytes->length, output.file);
  return na_output_end(&output, NA_OK, err);
}

static int run(const na_call *call, na_error *err)
{
  options *given = call->options;
  na_axes axes = {NULL, NULL};
  na_arms arms = {.control = -1};
  na_buffer out = {0};
  int format = format_of(given->out, err);
  int code = format < 0 ? format : read_axes(given->grid, &axes, err);
  if (code == NA_OK)
    code = na_report_read(&arms, (const char *const *)call->operands, call->count, &given->report,
                          err);
  if (code == NA_OK) code = formats[format].write(&arms, &axes, &out, err);
  if (code == NA_OK) code = save(given->out, &out, err);
  na_free(out.data);
  na_arms_free(&arms);
  return code;
}

const na_command na_command_report = {
    .name = "report",
    .operands = "RUN...",
    .summary = "Write a comparison of runs to a page, a table or a PDF",
    .description =
        "Compares the runs as netaug compare does, and writes a file. As HTML it is one page that\n"
        "needs nothing else: verdicts, the arms' table, curves (mean, standard deviation, single\n"
        "runs), a heatmap where two settings vary, what was left out and why, settings and\n"
        "environment. PDF has all of it on pages but the single runs, CSV a row per run, JSON all the\n"
        "numbers.",
    .example = "netaug report runs -o report.html",
    .least = 1,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
