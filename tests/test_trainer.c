/* Whole trainings on synthetic images: learning, reproducibility, memory, control, failures, files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/checkpoint.h"
#include "core/store/h5.h"
#include "core/store/metrics.h"
#include "core/train/trainer.h"
#include "tests/check.h"
#include "tests/trainer_rig.h"

/* -------------------------------------------------------------------------------- gradients */

/* The gradient of a NetAug step is the base's plus alpha times those of the sub-networks, each
 * taken alone. */
static void gradients_add_up(void)
{
  rig r;
  rig_init(&r, true);
  na_team *team = NULL;
  na_workspace *workspace = NULL;
  const na_batch *batch = NULL;
  na_net_initialize(r.net, NA_INIT_AUTO, 1);
  drop_nothing(r.net);
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&workspace, r.net, team, BATCH, true, &err), err);
  train_batch(&r, &batch);
  int base[DIMS], sub[2][DIMS];
  const int *all[] = {sub[0], sub[1]}, *one[1];
  na_net_base(r.net, base);
  na_net_widest(r.net, sub[0]);
  int choices[DIMS] = {0};
  choices[2] = 1;
  na_net_widths(r.net, choices, sub[1]);
  size_t n = r.net->values;
  double *sum = na_alloc_array(n, sizeof *sum), largest = 0, worst = 0;
  na_scores scores = {0}, more = {0};
  for (int i = 0; i < 3; i++) {
    memset(r.net->grads, 0, n * sizeof(float));
    one[0] = i == 0 ? base : sub[i - 1];
    CHECK_OK(na_accumulate(workspace, batch, one[0], 0, NULL, 0, 0.1, 1, &scores, &more, &err),
             err);
    for (size_t k = 0; k < n; k++) sum[k] += (i == 0 ? 1 : 0.5) * (double)r.net->grads[k];
  }
  CHECK(more.images == 0 && scores.images == 3 * BATCH, "%ld, %ld images", scores.images,
        more.images);
  memset(r.net->grads, 0, n * sizeof(float));
  na_scores first = {0};
  CHECK_OK(na_accumulate(workspace, batch, base, 2, all, 0.5, 0.1, 1, &first, &more, &err), err);
  for (size_t k = 0; k < n; k++) {
    largest = fmax(largest, fabs(sum[k]));
    worst = fmax(worst, fabs(sum[k] - (double)r.net->grads[k]));
  }
  CHECK(largest > 1e-3 && worst < 1e-5 * largest, "off by %g of %g", worst, largest);
  CHECK(first.images == BATCH && more.images == 2 * BATCH, "%ld, %ld images", first.images,
        more.images);
  CHECK_NEAR(first.loss + more.loss, scores.loss, 1e-6, scores.loss, "losses");
  na_free(sum);
  na_workspace_free(workspace);
  na_team_free(team);
  rig_free(&r);
}

/* The widest network computes the same before and after a channel sort, and an extract the same as
 * its supernet at those widths. */
static void surgery_keeps_functions(void)
{
  rig r;
  rig_init(&r, true);
  na_team *team = NULL;
  na_workspace *workspace = NULL, *tiny_workspace = NULL;
  na_net *tiny = NULL;
  na_result before, after, base, alone;
  int widths[DIMS], fixed[DIMS];
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&workspace, r.net, team, BATCH, false, &err), err);
  na_net_initialize(r.net, NA_INIT_AUTO, 1);
  na_net_widest(r.net, widths);
  CHECK_OK(na_recalibrate(workspace, widths, r.calibration, &err), err);
  CHECK_OK(na_evaluate(workspace, widths, r.val, &before, &err), err);
  CHECK_OK(na_net_sort_channels(r.net, true, &err), err);
  CHECK_OK(na_evaluate(workspace, widths, r.val, &after, &err), err);
  CHECK(before.images == 90 && before.top5 >= before.top1, "%ld images", before.images);
  CHECK_NEAR(after.loss, before.loss, 1e-5, before.loss, "widest after a sort");
  na_net_base(r.net, widths);
  CHECK_OK(na_recalibrate(workspace, widths, r.calibration, &err), err);
  CHECK_OK(na_evaluate(workspace, widths, r.val, &base, &err), err);
  CHECK(fabs(base.loss - before.loss) > 1e-4, "base and widest agree: nothing was tested");
  CHECK_OK(na_net_extract(r.net, widths, &tiny, &err), err);
  CHECK_OK(na_workspace_new(&tiny_workspace, tiny, team, BATCH, false, &err), err);
  na_net_base(tiny, fixed);
  CHECK_OK(na_evaluate(tiny_workspace, fixed, r.val, &alone, &err), err);
  CHECK_NEAR(alone.loss, base.loss, 1e-6, base.loss, "extracted base");
  na_workspace_free(tiny_workspace);
  na_net_free(tiny);
  na_workspace_free(workspace);
  na_team_free(team);
  rig_free(&r);
}

