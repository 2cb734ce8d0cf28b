/* The catalogue of runs on made-up and damaged folders; choosing, ordering, comparing, annotating, throwing
 * away. SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/runs/catalogue.h"
#include "core/runs/difference.h"
#include "core/runs/filter.h"
#include "core/runs/note.h"
#include "core/runs/trash.h"
#include "tests/runs_scratch.h"
#include "tests/store_net.h"

#include <fcntl.h>

static na_error err;

static const made_run runs[] = {
    {"plain-2", "name = plain\nmodel = tiny\ndata.path = data/mnist\ntrain.epochs = 3\ntrain.lr = 0.1",
     "2026-01-02T10:00:00Z", 3, 3, 10, 0.8, false, NULL, "done"},
    {"plain-10", "name = plain\nmodel = tiny\ndata.path = data/mnist\ntrain.epochs = 5\ntrain.lr = 0.05",
     "2026-01-01T10:00:00Z", 5, 2, 10, 0.7, false, NULL, "stopped after step 20 of 50"},
    {"wide", "name = wide\nmodel = tiny\ndata.path = data/mnist\naugment.r = 3\ntrain.epochs = 4\ntrain.lr = 0.1",
     "2026-01-03T10:00:00Z", 4, 4, 10, 0.9, true, "set train.lr = 0.02", "done"},
    {"bad", "name = bad\nmodel = tiny\ntrain.lr = 0.1\ntrain.epochs = 4", "", 4, 1, 10, 0.1, false, NULL,
     "failed: the loss is not a finite number"},
    {"killed", "name = killed\nmodel = tiny\ntrain.lr = 0.1\ntrain.epochs = 4", "", 4, 1, 10, 0.1, false,
     NULL, "epoch 1 of 4"},
};
enum { RUNS = sizeof runs / sizeof runs[0] };

static void begin(na_catalogue *catalogue)
{
  bool done;
  runs_make();
  for (int i = 0; i < RUNS; i++) made(&runs[i]);
  *catalogue = (na_catalogue){.folder = runs_folder};
  CHECK_OK(na_catalogue_look(catalogue, &err), err);
  CHECK_OK(na_catalogue_read(catalogue, 0, &done, &err), err);
  CHECK(done && catalogue->count == RUNS, "%zu runs", catalogue->count);
}

static void again(na_catalogue *catalogue)
{
  bool done;
  CHECK_OK(na_catalogue_look(catalogue, &err), err);
  CHECK_OK(na_catalogue_read(catalogue, 0, &done, &err), err);
}

static void end(na_catalogue *catalogue)
{
  na_catalogue_free(catalogue);
  runs_remove();
}

static na_run *of(const na_catalogue *catalogue, const char *name)
{
  static na_run none;
  na_run *run = na_catalogue_find(catalogue, name);
  CHECK(run != NULL, "%s is not listed", name);
  return run != NULL ? run : &none;
}

static void figures(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  na_run *run = of(&catalogue, "wide");
  CHECK(run->state == NA_RUN_FINISHED, "it is %s", na_run_state_word(run->state));
  CHECK_NEAR(run->base_best.top1, 0.9, 1e-12, 1, "best accuracy");
  CHECK_NEAR(run->base_best.loss, 1.1, 1e-12, 1, "best loss");
  CHECK_NEAR(run->wide_last.top1, 0.91, 1e-12, 1, "the widest network's");
  CHECK_NEAR(run->epoch, 4, 0, 1, "epochs");
  CHECK_NEAR(run->steps, 40, 0, 1, "steps");
  CHECK_NEAR(run->seconds, 10, 0, 1, "seconds");
  CHECK_NEAR(run->parameters, 13130, 0, 1, "parameters");
  CHECK_NEAR(run->macs, 326880, 0, 1, "multiply-adds");
  CHECK(run->changes == 1 && run->bytes > 1000, "%d changes, %g bytes", run->changes, run->bytes);
  CHECK(strcmp(run->data, "mnist") == 0, "data %s", run->data);
  run = of(&catalogue, "plain-2");
  CHECK(isnan(run->wide_best.top1) && run->changes == 0, "no widest network was evaluated");
  run = of(&catalogue, "plain-10");
  CHECK(run->state == NA_RUN_INTERRUPTED && strcmp(run->why, runs[1].end) == 0, "why: %s", run->why);
  run = of(&catalogue, "bad");
  CHECK(run->state == NA_RUN_FAILED && strstr(run->why, "not a finite") != NULL, "why: %s", run->why);
  run = of(&catalogue, "killed");
  CHECK(run->state == NA_RUN_INTERRUPTED && strstr(run->why, "killed") != NULL, "why: %s", run->why);
  end(&catalogue);
}

/* A run that was killed after its last epoch is finished if that is saved. */
static void saved_end(void)
{
  static const made_run late = {"late", "name = late\ntrain.epochs = 2", "", 2, 2, 10, 0.5, false, NULL,
                                "epoch 2 of 2"};
  na_run run;
  na_net *net = store_net_new(4);
  na_checkpoint state = {.epoch = 1};
  runs_make();
  made(&late);
  na_run_init(&run);
  for (int saved = 0; saved <= 2; saved++) {
    state.epoch = saved;
    if (saved > 0) CHECK_OK(na_checkpoint_save(runs_path("late", "last.h5"), net, &state, true, &err), err);
    CHECK(na_run_saved_epochs(runs_path("late", "")) == saved, "%d epochs are saved", saved);
    CHECK_OK(na_run_read(&run, runs_folder, "late", &err), err);
    CHECK(run.epoch >= 2 && run.state == (saved == 2 ? NA_RUN_FINISHED : NA_RUN_INTERRUPTED),
          "%d of 2 epochs saved: %s", saved, na_run_state_word(run.state));
  }
  na_run_free(&run);
  na_net_free(net);
  runs_remove();
}

