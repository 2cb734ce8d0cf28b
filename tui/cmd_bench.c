/* netaug bench: how long training steps take, on generated images.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/train/trainer.h"
#include "tui/bench.h"
#include "tui/model.h"
#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct options {
  char name[NA_TEXT_MAX];
  na_model_options model;
  int batch, threads, draws, steps, seed;
  bool json, print_widths;
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"--model", NA_TEXT, offsetof(options, name), "mobilenetv2_tiny", 0, 0, NULL,
      "network of the zoo, or a script that returns one"},
     "NAME|SCRIPT", false},
    NA_MODEL_OPTIONS(options, model),
    {{"--batch", NA_INT, offsetof(options, batch), "32", 1, 65536, NULL, "images in a step"},
     "N", false},
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
         na_team_size(bench->team), na_team_size(bench->team) == 1 ? "" : "s", bench->draws,
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

static int measure(const options *given, na_net *net, na_error *err)
{
  na_bench bench;
  na_bench_times times;
  int code =
      na_bench_new(&bench, net, given->batch, given->threads, given->draws, given->seed, err);
  if (code == NA_OK && !given->print_widths) {
    code = na_bench_prepare(&bench, err);
    if (code == NA_OK) code = na_bench_run(&bench, given->steps, &times, err);
  }
  if (code == NA_OK && given->print_widths)
    na_bench_describe(&bench);
  else if (code == NA_OK && given->json)
    print_json(&bench, &times);
  else if (code == NA_OK)
    code = print_text(&bench, &times, err);
  na_bench_free(&bench);
  return code;
}

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
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
        "Times a step of plain training, a NetAug step (base and one drawn sub-network, averaged\n"
        "over the same draws in every round), a NetAug step with the widest sub-network, and\n"
        "evaluation, all on generated images. Steps include the optimizer.",
    .example = "netaug bench --model mobilenetv2_tiny --resolution 144 --batch 32 --threads 1",
    .least = 0,
    .most = 0,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
