/* What scripts do wrong, and what they are told: message, hint, file and line.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lua_state.h"

typedef struct mistake {
  const char *script, *message, *hint; /* parts of what is said */
} mistake;

#define MODEL "local netaug = require 'netaug'\n"
#define EXPERIMENT(fields)                                                                         \
  MODEL "netaug.experiment { model = netaug.models.tiny {}, data = netaug.dataset('x'), " fields   \
        " }"

static const mistake syntax[] = {
    {"x = 1\ny = = 2\n", "script.lua:2: unexpected symbol near '='", ""},
    {"for i = 1, 2 do\n\nprint(i)\n", "script.lua:4: 'end' expected", ""},
    {"x = 'abc\n", "script.lua:1: unfinished string", ""},
    {"\n\nerror('boom')", "script.lua:3: boom", ""},
    {"local x = nil\nx.y = 1", "script.lua:2: attempt to index a nil value (local 'x')", ""},
    {"error({})", "table: ", ""},
    {"error(setmetatable({}, { __tostring = function() error('deep') end }))", "deep", ""},
    {"error()", "nil", ""},
    {"coroutine.yield()", "yields, but not to anything", ""},
    {"\033Lua", "script.lua is compiled Lua", "source"},
    {"require 'no.such.module'", "no.such.module", ""},
};

static const mistake models[] = {
    {MODEL "netaug.models.mobilnetv2 {}", "script.lua:2: netaug.models has no model \"mobilnetv2\"",
     "did you mean \"mobilenetv2\"?"},
    {MODEL "netaug.models.tiny { clases = 3 }",
     "script.lua:2: netaug.models.tiny has no option \"clases\"", "did you mean \"classes\"?"},
    {MODEL "netaug.models.tiny { classes = 'ten' }", "classes takes a number, but got \"ten\"", ""},
    {MODEL "netaug.models.tiny { classes = 0 }", "classes takes a whole number of at least 1", ""},
    {MODEL "netaug.models.tiny { classes = 2.5 }", "classes takes a whole number", ""},
    {MODEL "netaug.models.tiny(5)", "takes a table of options, but got 5", "classes"},
    {MODEL "netaug.models.tiny { width_mult = -1 }", "width_mult must lie between 0 and 16", ""},
    {MODEL "netaug.models.tiny { strides = { 1 } }", "has 2 stages, but strides lists 1", ""},
    {MODEL "netaug.models.tiny { strides = { 1, 0 } }", "stride takes a whole number from 1 to 16",
     ""},
    {MODEL "netaug.models.mcunet { width_mult = 0.5 }", "no width multiplier", ""},
    {MODEL "netaug.model { stem = { { 'konv', width = 8 } } }",
     "stem[1] has no block kind \"konv\"", "did you mean \"conv\"?"},
    {MODEL "netaug.model { stem = { { 'conv', widht = 8 } } }",
     "stem[1] (conv) has no key \"widht\"", "did you mean \"width\"?"},
    {MODEL "netaug.model { stem = { { 'conv', width = 'x' } } }",
     "width takes a whole number of channels, but got \"x\"", ""},
    {MODEL "netaug.model { stem = { { 'conv' } } }", "stem[1] (conv) lacks width", ""},
    {MODEL "netaug.model { stem = { { 'conv', width = 8, k = 4 } } }",
     "k takes an odd whole number", ""},
    {MODEL "netaug.model { stem = { { 'conv', width = 8, act = 'rellu' } } }",
     "act takes one of identity, relu", ""},
    {MODEL "netaug.model { stem = { 'conv', width = 0 } }", "width takes a whole number", ""},
    {MODEL "netaug.model { stem = { 5 } }", "stem[1] is 5, not a block", "a block is a table"},
    {MODEL "netaug.model { stem = 5 }", "stem takes a list of blocks, but got 5", ""},
    {MODEL "netaug.model { stages = { { { 'inverted', width = 8, expand = 2, mid = 16 } } } }",
     "stages[1][1] (inverted) has both expand and mid", ""},
    {MODEL "netaug.model { haed = {} }", "netaug.model has no field \"haed\"",
     "did you mean \"head\"?"},
    {MODEL "netaug.model { recipe = { momentum = 1 } }", "no recipe field \"momentum\"", ""},
    {MODEL "netaug.model { channels = 'x' }", "channels takes a whole number", ""},
    {MODEL "netaug.model(3)", "netaug.model takes a table, but got 3", ""},
    {MODEL "netaug.build({})", "netaug.build takes a model, but got a table", "netaug.models.NAME"},
    {MODEL "netaug.build(netaug.models.tiny {}, { widht = { 1, 2 } })",
     "augment has no setting \"widht\"", "did you mean \"width\"?"},
    {MODEL "netaug.build(netaug.models.tiny {}, { width = { 2, 3 } })",
     "augment.width begins with 2, but must begin with 1", "as in { 1, 2 }"},
    {MODEL "netaug.build(netaug.models.tiny {}, { width = { 1, 3, 2 } })", "candidates must rise",
     ""},
    {MODEL "netaug.build(netaug.models.tiny {}, { r = 3, width = { 1, 3 } })", "both r and a list",
     ""},
    {MODEL "netaug.build(netaug.models.tiny {}, { r = 0.5 })", "factor r is 0.5", ""},
    {MODEL "netaug.build(netaug.models.mobilenetv2 { width_mult = 15 }, { width = { 1, 64 } })",
     "its widest value exceeds", "smaller width"},
    {MODEL "netaug.build(netaug.model { head = { { 'linear' } } })", "expected a 1x1 input",
     "globalpool"},
    {MODEL "netaug.build(netaug.model { stem = { { 'separable', width = 5, residual = true } } })",
     "a shortcut needs stride 1 and 3 channels", ""},
};

