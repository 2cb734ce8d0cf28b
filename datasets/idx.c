/* IDX, the format of MNIST and Fashion-MNIST (yann.lecun.com/exdb/mnist): big-endian, a magic
 * number 0 0 TYPE RANK, the dimensions as 32-bit integers, then the values. Type 8 is uint8.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"
#include "datasets/stream.h"

#include <stdio.h>
#include <string.h>

enum { TYPE_UINT8 = 8, SIDE_MAX = 4096 };

enum { NAME_BYTES = 64 };

/* The files are called train-images-idx3-ubyte or, once unpacked by some tools,
 * train-images.idx3-ubyte; each may have .gz at its end. Writes the name of the one that is
 * there. */
static bool find_file(const char *folder, const char *part, const char *what, int rank,
                      char name[NAME_BYTES])
{
  for (int i = 0; i < 4; i++) {
    snprintf(name, NAME_BYTES, "%s-%s%cidx%d-ubyte%s", part, what, i < 2 ? '-' : '.', rank,
             i % 2 == 0 ? "" : ".gz");
    if (na_path_has(folder, name)) return true;
  }
  return false;
}

static bool has_part(const char *folder, const char *part)
{
  char name[NAME_BYTES];
  return find_file(folder, part, "images", 3, name) || find_file(folder, part, "labels", 1, name);
}

bool na_idx_detect(const char *path) { return has_part(path, "train"); }

/* Reads the header and checks it, and the file's size, against `rank`. */
static int read_header(na_stream *stream, int rank, unsigned long long dims[3], na_error *err)
{
  unsigned char head[16];
  const char *path = na_stream_path(stream);
  int code = na_stream_read(stream, head, 4, err);
  if (code != NA_OK) return code;
  if (head[0] != 0 || head[1] != 0 || head[2] != TYPE_UINT8 || head[3] != rank)
    return na_fail(err, NA_EFORMAT,
                   "%s: not an IDX file of %s: it starts %02x %02x %02x %02x, not 00 00 08 %02x",
                   path, rank == 1 ? "labels" : "images", head[0], head[1], head[2], head[3],
                   (unsigned)rank);
  code = na_stream_read(stream, head, 4 * (size_t)rank, err);
  unsigned long long bytes = 1;
  for (int i = 0; code == NA_OK && i < rank; i++) {
    const unsigned char *p = head + 4 * i;
    dims[i] = (unsigned long long)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
    if (dims[i] == 0 || (i > 0 && dims[i] > SIDE_MAX))
      code =
          na_fail(err, NA_EFORMAT, "%s: its header gives dimension %d as %llu", path, i, dims[i]);
    bytes *= dims[i];
  }
  return code != NA_OK ? code : na_stream_expect(stream, 4 + 4ull * (unsigned)rank + bytes, err);
}

/* Opens a part's file: its path is found by name, or the error names what is missing. */
static int open_part(na_stream **stream, const char *folder, const char *part, const char *what,
                     int rank, unsigned long long dims[3], na_error *err)
{
  char name[NAME_BYTES];
  *stream = NULL;
  if (!find_file(folder, part, what, rank, name)) {
    na_fail(err, NA_EIO, "%s: %s-%s-idx%d-ubyte is missing (also with .gz)", folder, part, what,
            rank);
    return na_hint(err, "images and labels come in two files; both must be there");
  }
  char *path = na_path_join(folder, name);
  if (path == NULL) return na_fail_memory(err, strlen(folder), "a path");
  int code = na_stream_open(stream, path, err);
  if (code == NA_OK) code = read_header(*stream, rank, dims, err);
  na_free(path);
  return code;
}

static int check_pair(const na_dataset *dataset, const na_stream *images,
                      const na_stream *labels, const unsigned long long dims[3],
                      unsigned long long label_count, na_error *err)
{
  if (dims[0] != label_count)
    return na_fail(err, NA_EFORMAT, "%s holds %llu labels, but %s holds %llu images",
                   na_stream_path(labels), label_count, na_stream_path(images), dims[0]);
  if (dataset->stored_height != 0 && (dims[1] != (unsigned long long)dataset->stored_height ||
                                      dims[2] != (unsigned long long)dataset->stored_width))
    return na_fail(err, NA_ESHAPE, "%s holds images of %llux%llu, but training images are %dx%d",
                   na_stream_path(images), dims[1], dims[2], dataset->stored_height,
                   dataset->stored_width);
  return NA_OK;
}

