/* The worker thread: epochs, steps, evaluations, and what it tells of them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/kernel/kernels.h"
#include "core/train/condition.h"
#include "core/train/evaluate.h"
#include "core/train/finite.h"
#include "core/train/trainer_private.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 20, STOPPED_IMAGES = 1024 };
static const double TASK_SECONDS = 0.1; /* between two TASK events */
static const double SMOOTHING = 0.05;   /* share of the newest step in the rates */

static bool stopping(const na_trainer *t)
{
  return atomic_load(&t->stop) != 0;
}

static int total_epochs(const na_trainer *t)
{
  return t->train.warmup + t->train.epochs;
}

static bool augmenting(const na_trainer *t)
{
  return t->train.networks > 0;
}

/* --------------------------------------------------------------------------------- telling */

static double evaluations_left(const na_trainer *t)
{
  return ceil((double)(total_epochs(t) - t->epoch) / t->train.eval_every);
}

/* Before the first evaluation its time is guessed from the step's: a forward pass of the base takes
 * about a sixth of a step that also trains a sub-network, a third of one that does not. */
static double evaluation_seconds(const na_trainer *t)
{
  if (t->clock.evaluation > 0 || !(t->clock.images > 0)) return t->clock.evaluation;
  double images = t->val != NULL ? (double)t->val->images : 0;
  if (augmenting(t) && t->calibration != NULL) images += (double)t->calibration->images;
  double share = !augmenting(t) ? 1.0 / 3 : t->train.eval_augmented ? 0.5 : 1.0 / 6;
  return images / t->clock.images * t->clock.step * share;
}

static double eta(const na_trainer *t)
{
  if (!(t->clock.step > 0)) return NAN;
  return (double)(t->steps - t->step) * t->clock.step + evaluations_left(t) * evaluation_seconds(t);
}

static double learning_rate(const na_trainer *t)
{
  return na_learning_rate(&t->train, t->step, t->data->batches);
}

na_event na_worker_event(const na_trainer *t, na_event_kind kind)
{
  const na_clock *clock = &t->clock;
  return (na_event){.kind = kind,
                    .time = na_now() - clock->started,
                    .epoch = t->epoch,
                    .epochs = total_epochs(t),
                    .step = t->step,
                    .steps = t->steps,
                    .batch = t->batch,
                    .batches = t->data->batches,
                    .phase = t->phase,
                    .lr = learning_rate(t),
                    .images_per_second = clock->step > 0 ? clock->images / clock->step : 0,
                    .data_wait = clock->step > 0 ? clock->wait / clock->step : 0,
                    .eta = eta(t)};
}

static void wait_continued(na_trainer *t)
{
  pthread_mutex_lock(&t->mutex);
  while (t->held && !stopping(t) && !atomic_load(&t->released)) {
    /* A stop may come from a signal handler, which cannot wake us. */
    struct timespec until = na_deadline(WAIT_MS);
    pthread_cond_timedwait(&t->continued, &t->mutex, &until);
  }
  t->held = false;
  pthread_mutex_unlock(&t->mutex);
}

/* Sends an event; with `hold`, waits until its reader allows going on. */
static void publish(na_trainer *t, const na_event *event, bool hold)
{
  if (hold) {
    pthread_mutex_lock(&t->mutex);
    t->held = true; /* before the event is seen: its reader may be faster than we are */
    pthread_mutex_unlock(&t->mutex);
  }
  na_ring_push(t->ring, event);
  if (hold) wait_continued(t);
}

void na_worker_tell(na_trainer *t, const char *format, ...)
{
  na_event event = na_worker_event(t, NA_EVENT_LOG);
  va_list args;
  va_start(args, format);
  vsnprintf(event.text, sizeof event.text, format, args);
  va_end(args);
  na_recorder_log(t->recorder, event.text);
  publish(t, &event, false);
}

static void tell_teacher(na_trainer *t)
{
  char text[512];
  na_teacher_describe(t->teacher, text);
  na_worker_tell(t, "%s", text);
}

