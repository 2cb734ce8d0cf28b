/* Tables, widths of texts, and the progress display at every width of a terminal.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tui/progress.h"
#include "tui/table.h"

#include <unistd.h>

static void columns_of_text(void)
{
  CHECK(na_terminal_columns("") == 0, "nothing");
  CHECK(na_terminal_columns("abc") == 3, "ascii");
  CHECK(na_terminal_columns("é█▏") == 3, "UTF-8");
  CHECK(na_terminal_columns("\033[31mred\033[0m") == 3, "colour");
  CHECK(na_terminal_columns("\033(B\033[mred") == 3, "sgr0 of xterm");
  CHECK(na_terminal_columns("\033[") == 0 && na_terminal_columns("\033") == 0, "cut short");
}

static void table_is_aligned(void)
{
  na_error err = {0};
  na_buffer out = {0};
  na_table table = {.layout = "lr|r", .titles = {NULL, "t"}};
  na_table_add(&table, "a");
  na_table_add(&table, "%d", 5);
  na_table_add(&table, "x");
  na_table_rule(&table);
  na_table_add(&table, "bcé");
  na_table_add(&table, "%d", 1234);
  na_table_add(&table, "y\033[2J");
  CHECK_OK(na_table_write(&table, &out, &err), err);
  /* The last column is as wide as the '?' that replaced the escape makes it. */
  const char *wanted = "          |   t\n"
                       "a       5 |     x\n"
                       "----------+------\n"
                       "bcé  1234 | y?[2J\n";
  CHECK(out.data && strcmp(out.data, wanted) == 0, "got\n%s", out.data ? out.data : "");
  na_free(out.data);
  na_table_free(&table);
}

static void table_out_of_memory(void)
{
  for (unsigned long at = 1; at <= 8; at++) {
    na_error err = {0};
    na_buffer out = {0};
    na_table table = {.layout = "l"};
    na_alloc_fail_at(at);
    for (int i = 0; i < 20; i++) na_table_add(&table, "%d", i);
    int code = na_table_write(&table, &out, &err);
    na_alloc_fail_at(0);
    CHECK(code == NA_ENOMEM, "allocation %lu: %d", at, code);
    na_free(out.data);
    na_table_free(&table);
  }
}

static na_event sample_step(void)
{
  return (na_event){.kind = NA_EVENT_STEP,
                    .epoch = 2,
                    .epochs = 12,
                    .step = 1200,
                    .steps = 4800,
                    .batch = 300,
                    .batches = 400,
                    .merged = 1,
                    .phase = NA_PHASE_RANDOM,
                    .lr = 0.0483,
                    .base = {0.532, 0.812, 0.99, 32},
                    .augmented = {0.611, 0.79, 0.98, 32},
                    .images_per_second = 1934,
                    .eta = 64};
}

static void block_fits_every_width(void)
{
  for (int utf8 = 0; utf8 < 2; utf8++)
    for (int width = 20; width <= 300; width++) {
      na_terminal terminal = {
          .fd = -1, .utf8 = utf8 != 0, .width = width, .bold = "\033[1m", .plain = "\033[m"};
      na_progress progress;
      na_buffer out = {0};
      na_event step = sample_step();
      na_progress_init(&progress, &terminal, true);
      na_progress_begin(&progress, "a-run-with-a-long-name");
      na_progress_event(&progress, &step);
      na_progress_block(&progress, &out);
      int lines = 0;
      for (char *at = out.data; at && *at; lines++) {
        char *end = strchr(at, '\n');
        *end = '\0';
        CHECK(na_terminal_columns(at) < width, "width %d: \"%s\"", width, at);
        at = end + 1;
      }
      CHECK(lines == 2, "width %d: %d lines", width, lines);
      na_free(out.data);
    }
}

static void block_tells_everything(void)
{
  na_terminal terminal = {.fd = -1, .width = 120};
  na_progress progress;
  na_buffer out = {0};
  na_event step = sample_step();
  na_progress_init(&progress, &terminal, true);
  na_progress_begin(&progress, "tiny");
  na_progress_event(&progress, &step);
  na_progress_block(&progress, &out);
  static const char *const wanted[] = {
      "tiny",     "epoch 3/12",       "[##########------",     "25%",    "1934 img/s",
      "ETA 1:04", "base 0.532 81.2%", "augmented 0.611 79.0%", "random", "lr 0.0483"};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    CHECK(out.data && strstr(out.data, wanted[i]), "\"%s\" is missing in\n%s", wanted[i], out.data);
  na_free(out.data);
}