static int read_labels(na_stream *stream, int32_t *labels, size_t count, na_error *err)
{
  unsigned char bytes[4096];
  for (size_t at = 0; at < count;) {
    size_t step = count - at < sizeof bytes ? count - at : sizeof bytes;
    int code = na_stream_read(stream, bytes, step, err);
    if (code != NA_OK) return code;
    for (size_t i = 0; i < step; i++) labels[at + i] = bytes[i];
    at += step;
  }
  return na_stream_end(stream, err);
}

/* How many classes the training labels make. A file says no number of them: a label beyond one
 * that no image has is taken for damage, not for a class. */
static int count_classes(const char *file, const na_part *part, int *classes, na_error *err)
{
  long seen[257] = {0};
  for (long i = 0; i < part->count; i++) seen[part->labels[i]]++;
  *classes = 0;
  while (seen[*classes] != 0) ++*classes;
  for (long i = 0; i < part->count; i++)
    if (part->labels[i] > *classes) {
      na_fail(err, NA_EFORMAT, "%s: label %d of image %ld is out of range: no image has label %d",
              file, (int)part->labels[i], i, *classes);
      return na_hint(err, "labels must be 0, 1, 2 ... with images for each");
    }
  return NA_OK;
}

static int name_classes(na_dataset *dataset, int classes, na_error *err)
{
  for (int i = 0; i < classes; i++) {
    char digits[16];
    snprintf(digits, sizeof digits, "%d", i);
    const char *name = dataset->known != NULL ? dataset->known->class_names[i] : digits;
    int code = na_names_add(&dataset->class_names, name, err);
    if (code != NA_OK) return code;
  }
  return NA_OK;
}

/* The first part's labels decide the classes, those of both are checked. */
static int check_labels(na_dataset *dataset, const na_part *part, const char *file, na_error *err)
{
  if (dataset->class_names.count == 0) {
    int classes = dataset->known != NULL ? dataset->known->classes : 0;
    int code = classes == 0 ? count_classes(file, part, &classes, err) : NA_OK;
    if (code == NA_OK) code = name_classes(dataset, classes, err);
    if (code != NA_OK) return code;
  }
  return na_labels_check(file, part->labels, part->count, 0, (int)dataset->class_names.count, err);
}

static int read_part(na_dataset *dataset, na_part *part, const char *name, na_error *err)
{
  na_stream *images = NULL, *labels = NULL;
  unsigned long long dims[3] = {0}, label_dims[3] = {0};
  int code = open_part(&images, dataset->path, name, "images", 3, dims, err);
  if (code == NA_OK) code = open_part(&labels, dataset->path, name, "labels", 1, label_dims, err);
  if (code == NA_OK) code = check_pair(dataset, images, labels, dims, label_dims[0], err);
  if (code == NA_OK)
    code = na_part_alloc(part, (long long)dims[0], (long long)(dims[1] * dims[2]), err);
  if (code == NA_OK)
    code = na_stream_read(images, part->pixels, (size_t)(dims[0] * dims[1] * dims[2]), err);
  if (code == NA_OK) code = na_stream_end(images, err);
  if (code == NA_OK) code = read_labels(labels, part->labels, (size_t)part->count, err);
  if (code == NA_OK) code = check_labels(dataset, part, na_stream_path(labels), err);
  if (code == NA_OK) {
    dataset->stored_height = (int)dims[1];
    dataset->stored_width = (int)dims[2];
  }
  na_stream_close(images);
  na_stream_close(labels);
  return code;
}

int na_idx_read(na_dataset *dataset, na_error *err)
{
  dataset->stored_channels = 1;
  int code = read_part(dataset, &dataset->train, "train", err);
  if (code != NA_OK) return code;
  return has_part(dataset->path, "t10k") ? read_part(dataset, &dataset->val, "t10k", err) : NA_OK;
}
