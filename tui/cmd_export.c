/* netaug export: networks, tables and curves for other programs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/command.h"
#include "tui/export.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef enum kind { NETWORK, TABLE, CURVES } kind;

#define AT(field) offsetof(na_export, field)
#define CHOICE(symbol, name, kind) "|" name
/* clang-format off */
static const na_option option_table[] = {
    {{"--format", NA_CHOICE, AT(format), "auto", 0, 0, "auto" NA_EXPORT_FORMATS(CHOICE),
      "what to write; auto: as OUT's suffix says"},
     "NAME", false},
    {{"--table", NA_CHOICE, AT(table), "auto", 0, 0, "auto|step|epoch|steering",
      "which rows; auto: epochs, and steps for curves of less than two epochs"},
     "NAME", false},
    {{"--columns", NA_TEXT, AT(columns), "", 0, 0, NULL,
      "patterns separated by commas, such as *_top1,lr; default: all, for curves loss and top-1"},
     "NAMES", false},
    {{"--axis", NA_CHOICE, AT(axis), "epoch", 0, 0, "step|epoch|time",
      "what curves are drawn over"},
     "NAME", false},
    {{"--smooth", NA_FLOAT, AT(smooth), "0", 0, 0.9999, NULL,
      "decay of an exponential average of training curves, raw ones stay faint"},
     "D", false},
    {{"--title", NA_TEXT, AT(title), "", 0, 0, NULL, "above the curves; default: the runs' names"},
     "TEXT", false},
    {{"--width", NA_FLOAT, AT(width), "0", 0, 4000, NULL,
      "of the figure in points; 0: 480. A PNG has 2 pixels to the point"},
     "POINTS", false},
    {{"--height", NA_FLOAT, AT(height), "0", 0, 4000, NULL, "0: 260 for each plot"},
     "POINTS", false},
    {{"--images", NA_INT, AT(images), "20", 1, 4096, NULL,
      "generated images to compare an exported network's outputs on"},
     "N", false},
};
/* clang-format on */

static const struct {
  const char *name;
  kind kind;
} formats[] = {{"", NETWORK},
#define FORMAT(symbol, name, kind) {name, kind},
               NA_EXPORT_FORMATS(FORMAT)};
enum { FORMATS = sizeof formats / sizeof formats[0] };

bool na_export_wants(const char *patterns, const char *name)
{
  char one[128];
  for (const char *at = patterns + strspn(patterns, " ,"); *at != '\0'; at += strspn(at, " ,")) {
    size_t length = strcspn(at, " ,");
    snprintf(one, sizeof one, "%.*s", (int)(length < sizeof one ? length : sizeof one - 1), at);
    if (fnmatch(one, name, 0) == 0) return true;
    at += length;
  }
  return false;
}

static const char *name_at(const void *list, int i)
{
  return ((const char *const *)list)[i];
}

static int refuse_pattern(const char *pattern, const char *const *names, int count, na_error *err)
{
  na_fail(err, NA_EINVAL, "there is no column \"%s\"", pattern);
  int near = na_text_nearest(pattern, count, name_at, names);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", names[near]);
  return na_hint(err, "without --columns an export to .csv has them all in its first line");
}

int na_export_check(const char *patterns, const char *const *names, int count, na_error *err)
{
  char one[128];
  for (const char *at = patterns + strspn(patterns, " ,"); *at != '\0'; at += strspn(at, " ,")) {
    size_t length = strcspn(at, " ,");
    bool found = false;
    snprintf(one, sizeof one, "%.*s", (int)(length < sizeof one ? length : sizeof one - 1), at);
    for (int i = 0; i < count && !found; i++) found = fnmatch(one, names[i], 0) == 0;
    if (!found) return refuse_pattern(one, names, count, err);
    at += length;
  }
  return NA_OK;
}

/* The format that OUT's suffix names. */
static int find_format(na_export *given, na_error *err)
{
  const char *dot = strrchr(given->out, '.');
  for (int i = 1; given->format == NA_EXPORT_AUTO && dot != NULL && i < FORMATS; i++)
    if (strcasecmp(dot + 1, formats[i].name) == 0) given->format = i;
  if (given->format != NA_EXPORT_AUTO) return NA_OK;
  na_fail(err, NA_EINVAL, "\"%.200s\" does not say which format to write", given->out);
  return na_hint(err, "end it in .h5, .csv, .jsonl, .svg, .png or .pdf, or give --format");
}

static int check_count(const na_export *given, na_error *err)
{
  if (given->count > NA_EXPORT_RUNS)
    return na_fail(err, NA_EINVAL, "%d runs are more than %d", given->count, NA_EXPORT_RUNS);
  if (formats[given->format].kind != NETWORK) return NA_OK;
  if (given->count > 1)
    return na_fail(err, NA_EINVAL, "one network at a time: netaug export has no use for \"%.64s\"",
                   given->runs[1]);
  if (strcmp(given->out, "-") != 0) return NA_OK;
  na_fail(err, NA_EINVAL, "a network cannot be written to standard output");
  return na_hint(err, "give a file's name");
}

static int run(const na_call *call, na_error *err)
{
  na_export given;
  memcpy(&given, call->options, sizeof given);
  given.count = call->count - 1;
  given.runs = call->operands;
  given.out = call->operands[call->count - 1];
  int code = find_format(&given, err);
  if (code == NA_OK) code = check_count(&given, err);
  if (code != NA_OK) return code;
  switch (formats[given.format].kind) {
  case NETWORK: return na_export_network(&given, err);
  case TABLE: return na_export_tables(&given, err);
  default: return na_export_curves(&given, err);
  }
}

const na_command na_command_export = {
    .name = "export",
    .operands = "CHECKPOINT|RUN... OUT",
    .summary = "Write a network, tables or curves for other programs",
    .description =
        "OUT's suffix says what is written; - is standard output, with --format.\n"
        "\n"
        ".h5: the tiny network of a checkpoint, taken out of its supernet, as a checkpoint of its\n"
        "own. The file is read back and its outputs are compared with the supernet's.\n"
        "\n"
        ".csv, .jsonl: rows of one or more runs (folders), a column for each quantity: those of\n"
        "epochs, of steps (--table step) or the steering log (--table steering). What was not\n"
        "measured is empty, in JSON null.\n"
        "\n"
        ".svg, .png, .pdf: curves of one or more runs, a plot for each quantity. Of one run they\n"
        "are base and augmented network, in training and validation, with marks where phases or\n"
        "settings changed; of several, the base network's validation. A run may be in training.",
    .example = "netaug export runs/tiny runs/tiny-r3 accuracy.svg --columns base_val_top1",
    .least = 2,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(na_export),
    .run = run,
};
