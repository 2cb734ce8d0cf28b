/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "core/base/memory.h"
#include "tui/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double FACTOR = 1.25; /* of a key's change */
static const long FAR = 1000000; /* lines: the beginning, the end */

#define VIEW_ADDRESS(name) &na_view_##name,
const na_view *const na_views[NA_VIEW_COUNT] = {NA_VIEWS(VIEW_ADDRESS)};

/* ------------------------------------------------------------------------- the state */

static int make_states(na_live *live, na_error *err)
{
  for (int i = 0; i < NA_VIEW_COUNT; i++) {
    if (na_views[i]->state_size == 0) continue;
    live->states[i] = na_alloc(na_views[i]->state_size);
    if (live->states[i] == NULL) return na_fail_memory(err, na_views[i]->state_size, "a view");
  }
  return NA_OK;
}

int na_live_init(na_live *live, bool utf8, na_error *err)
{
  *live = (na_live){.smoothing = 0.9, .view = &na_view_curves, .before_help = &na_view_curves,
                    .chart = {.accuracy = true, .cursor = NAN},
                    .overlay = {.curve = NA_CURVE_BASE_VAL}};
  live->grid.utf8 = utf8;
  na_curves_smooth(&live->curves, live->smoothing);
  na_overlay_smooth(&live->overlay, live->smoothing);
  int code = make_states(live, err);
  if (code == NA_OK) code = na_grid_resize(&live->grid, 24, 80, err);
  if (code != NA_OK) na_live_free(live);
  return code;
}

void na_live_free(na_live *live)
{
  for (int i = 0; i < NA_VIEW_COUNT; i++) {
    if (live->states[i] != NULL && na_views[i]->free != NULL) na_views[i]->free(live->states[i]);
    na_free(live->states[i]);
    live->states[i] = NULL;
  }
  na_grid_free(&live->grid);
  na_curves_free(&live->curves);
  na_overlay_free(&live->overlay);
  na_laid_free(live->opened);
  live->opened = NULL;
  na_log_free(&live->log);
}

void *na_view_state(na_live *live, const na_view *view)
{
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i] == view) return live->states[i];
  return NULL;
}

void na_live_begin(na_live *live, const char *run, na_trainer *trainer, const na_net *net)
{
  na_curves_clear(&live->curves);
  na_live_open(live, NULL, NULL);
  live->chart.left = live->chart.right = 0;
  live->chart.cursor = NAN;
  live->step = (na_event){.steps = 0};
  live->what = NULL;
  live->asking = false;
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
  live->asking = false;
}

/* ------------------------------------------------------------------------- other runs */

na_curves *na_live_curves(na_live *live)
{
  return live->opened != NULL ? &live->opened->curves : &live->curves;
}

void na_live_open(na_live *live, const char *name, na_error *err)
{
  na_laid *laid = name != NULL ? na_laid_new(name, live->smoothing, err) : NULL;
  if (name != NULL && laid == NULL) return;
  na_laid_free(live->opened);
  live->opened = laid;
  live->chart.left = live->chart.right = 0;
  live->chart.cursor = NAN;
}

bool na_live_idle(na_live *live)
{
  bool changed = false;
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i]->idle != NULL && na_views[i]->idle(live)) changed = true;
  if (live->runs == NULL) return changed;
  if (live->opened != NULL && !live->opened->done) na_laid_read(live->opened, live->runs);
  else if (!na_overlay_read(&live->overlay, live->runs)) return changed;
  return true;
}

/* ------------------------------------------------------------------------- events */

static void log_event(na_live *live, void (*write)(const na_event *event, na_buffer *out),
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
    na_live_say(live, "a point of the curves is missing: %.200s", err.message);
  if (event->kind != NA_EVENT_TASK) live->what = NULL;
  switch (event->kind) {
  case NA_EVENT_STEP: live->step = *event; break;
  case NA_EVENT_TASK:
    live->what = event->what;
    live->done = event->done;
    live->total = event->total;
    break;
  case NA_EVENT_EPOCH: log_event(live, na_progress_epoch_line, event); break;
  case NA_EVENT_EVALUATION: log_event(live, na_progress_evaluation_line, event); break;
  case NA_EVENT_STEER: log_event(live, na_progress_steer_line, event); break;
  case NA_EVENT_LOG: log_event(live, write_text, event); break;
  default: break;
  }
}

