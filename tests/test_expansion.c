/* An expansion and the depthwise convolution behind it, at once, against the two layers' own passes, whose
 * oracle is core/kernel/naive.h (test_gradients).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "core/layer/dense.h"
#include "lanes.h"
#include "small_nets.h"

#include "core/net/workspace.h"

#include <string.h>

/* Both sum the same floats in another order; b x and c are folded into small matrices. */
static const double GRADIENT = 2e-5;
/* Statistics come from x x^T; values are divided by a root of theirs. */
static const double VALUE = 4e-6;
/* Rounded products see the same x and W, but a g where the two passes see a g + b y + c. */
static const double ROUNDED_GRADIENT = 2e-2, ROUNDED_VALUE = 1e-5;

static double value_slack(const na_pass *pass) { return pass->products->rounded ? ROUNDED_VALUE : VALUE; }
static double gradient_slack(const na_pass *pass) { return pass->products->rounded ? ROUNDED_GRADIENT : GRADIENT; }

typedef struct shape {
  int in, middle, height, width, kernel, stride, images;
  na_activation act;
  bool accumulate, last, wanted, still;
} shape;

/* Every tensor with its vectors, parameters and gradients. */
typedef struct pair {
  const shape *shape;
  na_pass pass;
  na_tensor x, y, z;
  na_op expand, depthwise;
  double *squares;
  float *weight, *weight_grad, *taps, *taps_grad;
  na_needs needs;
} pair;

static void tensor_init(na_tensor *t, int channels, int height, int width, int blocks, na_activation act,
                        na_random *random)
{
  size_t n = (size_t)(channels + NA_LANES);
  *t = (na_tensor){.channels = channels, .height = height, .width = width, .act = act, .norm = true,
                   .lazy = true};
  t->stride = ((size_t)(blocks * height * width) | 1) * NA_LANES;
  t->data = lanes_floats(t->stride * (size_t)channels);
  t->grad = lanes_floats(t->stride * (size_t)channels);
  float **vectors[] = {&t->scale, &t->shift, &t->mean, &t->invstd, &t->a, &t->b, &t->c, &t->running_mean,
                       &t->running_var, &t->gamma_grad, &t->beta_grad};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) *vectors[i] = lanes_floats(n);
  float *gamma = lanes_floats(n), *beta = lanes_floats(n);
  lanes_fill(gamma, n, random, 0.5, 1.5);
  lanes_fill(beta, n, random, -0.5, 1);
  lanes_fill(t->running_mean, n, random, -0.2, 0.2);
  lanes_fill(t->running_var, n, random, 0.5, 2);
  t->gamma = gamma;
  t->beta = beta;
  t->sum = lanes_doubles(n);
  t->sum_x = lanes_doubles(n);
  t->estimate_mean = lanes_doubles(n);
  t->estimate_var = lanes_doubles(n);
}

static void tensor_free(na_tensor *t)
{
  void *all[] = {t->data, t->grad, t->scale, t->shift, t->mean, t->invstd, t->a, t->b, t->c,
                 t->running_mean, t->running_var, t->gamma_grad, t->beta_grad, t->sum, t->sum_x,
                 t->estimate_mean, t->estimate_var,
                 (void *)(uintptr_t)t->gamma, (void *)(uintptr_t)t->beta};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) na_free(all[i]);
}

