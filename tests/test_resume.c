/* Interrupted trainings that go on: the same bits as if never stopped, wherever that was, and clear
 * refusals of what cannot go on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/train/recorder.h"
#include "core/train/steer.h"
#include "tests/trainer_rig.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

enum { STEPS = 48 }; /* of the rig's four epochs */

/* What a run came to: everything that must be equal. */
typedef struct outcome {
  float *weights, *momentum, *running;
  size_t values, stats;
  double *columns[64];
  long rows[64];
  int column_count;
} outcome;

/* Those that do not depend on the clock. */
static const char *const columns[] = {"step/step",
                                      "step/epoch",
                                      "step/lr",
                                      "step/phase",
                                      "step/base_loss",
                                      "step/base_top1",
                                      "step/augmented_loss",
                                      "epoch/step",
                                      "epoch/base_loss",
                                      "epoch/augmented_top1",
                                      "epoch/base_val_loss",
                                      "epoch/base_val_top1",
                                      "epoch/augmented_val_loss",
                                      "epoch/best",
                                      "steering/step",
                                      "steering/epoch",
                                      "steering/changes"};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static float *copy_of(const float *block, size_t count)
{
  float *copy = na_alloc_array(count, sizeof *copy);
  memcpy(copy, block, count * sizeof *copy);
  return copy;
}

static outcome outcome_of(const rig *r)
{
  outcome o = {.values = r->net->values, .stats = r->net->stats};
  o.weights = copy_of(r->net->weights, o.values);
  o.momentum = copy_of(r->net->momentum, o.values);
  o.running = copy_of(r->net->running, o.stats);
  for (int c = 0; c < COLUMNS; c++)
    CHECK_OK(na_metrics_read(file_of(r, "run.h5"), columns[c], &o.columns[c], &o.rows[c], &err),
             err);
  return o;
}

static void outcome_free(outcome *o)
{
  na_free(o->weights);
  na_free(o->momentum);
  na_free(o->running);
  for (int c = 0; c < COLUMNS; c++) na_free(o->columns[c]);
}

static void check_same(const outcome *a, const outcome *b, const char *what)
{
  CHECK(memcmp(a->weights, b->weights, a->values * sizeof(float)) == 0, "%s: weights", what);
  CHECK(memcmp(a->momentum, b->momentum, a->values * sizeof(float)) == 0, "%s: momentum", what);
  CHECK(memcmp(a->running, b->running, a->stats * sizeof(float)) == 0, "%s: statistics", what);
  for (int c = 0; c < COLUMNS; c++) {
    bool same = a->rows[c] == b->rows[c];
    for (long i = 0; same && i < a->rows[c]; i++)
      same = memcmp(&a->columns[c][i], &b->columns[c][i], sizeof(double)) == 0 ||
             (isnan(a->columns[c][i]) && isnan(b->columns[c][i]));
    CHECK(same, "%s: column %s, %ld and %ld rows", what, columns[c], a->rows[c], b->rows[c]);
  }
}

/* A rig with what makes going on hard: several networks, phases, dropout, DropBlock with its
 * schedule, evaluation every other epoch. */
static void rig_hard(rig *r)
{
  rig_init(r, true);
  r->train.networks = 2;
  r->train.min_w_epochs = 1;
  r->train.off_epochs = 1;
  r->train.eval_every = 2;
  rig_folder(r);
}

/* Another trainer, as another process would make it, in the folder of r. */
static void rig_again(rig *r, rig *old, const char *checkpoint)
{
  static char path[128];
  rig_init(r, true);
  r->train = old->train;
  snprintf(r->folder, sizeof r->folder, "%s", old->folder);
  r->setup.folder = r->folder;
  snprintf(path, sizeof path, "%s", checkpoint[0] != '\0' ? file_of(r, checkpoint) : "");
  r->setup.resume = path;
}

/* Frees a rig whose folder goes on to another. */
static void rig_leave(rig *r)
{
  r->folder[0] = '\0';
  rig_free(r);
}

