/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/layer/dense.h"
#include "core/layer/split.h"

/* Partial weight gradients take at most PARTIAL_FLOATS, or FEWEST_CHUNKS times the weights. */
enum { PARTIAL_FLOATS = 1 << 20, FEWEST_CHUNKS = 8 };
/* What a thread takes at once. */
enum { GROUPS_PER_UNIT = 8, NORMS_PER_UNIT = 64, ROWS_PER_UNIT = 8 };

na_view na_gated_input(const na_op *op)
{
  na_view view = na_tensor_view(op->in);
  if (op->gate == NULL) return view;
  view.gate = op->gate->data;
  view.gate_stride = op->gate->stride;
  return view;
}

int na_chunk_limit(long weights)
{
  long limit = PARTIAL_FLOATS / weights;
  return most(least(limit, NA_CHUNKS), FEWEST_CHUNKS);
}

/* Fewer channels may be split into more chunks: the larger of the two bounds. */
size_t na_partial_floats(size_t weights)
{
  size_t fewest = weights * FEWEST_CHUNKS;
  size_t cap = weights * NA_CHUNKS < PARTIAL_FLOATS ? weights * NA_CHUNKS : PARTIAL_FLOATS;
  return fewest > cap ? fewest : cap;
}

na_ahead na_channels_ahead(const na_tensor *tensor, int next, int limit, long first, int count)
{
  if (next >= tensor->channels) {
    next = 0;
    first += count;
  }
  const float *from = tensor->data + (size_t)next * tensor->stride + na_stored(tensor->rounded, first);
  return (na_ahead){{from, from + tensor->stride}, 2 * tensor->stride, least(limit, tensor->channels - next),
                    tensor->rounded};
}

/* ---------------------------------------------------------------- packing the weights */

static int packed_groups(const na_packing *p) { return ceiling(p->rows, p->products->group_rows); }

static void pack_groups(void *context, int unit, int worker)
{
  (void)worker;
  const na_packing *p = context;
  int first = unit * GROUPS_PER_UNIT;
  p->products->pack_matrix(p->source, p->rows, p->outer, p->inner, p->row_stride,
                                p->outer_stride, first, least(packed_groups(p) - first, GROUPS_PER_UNIT),
                                p->to);
}

void na_pack_weights(const na_packing *packing)
{
  na_packing p = *packing;
  na_team_run(p.pass->team, pack_groups, &p, ceiling(packed_groups(&p), GROUPS_PER_UNIT));
}

/* ---------------------------------------------------------------- the output's statistics */

void na_add_moments(const na_pass *pass, const na_tensor *out, const na_chunk *chunk, int row, int rows)
{
  na_moments *moments = pass->moments + (size_t)chunk->index * (size_t)out->channels;
  na_mask mask = na_pass_mask(pass, out);
  for (int c = row; c < row + rows; c++) {
    const float *data = out->data + (size_t)c * out->stride;
    if (chunk->start) moments[c] = (na_moments){.shift = na_tensor_value(out, data, chunk->first * NA_LANES)};
    pass->kernels->moments(data, out->rounded, chunk->first, chunk->count, &mask, &moments[c]);
  }
}

typedef struct settling {
  const na_pass *pass;
  na_tensor *out;
  int chunks;
  const double *counts;
} settling;

static void settle_channels(void *context, int unit, int worker)
{
  (void)worker;
  const settling *s = context;
  int last = least((unit + 1) * NORMS_PER_UNIT, s->out->channels);
  for (int c = unit * NORMS_PER_UNIT; c < last; c++)
    na_norm_settle(s->pass, s->out, c, s->chunks, s->pass->moments + c, (size_t)s->out->channels,
                   s->counts);
}

void na_settle_moments(const na_pass *pass, na_tensor *out, int chunks, na_chunk_start *start, const void *loop)
{
  double counts[NA_CHUNKS];
  settling s = {pass, out, chunks, counts};
  if (!na_norm_by_batch(pass, out)) return;
  for (int k = 0; k < chunks; k++) {
    long first = start(loop, k);
    counts[k] = na_pass_values(pass, out, first, start(loop, k + 1) - first);
  }
  na_team_run(pass->team, settle_channels, &s, ceiling(out->channels, NORMS_PER_UNIT));
}

/* ---------------------------------------------------------------- the input's gradient */

double *na_input_sums(const na_pass *pass, const na_op *op, int chunk)
{
  return pass->sums + (size_t)chunk * 2 * (size_t)op->in->channels;
}

void na_finish_input(const na_pass *pass, const na_op *op, const na_chunk *chunk, int c, int channels)
{
  if (!op->last[0] || na_tensor_plain(op->in)) return;
  double *sums = na_input_sums(pass, op, chunk->index);
  for (int i = c; i < c + channels; i++) {
    na_finish how = na_tensor_finish(op->in, i);
    pass->kernels->finish(op->in->grad + (size_t)i * op->in->stride, &how, chunk->first, chunk->count,
                          &sums[2 * i], &sums[2 * i + 1]);
  }
}

void na_clear_sums(const na_pass *pass, const na_op *op, int chunk)
{
  double *sums = na_input_sums(pass, op, chunk);
  for (int i = 0; i < 2 * op->in->channels; i++) sums[i] = 0;
}

void na_collect_sums(const na_pass *pass, const na_op *op, int chunks)
{
  na_tensor *in = op->in;
  if (!op->last[0] || !(in->norm || in->bias)) return;
  for (int c = 0; c < in->channels; c++) in->sum[c] = in->sum_x[c] = 0;
  for (int k = 0; k < chunks; k++) {
    const double *sums = na_input_sums(pass, op, k);
    for (int c = 0; c < in->channels; c++) {
      in->sum[c] += sums[2 * c];
      in->sum_x[c] += sums[2 * c + 1];
    }
  }
}

/* ---------------------------------------------------------------- the weights' gradient */

typedef struct reduction {
  const na_pass *pass;
  const na_op *op;
  int depth, chunks;
} reduction;

static void reduce_rows(void *context, int unit, int worker)
{
  (void)worker;
  const reduction *r = context;
  size_t depth = (size_t)r->depth, weights = (size_t)r->op->out->channels * depth;
  int last = least((unit + 1) * ROWS_PER_UNIT, r->op->out->channels);
  for (int m = unit * ROWS_PER_UNIT; m < last; m++)
    for (int k = 0; k < r->chunks; k++) {
      const float *from = r->pass->partial + (size_t)k * weights + (size_t)m * depth;
      float *to = r->op->weight_grad + (size_t)m * r->op->row;
      for (size_t i = 0; i < depth; i++) to[i] += from[i];
    }
}

void na_reduce_weights(const na_pass *pass, const na_op *op, int depth, int chunks)
{
  reduction r = {pass, op, depth, chunks};
  na_team_run(pass->team, reduce_rows, &r, ceiling(op->out->channels, ROWS_PER_UNIT));
}
