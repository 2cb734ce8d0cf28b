/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strcasestr */
#endif
#include "tui/inspect/inspect_private.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SAMPLE = 16e6; /* values of a tensor; more are sampled unless `exact` */
enum { BINS = 16 };

/* -------------------------------------------------------------------------------- opening */

static void forget_scan(na_inspect *s)
{
  if (s->scanned >= 0) na_scan_end(&s->scan);
  s->scanned = -1;
  s->trouble[0] = '\0';
}

static void forget_table(na_inspect *s)
{
  if (s->listed) na_tensors_end(&s->tensors);
  s->listed = false;
  s->row = s->row_top = 0;
}

/* Everything that was read. */
static void forget(na_inspect *s)
{
  forget_scan(s);
  forget_table(s);
  if (s->recorded) na_recording_close(&s->recording);
  s->recorded = false;
  na_tree_free(&s->tree);
  s->selected = s->top = 0;
  s->sliced = -1;
}

static int read_file(na_inspect *s, na_error *err)
{
  na_error no_recording = {0};
  int code = na_tree_init(&s->tree, s->reader, err);
  if (code != NA_OK) na_tree_free(&s->tree);
  s->recorded =
      code == NA_OK && na_recording_open(&s->recording, s->reader, &no_recording) == NA_OK;
  if (!s->recorded) na_recording_close(&s->recording);
  s->stale = true;
  return code;
}

int na_inspect_open(na_inspect *s, const char *path, na_error *err)
{
  *s = (na_inspect){.sliced = -1, .scanned = -1, .axis = -1, .stale = true};
  s->path = na_strdup(path);
  int code = s->path != NULL ? na_reader_open(&s->reader, path, err)
                             : na_fail_memory(err, strlen(path), "a path");
  if (code == NA_OK) code = read_file(s, err);
  if (code != NA_OK) na_inspect_close(s);
  return code;
}

void na_inspect_close(na_inspect *s)
{
  forget(s);
  na_page_free(&s->page);
  na_reader_close(s->reader);
  na_free(s->path);
  *s = (na_inspect){.sliced = -1, .scanned = -1};
}

static void tell(na_inspect *s, const na_error *err)
{
  snprintf(s->notice, sizeof s->notice, "%.250s", err->message);
}

/* Memory was too short to read it anew. */
static bool is_lost(const na_inspect *s) { return s->tree.count == 0; }

static void reload(na_inspect *s)
{
  na_error err = {0};
  na_buffer path = {0};
  if (!is_lost(s)) na_tree_path(&s->tree, s->selected, &path);
  forget(s);
  na_reader_refresh(s->reader);
  if (read_file(s, &err) != NA_OK) tell(s, &err);
  else if (path.data != NULL && na_inspect_select(s, path.data, &err) != NA_OK) tell(s, &err);
  na_free(path.data);
}

/* ------------------------------------------------------------------------------ selecting */

static void select_node(na_inspect *s, int node)
{
  if (node == s->selected) return;
  s->selected = node;
  s->page_top = 0;
  s->stale = true;
  s->channel = 0;
  s->axis = -1;
  s->exact = false;
  s->field[0] = '\0';
  if (s->scanned != node) forget_scan(s);
}

static void open_node(na_inspect *s, int node)
{
  na_error err = {0};
  if (na_tree_open(&s->tree, node, &err) != NA_OK) tell(s, &err);
  s->stale = true;
}

/* Opens what is around the node, so that it is shown. */
static void reveal(na_inspect *s, int node)
{
  for (int at = s->tree.nodes[node].parent; at >= 0; at = s->tree.nodes[at].parent)
    s->tree.nodes[at].open = true;
  select_node(s, node);
}

int na_inspect_select(na_inspect *s, const char *path, na_error *err)
{
  if (is_lost(s)) return na_fail(err, NA_ENOMEM, "the file could not be read anew");
  int node = na_tree_find(&s->tree, path, err);
  if (node < 0) return err != NULL ? err->code : NA_EINVAL;
  reveal(s, node);
  return NA_OK;
}

static void close_node(na_inspect *s)
{
  na_tree_node *n = &s->tree.nodes[s->selected];
  if (n->open && n->count > 0 && s->selected > 0) n->open = false;
  else if (n->parent >= 0) select_node(s, n->parent);
}

static void next_page(na_inspect *s, int by)
{
  int kinds = s->recorded ? NA_PAGE_KINDS : NA_PAGE_ACTIVATIONS;
  s->kind = (na_inspect_page)(((int)s->kind + by + kinds) % kinds);
  s->page_top = 0;
  s->stale = true;
}

