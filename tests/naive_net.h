/* A whole network run by the naive oracle: forward, loss and backward in double, layer by layer, on
 * dense copies of the sub-network's slices. It shares nothing with the workspace but na_net.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NAIVE_NET_H
#define NAIVE_NET_H

#include "core/net/net.h"

/* A layer's output, n images: dense [n][channels][area], `channels` the active ones. */
typedef struct naive_value {
  int channels, area;
  double *raw;        /* of the linear map */
  double *lazy;       /* normalised or biased */
  double *out, *grad; /* as consumers see it, and the loss's gradient by that */
  double *mean, *var; /* [channels] used by its norm */
  double *gated;      /* CONV with a gate: its input times the gate */
  double *pooled, *middle, *logits; /* SQUEEZE */
  double *mask;       /* DROPOUT, DROPBLOCK: what each value was multiplied with */
} naive_value;

typedef struct naive_net {
  const na_net *net;
  int count;               /* images */
  int *widths;
  double *weights, *grads; /* [net->values], laid out as the net's blocks; start as its weights and 0 */
  double *running;         /* [net->stats] */
  naive_value *values;     /* [layer_count] */
  double *images;          /* [n][channels][h][w] */
  int32_t *labels;
  double *targets;         /* [n][classes] or NULL */
  double smoothing;
  bool batch_statistics, dropout;
  uint64_t step;
} naive_net;

/* For `count` images at `widths`. images and labels are drawn from `seed`; label = a draw below
 * classes. A test that runs out of memory exits. */
naive_net *naive_net_new(const na_net *net, const int *widths, int count, uint64_t seed);
void naive_net_free(naive_net *run);

/* Reads the net's parameters and running statistics again. */
void naive_net_reload(naive_net *run);

/* The mean loss. With move_running also moves the running statistics as training does. */
double naive_net_forward(naive_net *run, bool move_running);

/* Adds to run->grads the gradient of weight * mean loss of the last forward pass. */
void naive_net_backward(naive_net *run, double weight);

/* How far the last forward pass stayed from every kink of an activation, and from every change of a
 * maximum: small where rounding might choose another branch. */
double naive_net_margin(const naive_net *run);

/* The images in the engine's layout: [channel][blocks][h][w][16], masked lanes zero; na_free. */
float *naive_net_lanes(const naive_net *run);

#endif
