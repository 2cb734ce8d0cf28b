/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fixture.h"
#include "core/base/memory.h"
#include "core/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double case_smoothing = 0.1;

/* ------------------------------------------------------------------------------- pieces */

/* "a/b"; empty, which is missing in every file, when that is too long. */
static const char *join(char out[FIXTURE_PATH], const char *a, const char *b)
{
  if (snprintf(out, FIXTURE_PATH, "%s/%s", a, b) >= FIXTURE_PATH) out[0] = '\0';
  return out;
}

/* Logits of the last forward pass, left in f->logits, against the dataset of that path, relative to its largest. */
static void judge_logits(fixture *f, fixture_kind kind, const char *path)
{
  double largest = 0;
  size_t count = (size_t)f->batch * (size_t)f->classes;
  char item[64];
  na_logits(f->workspace, f->logits);
  if (!fixture_wanted(f, path)) return;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(f->wanted[i]));
  for (size_t i = 0; i < count; i++) {
    snprintf(item, sizeof item, "[%zu][%zu]", i / (size_t)f->classes, i % (size_t)f->classes);
    fixture_judge(&f->report, kind, f->logits[i], f->wanted[i], largest, path, item);
  }
}

static void judge_loss(fixture *f, fixture_kind kind, double loss, const char *path, const char *name)
{
  double wanted = fixture_number(f, path, name);
  fixture_judge(&f->report, kind, loss, wanted, fabs(wanted), path, name);
}

/* The first values of a tensor against attribute `name` of path, with a scale for all of them. */
static void judge_head(fixture *f, fixture_kind kind, const float *values, size_t count, double scale,
                       const char *path, const char *name)
{
  double wanted[FIXTURE_HEAD];
  char item[64];
  size_t length = count < FIXTURE_HEAD ? count : FIXTURE_HEAD;
  size_t got = fixture_numbers(f, path, name, wanted, length);
  if (got != 0 && got != length)
    fixture_require(&f->report, FIXTURE_SECTIONS, 0, "%s/%s holds %zu values of %zu", path, name, got,
                    length);
  for (size_t i = 0; i < got; i++) {
    snprintf(item, sizeof item, "%s[%zu]", name, i);
    fixture_judge(&f->report, kind, values[i], wanted[i], scale, path, item);
  }
}

/* One vector of running statistics: its l2, and its head relative to the l2. */
static void judge_vector(fixture *f, fixture_kind l2, fixture_kind head, const na_param *buffer,
                         const char *path, const char *name)
{
  char attribute[32];
  const float *values = f->net->running + buffer->offset;
  snprintf(attribute, sizeof attribute, "%s_l2", name);
  double wanted = fixture_number(f, path, attribute);
  fixture_judge(&f->report, l2, fixture_l2(values, buffer->count), wanted, wanted, path, attribute);
  snprintf(attribute, sizeof attribute, "%s_head", name);
  judge_head(f, head, values, buffer->count, wanted, path, attribute);
}

/* Every layer's running statistics against the groups below path, which are named after the norm. */
static void judge_statistics(fixture *f, fixture_kind l2, fixture_kind head, const char *path)
{
  char place[FIXTURE_PATH];
  for (int i = 0; i < f->net->layer_count; i++) {
    const na_layer *layer = &f->net->layers[i];
    if (layer->mean < 0) continue;
    const na_param *mean = &f->net->buffers[layer->mean], *var = &f->net->buffers[layer->var];
    join(place, path, mean->name);
    place[strlen(place) - strlen(".running_mean")] = '\0';
    judge_vector(f, l2, head, mean, place, "running_mean");
    judge_vector(f, l2, head, var, place, "running_var");
  }
}

/* Reads attribute `name` of every parameter's group below path into norms[param_count] (allocated;
 * NULL when out of memory), and the root of their summed squares. */
static double *read_norms(fixture *f, const char *path, const char *name, double *total)
{
  char place[FIXTURE_PATH];
  double *norms = na_alloc_array((size_t)f->net->param_count, sizeof *norms), sum = 0;
  for (int i = 0; norms != NULL && i < f->net->param_count; i++) {
    join(place, path, f->net->params[i].name);
    norms[i] = fixture_number(f, place, name);
    sum += norms[i] * norms[i];
  }
  *total = sqrt(sum);
  return norms;
}

