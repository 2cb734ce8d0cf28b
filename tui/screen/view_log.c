/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"

#include <stdio.h>

typedef struct finder {
  int by;      /* -1: n goes up, 1: down */
  size_t back; /* how far the log was scrolled when it began */
} finder;

static void seek(na_live *live, int by)
{
  if (live->log.sought[0] == '\0') na_live_say(live, "nothing is looked for: / begins");
  else if (!na_log_seek(&live->log, by, live->page))
    na_live_say(live, "\"%.100s\" is not in the log", live->log.sought);
}

/* The text is looked for while it is typed. */
static void take(na_live *live, const char *text, bool done)
{
  finder *f = na_view_state(live, &na_view_log);
  live->log.back = f->back;
  live->log.found = 0;
  snprintf(live->log.sought, sizeof live->log.sought, "%s", text != NULL ? text : "");
  if (text != NULL && (text[0] != '\0' || done)) seek(live, f->by);
}

static void ask(na_live *live, int by)
{
  finder *f = na_view_state(live, &na_view_log);
  f->by = by;
  f->back = live->log.back;
  na_live_ask_line(live, by < 0 ? "/" : "\\", "", take);
}

static void search_up(na_live *live) { ask(live, -1); }
static void search_down(na_live *live) { ask(live, 1); }

static void again(na_live *live)
{
  const finder *f = na_view_state(live, &na_view_log);
  seek(live, f->by);
}

static void back(na_live *live)
{
  const finder *f = na_view_state(live, &na_view_log);
  seek(live, -f->by);
}

static void forget(na_live *live)
{
  live->log.sought[0] = '\0';
  live->log.found = 0;
}

static const na_key list[] = {
    {'/', 0, "/", "search", "look for a text, from here upwards", search_up},
    {'\\', 0, "\\", NULL, "the same, downwards", search_down},
    {'n', 0, "n", NULL, "the next place", again},
    {'N', 0, "N", NULL, "the place before", back},
    {NA_KEY_ESCAPE, 0, "Esc", NULL, "nothing is marked any more", forget},
};
static const na_keys keys = NA_KEYS("Log", list);

static void draw(na_live *live, na_area area)
{
  live->page = area.rows;
  na_log_draw(&live->log, &live->grid, area);
}

static void scroll(na_live *live, long lines)
{
  na_log_scroll(&live->log, -lines, live->page);
  live->log.found = 0; /* the search goes on from what is seen */
}

const na_view na_view_log = {
    .name = "log",
    .title = "log",
    .key = '6',
    .key_name = "6",
    .help = "log: what scripts, libraries and the training said",
    .keys = &keys,
    .state_size = sizeof(finder),
    .draw = draw,
    .scroll = scroll,
};
