/* Running networks: partial blocks, modes, dropout, the loss, re-estimation, threads, memory, errors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "lanes.h"
#include "naive_net.h"
#include "small_nets.h"

#include "core/kernel/naive.h"
#include "core/net/workspace.h"

#include <malloc.h>

/* --------------------------------------------------------------------------- a workbench */

/* The net of all layer kinds at its widest, a workspace for `batch` images, and one batch. */
typedef struct bench {
  na_net *net;
  na_team *team;
  na_workspace *w;
  int *widths;
  naive_net *run;
  float *images;
  na_batch batch;
  na_error err;
} bench;

static void bench_batch(bench *b, int count, uint64_t seed)
{
  naive_net_free(b->run);
  na_free(b->images);
  b->run = naive_net_new(b->net, b->widths, count, seed);
  b->images = naive_net_lanes(b->run);
  b->batch = (na_batch){.count = count, .blocks = lanes_blocks(count), .images = b->images,
                         .labels = b->run->labels};
}

static bench bench_new(int threads, int room, int count, bool train)
{
  bench b = {.net = small_net_whole()};
  b.widths = lanes_memory((size_t)b.net->dim_count, sizeof *b.widths);
  na_net_widest(b.net, b.widths);
  CHECK_OK(na_team_new(&b.team, threads, &b.err), b.err);
  CHECK_OK(na_workspace_new(&b.w, b.net, b.team, room, train, &b.err), b.err);
  bench_batch(&b, count, 1);
  return b;
}

static void bench_free(bench *b)
{
  na_workspace_free(b->w);
  na_team_free(b->team);
  naive_net_free(b->run);
  na_free(b->images);
  na_free(b->widths);
  na_net_free(b->net);
}

static void forward(bench *b, na_mode mode, uint64_t step)
{
  CHECK_OK(na_forward(b->w, b->widths, mode, &b->batch, step, &b->err), b->err);
}

/* One forward and backward pass, added to the gradients. Returns the mean loss. */
static double pass(bench *b, na_mode mode, uint64_t step)
{
  na_scores scores = {0};
  forward(b, mode, step);
  CHECK_OK(na_loss(b->w, &b->batch, 0.1, 1, &scores, &b->err), b->err);
  CHECK_OK(na_backward(b->w, &b->err), b->err);
  return scores.loss / b->batch.count;
}

static float *copy_of(const float *values, size_t count)
{
  float *copy = lanes_floats(count);
  memcpy(copy, values, count * sizeof *copy);
  return copy;
}

static float *logits_of(const bench *b)
{
  float *logits = lanes_floats((size_t)(b->batch.count * b->net->classes));
  na_logits(b->w, logits);
  return logits;
}

static int layer_named(const na_net *net, const char *name)
{
  for (int i = 0; i < net->layer_count; i++)
    if (strcmp(net->layers[i].name, name) == 0) return i;
  printf("there is no layer %s\n", name);
  exit(EXIT_FAILURE);
}

/* ------------------------------------------------------------------------ partial blocks */

/* Whatever the masked lanes hold, and however large the workspace: the same bits. */
static void masked_lanes_count_nowhere(void)
{
  bench b = bench_new(1, 7, 7, true), large = bench_new(1, 33, 7, true);
  double loss = pass(&b, NA_MODE_TRAIN, 5);
  int area = b.run->values[0].area;
  size_t stride = (size_t)area * NA_LANES;
  for (int c = 0; c < b.net->channels; c++)
    for (int n = 7; n < NA_LANES; n++)
      for (int p = 0; p < area; p++) large.images[lanes_at(stride, c, n, p, area)] = 3;
  double other = pass(&large, NA_MODE_TRAIN, 5);
  CHECK(loss == other, "losses %.9g and %.9g", loss, other);
  CHECK(memcmp(b.net->grads, large.net->grads, b.net->values * sizeof(float)) == 0, "gradients differ");
  CHECK(memcmp(b.net->running, large.net->running, b.net->stats * sizeof(float)) == 0,
        "running statistics differ");
  bench_free(&b);
  bench_free(&large);
}

/* In evaluation an image's logits are its own business. */
static void neighbours_do_not_matter(void)
{
  bench b = bench_new(1, 33, 33, false);
  forward(&b, NA_MODE_EVAL, 0);
  float *before = logits_of(&b);
  int area = b.run->values[0].area, classes = b.net->classes;
  size_t stride = (size_t)(b.batch.blocks * area) * NA_LANES;
  for (int c = 0; c < b.net->channels; c++)
    for (int n = 0; n < 33; n += 2)
      for (int p = 0; p < area; p++) b.images[lanes_at(stride, c, n, p, area)] *= -2;
  forward(&b, NA_MODE_EVAL, 0);
  float *after = logits_of(&b);
  for (int n = 0; n < 33; n++) {
    bool same = memcmp(before + n * classes, after + n * classes, (size_t)classes * sizeof(float)) == 0;
    CHECK(same == (n % 2 == 1), "image %d: logits %s", n, same ? "did not change" : "changed");
  }
  na_free(before);
  na_free(after);
  bench_free(&b);
}

