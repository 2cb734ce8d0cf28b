/* Steering a running training: what is accepted, when it is applied, what it changes and what not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/steer.h"
#include "core/train/trainer_private.h"
#include "tests/trainer_rig.h"

static void command(rig *r, const char *text)
{
  na_error_clear(&err);
  CHECK_OK(na_trainer_command(r->trainer, text, &err), err);
}

/* Reads events until the next STEER. */
static na_event steered(rig *r)
{
  return await(r->trainer, NA_EVENT_STEER);
}

static void rig_begin(rig *r, bool hold)
{
  rig_start(r);
  na_trainer_hold(r->trainer, hold, false);
  CHECK_OK(na_trainer_start(r->trainer, &err), err);
}

/* ------------------------------------------------------------------------------- as text */

static void commands_as_text(void)
{
  static const char *const good[] = {"pause", "step 3", "set train.lr = 0.1; augment.width = 1, 2",
                                     "evaluate widest", "agreement on"};
  na_steering s;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    na_buffer text = {0};
    na_error_clear(&err);
    CHECK_OK(na_steering_read(good[i], &s, &err), err);
    na_steering_write(&s, &text);
    CHECK(strcmp(text.data, good[i]) == 0, "\"%s\" became \"%s\"", good[i], text.data);
    na_free(text.data);
  }
  CHECK_FAILS(na_steering_read("puase", &s, &err), NA_EINVAL, "\"puase\"", err);
  na_steering_read("puase", &s, &err);
  CHECK(strstr(err.hint, "pause") != NULL, "hint \"%s\"", err.hint);
  CHECK_FAILS(na_steering_read("pause now", &s, &err), NA_EINVAL, "takes nothing", err);
  CHECK_FAILS(na_steering_read("", &s, &err), NA_EINVAL, "no command", err);
  for (int kind = 0; kind < NA_STEER_COUNT; kind++)
    CHECK(na_steer_word((na_steer)kind)[0] != '\0' && na_steer_help((na_steer)kind)[0] != '\0',
          "command %d has no words", kind);
}

/* Every refusal names what is wrong; nothing of it is queued. */
static void refusals(void)
{
  static const struct {
    const char *text, *words;
  } bad[] = {
      {"set train.lr = -1", "train.lr takes a number"},
      {"set lr = fast", "train.lr takes a number"},
      {"set train.lrr = 1", "no setting \"lrr\""},
      {"set train.seed = 4", "cannot change in a run: it made the initial weights"},
      {"set threads = 4", "cannot change in a run"},
      {"set data.batch = 4", "cannot change in a run"},
      {"set train.lr", "NAME = VALUE"},
      {"set ", "NAME = VALUE"},
      {"set train.lr = 0.1; alpha = -3", "train.alpha"},
      {"set augment.width = 1, 3", "needs 12 channels, but weights exist for 8"},
      {"set augment.width = 2, 3", "must begin with 1"},
      {"set augment.r = 1.5; augment.width = 1, 2", "both r and a list"},
      {"set s = 2", "give augment.r"},
      {"set train.epochs = 0", "nothing to do"},
      {"set phase = none", "train.phase takes one of"},
      {"step 0", "at least 1"},
      {"step x", "at least 1"},
      {"checkpoint a/b", "cannot be called"},
      {"checkpoint run", "the run's own"},
      {"evaluate both", "takes base, widest or nothing"},
      {"agreement maybe", "takes on or off"},
  };
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  rig_begin(&r, true);
  await(r.trainer, NA_EVENT_STEP);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK_FAILS(na_trainer_command(r.trainer, bad[i].text, &err), NA_EINVAL, bad[i].words, err);
  na_train now;
  na_trainer_settings(r.trainer, &now, NULL);
  CHECK(now.lr == 0.05 && !na_trainer_steered(r.trainer), "a refused command did something");
  int accepted = 0;
  while (na_trainer_command(r.trainer, "resume", NULL) == NA_OK && accepted < 1000) accepted++;
  CHECK(accepted == NA_STEER_QUEUE, "%d commands fit the queue", accepted);
  na_trainer_stop(r.trainer);
  await(r.trainer, NA_EVENT_END);
  CHECK_FAILS(na_trainer_command(r.trainer, "pause", &err), NA_EINVAL, "has ended", err);
  rig_free(&r);
  rig_init(&r, false);
  r.setup.val = NULL;
  rig_begin(&r, true);
  CHECK_FAILS(na_trainer_command(r.trainer, "checkpoint", &err), NA_EINVAL, "no folder", err);
  CHECK_FAILS(na_trainer_command(r.trainer, "evaluate", &err), NA_EINVAL, "no validation", err);
  CHECK_FAILS(na_trainer_command(r.trainer, "set networks = 1", &err), NA_EINVAL, "nothing to draw",
              err);
  na_trainer_stop(r.trainer);
  rig_free(&r);
}

