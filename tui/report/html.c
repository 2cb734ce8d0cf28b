/* A comparison as one page that needs nothing but itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/report/facts.h"
#include "tui/report/pictures.h"
#include "tui/report/report.h"
#include "tui/screen/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A page of figures and tables has no business with scripts or other files. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>netaug report</title>\n<style>\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; "
    "padding: 0 1em; color: #222; background: #fff }\n"
    "h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }\n"
    "table { border-collapse: collapse } td, th { padding: .15em .8em; text-align: left; "
    "border-bottom: 1px solid #ddd; vertical-align: top }\n"
    ".n { text-align: right; font-variant-numeric: tabular-nums } .v { font-weight: 600 }\n"
    ".open { font-weight: 400 } .wide { overflow-x: auto } svg { max-width: 100%; height: auto }\n"
    "summary { cursor: pointer; font-size: 1.15em; font-weight: bold; margin: 2em 0 .5em }\n"
    "</style>\n</head>\n<body>\n";

/* Text from settings, names and logs: whatever it is, it stays text. */
static void text(na_buffer *out, const char *words)
{
  while (*words != '\0') {
    uint32_t rune = na_utf8_next(&words);
    switch (rune) {
    case '&':
      na_buffer_add(out, "&amp;");
      break;
    case '<':
      na_buffer_add(out, "&lt;");
      break;
    case '>':
      na_buffer_add(out, "&gt;");
      break;
    case '"':
      na_buffer_add(out, "&quot;");
      break;
    case '\'':
      na_buffer_add(out, "&#39;");
      break;
    default:
      na_utf8_add(out, rune < ' ' || (rune >= 127 && rune < 160) ? 0xfffd : rune);
    }
  }
}

static void cell(na_buffer *out, const char *kind, const char *words)
{
  na_buffer_add(out, "<td%s>", kind);
  text(out, words);
  na_buffer_add(out, "</td>");
}

static void titles(na_buffer *out, const char *const *words, int count)
{
  na_buffer_add(out, "<div class=\"wide\"><table>\n<tr>");
  for (int i = 0; i < count; i++) {
    na_buffer_add(out, "<th>");
    text(out, words[i]);
    na_buffer_add(out, "</th>");
  }
  na_buffer_add(out, "</tr>\n");
}

static void end_table(na_buffer *out)
{
  na_buffer_add(out, "</table></div>\n");
}

/* ------------------------------------------------------------------------------- sections */

static int write_verdicts(const na_arms *arms, na_buffer *out, na_error *err)
{
  na_buffer words = {0};
  na_buffer_add(out, "<h2>Verdicts</h2>\n<ul>\n");
  for (int i = 0; i < arms->comparison_count && !words.failed; i++) {
    na_outcome outcome = arms->comparisons[i].verdict.outcome;
    bool apart = outcome == NA_OUTCOME_BETTER || outcome == NA_OUTCOME_WORSE;
    words.length = 0;
    na_arms_words(arms, i, &words);
    if (words.failed) break;
    na_buffer_add(out, "<li class=\"%s\">", apart ? "v" : "open");
    text(out, words.data);
    na_buffer_add(out, "</li>\n");
  }
  for (int i = 0; i < arms->note_count; i++) {
    na_buffer_add(out, "<li class=\"open\">");
    text(out, arms->notes[i]);
    na_buffer_add(out, "</li>\n");
  }
  na_buffer_add(out, "</ul>\n");
  bool failed = words.failed;
  na_free(words.data);
  return failed ? na_fail_memory(err, 0, "the verdicts") : NA_OK;
}

static void write_arms(const na_arms *arms, na_buffer *out)
{
  const char *words[NA_REPORT_COLUMNS];
  char value[NA_REPORT_CELL];
  for (int c = 0; c < NA_REPORT_COLUMNS; c++) words[c] = na_report_head(arms, c);
  na_buffer_add(out, "<h2>Arms</h2>\n<p>Mean ");
  text(out, arms->measure.words);
  na_buffer_add(out, " of the runs that count, with its %g%% interval.%s</p>\n",
                100 * (1 - arms->question.alpha), arms->control >= 0 ? " * the control." : "");
  titles(out, words, NA_REPORT_COLUMNS);
  for (int a = 0; a < arms->arm_count; a++) {
    na_buffer_add(out, "<tr>");
    for (int c = 0; c < NA_REPORT_COLUMNS; c++) {
      na_report_cell(arms, a, c, value);
      cell(out, c == NA_REPORT_COLUMNS - 1 ? "" : " class=\"n\"", value);
    }
    na_buffer_add(out, "</tr>\n");
  }
  end_table(out);
}

static int write_picture(const char *title, const char *id, const na_picture *picture, int code,
                         na_buffer *out, na_error *err)
{
  if (code != NA_OK || picture->figure.plot_count == 0) return code;
  na_buffer_add(out, "<h2>%s</h2>\n", title);
  code = na_figure_svg(&picture->figure, id, out, err);
  na_buffer_add(out, "\n");
  return code;
}

