/* Building a network: layers, the proof of their shapes, parameters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/build.h"

#include <stdio.h>
#include <string.h>

/* What a layer of each kind may have. */
typedef struct traits {
  int inputs;
  int stride_max;
  bool window;  /* a kernel, and padding of half of it */
  bool new_dim; /* an output dimension of its own; else it keeps its input's */
  bool norm, bias, act, rate;
} traits;

static const traits kind_traits[NA_KIND_COUNT] = {
    [NA_INPUT] = {.inputs = 0, .stride_max = 1},
    [NA_CONV] = {.inputs = 1,
                 .stride_max = NA_STRIDE_MAX,
                 .window = true,
                 .new_dim = true,
                 .norm = true,
                 .bias = true,
                 .act = true},
    [NA_DEPTHWISE] =
        {.inputs = 1, .stride_max = 2, .window = true, .norm = true, .bias = true, .act = true},
    [NA_LINEAR] = {.inputs = 1, .stride_max = 1, .new_dim = true, .bias = true, .act = true},
    [NA_SQUEEZE] = {.inputs = 1, .stride_max = 1, .bias = true},
    [NA_ADD] = {.inputs = 2, .stride_max = 1, .act = true},
    [NA_MAXPOOL] = {.inputs = 1, .stride_max = NA_STRIDE_MAX, .window = true},
    [NA_AVGPOOL] = {.inputs = 1, .stride_max = NA_STRIDE_MAX, .window = true},
    [NA_GLOBALPOOL] = {.inputs = 1, .stride_max = 1},
    [NA_DROPOUT] = {.inputs = 1, .stride_max = 1, .rate = true},
    [NA_DROPBLOCK] = {.inputs = 1, .stride_max = 1, .window = true, .rate = true},
};

static const na_layer blank_layer = {.input = {-1, -1},
                                     .gate = -1,
                                     .in = -1,
                                     .out = -1,
                                     .squeeze = -1,
                                     .kernel = 1,
                                     .stride = 1,
                                     .weight = -1,
                                     .bias = -1,
                                     .gamma = -1,
                                     .beta = -1,
                                     .weight2 = -1,
                                     .bias2 = -1,
                                     .mean = -1,
                                     .var = -1};

/* -------------------------------------------------------------------- making and freeing */

static int check_images(const char *name, int channels, int height, int width, int classes,
                        na_error *err)
{
  if (channels < 1 || channels > NA_CHANNELS_MAX)
    return na_fail(err, NA_EINVAL, "network %s: images of %d channels are impossible: 1 to %d",
                   name, channels, NA_CHANNELS_MAX);
  if (height < 1 || height > NA_SIDE_MAX || width < 1 || width > NA_SIDE_MAX)
    return na_fail(err, NA_EINVAL, "network %s: images of %dx%d are impossible: sides are 1 to %d",
                   name, height, width, NA_SIDE_MAX);
  if (classes < 1 || classes > NA_CHANNELS_MAX)
    return na_fail(err, NA_EINVAL, "network %s: %d classes are impossible: 1 to %d", name, classes,
                   NA_CHANNELS_MAX);
  return NA_OK;
}

/* Appends layer under a copy of `name`; returns its index. */
static int push_layer(na_net *net, const na_layer *layer, const char *name, na_error *err)
{
  void *items = net->layers;
  char *copy = na_strdup(name);
  if (copy == NULL ||
      na_grow(&items, (size_t)net->layer_count, &net->layer_capacity, sizeof *layer) != NA_OK) {
    na_free(copy);
    return na_fail_memory(err, sizeof *layer, "a layer");
  }
  net->layers = items;
  net->layers[net->layer_count] = *layer;
  net->layers[net->layer_count].name = copy;
  return net->layer_count++;
}

static int push_input(na_net *net, na_error *err)
{
  int dim = na_net_fixed(net, "input", net->channels, err);
  if (dim < 0) return dim;
  na_layer input = blank_layer;
  input.kind = NA_INPUT;
  input.in = input.out = dim;
  input.height = net->height;
  input.width = net->width;
  return push_layer(net, &input, "input", err);
}