/* --------------------------------------------------------------------------------- learning */

static void check_learning(bool elastic, na_precision precision)
{
  rig r;
  rig_init(&r, elastic);
  r.train.precision = precision;
  r.train.epochs = 8;
  rig_start(&r);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  na_event event;
  int epochs = 0, starts = 0, precise = 0;
  long steps = 0;
  double first = 0, last = 0;
  do {
    if (na_trainer_poll(r.trainer, &event, 20000) != 1) break;
    starts += event.kind == NA_EVENT_START;
    precise += event.kind == NA_EVENT_LOG && strstr(event.text, "steps in bf16") != NULL;
    CHECK(starts == 1, "an event before START, or two of them");
    if (event.kind == NA_EVENT_STEP) steps += event.merged;
    if (event.kind == NA_EVENT_STEP) CHECK(event.base.images > 0 && event.lr > 0, "an empty step");
    if (event.kind != NA_EVENT_EPOCH) continue;
    last = event.base.loss;
    if (++epochs == 1) first = last;
    CHECK(event.epoch == epochs && event.base.images == IMAGES && event.base_val.images == 90,
          "epoch %d", epochs);
    CHECK((event.augmented.images > 0) == elastic && (event.augmented_val.images > 0) == elastic,
          "augmented results of a net that is%s elastic", elastic ? "" : " not");
    na_phase phase = !elastic ? NA_PHASE_PLAIN : epochs <= 4 ? NA_PHASE_RANDOM : NA_PHASE_MIN_W;
    CHECK(event.phase == phase, "epoch %d is %s", epochs, na_phase_name(event.phase));
  } while (event.kind != NA_EVENT_END);
  CHECK(event.kind == NA_EVENT_END && event.code == NA_OK, "end: %d %s", event.code, event.text);
  CHECK(steps == 8 * 12 && epochs == 8, "%ld steps, %d epochs", steps, epochs);
  CHECK(precise == (precision == NA_BF16), "%d lines tell of bf16", precise);
  CHECK(last < 0.75 * first, "the loss went from %g to %g", first, last);
  CHECK_OK(na_trainer_join(r.trainer, &err), err);
  na_result base, augmented, best;
  double seconds;
  na_trainer_results(r.trainer, &base, &augmented, &best, &seconds);
  CHECK(base.top1 > 0.7 && best.top1 >= base.top1 && seconds > 0, "accuracy %g, best %g", base.top1,
        best.top1);
  rig_free(&r);
}

static void a_supernet_learns(void)
{
  check_learning(true, NA_FLOAT32);
}
static void a_plain_net_learns(void)
{
  check_learning(false, NA_FLOAT32);
}
static void a_supernet_learns_rounded(void)
{
  check_learning(true, NA_BF16);
}

/* ---------------------------------------------------------------------------- reproducibility */

static bool same_bits(const na_net *a, const na_net *b)
{
  return memcmp(a->weights, b->weights, a->values * sizeof(float)) == 0 &&
         memcmp(a->momentum, b->momentum, a->values * sizeof(float)) == 0 &&
         memcmp(a->running, b->running, a->stats * sizeof(float)) == 0;
}

/* 60 steps; 12 with NETAUG_SHORT set, for valgrind, which runs one thread at a time. */
static void check_bits(na_precision precision)
{
  rig r[4];
  int epochs = getenv("NETAUG_SHORT") != NULL ? 1 : 5;
  for (int i = 0; i < 4; i++) {
    rig_init(&r[i], true);
    r[i].train.epochs = epochs;
    r[i].train.networks = 2;
    r[i].train.threads = i == 1 ? 2 : i == 2 ? 3 : 1;
    r[i].train.precision = precision;
    if (i == 3) r[i].train.seed = 4;
    CHECK_OK(rig_run(&r[i]), err);
  }
  CHECK(same_bits(r[0].net, r[1].net), "2 threads give other bits");
  CHECK(same_bits(r[0].net, r[2].net), "3 threads give other bits");
  CHECK(!same_bits(r[0].net, r[3].net), "another seed gives the same bits");
  for (int i = 0; i < 4; i++) rig_free(&r[i]);
}

