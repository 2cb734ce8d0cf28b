/* Groups, links and what objects are; h5_value.c reads what they hold, h5_type.c knows types.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/object_private.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

const char *na_h5_kind_words(na_h5_kind kind)
{
  static const char *const words[] = {
#define NA_H5_KIND_WORDS(symbol, words) words,
      NA_H5_KINDS(NA_H5_KIND_WORDS)
#undef NA_H5_KIND_WORDS
  };
  return (unsigned)kind < sizeof words / sizeof words[0] ? words[kind] : "unknown object";
}

/* ----------------------------------------------------------------------------- finding */

/* The length of the path's first part, slashes before it skipped. */
static size_t next_part(const char **path)
{
  while (**path == '/') ++*path;
  return strcspn(*path, "/");
}

/* The link called name[length] in a group, which must be a hard one to go on. */
static int step_into(const na_h5 *file, hid_t group, const char *name, size_t length, hid_t *inside,
                     na_error *err)
{
  H5L_info_t info;
  char *part = na_alloc(length + 1);
  if (part == NULL) return na_fail_memory(err, length, "a name");
  memcpy(part, name, length);
  int code = NA_OK;
  *inside = H5I_INVALID_HID;
  if (H5Lexists(group, part, H5P_DEFAULT) <= 0 || H5Lget_info(group, part, &info, H5P_DEFAULT) < 0)
    code = na_h5_fail(file, err, NA_EFORMAT, "has no \"%.200s\"", part);
  else if (info.type != H5L_TYPE_HARD)
    code = na_h5_fail(file, err, NA_EFORMAT, "%.200s is a link, and links are not followed", part);
  else if ((*inside = H5Oopen(group, part, H5P_DEFAULT)) < 0)
    code = na_h5_fail(file, err, NA_EFORMAT, "cannot open \"%.200s\"", part);
  na_free(part);
  return code;
}

/* How much of the kept group's path lies on the way along `length` bytes of path. */
static size_t shared_way(const na_h5 *file, const char *path, size_t length)
{
  size_t kept = file->group_path != NULL ? strlen(file->group_path) : 0;
  if (kept == 0 || kept > length || memcmp(path, file->group_path, kept) != 0) return 0;
  return kept == length || path[kept] == '/' ? kept : 0;
}

static void keep_group(na_h5 *file, const char *path, size_t length, hid_t id)
{
  char *copy = na_alloc(length + 1);
  if (copy == NULL) {
    H5Oclose(id);
    return;
  }
  memcpy(copy, path, length);
  if (file->group >= 0) H5Oclose(file->group);
  na_free(file->group_path);
  file->group = id;
  file->group_path = copy;
}

/* The group that the first `length` bytes of path name. It stays open: siblings and children, which
 * are usually next, are one step away however deep they lie. *id is borrowed. */
static int reach(na_h5 *file, const char *path, size_t length, hid_t *id, na_error *err)
{
  size_t at = shared_way(file, path, length);
  hid_t now = at > 0 ? file->group : H5Oopen(file->id, "/", H5P_DEFAULT);
  int code = now >= 0 ? NA_OK : na_h5_fail(file, err, NA_EFORMAT, "cannot open its root");
  bool owned = at == 0 && now >= 0;
  const char *next = path + at;
  for (size_t part; code == NA_OK && (part = next_part(&next), next < path + length);
       next += part) {
    hid_t inside;
    code = step_into(file, now, next, part, &inside, err);
    if (owned) H5Oclose(now);
    now = inside;
    owned = code == NA_OK;
  }
  if (code != NA_OK) return code;
  if (owned) keep_group(file, path, length, now);
  *id = file->group;
  if (file->group >= 0 && (!owned || file->group == now)) return NA_OK;
  return na_fail_memory(err, length, "a path");
}

void na_h5_drop_objects(na_h5 *file)
{
  if (file->group >= 0) H5Oclose(file->group);
  if (file->values >= 0) H5Dclose(file->values);
  na_free(file->group_path);
  na_free(file->values_path);
  file->group = file->values = H5I_INVALID_HID;
  file->group_path = file->values_path = NULL;
}

int na_h5_parent(na_h5 *file, const char *path, hid_t *group, const char **name, na_error *err)
{
  size_t end = strlen(path), length = end;
  while (length > 0 && path[length - 1] == '/') length--;
  size_t slash = length;
  while (slash > 0 && path[slash - 1] != '/') slash--;
  *name = path + (length > 0 ? slash : end);
  while (slash > 0 && path[slash - 1] == '/') slash--;
  return reach(file, path, slash, group, err);
}

