/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "small_nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, HEIGHT = 7, WIDTH = 6, CLASSES = 5 };

static void end_with(const char *name, const na_error *err)
{
  printf("the test network's %s is wrong: %s\n", name, err->message);
  exit(EXIT_FAILURE);
}

static int good(int index, const char *name, const na_error *err)
{
  if (index < 0) end_with(name, err);
  return index;
}

/* ------------------------------------------------------------------------------ pieces */

static int width(na_net *net, const char *name, int base)
{
  static const na_list list = {3, {1, 1.8, 2.6}};
  na_error err = {0};
  return good(na_net_width(net, name, base, &list, &err), name, &err);
}

static int expand(na_net *net, const char *name, int base, int source)
{
  static const na_list list = {4, {1, 1.6, 2.2, 2.8}};
  na_error err = {0};
  return good(na_net_expand(net, name, base, source, &list, &err), name, &err);
}

static int fixed(na_net *net, const char *name, int value)
{
  na_error err = {0};
  return good(na_net_fixed(net, name, value, &err), name, &err);
}

int small_net_add(na_net *net, na_layer_spec spec, int input, int input2)
{
  na_error err = {0};
  spec.input[0] = input;
  spec.input[1] = input2;
  return good(na_net_add(net, &spec, &err), spec.name, &err);
}

static int conv_of(na_net *net, const char *name, int input, int out, int kernel, int stride, int extra,
                   na_activation act)
{
  na_layer_spec spec = na_layer_spec_init(NA_CONV, name);
  spec.out = out;
  spec.kernel = kernel;
  spec.stride = stride;
  spec.norm = extra == NORMED;
  spec.bias = extra == BIASED;
  spec.act = act;
  return small_net_add(net, spec, input, -1);
}

static int depthwise_of(na_net *net, const char *name, int input, const small_net *how)
{
  na_layer_spec spec = na_layer_spec_init(NA_DEPTHWISE, name);
  spec.kernel = how->kernel;
  spec.stride = how->stride;
  spec.norm = how->extra == NORMED;
  spec.bias = how->extra == BIASED;
  spec.act = how->act;
  return small_net_add(net, spec, input, -1);
}

static int linear_of(na_net *net, const char *name, int input, int out, bool bias, na_activation act)
{
  na_layer_spec spec = na_layer_spec_init(NA_LINEAR, name);
  spec.out = out;
  spec.bias = bias;
  spec.act = act;
  return small_net_add(net, spec, input, -1);
}

static int pool_of(na_net *net, na_layer_kind kind, const char *name, int input, int kernel, int stride)
{
  na_layer_spec spec = na_layer_spec_init(kind, name);
  spec.kernel = kernel;
  spec.stride = stride;
  return small_net_add(net, spec, input, -1);
}

static int add_of(na_net *net, const char *name, int a, int b, na_activation act)
{
  na_layer_spec spec = na_layer_spec_init(NA_ADD, name);
  spec.act = act;
  return small_net_add(net, spec, a, b);
}

static int dropout_of(na_net *net, const char *name, int input, double rate)
{
  na_layer_spec spec = na_layer_spec_init(NA_DROPOUT, name);
  spec.rate = rate;
  return small_net_add(net, spec, input, -1);
}

static int dropblock_of(na_net *net, const char *name, int input, int side, double rate)
{
  na_layer_spec spec = na_layer_spec_init(NA_DROPBLOCK, name);
  spec.kernel = side;
  spec.rate = rate;
  return small_net_add(net, spec, input, -1);
}

/* A squeeze layer on `input`; the conv that follows must read `input` with it as its gate. */
static int squeeze_of(na_net *net, const char *name, int input)
{
  char middle[64];
  na_error err = {0};
  snprintf(middle, sizeof middle, "%s.middle", name);
  na_layer_spec spec = na_layer_spec_init(NA_SQUEEZE, name);
  spec.squeeze = good(na_net_squeeze(net, middle, 16, net->layers[input].out, &err), middle, &err);
  return small_net_add(net, spec, input, -1);
}