/* ------------------------------------------------------------------------- asking and telling */

void na_live_say(na_live *live, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(live->notice, sizeof live->notice, format, args);
  va_end(args);
}

void na_live_ask(na_live *live, const char *question, void (*yes)(na_live *live))
{
  live->asking = true;
  live->question = (na_request){
      .yes = yes, .choices = "y: yes, any other key: no", .brief = "y/n"};
  snprintf(live->question.text, sizeof live->question.text, "%s", question);
}

void na_live_ask_line(na_live *live, const char *label, const char *text,
                      void (*take)(na_live *live, const char *line, bool done))
{
  live->asking = true;
  live->question = (na_request){.line = true, .take = take};
  snprintf(live->question.text, sizeof live->question.text, "%s", label);
  snprintf(live->question.initial, sizeof live->question.initial, "%s", text);
}

void na_live_typed(na_live *live, const char *line, bool done)
{
  if (!live->asking || !live->question.line) return;
  live->asking = !done;
  live->notice[0] = '\0';
  live->question.take(live, line, done);
}

static bool answer(na_live *live, int key)
{
  live->asking = false;
  if (live->question.choose != NULL) live->question.choose(live, key);
  else if (key == 'y' || key == 'Y') live->question.yes(live);
  return true;
}

static void choose_end(na_live *live, int key)
{
  live->leaving |= key == 'q';
  live->killing |= key == 'k';
}

void na_live_insist(na_live *live)
{
  live->asking = true;
  live->question = (na_request){.choices = "q: end  k: leave at once  else: wait",
                                 .brief = "q/k/-",
                                 .choose = choose_end};
  snprintf(live->question.text, sizeof live->question.text, "Interrupted again:");
}

/* ------------------------------------------------------------------------- steering */

void na_live_steer(na_live *live, na_steer kind, const char *argument)
{
  na_error err = {0};
  na_steering steering = {.kind = kind};
  snprintf(steering.argument, sizeof steering.argument, "%s", argument);
  if (live->trainer == NULL) na_live_say(live, "no training is running");
  else if (na_trainer_steer(live->trainer, &steering, &err) != NA_OK)
    na_live_say(live, "%.240s", err.message);
  else
    na_live_say(live, "%s%s%.200s", na_steer_word(kind), argument[0] != '\0' ? " " : "", argument);
}

static void set(na_live *live, const char *name, double value)
{
  char argument[64];
  snprintf(argument, sizeof argument, "train.%s = %.4g", name, value);
  na_live_steer(live, NA_STEER_SET, argument);
}

static na_train settings(const na_live *live)
{
  na_train train = {.lr = 0};
  if (live->trainer != NULL) na_trainer_settings(live->trainer, &train, NULL);
  return train;
}

static void scale_rate(na_live *live, double by) { set(live, "lr", settings(live).lr * by); }
static void scale_alpha(na_live *live, double by) { set(live, "alpha", settings(live).alpha * by); }

static void take_phase(na_live *live, const char *word, bool done)
{
  char argument[64];
  if (!done || word == NULL || word[0] == '\0') return;
  snprintf(argument, sizeof argument, "train.phase = %.40s", word);
  na_live_steer(live, NA_STEER_SET, argument);
}

static void take_settings(na_live *live, const char *line, bool done)
{
  if (done && line != NULL && line[0] != '\0') na_live_steer(live, NA_STEER_SET, line);
}

static void ask_phase(na_live *live)
{
  const na_setting *phase = na_settings_find(&na_train_settings, "phase");
  char label[128];
  snprintf(label, sizeof label, "phase (%s): ", phase->choices);
  if (live->trainer == NULL) na_live_say(live, "no training is running");
  else na_live_ask_line(live, label, "", take_phase);
}

