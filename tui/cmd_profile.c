/* netaug profile: what a network costs, layer by layer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "lua/na_lua.h"
#include "tui/manual.h"
#include "tui/model.h"
#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct options {
  na_model_options model;
  int batch;
  bool table;
} options;

/* clang-format off */
static const na_option option_table[] = {
    NA_MODEL_OPTIONS(options, model),
    {{"--batch", NA_INT, offsetof(options, batch), "1", 1, 65536, NULL,
      "images that activation memory is counted for"},
     "N", false},
    {{"--table", NA_BOOL, offsetof(options, table), "false", 0, 0, NULL,
      "print the costs of the paper's five networks instead"},
     NULL, false},
};
/* clang-format on */

/* ---------------------------------------------------------------- one network */

static void add_cost(na_table *table, const na_cost *cost, int batch)
{
  char bytes[16];
  na_text_bytes(bytes, (double)cost->activation * batch);
  na_table_add(table, "%lld", cost->parameters);
  na_table_add(table, "%lld", cost->macs);
  na_table_add(table, "%s", bytes);
}

/* "conv 3x3/2 relu6": what a layer does, in one cell. */
static void add_kind(na_table *table, const na_layer *layer)
{
  char window[32] = "";
  if (layer->kernel > 1 || layer->stride > 1)
    snprintf(window, sizeof window, " %dx%d/%d", layer->kernel, layer->kernel, layer->stride);
  bool plain = layer->act == NA_ACT_IDENTITY;
  na_table_add(table, "%s%s%s%s", na_kind_name(layer->kind), window, plain ? "" : " ",
               plain ? "" : na_activation_name(layer->act));
}

static void add_layer(na_table *table, const na_net *net, int index, const int *const widths[2],
                      int batch)
{
  const na_layer *layer = &net->layers[index];
  na_table_add(table, "%s", layer->name);
  add_kind(table, layer);
  for (int w = 0; w < 2 && widths[w] != NULL; w++) {
    char shape[32];
    na_cost cost;
    na_model_shape(layer, widths[w], shape);
    na_layer_cost(net, index, widths[w], &cost);
    na_table_add(table, "%s", shape);
    add_cost(table, &cost, batch);
  }
}

static void add_heads(na_table *table, bool elastic)
{
  static const char *const heads[] = {"output", "params", "MACs", "memory"};
  na_table_add(table, "layer");
  na_table_add(table, "kind");
  for (int w = 0; w < (elastic ? 2 : 1); w++)
    for (int i = 0; i < 4; i++) na_table_add(table, "%s", heads[i]);
}