int na_h5_open_object(na_h5 *file, const char *path, hid_t *id, na_error *err)
{
  hid_t group;
  const char *name;
  *id = H5I_INVALID_HID;
  int code = na_h5_parent(file, path, &group, &name, err);
  if (code != NA_OK) return code;
  if (name[0] != '\0') return step_into(file, group, name, strcspn(name, "/"), id, err);
  *id = H5Oopen(group, ".", H5P_DEFAULT);
  return *id >= 0 ? NA_OK : na_h5_fail(file, err, NA_EFORMAT, "cannot open %.200s", path);
}

/* ----------------------------------------------------------------------------- listing */

typedef struct lister {
  na_h5_member *members;
  size_t count, capacity, total;
  na_buffer texts;
  bool failed;
} lister;

static int kind_of(H5O_type_t type)
{
  switch (type) {
  case H5O_TYPE_GROUP: return NA_H5_KIND_GROUP;
  case H5O_TYPE_DATASET: return NA_H5_KIND_DATASET;
  case H5O_TYPE_NAMED_DATATYPE: return NA_H5_KIND_TYPE;
  default: return NA_H5_KIND_STRANGE;
  }
}

/* Appends where a link points to. */
static void add_target(hid_t group, const char *name, const H5L_info_t *info, na_buffer *out)
{
  enum { MOST = 64 << 10 };
  size_t size = info->u.val_size;
  char *value = size > 0 && size <= MOST ? na_alloc(size + 1) : NULL;
  const char *place = NULL, *path = NULL;
  unsigned flags;
  if (value == NULL || H5Lget_val(group, name, value, size, H5P_DEFAULT) < 0)
    na_buffer_add(out, "?");
  else if (info->type == H5L_TYPE_SOFT) na_buffer_add(out, "%s", value);
  else if (info->type == H5L_TYPE_EXTERNAL &&
           H5Lunpack_elink_val(value, size, &flags, &place, &path) >= 0)
    na_buffer_add(out, "%s:%s", place, path);
  na_free(value);
}

static int link_kind(H5L_type_t type)
{
  return type == H5L_TYPE_SOFT       ? NA_H5_KIND_SOFT
         : type == H5L_TYPE_EXTERNAL ? NA_H5_KIND_EXTERNAL
                                     : NA_H5_KIND_STRANGE;
}

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  lister *l = context;
  void *members = l->members;
  l->total++;
  if (l->texts.length + l->count * sizeof *l->members + strlen(name) > NA_H5_FLAT_MOST - 4096)
    return 0;
  if (l->texts.failed || na_grow(&members, l->count, &l->capacity, sizeof *l->members) != 0) {
    l->failed = true;
    return -1;
  }
  l->members = members;
  na_h5_member m = {.kind = link_kind(info->type), .name = l->texts.length};
  na_buffer_add(&l->texts, "%s%c", name, '\0');
  m.target = l->texts.length;
  if (info->type == H5L_TYPE_HARD) {
    H5O_info_t object;
    m.kind = NA_H5_KIND_STRANGE;
    m.address = info->u.address;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) >= 0)
      m.kind = kind_of(object.type);
  } else {
    add_target(group, name, info, &l->texts);
  }
  na_buffer_add(&l->texts, "%c", '\0');
  l->members[l->count++] = m;
  return 0;
}

/* One block: the members, then the texts, which the members find by their distance from its start. */
static int pack(const lister *l, na_h5_list **list, na_error *err)
{
  size_t head = sizeof **list + l->count * sizeof l->members[0];
  na_h5_list *made = na_alloc(head + l->texts.length + 1);
  if (made == NULL) return na_fail_memory(err, head + l->texts.length, "a list of names");
  *made = (na_h5_list){.bytes = head + l->texts.length + 1, .count = l->count, .total = l->total};
  if (l->count > 0) memcpy(made->members, l->members, l->count * sizeof l->members[0]);
  if (l->texts.length > 0) memcpy((char *)made + head, l->texts.data, l->texts.length);
  for (size_t i = 0; i < l->count; i++) {
    made->members[i].name += head;
    made->members[i].target += head;
  }
  *list = made;
  return NA_OK;
}

