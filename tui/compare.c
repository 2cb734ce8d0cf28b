/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/compare.h"
#include "core/base/memory.h"
#include "tui/bench_data.h"
#include "tui/model.h"
#include "tui/peaks.h"
#include "tui/table.h"
#include "tui/torch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* X(symbol, model, resolution, batch, threads, plain): what is run. Plain: nothing is wider than the base, as
 * where nothing is augmented. */
#define NA_CASES(X)                                                                                \
  X(TINY_1, "mobilenetv2_tiny", 144, 32, 1, false)                                                 \
  X(TINY_2, "mobilenetv2_tiny", 144, 32, 2, false)                                                 \
  X(PLAIN_1, "mobilenetv2_tiny", 144, 32, 1, true)                                                 \
  X(PLAIN_2, "mobilenetv2_tiny", 144, 32, 2, true)                                                 \
  X(MCUNET, "mcunet", 176, 32, 2, false)                                                           \
  X(MOBILENETV3, "mobilenetv3", 160, 32, 2, false)                                                 \
  X(MOBILENETV2_32, "mobilenetv2_small", 32, 128, 2, false)                                        \
  X(MCUNET_32, "mcunet_small", 32, 128, 2, false)                                                  \
  X(PROXYLESSNAS_32, "proxylessnas_small", 32, 128, 2, false)                                      \
  X(MOBILENETV3_32, "mobilenetv3_small", 32, 128, 2, false)                                        \
  X(RESNET_32, "resnet_small", 32, 128, 2, false)                                                  \
  X(QUICKEST_32, "tiny", 32, 128, 2, true)

enum {
#define CASE_ENUM(symbol, model, resolution, batch, threads, plain) CASE_##symbol,
  NA_CASES(CASE_ENUM)
#undef CASE_ENUM
      CASE_COUNT
};

static const struct model_case {
  const char *model;
  int resolution, batch, threads;
  bool plain;
} cases[CASE_COUNT] = {
#define CASE_ROW(symbol, model, resolution, batch, threads, plain)                                 \
  {model, resolution, batch, threads, plain},
    NA_CASES(CASE_ROW)
#undef CASE_ROW
};

/* How a row's figure comes about. SPEED: PyTorch's seconds by ours. PEAK: operations per second by
 * the processor's. THREADS: seconds with one thread by those with two. MEMORY: PyTorch's bytes by
 * ours. EVEN: the most seconds per multiply-add by the least, of plain, NetAug and widest step.
 * RATE: our images per second by torchvision's. WAIT: the share of the time that steps wait for
 * data. */
typedef enum measure { SPEED, PEAK, THREADS, MEMORY, EVEN, RATE, WAIT } measure;

/* Shares are of 1. Where `ceiling`, the figure must not be higher. */
typedef struct objective {
  const char *id, *what;
  measure metric;
  int model_case, kind;
  double least, aim;
  bool ceiling;
} objective;

#define STEP(id, what, case, kind, least, aim)                                                     \
  {                                                                                                \
    id, what, SPEED, CASE_##case, NA_BENCH_##kind, least, aim, false                               \
  }

