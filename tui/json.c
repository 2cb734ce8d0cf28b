/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/json.h"
#include "tui/screen/grid.h"

#include <string.h>

typedef void (*put_bytes)(void *to, const char *bytes, size_t count);

static void put_rune(put_bytes put, void *to, uint32_t rune, const char *bytes, size_t count)
{
  static const char stand_in[] = "\xEF\xBF\xBD"; /* U+FFFD */
  char escape[8];
  if (rune == '"' || rune == '\\')
    snprintf(escape, sizeof escape, "\\%c", (int)rune);
  else if (rune < ' ' || rune == 127)
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned)rune);
  else {
    bool good = rune != 0xFFFD;
    put(to, good ? bytes : stand_in, good ? count : sizeof stand_in - 1);
    return;
  }
  put(to, escape, strlen(escape));
}

static void put_text(put_bytes put, void *to, const char *text)
{
  put(to, "\"", 1);
  for (const char *next = text; *text != '\0'; text = next) {
    uint32_t rune = na_utf8_next(&next);
    put_rune(put, to, rune, text, (size_t)(next - text));
  }
  put(to, "\"", 1);
}

static void put_file(void *file, const char *bytes, size_t count)
{
  fwrite(bytes, 1, count, file);
}

static void put_buffer(void *out, const char *bytes, size_t count)
{
  na_buffer_bytes(out, bytes, count);
}

void na_json_write(FILE *file, const char *text)
{
  put_text(put_file, file, text);
}

void na_json_add(na_buffer *out, const char *text)
{
  put_text(put_buffer, out, text);
}
