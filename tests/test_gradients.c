/* Gradients of every layer kind at base, random and widest widths: the naive network against finite
 * differences of itself, and the engine against the naive network, every value of every parameter.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "lanes.h"
#include "naive_net.h"
#include "small_nets.h"

#include "core/kernel/naive.h"
#include "core/net/workspace.h"

/* A batch whose values stay this far from every kink is looked for among so many seeds. */
static const double MARGIN = 1e-5;
enum { SEEDS = 30, ENTRIES = 5 };

/* Differences of float32 and double: of the tensor's largest gradient, plus of the net's largest. */
static const double GRADIENT = 5e-5, GRADIENT_OF_ALL = 5e-6;
static const double LOGITS = 1e-5, LOSS = 2e-6, STATISTICS = 1e-5;

/* A naive run whose values are as far from the kinks as can be found. */
static naive_net *run_far_from_kinks(const na_net *net, const int *widths, int count)
{
  naive_net *best = NULL;
  double margin = -1;
  for (uint64_t seed = 1; seed <= SEEDS && margin < MARGIN; seed++) {
    naive_net *run = naive_net_new(net, widths, count, seed);
    run->dropout = true;
    run->step = 77;
    naive_net_forward(run, false);
    double found = naive_net_margin(run);
    if (found > margin) {
      naive_net_free(best);
      best = run;
      margin = found;
    } else naive_net_free(run);
  }
  return best;
}

static double largest_of(const double *values, size_t count)
{
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(values[i]));
  return largest;
}

/* --------------------------------------------------------------- the oracle against itself */

static bool is_active(const na_param *p, size_t at, const int *widths)
{
  size_t row = p->count / (size_t)p->shape[0], taps = p->rank == 4 ? (size_t)(p->shape[2] * p->shape[3]) : 1;
  if (p->out >= 0 && at / row >= (size_t)widths[p->out]) return false;
  return p->rank == 1 || p->in < 0 || at % row / taps < (size_t)widths[p->in];
}

static void check_difference(naive_net *run, const char *net, const na_param *p, size_t at, double scale)
{
  const double h = 1e-6;
  double *value = &run->weights[p->offset + at], kept = *value;
  *value = kept + h;
  double above = naive_net_forward(run, false);
  *value = kept - h;
  double below = naive_net_forward(run, false);
  *value = kept;
  double wanted = (above - below) / (2 * h), got = run->grads[p->offset + at];
  CHECK(fabs(got - wanted) <= 1e-6 * (scale + fabs(wanted)),
        "%s: %s[%zu]: gradient %.9g, finite difference %.9g", net, p->name, at, got, wanted);
}

/* Some active entries of every parameter. */
static void check_differences(const na_net *net, const int *widths, int count)
{
  naive_net *run = run_far_from_kinks(net, widths, count);
  na_random random = na_random_at(5, 6, 7);
  naive_net_backward(run, 1);
  double scale = largest_of(run->grads, net->values);
  for (int i = 0; i < net->param_count; i++) {
    const na_param *p = &net->params[i];
    for (int tries = 0, found = 0; tries < 1000 && found < ENTRIES; tries++) {
      size_t at = na_random_below(&random, (uint32_t)p->count);
      if (!is_active(p, at, widths)) continue;
      check_difference(run, net->name, p, at, scale);
      found++;
    }
  }
  naive_net_free(run);
}

/* ------------------------------------------------------------- the engine against the oracle */

/* The variance of a single value is 0, and its norm multiplies the value's rounding by 1/sqrt(eps), a
 * few hundred: how much wider the tolerances are then. */
static double slack_of(const naive_net *run)
{
  for (int i = 0; i < run->net->layer_count; i++)
    if (run->net->layers[i].norm && run->count * run->values[i].area == 1) return 30;
  return 1;
}

static void check_gradients(const na_net *net, const naive_net *run, const char *what)
{
  double all = largest_of(run->grads, net->values), slack = slack_of(run);
  for (int i = 0; i < net->param_count; i++) {
    const na_param *p = &net->params[i];
    const double *wanted = run->grads + p->offset;
    const float *got = net->grads + p->offset;
    double worst = 0, largest = largest_of(wanted, p->count);
    for (size_t k = 0; k < p->count; k++) {
      if (!is_active(p, k, run->widths))
        CHECK(got[k] == 0, "%s: %s[%zu] is outside the sub-network, but its gradient is %g", what,
              p->name, k, (double)got[k]);
      worst = fmax(worst, fabs((double)got[k] - wanted[k]));
      if (isnan(got[k])) worst = HUGE_VAL;
    }
    CHECK(worst <= slack * (GRADIENT * largest + GRADIENT_OF_ALL * all), "%s: gradient of %s off by %.3g of %.3g",
          what, p->name, worst, largest);
  }
}

