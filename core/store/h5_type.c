/* What types are called, which of them are numbers, and single values as text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/object_private.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTED_MOST = 16, FIELDS_SHOWN = 12, ITEMS_SHOWN = 64, BYTES_SHOWN = 16 };

/* ------------------------------------------------------------------------------ numbers */

static bool is_sane_integer(hid_t type)
{
  size_t size = H5Tget_size(type), precision = H5Tget_precision(type);
  int offset = H5Tget_offset(type);
  return size >= 1 && size <= 16 && offset >= 0 && precision >= 1 &&
         precision + (size_t)offset <= 8 * size;
}

/* Sign, exponent and mantissa lie within the precision, and do not overlap. */
static bool is_sane_float(hid_t type)
{
  size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
  size_t size = H5Tget_size(type), precision = H5Tget_precision(type);
  int offset = H5Tget_offset(type);
  if (size < 1 || size > 16 || offset < 0 || precision < 2 || precision + (size_t)offset > 8 * size)
    return false;
  if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0)
    return false;
  return exponent_bits >= 1 && exponent_bits <= 15 && mantissa_bits >= 1 && mantissa_bits <= 113 &&
         sign < precision && exponent + exponent_bits <= precision &&
         mantissa + mantissa_bits <= precision && mantissa + mantissa_bits <= exponent &&
         exponent + exponent_bits <= sign;
}

/* Of the base type of an enumeration; anything else counts as unfit. */
static bool is_sane_enumeration(hid_t type)
{
  hid_t base = H5Tget_super(type);
  bool good = base >= 0 && H5Tget_class(base) == H5T_INTEGER && is_sane_integer(base);
  if (base >= 0) H5Tclose(base);
  return good;
}

bool na_h5_is_numeric(hid_t type)
{
  switch (H5Tget_class(type)) {
  case H5T_INTEGER: return is_sane_integer(type);
  case H5T_FLOAT: return is_sane_float(type);
  case H5T_ENUM: return is_sane_enumeration(type);
  default: return false;
  }
}

/* -------------------------------------------------------------------------------- names */

static void type_text(hid_t type, int depth, na_buffer *out);

static const char *order_text(hid_t type)
{
  return H5Tget_size(type) > 1 && H5Tget_order(type) == H5T_ORDER_BE ? " big-endian" : "";
}

static void integer_text(hid_t type, na_buffer *out)
{
  size_t bits = 8 * H5Tget_size(type), precision = H5Tget_precision(type);
  na_buffer_add(out, "%s%zu%s", H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int", bits,
                order_text(type));
  if (precision != bits) na_buffer_add(out, " (%zu bits used)", precision);
}

static void float_text(hid_t type, na_buffer *out)
{
  size_t sign, exponent, exponent_bits = 0, mantissa, mantissa_bits = 0;
  size_t bits = 8 * H5Tget_size(type);
  H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits);
  if (bits == 16 && exponent_bits == 8 && mantissa_bits == 7) na_buffer_add(out, "bfloat16");
  else na_buffer_add(out, "float%zu", bits);
  na_buffer_add(out, "%s", order_text(type));
}

/* h5py's truth values: an enumeration of FALSE and TRUE. */
static bool is_bool(hid_t type)
{
  char *first = H5Tget_nmembers(type) == 2 ? H5Tget_member_name(type, 0) : NULL;
  bool truth = first != NULL && strcmp(first, "FALSE") == 0;
  H5free_memory(first);
  return truth;
}

static void enumeration_text(hid_t type, int depth, na_buffer *out)
{
  int count = H5Tget_nmembers(type);
  hid_t base = H5Tget_super(type);
  if (is_bool(type)) na_buffer_add(out, "bool");
  else {
    na_buffer_add(out, "enum ");
    if (base >= 0) type_text(base, depth + 1, out);
    na_buffer_add(out, " {");
    for (int i = 0; i < count && i < FIELDS_SHOWN; i++) {
      char *name = H5Tget_member_name(type, (unsigned)i);
      na_buffer_add(out, "%s%s", i > 0 ? ", " : "", name != NULL ? name : "?");
      H5free_memory(name);
    }
    na_buffer_add(out, "%s}", count > FIELDS_SHOWN ? ", ..." : "");
  }
  if (base >= 0) H5Tclose(base);
}

static void compound_text(hid_t type, int depth, na_buffer *out)
{
  int count = H5Tget_nmembers(type);
  na_buffer_add(out, "{");
  for (int i = 0; i < count && i < FIELDS_SHOWN; i++) {
    char *name = H5Tget_member_name(type, (unsigned)i);
    hid_t inside = H5Tget_member_type(type, (unsigned)i);
    na_buffer_add(out, "%s%s ", i > 0 ? ", " : "", name != NULL ? name : "?");
    if (inside >= 0) {
      type_text(inside, depth + 1, out);
      H5Tclose(inside);
    }
    H5free_memory(name);
  }
  na_buffer_add(out, "%s}", count > FIELDS_SHOWN ? ", ..." : "");
}