static int list_group(na_h5 *file, const char *path, na_h5_list **list, na_error *err)
{
  lister l = {.members = NULL};
  hid_t group;
  int code = na_h5_open_object(file, path, &group, err);
  if (code != NA_OK) return code;
  if (H5Iget_type(group) != H5I_GROUP)
    code = na_h5_fail(file, err, NA_EFORMAT, "%.200s is not a group", path);
  else if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_member, &l) < 0)
    code = l.failed ? na_fail_memory(err, l.texts.length, "a list of names")
                    : na_h5_fail(file, err, NA_EFORMAT, "cannot list the group %.200s", path);
  H5Oclose(group);
  if (code == NA_OK) code = pack(&l, list, err);
  na_free(l.members);
  na_free(l.texts.data);
  return code;
}

int na_h5_list_group(na_h5 *file, const char *path, na_h5_list **list, na_error *err)
{
  *list = NULL;
  na_h5_lock();
  int code = list_group(file, path, list, err);
  na_h5_unlock();
  return code;
}

const char *na_h5_member_name(const na_h5_list *list, size_t i)
{
  return (const char *)list + list->members[i].name;
}

const char *na_h5_member_target(const na_h5_list *list, size_t i)
{
  return (const char *)list + list->members[i].target;
}

/* -------------------------------------------------------------------------- describing */

static void describe_layout(hid_t list, na_h5_about *about)
{
  static const char *const layouts[] = {"compact", "contiguous", "chunked", "virtual"};
  H5D_layout_t layout = H5Pget_layout(list);
  bool outside = H5Pget_external_count(list) > 0;
  const char *words = outside ? "external" : layout >= 0 && layout < 4 ? layouts[layout] : "?";
  snprintf(about->layout, sizeof about->layout, "%s", words);
  if (outside || layout == H5D_VIRTUAL)
    snprintf(about->trouble, sizeof about->trouble,
             "its values lie in other files, which are not opened");
  if (layout != H5D_CHUNKED) return;
  hsize_t dims[NA_H5_RANK_MOST];
  int rank = H5Pget_chunk(list, NA_H5_RANK_MOST, dims);
  for (int i = 0; i < rank && i < NA_H5_RANK_MOST; i++) about->chunk[i] = (long long)dims[i];
}

static void describe_filters(hid_t list, na_h5_about *about)
{
  int count = H5Pget_nfilters(list);
  size_t used = 0;
  for (int i = 0; i < count && used < sizeof about->filters; i++) {
    unsigned flags, values[8] = {0}, config;
    size_t room = 8;
    char name[40] = "";
    H5Z_filter_t id =
        H5Pget_filter2(list, (unsigned)i, &flags, &room, values, sizeof name, name, &config);
    char digits[16] = "";
    if (id == H5Z_FILTER_DEFLATE) snprintf(digits, sizeof digits, " %u", values[0]);
    if (name[0] == '\0') snprintf(name, sizeof name, "filter %d", (int)id);
    used += (size_t)snprintf(about->filters + used, sizeof about->filters - used, "%s%.30s%s",
                             i > 0 ? ", " : "", name, digits);
    if (id < 0 || H5Zfilter_avail(id) > 0 || about->trouble[0] != '\0') continue;
    snprintf(about->trouble, sizeof about->trouble, "they are packed with %.40s, which is not here",
             name);
  }
}

static int describe_shape(const na_h5 *file, hid_t id, const char *path, na_h5_about *about,
                          na_error *err)
{
  hsize_t dims[NA_H5_RANK_MOST] = {0}, most[NA_H5_RANK_MOST] = {0};
  hid_t space = H5Dget_space(id);
  H5S_class_t kind = space >= 0 ? H5Sget_simple_extent_type(space) : H5S_NO_CLASS;
  int rank = kind == H5S_NULL       ? -1
             : kind == H5S_NO_CLASS ? -2
                                    : H5Sget_simple_extent_dims(space, dims, most);
  if (space >= 0) H5Sclose(space);
  if (rank < -1 || (rank < 0 && kind != H5S_NULL) || rank > NA_H5_RANK_MOST)
    return na_h5_fail(file, err, NA_EFORMAT, "cannot read the shape of %.200s", path);
  about->rank = rank;
  about->count = rank >= 0;
  for (int i = 0; i < rank; i++) {
    if (dims[i] > INT64_MAX)
      return na_h5_fail(file, err, NA_EFORMAT, "%.200s claims an impossible size", path);
    about->dims[i] = (long long)dims[i];
    about->most[i] = most[i] == H5S_UNLIMITED || most[i] > INT64_MAX ? -1 : (long long)most[i];
    about->count *= (double)dims[i];
  }
  return NA_OK;
}

