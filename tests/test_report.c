/* Comparisons as text, CSV, JSON, pages and figures, of made-up runs, some with hostile names.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/band.h"
#include "core/arms/lattice.h"
#include "core/base/memory.h"
#include "tests/check.h"
#include "tests/run_folders.h"
#include "tests/saved_screen.h"
#include "tui/report/pictures.h"
#include "tui/report/report.h"
#include "tui/screen/compare.h"

static na_error err;
static const na_report_options usual = {.alpha = 0.05, .power = 0.8};

static na_arms read_all(const na_report_options *options)
{
  const char *folder = runs_folder;
  na_arms arms = {.control = -1};
  CHECK_OK(na_report_read(&arms, &folder, 1, options, &err), err);
  return arms;
}

static int count_of(const char *text, const char *part)
{
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

/* README shows this table, the verdict's line broken. */
static void readme(void)
{
  char path[1024], line[256];
  na_buffer out = {0};
  runs_make();
  runs_two_arms(5);
  na_arms arms = read_all(&usual);
  for (int a = 0; a < 2; a++) arms.arms[a].parameters = 13130, arms.arms[a].macs = 326880;
  CHECK_OK(na_report_text(&arms, &out, &err), err);
  source_path(path, "README.md");
  const char *page = read_text(path);
  for (char *rest, *word = strtok_r(out.data, "\n", &rest); word != NULL;
       word = strtok_r(NULL, "\n", &rest)) {
    if (strstr(word, "points") != NULL) *strstr(word, " sign-flip") = '\0';
    snprintf(line, sizeof line, "    %s\n", word);
    CHECK(strstr(page, line) != NULL, "README.md lacks: %s", line);
  }
  na_free(out.data);
  na_arms_free(&arms);
  runs_remove();
}

/* Names that try to be something else wherever they are shown. */
static void hostile_runs(void)
{
  static const char *const titles[] = {"<script>alert(1)</script>", "=cmd|' /C calc'!A0",
                                       "a\"b\\c\x9b\xff\033]0;x\a", "</svg>&amp;<b>"};
  char name[32], settings[64];
  for (int i = 0; i < 4; i++)
    for (int seed = 1; seed <= 2; seed++) {
      snprintf(name, sizeof name, "run-%d-%d", i, seed);
      snprintf(settings, sizeof settings, "augment.r = %d\ntrain.note = x\" onload=\"y\n", i);
      run_make(&(made_run){name, titles[i], settings, seed, 2, 2, 0.5 + 0.1 * i + 0.01 * seed, NULL,
                           NULL});
    }
  run_make(
      &(made_run){"z<i>", titles[0], "augment.r = 0\n", 9, 1, 2, 0.5, "set <b> = \"1\"", NULL});
}

static void hostile(void)
{
  na_buffer html = {0}, csv = {0}, json = {0}, text = {0};
  runs_make();
  hostile_runs();
  na_arms arms = read_all(&usual);
  CHECK(arms.arm_count == 4, "%d arms", arms.arm_count);
  CHECK_OK(na_report_html(&arms, NULL, NULL, &html, &err), err);
  CHECK(strstr(html.data, "<script") == NULL && strstr(html.data, "<b>") == NULL &&
            strstr(html.data, "<i>") == NULL && strstr(html.data, "onload=\"") == NULL,
        "markup from a name");
  CHECK(strstr(html.data, "&lt;script&gt;alert(1)&lt;/script&gt;") != NULL, "the name is shown");
  CHECK(strstr(html.data, "set &lt;b&gt; = &quot;1&quot; after step 150") != NULL,
        "what was steered");
  CHECK(count_of(html.data, "<svg") == count_of(html.data, "</svg>"), "figures end");
  CHECK(strstr(html.data, "src=") == NULL && strstr(html.data, "<link") == NULL,
        "the page needs nothing else");
  CHECK(strchr(html.data, '\033') == NULL && strchr(html.data, '\xff') == NULL,
        "bytes that are no text");
  CHECK_OK(na_report_csv(&arms, &csv, &err), err);
  CHECK(strstr(csv.data, "\"'=cmd|' /C calc'!A0\"") != NULL, "no formula: %s", csv.data);
  CHECK(strstr(csv.data, "\"a\"\"b\\c") != NULL, "quotes are doubled");
  CHECK(count_of(csv.data, "\n") == 10, "a line per run and one above");
  CHECK_OK(na_report_json(&arms, &json, &err), err);
  CHECK(strstr(json.data, "\"a\\\"b\\\\c") != NULL, "escaped: %s", json.data);
  CHECK(strchr(json.data, '\033') == NULL && strchr(json.data, '\xff') == NULL, "JSON is UTF-8");
  CHECK_OK(na_report_text(&arms, &text, &err), err);
  CHECK(strchr(text.data, '\033') == NULL && strchr(text.data, '\a') == NULL,
        "no control characters");
  CHECK(strstr(text.data, "left out: z<i> is steered (set <b> = \"1\" after step 150)\n") != NULL,
        "left out: %s", text.data);
  na_free(html.data);
  na_free(csv.data);
  na_free(json.data);
  na_free(text.data);
  na_arms_free(&arms);
  runs_remove();
}

