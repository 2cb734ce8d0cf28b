/* A small training with everything it needs, for the tests of core/train.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TRAINER_RIG_H
#define TRAINER_RIG_H

#include "core/train/trainer.h"
#include "tests/check.h"
#include "tests/synthetic.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

enum { CLASSES = 4, SIZE = 8, BATCH = 20, IMAGES = 240, DIMS = 16 };

static na_error err;

/* ------------------------------------------------------------------------------- material */

static void add(na_net *net, na_layer_kind kind, const char *name, int in, int out, int kernel,
                int stride, na_activation act)
{
  na_layer_spec spec = na_layer_spec_init(kind, name);
  spec.input[0] = in;
  spec.out = out;
  spec.kernel = kernel;
  spec.stride = stride;
  spec.act = act;
  spec.norm = kind == NA_CONV || kind == NA_DEPTHWISE;
  spec.bias = kind == NA_LINEAR;
  if (kind == NA_DROPOUT || kind == NA_DROPBLOCK) spec.rate = 0.1;
  if (kind == NA_ADD) spec.input[1] = 1;
  if (kind == NA_SQUEEZE) spec.squeeze = 3;
  if (strcmp(name, "down") == 0) spec.gate = 4;
  CHECK(na_net_add(net, &spec, &err) >= 0, "%s", err.message);
}

/* One of everything that the paper's networks have: dimensions 1 stem, 2 middle, 3 squeeze, 4 head.
 */
static na_net *make_net(bool elastic)
{
  na_net *net = NULL;
  na_list width = {elastic ? 2 : 1, {1, 2}}, expand = {elastic ? 3 : 1, {1, 1.6, 2.2}};
  na_error_clear(&err);
  CHECK_OK(na_net_new(&net, "toy", 3, SIZE, SIZE, CLASSES, &err), err);
  na_net_width(net, "stem", 4, &width, &err);
  na_net_expand(net, "mid", 12, 1, &expand, &err);
  na_net_squeeze(net, "se", 16, 2, &err);
  na_net_width(net, "head", 16, &width, &err);
  na_net_fixed(net, "classes", CLASSES, &err);
  add(net, NA_CONV, "stem", 0, 1, 3, 2, NA_ACT_RELU6);
  add(net, NA_CONV, "up", 1, 2, 1, 1, NA_ACT_HSWISH);
  add(net, NA_DEPTHWISE, "dw", 2, -1, 3, 1, NA_ACT_HSWISH);
  add(net, NA_SQUEEZE, "gate", 3, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_CONV, "down", 3, 1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_ADD, "sum", 5, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_CONV, "headconv", 6, 4, 1, 1, NA_ACT_RELU6);
  add(net, NA_DROPBLOCK, "squares", 7, -1, 3, 1, NA_ACT_IDENTITY);
  add(net, NA_GLOBALPOOL, "pool", 8, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_DROPOUT, "drop", 9, -1, 1, 1, NA_ACT_IDENTITY);
  add(net, NA_LINEAR, "classifier", 10, 5, 1, 1, NA_ACT_IDENTITY);
  CHECK_OK(na_net_finish(net, &err), err);
  if (net->weights == NULL) exit(EXIT_FAILURE);
  return net;
}

/* For tests that compare passes, which drop different values. */
static inline void drop_nothing(na_net *net)
{
  for (int i = 0; i < net->layer_count; i++) net->layers[i].rate = 0;
}

/* A training with everything it borrows. */
typedef struct rig {
  na_train train;
  na_net *net;
  na_source *data, *val, *calibration;
  na_trainer_setup setup;
  na_trainer *trainer;
  char folder[64];
} rig;

