/* The HDF5 wrapper: what is written is read back, whatever the type, and misuse gets a clear error.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5.h"
#include "core/base/memory.h"
#include "tests/check.h"
#include "tests/store_scratch.h"

#include <signal.h>
#include <sys/resource.h>

static na_error err;

static na_h5 *created(const char *name)
{
  na_h5 *file;
  CHECK_OK(na_h5_create(&file, scratch_path(name), &err), err);
  return file;
}

static na_h5 *opened(const char *name)
{
  na_h5 *file;
  CHECK_OK(na_h5_open(&file, scratch_path(name), &err), err);
  return file;
}

static void whole_arrays(void)
{
  static const long long dims[4] = {2, 3, 1, 4};
  float floats[24];
  double doubles[24];
  int32_t ints[24];
  int64_t longs[24];
  uint8_t bytes[24];
  for (int i = 0; i < 24; i++) {
    floats[i] = (float)i * 0.25f - 1.0f;
    doubles[i] = i / 3.0;
    ints[i] = i * 1000 - 5;
    longs[i] = (int64_t)i << 40;
    bytes[i] = (uint8_t)(255 - i);
  }
  na_h5 *file = created("arrays.h5");
  CHECK_OK(na_h5_write(file, "params/a.weight", NA_H5_FLOAT, 4, dims, floats, &err), err);
  CHECK_OK(na_h5_write(file, "params/b", NA_H5_DOUBLE, 2, (long long[]){4, 6}, doubles, &err), err);
  CHECK_OK(na_h5_write(file, "deep/er/still/c", NA_H5_INT32, 1, (long long[]){24}, ints, &err), err);
  CHECK_OK(na_h5_write(file, "d", NA_H5_INT64, 3, (long long[]){2, 2, 6}, longs, &err), err);
  CHECK_OK(na_h5_write(file, "e", NA_H5_UINT8, 1, (long long[]){24}, bytes, &err), err);
  CHECK_OK(na_h5_write(file, "one", NA_H5_DOUBLE, 0, NULL, doubles + 7, &err), err);
  CHECK_OK(na_h5_write(file, "none", NA_H5_FLOAT, 2, (long long[]){0, 5}, floats, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);

  float f[24];
  double d[24];
  int32_t i32[24];
  int64_t i64[24];
  uint8_t u8[24];
  file = opened("arrays.h5");
  CHECK_OK(na_h5_read(file, "params/a.weight", NA_H5_FLOAT, f, 24, &err), err);
  CHECK(memcmp(f, floats, sizeof f) == 0, "floats differ");
  CHECK_OK(na_h5_read(file, "params/b", NA_H5_DOUBLE, d, 24, &err), err);
  CHECK(memcmp(d, doubles, sizeof d) == 0, "doubles differ");
  CHECK_OK(na_h5_read(file, "deep/er/still/c", NA_H5_INT32, i32, 24, &err), err);
  CHECK(memcmp(i32, ints, sizeof i32) == 0, "ints differ");
  CHECK_OK(na_h5_read(file, "d", NA_H5_INT64, i64, 24, &err), err);
  CHECK(memcmp(i64, longs, sizeof i64) == 0, "longs differ");
  CHECK_OK(na_h5_read(file, "e", NA_H5_UINT8, u8, 24, &err), err);
  CHECK(memcmp(u8, bytes, sizeof u8) == 0, "bytes differ");
  CHECK_OK(na_h5_read(file, "e", NA_H5_FLOAT, f, 24, &err), err);
  CHECK(f[0] == 255 && f[23] == 232, "bytes as floats: %g, %g", f[0], f[23]);
  CHECK_OK(na_h5_read(file, "one", NA_H5_DOUBLE, d, 1, &err), err);
  CHECK(d[0] == doubles[7], "scalar");
  CHECK_OK(na_h5_read(file, "none", NA_H5_FLOAT, f, 0, &err), err);

  int rank;
  long long sizes[NA_H5_RANK_MAX];
  CHECK_OK(na_h5_shape(file, "params/a.weight", &rank, sizes, &err), err);
  CHECK(rank == 4 && memcmp(sizes, dims, sizeof dims) == 0, "shape of rank %d", rank);
  CHECK_OK(na_h5_shape(file, "one", &rank, sizes, &err), err);
  CHECK(rank == 0, "rank of a scalar: %d", rank);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void rows(void)
{
  uint8_t images[5][2][3], read[5][2][3];
  for (int i = 0; i < 30; i++) ((uint8_t *)images)[i] = (uint8_t)(7 * i);
  na_h5 *file = created("rows.h5");
  CHECK_OK(na_h5_extendable(file, "train/images", NA_H5_UINT8, 2, (long long[]){2, 3}, 2, &err), err);
  CHECK_OK(na_h5_extendable(file, "column", NA_H5_DOUBLE, 0, NULL, 3, &err), err);
  CHECK_OK(na_h5_append_rows(file, "train/images", NA_H5_UINT8, 2, images[0], &err), err);
  CHECK_OK(na_h5_append_rows(file, "train/images", NA_H5_UINT8, 3, images[2], &err), err);
  CHECK_OK(na_h5_append_rows(file, "train/images", NA_H5_UINT8, 0, NULL, &err), err);
  for (int i = 0; i < 10; i++) {
    double value = i * 0.5;
    CHECK_OK(na_h5_append_rows(file, "column", NA_H5_DOUBLE, 1, &value, &err), err);
  }
  CHECK_OK(na_h5_close(file, &err), err);

  int rank;
  long long dims[NA_H5_RANK_MAX];
  double column[10];
  file = opened("rows.h5");
  CHECK_OK(na_h5_shape(file, "train/images", &rank, dims, &err), err);
  CHECK(rank == 3 && dims[0] == 5 && dims[1] == 2 && dims[2] == 3, "shape [%lld]", dims[0]);
  CHECK_OK(na_h5_read_rows(file, "train/images", NA_H5_UINT8, 1, 3, read, &err), err);
  CHECK(memcmp(read, images[1], 18) == 0, "rows 1..3 differ");
  CHECK_OK(na_h5_read_rows(file, "train/images", NA_H5_UINT8, 5, 0, read, &err), err);
  CHECK_FAILS(na_h5_read_rows(file, "train/images", NA_H5_UINT8, 3, 3, read, &err), NA_ESHAPE,
              "5 rows", err);
  CHECK_FAILS(na_h5_read_rows(file, "train/images", NA_H5_UINT8, -1, 1, read, &err), NA_EINVAL,
              "negative", err);
  CHECK_OK(na_h5_read_rows(file, "column", NA_H5_DOUBLE, 0, 10, column, &err), err);
  for (int i = 0; i < 10; i++) CHECK(column[i] == i * 0.5, "row %d is %g", i, column[i]);
  CHECK_OK(na_h5_close(file, &err), err);
}

/* More row-wise datasets than the file keeps open. */
static void many_columns(void)
{
  char name[16];
  double value;
  na_h5 *file = created("many.h5");
  for (int i = 0; i < 40; i++) {
    snprintf(name, sizeof name, "c%d", i);
    CHECK_OK(na_h5_extendable(file, name, NA_H5_DOUBLE, 0, NULL, 8, &err), err);
  }
  for (int row = 0; row < 3; row++)
    for (int i = 0; i < 40; i++) {
      snprintf(name, sizeof name, "c%d", i);
      value = 100 * row + i;
      CHECK_OK(na_h5_append_rows(file, name, NA_H5_DOUBLE, 1, &value, &err), err);
    }
  CHECK_OK(na_h5_close(file, &err), err);
  file = opened("many.h5");
  for (int row = 2; row >= 0; row--)
    for (int i = 0; i < 40; i++) {
      snprintf(name, sizeof name, "c%d", i);
      CHECK_OK(na_h5_read_rows(file, name, NA_H5_DOUBLE, row, 1, &value, &err), err);
      CHECK(value == 100 * row + i, "row %d of %s is %g", row, name, value);
    }
  CHECK_OK(na_h5_close(file, &err), err);
}

