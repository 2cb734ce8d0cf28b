/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/sha1.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static sha1 begin(size_t size)
{
  sha1 s = {.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
  char head[32];
  int length = snprintf(head, sizeof head, "blob %zu", size);
  add(&s, head, (size_t)length + 1); /* with its NUL */
  return s;
}

void na_sha1_blob(const void *data, size_t size, char out[41])
{
  sha1 s = begin(size);
  add(&s, data, size);
  finish(&s, out);
}

/* False where it is no file, cannot be read, or changes meanwhile. */
static int hash_stream(FILE *file, char out[41])
{
  unsigned char bytes[8192];
  struct stat status;
  if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  size_t left = (size_t)status.st_size, count;
  sha1 s = begin(left);
  while (left > 0 && (count = fread(bytes, 1, sizeof bytes, file)) > 0 && count <= left) {
    add(&s, bytes, count);
    left -= count;
  }
  finish(&s, out);
  return left == 0 && fgetc(file) == EOF;
}

int na_sha1_file(const char *path, char out[41], na_error *err)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) return na_fail(err, NA_EIO, "cannot read %.400s: %s", path, strerror(errno));
  int good = hash_stream(file, out);
  fclose(file);
  return good ? NA_OK : na_fail(err, NA_EIO, "cannot read all of %.400s", path);
}