int na_net_new(na_net **out, const char *name, int channels, int height, int width, int classes,
               na_error *err)
{
  *out = NULL;
  int code = na_name_check("network", name, err);
  if (code == NA_OK) code = check_images(name, channels, height, width, classes, err);
  if (code != NA_OK) return code;
  na_net *net = na_alloc(sizeof *net);
  if (net == NULL) return na_fail_memory(err, sizeof *net, "a network");
  net->name = na_strdup(name);
  net->channels = channels;
  net->height = height;
  net->width = width;
  net->classes = classes;
  net->bn_eps = 1e-5;
  net->bn_momentum = 0.1;
  code = net->name == NULL ? na_fail_memory(err, strlen(name), "a name") : push_input(net, err);
  if (code < 0) {
    na_net_free(net);
    return code;
  }
  *out = net;
  return NA_OK;
}

static void free_params(na_param *params, int count)
{
  for (int i = 0; i < count; i++) na_free(params[i].name);
  na_free(params);
}

void na_net_free(na_net *net)
{
  if (net == NULL) return;
  for (int i = 0; i < net->layer_count; i++) na_free(net->layers[i].name);
  for (int d = 0; d < net->dim_count; d++) na_free(net->dims[d].name);
  na_free(net->layers);
  na_free(net->dims);
  free_params(net->params, net->param_count);
  free_params(net->buffers, net->buffer_count);
  na_block_free(net->weights, net->values * sizeof(float));
  na_block_free(net->grads, net->values * sizeof(float));
  na_block_free(net->momentum, net->values * sizeof(float));
  na_block_free(net->running, net->stats * sizeof(float));
  na_free(net->name);
  na_free(net);
}

int na_net_check_open(const na_net *net, na_error *err)
{
  if (net->weights == NULL) return NA_OK;
  return na_fail(err, NA_EINVAL, "network %s is finished: nothing can be added to it", net->name);
}

/* ------------------------------------------------------------------------ proof of a layer */

na_layer_spec na_layer_spec_init(na_layer_kind kind, const char *name)
{
  return (na_layer_spec){.kind = kind,
                         .name = name,
                         .input = {-1, -1},
                         .gate = -1,
                         .out = -1,
                         .squeeze = -1,
                         .kernel = 1,
                         .stride = 1,
                         .act = NA_ACT_IDENTITY};
}

static int prove_name(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  int code = na_name_check("layer", spec->name, err);
  if (code != NA_OK) return code;
  if ((int)spec->kind <= NA_INPUT || spec->kind >= NA_KIND_COUNT)
    return na_fail(err, NA_EINVAL, "layer %s: there is no layer kind %d to add", spec->name,
                   (int)spec->kind);
  if (net->layer_count >= NA_LAYERS_MAX)
    return na_fail(err, NA_EINVAL, "layer %s: a network has at most %d layers", spec->name,
                   NA_LAYERS_MAX);
  for (int i = 0; i < net->layer_count; i++)
    if (strcmp(net->layers[i].name, spec->name) == 0)
      return na_fail(err, NA_EINVAL, "layer %s exists already", spec->name);
  return NA_OK;
}

static int prove_input(const na_net *net, const na_layer_spec *spec, int which, na_error *err)
{
  int input = spec->input[which];
  if (which >= kind_traits[spec->kind].inputs) {
    if (input == -1) return NA_OK;
    return na_fail(err, NA_EINVAL, "layer %s: a %s layer has %d input, got a second", spec->name,
                   na_kind_name(spec->kind), kind_traits[spec->kind].inputs);
  }
  if (input < 0 || input >= net->layer_count)
    return na_fail(err, NA_EINVAL,
                   "layer %s: expected an earlier layer (0 to %d) as input %d, got %d", spec->name,
                   net->layer_count - 1, which + 1, input);
  if (net->layers[input].kind == NA_SQUEEZE)
    return na_fail(err, NA_EINVAL,
                   "layer %s: the squeeze layer %s can only be a gate, not an input", spec->name,
                   net->layers[input].name);
  return NA_OK;
}

