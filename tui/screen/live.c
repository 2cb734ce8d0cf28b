/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "core/base/memory.h"
#include "tui/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE_COLS = 40, SIDE_FROM_COLS = 110, LOG_FROM_ROWS = 14, LOG_MOST_ROWS = 8, FRAME_FROM_ROWS = 10 };

static const double LR_FACTOR = 1.25;
static const double SMOOTHINGS[] = {0, 0.6, 0.9, 0.97, 0.99, 0.997};
enum { SMOOTHING_COUNT = sizeof SMOOTHINGS / sizeof SMOOTHINGS[0] };

typedef enum group { VIEW, STEER, CHART, SCROLL, GROUP_COUNT } group;
static const char *const group_names[GROUP_COUNT] = {"Views", "Steering", "Chart", "Log"};

typedef struct key_line {
  int key;
  const char *name;
  group group;
  const char *help;
} key_line;

#define KEY_LINE(action, key, name, group, help) {key, name, group, help},
static const key_line keys[] = {NA_LIVE_KEYS(KEY_LINE)};

/* ------------------------------------------------------------------------- the state */

int na_live_init(na_live *live, bool utf8, na_error *err)
{
  *live = (na_live){.smoothing = 0.9, .chart = {.accuracy = true, .cursor = NAN}};
  live->grid.utf8 = utf8;
  na_curves_smooth(&live->curves, live->smoothing);
  return na_grid_resize(&live->grid, 24, 80, err);
}

void na_live_free(na_live *live)
{
  na_grid_free(&live->grid);
  na_curves_free(&live->curves);
  na_log_free(&live->log);
}

void na_live_begin(na_live *live, const char *run, na_trainer *trainer, const na_net *net)
{
  na_curves_clear(&live->curves);
  live->chart.left = live->chart.right = 0;
  live->chart.cursor = NAN;
  live->step = (na_event){.steps = 0};
  live->what = NULL;
  live->question = NULL;
  live->leaving = false;
  live->trainer = trainer;
  live->net = net;
  live->notice[0] = '\0';
  snprintf(live->run, sizeof live->run, "%s", run != NULL ? run : "");
}

void na_live_end(na_live *live)
{
  live->trainer = NULL;
  live->net = NULL;
  live->question = NULL;
}

static void say(na_live *live, void (*write)(const na_event *event, na_buffer *out),
                const na_event *event)
{
  na_buffer line = {0};
  write(event, &line);
  if (line.data != NULL) na_log_add(&live->log, line.data, line.length);
  na_free(line.data);
}

static void write_text(const na_event *event, na_buffer *out)
{
  na_buffer_add(out, "%s\n", event->text);
}

void na_live_event(na_live *live, const na_event *event)
{
  na_error err = {0};
  if (na_curves_event(&live->curves, event, &err) != NA_OK)
    snprintf(live->notice, sizeof live->notice, "a point of the curves is missing: %.200s", err.message);
  if (event->kind != NA_EVENT_TASK) live->what = NULL;
  switch (event->kind) {
  case NA_EVENT_STEP: live->step = *event; break;
  case NA_EVENT_TASK:
    live->what = event->what;
    live->done = event->done;
    live->total = event->total;
    break;
  case NA_EVENT_EPOCH: say(live, na_progress_epoch_line, event); break;
  case NA_EVENT_EVALUATION: say(live, na_progress_evaluation_line, event); break;
  case NA_EVENT_STEER: say(live, na_progress_steer_line, event); break;
  case NA_EVENT_LOG: say(live, write_text, event); break;
  default: break;
  }
}

/* ------------------------------------------------------------------------- keys */

