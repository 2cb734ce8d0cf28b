/* Weights of one network as the beginning of another.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/net/build.h"

#include <string.h>

/* Size of an axis of a tensor at the base: of its dimension, or its own. */
static int base_of(const na_net *net, const na_param *p, int axis)
{
  int dim = axis == 0 ? p->out : axis == 1 ? p->in : -1;
  return dim >= 0 ? net->dims[dim].base : p->shape[axis];
}

static bool fits(const na_net *to, const na_param *target, const na_net *from, const na_param *source)
{
  bool fit = target->rank == source->rank;
  for (int axis = 0; fit && axis < target->rank; axis++)
    fit = target->shape[axis] == source->shape[axis] ||
          (axis < 2 && base_of(to, target, axis) == base_of(from, source, axis));
  return fit;
}

static int least(int a, int b) { return a < b ? a : b; }

/* The channels that both have; taps are equal. */
static void copy_common(const na_param *source, const float *from, const na_param *target, float *to)
{
  size_t rows = (size_t)least(source->shape[0], target->shape[0]);
  size_t source_row = source->count / (size_t)source->shape[0];
  size_t target_row = target->count / (size_t)target->shape[0];
  size_t values = source_row < target_row ? source_row : target_row;
  for (size_t row = 0; row < rows; row++)
    memcpy(to + target->offset + row * target_row, from + source->offset + row * source_row,
           values * sizeof *to);
}

static const na_param *find(const na_param *params, int count, const char *name)
{
  for (int i = 0; i < count; i++)
    if (strcmp(params[i].name, name) == 0) return &params[i];
  return NULL;
}

/* One of the blocks of both nets. */
typedef struct pair {
  const na_param *targets, *sources;
  int target_count, source_count;
  float *to;
  const float *from;
} pair;

static int copy_block(const pair *b, const na_net *to, const na_net *from, int skipped,
                      na_buffer *missed)
{
  int copied = 0;
  for (int i = 0; i < b->target_count; i++) {
    const na_param *target = &b->targets[i];
    const na_param *source = find(b->sources, b->source_count, target->name);
    if (i >= skipped || source == NULL || !fits(to, target, from, source)) {
      na_buffer_add(missed, "%s%s", missed->length > 0 ? "\n" : "", target->name);
      continue;
    }
    if (b->to != NULL) copy_common(source, b->from, target, b->to);
    copied++;
  }
  return copied;
}

static int classifier_of(const na_net *net)
{
  return net->layers[net->layer_count - 1].weight;
}

/* Both blocks; with `write` false only counts. */
static int copy_net(na_net *to, const na_net *from, bool classifier, bool write, na_buffer *missed)
{
  pair params = {to->params, from->params, to->param_count, from->param_count,
                 write ? to->weights : NULL, from->weights};
  pair buffers = {to->buffers, from->buffers, to->buffer_count, from->buffer_count,
                  write ? to->running : NULL, from->running};
  /* The classifier's parameters are the last. */
  int skipped = classifier ? to->param_count : classifier_of(to);
  int copied = copy_block(&params, to, from, skipped, missed);
  copy_block(&buffers, to, from, to->buffer_count, missed);
  return copied;
}

int na_net_transfer(na_net *to, const na_net *from, bool classifier, int *copied, na_buffer *missed,
                    na_error *err)
{
  na_buffer ignored = {0};
  int fewer = least(to->param_count, from->param_count);
  *copied = copy_net(to, from, classifier, false, &ignored);
  if (2 * *copied < fewer) {
    na_fail(err, NA_ESHAPE,
            "holds the network %s: only %d of its %d tensors fit the %d of network %s", from->name,
            *copied, from->param_count, to->param_count, to->name);
    na_hint(err, "the first that does not: %.*s; build the model with the options it was trained with",
            (int)strcspn(ignored.data != NULL ? ignored.data : "", "\n"),
            ignored.data != NULL ? ignored.data : "");
    na_free(ignored.data);
    return NA_ESHAPE;
  }
  na_free(ignored.data);
  copy_net(to, from, classifier, true, missed);
  return missed->failed ? na_fail_memory(err, missed->length, "the names of tensors") : NA_OK;
}