static int gated_of(na_net *net, const char *name, int input, int gate, int out, int kernel, int stride)
{
  na_layer_spec spec = na_layer_spec_init(NA_CONV, name);
  spec.gate = gate;
  spec.out = out;
  spec.kernel = kernel;
  spec.stride = stride;
  spec.norm = true;
  return small_net_add(net, spec, input, -1);
}

/* Images -> a normalised elastic layer `stem` of dimension "a". */
static int stem(na_net *net)
{
  return conv_of(net, "stem", 0, width(net, "a", 4), 3, 1, NORMED, NA_ACT_RELU6);
}

static void head(na_net *net, int input)
{
  const na_layer *l = &net->layers[input];
  if (l->height != 1 || l->width != 1) input = pool_of(net, NA_GLOBALPOOL, "pool", input, 1, 1);
  linear_of(net, "classifier", input, fixed(net, "classes", CLASSES), true, NA_ACT_IDENTITY);
}

/* ---------------------------------------------------------------------- one net per kind */

/* The images are read by three layers, none of which may want their gradient. */
static void build_input(na_net *net, const small_net *how)
{
  int smooth = depthwise_of(net, "smooth", 0, how);
  int sum = add_of(net, "sum", smooth, 0, NA_ACT_IDENTITY);
  int peak = pool_of(net, NA_MAXPOOL, "peak", 0, 3, 1);
  int both = add_of(net, "both", sum, peak, NA_ACT_IDENTITY);
  head(net, conv_of(net, "conv", both, width(net, "a", 4), 3, 2, NORMED, NA_ACT_RELU));
}

static void build_conv(na_net *net, const small_net *how)
{
  int s = stem(net);
  head(net, conv_of(net, "conv", s, width(net, "b", 5), how->kernel, how->stride, how->extra, how->act));
}

/* The convolution's output are the logits: no pool and no linear layer after it. */
static void build_conv_last(na_net *net, const small_net *how)
{
  int pooled = pool_of(net, NA_GLOBALPOOL, "pool", stem(net), 1, 1);
  int hidden = conv_of(net, "hidden", pooled, width(net, "b", 6), how->kernel, 1, how->extra, how->act);
  conv_of(net, "classifier", hidden, fixed(net, "classes", CLASSES), 1, 1, BIASED, NA_ACT_IDENTITY);
}

static void build_depthwise(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int wide = conv_of(net, "expand", s, expand(net, "middle", 6, a), 1, 1, NORMED, NA_ACT_HSWISH);
  int dw = depthwise_of(net, "dw", wide, how);
  head(net, conv_of(net, "project", dw, width(net, "b", 5), 1, 1, NORMED, NA_ACT_IDENTITY));
}

static void build_linear(na_net *net, const small_net *how)
{
  int pooled = pool_of(net, NA_GLOBALPOOL, "pool", stem(net), 1, 1);
  head(net, linear_of(net, "hidden", pooled, width(net, "b", 7), how->extra == BIASED, how->act));
}

static void build_squeeze(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int wide = conv_of(net, "expand", s, expand(net, "middle", 9, a), 3, 1, how->extra, how->act);
  int se = squeeze_of(net, "se", wide);
  head(net, gated_of(net, "project", wide, se, width(net, "b", 5), how->kernel, how->stride));
}

/* The same where everything is one pixel. */
static void build_squeeze_pixel(na_net *net, const small_net *how)
{
  int pooled = pool_of(net, NA_GLOBALPOOL, "pool", stem(net), 1, 1), a = net->layers[pooled].out;
  int wide = conv_of(net, "expand", pooled, expand(net, "middle", 9, a), 1, 1, how->extra, how->act);
  int se = squeeze_of(net, "se", wide);
  head(net, gated_of(net, "project", wide, se, width(net, "b", 5), 1, 1));
}