static int print_layers(const na_net *net, const int *const widths[2], int batch, na_error *err)
{
  bool elastic = widths[1] != NULL;
  na_table table = {.layout = elastic ? "ll|rrrr|rrrr" : "ll|rrrr"};
  if (elastic) table.titles[1] = "base", table.titles[2] = "widest";
  add_heads(&table, elastic);
  na_table_rule(&table);
  for (int i = 0; i < net->layer_count; i++) add_layer(&table, net, i, widths, batch);
  na_table_rule(&table);
  na_table_add(&table, "total");
  na_table_add(&table, "%s", "");
  for (int w = 0; w < (elastic ? 2 : 1); w++) {
    na_cost cost;
    na_net_cost(net, widths[w], &cost);
    na_table_add(&table, "%s", "");
    add_cost(&table, &cost, batch);
  }
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static void print_totals(const na_net *net, const char *name, const int *widths, int batch)
{
  na_cost cost;
  char peak[16];
  na_net_cost(net, widths, &cost);
  na_text_bytes(peak, (double)na_net_peak_activation(net, widths) * batch);
  printf("%-7s %.3fM parameters (%.3fM without norm), %.1fM MACs, peak activation memory %s\n",
         name, 1e-6 * (double)cost.parameters,
         1e-6 * (double)(cost.parameters - cost.norm_parameters), 1e-6 * (double)cost.macs, peak);
}

static int print_profile(const na_net *net, int batch, na_error *err)
{
  int *base = NULL, *widest = NULL;
  int code = na_model_widths(net, false, &base, err);
  if (code == NA_OK && na_net_elastic(net)) code = na_model_widths(net, true, &widest, err);
  if (code == NA_OK) {
    printf("%s, %dx%dx%d, %d classes; memory for %d image%s, float32\n\n", net->name, net->channels,
           net->height, net->width, net->classes, batch, na_text_plural(batch));
    code = print_layers(net, (const int *const[2]){base, widest}, batch, err);
  }
  if (code == NA_OK) {
    printf("\n");
    print_totals(net, "base", base, batch);
    if (widest != NULL) print_totals(net, "widest", widest, batch);
  }
  na_free(base);
  na_free(widest);
  return code;
}

/* ------------------------------------------------- the paper's five networks */

static const struct {
  const char *title, *model;
  double width_mult;
  int resolution;
} paper_networks[] = {
    {"MobileNetV2-Tiny", "mobilenetv2_tiny", 0, 144},
    {"MCUNet", "mcunet", 0, 176},
    {"MobileNetV2 w0.35", "mobilenetv2", 0.35, 160},
    {"ProxylessNAS w0.35", "proxylessnas", 0.35, 160},
    {"MobileNetV3 w0.35", "mobilenetv3", 0.35, 160},
};
enum { PAPER_COUNT = sizeof paper_networks / sizeof paper_networks[0] };

static int add_paper_row(na_table *table, int i, na_error *err)
{
  const na_model_options shape = {.width_mult = paper_networks[i].width_mult,
                                  .resolution = paper_networks[i].resolution,
                                  .classes = 1000};
  na_net *net;
  int *base = NULL, *widest = NULL;
  int code = na_model_build(paper_networks[i].model, &shape, &net, err);
  if (code == NA_OK) code = na_model_widths(net, false, &base, err);
  if (code == NA_OK) code = na_model_widths(net, true, &widest, err);
  if (code == NA_OK) {
    na_cost small, large;
    na_net_cost(net, base, &small);
    na_net_cost(net, widest, &large);
    na_table_add(table, "%s @%d", paper_networks[i].title, paper_networks[i].resolution);
    na_table_add(table, "%.3fM / %.3fM", 1e-6 * (double)small.parameters,
                 1e-6 * (double)(small.parameters - small.norm_parameters));
    na_table_add(table, "%.1fM", 1e-6 * (double)small.macs);
    na_table_add(table, "%.2fM", 1e-6 * (double)large.parameters);
    na_table_add(table, "%.1fM", 1e-6 * (double)large.macs);
  }
  na_free(base);
  na_free(widest);
  na_net_free(net);
  return code;
}

static int print_paper(na_error *err)
{
  static const char *const heads[] = {"network", "base parameters", "base MACs",
                                      "widest parameters", "widest MACs"};
  na_table table = {.layout = "l|rr|rr"};
  for (int i = 0; i < 5; i++) na_table_add(&table, "%s", heads[i]);
  na_table_rule(&table);
  int code = NA_OK;
  for (int i = 0; i < PAPER_COUNT && code == NA_OK; i++) code = add_paper_row(&table, i, err);
  if (code == NA_OK) code = na_table_print(&table, err);
  if (code == NA_OK)
    printf("\n1000 classes. Base parameters with and without norm's; MACs are multiply-adds of\n"
           "convolutions and linear layers for one image.\n");
  na_table_free(&table);
  return code;
}

/* ------------------------------------------------------------------ the command */

static int run(const na_call *call, na_error *err)
{
  const options *given = call->options;
  if (given->table) return print_paper(err);
  if (call->count == 0) return na_manual_topic_print("models", err);
  na_net *net;
  int code = na_model_open(call->operands[0], &given->model, &net, err);
  if (code == NA_OK) code = print_profile(net, given->batch, err);
  na_net_free(net);
  return code;
}

const na_command na_command_profile = {
    .name = "profile",
    .operands = "[MODEL|SCRIPT|CHECKPOINT]",
    .summary = "Show what a network costs, layer by layer",
    .description =
        "Prints output shape, parameters, multiply-adds and activation memory of every layer and in\n"
        "total, for the base network and for the widest sub-network of its supernet. MODEL is one of\n"
        "the networks that come with the program; SCRIPT is a Lua file that returns a model. Without\n"
        "an argument, lists the networks.",
    .example = "netaug profile mobilenetv2_tiny --resolution 144",
    .least = 0,
    .most = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
