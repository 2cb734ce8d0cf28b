/* Verdicts in words, and runs grouped into arms from made-up folders, some of them hostile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arms/arms.h"
#include "core/arms/folders.h"
#include "core/base/memory.h"
#include "tests/check.h"
#include "tests/run_folders.h"

static na_error err;
static const na_question points = {.alpha = 0.05, .power = 0.8, .digits = 2, .unit = "points"};

/* ---------------------------------------------------------------------------- verdicts */

static na_verdict verdict_of(const double *a, const double *b, int count,
                             const na_question *question)
{
  static const uint64_t keys[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  na_verdict v;
  na_sample x = {"NetAug", count, a, keys}, y = {"baseline", count, b, keys};
  CHECK_OK(na_verdict_make(&v, &x, &y, question, &err), err);
  CHECK_OK(na_verdict_family(&v, 1, question, &err), err);
  return v;
}

static void says(const na_verdict *v, const na_question *question, const char *wanted)
{
  na_buffer words = {0};
  na_verdict_words(v, "NetAug", "baseline", question, &words);
  CHECK(strcmp(words.data, wanted) == 0, "got:    %s\n    wanted: %s", words.data, wanted);
  na_free(words.data);
}

/* p, interval and d: scipy.stats.ttest_rel. */
static void better(void)
{
  const double a[] = {89.89, 89.66, 89.55, 89.61, 89.64}, b[] = {89.02, 89.11, 88.87, 89.19, 88.96};
  na_verdict v = verdict_of(a, b, 5, &points);
  CHECK(v.outcome == NA_OUTCOME_BETTER, "%s", na_outcome_word(v.outcome));
  says(
      &v, &points,
      "NetAug is better than baseline by 0.64 points (95% interval 0.43 to 0.85, paired t p = 0.00104, "
      "sign-flip p = 0.0625, d = 3.8, 5 seeds)");
  v = verdict_of(b, a, 5, &points);
  CHECK(v.outcome == NA_OUTCOME_WORSE, "%s", na_outcome_word(v.outcome));
  says(
      &v, &points,
      "NetAug is worse than baseline by 0.64 points (95% interval 0.43 to 0.85, paired t p = 0.00104, "
      "sign-flip p = 0.0625, d = 3.8, 5 seeds)");
  na_question loss = {
      .alpha = 0.05, .power = 0.8, .digits = 4, .unit = "", .lower_is_better = true};
  v = verdict_of(b, a, 5, &loss);
  CHECK(v.outcome == NA_OUTCOME_BETTER, "a lower loss is better");
}

/* Differences 0.9, 0.2, 0.1: t = 1.589, p = 0.2529 (scipy); g = 0.917 * 0.5642 = 0.517: R's
 * power.t.test(delta = 0.517, power = 0.8, type = "paired") asks for 31.4 pairs. */
static void open_question(void)
{
  const double a[] = {89.9, 89.2, 89.1}, b[] = {89, 89, 89};
  na_verdict v = verdict_of(a, b, 3, &points);
  CHECK(v.outcome == NA_OUTCOME_OPEN && v.needed == 29, "%d more", v.needed);
  says(
      &v, &points,
      "NetAug and baseline cannot be told apart with 3 seeds (difference +0.40 points, 95% interval "
      "-0.68 to 1.48, paired t p = 0.253, sign-flip p = 0.25, smallest possible sign-flip p is 0.25); "
      "if the true difference is the observed one, about 29 more seeds are needed");
  na_question strict = points;
  const double c[] = {89.9, 89.8, 89.95}; /* as clear as can be: signs alone need 6 */
  strict.judge = NA_JUDGE_SIGN_FLIP;
  v = verdict_of(c, b, 3, &strict);
  CHECK(v.outcome == NA_OUTCOME_OPEN && v.needed == 3, "signs of 3 seeds: %d more", v.needed);
}

static void few(void)
{
  const double a[] = {90, 90, 90}, b[] = {89, 89, 89};
  na_verdict v = verdict_of(a, b, 1, &points);
  says(
      &v, &points,
      "NetAug and baseline cannot be told apart with 1 seed (difference +1.00 points); one seed says "
      "nothing about chance: 5 or more do");
  v = verdict_of(a, b, 0, &points);
  says(&v, &points, "NetAug and baseline cannot be compared: NetAug has no run that counts");
  v = verdict_of(a, a, 3, &points);
  says(&v, &points, "NetAug and baseline are equal on each of 3 seeds");
  v = verdict_of(a, b, 3, &points); /* no scatter: t is mute, signs are not */
  says(
      &v, &points,
      "NetAug and baseline cannot be told apart with 3 seeds (difference +1.00 points, sign-flip p = "
      "0.25, smallest possible sign-flip p is 0.25)");
}

static void no_pairs(void)
{
  const double a[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const double b[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const uint64_t left[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                 right[] = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  na_verdict v;
  na_sample x = {"NetAug", 10, a, left}, y = {"baseline", 10, b, right};
  CHECK_OK(na_verdict_make(&v, &x, &y, &points, &err), err);
  CHECK_OK(na_verdict_family(&v, 1, &points, &err), err);
  says(
      &v, &points,
      "NetAug and baseline cannot be told apart with 10 and 10 seeds that are no pairs (difference "
      "+1.58 points, 95% interval -0.21 to 3.37, Welch's t p = 0.0794)");
  y.keys = (const uint64_t[]){11, 1, 2, 3, 12, 13, 14, 15, 16, 17};
  CHECK_OK(na_verdict_make(&v, &x, &y, &points, &err), err);
  CHECK(v.paired && v.pairs == 3 && v.left[0] == 7 && v.left[1] == 7, "%d pairs", v.pairs);
  CHECK_NEAR(v.t.mean, (1.9 + 1.6 + 0.8 + 0.2 + 1.1 + 1.2) / 3, 1e-12, 1, "pairs by their keys");
}

/* ----------------------------------------------------------------------------------- arms */

static na_arms_question ask(const char *control)
{
  return (na_arms_question){
      .measure = &na_measures[0], .alpha = 0.05, .power = 0.8, .control = control};
}

static na_arms read_all(const char *control)
{
  const char *folder = runs_folder;
  na_arms_question question = ask(control);
  na_arms arms = {.control = -1};
  CHECK_OK(na_arms_read(&arms, &folder, 1, &question, &err), err);
  return arms;
}

static const na_member *run_called(const na_arms *arms, const char *name)
{
  for (int r = 0; r < arms->run_count; r++)
    if (strcmp(arms->runs[r].name, name) == 0) return &arms->runs[r];
  CHECK(0, "no run %s", name);
  return &arms->runs[0];
}

static void two_arms(void)
{
  na_buffer words = {0};
  runs_make();
  runs_two_arms(5);
  na_arms arms = read_all(NULL);
  CHECK(arms.arm_count == 2 && arms.run_count == 10 && arms.comparison_count == 1,
        "%d arms of %d runs", arms.arm_count, arms.run_count);
  CHECK(strcmp(arms.arms[0].name, "NetAug") == 0, "named by what the runs share: %s",
        arms.arms[0].name);
  CHECK(arms.setting_count == 1 && strcmp(arms.settings[0], "augment.width") == 0, "what differs");
  CHECK_NEAR(arms.arms[0].mean, 89.67, 1e-9, 1, "mean");
  CHECK_NEAR(arms.arms[0].seconds, 240, 1e-9, 1, "seconds");
  na_arms_words(&arms, 0, &words);
  CHECK(strstr(words.data,
               "NetAug is better than baseline by 0.64 points (95% interval 0.43 to 0.85") ==
            words.data,
        "%s", words.data);
  na_free(words.data);
  na_arms_free(&arms);
  runs_remove();
}

/* Every reason not to count, and that it is told. */
static void left_out(void)
{
  static const struct {
    made_run run;
    na_member_state state;
    const char *why;
  } cases[] = {
      {{"steered", "baseline", "augment.width = \n", 11, 4, 4, 0.9, "set train.lr = 0.02", NULL},
       NA_MEMBER_STEERED,
       "set train.lr = 0.02 after step 150"},
      {{"killed", "baseline", "augment.width = \n", 12, 2, 4, 0.9, NULL, "epoch 2 of 4, base"},
       NA_MEMBER_UNFINISHED,
       "2 of 4 epochs; its log ends: epoch 2 of 4, base (then it was killed)"},
      {{"stopped", "baseline", "augment.width = \n", 13, 3, 4, 0.9, NULL,
        "stopped after step 9 of 12"},
       NA_MEMBER_UNFINISHED,
       "3 of 4 epochs; its log ends: stopped after step 9 of 12"},
      {{"failed", "baseline", "augment.width = \n", 14, 1, 4, 0.9, NULL,
        "failed: the loss is \033[31m not finite"},
       NA_MEMBER_FAILED,
       "1 of 4 epochs; its log ends: the loss is ?[31m not finite"},
      {{"nan", "baseline", "augment.width = \n", 15, 4, 4, NAN, NULL, NULL},
       NA_MEMBER_FAILED,
       "its validation accuracy is not a number at the end"},
      {{"empty", "baseline", "augment.width = \n", 16, 0, 4, 0.9, NULL, "begun"},
       NA_MEMBER_UNFINISHED,
       "0 of 4 epochs; its log ends: begun (then it was killed)"},
      {{"unsaved", "baseline", "augment.width = \n", 17, 4, 4, 0.9, NULL, "epoch 4 of 4"},
       NA_MEMBER_UNFINISHED,
       "4 of 4 epochs; its log ends: epoch 4 of 4 (then it was killed)"},
      {{"zagain", "baseline", "augment.width = \n", 2, 4, 4, 0.9, NULL, NULL},
       NA_MEMBER_REPEATED,
       "the seeds of baseline-seed-2 again"},
  };
  runs_make();
  runs_two_arms(3);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) run_make(&cases[i].run);
  na_arms arms = read_all(NULL);
  CHECK(arms.arm_count == 2 && arms.arms[0].count == 3 && arms.arms[1].count == 3,
        "three of each count");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const na_member *run = run_called(&arms, cases[i].run.name);
    CHECK(run->state == cases[i].state, "%s is %s", run->name, na_member_word(run->state));
    CHECK(strcmp(run->why, cases[i].why) == 0, "%s: %s", run->name, run->why);
  }
  na_arms_free(&arms);
  runs_remove();
}

static void write_file(const char *folder, const char *text)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", runs_folder, folder);
  mkdir(path, 0777);
  snprintf(path, sizeof path, "%s/%s/run.h5", runs_folder, folder);
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "cannot write %s", path);
}

