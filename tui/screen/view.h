/* Views: what fills the screen between its first and its last line. One file each, one table of all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_VIEW_H
#define NA_VIEW_H

#include "tui/screen/grid.h"
#include "tui/screen/key.h"

typedef struct na_view {
  const char *name;            /* as the last line calls it */
  const char *title;           /* of the frame around it; NULL: it draws its own */
  int key;                     /* shows it, from every view */
  const char *key_name, *help;
  const na_keys *keys;         /* its own, which come before those known everywhere; list NULL: none */
  size_t state_size;           /* of its own structure, zeroed when the screen is made: na_view_state */
  void (*free)(void *state);   /* what the structure owns, not itself; NULL: nothing */
  void (*show)(na_live *live); /* it was asked for; NULL: nothing to do */
  bool (*idle)(na_live *live); /* a little work, whichever view is shown; true: draw. NULL: none */
  void (*draw)(na_live *live, na_area area);
  /* Moves what is read, or what is selected, by lines: forward, or back when negative; the beginning
   * and the end are a million lines away. NULL: nothing moves. */
  void (*scroll)(na_live *live, long lines);
  void (*mouse)(na_live *live, na_mouse mouse); /* NULL: the wheel scrolls */
} na_view;

/* X(name): every view, in the order of help; na_view_NAME is in view_NAME.c. */
#define NA_VIEWS(X) X(curves) X(augment) X(runs) X(files) X(activations) X(log) X(compare) X(help)

#define NA_VIEW_DECLARE(name) extern const na_view na_view_##name;
NA_VIEWS(NA_VIEW_DECLARE)
#undef NA_VIEW_DECLARE

#define NA_VIEW_ONE(name) +1
enum { NA_VIEW_COUNT = 0 NA_VIEWS(NA_VIEW_ONE) };
#undef NA_VIEW_ONE
extern const na_view *const na_views[NA_VIEW_COUNT];

/* The view's own structure. */
void *na_view_state(na_live *live, const na_view *view);

#endif