static void ask_settings(na_live *live)
{
  if (live->trainer == NULL) na_live_say(live, "no training is running");
  else na_live_ask_line(live, "set NAME = VALUE; ...: ", "", take_settings);
}

static void take_record(na_live *live, const char *line, bool done)
{
  if (done && line != NULL) na_live_steer(live, NA_STEER_RECORD, line);
}

static void ask_record(na_live *live)
{
  if (live->trainer == NULL) na_live_say(live, "no training is running");
  else na_live_ask_line(live, "record (layers = ...; images = ...; gradients = true): ", "", take_record);
}

static void pause(na_live *live)
{
  bool paused = live->trainer != NULL && na_trainer_paused(live->trainer);
  na_live_steer(live, paused ? NA_STEER_RESUME : NA_STEER_PAUSE, "");
}

static void step(na_live *live) { na_live_steer(live, NA_STEER_STEP, ""); }
static void faster(na_live *live) { scale_rate(live, FACTOR); }
static void slower(na_live *live) { scale_rate(live, 1 / FACTOR); }
static void more_alpha(na_live *live) { scale_alpha(live, FACTOR); }
static void less_alpha(na_live *live) { scale_alpha(live, 1 / FACTOR); }
static void evaluate(na_live *live) { na_live_steer(live, NA_STEER_EVALUATE, ""); }
static void checkpoint(na_live *live) { na_live_steer(live, NA_STEER_CHECKPOINT, ""); }
static void stop_epoch(na_live *live) { na_live_steer(live, NA_STEER_STOP_EPOCH, ""); }

static void stop(na_live *live)
{
  live->leaving = true;
  na_live_steer(live, NA_STEER_STOP, "");
}

static void ask_stop_epoch(na_live *live)
{
  if (live->trainer == NULL) na_live_say(live, "no training is running");
  else na_live_ask(live, "stop at the end of this epoch?", stop_epoch);
}

static void leave(na_live *live) { live->leaving = true; }

static void ask_stop(na_live *live)
{
  if (live->busy && live->trainer == NULL) na_live_ask(live, "end what Lua computes?", leave);
  else if (live->trainer == NULL) live->leaving = true; /* nothing could be lost */
  else na_live_ask(live, "stop the training now, with a checkpoint?", stop);
}

static const na_key steering_list[] = {
    {' ', 0, "space", "pause", "pause, go on", pause},
    {'.', 0, ".", NULL, "one step, then pause", step},
    {']', 0, "]", NULL, "learning rate times 1.25", faster},
    {'[', 0, "[", NULL, "learning rate divided by 1.25", slower},
    {'}', 0, "}", NULL, "alpha, the weight of the augmented losses, times 1.25", more_alpha},
    {'{', 0, "{", NULL, "alpha divided by 1.25", less_alpha},
    {'p', 0, "p", NULL, "hold a phase, or go on as the epochs say (auto)", ask_phase},
    {'S', 0, "S", NULL, "any settings that a run can change", ask_settings},
    {'e', 0, "e", NULL, "evaluate now", evaluate},
    {'c', 0, "c", NULL, "checkpoint now", checkpoint},
    {'R', 0, "R", NULL, "record activations now, of all layers or those that are named", ask_record},
    {'s', 0, "s", NULL, "stop at the end of the epoch (asks)", ask_stop_epoch},
};

/* ------------------------------------------------------------------------- moving about */

void na_live_show(na_live *live, const na_view *view)
{
  if (view == &na_view_help) view = live->view == &na_view_help ? live->before_help : view;
  if (live->view != &na_view_help) live->before_help = live->view;
  live->view = view;
  if (view->show != NULL) view->show(live);
}

static void next_view(na_live *live)
{
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i] == live->view) {
      na_live_show(live, na_views[(i + 1) % NA_VIEW_COUNT]);
      return;
    }
}

