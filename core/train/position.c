/* Where a training stands: into a checkpoint and back, so that it goes on as if never stopped.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/train/steer.h"
#include "core/train/trainer_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------- texts */

static void write_settings(const na_settings *settings, const void *target, na_buffer *out)
{
  for (int i = 0; i < settings->count; i++) {
    na_buffer_add(out, "%s.%s = ", settings->subject, settings->items[i].name);
    na_settings_write(&settings->items[i], target, out);
    na_buffer_add(out, "\n");
  }
}

/* The settings in force, and the commands that wait, as lines of text. Under steer.mutex. */
static void write_texts(const na_trainer *t, na_buffer *present, na_buffer *pending)
{
  write_settings(&na_train_settings, &t->train, present);
  write_settings(&na_augment_settings, &t->lists, present);
  for (int i = 0; i < t->steer.count; i++) {
    na_steering_write(&t->steer.queue[i], pending);
    na_buffer_add(pending, "\n");
  }
}

/* Copies the line at *text and moves behind it. False at the end. */
static bool next_line(const char **text, char *line, size_t size)
{
  if (**text == '\0') return false;
  size_t length = strcspn(*text, "\n");
  snprintf(line, size, "%.*s", (int)length, *text);
  *text += length + ((*text)[length] == '\n');
  return true;
}

/* "train.lr = 0.1": a setting that this program does not know is passed over. */
static int read_setting(na_train *train, na_augmentation *lists, char *line, na_error *err)
{
  char *dot = strchr(line, '.'), *equals = strstr(line, " = ");
  if (dot == NULL || equals == NULL || dot > equals) return NA_OK;
  *dot = *equals = '\0';
  bool augment = strcmp(line, "augment") == 0;
  const na_settings *settings = augment ? &na_augment_settings : &na_train_settings;
  void *target = augment ? (void *)lists : (void *)train;
  if (!augment && strcmp(line, "train") != 0) return NA_OK;
  if (na_settings_find(settings, dot + 1) == NULL) return NA_OK;
  return na_settings_parse(settings, target, dot + 1, equals + 3, err);
}

static int read_present(na_trainer *t, const char *text, na_error *err)
{
  char line[NA_TEXT_MAX + 64]; /* a text and its name */
  int code = NA_OK, threads = t->train.threads;
  while (code == NA_OK && next_line(&text, line, sizeof line))
    code = read_setting(&t->train, &t->lists, line, err);
  t->train.threads = threads;
  if (code == NA_OK) code = na_train_check(&t->train, err);
  if (code == NA_OK) code = na_augment_resolve(&t->lists, err);
  return code;
}

static int read_pending(na_trainer *t, const char *text, na_error *err)
{
  char line[NA_TEXT_MAX + 32];
  int code = NA_OK;
  while (code == NA_OK && text != NULL && next_line(&text, line, sizeof line))
    code = na_trainer_command(t, line, err);
  return code;
}

/* ---------------------------------------------------------------------------------- taking */

static void take_results(const na_trainer *t, na_checkpoint *s)
{
  bool measured = t->base_val.images > 0;
  s->val_loss = measured ? t->base_val.loss : NAN;
  s->val_top1 = measured ? t->base_val.top1 : NAN;
  s->val_top5 = measured ? t->base_val.top5 : NAN;
  s->best_images = t->best.images;
  s->best_top1 = t->best.images > 0 ? t->best.top1 : NAN;
  s->best_top5 = t->best.top5;
  s->best_loss = t->best.loss;
}

static void take_sums(const na_trainer *t, na_checkpoint *s)
{
  s->base_loss = t->base.loss;
  s->base_top1 = t->base.top1;
  s->base_top5 = t->base.top5;
  s->base_images = t->base.images;
  s->augmented_loss = t->augmented.loss;
  s->augmented_top1 = t->augmented.top1;
  s->augmented_top5 = t->augmented.top5;
  s->augmented_images = t->augmented.images;
}

static void take_numbers(const na_trainer *t, na_checkpoint *s)
{
  na_rows rows = na_recorder_rows(t->recorder);
  s->complete = 1;
  s->epoch = t->epoch;
  s->step = t->step;
  s->batch = t->batch;
  s->begun = t->begun;
  s->random_key = t->draws.key;
  s->random_index = t->draws.index;
  s->step_rows = rows.step;
  s->epoch_rows = rows.epoch;
  s->steering_rows = rows.steering;
  s->seconds = na_now() - t->clock.started;
  s->steered = atomic_load(&t->steered);
  take_results(t, s);
  take_sums(t, s);
}

/* Under steer.mutex. */
static int take_shared(na_trainer *t, na_checkpoint *s, na_error *err)
{
  na_buffer present = {0}, pending = {0};
  write_texts(t, &present, &pending);
  s->present = present.data;
  s->pending = pending.data;
  s->state = na_strdup(t->kept);
  s->draw_count = na_draws_count(t);
  s->draws = na_alloc_array(s->draw_count, sizeof *s->draws);
  if (s->draws != NULL) na_draws_write(t, s->draws);
  if (!present.failed && !pending.failed && s->draws != NULL &&
      (t->kept == NULL || s->state != NULL))
    return NA_OK;
  return na_fail_memory(err, s->draw_count * sizeof *s->draws, "a checkpoint");
}

