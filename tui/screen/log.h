/* Lines of text that scroll: what scripts, libraries and the training have said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LOG_H
#define NA_LOG_H

#include "tui/screen/grid.h"

enum { NA_LOG_LINES = 10000 };

/* The last NA_LOG_LINES lines. Zero-initialise. */
typedef struct na_log {
  char **lines;      /* a ring of NA_LOG_LINES */
  size_t count;      /* lines ever added */
  na_buffer partial; /* a line that has no end yet */
  bool returned;     /* a carriage return came last */
  size_t back;       /* lines scrolled back; 0: the newest are shown */
  size_t found;      /* the line that was found last, counted from 1 as `count` counts; 0: none */
  char sought[128];  /* what is marked where it is drawn; empty: nothing */
} na_log;

void na_log_free(na_log *log);

/* Adds text of any number of lines, or parts of lines. Escape sequences and control characters are
 * taken out; a carriage return starts the line anew. When memory is short, lines are lost. */
void na_log_add(na_log *log, const char *text, size_t length);

/* Line i of those kept, 0 the oldest; NULL beyond. */
const char *na_log_line(const na_log *log, size_t i);
size_t na_log_kept(const na_log *log);

/* Back (negative: forward) by some lines, with `rows` of them on the screen. */
void na_log_scroll(na_log *log, long lines, int rows);

/* Looks for `sought` (capitals matter only where it has some): up (by -1) or down (by 1) from the line
 * found last, or else from the last of the `rows` that are shown, that one first. Beyond the end it goes on
 * from the other end. What is found is scrolled into sight. False: it is nowhere. */
bool na_log_seek(na_log *log, int by, int rows);

/* The last lines that fit, long ones cut. */
void na_log_draw(const na_log *log, na_grid *grid, na_area area);

#endif
