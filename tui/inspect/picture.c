/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/inspect/picture.h"

#include <math.h>

/* Dots that `size` values take where `room` dots are free. */
static int dots(int size, int room, int zoom)
{
  long wanted = (long)size * (zoom > 0 ? zoom : 1);
  return wanted < room ? (int)wanted : room;
}

/* Both directions shrink alike. */
static void measure(const na_picture *p, na_area most, int zoom, int *height, int *width)
{
  *height = dots(p->rows, 2 * most.rows, zoom);
  *width = dots(p->cols, most.cols, zoom);
  double down = (double)*height / p->rows, across = (double)*width / p->cols;
  double scale = down < across ? down : across;
  if (scale < 1) {
    *height = (int)ceil(scale * p->rows);
    *width = (int)ceil(scale * p->cols);
  }
  if (*height < 1) *height = 1;
  if (*width < 1) *width = 1;
}

na_area na_picture_size(const na_picture *picture, na_area most, int zoom)
{
  int height, width;
  if (picture->rows < 1 || picture->cols < 1 || most.rows < 1 || most.cols < 1)
    return (na_area){most.row, most.col, 0, 0};
  measure(picture, most, zoom, &height, &width);
  return (na_area){most.row, most.col, (height + 1) / 2, width};
}

/* Mean of the values that a dot stands for; NaN when none is finite. */
static double value_at(const na_picture *p, int y, int x, int height, int width)
{
  long top = (long)y * p->rows / height, bottom = (long)(y + 1) * p->rows / height;
  long left = (long)x * p->cols / width, right = (long)(x + 1) * p->cols / width;
  double sum = 0, count = 0;
  if (bottom <= top) bottom = top + 1;
  if (right <= left) right = left + 1;
  for (long r = top; r < bottom; r++)
    for (long c = left; c < right; c++) {
      double v = p->values[r * p->cols + c];
      if (!isfinite(v)) continue;
      sum += v;
      count++;
    }
  return count > 0 ? sum / count : NAN;
}

static int level_of(const na_picture *p, double value)
{
  double low = p->low, high = p->high;
  if (p->sign) {
    high = fabs(low) > fabs(high) ? fabs(low) : fabs(high);
    low = -high;
  }
  double share = high > low ? (value - low) / (high - low) : p->sign ? 0.5 : 0;
  if (!(share >= 0)) share = isnan(value) && p->sign ? 0.5 : 0;
  return (int)((share > 1 ? 1 : share) * (NA_HEAT_LEVELS - 1) + 0.5);
}

void na_picture_draw(const na_picture *picture, na_grid *grid, na_area area, int zoom)
{
  int height, width;
  if (picture->rows < 1 || picture->cols < 1 || area.rows < 1 || area.cols < 1) return;
  measure(picture, area, zoom, &height, &width);
  na_style style = picture->sign ? NA_STYLE_HEAT_SIGNED : NA_STYLE_HEAT;
  for (int y = 0; y < height; y += 2)
    for (int x = 0; x < width; x++) {
      int upper = level_of(picture, value_at(picture, y, x, height, width));
      int lower = y + 1 < height  ? level_of(picture, value_at(picture, y + 1, x, height, width))
                  : picture->sign ? (NA_HEAT_LEVELS - 1) / 2
                                  : 0;
      if (y + 1 >= height && !(grid->heat && grid->utf8)) lower = upper;
      na_grid_heat(grid, area.row + y / 2, area.col + x, style, upper, lower);
    }
}

void na_picture_range(const double *values, size_t count, double *low, double *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) continue;
    *low = values[i] < *low ? values[i] : *low;
    *high = values[i] > *high ? values[i] : *high;
  }
  if (*low > *high) *low = *high = 0;
}