/* Where the weights came from, a line each; what is frozen. */
static void tell_origin(na_trainer *t)
{
  long long frozen = 0, all = 0;
  for (const char *at = t->origin.data; at != NULL && *at != '\0';) {
    size_t length = strcspn(at, "\n");
    na_worker_tell(t, "%.*s", (int)length, at);
    at += length + (at[length] == '\n');
  }
  for (int i = 0; i < t->net->param_count; i++) {
    all += (long long)t->net->params[i].count;
    frozen += t->net->params[i].frozen ? (long long)t->net->params[i].count : 0;
  }
  if (frozen > 0)
    na_worker_tell(t, "%lld of %lld parameters are frozen%s", frozen, all,
                   na_net_still(t->net) ? ", with the statistics of their norms" : "");
}

static void tell_precision(na_trainer *t)
{
  if (t->train.precision != NA_BF16) return;
  const na_products *products = na_products_best(na_kernels_best(), NA_BF16);
  if (products->native) na_worker_tell(t, "training steps in %s", products->name);
  else
    na_worker_tell(t, "training steps in bf16, by plain instructions: this processor has none for it, so that "
                      "float32 takes less time");
}

static void tell_network(na_trainer *t)
{
  na_cost base, widest;
  char words[4][16];
  na_net_cost(t->net, t->base_widths, &base);
  na_net_cost(t->net, t->widest, &widest);
  na_text_count(words[0], (double)base.parameters);
  na_text_count(words[1], (double)base.macs);
  na_text_count(words[2], (double)widest.parameters);
  na_text_count(words[3], (double)widest.macs);
  if (augmenting(t))
    na_worker_tell(t, "%s: %s parameters, %s MACs; widest %s parameters, %s MACs", t->net->name,
                   words[0], words[1], words[2], words[3]);
  else
    na_worker_tell(t, "%s: %s parameters, %s MACs", t->net->name, words[0], words[1]);
  tell_origin(t);
  tell_precision(t);
  if (t->teacher != NULL) tell_teacher(t);
  double teacher = t->teacher != NULL ? (double)na_teacher_bytes(t->teacher) : 0;
  na_text_bytes(words[0], (double)na_workspace_bytes(t->workspace) + 12.0 * (double)t->net->values +
                              teacher);
  int epochs = total_epochs(t), threads = na_team_size(t->team);
  long images = t->data->images, batches = t->data->batches;
  na_worker_tell(t, "%ld image%s in %ld batch%s, %d epoch%s, %d thread%s, %s of memory", images,
                 na_text_plural(images), batches, batches == 1 ? "" : "es", epochs,
                 na_text_plural(epochs), threads, na_text_plural(threads), words[0]);
}

/* Progress of a pass over images, at most ten times a second. */
static int tell_progress(void *context, long done, long total)
{
  na_trainer *t = context;
  double now = na_now();
  if (now - t->clock.reported >= TASK_SECONDS || done >= total) {
    na_event event = na_worker_event(t, NA_EVENT_TASK);
    event.what = t->task;
    event.done = done < total ? done : total;
    event.total = total;
    t->clock.reported = now;
    publish(t, &event, false);
  }
  return stopping(t);
}

void na_worker_steered(na_trainer *t, const na_event *event)
{
  char line[600];
  na_error err = {0};
  snprintf(line, sizeof line, "steered after step %ld: %s", event->step, event->text);
  na_recorder_log(t->recorder, line);
  if (na_recorder_steered(t->recorder, event, &err) != NA_OK)
    na_worker_tell(t, "%.400s", err.message);
  publish(t, event, false);
}

/* ------------------------------------------------------------------------------ checkpoints */

/* running: the training's own statistics where those of the net are others, else NULL. */
static int save(na_trainer *t, const char *name, const float *running, na_error *err)
{
  na_checkpoint state;
  if (t->recorder == NULL) return NA_OK;
  int code = na_position_take(t, &state, err);
  if (code != NA_OK) return code;
  state.running = running;
  code = na_recorder_save(t->recorder, name, t->net, &state, err);
  na_position_release(&state);
  if (strcmp(name, "last.h5") == 0) t->clock.saved = na_now();
  return code;
}

