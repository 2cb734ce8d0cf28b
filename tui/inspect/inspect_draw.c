/* How the inspector looks; inspect.c is what its keys do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/inspect_private.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------------- the page */

static const char *const page_names[NA_PAGE_KINDS] = {"about", "values", "statistics", "pictures",
                                                      "activations"};
static const char *const no_numbers[NA_PAGE_KINDS] = {
    "", "an array has values; Enter opens a group", "an array of numbers has statistics",
    "an array of numbers has pictures", "no layer was recorded here: see below base"};
enum { VALUES_MOST = 4096, COLUMNS_MOST = 64, CHANNELS_SHOWN = 1024 };

/* Of the slice what a screen can hold. */
static na_slice seen(const na_inspect *s)
{
  na_slice slice = s->slice;
  for (int i = slice.part.rank - 1, most = COLUMNS_MOST; i >= 0; i--) {
    if (slice.part.count[i] > most) slice.part.count[i] = most;
    if (na_h5_part_count(&slice.part) > VALUES_MOST && slice.part.count[i] > 8 &&
        i < slice.part.rank - 2)
      slice.part.count[i] = 8;
  }
  return slice;
}

static void make_activations(na_inspect *s, const char *path, int rows)
{
  const char *name = strncmp(path, "/base/", 6) == 0         ? path + 6
                     : strncmp(path, "/augmented/", 11) == 0 ? path + 11
                                                             : "";
  int layer = s->recorded ? na_recording_find(&s->recording, name) : -1;
  if (layer < 0) {
    na_page_line(&s->page, NA_STYLE_FAINT, "%s", no_numbers[NA_PAGE_ACTIVATIONS]);
    return;
  }
  s->channels_shown =
      na_recording_maps(&s->recording, &s->page, layer, s->image, s->channel, rows - 2);
  na_recording_channels(&s->recording, &s->page, layer, CHANNELS_SHOWN);
}

static void make_dataset(na_inspect *s, const na_h5_about *about, const char *path, int rows)
{
  bool whole = s->kind == NA_PAGE_VALUES; /* a table's values are seen together */
  if (!whole && s->field[0] == '\0' && about->fields[0] != '\0') na_inspect_field(s, about);
  const na_subject subject = {s->reader, path, about, whole ? "" : s->field};
  na_inspect_slice(s, about);
  na_slice slice = seen(s);
  switch (s->kind) {
  case NA_PAGE_VALUES: na_detail_values(&s->page, &subject, &slice, NA_READER_VALUES); break;
  case NA_PAGE_STATISTICS:
    na_inspect_scan(s, about, path);
    if (s->trouble[0] != '\0') na_page_alert(&s->page, s->trouble);
    else na_detail_statistics(&s->page, &s->scan, CHANNELS_SHOWN);
    break;
  case NA_PAGE_PICTURES:
    if (s->chosen) slice = s->slice;
    else na_slice_parse(&slice, "", about, NULL);
    na_detail_pictures(&s->page, &subject, &slice, rows - 3 > 4 ? rows - 3 : 4);
    if (s->page.rows == 0)
      na_page_line(&s->page, NA_STYLE_FAINT, "arrays of numbers have pictures");
    break;
  default: make_activations(s, path, rows); break;
  }
}

static void make_page(na_inspect *s, const na_grid *grid, int rows, int cols)
{
  bool resized = s->page.grid.cols != cols || s->page.width != cols;
  if (!s->stale && !resized) return;
  na_buffer path = {0};
  s->stale = false;
  na_page_begin(&s->page, cols, cols, grid->utf8, grid->heat);
  const na_h5_about *about = na_inspect_dataset(s);
  na_tree_path(&s->tree, s->selected, &path);
  if (s->kind == NA_PAGE_ABOUT) na_detail_about(&s->page, &s->tree, s->selected);
  else if (about == NULL) na_page_line(&s->page, NA_STYLE_FAINT, "%s", no_numbers[s->kind]);
  else if (about->trouble[0] != '\0') na_page_alert(&s->page, about->trouble);
  else if (path.data != NULL) make_dataset(s, about, path.data, rows);
  na_free(path.data);
}

/* -------------------------------------------------------------------------------- drawing */

static void draw_titles(const na_inspect *s, na_grid *grid, int row, int col, int cols)
{
  int kinds = s->recorded ? NA_PAGE_KINDS : NA_PAGE_ACTIVATIONS;
  for (int i = 0; i < kinds; i++) {
    int length = (int)strlen(page_names[i]) + 2;
    if (length > cols) return;
    na_grid_print(grid, row, col, length, i == (int)s->kind ? NA_STYLE_SELECTED : NA_STYLE_FAINT,
                  " %s ", page_names[i]);
    col += length;
    cols -= length;
  }
}

static void draw_page(na_inspect *s, na_grid *grid, na_area area)
{
  na_area inside = na_grid_frame(grid, area, "");
  draw_titles(s, grid, area.row, area.col + 2, area.cols - 4);
  if (inside.rows < 1 || inside.cols < 1) return;
  make_page(s, grid, inside.rows, inside.cols);
  int most = s->page.rows > inside.rows ? s->page.rows - inside.rows : 0;
  if (s->page_top > most) s->page_top = most;
  if (s->page_top < 0) s->page_top = 0;
  na_grid used = s->page.grid;
  used.rows = s->page.rows;
  na_grid_copy(grid, inside, &used, s->page_top);
}

