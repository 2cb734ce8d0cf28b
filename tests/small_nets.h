/* Small networks that together use every layer kind, kernel, stride, norm, bias and activation, with
 * elastic widths: what the tests of gradients and of the workspace run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SMALL_NETS_H
#define SMALL_NETS_H

#include "core/net/net.h"

typedef struct small_net small_net;
struct small_net {
  na_layer_kind kind; /* what it is there to test */
  const char *name;
  void (*build)(na_net *net, const small_net *how);
  int kernel, stride;
  enum { BARE, BIASED, NORMED } extra;
  na_activation act;
};

extern const small_net small_nets[];
extern const int small_net_count;

/* Builds, finishes and fills a network; a mistake in its description ends the test. */
na_net *small_net_new(const small_net *how);

/* One network with every layer kind. */
na_net *small_net_whole(void);

/* Random weights of a size that keeps values around 1, gammas around 1, small betas and biases, and
 * running statistics that are not those of a new net. */
void small_net_fill(na_net *net, uint64_t seed);

/* Adds a layer on `input` (and input2, or -1); returns its index. */
int small_net_add(na_net *net, na_layer_spec spec, int input, int input2);

#endif
