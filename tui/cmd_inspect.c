/* netaug inspect: what is in any HDF5 file.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/command.h"
#include "tui/inspect/browser.h"
#include "tui/inspect/print.h"
#include "tui/screen/tty.h"
#include "tui/signals.h"
#include "tui/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct options {
  char slice[NA_TEXT_MAX], field[NA_TEXT_MAX];
  int sort, depth, axis, bins;
  bool stats, reverse, exact, plain;
} options;

/* "|file|name": the first bar is left out. */
#define SORT_CHOICE(symbol, name, help) "|" name
static const char sort_choices[] = NA_TENSOR_SORTS(SORT_CHOICE);
#undef SORT_CHOICE

/* clang-format off */
static const na_option option_table[] = {
    {{"--slice", NA_TEXT, offsetof(options, slice), "", 0, 0, NULL,
      "show this part of the array at PATH: an index or FIRST:END:STEP for each dimension"}, "SLICE", false},
    {{"--field", NA_TEXT, offsetof(options, field), "", 0, 0, NULL, "of a table, the numbers of this field"},
     "NAME", false},
    {{"--stats", NA_BOOL, offsetof(options, stats), "false", 0, 0, NULL, "list all tensors with their statistics"},
     NULL, false},
    {{"--sort", NA_CHOICE, offsetof(options, sort), "file", 0, 0,
      sort_choices + 1, "the order of --stats, the largest first"},
     "STATISTIC", false},
    {{"--reverse", NA_BOOL, offsetof(options, reverse), "false", 0, 0, NULL, "the smallest first"}, NULL, false},
    {{"--axis", NA_INT, offsetof(options, axis), "-1", -2, 31, NULL,
      "dimension whose indices are the channels; -1 as usual, -2 none"}, "N", false},
    {{"--bins", NA_INT, offsetof(options, bins), "16", 0, NA_SCAN_BINS_MOST, NULL, "of the histogram; 0 for none"},
     "N", false},
    {{"--exact", NA_BOOL, offsetof(options, exact), "false", 0, 0, NULL,
      "read every value for statistics, however many there are"}, NULL, false},
    {{"--depth", NA_INT, offsetof(options, depth), "0", 0, 1000000, NULL, "levels of the tree; 0 for all"},
     "N", false},
    {{"--plain", NA_BOOL, offsetof(options, plain), "false", 0, 0, NULL, "text on a terminal, too"}, NULL, false},
};
/* clang-format on */

static const double SAMPLE = 64e6; /* values of a tensor; more are sampled unless --exact */
enum { PICTURE_COLS = 80 };

static na_print print_of(const options *given)
{
  na_terminal terminal;
  na_terminal_init(&terminal, STDOUT_FILENO);
  bool terminal_wide = isatty(STDOUT_FILENO) != 0;
  return (na_print){.utf8 = terminal.utf8,
                    .width = terminal_wide ? terminal.width : PICTURE_COLS,
                    .depth = given->depth,
                    .slice = given->slice,
                    .field = given->field,
                    .axis = given->axis,
                    .bins = given->bins,
                    .limit = given->exact ? 0 : SAMPLE,
                    .sort = (na_tensor_sort)given->sort,
                    .reverse = given->reverse};
}

static int print_file(const options *given, na_reader *reader, const char *path, na_error *err)
{
  na_tree tree;
  na_print print = print_of(given);
  if (given->stats || given->sort != NA_TENSOR_SORT_FILE)
    return na_print_tensors(&print, reader, err);
  int code = na_tree_init(&tree, reader, err);
  int node = code == NA_OK && path != NULL ? na_tree_find(&tree, path, err) : 0;
  if (code == NA_OK && node < 0) code = err->code;
  if (code == NA_OK) {
    for (size_t i = 0; i < tree.count; i++) tree.nodes[i].open = false;
    code = path != NULL ? na_print_object(&print, &tree, node, err)
                        : na_print_tree(&print, &tree, 0, err);
  }
  na_tree_free(&tree);
  return code;
}

