/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/activations.h"
#include "core/base/memory.h"
#include "tui/inspect/picture.h"

#include <stdio.h>
#include <string.h>

enum { GAP = 1, ZOOM_MOST = 4, IMAGE_COLS_MOST = 32, PATH_MOST = 600, CHANNELS_PRINTED = 4096 };
static const double SAMPLE = 8e6; /* values of a layer that statistics read */

/* ------------------------------------------------------------------------------ opening */

static bool is_recording(na_reader *reader)
{
  na_buffer texts = {0};
  bool found = false;
  if (na_reader_attributes(reader, "/", 64, &texts, NULL) == NA_OK)
    for (size_t at = 0; at < texts.length && !found;) {
      const char *name = texts.data + at, *type = name + strlen(name) + 1,
                 *value = type + strlen(type) + 1;
      found = strcmp(name, "format") == 0 && strcmp(value, "netaug activations") == 0;
      at = (size_t)(value + strlen(value) + 1 - texts.data);
    }
  na_free(texts.data);
  return found;
}

static int list_layers(na_recording *r, na_error *err)
{
  na_h5_list *list;
  int code = na_reader_list(r->reader, "/base", &list, err);
  if (code != NA_OK) return code;
  r->layers = na_alloc_array(list->count + 1, sizeof *r->layers);
  for (size_t i = 0; r->layers != NULL && i < list->count; i++) {
    if (list->members[i].kind != NA_H5_KIND_DATASET) continue;
    char *name = na_strdup(na_h5_member_name(list, i));
    if (name != NULL) r->layers[r->layer_count++] = name;
  }
  na_free(list);
  if (r->layers == NULL) return na_fail_memory(err, sizeof *r->layers, "a list of layers");
  return r->layer_count > 0 ? NA_OK : na_fail(err, NA_EFORMAT, "no layer was recorded");
}

int na_recording_open(na_recording *r, na_reader *reader, na_error *err)
{
  na_h5_about images;
  na_h5_list *wide = NULL;
  *r = (na_recording){.reader = reader, .known = -1};
  if (!is_recording(reader)) {
    na_fail(err, NA_EFORMAT, "%s is no recording of activations", na_reader_path(reader));
    return na_hint(err, "exp:record{...} in a script, or run:record{...} at the prompt, makes one");
  }
  int code = na_reader_describe(reader, "/images", &images, err);
  if (code == NA_OK &&
      (images.rank != 4 || !images.numbers || images.dims[0] < 1 || images.dims[1] < 1 ||
       images.dims[1] * images.dims[2] * images.dims[3] > NA_READER_VALUES))
    code = na_fail(err, NA_EFORMAT, "the recording's images are not [n][channels][height][width]");
  if (code == NA_OK) code = list_layers(r, err);
  if (code != NA_OK) return code;
  r->images = images.dims[0];
  r->channels = (int)images.dims[1];
  r->height = (int)images.dims[2];
  r->width = (int)images.dims[3];
  r->augmented = na_reader_list(reader, "/augmented", &wide, NULL) == NA_OK;
  na_free(wide);
  return NA_OK;
}

static void forget(na_recording *r)
{
  na_scan_end(&r->base);
  na_scan_end(&r->wide);
  r->base = r->wide = (na_scan){.each = NULL};
  r->known = -1;
}

void na_recording_close(na_recording *r)
{
  forget(r);
  for (int i = 0; i < r->layer_count; i++) na_free(r->layers[i]);
  na_free(r->layers);
  r->layers = NULL;
  r->layer_count = 0;
}

int na_recording_find(const na_recording *r, const char *name)
{
  for (int i = 0; i < r->layer_count; i++)
    if (strcmp(r->layers[i], name) == 0) return i;
  return -1;
}

/* --------------------------------------------------------------------------------- maps */

/* [channels][rows][cols] of one image. */
typedef struct maps {
  double *values;
  int count, rows, cols, in_all;
  double low, high;
} maps;

