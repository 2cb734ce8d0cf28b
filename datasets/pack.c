/* Packs a collection into one HDF5 file: everything is decoded and resized once, so that later
 * epochs only copy bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/team.h"
#include "core/store/h5.h"
#include "datasets/collection.h"
#include "datasets/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 64, CHUNK_BYTES = 1 << 20 }; /* images worked on at a time; of one HDF5 chunk */

typedef struct packer {
  na_dataset *dataset;
  na_transform transform;
  bool strict; /* images must have the wanted size already */
  na_h5 *file;
  na_team *team;
  na_tools **tools; /* [team size] */
  size_t bytes;     /* of an image */
  uint8_t *planes;  /* [team size][channels][height][width] */
  uint8_t *rows;    /* [ROWS][height][width][channels] */
  int32_t labels[ROWS];
  bool left_out[ROWS];
  na_error errors[ROWS];

  const na_subset *subset; /* being packed, from image `first` on */
  long first;

  void (*progress)(void *context, long done, long total);
  void *context;
  long done, total;
} packer;

static int check_size(packer *self, uint32_t index, na_tools *tools, na_error *err)
{
  int channels, height, width;
  const na_part *part = self->subset->part;
  if (!self->strict || part->pixels != NULL) return NA_OK;
  int code = na_sample_probe(self->dataset, part, index, tools, &channels, &height, &width, err);
  if (code != NA_OK || (height == self->transform.height && width == self->transform.width))
    return code;
  na_fail(err, NA_EINVAL, "%s: %s of class \"%s\" has %dx%d pixels, others %dx%d", part->folder,
          na_names_at(&part->names, index),
          na_names_at(&self->dataset->class_names, (size_t)part->labels[index]), width, height,
          self->transform.width, self->transform.height);
  return na_hint(err, "give a size to which all images are brought");
}

static void interleave(const uint8_t *planes, uint8_t *pixels, size_t plane, size_t channels)
{
  for (size_t c = 0; c < channels; c++, planes += plane)
    for (size_t p = 0; p < plane; p++) pixels[p * channels + c] = planes[p];
}

/* A na_task: image first + unit of the subset, to row `unit`. */
static void pack_one(void *context, int unit, int worker)
{
  packer *self = context;
  na_part *part = self->subset->part;
  na_error *err = &self->errors[unit];
  uint32_t index = self->subset->index[self->first + unit];
  uint8_t *planes = self->planes + (size_t)worker * self->bytes;
  na_tools *tools = self->tools[worker];
  int code = check_size(self, index, tools, err);
  if (code == NA_OK)
    code = na_sample_load(self->dataset, part, index, &self->transform, NULL, tools, planes, err);
  self->labels[unit] = part->labels[index];
  self->left_out[unit] = code != NA_OK && code != NA_EINVAL &&
                         na_sample_skip(self->dataset, part, index, err);
  size_t channels = (size_t)self->transform.channels;
  interleave(planes, self->rows + (size_t)unit * self->bytes, self->bytes / channels, channels);
}

/* Appends `count` rows, without those left out, in order. */
static int append(packer *self, const char *group, int count, na_error *err)
{
  char images[32], labels[32];
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (self->errors[i].code != NA_OK) {
      na_fail(err, self->errors[i].code, "%s", self->errors[i].message);
      return na_hint(err, "%s", self->errors[i].hint);
    }
    if (self->left_out[i]) continue;
    memmove(self->rows + (size_t)kept * self->bytes, self->rows + (size_t)i * self->bytes,
            self->bytes);
    self->labels[kept++] = self->labels[i];
  }
  snprintf(images, sizeof images, "%s/images", group);
  snprintf(labels, sizeof labels, "%s/labels", group);
  if (kept == 0) return NA_OK;
  int code = na_h5_append_rows(self->file, images, NA_H5_UINT8, kept, self->rows, err);
  if (code == NA_OK)
    code = na_h5_append_rows(self->file, labels, NA_H5_INT32, kept, self->labels, err);
  return code;
}

static int make_datasets(packer *self, const char *group, na_error *err)
{
  char name[32];
  const na_transform *t = &self->transform;
  long long dims[3] = {t->height, t->width, t->channels};
  long long chunk = CHUNK_BYTES / (long long)self->bytes;
  snprintf(name, sizeof name, "%s/images", group);
  int code = na_h5_extendable(self->file, name, NA_H5_UINT8, 3, dims, chunk < 1 ? 1 : chunk, err);
  snprintf(name, sizeof name, "%s/labels", group);
  if (code == NA_OK) code = na_h5_extendable(self->file, name, NA_H5_INT32, 0, NULL, 4096, err);
  return code;
}

static int pack_subset(packer *self, const char *group, const na_subset *subset, na_error *err)
{
  if (subset->count == 0) return NA_OK;
  int code = make_datasets(self, group, err);
  self->subset = subset;
  for (self->first = 0; code == NA_OK && self->first < subset->count; self->first += ROWS) {
    long left = subset->count - self->first;
    int count = left < ROWS ? (int)left : ROWS;
    memset(self->errors, 0, sizeof self->errors);
    na_team_run(self->team, pack_one, self, count);
    code = append(self, group, count, err);
    self->done += count;
    if (code == NA_OK && self->progress != NULL)
      self->progress(self->context, self->done, self->total);
  }
  return code;
}

