/* Screens against saved ones, for the tests of tui/screen. NETAUG_SAVE_SCREENS=1 writes them anew: look
 * at them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SCREENS_H
#define SCREENS_H

#include "core/base/memory.h"
#include "tests/check.h"
#include "tui/screen/live.h"

static char *read_text(const char *path)
{
  static char text[1 << 17];
  FILE *file = fopen(path, "rb");
  size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL) fclose(file);
  text[length] = '\0';
  return text;
}

static void source_path(char path[1024], const char *name)
{
  const char *sources = getenv("NETAUG_SRCDIR");
  snprintf(path, 1024, "%s/%s", sources != NULL ? sources : "..", name);
}

/* What is drawn must be what tests/screens/NAME holds. */
static void same_screen(na_live *live, const char *name)
{
  char path[1024], file[64];
  na_buffer got = {0};
  na_live_draw(live);
  na_grid_text(&live->grid, &got);
  snprintf(file, sizeof file, "tests/screens/%s", name);
  source_path(path, file);
  if (getenv("NETAUG_SAVE_SCREENS") != NULL) {
    FILE *out = fopen(path, "wb");
    CHECK(out != NULL, "cannot write %s", path);
    if (out != NULL) {
      fputs(got.data, out);
      fclose(out);
    }
  }
  CHECK(strcmp(got.data, read_text(path)) == 0, "not as saved in %s:\n%s", path, got.data);
  na_free(got.data);
}

#endif
