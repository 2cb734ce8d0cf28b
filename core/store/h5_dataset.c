/* Datasets: arrays of numbers, read and written as a whole or row by row.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"
#include "core/base/memory.h"

#include <string.h>

static hid_t memory_type(na_h5_type type)
{
  switch (type) {
  case NA_H5_FLOAT: return H5T_NATIVE_FLOAT;
  case NA_H5_DOUBLE: return H5T_NATIVE_DOUBLE;
  case NA_H5_INT32: return H5T_NATIVE_INT32;
  case NA_H5_INT64: return H5T_NATIVE_INT64;
  case NA_H5_UINT8: return H5T_NATIVE_UINT8;
  }
  return H5I_INVALID_HID;
}

static hid_t file_type(na_h5_type type)
{
  switch (type) {
  case NA_H5_FLOAT: return H5T_IEEE_F32LE;
  case NA_H5_DOUBLE: return H5T_IEEE_F64LE;
  case NA_H5_INT32: return H5T_STD_I32LE;
  case NA_H5_INT64: return H5T_STD_I64LE;
  case NA_H5_UINT8: return H5T_STD_U8LE;
  }
  return H5I_INVALID_HID;
}

int na_h5_is_number(hid_t type)
{
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
  case H5T_INTEGER:
    return size <= 8 && H5Tget_offset(type) == 0 && H5Tget_precision(type) == 8 * size;
  case H5T_FLOAT:
    return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
           H5Tequal(type, H5T_IEEE_F32BE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
  default: return 0;
  }
}

/* ------------------------------------------------------------- opening what a file claims */

/* A dataset may keep its values in other files, by name. Those are not ours to open. */
static int stays_inside(const na_h5 *file, hid_t id, const char *path, na_error *err)
{
  hid_t list = H5Dget_create_plist(id);
  if (list < 0) return na_h5_fail(file, err, NA_EFORMAT, "cannot read the dataset %s", path);
  int outside = H5Pget_layout(list) == H5D_VIRTUAL || H5Pget_external_count(list) != 0;
  H5Pclose(list);
  if (!outside) return NA_OK;
  return na_h5_fail(file, err, NA_EFORMAT, "the dataset %s refers to other files", path);
}

typedef struct shape {
  int rank;
  hsize_t dims[NA_H5_RANK_MAX];
  hsize_t count; /* elements */
} shape;

static int read_shape(const na_h5 *file, hid_t id, const char *path, shape *out, na_error *err)
{
  hid_t space = H5Dget_space(id);
  if (space < 0) return na_h5_fail(file, err, NA_EFORMAT, "cannot read the shape of %s", path);
  int code = NA_OK;
  out->rank = H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
  if (out->rank < 0 || out->rank > NA_H5_RANK_MAX)
    code = na_h5_fail(file, err, NA_EFORMAT, "%s has %s dimensions", path,
                      out->rank < 0 ? "no" : "too many");
  else H5Sget_simple_extent_dims(space, out->dims, NULL);
  H5Sclose(space);
  out->count = 1;
  for (int i = 0; code == NA_OK && i < out->rank; i++)
    if (__builtin_mul_overflow(out->count, out->dims[i], &out->count) || out->count > INT64_MAX / 8)
      code = na_h5_fail(file, err, NA_EFORMAT, "%s claims an impossible size", path);
  return code;
}

/* A few bytes can claim terabytes. Deflate, the strongest filter in use, packs 1032 to 1. */
static int has_claimed(const na_h5 *file, hid_t id, const char *path, const shape *size,
                       na_error *err)
{
  enum { BEST_RATIO = 1032 };
  hsize_t stored = H5Dget_storage_size(id);
  if (size->count / BEST_RATIO <= stored && (size->count == 0 || stored != 0)) return NA_OK;
  return na_h5_fail(file, err, NA_EFORMAT, "%s claims %llu values, but stores only %llu bytes",
                    path, (unsigned long long)size->count, (unsigned long long)stored);
}

