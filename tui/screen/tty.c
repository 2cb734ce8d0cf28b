/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NCURSES_NOMACROS
#include "tui/screen/tty.h"
#include "core/base/memory.h"
#include "tui/screen/key.h"
#include "tui/signals.h"
#include "tui/terminal.h"

#include <curses.h>
#include <term.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { LEAST_ROWS = 5, LEAST_COLS = 20, PIPE_BYTES = 1 << 20, ESCAPE_MS = 25 };

/* One process has one screen. */
static struct {
  bool open, colours, heat, mouse;
  na_mouse moved;
  SCREEN *screen;
  FILE *out;
  int saved[2];      /* standard output and error as they were */
  int caught;        /* what is written to them now */
  int rows, cols;
  na_cell *shown;    /* [rows][cols], what curses has got; NULL: nothing yet */
  char farewell[128]; /* escape sequences that hand the terminal back */
  struct termios modes;
} tty = {.saved = {-1, -1}, .caught = -1};

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT};
enum { FATAL_COUNT = sizeof fatal_signals / sizeof fatal_signals[0] };

static void measure(int *rows, int *cols)
{
  struct winsize window;
  *rows = 24;
  *cols = 80;
  int fd = tty.saved[0] >= 0 ? tty.saved[0] : STDOUT_FILENO;
  if (ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return;
  *rows = window.ws_row < 500 ? window.ws_row : 500;
  *cols = window.ws_col < 1000 ? window.ws_col : 1000;
}

bool na_tty_usable(void)
{
  int rows, cols;
  na_terminal terminal;
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return false;
  na_terminal_init(&terminal, STDOUT_FILENO);
  measure(&rows, &cols);
  return terminal.live && rows >= LEAST_ROWS && cols >= LEAST_COLS;
}

/* ------------------------------------------------------------------------- handing back */

void na_tty_restore(void)
{
  if (!tty.open) return;
  static const char no_mouse[] = "\033[?1006l\033[?1002l\033[?1000l";
  ssize_t ignored = write(tty.saved[0], tty.farewell, strlen(tty.farewell));
  if (tty.mouse) ignored = write(tty.saved[0], no_mouse, sizeof no_mouse - 1);
  (void)ignored;
  tcsetattr(tty.saved[0], TCSANOW, &tty.modes);
  dup2(tty.saved[0], STDOUT_FILENO);
  dup2(tty.saved[1], STDERR_FILENO);
}

static void die(int number)
{
  na_tty_restore();
  signal(number, SIG_DFL);
  raise(number);
}

static void catch_fatal(bool wanted)
{
  for (int i = 0; i < FATAL_COUNT; i++) {
    struct sigaction action = {.sa_handler = wanted ? die : SIG_DFL};
    sigemptyset(&action.sa_mask);
    sigaction(fatal_signals[i], &action, NULL);
  }
  na_signals_on_leave(wanted ? na_tty_restore : NULL);
}

static void add_farewell(const char *name)
{
  const char *sequence = tigetstr(name);
  if (sequence == NULL || sequence == (const char *)-1) return;
  size_t used = strlen(tty.farewell);
  snprintf(tty.farewell + used, sizeof tty.farewell - used, "%s", sequence);
}

/* ------------------------------------------------------------------------- opening */

static int keep_standard_files(na_error *err)
{
  int ends[2];
  fflush(NULL);
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return na_fail(err, NA_EIO, "cannot catch the output: %s", strerror(errno));
  (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* a larger one loses less of a flood */
  tty.saved[0] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  tty.saved[1] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  tty.caught = ends[0];
  bool good = tty.saved[0] >= 0 && tty.saved[1] >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0 &&
              dup2(ends[1], STDERR_FILENO) >= 0;
  close(ends[1]);
  return good ? NA_OK : na_fail(err, NA_EIO, "cannot catch the output: %s", strerror(errno));
}

static void give_back_standard_files(void)
{
  fflush(stdout);
  fflush(stderr);
  for (int i = 0; i < 2; i++) {
    if (tty.saved[i] < 0) continue;
    dup2(tty.saved[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
    close(tty.saved[i]);
    tty.saved[i] = -1;
  }
  clearerr(stdout); /* what did not fit into the pipe is no fault of the file */
}

/* Of xterm's 256 colours. */
static const short heat_colours[2][NA_HEAT_LEVELS] = {
    {16, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 253, 255, 231},
    {159, 123, 87, 51, 45, 39, 33, 27, 26, 19, 17, 16, 52, 58, 94, 130, 136, 172, 178, 214, 220, 226, 229}};

static short heat_pair(int palette, int upper, int lower)
{
  return (short)(NA_STYLE_COUNT + 1 + (palette * NA_HEAT_LEVELS + upper) * NA_HEAT_LEVELS + lower);
}

/* A pair for every two levels in a cell. */
static void prepare_heat(void)
{
  tty.heat = COLORS >= 256 && COLOR_PAIRS > heat_pair(1, NA_HEAT_LEVELS - 1, NA_HEAT_LEVELS - 1);
  for (int p = 0; p < 2 && tty.heat; p++)
    for (int u = 0; u < NA_HEAT_LEVELS; u++)
      for (int l = 0; l < NA_HEAT_LEVELS; l++)
        init_pair(heat_pair(p, u, l), heat_colours[p][u], heat_colours[p][l]);
}

static void set_modes(void)
{
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  leaveok(stdscr, TRUE);
  set_escdelay(ESCAPE_MS);
  curs_set(0);
  const char *no_color = getenv("NO_COLOR");
  tty.heat = false;
  tty.colours = has_colors() && (no_color == NULL || no_color[0] == '\0');
  if (!tty.colours) return;
  start_color();
  use_default_colors();
#define PAIR(symbol, colour, attributes) init_pair(NA_STYLE_##symbol + 1, colour, -1);
  NA_STYLES(PAIR)
#undef PAIR
  prepare_heat();
}

int na_tty_open(na_error *err)
{
  int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  tty.farewell[0] = '\0';
  tcgetattr(STDOUT_FILENO, &tty.modes);
  int code = keep_standard_files(err);
  tty.out = code == NA_OK && out >= 0 ? fdopen(out, "w") : NULL;
  tty.screen = tty.out != NULL ? newterm(NULL, tty.out, stdin) : NULL;
  if (tty.screen == NULL) {
    na_tty_close();
    if (code != NA_OK) return code;
    na_fail(err, NA_EIO, "this terminal cannot show the screen");
    return na_hint(err, "use --plain, or another TERM");
  }
  set_term(tty.screen);
  add_farewell("sgr0");
  add_farewell("cnorm");
  add_farewell("rmkx");
  add_farewell("rmcup");
  set_modes();
  tty.open = true;
  tty.rows = tty.cols = 0;
  catch_fatal(true);
  na_terminal_watch();
  return NA_OK;
}

void na_tty_close(void)
{
  if (tty.open) {
    na_tty_take_mouse(false);
    catch_fatal(false);
    endwin();
  }
  if (tty.screen != NULL) delscreen(tty.screen);
  if (tty.out != NULL) fclose(tty.out);
  na_free(tty.shown);
  tty.shown = NULL;
  tty.screen = NULL;
  tty.out = NULL;
  tty.open = false;
  give_back_standard_files();
  if (tty.caught >= 0) close(tty.caught);
  tty.caught = -1;
}

/* ------------------------------------------------------------------------- showing */

bool na_tty_size(int *rows, int *cols)
{
  measure(rows, cols);
  if (*rows == tty.rows && *cols == tty.cols) return false;
  if (tty.rows > 0) resizeterm(*rows, *cols);
  tty.rows = *rows;
  tty.cols = *cols;
  na_free(tty.shown);
  tty.shown = NULL;
  clearok(curscr, TRUE);
  return true;
}

static attr_t attributes_of(int flags)
{
  attr_t out = A_NORMAL;
  if (flags & NA_DIM) out |= A_DIM;
  if (flags & NA_BOLD) out |= A_BOLD;
  if (flags & NA_REVERSE) out |= A_REVERSE;
  return out;
}

bool na_tty_heat(void) { return tty.heat; }

static void paint_cell(int row, int col, const na_cell *cell)
{
#define FLAGS(symbol, colour, attributes) attributes,
  static const int flags[NA_STYLE_COUNT] = {NA_STYLES(FLAGS)};
#undef FLAGS
  wchar_t text[2] = {(wchar_t)cell->rune, L'\0'};
  cchar_t character;
  short pair = tty.colours ? (short)(cell->style + 1) : 0;
  if (cell->rune == 0) return; /* the right half of a wide character */
  if (cell->style == NA_STYLE_HEAT || cell->style == NA_STYLE_HEAT_SIGNED)
    pair = heat_pair(cell->style == NA_STYLE_HEAT_SIGNED, cell->upper, cell->lower);
  setcchar(&character, text, attributes_of(flags[cell->style]), pair, NULL);
  mvadd_wch(row, col, &character);
}

static bool same_rows(const na_cell *a, const na_cell *b, int cols)
{
  for (int c = 0; c < cols; c++)
    if (a[c].rune != b[c].rune || a[c].style != b[c].style || a[c].upper != b[c].upper ||
        a[c].lower != b[c].lower)
      return false;
  return true;
}

/* Rows that are as they were are not handed to curses: most of them, most of the time. */
void na_tty_paint(const na_grid *grid)
{
  bool known = tty.shown != NULL;
  size_t cells = (size_t)grid->rows * (size_t)grid->cols;
  if (!known) tty.shown = na_alloc_array(cells, sizeof *tty.shown);
  for (int r = 0; r < grid->rows; r++) {
    const na_cell *row = grid->cells + (size_t)r * (size_t)grid->cols;
    na_cell *before = tty.shown != NULL ? tty.shown + (size_t)r * (size_t)grid->cols : NULL;
    if (known && same_rows(row, before, grid->cols)) continue;
    for (int c = 0; c < grid->cols; c++) paint_cell(r, c, &row[c]);
    if (before != NULL) memcpy(before, row, (size_t)grid->cols * sizeof *row);
  }
  curs_set(grid->cursor_row >= 0);
  leaveok(stdscr, grid->cursor_row < 0);
  if (grid->cursor_row >= 0) move(grid->cursor_row, grid->cursor_col);
  refresh();
}

void na_tty_take_mouse(bool wanted)
{
  if (wanted == tty.mouse) return;
  mouseinterval(0);
  mousemask(wanted ? BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
  tty.mouse = wanted;
}

na_mouse na_tty_mouse(void)
{
  return tty.moved;
}

/* NA_KEY_MOUSE, or 0 when it did nothing that matters. */
static int take_mouse(void)
{
  MEVENT event;
  if (getmouse(&event) != OK) return 0;
  tty.moved = (na_mouse){NA_MOUSE_CLICK, event.y, event.x};
  if (event.bstate & BUTTON4_PRESSED) tty.moved.what = NA_MOUSE_WHEEL_UP;
  else if (event.bstate & BUTTON5_PRESSED) tty.moved.what = NA_MOUSE_WHEEL_DOWN;
  else if ((event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED)) == 0) return 0;
  return NA_KEY_MOUSE;
}

int na_tty_key(void)
{
  wint_t key;
  int kind = get_wch(&key);
  if (kind == ERR) return 0;
  if (kind != KEY_CODE_YES)
    return key == 27 ? NA_KEY_ESCAPE : key == '\r' ? NA_KEY_ENTER : key == '\t' ? NA_KEY_TAB : (int)key;
  switch (key) {
  case KEY_UP: return NA_KEY_UP;
  case KEY_DOWN: return NA_KEY_DOWN;
  case KEY_LEFT: return NA_KEY_LEFT;
  case KEY_RIGHT: return NA_KEY_RIGHT;
  case KEY_PPAGE: return NA_KEY_PAGE_UP;
  case KEY_NPAGE: return NA_KEY_PAGE_DOWN;
  case KEY_HOME: return NA_KEY_HOME;
  case KEY_END: return NA_KEY_END;
  case KEY_ENTER: return NA_KEY_ENTER;
  case KEY_DC: return NA_KEY_DELETE;
  case KEY_BACKSPACE: return 0x7F;
  case KEY_MOUSE: return take_mouse();
  default: return 0;
  }
}

size_t na_tty_caught(char *text, size_t size)
{
  fflush(stdout);
  clearerr(stdout);
  ssize_t length = tty.caught >= 0 ? read(tty.caught, text, size) : 0;
  return length > 0 ? (size_t)length : 0;
}
