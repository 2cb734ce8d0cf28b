/* Rows of named values as CSV (RFC 4180: CRLF, quotes where needed) or JSON lines (jsonlines.org).
 *
 * Numbers are the shortest decimals that read back as the same double. What is not a number is an
 * empty field in CSV and null in JSON, which has no infinities either; CSV has them as inf and
 * -inf. Texts are UTF-8 whatever was given. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RECORDS_H
#define NA_RECORDS_H

#include <stdbool.h>
#include <stdio.h>

/* Errors of writing show in the file. */
typedef struct na_records {
  FILE *file;
  bool json; /* else CSV */
  int count; /* values of a row */
  const char *const *names;
  int at; /* the next value's place */
} na_records;

/* names[count] and file are borrowed. Writes CSV's header. */
void na_records_begin(na_records *records, FILE *file, bool json, int count,
                      const char *const *names);

/* The next value of the row; the last one ends it. */
void na_records_number(na_records *records, double value);
void na_records_text(na_records *records, const char *text);

#endif
