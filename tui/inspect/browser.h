/* The inspector on a screen of its own, without a terminal: keys in, a grid out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BROWSER_H
#define NA_BROWSER_H

#include "tui/inspect/inspect.h"

typedef struct na_browser {
  na_grid grid;
  na_inspect inspect;
  bool helping, leaving;
  int help_top;
  char line[512]; /* being typed, when inspect.wanted */
  bool typing;
} na_browser;

/* Opens the file; path in it may be NULL. On failure there is nothing to free. */
int na_browser_open(na_browser *browser, const char *file, const char *path, bool utf8, na_error *err);
void na_browser_free(na_browser *browser);

/* Does what a key says; false when it means nothing. */
bool na_browser_key(na_browser *browser, int key);

/* Draws everything on browser->grid, at the size it has. */
void na_browser_draw(na_browser *browser);

#endif
