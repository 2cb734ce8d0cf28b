/* The zoo against the reference fixtures, against the networks that tests/zoo.h builds in C, and
 * against the paper's table of costs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5.h"
#include "tests/lua_state.h"
#include "tests/zoo.h"

static na_net *build(lua_state *s, const na_lua_model *model)
{
  na_error err = {0};
  na_net *net = NULL;
  CHECK_OK(na_lua_build(s->lua, model, &net, &err), err);
  return net;
}

/* ------------------------------------------------------------------------------ fixtures */

typedef struct fixture {
  na_h5 *file;
  const na_net *net;
  int params;
} fixture;

static int compare_param(void *context, const char *name)
{
  fixture *f = context;
  na_error err = {0};
  char path[256];
  double shape[4];
  size_t rank = 4;
  snprintf(path, sizeof path, "params/%s", name);
  CHECK_OK(na_h5_get_numbers(f->file, path, "shape", shape, &rank, &err), err);
  f->params++;
  const na_param *param = na_net_param(f->net, name);
  CHECK(param != NULL, "%s exists", name);
  if (param == NULL) return 0;
  CHECK(param->rank == (int)rank, "%s has rank %d, not %zu", name, param->rank, rank);
  for (size_t i = 0; i < rank && i < 4; i++)
    CHECK(param->shape[i] == (int)shape[i], "%s: axis %zu is %d, not %g", name, i, param->shape[i],
          shape[i]);
  return 0;
}

/* Where a dimension of the fixture is shared with the one before (a shortcut), the net has no
 * dimension of that name. */
static void compare_widths(const fixture *f)
{
  na_error err = {0};
  char **names = NULL;
  size_t count = 0, values = 256;
  double base[256], last = 0;
  CHECK_OK(na_h5_get_texts(f->file, "cases/base", "width_names", &names, &count, &err), err);
  CHECK_OK(na_h5_get_numbers(f->file, "cases/base", "widths", base, &values, &err), err);
  CHECK(values == count && count > 0, "%zu names for %zu widths", count, values);
  if (names == NULL || values != count) return;
  for (size_t i = 0; i < count; i++) {
    const na_dim *found = NULL;
    for (int d = 0; d < f->net->dim_count; d++)
      if (strcmp(f->net->dims[d].name, names[i]) == 0) found = &f->net->dims[d];
    bool middle = strstr(names[i], ".mid") != NULL;
    if (found == NULL)
      CHECK(!middle && base[i] == last, "dimension %s is missing", names[i]);
    else
      CHECK(found->base == base[i], "%s: base %d, not %g", names[i], found->base, base[i]);
    if (!middle) last = base[i];
  }
  na_free(names);
}

static void compare_fixture(const char *file, const na_lua_model *model)
{
  const char *shared = check_shared();
  if (shared == NULL) {
    CHECK(true, "skipped");
    return;
  }
  char path[4096];
  na_error err = {0};
  lua_state s;
  fixture f = {0};
  snprintf(path, sizeof path, "%s/fixtures/%s", shared, file);
  state_open(&s, NULL);
  na_net *net = build(&s, model);
  f.net = net;
  CHECK_OK(na_h5_open(&f.file, path, &err), err);
  if (net != NULL && f.file != NULL) {
    CHECK_OK(na_h5_each(f.file, "params", compare_param, &f, &err), err);
    CHECK(f.params == net->param_count, "%d parameters, not %d", net->param_count, f.params);
    compare_widths(&f);
    double macs = 0;
    int widths[256];
    na_cost cost;
    CHECK_OK(na_h5_get_number(f.file, "/", "base_macs", &macs, &err), err);
    na_net_base(net, widths);
    na_net_cost(net, widths, &cost);
    CHECK((double)cost.macs == macs, "%lld base MACs, not %g", cost.macs, macs);
  }
  if (f.file != NULL) na_h5_close(f.file, NULL);
  na_net_free(net);
  state_close(&s);
}

static void fixture_mobilenetv2_tiny(void)
{
  compare_fixture("mobilenetv2-tiny-64.h5",
                  &(na_lua_model){.name = "mobilenetv2_tiny", .resolution = 64, .classes = 10});
}