/* What is not a run is not listed; what cannot be read says so; nothing stops the others. */
static void damaged(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  CHECK(mkdir(runs_path("empty", ""), 0777) == 0 && mkdir(runs_path(".trash", ""), 0777) == 0, "folders");
  runs_write("", "a-file", "text");
  CHECK(mkdir(runs_path("begun", ""), 0777) == 0, "a folder");
  runs_write("begun", "experiment.lua", "-- nothing yet");
  CHECK(mkdir(runs_path("junk", ""), 0777) == 0, "a folder");
  runs_write("junk", "run.h5", "this is no HDF5 file, by no means");
  runs_write("junk", "note.txt", "a\tnote\033[31m\nof two lines \xff\n");
  CHECK(mkdir(runs_path("piped", ""), 0777) == 0, "a folder");
  CHECK(mkfifo(runs_path("piped", "run.h5"), 0666) == 0 && mkfifo(runs_path("piped", "log.txt"), 0666) == 0, "pipes");
  CHECK(truncate(runs_path("wide", "run.h5"), 3000) == 0, "cut short");
  CHECK(mkdir(runs_path("esc\033[2J", ""), 0777) == 0, "a folder");
  runs_write("esc\033[2J", "log.txt", "");
  again(&catalogue);
  CHECK(catalogue.count == RUNS + 4, "%zu runs", catalogue.count);
  static const char *const names[] = {"begun", "junk", "piped", "wide", "esc\033[2J"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    na_run *run = of(&catalogue, names[i]);
    CHECK(run->state == NA_RUN_DAMAGED && run->why[0] != '\0', "%s is %s", names[i], na_run_state_word(run->state));
  }
  CHECK(strcmp(of(&catalogue, "junk")->note, "a note?[31m of two lines ?") == 0, "note: %s",
        of(&catalogue, "junk")->note);
  char words[NA_RUN_WORDS];
  na_run_words(of(&catalogue, names[4]), &(na_run_key){.column = NA_COLUMN_name}, words);
  CHECK(strcmp(words, "esc?[2J") == 0, "name: %s", words);
  CHECK(of(&catalogue, "plain-2")->state == NA_RUN_FINISHED, "the others are as they were");
  end(&catalogue);
}

/* Every byte of a run's metrics damaged in turn: the reading ends, and says what it is. */
static void bytes_damaged(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  struct stat status;
  CHECK(stat(runs_path("plain-2", "run.h5"), &status) == 0, "no file");
  int fd = open(runs_path("plain-2", "run.h5"), O_RDWR);
  na_run run;
  na_run_init(&run);
  for (off_t at = 0; at < status.st_size; at += at < 4096 ? 29 : 211) {
    unsigned char byte, other;
    CHECK(pread(fd, &byte, 1, at) == 1, "read");
    other = byte ^ 0x5a;
    CHECK(pwrite(fd, &other, 1, at) == 1, "write");
    CHECK_OK(na_run_read(&run, runs_folder, "plain-2", &err), err);
    CHECK(isnan(run.base_best.top1) || (run.base_best.top1 >= 0 && run.base_best.top1 <= 1), "byte %ld", (long)at);
    CHECK(pwrite(fd, &byte, 1, at) == 1, "write");
  }
  close(fd);
  na_run_free(&run);
  end(&catalogue);
}

