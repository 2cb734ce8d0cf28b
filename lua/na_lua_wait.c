/* Long work in C, while the screen goes on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lua/na_lua_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { NAP_MS = 5 };

typedef struct job {
  int (*work)(void *context, na_error *err);
  void *context;
  na_error *err;
  int code;
  atomic_bool done;
} job;

static void *do_job(void *context)
{
  job *j = context;
  j->code = j->work(j->context, j->err);
  atomic_store(&j->done, true);
  return NULL;
}

/* Signals are the main thread's. */
static bool start(pthread_t *thread, job *j)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(thread, NULL, do_job, j) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void na_lua_serve_now(na_lua *lua)
{
  if (lua->serve != NULL && lua->active != NULL) lua->serve(lua->served);
}

int na_lua_wait(lua_State *L, int (*work)(void *context, na_error *err), void *context,
                na_error *err)
{
  na_lua *lua = na_lua_of(L);
  const struct timespec nap = {0, NAP_MS * 1000000L};
  job j = {.work = work, .context = context, .err = err};
  pthread_t thread;
  bool served = lua->serve != NULL && lua->active != NULL;
  if (!served || !start(&thread, &j)) return work(context, err);
  while (!atomic_load(&j.done)) {
    nanosleep(&nap, NULL);
    na_lua_serve_now(lua);
  }
  pthread_join(thread, NULL);
  return j.code;
}