static void same_seed_same_bits(void)
{
  check_bits(NA_FLOAT32);
}
static void same_seed_same_bits_rounded(void)
{
  check_bits(NA_BF16);
}

/* How often the training is watched, and whether it is recorded, changes nothing. */
static void watching_changes_nothing(void)
{
  rig quiet, loud;
  rig_init(&quiet, true);
  rig_init(&loud, true);
  CHECK_OK(rig_run(&quiet), err);
  rig_folder(&loud);
  rig_start(&loud);
  na_trainer_hold(loud.trainer, true, true);
  CHECK_OK(na_trainer_start(loud.trainer, &err), err);
  na_event event;
  while (na_trainer_poll(loud.trainer, &event, 20000) == 1)
    if (event.kind == NA_EVENT_STEP || event.kind == NA_EVENT_EPOCH)
      na_trainer_continue(loud.trainer);
  CHECK_OK(na_trainer_join(loud.trainer, &err), err);
  CHECK(same_bits(quiet.net, loud.net), "a watched training gives other bits");
  rig_free(&quiet);
  rig_free(&loud);
}

/* A recorded dataset of floats, na_free; its shape in dims. */
static float *recorded(na_h5 *file, const char *kind, const char *group, const char *name,
                       long long dims[NA_H5_RANK_MAX])
{
  char path[256];
  int rank = 0;
  snprintf(path, sizeof path, "%s/%s/%s", group, kind, name);
  for (int d = 0; d < NA_H5_RANK_MAX; d++) dims[d] = 1;
  CHECK_OK(na_h5_shape(file, path, &rank, dims, &err), err);
  size_t count = 1;
  for (int d = 0; d < rank; d++) count *= (size_t)dims[d];
  float *values = na_alloc_array(count, sizeof *values);
  CHECK_OK(na_h5_read(file, path, NA_H5_FLOAT, values, count, &err), err);
  return values;
}

/* What is added to a channel is added to each of its values: its gradient is the sum of theirs. */
static void check_recorded(na_h5 *file, const char *kind, const na_net *net, const na_layer *layer, int shift)
{
  long long outputs[NA_H5_RANK_MAX], params[NA_H5_RANK_MAX];
  float *values = recorded(file, kind, "output_gradients", layer->name, outputs);
  float *sums = recorded(file, kind, "gradients", net->params[shift].name, params);
  long long area = outputs[2] * outputs[3];
  CHECK(outputs[0] == 90, "%lld images", outputs[0]);
  double all = 0;
  for (long long c = 0; c < outputs[1]; c++) {
    double sum = 0, size = 0;
    for (long long i = 0; i < outputs[0] * area; i++) {
      double value = (double)values[(i / area * outputs[1] + c) * area + i % area];
      sum += value;
      size += fabs(value);
    }
    CHECK_NEAR(sum, (double)sums[c], 1e-5, size, layer->name);
    all += size;
  }
  CHECK(all > 0, "%s has no gradient", layer->name);
  na_free(values);
  na_free(sums);
}

static void recorded_gradients_add_up(void)
{
  static const char *const kinds[] = {"base", "augmented"};
  rig r;
  na_record record;
  na_h5 *file = NULL;
  rig_init(&r, true);
  rig_folder(&r);
  na_settings_init(&na_record_settings, &record);
  record.images = 1000;
  record.gradients = true;
  r.train.epochs = 1;
  r.setup.record = &record;
  CHECK_OK(rig_run(&r), err);
  char name[64];
  snprintf(name, sizeof name, "activations-%08d.h5", IMAGES / BATCH);
  CHECK_OK(na_h5_open(&file, file_of(&r, name), &err), err);
  int checked = 0;
  for (int k = 0; k < 2 && file != NULL; k++)
    for (int i = 1; i < r.net->layer_count; i++) {
      const na_layer *layer = &r.net->layers[i];
      int shift = layer->kind == NA_SQUEEZE ? -1 : layer->norm ? layer->beta : layer->bias;
      if (shift < 0) continue;
      check_recorded(file, kinds[k], r.net, layer, shift);
      checked++;
    }
  CHECK(checked == 12, "%d layers", checked);
  na_h5_close(file, NULL);
  remove_files(r.folder);
  rig_free(&r);
}

