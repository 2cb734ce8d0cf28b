/* netaug eval: the accuracy of a checkpoint.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "tui/collection.h"
#include "tui/model.h"
#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  char data[NA_TEXT_MAX];
  na_words set;
  int widths, calibrate, threads;
  bool per_class;
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"--data", NA_TEXT, offsetof(options, data), "", 0, 0, NULL,
      "data set to use instead of the one the checkpoint was trained on"},
     "NAME|PATH", false},
    NA_COLLECTION_OPTION(options, set),
    {{"--widths", NA_CHOICE, offsetof(options, widths), "base", 0, 0, "base|widest",
      "which sub-network to evaluate"},
     "WHICH", false},
    {{"--calibrate", NA_INT, offsetof(options, calibrate), "-1", -1, 10000000, NULL,
      "training images to re-estimate BatchNorm on; -1 is none for the base, 16000 for the widest"},
     "N", false},
    {{"--per-class", NA_BOOL, offsetof(options, per_class), "false", 0, 0, NULL,
      "also print the accuracy of each class"},
     NULL, false},
    {{"--threads", NA_INT, offsetof(options, threads), "0", 0, 1024, NULL,
      "compute threads; 0 is one per processor"},
     "N", false},
};
/* clang-format on */

enum { CALIBRATE_WIDEST = 16000 };

/* Everything an evaluation needs. Zero-initialise; close releases it. */
typedef struct evaluation {
  na_net *net;
  na_checkpoint state;
  na_dataset *dataset;
  na_source *val, *calibration;
  na_team *team;
  na_workspace *workspace;
  int *widths;
} evaluation;

static void close_evaluation(evaluation *e)
{
  na_workspace_free(e->workspace);
  na_team_free(e->team);
  na_source_free(e->val);
  na_source_free(e->calibration);
  na_dataset_free(e->dataset);
  na_free(e->widths);
  na_checkpoint_free(&e->state);
  na_net_free(e->net);
}

/* The data the checkpoint was trained on: its own text, or that part of its experiment's. */
static int find_data(const evaluation *e, const options *given, na_data *data, na_error *err)
{
  const na_checkpoint *state = &e->state;
  if (state->data == NULL && state->settings == NULL && given->data[0] == '\0') {
    na_fail(err, NA_EINVAL, "the checkpoint does not say which data it was trained on");
    return na_hint(err, "name one with --data");
  }
  if (state->data != NULL)
    return na_collection_settings(data, state->data, "", given->data, &given->set, err);
  return na_collection_settings(data, state->settings, "data.", given->data, &given->set, err);
}

/* A batch says nothing of its shape, so it has to be proved before the network runs on one. */
static int check_shape(const na_net *net, const na_source *data, na_error *err)
{
  if (data->classes == net->classes && data->channels == net->channels &&
      data->height == net->height && data->width == net->width)
    return NA_OK;
  na_fail(err, NA_ESHAPE,
          "the network tells %d classes of %dx%dx%d images apart, but the data has %d of %dx%dx%d",
          net->classes, net->channels, net->height, net->width, data->classes, data->channels,
          data->height, data->width);
  return na_hint(err, "other data: --data; other shapes: --set data.size=%d --set data.channels=%d",
                 net->height, net->channels);
}

static int open_data(evaluation *e, const options *given, na_error *err)
{
  na_data data;
  int code = find_data(e, given, &data, err);
  if (code == NA_OK) code = na_dataset_open(&e->dataset, &data, err);
  if (code == NA_OK) code = na_dataset_source(e->dataset, NA_SPLIT_VAL, 0, &e->val, err);
  return code == NA_OK ? check_shape(e->net, e->val, err) : code;
}

static int calibrate(evaluation *e, const options *given, na_error *err)
{
  int images = given->calibrate;
  if (images < 0) images = given->widths == 0 ? 0 : CALIBRATE_WIDEST;
  if (images == 0) return NA_OK;
  int code = na_dataset_source(e->dataset, NA_SPLIT_CALIBRATE, images, &e->calibration, err);
  if (code == NA_OK) code = na_recalibrate(e->workspace, e->widths, e->calibration, err);
  return code;
}