/* Channels first .. of an image of a dataset [n][channels][height][width], up to `most` of them. */
static int read_maps(maps *m, na_recording *r, const char *path, long long image, int first,
                     int most, na_error *err)
{
  na_h5_about a;
  *m = (maps){.values = NULL};
  int code = na_reader_describe(r->reader, path, &a, err);
  if (code != NA_OK) return code;
  if (a.rank != 4 || !a.numbers || a.dims[2] * a.dims[3] > NA_READER_VALUES || a.dims[2] < 1 ||
      a.dims[3] < 1)
    return na_fail(err, NA_EFORMAT, "%s is not [n][channels][height][width]", path);
  long long plane = a.dims[2] * a.dims[3], room = NA_READER_VALUES / plane;
  m->in_all = (int)a.dims[1];
  m->rows = (int)a.dims[2];
  m->cols = (int)a.dims[3];
  if (first >= m->in_all) return NA_OK;
  m->count = m->in_all - first < most ? m->in_all - first : most;
  if (m->count > room) m->count = (int)room;
  na_h5_part part = {.rank = 4,
                     .first = {image, first},
                     .count = {1, m->count, m->rows, m->cols},
                     .step = {1, 1, 1, 1}};
  m->values = na_alloc_array((size_t)(m->count * plane) + 1, sizeof *m->values);
  if (m->values == NULL)
    return na_fail_memory(err, (size_t)(m->count * plane) * sizeof *m->values, "maps");
  code = na_reader_numbers(r->reader, path, &part, m->values, (size_t)(m->count * plane), err);
  na_picture_range(m->values, (size_t)(m->count * plane), &m->low, &m->high);
  return code;
}

/* The image's channels become their mean. Draws it at row; returns what it takes. */
static na_area draw_image(na_recording *r, na_page *page, int row, long long image, int rows)
{
  maps m;
  na_area size = {row, 0, 0, 0};
  int cols = page->width / 3 < IMAGE_COLS_MOST ? page->width / 3 : IMAGE_COLS_MOST;
  if (read_maps(&m, r, "/images", image, 0, r->channels, NULL) == NA_OK && m.count > 0) {
    int plane = m.rows * m.cols;
    for (int p = 0; p < plane; p++) {
      for (int c = 1; c < m.count; c++) m.values[p] += m.values[c * plane + p];
      m.values[p] /= m.count;
    }
    na_picture picture = {.values = m.values, .rows = m.rows, .cols = m.cols};
    na_picture_range(m.values, (size_t)plane, &picture.low, &picture.high);
    size = na_picture_size(&picture, (na_area){row, 0, rows, cols}, 1);
    na_picture_draw(&picture, &page->grid, size, 1);
  }
  na_free(m.values);
  return size;
}

/* About as large as the image, and at most `rows` high. */
static na_area map_size(const maps *m, const na_area *image, int rows, int *zoom)
{
  na_picture one = {.rows = m->rows, .cols = m->cols};
  na_area most = {.rows = image->rows > 1 ? image->rows : 8, .cols = image->cols > 4 ? image->cols : 16};
  if (most.rows > rows) most.rows = rows;
  *zoom = m->cols > 0 ? image->cols / m->cols : 1;
  *zoom = *zoom > ZOOM_MOST ? ZOOM_MOST : *zoom < 1 ? 1 : *zoom;
  return na_picture_size(&one, most, *zoom);
}

/* One network's maps from the page's column `left` on. Returns how many channels were drawn. */
static int draw_maps(na_recording *r, na_page *page, const char *kind, int layer, long long image,
                     int first, const na_area *place, int rows)
{
  maps m;
  na_error err = {0};
  char path[PATH_MOST];
  int drawn = 0, zoom, left = place->cols + 2;
  snprintf(path, sizeof path, "/%s/%s", kind, r->layers[layer]);
  if (read_maps(&m, r, path, image, first, page->width, &err) != NA_OK)
    na_grid_put(&page->grid, place->row, left, page->grid.cols - left, NA_STYLE_ALERT, err.message);
  else {
    na_area size = map_size(&m, place, rows - 1, &zoom);
    int across = (page->width - left + GAP) / (size.cols + GAP), row = place->row + 1;
    if (across < 1) across = 1;
    for (; drawn < m.count && row + size.rows <= place->row + rows; row += size.rows + GAP)
      for (int k = 0; k < across && drawn < m.count; k++, drawn++) {
        na_picture one = {
            m.values + drawn * m.rows * m.cols, m.rows, m.cols, m.low, m.high, m.low < 0};
        na_picture_draw(&one, &page->grid,
                        (na_area){row, left + k * (size.cols + GAP), size.rows, size.cols}, zoom);
      }
    na_grid_print(&page->grid, place->row, left, page->grid.cols - left, NA_STYLE_STRONG,
                  "%s: channels %d to %d of %d, %.3g to %.3g", kind, first,
                  first + (drawn > 0 ? drawn : 1) - 1, m.in_all, m.low, m.high);
  }
  na_free(m.values);
  return drawn;
}

static void add_label(na_recording *r, na_page *page, int layer, long long image)
{
  double label = -1;
  na_h5_part part = {.rank = 1, .first = {image}, .count = {1}, .step = {1}};
  bool known = na_reader_numbers(r->reader, "/labels", &part, &label, 1, NULL) == NA_OK;
  char class[32] = "";
  if (known) snprintf(class, sizeof class, ", class %.0f", label);
  na_page_title(page, "%s, image %lld of %lld%s", r->layers[layer], image + 1, r->images, class);
}

