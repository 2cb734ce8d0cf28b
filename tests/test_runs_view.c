/* The view of runs without a terminal, on made-up runs: ordered, filtered, marked, laid over one another,
 * compared, thrown away, at several sizes; against saved screens.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/runs_scratch.h"
#include "tests/screens.h"

static na_error err;

static const made_run runs[] = {
    {"plain-2", "name = plain\nmodel = tiny\ndata.path = mnist\ntrain.epochs = 3\ntrain.lr = 0.1",
     "2026-01-02T10:00:00Z", 3, 3, 20, 0.8, false, NULL, "done"},
    {"plain-10", "name = plain\nmodel = tiny\ndata.path = mnist\ntrain.epochs = 5\ntrain.lr = 0.05",
     "2026-01-01T10:00:00Z", 5, 4, 20, 0.7, false, NULL, "stopped after step 80 of 100"},
    {"wide", "name = wide\nmodel = tiny\ndata.path = mnist\naugment.r = 3\ntrain.epochs = 4\ntrain.lr = 0.1",
     "2026-01-03T10:00:00Z", 4, 4, 20, 0.9, true, "set train.lr = 0.02", "done"},
    {"goes-on", "name = goes-on\nmodel = tiny\ndata.path = mnist\ntrain.epochs = 9\ntrain.lr = 0.2",
     "2026-01-04T10:00:00Z", 9, 2, 20, 0.75, true, NULL, NULL},
};

/* Until there is nothing more to read. */
static void settle(na_live *live)
{
  for (int i = 0; i < 1000 && na_live_idle(live); i++) continue;
  CHECK(!na_live_idle(live), "it never comes to rest");
}

static na_recorder *begin(na_live *live, int rows, int cols, bool utf8)
{
  runs_make();
  for (size_t i = 0; i < 3; i++) made(&runs[i]);
  na_recorder *growing = made_begin(&runs[3]);
  CHECK(mkdir(runs_path("broken", ""), 0777) == 0, "a folder");
  runs_write("broken", "run.h5", "this is no HDF5 file, by no means");
  runs_write("wide", "note.txt", "the best\n");
  CHECK_OK(na_live_init(live, utf8, &err), err);
  CHECK_OK(na_grid_resize(&live->grid, rows, cols, &err), err);
  live->runs = runs_folder;
  na_live_key(live, '3');
  settle(live);
  return growing;
}

static void end(na_live *live, na_recorder *growing)
{
  na_live_free(live);
  CHECK_OK(na_recorder_free(growing, &err), err);
  runs_remove();
}

static void press(na_live *live, const char *keys)
{
  for (; *keys != '\0'; keys++) CHECK(na_live_key(live, *keys), "key %c is not known", *keys);
  settle(live);
}

static void screens(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, true);
  same_screen(&live, "runs-80x24.txt");
  for (int i = 0; i < 6; i++) na_live_key(&live, NA_KEY_RIGHT); /* from started round to name */
  na_live_key(&live, 'r');
  press(&live, "j");
  same_screen(&live, "runs-sorted-80x24.txt");
  end(&live, growing);
}

static void filtered(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, true);
  press(&live, "/");
  CHECK(live.asking && live.question.line, "a line is asked for");
  na_live_typed(&live, "top1>", false);
  na_live_typed(&live, "top1>72", false);
  na_live_draw(&live);
  na_live_typed(&live, "top1>72", true);
  same_screen(&live, "runs-filtered-80x24.txt");
  press(&live, "/");
  na_live_typed(&live, "tpo1>72", true);
  CHECK(strstr(live.notice, "did you mean") != NULL, "notice: %s", live.notice);
  na_live_key(&live, NA_KEY_ESCAPE);
  na_live_draw(&live);
  end(&live, growing);
}

