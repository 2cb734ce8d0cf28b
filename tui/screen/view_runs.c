/* All runs of the folder: ordered, filtered, marked, compared, annotated, thrown away, opened.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/runs/catalogue.h"
#include "core/runs/filter.h"
#include "core/runs/note.h"
#include "core/runs/trash.h"
#include "tui/run_list.h"
#include "tui/screen/live.h"
#include "tui/screen/runs_diff.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEFT_COLS = 5, FOOT_FROM_ROWS = 6 };
static const double LOOK_SECONDS = 2, READ_SECONDS = 0.015;

typedef struct runs {
  na_catalogue catalogue;
  double looked;      /* when; 0: never */
  bool read;          /* all that is new was read */
  na_run **shown;     /* [count], borrowed from the catalogue: those that the filter takes, in order */
  size_t count, capacity;
  size_t selected, top;
  bool moved;         /* the user chose what is selected; else it is the first */
  bool by_chosen, reverse;
  int by;             /* an na_column_id */
  na_run_list list;
  int list_cols;      /* that it was made for */
  char text[NA_TEXT_MAX];
  na_filter filter;
  bool differ;        /* the settings of the marked runs are shown instead */
  long differ_top;
} runs;

static runs *state(na_live *live)
{
  return na_view_state(live, &na_view_runs);
}

static na_run *selected(runs *r)
{
  return r->selected < r->count ? r->shown[r->selected] : NULL;
}

/* ------------------------------------------------------------------------- the list */

static na_run_key key_of(const runs *r)
{
  return (na_run_key){.column = r->by_chosen ? r->by : NA_COLUMN_started};
}

/* Filters and orders anew; the selected run stays selected. */
static void arrange(na_live *live)
{
  runs *r = state(live);
  na_error err = {0};
  const na_run *before = r->moved ? selected(r) : NULL;
  na_run_key key = key_of(r);
  if (r->capacity < r->catalogue.count) {
    na_free(r->shown);
    r->shown = na_alloc_array(r->catalogue.capacity, sizeof *r->shown);
    r->capacity = r->shown != NULL ? r->catalogue.capacity : 0;
  }
  r->count = 0;
  for (size_t i = 0; i < r->catalogue.count && r->count < r->capacity; i++)
    if (na_filter_takes(&r->filter, r->catalogue.runs[i])) r->shown[r->count++] = r->catalogue.runs[i];
  if (na_runs_sort(r->shown, r->count, &key, r->reverse, &err) != NA_OK) na_live_say(live, "%.200s", err.message);
  for (size_t i = 0; i < r->count; i++)
    if (r->shown[i] == before) r->selected = i;
  if (!r->moved) r->selected = 0;
  if (r->selected >= r->count) r->selected = r->count > 0 ? r->count - 1 : 0;
  r->list_cols = 0;
}

/* Looks at the folder. Runs that are gone must not be shown any more. */
static void look(na_live *live)
{
  runs *r = state(live);
  na_error err = {0};
  r->catalogue.folder = live->runs;
  r->looked = na_now();
  r->read = false;
  const na_run *before = r->moved ? selected(r) : NULL;
  char *name = before != NULL ? na_strdup(before->name) : NULL;
  r->count = 0;
  if (na_catalogue_look(&r->catalogue, &err) != NA_OK) na_live_say(live, "%.200s", err.message);
  const na_run *still = name != NULL ? na_catalogue_find(&r->catalogue, name) : NULL;
  size_t at = r->selected;
  arrange(live);
  r->selected = at < r->count ? at : r->count > 0 ? r->count - 1 : 0;
  for (size_t i = 0; i < r->count; i++)
    if (r->shown[i] == still) r->selected = i;
  na_free(name);
}

/* Runs that go on have more to be read. */
static void read_on(na_live *live)
{
  runs *r = state(live);
  for (size_t i = 0; i < live->overlay.count; i++) {
    const na_run *run = na_catalogue_find(&r->catalogue, live->overlay.runs[i]->name);
    if (run != NULL && run->state == NA_RUN_RUNNING) live->overlay.runs[i]->done = false;
  }
  const na_run *opened = live->opened != NULL ? na_catalogue_find(&r->catalogue, live->opened->name) : NULL;
  if (opened != NULL && opened->state == NA_RUN_RUNNING) live->opened->done = false;
}

