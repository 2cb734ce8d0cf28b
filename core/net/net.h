/* A network is data: layers in topological order, and elastic dimensions with candidates.
 *
 * The engine knows layers, not "MobileNet". Models are described in Lua (lua/netaug/models) or read
 * back from a checkpoint (core/net/text.h) through the building functions below.
 *
 * A dimension is a number of channels. A *fixed* dimension has one value; a *width* dimension has a
 * list of multipliers; an *expand* dimension is the middle of an inverted bottleneck, its value
 * depends on the value drawn for its source dimension; a *squeeze* dimension follows its source.
 * Weights are allocated at every dimension's largest value, and a sub-network uses the first
 * channels of every tensor. Base: every elastic dimension's first candidate. Widest: every last.
 *
 * Ownership: na_net owns everything it points to. Not thread-safe.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_NET_H
#define NA_NET_H

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/settings.h"
#include "core/kernel/activation.h"

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, name, help) */
#define NA_LAYER_KINDS(X)                                                                          \
  X(INPUT, "input", "the images")                                                                  \
  X(CONV, "conv", "dense convolution, any odd kernel and stride, padding kernel/2")                \
  X(DEPTHWISE, "depthwise", "one odd kernel per channel, stride 1 or 2, padding kernel/2")         \
  X(LINEAR, "linear", "fully connected, on 1x1 inputs")                                            \
  X(SQUEEZE, "squeeze", "squeeze-excite gate: pool, reduce, relu, expand, h-sigmoid")              \
  X(ADD, "add", "sum of two inputs of equal shape")                                                \
  X(MAXPOOL, "maxpool", "maximum over a window, padding kernel/2")                                 \
  X(AVGPOOL, "avgpool", "mean over a window, padding kernel/2 counted as zeros")                   \
  X(GLOBALPOOL, "globalpool", "mean over rows and columns")                                        \
  X(DROPOUT, "dropout", "zeroes values with probability `rate` in training")                       \
  X(DROPBLOCK, "dropblock", "zeroes squares of `kernel` x `kernel` values, a share of `rate`")

typedef enum na_layer_kind {
#define NA_KIND_ENUM(symbol, name, help) NA_##symbol,
  NA_LAYER_KINDS(NA_KIND_ENUM)
#undef NA_KIND_ENUM
  NA_KIND_COUNT
} na_layer_kind;

const char *na_activation_name(na_activation act);
const char *na_kind_name(na_layer_kind kind);
/* -1 when there is no such name. */
int na_activation_find(const char *name);
int na_kind_find(const char *name);

typedef enum na_dim_kind { NA_DIM_FIXED, NA_DIM_WIDTH, NA_DIM_EXPAND, NA_DIM_SQUEEZE } na_dim_kind;

typedef struct na_dim {
  char *name;      /* "stem.conv", "block3.mid": as the fixtures and the screen name it */
  na_dim_kind kind;
  int base, max;   /* smallest value, and the largest its tensors have room for */
  int source;      /* EXPAND, SQUEEZE: the dimension it depends on; else -1 */
  na_list list;    /* WIDTH: multipliers; EXPAND: expand factors, relative to the base ratio */
  bool sorted;     /* EXPAND: channel sort reorders it */
} na_dim;

typedef struct na_layer {
  na_layer_kind kind;
  char *name;      /* prefix of its parameters' names */
  int input[2];    /* layer indices, -1 where unused; ADD has two */
  int gate;        /* CONV: a SQUEEZE layer that scales its input's channels, or -1 */
  int in, out;     /* dimension indices */
  int squeeze;     /* SQUEEZE: dimension of its middle, else -1 */
  int kernel, stride, pad;
  bool norm, biased; /* has BatchNorm, has a bias (never both) */
  bool still;      /* its norm's statistics stay: see na_net_freeze */
  na_activation act;
  double rate;     /* DROPOUT, DROPBLOCK */
  int height, width; /* of its output */
  /* Parameter indices, -1 where the layer has none. SQUEEZE: weight/bias are the reduce layer's,
   * weight2/bias2 the expand layer's. gamma and beta are norm.weight and norm.bias. */
  int weight, bias, gamma, beta, weight2, bias2;
  int mean, var;   /* buffer indices (running statistics), -1 without norm */
} na_layer;

/* A named tensor inside one of the net's blocks. */
typedef struct na_param {
  char *name;      /* PyTorch state_dict style: "head.op_list.3.linear.weight" */
  int rank;
  int shape[4];    /* (O, I, kh, kw), (O, I) or (C), at the widest */
  size_t offset;   /* of its first value in the block, in floats; a multiple of 16 */
  size_t count;    /* values */
  int out, in;     /* dimensions of its first and second axis; -1: that axis is not elastic */
  bool frozen;     /* na_net_freeze: the optimizer leaves it, and its momentum, as they are */
  bool decays;     /* weight decay applies: it is a weight, not a bias nor a norm's gamma or beta */
} na_param;

