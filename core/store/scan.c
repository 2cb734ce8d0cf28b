/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/scan.h"
#include "core/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------ moments */

/* Sums of the finite values of a block, its mean first. */
static na_moments block_moments(const double *values, size_t count)
{
  na_moments m = {.min = INFINITY, .max = -INFINITY};
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    double x = values[i];
    if (!isfinite(x)) {
      m.nans += isnan(x) != 0;
      m.infinities += isinf(x) != 0;
      continue;
    }
    m.count++;
    m.zeros += fpclassify(x) == FP_ZERO;
    m.min = x < m.min ? x : m.min;
    m.max = x > m.max ? x : m.max;
    m.l1 += fabs(x);
    m.squares += x * x;
    sum += x;
  }
  m.mean = m.count > 0 ? sum / m.count : 0;
  for (size_t i = 0; i < count; i++)
    if (isfinite(values[i])) m.spread += (values[i] - m.mean) * (values[i] - m.mean);
  return m;
}

/* Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances (1979). */
void na_moments_add(na_moments *m, const double *values, size_t count)
{
  na_moments b = block_moments(values, count);
  m->nans += b.nans;
  m->infinities += b.infinities;
  if (!(b.count > 0)) return;
  double delta = b.mean - m->mean, together = m->count + b.count;
  m->min = m->count > 0 && m->min < b.min ? m->min : b.min;
  m->max = m->count > 0 && m->max > b.max ? m->max : b.max;
  m->spread += b.spread + delta * delta * m->count * b.count / together;
  m->mean += delta * b.count / together;
  m->count = together;
  m->zeros += b.zeros;
  m->l1 += b.l1;
  m->squares += b.squares;
}

double na_moments_std(const na_moments *m) { return m->count > 0 ? sqrt(m->spread / m->count) : 0; }

double na_moments_l2(const na_moments *m) { return sqrt(m->squares); }

bool na_moments_dead(const na_moments *m)
{
  return m->count > 0 && !(m->zeros < m->count) && !(m->nans > 0) && !(m->infinities > 0);
}

/* -------------------------------------------------------------------------------- blocks */

/* A chunk, cut from its first dimension on where it is too large, then grown from the last on. */
void na_scan_shape(const na_h5_about *about, double room, long long block[NA_H5_RANK_MOST])
{
  double size = 1;
  for (int i = about->rank - 1; i >= 0; i--) {
    long long dim = about->dims[i] > 0 ? about->dims[i] : 1;
    long long chunk = about->chunk[0] > 0 && about->chunk[i] > 0 ? about->chunk[i] : 1;
    block[i] = chunk < dim ? chunk : dim;
    if (size * (double)block[i] > room) block[i] = (long long)(room / size);
    if (block[i] < 1) block[i] = 1;
    size *= (double)block[i];
  }
  for (int i = about->rank - 1; i >= 0; i--) {
    long long dim = about->dims[i] > 0 ? about->dims[i] : 1, times = (long long)(room / size);
    if (times <= 1) return;
    long long most = (dim + block[i] - 1) / block[i];
    size /= (double)block[i];
    block[i] = times >= most ? dim : block[i] * times;
    size *= (double)block[i];
  }
}

static long long blocks_along(const na_h5_about *about, const long long *block, int i)
{
  return about->dims[i] > 0 ? (about->dims[i] - 1) / block[i] + 1 : 0;
}

double na_scan_blocks(const na_h5_about *about, const long long block[NA_H5_RANK_MOST])
{
  double count = about->count > 0;
  for (int i = 0; i < about->rank; i++) count *= (double)blocks_along(about, block, i);
  return count;
}

void na_scan_place(const na_h5_about *about, const long long block[NA_H5_RANK_MOST], double number,
                   na_h5_part *part)
{
  *part = (na_h5_part){.rank = about->rank};
  for (int i = about->rank - 1; i >= 0; i--) {
    double blocks = (double)blocks_along(about, block, i);
    part->first[i] = (long long)fmod(number, blocks) * block[i];
    number = floor(number / blocks);
    long long rest = about->dims[i] - part->first[i];
    part->count[i] = rest < block[i] ? rest : block[i];
    part->step[i] = 1;
  }
}

static void plan(na_scan *scan)
{
  const na_h5_about *a = &scan->about;
  double size = 1;
  na_scan_shape(a, NA_READER_VALUES, scan->block);
  scan->block_count = na_scan_blocks(a, scan->block);
  for (int i = 0; i < a->rank; i++) size *= (double)scan->block[i];
  scan->reading = scan->block_count;
  if (scan->wish.limit > 0 && a->count > scan->wish.limit) {
    double wanted = ceil(scan->wish.limit / size);
    if (wanted < scan->reading) scan->reading = wanted;
  }
  scan->sampled = scan->reading < scan->block_count;
  scan->total = scan->sampled ? scan->reading * size : a->count;
  if (scan->wish.bins > 0) scan->total *= 2;
}

static int check_wish(na_scan *scan, na_error *err)
{
  na_scan_wish *wish = &scan->wish;
  const na_h5_about *a = &scan->about;
  if (a->kind != NA_H5_KIND_DATASET)
    return na_fail(err, NA_EFORMAT, "%.200s is not a dataset", scan->path);
  if (wish->axis >= a->rank)
    return na_fail(err, NA_EINVAL, "%.200s has no axis %d: it has %d dimensions, counted from 0",
                   scan->path, wish->axis, a->rank > 0 ? a->rank : 0);
  if (wish->bins > NA_SCAN_BINS_MOST) wish->bins = NA_SCAN_BINS_MOST;
  if (wish->axis < 0) return NA_OK;
  scan->channels = a->dims[wish->axis];
  if (scan->channels > NA_SCAN_CHANNELS_MOST)
    return na_fail(err, NA_ESHAPE, "axis %d of %.200s has more than %d channels", wish->axis,
                   scan->path, NA_SCAN_CHANNELS_MOST);
  scan->each = na_alloc_array((size_t)scan->channels + 1, sizeof *scan->each);
  return scan->each != NULL ? NA_OK : na_fail_memory(err, (size_t)scan->channels, "statistics");
}

