/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/tensors.h"
#include "core/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *na_tensor_sort_name(na_tensor_sort sort)
{
  static const char *const names[] = {
#define SORT_NAME(symbol, name, help) name,
      NA_TENSOR_SORTS(SORT_NAME)
#undef SORT_NAME
  };
  return names[sort];
}

/* ------------------------------------------------------------------------------- finding */

static int add_tensor(na_tensors *t, na_tree *tree, int node, const na_h5_about *about,
                      na_error *err)
{
  void *items = t->items;
  na_buffer path = {0};
  char shape[256];
  int code = na_grow(&items, t->count, &t->capacity, sizeof *t->items);
  t->items = items;
  na_tree_path(tree, node, &path);
  if (code != NA_OK || path.failed) {
    na_free(path.data);
    return na_fail_memory(err, t->count * sizeof *t->items, "a list of tensors");
  }
  na_tensor *made = &t->items[t->count++];
  *made = (na_tensor){.path = path.data};
  na_tree_shape(about, shape);
  snprintf(made->shape, sizeof made->shape, "%.63s", shape);
  snprintf(made->type, sizeof made->type, "%.31s", about->type);
  return NA_OK;
}

static int find_all(na_tensors *t, na_tree *tree, na_error *err)
{
  int code = NA_OK;
  for (int node = 0; node >= 0 && code == NA_OK; node = na_tree_next(tree, node)) {
    const na_tree_node *n = &tree->nodes[node];
    if (n->kind > NA_H5_KIND_DATASET) continue;
    const na_h5_about *about = na_tree_about(tree, node);
    if (about == NULL) continue;
    if (about->kind == NA_H5_KIND_DATASET && about->numbers && about->count > 0)
      code = add_tensor(t, tree, node, about, err);
    if (about->kind == NA_H5_KIND_GROUP && na_tree_same_above(tree, node) < 0)
      code = na_tree_open(tree, node, err);
  }
  return code;
}

int na_tensors_begin(na_tensors *t, na_reader *reader, double limit, na_error *err)
{
  na_tree tree;
  *t = (na_tensors){.reader = reader, .limit = limit};
  int code = na_tree_init(&tree, reader, err);
  if (code == NA_OK) code = find_all(t, &tree, err);
  na_tree_free(&tree);
  if (code == NA_OK) t->order = na_alloc_array(t->count + 1, sizeof *t->order);
  if (code == NA_OK && t->order == NULL) code = na_fail_memory(err, t->count, "a list of tensors");
  if (code != NA_OK) {
    na_tensors_end(t);
    return code;
  }
  for (size_t i = 0; i < t->count; i++) t->order[i] = (int)i;
  return NA_OK;
}

void na_tensors_end(na_tensors *t)
{
  if (t->scanning) na_scan_end(&t->scan);
  for (size_t i = 0; i < t->count; i++) {
    na_free(t->items[i].path);
    na_free(t->items[i].trouble);
  }
  na_free(t->items);
  na_free(t->order);
  *t = (na_tensors){.items = NULL};
}

/* ------------------------------------------------------------------------------- reading */

static void finish(na_tensors *t, const na_error *err)
{
  na_tensor *item = &t->items[t->next];
  if (err->code != NA_OK) item->trouble = na_strdup(err->message);
  item->moments = t->scan.all;
  item->sampled = t->scan.sampled;
  item->done = true;
  na_scan_end(&t->scan);
  t->scanning = false;
  t->next++;
}

void na_tensors_step(na_tensors *t, bool *more)
{
  na_error why = {0};
  const na_scan_wish wish = {.axis = -1, .limit = t->limit};
  *more = t->next < t->count;
  if (!*more) return;
  int code = NA_OK;
  if (!t->scanning) code = na_scan_begin(&t->scan, t->reader, t->items[t->next].path, &wish, &why);
  t->scanning = true;
  if (code == NA_OK) code = na_scan_step(&t->scan, &why);
  if (code != NA_OK || t->scan.finished) finish(t, &why);
  *more = t->next < t->count;
}

/* ------------------------------------------------------------------------------- sorting */

static double key_of(const na_tensor *item, na_tensor_sort sort)
{
  const na_moments *m = &item->moments;
  double all = m->count + m->nans + m->infinities;
  switch (sort) {
  case NA_TENSOR_SORT_VALUES: return all;
  case NA_TENSOR_SORT_MIN: return m->min;
  case NA_TENSOR_SORT_MAX: return m->max;
  case NA_TENSOR_SORT_MEAN: return m->mean;
  case NA_TENSOR_SORT_STD: return na_moments_std(m);
  case NA_TENSOR_SORT_ZEROS: return all > 0 ? m->zeros / all : 0;
  case NA_TENSOR_SORT_BAD: return m->nans + m->infinities;
  case NA_TENSOR_SORT_L1: return m->l1;
  case NA_TENSOR_SORT_L2: return na_moments_l2(m);
  case NA_TENSOR_SORT_RMS: return m->count > 0 ? sqrt(m->squares / m->count) : 0;
  default: return 0;
  }
}

