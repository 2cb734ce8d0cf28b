/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "core/base/memory.h"
#include "tui/screen/sizes.h"

#include <stdio.h>
#include <string.h>

static void draw_draw(na_grid *grid, int row, na_area area, const char *what, const na_draw *draw)
{
  na_grid_put(grid, row, area.col, 10, NA_STYLE_PLAIN, what);
  double share = draw->expected > 0 ? draw->count / draw->expected / 2 : 0;
  int bar = area.cols >= 60 ? 20 : 10;
  na_grid_bar(grid, row, area.col + 11, bar, NA_STYLE_WIDE, share);
  na_grid_print(grid, row, area.col + 12 + bar, area.cols - 12 - bar, NA_STYLE_PLAIN,
                draw->expected > 0 ? "%6.0f of %.0f" : "%6.0f", draw->count, draw->expected);
  if (draw->count > 0 && area.cols >= 50)
    na_grid_print(grid, row, area.col + 30 + bar, area.cols - 30 - bar, NA_STYLE_FAINT, "loss %.3f",
                  draw->loss / draw->count);
}

/* Each elastic dimension's candidates, how often each was drawn against what was expected. */
static void draw_dims(na_live *live, na_area area, const na_draw (*dims)[NA_LIST_MAX])
{
  int row = area.row, end = area.row + area.rows;
  na_augmentation lists;
  na_trainer_settings(live->trainer, NULL, &lists);
  for (int d = 0; d < live->net->dim_count && row < end; d++) {
    const na_dim *dim = &live->net->dims[d];
    const na_list *list = dim->kind == NA_DIM_WIDTH ? &lists.width : &lists.expand;
    if (dim->max <= dim->base || (dim->kind != NA_DIM_WIDTH && dim->kind != NA_DIM_EXPAND)) continue;
    na_grid_print(&live->grid, row++, area.col, area.cols, NA_STYLE_STRONG, "%s  base %d, widest %d",
                  dim->name, dim->base, dim->max);
    for (int k = 0; k < list->count && row < end; k++) {
      char what[32];
      snprintf(what, sizeof what, "  x%.4g", list->values[k]);
      draw_draw(&live->grid, row++, area, what, &dims[d][k]);
    }
  }
}

/* "backbone.stages.0.op_list.1.conv.depth_conv" as "stages.0.1.depth_conv". */
static void shorten(const char *name, char out[96])
{
  static const char *const parts[] = {"backbone.", "op_list.", "conv."};
  size_t used = 0;
  while (*name != '\0' && used + 1 < 96) {
    size_t skip = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && skip == 0; i++)
      if ((used == 0 || out[used - 1] == '.') && strncmp(name, parts[i], strlen(parts[i])) == 0)
        skip = strlen(parts[i]);
    name += skip;
    if (skip == 0) out[used++] = *name++;
  }
  out[used] = '\0';
}

static void draw_agreement(na_live *live, na_area area)
{
  na_grid *grid = &live->grid;
  enum { MOST = 256 };
  na_agreement list[MOST];
  int count = na_trainer_agreement(live->trainer, list, MOST, NULL), row = area.row;
  na_grid_put(grid, row++, area.col, area.cols, NA_STYLE_TITLE,
              count > 0 ? "gradients: cosine, ratio" : "gradients: v compares them");
  for (int i = 0; i < count && i < MOST && row < area.row + area.rows; i++) {
    char figures[32];
    snprintf(figures, sizeof figures, "%+.2f %6.2f", list[i].mean_cosine, list[i].mean_ratio);
    char name[96];
    shorten(live->net->layers[list[i].layer].name, name);
    na_grid_put(grid, row, area.col, area.cols - 14, NA_STYLE_PLAIN, name);
    na_grid_put(grid, row++, area.col + area.cols - 13, 13,
                list[i].mean_cosine < 0 ? NA_STYLE_ALERT : NA_STYLE_PLAIN, figures);
  }
}

static void draw(na_live *live, na_area area)
{
  if (live->trainer == NULL || live->net == NULL) {
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT, "no training is running");
    return;
  }
  na_draws draws;
  na_draw(*dims)[NA_LIST_MAX] =
      na_alloc_array((size_t)live->net->dim_count, sizeof *dims);
  if (dims == NULL) return;
  na_trainer_draws(live->trainer, &draws, dims);
  bool wide = area.cols >= 100;
  na_area left = area, right = area;
  if (wide) {
    left.cols = area.cols - 44;
    right.col = area.col + left.cols + 2;
    right.cols = 42;
  }
  if (draws.networks == 0)
    na_grid_put(&live->grid, area.row, area.col, area.cols, NA_STYLE_FAINT,
                "no sub-network was drawn yet: this phase trains the base alone");
  else
    draw_dims(live, left, (const na_draw(*)[NA_LIST_MAX])dims);
  if (wide) {
    na_sizes_draw(&live->grid, right, &draws);
    right.row += NA_DRAW_SIZES + 2;
    right.rows -= NA_DRAW_SIZES + 2;
    if (right.rows > 1) draw_agreement(live, right);
  }
  na_free(dims);
}

static void compare_gradients(na_live *live)
{
  na_agreement one;
  bool on = live->trainer != NULL && na_trainer_agreement(live->trainer, &one, 1, NULL) > 0;
  na_live_steer(live, NA_STEER_AGREEMENT, on ? "off" : "on");
}

static const na_key list[] = {
    {'v', 0, "v", "gradients", "compare gradients of base and augmented: on, off", compare_gradients},
};
static const na_keys keys = NA_KEYS("Augmentation", list);

const na_view na_view_augment = {
    .name = "augmentation",
    .title = "augmentation",
    .key = '2',
    .key_name = "2",
    .help = "augmentation: what was drawn, how gradients agree",
    .keys = &keys,
    .draw = draw,
};
