/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"

#include <stdio.h>
#include <string.h>

enum { FRAME_FROM_ROWS = 10, ENTRY_LEAST_COLS = 10, PIECES_MOST = NA_SPOTS_MOST };

/* Right-aligned pieces of the header: the least important are left out when it is narrow. */
static void draw_header(na_live *live)
{
  na_grid *grid = &live->grid;
  const na_event *step = &live->step;
  char eta[16], right[160] = "", left[160];
  bool paused = live->trainer != NULL && na_trainer_paused(live->trainer);
  na_text_duration(eta, step->eta);
  snprintf(left, sizeof left, " %s", live->run[0] != '\0' ? live->run : "netaug");
  int used = na_grid_put(grid, 0, 0, grid->cols / 3, NA_STYLE_STRONG, left);
  if (step->steps == 0) {
    na_grid_put(grid, 0, used + 2, grid->cols - used - 2, NA_STYLE_FAINT,
                live->what != NULL      ? live->what
                : live->busy            ? "Lua computes: Ctrl-C interrupts it"
                : live->trainer != NULL ? "starting"
                                        : "Network Augmentation: : is the prompt, ? the keys");
    return;
  }
  if (grid->cols >= 60)
    snprintf(right, sizeof right, "%.0f img/s  lr %.4g  ETA %s ", step->images_per_second, step->lr, eta);
  else if (grid->cols >= 40)
    snprintf(right, sizeof right, "ETA %s ", eta);
  int length = na_utf8_columns(right);
  na_grid_put(grid, 0, grid->cols - length, length, NA_STYLE_PLAIN, right);
  int epoch = step->epoch + 1 < step->epochs ? step->epoch + 1 : step->epochs;
  used += 2;
  used += na_grid_print(grid, 0, used, grid->cols - length - used, NA_STYLE_PLAIN, "epoch %d/%d",
                        epoch, step->epochs);
  if (grid->cols >= 90 && live->what == NULL)
    used += 2 + na_grid_put(grid, 0, used + 2, 10, NA_STYLE_FAINT, na_phase_name(step->phase));
  if (live->busy) used += 2 + na_grid_put(grid, 0, used + 2, 12, NA_STYLE_ALERT, " Lua computes ");
  if (paused) used += 2 + na_grid_put(grid, 0, used + 2, 8, NA_STYLE_ALERT, " paused ");
  double share = (double)step->step / (double)step->steps;
  int room = grid->cols - length - used - 4;
  if (live->what != NULL && room > 30) {
    used += 2 + na_grid_put(grid, 0, used + 2, 20, NA_STYLE_FAINT, live->what);
    if (live->total > 0) share = (double)live->done / (double)live->total;
    room = grid->cols - length - used - 4;
  }
  if (room > 40) room = 40;
  if (room >= 6) na_grid_bar(grid, 0, used + 2, room, NA_STYLE_BAR, share);
}

/* A question that waits for a key; what the keys mean is told in brief where there is little room. */
static void draw_question(na_live *live, int row)
{
  na_grid *grid = &live->grid;
  const na_request *q = &live->question;
  bool whole = na_utf8_columns(q->text) + na_utf8_columns(q->choices) + 4 <= grid->cols;
  const char *choices = whole ? q->choices : q->brief;
  int cols = na_utf8_columns(choices) + 2, room = grid->cols - cols - 1;
  int used = na_grid_print(grid, row, 1, room > 0 ? room : 0, NA_STYLE_ALERT, " %s", q->text);
  na_grid_print(grid, row, 1 + used, cols, NA_STYLE_ALERT, " %s ", choices);
}

/* The line of entry; a long one is shown around the cursor. */
static void draw_entry(na_live *live, int row)
{
  na_grid *grid = &live->grid;
  int most = grid->cols - 1 > 2 * ENTRY_LEAST_COLS ? grid->cols - 1 - ENTRY_LEAST_COLS : ENTRY_LEAST_COLS;
  int col = na_grid_put(grid, row, 0, most, NA_STYLE_STRONG, live->prompt);
  int room = grid->cols - col - 1, before = 0;
  const char *from = live->entry, *cursor = live->entry + live->point;
  for (const char *c = from; c < cursor;) before += na_rune_columns(na_utf8_next(&c));
  while (before > room - 1 && from < cursor) before -= na_rune_columns(na_utf8_next(&from));
  int used = na_grid_put(grid, row, col, room, NA_STYLE_PLAIN, from);
  int notice = na_utf8_columns(live->notice);
  if (notice > 0 && used + notice + 2 < room)
    na_grid_put(grid, row, grid->cols - notice, notice, NA_STYLE_FAINT, live->notice);
  grid->cursor_row = row;
  grid->cursor_col = col + before;
}

