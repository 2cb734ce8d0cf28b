/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/group.h"
#include "core/base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool na_arms_neutral(const char *setting)
{
  static const char *const names[] = {
      "name",       "train.seed",       "data.seed",    "train.threads",     "train.keep",
      "data.cache", "train.save_every", "data.loaders", "train.save_minutes"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], setting) == 0) return true;
  return false;
}

/* -------------------------------------------------------------------- settings that differ */

static bool has(const na_member *run, const char *name, const char **value)
{
  for (int i = 0; i < run->run.setting_count; i++)
    if (strcmp(run->run.settings[i].name, name) == 0) {
      *value = run->run.settings[i].value;
      return true;
    }
  return false;
}

/* Do two runs have other values of it? A run of an older program that lacks it says nothing. */
static bool differs(const na_arms *arms, const char *name)
{
  const char *seen = NULL, *value;
  for (int r = 0; r < arms->run_count; r++) {
    if (!has(&arms->runs[r], name, &value)) continue;
    if (seen != NULL && strcmp(seen, value) != 0) return true;
    seen = value;
  }
  return false;
}

static bool listed(const char *const *names, int count, const char *name)
{
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

/* Every setting of any run, once: borrowed. *names has room for all. */
static int all_settings(const na_arms *arms, const char **names)
{
  int count = 0;
  for (int r = 0; r < arms->run_count; r++)
    for (int s = 0; s < arms->runs[r].run.setting_count; s++) {
      const char *name = arms->runs[r].run.settings[s].name;
      if (!listed(names, count, name)) names[count++] = name;
    }
  return count;
}

static const char *name_at(const void *list, int i)
{
  return ((const char *const *)list)[i];
}

static int refuse_setting(const char *const *names, int count, const char *name, na_error *err)
{
  int near = na_text_nearest(name, count, name_at, names);
  na_fail(err, NA_EINVAL, "no run has a setting \"%.64s\"", name);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", names[near]);
  return na_hint(err, "netaug help settings lists them");
}

/* What is left to chance when `by` names some of the settings that differ. */
static int note_mixture(na_arms *arms, const char *const *names, int count, na_error *err)
{
  int code = NA_OK;
  for (int i = 0; i < count && code == NA_OK; i++)
    if (!na_arms_neutral(names[i]) && !listed(arms->settings, arms->setting_count, names[i]) &&
        differs(arms, names[i]))
      code = na_arms_note(arms, err, "runs differ in %s, too, which does not tell arms apart here",
                          names[i]);
  return code;
}

static int choose_settings(na_arms *arms, const char *const *by, int by_count, const char **names,
                           na_error *err)
{
  int count = all_settings(arms, names);
  arms->settings = na_alloc_array((size_t)count + 1, sizeof *arms->settings);
  if (arms->settings == NULL) return na_fail_memory(err, (size_t)count * 8, "settings");
  for (int i = 0; i < by_count; i++) {
    int at = 0;
    while (at < count && strcmp(names[at], by[i]) != 0) at++;
    if (at == count) return refuse_setting(names, count, by[i], err);
    if (!listed(arms->settings, arms->setting_count, by[i]))
      arms->settings[arms->setting_count++] = names[at];
  }
  if (by_count > 0) return note_mixture(arms, names, count, err);
  for (int i = 0; i < count; i++)
    if (!na_arms_neutral(names[i]) && differs(arms, names[i]))
      arms->settings[arms->setting_count++] = names[i];
  return NA_OK;
}

/* ------------------------------------------------------------------------------- members */

int na_arms_find(const na_arms *arms, int run)
{
  if (arms->runs[run].state == NA_MEMBER_UNREADABLE) return -1;
  for (int a = 0; a < arms->arm_count; a++) {
    bool same = true;
    for (int s = 0; s < arms->setting_count && same; s++)
      same = strcmp(arms->arms[a].values[s],
                    na_member_setting(&arms->runs[run], arms->settings[s])) == 0;
    if (same) return a;
  }
  return -1;
}

static int add_arm(na_arms *arms, int run, na_error *err)
{
  na_arm *arm = &arms->arms[arms->arm_count++];
  size_t runs = (size_t)arms->run_count;
  *arm = (na_arm){.first = run};
  arm->values = na_alloc_array((size_t)arms->setting_count + 1, sizeof *arm->values);
  arm->members = na_alloc_array(runs, sizeof *arm->members);
  arm->outcomes = na_alloc_array(runs, sizeof *arm->outcomes);
  arm->keys = na_alloc_array(runs, sizeof *arm->keys);
  if (arm->values == NULL || arm->members == NULL || arm->outcomes == NULL || arm->keys == NULL)
    return na_fail_memory(err, runs * 24, "an arm");
  for (int s = 0; s < arms->setting_count; s++)
    arm->values[s] = na_member_setting(&arms->runs[run], arms->settings[s]);
  return NA_OK;
}

/* In the order of the seeds. The same seeds again are no new evidence. */
static void add_member(na_arms *arms, na_arm *arm, int run)
{
  na_member *member = &arms->runs[run];
  int at = arm->count;
  for (int i = 0; i < arm->count; i++)
    if (arm->keys[i] == member->key && member->seed >= 0) {
      member->state = NA_MEMBER_REPEATED;
      snprintf(member->why, sizeof member->why, "the seeds of %.150s again",
               arms->runs[arm->members[i]].name);
      return;
    }
  while (at > 0 && arm->keys[at - 1] > member->key) {
    arm->keys[at] = arm->keys[at - 1];
    arm->members[at] = arm->members[at - 1];
    arm->outcomes[at] = arm->outcomes[at - 1];
    at--;
  }
  arm->keys[at] = member->key;
  arm->members[at] = run;
  arm->outcomes[at] = member->value;
  arm->count++;
}

static int make_arms(na_arms *arms, na_error *err)
{
  int code = NA_OK;
  arms->arms = na_alloc_array((size_t)arms->run_count + 1, sizeof *arms->arms);
  if (arms->arms == NULL) return na_fail_memory(err, (size_t)arms->run_count * 8, "arms");
  for (int r = 0; r < arms->run_count && code == NA_OK; r++) {
    if (arms->runs[r].state == NA_MEMBER_UNREADABLE) continue;
    int a = na_arms_find(arms, r);
    if (a < 0) {
      a = arms->arm_count;
      code = add_arm(arms, r, err);
    }
    if (code == NA_OK && arms->runs[r].state == NA_MEMBER_FINISHED)
      add_member(arms, &arms->arms[a], r);
  }
  return code;
}

/* --------------------------------------------------------------------------------- names */

static bool separates(char c)
{
  return c != '\0' && strchr("-_=., /", c) != NULL;
}

/* What a run is called without its seed: "ratio-2" of "ratio-2-seed-3". */
static void stem_of(const na_member *run, char out[128])
{
  const char *name = na_member_setting(run, "name");
  snprintf(out, 128, "%.127s", name[0] != '\0' ? name : run->name);
  size_t end = strlen(out), digits = end;
  while (digits > 0 && isdigit((unsigned char)out[digits - 1])) digits--;
  size_t word = digits > 0 && digits < end && separates(out[digits - 1]) ? digits - 1 : digits;
  if (digits == end || word < 4 || strncasecmp(out + word - 4, "seed", 4) != 0) return;
  word -= 4;
  while (word > 0 && separates(out[word - 1])) word--;
  out[word] = '\0';
}

/* Do the runs' names tell the arms apart? Then names[i] is arm number i's. */
static bool stems_do(const na_arms *arms, char (*names)[128])
{
  char stem[128];
  for (int a = 0; a < arms->arm_count; a++) {
    stem_of(&arms->runs[arms->arms[a].first], names[a]);
    if (names[a][0] == '\0') return false;
    for (int b = 0; b < a; b++)
      if (strcmp(names[a], names[b]) == 0) return false;
  }
  for (int r = 0; r < arms->run_count; r++) {
    if (arms->runs[r].state == NA_MEMBER_UNREADABLE) continue;
    stem_of(&arms->runs[r], stem);
    if (strcmp(stem, names[na_arms_find(arms, r)]) != 0) return false;
  }
  return true;
}

/* "width 1,2,3, lr 0.05" */
static void name_by_settings(const na_arms *arms, const na_arm *arm, na_buffer *out)
{
  for (int s = 0; s < arms->setting_count; s++) {
    const char *dot = strrchr(arms->settings[s], '.');
    na_buffer_add(out, "%s%s ", s > 0 ? ", " : "", dot != NULL ? dot + 1 : arms->settings[s]);
    for (const char *c = arm->values[s]; *c != '\0'; c++)
      if (*c != ' ') na_buffer_add(out, "%c", *c);
    if (arm->values[s][0] == '\0') na_buffer_add(out, "none");
  }
  if (arms->setting_count == 0) na_buffer_add(out, "all runs");
}

static int name_arms(na_arms *arms, na_error *err)
{
  int code = NA_OK;
  char(*stems)[128] = na_alloc_array((size_t)arms->arm_count + 1, sizeof *stems);
  if (stems == NULL) return na_fail_memory(err, (size_t)arms->arm_count * 128, "names");
  bool do_stems = stems_do(arms, stems);
  for (int a = 0; a < arms->arm_count && code == NA_OK; a++) {
    na_buffer name = {0};
    if (do_stems)
      na_buffer_add(&name, "%s", stems[a]);
    else
      name_by_settings(arms, &arms->arms[a], &name);
    arms->arms[a].name = name.data;
    if (name.failed) code = na_fail_memory(err, name.length, "a name");
  }
  na_free(stems);
  return code;
}

int na_group_runs(na_arms *arms, const char *const *by, int by_count, na_error *err)
{
  size_t most = 1;
  for (int r = 0; r < arms->run_count; r++) most += (size_t)arms->runs[r].run.setting_count;
  const char **names = na_alloc_array(most, sizeof *names);
  if (names == NULL) return na_fail_memory(err, most * 8, "settings");
  int code = choose_settings(arms, by, by_count, names, err);
  na_free((void *)names);
  if (code == NA_OK) code = make_arms(arms, err);
  return code == NA_OK ? name_arms(arms, err) : code;
}
