/* netaug bench: how long training steps take, on generated images.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "tui/bench.h"
#include "tui/bench_screen.h"
#include "tui/compare.h"
#include "tui/model.h"
#include "tui/peaks.h"
#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct options {
  char name[NA_TEXT_MAX];
  na_model_options model;
  int batch, threads, draws, steps, seed;
  char only[NA_TEXT_MAX], photos[NA_TEXT_MAX], cifar[NA_TEXT_MAX];
  int profile_of, profile_by, precision, torch_precision;
  bool compare, profile, json, print_widths, screen;
  int points, runs;
} options;

#define KIND_WORD(symbol, name, help) "|" name
#define ROWS_WORD(symbol, name) "|" name

/* clang-format off */
static const na_option option_table[] = {
    {{"--model", NA_TEXT, offsetof(options, name), "mobilenetv2_tiny", 0, 0, NULL,
      "network of the zoo, or a script that returns one"},
     "NAME|SCRIPT", false},
    NA_MODEL_OPTIONS(options, model),
    {{"--batch", NA_INT, offsetof(options, batch), "32", 1, 65536, NULL, "images in a step"},
     "N", false},
    {{"--precision", NA_CHOICE, offsetof(options, precision), "float32", 0, 0,
      NA_PRECISION_WORDS, "of training steps: see the setting train.precision"},
     "PRECISION", false},
    {{"--threads", NA_INT, offsetof(options, threads), "0", 0, 1024, NULL,
      "compute threads; 0 is one per processor"},
     "N", false},
    {{"--draws", NA_INT, offsetof(options, draws), "20", 1, 10000, NULL,
      "sub-networks that the NetAug step is averaged over"},
     "N", false},
    {{"--steps", NA_INT, offsetof(options, steps), "5", 1, 10000, NULL,
      "rounds that the median is taken of"},
     "N", false},
    {{"--seed", NA_INT, offsetof(options, seed), "1", 0, 2147483647, NULL,
      "of the draws and the weights"},
     "N", false},
    {{"--profile", NA_BOOL, offsetof(options, profile), "false", 0, 0, NULL,
      "show where the time goes, beside the machine's measured peaks"},
     NULL, false},
    {{"--profile-of", NA_CHOICE, offsetof(options, profile_of), "netaug", 0, 0,
      &NA_BENCH_KINDS(KIND_WORD)[1], "which step is profiled"},
     "STEP", false},
    {{"--profile-by", NA_CHOICE, offsetof(options, profile_by), "kind", 0, 0,
      &NA_PROFILE_ROWS(ROWS_WORD)[1], "a row for each kind of layer, or for each layer"},
     "ROWS", false},
    {{"--compare", NA_BOOL, offsetof(options, compare), "false", 0, 0, NULL,
      "print the table of what must be reached, beside PyTorch"},
     NULL, false},
    {{"--torch-precision", NA_CHOICE, offsetof(options, torch_precision), "float32", 0, 0,
      NA_PRECISION_WORDS, "with --compare: of PyTorch's training steps; bf16 is its autocast"},
     "PRECISION", false},
    {{"--only", NA_TEXT, offsetof(options, only), "", 0, 0, NULL,
      "with --compare: these rows, such as netaug,base or eval-1"},
     "ROWS", false},
    {{"--photos", NA_TEXT, offsetof(options, photos), "", 0, 0, NULL,
      "with --compare: JPEG images, a folder per class, for the rows about data"},
     "FOLDER", false},
    {{"--cifar", NA_TEXT, offsetof(options, cifar), "", 0, 0, NULL,
      "with --compare: CIFAR-10, likewise"},
     "FOLDER", false},
    {{"--screen", NA_BOOL, offsetof(options, screen), "false", 0, 0, NULL,
      "time the screen instead, from a key to the picture; --steps counts the presses"},
     NULL, false},
    {{"--points", NA_INT, offsetof(options, points), "1000000", 1, 100000000, NULL,
      "with --screen: points of each curve"},
     "N", false},
    {{"--runs", NA_INT, offsetof(options, runs), "50", 1, 1000, NULL,
      "with --screen: runs that are drawn"},
     "N", false},
    {{"--json", NA_BOOL, offsetof(options, json), "false", 0, 0, NULL, "print JSON"}, NULL, false},
    {{"--print-widths", NA_BOOL, offsetof(options, print_widths), "false", 0, 0, NULL,
      "print network and drawn widths as JSON, for another program to run the same, and stop"},
     NULL, false},
};
/* clang-format on */

