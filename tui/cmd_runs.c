/* netaug runs: what there is in the folder of runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/runs/catalogue.h"
#include "core/runs/difference.h"
#include "core/runs/filter.h"
#include "core/runs/note.h"
#include "core/runs/trash.h"
#include "core/train/recorder.h"
#include "tui/command.h"
#include "tui/records.h"
#include "tui/run_list.h"
#include "tui/screen/grid.h"
#include "tui/table.h"
#include "tui/terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct options {
  char runs[NA_TEXT_MAX], sort[NA_TEXT_MAX], filter[NA_TEXT_MAX], columns[NA_TEXT_MAX];
  bool reverse, json, trash, yes;
} options;

/* clang-format off */
static const na_option option_table[] = {
    {{"--runs", NA_TEXT, offsetof(options, runs), "runs", 0, 0, NULL, "folder of the runs"}, "DIR", false},
    {{"--sort", NA_TEXT, offsetof(options, sort), "started", 0, 0, NULL,
      "order by this column or setting"}, "COLUMN", false},
    {{"--reverse", NA_BOOL, offsetof(options, reverse), "false", 0, 0, NULL, "the other way round"},
     NULL, false},
    {{"--filter", NA_TEXT, offsetof(options, filter), "", 0, 0, NULL,
      "only runs for which this holds, such as \"top1>80 !steered=yes\""}, "TEXT", false},
    {{"--columns", NA_TEXT, offsetof(options, columns), "", 0, 0, NULL,
      "these columns or settings, separated by commas"}, "LIST", false},
    {{"--json", NA_BOOL, offsetof(options, json), "false", 0, 0, NULL,
      "a JSON object per run and line, with all columns and settings"}, NULL, false},
    {{"--trash", NA_BOOL, offsetof(options, trash), "false", 0, 0, NULL, "the runs in the trash"},
     NULL, false},
    {{"--yes", NA_BOOL, offsetof(options, yes), "false", 0, 0, NULL,
      "do not ask before runs are moved or deleted"}, NULL, false},
};
/* clang-format on */

/* What an action works on. */
typedef struct job {
  const options *given;
  char folder[NA_RUN_PATH]; /* of the runs, or of the trash */
  na_catalogue catalogue;
  int count;    /* of names */
  char **names; /* after the action */
} job;

/* A run may be named as the shell completes it: runs/NAME/. */
static int name_of(const job *j, char *operand, const char **name, na_error *err)
{
  struct stat given, folder;
  size_t length = strlen(operand);
  while (length > 1 && operand[length - 1] == '/') operand[--length] = '\0';
  char *slash = strrchr(operand, '/');
  *name = slash != NULL ? slash + 1 : operand;
  if (slash == NULL) return NA_OK;
  *slash = '\0';
  bool same = stat(slash == operand ? "/" : operand, &given) == 0 && stat(j->folder, &folder) == 0 &&
              given.st_dev == folder.st_dev && given.st_ino == folder.st_ino;
  *slash = '/';
  if (same) return NA_OK;
  na_fail(err, NA_EINVAL, "%.200s is not in the folder %.200s", operand, j->folder);
  return na_hint(err, "give the folder that it is in: --runs DIR");
}

static const char *run_name(const void *list, int i)
{
  return ((const na_catalogue *)list)->runs[i]->name;
}

static int find(const job *j, char *operand, na_run **run, na_error *err)
{
  const char *name;
  int code = name_of(j, operand, &name, err);
  if (code != NA_OK) return code;
  *run = na_catalogue_find(&j->catalogue, name);
  if (*run != NULL) return NA_OK;
  na_fail(err, NA_EINVAL, "there is no run \"%.100s\" in %.200s", name, j->folder);
  int near = na_text_nearest(name, (int)j->catalogue.count, run_name, &j->catalogue);
  if (near < 0) return na_hint(err, "netaug runs lists them");
  return na_hint(err, "did you mean \"%.100s\"?", run_name(&j->catalogue, near));
}

/* The runs that are named, allocated; all that the filter takes where none is. */
static int take_runs(const job *j, na_run ***runs, size_t *count, na_error *err)
{
  const na_catalogue *all = &j->catalogue;
  na_filter filter;
  *count = 0;
  *runs = na_alloc_array(all->count + (size_t)j->count + 1, sizeof **runs);
  if (*runs == NULL) return na_fail_memory(err, all->count * sizeof **runs, "the runs");
  int code = na_filter_read(&filter, j->given->filter, all->runs, all->count, err);
  for (int i = 0; i < j->count && code == NA_OK; i++) {
    na_run *run;
    code = find(j, j->names[i], &run, err);
    if (code == NA_OK) (*runs)[(*count)++] = run;
  }
  for (size_t i = 0; i < all->count && j->count == 0 && code == NA_OK; i++)
    if (na_filter_takes(&filter, all->runs[i])) (*runs)[(*count)++] = all->runs[i];
  return code;
}

