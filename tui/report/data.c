/* Arms and verdicts for other programs: CSV and JSON.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/json.h"
#include "tui/report/report.h"

#include <math.h>
#include <string.h>

static int finish(const na_buffer *out, na_error *err)
{
  return out->failed ? na_fail(err, NA_ENOMEM, "out of memory while writing the comparison")
                     : NA_OK;
}

/* ------------------------------------------------------------------------------------ CSV */

/* Quoted where RFC 4180 asks for it. A field that a spreadsheet would take for a formula gets an
 * apostrophe before it: names come from strangers' files. */
static void csv_text(na_buffer *out, const char *text)
{
  bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
  bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;
  na_buffer_add(out, "%s%s", quoted ? "\"" : "", formula ? "'" : "");
  for (const char *c = text; *c != '\0'; c++) na_buffer_add(out, *c == '"' ? "\"\"" : "%c", *c);
  if (quoted) na_buffer_add(out, "\"");
}

static void csv_number(na_buffer *out, double value)
{
  if (isfinite(value))
    na_buffer_add(out, ",%.12g", value);
  else
    na_buffer_add(out, ",");
}

static void csv_row(const na_arms *arms, int r, na_buffer *out)
{
  const na_member *run = &arms->runs[r];
  int a = na_arms_find(arms, r);
  csv_text(out, a >= 0 ? arms->arms[a].name : "");
  na_buffer_add(out, ",");
  csv_text(out, run->name);
  na_buffer_add(out, ",%s,", na_member_word(run->state));
  csv_text(out, run->why);
  csv_number(out, run->seed >= 0 ? (double)run->seed : NAN);
  csv_number(out, run->epochs);
  csv_number(out, run->value);
  csv_number(out, run->seconds);
  csv_number(out, a >= 0 && arms->arms[a].parameters > 0 ? (double)arms->arms[a].parameters : NAN);
  csv_number(out, a >= 0 && arms->arms[a].macs > 0 ? (double)arms->arms[a].macs : NAN);
  for (int s = 0; s < arms->setting_count; s++) {
    na_buffer_add(out, ",");
    csv_text(out, na_member_setting(run, arms->settings[s]));
  }
  na_buffer_add(out, "\n");
}

int na_report_csv(const na_arms *arms, na_buffer *out, na_error *err)
{
  na_buffer_add(out, "arm,run,state,why,seed,epochs,%s,seconds,parameters,macs",
                arms->measure.word);
  for (int s = 0; s < arms->setting_count; s++) {
    na_buffer_add(out, ",");
    csv_text(out, arms->settings[s]);
  }
  na_buffer_add(out, "\n");
  for (int r = 0; r < arms->run_count; r++) csv_row(arms, r, out);
  return finish(out, err);
}

/* ----------------------------------------------------------------------------------- JSON */

/* ,"name":value; null where there is none. */
static void json_number(na_buffer *out, const char *name, double value)
{
  if (isfinite(value))
    na_buffer_add(out, ",\"%s\":%.12g", name, value);
  else
    na_buffer_add(out, ",\"%s\":null", name);
}

static void json_named(na_buffer *out, const char *name, const char *text)
{
  na_buffer_add(out, ",\"%s\":", name);
  na_json_add(out, text);
}

static void json_interval(na_buffer *out, const char *name, na_interval interval)
{
  if (isfinite(interval.low) && isfinite(interval.high))
    na_buffer_add(out, ",\"%s\":[%.12g,%.12g]", name, interval.low, interval.high);
  else
    na_buffer_add(out, ",\"%s\":null", name);
}

static void json_run(const na_arms *arms, int r, na_buffer *out)
{
  const na_member *run = &arms->runs[r];
  int a = na_arms_find(arms, r);
  na_buffer_add(out, "%s\n  {\"run\":", r > 0 ? "," : "");
  na_json_add(out, run->name);
  json_named(out, "folder", run->folder);
  json_number(out, "arm", a >= 0 ? a + 1 : NAN);
  json_named(out, "state", na_member_word(run->state));
  if (run->why[0] != '\0') json_named(out, "why", run->why);
  json_number(out, "seed", run->seed >= 0 ? (double)run->seed : NAN);
  json_number(out, "epochs", run->epochs);
  json_number(out, "value", run->value);
  json_number(out, "seconds", run->seconds);
  na_buffer_add(out, "}");
}