/* Everything in the folder, then the rig. */
static void rig_clear(rig *r)
{
  DIR *folder = opendir(r->folder);
  const struct dirent *entry;
  char path[400];
  na_trainer_free(r->trainer);
  r->trainer = NULL;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", r->folder, entry->d_name);
    if (entry->d_name[0] != '.') unlink(path);
  }
  if (folder != NULL) closedir(folder);
  rig_free(r);
}

static void run_to(rig *r, long step)
{
  rig_start(r);
  if (step > 0) na_trainer_stop_after(r->trainer, step);
  CHECK_OK(na_trainer_start(r->trainer, &err), err);
  na_event end = await(r->trainer, NA_EVENT_END);
  CHECK(end.code == (step > 0 ? NA_ESTOPPED : NA_OK), "ended with %d: %s", end.code, end.text);
  if (step > 0) CHECK(end.step == step, "stopped after %ld", end.step);
}

static outcome uninterrupted(void)
{
  rig r;
  rig_hard(&r);
  run_to(&r, 0);
  outcome o = outcome_of(&r);
  rig_clear(&r);
  return o;
}

/* ------------------------------------------------------------------------------ the same bits */

static void anywhere(void)
{
  static const long places[] = {1, 7, 11, 12, 13, 23, 24, 30, 36, 40, 47};
  outcome whole = uninterrupted();
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    rig first, second;
    char what[32];
    rig_hard(&first);
    run_to(&first, places[i]);
    rig_again(&second, &first, "last.h5");
    rig_leave(&first);
    run_to(&second, 0);
    outcome o = outcome_of(&second);
    snprintf(what, sizeof what, "stopped after %ld", places[i]);
    check_same(&whole, &o, what);
    outcome_free(&o);
    rig_clear(&second);
  }
  outcome_free(&whole);
}

/* Step by step: a new trainer for every single one, with other numbers of threads. */
static void again_and_again(void)
{
  outcome whole = uninterrupted();
  rig r, next;
  rig_hard(&r);
  run_to(&r, 1);
  for (long step = 2; step <= STEPS; step++) {
    rig_again(&next, &r, "last.h5");
    next.train.threads = 1 + (int)(step % 2);
    rig_leave(&r);
    r = next;
    r.setup.net = r.net;
    r.setup.train = &r.train;
    run_to(&r, step < STEPS ? step : 0);
  }
  outcome o = outcome_of(&r);
  check_same(&whole, &o, "in single steps");
  outcome_free(&o);
  rig_clear(&r);
  outcome_free(&whole);
}

/* A stop that cuts an evaluation short leaves it to be done again. */
static void within_an_evaluation(void)
{
  outcome whole = uninterrupted();
  rig first, second;
  rig_hard(&first);
  rig_start(&first);
  CHECK_OK(na_trainer_start(first.trainer, &err), err);
  na_event event;
  do event = await(first.trainer, NA_EVENT_TASK);
  while (event.kind != NA_EVENT_END && strcmp(event.what, "evaluating base") != 0);
  na_trainer_stop(first.trainer);
  while (event.kind != NA_EVENT_END) event = await(first.trainer, NA_EVENT_END);
  rig_again(&second, &first, "last.h5");
  rig_leave(&first);
  if (event.code == NA_ESTOPPED) {
    run_to(&second, 0);
    outcome o = outcome_of(&second);
    check_same(&whole, &o, "stopped in an evaluation");
    outcome_free(&o);
  }
  rig_clear(&second);
  outcome_free(&whole);
}

