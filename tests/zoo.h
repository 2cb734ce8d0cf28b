/* The five networks of the paper, built in C: an independent second description to test the engine
 * and the Lua library's models with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ZOO_H
#define ZOO_H

#include "core/net/net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ZOO_DEPTH = 4, ZOO_STAGES = 5 };

typedef struct zoo_stage {
  int blocks, stride, width;
  int t[ZOO_DEPTH]; /* expand ratio, or a middle width where above 10 */
  int k[ZOO_DEPTH];
  na_activation act;
  bool squeeze;
} zoo_stage;

typedef struct zoo_model {
  const char *name;
  double mult;
  na_activation act, separable_act;
  int stem, first;  /* widths */
  bool shared_stem; /* stem and first block are one choice, with a shortcut */
  zoo_stage stages[ZOO_STAGES];
  int head_k, head_t, head_width; /* inverted block at the end; head_k 0: none */
  int conv1, conv1_min;           /* 1x1 convolution with norm; 0: none */
  int late;                       /* 1x1 convolution with bias after the pool; 0: none */
  na_list width;
  double lr;
} zoo_model;

#define Z6 NA_ACT_RELU6
#define ZR NA_ACT_RELU
#define ZH NA_ACT_HSWISH
static const zoo_model zoo_models[] = {{"mobilenetv2-tiny",
                                        0.35,
                                        Z6,
                                        Z6,
                                        32,
                                        16,
                                        false,
                                        {{2, 2, 24, {6, 6}, {3, 3}, Z6, false},
                                         {3, 2, 32, {6, 6, 6}, {3, 3, 3}, Z6, false},
                                         {4, 2, 64, {6, 6, 6, 6}, {3, 3, 3, 3}, Z6, false},
                                         {3, 1, 96, {6, 6, 6}, {3, 3, 3}, Z6, false},
                                         {3, 2, 160, {6, 6, 6}, {3, 3, 3}, Z6, false}},
                                        3,
                                        6,
                                        320,
                                        1280,
                                        0,
                                        0,
                                        {3, {1, 1.8, 2.6}},
                                        0.025},
                                       {"mcunet",
                                        1.0,
                                        Z6,
                                        Z6,
                                        16,
                                        8,
                                        false,
                                        {{4, 2, 16, {3, 5, 5, 4}, {7, 3, 7, 5}, Z6, false},
                                         {3, 2, 24, {5, 5, 5}, {5, 5, 5}, Z6, false},
                                         {3, 2, 40, {5, 6, 4}, {3, 7, 5}, Z6, false},
                                         {3, 1, 48, {5, 5, 5}, {5, 7, 3}, Z6, false},
                                         {3, 2, 96, {6, 5, 4}, {3, 7, 3}, Z6, false}},
                                        7,
                                        480,
                                        160,
                                        0,
                                        0,
                                        0,
                                        {3, {1, 1.6, 2.2}},
                                        0.0125},
                                       {"mobilenetv2",
                                        0.35,
                                        Z6,
                                        Z6,
                                        32,
                                        16,
                                        false,
                                        {{2, 2, 24, {6, 6}, {3, 3}, Z6, false},
                                         {3, 2, 32, {6, 6, 6}, {3, 3, 3}, Z6, false},
                                         {4, 2, 64, {6, 6, 6, 6}, {3, 3, 3, 3}, Z6, false},
                                         {3, 1, 96, {6, 6, 6}, {3, 3, 3}, Z6, false},
                                         {3, 2, 160, {6, 6, 6}, {3, 3, 3}, Z6, false}},
                                        3,
                                        6,
                                        320,
                                        1280,
                                        1280,
                                        0,
                                        {3, {1, 1.8, 2.6}},
                                        0.025},
                                       {"proxyless",
                                        0.35,
                                        Z6,
                                        Z6,
                                        32,
                                        16,
                                        false,
                                        {{2, 2, 32, {3, 3}, {5, 3}, Z6, false},
                                         {4, 2, 40, {3, 3, 3, 3}, {7, 3, 5, 5}, Z6, false},
                                         {4, 2, 80, {6, 3, 3, 3}, {7, 5, 5, 5}, Z6, false},
                                         {4, 1, 96, {6, 3, 3, 3}, {5, 5, 5, 5}, Z6, false},
                                         {4, 2, 192, {6, 6, 3, 3}, {7, 7, 7, 7}, Z6, false}},
                                        7,
                                        6,
                                        320,
                                        1280,
                                        1280,
                                        0,
                                        {3, {1, 1.8, 2.6}},
                                        0.025},
                                       {"mobilenetv3-0.35",
                                        0.35,
                                        ZH,
                                        ZR,
                                        16,
                                        16,
                                        true,
                                        {{2, 2, 24, {64, 72}, {3, 3}, ZR, false},
                                         {3, 2, 40, {72, 120, 120}, {5, 5, 5}, ZR, true},
                                         {4, 2, 80, {240, 200, 184, 184}, {3, 3, 3, 3}, ZH, false},
                                         {2, 1, 112, {480, 672}, {3, 3}, ZH, true},
                                         {3, 2, 160, {672, 960, 960}, {5, 5, 5}, ZH, true}},
                                        0,
                                        0,
                                        0,
                                        960,
                                        0,
                                        1280,
                                        {3, {1, 2, 3}},
                                        0.1}};
