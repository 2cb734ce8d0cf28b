/* Timing training steps.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BENCH_H
#define NA_BENCH_H

#include "core/net/workspace.h"
#include "tui/images.h"

/* X(symbol, name, help): what is timed. */
#define NA_BENCH_KINDS(X)                                                                          \
  X(BASE, "base", "base step")                                                                     \
  X(NETAUG, "netaug", "NetAug step")                                                               \
  X(WIDEST, "widest", "widest step")                                                               \
  X(EVAL, "eval", "evaluation")

typedef enum na_bench_kind {
#define NA_BENCH_ENUM(symbol, name, help) NA_BENCH_##symbol,
  NA_BENCH_KINDS(NA_BENCH_ENUM)
#undef NA_BENCH_ENUM
      NA_BENCH_COUNT
} na_bench_kind;
const char *na_bench_name(int kind);
const char *na_bench_help(int kind);

typedef struct na_bench {
  na_net *net; /* borrowed */
  int batch, draws;
  int *base, *widest; /* widths, [dim_count] */
  int *drawn;         /* [draws][dim_count] */
  na_team *team;
  na_images images;
  na_workspace *workspace; /* from na_bench_prepare on */
} na_bench;

/* Medians over rounds, of one step each; NETAUG: of the mean over the draws. */
typedef struct na_bench_times {
  int rounds;
  double seconds[NA_BENCH_COUNT];
  double macs[NA_BENCH_COUNT];  /* forward, one image, all networks of the step */
  double flops[NA_BENCH_COUNT]; /* 2 per MAC, and three times that where there is a backward pass */
} na_bench_times;

/* Draws the sub-networks by seed. bench is valid for na_bench_free even on failure. */
int na_bench_new(na_bench *bench, na_net *net, int batch, int threads, int draws, int seed,
                 na_error *err);
void na_bench_free(na_bench *bench);

/* Allocates what running needs, and initialises the weights. */
int na_bench_prepare(na_bench *bench, na_error *err);

int na_bench_run(na_bench *bench, int rounds, na_bench_times *times, na_error *err);

/* Prints the network and the drawn widths as JSON, complete enough to run the same computation. */
void na_bench_describe(const na_bench *bench);

#endif
