/* What a run was made with, and where.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ENVIRONMENT_H
#define NA_ENVIRONMENT_H

#include "core/store/metrics.h"

/* X(field, size): texts, and how much room each has. */
#define NA_ENVIRONMENT(X)                                                                          \
  X(host, 256)                                                                                     \
  X(system, 512)                                                                                   \
  X(cpu, 256)                                                                                      \
  X(isa, 32)                                                                                       \
  X(bf16, 32)                                                                                      \
  X(netaug, 64)                                                                                    \
  X(hdf5, 64)                                                                                      \
  X(blas, 64)                                                                                     \
  X(started, 64)                                                                                   \
  X(directory, 4096)                                                                               \
  X(command, 4096)

#define NA_ENVIRONMENT_COUNT(field, size) +1
enum { NA_ENVIRONMENT_NOTES = 0 NA_ENVIRONMENT(NA_ENVIRONMENT_COUNT) };
#undef NA_ENVIRONMENT_COUNT

typedef struct na_environment {
#define NA_ENVIRONMENT_FIELD(field, size) char field[size];
  NA_ENVIRONMENT(NA_ENVIRONMENT_FIELD)
#undef NA_ENVIRONMENT_FIELD
} na_environment;

/* What cannot be found out is empty. */
void na_environment_read(na_environment *environment);

/* As notes[NA_ENVIRONMENT_NOTES], pointing into environment. */
void na_environment_notes(const na_environment *environment, na_note *notes);

#endif
