/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/store/reader.h"
#include "core/base/memory.h"
#include "core/store/h5_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of processor time for one request: values may have to be unpacked, the rest is a matter of
 * milliseconds. */
enum { SECONDS_FOR_VALUES = 30, SECONDS_FOR_OTHERS = 5 };

typedef enum what { OPEN, LIST, DESCRIBE, NUMBERS, TEXTS, ATTRIBUTES } what;

/* Questions and answers go through a socket, paths and results lie in the window, which both processes
 * see. */
typedef struct question {
  what what;
  size_t each, room;
  na_h5_part part;
} question;

typedef struct answer {
  int code;
  na_error err;
  size_t bytes; /* in the window */
} answer;

struct na_reader {
  char *path;
  char *window;  /* NA_H5_FLAT_MOST bytes */
  pid_t process; /* 0: none */
  int socket;
};

/* ------------------------------------------------------------------- the reading process */

/* A list or texts, which the window has room for by their own limits. */
static size_t put(char *window, const void *data, size_t bytes, answer *a)
{
  if (bytes > NA_H5_FLAT_MOST) {
    a->code = na_fail(&a->err, NA_ESHAPE, "that is too much to show at once");
    return 0;
  }
  if (bytes > 0) memcpy(window, data, bytes);
  return bytes;
}

static void answer_texts(na_h5 *file, const question *q, const char *path, char *window, answer *a)
{
  na_buffer texts = {0};
  a->code = q->what == TEXTS ? na_h5_part_texts(file, path, &q->part, q->each, &texts, &a->err)
                             : na_h5_attribute_texts(file, path, q->each, &texts, &a->err);
  if (a->code == NA_OK) a->bytes = put(window, texts.data, texts.length, a);
  na_free(texts.data);
}

static void answer_list(na_h5 *file, const char *path, char *window, answer *a)
{
  na_h5_list *list;
  a->code = na_h5_list_group(file, path, &list, &a->err);
  if (a->code == NA_OK) a->bytes = put(window, list, list->bytes, a);
  na_free(list);
}

static void answer_question(na_h5 **file, const question *q, const char *path, char *window,
                            answer *a)
{
  na_h5_about about;
  switch (q->what) {
  case OPEN: a->code = na_h5_open(file, path, &a->err); break;
  case LIST: answer_list(*file, path, window, a); break;
  case DESCRIBE:
    a->code = na_h5_describe(*file, path, &about, &a->err);
    a->bytes = put(window, &about, sizeof about, a);
    break;
  case NUMBERS:
    a->code = na_h5_part_numbers(*file, path, &q->part, (double *)(void *)window, q->room, &a->err);
    a->bytes = (size_t)na_h5_part_count(&q->part) * sizeof(double);
    break;
  case TEXTS:
  case ATTRIBUTES: answer_texts(*file, q, path, window, a); break;
  }
}

/* What the parent has that must not live on here: its open files, one of which may hold a run's lock,
 * and its ways with signals. What hangs is ended by the system. */
static void leave_parent(int mine)
{
  static const int back[] = {SIGSEGV, SIGBUS,  SIGABRT, SIGFPE, SIGILL,
                             SIGQUIT, SIGTERM, SIGHUP,  SIGPROF};
  struct rlimit none = {0, 0};
  sigset_t all;
  for (size_t i = 0; i < sizeof back / sizeof back[0]; i++) signal(back[i], SIG_DFL);
  signal(SIGINT, SIG_IGN); /* of the terminal: the parent decides */
  sigemptyset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  setrlimit(RLIMIT_CORE, &none);
  if (mine > 3) close_range(3, (unsigned)mine - 1, 0);
  close_range((unsigned)mine + 1, ~0u, 0);
}

/* Answers until the parent closes its end. The process ends by a signal, as exit would run what the
 * parent has registered. */
static void serve(int socket, char *window)
{
  na_h5 *file = NULL;
  question q;
  leave_parent(socket);
  na_h5_unlock();
  while (recv(socket, &q, sizeof q, 0) == (ssize_t)sizeof q) {
    answer a = {.code = NA_OK};
    char *path = na_strdup(window);
    bool values = q.what == NUMBERS || q.what == TEXTS;
    const struct itimerval limit = {
        .it_value = {.tv_sec = values ? SECONDS_FOR_VALUES : SECONDS_FOR_OTHERS}};
    setitimer(ITIMER_PROF, &limit, NULL);
    if (path == NULL) a.code = na_fail_memory(&a.err, strlen(window), "a path");
    else answer_question(&file, &q, path, window, &a);
    na_free(path);
    if (send(socket, &a, sizeof a, MSG_NOSIGNAL) != (ssize_t)sizeof a) break;
  }
  raise(SIGKILL);
}

