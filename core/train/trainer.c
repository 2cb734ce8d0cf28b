/* Setting a training up, and the other threads' hold of it. The training itself is in worker.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/condition.h"
#include "core/train/trainer_private.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS = 256 };

/* ---------------------------------------------------------------------------------- checks */

static int check_source(const na_net *net, const na_source *source, const char *what, na_error *err)
{
  if (source == NULL) return NA_OK;
  if (source->channels != net->channels || source->height != net->height ||
      source->width != net->width)
    return na_fail(
        err, NA_ESHAPE,
        "%s images are %d x %d x %d (channels, height, width), but network %s takes %d x %d x %d",
        what, source->channels, source->height, source->width, net->name, net->channels,
        net->height, net->width);
  if (source->classes != net->classes)
    return na_fail(err, NA_ESHAPE, "the %s images have %d classes, but network %s has %d", what,
                   source->classes, net->name, net->classes);
  if (source->batch < 1 || source->batches < 1 || source->images < 1)
    return na_fail(err, NA_EINVAL, "there are no %s images", what);
  return NA_OK;
}

int na_train_check(const na_train *train, na_error *err)
{
  int total = train->warmup + train->epochs;
  if (total < 1)
    return na_fail(err, NA_EINVAL, "train.epochs and train.warmup are both 0: nothing to do");
  if (train->schedule == NA_SCHEDULE_EXPONENTIAL && !(train->lr > 0 && train->lr_end > 0)) {
    na_fail(err, NA_EINVAL, "train.schedule is exponential, from train.lr %g to train.lr_end %g",
            train->lr, train->lr_end);
    return na_hint(err, "both must be above 0");
  }
  if (train->dropblock_size % 2 == 0)
    return na_fail(err, NA_EINVAL, "train.dropblock_size takes an odd number, but got %d",
                   train->dropblock_size);
  int held = na_min_w_epochs(train) + train->min_e_epochs + train->off_epochs;
  if (held <= total) return NA_OK;
  return na_fail(
      err, NA_EINVAL,
      "train.min_w_epochs, min_e_epochs and off_epochs add up to %d, but there are %d epochs", held,
      total);
}

static int check(const na_trainer_setup *setup, na_error *err)
{
  if (setup->net->weights == NULL)
    return na_fail(err, NA_EINVAL, "network %s has not been finished", setup->net->name);
  if (setup->data == NULL) return na_fail(err, NA_EINVAL, "training needs training images");
  int code = check_source(setup->net, setup->data, "training", err);
  if (code == NA_OK) code = check_source(setup->net, setup->val, "validation", err);
  if (code == NA_OK) code = check_source(setup->net, setup->calibration, "calibration", err);
  if (code == NA_OK) code = na_train_check(setup->train, err);
  return code;
}

/* ---------------------------------------------------------------------------------- making */

static int largest_batch(const na_trainer *t)
{
  int batch = t->data->batch;
  if (t->val != NULL && t->val->batch > batch) batch = t->val->batch;
  if (t->calibration != NULL && t->calibration->batch > batch) batch = t->calibration->batch;
  return batch;
}

/* rows[NA_NETWORKS_MAX][dim_count]; rows[0] owns all of them. */
static int **make_rows(size_t dims)
{
  int **rows = na_alloc_array(NA_NETWORKS_MAX, sizeof *rows);
  int *values = na_alloc_array(NA_NETWORKS_MAX * dims, sizeof *values);
  if (rows == NULL || values == NULL) {
    na_free(rows);
    na_free(values);
    return NULL;
  }
  for (size_t i = 0; i < NA_NETWORKS_MAX; i++) rows[i] = values + i * dims;
  return rows;
}

static void free_rows(int **rows)
{
  if (rows != NULL) na_free(rows[0]);
  na_free(rows);
}

static int make_widths(na_trainer *t, na_error *err)
{
  size_t dims = (size_t)t->net->dim_count;
  t->base_widths = na_alloc_array(dims, sizeof *t->base_widths);
  t->widest = na_alloc_array(dims, sizeof *t->widest);
  t->widths = make_rows(dims);
  t->choices = make_rows(dims);
  if (t->base_widths == NULL || t->widest == NULL || t->choices == NULL || t->widths == NULL)
    return na_fail_memory(err, 2 * (NA_NETWORKS_MAX + 1) * dims * sizeof(int), "the widths");
  na_net_base(t->net, t->base_widths);
  na_net_widest(t->net, t->widest);
  return na_draws_init(t, err);
}

