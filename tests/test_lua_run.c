/* Training from scripts on a small generated collection: hooks, results, folders, stopping, the
 * prompt meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lua_state.h"

enum { SIDE = 16, CLASSES = 10 };

static void put_int(FILE *file, unsigned value)
{
  for (int shift = 24; shift >= 0; shift -= 8) fputc((int)(value >> shift & 255), file);
}

/* Every class has its own two greys in a chequered pattern, and some noise. */
static void write_idx(const char *folder, const char *prefix, unsigned images)
{
  char path[256];
  snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, prefix);
  FILE *file = fopen(path, "wb");
  snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, prefix);
  FILE *labels = fopen(path, "wb");
  if (file == NULL || labels == NULL) exit(EXIT_FAILURE);
  put_int(file, 2051);
  put_int(file, images);
  put_int(file, SIDE);
  put_int(file, SIDE);
  put_int(labels, 2049);
  put_int(labels, images);
  for (unsigned n = 0; n < images; n++) {
    int class = (int)(n % CLASSES);
    fputc(class, labels);
    for (int p = 0; p < SIDE * SIDE; p++) {
      int grey = (p / SIDE / (1 + class % 4) + p) % 2 == 0 ? class * 25 : 250 - class * 20;
      fputc((grey + (int)(na_random_bits(n, (uint64_t)p) % 5)) & 255, file);
    }
  }
  fclose(file);
  fclose(labels);
}

/* Many black images, which take no room on the disk. */
static void write_black(const char *folder, const char *prefix, unsigned images)
{
  char path[256];
  write_idx(folder, prefix, 0);
  snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, prefix);
  FILE *file = fopen(path, "r+b");
  snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, prefix);
  FILE *labels = fopen(path, "r+b");
  if (file == NULL || labels == NULL) exit(EXIT_FAILURE);
  put_int(file, 2051);
  put_int(file, images);
  put_int(labels, 2049);
  put_int(labels, images);
  for (unsigned n = 0; n < images; n++) fputc((int)(n % CLASSES), labels);
  fflush(file);
  if (ftruncate(fileno(file), 16 + (off_t)images * SIDE * SIDE) != 0) exit(EXIT_FAILURE);
  fclose(file);
  fclose(labels);
}

static char scratch[64], data[128], runs[128];

static void make_scratch(void)
{
  scratch_make(scratch);
  snprintf(data, sizeof data, "%s/data", scratch);
  snprintf(runs, sizeof runs, "%s/runs", scratch);
  mkdir(data, 0777);
  write_idx(data, "train", 200);
  write_idx(data, "t10k", 40);
}

static int exists(const char *run, const char *name)
{
  char path[256];
  snprintf(path, sizeof path, "%s/%s/%s", runs, run, name);
  return access(path, R_OK) == 0;
}

/* Starts `text` as a script whose argument is the data folder. */
static int start(lua_state *s, const char *text, na_error *err)
{
  char path[256], *argv[] = {data};
  scratch_write(path, scratch, "script.lua", text);
  return na_lua_start(s->lua, path, 1, argv, err);
}

#define HEAD                                                                                       \
  "local netaug = require 'netaug'\n"                                                              \
  "local data = netaug.dataset(arg[1], { batch = 20, augment = 'none', loaders = 1 })\n"           \
  "exp = netaug.experiment { name = 'run', model = netaug.models.tiny {}, data = data,\n"          \
  "  augment = { r = 1.5, s = 1 }, train = { epochs = 2, warmup = 0, threads = 1 } }\n"

typedef struct tally {
  int events[NA_EVENT_END + 1];
} tally;

static void observe(void *context, const na_event *event)
{
  ((tally *)context)->events[event->kind]++;
}

