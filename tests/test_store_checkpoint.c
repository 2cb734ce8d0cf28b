/* Checkpoints: round trips, files that do not fit, damaged files, failing disks, kills.
 * With an argument, writes a checkpoint there instead, for tests/test_store_names.sh.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/checkpoint.h"
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "tests/check.h"
#include "tests/store_net.h"
#include "tests/store_scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static na_error err;

static char cat[] = "cat", dog[] = "dog", cafe[] = "caf\xc3\xa9";
static char *class_names[] = {cat, dog, cafe};
static char mean[] = "0.5, 0.25, 0.1", std[] = "0.2";
static char settings[] = "train.lr = 0.1\n";

static na_checkpoint sample_state(void)
{
  return (na_checkpoint){.epoch = 7,
                         .step = 123456789012,
                         .batch = 42,
                         .random_key = 0xFEDCBA9876543210u,
                         .random_index = 0xFFFFFFFFFFFFFFFFu,
                         .val_loss = 1.25,
                         .val_top1 = 0.5,
                         .val_top5 = NAN,
                         .best_top1 = 0.75,
                         .settings = settings,
                         .mean = mean,
                         .std = std,
                         .class_names = class_names,
                         .class_count = 3};
}

static int save(const char *path, const na_net *net)
{
  na_checkpoint state = sample_state();
  return na_checkpoint_save(path, net, &state, true, &err);
}

/* Values in parameters only: the padding between them is no one's. */
static int same_values(const na_net *a, const na_net *b, const float *x, const float *y)
{
  if (a->param_count != b->param_count) return 0;
  for (int i = 0; i < a->param_count; i++) {
    const na_param *p = &a->params[i], *q = &b->params[i];
    if (p->count != q->count) return 0;
    if (memcmp(x + p->offset, y + q->offset, p->count * sizeof *x) != 0) return 0;
  }
  return 1;
}

static int same_statistics(const na_net *a, const na_net *b)
{
  if (a->buffer_count != b->buffer_count) return 0;
  for (int i = 0; i < a->buffer_count; i++) {
    const na_param *p = &a->buffers[i], *q = &b->buffers[i];
    if (p->count != q->count) return 0;
    if (memcmp(a->running + p->offset, b->running + q->offset, p->count * sizeof(float)) != 0)
      return 0;
  }
  return 1;
}

static void round_trip(void)
{
  na_net *net = store_net_new(3), *read;
  CHECK(net != NULL, "no network");
  if (net == NULL) return;
  na_checkpoint wrote = sample_state(), state = {0};
  CHECK_OK(save(scratch_path("a.h5"), net), err);
  CHECK_OK(na_checkpoint_load(scratch_path("a.h5"), &read, &state, &err), err);
  if (read != NULL) {
    CHECK(same_values(net, read, net->weights, read->weights), "weights differ");
    CHECK(same_values(net, read, net->momentum, read->momentum), "momentum differs");
    CHECK(same_statistics(net, read), "statistics differ");
    CHECK(read->dims[1].list.count == 2 && read->classes == 3, "structure differs");
  }
  CHECK(state.epoch == wrote.epoch && state.step == wrote.step && state.batch == wrote.batch,
        "position: %d %ld %ld", state.epoch, state.step, state.batch);
  CHECK(state.random_key == wrote.random_key && state.random_index == wrote.random_index,
        "generator: %llx %llx", (unsigned long long)state.random_key,
        (unsigned long long)state.random_index);
  CHECK(state.val_loss == 1.25 && state.val_top1 == 0.5 && isnan(state.val_top5) &&
            state.best_top1 == 0.75, "results differ");
  CHECK(state.settings != NULL && strcmp(state.settings, wrote.settings) == 0, "settings differ");
  CHECK(state.data == NULL, "data settings out of nowhere");
  CHECK(state.mean != NULL && strcmp(state.mean, mean) == 0 && strcmp(state.std, std) == 0,
        "normalisation differs");
  CHECK(state.class_count == 3, "%d class names", state.class_count);
  for (int i = 0; i < state.class_count; i++)
    CHECK(strcmp(state.class_names[i], class_names[i]) == 0, "class %d", i);
  CHECK(scratch_count() == 1, "the temporary file is left over");
  na_checkpoint_free(&state);
  CHECK(state.settings == NULL, "free leaves pointers behind");
  na_net_free(read);
  na_net_free(net);
}

