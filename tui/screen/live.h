/* The live screen of a training, without a terminal: what is known, what the keys do, and how it looks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LIVE_H
#define NA_LIVE_H

#include "core/train/steer.h"
#include "tui/screen/chart.h"
#include "tui/screen/log.h"

/* Keys beyond characters, as the terminal's side hands them in. */
enum { NA_KEY_UP = 0x110000, NA_KEY_DOWN, NA_KEY_LEFT, NA_KEY_RIGHT, NA_KEY_PAGE_UP, NA_KEY_PAGE_DOWN,
       NA_KEY_HOME, NA_KEY_END, NA_KEY_ENTER, NA_KEY_ESCAPE, NA_KEY_DELETE };

/* X(action, key, key's name, group, help): the table behind dispatch, help and hints. */
#define NA_LIVE_KEYS(X)                                                                            \
  X(CURVES, '1', "1", VIEW, "curves")                                                              \
  X(AUGMENT, '2', "2", VIEW, "augmentation: what was drawn, how gradients agree")                  \
  X(LOG, '6', "6", VIEW, "log")                                                                    \
  X(PROMPT, ':', ":", VIEW, "a line of Lua: Tab completes, ?NAME helps, Esc leaves")               \
  X(HELP, '?', "?", VIEW, "this help, and back")                                                   \
  X(PAUSE, ' ', "space", STEER, "pause, go on")                                                    \
  X(STEP, 'n', "n", STEER, "one step, then pause")                                                 \
  X(FASTER, ']', "]", STEER, "learning rate times 1.25")                                           \
  X(SLOWER, '[', "[", STEER, "learning rate divided by 1.25")                                      \
  X(EVALUATE, 'e', "e", STEER, "evaluate now")                                                     \
  X(CHECKPOINT, 'c', "c", STEER, "checkpoint now")                                                 \
  X(AGREE, 'g', "g", STEER, "compare gradients of base and augmented: on, off")                    \
  X(STOP_EPOCH, 's', "s", STEER, "stop at the end of the epoch (asks)")                            \
  X(STOP, 'q', "q", STEER, "stop now, with a checkpoint, and leave (asks)")                        \
  X(QUANTITY, 'a', "a", CHART, "accuracy or loss")                                                 \
  X(LOGARITHM, 'l', "l", CHART, "logarithmic loss")                                                \
  X(SMOOTHER, 'm', "m", CHART, "smoother")                                                         \
  X(ROUGHER, 'M', "M", CHART, "less smooth")                                                       \
  X(ZOOM_IN, '+', "+", CHART, "zoom in")                                                           \
  X(ZOOM_OUT, '-', "-", CHART, "zoom out")                                                         \
  X(ZOOM_ALL, '0', "0", CHART, "all of the run")                                                   \
  X(PAN_LEFT, '<', "<", CHART, "earlier")                                                          \
  X(PAN_RIGHT, '>', ">", CHART, "later")                                                           \
  X(CURSOR_LEFT, NA_KEY_LEFT, "left", CHART, "cursor that reads values: to the left")              \
  X(CURSOR_RIGHT, NA_KEY_RIGHT, "right", CHART, "cursor: to the right")                            \
  X(CURSOR_OFF, NA_KEY_ESCAPE, "Esc", CHART, "cursor off")                                         \
  X(LOG_UP, NA_KEY_UP, "up", SCROLL, "a line back in the log, or up in this help")                                     \
  X(LOG_DOWN, NA_KEY_DOWN, "down", SCROLL, "a line forward")                                       \
  X(LOG_PAGE_UP, NA_KEY_PAGE_UP, "PgUp", SCROLL, "a page back")                                    \
  X(LOG_PAGE_DOWN, NA_KEY_PAGE_DOWN, "PgDn", SCROLL, "a page forward")

typedef enum na_live_action {
#define NA_LIVE_ENUM(action, key, name, group, help) NA_LIVE_##action,
  NA_LIVE_KEYS(NA_LIVE_ENUM)
#undef NA_LIVE_ENUM
  NA_LIVE_ACTION_COUNT
} na_live_action;

typedef enum na_live_view { NA_VIEW_CURVES, NA_VIEW_AUGMENT, NA_VIEW_LOG, NA_VIEW_HELP } na_live_view;

typedef struct na_live {
  na_grid grid;
  na_curves curves;
  na_chart chart;
  na_log log;
  na_live_view view, before_help;
  int help_top;         /* first line of the help that is shown */
  char run[64];
  na_event step;      /* the newest STEP event */
  const char *what;   /* work outside steps, NULL while stepping */
  long done, total;
  bool leaving;       /* the user wants the script to end, too */
  double smoothing;
  const char *question; /* what y answers, NULL: nothing is asked */
  na_steer asked;
  char notice[256];     /* an answer to the last key */
  bool prompting;       /* the prompt was asked for */
  const char *prompt, *entry; /* what is being entered, borrowed; NULL: nothing */
  int point;            /* the cursor's byte of it */
  na_trainer *trainer;  /* borrowed, NULL between runs */
  const na_net *net;    /* borrowed, as the trainer */
} na_live;

/* utf8: what the terminal shows. */
int na_live_init(na_live *live, bool utf8, na_error *err);
void na_live_free(na_live *live);

/* A run begins; trainer and net are borrowed until na_live_end. Either may be NULL, for tests. */
void na_live_begin(na_live *live, const char *run, na_trainer *trainer, const na_net *net);
void na_live_end(na_live *live);

/* Takes an event in; what is worth a line goes to the log. */
void na_live_event(na_live *live, const na_event *event);

/* Does what a key says. True when something on the screen changed. */
bool na_live_key(na_live *live, int key);

/* Draws everything on live->grid, at the size it has. */
void na_live_draw(na_live *live);

#endif
