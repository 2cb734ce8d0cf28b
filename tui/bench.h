/* Timing training steps.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_BENCH_H
#define NA_BENCH_H

#include "core/net/workspace.h"
#include "tui/images.h"

#include <stdio.h>

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
  na_precision precision; /* of training steps; evaluation is float32 */
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
  double flops[NA_BENCH_COUNT]; /* operations for one image: see na_bench_work */
} na_bench_times;

/* Seconds of one step, and of its optimizer alone. */
typedef struct na_bench_parts {
  double whole, optimizer;
} na_bench_parts;

/* X(symbol, name): what the rows of a profile stand for. */
#define NA_PROFILE_ROWS(X)                                                                         \
  X(KIND, "kind")                                                                                  \
  X(LAYER, "layer")

typedef enum na_profile_by {
#define NA_PROFILE_ENUM(symbol, name) NA_PROFILE_BY_##symbol,
  NA_PROFILE_ROWS(NA_PROFILE_ENUM)
#undef NA_PROFILE_ENUM
} na_profile_by;

/* A kind of layer in a profile, or a layer, forward and backward: seconds, operations and bytes of a step. */
typedef struct na_profile_row {
  char name[64];
  double seconds[2], flops[2], bytes[2];
} na_profile_row;

typedef struct na_profile {
  int kind, steps, count;
  na_profile_row *rows;             /* [count] */
  double seconds, optimizer, other; /* of a step; other: the loss and what lies between layers */
} na_profile;

/* Draws the sub-networks by seed. bench is valid for na_bench_free even on failure. */
int na_bench_new(na_bench *bench, na_net *net, int batch, int threads, int draws, int seed,
                 na_error *err);
void na_bench_free(na_bench *bench);

/* Allocates what running needs, and initialises the weights. */
int na_bench_prepare(na_bench *bench, na_error *err);

int na_bench_run(na_bench *bench, int rounds, na_bench_times *times, na_error *err);

/* One step of a kind; NETAUG: with drawn sub-network `draw`. */
int na_bench_once(na_bench *bench, int kind, int draw, na_bench_parts *parts, na_error *err);

/* Seconds of one step; NETAUG: the mean over the draws. */
int na_bench_seconds(na_bench *bench, int kind, double *seconds, na_error *err);

/* A step's forward multiply-adds for one image, of all its networks, and its operations: two per
 * multiply-add forward, four backward (two where the layer reads the images). */
void na_bench_work(const na_bench *bench, int kind, double *macs, double *flops);

/* Where the time of a kind of step goes, mean over rounds steps (NETAUG: rounds times the draws),
 * by kind of layer or layer by layer (tui/bench_profile.c). Bytes are those of activations that must be moved at the
 * least when layers run one by one. na_profile_free releases the rows, also after a failure. */
int na_bench_profile(na_bench *bench, int kind, na_profile_by by, int rounds, na_profile *profile,
                     na_error *err);
void na_profile_free(na_profile *profile);

/* Sorts the values. */
double na_median(double *values, int count);

/* Writes the network and the drawn widths as JSON, complete enough to run the same computation. */
void na_bench_describe(const na_bench *bench, FILE *out);

#endif