static int array_dims(hid_t type, hsize_t dims[NA_H5_RANK_MOST], size_t *count)
{
  int rank = H5Tget_array_ndims(type);
  if (rank < 1 || rank > NA_H5_RANK_MOST || H5Tget_array_dims2(type, dims) < 0) return -1;
  *count = 1;
  for (int i = 0; i < rank; i++)
    if (__builtin_mul_overflow(*count, (size_t)dims[i], count)) return -1;
  return rank;
}

static void super_text(hid_t type, int depth, na_buffer *out)
{
  hid_t base = H5Tget_super(type);
  if (base >= 0) {
    type_text(base, depth + 1, out);
    H5Tclose(base);
  }
}

static void array_text(hid_t type, int depth, na_buffer *out)
{
  hsize_t dims[NA_H5_RANK_MOST];
  size_t count;
  int rank = array_dims(type, dims, &count);
  super_text(type, depth, out);
  for (int i = 0; i < rank; i++)
    na_buffer_add(out, "%s%llu%s", i == 0 ? "[" : "", (unsigned long long)dims[i],
                  i + 1 < rank ? "," : "]");
}

static void string_text(hid_t type, na_buffer *out)
{
  if (H5Tis_variable_str(type) > 0) na_buffer_add(out, "text");
  else na_buffer_add(out, "text of %zu", H5Tget_size(type));
}

static void type_text(hid_t type, int depth, na_buffer *out)
{
  if (depth > NESTED_MOST) {
    na_buffer_add(out, "...");
    return;
  }
  switch (H5Tget_class(type)) {
  case H5T_INTEGER: integer_text(type, out); break;
  case H5T_FLOAT: float_text(type, out); break;
  case H5T_STRING: string_text(type, out); break;
  case H5T_ENUM: enumeration_text(type, depth, out); break;
  case H5T_COMPOUND: compound_text(type, depth, out); break;
  case H5T_ARRAY: array_text(type, depth, out); break;
  case H5T_VLEN:
    na_buffer_add(out, "list of ");
    super_text(type, depth, out);
    break;
  case H5T_REFERENCE: na_buffer_add(out, "reference"); break;
  case H5T_OPAQUE: na_buffer_add(out, "opaque of %zu", H5Tget_size(type)); break;
  case H5T_BITFIELD: na_buffer_add(out, "bits of %zu", 8 * H5Tget_size(type)); break;
  case H5T_TIME: na_buffer_add(out, "time of %zu", 8 * H5Tget_size(type)); break;
  default: na_buffer_add(out, "unknown type"); break;
  }
}

void na_h5_type_text(hid_t type, na_buffer *out) { type_text(type, 0, out); }

/* ------------------------------------------------------------------------------- values */

static void value_text(hid_t file, hid_t type, const void *value, int depth, na_buffer *out);

/* Little text that must not break a line; NULs end it. */
static void add_bytes(const char *text, size_t length, na_buffer *out)
{
  na_buffer_add(out, "%.*s", (int)(length < (1u << 30) ? length : 1u << 30), text);
}

static void add_hex(const unsigned char *bytes, size_t size, na_buffer *out)
{
  na_buffer_add(out, "0x");
  for (size_t i = 0; i < size && i < BYTES_SHOWN; i++) na_buffer_add(out, "%02x", bytes[i]);
  if (size > BYTES_SHOWN) na_buffer_add(out, "...");
}

static void add_integer(hid_t type, const unsigned char *value, na_buffer *out)
{
  size_t size = H5Tget_size(type);
  uint64_t bits = 0;
  if (size > sizeof bits) {
    add_hex(value, size, out);
    return;
  }
  memcpy(&bits, value, size); /* native order: both of netaug's are little-endian */
  if (H5Tget_sign(type) == H5T_SGN_NONE) {
    na_buffer_add(out, "%llu", (unsigned long long)bits);
    return;
  }
  unsigned unused = (unsigned)(64 - 8 * size);
  na_buffer_add(out, "%lld", (long long)((int64_t)(bits << unused) >> unused));
}

/* The shortest decimal of at least six digits that reads back as the same float. */
static void add_float(float value, na_buffer *out)
{
  char text[32];
  for (int digits = 6; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)value);
    if (!(strtof(text, NULL) < value) && !(strtof(text, NULL) > value)) break;
  }
  na_buffer_add(out, "%s", text);
}

static void add_double(hid_t type, const unsigned char *value, na_buffer *out)
{
  size_t size = H5Tget_size(type);
  char text[32];
  if (size == sizeof(float)) {
    float number;
    memcpy(&number, value, sizeof number);
    add_float(number, out);
  } else if (size == sizeof(double)) {
    double number;
    memcpy(&number, value, sizeof number);
    na_text_number(text, number);
    na_buffer_add(out, "%s", text);
  } else if (size == sizeof(long double)) {
    long double number;
    memcpy(&number, value, sizeof number);
    na_buffer_add(out, "%.18Lg", number);
  } else {
    add_hex(value, size, out);
  }
}

