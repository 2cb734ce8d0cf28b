/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/compare.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "tui/screen/arms.h"

#include <stdio.h>

enum { PLOT_FROM_ROWS = 12, FRAME_FROM_ROWS = 10, WORDS = 160 };
static const double LOOK_SECONDS = 3, LOOK_SHARE = 20;

/* The folder's runs as they were read last. */
struct na_compare {
  na_arms arms;
  na_lattice lattice;
  char trouble[600];    /* why they could not be; empty: they were */
  double looked, took;  /* when, and for how long; looked 0: it is due */
  int measure, control; /* control: 0 none, else the arm's number */
  bool heatmap;
  int pair;         /* of settings that the heatmap is over: 0 found by itself, else by number */
  int first, lines; /* of the text: shown first, and all */
};

na_compare *na_compare_new(void)
{
  na_compare *compare = na_alloc(sizeof *compare);
  if (compare != NULL) compare->arms.control = -1;
  return compare;
}

static void forget(na_compare *c)
{
  na_lattice_free(&c->lattice);
  na_arms_free(&c->arms);
}

void na_compare_free(na_compare *compare)
{
  if (compare == NULL) return;
  forget(compare);
  na_free(compare);
}

/* ------------------------------------------------------------------------------- reading */

/* Settings number 1, 2, ... of all pairs: the row's (the later one) and the column's. */
static bool find_pair(const na_arms *arms, int pair, const char **row, const char **column)
{
  for (int i = 1; i < arms->setting_count; i++)
    for (int j = 0; j < i; j++)
      if (--pair == 0) {
        *row = arms->settings[i];
        *column = arms->settings[j];
        return true;
      }
  return false;
}

static int read_arms(na_compare *c, const char *folder, na_error *err)
{
  char control[16];
  snprintf(control, sizeof control, "%d", c->control);
  const na_arms_question question = {.measure = &na_measures[c->measure],
                                     .alpha = 0.05,
                                     .power = 0.8,
                                     .early = true,
                                     .control = c->control > 0 ? control : NULL};
  const char *row = NULL, *column = NULL;
  int code = na_arms_read(&c->arms, &folder, 1, &question, err);
  if (code != NA_OK) return code;
  if (!find_pair(&c->arms, c->pair, &row, &column)) c->pair = 0;
  return na_lattice_make(&c->arms, row, column, &c->lattice, err);
}

static void look(na_compare *c, const char *folder)
{
  na_error err = {0};
  double begun = na_now();
  forget(c);
  c->trouble[0] = '\0';
  if (folder == NULL)
    snprintf(c->trouble, sizeof c->trouble, "there is no folder of runs");
  else if (read_arms(c, folder, &err) != NA_OK)
    snprintf(c->trouble, sizeof c->trouble, "%s", err.message);
  if (c->trouble[0] != '\0') forget(c);
  c->looked = na_now();
  c->took = c->looked - begun;
}

void na_compare_look(na_compare *compare)
{
  compare->looked = 0;
}

/* Runs that go on change all the time; looking must not become all that is done. */
static bool is_due(const na_compare *c)
{
  double since = na_now() - c->looked;
  return c->looked <= 0 || (since > LOOK_SECONDS && since > LOOK_SHARE * c->took);
}

/* ------------------------------------------------------------------------------- drawing */

static na_area frame(na_grid *grid, na_area area, const char *title)
{
  return grid->rows >= FRAME_FROM_ROWS ? na_grid_frame(grid, area, title) : area;
}

static int draw_plot(na_compare *c, na_grid *grid, na_area area, na_error *err)
{
  char title[96];
  bool heatmap = c->heatmap && c->lattice.rows > 0;
  snprintf(title, sizeof title,
           heatmap ? "%s over two settings" : "%s: mean, standard deviation, runs",
           c->arms.measure.words);
  na_area inside = frame(grid, area, title);
  if (!heatmap) return na_arms_draw_curves(&c->arms, grid, inside, err);
  na_arms_draw_lattice(&c->arms, &c->lattice, grid, inside);
  return NA_OK;
}

/* The text gets the lines it has, at most a half of the rows; where there is little room, all. */
static int draw_all(na_compare *c, na_grid *grid, na_area area, int *page, na_error *err)
{
  na_area text = area;
  int code = NA_OK;
  if (area.rows >= PLOT_FROM_ROWS) {
    int wanted = c->lines > 0 ? c->lines + 2 : area.rows / 2;
    text.rows = wanted < area.rows / 2 ? wanted : area.rows / 2;
    area.rows -= text.rows;
    text.row = area.row + area.rows;
    code = draw_plot(c, grid, area, err);
  }
  text = frame(grid, text, "arms");
  *page = text.rows;
  int lines = code == NA_OK ? na_arms_draw_text(&c->arms, c->first, grid, text, err) : code;
  if (lines >= 0) c->lines = lines;
  return lines < 0 ? lines : NA_OK;
}

int na_compare_draw(na_compare *c, const char *folder, na_grid *grid, na_area area)
{
  na_error err = {0};
  int page = area.rows;
  if (is_due(c)) look(c, folder);
  const char *words = c->trouble;
  if (words[0] == '\0' && draw_all(c, grid, area, &page, &err) != NA_OK) words = err.message;
  na_grid_put(grid, area.row, area.col + 1, area.cols - 1, NA_STYLE_FAINT, words);
  return page;
}

/* ------------------------------------------------------------------------------ changing */

void na_compare_measure(na_compare *c, char *words)
{
  c->measure = (c->measure + 1) % NA_MEASURE_COUNT;
  c->looked = 0;
  snprintf(words, WORDS, "%s", na_measures[c->measure].words);
}

void na_compare_control(na_compare *c, char *words)
{
  c->control = c->control < c->arms.arm_count ? c->control + 1 : 0;
  c->looked = 0;
  if (c->control > 0)
    snprintf(words, WORDS, "every arm is compared with %.120s", c->arms.arms[c->control - 1].name);
  else
    snprintf(words, WORDS, "every two arms are compared");
}

void na_compare_turn(na_compare *c, char *words)
{
  c->heatmap = !c->heatmap;
  snprintf(words, WORDS, "%s",
           c->heatmap && c->lattice.rows == 0
               ? "a heatmap needs two settings that vary together: it comes when they do"
               : "");
}

void na_compare_pair(na_compare *c, char *words)
{
  const char *row, *column;
  c->looked = 0;
  c->heatmap = true;
  if (find_pair(&c->arms, ++c->pair, &row, &column)) {
    snprintf(words, WORDS, "%.70s over %.70s", row, column);
    return;
  }
  c->pair = 0;
  snprintf(words, WORDS, "the first two settings that make a heatmap");
}

void na_compare_scroll(na_compare *c, long lines, int page)
{
  long last = c->lines - page, first = c->first + lines;
  first = first > last ? last : first;
  c->first = first > 0 ? (int)first : 0;
}
