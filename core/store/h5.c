/* Files, groups and links; see h5_dataset.c and h5_attribute.c for what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/store/h5_private.h"
#include "core/base/memory.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the library as a whole */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void na_h5_lock(void)
{
  static int ready;
  pthread_mutex_lock(&mutex);
  if (ready) return;
  H5dont_atexit(); /* exit() in one thread must not take the library from another */
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  ready = 1;
}

void na_h5_unlock(void) { pthread_mutex_unlock(&mutex); }

const char *na_h5_version(void)
{
  static char text[32];
  unsigned major = 0, minor = 0, release = 0;
  na_h5_lock();
  H5get_libversion(&major, &minor, &release);
  snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
  na_h5_unlock();
  return text;
}

/* The walk starts at the innermost call, which knows best what went wrong. */
static herr_t take_reason(unsigned n, const H5E_error2_t *entry, void *context)
{
  if (n == 0 && entry->desc != NULL) snprintf(context, 256, "%s", entry->desc);
  return 0;
}

int na_h5_fail(const na_h5 *file, na_error *err, int code, const char *format, ...)
{
  char reason[256] = "", words[512];
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, reason);
  if (file->failure != 0) snprintf(reason, sizeof reason, "%s", strerror(file->failure));
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  return na_fail(err, code, "%s: %s%s%s", file->path, words, reason[0] != '\0' ? ": " : "", reason);
}

int na_h5_wrote(na_h5 *file, int code, na_error *err)
{
  if (code == NA_OK && file->failure != 0) code = na_h5_fail(file, err, NA_EIO, "cannot write");
  if (file->failure != 0) na_hint(err, "make room on the disk, or choose another folder");
  na_h5_unlock();
  return code;
}

/* ------------------------------------------------------------------------------- files */

static void discard(na_h5 *file)
{
  if (file == NULL) return;
  na_free(file->path);
  na_free(file);
}

static na_h5 *handle_new(const char *path, int writing)
{
  na_h5 *file = na_alloc(sizeof *file);
  if (file == NULL) return NULL;
  file->path = na_strdup(path);
  file->id = H5I_INVALID_HID;
  file->writing = writing;
  file->group = file->values = H5I_INVALID_HID;
  for (int i = 0; i < NA_H5_KEPT; i++) file->kept[i].id = H5I_INVALID_HID;
  if (file->path != NULL) return file;
  na_free(file);
  return NULL;
}

/* Newest format: its metadata carries checksums, attributes may exceed 64 KiB, and SWMR needs it.
 * Strong closing: H5Fclose really closes, whatever is still open. */
static hid_t access_list(void)
{
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  if (list < 0) return list;
  H5Pset_libver_bounds(list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
  H5Pset_file_locking(list, 1, 1);
  return list;
}

static int open_failed(const char *path, na_error *err)
{
  return na_fail(err, NA_EIO, "%s: cannot open: %s", path, strerror(errno));
}

/* The first 12 bytes of the HDF5 part: at the beginning, or, behind what another program keeps there (as
 * Matlab does), at 512 bytes or a doubling of it. Returns how many of them there are. */
static ssize_t find_start(int fd, off_t size, unsigned char start[12])
{
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  for (off_t at = 0; at == 0 || at < size; at = at == 0 ? 512 : 2 * at) {
    ssize_t got = pread(fd, start, 12, at);
    if (got == 12 && memcmp(start, signature, sizeof signature) == 0) return got;
    if (at > INT64_MAX / 4) break;
  }
  return size < 12 ? (ssize_t)size : 0;
}

/* What HDF5 would say in riddles: missing, unreadable, a folder, not HDF5 at all, not finished. From
 * version 3 on, byte 11 of a file has flags: 1 while it is open for writing, 4 when in SWMR mode; a
 * writer that was killed leaves them set. Plain reading is refused then, but not SWMR reading. Ours have
 * NA_H5_CONSISTENT instead of both, and may still be growing. */
static int look_at(const char *path, unsigned *flags, na_error *err)
{
  enum { VERSION = 8, FLAGS = 11, WRITING = 1, SWMR = 4, START = 12 };
  unsigned char start[START];
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not stop us */
  if (fd < 0) return open_failed(path, err);
  int regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  ssize_t got = regular ? find_start(fd, status.st_size, start) : 0;
  close(fd);
  if (!regular) return na_fail(err, NA_EFORMAT, "%s: is not a regular file", path);
  if (got < START)
    return na_fail(err, NA_EFORMAT, "%s: is not an HDF5 file%s", path,
                   status.st_size < START ? " (it is empty or cut short)" : "");
  unsigned state = start[VERSION] >= 3 ? start[FLAGS] : 0;
  *flags = H5F_ACC_RDONLY | ((state & (SWMR | NA_H5_CONSISTENT)) != 0 ? H5F_ACC_SWMR_READ : 0);
  if ((state & WRITING) == 0 || (state & SWMR) != 0) return NA_OK;
  return na_fail(err, NA_EFORMAT, "%s: is still being written, or its writer was killed", path);
}

int na_h5_open(na_h5 **out, const char *path, na_error *err)
{
  unsigned flags = H5F_ACC_RDONLY;
  *out = NULL;
  int code = look_at(path, &flags, err);
  if (code != NA_OK) return code;
  na_h5 *file = handle_new(path, 0);
  if (file == NULL) return na_fail_memory(err, sizeof *file, "an open file");
  na_h5_lock();
  hid_t list = access_list();
  /* In SWMR mode what has a wrong checksum is read again, after waiting twice as long each time from
   * one nanosecond on. The default of 100 attempts would outlast the universe. */
  if (list >= 0 && (flags & H5F_ACC_SWMR_READ) != 0) H5Pset_metadata_read_attempts(list, 25);
  if (list >= 0) file->id = H5Fopen(path, flags, list);
  if (file->id < 0) {
    code = na_h5_fail(file, err, NA_EFORMAT, "cannot read this HDF5 file");
    na_hint(err, "it is damaged or was not written to its end; use another copy");
  }
  if (list >= 0) H5Pclose(list);
  na_h5_unlock();
  if (code == NA_OK) *out = file;
  else discard(file);
  return code;
}

/* HDF5 names neither a missing folder nor a forbidden one well, so the file is made here first. */
static int touch(const char *path, na_error *err)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    na_fail(err, NA_EIO, "%s: cannot write: %s", path, strerror(errno));
    return na_hint(err, "check that the folder exists, is yours to write, and has room");
  }
  close(fd);
  return NA_OK;
}

