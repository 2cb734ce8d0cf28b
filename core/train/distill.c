/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/distill.h"
#include "core/base/memory.h"
#include "core/base/sha1.h"
#include "core/store/checkpoint.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(na_kd, field)
static const na_setting items[] = {
    {"teacher", NA_TEXT, AT(teacher), "", 0, 0, NULL,
     "checkpoint of the network to learn from, such as runs/large/best.h5; none: labels alone"},
    {"temperature", NA_FLOAT, AT(temperature), "4", 0.01, 1000, NULL,
     "divides the logits of both: higher is softer"},
    {"weight", NA_FLOAT, AT(weight), "0.5", 0, 1, NULL,
     "of the teacher in the loss; the labels have the rest"},
    {"augmented", NA_BOOL, AT(augmented), "true", 0, 0, NULL,
     "augmented sub-networks learn from the teacher, too; else from labels alone"},
};
const na_settings na_kd_settings = {"kd", sizeof items / sizeof items[0], items};

struct na_teacher {
  na_net *net;
  na_workspace *workspace;
  int *widths;          /* [dim_count]: its base */
  float *logits;        /* [batch][classes] */
  na_teaching teaching;
  na_checkpoint state;
  char path[NA_TEXT_MAX], hash[41];
};

/* ---------------------------------------------------------------------------------- checks */

static int check_images(const na_teacher *t, const na_source *data, na_error *err)
{
  const na_net *net = t->net;
  if (net->channels == data->channels && net->height == data->height && net->width == data->width)
    return NA_OK;
  na_fail(err, NA_ESHAPE,
          "the teacher %s takes images of %d x %d x %d (channels, height, width), but the training's "
          "are %d x %d x %d",
          t->path, net->channels, net->height, net->width, data->channels, data->height,
          data->width);
  return na_hint(err, "give the data the teacher's size, or train a teacher at this size");
}

/* The student's images are given to the teacher as they are. */
static int check_normal(const na_teacher *t, const na_source *data, na_error *err)
{
  const na_checkpoint *s = &t->state;
  if (s->mean == NULL || s->std == NULL || data->mean == NULL || data->std == NULL) return NA_OK;
  if (strcmp(s->mean, data->mean) == 0 && strcmp(s->std, data->std) == 0) return NA_OK;
  na_fail(err, NA_ESHAPE,
          "the teacher %.150s has learnt from images of mean %.80s and std %.80s, but the training's "
          "have %.80s and %.80s",
          t->path, s->mean, s->std, data->mean, data->std);
  return na_hint(err, "normalise the data as the teacher's: data.mean = { %.80s }, "
                 "data.std = { %.80s }", s->mean, s->std);
}

static int check_classes(const na_teacher *t, const na_source *data, na_error *err)
{
  if (t->net->classes != data->classes)
    return na_fail(err, NA_ESHAPE, "the teacher %s knows %d classes, but the data has %d", t->path,
                   t->net->classes, data->classes);
  if (data->class_names == NULL || t->state.class_count != data->classes) return NA_OK;
  for (int c = 0; c < data->classes; c++) {
    if (strcmp(t->state.class_names[c], data->class_names[c]) == 0) continue;
    na_fail(err, NA_ESHAPE, "the teacher %s calls class %d \"%.60s\", but the data \"%.60s\"",
            t->path, c, t->state.class_names[c], data->class_names[c]);
    return na_hint(err, "a teacher must have learnt the same classes in the same order");
  }
  return NA_OK;
}

/* ---------------------------------------------------------------------------------- making */

static int make_memory(na_teacher *t, const na_source *data, na_team *team, na_error *err)
{
  size_t logits = (size_t)data->batch * (size_t)data->classes;
  t->widths = na_alloc_array((size_t)t->net->dim_count, sizeof *t->widths);
  t->logits = na_alloc_array(logits, sizeof *t->logits);
  if (t->widths == NULL || t->logits == NULL)
    return na_fail_memory(err, logits * sizeof *t->logits, "the teacher");
  na_net_base(t->net, t->widths);
  t->teaching.logits = t->logits;
  return na_workspace_new(&t->workspace, t->net, team, data->batch, false, err);
}

int na_teacher_new(na_teacher **out, const na_kd *kd, const na_source *data, na_team *team,
                   na_error *err)
{
  *out = NULL;
  na_teacher *t = na_alloc(sizeof *t);
  if (t == NULL) return na_fail_memory(err, sizeof *t, "the teacher");
  snprintf(t->path, sizeof t->path, "%s", kd->teacher);
  t->teaching = (na_teaching){.temperature = kd->temperature, .weight = kd->weight};
  int code = na_sha1_file(t->path, t->hash, err);
  if (code == NA_OK) code = na_checkpoint_load(t->path, &t->net, &t->state, err);
  if (code != NA_OK) na_error_prefix(err, "kd.teacher");
  if (code == NA_OK) code = check_images(t, data, err);
  if (code == NA_OK) code = check_normal(t, data, err);
  if (code == NA_OK) code = check_classes(t, data, err);
  if (code == NA_OK) code = make_memory(t, data, team, err);
  if (code != NA_OK) {
    na_teacher_free(t);
    return code;
  }
  *out = t;
  return NA_OK;
}

void na_teacher_free(na_teacher *t)
{
  if (t == NULL) return;
  na_workspace_free(t->workspace);
  na_net_free(t->net);
  na_free(t->widths);
  na_free(t->logits);
  na_checkpoint_free(&t->state);
  na_free(t);
}

/* ---------------------------------------------------------------------------------- asking */

int na_teacher_ask(na_teacher *t, const na_batch *batch, const na_teaching **teaching,
                   na_error *err)
{
  *teaching = &t->teaching;
  int code = na_forward(t->workspace, t->widths, NA_MODE_EVAL, batch, 0, err);
  if (code != NA_OK) return code;
  na_logits(t->workspace, t->logits);
  size_t values = (size_t)batch->count * (size_t)t->net->classes;
  for (size_t i = 0; i < values; i++)
    if (!isfinite(t->logits[i]))
      return na_fail(err, NA_EINVAL, "the teacher %s gives what is not a finite number", t->path);
  return NA_OK;
}

/* --------------------------------------------------------------------------------- telling */

const char *na_teacher_hash(const na_teacher *t)
{
  return t->hash;
}

void na_teacher_describe(const na_teacher *t, char text[512])
{
  na_cost cost;
  char words[2][16], accuracy[32] = "";
  na_net_cost(t->net, t->widths, &cost);
  na_text_count(words[0], (double)cost.parameters);
  na_text_count(words[1], (double)cost.macs);
  if (isfinite(t->state.val_top1))
    snprintf(accuracy, sizeof accuracy, ", %.2f%%", 100 * t->state.val_top1);
  snprintf(text, 512, "teacher %.100s: %s parameters, %s MACs%s (%.300s)", t->net->name, words[0],
           words[1], accuracy, t->path);
}

size_t na_teacher_bytes(const na_teacher *t)
{
  return na_workspace_bytes(t->workspace) + 3 * t->net->values * sizeof(float);
}