/* qsort knows no context. */
static const na_tensors *sorted;
static na_tensor_sort sorted_by;
static int direction;

static int compare(const void *a, const void *b)
{
  int first = *(const int *)a, second = *(const int *)b, order = 0;
  const na_tensor *one = &sorted->items[first], *two = &sorted->items[second];
  double x = key_of(one, sorted_by), y = key_of(two, sorted_by);
  if (sorted_by == NA_TENSOR_SORT_NAME) order = strcmp(one->path, two->path);
  else if (x > y || x < y) order = x > y ? -1 : 1;
  if (order != 0 || sorted_by != NA_TENSOR_SORT_FILE) order *= direction;
  return order != 0 ? order : first < second ? -direction : direction;
}

void na_tensors_sort(na_tensors *t, na_tensor_sort sort, bool reverse)
{
  sorted = t;
  sorted_by = sort;
  direction = reverse ? -1 : 1;
  if (t->count > 0) qsort(t->order, t->count, sizeof *t->order, compare);
}

/* ------------------------------------------------------------------------------- showing */

enum { SHAPE_COLS = 18, CELL_COLS = 11, FIRST_NUMBER = NA_TENSOR_SORT_VALUES };

/* The columns of numbers, as many as fit; returns how many. */
static int choose_columns(int room, na_tensor_sort sort,
                          na_tensor_sort columns[NA_TENSOR_SORT_COUNT])
{
  int count = 0, most = room / CELL_COLS;
  bool all = most >= NA_TENSOR_SORT_COUNT - FIRST_NUMBER;
  if (!all && (int)sort >= FIRST_NUMBER && most > 0) columns[count++] = sort;
  for (int i = FIRST_NUMBER; i < NA_TENSOR_SORT_COUNT && count < most; i++)
    if (all || i != (int)sort) columns[count++] = (na_tensor_sort)i;
  return count;
}

static void format_cell(char out[32], const na_tensor *item, na_tensor_sort column)
{
  double value = key_of(item, column);
  if (column == NA_TENSOR_SORT_ZEROS) snprintf(out, 32, "%.1f%%", 100 * value);
  else if (column == NA_TENSOR_SORT_VALUES || column == NA_TENSOR_SORT_BAD)
    snprintf(out, 32, "%.0f", value);
  else snprintf(out, 32, "%.4g", value);
}

static void add_item(na_page *page, const na_tensor *item, int name_cols,
                     const na_tensor_sort *columns, int count)
{
  const na_moments *m = &item->moments;
  char cell[32];
  int row = na_page_room(page, 1), col = name_cols + 1, cols = page->grid.cols;
  if (row < 0) return;
  na_grid_put_end(&page->grid, row, 0, name_cols, NA_STYLE_PLAIN, item->path);
  if (item->trouble != NULL) {
    na_grid_put(&page->grid, row, col, cols - col, NA_STYLE_ALERT, item->trouble);
    return;
  }
  na_grid_put(&page->grid, row, col, SHAPE_COLS - 1, NA_STYLE_FAINT, item->shape);
  col += SHAPE_COLS;
  for (int i = 0; i < count && item->done; i++, col += CELL_COLS) {
    format_cell(cell, item, columns[i]);
    na_grid_print(&page->grid, row, col, CELL_COLS,
                  m->nans + m->infinities > 0 ? NA_STYLE_ALERT : NA_STYLE_PLAIN, "%10s", cell);
  }
  if (item->sampled) na_grid_put(&page->grid, row, col, cols - col, NA_STYLE_FAINT, "sample");
}

void na_tensors_page(const na_tensors *t, na_page *page, na_tensor_sort sort)
{
  na_tensor_sort columns[NA_TENSOR_SORT_COUNT];
  int name_cols = 8, most = page->width / 3 > 20 ? page->width / 3 : 20;
  if (page->grid.cols > 2 * page->width) most = page->grid.cols / 2; /* printed: not cut */
  for (size_t i = 0; i < t->count; i++) {
    int cols = na_utf8_columns(t->items[i].path);
    name_cols = cols > name_cols ? cols : name_cols;
  }
  if (name_cols > most) name_cols = most;
  int first = name_cols + 1 + SHAPE_COLS,
      count = choose_columns(page->grid.cols - first, sort, columns);
  int row = na_page_room(page, 1);
  if (row < 0) return;
  na_grid_put(&page->grid, row, 0, name_cols, NA_STYLE_TITLE, "tensor");
  na_grid_put(&page->grid, row, name_cols + 1, SHAPE_COLS - 1, NA_STYLE_TITLE, "shape");
  for (int i = 0; i < count; i++)
    na_grid_print(&page->grid, row, first + i * CELL_COLS, CELL_COLS,
                  columns[i] == sort ? NA_STYLE_SELECTED : NA_STYLE_TITLE, "%10s",
                  na_tensor_sort_name(columns[i]));
  for (size_t i = 0; i < t->count; i++)
    add_item(page, &t->items[t->order[i]], name_cols, columns, count);
}