static int prove_gate(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  if (spec->gate == -1) return NA_OK;
  if (spec->kind != NA_CONV)
    return na_fail(err, NA_EINVAL, "layer %s: only a conv layer has a gate, not a %s layer",
                   spec->name, na_kind_name(spec->kind));
  if (spec->gate < 0 || spec->gate >= net->layer_count ||
      net->layers[spec->gate].kind != NA_SQUEEZE)
    return na_fail(err, NA_EINVAL, "layer %s: gate %d is not a squeeze layer", spec->name,
                   spec->gate);
  const na_layer *gate = &net->layers[spec->gate];
  if (gate->input[0] == spec->input[0]) return NA_OK;
  return na_fail(err, NA_ESHAPE,
                 "layer %s: expected its gate %s on its own input %s, got one on %s", spec->name,
                 gate->name, net->layers[spec->input[0]].name, net->layers[gate->input[0]].name);
}

static int prove_window(const na_layer_spec *spec, na_error *err)
{
  const traits *may = &kind_traits[spec->kind];
  int kernel_max = may->window ? NA_KERNEL_MAX : 1;
  if (spec->kernel < 1 || spec->kernel > kernel_max || spec->kernel % 2 == 0)
    return na_fail(err, NA_EINVAL, "layer %s: expected an odd kernel from 1 to %d, got %d",
                   spec->name, kernel_max, spec->kernel);
  if (spec->stride < 1 || spec->stride > may->stride_max)
    return na_fail(err, NA_EINVAL, "layer %s: expected a stride from 1 to %d in a %s layer, got %d",
                   spec->name, may->stride_max, na_kind_name(spec->kind), spec->stride);
  return NA_OK;
}

static int refuse_extra(const na_layer_spec *spec, const char *what, na_error *err)
{
  return na_fail(err, NA_EINVAL, "layer %s: a %s layer has no %s", spec->name,
                 na_kind_name(spec->kind), what);
}

static int prove_extras(const na_layer_spec *spec, na_error *err)
{
  const traits *may = &kind_traits[spec->kind];
  if ((int)spec->act < 0 || spec->act >= NA_ACT_COUNT)
    return na_fail(err, NA_EINVAL, "layer %s: there is no activation %d", spec->name,
                   (int)spec->act);
  if (spec->norm && !may->norm) return refuse_extra(spec, "norm", err);
  if (spec->bias && !may->bias) return refuse_extra(spec, "bias", err);
  if (spec->act != NA_ACT_IDENTITY && !may->act) return refuse_extra(spec, "activation", err);
  if (spec->rate != 0.0 && !may->rate) return refuse_extra(spec, "rate", err);
  if (spec->norm && spec->bias)
    return na_fail(err, NA_EINVAL,
                   "layer %s: expected norm or bias, got both: the norm's shift "
                   "makes a bias useless",
                   spec->name);
  if (!(spec->rate >= 0.0 && spec->rate < 1.0))
    return na_fail(err, NA_EINVAL, "layer %s: expected a rate from 0 to below 1, got %g",
                   spec->name, spec->rate);
  return NA_OK;
}

static bool is_dim(const na_net *net, int dim)
{
  return dim >= 0 && dim < net->dim_count;
}

static int prove_out(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  int in = net->layers[spec->input[0]].out;
  if (kind_traits[spec->kind].new_dim) {
    if (is_dim(net, spec->out)) return NA_OK;
    return na_fail(err, NA_EINVAL, "layer %s: expected a dimension (0 to %d) as output, got %d",
                   spec->name, net->dim_count - 1, spec->out);
  }
  if (spec->out == -1 || spec->out == in) return NA_OK;
  return na_fail(err, NA_ESHAPE, "layer %s: a %s layer keeps its input's dimension %s, got %s",
                 spec->name, na_kind_name(spec->kind), net->dims[in].name,
                 is_dim(net, spec->out) ? net->dims[spec->out].name : "none");
}

static int prove_squeeze(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  if (spec->kind != NA_SQUEEZE)
    return spec->squeeze == -1 ? NA_OK : refuse_extra(spec, "squeeze dimension", err);
  if (!is_dim(net, spec->squeeze))
    return na_fail(err, NA_EINVAL, "layer %s: expected a dimension (0 to %d) as its middle, got %d",
                   spec->name, net->dim_count - 1, spec->squeeze);
  const na_dim *middle = &net->dims[spec->squeeze];
  int in = net->layers[spec->input[0]].out;
  if (middle->kind == NA_DIM_FIXED || (middle->kind == NA_DIM_SQUEEZE && middle->source == in))
    return NA_OK;
  return na_fail(err, NA_ESHAPE,
                 "layer %s: expected a middle that follows its input's dimension %s, "
                 "got %s",
                 spec->name, net->dims[in].name, middle->name);
}