/* From the beginning, where there is no checkpoint; from a named one; with the metrics lost. */
static void from_other_places(void)
{
  outcome whole = uninterrupted();
  rig first, second;
  rig_hard(&first);
  rig_start(&first);
  na_trainer_stop_after(first.trainer, 20);
  CHECK_OK(na_trainer_command(first.trainer, "step 5", &err), err);
  CHECK_OK(na_trainer_start(first.trainer, &err), err);
  while (await(first.trainer, NA_EVENT_STEP).step < 5) continue;
  CHECK_OK(na_trainer_command(first.trainer, "checkpoint five", &err), err);
  CHECK_OK(na_trainer_command(first.trainer, "resume", &err), err);
  await(first.trainer, NA_EVENT_END);
  rig_again(&second, &first, "");
  rig_leave(&first);
  run_to(&second, 0);
  outcome o = outcome_of(&second);
  check_same(&whole, &o, "from the beginning");
  outcome_free(&o);
  rig third;
  rig_again(&third, &second, "five.h5");
  rig_leave(&second);
  run_to(&third, 0);
  CHECK(memcmp(whole.weights, third.net->weights, whole.values * sizeof(float)) == 0,
        "from a named checkpoint: weights");
  rig fourth;
  rig_again(&fourth, &third, "five.h5");
  unlink(file_of(&third, "run.h5"));
  rig_leave(&third);
  run_to(&fourth, 0);
  CHECK(memcmp(whole.weights, fourth.net->weights, whole.values * sizeof(float)) == 0,
        "without its metrics: weights");
  double *losses;
  long count;
  CHECK_OK(na_metrics_read(file_of(&fourth, "run.h5"), "step/base_loss", &losses, &count, &err),
           err);
  CHECK(count == STEPS && isnan(losses[4]) && losses[5] == whole.columns[4][5],
        "%ld rows after the loss", count);
  na_free(losses);
  rig_clear(&fourth);
  outcome_free(&whole);
}

/* ------------------------------------------------------------------------------- steering */

static const struct {
  long step;
  const char *text;
} script[] = {{3, "set lr = 0.02; alpha = 0.5"},
              {12, "set augment.width = 1, 1.5; augment.expand = 1, 1.2, 1.4, 2"},
              {20, "set phase = min_e; networks = 3; sort = false"},
              {30, "set phase = auto; epochs = 5"}};
enum { SCRIPT = sizeof script / sizeof script[0] };

/* Runs on, steering after the steps of the script, until `stop` (0: to the end). */
static void run_steered(rig *r, long stop)
{
  rig_start(r);
  na_trainer_hold(r->trainer, true, false);
  if (stop > 0) na_trainer_stop_after(r->trainer, stop);
  CHECK_OK(na_trainer_start(r->trainer, &err), err);
  for (;;) {
    na_event event = await(r->trainer, NA_EVENT_STEP);
    if (event.kind == NA_EVENT_END) break;
    for (int i = 0; i < SCRIPT; i++)
      if (script[i].step == event.step)
        CHECK_OK(na_trainer_command(r->trainer, script[i].text, &err), err);
    na_trainer_continue(r->trainer);
  }
}

/* Commands applied and commands still waiting belong to the state. */
static void steered_runs_go_on(void)
{
  static const long places[] = {3, 4, 12, 13, 20, 29, 30, 45};
  rig r;
  rig_hard(&r);
  run_steered(&r, 0);
  outcome whole = outcome_of(&r);
  CHECK(whole.rows[0] == 60 && whole.rows[14] == SCRIPT, "%ld steps, %ld commands", whole.rows[0],
        whole.rows[14]);

  /* Its settings and its log repeat it. */
  na_steer_entry *entries;
  long count;
  rig repeated;
  CHECK_OK(na_replay_read(r.folder, &entries, &count, &err), err);
  rig_hard(&repeated);
  repeated.setup.replay = entries;
  repeated.setup.replay_count = count;
  run_to(&repeated, 0);
  outcome o = outcome_of(&repeated);
  check_same(&whole, &o, "repeated");
  CHECK(na_trainer_steered(repeated.trainer), "a repetition is steered, too");
  outcome_free(&o);
  na_free(entries);
  rig_clear(&repeated);
  rig_clear(&r);

  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    rig first, second;
    char what[40];
    rig_hard(&first);
    run_steered(&first, places[i]);
    rig_again(&second, &first, "last.h5");
    rig_leave(&first);
    run_steered(&second, 0);
    o = outcome_of(&second);
    snprintf(what, sizeof what, "steered, stopped after %ld", places[i]);
    check_same(&whole, &o, what);
    CHECK(na_trainer_steered(second.trainer), "%s: forgot that it is steered", what);
    outcome_free(&o);
    rig_clear(&second);
  }
  outcome_free(&whole);
}

