/* The prompt's completion: names of Lua, and files within quotes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tui/prompt.h"

#include <sys/stat.h>
#include <unistd.h>

static na_lua *lua;

/* The completions of line, of which the last `length` characters are the word, joined by blanks. */
static void completes(const char *line, int length, const char *wanted)
{
  na_buffer got = {0};
  char **found = na_prompt_complete(lua, line, (int)strlen(line) - length);
  for (int i = 0; found != NULL && found[i] != NULL; i++) {
    na_buffer_add(&got, "%s%s", i > 0 ? " " : "", found[i]);
    na_free(found[i]);
  }
  na_free(found);
  CHECK(strcmp(got.data != NULL ? got.data : "", wanted) == 0, "%s: \"%s\", wanted \"%s\"", line,
        got.data != NULL ? got.data : "", wanted);
  na_free(got.data);
}

static void names(void)
{
  completes("netaug.models.mcun", 18, "netaug.models.mcunet netaug.models.mcunet_small");
  completes("x = 'a' .. tostr", 5, "tostring");
  completes("s = netaug.sweep { ba", 2, "base");
  completes("print(nosuchthing", 11, "");
}

static void touch(const char *path)
{
  FILE *file = fopen(path, "w");
  CHECK(file != NULL, "cannot write %s", path);
  if (file != NULL) fclose(file);
}

static void files(void)
{
  char root[] = "/tmp/netaug-prompt.XXXXXX";
  CHECK(mkdtemp(root) != NULL && chdir(root) == 0, "a folder to work in");
  mkdir("runs", 0777);
  touch("runs/best one.h5");
  touch("runs/best-two.h5");
  touch("runs/.hidden");
  completes("netaug.load(\"ru", 2, "runs/");
  completes("netaug.load(\"runs/", 0, "best one.h5 best-two.h5");
  completes("netaug.load('runs/best-", 0, "two.h5"); /* words end at a dash */
  completes("netaug.load('runs/best o", 1, "one.h5");
  completes("netaug.load('runs/.h", 2, ".hidden");
  completes("netaug.load('nowhere/x", 1, "");
  completes("f('it\\'s', \"ru", 2, "runs/"); /* an escaped quote ends nothing */
  remove("runs/best one.h5");
  remove("runs/best-two.h5");
  remove("runs/.hidden");
  rmdir("runs");
  CHECK(chdir("/") == 0 && rmdir(root) == 0, "the folder is empty again");
}

static void statements(void)
{
  CHECK(!na_prompt_incomplete(lua, "?function"), "a question is one line");
  CHECK(!na_prompt_incomplete(lua, " !echo ("), "so is a command");
  CHECK(na_prompt_incomplete(lua, "f("), "a call that goes on");
}

int main(void)
{
  na_error err = {0};
  CHECK_OK(na_lua_new(&lua, NULL, &err), err);
  if (lua == NULL) return CHECK_EXIT();
  RUN(names);
  RUN(files);
  RUN(statements);
  na_lua_free(lua);
  return CHECK_EXIT();
}