/* A batch of 19 and each of its images alone. */
static void alone_or_together(void)
{
  bench b = bench_new(1, 33, 19, false);
  forward(&b, NA_MODE_EVAL, 0);
  float *together = logits_of(&b), *single = lanes_floats((size_t)b.net->classes);
  int area = b.run->values[0].area;
  size_t stride = (size_t)area * NA_LANES;
  float *image = lanes_floats(stride * (size_t)b.net->channels);
  for (int n = 0; n < 19; n++) {
    for (int c = 0; c < b.net->channels; c++)
      for (int p = 0; p < area; p++)
        image[lanes_at(stride, c, 0, p, area)] = (float)b.run->images[lanes_index(n, c, b.net->channels, p, area)];
    na_batch one = {.count = 1, .blocks = 1, .images = image, .labels = b.run->labels + n};
    CHECK_OK(na_forward(b.w, b.widths, NA_MODE_EVAL, &one, 0, &b.err), b.err);
    na_logits(b.w, single);
    for (int c = 0; c < b.net->classes; c++)
      CHECK_NEAR((double)single[c], (double)together[n * b.net->classes + c], 2e-6, 3, "logit");
  }
  na_free(image);
  na_free(single);
  na_free(together);
  bench_free(&b);
}

/* ---------------------------------------------------------------------------------- modes */

static void check_logits_like_naive(bench *b, const char *what)
{
  float *got = logits_of(b);
  const double *wanted = b->run->values[b->net->layer_count - 1].out;
  for (int i = 0; i < b->batch.count * b->net->classes; i++)
    CHECK_NEAR((double)got[i], wanted[i], 1e-5, 1, what);
  na_free(got);
}

static void evaluation_uses_running_statistics(void)
{
  bench b = bench_new(2, 33, 33, false);
  float *running = copy_of(b.net->running, b.net->stats);
  b.run->batch_statistics = false;
  naive_net_forward(b.run, false);
  forward(&b, NA_MODE_EVAL, 0);
  check_logits_like_naive(&b, "logits in evaluation");
  CHECK(memcmp(running, b.net->running, b.net->stats * sizeof *running) == 0, "evaluation moved them");
  na_free(running);
  bench_free(&b);
}

static void batch_mode_leaves_the_statistics(void)
{
  bench b = bench_new(1, 33, 19, true);
  float *running = copy_of(b.net->running, b.net->stats);
  naive_net_forward(b.run, false);
  pass(&b, NA_MODE_BATCH, 9);
  check_logits_like_naive(&b, "logits with batch statistics, without dropout");
  CHECK(memcmp(running, b.net->running, b.net->stats * sizeof *running) == 0, "running statistics moved");
  na_free(running);
  bench_free(&b);
}

/* Averages over two batches of different sizes, weighted by them; then evaluation. */
static void recalibration(void)
{
  static const int counts[] = {19, 7};
  bench b = bench_new(2, 33, 1, false);
  double *wanted = lanes_doubles(b.net->stats);
  float *before = copy_of(b.net->running, b.net->stats);
  na_net_base(b.net, b.widths);
  na_recalibrate_begin(b.w);
  for (int k = 0; k < 2; k++) {
    bench_batch(&b, counts[k], 20 + (uint64_t)k);
    naive_net_forward(b.run, false);
    forward(&b, NA_MODE_ESTIMATE, 0);
    for (int i = 0; i < b.net->layer_count; i++) {
      const na_layer *l = &b.net->layers[i];
      for (int c = 0; l->norm && c < b.widths[l->out]; c++) {
        double share = counts[k] / 26.0;
        wanted[b.net->buffers[l->mean].offset + (size_t)c] += share * b.run->values[i].mean[c];
        wanted[b.net->buffers[l->var].offset + (size_t)c] += share * b.run->values[i].var[c];
      }
    }
  }
  CHECK(memcmp(before, b.net->running, b.net->stats * sizeof *before) == 0, "statistics moved early");
  na_recalibrate_end(b.w, b.widths);
  for (int i = 0; i < b.net->layer_count; i++) {
    const na_layer *l = &b.net->layers[i];
    for (int c = 0; l->norm && c < b.net->dims[l->out].max; c++) {
      size_t m = b.net->buffers[l->mean].offset + (size_t)c, v = b.net->buffers[l->var].offset + (size_t)c;
      bool active = c < b.widths[l->out];
      CHECK_NEAR((double)b.net->running[m], active ? wanted[m] : (double)before[m], 2e-6, 1, "mean");
      CHECK_NEAR((double)b.net->running[v], active ? wanted[v] : (double)before[v], 2e-6, 1, "variance");
    }
  }
  naive_net_reload(b.run);
  b.run->batch_statistics = false;
  naive_net_forward(b.run, false);
  forward(&b, NA_MODE_EVAL, 0);
  check_logits_like_naive(&b, "logits after re-estimation");
  na_free(wanted);
  na_free(before);
  bench_free(&b);
}