/* A chain of shortcuts, one of them of a layer with itself. */
static void build_add(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int one = conv_of(net, "one", s, a, 3, 1, NORMED, NA_ACT_IDENTITY);
  int sum = add_of(net, "sum", one, s, how->act);
  int two = conv_of(net, "two", sum, a, 1, 1, NORMED, NA_ACT_RELU);
  int chain = add_of(net, "chain", sum, two, how->act);
  head(net, add_of(net, "twice", chain, chain, NA_ACT_IDENTITY));
}

static void build_pool(na_net *net, const small_net *how)
{
  int pooled = pool_of(net, how->kind, "subject", stem(net), how->kernel, how->stride);
  head(net, conv_of(net, "conv", pooled, width(net, "b", 5), 1, 1, NORMED, NA_ACT_RELU));
}

/* Every kind of consumer of one layer, so that each adds to what the others have left. */
static void build_branches(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int one = pool_of(net, NA_MAXPOOL, "max", s, 3, 1), two = pool_of(net, NA_AVGPOOL, "avg", s, 3, 1);
  int three = depthwise_of(net, "dw", s, how);
  int four = conv_of(net, "dense", s, a, 3, 1, NORMED, NA_ACT_RELU);
  int five = conv_of(net, "point", s, a, 1, 1, NORMED, NA_ACT_RELU), six = dropout_of(net, "drop", s, 0.3);
  int sum = add_of(net, "sum1", add_of(net, "sum2", one, two, NA_ACT_IDENTITY),
                   add_of(net, "sum3", three, four, NA_ACT_IDENTITY), NA_ACT_IDENTITY);
  int all = add_of(net, "sum4", sum, add_of(net, "sum5", five, six, NA_ACT_IDENTITY), NA_ACT_RELU6);
  head(net, add_of(net, "sum6", all, s, NA_ACT_IDENTITY));
}

/* The same on one pixel: pools of planes, linear layers. */
static void build_pixel_branches(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int mean = pool_of(net, NA_GLOBALPOOL, "mean", s, 1, 1);
  int far = conv_of(net, "far", s, a, 5, 8, NORMED, how->act);
  int sum = add_of(net, "sum", far, mean, NA_ACT_IDENTITY);
  int left = linear_of(net, "left", sum, a, true, how->act);
  int right = conv_of(net, "right", sum, a, 1, 1, NORMED, how->act);
  int mean2 = pool_of(net, NA_GLOBALPOOL, "mean2", sum, 1, 1);
  head(net, add_of(net, "sum3", add_of(net, "sum2", left, right, NA_ACT_IDENTITY), mean2, NA_ACT_RELU));
}

static void build_dropout(na_net *net, const small_net *how)
{
  int dropped = dropout_of(net, "drop", stem(net), 0.4);
  int c = conv_of(net, "conv", dropped, width(net, "b", 5), how->kernel, how->stride, how->extra, how->act);
  int pooled = pool_of(net, NA_GLOBALPOOL, "mean", c, 1, 1);
  head(net, dropout_of(net, "late", pooled, 0.2));
}

/* Behind a norm, on a shortcut that a convolution reads too, and gated. */
static void build_dropblock(na_net *net, const small_net *how)
{
  int s = stem(net), a = net->layers[s].out;
  int first = dropblock_of(net, "block1", s, how->kernel, 0.3);
  int skip = dropblock_of(net, "block2", first, 1, 0.2);
  int wide = conv_of(net, "wide", first, expand(net, "middle", 24, a), 1, 1, NORMED, how->act);
  int third = dropblock_of(net, "block3", wide, how->kernel, 0.4);
  int project = gated_of(net, "project", third, squeeze_of(net, "se", third), a, 1, 1);
  head(net, add_of(net, "sum", project, skip, NA_ACT_RELU));
}

