/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/base/memory.h"
#include "core/store/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char format_name[] = "netaug checkpoint";
enum { FORMAT_VERSION = 1, NAME_MAX_BYTES = 512 };

/* ------------------------------------------------------------------ the fields, as a table */

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

static int load_state(na_h5 *file, na_checkpoint *state, na_error *err)
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

/* ------------------------------------------------------------------------------ tensors */

/* A group of the file and the block its tensors live in. */
typedef struct section {
  const char *group;
  const na_param *params;
  int count;
  float *block;
} section;

static section params_of(const na_net *net)
{
  return (section){"params", net->params, net->param_count, net->weights};
}

static section buffers_of(const na_net *net)
{
  return (section){"buffers", net->buffers, net->buffer_count, net->running};
}

static section momentum_of(const na_net *net)
{
  return (section){"momentum", net->params, net->param_count, net->momentum};
}

static int tensor_path(char path[NAME_MAX_BYTES], const section *s, const na_param *param,
                       na_error *err)
{
  int length = snprintf(path, NAME_MAX_BYTES, "%s/%s", s->group, param->name);
  if (length < NAME_MAX_BYTES) return NA_OK;
  return na_fail(err, NA_EINVAL, "the name %.40s... is too long", param->name);
}

static int save_section(na_h5 *file, section s, na_error *err)
{
  char path[NAME_MAX_BYTES];
  int code = na_h5_group(file, s.group, err);
  for (int i = 0; i < s.count && code == NA_OK; i++) {
    const na_param *param = &s.params[i];
    long long dims[4];
    for (int d = 0; d < param->rank; d++) dims[d] = param->shape[d];
    code = tensor_path(path, &s, param, err);
    if (code == NA_OK)
      code = na_h5_write(file, path, NA_H5_FLOAT, param->rank, dims, s.block + param->offset, err);
  }
  return code;
}

static void shape_words(char words[64], int rank, const long long *dims)
{
  int length = snprintf(words, 64, rank == 0 ? "a single number" : "%lld", dims[0]);
  for (int d = 1; d < rank && length < 64; d++)
    length += snprintf(words + length, 64 - (size_t)length, "x%lld", dims[d]);
}

static int check_shape(na_h5 *file, const char *path, const na_param *param, na_error *err)
{
  int rank;
  long long dims[NA_H5_RANK_MAX] = {0}, wanted[4] = {0};
  char has[64], needs[64];
  int code = na_h5_shape(file, path, &rank, dims, err);
  if (code != NA_OK) return code;
  int same = rank == param->rank;
  for (int d = 0; d < param->rank; d++) {
    wanted[d] = param->shape[d];
    same = same && dims[d] == wanted[d];
  }
  if (same) return NA_OK;
  shape_words(has, rank, dims);
  shape_words(needs, param->rank, wanted);
  return na_fail(err, NA_ESHAPE, "%s is %s, the network needs %s", path, has, needs);
}

static int load_section(na_h5 *file, section s, na_error *err)
{
  char path[NAME_MAX_BYTES];
  int code = NA_OK;
  for (int i = 0; i < s.count && code == NA_OK; i++) {
    const na_param *param = &s.params[i];
    code = tensor_path(path, &s, param, err);
    if (code == NA_OK) code = check_shape(file, path, param, err);
    if (code == NA_OK)
      code = na_h5_read(file, path, NA_H5_FLOAT, s.block + param->offset, param->count, err);
  }
  return code;
}

typedef struct stranger {
  const section *s;
  na_error *err;
} stranger;

/* A tensor that the network lacks means that it is another network's file. */
static int refuse_stranger(void *context, const char *name)
{
  const stranger *x = context;
  for (int i = 0; i < x->s->count; i++)
    if (strcmp(name, x->s->params[i].name) == 0) return NA_OK;
  return na_fail(x->err, NA_ESHAPE, "holds %s/%s, which the network lacks", x->s->group, name);
}

/* Every shape is proved before the first value is read, so that a file that does not fit leaves the
 * net as it was. */
