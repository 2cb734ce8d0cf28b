/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/records.h"
#include "core/base/text.h"
#include "tui/json.h"
#include "tui/screen/grid.h"

#include <math.h>
#include <string.h>

static const char stand_in[] = "\xEF\xBF\xBD"; /* U+FFFD */

static void write_csv_text(FILE *file, const char *text)
{
  bool quoted = strpbrk(text, ",\"\r\n") != NULL;
  if (quoted) putc('"', file);
  for (const char *next = text; *text != '\0'; text = next) {
    uint32_t rune = na_utf8_next(&next);
    if (rune == '"') putc('"', file);
    if (rune == 0xFFFD)
      fputs(stand_in, file);
    else
      fwrite(text, 1, (size_t)(next - text), file);
  }
  if (quoted) putc('"', file);
}

static void begin_value(na_records *records)
{
  bool first = records->at == 0;
  if (!records->json) {
    if (!first) putc(',', records->file);
    return;
  }
  fputs(first ? "{" : ", ", records->file);
  na_json_write(records->file, records->names[records->at]);
  fputs(": ", records->file);
}

static void end_value(na_records *records)
{
  if (++records->at < records->count) return;
  fputs(records->json ? "}\n" : "\r\n", records->file);
  records->at = 0;
}

void na_records_begin(na_records *records, FILE *file, bool json, int count,
                      const char *const *names)
{
  *records = (na_records){.file = file, .json = json, .count = count, .names = names};
  for (int i = 0; i < count && !json; i++) na_records_text(records, names[i]);
}

void na_records_number(na_records *records, double value)
{
  char text[32] = "";
  if (!isnan(value)) na_text_number(text, value);
  begin_value(records);
  fputs(records->json && !isfinite(value) ? "null" : text, records->file);
  end_value(records);
}

void na_records_text(na_records *records, const char *text)
{
  begin_value(records);
  if (records->json)
    na_json_write(records->file, text);
  else
    write_csv_text(records->file, text);
  end_value(records);
}
