/* Carrying over what a newer program, or another one, put into a file that is written anew.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, ATTRIBUTE_MAX = 16 << 20 };

typedef struct copier {
  const na_h5 *from, *to;
  bool (*ours)(const char *path, bool attribute);
  const char *group; /* of the members being visited, "" for the root */
  int depth;
} copier;

/* "GROUP/name", or "name" in the root; false: it is too long. */
static bool join(char path[NA_H5_PATH_MAX], const copier *c, const char *name)
{
  const char *slash = c->group[0] != '\0' ? "/" : "";
  return snprintf(path, NA_H5_PATH_MAX, "%s%s%s", c->group, slash, name) < NA_H5_PATH_MAX;
}

/* Numbers and strings only: whatever refers to something else in its file would lose it. */
static int is_plain(hid_t type)
{
  return na_h5_is_number(type) || H5Tget_class(type) == H5T_STRING;
}

/* ------------------------------------------------------------------------------ attributes */

static void copy_value(hid_t from, hid_t to, const char *name)
{
  hid_t type = H5Aget_type(from), space = H5Aget_space(from);
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  size_t width = type >= 0 ? H5Tget_size(type) : 0;
  if (type >= 0 && count > 0 && width > 0 && is_plain(type) &&
      (size_t)count <= ATTRIBUTE_MAX / width) {
    void *value = calloc((size_t)count, width);
    bool read = value != NULL && H5Aread(from, type, value) >= 0;
    hid_t made =
        read ? H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : H5I_INVALID_HID;
    if (made >= 0) {
      H5Awrite(made, type, value);
      H5Aclose(made);
    }
    if (read && H5Tis_variable_str(type) > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    free(value);
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
}

typedef struct attribute_copier {
  const copier *c;
  hid_t to;
} attribute_copier;

static herr_t copy_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
  const attribute_copier *a = context;
  char path[NA_H5_PATH_MAX];
  (void)info;
  if (H5Aexists(a->to, name) > 0 || !join(path, a->c, name)) return 0;
  if (a->c->ours != NULL && a->c->ours(path, true)) return 0;
  hid_t from = H5Aopen(object, name, H5P_DEFAULT);
  if (from < 0) return 0;
  copy_value(from, a->to, name);
  H5Aclose(from);
  return 0;
}

/* Those of the group being visited. */
static void copy_attributes(const copier *c, hid_t from)
{
  hid_t to = H5Gopen2(c->to->id, c->group[0] != '\0' ? c->group : "/", H5P_DEFAULT);
  attribute_copier a = {c, to};
  if (to < 0) return;
  H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &a);
  H5Gclose(to);
}

/* ------------------------------------------------------------------------------ members */

static int holds_plain_values(const na_h5 *file, const char *path)
{
  hid_t id = H5Dopen2(file->id, path, H5P_DEFAULT);
  if (id < 0) return 0;
  hid_t type = H5Dget_type(id), list = H5Dget_create_plist(id);
  int plain = type >= 0 && list >= 0 && is_plain(type) && H5Pget_layout(list) != H5D_VIRTUAL &&
              H5Pget_external_count(list) == 0;
  if (list >= 0) H5Pclose(list);
  if (type >= 0) H5Tclose(type);
  H5Dclose(id);
  return plain;
}

static void copy_members(const copier *c);

static bool is_missing(const copier *c, const char *path)
{
  return na_h5_walk(c->to, path) == NA_H5_ABSENT && (c->ours == NULL || !c->ours(path, false));
}

static void copy_dataset(const copier *c, const char *path)
{
  if (is_missing(c, path) && holds_plain_values(c->from, path))
    H5Ocopy(c->from->id, path, c->to->id, path, H5P_DEFAULT, H5P_DEFAULT);
}

/* A group that has a counterpart may have members without one. */
static void copy_group(const copier *c, const char *path)
{
  copier inside = {c->from, c->to, c->ours, path, c->depth + 1};
  if (inside.depth >= DEPTH_MAX) return;
  if (is_missing(c, path) && na_h5_make_group((na_h5 *)c->to, path, NULL) != NA_OK) return;
  if (na_h5_walk(c->to, path) == NA_H5_PRESENT) copy_members(&inside);
}

static herr_t copy_member(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  const copier *c = context;
  char path[NA_H5_PATH_MAX];
  H5O_info_t object;
  if (info->type != H5L_TYPE_HARD || !join(path, c, name)) return 0;
  if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return 0;
  if (object.type == H5O_TYPE_GROUP) copy_group(c, path);
  if (object.type == H5O_TYPE_DATASET) copy_dataset(c, path);
  return 0;
}

static void copy_members(const copier *c)
{
  hid_t id = H5Gopen2(c->from->id, c->group[0] != '\0' ? c->group : "/", H5P_DEFAULT);
  if (id < 0) return;
  copy_attributes(c, id);
  H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_member, (void *)c);
  H5Gclose(id);
}

int na_h5_copy_rest(na_h5 *from, na_h5 *to, bool (*ours)(const char *path, bool attribute),
                    na_error *err)
{
  copier c = {from, to, ours, "", 0};
  na_h5_lock();
  copy_members(&c);
  return na_h5_wrote(to, NA_OK, err);
}
