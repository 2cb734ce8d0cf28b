/* Loops over bytes that gain from wider registers than every x86-64 processor has are compiled for
 * three kinds of them, and the loader of the program picks. All give the same bits: the folder is
 * compiled without fused multiply-adds. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_VECTOR_H
#define NA_VECTOR_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define NA_VECTOR __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define NA_VECTOR
#endif

#endif