/* -------------------------------------------------------------------------------- figures */

static void bands(void)
{
  na_band band;
  runs_make();
  runs_two_arms(3);
  run_make(
      &(made_run){"late", "NetAug", "augment.width = 1, 2, 3\n", 9, 2, 4, 0.9, NULL, "epoch 2"});
  na_arms arms = read_all(&usual);
  CHECK_OK(na_band_arm(&arms, 0, &band, &err), err);
  CHECK(band.count == 4, "%d points", band.count);
  double last[] = {89.89, 89.66, 89.55}, mean = na_mean(last, 3), sd = na_sd(last, 3);
  CHECK_NEAR(band.x[3], 4, 0, 1, "epoch");
  CHECK_NEAR(band.mean[3], mean, 1e-9, 1, "mean");
  CHECK_NEAR(band.low[3], mean - sd, 1e-9, 1, "low");
  CHECK_NEAR(band.high[3], mean + sd, 1e-9, 1, "high");
  na_band_free(&band);
  arms.runs[0].curve[1] = NAN; /* not evaluated then */
  CHECK_OK(na_band_run(&arms.runs[0], &band, &err), err);
  CHECK(band.count == 3 && band.low == NULL, "%d points", band.count);
  CHECK_NEAR(band.x[1], 3, 0, 1, "the third epoch follows the first");
  na_band_free(&band);
  na_arms_free(&arms);
  runs_remove();
}

/* A grid that fills: 3 x 2, one cell still running, in the order of numbers. */
static void grid_runs(void)
{
  static const char *const widths[] = {"1, 10", "1", "1, 2"};
  char name[32], settings[96];
  for (int w = 0; w < 3; w++)
    for (int x = 1; x <= 2; x++)
      for (int seed = 1; seed <= 2; seed++) {
        bool late = w == 0 && x == 2;
        snprintf(name, sizeof name, "g-%d-%d-%d", w, x, seed);
        snprintf(settings, sizeof settings, "augment.width = %s\naugment.expand = 1, %d\n",
                 widths[w], x);
        run_make(&(made_run){name, "grid", settings, seed, late ? 1 : 2, 2,
                             0.5 + 0.1 * w + 0.01 * x, NULL, late ? "epoch 1" : NULL});
      }
}

static void lattice(void)
{
  na_lattice l;
  runs_make();
  grid_runs();
  na_arms arms = read_all(&usual);
  CHECK_OK(na_lattice_make(&arms, NULL, NULL, &l, &err), err);
  CHECK(l.rows == 2 && l.columns == 3, "%d x %d", l.rows, l.columns);
  CHECK(strcmp(l.row_setting, "augment.expand") == 0, "rows are %s", l.row_setting);
  CHECK(strcmp(l.column_values[0], "1") == 0 && strcmp(l.column_values[1], "1, 2") == 0 &&
            strcmp(l.column_values[2], "1, 10") == 0,
        "in rising order");
  CHECK_NEAR(l.means[0 * 3 + 1], 71, 1e-9, 1, "width 1,2, expand 1,1");
  CHECK(isnan(l.means[1 * 3 + 2]) && l.awaited[1 * 3 + 2] == 2, "one cell is still empty");
  na_lattice_free(&l);
  CHECK_OK(na_lattice_make(&arms, "augment.width", "augment.expand", &l, &err), err);
  CHECK(l.rows == 3 && l.columns == 2, "turned");
  na_lattice_free(&l);
  CHECK_FAILS(na_lattice_make(&arms, "augment.width", "train.lr", &l, &err), NA_EINVAL,
              "do not differ", err);
  na_arms_free(&arms);
  runs_remove();
  runs_make();
  runs_two_arms(2);
  arms = read_all(&usual);
  CHECK_OK(na_lattice_make(&arms, NULL, NULL, &l, &err), err);
  CHECK(l.rows == 0, "two arms are no grid");
  na_lattice_free(&l);
  na_arms_free(&arms);
  runs_remove();
}

