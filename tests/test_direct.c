/* Direct convolution of rounded operands as a layer, of every arithmetic that this processor has, against the
 * naive oracle on the same rounded operands: of multiples of small powers of two, so that only sums differ. And
 * that it is what float32 convolutions compute, but for the rounding.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_cases.h"

#include "core/layer/direct.h"

static const na_products *products; /* under test */
static na_team *team;

typedef struct shape {
  int in, out, h, w, k, s, images;
} shape;

static const shape shapes[] = {
    {3, 5, 7, 5, 3, 1, 19},    {16, 16, 8, 8, 3, 1, 32},   {20, 24, 9, 9, 3, 2, 17},  {33, 70, 5, 7, 3, 1, 16},
    {70, 33, 7, 7, 1, 2, 21},  {17, 8, 11, 6, 5, 1, 7},    {8, 17, 11, 9, 5, 2, 16},  {9, 12, 10, 13, 7, 2, 19},
    {24, 3, 9, 5, 7, 1, 5},    {40, 20, 32, 32, 3, 1, 17}, {12, 18, 31, 33, 3, 2, 5}, {64, 48, 1, 1, 3, 1, 3},
    {16, 16, 2, 3, 3, 2, 33},  {12, 10, 10, 11, 5, 3, 4},  {48, 32, 8, 8, 1, 2, 32},  {8, 9, 4, 66, 3, 1, 2},
    {65, 16, 16, 16, 3, 1, 16}, {8, 9, 4, 4, 3, 1, 288},   {9, 8, 5, 4, 3, 2, 290}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* A layer between two tensors, and what the oracle says. */
typedef struct layer {
  const shape *shape;
  na_naive_window win;
  input in;
  float *gate;
  na_tensor x, y, squeezed;
  na_op op;
  na_pass pass;
  na_needs needs;
  float *weight, *weight_grad;
  double *wanted_y, *wanted_dx, *wanted_dw;
} layer;

static double rounded(float x) { return (double)na_bf16(x); }

static void fill(float *to, size_t count, float value)
{
  for (size_t i = 0; i < count; i++) to[i] = value;
}

/* Memory full of NaN with a border: what nobody writes must not be seen. */
static float *unwritten(size_t floats)
{
  float *memory = bordered(floats);
  fill(memory, floats, NAN);
  return memory;
}

static void check_end(const layer *l, const float *memory, size_t floats, const char *what)
{
  for (size_t i = floats; i < floats + BORDER; i++)
    CHECK(memory[i] == UNTOUCHED, "%s: %s: %d -> %d of %dx%d is written beyond its end", products->name, what,
          l->shape->in, l->shape->out, l->shape->h, l->shape->w);
}

static void tensor_init(na_tensor *t, int channels, int h, int w, int images)
{
  size_t c = (size_t)channels;
  *t = (na_tensor){.channels = channels, .height = h, .width = w};
  t->stride = ((size_t)(lanes_blocks(images) * h * w) | 1) * NA_LANES;
  t->grad = lanes_floats(t->stride * c);
  float **vectors[] = {&t->a, &t->b, &t->c, &t->mean, &t->invstd, &t->gamma_grad, &t->beta_grad};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) *vectors[i] = lanes_floats(c);
  t->sum = lanes_doubles(c);
  t->sum_x = lanes_doubles(c);
}

static void tensor_free(na_tensor *t)
{
  void *all[] = {t->grad, t->a, t->b, t->c, t->mean, t->invstd, t->gamma_grad, t->beta_grad, t->sum, t->sum_x};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) na_free(all[i]);
}

