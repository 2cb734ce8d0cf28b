/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/log.h"
#include "core/base/memory.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 4096 };

void na_log_free(na_log *log)
{
  for (size_t i = 0; log->lines != NULL && i < NA_LOG_LINES; i++) na_free(log->lines[i]);
  na_free(log->lines);
  na_free(log->partial.data);
  *log = (na_log){.lines = NULL};
}

size_t na_log_kept(const na_log *log)
{
  return log->count < NA_LOG_LINES ? log->count : NA_LOG_LINES;
}

const char *na_log_line(const na_log *log, size_t i)
{
  size_t kept = na_log_kept(log);
  if (i >= kept) return NULL;
  const char *line = log->lines[(log->count - kept + i) % NA_LOG_LINES];
  return line != NULL ? line : "";
}

static void end_line(na_log *log)
{
  if (log->lines == NULL) log->lines = na_alloc_array(NA_LOG_LINES, sizeof *log->lines);
  if (log->lines == NULL) return;
  char **slot = &log->lines[log->count % NA_LOG_LINES];
  na_free(*slot);
  *slot = log->partial.data;
  log->partial = (na_buffer){.data = NULL};
  log->count++;
  if (log->back > 0 && log->back + 1 < na_log_kept(log)) log->back++; /* what is read stays put */
}

/* Past an escape sequence that begins at text[at]. */
static size_t skip_escape(const char *text, size_t at, size_t length)
{
  at++;
  if (at < length && text[at] == '[') {
    at++;
    while (at < length && (text[at] < 0x40 || text[at] > 0x7E)) at++;
  }
  return at < length ? at + 1 : length;
}

void na_log_add(na_log *log, const char *text, size_t length)
{
  for (size_t i = 0; i < length;) {
    char c = text[i];
    if (c == '\033') {
      i = skip_escape(text, i, length);
      continue;
    }
    i++;
    if (log->returned && c != '\n') {
      na_free(log->partial.data);
      log->partial = (na_buffer){.data = NULL};
    }
    log->returned = c == '\r';
    if (c == '\n') end_line(log);
    else if (c == '\t') na_buffer_add(&log->partial, "  ");
    else if ((unsigned char)c >= ' ' && c != 0x7F && log->partial.length < LINE_MAX_BYTES)
      na_buffer_add(&log->partial, "%c", c);
  }
}

void na_log_scroll(na_log *log, long lines, int rows)
{
  long kept = (long)na_log_kept(log), most = kept > rows ? kept - rows : 0;
  long back = (long)log->back + lines;
  log->back = (size_t)(back < 0 ? 0 : back > most ? most : back);
}

/* ------------------------------------------------------------------------- looking for text */

/* Where `sought` is in text, NULL: nowhere. */
static const char *find(const na_log *log, const char *text)
{
  size_t length = strlen(log->sought);
  bool exact = false;
  for (const char *c = log->sought; *c != '\0'; c++) exact |= isupper((unsigned char)*c) != 0;
  if (length == 0) return NULL;
  if (exact) return strstr(text, log->sought);
  for (; *text != '\0'; text++)
    if (strncasecmp(text, log->sought, length) == 0) return text;
  return NULL;
}

/* Scrolls only where line i of those kept is out of sight: into the middle. */
static void bring_into_sight(na_log *log, size_t i, int rows)
{
  size_t kept = na_log_kept(log), end = kept > log->back ? kept - log->back : 0;
  if (i < end && i + (size_t)rows >= end) return;
  na_log_scroll(log, (long)(kept - 1 - i) - rows / 2 - (long)log->back, rows);
}

bool na_log_seek(na_log *log, int by, int rows)
{
  size_t kept = na_log_kept(log), lost = log->count - kept;
  if (kept == 0) return false;
  bool on = log->found > lost;
  size_t from = on ? log->found - 1 - lost : kept > log->back ? kept - log->back - 1 : 0;
  for (size_t i = on; i <= kept; i++) {
    size_t line = by < 0 ? (from + 2 * kept - i) % kept : (from + i) % kept;
    if (find(log, na_log_line(log, line)) == NULL) continue;
    log->found = lost + line + 1;
    bring_into_sight(log, line, rows);
    return true;
  }
  return false;
}

/* ------------------------------------------------------------------------- drawing */

static int columns_to(const char *text, const char *end)
{
  int columns = 0;
  while (text < end) columns += na_rune_columns(na_utf8_next(&text));
  return columns;
}

/* What is looked for stands out. */
static void mark(const na_log *log, na_grid *grid, int row, na_area area, const char *line)
{
  size_t length = strlen(log->sought);
  for (const char *at = find(log, line); at != NULL; at = find(log, at + length)) {
    char text[sizeof log->sought];
    int col = columns_to(line, at);
    memcpy(text, at, length);
    text[length] = '\0';
    if (col + na_utf8_columns(text) > area.cols) return;
    na_grid_put(grid, row, area.col + col, area.cols - col, NA_STYLE_SELECTED, text);
  }
}

void na_log_draw(const na_log *log, na_grid *grid, na_area area)
{
  size_t kept = na_log_kept(log), end = kept > log->back ? kept - log->back : 0;
  size_t first = end > (size_t)area.rows ? end - (size_t)area.rows : 0;
  for (size_t i = first; i < end; i++) {
    int row = area.row + (int)(i - first);
    bool found = log->count - kept + i + 1 == log->found;
    na_grid_put(grid, row, area.col, area.cols, found ? NA_STYLE_STRONG : NA_STYLE_PLAIN,
                na_log_line(log, i));
    mark(log, grid, row, area, na_log_line(log, i));
  }
}