static int write_pictures(const na_arms *arms, const char *row, const char *column, na_buffer *out,
                          na_error *err)
{
  na_picture picture;
  int code = na_picture_curves(arms, &picture, err);
  code = write_picture("Curves: mean, one standard deviation, single runs", "curves", &picture,
                       code, out, err);
  na_picture_free(&picture);
  if (code != NA_OK) return code;
  code = na_picture_heatmap(arms, row, column, &picture, err);
  code = write_picture("Over two settings", "heatmap", &picture, code, out, err);
  na_picture_free(&picture);
  return code;
}

static void write_left_out(const na_arms *arms, na_buffer *out)
{
  static const char *const words[] = {"run", "is", "because"};
  int count = 0;
  for (int r = 0; r < arms->run_count; r++) count += arms->runs[r].state != NA_MEMBER_FINISHED;
  if (count == 0) return;
  na_buffer_add(out, "<h2>Left out</h2>\n");
  titles(out, words, 3);
  for (int r = 0; r < arms->run_count; r++) {
    const na_member *run = &arms->runs[r];
    if (run->state == NA_MEMBER_FINISHED) continue;
    na_buffer_add(out, "<tr>");
    cell(out, "", run->name);
    cell(out, "", na_member_word(run->state));
    cell(out, "", run->why);
    na_buffer_add(out, "</tr>\n");
  }
  end_table(out);
}

static void write_run(const na_arms *arms, int r, na_buffer *out)
{
  const na_member *run = &arms->runs[r];
  int a = na_arms_find(arms, r);
  char number[32];
  na_buffer_add(out, "<tr>");
  cell(out, "", run->name);
  cell(out, "", a >= 0 ? arms->arms[a].name : "");
  snprintf(number, sizeof number, run->seed >= 0 ? "%ld" : "-", run->seed);
  cell(out, " class=\"n\"", number);
  snprintf(number, sizeof number, "%d", run->epochs);
  cell(out, " class=\"n\"", number);
  snprintf(number, sizeof number, isfinite(run->value) ? "%.*f" : "-", arms->question.digits,
           run->value);
  cell(out, " class=\"n\"", number);
  na_text_duration(number, run->seconds);
  cell(out, " class=\"n\"", number);
  cell(out, "", na_member_word(run->state));
  na_buffer_add(out, "</tr>\n");
}

static void write_runs(const na_arms *arms, na_buffer *out)
{
  const char *words[] = {"run", "arm", "seed", "epochs", arms->measure.word, "time", "state"};
  na_buffer_add(out, "<details><summary>Runs</summary>\n");
  titles(out, words, 7);
  for (int r = 0; r < arms->run_count; r++) write_run(arms, r, out);
  end_table(out);
  na_buffer_add(out, "</details>\n");
}

/* ------------------------------------------------------------------ settings and machines */

static void write_fact(const na_fact *fact, na_buffer *out)
{
  na_buffer_add(out, "<tr>");
  cell(out, "", fact->name);
  na_buffer_add(out, "<td>");
  for (const char *line = fact->values; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    char part[NA_REPORT_CELL * 2];
    snprintf(part, sizeof part, "%.*s", (int)length, line);
    text(out, part);
    na_buffer_add(out, "<br>");
    line += length + (line[length] == '\n');
  }
  na_buffer_add(out, "</td></tr>\n");
}

static int write_facts(const na_arms *arms, const char *title,
                       int (*find)(const na_arms *arms, na_facts *facts, na_error *err),
                       na_buffer *out, na_error *err)
{
  static const char *const words[] = {"what", "value"};
  na_facts facts;
  int code = find(arms, &facts, err);
  na_buffer_add(out, "<details><summary>%s</summary>\n", title);
  titles(out, words, 2);
  for (int i = 0; i < facts.count; i++) write_fact(&facts.items[i], out);
  end_table(out);
  na_buffer_add(out, "</details>\n");
  na_facts_free(&facts);
  return code;
}

int na_report_html(const na_arms *arms, const char *row, const char *column, na_buffer *out,
                   na_error *err)
{
  na_buffer_add(out, "%s<h1>", head);
  text(out, arms->arms[0].name);
  for (int a = 1; a < arms->arm_count && a < 4; a++) {
    na_buffer_add(out, " · ");
    text(out, a < 3 ? arms->arms[a].name : "…");
  }
  na_buffer_add(out, "</h1>\n");
  int code = write_verdicts(arms, out, err);
  if (code != NA_OK) return code;
  write_arms(arms, out);
  code = write_pictures(arms, row, column, out, err);
  write_left_out(arms, out);
  write_runs(arms, out);
  if (code == NA_OK) code = write_facts(arms, "Settings", na_facts_settings, out, err);
  if (code == NA_OK) code = write_facts(arms, "Environment", na_facts_environment, out, err);
  na_buffer_add(out, "</body>\n</html>\n");
  if (code == NA_OK && out->failed) code = na_fail_memory(err, out->length, "the report");
  return code;
}