static int check_section(na_h5 *file, section s, na_error *err)
{
  char path[NAME_MAX_BYTES];
  stranger x = {&s, err};
  int code = na_h5_each(file, s.group, refuse_stranger, &x, err);
  for (int i = 0; i < s.count && code == NA_OK; i++) {
    code = tensor_path(path, &s, &s.params[i], err);
    if (code == NA_OK) code = check_shape(file, path, &s.params[i], err);
  }
  return code;
}

/* The training's own running statistics, where a checkpoint has re-estimated ones as well. */
static section running_of(const na_net *net, const float *running)
{
  return (section){"running", net->buffers, net->buffer_count, (float *)running};
}

static int load_tensors(na_h5 *file, na_net *net, bool with_momentum, na_error *err)
{
  int moving = with_momentum && na_h5_has(file, "momentum");
  int code = check_section(file, params_of(net), err);
  if (code == NA_OK) code = check_section(file, buffers_of(net), err);
  if (code == NA_OK && moving) code = check_section(file, momentum_of(net), err);
  if (code == NA_OK) code = load_section(file, params_of(net), err);
  if (code == NA_OK) code = load_section(file, buffers_of(net), err);
  if (code == NA_OK && moving) code = load_section(file, momentum_of(net), err);
  return code;
}

/* ------------------------------------------------------------------------------- saving */

static int save_net(na_h5 *file, const na_net *net, na_error *err)
{
  na_buffer text = {0};
  na_net_write(net, &text);
  int code = text.failed || text.data == NULL
                 ? na_fail_memory(err, text.length, "the network as text")
                 : na_h5_set_text(file, "/", "net", text.data, err);
  na_free(text.data);
  return code;
}

static int save_all(na_h5 *file, const na_net *net, const na_checkpoint *state, bool with_momentum,
                    na_error *err)
{
  int code = na_h5_set_text(file, "/", "format", format_name, err);
  if (code == NA_OK) code = save_number(file, "version", FORMAT_VERSION, err);
  if (code == NA_OK) code = save_net(file, net, err);
  for (int i = 0; i < FIELD_COUNT && code == NA_OK; i++)
    code = save_field(file, &fields[i], state, err);
  if (code == NA_OK && state->class_names != NULL)
    code = na_h5_set_texts(file, "/", "class_names", (const char *const *)state->class_names,
                           (size_t)state->class_count, err);
  if (code == NA_OK) code = save_section(file, params_of(net), err);
  if (code == NA_OK) code = save_section(file, buffers_of(net), err);
  if (code == NA_OK && with_momentum) code = save_section(file, momentum_of(net), err);
  if (code == NA_OK && state->running != NULL)
    code = save_section(file, running_of(net, state->running), err);
  long long draws = (long long)state->draw_count;
  if (code == NA_OK && state->draws != NULL)
    code = na_h5_write(file, "draws", NA_H5_DOUBLE, 1, &draws, state->draws, err);
  return code;
}

/* A rename is on disk only when its folder is. */
static int sync_folder(const char *path, na_error *err)
{
  const char *slash = strrchr(path, '/');
  size_t length = slash != NULL ? (size_t)(slash - path) : 0;
  char *folder = na_alloc(length + 2);
  if (folder == NULL) return na_fail_memory(err, length, "a path");
  memcpy(folder, path, length);
  if (length == 0) folder[0] = slash != NULL ? '/' : '.';
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* EINVAL: nothing to sync there */
  int code = good ? NA_OK : na_fail(err, NA_EIO, "%s: cannot sync: %s", folder, strerror(errno));
  if (fd >= 0) close(fd);
  na_free(folder);
  return code;
}

/* What this program writes itself: where it has not done so, the old file's would be wrong. */
static bool is_ours(const char *path, bool attribute)
{
  static const char *const attributes[] = {"format", "version", "net", "class_names"};
  static const char *const members[] = {"params", "buffers", "momentum", "running", "draws"};
  for (int i = 0; i < FIELD_COUNT && attribute; i++)
    if (strcmp(path, fields[i].name) == 0) return true;
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0] && attribute; i++)
    if (strcmp(path, attributes[i]) == 0) return true;
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    size_t length = strlen(members[i]);
    if (strncmp(path, members[i], length) == 0 && (path[length] == '/' || (path[length] == '\0' && !attribute)))
      return true;
  }
  return false;
}