/* ------------------------------------------------------------------------------- control */

static void pause_step_resume(void)
{
  rig r;
  rig_init(&r, true);
  rig_start(&r);
  command(&r, "pause");
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  na_event event = steered(&r);
  CHECK(event.step == 0 && strcmp(event.text, "pause") == 0 && !event.changes, "%ld %s", event.step,
        event.text);
  nap(30);
  CHECK(na_trainer_paused(r.trainer), "it does not wait");
  command(&r, "step 2");
  steered(&r);
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 1, "first step");
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 2, "second step");
  nap(30);
  CHECK(na_trainer_poll(r.trainer, &event, 0) == 0 && na_trainer_paused(r.trainer),
        "two steps were asked for, event %d came", event.kind);
  command(&r, "step");
  steered(&r);
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 3, "third step");
  command(&r, "resume");
  command(&r, "stop_epoch");
  steered(&r);
  CHECK(steered(&r).epoch == 0, "stop_epoch");
  event = await(r.trainer, NA_EVENT_EPOCH);
  CHECK(event.epoch == 1 && event.base_val.images == 90, "the epoch's evaluation");
  event = await(r.trainer, NA_EVENT_END);
  CHECK(event.code == NA_ESTOPPED && event.step == 12, "%d after %ld", event.code, event.step);
  rig_free(&r);
}

/* A stop goes into the log, keeps the state, and can be asked for while paused. */
static void stop_now(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  rig_start(&r);
  command(&r, "step 5");
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  while (await(r.trainer, NA_EVENT_STEP).step < 5) continue;
  command(&r, "stop");
  na_event event = steered(&r);
  CHECK(event.step == 5 && strcmp(event.text, "stop") == 0, "%ld %s", event.step, event.text);
  CHECK(await(r.trainer, NA_EVENT_END).code == NA_ESTOPPED, "not stopped");
  CHECK(access(file_of(&r, "last.h5"), R_OK) == 0, "no checkpoint");
  rig_free(&r);
}

/* -------------------------------------------------------------------------------- changing */

static void changing_settings(void)
{
  rig r;
  na_train now;
  na_augmentation lists;
  rig_init(&r, true);
  r.train.schedule = 1;
  rig_start(&r);
  command(&r, "step 1");
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  CHECK(await(r.trainer, NA_EVENT_STEP).lr == 0.05, "lr before");
  command(&r, "set lr = 0.01; augment.expand = 1, 1.3; networks = 2; phase = min_w");
  command(&r, "step 3");
  na_event event = steered(&r);
  CHECK(event.changes && event.lr == 0.01 && event.phase == NA_PHASE_MIN_W, "event: lr %g",
        event.lr);
  event = await(r.trainer, NA_EVENT_STEP);
  CHECK(event.lr == 0.01 && event.phase == NA_PHASE_MIN_W, "lr %g after", event.lr);
  na_trainer_settings(r.trainer, &now, &lists);
  CHECK(now.networks == 2 && lists.expand.count == 2 && lists.expand.values[1] == 1.3 &&
            lists.width.count == 2,
        "settings in force");
  CHECK(na_trainer_steered(r.trainer), "not called steered");
  command(&r, "set epochs = 1");
  command(&r, "resume");
  do event = steered(&r);
  while (!event.changes && event.kind != NA_EVENT_END);
  CHECK(event.steps == 12, "%ld steps in all", event.steps);
  event = await(r.trainer, NA_EVENT_END);
  CHECK(event.code == NA_OK && event.step == 12, "%s after %ld", event.text, event.step);
  rig_free(&r);
}

/* The weights that a training ends with. */
static float *weights_of(const rig *r)
{
  size_t bytes = r->net->values * sizeof(float);
  float *copy = na_alloc(bytes);
  memcpy(copy, r->net->weights, bytes);
  return copy;
}