/* ---------------------------------------------------------------------------------- list */

/* Every column, and the settings that are none. */
static void print_json(const na_run *run)
{
  enum { SETTINGS = 256, FIXED = NA_COLUMN_COUNT_OF };
  const char *names[FIXED + SETTINGS], *values[SETTINGS];
  na_records records;
  int settings = 0;
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++) names[c] = na_columns[c].name;
  for (int s = 0; s < run->setting_count && settings < SETTINGS; s++) {
    if (strchr(run->settings[s].name, '.') == NULL) continue;
    names[FIXED + settings] = run->settings[s].name;
    values[settings++] = run->settings[s].value;
  }
  na_records_begin(&records, stdout, true, FIXED + settings, names);
  for (int c = 0; c < NA_COLUMN_COUNT_OF; c++) {
    na_run_value value = na_run_value_of(run, &(na_run_key){.column = c});
    if (na_columns[c].kind == NA_COLUMN_TEXT) na_records_text(&records, value.text != NULL ? value.text : "");
    else na_records_number(&records, value.number);
  }
  for (int s = 0; s < settings; s++) na_records_text(&records, values[s]);
}

/* Words cut to cols columns; 0: not. */
static void cut(char words[NA_RUN_WORDS], int cols, bool utf8)
{
  const char *at = words;
  int used = 0;
  if (cols == 0 || na_utf8_columns(words) <= cols) return;
  while (used < cols - 1) used += na_rune_columns(na_utf8_next(&at));
  char *end = words + (at - words);
  snprintf(end, NA_RUN_WORDS - (size_t)(end - words), "%s", utf8 ? "\xE2\x80\xA6" : "~");
}