static void enter(na_inspect *s)
{
  na_error err = {0};
  const na_tree_node *n = &s->tree.nodes[s->selected];
  if (s->table) {
    if (!s->listed || s->tensors.count == 0) return;
    s->table = false;
    if (na_inspect_select(s, s->tensors.items[s->tensors.order[s->row]].path, &err) != NA_OK)
      tell(s, &err);
    s->kind = NA_PAGE_STATISTICS;
    s->stale = true;
  } else if (n->kind == NA_H5_KIND_GROUP) {
    if (n->open && s->selected > 0) s->tree.nodes[s->selected].open = false;
    else open_node(s, s->selected);
  } else if (n->kind == NA_H5_KIND_SOFT) {
    na_buffer path = {0};
    na_tree_path(&s->tree, s->selected, &path);
    if (path.data != NULL && na_inspect_select(s, path.data, &err) != NA_OK) tell(s, &err);
    na_free(path.data);
  } else {
    next_page(s, 1);
  }
}

/* Towards the end, or the beginning where lines is negative; those that are shown count. */
static void scroll_tree(na_inspect *s, long lines)
{
  int last = s->selected;
  if (lines >= 0) {
    for (int node = s->selected; lines > 0 && node >= 0; lines--) {
      node = na_tree_next(&s->tree, node);
      if (node >= 0) last = node;
    }
    select_node(s, last);
    return;
  }
  int place = 0;
  for (int node = 0; node >= 0 && node != s->selected; node = na_tree_next(&s->tree, node)) place++;
  long wanted = place + lines > 0 ? place + lines : 0;
  int node = 0;
  while (wanted-- > 0) node = na_tree_next(&s->tree, node);
  select_node(s, node);
}

void na_inspect_scroll(na_inspect *s, long lines)
{
  if (is_lost(s)) return;
  if (!s->table) {
    scroll_tree(s, lines);
    return;
  }
  long row = s->row + lines,
       last = s->listed && s->tensors.count > 0 ? (long)s->tensors.count - 1 : 0;
  s->row = (int)(row < 0 ? 0 : row > last ? last : row);
}

/* ------------------------------------------------------------------------------ searching */

static bool matches(const na_inspect *s, const char *name)
{
  return strcasestr(name, s->sought) != NULL;
}

static void seek_table(na_inspect *s, int by)
{
  int count = s->listed ? (int)s->tensors.count : 0;
  for (int i = 1; i <= count; i++) {
    int row = ((s->row + i * by) % count + count) % count;
    if (!matches(s, s->tensors.items[s->tensors.order[row]].path)) continue;
    s->row = row;
    return;
  }
  snprintf(s->notice, sizeof s->notice, "no tensor has \"%.100s\" in its name", s->sought);
}

/* Among the nodes that are shown, round the end. */
static void seek_tree(na_inspect *s, int by)
{
  int found = -1, first = -1, last = -1;
  bool passed = false;
  for (int node = 0; node >= 0; node = na_tree_next(&s->tree, node)) {
    bool here = node == s->selected;
    if (here && by < 0 && last >= 0) found = last;
    if (!here && matches(s, s->tree.nodes[node].name)) {
      if (first < 0) first = node;
      if (passed && by > 0 && found < 0) found = node;
      last = node;
    }
    passed |= here;
  }
  if (found < 0) found = by > 0 ? first : last;
  if (found >= 0) select_node(s, found);
  else snprintf(s->notice, sizeof s->notice, "nothing shown has \"%.100s\" in its name", s->sought);
}

static void seek(na_inspect *s, int by)
{
  if (s->sought[0] == '\0')
    snprintf(s->notice, sizeof s->notice, "nothing is looked for: / begins");
  else if (s->table) seek_table(s, by);
  else seek_tree(s, by);
}

static void take_search(na_inspect *s, const char *line)
{
  snprintf(s->sought, sizeof s->sought, "%s", line);
  seek(s, 1);
}

static void want(na_inspect *s, const char *label, const char *now,
                 void (*take)(na_inspect *s, const char *line))
{
  s->wanted = true;
  snprintf(s->label, sizeof s->label, "%s%.120s%s", label, now, now[0] != '\0' ? "] " : "");
  s->take = take;
}

void na_inspect_typed(na_inspect *s, const char *line)
{
  void (*take)(na_inspect *inspect, const char *line) = s->take;
  s->wanted = false;
  s->take = NULL;
  if (line != NULL && take != NULL && !is_lost(s)) take(s, line);
}

/* -------------------------------------------------------------------------------- slicing */

const na_h5_about *na_inspect_dataset(na_inspect *s)
{
  const na_h5_about *about = na_tree_about(&s->tree, s->selected);
  return about != NULL && about->kind == NA_H5_KIND_DATASET ? about : NULL;
}