static void damaged(void)
{
  runs_make();
  write_file("foreign", "no HDF5\n");
  const char *folder = runs_folder;
  na_arms arms = {.control = -1};
  na_arms_question question = ask(NULL);
  CHECK_FAILS(na_arms_read(&arms, &folder, 1, &question, &err), NA_EINVAL, "no run counts: foreign",
              err);
  na_arms_free(&arms);
  runs_two_arms(2);
  run_make(&(made_run){"odd", "\033]0;x\a<b>&\"'",
                       "augment.width = 5\na line\n = x\ntrain.seed = 99999999999\n", 1, 4, 4, 0.5,
                       NULL, NULL});
  arms = read_all("baseline");
  CHECK(run_called(&arms, "foreign")->state == NA_MEMBER_UNREADABLE,
        "the foreign file is left out");
  const na_member *odd = run_called(&arms, "odd");
  CHECK(odd->state == NA_MEMBER_FINISHED, "odd: %s", odd->why);
  CHECK(strcmp(na_member_setting(odd, "name"), "?]0;x?<b>&\"'") == 0, "no control characters: %s",
        na_member_setting(odd, "name"));
  CHECK(arms.comparison_count == 2 && arms.comparisons[0].b == arms.control,
        "each with the control");
  na_arms_free(&arms);
  runs_remove();
}

