#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* Made-up runs in a scratch folder, written as trainings write them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RUNS_SCRATCH_H
#define RUNS_SCRATCH_H

#include "core/train/recorder.h"
#include "tests/check.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char runs_folder[64];

static int runs_remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
  (void)status, (void)kind, (void)place;
  return remove(path);
}

static void runs_remove(void)
{
  nftw(runs_folder, runs_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void runs_make(void)
{
  const char *place = getenv("TMPDIR");
  snprintf(runs_folder, sizeof runs_folder, "%.40s/netaug-runs-XXXXXX", place != NULL ? place : "/tmp");
  CHECK(mkdtemp(runs_folder) != NULL, "cannot make a scratch folder");
}

/* Path of NAME/file in the folder; up to four are valid at once. */
static const char *runs_path(const char *name, const char *file)
{
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s%s%s", runs_folder, name, file[0] != '\0' ? "/" : "", file);
  return path;
}

static inline void runs_write(const char *name, const char *file, const char *text)
{
  FILE *out = fopen(runs_path(name, file), "wb");
  CHECK(out != NULL, "cannot write %s", runs_path(name, file));
  if (out == NULL) return;
  fputs(text, out);
  fclose(out);
}

typedef struct made_run {
  const char *name, *settings, *started;
  int epochs, done, batches;
  double top1;         /* of the last epoch; each before it has 0.01 less */
  bool augmented;
  const char *steered; /* a change after the first epoch, or NULL */
  const char *end;     /* last line of the log, or NULL */
} made_run;

static na_result made_result(double loss, double top1)
{
  return (na_result){loss, top1, top1, 100};
}

static void made_epoch(na_recorder *recorder, const made_run *made, int epoch)
{
  na_error err = {0};
  double top1 = made->top1 - 0.01 * (made->done - epoch);
  na_event e = {.kind = NA_EVENT_STEP, .epoch = epoch - 1, .epochs = made->epochs, .merged = 1,
                .steps = (long)made->epochs * made->batches, .batches = made->batches, .lr = 0.1};
  for (int batch = 1; batch <= made->batches; batch++) {
    e.step = (long)(epoch - 1) * made->batches + batch;
    e.time = 0.25 * (double)e.step;
    double t = 1 + (double)e.step / 10;
    e.base = made_result(0.5 + 1 / t, top1 - 0.2 / t);
    if (made->augmented) e.augmented = made_result(0.4 + 1 / t, top1 + 0.02 - 0.2 / t);
    CHECK_OK(na_recorder_step(recorder, &e, &err), err);
  }
  e.kind = NA_EVENT_EPOCH;
  e.epoch = epoch;
  e.base_val = made_result(2 - top1, top1);
  if (made->augmented) e.augmented_val = made_result(1.9 - top1, top1 + 0.01);
  CHECK_OK(na_recorder_epoch(recorder, &e, &err), err);
  if (epoch != 1 || made->steered == NULL) return;
  e.kind = NA_EVENT_STEER;
  e.changes = true;
  snprintf(e.text, sizeof e.text, "%s", made->steered);
  CHECK_OK(na_recorder_steered(recorder, &e, &err), err);
}

/* A run that is still open, as if it were trained. */
static na_recorder *made_begin(const made_run *made)
{
  na_error err = {0};
  na_recorder *recorder;
  const na_note notes[] = {{"parameters", "13130"}, {"macs", "326880"}, {"started", made->started}};
  CHECK_OK(na_recorder_new(&recorder, runs_path(made->name, ""), false, &err), err);
  CHECK_OK(na_recorder_begin(recorder, made->settings, notes, 3, NULL, &err), err);
  for (int epoch = 1; epoch <= made->done; epoch++) made_epoch(recorder, made, epoch);
  na_recorder_log(recorder, made->end != NULL ? made->end : "begun");
  return recorder;
}

static inline void made(const made_run *run)
{
  na_error err = {0};
  CHECK_OK(na_recorder_free(made_begin(run), &err), err);
}

#endif
