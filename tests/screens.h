/* The live screen against saved ones, for the tests of tui/screen.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SCREENS_H
#define SCREENS_H

#include "tests/saved_screen.h"
#include "tui/screen/live.h"

/* What is drawn must be what tests/screens/NAME holds. */
static void same_screen(na_live *live, const char *name)
{
  na_live_draw(live);
  saved_screen(&live->grid, name);
}

#endif