/* What others put into the file that is replaced. One that cannot be read has nothing to keep. */
static int keep_rest(const char *path, na_h5 *file, na_error *err)
{
  na_h5 *old;
  if (na_h5_open(&old, path, NULL) != NA_OK) return NA_OK;
  int code = na_h5_copy_rest(old, file, is_ours, err);
  na_h5_close(old, NULL);
  return code;
}

static int save_to(const char *temporary, const char *path, const na_net *net,
                   const na_checkpoint *state, bool with_momentum, bool keep, na_error *err)
{
  na_h5 *file;
  int code = na_h5_create(&file, temporary, err);
  if (code != NA_OK) return code;
  code = save_all(file, net, state, with_momentum, err);
  if (code == NA_OK && keep) code = keep_rest(path, file, err);
  int closed = na_h5_close(file, err);
  if (code == NA_OK) code = closed;
  if (code == NA_OK && rename(temporary, path) != 0)
    code = na_fail(err, NA_EIO, "%s: cannot write: %s", path, strerror(errno));
  if (code != NA_OK) unlink(temporary);
  return code != NA_OK ? code : sync_folder(path, err);
}

static int save(const char *path, const na_net *net, const na_checkpoint *state, bool with_momentum,
                bool keep, na_error *err)
{
  na_buffer temporary = {0};
  na_buffer_add(&temporary, "%s.tmp", path);
  int code = temporary.failed ? na_fail_memory(err, strlen(path), "a path")
                              : save_to(temporary.data, path, net, state, with_momentum, keep, err);
  na_free(temporary.data);
  return code;
}

int na_checkpoint_save(const char *path, const na_net *net, const na_checkpoint *state,
                       bool with_momentum, na_error *err)
{
  return save(path, net, state, with_momentum, false, err);
}

int na_checkpoint_rewrite(const char *path, const na_net *net, const na_checkpoint *state,
                          na_error *err)
{
  return save(path, net, state, true, true, err);
}

/* ------------------------------------------------------------------------------ loading */

static int check_format(na_h5 *file, na_error *err)
{
  char *format = NULL;
  double version = 0;
  int code = na_h5_has_attribute(file, "/", "format")
                 ? na_h5_get_text(file, "/", "format", &format, err)
                 : NA_OK;
  int known = format != NULL && strcmp(format, format_name) == 0;
  na_free(format);
  if (code == NA_ENOMEM) return code;
  if (!known) return na_fail(err, NA_EFORMAT, "is not a netaug checkpoint");
  code = na_h5_get_number(file, "/", "version", &version, err);
  if (code != NA_OK) return code;
  if (version == FORMAT_VERSION) return NA_OK;
  na_fail(err, version > FORMAT_VERSION ? NA_EUNSUPPORTED : NA_EFORMAT,
          "is of checkpoint version %g; this program reads version %d", version, FORMAT_VERSION);
  return na_hint(err, "use the version of netaug that wrote it, or a newer one");
}

static int load_net(na_h5 *file, na_net **net, na_error *err)
{
  char *text;
  int code = na_h5_get_text(file, "/", "net", &text, err);
  if (code != NA_OK) return code;
  code = na_net_read(text, net, err);
  na_free(text);
  return code;
}

/* Opens, checks and reads what load and load_into share. */
static int open_checkpoint(const char *path, na_h5 **file, na_checkpoint *state, na_error *err)
{
  int code = na_h5_open(file, path, err);
  if (code != NA_OK) return code;
  memset(state, 0, sizeof *state);
  code = check_format(*file, err);
  if (code == NA_OK) code = load_state(*file, state, err);
  return code;
}

/* Closes, and on failure frees what was read. Errors below the wrapper do not name the file. */
static int finish(const char *path, na_h5 *file, int code, na_checkpoint *state, na_error *err)
{
  if (file != NULL && code != NA_OK && err != NULL && strncmp(err->message, path, strlen(path)) != 0)
    na_error_prefix(err, "%s", path);
  na_h5_close(file, NULL);
  if (code != NA_OK) na_checkpoint_free(state);
  return code;
}