int na_position_take(na_trainer *t, na_checkpoint *s, na_error *err)
{
  *s = (na_checkpoint){.settings = t->description,
                       .data = t->data_settings,
                       .mean = (char *)(uintptr_t)t->data->mean,
                       .std = (char *)(uintptr_t)t->data->std,
                       .class_names = (char **)(uintptr_t)t->data->class_names,
                       .class_count = t->data->class_names != NULL ? t->data->classes : 0};
  take_numbers(t, s);
  pthread_mutex_lock(&t->steer.mutex);
  int code = take_shared(t, s, err);
  pthread_mutex_unlock(&t->steer.mutex);
  if (code != NA_OK) na_position_release(s);
  return code;
}

void na_position_release(na_checkpoint *s)
{
  na_free(s->present);
  na_free(s->pending);
  na_free(s->state);
  na_free(s->draws);
  *s = (na_checkpoint){0};
}

/* --------------------------------------------------------------------------------- loading */

static void put_results(na_trainer *t, const na_checkpoint *s)
{
  if (s->best_images > 0)
    t->best = (na_result){s->best_loss, s->best_top1, s->best_top5, s->best_images};
  t->base = (na_scores){s->base_loss, s->base_top1, s->base_top5, s->base_images};
  t->augmented =
      (na_scores){s->augmented_loss, s->augmented_top1, s->augmented_top5, s->augmented_images};
}

/* A place that this training has: files are not trusted. */
static int check_place(const na_trainer *t, const na_checkpoint *s, na_error *err)
{
  long batches = t->data->batches;
  bool whole = s->begun == 0 || s->begun == 1;
  if (whole && s->epoch <= t->train.warmup + t->train.epochs && s->batch <= batches &&
      s->step == s->epoch * batches + s->batch && isfinite(s->seconds) && s->seconds >= 0)
    return NA_OK;
  na_fail(err, NA_EFORMAT, "stands at step %ld, batch %ld of epoch %d, where this data has no step",
          s->step, s->batch, s->epoch + 1);
  return na_hint(err, "the run's data must be the same: %ld batches an epoch now", batches);
}

static int put(na_trainer *t, const na_checkpoint *s, na_error *err)
{
  if (s->present == NULL)
    return na_fail(err, NA_EFORMAT, "does not say which settings were in force");
  int code = read_present(t, s->present, err);
  if (code == NA_OK) code = check_place(t, s, err);
  if (code == NA_OK && t->elastic)
    code = na_net_set_lists(t->net, &t->lists.width, &t->lists.expand, err);
  if (code != NA_OK) return code;
  if (!t->elastic) t->train.networks = 0;
  na_net_widest(t->net, t->widest);
  t->epoch = s->epoch;
  t->step = s->step;
  t->batch = s->batch;
  t->begun = s->begun != 0;
  t->steps = t->data->batches * (t->train.warmup + t->train.epochs);
  t->phase = na_phase_at(&t->train, s->begun != 0 || s->epoch == 0 ? s->epoch : s->epoch - 1);
  t->draws = (na_random){s->random_key, s->random_index};
  t->earlier = s->seconds;
  atomic_store(&t->steered, s->steered != 0);
  put_results(t, s);
  if (s->draw_count == na_draws_count(t)) na_draws_read(t, s->draws);
  t->steer.epochs_begun = t->epoch + 1;
  code = na_trainer_keep(t, s->state, err);
  return code == NA_OK ? read_pending(t, s->pending, err) : code;
}

int na_position_load(na_trainer *t, const char *path, na_rows *rows, na_error *err)
{
  na_checkpoint state = {0};
  int code = na_checkpoint_resume(path, t->net, &state, err);
  if (code != NA_OK) return code;
  code = put(t, &state, err);
  if (code != NA_OK) na_error_prefix(err, "%.200s", path);
  *rows = (na_rows){state.step_rows, state.epoch_rows, state.steering_rows};
  t->resumed = true;
  na_checkpoint_free(&state);
  return code;
}

/* --------------------------------------------------------------------------------- others */

int na_trainer_keep(na_trainer *t, const char *text, na_error *err)
{
  char *copy = na_strdup(text);
  if (text != NULL && copy == NULL) return na_fail_memory(err, strlen(text), "the script's state");
  pthread_mutex_lock(&t->steer.mutex);
  char *old = t->kept;
  t->kept = copy;
  pthread_mutex_unlock(&t->steer.mutex);
  na_free(old);
  return NA_OK;
}

const char *na_trainer_kept(const na_trainer *t)
{
  return t->kept;
}

void na_trainer_position(const na_trainer *t, int *epoch, long *step)
{
  if (epoch != NULL) *epoch = t->epoch;
  if (step != NULL) *step = t->step;
}