static void build_whole(na_net *net, const small_net *how)
{
  int s = conv_of(net, "stem", 0, width(net, "a", 8), 3, 1, NORMED, NA_ACT_HSWISH);
  int a = net->layers[s].out;
  int peak = pool_of(net, NA_MAXPOOL, "peak", s, 3, 1);
  int wide = conv_of(net, "expand", peak, expand(net, "middle", 24, a), 1, 1, NORMED, NA_ACT_RELU6);
  int dw = depthwise_of(net, "dw", wide, how);
  int se = squeeze_of(net, "se", dw);
  int project = gated_of(net, "project", dw, se, a, 1, 1);
  int sum = add_of(net, "sum", project, peak, NA_ACT_IDENTITY);
  int smooth = pool_of(net, NA_AVGPOOL, "smooth", sum, 3, 2);
  int dense = conv_of(net, "dense", smooth, width(net, "b", 70), 3, 1, BIASED, NA_ACT_RELU);
  int pooled = pool_of(net, NA_GLOBALPOOL, "mean", dense, 1, 1);
  int hidden = linear_of(net, "hidden", pooled, width(net, "c", 50), true, NA_ACT_HSIGMOID);
  head(net, dropout_of(net, "drop", hidden, 0.25));
}

#define HSWISH NA_ACT_HSWISH
#define HSIGMOID NA_ACT_HSIGMOID
#define RELU NA_ACT_RELU
#define RELU6 NA_ACT_RELU6
#define IDENTITY NA_ACT_IDENTITY

const small_net small_nets[] = {
    {NA_INPUT, "input", build_input, 3, 1, NORMED, RELU},
    {NA_CONV, "conv1", build_conv, 1, 1, NORMED, HSWISH},
    {NA_CONV, "conv1s2", build_conv, 1, 2, NORMED, RELU},
    {NA_CONV, "conv3", build_conv, 3, 1, BIASED, RELU},
    {NA_CONV, "conv3n", build_conv, 3, 1, NORMED, RELU6},
    {NA_CONV, "conv3s2", build_conv, 3, 2, NORMED, RELU6},
    {NA_CONV, "conv5s3", build_conv, 5, 3, NORMED, HSIGMOID},
    {NA_CONV, "conv7s2", build_conv, 7, 2, BARE, IDENTITY},
    {NA_CONV, "conv9", build_conv, 9, 1, BARE, HSWISH},
    {NA_CONV, "conv11s2", build_conv, 11, 2, BIASED, HSIGMOID},
    {NA_CONV, "conv-pixel", build_conv_last, 1, 1, NORMED, HSWISH},
    {NA_CONV, "conv-pixel-bias", build_conv_last, 1, 1, BIASED, HSWISH},
    {NA_CONV, "conv-pixel3", build_conv_last, 3, 1, NORMED, RELU},
    {NA_DEPTHWISE, "dw1", build_depthwise, 1, 1, NORMED, RELU},
    {NA_DEPTHWISE, "dw1s2", build_depthwise, 1, 2, NORMED, RELU6},
    {NA_DEPTHWISE, "dw3", build_depthwise, 3, 1, NORMED, RELU6},
    {NA_DEPTHWISE, "dw3s2", build_depthwise, 3, 2, BIASED, HSWISH},
    {NA_DEPTHWISE, "dw5", build_depthwise, 5, 1, BARE, RELU},
    {NA_DEPTHWISE, "dw5s2", build_depthwise, 5, 2, NORMED, HSWISH},
    {NA_DEPTHWISE, "dw7", build_depthwise, 7, 1, NORMED, HSIGMOID},
    {NA_DEPTHWISE, "dw7s2", build_depthwise, 7, 2, NORMED, RELU},
    {NA_DEPTHWISE, "dw9s2", build_depthwise, 9, 2, NORMED, IDENTITY},
    {NA_DEPTHWISE, "dw11", build_depthwise, 11, 1, NORMED, RELU6},
    {NA_LINEAR, "linear", build_linear, 1, 1, BIASED, RELU},
    {NA_LINEAR, "linear-bare", build_linear, 1, 1, BARE, HSWISH},
    {NA_SQUEEZE, "squeeze", build_squeeze, 1, 1, NORMED, HSWISH},
    {NA_SQUEEZE, "squeeze3s2", build_squeeze, 3, 2, NORMED, RELU},
    {NA_SQUEEZE, "squeeze-bias", build_squeeze, 1, 2, BIASED, RELU6},
    {NA_SQUEEZE, "squeeze-bare", build_squeeze, 1, 1, BARE, IDENTITY},
    {NA_SQUEEZE, "squeeze-pixel", build_squeeze_pixel, 1, 1, NORMED, HSWISH},
    {NA_ADD, "add", build_add, 1, 1, BARE, IDENTITY},
    {NA_ADD, "add-relu", build_add, 1, 1, BARE, RELU},
    {NA_ADD, "branches", build_branches, 5, 1, NORMED, HSWISH},
    {NA_MAXPOOL, "max3", build_pool, 3, 1, BARE, IDENTITY},
    {NA_MAXPOOL, "max3s2", build_pool, 3, 2, BARE, IDENTITY},
    {NA_MAXPOOL, "max5s3", build_pool, 5, 3, BARE, IDENTITY},
    {NA_MAXPOOL, "max1s2", build_pool, 1, 2, BARE, IDENTITY},
    {NA_AVGPOOL, "avg3", build_pool, 3, 1, BARE, IDENTITY},
    {NA_AVGPOOL, "avg3s2", build_pool, 3, 2, BARE, IDENTITY},
    {NA_AVGPOOL, "avg5s3", build_pool, 5, 3, BARE, IDENTITY},
    {NA_GLOBALPOOL, "global", build_pool, 1, 1, BARE, IDENTITY},
    {NA_GLOBALPOOL, "pixel-branches", build_pixel_branches, 1, 1, BARE, HSWISH},
    {NA_DROPOUT, "dropout", build_dropout, 3, 1, NORMED, RELU},
    {NA_DROPBLOCK, "dropblock", build_dropblock, 3, 1, NORMED, RELU},
    {NA_DROPBLOCK, "dropblock5", build_dropblock, 5, 1, NORMED, HSWISH},
    {NA_DROPBLOCK, "dropblock9", build_dropblock, 9, 1, NORMED, RELU6},
    {NA_DROPOUT, "whole", build_whole, 5, 1, NORMED, HSWISH},
};
const int small_net_count = sizeof small_nets / sizeof small_nets[0];

