/* Networks as data: costs, elastic dimensions, building errors, sort, extraction.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/net.h"
#include "tests/check.h"
#include "tests/zoo.h"

#include <stdint.h>

enum { DIMS = 256 };

static na_error err;

static na_net *build(const char *name, int resolution, int classes, bool elastic)
{
  na_net *net = NULL;
  na_error_clear(&err);
  CHECK_OK(zoo_build(&net, name, resolution, classes, elastic, &err), err);
  if (net == NULL) exit(EXIT_FAILURE);
  return net;
}

/* ------------------------------------------------------------------------------------ costs */

/* The costs that the reference code gives at 1000 classes. */
static void costs_are_the_papers(void)
{
  static const struct {
    const char *name;
    int resolution;
    double base, bare, macs, widest, widest_macs; /* millions, as printed */
  } table[] = {{"mobilenetv2-tiny", 144, 0.750, 0.738, 23.5, 5.83, 334.4},
               {"mcunet", 176, 0.737, 0.722, 81.8, 7.27, 866.3},
               {"mobilenetv2", 160, 1.677, 1.663, 30.9, 8.62, 412.2},
               {"proxyless", 160, 1.781, 1.767, 35.7, 9.73, 453.5},
               {"mobilenetv3-0.35", 160, 2.110, 2.101, 19.5, 25.18, 360.4}};
  for (int i = 0; i < 5; i++) {
    na_net *net = build(table[i].name, table[i].resolution, 1000, true);
    int widths[DIMS];
    na_cost base, widest;
    na_net_base(net, widths);
    na_net_cost(net, widths, &base);
    na_net_widest(net, widths);
    na_net_cost(net, widths, &widest);
    CHECK_NEAR(base.parameters / 1e6, table[i].base, 0.0005, 1, table[i].name);
    CHECK_NEAR((base.parameters - base.norm_parameters) / 1e6, table[i].bare, 0.0005, 1,
               table[i].name);
    CHECK_NEAR(base.macs / 1e6, table[i].macs, 0.05, 1, table[i].name);
    CHECK_NEAR(widest.parameters / 1e6, table[i].widest, 0.005, 1, table[i].name);
    CHECK_NEAR(widest.macs / 1e6, table[i].widest_macs, 0.05, 1, table[i].name);
    na_net_free(net);
  }
}

static void costs_at_64_are_exact(void)
{
  static const struct {
    const char *name;
    long long parameters, macs;
  } table[] = {{"mobilenetv2-tiny", 305770, 4366912},
               {"mcunet", 578018, 10514112},
               {"mobilenetv3-0.35", 841650, 3445664}};
  for (int i = 0; i < 3; i++) {
    na_net *elastic = build(table[i].name, 64, 10, true),
           *plain = build(table[i].name, 64, 10, false);
    int widths[DIMS];
    na_cost cost;
    na_net_base(elastic, widths);
    na_net_cost(elastic, widths, &cost);
    CHECK(cost.macs == table[i].macs, "%s: %lld MACs", table[i].name, cost.macs);
    CHECK(cost.parameters == table[i].parameters, "%s: %lld", table[i].name, cost.parameters);
    na_net_widest(plain, widths);
    na_net_cost(plain, widths, &cost);
    CHECK(cost.macs == table[i].macs, "%s, not elastic: %lld MACs", table[i].name, cost.macs);
    CHECK(cost.parameters == table[i].parameters, "%s, not elastic: %lld", table[i].name,
          cost.parameters);
    CHECK(na_net_elastic(elastic) && !na_net_elastic(plain), "%s: elastic", table[i].name);
    na_net_free(elastic);
    na_net_free(plain);
  }
}

/* ----------------------------------------------------------------------- elastic dimensions */

static void check_shape(const na_net *net, const char *name, int out, int in)
{
  const na_param *param = na_net_param(net, name);
  CHECK(param != NULL, "no parameter %s", name);
  if (param != NULL)
    CHECK(param->shape[0] == out && param->shape[1] == in, "%s is %d x %d, not %d x %d", name,
          param->shape[0], param->shape[1], out, in);
}

static void shapes_are_the_references(void)
{
  na_net *v3 = build("mobilenetv3-0.35", 64, 10, true);
  check_shape(v3, "backbone.stages.1.op_list.0.conv.se_layer.reduce_conv.weight", 135, 202);
  check_shape(v3, "backbone.stages.1.op_list.1.conv.se_layer.reduce_conv.weight", 134, 336);
  check_shape(v3, "backbone.stages.3.op_list.0.conv.se_layer.reduce_conv.weight", 336, 1411);
  check_shape(v3, "backbone.stages.3.op_list.1.conv.se_layer.expand_conv.weight", 1949, 470);
  check_shape(v3, "backbone.stages.4.op_list.2.conv.se_layer.reduce_conv.weight", 739, 2822);
  check_shape(v3, "head.op_list.2.conv.weight", 3840, 1008);
  check_shape(v3, "head.op_list.3.linear.weight", 10, 3840);
  na_net_free(v3);
  na_net *mcunet = build("mcunet", 64, 10, true);
  check_shape(mcunet, "backbone.stages.0.op_list.0.conv.inverted_conv.conv.weight", 151, 18);
  check_shape(mcunet, "backbone.stages.4.op_list.2.conv.depth_conv.conv.weight", 2363, 1);
  check_shape(mcunet, "head.op_list.0.conv.point_conv.conv.weight", 352, 2954);
  na_net_free(mcunet);
}