/* Running statistics of plain training are its own: calibration images must not touch them. */
static void plain_statistics_are_kept(void)
{
  rig with, without;
  rig_init(&with, false);
  rig_init(&without, false);
  without.setup.calibration = NULL;
  CHECK_OK(rig_run(&with), err);
  CHECK_OK(rig_run(&without), err);
  CHECK(same_bits(with.net, without.net), "calibration changed a plain training");
  rig_free(&with);
  rig_free(&without);
}

/* ------------------------------------------------------------------------------------ memory */

static void steps_allocate_nothing(void)
{
  rig r;
  rig_init(&r, true);
  r.train.epochs = 1;
  rig_start(&r);
  na_trainer_hold(r.trainer, true, false);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  unsigned long before = 0;
  for (int step = 1; step <= 12; step++) {
    na_event event = await(r.trainer, NA_EVENT_STEP);
    CHECK(event.step == step, "step %ld", event.step);
    if (step == 1)
      before = na_alloc_count();
    else
      CHECK(na_alloc_count() == before, "step %d allocates", step);
    na_trainer_continue(r.trainer);
  }
  CHECK(await(r.trainer, NA_EVENT_END).code == NA_OK, "did not end well");
  rig_free(&r);
}

static void out_of_memory_is_an_error(void)
{
  rig r;
  rig_init(&r, true);
  r.train.threads = 2;
  rig_folder(&r);
  rig_want_of_memory(&r);
  rig_free(&r);
}

/* ----------------------------------------------------------------------------------- control */

static void holding_and_pausing(void)
{
  rig r;
  rig_init(&r, true);
  rig_start(&r);
  na_trainer_hold(r.trainer, true, false);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 1, "first step");
  size_t bytes = r.net->values * sizeof(float);
  float *copy = na_alloc(bytes);
  memcpy(copy, r.net->weights, bytes);
  nap(60);
  CHECK(memcmp(copy, r.net->weights, bytes) == 0, "the net moves while held");
  na_event event;
  CHECK(na_trainer_poll(r.trainer, &event, 0) == 0, "an event while held");
  na_trainer_pause(r.trainer, true);
  na_trainer_continue(r.trainer);
  nap(60);
  CHECK(memcmp(copy, r.net->weights, bytes) == 0, "the net moves while paused");
  na_trainer_pause(r.trainer, false);
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 2, "second step");
  CHECK(memcmp(copy, r.net->weights, bytes) != 0, "a step moves nothing");
  na_trainer_stop(r.trainer); /* ends the hold, too */
  CHECK(await(r.trainer, NA_EVENT_END).code == NA_ESTOPPED, "not stopped");
  na_free(copy);
  rig_free(&r);
}

static void joining_unread_and_held(void)
{
  rig r;
  rig_init(&r, true);
  rig_start(&r);
  na_trainer_hold(r.trainer, true, true);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  CHECK_OK(na_trainer_join(r.trainer, &err), err); /* hangs if the worker waits for its reader */
  CHECK_OK(na_trainer_join(r.trainer, &err), err);
  CHECK_FAILS(na_trainer_start(r.trainer, &err), NA_EINVAL, "already", err);
  rig_free(&r);
  rig_init(&r, true);
  rig_start(&r);
  CHECK_FAILS(na_trainer_join(r.trainer, &err), NA_EINVAL, "never started", err);
  rig_free(&r);
  rig_init(&r, true);
  r.train.epochs = 10000;
  rig_start(&r);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  await(r.trainer, NA_EVENT_STEP);
  rig_free(&r); /* in the middle of it */
}

/* ------------------------------------------------------------------------------------- files */

static void check_statistics_of_base(const rig *r, const char *name, double loss)
{
  na_net *net = NULL;
  na_checkpoint state = {0};
  na_team *team = NULL;
  na_workspace *workspace = NULL;
  na_result result = {0};
  int widths[DIMS];
  CHECK_OK(na_checkpoint_load(file_of(r, name), &net, &state, &err), err);
  if (net == NULL) return;
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&workspace, net, team, BATCH, false, &err), err);
  na_net_base(net, widths);
  CHECK_OK(na_evaluate(workspace, widths, r->val, &result, &err), err);
  CHECK_NEAR(result.loss, loss, 1e-12, 1, name);
  CHECK_NEAR(state.val_loss, loss, 1e-12, 1, "recorded loss");
  CHECK(strcmp(state.settings, "name = toy") == 0 && strcmp(state.data, "path = synthetic") == 0,
        "settings");
  CHECK(state.class_count == CLASSES && strcmp(state.class_names[3], "three") == 0, "class names");
  CHECK(strcmp(state.mean, r->data->mean) == 0 && strcmp(state.std, r->data->std) == 0, "mean, std");
  na_checkpoint_free(&state);
  na_workspace_free(workspace);
  na_team_free(team);
  na_net_free(net);
}

