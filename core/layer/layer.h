/* What a layer computes, forward and backward, on tensors of the lanes layout.
 *
 * A layer is linear map + norm + activation, and its output is lazy: na_tensor.data holds the raw
 * output of the linear map, `scale` and `shift` what consumers apply while loading. A bias is a
 * shift. Backward mirrors it: na_tensor.grad collects the gradient of the value that consumers see;
 * the last consumer to add to it finishes it (times the activation's derivative, summed for
 * BatchNorm); the producer pulls it back through BatchNorm while loading.
 *
 * Layers know no networks: every size is the active one of the sub-network at hand; strides and the
 * distances between weight rows are those of the allocated, widest tensors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_LAYER_H
#define NA_LAYER_H

#include "core/base/team.h"
#include "core/kernel/kernels.h"

#include <stdint.h>

typedef struct na_tensor {
  float *data, *grad;          /* [channels][blocks * height * width] pixels; grad may be NULL */
  bool rounded;                /* both, stored as bf16 (core/kernel/views.h); by bf16 products only */
  size_t stride;               /* floats between channels */
  int channels, height, width; /* active */
  na_activation act;
  bool norm, bias;             /* lazily normalised; or lazily biased */
  bool still;                  /* running statistics stay, and normalise the base network */
  bool lazy;                   /* scale and shift are in use */
  float *scale, *shift;        /* [channels] */
  float *mean;                 /* [channels] of the batch, or the running means */
  float *invstd;               /* [channels] 1 / sqrt(var + eps) */
  double *sum, *sum_x;         /* [channels]: of the finished gradient g, of g * (data - mean) */
  double *kept;                /* [channels]: values that DROPBLOCK kept */
  float *a, *b, *c;            /* [channels]: the pullback's coefficients */
  /* Parameters of the norm or the bias, and their gradients: */
  const float *gamma, *beta, *bias_values;
  float *gamma_grad, *beta_grad, *bias_grad;
  float *running_mean, *running_var;
  double *estimate_mean, *estimate_var; /* sums for re-estimation, weighted by batch size */
} na_tensor;

/* What all layers of one pass share. */
typedef struct na_pass {
  na_team *team;
  const na_kernels *kernels;
  const na_products *products; /* of dense layers, in the precision that is wanted */
  int count, blocks;        /* images; blocks of 16 */
  _Alignas(64) float lanes[NA_LANES]; /* mask of the last block */
  bool masked;              /* the last block is partial */
  bool batch_statistics;    /* normalise by the batch, but for norms that are still */
  bool base;                /* this is the base network */
  bool update_running;      /* move running statistics by momentum */
  bool estimate;            /* add to the re-estimation sums */
  bool dropout;
  double drop_share;        /* of DROPBLOCK's rate: grows from 0 to 1 while a schedule says so */
  double eps, momentum;
  uint64_t seed;            /* of this step's dropout */
  float **scratch;          /* [team size][scratch_floats] */
  size_t scratch_floats;
  float *packed;            /* packed weights, or a materialised matrix: packed_floats */
  size_t packed_floats;
  float *partial;           /* partial weight gradients: partial_floats */
  size_t partial_floats;
  na_moments *moments;      /* partial statistics: [NA_CHUNKS][channels] */
  double *sums;             /* partial sums: [NA_CHUNKS][2 * channels] */
} na_pass;

/* Work on pixels is split into at most this many chunks, whatever the number of threads; partial
 * sums belong to chunks and are added in their order. */
enum { NA_CHUNKS = 16 };

typedef struct na_op {
  na_tensor *in, *in2;    /* in2: ADD's second input */
  const na_tensor *gate;  /* CONV: the squeeze layer's output that gates `in`, or NULL */
  na_tensor *out;
  int kernel, stride, pad;
  const float *weight, *weight2, *bias2; /* weight2, bias2: SQUEEZE's expand layer */
  float *weight_grad, *weight2_grad, *bias2_grad, *bias_grad;
  const float *bias;      /* SQUEEZE's reduce layer */
  size_t row, row2;       /* floats between output channels of weight and weight2 */
  int middle;             /* SQUEEZE: active middle channels */
  float *pooled, *squeezed, *logits; /* SQUEEZE: kept from forward, [channels][lanes] each */
  double *squares;        /* CONV that is an expansion (expansion.c): x x^T and x, summed; or NULL */
  double rate;            /* DROPOUT, DROPBLOCK */
  uint64_t index;         /* of the layer, for their draws */
  /* Backward: for each input, is the gradient wanted; does it come on top of another consumer's; is
   * this the last consumer, which finishes it? */
  bool wanted[2], accumulate[2], last[2];
} na_op;

typedef void na_layer_run(const na_pass *pass, const na_op *op);

typedef struct na_layer_ops {
  na_layer_run *forward, *backward;
} na_layer_ops;