int na_checkpoint_load(const char *path, na_net **net, na_checkpoint *state, na_error *err)
{
  na_h5 *file = NULL;
  na_checkpoint read = {0};
  *net = NULL;
  int code = open_checkpoint(path, &file, &read, err);
  if (code == NA_OK) code = load_net(file, net, err);
  if (code == NA_OK) code = load_tensors(file, *net, true, err);
  if (code != NA_OK) {
    na_net_free(*net);
    *net = NULL;
  }
  code = finish(path, file, code, &read, err);
  if (code == NA_OK) *state = read;
  return code;
}

int na_checkpoint_state(const char *path, na_checkpoint *state, na_error *err)
{
  na_h5 *file = NULL;
  na_checkpoint read = {0};
  int code = open_checkpoint(path, &file, &read, err);
  code = finish(path, file, code, &read, err);
  if (code == NA_OK) *state = read;
  return code;
}

int na_checkpoint_load_into(const char *path, na_net *net, na_checkpoint *state, na_error *err)
{
  na_h5 *file = NULL;
  na_checkpoint read = {0};
  int code = open_checkpoint(path, &file, &read, err);
  if (code == NA_OK) code = load_tensors(file, net, false, err);
  code = finish(path, file, code, &read, err);
  if (code == NA_OK) *state = read;
  return code;
}

/* ------------------------------------------------------------------------------ going on */

/* Whether two descriptions have the same layers; dimensions may differ in their lists. */
static int check_layers(const char *saved, const char *now, na_error *err)
{
  for (;;) {
    while (*saved != '\0' && strncmp(saved, "layer ", 6) != 0)
      saved += strcspn(saved, "\n"), saved += *saved == '\n';
    while (*now != '\0' && strncmp(now, "layer ", 6) != 0)
      now += strcspn(now, "\n"), now += *now == '\n';
    size_t length = strcspn(now, "\n");
    if (strcspn(saved, "\n") != length || strncmp(saved, now, length) != 0)
      return na_fail(err, NA_ESHAPE, "is of another network: its \"%.*s\" is here \"%.*s\"",
                     (int)(strcspn(saved, "\n") < 100 ? strcspn(saved, "\n") : 100), saved,
                     (int)(length < 100 ? length : 100), now);
    if (length == 0) return NA_OK;
    saved += length;
    now += length;
  }
}

static int check_network(na_h5 *file, const na_net *net, na_error *err)
{
  char *saved = NULL;
  na_buffer now = {0};
  int code = na_h5_get_text(file, "/", "net", &saved, err);
  na_net_write(net, &now);
  if (code == NA_OK && (now.failed || now.data == NULL))
    code = na_fail_memory(err, now.length, "the network as text");
  if (code == NA_OK) code = check_layers(saved, now.data, err);
  na_free(saved);
  na_free(now.data);
  return code;
}

static int check_complete(na_h5 *file, const na_checkpoint *state, na_error *err)
{
  if (state->complete == 1 && na_h5_has(file, "momentum")) return NA_OK;
  na_fail(err, NA_EUNSUPPORTED, "does not hold all that a training needs to go on");
  return na_hint(err, "it was exported, or written by an older program; resume from another one");
}

int na_checkpoint_resume(const char *path, na_net *net, na_checkpoint *state, na_error *err)
{
  na_h5 *file = NULL;
  na_checkpoint read = {0};
  int code = open_checkpoint(path, &file, &read, err);
  if (code == NA_OK) code = check_complete(file, &read, err);
  if (code == NA_OK) code = check_network(file, net, err);
  bool apart = code == NA_OK && na_h5_has(file, "running");
  if (apart) code = check_section(file, running_of(net, net->running), err);
  if (code == NA_OK) code = load_tensors(file, net, true, err);
  if (code == NA_OK && apart) code = load_section(file, running_of(net, net->running), err);
  code = finish(path, file, code, &read, err);
  if (code == NA_OK) *state = read;
  return code;
}
