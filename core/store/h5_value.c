/* Parts of datasets as numbers or as text, and attributes as text, whatever their types.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/object_private.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

enum { RAW_MOST = 64 << 20, CACHE_MOST = 64 << 20, CACHE_LEAST = 1 << 20, CACHE_SLOTS = 521 };

/* --------------------------------------------------------------------------------- parts */

void na_h5_part_all(na_h5_part *part, const na_h5_about *about)
{
  *part = (na_h5_part){.rank = about->rank};
  for (int i = 0; i < about->rank; i++) {
    part->count[i] = about->dims[i];
    part->step[i] = 1;
  }
}

long long na_h5_part_count(const na_h5_part *part)
{
  long long count = 1;
  for (int i = 0; i < part->rank; i++)
    if (part->count[i] < 0 || __builtin_mul_overflow(count, part->count[i], &count)) return -1;
  return count;
}

/* Does the part lie within dims? */
static bool lies_within(const na_h5_part *part, const hsize_t *dims)
{
  for (int i = 0; i < part->rank; i++) {
    long long last;
    if (part->first[i] < 0 || part->count[i] < 0 || part->step[i] < 1) return false;
    if (part->count[i] == 0) continue;
    if (__builtin_mul_overflow(part->count[i] - 1, part->step[i], &last) ||
        __builtin_add_overflow(last, part->first[i], &last) || (hsize_t)last >= dims[i])
      return false;
  }
  return true;
}

/* The file's space with the part selected, or an error. */
static int select_part(const na_h5 *file, hid_t id, const char *path, const na_h5_part *part,
                       hid_t *space, na_error *err)
{
  hsize_t dims[NA_H5_RANK_MOST], first[NA_H5_RANK_MOST], count[NA_H5_RANK_MOST],
      step[NA_H5_RANK_MOST];
  *space = H5Dget_space(id);
  if (*space < 0) return na_h5_fail(file, err, NA_EFORMAT, "cannot read the shape of %.200s", path);
  bool null = H5Sget_simple_extent_type(*space) == H5S_NULL;
  if (null || H5Sget_simple_extent_ndims(*space) != part->rank)
    return na_h5_fail(file, err, NA_ESHAPE, "%.200s does not have %d dimensions", path, part->rank);
  H5Sget_simple_extent_dims(*space, dims, NULL);
  if (!lies_within(part, dims))
    return na_h5_fail(file, err, NA_ESHAPE, "that part lies outside of %.200s", path);
  for (int i = 0; i < part->rank; i++) {
    first[i] = (hsize_t)part->first[i];
    count[i] = (hsize_t)part->count[i];
    step[i] = (hsize_t)part->step[i];
  }
  if (part->rank == 0 || H5Sselect_hyperslab(*space, H5S_SELECT_SET, first, step, count, NULL) >= 0)
    return NA_OK;
  return na_h5_fail(file, err, NA_EIO, "cannot select a part of %.200s", path);
}

/* ------------------------------------------------------------------------------- opening */

static int check_values(const na_h5 *file, hid_t id, const char *path, hid_t list, na_error *err)
{
  if (H5Pget_layout(list) == H5D_VIRTUAL || H5Pget_external_count(list) > 0)
    return na_h5_fail(file, err, NA_EFORMAT,
                      "%.200s has its values in other files, which are not opened", path);
  if (H5Pall_filters_avail(list) == 0)
    return na_h5_fail(file, err, NA_EUNSUPPORTED,
                      "%.200s is packed in a way that this HDF5 cannot unpack", path);
  (void)id;
  return NA_OK;
}

/* Room for one of its chunks, as reading a part of one would otherwise unpack it each time. */
static hid_t chunk_cache(hid_t list, hid_t type)
{
  hsize_t dims[NA_H5_RANK_MOST];
  hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  size_t bytes = H5Tget_size(type);
  if (H5Pget_layout(list) != H5D_CHUNKED) return access;
  int rank = H5Pget_chunk(list, NA_H5_RANK_MOST, dims);
  for (int i = 0; i < rank && i < NA_H5_RANK_MOST; i++)
    if (__builtin_mul_overflow(bytes, (size_t)dims[i], &bytes)) return access;
  if (bytes > CACHE_MOST / 4) bytes = CACHE_MOST / 4;
  bytes *= 4;
  if (access >= 0 && bytes > CACHE_LEAST) H5Pset_chunk_cache(access, CACHE_SLOTS, bytes, 0.75);
  return access;
}

