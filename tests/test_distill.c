/* Trainings with a teacher: it changes what is learnt, to the same bits with any number of threads and
 * after an interruption; only a teacher that fits is taken, and a run goes on only with its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/checkpoint.h"
#include "tests/trainer_rig.h"

static char teacher_file[64], other_file[64];

/* A trained network of twice the width, alone, with the rig's classes. */
static void make_teacher(char path[64], int seed, int size, int classes, const char *const *names,
                         const char *mean)
{
  na_net *net = NULL;
  na_list none = {1, {1}};
  na_checkpoint state = {.val_top1 = 0.9, .mean = (char *)(uintptr_t)mean,
                         .std = (char *)(uintptr_t)mean, .class_names = (char **)(uintptr_t)names,
                         .class_count = names != NULL ? classes : 0};
  int fd;
  snprintf(path, 64, "/tmp/netaug-teacher-XXXXXX");
  CHECK((fd = mkstemp(path)) >= 0, "no temporary file");
  close(fd);
  CHECK_OK(na_net_new(&net, "large", 3, size, size, classes, &err), err);
  na_net_width(net, "stem", 9, &none, &err);
  na_net_fixed(net, "classes", classes, &err);
  add(net, NA_CONV, "stem", 0, 1, 3, 2, NA_ACT_RELU6);
  add(net, NA_GLOBALPOOL, "pool", 1, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_LINEAR, "classifier", 2, 2, 1, 1, NA_ACT_IDENTITY);
  CHECK_OK(na_net_finish(net, &err), err);
  na_net_initialize(net, NA_INIT_NORMAL, (uint64_t)seed);
  for (size_t i = 0; i < net->values; i++) net->weights[i] *= 4; /* so that it has opinions */
  CHECK_OK(na_checkpoint_save(path, net, &state, false, &err), err);
  na_net_free(net);
}

static na_kd kd_of(const char *path)
{
  na_kd kd;
  na_settings_init(&na_kd_settings, &kd);
  snprintf(kd.teacher, sizeof kd.teacher, "%s", path);
  return kd;
}

static void rig_taught(rig *r, na_kd *kd, const char *path)
{
  rig_init(r, true);
  *kd = kd_of(path);
  r->train.networks = 2;
  r->train.epochs = 2;
  r->setup.kd = kd;
}

static bool same_bits(const rig *a, const rig *b)
{
  return memcmp(a->net->weights, b->net->weights, a->net->values * sizeof(float)) == 0 &&
         memcmp(a->net->momentum, b->net->momentum, a->net->values * sizeof(float)) == 0 &&
         memcmp(a->net->running, b->net->running, a->net->stats * sizeof(float)) == 0;
}

/* -------------------------------------------------------------------------------- learning */

/* 0: as documented; 1: 3 threads; 2: weight 0; 3: no teacher; 4: sub-networks untaught;
 * 5: hotter; 6: another teacher. */
static void what_a_teacher_changes(void)
{
  enum { ARMS = 7 };
  rig r[ARMS];
  na_kd kd[ARMS];
  for (int i = 0; i < ARMS; i++) {
    rig_taught(&r[i], &kd[i], i == 6 ? other_file : teacher_file);
    if (i == 1) r[i].train.threads = 3;
    if (i == 2) kd[i].weight = 0;
    if (i == 3) r[i].setup.kd = NULL;
    if (i == 4) kd[i].augmented = false;
    if (i == 5) kd[i].temperature = 8;
    CHECK_OK(rig_run(&r[i]), err);
  }
  CHECK(same_bits(&r[0], &r[1]), "3 threads give other bits");
  CHECK(same_bits(&r[2], &r[3]), "a teacher of weight 0 changes bits");
  for (int i = 2; i < ARMS; i++)
    CHECK(!same_bits(&r[0], &r[i]), "arm %d has the bits of the first", i);
  CHECK(!same_bits(&r[3], &r[4]), "the base learns nothing from its teacher");
  for (int i = 0; i < ARMS; i++) rig_free(&r[i]);
}

/* Evaluations measure labels alone: with a learning rate of 0 they give what the same weights give
 * without a teacher, though the training's loss does not. */
