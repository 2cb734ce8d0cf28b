/* What the terminal behind a file descriptor can do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TERMINAL_H
#define NA_TERMINAL_H

#include <stdbool.h>

enum { NA_SEQUENCE_MAX = 32 };

/* Escape sequences are empty texts where the terminal lacks them, so they can always be printed. */
typedef struct na_terminal {
  int fd;
  bool live; /* lines can be redrawn: a terminal that moves its cursor up and erases lines */
  bool utf8; /* the locale's character set */
  int width; /* columns */
  int colours; /* 0: none, or not wanted; above 256: any, by red, green and blue */
  char up[NA_SEQUENCE_MAX], erase[NA_SEQUENCE_MAX];
  char bold[NA_SEQUENCE_MAX], dim[NA_SEQUENCE_MAX], plain[NA_SEQUENCE_MAX];
  char base[NA_SEQUENCE_MAX], augmented[NA_SEQUENCE_MAX]; /* colours, safe for the colour-blind */
} na_terminal;

/* Looks fd up: is it a terminal, of which $TERM, how wide. Colours are off when $NO_COLOR is set to
 * anything, as https://no-color.org asks. */
void na_terminal_init(na_terminal *terminal, int fd);

/* Reads the width again: $COLUMNS where it is set, else the window's, else 80. Called by init, and
 * by whoever draws after na_terminal_resized. */
void na_terminal_measure(na_terminal *terminal);

/* Watches SIGWINCH; na_terminal_resized is true once after each change. */
void na_terminal_watch(void);
bool na_terminal_resized(void);

/* Columns that text takes on the screen: its characters, escape sequences left out. */
int na_terminal_columns(const char *text);

#endif