/* Keeps links and attributes in the group's header, which has a checksum. HDF5 moves many of them
 * to heaps without one, and does not survive a damaged heap. Returns list. */
static hid_t keep_in_header(hid_t list)
{
  enum { MOST = 65535 };
  if (list < 0) return list;
  H5Pset_link_phase_change(list, MOST, MOST);
  H5Pset_attr_phase_change(list, MOST, MOST);
  return list;
}

int na_h5_create(na_h5 **out, const char *path, na_error *err)
{
  *out = NULL;
  int code = touch(path, err);
  if (code != NA_OK) return code;
  na_h5 *file = handle_new(path, 1);
  if (file == NULL) return na_fail_memory(err, sizeof *file, "an open file");
  na_h5_lock();
  hid_t list = access_list(), root = keep_in_header(H5Pcreate(H5P_FILE_CREATE));
  if (list >= 0 && root >= 0 && na_h5_use_driver(list, &file->failure))
    file->id = H5Fcreate(path, H5F_ACC_TRUNC, root, list);
  if (file->id < 0) code = na_h5_fail(file, err, NA_EIO, "cannot create");
  if (root >= 0) H5Pclose(root);
  if (list >= 0) H5Pclose(list);
  na_h5_unlock();
  if (code == NA_OK) *out = file;
  else discard(file);
  return code;
}

int na_h5_close(na_h5 *file, na_error *err)
{
  if (file == NULL) return NA_OK;
  int code = NA_OK;
  na_h5_lock();
  na_h5_drop_kept(file);
  na_h5_drop_objects(file);
  if (H5Fclose(file->id) < 0) code = na_h5_fail(file, err, NA_EIO, "cannot close");
  code = na_h5_wrote(file, code, err);
  discard(file);
  return code;
}

int na_h5_flush(na_h5 *file, na_error *err)
{
  na_h5_lock();
  int code = NA_OK;
  if (H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
    code = na_h5_fail(file, err, NA_EIO, "cannot write");
  return na_h5_wrote(file, code, err);
}

int na_h5_rename(na_h5 *file, const char *path, na_error *err)
{
  char *name = na_strdup(path);
  if (name == NULL) return na_fail_memory(err, strlen(path), "a path");
  if (rename(file->path, path) != 0) {
    na_fail(err, NA_EIO, "cannot write %s: %s", path, strerror(errno));
    na_free(name);
    return NA_EIO;
  }
  na_free(file->path);
  file->path = name;
  return NA_OK;
}

int na_h5_start_swmr(na_h5 *file, na_error *err)
{
  na_h5_lock();
  int code = NA_OK;
  na_h5_drop_kept(file);
  if (H5Fstart_swmr_write(file->id) < 0)
    code = na_h5_fail(file, err, NA_EIO, "cannot let others read while it is written");
  return na_h5_wrote(file, code, err);
}

/* ----------------------------------------------------------------------- links and groups */

/* The link named by the first `length` characters of path. */
static na_h5_found link_at(const na_h5 *file, const char *path, size_t length)
{
  char part[NA_H5_PATH_MAX];
  H5L_info_t info;
  memcpy(part, path, length);
  part[length] = '\0';
  if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return NA_H5_ABSENT;
  if (H5Lget_info(file->id, part, &info, H5P_DEFAULT) < 0) return NA_H5_ABSENT;
  return info.type == H5L_TYPE_HARD ? NA_H5_PRESENT : NA_H5_LINKED;
}

na_h5_found na_h5_walk(const na_h5 *file, const char *path)
{
  size_t length = strlen(path);
  if (length >= NA_H5_PATH_MAX) return NA_H5_ABSENT;
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    if (path[i - 1] == '/') continue; /* the root, or a doubled slash */
    na_h5_found found = link_at(file, path, i);
    if (found != NA_H5_PRESENT) return found;
  }
  return NA_H5_PRESENT;
}

