/* Activations into a file of the run's folder. Both networks run with the statistics of the batch at
 * hand, so that neither depends on what the running statistics were last re-estimated for, and
 * nothing of the training changes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/record.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "core/train/trainer_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(na_record, field)
static const na_setting items[] = {
    {"layers", NA_TEXT, AT(layers), "", 0, 0, NULL,
     "names separated by commas; none: all layers with parameters, and sums"},
    {"images", NA_INT, AT(images), "16", 1, 65536, NULL, "how many, from the first on"},
    {"every", NA_INT, AT(every), "1", 0, 100000, NULL, "epochs between recordings; 0 for none"},
    {"epochs", NA_LIST, AT(epochs), "", 1, 100000, NULL, "record after these epochs, too"},
    {"augmented", NA_BOOL, AT(augmented), "true", 0, 0, NULL, "record the widest network as well"},
    {"gradients", NA_BOOL, AT(gradients), "false", 0, 0, NULL,
     "record gradients as well, by the layers' outputs and by their parameters"},
};
const na_settings na_record_settings = {"record", sizeof items / sizeof items[0], items};

/* ------------------------------------------------------------------------------- what */

static const char *layer_at(const void *net, int i)
{
  return ((const na_net *)net)->layers[i].name;
}

static int find_layer(const na_net *net, const char *name, size_t length)
{
  for (int i = 1; i < net->layer_count; i++)
    if (strlen(net->layers[i].name) == length && memcmp(net->layers[i].name, name, length) == 0)
      return i;
  return -1;
}

static bool by_default(const na_layer *layer)
{
  return (layer->weight >= 0 && layer->kind != NA_SQUEEZE) || layer->kind == NA_ADD;
}

/* Marks the chosen layers in chosen[layer_count]. */
static int choose(const na_net *net, const na_record *record, bool *chosen, na_error *err)
{
  const char *at = record->layers;
  if (at[strspn(at, " ,")] == '\0')
    for (int i = 1; i < net->layer_count; i++) chosen[i] = by_default(&net->layers[i]);
  for (at += strspn(at, " ,"); *at != '\0'; at += strspn(at, " ,")) {
    size_t length = strcspn(at, " ,");
    int layer = find_layer(net, at, length);
    if (layer < 0) {
      char name[128];
      snprintf(name, sizeof name, "%.*s", (int)(length < 127 ? length : 127), at);
      na_fail(err, NA_EINVAL, "the network has no layer \"%s\" to record", name);
      int near = na_text_nearest(name, net->layer_count, layer_at, net);
      if (near > 0) return na_hint(err, "did you mean \"%s\"?", net->layers[near].name);
      return na_hint(err, "exp.net:layers() lists them");
    }
    chosen[layer] = true;
    at += length;
  }
  return NA_OK;
}

static na_source *source_of(const na_trainer *t)
{
  return t->val != NULL ? t->val : t->calibration;
}

int na_record_check(const na_trainer *t, const na_record *record, na_error *err)
{
  if (t->recorder == NULL) return na_fail(err, NA_EINVAL, "this run has no folder to record into");
  if (source_of(t) == NULL)
    return na_fail(err, NA_EINVAL, "there are no validation or calibration images to record on");
  bool *chosen = na_alloc_array((size_t)t->net->layer_count, sizeof *chosen);
  if (chosen == NULL) return na_fail_memory(err, (size_t)t->net->layer_count, "a recording");
  int code = choose(t->net, record, chosen, err);
  na_free(chosen);
  return code;
}

bool na_record_due(const na_trainer *t)
{
  const na_record *record = &t->record;
  if (!t->records) return false;
  for (int i = 0; i < record->epochs.count; i++)
    if (record->epochs.values[i] == t->epoch) return true;
  return record->every > 0 && t->epoch % record->every == 0;
}

/* ------------------------------------------------------------------------------- writing */

typedef struct recording {
  na_trainer *t;
  const na_record *record;
  na_h5 *file;
  bool *chosen;     /* [layer_count] */
  float *values;    /* room for one image of any layer */
  long images;      /* in all */
  const char *kind; /* "base" or "augmented" */
  const int *widths;
  /* Of the batch whose gradients are being recorded: */
  long done; /* images before it */
  int count; /* its images that are recorded */
  int code;
  na_error *err;
} recording;

enum { PATH_MOST = 300 };

static long long pixels(const na_layer *layer)
{
  return (long long)layer->height * layer->width;
}

