/* PyTorch as another program to compare with: scripts/bench's Python programs, asked over a socket.
 * They run with what PyTorch is fastest with: channels_last, jemalloc that keeps its memory in huge
 * pages, its threads set, no OPENBLAS variables but their number.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_TORCH_H
#define NA_TORCH_H

#include "core/base/error.h"
#include "core/kernel/precision.h"

#include <stddef.h>

typedef struct na_torch na_torch;

/* Starts `program` ("torch_netaug.py", found beside netaug, or in NETAUG_BENCH) on `operand` with
 * so many threads, training in that precision, and waits until it is ready. NA_EUNSUPPORTED: PyTorch or
 * jemalloc is not installed; the hint says how to. */
int na_torch_start(na_torch **torch, const char *program, const char *operand, int threads,
                   na_precision precision, na_error *err);
void na_torch_free(na_torch *torch); /* ends the program; takes NULL */

/* Asks for one number: seconds of a step ("base", "netaug" ...), "peak" (bytes), "macs netaug" ...
 */
int na_torch_ask(na_torch *torch, const char *question, double *answer, na_error *err);

/* One program's standard output (words: it and its arguments, then NULL), at most size - 1 bytes.
 * Its status must be 0. */
int na_program_output(const char *const *words, char *out, size_t size, na_error *err);

#endif