/* A self-checking script of tests/lua. */
static void check_script(const char *name, int runs_ended)
{
  lua_state s;
  char path[512], *argv[] = {data};
  na_error err = {0};
  tally seen = {{0}};
  const char *top = getenv("NETAUG_SRCDIR");
  snprintf(path, sizeof path, "%s/tests/lua/%s", top != NULL ? top : "..", name);
  state_open(&s, runs);
  int code = na_lua_start(s.lua, path, 1, argv, &err);
  CHECK(code == NA_LUA_WAITING, "the script waits: %s", err.message);
  CHECK_OK(na_lua_drive(s.lua, observe, &seen, &err), err);
  CHECK(strstr(state_text(&s), "checked") != NULL, "it came to its end: %s", state_text(&s));
  CHECK(seen.events[NA_EVENT_END] == runs_ended, "%d runs ended", seen.events[NA_EVENT_END]);
  state_close(&s);
}

static void whole_script(void)
{
  check_script("run.lua", 12);
  CHECK(exists("first", "run.h5") && exists("first", "last.h5") && exists("first-2", "best.h5"),
        "folders hold the runs' files");
}

static void steering_script(void)
{
  check_script("steer.lua", 5);
}

static void sweep_script(void)
{
  check_script("sweep.lua", 62);
}

/* The folder keeps the script as it was; taken names are numbered. */
static void folder(void)
{
  lua_state s;
  na_error err = {0};
  char path[256], kept[4096] = "";
  state_open(&s, runs);
  CHECK(start(&s, HEAD "exp:run()\n-- the end", &err) == NA_LUA_WAITING, "waits: %s", err.message);
  CHECK(strcmp(na_lua_run_name(s.lua), "run") == 0, "name %s", na_lua_run_name(s.lua));
  snprintf(path, sizeof path, "%s/experiment.lua", na_lua_run_folder(s.lua));
  CHECK_OK(na_lua_drive(s.lua, NULL, NULL, &err), err);
  CHECK(na_lua_trainer(s.lua) == NULL && na_lua_run_name(s.lua) == NULL, "nothing runs");
  FILE *file = fopen(path, "r");
  CHECK(file != NULL, "%s exists", path);
  if (file != NULL) {
    size_t read = fread(kept, 1, sizeof kept - 1, file);
    fclose(file);
    CHECK(strcmp(kept, HEAD "exp:run()\n-- the end") == 0, "experiment.lua is the script, %zu",
          read);
  }
  state_close(&s);
}

/* A run that cannot start leaves no folder behind. */
static void no_folder(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK_FAILS(start(&s,
                    HEAD "exp.name = 'absent'\nexp.augment.width = { 1, 60 }\n"
                         "exp.augment.r = 0\nexp.augment.expand = { 1, 2, 1.5 }\nexp:run()",
                    &err),
              NA_EINVAL, "candidates must rise", err);
  CHECK(!exists("absent", "."), "no folder");
  state_close(&s);
  char blocked[256];
  scratch_write(blocked, scratch, "blocked", "a file");
  state_open(&s, blocked);
  CHECK_FAILS(start(&s, HEAD "exp:run()", &err), NA_EINVAL, "blocked", err);
  state_close(&s);
}

/* Lines of the prompt while a script waits: they work, but cannot start a second run. */
static void prompt_meanwhile(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK(start(&s, HEAD "print(exp:run().base.images)", &err) == NA_LUA_WAITING, "waits: %s",
        err.message);
  CHECK(na_lua_line(s.lua, "exp.train.epochs", &err) == NA_LUA_DONE, "a line: %s", err.message);
  CHECK(strcmp(state_text(&s), "2\n") == 0, "its value: %s", state_text(&s));
  CHECK(na_lua_trainer(s.lua) != NULL, "the run goes on");
  CHECK_FAILS(na_lua_line(s.lua, "exp:run()", &err), NA_EINVAL, "is going on", err);
  CHECK_FAILS(na_lua_start(s.lua, "x.lua", 0, NULL, &err), NA_EINVAL, "running already", err);
  CHECK_OK(na_lua_line(s.lua, "exp:stop()", &err), err);
  state_forget(&s);
  CHECK_OK(na_lua_drive(s.lua, NULL, NULL, &err), err);
  CHECK(state_text(&s)[0] != '\0', "the script went on");
  state_close(&s);
}

/* A line can run an experiment; its values are printed at the end. */
static void run_from_prompt(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK_OK(start(&s, HEAD, &err), err);
  CHECK(na_lua_line(s.lua, "exp:run().base.images", &err) == NA_LUA_WAITING, "waits: %s",
        err.message);
  CHECK_OK(na_lua_drive(s.lua, NULL, NULL, &err), err);
  CHECK(strcmp(state_text(&s), "40\n") == 0, "printed: %s", state_text(&s));
  state_close(&s);
}