static void layer_values(layer *l, int variant, na_random *random)
{
  const na_naive_window *w = &l->win;
  size_t taps = (size_t)(w->k * w->k), weights = (size_t)(w->o * w->i) * taps;
  /* Activations that are exact, or whose kinks lie between coarse values. */
  static const int variants[] = {0, 1, 2, 5, 6, 7};
  l->in = coarse_input(w->i, w->n, w->h, w->w, variants[variant % 6], random);
  tensor_init(&l->x, w->i, w->h, w->w, w->n);
  tensor_init(&l->y, w->o, w->p, w->q, w->n);
  l->x.data = l->in.data;
  l->x.act = l->in.view.act;
  l->x.lazy = l->in.view.scale != NULL;
  l->x.scale = l->in.scale;
  l->x.shift = l->in.shift;
  l->squeezed = (na_tensor){.data = l->in.gate, .stride = l->in.view.gate_stride};
  l->y.data = unwritten(l->y.stride * (size_t)w->o);
  l->y.scale = lanes_floats((size_t)w->o);
  l->y.shift = lanes_floats((size_t)w->o);
  float *gamma = lanes_floats((size_t)w->o), *beta = lanes_floats((size_t)w->o);
  fill(gamma, (size_t)w->o, 1);
  l->y.gamma = gamma;
  l->y.beta = beta;
  l->weight = lanes_floats(weights);
  l->weight_grad = lanes_floats(weights);
  lanes_fill(l->weight, weights, random, -1, 1);
  /* Masked lanes hold anything finite. */
  lanes_fill(l->y.grad, l->y.stride * (size_t)w->o, random, -1, 1);
  l->op = (na_op){.in = &l->x, .out = &l->y, .gate = l->in.view.gate != NULL ? &l->squeezed : NULL, .kernel = w->k,
                  .stride = w->s, .pad = w->k / 2, .weight = l->weight, .weight_grad = l->weight_grad,
                  .row = (size_t)w->i * taps, .wanted = {true}};
}

static void layer_oracle(layer *l)
{
  const na_naive_window *w = &l->win;
  size_t weights = (size_t)(w->o * w->i * w->k * w->k), xs = (size_t)(w->n * w->i * w->h * w->w);
  size_t ys = (size_t)(w->n * w->o * w->p * w->q);
  double *x = lanes_doubles(xs), *weight = lanes_doubles(weights), *dy = lanes_doubles(ys);
  l->wanted_y = lanes_doubles(ys);
  l->wanted_dx = lanes_doubles(xs);
  l->wanted_dw = lanes_doubles(weights);
  input_see(&l->in);
  for (size_t i = 0; i < xs; i++) x[i] = rounded((float)l->in.seen[i]);
  for (size_t i = 0; i < weights; i++) weight[i] = rounded(l->weight[i]);
  for (int n = 0; n < w->n; n++)
    for (int c = 0; c < w->o; c++)
      for (int p = 0; p < w->p * w->q; p++)
        dy[lanes_index(n, c, w->o, p, w->p * w->q)] =
            rounded(l->y.grad[lanes_at(l->y.stride, c, n, p, w->p * w->q)]);
  na_naive_conv(w, x, weight, l->wanted_y);
  na_naive_conv_backward(w, x, weight, dy, l->wanted_dx, l->wanted_dw);
  na_free(x);
  na_free(weight);
  na_free(dy);
}

static void layer_init(layer *l, const shape *s, int variant)
{
  na_random random = na_random_at(5, 6, (uint64_t)variant);
  *l = (layer){.shape = s, .win = na_naive_window_of(s->images, s->in, s->out, s->h, s->w, s->k, s->s)};
  layer_values(l, variant, &random);
  layer_oracle(l);
  na_pass *p = &l->pass;
  *p = (na_pass){.team = team, .kernels = na_kernels_best(), .count = s->images, .blocks = lanes_blocks(s->images),
                 .batch_statistics = true, .eps = 1e-5};
  int in_last = s->images - (p->blocks - 1) * NA_LANES;
  p->masked = in_last < NA_LANES;
  for (int i = 0; i < NA_LANES; i++) p->lanes[i] = i < in_last;
  na_shape window = na_op_shape(&l->op);
  l->needs = (na_needs){.channels = (size_t)(s->in > s->out ? s->in : s->out)};
  na_direct_needs(s->in, s->out, &window, &l->needs);
  p->scratch = lanes_memory((size_t)na_team_size(team), sizeof *p->scratch);
  p->moments = lanes_memory(NA_CHUNKS * l->needs.channels, sizeof *p->moments);
  p->sums = lanes_doubles(NA_CHUNKS * 2 * l->needs.channels);
}

