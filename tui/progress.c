/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/progress.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PIECES_MAX = 12, BAR_LEAST = 8, BAR_MOST = 40 };

/* Redrawing more often than this costs time and shows nothing more. */
static const double REDRAW_SECONDS = 0.1;
/* In a pipe a step line now and then tells that the run is alive. */
static const double STEP_LINE_SECONDS = 15.0;

void na_progress_init(na_progress *progress, na_terminal *terminal, bool quiet)
{
  *progress = (na_progress){.terminal = terminal, .quiet = quiet, .best = NAN};
}

void na_progress_begin(na_progress *progress, const char *run)
{
  na_progress_clear(progress);
  bool broken = progress->broken;
  na_progress_init(progress, progress->terminal, progress->quiet);
  progress->broken = broken;
  progress->told_at = na_now();
  snprintf(progress->run, sizeof progress->run, "%s", run != NULL ? run : "");
}

/* ------------------------------------------------------------------------- output */

static void put(na_progress *progress, const char *text)
{
  if (progress->broken) return;
  if (fputs(text, stdout) < 0 || fflush(stdout) != 0) progress->broken = errno == EPIPE;
}

/* Puts the cursor on the block's first line, and every line of it blank; also the line below, where
 * the terminal may have echoed a key. */
static void erase_block(na_progress *progress, na_buffer *out)
{
  const na_terminal *terminal = progress->terminal;
  if (progress->drawn > 0) na_buffer_add(out, "\r%s", terminal->erase);
  for (; progress->drawn > 0; progress->drawn--)
    na_buffer_add(out, "%s\r%s", terminal->up, terminal->erase);
}

static void draw(na_progress *progress)
{
  if (!progress->terminal->live || progress->quiet) return;
  na_buffer out = {0};
  if (na_terminal_resized()) na_terminal_measure(progress->terminal);
  erase_block(progress, &out);
  na_progress_block(progress, &out);
  if (!out.failed && out.data != NULL) {
    put(progress, out.data);
    for (const char *c = out.data; *c != '\0'; c++) progress->drawn += *c == '\n';
  }
  progress->drawn_at = na_now();
  na_free(out.data);
}

static void redraw_sometimes(na_progress *progress)
{
  if (na_now() - progress->drawn_at >= REDRAW_SECONDS) draw(progress);
}

void na_progress_clear(na_progress *progress)
{
  if (progress->drawn == 0) return;
  na_buffer out = {0};
  erase_block(progress, &out);
  if (!out.failed && out.data != NULL) put(progress, out.data);
  na_free(out.data);
}

void na_progress_print(na_progress *progress, const char *text)
{
  bool shown = progress->drawn > 0;
  na_progress_clear(progress);
  put(progress, text);
  /* A text without its final newline would be erased with the block below it. */
  size_t length = strlen(text);
  if (shown && length > 0 && text[length - 1] == '\n') draw(progress);
}

/* -------------------------------------------------------------------- plain lines */

static void add_result(const char *name, const na_result *result, na_buffer *out)
{
  if (result->images > 0)
    na_buffer_add(out, "  %s %.3f %.1f%%", name, result->loss, 100.0 * result->top1);
}

void na_progress_step_line(const na_event *event, na_buffer *out)
{
  char eta[16];
  na_text_duration(eta, event->eta);
  na_buffer_add(out, "epoch %d/%d step %ld/%ld %s lr %.4g", event->epoch + 1, event->epochs,
                event->batch, event->batches, na_phase_name(event->phase), event->lr);
  add_result("base", &event->base, out);
  add_result("augmented", &event->augmented, out);
  na_buffer_add(out, "  %.0f img/s  ETA %s\n", event->images_per_second, eta);
}

void na_progress_epoch_line(const na_event *event, na_buffer *out)
{
  char spent[16];
  na_text_duration(spent, event->time);
  na_buffer_add(out, "epoch %*d/%d",
                event->epochs > 99  ? 3
                : event->epochs > 9 ? 2
                                    : 1,
                event->epoch, event->epochs);
  add_result("base", &event->base, out);
  add_result("augmented", &event->augmented, out);
  add_result("val", &event->base_val, out);
  add_result("val augmented", &event->augmented_val, out);
  na_buffer_add(out, "%s  %.0f img/s  %s\n", event->best ? " (best)" : "", event->images_per_second,
                spent);
}

/* ------------------------------------------------------------------ the live block */

/* One piece of a live line. The least important pieces go first when the terminal is narrow. */
typedef struct piece {
  char text[96];
  const char *colour;
  int importance;
  bool bar; /* takes the width that the others leave */
} piece;

typedef struct line {
  piece pieces[PIECES_MAX];
  int count;
} line;