/* Arms by two settings, by one, and with names that do not tell them apart. */
static void grouping(void)
{
  static const double lr[] = {0.1, 0.2}, r[] = {1, 2, 3};
  char name[32], settings[128];
  runs_make();
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 3; j++)
      for (int seed = 1; seed <= 3; seed++) {
        snprintf(name, sizeof name, "run-%d", i * 9 + j * 3 + seed);
        snprintf(settings, sizeof settings, "train.lr = %g\naugment.r = %g\ntrain.threads = %d\n",
                 lr[i], r[j], seed);
        run_make(&(made_run){name, "grid", settings, seed, 2, 2,
                             0.8 + 0.01 * i + 0.02 * j + 0.001 * (seed * (j + 1) % 3), NULL, NULL});
      }
  na_arms arms = read_all(NULL);
  CHECK(arms.arm_count == 6 && arms.comparison_count == 15, "%d arms", arms.arm_count);
  CHECK(strcmp(arms.arms[1].name, "lr 0.1, r 2") == 0, "named by settings: %s", arms.arms[1].name);
  CHECK(arms.comparisons[0].verdict.family == 15, "one family");
  for (int i = 0; i < 15; i++) {
    const na_comparison *c = &arms.comparisons[i];
    CHECK(arms.arms[c->a].mean >= arms.arms[c->b].mean, "the better one first");
    CHECK(c->verdict.holm >= c->verdict.p, "adjusted upwards");
  }
  CHECK(strcmp(arms.runs[1].name, "run-2") == 0 && strcmp(arms.runs[9].name, "run-10") == 0,
        "in order");
  na_arms_free(&arms);
  const char *folder = runs_folder, *by = "augment.r";
  na_arms_question question = ask("3");
  question.by = &by;
  question.by_count = 1;
  arms = (na_arms){.control = -1};
  CHECK_OK(na_arms_read(&arms, &folder, 1, &question, &err), err);
  CHECK(arms.arm_count == 3 && arms.control == 2 && arms.comparison_count == 2, "%d arms",
        arms.arm_count);
  CHECK(arms.note_count == 1 && strstr(arms.notes[0], "train.lr") != NULL, "what is mixed is told");
  na_arms_free(&arms);
  by = "augment.rr";
  CHECK_FAILS(na_arms_read(&arms, &folder, 1, &question, &err), NA_EINVAL, "augment.rr", err);
  na_arms_free(&arms);
  question = ask("lr 0.1, r 7");
  CHECK_FAILS(na_arms_read(&arms, &folder, 1, &question, &err), NA_EINVAL, "no arm is called", err);
  na_arms_free(&arms);
  runs_remove();
}