/* Opens it once to look, and again with what it needs. */
static int open_fitting(na_h5 *file, const char *path, hid_t *id, na_error *err)
{
  hid_t group, seen;
  const char *name;
  int code = na_h5_open_object(file, path, &seen, err);
  if (code != NA_OK) return code;
  bool dataset = H5Iget_type(seen) == H5I_DATASET;
  hid_t list = dataset ? H5Dget_create_plist(seen) : H5I_INVALID_HID;
  hid_t type = dataset ? H5Dget_type(seen) : H5I_INVALID_HID, access = H5I_INVALID_HID;
  if (!dataset) code = na_h5_fail(file, err, NA_EFORMAT, "%.200s is not a dataset", path);
  else if (list < 0 || type < 0)
    code = na_h5_fail(file, err, NA_EFORMAT, "cannot read %.200s", path);
  else code = check_values(file, seen, path, list, err);
  if (code == NA_OK) {
    access = chunk_cache(list, type);
    H5Oclose(seen); /* the second opening would share the first one's cache */
    code = na_h5_parent(file, path, &group, &name, err);
    if (code == NA_OK && (*id = H5Dopen2(group, name, access >= 0 ? access : H5P_DEFAULT)) < 0)
      code = na_h5_fail(file, err, NA_EFORMAT, "cannot open %.200s", path);
  } else {
    H5Oclose(seen);
  }
  if (access >= 0) H5Pclose(access);
  if (list >= 0) H5Pclose(list);
  if (type >= 0) H5Tclose(type);
  return code;
}

/* The dataset at path, which stays open until another is asked for. */
static int open_values(na_h5 *file, const char *path, hid_t *id, na_error *err)
{
  if (file->values < 0 || strcmp(path, file->values_path) != 0) {
    char *copy = na_strdup(path);
    hid_t opened = H5I_INVALID_HID;
    int code = copy != NULL ? open_fitting(file, path, &opened, err)
                            : na_fail_memory(err, strlen(path), "a path");
    if (code != NA_OK) {
      na_free(copy);
      return code;
    }
    if (file->values >= 0) H5Dclose(file->values);
    na_free(file->values_path);
    file->values = opened;
    file->values_path = copy;
  }
  *id = file->values;
  return NA_OK;
}

/* ------------------------------------------------------------------------------- numbers */

/* The type to read as: doubles, or of a compound one field as doubles. */
static hid_t wanted_type(hid_t type, const char *field)
{
  if (field[0] == '\0')
    return na_h5_is_numeric(type) ? H5Tcopy(H5T_NATIVE_DOUBLE) : H5I_INVALID_HID;
  int index = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_member_index(type, field) : -1;
  hid_t inside = index >= 0 ? H5Tget_member_type(type, (unsigned)index) : H5I_INVALID_HID;
  hid_t wanted = H5I_INVALID_HID;
  if (inside >= 0 && na_h5_is_numeric(inside)) {
    wanted = H5Tcreate(H5T_COMPOUND, sizeof(double));
    if (wanted >= 0) H5Tinsert(wanted, field, 0, H5T_NATIVE_DOUBLE);
  }
  if (inside >= 0) H5Tclose(inside);
  return wanted;
}

static int read_numbers(na_h5 *file, const char *path, const na_h5_part *part, double *out,
                        hsize_t count, na_error *err)
{
  hid_t id, space = H5I_INVALID_HID, memory = H5I_INVALID_HID;
  int code = open_values(file, path, &id, err);
  if (code != NA_OK) return code;
  hid_t type = H5Dget_type(id),
        wanted = type >= 0 ? wanted_type(type, part->field) : H5I_INVALID_HID;
  if (wanted < 0)
    code = na_h5_fail(file, err, NA_EFORMAT, "%.200s %s%.64s does not hold numbers", path,
                      part->field[0] != '\0' ? "field " : "", part->field);
  if (code == NA_OK) code = select_part(file, id, path, part, &space, err);
  if (code == NA_OK && count > 0) {
    memory = H5Screate_simple(1, &count, NULL);
    if (memory < 0 || H5Dread(id, wanted, memory, space, H5P_DEFAULT, out) < 0)
      code = na_h5_fail(file, err, NA_EIO, "cannot read %.200s", path);
  }
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (wanted >= 0) H5Tclose(wanted);
  if (type >= 0) H5Tclose(type);
  return code;
}