/* Finds choices that give the reference's widths (listed in the order: stem, first block, middle
 * and output of each block, head), dimension by dimension. */
static void check_reachable(const char *model, const int *wanted, int count)
{
  na_net *net = build(model, 64, 10, true);
  int choices[DIMS] = {0}, widths[DIMS], at = 0;
  for (int d = 1; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    if (dim->kind != NA_DIM_WIDTH && dim->kind != NA_DIM_EXPAND) continue;
    int found = 0;
    /* A block with a shortcut has no width of its own: at most one entry is skipped. */
    for (int tries = 0; tries < 2 && !found && at < count; tries++) {
      for (choices[d] = 0; choices[d] < dim->list.count && !found; choices[d]++) {
        na_net_widths(net, choices, widths);
        found = widths[d] == wanted[at];
        if (found) break;
      }
      at++;
    }
    CHECK(found, "%s: %s has no candidate of the reference's width", model, dim->name);
    if (!found) break;
  }
  CHECK_OK(na_net_check_choices(net, choices, &err), err);
  CHECK_OK(na_net_check_widths(net, widths, &err), err);
  na_net_free(net);
}

static void widths_are_the_references(void)
{
  static const int v3_random[] = {16,   16,  77,   24,  202, 24,  72,  32,  80,  32,  128,
                                  32,   493, 64,   317, 64,  358, 64,  205, 64,  739, 120,
                                  1114, 120, 1531, 56,  336, 56,  336, 56,  336, 3840};
  static const int tiny_random[] = {16,  14, 134,  21,  277,  21,  126,  42,  706,  42,  706, 42,
                                    403, 43, 722,  43,  568,  43,  258,  43,  413,  83,  797, 83,
                                    797, 83, 1394, 146, 1402, 146, 1927, 146, 1402, 112, 806};
  static const int mcunet_random[] = {16,   8,   24,   35,  385, 35, 490,  35, 308, 35, 175,  38,
                                      532,  38,  418,  38,  532, 64, 1075, 64, 410, 64, 896,  106,
                                      1484, 106, 1166, 106, 636, 96, 480,  96, 614, 96, 1344, 352};
  check_reachable("mobilenetv3-0.35", v3_random, 32);
  check_reachable("mobilenetv2-tiny", tiny_random, 35);
  check_reachable("mcunet", mcunet_random, 36);
}

static void base_widths_are_the_base(void)
{
  for (int i = 0; i < ZOO_COUNT; i++) {
    na_net *net = build(zoo_models[i].name, 64, 10, true);
    int base[DIMS], widest[DIMS];
    na_net_base(net, base);
    na_net_widest(net, widest);
    for (int d = 0; d < net->dim_count; d++) {
      CHECK(base[d] == net->dims[d].base, "%s: base %s is %d, not %d", net->name, net->dims[d].name,
            base[d], net->dims[d].base);
      CHECK(widest[d] == net->dims[d].max, "%s: widest %s is %d, not %d", net->name,
            net->dims[d].name, widest[d], net->dims[d].max);
    }
    na_net_free(net);
  }
}

/* Drawing 400 times: what is held stays at base, what is drawn takes every candidate. */
static void check_sampling(const na_net *net, na_sampling sampling, bool width, bool expand)
{
  na_random random = na_random_at(7, sampling, 0);
  int choices[DIMS], seen[DIMS][NA_LIST_MAX] = {{0}};
  for (int draw = 0; draw < 400; draw++) {
    na_net_sample(net, sampling, &random, choices);
    if (na_net_check_choices(net, choices, &err) != NA_OK) CHECK(0, "%s", err.message);
    for (int d = 0; d < net->dim_count; d++) seen[d][choices[d]]++;
  }
  for (int d = 0; d < net->dim_count; d++) {
    const na_dim *dim = &net->dims[d];
    bool drawn = (dim->kind == NA_DIM_WIDTH && width) || (dim->kind == NA_DIM_EXPAND && expand);
    if (!drawn) CHECK(seen[d][0] == 400, "%s: %s was drawn", na_sampling_name(sampling), dim->name);
    for (int c = 0; drawn && c < dim->list.count; c++)
      CHECK(seen[d][c] > 50, "%s: candidate %d of %s came %d times", na_sampling_name(sampling), c,
            dim->name, seen[d][c]);
  }
}

static void sampling_holds_and_draws(void)
{
  na_net *net = build("mobilenetv3-0.35", 64, 10, true);
  check_sampling(net, NA_SAMPLE_RANDOM, true, true);
  check_sampling(net, NA_SAMPLE_MIN_W, false, true);
  check_sampling(net, NA_SAMPLE_MIN_E, true, false);
  check_sampling(net, NA_SAMPLE_BASE, false, false);
  int choices[DIMS], widths[DIMS], widest[DIMS];
  na_random random = na_random_at(1, 2, 3);
  na_net_sample(net, NA_SAMPLE_WIDEST, &random, choices);
  na_net_widths(net, choices, widths);
  na_net_widest(net, widest);
  CHECK(memcmp(widths, widest, sizeof *widths * (size_t)net->dim_count) == 0, "widest differs");
  na_net_free(net);
}