/* What a pass may use: as much as it says, unwritten. */
static void layer_memory(layer *l)
{
  for (int i = 0; i < na_team_size(team); i++) l->pass.scratch[i] = unwritten(l->needs.scratch);
  l->pass.packed = unwritten(l->needs.packed);
  l->pass.partial = unwritten(l->needs.partial);
  l->pass.products = products;
}

static void layer_memory_end(layer *l)
{
  for (int i = 0; i < na_team_size(team); i++) {
    check_end(l, l->pass.scratch[i], l->needs.scratch, "scratch");
    na_free(l->pass.scratch[i]);
  }
  check_end(l, l->pass.packed, l->needs.packed, "packed");
  check_end(l, l->pass.partial, l->needs.partial, "partial");
  na_free(l->pass.packed);
  na_free(l->pass.partial);
}

static void layer_free(layer *l)
{
  void *all[] = {l->y.data, l->y.scale, l->y.shift, (void *)(uintptr_t)l->y.gamma, (void *)(uintptr_t)l->y.beta,
                 l->weight, l->weight_grad, l->wanted_y, l->wanted_dx, l->wanted_dw, l->pass.scratch,
                 l->pass.moments, l->pass.sums};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) na_free(all[i]);
  tensor_free(&l->x);
  tensor_free(&l->y);
  input_free(&l->in);
}

static void check_result(const layer *l, const worst *w, double tolerance, const char *what)
{
  const shape *s = l->shape;
  CHECK(!w->nan && w->difference <= tolerance * fmax(w->magnitude, 1),
        "%s: %s: %d -> %d channels, %d images of %dx%d, kernel %d, stride %d: off by %.3g of %.3g", products->name,
        what, s->in, s->out, s->images, s->h, s->w, s->k, s->s, w->difference, w->magnitude);
}

/* A tensor's rows against wanted[image][channel][pixel], on top of `more`. */
static worst compare_rows(const float *rows, const na_tensor *t, const double *wanted, int images, double more)
{
  worst w = {0};
  int area = t->height * t->width;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < t->channels; c++)
      for (int p = 0; p < area; p++)
        compare(&w, (double)rows[lanes_at(t->stride, c, n, p, area)],
                more + wanted[lanes_index(n, c, t->channels, p, area)]);
  return w;
}

static void check_statistics(const layer *l)
{
  const na_naive_window *w = &l->win;
  double *mean = lanes_doubles((size_t)w->o), *var = lanes_doubles((size_t)w->o);
  na_naive_moments(w->n, w->o, w->p * w->q, l->wanted_y, mean, var);
  worst means = {0}, spreads = {0};
  for (int c = 0; c < w->o; c++) {
    means.magnitude = fmax(means.magnitude, sqrt(var[c]));
    compare(&means, (double)l->y.mean[c], mean[c]);
    compare(&spreads, 1 / pow((double)l->y.invstd[c], 2), var[c] + l->pass.eps);
  }
  check_result(l, &means, BACKWARD, "means");
  check_result(l, &spreads, BACKWARD, "variances");
  na_free(mean);
  na_free(var);
}

static void check_forward(layer *l)
{
  fill(l->y.data, l->y.stride * (size_t)l->y.channels, NAN);
  l->y.norm = true;
  layer_memory(l);
  na_direct_forward(&l->pass, &l->op);
  layer_memory_end(l);
  worst w = compare_rows(l->y.data, &l->y, l->wanted_y, l->shape->images, 0);
  check_result(l, &w, FORWARD, "forward");
  check_statistics(l);
}