static void pages(void)
{
  na_buffer pdf = {0}, again = {0}, html = {0};
  runs_make();
  grid_runs();
  na_arms arms = read_all(&usual);
  CHECK_OK(na_report_pdf(&arms, NULL, NULL, &pdf, &err), err);
  CHECK(pdf.length > 5000 && memcmp(pdf.data, "%PDF-", 5) == 0, "%zu bytes", pdf.length);
  CHECK_OK(na_report_pdf(&arms, NULL, NULL, &again, &err), err);
  CHECK(pdf.length == again.length && memcmp(pdf.data, again.data, pdf.length) == 0,
        "the same again");
  CHECK_OK(na_report_html(&arms, NULL, NULL, &html, &err), err);
  CHECK(count_of(html.data, "<svg role=\"img\"") == 2, "curves and heatmap");
  CHECK(strstr(html.data, "augment.expand") != NULL, "settings");
  na_free(pdf.data);
  na_free(again.data);
  na_free(html.data);
  na_arms_free(&arms);
  runs_remove();
}

/* Page and PDF tell what the runs were made with: each value once, those of the environment too. */
static void made_with(void)
{
  na_buffer text = {0}, html = {0}, pdf[2] = {{0}, {0}};
  runs_make();
  run_make(&(made_run){"a", "x", "train.lr = 0.1\n", 1, 2, 2, 0.5, NULL, NULL});
  run_make(&(made_run){"b", "x", "train.lr = 0.1\n", 2, 2, 2, 0.6, NULL, NULL});
  na_arms arms = read_all(&usual);
  CHECK_OK(na_report_made_with(&arms, &text, &err), err);
  CHECK(strstr(text.data, "\nSettings\n\n") != NULL &&
            strstr(text.data, "\nEnvironment\n\n") != NULL,
        "titles: %s", text.data);
  CHECK(count_of(text.data, "train.lr") == 1 && count_of(text.data, "  0.1\n") == 1,
        "what all share is told once: %s", text.data);
  CHECK(strstr(text.data, "train.seed    1\n              2\n") != NULL, "all values: %s",
        text.data);
  CHECK(count_of(text.data, "host  den<i>\n") == 1, "the environment: %s", text.data);
  CHECK_OK(na_report_html(&arms, NULL, NULL, &html, &err), err);
  CHECK(strstr(html.data, "<td>train.seed</td><td>1<br>2<br></td>") != NULL &&
            strstr(html.data, "<td>host</td><td>den&lt;i&gt;<br></td>") != NULL,
        "the page has them, too");
  CHECK_OK(na_report_pdf(&arms, NULL, NULL, &pdf[0], &err), err);
  for (int r = 0; r < arms.run_count; r++) /* what they share is nowhere else in a report */
    for (int s = 0; s < arms.runs[r].run.setting_count; s++)
      if (strcmp(arms.runs[r].run.settings[s].name, "train.lr") == 0)
        arms.runs[r].run.settings[s].value = "0.123456789";
  CHECK_OK(na_report_pdf(&arms, NULL, NULL, &pdf[1], &err), err);
  CHECK(pdf[0].length != pdf[1].length || memcmp(pdf[0].data, pdf[1].data, pdf[0].length) != 0,
        "settings are in the PDF");
  for (int i = 0; i < 2; i++) na_free(pdf[i].data);
  na_free(text.data);
  na_free(html.data);
  na_arms_free(&arms);
  runs_remove();
}

/* -------------------------------------------------------------------------------- screens */

static void draw(na_compare *compare, int rows, int cols, bool utf8, const char *name)
{
  na_grid grid = {.utf8 = utf8};
  CHECK_OK(na_grid_resize(&grid, rows, cols, &err), err);
  na_compare_draw(compare, runs_folder, &grid, (na_area){0, 0, rows, cols});
  na_grid_clear(&grid); /* it knows only now how much text there is */
  int page = na_compare_draw(compare, runs_folder, &grid, (na_area){0, 0, rows, cols});
  CHECK(page > 0 && page <= rows, "page %d", page);
  if (name != NULL) saved_screen(&grid, name);
  na_grid_free(&grid);
}

