/* Beginning with the weights of another training, and freezing some: which tensors are taken, what
 * stays as it was to the bit, what is refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/checkpoint.h"
#include "tests/trainer_rig.h"

static char supernet_file[64], tiny_file[64], digits_file[64];

static const na_param *param_of(const na_net *net, const char *name)
{
  const na_param *p = na_net_param(net, name);
  if (p == NULL) p = na_net_buffer(net, name);
  CHECK(p != NULL, "no tensor %s", name);
  if (p == NULL) exit(EXIT_FAILURE);
  return p;
}

/* Whether the first rows x columns x taps of two tensors of that name have the same bits. */
static bool same_slice(const na_net *a, const na_net *b, const char *name, int rows, int columns)
{
  bool buffer = na_net_param(a, name) == NULL;
  const na_param *p = param_of(a, name), *q = param_of(b, name);
  const float *x = (buffer ? a->running : a->weights) + p->offset;
  const float *y = (buffer ? b->running : b->weights) + q->offset;
  size_t p_row = p->count / (size_t)p->shape[0], q_row = q->count / (size_t)q->shape[0];
  size_t taps = p->rank > 1 ? p_row / (size_t)p->shape[1] : 1;
  for (int row = 0; row < rows; row++)
    if (memcmp(x + (size_t)row * p_row, y + (size_t)row * q_row,
               (size_t)columns * taps * sizeof *x) != 0)
      return false;
  return true;
}

static bool same_tensor(const na_net *a, const na_net *b, const char *name)
{
  const na_param *p = param_of(a, name);
  return same_slice(a, b, name, p->shape[0], p->rank > 1 ? p->shape[1] : 1);
}

/* ------------------------------------------------------------------------- between networks */

static na_net *filled(bool elastic, uint64_t seed)
{
  na_net *net = make_net(elastic);
  na_net_initialize(net, NA_INIT_AUTO, seed);
  na_random random = na_random_at(seed, 1, 2);
  for (int i = 0; i < net->buffer_count; i++)
    for (size_t k = 0; k < net->buffers[i].count; k++)
      net->running[net->buffers[i].offset + k] = (float)na_random_unit(&random);
  return net;
}

static void a_supernet_into_its_tiny_network(void)
{
  na_net *super = filled(true, 1), *tiny = filled(false, 2), *wanted = NULL;
  int base[DIMS], copied;
  na_buffer missed = {0};
  na_error_clear(&err);
  CHECK_OK(na_net_transfer(tiny, super, true, &copied, &missed, &err), err);
  CHECK(copied == tiny->param_count && missed.length == 0, "%d tensors, missed %s", copied,
        missed.data);
  na_net_base(super, base);
  CHECK_OK(na_net_extract(super, base, &wanted, &err), err);
  CHECK(memcmp(tiny->weights, wanted->weights, tiny->values * sizeof(float)) == 0, "weights");
  CHECK(memcmp(tiny->running, wanted->running, tiny->stats * sizeof(float)) == 0, "statistics");
  na_net_free(super);
  na_net_free(tiny);
  na_net_free(wanted);
}

/* The base gets the tiny network's weights; what lies beyond keeps its own. */
static void a_tiny_network_into_its_supernet(void)
{
  na_net *super = filled(true, 1), *before = filled(true, 1), *tiny = filled(false, 2), *base = NULL;
  int widths[DIMS], copied;
  na_buffer missed = {0};
  CHECK_OK(na_net_transfer(super, tiny, true, &copied, &missed, &err), err);
  CHECK(copied == super->param_count, "%d tensors", copied);
  na_net_base(super, widths);
  CHECK_OK(na_net_extract(super, widths, &base, &err), err);
  CHECK(memcmp(tiny->weights, base->weights, tiny->values * sizeof(float)) == 0, "weights");
  CHECK(memcmp(tiny->running, base->running, tiny->stats * sizeof(float)) == 0, "statistics");
  const na_param *up = param_of(super, "up.conv.weight");
  size_t row = up->count / (size_t)up->shape[0], last = up->offset + up->count - row;
  CHECK(memcmp(super->weights + last, before->weights + last, row * sizeof(float)) == 0,
        "a channel beyond the base has changed");
  CHECK(!same_tensor(super, before, "up.conv.weight"), "nothing has changed");
  na_net_free(super);
  na_net_free(before);
  na_net_free(tiny);
  na_net_free(base);
}