static void judge_gradients(fixture *f, const char *path)
{
  char place[FIXTURE_PATH];
  double total, *norms = read_norms(f, path, "l2", &total);
  for (int i = 0; norms != NULL && i < f->net->param_count; i++) {
    const na_param *param = &f->net->params[i];
    const float *grad = f->net->grads + param->offset;
    join(place, path, param->name);
    double l2 = norms[i], root = sqrt((double)param->count);
    fixture_judge(&f->report, FIXTURE_GRAD_L2, fixture_l2(grad, param->count), l2,
                  2e-3 * l2 + 1e-5 * total, place, "l2");
    judge_head(f, FIXTURE_GRAD_HEAD, grad, param->count, 1e-2 * l2 / root + 1e-6 * total, place,
               "head");
  }
  na_free(norms);
}

/* --------------------------------------------------------------------- names, shapes, costs */

typedef struct visit {
  fixture *f;
  const char *path;
} visit;

static int same_shape(const na_param *param, const double *shape, size_t rank)
{
  if (rank != (size_t)param->rank) return 0;
  for (size_t d = 0; d < rank; d++)
    if (shape[d] != param->shape[d]) return 0;
  return 1;
}

static int check_name(void *context, const char *name)
{
  const visit *v = context;
  const na_param *param = na_net_param(v->f->net, name);
  char path[FIXTURE_PATH];
  double shape[4], stream;
  fixture_require(&v->f->report, FIXTURE_NAMES, param != NULL, "our network has no %s", name);
  if (param == NULL) return 0;
  join(path, "params", name);
  size_t rank = fixture_numbers(v->f, path, "shape", shape, 4);
  fixture_require(&v->f->report, FIXTURE_NAMES, same_shape(param, shape, rank),
                  "%s has another shape, in ours the first axis is %d", name, param->shape[0]);
  if (fixture_numbers(v->f, path, "stream", &stream, 1) == 1 && (double)fixture_stream(stream) != stream)
    fixture_require(&v->f->report, FIXTURE_SECTIONS, 0, "%s/stream is %g", path, stream);
  return 0;
}

static void check_costs(fixture *f)
{
  na_cost cost;
  na_net_cost(f->net, f->base, &cost);
  fixture_judge(&f->report, FIXTURE_COSTS, (double)cost.macs, fixture_number(f, "/", "base_macs"), 1,
                "base_macs", "");
  fixture_judge(&f->report, FIXTURE_COSTS, (double)cost.parameters,
                fixture_number(f, "/", "base_params_with_bn"), 1, "base_params_with_bn", "");
}

int fixture_check_structure(fixture *f, na_error *err)
{
  char path[FIXTURE_PATH];
  visit v = {f, "params"};
  int code = na_h5_each(f->file, "params", check_name, &v, err);
  for (int i = 0; i < f->net->param_count; i++) {
    join(path, "params", f->net->params[i].name);
    fixture_require(&f->report, FIXTURE_NAMES, na_h5_has(f->file, path), "the file has no %s", path);
  }
  check_costs(f);
  return code;
}

/* ------------------------------------------------------------------------------ the cases */

static const char *const cases[] = {"base", "aug0_random", "aug1_random", "aug2_min_w", "aug3_min_e"};
enum { CASES = sizeof cases / sizeof cases[0] };

/* Forward in training mode at f->widths, and the mean loss. */
static int run_forward(fixture *f, double weight, double *loss, na_error *err)
{
  na_scores scores = {0};
  int code = na_forward(f->workspace, f->widths, NA_MODE_TRAIN, &f->images, 0, err);
  if (code == 0) code = na_loss(f->workspace, &f->images, case_smoothing, weight, &scores, err);
  *loss = scores.loss / f->batch;
  return code;
}