static void do_line(lua_state *s, const char *line)
{
  na_error err = {0};
  if (na_lua_line(s->lua, line, &err) == NA_LUA_WAITING) na_lua_drive(s->lua, NULL, NULL, &err);
  CHECK(err.message[0] == '\0', "%s: %s", line, err.message);
}

static void check_plan(lua_state *s, const char *words)
{
  state_forget(s);
  do_line(s, "netaug.sweep(given):plan { measure = false }");
  CHECK(strstr(state_text(s), words) != NULL, "lacks \"%s\": %s", words, state_text(s));
}

/* A sweep whose arms have hooks finds its runs again, whoever asks: what a hook does is what set
 * it, not the line that plans or runs. */
static void hooks_at_the_prompt(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK_OK(start(&s,
                 HEAD "netaug = require 'netaug' exp.name = 'hooked' exp.train.epochs = 1\n"
                      "function exp:on_epoch() seen = 1 end\n"
                      "given = { base = exp, seeds = 1, verbose = false }",
                 &err),
           err);
  check_plan(&s, "1 run, 1 waiting");
  do_line(&s, "netaug.sweep(given):run()");
  check_plan(&s, "1 run, 1 done");
  do_line(&s, "f = function() seen = 2 end");
  do_line(&s, "exp.on_epoch = f");
  check_plan(&s, "1 run, 1 waiting");
  do_line(&s, "netaug.sweep(given):run()");
  check_plan(&s, "1 run, 1 done");
  do_line(&s, "f = function() seen = 3 end");
  do_line(&s, "exp.on_epoch = f");
  check_plan(&s, "1 run, 1 waiting");
  do_line(&s, "exp.on_epoch = nil");
  check_plan(&s, "1 run, 1 waiting");
  state_close(&s);
}

static void count(void *context)
{
  ++*(int *)context;
}

/* C that takes long serves the screen, too: the opening of a collection, and the timing of steps.
 * These lines have too few of Lua's own instructions for that. */
static void long_work_serves(void)
{
  lua_state s;
  na_error err = {0};
  int served = 0;
  state_open(&s, runs);
  write_black(data, "train", 600000); /* 150 MB */
  CHECK_OK(start(&s, HEAD "core = require 'netaug.core' set = data", &err), err);
  na_lua_serve(s.lua, count, &served);
  do_line(&s, "set.train");
  CHECK(strcmp(state_text(&s), "600000\n") == 0, "opened: %s", state_text(&s));
  CHECK(served >= 2, "served %d times while a collection was opened", served);
  do_line(&s, "net = core.network(exp)");
  served = 0;
  do_line(&s, "core.step_seconds(exp.train, set, net, 300)");
  CHECK(served >= 3, "served %d times while steps were timed", served);
  na_lua_serve(s.lua, NULL, NULL);
  write_idx(data, "train", 200);
  state_close(&s);
}

/* Overrides win over the script, and replace r by lists. */
static void overrides(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK_OK(na_lua_override(s.lua, "train.epochs", "1", &err), err);
  CHECK_OK(na_lua_override(s.lua, "augment.width", "1, 2", &err), err);
  CHECK_OK(na_lua_override(s.lua, "data.batch", "50", &err), err);
  CHECK_OK(na_lua_override(s.lua, "name", "mine", &err), err);
  tally seen = {{0}};
  CHECK(start(&s,
              HEAD "local r = exp:run() print(#r.history, r.history[1].batches, exp.augment.r,"
                   "exp.net:widths('widest')['stem.conv'], r.name)",
              &err) == NA_LUA_WAITING,
        "waits");
  CHECK_OK(na_lua_drive(s.lua, observe, &seen, &err), err);
  CHECK(strcmp(state_text(&s), "1\t4\t0.0\t16\tmine\n") == 0, "printed: %s", state_text(&s));
  state_close(&s);
}

