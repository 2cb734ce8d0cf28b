/* Do the augmented losses pull the base's weights the same way as its own?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/steer.h"
#include "core/train/trainer_private.h"

#include <math.h>
#include <string.h>

static const double SMOOTHING = 0.1; /* share of the newest step */

struct na_agreements {
  float *base; /* [net->values]: the base's gradient of the running step */
  na_agreement *layers;
  int count;
  long step; /* the step `layers` is of; -1: none yet */
};

static bool has_parameters(const na_layer *layer)
{
  return layer->weight >= 0;
}

void na_agreements_free(na_trainer *t)
{
  if (t->agreements == NULL) return;
  na_block_free(t->agreements->base, t->net->values * sizeof(float));
  na_free(t->agreements->layers);
  na_free(t->agreements);
  t->agreements = NULL;
}

static void list_layers(const na_net *net, na_agreements *a)
{
  for (int i = 0; i < net->layer_count; i++)
    if (has_parameters(&net->layers[i]))
      a->layers[a->count++] = (na_agreement){i, NAN, NAN, NAN, NAN};
}

static int agreements_new(na_trainer *t, na_error *err)
{
  na_agreements *a = na_alloc(sizeof *a);
  size_t bytes = t->net->values * sizeof(float), layers = (size_t)t->net->layer_count;
  if (a != NULL) {
    a->base = na_block_new(bytes);
    a->layers = na_alloc_array(layers, sizeof *a->layers);
    a->step = -1;
  }
  if (a != NULL && a->base != NULL && a->layers != NULL) {
    list_layers(t->net, a);
    t->agreements = a;
    return NA_OK;
  }
  if (a != NULL) {
    na_block_free(a->base, bytes);
    na_free(a->layers);
  }
  na_free(a);
  return na_fail_memory(err, bytes, "comparing gradients");
}

int na_agreement_switch(na_trainer *t, bool on, na_error *err)
{
  int code = NA_OK;
  pthread_mutex_lock(&t->steer.mutex);
  if (!on)
    na_agreements_free(t);
  else if (t->agreements == NULL)
    code = agreements_new(t, err);
  pthread_mutex_unlock(&t->steer.mutex);
  return code;
}

void na_agreement_between(na_trainer *t)
{
  if (t->agreements == NULL) return;
  memcpy(t->agreements->base, t->net->grads, t->net->values * sizeof(float));
}

/* <g, a>, <g, g>, <a, a>, where a is what was added to g since. */
typedef struct sums {
  double both, base, augmented;
} sums;

static void add_row(sums *s, const float *base, const float *all, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    double g = (double)base[i], a = (double)all[i] - g;
    s->both += g * a;
    s->base += g * g;
    s->augmented += a * a;
  }
}

/* The base's slice of a parameter: the first inputs of the first outputs. */
static void add_parameter(sums *s, const na_trainer *t, int index)
{
  if (index < 0) return;
  const na_param *p = &t->net->params[index];
  size_t rows = (size_t)p->shape[0], row = p->count / rows, used = row;
  size_t outputs = p->out >= 0 ? (size_t)t->base_widths[p->out] : rows;
  if (p->in >= 0) used = row / (size_t)p->shape[1] * (size_t)t->base_widths[p->in];
  for (size_t o = 0; o < outputs; o++)
    add_row(s, t->agreements->base + p->offset + o * row, t->net->grads + p->offset + o * row,
            used);
}

static double smoothed(double mean, double value)
{
  if (isnan(value)) return mean;
  return isnan(mean) ? value : mean + SMOOTHING * (value - mean);
}

static void compare(const na_trainer *t, na_agreement *out)
{
  const na_layer *l = &t->net->layers[out->layer];
  const int params[] = {l->weight, l->bias, l->gamma, l->beta, l->weight2, l->bias2};
  sums s = {0};
  for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) add_parameter(&s, t, params[i]);
  double norms = sqrt(s.base) * sqrt(s.augmented);
  out->cosine = norms > 0 ? s.both / norms : NAN;
  out->ratio = s.base > 0 ? sqrt(s.augmented) / sqrt(s.base) : NAN;
  out->mean_cosine = smoothed(out->mean_cosine, out->cosine);
  out->mean_ratio = smoothed(out->mean_ratio, out->ratio);
}

void na_agreement_after(na_trainer *t)
{
  na_agreements *a = t->agreements;
  if (a == NULL) return;
  for (int i = 0; i < a->count; i++) {
    na_agreement now = a->layers[i];
    compare(t, &now);
    pthread_mutex_lock(&t->steer.mutex);
    a->layers[i] = now;
    pthread_mutex_unlock(&t->steer.mutex);
  }
  pthread_mutex_lock(&t->steer.mutex);
  a->step = t->step + 1;
  pthread_mutex_unlock(&t->steer.mutex);
}

int na_trainer_agreement(na_trainer *t, na_agreement *out, int room, long *step)
{
  pthread_mutex_lock(&t->steer.mutex);
  const na_agreements *a = t->agreements;
  int count = a != NULL && a->step >= 0 ? a->count : 0;
  for (int i = 0; i < count && i < room; i++) out[i] = a->layers[i];
  if (step != NULL) *step = count > 0 ? a->step : 0;
  pthread_mutex_unlock(&t->steer.mutex);
  return count;
}
