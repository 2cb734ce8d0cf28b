/* Attributes: numbers and strings, fixed or variable in length.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"
#include "core/base/memory.h"

#include <string.h>

enum { TEXT_LIMIT = 16 << 20, TEXTS_LIMIT = 1 << 20 };

/* An attribute being read. */
typedef struct attribute {
  const na_h5 *file;
  const char *path, *name;
  hid_t object, id, type;
  hsize_t count;
  int scalar;
} attribute;

static int complain(const attribute *a, na_error *err, int code, const char *what)
{
  int root = strcmp(a->path, "/") == 0;
  return na_h5_fail(a->file, err, code, "attribute %s%s%s %s", a->name, root ? "" : " of ",
                    root ? "" : a->path, what);
}

static void close_attribute(attribute *a)
{
  if (a->type >= 0) H5Tclose(a->type);
  if (a->id >= 0) H5Aclose(a->id);
  if (a->object >= 0) H5Oclose(a->object);
}

static int measure(attribute *a, na_error *err)
{
  hid_t space = H5Aget_space(a->id);
  if (space < 0) return complain(a, err, NA_EFORMAT, "cannot be read");
  H5S_class_t kind = H5Sget_simple_extent_type(space);
  int rank = kind == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
  a->scalar = rank == 0;
  a->count = 1;
  if (rank == 1) H5Sget_simple_extent_dims(space, &a->count, NULL);
  H5Sclose(space);
  if (rank == 0 || rank == 1) return NA_OK;
  return complain(a, err, NA_EFORMAT, "is neither one value nor a list");
}