static void scroll(na_live *live, long lines)
{
  if (live->view->scroll != NULL) live->view->scroll(live, lines);
}

static void up(na_live *live) { scroll(live, -1); }
static void down(na_live *live) { scroll(live, 1); }
static void page_up(na_live *live) { scroll(live, -live->page); }
static void page_down(na_live *live) { scroll(live, live->page); }
static void to_begin(na_live *live) { scroll(live, -FAR); }
static void to_end(na_live *live) { scroll(live, FAR); }

static const na_key scroll_list[] = {
    {NA_KEY_UP, 'k', "up k", NULL, "a line back", up},
    {NA_KEY_DOWN, 'j', "down j", NULL, "a line forward", down},
    {NA_KEY_PAGE_UP, 0, "PgUp", NULL, "a page back", page_up},
    {NA_KEY_PAGE_DOWN, 0, "PgDn", NULL, "a page forward", page_down},
    {NA_KEY_HOME, 'g', "Home g", NULL, "to the beginning", to_begin},
    {NA_KEY_END, 'G', "End G", NULL, "to the end", to_end},
};

static void prompt(na_live *live) { live->prompting = true; }

static void switch_mouse(na_live *live)
{
  live->mouse = !live->mouse;
  na_live_say(live, live->mouse ? "mouse on: click and wheel; with Shift the terminal marks text"
                                : "mouse off: the terminal marks text with it");
}

static const na_key screen_list[] = {
    {'i', 0, "i", NULL, "mouse on, off (off, the terminal marks text with it)", switch_mouse},
    {NA_KEY_TAB, 0, "Tab", NULL, "the next view", next_view},
    {':', 0, ":", "prompt", "a line of Lua: Tab completes, ?NAME helps, Esc leaves", prompt},
    {'q', 0, "q", "quit", "stop the training with a checkpoint (asks), and leave", ask_stop},
};

const na_keys *na_live_keys(int index)
{
  static const na_keys groups[] = {NA_KEYS("Steering", steering_list),
                                   NA_KEYS("Scrolling", scroll_list),
                                   NA_KEYS("Screen", screen_list)};
  return index < (int)(sizeof groups / sizeof groups[0]) ? &groups[index] : NULL;
}

/* ------------------------------------------------------------------------- keys */

static bool find_key(na_live *live, const na_keys *keys, int key)
{
  for (int i = 0; keys != NULL && i < keys->count; i++)
    if (keys->list[i].key == key || keys->list[i].also == key) {
      keys->list[i].act(live);
      return true;
    }
  return false;
}

bool na_live_key(na_live *live, int key)
{
  live->notice[0] = '\0';
  na_overlay_show(&live->overlay, &live->chart);
  if (key == 0) return false;
  if (live->asking && !live->question.line) return answer(live, key);
  if (find_key(live, live->view->keys, key)) return true;
  for (int i = 0; i < NA_VIEW_COUNT; i++)
    if (na_views[i]->key == key) {
      na_live_show(live, na_views[i]);
      return true;
    }
  for (int i = 0; na_live_keys(i) != NULL; i++)
    if (find_key(live, na_live_keys(i), key)) return true;
  return false;
}

static void press_spot(na_live *live, int col)
{
  for (int i = 0; i < live->spot_count; i++)
    if (col >= live->spots[i].col && col < live->spots[i].col + live->spots[i].cols) {
      na_live_key(live, live->spots[i].key);
      return;
    }
}

void na_live_mouse(na_live *live, na_mouse mouse)
{
  enum { WHEEL_LINES = 3 };
  bool last = mouse.row == live->grid.rows - 1;
  if (live->asking) return;
  live->notice[0] = '\0';
  if (last && mouse.what == NA_MOUSE_CLICK) press_spot(live, mouse.col);
  else if (live->view->mouse != NULL) live->view->mouse(live, mouse);
  else if (mouse.what != NA_MOUSE_CLICK)
    scroll(live, mouse.what == NA_MOUSE_WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES);
}
