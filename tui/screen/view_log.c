/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"

static void draw(na_live *live, na_area area)
{
  live->page = area.rows;
  na_log_draw(&live->log, &live->grid, area);
}

static void scroll(na_live *live, long lines)
{
  na_log_scroll(&live->log, -lines, live->page);
}

const na_view na_view_log = {
    .name = "log",
    .title = "log",
    .key = '6',
    .key_name = "6",
    .help = "log: what scripts, libraries and the training said",
    .draw = draw,
    .scroll = scroll,
};