static void check_columns(const rig *r, const na_result *last)
{
  double *values = NULL;
  long count = 0;
  CHECK_OK(na_metrics_read(file_of(r, "run.h5"), "step/base_loss", &values, &count, &err), err);
  CHECK(count == 4 * 12 && values != NULL && isfinite(values[47]), "%ld steps", count);
  na_free(values);
  CHECK_OK(na_metrics_read(file_of(r, "run.h5"), "epoch/base_val_top1", &values, &count, &err),
           err);
  CHECK(count == 4 && values != NULL, "%ld epochs", count);
  if (values == NULL) return;
  CHECK(isnan(values[0]) && isnan(values[2]), "epochs 1 and 3 were measured");
  CHECK(values[3] == last->top1, "epoch 4: %g, not %g", values[3], last->top1);
  na_free(values);
}

static void a_run_leaves_its_files(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  r.train.eval_every = 2;
  CHECK_OK(rig_run(&r), err);
  na_result base, best;
  na_trainer_results(r.trainer, &base, NULL, &best, NULL);
  check_statistics_of_base(&r, "last.h5", base.loss);
  check_statistics_of_base(&r, "best.h5", best.loss);
  check_columns(&r, &base);
  FILE *log = fopen(file_of(&r, "log.txt"), "r");
  char text[8192] = "";
  CHECK(log != NULL && fread(text, 1, sizeof text - 1, log) > 100, "no log");
  if (log != NULL) fclose(log);
  CHECK(strstr(text, "phase random from epoch 1") && strstr(text, "phase min_w from epoch 3") &&
            strstr(text, "12 batches, 4 epochs, 1 thread, ") && strstr(text, "epoch 4 of 4, base") &&
            strstr(text, "done"),
        "the log says\n%s", text);
  rig_free(&r);
}

/* ------------------------------------------------------------------------------------- arms */

/* A training of two epochs with one setting changed. */
static void rig_arm(rig *r, void (*change)(rig *r))
{
  rig_init(r, true);
  r->train.epochs = 2;
  r->train.min_w_epochs = 0;
  if (change != NULL) change(r);
}

static void no_networks(rig *r) { r->train.networks = 0; }
static void three_networks(rig *r) { r->train.networks = 3; }
static void no_alpha(rig *r) { r->train.alpha = 0; }
static void half_alpha(rig *r) { r->train.alpha = 0.5; }
static void no_sort(rig *r) { r->train.sort = false; }
static void sort_alone(rig *r) { r->train.sort_momentum = false; }
static void no_alpha_no_sort(rig *r) { r->train.alpha = 0, r->train.sort = false; }
static void off_at_the_end(rig *r) { r->train.off_epochs = 1; }
static void off_throughout(rig *r) { r->train.off_epochs = 2, r->train.sort = false; }
static void held_widths(rig *r) { r->train.min_w_epochs = 1; }
static void held_expands(rig *r) { r->train.min_e_epochs = 1; }

static bool same_weights(const rig *a, const rig *b)
{
  return memcmp(a->net->weights, b->net->weights, a->net->values * sizeof(float)) == 0;
}

/* Every arm differs from every other, but for those that train the base alone: without sub-networks,
 * with a weight of 0 for them, or with augmentation off. */
static void arms_do_what_they_say(void)
{
  static void (*const changes[])(rig *r) = {
      no_networks, no_alpha_no_sort, off_throughout, NULL, three_networks, no_alpha, half_alpha,
      no_sort, sort_alone, off_at_the_end, held_widths, held_expands};
  enum { ARMS = sizeof changes / sizeof changes[0], ALONE = 3 };
  static rig r[ARMS];
  for (int i = 0; i < ARMS; i++) {
    rig_arm(&r[i], changes[i]);
    CHECK_OK(rig_run(&r[i]), err);
  }
  for (int i = 0; i < ARMS; i++)
    for (int j = 0; j < i; j++)
      CHECK(same_weights(&r[i], &r[j]) == (i < ALONE && j < ALONE), "arms %d and %d", j, i);
  for (int i = 0; i < ARMS; i++) rig_free(&r[i]);
}