static void rig_init(rig *r, bool elastic)
{
  memset(r, 0, sizeof *r);
  na_settings_init(&na_train_settings, &r->train);
  r->train.epochs = 4;
  r->train.warmup = 0;
  r->train.lr = 0.05;
  r->train.threads = 1;
  r->train.seed = 3;
  r->net = make_net(elastic);
  r->data = synthetic_new(1, IMAGES, 3, SIZE, CLASSES, BATCH, false);
  r->val = synthetic_new(2, 90, 3, SIZE, CLASSES, BATCH, true);
  r->calibration = synthetic_new(1, 60, 3, SIZE, CLASSES, BATCH, true);
  r->setup = (na_trainer_setup){.net = r->net,
                                .train = &r->train,
                                .data = r->data,
                                .val = r->val,
                                .calibration = r->calibration,
                                .initialize = true,
                                .description = "name = toy",
                                .data_settings = "path = synthetic"};
}

static inline void rig_folder(rig *r)
{
  const char *place = getenv("TMPDIR");
  snprintf(r->folder, sizeof r->folder, "%.30s/netaug-train-XXXXXX",
           place != NULL ? place : "/tmp");
  CHECK(mkdtemp(r->folder) != NULL, "no temporary folder");
  r->setup.folder = r->folder;
}

static inline const char *file_of(const rig *r, const char *name)
{
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", r->folder, name);
  return path;
}

/* All files of a folder that has no folders. */
static inline void remove_files(const char *folder)
{
  DIR *open = opendir(folder);
  const struct dirent *entry;
  char path[400];
  while (open != NULL && (entry = readdir(open)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (entry->d_name[0] != '.') unlink(path);
  }
  if (open != NULL) closedir(open);
}

static inline void rig_free(rig *r)
{
  static const char *const files[] = {"run.h5", "last.h5", "best.h5", "log.txt"};
  na_trainer_free(r->trainer);
  na_net_free(r->net);
  na_source_free(r->data);
  na_source_free(r->val);
  na_source_free(r->calibration);
  if (r->folder[0] == '\0') return;
  for (int i = 0; i < 4; i++) unlink(file_of(r, files[i]));
  CHECK(rmdir(r->folder) == 0, "the run left more than its files in %s", r->folder);
}

static void rig_start(rig *r)
{
  na_error_clear(&err);
  CHECK_OK(na_trainer_new(&r->trainer, &r->setup, &err), err);
  if (r->trainer == NULL) exit(EXIT_FAILURE);
}

/* Waits for the next event of a kind (END ends any wait). */
static inline na_event await(na_trainer *trainer, na_event_kind kind)
{
  na_event event = {.kind = NA_EVENT_END, .code = -100};
  while (na_trainer_poll(trainer, &event, 20000) == 1)
    if (event.kind == kind || event.kind == NA_EVENT_END) return event;
  CHECK(0, "no event for 20 seconds");
  return event;
}

/* Runs to the end, reading events; returns the training's code, message in err. */
static inline int rig_run(rig *r)
{
  rig_start(r);
  CHECK_OK(na_trainer_start(r->trainer, &err), err);
  await(r->trainer, NA_EVENT_END);
  return na_trainer_join(r->trainer, &err);
}

/* Each allocation of making the trainer fails once: an error, and nothing half made. */
static inline void rig_want_of_memory(rig *r)
{
  unsigned long before = na_alloc_count();
  rig_start(r);
  unsigned long needed = na_alloc_count() - before;
  na_trainer_free(r->trainer);
  CHECK(needed > 15, "only %lu allocations", needed);
  if (r->setup.folder != NULL) unlink(file_of(r, "run.h5")); /* what failed leaves none behind */
  for (unsigned long i = 1; i <= needed; i++) {
    na_alloc_fail_at(i);
    na_error_clear(&err);
    int code = na_trainer_new(&r->trainer, &r->setup, &err);
    na_alloc_fail_at(0);
    CHECK(code == NA_ENOMEM && r->trainer == NULL && err.message[0] != '\0',
          "allocation %lu of %lu: %d %s", i, needed, code, err.message);
    na_trainer_free(r->trainer);
    r->trainer = NULL;
  }
}

static inline void nap(int ms)
{
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

/* The first batch of the training images. */
static inline void train_batch(rig *r, const na_batch **batch)
{
  CHECK_OK(r->data->start(r->data, 0, 0, &err), err);
  CHECK(r->data->next(r->data, batch, &err) == 1, "no batch");
}

#endif
