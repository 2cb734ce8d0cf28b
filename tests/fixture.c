/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fixture.h"
#include "core/base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------- what a file says */

static int missing(fixture *f, const na_error *err)
{
  fixture_require(&f->report, FIXTURE_SECTIONS, 0, "%s", err->message);
  return 0;
}

size_t fixture_numbers(fixture *f, const char *path, const char *name, double *out, size_t count)
{
  na_error err = {0};
  if (na_h5_get_numbers(f->file, path, name, out, &count, &err) == 0) {
    fixture_require(&f->report, FIXTURE_SECTIONS, 1, "present");
    return count;
  }
  missing(f, &err);
  return 0;
}

double fixture_number(fixture *f, const char *path, const char *name)
{
  double value = 0;
  return fixture_numbers(f, path, name, &value, 1) == 1 ? value : 0;
}

int fixture_wanted(fixture *f, const char *path)
{
  na_error err = {0};
  size_t count = (size_t)f->batch * (size_t)f->classes;
  if (na_h5_read(f->file, path, NA_H5_DOUBLE, f->wanted, count, &err) != 0) return missing(f, &err);
  fixture_require(&f->report, FIXTURE_SECTIONS, 1, "present");
  return 1;
}

double fixture_l2(const float *values, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)values[i] * values[i];
  return sqrt(sum);
}

/* ------------------------------------------------------------------------ numbers by formula */

