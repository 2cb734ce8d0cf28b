/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/catalogue.h"
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/runs/cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_FROM = 32 }; /* fewer new readings are quicker made again than kept */

static int compare_names(const char *a, const char *b)
{
  int order = na_text_compare(a, b);
  return order != 0 ? order : strcmp(a, b);
}

static int compare_runs(const void *a, const void *b)
{
  return compare_names((*(na_run *const *)a)->name, (*(na_run *const *)b)->name);
}

static int compare_to_name(const void *name, const void *run)
{
  return compare_names(name, (*(na_run *const *)run)->name);
}

/* Index of a name in the first `count` runs, which are in order; count if it is not there. */
static size_t index_of(const na_catalogue *catalogue, size_t count, const char *name)
{
  if (count == 0) return count;
  na_run **found = bsearch(name, catalogue->runs, count, sizeof(na_run *), compare_to_name);
  return found != NULL ? (size_t)(found - catalogue->runs) : count;
}

na_run *na_catalogue_find(const na_catalogue *catalogue, const char *name)
{
  size_t at = index_of(catalogue, catalogue->count, name);
  return at < catalogue->count ? catalogue->runs[at] : NULL;
}

static void discard(na_run *run)
{
  na_run_free(run);
  na_free(run);
}

/* Takes the run over. */
static int take(void *context, na_run *taken, na_error *err)
{
  na_catalogue *catalogue = context;
  void *runs = catalogue->runs;
  int code = na_grow(&runs, catalogue->count, &catalogue->capacity, sizeof *catalogue->runs);
  catalogue->runs = runs;
  na_run *run = code == NA_OK ? na_alloc(sizeof *run) : NULL;
  if (run == NULL) {
    na_run_free(taken);
    return na_fail_memory(err, sizeof *run, "the list of runs");
  }
  *run = *taken;
  catalogue->runs[catalogue->count++] = run;
  return NA_OK;
}

static int add(na_catalogue *catalogue, const char *name, na_error *err)
{
  na_run run;
  na_run_init(&run);
  run.stale = true;
  run.name = na_strdup(name);
  if (run.name == NULL) return na_fail_memory(err, strlen(name), "a run's name");
  return take(catalogue, &run, err);
}

static void sort(na_catalogue *catalogue)
{
  if (catalogue->count > 0)
    qsort(catalogue->runs, catalogue->count, sizeof *catalogue->runs, compare_runs);
}

/* What an earlier program has read; a name that is there twice is damage. */
static int recall(na_catalogue *catalogue, na_error *err)
{
  if (catalogue->looked) return NA_OK;
  int code = na_cache_read(catalogue->folder, take, catalogue, err);
  sort(catalogue);
  size_t kept = 0;
  for (size_t i = 0; i < catalogue->count; i++)
    if (kept > 0 && strcmp(catalogue->runs[kept - 1]->name, catalogue->runs[i]->name) == 0)
      discard(catalogue->runs[i]);
    else catalogue->runs[kept++] = catalogue->runs[i];
  catalogue->count = kept;
  catalogue->looked = code == NA_OK;
  return code;
}

/* Runs that are gone, which the listing did not mark as seen, leave the list. */
static void drop_gone(na_catalogue *catalogue, const bool *seen, size_t known)
{
  size_t kept = 0;
  for (size_t i = 0; i < catalogue->count; i++)
    if (i >= known || seen[i]) catalogue->runs[kept++] = catalogue->runs[i];
    else discard(catalogue->runs[i]);
  catalogue->count = kept;
}

static bool stamps_differ(const struct na_run_stamp *a, const struct na_run_stamp *b)
{
  return memcmp(a, b, sizeof *a) != 0;
}

static void mark_changed(na_catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->count; i++) {
    na_run *run = catalogue->runs[i];
    struct na_run_stamp now = na_run_stamp_of(catalogue->folder, run->name);
    if (run->state == NA_RUN_RUNNING || stamps_differ(&now, &run->stamp)) run->stale = true;
    run->stamp = now;
  }
  catalogue->next = 0;
}

static int list(na_catalogue *catalogue, DIR *dir, bool *seen, size_t known, na_error *err)
{
  int code = NA_OK;
  const struct dirent *entry;
  while (code == NA_OK && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.' || !na_run_is_one(catalogue->folder, entry->d_name)) continue;
    size_t at = index_of(catalogue, known, entry->d_name);
    if (at < known) seen[at] = true;
    else code = add(catalogue, entry->d_name, err);
  }
  return code;
}

int na_catalogue_look(na_catalogue *catalogue, na_error *err)
{
  int code = recall(catalogue, err);
  if (code != NA_OK) return code;
  size_t known = catalogue->count;
  DIR *dir = opendir(catalogue->folder);
  if (dir == NULL && errno != ENOENT) {
    na_fail(err, NA_EIO, "cannot list the runs in %.300s: %s", catalogue->folder, strerror(errno));
    return na_hint(err, "give the folder that holds runs: --runs DIR");
  }
  bool *seen = na_alloc_array(known + 1, sizeof *seen);
  code = seen == NULL ? na_fail_memory(err, known, "the list of runs")
             : dir != NULL ? list(catalogue, dir, seen, known, err)
                           : NA_OK;
  if (dir != NULL) closedir(dir);
  if (code == NA_OK) drop_gone(catalogue, seen, known);
  sort(catalogue);
  mark_changed(catalogue);
  na_free(seen);
  return code;
}

int na_catalogue_read(na_catalogue *catalogue, double seconds, bool *done, na_error *err)
{
  double began = na_now();
  int code = NA_OK;
  for (; catalogue->next < catalogue->count; catalogue->next++) {
    na_run *run = catalogue->runs[catalogue->next];
    if (!run->stale) continue;
    if (seconds > 0 && na_now() - began > seconds) break;
    code = na_run_read(run, catalogue->folder, run->name, err);
    if (code != NA_OK) break;
    run->stale = false;
    if (run->state != NA_RUN_RUNNING) catalogue->fresh++;
  }
  *done = catalogue->next == catalogue->count;
  if (*done && catalogue->fresh >= KEPT_FROM) {
    na_cache_write(catalogue->folder, catalogue->runs, catalogue->count);
    catalogue->fresh = 0;
  }
  return code;
}

void na_catalogue_free(na_catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->count; i++) discard(catalogue->runs[i]);
  na_free(catalogue->runs);
  *catalogue = (na_catalogue){.folder = catalogue->folder};
}