static void state_alone(void)
{
  na_net *net = store_net_new(3);
  na_checkpoint state = {0};
  CHECK_OK(save(scratch_path("s.h5"), net), err);
  CHECK_OK(na_checkpoint_state(scratch_path("s.h5"), &state, &err), err);
  CHECK(state.epoch == 7 && state.step == 123456789012 && state.class_count == 3, "epoch %d",
        state.epoch);
  na_checkpoint_free(&state);
  CHECK(na_checkpoint_state(scratch_path("none.h5"), &state, NULL) != NA_OK, "there is no file");
  na_net_free(net);
}

static void without_momentum(void)
{
  na_net *net = store_net_new(3), *read;
  if (net == NULL) return;
  na_checkpoint state = {0};
  CHECK_OK(na_checkpoint_save(scratch_path("b.h5"), net, &state, false, &err), err);
  CHECK_OK(na_checkpoint_load(scratch_path("b.h5"), &read, &state, &err), err);
  double sum = 0;
  for (size_t i = 0; read != NULL && i < read->values; i++) sum += fabs(read->momentum[i]);
  CHECK(read != NULL && sum == 0, "momentum must start at zero, sum %g", sum);
  CHECK(state.class_names == NULL && state.settings == NULL, "texts out of nowhere");
  na_checkpoint_free(&state);
  na_net_free(read);
  na_net_free(net);
}

static void into_a_net(void)
{
  na_net *net = store_net_new(3), *other = store_net_new(3);
  if (net == NULL || other == NULL) return;
  na_checkpoint state = {0};
  memset(other->weights, 0, other->values * sizeof *other->weights);
  memset(other->running, 0, other->stats * sizeof *other->running);
  memset(other->momentum, 0, other->values * sizeof *other->momentum);
  CHECK_OK(na_checkpoint_load_into(scratch_path("a.h5"), other, &state, &err), err);
  CHECK(same_values(net, other, net->weights, other->weights), "weights differ");
  CHECK(same_statistics(net, other), "statistics differ");
  CHECK(other->momentum[0] == 0, "momentum must be left alone");
  CHECK(state.epoch == 7, "state is not read");
  na_checkpoint_free(&state);
  na_net_free(other);
  na_net_free(net);
}

/* A file of another network leaves the net as it was. */
static void misfits(void)
{
  na_net *net = store_net_new(3), *wide = store_net_new(5), *read;
  if (net == NULL || wide == NULL) return;
  na_checkpoint state = {0};
  CHECK_FAILS(na_checkpoint_load_into(scratch_path("a.h5"), wide, &state, &err), NA_ESHAPE,
              "linear.weight is 3x16, the network needs 5x16", err);
  CHECK(wide->weights[0] == na_random_symmetric(1, 0) &&
            wide->weights[wide->values - 1] == na_random_symmetric(1, wide->values - 1),
        "a refused file must not change the net");
  char *name = net->params[0].name, weird[] = "stem.conv.weird";
  net->params[0].name = weird;
  CHECK_OK(save(scratch_path("strange.h5"), net), err);
  CHECK_FAILS(na_checkpoint_load(scratch_path("strange.h5"), &read, &state, &err), NA_ESHAPE,
              "stem.conv.weird, which the network lacks", err);
  CHECK(read == NULL, "a failed load must give NULL");
  net->params[0].name = name;
  net->param_count--;
  CHECK_OK(save(scratch_path("short.h5"), net), err);
  net->param_count++;
  CHECK_FAILS(na_checkpoint_load(scratch_path("short.h5"), &read, &state, &err), NA_EFORMAT,
              "no dataset params/linear.linear.bias", err);
  net->params[0].shape[0] /= 2;
  net->params[0].shape[1] *= 2;
  CHECK_OK(save(scratch_path("turned.h5"), net), err);
  CHECK_FAILS(na_checkpoint_load(scratch_path("turned.h5"), &read, &state, &err), NA_ESHAPE,
              "is 8x6x3x3, the network needs 16x3x3x3", err);
  na_net_free(wide);
  na_net_free(net);
}