__attribute__((format(printf, 4, 5))) static void add(line *to, int importance, const char *colour,
                                                      const char *format, ...)
{
  if (to->count == PIECES_MAX) return;
  piece *new = &to->pieces[to->count++];
  *new = (piece){.importance = importance, .colour = colour};
  va_list args;
  va_start(args, format);
  vsnprintf(new->text, sizeof new->text, format, args);
  va_end(args);
}

static int piece_columns(const piece *p)
{
  return p->bar ? BAR_LEAST + 2 : na_terminal_columns(p->text);
}

static int line_columns(const line *l)
{
  int columns = 0;
  for (int i = 0; i < l->count; i++) columns += piece_columns(&l->pieces[i]) + (i > 0 ? 2 : 0);
  return columns;
}

/* Drops pieces until the line fits; the last one stays whatever its width. */
static void fit_line(line *l, int width)
{
  while (l->count > 1 && line_columns(l) > width) {
    int least = 0;
    for (int i = 1; i < l->count; i++)
      if (l->pieces[i].importance < l->pieces[least].importance) least = i;
    memmove(&l->pieces[least], &l->pieces[least + 1],
            (size_t)(l->count - least - 1) * sizeof l->pieces[0]);
    l->count--;
  }
}

/* "[####------]": `cells` between the brackets, in eighths of a cell where the locale has them. */
static void write_bar(double share, int cells, bool utf8, na_buffer *out)
{
  static const char *const eighths[8] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (!(share >= 0)) share = 0;
  if (share > 1) share = 1;
  int parts = (int)(share * cells * 8 + 1e-9),
      full = utf8 ? parts / 8 : (int)(share * cells + 1e-9);
  na_buffer_add(out, "[");
  for (int i = 0; i < cells; i++) {
    if (i < full)
      na_buffer_add(out, utf8 ? "█" : "#");
    else if (!utf8)
      na_buffer_add(out, "-");
    else
      na_buffer_add(out, "%s", i == full ? eighths[parts % 8] : " ");
  }
  na_buffer_add(out, "]");
}

static void write_line(line *l, const na_terminal *terminal, double share, na_buffer *out)
{
  int width = terminal->width - 1; /* the last column stays free: some terminals wrap there */
  fit_line(l, width);
  int cells = BAR_LEAST + width - line_columns(l);
  for (int i = 0; i < l->count; i++) {
    const piece *p = &l->pieces[i];
    if (i > 0) na_buffer_add(out, "  ");
    if (p->bar)
      write_bar(share, cells > BAR_MOST ? BAR_MOST : cells, terminal->utf8, out);
    else if (p->colour[0] == '\0')
      na_buffer_add(out, "%.*s", width, p->text);
    else
      na_buffer_add(out, "%s%.*s%s", p->colour, width, p->text, terminal->plain);
  }
  na_buffer_add(out, "\n");
}

static void add_bar(line *to)
{
  add(to, 6, "", "%s", "");
  to->pieces[to->count - 1].bar = true;
}

static void header_line(const na_progress *progress, line *l)
{
  const na_event *step = &progress->step;
  char eta[16];
  na_text_duration(eta, step->eta);
  if (progress->run[0] != '\0') add(l, 4, progress->terminal->bold, "%s", progress->run);
  add(l, 9, "", "epoch %d/%d", step->epoch + 1, step->epochs);
  add_bar(l);
  if (step->steps > 0) add(l, 7, "", "%.0f%%", 100.0 * (double)step->step / (double)step->steps);
  add(l, 5, "", "%.0f img/s", step->images_per_second);
  add(l, 8, "", "ETA %s", eta);
}

static void figures_line(const na_progress *progress, line *l)
{
  const na_event *step = &progress->step;
  const na_terminal *terminal = progress->terminal;
  if (progress->base.images > 0)
    add(l, 9, terminal->base, "base %.3f %.1f%%", progress->base.loss, 100 * progress->base.top1);
  if (progress->augmented.images > 0)
    add(l, 8, terminal->augmented, "augmented %.3f %.1f%%", progress->augmented.loss,
        100 * progress->augmented.top1);
  if (progress->base_val.images > 0) add(l, 7, "", "val %.1f%%", 100 * progress->base_val.top1);
  if (!isnan(progress->best)) add(l, 5, "", "best %.1f%%", 100 * progress->best);
  add(l, 4, terminal->dim, "%s", na_phase_name(step->phase));
  add(l, 3, terminal->dim, "lr %.4g", step->lr);
  if (step->data_wait > 0.2) add(l, 6, "", "waiting for data %.0f%%", 100 * step->data_wait);
}