static int check_case(fixture *f, const char *name, na_error *err)
{
  char path[FIXTURE_PATH], part[FIXTURE_PATH];
  double loss;
  join(path, "cases", name);
  if (!fixture_read_widths(f, path)) return 0;
  memset(f->net->grads, 0, f->net->values * sizeof(float));
  int code = run_forward(f, 1, &loss, err);
  if (code != 0) return code;
  judge_logits(f, FIXTURE_LOGITS, join(part, path, "logits"));
  judge_loss(f, FIXTURE_LOSSES, loss, path, "loss");
  code = na_backward(f->workspace, err);
  if (code != 0) return code;
  judge_gradients(f, join(part, path, "grad"));
  judge_statistics(f, FIXTURE_STATS_L2, FIXTURE_STATS_HEAD, join(part, path, "bn_running_after"));
  return 0;
}

int fixture_check_cases(fixture *f, na_error *err)
{
  int code = 0;
  fixture_fill(f, false);
  fixture_fill_images(f, f->input_stream);
  for (int i = 0; i < CASES && code == 0; i++) code = check_case(f, cases[i], err);
  if (fixture_read_widths(f, "cases/base"))
    fixture_require(&f->report, FIXTURE_WIDTHS,
                    memcmp(f->widths, f->base, (size_t)f->net->dim_count * sizeof(int)) == 0,
                    "cases/base is not our base");
  return code;
}

int fixture_check_kinks(fixture *f, na_error *err)
{
  static const char *const names[] = {"kinks/kinks_base", "kinks/kinks_random"};
  char part[FIXTURE_PATH];
  double loss;
  int code = 0;
  fixture_fill(f, true);
  for (int i = 0; i < 2 && code == 0; i++) {
    if (!fixture_read_widths(f, names[i])) continue;
    code = run_forward(f, 0, &loss, err);
    if (code != 0) break;
    judge_logits(f, FIXTURE_KINKS, join(part, names[i], "logits"));
    judge_loss(f, FIXTURE_KINKS_LOSS, loss, names[i], "loss");
  }
  return code;
}

/* ------------------------------------------------------------------------------ the steps */

typedef struct recipe {
  double lr, momentum, nesterov, decay, smoothing;
} recipe;

/* The change of one parameter in this step, in place of its old value in f->before. The weights are
 * float32, so their difference is exact to about half an ulp of the weight. */
static float *change_of(fixture *f, const na_param *param)
{
  float *change = f->before + param->offset;
  const float *now = f->net->weights + param->offset;
  for (size_t n = 0; n < param->count; n++) change[n] = now[n] - change[n];
  return change;
}

static void judge_step(fixture *f, const char *step)
{
  char path[FIXTURE_PATH], place[FIXTURE_PATH];
  double total;
  join(path, step, "param");
  double *norms = read_norms(f, path, "delta_l2", &total);
  for (int i = 0; norms != NULL && i < f->net->param_count; i++) {
    const na_param *param = &f->net->params[i];
    join(place, path, param->name);
    double l2 = fixture_number(f, place, "l2"), scale = fmax(norms[i], 1e-3 * total);
    fixture_judge(&f->report, FIXTURE_PARAM_L2,
                  fixture_l2(f->net->weights + param->offset, param->count), l2, l2, place, "l2");
    const float *change = change_of(f, param);
    fixture_judge(&f->report, FIXTURE_DELTA_L2, fixture_l2(change, param->count), norms[i], scale,
                  place, "delta_l2");
    judge_head(f, FIXTURE_DELTA_HEAD, change, param->count, scale / sqrt((double)param->count), place,
               "delta_head");
  }
  na_free(norms);
}

static int check_step(fixture *f, const char *step, const recipe *r, na_error *err)
{
  na_scores base = {0}, augmented = {0};
  if (!fixture_read_widths(f, step)) return 0;
  const int *drawn[1] = {f->widths};
  memcpy(f->before, f->net->weights, f->net->values * sizeof(float));
  int code = na_accumulate(f->workspace, &f->images, f->base, 1, drawn, 1.0, r->smoothing, 0, &base,
                           &augmented, err);
  if (code != 0) return code;
  na_sgd(f->net, f->team, r->lr, r->momentum, r->nesterov != 0, r->decay);
  judge_loss(f, FIXTURE_LOSSES, base.loss / f->batch, step, "loss_base");
  judge_loss(f, FIXTURE_LOSSES, augmented.loss / f->batch, step, "loss_aug");
  judge_step(f, step);
  return 0;
}