static double peak_memory(void)
{
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
}

static int print_table(const na_bench *bench, const na_bench_times *times, na_error *err)
{
  na_table table = {.layout = "lrrrr"};
  static const char *const heads[] = {"", "ms", "img/s", "GFLOP/s", "M MACs"};
  for (int i = 0; i < 5; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  for (int k = 0; k < NA_BENCH_COUNT; k++) {
    double seconds = times->seconds[k], images = bench->batch;
    na_table_add(&table, "%s", na_bench_help(k));
    na_table_add(&table, "%.1f", 1e3 * seconds);
    na_table_add(&table, "%.0f", images / seconds);
    na_table_add(&table, "%.1f", 1e-9 * times->flops[k] * images / seconds);
    na_table_add(&table, "%.1f", 1e-6 * times->macs[k]);
  }
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static int print_text(const na_bench *bench, const na_bench_times *times, na_error *err)
{
  char workspace[16], parameters[16], peak[16];
  const na_net *net = bench->net;
  na_text_bytes(workspace, (double)na_workspace_bytes(bench->workspace));
  na_text_bytes(parameters, 3.0 * (double)net->values * sizeof(float));
  na_text_bytes(peak, peak_memory());
  printf("%s, %dx%dx%d, %d classes, batch %d, %d thread%s, %d draws, median of %d rounds\n\n",
         net->name, net->channels, net->height, net->width, net->classes, bench->batch,
         na_team_size(bench->team), na_text_plural(na_team_size(bench->team)), bench->draws,
         times->rounds);
  int code = print_table(bench, times, err);
  if (code == NA_OK)
    printf("\nMACs are forward, for one image; a step counts as three times its networks' MACs,\n"
           "two operations each. Memory: workspace %s, parameters, gradients and momentum %s,\n"
           "the process at its peak %s.\n",
           workspace, parameters, peak);
  return code;
}

static void print_json(const na_bench *bench, const na_bench_times *times)
{
  const na_net *net = bench->net;
  printf("{\"program\": \"netaug\", \"model\": \"%s\", \"resolution\": %d, \"classes\": %d, "
         "\"batch\": %d, \"threads\": %d, \"draws\": %d, \"rounds\": %d",
         net->name, net->height, net->classes, bench->batch, na_team_size(bench->team),
         bench->draws, times->rounds);
  for (int k = 0; k < NA_BENCH_COUNT; k++)
    printf(", \"%s\": %.6f", na_bench_name(k), times->seconds[k]);
  printf(", \"workspace_bytes\": %zu, \"peak_bytes\": %.0f}\n",
         na_workspace_bytes(bench->workspace), peak_memory());
}

/* ------------------------------------------------------------------------- profile */

static const char *const pass_names[2] = {"forward", "backward"};

static void add_profile_row(na_table *table, const na_profile *profile, const na_profile_row *row,
                            int pass, const na_peaks *peaks)
{
  double seconds = row->seconds[pass], flops = row->flops[pass] / seconds;
  na_table_add(table, "%s", row->name);
  na_table_add(table, "%s", pass_names[pass]);
  na_table_add(table, "%.2f", 1e3 * seconds);
  na_table_add(table, "%.1f", 100 * seconds / profile->seconds);
  na_table_add(table, "%.1f", 1e-9 * flops);
  na_table_add(table, "%.1f", 100 * flops / peaks->flops);
  na_table_add(table, "%.1f", 1e-9 * row->bytes[pass] / seconds);
}

static void add_profile_rest(na_table *table, const na_profile *profile, const char *what,
                             double seconds)
{
  na_table_add(table, "%s", what);
  na_table_add(table, "%s", "");
  na_table_add(table, "%.2f", 1e3 * seconds);
  na_table_add(table, "%.1f", 100 * seconds / profile->seconds);
  for (int i = 0; i < 3; i++) na_table_add(table, "%s", "");
}

static int print_profile(const na_bench *bench, const na_profile *profile, const na_peaks *peaks,
                         na_error *err)
{
  static const char *const heads[] = {"", "", "ms", "%", "GFLOP/s", "% of peak", "GB/s"};
  na_table table = {.layout = "llrrrrr"};
  for (int i = 0; i < 7; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  for (int r = 0; r < profile->count; r++)
    for (int pass = 0; pass < 2; pass++)
      if (profile->rows[r].seconds[pass] > 0)
        add_profile_row(&table, profile, &profile->rows[r], pass, peaks);
  if (profile->optimizer > 0) add_profile_rest(&table, profile, "optimizer", profile->optimizer);
  add_profile_rest(&table, profile, "loss and rest", profile->other);
  na_table_rule(&table);
  add_profile_rest(&table, profile, na_bench_help(profile->kind), profile->seconds);
  printf("%s, %dx%dx%d, batch %d, %d thread%s: %s, mean of %d\n\n", bench->net->name,
         bench->net->channels, bench->net->height, bench->net->width, bench->batch,
         na_team_size(bench->team), na_text_plural(na_team_size(bench->team)),
         na_bench_help(profile->kind), profile->steps);
  int code = na_table_print(&table, err);
  na_table_free(&table);
  if (code == NA_OK)
    printf(
        "\nPeaks measured with as many threads: %.0f GFLOP/s (%s); memory read %.1f GB/s, write "
        "%.1f, triad %.1f.\n"
        "GB/s counts the activations that a layer must move at the least, from memory or caches.\n",
        1e-9 * peaks->flops, peaks->isa, 1e-9 * peaks->read, 1e-9 * peaks->write,
        1e-9 * peaks->triad);
  return code;
}

static void print_profile_json(const na_bench *bench, const na_profile *profile,
                               const na_peaks *peaks)
{
  printf("{\"program\": \"netaug\", \"model\": \"%s\", \"resolution\": %d, \"batch\": %d, "
         "\"threads\": %d, \"step\": \"%s\", \"steps\": %d, \"seconds\": %.6f, "
         "\"optimizer\": %.6f, \"other\": %.6f,\n \"peaks\": {\"isa\": \"%s\", \"flops\": %.0f, "
         "\"read\": %.0f, \"write\": %.0f, \"triad\": %.0f},\n \"layers\": [",
         bench->net->name, bench->net->height, bench->batch, na_team_size(bench->team),
         na_bench_name(profile->kind), profile->steps, profile->seconds, profile->optimizer,
         profile->other, peaks->isa, peaks->flops, peaks->read, peaks->write, peaks->triad);
  for (int r = 0, rows = 0; r < profile->count; r++)
    for (int pass = 0; pass < 2; pass++) {
      const na_profile_row *row = &profile->rows[r];
      if (row->seconds[pass] == 0) continue;
      printf("%s\n  {\"kind\": \"%s\", \"pass\": \"%s\", \"seconds\": %.6f, \"flops\": %.0f, "
             "\"bytes\": %.0f}",
             rows++ == 0 ? "" : ",", row->name, pass_names[pass], row->seconds[pass],
             row->flops[pass], row->bytes[pass]);
    }
  printf("]}\n");
}

static int profile(const options *given, na_bench *bench, na_error *err)
{
  na_peaks peaks;
  na_profile profile = {0};
  int code = na_peaks_measure(&peaks, bench->team, err);
  if (code == NA_OK)
    code = na_bench_profile(bench, given->profile_of, given->profile_by, given->steps, &profile, err);
  if (code == NA_OK && given->json)
    print_profile_json(bench, &profile, &peaks);
  else if (code == NA_OK)
    code = print_profile(bench, &profile, &peaks, err);
  na_profile_free(&profile);
  return code;
}

/* ------------------------------------------------------------------------- the command */

static int time_steps(const options *given, na_bench *bench, na_error *err)
{
  na_bench_times times;
  int code = na_bench_run(bench, given->steps, &times, err);
  if (code == NA_OK && given->json)
    print_json(bench, &times);
  else if (code == NA_OK)
    code = print_text(bench, &times, err);
  return code;
}

static int measure(const options *given, na_net *net, na_error *err)
{
  na_bench bench;
  int code =
      na_bench_new(&bench, net, given->batch, given->threads, given->draws, given->seed, err);
  bench.precision = given->precision;
  if (code == NA_OK && given->print_widths)
    na_bench_describe(&bench, stdout);
  else if (code == NA_OK) {
    code = na_bench_prepare(&bench, err);
    if (code == NA_OK) code = (given->profile ? profile : time_steps)(given, &bench, err);
  }
  na_bench_free(&bench);
  return code;
}

/* What --compare measures is fixed: an option that would change it is refused, not ignored. */
static int compare(const options *given, na_error *err)
{
  const na_model_options *o = &given->model;
  bool shaped = o->resolution || o->classes || o->channels || o->stem_stride || o->width_mult > 0 ||
                o->width.count || o->expand.count;
  if (shaped || given->batch != 32 || given->threads != 0 || given->profile ||
      given->print_widths || strcmp(given->name, "mobilenetv2_tiny") != 0) {
    na_fail(err, NA_EINVAL, "--compare has its own networks, batches and threads");
    return na_hint(err,
                   "use it with --only, --photos, --cifar, --draws, --steps, --seed, --precision, --torch-precision "
                   "and --json");
  }
  const na_compare how = {given->only,  given->photos, given->cifar, given->steps,
                          given->draws, given->seed,   given->precision, given->torch_precision,
                          given->json};
  return na_compare_run(&how, err);
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  if (given->compare) return compare(given, err);
  if (given->screen)
    return na_bench_screen(given->points, given->runs, given->steps, given->json, err);
  if (given->only[0] != '\0' || given->photos[0] != '\0' || given->cifar[0] != '\0' ||
      given->torch_precision != NA_FLOAT32)
    return na_fail(err, NA_EINVAL, "--only, --photos, --cifar and --torch-precision need --compare");
  na_net *net;
  int code = na_model_build(given->name, &given->model, &net, err);
  if (code == NA_OK) code = measure(given, net, err);
  na_net_free(net);
  return code;
}

const na_command na_command_bench = {
    .name = "bench",
    .operands = "",
    .summary = "Measure the speed of training steps",
    .description =
        "Times a step of the base alone, a NetAug step (base and one drawn sub-network, averaged\n"
        "over the same draws in every round), a NetAug step with the widest sub-network, and\n"
        "evaluation, all on generated images. Steps include the optimizer, which moves all weights:\n"
        "for plain training's, where none are wider, add --augment-width 1 --augment-expand 1.\n\n"
        "--profile shows where a step's time goes. --compare runs PyTorch on the same sub-networks,\n"
        "the two programs in turn, and prints what the engine must reach and what falls short;\n"
        "without PyTorch it prints our own figures. Its base steps are plain training's. It takes\n"
        "several minutes: --only measures a part.\n\n"
        "--screen times the live screen: what each key of the chart takes with many long runs.",
    .example = "netaug bench --model mobilenetv2_tiny --resolution 144 --batch 32 --threads 1",
    .least = 0,
    .most = 0,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
