/* Folders of made-up runs, for the tests of arms, reports and screens.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RUN_FOLDERS_H
#define RUN_FOLDERS_H

#include "core/base/text.h"
#include "core/base/memory.h"
#include "core/store/metrics.h"
#include "tests/check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char runs_folder[64];

static const char *runs_make(void)
{
  const char *place = getenv("TMPDIR");
  snprintf(runs_folder, sizeof runs_folder, "%.40s/netaug-runs-XXXXXX", place ? place : "/tmp");
  if (mkdtemp(runs_folder) == NULL) exit(EXIT_FAILURE);
  return runs_folder;
}

static void runs_empty(const char *folder)
{
  char path[1024];
  DIR *open = opendir(folder);
  for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
    snprintf(path, sizeof path, "%.500s/%s", folder, entry->d_name);
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (entry->d_type == DT_DIR) runs_empty(path);
    remove(path);
  }
  if (open != NULL) closedir(open);
}

static void runs_remove(void)
{
  runs_empty(runs_folder);
  rmdir(runs_folder);
}

/* A run: its curve goes from 0.1 to `top1` in `epochs` of `planned` epochs. */
typedef struct made_run {
  const char *name;     /* of the folder */
  const char *title;    /* setting `name`; NULL: the folder's */
  const char *settings; /* further lines */
  int seed, epochs, planned;
  double top1;
  const char *steer, *log; /* NULL: none; "done" */
} made_run;

static void run_rows(na_metrics *metrics, const made_run *run)
{
  na_error err = {0};
  for (int e = 1; e <= run->epochs; e++) {
    double share = (double)e / run->epochs, top1 = 0.1 + (run->top1 - 0.1) * share;
    CHECK_OK(na_metrics_epoch(metrics, (double[]){e, 60.0 * e, top1, 2 - top1, top1 + 0.01}, &err),
             err);
  }
  if (run->steer == NULL) return;
  na_steer_entry entry = {.step = 150, .epoch = 1, .changes = true};
  snprintf(entry.text, sizeof entry.text, "%s", run->steer);
  CHECK_OK(na_metrics_steered(metrics, &entry, &err), err);
}

static void run_make(const made_run *run)
{
  static const char *const columns[] = {"epoch", "time", "base_val_top1", "base_val_loss",
                                        "base_top1"};
  na_metrics *metrics = NULL;
  na_error err = {0};
  na_buffer settings = {0};
  char path[512];
  snprintf(path, sizeof path, "%s/%s", runs_folder, run->name);
  mkdir(path, 0777);
  na_buffer_add(&settings, "name = %s\ntrain.seed = %d\ntrain.epochs = %d\ntrain.warmup = 0\n%s",
                run->title != NULL ? run->title : run->name, run->seed, run->planned,
                run->settings != NULL ? run->settings : "");
  na_metrics_setup setup = {.settings = settings.data, .epoch_count = 5, .epoch_columns = columns,
                            .notes = &(na_note){"host", "den<i>"}, .note_count = 1};
  snprintf(path, sizeof path, "%s/%s/run.h5", runs_folder, run->name);
  CHECK_OK(na_metrics_create(&metrics, path, &setup, &err), err);
  if (metrics != NULL) run_rows(metrics, run);
  CHECK_OK(na_metrics_close(metrics, &err), err);
  na_free(settings.data);
  snprintf(path, sizeof path, "%s/%s/log.txt", runs_folder, run->name);
  FILE *log = fopen(path, "w");
  if (log == NULL) exit(EXIT_FAILURE);
  fprintf(log, "2026-01-02 03:04:05 begun\n2026-01-02 03:05:05 %s\n", run->log ? run->log : "done");
  fclose(log);
}

/* Two arms, five seeds, by 0.64 points apart on average: README's example of a verdict. */
static inline void runs_two_arms(int seeds)
{
  static const double plain[] = {0.8902, 0.8911, 0.8887, 0.8919, 0.8896};
  static const double wide[] = {0.8989, 0.8966, 0.8955, 0.8961, 0.8964};
  char name[32];
  for (int seed = 1; seed <= seeds; seed++) {
    snprintf(name, sizeof name, "baseline-seed-%d", seed);
    run_make(
        &(made_run){name, NULL, "augment.width = \n", seed, 4, 4, plain[seed - 1], NULL, NULL});
    snprintf(name, sizeof name, "NetAug-seed-%d", seed);
    run_make(&(made_run){name, NULL, "augment.width = 1, 2, 3\n", seed, 4, 4, wide[seed - 1], NULL,
                         NULL});
  }
}

#endif