/* The table. "id" and "id-..." are what --only takes. */
static const objective goals[] = {
    STEP("netaug-1", "NetAug step, MobileNetV2-Tiny@144, 1 thread", TINY_1, NETAUG, 3, 4),
    STEP("netaug-2", "NetAug step, 2 threads", TINY_2, NETAUG, 5, 7),
    STEP("base-1", "base step, 1 thread", PLAIN_1, BASE, 2.5, 4),
    STEP("base-2", "base step, 2 threads", PLAIN_2, BASE, 3, 5),
    STEP("mcunet", "MCUNet@176, NetAug step, 2 threads", MCUNET, NETAUG, 4, 6),
    STEP("mobilenetv3", "MobileNetV3 w0.35@160, NetAug step, 2 threads", MOBILENETV3, NETAUG, 4, 6),
    STEP("small-mobilenetv2", "MobileNetV2@32, batch 128", MOBILENETV2_32, NETAUG, 4, 6),
    STEP("small-mcunet", "MCUNet@32, batch 128", MCUNET_32, NETAUG, 4, 6),
    STEP("small-proxylessnas", "ProxylessNAS@32, batch 128", PROXYLESSNAS_32, NETAUG, 4, 6),
    STEP("small-mobilenetv3", "MobileNetV3@32, batch 128", MOBILENETV3_32, NETAUG, 4, 6),
    STEP("small-resnet", "ResNet-20@32, batch 128", RESNET_32, NETAUG, 4, 6),
    STEP("eval-1", "evaluation, 1 thread", TINY_1, EVAL, 1.5, 3),
    STEP("eval-2", "evaluation, 2 threads", TINY_2, EVAL, 1.5, 3),
    {"peak", "share of FMA peak, widest step, 1 thread", PEAK, CASE_TINY_1, NA_BENCH_WIDEST, 0.5,
     0.65, false},
    {"threads", "two threads against one, NetAug step", THREADS, CASE_TINY_2, NA_BENCH_NETAUG, 1.85,
     1.95, false},
    {"memory", "peak memory, widest step", MEMORY, CASE_TINY_1, NA_BENCH_WIDEST, 2, 4, false},
    {"even", "time per MAC, most by least of base .. widest", EVEN, CASE_TINY_1, NA_BENCH_WIDEST,
     1.2, 1.2, true},
    {"wait-cifar", "waiting for data, CIFAR, quickest network, plain", WAIT, CASE_QUICKEST_32,
     NA_BENCH_BASE, 0.03, 0, true},
    {"wait-jpeg", "waiting for data, JPEG@144, base step", WAIT, CASE_PLAIN_2, NA_BENCH_BASE, 0.03,
     0, true},
    {"jpeg", "JPEG pipeline, images/s of one core", RATE, -1, 0, 2, 3, false},
};
enum { GOALS = sizeof goals / sizeof goals[0] };

enum { OURS, THEIRS, BOTH };

typedef struct result {
  double value[BOTH]; /* milliseconds, bytes, ...; NAN: none */
  double figure;      /* what is compared with the goal; NAN: not measured */
} result;

typedef struct state {
  const na_compare *given;
  bool wanted[GOALS];
  bool has_torch;
  char torch_hint[256], skipped[256];
  double seconds[CASE_COUNT][NA_BENCH_COUNT][BOTH]; /* medians; NAN: not measured */
  double macs[CASE_COUNT][NA_BENCH_COUNT], flops[CASE_COUNT][NA_BENCH_COUNT]; /* of a step */
  double peak_flops, bytes[BOTH];
  result results[GOALS];
} state;

/* ------------------------------------------------------------------------- what is wanted */

static bool is_word(const char *word, size_t length, const char *id)
{
  return strncmp(word, id, length) == 0 && (id[length] == '\0' || id[length] == '-');
}

static int choose(state *s, na_error *err)
{
  const char *word = s->given->only;
  for (int g = 0; g < GOALS; g++) s->wanted[g] = *word == '\0';
  while (*word != '\0') {
    size_t length = strcspn(word, ",");
    bool found = false;
    for (int g = 0; g < GOALS; g++)
      if (length > 0 && is_word(word, length, goals[g].id)) s->wanted[g] = found = true;
    if (!found) {
      na_fail(err, NA_EINVAL, "--only: there is no row \"%.*s\"", (int)length, word);
      return na_hint(err, "rows: netaug, base, mcunet, mobilenetv3, small, eval, peak, threads, "
                          "memory, even, wait, jpeg; or one, as netaug-2");
    }
    word += length + (word[length] == ',');
  }
  return NA_OK;
}

/* Where the step of this kind is timed whose time per multiply-add is compared with the others'; -1: none is. */
static int even_case(int kind)
{
  if (kind == NA_BENCH_EVAL) return -1;
  return kind == NA_BENCH_BASE ? CASE_PLAIN_1 : CASE_TINY_1;
}

/* Must this case and kind be timed, in our program or in theirs? */
static bool is_needed(const state *s, int c, int kind, int whose)
{
  for (int g = 0; g < GOALS; g++) {
    const objective *goal = &goals[g];
    if (!s->wanted[g]) continue;
    bool same = goal->model_case == c && goal->kind == kind;
    if (goal->metric == SPEED && same) return true;
    if (goal->metric == MEMORY && same && whose == THEIRS) return true;
    if (whose == THEIRS) continue;
    if (goal->metric == PEAK && same) return true;
    if (goal->metric == EVEN && c == even_case(kind)) return true;
    if (goal->metric == THREADS && kind == goal->kind && (c == CASE_TINY_1 || c == CASE_TINY_2))
      return true;
  }
  return false;
}

