/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/team.h"
#include "core/base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* A worker looks for the next loop this many times before it sleeps: long enough to bridge the
 * serial code between two layers, short enough not to burn a core between two steps. */
enum { SPINS = 4000 };

/* The units that a worker does first, in lines of the caches of its own. */
typedef struct share {
  _Alignas(64) atomic_int next;
  int end;
} share;

struct na_team {
  int size;
  pthread_t *threads;
  share *shares;         /* [size] */
  na_task *task;
  void *context;
  atomic_int busy;       /* helpers that have not finished the current loop */
  atomic_uint loop;      /* number of the current loop */
  atomic_int quit;
  pthread_mutex_t mutex; /* guards sleeping on loop and on busy */
  pthread_cond_t started;
};

typedef struct helper {
  na_team *team;
  int worker;
} helper;

int na_processors(void)
{
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count;
}

static void pause_cpu(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Its own share first, then what others have not begun. */
static void work(na_team *team, int worker)
{
  for (int i = 0; i < team->size; i++) {
    share *s = &team->shares[(worker + i) % team->size];
    for (;;) {
      int unit = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
      if (unit >= s->end) break;
      team->task(team->context, unit, worker);
    }
  }
}

static void wait_for_loop(na_team *team, unsigned seen)
{
  for (int spin = 0; spin < SPINS; spin++) {
    if (atomic_load_explicit(&team->loop, memory_order_acquire) != seen) return;
    pause_cpu();
  }
  pthread_mutex_lock(&team->mutex);
  while (atomic_load_explicit(&team->loop, memory_order_acquire) == seen)
    pthread_cond_wait(&team->started, &team->mutex);
  pthread_mutex_unlock(&team->mutex);
}

static void *help(void *argument)
{
  helper me = *(helper *)argument;
  na_free(argument);
  na_team *team = me.team;
  for (unsigned seen = 0;;) {
    wait_for_loop(team, seen);
    seen++;
    if (atomic_load(&team->quit)) return NULL;
    work(team, me.worker);
    atomic_fetch_sub_explicit(&team->busy, 1, memory_order_release);
  }
}

static void start_loop(na_team *team)
{
  pthread_mutex_lock(&team->mutex);
  atomic_fetch_add_explicit(&team->loop, 1, memory_order_release);
  pthread_cond_broadcast(&team->started);
  pthread_mutex_unlock(&team->mutex);
}

void na_team_run(na_team *team, na_task *task, void *context, int units)
{
  if (team->size == 1 || units <= 1) {
    for (int unit = 0; unit < units; unit++) task(context, unit, 0);
    return;
  }
  team->task = task;
  team->context = context;
  for (int w = 0; w < team->size; w++) {
    atomic_store_explicit(&team->shares[w].next, (int)((long)units * w / team->size), memory_order_relaxed);
    team->shares[w].end = (int)((long)units * (w + 1) / team->size);
  }
  atomic_store_explicit(&team->busy, team->size - 1, memory_order_relaxed);
  start_loop(team);
  work(team, 0);
  for (int spin = 0; atomic_load_explicit(&team->busy, memory_order_acquire) > 0; spin++) {
    /* The processors may be shared: give way rather than spin against the helper we wait for. */
    if (spin < SPINS) pause_cpu();
    else sched_yield();
  }
}

int na_team_size(const na_team *team) { return team->size; }

static int start_helpers(na_team *team, int threads)
{
  for (; team->size < threads; team->size++) {
    helper *me = na_alloc(sizeof *me);
    if (me == NULL) return NA_ENOMEM;
    *me = (helper){team, team->size};
    if (pthread_create(&team->threads[team->size], NULL, help, me) != 0) {
      na_free(me);
      return NA_ENOMEM;
    }
  }
  return NA_OK;
}

int na_team_new(na_team **out, int threads, na_error *err)
{
  *out = NULL;
  if (threads < 0 || threads > 1024)
    return na_fail(err, NA_EINVAL, "threads is %d: it must be 0 (automatic) to 1024", threads);
  if (threads == 0) threads = na_processors();
  na_team *team = na_alloc(sizeof *team);
  if (team == NULL) return na_fail_memory(err, sizeof *team, "the thread team");
  team->size = 1;
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->started, NULL);
  team->threads = na_alloc_array((size_t)threads, sizeof *team->threads);
  team->shares = na_alloc_array((size_t)threads, sizeof *team->shares);
  if (team->threads == NULL || team->shares == NULL || start_helpers(team, threads) != NA_OK) {
    na_team_free(team);
    return na_fail(err, NA_ENOMEM, "cannot start %d threads", threads);
  }
  *out = team;
  return NA_OK;
}

void na_team_free(na_team *team)
{
  if (team == NULL) return;
  atomic_store(&team->quit, 1);
  start_loop(team);
  for (int worker = 1; worker < team->size; worker++) pthread_join(team->threads[worker], NULL);
  pthread_cond_destroy(&team->started);
  pthread_mutex_destroy(&team->mutex);
  na_free(team->threads);
  na_free(team->shares);
  na_free(team);
}