static void steer(na_live *live, na_steer kind, const char *argument)
{
  na_error err = {0};
  na_steering steering = {.kind = kind};
  snprintf(steering.argument, sizeof steering.argument, "%s", argument);
  if (live->trainer == NULL)
    snprintf(live->notice, sizeof live->notice, "no training is running");
  else if (na_trainer_steer(live->trainer, &steering, &err) != NA_OK)
    snprintf(live->notice, sizeof live->notice, "%.240s", err.message);
  else
    snprintf(live->notice, sizeof live->notice, "%s%s%s", na_steer_word(kind),
             argument[0] != '\0' ? " " : "", argument);
}

static void ask(na_live *live, na_steer kind, const char *question)
{
  if (live->trainer == NULL) {
    live->leaving = kind == NA_STEER_STOP; /* nothing could be lost */
    if (!live->leaving) snprintf(live->notice, sizeof live->notice, "no training is running");
    return;
  }
  live->asked = kind;
  live->question = question;
}

static void scale_rate(na_live *live, double factor)
{
  char argument[64], number[32];
  na_train train;
  if (live->trainer == NULL) {
    steer(live, NA_STEER_SET, "");
    return;
  }
  na_trainer_settings(live->trainer, &train, NULL);
  snprintf(number, sizeof number, "%.4g", train.lr * factor);
  snprintf(argument, sizeof argument, "train.lr = %s", number);
  steer(live, NA_STEER_SET, argument);
}

static void change_smoothing(na_live *live, int by)
{
  int at = 0;
  while (at + 1 < SMOOTHING_COUNT && SMOOTHINGS[at] < live->smoothing) at++;
  at += by;
  if (at < 0 || at >= SMOOTHING_COUNT) return;
  live->smoothing = SMOOTHINGS[at];
  na_curves_smooth(&live->curves, live->smoothing);
  snprintf(live->notice, sizeof live->notice, "smoothing %.3g", live->smoothing);
}

static void move_cursor(na_live *live, int by)
{
  double left, right;
  na_chart_range(&live->chart, &live->curves, &left, &right);
  double step = (right - left) / 50, at = live->chart.cursor;
  at = isnan(at) ? right : at + by * (step > 1 ? step : 1);
  live->chart.cursor = at < left ? left : at > right ? right : at;
}

static int log_rows(const na_live *live)
{
  return live->view == NA_VIEW_LOG ? live->grid.rows - 2 : LOG_MOST_ROWS;
}

static void toggle_help(na_live *live)
{
  if (live->view == NA_VIEW_HELP)
    live->view = live->before_help;
  else {
    live->before_help = live->view;
    live->view = NA_VIEW_HELP;
  }
}

/* The log, or the help when that is shown. */
static void scroll(na_live *live, int lines)
{
  if (live->view != NA_VIEW_HELP) {
    na_log_scroll(&live->log, lines, log_rows(live));
    return;
  }
  live->help_top -= lines;
  if (live->help_top < 0) live->help_top = 0;
}

