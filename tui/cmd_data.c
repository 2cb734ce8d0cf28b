/* netaug data: what a data set holds, and packing it for fast epochs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/collection.h"
#include "tui/progress.h"
#include "tui/samples.h"
#include "tui/table.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct options {
  na_words set;
  int size, images, epoch, split;
  bool quiet;
} options;

/* clang-format off */
static const na_option option_table[] = {
    NA_COLLECTION_OPTION(options, set),
    {{"--size", NA_INT, offsetof(options, size), "0", 0, 4096, NULL,
      "pack: height and width of the packed images; 0 is as stored"},
     "N", false},
    {{"--images", NA_INT, offsetof(options, images), "24", 1, 4096, NULL,
      "show: how many images"},
     "N", false},
    {{"--epoch", NA_INT, offsetof(options, epoch), "0", 0, INT_MAX, NULL,
      "show: of which epoch; another one is augmented in another way"},
     "N", false},
    {{"--split", NA_CHOICE, offsetof(options, split), "train", 0, 0, "train|val",
      "show: images to train on, or to validate on"},
     "SPLIT", false},
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

static int show(const na_call *call, na_dataset *dataset, na_error *err)
{
  const options *given = call->options;
  na_samples samples = {0};
  na_terminal terminal;
  na_terminal_init(&terminal, STDOUT_FILENO);
  na_split split = given->split == 0 ? NA_SPLIT_TRAIN : NA_SPLIT_VAL;
  int code = na_samples_load(&samples, dataset, split, given->epoch, given->images, err);
  if (code == NA_OK)
    code = call->count > 2 ? na_samples_write(&samples, call->operands[2], err)
                           : na_samples_print(&samples, &terminal, err);
  na_samples_free(&samples);
  return code;
}

/* The actions, and how many operands each takes. */
static const struct action {
  const char *name;
  int least, most;
  int (*run)(const na_call *call, na_dataset *dataset, na_error *err);
} actions[] = {{"info", 2, 2, info}, {"show", 2, 3, show}, {"pack", 3, 3, pack}};

/* The command line's check leaves only these. */
static const struct action *find_action(const char *name)
{
  const struct action *action = actions;
  while (strcmp(action->name, name) != 0) action++;
  return action;
}

static int check_count(const na_call *call, const struct action *action, na_error *err)
{
  if (call->count < action->least) {
    na_fail(err, NA_EINVAL, "netaug data %s needs a data set and the name of the file to make",
            action->name);
    return na_hint(err, "for example: netaug data pack images/ images.h5 --size 160");
  }
  if (call->count > action->most)
    return na_fail(err, NA_EINVAL, "netaug data %s has no use for \"%.64s\"", action->name,
                   call->operands[action->most]);
  return NA_OK;
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  const struct action *action = find_action(call->operands[0]);
  na_data data;
  na_dataset *dataset = NULL;
  int code = check_count(call, action, err);
  if (code == NA_OK)
    code = na_collection_settings(&data, NULL, "", call->operands[1], &given->set, err);
  if (code == NA_OK) code = na_dataset_open(&dataset, &data, err);
  if (code == NA_OK) code = action->run(call, dataset, err);
  na_dataset_free(dataset);
  return code;
}

const na_command na_command_data = {
    .name = "data",
    .operands = "info|show|pack NAME|PATH [OUT.png|OUT.h5]",
    .summary = "Describe a data set, show its images, or pack it into one file",
    .description =
        "info prints what a data set holds: format, image sizes, classes and how many images each\n"
        "has. show prints training images as the network gets them, cropped, augmented and mixed\n"
        "as the settings say, or writes them to a PNG file. pack decodes all its images into one\n"
        "HDF5 file of bytes, which loads much faster.\n"
        "\n"
        "A data set is a known name such as fashion-mnist, a folder with a folder of JPEG or PNG\n"
        "images per class, IDX files, CIFAR's binary files, or a packed file.",
    .example = "netaug data info fashion-mnist",
    .actions = "info|show|pack",
    .least = 2,
    .most = 3,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