static na_net *listed(double width, double expand, uint64_t seed)
{
  na_net *net = NULL;
  na_list widths = {2, {1, width}}, expands = {2, {1, expand}};
  CHECK_OK(na_net_new(&net, "toy", 3, SIZE, SIZE, CLASSES, &err), err);
  na_net_width(net, "stem", 4, &widths, &err);
  na_net_expand(net, "mid", 12, 1, &expands, &err);
  na_net_fixed(net, "classes", CLASSES, &err);
  add(net, NA_CONV, "stem", 0, 1, 3, 2, NA_ACT_RELU6);
  add(net, NA_CONV, "up", 1, 2, 1, 1, NA_ACT_HSWISH);
  add(net, NA_GLOBALPOOL, "pool", 2, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_LINEAR, "classifier", 3, 3, 1, 1, NA_ACT_IDENTITY);
  CHECK_OK(na_net_finish(net, &err), err);
  na_net_initialize(net, NA_INIT_AUTO, seed);
  return net;
}

/* Of two supernets with other lists, what both have: 8 of 8 and 12, 48 of 48 and 72 channels. */
static void one_supernet_into_another(void)
{
  na_net *from = listed(2, 2, 1), *to = listed(3, 2, 2);
  int copied;
  na_buffer missed = {0};
  CHECK_OK(na_net_transfer(to, from, true, &copied, &missed, &err), err);
  CHECK(copied == to->param_count, "%d tensors", copied);
  CHECK(param_of(to, "stem.conv.weight")->shape[0] == 12, "the nets are not what they should be");
  CHECK(same_slice(from, to, "stem.conv.weight", 8, 3), "stem");
  CHECK(same_slice(from, to, "up.conv.weight", 48, 8), "up");
  CHECK(same_slice(from, to, "classifier.linear.weight", CLASSES, 48), "classifier");
  na_net_free(from);
  na_net_free(to);
}

/* Another architecture is refused and changes nothing, whatever names agree. */
static void another_network_is_refused(void)
{
  na_net *toy = filled(false, 1), *before = filled(false, 1), *other = NULL;
  int copied;
  na_buffer missed = {0};
  CHECK_OK(na_net_new(&other, "other", 3, SIZE, SIZE, CLASSES, &err), err);
  na_net_fixed(other, "stem", 7, &err);
  na_net_fixed(other, "classes", CLASSES, &err);
  add(other, NA_CONV, "stem", 0, 1, 3, 2, NA_ACT_RELU6);
  add(other, NA_GLOBALPOOL, "pool", 1, -1, 1, 1, NA_ACT_IDENTITY);
  add(other, NA_LINEAR, "classifier", 2, 2, 1, 1, NA_ACT_IDENTITY);
  CHECK_OK(na_net_finish(other, &err), err);
  CHECK(na_net_transfer(toy, other, true, &copied, &missed, &err) == NA_ESHAPE &&
            strstr(err.message, "only 1 of its 5 tensors fit") != NULL &&
            strstr(err.hint, "stem.conv.weight") != NULL,
        "%s %s", err.message, err.hint);
  na_error_clear(&err);
  CHECK(memcmp(toy->weights, before->weights, toy->values * sizeof(float)) == 0, "weights changed");
  na_net_free(toy);
  na_net_free(before);
  na_net_free(other);
}

/* ------------------------------------------------------------------------------ in trainings */

static void make_files(void)
{
  static const char *const words[] = {"a", "b", "c", "d"};
  static const char *const same[] = {"zero", "one", "two", "three"};
  char *paths[] = {supernet_file, tiny_file, digits_file};
  for (int i = 0; i < 3; i++) {
    na_net *net = filled(i == 0, 11), *tiny = NULL;
    na_checkpoint state = {.val_top1 = 0.5, .epoch = 7, .class_count = CLASSES};
    state.class_names = (char **)(uintptr_t)(i == 2 ? words : same);
    snprintf(paths[i], 64, "/tmp/netaug-transfer-XXXXXX");
    int fd = mkstemp(paths[i]), widths[DIMS];
    CHECK(fd >= 0, "no temporary file");
    close(fd);
    na_net_base(net, widths);
    CHECK_OK(na_net_extract(net, widths, &tiny, &err), err); /* as netaug export does */
    CHECK_OK(na_checkpoint_save(paths[i], i == 0 ? net : tiny, &state, i == 0, &err), err);
    na_net_free(tiny);
    na_net_free(net);
  }
}

