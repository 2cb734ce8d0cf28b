/* The tiny network alone, proved equal.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/workspace.h"
#include "tui/export.h"
#include "tui/images.h"
#include "tui/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Largest difference between float32 sums of different order that is no mistake, relative to the
 * largest output. */
static const double TOLERANCE = 1e-4;

/* Logits of net's base on a batch: out[count][classes]. */
static int run_base(na_net *net, const na_batch *batch, float *out, na_error *err)
{
  na_team *team = NULL;
  na_workspace *workspace = NULL;
  int *widths = NULL;
  int code = na_model_widths(net, false, &widths, err);
  if (code == NA_OK) code = na_team_new(&team, 0, err);
  if (code == NA_OK) code = na_workspace_new(&workspace, net, team, batch->count, false, err);
  if (code == NA_OK) code = na_forward(workspace, widths, NA_MODE_EVAL, batch, 0, err);
  if (code == NA_OK) na_logits(workspace, out);
  na_workspace_free(workspace);
  na_team_free(team);
  na_free(widths);
  return code;
}

typedef struct deviation {
  double largest, worst; /* largest output, largest difference */
} deviation;

static deviation compare(const float *a, const float *b, size_t count)
{
  deviation d = {0, 0};
  for (size_t i = 0; i < count; i++) {
    double size = fabs((double)a[i]), off = fabs((double)a[i] - (double)b[i]);
    if (size > d.largest) d.largest = size;
    if (!(off <= d.worst)) d.worst = off; /* takes NaN too */
  }
  return d;
}

/* Runs the supernet and the exported network on the same images. */
static int measure(na_net *whole, na_net *alone, int images, deviation *d, na_error *err)
{
  size_t count = (size_t)images * (size_t)whole->classes;
  na_images batch;
  int code = na_images_new(&batch, whole, images, 1, err);
  if (code != NA_OK) return code;
  float *logits = na_alloc_array(2 * count, sizeof *logits);
  if (logits == NULL) code = na_fail_memory(err, 2 * count * sizeof *logits, "logits");
  if (code == NA_OK) code = run_base(whole, &batch.batch, logits, err);
  if (code == NA_OK) code = run_base(alone, &batch.batch, logits + count, err);
  if (code == NA_OK) *d = compare(logits, logits + count, count);
  na_free(logits);
  na_images_free(&batch);
  return code;
}

/* Loads what was written and compares that, so that the file itself is proved. */
static int verify(na_net *whole, const char *path, int images, deviation *d, na_error *err)
{
  na_net *alone = NULL;
  na_checkpoint state = {0};
  int code = na_checkpoint_load(path, &alone, &state, err);
  if (code == NA_OK) code = measure(whole, alone, images, d, err);
  if (code == NA_OK && !(d->worst <= TOLERANCE * d->largest)) {
    na_fail(err, NA_ENAN, "%s differs from the network it was taken from by %.3g of %.3g", path,
            d->worst, d->largest);
    na_hint(err, "do not use it; the checkpoint may hold values that are not finite");
    code = NA_ENAN;
  }
  na_checkpoint_free(&state);
  na_net_free(alone);
  return code;
}

static int save_base(const na_net *whole, const na_checkpoint *state, const char *path,
                     na_error *err)
{
  na_net *alone = NULL;
  int *widths = NULL;
  int code = na_model_widths(whole, false, &widths, err);
  if (code == NA_OK) code = na_net_extract(whole, widths, &alone, err);
  if (code == NA_OK) code = na_checkpoint_save(path, alone, state, false, err);
  na_net_free(alone);
  na_free(widths);
  return code;
}

static int print_export(const na_net *whole, const char *path, const deviation *d, int images,
                        na_error *err)
{
  int *widths;
  int code = na_model_widths(whole, false, &widths, err);
  if (code != NA_OK) return code;
  na_cost cost;
  struct stat file;
  char parameters[16], macs[16];
  na_net_cost(whole, widths, &cost);
  na_text_count(parameters, (double)cost.parameters);
  na_text_count(macs, (double)cost.macs);
  printf("%s: %s\n%s parameters, %s MACs", path, whole->name, parameters, macs);
  if (stat(path, &file) == 0) printf(", %lld bytes", (long long)file.st_size);
  printf("\nlargest difference of outputs on %d generated images: %.3g of %.3g\n", images, d->worst,
         d->largest);
  na_free(widths);
  return NA_OK;
}

static int refuse_same_file(const char *from, const char *to, na_error *err)
{
  struct stat a, b;
  if (stat(from, &a) != 0 || stat(to, &b) != 0) return NA_OK;
  if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) return NA_OK;
  na_fail(err, NA_EINVAL, "%s would overwrite the checkpoint it is made from", to);
  return na_hint(err, "choose another name for the exported network");
}

int na_export_network(const na_export *given, na_error *err)
{
  const char *from = given->runs[0], *to = given->out;
  na_net *whole = NULL;
  na_checkpoint state = {0};
  deviation d = {0, 0};
  int code = refuse_same_file(from, to, err);
  if (code == NA_OK) code = na_checkpoint_load(from, &whole, &state, err);
  if (code == NA_OK) code = save_base(whole, &state, to, err);
  if (code == NA_OK) code = verify(whole, to, given->images, &d, err);
  if (code == NA_OK) code = print_export(whole, to, &d, given->images, err);
  na_checkpoint_free(&state);
  na_net_free(whole);
  return code;
}