static const mistake experiments[] = {
    {MODEL "netaug.experiment { mdoel = 1 }", "script.lua:2: an experiment has no field \"mdoel\"",
     "did you mean \"model\"?"},
    {MODEL "netaug.experiment { data = netaug.dataset('x') }",
     "experiment.model takes a model, but got "
     "nothing",
     "netaug.models.tiny"},
    {MODEL "netaug.experiment { model = netaug.models.tiny }", "got a function", "call it"},
    {MODEL "netaug.experiment { model = netaug.models.tiny {} }",
     "experiment.data takes a dataset, but "
     "got nothing",
     "netaug.dataset"},
    {MODEL "netaug.experiment { model = netaug.models.tiny {}, data = 'mnist' }",
     "experiment.data takes a dataset, but got a string", ""},
    {MODEL "netaug.experiment(3)", "netaug.experiment takes a table", ""},
    {MODEL "netaug.experiment { 3 }", "takes named fields", ""},
    {EXPERIMENT("train = { epoch = 3 }"), "script.lua:2: train has no setting \"epoch\"",
     "did you mean \"epochs\"?"},
    {EXPERIMENT("train = { epochs = '3' }"), "train.epochs takes a whole number", ""},
    {EXPERIMENT("train = { epochs = 2.5 }"), "but got 2.5", ""},
    {EXPERIMENT("train = { lr = 0 / 0 }"), "train.lr takes a number", ""},
    {EXPERIMENT("train = { nesterov = 1 }"), "train.nesterov takes true or false, but got 1", ""},
    {EXPERIMENT("train = { schedule = 'cosin' }"), "one of cosine|constant|exponential, but got \"cosin\"", ""},
    {EXPERIMENT("train = { lr = function() end }"), "but got a function", ""},
    {EXPERIMENT("train = { 5 }"), "train takes named settings", ""},
    {EXPERIMENT("train = 5"), "train takes a table of settings, but got a number", ""},
    {EXPERIMENT("augment = { with = { 1, 2 } }"), "augment has no setting \"with\"",
     "did you mean \"width\"?"},
    {EXPERIMENT("augment = { width = { 1, 'x' } }"), "got a list of something else", ""},
    {EXPERIMENT("augment = { width = { a = 1 } }"), "got a table with named fields", ""},
    {EXPERIMENT("augment = { width = { 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 } }"),
     "got a list that is too long", ""},
    {EXPERIMENT("augment = true"), "augment takes a table of settings, but got a boolean", ""},
    {EXPERIMENT("augment = { r = 2, expand = { 1, 2 } }"), "both r and a list", ""},
    {EXPERIMENT("name = 'a/b'"), "cannot be called \"a/b\"", "letters, digits"},
    {EXPERIMENT("name = '..'"), "cannot be called", ""},
    {EXPERIMENT("name = ''"), "cannot be called", ""},
    {EXPERIMENT("name = 5"), "experiment.name takes a string, but got a number", ""},
    {MODEL "netaug.dataset('x', { batches = 5 })", "script.lua:2: data has no setting \"batches\"",
     "did you mean \"batch\"?"},
    {MODEL "netaug.dataset('x', { batch = 0 })", "data.batch takes a whole number from 1", ""},
    {MODEL "netaug.dataset('x', { flip = 'yes' })", "data.flip takes true or false", ""},
    {MODEL "netaug.dataset()", "bad argument #1 to 'dataset'", ""},
    {MODEL "print(netaug.dataset('/no/such/folder').classes)", "/no/such/folder", ""},
    {EXPERIMENT("}.on_epoc = print; local _ = {"), "an experiment has no hook \"on_epoc\"",
     "did you mean \"on_epoch\"?"},
    {EXPERIMENT("}.on_epoch = 5; local _ = {"), "hook on_epoch takes a function, but got a number",
     ""},
    {EXPERIMENT("}.train.epocs = 5; local _ = {"), "train has no setting \"epocs\"",
     "did you mean \"epochs\"?"},
    {EXPERIMENT("}.train.epochs = -5; local _ = {"), "but got -5", ""},
    {EXPERIMENT("}:run(); local _ = {"), "x", ""}, /* no such data */
};