int na_recording_maps(na_recording *r, na_page *page, int layer, long long image, int first,
                      int rows)
{
  add_label(r, page, layer, image);
  int half = r->augmented ? rows / 2 : rows, row = na_page_room(page, rows);
  if (row < 0 || half < 2) return 0;
  na_area place = draw_image(r, page, row, image, half);
  int shown = draw_maps(r, page, "base", layer, image, first, &place, half);
  if (!r->augmented) return shown;
  place.row = row + half;
  int wide = draw_maps(r, page, "augmented", layer, image, first, &place, half);
  return wide > shown ? wide : shown;
}

/* ----------------------------------------------------------------------------- channels */

/* Over all images; what cannot be read leaves no channels. */
static int scan_layer(na_recording *r, int layer, na_error *err)
{
  const na_scan_wish wish = {.axis = 1, .limit = SAMPLE};
  char path[PATH_MOST];
  if (r->known == layer) return NA_OK;
  forget(r);
  snprintf(path, sizeof path, "/base/%s", r->layers[layer]);
  int code = na_scan_whole(&r->base, r->reader, path, &wish, err);
  if (code == NA_OK && r->augmented) {
    snprintf(path, sizeof path, "/augmented/%s", r->layers[layer]);
    code = na_scan_whole(&r->wide, r->reader, path, &wish, err);
  }
  if (code == NA_OK) r->known = layer;
  return code;
}

static void add_dead(na_page *page, const char *kind, const na_scan *scan)
{
  na_buffer list = {0};
  int dead = 0;
  for (long long i = 0; i < scan->channels; i++)
    if (na_moments_dead(&scan->each[i])) na_buffer_add(&list, "%s%lld", dead++ > 0 ? ", " : "", i);
  if (dead > 0 && list.data != NULL)
    na_page_line(page, NA_STYLE_ALERT, "%s: %d of %lld channels dead (zero on all images): %s",
                 kind, dead, scan->channels, list.data);
  else
    na_page_line(page, NA_STYLE_FAINT, "%s: none of %lld channels is dead", kind, scan->channels);
  na_free(list.data);
}

static int put_moments(na_page *page, int row, int col, const na_moments *m)
{
  double all = m->count + m->nans + m->infinities;
  return na_grid_print(&page->grid, row, col, page->grid.cols - col,
                       na_moments_dead(m) ? NA_STYLE_ALERT : NA_STYLE_PLAIN,
                       "%9.3g %9.3g %5.1f%% %9.3g", m->mean, na_moments_std(m),
                       all > 0 ? 100 * m->zeros / all : 0, na_moments_l2(m));
}

void na_recording_channels(na_recording *r, na_page *page, int layer, int most)
{
  na_error err = {0};
  if (scan_layer(r, layer, &err) != NA_OK) {
    na_page_alert(page, err.message);
    return;
  }
  na_page_title(page, "channels of %s over %lld images", r->layers[layer], r->images);
  add_dead(page, "base", &r->base);
  if (r->augmented) add_dead(page, "augmented", &r->wide);
  na_page_line(page, NA_STYLE_FAINT, "%5s %9s %9s %6s %9s %s", "", "mean", "std", "zeros", "L2",
               r->augmented ? " augmented:  mean       std  zeros        L2" : "");
  long long count =
      r->augmented && r->wide.channels > r->base.channels ? r->wide.channels : r->base.channels;
  for (long long i = 0; i < count && i < most; i++) {
    int row = na_page_room(page, 1);
    if (row < 0) return;
    na_grid_print(&page->grid, row, 0, 6, NA_STYLE_PLAIN, "%5lld ", i);
    if (i < r->base.channels) put_moments(page, row, 6, &r->base.each[i]);
    if (r->augmented && i < r->wide.channels) put_moments(page, row, 50, &r->wide.each[i]);
  }
  if (count > most) na_page_line(page, NA_STYLE_FAINT, "and %lld more", count - most);
}

bool na_activations_page(na_page *page, na_reader *reader, const char *path, long long image,
                         int first, int rows)
{
  na_recording r;
  const char *name = strncmp(path, "/base/", 6) == 0         ? path + 6
                     : strncmp(path, "/augmented/", 11) == 0 ? path + 11
                                                             : NULL;
  if (name == NULL) return false;
  int layer = na_recording_open(&r, reader, NULL) == NA_OK ? na_recording_find(&r, name) : -1;
  if (layer >= 0) {
    na_recording_maps(&r, page, layer, image, first, rows);
    na_recording_channels(&r, page, layer, CHANNELS_PRINTED);
  }
  na_recording_close(&r);
  return layer >= 0;
}
