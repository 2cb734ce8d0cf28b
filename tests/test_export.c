/* Tables of runs as CSV and JSON lines, and their curves, through the command itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "core/store/metrics.h"
#include "tests/check.h"
#include "tests/store_scratch.h"
#include "tui/command.h"
#include "tui/export.h"
#include "tui/json.h"
#include "tui/run_table.h"

#include <math.h>

static na_error err;

/* A run of two epochs of four steps, in training: a loss that is not finite, a validation that was
 * not measured, a steering of awkward text, and a column of another program's. */
static na_metrics *make_run(const char *path, bool augmented)
{
  static const char *const steps[] = {"step",      "epoch",          "time",  "phase",
                                      "base_loss", "augmented_loss", "steps", "epochs"};
  static const char *const epochs[] = {
      "step",           "epoch", "time",   "phase",         "base_loss",
      "augmented_loss", "steps", "epochs", "base_val_top1", "mine"};
  na_metrics_setup setup = {.step_count = 8,
                            .step_columns = steps,
                            .epoch_count = augmented ? 10 : 9,
                            .epoch_columns = epochs};
  na_metrics *metrics = NULL;
  CHECK_OK(na_metrics_create(&metrics, path, &setup, &err), err);
  for (int s = 1; s <= 8; s++) {
    double wide = augmented ? 2.5 / s : NAN, phase = s > 4 ? 2 : 1;
    const double row[] = {s, s / 4, 30.0 * s, phase, s == 3 ? INFINITY : 2.0 / s, wide, 8, 2};
    CHECK_OK(na_metrics_step(metrics, row, &err), err);
    if (s % 4 != 0) continue;
    const double epoch[] = {
        s, s / 4, 30.0 * s, phase, 2.0 / s, wide, 8, 2, s == 8 ? 0.75 : NAN, 1e6 * s};
    CHECK_OK(na_metrics_epoch(metrics, epoch, &err), err);
  }
  na_steer_entry entry = {.step = 5, .epoch = 1, .time = 150, .changes = true};
  snprintf(entry.text, sizeof entry.text, "say \"a, b\"\n\\ \xff \xc3\xa9");
  CHECK_OK(na_metrics_steered(metrics, &entry, &err), err);
  return metrics;
}

/* Into a file and into a buffer, the same. */
static void json_texts(void)
{
  static const char text[] = "say \"a\"\n\\ \x7f \xff \xc3\xa9 \xe2\x9c\x93";
  static const char wanted[] =
      "\"say \\\"a\\\"\\u000a\\\\ \\u007f \xef\xbf\xbd \xc3\xa9 \xe2\x9c\x93\"";
  char *written = NULL;
  size_t size;
  na_buffer added = {0};
  FILE *file = open_memstream(&written, &size);
  na_json_write(file, text);
  fclose(file);
  na_json_add(&added, text);
  CHECK(strcmp(written, wanted) == 0, "in a file: %s", written);
  CHECK(strcmp(added.data, wanted) == 0, "in a buffer: %s", added.data);
  free(written);
  na_free(added.data);
}

static bool holds(scratch_bytes bytes, const char *words)
{
  return bytes.data != NULL && memmem(bytes.data, bytes.size, words, strlen(words)) != NULL;
}

/* netaug export WORDS... (ends in NULL); its status or error. */
static int export(const char *const *words)
{
  na_call call;
  int argc = 0;
  char *argv[16];
  for (; words[argc] != NULL; argc++) argv[argc] = (char *)words[argc];
  na_error_clear(&err);
  int code = na_command_parse(&na_command_export, argc, argv, &call, &err);
  if (code != NA_OK) return code;
  fflush(stdout);
  code = call.command->run(&call, &err);
  na_call_free(&call);
  return code;
}
#define EXPORT(...) export((const char *const[]){__VA_ARGS__, NULL})

static void check_file(const char *path, const char *wanted)
{
  scratch_bytes got = scratch_read(path);
  bool same =
      got.data != NULL && got.size == strlen(wanted) && memcmp(got.data, wanted, got.size) == 0;
  CHECK(same, "%s holds\n%.*s\nwanted\n%s", path, (int)got.size,
        got.data != NULL ? (char *)got.data : "", wanted);
  free(got.data);
}