/* The sizes its inputs must have. */
static int prove_sizes(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  const na_layer *a = &net->layers[spec->input[0]];
  if (spec->kind == NA_LINEAR && (a->height != 1 || a->width != 1)) {
    na_fail(err, NA_ESHAPE, "layer %s: expected a 1x1 input, got %dx%d from %s", spec->name,
            a->height, a->width, a->name);
    return na_hint(err, "put a globalpool layer before it");
  }
  if (spec->kind != NA_ADD) return NA_OK;
  const na_layer *b = &net->layers[spec->input[1]];
  if (a->out != b->out)
    return na_fail(err, NA_ESHAPE,
                   "layer %s: expected two inputs of one dimension, got %s (%d) from "
                   "%s and %s (%d) from %s",
                   spec->name, net->dims[a->out].name, net->dims[a->out].base, a->name,
                   net->dims[b->out].name, net->dims[b->out].base, b->name);
  if (a->height != b->height || a->width != b->width)
    return na_fail(err, NA_ESHAPE,
                   "layer %s: expected two inputs of one size, got %dx%d from %s and "
                   "%dx%d from %s",
                   spec->name, a->height, a->width, a->name, b->height, b->width, b->name);
  return NA_OK;
}

static int prove(const na_net *net, const na_layer_spec *spec, na_error *err)
{
  int code = na_net_check_open(net, err);
  if (code == NA_OK) code = prove_name(net, spec, err);
  if (code == NA_OK) code = prove_input(net, spec, 0, err);
  if (code == NA_OK) code = prove_input(net, spec, 1, err);
  if (code == NA_OK) code = prove_gate(net, spec, err);
  if (code == NA_OK) code = prove_window(spec, err);
  if (code == NA_OK) code = prove_extras(spec, err);
  if (code == NA_OK) code = prove_out(net, spec, err);
  if (code == NA_OK) code = prove_squeeze(net, spec, err);
  if (code == NA_OK) code = prove_sizes(net, spec, err);
  return code;
}

/* Rows (or columns) of a layer's output for `size` rows of its input. */
static int output_size(const na_layer_spec *spec, int size)
{
  if (spec->kind == NA_SQUEEZE || spec->kind == NA_GLOBALPOOL) return 1;
  return (size + 2 * (spec->kernel / 2) - spec->kernel) / spec->stride + 1;
}

int na_net_add(na_net *net, const na_layer_spec *spec, na_error *err)
{
  int code = prove(net, spec, err);
  if (code != NA_OK) return code;
  const na_layer *input = &net->layers[spec->input[0]];
  na_layer layer = blank_layer;
  layer.kind = spec->kind;
  memcpy(layer.input, spec->input, sizeof layer.input);
  layer.gate = spec->gate;
  layer.in = input->out;
  layer.out = kind_traits[spec->kind].new_dim ? spec->out : input->out;
  layer.squeeze = spec->squeeze;
  layer.kernel = spec->kernel;
  layer.stride = spec->stride;
  layer.pad = spec->kernel / 2;
  layer.norm = spec->norm;
  layer.biased = spec->bias || spec->kind == NA_SQUEEZE;
  layer.act = spec->act;
  layer.rate = spec->rate;
  layer.height = output_size(spec, input->height);
  layer.width = output_size(spec, input->width);
  return push_layer(net, &layer, spec->name, err);
}

/* ---------------------------------------------------------------------------- parameters */

/* Appends a tensor called layer.suffix to the parameters or to the buffers; returns its index. */
static int add_tensor(na_net *net, bool buffer, const na_param *proto, const char *layer,
                      const char *suffix, na_error *err)
{
  na_param **list = buffer ? &net->buffers : &net->params;
  int *count = buffer ? &net->buffer_count : &net->param_count;
  size_t *capacity = buffer ? &net->buffer_capacity : &net->param_capacity;
  size_t *total = buffer ? &net->stats : &net->values;

  na_param param = *proto;
  param.count = 1;
  for (int i = 0; i < param.rank; i++) param.count *= (size_t)param.shape[i];
  if (param.count > NA_VALUES_MAX || *total > NA_VALUES_MAX - param.count)
    return na_fail(err, NA_EINVAL, "layer %s: the network would have more than %zu parameters",
                   layer, NA_VALUES_MAX);
  param.offset = *total;
  char name[2 * NA_NAME_SIZE];
  snprintf(name, sizeof name, "%s.%s", layer, suffix);
  param.name = na_strdup(name);
  void *items = *list;
  if (param.name == NULL || na_grow(&items, (size_t)*count, capacity, sizeof param) != NA_OK) {
    na_free(param.name);
    return na_fail_memory(err, sizeof param, "a parameter");
  }
  *list = items;
  (*list)[*count] = param;
  *total += (param.count + 15) / 16 * 16;
  return (*count)++;
}

