/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "core/base/memory.h"
#include "tui/screen/sizes.h"
#include "tui/screen/whatif.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------- what if */

typedef struct augment {
  na_whatif whatif;
  const char *editing; /* what is being typed: "width", "expand", "r"; NULL: nothing */
  na_whatif before;    /* what was tried when typing began */
  int top, lines;      /* of the dimensions: the first one that is shown, and all */
} augment;

static augment *state(na_live *live)
{
  return na_view_state(live, &na_view_augment);
}

static bool trains(na_live *live)
{
  if (live->trainer != NULL && live->net != NULL) return true;
  na_live_say(live, "no training is running");
  return false;
}

static int update(na_live *live, na_error *err)
{
  na_train train;
  na_augmentation lists;
  na_trainer_settings(live->trainer, &train, &lists);
  return na_whatif_update(&state(live)->whatif, live->net, &train, &lists, live->step.phase, err);
}

/* Each key tries what was typed so far; what makes no sense yet is told of in the view. */
static void take(na_live *live, const char *text, bool done)
{
  augment *a = state(live);
  na_error problem = {0};
  if (text == NULL) a->whatif = a->before;
  else if (live->net != NULL) na_whatif_edit(&a->whatif, live->net, a->editing, text, &problem);
  a->whatif.problem = problem;
  if (done) a->editing = NULL;
  if (done && problem.code != NA_OK) na_live_say(live, "%.240s", problem.message);
}

static void edit(na_live *live, const char *name, const char *label, const char *text)
{
  augment *a = state(live);
  a->before = a->whatif;
  a->editing = name;
  na_live_ask_line(live, label, text, take);
}

static void edit_list(na_live *live, const char *name, const char *label)
{
  na_error err = {0};
  na_buffer text = {0};
  const na_whatif *w = &state(live)->whatif;
  if (!trains(live) || update(live, &err) != NA_OK) return;
  na_settings_write(na_settings_find(&na_augment_settings, name),
                    w->edited ? &w->then.lists : &w->now.lists, &text);
  edit(live, name, label, text.data != NULL ? text.data : "");
  na_free(text.data);
}

static void edit_width(na_live *live) { edit_list(live, "width", "width, what if: "); }
static void edit_expand(na_live *live) { edit_list(live, "expand", "expand, what if: "); }

static void edit_factor(na_live *live)
{
  na_error err = {0};
  if (trains(live) && update(live, &err) == NA_OK)
    edit(live, "r", "r and s, what if: ", state(live)->whatif.r);
}

static void apply(na_live *live)
{
  na_buffer text = {0};
  na_whatif *w = &state(live)->whatif;
  na_whatif_write(w, &text);
  na_live_steer(live, NA_STEER_SET, text.data != NULL ? text.data : "");
  na_free(text.data);
  na_whatif_forget(w);
}

static void ask_apply(na_live *live)
{
  na_whatif *w = &state(live)->whatif;
  if (!trains(live)) return;
  if (!w->edited) na_live_say(live, "nothing to set: w, x and r try other lists first");
  else if (!w->then.cost.fits)
    na_live_say(live, "this network has fewer channels: start a run with these lists");
  else na_live_ask(live, "draw from these lists from the next step on?", apply);
}

static void forget(na_live *live) { na_whatif_forget(&state(live)->whatif); }

static void put_lists(na_grid *grid, int row, na_area area, na_style style, const char *what,
                      const na_augmentation *lists)
{
  na_buffer text = {0};
  na_buffer_add(&text, "%-5s width ", what);
  na_settings_write(na_settings_find(&na_augment_settings, "width"), lists, &text);
  na_buffer_add(&text, "   expand ");
  na_settings_write(na_settings_find(&na_augment_settings, "expand"), lists, &text);
  if (text.data != NULL) na_grid_put(grid, row, area.col, area.cols, style, text.data);
  na_free(text.data);
}