enum { ZOO_COUNT = sizeof zoo_models / sizeof zoo_models[0] };
#undef Z6
#undef ZR
#undef ZH

/* Nearest multiple of 8, at least 8, not below 90% of v. */
static int zoo_round8(double v)
{
  int rounded = (int)(v + 4.0) / 8 * 8;
  if (rounded < 8) rounded = 8;
  return rounded < 0.9 * v ? rounded + 8 : rounded;
}

typedef struct zoo_builder {
  na_net *net;
  const zoo_model *model;
  na_list width, expand;
  na_error *err;
  int last;   /* layer */
  int blocks; /* inverted blocks so far: their dimensions' names */
} zoo_builder;

/* Errors stick in z->err and are seen at the end: until then every index stays a legal one. */
static int zoo_base(const zoo_builder *z, int dim)
{
  return dim < 0 ? 8 : z->net->dims[dim].base;
}

static void zoo_push(zoo_builder *z, const na_layer_spec *spec)
{
  int layer = na_net_add(z->net, spec, z->err);
  if (layer >= 0) z->last = layer;
}

static int zoo_width(zoo_builder *z, const char *name, int base)
{
  return na_net_width(z->net, name, base, &z->width, z->err);
}

/* Appends a layer on z->last. out -1 keeps the dimension. */
static void zoo_add(zoo_builder *z, na_layer_kind kind, const char *prefix, const char *part,
                    int out, int k, int stride, na_activation act, int gate)
{
  char name[128];
  snprintf(name, sizeof name, "%s%s%s", prefix, part[0] != '\0' ? "." : "", part);
  na_layer_spec spec = na_layer_spec_init(kind, name);
  spec.input[0] = z->last;
  spec.out = out;
  spec.kernel = k;
  spec.stride = stride;
  spec.act = act;
  spec.gate = gate;
  spec.norm = kind == NA_CONV || kind == NA_DEPTHWISE;
  spec.bias = kind == NA_LINEAR;
  zoo_push(z, &spec);
}

static void zoo_shortcut(zoo_builder *z, const char *prefix, int from)
{
  char name[128];
  snprintf(name, sizeof name, "%s.add", prefix);
  na_layer_spec spec = na_layer_spec_init(NA_ADD, name);
  spec.input[0] = z->last;
  spec.input[1] = from;
  zoo_push(z, &spec);
}

static int zoo_squeeze(zoo_builder *z, const char *prefix, int mid)
{
  char name[128];
  snprintf(name, sizeof name, "block%d.se", z->blocks);
  int base = zoo_round8(zoo_base(z, mid) / 4.0);
  int dim = na_net_squeeze(z->net, name, base < 16 ? 16 : base, mid, z->err);
  snprintf(name, sizeof name, "%s.conv.se_layer", prefix);
  na_layer_spec spec = na_layer_spec_init(NA_SQUEEZE, name);
  spec.input[0] = z->last;
  spec.squeeze = dim;
  return na_net_add(z->net, &spec, z->err);
}

/* Inverted bottleneck: expand to mid, depthwise, project to `width` (or back to the input:
 * shortcut). */
static void zoo_block(zoo_builder *z, const char *prefix, int mid_base, int width, int k,
                      int stride, na_activation act, bool squeeze, bool shortcut)
{
  char name[64], part[160];
  int from = z->last, in = z->net->layers[from].out;
  snprintf(name, sizeof name, "block%d.mid", z->blocks);
  int mid = na_net_expand(z->net, name, mid_base, in, &z->expand, z->err);
  snprintf(name, sizeof name, "block%d.out", z->blocks);
  int out = shortcut ? in : zoo_width(z, name, width);
  snprintf(part, sizeof part, "%s.conv.inverted_conv", prefix);
  zoo_add(z, NA_CONV, part, "", mid, 1, 1, act, -1);
  snprintf(part, sizeof part, "%s.conv.depth_conv", prefix);
  zoo_add(z, NA_DEPTHWISE, part, "", -1, k, stride, act, -1);
  int gate = squeeze ? zoo_squeeze(z, prefix, mid) : -1;
  snprintf(part, sizeof part, "%s.conv.point_conv", prefix);
  zoo_add(z, NA_CONV, part, "", out, 1, 1, NA_ACT_IDENTITY, gate);
  if (shortcut) zoo_shortcut(z, prefix, from);
  z->blocks++;
}