/* The candidates that the net was built with, as one setting for all of its dimensions. */
static void read_lists(na_trainer *t)
{
  t->lists.width = t->lists.expand = (na_list){1, {1.0}};
  for (int d = t->net->dim_count - 1; d >= 0; d--) {
    const na_dim *dim = &t->net->dims[d];
    if (dim->kind == NA_DIM_WIDTH) t->lists.width = dim->list;
    if (dim->kind == NA_DIM_EXPAND) t->lists.expand = dim->list;
  }
  t->lists.s = 2;
}

static int copy_text(char **to, const char *text, na_error *err)
{
  *to = na_strdup(text);
  return text == NULL || *to != NULL ? NA_OK : na_fail_memory(err, strlen(text), "the settings");
}

/* Signals are the main thread's business: threads started here must not receive them. */
static int make_team(na_trainer *t, na_error *err)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = na_team_new(&t->team, t->train.threads, err);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

static int make_record(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  na_settings_init(&na_record_settings, &t->record);
  if (setup->record == NULL) return NA_OK;
  t->record = *setup->record;
  t->records = true;
  return na_record_check(t, &t->record, err);
}

static int make_replay(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  size_t count = (size_t)setup->replay_count;
  if (setup->replay == NULL) return NA_OK;
  t->replay = na_alloc_array(count + 1, sizeof *t->replay);
  if (t->replay == NULL) return na_fail_memory(err, count * sizeof *t->replay, "the commands");
  memcpy(t->replay, setup->replay, count * sizeof *t->replay);
  t->replay_count = setup->replay_count;
  return NA_OK;
}

static int make_teacher(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  const na_kd *kd = setup->kd;
  if (kd == NULL || kd->teacher[0] == '\0') return NA_OK;
  t->teaches_augmented = kd->augmented;
  return na_teacher_new(&t->teacher, kd, t->data, t->team, err);
}

/* The caller's notes, what the networks cost, and the hashes of the files. */
static int begin_recording(na_trainer *t, const na_trainer_setup *setup, const na_rows *rows,
                           na_error *err)
{
  enum { COSTS = 4 };
  static const char *const names[COSTS] = {"parameters", "macs", "widest_parameters", "widest_macs"};
  char texts[COSTS][24];
  na_cost base, widest;
  na_net_cost(t->net, t->base_widths, &base);
  na_net_cost(t->net, t->widest, &widest);
  const long long costs[COSTS] = {base.parameters, base.macs, widest.parameters, widest.macs};
  size_t count = (size_t)setup->note_count;
  na_note *notes = na_alloc_array(count + COSTS + NA_ORIGIN_NOTES, sizeof *notes);
  if (notes == NULL)
    return na_fail_memory(err, (count + COSTS + NA_ORIGIN_NOTES) * sizeof *notes, "the run's notes");
  for (size_t i = 0; i < count; i++) notes[i] = setup->notes[i];
  for (int i = 0; i < COSTS; i++) {
    snprintf(texts[i], sizeof texts[i], "%lld", costs[i]);
    notes[count++] = (na_note){names[i], texts[i]};
  }
  count += (size_t)na_origin_notes(t, notes + count);
  int code = na_recorder_begin(t->recorder, setup->description, notes, (int)count, rows, err);
  na_free(notes);
  return code;
}

/* Where the training begins, and its metrics with it. */
static int make_position(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  na_rows rows = {0};
  int code = na_origin_check(t, setup, err);
  if (code == NA_OK && setup->resume != NULL && setup->resume[0] != '\0')
    code = na_position_load(t, setup->resume, &rows, err);
  if (code != NA_OK || t->recorder == NULL) return code;
  return begin_recording(t, setup, setup->resume != NULL ? &rows : NULL, err);
}

static int make_parts(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  int code = copy_text(&t->description, setup->description, err);
  if (code == NA_OK) code = copy_text(&t->data_settings, setup->data_settings, err);
  if (code == NA_OK) code = make_widths(t, err);
  if (code == NA_OK) code = make_team(t, err);
  if (code == NA_OK) code = na_ring_new(&t->ring, EVENTS, err);
  if (code == NA_OK)
    code = na_workspace_new(&t->workspace, t->net, t->team, largest_batch(t), true, err);
  if (code == NA_OK) code = make_teacher(t, setup, err);
  if (code == NA_OK) code = na_origin_make(t, setup, err);
  if (code == NA_OK && setup->folder != NULL)
    code = na_recorder_new(&t->recorder, setup->folder, setup->resume != NULL, err);
  if (code == NA_OK) code = make_record(t, setup, err);
  if (code == NA_OK) code = make_replay(t, setup, err);
  if (code == NA_OK) code = make_position(t, setup, err);
  return code;
}

