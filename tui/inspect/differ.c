/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/differ.h"
#include "core/base/memory.h"
#include "core/store/scan.h"
#include "tui/inspect/tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 1 << 20, TEXTS_AT_ONCE = 4096, TEXT_BYTES = 1000 };

/* What another run on another machine or day has otherwise, though it computes the same. */
static const char *const passing[] = {"started",
                                      "directory",
                                      "command",
                                      "host",
                                      "system",
                                      "cpu",
                                      "arguments",
                                      "script",
                                      "time",
                                      "seconds",
                                      "images_per_second",
                                      "data_wait",
                                      "eta",
                                      "netaug",
                                      "hdf5",
                                      "blas",
                                      "call",
                                      "earlier"};

static bool is_passing(const char *name)
{
  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
    if (strcmp(name, passing[i]) == 0) return true;
  return false;
}

/* -------------------------------------------------------------------------------- noting */

static int note(na_differ *d, na_change change, const char *name, const char *before,
                const char *after, na_error *err)
{
  void *items = d->items;
  int code = na_grow(&items, d->count, &d->capacity, sizeof *d->items);
  d->items = items;
  if (code != NA_OK)
    return na_fail_memory(err, d->count * sizeof *d->items, "a list of differences");
  change.name = na_strdup(name);
  change.before = na_strdup(before);
  change.after = na_strdup(after);
  change.place = d->count;
  d->items[d->count++] = change;
  bool lost = change.name == NULL || (before != NULL && change.before == NULL) ||
              (after != NULL && change.after == NULL);
  return lost ? na_fail_memory(err, strlen(name), "a list of differences") : NA_OK;
}

static int note_texts(na_differ *d, na_change_kind kind, const char *name, const char *before,
                      const char *after, na_error *err)
{
  if (before != NULL && after != NULL && strcmp(before, after) == 0) return NA_OK;
  return note(d, (na_change){.kind = kind}, name, before, after, err);
}

/* A checkpoint tells its settings as they were at first and as they are now: one of them will do. */
static int note_setting(na_differ *d, const char *name, const char *before, const char *after,
                        na_error *err)
{
  for (size_t i = 0; i < d->count; i++) {
    const na_change *c = &d->items[i];
    if (c->kind == NA_CHANGE_SETTING && strcmp(c->name, name) == 0) return NA_OK;
  }
  return note_texts(d, NA_CHANGE_SETTING, name, before, after, err);
}

bool na_differ_found(const na_differ *d)
{
  for (size_t i = 0; i < d->count; i++)
    if (d->items[i].kind != NA_CHANGE_NOTE && !d->items[i].same) return true;
  return false;
}

void na_differ_free(na_differ *d)
{
  for (size_t i = 0; i < d->count; i++) {
    na_free(d->items[i].name);
    na_free(d->items[i].before);
    na_free(d->items[i].after);
  }
  na_free(d->items);
  *d = (na_differ){.items = NULL};
}

/* ------------------------------------------------------------------------------- settings */

/* The line "name = value" of a text, its value copied to out[size]; false when there is none. */
static bool find_line(const char *text, const char *name, size_t length, char *out, size_t size)
{
  for (const char *at = text; *at != '\0';) {
    size_t line = strcspn(at, "\n");
    if (line >= length + 3 && memcmp(at, name, length) == 0 && memcmp(at + length, " = ", 3) == 0) {
      snprintf(out, size, "%.*s", (int)(line - length - 3), at + length + 3);
      return true;
    }
    at += line + (at[line] == '\n');
  }
  return false;
}

/* Lines of the first text against those of the second; with `turned` only those that the second lacks. */
static int compare_lines(na_differ *d, const char *first, const char *second, bool turned,
                         na_error *err)
{
  int code = NA_OK;
  for (const char *at = first; *at != '\0' && code == NA_OK;) {
    char name[256], mine[1024], other[1024];
    size_t line = strcspn(at, "\n");
    const char *equals = strstr(at, " = ");
    size_t length = equals != NULL && equals < at + line ? (size_t)(equals - at) : 0;
    if (length > 0) {
      snprintf(name, sizeof name, "%.*s", (int)length, at);
      snprintf(mine, sizeof mine, "%.*s", (int)(line - length - 3), equals + 3);
      bool found = find_line(second, at, length, other, sizeof other);
      if (!turned) code = note_setting(d, name, mine, found ? other : NULL, err);
      else if (!found) code = note_setting(d, name, NULL, mine, err);
    }
    at += line + (at[line] == '\n');
  }
  return code;
}