void na_worker_flush(na_trainer *t)
{
  na_error err = {0};
  if (na_recorder_flush(t->recorder, &err) != NA_OK) na_worker_tell(t, "%.400s", err.message);
}

/* -------------------------------------------------------------------------------- evaluation */

static int recalibrate(na_trainer *t, const int *widths, const char *task, na_error *err)
{
  na_watch watch = {tell_progress, t};
  t->task = task;
  return na_recalibrate_on(t->workspace, widths, t->calibration, LONG_MAX, &watch, err);
}

static int evaluate(na_trainer *t, const int *widths, const char *task, na_result *result,
                    na_error *err)
{
  na_watch watch = {tell_progress, t};
  t->task = task;
  return na_evaluate_watched(t->workspace, widths, t->val, &watch, result, err);
}

/* The running statistics, to be put back. NULL: out of memory, or there are none. */
static float *keep_statistics(const na_trainer *t)
{
  float *kept = na_alloc_array(t->net->stats, sizeof *kept);
  if (kept != NULL) memcpy(kept, t->net->running, t->net->stats * sizeof *kept);
  return kept;
}

static void put_back(na_trainer *t, float *kept)
{
  if (kept != NULL) memcpy(t->net->running, kept, t->net->stats * sizeof *kept);
  na_free(kept);
}

/* Norms that are still have their statistics of the base alone: they come back. */
static int assess_widest(na_trainer *t, na_error *err)
{
  float *kept = na_net_still(t->net) ? keep_statistics(t) : NULL;
  if (kept == NULL && na_net_still(t->net))
    return na_fail_memory(err, t->net->stats * sizeof *kept, "the statistics");
  int code = recalibrate(t, t->widest, "calibrating widest", err);
  if (code == NA_OK) code = evaluate(t, t->widest, "evaluating widest", &t->augmented_val, err);
  put_back(t, kept);
  return code;
}

/* Evaluates where it is due. While widths vary, running statistics belong to no network: they are
 * re-estimated, the base's last, so that it is them that remain, and before every checkpoint. */
static int assess(na_trainer *t, bool due, na_error *err)
{
  bool estimate = augmenting(t) && t->calibration != NULL, measure = due && t->val != NULL;
  int code = NA_OK;
  t->base_val = t->augmented_val = (na_result){0};
  if (estimate && measure && t->train.eval_augmented) code = assess_widest(t, err);
  if (code == NA_OK && estimate) code = recalibrate(t, t->base_widths, "calibrating base", err);
  if (code == NA_OK && measure)
    code = evaluate(t, t->base_widths, "evaluating base", &t->base_val, err);
  return code;
}

static int measure_one(na_trainer *t, const int *widths, const char *const tasks[2],
                       na_result *result, na_error *err)
{
  bool estimate = augmenting(t) && t->calibration != NULL;
  int code = estimate ? recalibrate(t, widths, tasks[0], err) : NA_OK;
  return code == NA_OK ? evaluate(t, widths, tasks[1], result, err) : code;
}

int na_worker_evaluate(na_trainer *t, bool base, bool widest, na_error *err)
{
  static const char *const tasks[2][2] = {{"calibrating base", "evaluating base"},
                                          {"calibrating widest", "evaluating widest"}};
  na_event event = na_worker_event(t, NA_EVENT_EVALUATION);
  float *kept = keep_statistics(t);
  int code = NA_OK;
  if (kept == NULL && t->net->stats > 0)
    return na_fail_memory(err, t->net->stats * sizeof *kept, "the statistics");
  if (widest) code = measure_one(t, t->widest, tasks[1], &event.augmented_val, err);
  if (code == NA_OK && base) code = measure_one(t, t->base_widths, tasks[0], &event.base_val, err);
  put_back(t, kept);
  if (code == NA_OK) publish(t, &event, false);
  return code;
}

