/* Runs the self-checking scripts of tests/lua, and tests the prompt: lines, values, unfinished
 * statements, completion, interrupts, the end of scripts.
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "tests/lua_state.h"
#include "tests/run_folders.h"

#include <signal.h>
#include <sys/time.h>

/* A script raises an error where a check of its own fails. */
static void run_script(const char *name)
{
  lua_state s;
  char path[512];
  na_error err = {0};
  const char *top = getenv("NETAUG_SRCDIR");
  snprintf(path, sizeof path, "%s/tests/lua/%s.lua", top != NULL ? top : "..", name);
  state_open(&s, NULL);
  CHECK_OK(na_lua_start(s.lua, path, 0, NULL, &err), err);
  CHECK(strstr(state_text(&s), "checked") != NULL, "%s.lua came to its end, printed %s", name,
        state_text(&s));
  state_close(&s);
}

static void script_tensor(void)
{
  run_script("tensor");
}
static void script_net(void)
{
  run_script("net");
}
static void script_models(void)
{
  run_script("models");
}
static void script_experiment(void)
{
  run_script("experiment");
}
static void script_help(void)
{
  run_script("help");
}
static void script_show(void)
{
  run_script("show");
}

/* -------------------------------------------------------------------------------- lines */

static void line_prints(lua_state *s, const char *line, const char *wanted)
{
  na_error err = {0};
  state_forget(s);
  CHECK(na_lua_line(s->lua, line, &err) == NA_LUA_DONE, "%s: %s", line, err.message);
  CHECK(strcmp(state_text(s), wanted) == 0, "%s prints \"%s\", not \"%s\"", line, wanted,
        state_text(s));
}

static void lines(void)
{
  lua_state s;
  state_open(&s, NULL);
  line_prints(&s, "1 + 1", "2\n");
  line_prints(&s, "1, nil, 'x'", "1\tnil\tx\n");
  line_prints(&s, "a = 5", "");
  line_prints(&s, "a * 2", "10\n");
  line_prints(&s, "print('b', 3)", "b\t3\n");
  line_prints(&s, "{ 3, x = { true } }", "{ 3, x = { true } }\n");
  line_prints(&s, "for i = 1, 2 do print(i) end", "1\n2\n");
  line_prints(&s, "", "");
  state_close(&s);
}

/* Runs in folders, compared from Lua. */
static void verdicts(void)
{
  lua_state s;
  char line[512];
  na_error err = {0};
  state_open(&s, NULL);
  runs_make();
  runs_two_arms(5);
  run_make(&(made_run){"steered", "NetAug", "augment.width = 1, 2, 3\n", 9, 4, 4, 0.9, "set train.lr = 1",
                       NULL});
  snprintf(line, sizeof line, "v = netaug.verdict { runs = '%s' }", runs_folder);
  line_prints(&s, line, "");
  line_prints(&s, "print(v)",
              "NetAug is better than baseline by 0.64 points (95% interval 0.43 to 0.85, paired t p = 0.00104, "
              "sign-flip p = 0.0625, d = 3.8, 5 seeds)\n"
              "left out: steered is steered (set train.lr = 1 after step 150)\n");
  line_prints(&s, "#v, v[1].outcome, v[1].pairs, v.arms[1].name, v.arms[1].n, #v.arms[2].values",
              "1\tbetter\t5\tNetAug\t5\t5\n");
  line_prints(&s, "('%.2f'):format(v.arms[2].mean)", "89.03\n");
  static const char *const wrong[][2] = {
      {"netaug.verdict { run = 'x' }", "\"run\""},
      {"netaug.verdict { runs = {} }", "runs takes a text"},
      {"netaug.verdict { runs = '/nonexistent' }", "cannot read /nonexistent"},
      {"netaug.verdict { runs = v.folder or '%s', metric = 'topp1' }", "topp1"},
      {"netaug.verdict { runs = '%s', test = 'u' }", "\"u\""},
      {"netaug.verdict { runs = '%s', control = 'plain' }", "no arm is called"},
      {"netaug.verdict { runs = '%s', alpha = 2 }", "alpha"}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    na_buffer full = {0};
    const char *place = strstr(wrong[i][0], "%s");
    if (place != NULL)
      na_buffer_add(&full, "%.*s%s%s", (int)(place - wrong[i][0]), wrong[i][0], runs_folder, place + 2);
    else
      na_buffer_add(&full, "%s", wrong[i][0]);
    CHECK_FAILS(na_lua_line(s.lua, full.data, &err), NA_EINVAL, wrong[i][1], err);
    na_free(full.data);
  }
  runs_remove();
  state_close(&s);
}