/* A run that another process (here: this one) trains grows at each look. */
static void live(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  made_run run = runs[0];
  run.name = "growing";
  run.done = 1;
  na_recorder *recorder = made_begin(&run);
  again(&catalogue);
  CHECK(of(&catalogue, "growing")->state == NA_RUN_RUNNING, "it is live");
  CHECK_NEAR(of(&catalogue, "growing")->epoch, 1, 0, 1, "epochs");
  CHECK_FAILS(na_trash_put(runs_folder, "growing", &err), NA_EINVAL, "trains", err);
  made_epoch(recorder, &run, 2);
  again(&catalogue);
  CHECK_NEAR(of(&catalogue, "growing")->epoch, 2, 0, 1, "epochs");
  na_recorder_log(recorder, "done");
  CHECK_OK(na_recorder_free(recorder, &err), err);
  again(&catalogue);
  CHECK(of(&catalogue, "growing")->state == NA_RUN_FINISHED, "it has ended");
  end(&catalogue);
}

/* Readings are kept until a file changes. */
static void kept(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  na_run *run = of(&catalogue, "wide");
  const char *text = run->text;
  again(&catalogue);
  CHECK(of(&catalogue, "wide") == run && run->text == text, "it was read again");
  CHECK_OK(na_note_write(runs_folder, "wide", "the best", &err), err);
  again(&catalogue);
  CHECK(strcmp(of(&catalogue, "wide")->note, "the best") == 0, "note: %s", run->note);
  CHECK_OK(na_note_write(runs_folder, "wide", " ", &err), err);
  CHECK(access(runs_path("wide", "note.txt"), F_OK) != 0, "an empty note is none");
  bool done;
  CHECK_OK(na_catalogue_look(&catalogue, &err), err);
  CHECK_OK(na_catalogue_read(&catalogue, 1e-12, &done, &err), err);
  CHECK(!done, "it takes longer than that");
  again(&catalogue);
  CHECK(of(&catalogue, "wide")->note[0] == '\0', "note: %s", run->note);
  end(&catalogue);
}

/* What one program has read another one need not; a file that is damaged or forged is no harm. */
static void remembered(void)
{
  enum { MANY = 40 };
  char name[32], path[256];
  na_catalogue first, second;
  bool done;
  begin(&first);
  for (int i = 0; i < MANY; i++) {
    made_run run = runs[i % 3];
    snprintf(name, sizeof name, "copy-%d", i);
    run.name = name;
    made(&run);
  }
  CHECK_OK(na_note_write(runs_folder, "wide", "remember", &err), err);
  again(&first);
  CHECK(access(runs_path("", ".catalogue"), F_OK) == 0, "nothing was kept");
  second = (na_catalogue){.folder = runs_folder};
  CHECK_OK(na_catalogue_look(&second, &err), err);
  int stale = 0;
  for (size_t i = 0; i < second.count; i++) stale += second.runs[i]->stale;
  CHECK(second.count == RUNS + MANY && stale == 0, "%d of %zu are to be read", stale, second.count);
  for (size_t i = 0; i < second.count && i < first.count; i++) {
    na_run *a = first.runs[i], *b = second.runs[i];
    CHECK(strcmp(a->name, b->name) == 0 && a->state == b->state && a->changes == b->changes &&
              strcmp(a->why, b->why) == 0 && strcmp(a->note, b->note) == 0 && strcmp(a->started, b->started) == 0 &&
              a->setting_count == b->setting_count, "%s is not the same", a->name);
    CHECK(!(a->base_best.top1 < b->base_best.top1 || a->base_best.top1 > b->base_best.top1), "%s", a->name);
    CHECK(isnan(a->wide_best.top1) == isnan(b->wide_best.top1), "%s", a->name);
  }
  na_catalogue_free(&second);
  snprintf(path, sizeof path, "%s", runs_path("", ".catalogue"));
  struct stat status;
  CHECK(stat(path, &status) == 0, "no file");
  int fd = open(path, O_RDWR);
  for (off_t at = 0; at < status.st_size; at += 997) {
    unsigned char byte, other = (unsigned char)(at * 7);
    CHECK(pread(fd, &byte, 1, at) == 1 && pwrite(fd, &other, 1, at) == 1, "write");
    second = (na_catalogue){.folder = runs_folder};
    CHECK_OK(na_catalogue_look(&second, &err), err);
    CHECK(second.count == RUNS + MANY, "%zu runs", second.count);
    na_catalogue_free(&second);
    CHECK(pwrite(fd, &byte, 1, at) == 1, "write");
  }
  CHECK(ftruncate(fd, status.st_size / 2) == 0, "cut");
  close(fd);
  second = (na_catalogue){.folder = runs_folder};
  CHECK_OK(na_catalogue_look(&second, &err), err);
  CHECK_OK(na_catalogue_read(&second, 0, &done, &err), err);
  CHECK(of(&second, "wide")->state == NA_RUN_FINISHED, "read again");
  na_catalogue_free(&second);
  end(&first);
}