static const mistake nets[] = {
    {MODEL "local n = netaug.build(netaug.models.tiny {})\nn:param('head.op_list.2.linear.wieght')",
     "script.lua:3: network tiny has no parameter",
     "did you mean \"head.op_list.2.linear.weight\"?"},
    {MODEL "netaug.build(netaug.models.tiny {}):cost('wide')", "invalid option 'wide'", ""},
    {MODEL "netaug.build(netaug.models.tiny {}):cost { ['stem.cov'] = 8 }",
     "the network has no dimension \"stem.cov\"", "did you mean \"stem.conv\"?"},
    {MODEL "netaug.build(netaug.models.tiny {}):cost { ['stem.conv'] = 800 }",
     "width 800 is impossible", ""},
    {MODEL "netaug.build(netaug.models.tiny {}):cost { ['stem.conv'] = 0 }",
     "width 0 is impossible", ""},
    {MODEL "netaug.build(netaug.models.tiny {}):cost { ['stem.conv'] = 'x' }", "whole numbers", ""},
    {MODEL "netaug.build(netaug.models.tiny {}):widths { ['stem.conv'] = 9 }", "has no candidate 8",
     ""},
    {MODEL "netaug.build(netaug.models.tiny {}):sample('rndom')",
     "net:sample has no mode \"rndom\"", "did you mean \"random\"?"},
    {MODEL "netaug.build(netaug.models.tiny {}):initialize(1, 'x')",
     "net:initialize has no way \"x\"", ""},
    {MODEL "netaug.load('/no/such/file.h5')", "/no/such/file.h5", ""},
    {MODEL "netaug.load(arg[0])", "script.lua", ""},
    {MODEL "netaug.build(netaug.models.tiny {}):save('/no/such/folder/x.h5')", "/no/such/folder",
     ""},
    {MODEL "netaug.tensor { { 1, 2 }, { 3 } }", "same length", ""},
    {MODEL "netaug.tensor { { 1, 'x' } }", "made of numbers, but got a string", ""},
    {MODEL "netaug.tensor {}", "cannot be empty", ""},
    {MODEL "netaug.tensor { 1, 2, 3 }:slice(1, 2, 4)", "last 4 is outside 1 to 3", ""},
    {MODEL "netaug.tensor { 1, 2, 3 }:slice(2, 1)", "axis 2 is outside 1 to 1", ""},
    {MODEL "netaug.tensor { 1, 2, 3 }:slice(1, 3, 2)", "last 2 is before first 3", ""},
    {MODEL "return netaug.tensor { 1, 2, 3 }[4]", "row 4 is outside 1 to 3", ""},
    {MODEL "netaug.settings('trian')", "no subject \"trian\"", "did you mean \"train\"?"},
    {"help('netaug.lod')", "no help for \"netaug.lod\"", "did you mean \"netaug.load\"?"},
    {"help(5)", "no help for a number", ""},
};