static bool case_needed(const state *s, int c, int whose)
{
  for (int k = 0; k < NA_BENCH_COUNT; k++)
    if (is_needed(s, c, k, whose)) return true;
  return false;
}

static bool metric_wanted(const state *s, measure metric)
{
  for (int g = 0; g < GOALS; g++)
    if (s->wanted[g] && goals[g].metric == metric) return true;
  return false;
}

static void say(const char *what)
{
  if (isatty(STDERR_FILENO)) fprintf(stderr, "measuring: %s\n", what);
}

/* --------------------------------------------------------------------------------- steps */

static int make_bench(const state *s, int c, na_net **net, na_bench *bench, na_error *err)
{
  na_model_options options = {.resolution = cases[c].resolution, .channels = 3};
  if (cases[c].plain) options.width = options.expand = (na_list){.count = 1, .values = {1}};
  *bench = (na_bench){.net = NULL};
  int code = na_model_build(cases[c].model, &options, net, err);
  if (code == NA_OK)
    code = na_bench_new(bench, *net, cases[c].batch, cases[c].threads, s->given->draws,
                        s->given->seed, err);
  bench->precision = s->given->precision;
  if (code == NA_OK) code = na_bench_prepare(bench, err);
  return code;
}

/* PyTorch on the same network and draws, which it reads from a file. */
static int start_torch(const na_bench *bench, na_precision precision, na_torch **torch, na_error *err)
{
  char path[NA_TEXT_MAX];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/netaug-bench.XXXXXX", folder != NULL ? folder : P_tmpdir);
  int fd = mkstemp(path);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (file == NULL) return na_fail(err, NA_EIO, "cannot write %s: %s", path, strerror(errno));
  na_bench_describe(bench, file);
  int code = fclose(file) == 0 ? NA_OK : na_fail(err, NA_EIO, "cannot write %s", path);
  if (code == NA_OK)
    code = na_torch_start(torch, "torch_netaug.py", path, na_team_size(bench->team), precision, err);
  unlink(path);
  return code;
}

/* The networks are the same when they take as many multiply-adds, counted on both sides. */
static int check_macs(const na_bench *bench, na_torch *torch, na_error *err)
{
  for (int k = 0; k < NA_BENCH_COUNT; k++) {
    char question[64];
    double ours, flops, theirs = 0;
    snprintf(question, sizeof question, "macs %s", na_bench_name(k));
    int code = na_torch_ask(torch, question, &theirs, err);
    if (code != NA_OK) return code;
    na_bench_work(bench, k, &ours, &flops);
    if (fabs(ours - theirs) > 1e-9 * ours)
      return na_fail(err, NA_ESHAPE,
                     "%s, %s: PyTorch's program takes %.0f multiply-adds, ours %.0f",
                     bench->net->name, na_bench_help(k), theirs, ours);
  }
  return NA_OK;
}

/* Threads that have just worked wait for more without giving the processor back, a hundredth of a second or
 * so: the other program's would share it. */
static void let_rest(void)
{
  static const struct timespec rest = {.tv_nsec = 100 * 1000 * 1000};
  nanosleep(&rest, NULL);
}

static int time_one(na_bench *bench, na_torch *torch, int kind, int whose, double *seconds,
                    na_error *err)
{
  if (whose == OURS) return na_bench_seconds(bench, kind, seconds, err);
  return na_torch_ask(torch, na_bench_name(kind), seconds, err);
}

/* One round of one kind, the programs in turn: even rounds ours first. Steps follow steps: the first one after
 * the other program's finds cold caches and sleeping threads, and does not count; of many, it does not matter. */
static int time_both(na_bench *bench, na_torch *torch, int kind, int round, const bool needed[BOTH],
                     double seconds[BOTH], na_error *err)
{
  int code = NA_OK;
  for (int i = 0; i < BOTH && code == NA_OK; i++) {
    int whose = (i + round) % 2;
    if (!needed[whose]) continue;
    if (torch != NULL) {
      let_rest();
      if (kind != NA_BENCH_NETAUG) code = time_one(bench, torch, kind, whose, &seconds[whose], err);
    }
    if (code == NA_OK) code = time_one(bench, torch, kind, whose, &seconds[whose], err);
  }
  return code;
}

