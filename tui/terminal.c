/* SPDX-License-Identifier: GPL-3.0-or-later */
#define NCURSES_NOMACROS
#include "tui/terminal.h"

#include <curses.h>
#include <term.h>

#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 20, WIDTH_MOST = 1000 };

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
  (void)number;
  resized = 1;
}

void na_terminal_watch(void)
{
  struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGWINCH, &action, NULL);
}

bool na_terminal_resized(void)
{
  bool changed = resized != 0;
  resized = 0;
  return changed;
}

static int clamp_width(long width)
{
  return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : (int)width;
}

void na_terminal_measure(na_terminal *terminal)
{
  const char *given = getenv("COLUMNS");
  struct winsize size;
  if (given != NULL && atol(given) > 0)
    terminal->width = clamp_width(atol(given));
  else if (ioctl(terminal->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal->width = clamp_width(size.ws_col);
  else
    terminal->width = WIDTH_DEFAULT;
}

/* Copies a terminfo string without its padding marks ($<5>), which only hardware needed. */
static void copy_sequence(char out[NA_SEQUENCE_MAX], const char *from)
{
  out[0] = '\0';
  if (from == NULL || from == (const char *)-1) return;
  size_t length = 0;
  while (*from != '\0' && length + 1 < NA_SEQUENCE_MAX) {
    const char *close = from[0] == '$' && from[1] == '<' ? strchr(from, '>') : NULL;
    if (close != NULL)
      from = close + 1;
    else
      out[length++] = *from++;
  }
  out[length] = '\0';
}

static void find_colours(na_terminal *terminal)
{
  const char *no_colour = getenv("NO_COLOR");
  if (no_colour != NULL && no_colour[0] != '\0') return;
  const char *direct = getenv("COLORTERM");
  bool any = direct != NULL && (strcmp(direct, "truecolor") == 0 || strcmp(direct, "24bit") == 0);
  int colours = tigetnum("colors");
  terminal->colours = any ? 1 << 24 : colours > 0 ? colours : 0;
  copy_sequence(terminal->bold, tigetstr("bold"));
  copy_sequence(terminal->dim, tigetstr("dim"));
  copy_sequence(terminal->plain, tigetstr("sgr0"));
  const char *colour = tigetstr("setaf");
  if (colours < 8 || colour == NULL || colour == (const char *)-1) return;
  /* Blue against yellow is told apart with every common kind of colour blindness. */
  copy_sequence(terminal->base, tparm(colour, 6L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
  copy_sequence(terminal->augmented, tparm(colour, 3L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
}

void na_terminal_init(na_terminal *terminal, int fd)
{
  *terminal = (na_terminal){.fd = fd};
  terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  na_terminal_measure(terminal);
  int status;
  if (!isatty(fd) || getenv("TERM") == NULL || setupterm(NULL, fd, &status) != 0) return;
  copy_sequence(terminal->up, tigetstr("cuu1"));
  copy_sequence(terminal->erase, tigetstr("el"));
  terminal->live = terminal->up[0] != '\0' && terminal->erase[0] != '\0';
  find_colours(terminal);
}

/* Past one escape sequence: ESC [ parameters letter, or ESC ( letter as some sgr0 have it. */
static const char *skip_sequence(const char *text)
{
  text++;
  if (*text == '[')
    for (text++; *text != '\0' && !(*text >= '@' && *text <= '~');) text++;
  else if (*text != '\0')
    text++;
  return *text != '\0' ? text + 1 : text;
}

int na_terminal_columns(const char *text)
{
  int count = 0;
  while (*text != '\0') {
    if (*text == '\033') {
      text = skip_sequence(text);
      continue;
    }
    unsigned char c = (unsigned char)*text++;
    count += (c & 0xC0) != 0x80 && c >= ' '; /* a character's first byte */
  }
  return count;
}