static void pass_init(pair *p, na_team *team, const na_kernels *kernels, const na_products *products)
{
  const shape *s = p->shape;
  na_shape depthwise = {s->kernel, s->stride, s->kernel / 2, s->height, s->width, p->z.height, p->z.width};
  na_needs needs = {0};
  na_pointwise_needs(products, s->in, s->middle, &p->needs);
  na_expansion_needs(products, s->in, s->middle, &depthwise, true, &needs);
  na_add_needs(&p->needs, &needs);
  p->pass = (na_pass){.team = team, .kernels = kernels, .products = products,
                      .count = s->images, .blocks = lanes_blocks(s->images),
                      .batch_statistics = true, .base = true, .eps = 1e-5, .momentum = 0.1};
  int in_last = s->images - (p->pass.blocks - 1) * NA_LANES;
  p->pass.masked = in_last < NA_LANES;
  for (int l = 0; l < NA_LANES; l++) p->pass.lanes[l] = l < in_last ? 1.0f : 0.0f;
  p->pass.scratch = lanes_memory((size_t)na_team_size(team), sizeof *p->pass.scratch);
  for (int i = 0; i < na_team_size(team); i++) p->pass.scratch[i] = lanes_floats(p->needs.scratch);
  p->pass.packed = lanes_floats(p->needs.packed);
  p->pass.partial = lanes_floats(p->needs.partial);
  p->pass.moments = lanes_memory(NA_CHUNKS * p->needs.channels, sizeof *p->pass.moments);
  p->pass.sums = lanes_doubles(NA_CHUNKS * 2 * p->needs.channels);
}

static int outputs(int size, int kernel, int stride) { return (size + 2 * (kernel / 2) - kernel) / stride + 1; }

/* The input is itself lazy, so that its gradient is finished, too. */
static void pair_init(pair *p, const shape *s, na_team *team, const na_kernels *kernels,
                      const na_products *products)
{
  na_random random = na_random_at(11, (uint64_t)s->in, (uint64_t)s->middle);
  int blocks = lanes_blocks(s->images);
  size_t weights = (size_t)(s->in * s->middle), taps = (size_t)(s->middle * s->kernel * s->kernel);
  *p = (pair){.shape = s};
  tensor_init(&p->x, s->in, s->height, s->width, blocks, NA_ACT_IDENTITY, &random);
  tensor_init(&p->y, s->middle, s->height, s->width, blocks, s->act, &random);
  tensor_init(&p->z, s->middle, outputs(s->height, s->kernel, s->stride),
              outputs(s->width, s->kernel, s->stride), blocks, NA_ACT_RELU6, &random);
  p->y.still = s->still;
  lanes_fill(p->x.data, p->x.stride * (size_t)s->in, &random, -1, 2);
  lanes_fill(p->x.scale, (size_t)s->in, &random, 0.5, 1.5);
  lanes_fill(p->x.shift, (size_t)s->in, &random, -1, 1);
  p->squares = lanes_doubles((size_t)(s->in * (s->in + 1)));
  p->weight = lanes_floats(weights);
  p->weight_grad = lanes_floats(weights);
  p->taps = lanes_floats(taps);
  p->taps_grad = lanes_floats(taps);
  lanes_fill(p->weight, weights, &random, -1, 1);
  lanes_fill(p->taps, taps, &random, -1, 1);
  p->expand = (na_op){.in = &p->x, .out = &p->y, .kernel = 1, .stride = 1, .weight = p->weight,
                      .weight_grad = p->weight_grad, .row = (size_t)s->in, .wanted = {s->wanted},
                      .squares = p->squares, .accumulate = {s->accumulate}, .last = {s->last}};
  p->depthwise = (na_op){.in = &p->y, .out = &p->z, .kernel = s->kernel, .stride = s->stride,
                         .pad = s->kernel / 2, .weight = p->taps, .weight_grad = p->taps_grad,
                         .row = (size_t)(s->kernel * s->kernel), .wanted = {true}, .last = {true}};
  pass_init(p, team, kernels, products);
}

static void pair_free(pair *p)
{
  for (int i = 0; i < na_team_size(p->pass.team); i++) na_free(p->pass.scratch[i]);
  void *all[] = {p->squares, p->weight, p->weight_grad, p->taps, p->taps_grad, p->pass.scratch, p->pass.packed,
                 p->pass.partial, p->pass.moments, p->pass.sums};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) na_free(all[i]);
  tensor_free(&p->x);
  tensor_free(&p->y);
  tensor_free(&p->z);
}

