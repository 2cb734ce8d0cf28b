/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/tree.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------ building */

static int add_node(na_tree *tree, const na_tree_node *node, const char *name, const char *target,
                    na_error *err)
{
  void *nodes = tree->nodes;
  int code = na_grow(&nodes, tree->count, &tree->capacity, sizeof *node);
  tree->nodes = nodes;
  if (code != NA_OK) return na_fail_memory(err, tree->count * sizeof *node, "a tree");
  na_tree_node *made = &tree->nodes[tree->count];
  *made = *node;
  made->name = na_strdup(name);
  made->target = target != NULL && target[0] != '\0' ? na_strdup(target) : NULL;
  if (made->name == NULL) return na_fail_memory(err, strlen(name), "a name");
  tree->count++;
  return NA_OK;
}

int na_tree_init(na_tree *tree, na_reader *reader, na_error *err)
{
  *tree = (na_tree){.reader = reader};
  na_tree_node root = {.parent = -1, .kind = NA_H5_KIND_GROUP};
  int code = add_node(tree, &root, "/", NULL, err);
  if (code != NA_OK) return code;
  const na_h5_about *about = na_tree_about(tree, 0);
  if (about != NULL) tree->nodes[0].address = about->address;
  return na_tree_open(tree, 0, err);
}

void na_tree_free(na_tree *tree)
{
  for (size_t i = 0; i < tree->count; i++) {
    na_tree_node *node = &tree->nodes[i];
    na_free(node->name);
    na_free(node->target);
    na_free(node->trouble);
    na_free(node->about);
  }
  na_free(tree->nodes);
  *tree = (na_tree){.nodes = NULL};
}

void na_tree_path(const na_tree *tree, int node, na_buffer *out)
{
  enum { STEP = 64 };
  if (node == 0) na_buffer_add(out, "/");
  /* From the root down, without a stack that a deep file could overflow. */
  int depth = tree->nodes[node].depth;
  int *way = na_alloc_array((size_t)depth + 1, sizeof *way);
  if (way == NULL) {
    out->failed = 1;
    return;
  }
  for (int at = node, i = depth; at > 0; at = tree->nodes[at].parent) way[i--] = at;
  for (int i = 1; i <= depth; i++) na_buffer_add(out, "/%s", tree->nodes[way[i]].name);
  na_free(way);
}

static int read_members(na_tree *tree, int node, const na_h5_list *list, na_error *err)
{
  int first = (int)tree->count, code = NA_OK, depth = tree->nodes[node].depth;
  for (size_t i = 0; i < list->count && code == NA_OK; i++) {
    const na_h5_member *m = &list->members[i];
    na_tree_node made = {
        .parent = node, .depth = depth + 1, .kind = m->kind, .address = m->address};
    code = add_node(tree, &made, na_h5_member_name(list, i), na_h5_member_target(list, i), err);
  }
  tree->nodes[node].first = first;
  tree->nodes[node].count = (int)tree->count - first;
  tree->nodes[node].unseen = (long long)(list->total - list->count);
  return code;
}

static void set_trouble(na_tree *tree, int node, const na_error *err)
{
  na_tree_node *n = &tree->nodes[node];
  if (n->trouble == NULL) n->trouble = na_strdup(err->message);
}

int na_tree_open(na_tree *tree, int node, na_error *err)
{
  na_error why = {0};
  na_buffer path = {0};
  na_h5_list *list = NULL;
  if (tree->nodes[node].kind != NA_H5_KIND_GROUP) return NA_OK;
  tree->nodes[node].open = true;
  if (tree->nodes[node].read) return NA_OK;
  tree->nodes[node].read = true;
  na_tree_path(tree, node, &path);
  int code = path.failed ? na_fail_memory(err, path.length, "a path") : NA_OK;
  if (code == NA_OK && na_reader_list(tree->reader, path.data, &list, &why) != NA_OK)
    set_trouble(tree, node, &why);
  if (list != NULL) code = read_members(tree, node, list, err);
  na_free(list);
  na_free(path.data);
  return code;
}

const na_h5_about *na_tree_about(na_tree *tree, int node)
{
  na_tree_node *n = &tree->nodes[node];
  na_error err = {0};
  na_buffer path = {0};
  if (n->looked) return n->about;
  n->looked = true;
  na_tree_path(tree, node, &path);
  n->about = na_alloc(sizeof *n->about);
  if (n->about == NULL || path.failed) na_fail(&err, NA_ENOMEM, "out of memory");
  else na_reader_describe(tree->reader, path.data, n->about, &err);
  na_free(path.data);
  if (err.code == NA_OK) return n->about;
  set_trouble(tree, node, &err);
  na_free(n->about);
  n->about = NULL;
  return NULL;
}