static void rig_from(rig *r, bool elastic, const char *path)
{
  rig_init(r, elastic);
  r->train.epochs = 1;
  snprintf(r->train.init_from, sizeof r->train.init_from, "%s", path);
}

static void check_log(const rig *r, const char *words)
{
  char text[8192] = "";
  FILE *log = fopen(file_of(r, "log.txt"), "r");
  CHECK(log != NULL && fread(text, 1, sizeof text - 1, log) > 100, "no log");
  if (log != NULL) fclose(log);
  CHECK(strstr(text, words) != NULL, "the log lacks \"%s\":\n%s", words, text);
}

/* With a learning rate of 0 the weights stay what they began as. */
static void trainings_begin_with_a_checkpoint(void)
{
  static const struct {
    bool elastic;
    const char *path, *log;
    bool classifier;
  } cases[] = {{true, supernet_file, "21 of 21 tensors", true},
               {false, supernet_file, "21 of 21 tensors", true},
               {true, tiny_file, "21 of 21 tensors", true},
               {false, tiny_file, "21 of 21 tensors", true},
               {true, digits_file, "not from there: classifier.linear.weight, classifier.linear.bias",
                false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rig r;
    na_net *from = NULL, *fresh = make_net(cases[i].elastic);
    na_checkpoint state = {0};
    rig_from(&r, cases[i].elastic, cases[i].path);
    rig_folder(&r);
    r.train.lr = 0;
    r.train.sort = false;
    CHECK_OK(rig_run(&r), err);
    CHECK_OK(na_checkpoint_load(cases[i].path, &from, &state, &err), err);
    CHECK(same_slice(r.net, from, "up.conv.weight", 12, 4), "case %zu: up", i);
    CHECK(same_slice(r.net, from, "gate.expand_conv.bias", 12, 1), "case %zu: gate", i);
    CHECK(same_slice(r.net, from, "classifier.linear.weight", CLASSES, 16) == cases[i].classifier,
          "case %zu: classifier", i);
    na_net_initialize(fresh, NA_INIT_AUTO, 3);
    if (!cases[i].classifier)
      CHECK(same_tensor(r.net, fresh, "classifier.linear.weight"), "the new classifier is not new");
    check_log(&r, cases[i].log);
    na_checkpoint_free(&state);
    na_net_free(from);
    na_net_free(fresh);
    rig_free(&r);
  }
}

static void beginnings_that_are_refused(void)
{
  rig r;
  rig_from(&r, true, "/tmp/there is no such file");
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EIO, "train.init_from", err);
  rig_free(&r);
  rig_from(&r, true, tiny_file);
  snprintf(r.train.freeze, sizeof r.train.freeze, "stem, nonsense");
  CHECK(na_trainer_new(&r.trainer, &r.setup, &err) == NA_EINVAL &&
            strstr(err.message, "\"nonsense\"") != NULL && strstr(err.hint, "headconv") != NULL,
        "%s %s", err.message, err.hint);
  na_error_clear(&err);
  snprintf(r.train.freeze, sizeof r.train.freeze, "*");
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "no parameter", err);
  rig_free(&r);
}

/* A run that was interrupted before its first checkpoint begins again, with the same file. */
static void the_beginning_again(void)
{
  rig first, second;
  char folder[64];
  rig_from(&first, true, tiny_file);
  rig_folder(&first);
  rig_start(&first);
  na_trainer_free(first.trainer);
  first.trainer = NULL;
  snprintf(folder, sizeof folder, "%s", first.folder);
  rig_from(&second, true, digits_file);
  snprintf(second.folder, sizeof second.folder, "%s", folder);
  second.setup.folder = second.folder;
  second.setup.resume = "";
  first.folder[0] = '\0';
  rig_free(&first);
  CHECK_FAILS(na_trainer_new(&second.trainer, &second.setup, &err), NA_EINVAL,
              "train.init_from had the hash", err);
  snprintf(second.train.init_from, sizeof second.train.init_from, "%s", tiny_file);
  CHECK_OK(rig_run(&second), err);
  rig_free(&second);
}

