/* How files being written reach the disk. HDF5 does not survive a write that fails: the file can then be
 * neither flushed nor closed, and the process crashes when it exits. So this driver never tells it. It
 * notes the first failure, drops everything written afterwards, and the wrapper reports the failure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"

#include <errno.h>
#include <fcntl.h>
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

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                           size_t size, const void *from)
{
  (void)type, (void)transfer;
  driver_file *file = (driver_file *)base;
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

static herr_t driver_unlock(H5FD_t *base)
{
  flock(((driver_file *)base)->fd, LOCK_UN);
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