/* ------------------------------------------------------------------------------ the screen */

static const double WORK_SECONDS = 0.04;
static const struct timespec NAP = {0, 20000000};

static void show(na_browser *browser)
{
  int rows, cols;
  na_error err = {0};
  if (na_tty_size(&rows, &cols) && na_grid_resize(&browser->grid, rows, cols, &err) != NA_OK)
    return;
  na_browser_draw(browser);
  na_tty_paint(&browser->grid);
}

/* Statistics are read on while no key waits. */
static void browse(na_browser *browser)
{
  char caught[4096];
  bool changed = true, working = false;
  while (!browser->leaving && !na_signals_interrupted()) {
    for (int key; (key = na_tty_key()) != 0 && !browser->leaving; changed = true)
      na_browser_key(browser, key);
    while (na_tty_caught(caught, sizeof caught) > 0) continue;
    if (na_terminal_resized() || changed || working) show(browser);
    bool more = na_inspect_work(&browser->inspect, WORK_SECONDS);
    if (!more && !working) nanosleep(&NAP, NULL);
    changed = working && !more;
    working = more;
  }
}

static int run_screen(const na_call *call, na_error *err)
{
  na_browser browser;
  na_terminal terminal;
  na_terminal_init(&terminal, STDOUT_FILENO);
  int code = na_browser_open(&browser, call->operands[0], call->operands[1], terminal.utf8, err);
  if (code != NA_OK) return code;
  code = na_tty_open(err);
  if (code == NA_OK) {
    na_signals_catch();
    na_signals_on_leave(na_tty_restore);
    browser.grid.heat = na_tty_heat();
    browse(&browser);
    na_tty_close();
  }
  na_browser_free(&browser);
  return code;
}

/* ----------------------------------------------------------------------------- the command */

/* What was asked for as text is given as text. */
static bool wants_text(const options *given)
{
  return given->plain || given->stats || given->sort != NA_TENSOR_SORT_FILE ||
         given->slice[0] != '\0' || given->field[0] != '\0' || !na_tty_usable();
}

static int check(const na_call *call, na_error *err)
{
  const options *given = call->options;
  if (call->count > 1 || (given->slice[0] == '\0' && given->field[0] == '\0')) return NA_OK;
  na_fail(err, NA_EINVAL, "%s needs the path of an array in the file",
          given->slice[0] != '\0' ? "--slice" : "--field");
  return na_hint(err, "for example: netaug inspect %s params/NAME --slice 0,:,3",
                 call->operands[0]);
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  na_reader *reader;
  int code = check(call, err);
  if (code == NA_OK && !wants_text(given)) return run_screen(call, err);
  if (code == NA_OK) code = na_reader_open(&reader, call->operands[0], err);
  if (code != NA_OK) return code;
  na_signals_catch();
  code = print_file(given, reader, call->operands[1], err);
  na_reader_close(reader);
  return code;
}

const na_command na_command_inspect = {
    .name = "inspect",
    .operands = "FILE [PATH]",
    .summary = "Look into any HDF5 file",
    .description =
        "Shows what is in FILE, whoever wrote it: groups, arrays with shape, type and size, attributes,\n"
        "links. With PATH, all about that object: its values, statistics, histogram, the norms of its\n"
        "channels, and kernels, images and recorded activations as pictures. On a terminal it is a\n"
        "screen to move about in, ? lists its keys; in a pipe, or with --plain or an option that asks for\n"
        "something, it is text.\n"
        "\n"
        "Reads only what it shows, so that a file of any size opens at once; statistics of very large\n"
        "arrays are those of a sample, unless --exact is given. Links to other files are not followed.\n"
        "Files are read in a process of their own: one that is damaged gives an error, not a crash.",
    .example = "netaug inspect runs/NAME/best.h5 params/stem.conv.weight --slice 0,:,1",
    .least = 1,
    .most = 2,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