/* A gradient of what consumers see, without the lanes that no image has. */
static void fill_gradient(const pair *p, na_tensor *t, uint64_t seed)
{
  na_random random = na_random_at(seed, 1, 2);
  int area = t->height * t->width;
  memset(t->grad, 0, t->stride * (size_t)t->channels * sizeof *t->grad);
  for (int c = 0; c < t->channels; c++)
    for (int n = 0; n < p->shape->images; n++)
      for (int i = 0; i < area; i++)
        t->grad[lanes_at(t->stride, c, n, i, area)] = (float)na_random_range(&random, -0.5, 1);
}

static void run_backward(pair *p, bool at_once)
{
  memset(p->weight_grad, 0, (size_t)(p->shape->in * p->shape->middle) * sizeof(float));
  memset(p->taps_grad, 0, (size_t)(p->shape->middle * p->shape->kernel * p->shape->kernel) * sizeof(float));
  for (int c = 0; c < p->shape->middle; c++)
    p->y.gamma_grad[c] = p->y.beta_grad[c] = p->z.gamma_grad[c] = p->z.beta_grad[c] = 0;
  fill_gradient(p, &p->x, 5);
  fill_gradient(p, &p->z, 6);
  for (int c = 0; c < p->z.channels; c++) na_finish_channel(&p->pass, &p->z, c);
  if (at_once) {
    na_expansion_backward(&p->pass, &p->expand, &p->depthwise);
    return;
  }
  na_depthwise_ops.backward(&p->pass, &p->depthwise);
  na_pointwise_ops.backward(&p->pass, &p->expand);
}

static void compare(const pair *p, const char *what, const float *got, const float *wanted, size_t count,
                    double slack)
{
  double worst = 0, largest = 1e-6;
  for (size_t i = 0; i < count; i++) {
    largest = fmax(largest, fabs((double)wanted[i]));
    worst = fmax(worst, isnan(got[i]) ? HUGE_VAL : fabs((double)got[i] - (double)wanted[i]));
  }
  const shape *s = p->shape;
  CHECK(worst <= slack * largest, "%s, %s: %d->%d at %dx%d, %dx%d stride %d, %d images: %s off by %.2g of %.2g",
        p->pass.kernels->name, p->pass.products->name, s->in, s->middle, s->height, s->width, s->kernel,
        s->kernel, s->stride,
        s->images, what, worst, largest);
}

/* Sums of the input's finished gradients g, or of g (x - mean): many of either sign. */
static void compare_sums(const pair *p, const char *what, const double *got, const double *wanted)
{
  for (int c = 0; c < p->shape->in; c++) {
    const float *grad = p->x.grad + (size_t)c * p->x.stride, *data = p->x.data + (size_t)c * p->x.stride;
    double scale = 0;
    for (size_t i = 0; i < p->x.stride; i++)
      scale += fabs((double)grad[i]) * (1 + fabs((double)data[i]));
    CHECK(fabs(got[c] - wanted[c]) <= gradient_slack(&p->pass) * scale, "%s: %s off by %.2g of %.2g",
          p->pass.kernels->name, what, got[c] - wanted[c], scale);
  }
}

static void run_forward(pair *p, bool at_once)
{
  if (at_once) {
    /* Nothing of the middle may be read that was not computed. */
    lanes_fill(p->y.data, p->y.stride * (size_t)p->y.channels, &(na_random){0}, NAN, NAN);
    na_expansion_forward(&p->pass, &p->expand, &p->depthwise);
    return;
  }
  na_pointwise_ops.forward(&p->pass, &p->expand);
  na_depthwise_ops.forward(&p->pass, &p->depthwise);
}