/* Sub-networks counted: none of an epoch that is off, three times the images with three. */
static void augmentation_ends_and_multiplies(void)
{
  rig off, three;
  rig_arm(&off, off_at_the_end);
  rig_arm(&three, three_networks);
  rig_start(&off);
  CHECK_OK(na_trainer_start(off.trainer, &err), err);
  CHECK(await(off.trainer, NA_EVENT_EPOCH).augmented.images == IMAGES, "the first epoch");
  na_event last = await(off.trainer, NA_EVENT_EPOCH);
  CHECK(last.phase == NA_PHASE_OFF && last.augmented.images == 0 && last.base.images == IMAGES,
        "%ld sub-networks' images in the last epoch", last.augmented.images);
  rig_start(&three);
  CHECK_OK(na_trainer_start(three.trainer, &err), err);
  CHECK(await(three.trainer, NA_EVENT_EPOCH).augmented.images == 3 * IMAGES, "three networks");
  rig_free(&off);
  rig_free(&three);
}

/* Without images to calibrate on the base is validated with the statistics that the training left, the
 * widest not at all, and checkpoints hold just those. */
static void re_estimation_can_be_off(void)
{
  rig with, without;
  rig_arm(&with, NULL);
  rig_arm(&without, NULL);
  rig_folder(&without);
  without.setup.calibration = NULL;
  CHECK_OK(rig_run(&with), err);
  CHECK_OK(rig_run(&without), err);
  na_result base, widest, re_estimated;
  na_trainer_results(without.trainer, &base, &widest, NULL, NULL);
  na_trainer_results(with.trainer, &re_estimated, NULL, NULL, NULL);
  CHECK(base.images == 90 && widest.images == 0, "%ld, %ld images", base.images, widest.images);
  CHECK(base.loss != re_estimated.loss, "re-estimation changes nothing");
  CHECK(same_weights(&with, &without), "re-estimation changes the training");
  check_statistics_of_base(&without, "last.h5", base.loss);
  na_net *net = NULL;
  na_checkpoint state = {0};
  CHECK_OK(na_checkpoint_load(file_of(&without, "last.h5"), &net, &state, &err), err);
  if (net != NULL) CHECK(same_bits(net, without.net), "the checkpoint is not the net");
  na_checkpoint_free(&state);
  na_net_free(net);
  rig_free(&with);
  rig_free(&without);
}

/* ------------------------------------------------------------------------------ going on */

static void a_stopped_run_can_go_on(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  rig_start(&r);
  na_trainer_hold(r.trainer, true, false);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  for (int step = 1; step < 17; step++) {
    await(r.trainer, NA_EVENT_STEP);
    na_trainer_continue(r.trainer);
  }
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 17, "step 17");
  na_trainer_stop(r.trainer);
  na_event end = await(r.trainer, NA_EVENT_END);
  CHECK(end.code == NA_ESTOPPED && strstr(end.text, "after step 17") != NULL, "end: %d %s",
        end.code, end.text);
  CHECK(na_trainer_join(r.trainer, &err) == NA_ESTOPPED && strstr(err.hint, "last.h5") != NULL,
        "hint %s", err.hint);
  na_net *net = NULL;
  na_checkpoint state = {0};
  na_error_clear(&err);
  CHECK_OK(na_checkpoint_load(file_of(&r, "last.h5"), &net, &state, &err), err);
  CHECK(state.epoch == 1 && state.step == 17 && state.batch == 5 && state.random_index > 0,
        "at epoch %d, step %ld", state.epoch, state.step);
  if (net != NULL) CHECK(same_bits(net, r.net), "the checkpoint is not the net");
  na_checkpoint_free(&state);
  na_net_free(net);
  rig_free(&r);
}

/* ---------------------------------------------------------------------------------- failures */

