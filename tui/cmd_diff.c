/* netaug diff: what differs between two HDF5 files, or two runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/command.h"
#include "tui/inspect/differ.h"
#include "tui/inspect/page.h"
#include "tui/signals.h"
#include "tui/terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN = 30, TEXT_COLS = 60, NAME_COLS = 72, LINE_COLS = 1000 };

typedef struct options {
  bool all, quiet;
  int sort;
} options;

/* "|change|largest": the first bar is left out. */
#define SORT_CHOICE(symbol, name) "|" name
static const char sort_choices[] = NA_DIFFER_SORTS(SORT_CHOICE);
#undef SORT_CHOICE

static const na_option option_table[] = {
    {{"--all", NA_BOOL, offsetof(options, all), "false", 0, 0, NULL,
      "list every difference in full, and what is equal, too"},
     NULL,
     false},
    {{"--sort", NA_CHOICE, offsetof(options, sort), "change", 0, 0, sort_choices + 1,
      "the order of tensors: by relative change, largest difference, or path"},
     "ORDER",
     false},
    {{"--quiet", NA_BOOL, offsetof(options, quiet), "false", 0, 0, NULL,
      "print nothing: the exit status tells"},
     NULL,
     false},
};

static bool is_folder(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* A file, or the run.h5 of a run's folder. */
static int open_operand(na_reader **reader, const char *path, na_error *err)
{
  if (!is_folder(path)) return na_reader_open(reader, path, err);
  na_buffer file = {0};
  na_buffer_add(&file, "%s/run.h5", path);
  int code = file.failed ? na_fail_memory(err, file.length, "a path")
                         : na_reader_open(reader, file.data, err);
  na_free(file.data);
  if (code != NA_OK) na_hint(err, "a folder must be that of a run, such as runs/NAME");
  return code;
}

/* ------------------------------------------------------------------------------- printing */

/* A text in one line, cut unless all of it is wanted. */
static void one_line(char *out, size_t size, const char *text, bool all)
{
  size_t most = all ? size - 4 : TEXT_COLS, used = 0;
  text = text == NULL ? "(none)" : text[0] == '\0' ? "(empty)" : text;
  for (; text[used] != '\0' && used < most; used++)
    out[used] = text[used] == '\n' ? ' ' : text[used];
  snprintf(out + used, size - used, "%s", text[used] != '\0' ? "..." : "");
}

static void print_texts(na_page *page, const na_change *c, bool all)
{
  char before[400], after[400];
  one_line(before, sizeof before, c->before, all);
  one_line(after, sizeof after, c->after, all);
  na_page_line(page, NA_STYLE_PLAIN, "  %-32s %s -> %s", c->name, before, after);
}

static void print_metric(na_page *page, const na_change *c)
{
  char difference[32] = "";
  if (isfinite(c->largest))
    snprintf(difference, sizeof difference, "%+.6g",
             strtod(c->after, NULL) - strtod(c->before, NULL));
  na_page_line(page, NA_STYLE_PLAIN, "  %-32s %12s %12s %12s", c->name, c->before, c->after,
               difference);
}

static void print_tensor(na_page *page, const na_change *c)
{
  na_page_line(page, NA_STYLE_PLAIN, "  %10.4g %10.4g  %-18s %s", c->change, c->largest, c->before,
               c->name);
}

static void print_change(na_page *page, const na_change *c, bool all)
{
  switch (c->kind) {
  case NA_CHANGE_ONLY_FIRST:
  case NA_CHANGE_ONLY_SECOND:
  case NA_CHANGE_VALUES: na_page_line(page, NA_STYLE_PLAIN, "  %s  %s", c->name, c->before); break;
  case NA_CHANGE_METRIC: print_metric(page, c); break;
  case NA_CHANGE_TENSOR: print_tensor(page, c); break;
  default:
    if (c->after == NULL && c->kind == NA_CHANGE_NOTE && c->largest > 0) print_tensor(page, c);
    else print_texts(page, c, all);
  }
}

static void print_heading(na_page *page, na_change_kind kind, size_t count)
{
  static const char *const titles[] = {
#define TITLE(symbol, title) title,
      NA_CHANGES(TITLE)
#undef TITLE
  };
  na_page_title(page, "%s: %zu", titles[kind], count);
  if (kind == NA_CHANGE_TENSOR)
    na_page_line(page, NA_STYLE_PLAIN, "  %10s %10s  %-18s", "change", "largest", "shape");
  if (kind == NA_CHANGE_METRIC)
    na_page_line(page, NA_STYLE_PLAIN, "  %-32s %12s %12s %12s", "", "first", "second",
                 "difference");
}

static int print_all(const na_differ *d, bool all, na_error *err)
{
  na_terminal terminal;
  na_page page = {.rows = 0};
  na_terminal_init(&terminal, STDOUT_FILENO);
  na_page_begin(&page, LINE_COLS, terminal.width, terminal.utf8, false);
  for (size_t i = 0, end; i < d->count; i = end) {
    for (end = i; end < d->count && d->items[end].kind == d->items[i].kind;) end++;
    print_heading(&page, d->items[i].kind, end - i);
    for (size_t k = i; k < end && (all || k < i + SHOWN); k++)
      print_change(&page, &d->items[k], all);
    if (!all && end - i > SHOWN)
      na_page_line(&page, NA_STYLE_PLAIN, "  and %zu more: --all lists them", end - i - SHOWN);
  }
  if (d->same > 0)
    na_page_title(&page, "%ld array%s equal", d->same, d->same == 1 ? " is" : "s are");
  else if (d->count == 0) na_page_line(&page, NA_STYLE_PLAIN, "nothing differs");
  int code = na_page_print(&page, err);
  na_page_free(&page);
  return code;
}

static int compare(const na_call *call, na_reader *first, na_reader *second, na_error *err)
{
  const options *given = call->options;
  bool runs = is_folder(call->operands[0]);
  na_differ d = {.same_too = given->all, .stop = na_signals_interrupted};
  int code =
      runs ? na_differ_runs(&d, first, second, err) : na_differ_files(&d, first, second, err);
  bool found = na_differ_found(&d);
  na_differ_sort_by(&d, (na_differ_sort)given->sort);
  if (code == NA_OK && !given->quiet) code = print_all(&d, given->all, err);
  na_differ_free(&d);
  return code == NA_OK ? found : code;
}

static int run(const na_call *call, na_error *err)
{
  na_reader *first = NULL, *second = NULL;
  int code = NA_OK;
  if (is_folder(call->operands[0]) != is_folder(call->operands[1])) {
    na_fail(err, NA_EINVAL, "a folder and a file cannot be compared");
    code = na_hint(err, "give two files, such as RUN/best.h5, or two folders of runs");
  }
  if (code == NA_OK) code = open_operand(&first, call->operands[0], err);
  if (code == NA_OK) code = open_operand(&second, call->operands[1], err);
  na_signals_catch();
  if (code == NA_OK) code = compare(call, first, second, err);
  na_reader_close(first);
  na_reader_close(second);
  return code;
}

const na_command na_command_diff = {
    .name = "diff",
    .operands = "A B",
    .summary = "Tell what differs between two HDF5 files, or two runs",
    .description =
        "Of two files, such as checkpoints: settings and attributes that differ, arrays that only one\n"
        "has or that have other shapes, and all others by relative change, |b - a| / |a| with Euclidean\n"
        "norms. Of two folders of runs: settings, and what their last epochs measured;\n"
        "netaug runs diff puts the settings of any number of runs side by side.\n"
        "\n"
        "The exit status is that of diff: 0 when nothing differs, 1 when something does, 2 when they\n"
        "cannot be compared. Host, times and versions are told, but do not count.",
    .example = "netaug diff runs/plain/best.h5 runs/netaug/best.h5",
    .least = 2,
    .most = 2,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .failure = NA_EXIT_USAGE,
    .run = run,
};