static void spaced_lists(void)
{
  na_list list;
  CHECK_OK(na_list_spaced(3, 2, &list, &err), err);
  CHECK(list.count == 3 && list.values[0] == 1 && list.values[1] == 2 && list.values[2] == 3,
        "3, 2");
  CHECK_OK(na_list_spaced(2.5, 0, &list, &err), err);
  CHECK(list.count == 2 && list.values[0] == 1 && list.values[1] == 2.5, "2.5, 0");
  CHECK_OK(na_list_spaced(1, 4, &list, &err), err);
  CHECK(list.count == 1 && list.values[0] == 1, "1, 4");
  CHECK_FAILS(na_list_spaced(0.5, 2, &list, &err), NA_EINVAL, "factor r is 0.5", err);
  CHECK_FAILS(na_list_spaced(NAN, 2, &list, &err), NA_EINVAL, "factor r", err);
  CHECK_FAILS(na_list_spaced(2, -1, &list, &err), NA_EINVAL, "factor s is -1", err);
  CHECK_FAILS(na_list_spaced(2, NA_LIST_MAX, &list, &err), NA_EINVAL, "factor s", err);
}

static void lists_shrink_but_do_not_outgrow(void)
{
  na_net *net = build("mobilenetv3-0.35", 64, 10, true);
  int before[DIMS], widths[DIMS];
  na_net_widest(net, before);
  na_list wide = {2, {1, 4}}, narrow = {2, {1, 2}}, one = {1, {1}}, bad = {2, {1, 1}};
  CHECK_FAILS(na_net_set_lists(net, &wide, NULL, &err), NA_EINVAL, "weights exist for", err);
  CHECK_FAILS(na_net_set_lists(net, &bad, NULL, &err), NA_EINVAL, "must rise", err);
  na_net_widest(net, widths);
  CHECK(memcmp(before, widths, sizeof *widths * (size_t)net->dim_count) == 0,
        "a refused list changed the net");
  CHECK_OK(na_net_set_lists(net, &narrow, &one, &err), err);
  na_net_widest(net, widths);
  CHECK(widths[1] == 16 && net->dims[1].max == 24, "stem %d of %d", widths[1], net->dims[1].max);
  CHECK_OK(na_net_check_widths(net, widths, &err), err);
  /* Squeeze middles keep the reduction their tensors were made with. */
  na_net_base(net, widths);
  for (int d = 0; d < net->dim_count; d++)
    CHECK(widths[d] == net->dims[d].base, "%s: base %d", net->dims[d].name, widths[d]);
  na_list original = {3, {1, 2, 3}}, factors = {4, {1, 1.6, 2.2, 2.8}};
  CHECK_OK(na_net_set_lists(net, &original, &factors, &err), err);
  na_net_widest(net, widths);
  CHECK(memcmp(before, widths, sizeof *widths * (size_t)net->dim_count) == 0,
        "growing back gives other widths");
  na_net_free(net);
}

/* ---------------------------------------------------------------------------------- errors */

static na_net *blank(void)
{
  na_net *net = NULL;
  na_error_clear(&err);
  CHECK_OK(na_net_new(&net, "test", 3, 8, 8, 10, &err), err);
  if (net == NULL) exit(EXIT_FAILURE);
  return net;
}

static void impossible_dimensions_are_refused(void)
{
  na_net *net = NULL;
  na_list two = {2, {1, 2}}, zero = {1, {0}}, nan_list = {2, {1, NAN}}, huge = {2, {1, 64}};
  CHECK_FAILS(na_net_new(&net, "test", 0, 8, 8, 10, &err), NA_EINVAL, "0 channels", err);
  CHECK_FAILS(na_net_new(&net, "test", 3, 0, 8, 10, &err), NA_EINVAL, "0x8", err);
  CHECK_FAILS(na_net_new(&net, "test", 3, 8, 8, 0, &err), NA_EINVAL, "0 classes", err);
  CHECK_FAILS(na_net_new(&net, "", 3, 8, 8, 10, &err), NA_EINVAL, "needs a name", err);
  CHECK_FAILS(na_net_new(&net, "a b", 3, 8, 8, 10, &err), NA_EINVAL, "position 2", err);
  CHECK(net == NULL, "a net came out of an error");
  net = blank();
  CHECK_FAILS(na_net_width(net, "w", 0, &two, &err), NA_EINVAL, "width 0 is impossible", err);
  CHECK_FAILS(na_net_width(net, "w", -3, &two, &err), NA_EINVAL, "-3", err);
  CHECK_FAILS(na_net_width(net, "w", 8, &zero, &err), NA_EINVAL, "must be 1", err);
  CHECK_FAILS(na_net_width(net, "w", 8, &nan_list, &err), NA_EINVAL, "must rise", err);
  CHECK_FAILS(na_net_width(net, "w", 60000, &huge, &err), NA_EINVAL, "exceeds 65536", err);
  CHECK_FAILS(na_net_width(net, "input", 8, &two, &err), NA_EINVAL, "exists already", err);
  CHECK_FAILS(na_net_width(net, "a/b", 8, &two, &err), NA_EINVAL, "illegal character", err);
  CHECK_FAILS(na_net_expand(net, "e", 8, 5, &two, &err), NA_EINVAL, "no source dimension 5", err);
  CHECK_FAILS(na_net_squeeze(net, "s", 8, 0, &err), NA_EINVAL, "at least 16", err);
  int width = na_net_width(net, "w", 8, &two, &err),
      mid = na_net_expand(net, "e", 48, width, &two, &err);
  CHECK(width == 1 && mid == 2, "dimensions %d, %d: %s", width, mid, err.message);
  CHECK_FAILS(na_net_expand(net, "f", 8, mid, &two, &err), NA_EINVAL, "follows another", err);
  CHECK_FAILS(na_net_expand(net, "f", 65536, width, &huge, &err), NA_EINVAL, "exceeds", err);
  na_net_free(net);
}

