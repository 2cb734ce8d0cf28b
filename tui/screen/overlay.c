/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/overlay.h"
#include "core/base/memory.h"
#include "core/train/columns.h"
#include "core/train/recorder.h"

#include <stdio.h>
#include <string.h>

static const double SMOOTH_SECONDS = 0.008; /* of a picture's time */
enum { PIECE_ROWS = 4096 };

na_laid *na_laid_new(const char *name, double smoothing, na_error *err)
{
  na_laid *laid = na_alloc(sizeof *laid);
  if (laid != NULL) laid->name = na_strdup(name);
  if (laid != NULL && laid->name != NULL) {
    na_curves_smooth(&laid->curves, smoothing);
    return laid;
  }
  na_free(laid);
  na_fail_memory(err, sizeof *laid, "a run's curves");
  return NULL;
}

void na_laid_free(na_laid *laid)
{
  if (laid == NULL) return;
  na_curves_free(&laid->curves);
  na_free(laid->name);
  na_free(laid);
}

/* ------------------------------------------------------------------------- reading */

static int take_events(na_laid *laid, na_event *events, long count, long *rows, na_error *err)
{
  int code = NA_OK;
  for (long i = 0; i < count && code == NA_OK; i++) {
    events[i].batches = events[i].epochs > 0 ? events[i].steps / events[i].epochs : 0;
    code = na_curves_event(&laid->curves, &events[i], err);
  }
  *rows += count;
  na_free(events);
  return code;
}

static int read_steps(na_laid *laid, const char *path, na_error *err)
{
  na_event *events;
  long count;
  int code = na_run_steps(path, laid->steps, PIECE_ROWS, &events, &count, err);
  laid->done = count < PIECE_ROWS;
  return code == NA_OK ? take_events(laid, events, count, &laid->steps, err) : code;
}

static int read_epochs(na_laid *laid, const char *path, na_error *err)
{
  na_event *events;
  long count;
  int code = na_run_epochs(path, laid->epochs, 0, &events, &count, err);
  return code == NA_OK ? take_events(laid, events, count, &laid->epochs, err) : code;
}

static int read_changes(na_laid *laid, const char *path, na_error *err)
{
  char file[NA_RUN_PATH + 16];
  na_steer_entry *entries;
  long count;
  snprintf(file, sizeof file, "%s/run.h5", path);
  int code = na_metrics_steering(file, &entries, &count, err);
  for (; laid->changes < count && code == NA_OK; laid->changes++) {
    const na_steer_entry *entry = &entries[laid->changes];
    na_event event = {.kind = NA_EVENT_STEER, .step = entry->step, .changes = entry->changes};
    memcpy(event.text, entry->text, sizeof event.text);
    code = na_curves_event(&laid->curves, &event, err);
  }
  na_free(entries);
  return code;
}

void na_laid_read(na_laid *laid, const char *folder)
{
  char path[NA_RUN_PATH];
  na_error err = {0};
  laid->done = true;
  laid->why[0] = '\0';
  int code = snprintf(path, sizeof path, "%s/%s", folder, laid->name) < NA_RUN_PATH
                 ? NA_OK
                 : na_fail(&err, NA_EINVAL, "its path is too long");
  if (code == NA_OK) code = read_steps(laid, path, &err);
  if (code == NA_OK && laid->done) code = read_epochs(laid, path, &err);
  if (code == NA_OK && laid->done) code = read_changes(laid, path, &err);
  if (code == NA_OK) return;
  snprintf(laid->why, sizeof laid->why, "%.150s", err.message);
  na_text_tame(laid->why);
  laid->done = true;
}

bool na_overlay_read(na_overlay *overlay, const char *folder)
{
  for (size_t i = 0; i < overlay->count; i++)
    if (!overlay->runs[i]->done) {
      na_laid_read(overlay->runs[i], folder);
      return true;
    }
  return false;
}

/* ------------------------------------------------------------------------- marking */