/* The slice of the selected dataset, at first its last two dimensions. */
void na_inspect_slice(na_inspect *s, const na_h5_about *about)
{
  if (s->sliced == s->selected) return;
  na_slice_first(&s->slice, about);
  s->chosen = false;
  s->sliced = s->selected;
  s->dimension = 0;
}

static void take_slice(na_inspect *s, const char *line)
{
  na_error err = {0};
  na_slice slice;
  const na_h5_about *about = na_inspect_dataset(s);
  if (about == NULL) return;
  if (na_slice_parse(&slice, line, about, &err) != NA_OK) {
    tell(s, &err);
    return;
  }
  s->slice = slice;
  s->chosen = true;
  s->sliced = s->selected;
  if (s->kind != NA_PAGE_PICTURES) s->kind = NA_PAGE_VALUES;
  s->page_top = 0;
  s->stale = true;
}

static void ask_slice(na_inspect *s)
{
  const na_h5_about *about = na_inspect_dataset(s);
  char text[512];
  if (about == NULL || about->rank < 1) {
    snprintf(s->notice, sizeof s->notice, "only arrays have slices");
    return;
  }
  na_inspect_slice(s, about);
  na_slice_text(&s->slice, about, text);
  want(s, "slice [now ", text, take_slice);
}

/* Another index of a dimension: one that was whole is cut to its first, a range moves by its length. */
static void move_slice(na_inspect *s, int by)
{
  const na_h5_about *about = na_inspect_dataset(s);
  if (about == NULL || about->rank < 1) return;
  na_inspect_slice(s, about);
  int d = s->dimension % about->rank;
  na_h5_part *part = &s->slice.part;
  s->chosen = true;
  if (!s->slice.fixed[d]) {
    s->slice.fixed[d] = true;
    part->first[d] = by > 0 || about->dims[d] < 1 ? 0 : about->dims[d] - 1;
    part->count[d] = about->dims[d] > 0;
    part->step[d] = 1;
  } else {
    long long at = part->first[d] + by;
    if (at >= 0 && at < about->dims[d]) part->first[d] = at;
    else { /* beyond the ends lies the whole dimension */ s->slice.fixed[d] = false;
      part->first[d] = 0;
      part->count[d] = about->dims[d];
    }
  }
  if (s->kind != NA_PAGE_PICTURES) s->kind = NA_PAGE_VALUES;
  s->stale = true;
}

static void move_index(na_inspect *s, int by)
{
  if (s->kind != NA_PAGE_ACTIVATIONS) {
    move_slice(s, by);
    return;
  }
  long long image = s->image + by;
  s->image = image < 0 ? s->recording.images - 1 : image >= s->recording.images ? 0 : image;
  s->stale = true;
}

static void next_dimension(na_inspect *s)
{
  const na_h5_about *about = na_inspect_dataset(s);
  if (about == NULL || about->rank < 1) return;
  na_inspect_slice(s, about);
  s->dimension = (s->dimension + 1) % about->rank;
  snprintf(s->notice, sizeof s->notice, "< and > move along dimension %d of %d", s->dimension,
           about->rank);
}

static void more_channels(na_inspect *s)
{
  s->channel = s->channels_shown > 0 ? s->channel + s->channels_shown : 0;
  s->stale = true;
}

/* ----------------------------------------------------------------------------- statistics */

static void next_axis(na_inspect *s)
{
  const na_h5_about *about = na_inspect_dataset(s);
  if (about == NULL || about->rank < 1) return;
  na_buffer path = {0};
  na_tree_path(&s->tree, s->selected, &path);
  int now = s->axis >= 0 ? s->axis : path.data != NULL ? na_detail_axis(path.data, about) : 0;
  s->axis = (now + 1) % about->rank;
  na_free(path.data);
  forget_scan(s);
  s->kind = NA_PAGE_STATISTICS;
  s->stale = true;
}

/* The field after this one, round the end; the first where none was chosen. */
void na_inspect_field(na_inspect *s, const na_h5_about *about)
{
  const char *next = about->fields;
  size_t length = strlen(s->field);
  for (const char *at = about->fields; *at != '\0'; at += strcspn(at, "\n") + 1)
    if (length > 0 && strncmp(at, s->field, length) == 0 && at[length] == '\n' &&
        at[length + 1] != '\0')
      next = at + length + 1;
  snprintf(s->field, sizeof s->field, "%.*s", (int)strcspn(next, "\n"), next);
}

static void next_field(na_inspect *s)
{
  const na_h5_about *about = na_inspect_dataset(s);
  if (about == NULL || about->fields[0] == '\0') {
    snprintf(s->notice, sizeof s->notice, "only tables have fields");
    return;
  }
  na_inspect_field(s, about);
  forget_scan(s);
  s->stale = true;
}

