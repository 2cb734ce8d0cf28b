/* The fields of a checkpoint as a table: saved, loaded and compared by it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint_fields.h"
#include "core/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum field_type { FIELD_INT, FIELD_LONG, FIELD_DOUBLE, FIELD_BITS, FIELD_TEXT } field_type;

/* One attribute and its place in na_checkpoint. FIELD_BITS are 64 bits, which a double cannot
 * hold, as hexadecimal text. Texts that are NULL are left out. The first programs wrote no optional
 * fields. */
typedef struct field {
  const char *name;
  field_type type;
  size_t offset;
  bool optional;
  bool clock; /* differs between two runs that are the same */
} field;

#define FIELD(member, type) {#member, type, offsetof(na_checkpoint, member), false, false}
#define MORE(member, type) {#member, type, offsetof(na_checkpoint, member), true, false}
#define CLOCK(member, type) {#member, type, offsetof(na_checkpoint, member), true, true}
static const field fields[] = {
    FIELD(epoch, FIELD_INT),
    FIELD(step, FIELD_LONG),
    FIELD(batch, FIELD_LONG),
    FIELD(random_key, FIELD_BITS),
    FIELD(random_index, FIELD_BITS),
    FIELD(val_loss, FIELD_DOUBLE),
    FIELD(val_top1, FIELD_DOUBLE),
    FIELD(val_top5, FIELD_DOUBLE),
    FIELD(best_top1, FIELD_DOUBLE),
    MORE(settings, FIELD_TEXT),
    MORE(data, FIELD_TEXT),
    MORE(mean, FIELD_TEXT),
    MORE(std, FIELD_TEXT),
    MORE(complete, FIELD_INT),
    MORE(begun, FIELD_INT),
    MORE(base_loss, FIELD_DOUBLE),
    MORE(base_top1, FIELD_LONG),
    MORE(base_top5, FIELD_LONG),
    MORE(base_images, FIELD_LONG),
    MORE(augmented_loss, FIELD_DOUBLE),
    MORE(augmented_top1, FIELD_LONG),
    MORE(augmented_top5, FIELD_LONG),
    MORE(augmented_images, FIELD_LONG),
    MORE(best_loss, FIELD_DOUBLE),
    MORE(best_top5, FIELD_DOUBLE),
    MORE(best_images, FIELD_LONG),
    MORE(step_rows, FIELD_LONG),
    MORE(epoch_rows, FIELD_LONG),
    MORE(steering_rows, FIELD_LONG),
    CLOCK(seconds, FIELD_DOUBLE),
    MORE(steered, FIELD_INT),
    MORE(present, FIELD_TEXT),
    MORE(pending, FIELD_TEXT),
    MORE(state, FIELD_TEXT),
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0], DRAWS_MAX = 1 << 22 };

static int save_number(na_h5 *file, const char *name, double value, na_error *err)
{
  return na_h5_set_numbers(file, "/", name, &value, 1, err);
}

static int save_bits(na_h5 *file, const char *name, uint64_t bits, na_error *err)
{
  char text[24];
  snprintf(text, sizeof text, "0x%016" PRIx64, bits);
  return na_h5_set_text(file, "/", name, text, err);
}

static int save_field(na_h5 *file, const field *f, const na_checkpoint *state, na_error *err)
{
  const void *at = (const char *)state + f->offset;
  switch (f->type) {
  case FIELD_INT: return save_number(file, f->name, *(const int *)at, err);
  case FIELD_LONG: return save_number(file, f->name, (double)*(const long *)at, err);
  case FIELD_DOUBLE: return save_number(file, f->name, *(const double *)at, err);
  case FIELD_BITS: return save_bits(file, f->name, *(const uint64_t *)at, err);
  case FIELD_TEXT: break;
  }
  const char *text = *(char *const *)at;
  return text != NULL ? na_h5_set_text(file, "/", f->name, text, err) : NA_OK;
}

int na_checkpoint_save_fields(na_h5 *file, const na_checkpoint *state, na_error *err)
{
  int code = NA_OK;
  long long draws = (long long)state->draw_count;
  for (int i = 0; i < FIELD_COUNT && code == NA_OK; i++)
    code = save_field(file, &fields[i], state, err);
  if (code == NA_OK && state->class_names != NULL)
    code = na_h5_set_texts(file, "/", "class_names", (const char *const *)state->class_names,
                           (size_t)state->class_count, err);
  if (code == NA_OK && state->draws != NULL)
    code = na_h5_write(file, "draws", NA_H5_DOUBLE, 1, &draws, state->draws, err);
  return code;
}

bool na_checkpoint_is_field(const char *name)
{
  for (int i = 0; i < FIELD_COUNT; i++)
    if (strcmp(fields[i].name, name) == 0) return true;
  return strcmp(name, "class_names") == 0;
}

/* A count: whole, not negative, at most `most`. */
static int load_count(na_h5 *file, const char *name, double most, double *value, na_error *err)
{
  int code = na_h5_get_number(file, "/", name, value, err);
  if (code != NA_OK) return code;
  if (*value >= 0 && *value <= most && floor(*value) == *value) return NA_OK;
  return na_fail(err, NA_EFORMAT, "attribute %s is %g, which is not a count", name, *value);
}

static int load_bits(na_h5 *file, const char *name, uint64_t *bits, na_error *err)
{
  char *text, *end = NULL;
  int code = na_h5_get_text(file, "/", name, &text, err);
  if (code != NA_OK) return code;
  errno = 0;
  *bits = strtoull(text, &end, 16);
  if (errno != 0 || end == text || *end != '\0')
    code = na_fail(err, NA_EFORMAT, "attribute %s is not a hexadecimal number", name);
  na_free(text);
  return code;
}

