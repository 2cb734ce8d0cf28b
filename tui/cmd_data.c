/* netaug data: what a data set holds, and packing it for fast epochs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/collection.h"
#include "tui/progress.h"
#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct options {
  na_words set;
  int size;
  bool quiet;
} options;

/* clang-format off */
static const na_option option_table[] = {
    NA_COLLECTION_OPTION(options, set),
    {{"--size", NA_INT, offsetof(options, size), "0", 0, 4096, NULL,
      "pack: height and width of the packed images; 0 is as stored"},
     "N", false},
    {{"--quiet", NA_BOOL, offsetof(options, quiet), "false", 0, 0, NULL, "show no progress"},
     NULL, false},
};
/* clang-format on */

static int print_classes(na_dataset *dataset, const na_dataset_info *info, na_error *err)
{
  long *train = na_alloc_array((size_t)info->classes, sizeof *train);
  long *val = na_alloc_array((size_t)info->classes, sizeof *val);
  int code = NA_OK;
  if (train == NULL || val == NULL)
    code = na_fail(err, NA_ENOMEM, "out of memory");
  else {
    na_table table = {.layout = "rlrr"};
    static const char *const heads[] = {"class", "name", "train", "val"};
    for (int i = 0; i < 4; i++) na_table_add(&table, "%s", heads[i]);
    na_table_rule(&table);
    na_dataset_count(dataset, NA_SPLIT_TRAIN, train);
    na_dataset_count(dataset, NA_SPLIT_VAL, val);
    for (int i = 0; i < info->classes; i++) {
      na_table_add(&table, "%d", i);
      na_table_add(&table, "%s", info->class_names[i]);
      na_table_add(&table, "%ld", train[i]);
      na_table_add(&table, "%ld", val[i]);
    }
    code = na_table_print(&table, err);
    na_table_free(&table);
  }
  na_free(train);
  na_free(val);
  return code;
}

static int info(const na_call *call, na_dataset *dataset, na_error *err)
{
  na_dataset_info found;
  (void)call;
  na_dataset_describe(dataset, &found);
  printf("%s: %s, %d classes, images %dx%dx%d, %ld for training, %ld for validation", found.name,
         found.format, found.classes, found.channels, found.height, found.width, found.train,
         found.val);
  if (found.skipped > 0) printf(", %ld damaged and left out", found.skipped);
  printf("\n\n");
  return print_classes(dataset, &found, err);
}

static void show_packing(void *progress, long done, long total)
{
  na_progress_task(progress, "packing", done, total);
}

static int pack(const na_call *call, na_dataset *dataset, na_error *err)
{
  const options *given = call->options;
  const char *out = call->operands[2];
  na_terminal terminal;
  na_progress progress;
  na_terminal_init(&terminal, STDOUT_FILENO);
  na_progress_init(&progress, &terminal, given->quiet);
  int code = na_dataset_pack(dataset, out, given->size, show_packing, &progress, err);
  na_progress_clear(&progress);
  if (code != NA_OK) return code;
  struct stat file;
  char bytes[16] = "?";
  if (stat(out, &file) == 0) na_text_bytes(bytes, (double)file.st_size);
  printf("%s: %s\n", out, bytes);
  return NA_OK;
}

/* A pack's result needs a name, an info's has none. */
static int check_count(const na_call *call, bool packs, na_error *err)
{
  if (packs && call->count < 3) {
    na_fail(err, NA_EINVAL, "netaug data pack needs a data set and the name of the file to make");
    return na_hint(err, "for example: netaug data pack images/ images.h5 --size 160");
  }
  if (!packs && call->count > 2)
    return na_fail(err, NA_EINVAL, "netaug data info has no use for \"%.64s\"", call->operands[2]);
  return NA_OK;
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  bool packs = strcmp(call->operands[0], "pack") == 0;
  na_data data;
  na_dataset *dataset = NULL;
  int code = check_count(call, packs, err);
  if (code == NA_OK)
    code = na_collection_settings(&data, NULL, "", call->operands[1], &given->set, err);
  if (code == NA_OK) code = na_dataset_open(&dataset, &data, err);
  if (code == NA_OK) code = packs ? pack(call, dataset, err) : info(call, dataset, err);
  na_dataset_free(dataset);
  return code;
}

const na_command na_command_data = {
    .name = "data",
    .operands = "info|pack NAME|PATH [OUT.h5]",
    .summary = "Describe a data set, or pack it into one file",
    .description =
        "info prints what a data set holds: format, image sizes, classes and how many images each\n"
        "has. pack decodes all its images into one HDF5 file of bytes, which loads much faster.\n"
        "\n"
        "A data set is a known name such as fashion-mnist, a folder with a folder of JPEG or PNG\n"
        "images per class, IDX files, CIFAR's binary files, or a packed file.",
    .example = "netaug data info fashion-mnist",
    .actions = "info|pack",
    .least = 2,
    .most = 3,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
