/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/browser.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

enum { FAR = 1000000, BACKSPACE = 0x7F, CONTROL_H = 8, CONTROL_U = 0x15 };

typedef struct key_line {
  int key, also;
  const char *name, *hint, *help;
} key_line;

#define KEY_LINE(action, key, also, name, hint, help) {key, also, name, hint, help},
static const key_line keys[] = {NA_INSPECT_KEYS(KEY_LINE)};
#undef KEY_LINE

static void up(na_browser *b) { na_inspect_scroll(&b->inspect, -1); }
static void down(na_browser *b) { na_inspect_scroll(&b->inspect, 1); }
static void page_up(na_browser *b) { na_inspect_scroll(&b->inspect, -b->inspect.rows); }
static void page_down(na_browser *b) { na_inspect_scroll(&b->inspect, b->inspect.rows); }
static void to_begin(na_browser *b) { na_inspect_scroll(&b->inspect, -FAR); }
static void to_end(na_browser *b) { na_inspect_scroll(&b->inspect, FAR); }
static void help(na_browser *b) { b->helping = !b->helping; }
static void leave(na_browser *b) { b->leaving = true; }

static const struct {
  key_line line;
  void (*act)(na_browser *browser);
} moves[] = {
    {{NA_KEY_UP, 'k', "up k", NULL, "the line before"}, up},
    {{NA_KEY_DOWN, 'j', "down j", NULL, "the next line"}, down},
    {{NA_KEY_PAGE_UP, 0, "PgUp", NULL, "a page back"}, page_up},
    {{NA_KEY_PAGE_DOWN, 0, "PgDn", NULL, "a page forward"}, page_down},
    {{NA_KEY_HOME, 'g', "Home g", NULL, "to the beginning"}, to_begin},
    {{NA_KEY_END, 'G', "End G", NULL, "to the end"}, to_end},
    {{'?', 0, "?", "help", "this help, and back"}, help},
    {{'q', 0, "q", "quit", "leave"}, leave},
};
enum { MOVES = sizeof moves / sizeof moves[0] };

int na_browser_open(na_browser *b, const char *file, const char *path, bool utf8, na_error *err)
{
  *b = (na_browser){.grid = {.utf8 = utf8}};
  int code = na_inspect_open(&b->inspect, file, err);
  if (code != NA_OK) return code;
  if (path != NULL) code = na_inspect_select(&b->inspect, path, err);
  if (code == NA_OK) code = na_grid_resize(&b->grid, 24, 80, err);
  if (code != NA_OK) na_browser_free(b);
  return code;
}

void na_browser_free(na_browser *b)
{
  na_inspect_close(&b->inspect);
  na_grid_free(&b->grid);
}

/* ----------------------------------------------------------------------------------- keys */

/* A line that is typed: its end is edited. */
static void type(na_browser *b, int key)
{
  size_t length = strlen(b->line);
  if (key == NA_KEY_ENTER || key == '\n' || key == NA_KEY_ESCAPE) {
    b->typing = false;
    na_inspect_typed(&b->inspect, key == NA_KEY_ESCAPE ? NULL : b->line);
  } else if (key == CONTROL_U) b->line[0] = '\0';
  else if (key == BACKSPACE || key == CONTROL_H) {
    while (length > 0 && (b->line[--length] & 0xC0) == 0x80) continue;
    b->line[length] = '\0';
  } else if (key >= ' ' && key < NA_KEY_UP && length + 5 < sizeof b->line) {
    na_buffer rune = {0};
    na_utf8_add(&rune, (uint32_t)key);
    if (rune.data != NULL) memcpy(b->line + length, rune.data, rune.length + 1);
    na_free(rune.data);
  }
}

static bool act(na_browser *b, int key)
{
  for (int i = 0; i < MOVES; i++)
    if (moves[i].line.key == key || (moves[i].line.also != 0 && moves[i].line.also == key)) {
      moves[i].act(b);
      return true;
    }
  for (int i = 0; i < NA_INSPECT_ACTIONS; i++)
    if (keys[i].key == key || (keys[i].also != 0 && keys[i].also == key)) {
      na_inspect_act(&b->inspect, (na_inspect_action)i);
      return true;
    }
  return false;
}

