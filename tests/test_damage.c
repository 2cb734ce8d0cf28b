/* Runs that meet trouble: cut, corrupted and foreign files, a full disk, a folder that is
 * read-only. Everything is an error with words, nothing is overwritten, nothing crashes.
 * NETAUG_DAMAGE says how many corrupted files are tried (1000).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/store/h5.h"
#include "core/train/columns.h"
#include "core/train/steer.h"
#include "tests/trainer_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct bytes {
  char *data;
  size_t size;
} bytes;

static rig source; /* a run that was stopped within its second epoch, steered once */
static bytes checkpoint, metrics;

static bytes read_bytes(const char *path)
{
  bytes b = {0};
  FILE *file = fopen(path, "rb");
  if (file == NULL) return b;
  fseek(file, 0, SEEK_END);
  b.size = (size_t)ftell(file);
  rewind(file);
  b.data = na_alloc(b.size + 1);
  CHECK(fread(b.data, 1, b.size, file) == b.size, "cannot read %s", path);
  fclose(file);
  return b;
}

static void write_bytes(const char *path, const char *data, size_t size)
{
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fwrite(data, 1, size, file) == size, "cannot write %s", path);
  if (file != NULL) fclose(file);
}

static bool same_bytes(const char *path, const bytes *wanted)
{
  bytes now = read_bytes(path);
  bool same = now.size == wanted->size && memcmp(now.data, wanted->data, now.size) == 0;
  na_free(now.data);
  return same;
}

static void make_source(void)
{
  rig_init(&source, true);
  rig_folder(&source);
  rig_start(&source);
  na_trainer_stop_after(source.trainer, 17);
  CHECK_OK(na_trainer_command(source.trainer, "set alpha = 0.7", &err), err);
  CHECK_OK(na_trainer_start(source.trainer, &err), err);
  await(source.trainer, NA_EVENT_END);
  na_trainer_free(source.trainer);
  source.trainer = NULL;
  checkpoint = read_bytes(file_of(&source, "last.h5"));
  metrics = read_bytes(file_of(&source, "run.h5"));
  CHECK(checkpoint.size > 1000 && metrics.size > 1000, "no files");
}

/* --------------------------------------------------------------------------- damaged files */

/* An error must have words. */
static void expect_words(int code, const char *what)
{
  CHECK(code == NA_OK || (code < 0 && err.message[0] != '\0'), "%s: code %d without words", what,
        code);
  na_error_clear(&err);
}

/* Everything that reads a checkpoint. */
static void use_checkpoint(const char *path)
{
  na_net *net = NULL;
  na_checkpoint state = {0};
  expect_words(na_checkpoint_load(path, &net, &state, &err), "load");
  na_checkpoint_free(&state);
  na_net_free(net);
  expect_words(na_checkpoint_load_into(path, source.net, &state, &err), "load into");
  na_checkpoint_free(&state);
  expect_words(na_checkpoint_resume(path, source.net, &state, &err), "resume");
  na_checkpoint_free(&state);
}

/* Everything that reads metrics. */
static void use_metrics(const char *folder, const char *path)
{
  double *values;
  long count;
  char *text;
  na_steer_entry *entries;
  na_event *events;
  expect_words(na_metrics_read(path, "step/base_loss", &values, &count, &err), "column");
  na_free(values);
  expect_words(na_metrics_note(path, "settings", &text, &err), "note");
  na_free(text);
  expect_words(na_metrics_steering(path, &entries, &count, &err), "steering log");
  na_free(entries);
  expect_words(na_run_epochs(folder, 0, 0, &events, &count, &err), "epochs");
  na_free(events);
  expect_words(na_run_steps(folder, 3, 0, &events, &count, &err), "steps");
  na_free(events);
}

/* Tries to go on in the folder; where that is refused, the files must be as they were. */
static void try_to_go_on(rig *r)
{
  char last[128];
  bytes before[2] = {read_bytes(file_of(r, "last.h5")), read_bytes(file_of(r, "run.h5"))};
  snprintf(last, sizeof last, "%s", file_of(r, "last.h5"));
  r->setup.resume = last;
  int code = na_trainer_new(&r->trainer, &r->setup, &err);
  if (code != NA_OK) {
    CHECK(same_bytes(file_of(r, "last.h5"), &before[0]), "last.h5 was touched");
    CHECK(same_bytes(file_of(r, "run.h5"), &before[1]), "run.h5 was touched");
  }
  expect_words(code, "going on");
  na_trainer_free(r->trainer);
  r->trainer = NULL;
  na_free(before[0].data);
  na_free(before[1].data);
}

static void put_files(const rig *r, const bytes *last, const bytes *run)
{
  write_bytes(file_of(r, "last.h5"), last->data, last->size);
  write_bytes(file_of(r, "run.h5"), run->data, run->size);
}