/* Opens and measures; the caller calls close_attribute whatever the result. */
static int open_attribute(attribute *a, const na_h5 *file, const char *path, const char *name,
                          na_error *err)
{
  *a = (attribute){.file = file, .path = path, .name = name, .object = H5I_INVALID_HID,
                   .id = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  if (na_h5_walk(file, path) != NA_H5_PRESENT)
    return na_h5_fail(file, err, NA_EFORMAT, "has no %s", path);
  a->object = H5Oopen(file->id, path, H5P_DEFAULT);
  if (a->object < 0) return na_h5_fail(file, err, NA_EFORMAT, "cannot open %s", path);
  if (H5Aexists(a->object, name) <= 0) return complain(a, err, NA_EFORMAT, "is missing");
  a->id = H5Aopen(a->object, name, H5P_DEFAULT);
  if (a->id >= 0) a->type = H5Aget_type(a->id);
  if (a->type < 0) return complain(a, err, NA_EFORMAT, "cannot be read");
  return measure(a, err);
}

int na_h5_has_attribute(na_h5 *file, const char *path, const char *name)
{
  na_h5_lock();
  int has = na_h5_walk(file, path) == NA_H5_PRESENT &&
            H5Aexists_by_name(file->id, path, name, H5P_DEFAULT) > 0;
  na_h5_unlock();
  return has;
}

/* ------------------------------------------------------------------------------ numbers */

static int read_numbers(attribute *a, double *out, size_t *count, na_error *err)
{
  if (!na_h5_is_number(a->type)) return complain(a, err, NA_EFORMAT, "is not a number");
  if (a->count > *count) return complain(a, err, NA_ESHAPE, "holds more values than expected");
  *count = (size_t)a->count;
  if (a->count == 0 || H5Aread(a->id, H5T_NATIVE_DOUBLE, out) >= 0) return NA_OK;
  return complain(a, err, NA_EIO, "cannot be read");
}

int na_h5_get_numbers(na_h5 *file, const char *path, const char *name, double *out, size_t *count,
                      na_error *err)
{
  attribute a;
  na_h5_lock();
  int code = open_attribute(&a, file, path, name, err);
  if (code == NA_OK) code = read_numbers(&a, out, count, err);
  close_attribute(&a);
  na_h5_unlock();
  return code;
}

int na_h5_get_number(na_h5 *file, const char *path, const char *name, double *out, na_error *err)
{
  size_t count = 1;
  int code = na_h5_get_numbers(file, path, name, out, &count, err);
  if (code == NA_OK && count != 1)
    code = na_fail(err, NA_ESHAPE, "%s: attribute %s is empty", file->path, name);
  return code;
}

/* ------------------------------------------------------------------------------ strings */

/* Every string of an attribute as the library gives it: `width` characters each, padded somehow, or
 * pointers to library memory. */
typedef struct strings {
  char *fixed;
  char **variable;
  size_t width;
  H5T_str_t padding;
} strings;

static int read_fixed(attribute *a, strings *s, na_error *err)
{
  s->width = H5Tget_size(a->type);
  s->padding = H5Tget_strpad(a->type);
  if (s->width > TEXT_LIMIT || s->width * a->count > TEXT_LIMIT)
    return complain(a, err, NA_EFORMAT, "is longer than 16 MiB");
  s->fixed = na_alloc(s->width * a->count + 1);
  if (s->fixed == NULL) return na_fail_memory(err, s->width * a->count, "a text");
  if (H5Aread(a->id, a->type, s->fixed) >= 0) return NA_OK;
  return complain(a, err, NA_EIO, "cannot be read");
}

static int read_variable(attribute *a, strings *s, na_error *err)
{
  s->variable = na_alloc_array(a->count + 1, sizeof *s->variable);
  if (s->variable == NULL) return na_fail_memory(err, a->count * sizeof *s->variable, "a text");
  if (H5Aread(a->id, a->type, s->variable) >= 0) return NA_OK;
  return complain(a, err, NA_EIO, "cannot be read");
}

static int read_strings(attribute *a, strings *s, na_error *err)
{
  *s = (strings){0};
  if (H5Tget_class(a->type) != H5T_STRING) return complain(a, err, NA_EFORMAT, "is not text");
  if (a->count > TEXTS_LIMIT) return complain(a, err, NA_EFORMAT, "claims too many texts");
  return H5Tis_variable_str(a->type) > 0 ? read_variable(a, s, err) : read_fixed(a, s, err);
}

static void free_strings(const attribute *a, strings *s)
{
  for (hsize_t i = 0; s->variable != NULL && i < a->count; i++) H5free_memory(s->variable[i]);
  na_free(s->variable);
  na_free(s->fixed);
}

/* String number i, not terminated, and its length. */
static const char *string_at(const strings *s, size_t i, size_t *length)
{
  if (s->variable != NULL) {
    const char *text = s->variable[i] != NULL ? s->variable[i] : "";
    *length = strlen(text);
    return text;
  }
  const char *text = s->fixed + i * s->width;
  *length = strnlen(text, s->width);
  if (s->padding == H5T_STR_SPACEPAD)
    while (*length > 0 && text[*length - 1] == ' ') --*length;
  return text;
}

static int copy_text(attribute *a, char **out, na_error *err)
{
  strings s;
  size_t length;
  if (a->count != 1) return complain(a, err, NA_ESHAPE, "is not one text");
  int code = read_strings(a, &s, err);
  if (code == NA_OK) {
    const char *text = string_at(&s, 0, &length);
    *out = length <= TEXT_LIMIT ? na_alloc(length + 1) : NULL;
    if (length > TEXT_LIMIT) code = complain(a, err, NA_EFORMAT, "is longer than 16 MiB");
    else if (*out == NULL) code = na_fail_memory(err, length, "a text");
    else memcpy(*out, text, length);
  }
  free_strings(a, &s);
  return code;
}

int na_h5_get_text(na_h5 *file, const char *path, const char *name, char **text, na_error *err)
{
  attribute a;
  *text = NULL;
  na_h5_lock();
  int code = open_attribute(&a, file, path, name, err);
  if (code == NA_OK) code = copy_text(&a, text, err);
  close_attribute(&a);
  na_h5_unlock();
  return code;
}

/* Pointers first, the characters behind them, in one allocation. */
static char **pack_strings(const strings *s, size_t count, size_t characters)
{
  char **list = na_alloc(count * sizeof *list + characters + 1);
  if (list == NULL) return NULL;
  char *at = (char *)(list + count);
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const char *text = string_at(s, i, &length);
    memcpy(at, text, length);
    list[i] = at;
    at += length + 1; /* na_alloc zeroed the terminator */
  }
  return list;
}

