/* Matrix product of the fully connected layers, by the system's BLAS, single-threaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_GEMM_H
#define NA_GEMM_H

#include <stdbool.h>

/* C[m x n] = A * B (+ C when accumulate), row-major, with leading dimensions; A is stored
 * [k x m] when transpose_a, B [n x k] when transpose_b. Thread-safe. Oracle: na_naive_gemm. */
void na_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
             const float *b, int ldb, bool accumulate, float *c, int ldc);

/* Sets BLAS to one thread and checks it against plain loops: some builds of OpenBLAS compute wrong
 * results on processors newer than they are. From then on na_gemm uses BLAS only if it was right.
 * Call before the first na_gemm; returns the name of what is used ("OpenBLAS" or "plain loops"). */
const char *na_gemm_init(void);

#endif
