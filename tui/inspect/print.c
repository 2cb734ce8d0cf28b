/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/print.h"
#include "core/base/memory.h"
#include "tui/inspect/activations.h"
#include "tui/inspect/detail.h"
#include "tui/signals.h"

#include <stdio.h>
#include <string.h>

enum {
  LINE_COLS = 1000,
  NAME_COLS = 40,
  INDENT_MOST = 40,
  VALUE_BYTES = 60,
  CHANNELS_MOST = 4096,
  PICTURE_ROWS = 40,
  VALUES_FIRST = 10
};

/* ------------------------------------------------------------------------------- the tree */

static void describe(na_tree *tree, int node, na_buffer *out)
{
  char shape[256], size[16];
  const na_tree_node *n = &tree->nodes[node];
  const na_h5_about *a = na_tree_about(tree, node);
  if (a == NULL) na_buffer_add(out, "cannot be read: %s", n->trouble != NULL ? n->trouble : "?");
  else if (a->kind == NA_H5_KIND_DATASET) {
    na_tree_shape(a, shape);
    na_text_bytes(size, a->stored);
    na_buffer_add(out, "%s  %s  %s", shape, a->type, size);
    if (a->filters[0] != '\0') na_buffer_add(out, "  %s", a->filters);
    if (a->trouble[0] != '\0') na_buffer_add(out, "  (%s)", a->trouble);
    if (a->links > 1) na_buffer_add(out, "  (%u names)", a->links);
  } else if (a->kind == NA_H5_KIND_GROUP)
    na_buffer_add(out, "%lld member%s", a->members, na_text_plural(a->members));
  else if (a->kind == NA_H5_KIND_TYPE) na_buffer_add(out, "named type %s", a->type);
  else if (n->target != NULL)
    na_buffer_add(out, "-> %s%s", n->target,
                  a->kind == NA_H5_KIND_EXTERNAL ? "  (another file, not followed)"
                  : a->dangling                  ? "  (leads nowhere)"
                                                 : "");
  else na_buffer_add(out, "%s", na_h5_kind_words((na_h5_kind)a->kind));
}

static void print_attributes(na_page *page, na_tree *tree, int node, int indent)
{
  na_buffer path = {0}, texts = {0};
  na_error err = {0};
  const na_h5_about *a = tree->nodes[node].about;
  if (a == NULL || a->kind > NA_H5_KIND_TYPE || a->attributes == 0) return;
  na_tree_path(tree, node, &path);
  if (path.failed ||
      na_reader_attributes(tree->reader, path.data, VALUE_BYTES, &texts, &err) != NA_OK)
    na_page_line(page, NA_STYLE_PLAIN, "%*s@ %s", indent, "", err.message);
  else
    for (size_t at = 0; at < texts.length;) {
      const char *name = texts.data + at, *type = name + strlen(name) + 1,
                 *value = type + strlen(type) + 1;
      na_page_line(page, NA_STYLE_PLAIN, "%*s@%s = %s", indent, "", name, value);
      at = (size_t)(value + strlen(value) + 1 - texts.data);
    }
  na_free(path.data);
  na_free(texts.data);
}

static void print_node(na_page *page, na_tree *tree, int node, int depth)
{
  na_buffer words = {0};
  int indent = 2 * depth < INDENT_MOST ? 2 * depth : INDENT_MOST;
  int row = na_page_room(page, 1);
  describe(tree, node, &words);
  if (row < 0) return;
  const na_tree_node *n = &tree->nodes[node];
  int used = indent + na_grid_put(&page->grid, row, indent, LINE_COLS / 2, NA_STYLE_PLAIN, n->name);
  if (n->kind == NA_H5_KIND_GROUP && node > 0)
    na_grid_put(&page->grid, row, used++, 1, NA_STYLE_PLAIN, "/");
  int col = used + 2 > NAME_COLS ? used + 2 : NAME_COLS;
  if (words.data != NULL)
    na_grid_put(&page->grid, row, col, LINE_COLS - col, NA_STYLE_PLAIN, words.data);
  na_free(words.data);
  print_attributes(page, tree, node, indent + 2);
}

/* A group that is one of those shown already is not opened again: files may have cycles. */
static int enter(na_page *page, na_tree *tree, int node, int depth, na_error *err)
{
  int same = na_tree_same_above(tree, node);
  if (same < 0) return na_tree_open(tree, node, err);
  na_buffer path = {0};
  na_tree_path(tree, same, &path);
  if (path.data != NULL)
    na_page_line(page, NA_STYLE_PLAIN, "%*s= %s",
                 2 * depth + 2 < INDENT_MOST ? 2 * depth + 2 : INDENT_MOST, "", path.data);
  na_free(path.data);
  return NA_OK;
}

