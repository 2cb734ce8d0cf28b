/* The parts of training that need no network: settings, schedule, phases, events, the optimizer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/ring.h"
#include "core/train/trainer_private.h"
#include "tests/check.h"
#include "tests/zoo.h"

#include <pthread.h>

static na_error err;

static na_train defaults(void)
{
  na_train train;
  na_settings_init(&na_train_settings, &train);
  return train;
}

/* -------------------------------------------------------------------------------- settings */

static void defaults_are_the_papers(void)
{
  na_train t = defaults();
  CHECK(t.epochs == 150 && t.warmup == 5 && t.lr == 0.025 && t.workers == 1, "schedule");
  CHECK(t.schedule == NA_SCHEDULE_COSINE && t.momentum == 0.9 && t.nesterov, "optimizer");
  CHECK(t.weight_decay == 4e-5 && t.label_smoothing == 0.1 && t.alpha == 1 && t.networks == 1,
        "loss");
  CHECK(t.min_w_epochs == -1 && t.min_e_epochs == 0 && t.off_epochs == 0, "phases");
  CHECK(t.sort && t.sort_momentum && t.init == NA_INIT_AUTO && t.bn_momentum == 0.1, "net");
  CHECK(t.calibrate == 16000 && t.eval_every == 1 && t.eval_augmented && t.seed == 0 &&
            t.threads == 0,
        "evaluation");
}

static void choices_follow_their_enums(void)
{
  na_train t = defaults();
#define INIT_WORD(symbol, name, help)                                                              \
  CHECK_OK(na_settings_parse(&na_train_settings, &t, "init", name, &err), err);                    \
  CHECK(t.init == NA_INIT_##symbol, "init %s is %d", name, t.init);
  NA_INITS(INIT_WORD)
  CHECK_OK(na_settings_parse(&na_train_settings, &t, "schedule", "constant", &err), err);
  CHECK(t.schedule == NA_SCHEDULE_CONSTANT, "constant is %d", t.schedule);
}

static void settings_are_checked(void)
{
  na_train t = defaults();
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "lrr", "1", &err), NA_EINVAL, "lr", err);
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "lr", "-1", &err), NA_EINVAL, "train.lr",
              err);
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "epochs", "1.5", &err), NA_EINVAL, "whole",
              err);
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "networks", "65", &err), NA_EINVAL, "64",
              err);
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "init", "zero", &err), NA_EINVAL, "normal",
              err);
  CHECK_FAILS(na_settings_parse(&na_train_settings, &t, "eval_every", "0", &err), NA_EINVAL, "1",
              err);
}

/* -------------------------------------------------------------------------------- schedule */

static void learning_rates(void)
{
  na_train t = defaults();
  t.workers = 4;
  long per_epoch = 100, warm = 5 * per_epoch, main_steps = 150 * per_epoch;
  CHECK_NEAR(na_learning_rate(&t, 0, per_epoch), 0.025, 1e-12, 1, "first step");
  CHECK_NEAR(na_learning_rate(&t, warm / 2, per_epoch), 0.0625, 1e-12, 1, "half of warm-up");
  CHECK_NEAR(na_learning_rate(&t, warm, per_epoch), 0.1, 1e-12, 1, "end of warm-up");
  CHECK_NEAR(na_learning_rate(&t, warm + main_steps / 3, per_epoch), 0.075, 1e-12, 1, "a third");
  CHECK_NEAR(na_learning_rate(&t, warm + main_steps / 2, per_epoch), 0.05, 1e-12, 1, "half");
  CHECK_NEAR(na_learning_rate(&t, warm + main_steps, per_epoch), 0, 1e-12, 1, "end");
  double last = na_learning_rate(&t, warm + main_steps - 1, per_epoch);
  CHECK(last > 0 && last < 1e-6, "last step %g", last);
  t.schedule = NA_SCHEDULE_CONSTANT;
  CHECK_NEAR(na_learning_rate(&t, warm + main_steps / 2, per_epoch), 0.1, 1e-12, 1, "constant");
  t.epochs = 0;
  CHECK_NEAR(na_learning_rate(&t, warm / 2, per_epoch), 0.0625, 1e-12, 1, "nothing but warm-up");
  na_train grows = t;
  grows.schedule = NA_SCHEDULE_EXPONENTIAL;
  grows.lr_end = 2.5;
  grows.epochs = 2;
  CHECK_NEAR(na_learning_rate(&grows, warm + per_epoch, per_epoch), 1, 1e-12, 1, "half of the way");
  CHECK_NEAR(na_learning_rate(&grows, warm + 2 * per_epoch, per_epoch), 10, 1e-12, 1, "lr_end");
}