enum { LABEL_COLS = 12, CELL_COLS = 12, COSTS_ROWS = 5, SIDE_COLS = 42, SIDE_FROM_COLS = 120 };

/* A label and cells to the right of it, as far as they fit. */
static void put_cells(na_grid *grid, int row, na_area area, na_style style, const char *label,
                      char (*cells)[24], int count)
{
  na_grid_put(grid, row, area.col, LABEL_COLS, NA_STYLE_FAINT, label);
  for (int i = 0; i < count; i++) {
    int end = LABEL_COLS + (i + 1) * CELL_COLS, length = na_utf8_columns(cells[i]);
    if (end > area.cols) return;
    na_grid_put(grid, row, area.col + end - length, length, i >= 3 ? NA_STYLE_STRONG : style, cells[i]);
  }
}

static void format_time(char cell[24], const char *about, double seconds)
{
  snprintf(cell, 24, "%s%.3g %s", about, seconds < 1 ? 1e3 * seconds : seconds, seconds < 1 ? "ms" : "s");
}

/* Seconds of a step, measured; 0: not yet. */
static double step_seconds(const na_live *live)
{
  const na_event *e = &live->step;
  if (e->merged == 0 || !(e->images_per_second > 0)) return 0;
  return (double)e->base.images / e->merged / e->images_per_second;
}

static void put_times(na_live *live, int row, na_area area, const na_whatif *w, int count)
{
  char cells[5][24] = {"", "", "", "", ""};
  double seconds = step_seconds(live), ratio = w->edited ? na_whatif_ratio(w) : 1;
  if (!(seconds > 0)) return;
  format_time(cells[1], "", seconds);
  format_time(cells[3], "~", seconds * ratio);
  snprintf(cells[4], sizeof cells[4], "%+.0f%%", 100 * (ratio - 1));
  put_cells(&live->grid, row, area, NA_STYLE_PLAIN, "time a step", cells, count);
}

/* Base, mean and widest sub-network as they are, and mean and widest as they would be. */
static void draw_costs(na_live *live, na_area area, const na_whatif *w)
{
  static const char *const labels[] = {"parameters", "MACs", "peak memory"};
  char heads[5][24] = {"base", "mean", "widest", "new mean", "new widest"};
  const na_forecast *now = &w->now.cost, *then = &w->then.cost;
  const double values[3][5] = {
      {(double)now->base.parameters, (double)now->mean.parameters, (double)now->widest.parameters,
       (double)then->mean.parameters, (double)then->widest.parameters},
      {(double)now->base.macs, (double)now->mean.macs, (double)now->widest.macs,
       (double)then->mean.macs, (double)then->widest.macs},
      {(double)now->base_peak, (double)now->mean_peak, (double)now->widest_peak,
       (double)then->mean_peak, (double)then->widest_peak}};
  int row = area.row, count = w->edited ? 5 : 3;
  put_cells(&live->grid, row++, area, NA_STYLE_TITLE, "one image", heads, count);
  for (int i = 0; i < 3; i++) {
    char cells[5][24];
    for (int k = 0; k < 5; k++) {
      char text[16];
      if (i == 2) na_text_bytes(text, values[i][k]);
      else na_text_count(text, values[i][k]);
      snprintf(cells[k], sizeof cells[k], "%s", text);
    }
    put_cells(&live->grid, row++, area, NA_STYLE_PLAIN, labels[i], cells, count);
  }
  put_times(live, row, area, w, count);
}