static void fixture_mcunet(void)
{
  compare_fixture("mcunet-64.h5",
                  &(na_lua_model){.name = "mcunet", .resolution = 64, .classes = 10});
}

static void fixture_mobilenetv3(void)
{
  compare_fixture("mobilenetv3-0.35-64.h5",
                  &(na_lua_model){.name = "mobilenetv3", .resolution = 64, .classes = 10});
}

/* ------------------------------------------------------------------- the description in C */

static const char *const twins[ZOO_COUNT][2] = {{"mobilenetv2-tiny", "mobilenetv2_tiny"},
                                                {"mcunet", "mcunet"},
                                                {"mobilenetv2", "mobilenetv2"},
                                                {"proxyless", "proxylessnas"},
                                                {"mobilenetv3-0.35", "mobilenetv3"}};

static void compare_nets(const na_net *a, const na_net *b, const char *name)
{
  CHECK(a->param_count == b->param_count, "%s: %d parameters and %d", name, a->param_count,
        b->param_count);
  CHECK(a->dim_count == b->dim_count, "%s: %d dimensions and %d", name, a->dim_count, b->dim_count);
  CHECK(a->layer_count == b->layer_count, "%s: %d layers and %d", name, a->layer_count,
        b->layer_count);
  for (int i = 0; i < a->param_count && i < b->param_count; i++) {
    CHECK(strcmp(a->params[i].name, b->params[i].name) == 0, "%s and %s", a->params[i].name,
          b->params[i].name);
    CHECK(memcmp(a->params[i].shape, b->params[i].shape, sizeof a->params[i].shape) == 0,
          "%s: shape of %s", name, a->params[i].name);
  }
  for (int i = 0; i < a->layer_count && i < b->layer_count; i++) {
    const na_layer *x = &a->layers[i], *y = &b->layers[i];
    CHECK(x->kind == y->kind && x->act == y->act && x->stride == y->stride &&
              x->kernel == y->kernel && x->height == y->height && x->gate == y->gate &&
              x->norm == y->norm && x->biased == y->biased,
          "%s: layer %d, %s and %s", name, i, x->name, y->name);
  }
  for (int d = 0; d < a->dim_count; d++) {
    int other = 0;
    while (other < b->dim_count && strcmp(a->dims[d].name, b->dims[other].name) != 0) other++;
    bool squeeze = a->dims[d].kind == NA_DIM_SQUEEZE; /* called otherwise there */
    if (squeeze) continue;
    CHECK(other < b->dim_count && a->dims[d].base == b->dims[other].base &&
              a->dims[d].max == b->dims[other].max && a->dims[d].kind == b->dims[other].kind,
          "%s: dimension %s", name, a->dims[d].name);
  }
}

static void same_as_in_c(void)
{
  lua_state s;
  state_open(&s, NULL);
  for (int i = 0; i < ZOO_COUNT; i++) {
    na_error err = {0};
    na_net *in_c = NULL;
    na_net *in_lua =
        build(&s, &(na_lua_model){.name = twins[i][1], .resolution = 96, .classes = 11});
    CHECK_OK(zoo_build(&in_c, twins[i][0], 96, 11, true, &err), err);
    if (in_c != NULL && in_lua != NULL) compare_nets(in_lua, in_c, twins[i][1]);
    na_net_free(in_c);
    na_net_free(in_lua);
  }
  state_close(&s);
}

/* --------------------------------------------------------------------------------- costs */

/* Millions, as the paper's table prints them. */
typedef struct costs {
  const char *model, *base, *without_norm, *base_macs, *widest, *widest_macs;
} costs;

static const costs table[] = {
    {"mobilenetv2_tiny", "0.750", "0.738", "23.5", "5.83", "334.4"},
    {"mcunet", "0.737", "0.722", "81.8", "7.27", "866.3"},
    {"mobilenetv2", "1.677", "1.663", "30.9", "8.62", "412.2"},
    {"proxylessnas", "1.781", "1.767", "35.7", "9.73", "453.5"},
    {"mobilenetv3", "2.110", "2.101", "19.5", "25.18", "360.4"},
};