static void marked(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, true);
  press(&live, "o");
  CHECK(strstr(live.notice, "mark runs first") != NULL, "notice: %s", live.notice);
  press(&live, "  ");
  same_screen(&live, "runs-marked-80x24.txt");
  press(&live, " d");
  same_screen(&live, "runs-diff-80x24.txt");
  press(&live, "o");
  same_screen(&live, "runs-overlay-80x24.txt");
  press(&live, "va");
  same_screen(&live, "runs-overlay-loss-80x24.txt");
  made_epoch(growing, &runs[3], 3);
  size_t before = live.overlay.runs[0]->curves.top1[NA_CURVE_BASE].count;
  live.overlay.runs[0]->done = false;
  settle(&live);
  CHECK(live.overlay.runs[0]->curves.top1[NA_CURVE_BASE].count == before + 20, "the live one grows");
  na_live_key(&live, '3');
  press(&live, "u");
  CHECK(live.overlay.count == 0, "no marks");
  end(&live, growing);
}

/* Enter shows a run's own curves while nothing trains, and a run that begins takes the screen back. */
static void opened(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, true);
  press(&live, "j");
  na_live_key(&live, NA_KEY_ENTER);
  settle(&live);
  same_screen(&live, "runs-opened-80x24.txt");
  CHECK(na_live_curves(&live)->mark_count == 1, "%zu marks", na_live_curves(&live)->mark_count);
  na_live_begin(&live, "new", NULL, NULL);
  CHECK(na_live_curves(&live) == &live.curves, "the new run is shown");
  end(&live, growing);
}

static void thrown_away(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, false);
  press(&live, "x");
  same_screen(&live, "runs-confirm-80x24.txt");
  na_live_key(&live, 'y');
  CHECK(strstr(live.notice, "trains in") != NULL, "notice: %s", live.notice);
  press(&live, "j x");
  na_live_key(&live, 'n');
  CHECK(access(runs_path("wide", "run.h5"), F_OK) == 0, "it stays");
  press(&live, "x");
  na_live_key(&live, 'y');
  settle(&live);
  CHECK(access(runs_path(".trash", "wide/run.h5"), F_OK) == 0, "it is in the trash");
  CHECK(live.overlay.count == 0, "and not marked any more");
  na_live_draw(&live);
  end(&live, growing);
}

static void annotated(void)
{
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, true);
  press(&live, "n");
  na_live_typed(&live, "it goes on", true);
  settle(&live);
  na_buffer text = {0};
  na_live_draw(&live);
  na_grid_text(&live.grid, &text);
  CHECK(strstr(text.data, "it goes on") != NULL, "%s", text.data);
  na_free(text.data);
  end(&live, growing);
}

/* Every key at every size, with runs and without, crashes nothing. */
static void sizes(void)
{
  static const int table[][2] = {{1, 1}, {2, 8}, {5, 20}, {9, 40}, {60, 200}};
  static const int keys[] = {' ', 'j', ' ', 'd', 'd', 'l', 'h', 'r', 'u', 'o', '3', NA_KEY_ENTER, '3', NA_KEY_ESCAPE,
                             'k', 'G', 'g', NA_KEY_PAGE_DOWN, NA_KEY_PAGE_UP, 'v'};
  na_live live;
  na_recorder *growing = begin(&live, 24, 80, false);
  for (size_t s = 0; s < sizeof table / sizeof table[0]; s++)
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
      CHECK_OK(na_grid_resize(&live.grid, table[s][0], table[s][1], &err), err);
      na_live_key(&live, keys[k]);
      na_live_idle(&live);
      na_live_draw(&live);
    }
  end(&live, growing);
  CHECK_OK(na_live_init(&live, true, &err), err);
  na_live_key(&live, '3');
  for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
    na_live_key(&live, keys[k]);
    na_live_idle(&live);
    na_live_draw(&live);
  }
  na_live_free(&live);
}

int main(void)
{
  RUN(screens);
  RUN(filtered);
  RUN(marked);
  RUN(opened);
  RUN(thrown_away);
  RUN(annotated);
  RUN(sizes);
  return CHECK_EXIT();
}
