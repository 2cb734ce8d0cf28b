/* The inspector within a view of the live screen. A view's structure begins with one of these, and its
 * keys are na_hosted_keys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_HOSTED_H
#define NA_HOSTED_H

#include "tui/inspect/inspect.h"
#include "tui/screen/live.h"

typedef struct na_hosted {
  na_inspect inspect;
  bool open;
  void (*enter)(na_live *live);  /* Enter while nothing is open; or NULL */
} na_hosted;

extern const na_keys na_hosted_keys;

/* Opens a file instead of what is open, or says why not; path in it may be NULL. */
void na_hosted_open(na_live *live, na_hosted *hosted, const char *file, const char *path);
void na_hosted_close(na_hosted *hosted);
void na_hosted_free(void *hosted); /* as a view's free */

/* Reads on a little, and draws what is open. */
void na_hosted_draw(na_live *live, na_hosted *hosted, na_area area);

#endif