static void evaluations_know_no_teacher(void)
{
  rig with, without;
  na_kd kd;
  na_event taught, alone;
  rig_taught(&with, &kd, teacher_file);
  rig_init(&without, true);
  without.train.networks = 2;
  with.train.lr = without.train.lr = 0;
  with.train.epochs = without.train.epochs = 1;
  with.train.sort = without.train.sort = false;
  rig_start(&with);
  rig_start(&without);
  CHECK_OK(na_trainer_start(with.trainer, &err), err);
  taught = await(with.trainer, NA_EVENT_EPOCH);
  CHECK_OK(na_trainer_start(without.trainer, &err), err);
  alone = await(without.trainer, NA_EVENT_EPOCH);
  CHECK(taught.base_val.loss == alone.base_val.loss && alone.base_val.images == 90, "%g and %g",
        taught.base_val.loss, alone.base_val.loss);
  CHECK(fabs(taught.base.loss - alone.base.loss) > 1e-3, "training losses %g and %g",
        taught.base.loss, alone.base.loss);
  CHECK(taught.base.top1 == alone.base.top1, "accuracies of the training differ");
  rig_free(&with);
  rig_free(&without);
}

static void steps_allocate_nothing(void)
{
  rig r;
  na_kd kd;
  rig_taught(&r, &kd, teacher_file);
  r.train.epochs = 1;
  rig_start(&r);
  na_trainer_hold(r.trainer, true, false);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  unsigned long before = 0;
  for (int step = 1; step <= 12; step++) {
    await(r.trainer, NA_EVENT_STEP);
    if (step == 1) before = na_alloc_count();
    CHECK(na_alloc_count() == before, "step %d allocates", step);
    na_trainer_continue(r.trainer);
  }
  CHECK(await(r.trainer, NA_EVENT_END).code == NA_OK, "did not end well");
  rig_free(&r);
}

/* -------------------------------------------------------------------------------- going on */

static void leave(rig *r)
{
  r->folder[0] = '\0';
  rig_free(r);
}

static void begin(rig *r, na_kd *kd, long stop)
{
  rig_taught(r, kd, teacher_file);
  rig_folder(r);
  rig_start(r);
  if (stop > 0) na_trainer_stop_after(r->trainer, stop);
  CHECK_OK(na_trainer_start(r->trainer, &err), err);
  await(r->trainer, NA_EVENT_END);
  na_trainer_join(r->trainer, &err);
}

/* The run in `folder`, from its last checkpoint. */
static void go_on(rig *r, na_kd *kd, const char *folder, const char *teacher)
{
  static char last[128];
  rig_taught(r, kd, teacher);
  snprintf(r->folder, sizeof r->folder, "%s", folder);
  snprintf(last, sizeof last, "%s/last.h5", folder);
  r->setup.folder = r->folder;
  r->setup.resume = last;
  na_error_clear(&err);
}

static void a_run_goes_on_with_its_teacher(void)
{
  rig whole, first, second;
  na_kd kd[3];
  char folder[64];
  begin(&whole, &kd[0], 0);
  begin(&first, &kd[1], 17);
  snprintf(folder, sizeof folder, "%s", first.folder);
  leave(&first);
  go_on(&second, &kd[2], folder, other_file);
  CHECK(na_trainer_new(&second.trainer, &second.setup, &err) == NA_EINVAL &&
            strstr(err.message, "kd.teacher had the hash") != NULL &&
            strstr(err.hint, "git hash-object") != NULL,
        "%s %s", err.message, err.hint);
  second.setup.kd = NULL;
  CHECK_FAILS(na_trainer_new(&second.trainer, &second.setup, &err), NA_EINVAL,
              "but now has none", err);
  leave(&second);
  go_on(&second, &kd[2], folder, teacher_file);
  CHECK_OK(rig_run(&second), err);
  CHECK(same_bits(&whole, &second), "going on gives other bits");
  rig_free(&second);
  rig_free(&whole);
}