/* -------------------------------------------------------------------------------- freezing */

enum { PLAIN_NORM, STILL_NORM };

static void rig_frozen(rig *r, bool elastic, const char *freeze, int norm)
{
  rig_from(r, elastic, elastic ? supernet_file : tiny_file);
  r->train.epochs = 2;
  r->train.networks = 2;
  r->train.weight_decay = 0.01;
  r->train.freeze_norm = norm == STILL_NORM;
  snprintf(r->train.freeze, sizeof r->train.freeze, "%s", freeze);
}

static bool same_bits(const na_net *a, const na_net *b)
{
  return memcmp(a->weights, b->weights, a->values * sizeof(float)) == 0 &&
         memcmp(a->momentum, b->momentum, a->values * sizeof(float)) == 0 &&
         memcmp(a->running, b->running, a->stats * sizeof(float)) == 0;
}

static bool no_momentum(const na_net *net, const na_param *p)
{
  for (size_t i = 0; i < p->count; i++)
    if (net->momentum[p->offset + i] != 0) return false;
  return true;
}

/* What is frozen keeps its weights in all of the supernet, though decay, momentum and the channel sort
 * move all others. */
static void frozen_parameters_stay(void)
{
  for (int elastic = 0; elastic < 2; elastic++) {
    rig r;
    na_net *from = NULL;
    na_checkpoint state = {0};
    rig_frozen(&r, elastic, "stem, up,dw.conv.*", STILL_NORM);
    CHECK_OK(rig_run(&r), err);
    CHECK_OK(na_checkpoint_load(r.train.init_from, &from, &state, &err), err);
    for (int i = 0; i < r.net->param_count; i++) {
      const na_param *p = &r.net->params[i];
      bool frozen = strncmp(p->name, "stem.", 5) == 0 || strncmp(p->name, "up.", 3) == 0 ||
                    strcmp(p->name, "dw.conv.weight") == 0;
      CHECK(p->frozen == frozen, "%s", p->name);
      CHECK(same_tensor(r.net, from, p->name) == frozen, "%s: %s", p->name,
            frozen ? "changed" : "is not trained");
      CHECK(no_momentum(r.net, p) == frozen, "momentum of %s", p->name);
    }
    na_checkpoint_free(&state);
    na_net_free(from);
    rig_free(&r);
  }
}

/* With still norms the base's statistics are those it began with, also after evaluations of the widest;
 * without, they move. Those of the others are trained as ever. */
static void statistics_of_frozen_layers(void)
{
  for (int norm = PLAIN_NORM; norm <= STILL_NORM; norm++)
    for (int elastic = 0; elastic < 2; elastic++) {
      rig r;
      na_net *from = NULL;
      na_checkpoint state = {0};
      rig_frozen(&r, elastic, "stem,up,dw.conv", norm);
      CHECK_OK(rig_run(&r), err);
      CHECK_OK(na_checkpoint_load(r.train.init_from, &from, &state, &err), err);
      CHECK(same_slice(r.net, from, "stem.norm.running_mean", 4, 1) == (norm == STILL_NORM),
            "mean of stem, elastic %d", elastic);
      CHECK(same_slice(r.net, from, "up.norm.running_var", 12, 1) == (norm == STILL_NORM),
            "variance of up, elastic %d", elastic);
      CHECK(!same_slice(r.net, from, "dw.norm.running_var", 12, 1), "a trained norm keeps its variance");
      na_checkpoint_free(&state);
      na_net_free(from);
      rig_free(&r);
    }
}