static void zoo_stem(zoo_builder *z)
{
  const zoo_model *m = z->model;
  int stem = zoo_width(z, "stem.conv", zoo_round8(m->stem * m->mult));
  zoo_add(z, NA_CONV, "backbone.input_stem.op_list.0", "", stem, 3, 2, m->act, -1);
  int from = z->last;
  int first = m->shared_stem ? stem : zoo_width(z, "stem.block", zoo_round8(m->first * m->mult));
  const char *prefix = "backbone.input_stem.op_list.1";
  zoo_add(z, NA_DEPTHWISE, prefix, "conv.depth_conv", -1, 3, 1, m->separable_act, -1);
  zoo_add(z, NA_CONV, prefix, "conv.point_conv", first, 1, 1, NA_ACT_IDENTITY, -1);
  if (m->shared_stem) zoo_shortcut(z, prefix, from);
}

static void zoo_stages(zoo_builder *z)
{
  for (int s = 0; s < ZOO_STAGES; s++) {
    const zoo_stage *stage = &z->model->stages[s];
    int width = zoo_round8(stage->width * z->model->mult);
    for (int b = 0; b < stage->blocks; b++) {
      char prefix[64];
      snprintf(prefix, sizeof prefix, "backbone.stages.%d.op_list.%d", s, b);
      int in = zoo_base(z, z->net->layers[z->last].out), t = stage->t[b];
      int mid = zoo_round8(t > 10 ? t * z->model->mult : (double)t * in);
      int stride = b == 0 ? stage->stride : 1;
      zoo_block(z, prefix, mid, width, stage->k[b], stride, stage->act, stage->squeeze,
                stride == 1 && in == width && b > 0);
    }
  }
}

/* Returns what comes after the backbone's number of head operations: the linear layer's number. */
static int zoo_head(zoo_builder *z)
{
  const zoo_model *m = z->model;
  int op = 0;
  char prefix[64], name[32];
  if (m->head_k != 0) {
    int in = zoo_base(z, z->net->layers[z->last].out);
    int mid = m->head_t > 10 ? m->head_t : zoo_round8(m->head_t * in);
    snprintf(prefix, sizeof prefix, "head.op_list.%d", op++);
    zoo_block(z, prefix, mid, zoo_round8(m->head_width * m->mult), m->head_k, 1, m->act, false,
              false);
  }
  if (m->conv1 != 0) {
    int width = zoo_round8(m->conv1 * m->mult);
    snprintf(name, sizeof name, "head.conv%d", op);
    snprintf(prefix, sizeof prefix, "head.op_list.%d", op++);
    zoo_add(z, NA_CONV, prefix, "", zoo_width(z, name, width < m->conv1_min ? m->conv1_min : width),
            1, 1, m->act, -1);
  }
  zoo_add(z, NA_GLOBALPOOL, "pool", "", -1, 1, 1, NA_ACT_IDENTITY, -1);
  return op + 1;
}

static int zoo_late(zoo_builder *z, int op)
{
  if (z->model->late == 0) return op;
  char name[64];
  snprintf(name, sizeof name, "head.conv%d", op);
  int out = zoo_width(z, name, z->model->late);
  snprintf(name, sizeof name, "head.op_list.%d", op);
  na_layer_spec spec = na_layer_spec_init(NA_CONV, name);
  spec.input[0] = z->last;
  spec.out = out;
  spec.bias = true;
  spec.act = z->model->act;
  zoo_push(z, &spec);
  return op + 1;
}

/* Builds model `name` with the paper's lists (elastic) or without. */
static inline int zoo_build(na_net **net, const char *name, int resolution,
                                             int classes, bool elastic, na_error *err)
{
  zoo_builder z = {.err = err, .width = {1, {1}}, .expand = {1, {1}}};
  for (int i = 0; i < ZOO_COUNT; i++)
    if (strcmp(zoo_models[i].name, name) == 0) z.model = &zoo_models[i];
  if (z.model == NULL) return na_fail(err, NA_EINVAL, "no model %s", name);
  if (elastic) {
    z.width = z.model->width;
    z.expand = (na_list){4, {1, 1.6, 2.2, 2.8}};
  }
  int code = na_net_new(&z.net, name, 3, resolution, resolution, classes, err);
  if (code != NA_OK) return code;
  zoo_stem(&z);
  zoo_stages(&z);
  int op = zoo_late(&z, zoo_head(&z));
  char prefix[64];
  snprintf(prefix, sizeof prefix, "head.op_list.%d", op);
  zoo_add(&z, NA_LINEAR, prefix, "", na_net_fixed(z.net, "classes", classes, err), 1, 1,
          NA_ACT_IDENTITY, -1);
  code = err->code != NA_OK ? err->code : na_net_finish(z.net, err);
  if (code != NA_OK) {
    na_net_free(z.net);
    return code;
  }
  *net = z.net;
  return NA_OK;
}

#endif
