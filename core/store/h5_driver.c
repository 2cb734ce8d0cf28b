/* How files being written reach the disk. HDF5 does not survive a write that fails: the file can then be
 * neither flushed nor closed, and the process crashes when it exits. So this driver never tells it. It
 * notes the first failure, drops everything written afterwards, and the wrapper reports the failure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct driver_file {
  H5FD_t base; /* the library's part; must come first */
  int fd;
  int *failure; /* the na_h5's */
  haddr_t eoa, eof;
  dev_t device;
  ino_t inode;
  bool shared; /* written in SWMR mode */
} driver_file;

static void note(driver_file *file, int number)
{
  if (*file->failure == 0) *file->failure = number;
}

static int open_flags(unsigned flags)
{
  int result = (flags & H5F_ACC_RDWR) != 0 ? O_RDWR : O_RDONLY;
  if ((flags & H5F_ACC_TRUNC) != 0) result |= O_TRUNC;
  if ((flags & H5F_ACC_CREAT) != 0) result |= O_CREAT;
  if ((flags & H5F_ACC_EXCL) != 0) result |= O_EXCL;
  return result | O_CLOEXEC;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most)
{
  (void)most;
  int *const *failure = H5Pget_driver_info(access);
  struct stat status;
  int fd = failure != NULL ? open(name, open_flags(flags), 0666) : -1;
  driver_file *file = calloc(1, sizeof *file); /* not na_alloc: the library must not see it fail */
  if (fd < 0 || file == NULL || fstat(fd, &status) != 0) {
    if (fd >= 0) close(fd);
    free(file);
    return NULL;
  }
  file->fd = fd;
  file->failure = *failure;
  file->eof = (haddr_t)status.st_size;
  file->device = status.st_dev;
  file->inode = status.st_ino;
  return &file->base;
}

static herr_t driver_close(H5FD_t *base)
{
  driver_file *file = (driver_file *)base;
  if (fsync(file->fd) != 0 && errno != EINVAL) note(file, errno);
  if (close(file->fd) != 0) note(file, errno);
  free(file);
  return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b)
{
  const driver_file *one = (const driver_file *)a, *two = (const driver_file *)b;
  if (one->device != two->device) return one->device < two->device ? -1 : 1;
  if (one->inode != two->inode) return one->inode < two->inode ? -1 : 1;
  return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags)
{
  (void)base;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_SUPPORTS_SWMR_IO |
           H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
  (void)type;
  return ((const driver_file *)base)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address)
{
  (void)type;
  ((driver_file *)base)->eoa = address;
  return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
  (void)type;
  return ((const driver_file *)base)->eof;
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t size, void *into)
{
  (void)type, (void)transfer;
  driver_file *file = (driver_file *)base;
  char *at = into;
  while (size > 0) {
    ssize_t got = pread(file->fd, at, size, (off_t)address);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) note(file, errno);
    if (got <= 0) break;
    at += got;
    address += (haddr_t)got;
    size -= (size_t)got;
  }
  memset(at, 0, size); /* beyond the end: allocated, but never written */
  return 0;
}

/* ------------------------------------------------------------------------- the superblock */

/* A file that is written in SWMR mode says so in its first bytes, and a writer that is killed leaves that
 * behind: no reader but one in SWMR mode opens the file then, until h5clear was run. Every flush leaves
 * this file whole, however, so on disk those two flags are replaced by NA_H5_CONSISTENT, which all readers
 * take. Other writers are kept away by the lock below, which ends with the process. */
enum {
  SUPERBLOCK = 48, /* bytes of version 3 with 8-byte addresses; the last four are the checksum */
  VERSION = 8,
  ADDRESS_SIZE = 9,
  FLAGS = 11,
  FILE_END = 28,
  CHECKSUM = 44
};

static uint32_t little_endian(const unsigned char *at, size_t bytes)
{
  uint32_t value = 0;
  for (size_t i = 0; i < bytes && i < 4; i++) value |= (uint32_t)at[i] << 8 * i;
  return value;
}

static uint32_t turn(uint32_t x, int bits)
{
  return x << bits | x >> (32 - bits);
}