/* --------------------------------------------------------------------------- the caller */

static void stop(na_reader *reader)
{
  if (reader->socket >= 0) close(reader->socket);
  reader->socket = -1;
  if (reader->process > 0) {
    kill(reader->process, SIGKILL);
    while (waitpid(reader->process, NULL, 0) < 0 && errno == EINTR) continue;
  }
  reader->process = 0;
}

/* Sends and receives; false when the process has died. An interrupt of ours does not end the talk. */
static bool talk(na_reader *reader, const question *q, answer *a)
{
  ssize_t got;
  if (send(reader->socket, q, sizeof *q, MSG_NOSIGNAL) != (ssize_t)sizeof *q) return false;
  do got = recv(reader->socket, a, sizeof *a, 0);
  while (got < 0 && errno == EINTR);
  return got == (ssize_t)sizeof *a && a->bytes <= NA_H5_FLAT_MOST;
}

/* The library's lock is held while the process is made, so that it is free of other threads there. */
static int start(na_reader *reader, na_error *err)
{
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return na_fail(err, NA_EIO, "cannot start reading: %s", strerror(errno));
  na_h5_lock();
  na_blocks_hide(); /* of a training that goes on */
  pid_t process = fork();
  if (process == 0) serve(ends[1], reader->window);
  na_blocks_show();
  na_h5_unlock();
  close(ends[1]);
  reader->socket = ends[0];
  reader->process = process > 0 ? process : 0;
  if (process > 0) return NA_OK;
  stop(reader);
  return na_fail(err, NA_EIO, "cannot start reading: %s", strerror(errno));
}

static int died(na_reader *reader, const char *path, na_error *err)
{
  stop(reader);
  na_fail(err, NA_EFORMAT, "%s: HDF5 does not survive reading %.200s", reader->path, path);
  return na_hint(err, "the file is damaged there; use another copy");
}

static int ask_running(na_reader *reader, const question *q, const char *path, answer *a,
                       na_error *err)
{
  size_t length = strlen(path);
  if (length >= NA_H5_FLAT_MOST) return na_fail(err, NA_EINVAL, "a path is too long");
  memcpy(reader->window, path, length + 1);
  *a = (answer){.code = NA_OK};
  if (!talk(reader, q, a)) return died(reader, q->what == OPEN ? "its beginning" : path, err);
  if (a->code != NA_OK && err != NULL && err->code == 0) *err = a->err;
  return a->code;
}

/* A process that has the file open, and the answer to a question about `path` in it. */
static int ask(na_reader *reader, const question *q, const char *path, answer *a, na_error *err)
{
  if (reader->process == 0) {
    const question open = {.what = OPEN};
    int code = start(reader, err);
    if (code == NA_OK) code = ask_running(reader, &open, reader->path, a, err);
    if (code != NA_OK) {
      stop(reader);
      return code;
    }
  }
  return ask_running(reader, q, path, a, err);
}