static void act(na_live *live, na_live_action action)
{
  bool paused = live->trainer != NULL && na_trainer_paused(live->trainer);
  switch (action) {
  case NA_LIVE_CURVES: live->view = NA_VIEW_CURVES; break;
  case NA_LIVE_AUGMENT: live->view = NA_VIEW_AUGMENT; break;
  case NA_LIVE_LOG: live->view = NA_VIEW_LOG; break;
  case NA_LIVE_PROMPT: live->prompting = true; break;
  case NA_LIVE_HELP: toggle_help(live); break;
  case NA_LIVE_PAUSE: steer(live, paused ? NA_STEER_RESUME : NA_STEER_PAUSE, ""); break;
  case NA_LIVE_STEP: steer(live, NA_STEER_STEP, ""); break;
  case NA_LIVE_FASTER: scale_rate(live, LR_FACTOR); break;
  case NA_LIVE_SLOWER: scale_rate(live, 1 / LR_FACTOR); break;
  case NA_LIVE_EVALUATE: steer(live, NA_STEER_EVALUATE, ""); break;
  case NA_LIVE_CHECKPOINT: steer(live, NA_STEER_CHECKPOINT, ""); break;
  case NA_LIVE_AGREE: {
    na_agreement one;
    bool on = live->trainer != NULL && na_trainer_agreement(live->trainer, &one, 1, NULL) > 0;
    steer(live, NA_STEER_AGREEMENT, on ? "off" : "on");
    break;
  }
  case NA_LIVE_STOP_EPOCH: ask(live, NA_STEER_STOP_EPOCH, "stop at the end of this epoch?"); break;
  case NA_LIVE_STOP: ask(live, NA_STEER_STOP, "stop the training now, with a checkpoint?"); break;
  case NA_LIVE_QUANTITY: live->chart.accuracy = !live->chart.accuracy; break;
  case NA_LIVE_LOGARITHM:
    live->chart.log = !live->chart.log;
    live->chart.accuracy = false;
    break;
  case NA_LIVE_SMOOTHER: change_smoothing(live, 1); break;
  case NA_LIVE_ROUGHER: change_smoothing(live, -1); break;
  case NA_LIVE_ZOOM_IN: na_chart_zoom(&live->chart, &live->curves, 0.5); break;
  case NA_LIVE_ZOOM_OUT: na_chart_zoom(&live->chart, &live->curves, 2); break;
  case NA_LIVE_ZOOM_ALL: live->chart.left = live->chart.right = 0; break;
  case NA_LIVE_PAN_LEFT: na_chart_pan(&live->chart, &live->curves, -0.25); break;
  case NA_LIVE_PAN_RIGHT: na_chart_pan(&live->chart, &live->curves, 0.25); break;
  case NA_LIVE_CURSOR_LEFT: move_cursor(live, -1); break;
  case NA_LIVE_CURSOR_RIGHT: move_cursor(live, 1); break;
  case NA_LIVE_CURSOR_OFF: live->chart.cursor = NAN; break;
  case NA_LIVE_LOG_UP: scroll(live, 1); break;
  case NA_LIVE_LOG_DOWN: scroll(live, -1); break;
  case NA_LIVE_LOG_PAGE_UP: scroll(live, log_rows(live)); break;
  case NA_LIVE_LOG_PAGE_DOWN: scroll(live, -log_rows(live)); break;
  default: break;
  }
}

bool na_live_key(na_live *live, int key)
{
  live->notice[0] = '\0';
  if (live->question != NULL) {
    live->question = NULL;
    if (key != 'y' && key != 'Y') return true;
    live->leaving = live->asked == NA_STEER_STOP;
    steer(live, live->asked, "");
    return true;
  }
  for (int i = 0; i < NA_LIVE_ACTION_COUNT; i++)
    if (keys[i].key == key) {
      act(live, (na_live_action)i);
      return true;
    }
  return false;
}

/* ------------------------------------------------------------------------- drawing */

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

/* The line of entry; a long one is shown around the cursor. */
static void draw_entry(na_live *live, int row)
{
  na_grid *grid = &live->grid;
  int col = na_grid_put(grid, row, 0, grid->cols - 1, NA_STYLE_STRONG, live->prompt);
  int room = grid->cols - col - 1, before = 0;
  const char *from = live->entry, *cursor = live->entry + live->point;
  for (const char *c = from; c < cursor;) before += na_rune_columns(na_utf8_next(&c));
  while (before > room - 1 && from < cursor) before -= na_rune_columns(na_utf8_next(&from));
  na_grid_put(grid, row, col, room, NA_STYLE_PLAIN, from);
  grid->cursor_row = row;
  grid->cursor_col = col + before;
}