static na_layer_spec spec_on(int input, na_layer_kind kind, const char *name, int out)
{
  na_layer_spec spec = na_layer_spec_init(kind, name);
  spec.input[0] = input;
  spec.out = out;
  return spec;
}

/* Adds a layer that must be refused: one field of a good spec is spoilt. */
#define REFUSED(spec_, code, words)                                                                \
  do {                                                                                             \
    na_layer_spec refused_ = (spec_);                                                              \
    CHECK_FAILS(na_net_add(net, &refused_, &err), code, words, err);                               \
    CHECK(net->layer_count == layers, "a refused layer was kept");                                 \
  } while (0)

static void impossible_layers_are_refused(void)
{
  na_net *net = blank();
  int d8 = na_net_fixed(net, "d8", 8, &err), d9 = na_net_fixed(net, "d9", 9, &err), layers = 1;
  na_layer_spec conv = spec_on(0, NA_CONV, "conv", d8), bad;
#define SPOILT(field, value) (bad = conv, bad.field = (value), bad)
  REFUSED(SPOILT(name, NULL), NA_EINVAL, "needs a name");
  REFUSED(SPOILT(name, "input"), NA_EINVAL, "exists already");
  REFUSED(SPOILT(kind, NA_INPUT), NA_EINVAL, "no layer kind");
  REFUSED(SPOILT(kind, NA_KIND_COUNT), NA_EINVAL, "no layer kind");
  REFUSED(SPOILT(input[0], 1), NA_EINVAL, "expected an earlier layer");
  REFUSED(SPOILT(input[0], -1), NA_EINVAL, "expected an earlier layer");
  REFUSED(SPOILT(input[1], 0), NA_EINVAL, "got a second");
  REFUSED(SPOILT(kernel, 2), NA_EINVAL, "odd kernel");
  REFUSED(SPOILT(kernel, 0), NA_EINVAL, "odd kernel");
  REFUSED(SPOILT(kernel, 65), NA_EINVAL, "odd kernel from 1 to 63");
  REFUSED(SPOILT(stride, 0), NA_EINVAL, "stride");
  REFUSED(SPOILT(stride, 9), NA_EINVAL, "stride from 1 to 8");
  REFUSED(SPOILT(out, -1), NA_EINVAL, "expected a dimension");
  REFUSED(SPOILT(out, 99), NA_EINVAL, "expected a dimension");
  REFUSED(SPOILT(gate, 0), NA_EINVAL, "not a squeeze layer");
  REFUSED(SPOILT(squeeze, d9), NA_EINVAL, "no squeeze dimension");
  REFUSED(SPOILT(rate, 0.5), NA_EINVAL, "no rate");
  REFUSED(SPOILT(act, NA_ACT_COUNT), NA_EINVAL, "no activation");
  bad = conv;
  bad.norm = bad.bias = true;
  REFUSED(bad, NA_EINVAL, "got both");
  REFUSED(spec_on(0, NA_DEPTHWISE, "dw", d9), NA_ESHAPE,
          "keeps its input's dimension input, got d9");
  bad = spec_on(0, NA_DEPTHWISE, "dw", -1);
  bad.stride = 3;
  REFUSED(bad, NA_EINVAL, "stride from 1 to 2");
  REFUSED(spec_on(0, NA_LINEAR, "fc", d9), NA_ESHAPE, "expected a 1x1 input, got 8x8 from input");
  bad = spec_on(0, NA_DROPOUT, "drop", -1);
  bad.rate = 1.0;
  REFUSED(bad, NA_EINVAL, "rate from 0 to below 1");
  bad = spec_on(0, NA_MAXPOOL, "pool", -1);
  bad.norm = true;
  REFUSED(bad, NA_EINVAL, "has no norm");
  CHECK(na_net_add(net, &conv, &err) == 1, "%s", err.message);
  na_layer_spec other = spec_on(0, NA_CONV, "other", d9), half = spec_on(0, NA_CONV, "half", d8);
  half.stride = 2;
  CHECK(na_net_add(net, &other, &err) == 2 && na_net_add(net, &half, &err) == 3, "%s", err.message);
  CHECK(net->layers[3].height == 4 && net->layers[3].width == 4, "stride 2 of 8 gives %d",
        net->layers[3].height);
  layers = 4;
  na_layer_spec add = spec_on(1, NA_ADD, "add", -1);
  REFUSED(add, NA_EINVAL, "as input 2");
  add.input[1] = 2;
  REFUSED(add, NA_ESHAPE, "got d8 (8) from conv and d9 (9) from other");
  add.input[1] = 3;
  REFUSED(add, NA_ESHAPE, "got 8x8 from conv and 4x4 from half");
#undef SPOILT
  na_net_free(net);
}