/* The gradient of y comes as it is; that of x alone, on top of others, or not at all. */
static void check_backward(layer *l, bool wanted, bool accumulate)
{
  size_t weights = (size_t)(l->win.o * l->win.i * l->win.k * l->win.k), xs = l->x.stride * (size_t)l->x.channels;
  fill(l->weight_grad, weights, 2);
  fill(l->x.grad, xs, accumulate ? 3 : NAN);
  l->y.norm = false;
  l->op.wanted[0] = wanted;
  l->op.accumulate[0] = accumulate;
  layer_memory(l);
  na_direct_backward(&l->pass, &l->op);
  layer_memory_end(l);
  worst w = {0};
  for (size_t i = 0; i < weights; i++) compare(&w, (double)l->weight_grad[i], 2 + l->wanted_dw[i]);
  check_result(l, &w, BACKWARD, "weights' gradient");
  if (!wanted) return;
  w = compare_rows(l->x.grad, &l->x, l->wanted_dx, l->shape->images, accumulate ? 3 : 0);
  check_result(l, &w, BACKWARD, "input's gradient");
}

/* The last of its consumers finishes the input's gradient, with its sums, on top of the others'. */
static void check_finished(layer *l, bool accumulate)
{
  const na_naive_window *w = &l->win;
  double *wanted = lanes_doubles((size_t)(w->n * w->i * w->h * w->w));
  double others = accumulate ? 3 : 0, sums = 0;
  worst first = {0}, second = {0};
  l->x.norm = l->op.wanted[0] = l->op.last[0] = true;
  l->op.accumulate[0] = accumulate;
  memset(l->x.grad, 0, l->x.stride * (size_t)w->i * sizeof *l->x.grad);
  for (int c = 0; c < w->i; c++) l->x.mean[c] = 0.125f * (float)(c % 8);
  for (int n = 0; n < w->n; n++)
    for (int c = 0; c < w->i; c++)
      for (int p = 0; p < w->h * w->w; p++)
        l->x.grad[lanes_at(l->x.stride, c, n, p, w->h * w->w)] = (float)others;
  layer_memory(l);
  na_direct_backward(&l->pass, &l->op);
  layer_memory_end(l);
  for (int c = 0; c < w->i; c++) {
    na_finish how = na_tensor_finish(&l->x, c);
    double sum = 0, sum_x = 0;
    for (int n = 0; n < w->n; n++)
      for (int p = 0; p < w->h * w->w; p++) {
        size_t at = lanes_index(n, c, w->i, p, w->h * w->w);
        double x = (double)how.data[lanes_at(0, 0, n, p, w->h * w->w)];
        wanted[at] = (others + l->wanted_dx[at]) *
                     na_naive_act_slope(how.act, (double)how.scale * x + (double)how.shift);
        sum += wanted[at];
        sum_x += wanted[at] * (x - (double)how.mean);
        sums += fabs(wanted[at]) / w->i;
      }
    compare(&first, l->x.sum[c], sum);
    compare(&second, l->x.sum_x[c], sum_x);
  }
  worst dx = compare_rows(l->x.grad, &l->x, wanted, w->n, 0);
  first.magnitude = second.magnitude = sums;
  check_result(l, &dx, BACKWARD, "finished gradient");
  check_result(l, &first, BACKWARD, "sum of the finished gradient");
  check_result(l, &second, BACKWARD, "sum_x of the finished gradient");
  l->x.norm = l->op.last[0] = false;
  na_free(wanted);
}

static void against_oracle(void)
{
  for (int v = 0; v < SHAPES; v++) {
    layer l;
    layer_init(&l, &shapes[v], v);
    for (int i = 0; (products = na_products_running(i)) != NULL; i++) {
      if (products->direct == NULL) continue;
      check_forward(&l);
      check_backward(&l, true, v % 2 == 0);
      check_backward(&l, v % 3 == 0, v % 2 != 0);
      check_finished(&l, v % 2 != 0);
    }
    layer_free(&l);
  }
}

/* Results that are too large for the caches are written past them. */
static void large_results(void)
{
  static const shape large = {4, 70, 40, 40, 3, 1, 48};
  layer l;
  layer_init(&l, &large, 0);
  CHECK(na_tensor_streams(&l.pass, &l.y), "the case is large");
  for (int i = 0; (products = na_products_running(i)) != NULL; i++)
    if (products->direct != NULL) check_forward(&l);
  layer_free(&l);
}