/* A file with a few right or wrong attributes and no tensors. */
static const char *crafted(const char *name, const char *format, double version, const char *text)
{
  na_h5 *file;
  const char *path = scratch_path(name);
  CHECK_OK(na_h5_create(&file, path, &err), err);
  if (file == NULL) return path;
  static const char *const counts[] = {"epoch", "step", "batch", "val_loss", "val_top1", "val_top5",
                                       "best_top1"};
  if (format != NULL) CHECK_OK(na_h5_set_text(file, "/", "format", format, &err), err);
  CHECK_OK(na_h5_set_numbers(file, "/", "version", &version, 1, &err), err);
  for (int i = 0; i < 7; i++)
    CHECK_OK(na_h5_set_numbers(file, "/", counts[i], (double[]){1}, 1, &err), err);
  CHECK_OK(na_h5_set_text(file, "/", "random_key", "0x12", &err), err);
  CHECK_OK(na_h5_set_text(file, "/", "random_index", "0x12", &err), err);
  if (text != NULL) CHECK_OK(na_h5_set_text(file, "/", "net", text, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
  return path;
}

static void foreign(void)
{
  static const char ours[] = "netaug checkpoint";
  na_checkpoint state;
  na_net *net;
  const char *path = crafted("foreign.h5", NULL, 1, NULL);
  CHECK_FAILS(na_checkpoint_load(path, &net, &state, &err), NA_EFORMAT, "not a netaug", err);
  path = crafted("metrics.h5", "netaug metrics", 1, NULL);
  CHECK_FAILS(na_checkpoint_load(path, &net, &state, &err), NA_EFORMAT, "not a netaug", err);
  path = crafted("newer.h5", ours, 2, NULL);
  CHECK_FAILS(na_checkpoint_load(path, &net, &state, &err), NA_EUNSUPPORTED, "version 2", err);
  path = crafted("nonet.h5", ours, 1, NULL);
  CHECK_FAILS(na_checkpoint_load(path, &net, &state, &err), NA_EFORMAT, "net is missing", err);
  path = crafted("junk.h5", ours, 1, "os.execute('touch owned')");
  CHECK_FAILS(na_checkpoint_load(path, &net, &state, &err), NA_EFORMAT, path, err);
  CHECK_FAILS(na_checkpoint_load(scratch_path("absent.h5"), &net, &state, &err), NA_EIO,
              "No such file", err);
  CHECK(net == NULL, "a failed load must give NULL");
}

/* Loads a damaged copy: an error, or the values that were saved. */
static int load_damaged(const na_net *net, const scratch_bytes *bytes, size_t size)
{
  na_checkpoint state = {0};
  na_net *read;
  const char *path = scratch_path("damaged.h5");
  scratch_write(path, bytes->data, size);
  na_error_clear(&err);
  int code = na_checkpoint_load(path, &read, &state, &err);
  CHECK((code == NA_OK) == (read != NULL), "code %d, net %p", code, (void *)read);
  if (code != NA_OK) CHECK(err.message[0] != '\0', "an error without words");
  else CHECK(same_values(net, read, net->weights, read->weights) && same_statistics(net, read),
             "damaged weights were taken for good");
  na_checkpoint_free(&state);
  na_net_free(read);
  na_error_clear(&err);
  return code;
}

static void truncated(void)
{
  enum { LENGTHS = 60 };
  na_net *net = store_net_new(3);
  scratch_bytes bytes = scratch_read(scratch_path("a.h5"));
  CHECK(net != NULL && bytes.size > 1000, "nothing to cut");
  for (int i = 0; net != NULL && i < LENGTHS; i++) {
    size_t size = i < 10 ? (size_t)i * 10 : bytes.size * (size_t)(i - 10) / (LENGTHS - 10);
    CHECK(load_damaged(net, &bytes, size) != NA_OK, "cut to %zu of %zu: loaded", size, bytes.size);
  }
  CHECK(load_damaged(net, &bytes, bytes.size - 1) != NA_OK, "one byte short: loaded");
  CHECK(load_damaged(net, &bytes, bytes.size) == NA_OK, "the whole file must load");
  free(bytes.data);
  na_net_free(net);
}

static void flipped(void)
{
  enum { FLIPS = 600 };
  na_net *net = store_net_new(3);
  scratch_bytes bytes = scratch_read(scratch_path("a.h5"));
  na_random random = na_random_at(5, 0, 0);
  int refused = 0;
  for (int i = 0; net != NULL && i < FLIPS; i++) {
    size_t at = na_random_below(&random, (uint32_t)bytes.size);
    unsigned char was = bytes.data[at];
    bytes.data[at] = (unsigned char)(was ^ (1u << na_random_below(&random, 8)));
    refused += load_damaged(net, &bytes, bytes.size) != NA_OK;
    bytes.data[at] = was;
  }
  CHECK(refused > FLIPS / 4, "only %d of %d flipped bits were noticed", refused, FLIPS);
  free(bytes.data);
  na_net_free(net);
}

/* Saving fails in every way there is; the old file stays, the temporary one goes. */
static void failing_disk(void)
{
  struct rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  na_net *net = store_net_new(3);
  if (net == NULL) return;
  scratch_bytes before = scratch_read(scratch_path("a.h5")), after;
  int files = scratch_count();
  net->weights[0] = 99;
  signal(SIGXFSZ, SIG_IGN);
  for (rlim_t room = 0; room < before.size; room += before.size / 12) {
    small.rlim_cur = room;
    setrlimit(RLIMIT_FSIZE, &small);
    int code = save(scratch_path("a.h5"), net);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK(code == NA_EIO, "room for %ld bytes: code %d", (long)room, code);
    CHECK(strstr(err.message, "File too large") != NULL, "message: %s", err.message);
    CHECK(err.hint[0] != '\0', "no hint");
    na_error_clear(&err);
  }
  after = scratch_read(scratch_path("a.h5"));
  CHECK(after.size == before.size && memcmp(before.data, after.data, after.size) == 0,
        "the old checkpoint was harmed");
  CHECK(scratch_count() == files, "temporary files are left over");
  CHECK_FAILS(save(scratch_path("no/folder/a.h5"), net), NA_EIO, "No such file", err);
  CHECK_FAILS(save("/proc/a.h5", net), NA_EIO, "/proc/a.h5", err);
  if (geteuid() != 0) {
    chmod(scratch, 0500);
    CHECK_FAILS(save(scratch_path("a.h5"), net), NA_EIO, "Permission denied", err);
    chmod(scratch, 0700);
  }
  CHECK_OK(save(scratch_path("a.h5"), net), err);
  free(before.data);
  free(after.data);
  na_net_free(net);
}

static void out_of_memory(void)
{
  na_net *net = store_net_new(3);
  if (net == NULL) return;
  for (unsigned long at = 1; at < 100; at++) {
    na_checkpoint state = {0};
    na_net *read;
    na_error_clear(&err);
    na_alloc_fail_at(at);
    int saved = save(scratch_path("memory.h5"), net);
    na_alloc_fail_at(at);
    int loaded = na_checkpoint_load(scratch_path("a.h5"), &read, &state, &err);
    na_alloc_fail_at(0);
    CHECK(saved == NA_OK || saved == NA_ENOMEM, "allocation %lu: saving gave %d", at, saved);
    CHECK((loaded == NA_OK) == (read != NULL), "allocation %lu: loading gave %d", at, loaded);
    na_checkpoint_free(&state);
    na_net_free(read);
  }
  na_error_clear(&err);
  CHECK_OK(save(scratch_path("memory.h5"), net), err);
  na_net_free(net);
}

/* A process saves again and again and is killed at some moment: what is there loads. */
static void killed(void)
{
  na_net *net = store_net_new(3), *read;
  if (net == NULL) return;
  for (int i = 0; i < 10; i++) {
    pid_t child = fork();
    if (child == 0)
      for (int n = 0;; n++) {
        net->weights[0] = (float)n;
        if (save(scratch_path("killed.h5"), net) != NA_OK) _exit(1);
      }
    struct timespec pause = {0, 20000000 + 3000000 * i};
    do nanosleep(&pause, NULL);
    while (access(scratch_path("killed.h5"), R_OK) != 0 && waitpid(child, NULL, WNOHANG) == 0);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status), "saving failed by itself");
    na_checkpoint state = {0};
    CHECK_OK(na_checkpoint_load(scratch_path("killed.h5"), &read, &state, &err), err);
    na_checkpoint_free(&state);
    na_net_free(read);
  }
  na_net_free(net);
}