static void gradients_add_up(void)
{
  bench b = bench_new(1, 33, 19, true);
  pass(&b, NA_MODE_BATCH, 1);
  float *once = copy_of(b.net->grads, b.net->values);
  pass(&b, NA_MODE_BATCH, 1);
  double worst = 0, largest = 0;
  for (size_t i = 0; i < b.net->values; i++) {
    worst = fmax(worst, fabs((double)b.net->grads[i] - 2 * (double)once[i]));
    largest = fmax(largest, fabs((double)once[i]));
  }
  CHECK(largest > 0 && worst <= 1e-6 * largest, "two passes are %g off twice one of %g", worst, largest);
  na_free(once);
  bench_free(&b);
}

/* ------------------------------------------------------------------------------- dropout */

/* What the dropout layer `name` of the last pass gave for all images, and what it read; na_free. */
static float *dropped(bench *b, const char *name, float **input, size_t *count)
{
  int layer = layer_named(b->net, name), from = b->net->layers[layer].input[0];
  size_t each = (size_t)b->widths[b->net->layers[layer].out];
  float *out = lanes_floats(each * (size_t)b->batch.count);
  *input = lanes_floats(each * (size_t)b->batch.count);
  *count = each * (size_t)b->batch.count;
  for (int n = 0; n < b->batch.count; n++) {
    CHECK_OK(na_activation_read(b->w, layer, n, out + (size_t)n * each, &b->err), b->err);
    CHECK_OK(na_activation_read(b->w, from, n, *input + (size_t)n * each, &b->err), b->err);
  }
  return out;
}

static void dropout_rate(void)
{
  bench b = bench_new(1, 96, 96, true);
  size_t count, zeros = 0;
  float *in, *again_in;
  forward(&b, NA_MODE_TRAIN, 11);
  float *out = dropped(&b, "drop", &in, &count);
  for (size_t i = 0; i < count; i++) {
    zeros += out[i] == 0 && in[i] != 0;
    if (out[i] != 0) CHECK_NEAR((double)out[i], (double)in[i] / 0.75, 1e-6, 1, "kept value");
  }
  size_t candidates = 0;
  for (size_t i = 0; i < count; i++) candidates += in[i] != 0;
  double share = (double)zeros / (double)candidates, sigma = sqrt(0.25 * 0.75 / (double)candidates);
  CHECK(candidates > 5000 && fabs(share - 0.25) < 4 * sigma, "%g of %zu were dropped", share, candidates);
  forward(&b, NA_MODE_TRAIN, 11);
  float *same = dropped(&b, "drop", &again_in, &count);
  CHECK(memcmp(out, same, count * sizeof *out) == 0, "the same step drops the same");
  na_free(same);
  na_free(again_in);
  forward(&b, NA_MODE_TRAIN, 12);
  float *other = dropped(&b, "drop", &again_in, &count);
  size_t agree = 0;
  for (size_t i = 0; i < count; i++) agree += in[i] != 0 && (out[i] == 0) == (other[i] == 0);
  double expected = 0.25 * 0.25 + 0.75 * 0.75, agreement = (double)agree / (double)candidates;
  CHECK(fabs(agreement - expected) < 0.03, "two steps agree on %g, independent draws on %g", agreement, expected);
  na_free(other);
  na_free(again_in);
  na_free(out);
  na_free(in);
  bench_free(&b);
}

static void dropout_is_off_outside_training(void)
{
  static const na_mode modes[] = {NA_MODE_EVAL, NA_MODE_ESTIMATE, NA_MODE_BATCH};
  bench b = bench_new(1, 33, 19, true);
  for (int m = 0; m < 3; m++) {
    size_t count;
    float *in;
    forward(&b, modes[m], 11);
    float *out = dropped(&b, "drop", &in, &count);
    for (size_t i = 0; i < count; i++)
      CHECK_NEAR((double)out[i], (double)in[i], 1e-6, 1, "value that nothing drops");
    na_free(out);
    na_free(in);
  }
  bench_free(&b);
}

/* Of a map of ones: the share of zeros, and whether the rest has one value that keeps the mean. */
static double dropblock_share(na_workspace *w, const na_net *net, const int *widths, const na_batch *batch,
                              double share)
{
  int layer = layer_named(net, "block"), zeros = 0;
  size_t area = (size_t)net->height * (size_t)net->width, each = area * (size_t)net->channels;
  float *out = lanes_floats(each), kept = 0;
  double sum = 0;
  na_error err = {0};
  na_workspace_drop_share(w, share);
  CHECK_OK(na_forward(w, widths, NA_MODE_TRAIN, batch, 11, &err), err);
  for (int n = 0; n < batch->count; n++) {
    CHECK_OK(na_activation_read(w, layer, n, out, &err), err);
    for (size_t i = 0; i < each; i++) {
      zeros += out[i] == 0;
      sum += (double)out[i];
      if (out[i] == 0) continue;
      if (kept == 0) kept = out[i];
      CHECK(out[i] == kept, "values %g and %g", (double)kept, (double)out[i]);
    }
  }
  double values = (double)each * batch->count;
  CHECK_NEAR(sum / values, 1, 1e-6, 1, "mean of what is kept");
  na_free(out);
  return zeros / values;
}

/* Squares overlap, so a little less than the rate is dropped: the expectation of the paper's gamma, to
 * which a half lowers it in proportion. */