/* Looking, waiting and saving change no bit of the result. */
static void watching_changes_nothing(void)
{
  static const char *const commands[] = {"agreement on",  "evaluate",        "checkpoint", "step 3",
                                         "evaluate base", "checkpoint mine", "resume"};
  rig a, b;
  rig_init(&a, true);
  CHECK_OK(rig_run(&a), err);
  rig_init(&b, true);
  rig_folder(&b);
  rig_start(&b);
  na_trainer_hold(b.trainer, true, false);
  CHECK_OK(na_trainer_start(b.trainer, &err), err);
  na_event event;
  int evaluations = 0;
  for (size_t next = 0;;) {
    event = (na_event){.kind = NA_EVENT_END, .code = -100};
    if (na_trainer_poll(b.trainer, &event, 20000) != 1 || event.kind == NA_EVENT_END) break;
    if (event.kind == NA_EVENT_EVALUATION) evaluations++;
    if (event.kind != NA_EVENT_STEP) continue;
    if (next < sizeof commands / sizeof commands[0]) command(&b, commands[next++]);
    if (next == 5) command(&b, commands[next++]), command(&b, commands[next++]);
    na_trainer_continue(b.trainer);
  }
  CHECK(event.code == NA_OK, "%d: %s", event.code, event.text);
  CHECK(evaluations == 2, "%d evaluations", evaluations);
  CHECK(memcmp(a.net->weights, b.net->weights, a.net->values * sizeof(float)) == 0,
        "other weights");
  CHECK(memcmp(a.net->running, b.net->running, a.net->stats * sizeof(float)) == 0,
        "other statistics");
  CHECK(!na_trainer_steered(b.trainer), "nothing was steered");
  CHECK(unlink(file_of(&b, "mine.h5")) == 0, "no checkpoint of that name");
  CHECK(unlink(file_of(&b, "step-00000003.h5")) == 0, "no checkpoint of the step");
  rig_free(&a);
  rig_free(&b);
}

/* A command does what the setting does: a change before the first step is that other training. */
static void a_change_is_a_setting(void)
{
  rig a, b;
  rig_init(&a, true);
  a.train.alpha = 0.5;
  a.train.lr = 0.02;
  CHECK_OK(rig_run(&a), err);
  float *wanted = weights_of(&a);
  rig_init(&b, true);
  rig_start(&b);
  command(&b, "set alpha = 0.5; lr = 0.02");
  CHECK_OK(na_trainer_start(b.trainer, &err), err);
  CHECK(await(b.trainer, NA_EVENT_END).code == NA_OK, "failed");
  CHECK(memcmp(wanted, b.net->weights, a.net->values * sizeof(float)) == 0, "other weights");
  na_free(wanted);
  rig_free(&a);
  rig_free(&b);
}

/* ----------------------------------------------------------------------------------- draws */

static void counting_draws(void)
{
  rig r;
  na_draws draws;
  na_draw dims[DIMS][NA_LIST_MAX];
  rig_init(&r, true);
  r.train.networks = 3;
  r.train.min_w_epochs = 2;
  CHECK_OK(rig_run(&r), err);
  na_trainer_draws(r.trainer, &draws, dims);
  CHECK(draws.networks == 4 * 12 * 3 && draws.since == 0, "%ld networks", draws.networks);
  for (int d = 0; d < r.net->dim_count; d++) {
    double count = 0, expected = 0, loss = 0;
    for (int c = 0; c < NA_LIST_MAX; c++) {
      count += dims[d][c].count;
      expected += dims[d][c].expected;
      loss += dims[d][c].loss;
    }
    bool elastic = r.net->dims[d].kind == NA_DIM_WIDTH || r.net->dims[d].kind == NA_DIM_EXPAND;
    CHECK_NEAR(count, elastic ? 144 : 0, 0, 1, "draws of a dimension");
    CHECK_NEAR(expected, count, 1e-9, 144, "draws expected");
    CHECK(!elastic || (loss > 0 && loss < 144 * 5), "loss %g", loss);
  }
  /* Half of the epochs hold the widths at base. */
  CHECK_NEAR(dims[1][0].expected, 72 + 36, 1e-9, 1, "base width expected");
  CHECK(dims[1][0].count > 72 + 15 && dims[1][1].count > 15, "%g, %g drawn", dims[1][0].count,
        dims[1][1].count);
  double sizes = 0;
  for (int s = 0; s < NA_DRAW_SIZES; s++) sizes += draws.sizes[s].count;
  CHECK(sizes == 144 && draws.sizes[0].count > 0 && draws.sizes[NA_DRAW_SIZES - 1].count > 0,
        "%g by size", sizes);
  rig_free(&r);
}

static void new_lists_count_anew(void)
{
  rig r;
  na_draws draws;
  na_draw dims[DIMS][NA_LIST_MAX];
  rig_init(&r, true);
  rig_start(&r);
  command(&r, "step 4");
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  while (await(r.trainer, NA_EVENT_STEP).step < 4) continue;
  command(&r, "set augment.width = 1, 1.25, 1.5, 1.75");
  command(&r, "step 2");
  steered(&r);
  while (await(r.trainer, NA_EVENT_STEP).step < 6) continue;
  na_trainer_draws(r.trainer, &draws, dims);
  CHECK(draws.since == 4 && draws.networks == 2, "%ld since %ld", draws.networks, draws.since);
  CHECK(dims[1][3].expected == 0.5, "expected %g", dims[1][3].expected);
  rig_free(&r);
}