/* The datasets that one network's images go to, in a group. */
static int make_layers(const recording *r, const char *group, na_error *err)
{
  const na_net *net = r->t->net;
  int code = NA_OK;
  for (int i = 1; i < net->layer_count && code == NA_OK; i++) {
    const na_layer *l = &net->layers[i];
    char path[PATH_MOST];
    long long dims[4] = {r->images, r->widths[l->out], l->height, l->width};
    if (!r->chosen[i]) continue;
    snprintf(path, sizeof path, "%s%s/%s", group, r->kind, l->name);
    code = na_h5_packed(r->file, path, NA_H5_FLOAT, 4, dims, err);
  }
  return code;
}

static int write_image(const recording *r, int image, long row, na_error *err)
{
  const na_net *net = r->t->net;
  int code = NA_OK;
  for (int i = 1; i < net->layer_count && code == NA_OK; i++) {
    char path[PATH_MOST];
    if (!r->chosen[i]) continue;
    snprintf(path, sizeof path, "%s/%s", r->kind, net->layers[i].name);
    code = na_activation_read(r->t->workspace, i, image, r->values, err);
    if (code == NA_OK) code = na_h5_write_rows(r->file, path, NA_H5_FLOAT, row, 1, r->values, err);
  }
  return code;
}

/* The image itself, and its label, as the network sees them. */
static int write_input(const recording *r, const na_batch *batch, int image, long row,
                       na_error *err)
{
  const na_net *net = r->t->net;
  size_t plane = (size_t)net->height * (size_t)net->width;
  for (int c = 0; c < net->channels; c++) {
    size_t block = (size_t)c * (size_t)batch->blocks + (size_t)(image / NA_LANES);
    for (size_t p = 0; p < plane; p++)
      r->values[(size_t)c * plane + p] =
          batch->images[(block * plane + p) * NA_LANES + (size_t)(image % NA_LANES)];
  }
  int code = na_h5_write_rows(r->file, "images", NA_H5_FLOAT, row, 1, r->values, err);
  if (code != NA_OK) return code;
  return na_h5_write_rows(r->file, "labels", NA_H5_INT32, row, 1, &batch->labels[image], err);
}

/* Called by the backward pass for each layer: its output's gradient for the recorded images. */
static void see_gradient(void *context, int layer)
{
  recording *r = context;
  char path[PATH_MOST];
  if (!r->chosen[layer]) return;
  snprintf(path, sizeof path, "output_gradients/%s/%s", r->kind, r->t->net->layers[layer].name);
  for (int i = 0; i < r->count && r->code == NA_OK; i++) {
    r->code = na_gradient_read(r->t->workspace, layer, i, r->values, r->err);
    if (r->code == NA_OK)
      r->code = na_h5_write_rows(r->file, path, NA_H5_FLOAT, r->done + i, 1, r->values, r->err);
  }
}

/* The parameters' gradients add up in the net. */
static int record_gradients(recording *r, const na_batch *batch, na_error *err)
{
  na_scores scores = {0};
  r->code = NA_OK;
  r->err = err;
  int code = na_loss(r->t->workspace, batch, r->t->train.label_smoothing, 1.0, &scores, err);
  if (code != NA_OK) return code;
  na_workspace_watch(r->t->workspace, see_gradient, r);
  code = na_backward(r->t->workspace, err);
  na_workspace_watch(r->t->workspace, NULL, NULL);
  return code == NA_OK ? r->code : code;
}

/* One batch through the network; `done` images were written before it. */
static int record_batch(recording *r, const na_batch *batch, long done, bool inputs, na_error *err)
{
  int count = r->images - done < batch->count ? (int)(r->images - done) : batch->count;
  r->done = done;
  r->count = count;
  na_workspace_keep(r->t->workspace, true);
  int code = na_forward(r->t->workspace, r->widths, NA_MODE_BATCH, batch, 0, err);
  na_workspace_keep(r->t->workspace, false);
  for (int i = 0; i < count && code == NA_OK; i++) {
    code = write_image(r, i, done + i, err);
    if (code == NA_OK && inputs) code = write_input(r, batch, i, done + i, err);
  }
  return code == NA_OK && r->record->gradients ? record_gradients(r, batch, err) : code;
}

/* The layer's parameters' gradients, summed over the batches. */
static int write_gradients(const recording *r, na_error *err)
{
  const na_net *net = r->t->net;
  int code = NA_OK;
  for (int i = 1; i < net->layer_count && code == NA_OK; i++) {
    const na_layer *l = &net->layers[i];
    const int params[] = {l->weight, l->bias, l->gamma, l->beta, l->weight2, l->bias2};
    for (size_t k = 0; r->chosen[i] && k < sizeof params / sizeof params[0] && code == NA_OK; k++) {
      char path[PATH_MOST];
      long long dims[4];
      if (params[k] < 0) continue;
      const na_param *p = &net->params[params[k]];
      for (int d = 0; d < p->rank; d++) dims[d] = p->shape[d];
      snprintf(path, sizeof path, "gradients/%s/%s", r->kind, p->name);
      code = na_h5_write(r->file, path, NA_H5_FLOAT, p->rank, dims, net->grads + p->offset, err);
    }
  }
  return code;
}

