/* check_fixture [-t THREADS] FILE...: does our engine reproduce these reference fixtures?
 *
 * Exit status 0 when every file is read to its end and everything in it agrees within its pass mark;
 * 1 when something disagrees or cannot be read; 2 for a wrong command line.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int check(fixture *f, na_error *err);
static check *const checks[] = {fixture_check_structure, fixture_check_cases,
                                fixture_check_kinks,     fixture_check_steps,
                                fixture_check_sort,      fixture_check_recalibration};

static void complain(const char *path, const na_error *err)
{
  fprintf(stderr, "check_fixture: %s: %s\n", path, err->message);
  if (err->hint[0] != '\0') fprintf(stderr, "  %s\n", err->hint);
}

/* True when everything agrees. */
static int check_file(const char *path, na_lua *lua, na_team *team)
{
  fixture f;
  na_error err = {0};
  int code = fixture_open(&f, path, lua, team, &err);
  if (code == 0)
    printf("%s: %s at %dx%d, batch %d, %d classes\n", path, f.net->name, f.resolution, f.resolution,
           f.batch, f.classes);
  for (size_t i = 0; i < sizeof checks / sizeof checks[0] && code == 0; i++)
    code = checks[i](&f, &err);
  if (code == 0) fixture_print(&f.report);
  else complain(path, &err);
  int agrees = code == 0 && f.report.failed == 0;
  printf("%s: %s\n\n", path, agrees ? "everything agrees" : "DOES NOT AGREE");
  fflush(stdout);
  fixture_close(&f);
  return agrees;
}

static int usage(void)
{
  fprintf(stderr, "usage: check_fixture [-t THREADS] FILE...\n"
                  "  -t THREADS  compute with that many threads (default: one per processor)\n");
  return 2;
}

static int parse(int argc, char **argv, int *threads)
{
  int option;
  while ((option = getopt(argc, argv, "t:")) != -1) {
    char *end = NULL;
    long value = option == 't' ? strtol(optarg, &end, 10) : -1;
    if (value < 0 || value > 1024 || end == optarg || *end != '\0') return 0;
    *threads = (int)value;
  }
  return optind < argc;
}

int main(int argc, char **argv)
{
  int threads = 0, agree = 0;
  na_lua *lua = NULL;
  na_team *team = NULL;
  na_lua_setup setup = {0};
  na_error err = {0};
  if (!parse(argc, argv, &threads)) return usage();
  setenv("NETAUG_LUA", FIXTURE_LUA, 0); /* the zoo of this source tree */
  if (na_lua_new(&lua, &setup, &err) != 0 || na_team_new(&team, threads, &err) != 0) {
    complain("cannot start", &err);
    na_lua_free(lua);
    return EXIT_FAILURE;
  }
  int files = argc - optind;
  for (int i = optind; i < argc; i++) agree += check_file(argv[i], lua, team);
  if (files > 1) printf("%d of %d files agree\n", agree, files);
  na_team_free(team);
  na_lua_free(lua);
  return agree == files ? EXIT_SUCCESS : EXIT_FAILURE;
}