static void dropblock_drops_a_share(void)
{
  na_net *net;
  na_team *team;
  na_workspace *w;
  na_error err = {0};
  enum { SIDE = 20, COUNT = 37 };
  CHECK_OK(na_net_new(&net, "squares", 3, SIDE, SIDE, 2, &err), err);
  na_layer_spec block = na_layer_spec_init(NA_DROPBLOCK, "block");
  block.kernel = 3;
  block.rate = 0.2;
  small_net_add(net, block, 0, -1);
  small_net_add(net, na_layer_spec_init(NA_GLOBALPOOL, "pool"), 1, -1);
  na_layer_spec last = na_layer_spec_init(NA_LINEAR, "last");
  last.out = na_net_fixed(net, "classes", 2, &err);
  small_net_add(net, last, 2, -1);
  CHECK_OK(na_net_finish(net, &err), err);
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&w, net, team, COUNT, true, &err), err);
  size_t floats = (size_t)(3 * lanes_blocks(COUNT) * NA_LANES * SIDE * SIDE);
  float *images = lanes_floats(floats);
  int32_t labels[COUNT] = {0};
  for (size_t i = 0; i < floats; i++) images[i] = 1;
  na_batch batch = {.count = COUNT, .blocks = lanes_blocks(COUNT), .images = images, .labels = labels};
  int widths[4];
  na_net_base(net, widths);
  double whole = dropblock_share(w, net, widths, &batch, 1);
  double half = dropblock_share(w, net, widths, &batch, 0.5);
  CHECK(dropblock_share(w, net, widths, &batch, 0) == 0, "a share of 0 drops something");
  CHECK(whole > 0.17 && whole < 0.2, "%g are dropped, not a little less than 0.2", whole);
  CHECK(half > 0.085 && half < 0.105, "%g are dropped, not about 0.1", half);
  na_free(images);
  na_workspace_free(w);
  na_team_free(team);
  na_net_free(net);
}

/* ---------------------------------------------------------------------------------- loss */

static void check_loss(bench *b, double smoothing)
{
  int classes = b->net->classes, count = b->batch.count;
  const double *z = b->run->values[b->net->layer_count - 1].out;
  double wanted = na_naive_loss(count, classes, z, b->run->labels, b->run->targets, smoothing, NULL);
  long top1 = 0;
  for (int n = 0; n < count; n++) {
    int best = 0;
    for (int c = 1; c < classes; c++)
      if (z[n * classes + c] > z[n * classes + best]) best = c;
    top1 += best == b->run->labels[n];
  }
  na_scores scores = {1, 2, 3, 4}; /* added to */
  CHECK_OK(na_loss(b->w, &b->batch, smoothing, 0, &scores, &b->err), b->err);
  CHECK_NEAR((scores.loss - 1) / count, wanted, 2e-6, wanted, "loss");
  CHECK(scores.top1 - 2 == top1, "top1 is %ld, wanted %ld", scores.top1 - 2, top1);
  CHECK(scores.top5 - 3 == count, "with %d classes everything is in the top 5", classes);
  CHECK(scores.images - 4 == count, "%ld images were scored", scores.images - 4);
}

/* Second labels and their shares, some 0 and one the label itself; the oracle gets them as targets. */
static void mix_labels(bench *b)
{
  static int32_t others[33];
  static float shares[33];
  int count = b->batch.count, classes = b->net->classes;
  double *targets = lanes_doubles((size_t)(count * classes));
  na_random random = na_random_at(1, 1, 1);
  for (int n = 0; n < count; n++) {
    int label = b->run->labels[n];
    others[n] = n == 5 ? label : (label + 1 + n % 2) % classes;
    shares[n] = n % 4 == 3 ? 0 : (float)(na_random_unit(&random) / 2);
    targets[n * classes + label] += 1 - (double)shares[n];
    targets[n * classes + others[n]] += (double)shares[n];
  }
  b->run->targets = targets;
  b->batch.others = others;
  b->batch.shares = shares;
}

static void losses(void)
{
  bench b = bench_new(2, 33, 33, true);
  naive_net_forward(b.run, false);
  forward(&b, NA_MODE_BATCH, 0);
  check_loss(&b, 0);
  check_loss(&b, 0.1);
  mix_labels(&b);
  check_loss(&b, 0);
  check_loss(&b, 0.1);
  bench_free(&b);
}

/* With mixed labels the gradient too is theirs. */
static void mixed_labels_gradient(void)
{
  bench b = bench_new(1, 33, 7, true);
  mix_labels(&b);
  naive_net_forward(b.run, false);
  naive_net_backward(b.run, 1);
  pass(&b, NA_MODE_BATCH, 0);
  const na_param *bias = na_net_param(b.net, "classifier.linear.bias");
  for (int c = 0; c < b.net->classes; c++)
    CHECK_NEAR((double)b.net->grads[bias->offset + (size_t)c], b.run->grads[bias->offset + (size_t)c],
               2e-6, 1, "gradient of the classifier's bias");
  int32_t foreign[7] = {0, 0, 0, b.net->classes};
  na_scores scores = {0};
  b.batch.others = foreign;
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 0, &scores, &b.err), NA_EINVAL, "image 3 of the batch", b.err);
  bench_free(&b);
}