/* The lists, those that are tried, and what they cost. Returns the rows used. */
static int draw_whatif(na_live *live, na_area area)
{
  na_error err = {0};
  na_grid *grid = &live->grid;
  const na_whatif *w = &state(live)->whatif;
  int row = area.row;
  if (update(live, &err) != NA_OK) {
    na_grid_put(grid, row, area.col, area.cols, NA_STYLE_ALERT, err.message);
    return 1;
  }
  put_lists(grid, row++, area, NA_STYLE_STRONG, "now", &w->now.lists);
  if (w->problem.code != NA_OK && area.rows > 1)
    na_grid_put(grid, row++, area.col, area.cols, NA_STYLE_ALERT, w->problem.message);
  else if (w->edited && area.rows > 1)
    put_lists(grid, row++, area, NA_STYLE_WIDE, w->then.cost.fits ? "new" : "wider", &w->then.lists);
  int used = row - area.row, least = COSTS_ROWS + (w->edited ? used : used + COSTS_ROWS);
  if (area.rows < least) return used;
  draw_costs(live, (na_area){row, area.col, COSTS_ROWS, area.cols}, w);
  return used + COSTS_ROWS + 1;
}

/* ------------------------------------------------------------------------- what was drawn */

static void draw_draw(na_grid *grid, int row, na_area area, const char *what, const na_draw *draw)
{
  na_grid_put(grid, row, area.col, 10, NA_STYLE_PLAIN, what);
  double share = draw->expected > 0 ? draw->count / draw->expected / 2 : 0;
  int bar = area.cols >= 60 ? 20 : 10;
  na_grid_bar(grid, row, area.col + 11, bar, NA_STYLE_WIDE, share);
  na_grid_print(grid, row, area.col + 12 + bar, area.cols - 12 - bar, NA_STYLE_PLAIN,
                draw->expected > 0 ? "%6.0f of %.0f" : "%6.0f", draw->count, draw->expected);
  if (draw->count > 0 && area.cols >= 50)
    na_grid_print(grid, row, area.col + 30 + bar, area.cols - 30 - bar, NA_STYLE_FAINT, "loss %.3f",
                  draw->loss / draw->count);
}

/* The row of the next line of the dimensions, or -1 where it is not shown. */
static int next_row(augment *a, na_area area)
{
  int row = a->lines++ - a->top;
  return row >= 0 && row < area.rows ? area.row + row : -1;
}

static bool is_drawn(const na_dim *dim)
{
  return dim->max > dim->base && (dim->kind == NA_DIM_WIDTH || dim->kind == NA_DIM_EXPAND);
}

/* Each elastic dimension's candidates, how often each was drawn against what was expected. */
static void draw_dims(na_live *live, na_area area, const na_draw (*dims)[NA_LIST_MAX])
{
  augment *a = state(live);
  const na_augmentation *lists = &a->whatif.now.lists;
  a->lines = 0;
  for (int d = 0; d < live->net->dim_count; d++) {
    const na_dim *dim = &live->net->dims[d];
    const na_list *list = dim->kind == NA_DIM_WIDTH ? &lists->width : &lists->expand;
    if (!is_drawn(dim)) continue;
    int row = next_row(a, area);
    if (row >= 0)
      na_grid_print(&live->grid, row, area.col, area.cols, NA_STYLE_STRONG, "%s  base %d, widest %d",
                    dim->name, dim->base, dim->max);
    for (int k = 0; k < list->count; k++) {
      char what[32];
      snprintf(what, sizeof what, "  x%.4g", list->values[k]);
      row = next_row(a, area);
      if (row >= 0) draw_draw(&live->grid, row, area, what, &dims[d][k]);
    }
  }
  live->page = area.rows;
}

static void scroll(na_live *live, long lines)
{
  augment *a = state(live);
  long most = a->lines > live->page ? a->lines - live->page : 0, top = a->top + lines;
  a->top = (int)(top < 0 ? 0 : top > most ? most : top);
}

/* "backbone.stages.0.op_list.1.conv.depth_conv" as "stages.0.1.depth_conv". */
static void shorten(const char *name, char out[96])
{
  static const char *const parts[] = {"backbone.", "op_list.", "conv."};
  size_t used = 0;
  while (*name != '\0' && used + 1 < 96) {
    size_t skip = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && skip == 0; i++)
      if ((used == 0 || out[used - 1] == '.') && strncmp(name, parts[i], strlen(parts[i])) == 0)
        skip = strlen(parts[i]);
    name += skip;
    if (skip == 0) out[used++] = *name++;
  }
  out[used] = '\0';
}