/* A finished run is made longer. */
static void longer_than_planned(void)
{
  rig a, b, c;
  rig_hard(&a);
  a.train.schedule = a.train.dropblock_schedule = 1;
  a.train.min_w_epochs = a.train.off_epochs = 0;
  run_to(&a, 0);
  rig_again(&b, &a, "last.h5");
  rig_leave(&a);
  rig_start(&b);
  CHECK_OK(na_trainer_command(b.trainer, "set epochs = 6", &err), err);
  CHECK_OK(na_trainer_start(b.trainer, &err), err);
  na_event end = await(b.trainer, NA_EVENT_END);
  CHECK(end.code == NA_OK && end.step == 72, "%s after %ld", end.text, end.step);
  rig_hard(&c);
  c.train.schedule = c.train.dropblock_schedule = 1;
  c.train.min_w_epochs = c.train.off_epochs = 0;
  c.train.epochs = 6;
  run_to(&c, 0);
  CHECK(memcmp(c.net->weights, b.net->weights, c.net->values * sizeof(float)) == 0,
        "other weights");
  rig_clear(&b);
  rig_clear(&c);
}

/* Counts of draws and what scripts keep. */
static void the_rest_of_the_state(void)
{
  rig a, b, c;
  na_draws draws[2];
  na_draw dims[2][DIMS][NA_LIST_MAX];
  rig_hard(&a);
  run_to(&a, 0);
  na_trainer_draws(a.trainer, &draws[0], dims[0]);
  rig_hard(&b);
  rig_start(&b);
  CHECK_OK(na_trainer_keep(b.trainer, "what \"hooks\" keep\n", &err), err);
  na_trainer_stop_after(b.trainer, 17);
  CHECK_OK(na_trainer_start(b.trainer, &err), err);
  await(b.trainer, NA_EVENT_END);
  rig_again(&c, &b, "last.h5");
  rig_leave(&b);
  rig_start(&c);
  int epoch;
  long step;
  na_trainer_position(c.trainer, &epoch, &step);
  CHECK(epoch == 1 && step == 17, "position %d, %ld", epoch, step);
  CHECK(na_trainer_kept(c.trainer) != NULL &&
            strcmp(na_trainer_kept(c.trainer), "what \"hooks\" keep\n") == 0,
        "kept: %s", na_trainer_kept(c.trainer));
  CHECK_OK(na_trainer_start(c.trainer, &err), err);
  await(c.trainer, NA_EVENT_END);
  na_trainer_draws(c.trainer, &draws[1], dims[1]);
  CHECK(draws[0].networks == draws[1].networks && draws[0].since == draws[1].since, "%ld, %ld",
        draws[0].networks, draws[1].networks);
  CHECK(memcmp(dims[0], dims[1], (size_t)a.net->dim_count * sizeof dims[0][0]) == 0, "draws");
  rig_clear(&a);
  rig_clear(&c);
}

/* ------------------------------------------------------------------------------- checkpoints */

static void keeping_checkpoints(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  r.train.epochs = 7;
  r.train.save_every = 2;
  r.train.keep = 2;
  run_to(&r, 0);
  CHECK(access(file_of(&r, "epoch-0002.h5"), F_OK) != 0, "the oldest is still there");
  CHECK(access(file_of(&r, "epoch-0004.h5"), F_OK) == 0, "no checkpoint of epoch 4");
  CHECK(access(file_of(&r, "epoch-0006.h5"), F_OK) == 0, "no checkpoint of epoch 6");
  CHECK(access(file_of(&r, "epoch-0007.h5"), F_OK) != 0, "a checkpoint of epoch 7");
  rig_clear(&r);
}

/* Within an epoch last.h5 is written by the clock, and changes no bit. */
static void saving_by_the_clock(void)
{
  outcome whole = uninterrupted();
  rig r;
  rig_hard(&r);
  r.train.save_minutes = 1e-9;
  run_to(&r, 0);
  outcome o = outcome_of(&r);
  check_same(&whole, &o, "saving after every step");
  outcome_free(&o);
  rig_clear(&r);
  outcome_free(&whole);
}