static int check_dataset(const na_h5 *file, hid_t id, const char *path, na_error *err)
{
  shape size;
  hid_t type = H5Dget_type(id);
  int numbers = type >= 0 && na_h5_is_number(type);
  if (type >= 0) H5Tclose(type);
  if (!numbers) return na_h5_fail(file, err, NA_EFORMAT, "the dataset %s does not hold numbers", path);
  int code = stays_inside(file, id, path, err);
  if (code == NA_OK) code = read_shape(file, id, path, &size, err);
  if (code == NA_OK && !file->writing) code = has_claimed(file, id, path, &size, err);
  return code;
}

/* Opens and checks; *id is closed by the caller. */
static int open_dataset(const na_h5 *file, const char *path, hid_t *id, na_error *err)
{
  *id = H5I_INVALID_HID;
  na_h5_found found = na_h5_walk(file, path);
  if (found == NA_H5_ABSENT) return na_h5_fail(file, err, NA_EFORMAT, "has no dataset %s", path);
  if (found == NA_H5_LINKED)
    return na_h5_fail(file, err, NA_EFORMAT, "%s is a link, and links are not followed", path);
  hid_t opened = H5Dopen2(file->id, path, H5P_DEFAULT);
  if (opened < 0) return na_h5_fail(file, err, NA_EFORMAT, "cannot open the dataset %s", path);
  int code = check_dataset(file, opened, path, err);
  if (code == NA_OK) *id = opened;
  else H5Dclose(opened);
  return code;
}

static void drop_slot(na_h5 *file, int slot)
{
  if (file->kept[slot].id < 0) return;
  H5Dclose(file->kept[slot].id);
  na_free(file->kept[slot].path);
  file->kept[slot].id = H5I_INVALID_HID;
  file->kept[slot].path = NULL;
}

void na_h5_drop_kept(na_h5 *file)
{
  for (int i = 0; i < NA_H5_KEPT; i++) drop_slot(file, i);
}

/* Like open_dataset, but the file keeps *id. */
static int open_kept(na_h5 *file, const char *path, hid_t *id, na_error *err)
{
  for (int i = 0; i < NA_H5_KEPT; i++) {
    if (file->kept[i].id < 0 || strcmp(path, file->kept[i].path) != 0) continue;
    *id = file->kept[i].id;
    return NA_OK;
  }
  int slot = file->next_kept;
  drop_slot(file, slot);
  char *name = na_strdup(path);
  if (name == NULL) return na_fail_memory(err, strlen(path), "a dataset's name");
  int code = open_dataset(file, path, id, err);
  if (code != NA_OK) {
    na_free(name);
    return code;
  }
  file->kept[slot].id = *id;
  file->kept[slot].path = name;
  file->next_kept = (slot + 1) % NA_H5_KEPT;
  return NA_OK;
}

/* ------------------------------------------------------------------------------ reading */

int na_h5_shape(na_h5 *file, const char *path, int *rank, long long dims[NA_H5_RANK_MAX],
                na_error *err)
{
  shape size;
  hid_t id;
  na_h5_lock();
  int code = open_dataset(file, path, &id, err);
  if (code == NA_OK) {
    code = read_shape(file, id, path, &size, err);
    H5Dclose(id);
  }
  na_h5_unlock();
  if (code != NA_OK) return code;
  *rank = size.rank;
  for (int i = 0; i < size.rank; i++) dims[i] = (long long)size.dims[i];
  return NA_OK;
}