static void use_all(rig *r)
{
  char path[128];
  snprintf(path, sizeof path, "%s", file_of(r, "last.h5"));
  use_checkpoint(path);
  snprintf(path, sizeof path, "%s", file_of(r, "run.h5"));
  use_metrics(r->folder, path);
  try_to_go_on(r);
}

static void cut_files(void)
{
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  for (int i = 0; i < 50; i++) {
    bytes last = checkpoint, run = metrics;
    last.size = checkpoint.size * (size_t)i / 50;
    put_files(&r, &last, &metrics);
    char path[128];
    na_net *net = NULL;
    na_checkpoint state = {0};
    snprintf(path, sizeof path, "%s", file_of(&r, "last.h5"));
    CHECK(na_checkpoint_load(path, &net, &state, &err) < 0 && err.message[0] != '\0',
          "a checkpoint cut at %d/50 loads", i);
    na_error_clear(&err);
    use_all(&r);
    run.size = metrics.size * (size_t)i / 50;
    put_files(&r, &checkpoint, &run);
    use_all(&r);
  }
  remove_files(r.folder);
  rig_free(&r);
}

/* Overwrites some bytes, or a stretch, at random places. */
static bytes corrupted(const bytes *good, na_random *random)
{
  bytes bad = {na_alloc(good->size), good->size};
  memcpy(bad.data, good->data, good->size);
  int places = 1 + (int)na_random_below(random, 8);
  for (int i = 0; i < places; i++) {
    /* Half of them near the beginning, where the structure is. */
    uint32_t range = i % 2 == 0 ? (uint32_t)good->size : 4096;
    uint32_t at = na_random_below(random, range), run = 1 + na_random_below(random, 16);
    for (uint32_t k = at; k < at + run && k < bad.size; k++)
      bad.data[k] = (char)na_random_below(random, 256);
  }
  return bad;
}

/* In a process of their own, so that a crash is known by its number. */
static void corrupt_some(rig *r, int first, int count)
{
  for (int i = first; i < first + count; i++) {
    na_random random = na_random_at(99, (uint64_t)i, 0);
    bytes last = corrupted(&checkpoint, &random), run = corrupted(&metrics, &random);
    put_files(r, i % 3 != 1 ? &last : &checkpoint, i % 3 != 0 ? &run : &metrics);
    use_all(r);
    na_free(last.data);
    na_free(run.data);
  }
}