/* A group's mark, its name, and at the right end its shape or how much is in it. */
static void draw_node(na_inspect *s, na_grid *grid, int row, na_area area, int node)
{
  char right[256] = "";
  const na_h5_about *a = na_tree_about(&s->tree, node);
  const na_tree_node *n = &s->tree.nodes[node];
  int most = area.cols / 3, indent = 2 * n->depth < most ? 2 * n->depth : most;
  na_style style = node == s->selected                                ? NA_STYLE_SELECTED
                   : n->trouble != NULL || (a != NULL && a->dangling) ? NA_STYLE_ALERT
                   : n->kind == NA_H5_KIND_GROUP                      ? NA_STYLE_STRONG
                                                                      : NA_STYLE_PLAIN;
  if (node == s->selected)
    for (int c = 0; c < area.cols; c++) na_grid_set(grid, row, area.col + c, style, ' ');
  if (a != NULL && a->kind == NA_H5_KIND_DATASET) na_tree_shape(a, right);
  else if (a != NULL && a->kind == NA_H5_KIND_GROUP)
    snprintf(right, sizeof right, "%lld", a->members);
  else if (n->target != NULL) snprintf(right, sizeof right, "-> %.200s", n->target);
  int length = na_utf8_columns(right);
  if (length > area.cols / 2) length = area.cols / 2;
  uint32_t mark = n->kind != NA_H5_KIND_GROUP ? ' ' : n->open ? 0x25BE : 0x25B8;
  na_grid_set(grid, row, area.col + indent, style, mark);
  na_grid_put_end(grid, row, area.col + indent + 2, area.cols - indent - 3 - length, style,
                  n->name);
  na_grid_put(grid, row, area.col + area.cols - length, length,
              node == s->selected ? style : NA_STYLE_FAINT, right);
}

/* The first line moves no more than the selection needs. */
static void place_tree(na_inspect *s, int rows)
{
  int top = 0, selected = 0, place = 0;
  for (int node = 0; node >= 0; node = na_tree_next(&s->tree, node), place++)
    if (node == s->selected) selected = place;
  top = s->top < place ? s->top : 0;
  if (selected < top) top = selected;
  if (selected >= top + rows) top = selected - rows + 1;
  if (top > place - rows) top = place > rows ? place - rows : 0;
  s->top = top;
}

static void draw_tree(na_inspect *s, na_grid *grid, na_area area)
{
  const char *slash = strrchr(s->path, '/');
  na_area inside = na_grid_frame(grid, area, slash != NULL ? slash + 1 : s->path);
  if (inside.rows < 1 || inside.cols < 4) return;
  s->rows = inside.rows;
  place_tree(s, inside.rows);
  int node = 0;
  for (int i = 0; i < s->top && node >= 0; i++) node = na_tree_next(&s->tree, node);
  for (int r = 0; r < inside.rows && node >= 0; r++, node = na_tree_next(&s->tree, node))
    draw_node(s, grid, inside.row + r, inside, node);
}

static void draw_table(na_inspect *s, na_grid *grid, na_area area)
{
  char title[128];
  na_page page = {.rows = 0};
  snprintf(title, sizeof title, "tensors by %s%s, %zu of %zu read", na_tensor_sort_name(s->sort),
           s->reverse ? " turned round" : "", s->tensors.next, s->tensors.count);
  na_area inside = na_grid_frame(grid, area, title);
  if (inside.rows < 2 || inside.cols < 8) return;
  s->rows = inside.rows - 1;
  na_page_begin(&page, inside.cols, inside.cols, grid->utf8, grid->heat);
  na_tensors_page(&s->tensors, &page, s->sort);
  na_grid used = page.grid;
  used.rows = page.rows;
  if (s->row < s->row_top) s->row_top = s->row;
  if (s->row >= s->row_top + s->rows) s->row_top = s->row - s->rows + 1;
  na_grid_copy(grid, (na_area){inside.row, inside.col, 1, inside.cols}, &used, 0);
  na_grid_copy(grid, (na_area){inside.row + 1, inside.col, s->rows, inside.cols}, &used,
               1 + s->row_top);
  int selected = inside.row + 1 + s->row - s->row_top;
  for (int c = inside.col; c < inside.col + inside.cols && selected < grid->rows && c < grid->cols;
       c++)
    grid->cells[selected * grid->cols + c].style = NA_STYLE_SELECTED;
  na_page_free(&page);
}

void na_inspect_draw(na_inspect *s, na_grid *grid, na_area area)
{
  enum { WIDE = 60, TREE_COLS_MOST = 64, BOTH_ROWS = 9 };
  na_area tree = area, page = area;
  if (s->tree.count == 0) {
    na_grid_put(grid, area.row, area.col, area.cols, NA_STYLE_ALERT,
                "the file could not be read anew: r tries again");
    return;
  }
  if (s->table) {
    draw_table(s, grid, area);
    return;
  }
  if (area.cols >= WIDE) {
    tree.cols = area.cols * 2 / 5 < TREE_COLS_MOST ? area.cols * 2 / 5 : TREE_COLS_MOST;
    page.cols = area.cols - tree.cols;
    page.col = area.col + tree.cols;
  } else if (area.rows < BOTH_ROWS) {
    draw_tree(s, grid, tree);
    return;
  } else {
    tree.rows = area.rows / 2;
    page.rows = area.rows - tree.rows;
    page.row = area.row + tree.rows;
  }
  draw_tree(s, grid, tree);
  draw_page(s, grid, page);
}