/* Everything that a layer has, in both precisions, as one of a network: normalised, and finished. */
static void run_window(layer *l, const na_products *with, float *y, float *dx, float *dw)
{
  size_t weights = (size_t)(l->win.o * l->win.i * l->win.k * l->win.k);
  na_shape window = na_op_shape(&l->op);
  l->needs = (na_needs){0};
  na_window_needs(l->pass.kernels, with, l->win.i, l->win.o, &window, &l->needs);
  products = with;
  l->y.norm = l->x.norm = true;
  l->op.last[0] = l->op.wanted[0] = true;
  fill(l->weight_grad, weights, 0);
  fill(l->y.data, l->y.stride * (size_t)l->y.channels, 0); /* between channels, too */
  layer_memory(l);
  na_window_ops.forward(&l->pass, &l->op);
  memcpy(y, l->y.data, l->y.stride * (size_t)l->y.channels * sizeof *y);
  for (int c = 0; c < l->y.channels; c++) {
    l->y.sum[c] = 0.25 * c;
    l->y.sum_x[c] = 1 - 0.125 * c;
  }
  na_window_ops.backward(&l->pass, &l->op);
  layer_memory_end(l);
  memcpy(dx, l->x.grad, l->x.stride * (size_t)l->x.channels * sizeof *dx);
  memcpy(dw, l->weight_grad, weights * sizeof *dw);
}

static void check_near(const layer *l, const float *got, const float *wanted, size_t count, const char *what)
{
  worst w = {0};
  double square = 0;
  for (size_t i = 0; i < count; i++) {
    compare(&w, (double)got[i], (double)wanted[i]);
    square += pow((double)got[i] - (double)wanted[i], 2);
  }
  check_result(l, &w, 1e-2, what);
  CHECK(square > 0, "%s: %s is that of float32: it was not rounded", products->name, what);
}

static void against_float32(void)
{
  static const shape some[] = {{16, 24, 12, 12, 3, 1, 32}, {20, 32, 9, 9, 3, 2, 19}, {32, 16, 8, 8, 1, 2, 32}};
  for (int v = 0; v < 3; v++) {
    layer l;
    layer_init(&l, &some[v], 1); /* relu, scaled */
    size_t ys = l.y.stride * (size_t)l.y.channels, xs = l.x.stride * (size_t)l.x.channels;
    size_t weights = (size_t)(l.win.o * l.win.i * l.win.k * l.win.k);
    lanes_fill(l.x.data, xs, &(na_random){0}, -2, 2);
    float *y[2], *dx[2], *dw[2], *invstd = l.x.invstd;
    fill(l.x.grad, xs, 0);
    for (int i = 0; i < 2; i++) {
      y[i] = lanes_floats(ys);
      dx[i] = lanes_floats(xs);
      dw[i] = lanes_floats(weights);
    }
    fill(invstd, (size_t)l.x.channels, 1);
    run_window(&l, na_float32(l.pass.kernels), y[0], dx[0], dw[0]);
    double sum = l.x.sum[0];
    run_window(&l, na_products_best(l.pass.kernels, NA_BF16), y[1], dx[1], dw[1]);
    CHECK(fabs(sum - l.x.sum[0]) <= 1e-2 * fmax(fabs(sum), 100), "sums of the finished gradient");
    if (!l.pass.masked) check_near(&l, y[1], y[0], ys, "forward");
    check_near(&l, dx[1], dx[0], xs, "input's gradient");
    check_near(&l, dw[1], dw[0], weights, "weights' gradient");
    for (int i = 0; i < 2; i++) {
      na_free(y[i]);
      na_free(dx[i]);
      na_free(dw[i]);
    }
    layer_free(&l);
  }
}

int main(void)
{
  na_error err;
  if (na_team_new(&team, 2, &err) != NA_OK) return EXIT_FAILURE;
  RUN(against_oracle);
  RUN(large_results);
  RUN(against_float32);
  na_team_free(team);
  return CHECK_EXIT();
}