int na_h5_part_numbers(na_h5 *file, const char *path, const na_h5_part *part, double *out,
                       size_t room, na_error *err)
{
  long long count = na_h5_part_count(part);
  if (part->rank < 0 || part->rank > NA_H5_RANK_MOST || count < 0 || (size_t)count > room)
    return na_fail(err, NA_ESHAPE, "%.200s: there is no room for that many values", path);
  na_h5_lock();
  int code = read_numbers(file, path, part, out, (hsize_t)count, err);
  na_h5_unlock();
  return code;
}

/* --------------------------------------------------------------------------------- texts */

/* `count` values in memory as texts, each ended by NUL. */
static void add_texts(hid_t file, hid_t type, const char *values, size_t count, size_t each,
                      na_buffer *out)
{
  size_t size = H5Tget_size(type);
  for (size_t i = 0; i < count && out->length < NA_H5_FLAT_MOST / 2; i++) {
    na_buffer text = {0};
    na_h5_value_text(file, type, values + i * size, &text);
    const char *words = text.data != NULL ? text.data : "";
    na_buffer_add(out, "%.*s%s%c", (int)each, words, strlen(words) > each ? "..." : "", '\0');
    if (text.failed) out->failed = 1;
    na_free(text.data);
  }
}

/* Room for values of a type, refused when it is absurd. */
static int room_for(const na_h5 *file, const char *path, hid_t type, size_t count, char **room,
                    na_error *err)
{
  size_t size = H5Tget_size(type), bytes;
  if (size == 0 || __builtin_mul_overflow(size, count, &bytes) || bytes > RAW_MOST)
    return na_h5_fail(file, err, NA_ESHAPE, "that is too much of %.200s to show at once", path);
  *room = na_alloc(bytes + 1);
  return *room != NULL ? NA_OK : na_fail_memory(err, bytes, "values");
}

static int read_texts(na_h5 *file, const char *path, const na_h5_part *part, size_t each,
                      na_buffer *out, na_error *err)
{
  hid_t id, space = H5I_INVALID_HID, memory = H5I_INVALID_HID;
  hsize_t count = (hsize_t)na_h5_part_count(part);
  char *values = NULL;
  int code = open_values(file, path, &id, err);
  if (code != NA_OK) return code;
  hid_t type = H5Dget_type(id), native = type >= 0 ? H5Tget_native_type(type, H5T_DIR_DEFAULT) : -1;
  if (native < 0) code = na_h5_fail(file, err, NA_EFORMAT, "cannot read the type of %.200s", path);
  if (code == NA_OK) code = select_part(file, id, path, part, &space, err);
  if (code == NA_OK) code = room_for(file, path, native, count, &values, err);
  if (code == NA_OK && count > 0) {
    memory = H5Screate_simple(1, &count, NULL);
    if (memory < 0 || H5Dread(id, native, memory, space, H5P_DEFAULT, values) < 0)
      code = na_h5_fail(file, err, NA_EIO, "cannot read %.200s", path);
    else {
      add_texts(file->id, native, values, count, each, out);
      H5Dvlen_reclaim(native, memory, H5P_DEFAULT, values);
    }
  }
  na_free(values);
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (native >= 0) H5Tclose(native);
  if (type >= 0) H5Tclose(type);
  return code;
}

int na_h5_part_texts(na_h5 *file, const char *path, const na_h5_part *part, size_t each,
                     na_buffer *out, na_error *err)
{
  if (part->rank < 0 || part->rank > NA_H5_RANK_MOST || na_h5_part_count(part) < 0)
    return na_fail(err, NA_ESHAPE, "%.200s: that is no part of it", path);
  na_h5_lock();
  int code = read_texts(file, path, part, each, out, err);
  na_h5_unlock();
  return code == NA_OK && out->failed ? na_fail_memory(err, out->length, "values") : code;
}