/* Those that fit. */
static void describe_fields(hid_t type, na_h5_about *about)
{
  int count = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_nmembers(type) : 0;
  size_t used = 0;
  for (int i = 0; i < count; i++) {
    char *name = H5Tget_member_name(type, (unsigned)i);
    hid_t inside = H5Tget_member_type(type, (unsigned)i);
    if (name != NULL && inside >= 0 && na_h5_is_numeric(inside) &&
        used + strlen(name) + 2 <= sizeof about->fields)
      used += (size_t)snprintf(about->fields + used, sizeof about->fields - used, "%s\n", name);
    if (inside >= 0) H5Tclose(inside);
    H5free_memory(name);
  }
}

static void describe_type(hid_t type, na_h5_about *about)
{
  describe_fields(type, about);
  na_buffer text = {0};
  na_h5_type_text(type, &text);
  snprintf(about->type, sizeof about->type, "%s", text.data != NULL ? text.data : "?");
  na_free(text.data);
  about->item = H5Tget_size(type);
  about->numbers = na_h5_is_numeric(type);
  about->whole = about->numbers && H5Tget_class(type) != H5T_FLOAT;
}

static int describe_dataset(const na_h5 *file, hid_t id, const char *path, na_h5_about *about,
                            na_error *err)
{
  hid_t type = H5Dget_type(id), list = H5Dget_create_plist(id);
  int code = type >= 0 && list >= 0
                 ? describe_shape(file, id, path, about, err)
                 : na_h5_fail(file, err, NA_EFORMAT, "cannot read the dataset %.200s", path);
  if (code == NA_OK) {
    describe_layout(list, about);
    describe_filters(list, about);
    describe_type(type, about);
    about->stored = (double)H5Dget_storage_size(id);
    if (about->trouble[0] != '\0') about->numbers = false;
    if (about->trouble[0] != '\0') about->fields[0] = '\0';
  }
  if (type >= 0) H5Tclose(type);
  if (list >= 0) H5Pclose(list);
  return code;
}

static int describe_object(const na_h5 *file, hid_t id, const char *path, na_h5_about *about,
                           na_error *err)
{
  H5O_info_t info;
  if (H5Oget_info2(id, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0)
    return na_h5_fail(file, err, NA_EFORMAT, "cannot read what %.200s is", path);
  about->kind = kind_of(info.type);
  about->address = info.addr;
  about->links = info.rc;
  about->attributes = (long long)info.num_attrs;
  if (about->kind == NA_H5_KIND_DATASET) return describe_dataset(file, id, path, about, err);
  if (about->kind == NA_H5_KIND_TYPE) describe_type(id, about);
  H5G_info_t group;
  if (about->kind == NA_H5_KIND_GROUP && H5Gget_info(id, &group) >= 0)
    about->members = (long long)group.nlinks;
  return NA_OK;
}

/* True when a soft link leads to an object by hard links only. */
static bool leads_somewhere(na_h5 *file, const char *path, const char *name, const char *target)
{
  na_buffer full = {0};
  hid_t id = H5I_INVALID_HID;
  if (target[0] != '/') na_buffer_add(&full, "%.*s", (int)(name - path), path);
  na_buffer_add(&full, "%s", target);
  bool good = !full.failed && na_h5_open_object(file, full.data, &id, NULL) == NA_OK;
  if (good) H5Oclose(id);
  na_free(full.data);
  return good;
}

/* A link that is not followed describes itself. False for a hard link. */
static bool describe_link(na_h5 *file, const char *path, na_h5_about *about)
{
  H5L_info_t info;
  hid_t group;
  const char *name;
  na_buffer target = {0};
  if (na_h5_parent(file, path, &group, &name, NULL) != NA_OK || name[0] == '\0') return false;
  if (H5Lexists(group, name, H5P_DEFAULT) <= 0 || H5Lget_info(group, name, &info, H5P_DEFAULT) < 0)
    return false;
  if (info.type == H5L_TYPE_HARD) return false;
  about->kind = link_kind(info.type);
  add_target(group, name, &info, &target);
  snprintf(about->target, sizeof about->target, "%s", target.data != NULL ? target.data : "?");
  about->dangling =
      about->kind == NA_H5_KIND_SOFT && !leads_somewhere(file, path, name, about->target);
  na_free(target.data);
  return true;
}

int na_h5_describe(na_h5 *file, const char *path, na_h5_about *about, na_error *err)
{
  hid_t id;
  int code = NA_OK;
  *about = (na_h5_about){.rank = -1};
  na_h5_lock();
  if (!describe_link(file, path, about)) {
    code = na_h5_open_object(file, path, &id, err);
    if (code == NA_OK) {
      code = describe_object(file, id, path, about, err);
      H5Oclose(id);
    }
  }
  na_h5_unlock();
  return code;
}