static int print_list(const job *j, na_run *const *runs, size_t count, const na_run_key *by, na_error *err)
{
  char layout[NA_RUN_LIST_COLUMNS + 1] = "", words[NA_RUN_WORDS];
  na_run_list list;
  na_terminal terminal;
  na_terminal_init(&terminal, STDOUT_FILENO);
  int width = isatty(STDOUT_FILENO) ? terminal.width : 0, code = NA_OK;
  bool usual = strcmp(j->given->sort, "started") == 0 && !j->given->reverse;
  if (j->given->columns[0] != '\0')
    code = na_run_list_choose(&list, j->given->columns, j->catalogue.runs, j->catalogue.count, err);
  else na_run_list_fit(&list, runs, count, usual ? NULL : by, width);
  if (code != NA_OK) return code;
  for (int c = 0; c < list.count; c++) layout[c] = list.columns[c].right ? 'r' : 'l';
  na_table table = {.layout = layout};
  for (int c = 0; c < list.count; c++) na_table_add(&table, "%s", list.columns[c].title);
  na_table_rule(&table);
  for (size_t i = 0; i < count; i++)
    for (int c = 0; c < list.count; c++) {
      na_run_words(runs[i], &list.columns[c].key, words);
      if (width > 0 && j->given->columns[0] == '\0') cut(words, list.columns[c].cols, terminal.utf8);
      na_table_add(&table, "%s", words);
    }
  code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static void say_none(const job *j)
{
  if (j->catalogue.count == 0) printf("no runs in %s\n", j->folder);
  else printf("none of the %zu runs in %s\n", j->catalogue.count, j->folder);
}

static int list(job *j, na_error *err)
{
  na_run **runs;
  size_t count;
  na_run_key key;
  const char *by = j->given->sort;
  int code = take_runs(j, &runs, &count, err);
  if (code == NA_OK)
    code = na_run_key_find(by, strlen(by), j->catalogue.runs, j->catalogue.count, &key, err);
  if (code == NA_OK) code = na_runs_sort(runs, count, &key, j->given->reverse, err);
  if (code == NA_OK && j->given->json)
    for (size_t i = 0; i < count; i++) print_json(runs[i]);
  else if (code == NA_OK && count == 0) say_none(j);
  else if (code == NA_OK) code = print_list(j, runs, count, &key, err);
  na_free(runs);
  return code;
}

/* ---------------------------------------------------------------------------------- diff */

static void add_words(na_table *table, const na_run *run, const char *name)
{
  const char *value = na_run_setting_of(run, name);
  na_table_add(table, "%s", value == NULL ? "-" : value);
}

static int print_difference(na_run *const *runs, size_t count, const char *const *names,
                            size_t name_count, na_error *err)
{
  char layout[NA_TABLE_COLUMNS + 1] = "";
  for (size_t i = 0; i <= count; i++) layout[i] = 'l';
  na_table table = {.layout = layout};
  na_table_add(&table, "%s", "setting");
  for (size_t i = 0; i < count; i++) na_table_add(&table, "%s", runs[i]->name);
  na_table_rule(&table);
  for (size_t n = 0; n < name_count; n++) {
    na_table_add(&table, "%s", names[n]);
    for (size_t i = 0; i < count; i++) add_words(&table, runs[i], names[n]);
  }
  int code = na_table_print(&table, err);
  na_table_free(&table);
  return code;
}

static void say_steered(na_run *const *runs, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (runs[i]->changes > 0)
      printf("%s was steered: %d change%s of settings on the way (netaug watch shows them)\n",
             runs[i]->name, runs[i]->changes, na_text_plural(runs[i]->changes));
}

static int diff(job *j, na_error *err)
{
  na_run **runs;
  size_t count, name_count = 0;
  const char **names = NULL;
  int code = take_runs(j, &runs, &count, err);
  if (code == NA_OK && (count < 2 || count >= NA_TABLE_COLUMNS)) {
    na_fail(err, NA_EINVAL, "netaug runs diff compares from 2 to %d runs, not %zu",
            NA_TABLE_COLUMNS - 1, count);
    code = na_hint(err, "name them, or choose with --filter");
  }
  if (code == NA_OK) code = na_runs_difference(runs, count, &names, &name_count, err);
  if (code == NA_OK && name_count == 0) printf("their settings are the same\n");
  if (code == NA_OK && name_count > 0) code = print_difference(runs, count, names, name_count, err);
  if (code == NA_OK) say_steered(runs, count);
  na_free((void *)names);
  na_free(runs);
  return code;
}

/* ---------------------------------------------------------------------------------- note */

static int note(job *j, na_error *err)
{
  na_run *run;
  if (j->count < 1 || j->count > 2) {
    na_fail(err, NA_EINVAL, "netaug runs note needs a run, and the text to write");
    return na_hint(err, "for example: netaug runs note tiny-r3 \"the best so far\"");
  }
  int code = find(j, j->names[0], &run, err);
  if (code != NA_OK) return code;
  if (j->count == 2) return na_note_write(j->folder, run->name, j->names[1], err);
  printf("%s\n", run->note);
  return NA_OK;
}

/* ---------------------------------------------------------------------------------- trash */

static int confirm(const job *j, const char *question, na_error *err)
{
  char answer[64] = "";
  if (j->given->yes) return NA_OK;
  if (!isatty(STDIN_FILENO)) {
    na_fail(err, NA_EINVAL, "nobody can be asked here: %.300s", question);
    return na_hint(err, "give --yes if that is what you want");
  }
  printf("%s [y/N] ", question);
  fflush(stdout);
  if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y')) return NA_OK;
  return na_fail(err, NA_ESTOPPED, "nothing was done");
}

static int need_names(const job *j, const char *action, na_error *err)
{
  if (j->count > 0) return NA_OK;
  na_fail(err, NA_EINVAL, "netaug runs %s needs the names of runs", action);
  return na_hint(err, "netaug runs%s lists them", strcmp(action, "restore") == 0 ? " --trash" : "");
}

static int trash(job *j, na_error *err)
{
  na_run **runs;
  size_t count = 0;
  na_buffer question = {0};
  int code = need_names(j, "trash", err);
  if (code != NA_OK) return code;
  code = take_runs(j, &runs, &count, err);
  for (size_t i = 0; i < count; i++) {
    char words[NA_RUN_WORDS];
    na_run_words(runs[i], &(na_run_key){.column = NA_COLUMN_name}, words);
    na_buffer_add(&question, "%s%s", i == 0 ? "move to the trash: " : ", ", words);
  }
  if (code == NA_OK && question.failed) code = na_fail_memory(err, count, "a question");
  if (code == NA_OK) code = confirm(j, question.data, err);
  for (size_t i = 0; i < count && code == NA_OK; i++)
    code = na_trash_put(j->folder, runs[i]->name, err);
  na_free(question.data);
  na_free(runs);
  return code;
}

static int restore(job *j, na_error *err)
{
  int code = need_names(j, "restore", err);
  for (int i = 0; i < j->count && code == NA_OK; i++)
    code = na_trash_restore(j->given->runs, j->names[i], err);
  return code;
}

static int empty(job *j, na_error *err)
{
  double bytes = 0;
  char question[128], size[16];
  if (j->count > 0)
    return na_fail(err, NA_EINVAL, "netaug runs empty deletes all of the trash; it has no use for \"%.64s\"", j->names[0]);
  for (size_t i = 0; i < j->catalogue.count; i++)
    if (!isnan(j->catalogue.runs[i]->bytes)) bytes += j->catalogue.runs[i]->bytes;
  na_text_bytes(size, bytes);
  snprintf(question, sizeof question, "delete %zu runs, %s, for good?", j->catalogue.count, size);
  if (j->catalogue.count > 0) {
    int code = confirm(j, question, err);
    if (code != NA_OK) return code;
  }
  return na_trash_empty(j->given->runs, err);
}

/* ---------------------------------------------------------------------------------- all */

static const struct {
  const char *name;
  int (*act)(job *j, na_error *err);
  bool in_trash; /* it is about the runs in the trash */
} actions[] = {{"list", list, false},       {"diff", diff, false},   {"note", note, false},
               {"trash", trash, false}, {"restore", restore, true}, {"empty", empty, true}};

static int read_catalogue(job *j, bool trash, na_error *err)
{
  bool done;
  struct stat status;
  const char *runs = j->given->runs;
  if (snprintf(j->folder, sizeof j->folder, "%s%s", runs, trash ? "/" NA_TRASH_FOLDER : "") >= NA_RUN_PATH)
    return na_fail(err, NA_EINVAL, "the path %.100s... is too long", runs);
  if (stat(runs, &status) != 0 && strcmp(runs, "runs") != 0) {
    na_fail(err, NA_EIO, "there is no folder %.300s", runs);
    return na_hint(err, "give the folder that holds runs: --runs DIR");
  }
  j->catalogue.folder = j->folder;
  int code = na_catalogue_look(&j->catalogue, err);
  return code == NA_OK ? na_catalogue_read(&j->catalogue, 0, &done, err) : code;
}

static int run(const na_call *call, na_error *err)
{
  job j = {.given = call->options};
  const char *action = call->count > 0 ? call->operands[0] : "list";
  size_t a = 0;
  while (strcmp(actions[a].name, action) != 0) a++; /* it is one of them */
  if (call->count > 0) {
    j.count = call->count - 1;
    j.names = call->operands + 1;
  }
  int code = read_catalogue(&j, j.given->trash || actions[a].in_trash, err);
  if (code == NA_OK) code = actions[a].act(&j, err);
  na_catalogue_free(&j.catalogue);
  return code;
}

const na_command na_command_runs = {
    .name = "runs",
    .operands = "[list|diff|note|trash|restore|empty [NAME...]]",
    .summary = "List runs, compare their settings, annotate, throw away",
    .description =
        "Alone it lists the runs in the folder runs, the newest first. diff prints the settings that\n"
        "differ among the named runs, or those that --filter takes, side by side; netaug diff tells of two\n"
        "what they measured, too. note NAME TEXT writes a note about a run; an empty TEXT removes it. trash\n"
        "moves runs to runs/.trash, never one that is in training; restore brings them back, and empty\n"
        "deletes what is there for good.\n"
        "\n"
        "Columns are name, state, model, data, epoch, epochs, step, steps, top1, loss (the best of any\n"
        "epoch, validation), last_top1, last_loss, wide_top1, wide_loss, wide_last_top1,\n"
        "wide_last_loss (the widest network), params, macs, started, time, steered, size, note, why\n"
        "(it is not finished), and every setting, such as train.lr.\n"
        "\n"
        "A filter is words that must all hold: a word that name, state, model, data or note has in it;\n"
        "a column or setting compared by = != < <= > >= or ~ (has it in it); with ! before it, the\n"
        "opposite. Accuracies are in percent; numbers may end in k, M, G or s, m, h, d.",
    .example = "netaug runs --sort top1 --filter \"state=finished train.lr<=0.1\"",
    .actions = "list|diff|note|trash|restore|empty",
    .least = 0,
    .most = -1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof option_table[0],
    .size = sizeof(options),
    .run = run,
};