extern const na_layer_ops na_pointwise_ops;  /* dense convolution of one tap, stride 1 */
extern const na_layer_ops na_window_ops;     /* the same with more than one tap, or a stride */
extern const na_layer_ops na_linear_ops;     /* the same on 1x1 inputs, and LINEAR */
extern const na_layer_ops na_depthwise_ops;
extern const na_layer_ops na_squeeze_ops;
extern const na_layer_ops na_add_ops;
extern const na_layer_ops na_maxpool_ops;
extern const na_layer_ops na_avgpool_ops;
extern const na_layer_ops na_globalpool_ops;
extern const na_layer_ops na_dropout_ops;
extern const na_layer_ops na_dropblock_ops;

/* Scratch that a layer needs at its widest: floats per worker, packed, partial. */
typedef struct na_needs {
  size_t scratch, packed, partial, channels;
} na_needs;
/* total becomes enough for both. */
void na_add_needs(na_needs *total, const na_needs *more);
void na_pointwise_needs(const na_products *products, int in, int out, na_needs *needs);
/* Of a convolution: taps are kernel x kernel, the first of them `pad` pixels before a pixel's place. */
typedef struct na_shape {
  int kernel, stride, pad;
  int in_height, in_width, out_height, out_width;
} na_shape;
enum { NA_WINDOW_KERNEL_MAX = 63 };
void na_window_needs(const na_kernels *kernels, const na_products *products, int in, int out, const na_shape *shape,
                     na_needs *needs);
void na_linear_needs(int in, int out, int blocks, na_needs *needs);

/* An expansion with BatchNorm and the depthwise convolution that alone reads it, in one pass each way
 * (expansion.c); neither the middle nor its gradient is written. It pays for enough pixels (blocks * height *
 * width) and channels; otherwise each layer does its own. Both passes must be done so, or neither. */
enum { NA_EXPANSION_INNER = 32 }; /* with more input channels it never does */
bool na_expansion_pays(long pixels, int in, int middle);
/* How many doubles `squares` of the expansion needs, where it may pay; 0: it never does. */
size_t na_expansion_squares(long pixels, int in);
void na_expansion_forward(const na_pass *pass, const na_op *expand, const na_op *depthwise);
void na_expansion_backward(const na_pass *pass, const na_op *expand, const na_op *depthwise);
void na_expansion_needs(const na_products *products, int in, int middle, const na_shape *shape, bool train,
                        na_needs *needs);

/* Channel c of a depthwise layer, for its kernels. */
na_depthwise na_depthwise_call(const na_pass *pass, const na_op *op, int c);
na_shape na_op_shape(const na_op *op);

/* ------------------------------------------------------- shared by the layers (norm.c, view.c) */

long na_tensor_pixels(const na_pass *pass, const na_tensor *tensor); /* blocks * height * width */
long na_tensor_bytes(const na_pass *pass, const na_tensor *tensor);
/* Is the tensor so large that it will have left the caches before the next layer reads it? */
bool na_tensor_streams(const na_pass *pass, const na_tensor *tensor);
na_view na_tensor_view(const na_tensor *tensor);
na_pullback na_tensor_pullback(const na_tensor *tensor);
/* The same from channel c on. */
na_view na_view_from(const na_view *view, int c);
na_pullback na_pullback_from(const na_pullback *pullback, int c);
na_mask na_pass_mask(const na_pass *pass, const na_tensor *tensor);

/* Value i, which is lane i % 16 of pixel i / 16, of a channel of the tensor that begins at `channel`. */
float na_tensor_value(const na_tensor *tensor, const float *channel, long i);

/* Consumers see the stored values themselves: there is nothing to finish. */
bool na_tensor_plain(const na_tensor *tensor);

/* How channel c of the tensor's gradient is finished. */
na_finish na_tensor_finish(const na_tensor *tensor, int c);

/* Finishes channel c's whole gradient and keeps its sums; for layers that work channel by channel. */
void na_finish_channel(const na_pass *pass, na_tensor *tensor, int c);

/* out[16] = means over the pixels of one block of channel c, as consumers see them. */
void na_mean_plane(const na_pass *pass, const na_tensor *tensor, int c, int block, float *out);

/* Runs task on every channel, split among the team. */
typedef void na_channel_task(const na_pass *pass, const na_op *op, int channel, int worker);
void na_each_channel(const na_pass *pass, const na_op *op, int channels, na_channel_task *task);

/* Does the batch at hand normalise the tensor? */
bool na_norm_by_batch(const na_pass *pass, const na_tensor *tensor);

/* Before a forward pass of its layer: scale and shift from the running statistics, or of a bias. */
void na_norm_prepare(const na_pass *pass, na_tensor *tensor);

/* With batch statistics: scale, shift and running statistics of channel c from its `chunks` partial
 * moments, moments[chunk * step], of counts[chunk] values each. */
void na_norm_settle(const na_pass *pass, na_tensor *tensor, int c, int chunks,
                    const na_moments *moments, size_t step, const double *counts);

/* Values (pixels times unmasked lanes) among pixels first .. first + count of the tensor's channels. */
double na_pass_values(const na_pass *pass, const na_tensor *tensor, long first, long count);

/* Before the backward pass of its layer: gradients of gamma and beta or of the bias are added, and
 * the pullback's coefficients computed (PyTorch native_batch_norm_backward). */
void na_norm_pull(const na_pass *pass, na_tensor *tensor);

#endif
