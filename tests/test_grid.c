/* The screen as data: clipping, wide characters, hostile text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/grid.h"
#include "core/base/memory.h"
#include "tests/check.h"

#include <locale.h>

static const na_style plain;

static void shows(const na_grid *grid, const char *wanted)
{
  na_buffer out = {0};
  na_grid_write(grid, &out);
  const char *got = out.data != NULL ? out.data : "";
  CHECK(strcmp(got, wanted) == 0, "shows\n%s\n  wanted\n%s", got, wanted);
  na_free(out.data);
}

static void clips(void)
{
  na_grid grid = {0};
  CHECK(na_grid_resize(&grid, 3, 10) == 0, "resize");
  na_area part = na_area_part(na_grid_all(&grid), 1, 2, 5, 5);
  CHECK(part.rows == 2 && part.columns == 5, "part is %d x %d", part.rows, part.columns);
  CHECK(na_area_put(part, 0, 0, plain, "abcdefgh") == 8, "width of a cut text");
  na_area_put(part, 1, -2, plain, "xyz");
  na_area_put(part, 2, 0, plain, "outside");
  na_area_put(part, -1, 0, plain, "outside");
  shows(&grid, "\n  abcde\n  z\n");
  na_area none = na_area_part(part, 9, 9, 3, 3);
  CHECK(none.rows == 0 && none.columns == 0, "an empty part");
  na_area_put(none, 0, 0, plain, "outside");
  CHECK(na_grid_resize(&grid, -1, 4) != 0 && grid.columns == 10, "a negative size is refused");
  CHECK(na_grid_resize(&grid, 0, 0) == 0, "an empty grid");
  shows(&grid, "");
  na_grid_free(&grid);
}

static void characters(void)
{
  na_grid grid = {0};
  CHECK(na_grid_resize(&grid, 4, 6) == 0, "resize");
  na_area all = na_grid_all(&grid);
  CHECK(na_area_put(all, 0, 0, plain, "a\033[1m\n") == 6, "control characters take a column each");
  na_area_put(all, 1, 0, plain, "\xff\xc0\x80\xe2\x82x");
  CHECK(na_area_put(all, 2, 0, plain, "\u6f22e\u0301\u5b57z") == 6, "double width and combining");
  na_area_put(all, 3, 5, plain, "\u6f22");
  shows(&grid, "a?[1m?\n?????x\n\u6f22e\u5b57z\n\n");
  na_grid_free(&grid);
}

static void styles(void)
{
  na_grid grid = {0};
  na_style red = {NA_COLOUR(1), 0, NA_STYLE_BOLD}, chosen = {0, 0, NA_STYLE_REVERSE};
  CHECK(na_grid_resize(&grid, 2, 3) == 0, "resize");
  na_area_put(na_grid_all(&grid), 1, 1, red, "x");
  CHECK(grid.cells[4].style.fore == 2 && grid.cells[4].style.flags == NA_STYLE_BOLD, "style kept");
  na_area_mark(na_grid_all(&grid), 1, chosen);
  CHECK(grid.cells[3].style.flags == NA_STYLE_REVERSE && grid.cells[4].character == L'x', "marked");
  CHECK(grid.cells[0].style.flags == 0, "another row is not");
  na_grid_free(&grid);
}

int main(void)
{
  setlocale(LC_CTYPE, "C.UTF-8");
  RUN(clips);
  RUN(characters);
  RUN(styles);
  return CHECK_EXIT();
}
