/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/report/facts.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/store/metrics.h"
#include "core/train/environment.h"
#include "core/train/recorder.h"

#include <stdio.h>
#include <string.h>

/* Different values of something, joined; what was said already is not said again. They begin with
 * a newline, so that each stands between two. */
static void join(na_buffer *values, const char *value)
{
  char marked[600];
  snprintf(marked, sizeof marked, "\n%.590s\n", value);
  if (value[0] == '\0' || (values->data != NULL && strstr(values->data, marked) != NULL)) return;
  na_buffer_add(values, "%s%s", values->data == NULL ? "\n" : "", marked + 1);
}

/* Takes the values over. */
static int add(na_facts *facts, const char *name, na_buffer *values, na_error *err)
{
  if (values->failed) {
    na_free(values->data);
    return na_fail_memory(err, values->length, "what a run was made with");
  }
  if (values->data == NULL) return NA_OK;
  memmove(values->data, values->data + 1, values->length);
  facts->items[facts->count++] = (na_fact){name, values->data};
  return NA_OK;
}

static int begin(na_facts *facts, int most, na_error *err)
{
  *facts = (na_facts){.items = na_alloc_array((size_t)most + 1, sizeof *facts->items)};
  return facts->items != NULL ? NA_OK : na_fail_memory(err, (size_t)most * 16, "a report");
}

int na_facts_settings(const na_arms *arms, na_facts *facts, na_error *err)
{
  const na_run *first = &arms->runs[arms->arms[0].first].run;
  int code = begin(facts, first->setting_count, err);
  for (int s = 0; s < first->setting_count && code == NA_OK; s++) {
    na_buffer values = {0};
    const char *name = first->settings[s].name;
    for (int r = 0; r < arms->run_count; r++)
      join(&values, na_member_setting(&arms->runs[r], name));
    code = add(facts, name, &values, err);
  }
  return code;
}

/* A note of every run that could be read. */
static int join_notes(const na_arms *arms, const char *note, na_buffer *values, na_error *err)
{
  char path[NA_RUN_PATH];
  int code = NA_OK;
  for (int r = 0; r < arms->run_count && code != NA_ENOMEM; r++) {
    char *value = NULL;
    if (arms->runs[r].state == NA_MEMBER_UNREADABLE) continue;
    snprintf(path, sizeof path, "%.4080s/run.h5", arms->runs[r].folder);
    code = na_metrics_note(path, note, &value, err);
    if (code == NA_OK && value != NULL) join(values, value);
    na_free(value);
  }
  return code == NA_ENOMEM ? code : NA_OK;
}

int na_facts_environment(const na_arms *arms, na_facts *facts, na_error *err)
{
#define NOTE_NAME(field, size) #field,
  static const char *const notes[] = {NA_ENVIRONMENT(NOTE_NAME)};
#undef NOTE_NAME
  int code = begin(facts, NA_ENVIRONMENT_NOTES, err);
  for (int i = 0; i < NA_ENVIRONMENT_NOTES && code == NA_OK; i++) {
    na_buffer values = {0};
    code = join_notes(arms, notes[i], &values, err);
    if (code != NA_OK)
      na_free(values.data);
    else
      code = add(facts, notes[i], &values, err);
  }
  return code;
}

void na_facts_free(na_facts *facts)
{
  for (int i = 0; i < facts->count; i++) na_free(facts->items[i].values);
  na_free(facts->items);
  *facts = (na_facts){.count = 0};
}