/* A weight of out x in channels with kernel x kernel taps (rank 4), or a matrix (rank 2). in -1:
 * one input channel per output. */
static int add_weight(na_net *net, const na_layer *layer, const char *suffix, int rank, int out,
                      int in, int kernel, na_error *err)
{
  na_param proto = {.rank = rank, .out = out, .in = in, .decays = true};
  proto.shape[0] = net->dims[out].max;
  proto.shape[1] = in < 0 ? 1 : net->dims[in].max;
  proto.shape[2] = proto.shape[3] = kernel;
  return add_tensor(net, false, &proto, layer->name, suffix, err);
}

static int add_vector(na_net *net, bool buffer, const na_layer *layer, const char *suffix, int dim,
                      na_error *err)
{
  na_param proto = {.rank = 1, .out = dim, .in = -1, .shape = {net->dims[dim].max}};
  return add_tensor(net, buffer, &proto, layer->name, suffix, err);
}

static int add_norm(na_net *net, na_layer *layer, na_error *err)
{
  if ((layer->gamma = add_vector(net, false, layer, "norm.weight", layer->out, err)) < 0)
    return layer->gamma;
  if ((layer->beta = add_vector(net, false, layer, "norm.bias", layer->out, err)) < 0)
    return layer->beta;
  if ((layer->mean = add_vector(net, true, layer, "norm.running_mean", layer->out, err)) < 0)
    return layer->mean;
  return layer->var = add_vector(net, true, layer, "norm.running_var", layer->out, err);
}

static int add_squeeze(na_net *net, na_layer *layer, na_error *err)
{
  int middle = layer->squeeze, out = layer->out;
  layer->weight = add_weight(net, layer, "reduce_conv.weight", 4, middle, layer->in, 1, err);
  if (layer->weight < 0) return layer->weight;
  layer->bias = add_vector(net, false, layer, "reduce_conv.bias", middle, err);
  if (layer->bias < 0) return layer->bias;
  layer->weight2 = add_weight(net, layer, "expand_conv.weight", 4, out, middle, 1, err);
  if (layer->weight2 < 0) return layer->weight2;
  return layer->bias2 = add_vector(net, false, layer, "expand_conv.bias", out, err);
}

/* The parameters of a layer, in PyTorch's order. Returns a negative code on failure. */
static int add_params(na_net *net, na_layer *layer, na_error *err)
{
  bool linear = layer->kind == NA_LINEAR;
  if (layer->kind == NA_SQUEEZE) return add_squeeze(net, layer, err);
  if (layer->kind != NA_CONV && layer->kind != NA_DEPTHWISE && !linear) return NA_OK;
  layer->weight =
      add_weight(net, layer, linear ? "linear.weight" : "conv.weight", linear ? 2 : 4, layer->out,
                 layer->kind == NA_DEPTHWISE ? -1 : layer->in, layer->kernel, err);
  if (layer->weight < 0) return layer->weight;
  if (layer->biased) {
    layer->bias =
        add_vector(net, false, layer, linear ? "linear.bias" : "conv.bias", layer->out, err);
    if (layer->bias < 0) return layer->bias;
  }
  return layer->norm ? add_norm(net, layer, err) : NA_OK;
}

/* -------------------------------------------------------------------------------- finishing */

static bool consumed(const na_net *net, int layer)
{
  for (int i = layer + 1; i < net->layer_count; i++) {
    const na_layer *user = &net->layers[i];
    if (user->input[0] == layer || user->input[1] == layer || user->gate == layer) return true;
  }
  return false;
}

