/* The terminal as a screen: curses shows a grid and reads keys; whatever the process writes to its
 * standard output and error meanwhile is caught.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TTY_H
#define NA_TTY_H

#include "tui/screen/grid.h"
#include "tui/screen/key.h"

/* Can this process have a screen? Standard input and output are a terminal that can move its cursor,
 * of at least 20 x 5. */
bool na_tty_usable(void);

/* Takes the terminal. It is handed back by na_tty_close, and on every signal that ends the process. */
int na_tty_open(na_error *err);
void na_tty_close(void);

/* Hands the terminal back in a signal handler. */
void na_tty_restore(void);

/* Rows and columns now; true when they changed since the last call. */
bool na_tty_size(int *rows, int *cols);

/* Does it show the colours of heat cells? */
bool na_tty_heat(void);

/* Shows the grid, which has the terminal's size. */
void na_tty_paint(const na_grid *grid);

/* The next key (a character, or one of key.h's), 0: none. */
int na_tty_key(void);

/* Lets the mouse act: its next action comes as NA_KEY_MOUSE, and is what na_tty_mouse gives. Off, the
 * terminal marks text with it, as ever. */
void na_tty_take_mouse(bool wanted);
na_mouse na_tty_mouse(void);

/* What was written to standard output and error: up to size bytes, 0: nothing. */
size_t na_tty_caught(char *text, size_t size);

#endif