static int read_whole(const na_h5 *file, hid_t id, const char *path, na_h5_type type, void *out,
                      size_t count, na_error *err)
{
  shape size;
  int code = read_shape(file, id, path, &size, err);
  if (code != NA_OK) return code;
  if (size.count != count)
    return na_h5_fail(file, err, NA_ESHAPE, "%s holds %llu values, expected %llu", path,
                      (unsigned long long)size.count, (unsigned long long)count);
  if (count == 0) return NA_OK;
  if (H5Dread(id, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0) return NA_OK;
  return na_h5_fail(file, err, NA_EIO, "cannot read %s", path);
}

int na_h5_read(na_h5 *file, const char *path, na_h5_type type, void *out, size_t count,
               na_error *err)
{
  hid_t id;
  na_h5_lock();
  int code = open_dataset(file, path, &id, err);
  if (code == NA_OK) {
    code = read_whole(file, id, path, type, out, count, err);
    H5Dclose(id);
  }
  na_h5_unlock();
  return code;
}

/* Rows first .. first+rows-1 of an open dataset, into memory or from it. */
typedef struct slab {
  hid_t id;
  const char *path;
  shape size;
  na_h5_type type;
  hsize_t first, rows;
  void *into;
  const void *from;
} slab;

static herr_t transfer(const slab *part, hid_t memory, hid_t disk)
{
  hid_t type = memory_type(part->type);
  if (part->into != NULL) return H5Dread(part->id, type, memory, disk, H5P_DEFAULT, part->into);
  return H5Dwrite(part->id, type, memory, disk, H5P_DEFAULT, part->from);
}

static int move_rows(const na_h5 *file, const slab *part, na_error *err)
{
  hsize_t start[NA_H5_RANK_MAX] = {part->first}, count[NA_H5_RANK_MAX] = {part->rows};
  for (int i = 1; i < part->size.rank; i++) count[i] = part->size.dims[i];
  hid_t disk = H5Dget_space(part->id);
  hid_t memory = H5Screate_simple(part->size.rank, count, NULL);
  int code = NA_OK;
  if (disk < 0 || memory < 0 ||
      H5Sselect_hyperslab(disk, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
      transfer(part, memory, disk) < 0)
    code = na_h5_fail(file, err, NA_EIO, "cannot %s %s", part->into != NULL ? "read" : "write",
                      part->path);
  if (memory >= 0) H5Sclose(memory);
  if (disk >= 0) H5Sclose(disk);
  return code;
}

/* Opens the dataset of a slab and learns its shape. */
static int open_slab(na_h5 *file, slab *part, na_error *err)
{
  int code = open_kept(file, part->path, &part->id, err);
  if (code == NA_OK) code = read_shape(file, part->id, part->path, &part->size, err);
  if (code != NA_OK) return code;
  if (part->size.rank >= 1) return NA_OK;
  return na_h5_fail(file, err, NA_ESHAPE, "%s is a single value, not rows", part->path);
}

static int read_rows(na_h5 *file, slab *part, na_error *err)
{
  int code = open_slab(file, part, err);
  if (code != NA_OK) return code;
  hsize_t have = part->size.dims[0];
  if (part->first > have || part->rows > have - part->first)
    return na_h5_fail(file, err, NA_ESHAPE, "%s has %llu rows; %llu from row %llu on are wanted",
                      part->path, (unsigned long long)have, (unsigned long long)part->rows,
                      (unsigned long long)part->first);
  if (part->rows == 0 || part->size.count == 0) return NA_OK;
  return move_rows(file, part, err);
}

int na_h5_read_rows(na_h5 *file, const char *path, na_h5_type type, long long first,
                    long long rows, void *out, na_error *err)
{
  if (first < 0 || rows < 0) return na_fail(err, NA_EINVAL, "%s: negative row number", path);
  slab part = {.path = path, .type = type, .into = out};
  part.first = (hsize_t)first;
  part.rows = (hsize_t)rows;
  na_h5_lock();
  int code = read_rows(file, &part, err);
  na_h5_unlock();
  return code;
}

/* ------------------------------------------------------------------------------ writing */

static int check_new(na_h5 *file, const char *path, int rank, const long long *dims, na_error *err)
{
  if (rank < 0 || rank > NA_H5_RANK_MAX)
    return na_h5_fail(file, err, NA_EINVAL, "%s: rank %d is not supported", path, rank);
  for (int i = 0; i < rank; i++)
    if (dims[i] < 0) return na_h5_fail(file, err, NA_EINVAL, "%s: negative size", path);
  if (na_h5_walk(file, path) != NA_H5_ABSENT)
    return na_h5_fail(file, err, NA_EINVAL, "%s is there already", path);
  return na_h5_make_parents(file, path, err);
}

/* The bytes of one chunk must be below 4 GiB; larger datasets do without a checksum. */
static int fits_chunk(int rank, const hsize_t *dims, hid_t type)
{
  hsize_t bytes = H5Tget_size(type);
  for (int i = 0; i < rank; i++)
    if (__builtin_mul_overflow(bytes, dims[i], &bytes)) return 0;
  return rank > 0 && bytes > 0 && bytes < UINT32_MAX;
}

/* How values lie on disk: in one chunk with a checksum, so that a damaged value is an error instead of
 * a wrong number. */
static hid_t checksummed(int rank, const hsize_t *dims, hid_t type)
{
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  if (list < 0 || !fits_chunk(rank, dims, type)) return list;
  H5Pset_chunk(list, rank, dims);
  if (H5Zfilter_avail(H5Z_FILTER_FLETCHER32) > 0) H5Pset_fletcher32(list);
  return list;
}

/* Makes a dataset; takes over space and list, either of which may be invalid. */
static int make_dataset(const na_h5 *file, const char *path, hid_t type, hid_t space, hid_t list,
                        hid_t *id, na_error *err)
{
  int code = NA_OK;
  *id = H5I_INVALID_HID;
  if (space >= 0 && list >= 0)
    *id = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (*id < 0) code = na_h5_fail(file, err, NA_EIO, "cannot make the dataset %s", path);
  if (list >= 0) H5Pclose(list);
  if (space >= 0) H5Sclose(space);
  return code;
}

static int write_whole(na_h5 *file, const char *path, na_h5_type type, int rank,
                       const long long *dims, const void *data, na_error *err)
{
  int code = check_new(file, path, rank, dims, err);
  if (code != NA_OK) return code;
  hid_t id, stored = file_type(type);
  hsize_t sizes[NA_H5_RANK_MAX], count = 1;
  for (int i = 0; i < rank; i++) count *= sizes[i] = (hsize_t)dims[i];
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes, NULL);
  code = make_dataset(file, path, stored, space, checksummed(rank, sizes, stored), &id, err);
  if (code != NA_OK) return code;
  if (count != 0 && H5Dwrite(id, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    code = na_h5_fail(file, err, NA_EIO, "cannot write %s", path);
  if (H5Dclose(id) < 0 && code == NA_OK)
    code = na_h5_fail(file, err, NA_EIO, "cannot write %s", path);
  return code;
}

int na_h5_write(na_h5 *file, const char *path, na_h5_type type, int rank, const long long *dims,
                const void *data, na_error *err)
{
  na_h5_lock();
  int code = write_whole(file, path, type, rank, dims, data, err);
  return na_h5_wrote(file, code, err);
}

/* Chunks without a checksum: a row is added to a chunk in place while others read it. */
static int make_extendable(na_h5 *file, const char *path, na_h5_type type, int rank,
                           const long long *dims, long long chunk, na_error *err)
{
  if (rank + 1 > NA_H5_RANK_MAX || chunk < 1)
    return na_h5_fail(file, err, NA_EINVAL, "%s: rank or chunk out of range", path);
  int code = check_new(file, path, rank, dims, err);
  if (code != NA_OK) return code;
  hid_t id;
  hsize_t now[NA_H5_RANK_MAX] = {0}, most[NA_H5_RANK_MAX] = {H5S_UNLIMITED};
  hsize_t piece[NA_H5_RANK_MAX] = {(hsize_t)chunk};
  for (int i = 0; i < rank; i++) now[i + 1] = most[i + 1] = piece[i + 1] = (hsize_t)dims[i];
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  if (list >= 0 && H5Pset_chunk(list, rank + 1, piece) < 0) {
    code = na_h5_fail(file, err, NA_EINVAL, "%s: impossible chunk", path);
    H5Pclose(list);
    return code;
  }
  hid_t space = H5Screate_simple(rank + 1, now, most);
  code = make_dataset(file, path, file_type(type), space, list, &id, err);
  if (code == NA_OK) H5Dclose(id);
  return code;
}

int na_h5_extendable(na_h5 *file, const char *path, na_h5_type type, int rank,
                     const long long *dims, long long chunk, na_error *err)
{
  na_h5_lock();
  int code = make_extendable(file, path, type, rank, dims, chunk, err);
  return na_h5_wrote(file, code, err);
}

static int append_rows(na_h5 *file, slab *part, na_error *err)
{
  int code = open_slab(file, part, err);
  if (code != NA_OK) return code;
  hsize_t sizes[NA_H5_RANK_MAX];
  memcpy(sizes, part->size.dims, sizeof sizes);
  part->first = sizes[0];
  sizes[0] += part->rows;
  if (H5Dset_extent(part->id, sizes) < 0)
    return na_h5_fail(file, err, NA_EIO, "cannot add rows to %s", part->path);
  code = move_rows(file, part, err);
  /* Rows that were not written must not look like rows of zeros. */
  if (code != NA_OK) H5Dset_extent(part->id, part->size.dims);
  return code;
}

int na_h5_append_rows(na_h5 *file, const char *path, na_h5_type type, long long rows,
                      const void *data, na_error *err)
{
  if (rows < 0) return na_fail(err, NA_EINVAL, "%s: negative number of rows", path);
  if (rows == 0) return NA_OK;
  slab part = {.path = path, .type = type, .from = data};
  part.rows = (hsize_t)rows;
  na_h5_lock();
  int code = append_rows(file, &part, err);
  return na_h5_wrote(file, code, err);
}

/* Rows of a chunk: what 64 KiB hold, at least one, at most all. */
static hsize_t packed_rows(int rank, const hsize_t *dims, hid_t type)
{
  enum { CHUNK_BYTES = 64 << 10 };
  hsize_t row = H5Tget_size(type);
  for (int i = 1; i < rank; i++) row *= dims[i];
  hsize_t rows = row > 0 ? CHUNK_BYTES / row : 1;
  return rows < 1 ? 1 : rows > dims[0] ? dims[0] : rows;
}

static int make_packed(na_h5 *file, const char *path, na_h5_type type, int rank,
                       const long long *dims, na_error *err)
{
  enum { LEVEL = 4 };
  int code = check_new(file, path, rank, dims, err);
  if (code != NA_OK) return code;
  hsize_t sizes[NA_H5_RANK_MAX], piece[NA_H5_RANK_MAX];
  for (int i = 0; i < rank; i++) piece[i] = sizes[i] = (hsize_t)dims[i];
  piece[0] = packed_rows(rank, sizes, file_type(type));
  hid_t id, list = H5Pcreate(H5P_DATASET_CREATE);
  if (list >= 0 && fits_chunk(rank, piece, file_type(type))) {
    H5Pset_chunk(list, rank, piece);
    H5Pset_shuffle(list);
    if (H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) H5Pset_deflate(list, LEVEL);
    if (H5Zfilter_avail(H5Z_FILTER_FLETCHER32) > 0) H5Pset_fletcher32(list);
  }
  code = make_dataset(file, path, file_type(type), H5Screate_simple(rank, sizes, NULL), list, &id,
                      err);
  if (code == NA_OK) H5Dclose(id);
  return code;
}

int na_h5_packed(na_h5 *file, const char *path, na_h5_type type, int rank, const long long *dims,
                 na_error *err)
{
  if (rank < 1) return na_fail(err, NA_EINVAL, "%s: a packed dataset has rows", path);
  na_h5_lock();
  int code = make_packed(file, path, type, rank, dims, err);
  return na_h5_wrote(file, code, err);
}

static int write_rows(na_h5 *file, slab *part, na_error *err)
{
  int code = open_slab(file, part, err);
  if (code != NA_OK) return code;
  hsize_t have = part->size.dims[0];
  if (part->first > have || part->rows > have - part->first)
    return na_h5_fail(file, err, NA_ESHAPE, "%s has %llu rows", part->path,
                      (unsigned long long)have);
  return move_rows(file, part, err);
}

int na_h5_write_rows(na_h5 *file, const char *path, na_h5_type type, long long first,
                     long long rows, const void *data, na_error *err)
{
  if (first < 0 || rows < 0) return na_fail(err, NA_EINVAL, "%s: negative row number", path);
  if (rows == 0) return NA_OK;
  slab part = {.path = path, .type = type, .from = data};
  part.first = (hsize_t)first;
  part.rows = (hsize_t)rows;
  na_h5_lock();
  int code = write_rows(file, &part, err);
  return na_h5_wrote(file, code, err);
}
