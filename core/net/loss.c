/* Softmax cross-entropy of the logits, and what a teacher adds; the gradient of both.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/workspace_private.h"

#include <math.h>
#include <string.h>

typedef struct loss_loop {
  na_workspace *w;
  const na_batch *batch;
  const na_tensor *logits;
  double smoothing, weight;
} loss_loop;

/* Raw logit c of image n: where it is, and its gradient's place. */
static size_t logit_at(const loss_loop *loop, int n, int c)
{
  return (size_t)c * loop->logits->stride + (size_t)n;
}

static double logit(const loss_loop *loop, int n, int c)
{
  const na_tensor *t = loop->logits;
  float x = t->data[logit_at(loop, n, c)];
  return (double)(t->lazy ? x * t->scale[c] + t->shift[c] : x);
}

static double target(const loss_loop *loop, int n, int c)
{
  const na_batch *batch = loop->batch;
  double share = batch->shares != NULL ? (double)batch->shares[n] : 0;
  double hard = (batch->labels[n] == c) * (1 - share);
  if (share > 0) hard += (batch->others[n] == c) * share;
  return hard * (1 - loop->smoothing) + loop->smoothing / loop->logits->channels;
}

/* log(sum over classes of exp(x / temperature)), x the logits of image n or the teacher's. */
static double log_sum_exp(const loss_loop *loop, int n, const float *teacher, double temperature)
{
  double most = -INFINITY, sum = 0;
  for (int c = 0; c < loop->logits->channels; c++)
    most = fmax(most, teacher != NULL ? (double)teacher[c] : logit(loop, n, c));
  for (int c = 0; c < loop->logits->channels; c++)
    sum += exp(((teacher != NULL ? (double)teacher[c] : logit(loop, n, c)) - most) / temperature);
  return most / temperature + log(sum);
}

/* Adds the teacher's share to the loss and, where one is wanted, to the gradient of image n:
 *   w T^2 sum_c t_c (log t_c - log p_c),   d/dz_c: w T (p_c - t_c). */
static void learn_image(const loss_loop *loop, int n, double scale, na_scores *scores)
{
  const na_teaching *t = loop->w->teaching;
  int classes = loop->logits->channels;
  const float *says = t->logits + (size_t)n * (size_t)classes;
  double temperature = t->temperature, loss = 0;
  double own = log_sum_exp(loop, n, NULL, temperature), its = log_sum_exp(loop, n, says, temperature);
  for (int c = 0; c < classes; c++) {
    double log_p = logit(loop, n, c) / temperature - own, log_t = (double)says[c] / temperature - its;
    loss += exp(log_t) * (log_t - log_p);
    if (scale > 0)
      loop->logits->grad[logit_at(loop, n, c)] +=
          (float)(scale * t->weight * temperature * (exp(log_p) - exp(log_t)));
  }
  scores->loss += t->weight * temperature * temperature * loss;
}

/* How many classes are ahead of the label; a tie is won by the lower class. */
static int rank_of_label(const loss_loop *loop, int n)
{
  int label = loop->batch->labels[n], ahead = 0;
  double own = logit(loop, n, label);
  if (isnan(own)) return loop->logits->channels;
  for (int c = 0; c < loop->logits->channels; c++) {
    double other = logit(loop, n, c);
    ahead += other > own || (other == own && c < label);
  }
  return ahead;
}

static void score_image(const loss_loop *loop, int n, na_scores *scores)
{
  int classes = loop->logits->channels;
  const na_teaching *teaching = loop->w->teaching;
  double labels = teaching != NULL ? 1 - teaching->weight : 1; /* their share of the loss */
  double log_sum = log_sum_exp(loop, n, NULL, 1), loss = 0, mass = 0;
  for (int c = 0; c < classes; c++) {
    double q = target(loop, n, c);
    mass += q;
    if (q != 0) loss += q * (log_sum - logit(loop, n, c));
  }
  int rank = rank_of_label(loop, n);
  scores->loss += labels * loss;
  scores->top1 += rank < 1;
  scores->top5 += rank < 5;
  scores->images++;
  double scale = loop->weight / loop->w->pass.count;
  for (int c = 0; scale > 0 && c < classes; c++) {
    double p = exp(logit(loop, n, c) - log_sum);
    loop->logits->grad[logit_at(loop, n, c)] =
        (float)(scale * labels * (p * mass - target(loop, n, c)));
  }
  if (teaching != NULL) learn_image(loop, n, scale, scores);
}

static void score_block(void *context, int block, int worker)
{
  (void)worker;
  const loss_loop *loop = context;
  na_scores *scores = &loop->w->scores[block];
  *scores = (na_scores){0};
  int first = block * NA_LANES, count = loop->w->pass.count;
  int last = first + NA_LANES < count ? first + NA_LANES : count;
  for (int n = first; n < last; n++) score_image(loop, n, scores);
  if (!(loop->weight > 0)) return;
  for (int n = last; n < first + NA_LANES; n++)
    for (int c = 0; c < loop->logits->channels; c++)
      loop->logits->grad[logit_at(loop, n, c)] = 0;
}

static int check_labels(const int32_t *labels, int count, int classes, na_error *err)
{
  for (int n = 0; labels != NULL && n < count; n++)
    if (labels[n] < 0 || labels[n] >= classes)
      return na_fail(err, NA_EINVAL, "image %d of the batch has label %d, but there are %d classes",
                     n, (int)labels[n], classes);
  return NA_OK;
}

int na_loss(na_workspace *w, const na_batch *batch, double smoothing, double weight,
            na_scores *scores, na_error *err)
{
  na_tensor *logits = &w->tensors[w->net->layer_count - 1];
  if (w->state == NA_IDLE || batch->count != w->pass.count)
    return na_fail(err, NA_EINVAL, "the loss needs a forward pass of the same batch before it");
  if (weight > 0 && !w->train)
    return na_fail(err, NA_EINVAL, "a gradient needs a training workspace");
  if (weight > 0 && w->state == NA_BACKWARDED)
    return na_fail(err, NA_EINVAL, "the backward pass has used up the activations: a gradient needs "
                   "another forward pass");
  int code = check_labels(batch->labels, batch->count, logits->channels, err);
  if (code == NA_OK) code = check_labels(batch->others, batch->count, logits->channels, err);
  if (code != NA_OK) return code;
  loss_loop loop = {w, batch, logits, smoothing, weight};
  na_team_run(w->pass.team, score_block, &loop, w->pass.blocks);
  for (int b = 0; b < w->pass.blocks; b++) {
    scores->loss += w->scores[b].loss;
    scores->top1 += w->scores[b].top1;
    scores->top5 += w->scores[b].top5;
    scores->images += w->scores[b].images;
  }
  if (!(weight > 0)) return NA_OK;
  for (int c = 0; c < logits->channels; c++) na_finish_channel(&w->pass, logits, c);
  w->state = NA_SCORED;
  return NA_OK;
}
