/* An HDF5 file as a tree whose branches are read when they are opened.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TREE_H
#define NA_TREE_H

#include "core/store/reader.h"

typedef struct na_tree_node {
  int parent;            /* -1: the root */
  int first, count;      /* its members, once read */
  long long unseen;      /* members that were too many to list */
  int depth;
  int kind;              /* na_h5_kind */
  uint64_t address;
  bool read, open;       /* its members are known; shown */
  bool looked;           /* about is known, or trouble says why not */
  char *name, *target, *trouble; /* trouble: why it cannot be read, or NULL */
  na_h5_about *about;
} na_tree_node;

/* Zero-initialise. Node 0 is the root. */
typedef struct na_tree {
  na_reader *reader;     /* borrowed */
  na_tree_node *nodes;
  size_t count, capacity;
} na_tree;

int na_tree_init(na_tree *tree, na_reader *reader, na_error *err);
void na_tree_free(na_tree *tree);

/* Reads a group's members and shows them. What cannot be read becomes the node's trouble. Only a lack
 * of memory is an error. */
int na_tree_open(na_tree *tree, int node, na_error *err);

/* What the node is, described when first asked for; NULL when its trouble says why not. */
const na_h5_about *na_tree_about(na_tree *tree, int node);

/* The node that is this very group again, above it or the first of its names; -1: there is none. Such a
 * group is not opened twice when all of a tree is walked. */
int na_tree_same_above(const na_tree *tree, int node);

/* Appends "/a/b". */
void na_tree_path(const na_tree *tree, int node, na_buffer *out);

/* The shown node after this one, from the top down; -1 after the last. With node -1: the first. */
int na_tree_next(const na_tree *tree, int node);

/* Opens what is on the way to path ("a/b", "/a/b/"); soft links within the file are followed a few times,
 * one that leads nowhere is found itself. Returns the node, or -1 with an error. */
int na_tree_find(na_tree *tree, const char *path, na_error *err);

/* "[8,3,3,3]", "single value" or "no value". out has room for 256. */
void na_tree_shape(const na_h5_about *about, char out[256]);

#endif