int na_reader_open(na_reader **out, const char *path, na_error *err)
{
  *out = NULL;
  na_reader *reader = na_alloc(sizeof *reader);
  if (reader == NULL) return na_fail_memory(err, sizeof *reader, "an open file");
  reader->socket = -1;
  reader->path = na_strdup(path);
  reader->window =
      mmap(NULL, NA_H5_FLAT_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (reader->window == MAP_FAILED) reader->window = NULL;
  int code = reader->path != NULL && reader->window != NULL
                 ? NA_OK
                 : na_fail_memory(err, NA_H5_FLAT_MOST, "an open file");
  na_h5_about about;
  if (code == NA_OK) code = na_reader_describe(reader, "/", &about, err);
  if (code == NA_OK) *out = reader;
  else na_reader_close(reader);
  return code;
}

void na_reader_close(na_reader *reader)
{
  if (reader == NULL) return;
  stop(reader);
  if (reader->window != NULL) munmap(reader->window, NA_H5_FLAT_MOST);
  na_free(reader->path);
  na_free(reader);
}

const char *na_reader_path(const na_reader *reader) { return reader->path; }

void na_reader_refresh(na_reader *reader) { stop(reader); }

pid_t na_reader_process(const na_reader *reader) { return reader->process; }

/* ------------------------------------------------------------------------- the questions */

/* What came back must be what it says: a process that is going mad may have written it. */
static bool is_sound(const na_h5_list *list, size_t bytes)
{
  if (bytes < sizeof *list + 1 || list->bytes != bytes || ((const char *)list)[bytes - 1] != '\0')
    return false;
  if (list->count > (bytes - sizeof *list) / sizeof list->members[0]) return false;
  for (size_t i = 0; i < list->count; i++)
    if (list->members[i].name >= bytes || list->members[i].target >= bytes) return false;
  return true;
}

int na_reader_list(na_reader *reader, const char *path, na_h5_list **list, na_error *err)
{
  const question q = {.what = LIST};
  answer a;
  *list = NULL;
  int code = ask(reader, &q, path, &a, err);
  if (code != NA_OK) return code;
  na_h5_list *copy = na_alloc(a.bytes + 1);
  if (copy == NULL) return na_fail_memory(err, a.bytes, "a list of names");
  memcpy(copy, reader->window, a.bytes);
  if (!is_sound(copy, a.bytes)) {
    na_free(copy);
    return died(reader, path, err);
  }
  *list = copy;
  return NA_OK;
}

int na_reader_describe(na_reader *reader, const char *path, na_h5_about *about, na_error *err)
{
  const question q = {.what = DESCRIBE};
  answer a;
  *about = (na_h5_about){.rank = -1};
  int code = ask(reader, &q, path, &a, err);
  if (code != NA_OK) return code;
  if (a.bytes != sizeof *about) return died(reader, path, err);
  memcpy(about, reader->window, sizeof *about);
  about->target[sizeof about->target - 1] = about->type[sizeof about->type - 1] = '\0';
  about->layout[sizeof about->layout - 1] = about->filters[sizeof about->filters - 1] = '\0';
  about->trouble[sizeof about->trouble - 1] = about->fields[sizeof about->fields - 1] = '\0';
  if (about->rank < -1 || about->rank > NA_H5_RANK_MOST) return died(reader, path, err);
  return NA_OK;
}

int na_reader_numbers(na_reader *reader, const char *path, const na_h5_part *part, double *out,
                      size_t room, na_error *err)
{
  const question q = {.what = NUMBERS, .part = *part, .room = NA_READER_VALUES};
  answer a;
  long long count = na_h5_part_count(part);
  if (count < 0 || (size_t)count > room || count > NA_READER_VALUES)
    return na_fail(err, NA_ESHAPE, "%.200s: there is no room for that many values", path);
  int code = ask(reader, &q, path, &a, err);
  if (code != NA_OK) return code;
  if (a.bytes != (size_t)count * sizeof *out) return died(reader, path, err);
  memcpy(out, reader->window, a.bytes);
  return NA_OK;
}

/* Takes texts over, which end in NUL. */
static int ask_texts(na_reader *reader, const question *q, const char *path, na_buffer *out,
                     na_error *err)
{
  answer a;
  int code = ask(reader, q, path, &a, err);
  if (code != NA_OK) return code;
  if (a.bytes > 0 && reader->window[a.bytes - 1] != '\0') return died(reader, path, err);
  for (size_t at = 0; at < a.bytes; at += strlen(reader->window + at) + 1)
    na_buffer_add(out, "%s%c", reader->window + at, '\0');
  return out->failed ? na_fail_memory(err, a.bytes, "texts") : NA_OK;
}

int na_reader_texts(na_reader *reader, const char *path, const na_h5_part *part, size_t each,
                    na_buffer *out, na_error *err)
{
  const question q = {.what = TEXTS, .part = *part, .each = each};
  return ask_texts(reader, &q, path, out, err);
}

int na_reader_attributes(na_reader *reader, const char *path, size_t each, na_buffer *out,
                         na_error *err)
{
  const question q = {.what = ATTRIBUTES, .each = each};
  return ask_texts(reader, &q, path, out, err);
}
