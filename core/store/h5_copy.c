/* Carrying over what a newer program, or another one, put into a file that is written anew.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, ATTRIBUTE_MAX = 16 << 20 };

typedef struct copier {
  const na_h5 *from, *to;
  const char *group; /* of the members being visited, "" for the root */
  int depth;
} copier;

/* Plain values only: whatever refers to something else in its file would lose it. */
static int is_plain(hid_t type)
{
  H5T_class_t class = H5Tget_class(type);
  return na_h5_is_number(type) || (class == H5T_STRING && H5Tis_variable_str(type) == 0);
}

static void copy_value(hid_t from, hid_t to, const char *name)
{
  hid_t type = H5Aget_type(from), space = H5Aget_space(from);
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  size_t width = type >= 0 ? H5Tget_size(type) : 0;
  if (type >= 0 && count > 0 && width > 0 && is_plain(type) &&
      (size_t)count <= ATTRIBUTE_MAX / width) {
    void *value = malloc((size_t)count * width);
    hid_t made = H5I_INVALID_HID;
    if (value != NULL && H5Aread(from, type, value) >= 0)
      made = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (made >= 0) {
      H5Awrite(made, type, value);
      H5Aclose(made);
    }
    free(value);
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
}

static herr_t copy_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
  const copier *c = context;
  (void)info;
  if (H5Aexists(c->to->id, name) > 0) return 0;
  hid_t from = H5Aopen(object, name, H5P_DEFAULT);
  if (from < 0) return 0;
  copy_value(from, c->to->id, name);
  H5Aclose(from);
  return 0;
}

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

static herr_t copy_member(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  const copier *c = context;
  char path[NA_H5_PATH_MAX];
  H5O_info_t object;
  int length =
      snprintf(path, sizeof path, "%s%s%s", c->group, c->group[0] != '\0' ? "/" : "", name);
  if (info->type != H5L_TYPE_HARD || length >= (int)sizeof path) return 0;
  if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return 0;
  if (object.type == H5O_TYPE_GROUP) {
    copier inside = {c->from, c->to, path, c->depth + 1};
    if (inside.depth < DEPTH_MAX) copy_members(&inside);
  } else if (object.type == H5O_TYPE_DATASET && na_h5_walk(c->to, path) == NA_H5_ABSENT &&
             holds_plain_values(c->from, path) &&
             na_h5_make_parents((na_h5 *)c->to, path, NULL) == NA_OK)
    H5Ocopy(c->from->id, path, c->to->id, path, H5P_DEFAULT, H5P_DEFAULT);
  return 0;
}

static void copy_members(const copier *c)
{
  const char *group = c->group[0] != '\0' ? c->group : "/";
  hid_t id = H5Gopen2(c->from->id, group, H5P_DEFAULT);
  if (id < 0) return;
  H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_member, (void *)c);
  H5Gclose(id);
}

int na_h5_copy_rest(na_h5 *from, na_h5 *to, na_error *err)
{
  copier c = {from, to, "", 0};
  na_h5_lock();
  hid_t root = H5Gopen2(from->id, "/", H5P_DEFAULT);
  if (root >= 0) {
    H5Aiterate2(root, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &c);
    H5Gclose(root);
  }
  copy_members(&c);
  return na_h5_wrote(to, NA_OK, err);
}