static void unfinished(void)
{
  static const struct {
    const char *line;
    int incomplete;
  } cases[] = {{"for i = 1, 2 do", 1}, {"x = {", 1},   {"print(", 1},       {"x = 1", 0},
               {"1 + 1", 0},           {"x = = 1", 0}, {"function f()", 1}, {"end", 0},
               {"[[ long text", 1},    {"", 0}};
  lua_state s;
  state_open(&s, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    CHECK(na_lua_incomplete(s.lua, cases[i].line) == cases[i].incomplete, "\"%s\" is %s",
          cases[i].line, cases[i].incomplete ? "unfinished" : "finished");
  state_close(&s);
}

static void completes(na_lua *lua, const char *line, const char *word, const char *wanted)
{
  char **matches = na_lua_complete(lua, line, word);
  int found = wanted == NULL && matches == NULL;
  for (int i = 0; matches != NULL && matches[i] != NULL; i++) {
    if (wanted != NULL && strcmp(matches[i], wanted) == 0) found = 1;
    CHECK(strncmp(matches[i], word, strlen(word)) == 0, "%s begins as \"%s\"", matches[i], word);
    free(matches[i]);
  }
  free(matches);
  CHECK(found, "\"%s\" with \"%s\" completes to %s", line, word,
        wanted != NULL ? wanted : "nothing");
}

static void completion(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, NULL);
  CHECK_OK(na_lua_line(s.lua, "n = netaug.build(netaug.models.tiny())", &err), err);
  completes(s.lua, "pri", "pri", "print");
  completes(s.lua, "netaug.mo", "netaug.mo", "netaug.models");
  completes(s.lua, "x = netaug.mo", "mo", "models");
  completes(s.lua, "netaug.models.mobilenetv2_t", "mobilenetv2_t", "mobilenetv2_tiny");
  completes(s.lua, "n:par", "n:par", "n:param");
  completes(s.lua, "n.na", "na", "name");
  completes(s.lua, "netaug.experiment { train = { label", "label", "label_smoothing");
  completes(s.lua, "netaug.experiment { augment = { exp", "exp", "expand");
  completes(s.lua, "netaug.experiment { mo", "mo", "model");
  completes(s.lua, "netaug.dataset('x', { bat", "bat", "batch");
  completes(s.lua, "netaug.models.tiny { cla", "cla", "classes");
  completes(s.lua, "nothing.here", "nothing.here", NULL);
  completes(s.lua, "zzz", "zzz", NULL);
  state_close(&s);
}

/* --------------------------------------------------------------------------- interrupting */

static na_lua *interrupted_lua;

static void on_alarm(int signal)
{
  (void)signal;
  na_lua_interrupt(interrupted_lua);
}

static void interrupts(const char *line)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, NULL);
  interrupted_lua = s.lua;
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 50000}}, NULL);
  CHECK_FAILS(na_lua_line(s.lua, line, &err), NA_EINVAL, "interrupted", err);
  /* One that comes when nothing runs hits nothing. */
  na_lua_interrupt(s.lua);
  CHECK_OK(na_lua_line(s.lua, "x = 1", &err), err);
  signal(SIGALRM, SIG_DFL);
  state_close(&s);
}

static void interrupt_loop(void)
{
  interrupts("while true do end");
}
static void interrupt_function(void)
{
  interrupts("local function f() return f() end f()");
}
static void interrupt_coroutine(void)
{
  interrupts("coroutine.wrap(function() while true do end end)()");
}