/* The documented loss of one image with a teacher, as a function of its logits. */
static double taught_loss(int classes, const double *z, const double *targets, const float *says,
                          double smoothing, const na_teaching *t)
{
  double sum = 0, soft = 0, teacher = 0, ce = 0, kl = 0, temperature = t->temperature;
  for (int c = 0; c < classes; c++) {
    sum += exp(z[c]);
    soft += exp(z[c] / temperature);
    teacher += exp((double)says[c] / temperature);
  }
  for (int c = 0; c < classes; c++) {
    double p = exp((double)says[c] / temperature) / teacher;
    ce -= ((1 - smoothing) * targets[c] + smoothing / classes) * log(exp(z[c]) / sum);
    kl += p * log(p / (exp(z[c] / temperature) / soft));
  }
  return (1 - t->weight) * ce + t->weight * temperature * temperature * kl;
}

/* Value and gradient (of the classifier's bias: the sum over images of that of the logits) against
 * finite differences of the formula, with labels that are mixed as mixup does. */
static void check_teaching(double temperature, double weight)
{
  enum { COUNT = 19 };
  bench b = bench_new(2, 33, COUNT, true);
  int classes = b.net->classes;
  size_t values = (size_t)(COUNT * classes);
  float *says = lanes_floats(values);
  double *z = lanes_doubles(values), *grad = lanes_doubles((size_t)classes);
  na_random random = na_random_at(4, 2, 1);
  mix_labels(&b);
  for (size_t i = 0; i < values; i++) says[i] = (float)na_random_range(&random, -6, 6);
  na_teaching teaching = {says, temperature, weight};
  na_workspace_teach(b.w, &teaching);
  double got = pass(&b, NA_MODE_BATCH, 0), wanted = 0;
  float *logits = logits_of(&b);
  for (size_t i = 0; i < values; i++) z[i] = (double)logits[i];
  for (int n = 0; n < COUNT; n++) {
    double *own = z + n * classes;
    const double *target = b.run->targets + n * classes;
    wanted += taught_loss(classes, own, target, says + n * classes, 0.1, &teaching) / COUNT;
    for (int c = 0; c < classes; c++) {
      double kept = own[c], h = 1e-5;
      own[c] = kept + h;
      double above = taught_loss(classes, own, target, says + n * classes, 0.1, &teaching);
      own[c] = kept - h;
      double below = taught_loss(classes, own, target, says + n * classes, 0.1, &teaching);
      own[c] = kept;
      grad[c] += (above - below) / (2 * h) / COUNT;
    }
  }
  CHECK_NEAR(got, wanted, 2e-6, wanted, "loss with a teacher");
  const na_param *bias = na_net_param(b.net, "classifier.linear.bias");
  for (int c = 0; c < classes; c++)
    CHECK_NEAR((double)b.net->grads[bias->offset + (size_t)c], grad[c], 5e-6, 1 + temperature,
               "gradient of the classifier's bias with a teacher");
  na_workspace_teach(b.w, NULL);
  memset(b.net->grads, 0, b.net->values * sizeof(float));
  CHECK(fabs(pass(&b, NA_MODE_BATCH, 0) - wanted) > 1e-3, "the teacher changes nothing");
  na_free(says);
  na_free(z);
  na_free(grad);
  na_free(logits);
  bench_free(&b);
}

static void a_teacher_in_the_loss(void)
{
  check_teaching(1, 1);
  check_teaching(1, 0.5);
  check_teaching(4, 0.7);
  check_teaching(0.5, 0.3);
}

/* The logits, and a loss without gradient, may be asked for after the backward pass. */
static void logits_outlive_backward(void)
{
  bench b = bench_new(1, 33, 19, true);
  na_scores before = {0}, after = {0};
  forward(&b, NA_MODE_TRAIN, 3);
  float *early = logits_of(&b);
  CHECK_OK(na_loss(b.w, &b.batch, 0, 1, &before, &b.err), b.err);
  CHECK_OK(na_backward(b.w, &b.err), b.err);
  float *late = logits_of(&b);
  CHECK(memcmp(early, late, (size_t)(19 * b.net->classes) * sizeof *early) == 0, "logits changed");
  CHECK_OK(na_loss(b.w, &b.batch, 0, 0, &after, &b.err), b.err);
  CHECK(before.loss == after.loss, "losses %g and %g", before.loss, after.loss);
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 1, &after, &b.err), NA_EINVAL, "another forward pass", b.err);
  na_free(early);
  na_free(late);
  bench_free(&b);
}

/* --------------------------------------------------------------------------------- errors */