int na_trainer_new(na_trainer **out, const na_trainer_setup *setup, na_error *err)
{
  *out = NULL;
  int code = check(setup, err);
  if (code != NA_OK) return code;
  na_trainer *t = na_alloc(sizeof *t);
  if (t == NULL) return na_fail_memory(err, sizeof *t, "the trainer");
  t->train = *setup->train;
  t->elastic = na_net_elastic(setup->net);
  if (!t->elastic) t->train.networks = 0; /* there is nothing to draw */
  t->net = setup->net;
  read_lists(t);
  t->data = setup->data;
  t->val = setup->val;
  t->calibration = setup->calibration;
  t->steps = t->data->batches * (t->train.warmup + t->train.epochs);
  t->draws = na_random_at((uint64_t)t->train.seed, 0, 1);
  pthread_mutex_init(&t->mutex, NULL);
  pthread_mutex_init(&t->steer.mutex, NULL);
  na_condition_init(&t->continued);
  code = make_parts(t, setup, err);
  if (code != NA_OK) {
    na_trainer_free(t);
    return code;
  }
  *out = t;
  return NA_OK;
}

void na_trainer_free(na_trainer *t)
{
  if (t == NULL) return;
  if (t->started && !t->joined) {
    na_trainer_stop(t);
    na_trainer_join(t, NULL);
  }
  na_recorder_free(t->recorder, NULL);
  na_workspace_free(t->workspace);
  na_teacher_free(t->teacher);
  na_ring_free(t->ring);
  na_team_free(t->team);
  free_rows(t->widths);
  free_rows(t->choices);
  na_free(t->base_widths);
  na_free(t->widest);
  na_free(t->draws_by_dim);
  na_agreements_free(t);
  na_free(t->kept);
  na_free(t->replay);
  na_free(t->origin.data);
  na_free(t->description);
  na_free(t->data_settings);
  pthread_cond_destroy(&t->continued);
  pthread_mutex_destroy(&t->mutex);
  pthread_mutex_destroy(&t->steer.mutex);
  na_free(t);
}

/* --------------------------------------------------------------------------------- control */

int na_trainer_start(na_trainer *t, na_error *err)
{
  sigset_t all, before;
  if (t->started) return na_fail(err, NA_EINVAL, "the training was started already");
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&t->thread, NULL, na_trainer_work, t);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed != 0)
    return na_fail(err, NA_ENOMEM, "cannot start the training's thread: %s", strerror(failed));
  t->started = true;
  return NA_OK;
}

int na_trainer_poll(na_trainer *t, na_event *event, int timeout_ms)
{
  return na_ring_poll(t->ring, event, timeout_ms);
}

void na_trainer_hold(na_trainer *t, bool step, bool epoch)
{
  t->hold_step = step;
  t->hold_epoch = epoch;
}

void na_trainer_continue(na_trainer *t)
{
  pthread_mutex_lock(&t->mutex);
  t->held = false;
  pthread_cond_signal(&t->continued);
  pthread_mutex_unlock(&t->mutex);
}

void na_trainer_stop_after(na_trainer *t, long step)
{
  t->stop_after = step;
}

/* A store and nothing else, for signal handlers; the worker's waits are short enough to see it. */
void na_trainer_stop(na_trainer *t)
{
  atomic_store(&t->stop, 1);
}

void na_trainer_pause(na_trainer *t, bool paused)
{
  atomic_store(&t->paused, paused);
}

int na_trainer_join(na_trainer *t, na_error *err)
{
  if (!t->started) return na_fail(err, NA_EINVAL, "the training was never started");
  if (!t->joined) {
    /* The caller can neither read events nor let the worker go on while it waits here. */
    na_ring_abandon(t->ring);
    atomic_store(&t->released, 1);
    pthread_join(t->thread, NULL);
    t->joined = true;
  }
  if (t->code != NA_OK && err != NULL && err->code == NA_OK) *err = t->error;
  return t->code;
}

void na_trainer_results(const na_trainer *t, na_result *base, na_result *augmented, na_result *best,
                        double *seconds)
{
  if (base != NULL) *base = t->base_val;
  if (augmented != NULL) *augmented = t->augmented_val;
  if (best != NULL) *best = t->best;
  if (seconds != NULL) *seconds = t->seconds;
}