static void check_statistics(const na_net *net, const naive_net *run, const char *what)
{
  double worst = 0;
  for (size_t i = 0; i < net->stats; i++)
    worst = fmax(worst, fabs((double)net->running[i] - run->running[i]));
  CHECK(worst <= STATISTICS * largest_of(run->running, net->stats), "%s: running statistics off by %.3g",
        what, worst);
}

static void check_logits(const naive_net *run, const na_workspace *w, const char *what)
{
  size_t count = (size_t)(run->count * run->net->classes);
  const double *wanted = run->values[run->net->layer_count - 1].out;
  float *got = lanes_floats(count);
  double worst = 0;
  na_logits(w, got);
  for (size_t i = 0; i < count; i++) worst = fmax(worst, fabs((double)got[i] - wanted[i]));
  CHECK(worst <= slack_of(run) * LOGITS * largest_of(wanted, count), "%s: logits off by %.3g", what, worst);
  na_free(got);
}

/* The gradients of every layer's output, as the backward pass goes. */
typedef struct watcher {
  const naive_net *run;
  na_workspace *workspace;
  const char *what;
  int seen;
} watcher;

/* The oracle has them by what consumers see: times the activation's slope they are by what it is before. */
static void see_gradient(void *context, int layer)
{
  watcher *x = context;
  const naive_value *v = &x->run->values[layer];
  const na_layer *l = &x->run->net->layers[layer];
  size_t size = (size_t)v->channels * (size_t)v->area, all = (size_t)x->run->count * size;
  double worst = 0, largest = largest_of(v->grad, all);
  float *got = lanes_floats(size);
  na_error err = {0};
  for (int image = 0; image < x->run->count; image++) {
    CHECK_OK(na_gradient_read(x->workspace, layer, image, got, &err), err);
    for (size_t k = 0; k < size; k++) {
      size_t at = (size_t)image * size + k;
      double slope = l->kind == NA_SQUEEZE ? na_naive_act_slope(NA_ACT_HSIGMOID, v->logits[at])
                                           : na_naive_act_slope(l->act, v->lazy[at]);
      double wanted = v->grad[at] * slope;
      worst = fmax(worst, fabs((double)got[k] - wanted));
      if (isnan(got[k])) worst = HUGE_VAL;
    }
  }
  const naive_value *logits = &x->run->values[x->run->net->layer_count - 1];
  double slack = slack_of(x->run), scale = largest_of(logits->grad, (size_t)(x->run->count * x->run->net->classes));
  CHECK(worst <= slack * (GRADIENT * largest + GRADIENT_OF_ALL * scale), "%s: gradient by the output of %s off by %.3g of %.3g",
        x->what, l->name, worst, largest);
  CHECK(na_gradient_read(x->workspace, layer - 1, 0, got, NULL) == NA_EINVAL, "another layer's");
  na_free(got);
  x->seen++;
}

static void check_engine(na_net *net, na_workspace *w, const int *widths, int count, const char *mode)
{
  char what[128];
  na_error err = {0};
  na_scores scores = {0};
  snprintf(what, sizeof what, "%s, %s widths, %d images", net->name, mode, count);
  small_net_fill(net, 1);
  naive_net *run = run_far_from_kinks(net, widths, count);
  double loss = naive_net_forward(run, true);
  naive_net_backward(run, 1.5);
  float *images = naive_net_lanes(run);
  na_batch batch = {.count = count, .blocks = lanes_blocks(count), .images = images,
                    .labels = run->labels};
  memset(net->grads, 0, net->values * sizeof(float));
  na_workspace_keep(w, true);
  CHECK_OK(na_forward(w, widths, NA_MODE_TRAIN, &batch, run->step, &err), err);
  check_logits(run, w, what);
  CHECK_OK(na_loss(w, &batch, run->smoothing, 1.5, &scores, &err), err);
  CHECK_NEAR(scores.loss / count, loss, slack_of(run) * LOSS, fabs(loss), what);
  watcher x = {run, w, what, 0};
  na_workspace_watch(w, see_gradient, &x);
  CHECK_OK(na_backward(w, &err), err);
  na_workspace_watch(w, NULL, NULL);
  CHECK(x.seen == net->layer_count - 1, "%d layers were seen", x.seen);
  check_gradients(net, run, what);
  check_statistics(net, run, what);
  na_free(images);
  naive_net_free(run);
}

/* ------------------------------------------------------------------------------- the loops */

typedef void width_task(na_net *net, void *context, const int *widths, const char *mode);