static bool idle(na_live *live)
{
  runs *r = state(live);
  na_error err = {0};
  bool wanted = live->view == &na_view_runs || live->overlay.count > 0 || live->opened != NULL;
  if (live->runs == NULL || !wanted) return false;
  bool due = na_now() - r->looked > LOOK_SECONDS || r->looked <= 0;
  if (due) look(live);
  if (due) read_on(live);
  if (r->read) return due;
  if (na_catalogue_read(&r->catalogue, READ_SECONDS, &r->read, &err) != NA_OK) {
    na_live_say(live, "%.200s", err.message);
    r->read = true;
  }
  arrange(live);
  return true;
}

static void show(na_live *live)
{
  state(live)->looked = 0;
  state(live)->differ = false;
}

static void free_state(void *structure)
{
  runs *r = structure;
  na_free(r->shown);
  na_catalogue_free(&r->catalogue);
}

/* ------------------------------------------------------------------------- keys */

static void mark(na_live *live)
{
  runs *r = state(live);
  na_error err = {0};
  const na_run *run = selected(r);
  if (run == NULL) return;
  r->moved = true;
  if (na_overlay_find(&live->overlay, run->name) != NULL) na_overlay_remove(&live->overlay, run->name);
  else if (na_overlay_add(&live->overlay, run->name, &err) != NA_OK) na_live_say(live, "%.200s", err.message);
  if (r->selected + 1 < r->count) r->selected++;
}

static void unmark(na_live *live)
{
  na_overlay_free(&live->overlay);
  state(live)->differ = false;
}

static void overlay(na_live *live)
{
  if (live->overlay.count == 0) na_live_say(live, "mark runs first: space");
  else na_live_show(live, &na_view_curves);
}

static void open_run(na_live *live)
{
  na_error err = {0};
  const na_run *run = selected(state(live));
  if (run == NULL) return;
  na_live_open(live, live->trainer != NULL && strcmp(run->name, live->run) == 0 ? NULL : run->name, &err);
  if (err.code != NA_OK) na_live_say(live, "%.200s", err.message);
  else na_live_show(live, &na_view_curves);
}

static void take_filter(na_live *live, const char *line, bool done)
{
  runs *r = state(live);
  na_error err = {0};
  na_filter filter;
  if (line == NULL) line = r->text; /* left: as it was before */
  int code = na_filter_read(&filter, line, r->catalogue.runs, r->catalogue.count, &err);
  if (code == NA_OK) {
    r->filter = filter;
    arrange(live);
  } else if (done) na_live_say(live, "%.150s%s%.80s", err.message, err.hint[0] != '\0' ? "; " : "", err.hint);
  if (done && code == NA_OK) snprintf(r->text, sizeof r->text, "%s", line);
}

static void filter(na_live *live)
{
  na_live_ask_line(live, "filter, such as top1>80: ", state(live)->text, take_filter);
}

static void order_by(na_live *live, int by)
{
  runs *r = state(live);
  int column = (key_of(r).column + by + NA_COLUMN_COUNT_OF) % NA_COLUMN_COUNT_OF;
  r->by_chosen = true;
  r->by = column;
  arrange(live);
  na_live_say(live, "by %s: %s", na_columns[column].name, na_columns[column].help);
}

static void next_column(na_live *live) { order_by(live, 1); }
static void last_column(na_live *live) { order_by(live, -1); }

static void reverse(na_live *live)
{
  state(live)->reverse = !state(live)->reverse;
  arrange(live);
}

static void differ(na_live *live)
{
  runs *r = state(live);
  if (!r->differ && live->overlay.count < 2) na_live_say(live, "mark two runs or more first: space");
  else r->differ = !r->differ;
  r->differ_top = 0;
}

static void back(na_live *live)
{
  runs *r = state(live);
  if (r->differ) r->differ = false;
  else if (r->text[0] != '\0') take_filter(live, "", true);
}

static void take_note(na_live *live, const char *line, bool done)
{
  na_error err = {0};
  const na_run *run = selected(state(live));
  if (!done || line == NULL || run == NULL) return;
  if (na_note_write(live->runs, run->name, line, &err) != NA_OK) na_live_say(live, "%.200s", err.message);
  else look(live);
}

static void note(na_live *live)
{
  const na_run *run = selected(state(live));
  if (run == NULL) return;
  char note[NA_TEXT_MAX];
  snprintf(note, sizeof note, "%.500s", run->note);
  na_live_ask_line(live, "note: ", note, take_note);
}

