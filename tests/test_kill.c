/* kill -9 at random moments of training and checkpointing: the run always opens, has lost at most a
 * second of metrics, and goes on to the same bits. NETAUG_KILLS says how often (20).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/train/recorder.h"
#include "tests/trainer_rig.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { EPOCHS = 12, NAP_US = 8000, SEEN_MAX = 4096 };

/* When which step was told of: shared with the process that trains. */
typedef struct witness {
  volatile long count;
  volatile double told[SEEN_MAX]; /* [step - 1], monotonic seconds */
} witness;

static witness *seen;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The synthetic source, slowed down so that a run lasts a second or two. */
static int (*next_of)(na_source *source, const na_batch **batch, na_error *err);

static int slow_next(na_source *source, const na_batch **batch, na_error *error)
{
  struct timespec t = {0, NAP_US * 1000};
  nanosleep(&t, NULL);
  return next_of(source, batch, error);
}

/* busy: last.h5 is written after every step, so that most kills come while it is. */
static void rig_killable(rig *r, const char *folder, bool busy)
{
  rig_init(r, true);
  r->train.epochs = EPOCHS;
  r->train.min_w_epochs = 4;
  r->train.save_every = 3;
  r->train.keep = 2;
  if (busy) r->train.save_minutes = 1e-9;
  next_of = r->data->next;
  r->data->next = slow_next;
  snprintf(r->folder, sizeof r->folder, "%s", folder);
  r->setup.folder = r->folder;
}

static bool write_block(FILE *file, const float *block, size_t count)
{
  return fwrite(block, sizeof *block, count, file) == count;
}

/* All that a run came to, for comparison. */
static bool leave_result(const rig *r)
{
  FILE *file = fopen(file_of(r, "final"), "wb");
  bool good = file != NULL && write_block(file, r->net->weights, r->net->values) &&
              write_block(file, r->net->momentum, r->net->values) &&
              write_block(file, r->net->running, r->net->stats);
  return file != NULL && fclose(file) == 0 && good;
}

/* In its own process: trains to the end, from wherever the folder stands. */
static void train_and_exit(const char *folder, bool busy)
{
  rig r;
  na_event event = {.kind = NA_EVENT_START};
  rig_killable(&r, folder, busy);
  char last[128] = "";
  if (access(file_of(&r, "run.h5"), F_OK) == 0) {
    if (access(file_of(&r, "last.h5"), F_OK) == 0)
      snprintf(last, sizeof last, "%s", file_of(&r, "last.h5"));
    r.setup.resume = last;
  }
  if (na_trainer_new(&r.trainer, &r.setup, &err) != NA_OK) {
    printf("  %s: %s\n", folder, err.message);
    fflush(stdout);
    _exit(3);
  }
  if (na_trainer_start(r.trainer, NULL) != NA_OK) _exit(4);
  while (event.kind != NA_EVENT_END) {
    if (na_trainer_poll(r.trainer, &event, 1000) != 1 || event.kind != NA_EVENT_STEP) continue;
    seen->told[event.step - 1] = now();
    seen->count = event.step;
  }
  _exit(na_trainer_join(r.trainer, NULL) == NA_OK && leave_result(&r) ? 0 : 5);
}

/* Programs that know no SWMR take a file that says it is open, or that is shorter than it says, for
 * damaged. */
static void check_superblock(const char *path)
{
  unsigned char start[48] = "";
  struct stat status;
  uint64_t end = 0;
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL && fread(start, sizeof start, 1, file) == 1 && stat(path, &status) == 0,
        "%s: no superblock", path);
  if (file != NULL) fclose(file);
  for (int i = 0; i < 8; i++) end |= (uint64_t)start[28 + i] << 8 * i;
  CHECK((start[11] & 5) == 0, "%s is marked as open: %d", path, start[11]);
  CHECK((uint64_t)status.st_size >= end, "%s is cut: %lld of %llu bytes", path,
        (long long)status.st_size, (unsigned long long)end);
}