static int print_below(const na_print *print, na_page *page, na_tree *tree, int top, na_error *err)
{
  int code = NA_OK, top_depth = tree->nodes[top].depth;
  for (int node = top; node >= 0 && code == NA_OK; node = na_tree_next(tree, node)) {
    int depth = tree->nodes[node].depth - top_depth;
    if (node != top && depth <= 0) break;
    na_page_begin(page, LINE_COLS, print->width, print->utf8, false);
    print_node(page, tree, node, depth);
    if (tree->nodes[node].kind == NA_H5_KIND_GROUP && (print->depth == 0 || depth < print->depth))
      code = enter(page, tree, node, depth, err);
    else tree->nodes[node].open = false;
    if (tree->nodes[node].unseen > 0)
      na_page_line(page, NA_STYLE_PLAIN, "  and %lld more, which are not listed",
                   tree->nodes[node].unseen);
    if (code == NA_OK) code = na_page_print(page, err);
    if (na_signals_interrupted()) code = na_fail(err, NA_ESTOPPED, "interrupted");
    if (ferror(stdout)) break; /* whoever reads has left */
  }
  return code;
}

int na_print_tree(const na_print *print, na_tree *tree, int node, na_error *err)
{
  na_page page = {.rows = 0};
  int code = print_below(print, &page, tree, node, err);
  na_page_free(&page);
  return code;
}

/* --------------------------------------------------------------------------------- objects */

static int scan_object(const na_print *print, na_page *page, const na_subject *s, na_error *err)
{
  na_scan scan;
  na_scan_wish wish = {.axis = print->axis, .bins = print->bins, .limit = print->limit};
  snprintf(wish.field, sizeof wish.field, "%s", s->field);
  if (wish.axis == -1) wish.axis = na_detail_axis(s->path, s->about);
  int code = na_scan_begin(&scan, s->reader, s->path, &wish, err);
  while (code == NA_OK && !scan.finished) {
    code = na_scan_step(&scan, err);
    if (code == NA_OK && na_signals_interrupted()) code = na_fail(err, NA_ESTOPPED, "interrupted");
  }
  if (code == NA_OK) na_detail_statistics(page, &scan, CHANNELS_MOST);
  na_scan_end(&scan);
  return code;
}

/* Without a slice, the beginning of the last two dimensions. */
static int choose_slice(const na_print *print, const na_h5_about *about, na_slice *slice,
                        na_error *err)
{
  if (print->slice[0] != '\0') return na_slice_parse(slice, print->slice, about, err);
  na_slice_first(slice, about);
  for (int i = 0; i < about->rank; i++)
    if (slice->part.count[i] > VALUES_FIRST) slice->part.count[i] = VALUES_FIRST;
  return NA_OK;
}

static int print_dataset(const na_print *print, na_page *page, const na_subject *s, na_error *err)
{
  na_slice slice, whole;
  bool numbers = s->about->numbers || s->field[0] != '\0';
  int code = choose_slice(print, s->about, &slice, err);
  if (code != NA_OK || s->about->trouble[0] != '\0') return code;
  na_detail_values(page, s, &slice, NA_READER_VALUES);
  if (numbers && print->slice[0] == '\0' && s->about->count > 1)
    code = scan_object(print, page, s, err);
  if (code != NA_OK) return code;
  whole = slice;
  if (print->slice[0] == '\0') na_slice_parse(&whole, "", s->about, NULL);
  bool shown =
      print->slice[0] == '\0' && na_activations_page(page, s->reader, s->path, 0, 0, PICTURE_ROWS);
  if (!shown && numbers) na_detail_pictures(page, s, &whole, PICTURE_ROWS);
  return NA_OK;
}

int na_print_object(const na_print *print, na_tree *tree, int node, na_error *err)
{
  na_page page = {.rows = 0};
  na_buffer path = {0};
  na_page_begin(&page, LINE_COLS, print->width, print->utf8, false);
  na_detail_about(&page, tree, node);
  const na_h5_about *about = na_tree_about(tree, node);
  na_tree_path(tree, node, &path);
  int code = path.failed ? na_fail_memory(err, path.length, "a path") : NA_OK;
  if (code == NA_OK && about != NULL && about->kind == NA_H5_KIND_DATASET) {
    const na_subject subject = {tree->reader, path.data, about, print->field};
    code = print_dataset(print, &page, &subject, err);
  }
  if (code == NA_OK) code = na_page_print(&page, err);
  if (code == NA_OK && about != NULL && about->kind == NA_H5_KIND_GROUP) {
    putchar('\n');
    code = na_print_tree(print, tree, node, err);
  }
  if (code == NA_OK && about == NULL)
    code = na_fail(err, NA_EFORMAT, "%s",
                   tree->nodes[node].trouble != NULL ? tree->nodes[node].trouble : "?");
  na_free(path.data);
  na_page_free(&page);
  return code;
}

int na_print_tensors(const na_print *print, na_reader *reader, na_error *err)
{
  na_tensors tensors = {.items = NULL};
  na_page page = {.rows = 0};
  bool more = true;
  int code = na_tensors_begin(&tensors, reader, print->limit, err);
  while (code == NA_OK && more) {
    na_tensors_step(&tensors, &more);
    if (na_signals_interrupted()) code = na_fail(err, NA_ESTOPPED, "interrupted");
  }
  if (code == NA_OK && tensors.count == 0)
    code = na_fail(err, NA_EFORMAT, "%s holds no numbers", na_reader_path(reader));
  if (code == NA_OK) {
    na_tensors_sort(&tensors, print->sort, print->reverse);
    na_page_begin(&page, LINE_COLS, print->width, print->utf8, false);
    na_tensors_page(&tensors, &page, print->sort);
    code = na_page_print(&page, err);
  }
  na_page_free(&page);
  na_tensors_end(&tensors);
  return code;
}