static void trash_one(na_live *live, const char *name, int *moved)
{
  na_error err = {0};
  if (na_trash_put(live->runs, name, &err) != NA_OK) {
    na_live_say(live, "%.200s", err.message);
    return;
  }
  if (live->opened != NULL && strcmp(live->opened->name, name) == 0) na_live_open(live, NULL, NULL);
  ++*moved;
}

/* The marked ones, or else the selected one. */
static void trash(na_live *live)
{
  runs *r = state(live);
  na_overlay *marked = &live->overlay;
  const na_run *run = selected(r);
  int moved = 0;
  if (marked->count == 0 && run != NULL) trash_one(live, run->name, &moved);
  for (size_t i = marked->count; i-- > 0;) {
    int before = moved;
    trash_one(live, marked->runs[i]->name, &moved);
    if (moved > before) na_overlay_remove(marked, marked->runs[i]->name);
  }
  if (moved > 0 && live->notice[0] == '\0')
    na_live_say(live, "%d moved to the trash; netaug runs restore NAME brings one back", moved);
  look(live);
}

static void ask_trash(na_live *live)
{
  char question[160], words[NA_RUN_WORDS];
  const na_run *run = selected(state(live));
  if (live->overlay.count == 0 && run == NULL) return;
  if (live->overlay.count > 0)
    snprintf(question, sizeof question, "move the %zu marked runs to the trash?", live->overlay.count);
  else {
    na_run_words(run, &(na_run_key){.column = NA_COLUMN_name}, words);
    snprintf(question, sizeof question, "move %.60s to the trash?", words);
  }
  na_live_ask(live, question, trash);
}

static const na_key list[] = {
    {NA_KEY_ENTER, 0, "Enter", "open", "the curves of this run", open_run},
    {' ', 0, "space", "mark", "mark it, or not any more", mark},
    {'o', 0, "o", "overlay", "the curves of the marked runs", overlay},
    {'d', 0, "d", "diff", "settings in which the marked runs differ", differ},
    {'/', 0, "/", "filter", "only runs for which this holds: words, top1>80, state=running", filter},
    {NA_KEY_RIGHT, 'l', "right l", NULL, "order by the next column", next_column},
    {NA_KEY_LEFT, 'h', "left h", NULL, "order by the column before", last_column},
    {'r', 0, "r", NULL, "the other way round", reverse},
    {'n', 0, "n", "note", "write a note about this run", note},
    {'x', NA_KEY_DELETE, "x Del", NULL, "move it, or the marked ones, to the trash (asks)", ask_trash},
    {'u', 0, "u", NULL, "take all marks away", unmark},
    {NA_KEY_ESCAPE, 0, "Esc", NULL, "back to the list; no filter", back},
};
static const na_keys keys = NA_KEYS("Runs", list);

/* ------------------------------------------------------------------------- drawing */

static void draw_heads(runs *r, na_grid *grid, na_area area)
{
  int col = area.col + LEFT_COLS;
  na_run_key by = key_of(r);
  for (int c = 0; c < r->list.count; c++) {
    const na_run_list_column *column = &r->list.columns[c];
    bool chosen = column->key.column == by.column;
    bool down = na_columns[by.column].down != r->reverse;
    char title[80];
    const char *arrow = grid->utf8 ? (down ? "\xE2\x86\x93" : "\xE2\x86\x91") : down ? "v" : "^";
    snprintf(title, sizeof title, "%s%s", column->title, chosen ? arrow : "");
    int length = na_utf8_columns(title), shift = column->right && length < column->cols ? column->cols - length : 0;
    na_grid_put(grid, area.row, col + shift, area.col + area.cols - col - shift,
                chosen ? NA_STYLE_STRONG : NA_STYLE_TITLE, title);
    col += column->cols + 2;
  }
}

