/* One image from where it lies to transformed planes of bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"

#include <stdio.h>
#include <string.h>

struct na_tools {
  na_decoder *decoder;
  na_scratch scratch;
  na_buffer path;
};

int na_tools_new(na_tools **out, na_error *err)
{
  *out = NULL;
  na_tools *tools = na_alloc(sizeof *tools);
  if (tools == NULL) return na_fail_memory(err, sizeof *tools, "a loader thread");
  int code = na_decoder_new(&tools->decoder, err);
  if (code != NA_OK) na_tools_free(tools);
  else *out = tools;
  return code;
}

void na_tools_free(na_tools *tools)
{
  if (tools == NULL) return;
  na_decoder_free(tools->decoder);
  na_scratch_free(&tools->scratch);
  na_free(tools->path.data);
  na_free(tools);
}

int na_tools_prepare(na_tools *tools, const na_dataset *dataset, const na_transform *transform,
                     na_error *err)
{
  if (dataset->stored_height == 0) return NA_OK;
  return na_transform_prepare(transform, dataset->stored_channels, dataset->stored_height,
                              dataset->stored_width, &tools->scratch, err);
}

/* Says what to do about a damaged image. Returns code. */
static int advise(int code, na_error *err)
{
  if (code == NA_EFORMAT)
    na_hint(err, "remove the file, or set damaged = \"skip\" to leave it out");
  return code;
}

static int open_file(na_dataset *dataset, const na_part *part, uint32_t index, na_tools *tools,
                     na_image *info, na_error *err)
{
  tools->path.length = 0;
  na_buffer_add(&tools->path, "%s/%s/%s", part->folder,
                na_names_at(&dataset->class_names, (size_t)part->labels[index]),
                na_names_at(&part->names, index));
  if (tools->path.failed) {
    tools->path.failed = 0;
    return na_fail_memory(err, strlen(part->folder) + 512, "a path");
  }
  return advise(na_decoder_open(tools->decoder, tools->path.data, info, err), err);
}

int na_sample_probe(na_dataset *dataset, const na_part *part, uint32_t index, na_tools *tools,
                    int *channels, int *height, int *width, na_error *err)
{
  na_image info;
  int code = open_file(dataset, part, index, tools, &info, err);
  if (code != NA_OK) return code;
  *channels = info.channels;
  *height = info.height;
  *width = info.width;
  return NA_OK;
}

/* An image that lies in memory at its full size. */
static int load_whole(const na_image *image, const na_transform *transform, na_random *random,
                      na_tools *tools, uint8_t *out, na_error *err)
{
  na_plan plan;
  na_transform_draw(transform, image->width, image->height, random, &plan);
  return na_transform_apply(transform, &plan, 1, image, &tools->scratch, out, err);
}

static int load_stored(const na_dataset *dataset, const na_part *part, uint32_t index,
                       const na_transform *transform, na_random *random, na_tools *tools,
                       uint8_t *out, na_error *err)
{
  na_image image = {dataset->stored_channels, dataset->stored_height, dataset->stored_width, NULL};
  size_t bytes = (size_t)image.channels * (size_t)image.height * (size_t)image.width;
  image.pixels = part->pixels + index * bytes;
  return load_whole(&image, transform, random, tools, out, err);
}

/* Decodes what the plan needs of the file opened last. A file is searched for damage to its end once;
 * after that, what lies behind the plan's box need not be looked at. */
static int decode(const na_part *part, uint32_t index, const na_plan *plan, int shrink,
                  const na_image *info, na_tools *tools, na_image *image, na_error *err)
{
  na_window window;
  bool whole = na_keeps(info) ||
               !na_transform_window(plan, shrink, info->width, info->height, &window);
  window.prove = atomic_load(&part->states[index]) == NA_STATE_UNKNOWN;
  int code = na_decoder_read(tools->decoder, shrink, whole ? NULL : &window, image, err);
  if (code == NA_OK) atomic_store(&part->states[index], NA_STATE_WHOLE);
  return advise(code, err);
}

static int load_file(na_dataset *dataset, const na_part *part, uint32_t index,
                     const na_transform *transform, na_random *random, na_tools *tools,
                     uint8_t *out, na_error *err)
{
  na_image info, image;
  na_plan plan;
  if (na_kept_find(part, index, &image)) return load_whole(&image, transform, random, tools, out, err);
  int code = open_file(dataset, part, index, tools, &info, err);
  if (code != NA_OK) return code;
  na_transform_draw(transform, info.width, info.height, random, &plan);
  int shrink = na_keeps(&info) ? 1 : na_transform_shrink(transform, &plan);
  code = decode(part, index, &plan, shrink, &info, tools, &image, err);
  if (code != NA_OK) return code;
  if (image.width == info.width && image.height == info.height) shrink = 1; /* a PNG */
  if (na_keeps(&info)) na_kept_add(dataset, part, index, &image);
  return na_transform_apply(transform, &plan, shrink, &image, &tools->scratch, out, err);
}

int na_sample_load(na_dataset *dataset, const na_part *part, uint32_t index,
                   const na_transform *transform, na_random *random, na_tools *tools, uint8_t *out,
                   na_error *err)
{
  if (part->pixels != NULL)
    return load_stored(dataset, part, index, transform, random, tools, out, err);
  return load_file(dataset, part, index, transform, random, tools, out, err);
}

bool na_sample_skip(na_dataset *dataset, na_part *part, uint32_t index, na_error *err)
{
  if (dataset->data.damaged != NA_DAMAGED_SKIP || part->pixels != NULL) return false;
  if (err->code == NA_ENOMEM) return false;
  if (atomic_exchange(&part->states[index], NA_STATE_DAMAGED) != NA_STATE_DAMAGED) {
    pthread_mutex_lock(&dataset->mutex);
    if (dataset->skipped++ == 0)
      snprintf(dataset->first_skipped, sizeof dataset->first_skipped, "%s", err->message);
    pthread_mutex_unlock(&dataset->mutex);
  }
  na_error_clear(err);
  return true;
}
