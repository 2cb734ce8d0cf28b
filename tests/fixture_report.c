/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fixture_report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FAILURES_SHOWN = 5 }; /* of each kind: a broken kernel fails everywhere, the first tell */

static const struct {
  const char *name;
  double mark;
  const char *words;
} kinds[] = {
#define FIXTURE_ROW(symbol, name, mark, words) {name, mark, words},
    FIXTURE_KINDS(FIXTURE_ROW)
#undef FIXTURE_ROW
};

/* Counts a failure; true when it is to be shown. */
static int shows_failure(fixture_report *report, fixture_kind kind)
{
  report->failed++;
  return ++report->tallies[kind].failed <= FAILURES_SHOWN;
}

void fixture_judge(fixture_report *report, fixture_kind kind, double got, double wanted, double scale,
                   const char *where, const char *item)
{
  char place[200];
  snprintf(place, sizeof place, "%s%s%s", where, item[0] != '\0' ? "/" : "", item);
  fixture_tally *tally = &report->tallies[kind];
  double off = fabs(got - wanted), allowed = kinds[kind].mark * scale;
  int good = off <= allowed;
  double share = off == 0 ? 0 : good ? off / allowed : isnan(off) ? INFINITY : off / fmax(allowed, 1e-300);
  if (tally->checked == 0 || share > tally->worst) {
    tally->worst = share;
    tally->shown = off == 0 ? 0 : off / scale;
    memcpy(tally->where, place, sizeof place);
  }
  tally->checked++;
  if (!good && shows_failure(report, kind))
    printf("  FAILED %s: %s is %.9g, wanted %.9g, off by %.3g of %.3g allowed\n", kinds[kind].name,
           place, got, wanted, off, allowed);
}

void fixture_require(fixture_report *report, fixture_kind kind, int good, const char *format, ...)
{
  fixture_tally *tally = &report->tallies[kind];
  tally->checked++;
  if (good) return;
  tally->worst = INFINITY;
  char words[200];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  if (tally->failed == 0) memcpy(tally->where, words, sizeof words);
  if (shows_failure(report, kind)) printf("  FAILED %s: %s\n", kinds[kind].name, words);
}

/* "3.2e-06 (16.0%)": the worst deviation, and how much of what is allowed that is. */
static void worst_words(fixture_kind kind, const fixture_tally *tally, char words[32])
{
  char share[16] = ">999%";
  if (100 * tally->worst < 999) snprintf(share, sizeof share, "%.1f%%", 100 * tally->worst);
  if (kinds[kind].mark == 0 || isinf(tally->worst)) snprintf(words, 32, "-");
  else if (kinds[kind].mark == 1) snprintf(words, 32, "%s", share);
  else snprintf(words, 32, "%.1e (%s)", tally->shown, share);
}

static void print_row(const fixture_report *report, fixture_kind kind)
{
  const fixture_tally *tally = &report->tallies[kind];
  char worst[32];
  worst_words(kind, tally, worst);
  printf("  %-31s %7ld %6ld  %-16s %-30s %s\n", kinds[kind].name, tally->checked, tally->failed, worst,
         kinds[kind].words, kinds[kind].mark != 0 || tally->failed != 0 ? tally->where : "");
}

void fixture_print(fixture_report *report)
{
  for (int kind = 0; kind < FIXTURE_KIND_COUNT; kind++)
    if (report->tallies[kind].checked == 0)
      fixture_require(report, kind, 0, "there was nothing of it to check");
  printf("  %-31s %7s %6s  %-16s %-30s %s\n", "quantity", "checked", "failed", "worst (of mark)",
         "pass mark", "where");
  for (int kind = 0; kind < FIXTURE_KIND_COUNT; kind++) print_row(report, kind);
}