static void refuse_all(const mistake *list, size_t count)
{
  char folder[64], path[256];
  scratch_make(folder);
  for (size_t i = 0; i < count; i++) {
    lua_state s;
    na_error err = {0};
    state_open(&s, folder);
    scratch_write(path, folder, "script.lua", list[i].script);
    int code = na_lua_start(s.lua, path, 0, NULL, &err);
    CHECK(code < 0, "%s is refused", list[i].script);
    CHECK(code == err.code, "%s: code %d, error %d", list[i].script, code, err.code);
    CHECK(strstr(err.message, list[i].message) != NULL, "%s: \"%s\" lacks \"%s\"", list[i].script,
          err.message, list[i].message);
    CHECK(strstr(err.hint, list[i].hint) != NULL, "%s: hint \"%s\" lacks \"%s\"", list[i].script,
          err.hint, list[i].hint);
    state_close(&s);
  }
  scratch_remove(folder);
}
#define REFUSE(list) refuse_all(list, sizeof(list) / sizeof(list)[0])

static void syntax_errors(void)
{
  REFUSE(syntax);
}
static void model_errors(void)
{
  REFUSE(models);
}
static void experiment_errors(void)
{
  REFUSE(experiments);
}
static void object_errors(void)
{
  REFUSE(nets);
}

static void override_errors(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, NULL);
  CHECK_FAILS(na_lua_override(s.lua, "train.epocs", "3", &err), NA_EINVAL, "\"epocs\"", err);
  CHECK_FAILS(na_lua_override(s.lua, "train.epochs", "three", &err), NA_EINVAL, "train.epochs",
              err);
  CHECK_FAILS(na_lua_override(s.lua, "trian.epochs", "3", &err), NA_EINVAL, "trian.epochs", err);
  CHECK_FAILS(na_lua_override(s.lua, "nme", "x", &err), NA_EINVAL, "\"nme\"", err);
  CHECK_OK(na_lua_override(s.lua, "train.epochs", "3", &err), err);
  CHECK_OK(na_lua_override(s.lua, "augment.width", "1, 2", &err), err);
  CHECK_OK(na_lua_override(s.lua, "data.batch", "7", &err), err);
  CHECK_OK(na_lua_override(s.lua, "name", "other", &err), err);
  state_close(&s);
}

static void missing_script(void)
{
  lua_state s;
  na_error err = {0};
  state_open(&s, NULL);
  CHECK_FAILS(na_lua_start(s.lua, "/no/such/script.lua", 0, NULL, &err), NA_EIO,
              "/no/such/script.lua", err);
  CHECK_FAILS(na_lua_start(s.lua, "/tmp", 0, NULL, &err), NA_EIO, "/tmp", err);
  state_close(&s);
}

/* Models that C asks for by name. */
static void build_errors(void)
{
  lua_state s;
  na_error err = {0};
  na_net *net = NULL;
  state_open(&s, NULL);
  CHECK_FAILS(na_lua_build(s.lua, &(na_lua_model){.name = "mcunett"}, &net, &err), NA_EINVAL,
              "\"mcunett\"", err);
  CHECK_FAILS(na_lua_build(s.lua, &(na_lua_model){.name = "tiny", .resolution = -3}, &net, &err),
              NA_EINVAL, "resolution", err);
  na_list bad = {2, {2, 3}};
  CHECK_FAILS(na_lua_build(s.lua, &(na_lua_model){.name = "tiny", .width = &bad}, &net, &err),
              NA_EINVAL, "begin with 1", err);
  CHECK(net == NULL, "no net");
  state_close(&s);
}

/* Every allocation of building a network fails once: an error each time, and nothing lost. */
static void out_of_memory(void)
{
  lua_state s;
  int failed = 0, done = 0;
  state_open(&s, NULL);
  for (unsigned long n = 1; n < 5000 && !done; n++) {
    na_error err = {0};
    na_net *net = NULL;
    na_alloc_fail_at(n);
    int code = na_lua_build(s.lua, &(na_lua_model){.name = "tiny"}, &net, &err);
    done = code == NA_OK;
    failed += !done;
    if (!done && strstr(err.message, "out of memory") == NULL)
      CHECK(0, "allocation %lu: %d: %s", n, code, err.message);
    na_net_free(net);
  }
  na_alloc_fail_at(0);
  CHECK(done && failed > 20, "%d allocations failed", failed);
  state_close(&s);
}

int main(void)
{
  RUN(syntax_errors);
  RUN(model_errors);
  RUN(experiment_errors);
  RUN(object_errors);
  RUN(override_errors);
  RUN(missing_script);
  RUN(build_errors);
  RUN(out_of_memory);
  return CHECK_EXIT();
}