static int time_kind(state *s, int c, int kind, na_bench *bench, na_torch *torch, na_error *err)
{
  int rounds = s->given->rounds;
  const bool needed[BOTH] = {is_needed(s, c, kind, OURS),
                             torch != NULL && is_needed(s, c, kind, THEIRS)};
  if (!needed[OURS] && !needed[THEIRS]) return NA_OK;
  double *times[BOTH] = {na_alloc_array((size_t)rounds, sizeof(double)),
                         na_alloc_array((size_t)rounds, sizeof(double))};
  int code = NA_OK;
  if (times[OURS] == NULL || times[THEIRS] == NULL)
    code = na_fail_memory(err, (size_t)rounds * sizeof(double), "the times");
  for (int r = 0; r < rounds && code == NA_OK; r++) {
    double seconds[BOTH] = {NAN, NAN};
    code = time_both(bench, torch, kind, r, needed, seconds, err);
    for (int i = 0; i < BOTH; i++) times[i][r] = seconds[i];
  }
  for (int i = 0; i < BOTH; i++) {
    if (code == NA_OK && needed[i]) s->seconds[c][kind][i] = na_median(times[i], rounds);
    na_free(times[i]);
  }
  return code;
}

/* Steps that are not counted: pages are touched, caches of kernels filled. What may be refused comes
 * first. */
static int warm(state *s, int c, na_bench *bench, na_torch *torch, na_error *err)
{
  na_bench_parts parts;
  double seconds;
  int code = torch != NULL ? check_macs(bench, torch, err) : NA_OK;
  if (code == NA_OK) code = na_bench_once(bench, NA_BENCH_WIDEST, 0, &parts, err);
  if (torch == NULL || code != NA_OK) return code;
  code = na_torch_ask(torch, "widest", &seconds, err);
  if (code == NA_OK && c == CASE_TINY_1) code = na_torch_ask(torch, "peak", &s->bytes[THEIRS], err);
  if (code == NA_OK) code = na_torch_ask(torch, "base", &seconds, err);
  return code;
}

static int run_case(state *s, int c, na_error *err)
{
  na_net *net = NULL;
  na_bench bench;
  na_torch *torch = NULL;
  say(cases[c].model);
  int code = make_bench(s, c, &net, &bench, err);
  if (code == NA_OK && s->has_torch && case_needed(s, c, THEIRS))
    code = start_torch(&bench, s->given->torch, &torch, err);
  if (code == NA_OK) code = warm(s, c, &bench, torch, err);
  for (int k = 0; k < NA_BENCH_COUNT && code == NA_OK; k++) {
    double macs, flops;
    na_bench_work(&bench, k, &macs, &flops);
    s->macs[c][k] = macs * bench.batch;
    s->flops[c][k] = flops * bench.batch;
    code = time_kind(s, c, k, &bench, torch, err);
  }
  na_torch_free(torch);
  na_bench_free(&bench);
  na_net_free(net);
  return code;
}

/* Is PyTorch there? It is no error when it is not. */
static int probe_torch(state *s, na_error *err)
{
  na_torch *torch = NULL;
  na_error own = {0};
  int code = na_torch_start(&torch, "torch_images.py", "--probe", 1, NA_FLOAT32, &own);
  na_torch_free(torch);
  s->has_torch = code == NA_OK;
  if (code == NA_OK) return NA_OK;
  if (code != NA_EUNSUPPORTED) {
    na_fail(err, code, "%s", own.message);
    return na_hint(err, "%s", own.hint);
  }
  snprintf(s->torch_hint, sizeof s->torch_hint, "%.100s: %.120s", own.message, own.hint);
  return NA_OK;
}

static int measure_peak(state *s, na_error *err)
{
  na_team *team = NULL;
  na_peaks peaks;
  say("the processor's peak");
  int code = na_team_new(&team, 1, err);
  if (code == NA_OK) code = na_peaks_measure(&peaks, team, err);
  if (code == NA_OK) s->peak_flops = peaks.flops;
  na_team_free(team);
  return code;
}