/* The keys that matter here, as far as they fit. */
static void draw_status(na_live *live)
{
  static const na_live_action hints[] = {NA_LIVE_PAUSE, NA_LIVE_QUANTITY, NA_LIVE_AUGMENT,
                                         NA_LIVE_LOG, NA_LIVE_PROMPT, NA_LIVE_STOP, NA_LIVE_HELP};
  static const char *const words[] = {"pause", "accuracy/loss", "augmentation", "log", "prompt", "quit",
                                      "help"};
  na_grid *grid = &live->grid;
  int row = grid->rows - 1, col = 1;
  if (live->entry != NULL) {
    draw_entry(live, row);
    return;
  }
  if (live->question != NULL) {
    na_grid_print(grid, row, 1, grid->cols - 2, NA_STYLE_ALERT, " %s y: yes, any other key: no ",
                  live->question);
    return;
  }
  if (live->notice[0] != '\0') {
    na_grid_put(grid, row, 1, grid->cols - 2, NA_STYLE_STRONG, live->notice);
    return;
  }
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
    int length = (int)(strlen(keys[hints[i]].name) + 1 + strlen(words[i]));
    if (col + length > grid->cols) continue;
    col += na_grid_put(grid, row, col, length, NA_STYLE_KEY, keys[hints[i]].name) + 1;
    col += na_grid_put(grid, row, col, length, NA_STYLE_FAINT, words[i]) + 2;
  }
}

/* All keys by group, from line `help_top` on where they do not fit. */
static void draw_help(na_live *live, na_area area)
{
  na_grid *grid = &live->grid;
  int line = 0, lines = NA_LIVE_ACTION_COUNT + GROUP_COUNT;
  if (live->help_top > lines - area.rows) live->help_top = lines > area.rows ? lines - area.rows : 0;
  for (int g = 0; g < GROUP_COUNT; g++) {
    for (int i = -1; i < NA_LIVE_ACTION_COUNT; i++) {
      if (i >= 0 && keys[i].group != (group)g) continue;
      int row = area.row + line++ - live->help_top;
      if (row < area.row || row >= area.row + area.rows) continue;
      if (i < 0) na_grid_put(grid, row, area.col, area.cols, NA_STYLE_TITLE, group_names[g]);
      else {
        na_grid_put(grid, row, area.col + 2, 6, NA_STYLE_KEY, keys[i].name);
        na_grid_put(grid, row, area.col + 9, area.cols - 9, NA_STYLE_PLAIN, keys[i].help);
      }
    }
  }
}

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

/* Each elastic dimension's candidates, how often each was drawn against what was expected. */
static void draw_dims(na_live *live, na_area area, const na_draw (*dims)[NA_LIST_MAX])
{
  int row = area.row, end = area.row + area.rows;
  na_augmentation lists;
  na_trainer_settings(live->trainer, NULL, &lists);
  for (int d = 0; d < live->net->dim_count && row < end; d++) {
    const na_dim *dim = &live->net->dims[d];
    const na_list *list = dim->kind == NA_DIM_WIDTH ? &lists.width : &lists.expand;
    if (dim->max <= dim->base || (dim->kind != NA_DIM_WIDTH && dim->kind != NA_DIM_EXPAND)) continue;
    na_grid_print(&live->grid, row++, area.col, area.cols, NA_STYLE_STRONG, "%s  base %d, widest %d",
                  dim->name, dim->base, dim->max);
    for (int k = 0; k < list->count && row < end; k++) {
      char what[32];
      snprintf(what, sizeof what, "  x%.4g", list->values[k]);
      draw_draw(&live->grid, row++, area, what, &dims[d][k]);
    }
  }
}

static void draw_sizes(na_live *live, na_area area, const na_draws *draws)
{
  na_grid *grid = &live->grid;
  int row = area.row;
  double most = 1;
  for (int i = 0; i < NA_DRAW_SIZES; i++)
    if (draws->sizes[i].count > most) most = draws->sizes[i].count;
  na_grid_print(grid, row++, area.col, area.cols, NA_STYLE_TITLE, "%ld sub-networks, by size (MACs)",
                draws->networks);
  for (int i = 0; i < NA_DRAW_SIZES && row < area.row + area.rows; i++) {
    const na_draw *d = &draws->sizes[i];
    na_grid_print(grid, row, area.col, 10, NA_STYLE_PLAIN, "%3d-%d%%", 10 * i, 10 * i + 10);
    na_grid_bar(grid, row, area.col + 9, 10, NA_STYLE_WIDE, d->count / most);
    if (d->count > 0)
      na_grid_print(grid, row, area.col + 20, area.cols - 20, NA_STYLE_PLAIN, "%5.0f  loss %.3f",
                    d->count, d->loss / d->count);
    row++;
  }
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
              count > 0 ? "gradients: cosine, ratio" : "gradients: g compares them");
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

