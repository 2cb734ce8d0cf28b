/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/torch.h"
#include "core/base/memory.h"

#include <errno.h>
#include <glob.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, ENVIRONMENT_MAX = 1024, OWN_VARIABLES = 4, LINE_SIZE = 512 };

/* Debian's, whatever stands first in PATH: that is where python3-torch is. */
static const char python[] = "/usr/bin/python3";
static const char packages[] = "apt-get install python3-torch python3-torchvision libjemalloc2";

extern char **environ;

struct na_torch {
  pid_t pid;
  int socket;
};

/* ---------------------------------------------------------------------- finding things */

static int find_program(const char *name, char path[PATH_SIZE], na_error *err)
{
  static const char *const beside[] = {"../scripts/bench", "../share/netaug/bench"};
  char program[PATH_SIZE / 2] = "";
  const char *given = getenv("NETAUG_BENCH");
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  char *slash = length > 0 ? strrchr(program, '/') : NULL;
  if (slash != NULL) *slash = '\0';
  for (int i = given != NULL || slash == NULL ? 2 : 0; i < 3; i++) {
    if (i < 2)
      snprintf(path, PATH_SIZE, "%s/%s/%s", program, beside[i], name);
    else
      snprintf(path, PATH_SIZE, "%s/%s", given != NULL ? given : NA_BENCH_FOLDER, name);
    if (access(path, R_OK) == 0) return NA_OK;
  }
  na_fail(err, NA_EIO, "%.300s is not there", path);
  return na_hint(err, "install netaug, or set NETAUG_BENCH to the sources' folder scripts/bench");
}

static int missing(const char *what, na_error *err)
{
  na_fail(err, NA_EUNSUPPORTED, "%s is not installed", what);
  return na_hint(err, "%s", packages);
}

static int find_jemalloc(char setting[PATH_SIZE], na_error *err)
{
  glob_t found;
  bool there = glob("/usr/lib/*/libjemalloc.so.2", 0, NULL, &found) == 0 && found.gl_pathc > 0;
  if (there) snprintf(setting, PATH_SIZE, "LD_PRELOAD=%s", found.gl_pathv[0]);
  globfree(&found);
  return there ? NA_OK : missing("jemalloc, with which PyTorch is faster,", err);
}

/* ----------------------------------------------------------------------- starting a program */

static bool is_replaced(const char *variable)
{
  static const char *const names[] = {"OPENBLAS_", "OMP_", "GOTO_", "LD_PRELOAD=", "MALLOC_CONF="};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strncmp(variable, names[i], strlen(names[i])) == 0) return true;
  return false;
}

/* Ours without what is replaced, and the four of `own`. */
static void make_environment(char *own[OWN_VARIABLES], char *out[ENVIRONMENT_MAX])
{
  int count = 0;
  for (char **at = environ; *at != NULL && count < ENVIRONMENT_MAX - OWN_VARIABLES - 1; at++)
    if (!is_replaced(*at)) out[count++] = *at;
  for (int i = 0; i < OWN_VARIABLES; i++) out[count++] = own[i];
  out[count] = NULL;
}

/* Starts words[0] with `environment`; its standard output, and input unless that is to stay, become
 * `end`. */
static int spawn(pid_t *pid, const char *const *words, char **environment, int end, bool input,
                 na_error *err)
{
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input) posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
  int failed =
      posix_spawn(pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environment);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? NA_OK
                     : na_fail(err, NA_EIO, "cannot run %s: %s", words[0], strerror(failed));
}

static int make_sockets(int ends[2], na_error *err)
{
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) return NA_OK;
  return na_fail(err, NA_EIO, "cannot make a pair of sockets: %s", strerror(errno));
}

static int status_of(pid_t pid)
{
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return status;
}