static int open_evaluation(evaluation *e, const char *path, const options *given, na_error *err)
{
  int code = na_checkpoint_load(path, &e->net, &e->state, err);
  if (code == NA_OK) code = open_data(e, given, err);
  if (code == NA_OK) code = na_model_widths(e->net, given->widths == 1, &e->widths, err);
  if (code == NA_OK) code = na_team_new(&e->team, given->threads, err);
  if (code == NA_OK)
    code = na_workspace_new(&e->workspace, e->net, e->team, e->val->batch, false, err);
  if (code == NA_OK) code = calibrate(e, given, err);
  return code;
}

/* ---------------------------------------------------------------- per class */

/* Images and right answers by class: counts[2 * label], counts[2 * label + 1]. */
static void count_right(const na_batch *batch, const float *logits, int classes, long *counts)
{
  for (int n = 0; n < batch->count; n++) {
    const float *row = logits + (size_t)n * (size_t)classes;
    int best = 0;
    for (int c = 1; c < classes; c++)
      if (row[c] > row[best]) best = c;
    counts[2 * batch->labels[n]]++;
    counts[2 * batch->labels[n] + 1] += best == batch->labels[n];
  }
}

static int count_classes(evaluation *e, float *logits, long *counts, na_error *err)
{
  const na_batch *batch;
  int code = e->val->start(e->val, 0, 0, err);
  while (code >= 0 && (code = e->val->next(e->val, &batch, err)) == 1) {
    na_scores scores = {0};
    code = na_forward(e->workspace, e->widths, NA_MODE_EVAL, batch, 0, err);
    /* The loss refuses labels that are out of range, so they can be counted by afterwards. */
    if (code == NA_OK) code = na_loss(e->workspace, batch, 0, 0, &scores, err);
    if (code != NA_OK) break;
    na_logits(e->workspace, logits);
    count_right(batch, logits, e->net->classes, counts);
  }
  return code;
}

static int print_counts(const evaluation *e, const long *counts, na_error *err)
{
  na_table table = {.layout = "rlrr"};
  static const char *const heads[] = {"class", "name", "images", "top-1"};
  for (int i = 0; i < 4; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  for (int i = 0; i < e->net->classes; i++) {
    na_table_add(&table, "%d", i);
    na_table_add(&table, "%s", e->val->class_names[i]);
    na_table_add(&table, "%ld", counts[2 * i]);
    if (counts[2 * i] == 0)
      na_table_add(&table, "-");
    else
      na_table_add(&table, "%.2f%%", 100.0 * (double)counts[2 * i + 1] / (double)counts[2 * i]);
  }
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static int print_classes(evaluation *e, na_error *err)
{
  size_t classes = (size_t)e->net->classes, batch = (size_t)e->val->batch;
  long *counts = na_alloc_array(2 * classes, sizeof *counts);
  float *logits = na_alloc_array(batch * classes, sizeof *logits);
  int code = counts != NULL && logits != NULL
                 ? count_classes(e, logits, counts, err)
                 : na_fail_memory(err, batch * classes * sizeof *logits, "a batch of logits");
  printf("\n");
  if (code == NA_OK) code = print_counts(e, counts, err);
  na_free(counts);
  na_free(logits);
  return code;
}

/* ------------------------------------------------------------------ the command */

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  evaluation e = {.net = NULL};
  na_result result = {0};
  na_dataset_info info;
  int code = open_evaluation(&e, call->operands[0], given, err);
  if (code == NA_OK) code = na_evaluate(e.workspace, e.widths, e.val, &result, err);
  if (code == NA_OK) {
    na_dataset_describe(e.dataset, &info);
    printf("%s, %s network, %s, %ld images\ntop-1 %.2f%%  top-5 %.2f%%  loss %.4f\n", e.net->name,
           given->widths == 0 ? "base" : "widest", info.name, result.images, 100 * result.top1,
           100 * result.top5, result.loss);
    if (given->per_class) code = print_classes(&e, err);
  }
  close_evaluation(&e);
  return code;
}

const na_command na_command_eval = {
    .name = "eval",
    .operands = "CHECKPOINT",
    .summary = "Evaluate a checkpoint on validation images",
    .description =
        "Prints top-1 and top-5 accuracy and the loss of a checkpoint's base network. Data settings\n"
        "are the checkpoint's own; --data and --set change them. BatchNorm statistics of the widest\n"
        "network are re-estimated first, as they mean nothing while widths vary.",
    .example = "netaug eval runs/tiny/best.h5",
    .least = 1,
    .most = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