static bool has_lines(const char *text)
{
  const char *equals = strstr(text, " = ");
  return equals != NULL && equals < text + strcspn(text, "\n");
}

static int compare_texts(na_differ *d, const char *name, const char *before, const char *after,
                         na_error *err)
{
  const char *last = strrchr(name, '@');
  if (before != NULL && after != NULL && has_lines(before) && has_lines(after)) {
    int code = compare_lines(d, before, after, false, err);
    return code == NA_OK ? compare_lines(d, after, before, true, err) : code;
  }
  na_change_kind kind = last != NULL && is_passing(last + 1) ? NA_CHANGE_NOTE : NA_CHANGE_ATTRIBUTE;
  return note_texts(d, kind, name, before, after, err);
}

/* The value of an attribute among name, type and value texts; NULL when it is missing. */
static const char *value_of(const na_buffer *texts, const char *wanted)
{
  for (size_t at = 0; at < texts->length;) {
    const char *name = texts->data + at, *type = name + strlen(name) + 1,
               *value = type + strlen(type) + 1;
    if (strcmp(name, wanted) == 0) return value;
    at = (size_t)(value + strlen(value) + 1 - texts->data);
  }
  return NULL;
}

/* Attributes of `mine`; with `turned` only those that the other lacks. */
static int compare_lists(na_differ *d, const char *path, const na_buffer *mine,
                         const na_buffer *other, bool turned, na_error *err)
{
  int code = NA_OK;
  for (size_t at = 0; at < mine->length && code == NA_OK;) {
    const char *name = mine->data + at, *type = name + strlen(name) + 1,
               *value = type + strlen(type) + 1;
    const char *there = value_of(other, name);
    na_buffer full = {0};
    na_buffer_add(&full, "%s@%s", strcmp(path, "/") == 0 ? "" : path, name);
    if (full.failed) code = na_fail_memory(err, full.length, "a name");
    else if (!turned) code = compare_texts(d, full.data, value, there, err);
    else if (there == NULL) code = compare_texts(d, full.data, NULL, value, err);
    na_free(full.data);
    at = (size_t)(value + strlen(value) + 1 - mine->data);
  }
  return code;
}

static int compare_attributes(na_differ *d, na_reader *first, na_reader *second, const char *path,
                              na_error *err)
{
  na_buffer a = {0}, b = {0};
  int code = na_reader_attributes(first, path, VALUE_BYTES, &a, err);
  if (code == NA_OK) code = na_reader_attributes(second, path, VALUE_BYTES, &b, err);
  if (code == NA_OK) code = compare_lists(d, path, &a, &b, false, err);
  if (code == NA_OK) code = compare_lists(d, path, &b, &a, true, err);
  na_free(a.data);
  na_free(b.data);
  return code;
}

/* -------------------------------------------------------------------------------- tensors */

static int check_stop(const na_differ *d, na_error *err)
{
  return d->stop != NULL && d->stop() ? na_fail(err, NA_ESTOPPED, "interrupted") : NA_OK;
}

/* Sums of a comparison so far. */
typedef struct sums {
  double distance, norm, largest;
  bool unlike; /* a value is no number in one of them only */
} sums;

static void add_block(sums *s, const double *a, const double *b, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(a[i]) || !isfinite(b[i])) {
      s->unlike |= isnan(a[i]) != isnan(b[i]) || a[i] > b[i] || a[i] < b[i];
      continue;
    }
    double apart = b[i] - a[i];
    s->distance += apart * apart;
    s->norm += a[i] * a[i];
    s->largest = fmax(s->largest, fabs(apart));
  }
}

