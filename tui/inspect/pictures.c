/* Arrays as pictures: matrices, kernels of convolutions, images, curves.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/inspect/detail.h"
#include "tui/inspect/picture.h"
#include "tui/screen/canvas.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  GAP = 1,
  ZOOM_MOST = 4,
  SMALL = 12,
  POINTS_MOST = 1 << 16,
  CURVE_ROWS_MOST = 20,
  CURVE_LABEL = 10
};

/* A stack of matrices, [planes][rows][cols] in memory. */
typedef struct stack {
  double *values;
  long long planes;
  int rows, cols;
  double low, high;
} stack;

/* [n][height][width][1 to 4]: images with their colours innermost, as in packed data sets. */
static bool colours_inside(const na_h5_about *a)
{
  return a->rank == 4 && a->dims[3] <= 4 && a->dims[1] > 4 && a->dims[2] > 4;
}

/* The dimensions of a matrix: the last two that are not fixed. */
static void choose_axes(const na_slice *slice, int last, int *row_axis, int *col_axis)
{
  *row_axis = *col_axis = -1;
  for (int i = last; i >= 0; i--) {
    if (slice->fixed[i]) continue;
    if (*col_axis < 0) *col_axis = i;
    else if (*row_axis < 0) *row_axis = i;
  }
}

/* As many of the stack's matrices as one call can bring: cuts the outermost dimensions. */
static void cut(na_h5_part *part, int row_axis)
{
  for (int i = 0; i < part->rank && i != row_axis; i++) {
    long long count = na_h5_part_count(part);
    if (count >= 0 && count <= NA_READER_VALUES) return;
    long long rest = part->count[i] > 0 && count > 0 ? count / part->count[i] : 0;
    part->count[i] = rest > 0 && rest < NA_READER_VALUES ? NA_READER_VALUES / rest : 1;
  }
}

/* Colours become their mean. */
static void merge_colours(stack *s, long long colours)
{
  long long pixels = s->planes * s->rows * s->cols;
  for (long long i = 0; i < pixels; i++) {
    double sum = 0;
    for (long long c = 0; c < colours; c++) sum += s->values[i * colours + c];
    s->values[i] = sum / (double)colours;
  }
}

static int read_stack(stack *s, const na_subject *subject, const na_slice *slice, na_error *err)
{
  bool colours = colours_inside(subject->about) && !slice->fixed[3];
  int row_axis, col_axis;
  na_h5_part part = slice->part;
  snprintf(part.field, sizeof part.field, "%s", subject->field);
  choose_axes(slice, colours ? 2 : part.rank - 1, &row_axis, &col_axis);
  if (col_axis < 0 || row_axis < 0) return NA_OK;
  cut(&part, row_axis);
  long long count = na_h5_part_count(&part), plane = part.count[row_axis] * part.count[col_axis];
  if (count <= 0 || plane <= 0 || count > NA_READER_VALUES) return NA_OK;
  s->values = na_alloc_array((size_t)count, sizeof *s->values);
  if (s->values == NULL) return na_fail_memory(err, (size_t)count * sizeof *s->values, "a picture");
  s->rows = (int)part.count[row_axis];
  s->cols = (int)part.count[col_axis];
  s->planes = count / plane / (colours ? part.count[3] : 1);
  int code =
      na_reader_numbers(subject->reader, subject->path, &part, s->values, (size_t)count, err);
  if (code == NA_OK && colours) merge_colours(s, part.count[3]);
  na_picture_range(s->values, (size_t)(s->planes * plane), &s->low, &s->high);
  return code;
}

static int zoom_for(const stack *s)
{
  int larger = s->rows > s->cols ? s->rows : s->cols;
  if (s->planes > 1) return larger <= 2 ? 2 : 1;
  return larger <= SMALL ? ZOOM_MOST : larger <= 2 * SMALL ? 2 : 1;
}

/* Pictures side by side, row below row, up to `rows` of the page. Returns how many were drawn. */
static long long add_pictures(na_page *page, const stack *s, int rows)
{
  na_picture one = {
      .rows = s->rows, .cols = s->cols, .low = s->low, .high = s->high, .sign = s->low < 0};
  na_area most = {0, 0, rows > 0 ? rows : 1, page->width};
  int zoom = zoom_for(s);
  na_area size = na_picture_size(&one, most, zoom);
  int across = size.cols > 0 ? (page->width + GAP) / (size.cols + GAP) : 0;
  long long drawn = 0;
  if (across < 1) across = 1;
  for (int used = 0; drawn < s->planes && used + size.rows <= rows; used += size.rows + GAP) {
    int row = na_page_room(page, size.rows + GAP);
    if (row < 0) break;
    for (int k = 0; k < across && drawn < s->planes; k++, drawn++) {
      one.values = s->values + drawn * s->rows * s->cols;
      na_picture_draw(&one, &page->grid,
                      (na_area){row, k * (size.cols + GAP), size.rows, size.cols}, zoom);
    }
  }
  return drawn;
}

