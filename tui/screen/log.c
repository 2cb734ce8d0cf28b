/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/log.h"
#include "core/base/memory.h"

#include <string.h>

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

void na_log_draw(const na_log *log, na_grid *grid, na_area area)
{
  size_t kept = na_log_kept(log), end = kept > log->back ? kept - log->back : 0;
  size_t first = end > (size_t)area.rows ? end - (size_t)area.rows : 0;
  for (size_t i = first; i < end; i++)
    na_grid_put(grid, area.row + (int)(i - first), area.col, area.cols, NA_STYLE_PLAIN,
                na_log_line(log, i));
}