static void task_replaces_figures(void)
{
  na_terminal terminal = {.fd = -1, .width = 80};
  na_progress progress;
  na_buffer out = {0};
  na_event task = {.kind = NA_EVENT_TASK, .what = "evaluating base", .done = 5, .total = 10};
  na_progress_init(&progress, &terminal, true);
  na_progress_event(&progress, &task);
  na_progress_block(&progress, &out);
  CHECK(out.data && strstr(out.data, "evaluating base  [#"), "%s", out.data);
  CHECK(out.data && strstr(out.data, "5/10"), "%s", out.data);
  na_free(out.data);
}

static void losses_are_smoothed(void)
{
  na_terminal terminal = {.fd = -1, .width = 80};
  na_progress progress;
  na_event step = sample_step();
  na_progress_init(&progress, &terminal, true);
  na_progress_event(&progress, &step);
  CHECK_NEAR(progress.base.loss, 0.532, 1e-12, 1, "first value as it is");
  step.base.loss = 1.532;
  na_progress_event(&progress, &step);
  CHECK_NEAR(progress.base.loss, 0.532 + 0.05, 1e-12, 1, "one step moves by 5%");
  step.merged = 1000;
  na_progress_event(&progress, &step);
  CHECK_NEAR(progress.base.loss, 1.532, 1e-9, 1, "many steps replace it");
  step.augmented.images = 0;
  na_progress_event(&progress, &step);
  CHECK(progress.augmented.images == 0, "no figures of sub-networks that are not drawn");
}

static void plain_lines(void)
{
  na_buffer out = {0};
  na_event event = sample_step();
  na_progress_step_line(&event, &out);
  CHECK(out.data && strcmp(out.data, "epoch 3/12 step 300/400 random lr 0.0483  base 0.532 81.2%"
                                     "  augmented 0.611 79.0%  1934 img/s  ETA 1:04\n") == 0,
        "%s", out.data);
  na_free(out.data);
  out = (na_buffer){0};
  event.kind = NA_EVENT_EPOCH;
  event.epoch = 3;
  event.base_val = (na_result){0.5, 0.82, 0.99, 1000};
  event.best = true;
  event.time = 12;
  na_progress_epoch_line(&event, &out);
  CHECK(out.data && strcmp(out.data, "epoch  3/12  base 0.532 81.2%  augmented 0.611 79.0%"
                                     "  val 0.500 82.0% (best)  1934 img/s  12s\n") == 0,
        "%s", out.data);
  na_free(out.data);
}

/* What is not a terminal is never drawn on, whatever its variables say. */
static void pipe_is_no_terminal(void)
{
  int ends[2];
  na_terminal terminal;
  setenv("COLUMNS", "43", 1);
  setenv("TERM", "xterm", 1);
  CHECK(pipe(ends) == 0, "pipe");
  na_terminal_init(&terminal, ends[1]);
  CHECK(!terminal.live && terminal.up[0] == '\0' && terminal.bold[0] == '\0', "live in a pipe");
  CHECK(terminal.width == 43, "COLUMNS: %d", terminal.width);
  setenv("COLUMNS", "-5", 1);
  na_terminal_measure(&terminal);
  CHECK(terminal.width == 80, "nonsense in COLUMNS: %d", terminal.width);
  setenv("COLUMNS", "1", 1);
  na_terminal_measure(&terminal);
  CHECK(terminal.width == 20, "least width: %d", terminal.width);
  close(ends[0]);
  close(ends[1]);
}

int main(void)
{
  RUN(columns_of_text);
  RUN(table_is_aligned);
  RUN(table_out_of_memory);
  RUN(block_fits_every_width);
  RUN(block_tells_everything);
  RUN(task_replaces_figures);
  RUN(losses_are_smoothed);
  RUN(plain_lines);
  RUN(pipe_is_no_terminal);
  return CHECK_EXIT();
}