static void add_string(hid_t type, const void *value, na_buffer *out)
{
  if (H5Tis_variable_str(type) > 0) {
    const char *const *text = value;
    if (*text != NULL) add_bytes(*text, strlen(*text), out);
    return;
  }
  const char *text = value;
  size_t length = strnlen(text, H5Tget_size(type));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
    while (length > 0 && text[length - 1] == ' ') length--;
  add_bytes(text, length, out);
}

static void add_enumeration(hid_t type, const void *value, na_buffer *out)
{
  char name[256];
  if (is_bool(type)) {
    na_buffer_add(out, "%s", *(const signed char *)value != 0 ? "true" : "false");
    return;
  }
  if (H5Tenum_nameof(type, value, name, sizeof name) >= 0) {
    na_buffer_add(out, "%s", name);
    return;
  }
  hid_t base = H5Tget_super(type);
  if (base >= 0) {
    add_integer(base, value, out);
    H5Tclose(base);
  }
}

static void add_compound(hid_t file, hid_t type, const char *value, int depth, na_buffer *out)
{
  int count = H5Tget_nmembers(type);
  na_buffer_add(out, "{");
  for (int i = 0; i < count; i++) {
    char *name = H5Tget_member_name(type, (unsigned)i);
    hid_t inside = H5Tget_member_type(type, (unsigned)i);
    na_buffer_add(out, "%s%s: ", i > 0 ? ", " : "", name != NULL ? name : "?");
    if (inside >= 0) {
      value_text(file, inside, value + H5Tget_member_offset(type, (unsigned)i), depth + 1, out);
      H5Tclose(inside);
    }
    H5free_memory(name);
  }
  na_buffer_add(out, "}");
}

static void add_items(hid_t file, hid_t type, const char *items, size_t count, int depth,
                      na_buffer *out)
{
  size_t size = H5Tget_size(type);
  na_buffer_add(out, "[");
  for (size_t i = 0; i < count && i < ITEMS_SHOWN; i++) {
    if (i > 0) na_buffer_add(out, ", ");
    value_text(file, type, items + i * size, depth + 1, out);
  }
  na_buffer_add(out, "%s]", count > ITEMS_SHOWN ? ", ..." : "");
}

static void add_array(hid_t file, hid_t type, const void *value, int depth, na_buffer *out)
{
  hsize_t dims[NA_H5_RANK_MOST];
  size_t count = 0;
  hid_t base = H5Tget_super(type);
  if (base < 0) return;
  if (H5Tget_class(type) == H5T_VLEN) {
    const hvl_t *list = value;
    if (list->p != NULL || list->len == 0) add_items(file, base, list->p, list->len, depth, out);
  } else if (array_dims(type, dims, &count) >= 0) {
    add_items(file, base, value, count, depth, out);
  }
  H5Tclose(base);
}

/* Where a reference points to. An unset one points nowhere. */
static void add_reference(hid_t file, hid_t type, const void *value, na_buffer *out)
{
  static const unsigned char unset[sizeof(hdset_reg_ref_t)];
  bool region = H5Tequal(type, H5T_STD_REF_DSETREG) > 0;
  size_t size = region ? sizeof(hdset_reg_ref_t) : sizeof(hobj_ref_t);
  char name[1024] = "";
  if (H5Tget_size(type) != size || memcmp(value, unset, size) == 0) {
    na_buffer_add(out, "nowhere");
    return;
  }
  ssize_t length =
      H5Rget_name(file, region ? H5R_DATASET_REGION : H5R_OBJECT, value, name, sizeof name);
  na_buffer_add(out, "%s%s", region ? "a region of " : "", length > 0 ? name : "what is not there");
}

static void value_text(hid_t file, hid_t type, const void *value, int depth, na_buffer *out)
{
  if (depth > NESTED_MOST) {
    na_buffer_add(out, "...");
    return;
  }
  switch (H5Tget_class(type)) {
  case H5T_INTEGER: add_integer(type, value, out); break;
  case H5T_FLOAT: add_double(type, value, out); break;
  case H5T_STRING: add_string(type, value, out); break;
  case H5T_ENUM: add_enumeration(type, value, out); break;
  case H5T_COMPOUND: add_compound(file, type, value, depth, out); break;
  case H5T_ARRAY:
  case H5T_VLEN: add_array(file, type, value, depth, out); break;
  case H5T_REFERENCE: add_reference(file, type, value, out); break;
  default: add_hex(value, H5Tget_size(type), out); break;
  }
}

void na_h5_value_text(hid_t file, hid_t type, const void *value, na_buffer *out)
{
  value_text(file, type, value, 0, out);
}