/* The output, without what is in lanes of no image, and both norms. */
static void compare_forward(const pair *got, const pair *wanted)
{
  const na_tensor *z = &got->z;
  int area = z->height * z->width;
  size_t count = (size_t)(z->channels * got->shape->images * area), at = 0;
  float *values[2] = {lanes_floats(count), lanes_floats(count)};
  for (int c = 0; c < z->channels; c++)
    for (int n = 0; n < got->shape->images; n++)
      for (int i = 0; i < area; i++, at++) {
        values[0][at] = z->data[lanes_at(z->stride, c, n, i, area)];
        values[1][at] = wanted->z.data[lanes_at(z->stride, c, n, i, area)];
      }
  compare(got, "output", values[0], values[1], count, value_slack(&got->pass));
  const na_tensor *ours[] = {&got->y, z}, *theirs[] = {&wanted->y, &wanted->z};
  for (int i = 0; i < 2; i++) {
    size_t channels = (size_t)z->channels;
    compare(got, "scales", ours[i]->scale, theirs[i]->scale, channels, value_slack(&got->pass));
    compare(got, "shifts", ours[i]->shift, theirs[i]->shift, channels, value_slack(&got->pass));
    compare(got, "running means", ours[i]->running_mean, theirs[i]->running_mean, channels, value_slack(&got->pass));
    compare(got, "running variances", ours[i]->running_var, theirs[i]->running_var, channels,
            value_slack(&got->pass));
  }
  na_free(values[0]);
  na_free(values[1]);
}

static void compare_backward(const pair *got, const pair *wanted)
{
  const shape *s = got->shape;
  size_t middle = (size_t)s->middle, in = (size_t)s->in, taps = middle * (size_t)(s->kernel * s->kernel);
  compare(got, "expansion's weights", got->weight_grad, wanted->weight_grad, in * middle, gradient_slack(&got->pass));
  compare(got, "depthwise weights", got->taps_grad, wanted->taps_grad, taps, gradient_slack(&got->pass));
  compare(got, "gammas", got->y.gamma_grad, wanted->y.gamma_grad, middle, gradient_slack(&got->pass));
  compare(got, "betas", got->y.beta_grad, wanted->y.beta_grad, middle, gradient_slack(&got->pass));
  compare(got, "input's gradient", got->x.grad, wanted->x.grad, got->x.stride * in, gradient_slack(&got->pass));
  if (s->wanted && s->last) {
    compare_sums(got, "input's sum", got->x.sum, wanted->x.sum);
    compare_sums(got, "input's sum_x", got->x.sum_x, wanted->x.sum_x);
  }
}

/* A value beside an activation's kink is on either side of it, by rounding: backward starts from the same. */
static void copy_forward(const pair *from, pair *to)
{
  const na_tensor *ours[] = {&from->y, &from->z};
  na_tensor *theirs[] = {&to->y, &to->z};
  for (int i = 0; i < 2; i++) {
    size_t bytes = (size_t)ours[i]->channels * sizeof(float);
    memcpy(theirs[i]->scale, ours[i]->scale, bytes);
    memcpy(theirs[i]->shift, ours[i]->shift, bytes);
    memcpy(theirs[i]->mean, ours[i]->mean, bytes);
    memcpy(theirs[i]->invstd, ours[i]->invstd, bytes);
  }
  memcpy(to->z.data, from->z.data, to->z.stride * (size_t)to->z.channels * sizeof(float));
}

static void check_shape(const shape *s, na_team *team, const na_kernels *kernels, const na_products *products)
{
  pair one, two;
  pair_init(&one, s, team, kernels, products);
  pair_init(&two, s, team, kernels, products);
  one.pass.update_running = two.pass.update_running = true;
  for (int i = 0; i < 2; i++) run_forward(i == 0 ? &one : &two, i == 1);
  compare_forward(&two, &one);
  copy_forward(&two, &one);
  for (int i = 0; i < 2; i++) run_backward(i == 0 ? &one : &two, i == 1);
  compare_backward(&two, &one);
  /* By running statistics, as in evaluation. */
  one.pass.batch_statistics = two.pass.batch_statistics = false;
  for (int i = 0; i < 2; i++) run_forward(i == 0 ? &one : &two, i == 1);
  compare_forward(&two, &one);
  pair_free(&one);
  pair_free(&two);
}

