/* The live screen of a training, without a terminal: what is known, what the keys do, and how it looks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LIVE_H
#define NA_LIVE_H

#include "core/train/steer.h"
#include "tui/screen/chart.h"
#include "tui/screen/log.h"
#include "tui/screen/overlay.h"
#include "tui/screen/view.h"

/* Where a key is named on the last line: a click there presses it. */
typedef struct na_spot {
  int col, cols, key;
} na_spot;
enum { NA_SPOTS_MOST = 32 };

/* What is to be typed in the last line. */
typedef struct na_request {
  char text[160];
  bool line;                   /* a line is wanted, else y or another key */
  char initial[NA_TEXT_MAX];   /* of the line */
  const char *choices, *brief; /* what the keys mean, and where there is little room */
  void (*yes)(na_live *live);  /* y was typed */
  void (*choose)(na_live *live, int key); /* where it is not about yes or no */
  void (*take)(na_live *live, const char *line, bool done);
} na_request;

struct na_live {
  na_grid grid;
  na_curves curves;
  na_chart chart;
  na_log log;
  na_overlay overlay;   /* the marked runs */
  na_laid *opened;      /* the run whose curves are shown; NULL: the one that trains */
  const na_view *view, *before_help;
  void *states[NA_VIEW_COUNT]; /* of the views */
  int page;             /* rows of the view that scrolls */
  char run[64];
  char folder[1024];    /* of the newest run; "" when there was none */
  na_event step;        /* the newest STEP event */
  const char *what;     /* work outside steps, NULL while stepping */
  long done, total;
  bool busy;            /* Lua computes */
  bool leaving;         /* the user wants the script to end, too */
  bool killing;         /* the user wants to be rid of the program at once */
  double smoothing;
  bool asking;
  na_request question;
  char notice[256];     /* an answer to the last key */
  bool mouse;           /* it acts; else the terminal marks text with it */
  na_spot spots[NA_SPOTS_MOST];
  int spot_count;
  bool prompting;       /* the prompt was asked for */
  const char *prompt, *entry; /* what is being entered, borrowed; NULL: nothing */
  int point;            /* the cursor's byte of it */
  na_trainer *trainer;  /* borrowed, NULL between runs */
  const na_net *net;    /* borrowed, as the trainer */
  const char *runs;     /* folder of the runs, borrowed; NULL: none */
};

/* utf8: what the terminal shows. */
int na_live_init(na_live *live, bool utf8, na_error *err);
void na_live_free(na_live *live);

/* A run begins; trainer and net are borrowed until na_live_end. Either may be NULL, for tests. */
void na_live_begin(na_live *live, const char *run, na_trainer *trainer, const na_net *net);
void na_live_end(na_live *live);

/* Takes an event in; what is worth a line goes to the log. */
void na_live_event(na_live *live, const na_event *event);

/* A little work between keys: true when something on the screen changed. */
bool na_live_idle(na_live *live);

/* Does what a key says. True when something on the screen changed. */
bool na_live_key(na_live *live, int key);

/* Does what a click or the wheel says. */
void na_live_mouse(na_live *live, na_mouse mouse);

/* Somebody interrupts again and again: offers to end the script, or to end at once. */
void na_live_insist(na_live *live);

/* Draws everything on live->grid, at the size it has. */
void na_live_draw(na_live *live);

/* ------------------------------------------------------------------------- for views */

void na_live_show(na_live *live, const na_view *view);

/* Opens the run called name instead of the one that trains; NULL: back to that. */
void na_live_open(na_live *live, const char *name, na_error *err);

/* The curves that are shown. */
na_curves *na_live_curves(na_live *live);

/* Tells something in the last line, until the next key. */
void na_live_say(na_live *live, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks; when y is the answer, yes(live) is called. */
void na_live_ask(na_live *live, const char *question, void (*yes)(na_live *live));

/* Lets a line be typed behind `label`, beginning with `text`. take(live, line, false) is called after
 * each key, take(live, line, true) when it was entered, take(live, NULL, true) when it was left. */
void na_live_ask_line(na_live *live, const char *label, const char *text,
                      void (*take)(na_live *live, const char *line, bool done));

/* What was typed of such a line, by whoever edits it (see entry.h). */
void na_live_typed(na_live *live, const char *line, bool done);

/* Steers the run, or says why not. */
void na_live_steer(na_live *live, na_steer kind, const char *argument);

/* Keys that are known in every view: index 0, 1, ...; NULL: that was all. */
const na_keys *na_live_keys(int index);

/* A frame where there is room for one; gives the area inside. */
na_area na_live_frame(na_live *live, na_area area, const char *title);

#endif
