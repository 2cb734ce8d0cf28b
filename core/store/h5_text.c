/* Rows of text: one-dimensional extendable datasets of fixed-length UTF-8 strings.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"
#include "core/base/memory.h"

#include <string.h>

enum { WIDTH_MAX = 1 << 16, ROWS_MAX = 1 << 24 };

static hid_t text_type(size_t width)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, width) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
      H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    return type;
  if (type >= 0) H5Tclose(type);
  return H5I_INVALID_HID;
}

static int make_texts(na_h5 *file, const char *path, size_t width, long long chunk, na_error *err)
{
  hsize_t none[1] = {0}, most[1] = {H5S_UNLIMITED}, piece[1] = {(hsize_t)chunk};
  int code = na_h5_make_parents(file, path, err);
  if (code != NA_OK) return code;
  hid_t type = text_type(width), space = H5Screate_simple(1, none, most);
  hid_t list = H5Pcreate(H5P_DATASET_CREATE), id = H5I_INVALID_HID;
  if (list >= 0) H5Pset_chunk(list, 1, piece);
  if (type >= 0 && space >= 0 && list >= 0)
    id = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (id < 0) code = na_h5_fail(file, err, NA_EIO, "cannot make the dataset %s", path);
  if (id >= 0) H5Dclose(id);
  if (list >= 0) H5Pclose(list);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return code;
}

int na_h5_extendable_texts(na_h5 *file, const char *path, size_t width, long long chunk,
                           na_error *err)
{
  if (width < 1 || width > WIDTH_MAX || chunk < 1)
    return na_fail(err, NA_EINVAL, "%s: width or chunk out of range", path);
  na_h5_lock();
  int code = make_texts(file, path, width, chunk, err);
  return na_h5_wrote(file, code, err);
}

/* An open dataset of strings. */
typedef struct column {
  hid_t id, type;
  hsize_t rows;
  size_t width;
} column;

static void close_column(column *c)
{
  if (c->type >= 0) H5Tclose(c->type);
  if (c->id >= 0) H5Dclose(c->id);
}

/* What a file claims is checked: one dimension of fixed-length strings, stored here. */
static int measure(const na_h5 *file, const char *path, column *c, na_error *err)
{
  hid_t space = H5Dget_space(c->id), list = H5Dget_create_plist(c->id);
  int good = space >= 0 && list >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE &&
             H5Sget_simple_extent_ndims(space) == 1 && H5Pget_layout(list) == H5D_CHUNKED &&
             H5Tget_class(c->type) == H5T_STRING && H5Tis_variable_str(c->type) == 0;
  if (good) {
    H5Sget_simple_extent_dims(space, &c->rows, NULL);
    c->width = H5Tget_size(c->type);
  }
  if (space >= 0) H5Sclose(space);
  if (list >= 0) H5Pclose(list);
  if (good && c->width <= WIDTH_MAX && c->rows <= ROWS_MAX) return NA_OK;
  return na_h5_fail(file, err, NA_EFORMAT, "%s is not a column of texts", path);
}

static int open_column(const na_h5 *file, const char *path, column *c, na_error *err)
{
  *c = (column){.id = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  if (na_h5_walk(file, path) != NA_H5_PRESENT)
    return na_h5_fail(file, err, NA_EFORMAT, "has no dataset %s", path);
  c->id = H5Dopen2(file->id, path, H5P_DEFAULT);
  if (c->id >= 0) c->type = H5Dget_type(c->id);
  int code = c->type >= 0 ? measure(file, path, c, err)
                          : na_h5_fail(file, err, NA_EFORMAT, "cannot open the dataset %s", path);
  if (code != NA_OK) close_column(c);
  return code;
}

static int move_row(column *c, hsize_t row, char *padded, int writing)
{
  hsize_t one[1] = {1};
  hid_t memory = H5Screate_simple(1, one, NULL), disk = H5Dget_space(c->id);
  int good = memory >= 0 && disk >= 0 &&
             H5Sselect_hyperslab(disk, H5S_SELECT_SET, &row, NULL, one, NULL) >= 0;
  if (good && writing) good = H5Dwrite(c->id, c->type, memory, disk, H5P_DEFAULT, padded) >= 0;
  if (good && !writing) good = H5Dread(c->id, c->type, memory, disk, H5P_DEFAULT, padded) >= 0;
  if (memory >= 0) H5Sclose(memory);
  if (disk >= 0) H5Sclose(disk);
  return good;
}

static int append_text(na_h5 *file, const char *path, const char *text, na_error *err)
{
  column c;
  int code = open_column(file, path, &c, err);
  if (code != NA_OK) return code;
  char *padded = na_alloc(c.width);
  hsize_t more = c.rows + 1;
  if (padded == NULL) {
    close_column(&c);
    return na_fail_memory(err, c.width, "a text");
  }
  memcpy(padded, text, strnlen(text, c.width));
  if (H5Dset_extent(c.id, &more) < 0 || !move_row(&c, c.rows, padded, 1))
    code = na_h5_fail(file, err, NA_EIO, "cannot write %s", path);
  na_free(padded);
  close_column(&c);
  return code;
}

int na_h5_append_text(na_h5 *file, const char *path, const char *text, na_error *err)
{
  na_h5_lock();
  int code = append_text(file, path, text, err);
  return na_h5_wrote(file, code, err);
}

static int count_texts(na_h5 *file, const char *path, long long *rows, na_error *err)
{
  column c;
  int code = open_column(file, path, &c, err);
  if (code != NA_OK) return code;
  *rows = (long long)c.rows;
  close_column(&c);
  return NA_OK;
}

int na_h5_count_texts(na_h5 *file, const char *path, long long *rows, na_error *err)
{
  na_h5_lock();
  int code = count_texts(file, path, rows, err);
  na_h5_unlock();
  return code;
}

static int read_text(na_h5 *file, const char *path, long long row, char **text, na_error *err)
{
  column c;
  int code = open_column(file, path, &c, err);
  if (code != NA_OK) return code;
  if (row < 0 || (hsize_t)row >= c.rows)
    code = na_h5_fail(file, err, NA_ESHAPE, "%s has %llu rows, no row %lld", path,
                      (unsigned long long)c.rows, row);
  if (code == NA_OK && (*text = na_alloc(c.width + 1)) == NULL)
    code = na_fail_memory(err, c.width, "a text");
  if (code == NA_OK && !move_row(&c, (hsize_t)row, *text, 0)) {
    code = na_h5_fail(file, err, NA_EIO, "cannot read %s", path);
    na_free(*text);
    *text = NULL;
  }
  close_column(&c);
  return code;
}

int na_h5_read_text(na_h5 *file, const char *path, long long row, char **text, na_error *err)
{
  *text = NULL;
  na_h5_lock();
  int code = read_text(file, path, row, text, err);
  na_h5_unlock();
  return code;
}