/* ------------------------------------------------------------------------------- scripts */

static int run_text(lua_state *s, const char *text, int argc, char **argv, na_error *err)
{
  char folder[64], path[256];
  scratch_make(folder);
  scratch_write(path, folder, "script.lua", text);
  int code = na_lua_start(s->lua, path, argc, argv, err);
  scratch_remove(folder);
  return code;
}

static void scripts(void)
{
  lua_state s;
  na_error err = {0};
  char one[] = "one", two[] = "two", *argv[] = {one, two};
  state_open(&s, NULL);
  CHECK_OK(run_text(&s, "#!/usr/bin/netaug run\nprint(#arg, arg[1], arg[2], arg[0] ~= nil)", 2,
                    argv, &err),
           err);
  CHECK(strcmp(state_text(&s), "2\tone\ttwo\ttrue\n") == 0, "arg is set: %s", state_text(&s));
  state_forget(&s);
  CHECK_OK(run_text(&s,
                    "local guard <close> = setmetatable({}, { __close = function() print('closed') "
                    "end })\nos.exit(0)",
                    0, NULL, &err),
           err);
  CHECK(strcmp(state_text(&s), "closed\n") == 0, "os.exit unwinds: %s", state_text(&s));
  CHECK_OK(run_text(&s, "os.exit()", 0, NULL, &err), err);
  CHECK_OK(run_text(&s, "os.exit(true)", 0, NULL, &err), err);
  CHECK_FAILS(run_text(&s, "os.exit(3)", 0, NULL, &err), NA_ESTOPPED, "status 3", err);
  CHECK_FAILS(run_text(&s, "os.exit(false)", 0, NULL, &err), NA_ESTOPPED, "status 1", err);
  state_close(&s);
}

static void traceback(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, NULL);
  na_lua_line(s.lua, "local function inner() error('x') end inner()", &err);
  CHECK(strstr(state_text(&s), "traceback") == NULL, "no traceback unasked");
  state_close(&s);
  s = (lua_state){0};
  na_lua_setup setup = {.print = state_print, .context = &s, .traceback = true};
  na_error_clear(&err);
  CHECK_OK(na_lua_new(&s.lua, &setup, &err), err);
  na_lua_line(s.lua, "local function inner() error('x') end inner()", &err);
  CHECK(strstr(state_text(&s), "inner") != NULL, "a traceback on request: %s", state_text(&s));
  state_close(&s);
}

static void help_text(void)
{
  lua_state s;
  na_buffer out = {0};
  state_open(&s, NULL);
  na_lua_help(s.lua, &out);
  CHECK(out.data != NULL && strstr(out.data, "netaug.experiment {") != NULL,
        "help names experiment");
  CHECK(out.data != NULL && strstr(out.data, "experiment:run([") != NULL, "help names exp:run");
  na_free(out.data);
  state_close(&s);
}

static void missing_library(void)
{
  na_error err = {0};
  na_lua *lua = NULL;
  char *kept = na_strdup(getenv("NETAUG_LUA"));
  setenv("NETAUG_LUA", "/nowhere", 1);
  CHECK_FAILS(na_lua_new(&lua, NULL, &err), NA_EIO, "/nowhere", err);
  CHECK(lua == NULL, "no state");
  if (kept != NULL) setenv("NETAUG_LUA", kept, 1);
  na_free(kept);
}

int main(void)
{
  RUN(script_tensor);
  RUN(script_net);
  RUN(script_models);
  RUN(script_experiment);
  RUN(script_help);
  RUN(script_show);
  RUN(lines);
  RUN(verdicts);
  RUN(unfinished);
  RUN(completion);
  RUN(interrupt_loop);
  RUN(interrupt_function);
  RUN(interrupt_coroutine);
  RUN(scripts);
  RUN(traceback);
  RUN(help_text);
  RUN(missing_library);
  return CHECK_EXIT();
}
