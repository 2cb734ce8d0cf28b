/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/collection.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void trim(char *text)
{
  size_t length = strlen(text), skipped = strspn(text, " \t");
  while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = '\0';
  if (skipped <= length) memmove(text, text + skipped, length - skipped + 1);
}

/* One stored line, "name = value". It was written by us, but the file may be anybody's. */
static int read_line(na_data *data, const char *line, size_t length, na_error *err)
{
  char text[64 + NA_TEXT_MAX];
  snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), line);
  char *value = strchr(text, '=');
  if (value == NULL) return NA_OK;
  *value++ = '\0';
  trim(text);
  trim(value);
  return na_settings_parse(&na_data_settings, data, text, value, err);
}

static int read_stored(na_data *data, const char *stored, const char *prefix, na_error *err)
{
  while (*stored != '\0') {
    size_t length = strcspn(stored, "\n"), skipped = strlen(prefix);
    if (length > skipped && strncmp(stored, prefix, skipped) == 0 &&
        read_line(data, stored + skipped, length - skipped, err) != NA_OK)
      return na_error_prefix(err, "data settings stored in the checkpoint");
    stored += length;
    if (*stored == '\n') stored++;
  }
  return NA_OK;
}

static int read_word(na_data *data, const char *word, na_error *err)
{
  char name[64];
  const char *value = na_assignment(word, name, err);
  if (value == NULL) return NA_EINVAL;
  if (strncmp(name, "data.", 5) != 0) {
    na_fail(err, NA_EINVAL, "only settings of the data can be set here, not \"%s\"", name);
    return na_hint(err, "their names begin with data. as in --set data.batch=64");
  }
  return na_settings_parse(&na_data_settings, data, name + 5, value, err);
}

int na_collection_settings(na_data *data, const char *stored, const char *prefix, const char *path,
                           const na_words *set, na_error *err)
{
  na_settings_init(&na_data_settings, data);
  int code = stored != NULL ? read_stored(data, stored, prefix, err) : NA_OK;
  if (code == NA_OK && path != NULL && path[0] != '\0')
    code = na_settings_parse(&na_data_settings, data, "path", path, err);
  for (int i = 0; i < set->count && code == NA_OK; i++) code = read_word(data, set->items[i], err);
  return code;
}