static int sum_blocks(na_differ *d, na_reader *first, na_reader *second, const char *path,
                      const na_h5_about *about, sums *s, na_error *err)
{
  long long block[NA_H5_RANK_MOST];
  na_h5_part part;
  double *values = na_alloc_array(2 * (size_t)NA_READER_VALUES, sizeof *values);
  if (values == NULL)
    return na_fail_memory(err, 2 * NA_READER_VALUES * sizeof *values, "a comparison");
  na_scan_shape(about, NA_READER_VALUES, block);
  double blocks = na_scan_blocks(about, block);
  int code = NA_OK;
  for (double number = 0; number < blocks && code == NA_OK; number++) {
    na_scan_place(about, block, number, &part);
    code = na_reader_numbers(first, path, &part, values, NA_READER_VALUES, err);
    if (code == NA_OK)
      code =
          na_reader_numbers(second, path, &part, values + NA_READER_VALUES, NA_READER_VALUES, err);
    if (code == NA_OK)
      add_block(s, values, values + NA_READER_VALUES, (size_t)na_h5_part_count(&part));
    if (code == NA_OK) code = check_stop(d, err);
  }
  na_free(values);
  return code;
}

static int compare_numbers(na_differ *d, na_reader *first, na_reader *second, const char *path,
                           const na_h5_about *about, na_error *err)
{
  sums s = {.distance = 0};
  char shape[256];
  int code = sum_blocks(d, first, second, path, about, &s, err);
  if (code != NA_OK) return code;
  na_change change = {.kind = NA_CHANGE_TENSOR, .largest = s.largest};
  change.same = !s.unlike && !(s.largest > 0);
  change.change = s.unlike        ? INFINITY
                  : s.norm > 0    ? sqrt(s.distance / s.norm)
                  : s.largest > 0 ? INFINITY
                                  : 0;
  const char *last = strrchr(path, '/');
  if (last != NULL && is_passing(last + 1)) change.kind = NA_CHANGE_NOTE;
  d->same += change.same;
  if (change.same && !d->same_too) return NA_OK;
  na_tree_shape(about, shape);
  return note(d, change, path, shape, NULL, err);
}

/* Anything else, as texts. */
static int compare_others(na_differ *d, na_reader *first, na_reader *second, const char *path,
                          const na_h5_about *about, na_error *err)
{
  long long block[NA_H5_RANK_MOST];
  na_scan_shape(about, TEXTS_AT_ONCE, block);
  double blocks = na_scan_blocks(about, block), differ = 0;
  int code = NA_OK;
  for (double number = 0; number < blocks && code == NA_OK; number++) {
    na_h5_part part;
    na_buffer a = {0}, b = {0};
    na_scan_place(about, block, number, &part);
    code = na_reader_texts(first, path, &part, TEXT_BYTES, &a, err);
    if (code == NA_OK) code = na_reader_texts(second, path, &part, TEXT_BYTES, &b, err);
    for (size_t i = 0, k = 0; code == NA_OK && i < a.length && k < b.length;) {
      differ += strcmp(a.data + i, b.data + k) != 0;
      i += strlen(a.data + i) + 1;
      k += strlen(b.data + k) + 1;
    }
    na_free(a.data);
    na_free(b.data);
    if (code == NA_OK) code = check_stop(d, err);
  }
  if (code != NA_OK || !(differ > 0)) return code;
  char before[64];
  snprintf(before, sizeof before, "%.0f of %.0f values differ", differ, about->count);
  return note(d, (na_change){.kind = NA_CHANGE_VALUES}, path, before, NULL, err);
}

/* "dataset float32 [8,3,3,3]": what must be alike before values are compared. */
static void outline(na_tree *tree, int node, bool with_type, char out[512])
{
  char shape[256];
  const na_h5_about *a = na_tree_about(tree, node);
  const na_tree_node *n = &tree->nodes[node];
  if (a == NULL) snprintf(out, 512, "cannot be read");
  else if (a->kind == NA_H5_KIND_DATASET) {
    na_tree_shape(a, shape);
    snprintf(out, 512, "%s%s%s", shape, with_type ? " " : "", with_type ? a->type : "");
  } else
    snprintf(out, 512, "%s %s", na_h5_kind_words((na_h5_kind)a->kind),
             n->target != NULL            ? n->target
             : a->kind == NA_H5_KIND_TYPE ? a->type
                                          : "");
}

