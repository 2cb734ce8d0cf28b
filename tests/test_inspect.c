/* The inspector without a terminal: slices, trees, statistics, pictures.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tests/saved_screen.h"
#include "tests/store_scratch.h"
#include "tui/inspect/activations.h"
#include "tui/inspect/browser.h"
#include "tui/inspect/detail.h"
#include "tui/inspect/picture.h"
#include "tui/inspect/tensors.h"
#include "tui/screen/live.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>

static na_error err;

/* Kernels whose values count up, a dead channel, a value that is no number, nested groups, an alias. */
static void make_file(const char *path)
{
  na_h5 *file;
  float kernels[4 * 2 * 3 * 3], odd[6] = {1, NAN, 0, INFINITY, -2, 0};
  for (int i = 0; i < 72; i++) kernels[i] = i / 18 == 2 ? 0 : (float)(i - 36) / 36;
  CHECK_OK(na_h5_create(&file, path, &err), err);
  CHECK_OK(na_h5_write(file, "params/conv.weight", NA_H5_FLOAT, 4, (long long[]){4, 2, 3, 3}, kernels, &err), err);
  CHECK_OK(na_h5_write(file, "params/odd", NA_H5_FLOAT, 1, (long long[]){6}, odd, &err), err);
  CHECK_OK(na_h5_write(file, "deep/er/one", NA_H5_INT32, 0, NULL, (int32_t[]){42}, &err), err);
  CHECK_OK(na_h5_set_text(file, "/", "format", "a test", &err), err);
  CHECK_OK(na_h5_set_text(file, "params", "lines", "one = 1\ntwo = 2", &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
}

/* A recording as core/train/record.c writes it: 3 images of 2 x 2, one layer of 2 channels, 3 when wide. */
static void make_recording(const char *path)
{
  na_h5 *file;
  float images[3 * 4], base[3 * 2 * 4], wide[3 * 3 * 4];
  for (int i = 0; i < 12; i++) images[i] = (float)(i % 4);
  for (int i = 0; i < 24; i++) base[i] = i / 4 % 2 == 1 ? 0 : (float)(i % 4);
  for (int i = 0; i < 36; i++) wide[i] = (float)(i / 4 % 3);
  CHECK_OK(na_h5_create(&file, path, &err), err);
  CHECK_OK(na_h5_set_text(file, "/", "format", "netaug activations", &err), err);
  CHECK_OK(na_h5_write(file, "images", NA_H5_FLOAT, 4, (long long[]){3, 1, 2, 2}, images, &err), err);
  CHECK_OK(na_h5_write(file, "labels", NA_H5_INT32, 1, (long long[]){3}, (int32_t[]){5, 6, 7}, &err), err);
  CHECK_OK(na_h5_write(file, "base/conv", NA_H5_FLOAT, 4, (long long[]){3, 2, 2, 2}, base, &err), err);
  CHECK_OK(na_h5_write(file, "augmented/conv", NA_H5_FLOAT, 4, (long long[]){3, 3, 2, 2}, wide, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
}

static na_reader *open_made(void (*make)(const char *path))
{
  na_reader *reader = NULL;
  make(scratch_path("made.h5"));
  CHECK_OK(na_reader_open(&reader, scratch_path("made.h5"), &err), err);
  return reader;
}

/* What is on a page, freed by the next call. */
static const char *text_of(const na_page *page)
{
  static na_buffer text;
  na_grid used = page->grid;
  na_free(text.data);
  text = (na_buffer){.data = NULL};
  used.rows = page->rows;
  na_grid_text(&used, &text);
  return text.data != NULL ? text.data : "";
}

static void has(const na_page *page, const char *words)
{
  const char *text = text_of(page);
  CHECK(strstr(text, words) != NULL, "no \"%s\" in:\n%s", words, text);
}

/* -------------------------------------------------------------------------------- slices */

static void slices(void)
{
  static const struct {
    const char *text, *wanted;
    long long count;
  } good[] = {
      {"", ":,:,:", 120},          {"0,:,3", "0,:,3", 5},          {"-1", "3,:,:", 30},
      {"1:3", "1:3,:,:", 60},      {"...,0", ":,:,0", 20},         {"0,...", "0,:,:", 30},
      {"::2,1,2", "0:3:2,1,2", 2}, {"0, 1:, -2", "0,1:5,4", 4},    {"3:1", "3:3,:,:", 0},
      {"[0,0,0]", "0,0,0", 1},     {":,:,10:", ":,:,6:6", 0},      {"...", ":,:,:", 120},
  };
  static const char *const bad[] = {"4", "-5", "0,0,0,0", "x", "1::0", "::-1", "1:2:3:4", "99999999999999999999", "0;1"};
  na_h5_about about = {.rank = 3, .dims = {4, 5, 6}, .kind = NA_H5_KIND_DATASET};
  na_slice slice;
  char text[512];
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    na_error_clear(&err);
    CHECK_OK(na_slice_parse(&slice, good[i].text, &about, &err), err);
    na_slice_text(&slice, &about, text);
    CHECK(strcmp(text, good[i].wanted) == 0, "\"%s\" became %s", good[i].text, text);
    CHECK(na_h5_part_count(&slice.part) == good[i].count, "\"%s\": %lld values", good[i].text,
          na_h5_part_count(&slice.part));
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK_FAILS(na_slice_parse(&slice, bad[i], &about, &err), NA_EINVAL, bad[i], err);
}

/* ------------------------------------------------------------------------------ the tree */

static void trees(void)
{
  na_tree tree;
  na_buffer path = {0};
  na_reader *reader = open_made(make_file);
  CHECK_OK(na_tree_init(&tree, reader, &err), err);
  CHECK(tree.count == 3, "%zu nodes before anything was opened", tree.count);
  int node = na_tree_find(&tree, "deep//er/one/", &err);
  CHECK(node > 0, "%s", err.message);
  na_tree_path(&tree, node, &path);
  CHECK(strcmp(path.data, "/deep/er/one") == 0, "path %s", path.data);
  CHECK(na_tree_about(&tree, node)->rank == 0, "a single value");
  na_error_clear(&err);
  CHECK(na_tree_find(&tree, "parms", &err) < 0 && strstr(err.hint, "\"params\"") != NULL, "hint: %s", err.hint);
  na_error_clear(&err);
  CHECK(na_tree_find(&tree, "params/odd/x", &err) < 0 && strstr(err.message, "nothing lies in it") != NULL, "%s",
        err.message);
  na_error_clear(&err);
  int seen = 0;
  for (int n = 0; n >= 0; n = na_tree_next(&tree, n)) seen++;
  CHECK(seen == 7, "%d nodes are shown", seen);
  na_free(path.data);
  na_tree_free(&tree);
  na_reader_close(reader);
}

/* ---------------------------------------------------------------------------- statistics */

static void statistics(void)
{
  na_scan scan;
  na_reader *reader = open_made(make_file);
  CHECK_OK(na_scan_whole(&scan, reader, "/params/odd", &(na_scan_wish){.axis = -1, .bins = 3}, &err), err);
  const na_moments *m = &scan.all;
  CHECK_NEAR(m->count, 4.0, 0, 1.0, "finite values");
  CHECK_NEAR(m->nans + 10 * m->infinities, 11.0, 0, 1.0, "others");
  CHECK_NEAR(m->zeros, 2.0, 0, 1.0, "zeros");
  CHECK_NEAR(m->min, -2.0, 0, 1.0, "min");
  CHECK_NEAR(m->mean, -0.25, 1e-15, 1.0, "mean");
  CHECK_NEAR(na_moments_std(m), sqrt(5.0 / 4 - 0.0625), 1e-15, 1.0, "std");
  CHECK_NEAR(na_moments_l2(m), sqrt(5.0), 1e-15, 1.0, "L2");
  CHECK_NEAR(scan.bins[0] + 10 * scan.bins[1] + 100 * scan.bins[2], 301.0, 0, 1.0, "bins");
  na_scan_end(&scan);
  CHECK_OK(na_scan_whole(&scan, reader, "params/conv.weight", &(na_scan_wish){.axis = 0}, &err), err);
  CHECK(scan.channels == 4 && na_moments_dead(&scan.each[2]) && !na_moments_dead(&scan.each[1]), "dead channels");
  CHECK_NEAR(scan.each[1].mean, (-18.0 + 8.5) / 36, 1e-7, 1.0, "a channel's mean");
  na_scan_end(&scan);
  CHECK_FAILS(na_scan_whole(&scan, reader, "params/odd", &(na_scan_wish){.axis = 1}, &err), NA_EINVAL, "no axis 1",
              err);
  na_scan_end(&scan);
  na_reader_close(reader);
}

/* A scan in many blocks, of chunks that do not fit evenly, against plain sums; and a sample of it. */
static void blocks(void)
{
  enum { ROWS = 1500, COLS = 2001 };
  na_h5 *file;
  na_scan scan;
  na_reader *reader;
  double sum = 0, squares = 0;
  float *values = na_alloc_array((size_t)ROWS * COLS, sizeof *values);
  for (long i = 0; i < (long)ROWS * COLS; i++) {
    values[i] = (float)(i % 1013) / 8 - 50;
    sum += (double)values[i];
    squares += (double)values[i] * (double)values[i];
  }
  CHECK_OK(na_h5_create(&file, scratch_path("large.h5"), &err), err);
  CHECK_OK(na_h5_packed(file, "x", NA_H5_FLOAT, 2, (long long[]){ROWS, COLS}, &err), err);
  CHECK_OK(na_h5_write_rows(file, "x", NA_H5_FLOAT, 0, ROWS, values, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
  CHECK_OK(na_reader_open(&reader, scratch_path("large.h5"), &err), err);
  CHECK_OK(na_scan_whole(&scan, reader, "x", &(na_scan_wish){.axis = 1, .bins = 10}, &err), err);
  double count = (double)ROWS * COLS, binned = 0;
  CHECK_NEAR(scan.all.count, count, 0, 1.0, "count");
  CHECK_NEAR(scan.all.mean, sum / count, 1e-12, 1.0, "mean");
  CHECK_NEAR(scan.all.squares, squares, 1e-12, squares, "squares");
  CHECK_NEAR(na_moments_std(&scan.all), sqrt(squares / count - sum / count * sum / count), 1e-9, 1.0, "std");
  for (int i = 0; i < 10; i++) binned += scan.bins[i];
  CHECK_NEAR(binned, count, 0, 1.0, "values in bins");
  double channel = 0;
  for (long r = 0; r < ROWS; r++) channel += (double)values[r * COLS + 2000];
  CHECK(scan.channels == COLS, "%lld channels", scan.channels);
  CHECK_NEAR(scan.each[2000].mean, channel / ROWS, 1e-12, 1.0, "the last channel");
  na_scan_end(&scan);
  CHECK_OK(na_scan_whole(&scan, reader, "x", &(na_scan_wish){.axis = -1, .limit = 1e6}, &err), err);
  CHECK(scan.sampled && scan.all.count > 5e5 && scan.all.count < count, "%g values of a sample", scan.all.count);
  na_scan_end(&scan);
  na_reader_close(reader);
  na_free(values);
}

static void sorts_tensors(void)
{
  na_tensors tensors;
  bool more = true;
  na_reader *reader = open_made(make_file);
  CHECK_OK(na_tensors_begin(&tensors, reader, 0, &err), err);
  CHECK(tensors.count == 3, "%zu tensors", tensors.count);
  while (more) na_tensors_step(&tensors, &more);
  na_tensors_sort(&tensors, NA_TENSOR_SORT_MAX, false);
  CHECK(strcmp(tensors.items[tensors.order[0]].path, "/deep/er/one") == 0, "the largest maximum");
  na_tensors_sort(&tensors, NA_TENSOR_SORT_BAD, false);
  CHECK(strcmp(tensors.items[tensors.order[0]].path, "/params/odd") == 0, "values that are not finite");
  na_tensors_sort(&tensors, NA_TENSOR_SORT_VALUES, true);
  CHECK(strcmp(tensors.items[tensors.order[0]].path, "/deep/er/one") == 0, "the fewest values");
  na_tensors_end(&tensors);
  na_reader_close(reader);
}

/* ----------------------------------------------------------------------------------- pages */

static void tells_details(void)
{
  na_tree tree;
  na_page page = {.rows = 0};
  na_slice slice;
  na_scan scan;
  na_reader *reader = open_made(make_file);
  CHECK_OK(na_tree_init(&tree, reader, &err), err);
  na_page_begin(&page, 200, 80, true, false);
  int node = na_tree_find(&tree, "params/conv.weight", &err);
  na_detail_about(&page, &tree, node);
  has(&page, "shape       [4,2,3,3], 72 values");
  has(&page, "type        float32");
  const na_h5_about *about = na_tree_about(&tree, node);
  const na_subject subject = {reader, "/params/conv.weight", about, ""};
  CHECK_OK(na_slice_parse(&slice, "1,0", about, &err), err);
  na_detail_values(&page, &subject, &slice, 100);
  has(&page, "values [1,0,:,:]");
  has(&page, "0      -0.5 -0.472222 -0.444444");
  CHECK_OK(na_slice_parse(&slice, "", about, &err), err);
  na_detail_values(&page, &subject, &slice, 10);
  has(&page, "72 values are too many");
  CHECK_OK(na_scan_whole(&scan, reader, "/params/conv.weight", &(na_scan_wish){.axis = 0, .bins = 4}, &err), err);
  na_detail_statistics(&page, &scan, 3);
  has(&page, "1 of them is dead");
  has(&page, "and 1 more");
  na_scan_end(&scan);
  na_page_begin(&page, 200, 80, true, false);
  na_detail_pictures(&page, &subject, &slice, 30);
  has(&page, "pictures [:,:,:,:], -1 to 0.9722 (zero in the middle)");
  na_page_begin(&page, 200, 80, true, false);
  na_detail_about(&page, &tree, na_tree_find(&tree, "params", &err));
  has(&page, "  two = 2");
  na_page_begin(&page, 200, 60, true, false);
  const na_subject odd = {reader, "/params/odd", na_tree_about(&tree, na_tree_find(&tree, "params/odd", &err)), ""};
  CHECK_OK(na_slice_parse(&slice, "", odd.about, &err), err);
  na_detail_pictures(&page, &odd, &slice, 10);
  has(&page, "curve [:]");
  has(&page, "          0 to 5");
  na_page_free(&page);
  na_tree_free(&tree);
  na_reader_close(reader);
}

static void shows_activations(void)
{
  na_page page = {.rows = 0};
  na_recording recording;
  na_reader *reader = open_made(make_recording);
  na_page_begin(&page, 200, 80, true, false);
  CHECK(na_activations_page(&page, reader, "/base/conv", 1, 0, 12), "no page");
  has(&page, "conv, image 2 of 3, class 6");
  has(&page, "base: channels 0 to 1 of 2, 0 to 3");
  has(&page, "augmented: channels 0 to 2 of 3, 0 to 2");
  has(&page, "base: 1 of 2 channels dead (zero on all images): 1");
  has(&page, "augmented: 1 of 3 channels dead (zero on all images): 0");
  has(&page, "    0       1.5      1.12  25.0%      6.48");
  na_page_free(&page);
  na_reader_close(reader);
  reader = open_made(make_file);
  CHECK_FAILS(na_recording_open(&recording, reader, &err), NA_EFORMAT, "no recording", err);
  na_recording_close(&recording);
  na_reader_close(reader);
}

static void draws_pictures(void)
{
  static const double values[] = {0, 1, 2, 3, 4, 5, 6, 7};
  na_grid grid = {.utf8 = true, .heat = true};
  CHECK_OK(na_grid_resize(&grid, 4, 10, &err), err);
  const na_picture plain = {values, 2, 4, 0, 7, false}, sign = {values, 2, 4, -14, 7, true};
  na_picture_draw(&plain, &grid, (na_area){0, 0, 4, 10}, 1);
  const na_cell *cell = &grid.cells[3];
  CHECK(cell->rune == 0x2580 && cell->style == NA_STYLE_HEAT, "rune %x", (unsigned)cell->rune);
  CHECK(cell->upper == 9 && cell->lower == NA_HEAT_LEVELS - 1, "levels %d %d", cell->upper, cell->lower);
  na_area size = na_picture_size(&plain, (na_area){0, 0, 4, 10}, 2);
  CHECK(size.rows == 2 && size.cols == 8, "%d x %d", size.rows, size.cols);
  size = na_picture_size(&plain, (na_area){0, 0, 4, 2}, 1);
  CHECK(size.rows == 1 && size.cols == 2, "shrunk to %d x %d", size.rows, size.cols);
  na_picture_draw(&sign, &grid, (na_area){2, 0, 2, 10}, 1);
  CHECK(grid.cells[20].upper == (NA_HEAT_LEVELS - 1) / 2, "zero lies at level %d", grid.cells[20].upper);
  grid.heat = false;
  na_picture_draw(&plain, &grid, (na_area){0, 0, 4, 10}, 1);
  CHECK(grid.cells[0].rune == '-' && grid.cells[3].rune == '*', "letters %c %c", (char)grid.cells[0].rune,
        (char)grid.cells[3].rune);
  na_grid_free(&grid);
}

/* --------------------------------------------------------------------------------- screens */

static void start(na_browser *browser, void (*make)(const char *path), const char *path, int rows, int cols)
{
  make(scratch_path("made.h5"));
  CHECK_OK(na_browser_open(browser, scratch_path("made.h5"), path, true, &err), err);
  CHECK_OK(na_grid_resize(&browser->grid, rows, cols, &err), err);
}

/* Keys, what they begin, and the screen then. */
static void same_screen(na_browser *browser, const char *keys, const char *name)
{
  for (const char *key = keys; *key != '\0'; key++) na_browser_key(browser, *key == '\n' ? NA_KEY_ENTER : *key);
  na_browser_draw(browser);
  while (na_inspect_work(&browser->inspect, 1)) continue;
  na_browser_draw(browser);
  saved_screen(&browser->grid, name);
}

static void screens(void)
{
  na_browser b;
  start(&b, make_file, NULL, 24, 80);
  same_screen(&b, "", "inspect-80x24.txt");
  same_screen(&b, "/par\n\njpp", "inspect-statistics-80x24.txt");
  same_screen(&b, "p", "inspect-pictures-80x24.txt");
  same_screen(&b, "=0,:,0\nP>", "inspect-values-80x24.txt");
  same_screen(&b, "too", "inspect-tensors-80x24.txt");
  same_screen(&b, "t?", "inspect-help-80x24.txt");
  na_browser_free(&b);
  start(&b, make_recording, "base/conv", 24, 80);
  same_screen(&b, "P>", "inspect-activations-80x24.txt");
  na_browser_free(&b);
  start(&b, make_file, "params/odd", 14, 40);
  b.grid.utf8 = false;
  same_screen(&b, "p", "inspect-ascii-40x14.txt");
  na_browser_free(&b);
}

/* No key does nothing, none crashes at any size. */
static void keys(void)
{
  static const int sizes[][2] = {{24, 80}, {1, 1}, {2, 8}, {5, 20}, {9, 40}, {60, 200}};
  static const int all[] = {
#define KEY(action, key, also, name, hint, help) key,
      NA_INSPECT_KEYS(KEY)
#undef KEY
          '?', NA_KEY_UP, NA_KEY_DOWN, NA_KEY_PAGE_UP, NA_KEY_PAGE_DOWN, NA_KEY_HOME, NA_KEY_END, 'j'};
  na_browser b;
  for (int file = 0; file < 2; file++) {
    start(&b, file == 0 ? make_file : make_recording, file == 0 ? "params" : "base/conv", 24, 80);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
      for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        CHECK_OK(na_grid_resize(&b.grid, sizes[s][0], sizes[s][1], &err), err);
        CHECK(na_browser_key(&b, all[k]), "key %d is not known", all[k]);
        if (b.typing) na_browser_key(&b, NA_KEY_ESCAPE);
        na_browser_draw(&b);
        na_inspect_work(&b.inspect, 0.01);
        na_browser_draw(&b);
      }
    CHECK(!na_browser_key(&b, 'Z') && !b.leaving, "a key without a meaning");
    na_browser_key(&b, 'q');
    CHECK(b.leaving, "q leaves");
    na_browser_free(&b);
  }
}

/* The file's reading process dies under the screen: it says so and goes on. */
static void outlives_trouble(void)
{
  na_browser b;
  start(&b, make_file, "params/odd", 24, 200);
  na_browser_draw(&b);
  kill(na_reader_process(b.inspect.reader), SIGKILL);
  na_browser_key(&b, 'p');
  na_browser_draw(&b);
  has(&b.inspect.page, "HDF5 does not survive reading /params/odd");
  na_browser_key(&b, 'r');
  na_browser_draw(&b);
  has(&b.inspect.page, "nan");
  na_browser_free(&b);
  CHECK_FAILS(na_browser_open(&b, scratch_path("none.h5"), NULL, true, &err), NA_EIO, "No such file", err);
}

/* Each allocation fails once, here and in the reading process: an error with words or a gap on the
 * screen, no crash. */
static void allocations_fail(void)
{
  static const char keys[] = "/par\n\njpp=0\nPPtoot/x\nr";
  int failed = 0;
  make_recording(scratch_path("made.h5"));
  for (unsigned long at = 1; at < 400; at += 1 + at / 40) {
    na_browser b;
    na_error_clear(&err);
    na_alloc_fail_at(at);
    int code = na_browser_open(&b, scratch_path("made.h5"), "base/conv", true, &err);
    CHECK(code == NA_OK || err.message[0] != '\0', "allocation %lu: no words", at);
    failed += code != NA_OK;
    for (const char *key = keys; code == NA_OK && *key != '\0'; key++) {
      na_browser_key(&b, *key == '\n' ? NA_KEY_ENTER : *key);
      na_browser_draw(&b);
      na_inspect_work(&b.inspect, 0.005);
    }
    na_alloc_fail_at(0);
    if (code == NA_OK) na_browser_free(&b);
  }
  CHECK(failed > 0, "no allocation failed");
}

/* ------------------------------------------------------------------- the live screen's views */

static void live_has(na_live *live, const char *words)
{
  na_buffer text = {0};
  na_live_draw(live);
  na_grid_text(&live->grid, &text);
  CHECK(strstr(text.data, words) != NULL, "no \"%s\" in:\n%s", words, text.data);
  na_free(text.data);
}

/* View 4 lists the run's files, newest first, opens one and goes back. */
static void files_of_a_run(void)
{
  na_live live;
  make_recording(scratch_path("activations-00000007.h5"));
  make_file(scratch_path("best.h5"));
  CHECK_OK(na_live_init(&live, true, &err), err);
  na_live_key(&live, '4');
  live_has(&live, "no run has files yet");
  snprintf(live.folder, sizeof live.folder, "%s", scratch);
  na_live_show(&live, &na_view_files);
  live_has(&live, " best.h5 ");
  live_has(&live, "recorded activations");
  for (int i = 0; i < 4; i++) na_live_draw(&live); /* a file is looked into each time */
  na_live_key(&live, NA_KEY_HOME);
  na_live_key(&live, NA_KEY_ENTER);
  live_has(&live, "╭─ about  values  statistics  pictures");
  na_live_key(&live, '=');
  CHECK(!live.asking, "a group was sliced");
  na_live_key(&live, '/');
  CHECK(live.asking && live.question.line, "a name is asked for");
  na_live_typed(&live, "params", true);
  na_live_key(&live, NA_KEY_ESCAPE);
  live_has(&live, " best.h5 ");
  na_live_key(&live, 'F');
  na_live_typed(&live, scratch_path("none.h5"), true);
  CHECK(strstr(live.notice, "No such file") != NULL, "notice: %s", live.notice);
  na_live_free(&live);
}

/* View 5 shows the newest recording, and goes over to a newer one. */
static void activations_of_a_run(void)
{
  na_live live;
  CHECK_OK(na_live_init(&live, true, &err), err);
  na_live_key(&live, '5');
  live_has(&live, "nothing was recorded yet");
  make_recording(scratch_path("activations-00000007.h5"));
  snprintf(live.folder, sizeof live.folder, "%s", scratch);
  na_live_show(&live, &na_view_activations);
  live_has(&live, "conv, image 1 of 3, class 5");
  na_live_key(&live, '>');
  live_has(&live, "conv, image 2 of 3, class 6");
  make_recording(scratch_path("activations-00000009.h5"));
  na_live_show(&live, &na_view_activations);
  live_has(&live, "activations-00000009.h5");
  live_has(&live, "conv, image 2 of 3, class 6");
  na_live_free(&live);
}

int main(void)
{
  if (!scratch_make()) return EXIT_FAILURE;
  RUN(slices);
  RUN(trees);
  RUN(statistics);
  RUN(blocks);
  RUN(sorts_tensors);
  RUN(tells_details);
  RUN(shows_activations);
  RUN(draws_pictures);
  RUN(screens);
  RUN(keys);
  RUN(outlives_trouble);
  RUN(allocations_fail);
  RUN(files_of_a_run);
  RUN(activations_of_a_run);
  scratch_remove();
  return CHECK_EXIT();
}
