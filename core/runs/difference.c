/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/difference.h"
#include "core/base/memory.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool differs(na_run *const *runs, size_t count, const char *name)
{
  const char *first = na_run_setting_of(runs[0], name);
  for (size_t i = 1; i < count; i++)
    if (!same(first, na_run_setting_of(runs[i], name))) return true;
  return false;
}

static bool is_listed(const char *const *names, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static int add_of(na_run *const *runs, size_t count, const na_run *run, const char ***names,
                  size_t *name_count, size_t *capacity, na_error *err)
{
  for (int s = 0; s < run->setting_count; s++) {
    const char *name = run->settings[s].name;
    if (strcmp(name, "name") == 0 || is_listed(*names, *name_count, name) || !differs(runs, count, name))
      continue;
    void *list = (void *)*names;
    int code = na_grow(&list, *name_count, capacity, sizeof **names);
    *names = list;
    if (code != NA_OK) return na_fail_memory(err, *name_count * sizeof **names, "the difference");
    (*names)[(*name_count)++] = name;
  }
  return NA_OK;
}

int na_runs_difference(na_run *const *runs, size_t count, const char ***names, size_t *name_count,
                       na_error *err)
{
  size_t capacity = 0;
  int code = NA_OK;
  *names = NULL;
  *name_count = 0;
  for (size_t i = 0; i < count && code == NA_OK; i++)
    code = add_of(runs, count, runs[i], names, name_count, &capacity, err);
  if (code == NA_OK) return NA_OK;
  na_free((void *)*names);
  *names = NULL;
  *name_count = 0;
  return code;
}