static int write_sample(const char *path)
{
  na_net *net = store_net_new(3);
  int good = net != NULL && save(path, net) == NA_OK;
  na_net_free(net);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What another program put into a checkpoint stays when a training writes it anew; what this one left out
 * does not come back. */
static void unknown_fields_stay(void)
{
  na_net *net = store_net_new(3), *read = NULL;
  na_checkpoint state = sample_state(), loaded;
  char pending[] = "set train.lr = 1", *text = NULL;
  const char *path = scratch_path("kept.h5");
  double draws[] = {1, 2}, number = 0;
  state.pending = pending;
  state.draws = draws;
  state.draw_count = 2;
  CHECK_OK(na_checkpoint_save(scratch_path("plain.h5"), net, &state, true, &err), err);
  na_h5 *plain = NULL, *file = NULL;
  CHECK_OK(na_h5_open(&plain, scratch_path("plain.h5"), &err), err);
  CHECK_OK(na_h5_create(&file, path, &err), err);
  CHECK_OK(na_h5_copy_rest(plain, file, NULL, &err), err);
  na_h5_close(plain, NULL);
  CHECK_OK(na_h5_set_text(file, "/", "note", "a note", &err), err);
  CHECK_OK(na_h5_group(file, "mine/empty", &err), err);
  CHECK_OK(na_h5_set_numbers(file, "mine", "scale", (double[]){0.5}, 1, &err), err);
  CHECK_OK(na_h5_write(file, "mine/deep/values", NA_H5_DOUBLE, 1, (long long[]){2}, draws, &err), err);
  CHECK_OK(na_h5_write(file, "params/stranger", NA_H5_DOUBLE, 1, (long long[]){2}, draws, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
  state.pending = NULL;
  state.draws = NULL;
  for (int times = 0; times < 2; times++) CHECK_OK(na_checkpoint_rewrite(path, net, &state, &err), err);
  CHECK_OK(na_checkpoint_load(path, &read, &loaded, &err), err);
  CHECK(loaded.pending == NULL && loaded.draws == NULL, "what was left out is not there");
  CHECK_OK(na_h5_open(&file, path, &err), err);
  CHECK_OK(na_h5_get_text(file, "/", "note", &text, &err), err);
  CHECK(text != NULL && strcmp(text, "a note") == 0, "the note is %s", text != NULL ? text : "lost");
  CHECK_OK(na_h5_get_number(file, "mine", "scale", &number, &err), err);
  CHECK(number == 0.5, "the group's attribute is %g", number);
  CHECK(na_h5_has(file, "mine/empty"), "an empty group is kept");
  draws[1] = 0;
  CHECK_OK(na_h5_read(file, "mine/deep/values", NA_H5_DOUBLE, draws, 2, &err), err);
  CHECK(draws[1] == 2, "values are kept");
  na_h5_close(file, NULL);
  CHECK_OK(na_checkpoint_save(path, net, &state, true, &err), err);
  CHECK_OK(na_h5_open(&file, path, &err), err);
  CHECK(!na_h5_has(file, "mine"), "another file under an old name keeps nothing");
  na_h5_close(file, NULL);
  na_free(text);
  na_checkpoint_free(&loaded);
  na_net_free(read);
  na_net_free(net);
}

/* Whatever field differs is found. */
static void comparing(void)
{
  na_checkpoint a = sample_state(), b = sample_state();
  static char other[] = "other", *other_names[] = {cat, dog, dog};
  CHECK_OK(na_checkpoint_compare(&a, &b, &err), err);
  b.seconds = 5;
  CHECK_OK(na_checkpoint_compare(&a, &b, &err), err);
#define DIFFERS(member, value, words)                                                              \
  b = sample_state();                                                                              \
  b.member = value;                                                                                \
  CHECK_FAILS(na_checkpoint_compare(&a, &b, &err), NA_EINVAL, words, err);
  DIFFERS(epoch, 8, "epoch differs: 7 and 8")
  DIFFERS(step, 1, "step")
  DIFFERS(random_index, 0, "random_index")
  DIFFERS(val_top5, 0, "val_top5 differs: nan and 0")
  DIFFERS(best_top5, 1, "best_top5")
  DIFFERS(best_images, 1, "best_images")
  DIFFERS(base_top5, 1, "base_top5")
  DIFFERS(augmented_images, 1, "augmented_images")
  DIFFERS(val_loss, -1.25, "val_loss")
  DIFFERS(settings, other, "settings")
  DIFFERS(state, other, "state differs")
  DIFFERS(std, other, "std differs")
  DIFFERS(class_names, other_names, "class_names differs")
  DIFFERS(class_count, 2, "classes")
#undef DIFFERS
}

int main(int argc, char **argv)
{
  if (argc > 1) return write_sample(argv[1]);
  if (!scratch_make()) return EXIT_FAILURE;
  RUN(round_trip);
  RUN(state_alone);
  RUN(without_momentum);
  RUN(into_a_net);
  RUN(unknown_fields_stay);
  RUN(comparing);
  RUN(misfits);
  RUN(foreign);
  RUN(truncated);
  RUN(flipped);
  RUN(failing_disk);
  RUN(out_of_memory);
  RUN(killed);
  scratch_remove();
  return CHECK_EXIT();
}
