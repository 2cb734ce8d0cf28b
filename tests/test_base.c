/* The base library: errors, memory, random numbers, settings, the thread team, text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/base/settings.h"
#include "core/base/team.h"
#include "core/base/text.h"

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------- errors */

static void the_first_error_wins(void)
{
  na_error err = {0};
  CHECK(na_fail(&err, NA_EIO, "disk %d", 3) == NA_EIO, "na_fail returns its code");
  na_hint(&err, "buy another");
  CHECK(na_fail(&err, NA_ENAN, "later") == NA_ENAN, "na_fail returns its own code");
  na_hint(&err, "no, pray");
  CHECK(err.code == NA_EIO && strcmp(err.message, "disk 3") == 0, "the error is %d %s", err.code,
        err.message);
  CHECK(strcmp(err.hint, "buy another") == 0, "the hint is %s", err.hint);
  CHECK(na_error_prefix(&err, "file %s", "x") == NA_EIO, "the prefix returns the code");
  CHECK(strcmp(err.message, "file x: disk 3") == 0, "with prefix: %s", err.message);
  na_error_clear(&err);
  CHECK(err.code == NA_OK && err.message[0] == '\0' && err.hint[0] == '\0', "cleared");
  na_fail(&err, NA_EINVAL, "new");
  CHECK(err.code == NA_EINVAL && err.hint[0] == '\0', "a new error has no old hint");
}

static void errors_without_an_object(void)
{
  na_error_clear(NULL);
  CHECK(na_fail(NULL, NA_ESHAPE, "x") == NA_ESHAPE, "code without an object");
  CHECK(na_fail_memory(NULL, 1, "x") < 0, "memory error without an object");
  CHECK(na_hint(NULL, "x") < 0 && na_error_prefix(NULL, "x") < 0, "hint and prefix");
}

static void long_messages_are_cut(void)
{
  char text[2000];
  na_error err = {0};
  memset(text, 'm', sizeof text);
  text[sizeof text - 1] = '\0';
  na_fail(&err, NA_EINVAL, "%s", text);
  CHECK(strlen(err.message) == sizeof err.message - 1, "message of %zu", strlen(err.message));
  na_error_prefix(&err, "%s", text);
  CHECK(strlen(err.message) == sizeof err.message - 1, "with prefix %zu", strlen(err.message));
  na_hint(&err, "%s", text);
  CHECK(strlen(err.hint) == sizeof err.hint - 1, "hint of %zu", strlen(err.hint));
}