/* Our peak memory, in a program of its own: this one holds more than one network's. */
static int measure_memory(state *s, na_error *err)
{
  char out[4096], resolution[16], batch[16];
  const struct model_case *c = &cases[CASE_TINY_1];
  static const char name[] = "\"peak_bytes\": ";
  snprintf(resolution, sizeof resolution, "%d", c->resolution);
  snprintf(batch, sizeof batch, "%d", c->batch);
  const char *words[] = {
      "/proc/self/exe", "bench",        "--json",   "--steps",   "1", "--draws", "1",   "--model",
      c->model,         "--resolution", resolution, "--threads", "1", "--batch", batch,
      "--precision",    na_precision_name(s->given->precision), NULL};
  say("our memory");
  int code = na_program_output(words, out, sizeof out, err);
  const char *at = code == NA_OK ? strstr(out, name) : NULL;
  if (at != NULL)
    s->bytes[OURS] = strtod(at + strlen(name), NULL);
  else if (code == NA_OK)
    code = na_fail(err, NA_EFORMAT, "netaug bench prints no peak_bytes");
  return code;
}

/* ---------------------------------------------------------------------------------- data */

static int run_wait(state *s, int g, const char *path, int limit, na_error *err)
{
  na_net *net = NULL;
  na_bench bench;
  na_bench_waiting waiting;
  say(goals[g].what);
  int code = make_bench(s, goals[g].model_case, &net, &bench, err);
  if (code == NA_OK)
    code = na_bench_wait(&bench, goals[g].kind, path, limit, s->given->rounds, &waiting, err);
  if (code == NA_OK) s->results[g] = (result){{waiting.slower, NAN}, waiting.share};
  na_bench_free(&bench);
  na_net_free(net);
  return code;
}

/* Where the training images of a folder lie, for torchvision. */
static void training_folder(const char *path, char out[4096])
{
  snprintf(out, 4096, "%s/train", path);
  if (access(out, F_OK) != 0) snprintf(out, 4096, "%s", path);
}

static int run_rate(state *s, int g, na_error *err)
{
  enum { ROUNDS_MAX = 64 };
  double rates[BOTH][ROUNDS_MAX], warm;
  char folder[4096];
  int rounds = s->given->rounds < ROUNDS_MAX ? s->given->rounds : ROUNDS_MAX;
  na_torch *torch = NULL;
  say(goals[g].what);
  training_folder(s->given->photos, folder);
  int code = na_bench_rate(s->given->photos, &warm, err);
  if (code == NA_OK && s->has_torch)
    code = na_torch_start(&torch, "torch_images.py", folder, 1, NA_FLOAT32, err);
  for (int r = 0; r < rounds && code == NA_OK; r++) {
    code = na_bench_rate(s->given->photos, &rates[OURS][r], err);
    if (code == NA_OK && torch != NULL) code = na_torch_ask(torch, "rate", &rates[THEIRS][r], err);
  }
  if (code == NA_OK) s->results[g].value[OURS] = na_median(rates[OURS], rounds);
  if (code == NA_OK && torch != NULL)
    s->results[g].value[THEIRS] = na_median(rates[THEIRS], rounds);
  s->results[g].figure = s->results[g].value[OURS] / s->results[g].value[THEIRS];
  na_torch_free(torch);
  return code;
}

static int run_data(state *s, na_error *err)
{
  enum { CIFAR_LIMIT = 50000, PHOTOS_LIMIT = 4000 };
  int code = NA_OK;
  for (int g = 0; g < GOALS && code == NA_OK; g++) {
    bool cifar = strcmp(goals[g].id, "wait-cifar") == 0;
    const char *path = cifar ? s->given->cifar : s->given->photos;
    if (!s->wanted[g] || (goals[g].metric != WAIT && goals[g].metric != RATE)) continue;
    if (path[0] == '\0')
      snprintf(s->skipped, sizeof s->skipped,
               "Rows about data need collections: give --photos "
               "FOLDER and --cifar FOLDER.");
    else if (goals[g].metric == RATE)
      code = run_rate(s, g, err);
    else
      code = run_wait(s, g, path, cifar ? CIFAR_LIMIT : PHOTOS_LIMIT, err);
  }
  return code;
}