/* A folder that is not there or holds no run; and every allocation fails once. */
static void failures(void)
{
  runs_make();
  const char *folder = runs_folder;
  na_arms_question question = ask(NULL);
  na_arms arms = {.control = -1};
  CHECK_FAILS(na_arms_read(&arms, &folder, 1, &question, &err), NA_EINVAL, "holds no run", err);
  na_arms_free(&arms);
  const char *none = "/nonexistent/run";
  CHECK_FAILS(na_arms_read(&arms, &none, 1, &question, &err), NA_EIO, "cannot read /nonexistent",
              err);
  na_arms_free(&arms);
  runs_two_arms(2);
  int code = NA_ENOMEM;
  for (unsigned long at = 1; at < 2000 && code != NA_OK; at++) {
    na_alloc_fail_at(at);
    na_error_clear(&err);
    code = na_arms_read(&arms, &folder, 1, &question, &err);
    na_alloc_fail_at(0);
    bool whole =
        code == NA_OK && arms.arm_count == 2 && arms.arms[0].count == 2 && arms.arms[1].count == 2;
    CHECK(code != NA_OK || whole || arms.run_count == 4, "allocation %lu: half an answer", at);
    na_arms_free(&arms);
  }
  CHECK(code == NA_OK, "%s", err.message);
  runs_remove();
}

int main(void)
{
  RUN(better);
  RUN(open_question);
  RUN(few);
  RUN(no_pairs);
  RUN(two_arms);
  RUN(left_out);
  RUN(damaged);
  RUN(grouping);
  RUN(failures);
  return CHECK_EXIT();
}
