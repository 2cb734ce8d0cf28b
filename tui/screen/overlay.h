/* Runs that were marked to be laid over one another: their curves, read from their folders piece by piece,
 * so that the screen stays quick, and beside a writer. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_OVERLAY_H
#define NA_OVERLAY_H

#include "tui/screen/chart.h"

/* One of them. */
typedef struct na_laid {
  char *name;      /* the run's folder */
  char label[4];   /* A, B, ..., Z, AA, ... */
  na_curves curves;
  long steps, epochs, changes; /* rows that were read */
  bool done;       /* there was no more when it was looked at last */
  char why[160];   /* what could not be read, or empty */
} na_laid;

/* Zero-initialise. */
typedef struct na_overlay {
  na_laid **runs; /* [count], in the order in which they were marked */
  size_t count, capacity;
  na_curve curve; /* which of their curves is shown */
  double smoothing;
  na_chart_line *lines; /* made by na_overlay_show */
  na_series **shown;    /* those of the lines */
  size_t line_capacity;
  size_t left;          /* lines that have another smoothing yet: another picture is due */
} na_overlay;

int na_overlay_add(na_overlay *overlay, const char *name, na_error *err);
void na_overlay_remove(na_overlay *overlay, const char *name);
const na_laid *na_overlay_find(const na_overlay *overlay, const char *name);
void na_overlay_free(na_overlay *overlay);

/* A run by itself, and what it was read from. */
na_laid *na_laid_new(const char *name, double smoothing, na_error *err);
void na_laid_free(na_laid *laid);

/* Reads the next piece of FOLDER/name. */
void na_laid_read(na_laid *laid, const char *folder);

/* Reads a piece of one run of which there is more to read; false: there is none. */
bool na_overlay_read(na_overlay *overlay, const char *folder);

/* What the curves are to be smoothed by, from the next picture on. */
void na_overlay_smooth(na_overlay *overlay, double decay);

/* Gives the chart the lines of the marked runs: the curve that is shown, in the chart's quantity. Smooths
 * as many as a picture has time for. */
void na_overlay_show(na_overlay *overlay, na_chart *chart);

#endif
