/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/slice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *text, const na_h5_about *about, na_error *err, const char *why)
{
  na_fail(err, NA_EINVAL, "the slice \"%.64s\" %s", text, why);
  return na_hint(err, "the array has %d dimensions; for example \"0,:,3\" or \"-1,10:20,::2\"",
                 about->rank > 0 ? about->rank : 0);
}

/* A number, or what stands for none; false when it is neither. */
static bool take_number(const char **at, long long none, long long *out, bool *given)
{
  char *end;
  errno = 0;
  *given = false;
  *out = none;
  if (**at != '-' && (**at < '0' || **at > '9')) return true;
  *out = strtoll(*at, &end, 10);
  *given = end != *at;
  *at = end;
  return *given && errno == 0;
}

static long long clamp(long long value, long long most)
{
  return value < 0 ? 0 : value > most ? most : value;
}

/* "FIRST:END:STEP" or "INDEX", up to the comma. */
static const char *take_one(na_slice *slice, int i, const char *at, long long dim)
{
  long long first, end, step;
  bool has_first, has_end, has_step;
  if (!take_number(&at, 0, &first, &has_first)) return "has a number that is too large";
  if (first < 0) first += dim;
  slice->fixed[i] = *at != ':';
  if (slice->fixed[i]) {
    if (!has_first) return "is not understood";
    if (first < 0 || first >= dim) return "has an index beyond the array";
    slice->part.first[i] = first;
    slice->part.count[i] = slice->part.step[i] = 1;
    return *at == ',' || *at == '\0' ? NULL : "is not understood";
  }
  at++;
  if (!take_number(&at, dim, &end, &has_end)) return "has a number that is too large";
  if (end < 0) end += dim;
  step = 1;
  if (*at == ':') at++;
  if (!take_number(&at, 1, &step, &has_step)) return "has a number that is too large";
  if (step < 1) return "has a step that is not positive";
  if (*at != ',' && *at != '\0') return "is not understood";
  first = clamp(first, dim);
  end = clamp(end, dim);
  slice->part.first[i] = first;
  slice->part.step[i] = step;
  slice->part.count[i] = end > first ? (end - first - 1) / step + 1 : 0;
  return NULL;
}

static int count_items(const char *text)
{
  int count = text[0] != '\0';
  for (const char *c = text; *c != '\0'; c++) count += *c == ',';
  return count;
}

int na_slice_parse(na_slice *slice, const char *text, const na_h5_about *about, na_error *err)
{
  char plain[512];
  size_t length = 0;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == ' ' || *c == '[' || *c == ']') continue;
    if (length + 1 >= sizeof plain) return refuse(text, about, err, "is too long");
    plain[length++] = *c;
  }
  plain[length] = '\0';
  *slice = (na_slice){.part = {.rank = 0}};
  na_h5_part_all(&slice->part, about);
  int items = count_items(plain), rank = about->rank, i = 0;
  for (const char *at = plain; *at != '\0'; at += *at == ',') {
    if (strncmp(at, "...", 3) == 0) {
      int missing = rank - (items - 1);
      if (missing < 0) return refuse(text, about, err, "has too many dimensions");
      i += missing;
      at += 3;
      items = i; /* a second one stands for nothing */
      continue;
    }
    if (i >= rank) return refuse(text, about, err, "has too many dimensions");
    const char *trouble = take_one(slice, i, at, about->dims[i]);
    if (trouble != NULL) return refuse(text, about, err, trouble);
    i++;
    at += strcspn(at, ",");
  }
  return NA_OK;
}

void na_slice_first(na_slice *slice, const na_h5_about *about)
{
  *slice = (na_slice){.part = {.rank = 0}};
  na_h5_part_all(&slice->part, about);
  for (int i = 0; i < about->rank - 2; i++) {
    slice->fixed[i] = true;
    slice->part.count[i] = about->dims[i] > 0;
  }
}

void na_slice_text(const na_slice *slice, const na_h5_about *about, char out[512])
{
  size_t used = 0;
  out[0] = '\0';
  for (int i = 0; i < slice->part.rank && used < 440; i++) {
    const char *comma = i > 0 ? "," : "";
    long long first = slice->part.first[i], count = slice->part.count[i],
              step = slice->part.step[i];
    long long end = first + (count - 1) * step + 1;
    if (slice->fixed[i]) used += (size_t)snprintf(out + used, 512 - used, "%s%lld", comma, first);
    else if (count == about->dims[i] && step == 1)
      used += (size_t)snprintf(out + used, 512 - used, "%s:", comma);
    else if (step == 1)
      used += (size_t)snprintf(out + used, 512 - used, "%s%lld:%lld", comma, first, end);
    else
      used += (size_t)snprintf(out + used, 512 - used, "%s%lld:%lld:%lld", comma, first, end, step);
  }
}