/* Two arms; a run that goes on is told but does not count. */
static void compare_screens(void)
{
  char words[160];
  na_compare *compare = na_compare_new();
  runs_make();
  runs_two_arms(5);
  draw(compare, 24, 80, true, "compare-80x24.txt");
  draw(compare, 24, 80, false, "compare-ascii-80x24.txt");
  na_compare_turn(compare, words);
  CHECK(strstr(words, "two settings") != NULL, "no heatmap of two arms: %s", words);
  draw(compare, 24, 80, true, "compare-80x24.txt");
  na_compare_control(compare, words);
  CHECK(strcmp(words, "every arm is compared with NetAug") == 0, "%s", words);
  na_compare_measure(compare, words);
  CHECK(strcmp(words, "validation top-5 accuracy") == 0, "%s", words);
  draw(compare, 24, 80, true, NULL); /* the made-up runs have no such column: they say so */
  na_compare_free(compare);
  runs_remove();
}

static void heatmap_screens(void)
{
  char words[160];
  na_compare *compare = na_compare_new();
  runs_make();
  grid_runs();
  draw(compare, 60, 200, true, "compare-200x60.txt");
  na_compare_turn(compare, words);
  draw(compare, 24, 80, true, "compare-heatmap-80x24.txt");
  draw(compare, 24, 80, false, "compare-heatmap-ascii-80x24.txt");
  na_compare_pair(compare, words);
  CHECK(strcmp(words, "augment.expand over augment.width") == 0, "the only pair: %s", words);
  draw(compare, 24, 80, false, "compare-heatmap-ascii-80x24.txt");
  na_compare_pair(compare, words);
  CHECK(strstr(words, "the first two settings") == words, "and back: %s", words);
  draw(compare, 24, 80, false, "compare-heatmap-ascii-80x24.txt");
  na_compare_scroll(compare, 1000000, 10);
  draw(compare, 24, 80, true, "compare-end-80x24.txt");
  static const int sizes[][2] = {{1, 1}, {2, 8}, {5, 20}, {9, 40}, {12, 30}, {13, 200}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    draw(compare, sizes[i][0], sizes[i][1], true, NULL);
    na_compare_turn(compare, words);
    draw(compare, sizes[i][0], sizes[i][1], false, NULL);
  }
  na_compare_free(compare);
  runs_remove();
}

/* Runs that are added while it is shown appear when they are looked for. */
static void filling(void)
{
  na_compare *compare = na_compare_new();
  na_grid grid = {.utf8 = true};
  na_buffer text = {0};
  char words[160];
  runs_make();
  CHECK_OK(na_grid_resize(&grid, 24, 80, &err), err);
  na_compare_draw(compare, NULL, &grid, (na_area){0, 0, 24, 80});
  na_compare_look(compare);
  na_compare_draw(compare, runs_folder, &grid, (na_area){0, 0, 24, 80});
  na_grid_text(&grid, &text);
  CHECK(strstr(text.data, "holds no run") != NULL, "an empty folder: %s", text.data);
  grid_runs();
  na_compare_look(compare);
  na_compare_turn(compare, words);
  CHECK(strstr(words, "it comes when they do") != NULL, "too early: %s", words);
  draw(compare, 24, 80, true, "compare-heatmap-80x24.txt");
  na_free(text.data);
  na_grid_free(&grid);
  na_compare_free(compare);
  runs_remove();
}

/* Every allocation fails once; what is left is freed. */
static void no_memory(void)
{
  runs_make();
  runs_two_arms(2);
  na_arms arms = read_all(&usual);
  for (int format = 0; format < 4; format++) {
    int code = NA_ENOMEM;
    for (unsigned long at = 1; at < 3000 && code != NA_OK; at++) {
      na_buffer out = {0};
      na_error_clear(&err);
      na_alloc_fail_at(at);
      code = format == 0   ? na_report_html(&arms, NULL, NULL, &out, &err)
             : format == 1 ? na_report_json(&arms, &out, &err)
             : format == 2 ? na_report_made_with(&arms, &out, &err)
                           : na_report_text(&arms, &out, &err);
      na_alloc_fail_at(0);
      CHECK(code == NA_OK || code == NA_ENOMEM, "%d: %s", code, err.message);
      na_free(out.data);
    }
    CHECK(code == NA_OK, "format %d: %s", format, err.message);
  }
  na_arms_free(&arms);
  runs_remove();
}

int main(void)
{
  RUN(readme);
  RUN(hostile);
  RUN(bands);
  RUN(lattice);
  RUN(pages);
  RUN(made_with);
  RUN(compare_screens);
  RUN(heatmap_screens);
  RUN(filling);
  RUN(no_memory);
  return CHECK_EXIT();
}