static int copy_texts(attribute *a, char ***texts, na_error *err)
{
  strings s;
  size_t characters = 0, length;
  int code = read_strings(a, &s, err);
  for (size_t i = 0; code == NA_OK && i < a->count; i++) {
    string_at(&s, i, &length);
    characters += length + 1;
    if (characters > TEXT_LIMIT) code = complain(a, err, NA_EFORMAT, "is longer than 16 MiB");
  }
  if (code == NA_OK) *texts = pack_strings(&s, a->count, characters);
  if (code == NA_OK && *texts == NULL) code = na_fail_memory(err, characters, "a list of texts");
  free_strings(a, &s);
  return code;
}

int na_h5_get_texts(na_h5 *file, const char *path, const char *name, char ***texts, size_t *count,
                    na_error *err)
{
  attribute a;
  *texts = NULL;
  *count = 0;
  na_h5_lock();
  int code = open_attribute(&a, file, path, name, err);
  if (code == NA_OK) code = copy_texts(&a, texts, err);
  if (code == NA_OK) *count = (size_t)a.count;
  close_attribute(&a);
  na_h5_unlock();
  return code;
}

/* ------------------------------------------------------------------------------ writing */

/* Writes one attribute, replacing one of that name; takes over space. */
static int write_attribute(na_h5 *file, const char *path, const char *name, hid_t stored,
                           hid_t space, hid_t given, const void *data, na_error *err)
{
  int code = NA_OK;
  hid_t id = H5I_INVALID_HID, object = H5Oopen(file->id, path, H5P_DEFAULT);
  if (object >= 0 && H5Aexists(object, name) > 0) H5Adelete(object, name);
  if (object >= 0 && space >= 0)
    id = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0 || H5Awrite(id, given, data) < 0)
    code = na_h5_fail(file, err, NA_EIO, "cannot write the attribute %s", name);
  if (id >= 0) H5Aclose(id);
  if (object >= 0) H5Oclose(object);
  if (space >= 0) H5Sclose(space);
  return code;
}

static hid_t list_space(size_t count, int scalar)
{
  hsize_t size = count;
  return scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
}

/* The object's group is made when it is missing. */
static int prepare(na_h5 *file, const char *path, na_error *err)
{
  return na_h5_walk(file, path) == NA_H5_PRESENT ? NA_OK : na_h5_make_group(file, path, err);
}

int na_h5_set_numbers(na_h5 *file, const char *path, const char *name, const double *values,
                      size_t count, na_error *err)
{
  na_h5_lock();
  int code = prepare(file, path, err);
  if (code == NA_OK)
    code = write_attribute(file, path, name, H5T_IEEE_F64LE, list_space(count, count == 1),
                           H5T_NATIVE_DOUBLE, values, err);
  return na_h5_wrote(file, code, err);
}

/* A fixed-length UTF-8 type for texts of up to `width` bytes. Variable-length ones would lie in a heap
 * without checksums, which HDF5 1.10 follows to its death when it is damaged. */
static hid_t text_type(size_t width)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, width > 0 ? width : 1) >= 0 &&
      H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    return type;
  if (type >= 0) H5Tclose(type);
  return H5I_INVALID_HID;
}

/* Writes texts[0 .. count-1], padded to the longest. */
static int write_texts(na_h5 *file, const char *path, const char *name, const char *const *texts,
                       size_t count, int scalar, na_error *err)
{
  size_t width = 1;
  for (size_t i = 0; i < count; i++) width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
  char *padded = na_alloc_array(count + 1, width);
  if (padded == NULL) return na_fail_memory(err, count * width, "a list of texts");
  for (size_t i = 0; i < count; i++) memcpy(padded + i * width, texts[i], strlen(texts[i]));
  int code = prepare(file, path, err);
  hid_t type = text_type(width);
  if (code == NA_OK)
    code = write_attribute(file, path, name, type, list_space(count, scalar), type, padded, err);
  if (type >= 0) H5Tclose(type);
  na_free(padded);
  return code;
}

int na_h5_set_text(na_h5 *file, const char *path, const char *name, const char *text,
                   na_error *err)
{
  na_h5_lock();
  int code = write_texts(file, path, name, &text, 1, 1, err);
  return na_h5_wrote(file, code, err);
}

int na_h5_set_texts(na_h5 *file, const char *path, const char *name, const char *const *texts,
                    size_t count, na_error *err)
{
  na_h5_lock();
  int code = write_texts(file, path, name, texts, count, 0, err);
  return na_h5_wrote(file, code, err);
}