static void squeeze_is_only_a_gate(void)
{
  na_net *net = blank();
  na_list two = {2, {1, 2}};
  int width = na_net_width(net, "w", 32, &two, &err),
      other = na_net_width(net, "v", 32, &two, &err);
  int middle = na_net_squeeze(net, "s", 16, width, &err),
      classes = na_net_fixed(net, "c", 10, &err);
  na_layer_spec spec = spec_on(0, NA_CONV, "a", width);
  int a = na_net_add(net, &spec, &err);
  spec = spec_on(0, NA_CONV, "b", other);
  int b = na_net_add(net, &spec, &err), layers = 3;
  spec = spec_on(b, NA_SQUEEZE, "se", -1);
  spec.squeeze = middle;
  REFUSED(spec, NA_ESHAPE, "follows its input's dimension v, got s");
  spec.squeeze = -1;
  REFUSED(spec, NA_EINVAL, "as its middle");
  spec = spec_on(a, NA_SQUEEZE, "se", -1);
  spec.squeeze = middle;
  int se = na_net_add(net, &spec, &err);
  CHECK(se == 3, "%s", err.message);
  layers = 4;
  CHECK(net->layers[se].height == 1 && net->layers[se].out == width, "a gate is channels x 1 x 1");
  REFUSED(spec_on(se, NA_CONV, "c", classes), NA_EINVAL, "can only be a gate");
  spec = spec_on(b, NA_CONV, "c", classes);
  spec.gate = se;
  REFUSED(spec, NA_ESHAPE, "expected its gate se on its own input b, got one on a");
  spec = spec_on(a, NA_DEPTHWISE, "c", -1);
  spec.gate = se;
  REFUSED(spec, NA_EINVAL, "only a conv layer has a gate");
  CHECK_FAILS(na_net_finish(net, &err), NA_ESHAPE, "is the last", err);
  na_net_free(net);
}

static void unfinished_nets_are_refused(void)
{
  na_net *net = blank();
  na_list two = {2, {1, 2}};
  CHECK_FAILS(na_net_finish(net, &err), NA_EINVAL, "has no layers", err);
  int eight = na_net_fixed(net, "d8", 8, &err), classes = na_net_fixed(net, "classes", 10, &err);
  int elastic = na_net_width(net, "w", 10, &two, &err);
  na_layer_spec spec = spec_on(0, NA_CONV, "conv", eight);
  CHECK(na_net_add(net, &spec, &err) == 1, "%s", err.message);
  CHECK_FAILS(na_net_finish(net, &err), NA_ESHAPE, "expected 10 x 1 x 1", err);
  spec = spec_on(0, NA_GLOBALPOOL, "pool", -1);
  CHECK(na_net_add(net, &spec, &err) == 2, "%s", err.message);
  spec = spec_on(2, NA_LINEAR, "elastic", elastic);
  CHECK(na_net_add(net, &spec, &err) == 3, "%s", err.message);
  CHECK_FAILS(na_net_finish(net, &err), NA_ESHAPE, "a fixed dimension", err);
  spec = spec_on(2, NA_LINEAR, "fc", classes);
  spec.act = NA_ACT_RELU;
  CHECK(na_net_add(net, &spec, &err) == 4, "%s", err.message);
  CHECK_FAILS(na_net_finish(net, &err), NA_EINVAL, "without norm", err);
  spec = spec_on(2, NA_LINEAR, "fc2", classes);
  CHECK(na_net_add(net, &spec, &err) == 5, "%s", err.message);
  CHECK_FAILS(na_net_finish(net, &err), NA_EINVAL, "layer conv: nothing uses its output", err);
  na_net_free(net);
  net = build("mcunet", 64, 10, true);
  spec = spec_on(0, NA_CONV, "more", 1);
  CHECK_FAILS(na_net_add(net, &spec, &err), NA_EINVAL, "is finished", err);
  CHECK_FAILS(na_net_fixed(net, "more", 1, &err), NA_EINVAL, "is finished", err);
  CHECK_FAILS(na_net_finish(net, &err), NA_EINVAL, "is finished", err);
  na_net_free(net);
}

static void wrong_widths_are_refused(void)
{
  na_net *net = build("mobilenetv2-tiny", 64, 10, true);
  int widths[DIMS], choices[DIMS] = {0};
  na_net *out = NULL;
  na_net_base(net, widths);
  widths[1] = 0;
  CHECK_FAILS(na_net_check_widths(net, widths, &err), NA_EINVAL, "stem.conv: width 0", err);
  widths[1] = 43;
  CHECK_FAILS(na_net_extract(net, widths, &out, &err), NA_EINVAL, "1 to 42 channels", err);
  CHECK(out == NULL, "a net came out of an error");
  na_net_base(net, widths);
  widths[0] = 1;
  CHECK_FAILS(na_net_check_widths(net, widths, &err), NA_EINVAL, "input is fixed at 3", err);
  choices[1] = 3;
  CHECK_FAILS(na_net_check_choices(net, choices, &err), NA_EINVAL, "stem.conv has no candidate 3",
              err);
  choices[1] = -1;
  CHECK_FAILS(na_net_check_choices(net, choices, &err), NA_EINVAL, "no candidate -1", err);
  na_net_free(net);
}

/* Whichever allocation fails, building ends with an error and leaks nothing (under ASan). */
static void out_of_memory_is_an_error(void)
{
  unsigned long before = na_alloc_count();
  na_net *net = build("mcunet", 64, 10, true);
  unsigned long needed = na_alloc_count() - before;
  na_net_free(net);
  CHECK(needed > 100, "only %lu allocations", needed);
  for (unsigned long i = 1; i <= needed; i += i < 40 || i + 20 > needed ? 1 : 17) {
    net = NULL;
    na_error_clear(&err);
    na_alloc_fail_at(i);
    int code = zoo_build(&net, "mcunet", 64, 10, true, &err);
    na_alloc_fail_at(0);
    CHECK(code == NA_ENOMEM && net == NULL, "allocation %lu of %lu: %d %s", i, needed, code,
          err.message);
  }
}