/* ----------------------------------------------------------------------------- filling */

static void fill(float *block, const na_param *p, na_random *random, double centre, double spread)
{
  for (size_t i = 0; i < p->count; i++)
    block[p->offset + i] = (float)(centre + spread * na_random_range(random, -1, 1));
}

static bool ends_with(const char *name, const char *end)
{
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

void small_net_fill(na_net *net, uint64_t seed)
{
  for (int i = 0; i < net->param_count; i++) {
    const na_param *p = &net->params[i];
    na_random random = na_random_at(seed, (uint64_t)i, 0);
    double fan_in = (double)p->count / p->shape[0];
    if (p->decays) fill(net->weights, p, &random, 0, sqrt(3.0 / fan_in));
    else if (ends_with(p->name, "norm.weight")) fill(net->weights, p, &random, 1, 0.3);
    else fill(net->weights, p, &random, 0.1, 0.5);
  }
  for (int i = 0; i < net->buffer_count; i++) {
    na_random random = na_random_at(seed, (uint64_t)i, 1);
    bool var = ends_with(net->buffers[i].name, "running_var");
    fill(net->running, &net->buffers[i], &random, var ? 1 : 0, 0.4);
  }
}

na_net *small_net_new(const small_net *how)
{
  na_net *net;
  na_error err = {0};
  if (na_net_new(&net, how->name, CHANNELS, HEIGHT, WIDTH, CLASSES, &err) != NA_OK)
    end_with(how->name, &err);
  how->build(net, how);
  if (na_net_finish(net, &err) != NA_OK) end_with(how->name, &err);
  small_net_fill(net, 1);
  return net;
}

na_net *small_net_whole(void) { return small_net_new(&small_nets[small_net_count - 1]); }
