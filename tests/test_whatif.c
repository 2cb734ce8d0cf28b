/* Other lists of candidates, tried before they are set: forecasts against networks that have them, and
 * the view that shows and sets them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/forecast.h"
#include "tests/saved_screen.h"
#include "tests/trainer_rig.h"
#include "tui/screen/live.h"

static void check_cost(const char *what, const na_net *net, const int *widths, const na_cost *got,
                       long long peak)
{
  na_cost wanted;
  na_net_cost(net, widths, &wanted);
  CHECK(got->macs == wanted.macs && got->parameters == wanted.parameters &&
            got->activation == wanted.activation && got->norm_parameters == wanted.norm_parameters,
        "%s: %lld MACs, %lld parameters; wanted %lld, %lld", what, got->macs, got->parameters,
        wanted.macs, wanted.parameters);
  CHECK(peak == na_net_peak_activation(net, widths), "%s: peak %lld", what, peak);
}

/* The forecast of lists is what a network that has them costs. */
static void compare(na_net *has, const na_net *net, const na_list *width, const na_list *expand, bool fits)
{
  int base[DIMS], widest[DIMS];
  na_forecast f;
  na_error_clear(&err);
  CHECK_OK(na_net_forecast(net, width, expand, NA_SAMPLE_RANDOM, &f, &err), err);
  CHECK(f.fits == fits, "%s", fits ? "these lists fit" : "these lists need more channels");
  na_net_base(has, base);
  na_net_widest(has, widest);
  check_cost("base", has, base, &f.base, f.base_peak);
  check_cost("widest", has, widest, &f.widest, f.widest_peak);
  bool drawn = width->count > 1 || expand->count > 1;
  CHECK(drawn ? f.mean.macs > f.base.macs && f.mean.macs < f.widest.macs
              : f.mean.macs == f.base.macs && f.mean_peak == f.base_peak, "mean of %lld MACs", f.mean.macs);
}

static void forecasts(void)
{
  const na_list one = {1, {1}}, narrow = {2, {1, 1.6}}, as_built = {2, {1, 2}}, three = {3, {1, 1.6, 2.2}};
  const na_list wide = {3, {1, 2, 4}};
  na_net *net = make_net(true), *other = make_net(true);
  compare(other, net, &as_built, &three, true);
  CHECK_OK(na_net_set_lists(other, &one, &narrow, &err), err);
  compare(other, net, &one, &narrow, true);
  CHECK_OK(na_net_set_lists(other, &one, &one, &err), err);
  compare(other, net, &one, &one, true);
  na_net_free(other);
  na_forecast f;
  CHECK_OK(na_net_forecast(net, &wide, &three, NA_SAMPLE_RANDOM, &f, &err), err);
  CHECK(!f.fits, "wider than built");
  const na_list broken = {2, {1, 0.5}};
  CHECK_FAILS(na_net_forecast(net, &broken, &three, NA_SAMPLE_RANDOM, &f, &err), NA_EINVAL, "must rise", err);
  na_net_free(net);
}

/* A wider forecast equals a network that was built so. */
static void wider(void)
{
  const na_list wide = {3, {1, 2, 4}}, three = {3, {1, 1.6, 2.2}}, one = {1, {1}};
  na_net *nets[2];
  for (int i = 0; i < 2; i++) {
    const na_list *width = i == 0 ? &one : &wide, *expand = i == 0 ? &one : &three;
    CHECK_OK(na_net_new(&nets[i], "toy", 3, SIZE, SIZE, CLASSES, &err), err);
    na_net_width(nets[i], "stem", 4, width, &err);
    na_net_expand(nets[i], "mid", 12, 1, expand, &err);
    na_net_squeeze(nets[i], "se", 16, 2, &err);
    na_net_fixed(nets[i], "classes", CLASSES, &err);
    add(nets[i], NA_CONV, "stem", 0, 1, 3, 2, NA_ACT_RELU6);
    add(nets[i], NA_CONV, "up", 1, 2, 1, 1, NA_ACT_HSWISH);
    add(nets[i], NA_DEPTHWISE, "dw", 2, -1, 3, 1, NA_ACT_HSWISH);
    add(nets[i], NA_SQUEEZE, "gate", 3, -1, 1, 1, NA_ACT_IDENTITY);
    add(nets[i], NA_CONV, "down", 3, 1, 1, 1, NA_ACT_IDENTITY);
    add(nets[i], NA_GLOBALPOOL, "pool", 5, -1, 1, 1, NA_ACT_IDENTITY);
    add(nets[i], NA_LINEAR, "classifier", 6, 4, 1, 1, NA_ACT_IDENTITY);
    CHECK_OK(na_net_finish(nets[i], &err), err);
  }
  compare(nets[1], nets[0], &wide, &three, false);
  na_net_free(nets[0]);
  na_net_free(nets[1]);
}