/* ------------------------------------------------------------------------------ parameters */

static void blocks_hold_every_tensor_once(void)
{
  na_net *net = build("mobilenetv3-0.35", 64, 10, true);
  size_t end = 0;
  for (int i = 0; i < net->param_count; i++) {
    const na_param *p = &net->params[i];
    CHECK(p->offset % 16 == 0 && p->offset >= end, "%s starts at %zu", p->name, p->offset);
    end = p->offset + p->count;
    CHECK(end <= net->values, "%s ends at %zu of %zu", p->name, end, net->values);
    bool weight = strstr(p->name, "bias") == NULL && strstr(p->name, "norm") == NULL;
    CHECK(p->decays == weight, "%s: decay", p->name);
    CHECK(na_net_param(net, p->name) == p, "%s is not found by its name", p->name);
  }
  CHECK((uintptr_t)net->weights % 64 == 0 && (uintptr_t)net->grads % 64 == 0, "alignment");
  CHECK(na_net_param(net, "nothing") == NULL, "found nothing");
  const na_param *var = na_net_buffer(net, "head.op_list.0.norm.running_var");
  CHECK(var != NULL && net->running[var->offset + 5] == 1.0f, "variances start at 1");
  na_net_free(net);
}

static double root_mean_square(const na_net *net, const char *name)
{
  const na_param *p = na_net_param(net, name);
  double sum = 0;
  for (size_t i = 0; i < p->count; i++)
    sum += (double)net->weights[p->offset + i] * net->weights[p->offset + i];
  return sqrt(sum / (double)p->count);
}

static void initial_weights(void)
{
  const char *stem = "backbone.input_stem.op_list.0.conv.weight",
             *last = "head.op_list.3.linear.weight";
  const char *late = "head.op_list.2.conv.bias";
  na_net *net = build("mobilenetv3-0.35", 64, 10, true),
         *plain = build("mobilenetv3-0.35", 64, 10, false);
  na_net_initialize(net, NA_INIT_AUTO, 1);
  na_net_initialize(plain, NA_INIT_AUTO, 1);
  CHECK_NEAR(root_mean_square(net, stem), 1 / sqrt(27) / sqrt(3), 0.1, 1 / sqrt(81), "uniform");
  CHECK_NEAR(root_mean_square(plain, stem), sqrt(2.0 / (8 * 9)), 0.15, sqrt(2.0 / 72), "normal");
  CHECK_NEAR(root_mean_square(net, last), 0.02, 0.02, 0.02, "linear");
  CHECK_NEAR(root_mean_square(net, late), 1 / sqrt(1008) / sqrt(3), 0.05, 1 / sqrt(3024), "bias");
  CHECK(root_mean_square(plain, late) == 0, "biases are 0 with normal");
  CHECK(root_mean_square(net, "head.op_list.0.norm.weight") == 1, "gamma");
  CHECK(root_mean_square(net, "head.op_list.0.norm.bias") == 0, "beta");
  float first = net->weights[17];
  na_net_initialize(net, NA_INIT_AUTO, 2);
  CHECK(net->weights[17] != first, "the seed changes nothing");
  na_net_initialize(net, NA_INIT_AUTO, 1);
  CHECK(net->weights[17] == first, "the same seed gives other weights");
  na_net_free(net);
  na_net_free(plain);
}

/* Does the base of `net` begin with the weights of `tiny`, a network of its own? */
static bool begins_alike(const na_net *net, const na_net *tiny)
{
  int *widths = na_alloc_array((size_t)net->dim_count, sizeof *widths);
  na_net *base = NULL;
  na_net_base(net, widths);
  CHECK_OK(na_net_extract(net, widths, &base, &err), err);
  bool alike = base->values == tiny->values &&
               memcmp(base->weights, tiny->weights, base->values * sizeof(float)) == 0;
  na_net_free(base);
  na_free(widths);
  return alike;
}

/* Supernets of any width begin with the same base. */
static void initial_base(void)
{
  na_net *net = build("mobilenetv3-0.35", 64, 10, true),
         *plain = build("mobilenetv3-0.35", 64, 10, false);
  for (na_init init = NA_INIT_BASE_UNIFORM; init <= NA_INIT_BASE_NORMAL; init++) {
    na_net_initialize(net, init, 5);
    na_net_initialize(plain, init, 5);
    CHECK(begins_alike(net, plain), "init %d: the base's weights are others", (int)init);
  }
  na_net_initialize(net, NA_INIT_KAIMING_UNIFORM, 5);
  CHECK(!begins_alike(net, plain), "the widest's fans give another scale");
  na_net_initialize(plain, NA_INIT_BASE_UNIFORM, 5);
  float narrow = plain->weights[3];
  na_net_initialize(plain, NA_INIT_KAIMING_UNIFORM, 5);
  CHECK(plain->weights[3] == narrow, "without wider ones both are the same");
  na_net_free(net);
  na_net_free(plain);
}

