/* Metrics: columns come back, a second process reads while they are written, and a kill loses little.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/metrics.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "tests/check.h"
#include "tests/store_scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static na_error err;
static const char *const step_columns[] = {"loss", "lr"};
static const char *const epoch_columns[] = {"base_val_top1", "time", "phase"};

static na_metrics_setup setup_of(const char *settings)
{
  return (na_metrics_setup){.settings = settings,
                            .step_count = 2,
                            .step_columns = step_columns,
                            .epoch_count = 3,
                            .epoch_columns = epoch_columns};
}

static na_metrics *started(const char *name)
{
  na_metrics *metrics;
  na_metrics_setup setup = setup_of("train.lr = 0.1");
  CHECK_OK(na_metrics_create(&metrics, scratch_path(name), &setup, &err), err);
  return metrics;
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void nap(double seconds)
{
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

/* Column `loss` counts 0, 1, 2 ... in every test. Returns how many rows there are. */
static long check_counting(const char *path, const char *column)
{
  double *values;
  long count;
  int wrong = 0;
  CHECK_OK(na_metrics_read(path, column, &values, &count, &err), err);
  for (long i = 0; i < count; i++) wrong += values[i] != (double)i;
  CHECK(wrong == 0, "%d of %ld rows of %s are wrong", wrong, count, column);
  na_free(values);
  return count;
}

static void round_trip(void)
{
  enum { STEPS = 5000, EPOCHS = 7 };
  na_metrics *metrics = started("a.h5");
  for (int i = 0; i < STEPS; i++) CHECK_OK(na_metrics_step(metrics, (double[]){i, 0.5}, &err), err);
  for (int i = 0; i < EPOCHS; i++)
    CHECK_OK(na_metrics_epoch(metrics, (double[]){i, NAN, -i}, &err), err);
  CHECK_OK(na_metrics_close(metrics, &err), err);
  const char *path = scratch_path("a.h5");
  CHECK(check_counting(path, "step/loss") == STEPS, "steps are missing");
  CHECK(check_counting(path, "epoch/base_val_top1") == EPOCHS, "epochs are missing");
  double *values;
  long count;
  CHECK_OK(na_metrics_read(path, "epoch/time", &values, &count, &err), err);
  CHECK(count == EPOCHS && isnan(values[0]), "a NaN is a value");
  na_free(values);
  char *settings;
  na_h5 *file;
  CHECK_OK(na_h5_open(&file, path, &err), err);
  CHECK_OK(na_h5_get_text(file, "/", "settings", &settings, &err), err);
  CHECK(settings != NULL && strcmp(settings, "train.lr = 0.1") == 0, "settings differ");
  na_free(settings);
  CHECK_OK(na_h5_close(file, &err), err);
  CHECK_FAILS(na_metrics_read(path, "step/los", &values, &count, &err), NA_EFORMAT,
              "no dataset step/los", err);
  CHECK(values == NULL && count == 0, "a failed read must give nothing");
  CHECK_FAILS(na_metrics_read(scratch_path("absent.h5"), "step/loss", &values, &count, &err),
              NA_EIO, "No such file", err);
}

static void empty(void)
{
  na_metrics *metrics = started("empty.h5");
  CHECK(check_counting(scratch_path("empty.h5"), "step/loss") == 0, "rows before any was added");
  CHECK_OK(na_metrics_close(metrics, &err), err);
  CHECK(check_counting(scratch_path("empty.h5"), "step/loss") == 0, "rows out of nowhere");
}

/* The same process reads its own running file, as the screen does. */
static void read_at_home(void)
{
  na_metrics *metrics = started("home.h5");
  for (int i = 0; i < 3; i++) {
    CHECK_OK(na_metrics_epoch(metrics, (double[]){i, 0, 0}, &err), err);
    CHECK(check_counting(scratch_path("home.h5"), "epoch/base_val_top1") == i + 1, "row %d", i);
  }
  CHECK_OK(na_metrics_close(metrics, &err), err);
}

/* Adds steps for `seconds`, then waits to be killed. */
static void write_forever(const char *path, double seconds, double interval)
{
  na_metrics *metrics;
  double end = now() + seconds;
  na_metrics_setup setup = setup_of(NULL);
  if (na_metrics_create(&metrics, path, &setup, NULL) != 0) _exit(1);
  for (long i = 0; now() < end; i++) {
    if (na_metrics_step(metrics, (double[]){(double)i, now()}, NULL) != 0) _exit(2);
    nap(interval);
  }
  for (;;) pause();
}

/* Until the writer has made the file and lets others read it; at most 10 s. */
static void wait_for(const char *path)
{
  double *values;
  long count;
  for (int i = 0; i < 500; i++) {
    nap(0.02);
    if (na_metrics_read(path, "step/loss", &values, &count, NULL) != 0) continue;
    na_free(values);
    return;
  }
}

/* Another process writes 1,000 rows a second; this one sees them come, then kills it. */
static void second_process(void)
{
  const char *path = scratch_path("live.h5");
  pid_t child = fork();
  if (child == 0) write_forever(path, 60, 0.001);
  wait_for(path);
  long before = check_counting(path, "step/loss"), after = before;
  for (int i = 0; i < 12; i++) {
    nap(0.25);
    after = check_counting(path, "step/loss");
  }
  CHECK(after > before + 100, "from %ld to %ld rows in 3 s", before, after);
  double killed = now(), *times;
  int status = 0;
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status), "the writer gave up by itself: %d", status);
  CHECK(check_counting(path, "step/loss") >= after, "rows were lost");
  CHECK_OK(na_metrics_read(path, "step/lr", &times, &after, &err), err);
  CHECK(after > 0 && killed - times[after - 1] < 1.3, "the last %.2f s were lost",
        after > 0 ? killed - times[after - 1] : -1);
  na_free(times);
}

/* Steps that come slowly are on disk before the next one is due. */
static void slow_steps(void)
{
  const char *path = scratch_path("slow.h5");
  pid_t child = fork();
  if (child == 0) write_forever(path, 3.5, 0.7);
  nap(4.2);
  CHECK(check_counting(path, "step/loss") >= 4, "slow rows are not flushed");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void full_disk(void)
{
  struct rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 20000;
  signal(SIGXFSZ, SIG_IGN);
  na_metrics *metrics = started("full.h5");
  setrlimit(RLIMIT_FSIZE, &small);
  int code = 0;
  for (int i = 0; i < 4000 && code == 0; i++)
    code = na_metrics_step(metrics, (double[]){i, 0}, &err);
  int closed = na_metrics_close(metrics, NULL);
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(code == NA_EIO || closed == NA_EIO, "a full disk went unnoticed: %d %d", code, closed);
  CHECK(strstr(err.message, "File too large") != NULL, "message: %s", err.message);
  na_error_clear(&err);
  na_metrics_setup setup = setup_of(NULL);
  CHECK_FAILS(na_metrics_create(&metrics, scratch_path("no/folder.h5"), &setup, &err), NA_EIO,
              "No such file", err);
  CHECK(metrics == NULL, "a failed start must give NULL");
}

int main(void)
{
  if (!scratch_make()) return EXIT_FAILURE;
  RUN(second_process); /* first: the child must not inherit an open library */
  RUN(slow_steps);
  RUN(round_trip);
  RUN(empty);
  RUN(read_at_home);
  RUN(full_disk);
  scratch_remove();
  return CHECK_EXIT();
}
