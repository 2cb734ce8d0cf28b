/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/base/memory.h"
#include "core/store/checkpoint_fields.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char format_name[] = "netaug checkpoint";
enum { FORMAT_VERSION = 1, NAME_MAX_BYTES = 512 };

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
  if (code == NA_OK) code = na_h5_set_numbers(file, "/", "version", (double[]){FORMAT_VERSION}, 1, err);
  if (code == NA_OK) code = save_net(file, net, err);
  if (code == NA_OK) code = na_checkpoint_save_fields(file, state, err);
  if (code == NA_OK) code = save_section(file, params_of(net), err);
  if (code == NA_OK) code = save_section(file, buffers_of(net), err);
  if (code == NA_OK && with_momentum) code = save_section(file, momentum_of(net), err);
  if (code == NA_OK && state->running != NULL)
    code = save_section(file, running_of(net, state->running), err);
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
  static const char *const attributes[] = {"format", "version", "net"};
  static const char *const members[] = {"params", "buffers", "momentum", "running", "draws"};
  if (attribute && na_checkpoint_is_field(path)) return true;
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
  if (code == NA_OK) code = na_checkpoint_load_fields(*file, state, err);
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