/* "a, b" of names that end in newlines. */
static void list_fields(const char *fields, char out[256])
{
  size_t used = 0;
  for (; *fields != '\0' && used < 250; fields++) {
    if (*fields != '\n') out[used++] = *fields;
    else if (fields[1] != '\0') {
      out[used++] = ',';
      out[used++] = ' ';
    }
  }
  out[used] = '\0';
}

static bool has_field(const na_scan *scan)
{
  size_t length = strlen(scan->wish.field);
  for (const char *at = scan->about.fields; *at != '\0'; at += strcspn(at, "\n") + 1)
    if (strncmp(at, scan->wish.field, length) == 0 && at[length] == '\n') return true;
  return false;
}

/* Says why a dataset has no numbers to look at. */
static int check_numbers(const na_scan *scan, na_error *err)
{
  char fields[256];
  bool wished = scan->wish.field[0] != '\0';
  if (wished ? has_field(scan) : scan->about.numbers || !(scan->about.count > 0)) return NA_OK;
  list_fields(scan->about.fields, fields);
  if (wished)
    na_fail(err, NA_EINVAL, "%.200s has no field of numbers called \"%.63s\"", scan->path,
            scan->wish.field);
  if (wished) return fields[0] != '\0' ? na_hint(err, "it has %s", fields) : NA_EINVAL;
  if (scan->about.trouble[0] != '\0')
    return na_fail(err, NA_EUNSUPPORTED, "%.200s: %s", scan->path, scan->about.trouble);
  na_fail(err, NA_EFORMAT, "%.200s does not hold numbers but %.100s", scan->path, scan->about.type);
  return fields[0] != '\0' ? na_hint(err, "choose one of its fields: %s", fields) : NA_EFORMAT;
}

int na_scan_begin(na_scan *scan, na_reader *reader, const char *path, const na_scan_wish *wish,
                  na_error *err)
{
  *scan = (na_scan){.reader = reader, .wish = *wish};
  scan->path = na_strdup(path);
  scan->values = na_alloc_array(NA_READER_VALUES, sizeof *scan->values);
  if (scan->path == NULL || scan->values == NULL)
    return na_fail_memory(err, NA_READER_VALUES * sizeof *scan->values, "statistics");
  int code = na_reader_describe(reader, path, &scan->about, err);
  if (code == NA_OK) code = check_wish(scan, err);
  if (code == NA_OK) code = check_numbers(scan, err);
  if (code != NA_OK) return code;
  plan(scan);
  scan->finished = !(scan->reading > 0);
  return NA_OK;
}

void na_scan_end(na_scan *scan)
{
  na_free(scan->path);
  na_free(scan->values);
  na_free(scan->each);
  scan->path = NULL;
  scan->values = NULL;
  scan->each = NULL;
}

/* -------------------------------------------------------------------------------- passes */

/* The block that is next. */
static void place(const na_scan *scan, na_h5_part *part)
{
  double number =
      scan->sampled ? floor(scan->next * scan->block_count / scan->reading) : scan->next;
  na_scan_place(&scan->about, scan->block, number, part);
  snprintf(part->field, sizeof part->field, "%s", scan->wish.field);
}

/* Values of one channel lie together in runs. */
static void add_channels(na_scan *scan, const na_h5_part *part, size_t count)
{
  size_t run = 1;
  for (int i = scan->wish.axis + 1; i < part->rank; i++) run *= (size_t)part->count[i];
  size_t channels = (size_t)part->count[scan->wish.axis];
  for (size_t at = 0, k = 0; run > 0 && at < count; at += run, k++) {
    size_t channel = (size_t)part->first[scan->wish.axis] + k % channels;
    na_moments_add(&scan->each[channel], scan->values + at, run);
  }
}

static void add_bins(na_scan *scan, size_t count)
{
  double low = scan->all.min, width = (scan->all.max - low) / scan->wish.bins;
  for (size_t i = 0; i < count; i++) {
    double x = scan->values[i];
    if (!isfinite(x)) continue;
    int bin = width > 0 ? (int)((x - low) / width) : 0;
    scan->bins[bin < 0 ? 0 : bin >= scan->wish.bins ? scan->wish.bins - 1 : bin]++;
  }
}

int na_scan_step(na_scan *scan, na_error *err)
{
  na_h5_part part;
  if (scan->finished) return NA_OK;
  place(scan, &part);
  size_t count = (size_t)na_h5_part_count(&part);
  int code =
      na_reader_numbers(scan->reader, scan->path, &part, scan->values, NA_READER_VALUES, err);
  if (code != NA_OK) return code;
  if (scan->pass == 0) {
    na_moments_add(&scan->all, scan->values, count);
    if (scan->each != NULL) add_channels(scan, &part, count);
  } else {
    add_bins(scan, count);
  }
  scan->done += (double)count;
  if (++scan->next < scan->reading) return NA_OK;
  scan->next = 0;
  scan->finished = scan->pass == 1 || scan->wish.bins == 0;
  scan->pass = 1;
  return NA_OK;
}

int na_scan_whole(na_scan *scan, na_reader *reader, const char *path, const na_scan_wish *wish,
                  na_error *err)
{
  int code = na_scan_begin(scan, reader, path, wish, err);
  while (code == NA_OK && !scan->finished) code = na_scan_step(scan, err);
  return code;
}
