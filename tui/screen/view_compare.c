/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/live.h"
#include "tui/screen/compare.h"

/* Made when it is first wanted. */
typedef struct holder {
  na_compare *compare;
} holder;

static na_compare *compare_of(na_live *live)
{
  holder *state = na_view_state(live, &na_view_compare);
  if (state->compare == NULL) state->compare = na_compare_new();
  if (state->compare == NULL) na_live_say(live, "out of memory");
  return state->compare;
}

static void discard(void *state)
{
  na_compare_free(((holder *)state)->compare);
}

static void show(na_live *live)
{
  na_compare *compare = compare_of(live);
  if (compare != NULL) na_compare_look(compare);
}

static void draw(na_live *live, na_area area)
{
  na_compare *compare = compare_of(live);
  if (compare != NULL) live->page = na_compare_draw(compare, live->runs, &live->grid, area);
}

static void scroll(na_live *live, long lines)
{
  na_compare *compare = compare_of(live);
  if (compare != NULL) na_compare_scroll(compare, lines, live->page);
}

static void change(na_live *live, void (*how)(na_compare *compare, char *words))
{
  na_compare *compare = compare_of(live);
  char words[160];
  if (compare == NULL) return;
  how(compare, words);
  na_live_say(live, "%s", words);
}

static void turn(na_live *live) { change(live, na_compare_turn); }
static void measure(na_live *live) { change(live, na_compare_measure); }
static void pair(na_live *live) { change(live, na_compare_pair); }
static void control(na_live *live) { change(live, na_compare_control); }

static const na_key list[] = {
    {'t', 0, "t", "curves/heatmap", "curves, or a heatmap where two settings vary", turn},
    {'w', 0, "w", NULL, "the heatmap over the next two settings, or those it finds", pair},
    {'m', 0, "m", "metric", "the next metric: accuracy, loss, best epoch ...", measure},
    {'x', 0, "x", "control", "compare every arm with the next one, or every two", control},
};
static const na_keys keys = NA_KEYS("Compare", list);

const na_view na_view_compare = {
    .name = "compare",
    .key = '7',
    .key_name = "7",
    .help = "compare: the folder's runs in arms, and whether they differ",
    .keys = &keys,
    .state_size = sizeof(holder),
    .free = discard,
    .show = show,
    .draw = draw,
    .scroll = scroll,
};