static int write_attributes(packer *self, na_error *err)
{
  double version = NA_PACKED_VERSION;
  na_dataset_info info;
  na_dataset_describe(self->dataset, &info);
  int code = na_h5_set_text(self->file, "/", "format", NA_PACKED_FORMAT, err);
  if (code == NA_OK) code = na_h5_set_numbers(self->file, "/", "version", &version, 1, err);
  if (code == NA_OK) code = na_h5_set_text(self->file, "/", "name", info.name, err);
  if (code == NA_OK)
    code = na_h5_set_texts(self->file, "/", "class_names", info.class_names, (size_t)info.classes,
                           err);
  return code;
}

static int choose_shape(packer *self, int size, na_error *err)
{
  na_dataset *dataset = self->dataset;
  na_transform *t = &self->transform;
  *t = (na_transform){.kind = NA_AUGMENT_NONE,
                      .channels = dataset->train_transform.channels,
                      .height = size != 0 ? size : dataset->stored_height,
                      .width = size != 0 ? size : dataset->stored_width};
  self->strict = size == 0;
  if (size < 0 || size > 4096)
    return na_fail(err, NA_EINVAL, "the size to pack at is %d: it must be 1 to 4096, or 0", size);
  if (t->height == 0) {
    na_fail(err, NA_EINVAL, "%s: its images differ in size", dataset->path);
    return na_hint(err, "give a size to which all images are brought");
  }
  self->bytes = (size_t)t->channels * (size_t)t->height * (size_t)t->width;
  return NA_OK;
}

static int make_tools(packer *self, na_error *err)
{
  int code = na_team_new(&self->team, self->dataset->data.loaders, err);
  if (code != NA_OK) return code;
  size_t team = (size_t)na_team_size(self->team);
  self->tools = na_alloc_array(team, sizeof *self->tools);
  self->planes = na_alloc_array(team, self->bytes);
  self->rows = na_alloc_array(ROWS, self->bytes);
  if (self->tools == NULL || self->planes == NULL || self->rows == NULL)
    return na_fail_memory(err, (ROWS + team) * self->bytes, "packing images");
  for (size_t i = 0; code == NA_OK && i < team; i++) code = na_tools_new(&self->tools[i], err);
  return code;
}

static void free_tools(packer *self)
{
  for (int i = 0; self->tools != NULL && i < na_team_size(self->team); i++)
    na_tools_free(self->tools[i]);
  na_free(self->tools);
  na_free(self->planes);
  na_free(self->rows);
  na_team_free(self->team);
}

static int write_file(packer *self, const char *path, na_error *err)
{
  int code = na_h5_create(&self->file, path, err);
  if (code != NA_OK) return code;
  code = write_attributes(self, err);
  if (code == NA_OK)
    code = pack_subset(self, "train", &self->dataset->subset[NA_SPLIT_TRAIN], err);
  if (code == NA_OK) code = pack_subset(self, "val", &self->dataset->subset[NA_SPLIT_VAL], err);
  int closed = na_h5_close(self->file, code == NA_OK ? err : NULL);
  return code != NA_OK ? code : closed;
}

/* On disk before it gets its name, so that the name never shows half a file. */
static int publish(const char *temporary, const char *path, na_error *err)
{
  int fd = open(temporary, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0 || rename(temporary, path) != 0) {
    int code = na_fail(err, NA_EIO, "%s: cannot store it: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return code;
  }
  close(fd);
  return NA_OK;
}

static int pack(packer *self, const char *path, na_error *err)
{
  na_buffer temporary = {0};
  na_buffer_add(&temporary, "%s.%ld.part", path, (long)getpid());
  int code = temporary.failed ? na_fail_memory(err, strlen(path), "a path") : NA_OK;
  if (code == NA_OK) code = write_file(self, temporary.data, err);
  if (code == NA_OK) code = publish(temporary.data, path, err);
  if (code != NA_OK && temporary.data != NULL) unlink(temporary.data);
  na_free(temporary.data);
  return code;
}

int na_dataset_pack(na_dataset *dataset, const char *path, int size,
                    void (*progress)(void *context, long done, long total), void *context,
                    na_error *err)
{
  packer *self = na_alloc(sizeof *self);
  if (self == NULL) return na_fail_memory(err, sizeof *self, "packing images");
  self->dataset = dataset;
  self->progress = progress;
  self->context = context;
  self->total = dataset->subset[NA_SPLIT_TRAIN].count + dataset->subset[NA_SPLIT_VAL].count;
  int code = choose_shape(self, size, err);
  if (code == NA_OK) code = make_tools(self, err);
  if (code == NA_OK) code = pack(self, path, err);
  free_tools(self);
  na_free(self);
  return code;
}
