/* netaug compare: runs in arms, and whether they differ.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/report/report.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct options {
  na_report_options report;
  bool json, csv;
} options;

/* clang-format off */
static const na_option option_table[] = {
    NA_REPORT_OPTIONS(options, report),
    {{"--json", NA_BOOL, offsetof(options, json), "false", 0, 0, NULL, "print JSON: all of it"},
     NULL, false},
    {{"--csv", NA_BOOL, offsetof(options, csv), "false", 0, 0, NULL, "print CSV: a row per run"},
     NULL, false},
};
/* clang-format on */

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  na_arms arms = {.control = -1};
  na_buffer out = {0};
  if (given->json && given->csv) {
    na_fail(err, NA_EINVAL, "--json and --csv do not go together");
    return na_hint(err, "ask twice");
  }
  int code =
      na_report_read(&arms, (const char *const *)call->operands, call->count, &given->report, err);
  if (code == NA_OK)
    code = given->json  ? na_report_json(&arms, &out, err)
           : given->csv ? na_report_csv(&arms, &out, err)
                        : na_report_text(&arms, &out, err);
  if (code == NA_OK) fputs(out.data, stdout);
  na_free(out.data);
  na_arms_free(&arms);
  return code;
}

const na_command na_command_compare = {
    .name = "compare",
    .operands = "RUN...",
    .summary = "Compare runs: is it better, or is it noise?",
    .description =
        "Groups the runs in the given folders into arms: runs whose settings differ in nothing but\n"
        "the seed are one arm. Prints every arm's mean and cost, and for every two arms (or every\n"
        "arm and the control) a verdict in words. A folder of runs stands for all of them.\n"
        "\n"
        "Runs with the same seed in both arms are pairs, and their differences are tested: Student's\n"
        "t, and exactly, by flipping signs. Arms without common seeds are compared by Welch's test.\n"
        "With several verdicts, p is corrected after Holm. Only runs count that ended as planned and\n"
        "were not steered; the others are named.",
    .example = "netaug compare runs --control plain",
    .least = 1,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