/* ---------------------------------------------------------------------------------- figures */

static double evenness(const state *s)
{
  double most = 0, least = INFINITY;
  for (int k = 0; k < NA_BENCH_COUNT; k++) {
    int c = even_case(k);
    if (c < 0) continue;
    double per_mac = s->seconds[c][k][OURS] / s->macs[c][k];
    most = fmax(most, per_mac);
    least = fmin(least, per_mac);
  }
  return most / least;
}

/* What follows from the times; the rows about data have theirs already. */
static void work_out(const state *s, const objective *goal, result *out)
{
  if (goal->metric == RATE || goal->metric == WAIT) return;
  const double *seconds = s->seconds[goal->model_case][goal->kind];
  switch (goal->metric) {
  case SPEED:
    for (int i = 0; i < BOTH; i++) out->value[i] = 1e3 * seconds[i];
    out->figure = seconds[THEIRS] / seconds[OURS];
    break;
  case PEAK:
    out->figure = out->value[OURS] =
        s->flops[goal->model_case][goal->kind] / seconds[OURS] / s->peak_flops;
    break;
  case THREADS:
    out->figure = out->value[OURS] = s->seconds[CASE_TINY_1][goal->kind][OURS] / seconds[OURS];
    break;
  case MEMORY:
    for (int i = 0; i < BOTH; i++) out->value[i] = s->bytes[i] / (1 << 20);
    out->figure = s->bytes[THEIRS] / s->bytes[OURS];
    break;
  case EVEN:
    out->figure = out->value[OURS] = evenness(s);
    break;
  default:
    break;
  }
}

/* ---------------------------------------------------------------------------------- printing */

static const char *verdict(const objective *goal, double figure)
{
  if (isnan(figure)) return "not measured";
  if (goal->ceiling) {
    /* Nothing ever takes no time at all. */
    if (figure <= goal->aim + 0.005) return "aim reached";
    return figure <= goal->least ? "reached" : "FALLS SHORT";
  }
  if (figure >= goal->aim) return "aim reached";
  return figure >= goal->least ? "reached" : "FALLS SHORT";
}

static bool is_share(measure metric)
{
  return metric == PEAK || metric == WAIT;
}

static void add_value(na_table *table, measure metric, double value)
{
  if (isnan(value))
    na_table_add(table, "%s", "");
  else if (metric == SPEED)
    na_table_add(table, "%.1f ms", value);
  else if (metric == MEMORY)
    na_table_add(table, "%.0f MiB", value);
  else if (metric == RATE)
    na_table_add(table, "%.0f /s", value);
  else if (metric == WAIT)
    na_table_add(table, "%+.1f%% time", 100 * value);
  else
    na_table_add(table, "%s", "");
}

static void add_figure(na_table *table, measure metric, double figure)
{
  if (isnan(figure))
    na_table_add(table, "%s", "-");
  else if (is_share(metric))
    na_table_add(table, "%.1f%%", 100 * figure);
  else
    na_table_add(table, "%.2f", figure);
}

static void add_limit(na_table *table, const objective *goal, double limit)
{
  const char *sign = goal->ceiling && limit > 0 ? "<= " : "";
  if (is_share(goal->metric))
    na_table_add(table, "%s%.0f%%", sign, 100 * limit);
  else
    na_table_add(table, "%s%g", sign, limit);
}