/* ------------------------------------------------------------------------------- agreement */

/* Against gradients computed one network at a time. */
static void agreement_is_right(void)
{
  rig r;
  rig_init(&r, true);
  na_team *team = NULL;
  na_workspace *workspace = NULL;
  const na_batch *batch = NULL;
  na_agreement layers[DIMS];
  long step = -1;
  drop_nothing(r.net);
  r.train.networks = 2;
  r.train.alpha = 0.5;
  r.train.sort = false;
  rig_start(&r);
  CHECK(na_trainer_agreement(r.trainer, layers, DIMS, &step) == 0, "agreement before it is on");
  command(&r, "agreement on");
  command(&r, "step");
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  CHECK(await(r.trainer, NA_EVENT_STEP).step == 1, "first step");
  int count = na_trainer_agreement(r.trainer, layers, DIMS, &step);
  CHECK(count == 7 && step == 1, "%d layers, step %ld", count, step);

  /* The same step by hand, on the same weights. */
  rig o;
  rig_init(&o, true);
  drop_nothing(o.net);
  na_net_initialize(o.net, NA_INIT_AUTO, (uint64_t)r.train.seed);
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&workspace, o.net, team, BATCH, true, &err), err);
  train_batch(&o, &batch);
  int base[DIMS], choices[DIMS], widths[DIMS];
  size_t n = o.net->values;
  double *g = na_alloc_array(n, sizeof *g), *a = na_alloc_array(n, sizeof *a);
  na_scores scores = {0};
  na_random draws = na_random_at((uint64_t)r.train.seed, 0, 1);
  na_net_base(o.net, base);
  CHECK_OK(na_accumulate_base(workspace, batch, base, 0.1, 7, &scores, &err), err);
  for (size_t k = 0; k < n; k++) g[k] = (double)o.net->grads[k];
  for (int i = 0; i < 2; i++) {
    memset(o.net->grads, 0, n * sizeof(float));
    na_random further = na_random_at((uint64_t)r.train.seed, 0, 16 + (uint64_t)i);
    na_net_sample(o.net, NA_SAMPLE_RANDOM, i == 0 ? &draws : &further, choices);
    na_net_widths(o.net, choices, widths);
    CHECK_OK(na_accumulate_network(workspace, batch, widths, i, 0.5, 0.1, 7, &scores, &err), err);
    for (size_t k = 0; k < n; k++) a[k] += (double)o.net->grads[k];
  }
  for (int i = 0; i < count; i++) {
    const na_layer *l = &o.net->layers[layers[i].layer];
    const int params[] = {l->weight, l->bias, l->gamma, l->beta, l->weight2, l->bias2};
    double ga = 0, gg = 0, aa = 0;
    for (int p = 0; p < 6; p++) {
      if (params[p] < 0) continue;
      const na_param *t = &o.net->params[params[p]];
      int inner = 1, rows = t->out >= 0 ? base[t->out] : t->shape[0];
      for (int d = 2; d < t->rank; d++) inner *= t->shape[d];
      int all = t->rank > 1 ? t->shape[1] : 1, columns = t->in >= 0 ? base[t->in] : all;
      for (int row = 0; row < rows; row++)
        for (int c = 0; c < columns * inner; c++) {
          size_t k = t->offset + (size_t)(row * all * inner + c);
          ga += g[k] * a[k];
          gg += g[k] * g[k];
          aa += a[k] * a[k];
        }
    }
    CHECK_NEAR(layers[i].cosine, ga / sqrt(gg * aa), 1e-4, 1, l->name);
    CHECK_NEAR(layers[i].ratio, sqrt(aa / gg), 1e-4, 1, l->name);
    CHECK(layers[i].mean_cosine == layers[i].cosine, "the first mean");
  }
  command(&r, "agreement off");
  steered(&r);
  CHECK(na_trainer_agreement(r.trainer, layers, DIMS, &step) == 0, "agreement after it is off");
  na_free(g);
  na_free(a);
  na_workspace_free(workspace);
  na_team_free(team);
  rig_free(&o);
  rig_free(&r);
}

int main(void)
{
  RUN(commands_as_text);
  RUN(refusals);
  RUN(pause_step_resume);
  RUN(stop_now);
  RUN(changing_settings);
  RUN(watching_changes_nothing);
  RUN(a_change_is_a_setting);
  RUN(counting_draws);
  RUN(new_lists_count_anew);
  RUN(agreement_is_right);
  return CHECK_EXIT();
}