static int record_network(recording *r, const char *kind, const int *widths, bool inputs,
                          na_error *err)
{
  na_source *source = source_of(r->t);
  const na_batch *batch;
  long done = 0;
  r->kind = kind;
  r->widths = widths;
  int code = make_layers(r, "", err);
  if (code == NA_OK && r->record->gradients) code = make_layers(r, "output_gradients/", err);
  if (code == NA_OK) code = source->start(source, 0, 0, err);
  while (code == NA_OK && done < r->images) {
    int got = source->next(source, &batch, err);
    if (got != 1) return got < 0 ? got : na_fail(err, NA_EFORMAT, "there are fewer images");
    code = record_batch(r, batch, done, inputs, err);
    done += batch->count;
  }
  if (code == NA_OK && r->record->gradients) code = write_gradients(r, err);
  memset(r->t->net->grads, 0, r->t->net->values * sizeof(float));
  return code;
}

static int write_head(const recording *r, na_error *err)
{
  const na_trainer *t = r->t;
  long long images[4] = {r->images, t->net->channels, t->net->height, t->net->width};
  int code = na_h5_set_text(r->file, "/", "format", "netaug activations", err);
  if (code == NA_OK) code = na_h5_set_numbers(r->file, "/", "version", (double[]){1}, 1, err);
  if (code == NA_OK) code = na_h5_set_numbers(r->file, "/", "epoch", (double[]){t->epoch}, 1, err);
  if (code == NA_OK)
    code = na_h5_set_numbers(r->file, "/", "step", (double[]){(double)t->step}, 1, err);
  if (code == NA_OK && t->data->class_names != NULL)
    code = na_h5_set_texts(r->file, "/", "class_names", t->data->class_names,
                           (size_t)t->data->classes, err);
  if (code == NA_OK) code = na_h5_packed(r->file, "images", NA_H5_FLOAT, 4, images, err);
  if (code == NA_OK) code = na_h5_packed(r->file, "labels", NA_H5_INT32, 1, images, err);
  return code;
}

static int record_all(recording *r, na_error *err)
{
  int code = write_head(r, err);
  if (code == NA_OK) code = record_network(r, "base", r->t->base_widths, true, err);
  if (code == NA_OK && r->record->augmented && r->t->elastic)
    code = record_network(r, "augmented", r->t->widest, false, err);
  return code;
}

static size_t largest_output(const na_net *net)
{
  size_t largest = (size_t)net->channels * (size_t)net->height * (size_t)net->width;
  for (int i = 1; i < net->layer_count; i++) {
    const na_layer *l = &net->layers[i];
    size_t size = (size_t)net->dims[l->out].max * (size_t)pixels(l);
    if (size > largest) largest = size;
  }
  return largest;
}

static int record_to(recording *r, const char *path, na_error *err)
{
  na_buffer temporary = {0};
  na_buffer_add(&temporary, "%s.tmp", path);
  if (temporary.failed) return na_fail_memory(err, strlen(path), "a path");
  int code = na_h5_create(&r->file, temporary.data, err);
  if (code == NA_OK) {
    code = record_all(r, err);
    int closed = na_h5_close(r->file, err);
    if (code == NA_OK) code = closed;
    if (code == NA_OK && rename(temporary.data, path) != 0)
      code = na_fail(err, NA_EIO, "cannot write %s: %s", path, strerror(errno));
    if (code != NA_OK) unlink(temporary.data);
  }
  na_free(temporary.data);
  return code;
}

int na_record_now(na_trainer *t, const na_record *record, na_error *err)
{
  char path[NA_RUN_PATH], name[64];
  const na_source *source = source_of(t);
  recording r = {.t = t, .record = record};
  r.images = record->images < source->images ? record->images : source->images;
  r.chosen = na_alloc_array((size_t)t->net->layer_count, sizeof *r.chosen);
  r.values = na_alloc_array(largest_output(t->net), sizeof *r.values);
  snprintf(name, sizeof name, "activations-%08ld.h5", t->step);
  na_recorder_path(t->recorder, name, path);
  int code = r.chosen != NULL && r.values != NULL
                 ? choose(t->net, record, r.chosen, err)
                 : na_fail_memory(err, largest_output(t->net) * sizeof(float), "a recording");
  if (code == NA_OK) code = record_to(&r, path, err);
  na_free(r.chosen);
  na_free(r.values);
  return code;
}
