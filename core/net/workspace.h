/* Runs a network: one planned arena of activations, forward and backward.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_WORKSPACE_H
#define NA_WORKSPACE_H

#include "core/base/source.h"
#include "core/base/team.h"
#include "core/kernel/precision.h"
#include "core/net/net.h"

typedef struct na_workspace na_workspace;

/* Plans and allocates everything needed to run `net` on batches of up to `batch` images at widths up
 * to its widest; with `train` also backward. Nothing is allocated afterwards. The workspace borrows
 * net and team. */
int na_workspace_new(na_workspace **workspace, na_net *net, na_team *team, int batch, bool train,
                     na_error *err);
void na_workspace_free(na_workspace *workspace);

/* Bytes planned: activations and gradients, and scratch; not what only na_workspace_keep needs. */
size_t na_workspace_bytes(const na_workspace *workspace);

typedef enum na_mode {
  NA_MODE_TRAIN,    /* batch statistics; running statistics move by bn_momentum; dropout */
  NA_MODE_EVAL,     /* running statistics */
  NA_MODE_ESTIMATE, /* batch statistics, also summed for na_recalibrate_end; no dropout */
  NA_MODE_BATCH     /* batch statistics, running statistics untouched; no dropout */
} na_mode;

/* One forward pass of the sub-network at widths [dim_count]. `step` seeds dropout (used in TRAIN). */
int na_forward(na_workspace *workspace, const int *widths, na_mode mode, const na_batch *batch,
               uint64_t step, na_error *err);

typedef struct na_scores {
  double loss;  /* sum over images of the cross-entropy used (smoothed or mixed in training) */
  long top1, top5, images;
} na_scores;

/* Softmax cross-entropy of the last forward pass's logits against the batch's labels. PyTorch
 * CrossEntropyLoss(label_smoothing): target (1 - s) hard + s / classes; hard is 1 for the label, or,
 * of an image mixed of two, each label's share. The accuracies are those of the dominant label. Adds to *scores. Where `weight` > 0 also sets the logits' gradient of
 * weight * mean loss, for na_backward. Labels must be in range (checked, NA_EINVAL). */
int na_loss(na_workspace *workspace, const na_batch *batch, double smoothing, double weight,
            na_scores *scores, na_error *err);

/* What a teacher says of a batch (Hinton, Vinyals, Dean 2015): the loss of an image becomes
 *   (1 - weight) * CE + weight * T^2 * KL(softmax(teacher / T) || softmax(logits / T)),
 * CE the cross-entropy of na_loss; T^2 keeps the sizes of the two gradients in proportion when T
 * changes. (The paper's code has no distillation; this is the form that is usual.) */
typedef struct na_teaching {
  const float *logits; /* [count][classes] */
  double temperature, weight;
} na_teaching;

/* From now on na_loss mixes this in, which is borrowed; NULL: no longer (the default). */
void na_workspace_teach(na_workspace *workspace, const na_teaching *teaching);

/* Back-propagates, *adding* to net->grads at the widths of the last forward pass (mode TRAIN or
 * BATCH), down to the first layer that is not frozen. */
int na_backward(na_workspace *workspace, na_error *err);

/* From now on forward passes run layer by layer, and keep every output until the backward pass (in a training
 * workspace). Otherwise, the default, they do not store what is computed again faster than it is read. */
void na_workspace_keep(na_workspace *workspace, bool keep);

/* From now on na_backward calls see(context, layer) for every layer, the last one first, as soon as
 * na_gradient_read can give its gradient. NULL: no longer (the default). The forward pass must have been kept. */
void na_workspace_watch(na_workspace *workspace, void (*see)(void *context, int layer), void *context);

/* Within `see`, of its layer: the gradient of the weighted loss by the layer's output for image n of the
 * batch, out[channels][height][width]. By the output as it is normalised or biased, before its activation,
 * which is what the backward pass holds (of SQUEEZE layers: before the hard sigmoid of their gates); without
 * an activation it is that of na_activation_read. */
int na_gradient_read(const na_workspace *workspace, int layer, int image, float *out, na_error *err);

/* From now on DROPBLOCK layers drop this share (0 to 1, the default) of their rate: for a schedule. */
void na_workspace_drop_share(na_workspace *workspace, double share);

/* Are depthwise layer i and the expansion before it done in one pass each way (core/layer/expansion.c), at these
 * widths? Not when outputs are kept. */
bool na_workspace_at_once(const na_workspace *workspace, int layer, const int *widths);

/* From now on passes in NA_MODE_TRAIN round the operands of dense convolutions to this precision, forward and
 * backward, and store outputs, and their gradients, so that lie between a pointwise and a depthwise convolution.
 * Sums, everything else that is stored, all other layers and all other passes stay float32 (the default). */
void na_workspace_precision(na_workspace *workspace, na_precision precision);

/* Was the layer's output stored in bf16 in the last pass? */
bool na_workspace_rounded(const na_workspace *workspace, int layer);

/* Where the time goes, for profiles: from now on every forward pass adds the seconds that layer i took
 * to seconds[i], every backward pass to seconds[layer_count + i]; where two layers are done at once, i the
 * second, to seconds[2 * layer_count + i] and seconds[3 * layer_count + i]. NULL: no longer (the default). */
void na_workspace_time(na_workspace *workspace, double *seconds);

/* Logits of the last forward pass, copied to out[count][classes]. */
void na_logits(const na_workspace *workspace, float *out);

/* BatchNorm re-estimation (paper appendix): begin, forward passes in NA_MODE_ESTIMATE over a subset of the
 * training set, end: running mean and variance become the batch-size-weighted averages of the
 * batches' means and (biased) variances, in the slices of `widths`. Norms that are still
 * (na_net_freeze) keep theirs in the base network. */
void na_recalibrate_begin(na_workspace *workspace);
void na_recalibrate_end(na_workspace *workspace, const int *widths);

/* After a loss that is not finite: index of the first layer, in forward order, whose output is not
 * finite, or -1. For messages. */
int na_workspace_culprit(const na_workspace *workspace);

/* A layer's output of the last forward pass as the next layer sees it (normalised, activated),
 * image n of the batch: out[channels][height][width]. For activation records and tests; only the
 * outputs that the plan keeps are available (all that are kept, in a training workspace before na_backward). */
int na_activation_read(const na_workspace *workspace, int layer, int image, float *out,
                       na_error *err);

#endif