/* An interrupt while a script waits ends it when the run does. */
static void interrupt_waiting(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK(start(&s, HEAD "while true do exp:run() end", &err) == NA_LUA_WAITING, "waits");
  na_lua_interrupt(s.lua);
  na_trainer_stop(na_lua_trainer(s.lua));
  CHECK_FAILS(na_lua_drive(s.lua, NULL, NULL, &err), NA_EINVAL, "interrupted", err);
  CHECK(na_lua_trainer(s.lua) == NULL, "nothing runs");
  CHECK_OK(na_lua_line(s.lua, "x = 1", &err), err);
  state_close(&s);
}

/* A state may be freed while a run goes on. */
static void abandoned(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK(start(&s, HEAD "exp.train.epochs = 10000\nexp:run()", &err) == NA_LUA_WAITING, "waits");
  state_close(&s);
  CHECK(s.lua == NULL, "freed");
}

/* Without any augmentation setting an experiment of the design's example form runs as it is. */
static void example(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, runs);
  CHECK(
      start(
          &s,
          "local netaug = require \"netaug\"\n"
          "local exp = netaug.experiment {\n"
          "  name    = \"tiny-r3\",\n"
          "  model   = netaug.models.mobilenetv2_tiny { classes = 10, resolution = 32, stem_stride "
          "= 1 },\n"
          "  data    = netaug.dataset(arg[1], { size = 32, batch = 100, crop = 4, flip = true }),\n"
          "  augment = { width = { 1, 1.8, 2.6 }, expand = { 1, 1.6, 2.2, 2.8 } },\n"
          "  train   = { epochs = 1, lr = 0.05, label_smoothing = 0.1, seed = 1, warmup = 0 },\n"
          "}\n"
          "function exp:on_epoch(e) print(e.epoch, e.base.top1, e.augmented.top1) end\n"
          "local result = exp:run()\n"
          "print(result.base.top1, result.run)\n",
          &err) == NA_LUA_WAITING,
      "waits: %s", err.message);
  CHECK_OK(na_lua_drive(s.lua, NULL, NULL, &err), err);
  CHECK(strstr(state_text(&s), "/tiny-r3\n") != NULL, "printed: %s", state_text(&s));
  state_close(&s);
}

/* The example experiments, cut short and on the small collection. */
static void examples(void)
{
  static const char *const names[] = {"cifar10", "fashion", "precision", "ratio-sweep"};
  static const int runs_of[] = {1, 2, 2, 4};
  static const bool takes_path[] = {true, false, true, false};
  const char *top = getenv("NETAUG_SRCDIR");
  for (int i = 0; i < 4; i++) {
    lua_state s;
    na_error err = {0};
    tally seen = {{0}};
    char path[512], one[] = "1", *argv[] = {takes_path[i] ? data : one, one, one};
    snprintf(path, sizeof path, "%s/scripts/experiments/%s.lua", top != NULL ? top : "..",
             names[i]);
    state_open(&s, runs);
    CHECK_OK(na_lua_override(s.lua, "data.path", data, &err), err);
    CHECK_OK(na_lua_override(s.lua, "data.batch", "50", &err), err);
    CHECK(na_lua_start(s.lua, path, i == 2 ? 3 : 2, argv, &err) == NA_LUA_WAITING, "%s: %s", names[i],
          err.message);
    CHECK_OK(na_lua_drive(s.lua, observe, &seen, &err), err);
    CHECK(seen.events[NA_EVENT_END] == runs_of[i], "%s: %d runs", names[i],
          seen.events[NA_EVENT_END]);
    CHECK(strchr(state_text(&s), '%') != NULL, "%s printed %s", names[i], state_text(&s));
    state_close(&s);
  }
}

int main(void)
{
  make_scratch();
  RUN(whole_script);
  RUN(steering_script);
  RUN(sweep_script);
  RUN(folder);
  RUN(no_folder);
  RUN(prompt_meanwhile);
  RUN(run_from_prompt);
  RUN(hooks_at_the_prompt);
  RUN(long_work_serves);
  RUN(overrides);
  RUN(interrupt_waiting);
  RUN(abandoned);
  RUN(example);
  RUN(examples);
  scratch_remove(scratch);
  return CHECK_EXIT();
}
