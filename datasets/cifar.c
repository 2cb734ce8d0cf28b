/* CIFAR-10 and CIFAR-100, binary version (www.cs.toronto.edu/~kriz/cifar.html): records of one
 * label byte (CIFAR-100: coarse, then fine), then 32x32 red, green and blue planes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"
#include "datasets/stream.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE, FILES_MAX = 5 };

typedef struct cifar {
  const char *train[FILES_MAX + 1], *test, *names;
  int classes, label_bytes; /* the last label byte is the one used */
} cifar;

static const cifar cifar10 = {
    {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
     "data_batch_5.bin", NULL},
    "test_batch.bin", "batches.meta.txt", 10, 1};
static const cifar cifar100 = {{"train.bin", NULL}, "test.bin", "fine_label_names.txt", 100, 2};

static bool detect(const cifar *layout, const char *path)
{
  return na_path_has(path, layout->train[0]);
}

bool na_cifar10_detect(const char *path) { return detect(&cifar10, path); }

bool na_cifar100_detect(const char *path) { return detect(&cifar100, path); }

static unsigned long long record_bytes(const cifar *layout)
{
  return (unsigned long long)layout->label_bytes + PIXELS;
}

/* Opens a file and counts its records. */
static int open_file(na_stream **stream, const char *folder, const char *name,
                     const cifar *layout, long *records, na_error *err)
{
  *stream = NULL;
  char *path = na_path_join(folder, name);
  if (path == NULL) return na_fail_memory(err, strlen(folder), "a path");
  int code = na_stream_open(stream, path, err);
  if (code != NA_OK) na_hint(err, "all files of the binary version must lie in %s", folder);
  unsigned long long bytes = code == NA_OK ? na_stream_most(*stream) : 0;
  unsigned long long record = record_bytes(layout);
  if (code == NA_OK && na_stream_is_gzip(*stream))
    code = na_fail(err, NA_EFORMAT, "%s: it is compressed; unpack it first", path);
  else if (code == NA_OK && bytes % record != 0) {
    code =
        na_fail(err, NA_EFORMAT,
                "%s: truncated: expected a multiple of %llu bytes (%llu for %llu images), got %llu",
                path, record, (bytes / record + 1) * record, bytes / record + 1, bytes);
    na_hint(err, "download or copy the file again");
  }
  *records = (long)(bytes / record);
  na_free(path);
  return code;
}

static int count_records(const char *folder, const char *name, const cifar *layout, long *total,
                         na_error *err)
{
  na_stream *stream;
  long records;
  int code = open_file(&stream, folder, name, layout, &records, err);
  na_stream_close(stream);
  if (code == NA_OK) *total += records;
  return code;
}

/* Planes to pixels. */
static void interleave(const uint8_t *planes, uint8_t *pixels)
{
  for (int i = 0; i < PLANE; i++)
    for (int c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * PLANE + i];
}

/* Reads one file's records into the part from image *at on. */
static int read_file(na_part *part, const char *folder, const char *name, const cifar *layout,
                     long *at, na_error *err)
{
  na_stream *stream;
  long records;
  uint8_t record[2 + PIXELS];
  int code = open_file(&stream, folder, name, layout, &records, err);
  for (long i = 0; code == NA_OK && i < records && *at + i < part->count; i++) {
    code = na_stream_read(stream, record, (size_t)record_bytes(layout), err);
    if (code != NA_OK) break;
    part->labels[*at + i] = record[layout->label_bytes - 1];
    interleave(record + layout->label_bytes, part->pixels + (size_t)(*at + i) * PIXELS);
  }
  if (code == NA_OK)
    code = na_labels_check(na_stream_path(stream), part->labels + *at, records, 0,
                           layout->classes, err);
  *at += records;
  na_stream_close(stream);
  return code;
}

static int read_part(na_dataset *dataset, na_part *part, const char *const *files,
                     const cifar *layout, na_error *err)
{
  long total = 0, at = 0;
  int code = NA_OK;
  for (int i = 0; code == NA_OK && files[i] != NULL; i++)
    code = count_records(dataset->path, files[i], layout, &total, err);
  if (code == NA_OK) code = na_part_alloc(part, total, PIXELS, err);
  for (int i = 0; code == NA_OK && files[i] != NULL; i++)
    code = read_file(part, dataset->path, files[i], layout, &at, err);
  return code;
}

/* The names lie beside the data; without them classes are called by number. */
static int read_names(na_dataset *dataset, const cifar *layout, na_error *err)
{
  size_t classes = (size_t)layout->classes;
  char *path = na_path_join(dataset->path, layout->names);
  if (path == NULL) return na_fail_memory(err, strlen(dataset->path), "a path");
  int code = NA_OK;
  if (na_path_is_file(path)) code = na_names_lines(&dataset->class_names, path, classes, err);
  size_t count = dataset->class_names.count;
  if (code == NA_OK && count != 0 && count != classes)
    code = na_fail(err, NA_EFORMAT, "%s: expected %zu names, got %zu", path, classes, count);
  na_free(path);
  for (size_t i = count; code == NA_OK && i < classes; i++) {
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", i);
    code = na_names_add(&dataset->class_names, digits, err);
  }
  return code;
}

static int read_collection(na_dataset *dataset, const cifar *layout, na_error *err)
{
  dataset->stored_channels = 3;
  dataset->stored_height = dataset->stored_width = SIDE;
  const char *const test[] = {layout->test, NULL};
  int code = read_names(dataset, layout, err);
  if (code == NA_OK) code = read_part(dataset, &dataset->train, layout->train, layout, err);
  if (code == NA_OK && na_path_has(dataset->path, layout->test))
    code = read_part(dataset, &dataset->val, test, layout, err);
  return code;
}

int na_cifar10_read(na_dataset *dataset, na_error *err)
{
  return read_collection(dataset, &cifar10, err);
}

int na_cifar100_read(na_dataset *dataset, na_error *err)
{
  return read_collection(dataset, &cifar100, err);
}