static void one_pass_equals_two(void)
{
  static const int kernels[] = {3, 3, 5, 7, 2}, planes[][2] = {{9, 9}, {20, 13}, {5, 150}, {12, 36}, {1, 1}};
  static const int channels[][2] = {{3, 5}, {8, 24}, {16, 16}, {21, 50}, {2, 70}};
  static const na_activation acts[] = {NA_ACT_RELU6, NA_ACT_HSWISH, NA_ACT_RELU, NA_ACT_IDENTITY};
  static const int images[] = {32, 17, 3, 16};
  na_error err = {0};
  na_team *team;
  CHECK_OK(na_team_new(&team, 2, &err), err);
  const na_kernels *k;
  for (int set = 0; (k = na_kernels_running(set)) != NULL; set++)
    for (int v = 0; v < 60; v++) {
      shape s = {.in = channels[v % 5][0], .middle = channels[v % 5][1], .height = planes[v / 2 % 5][0],
                 .width = planes[v / 2 % 5][1], .kernel = kernels[v / 3 % 5], .stride = 1 + v % 2,
                 .images = images[v / 5 % 4], .act = acts[v / 4 % 4], .accumulate = v % 3 == 1,
                 .last = v % 3 != 2, .wanted = v % 7 != 6, .still = v % 11 == 10};
      const na_products *own = k->products[NA_BF16], *best = na_products_best(k, NA_BF16);
      check_shape(&s, team, k, na_float32(k));
      if (v % 4 == 0) check_shape(&s, team, k, own);
      if (v % 3 == 0 && best != own) check_shape(&s, team, k, best);
    }
  na_team_free(team);
}

/* ------------------------------------------------------------------------------ in a network */

enum { SIDE = 48, IMAGES = 17, NARROW = 4, MIDDLE = 32, CLASSES = 4 };

static int fixed(na_net *net, const char *name, int value)
{
  na_error err = {0};
  int dim = na_net_fixed(net, name, value, &err);
  CHECK(dim >= 0, "%s: %s", name, err.message);
  return dim;
}

static na_layer_spec normed(na_layer_kind kind, const char *name, int out, int kernel, na_activation act)
{
  na_layer_spec spec = na_layer_spec_init(kind, name);
  spec.out = out;
  spec.kernel = kernel;
  spec.stride = 1;
  spec.norm = true;
  spec.act = act;
  return spec;
}

/* An inverted block with its shortcut, large enough for its passes to be one. */
static na_net *inverted_block(int kernel, na_activation act)
{
  na_error err = {0};
  na_net *net;
  CHECK_OK(na_net_new(&net, "inverted", 3, SIDE, SIDE, CLASSES, &err), err);
  int narrow = fixed(net, "narrow", NARROW), middle = fixed(net, "middle", MIDDLE);
  int stem = small_net_add(net, normed(NA_CONV, "stem", narrow, 3, NA_ACT_IDENTITY), 0, -1);
  int wide = small_net_add(net, normed(NA_CONV, "expand", middle, 1, act), stem, -1);
  wide = small_net_add(net, normed(NA_DEPTHWISE, "depthwise", middle, kernel, act), wide, -1);
  int out = small_net_add(net, normed(NA_CONV, "project", narrow, 1, NA_ACT_IDENTITY), wide, -1);
  out = small_net_add(net, na_layer_spec_init(NA_ADD, "add"), stem, out);
  out = small_net_add(net, na_layer_spec_init(NA_GLOBALPOOL, "pool"), out, -1);
  na_layer_spec linear = na_layer_spec_init(NA_LINEAR, "classifier");
  linear.out = fixed(net, "classes", CLASSES);
  linear.bias = true;
  small_net_add(net, linear, out, -1);
  CHECK_OK(na_net_finish(net, &err), err);
  small_net_fill(net, 3);
  return net;
}