static void check_order(na_catalogue *catalogue, const char *key_name, bool reverse, const char *wanted)
{
  na_run *list[RUNS];
  na_run_key key;
  na_buffer got = {0};
  memcpy(list, catalogue->runs, sizeof list);
  CHECK_OK(na_run_key_find(key_name, strlen(key_name), list, RUNS, &key, &err), err);
  CHECK_OK(na_runs_sort(list, RUNS, &key, reverse, &err), err);
  for (int i = 0; i < RUNS; i++) na_buffer_add(&got, "%s ", list[i]->name);
  CHECK(strcmp(got.data, wanted) == 0, "by %s: %s", key_name, got.data);
  na_free(got.data);
}

static void order(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  check_order(&catalogue, "name", false, "bad killed plain-2 plain-10 wide ");
  check_order(&catalogue, "name", true, "wide plain-10 plain-2 killed bad ");
  check_order(&catalogue, "top1", false, "wide plain-2 plain-10 bad killed ");
  check_order(&catalogue, "loss", false, "wide plain-2 plain-10 bad killed ");
  check_order(&catalogue, "started", false, "wide plain-2 plain-10 bad killed ");
  check_order(&catalogue, "wide_top1", true, "wide bad killed plain-2 plain-10 ");
  check_order(&catalogue, "train.epochs", false, "plain-2 bad killed wide plain-10 ");
  check_order(&catalogue, "train.epochs", true, "plain-10 bad killed wide plain-2 ");
  check_order(&catalogue, "augment.r", false, "wide bad killed plain-2 plain-10 ");
  na_run_key key;
  CHECK_FAILS(na_run_key_find("tpo1", 4, catalogue.runs, RUNS, &key, &err), NA_EINVAL, "no column", err);
  CHECK_FAILS(na_run_key_find("train.lrr", 9, catalogue.runs, RUNS, &key, &err), NA_EINVAL, "no run has", err);
  end(&catalogue);
}

static void filters(void)
{
  static const struct {
    const char *text, *taken;
  } table[] = {{"", "bad killed plain-2 plain-10 wide "},
               {"PLAIN", "plain-2 plain-10 "},
               {"!plain !bad", "killed wide "},
               {"top1>70", "plain-2 wide "},
               {"top1>=70%", "plain-2 plain-10 wide "},
               {"top1=80", "plain-2 "},
               {"state=finished steered=yes", "wide "},
               {"state!=finished", "bad killed plain-10 "},
               {"train.lr<0.1", "plain-10 "},
               {"augment.r=3", "wide "},
               {"augment.r!=3", "bad killed plain-2 plain-10 "},
               {"params>13k data~NIST", "plain-2 plain-10 wide "},
               {"started>2026-01-02", "plain-2 wide "},
               {"time<0.1m", "bad killed plain-10 "},
               {"\"plain-1\"", "plain-10 "},
               {"note=", "bad killed plain-2 plain-10 wide "}};
  na_catalogue catalogue;
  na_filter filter;
  begin(&catalogue);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    na_buffer got = {0};
    na_buffer_add(&got, "%s", "");
    CHECK_OK(na_filter_read(&filter, table[i].text, catalogue.runs, RUNS, &err), err);
    for (int r = 0; r < RUNS; r++)
      if (na_filter_takes(&filter, catalogue.runs[r])) na_buffer_add(&got, "%s ", catalogue.runs[r]->name);
    CHECK(strcmp(got.data, table[i].taken) == 0, "\"%s\" takes %s", table[i].text, got.data);
    na_free(got.data);
  }
  CHECK_FAILS(na_filter_read(&filter, "top1>", catalogue.runs, RUNS, &err), NA_EINVAL, "compares nothing", err);
  CHECK_FAILS(na_filter_read(&filter, ">80", catalogue.runs, RUNS, &err), NA_EINVAL, "compares nothing", err);
  CHECK_FAILS(na_filter_read(&filter, "tpo1>8", catalogue.runs, RUNS, &err), NA_EINVAL, "no column", err);
  CHECK_FAILS(na_filter_read(&filter, "note~\"a", catalogue.runs, RUNS, &err), NA_EINVAL, "quote", err);
  end(&catalogue);
}