static int print_table(const state *s, na_error *err)
{
  static const char *const heads[] = {"", "", "netaug", "PyTorch", "figure", "least", "aim", ""};
  na_table table = {.layout = "llrrrrrl"};
  for (int i = 0; i < 8; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  for (int g = 0; g < GOALS; g++) {
    if (!s->wanted[g]) continue;
    na_table_add(&table, "%s", goals[g].id);
    na_table_add(&table, "%s", goals[g].what);
    for (int i = 0; i < BOTH; i++) add_value(&table, goals[g].metric, s->results[g].value[i]);
    add_figure(&table, goals[g].metric, s->results[g].figure);
    add_limit(&table, &goals[g], goals[g].least);
    add_limit(&table, &goals[g], goals[g].aim);
    na_table_add(&table, "%s", verdict(&goals[g], s->results[g].figure));
  }
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static int print_text(const state *s, na_error *err)
{
  printf(
      "Medians of %d rounds, the two programs in turn; NetAug steps: the mean of the same %d drawn\n"
      "sub-networks. Batch 32 where nothing else is said. Training steps in %s, PyTorch's in %s.\n\n",
      s->given->rounds, s->given->draws, na_precision_name(s->given->precision),
      s->given->torch == NA_BF16 ? "bf16 (autocast)" : "float32");
  int code = print_table(s, err), measured = 0, short_of = 0;
  for (int g = 0; g < GOALS; g++) {
    if (!s->wanted[g] || isnan(s->results[g].figure)) continue;
    measured++;
    short_of += strcmp(verdict(&goals[g], s->results[g].figure), "FALLS SHORT") == 0;
  }
  printf("\n%d of %d measured rows fall short of what must be reached.\n", short_of, measured);
  if (metric_wanted(s, PEAK))
    printf("FMA peak of one thread: %.0f GFLOP/s.\n", 1e-9 * s->peak_flops);
  if (metric_wanted(s, WAIT))
    printf(
        "Waiting: epochs after the first; on the left, how much longer steps take than on a batch\n"
        "that is ready, as loaders use the processors too.\n");
  if (s->skipped[0] != '\0') printf("%s\n", s->skipped);
  if (!s->has_torch) printf("No comparison: %s\n", s->torch_hint);
  return code;
}

static void print_number(const char *name, double value)
{
  if (isnan(value))
    printf(", \"%s\": null", name);
  else
    printf(", \"%s\": %.6g", name, value);
}

static void print_json(const state *s)
{
  int rows = 0;
  printf("{\"program\": \"netaug\", \"rounds\": %d, \"draws\": %d, \"precision\": \"%s\", "
         "\"torch_precision\": \"%s\", \"pytorch\": %s",
         s->given->rounds, s->given->draws, na_precision_name(s->given->precision),
         na_precision_name(s->given->torch), s->has_torch ? "true" : "false");
  print_number("peak_flops", s->peak_flops);
  printf(",\n \"rows\": [");
  for (int g = 0; g < GOALS; g++) {
    if (!s->wanted[g]) continue;
    printf("%s\n  {\"id\": \"%s\", \"what\": \"%s\"", rows++ == 0 ? "" : ",", goals[g].id,
           goals[g].what);
    print_number("netaug", s->results[g].value[OURS]);
    print_number("pytorch", s->results[g].value[THEIRS]);
    print_number("figure", s->results[g].figure);
    print_number("least", goals[g].least);
    print_number("aim", goals[g].aim);
    printf(", \"verdict\": \"%s\"}", verdict(&goals[g], s->results[g].figure));
  }
  printf("]}\n");
}

/* ---------------------------------------------------------------------------------- the run */

static void forget(state *s)
{
  s->peak_flops = s->bytes[OURS] = s->bytes[THEIRS] = NAN;
  for (int c = 0; c < CASE_COUNT; c++)
    for (int k = 0; k < NA_BENCH_COUNT; k++)
      for (int i = 0; i < BOTH; i++) s->seconds[c][k][i] = NAN;
  for (int g = 0; g < GOALS; g++) s->results[g] = (result){{NAN, NAN}, NAN};
}

int na_compare_run(const na_compare *compare, na_error *err)
{
  state *s = na_alloc(sizeof *s);
  if (s == NULL) return na_fail_memory(err, sizeof *s, "the table");
  s->given = compare;
  forget(s);
  int code = choose(s, err);
  if (code == NA_OK) code = probe_torch(s, err);
  if (code == NA_OK && metric_wanted(s, MEMORY)) code = measure_memory(s, err);
  if (code == NA_OK && metric_wanted(s, PEAK)) code = measure_peak(s, err);
  for (int c = 0; c < CASE_COUNT && code == NA_OK; c++)
    if (case_needed(s, c, OURS) || case_needed(s, c, THEIRS)) code = run_case(s, c, err);
  if (code == NA_OK) code = run_data(s, err);
  for (int g = 0; g < GOALS && code == NA_OK; g++)
    if (s->wanted[g]) work_out(s, &goals[g], &s->results[g]);
  if (code == NA_OK && compare->json)
    print_json(s);
  else if (code == NA_OK)
    code = print_text(s, err);
  na_free(s);
  return code;
}
