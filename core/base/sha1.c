/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/sha1.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64 };

typedef struct sha1 {
  uint32_t state[5];
  uint64_t length;
  unsigned char block[BLOCK];
  size_t used;
} sha1;

static uint32_t rotate(uint32_t x, int by)
{
  return x << by | x >> (32 - by);
}

/* Word i of the message schedule, kept in a ring of 16. */
static uint32_t schedule(uint32_t w[16], int i)
{
  if (i >= 16)
    w[i & 15] = rotate(w[(i + 13) & 15] ^ w[(i + 8) & 15] ^ w[(i + 2) & 15] ^ w[i & 15], 1);
  return w[i & 15];
}

static void take_block(sha1 *s)
{
  static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  uint32_t w[16], a = s->state[0], b = s->state[1], c = s->state[2], d = s->state[3],
                  e = s->state[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
           (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
  for (int i = 0; i < 80; i++) {
    uint32_t mixed = i < 20   ? (b & c) | (~b & d)
                     : i < 40 ? b ^ c ^ d
                     : i < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
    uint32_t next = rotate(a, 5) + mixed + e + constants[i / 20] + schedule(w, i);
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  s->state[0] += a, s->state[1] += b, s->state[2] += c, s->state[3] += d, s->state[4] += e;
  s->used = 0;
}

static void add(sha1 *s, const void *data, size_t size)
{
  const unsigned char *from = data;
  s->length += size;
  for (; size > 0; size--) {
    s->block[s->used++] = *from++;
    if (s->used == BLOCK) take_block(s);
  }
}

static void finish(sha1 *s, char out[41])
{
  static const unsigned char mark = 0x80, zero = 0;
  uint64_t bits = s->length * 8;
  unsigned char length[8];
  add(s, &mark, 1);
  while (s->used != BLOCK - 8) add(s, &zero, 1);
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)(bits >> (56 - 8 * i));
  add(s, length, 8);
  for (int i = 0; i < 5; i++) snprintf(out + 8 * i, 9, "%08x", (unsigned)s->state[i]);
}

void na_sha1_blob(const void *data, size_t size, char out[41])
{
  sha1 s = {.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
  char head[32];
  int length = snprintf(head, sizeof head, "blob %zu", size);
  add(&s, head, (size_t)length + 1); /* with its NUL */
  add(&s, data, size);
  finish(&s, out);
}