int fixture_check_steps(fixture *f, na_error *err)
{
  recipe r;
  r.lr = fixture_number(f, "step1", "lr");
  r.momentum = fixture_number(f, "step1", "momentum");
  r.nesterov = fixture_number(f, "step1", "nesterov");
  r.decay = fixture_number(f, "step1", "weight_decay");
  r.smoothing = fixture_number(f, "step1", "label_smoothing");
  fixture_fill(f, false);
  int code = check_step(f, "step1", &r, err);
  return code != 0 ? code : check_step(f, "step2", &r, err);
}

/* ---------------------------------------------------------------- sort and re-estimation */

int fixture_check_sort(fixture *f, na_error *err)
{
  char path[FIXTURE_PATH];
  double head[FIXTURE_HEAD];
  fixture_fill(f, false);
  int code = na_net_sort_channels(f->net, true, err);
  for (int i = 0; i < f->net->param_count && code == 0; i++) {
    const na_param *param = &f->net->params[i];
    const float *values = f->net->weights + param->offset;
    join(path, "sorted/param", param->name);
    double l2 = fixture_number(f, path, "l2");
    fixture_judge(&f->report, FIXTURE_SORTED_L2, fixture_l2(values, param->count), l2, l2, path, "l2");
    size_t count = fixture_numbers(f, path, "head", head, FIXTURE_HEAD);
    for (size_t n = 0; n < count && n < param->count; n++)
      fixture_judge(&f->report, FIXTURE_SORTED_HEAD, values[n], (float)head[n], 1, path, "head");
  }
  return code;
}

/* The base as a network of its own must give the logits that the supernet gave, in f->logits. */
static int check_export(fixture *f, na_error *err)
{
  na_net *net = NULL;
  na_workspace *workspace = NULL;
  size_t count = (size_t)f->batch * (size_t)f->classes;
  double largest = 0;
  na_cost cost;
  int *widths = NULL;
  int code = na_net_extract(f->net, f->base, &net, err);
  if (code == 0) code = na_workspace_new(&workspace, net, f->team, f->batch, false, err);
  if (code == 0) widths = na_alloc_array((size_t)net->dim_count, sizeof *widths);
  if (code == 0 && widths == NULL) code = na_fail_memory(err, 0, "widths");
  if (code == 0) {
    na_net_base(net, widths);
    na_net_cost(net, widths, &cost);
    fixture_judge(&f->report, FIXTURE_COSTS, (double)cost.parameters,
                  fixture_number(f, "recalibrated", "export_params"), 1, "export_params", "");
    code = na_forward(workspace, widths, NA_MODE_EVAL, &f->images, 0, err);
  }
  for (size_t i = 0; code == 0 && i < count; i++) {
    f->wanted[i] = f->logits[i];
    largest = fmax(largest, fabs(f->wanted[i]));
  }
  if (code == 0) na_logits(workspace, f->logits);
  for (size_t i = 0; code == 0 && i < count; i++)
    fixture_judge(&f->report, FIXTURE_EXPORT, f->logits[i], f->wanted[i], largest, "export", "");
  na_free(widths);
  na_workspace_free(workspace);
  na_net_free(net);
  return code;
}

int fixture_check_recalibration(fixture *f, na_error *err)
{
  enum { STREAMS_MAX = 16 };
  double streams[STREAMS_MAX];
  size_t count = fixture_numbers(f, "recalibrated", "streams", streams, STREAMS_MAX);
  int code = 0;
  fixture_fill(f, false);
  na_recalibrate_begin(f->workspace);
  for (size_t i = 0; i < count && code == 0; i++) {
    fixture_fill_images(f, fixture_stream(streams[i]));
    code = na_forward(f->workspace, f->base, NA_MODE_ESTIMATE, &f->images, 0, err);
  }
  if (code != 0) return code;
  na_recalibrate_end(f->workspace, f->base);
  judge_statistics(f, FIXTURE_RECAL_L2, FIXTURE_RECAL_HEAD, "recalibrated");
  fixture_fill_images(f, f->input_stream);
  code = na_forward(f->workspace, f->base, NA_MODE_EVAL, &f->images, 0, err);
  if (code != 0) return code;
  judge_logits(f, FIXTURE_EVAL, "recalibrated/eval_logits");
  return check_export(f, err);
}