/* ------------------------------------------------------------------------- the last line */

/* A key that matters here. */
typedef struct piece {
  int key;
  const char *name, *word;
  int rank; /* the lowest stay when there is little room */
} piece;

typedef struct pieces {
  piece list[PIECES_MOST];
  int count;
} pieces;

static void add_piece(pieces *p, int key, const char *name, const char *word, int rank)
{
  if (word == NULL || p->count == PIECES_MOST) return;
  p->list[p->count++] = (piece){key, name, word, rank};
}

static bool has_key(const na_keys *keys, int key)
{
  for (int i = 0; keys != NULL && i < keys->count; i++)
    if (keys->list[i].key == key) return true;
  return false;
}

/* Those that the view has not given another meaning. */
static void add_keys(pieces *p, const na_keys *keys, const na_keys *of_view, int rank)
{
  for (int i = 0; keys != NULL && i < keys->count; i++)
    if (!has_key(of_view, keys->list[i].key))
      add_piece(p, keys->list[i].key, keys->list[i].name, keys->list[i].hint, rank);
}

static pieces collect(const na_live *live)
{
  pieces p = {.count = 0};
  add_keys(&p, na_live_keys(0), live->view->keys, 2);
  add_keys(&p, live->view->keys, NULL, 2);
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i] != live->view && na_views[i] != &na_view_help)
      add_piece(&p, na_views[i]->key, na_views[i]->key_name, na_views[i]->name, 3);
  for (int i = 1; na_live_keys(i) != NULL; i++) add_keys(&p, na_live_keys(i), live->view->keys, 1);
  const char *help = live->view == &na_view_help ? "back" : na_view_help.name;
  add_piece(&p, na_view_help.key, na_view_help.key_name, help, 0);
  return p;
}

static int piece_columns(const piece *p)
{
  return na_utf8_columns(p->name) + 1 + na_utf8_columns(p->word) + 2;
}

/* The important ones first, as far as they fit, in the order of the list. */
static void draw_hints(na_live *live, int row, const pieces *p)
{
  na_grid *grid = &live->grid;
  bool shown[PIECES_MOST] = {false};
  int room = grid->cols + 1, col = 1;
  for (int rank = 0; rank <= 3; rank++)
    for (int i = 0; i < p->count; i++) {
      if (p->list[i].rank != rank || piece_columns(&p->list[i]) > room) continue;
      shown[i] = true;
      room -= piece_columns(&p->list[i]);
    }
  for (int i = 0; i < p->count; i++) {
    if (!shown[i]) continue;
    int cols = piece_columns(&p->list[i]) - 1;
    live->spots[live->spot_count++] = (na_spot){col, cols, p->list[i].key};
    col += na_grid_put(grid, row, col, grid->cols - col, NA_STYLE_KEY, p->list[i].name) + 1;
    col += na_grid_put(grid, row, col, grid->cols - col, NA_STYLE_FAINT, p->list[i].word) + 2;
  }
}

static void draw_status(na_live *live)
{
  na_grid *grid = &live->grid;
  int row = grid->rows - 1;
  live->spot_count = 0;
  if (live->asking && !live->question.line) {
    draw_question(live, row);
  } else if (live->entry != NULL) {
    draw_entry(live, row);
  } else if (live->notice[0] != '\0') {
    na_grid_put(grid, row, 1, grid->cols - 2, NA_STYLE_STRONG, live->notice);
  } else {
    pieces p = collect(live);
    draw_hints(live, row, &p);
  }
}

/* ------------------------------------------------------------------------- the whole */

na_area na_live_frame(na_live *live, na_area area, const char *title)
{
  return live->grid.rows >= FRAME_FROM_ROWS ? na_grid_frame(&live->grid, area, title) : area;
}

void na_live_draw(na_live *live)
{
  na_grid *grid = &live->grid;
  na_grid_clear(grid);
  na_area area = {1, 0, grid->rows - 2, grid->cols};
  draw_header(live);
  if (grid->rows >= 2) draw_status(live);
  if (area.rows < 1) return;
  if (live->view->title != NULL) area = na_live_frame(live, area, live->view->title);
  live->view->draw(live, area);
}