static void task_line(const na_progress *progress, const na_terminal *terminal, na_buffer *out)
{
  line l = {.count = 0};
  double share = progress->total > 0 ? (double)progress->done / (double)progress->total : 0;
  add(&l, 9, "", "%s", progress->what);
  add_bar(&l);
  add(&l, 8, "", "%ld/%ld", progress->done, progress->total);
  write_line(&l, terminal, share, out);
}

void na_progress_block(const na_progress *progress, na_buffer *out)
{
  const na_event *step = &progress->step;
  if (step->steps > 0) {
    line header = {.count = 0}, figures = {.count = 0};
    header_line(progress, &header);
    write_line(&header, progress->terminal, (double)step->step / (double)step->steps, out);
    figures_line(progress, &figures);
    if (progress->what == NULL) write_line(&figures, progress->terminal, 0, out);
  }
  if (progress->what != NULL) task_line(progress, progress->terminal, out);
}

/* ------------------------------------------------------------------------- events */

/* Exponential average with a memory of about 20 steps. */
static void smooth(na_result *to, const na_result *from, int steps)
{
  if (from->images == 0) return;
  double keep = to->images == 0 ? 0 : pow(0.95, steps > 0 ? steps : 1);
  to->loss = keep * to->loss + (1 - keep) * from->loss;
  to->top1 = keep * to->top1 + (1 - keep) * from->top1;
  to->top5 = keep * to->top5 + (1 - keep) * from->top5;
  to->images = from->images;
}

static void print_line(na_progress *progress, void (*write)(const na_event *event, na_buffer *out),
                       const na_event *event)
{
  na_buffer out = {0};
  write(event, &out);
  if (!out.failed && !progress->quiet) na_progress_print(progress, out.data);
  na_free(out.data);
}

void na_progress_steer_line(const na_event *event, na_buffer *out)
{
  na_buffer_add(out, "after step %ld: %s\n", event->step, event->text);
}

void na_progress_evaluation_line(const na_event *event, na_buffer *out)
{
  na_buffer_add(out, "after step %ld:", event->step);
  if (event->base_val.images > 0)
    na_buffer_add(out, " base %.2f%% (loss %.4f)", 100 * event->base_val.top1,
                  event->base_val.loss);
  if (event->augmented_val.images > 0)
    na_buffer_add(out, " widest %.2f%% (loss %.4f)", 100 * event->augmented_val.top1,
                  event->augmented_val.loss);
  na_buffer_add(out, "\n");
}

static void take_step(na_progress *progress, const na_event *event)
{
  progress->step = *event;
  progress->what = NULL;
  smooth(&progress->base, &event->base, event->merged);
  smooth(&progress->augmented, &event->augmented, event->merged);
  /* The off phase draws no sub-networks: its last augmented figures would only mislead. */
  if (event->augmented.images == 0) progress->augmented.images = 0;
  redraw_sometimes(progress);
  if (progress->terminal->live || na_now() - progress->told_at < STEP_LINE_SECONDS) return;
  print_line(progress, na_progress_step_line, event);
  progress->told_at = na_now();
}

static void take_epoch(na_progress *progress, const na_event *event)
{
  progress->what = NULL;
  if (event->base_val.images > 0) {
    progress->base_val = event->base_val;
    if (event->best || isnan(progress->best)) progress->best = event->base_val.top1;
  }
  print_line(progress, na_progress_epoch_line, event);
  progress->told_at = na_now();
}

void na_progress_event(na_progress *progress, const na_event *event)
{
  char text[sizeof event->text + 2];
  switch (event->kind) {
  case NA_EVENT_START:
    break;
  case NA_EVENT_STEP:
    take_step(progress, event);
    break;
  case NA_EVENT_TASK:
    progress->what = event->what;
    progress->done = event->done;
    progress->total = event->total;
    redraw_sometimes(progress);
    break;
  case NA_EVENT_EPOCH:
    take_epoch(progress, event);
    break;
  case NA_EVENT_EVALUATION:
    progress->what = NULL;
    print_line(progress, na_progress_evaluation_line, event);
    break;
  case NA_EVENT_STEER:
    print_line(progress, na_progress_steer_line, event);
    break;
  case NA_EVENT_LOG:
    snprintf(text, sizeof text, "%s\n", event->text);
    if (!progress->quiet) na_progress_print(progress, text);
    break;
  case NA_EVENT_END:
    na_progress_clear(progress);
    break;
  }
}

void na_progress_task(na_progress *progress, const char *what, long done, long total)
{
  progress->what = what;
  progress->done = done;
  progress->total = total;
  if (done < total)
    redraw_sometimes(progress);
  else
    na_progress_clear(progress);
}