static void draw_augment(na_live *live, na_area area)
{
  if (live->trainer == NULL || live->net == NULL) {
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT, "no training is running");
    return;
  }
  na_draws draws;
  na_draw(*dims)[NA_LIST_MAX] =
      na_alloc_array((size_t)live->net->dim_count, sizeof *dims);
  if (dims == NULL) return;
  na_trainer_draws(live->trainer, &draws, dims);
  bool wide = area.cols >= 100;
  na_area left = area, right = area;
  if (wide) {
    left.cols = area.cols - 44;
    right.col = area.col + left.cols + 2;
    right.cols = 42;
  }
  if (draws.networks == 0)
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT,
                "no sub-network was drawn yet: this phase trains the base alone");
  else
    draw_dims(live, left, (const na_draw(*)[NA_LIST_MAX])dims);
  if (wide) {
    draw_sizes(live, right, &draws);
    right.row += NA_DRAW_SIZES + 2;
    right.rows -= NA_DRAW_SIZES + 2;
    if (right.rows > 1) draw_agreement(live, right);
  }
  na_free(dims);
}

static na_area framed(na_live *live, na_area area, const char *title)
{
  return live->grid.rows >= FRAME_FROM_ROWS ? na_grid_frame(&live->grid, area, title) : area;
}

static void draw_curves(na_live *live, na_area area)
{
  na_error err = {0};
  na_area log = area, side = area;
  bool with_log = area.rows + 2 >= LOG_FROM_ROWS;
  if (with_log) {
    log.rows = area.rows / 4 < LOG_MOST_ROWS ? area.rows / 4 : LOG_MOST_ROWS;
    area.rows -= log.rows;
    log.row = area.row + area.rows;
  }
  if (live->grid.cols >= SIDE_FROM_COLS && live->trainer != NULL && area.rows >= NA_DRAW_SIZES + 3) {
    na_draws draws;
    side.rows = area.rows;
    side.cols = SIDE_COLS;
    side.col = area.col + area.cols - SIDE_COLS;
    area.cols -= SIDE_COLS;
    na_trainer_draws(live->trainer, &draws, NULL);
    draw_sizes(live, na_grid_frame(&live->grid, side, "augmentation"), &draws);
  }
  char title[80];
  snprintf(title, sizeof title, live->chart.accuracy ? "accuracy, %%" : live->chart.log ? "loss, logarithmic" : "loss");
  na_area inside = framed(live, area, title);
  if (na_chart_draw(&live->chart, &live->curves, &live->grid, inside, &err) != NA_OK)
    na_grid_put(&live->grid, inside.row, inside.col, inside.cols, NA_STYLE_ALERT, err.message);
  if (with_log) na_log_draw(&live->log, &live->grid, na_grid_frame(&live->grid, log, "log"));
}

void na_live_draw(na_live *live)
{
  na_grid *grid = &live->grid;
  na_grid_clear(grid);
  na_area area = {1, 0, grid->rows - 2, grid->cols};
  draw_header(live);
  if (grid->rows >= 2) draw_status(live);
  if (area.rows < 1) return;
  switch (live->view) {
  case NA_VIEW_CURVES: draw_curves(live, area); break;
  case NA_VIEW_AUGMENT: draw_augment(live, framed(live, area, "augmentation")); break;
  case NA_VIEW_LOG: na_log_draw(&live->log, grid, framed(live, area, "log")); break;
  case NA_VIEW_HELP: draw_help(live, framed(live, area, "keys")); break;
  }
}
