/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"

typedef struct help {
  int top; /* first line that is shown */
  na_area area;
  int line; /* the next one */
} help;

static help *state(na_live *live)
{
  return na_view_state(live, &na_view_help);
}

/* The row of the next line, or -1 where it is not shown. */
static int next_row(help *h)
{
  int row = h->line++ - h->top;
  return row >= 0 && row < h->area.rows ? h->area.row + row : -1;
}

static void title(na_live *live, const char *text)
{
  help *h = state(live);
  int row = next_row(h);
  if (row >= 0) na_grid_put(&live->grid, row, h->area.col, h->area.cols, NA_STYLE_TITLE, text);
}

static void key_line(na_live *live, const char *name, const char *text)
{
  help *h = state(live);
  int row = next_row(h), col = h->area.col + 10;
  if (row < 0) return;
  na_grid_put(&live->grid, row, h->area.col + 2, 7, NA_STYLE_KEY, name);
  na_grid_put(&live->grid, row, col, h->area.cols - 10, NA_STYLE_PLAIN, text);
}

static void keys(na_live *live, const na_keys *keys)
{
  if (keys == NULL) return;
  title(live, keys->title);
  for (int i = 0; i < keys->count; i++) key_line(live, keys->list[i].name, keys->list[i].help);
}

/* Views may share their keys. */
static bool shown_before(int view)
{
  for (int i = 0; i < view; i++)
    if (na_views[i]->keys == na_views[view]->keys) return true;
  return false;
}

/* The keys of the view it was called from come first. */
static void draw_all(na_live *live)
{
  title(live, "Views");
  for (int i = 0; i < NA_VIEW_COUNT; i++) key_line(live, na_views[i]->key_name, na_views[i]->help);
  keys(live, live->before_help->keys);
  for (int i = 0; na_live_keys(i) != NULL; i++) keys(live, na_live_keys(i));
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i]->keys != live->before_help->keys && !shown_before(i)) keys(live, na_views[i]->keys);
}

static void draw(na_live *live, na_area area)
{
  help *h = state(live);
  h->area = (na_area){.rows = 0}; /* nowhere: it counts the lines */
  h->line = 0;
  draw_all(live);
  int most = h->line > area.rows ? h->line - area.rows : 0;
  if (h->top > most) h->top = most;
  live->page = area.rows;
  h->area = area;
  h->line = 0;
  draw_all(live);
}

static void scroll(na_live *live, long lines)
{
  help *h = state(live);
  long top = h->top + lines;
  h->top = top < 0 ? 0 : top > h->line ? h->line : (int)top;
}

const na_view na_view_help = {
    .name = "help",
    .title = "keys",
    .key = '?',
    .key_name = "?",
    .help = "this help, and back",
    .state_size = sizeof(help),
    .draw = draw,
    .scroll = scroll,
};