static void tables_as_csv(void)
{
  char one[256], two[256], out[256];
  snprintf(one, sizeof one, "%s", scratch_path("one"));
  snprintf(two, sizeof two, "%s", scratch_path("t\"w,o"));
  snprintf(out, sizeof out, "%s", scratch_path("out.csv"));
  na_metrics *first = make_run(one, false), *second = make_run(two, true);
  CHECK_OK(EXPORT(one, two, out), err);
  check_file(
      out, "run,step,epoch,time,phase,base_loss,augmented_loss,epochs,steps,base_val_top1,mine\r\n"
           "one,4,1,120,1,0.5,,2,8,,\r\n"
           "one,8,2,240,2,0.25,,2,8,0.75,\r\n"
           "\"t\"\"w,o\",4,1,120,1,0.5,0.625,2,8,,4000000\r\n"
           "\"t\"\"w,o\",8,2,240,2,0.25,0.3125,2,8,0.75,8000000\r\n");
  CHECK_OK(EXPORT(one, out, "--table", "step", "--columns", "step, *_loss"), err);
  check_file(
      out,
      "run,step,base_loss,augmented_loss\r\none,1,2,\r\none,2,1,\r\none,3,inf,\r\none,4,0.5,\r\n"
      "one,5,0.4,\r\none,6,0.3333333333333333,\r\none,7,0.2857142857142857,\r\none,8,0.25,\r\n");
  CHECK_OK(EXPORT(one, out, "--table=steering"), err);
  check_file(out, "run,step,epoch,time,changes,text\r\n"
                  "one,5,1,150,1,\"say \"\"a, b\"\"\n\\ \xef\xbf\xbd \xc3\xa9\"\r\n");
  na_metrics_close(first, NULL);
  na_metrics_close(second, NULL);
}

static void tables_as_json_lines(void)
{
  char one[256], out[256];
  snprintf(one, sizeof one, "%s", scratch_path("one"));
  snprintf(out, sizeof out, "%s", scratch_path("out.jsonl"));
  na_metrics *run = make_run(one, false);
  CHECK_OK(EXPORT(one, out, "--columns", "step,base_*"), err);
  check_file(out,
             "{\"run\": \"one\", \"step\": 4, \"base_loss\": 0.5, \"base_val_top1\": null}\n"
             "{\"run\": \"one\", \"step\": 8, \"base_loss\": 0.25, \"base_val_top1\": 0.75}\n");
  CHECK_OK(EXPORT(one, out, "--table=step", "--columns=base_loss"), err);
  scratch_bytes got = scratch_read(out);
  CHECK(holds(got, "null"), "JSON has no infinity");
  free(got.data);
  CHECK_OK(EXPORT(one, out, "--table=steering", "--columns=text"), err);
  check_file(
      out, "{\"run\": \"one\", \"text\": \"say \\\"a, b\\\"\\u000a\\\\ \xef\xbf\xbd \xc3\xa9\"}\n");
  na_metrics_close(run, NULL);
}

/* More rows than are read at once. */
static void long_tables(void)
{
  enum { ROWS = 2500 };
  static const char *const columns[] = {"step"};
  char path[256], out[256];
  snprintf(path, sizeof path, "%s", scratch_path("long"));
  snprintf(out, sizeof out, "%s", scratch_path("out.csv"));
  na_metrics_setup setup = {
      .step_count = 1, .step_columns = columns, .epoch_count = 1, .epoch_columns = columns};
  na_metrics *metrics = NULL;
  CHECK_OK(na_metrics_create(&metrics, path, &setup, &err), err);
  for (int i = 0; i < ROWS; i++) na_metrics_step(metrics, (double[]){i}, &err);
  CHECK_OK(na_metrics_close(metrics, &err), err);
  CHECK_OK(EXPORT(path, out, "--table=step"), err);
  FILE *file = fopen(out, "r");
  char line[64] = "", wanted[64];
  CHECK(file != NULL && fgets(line, sizeof line, file) != NULL, "a header");
  for (int i = 0; i < ROWS && file != NULL; i++) {
    snprintf(wanted, sizeof wanted, "long,%d\r\n", i);
    CHECK(fgets(line, sizeof line, file) != NULL && strcmp(line, wanted) == 0, "row %d: %s", i,
          line);
  }
  CHECK(file != NULL && fgets(line, sizeof line, file) == NULL, "more rows");
  if (file != NULL) fclose(file);
}

/* Bytes of one export of curves; to be freed. */
static scratch_bytes curves(const char *run, const char *more, const char *word)
{
  char out[256];
  snprintf(out, sizeof out, "%s", scratch_path("curves.svg"));
  CHECK_OK(more != NULL ? EXPORT(run, out, more, word) : EXPORT(run, out), err);
  return scratch_read(out);
}

static bool same(scratch_bytes a, scratch_bytes b)
{
  return a.data != NULL && b.data != NULL && a.size == b.size &&
         memcmp(a.data, b.data, a.size) == 0;
}

static void curves_follow_their_options(void)
{
  static const char *const options[][2] = {
      {"--axis", "step"},         {"--axis", "time"},
      {"--table", "step"},        {"--columns", "lr,base_loss"},
      {"--columns", "base_loss"}, {"--title", "t"},
      {"--width", "600"},         {"--height", "300"}};
  char one[256];
  snprintf(one, sizeof one, "%s", scratch_path("one"));
  na_metrics *run = make_run(one, true);
  scratch_bytes usual = curves(one, NULL, NULL), again = curves(one, NULL, NULL);
  CHECK(same(usual, again), "the same bytes twice");
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    if (i == 3) continue; /* there is no lr: refused below */
    scratch_bytes other = curves(one, options[i][0], options[i][1]);
    CHECK(other.size > 1000 && !same(usual, other), "%s %s changes nothing", options[i][0],
          options[i][1]);
    free(other.data);
  }
  CHECK_FAILS(EXPORT(one, scratch_path("no.svg"), options[3][0], options[3][1]), NA_EINVAL,
              "no column \"lr\"", err);
  free(usual.data);
  free(again.data);
  na_metrics_close(run, NULL);
}