/* ------------------------------------------------------------------------------- curves */

/* The values of one dimension against their indices; of very many only every n-th. */
static int read_curve(na_series *series, const na_subject *subject, const na_slice *slice, int axis,
                      na_error *err)
{
  na_h5_part part = slice->part;
  snprintf(part.field, sizeof part.field, "%s", subject->field);
  long long every = (part.count[axis] - 1) / POINTS_MOST + 1;
  part.count[axis] = (part.count[axis] - 1) / every + 1;
  part.step[axis] *= every;
  double *values = na_alloc_array((size_t)part.count[axis], sizeof *values);
  if (values == NULL)
    return na_fail_memory(err, (size_t)part.count[axis] * sizeof *values, "a curve");
  int code = na_reader_numbers(subject->reader, subject->path, &part, values,
                               (size_t)part.count[axis], err);
  for (long long i = 0; i < part.count[axis] && code == NA_OK; i++)
    code = na_series_add(series, (double)(part.first[axis] + i * part.step[axis]), values[i], err);
  na_free(values);
  return code;
}

static int draw_curve(na_page *page, const na_series *series, int rows, na_error *err)
{
  na_canvas canvas;
  na_extent e = na_series_extent(series, false, 0, series->count);
  rows = rows > CURVE_ROWS_MOST ? CURVE_ROWS_MOST : rows;
  if (e.low > e.high) {
    na_page_line(page, NA_STYLE_FAINT, "there is no finite value");
    return NA_OK;
  }
  int row = na_page_room(page, rows);
  if (row < 0) return NA_OK;
  na_area area = {row, CURVE_LABEL, rows, page->width - CURVE_LABEL};
  int code = na_canvas_new(&canvas, &page->grid, area, err);
  if (code != NA_OK) return code;
  const na_window window = {series->x[0], series->x[series->count - 1], e.low, e.high, false};
  na_canvas_series(&canvas, &window, series, false, (na_pen){.style = NA_STYLE_BASE});
  na_canvas_show(&canvas, &page->grid);
  na_canvas_free(&canvas);
  na_grid_print(&page->grid, row, 0, CURVE_LABEL - 1, NA_STYLE_FAINT, "%9.4g", e.high);
  na_grid_print(&page->grid, row + rows - 1, 0, CURVE_LABEL - 1, NA_STYLE_FAINT, "%9.4g", e.low);
  na_page_line(page, NA_STYLE_FAINT, "%*s%.0f to %.0f", CURVE_LABEL, "", series->x[0],
               series->x[series->count - 1]);
  return NA_OK;
}

static int add_curve(na_page *page, const na_subject *subject, const na_slice *slice, int rows,
                     na_error *err)
{
  na_series series = {.count = 0};
  int row_axis, axis;
  char text[512];
  choose_axes(slice, slice->part.rank - 1, &row_axis, &axis);
  if (axis < 0 || row_axis >= 0 || slice->part.count[axis] < 2) return NA_OK;
  int code = read_curve(&series, subject, slice, axis, err);
  if (code == NA_OK && series.count > 0) {
    na_slice_text(slice, subject->about, text);
    na_page_title(page, "curve [%s]", text);
    code = draw_curve(page, &series, rows - 2, err);
  }
  na_series_free(&series);
  return code;
}

void na_detail_pictures(na_page *page, const na_subject *subject, const na_slice *slice, int rows)
{
  stack s = {.values = NULL};
  na_error err = {0};
  char text[512];
  if (!subject->about->numbers && subject->field[0] == '\0') return;
  int code = read_stack(&s, subject, slice, &err);
  if (code == NA_OK && s.values == NULL) code = add_curve(page, subject, slice, rows, &err);
  if (code != NA_OK) na_page_alert(page, err.message);
  else if (s.values != NULL) {
    na_slice_text(slice, subject->about, text);
    na_page_title(page, "pictures [%s], %.4g to %.4g%s", text, s.low, s.high,
                  s.low < 0 ? " (zero in the middle)" : "");
    long long drawn = add_pictures(page, &s, rows);
    if (drawn < s.planes)
      na_page_line(page, NA_STYLE_FAINT, "%lld of %lld: a slice shows others", drawn, s.planes);
  }
  na_free(s.values);
}