static int load_field(na_h5 *file, const field *f, na_checkpoint *state, na_error *err)
{
  void *at = (char *)state + f->offset;
  double value = 0;
  int code = NA_OK;
  if (f->optional && !na_h5_has_attribute(file, "/", f->name)) return NA_OK;
  switch (f->type) {
  case FIELD_INT:
    code = load_count(file, f->name, INT_MAX, &value, err);
    if (code == NA_OK) *(int *)at = (int)value;
    return code;
  case FIELD_LONG:
    code = load_count(file, f->name, 0x1p53, &value, err);
    if (code == NA_OK) *(long *)at = (long)value;
    return code;
  case FIELD_DOUBLE: return na_h5_get_number(file, "/", f->name, at, err);
  case FIELD_BITS: return load_bits(file, f->name, at, err);
  case FIELD_TEXT: break;
  }
  return na_h5_get_text(file, "/", f->name, at, err);
}

static int load_draws(na_h5 *file, na_checkpoint *state, na_error *err)
{
  int rank;
  long long dims[NA_H5_RANK_MAX];
  if (!na_h5_has(file, "draws")) return NA_OK;
  int code = na_h5_shape(file, "draws", &rank, dims, err);
  if (code != NA_OK) return code;
  if (rank != 1 || dims[0] > DRAWS_MAX)
    return na_fail(err, NA_EFORMAT, "draws is not a list of numbers");
  state->draw_count = (size_t)dims[0];
  state->draws = na_alloc_array(state->draw_count + 1, sizeof *state->draws);
  if (state->draws == NULL)
    return na_fail_memory(err, state->draw_count * sizeof *state->draws, "the counts of draws");
  return na_h5_read(file, "draws", NA_H5_DOUBLE, state->draws, state->draw_count, err);
}

int na_checkpoint_load_fields(na_h5 *file, na_checkpoint *state, na_error *err)
{
  int code = NA_OK;
  size_t count = 0;
  for (int i = 0; i < FIELD_COUNT && code == NA_OK; i++)
    code = load_field(file, &fields[i], state, err);
  if (code == NA_OK && na_h5_has_attribute(file, "/", "class_names"))
    code = na_h5_get_texts(file, "/", "class_names", &state->class_names, &count, err);
  state->class_count = (int)count;
  if (code == NA_OK) code = load_draws(file, state, err);
  if (code != NA_OK) na_checkpoint_free(state);
  return code;
}

void na_checkpoint_free(na_checkpoint *state)
{
  if (state == NULL) return;
  na_free(state->settings);
  na_free(state->data);
  na_free(state->mean);
  na_free(state->std);
  na_free(state->class_names);
  na_free(state->present);
  na_free(state->pending);
  na_free(state->state);
  na_free(state->draws);
  memset(state, 0, sizeof *state);
}

/* ---------------------------------------------------------------------------- comparing */

static int differ_in_text(const char *name, const char *a, const char *b, na_error *err)
{
  if (a == NULL) a = "";
  if (b == NULL) b = "";
  size_t at = 0;
  while (a[at] != '\0' && a[at] == b[at]) at++;
  if (a[at] == b[at]) return NA_OK;
  size_t from = at > 20 ? at - 20 : 0;
  return na_fail(err, NA_EINVAL, "%s differs: \"%.50s\" and \"%.50s\"", name, a + from, b + from);
}

static int differ_in_double(const char *name, double a, double b, na_error *err)
{
  if (memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b))) return NA_OK;
  return na_fail(err, NA_EINVAL, "%s differs: %.17g and %.17g", name, a, b);
}

static int differ_in_whole(const char *name, long long a, long long b, na_error *err)
{
  return a == b ? NA_OK : na_fail(err, NA_EINVAL, "%s differs: %lld and %lld", name, a, b);
}

static int compare_field(const field *f, const na_checkpoint *a, const na_checkpoint *b, na_error *err)
{
  const void *one = (const char *)a + f->offset, *two = (const char *)b + f->offset;
  switch (f->type) {
  case FIELD_INT: return differ_in_whole(f->name, *(const int *)one, *(const int *)two, err);
  case FIELD_LONG: return differ_in_whole(f->name, *(const long *)one, *(const long *)two, err);
  case FIELD_DOUBLE: return differ_in_double(f->name, *(const double *)one, *(const double *)two, err);
  case FIELD_BITS:
    if (memcmp(one, two, sizeof(uint64_t)) == 0) return NA_OK;
    return na_fail(err, NA_EINVAL, "%s differs", f->name);
  case FIELD_TEXT: break;
  }
  return differ_in_text(f->name, *(char *const *)one, *(char *const *)two, err);
}

int na_checkpoint_compare(const na_checkpoint *a, const na_checkpoint *b, na_error *err)
{
  int code = NA_OK;
  for (int i = 0; i < FIELD_COUNT && code == NA_OK; i++)
    if (!fields[i].clock) code = compare_field(&fields[i], a, b, err);
  if (code == NA_OK) code = differ_in_whole("the number of classes", a->class_count, b->class_count, err);
  for (int i = 0; i < a->class_count && code == NA_OK; i++)
    code = differ_in_text("class_names", a->class_names[i], b->class_names[i], err);
  if (code != NA_OK) return code;
  if (a->draw_count == b->draw_count &&
      (a->draw_count == 0 || memcmp(a->draws, b->draws, a->draw_count * sizeof *a->draws) == 0))
    return NA_OK;
  return na_fail(err, NA_EINVAL, "the counts of draws differ");
}
