/* One step: gradients of the base and of sub-networks, and the optimizer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/trainer.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------- gradients */

/* Forward, loss and backward of one sub-network. */
static int accumulate(na_workspace *workspace, const na_batch *batch, const int *widths,
                      double weight, double smoothing, uint64_t step, na_scores *scores,
                      na_error *err)
{
  int code = na_forward(workspace, widths, NA_MODE_TRAIN, batch, step, err);
  if (code == NA_OK) code = na_loss(workspace, batch, smoothing, weight, scores, err);
  if (code != NA_OK) return code;
  if (!isfinite(scores->loss)) return na_fail(err, NA_ENAN, "the loss is not a finite number");
  /* A weight of 0 asks for the loss alone: there is no gradient to propagate. */
  return weight > 0 ? na_backward(workspace, err) : NA_OK;
}

int na_accumulate_base(na_workspace *workspace, const na_batch *batch, const int *widths,
                       double smoothing, uint64_t step, na_scores *scores, na_error *err)
{
  return accumulate(workspace, batch, widths, 1.0, smoothing, step, scores, err);
}

int na_accumulate_network(na_workspace *workspace, const na_batch *batch, const int *widths,
                          int number, double alpha, double smoothing, uint64_t step,
                          na_scores *scores, na_error *err)
{
  /* Each pass drops values of its own. */
  uint64_t pass = na_random_at(step, (uint64_t)number + 1, 0).key;
  return accumulate(workspace, batch, widths, alpha, smoothing, pass, scores, err);
}

int na_accumulate(na_workspace *workspace, const na_batch *batch, const int *base_widths,
                  int networks, const int *const *widths, double alpha, double smoothing,
                  uint64_t step, na_scores *base, na_scores *augmented, na_error *err)
{
  int code = na_accumulate_base(workspace, batch, base_widths, smoothing, step, base, err);
  for (int i = 0; i < networks && code == NA_OK; i++)
    code = na_accumulate_network(workspace, batch, widths[i], i, alpha, smoothing, step, augmented,
                                 err);
  return code;
}

/* ------------------------------------------------------------------------------- optimizer */

/* CHUNK floats are one unit of work. Parameters start at multiples of RUN floats and are padded to
 * them, so every loop is over whole runs: that is what lets compilers use vectors. */
enum { RUN = 16, CHUNK = 1024 * RUN };

typedef struct sgd {
  na_net *net;
  float lr, momentum, weight_decay;
  bool nesterov;
} sgd;

/* Updates n values (a multiple of RUN). `ahead` is the momentum where Nesterov looks ahead:
 * w -= lr * (keep * g + ahead * m) covers both rules. */
static void update(float *restrict w, float *restrict g, float *restrict m, size_t n, float lr,
                   float momentum, float decay, float keep, float ahead)
{
  for (size_t run = n / RUN; run > 0; run--, w += RUN, g += RUN, m += RUN)
    for (int j = 0; j < RUN; j++) {
      float slope = g[j] + decay * w[j];
      m[j] = momentum * m[j] + slope;
      w[j] -= lr * (keep * slope + ahead * m[j]);
      g[j] = 0;
    }
}

/* Index of the parameter that holds value `at`. */
static int holder(const na_net *net, size_t at)
{
  int low = 0, high = net->param_count - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (net->params[middle].offset <= at)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

static void update_chunk(void *context, int unit, int worker)
{
  (void)worker;
  const sgd *s = context;
  na_net *net = s->net;
  size_t at = (size_t)unit * CHUNK, end = at + CHUNK < net->values ? at + CHUNK : net->values;
  for (int i = holder(net, at); at < end; i++) {
    size_t next = i + 1 < net->param_count ? net->params[i + 1].offset : net->values;
    size_t stop = next < end ? next : end;
    if (net->params[i].frozen) {
      memset(net->grads + at, 0, (stop - at) * sizeof *net->grads);
      at = stop;
      continue;
    }
    update(net->weights + at, net->grads + at, net->momentum + at, stop - at, s->lr, s->momentum,
           net->params[i].decays ? s->weight_decay : 0.0f, s->nesterov ? 1.0f : 0.0f,
           s->nesterov ? s->momentum : 1.0f);
    at = stop;
  }
}

void na_sgd(na_net *net, na_team *team, double lr, double momentum, bool nesterov,
            double weight_decay)
{
  sgd s = {net, (float)lr, (float)momentum, (float)weight_decay, nesterov};
  na_team_run(team, update_chunk, &s, (int)((net->values + CHUNK - 1) / CHUNK));
}