static void a_run_without_teacher_gets_none(void)
{
  rig first, second;
  na_kd kd;
  char folder[64];
  rig_init(&first, true);
  rig_folder(&first);
  rig_start(&first);
  na_trainer_stop_after(first.trainer, 5);
  CHECK_OK(na_trainer_start(first.trainer, &err), err);
  await(first.trainer, NA_EVENT_END);
  snprintf(folder, sizeof folder, "%s", first.folder);
  leave(&first);
  go_on(&second, &kd, folder, teacher_file);
  CHECK_FAILS(na_trainer_new(&second.trainer, &second.setup, &err), NA_EINVAL, "began without kd.teacher",
              err);
  unlink(file_of(&second, "best.h5"));
  rig_free(&second);
}

/* -------------------------------------------------------------------------------- refusals */

static void check_refusal(const char *path, int code, const char *words)
{
  rig r;
  na_kd kd;
  rig_taught(&r, &kd, path);
  na_error_clear(&err);
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), code, words, err);
  rig_free(&r);
}

static void teachers_that_do_not_fit(void)
{
  static const char *const names[] = {"zero", "one", "three", "two"};
  char path[64];
  make_teacher(path, 1, 16, CLASSES, NULL, NULL);
  check_refusal(path, NA_ESHAPE, "takes images of 3 x 16 x 16");
  unlink(path);
  make_teacher(path, 1, SIZE, 5, NULL, NULL);
  check_refusal(path, NA_ESHAPE, "knows 5 classes, but the data has 4");
  unlink(path);
  make_teacher(path, 1, SIZE, CLASSES, names, NULL);
  check_refusal(path, NA_ESHAPE, "calls class 2 \"three\", but the data \"two\"");
  unlink(path);
  make_teacher(path, 1, SIZE, CLASSES, NULL, "0.5, 0.5, 0.25");
  check_refusal(path, NA_ESHAPE, "of mean 0.5, 0.5, 0.25 and std 0.5, 0.5, 0.25, but the training's "
                                 "have 0.5, 0.5, 0.5 and 0.25, 0.25, 0.25");
  unlink(path);
  check_refusal("/tmp/there is no such file", NA_EIO, "kd.teacher");
  check_refusal("/tmp", NA_EIO, "kd.teacher");
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fputs("not a checkpoint", file) > 0, "no file");
  if (file != NULL) fclose(file);
  check_refusal(path, NA_EFORMAT, "kd.teacher");
  unlink(path);
}

/* A teacher whose weights are spoilt is named, not the student's layers. */
static void spoilt_teachers_are_named(void)
{
  rig r;
  na_kd kd;
  char path[64];
  make_teacher(path, 1, SIZE, CLASSES, NULL, NULL);
  na_net *net = NULL;
  na_checkpoint state = {0};
  CHECK_OK(na_checkpoint_load(path, &net, &state, &err), err);
  net->weights[na_net_param(net, "classifier.linear.bias")->offset] = NAN;
  CHECK_OK(na_checkpoint_save(path, net, &state, false, &err), err);
  na_checkpoint_free(&state);
  na_net_free(net);
  rig_taught(&r, &kd, path);
  CHECK(rig_run(&r) == NA_EINVAL && strstr(err.message, "the teacher") != NULL, "%d %s", err.code,
        err.message);
  unlink(path);
  rig_free(&r);
}

static void out_of_memory_is_an_error(void)
{
  rig r;
  na_kd kd;
  rig_taught(&r, &kd, teacher_file);
  rig_want_of_memory(&r);
  rig_free(&r);
}

int main(void)
{
  make_teacher(teacher_file, 5, SIZE, CLASSES, NULL, NULL);
  make_teacher(other_file, 6, SIZE, CLASSES, NULL, NULL);
  RUN(what_a_teacher_changes);
  RUN(evaluations_know_no_teacher);
  RUN(steps_allocate_nothing);
  RUN(a_run_goes_on_with_its_teacher);
  RUN(a_run_without_teacher_gets_none);
  RUN(teachers_that_do_not_fit);
  RUN(spoilt_teachers_are_named);
  RUN(out_of_memory_is_an_error);
  unlink(teacher_file);
  unlink(other_file);
  return CHECK_EXIT();
}