static void differences(void)
{
  na_catalogue catalogue;
  const char **names;
  size_t count;
  begin(&catalogue);
  na_run *pair[] = {of(&catalogue, "plain-2"), of(&catalogue, "wide")};
  CHECK_OK(na_runs_difference(pair, 2, &names, &count, &err), err);
  CHECK(count == 2 && strcmp(names[0], "train.epochs") == 0 && strcmp(names[1], "augment.r") == 0,
        "%zu settings differ", count);
  na_free((void *)names);
  CHECK_OK(na_runs_difference(pair, 1, &names, &count, &err), err);
  CHECK(count == 0, "a run does not differ from itself");
  na_free((void *)names);
  end(&catalogue);
}

static void trash(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  CHECK_OK(na_trash_put(runs_folder, "wide", &err), err);
  again(&catalogue);
  CHECK(catalogue.count == RUNS - 1, "%zu runs", catalogue.count);
  made(&runs[2]);
  CHECK_FAILS(na_trash_restore(runs_folder, "wide", &err), NA_EINVAL, "already", err);
  CHECK_OK(na_trash_put(runs_folder, "wide", &err), err);
  CHECK_OK(na_trash_restore(runs_folder, "wide-2", &err), err);
  CHECK_OK(na_trash_restore(runs_folder, "wide", &err), err);
  again(&catalogue);
  CHECK(catalogue.count == RUNS + 1, "%zu runs", catalogue.count);
  CHECK(of(&catalogue, "wide-2")->state == NA_RUN_FINISHED, "as it was");
  static const char *const names[] = {"", ".", "..", ".trash", "a/b", "../x"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    CHECK_FAILS(na_trash_put(runs_folder, names[i], &err), NA_EINVAL, "is not the name", err);
  CHECK_FAILS(na_trash_put(runs_folder, "nothing", &err), NA_EINVAL, "there is no", err);
  CHECK(symlink("wide", runs_path("link", "")) == 0, "a link");
  CHECK_FAILS(na_trash_put(runs_folder, "link", &err), NA_EINVAL, "is a link", err);
  CHECK_OK(na_trash_put(runs_folder, "bad", &err), err);
  CHECK(symlink("../../plain-2", runs_path(".trash", "link")) == 0, "a link");
  CHECK_OK(na_trash_empty(runs_folder, &err), err);
  CHECK_OK(na_trash_empty(runs_folder, &err), err);
  CHECK_FAILS(na_trash_restore(runs_folder, "bad", &err), NA_EINVAL, "there is no", err);
  CHECK(access(runs_path("plain-2", "run.h5"), F_OK) == 0, "links are not followed");
  end(&catalogue);
}

/* Whatever allocation fails, nothing is lost or leaked. */
static void memory(void)
{
  na_catalogue catalogue;
  begin(&catalogue);
  na_catalogue_free(&catalogue);
  int code = NA_ENOMEM;
  for (unsigned long at = 1; code != NA_OK && at < 100000; at++) {
    bool done;
    na_error_clear(&err);
    na_alloc_fail_at(at);
    code = na_catalogue_look(&catalogue, &err);
    if (code == NA_OK) code = na_catalogue_read(&catalogue, 0, &done, &err);
    na_alloc_fail_at(0);
    CHECK(code == NA_OK || code == NA_ENOMEM, "%s", err.message);
    if (code != NA_OK) na_catalogue_free(&catalogue);
  }
  na_error_clear(&err);
  again(&catalogue);
  CHECK(catalogue.count == RUNS, "%zu runs", catalogue.count);
  end(&catalogue);
}

static void natural_order(void)
{
  static const char *const sorted[] = {"", "a", "a1", "a2", "a02b", "a10", "b", "b00", "b1"};
  for (size_t i = 0; i + 1 < sizeof sorted / sizeof sorted[0]; i++)
    CHECK(na_text_compare(sorted[i], sorted[i + 1]) < 0 && na_text_compare(sorted[i + 1], sorted[i]) > 0,
          "%s, %s", sorted[i], sorted[i + 1]);
  CHECK(na_text_compare("run-007", "run-7") == 0, "zeros before");
  char text[] = "a\tb\x7f\xc3\xa9\xc2\x9b\xff\xe2\x82";
  na_text_tame(text);
  CHECK(strcmp(text, "a?b?\xc3\xa9?????") == 0, "tamed: %s", text);
}

int main(void)
{
  RUN(figures);
  RUN(saved_end);
  RUN(damaged);
  RUN(bytes_damaged);
  RUN(live);
  RUN(kept);
  RUN(remembered);
  RUN(order);
  RUN(filters);
  RUN(differences);
  RUN(trash);
  RUN(memory);
  RUN(natural_order);
  return CHECK_EXIT();
}
