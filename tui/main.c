/* netaug: finds the command, runs it, and reports its error.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command.h"
#include "tui/manual.h"
#include "tui/screen/tty.h"
#include "tui/screen/workbench.h"
#include "tui/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files opened later must not land on 0, 1 or 2: a message would be written into them. */
static void fill_standard_files(void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != fd) abort();
}

static int report(const na_error *err, int status)
{
  fflush(stdout);
  fprintf(stderr, "netaug: %s\n", err->message);
  if (err->hint[0] != '\0') fprintf(stderr, "  %s\n", err->hint);
  return status;
}

static bool reader_gone(void)
{
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/* Output that could not be written is a failure, said aloud unless its reader just went away. */
static int close_output(int status)
{
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  if (reader_gone()) return NA_EXIT_PIPE;
  fprintf(stderr, "netaug: standard output could not be written in full\n"
                  "  is the disk full?\n");
  return NA_EXIT_FAILURE;
}

static bool asks_help(int argc, char **argv)
{
  for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

static int run_command(const na_command *command, int argc, char **argv)
{
  na_error err = {0};
  na_call call;
  if (asks_help(argc, argv)) {
    na_manual_command(command);
    return EXIT_SUCCESS;
  }
  if (na_command_parse(command, argc, argv, &call, &err) != NA_OK)
    return report(&err, NA_EXIT_USAGE);
  int status = command->run(&call, &err);
  if (status < 0)
    status = report(&err, status == NA_ESTOPPED    ? NA_EXIT_INTERRUPTED
                          : command->failure > 0 ? command->failure
                                                 : NA_EXIT_FAILURE);
  na_call_free(&call);
  return status;
}

/* netaug alone on a terminal: the screen with its prompt. */
static int open_workbench(void)
{
  na_error err = {0};
  na_session session;
  const na_session_options options = {.runs = "runs", .threads = -1};
  int status = na_session_start(&session, &options, &err);
  if (status == NA_OK) {
    status = na_workbench_talk(&session, &err);
    na_session_end(&session);
  }
  return status < 0 ? report(&err, NA_EXIT_FAILURE) : EXIT_SUCCESS;
}

static int dispatch(int argc, char **argv)
{
  na_error err = {0};
  if (argc < 2 && na_tty_usable()) return open_workbench();
  if (argc < 2) {
    na_manual_overview();
    return NA_EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    na_manual_overview();
    return EXIT_SUCCESS;
  }
  if (strcmp(argv[1], "--version") == 0) {
    na_manual_version();
    return EXIT_SUCCESS;
  }
  const na_command *command = na_command_find(argv[1], &err);
  if (command == NULL) return report(&err, NA_EXIT_USAGE);
  return run_command(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
  fill_standard_files();
  /* Numbers are read and written the C way in every country. */
  setlocale(LC_CTYPE, "");
  na_signals_ignore_pipe();
  return close_output(dispatch(argc, argv));
}