static void at_widths(na_net *net, width_task *task, void *context)
{
  static const struct { na_sampling sampling; const char *mode; } modes[] = {
      {NA_SAMPLE_BASE, "base"}, {NA_SAMPLE_RANDOM, "random"}, {NA_SAMPLE_WIDEST, "widest"}};
  int *choices = lanes_memory((size_t)net->dim_count, sizeof *choices);
  int *widths = lanes_memory((size_t)net->dim_count, sizeof *widths);
  na_random random = na_random_at(3, (uint64_t)net->layer_count, 0);
  for (int m = 0; m < 3; m++) {
    na_net_sample(net, modes[m].sampling, &random, choices);
    na_net_widths(net, choices, widths);
    task(net, context, widths, modes[m].mode);
  }
  na_free(choices);
  na_free(widths);
}

static void differences_task(na_net *net, void *context, const int *widths, const char *mode)
{
  (void)mode;
  check_differences(net, widths, *(int *)context);
}

static void oracle_by_finite_differences(void)
{
  static const int some_counts[] = {3, 1, 2};
  for (int i = 0; i < small_net_count; i++) {
    int count = some_counts[i % 3];
    na_net *net = small_net_new(&small_nets[i]);
    at_widths(net, differences_task, &count);
    na_net_free(net);
  }
}

static void engine_task(na_net *net, void *context, const int *widths, const char *mode)
{
  static const int counts[] = {1, 7, 16, 19, 33};
  for (int c = 0; c < 5; c++) check_engine(net, context, widths, counts[c], mode);
}

static void engine_against_oracle(void)
{
  na_error err = {0};
  na_team *team;
  CHECK_OK(na_team_new(&team, 2, &err), err);
  for (int i = 0; i < small_net_count; i++) {
    na_net *net = small_net_new(&small_nets[i]);
    na_workspace *w;
    CHECK_OK(na_workspace_new(&w, net, team, 33, true, &err), err);
    at_widths(net, engine_task, w);
    na_workspace_free(w);
    na_net_free(net);
  }
  na_team_free(team);
}

/* Norms that are still are constants in the base network: their gradients, and those through them, by
 * finite differences, and the engine's against them; their statistics stay. */
static void still_norms(void)
{
  na_error err = {0};
  na_team *team;
  na_workspace *w;
  na_net *net = small_net_whole();
  int *widths = lanes_memory((size_t)net->dim_count, sizeof *widths);
  na_scores scores = {0};
  na_net_base(net, widths);
  for (int i = 0; i < net->layer_count; i++) net->layers[i].still = net->layers[i].norm;
  naive_net *run = naive_net_new(net, widths, 19, 4);
  run->batch_statistics = false;
  run->dropout = true;
  run->step = 77;
  naive_net_forward(run, false);
  naive_net_backward(run, 1);
  double scale = largest_of(run->grads, net->values);
  for (int i = 0; i < net->param_count; i++)
    check_difference(run, "still", &net->params[i], 0, scale);
  naive_net_forward(run, false);
  CHECK_OK(na_team_new(&team, 2, &err), err);
  CHECK_OK(na_workspace_new(&w, net, team, 19, true, &err), err);
  float *images = naive_net_lanes(run);
  na_batch batch = {.count = 19, .blocks = lanes_blocks(19), .images = images, .labels = run->labels};
  CHECK_OK(na_forward(w, widths, NA_MODE_TRAIN, &batch, run->step, &err), err);
  check_logits(run, w, "still norms");
  CHECK_OK(na_loss(w, &batch, run->smoothing, 1, &scores, &err), err);
  CHECK_OK(na_backward(w, &err), err);
  check_gradients(net, run, "still norms");
  check_statistics(net, run, "still norms");
  na_free(images);
  na_free(widths);
  naive_net_free(run);
  na_workspace_free(w);
  na_team_free(team);
  na_net_free(net);
}

/* A kind that is added to the table must get its network here. */
static void every_kind_has_a_net(void)
{
  for (int kind = 0; kind < NA_KIND_COUNT; kind++) {
    bool found = false;
    for (int i = 0; i < small_net_count; i++) {
      if ((int)small_nets[i].kind != kind) continue;
      na_net *net = small_net_new(&small_nets[i]);
      for (int l = 0; l < net->layer_count; l++) found |= (int)net->layers[l].kind == kind;
      na_net_free(net);
    }
    CHECK(found, "no test network has a %s layer", na_kind_name((na_layer_kind)kind));
  }
}

static void every_activation_has_a_net(void)
{
  for (int act = 0; act < NA_ACT_COUNT; act++) {
    bool found = false;
    for (int i = 0; i < small_net_count; i++) found |= (int)small_nets[i].act == act;
    CHECK(found, "no test network uses %s", na_activation_name((na_activation)act));
  }
}

int main(void)
{
  RUN(every_kind_has_a_net);
  RUN(every_activation_has_a_net);
  RUN(oracle_by_finite_differences);
  RUN(engine_against_oracle);
  RUN(still_norms);
  return CHECK_EXIT();
}