static void refusals(void)
{
  bench b = bench_new(1, 20, 20, true);
  na_scores scores = {0};
  na_batch batch = b.batch;
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 0, &scores, &b.err), NA_EINVAL, "needs a forward pass", b.err);
  CHECK_FAILS(na_backward(b.w, &b.err), NA_EINVAL, "backward needs", b.err);
  batch.count = 21;
  CHECK_FAILS(na_forward(b.w, b.widths, NA_MODE_TRAIN, &batch, 0, &b.err), NA_EINVAL, "21 images", b.err);
  batch.count = 0;
  CHECK_FAILS(na_forward(b.w, b.widths, NA_MODE_TRAIN, &batch, 0, &b.err), NA_EINVAL, "0 images", b.err);
  int dim = b.net->layers[layer_named(b.net, "stem")].out, kept = b.widths[dim];
  b.widths[dim] = kept + 1;
  CHECK_FAILS(na_forward(b.w, b.widths, NA_MODE_TRAIN, &b.batch, 0, &b.err), NA_EINVAL, "is impossible",
              b.err);
  b.widths[dim] = kept;
  forward(&b, NA_MODE_TRAIN, 0);
  b.run->labels[13] = b.net->classes;
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 1, &scores, &b.err), NA_EINVAL, "image 13", b.err);
  b.run->labels[13] = -1;
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 1, &scores, &b.err), NA_EINVAL, "label -1", b.err);
  CHECK(scores.images == 0, "a refused batch was counted");
  CHECK_FAILS(na_backward(b.w, &b.err), NA_EINVAL, "backward needs", b.err);
  b.run->labels[13] = 0;
  batch = b.batch;
  batch.count = 19;
  CHECK_FAILS(na_loss(b.w, &batch, 0, 0, &scores, &b.err), NA_EINVAL, "same batch", b.err);
  forward(&b, NA_MODE_EVAL, 0);
  CHECK_OK(na_loss(b.w, &b.batch, 0, 1, &scores, &b.err), b.err);
  CHECK_FAILS(na_backward(b.w, &b.err), NA_EINVAL, "batch statistics", b.err);
  bench_free(&b);
}

static void refusals_of_a_new_workspace(void)
{
  bench b = bench_new(1, 20, 20, false);
  na_workspace *w;
  na_scores scores = {0};
  CHECK_FAILS(na_workspace_new(&w, b.net, b.team, 0, true, &b.err), NA_EINVAL, "batch is 0", b.err);
  CHECK_FAILS(na_workspace_new(&w, b.net, b.team, 100000, true, &b.err), NA_EINVAL, "65536", b.err);
  forward(&b, NA_MODE_BATCH, 0);
  CHECK_FAILS(na_loss(b.w, &b.batch, 0, 1, &scores, &b.err), NA_EINVAL, "training workspace", b.err);
  na_net *raw;
  CHECK_OK(na_net_new(&raw, "raw", 1, 2, 2, 2, &b.err), b.err);
  CHECK_FAILS(na_workspace_new(&w, raw, b.team, 1, true, &b.err), NA_EINVAL, "not been finished", b.err);
  CHECK(w == NULL, "a refused workspace is NULL");
  na_net_free(raw);
  na_workspace_free(NULL);
  bench_free(&b);
}

/* Somebody else reads what a gate multiplies: the gradient of the product would not be theirs. */
static void gated_inputs_have_no_other_readers(void)
{
  na_error err = {0};
  na_net *net;
  na_workspace *w;
  na_team *team;
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_net_new(&net, "gated", 3, 4, 4, 2, &err), err);
  int middle = na_net_fixed(net, "middle", 6, &err), classes = na_net_fixed(net, "classes", 2, &err);
  na_layer_spec spec = na_layer_spec_init(NA_CONV, "wide");
  spec.out = middle;
  int wide = small_net_add(net, spec, 0, -1);
  spec = na_layer_spec_init(NA_SQUEEZE, "se");
  spec.squeeze = na_net_fixed(net, "se.middle", 16, &err);
  int se = small_net_add(net, spec, wide, -1);
  spec = na_layer_spec_init(NA_CONV, "gated");
  spec.out = middle;
  spec.gate = se;
  int gated = small_net_add(net, spec, wide, -1);
  int sum = small_net_add(net, na_layer_spec_init(NA_ADD, "shortcut"), gated, wide);
  int pool = small_net_add(net, na_layer_spec_init(NA_GLOBALPOOL, "pool"), sum, -1);
  spec = na_layer_spec_init(NA_LINEAR, "classifier");
  spec.out = classes;
  small_net_add(net, spec, pool, -1);
  CHECK_OK(na_net_finish(net, &err), err);
  CHECK_FAILS(na_workspace_new(&w, net, team, 4, true, &err), NA_EUNSUPPORTED, "layer shortcut reads", err);
  na_net_free(net);
  na_team_free(team);
}

/* --------------------------------------------------------------------------------- memory */

static void steps_allocate_nothing(void)
{
  bench b = bench_new(2, 33, 33, true);
  pass(&b, NA_MODE_TRAIN, 0);
  unsigned long before = na_alloc_count();
  struct mallinfo2 heap = mallinfo2();
  for (uint64_t step = 1; step <= 5; step++) {
    if (step % 2 == 0) na_net_base(b.net, b.widths);
    else na_net_widest(b.net, b.widths);
    pass(&b, NA_MODE_TRAIN, step);
    forward(&b, NA_MODE_EVAL, 0);
  }
  CHECK(na_alloc_count() == before, "%lu allocations in 5 steps", na_alloc_count() - before);
  CHECK(mallinfo2().uordblks == heap.uordblks, "the heap grew from %zu to %zu", heap.uordblks,
        mallinfo2().uordblks);
  bench_free(&b);
}