static int prove_last(const na_net *net, na_error *err)
{
  const na_layer *last = &net->layers[net->layer_count - 1];
  const na_dim *out = &net->dims[last->out];
  if (last->kind == NA_INPUT) return na_fail(err, NA_EINVAL, "network %s has no layers", net->name);
  if (out->kind != NA_DIM_FIXED || out->base != net->classes || last->height != 1 ||
      last->width != 1)
    return na_fail(err, NA_ESHAPE,
                   "layer %s is the last: expected %d x 1 x 1 (the classes, a fixed "
                   "dimension), got %d x %d x %d of dimension %s",
                   last->name, net->classes, out->base, last->height, last->width, out->name);
  if (last->norm || last->act != NA_ACT_IDENTITY || last->kind == NA_SQUEEZE)
    return na_fail(err, NA_EINVAL,
                   "layer %s is the last: it must give logits, without norm, "
                   "activation or squeeze",
                   last->name);
  return NA_OK;
}

static int prove_whole(const na_net *net, na_error *err)
{
  int code = na_net_check_open(net, err);
  if (code == NA_OK) code = prove_last(net, err);
  if (code != NA_OK) return code;
  for (int i = 0; i < net->layer_count - 1; i++)
    if (!consumed(net, i))
      return na_fail(err, NA_EINVAL, "layer %s: nothing uses its output", net->layers[i].name);
  return NA_OK;
}

/* Offsets are rounded up, so a block may be shorter than it looks; never empty: the last layer's
 * input is a layer of weights, or there would be nothing to train. */
static int allocate(na_net *net, na_error *err)
{
  size_t bytes = net->values * sizeof(float);
  if (net->values == 0)
    return na_fail(err, NA_EINVAL, "network %s has no parameters to train", net->name);
  net->weights = na_block_new(bytes);
  net->grads = na_block_new(bytes);
  net->momentum = na_block_new(bytes);
  if (net->stats != 0) net->running = na_block_new(net->stats * sizeof(float));
  if (net->weights != NULL && net->grads != NULL && net->momentum != NULL &&
      (net->stats == 0 || net->running != NULL))
    return NA_OK;
  return na_fail_memory(err, 3 * bytes + net->stats * sizeof(float), "the network's parameters");
}

/* Takes a failed na_net_finish back. */
static void unfinish(na_net *net)
{
  free_params(net->params, net->param_count);
  free_params(net->buffers, net->buffer_count);
  na_block_free(net->weights, net->values * sizeof(float));
  na_block_free(net->grads, net->values * sizeof(float));
  na_block_free(net->momentum, net->values * sizeof(float));
  na_block_free(net->running, net->stats * sizeof(float));
  net->params = net->buffers = NULL;
  net->weights = net->grads = net->momentum = net->running = NULL;
  net->param_count = net->buffer_count = 0;
  net->param_capacity = net->buffer_capacity = net->values = net->stats = 0;
  for (int i = 0; i < net->layer_count; i++) {
    na_layer *layer = &net->layers[i];
    layer->weight = layer->bias = layer->gamma = layer->beta = -1;
    layer->weight2 = layer->bias2 = layer->mean = layer->var = -1;
  }
}

static void fill(float *block, const na_param *param, float value)
{
  for (size_t i = 0; i < param->count; i++) block[param->offset + i] = value;
}

int na_net_finish(na_net *net, na_error *err)
{
  int code = prove_whole(net, err);
  if (code != NA_OK) return code;
  for (int i = 0; i < net->layer_count && code >= 0; i++)
    code = add_params(net, &net->layers[i], err);
  if (code >= 0) code = allocate(net, err);
  if (code < 0) {
    unfinish(net);
    return code;
  }
  for (int i = 0; i < net->layer_count; i++) {
    if (!net->layers[i].norm) continue;
    fill(net->weights, &net->params[net->layers[i].gamma], 1.0f);
    fill(net->running, &net->buffers[net->layers[i].var], 1.0f);
  }
  return NA_OK;
}

static const na_param *find(const na_param *params, int count, const char *name)
{
  for (int i = 0; i < count; i++)
    if (strcmp(params[i].name, name) == 0) return &params[i];
  return NULL;
}

const na_param *na_net_param(const na_net *net, const char *name)
{
  return find(net->params, net->param_count, name);
}

const na_param *na_net_buffer(const na_net *net, const char *name)
{
  return find(net->buffers, net->buffer_count, name);
}