static void format_result(char out[64], const char *what, const na_result *result)
{
  out[0] = '\0';
  if (result->images > 0)
    snprintf(out, 64, ", %s %.2f%% (%.4f)", what, 100 * result->top1, result->loss);
}

static void log_epoch(na_trainer *t, const na_event *event)
{
  char words[4][64], line[512];
  format_result(words[0], "base", &event->base);
  format_result(words[1], "augmented", &event->augmented);
  format_result(words[2], "base validation", &event->base_val);
  format_result(words[3], "widest validation", &event->augmented_val);
  snprintf(line, sizeof line, "epoch %d of %d%s%s%s%s%s", event->epoch, event->epochs, words[0],
           words[1], words[2], words[3], event->best ? ", best" : "");
  na_recorder_log(t->recorder, line);
}

/* Best first: whoever resumes from last.h5 knows of it. */
static int save_epoch(na_trainer *t, bool best, na_error *err)
{
  char name[32];
  int code = best ? save(t, "best.h5", NULL, err) : NA_OK;
  if (code == NA_OK) code = save(t, "last.h5", NULL, err);
  t->saved = code == NA_OK;
  if (code != NA_OK || t->train.save_every == 0 || t->epoch % t->train.save_every != 0) return code;
  snprintf(name, sizeof name, "epoch-%04d.h5", t->epoch);
  code = save(t, name, NULL, err);
  if (code == NA_OK) na_recorder_keep(t->recorder, t->train.keep);
  return code;
}

static int publish_epoch(na_trainer *t, bool best, na_error *err)
{
  na_event event = na_worker_event(t, NA_EVENT_EPOCH);
  event.base = na_result_of(&t->base);
  event.augmented = na_result_of(&t->augmented);
  event.base_val = t->base_val;
  event.augmented_val = t->augmented_val;
  event.best = best;
  log_epoch(t, &event);
  t->base = t->augmented = (na_scores){0};
  int code = na_recorder_epoch(t->recorder, &event, err);
  publish(t, &event, t->hold_epoch);
  return code;
}

/* A recording that fails must not end the training. */
static void record_epoch(na_trainer *t)
{
  na_error err = {0};
  if (na_record_due(t) && na_record_now(t, &t->record, &err) != NA_OK)
    na_worker_tell(t, "activations were not recorded: %.400s", err.message);
}

/* After the last batch of an epoch: evaluation, the EPOCH event, checkpoints. They come last, so
 * that they hold what hooks made of the epoch. A stop during the evaluation leaves the epoch at its
 * last batch: going on from there evaluates it again. */
static int finish_epoch(na_trainer *t, na_error *err)
{
  double began = na_now();
  na_worker_flush(t);
  t->epoch++;
  t->batch = 0;
  bool due = t->epoch % t->train.eval_every == 0 || t->epoch == total_epochs(t);
  int code = assess(t, due, err);
  if (code != NA_OK) {
    t->epoch--;
    t->batch = t->data->batches;
    return code;
  }
  t->begun = false;
  bool best = t->base_val.images > 0 && (t->best.images == 0 || t->base_val.top1 > t->best.top1);
  if (best) t->best = t->base_val;
  code = publish_epoch(t, best, err);
  if (code == NA_OK) record_epoch(t);
  if (code == NA_OK) code = save_epoch(t, best, err);
  if (due) t->clock.evaluation = na_now() - began;
  return code;
}

/* ------------------------------------------------------------------------------------- steps */

static na_sampling sampling_of(na_phase phase)
{
  if (phase == NA_PHASE_MIN_W) return NA_SAMPLE_MIN_W;
  return phase == NA_PHASE_MIN_E ? NA_SAMPLE_MIN_E : NA_SAMPLE_RANDOM;
}

/* Sub-networks of this step's phase; draws their widths. Those after the first have sequences of
 * their own: the first is the same however many there are. */