static void json_arm(const na_arms *arms, int a, na_buffer *out)
{
  const na_arm *arm = &arms->arms[a];
  na_buffer_add(out, "%s\n  {\"arm\":", a > 0 ? "," : "");
  na_json_add(out, arm->name);
  json_number(out, "runs", arm->count);
  json_number(out, "mean", arm->mean);
  json_number(out, "sd", arm->sd);
  json_interval(out, "interval", arm->interval);
  json_number(out, "parameters", arm->parameters > 0 ? (double)arm->parameters : NAN);
  json_number(out, "macs", arm->macs > 0 ? (double)arm->macs : NAN);
  json_number(out, "seconds", arm->seconds);
  na_buffer_add(out, ",\"settings\":{");
  for (int s = 0; s < arms->setting_count; s++) {
    if (s > 0) na_buffer_add(out, ",");
    na_json_add(out, arms->settings[s]);
    na_buffer_add(out, ":");
    na_json_add(out, arm->values[s]);
  }
  na_buffer_add(out, "}}");
}

static void json_verdict(const na_arms *arms, int i, na_buffer *out)
{
  const na_comparison *c = &arms->comparisons[i];
  const na_verdict *v = &c->verdict;
  na_buffer words = {0};
  na_arms_words(arms, i, &words);
  na_buffer_add(out, "%s\n  {\"outcome\":\"%s\"", i > 0 ? "," : "", na_outcome_word(v->outcome));
  json_number(out, "a", c->a + 1);
  json_number(out, "b", c->b + 1);
  na_buffer_add(out, ",\"paired\":%s", v->paired ? "true" : "false");
  json_number(out, "pairs", v->pairs);
  json_number(out, "difference", v->t.mean);
  json_interval(out, "interval", v->t.interval);
  json_named(out, "test", v->paired ? na_judge_word(v->judge) : "welch");
  json_number(out, "p", v->p);
  json_number(out, "p_holm", v->holm);
  json_number(out, "p_t", v->t.p);
  json_number(out, "p_sign_flip", v->flip.p);
  json_number(out, "p_wilcoxon", v->wilcoxon.p);
  json_number(out, "d", v->effect.d);
  json_number(out, "g", v->effect.g);
  json_interval(out, "effect_interval", v->effect.interval);
  json_number(out, "more_seeds_needed", v->needed > 0 ? v->needed : NAN);
  json_named(out, "words", words.data != NULL ? words.data : "");
  out->failed |= words.failed;
  na_buffer_add(out, "}");
  na_free(words.data);
}

int na_report_json(const na_arms *arms, na_buffer *out, na_error *err)
{
  na_buffer_add(out, "{\"metric\":\"%s\"", arms->measure.word);
  json_number(out, "alpha", arms->question.alpha);
  json_number(out, "control", arms->control >= 0 ? arms->control + 1 : NAN);
  na_buffer_add(out, ",\n \"arms\":[");
  for (int a = 0; a < arms->arm_count; a++) json_arm(arms, a, out);
  na_buffer_add(out, "],\n \"verdicts\":[");
  for (int i = 0; i < arms->comparison_count; i++) json_verdict(arms, i, out);
  na_buffer_add(out, "],\n \"runs\":[");
  for (int r = 0; r < arms->run_count; r++) json_run(arms, r, out);
  na_buffer_add(out, "],\n \"notes\":[");
  for (int i = 0; i < arms->note_count; i++) {
    if (i > 0) na_buffer_add(out, ",");
    na_json_add(out, arms->notes[i]);
  }
  na_buffer_add(out, "]}\n");
  return finish(out, err);
}