/* Who watches the gradients sees that of the middle, too: where outputs are kept, it is written. */
static void count_layer(void *context, int layer)
{
  (void)layer;
  ++*(int *)context;
}

/* Until the loss. The images, which the caller frees after the backward pass. */
static float *forward_network(na_net *net, na_workspace *w, bool kept)
{
  na_error err = {0};
  int count = IMAGES, blocks = lanes_blocks(count), labels[IMAGES];
  size_t floats = (size_t)blocks * 3 * SIDE * SIDE * NA_LANES;
  float *images = lanes_floats(floats);
  na_random random = na_random_at(7, 8, 9);
  lanes_fill(images, floats, &random, -1, 1);
  for (int i = 0; i < count; i++) labels[i] = i % CLASSES;
  na_batch batch = {.count = count, .blocks = blocks, .images = images, .labels = labels};
  int *widths = lanes_memory((size_t)net->dim_count, sizeof *widths);
  na_net_base(net, widths);
  na_scores scores;
  memset(net->grads, 0, net->values * sizeof(float));
  na_workspace_keep(w, kept);
  CHECK_OK(na_forward(w, widths, NA_MODE_TRAIN, &batch, 1, &err), err);
  CHECK_OK(na_loss(w, &batch, 0.1, 1, &scores, &err), err);
  na_free(widths);
  return images;
}

static void run_network(na_net *net, na_workspace *w, bool watched, float *grads)
{
  na_error err = {0};
  int seen = 0;
  float *images = forward_network(net, w, watched);
  na_workspace_watch(w, count_layer, &seen);
  if (!watched) CHECK_FAILS(na_backward(w, &err), NA_EINVAL, "outputs are kept", err);
  if (!watched) na_workspace_watch(w, NULL, NULL);
  CHECK_OK(na_backward(w, &err), err);
  CHECK(seen == (watched ? net->layer_count - 1 : 0), "%d layers were seen", seen);
  memcpy(grads, net->grads, net->values * sizeof(float));
  na_free(images);
}

static void networks_train_the_same(void)
{
  na_error err = {0};
  na_team *team;
  na_workspace *w;
  CHECK_OK(na_team_new(&team, 2, &err), err);
  na_net *net = inverted_block(3, NA_ACT_RELU6);
  CHECK_OK(na_workspace_new(&w, net, team, IMAGES, true, &err), err);
  float *once = lanes_floats(net->values), *again = lanes_floats(net->values);
  float *apart = lanes_floats(net->values);
  double *seconds = lanes_doubles(4 * (size_t)net->layer_count);
  na_workspace_time(w, seconds);
  run_network(net, w, false, once);
  for (int pass = 0; pass < 2; pass++)
    CHECK(seconds[pass * net->layer_count + 2] == 0 && seconds[(2 + pass) * net->layer_count + 3] > 0,
          "pass %d of the expansion and the depthwise layer is one", pass);
  float unread[SIDE * SIDE * MIDDLE];
  CHECK_FAILS(na_activation_read(w, 2, 0, unread, &err), NA_EINVAL, "not in memory", err);
  run_network(net, w, true, apart);
  CHECK(seconds[2] > 0 && seconds[net->layer_count + 2] > 0, "not when outputs are kept");
  run_network(net, w, false, again);
  double worst = 0, largest = 0;
  for (size_t i = 0; i < net->values; i++) {
    largest = fmax(largest, fabs((double)apart[i]));
    worst = fmax(worst, fabs((double)once[i] - (double)apart[i]));
  }
  CHECK(largest > 0 && worst <= GRADIENT * largest, "gradients off by %.2g of %.2g", worst, largest);
  CHECK(memcmp(once, again, net->values * sizeof(float)) == 0, "the same bits again");
  na_workspace_free(w);
  na_team_free(team);
  CHECK_OK(na_team_new(&team, 3, &err), err);
  CHECK_OK(na_workspace_new(&w, net, team, IMAGES, true, &err), err);
  run_network(net, w, false, again);
  CHECK(memcmp(once, again, net->values * sizeof(float)) == 0, "the same bits with three threads");
  na_free(once);
  na_free(again);
  na_free(apart);
  na_free(seconds);
  na_workspace_free(w);
  na_net_free(net);
  na_team_free(team);
}

