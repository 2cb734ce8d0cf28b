/* netaug inspect: what is in any HDF5 file.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/command.h"
#include "tui/inspect/print.h"
#include "tui/signals.h"
#include "tui/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
  if (given->stats || given->sort != NA_TENSOR_SORT_FILE) return na_print_tensors(&print, reader, err);
  int code = na_tree_init(&tree, reader, err);
  int node = code == NA_OK && path != NULL ? na_tree_find(&tree, path, err) : 0;
  if (code == NA_OK && node < 0) code = err->code;
  if (code == NA_OK) {
    for (size_t i = 0; i < tree.count; i++) tree.nodes[i].open = false;
    code = path != NULL ? na_print_object(&print, &tree, node, err) : na_print_tree(&print, &tree, 0, err);
  }
  na_tree_free(&tree);
  return code;
}

static int check(const na_call *call, na_error *err)
{
  const options *given = call->options;
  if (call->count > 1 || (given->slice[0] == '\0' && given->field[0] == '\0')) return NA_OK;
  na_fail(err, NA_EINVAL, "%s needs the path of an array in the file", given->slice[0] != '\0' ? "--slice" : "--field");
  return na_hint(err, "for example: netaug inspect %s params/NAME --slice 0,:,3", call->operands[0]);
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  na_reader *reader;
  int code = check(call, err);
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
        "channels, and kernels, images and recorded activations as pictures.\n"
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
