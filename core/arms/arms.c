/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/arms.h"
#include "core/arms/folders.h"
#include "core/arms/group.h"
#include "core/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL_PAIRS_MOST = 10 };

int na_arms_note(na_arms *arms, na_error *err, const char *format, ...)
{
  na_buffer text = {0};
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  na_buffer_add(&text, "%s", line);
  void *notes = arms->notes;
  if (text.failed ||
      na_grow(&notes, (size_t)arms->note_count, &arms->note_capacity, sizeof *arms->notes) != 0) {
    na_free(text.data);
    return na_fail_memory(err, sizeof line, "a note");
  }
  arms->notes = notes;
  arms->notes[arms->note_count++] = text.data;
  return NA_OK;
}

/* -------------------------------------------------------------------------------- reading */

static int read_runs(na_arms *arms, const na_folders *folders, na_error *err)
{
  int code = NA_OK;
  arms->runs = na_alloc_array(folders->count, sizeof *arms->runs);
  if (arms->runs == NULL) return na_fail_memory(err, folders->count * sizeof *arms->runs, "runs");
  for (size_t i = 0; i < folders->count && code == NA_OK; i++)
    code = na_member_read(&arms->runs[arms->run_count++], folders->paths[i], &arms->measure, err);
  return code;
}

static int find_runs(na_arms *arms, const char *const *paths, int count, na_error *err)
{
  na_folders folders = {.paths = NULL};
  int code = NA_OK;
  for (int i = 0; i < count && code == NA_OK; i++) code = na_folders_add(&folders, paths[i], err);
  if (code == NA_OK) code = read_runs(arms, &folders, err);
  na_folders_free(&folders);
  return code;
}

static void summarise(na_arms *arms, na_arm *arm)
{
  na_t_test test = na_t_one_sample(arm->outcomes, arm->count, 1 - arms->question.alpha);
  arm->mean = test.mean;
  arm->sd = test.sd;
  arm->interval = test.interval;
  arm->seconds = 0;
  for (int i = 0; i < arm->count; i++) arm->seconds += arms->runs[arm->members[i]].seconds;
  arm->seconds = arm->count > 0 ? arm->seconds / arm->count : NAN;
  const na_run *first = &arms->runs[arm->count > 0 ? arm->members[0] : arm->first].run;
  arm->parameters = first->parameters > 0 ? (long long)first->parameters : 0;
  arm->macs = first->macs > 0 ? (long long)first->macs : 0;
}

/* ------------------------------------------------------------------------------ comparing */

static const char *arm_name_at(const void *list, int i)
{
  return ((const na_arm *)list)[i].name;
}

static int find_control(na_arms *arms, const char *name, na_error *err)
{
  char *end;
  arms->control = -1;
  if (name == NULL) return NA_OK;
  for (int a = 0; a < arms->arm_count; a++)
    if (strcmp(arms->arms[a].name, name) == 0) arms->control = a;
  long number = strtol(name, &end, 10);
  if (arms->control < 0 && *end == '\0' && end != name && number >= 1 && number <= arms->arm_count)
    arms->control = (int)number - 1;
  if (arms->control >= 0) return NA_OK;
  int near = na_text_nearest(name, arms->arm_count, arm_name_at, arms->arms);
  na_fail(err, NA_EINVAL, "no arm is called \"%.64s\"", name);
  if (near >= 0) return na_hint(err, "did you mean \"%.64s\"?", arms->arms[near].name);
  return na_hint(err, "arms are called as in the table, or numbered from 1; the first is \"%.64s\"",
                 arms->arms[0].name);
}

static int compare(na_arms *arms, int a, int b, na_error *err)
{
  na_comparison *c = &arms->comparisons[arms->comparison_count++];
  const na_arm *x = &arms->arms[a], *y = &arms->arms[b];
  *c = (na_comparison){.a = a, .b = b};
  return na_verdict_make(&c->verdict, &(na_sample){x->name, x->count, x->outcomes, x->keys},
                         &(na_sample){y->name, y->count, y->outcomes, y->keys}, &arms->question,
                         err);
}

/* Every arm with the control, or every two, the better one first; those that have runs. */
static int compare_all(na_arms *arms, na_error *err)
{
  int code = NA_OK, n = arms->arm_count;
  bool all = arms->control < 0;
  size_t count = all ? (size_t)n * (size_t)(n - 1) / 2 : (size_t)n - 1;
  arms->comparisons = na_alloc_array(count + 1, sizeof *arms->comparisons);
  if (arms->comparisons == NULL) return na_fail_memory(err, count * 400, "comparisons");
  for (int a = 0; a < n && code == NA_OK; a++)
    for (int b = a + 1; all && b < n && code == NA_OK; b++) {
      if (arms->arms[a].count == 0 || arms->arms[b].count == 0) continue;
      double gain = arms->arms[a].mean - arms->arms[b].mean;
      bool first = arms->measure.lower ? !(gain > 0) : !(gain < 0);
      code = compare(arms, first ? a : b, first ? b : a, err);
    }
  for (int a = 0; a < n && !all && code == NA_OK; a++)
    if (a != arms->control && arms->arms[a].count > 0) code = compare(arms, a, arms->control, err);
  return code;
}