static void phases(void)
{
  na_train t = defaults();
  CHECK(na_phase_at(&t, 0) == NA_PHASE_RANDOM && na_phase_at(&t, 79) == NA_PHASE_RANDOM,
        "80 random");
  CHECK(na_phase_at(&t, 80) == NA_PHASE_MIN_W && na_phase_at(&t, 154) == NA_PHASE_MIN_W,
        "75 min_w");
  t.epochs = 20;
  t.warmup = 0;
  CHECK(na_phase_at(&t, 9) == NA_PHASE_RANDOM && na_phase_at(&t, 10) == NA_PHASE_MIN_W,
        "in proportion");
  t.min_w_epochs = 3;
  t.min_e_epochs = 2;
  t.off_epochs = 1;
  static const na_phase last[] = {NA_PHASE_RANDOM, NA_PHASE_MIN_W, NA_PHASE_MIN_W, NA_PHASE_MIN_W,
                                  NA_PHASE_MIN_E,  NA_PHASE_MIN_E, NA_PHASE_OFF};
  for (int e = 13; e < 20; e++)
    CHECK(na_phase_at(&t, e) == last[e - 13], "epoch %d is %s", e,
          na_phase_name(na_phase_at(&t, e)));
  t.min_w_epochs = -1;
  t.off_epochs = 19;
  CHECK(na_min_w_epochs(&t) == 0, "no room left, but min_w takes %d", na_min_w_epochs(&t));
  t.networks = 0;
  CHECK(na_phase_at(&t, 0) == NA_PHASE_PLAIN, "plain");
}

/* ---------------------------------------------------------------------------------- events */

static na_event step_event(long step)
{
  return (na_event){.kind = NA_EVENT_STEP,
                    .step = step,
                    .merged = 1,
                    .base = {.loss = (double)step, .top1 = 0.5, .top5 = 1, .images = 10},
                    .augmented = {.loss = 2.0 * (double)step, .images = step % 2 == 0 ? 10 : 0}};
}

static void merging_weighs_by_images(void)
{
  na_event a = step_event(1), b = step_event(4);
  b.base.images = 30;
  na_event_merge(&a, &b);
  CHECK(a.step == 4 && a.merged == 2, "step %ld of %d", a.step, a.merged);
  CHECK_NEAR(a.base.loss, (1 * 10 + 4 * 30) / 40.0, 1e-12, 1, "base loss");
  CHECK(a.base.images == 40 && a.augmented.images == 10, "images");
  CHECK_NEAR(a.augmented.loss, 8, 1e-12, 1, "augmented loss: of step 4 alone");
}

static void a_slow_reader_loses_no_sum(void)
{
  na_ring *ring = NULL;
  na_error_clear(&err);
  CHECK_OK(na_ring_new(&ring, 16, &err), err);
  double sum = 0;
  na_event event;
  for (long step = 1; step <= 1000; step++) {
    event = step_event(step);
    sum += event.base.loss * (double)event.base.images;
    na_ring_push(ring, &event);
    if (step % 250 != 0) continue;
    event = (na_event){.kind = NA_EVENT_EPOCH, .epoch = (int)(step / 250)};
    na_ring_push(ring, &event);
  }
  event = (na_event){.kind = NA_EVENT_END};
  na_ring_push(ring, &event);
  int steps = 0, epochs = 0, order = 0, ends = 0;
  long images = 0;
  while (na_ring_poll(ring, &event, 0) == 1) {
    ends += event.kind == NA_EVENT_END;
    if (event.kind == NA_EVENT_EPOCH)
      CHECK(event.epoch == ++epochs && steps == 250 * epochs, "epoch %d", event.epoch);
    if (event.kind != NA_EVENT_STEP) continue;
    CHECK(event.step > order, "step %ld after %d", event.step, order);
    order = (int)event.step;
    steps += event.merged;
    images += event.base.images;
    sum -= event.base.loss * (double)event.base.images;
  }
  CHECK(steps == 1000 && images == 10000 && epochs == 4 && ends == 1,
        "%d steps, %ld images, %d epochs, %d ends", steps, images, epochs, ends);
  CHECK_NEAR(sum, 0, 1e-6, 1, "what is lost of the losses");
  CHECK(na_ring_poll(ring, &event, 10000) == 0, "an event after the end");
  na_ring_free(ring);
}

enum { KEPT = 300 };

static void *push_epochs(void *ring)
{
  for (int i = 0; i < KEPT; i++) {
    na_event event = {.kind = i < KEPT - 1 ? NA_EVENT_EPOCH : NA_EVENT_END, .epoch = i};
    na_ring_push(ring, &event);
  }
  return NULL;
}