/* |a - b| / |b|, as vectors. */
static double distance(const float *a, const float *b, size_t count)
{
  double difference = 0, length = 0;
  for (size_t i = 0; i < count; i++) {
    difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    length += (double)b[i] * (double)b[i];
  }
  return sqrt(difference / length);
}

/* The precision changes with the next pass; gradients, and the outputs that are stored rounded, are close to those of
 * float32, and not the same. */
static void check_rounded(int kernel, na_activation act)
{
  enum { VALUES = SIDE * SIDE * MIDDLE, PROJECT = 4 };
  na_error err = {0};
  na_team *team;
  na_workspace *w;
  na_net *net = inverted_block(kernel, act);
  float *exact = lanes_floats(net->values), *rounded = lanes_floats(net->values), *again = lanes_floats(net->values);
  float *seen[2] = {lanes_floats(VALUES), lanes_floats(VALUES)};
  for (int threads = 1; threads <= 3; threads += 2)
    for (int kept = 0; kept < 2; kept++) {
      CHECK_OK(na_team_new(&team, threads, &err), err);
      CHECK_OK(na_workspace_new(&w, net, team, IMAGES, true, &err), err);
      run_network(net, w, kept, exact);
      na_workspace_precision(w, NA_BF16);
      run_network(net, w, kept, rounded);
      double off = distance(rounded, exact, net->values);
      CHECK(off > 1e-4 && off < 2e-2, "gradients are %.2g of their length off, %s", off, kept ? "kept" : "at once");
      if (threads > 1) CHECK(kept || memcmp(rounded, again, net->values * sizeof(float)) == 0, "the same bits");
      if (!kept) memcpy(again, rounded, net->values * sizeof(float));
      na_workspace_precision(w, NA_FLOAT32);
      run_network(net, w, kept, rounded);
      CHECK(memcmp(exact, rounded, net->values * sizeof(float)) == 0, "float32 again");
      na_workspace_free(w);
      na_team_free(team);
    }
  CHECK_OK(na_team_new(&team, 1, &err), err);
  CHECK_OK(na_workspace_new(&w, net, team, IMAGES, true, &err), err);
  for (int layer = 2; layer <= PROJECT; layer++) {
    for (int p = 0; p < NA_PRECISIONS; p++) {
      na_workspace_precision(w, (na_precision)p);
      na_free(forward_network(net, w, true));
      CHECK_OK(na_activation_read(w, layer, IMAGES - 1, seen[p], &err), err);
    }
    double off = distance(seen[1], seen[0], (size_t)(SIDE * SIDE * (layer == PROJECT ? NARROW : MIDDLE)));
    CHECK(off > 1e-4 && off < 1e-2, "layer %d is %.2g of its length off", layer, off);
  }
  na_workspace_free(w);
  na_team_free(team);
  na_net_free(net);
  float *all[] = {exact, rounded, again, seen[0], seen[1]};
  for (int i = 0; i < 5; i++) na_free(all[i]);
}

/* Gradients finished in the registers, and afterwards. */
static void rounded_networks_are_close(void)
{
  check_rounded(3, NA_ACT_RELU6);
  check_rounded(5, NA_ACT_HSWISH);
}

int main(void)
{
  RUN(one_pass_equals_two);
  RUN(networks_train_the_same);
  RUN(rounded_networks_are_close);
  return CHECK_EXIT();
}
