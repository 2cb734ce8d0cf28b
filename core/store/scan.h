/* Statistics of a dataset of any size, block by block: whoever calls decides when the next block is
 * read, may show progress meanwhile and may stop at any time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_SCAN_H
#define NA_SCAN_H

#include "core/store/reader.h"

/* Of some values x. What is not a finite number is counted and left out of the rest. */
typedef struct na_moments {
  double count;          /* finite values */
  double zeros, nans, infinities;
  double min, max;       /* 0 when there are no finite values */
  double mean, spread;   /* spread: sum of (x - mean)^2 */
  double l1, squares;    /* sums of |x| and of x^2 */
} na_moments;

void na_moments_add(na_moments *moments, const double *values, size_t count);
double na_moments_std(const na_moments *moments); /* of the population: sqrt(spread / count) */
double na_moments_l2(const na_moments *moments);  /* sqrt(squares) */
/* No value of the channel is other than zero. */
bool na_moments_dead(const na_moments *moments);

enum { NA_SCAN_BINS_MOST = 256, NA_SCAN_CHANNELS_MOST = 1 << 20 };

/* What is wanted. Zero-initialise; axis -1 for none. */
typedef struct na_scan_wish {
  int axis;          /* also moments of each index of this dimension; -1: not */
  int bins;          /* also a histogram of so many equal bins from min to max; 0: not */
  double limit;      /* values to read at most, in blocks spread evenly; 0: all */
  char field[64];    /* of a compound */
} na_scan_wish;

typedef struct na_scan {
  na_moments all;
  na_moments *each;   /* [channels] along the axis, or NULL */
  long long channels;
  double bins[NA_SCAN_BINS_MOST]; /* values in each; the last one includes max */
  double done, total; /* values, of both passes; total counts what will be read */
  bool sampled;       /* not every value was read */
  bool finished;

  /* The rest is its own. */
  na_reader *reader;
  char *path;
  na_scan_wish wish;
  na_h5_about about;
  long long block[NA_H5_RANK_MOST];
  double block_count; /* blocks in all */
  double reading;     /* of which are read */
  double next;        /* number of the next to be read in this pass */
  int pass;
  double *values;     /* one block */
} na_scan;

/* Begins; path is a dataset of numbers, or wish->field names a compound's. The reader is borrowed. On
 * failure, too, the caller ends it with na_scan_end. */
int na_scan_begin(na_scan *scan, na_reader *reader, const char *path, const na_scan_wish *wish,
                  na_error *err);
/* Reads one block of up to NA_READER_VALUES values; scan->finished tells whether it was the last. */
int na_scan_step(na_scan *scan, na_error *err);
void na_scan_end(na_scan *scan);

/* Begins and does all steps. */
int na_scan_whole(na_scan *scan, na_reader *reader, const char *path, const na_scan_wish *wish,
                  na_error *err);

/* A dataset in blocks. The shape of one that has at most `room` values, and whole chunks where they fit;
 * how many there are; and the part that is block `number`, from 0 on. */
void na_scan_shape(const na_h5_about *about, double room, long long block[NA_H5_RANK_MOST]);
double na_scan_blocks(const na_h5_about *about, const long long block[NA_H5_RANK_MOST]);
void na_scan_place(const na_h5_about *about, const long long block[NA_H5_RANK_MOST], double number,
                   na_h5_part *part);

#endif
