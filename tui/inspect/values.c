/* Parts of arrays in rows and columns.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/inspect/detail.h"

#include <stdio.h>
#include <string.h>

enum { EACH_BYTES = 200 };

/* A part read as texts; item i is at[i]. */
typedef struct cells {
  na_buffer texts;
  const char **at;
  long long count;
  int width;
} cells;

static void cells_free(cells *c)
{
  na_free(c->texts.data);
  na_free(c->at);
}

/* Floats with six digits, as their last ones only take room. */
static int read_floats(cells *c, const na_subject *s, const na_h5_part *part, na_error *err)
{
  double *values = na_alloc_array((size_t)c->count + 1, sizeof *values);
  if (values == NULL) return na_fail_memory(err, (size_t)c->count * sizeof *values, "values");
  int code = na_reader_numbers(s->reader, s->path, part, values, (size_t)c->count, err);
  for (long long i = 0; i < c->count && code == NA_OK; i++)
    na_buffer_add(&c->texts, "%.6g%c", values[i], '\0');
  na_free(values);
  return code;
}

static int read_cells(cells *c, const na_subject *s, const na_slice *slice, na_error *err)
{
  na_h5_part part = slice->part;
  snprintf(part.field, sizeof part.field, "%s", s->field);
  c->count = na_h5_part_count(&part);
  bool floats =
      s->field[0] != '\0' || (s->about->numbers && !s->about->whole && s->about->item <= 8);
  int code = floats ? read_floats(c, s, &part, err)
                    : na_reader_texts(s->reader, s->path, &part, EACH_BYTES, &c->texts, err);
  if (code != NA_OK) return code;
  c->at = na_alloc_array((size_t)c->count + 1, sizeof *c->at);
  if (c->texts.failed || c->at == NULL) return na_fail_memory(err, c->texts.length, "values");
  long long i = 0;
  for (size_t at = 0; at < c->texts.length && i < c->count; at += strlen(c->texts.data + at) + 1) {
    int width = na_utf8_columns(c->texts.data + at);
    c->at[i++] = c->texts.data + at;
    if (width > c->width) c->width = width;
  }
  for (; i < c->count; i++) c->at[i] = "...";
  return NA_OK;
}

/* "[3,:,:]" above a matrix of an array with more dimensions. */
static void add_heading(na_page *page, const na_slice *slice, const long long *index, int row_axis,
                        int col_axis)
{
  na_buffer text = {0};
  for (int i = 0; i < slice->part.rank; i++) {
    if (i == row_axis || i == col_axis) na_buffer_add(&text, "%s:", i > 0 ? "," : "");
    else
      na_buffer_add(&text, "%s%lld", i > 0 ? "," : "",
                    slice->part.first[i] + index[i] * slice->part.step[i]);
  }
  if (text.data != NULL) na_page_line(page, NA_STYLE_FAINT, "[%s]", text.data);
  na_free(text.data);
}

static void add_row(na_page *page, const cells *c, long long first, long long count,
                    const char *label, int label_cols)
{
  na_buffer line = {0};
  na_buffer_add(&line, "%*s", label_cols, label);
  for (long long i = 0; i < count; i++)
    na_buffer_add(&line, "%*s%s", 1 + c->width - na_utf8_columns(c->at[first + i]), "",
                  c->at[first + i]);
  if (line.data != NULL) na_page_line(page, NA_STYLE_PLAIN, "%s", line.data);
  na_free(line.data);
}

static int digits_of(long long value)
{
  int digits = 1;
  while (value > 9) {
    value /= 10;
    digits++;
  }
  return digits;
}

/* The last two dimensions that were not fixed to an index. */
static void choose_axes(const na_slice *slice, int *row_axis, int *col_axis)
{
  *row_axis = *col_axis = -1;
  for (int i = slice->part.rank - 1; i >= 0; i--) {
    if (slice->fixed[i]) continue;
    if (*col_axis < 0) *col_axis = i;
    else if (*row_axis < 0) *row_axis = i;
  }
}

/* A matrix of a part; what does not fit beside each other is cut at the page's edge. */
static void add_matrix(na_page *page, const cells *c, const na_slice *slice, long long first,
                       int row_axis, int col_axis)
{
  const na_h5_part *p = &slice->part;
  long long rows = row_axis >= 0 ? p->count[row_axis] : 1,
            cols = col_axis >= 0 ? p->count[col_axis] : 1;
  long long last = row_axis >= 0 ? p->first[row_axis] + rows * p->step[row_axis] : 0;
  int label_cols = row_axis >= 0 ? digits_of(last) : 0;
  for (long long r = 0; r < rows; r++) {
    char label[32] = "";
    if (row_axis >= 0)
      snprintf(label, sizeof label, "%lld", p->first[row_axis] + r * p->step[row_axis]);
    add_row(page, c, first + r * cols, cols, label, label_cols);
  }
}

static void add_matrices(na_page *page, const cells *c, const na_slice *slice)
{
  const na_h5_part *p = &slice->part;
  long long index[NA_H5_RANK_MOST] = {0}, size;
  int row_axis, col_axis, free_axes = 0;
  choose_axes(slice, &row_axis, &col_axis);
  for (int i = 0; i < p->rank; i++) free_axes += !slice->fixed[i];
  size = (row_axis >= 0 ? p->count[row_axis] : 1) * (col_axis >= 0 ? p->count[col_axis] : 1);
  for (long long first = 0; size > 0 && first < c->count; first += size) {
    if (free_axes > 2) add_heading(page, slice, index, row_axis, col_axis);
    add_matrix(page, c, slice, first, row_axis, col_axis);
    for (int i = p->rank - 1; i >= 0; i--) {
      if (i == row_axis || i == col_axis) continue;
      if (++index[i] < p->count[i]) break;
      index[i] = 0;
    }
  }
}

void na_detail_values(na_page *page, const na_subject *s, const na_slice *slice, long long most)
{
  cells c = {.count = 0};
  na_error err = {0};
  char text[512];
  na_slice_text(slice, s->about, text);
  long long count = na_h5_part_count(&slice->part);
  na_page_title(page, s->about->rank > 0 ? "values [%s]%s%s" : "value%.0s%s%s", text,
                s->field[0] != '\0' ? " of " : "", s->field);
  if (s->about->rank < 0) na_page_line(page, NA_STYLE_FAINT, "there are none");
  else if (count < 0 || count > most)
    na_page_line(page, NA_STYLE_FAINT,
                 "%lld values are too many to show at once: choose a smaller slice", count);
  else if (count == 0) na_page_line(page, NA_STYLE_FAINT, "there are none");
  else if (read_cells(&c, s, slice, &err) != NA_OK) na_page_alert(page, err.message);
  else add_matrices(page, &c, slice);
  cells_free(&c);
}