int na_h5_has(na_h5 *file, const char *path)
{
  na_h5_lock();
  int present = na_h5_walk(file, path) == NA_H5_PRESENT;
  na_h5_unlock();
  return present;
}

/* A group, its parent being there. */
static int make_one(na_h5 *file, const char *path, na_error *err)
{
  na_h5_found found = na_h5_walk(file, path);
  if (found == NA_H5_PRESENT) return NA_OK;
  if (found == NA_H5_LINKED) return na_h5_fail(file, err, NA_EFORMAT, "%s is a link", path);
  hid_t list = keep_in_header(H5Pcreate(H5P_GROUP_CREATE));
  hid_t group = H5Gcreate2(file->id, path, H5P_DEFAULT, list >= 0 ? list : H5P_DEFAULT, H5P_DEFAULT);
  int code = NA_OK;
  if (group < 0) code = na_h5_fail(file, err, NA_EIO, "cannot make the group %s", path);
  else H5Gclose(group);
  if (list >= 0) H5Pclose(list);
  return code;
}

/* The groups that the first `length` characters of path name, outermost first. */
static int make_groups(na_h5 *file, const char *path, size_t length, na_error *err)
{
  char part[NA_H5_PATH_MAX];
  int code = NA_OK;
  if (length >= sizeof part) return na_h5_fail(file, err, NA_EINVAL, "a name is too long");
  for (size_t i = 1; i <= length && code == NA_OK; i++) {
    if (i < length && path[i] != '/') continue;
    if (path[i - 1] == '/') continue; /* the root, or a doubled slash */
    memcpy(part, path, i);
    part[i] = '\0';
    code = make_one(file, part, err);
  }
  return code;
}

int na_h5_make_group(na_h5 *file, const char *path, na_error *err)
{
  return make_groups(file, path, strlen(path), err);
}

int na_h5_make_parents(na_h5 *file, const char *path, na_error *err)
{
  const char *slash = strrchr(path, '/');
  return slash == NULL ? NA_OK : make_groups(file, path, (size_t)(slash - path), err);
}

int na_h5_group(na_h5 *file, const char *path, na_error *err)
{
  na_h5_lock();
  int code = na_h5_make_group(file, path, err);
  return na_h5_wrote(file, code, err);
}

/* Collects names, each with its NUL. */
static herr_t collect(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  na_buffer *names = context;
  (void)group;
  if (info->type != H5L_TYPE_HARD) return 0;
  na_buffer_add(names, "%s%c", name, '\0');
  return names->failed;
}

static int list_names(na_h5 *file, const char *path, na_buffer *names, na_error *err)
{
  if (na_h5_walk(file, path) != NA_H5_PRESENT)
    return na_h5_fail(file, err, NA_EFORMAT, "has no group %s", path);
  hid_t group = H5Gopen2(file->id, path, H5P_DEFAULT);
  if (group < 0) return na_h5_fail(file, err, NA_EFORMAT, "%s is not a group", path);
  int code = NA_OK;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, collect, names) < 0)
    code = na_h5_fail(file, err, NA_EFORMAT, "cannot list the group %s", path);
  if (names->failed) code = na_fail_memory(err, names->length, "a list of names");
  H5Gclose(group);
  return code;
}

int na_h5_each(na_h5 *file, const char *group, int (*visit)(void *context, const char *name),
               void *context, na_error *err)
{
  na_buffer names = {0};
  na_h5_lock();
  int code = list_names(file, group, &names, err);
  na_h5_unlock();
  /* The lock is free again: visit may read the file. */
  for (size_t at = 0; code == NA_OK && at < names.length; at += strlen(names.data + at) + 1)
    code = visit(context, names.data + at);
  na_free(names.data);
  return code;
}