static void prints(const char *model, const char *what, long long value, int digits,
                   const char *wanted)
{
  char text[32];
  snprintf(text, sizeof text, "%.*f", digits, (double)value / 1e6);
  CHECK(strcmp(text, wanted) == 0, "%s: %s %sM, not %sM", model, what, text, wanted);
}

static void costs_of_the_paper(void)
{
  lua_state s;
  state_open(&s, NULL);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const costs *c = &table[i];
    na_net *net = build(&s, &(na_lua_model){.name = c->model});
    if (net == NULL) continue;
    int widths[256];
    na_cost cost;
    na_net_base(net, widths);
    na_net_cost(net, widths, &cost);
    prints(c->model, "base parameters", cost.parameters, 3, c->base);
    prints(c->model, "without norm", cost.parameters - cost.norm_parameters, 3, c->without_norm);
    prints(c->model, "base MACs", cost.macs, 1, c->base_macs);
    na_net_widest(net, widths);
    na_net_cost(net, widths, &cost);
    prints(c->model, "widest parameters", cost.parameters, 2, c->widest);
    prints(c->model, "widest MACs", cost.macs, 1, c->widest_macs);
    na_net_free(net);
  }
  state_close(&s);
}

/* ------------------------------------------------------------------------------- options */

static void every_model(void)
{
  lua_state s;
  const char *const *names = NULL, *const *help = NULL;
  state_open(&s, NULL);
  int count = na_lua_zoo(s.lua, &names, &help);
  CHECK(count == 12, "%d models", count);
  for (int i = 0; i < count; i++) {
    CHECK(strlen(help[i]) > 10, "%s has help", names[i]);
    na_list width = {2, {1, 1.5}}, expand = {1, {1}};
    na_net *net = build(&s, &(na_lua_model){.name = names[i],
                                            .resolution = 40,
                                            .classes = 3,
                                            .channels = 2,
                                            .stem_stride = 1,
                                            .width = &width,
                                            .expand = &expand});
    if (net == NULL) continue;
    CHECK(net->classes == 3 && net->channels == 2 && net->height == 40, "%s: options", names[i]);
    CHECK(net->layers[1].stride == 1, "%s: stem stride", names[i]);
    for (int d = 0; d < net->dim_count; d++) {
      const na_dim *dim = &net->dims[d];
      if (dim->kind == NA_DIM_WIDTH)
        CHECK(dim->list.count == 2 && dim->max == (int)(dim->base * 1.5 + 0.5), "%s: %s", names[i],
              dim->name);
      if (dim->kind == NA_DIM_EXPAND) CHECK(dim->list.count == 1, "%s: %s", names[i], dim->name);
    }
    na_net_free(net);
  }
  state_close(&s);
}

static void width_multiplier(void)
{
  lua_state s;
  state_open(&s, NULL);
  na_net *half = build(&s, &(na_lua_model){.name = "mobilenetv2", .width_mult = 0.5});
  na_net *whole =
      build(&s, &(na_lua_model){.name = "mobilenetv2", .width_mult = 1.0, .resolution = 224});
  if (half != NULL && whole != NULL) {
    int widths[256];
    na_cost cost;
    CHECK(half->dims[1].base == 16 && whole->dims[1].base == 32, "stems of %d and %d",
          half->dims[1].base, whole->dims[1].base);
    /* MobileNetV2's own paper: 3.4M parameters, 300M MACs. */
    na_net_base(whole, widths);
    na_net_cost(whole, widths, &cost);
    CHECK(cost.parameters == 3504872, "%lld parameters", cost.parameters);
    CHECK(cost.macs > 295000000 && cost.macs < 305000000, "%lld MACs", cost.macs);
  }
  na_net_free(half);
  na_net_free(whole);
  state_close(&s);
}

int main(void)
{
  RUN(fixture_mobilenetv2_tiny);
  RUN(fixture_mcunet);
  RUN(fixture_mobilenetv3);
  RUN(same_as_in_c);
  RUN(costs_of_the_paper);
  RUN(every_model);
  RUN(width_multiplier);
  return CHECK_EXIT();
}
