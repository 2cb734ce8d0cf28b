/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/text.h"
#include "core/base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64 };

static int least(int a, int b, int c)
{
  int m = a < b ? a : b;
  return m < c ? m : c;
}

int na_text_distance(const char *a, const char *b)
{
  size_t m = strlen(a), n = strlen(b);
  if (m >= WORD_MAX || n >= WORD_MAX) return WORD_MAX;
  int row[WORD_MAX + 1];
  for (size_t j = 0; j <= n; j++) row[j] = (int)j;
  for (size_t i = 1; i <= m; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= n; j++) {
      int cost = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = least(cost, row[j] + 1, row[j - 1] + 1);
    }
  }
  return row[n];
}

int na_text_nearest(const char *word, int count, const char *(*at)(const void *list, int i),
                    const void *list)
{
  int best = -1, best_distance = (int)strlen(word) / 3 + 2;
  for (int i = 0; i < count; i++) {
    int distance = na_text_distance(word, at(list, i));
    if (distance < best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

/* Room for `count` bytes more and a NUL; false, and failed is set, where there is none. */
static int reserve(na_buffer *buffer, size_t count)
{
  while (!buffer->failed && buffer->capacity - buffer->length <= count) {
    void *data = buffer->data;
    buffer->failed = na_grow(&data, buffer->capacity, &buffer->capacity, 1) != 0;
    buffer->data = data;
  }
  return !buffer->failed;
}

void na_buffer_bytes(na_buffer *buffer, const void *bytes, size_t count)
{
  if (count == 0 || !reserve(buffer, count)) return;
  memcpy(buffer->data + buffer->length, bytes, count);
  buffer->length += count;
  buffer->data[buffer->length] = '\0';
}

void na_buffer_add(na_buffer *buffer, const char *format, ...)
{
  if (buffer->failed) return;
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int needed = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (needed >= 0 && reserve(buffer, (size_t)needed)) {
    vsnprintf(buffer->data + buffer->length, (size_t)needed + 1, format, again);
    buffer->length += (size_t)needed;
  }
  va_end(again);
}

static void scaled(char out[16], double value, double base, const char *const units[4])
{
  int unit = 0;
  while (value >= base && unit < 3) {
    value /= base;
    unit++;
  }
  if (unit == 0) snprintf(out, 16, "%.0f%s", value, units[0]);
  else snprintf(out, 16, value < 10 ? "%.2f%s" : value < 100 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

void na_text_count(char out[16], double value)
{
  static const char *const units[4] = {"", "k", "M", "G"};
  scaled(out, value, 1000.0, units);
}

void na_text_bytes(char out[16], double bytes)
{
  static const char *const units[4] = {" B", " KiB", " MiB", " GiB"};
  scaled(out, bytes, 1024.0, units);
}

void na_text_number(char out[32], double value)
{
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, value);
    if (!(strtod(out, NULL) < value) && !(strtod(out, NULL) > value)) return;
  }
}

const char *na_text_plural(long long count)
{
  return count == 1 ? "" : "s";
}

/* Bytes of the UTF-8 character that text begins with; 0: it is none, or one that controls. */
static int character_bytes(const unsigned char *text)
{
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  int bytes = text[0] < 0x80 ? 1 : text[0] < 0xC0 ? 0 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : text[0] < 0xF8 ? 4 : 0;
  if (bytes < 2) return bytes == 1 && text[0] >= ' ' && text[0] != 127;
  unsigned code = text[0] & (0x7Fu >> bytes);
  for (int i = 1; i < bytes; i++) {
    if ((text[i] & 0xC0) != 0x80) return 0;
    code = code << 6 | (text[i] & 0x3Fu);
  }
  bool good = code >= least[bytes] && code >= 0xA0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return good ? bytes : 0;
}

void na_text_tame(char *text)
{
  while (*text != '\0') {
    int bytes = character_bytes((const unsigned char *)text);
    if (bytes == 0) *text = '?';
    text += bytes > 0 ? bytes : 1;
  }
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

int na_text_compare(const char *a, const char *b)
{
  while (*a != '\0' && *b != '\0') {
    if (is_digit(*a) && is_digit(*b)) {
      while (*a == '0' && is_digit(a[1])) a++;
      while (*b == '0' && is_digit(b[1])) b++;
      size_t m = strspn(a, "0123456789"), n = strspn(b, "0123456789");
      int order = m != n ? (m < n ? -1 : 1) : strncmp(a, b, m);
      if (order != 0) return order;
      a += m;
      b += n;
      continue;
    }
    if (*a != *b) break;
    a++;
    b++;
  }
  return (unsigned char)*a - (unsigned char)*b;
}

void na_text_duration(char out[16], double seconds)
{
  if (!(seconds >= 0) || seconds > 8.64e8) {
    snprintf(out, 16, "--:--");
    return;
  }
  unsigned long s = (unsigned long)(seconds + 0.5);
  if (s < 60) snprintf(out, 16, "%lus", s);
  else if (s < 3600) snprintf(out, 16, "%lu:%02lu", s / 60, s % 60);
  else if (s < 86400) snprintf(out, 16, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  else snprintf(out, 16, "%lud %02luh", s / 86400 % 100000, s / 3600 % 24);
}