/* ------------------------------------------------------------------------------- walking */

int na_tree_same_above(const na_tree *tree, int node)
{
  const na_tree_node *n = &tree->nodes[node];
  if (n->kind != NA_H5_KIND_GROUP) return -1;
  for (int at = n->parent; at >= 0; at = tree->nodes[at].parent)
    if (tree->nodes[at].address == n->address) return at;
  if (n->about == NULL || n->about->links < 2) return -1;
  for (int i = 0; i < node; i++)
    if (tree->nodes[i].read && tree->nodes[i].address == n->address) return i;
  return -1;
}

int na_tree_next(const na_tree *tree, int node)
{
  if (node < 0) return tree->count > 0 ? 0 : -1;
  const na_tree_node *n = &tree->nodes[node];
  if (n->open && n->count > 0) return n->first;
  for (; node > 0; node = tree->nodes[node].parent) {
    const na_tree_node *parent = &tree->nodes[tree->nodes[node].parent];
    if (node + 1 < parent->first + parent->count) return node + 1;
  }
  return -1;
}

static int find_member(const na_tree *tree, int group, const char *name, size_t length)
{
  const na_tree_node *g = &tree->nodes[group];
  for (int i = g->first; i < g->first + g->count; i++)
    if (strlen(tree->nodes[i].name) == length && memcmp(tree->nodes[i].name, name, length) == 0)
      return i;
  return -1;
}

static const char *name_at(const void *nodes, int i)
{
  return ((const na_tree_node *)nodes)[i].name;
}

static int not_there(const na_tree *tree, int group, const char *name, na_error *err)
{
  const na_tree_node *g = &tree->nodes[group];
  na_buffer path = {0};
  na_tree_path(tree, group, &path);
  if (g->kind != NA_H5_KIND_GROUP)
    na_fail(err, NA_EINVAL, "%.300s is a %s: nothing lies in it", path.data,
            na_h5_kind_words((na_h5_kind)g->kind));
  else na_fail(err, NA_EINVAL, "there is no \"%.100s\" in %.300s", name, path.data);
  na_free(path.data);
  int near = g->count > 0 ? na_text_nearest(name, g->count, name_at, &tree->nodes[g->first]) : -1;
  if (near >= 0) na_hint(err, "did you mean \"%.100s\"?", tree->nodes[g->first + near].name);
  else na_hint(err, "without a path the whole tree is listed");
  return -1;
}

static int find(na_tree *tree, int from, const char *path, int follow, na_error *err);

/* Where a soft link leads; one that leads nowhere is found itself. */
static int follow_link(na_tree *tree, int node, int follow)
{
  na_error ignored = {0};
  const na_tree_node *n = &tree->nodes[node];
  if (n->kind != NA_H5_KIND_SOFT || n->target == NULL || follow <= 0) return node;
  char *target = na_strdup(n->target);
  if (target == NULL) return node;
  int there = find(tree, target[0] == '/' ? 0 : n->parent, target, follow - 1, &ignored);
  na_free(target);
  return there >= 0 ? there : node;
}

static int find(na_tree *tree, int from, const char *path, int follow, na_error *err)
{
  int node = from;
  for (size_t length; path += strspn(path, "/"), (length = strcspn(path, "/")) > 0;
       path += length) {
    if (na_tree_open(tree, node, err) != NA_OK) return -1;
    int member = find_member(tree, node, path, length);
    if (member < 0) {
      char name[128];
      snprintf(name, sizeof name, "%.*s", (int)(length < 127 ? length : 127), path);
      return not_there(tree, node, name, err);
    }
    node = follow_link(tree, member, follow);
  }
  return node;
}

int na_tree_find(na_tree *tree, const char *path, na_error *err)
{
  enum { FOLLOWED = 8 };
  return find(tree, 0, path, FOLLOWED, err);
}

void na_tree_shape(const na_h5_about *about, char out[256])
{
  size_t used = 1;
  if (about->rank <= 0) {
    snprintf(out, 256, "%s", about->rank == 0 ? "single value" : "no value");
    return;
  }
  out[0] = '[';
  out[1] = '\0';
  for (int i = 0; i < about->rank && used < 240; i++)
    used += (size_t)snprintf(out + used, 256 - used, "%lld%s", about->dims[i],
                             i + 1 < about->rank ? "," : "]");
}