static void epochs_are_waited_for(void)
{
  na_ring *ring = NULL;
  pthread_t thread;
  na_event event;
  CHECK_OK(na_ring_new(&ring, 8, &err), err);
  pthread_create(&thread, NULL, push_epochs, ring);
  int got = 0;
  while (na_ring_poll(ring, &event, 5000) == 1) {
    CHECK(event.epoch == got, "epoch %d instead of %d", event.epoch, got);
    got++;
  }
  CHECK(got == KEPT, "%d events of %d", got, KEPT);
  pthread_join(thread, NULL);
  na_ring_free(ring);
}

static void nobody_reads(void)
{
  na_ring *ring = NULL;
  pthread_t thread;
  na_event event;
  CHECK_OK(na_ring_new(&ring, 8, &err), err);
  pthread_create(&thread, NULL, push_epochs, ring);
  na_ring_abandon(ring);
  pthread_join(thread, NULL); /* hangs if pushing still waits */
  int got = 0;
  for (; na_ring_poll(ring, &event, 0) == 1; got++)
    CHECK(event.epoch == KEPT - 8 + got, "epoch %d", event.epoch);
  CHECK(got == 8 && event.kind == NA_EVENT_END, "%d events left", got);
  na_ring_free(ring);
}

static void progress_is_replaced(void)
{
  na_ring *ring = NULL;
  static const char *const what[] = {"one", "two"};
  na_event event;
  CHECK_OK(na_ring_new(&ring, 8, &err), err);
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < 100; i++) {
      event = (na_event){.kind = NA_EVENT_TASK, .what = what[k], .done = i};
      na_ring_push(ring, &event);
    }
  long last[2] = {0};
  int got = 0;
  while (na_ring_poll(ring, &event, 0) == 1 && got++ < 9) last[event.what == what[1]] = event.done;
  CHECK(got < 8 && last[0] == 99 && last[1] == 99, "%d events, %ld, %ld", got, last[0], last[1]);
  na_ring_free(ring);
}

/* ------------------------------------------------------------------------------- optimizer */

/* Three steps of every parameter against the formula in double precision. */
static void check_sgd(bool nesterov, int threads)
{
  na_net *net = NULL;
  na_team *team = NULL;
  na_error_clear(&err);
  CHECK_OK(zoo_build(&net, "mobilenetv2-tiny", 64, 10, true, &err), err);
  CHECK_OK(na_team_new(&team, threads, &err), err);
  if (net == NULL || team == NULL) return;
  double *w = na_alloc_array(net->values, sizeof *w), *m = na_alloc_array(net->values, sizeof *m),
         worst = 0;
  for (int i = 0; i < net->param_count; i++)
    for (size_t k = net->params[i].offset; k < net->params[i].offset + net->params[i].count; k++)
      w[k] = net->weights[k] = na_random_symmetric(1, k);
  for (uint64_t step = 0; step < 3; step++) {
    for (int i = 0; i < net->param_count; i++)
      for (size_t k = net->params[i].offset; k < net->params[i].offset + net->params[i].count;
           k++) {
        net->grads[k] = na_random_symmetric(2 + step, k);
        double g = (double)net->grads[k] + (net->params[i].decays ? 0.01 * w[k] : 0);
        m[k] = 0.9 * m[k] + g;
        w[k] -= 0.1 * (nesterov ? g + 0.9 * m[k] : m[k]);
      }
    na_sgd(net, team, 0.1, 0.9, nesterov, 0.01);
  }
  for (size_t k = 0; k < net->values; k++) {
    worst = fmax(worst, fabs(w[k] - (double)net->weights[k]));
    if (net->grads[k] != 0) CHECK(0, "gradient %zu is left over", k);
  }
  CHECK(worst < 1e-6, "off by %g", worst);
  na_free(w);
  na_free(m);
  na_net_free(net);
  na_team_free(team);
}

static void sgd(void)
{
  check_sgd(true, 1);
  check_sgd(false, 1);
  check_sgd(true, 2);
}

int main(void)
{
  RUN(defaults_are_the_papers);
  RUN(choices_follow_their_enums);
  RUN(settings_are_checked);
  RUN(learning_rates);
  RUN(phases);
  RUN(merging_weighs_by_images);
  RUN(a_slow_reader_loses_no_sum);
  RUN(epochs_are_waited_for);
  RUN(nobody_reads);
  RUN(progress_is_replaced);
  RUN(sgd);
  return CHECK_EXIT();
}
