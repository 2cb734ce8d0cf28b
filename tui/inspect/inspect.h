/* The inspector as a screen, without a terminal: a file's tree, pages about what is selected in it, a
 * table of all tensors. Whoever shows it hands keys in, lends time for statistics, and asks for lines.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_INSPECT_H
#define NA_INSPECT_H

#include "tui/inspect/activations.h"
#include "tui/inspect/detail.h"
#include "tui/inspect/tensors.h"
#include "tui/screen/key.h"

/* X(action, key, another key or 0, names, hint or NULL, help): behind dispatch, help and hints. */
#define NA_INSPECT_KEYS(X)                                                                         \
  X(OPEN, NA_KEY_RIGHT, 'l', "right l", NULL, "open a group")                                      \
  X(CLOSE, NA_KEY_LEFT, 'h', "left h", NULL, "close a group, or go to the one around")             \
  X(ENTER, NA_KEY_ENTER, 0, "Enter", "open", "open or close a group, follow a link, show the next page") \
  X(PAGE, 'p', 0, "p", "page", "next page: about, values, statistics, pictures, activations")      \
  X(PAGE_BACK, 'P', 0, "P", NULL, "the page before")                                               \
  X(LOWER, 'J', 0, "J", NULL, "scroll the page down")                                              \
  X(UPPER, 'K', 0, "K", NULL, "scroll the page up")                                                \
  X(LESS, '<', 0, "<", NULL, "one lower index of the dimension that is sliced, or the image before") \
  X(MORE, '>', 0, ">", "index", "one higher index, or the next image")                             \
  X(DIMENSION, 'd', 0, "d", NULL, "slice the next dimension")                                      \
  X(SLICE, '=', 0, "=", "slice", "type a slice: 0,:,3")                                            \
  X(CHANNELS, 'm', 0, "m", NULL, "more: the next channels of activations")                         \
  X(AXIS, 'a', 0, "a", NULL, "channels along the next axis")                                       \
  X(FIELD, 'f', 0, "f", NULL, "the next field of a table")                                         \
  X(EXACT, 'x', 0, "x", NULL, "read every value for statistics, however many there are")           \
  X(TABLE, 't', 0, "t", "tensors", "table of all tensors, and back")                               \
  X(SORT, 'o', 0, "o", "order", "order the table by the next statistic")                           \
  X(REVERSE, 'O', 0, "O", NULL, "turn the order round")                                            \
  X(SEARCH, '/', 0, "/", "search", "look for a name among what is shown")                          \
  X(AGAIN, 'n', 0, "n", NULL, "the next place")                                                    \
  X(BACK, 'N', 0, "N", NULL, "the place before")                                                   \
  X(RELOAD, 'r', 0, "r", NULL, "read the file anew")

typedef enum na_inspect_action {
#define NA_INSPECT_ENUM(action, key, also, name, hint, help) NA_INSPECT_##action,
  NA_INSPECT_KEYS(NA_INSPECT_ENUM)
#undef NA_INSPECT_ENUM
  NA_INSPECT_ACTIONS
} na_inspect_action;

typedef enum na_inspect_page { NA_PAGE_ABOUT, NA_PAGE_VALUES, NA_PAGE_STATISTICS, NA_PAGE_PICTURES, NA_PAGE_ACTIVATIONS,
                               NA_PAGE_KINDS } na_inspect_page;

typedef struct na_inspect {
  char *path;
  na_reader *reader;
  na_tree tree;
  int selected, top;   /* nodes of the tree: the selected one, and the first that is shown */
  na_inspect_page kind;
  na_page page;
  int page_top;
  bool stale;          /* the page must be made anew */
  /* What is looked at of the selected dataset. */
  na_slice slice;
  int sliced;          /* the node that slice belongs to, -1: none */
  bool chosen;         /* the slice was chosen: pictures show it instead of the whole */
  int dimension, axis; /* axis -1: as usual */
  char field[64];      /* of a compound; "" as long as none was chosen */
  bool exact;
  na_scan scan;
  int scanned;         /* the node that scan belongs to, -1: none */
  char trouble[512];   /* why it could not be scanned, or "" */
  na_recording recording;
  bool recorded;       /* the file is a recording */
  long long image;
  int channel, channels_shown;
  /* The table of tensors. */
  bool table;
  na_tensors tensors;
  bool listed;         /* tensors were found */
  na_tensor_sort sort;
  bool reverse;
  int row, row_top;
  char sought[128], notice[256];
  bool wanted;         /* a line is to be typed */
  char label[160];     /* in front of it */
  void (*take)(struct na_inspect *inspect, const char *line); /* what the line is for */
  int rows;            /* of the tree or table, when it was drawn last: a page of scrolling */
} na_inspect;

/* Opens a file. On failure there is nothing to close. */
int na_inspect_open(na_inspect *inspect, const char *path, na_error *err);
void na_inspect_close(na_inspect *inspect);

void na_inspect_act(na_inspect *inspect, na_inspect_action action);

/* Moves the selection by lines. */
void na_inspect_scroll(na_inspect *inspect, long lines);

/* A line that was `wanted`, NULL when it was left. */
void na_inspect_typed(na_inspect *inspect, const char *line);

/* Reads on for statistics for about `seconds`; true while there is more to read. */
bool na_inspect_work(na_inspect *inspect, double seconds);

/* Selects what lies at path, opening what is around it. */
int na_inspect_select(na_inspect *inspect, const char *path, na_error *err);

void na_inspect_draw(na_inspect *inspect, na_grid *grid, na_area area);

#endif
