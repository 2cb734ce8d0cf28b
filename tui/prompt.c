/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/prompt.h"
#include "core/base/memory.h"
#include "core/store/reader.h"

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

/* What is being typed within quotes: a path whose last part begins a name. Readline replaces `word`, which
 * begins behind the path's last blank, dash or slash: matches begin as it does. */
typedef struct typed {
  const char *start; /* of the last part */
  size_t length;
  char before[4096]; /* of word, what stands before that part */
  size_t skip;       /* of the part, what stands before word */
} typed;

static void split(typed *t, const char *path, const char *word)
{
  const char *slash = strrchr(path, '/');
  size_t kept = strlen(word);
  t->start = slash != NULL ? slash + 1 : path;
  t->length = strlen(t->start);
  t->before[0] = '\0';
  t->skip = kept < t->length ? t->length - kept : 0;
  if (kept > t->length)
    snprintf(t->before, sizeof t->before, "%.*s", (int)(kept - t->length), word);
}

/* Adds name when it begins as the last part does; false when out of memory. */
static bool offer(matches *found, const typed *t, const char *name, bool folder)
{
  char shown[8192];
  if (strncmp(name, t->start, t->length) != 0) return true;
  snprintf(shown, sizeof shown, "%s%.4000s%s", t->before, name + t->skip, folder ? "/" : "");
  return add_match(found, shown);
}

/* Files whose path begins with `path`. */
static void complete_file(matches *found, const char *path, const char *word)
{
  typed t;
  char folder[4096];
  const char *slash = strrchr(path, '/');
  if (strlen(path) >= sizeof folder) return;
  split(&t, path, word);
  snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
           slash != NULL ? path : ".");
  DIR *open = opendir(folder);
  if (open == NULL) return;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
    const char *name = entry->d_name;
    if (name[0] == '.' && t.start[0] != '.') continue;
    if (!offer(found, &t, name, is_folder(folder, name))) break;
  }
  closedir(open);
}

/* Folders of runs whose name begins as a word without slashes does. */
static void complete_run(matches *found, const char *runs, const char *path, const char *word)
{
  if (path[0] == '\0' || strcmp(path, word) != 0 || strchr(path, '/') != NULL) return;
  DIR *open = opendir(runs);
  if (open == NULL) return;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
    char shown[8192];
    if (strncmp(entry->d_name, path, strlen(path)) != 0 || !is_folder(runs, entry->d_name)) continue;
    snprintf(shown, sizeof shown, "%.4000s/%s/", runs, entry->d_name);
    if (!add_match(found, shown)) break;
  }
  closedir(open);
}

/* Objects of an HDF5 file whose path begins with `path`. The file may be anybody's. */
static void complete_object(matches *found, const char *file, const char *path, const char *word)
{
  typed t;
  char group[4096] = "/";
  na_reader *reader;
  na_h5_list *list = NULL;
  const char *slash = strrchr(path, '/');
  if (strlen(path) >= sizeof group - 1) return;
  split(&t, path, word);
  if (slash != NULL && slash > path) snprintf(group, sizeof group, "%.*s", (int)(slash - path), path);
  if (na_reader_open(&reader, file, NULL) != NA_OK) return;
  if (na_reader_list(reader, group, &list, NULL) == NA_OK)
    for (size_t i = 0; i < list->count; i++)
      if (!offer(found, &t, na_h5_member_name(list, i), list->members[i].kind == NA_H5_KIND_GROUP)) break;
  na_free(list);
  na_reader_close(reader);
}

static bool is_h5(const char *path)
{
  struct stat info;
  size_t length = strlen(path);
  return length > 3 && strcmp(path + length - 3, ".h5") == 0 && stat(path, &info) == 0 &&
         S_ISREG(info.st_mode);
}

/* The last whole literal before `end` of line into out, where it names an HDF5 file: what is typed behind
 * it is a path in there. */
static bool find_h5(const char *line, const char *end, char out[4096])
{
  bool found = false;
  for (const char *c = line; c < end; c++) {
    if (*c != '"' && *c != '\'') continue;
    const char *close = memchr(c + 1, *c, (size_t)(end - c - 1));
    if (close == NULL) break;
    snprintf(out, 4096, "%.*s", (int)(close - c - 1), c + 1);
    found = is_h5(out);
    c = close;
  }
  return found;
}

bool na_prompt_within_quotes(const char *line)
{
  return open_literal(line) != NULL;
}

char **na_prompt_complete(na_lua *lua, const char *line, int start)
{
  matches found = {0};
  char file[4096];
  const char *literal = open_literal(line), *word = line + start;
  if (literal == NULL) return na_lua_complete(lua, line, word);
  if (word < literal) return NULL; /* the word began before the quote */
  if (find_h5(line, literal - 1, file)) complete_object(&found, file, literal, word);
  else {
    complete_file(&found, literal, word);
    if (found.count == 0) complete_run(&found, na_lua_runs(lua), literal, word);
  }
  if (found.count > 1) qsort(found.items, found.count, sizeof(char *), by_name);
  return found.items;
}