/* Bytes of address space this process has. */
static double address_space(void)
{
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%lu", &pages) != 1) pages = 0;
  fclose(file);
  return (double)pages * 4096;
}

/* Every allocation of na_workspace_new fails once. Returns how many there are. */
static unsigned long fail_each_allocation(bench *b)
{
  for (unsigned long at = 1; at < 1000; at++) {
    na_workspace *w = b->w;
    na_error_clear(&b->err);
    na_alloc_fail_at(at);
    int code = na_workspace_new(&w, b->net, b->team, 16, true, &b->err);
    na_alloc_fail_at(0);
    if (code == NA_OK) {
      na_workspace_free(w);
      return at - 1;
    }
    CHECK(code == NA_ENOMEM && b->err.code == NA_ENOMEM, "allocation %lu: code %d", at, code);
    CHECK(w == NULL && strstr(b->err.message, "memory") != NULL, "allocation %lu: %s", at, b->err.message);
  }
  return 0;
}

static void failed_allocations(void)
{
  bench b = bench_new(1, 16, 16, true);
  unsigned long count = fail_each_allocation(&b);
  CHECK(count >= 10, "only %lu allocations were tried", count);
  double space = address_space();
  /* After stdio has had its buffers and malloc its caches, whose blocks count as used. */
  for (int round = 0; round < 10; round++) fail_each_allocation(&b);
  size_t heap = mallinfo2().uordblks;
  for (int round = 0; round < 10; round++) fail_each_allocation(&b);
  CHECK(mallinfo2().uordblks == heap, "%zu bytes of the heap are lost", mallinfo2().uordblks - heap);
  CHECK(address_space() - space < 10 * 1048576.0, "%.0f bytes of blocks are lost", address_space() - space);
  na_error_clear(&b.err);
  pass(&b, NA_MODE_TRAIN, 0); /* what was there before still works */
  bench_free(&b);
}

static void planned_bytes(void)
{
  bench train = bench_new(1, 33, 1, true), eval = bench_new(1, 33, 1, false);
  size_t activations = 0;
  for (int i = 1; i < train.net->layer_count; i++) {
    const na_layer *l = &train.net->layers[i];
    activations += (size_t)(48 * train.net->dims[l->out].max * l->height * l->width) * sizeof(float);
  }
  CHECK(na_workspace_bytes(train.w) > activations, "training keeps %zu bytes of activations", activations);
  CHECK(na_workspace_bytes(eval.w) < na_workspace_bytes(train.w), "evaluation needs less");
  bench_free(&train);
  bench_free(&eval);
}

/* ------------------------------------------------------------------------ reproducibility */

static void same_bits_with_any_number_of_threads(void)
{
  static const int threads[] = {1, 2, 3, 5};
  float *grads = NULL, *running = NULL;
  double losses_seen[3] = {0};
  for (int t = 0; t < 4; t++) {
    bench b = bench_new(threads[t], 96, 91, true);
    for (int step = 0; step < 3; step++) {
      if (step == 1) na_net_base(b.net, b.widths);
      double loss = pass(&b, NA_MODE_TRAIN, (uint64_t)step);
      if (t == 0) losses_seen[step] = loss;
      CHECK(loss == losses_seen[step], "%d threads: loss %.17g, wanted %.17g", threads[t], loss,
            losses_seen[step]);
    }
    if (t == 0) {
      grads = copy_of(b.net->grads, b.net->values);
      running = copy_of(b.net->running, b.net->stats);
    }
    CHECK(memcmp(grads, b.net->grads, b.net->values * sizeof *grads) == 0, "%d threads: gradients differ",
          threads[t]);
    CHECK(memcmp(running, b.net->running, b.net->stats * sizeof *running) == 0,
          "%d threads: statistics differ", threads[t]);
    bench_free(&b);
  }
  na_free(grads);
  na_free(running);
}

/* -------------------------------------------------------------------------------- reading */

static void check_activation(bench *b, int layer, int image)
{
  const naive_value *v = &b->run->values[layer];
  size_t count = (size_t)(v->channels * v->area);
  float *got = lanes_floats(count);
  CHECK_OK(na_activation_read(b->w, layer, image, got, &b->err), b->err);
  for (size_t i = 0; i < count; i++) {
    double wanted = v->out[(size_t)image * count + i];
    CHECK_NEAR((double)got[i], wanted, 1e-5, 1 + fabs(wanted), b->net->layers[layer].name);
  }
  na_free(got);
}