static void smoothing_keeps_the_raw_curve(void)
{
  char one[256];
  snprintf(one, sizeof one, "%s", scratch_path("one"));
  na_metrics *run = make_run(one, true);
  scratch_bytes raw = curves(one, "--columns", "base_loss");
  char out[256];
  snprintf(out, sizeof out, "%s", scratch_path("smooth.svg"));
  CHECK_OK(EXPORT(one, out, "--columns=base_loss", "--smooth=0.9"), err);
  scratch_bytes smooth = scratch_read(out);
  CHECK(!holds(raw, "stroke-opacity:0.3"), "one strong line without");
  CHECK(holds(smooth, "stroke-opacity:0.3"), "a faint one behind");
  free(raw.data);
  free(smooth.data);
  na_metrics_close(run, NULL);
}

static void several_runs_and_formats(void)
{
  char one[256], two[256];
  snprintf(one, sizeof one, "%s", scratch_path("one"));
  snprintf(two, sizeof two, "%s", scratch_path("two"));
  na_metrics *first = make_run(one, false), *second = make_run(two, true);
  CHECK_OK(EXPORT(one, two, scratch_path("x.pdf")), err);
  CHECK_OK(EXPORT(one, two, scratch_path("x.png")), err);
  CHECK_OK(EXPORT(one, two, scratch_path("no-suffix"), "--format", "png"), err);
  scratch_bytes a = scratch_read(scratch_path("x.png")),
                b = scratch_read(scratch_path("no-suffix"));
  CHECK(same(a, b), "a format by name is one by suffix");
  free(a.data);
  free(b.data);
  CHECK_FAILS(EXPORT(one, two, scratch_path("x.h5")), NA_EINVAL, "one network at a time", err);
  CHECK_FAILS(EXPORT(one, scratch_path("x.gif")), NA_EINVAL, "which format", err);
  CHECK_FAILS(EXPORT(one, "-"), NA_EINVAL, "which format", err);
  CHECK_FAILS(EXPORT(one, "-", "--format", "h5"), NA_EINVAL, "standard output", err);
  CHECK_FAILS(EXPORT(one, scratch_path("x.svg"), "--table", "steering"), NA_EINVAL, "no curves",
              err);
  CHECK_FAILS(EXPORT(scratch_path("none"), scratch_path("x.csv")), NA_EIO, "cannot open", err);
  CHECK_FAILS(EXPORT(scratch_path("x.png"), scratch_path("x.csv")), NA_EFORMAT, "not an HDF5 file",
              err);
  CHECK_FAILS(EXPORT(one, scratch_path("x.csv"), "--columns", "base_lss"), NA_EINVAL, "no column",
              err);
  CHECK_FAILS(EXPORT(one, "/dev/full", "--format=csv"), NA_EIO, "No space left", err);
  na_metrics_close(first, NULL);
  na_metrics_close(second, NULL);
}

static void runs_without_rows(void)
{
  static const char *const columns[] = {"step"};
  char path[256];
  snprintf(path, sizeof path, "%s", scratch_path("empty"));
  na_metrics_setup setup = {
      .step_count = 1, .step_columns = columns, .epoch_count = 1, .epoch_columns = columns};
  na_metrics *metrics = NULL;
  CHECK_OK(na_metrics_create(&metrics, path, &setup, &err), err);
  CHECK_OK(EXPORT(path, scratch_path("out.csv")), err);
  check_file(scratch_path("out.csv"), "run,step\r\n");
  CHECK_FAILS(EXPORT(path, scratch_path("out.svg")), NA_EINVAL, "nothing to draw", err);
  na_metrics_close(metrics, NULL);
}

static void titles_of_runs(void)
{
  static const char *const runs[][2] = {{"runs/tiny", "tiny"},
                                        {"runs/tiny/", "tiny"},
                                        {"tiny", "tiny"},
                                        {"runs/tiny/run.h5", "tiny"},
                                        {"a//", "a"}};
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    char title[256];
    na_run_title(runs[i][0], title);
    CHECK(strcmp(title, runs[i][1]) == 0, "%s is called %s", runs[i][0], title);
  }
}

int main(void)
{
  if (!scratch_make()) return 1;
  RUN(json_texts);
  RUN(tables_as_csv);
  RUN(tables_as_json_lines);
  RUN(long_tables);
  RUN(curves_follow_their_options);
  RUN(smoothing_keeps_the_raw_curve);
  RUN(several_runs_and_formats);
  RUN(runs_without_rows);
  RUN(titles_of_runs);
  scratch_remove();
  return CHECK_EXIT();
}