/* After a kill: everything opens, and the metrics reach to at least a second before. */
static void check_folder(const char *folder, double killed)
{
  char path[128];
  double *steps;
  long rows = 0, needed = 0;
  na_net *net = NULL;
  na_checkpoint state = {0};
  snprintf(path, sizeof path, "%s/run.h5", folder);
  if (access(path, F_OK) != 0) return; /* killed before it was made */
  for (long step = 1; step <= seen->count; step++)
    if (seen->told[step - 1] > 0 && seen->told[step - 1] < killed - 1.0) needed = step;
  na_error_clear(&err);
  int code = na_metrics_read(path, "step/step", &steps, &rows, &err);
  /* While it is made for the first time, there is nothing to lose. */
  if (code != NA_OK && seen->count == 0) return;
  CHECK(code == NA_OK, "%s", err.message);
  check_superblock(path);
  CHECK(rows >= needed, "%ld rows, but step %ld was over a second ago", rows, needed);
  if (code == NA_OK && rows > 0) CHECK(steps[rows - 1] == (double)rows, "row %ld", rows);
  na_free(steps);
  snprintf(path, sizeof path, "%s/last.h5", folder);
  if (access(path, F_OK) != 0) return;
  na_error_clear(&err);
  CHECK_OK(na_checkpoint_load(path, &net, &state, &err), err);
  na_checkpoint_free(&state);
  na_net_free(net);
}

static pid_t start_training(const char *folder, bool busy)
{
  seen->count = 0;
  for (int i = 0; i < SEEN_MAX; i++) seen->told[i] = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) train_and_exit(folder, busy);
  return child;
}

/* Trains, for at most `most` seconds; returns whether it came to its end. */
static bool train_until(const char *folder, double most, bool busy)
{
  double end = now() + most, killed;
  int status = 0;
  pid_t child = start_training(folder, busy);
  while (now() < end && waitpid(child, &status, WNOHANG) == 0) nap(2);
  killed = now();
  if (killed >= end) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  if (WIFSIGNALED(status)) {
    CHECK(WTERMSIG(status) == SIGKILL, "ended by signal %d", WTERMSIG(status));
    check_folder(folder, killed);
    return false;
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ended with status %d", WEXITSTATUS(status));
  return true;
}

static void remove_all(const char *folder)
{
  remove_files(folder);
  rmdir(folder);
}

/* The bytes of FOLDER/name, na_free. */
static char *read_all(const char *folder, const char *name, size_t *size)
{
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  *size = 0;
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *data = na_alloc(*size + 1);
  if (fread(data, 1, *size, file) != *size) *size = 0;
  fclose(file);
  return data;
}

static void check_column(const char *a, const char *b, const char *column)
{
  char path[2][128];
  double *values[2];
  long rows[2];
  snprintf(path[0], sizeof path[0], "%s/run.h5", a);
  snprintf(path[1], sizeof path[1], "%s/run.h5", b);
  for (int i = 0; i < 2; i++)
    CHECK_OK(na_metrics_read(path[i], column, &values[i], &rows[i], &err), err);
  CHECK(rows[0] == rows[1] && rows[0] > 0 &&
            memcmp(values[0], values[1], (size_t)rows[0] * sizeof(double)) == 0,
        "column %s differs: %ld and %ld rows", column, rows[0], rows[1]);
  na_free(values[0]);
  na_free(values[1]);
}

static void check_same(const char *a, const char *b)
{
  size_t sizes[2];
  char *data[2] = {read_all(a, "final", &sizes[0]), read_all(b, "final", &sizes[1])};
  CHECK(sizes[0] > 0 && sizes[0] == sizes[1] && memcmp(data[0], data[1], sizes[0]) == 0,
        "the results differ");
  na_free(data[0]);
  na_free(data[1]);
  check_column(a, b, "step/base_loss");
  check_column(a, b, "step/augmented_loss");
  check_column(a, b, "epoch/base_val_loss");
}

static void make_folder(char folder[64])
{
  const char *place = getenv("TMPDIR");
  snprintf(folder, 64, "%.30s/netaug-kill-XXXXXX", place != NULL ? place : "/tmp");
  CHECK(mkdtemp(folder) != NULL, "no temporary folder");
}

static void killed_at_random(void)
{
  const char *wanted = getenv("NETAUG_KILLS");
  int kills = wanted != NULL ? atoi(wanted) : 20, done = 0, runs = 0;
  na_random random = na_random_at(20, 26, 0);
  char whole[64], folder[64];
  make_folder(whole);
  double began = now();
  CHECK(train_until(whole, 120, false), "the whole run did not end");
  double lasts = now() - began;
  while (done < kills && check_failures == 0) {
    bool busy = runs % 2 == 1;
    make_folder(folder);
    while (!train_until(folder, done < kills ? na_random_unit(&random) * 1.2 * lasts : 120, busy))
      done++;
    check_same(whole, folder);
    remove_all(folder);
    runs++;
  }
  printf("  %d kills in %d runs of %.1f s\n", done, runs, lasts);
  remove_all(whole);
}

int main(void)
{
  seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (seen == MAP_FAILED) return EXIT_FAILURE;
  RUN(killed_at_random);
  return CHECK_EXIT();
}