static int draw(na_trainer *t)
{
  enum { FURTHER = 16 };
  if (t->phase == NA_PHASE_PLAIN || t->phase == NA_PHASE_OFF) return 0;
  for (int i = 0; i < t->train.networks; i++) {
    na_random further = na_random_at((uint64_t)t->train.seed, (uint64_t)t->step,
                                     (uint64_t)(FURTHER + i));
    na_net_sample(t->net, sampling_of(t->phase), i == 0 ? &t->draws : &further, t->choices[i]);
    na_net_widths(t->net, t->choices[i], t->widths[i]);
  }
  return t->train.networks;
}

/* Completes the message of a loss that is not finite: which step, which layer. */
static int explain_nan(na_trainer *t, na_error *err)
{
  na_error cause = *err;
  int culprit = na_workspace_culprit(t->workspace);
  na_error_clear(err);
  if (culprit < 0)
    return na_fail(err, NA_ENAN, "%.200s at step %ld (epoch %d), though every layer's output is",
                   cause.message, t->step, t->epoch + 1);
  return na_fail(err, NA_ENAN, "%.200s at step %ld (epoch %d): first in the output of layer %s",
                 cause.message, t->step, t->epoch + 1, t->net->layers[culprit].name);
}

/* An activation such as relu6 turns "not a number" into 0, so a loss may look well while the
 * network is lost. The running statistics, which every pass updates, keep what the activations
 * hide. */
static int check_statistics(const na_trainer *t, na_error *err)
{
  const na_net *net = t->net;
  int bad = na_finite_check(net->running, net->stats, net->buffers, net->buffer_count);
  for (int i = 0; bad >= 0 && i < net->layer_count; i++)
    if (net->layers[i].mean == bad || net->layers[i].var == bad)
      return na_fail(err, NA_ENAN,
                     "the statistics of a batch are not finite at step %ld (epoch %d): first "
                     "those of layer %s",
                     t->step, t->epoch + 1, net->layers[i].name);
  return NA_OK;
}

static void add_scores(na_scores *sum, const na_scores *more)
{
  sum->loss += more->loss;
  sum->top1 += more->top1;
  sum->top5 += more->top5;
  sum->images += more->images;
}

static int publish_step(na_trainer *t, double lr, const na_scores *base, const na_scores *augmented,
                        na_error *err)
{
  na_event event = na_worker_event(t, NA_EVENT_STEP);
  event.lr = lr;
  event.merged = 1;
  event.base = na_result_of(base);
  event.augmented = na_result_of(augmented);
  int code = na_recorder_step(t->recorder, &event, err);
  publish(t, &event, t->hold_step);
  return code;
}

static void smooth(double *value, double sample, bool first)
{
  *value = first ? sample : *value + SMOOTHING * (sample - *value);
}

static void measure(na_clock *clock, double waited, double spent, int images)
{
  bool first = !(clock->step > 0);
  smooth(&clock->step, waited + spent, first);
  smooth(&clock->wait, waited, first);
  smooth(&clock->images, images, first);
}

/* What the teacher says of the batch goes into the losses that follow. */
static int ask_teacher(na_trainer *t, const na_batch *batch, na_error *err)
{
  const na_teaching *teaching;
  if (t->teacher == NULL) return NA_OK;
  int code = na_teacher_ask(t->teacher, batch, &teaching, err);
  if (code == NA_OK) na_workspace_teach(t->workspace, teaching);
  return code;
}

static int accumulate_networks(na_trainer *t, const na_batch *batch, int networks, uint64_t dropout,
                               na_scores *augmented, na_error *err)
{
  int code = NA_OK;
  if (!t->teaches_augmented) na_workspace_teach(t->workspace, NULL);
  for (int i = 0; i < networks && code == NA_OK; i++) {
    na_scores one = {0};
    code = na_accumulate_network(t->workspace, batch, t->widths[i], i, t->train.alpha,
                                 t->train.label_smoothing, dropout, &one, err);
    if (code != NA_OK) break;
    add_scores(augmented, &one);
    na_draws_add(t, t->choices[i], t->widths[i], one.loss / (double)one.images);
  }
  return code;
}

