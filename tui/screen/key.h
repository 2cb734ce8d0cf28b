/* Keys and the mouse, as the terminal's side hands them in, and the tables that give keys a meaning.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_KEY_H
#define NA_KEY_H

/* Keys beyond characters. */
enum { NA_KEY_UP = 0x110000, NA_KEY_DOWN, NA_KEY_LEFT, NA_KEY_RIGHT, NA_KEY_PAGE_UP, NA_KEY_PAGE_DOWN,
       NA_KEY_HOME, NA_KEY_END, NA_KEY_ENTER, NA_KEY_ESCAPE, NA_KEY_DELETE, NA_KEY_TAB,
       NA_KEY_MOUSE /* see na_mouse */ };

typedef struct na_mouse {
  enum { NA_MOUSE_CLICK, NA_MOUSE_WHEEL_UP, NA_MOUSE_WHEEL_DOWN } what;
  int row, col; /* of the screen */
} na_mouse;

typedef struct na_live na_live;

/* A key and what it does: the line behind dispatch, help and hints. */
typedef struct na_key {
  int key, also;    /* also: another key for the same, 0: none */
  const char *name; /* as help calls it */
  const char *hint; /* a word or two for the last line of the screen; NULL: it is not there */
  const char *help;
  void (*act)(na_live *live);
} na_key;

typedef struct na_keys {
  const char *title;
  const na_key *list;
  int count;
} na_keys;
#define NA_KEYS(title, list) {title, list, sizeof(list) / sizeof(list)[0]}

#endif