static int compare_objects(na_differ *d, na_tree *a, int one, na_tree *b, int two, const char *path,
                           na_error *err)
{
  char before[512], after[512];
  const na_h5_about *x = na_tree_about(a, one), *y = na_tree_about(b, two);
  bool numbers = x != NULL && y != NULL && x->numbers && y->numbers;
  outline(a, one, !numbers, before);
  outline(b, two, !numbers, after);
  if (strcmp(before, after) != 0) {
    outline(a, one, true, before);
    outline(b, two, true, after);
    return note(d, (na_change){.kind = NA_CHANGE_SHAPE}, path, before, after, err);
  }
  if (x == NULL || y == NULL || x->kind > NA_H5_KIND_TYPE) return NA_OK;
  int code = compare_attributes(d, a->reader, b->reader, path, err);
  if (code != NA_OK || x->kind != NA_H5_KIND_DATASET || !(x->count > 0) || x->trouble[0] != '\0')
    return code;
  if (numbers) return compare_numbers(d, a->reader, b->reader, path, x, err);
  return compare_others(d, a->reader, b->reader, path, x, err);
}

/* ---------------------------------------------------------------------------------- files */

/* All objects of a file by path. */
typedef struct entries {
  na_tree tree;
  struct entry {
    char *path;
    int node;
  } * items;
  size_t count, capacity;
} entries;

static int by_path(const void *a, const void *b)
{
  return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static int add_entry(entries *e, int node, na_error *err)
{
  void *items = e->items;
  na_buffer path = {0};
  int code = na_grow(&items, e->count, &e->capacity, sizeof *e->items);
  e->items = items;
  na_tree_path(&e->tree, node, &path);
  if (code != NA_OK || path.failed) {
    na_free(path.data);
    return na_fail_memory(err, e->count * sizeof *e->items, "a list of objects");
  }
  e->items[e->count++] = (struct entry){path.data, node};
  return NA_OK;
}

static int list_entries(entries *e, na_reader *reader, na_error *err)
{
  int code = na_tree_init(&e->tree, reader, err);
  for (int node = 0; node >= 0 && code == NA_OK; node = na_tree_next(&e->tree, node)) {
    code = add_entry(e, node, err);
    na_tree_about(&e->tree, node);
    if (code == NA_OK && e->tree.nodes[node].kind == NA_H5_KIND_GROUP &&
        na_tree_same_above(&e->tree, node) < 0)
      code = na_tree_open(&e->tree, node, err);
  }
  if (code == NA_OK) qsort(e->items, e->count, sizeof *e->items, by_path);
  return code;
}

static void free_entries(entries *e)
{
  for (size_t i = 0; i < e->count; i++) na_free(e->items[i].path);
  na_free(e->items);
  na_tree_free(&e->tree);
}

/* What lies in a group that only one file has is not told again. */
static bool lies_in(const char *path, const char *group)
{
  size_t length = group != NULL ? strlen(group) : 0;
  return length > 0 && strncmp(path, group, length) == 0 && path[length] == '/';
}

static int note_only(na_differ *d, entries *own, const struct entry *one, na_change_kind kind,
                     const char **group, na_error *err)
{
  char words[512];
  const na_h5_about *about = na_tree_about(&own->tree, one->node);
  if (!d->same_too && lies_in(one->path, *group)) return NA_OK;
  outline(&own->tree, one->node, true, words);
  if (about != NULL && about->kind == NA_H5_KIND_GROUP) {
    *group = one->path;
    snprintf(words, sizeof words, "group of %lld", about->members);
  }
  return note(d, (na_change){.kind = kind}, one->path, words, NULL, err);
}

static int compare_entries(na_differ *d, entries *a, entries *b, na_error *err)
{
  const char *groups[2] = {NULL, NULL};
  int code = NA_OK;
  for (size_t i = 0, k = 0; code == NA_OK && (i < a->count || k < b->count);) {
    int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->items[i].path, b->items[k].path);
    if (order == 0)
      code = compare_objects(d, &a->tree, a->items[i].node, &b->tree, b->items[k].node,
                             a->items[i].path, err);
    else if (order < 0) code = note_only(d, a, &a->items[i], NA_CHANGE_ONLY_FIRST, &groups[0], err);
    else code = note_only(d, b, &b->items[k], NA_CHANGE_ONLY_SECOND, &groups[1], err);
    i += order <= 0;
    k += order >= 0;
  }
  return code;
}