int na_program_output(const char *const *words, char *out, size_t size, na_error *err)
{
  int ends[2];
  pid_t pid;
  size_t length = 0;
  int code = make_sockets(ends, err);
  if (code != NA_OK) return code;
  code = spawn(&pid, words, environ, ends[1], false, err);
  close(ends[1]);
  for (ssize_t got = 1; code == NA_OK && got != 0 && length < size - 1;) {
    got = read(ends[0], out + length, size - 1 - length);
    if (got > 0)
      length += (size_t)got;
    else if (got < 0 && errno != EINTR)
      break;
  }
  out[length] = '\0';
  close(ends[0]);
  if (code == NA_OK && status_of(pid) != 0) code = na_fail(err, NA_EIO, "%s failed", words[0]);
  return code;
}

/* ---------------------------------------------------------------------- questions, answers */

static int read_line(na_torch *torch, char line[LINE_SIZE], na_error *err)
{
  size_t length = 0;
  while (length < LINE_SIZE - 1) {
    ssize_t got = read(torch->socket, line + length, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return na_fail(err, NA_EIO, "PyTorch's program ended without an answer");
    if (line[length] == '\n') break;
    length++;
  }
  line[length] = '\0';
  return NA_OK;
}

int na_torch_ask(na_torch *torch, const char *question, double *answer, na_error *err)
{
  char line[LINE_SIZE], *end;
  int length = snprintf(line, sizeof line, "%s\n", question);
  if (send(torch->socket, line, (size_t)length, MSG_NOSIGNAL) != length)
    return na_fail(err, NA_EIO, "PyTorch's program has ended");
  int code = read_line(torch, line, err);
  if (code != NA_OK) return code;
  *answer = strtod(line, &end);
  if (end == line)
    return na_fail(err, NA_EFORMAT, "PyTorch's program answers \"%.100s\" to \"%s\"", line,
                   question);
  return NA_OK;
}

/* The first line says whether the program could begin. */
static int greet(na_torch *torch, na_error *err)
{
  char line[LINE_SIZE];
  int code = read_line(torch, line, err);
  if (code != NA_OK || strcmp(line, "ready") == 0) return code;
  if (strncmp(line, "missing ", 8) == 0) return missing(line + 8, err);
  return na_fail(err, NA_EFORMAT, "PyTorch's program begins with \"%.100s\"", line);
}

int na_torch_start(na_torch **out, const char *program, const char *operand, int threads,
                   na_precision precision, na_error *err)
{
  char path[PATH_SIZE], preload[PATH_SIZE], omp[64], blas[64], count[16];
  char malloc_conf[] = "MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always";
  char *environment[ENVIRONMENT_MAX];
  int ends[2];
  *out = NULL;
  int code = find_program(program, path, err);
  if (code == NA_OK) code = find_jemalloc(preload, err);
  if (code == NA_OK && access(python, X_OK) != 0) code = missing(python, err);
  if (code == NA_OK) code = make_sockets(ends, err);
  if (code != NA_OK) return code;
  snprintf(count, sizeof count, "%d", threads);
  snprintf(omp, sizeof omp, "OMP_NUM_THREADS=%d", threads);
  snprintf(blas, sizeof blas, "OPENBLAS_NUM_THREADS=%d", threads);
  make_environment((char *[]){preload, malloc_conf, omp, blas}, environment);
  const char *words[] = {python, path, operand, "--serve", "--threads", count,
                         precision == NA_BF16 ? "--autocast" : NULL, NULL};
  na_torch *torch = na_alloc(sizeof *torch);
  if (torch == NULL)
    code = na_fail_memory(err, sizeof *torch, "PyTorch's program");
  else {
    torch->socket = ends[0];
    code = spawn(&torch->pid, words, environment, ends[1], true, err);
  }
  close(ends[1]);
  if (code != NA_OK) {
    close(ends[0]);
    na_free(torch);
    return code;
  }
  code = greet(torch, err);
  if (code == NA_OK)
    *out = torch;
  else
    na_torch_free(torch);
  return code;
}

/* It ends when its input does. */
void na_torch_free(na_torch *torch)
{
  if (torch == NULL) return;
  close(torch->socket);
  status_of(torch->pid);
  na_free(torch);
}