/* ------------------------------------------------------------------------------- refusals */

/* Makes the trainer fail with words; leaves the folder's checkpoint as it was. */
static void check_refused(rig *r, int code, const char *words)
{
  na_trainer *none = NULL;
  CHECK_FAILS(na_trainer_new(&none, &r->setup, &err), code, words, err);
  CHECK(none == NULL, "a trainer nevertheless");
}

static void refusals(void)
{
  rig r, again;
  rig_hard(&r);
  run_to(&r, 17);
  na_trainer_free(r.trainer);
  r.trainer = NULL;
  r.setup.resume = NULL;
  check_refused(&r, NA_EINVAL, "holds a run already");

  rig_again(&again, &r, "last.h5");
  na_source_free(again.data);
  again.data = again.setup.data = synthetic_new(1, IMAGES / 2, 3, SIZE, CLASSES, BATCH, false);
  check_refused(&again, NA_EFORMAT, "where this data has no step");
  rig_leave(&again);

  rig_again(&again, &r, "last.h5");
  na_net_free(again.net);
  again.net = make_net(false);
  again.setup.net = again.net;
  check_refused(&again, NA_ESHAPE, "last.h5");
  rig_leave(&again);

  /* Only a layer's stride differs: no shape of a tensor tells. */
  rig_again(&again, &r, "last.h5");
  again.net->layers[7].act = NA_ACT_IDENTITY;
  check_refused(&again, NA_ESHAPE, "another network");
  rig_leave(&again);

  rig_again(&again, &r, "none.h5");
  check_refused(&again, NA_EIO, "none.h5");
  rig_leave(&again);
  rig_again(&again, &r, "run.h5");
  check_refused(&again, NA_EFORMAT, "not a netaug checkpoint");
  rig_leave(&again);

  /* Weights alone are not enough. */
  na_checkpoint state = {.epoch = 1};
  CHECK_OK(na_checkpoint_save(file_of(&r, "bare.h5"), r.net, &state, false, &err), err);
  rig_again(&again, &r, "bare.h5");
  check_refused(&again, NA_EUNSUPPORTED, "does not hold all");
  rig_leave(&again);

  /* After all of that it still goes on. */
  rig_again(&again, &r, "last.h5");
  rig_leave(&r);
  run_to(&again, 0);
  rig_clear(&again);
}

/* Another process that trains in the folder is noticed, and its end, however it ended. */
static void one_process_at_a_time(void)
{
  rig r;
  int ready[2], status;
  rig_init(&r, true);
  rig_folder(&r);
  CHECK(pipe(ready) == 0, "no pipe");
  pid_t child = fork();
  if (child == 0) {
    na_recorder *recorder;
    if (na_recorder_new(&recorder, r.folder, true, NULL) != NA_OK) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(2);
    for (;;) pause();
  }
  char byte;
  CHECK(read(ready[0], &byte, 1) == 1, "the other process did not start");
  CHECK(na_run_is_live(r.folder), "it is not called live");
  char holder[64];
  snprintf(holder, sizeof holder, "process %ld on ", (long)child);
  check_refused(&r, NA_EINVAL, holder);
  check_refused(&r, NA_EINVAL, " trains in ");
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  CHECK(!na_run_is_live(r.folder), "still called live");
  close(ready[0]);
  close(ready[1]);
  run_to(&r, 0);
  rig_clear(&r);
}

int main(void)
{
  RUN(one_process_at_a_time); /* first: the child must not inherit threads */
  RUN(anywhere);
  RUN(again_and_again);
  RUN(within_an_evaluation);
  RUN(from_other_places);
  RUN(steered_runs_go_on);
  RUN(longer_than_planned);
  RUN(the_rest_of_the_state);
  RUN(keeping_checkpoints);
  RUN(saving_by_the_clock);
  RUN(refusals);
  return CHECK_EXIT();
}
