/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts, offers;
static void (*volatile ask_function)(void *context);
static void *volatile ask_context;
static void (*volatile leave_function)(void);

static void on_interrupt(int number)
{
  interrupts = interrupts + 1;
  if (interrupts >= (offers && number == SIGINT ? 3 : 2)) {
    if (leave_function != NULL) leave_function();
    static const char words[] = "\nnetaug: interrupted again, leaving at once\n";
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    _exit(NA_EXIT_INTERRUPTED);
  }
  if (interrupts == 1 && ask_function != NULL) ask_function(ask_context);
}

static void handle(int number, void (*handler)(int number))
{
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void na_signals_ignore_pipe(void)
{
  handle(SIGPIPE, SIG_IGN);
}

void na_signals_catch(void)
{
  handle(SIGINT, on_interrupt);
  handle(SIGTERM, on_interrupt);
  struct sigaction hangup;
  if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* not under nohup */
    handle(SIGHUP, on_interrupt);
}

void na_signals_on_leave(void (*restore)(void))
{
  leave_function = restore;
}

void na_signals_on_interrupt(void (*ask)(void *context), void *context)
{
  /* The handler must never see a function with another one's context. */
  ask_function = NULL;
  ask_context = context;
  ask_function = ask;
}

void na_signals_offer(bool wanted)
{
  offers = wanted;
}

bool na_signals_insisted(void)
{
  return interrupts > 1;
}

bool na_signals_interrupted(void)
{
  return interrupts > 0;
}

void na_signals_forget(void)
{
  interrupts = 0;
}