static void corrupted_files(void)
{
  enum { TOGETHER = 25 };
  const char *wanted = getenv("NETAUG_DAMAGE");
  int files = wanted != NULL ? atoi(wanted) : 1000, status;
  rig r;
  rig_init(&r, true);
  rig_folder(&r);
  for (int i = 0; i < files; i += TOGETHER) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      corrupt_some(&r, i, files - i < TOGETHER ? files - i : TOGETHER);
      fflush(stdout);
      _exit(check_failures > 0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "one of the files %d to %d: %s %d", i,
          i + TOGETHER - 1, WIFSIGNALED(status) ? "crash by signal" : "status",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  remove_files(r.folder);
  rig_free(&r);
}

/* HDF5, but not ours. */
static void foreign_files(void)
{
  rig r;
  na_h5 *file;
  char path[128];
  rig_init(&r, true);
  rig_folder(&r);
  snprintf(path, sizeof path, "%s", file_of(&r, "last.h5"));
  CHECK_OK(na_h5_create(&file, path, &err), err);
  CHECK_OK(na_h5_write(file, "model_weights/conv/kernel", NA_H5_FLOAT, 1, (long long[]){3},
                       (float[]){1, 2, 3}, &err),
           err);
  CHECK_OK(na_h5_set_text(file, "/", "keras_version", "2.1", &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
  write_bytes(file_of(&r, "run.h5"), metrics.data, metrics.size);
  r.setup.resume = path;
  CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EFORMAT, "not a netaug checkpoint",
              err);
  CHECK(same_bytes(file_of(&r, "run.h5"), &metrics), "run.h5 was touched");
  remove_files(r.folder);
  rig_free(&r);
}

/* What a newer program adds to run.h5 stays when the run goes on. */
static void unknown_fields_stay(void)
{
  rig r;
  na_metrics *open;
  na_h5 *file;
  double value = 0, column[2] = {0};
  char path[128], last[128], *text = NULL;
  rig_init(&r, true);
  rig_folder(&r);
  snprintf(path, sizeof path, "%s", file_of(&r, "run.h5"));
  snprintf(last, sizeof last, "%s", file_of(&r, "last.h5"));
  /* A file with more than ours: it has other columns, notes, numbers and groups. */
  static const char *const steps[] = {"step", "tomorrow"}, *const epochs[] = {"epoch"};
  na_note note = {"from", "the future"};
  na_metrics_setup setup = {.settings = "train.lr = 0.05",
                            .notes = &note,
                            .note_count = 1,
                            .step_count = 2,
                            .step_columns = steps,
                            .epoch_count = 1,
                            .epoch_columns = epochs};
  CHECK_OK(na_metrics_create(&open, path, &setup, &err), err);
  for (int i = 0; i < 2; i++) CHECK_OK(na_metrics_step(open, (double[]){i, 10 + i}, &err), err);
  CHECK_OK(na_metrics_close(open, &err), err);
  write_bytes(last, checkpoint.data, checkpoint.size);
  r.setup.resume = last;
  rig_start(&r);
  CHECK_OK(na_trainer_start(r.trainer, &err), err);
  CHECK(await(r.trainer, NA_EVENT_END).code == NA_OK, "it does not go on");
  CHECK_OK(na_h5_open(&file, path, &err), err);
  CHECK_OK(na_h5_get_text(file, "/", "from", &text, &err), err);
  CHECK(text != NULL && strcmp(text, "the future") == 0, "the note is %s", text);
  CHECK_OK(na_h5_read(file, "step/tomorrow", NA_H5_DOUBLE, column, 2, &err), err);
  CHECK(column[1] == 11, "the column is %g", column[1]);
  CHECK_OK(na_h5_get_number(file, "/", "version", &value, &err), err);
  na_h5_close(file, NULL);
  na_free(text);
  remove_files(r.folder);
  rig_free(&r);
}

/* ----------------------------------------------------------------------------------- the disk */

/* Files may grow to `limit` bytes: the checkpoint does not fit, or only the metrics do not. */
static void full_at(rlim_t limit, bool again)
{
  struct rlimit old, small;
  rig r, second;
  rig_init(&r, true);
  rig_folder(&r);
  if (again) put_files(&r, &checkpoint, &metrics);
  char last[128];
  snprintf(last, sizeof last, "%s", file_of(&r, "last.h5"));
  if (again) r.setup.resume = last;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = limit;
  na_error_clear(&err);
  setrlimit(RLIMIT_FSIZE, &small);
  int code = na_trainer_new(&r.trainer, &r.setup, &err);
  if (code == NA_OK) code = na_trainer_start(r.trainer, &err);
  if (code == NA_OK) {
    na_event event = {.kind = NA_EVENT_START};
    while (event.kind != NA_EVENT_END) na_trainer_poll(r.trainer, &event, 1000);
    code = na_trainer_join(r.trainer, &err);
  }
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(code == NA_EIO, "limit %lu: code %d: %s", (unsigned long)limit, code, err.message);
  CHECK(strstr(err.message, "File too large") != NULL, "message: %s", err.message);
  CHECK(access(file_of(&r, "last.h5.tmp"), F_OK) != 0, "a temporary file is left");
  na_trainer_free(r.trainer);
  r.trainer = NULL;
  if (again) { /* with room again, it goes on */
    CHECK(same_bytes(last, &checkpoint), "the good checkpoint is gone");
    rig_init(&second, true);
    second.setup.folder = r.folder;
    second.setup.resume = last;
    rig_start(&second);
    CHECK_OK(na_trainer_start(second.trainer, &err), err);
    CHECK(await(second.trainer, NA_EVENT_END).code == NA_OK, "it does not go on");
    rig_free(&second);
  }
  remove_files(r.folder);
  rig_free(&r);
}

static void full_disk(void)
{
  signal(SIGXFSZ, SIG_IGN);
  CHECK(checkpoint.size > 20000, "the checkpoint has %zu bytes", checkpoint.size);
  full_at(4000, false);
  full_at(checkpoint.size / 2, false);
  full_at(checkpoint.size / 2, true);
}

/* In a process that is nobody, as root may write everywhere. */
static void read_only_folder(void)
{
  rig r;
  int status = -1;
  char last[128];
  rig_init(&r, true);
  rig_folder(&r);
  put_files(&r, &checkpoint, &metrics);
  snprintf(last, sizeof last, "%s", file_of(&r, "last.h5"));
  r.setup.resume = last;
  chmod(r.folder, 0555);
  chmod(last, 0444);
  chmod(file_of(&r, "run.h5"), 0444);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(77);
    na_error_clear(&err);
    CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EIO, "Permission denied", err);
    r.setup.resume = NULL;
    CHECK_FAILS(na_trainer_new(&r.trainer, &r.setup, &err), NA_EINVAL, "holds a run already", err);
    fflush(stdout);
    _exit(check_failures > 0);
  }
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
    printf("SKIPPED, NOT TESTED: a read-only folder (root cannot become nobody)\n");
  else
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
  CHECK(same_bytes(last, &checkpoint), "last.h5 was touched");
  CHECK(same_bytes(file_of(&r, "run.h5"), &metrics), "run.h5 was touched");
  chmod(r.folder, 0777);
  remove_files(r.folder);
  rig_free(&r);
}

int main(void)
{
  make_source();
  RUN(read_only_folder);
  RUN(foreign_files);
  RUN(cut_files);
  RUN(corrupted_files);
  RUN(unknown_fields_stay);
  RUN(full_disk);
  remove_files(source.folder);
  rig_free(&source);
  na_free(checkpoint.data);
  na_free(metrics.data);
  return CHECK_EXIT();
}
