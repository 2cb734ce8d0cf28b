/* The prompt's completion: names of Lua, and files within quotes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "tests/check.h"
#include "tui/prompt.h"

#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
  completes("run:set { lab", 3, "label_smoothing");
  completes("run:set { augment = { wid", 3, "width");
  completes("exp:record { lay", 3, "layers");
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

/* Names of runs, and paths within HDF5 files. */
static void runs_and_objects(void)
{
  char root[] = "/tmp/netaug-prompt.XXXXXX";
  na_error err = {0};
  CHECK(mkdtemp(root) != NULL && chdir(root) == 0, "a folder to work in");
  mkdir("runs", 0777);
  mkdir("runs/tiny-r3", 0777);
  CHECK_OK(na_lua_line(lua, "netaug.build(netaug.models.tiny { classes = 10 }):save('x.h5')", &err), err);
  touch("broken.h5");
  completes("f('tiny-", 5, "runs/tiny-r3/");
  completes("f('x.", 2, "x.h5");
  completes("f('x.h5', 'para", 4, "params/");
  completes("f('x.h5', 'params/head.op_list.0.norm.", 27, "params/head.op_list.0.norm.bias params/head.op_list.0.norm.weight");
  completes("f('x.h5', '/para", 5, "/params/");
  completes("f('broken.h5', 'para", 4, ""); /* no HDF5 at all */
  completes("f('nofile.h5', 'x.", 2, "x.h5");
  remove("x.h5");
  remove("broken.h5");
  rmdir("runs/tiny-r3");
  rmdir("runs");
  CHECK(chdir("/") == 0 && rmdir(root) == 0, "the folder is empty again");
}

static void statements(void)
{
  CHECK(!na_prompt_incomplete(lua, "?function"), "a question is one line");
  CHECK(!na_prompt_incomplete(lua, " !echo ("), "so is a command");
  CHECK(na_prompt_incomplete(lua, "f("), "a call that goes on");
}

/* netaug repl on a terminal of its own, with its history under `state`. */
static int open_session(const char *state, pid_t *pid)
{
  char program[512];
  const char *built = getenv("NETAUG_BUILDDIR");
  int terminal = -1;
  snprintf(program, sizeof program, "%s/netaug", built != NULL ? built : ".");
  *pid = forkpty(&terminal, NULL, NULL, NULL);
  if (*pid == 0) {
    setenv("XDG_STATE_HOME", state, 1);
    setenv("TERM", "dumb", 1);
    execl(program, "netaug", "repl", (char *)NULL);
    _exit(127);
  }
  return terminal;
}

/* Reads until the session has said `wanted`, and then shown its prompt: what is typed before that may be
 * lost, since the terminal changes its mode in between. */
static bool hears(int terminal, const char *wanted)
{
  char said[8192] = "";
  size_t length = 0;
  for (;;) {
    const char *found = strstr(said, wanted);
    if (found != NULL && strstr(found + strlen(wanted), "> ") != NULL) return true;
    if (length == sizeof said - 1) return false;
    ssize_t got = read(terminal, said + length, sizeof said - 1 - length);
    if (got <= 0) return false;
    said[length += (size_t)got] = '\0';
  }
}

static void type(int terminal, const char *text)
{
  CHECK(write(terminal, text, strlen(text)) == (ssize_t)strlen(text), "cannot type");
}

/* Two sessions at once, of which one begins before the other has saved: neither loses its lines. */
static void history_of_two_sessions(void)
{
  char state[] = "/tmp/netaug-history.XXXXXX", path[128], text[512] = "";
  pid_t pids[3];
  int terminals[3];
  CHECK(mkdtemp(state) != NULL, "a folder");
  for (int i = 0; i < 3; i++) {
    if (i == 2) /* the first two are over: what they left is read */
      for (int k = 0; k < 2; k++) {
        type(terminals[k], "\004");
        waitpid(pids[k], NULL, 0);
      }
    char line[64], answer[64];
    terminals[i] = open_session(state, &pids[i]);
    CHECK(hears(terminals[i], ""), "session %d does not begin", i);
    snprintf(line, sizeof line, "%d000 + %d\r", i + 1, i + 1);
    snprintf(answer, sizeof answer, "%d00%d", i + 1, i + 1);
    type(terminals[i], line);
    CHECK(hears(terminals[i], answer), "session %d does not answer", i);
  }
  type(terminals[2], "\004");
  waitpid(pids[2], NULL, 0);
  for (int i = 0; i < 3; i++) close(terminals[i]);
  snprintf(path, sizeof path, "%s/netaug/history", state);
  FILE *file = fopen(path, "r");
  if (file != NULL) text[fread(text, 1, sizeof text - 1, file)] = '\0';
  if (file != NULL) fclose(file);
  CHECK(strcmp(text, "1000 + 1\n2000 + 2\n3000 + 3\n") == 0, "the history is\n%s", text);
  remove(path);
  snprintf(path, sizeof path, "%s/netaug", state);
  CHECK(rmdir(path) == 0 && rmdir(state) == 0, "nothing else is left");
}

int main(void)
{
  na_error err = {0};
  CHECK_OK(na_lua_new(&lua, NULL, &err), err);
  if (lua == NULL) return CHECK_EXIT();
  RUN(names);
  RUN(files);
  RUN(runs_and_objects);
  RUN(statements);
  RUN(history_of_two_sessions);
  na_lua_free(lua);
  return CHECK_EXIT();
}