static void activations_of_every_layer(void)
{
  bench b = bench_new(1, 33, 19, true);
  float unread[4096];
  na_workspace_keep(b.w, true);
  naive_net_forward(b.run, false);
  forward(&b, NA_MODE_BATCH, 0);
  for (int layer = 0; layer < b.net->layer_count; layer++) {
    check_activation(&b, layer, 0);
    check_activation(&b, layer, 18);
  }
  CHECK_FAILS(na_activation_read(b.w, 1, 19, unread, &b.err), NA_EINVAL, "no image 19", b.err);
  CHECK_FAILS(na_activation_read(b.w, -1, 0, unread, &b.err), NA_EINVAL, "no layer -1", b.err);
  pass(&b, NA_MODE_BATCH, 0);
  CHECK_FAILS(na_activation_read(b.w, 1, 0, unread, &b.err), NA_EINVAL, "not in memory", b.err);
  bench_free(&b);
  b = bench_new(1, 33, 19, false); /* evaluation keeps the logits alone */
  forward(&b, NA_MODE_EVAL, 0);
  CHECK_FAILS(na_activation_read(b.w, 1, 0, unread, &b.err), NA_EINVAL, "not in memory", b.err);
  CHECK_OK(na_activation_read(b.w, b.net->layer_count - 1, 0, unread, &b.err), b.err);
  bench_free(&b);
}

/* A weight that is not a number is found out in the loss, and its layer named. */
static void culprits(void)
{
  static const char *const layers[] = {"stem", "dw", "se", "project", "hidden", "dense", "classifier"};
  bench b = bench_new(1, 33, 19, true);
  pass(&b, NA_MODE_BATCH, 0);
  forward(&b, NA_MODE_BATCH, 0);
  CHECK(na_workspace_culprit(b.w) == -1, "a sound net has culprit %d", na_workspace_culprit(b.w));
  for (int k = 0; k < 7; k++) {
    int layer = layer_named(b.net, layers[k]);
    na_scores scores = {0};
    float *weight = &b.net->weights[b.net->params[b.net->layers[layer].weight].offset], kept = *weight;
    *weight = k % 2 == 0 ? NAN : INFINITY;
    forward(&b, NA_MODE_BATCH, 0);
    CHECK_OK(na_loss(b.w, &b.batch, 0.1, 1, &scores, &b.err), b.err);
    CHECK(!isfinite(scores.loss), "%s: the loss is %g all the same", layers[k], scores.loss);
    CHECK(na_workspace_culprit(b.w) == layer, "%s: culprit is layer %d, wanted %d", layers[k],
          na_workspace_culprit(b.w), layer);
    *weight = kept;
  }
  b.images[3] = NAN;
  forward(&b, NA_MODE_BATCH, 0);
  CHECK(na_workspace_culprit(b.w) == 0, "a NaN among the images: culprit %d", na_workspace_culprit(b.w));
  bench_free(&b);
}

/* Every layer and pass takes some time, which adds up, and nothing else changes. */
static void layers_are_timed_when_asked(void)
{
  bench plain = bench_new(1, 7, 7, true), timed = bench_new(1, 7, 7, true);
  int layers = plain.net->layer_count;
  double *seconds = lanes_memory(3 * (size_t)layers, sizeof *seconds), sum = 0, again = 0;
  na_workspace_time(timed.w, seconds);
  double loss = pass(&plain, NA_MODE_TRAIN, 5), other = pass(&timed, NA_MODE_TRAIN, 5);
  for (int i = 0; i < 2 * layers; i++) {
    CHECK((seconds[i] > 0) == (i % layers != 0), "layer %d took %g s", i % layers, seconds[i]);
    sum += seconds[i];
  }
  CHECK(loss == other, "losses %.9g and %.9g", loss, other);
  CHECK(memcmp(plain.net->grads, timed.net->grads, plain.net->values * sizeof(float)) == 0,
        "gradients differ");
  pass(&timed, NA_MODE_TRAIN, 6);
  for (int i = 0; i < 2 * layers; i++) again += seconds[i];
  CHECK(again > sum, "%g s, then %g s", sum, again);
  na_workspace_time(timed.w, NULL);
  pass(&timed, NA_MODE_TRAIN, 7);
  for (int i = 0; i < 2 * layers; i++) again -= seconds[i];
  CHECK(fabs(again) < 1e-12, "timed without being asked");
  bench_free(&plain);
  bench_free(&timed);
  na_free(seconds);
}

int main(void)
{
  RUN(masked_lanes_count_nowhere);
  RUN(neighbours_do_not_matter);
  RUN(alone_or_together);
  RUN(evaluation_uses_running_statistics);
  RUN(batch_mode_leaves_the_statistics);
  RUN(recalibration);
  RUN(gradients_add_up);
  RUN(dropout_rate);
  RUN(dropout_is_off_outside_training);
  RUN(dropblock_drops_a_share);
  RUN(losses);
  RUN(mixed_labels_gradient);
  RUN(a_teacher_in_the_loss);
  RUN(logits_outlive_backward);
  RUN(refusals);
  RUN(refusals_of_a_new_workspace);
  RUN(gated_inputs_have_no_other_readers);
  RUN(steps_allocate_nothing);
  RUN(failed_allocations);
  RUN(planned_bytes);
  RUN(same_bits_with_any_number_of_threads);
  RUN(activations_of_every_layer);
  RUN(culprits);
  RUN(layers_are_timed_when_asked);
  return CHECK_EXIT();
}
