/* The files of the current run, and what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/hosted.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MOST = 512 };
static const double AGAIN_SECONDS = 2; /* between looks at the folder */

typedef struct file {
  char name[128];
  off_t size;
  struct timespec time;
  bool known;               /* the figures were read */
  double epoch, step, top1; /* NaN: it has none */
} file;

typedef struct files {
  na_hosted hosted; /* first: see hosted.h */
  file list[FILES_MOST];
  int count, selected, top, rows;
  double looked;
} files;

static files *state(na_live *live) { return na_view_state(live, &na_view_files); }

/* ------------------------------------------------------------------------------- looking */

static int newest_first(const void *a, const void *b)
{
  const file *x = a, *y = b;
  if (x->time.tv_sec != y->time.tv_sec) return x->time.tv_sec > y->time.tv_sec ? -1 : 1;
  if (x->time.tv_nsec != y->time.tv_nsec) return x->time.tv_nsec > y->time.tv_nsec ? -1 : 1;
  return strcmp(x->name, y->name);
}

/* What is known of a file that has not changed stays known. */
static void add_file(files *f, const files *before, const char *folder, const char *name)
{
  char path[2048];
  struct stat status;
  size_t length = strlen(name);
  if (f->count == FILES_MOST || length < 4 || length >= sizeof f->list[0].name) return;
  if (strcmp(name + length - 3, ".h5") != 0) return;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return;
  file *made = &f->list[f->count++];
  *made = (file){.size = status.st_size, .time = status.st_mtim};
  memcpy(made->name, name, length);
  for (int i = 0; i < before->count; i++) {
    const file *old = &before->list[i];
    if (strcmp(old->name, name) == 0 && old->size == made->size &&
        old->time.tv_sec == made->time.tv_sec && old->time.tv_nsec == made->time.tv_nsec)
      *made = *old;
  }
}

/* The selection stays with its file. */
static void look(na_live *live, files *f)
{
  f->looked = na_now();
  files *before = na_alloc(sizeof *before);
  DIR *folder = live->folder[0] != '\0' ? opendir(live->folder) : NULL;
  if (before != NULL) {
    memcpy(before, f, sizeof *before);
    f->count = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
      add_file(f, before, live->folder, entry->d_name);
    qsort(f->list, (size_t)f->count, sizeof f->list[0], newest_first);
    for (int i = 0; i < f->count && before->selected < before->count; i++)
      if (strcmp(f->list[i].name, before->list[before->selected].name) == 0) f->selected = i;
  }
  if (f->selected >= f->count) f->selected = f->count > 0 ? f->count - 1 : 0;
  if (folder != NULL) closedir(folder);
  na_free(before);
}

static double number_of(const na_buffer *texts, const char *wanted)
{
  for (size_t at = 0; at < texts->length;) {
    const char *name = texts->data + at, *type = name + strlen(name) + 1,
               *value = type + strlen(type) + 1;
    if (strcmp(name, wanted) == 0) return strtod(value, NULL);
    at = (size_t)(value + strlen(value) + 1 - texts->data);
  }
  return NAN;
}

/* Epoch, step and accuracy of the first file that was not looked into: one at a time keeps the screen
 * quick. */
static void learn(const na_live *live, files *f)
{
  na_reader *reader;
  na_buffer texts = {0};
  char path[2048];
  int i = 0;
  while (i < f->count && f->list[i].known) i++;
  if (i == f->count) return;
  file *one = &f->list[i];
  one->known = true;
  one->epoch = one->step = one->top1 = NAN;
  snprintf(path, sizeof path, "%s/%s", live->folder, one->name);
  if (na_reader_open(&reader, path, NULL) != NA_OK) return;
  if (na_reader_attributes(reader, "/", 64, &texts, NULL) == NA_OK) {
    one->epoch = number_of(&texts, "epoch");
    one->step = number_of(&texts, "step");
    one->top1 = number_of(&texts, "val_top1");
  }
  na_free(texts.data);
  na_reader_close(reader);
}

