/* A page: lines and pictures one below the other, as many as there are. The screen shows a part of it;
 * printed, it is plain text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PAGE_H
#define NA_PAGE_H

#include "tui/screen/grid.h"

enum { NA_PAGE_ROWS_MOST = 20000 };

/* Zero-initialise, then begin; ended by na_page_free. */
typedef struct na_page {
  na_grid grid; /* cols: what a line may take */
  int rows;     /* used */
  int width;    /* that pictures and bars keep to */
  int label;    /* columns of labels */
  bool failed;  /* out of memory, or of rows: the rest is missing */
} na_page;

/* Empties it. cols: for lines; width: for pictures. */
void na_page_begin(na_page *page, int cols, int width, bool utf8, bool heat);
void na_page_free(na_page *page);

/* Room for `rows` more; gives the first of them, or -1 when there is none. */
int na_page_room(na_page *page, int rows);

/* Adds a line. Control characters become '?'. */
void na_page_line(na_page *page, na_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "label     text", texts below each other; na_page_labels makes room for labels of so many columns. */
void na_page_labels(na_page *page, int cols);
void na_page_field(na_page *page, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void na_page_title(na_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds an error's words, on as many lines as they need. */
void na_page_alert(na_page *page, const char *text);

/* Writes it to standard output. */
int na_page_print(const na_page *page, na_error *err);

#endif