/* The gradients of the base and of the step's sub-networks. */
static int accumulate(na_trainer *t, const na_batch *batch, na_scores *base, na_scores *augmented,
                      na_error *err)
{
  int networks = draw(t);
  uint64_t dropout = na_random_at((uint64_t)t->train.seed, (uint64_t)t->step, 2).key;
  na_workspace_drop_share(t->workspace, na_drop_share(&t->train, t->step, t->steps));
  na_workspace_precision(t->workspace, (na_precision)t->train.precision);
  int code = ask_teacher(t, batch, err);
  if (code == NA_OK)
    code = na_accumulate_base(t->workspace, batch, t->base_widths, t->train.label_smoothing, dropout,
                              base, err);
  if (code == NA_OK && networks > 0) na_agreement_between(t);
  if (code == NA_OK) code = accumulate_networks(t, batch, networks, dropout, augmented, err);
  if (code == NA_OK && networks > 0) na_agreement_after(t);
  na_workspace_teach(t->workspace, NULL); /* evaluations measure labels alone */
  return code;
}

static int run_step(na_trainer *t, const na_batch *batch, double waited, na_error *err)
{
  double began = na_now(), lr = learning_rate(t);
  na_scores base = {0}, augmented = {0};
  int code = accumulate(t, batch, &base, &augmented, err);
  if (code == NA_ENAN) return explain_nan(t, err);
  if (code == NA_OK) code = check_statistics(t, err);
  if (code != NA_OK) return code;
  na_sgd(t->net, t->team, lr, t->train.momentum, t->train.nesterov, t->train.weight_decay);
  t->step++;
  t->batch++;
  t->saved = false;
  na_steer_stepped(t);
  add_scores(&t->base, &base);
  add_scores(&t->augmented, &augmented);
  measure(&t->clock, waited, na_now() - began, batch->count);
  return publish_step(t, lr, &base, &augmented, err);
}

/* What an epoch begins with, once. */
static int begin_epoch(na_trainer *t, na_error *err)
{
  na_phase phase = na_phase_at(&t->train, t->epoch);
  int code = NA_OK;
  if (t->epoch == 0 || phase != t->phase) {
    t->phase = phase;
    na_worker_tell(t, "phase %s from epoch %d", na_phase_name(phase), t->epoch + 1);
  }
  if (phase == NA_PHASE_RANDOM && t->train.sort)
    code = na_net_sort_channels(t->net, t->train.sort_momentum, err);
  t->begun = code == NA_OK;
  return code;
}

/* Long epochs leave something behind, too. */
static int save_sometimes(na_trainer *t, na_error *err)
{
  double minutes = t->train.save_minutes;
  if (t->recorder == NULL || minutes <= 0 || na_now() - t->clock.saved < 60 * minutes) return NA_OK;
  return na_worker_save_within(t, "last.h5", err);
}

static int run_epoch(na_trainer *t, na_error *err)
{
  int code = t->begun ? NA_OK : begin_epoch(t, err);
  if (code == NA_OK) code = t->data->start(t->data, (uint64_t)t->epoch, t->batch, err);
  while (code == NA_OK) {
    const na_batch *batch;
    na_steer_boundary(t);
    if (stopping(t)) return na_fail(err, NA_ESTOPPED, "stopped after step %ld", t->step);
    code = save_sometimes(t, err);
    if (code != NA_OK) return code;
    double asked = na_now();
    int got = t->data->next(t->data, &batch, err);
    if (got != 1) return got;
    code = run_step(t, batch, na_now() - asked, err);
  }
  return code;
}

/* --------------------------------------------------------------------------------- the whole */

static void begin(na_trainer *t)
{
  t->clock.saved = na_now();
  t->clock.started = t->clock.saved - t->earlier;
  t->net->bn_momentum = t->train.bn_momentum;
  if (!t->resumed) t->phase = na_phase_at(&t->train, 0);
  na_event event = na_worker_event(t, NA_EVENT_START);
  publish(t, &event, false);
  tell_network(t);
  if (t->resumed) na_worker_tell(t, "going on after step %ld of %ld", t->step, t->steps);
  if (augmenting(t) && t->calibration == NULL)
    na_worker_tell(t,
                   "no re-estimation: validation uses running statistics of mixed widths, and the "
                   "widest network is not validated");
}