static void an_infinite_loss_stops_at_once(void)
{
  rig r;
  rig_init(&r, true);
  r.train.lr = 1e30;
  CHECK(rig_run(&r) == NA_ENAN, "code %d: %s", err.code, err.message);
  CHECK(strstr(err.message, "at step ") && strstr(err.message, "layer "), "message %s",
        err.message);
  CHECK(strstr(err.hint, "no checkpoint yet") != NULL, "hint %s", err.hint);
  rig_free(&r);
  /* After a good epoch, one weight goes bad: the message names its layer and the checkpoint. */
  rig_init(&r, true);
  rig_folder(&r);
  rig_start(&r);
  na_trainer_hold(r.trainer, true, false);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  while (await(r.trainer, NA_EVENT_STEP).step < 13) na_trainer_continue(r.trainer);
  r.net->weights[na_net_param(r.net, "headconv.conv.weight")->offset] = INFINITY;
  na_trainer_continue(r.trainer);
  na_event end = await(r.trainer, NA_EVENT_END);
  CHECK(end.code == NA_ENAN && strstr(end.text, "at step 13 ") &&
            strstr(end.text, "layer headconv"),
        "%d %s", end.code, end.text);
  na_error_clear(&err);
  CHECK(na_trainer_join(r.trainer, &err) == NA_ENAN && strstr(err.hint, "last.h5"), "hint %s",
        err.hint);
  na_net *net = NULL;
  na_checkpoint state = {0};
  na_error_clear(&err);
  CHECK_OK(na_checkpoint_load(file_of(&r, "last.h5"), &net, &state, &err), err);
  if (net != NULL)
    CHECK(isfinite(net->weights[na_net_param(net, "headconv.conv.weight")->offset]),
          "it was spoilt");
  na_checkpoint_free(&state);
  na_net_free(net);
  rig_free(&r);
}

static void a_failing_source_ends_the_run(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  ((synthetic *)r.data)->fail_at = 7;
  CHECK(rig_run(&r) == NA_EIO && strstr(err.message, "on purpose"), "%d %s", err.code, err.message);
  na_net *net = NULL;
  na_checkpoint state = {0};
  na_error_clear(&err);
  CHECK_OK(na_checkpoint_load(file_of(&r, "last.h5"), &net, &state, &err), err);
  CHECK(state.step == 7, "saved at step %ld", state.step);
  na_checkpoint_free(&state);
  na_net_free(net);
  rig_free(&r);
}

static void impossible_setups_are_refused(void)
{
  rig r;
  rig_init(&r, true);
  na_source *other = synthetic_new(1, 40, 1, SIZE, CLASSES, BATCH, false);
  na_source *ten = synthetic_new(1, 40, 3, SIZE, 10, BATCH, false),
            *few = synthetic_new(1, 10, 3, SIZE, CLASSES, BATCH, false);
  r.setup.data = other;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_ESHAPE,
              "training images are 1 x 8 x 8", err);
  r.setup.data = ten;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_ESHAPE, "have 10 classes", err);
  r.setup.data = few;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "no training images", err);
  r.setup.data = NULL;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "needs training images", err);
  r.setup.data = r.data;
  r.setup.val = ten;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_ESHAPE, "validation images have 10",
              err);
  r.setup.val = r.val;
  r.train.epochs = 0;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "nothing to do", err);
  r.train.epochs = 4;
  r.train.off_epochs = 5;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "add up to 5", err);
  r.train.off_epochs = 0;
  r.setup.folder = "/proc/nothing/here";
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EIO, "/proc/nothing", err);
  na_source_free(other);
  na_source_free(ten);
  na_source_free(few);
  rig_free(&r);
}

int main(void)
{
  RUN(gradients_add_up);
  RUN(surgery_keeps_functions);
  RUN(a_supernet_learns);
  RUN(a_plain_net_learns);
  RUN(a_supernet_learns_rounded);
  RUN(same_seed_same_bits);
  RUN(same_seed_same_bits_rounded);
  RUN(watching_changes_nothing);
  RUN(recorded_gradients_add_up);
  RUN(plain_statistics_are_kept);
  RUN(steps_allocate_nothing);
  RUN(out_of_memory_is_an_error);
  RUN(holding_and_pausing);
  RUN(joining_unread_and_held);
  RUN(a_run_leaves_its_files);
  RUN(arms_do_what_they_say);
  RUN(augmentation_ends_and_multiplies);
  RUN(re_estimation_can_be_off);
  RUN(a_stopped_run_can_go_on);
  RUN(an_infinite_loss_stops_at_once);
  RUN(a_failing_source_ends_the_run);
  RUN(impossible_setups_are_refused);
  return CHECK_EXIT();
}
