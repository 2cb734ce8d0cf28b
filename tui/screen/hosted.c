/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/hosted.h"

#include <stdio.h>

static const double WORK_SECONDS = 0.03; /* for each picture; a training goes on meanwhile */

static na_hosted *state(na_live *live) { return na_view_state(live, live->view); }

void na_hosted_close(na_hosted *h)
{
  if (h->open) na_inspect_close(&h->inspect);
  h->open = false;
}

void na_hosted_free(void *hosted) { na_hosted_close(hosted); }

void na_hosted_open(na_live *live, na_hosted *h, const char *file, const char *path)
{
  na_error err = {0};
  na_hosted_close(h);
  h->open = na_inspect_open(&h->inspect, file, &err) == NA_OK;
  if (h->open && path != NULL) na_inspect_select(&h->inspect, path, &err);
  if (err.code != NA_OK) na_live_say(live, "%.250s", err.message);
}

void na_hosted_draw(na_live *live, na_hosted *h, na_area area)
{
  na_inspect_work(&h->inspect, WORK_SECONDS);
  na_inspect_draw(&h->inspect, &live->grid, area);
  live->page = h->inspect.rows;
}

/* ---------------------------------------------------------------------------------- keys */

/* A line that the inspector wanted. */
static void take_line(na_live *live, const char *line, bool done)
{
  na_hosted *h = state(live);
  if (!done || !h->open) return;
  na_inspect_typed(&h->inspect, line);
  if (h->inspect.notice[0] != '\0') na_live_say(live, "%s", h->inspect.notice);
}

static void act(na_live *live, na_inspect_action action)
{
  na_hosted *h = state(live);
  if (!h->open && action == NA_INSPECT_ENTER && h->enter != NULL) h->enter(live);
  else if (!h->open) na_live_say(live, "no file is open");
  else {
    na_inspect_act(&h->inspect, action);
    if (h->inspect.notice[0] != '\0') na_live_say(live, "%s", h->inspect.notice);
    if (h->inspect.wanted) na_live_ask_line(live, h->inspect.label, "", take_line);
  }
}

static void close_file(na_live *live) { na_hosted_close(state(live)); }

static void take_file(na_live *live, const char *line, bool done)
{
  if (done && line != NULL && line[0] != '\0') na_hosted_open(live, state(live), line, NULL);
}

static void ask_file(na_live *live) { na_live_ask_line(live, "file: ", "", take_file); }

#define ACT(action, key, also, name, hint, help)                                                   \
  static void act_##action(na_live *live) { act(live, NA_INSPECT_##action); }
NA_INSPECT_KEYS(ACT)
#undef ACT

#define KEY(action, key, also, name, hint, help) {key, also, name, hint, help, act_##action},
static const na_key list[] = {
    NA_INSPECT_KEYS(KEY){'F', 0, "F", NULL, "open any HDF5 file", ask_file},
    {NA_KEY_ESCAPE, 0, "Esc", NULL, "close the file: back to the list", close_file},
};
#undef KEY
const na_keys na_hosted_keys = NA_KEYS("Files and activations", list);
