/* What netaug export does, by the format of what it writes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_EXPORT_H
#define NA_EXPORT_H

#include "core/base/settings.h"

/* X(symbol, name, kind): name is the file's suffix, too. */
#define NA_EXPORT_FORMATS(X)                                                                       \
  X(H5, "h5", NETWORK)                                                                             \
  X(CSV, "csv", TABLE)                                                                             \
  X(JSONL, "jsonl", TABLE)                                                                         \
  X(SVG, "svg", CURVES)                                                                            \
  X(PNG, "png", CURVES)                                                                            \
  X(PDF, "pdf", CURVES)

typedef enum na_export_format {
  NA_EXPORT_AUTO,
#define NA_EXPORT_ENUM(symbol, name, kind) NA_EXPORT_##symbol,
  NA_EXPORT_FORMATS(NA_EXPORT_ENUM)
#undef NA_EXPORT_ENUM
} na_export_format;

typedef struct na_export {
  int format;                /* na_export_format */
  int table;                 /* na_export_table */
  int axis;                  /* na_export_axis */
  char columns[NA_TEXT_MAX]; /* patterns separated by commas; empty: all, or the usual ones */
  double smooth;             /* decay of the exponential average; 0: none */
  char title[NA_TEXT_MAX];
  double width, height; /* of a figure, in points; 0: the figure's own */
  int images;           /* generated, to compare networks on */
  int count;            /* runs */
  char *const *runs;    /* folders, or files run.h5; borrowed, as out is */
  const char *out;      /* a path, or "-" */
} na_export;

typedef enum na_export_table {
  NA_TABLE_AUTO,
  NA_TABLE_STEP,
  NA_TABLE_EPOCH,
  NA_TABLE_STEERING
} na_export_table;

typedef enum na_export_axis { NA_AXIS_STEP, NA_AXIS_EPOCH, NA_AXIS_TIME } na_export_axis;

enum { NA_EXPORT_RUNS = 64 };

/* The base network of a checkpoint, runs[0], alone; its outputs are proved equal. */
int na_export_network(const na_export *given, na_error *err);

/* Rows of runs: "run", then every column that any of them has. */
int na_export_tables(const na_export *given, na_error *err);

/* Curves of runs, a plot for each quantity. */
int na_export_curves(const na_export *given, na_error *err);

/* Does one of the patterns ("*_top1,lr") match name? */
bool na_export_wants(const char *patterns, const char *name);

/* Refuses a pattern that matches none of names[count]. */
int na_export_check(const char *patterns, const char *const *names, int count, na_error *err);

#endif