int na_differ_files(na_differ *d, na_reader *first, na_reader *second, na_error *err)
{
  entries a = {.items = NULL}, b = {.items = NULL};
  int code = list_entries(&a, first, err);
  if (code == NA_OK) code = list_entries(&b, second, err);
  if (code == NA_OK) code = compare_entries(d, &a, &b, err);
  free_entries(&a);
  free_entries(&b);
  return code;
}

/* ----------------------------------------------------------------------------------- runs */

/* The last value of a column; NaN where there is none. */
static double last_value(na_reader *reader, const char *path)
{
  na_h5_about about;
  double value = NAN;
  if (na_reader_describe(reader, path, &about, NULL) != NA_OK || about.rank != 1 ||
      about.dims[0] < 1)
    return value;
  const na_h5_part part = {.rank = 1, .first = {about.dims[0] - 1}, .count = {1}, .step = {1}};
  return na_reader_numbers(reader, path, &part, &value, 1, NULL) == NA_OK ? value : NAN;
}

static int compare_metric(na_differ *d, na_reader *first, na_reader *second, const char *name,
                          na_error *err)
{
  char path[512], before[32], after[32];
  snprintf(path, sizeof path, "/epoch/%.400s", name);
  double a = last_value(first, path), b = last_value(second, path);
  if (isnan(a) && isnan(b)) return NA_OK;
  na_change change = {.kind = is_passing(name) ? NA_CHANGE_NOTE : NA_CHANGE_METRIC,
                      .largest = fabs(b - a)};
  change.same = !(a < b) && !(a > b) && isnan(a) == isnan(b);
  change.change = change.same ? 0 : isnan(b - a) ? INFINITY : change.largest / fabs(a);
  if (change.same && !d->same_too) return NA_OK;
  if (isnan(a)) snprintf(before, sizeof before, "none");
  else snprintf(before, sizeof before, "%.6g", a);
  if (isnan(b)) snprintf(after, sizeof after, "none");
  else snprintf(after, sizeof after, "%.6g", b);
  return note(d, change, name, before, after, err);
}

/* Columns of both; a run that has not measured yet has none. */
int na_differ_runs(na_differ *d, na_reader *first, na_reader *second, na_error *err)
{
  na_h5_list *columns;
  int code = compare_attributes(d, first, second, "/", err);
  if (code == NA_OK) code = na_reader_list(first, "/epoch", &columns, err);
  if (code != NA_OK) return code;
  for (size_t i = 0; i < columns->count && code == NA_OK; i++)
    code = compare_metric(d, first, second, na_h5_member_name(columns, i), err);
  na_free(columns);
  return code;
}

/* -------------------------------------------------------------------------------- sorting */

static na_differ_sort sorted_by; /* qsort knows no context */

static int compare_changes(const void *a, const void *b)
{
  const na_change *x = a, *y = b;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (sorted_by == NA_DIFFER_SORT_CHANGE && (x->change > y->change || x->change < y->change))
    return x->change > y->change ? -1 : 1;
  if (sorted_by == NA_DIFFER_SORT_LARGEST && (x->largest > y->largest || x->largest < y->largest))
    return x->largest > y->largest ? -1 : 1;
  if (sorted_by == NA_DIFFER_SORT_NAME && strcmp(x->name, y->name) != 0)
    return strcmp(x->name, y->name);
  return x->place < y->place ? -1 : 1;
}

void na_differ_sort_by(na_differ *d, na_differ_sort sort)
{
  sorted_by = sort;
  if (d->count > 0) qsort(d->items, d->count, sizeof *d->items, compare_changes);
}