static size_t index_of(const na_overlay *overlay, const char *name)
{
  size_t i = 0;
  while (i < overlay->count && strcmp(overlay->runs[i]->name, name) != 0) i++;
  return i;
}

const na_laid *na_overlay_find(const na_overlay *overlay, const char *name)
{
  size_t i = index_of(overlay, name);
  return i < overlay->count ? overlay->runs[i] : NULL;
}

/* As spreadsheets call their columns. */
static void label(char text[4], size_t number)
{
  enum { LETTERS = 26 };
  size_t high = number / LETTERS;
  if (high == 0) snprintf(text, 4, "%c", 'A' + (char)number);
  else snprintf(text, 4, "%c%c", 'A' + (char)((high - 1) % LETTERS), 'A' + (char)(number % LETTERS));
}

int na_overlay_add(na_overlay *overlay, const char *name, na_error *err)
{
  void *runs = overlay->runs;
  if (na_overlay_find(overlay, name) != NULL) return NA_OK;
  int code = na_grow(&runs, overlay->count, &overlay->capacity, sizeof *overlay->runs);
  overlay->runs = runs;
  if (code != NA_OK) return na_fail_memory(err, sizeof *overlay->runs, "a mark");
  na_laid *laid = na_laid_new(name, overlay->smoothing, err);
  if (laid == NULL) return NA_ENOMEM;
  label(laid->label, overlay->count);
  overlay->runs[overlay->count++] = laid;
  return NA_OK;
}

void na_overlay_remove(na_overlay *overlay, const char *name)
{
  size_t at = index_of(overlay, name);
  if (at == overlay->count) return;
  na_laid_free(overlay->runs[at]);
  overlay->count--;
  for (size_t i = at; i < overlay->count; i++) {
    overlay->runs[i] = overlay->runs[i + 1];
    label(overlay->runs[i]->label, i);
  }
}

void na_overlay_free(na_overlay *overlay)
{
  for (size_t i = 0; i < overlay->count; i++) na_laid_free(overlay->runs[i]);
  na_free(overlay->runs);
  na_free(overlay->lines);
  na_free(overlay->shown);
  *overlay = (na_overlay){.curve = overlay->curve, .smoothing = overlay->smoothing};
}

void na_overlay_smooth(na_overlay *overlay, double decay)
{
  overlay->smoothing = decay;
}

static void make_room(na_overlay *overlay)
{
  if (overlay->line_capacity >= overlay->count) return;
  na_free(overlay->lines);
  na_free(overlay->shown);
  overlay->lines = na_alloc_array(overlay->capacity, sizeof *overlay->lines);
  overlay->shown = na_alloc_array(overlay->capacity, sizeof *overlay->shown);
  overlay->line_capacity = overlay->lines != NULL && overlay->shown != NULL ? overlay->capacity : 0;
}

void na_overlay_show(na_overlay *overlay, na_chart *chart)
{
  bool training = overlay->curve <= NA_CURVE_BASE;
  chart->line_count = 0;
  chart->line_batches = overlay->count > 0 ? overlay->runs[0]->curves.batches : 0;
  make_room(overlay);
  chart->lines = overlay->lines;
  for (size_t i = 0; i < overlay->count && i < overlay->line_capacity; i++) {
    na_laid *laid = overlay->runs[i];
    na_series *series = chart->accuracy ? laid->curves.top1 : laid->curves.loss;
    overlay->shown[i] = &series[overlay->curve];
    overlay->lines[i] = (na_chart_line){.series = &series[overlay->curve],
                                        .smooth = training,
                                        .label = laid->label,
                                        .name = laid->name,
                                        .number = (int)i};
    if (laid->curves.batches != chart->line_batches) chart->line_batches = 0;
    chart->line_count++;
  }
  overlay->left = training ? na_series_smooth_some(overlay->shown, chart->line_count, overlay->smoothing,
                                                   SMOOTH_SECONDS)
                           : 0;
}