static void codes_have_words(void)
{
  na_error err = {0};
#define HAS_WORDS(symbol, value, words)                                                            \
  CHECK(strcmp(na_code_words(NA_##symbol), words) == 0, "%s: %s", words, na_code_words(value));
  NA_CODES(HAS_WORDS)
#undef HAS_WORDS
  CHECK(strcmp(na_code_words(-1000), "unknown error") == 0, "a code that is none");
  CHECK(na_fail_memory(&err, 3 << 20, "the sofa") == NA_ENOMEM, "memory code");
  CHECK(strstr(err.message, "the sofa") != NULL && strstr(err.message, "3.0 MiB") != NULL, "%s", err.message);
  CHECK(err.hint[0] != '\0', "it says what to do");
}

/* -------------------------------------------------------------------------------- memory */

static bool is_zero(const void *block, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    if (((const unsigned char *)block)[i] != 0) return false;
  return true;
}

static void allocations(void)
{
  static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
  for (int i = 0; i < 6; i++) {
    void *block = na_alloc(sizes[i]);
    CHECK(block != NULL && (uintptr_t)block % 64 == 0, "%zu bytes at %p", sizes[i], block);
    CHECK(is_zero(block, sizes[i]), "%zu bytes are not zero", sizes[i]);
    if (sizes[i] != 0) memset(block, 255, sizes[i]);
    na_free(block);
  }
  na_free(NULL);
  CHECK(na_alloc(SIZE_MAX) == NULL && na_alloc(SIZE_MAX - 10) == NULL, "more than there is");
  CHECK(na_alloc_array(SIZE_MAX / 2, 3) == NULL, "a product that overflows");
  char *copy = na_strdup("word");
  CHECK(copy != NULL && strcmp(copy, "word") == 0, "copied text");
  na_free(copy);
  CHECK(na_strdup(NULL) == NULL, "no text");
}

static void growing(void)
{
  int *items = NULL;
  size_t capacity = 0;
  for (int i = 0; i < 100; i++) {
    void *grown = items;
    CHECK(na_grow(&grown, (size_t)i, &capacity, sizeof *items) == NA_OK, "growing to %d", i + 1);
    items = grown;
    CHECK(capacity > (size_t)i, "capacity %zu for %d", capacity, i + 1);
    items[i] = i * i;
  }
  bool kept = true;
  for (int i = 0; i < 100; i++) kept &= items[i] == i * i;
  CHECK(kept, "items are kept");
  void *same = items;
  size_t full = capacity;
  na_alloc_fail_at(1);
  CHECK(na_grow(&same, full, &full, sizeof *items) == NA_ENOMEM, "failing growth");
  CHECK(same == items && full == capacity && items[99] == 99 * 99, "nothing changed");
  na_alloc_fail_at(0);
  na_free(items);
}

static void blocks(void)
{
  static const size_t sizes[] = {1, 4096, 2 << 20, (2 << 20) + 1, 9 << 20};
  for (int i = 0; i < 5; i++) {
    char *block = na_block_new(sizes[i]);
    CHECK(block != NULL && (uintptr_t)block % (2 << 20) == 0, "block of %zu at %p", sizes[i], (void *)block);
    CHECK(is_zero(block, sizes[i]), "block of %zu is not zero", sizes[i]);
    memset(block, 1, sizes[i]);
    na_block_free(block, sizes[i]);
  }
  char *reserved = na_block_reserve(3 << 20);
  CHECK(reserved != NULL && is_zero(reserved, 3 << 20), "reserved memory is zero, too");
  na_block_free(reserved, 3 << 20);
  na_block_free(NULL, 7);
  CHECK(na_block_new(0) == NULL, "an empty block");
  CHECK(na_block_new(SIZE_MAX) == NULL && na_block_new(SIZE_MAX / 2) == NULL, "more than there is");
}

/* A child that is forked while blocks are hidden has none of them; the parent keeps its own. */
static void hidden_blocks(void)
{
  enum { BYTES = 1 << 20 };
  unsigned char there;
  int status[2];
  char *block = na_block_new(BYTES);
  if (block == NULL) return;
  block[5] = 7;
  for (int hidden = 0; hidden < 2; hidden++) {
    if (hidden) na_blocks_hide();
    pid_t child = fork();
    if (child == 0) _exit(mincore(block, 4096, &there) == 0);
    if (hidden) na_blocks_show();
    CHECK(waitpid(child, &status[hidden], 0) == child, "no child");
  }
  CHECK(WIFEXITED(status[0]) && WEXITSTATUS(status[0]) == 1, "a usual child lacks the block");
  CHECK(WIFEXITED(status[1]) && WEXITSTATUS(status[1]) == 0, "the block was not hidden");
  CHECK(block[5] == 7, "the parent's block changed");
  na_block_free(block, BYTES);
}

static void chosen_allocations_fail(void)
{
  unsigned long before = na_alloc_count();
  na_alloc_fail_at(3);
  void *a = na_alloc(1), *b = na_alloc_array(2, 2), *c = na_block_new(5), *d = na_alloc(1);
  CHECK(a != NULL && b != NULL, "the first two work");
  CHECK(c == NULL, "the third fails");
  CHECK(d != NULL, "the fourth works");
  CHECK(na_alloc_count() - before == 4, "%lu were counted", na_alloc_count() - before);
  na_alloc_fail_at(1);
  char *text = na_strdup("x");
  CHECK(text == NULL, "copying text fails");
  na_alloc_fail_at(0);
  na_free(a);
  na_free(b);
  na_free(d);
}

/* -------------------------------------------------------------------------------- random */

/* The values that the reference fixtures' description gives for its streams. */
static void published_values(void)
{
  static const double stream0[] = {0.766621590, 0.133123040, 0.182379365};
  static const double stream7[] = {0.475411177, -0.794962645};
  for (int i = 0; i < 3; i++)
    CHECK_NEAR((double)na_random_symmetric(0, (uint64_t)i), stream0[i], 5e-10, 1, "stream 0");
  for (int i = 0; i < 2; i++)
    CHECK_NEAR((double)na_random_symmetric(7, (uint64_t)i), stream7[i], 5e-10, 1, "stream 7");
  /* splitmix64's first output for state 0. */
  CHECK(na_random_bits(0, 0) == 0xE220A8397B1DCDAFu, "bits of (0, 0)");
}

static void sequences(void)
{
  na_random a = na_random_at(1, 2, 3), b = na_random_at(1, 2, 3);
  na_random others[] = {na_random_at(2, 2, 3), na_random_at(1, 3, 3), na_random_at(1, 2, 4),
                        na_random_at(1, 3, 2), na_random_at(0, 2, 3)};
  for (int i = 0; i < 5; i++) {
    uint64_t next = na_random_next(&a);
    CHECK(next == na_random_next(&b), "the same place gives the same numbers");
    for (int k = 0; k < 5; k++) CHECK(na_random_next(&others[k]) != next, "another place, other numbers");
  }
  na_random later = {a.key, 2};
  for (int i = 2; i < 5; i++) na_random_next(&later);
  CHECK(na_random_next(&later) == na_random_next(&a), "the state is key and index alone");
}

static void distributions(void)
{
  enum { DRAWS = 200000 };
  na_random random = na_random_at(4, 5, 6);
  double sum = 0, square = 0, normal = 0, normal_square = 0, fourth = 0;
  long counts[7] = {0};
  for (int i = 0; i < DRAWS; i++) {
    double u = na_random_unit(&random), r = na_random_range(&random, 5, 7), z = na_random_normal(&random);
    CHECK(u >= 0 && u < 1 && r >= 5 && r < 7, "out of range: %g or %g", u, r);
    sum += u;
    square += u * u;
    normal += z;
    normal_square += z * z;
    fourth += z * z * z * z;
    uint32_t below = na_random_below(&random, 7);
    CHECK(below < 7, "%u is not below 7", below);
    counts[below % 7]++;
  }
  CHECK_NEAR(sum / DRAWS, 0.5, 4 * 0.289 / sqrt(DRAWS), 1, "mean of uniform numbers");
  CHECK_NEAR(square / DRAWS, 1.0 / 3, 4 * 0.3 / sqrt(DRAWS), 1, "their mean square");
  CHECK_NEAR(normal / DRAWS, 0, 4 / sqrt(DRAWS), 1, "mean of normal numbers");
  CHECK_NEAR(normal_square / DRAWS, 1, 4 * 1.42 / sqrt(DRAWS), 1, "their variance");
  CHECK_NEAR(fourth / DRAWS, 3, 4 * 9.8 / sqrt(DRAWS), 1, "their fourth moment");
  for (int k = 0; k < 7; k++)
    CHECK(fabs((double)counts[k] - DRAWS / 7.0) < 4 * sqrt(DRAWS / 7.0), "%d was drawn %ld times", k, counts[k]);
  CHECK(na_random_below(&random, 1) == 0, "below 1");
}

/* E[x^k] of Beta(a, b): the product of (a + r) / (a + b + r) over r < k. */
static double beta_moment(double a, double b, int k)
{
  double moment = 1;
  for (int r = 0; r < k; r++) moment *= (a + r) / (a + b + r);
  return moment;
}

static void beta_has_its_moments(void)
{
  enum { DRAWS = 100000, MOMENTS = 4 };
  static const double shapes[][2] = {{0.01, 0.01}, {0.2, 0.2}, {1, 1}, {2, 5}, {0.4, 3}, {40, 40}};
  for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
    double a = shapes[s][0], b = shapes[s][1], sums[MOMENTS] = {0};
    na_random random = na_random_at(10, 11, s);
    for (int i = 0; i < DRAWS; i++) {
      double x = na_random_beta(&random, a, b), power = 1;
      CHECK(x >= 0 && x <= 1, "Beta(%g, %g): %g", a, b, x);
      for (int k = 0; k < MOMENTS; k++) sums[k] += power *= x;
    }
    for (int k = 1; k <= MOMENTS; k++) {
      double wanted = beta_moment(a, b, k);
      double deviation = sqrt((beta_moment(a, b, 2 * k) - wanted * wanted) / DRAWS);
      CHECK(fabs(sums[k - 1] / DRAWS - wanted) < 4 * deviation, "Beta(%g, %g): moment %d is %g, not %g",
            a, b, k, sums[k - 1] / DRAWS, wanted);
    }
  }
}

static void shuffles(void)
{
  enum { N = 5, TRIALS = 20000 };
  na_random random = na_random_at(7, 8, 9);
  long at[N][N] = {{0}};
  for (int t = 0; t < TRIALS; t++) {
    uint32_t order[N], seen = 0;
    for (uint32_t i = 0; i < N; i++) order[i] = i;
    na_random_shuffle(&random, order, N);
    for (int i = 0; i < N; i++) {
      seen |= 1u << order[i];
      at[i][order[i] % N]++;
    }
    CHECK(seen == (1u << N) - 1, "a shuffle lost something");
  }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      CHECK(fabs((double)at[i][j] - TRIALS / N) < 4.5 * sqrt(TRIALS * 0.16), "%d at %d: %ld times", j, i, at[i][j]);
  na_random_shuffle(&random, NULL, 0);
}

/* ------------------------------------------------------------------------------ settings */

typedef struct options {
  int epochs;
  double rate;
  bool flip;
  char name[NA_TEXT_MAX];
  int mode;
  na_list widths;
} options;

static const na_setting items[] = {
    {"epochs", NA_INT, offsetof(options, epochs), "20", 1, 1000, NULL, "passes over the data"},
    {"learning_rate", NA_FLOAT, offsetof(options, rate), "0.1", 0, HUGE_VAL, NULL, "step size"},
    {"flip", NA_BOOL, offsetof(options, flip), "true", 0, 0, NULL, "mirror images"},
    {"name", NA_TEXT, offsetof(options, name), "", 0, 0, NULL, "of the run"},
    {"mode", NA_CHOICE, offsetof(options, mode), "min_w", 0, 0, "random|min_w|min_e", "what is drawn"},
    {"widths", NA_LIST, offsetof(options, widths), "1, 1.8, 2.6", 1, 64, NULL, "multipliers"},
};
static const na_settings table = {"train", 6, items};

static void defaults(void)
{
  options o;
  memset(&o, 99, sizeof o);
  na_settings_init(&table, &o);
  CHECK(o.epochs == 20 && o.rate == 0.1 && o.flip && o.name[0] == '\0' && o.mode == 1, "scalar defaults");
  CHECK(o.widths.count == 3 && o.widths.values[1] == 1.8 && o.widths.values[2] == 2.6, "list default");
  CHECK(na_settings_find(&table, "flip") == &items[2], "find a setting");
  CHECK(na_settings_find(&table, "Flip") == NULL, "find no setting");
}

static void parsing(void)
{
  options o;
  na_error err = {0};
  na_settings_init(&table, &o);
  CHECK_OK(na_settings_parse(&table, &o, "epochs", " 7 ", &err), err);
  CHECK_OK(na_settings_parse(&table, &o, "learning_rate", "2.5e-3", &err), err);
  CHECK_OK(na_settings_parse(&table, &o, "flip", "false", &err), err);
  CHECK_OK(na_settings_parse(&table, &o, "name", "a b, c", &err), err);
  CHECK_OK(na_settings_parse(&table, &o, "mode", "min_e", &err), err);
  CHECK_OK(na_settings_parse(&table, &o, "widths", "{1 2,3}", &err), err);
  CHECK(o.epochs == 7 && o.rate == 2.5e-3 && !o.flip && o.mode == 2, "scalars");
  CHECK(strcmp(o.name, "a b, c") == 0, "text: %s", o.name);
  CHECK(o.widths.count == 3 && o.widths.values[2] == 3, "list");
  CHECK_OK(na_settings_parse(&table, &o, "widths", "", &err), err);
  CHECK(o.widths.count == 0, "an empty list");
}

#define REFUSED(name, text, words)                                                                 \
  do {                                                                                             \
    options before;                                                                                \
    memcpy(&before, &o, sizeof o); /* padding too */                                               \
    CHECK_FAILS(na_settings_parse(&table, &o, name, text, &err), NA_EINVAL, words, err);           \
    CHECK(memcmp(&before, &o, sizeof o) == 0, "%s = %s was refused but stored", name, text);       \
  } while (0)

static void refused_values(void)
{
  options o;
  na_error err = {0};
  memset(&o, 0, sizeof o);
  na_settings_init(&table, &o);
  REFUSED("epochs", "0", "from 1 to 1000, but got 0");
  REFUSED("epochs", "1001", "train.epochs");
  REFUSED("epochs", "2.5", "a whole number");
  REFUSED("epochs", "ten", "\"ten\"");
  REFUSED("epochs", "5x", "\"5x\"");
  REFUSED("epochs", "", "a whole number");
  REFUSED("epochs", "1e300", "a whole number");
  REFUSED("learning_rate", "-1", "at least 0");
  REFUSED("learning_rate", "nan", "a number");
  REFUSED("flip", "yes", "true or false");
  REFUSED("flip", "1", "true or false");
  REFUSED("mode", "min", "random|min_w|min_e");
  REFUSED("mode", "", "random|min_w|min_e");
  REFUSED("mode", "random|min_w", "random|min_w|min_e");
  REFUSED("widths", "1, 0.5", "from 1 to 64");
  REFUSED("widths", "1, x", "a list");
  REFUSED("widths", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "at most 16");
  char large[NA_TEXT_MAX + 1];
  memset(large, 't', NA_TEXT_MAX);
  large[NA_TEXT_MAX] = '\0';
  REFUSED("name", large, "a string");
  large[NA_TEXT_MAX - 1] = '\0';
  CHECK_OK(na_settings_parse(&table, &o, "name", large, &err), err);
}

static void check_hint(const char *name, const char *words)
{
  options o;
  na_error err = {0};
  na_settings_init(&table, &o);
  CHECK(na_settings_parse(&table, &o, name, "1", &err) == NA_EINVAL, "%s is no setting", name);
  CHECK(strstr(err.message, name) != NULL && strstr(err.message, "train") != NULL, "%s", err.message);
  CHECK(strstr(err.hint, words) != NULL, "%s: hint \"%s\" lacks \"%s\"", name, err.hint, words);
}

static void unknown_names(void)
{
  check_hint("epoch", "did you mean \"epochs\"?");
  check_hint("learnin_rat", "did you mean \"learning_rate\"?");
  check_hint("withs", "did you mean \"widths\"?");
  check_hint("zzzzzzzzzzzz", "epochs, learning_rate, flip, name, mode, widths");
  na_error err = {0};
  options o;
  na_settings_init(&table, &o);
  na_settings_parse(&table, &o, "epochs", "0", &err);
  CHECK(strstr(err.hint, "passes over the data") != NULL && strstr(err.hint, "20") != NULL, "%s", err.hint);
}

static void values_of_lua(void)
{
  options o;
  na_error err = {0};
  na_list list = {2, {1, 4}}, bad = {2, {1, 100}};
  na_settings_init(&table, &o);
  na_value number = {.kind = NA_VALUE_NUMBER, .number = 3}, yes = {.kind = NA_VALUE_BOOL, .boolean = true};
  na_value text = {.kind = NA_VALUE_TEXT, .text = "3"}, other = {.kind = NA_VALUE_OTHER, .text = "function"};
  na_value good_list = {.kind = NA_VALUE_LIST, .list = &list}, bad_list = {.kind = NA_VALUE_LIST, .list = &bad};
  CHECK_OK(na_settings_set(&table, &o, "epochs", &number, &err), err);
  CHECK_OK(na_settings_set(&table, &o, "widths", &number, &err), err);
  CHECK(o.epochs == 3 && o.widths.count == 1 && o.widths.values[0] == 3, "a number as a list of one");
  CHECK_OK(na_settings_set(&table, &o, "widths", &good_list, &err), err);
  CHECK(o.widths.count == 2 && o.widths.values[1] == 4, "a list");
  CHECK_FAILS(na_settings_set(&table, &o, "widths", &bad_list, &err), NA_EINVAL, "{1, 100}", err);
  CHECK_FAILS(na_settings_set(&table, &o, "epochs", &yes, &err), NA_EINVAL, "but got true", err);
  CHECK_FAILS(na_settings_set(&table, &o, "epochs", &text, &err), NA_EINVAL, "but got \"3\"", err);
  CHECK_FAILS(na_settings_set(&table, &o, "flip", &number, &err), NA_EINVAL, "but got 3", err);
  CHECK_FAILS(na_settings_set(&table, &o, "name", &number, &err), NA_EINVAL, "a string", err);
  CHECK_FAILS(na_settings_set(&table, &o, "mode", &number, &err), NA_EINVAL, "one of", err);
  CHECK_FAILS(na_settings_set(&table, &o, "epochs", &other, &err), NA_EINVAL, "a function", err);
  CHECK_FAILS(na_settings_set(&table, &o, "epoch", &number, &err), NA_EINVAL, "no setting \"epoch\"", err);
}

static void written_and_read_back(void)
{
  static const char *const values[][6] = {{"1", "0.1", "true", "", "random", ""},
                                          {"999", "0.30000000000000004", "false", "x, y", "min_e", "1, 2.6"},
                                          {"20", "1e-300", "true", "a=b", "min_w", "1.1, 64"}};
  for (int v = 0; v < 3; v++) {
    options o, again;
    na_error err = {0};
    memset(&o, 0, sizeof o);
    memset(&again, 0, sizeof again);
    na_settings_init(&table, &o);
    na_settings_init(&table, &again);
    for (int i = 0; i < 6; i++) {
      na_buffer text = {0};
      CHECK_OK(na_settings_parse(&table, &o, items[i].name, values[v][i], &err), err);
      na_settings_write(&items[i], &o, &text);
      CHECK(text.data != NULL && !text.failed, "%s was written", items[i].name);
      CHECK_OK(na_settings_parse(&table, &again, items[i].name, text.data, &err), err);
      na_free(text.data);
    }
    CHECK(o.epochs == again.epochs && o.rate == again.rate && o.flip == again.flip && o.mode == again.mode,
          "scalars survive");
    CHECK(strcmp(o.name, again.name) == 0, "text survives");
    CHECK(o.widths.count == again.widths.count &&
              memcmp(o.widths.values, again.widths.values, (size_t)o.widths.count * sizeof(double)) == 0,
          "lists survive");
  }
}

static void help_of_settings(void)
{
  na_buffer text = {0};
  na_settings_help(&table, &text);
  for (int i = 0; i < 6; i++)
    CHECK(strstr(text.data, items[i].name) != NULL && strstr(text.data, items[i].help) != NULL,
          "help lacks %s", items[i].name);
  CHECK(strstr(text.data, "from 1 to 1000") != NULL && strstr(text.data, "default none") != NULL,
        "help lacks ranges or defaults: %s", text.data);
  na_free(text.data);
}

/* ---------------------------------------------------------------------------------- team */

typedef struct tally {
  atomic_int done[3000];
  atomic_int workers[16];
  int size;
  atomic_int strays; /* of workers that are none */
} tally;

static void count_unit(void *context, int unit, int worker)
{
  tally *t = context;
  atomic_fetch_add(&t->done[unit], 1);
  if (worker < 0 || worker >= t->size) atomic_fetch_add(&t->strays, 1);
  else atomic_fetch_add(&t->workers[worker], 1);
}

static void check_team(int size)
{
  static const int some_units[] = {0, 1, 2, 3, 7, 64, 3000};
  na_error err = {0};
  na_team *team;
  CHECK_OK(na_team_new(&team, size, &err), err);
  CHECK(na_team_size(team) == size, "team of %d has %d", size, na_team_size(team));
  for (int u = 0; u < 7; u++) {
    static tally t;
    memset(&t, 0, sizeof t);
    t.size = size;
    na_team_run(team, count_unit, &t, some_units[u]);
    for (int i = 0; i < 3000; i++)
      CHECK(atomic_load(&t.done[i]) == (i < some_units[u]), "team of %d, %d units: unit %d done %d times",
            size, some_units[u], i, atomic_load(&t.done[i]));
    CHECK(atomic_load(&t.strays) == 0, "workers out of range");
  }
  na_team_free(team);
}

static void every_unit_once(void)
{
  static const int sizes[] = {1, 2, 3, 8};
  for (int i = 0; i < 4; i++) check_team(sizes[i]);
}

/* A loop of a few units right after another, as a net's layers are: what one has written, the next
 * reads. */
typedef struct relay {
  long values[64];
  int round;
} relay;

static void pass_on(void *context, int unit, int worker)
{
  relay *r = context;
  (void)worker;
  r->values[unit] = r->values[unit] * 3 + unit + r->round;
}

static void many_loops(void)
{
  static const int sizes[] = {2, 3, 8};
  relay wanted = {{0}, 0};
  enum { ROUNDS = 2000 };
  for (wanted.round = 0; wanted.round < ROUNDS; wanted.round++)
    for (int unit = 0; unit < 1 + wanted.round % 64; unit++) {
      pass_on(&wanted, unit, 0);
      wanted.values[unit] %= 1000003; /* so that nothing overflows */
    }
  for (int s = 0; s < 3; s++) {
    na_error err = {0};
    na_team *team;
    relay r = {{0}, 0};
    CHECK_OK(na_team_new(&team, sizes[s], &err), err);
    for (r.round = 0; r.round < ROUNDS; r.round++) {
      na_team_run(team, pass_on, &r, 1 + r.round % 64);
      for (int unit = 0; unit < 64; unit++) r.values[unit] %= 1000003;
    }
    CHECK(memcmp(r.values, wanted.values, sizeof r.values) == 0, "team of %d loses work", sizes[s]);
    na_team_free(team);
  }
}

static void teams_refused(void)
{
  na_error err = {0};
  na_team *team;
  CHECK_FAILS(na_team_new(&team, -1, &err), NA_EINVAL, "threads is -1", err);
  CHECK(team == NULL, "a refused team is NULL");
  CHECK_FAILS(na_team_new(&team, 100000, &err), NA_EINVAL, "100000", err);
  CHECK_OK(na_team_new(&team, 0, &err), err);
  CHECK(na_team_size(team) == na_processors() && na_processors() >= 1, "one worker per processor");
  na_team_free(team);
  na_team_free(NULL);
  for (unsigned long at = 1; at <= 4; at++) {
    na_error_clear(&err);
    na_alloc_fail_at(at);
    CHECK(na_team_new(&team, 3, &err) == NA_ENOMEM && team == NULL, "allocation %lu of a team fails", at);
    na_alloc_fail_at(0);
  }
}

/* ---------------------------------------------------------------------------------- text */

static const char *word_at(const void *list, int i) { return ((const char *const *)list)[i]; }

static void words(void)
{
  static const char *const list[] = {"alpha", "beta", "gamma", "label_smoothing"};
  char large[100];
  memset(large, 'a', sizeof large);
  large[99] = '\0';
  CHECK(na_text_distance("", "") == 0 && na_text_distance("abc", "abc") == 0, "equal words");
  CHECK(na_text_distance("kitten", "sitting") == 3, "kitten, sitting");
  CHECK(na_text_distance("", "four") == 4 && na_text_distance("four", "") == 4, "an empty word");
  CHECK(na_text_distance(large, "a") == 64, "a word too long");
  CHECK(na_text_nearest("alpa", 4, word_at, list) == 0, "alpa");
  CHECK(na_text_nearest("lable_smoothing", 4, word_at, list) == 3, "lable_smoothing");
  CHECK(na_text_nearest("xylophone", 4, word_at, list) == -1, "xylophone");
  CHECK(na_text_nearest("alpha", 0, word_at, list) == -1, "an empty list");
}

static void buffers(void)
{
  na_buffer b = {0};
  for (int i = 0; i < 1000; i++) na_buffer_add(&b, "%d,", i);
  CHECK(b.length == 10 * 2 + 90 * 3 + 900 * 4 && strlen(b.data) == b.length, "length %zu", b.length);
  CHECK(strncmp(b.data, "0,1,2,", 6) == 0 && strcmp(b.data + b.length - 4, "999,") == 0, "contents");
  na_alloc_fail_at(1);
  for (int i = 0; i < 3000; i++) na_buffer_add(&b, "more");
  na_alloc_fail_at(0);
  CHECK(b.failed, "out of memory is remembered");
  size_t length = b.length;
  na_buffer_add(&b, "more");
  CHECK(b.length == length && strlen(b.data) == length, "a failed buffer does not change");
  na_free(b.data);
}

#define READS(call, value, wanted)                                                                 \
  do {                                                                                             \
    char out[32];                                                                                  \
    call(out, value);                                                                              \
    CHECK(strcmp(out, wanted) == 0, "%s(%g) is \"%s\", wanted \"%s\"", #call, (double)(value), out, wanted); \
  } while (0)

static void numbers_as_read(void)
{
  READS(na_text_count, 0, "0");
  READS(na_text_count, 999, "999");
  READS(na_text_count, 1000, "1.00k");
  READS(na_text_count, 750123, "750k");
  READS(na_text_count, 23512345, "23.5M");
  READS(na_text_count, 4.1e9, "4.10G");
  READS(na_text_count, 4.1e14, "410000G");
  READS(na_text_bytes, 512, "512 B");
  READS(na_text_bytes, 1536, "1.50 KiB");
  READS(na_text_bytes, 3 * 1048576.0, "3.00 MiB");
  READS(na_text_number, 0.05, "0.05");
  READS(na_text_number, 1, "1");
  READS(na_text_number, -4e-05, "-4e-05");
  READS(na_text_number, 0.1 + 0.2, "0.30000000000000004");
  READS(na_text_duration, 0, "0s");
  READS(na_text_duration, 59.4, "59s");
  READS(na_text_duration, 59.6, "1:00");
  READS(na_text_duration, 724, "12:04");
  READS(na_text_duration, 11528, "3:12:08");
  READS(na_text_duration, 2 * 86400 + 3 * 3600, "2d 03h");
  READS(na_text_duration, -1, "--:--");
  READS(na_text_duration, NAN, "--:--");
  READS(na_text_duration, INFINITY, "--:--");
}

int main(void)
{
  RUN(the_first_error_wins);
  RUN(errors_without_an_object);
  RUN(long_messages_are_cut);
  RUN(codes_have_words);
  RUN(allocations);
  RUN(growing);
  RUN(blocks);
  RUN(hidden_blocks);
  RUN(chosen_allocations_fail);
  RUN(published_values);
  RUN(sequences);
  RUN(distributions);
  RUN(beta_has_its_moments);
  RUN(shuffles);
  RUN(defaults);
  RUN(parsing);
  RUN(refused_values);
  RUN(unknown_names);
  RUN(values_of_lua);
  RUN(written_and_read_back);
  RUN(help_of_settings);
  RUN(every_unit_once);
  RUN(many_loops);
  RUN(teams_refused);
  RUN(words);
  RUN(buffers);
  RUN(numbers_as_read);
  return CHECK_EXIT();
}
