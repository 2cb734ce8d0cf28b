/* The newest recording of the current run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/hosted.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const double AGAIN_SECONDS = 1; /* between looks at the folder */

typedef struct activations {
  na_hosted hosted; /* first: see hosted.h */
  char name[128];   /* of the recording that is shown, "" */
  double looked;
} activations;

static activations *state(na_live *live) { return na_view_state(live, &na_view_activations); }

/* The last in the order of names, which hold the step. */
static void find_newest(const na_live *live, char newest[128])
{
  static const char begin[] = "activations-";
  DIR *folder = live->folder[0] != '\0' ? opendir(live->folder) : NULL;
  newest[0] = '\0';
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    size_t length = strlen(entry->d_name);
    bool fits = strncmp(entry->d_name, begin, sizeof begin - 1) == 0 && length < 128 &&
                strcmp(entry->d_name + length - 3, ".h5") == 0;
    if (fits && strcmp(entry->d_name, newest) > 0) memcpy(newest, entry->d_name, length + 1);
  }
  if (folder != NULL) closedir(folder);
}

/* The first layer, with its maps. */
static void open_first(na_live *live, activations *a)
{
  char path[2048], layer[600];
  na_inspect *s = &a->hosted.inspect;
  snprintf(path, sizeof path, "%s/%s", live->folder, a->name);
  na_hosted_open(live, &a->hosted, path, NULL);
  if (!a->hosted.open || !s->recorded) return;
  snprintf(layer, sizeof layer, "/base/%s", s->recording.layers[0]);
  na_inspect_select(s, layer, NULL);
  s->kind = NA_PAGE_ACTIVATIONS;
}

/* A new recording takes the place of the one before, at the same layer, image and page. */
static void open_next(na_live *live, activations *a)
{
  na_inspect *s = &a->hosted.inspect;
  na_buffer layer = {0};
  long long image = s->image;
  na_inspect_page kind = s->kind;
  char path[2048];
  if (s->tree.count > 0) na_tree_path(&s->tree, s->selected, &layer);
  snprintf(path, sizeof path, "%s/%s", live->folder, a->name);
  na_hosted_open(live, &a->hosted, path, layer.data);
  if (a->hosted.open && s->recorded) {
    s->image = image < s->recording.images ? image : 0;
    s->kind = kind;
  }
  na_free(layer.data);
}

static void look(na_live *live)
{
  activations *a = state(live);
  char newest[128];
  a->looked = na_now();
  find_newest(live, newest);
  if (newest[0] == '\0' || (strcmp(newest, a->name) == 0 && a->hosted.open)) return;
  bool follows = a->hosted.open;
  memcpy(a->name, newest, sizeof newest);
  if (follows) open_next(live, a);
  else open_first(live, a);
}

static void draw(na_live *live, na_area area)
{
  activations *a = state(live);
  if (na_now() - a->looked > AGAIN_SECONDS) look(live);
  if (a->hosted.open) {
    na_hosted_draw(live, &a->hosted, area);
    return;
  }
  na_area inside = na_live_frame(live, area, "activations");
  live->page = inside.rows;
  na_grid_put(
      &live->grid, inside.row, inside.col, inside.cols, NA_STYLE_FAINT,
      "nothing was recorded yet: run:record{} at the prompt (:), or exp:record{} in the script");
}

static void scroll(na_live *live, long lines)
{
  activations *a = state(live);
  if (a->hosted.open) na_inspect_scroll(&a->hosted.inspect, lines);
}

const na_view na_view_activations = {
    .name = "activations",
    .key = '5',
    .key_name = "5",
    .help = "activations: maps of the newest recording, base against augmented",
    .keys = &na_hosted_keys,
    .state_size = sizeof(activations),
    .free = na_hosted_free,
    .show = look,
    .draw = draw,
    .scroll = scroll,
};
