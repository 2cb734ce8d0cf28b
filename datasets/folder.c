/* Image folders: PATH/train/CLASS/image.jpg with PATH/val (or valid, validation, test), or
 * PATH/CLASS/image.jpg alone. Classes are the folders' names, sorted. Files are taken by their
 * extension, .jpg, .jpeg or .png in any case, directly in the class's folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"

#include <string.h>
#include <strings.h>

static const char *const val_folders[] = {"val", "valid", "validation", "test"};
enum { VAL_FOLDERS = sizeof val_folders / sizeof val_folders[0] };

bool na_folder_detect(const char *path) { return na_path_is_folder(path); }

static bool is_class(const char *path, const char *name)
{
  (void)name;
  return na_path_is_folder(path);
}

static bool is_image(const char *path, const char *name)
{
  (void)path;
  const char *dot = strrchr(name, '.');
  return dot != NULL && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 ||
                         strcasecmp(dot, ".png") == 0);
}

static int add_labels(na_part *part, size_t *capacity, int32_t label, na_error *err)
{
  void *labels = part->labels;
  for (; (size_t)part->count < part->names.count; part->count++) {
    if (na_grow(&labels, (size_t)part->count, capacity, sizeof *part->labels) != NA_OK)
      return na_fail_memory(err, 2 * *capacity * sizeof *part->labels, "labels");
    part->labels = labels;
    part->labels[part->count] = label;
  }
  return NA_OK;
}

/* Adds the images of one class. */
static int list_class(na_part *part, const char *class_name, int32_t label, size_t *capacity,
                      na_error *err)
{
  char *folder = na_path_join(part->folder, class_name);
  if (folder == NULL) return na_fail_memory(err, strlen(part->folder), "a path");
  size_t before = part->names.count;
  int code = na_names_list(&part->names, folder, is_image, err);
  if (code == NA_OK && part->names.count == before) {
    code = na_fail(err, NA_EFORMAT, "%s: class \"%s\" has no images", folder, class_name);
    na_hint(err, "remove the folder, or put .jpg, .jpeg or .png files directly into it");
  }
  if (code == NA_OK) code = add_labels(part, capacity, label, err);
  na_free(folder);
  return code;
}

/* Lists all images of a part whose class folders lie in `folder`, which the part takes over. */
static int list_part(na_dataset *dataset, na_part *part, char *folder, na_error *err)
{
  size_t capacity = 0;
  part->folder = folder;
  if (folder == NULL) return na_fail_memory(err, strlen(dataset->path), "a path");
  for (size_t c = 0; c < dataset->class_names.count; c++) {
    int code = list_class(part, na_names_at(&dataset->class_names, c), (int32_t)c, &capacity, err);
    if (code != NA_OK) return code;
  }
  part->states = na_alloc_array((size_t)part->count, sizeof *part->states);
  return part->states != NULL ? NA_OK
                               : na_fail_memory(err, (size_t)part->count, "a list of images");
}

/* Both parts must show the same classes, or labels would mean different things. */
static int compare_classes(const na_names *train, const na_names *val, const char *folder,
                           na_error *err)
{
  for (size_t i = 0; i < val->count; i++)
    if (na_names_find(train, na_names_at(val, i)) < 0)
      return na_fail(err, NA_EFORMAT, "%s: class \"%s\" is not among the training classes", folder,
                     na_names_at(val, i));
  for (size_t i = 0; i < train->count; i++)
    if (na_names_find(val, na_names_at(train, i)) < 0)
      return na_fail(err, NA_EFORMAT, "%s: class \"%s\" of the training images is missing", folder,
                     na_names_at(train, i));
  return NA_OK;
}

static int read_val(na_dataset *dataset, const char *name, na_error *err)
{
  char *folder = na_path_join(dataset->path, name);
  if (folder == NULL) return na_fail_memory(err, strlen(dataset->path), "a path");
  na_names classes = {0};
  int code = na_names_list(&classes, folder, is_class, err);
  if (code == NA_OK) code = compare_classes(&dataset->class_names, &classes, folder, err);
  na_names_free(&classes);
  if (code == NA_OK) return list_part(dataset, &dataset->val, folder, err);
  na_free(folder);
  return code;
}

/* The one shape and colour that the first image of every class has, or 0 for what differs. The
 * headers tell; opening all of them would take too long in a large collection. */
static int probe(na_dataset *dataset, na_tools *tools, na_error *err)
{
  na_part *part = &dataset->train;
  int32_t wanted = 0;
  for (long i = 0; i < part->count; i++) {
    int channels, height, width;
    if (part->labels[i] < wanted) continue; /* this class has shown one */
    int code = na_sample_probe(dataset, part, (uint32_t)i, tools, &channels, &height, &width, err);
    if (code != NA_OK && na_sample_skip(dataset, part, (uint32_t)i, err)) continue;
    if (code != NA_OK) return code;
    if (wanted == 0) {
      dataset->stored_height = height;
      dataset->stored_width = width;
    } else if (dataset->stored_height != height || dataset->stored_width != width)
      dataset->stored_height = dataset->stored_width = 0;
    if (dataset->stored_channels < channels) dataset->stored_channels = channels;
    wanted = part->labels[i] + 1;
  }
  if (wanted != 0) return NA_OK;
  return na_fail(err, NA_EFORMAT, "%s: none of its %ld images can be read", part->folder,
                 part->count);
}

int na_folder_read(na_dataset *dataset, na_error *err)
{
  bool split = na_path_has_folder(dataset->path, "train");
  char *folder = split ? na_path_join(dataset->path, "train") : na_strdup(dataset->path);
  if (folder == NULL) return na_fail_memory(err, strlen(dataset->path), "a path");
  int code = na_names_list(&dataset->class_names, folder, is_class, err);
  if (code == NA_OK && dataset->class_names.count == 0) {
    code = na_fail(err, NA_EFORMAT, "%s: no images: it has no class folders", folder);
    na_hint(err, "put images in CLASS/ or in train/CLASS/ and val/CLASS/ (.jpg, .jpeg, .png)");
  }
  if (code == NA_OK) code = list_part(dataset, &dataset->train, folder, err);
  else na_free(folder);
  for (int i = 0; code == NA_OK && split && i < VAL_FOLDERS; i++)
    if (na_path_has_folder(dataset->path, val_folders[i])) {
      code = read_val(dataset, val_folders[i], err);
      break;
    }
  na_tools *tools = NULL;
  if (code == NA_OK) code = na_tools_new(&tools, err);
  if (code == NA_OK) code = probe(dataset, tools, err);
  na_tools_free(tools);
  return code;
}