/* ---------------------------------------------------------------------------- attributes */

typedef struct reading {
  const na_h5 *file;
  size_t each;
  na_buffer *out;
} reading;

/* "[2,3]" after the type; nothing for a single value. Returns the elements, -1 for none that can be read. */
static long long add_shape(hid_t space, na_buffer *out)
{
  hsize_t dims[NA_H5_RANK_MOST];
  H5S_class_t kind = H5Sget_simple_extent_type(space);
  if (kind == H5S_NULL) na_buffer_add(out, ", no value");
  if (kind != H5S_SIMPLE) return kind == H5S_SCALAR ? 1 : 0;
  int rank = H5Sget_simple_extent_dims(space, dims, NULL);
  for (int i = 0; i < rank; i++)
    na_buffer_add(out, "%s%llu%s", i == 0 ? " [" : ",", (unsigned long long)dims[i],
                  i + 1 == rank ? "]" : "");
  return (long long)H5Sget_simple_extent_npoints(space);
}

/* A list reads as "[a, b]", one value as itself. */
static void join_texts(const na_buffer *texts, long long count, size_t each, na_buffer *out)
{
  na_buffer line = {0};
  const char *at = texts->data;
  if (count != 1) na_buffer_add(&line, "[");
  for (size_t done = 0, i = 0; done < texts->length && line.length <= each; i++) {
    na_buffer_add(&line, "%s%s", i > 0 ? ", " : "", at + done);
    done += strlen(at + done) + 1;
  }
  if (count != 1) na_buffer_add(&line, "]");
  if (line.data != NULL)
    na_buffer_add(out, "%.*s%s", (int)each, line.data, line.length > each ? "..." : "");
  if (line.failed) out->failed = 1;
  na_free(line.data);
}

static void add_attribute_values(const reading *r, hid_t id, hid_t type, hid_t space,
                                 long long count)
{
  hid_t native = H5Tget_native_type(type, H5T_DIR_DEFAULT);
  na_buffer texts = {0};
  char *values = NULL;
  bool read = count > 0 && native >= 0 &&
              room_for(r->file, "an attribute", native, (size_t)count, &values, NULL) == NA_OK &&
              H5Aread(id, native, values) >= 0;
  if (read) {
    add_texts(r->file->id, native, values, (size_t)count, r->each, &texts);
    H5Dvlen_reclaim(native, space, H5P_DEFAULT, values);
    join_texts(&texts, count, r->each, r->out);
  } else if (count != 0) {
    na_buffer_add(r->out, "cannot be read");
  }
  if (native >= 0) H5Tclose(native);
  na_free(values);
  na_free(texts.data);
}

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
  const reading *r = context;
  (void)info;
  if (r->out->length > NA_H5_FLAT_MOST / 2) return 0;
  hid_t id = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = id >= 0 ? H5Aget_type(id) : H5I_INVALID_HID,
        space = id >= 0 ? H5Aget_space(id) : H5I_INVALID_HID;
  na_buffer_add(r->out, "%s%c", name, '\0');
  if (type >= 0 && space >= 0) {
    na_h5_type_text(type, r->out);
    long long count = add_shape(space, r->out);
    na_buffer_add(r->out, "%c", '\0');
    add_attribute_values(r, id, type, space, count);
    na_buffer_add(r->out, "%c", '\0');
  } else {
    na_buffer_add(r->out, "unknown type%ccannot be read%c", '\0', '\0');
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (id >= 0) H5Aclose(id);
  return r->out->failed ? -1 : 0;
}

int na_h5_attribute_texts(na_h5 *file, const char *path, size_t each, na_buffer *out, na_error *err)
{
  hid_t id;
  reading r = {file, each, out};
  na_h5_lock();
  int code = na_h5_open_object(file, path, &id, err);
  if (code == NA_OK) {
    if (H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, NULL, add_attribute, &r) < 0)
      code = out->failed
                 ? na_fail_memory(err, out->length, "attributes")
                 : na_h5_fail(file, err, NA_EFORMAT, "cannot read the attributes of %.200s", path);
    H5Oclose(id);
  }
  na_h5_unlock();
  return code;
}
