/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/inspect/detail.h"

#include <stdio.h>
#include <string.h>

enum { ATTRIBUTE_BYTES = 64 << 10 };

int na_detail_axis(const char *path, const na_h5_about *about)
{
  static const char *const by_image[] = {"/base/", "/augmented/", "/images"};
  if (about->rank < 1) return -1;
  for (size_t i = 0; i < sizeof by_image / sizeof by_image[0] && about->rank == 4; i++)
    if (strncmp(path, by_image[i], strlen(by_image[i])) == 0) return 1;
  return about->rank >= 2 ? 0 : -1;
}

static void add_sizes(na_page *page, const na_h5_about *a)
{
  char stored[16], whole[16];
  double bytes = a->count * (double)a->item;
  na_text_bytes(stored, a->stored);
  na_text_bytes(whole, bytes);
  if (a->stored > 0 && a->stored < 0.98 * bytes)
    na_page_field(page, "size", "%s, packed into %s (%.2g to 1)", whole, stored, bytes / a->stored);
  else na_page_field(page, "size", "%s, %s in the file", whole, stored);
}

static void add_limits(na_page *page, const na_h5_about *a)
{
  na_buffer text = {0};
  bool grows = false;
  for (int i = 0; i < a->rank; i++) {
    grows |= a->most[i] != a->dims[i];
    if (a->most[i] < 0) na_buffer_add(&text, "%sany", i > 0 ? "," : "");
    else na_buffer_add(&text, "%s%lld", i > 0 ? "," : "", a->most[i]);
  }
  if (grows && text.data != NULL) na_page_field(page, "grows to", "[%s]", text.data);
  na_free(text.data);
}

static void add_storage(na_page *page, const na_h5_about *a)
{
  na_buffer text = {0};
  na_buffer_add(&text, "%s", a->layout);
  for (int i = 0; i < a->rank && a->chunk[0] > 0; i++)
    na_buffer_add(&text, "%s%lld%s", i > 0 ? "," : " [", a->chunk[i], i + 1 < a->rank ? "" : "]");
  if (a->filters[0] != '\0') na_buffer_add(&text, ", %s", a->filters);
  if (text.data != NULL) na_page_field(page, "storage", "%s", text.data);
  na_free(text.data);
}

static void add_dataset(na_page *page, const na_h5_about *a)
{
  char shape[256];
  na_tree_shape(a, shape);
  na_page_field(page, "type", "%s", a->type);
  na_page_field(page, "shape", "%s, %.0f value%s", shape, a->count,
                a->count > 1 || a->count < 1 ? "s" : "");
  add_limits(page, a);
  add_storage(page, a);
  add_sizes(page, a);
  if (a->trouble[0] != '\0') na_page_line(page, NA_STYLE_ALERT, "cannot be read: %s", a->trouble);
}

/* The lines of a text of several lines below each other. */
static void add_attribute(na_page *page, const char *name, const char *type, const char *value)
{
  if (strchr(value, '\n') == NULL) {
    na_page_field(page, name, "%s   (%s)", value, type);
    return;
  }
  na_page_field(page, name, "(%s)", type);
  for (const char *at = value; *at != '\0';) {
    size_t length = strcspn(at, "\n");
    na_page_line(page, NA_STYLE_PLAIN, "  %.*s", (int)(length < 4000 ? length : 4000), at);
    at += length + (at[length] == '\n');
  }
}

static int longest_name(const na_buffer *texts)
{
  int longest = 0, i = 0;
  for (size_t at = 0; at < texts->length; at += strlen(texts->data + at) + 1, i++) {
    int cols = i % 3 == 0 ? na_utf8_columns(texts->data + at) : 0;
    longest = cols > longest ? cols : longest;
  }
  return longest;
}

static void add_attributes(na_page *page, na_tree *tree, const char *path)
{
  na_buffer texts = {0};
  na_error err = {0};
  int code = na_reader_attributes(tree->reader, path, ATTRIBUTE_BYTES, &texts, &err);
  if (code != NA_OK) na_page_alert(page, err.message);
  else if (texts.length > 0) na_page_title(page, "attributes");
  na_page_labels(page, longest_name(&texts));
  for (size_t at = 0; code == NA_OK && at < texts.length;) {
    const char *part[3] = {"", "", ""};
    for (int i = 0; i < 3 && at < texts.length; i++) {
      part[i] = texts.data + at;
      at += strlen(part[i]) + 1;
    }
    add_attribute(page, part[0], part[1], part[2]);
  }
  na_page_labels(page, 0);
  na_free(texts.data);
}

void na_detail_about(na_page *page, na_tree *tree, int node)
{
  na_buffer path = {0};
  const na_h5_about *a = na_tree_about(tree, node);
  const na_tree_node *n = &tree->nodes[node];
  na_tree_path(tree, node, &path);
  const char *name = path.data != NULL ? path.data : "?";
  na_page_line(page, NA_STYLE_TITLE, "%s", name);
  na_page_field(page, "is a", "%s%s", na_h5_kind_words((na_h5_kind)(a != NULL ? a->kind : n->kind)),
                a != NULL && a->dangling ? " that leads nowhere" : "");
  if (n->target != NULL) na_page_field(page, "leads to", "%s", n->target);
  if (n->trouble != NULL) na_page_alert(page, n->trouble);
  if (a != NULL && a->kind <= NA_H5_KIND_TYPE) {
    if (a->kind == NA_H5_KIND_GROUP) na_page_field(page, "members", "%lld", a->members);
    if (a->kind == NA_H5_KIND_DATASET) add_dataset(page, a);
    if (a->kind == NA_H5_KIND_TYPE) na_page_field(page, "type", "%s", a->type);
    if (a->links > 1) na_page_field(page, "names", "%u in this file", a->links);
    add_attributes(page, tree, name);
  }
  na_free(path.data);
}