static bool scroll_help(na_browser *b, int key)
{
  int by = key == NA_KEY_UP || key == 'k'     ? -1
           : key == NA_KEY_DOWN || key == 'j' ? 1
           : key == NA_KEY_PAGE_UP            ? -b->grid.rows
           : key == NA_KEY_PAGE_DOWN          ? b->grid.rows
                                              : 0;
  b->help_top += by;
  return by != 0;
}

bool na_browser_key(na_browser *b, int key)
{
  na_inspect *s = &b->inspect;
  if (key == 0) return false;
  s->notice[0] = '\0';
  if (b->typing) {
    type(b, key);
    return true;
  }
  if (b->helping && scroll_help(b, key)) return true;
  if (b->helping && key != 'q') {
    b->helping = false;
    if (key == '?' || key == NA_KEY_ESCAPE) return true;
  }
  bool known = act(b, key);
  if (s->wanted) {
    b->typing = true;
    b->line[0] = '\0';
  }
  return known;
}

/* -------------------------------------------------------------------------------- drawing */

static void draw_help_line(na_browser *b, na_area area, int *line, const key_line *key)
{
  int row = (*line)++ - b->help_top;
  if (row < 0 || row >= area.rows) return;
  na_grid_put(&b->grid, area.row + row, area.col + 1, 8, NA_STYLE_KEY, key->name);
  na_grid_put(&b->grid, area.row + row, area.col + 10, area.cols - 10, NA_STYLE_PLAIN, key->help);
}

static void draw_help(na_browser *b, na_area area)
{
  na_area inside = na_grid_frame(&b->grid, area, "keys");
  int line = 0, lines = NA_INSPECT_ACTIONS + MOVES,
      most = lines > inside.rows ? lines - inside.rows : 0;
  if (b->help_top > most) b->help_top = most;
  if (b->help_top < 0) b->help_top = 0;
  for (int i = 0; i < MOVES; i++) draw_help_line(b, inside, &line, &moves[i].line);
  for (int i = 0; i < NA_INSPECT_ACTIONS; i++) draw_help_line(b, inside, &line, &keys[i]);
}

static int draw_hint(na_browser *b, int col, const key_line *key)
{
  int length = key->hint != NULL ? (int)(strlen(key->name) + strlen(key->hint)) + 3 : 0;
  if (length == 0 || col + length > b->grid.cols + 2) return col;
  int row = b->grid.rows - 1;
  col += na_grid_put(&b->grid, row, col, length, NA_STYLE_KEY, key->name) + 1;
  return col + na_grid_put(&b->grid, row, col, length, NA_STYLE_FAINT, key->hint) + 2;
}

static void draw_status(na_browser *b)
{
  const na_inspect *s = &b->inspect;
  int row = b->grid.rows - 1, col = 1;
  if (b->typing) {
    int used = na_grid_print(&b->grid, row, 0, b->grid.cols - 1, NA_STYLE_STRONG, "%s%s", s->label,
                             b->line);
    b->grid.cursor_row = row;
    b->grid.cursor_col = used;
  } else if (s->notice[0] != '\0') {
    na_grid_put(&b->grid, row, 1, b->grid.cols - 2, NA_STYLE_STRONG, s->notice);
  } else {
    for (int i = MOVES - 1; i >= 0; i--) col = draw_hint(b, col, &moves[i].line);
    for (int i = 0; i < NA_INSPECT_ACTIONS; i++) col = draw_hint(b, col, &keys[i]);
  }
}

void na_browser_draw(na_browser *b)
{
  na_area area = {0, 0, b->grid.rows - 1, b->grid.cols};
  na_grid_clear(&b->grid);
  draw_status(b);
  if (area.rows < 1) return;
  if (b->helping) draw_help(b, area);
  else na_inspect_draw(&b->inspect, &b->grid, area);
}