static void attributes(void)
{
  enum { LONG = 200000 };
  static const char *const classes[3] = {"cat", "", "\xc3\xa9toile"};
  static const double list[3] = {1, 1.8, 2.6};
  char *text = na_alloc(LONG + 1);
  CHECK(text != NULL, "out of memory");
  if (text == NULL) return;
  memset(text, 'x', LONG);
  na_h5 *file = created("attributes.h5");
  CHECK_OK(na_h5_set_numbers(file, "/", "lr", (double[]){0.25}, 1, &err), err);
  CHECK_OK(na_h5_set_numbers(file, "/", "lr", (double[]){0.125}, 1, &err), err);
  CHECK_OK(na_h5_set_numbers(file, "/", "list", list, 3, &err), err);
  CHECK_OK(na_h5_set_text(file, "/", "net", text, &err), err);
  CHECK_OK(na_h5_set_text(file, "new/group", "empty", "", &err), err);
  CHECK_OK(na_h5_set_texts(file, "/", "classes", classes, 3, &err), err);
  CHECK_OK(na_h5_set_texts(file, "/", "nothing", classes, 0, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);

  double value, values[4];
  size_t count = 4;
  char *got, **texts;
  file = opened("attributes.h5");
  CHECK_OK(na_h5_get_number(file, "/", "lr", &value, &err), err);
  CHECK(value == 0.125, "the second value counts, got %g", value);
  CHECK_OK(na_h5_get_numbers(file, "/", "list", values, &count, &err), err);
  CHECK(count == 3 && memcmp(values, list, sizeof list) == 0, "list of %zu", count);
  CHECK_OK(na_h5_get_text(file, "/", "net", &got, &err), err);
  CHECK(got != NULL && strcmp(got, text) == 0, "a long text differs");
  na_free(got);
  CHECK_OK(na_h5_get_text(file, "new/group", "empty", &got, &err), err);
  CHECK(got != NULL && got[0] == '\0', "an empty text differs");
  na_free(got);
  CHECK_OK(na_h5_get_texts(file, "/", "classes", &texts, &count, &err), err);
  CHECK(count == 3, "%zu texts", count);
  for (size_t i = 0; texts != NULL && i < count; i++)
    CHECK(strcmp(texts[i], classes[i]) == 0, "text %zu is \"%s\"", i, texts[i]);
  na_free(texts);
  CHECK_OK(na_h5_get_texts(file, "/", "nothing", &texts, &count, &err), err);
  CHECK(count == 0, "%zu texts where none are", count);
  na_free(texts);
  CHECK(na_h5_has_attribute(file, "/", "lr") && !na_h5_has_attribute(file, "/", "rl"), "has");
  CHECK(!na_h5_has_attribute(file, "nowhere", "lr"), "has on a missing object");

  CHECK_FAILS(na_h5_get_number(file, "/", "rl", &value, &err), NA_EFORMAT, "rl is missing", err);
  CHECK_FAILS(na_h5_get_number(file, "/", "list", &value, &err), NA_ESHAPE, "more values", err);
  CHECK_FAILS(na_h5_get_number(file, "/", "net", &value, &err), NA_EFORMAT, "not a number", err);
  CHECK_FAILS(na_h5_get_text(file, "/", "lr", &got, &err), NA_EFORMAT, "not text", err);
  CHECK_FAILS(na_h5_get_text(file, "/", "classes", &got, &err), NA_ESHAPE, "not one text", err);
  CHECK_FAILS(na_h5_get_text(file, "gone", "a", &got, &err), NA_EFORMAT, "has no gone", err);
  CHECK_OK(na_h5_close(file, &err), err);
  na_free(text);
}

static int join(void *context, const char *name)
{
  strcat(context, name);
  strcat(context, " ");
  return 0;
}

static int stop_at_b(void *context, const char *name)
{
  ++*(int *)context;
  return name[0] == 'b' ? 77 : 0;
}

static void listing(void)
{
  char names[64] = "";
  int seen = 0;
  na_h5 *file = created("listing.h5");
  CHECK_OK(na_h5_group(file, "g", &err), err);
  CHECK_OK(na_h5_group(file, "g/b", &err), err);
  CHECK_OK(na_h5_group(file, "g/b", &err), err);
  CHECK_OK(na_h5_write(file, "g/a", NA_H5_FLOAT, 0, NULL, (float[]){1}, &err), err);
  CHECK_OK(na_h5_write(file, "g/c", NA_H5_FLOAT, 0, NULL, (float[]){1}, &err), err);
  CHECK_FAILS(na_h5_write(file, "g/c", NA_H5_FLOAT, 0, NULL, (float[]){1}, &err), NA_EINVAL,
              "there already", err);
  CHECK_OK(na_h5_close(file, &err), err);
  file = opened("listing.h5");
  CHECK_OK(na_h5_each(file, "g", join, names, &err), err);
  CHECK(strcmp(names, "a b c ") == 0, "names: %s", names);
  CHECK(na_h5_each(file, "g", stop_at_b, &seen, &err) == 77 && seen == 2, "stopping early");
  CHECK(na_h5_has(file, "g/a") && na_h5_has(file, "/g/b") && na_h5_has(file, "/"), "has");
  CHECK(!na_h5_has(file, "g/d") && !na_h5_has(file, "g/a/x") && !na_h5_has(file, "x/y"), "has not");
  CHECK_FAILS(na_h5_each(file, "h", join, names, &err), NA_EFORMAT, "no group h", err);
  CHECK_FAILS(na_h5_each(file, "g/a", join, names, &err), NA_EFORMAT, "not a group", err);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void wrong_requests(void)
{
  float values[24];
  na_h5 *file = opened("arrays.h5");
  CHECK_FAILS(na_h5_read(file, "params/z", NA_H5_FLOAT, values, 24, &err), NA_EFORMAT,
              "no dataset params/z", err);
  CHECK_FAILS(na_h5_read(file, "params", NA_H5_FLOAT, values, 24, &err), NA_EFORMAT,
              "cannot open the dataset params", err);
  CHECK_FAILS(na_h5_read(file, "e", NA_H5_FLOAT, values, 23, &err), NA_ESHAPE,
              "holds 24 values, expected 23", err);
  CHECK_FAILS(na_h5_read_rows(file, "one", NA_H5_FLOAT, 0, 1, values, &err), NA_ESHAPE,
              "single value", err);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void wrong_files(void)
{
  na_h5 *file;
  CHECK_FAILS(na_h5_open(&file, scratch_path("absent.h5"), &err), NA_EIO, "No such file", err);
  CHECK(file == NULL, "a failed open must give NULL");
  CHECK_FAILS(na_h5_open(&file, scratch, &err), NA_EFORMAT, "regular file", err);
  scratch_write(scratch_path("empty.h5"), "", 0);
  CHECK_FAILS(na_h5_open(&file, scratch_path("empty.h5"), &err), NA_EFORMAT, "empty", err);
  scratch_write(scratch_path("text.h5"), "import os; os.system('true')\n", 29);
  CHECK_FAILS(na_h5_open(&file, scratch_path("text.h5"), &err), NA_EFORMAT, "not an HDF5 file", err);
  mkfifo(scratch_path("pipe.h5"), 0600);
  CHECK_FAILS(na_h5_open(&file, scratch_path("pipe.h5"), &err), NA_EFORMAT, "regular file", err);
  CHECK_FAILS(na_h5_create(&file, scratch_path("no/such/folder.h5"), &err), NA_EIO, "No such file",
              err);
  if (geteuid() != 0) {
    scratch_write(scratch_path("locked.h5"), "x", 1);
    chmod(scratch_path("locked.h5"), 0);
    CHECK_FAILS(na_h5_open(&file, scratch_path("locked.h5"), &err), NA_EIO, "Permission", err);
    CHECK_FAILS(na_h5_create(&file, scratch_path("locked.h5"), &err), NA_EIO, "Permission", err);
  }
}

/* A full disk, as a limit on the size of files. */
static void full_disk(void)
{
  enum { COUNT = 1 << 18 };
  struct rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 100000;
  signal(SIGXFSZ, SIG_IGN);
  float *values = na_alloc(COUNT * sizeof *values);
  CHECK(values != NULL, "out of memory");
  na_h5 *file = created("full.h5");
  setrlimit(RLIMIT_FSIZE, &small);
  int code = na_h5_write(file, "big", NA_H5_FLOAT, 1, (long long[]){COUNT}, values, &err);
  int closed = na_h5_close(file, &err);
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(code != NA_OK || closed != NA_OK, "a full disk went unnoticed");
  CHECK(strstr(err.message, "File too large") != NULL, "message: %s", err.message);
  na_error_clear(&err);
  na_free(values);
  /* The library must be usable afterwards. */
  file = created("after.h5");
  CHECK_OK(na_h5_write(file, "x", NA_H5_FLOAT, 0, NULL, (float[]){1}, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
}

int main(void)
{
  if (!scratch_make()) return EXIT_FAILURE;
  RUN(whole_arrays);
  RUN(rows);
  RUN(many_columns);
  RUN(attributes);
  RUN(listing);
  RUN(wrong_requests);
  RUN(wrong_files);
  RUN(full_disk);
  scratch_remove();
  return CHECK_EXIT();
}
