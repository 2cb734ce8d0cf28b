/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/prompt.h"
#include "core/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *skip_blanks(const char *text)
{
  return text + strspn(text, " \t");
}

/* help("NAME"). */
static int show_help(na_lua *lua, const char *name, na_error *err)
{
  na_buffer call = {0};
  na_buffer_add(&call, "help(");
  if (name[0] != '\0') na_buffer_add(&call, "\"");
  for (const char *c = name; *c != '\0' && *c != '\n'; c++)
    na_buffer_add(&call, strchr("\"\\", *c) != NULL ? "\\%c" : "%c", *c);
  if (name[0] != '\0') na_buffer_add(&call, "\"");
  na_buffer_add(&call, ")");
  int code = call.failed ? na_fail_memory(err, strlen(name), "the question")
                         : na_lua_line(lua, call.data, err);
  na_free(call.data);
  return code;
}

static int run_shell(const char *command, na_error *err)
{
  if (command[0] == '\0') {
    na_fail(err, NA_EINVAL, "there is no command behind the !");
    return na_hint(err, "for example: !ls runs");
  }
  fflush(NULL);
  int status = system(command);
  if (status == -1) return na_fail(err, NA_EIO, "the shell cannot be run: %s", strerror(errno));
  if (WIFSIGNALED(status))
    return na_fail(err, NA_EINVAL, "the command was ended by signal %d", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    return na_fail(err, NA_EINVAL, "the command ended with status %d", WEXITSTATUS(status));
  return NA_OK;
}

int na_prompt_run(na_lua *lua, const char *text, na_error *err)
{
  const char *begin = skip_blanks(text);
  if (begin[0] == '?') return show_help(lua, skip_blanks(begin + 1), err);
  if (begin[0] == '!') return run_shell(skip_blanks(begin + 1), err);
  return na_lua_line(lua, text, err);
}

bool na_prompt_incomplete(na_lua *lua, const char *text)
{
  const char *begin = skip_blanks(text);
  return begin[0] != '?' && begin[0] != '!' && na_lua_incomplete(lua, text);
}

/* ----------------------------------------------------------------------------- completion */

/* Where the string literal begins that is open at the line's end, behind its quote; NULL: none. */
static const char *open_literal(const char *line)
{
  const char *begin = NULL;
  char quote = '\0';
  for (const char *c = line; *c != '\0'; c++)
    if (quote == '\0' && (*c == '"' || *c == '\'')) {
      quote = *c;
      begin = c + 1;
    } else if (quote != '\0' && *c == '\\' && c[1] != '\0')
      c++;
    else if (*c == quote)
      quote = '\0';
  return quote != '\0' ? begin : NULL;
}

static bool is_folder(const char *folder, const char *name)
{
  char path[4096];
  struct stat info;
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  return length < (int)sizeof path && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A list of texts that ends in NULL; empty it is NULL itself. */
typedef struct matches {
  void *items;
  size_t count, capacity;
} matches;

/* Adds a copy of it; false when out of memory. */
static bool add_match(matches *list, const char *match)
{
  char *copy = na_strdup(match);
  if (copy == NULL || na_grow(&list->items, list->count, &list->capacity, sizeof copy) != NA_OK) {
    na_free(copy);
    return false;
  }
  ((char **)list->items)[list->count] = copy;
  if (na_grow(&list->items, list->count + 1, &list->capacity, sizeof copy) != NA_OK) {
    ((char **)list->items)[list->count] = NULL;
    na_free(copy);
    return false;
  }
  ((char **)list->items)[++list->count] = NULL;
  return true;
}

/* Files whose path begins with `path`; matches begin as `word`, the last part of it, does. */
static char **complete_file(const char *path, const char *word)
{
  const char *slash = strrchr(path, '/'), *start = slash != NULL ? slash + 1 : path;
  char folder[4096], before[4096] = "";
  if (strlen(path) >= sizeof folder) return NULL;
  snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
           slash != NULL ? path : ".");
  size_t length = strlen(start), kept = strlen(word);
  if (kept > length) snprintf(before, sizeof before, "%.*s", (int)(kept - length), word);
  else start += length - kept; /* the word begins within the name: at a blank or a dash */
  const char *skipped = slash != NULL ? slash + 1 : path;
  size_t skip = (size_t)(start - skipped);
  DIR *open = opendir(folder);
  if (open == NULL) return NULL;
  matches found = {0};
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
    const char *name = entry->d_name;
    if (strncmp(name, skipped, length) != 0 || (name[0] == '.' && skipped[0] != '.')) continue;
    char shown[512];
    snprintf(shown, sizeof shown, "%s%s%s", before, name + skip, is_folder(folder, name) ? "/" : "");
    if (!add_match(&found, shown)) break;
  }
  closedir(open);
  if (found.count > 1) qsort(found.items, found.count, sizeof(char *), by_name);
  return found.items;
}

char **na_prompt_complete(na_lua *lua, const char *line, int start)
{
  const char *literal = open_literal(line), *word = line + start;
  return literal != NULL ? complete_file(literal, word) : na_lua_complete(lua, line, word);
}