static int decide(na_arms *arms, na_error *err)
{
  int count = arms->comparison_count, code = NA_OK;
  na_verdict *verdicts = na_alloc_array((size_t)count + 1, sizeof *verdicts);
  if (verdicts == NULL) return na_fail_memory(err, (size_t)count * sizeof *verdicts, "verdicts");
  for (int i = 0; i < count; i++) verdicts[i] = arms->comparisons[i].verdict;
  code = na_verdict_family(verdicts, count, &arms->question, err);
  for (int i = 0; i < count; i++) arms->comparisons[i].verdict = verdicts[i];
  na_free(verdicts);
  return code;
}

static int compare_arms(na_arms *arms, na_error *err)
{
  int n = arms->arm_count;
  if (n > ALL_PAIRS_MOST && arms->control < 0)
    return na_arms_note(
        arms, err,
        "%d arms make %d pairs, too many to tell apart at once: name a control, and "
        "every arm is compared with it",
        n, n * (n - 1) / 2);
  int code = compare_all(arms, err);
  return code == NA_OK ? decide(arms, err) : code;
}

/* ---------------------------------------------------------------------------------- notes */

static int note_machines(na_arms *arms, na_error *err)
{
  const char *seen = NULL;
  for (int r = 0; r < arms->run_count; r++) {
    const na_member *run = &arms->runs[r];
    if (run->state != NA_MEMBER_FINISHED || run->isa[0] == '\0') continue;
    if (seen != NULL && strcmp(seen, run->isa) != 0)
      return na_arms_note(
          arms, err,
          "runs used different instruction sets (%s, %s): the same seed gives other "
          "bits on each",
          seen, run->isa);
    seen = run->isa;
  }
  return NA_OK;
}

static int note_all(na_arms *arms, na_error *err)
{
  int code = note_machines(arms, err);
  if (code == NA_OK && arms->measure.best)
    code = na_arms_note(arms, err,
                        "the best epoch was chosen on the images it is measured on: it flatters");
  if (code == NA_OK && arms->arm_count == 1)
    code = na_arms_note(arms, err,
                        "all runs have the same settings but for the seed: one arm, "
                        "nothing to compare");
  return code;
}

/* ---------------------------------------------------------------------------------- whole */

static int check_any(const na_arms *arms, na_error *err)
{
  const na_member *run = &arms->runs[0];
  for (int a = 0; a < arms->arm_count; a++)
    if (arms->arms[a].count > 0) return NA_OK;
  na_fail(err, NA_EINVAL, "no run counts: %.100s is %s (%.200s)", run->name,
          na_member_word(run->state), run->why);
  return na_hint(err, "runs count that have ended as planned and were not steered");
}

int na_arms_read(na_arms *arms, const char *const *folders, int count,
                 const na_arms_question *question, na_error *err)
{
  *arms = (na_arms){.measure = *question->measure, .control = -1};
  arms->question = (na_question){.alpha = question->alpha,
                                 .power = question->power,
                                 .judge = question->judge,
                                 .lower_is_better = question->measure->lower,
                                 .digits = question->measure->share ? 2 : 4,
                                 .unit = question->measure->share ? "points" : ""};
  int code = find_runs(arms, folders, count, err);
  if (code == NA_OK) code = na_group_runs(arms, question->by, question->by_count, err);
  if (code == NA_OK && !question->early) code = check_any(arms, err);
  for (int a = 0; code == NA_OK && a < arms->arm_count; a++) summarise(arms, &arms->arms[a]);
  if (code == NA_OK) code = find_control(arms, question->control, err);
  if (code == NA_OK) code = compare_arms(arms, err);
  return code == NA_OK ? note_all(arms, err) : code;
}

void na_arms_words(const na_arms *arms, int i, na_buffer *out)
{
  const na_comparison *c = &arms->comparisons[i];
  na_verdict_words(&c->verdict, arms->arms[c->a].name, arms->arms[c->b].name, &arms->question, out);
}

static void free_arm(na_arm *arm)
{
  na_free(arm->name);
  na_free((void *)arm->values);
  na_free(arm->members);
  na_free(arm->outcomes);
  na_free(arm->keys);
}

void na_arms_free(na_arms *arms)
{
  for (int r = 0; r < arms->run_count; r++) na_member_free(&arms->runs[r]);
  for (int a = 0; a < arms->arm_count; a++) free_arm(&arms->arms[a]);
  for (int i = 0; i < arms->note_count; i++) na_free(arms->notes[i]);
  na_free(arms->runs);
  na_free((void *)arms->settings);
  na_free(arms->arms);
  na_free(arms->comparisons);
  na_free(arms->notes);
  *arms = (na_arms){.control = -1};
}