static void draw_run(na_live *live, const na_run *run, bool is_selected, int row, na_area area)
{
  runs *r = state(live);
  na_grid *grid = &live->grid;
  char words[NA_RUN_WORDS];
  int col = area.col + LEFT_COLS, end = area.col + area.cols;
  na_style style = is_selected                        ? NA_STYLE_SELECTED
                   : run->state == NA_RUN_RUNNING     ? NA_STYLE_STRONG
                   : run->state == NA_RUN_DAMAGED     ? NA_STYLE_FAINT
                                                      : NA_STYLE_PLAIN;
  if (is_selected)
    for (int c = area.col; c < end; c++) na_grid_set(grid, row, c, style, ' ');
  na_grid_put(grid, row, area.col, 1, style, is_selected ? ">" : "");
  const na_laid *laid = na_overlay_find(&live->overlay, run->name);
  if (laid != NULL) na_grid_put(grid, row, area.col + 1, 2, is_selected ? style : NA_STYLE_LABEL, laid->label);
  if (run->state == NA_RUN_RUNNING) na_grid_put(grid, row, area.col + 3, 1, style, "*");
  for (int c = 0; c < r->list.count && col < end; c++) {
    const na_run_list_column *column = &r->list.columns[c];
    na_run_words(run, &column->key, words);
    int length = na_utf8_columns(words), shift = column->right && length < column->cols ? column->cols - length : 0;
    int room = column->cols < end - col ? column->cols : end - col;
    if (room > shift) na_grid_put(grid, row, col + shift, room - shift, style, words);
    col += column->cols + 2;
  }
}

/* Why the selected run is not finished, or its note. */
static void draw_foot(runs *r, na_grid *grid, na_area area)
{
  const na_run *run = selected(r);
  if (run == NULL) return;
  int row = area.row + area.rows - 1, col = area.col + 1;
  const char *why = run->why[0] != '\0' ? run->why : run->note;
  na_grid_print(grid, row, col, area.cols - 1, NA_STYLE_FAINT, "%s%s%s", why, why[0] != '\0' ? "  " : "",
                run->changes > 0 ? "(steered)" : "");
}

static void draw_list(na_live *live, na_area area)
{
  runs *r = state(live);
  bool foot = area.rows >= FOOT_FROM_ROWS;
  int rows = area.rows - 1 - foot;
  if (r->list_cols != area.cols) {
    na_run_key by = key_of(r);
    bool usual = !r->by_chosen;
    na_run_list_fit(&r->list, r->shown, r->count, usual ? NULL : &by, area.cols - LEFT_COLS - 1);
    r->list_cols = area.cols;
  }
  live->page = rows > 1 ? rows - 1 : 1;
  if (r->selected < r->top) r->top = r->selected;
  if (rows > 0 && r->selected >= r->top + (size_t)rows) r->top = r->selected - (size_t)rows + 1;
  draw_heads(r, &live->grid, area);
  for (int i = 0; i < rows && r->top + (size_t)i < r->count; i++)
    draw_run(live, r->shown[r->top + (size_t)i], r->top + (size_t)i == r->selected, area.row + 1 + i, area);
  if (r->count == 0)
    na_grid_put(&live->grid, area.row + 1, area.col + 1, area.cols - 1, NA_STYLE_FAINT,
                live->runs == NULL        ? "no folder of runs"
                : r->catalogue.count > 0 ? "the filter takes none"
                : r->read                ? "no runs yet"
                                         : "reading");
  if (foot) draw_foot(r, &live->grid, area);
}

static void draw(na_live *live, na_area area)
{
  runs *r = state(live);
  char title[NA_TEXT_MAX + 80];
  if (r->differ) {
    snprintf(title, sizeof title, "settings that differ");
    na_runs_diff_draw(live, &r->catalogue, na_live_frame(live, area, title), &r->differ_top);
    return;
  }
  int length = snprintf(title, sizeof title, "runs: %zu", r->count);
  if (r->count < r->catalogue.count)
    length += snprintf(title + length, sizeof title - (size_t)length, " of %zu", r->catalogue.count);
  if (r->text[0] != '\0')
    length += snprintf(title + length, sizeof title - (size_t)length, ", filter %s", r->text);
  if (live->overlay.count > 0)
    snprintf(title + length, sizeof title - (size_t)length, ", %zu marked", live->overlay.count);
  draw_list(live, na_live_frame(live, area, title));
}

static void scroll(na_live *live, long lines)
{
  runs *r = state(live);
  if (r->differ) {
    r->differ_top = r->differ_top + lines > 0 ? r->differ_top + lines : 0;
    return;
  }
  r->moved = true;
  long at = (long)r->selected + lines, last = (long)r->count - 1;
  r->selected = at < 0 || last < 0 ? 0 : at > last ? (size_t)last : (size_t)at;
}

const na_view na_view_runs = {
    .name = "runs",
    .key = '3',
    .key_name = "3",
    .help = "runs: all there are, to open, overlay, compare",
    .keys = &keys,
    .state_size = sizeof(runs),
    .free = free_state,
    .show = show,
    .idle = idle,
    .draw = draw,
    .scroll = scroll,
};
