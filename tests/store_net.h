/* A small network with every kind of tensor a checkpoint holds: elastic, normalised, squeeze-excite.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef STORE_NET_H
#define STORE_NET_H

#include "core/net/net.h"

#include <stdio.h>

static int store_net_conv(na_net *net, const char *name, int input, int out, int kernel, int gate,
                          na_error *err)
{
  na_layer_spec spec = na_layer_spec_init(NA_CONV, name);
  spec.input[0] = input;
  spec.out = out;
  spec.kernel = kernel;
  spec.gate = gate;
  spec.norm = true;
  spec.act = NA_ACT_RELU6;
  return na_net_add(net, &spec, err);
}

static int store_net_build(na_net *net, int classes, na_error *err)
{
  static const na_list widths = {2, {1, 2}}, expands = {2, {1, 1.5}};
  int stem = na_net_width(net, "stem", 8, &widths, err);
  int mid = na_net_expand(net, "mid", 24, stem, &expands, err);
  int squeezed = na_net_squeeze(net, "squeeze", 16, mid, err);
  int wide = na_net_fixed(net, "classes", classes, err);
  int at = store_net_conv(net, "stem", 0, stem, 3, -1, err);
  at = store_net_conv(net, "block.inverted", at, mid, 1, -1, err);
  na_layer_spec gate = na_layer_spec_init(NA_SQUEEZE, "block.se");
  gate.input[0] = at;
  gate.squeeze = squeezed;
  int gated = na_net_add(net, &gate, err);
  at = store_net_conv(net, "block.point", at, stem, 1, gated, err);
  na_layer_spec pool = na_layer_spec_init(NA_GLOBALPOOL, "pool");
  pool.input[0] = at;
  at = na_net_add(net, &pool, err);
  na_layer_spec linear = na_layer_spec_init(NA_LINEAR, "linear");
  linear.input[0] = at;
  linear.out = wide;
  linear.bias = true;
  at = na_net_add(net, &linear, err);
  return at < 0 ? at : na_net_finish(net, err);
}

/* Built and filled with distinct numbers; NULL and a message when that fails. */
static na_net *store_net_new(int classes)
{
  na_error err = {0};
  na_net *net;
  if (na_net_new(&net, "small", 3, 8, 8, classes, &err) != 0) net = NULL;
  if (net == NULL || store_net_build(net, classes, &err) != 0) {
    printf("  cannot build the test's network: %s\n", err.message);
    na_net_free(net);
    return NULL;
  }
  for (size_t i = 0; i < net->values; i++) {
    net->weights[i] = na_random_symmetric(1, i);
    net->momentum[i] = na_random_symmetric(2, i);
  }
  for (size_t i = 0; i < net->stats; i++) net->running[i] = 1.5f + na_random_symmetric(3, i);
  return net;
}

#endif