/* ------------------------------------------------------------------------------- drawing */

static const char *kind_of(const char *name)
{
  static const struct {
    const char *begin, *words;
  } kinds[] = {{"run.h5", "metrics, settings"},
               {"best.h5", "best checkpoint"},
               {"last.h5", "newest checkpoint"},
               {"epoch-", "checkpoint"},
               {"activations-", "recorded activations"}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strncmp(name, kinds[i].begin, strlen(kinds[i].begin)) == 0) return kinds[i].words;
  return "";
}

static void draw_file(na_grid *grid, int row, na_area area, const file *one, na_style style)
{
  char size[16], figures[96] = "";
  size_t used = 0;
  na_text_bytes(size, (double)one->size);
  if (one->known && !isnan(one->epoch))
    used += (size_t)snprintf(figures, 32, "epoch %.0f", one->epoch);
  if (one->known && !isnan(one->step))
    used += (size_t)snprintf(figures + used, 32, "  step %.0f", one->step);
  if (one->known && !isnan(one->top1))
    snprintf(figures + used, 32, "  val %.2f%%", 100 * one->top1);
  for (int c = 0; c < area.cols; c++) na_grid_set(grid, row, area.col + c, style, ' ');
  na_grid_print(grid, row, area.col, area.cols, style, " %-28s %10s  %-20s %s", one->name, size,
                kind_of(one->name), figures);
}

static void draw_list(na_live *live, na_area area)
{
  files *f = state(live);
  na_area inside = na_live_frame(live, area, live->folder[0] != '\0' ? live->folder : "files");
  if (na_now() - f->looked > AGAIN_SECONDS) look(live, f);
  learn(live, f);
  f->rows = live->page = inside.rows;
  if (f->count == 0)
    na_grid_put(&live->grid, inside.row, inside.col, inside.cols, NA_STYLE_FAINT,
                live->folder[0] != '\0' ? "the run has no files yet"
                                        : "no run has files yet; F opens any HDF5 file");
  if (f->selected < f->top) f->top = f->selected;
  if (f->selected >= f->top + inside.rows) f->top = f->selected - inside.rows + 1;
  for (int r = 0; r < inside.rows && f->top + r < f->count; r++)
    draw_file(&live->grid, inside.row + r, inside, &f->list[f->top + r],
              f->top + r == f->selected ? NA_STYLE_SELECTED : NA_STYLE_PLAIN);
}

static void draw(na_live *live, na_area area)
{
  files *f = state(live);
  if (f->hosted.open) na_hosted_draw(live, &f->hosted, area);
  else draw_list(live, area);
}

static void open_selected(na_live *live)
{
  files *f = state(live);
  char path[2048];
  if (f->selected >= f->count) {
    na_live_say(live, "there is no file to open");
    return;
  }
  snprintf(path, sizeof path, "%s/%s", live->folder, f->list[f->selected].name);
  na_hosted_open(live, &f->hosted, path, NULL);
}

static void scroll(na_live *live, long lines)
{
  files *f = state(live);
  if (f->hosted.open) {
    na_inspect_scroll(&f->hosted.inspect, lines);
    return;
  }
  long selected = f->selected + lines, last = f->count > 0 ? f->count - 1 : 0;
  f->selected = (int)(selected < 0 ? 0 : selected > last ? last : selected);
}

static void show(na_live *live)
{
  files *f = state(live);
  f->hosted.enter = open_selected;
  look(live, f);
}

const na_view na_view_files = {
    .name = "files",
    .key = '4',
    .key_name = "4",
    .help = "files: checkpoints, metrics, recordings, and what is in them",
    .keys = &na_hosted_keys,
    .state_size = sizeof(files),
    .free = na_hosted_free,
    .show = show,
    .draw = draw,
    .scroll = scroll,
};