typedef struct na_net {
  char *name;
  int channels, height, width, classes;
  double bn_eps, bn_momentum;
  int layer_count, dim_count, param_count, buffer_count;
  na_layer *layers;
  na_dim *dims;
  na_param *params, *buffers;
  size_t values, stats;              /* floats in the blocks below */
  float *weights, *grads, *momentum; /* [values]; allocated by na_net_finish */
  float *running;                    /* [stats]: running means and variances */
  size_t layer_capacity, dim_capacity, param_capacity, buffer_capacity;
} na_net;

/* ------------------------------------------------------------------------------ building */

int na_net_new(na_net **net, const char *name, int channels, int height, int width, int classes,
               na_error *err);
void na_net_free(na_net *net);

/* Each returns the new dimension's index, or an error that names it.
 * WIDTH candidates: round_half_up(base * m). EXPAND candidates, for factor e and active source
 * width w: round_half_up(base / source.base * e * w). SQUEEZE: with source max M and base m and its
 * own base s: max S = max(rint(M / (m / s)), 16); active round_half_up(max(w / (M / S), 16)).
 * An empty list means { 1 }; the first candidate must be 1. */
int na_net_fixed(na_net *net, const char *name, int value, na_error *err);
int na_net_width(na_net *net, const char *name, int base, const na_list *multipliers, na_error *err);
int na_net_expand(na_net *net, const char *name, int base, int source, const na_list *factors,
                  na_error *err);
int na_net_squeeze(na_net *net, const char *name, int base, int source, na_error *err);

typedef struct na_layer_spec {
  na_layer_kind kind;
  const char *name;
  int input[2]; /* layer indices; -1 where unused */
  int gate;     /* -1 for none */
  int out;      /* dimension; -1: same as the input's */
  int squeeze;  /* dimension, SQUEEZE only */
  int kernel, stride;
  bool norm, bias;
  na_activation act;
  double rate;
} na_layer_spec;

/* A spec with nothing set: no inputs, kernel 1, stride 1, identity. */
na_layer_spec na_layer_spec_init(na_layer_kind kind, const char *name);

/* Adds a layer and proves its shapes. Returns its index, or an error that names the layer, what it
 * expected and what it got. The input is layer 0, made by na_net_new. */
int na_net_add(na_net *net, const na_layer_spec *spec, na_error *err);

/* Checks the whole (the last layer must give classes x 1 x 1 without norm or activation) and
 * allocates the parameters, zeroed; running variances 1, gammas 1. */
int na_net_finish(na_net *net, na_error *err);

/* ------------------------------------------------------------------- choices and widths */

/* A sub-network is an array of choices (candidate index per dimension, 0 where nothing can be
 * chosen), which gives an array of widths (channels per dimension). Both are [dim_count]. */

/* X(symbol, name, help) */
#define NA_SAMPLINGS(X)                                                                            \
  X(RANDOM, "random", "all elastic dimensions drawn")                                              \
  X(MIN_W, "min_w", "widths held at base, expands drawn")                                          \
  X(MIN_E, "min_e", "expands held at base, widths drawn")                                          \
  X(BASE, "base", "the tiny network")                                                              \
  X(WIDEST, "widest", "every last candidate")

typedef enum na_sampling {
#define NA_SAMPLING_ENUM(symbol, name, help) NA_SAMPLE_##symbol,
  NA_SAMPLINGS(NA_SAMPLING_ENUM)
#undef NA_SAMPLING_ENUM
  NA_SAMPLE_COUNT
} na_sampling;

const char *na_sampling_name(na_sampling sampling);
int na_sampling_find(const char *name);

/* Draws one candidate for every elastic dimension, in the order of the dimensions. Every width and
 * expand dimension takes one number, with one candidate, too. */
void na_net_sample(const na_net *net, na_sampling sampling, na_random *random, int *choices);

/* choices -> widths. Choices are trusted to be in range (see na_net_check_choices). */
void na_net_widths(const na_net *net, const int *choices, int *widths);
void na_net_base(const na_net *net, int *widths);
void na_net_widest(const na_net *net, int *widths);
int na_net_check_choices(const na_net *net, const int *choices, na_error *err);

/* Every width at least 1, at most the dimension's max, and fixed dimensions at their value. */
int na_net_check_widths(const na_net *net, const int *widths, na_error *err);

/* The paper's way to write a list (section 3.2): factor r >= 1 and diversity s >= 0 give s + 1
 * multipliers evenly spaced from 1 to r; s = 0 or r = 1 gives {1, r} or {1}. */
int na_list_spaced(double r, int s, na_list *list, na_error *err);

/* Replaces the candidates of every WIDTH or EXPAND dimension. Refused once parameters exist for
 * fewer channels than the new list needs. */
int na_net_set_lists(na_net *net, const na_list *width, const na_list *expand, na_error *err);

/* Would na_net_set_lists accept them? */
int na_net_check_lists(const na_net *net, const na_list *width, const na_list *expand,
                       na_error *err);

