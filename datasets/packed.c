/* Reads packed collections into memory.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/packed.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "datasets/collection.h"

#include <stdio.h>
#include <string.h>

enum { SIDE_MAX = 4096, CLASSES_MAX = 1000000 };

bool na_packed_detect(const char *path)
{
  static const char signature[8] = "\x89HDF\r\n\x1a\n";
  char head[8];
  if (!na_path_is_file(path)) return false;
  FILE *file = fopen(path, "rb");
  bool is = file != NULL && fread(head, 1, 8, file) == 8 && memcmp(head, signature, 8) == 0;
  if (file != NULL) fclose(file);
  return is;
}

static int check_format(na_h5 *file, const char *path, na_error *err)
{
  char *format = NULL;
  double version = 0;
  na_error own = {0};
  int code = na_h5_get_text(file, "/", "format", &format, &own);
  if (code == NA_OK) code = na_h5_get_number(file, "/", "version", &version, &own);
  bool is = code == NA_OK && strcmp(format, NA_PACKED_FORMAT) == 0;
  na_free(format);
  if (!is) {
    na_fail(err, NA_EFORMAT, "%s: an HDF5 file, but not a packed collection of images", path);
    return na_hint(err, "such files are made by `netaug data pack`");
  }
  if (version != NA_PACKED_VERSION)
    return na_fail(err, NA_EUNSUPPORTED, "%s: packed in version %g; this program reads version %d",
                   path, version, NA_PACKED_VERSION);
  return NA_OK;
}

static int read_names(na_dataset *dataset, na_h5 *file, na_error *err)
{
  char **names = NULL;
  size_t count = 0;
  int code = na_h5_get_texts(file, "/", "class_names", &names, &count, err);
  if (code == NA_OK && (count == 0 || count > CLASSES_MAX))
    code = na_fail(err, NA_EFORMAT, "%s: it names %zu classes", dataset->path, count);
  for (size_t i = 0; code == NA_OK && i < count; i++)
    code = na_names_add(&dataset->class_names, names[i], err);
  na_free(names);
  return code;
}

static int check_shape(const na_dataset *dataset, const char *part, int rank,
                       const long long dims[NA_H5_RANK_MAX], na_error *err)
{
  if (rank != 4)
    return na_fail(err, NA_EFORMAT, "%s: %s has %d dimensions, not 4", dataset->path, part, rank);
  bool good = dims[1] >= 1 && dims[1] <= SIDE_MAX && dims[2] >= 1 && dims[2] <= SIDE_MAX &&
              (dims[3] == 1 || dims[3] == 3);
  if (!good)
    return na_fail(err, NA_EFORMAT, "%s: %s holds images of %lldx%lldx%lld", dataset->path, part,
                   dims[1], dims[2], dims[3]);
  if (dataset->stored_height != 0 &&
      (dims[1] != dataset->stored_height || dims[2] != dataset->stored_width ||
       dims[3] != dataset->stored_channels))
    return na_fail(err, NA_ESHAPE, "%s: %s differs in shape from the training images",
                   dataset->path, part);
  return NA_OK;
}

static int check_labels(const na_dataset *dataset, na_h5 *file, const char *part, long long images,
                        na_error *err)
{
  long long dims[NA_H5_RANK_MAX];
  int rank;
  int code = na_h5_shape(file, part, &rank, dims, err);
  if (code == NA_OK && (rank != 1 || dims[0] != images))
    code = na_fail(err, NA_EFORMAT, "%s: %s holds %lld labels for %lld images", dataset->path, part,
                   rank == 1 ? dims[0] : 0, images);
  return code;
}

static int read_part(na_dataset *dataset, na_part *part, na_h5 *file, const char *group,
                     na_error *err)
{
  char images[32], labels[32], where[NA_TEXT_MAX + 64];
  long long dims[NA_H5_RANK_MAX];
  int rank;
  snprintf(images, sizeof images, "%s/images", group);
  snprintf(labels, sizeof labels, "%s/labels", group);
  snprintf(where, sizeof where, "%s: %s", dataset->path, labels);
  int code = na_h5_shape(file, images, &rank, dims, err);
  if (code == NA_OK) code = check_shape(dataset, images, rank, dims, err);
  if (code == NA_OK) code = check_labels(dataset, file, labels, dims[0], err);
  if (code == NA_OK) code = na_part_alloc(part, dims[0], dims[1] * dims[2] * dims[3], err);
  if (code != NA_OK) return code;
  size_t bytes = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
  code = na_h5_read(file, images, NA_H5_UINT8, part->pixels, bytes, err);
  if (code == NA_OK)
    code = na_h5_read(file, labels, NA_H5_INT32, part->labels, (size_t)part->count, err);
  if (code == NA_OK)
    code = na_labels_check(where, part->labels, part->count, 0, (int)dataset->class_names.count,
                           err);
  dataset->stored_height = (int)dims[1];
  dataset->stored_width = (int)dims[2];
  dataset->stored_channels = (int)dims[3];
  return code;
}

int na_packed_read(na_dataset *dataset, na_error *err)
{
  na_h5 *file;
  int code = na_h5_open(&file, dataset->path, err);
  if (code != NA_OK) return code;
  code = check_format(file, dataset->path, err);
  if (code == NA_OK) code = read_names(dataset, file, err);
  if (code == NA_OK) code = read_part(dataset, &dataset->train, file, "train", err);
  if (code == NA_OK && na_h5_has(file, "val"))
    code = read_part(dataset, &dataset->val, file, "val", err);
  na_h5_close(file, NULL);
  return code;
}