static void same_screen(na_live *live, const char *name)
{
  na_live_draw(live);
  saved_screen(&live->grid, name);
}

static void type(na_live *live, int key, const char *line)
{
  na_live_key(live, key);
  CHECK(live->asking && live->question.line, "%c asks for a line", key);
  na_live_typed(live, line, false);
  na_live_typed(live, line, true);
}

/* A training that has not started: its settings can be looked at and steered. */
static void view(void)
{
  rig r;
  na_live live;
  rig_init(&r, true);
  rig_start(&r);
  CHECK_OK(na_live_init(&live, true, &err), err);
  na_live_begin(&live, "toy", r.trainer, r.net);
  na_event step = {.kind = NA_EVENT_STEP, .step = 100, .steps = 1000, .epochs = 4, .batches = 250,
                   .merged = 2, .phase = NA_PHASE_RANDOM, .lr = 0.05, .images_per_second = 500,
                   .base = {1, 0.5, 0.9, 2 * BATCH}, .augmented = {1, 0.5, 0.9, 2 * BATCH}};
  na_live_event(&live, &step);
  na_live_key(&live, '2');
  same_screen(&live, "augment-now-80x24.txt");
  type(&live, 'w', "1");
  same_screen(&live, "augment-new-80x24.txt");
  type(&live, 'x', "1, 0.3");
  CHECK(strstr(live.notice, "0.3") != NULL, "notice: %s", live.notice);
  type(&live, 'r', "4 2");
  same_screen(&live, "augment-wider-80x24.txt");
  na_live_key(&live, NA_KEY_ENTER);
  CHECK(!live.asking && strstr(live.notice, "fewer channels") != NULL, "notice: %s", live.notice);
  na_live_key(&live, NA_KEY_ESCAPE);
  type(&live, 'w', "1");
  type(&live, 'x', "1, 1.6");
  na_live_key(&live, NA_KEY_ENTER);
  CHECK(live.asking, "it asks");
  na_live_key(&live, 'y');
  CHECK(strcmp(live.notice, "set augment.width = 1; augment.expand = 1, 1.6") == 0, "notice: %s",
        live.notice);
  CHECK_OK(na_grid_resize(&live.grid, 60, 200, &err), err);
  type(&live, 'r', "1.5");
  same_screen(&live, "augment-200x60.txt");
  CHECK_OK(na_grid_resize(&live.grid, 5, 20, &err), err);
  same_screen(&live, "augment-20x5.txt");
  live.grid.utf8 = false;
  CHECK_OK(na_grid_resize(&live.grid, 24, 80, &err), err);
  same_screen(&live, "augment-ascii-80x24.txt");
  static const struct {
    int key;
    const char *line, *said;
  } steered[] = {{'}', NULL, "set train.alpha = 1.25"},
                 {'{', NULL, "set train.alpha = 0.8"},
                 {']', NULL, "set train.lr = 0.0625"},
                 {'p', "off", "set train.phase = off"},
                 {'p', "of", "train.phase takes one of"},
                 {'S', "alpha = 2; networks = 2", "set alpha = 2; networks = 2"}};
  for (size_t i = 0; i < sizeof steered / sizeof steered[0]; i++) {
    if (steered[i].line != NULL) type(&live, steered[i].key, steered[i].line);
    else na_live_key(&live, steered[i].key);
    CHECK(strstr(live.notice, steered[i].said) != NULL, "%c: %s", steered[i].key, live.notice);
  }
  na_live_end(&live);
  na_live_free(&live);
  rig_free(&r);
}

int main(void)
{
  RUN(forecasts);
  RUN(wider);
  RUN(view);
  return CHECK_EXIT();
}