/* Networks whose lists differ draw alike where they do not. */
static void paired_draws(void)
{
  na_net *both = build("mobilenetv3-0.35", 64, 10, true),
         *wide = build("mobilenetv3-0.35", 64, 10, true);
  na_list lists = {3, {1, 1.5, 2}}, none = {1, {1}};
  CHECK_OK(na_net_set_lists(both, &lists, &lists, &err), err);
  CHECK_OK(na_net_set_lists(wide, &lists, &none, &err), err);
  int *a = na_alloc_array((size_t)both->dim_count, sizeof *a);
  int *b = na_alloc_array((size_t)both->dim_count, sizeof *b);
  na_random x = na_random_at(1, 0, 0), y = x;
  long wider = 0;
  for (int draw = 0; draw < 20; draw++) {
    na_net_sample(both, NA_SAMPLE_RANDOM, &x, a);
    na_net_sample(wide, draw % 2 == 0 ? NA_SAMPLE_RANDOM : NA_SAMPLE_MIN_E, &y, b);
    for (int d = 0; d < both->dim_count; d++) {
      if (both->dims[d].kind != NA_DIM_WIDTH) continue;
      CHECK(a[d] == b[d], "draw %d of %s: %d and %d", draw, both->dims[d].name, a[d], b[d]);
      wider += a[d] > 0;
    }
  }
  CHECK(wider > 20, "only %ld wider ones", wider);
  na_free(a);
  na_free(b);
  na_net_free(both);
  na_net_free(wide);
}

/* --------------------------------------------------------------------------------- surgery */

static void fill_random(na_net *net)
{
  for (size_t i = 0; i < net->values; i++) {
    net->weights[i] = na_random_symmetric(11, i);
    net->momentum[i] = na_random_symmetric(12, i);
  }
  for (size_t i = 0; i < net->stats; i++) net->running[i] = na_random_symmetric(13, i);
}

/* Value (o, i, tap) of a tensor in a block. */
static float at(const na_net *net, const float *block, const char *name, int o, int i)
{
  const na_param *p =
      na_net_param(net, name) != NULL ? na_net_param(net, name) : na_net_buffer(net, name);
  size_t taps = p->rank == 4 ? (size_t)p->shape[2] * (size_t)p->shape[3] : 1;
  size_t columns = p->rank >= 2 ? (size_t)p->shape[1] : 1;
  return block[p->offset + ((size_t)o * columns + (size_t)i) * taps];
}

static double importance(const na_net *net, const char *name, int channel)
{
  double sum = 0;
  for (int o = 0; o < na_net_param(net, name)->shape[0]; o++)
    sum += fabs((double)at(net, net->weights, name, o, channel));
  return sum;
}

#define BLOCK "backbone.stages.1.op_list.1.conv."
#define SE BLOCK "se_layer."

/* Every tensor tied to a middle moves by one and the same permutation, found from the depthwise
 * weights (which are all different). */
static void check_moved(const na_net *before, const na_net *after, bool with_momentum)
{
  int middles = na_net_param(after, BLOCK "depth_conv.conv.weight")->shape[0];
  for (int c = 0; c < middles; c++) {
    int from = -1;
    for (int o = 0; o < middles && from < 0; o++)
      if (at(before, before->weights, BLOCK "depth_conv.conv.weight", o, 0) ==
          at(after, after->weights, BLOCK "depth_conv.conv.weight", c, 0))
        from = o;
    CHECK(from >= 0, "channel %d came from nowhere", c);
    if (from < 0) return;
    static const char *const rows[] = {
        BLOCK "inverted_conv.conv.weight", BLOCK "inverted_conv.norm.weight",
        BLOCK "inverted_conv.norm.bias",   BLOCK "depth_conv.norm.weight",
        BLOCK "depth_conv.norm.bias",      SE "expand_conv.bias"};
    for (int i = 0; i < 6; i++)
      CHECK(at(before, before->weights, rows[i], from, 0) ==
                at(after, after->weights, rows[i], c, 0),
            "%s: row %d is not the old %d", rows[i], c, from);
    CHECK(at(before, before->running, BLOCK "depth_conv.norm.running_var", from, 0) ==
              at(after, after->running, BLOCK "depth_conv.norm.running_var", c, 0),
          "running_var %d", c);
    CHECK(at(before, before->weights, BLOCK "point_conv.conv.weight", 3, from) ==
              at(after, after->weights, BLOCK "point_conv.conv.weight", 3, c),
          "projection %d", c);
    float moved = at(before, before->momentum, BLOCK "depth_conv.conv.weight", from, 0);
    float kept = at(before, before->momentum, BLOCK "depth_conv.conv.weight", c, 0);
    CHECK(at(after, after->momentum, BLOCK "depth_conv.conv.weight", c, 0) ==
              (with_momentum ? moved : kept),
          "momentum %d", c);
    if (c > 0)
      CHECK(importance(after, BLOCK "point_conv.conv.weight", c) <=
                importance(after, BLOCK "point_conv.conv.weight", c - 1),
            "importance rises at %d", c);
  }
}

static void check_squeeze_sorted(const na_net *net)
{
  for (int c = 1; c < na_net_param(net, SE "reduce_conv.bias")->shape[0]; c++)
    CHECK(importance(net, SE "expand_conv.weight", c) <=
              importance(net, SE "expand_conv.weight", c - 1),
          "squeeze importance rises at %d", c);
}

