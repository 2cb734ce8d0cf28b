/* What the tests of lua/ share: a state that keeps what scripts print.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LUA_STATE_H
#define LUA_STATE_H

#include "core/base/memory.h"
#include "lua/na_lua.h"
#include "tests/check.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct lua_state {
  na_lua *lua;
  na_buffer printed;
} lua_state;

static inline void state_print(void *context, const char *text)
{
  na_buffer_add(&((lua_state *)context)->printed, "%s", text);
}

/* runs may be NULL. */
static inline void state_open(lua_state *s, const char *runs)
{
  na_error err = {0};
  *s = (lua_state){0};
  na_lua_setup setup = {.print = state_print, .context = s, .runs = runs};
  if (na_lua_new(&s->lua, &setup, &err) == NA_OK) return;
  printf("%s\n%s\nnot ok a Lua state\n", err.message, err.hint);
  exit(EXIT_FAILURE);
}

static inline void state_close(lua_state *s)
{
  na_lua_free(s->lua);
  na_free(s->printed.data);
  *s = (lua_state){0};
}

/* What was printed so far; forgets it at the next call of state_forget. */
static inline const char *state_text(const lua_state *s)
{
  return s->printed.data != NULL ? s->printed.data : "";
}

static inline void state_forget(lua_state *s)
{
  s->printed.length = 0;
  if (s->printed.data != NULL) s->printed.data[0] = '\0';
}

/* A folder for a test's files, and its end. */
static inline void scratch_make(char path[64])
{
  snprintf(path, 64, "/tmp/netaug-test-XXXXXX");
  if (mkdtemp(path) == NULL) {
    perror("mkdtemp");
    exit(EXIT_FAILURE);
  }
}

static inline void scratch_remove(const char *path)
{
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", path);
  if (strncmp(path, "/tmp/netaug-test-", 17) == 0 && system(command) != 0)
    printf("  cannot remove %s\n", path);
}

/* Writes text to FOLDER/NAME; path gets it. */
static inline void scratch_write(char path[256], const char *folder,
                                                  const char *name, const char *text)
{
  snprintf(path, 256, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
    perror(path);
    exit(EXIT_FAILURE);
  }
}

#endif