static void read_exactly(na_inspect *s)
{
  s->exact = true;
  forget_scan(s);
  s->kind = NA_PAGE_STATISTICS;
  s->stale = true;
}

/* The scan of the selected dataset, begun when its statistics are looked at. */
void na_inspect_scan(na_inspect *s, const na_h5_about *about, const char *path)
{
  na_error err = {0};
  if (s->scanned == s->selected) return;
  forget_scan(s);
  na_scan_wish wish = {.axis = s->axis >= 0 ? s->axis : na_detail_axis(path, about),
                       .bins = BINS,
                       .limit = s->exact ? 0 : SAMPLE};
  memcpy(wish.field, s->field, sizeof wish.field);
  s->scanned = s->selected;
  if (na_scan_begin(&s->scan, s->reader, path, &wish, &err) == NA_OK) return;
  snprintf(s->trouble, sizeof s->trouble, "%s", err.message);
  s->scan.finished = true;
}

static bool work_once(na_inspect *s)
{
  na_error err = {0};
  bool more = false;
  if (s->table && s->listed) {
    na_tensors_step(&s->tensors, &more);
    if (!more && s->tensors.next > 0) na_tensors_sort(&s->tensors, s->sort, s->reverse);
    return more;
  }
  if (s->table || s->scanned != s->selected || s->scan.finished) return false;
  if (na_scan_step(&s->scan, &err) != NA_OK) {
    snprintf(s->trouble, sizeof s->trouble, "%s", err.message);
    s->scan.finished = true;
  }
  s->stale = true;
  return !s->scan.finished;
}

bool na_inspect_work(na_inspect *s, double seconds)
{
  double begun = na_now();
  bool more = true;
  while (more && na_now() - begun < seconds) more = work_once(s);
  return more;
}

/* ------------------------------------------------------------------------------ the table */

static void show_table(na_inspect *s)
{
  na_error err = {0};
  s->table = !s->table;
  if (!s->table || s->listed) return;
  s->listed = true;
  if (na_tensors_begin(&s->tensors, s->reader, SAMPLE, &err) != NA_OK) tell(s, &err);
  else if (s->tensors.count == 0)
    snprintf(s->notice, sizeof s->notice, "the file holds no numbers");
  na_tensors_sort(&s->tensors, s->sort, s->reverse);
}

/* Sorting leaves the selection on the line where it was. */
static void sort_table(na_inspect *s, int by, bool turn)
{
  if (!s->table) show_table(s);
  s->sort = (na_tensor_sort)(((int)s->sort + by) % NA_TENSOR_SORT_COUNT);
  s->reverse ^= turn;
  if (s->listed) na_tensors_sort(&s->tensors, s->sort, s->reverse);
  snprintf(s->notice, sizeof s->notice, "by %s%s", na_tensor_sort_name(s->sort),
           s->reverse ? ", turned round" : "");
}

void na_inspect_act(na_inspect *s, na_inspect_action action)
{
  s->notice[0] = '\0';
  if (is_lost(s) && action != NA_INSPECT_RELOAD) {
    snprintf(s->notice, sizeof s->notice, "the file could not be read anew: r tries again");
    return;
  }
  switch (action) {
  case NA_INSPECT_OPEN: open_node(s, s->selected); break;
  case NA_INSPECT_CLOSE: close_node(s); break;
  case NA_INSPECT_ENTER: enter(s); break;
  case NA_INSPECT_PAGE: next_page(s, 1); break;
  case NA_INSPECT_PAGE_BACK: next_page(s, -1); break;
  case NA_INSPECT_LOWER: s->page_top += s->rows / 2 + 1; break;
  case NA_INSPECT_UPPER: s->page_top -= s->rows / 2 + 1; break;
  case NA_INSPECT_LESS: move_index(s, -1); break;
  case NA_INSPECT_MORE: move_index(s, 1); break;
  case NA_INSPECT_DIMENSION: next_dimension(s); break;
  case NA_INSPECT_SLICE: ask_slice(s); break;
  case NA_INSPECT_CHANNELS: more_channels(s); break;
  case NA_INSPECT_AXIS: next_axis(s); break;
  case NA_INSPECT_FIELD: next_field(s); break;
  case NA_INSPECT_EXACT: read_exactly(s); break;
  case NA_INSPECT_TABLE: show_table(s); break;
  case NA_INSPECT_SORT: sort_table(s, s->table, false); break;
  case NA_INSPECT_REVERSE: sort_table(s, 0, true); break;
  case NA_INSPECT_SEARCH: want(s, "/", "", take_search); break;
  case NA_INSPECT_AGAIN: seek(s, 1); break;
  case NA_INSPECT_BACK: seek(s, -1); break;
  case NA_INSPECT_RELOAD: reload(s); break;
  default: break;
  }
}