static void channel_sort(void)
{
  for (int with_momentum = 0; with_momentum < 2; with_momentum++) {
    na_net *before = build("mobilenetv3-0.35", 64, 10, true);
    na_net *after = build("mobilenetv3-0.35", 64, 10, true);
    fill_random(before);
    fill_random(after);
    CHECK_OK(na_net_sort_channels(after, with_momentum, &err), err);
    check_moved(before, after, with_momentum);
    check_squeeze_sorted(after);
    size_t bytes = after->values * sizeof(float);
    memcpy(before->weights, after->weights, bytes);
    CHECK_OK(na_net_sort_channels(after, with_momentum, &err), err);
    CHECK(memcmp(before->weights, after->weights, bytes) == 0, "sorting twice changes something");
    na_alloc_fail_at(2);
    CHECK_FAILS(na_net_sort_channels(after, true, &err), NA_ENOMEM, "channel sort", err);
    CHECK(memcmp(before->weights, after->weights, bytes) == 0, "a failed sort changes something");
    na_net_free(before);
    na_net_free(after);
  }
}

static void extraction(void)
{
  na_net *net = build("mobilenetv3-0.35", 64, 10, true), *tiny = NULL;
  fill_random(net);
  int widths[DIMS], same[DIMS];
  na_net_base(net, widths);
  CHECK_OK(na_net_extract(net, widths, &tiny, &err), err);
  if (tiny == NULL) exit(EXIT_FAILURE);
  na_cost a, b;
  na_net_cost(net, widths, &a);
  na_net_widest(tiny, same);
  na_net_cost(tiny, same, &b);
  CHECK(memcmp(widths, same, sizeof *same * (size_t)net->dim_count) == 0, "widths differ");
  CHECK(a.parameters == b.parameters && a.macs == b.macs, "costs differ");
  CHECK(!na_net_elastic(tiny), "the extract is elastic");
  static const char *const tensors[] = {
      BLOCK "inverted_conv.conv.weight", BLOCK "depth_conv.conv.weight", SE "reduce_conv.weight",
      "head.op_list.3.linear.weight", BLOCK "point_conv.norm.weight"};
  for (int t = 0; t < 5; t++) {
    const na_param *p = na_net_param(tiny, tensors[t]);
    for (int o = 0; o < p->shape[0]; o++)
      for (int i = 0; i < (p->rank > 1 ? p->shape[1] : 1); i++)
        CHECK(at(tiny, tiny->weights, tensors[t], o, i) == at(net, net->weights, tensors[t], o, i),
              "%s differs at %d, %d", tensors[t], o, i);
  }
  na_net_free(tiny);
  unsigned long before = na_alloc_count();
  CHECK_OK(na_net_extract(net, widths, &tiny, &err), err);
  unsigned long needed = na_alloc_count() - before;
  na_net_free(tiny);
  for (unsigned long i = 1; i <= needed; i += 13) {
    na_alloc_fail_at(i);
    CHECK_FAILS(na_net_extract(net, widths, &tiny, &err), NA_ENOMEM, "out of memory", err);
    CHECK(tiny == NULL, "a net came out of an error");
  }
  na_net_free(net);
}

/* Hand-made: input 2x4x4 -> conv 8x4x4 -> add -> pool -> fc 10. Floats alive: at the conv 32 + 128,
 * at the second conv 128 + 128, at the add 3 * 128, at the pool 128 + 8. */
static void peak_activation(void)
{
  na_net *net = NULL;
  na_error_clear(&err);
  CHECK_OK(na_net_new(&net, "test", 2, 4, 4, 10, &err), err);
  int eight = na_net_fixed(net, "d8", 8, &err), classes = na_net_fixed(net, "classes", 10, &err);
  na_layer_spec a = spec_on(0, NA_CONV, "a", eight), b = spec_on(1, NA_CONV, "b", eight);
  na_layer_spec add = spec_on(2, NA_ADD, "add", -1), pool = spec_on(3, NA_GLOBALPOOL, "pool", -1);
  na_layer_spec fc = spec_on(4, NA_LINEAR, "fc", classes);
  add.input[1] = 1;
  na_layer_spec *all[] = {&a, &b, &add, &pool, &fc};
  for (int i = 0; i < 5; i++) CHECK(na_net_add(net, all[i], &err) == i + 1, "%s", err.message);
  CHECK_OK(na_net_finish(net, &err), err);
  int widths[DIMS];
  na_net_base(net, widths);
  CHECK(na_net_peak_activation(net, widths) == 4 * 3 * 128, "%lld bytes",
        na_net_peak_activation(net, widths));
  na_net_free(net);
}

int main(void)
{
  RUN(costs_are_the_papers);
  RUN(costs_at_64_are_exact);
  RUN(shapes_are_the_references);
  RUN(widths_are_the_references);
  RUN(base_widths_are_the_base);
  RUN(sampling_holds_and_draws);
  RUN(spaced_lists);
  RUN(lists_shrink_but_do_not_outgrow);
  RUN(impossible_dimensions_are_refused);
  RUN(impossible_layers_are_refused);
  RUN(squeeze_is_only_a_gate);
  RUN(unfinished_nets_are_refused);
  RUN(wrong_widths_are_refused);
  RUN(out_of_memory_is_an_error);
  RUN(blocks_hold_every_tensor_once);
  RUN(initial_weights);
  RUN(initial_base);
  RUN(paired_draws);
  RUN(channel_sort);
  RUN(extraction);
  RUN(peak_activation);
  return CHECK_EXIT();
}
