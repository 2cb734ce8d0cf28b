/* HDF5 files as others may make them: links to elsewhere, other types, impossible claims. Made with the
 * library itself, since the wrapper refuses to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5.h"
#include "core/base/memory.h"
#include "core/store/metrics.h"
#include "tests/check.h"
#include "tests/store_scratch.h"

#include <hdf5.h>

static na_error err;

/* One dataset; list may be H5P_DEFAULT. */
static void make(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, hid_t list,
                 const void *data)
{
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  CHECK(id >= 0, "cannot make %s", name);
  if (data != NULL) H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(id);
  H5Sclose(space);
}

static void make_links(hid_t file)
{
  H5Lcreate_soft("/plain", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("other.h5", "/secret", file, "external", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/group", file, "soft_group", H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  make(group, "inside", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, H5P_DEFAULT, (double[]){1, 2});
  H5Lcreate_hard(file, "/", group, "loop", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
}

static void make_elsewhere(hid_t file)
{
  hsize_t dims[1] = {4};
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(list, "/etc/passwd", 0, 16);
  make(file, "raw_outside", H5T_NATIVE_INT32, 1, dims, list, NULL);
  H5Pclose(list);
  list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple(1, dims, NULL);
  H5Pset_virtual(list, space, "other.h5", "/secret", space);
  make(file, "virtual", H5T_NATIVE_DOUBLE, 1, dims, list, NULL);
  H5Sclose(space);
  H5Pclose(list);
}

static void make_claims(hid_t file)
{
  hsize_t chunk[2] = {16, 16}, dims[2] = {1ull << 31, 1ull << 30};
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(list, 2, chunk);
  make(file, "huge", H5T_NATIVE_DOUBLE, 2, dims, list, NULL);
  H5Pset_chunk(list, 1, chunk);
  make(file, "column", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){1ull << 40}, list, NULL);
  H5Pclose(list);
  make(file, "rank9", H5T_NATIVE_DOUBLE, 9, (hsize_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, H5P_DEFAULT,
       (double[]){1});
}

static void make_types(hid_t file)
{
  hsize_t two[1] = {2};
  hid_t text = H5Tcopy(H5T_C_S1), pair = H5Tcreate(H5T_COMPOUND, 16);
  H5Tset_size(text, 3);
  H5Tinsert(pair, "a", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(pair, "b", 8, H5T_NATIVE_DOUBLE);
  make(file, "text", text, 1, two, H5P_DEFAULT, "abcdef");
  make(file, "pair", pair, 1, two, H5P_DEFAULT, (double[]){1, 2, 3, 4});
  make(file, "reversed", H5T_IEEE_F32BE, 1, two, H5P_DEFAULT, "\x3f\x80\0\0\xc0\0\0\0");
  make(file, "short", H5T_STD_I16LE, 1, two, H5P_DEFAULT, (int16_t[]){-3, 300});
  hid_t null = H5Screate(H5S_NULL);
  H5Dclose(H5Dcreate2(file, "null", H5T_NATIVE_DOUBLE, null, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(null);
  H5Tclose(pair);
  H5Tclose(text);
}

static void attribute(hid_t file, const char *name, hid_t type, hid_t space, const void *data)
{
  hid_t id = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  CHECK(id >= 0, "cannot make attribute %s", name);
  if (data != NULL) H5Awrite(id, type, data);
  H5Aclose(id);
  H5Sclose(space);
}

static void make_attributes(hid_t file)
{
  hsize_t two[1] = {2}, square[2] = {2, 2};
  hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  attribute(file, "variable", text, H5Screate(H5S_SCALAR), (const char *[]){"hello"});
  attribute(file, "variables", text, H5Screate_simple(1, two, NULL), (const char *[]){"one", "two"});
  attribute(file, "unset", text, H5Screate_simple(1, two, NULL), NULL);
  H5Tclose(text);
  text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, 4);
  attribute(file, "terminated", text, H5Screate_simple(1, two, NULL), "ab\0\0cde\0");
  H5Tset_strpad(text, H5T_STR_SPACEPAD);
  attribute(file, "spaces", text, H5Screate_simple(1, two, NULL), "ab  cdef");
  H5Tclose(text);
  attribute(file, "square", H5T_NATIVE_DOUBLE, H5Screate_simple(2, square, NULL), (double[4]){1});
  attribute(file, "null", H5T_NATIVE_DOUBLE, H5Screate(H5S_NULL), NULL);
  attribute(file, "int", H5T_STD_I64BE, H5Screate(H5S_SCALAR), "\xff\xff\xff\xff\xff\xff\xff\xfe");
}

static void make_file(void)
{
  hid_t file = H5Fcreate(scratch_path("other.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make(file, "secret", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){4}, H5P_DEFAULT, (double[]){1, 2, 3, 4});
  H5Fclose(file);
  file = H5Fcreate(scratch_path("hostile.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make(file, "plain", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, H5P_DEFAULT, (double[]){1, 2});
  make_links(file);
  make_elsewhere(file);
  make_claims(file);
  make_types(file);
  make_attributes(file);
  H5Fclose(file);
}

static na_h5 *hostile(void)
{
  na_h5 *file;
  CHECK_OK(na_h5_open(&file, scratch_path("hostile.h5"), &err), err);
  return file;
}

static int count_names(void *context, const char *name)
{
  int *seen = context;
  seen[0]++;
  seen[1] += strncmp(name, "soft", 4) == 0 || strcmp(name, "external") == 0;
  return 0;
}

static void links(void)
{
  double values[4];
  int seen[2] = {0, 0};
  na_h5 *file = hostile();
  CHECK_OK(na_h5_read(file, "plain", NA_H5_DOUBLE, values, 2, &err), err);
  CHECK_OK(na_h5_read(file, "group/inside", NA_H5_DOUBLE, values, 2, &err), err);
  CHECK_FAILS(na_h5_read(file, "soft", NA_H5_DOUBLE, values, 2, &err), NA_EFORMAT, "link", err);
  CHECK_FAILS(na_h5_read(file, "external", NA_H5_DOUBLE, values, 4, &err), NA_EFORMAT, "link", err);
  CHECK_FAILS(na_h5_read(file, "soft_group/inside", NA_H5_DOUBLE, values, 2, &err), NA_EFORMAT,
              "link", err);
  CHECK(!na_h5_has(file, "soft") && !na_h5_has(file, "external"), "links must not count");
  CHECK_OK(na_h5_each(file, "/", count_names, seen, &err), err);
  CHECK(seen[0] > 5 && seen[1] == 0, "%d names, %d of links", seen[0], seen[1]);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void other_files(void)
{
  double values[4];
  na_h5 *file = hostile();
  CHECK_FAILS(na_h5_read(file, "raw_outside", NA_H5_DOUBLE, values, 4, &err), NA_EFORMAT,
              "refers to other files", err);
  CHECK_FAILS(na_h5_read(file, "virtual", NA_H5_DOUBLE, values, 4, &err), NA_EFORMAT,
              "refers to other files", err);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void claims(void)
{
  int rank;
  long long dims[NA_H5_RANK_MAX];
  double value, *column;
  long count;
  na_h5 *file = hostile();
  CHECK_FAILS(na_h5_shape(file, "huge", &rank, dims, &err), NA_EFORMAT, "impossible size", err);
  CHECK_FAILS(na_h5_shape(file, "column", &rank, dims, &err), NA_EFORMAT, "stores only 0", err);
  CHECK_FAILS(na_h5_shape(file, "rank9", &rank, dims, &err), NA_EFORMAT, "too many dimensions", err);
  CHECK_FAILS(na_h5_shape(file, "null", &rank, dims, &err), NA_EFORMAT, "no dimensions", err);
  CHECK_FAILS(na_h5_read_rows(file, "column", NA_H5_DOUBLE, 1ll << 39, 1, &value, &err), NA_EFORMAT,
              "stores only", err);
  CHECK_OK(na_h5_close(file, &err), err);
  CHECK_FAILS(na_metrics_read(scratch_path("hostile.h5"), "column", &column, &count, &err),
              NA_EFORMAT, "stores only", err);
}

static void types(void)
{
  double values[2];
  na_h5 *file = hostile();
  CHECK_FAILS(na_h5_read(file, "text", NA_H5_DOUBLE, values, 2, &err), NA_EFORMAT, "hold numbers",
              err);
  CHECK_FAILS(na_h5_read(file, "pair", NA_H5_DOUBLE, values, 2, &err), NA_EFORMAT, "hold numbers",
              err);
  CHECK_OK(na_h5_read(file, "reversed", NA_H5_DOUBLE, values, 2, &err), err);
  CHECK(values[0] == 1 && values[1] == -2, "big endian: %g %g", values[0], values[1]);
  CHECK_OK(na_h5_read(file, "short", NA_H5_DOUBLE, values, 2, &err), err);
  CHECK(values[0] == -3 && values[1] == 300, "short: %g %g", values[0], values[1]);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void check_texts(na_h5 *file, const char *name, const char *first, const char *second)
{
  char **texts;
  size_t count;
  CHECK_OK(na_h5_get_texts(file, "/", name, &texts, &count, &err), err);
  CHECK(count == 2 && strcmp(texts[0], first) == 0 && strcmp(texts[1], second) == 0,
        "%s: \"%s\", \"%s\"", name, count > 0 ? texts[0] : "", count > 1 ? texts[1] : "");
  na_free(texts);
}

static void attributes(void)
{
  char *text;
  double value;
  size_t count = 4;
  na_h5 *file = hostile();
  CHECK_OK(na_h5_get_text(file, "/", "variable", &text, &err), err);
  CHECK(text != NULL && strcmp(text, "hello") == 0, "variable length");
  na_free(text);
  check_texts(file, "variables", "one", "two");
  check_texts(file, "unset", "", "");
  check_texts(file, "terminated", "ab", "cde");
  check_texts(file, "spaces", "ab", "cdef");
  CHECK_OK(na_h5_get_number(file, "/", "int", &value, &err), err);
  CHECK(value == -2, "big endian integer: %g", value);
  CHECK_FAILS(na_h5_get_numbers(file, "/", "square", &value, &count, &err), NA_EFORMAT,
              "neither one value nor a list", err);
  CHECK_FAILS(na_h5_get_numbers(file, "/", "null", &value, &count, &err), NA_EFORMAT,
              "neither one value nor a list", err);
  CHECK_OK(na_h5_close(file, &err), err);
}

int main(void)
{
  if (!scratch_make()) return EXIT_FAILURE;
  make_file();
  RUN(links);
  RUN(other_files);
  RUN(claims);
  RUN(types);
  RUN(attributes);
  scratch_remove();
  return CHECK_EXIT();
}
