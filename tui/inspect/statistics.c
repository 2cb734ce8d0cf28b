/* Statistics of tensors, their histograms, and their channels.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tui/inspect/detail.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR_COLS = 40 };

static void add_moments(na_page *page, const na_moments *m)
{
  double all = m->count + m->nans + m->infinities;
  na_page_field(page, "values", "%.0f", all);
  na_page_field(page, "min, max", "%.6g, %.6g", m->min, m->max);
  na_page_field(page, "mean, std", "%.6g, %.6g", m->mean, na_moments_std(m));
  na_page_field(page, "L1, L2", "%.6g, %.6g", m->l1, na_moments_l2(m));
  na_page_field(page, "zeros", "%.0f (%.3g%%)", m->zeros, all > 0 ? 100 * m->zeros / all : 0);
  if (m->nans > 0 || m->infinities > 0)
    na_page_line(page, NA_STYLE_ALERT, "%.0f not a number, %.0f infinite", m->nans, m->infinities);
}

/* A bar of `share` of the columns, in eighths. */
static void add_bar(na_page *page, int row, int col, int cols, double share)
{
  int eighths = (int)(share * cols * 8 + 0.5);
  if (share > 0 && eighths == 0) eighths = 1;
  for (int i = 0; i < cols && eighths > 0; i++, eighths -= 8) {
    uint32_t rune = eighths >= 8 ? 0x2588 : 0x2590 - (uint32_t)eighths;
    if (!page->grid.utf8) rune = '#';
    na_grid_set(&page->grid, row, col + i, NA_STYLE_BAR, rune);
  }
}

static void add_histogram(na_page *page, const na_scan *scan)
{
  double most = 0, width = (scan->all.max - scan->all.min) / scan->wish.bins;
  int bins = width > 0 ? scan->wish.bins : 1, cols = page->width - 26;
  for (int i = 0; i < bins; i++) most = scan->bins[i] > most ? scan->bins[i] : most;
  if (!(most > 0)) return;
  na_page_title(page, "histogram");
  for (int i = 0; i < bins; i++) {
    int row = na_page_room(page, 1);
    if (row < 0) return;
    na_grid_print(&page->grid, row, 0, 12, NA_STYLE_PLAIN, "%11.4g", scan->all.min + i * width);
    add_bar(page, row, 12, cols > BAR_COLS ? BAR_COLS : cols > 4 ? cols : 4, scan->bins[i] / most);
    na_grid_print(&page->grid, row,
                  13 + (cols > BAR_COLS ? BAR_COLS
                        : cols > 4      ? cols
                                        : 4),
                  12, NA_STYLE_FAINT, "%.0f", scan->bins[i]);
  }
}

static double most_l2(const na_scan *scan, long long most)
{
  double largest = 0;
  for (long long i = 0; i < scan->channels && i < most; i++)
    largest = fmax(largest, na_moments_l2(&scan->each[i]));
  return largest;
}

static long long count_dead(const na_scan *scan)
{
  long long dead = 0;
  for (long long i = 0; i < scan->channels; i++) dead += na_moments_dead(&scan->each[i]);
  return dead;
}

static void add_channel(na_page *page, const na_scan *scan, long long i, double largest)
{
  const na_moments *m = &scan->each[i];
  double l2 = na_moments_l2(m), all = m->count + m->nans + m->infinities;
  int row = na_page_room(page, 1), room = page->width - 60;
  if (row < 0) return;
  int used = na_grid_print(&page->grid, row, 0, page->grid.cols,
                           na_moments_dead(m) ? NA_STYLE_ALERT : NA_STYLE_PLAIN,
                           "%5lld %10.4g %10.4g %10.4g %10.4g %5.1f%% ", i, l2, m->l1, m->mean,
                           na_moments_std(m), all > 0 ? 100 * m->zeros / all : 0);
  if (m->nans > 0 || m->infinities > 0)
    na_grid_put(&page->grid, row, used, 12, NA_STYLE_ALERT, "not finite");
  else if (na_moments_dead(m)) na_grid_put(&page->grid, row, used, 12, NA_STYLE_ALERT, "dead");
  else if (room >= 8 && largest > 0)
    add_bar(page, row, used, room < BAR_COLS ? room : BAR_COLS, l2 / largest);
}

static void add_channels(na_page *page, const na_scan *scan, long long most)
{
  double largest = most_l2(scan, most);
  long long dead = count_dead(scan);
  na_page_title(page, "channels along axis %d: %lld%s", scan->wish.axis, scan->channels,
                dead > 0 ? "" : ", none dead");
  if (dead > 0)
    na_page_line(page, NA_STYLE_ALERT, "%lld of them %s dead: all their values are zero", dead,
                 dead > 1 ? "are" : "is");
  na_page_line(page, NA_STYLE_FAINT, "%5s %10s %10s %10s %10s %6s", "", "L2", "L1", "mean", "std",
               "zeros");
  for (long long i = 0; i < scan->channels && i < most; i++) add_channel(page, scan, i, largest);
  if (scan->channels > most)
    na_page_line(page, NA_STYLE_FAINT, "and %lld more", scan->channels - most);
}

void na_detail_statistics(na_page *page, const na_scan *scan, long long most)
{
  na_page_title(page, "statistics%s%s", scan->wish.field[0] != '\0' ? " of " : "",
                scan->wish.field);
  if (!scan->finished)
    na_page_line(page, NA_STYLE_FAINT, "reading: %.0f%%",
                 scan->total > 0 ? 100 * scan->done / scan->total : 0);
  if (scan->sampled)
    na_page_line(page, NA_STYLE_FAINT, "a sample of blocks spread evenly: %.3g%% of %.4g values",
                 100 * scan->reading / scan->block_count, scan->about.count);
  add_moments(page, &scan->all);
  if (scan->finished && scan->wish.bins > 0 && scan->all.count > 0) add_histogram(page, scan);
  if (scan->each != NULL && scan->pass > 0) add_channels(page, scan, most);
}