/* A checkpoint between two steps. Its statistics are re-estimated too, on few images: whoever asks
 * for it is waiting. They stay in the net if the training ends here. */
static int save_between(na_trainer *t, const char *name, bool ends, na_error *err)
{
  if (!augmenting(t) || t->calibration == NULL || t->recorder == NULL)
    return save(t, name, NULL, err);
  float *kept = keep_statistics(t);
  if (kept == NULL && t->net->stats > 0)
    return na_fail_memory(err, t->net->stats * sizeof *kept, "the statistics");
  int code =
      na_recalibrate_on(t->workspace, t->base_widths, t->calibration, STOPPED_IMAGES, NULL, err);
  if (code == NA_OK) code = save(t, name, kept, err);
  if (ends && code == NA_OK)
    na_free(kept);
  else
    put_back(t, kept);
  return code;
}

int na_worker_save_within(na_trainer *t, const char *name, na_error *err)
{
  return save_between(t, name, false, err);
}

/* Turns an early end into its code and message. Weights that gave no finite loss are not worth
 * keeping; else the state is saved, and a stop that cannot save is an error. */
static int end_early(na_trainer *t, int code, na_error *err)
{
  na_error trouble = {0};
  int saved = NA_OK;
  na_steer_ended(t);
  if (code != NA_ENAN && !t->saved) saved = save_between(t, "last.h5", true, &trouble);
  if (code == NA_ESTOPPED) {
    na_error_clear(err);
    na_fail(err, code, "stopped after step %ld of %ld", t->step, t->steps);
  }
  if (code == NA_ESTOPPED && saved != NA_OK) {
    *err = trouble;
    na_error_prefix(err, "stopped, but the state could not be saved");
    return saved;
  }
  const char *last = na_recorder_last(t->recorder);
  if (last != NULL)
    na_hint(err, "%sthe last good checkpoint is %.180s",
            code == NA_ENAN ? "use a lower learning rate; " : "", last);
  else if (code == NA_ENAN)
    na_hint(err, "use a lower learning rate; there is no checkpoint yet");
  return code;
}

static int train(na_trainer *t, na_error *err)
{
  int code = NA_OK;
  begin(t);
  while (code == NA_OK && (t->epoch < total_epochs(t) || na_steer_extends(t))) {
    code = run_epoch(t, err);
    if (code == NA_OK) code = finish_epoch(t, err);
    if (code == NA_OK && t->steer.stop_epoch && t->epoch < total_epochs(t))
      code = na_fail(err, NA_ESTOPPED, "stopped after epoch %d", t->epoch);
  }
  if (code != NA_OK) return end_early(t, code, err);
  na_steer_ended(t);
  return NA_OK;
}

/* How it ended: the last line of the log, by which others know a run's state. */
static void log_end(na_trainer *t)
{
  char line[sizeof t->error.message + 16];
  snprintf(line, sizeof line, "failed: %s", t->error.message);
  if (t->code == NA_OK) na_recorder_log(t->recorder, "done");
  else na_recorder_log(t->recorder, t->code == NA_ESTOPPED ? t->error.message : line);
}

/* Closes the run's files: only then is all of it known to be on disk. */
static void finish(na_trainer *t)
{
  log_end(t);
  int code = na_recorder_free(t->recorder, &t->error);
  t->recorder = NULL;
  if (t->code == NA_OK) t->code = code;
}

void *na_trainer_work(void *argument)
{
  na_trainer *t = argument;
  t->code = train(t, &t->error);
  finish(t);
  t->seconds = na_now() - t->clock.started;
  na_event event = na_worker_event(t, NA_EVENT_END);
  event.code = t->code;
  event.base_val = t->base_val;
  event.augmented_val = t->augmented_val;
  snprintf(event.text, sizeof event.text, "%s", t->error.message);
  publish(t, &event, false);
  return NULL;
}