static void frozen_trainings_are_reproducible(void)
{
  rig one, three, stopped, again;
  char last[128];
  rig_frozen(&one, true, "stem,up", STILL_NORM);
  rig_frozen(&three, true, "stem,up", STILL_NORM);
  three.train.threads = 3;
  CHECK_OK(rig_run(&one), err);
  CHECK_OK(rig_run(&three), err);
  CHECK(same_bits(one.net, three.net), "3 threads give other bits");
  rig_frozen(&stopped, true, "stem,up", STILL_NORM);
  rig_folder(&stopped);
  rig_start(&stopped);
  na_trainer_stop_after(stopped.trainer, 17);
  CHECK_OK(na_trainer_start(stopped.trainer, &err), err);
  await(stopped.trainer, NA_EVENT_END);
  rig_frozen(&again, true, "stem,up", STILL_NORM);
  snprintf(again.folder, sizeof again.folder, "%s", stopped.folder);
  snprintf(last, sizeof last, "%s/last.h5", stopped.folder);
  again.setup.folder = again.folder;
  again.setup.resume = last;
  snprintf(again.train.init_from, sizeof again.train.init_from, "/tmp/gone"); /* no more needed */
  stopped.folder[0] = '\0';
  rig_free(&stopped);
  CHECK_OK(rig_run(&again), err);
  CHECK(same_bits(one.net, again.net), "going on gives other bits");
  rig_free(&one);
  rig_free(&three);
  rig_free(&again);
}

/* The gradients of what is trained are those of a network that is trained whole: the backward pass only
 * ends earlier. */
static void freezing_changes_no_other_gradient(void)
{
  static const char *const patterns[] = {"stem", "stem,up,dw,down,headconv", "classifier",
                                         "stem,up,dw,gate.expand_conv,down"};
  for (int k = 0; k < 4; k++) {
    rig r;
    na_team *team = NULL;
    na_workspace *workspace = NULL;
    const na_batch *batch = NULL;
    na_scores scores = {0};
    int widths[DIMS];
    rig_init(&r, true);
    na_net_initialize(r.net, NA_INIT_AUTO, 1);
    CHECK_OK(na_team_new(&team, 2, &err), err);
    CHECK_OK(na_workspace_new(&workspace, r.net, team, BATCH, true, &err), err);
    train_batch(&r, &batch);
    na_net_widest(r.net, widths);
    float *whole = na_alloc_array(r.net->values, sizeof *whole);
    CHECK_OK(na_accumulate_base(workspace, batch, widths, 0.1, 1, &scores, &err), err);
    memcpy(whole, r.net->grads, r.net->values * sizeof *whole);
    memset(r.net->grads, 0, r.net->values * sizeof *whole);
    CHECK_OK(na_net_freeze(r.net, patterns[k], false, &err), err);
    CHECK_OK(na_accumulate_base(workspace, batch, widths, 0.1, 1, &scores, &err), err);
    for (int i = 0; i < r.net->param_count; i++) {
      const na_param *p = &r.net->params[i];
      if (p->frozen) continue;
      CHECK(memcmp(whole + p->offset, r.net->grads + p->offset, p->count * sizeof *whole) == 0,
            "%s frozen: gradient of %s", patterns[k], p->name);
    }
    CHECK(k > 1 || memcmp(whole, r.net->grads, r.net->params[0].count * sizeof *whole) != 0,
          "%s frozen: the backward pass went on to the stem", patterns[k]);
    na_free(whole);
    na_workspace_free(workspace);
    na_team_free(team);
    rig_free(&r);
  }
}

static void out_of_memory_is_an_error(void)
{
  rig r;
  rig_frozen(&r, true, "stem", STILL_NORM);
  rig_want_of_memory(&r);
  rig_free(&r);
}

int main(void)
{
  make_files();
  RUN(a_supernet_into_its_tiny_network);
  RUN(a_tiny_network_into_its_supernet);
  RUN(one_supernet_into_another);
  RUN(another_network_is_refused);
  RUN(trainings_begin_with_a_checkpoint);
  RUN(beginnings_that_are_refused);
  RUN(the_beginning_again);
  RUN(frozen_parameters_stay);
  RUN(statistics_of_frozen_layers);
  RUN(frozen_trainings_are_reproducible);
  RUN(freezing_changes_no_other_gradient);
  RUN(out_of_memory_is_an_error);
  unlink(supernet_file);
  unlink(tiny_file);
  unlink(digits_file);
  return CHECK_EXIT();
}
