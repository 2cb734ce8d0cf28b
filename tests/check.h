/* The test harness: a test is a function, a check a condition with a message. Prints one line per
 * test, "ok NAME" or "not ok NAME", which scripts/test counts; the exit status is 1 when any failed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures, check_failed_tests, check_count;

__attribute__((format(printf, 4, 5))) static inline void
check_report(int good, const char *file, int line, const char *format, ...)
{
  check_count++;
  if (good) return;
  check_failures++;
  if (check_failures > 20) return; /* a broken kernel fails everywhere: the first lines tell */
  va_list args;
  va_start(args, format);
  printf("  %s:%d: ", file, line);
  vprintf(format, args);
  printf("\n");
  va_end(args);
}

/* CHECK(condition, "what was expected, %d", ...) */
#define CHECK(condition, ...) check_report(!!(condition), __FILE__, __LINE__, __VA_ARGS__)

/* Within tolerance relative to scale; false for NaN. */
#define CHECK_NEAR(got, wanted, tolerance, scale, what)                                            \
  do {                                                                                             \
    double got_ = (got), wanted_ = (wanted), scale_ = (scale);                                     \
    CHECK(fabs(got_ - wanted_) <= (tolerance) * scale_, "%s: got %.9g, wanted %.9g (off by %.2g)", \
          what, got_, wanted_, fabs(got_ - wanted_) / (scale_ > 0 ? scale_ : 1));                  \
  } while (0)

/* A call that must succeed: prints the na_error otherwise. */
#define CHECK_OK(call, err)                                                                        \
  do {                                                                                             \
    int code_ = (call);                                                                            \
    CHECK(code_ == 0, "%s: %d: %s", #call, code_, (err).message);                                  \
  } while (0)

/* A call that must fail with code and a message containing words. Clears err. */
#define CHECK_FAILS(call, wanted, words, err)                                                      \
  do {                                                                                             \
    na_error_clear(&(err));                                                                        \
    int code_ = (call);                                                                            \
    CHECK(code_ == (wanted), "%s: got code %d (%s)", #call, code_, (err).message);                 \
    CHECK(strstr((err).message, words) != NULL, "%s: message \"%s\" lacks \"%s\"", #call,          \
          (err).message, words);                                                                   \
    na_error_clear(&(err));                                                                        \
  } while (0)

/* Runs one test. A test that checks nothing is a failure. */
static inline void check_run(const char *name, void (*test)(void))
{
  check_failures = check_count = 0;
  test();
  int good = check_failures == 0 && check_count > 0;
  if (check_count == 0) printf("  nothing was checked\n");
  printf("%s %s\n", good ? "ok" : "not ok", name);
  fflush(stdout);
  check_failed_tests += !good;
}
#define RUN(test) check_run(#test, test)

#define CHECK_EXIT() (check_failed_tests == 0 ? EXIT_SUCCESS : EXIT_FAILURE)

/* The folder with the reference fixtures and data, or NULL with a loud line. */
static inline const char *check_shared(void)
{
  static const char *const places[] = {"../shared", "../../shared", "../../../shared", NULL};
  const char *given = getenv("NETAUG_SHARED");
  char probe[4096];
  for (int i = -1; i < 3; i++) {
    const char *place = i < 0 ? given : places[i];
    if (place == NULL) continue;
    snprintf(probe, sizeof probe, "%s/fixtures/README.md", place);
    FILE *file = fopen(probe, "r");
    if (file == NULL) continue;
    fclose(file);
    return place;
  }
  printf("SKIPPED, NOT TESTED: ../shared (reference fixtures and data) is missing; "
         "set NETAUG_SHARED to its path\n");
  return NULL;
}

#endif