/* HDF5's checksum of metadata: lookup3 by Bob Jenkins (2006, public domain), begun with 0. */
static uint32_t checksum_of(const unsigned char *at, size_t bytes)
{
  static const int mixing[] = {4, 6, 8, 16, 19, 4}, final[] = {14, 11, 25, 16, 4, 14, 24};
  uint32_t w[3] = {0xdeadbeefu + (uint32_t)bytes, 0xdeadbeefu + (uint32_t)bytes,
                   0xdeadbeefu + (uint32_t)bytes};
  for (; bytes > 12; at += 12, bytes -= 12) {
    for (int i = 0; i < 3; i++) w[i] += little_endian(at + 4 * i, 4);
    for (int i = 0; i < 6; i++) {
      uint32_t *a = &w[i % 3], *b = &w[(i + 1) % 3], *c = &w[(i + 2) % 3];
      *a -= *c;
      *a ^= turn(*c, mixing[i]);
      *c += *b;
    }
  }
  for (size_t i = 0; 4 * i < bytes; i++) w[i] += little_endian(at + 4 * i, bytes - 4 * i);
  for (int i = 0; i < 7; i++) {
    uint32_t *c = &w[(i + 2) % 3], *b = &w[(i + 1) % 3];
    *c ^= *b;
    *c -= turn(*b, final[i]);
  }
  return w[2];
}

static bool is_shared_superblock(haddr_t address, size_t size, const unsigned char *at)
{
  enum { WRITING_IN_SWMR = 5 };
  return address == 0 && size >= SUPERBLOCK && at[VERSION] == 3 && at[ADDRESS_SIZE] == 8 &&
         at[FLAGS] == WRITING_IN_SWMR;
}

/* Copies the superblock with its flags replaced. */
static void open_up(const unsigned char *from, unsigned char to[SUPERBLOCK])
{
  memcpy(to, from, SUPERBLOCK);
  to[FLAGS] = NA_H5_CONSISTENT;
  uint32_t checksum = checksum_of(to, CHECKSUM);
  for (int i = 0; i < 4; i++) to[CHECKSUM + i] = (unsigned char)(checksum >> 8 * i);
}

/* A superblock tells how long the file is: a reader takes one that is shorter for cut off. */
static void lengthen(driver_file *file, const unsigned char *superblock)
{
  uint64_t end = little_endian(superblock + FILE_END, 4) |
                 (uint64_t)little_endian(superblock + FILE_END + 4, 4) << 32;
  if (end <= file->eof || *file->failure != 0) return;
  if (ftruncate(file->fd, (off_t)end) != 0) note(file, errno);
  file->eof = end;
}

/* ------------------------------------------------------------------------- writing */

static void write_all(driver_file *file, haddr_t address, size_t size, const void *from)
{
  const char *at = from;
  haddr_t end = address + size;
  while (size > 0 && *file->failure == 0) {
    ssize_t put = pwrite(file->fd, at, size, (off_t)address);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      note(file, put < 0 ? errno : EIO);
      break;
    }
    at += put;
    address += (haddr_t)put;
    size -= (size_t)put;
  }
  if (end > file->eof) file->eof = end;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                           size_t size, const void *from)
{
  (void)type, (void)transfer;
  driver_file *file = (driver_file *)base;
  unsigned char superblock[SUPERBLOCK];
  if (is_shared_superblock(address, size, from)) {
    file->shared = true;
    open_up(from, superblock);
    lengthen(file, superblock);
    write_all(file, SUPERBLOCK, size - SUPERBLOCK, (const char *)from + SUPERBLOCK);
    write_all(file, 0, SUPERBLOCK, superblock);
  } else
    write_all(file, address, size, from);
  return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing)
{
  (void)transfer, (void)closing;
  driver_file *file = (driver_file *)base;
  if (file->eoa == file->eof) return 0;
  if (*file->failure == 0 && ftruncate(file->fd, (off_t)file->eoa) != 0) note(file, errno);
  file->eof = file->eoa;
  return 0;
}

/* Readers and writers in other processes keep out of each other's way; where a file system knows no
 * locks, there is none to respect. */
static herr_t driver_lock(H5FD_t *base, hbool_t writing)
{
  int operation = (writing ? LOCK_EX : LOCK_SH) | LOCK_NB;
  return flock(((driver_file *)base)->fd, operation) == 0 || errno != EWOULDBLOCK ? 0 : -1;
}

/* In SWMR mode the library locks no more; this lets readers in, and keeps writers out. */
static herr_t driver_unlock(H5FD_t *base)
{
  const driver_file *file = (const driver_file *)base;
  flock(file->fd, file->shared ? LOCK_SH | LOCK_NB : LOCK_UN);
  return 0;
}

static const H5FD_class_t driver = {
    .name = "netaug",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(int *),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .lock = driver_lock,
    .unlock = driver_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

int na_h5_use_driver(hid_t access, int *failure)
{
  static hid_t id = H5I_INVALID_HID;
  if (id < 0) id = H5FDregister(&driver);
  return id >= 0 && H5Pset_driver(access, id, &failure) >= 0;
}
