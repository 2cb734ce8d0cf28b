/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel/gemm.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool trusted;

static void plain(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                  const float *b, int ldb, bool accumulate, float *c, int ldc)
{
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      float sum = 0;
      for (int q = 0; q < k; q++) {
        float x = transpose_a ? a[(size_t)q * (size_t)lda + (size_t)i] : a[(size_t)i * (size_t)lda + (size_t)q];
        float y = transpose_b ? b[(size_t)j * (size_t)ldb + (size_t)q] : b[(size_t)q * (size_t)ldb + (size_t)j];
        sum += x * y;
      }
      float *to = c + (size_t)i * (size_t)ldc + (size_t)j;
      *to = accumulate ? *to + sum : sum;
    }
}

static void blas(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                 const float *b, int ldb, bool accumulate, float *c, int ldc)
{
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, a, lda, b, ldb,
              accumulate ? 1.0f : 0.0f, c, ldc);
}

enum { M = 37, N = 48, K = 67 };

/* One product in every layout against plain loops. */
static bool agrees(bool transpose_a, bool transpose_b)
{
  static float a[M * K], b[K * N], got[M * N], wanted[M * N];
  for (int i = 0; i < M * K; i++) a[i] = (float)(i * 7 % 23 - 11) / 8.0f;
  for (int i = 0; i < K * N; i++) b[i] = (float)(i * 5 % 19 - 9) / 8.0f;
  for (int i = 0; i < M * N; i++) got[i] = wanted[i] = (float)(i % 3);
  blas(transpose_a, transpose_b, M, N, K, a, transpose_a ? M : K, b, transpose_b ? K : N, true, got, N);
  plain(transpose_a, transpose_b, M, N, K, a, transpose_a ? M : K, b, transpose_b ? K : N, true, wanted, N);
  for (int i = 0; i < M * N; i++)
    if (!(fabsf(got[i] - wanted[i]) <= 1e-3f)) return false;
  return true;
}

static void check(void)
{
  openblas_set_num_threads(1);
  trusted = agrees(false, false) && agrees(true, false) && agrees(false, true);
}

const char *na_gemm_init(void)
{
  pthread_once(&once, check);
  return trusted ? "OpenBLAS" : "plain loops";
}

void na_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
             const float *b, int ldb, bool accumulate, float *c, int ldc)
{
  if (trusted) blas(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, accumulate, c, ldc);
  else plain(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, accumulate, c, ldc);
}