static int ends_with(const char *name, const char *end)
{
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

/* value = offset + scale * u */
static void formula(const na_param *param, bool kinks, double *offset, double *scale)
{
  const int *s = param->shape;
  *offset = 0;
  *scale = 0.1;
  if (param->rank == 4) *scale = 1.7320508 / sqrt((double)s[1] * s[2] * s[3]);
  else if (param->rank == 2) *scale = 1 / sqrt((double)s[1]);
  else if (ends_with(param->name, "norm.weight")) {
    *offset = kinks ? 1 : 0.3;
    *scale = kinks ? 0.25 : 0.05;
  } else if (ends_with(param->name, "norm.bias")) {
    *offset = kinks ? 0 : 1.5;
    *scale = kinks ? 0.1 : 0.2;
  }
}

uint64_t fixture_stream(double number)
{
  return number >= 0 && number < 0x1p32 ? (uint64_t)number : 0;
}

void fixture_fill(fixture *f, bool kinks)
{
  char path[FIXTURE_PATH];
  for (int i = 0; i < f->net->param_count; i++) {
    const na_param *param = &f->net->params[i];
    double offset, scale, stream = 0;
    snprintf(path, sizeof path, "params/%s", param->name);
    /* What is missing or impossible is reported with the structure. */
    if (na_h5_get_number(f->file, path, "stream", &stream, NULL) != 0) stream = 0;
    formula(param, kinks, &offset, &scale);
    for (size_t n = 0; n < param->count; n++) {
      double u = na_random_symmetric(fixture_stream(stream), n);
      f->net->weights[param->offset + n] = (float)(offset + scale * u);
    }
  }
  memset(f->net->momentum, 0, f->net->values * sizeof(float));
  memset(f->net->grads, 0, f->net->values * sizeof(float));
}

void fixture_fill_images(fixture *f, uint64_t stream)
{
  size_t size = (size_t)f->resolution * (size_t)f->resolution, blocks = (size_t)f->images.blocks;
  for (size_t n = 0; n < (size_t)f->batch; n++)
    for (size_t channel = 0; channel < 3; channel++)
      for (size_t at = 0; at < size; at++) {
        size_t block = channel * blocks + n / NA_LANES;
        f->pixels[(block * size + at) * NA_LANES + n % NA_LANES] =
            na_random_symmetric(stream, (n * 3 + channel) * size + at);
      }
}

/* ---------------------------------------------------------------------------------- widths */

static int is_dense(const na_layer *layer) { return layer->kind == NA_CONV; }

static int dense_count(const na_net *net)
{
  int count = 0;
  for (int i = 0; i < net->layer_count; i++) count += is_dense(&net->layers[i]);
  return count;
}

/* Gives every dimension that is some dense layer's output its width of the list; a residual chain
 * shares one. Returns 0 for an impossible width, or when two layers ask for different ones. */
static int spread_widths(const na_net *net, const double *list, int *widths)
{
  int at = 0;
  for (int i = 0; i < net->dim_count; i++) widths[i] = 0;
  for (int i = 0; i < net->layer_count; i++) {
    if (!is_dense(&net->layers[i])) continue;
    int *width = &widths[net->layers[i].out];
    double given = list[at++];
    if (!(given >= 1 && given <= 1e6) || (*width != 0 && *width != given)) return 0;
    *width = (int)given;
  }
  return 1;
}

/* Finds the choices that give these widths, dimension by dimension, and with them the widths that the
 * list leaves out (squeeze middles, classes). Returns the dimension that has no such candidate, or
 * -1. */
static int find_choices(const na_net *net, int *choices, int *widths, int *tried)
{
  memset(choices, 0, (size_t)net->dim_count * sizeof *choices);
  for (int d = 0; d < net->dim_count; d++) {
    int candidates = net->dims[d].list.count > 1 ? net->dims[d].list.count : 1, found = widths[d] == 0;
    for (int c = 0; c < candidates && !found; c++) {
      choices[d] = c;
      na_net_widths(net, choices, tried);
      found = tried[d] == widths[d];
    }
    if (!found) return d;
  }
  na_net_widths(net, choices, widths);
  return -1;
}

static int match_widths(fixture *f, const char *path, const double *list, int *choices, int *tried)
{
  if (!spread_widths(f->net, list, f->widths)) {
    fixture_require(&f->report, FIXTURE_WIDTHS, 0, "%s: a width is impossible, or a residual chain has two", path);
    return 0;
  }
  int wrong = find_choices(f->net, choices, f->widths, tried);
  if (wrong >= 0)
    fixture_require(&f->report, FIXTURE_WIDTHS, 0, "%s: %d is no candidate of %s", path,
                    f->widths[wrong], f->net->dims[wrong].name);
  else fixture_require(&f->report, FIXTURE_WIDTHS, 1, "match");
  return wrong < 0;
}

int fixture_read_widths(fixture *f, const char *path)
{
  size_t count = (size_t)dense_count(f->net), dims = (size_t)f->net->dim_count;
  double *list = na_alloc_array(count, sizeof *list);
  int *choices = na_alloc_array(dims, sizeof *choices), *tried = na_alloc_array(dims, sizeof *tried);
  int good = list != NULL && choices != NULL && tried != NULL;
  size_t got = good ? fixture_numbers(f, path, "widths", list, count) : 0;
  if (got == count) good = good && match_widths(f, path, list, choices, tried);
  else {
    fixture_require(&f->report, FIXTURE_WIDTHS, 0, "%s lists %zu widths, the network has %zu", path,
                    got, count);
    good = 0;
  }
  na_free(list);
  na_free(choices);
  na_free(tried);
  return good;
}

/* ------------------------------------------------------------------------ opening a file */

/* "MobileNetV3-Large" -> "mobilenetv3large" */
static void bare_name(const char *name, char out[64])
{
  size_t length = 0;
  for (; *name != '\0' && length < 63; name++)
    if (isalnum((unsigned char)*name)) out[length++] = (char)tolower((unsigned char)*name);
  out[length] = '\0';
}

/* "mobilenetv3-0.35" -> "mobilenetv3", 0.35; without a width multiplier 0. */
static double split_width(char *model)
{
  char *dash = strrchr(model, '-'), *end = NULL;
  if (dash == NULL) return 0;
  double width = strtod(dash + 1 + (dash[1] == 'w'), &end);
  if (*end != '\0' || end == dash + 1 || !(width > 0)) return 0;
  *dash = '\0';
  return width;
}

/* The zoo's model with the longest name that the file's begins with. */
static const char *find_model(na_lua *lua, const char *model)
{
  const char *const *names, *const *help, *best = NULL;
  char wanted[64], has[64];
  size_t longest = 0;
  bare_name(model, wanted);
  int count = na_lua_zoo(lua, &names, &help);
  for (int i = 0; i < count; i++) {
    bare_name(names[i], has);
    if (strlen(has) <= longest || strncmp(wanted, has, strlen(has)) != 0) continue;
    longest = strlen(has);
    best = names[i];
  }
  return best;
}

static int whole_attribute(fixture *f, const char *name, double most, int *out, na_error *err)
{
  double value;
  int code = na_h5_get_number(f->file, "/", name, &value, err);
  if (code != 0) return code;
  if (!(value >= 1 && value <= most) || value != floor(value))
    return na_fail(err, NA_EFORMAT, "attribute %s is %g: expected 1 to %g", name, value, most);
  *out = (int)value;
  return 0;
}

static int list_attribute(fixture *f, const char *name, na_list *list, na_error *err)
{
  size_t count = NA_LIST_MAX;
  int code = na_h5_get_numbers(f->file, "/", name, list->values, &count, err);
  list->count = (int)count;
  return code;
}

static int build(fixture *f, na_lua *lua, na_error *err)
{
  char *model = NULL;
  na_list width, expand;
  int code = na_h5_get_text(f->file, "/", "model", &model, err);
  if (code == 0) code = list_attribute(f, "aug_width_mult_list", &width, err);
  if (code == 0) code = list_attribute(f, "aug_expand_list", &expand, err);
  if (code == 0) {
    na_lua_model wanted = {.width_mult = split_width(model), .resolution = f->resolution,
                           .classes = f->classes, .width = &width, .expand = &expand};
    wanted.name = find_model(lua, model);
    code = wanted.name != NULL ? na_lua_build(lua, &wanted, &f->net, err)
                               : na_fail(err, NA_EUNSUPPORTED, "model %s is not known", model);
  }
  na_free(model);
  return code;
}

static int allocate(fixture *f, na_error *err)
{
  size_t count = (size_t)f->batch, size = (size_t)f->resolution * (size_t)f->resolution;
  f->images = (na_batch){.count = f->batch, .blocks = (f->batch + NA_LANES - 1) / NA_LANES};
  f->pixels = na_alloc_array(3 * (size_t)f->images.blocks * size * NA_LANES, sizeof(float));
  f->labels = na_alloc_array(count, sizeof(int32_t));
  f->base = na_alloc_array((size_t)f->net->dim_count, sizeof(int));
  f->widths = na_alloc_array((size_t)f->net->dim_count, sizeof(int));
  f->logits = na_alloc_array(count * (size_t)f->classes, sizeof(float));
  f->wanted = na_alloc_array(count * (size_t)f->classes, sizeof(double));
  f->before = na_alloc_array(f->net->values, sizeof(float));
  if (f->pixels == NULL || f->labels == NULL || f->base == NULL || f->widths == NULL ||
      f->logits == NULL || f->wanted == NULL || f->before == NULL)
    return na_fail_memory(err, f->net->values * sizeof(float), "the fixture's numbers");
  for (int n = 0; n < f->batch; n++) f->labels[n] = n % f->classes;
  f->images.images = f->pixels;
  f->images.labels = f->labels;
  na_net_base(f->net, f->base);
  return na_workspace_new(&f->workspace, f->net, f->team, f->batch, true, err);
}

int fixture_open(fixture *f, const char *path, na_lua *lua, na_team *team, na_error *err)
{
  double stream = 0;
  *f = (fixture){.team = team};
  int code = na_h5_open(&f->file, path, err);
  if (code == 0) code = whole_attribute(f, "resolution", 4096, &f->resolution, err);
  if (code == 0) code = whole_attribute(f, "batch", 4096, &f->batch, err);
  if (code == 0) code = whole_attribute(f, "classes", 65536, &f->classes, err);
  if (code == 0) code = na_h5_get_number(f->file, "/", "input_stream", &stream, err);
  if (code == 0) code = build(f, lua, err);
  if (code == 0) code = allocate(f, err);
  f->input_stream = fixture_stream(stream);
  return code;
}

void fixture_close(fixture *f)
{
  na_workspace_free(f->workspace);
  na_net_free(f->net);
  na_free(f->pixels);
  na_free(f->labels);
  na_free(f->base);
  na_free(f->widths);
  na_free(f->logits);
  na_free(f->wanted);
  na_free(f->before);
  na_h5_close(f->file, NULL);
  *f = (fixture){0};
}