/* True when any dimension has more than one candidate. */
bool na_net_elastic(const na_net *net);

/* ----------------------------------------------------------------- parameters and cost */

const na_param *na_net_param(const na_net *net, const char *name); /* NULL: none */
const na_param *na_net_buffer(const na_net *net, const char *name);

/* X(symbol, name, help) */
#define NA_INITS(X)                                                                                \
  X(AUTO, "auto", "kaiming_uniform for a network with elastic dimensions, else normal")            \
  X(KAIMING_UNIFORM, "kaiming_uniform", "uniform, bound 1/sqrt(fan_in)")                           \
  X(NORMAL, "normal", "normal, standard deviation sqrt(2/fan_out)")                                \
  X(BASE_UNIFORM, "base_uniform", "kaiming_uniform with the base's fan_in")                        \
  X(BASE_NORMAL, "base_normal", "normal with the base's fan_out")

typedef enum na_init {
#define NA_INIT_ENUM(symbol, name, help) NA_INIT_##symbol,
  NA_INITS(NA_INIT_ENUM)
#undef NA_INIT_ENUM
} na_init;

/* Fills the weights: convolutions by `init`, biases of convolutions uniform 1/sqrt(fan_in) (0 with
 * NORMAL), linear truncated normal std 0.02 and bias 0, gamma 1, beta 0; statistics 0 and 1,
 * momentum 0. Source: spec of the paper's appendix, PyTorch kaiming_uniform_(a = sqrt(5)).
 *
 * The fans are those of the widest tensor, as in the paper's code. What a weight draws depends on the
 * seed, its tensor's name and its place (o, i, row, column) alone, so supernets of different width
 * begin with the same base but for that factor; with BASE_UNIFORM and BASE_NORMAL, whose fans are
 * the base's, with the same base to the bit. */
void na_net_initialize(na_net *net, na_init init, uint64_t seed);

/* What one layer costs at given widths, for one image. */
typedef struct na_cost {
  long long parameters;      /* with norm's gamma and beta */
  long long norm_parameters; /* the gammas and betas alone */
  long long macs;            /* multiply-adds of convolutions and linear layers */
  long long activation;      /* bytes of its output, float32 */
} na_cost;
void na_layer_cost(const na_net *net, int layer, const int *widths, na_cost *cost);
void na_net_cost(const na_net *net, const int *widths, na_cost *total);

/* Bytes of the largest sum of activations alive at once when running one image forward, float32. */
long long na_net_peak_activation(const na_net *net, const int *widths);

/* ---------------------------------------------------------------------- surgery */

/* Channel sort (paper appendix; elastic expand dimensions with `sorted`): reorders every middle by
 * the L1 norm over outputs of the projection weights, largest first, then each squeeze middle by
 * the L1 norm of the squeeze-excite expand weights. The network's function at the widest is
 * unchanged. `with_momentum` moves the optimizer's momentum along. Middles of frozen parameters stay. */
int na_net_sort_channels(na_net *net, bool with_momentum, na_error *err);

/* A stand-alone network with fixed dimensions: the sub-network at `widths`, its weights and running
 * statistics copied, DropBlock layers left out. Its outputs equal the supernet's at those widths. */
int na_net_extract(const na_net *net, const int *widths, na_net **out, na_error *err);

/* Begins `to` with the weights and running statistics of `from`: every tensor of the same name and
 * rank whose axes have the same size, or the same size at the base, so that a tiny network goes into
 * its supernet, a supernet into its tiny network, and one supernet into another; the first channels,
 * as many as both have, are copied. `classifier` false leaves the last layer's out. *copied gets the
 * number of parameter tensors copied, missed the names in `to` that were not, a line each. Refuses a
 * network most of whose tensors do not fit, and then changes nothing. */
int na_net_transfer(na_net *to, const na_net *from, bool classifier, int *copied, na_buffer *missed,
                    na_error *err);

/* Freezes the parameters that match one of the patterns, separated by commas, and no others. A pattern
 * is a name, the beginning of names up to a dot ("backbone", "backbone.stages.0"), or has wildcards
 * (POSIX fnmatch: "*.norm.*"). With `statistics`, norms whose gamma and beta are frozen are still: in
 * the base network they normalise by their running statistics, which stay as they are, as PyTorch's
 * layers in evaluation mode; wider sub-networks, for which there are none, normalise by the batch.
 * Refuses patterns that match nothing, and freezing everything. */
int na_net_freeze(na_net *net, const char *patterns, bool statistics, na_error *err);

/* Whether any norm is still. */
bool na_net_still(const na_net *net);

/* The first layer whose gradient is needed: all before it are frozen. */
int na_net_first_trained(const na_net *net);

/* ---------------------------------------------------------------------- as text */

/* The network's structure as text, one dimension or layer a line, and back. Reading checks
 * everything: the text may come from a hostile file. The parameters are those of na_net_finish. */
void na_net_write(const na_net *net, na_buffer *out);
int na_net_read(const char *text, na_net **net, na_error *err);

#endif