static void draw_agreement(na_live *live, na_area area)
{
  na_grid *grid = &live->grid;
  enum { MOST = 256 };
  na_agreement list[MOST];
  int count = na_trainer_agreement(live->trainer, list, MOST, NULL), row = area.row;
  na_grid_put(grid, row++, area.col, area.cols, NA_STYLE_TITLE,
              count > 0 ? "gradients: cosine, ratio" : "gradients: v compares them");
  for (int i = 0; i < count && i < MOST && row < area.row + area.rows; i++) {
    char figures[32];
    snprintf(figures, sizeof figures, "%+.2f %6.2f", list[i].mean_cosine, list[i].mean_ratio);
    char name[96];
    shorten(live->net->layers[list[i].layer].name, name);
    na_grid_put(grid, row, area.col, area.cols - 14, NA_STYLE_PLAIN, name);
    na_grid_put(grid, row++, area.col + area.cols - 13, 13,
                list[i].mean_cosine < 0 ? NA_STYLE_ALERT : NA_STYLE_PLAIN, figures);
  }
}

static void draw_drawn(na_live *live, na_area area, const na_draws *draws, const na_draw (*dims)[NA_LIST_MAX])
{
  if (draws->networks == 0)
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT,
                "no sub-network was drawn yet, or this phase trains the base alone");
  else
    draw_dims(live, area, dims);
}

static void draw_side(na_live *live, na_area area, const na_draws *draws)
{
  na_sizes_draw(&live->grid, area, draws);
  area.row += NA_DRAW_SIZES + 2;
  area.rows -= NA_DRAW_SIZES + 2;
  if (area.rows > 1) draw_agreement(live, area);
}

static void draw(na_live *live, na_area area)
{
  if (live->trainer == NULL || live->net == NULL) {
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT, "no training is running");
    return;
  }
  na_draws draws;
  na_draw(*dims)[NA_LIST_MAX] = na_alloc_array((size_t)live->net->dim_count, sizeof *dims);
  if (dims == NULL) return;
  na_trainer_draws(live->trainer, &draws, dims);
  na_area left = area, right = area;
  bool wide = area.cols >= SIDE_FROM_COLS;
  if (wide) {
    left.cols = area.cols - SIDE_COLS - 2;
    right.col = area.col + left.cols + 2;
    right.cols = SIDE_COLS;
    draw_side(live, right, &draws);
  }
  int used = draw_whatif(live, left);
  left.row += used;
  left.rows -= used;
  if (left.rows > 0) draw_drawn(live, left, &draws, (const na_draw(*)[NA_LIST_MAX])dims);
  na_free(dims);
}

static void compare_gradients(na_live *live)
{
  na_agreement one;
  bool on = live->trainer != NULL && na_trainer_agreement(live->trainer, &one, 1, NULL) > 0;
  na_live_steer(live, NA_STEER_AGREEMENT, on ? "off" : "on");
}

static const na_key list[] = {
    {'w', 0, "w", "width", "what if widths were drawn from another list", edit_width},
    {'x', 0, "x", "expand", "what if expand ratios were", edit_expand},
    {'r', 0, "r", "r,s", "what if both were made of r (the largest) and s (how finely)", edit_factor},
    {NA_KEY_ENTER, 0, "Enter", "set", "set the lists that were tried, from the next step on (asks)", ask_apply},
    {NA_KEY_ESCAPE, 0, "Esc", NULL, "forget them", forget},
    {'v', 0, "v", NULL, "compare gradients of base and augmented: on, off", compare_gradients},
};
static const na_keys keys = NA_KEYS("Augmentation", list);

const na_view na_view_augment = {
    .name = "augmentation",
    .title = "augmentation",
    .key = '2',
    .key_name = "2",
    .help = "augmentation: what was drawn, what other lists would cost",
    .keys = &keys,
    .state_size = sizeof(augment),
    .draw = draw,
    .scroll = scroll,
};
